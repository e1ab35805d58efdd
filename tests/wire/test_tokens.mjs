/* Click tokens and stream tickets: what a page may do, and nothing else (E4-E6, B10).
 * The tokens of a site's own server are made by jose and jsonwebtoken. */
import { createHmac, generateKeyPairSync } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "./harness.mjs";
import { audited, far, lineTo } from "./far.mjs";

const require = createRequire(import.meta.url);
const jsonwebtoken = require("jsonwebtoken");
const jose = require("jose");

const ORIGIN = "https://shop.example";
const SITE = "a-secret-that-the-site-and-we-know-0123";
const secrets = { crm: "bp_crm_0123456789abcdefghijklmn", site: "bp_site_0123456789abcdefghijkl", signer: "bp_signer_0123456789abcdefghij", admin: "bp_admin_0123456789abcdefghijk" };
const { publicKey, privateKey } = generateKeyPairSync("ed25519");
const PEM = publicKey.export({ type: "spki", format: "pem" });
const env = { T_CRM: secrets.crm, T_SITE: secrets.site, T_SIGNER: secrets.signer, T_ADMIN: secrets.admin, T_SECRET: SITE, T_PEM: PEM };
const scopes = ["tokens:create", "calls:create", "calls:read", "events:read", "lines:read"];
const keys = [
	{ name: "crm", secret: "env:T_CRM", scopes, visitor_prefixes: ["+49", "853"], caller_ids: ["+4930111"] },
	{ name: "site", secret: "env:T_SITE", scopes, token_secret: "env:T_SECRET" },
	{ name: "signer", secret: "env:T_SIGNER", scopes, token_public_key: "env:T_PEM" },
	{ name: "admin", secret: "env:T_ADMIN", scopes: ["admin"] },
];

const bearer = (key, headers = {}) => ({ headers: { Authorization: `Bearer ${secrets[key] ?? key}`, ...headers } });
const from = (token, origin = ORIGIN) => bearer(token, origin ? { Origin: origin } : {});

const up = async (t, config = {}) => {
	const gw = await t.gateway({ sandbox: true, drain_s: 1, keys, http: { cors_origins: [ORIGIN] }, ...config }, { env });
	await registered(gw);
	return gw;
};
const registered = (gw) => eventually("the line is registered", async () =>
	(await gw.api("GET", "/lines/sandbox", bearer("crm"))).json?.state === "registered");

const minted = async (gw, more = {}) => {
	const reply = await gw.api("POST", "/tokens", { ...bearer("crm"), body: { to: "sim:busy", origin: ORIGIN, ...more } });
	equal(reply.status, 201, `POST /tokens: ${reply.text}`);
	return reply.json;
};
const click = (gw, token, body = {}, headers = {}) => gw.api("POST", "/calls", { headers: { ...from(token).headers, ...headers }, body });

test("tokens: E4: one click, one call, from its own page", async (t) => {
	const gw = await up(t);
	const { token, expires_at, to, uses } = await minted(gw);
	equal([to, uses], ["sim:busy", 1]);
	match(expires_at, /^20\d\d-/);
	for (const origin of [null, "https://evil.example", "http://shop.example", `${ORIGIN}:8443`, "null", `${ORIGIN}.evil.example`]) {
		const reply = await gw.api("POST", "/calls", { ...from(token, origin), body: {} });
		equal(reply.status, 401, `Origin ${origin}`);
		match(reply.headers["www-authenticate"], /invalid_token/);
	}
	const placed = await click(gw, token);
	equal([placed.status, placed.json.to], [201, "sim:busy"], placed.text);
	equal(placed.headers["access-control-allow-origin"], ORIGIN, "CORS");
	const again = await click(gw, token);
	equal([again.status, again.json.code], [401, "token_used"]);
	match(again.headers["www-authenticate"], /invalid_token/);
	const data = await audited(gw, 1, bearer("admin"));
	equal([data[0].code, data[0].to, data[0].key], ["token_used", "sim:busy", "crm"], "the audit");
});

test("tokens: E4: twenty at once with three uses are three calls, also after kill -9", async (t) => {
	const gw = await up(t);
	const { token } = await minted(gw, { uses: 3 });
	const replies = await Promise.all(Array.from({ length: 20 }, () => click(gw, token)));
	equal(replies.filter(({ status }) => status === 201).length, 3, "calls");
	equal(replies.filter(({ status, json }) => status === 401 && json.code === "token_used").length, 17, "refusals");
	await gw.kill("SIGKILL");
	await gw.restart();
	await registered(gw);
	equal((await click(gw, token)).json.code, "token_used", "after kill -9");
	equal((await gw.api("GET", "/calls", bearer("crm"))).json.data.length, 3, "calls");
});

test("tokens: E4: a use that was left before kill -9 is left after it", async (t) => {
	const gw = await up(t);
	const { token } = await minted(gw, { uses: 2 });
	equal((await click(gw, token)).status, 201);
	await gw.kill("SIGKILL");
	await gw.restart();
	await registered(gw);
	equal((await click(gw, token)).status, 201, "the second");
	equal((await click(gw, token)).json.code, "token_used", "the third");
});

test("tokens: A6: a retry with its Idempotency-Key is the first answer, though the token is used up", async (t) => {
	const gw = await up(t);
	const { token } = await minted(gw);
	const other = (await minted(gw)).token;
	const first = await click(gw, token, {}, { "Idempotency-Key": "k" });
	const again = await click(gw, token, {}, { "Idempotency-Key": "k" });
	equal([again.status, again.json.id, again.headers["idempotent-replayed"]], [201, first.json.id, "true"]);
	const theirs = await click(gw, other, {}, { "Idempotency-Key": "k" });
	equal(theirs.status, 201, "another visitor with the same key");
	ok(theirs.json.id !== first.json.id, "another visitor sees the first one's call");
	/* neither does dedupe_seconds show a stranger's call */
	const body = { dedupe_seconds: 600 };
	const a = await click(gw, (await minted(gw)).token, body);
	const b = await click(gw, (await minted(gw)).token, body);
	equal([a.status, b.status], [201, 201]);
	ok(a.json.id !== b.json.id, "one call for two visitors");
});

/* As a browser makes it, as far as the gateway looks before it answers. */
const OFFER = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "m=audio 9 UDP/TLS/RTP/SAVPF 8", "c=IN IP4 0.0.0.0", "a=mid:0", "a=rtcp-mux",
	"a=ice-ufrag:abcd", "a=ice-pwd:0123456789012345678901", `a=fingerprint:sha-256 ${Array(32).fill("AB").join(":")}`, "a=setup:actpass", "a=sendrecv", ""].join("\r\n");

test("tokens: E6: the page chooses nothing but whom to call back", async (t) => {
	const gw = await up(t);
	const { token } = await minted(gw, { uses: 50 });
	for (const [body, status, code, at] of [
		[{ to: "sim:answer" }, 403, "token_destination", "/to"],
		[{ to: "853" }, 403, "token_destination", "/to"],
		[{ to: { webrtc: { sdp: OFFER } }, from: "853" }, 403, "token_destination", "/to"],
		[{ line: "sandbox" }, 422, "invalid_call", "/line"],
		[{ from_line: "sandbox" }, 422, "invalid_call", "/from_line"],
		[{ headers: { "X-A": "b" } }, 422, "invalid_call", "/headers"],
		[{ caller_id: { number: "+4930111" } }, 422, "invalid_call", "/caller_id"],
		[{ time_limit: 9000 }, 422, "invalid_call", "/time_limit"],
		[{ record: true }, 422, "invalid_call", "/record"],
		[{ ring_timeout: 300 }, 422, "invalid_call", "/ring_timeout"],
		[{ join: "refer" }, 422, "invalid_call", "/join"],
		[{ send_digits: "1" }, 422, "invalid_call", "/send_digits"],
		[{ from: "+33123456789" }, 403, "token_visitor", "/from"],
		[{ from: "854" }, 403, "token_visitor", "/from"],
		[{ from: "sip:853@evil.example" }, 403, "token_visitor", "/from"],
		[{ from: "sim:answer" }, 403, "token_visitor", "/from"],
	]) {
		const reply = await click(gw, token, body);
		equal([reply.status, reply.json.code, reply.json.errors?.[0]?.pointer], [status, code, at], JSON.stringify(body));
	}
	const form = await gw.api("POST", "/calls", { ...from(token), body: "line=sandbox", type: "application/x-www-form-urlencoded" });
	equal([form.status, form.json.errors[0].pointer], [422, "/line"], "as a form");
	for (const path of ["/calls?dry_run=1", "/policy/check"])
		equal((await gw.api("POST", path, { ...from(token), body: {} })).status, 403, `${path} tells of lines and limits`);
	equal((await gw.api("GET", "/calls", bearer("crm"))).json.data, [], "calls that were placed");
	const placed = await click(gw, token, { from: "853", client_state: "s", metadata: { a: 1 } });
	equal([placed.status, placed.json.from, placed.json.client_state], [201, "853", "s"], placed.text);
	equal((await click(gw, token, { to: "sim:busy" })).status, 201, "its own destination named");
	/* the audit knows what was tried */
	const data = await audited(gw, 7, bearer("admin"));
	equal(data.filter(({ code }) => code === "token_visitor").map((row) => row.from).sort(), ["+33123456789", "854", "sim:answer", "sip:853@evil.example"], "visitors in the audit");
	equal(data.filter(({ code }) => code === "token_destination").map((row) => row.to).sort(), ["853", "sim:answer", "sim:busy"], "destinations in the audit: a browser is none");
});

test("tokens: E6: a key without visitor_prefixes calls nobody back", async (t) => {
	const gw = await up(t);
	const token = jsonwebtoken.sign({ jti: "v", dst: "sim:busy", org: ORIGIN }, SITE, signing);
	equal((await click(gw, token, { from: "853" })).json.code, "token_visitor");
	equal((await click(gw, token)).status, 201);
});

test("tokens: E4: the bearer sees and ends his own call, and no other", async (t) => {
	const gw = await up(t);
	const mine = (await minted(gw, { to: "sim:answer" })).token;
	const other = (await minted(gw, { to: "sim:answer" })).token;
	const call = (await click(gw, mine)).json;
	const theirs = (await click(gw, other)).json;
	const keyed = (await gw.api("POST", "/calls", { ...bearer("crm"), body: { to: "sim:answer" } })).json;
	const stream = await gw.events(`/calls/${call.id}/events`, from(mine));
	await stream.untilType("call.bridged", call.id);
	equal((await gw.api("GET", `/calls/${call.id}`, from(mine))).status, 200);
	for (const { id } of [theirs, keyed])
		for (const [method, path] of [["GET", ""], ["DELETE", ""], ["POST", "/hangup"], ["GET", "/events"]])
			equal((await gw.api(method, `/calls/${id}${path}`, from(mine))).status, 404, `${method} ${path} of another's`);
	for (const [method, path, body] of [
		["GET", "/calls"], ["GET", "/events"], ["GET", "/lines"], ["GET", "/lines/sandbox"], ["GET", "/capacity"], ["GET", "/metrics"], ["GET", "/audit"],
		["GET", `/calls/${call.id}/sip`], ["GET", `/calls/${call.id}/recording`],
		["POST", `/calls/${call.id}/transfer`, { to: "853" }], ["POST", `/calls/${call.id}/hold`], ["POST", `/calls/${call.id}/play`, { play: "x.wav" }], ["POST", `/calls/${call.id}/record`, { on: true }],
		["POST", "/tokens", { to: "853", origin: ORIGIN }], ["POST", "/stream-tickets", {}], ["POST", "/admin/freeze", { frozen: true }],
	]) {
		const reply = await gw.api(method, path, { ...from(mine), body });
		equal([reply.status, reply.json?.code], [403, "missing_scope"], `${method} ${path}`);
	}
	equal((await gw.api("POST", `/calls/${call.id}/dtmf`, { ...from(mine), body: { digits: "1" } })).status, 200, "dtmf");
	equal((await gw.api("DELETE", `/calls/${call.id}`, from(mine))).status, 200, "his own");
	await stream.untilType("call.ended", call.id);
	ok(!(await gw.api("GET", `/calls/${theirs.id}`, from(other))).json.ended_at, "the other's has ended, too");
	/* ended, and out of memory */
	await gw.kill();
	await gw.restart();
	equal((await gw.api("GET", `/calls/${call.id}`, from(mine))).json?.status, "completed", "after a restart");
	equal((await gw.api("GET", `/calls/${theirs.id}`, from(mine))).status, 404, "another's after a restart");
});

test("tokens: E4: max_seconds is the call's time limit", async (t) => {
	const gw = await up(t);
	const { token } = await minted(gw, { to: "sim:answer", max_seconds: 1 });
	const call = (await click(gw, token)).json;
	const stream = await gw.events(`/calls/${call.id}/events`, from(token));
	const ended = await stream.untilType("call.ended", call.id);
	equal([ended.call.status, ended.call.cause], ["completed", "time_limit"]);
});

test("tokens: what POST /tokens refuses", async (t) => {
	const gw = await up(t);
	const good = { to: "853", origin: ORIGIN };
	for (const [body, pointer] of [
		[{ origin: ORIGIN }, "/to"], [{ to: "853" }, "/origin"], [{ ...good, to: "" }, "/to"], [{ ...good, to: 853 }, "/to"],
		[{ ...good, to: "a b" }, "/to"], [{ ...good, to: "x".repeat(257) }, "/to"], [{ ...good, origin: "shop.example" }, "/origin"],
		[{ ...good, origin: `${ORIGIN}/` }, "/origin"], [{ ...good, origin: "ftp://a" }, "/origin"], [{ ...good, origin: "https://u@a" }, "/origin"],
		[{ ...good, origin: "https://" }, "/origin"], [{ ...good, expires_in: 301 }, "/expires_in"], [{ ...good, expires_in: 0 }, "/expires_in"],
		[{ ...good, uses: 101 }, "/uses"], [{ ...good, uses: 0 }, "/uses"], [{ ...good, max_seconds: 86401 }, "/max_seconds"], [{ ...good, line: "x" }, "/line"],
		[{ ...good, uses: "2" }, "/uses"],
	]) {
		const reply = await gw.api("POST", "/tokens", { ...bearer("crm"), body });
		equal([reply.status, reply.json.errors?.[0]?.pointer], [422, pointer], JSON.stringify(body));
	}
	const form = await gw.api("POST", "/tokens", { ...bearer("crm"), body: `to=853&origin=${encodeURIComponent(ORIGIN)}&uses=2&expires_in=300`, type: "application/x-www-form-urlencoded" });
	equal([form.status, form.json.uses], [201, 2], "a form");
	const open = await t.gateway({ sandbox: true, drain_s: 1 });
	equal((await open.api("POST", "/tokens", { body: good })).status, 409, "without keys");
});

/* Signed by the site's own server. ------------------------------------------- */

const signing = { algorithm: "HS256", expiresIn: 60, issuer: "site", audience: "bellpull", header: { typ: "c2c-widget+jwt", kid: "site" } };
const now_s = () => Math.floor(Date.now() / 1000);
const claims = (more = {}) => ({ iss: "site", aud: "bellpull", iat: now_s(), exp: now_s() + 60, jti: `j${Math.random()}`, dst: "sim:busy", org: ORIGIN, ...more });
const header = (more = {}) => ({ alg: "HS256", typ: "c2c-widget+jwt", kid: "site", ...more });

test("tokens: E4: tokens that jsonwebtoken and jose sign are taken", async (t) => {
	const gw = await up(t);
	const secret = new TextEncoder().encode(SITE);
	for (const [name, token] of [
		["jsonwebtoken HS256", jsonwebtoken.sign({ jti: "w1", dst: "sim:busy", org: ORIGIN }, SITE, signing)],
		["jose HS256", await new jose.SignJWT(claims()).setProtectedHeader(header()).sign(secret)],
		["jose EdDSA", await new jose.SignJWT(claims({ iss: "signer" })).setProtectedHeader(header({ alg: "EdDSA", kid: "signer" })).sign(privateKey)],
	]) {
		const reply = await click(gw, token);
		equal(reply.status, 201, `${name}: ${reply.text}`);
		equal((await click(gw, token)).json.code, "token_used", name);
	}
	const three = await new jose.SignJWT(claims({ n: 3, max_s: 5 })).setProtectedHeader(header()).sign(secret);
	for (const status of [201, 201, 201, 401])
		equal((await click(gw, three)).status, status, "n");
});

test("tokens: E4: tokens that are not right are 401, whoever signs them", async (t) => {
	const gw = await up(t, { http: { cors_origins: [ORIGIN], trusted_proxies: ["127.0.0.1"] } });
	const secret = new TextEncoder().encode(SITE);
	const sign = (c, h = {}, s = secret) => new jose.SignJWT(claims(c)).setProtectedHeader(header(h)).sign(s);
	const raw = (h, c) => { /* what no library signs */
		const text = [h, c].map((part) => Buffer.from(part).toString("base64url")).join(".");
		return `${text}.${createHmac("sha256", SITE).update(text).digest("base64url")}`;
	};
	const good = await sign();
	const [h, c, s] = good.split(".");
	const own = (await minted(gw)).token;
	const rows = [
		["alg none", jsonwebtoken.sign(claims(), null, { algorithm: "none", header: { typ: "c2c-widget+jwt", kid: "site" } })],
		["unsecured", new jose.UnsecuredJWT(claims()).encode()],
		["HS512", await sign({}, { alg: "HS512" }, Buffer.concat([Buffer.from(SITE), Buffer.alloc(64)]))],
		["HS384", jsonwebtoken.sign(claims(), SITE, { algorithm: "HS384", header: { typ: "c2c-widget+jwt", kid: "site" } })],
		["another secret", await sign({}, {}, new TextEncoder().encode(`${SITE}!`))],
		["the API key as secret", await sign({}, {}, new TextEncoder().encode(secrets.site))],
		["the public key as secret", raw(JSON.stringify(header({ kid: "signer" })), JSON.stringify(claims({ iss: "signer" })))],
		["the public key as HS256 secret", await sign({ iss: "signer" }, { kid: "signer" }, new TextEncoder().encode(PEM))],
		["typ JWT", await sign({}, { typ: "JWT" })],
		["no typ", await sign({}, { typ: undefined })],
		["no kid", await sign({}, { kid: undefined })],
		["kid of nobody", await sign({}, { kid: "nobody" })],
		["kid of another key", await sign({}, { kid: "crm" })],
		["kid of ours", await sign({}, { kid: "gateway:site" })],
		["crit", raw(JSON.stringify(header({ crit: ["x"], x: 1 })), JSON.stringify(claims()))],
		["no exp", await sign({ exp: undefined })],
		["no iat", await sign({ iat: undefined })],
		["exp too late", await sign({ exp: now_s() + 3600 })],
		["expired", await sign({ iat: now_s() - 120, exp: now_s() - 60 })],
		["of yesterday", await sign({ iat: now_s() - 90000, exp: now_s() - 89940 })],
		["iat ahead", await sign({ iat: now_s() + 600, exp: now_s() + 660 })],
		["nbf ahead", await sign({ nbf: now_s() + 600 })],
		["another audience", await sign({ aud: "other" })],
		["another issuer", await sign({ iss: "crm" })],
		["no jti", await sign({ jti: undefined })],
		["no dst", await sign({ dst: undefined })],
		["no org", await sign({ org: undefined })],
		["n 0", await sign({ n: 0 })],
		["n 101", await sign({ n: 101 })],
		["max_s 0", await sign({ max_s: 0 })],
		["more than 4 KiB", await sign({ pad: "x".repeat(3200) })],
		["claims said twice", raw(JSON.stringify(header()), `${JSON.stringify(claims()).slice(0, -1)},"dst":"853"}`)],
		["alg said twice", raw(`${JSON.stringify(header()).slice(0, -1)},"alg":"HS256"}`, JSON.stringify(claims()))],
		["padding", `${h}=.${c}.${s}`],
		["a part too many", `${good}.x`],
		["a signature of nothing", `${h}.${c}.`],
		["another's claims", `${h}.${Buffer.from(JSON.stringify(claims({ dst: "853" }))).toString("base64url")}.${s}`],
		["another's signature", `${own.split(".").slice(0, 2).join(".")}.${s}`],
		["encrypted", await new jose.EncryptJWT(claims()).setProtectedHeader({ alg: "dir", enc: "A128CBC-HS256", typ: "c2c-widget+jwt", kid: "site" }).encrypt(Buffer.alloc(32, 1))],
	];
	let i = 0;
	for (const [name, token] of rows) {
		/* each from another address, for guessers have to wait */
		const headers = { ...from(token).headers, "X-Forwarded-For": `198.51.100.${++i}` };
		const reply = await gw.exchange("POST", "/calls", { headers, body: {} });
		equal([reply.status, reply.json?.code], [401, "unauthorized"], name);
	}
	equal((await gw.api("GET", "/calls", bearer("crm"))).json.data, [], "calls");
	equal((await click(gw, good)).status, 201, "the one that is right");
	/* and nothing of a token is in the log */
	for (const token of [good, own])
		ok(!gw.log().includes(token.split(".")[2]), "the log has a token");
});

test("tokens: a token that has expired still shows its call, and places none", async (t) => {
	const gw = await up(t);
	const secret = new TextEncoder().encode(SITE);
	const sign = (c) => new jose.SignJWT(claims(c)).setProtectedHeader(header()).sign(secret);
	const call = (await click(gw, await sign({ jti: "late", dst: "sim:answer", n: 5 }))).json;
	const late = await sign({ jti: "late", dst: "sim:answer", n: 5, iat: now_s() - 120, exp: now_s() - 60 });
	equal((await click(gw, late)).status, 401, "a new call");
	equal((await gw.api("GET", `/calls/${call.id}`, from(late))).status, 200, "a look");
	equal((await gw.api("DELETE", `/calls/${call.id}`, from(late))).status, 200, "its end");
});

test("tokens: E1: disabling a key ends its tokens, and the streams of their bearers", async (t) => {
	const gw = await up(t);
	const { spawnSync } = await import("node:child_process");
	const key = (...words) => spawnSync(t.binary, ["--config", join(gw.dir, "bellpull.json"), "key", ...words],
		{ cwd: gw.dir, encoding: "utf8", timeout: 20_000, env: { ...process.env, ...env } });
	const stored = key("add", "stored", "--scope", "tokens:create").stdout.trim();
	await eventually("the key opens", async () => (await gw.exchange("GET", "/capacity", bearer(stored))).status === 200);
	const reply = await gw.api("POST", "/tokens", { ...bearer(stored), body: { to: "sim:answer", origin: ORIGIN, uses: 9 } });
	const { token } = reply.json;
	const call = (await click(gw, token)).json;
	const stream = await gw.events(`/calls/${call.id}/events`, from(token));
	equal(key("disable", "stored").status, 0);
	await eventually("the stream ends", () => stream.over);
	ok([401, 429].includes((await click(gw, token)).status), "a click");
	/* another key of that name, as there is one after a leak */
	equal(key("remove", "stored").status, 0);
	const fresh = key("add", "stored", "--scope", "tokens:create").stdout.trim();
	await eventually("the new key opens", async () => (await gw.exchange("GET", "/capacity", bearer(fresh))).status === 200);
	ok([401, 429].includes((await click(gw, token)).status), "a token of the one before");
	equal((await gw.api("POST", "/tokens", { ...bearer(fresh), body: { to: "sim:answer", origin: ORIGIN } })).status, 201);
});

/* B10: stream tickets. --------------------------------------------------------- */

const ticketOf = async (gw, key, body = {}, headers = {}) => {
	const reply = await gw.api("POST", "/stream-tickets", { ...bearer(key, headers), body });
	equal(reply.status, 201, reply.text);
	return reply.json.ticket;
};

test("tokens: B10: a ticket opens one stream, and again only who was there", async (t) => {
	const gw = await up(t);
	const ticket = await ticketOf(gw, "crm");
	match(ticket, /^[0-9a-f]{64}$/);
	const stream = await gw.events(`/events?ticket=${ticket}`);
	equal(stream.status, 200);
	equal((await gw.api("GET", `/events?ticket=${ticket}`)).status, 401, "a second time");
	const call = (await gw.api("POST", "/calls", { ...bearer("crm"), body: { to: "sim:busy" } })).json;
	const seen = await stream.untilType("call.ended", call.id);
	stream.close();
	const again = await gw.events(`/events?ticket=${ticket}`, { headers: { "Last-Event-ID": String(seen.id - 1) } });
	equal(again.status, 200, "again, with a Last-Event-ID");
	await again.untilType("call.ended", call.id);
	/* elsewhere it is nothing */
	for (const path of ["/calls", "/capacity", `/calls/${call.id}`])
		ok([400, 401].includes((await gw.api("GET", `${path}?ticket=${await ticketOf(gw, "crm")}`)).status), path);
	equal((await gw.api("GET", `/events?ticket=${"0".repeat(64)}`)).status, 401, "made up");
	equal((await gw.api("GET", "/events?ticket=")).status, 401, "empty");
});

test("tokens: B10: a ticket is for its call and its page", async (t) => {
	const gw = await up(t);
	const a = (await gw.api("POST", "/calls", { ...bearer("crm"), body: { to: "sim:answer" } })).json;
	const b = (await gw.api("POST", "/calls", { ...bearer("crm"), body: { to: "sim:answer" } })).json;
	const of_a = await ticketOf(gw, "crm", { call: a.id });
	for (const path of ["/events", `/calls/${b.id}/events`])
		equal((await gw.api("GET", `${path}?ticket=${of_a}`)).status, 401, path);
	equal((await gw.events(`/calls/${a.id}/events?ticket=${of_a}`)).status, 200);
	const of_page = await ticketOf(gw, "crm", {}, { Origin: ORIGIN });
	equal((await gw.api("GET", `/events?ticket=${of_page}`, { headers: { Origin: "https://evil.example" } })).status, 401, "another page");
	equal((await gw.events(`/events?ticket=${of_page}`, { headers: { Origin: ORIGIN } })).status, 200);
	const any = await ticketOf(gw, "crm"); /* asked for by the site's own server */
	equal((await gw.events(`/events?ticket=${any}`, { headers: { Origin: ORIGIN } })).status, 200, "of no page");
	for (const call of ["x", 7, "call_"])
		equal((await gw.api("POST", "/stream-tickets", { ...bearer("crm"), body: { call } })).status, 422);
	equal((await gw.api("POST", "/stream-tickets", bearer("crm"))).status, 201, "no body");
});

test("tokens: B10: no ticket and no token is in the log, and a restart ends tickets", async (t) => {
	const gw = await up(t, { log: { level: "debug" } });
	const ticket = await ticketOf(gw, "crm");
	const spare = await ticketOf(gw, "crm");
	await gw.events(`/events?ticket=${ticket}`);
	await gw.exchange("GET", `/events?ticket=${ticket}`);
	await gw.exchange("GET", `/calls?ticket=${ticket}`);
	const { token } = await minted(gw);
	await click(gw, token);
	const log = gw.log();
	match(log, /http\.request/);
	for (const secret of [ticket, spare, token, token.split(".")[2], secrets.crm])
		ok(!log.includes(secret), `the log has ${secret}`);
	await gw.kill();
	await gw.restart();
	equal((await gw.api("GET", `/events?ticket=${spare}`)).status, 401, "after a restart");
});

test("tokens: E5: what is dialled is what the token says", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ keys, lines: [lineTo(phone, { dial: { format: "e164" } })], policy: { countries: ["DE"] } }, { env });
	const { token } = await minted(gw, { to: "030123456" });
	equal((await click(gw, token, { to: "030123457" })).json.code, "token_destination");
	equal((await click(gw, token)).status, 201);
	await eventually("the INVITE", () => phone.invites.length);
	equal(phone.invites.map(({ user }) => user), ["+4930123456"]);
});
