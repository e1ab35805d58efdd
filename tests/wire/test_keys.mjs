/* Keys that come and go beside a gateway that runs (E1, E2, B11), and what one project
 * may know of another (A4). */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const bearer = (key, headers = {}) => ({ headers: { Authorization: `Bearer ${key}`, ...headers } });

/* `bellpull key ...` with the gateway's own configuration. */
const key = (t, gw, ...words) => spawnSync(t.binary, ["--config", join(gw.dir, "bellpull.json"), "key", ...words],
	{ cwd: gw.dir, encoding: "utf8", timeout: 20_000, env: { ...process.env, ...gw.env } });

const made = (t, gw, ...words) => {
	const { status, stdout, stderr } = key(t, gw, "add", ...words);
	equal(status, 0, `key add ${words.join(" ")} (${stderr})`);
	match(stdout, /^bp_[a-z]+_[0-9A-Za-z]{43}\n$/, "what is printed");
	return stdout.trim();
};

const pause = () => new Promise((done) => setTimeout(done, 250));

/* The key is known, which the first one isn't as long as everybody may ask. Asked for
 * slowly: the gateway looks twice a second, and takes ten wrong keys for a guesser. */
const opens = (gw, secret) => eventually("the key opens", async () =>
	((await gw.exchange("GET", "/capacity", bearer(secret))).status === 200 && (await gw.exchange("GET", "/capacity")).status === 401) || pause());
/* 429 after ten times: who asks with a wrong key is taken for a guesser. */
const shut = (gw, secret) => eventually("the key is shut out", async () =>
	[401, 429].includes((await gw.exchange("GET", "/capacity", bearer(secret))).status));

const ends = (stream) => eventually("the stream ends", () => stream.over);

const up = async (t, config = {}, options = {}) => {
	const gw = await t.gateway({ sandbox: true, drain_s: 1, ...config }, options);
	return gw;
};
const registered = (gw, secret) => eventually("the line is registered", async () =>
	(await gw.exchange("GET", "/lines/sandbox", secret ? bearer(secret) : {})).json?.state === "registered");

test("keys: E1: the first key shuts the door of a gateway that runs, and the last one does not open it", async (t) => {
	const gw = await up(t);
	equal((await gw.api("GET", "/calls")).status, 200, "without keys");
	const crm = made(t, gw, "crm");
	await opens(gw, crm);
	equal((await gw.api("GET", "/calls")).status, 401, "nothing shown");
	equal((await gw.api("GET", "/calls", bearer(crm))).status, 200);

	equal(key(t, gw, "disable", "crm").status, 0);
	await shut(gw, crm);
	equal((await gw.api("GET", "/calls")).status, 401, "nothing shown, and the last key disabled");
	equal(key(t, gw, "enable", "crm").status, 0);
	await opens(gw, crm);
	equal(key(t, gw, "remove", "crm").status, 0);
	await shut(gw, crm);
	equal((await gw.api("GET", "/calls")).status, 401, "nothing shown, and the last key removed");
});

test("keys: E1: what was added before and while it ran is there after kill -9", async (t) => {
	const gw = await up(t);
	const a = made(t, gw, "a");
	await opens(gw, a);
	const b = made(t, gw, "b");
	await opens(gw, b);
	await gw.kill("SIGKILL");
	const c = made(t, gw, "c");
	await gw.restart();
	for (const secret of [a, b, c])
		equal((await gw.api("GET", "/calls", bearer(secret))).status, 200);
	equal((await gw.api("GET", "/calls")).status, 401);
});

test("keys: E1: no key in the database, the log or the list", async (t) => {
	const gw = await up(t, { log: { level: "debug" } });
	const crm = made(t, gw, "crm", "--project", "shop", "--scope", "calls:create,calls:read");
	await opens(gw, crm);
	await gw.api("GET", "/calls", bearer(crm));
	await gw.api("GET", "/calls", bearer(`${crm}x`));
	const secret = crm.split("_")[2];
	const { stdout } = key(t, gw, "list");
	match(stdout, /^crm {2}project shop {2}account AC[0-9a-f]{32} {2}calls:create,calls:read {2}made 20\d\d-\d\d-\d\d {2}used 20\d\d-\d\d-\d\d\n$/, "the list");
	const files = readdirSync(gw.dir);
	ok(files.some((name) => name.endsWith(".db")), "there is no database");
	for (const name of files)
		ok(!readFileSync(join(gw.dir, name)).includes(secret), `${name} has the key`);
	ok(!stdout.includes(secret), "the list has the key");
	const twice = key(t, gw, "add", "crm");
	equal([twice.status, twice.stdout], [65, ""], "the name is taken");
});

test("keys: B11: a key that is disabled loses its streams, others keep theirs", async (t) => {
	const gw = await up(t);
	const crm = made(t, gw, "crm");
	const other = made(t, gw, "other");
	await opens(gw, other);
	await registered(gw, other);
	await opens(gw, crm);
	const call = (await gw.api("POST", "/calls", { ...bearer(crm), body: { to: "sim:answer" } })).json;
	const all = await gw.events("/events", bearer(crm));
	const one = await gw.events(`/calls/${call.id}/events`, bearer(crm));
	const login = await gw.api("POST", "/session", { body: { key: crm } });
	const cookie = login.headers["set-cookie"].split(";")[0];
	const page = await gw.events("/events", { headers: { Cookie: cookie } });
	const ticket = (await gw.api("POST", "/stream-tickets", { ...bearer(crm), body: {} })).json.ticket;
	const ticketed = await gw.events(`/events?ticket=${ticket}`);
	const theirs = await gw.events("/events", bearer(other));
	equal([all.status, one.status, page.status, ticketed.status, theirs.status], [200, 200, 200, 200, 200]);

	equal(key(t, gw, "disable", "crm").status, 0);
	for (const stream of [all, one, page, ticketed])
		await ends(stream);
	ok(!theirs.over, "the other's stream has ended, too");
	for (const shown of [bearer(crm), { headers: { Cookie: cookie } }])
		equal((await gw.api("GET", "/events", shown)).status, 401);
	equal((await gw.api("GET", `/events?ticket=${ticket}`, { headers: { "Last-Event-ID": "1" } })).status, 401, "a ticket of it");
	equal((await gw.api("GET", "/calls", { headers: { Cookie: cookie } })).status, 401, "a session of it");
	const mark = (await gw.api("POST", "/calls", { ...bearer(other), body: { to: "sim:busy" } })).json;
	await theirs.untilType("call.ended", mark.id);
});

test("keys: E1: a key expires by itself, and its streams with it", async (t) => {
	const gw = await up(t);
	const crm = made(t, gw, "crm", "--expires", "1");
	const stays = made(t, gw, "stays");
	await opens(gw, crm);
	await opens(gw, stays);
	const stream = await gw.events("/events", bearer(crm));
	equal(stream.status, 200);
	/* a day later, as far as its row says */
	const soon = Date.now() + 300;
	const { status } = spawnSync("python3", ["-c",
		`import sqlite3; d = sqlite3.connect("bellpull.db", timeout=10); d.execute("UPDATE keys SET expires_at = ${soon} WHERE name = 'crm'"); d.execute("UPDATE meta SET value = value + 1 WHERE name = 'keys_version'"); d.commit()`],
	{ cwd: gw.dir, timeout: 20_000 });
	equal(status, 0, "python3");
	await ends(stream);
	equal((await gw.api("GET", "/calls", bearer(crm))).status, 401);
	equal((await gw.api("GET", "/calls", bearer(stays))).status, 200);
	match(key(t, gw, "list").stdout, /^crm .* expires \d{4}-\d\d-\d\d$/m);
});

test("keys: E2: a key of the store does what its scopes say, and no more", async (t) => {
	const gw = await up(t);
	const crm = made(t, gw, "crm", "--scope", "calls:read");
	await opens(gw, crm);
	equal((await gw.api("GET", "/calls", bearer(crm))).status, 200);
	for (const [method, path, body, scope] of [
		["POST", "/calls", { to: "853" }, "calls:create"],
		["POST", "/calls?dry_run=1", { to: "853" }, "calls:create"],
		["POST", "/policy/check", { to: "853" }, "calls:create"],
		["DELETE", "/calls/x", undefined, "calls:hangup"],
		["POST", "/calls/x/dtmf", { digits: "1" }, "calls:control"],
		["POST", "/calls/x/transfer", { to: "853" }, "calls:control"],
		["GET", "/events", undefined, "events:read"],
		["POST", "/stream-tickets", {}, "events:read"],
		["GET", "/lines", undefined, "lines:read"],
		["POST", "/lines/sandbox/check", undefined, "lines:check"],
		["POST", "/tokens", { to: "853", origin: "https://a.example" }, "tokens:create"],
		["GET", "/metrics", undefined, "metrics:read"],
		["GET", "/audit", undefined, "admin"],
		["POST", "/admin/freeze", { frozen: true }, "admin"],
	]) {
		const reply = await gw.api(method, path, { ...bearer(crm), body });
		equal([reply.status, reply.json.code], [403, "missing_scope"], `${method} ${path}`);
		match(reply.json.detail, new RegExp(scope), path);
		match(reply.headers["www-authenticate"], new RegExp(`scope="${scope}"`), path);
	}
	equal((await gw.api("GET", "/capacity", bearer(crm))).json.frozen, false, "frozen");
});

/* Alice's call, from its beginning to its end, does not exist for bob. */
const unseen = async (t, options) => {
	const gw = await up(t);
	const alice = made(t, gw, "alice", "--project", "a", "--scope", "admin");
	const bob = made(t, gw, "bob", ...options);
	await opens(gw, bob);
	await opens(gw, alice);
	await registered(gw, alice);
	const stream = await gw.events("/events", bearer(alice));
	const call = (await gw.api("POST", "/calls", { ...bearer(alice), body: { to: "sim:answer", record: true } })).json;
	await stream.untilType("call.bridged", call.id);
	const path = `/calls/${call.id}`;
	const routes = [
		["GET", path], ["GET", `${path}?wait=ended&timeout=5`], ["DELETE", path], ["POST", `${path}/hangup`],
		["GET", `${path}/events`], ["GET", `${path}/sip`], ["GET", `${path}/recording`],
		["POST", `${path}/dtmf`, { digits: "1" }], ["POST", `${path}/hold`], ["POST", `${path}/unhold`], ["POST", `${path}/mute`],
		["POST", `${path}/unmute`], ["POST", `${path}/transfer`, { to: "853" }], ["POST", `${path}/play`, { play: "x.wav" }], ["POST", `${path}/record`, { on: true }],
	];
	const look = async (when) => {
		for (const [method, at, body] of routes) {
			const reply = await gw.api(method, at, { ...bearer(bob), body });
			/* a sound that is nowhere is told before anybody's call is looked for */
			const want = at.endsWith("/play") ? [404, 422] : [404];
			ok(want.includes(reply.status), `${when}: ${method} ${at}: ${reply.status}`);
			ok(!reply.text.includes("sim:answer"), `${when}: ${method} ${at} tells of it`);
		}
		equal((await gw.api("GET", "/calls", bearer(bob))).json.data, [], `${when}: bob's list`);
	};
	await look("living");
	ok(!(await gw.api("GET", path, bearer(alice))).json.ended_at, "bob has ended it");
	await gw.api("DELETE", path, bearer(alice));
	await stream.untilType("call.ended", call.id);
	await look("ended");
	equal((await gw.api("GET", path, bearer(alice))).status, 200);
	/* a ticket is no way round */
	const ticket = (await gw.api("POST", "/stream-tickets", { ...bearer(bob), body: { call: call.id } })).json.ticket;
	equal((await gw.api("GET", `${path}/events?ticket=${ticket}`)).status, 404, "by a ticket");
	return { gw, alice, bob, call };
};

test("keys: A4: another project's call is 404 on every route, living and ended", async (t) => {
	await unseen(t, ["--project", "b", "--scope", "admin"]);
});

test("keys: E2: with calls:read:own another key's call is 404 on every route, and its own is not", async (t) => {
	const { gw, alice, bob, call } = await unseen(t, ["--project", "a",
		"--scope", "calls:create,calls:read:own,calls:hangup,calls:control,calls:erase,events:read"]);
	equal((await gw.api("POST", `/calls/${call.id}/erase`, bearer(bob))).status, 404, "erase");
	const live = await gw.events("/events", bearer(bob));
	const order = { to: "sim:busy", dedupe_seconds: 60 };
	const mine = (await gw.api("POST", "/calls", { ...bearer(bob), body: order })).json;
	const theirs = (await gw.api("POST", "/calls", { ...bearer(alice), body: order })).json;
	ok(mine.id !== theirs.id, "alice is told of bob's as of the same call");
	const all = await gw.events("/events?last_event_id=0", bearer(alice));
	await all.untilType("call.ended", theirs.id);
	await all.untilType("call.ended", mine.id);
	await live.untilType("call.ended", mine.id);
	equal((await gw.api("GET", `/calls/${mine.id}`, bearer(bob))).json.status, "busy");
	equal((await gw.api("GET", "/calls", bearer(bob))).json.data.map(({ id }) => id), [mine.id], "bob's list");
	equal((await gw.api("GET", "/calls", bearer(alice))).json.data.length, 3, "alice's list");
	const account = `AC${createHash("sha256").update("a").digest("hex").slice(0, 32)}`;
	const asTwilio = async (secret) => (await gw.api("GET", `/2010-04-01/Accounts/${account}/Calls.json`,
		{ headers: { Authorization: `Basic ${Buffer.from(`${account}:${secret}`).toString("base64")}` } })).json.calls.length;
	equal([await asTwilio(bob), await asTwilio(alice)], [1, 3], "the lists as Twilio's");
	const told = (await gw.api("GET", `/calls/${mine.id}/events`, { headers: { ...bearer(bob).headers, Accept: "application/json" } })).json.data;
	ok(told.length > 3, "the events of bob's call");
	/* live, from the ring, and after a restart from the disk */
	await gw.kill("SIGTERM");
	await gw.restart();
	const again = await gw.events("/events?last_event_id=0", bearer(bob));
	await again.untilType("call.ended", mine.id);
	const last = (await gw.api("POST", "/calls", { ...bearer(bob), body: { to: "sim:busy" } })).json;
	await again.untilType("call.ended", last.id);
	for (const stream of [live, again])
		equal(stream.seen.filter(({ call_id }) => call_id && ![mine.id, last.id].includes(call_id)), [], "others' events");
	equal((await gw.api("GET", `/calls/${call.id}`, bearer(bob))).status, 404, "after a restart");
	equal((await gw.api("GET", `/calls/${mine.id}`, bearer(bob))).status, 200, "its own after a restart");
});

test("keys: E2: a key with lines uses these alone", async (t) => {
	const gw = await up(t, { lines: [{ name: "other", user: "858", domain: "127.0.0.1", port: 9, register: false, default: true }] });
	const crm = made(t, gw, "crm", "--line", "sandbox");
	await opens(gw, crm);
	await registered(gw, crm);
	equal((await gw.api("GET", "/lines", bearer(crm))).json.data.map((line) => line.name), ["sandbox"]);
	const refused = await gw.api("POST", "/calls", { ...bearer(crm), body: { to: "853", line: "other" } });
	equal([refused.status, refused.json.errors?.[0]?.pointer], [422, "/line"]);
	const other = await gw.api("POST", "/calls", { ...bearer(crm), body: { to: "sim:busy", line: "sandbox", from: "853", from_line: "other" } });
	equal([other.status, other.json.errors?.[0]?.pointer], [422, "/from_line"]);
	equal((await gw.api("POST", "/calls", { ...bearer(crm), body: { to: "sim:busy", line: "sandbox" } })).status, 201);
});

test("keys: E1: a door that others can reach opens with a key of the store", async (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	const file = join(dir, "bellpull.json");
	writeFileSync(file, JSON.stringify({ http: { listen: ["0.0.0.0:0"] }, store: { url: `sqlite:${join(dir, "db")}` } }));
	const bellpull = (...args) => spawnSync(t.binary, ["--config", file, ...args], { cwd: dir, encoding: "utf8", timeout: 20_000 });
	const refused = bellpull("--check");
	equal(refused.status, 78, "--check");
	match(refused.stderr, /bellpull key add/);
	ok(!existsSync(join(dir, "db")), "--check has made a store");
	equal(bellpull().status, 78, "the start");
	equal(bellpull("key", "add", "crm").status, 0);
	equal(bellpull("--check").status, 0, "--check with a key");
	equal(bellpull("key", "remove", "crm").status, 0);
	equal(bellpull("--check").status, 78, "--check without it");
});
