/* Calls for later: they wait on disk, begin once, and can be called off. */
import { equal, eventually, match, ok, test } from "./harness.mjs";

const up = async (t, config = {}) => {
	const gw = await t.gateway({ sandbox: true, ...config }, { env: { TZ: "UTC" } });
	await registered(gw);
	return gw;
};
const registered = (gw) => eventually("the line is registered", async () =>
	(await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
const ahead = (ms) => new Date(Date.now() + ms).toISOString();
const HOUR = 3_600_000;
const place = async (gw, body) => {
	const reply = await gw.api("POST", "/calls", { body });
	equal([reply.status, reply.json.status], [201, "queued"], JSON.stringify(reply.json));
	return reply.json;
};
const read = async (gw, id) => (await gw.api("GET", `/calls/${id}`)).json;
const ended = (gw, id) => eventually(`${id} has ended`, async () => {
	const call = await read(gw, id);
	return call.state === "ended" && call;
});
const journal = async (gw, id) => (await gw.api("GET", `/calls/${id}/events`, { headers: { Accept: "application/json" } })).json.data;
const types = async (gw, id) => (await journal(gw, id)).map((event) => event.type);

test("a call for later waits, begins at its time and ends once", async (t) => {
	const gw = await up(t);
	const due = ahead(700);
	const call = await place(gw, { to: "sim:busy", not_before: due });
	equal([call.state, call.not_before, call.started_at], ["queued", due, null]);
	equal((await gw.api("GET", "/calls?status=queued")).json.data.map((one) => one.id), [call.id], "queued calls");
	const end = await ended(gw, call.id);
	equal([end.status, end.cause, end.not_before], ["busy", "busy", due]);
	ok(end.started_at >= due, `it began at ${end.started_at}, due ${due}`);
	const journal = await eventually("its end is on disk", async () => {
		const all = await types(gw, call.id);
		return all.at(-1) === "call.ended" && all;
	});
	equal(journal, ["call.queued", "call.initiated", "leg.initiated", "leg.ended", "call.ended"], "journal");
});

test("DELETE calls it off, and nothing was dialled", async (t) => {
	const gw = await up(t);
	const call = await place(gw, { to: "853", not_before: ahead(HOUR) });
	const gone = await gw.api("DELETE", `/calls/${call.id}`);
	equal([gone.status, gone.json.status, gone.json.cause, gone.json.ended_by], [200, "canceled", "canceled_by_api", "api"]);
	await eventually("its end is on disk", async () => (await types(gw, call.id)).join() === "call.queued,call.ended");
	equal((await gw.api("DELETE", `/calls/${call.id}`)).status, 200, "again");
	equal((await gw.api("GET", `/calls/${call.id}/sip`)).json.messages, [], "messages");
});

test("calls wait through kill -9 and SIGTERM, and each begins once", async (t) => {
	const gw = await up(t);
	const far = await place(gw, { to: "853", not_before: ahead(HOUR), client_state: "kept", metadata: { contact: 797 } });
	const near = await place(gw, { to: "sim:busy", not_before: ahead(3000) });
	await gw.kill("SIGKILL");
	await gw.restart();
	await registered(gw);
	const still = await read(gw, far.id);
	equal([still.status, still.not_before, still.client_state, still.metadata, still.created_at],
		["queued", far.not_before, "kept", { contact: 797 }, far.created_at]);
	const end = await ended(gw, near.id);
	equal([end.status, end.cause], ["busy", "busy"]);
	await gw.kill("SIGTERM");
	await gw.restart();
	equal((await read(gw, far.id)).status, "queued", "after SIGTERM");
	/* what DELETE has answered is on disk */
	equal((await gw.api("DELETE", `/calls/${far.id}`)).json.cause, "canceled_by_api");
	await gw.kill("SIGKILL");
	await gw.restart();
	for (const id of [near.id, far.id]) {
		const seen = await journal(gw, id);
		equal(seen.map((event) => event.seq), seen.map((_, i) => i + 1), "seq");
		equal(seen.filter((event) => event.type === "call.ended").length, 1, "ends");
		ok(seen.filter((event) => event.type === "call.initiated").length <= 1, "beginnings");
	}
});

test("a call for later that kill -9 cut off is over, and rings nobody twice", async (t) => {
	const gw = await up(t);
	const call = await place(gw, { to: "sim:answer", not_before: ahead(400), retry: { failed: { times: 3, every: 1 } } });
	await eventually("it is up", async () => (await read(gw, call.id)).status === "in-progress");
	await gw.kill("SIGKILL");
	await gw.restart();
	const end = await ended(gw, call.id);
	equal([end.status, end.cause, end.next_attempt], ["completed", "server_restart", null]);
	equal((await types(gw, call.id)).filter((type) => type === "call.initiated").length, 1, "beginnings");
});

test("expires_at: what has not begun by then never does", async (t) => {
	const gw = await up(t);
	/* its time passes while nobody is there */
	const call = await place(gw, { to: "853", not_before: ahead(200), expires_at: ahead(400) });
	const other = await place(gw, { to: "853", not_before: ahead(HOUR), expires_at: ahead(2 * HOUR) });
	await gw.kill("SIGKILL");
	await eventually("its time is over", async () => Date.now() > Date.parse(call.expires_at));
	await gw.restart();
	const end = await ended(gw, call.id);
	equal([end.status, end.cause, end.q850], ["canceled", "expired", 16]);
	await eventually("its end is on disk", async () => (await types(gw, call.id)).join() === "call.queued,call.ended");
	equal((await read(gw, other.id)).status, "queued");
});

test("hours of business: a window that is shut is waited for", async (t) => {
	const gw = await up(t);
	const days = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
	const tomorrow = new Date(Date.now() + 24 * HOUR);
	const call = await place(gw, { to: "853", window: { days: [days[tomorrow.getUTCDay()]], hours: "09:00-18:00" } });
	equal(call.not_before, `${tomorrow.toISOString().slice(0, 10)}T09:00:00.000Z`);
	const now = await place(gw, { to: "sim:busy", window: { hours: "00:00-24:00" } });
	equal(now.not_before, null);
	equal((await ended(gw, now.id)).status, "busy");
	const shut = await gw.api("POST", "/calls", { body: { to: "853", expires_at: ahead(1000), window: { days: [days[tomorrow.getUTCDay()]] } } });
	equal([shut.status, shut.json.errors[0].pointer], [422, "/expires_at"]);
});

test("too far, too late, too many", async (t) => {
	const gw = await up(t, { limits: { calls_later: 1 } });
	for (const [body, pointer] of [
		[{ not_before: ahead(31 * 24 * HOUR) }, "/not_before"],
		[{ expires_at: ahead(-1000) }, "/expires_at"],
		[{ not_before: ahead(HOUR), expires_at: ahead(HOUR / 2) }, "/expires_at"],
		[{ retry: { busy: { times: 99 } } }, "/retry/busy/times"],
	]) {
		const reply = await gw.api("POST", "/calls", { body: { to: "853", ...body } });
		equal([reply.status, reply.json.errors?.[0].pointer], [422, pointer]);
	}
	const first = await place(gw, { to: "853", not_before: ahead(HOUR) });
	const full = await gw.api("POST", "/calls", { body: { to: "853", not_before: ahead(HOUR) } });
	equal([full.status, full.json.code], [503, "capacity"]);
	ok(Number(full.headers["retry-after"]) >= 1, "Retry-After");
	await gw.api("DELETE", `/calls/${first.id}`);
	await ended(gw, first.id);
	await eventually("there is room again", async () =>
		(await gw.api("POST", "/calls", { body: { to: "853", not_before: ahead(HOUR) } })).status === 201);
});

test("one key has its share of the calls that wait, and others have theirs", async (t) => {
	const secret = "a-key-that-is-long-enough";
	const gw = await t.gateway({ sandbox: true, allow_inline: true, limits: { calls_later_per_key: 2 },
		keys: [{ name: "crm", secret, project: "sales" }, { name: "other", secret: `${secret}-2`, project: "else" }] });
	const as = (key) => ({ headers: { Authorization: `Bearer ${key}` } });
	await eventually("registered", async () => (await gw.api("GET", "/lines/sandbox", as(secret))).json?.state === "registered");
	const later = (key, more = { not_before: ahead(HOUR) }) => gw.api("POST", "/calls", { ...as(key), body: { to: "sim:busy", ...more } });
	const calls = [(await later(secret)).json, (await later(secret)).json];
	const full = await later(secret);
	equal([full.status, full.json.code, full.headers["retry-after"], full.headers["ratelimit-policy"]], [429, "limit_reached", "60", '"calls-later";q=2']);
	match(full.json.detail, /limits\.calls_later_per_key/);
	equal((await later(`${secret}-2`)).status, 201, "another key");
	equal((await later(secret, {})).status, 201, "at once");
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("registered again", async () => (await gw.api("GET", "/lines/sandbox", as(secret))).json?.state === "registered");
	equal((await later(secret)).status, 429, "after a restart");
	equal((await gw.api("DELETE", `/calls/${calls[0].id}`, as(secret))).status, 200);
	await eventually("there is room again", async () => (await later(secret)).status === 201);
	const plan = (await later(secret, { retry: { busy: { times: 1, every: 1 } } })).json;
	await eventually("it has ended", async () => (await gw.api("GET", `/calls/${plan.id}`, as(secret))).json.ended_at);
	equal((await gw.api("GET", `/calls/${plan.id}`, as(secret))).json.next_attempt, null, "a plan finds no room");
});

test("what may no longer be dialled when its time comes is refused, and the audit knows", async (t) => {
	const gw = await up(t);
	const call = await place(gw, { to: "853", not_before: ahead(800) });
	equal((await gw.api("POST", "/admin/freeze", { body: { frozen: true } })).status, 200);
	const end = await ended(gw, call.id);
	equal([end.status, end.cause, end.started_at], ["failed", "policy_denied", null]);
	const row = await eventually("the audit's row", async () => (await gw.api("GET", "/audit")).json.data[0]);
	equal([row.code, row.to], ["frozen", "853"]);
});

test("retry: busy is called again as a call of its own, as often as asked", async (t) => {
	const gw = await up(t);
	const first = await place(gw, { to: "sim:busy", client_state: "x", retry: { busy: { times: 2, every: 1 } } });
	const chain = [await ended(gw, first.id)];
	while (chain.at(-1).next_attempt)
		chain.push(await ended(gw, chain.at(-1).next_attempt));
	equal(chain.map((call) => [call.status, call.attempt, call.retry_of, call.client_state]),
		[["busy", 1, null, "x"], ["busy", 2, first.id, "x"], ["busy", 3, first.id, "x"]]);
	ok(chain[1].started_at >= chain[0].next_attempt_at, "the second waited");
	equal(chain[1].not_before, chain[0].next_attempt_at);
	for (const call of chain)
		equal((await types(gw, call.id)).filter((type) => type === "call.ended").length, 1, "ends");
	equal((await gw.api("GET", "/calls")).json.data.length, 3, "calls");
});

test("retry: DELETE of the first call ends the plan; so does a good end; it survives kill -9", async (t) => {
	const gw = await up(t);
	const first = await place(gw, { to: "sim:busy", retry: { busy: { every: 3600 }, "no-answer": { times: 5 } } });
	const { next_attempt } = await ended(gw, first.id);
	equal((await read(gw, next_attempt)).status, "queued");
	await gw.kill("SIGKILL");
	await gw.restart();
	const again = await read(gw, next_attempt);
	equal([again.status, again.attempt, again.retry_of], ["queued", 2, first.id]);
	equal((await gw.api("DELETE", `/calls/${first.id}`)).status, 200);
	equal([(await ended(gw, next_attempt)).cause, (await read(gw, next_attempt)).next_attempt], ["canceled_by_api", null]);
	await registered(gw);
	const good = await place(gw, { to: "sim:hangup", retry: { failed: { times: 3, every: 1 } } });
	const end = await ended(gw, good.id);
	equal([end.status, end.next_attempt], ["completed", null]);
});

test("a call for later is its key's, and is called off with the key", async (t) => {
	const secret = "a-key-that-is-long-enough";
	const gw = await t.gateway({ sandbox: true, allow_inline: true,
		keys: [{ name: "crm", secret, project: "sales" }, { name: "other", secret: `${secret}-2`, project: "else" }] });
	const as = (key) => ({ headers: { Authorization: `Bearer ${key}` } });
	await eventually("registered", async () => (await gw.api("GET", "/lines/sandbox", as(secret))).json?.state === "registered");
	const call = (await gw.api("POST", "/calls", { ...as(secret), body: { to: "853", not_before: ahead(HOUR) } })).json;
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await gw.api("GET", `/calls/${call.id}`, as(secret))).json.status, "queued");
	equal((await gw.api("DELETE", `/calls/${call.id}`, as(`${secret}-2`))).status, 404, "for another project");
	match((await gw.api("DELETE", `/calls/${call.id}`, as(secret))).json.cause, /canceled_by_api/);
});
