/* The API as HTTP, with calls that ring in the sandbox: requirements A3 to A8.
 * What becomes of calls is in test_calls.mjs, streams are in test_sse.mjs. */
import { conforms, description } from "./oracle.mjs";
import { equal, match, ok, test } from "./harness.mjs";

const FORM = "application/x-www-form-urlencoded";
const sandbox = (more = {}) => ({ sandbox: true, ...more });

const place = async (gw, order, headers = {}) => {
	const reply = await gw.api("POST", "/calls", { body: typeof order === "string" ? { to: order } : order, headers });
	equal(reply.status, 201, reply.text);
	return reply.json;
};
const ended = async (gw, id) => (await gw.api("GET", `/calls/${id}?wait=ended&timeout=30`, { patience_ms: 35_000 })).json;

test("api: the first minute, as the contract has it", async (t) => {
	const gw = await t.gateway(sandbox());
	const everything = await gw.events("/events");
	const reply = await gw.api("POST", "/calls", { body: '{"to":"sim:hangup"}', type: FORM });
	equal([reply.status, reply.json.status, reply.json.state], [201, "queued", "queued"]);
	equal(reply.headers.location, `/calls/${reply.json.id}`);
	await everything.untilType("call.ended", reply.json.id);
	const call = (await gw.api("GET", reply.headers.location)).json;
	equal([call.status, call.state, call.cause, call.ended_by, call.q850, call.sip.code], ["completed", "ended", "normal_clearing", "to", 16, 200]);
	equal([call.to, call.from, call.line, call.legs.length, call.legs[0].role], ["sim:hangup", null, "sandbox", 1, "to"]);
});

test("api: JSON, a form, and what comes back", async (t) => {
	const gw = await t.gateway(sandbox());
	const order = { to: "sim:busy", line: "sandbox", ring_timeout: 5, client_state: "mine\nand more", metadata: { contact: 797, ü: ["€", null] } };
	const call = await place(gw, order);
	equal([call.to, call.line, call.client_state, call.metadata], [order.to, order.line, order.client_state, order.metadata]);
	const form = await gw.api("POST", "/calls", { body: "to=sim%3Abusy&ring_timeout=5&auto_answer=false&line=&client_state=a+b", type: FORM });
	equal([form.status, form.json.to, form.json.client_state, form.json.line], [201, "sim:busy", "a b", "sandbox"]);
});

test("api: the time limit ends it", async (t) => {
	const gw = await t.gateway(sandbox());
	const call = await ended(gw, (await place(gw, { to: "sim:answer", time_limit: 1 })).id);
	equal([call.status, call.cause, call.ended_by], ["completed", "time_limit", "timer"]);
});

for (const [method, tail] of [["DELETE", ""], ["POST", "/hangup"]]) {
	test(`api: ${method} hangs up, and again is 200`, async (t) => {
		const gw = await t.gateway(sandbox());
		const call = await place(gw, "sim:answer");
		const up = await gw.api("GET", `/calls/${call.id}?wait=answered`);
		equal(up.json.status, "in-progress");
		equal((await gw.api(method, `/calls/${call.id}${tail}`)).status, 200);
		const over = await ended(gw, call.id);
		equal([over.status, over.ended_by, over.cause], ["completed", "api", "normal_clearing"]);
		equal((await gw.api(method, `/calls/${call.id}${tail}`)).json.state, "ended");
	});
}

test("api: two hundred waiting clients that leave do no harm", async (t) => {
	const gw = await t.gateway(sandbox({ limits: { connections_per_ip: null } }));
	const call = await place(gw, "sim:answer");
	const requests = Array.from({ length: 200 }, () => gw.request("GET", `/calls/${call.id}?wait=ended&timeout=60`).on("error", () => {}));
	requests.forEach((request) => request.end());
	await gw.api("GET", `/calls/${call.id}?wait=answered`);
	requests.forEach((request, i) => i % 2 && request.destroy());
	equal((await gw.api("DELETE", `/calls/${call.id}`)).status, 200);
	equal((await ended(gw, call.id)).state, "ended");
	requests.forEach((request) => request.destroy());
});

test("api: an ETag changes with the call", async (t) => {
	const gw = await t.gateway(sandbox());
	const call = await place(gw, "sim:busy");
	await ended(gw, call.id);
	const first = await gw.api("GET", `/calls/${call.id}`);
	equal((await gw.api("GET", `/calls/${call.id}`, { headers: { "If-None-Match": first.headers.etag } })).status, 304);
	const head = await gw.api("HEAD", `/calls/${call.id}`);
	equal([head.status, head.text, head.headers.etag], [200, "", first.headers.etag]);
	ok((await gw.api("GET", `/calls/${(await place(gw, "sim:busy")).id}`)).headers.etag !== first.headers.etag, "one ETag for two calls");
});

test("api: a key rings once", async (t) => {
	const gw = await t.gateway(sandbox());
	const order = { body: { to: "sim:busy" }, headers: { "Idempotency-Key": '"order-1"' } };
	const first = await gw.api("POST", "/calls", order);
	const again = await gw.api("POST", "/calls", { ...order, headers: { "Idempotency-Key": "order-1" } });
	equal([first.status, again.status, again.headers["idempotent-replayed"], again.text], [201, 201, "true", first.text]);
	equal(again.headers.location, first.headers.location);
	const other = await gw.api("POST", "/calls", { ...order, body: { to: "sim:decline" } });
	equal([other.status, other.json.code], [422, "idempotency_mismatch"]);
	equal((await gw.api("GET", "/calls")).json.data.length, 1);
});

test("api: fifty at once with one key make one call", async (t) => {
	const gw = await t.gateway(sandbox({ limits: { connections_per_ip: null } }));
	const replies = await Promise.all(Array.from({ length: 50 }, () =>
		gw.api("POST", "/calls", { body: { to: "sim:busy" }, headers: { "Idempotency-Key": "one" } })));
	const made = replies.filter((reply) => reply.status === 201);
	ok(made.length > 0 && replies.every((reply) => [201, 409].includes(reply.status)), replies.map((reply) => reply.status).join());
	equal(new Set(made.map((reply) => reply.json.id)).size, 1);
	equal((await gw.api("GET", "/calls")).json.data.length, 1);
});

test("api: a refusal releases the key, a key of nonsense is refused", async (t) => {
	const gw = await t.gateway(sandbox());
	const headers = { "Idempotency-Key": "k" };
	equal((await gw.api("POST", "/calls", { body: { to: "" }, headers })).status, 422);
	equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" }, headers })).status, 201);
	for (const key of ['""', "a b", "x".repeat(256)])
		equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" }, headers: { "Idempotency-Key": key } })).json.code, "idempotency_key_invalid");
});

test("api: the key and the call survive kill -9", async (t) => {
	const gw = await t.gateway(sandbox());
	const order = { body: { to: "sim:answer" }, headers: { "Idempotency-Key": "k" } };
	const first = await gw.api("POST", "/calls", order);
	await gw.api("GET", `/calls/${first.json.id}?wait=answered`);
	await gw.kill("SIGKILL");
	await gw.restart();
	const again = await gw.api("POST", "/calls", order);
	equal([again.status, again.text], [201, first.text]);
	const call = await ended(gw, first.json.id);
	equal([call.status, call.cause], ["completed", "server_restart"]);
});

test("api: browsers without scripts get a page", async (t) => {
	const gw = await t.gateway(sandbox());
	const headers = { Accept: "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Origin: gw.url };
	const placed = await gw.api("POST", "/calls", { body: "to=sim%3Aanswer", type: FORM, headers });
	equal([placed.status, placed.text], [303, ""]);
	const page = await gw.api("GET", placed.headers.location, { headers });
	equal([page.status, page.headers["content-type"], page.headers.vary], [200, "text/html; charset=utf-8", "Accept"]);
	match(page.headers["content-security-policy"], /default-src 'none'/);
	match(page.text, /sim:answer/);
	const up = await gw.api("POST", `${placed.headers.location}/hangup`, { body: "", type: FORM, headers });
	equal([up.status, up.headers.location], [303, placed.headers.location]);
});

test("api: markup in a call is text on its page", async (t) => {
	const gw = await t.gateway(sandbox());
	const call = await place(gw, { to: "sim:busy", client_state: "<script>alert(1)</script>" });
	await ended(gw, call.id);
	const page = await gw.api("GET", `/calls/${call.id}`, { headers: { Accept: "text/html" } });
	ok(!page.text.includes("<script>alert"), "markup went through");
});

test("api: while it stops, running calls go on and new ones are refused", async (t) => {
	const gw = await t.gateway(sandbox({ drain_s: 5 }));
	const call = await place(gw, "sim:answer");
	await gw.api("GET", `/calls/${call.id}?wait=answered`);
	gw.process.kill("SIGTERM");
	let refused;
	do
		refused = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
	while (refused.status === 201);
	equal([refused.status, refused.json.code], [503, "draining"]);
	match(refused.headers["retry-after"], /^\d+$/);
	equal((await gw.api("GET", "/readyz")).status, 503);
	equal((await gw.api("GET", "/livez")).status, 200);
	equal((await gw.api("DELETE", `/calls/${call.id}`)).status, 200);
	equal((await gw.exited).code, 0);
});

test("api: a line tells how many calls it may carry", async (t) => {
	const line = (name, more) => ({ name, user: "858", domain: "127.0.0.1", register: false, ...more });
	const gw = await t.gateway({ lines: [line("narrow", { max_calls: 7 }), line("wide", {})] });
	const lines = (await gw.api("GET", "/lines")).json.data;
	const facts = lines.filter(({ name }) => name !== "sandbox").map(({ name, max_calls }) => [name, max_calls]);
	equal(facts, [["narrow", 7], ["wide", null]]);
});

test("api: capacity and lines say how it is", async (t) => {
	const gw = await t.gateway(sandbox({ limits: { calls: 1 } }));
	const call = await place(gw, "sim:answer");
	await gw.api("GET", `/calls/${call.id}?wait=answered`);
	const { json } = await gw.api("GET", "/capacity");
	equal([json.accepting, json.calls, json.calls_limit, json.calls_in_progress], [true, 1, 1, 1]);
	const full = await gw.api("POST", "/calls", { body: { to: "853" } });
	equal([full.status, full.json.code], [503, "capacity"]);
	match(full.headers["retry-after"], /^\d+$/);
	const lines = (await gw.api("GET", "/lines")).json.data;
	equal([lines.length, lines[0].name, lines[0].state, lines[0].calls], [1, "sandbox", "registered", 1]);
	equal((await gw.api("GET", "/lines/sandbox")).json.name, "sandbox");
	equal([lines[0].max_calls, lines[0].server_minimum], [null, null], "none is null");
	const checked = await gw.api("POST", "/lines/sandbox/check");
	equal([checked.status, checked.json.ok, checked.json.register.code], [200, true, 200]);
});

test("api: calls of another project are no calls", async (t) => {
	const env = { KEY_A: "bp_a_0123456789abcdef", KEY_B: "bp_b_0123456789abcdef" };
	const gw = await t.gateway(sandbox({ keys: [
		{ name: "a", secret: "env:KEY_A", project: "a" },
		{ name: "b", secret: "env:KEY_B", project: "b" },
	] }), { env });
	const as = (key) => ({ Authorization: `Bearer ${key}` });
	const call = await place(gw, "sim:answer", as(env.KEY_A));
	for (const tail of ["", "/events", "/sip"])
		equal((await gw.api("GET", `/calls/${call.id}${tail}`, { headers: as(env.KEY_B) })).status, 404, tail);
	equal((await gw.api("DELETE", `/calls/${call.id}`, { headers: as(env.KEY_B) })).status, 404);
	equal((await gw.api("GET", "/calls", { headers: as(env.KEY_B) })).json.data, []);
	equal((await gw.api("GET", "/calls", { headers: as(env.KEY_A) })).json.data.length, 1);
});

test("api: the order that is described is the order that is read", async (t) => {
	const gw = await t.gateway(sandbox());
	const order = description.components.schemas.CallOrder;
	for (const member of Object.keys(order.properties)) {
		const reply = await gw.api("POST", "/calls?dry_run=1", { body: { to: "853", ...(member === "to" ? {} : { [member]: null }) } });
		equal(reply.status, 200, member);
	}
	for (const example of order.examples.filter((one) => !one.line)) {
		conforms("#/components/schemas/CallOrder", example, "an example");
		equal((await gw.api("POST", "/calls?dry_run=1", { body: example })).status, 200);
	}
});
