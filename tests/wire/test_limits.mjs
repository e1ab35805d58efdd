/* How much may be dialled (E7, E13, E14), the kill switch (E17), and what an
 * Idempotency-Key and dedupe_seconds are worth in all of it (A6, A12, G2). */
import { equal, eventually, match, ok, test } from "./harness.mjs";
import { audited, far, lineTo } from "./far.mjs";

const secrets = { crm: "bp_crm_0123456789abcdefghijklmn", other: "bp_other_0123456789abcdefghijk", admin: "bp_admin_0123456789abcdefghijk" };
const env = { T_CRM: secrets.crm, T_OTHER: secrets.other, T_ADMIN: secrets.admin, TZ: "UTC" };
const keys = [
	{ name: "crm", secret: "env:T_CRM", project: "a" },
	{ name: "other", secret: "env:T_OTHER", project: "b" },
	{ name: "admin", secret: "env:T_ADMIN", project: "a", scopes: ["admin"] },
];
const as = (key, headers = {}) => ({ headers: { ...(key && { Authorization: `Bearer ${secrets[key]}` }), ...headers } });
const post = (gw, body, key = "crm", headers = {}) => gw.api("POST", "/calls", { ...as(key, headers), body });
const up = (t, phone, limits, more = {}) =>
	t.gateway({ keys, drain_s: 1, lines: [lineTo(phone)], ...more, policy: { countries: ["DE"], limits, ...more.policy } }, { env });

/* Limits of a minute: not in its last seconds. */
const in_one_minute = () => eventually("a minute that lasts", () => new Date().getSeconds() < 45, 20_000);
const ended = (gw, id, key = "crm") => eventually("the end", async () => {
	const { json } = await gw.api("GET", `/calls/${id}`, as(key));
	return json.ended_at && json;
});

const reached = (reply, rule, what) => {
	equal([reply.status, reply.json.code], [429, "limit_reached"], what);
	ok(Number(reply.headers["retry-after"]) >= 1, `${what}: Retry-After`);
	match(reply.headers["ratelimit"], new RegExp(`^"${rule}";r=0;t=\\d+$`), `${what}: RateLimit`);
	match(reply.headers["ratelimit-policy"], new RegExp(`^"${rule}";q=\\d+(;w=\\d+)?$`), `${what}: RateLimit-Policy`);
	match(reply.json.detail, new RegExp(`"${rule}"`), `${what}: the detail`);
};

test("limits: E7, A12: calls a minute, each key for itself", async (t) => {
	const phone = await far(t);
	const gw = await up(t, phone, [{ name: "a-minute", per: "key", window: "minute", calls: 3 }]);
	await in_one_minute();
	for (let i = 0; i < 3; i++)
		equal((await post(gw, { to: `85${i}` })).status, 201);
	reached(await post(gw, { to: "859" }), "a-minute", "the fourth");
	equal((await post(gw, { to: "859" }, "other")).status, 201, "another key");
	const dry = (await gw.api("POST", "/policy/check", { ...as("crm"), body: { to: "859" } })).json;
	equal([dry.allowed, dry.limit_reached, dry.time_limit], [true, "a-minute", 0]);
	equal(dry.limits.map(({ limit, counts, max, left }) => [limit, counts, max, left]), [["a-minute", "calls", 3, 0]]);
	const data = await audited(gw, 1, as("admin"));
	equal(data.map(({ code, rule, to }) => [code, rule, to]), [["limit_reached", "a-minute", "859"]], "the audit");
	match((await gw.api("GET", "/metrics", as("admin"))).text, /^bellpull_call_rejected_total\{code="limit_reached"\} 1$/m);
	await eventually("the INVITEs", () => phone.invites.length === 4);
});

test("limits: E13: at once, and free again at the end", async (t) => {
	const phone = await far(t, 200);
	const gw = await up(t, phone, [{ name: "two", per: "line", window: "at_once", calls: 2 }]);
	const replies = await Promise.all(Array.from({ length: 10 }, (_, i) => post(gw, { to: `85${i}` })));
	const placed = replies.filter(({ status }) => status === 201);
	equal(placed.length, 2, "calls of ten at once");
	reached(replies.find(({ status }) => status !== 201), "two", "the others");
	await gw.api("DELETE", `/calls/${placed[0].json.id}`, as("crm"));
	await ended(gw, placed[0].json.id);
	equal((await post(gw, { to: "853" })).status, 201, "when one has ended");
	/* what a crash has ended is not up */
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await post(gw, { to: "853" })).status, 201, "after kill -9");
	equal((await post(gw, { to: "853" })).status, 201, "after kill -9");
	equal((await post(gw, { to: "853" })).status, 429, "after kill -9");
});

test("limits: E14: the same two, so many different ones, and number after number", async (t) => {
	const phone = await far(t);
	const gw = await up(t, phone, [
		{ name: "pair", per: "pair", calls: 2, lines: ["office"], keys: ["crm"] },
		{ name: "different", per: "key", destinations: 3, keys: ["other"] },
		{ name: "scan", per: "key", neighbours: 3, keys: ["admin"] },
	]);
	for (const [to, status] of [["030123456", 201], ["+4930123456", 201], ["004930123456", 429], ["030123457", 201]])
		equal((await post(gw, { to, from: "853" })).status, status, `pair: ${to}`);
	equal((await post(gw, { to: "030123456", from: "854" })).status, 201, "another pair");
	for (const [to, status] of [["851", 201], ["852", 201], ["851", 201], ["853", 201], ["855", 429], ["852", 201]])
		equal((await post(gw, { to }, "other")).status, status, `different: ${to}`);
	for (const [to, status] of [["851", 201], ["852", 201], ["852", 201], ["853", 201], ["854", 429], ["859", 201], ["854", 201]])
		equal((await post(gw, { to }, "admin")).status, status, `scan: ${to}`);
	const data = await audited(gw, 3, as("admin"));
	equal(data.map(({ rule, key }) => [rule, key]).reverse(), [["pair", "crm"], ["different", "other"], ["scan", "admin"]], "the audit");
});

test("limits: E7: each client for itself, and a /64 is one", async (t) => {
	const phone = await far(t);
	const gw = await up(t, phone, [{ name: "client", per: "client", calls: 2 }], { http: { trusted_proxies: ["127.0.0.1"] } });
	for (const [address, status] of [["2001:db8::1", 201], ["2001:db8::2", 201], ["2001:db8::3", 429], ["2001:db8:0:1::1", 201], ["192.0.2.1", 201], ["192.0.2.2", 201], ["192.0.2.1", 201], ["192.0.2.1", 429]])
		equal((await post(gw, { to: "853" }, "crm", { "X-Forwarded-For": address })).status, status, address);
});

test("limits: E13: a hard limit gives a call what is left, and ends it then", async (t) => {
	const phone = await far(t, 200);
	const gw = await up(t, phone, [{ name: "talk", per: "key", minutes: 1, hard: true }, { name: "money", per: "key", cost: 20, hard: true }],
		{ policy: { rules: [{ name: "dear", prefixes: ["+4930"], cost: 1200 }] } });
	const dry = async (body) => (await gw.api("POST", "/calls?dry_run=1", { ...as("crm"), body })).json;
	equal((await dry({ to: "853" })).time_limit, 60, "what a minute leaves");
	equal((await dry({ to: "+4930123456" })).time_limit, 1, "what the money leaves");
	const stream = await gw.events("/events", as("crm"));
	const first = (await post(gw, { to: "853", time_limit: 30 })).json;
	equal((await dry({ to: "853" })).time_limit, 30, "while 30 s are set aside");
	const second = (await post(gw, { to: "854" })).json;
	const third = await post(gw, { to: "855" });
	reached(third, "talk", "when all is set aside");
	for (const { id } of [first, second]) {
		await gw.api("DELETE", `/calls/${id}`, as("crm"));
		await stream.untilType("call.ended", id);
	}
	const left = (await dry({ to: "853" })).time_limit;
	ok(left > 50 && left <= 60, `what was not used is given back: ${left}`);
	/* a second's worth of money: the gateway hangs up by itself */
	const call = (await post(gw, { to: "+4930123456" })).json;
	const over = await stream.untilType("call.ended", call.id);
	equal([over.call.status, over.call.cause, over.call.ended_by], ["completed", "time_limit", "timer"]);
	reached(await post(gw, { to: "+4930123456" }), "money", "when it is spent");
	equal((await post(gw, { to: "856" })).status, 201, "what costs nothing");
});

test("limits: E13: a hard limit leaves a call its redirect", async (t) => {
	const phone = await far(t, ({ user }) => (user === "853" ? 0 : 486));
	const gw = await up(t, phone, [{ name: "talk", per: "gateway", minutes: 1, hard: true }], { policy: { follow_redirects: true } });
	const call = (await post(gw, { to: "853" })).json;
	const invite = await eventually("the INVITE", () => phone.invites[0]);
	phone.reply(invite, 302, [`Contact: <sip:854@127.0.0.1:${phone.port}>`]);
	equal((await ended(gw, call.id)).cause, "busy");
	equal(phone.invites.map(({ user }) => user), ["853", "854"]);
});

test("limits: E13: what was counted today counts after kill -9, too", async (t) => {
	const phone = await far(t, ({ user }) => (user === "853" ? 200 : 486));
	const gw = await up(t, phone, [
		{ name: "day", per: "key", calls: 3 },
		{ name: "number", per: "destination", calls: 1, keys: ["other"] },
		{ name: "talk", per: "key", minutes: 1, hard: true, keys: ["admin"] },
	]);
	const stream = await gw.events("/events", as("admin"));
	const talk = (await post(gw, { to: "853" }, "admin")).json;
	await stream.untilType("call.bridged", talk.id);
	await eventually("a second of talk", async () =>
		Date.now() - Date.parse((await gw.api("GET", `/calls/${talk.id}`, as("admin"))).json.answered_at) > 1100);
	await gw.api("DELETE", `/calls/${talk.id}`, as("admin"));
	await stream.untilType("call.ended", talk.id);
	const left = async () => (await gw.api("POST", "/calls?dry_run=1", { ...as("admin"), body: { to: "853" } })).json.time_limit;
	const before = await left();
	ok(before < 60, `talked: ${before}`);
	for (let i = 0; i < 2; i++)
		equal((await post(gw, { to: `86${i}` })).status, 201);
	equal((await post(gw, { to: "030123456" }, "other")).status, 201);
	await gw.kill("SIGKILL");
	await gw.restart();
	match(gw.log(), /limits\.recounted/);
	equal(await left(), before, "seconds");
	equal((await post(gw, { to: "862" })).status, 201, "the third");
	reached(await post(gw, { to: "863" }), "day", "the fourth");
	reached(await post(gw, { to: "+4930123456" }, "other"), "number", "the same number, written in another way");
	equal((await post(gw, { to: "+4930123457" }, "other")).status, 201);
});

/* The kill switch. ------------------------------------------------------------- */

const freeze = async (gw, body) => {
	const reply = await gw.api("POST", "/admin/freeze", { ...as("admin"), body });
	equal([reply.status, reply.json.frozen], [200, body.frozen]);
};

test("limits: E17: frozen, nothing new is dialled, what runs goes on, and kill -9 doesn't thaw it", async (t) => {
	const phone = await far(t, 200);
	const gw = await up(t, phone, []);
	const stream = await gw.events("/events", as("crm"));
	const call = (await post(gw, { to: "853" })).json;
	await stream.untilType("call.bridged", call.id);
	equal((await gw.api("POST", "/admin/freeze", { ...as("crm"), body: { frozen: true } })).status, 403, "without admin");
	for (const body of [{}, { frozen: "yes" }, { frozen: true, hang_up: 1 }, { frozen: true, more: 1 }, []])
		ok([400, 422].includes((await gw.api("POST", "/admin/freeze", { ...as("admin"), body })).status), JSON.stringify(body));
	await freeze(gw, { frozen: true });
	const refused = await post(gw, { to: "854" });
	equal([refused.status, refused.json.code], [503, "frozen"]);
	ok(Number(refused.headers["retry-after"]) >= 1, "Retry-After");
	equal((await gw.api("GET", "/capacity", as("crm"))).json.frozen, true);
	ok(!(await gw.api("GET", `/calls/${call.id}`, as("crm"))).json.ended_at, "the running one has ended");
	equal((await audited(gw, 1, as("admin"))).map(({ code, to }) => [code, to]), [["frozen", "854"]], "the audit");
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await post(gw, { to: "854" })).json.code, "frozen", "after kill -9");
	await freeze(gw, { frozen: false });
	equal((await post(gw, { to: "854" })).status, 201, "thawed");
	await eventually("its INVITE", () => phone.invites.length === 2);
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await post(gw, { to: "855" })).status, 201, "thawed, after kill -9");
	await eventually("the INVITEs", () => phone.invites.length === 3);
	equal(phone.invites.map(({ user }) => user), ["853", "854", "855"]);
});

test("limits: E17: with hang_up the calls end, ringing and talking", async (t) => {
	const phone = await far(t, ({ user }) => (user === "853" ? 200 : 180));
	const gw = await up(t, phone, []);
	const stream = await gw.events("/events", as("crm"));
	const talking = (await post(gw, { to: "853" })).json;
	const ringing = (await post(gw, { to: "854" })).json;
	await stream.untilType("call.bridged", talking.id);
	await stream.untilType("call.ringing", ringing.id);
	await freeze(gw, { frozen: true, hang_up: true });
	equal((await stream.untilType("call.ended", talking.id)).call.status, "completed");
	equal((await stream.untilType("call.ended", ringing.id)).call.status, "canceled");
	const methods = (user) => phone.got.filter((message) => message.user === user).map(({ method }) => method);
	await eventually("the CANCEL", () => methods("854").includes("CANCEL"));
	await eventually("the BYE", () => phone.got.some(({ method }) => method === "BYE"));
});

test("limits: E17: frozen, the second of two people is rung all the same, a redirect is not", async (t) => {
	const phone = await far(t, ({ user }) => (user === "856" ? 486 : 0));
	const gw = await up(t, phone, [], { policy: { follow_redirects: true } });
	const redirected = (await post(gw, { to: "855" })).json;
	const two = (await post(gw, { from: "853", to: "856" })).json;
	await eventually("both INVITEs", () => phone.invites.length === 2);
	await freeze(gw, { frozen: true });
	const invite = (user) => phone.invites.find((message) => message.user === user);
	phone.reply(invite("855"), 302, [`Contact: <sip:857@127.0.0.1:${phone.port}>`]);
	equal((await ended(gw, redirected.id)).cause, "redirected");
	phone.reply(invite("853"), 200);
	equal((await ended(gw, two.id)).status, "busy");
	equal(phone.invites.map(({ user }) => user).sort(), ["853", "855", "856"]);
});

/* Once only. ---------------------------------------------------------------------- */

const keyed = (gw, key, body, who = "crm") => post(gw, body, who, { "Idempotency-Key": key });

test("limits: A6, G2: fifty POSTs with one key, kill -9 in their midst, and retries: one INVITE", async (t) => {
	for (let round = 0; round < 4; round++) {
		const phone = await far(t);
		const gw = await up(t, phone, []);
		let answered = 0;
		const tries = Array.from({ length: 50 }, () => keyed(gw, "k", { to: "853" }).then(({ status }) => {
			answered++;
			return status;
		}, () => 0));
		/* before any answer, or in the midst of them */
		await eventually("some answers", () => answered >= round * 5);
		gw.process.kill("SIGKILL");
		await gw.exited;
		const first = await Promise.all(tries);
		ok(first.every((status) => [0, 201, 409].includes(status)), `statuses ${[...new Set(first)]}`);
		await gw.restart();
		const again = await Promise.all(Array.from({ length: 50 }, () => keyed(gw, "k", { to: "853" })));
		const made = again.filter(({ status }) => status === 201);
		ok(again.every(({ status }) => status === 201 || status === 409), "201 or 409");
		equal(new Set(made.map(({ json }) => json.id)).size, 1, "calls");
		const last = await keyed(gw, "k", { to: "853" });
		equal([last.status, last.headers["idempotent-replayed"], last.json.id], [201, "true", made[0].json.id]);
		await ended(gw, last.json.id);
		ok(phone.invites.length <= 1, `${phone.invites.length} INVITEs`);
		/* none only if it was taken and died before it could ring */
		if (!phone.invites.length)
			equal((await gw.api("GET", `/calls/${last.json.id}`, as("crm"))).json.cause, "server_restart");
		equal((await gw.api("GET", "/calls", as("crm"))).json.data.length, 1, "calls in the list");
	}
});

test("limits: A6: what was answered once is answered again: at a limit, frozen, draining", async (t) => {
	const phone = await far(t, 200);
	const gw = await up(t, phone, [{ name: "one", per: "key", calls: 1 }], { drain_s: 5 });
	const first = await keyed(gw, "k", { to: "853" });
	equal(first.status, 201);
	const same = async (when) => {
		const again = await keyed(gw, "k", { to: "853" });
		equal([again.status, again.headers["idempotent-replayed"], again.text], [201, "true", first.text], when);
		const changed = await keyed(gw, "k", { to: "854" });
		equal([changed.status, changed.json.code], [422, "idempotency_mismatch"], `${when}, another body`);
	};
	await same("at the limit");
	reached(await keyed(gw, "new", { to: "854" }), "one", "a new key at the limit");
	await freeze(gw, { frozen: true });
	await same("frozen");
	equal((await keyed(gw, "new", { to: "854" })).json.code, "frozen", "a new key");
	await freeze(gw, { frozen: false });
	/* a refusal gives the key back */
	equal((await keyed(gw, "new", { to: "854" }, "other")).status, 201);
	const stream = await gw.events("/events", as("crm"));
	gw.process.kill("SIGTERM");
	await stream.untilType("gateway.draining");
	await same("draining");
	equal((await keyed(gw, "third", { to: "854" })).json.code, "draining", "a new key");
	const rows = gw.records().filter(({ event, msg }) => (event ?? msg) === "call.refused");
	ok(rows.length === 0 || rows.every(({ code }) => code !== "idempotency_mismatch"), "the audit has what was no refusal");
	await gw.exited;
	equal(phone.invites.length, 2, "INVITEs");
});

test("limits: A6: dedupe_seconds: twenty at once are one call, however the number is written", async (t) => {
	const phone = await far(t, 180);
	const gw = await up(t, phone, []);
	const ways = ["030123456", "+4930123456", "004930123456", "sip:+4930123456@127.0.0.1"];
	const body = (i) => ({ to: ways[i % 3], from: "853", dedupe_seconds: 600 });
	const replies = await Promise.all(Array.from({ length: 20 }, (_, i) => post(gw, body(i))));
	equal(replies.filter(({ status }) => status === 201).length, 1, "calls");
	const { id } = replies.find(({ status }) => status === 201).json;
	for (const reply of replies.filter(({ status }) => status !== 201))
		equal([reply.status, reply.headers.deduplicated, reply.json.id, reply.headers.location], [200, "true", id, `/calls/${id}`]);
	equal((await post(gw, { ...body(0), to: ways[3] })).json.id, id, "as a SIP address");
	equal((await post(gw, body(0), "admin")).json.id, id, "another key of the project");
	ok((await post(gw, body(0), "other")).json.id !== id, "another project");
	ok((await post(gw, { ...body(0), from: "854" })).json.id !== id, "from somebody else");
	ok((await post(gw, { to: ways[0], dedupe_seconds: 600 })).json.id !== id, "from nobody");
	ok((await post(gw, { to: ways[0], from: "853" })).json.id !== id, "who doesn't ask for it");
	await gw.kill("SIGKILL");
	await gw.restart();
	const after = await post(gw, body(1));
	equal([after.status, after.json.id, after.json.cause], [200, id, "server_restart"], "after kill -9");
});

test("limits: A6: who asks for no second call is counted once", async (t) => {
	const phone = await far(t, 180);
	const gw = await up(t, phone, [{ name: "three", per: "key", calls: 3 }]);
	equal((await post(gw, { to: "853", dedupe_seconds: 600 })).status, 201);
	equal((await post(gw, { to: "853", dedupe_seconds: 600 })).status, 200, "again");
	for (let i = 0; i < 3; i++)
		equal((await keyed(gw, "k", { to: "854" })).status, 201);
	equal((await post(gw, { to: "855" })).status, 201, "the third call");
	reached(await post(gw, { to: "856" }), "three", "the fourth");
	await eventually("the INVITEs", () => phone.invites.length === 3);
});
