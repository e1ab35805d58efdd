/* Keys, scopes, the page's session, and the limit for guessing (B10, E2, E8). */
import { spawnSync } from "node:child_process";
import { writeFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, match, ok, test } from "./harness.mjs";

const KEY = "bp_test_0123456789abcdefghijklmnop";
const READER = "bp_reader_0123456789abcdefghijk";
const env = { TEST_KEY: KEY, TEST_READER: READER };
const keys = [
	{ name: "all", secret: "env:TEST_KEY", scopes: ["admin"] },
	{ name: "reader", secret: "env:TEST_READER", scopes: ["calls:read"] },
];
const bearer = (key) => ({ headers: { Authorization: `Bearer ${key}` } });

test("auth: no key, no answer", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	for (const [method, path] of [["GET", "/calls"], ["GET", "/events"], ["GET", "/lines"], ["GET", "/capacity"], ["GET", "/metrics"], ["DELETE", "/calls/x"]]) {
		const reply = await gw.api(method, path);
		equal([reply.status, reply.json.code], [401, "unauthorized"], path);
		equal(reply.headers["www-authenticate"], 'Bearer realm="bellpull"');
	}
	equal((await gw.api("POST", "/calls", { body: { to: "853" } })).status, 401);
});

test("auth: a wrong key is told from none", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	for (const key of ["", "x", KEY.slice(0, -1), `${KEY}x`, KEY.toUpperCase()]) {
		const reply = await gw.api("GET", "/calls", bearer(key));
		equal(reply.status, 401, key);
		match(reply.headers["www-authenticate"], /error="invalid_token"/);
	}
	equal((await gw.api("GET", "/calls", { headers: { Authorization: `Basic ${btoa(`x:${KEY}`)}` } })).status, 401);
	equal((await gw.api("GET", `/calls?key=${KEY}`)).status, 401, "a key in the URL");
});

test("auth: the right key opens, whatever the case of Bearer", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	equal((await gw.api("GET", "/calls", bearer(KEY))).status, 200);
	equal((await gw.api("GET", "/capacity", { headers: { Authorization: `bearer ${KEY}` } })).status, 200);
});

test("auth: a missing scope is named", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	equal((await gw.api("GET", "/calls", bearer(READER))).status, 200);
	for (const [method, path, scope] of [["POST", "/calls", "calls:create"], ["DELETE", "/calls/x", "calls:hangup"], ["GET", "/events", "events:read"], ["GET", "/metrics", "metrics:read"]]) {
		const reply = await gw.api(method, path, { ...bearer(READER), body: method === "POST" ? { to: "853" } : undefined });
		equal([reply.status, reply.json.code], [403, "missing_scope"], path);
		match(reply.json.detail, new RegExp(scope));
		match(reply.headers["www-authenticate"], new RegExp(`scope="${scope}"`));
	}
});

test("auth: probes, page and description need no key", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	for (const path of ["/livez", "/", "/app.js", "/openapi.json"])
		equal((await gw.api("GET", path)).status, 200, path);
});

test("auth: what isn't ready is told to those who have a key", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	equal((await gw.api("GET", "/readyz")).json.checks, undefined);
	ok((await gw.api("GET", "/readyz", bearer(READER))).json.checks, "no checks for a key");
});

test("auth: a session stands for its key", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	const login = await gw.api("POST", "/session", { body: { key: READER } });
	equal([login.status, login.text], [204, ""]);
	match(login.headers["set-cookie"], /; HttpOnly; SameSite=Strict$/);
	ok(!login.headers["set-cookie"].includes(READER), "the key in the cookie");

	const cookie = login.headers["set-cookie"].split(";")[0];
	const headers = { Cookie: `a=b; ${cookie}; c=d` };
	equal((await gw.api("GET", "/calls", { headers })).status, 200);
	equal((await gw.api("GET", "/metrics", { headers })).status, 403, "the scopes of its key");
	equal((await gw.api("GET", "/calls", { headers: { Cookie: `${cookie}0` } })).status, 401);
	equal((await gw.api("GET", "/calls", { headers: { Cookie: cookie.slice(0, -1) } })).status, 401);
});

test("auth: a session is for the page of this server alone", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	const login = await gw.api("POST", "/session", { body: { key: KEY } });
	const cookie = login.headers["set-cookie"].split(";")[0];
	const body = { to: "" };
	for (const [origin, status] of [["http://evil.example", 403], ["null", 403], [gw.url, 422]]) {
		const reply = await gw.api("POST", "/calls", { body, headers: { Cookie: cookie, Origin: origin } });
		equal(reply.status, status, origin);
	}
});

test("auth: sessions of a dead process are dead", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	const login = await gw.api("POST", "/session", { body: { key: KEY } });
	const headers = { Cookie: login.headers["set-cookie"].split(";")[0] };
	await gw.kill();
	await gw.restart();
	equal((await gw.api("GET", "/calls", { headers })).status, 401);
});

test("auth: after ten wrong keys guessers have to wait, and nobody else", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	for (let i = 0; i < 10; i++)
		equal((await gw.api(i % 2 ? "GET" : "POST", i % 2 ? "/calls" : "/session", i % 2 ? bearer(`guess ${i}`) : { body: { key: `guess ${i}` } })).status, 401);
	for (const reply of [await gw.api("GET", "/calls", bearer("guess")), await gw.api("POST", "/session", { body: { key: "guess" } })])
		equal([reply.status, reply.json.code, reply.headers["retry-after"]], [429, "rate_limited", "60"]);
	equal((await gw.api("GET", "/livez")).status, 200, "probes");
	equal((await gw.api("GET", "/calls", bearer(KEY))).status, 200, "who has the key");
	equal((await gw.api("POST", "/session", { body: { key: KEY } })).status, 204, "who has the key");
});

test("auth: behind a trusted proxy, each client has its own limit", async (t) => {
	const gw = await t.gateway({ keys, http: { trusted_proxies: ["127.0.0.1"] } }, { env });
	const from = (client, key) => gw.api("GET", "/calls", { headers: { Authorization: `Bearer ${key}`, "X-Forwarded-For": client } });
	for (let i = 0; i < 10; i++)
		equal((await from("2001:db8::1", "guess")).status, 401);
	equal((await from("2001:db8::2", "guess")).status, 429, "the same network");
	equal((await from("2001:db8:1::1", "guess")).status, 401, "another one");
	equal((await from("2001:db8::2", KEY)).status, 200, "who has the key");
});

test("auth: with keys, any host name will do", async (t) => {
	const gw = await t.gateway({ keys }, { env });
	const reply = await gw.api("GET", "/calls", { headers: { Authorization: `Bearer ${KEY}`, Host: "calls.example" } });
	equal(reply.status, 200);
});

test("auth: no secret reaches the log", async (t) => {
	const gw = await t.gateway({ keys, log: { level: "debug" } }, { env });
	await gw.api("GET", "/calls", bearer(KEY));
	await gw.api("GET", "/calls", bearer("bp_guess_of_a_stranger"));
	const login = await gw.api("POST", "/session", { body: { key: KEY } });
	const cookie = login.headers["set-cookie"].split(";")[0];
	await gw.api("GET", "/calls", { headers: { Cookie: cookie } });
	await gw.exchange("GET", `/calls/${KEY}`, bearer(KEY));
	const log = gw.log();
	match(log, /http\.request/);
	for (const secret of [KEY, READER, "bp_guess_of_a_stranger", cookie.split("=")[1]])
		ok(!log.includes(secret), `the log has ${secret}`);
});

test("auth: listening to others without keys is refused at the start", async (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	const file = join(dir, "bellpull.json");
	writeFileSync(file, JSON.stringify({ http: { listen: ["0.0.0.0:0"] }, store: { url: `sqlite:${join(dir, "db")}` } }));
	const { status, stdout, stderr } = spawnSync(t.binary, ["--config", file], { cwd: dir, encoding: "utf8", timeout: 10_000 });
	ok(status !== 0 && status !== null, `it started: ${status}`);
	match(stdout + stderr, /keys/);
});

test("auth: a key's requests have a rate, probes have not", async (t) => {
	const gw = await t.gateway({ keys, limits: { requests_per_s: 1 } }, { env });
	let reply;
	do
		reply = await gw.api("GET", "/capacity", bearer(KEY));
	while (reply.status === 200);
	equal([reply.status, reply.json.code, reply.headers["retry-after"]], [429, "rate_limited", "1"]);
	equal((await gw.api("GET", "/livez")).status, 200);
	equal((await gw.api("GET", "/calls", bearer(READER))).status, 200, "another key");
});
