/* Exactly once: idempotency keys, and what survives kill -9. */
import dgram from "node:dgram";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const up = async (t, config = {}) => {
	const gw = await t.gateway({ sandbox: true, ...config });
	await registered(gw);
	return gw;
};
const registered = (gw) => eventually("the line is registered", async () =>
	(await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
const keyed = (gw, key, body) => gw.api("POST", "/calls", { body, headers: { "Idempotency-Key": key } });

test("fifty parallel POSTs with one key ring one phone", async (t) => {
	const gw = await up(t);
	const replies = await Promise.all(Array.from({ length: 50 }, () => keyed(gw, "fifty", { to: "sim:busy" })));
	const made = replies.filter((reply) => reply.status === 201);
	const running = replies.filter((reply) => reply.status === 409);
	equal(made.length + running.length, 50, "201 or 409");
	equal(new Set(made.map((reply) => reply.json.id)).size, 1, "calls answered with");
	equal(made.filter((reply) => !reply.headers["idempotent-replayed"]).length, 1, "first answers");
	ok(running.every((reply) => Number(reply.headers["retry-after"]) >= 1), "Retry-After with 409");
	const late = await keyed(gw, "fifty", { to: "sim:busy" });
	equal([late.status, late.headers["idempotent-replayed"], late.json.id], [201, "true", made[0].json.id]);
	equal(late.text, made.find((reply) => !reply.headers["idempotent-replayed"]).text, "the first answer again");
	await eventually("it has ended", async () => (await gw.api("GET", `/calls/${late.json.id}`)).json.ended_at);
	const { messages } = (await gw.api("GET", `/calls/${late.json.id}/sip`)).json;
	equal(new Set(messages.map((message) => /Call-ID: (\S+)/.exec(message.text)?.[1])).size, 1, "dialogs");
	equal((await gw.api("GET", "/calls")).json.data.length, 1, "calls");
});

test("the same key with another body is refused; a refusal gives the key back", async (t) => {
	const gw = await up(t);
	equal((await keyed(gw, "k1", { to: "sim:busy" })).status, 201);
	const other = await keyed(gw, "k1", { to: "sim:decline" });
	equal([other.status, other.json.code], [422, "idempotency_mismatch"]);
	equal((await keyed(gw, "k2", { to: "853", oops: 1 })).status, 422);
	equal((await keyed(gw, "k2", { to: "sim:busy" })).status, 201, "after the refusal");
	equal((await keyed(gw, '"k1"', { to: "sim:busy" })).headers["idempotent-replayed"], "true", "quoted or bare");
	equal((await keyed(gw, "a b", { to: "853" })).status, 400);
	equal((await keyed(gw, "x".repeat(256), { to: "853" })).status, 400);
});

test("a key can be demanded", async (t) => {
	const gw = await up(t, { http: { require_idempotency_key: true } });
	const bare = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
	equal([bare.status, bare.json.code], [400, "idempotency_key_missing"]);
	equal((await keyed(gw, "k", { to: "sim:busy" })).status, 201);
});

test("a key is remembered through kill -9", async (t) => {
	const gw = await up(t);
	const first = await keyed(gw, "through", { to: "sim:no-answer" });
	equal(first.status, 201);
	await gw.kill("SIGKILL");
	await gw.restart();
	await registered(gw);
	const again = await keyed(gw, "through", { to: "sim:no-answer" });
	equal([again.status, again.json.id, again.headers["idempotent-replayed"]], [201, first.json.id, "true"]);
	equal((await gw.api("GET", "/calls")).json.data.length, 1, "calls");
});

test("G1: a 201 is on disk, kill -9 in mid-call: the next start tells the missing end, once", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events?last_event_id=0");
	const talking = (await gw.api("POST", "/calls", { body: { to: "sim:answer" } })).json.id;
	const ringing = (await gw.api("POST", "/calls", { body: { to: "sim:no-answer" } })).json.id;
	const over = (await gw.api("POST", "/calls", { body: { to: "sim:busy" } })).json.id;
	await stream.untilType("call.bridged", talking);
	await stream.untilType("call.ringing", ringing);
	await stream.untilType("call.ended", over);
	const seen = stream.seen;
	await gw.kill("SIGKILL");
	await gw.restart();

	const resumed = await gw.events("/events", { headers: { "Last-Event-ID": String(seen.at(-1).id) } });
	await resumed.untilType("call.ended", talking);
	await resumed.untilType("call.ended", ringing);
	ok(!resumed.resets.length, "no reset");
	ok(resumed.seen.every((event) => event.id > seen.at(-1).id), "nothing twice");
	const all = [...seen, ...resumed.seen];
	for (const [id, status] of [[talking, "completed"], [ringing, "failed"], [over, "busy"]]) {
		const mine = all.filter((event) => event.call_id === id);
		equal(mine.map((event) => event.seq), mine.map((_, i) => i + 1), `seq of the ${status} call`);
		equal(mine.filter((event) => event.type === "call.ended").length, 1, "ends");
		equal(mine.filter((event) => event.type === "leg.ended").length, 1, "ends of the leg");
		const call = (await gw.api("GET", `/calls/${id}`)).json;
		equal([call.status, call.state], [status, "ended"]);
		if (id !== over)
			equal([call.cause, call.ended_by, call.q850], ["server_restart", "gateway", 41]);
	}
});

test("SIGTERM: running calls end with a cause, new ones are refused, the exit code is 0", async (t) => {
	const gw = await up(t, { drain_s: 1 });
	const stream = await gw.events("/events");
	const talking = (await gw.api("POST", "/calls", { body: { to: "sim:answer" } })).json.id;
	await stream.untilType("call.bridged", talking);
	gw.process.kill("SIGTERM");
	await stream.untilType("gateway.draining");
	const refused = await gw.api("POST", "/calls", { body: { to: "853" } });
	equal([refused.status, refused.json.code], [503, "draining"]);
	ok(Number(refused.headers["retry-after"]) >= 1, "Retry-After");
	const end = await stream.untilType("call.ended", talking);
	equal([end.call.status, end.call.cause], ["completed", "server_shutdown"]);
	equal((await gw.exited).code, 0);
	match(gw.log(), /line\.unregistered/);
});

/* A phone that answers, in a few lines: what a stored dialog must find again. */
const phone = (t) => new Promise((done) => {
	const socket = dgram.createSocket("udp4");
	const got = [];
	socket.on("message", (bytes, from) => {
		const text = bytes.toString();
		const header = (name) => new RegExp(`^${name}: ?(.*)\r$`, "m").exec(text)?.[1];
		const method = text.split(" ")[0];
		got.push({ method, id: header("Call-ID"), cseq: Number.parseInt(header("CSeq"), 10), reason: header("Reason"), text });
		if (method === "ACK" || method.startsWith("SIP/"))
			return;
		const sdp = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";
		const to = header("To");
		socket.send(["SIP/2.0 200 OK", `Via: ${header("Via")}`, `From: ${header("From")}`,
			`To: ${to}${to.includes("tag=") ? "" : ";tag=phone"}`, `Call-ID: ${header("Call-ID")}`, `CSeq: ${header("CSeq")}`,
			`Contact: <sip:phone@127.0.0.1:${socket.address().port}>`,
			...(method === "INVITE" ? ["Content-Type: application/sdp", `Content-Length: ${sdp.length}`, "", sdp] : ["Content-Length: 0", "", ""]),
		].join("\r\n"), from.port, from.address);
	});
	socket.bind(0, "127.0.0.1", () => done({ port: socket.address().port, got }));
	t.later(() => socket.close());
});

test("a phone that was talking when the process died is hung up by the next one", async (t) => {
	const far = await phone(t);
	const gw = await t.gateway({ lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: far.port, register: false }] });
	const call = (await gw.api("POST", "/calls", { body: { to: "853" } })).json;
	equal((await gw.api("GET", `/calls/${call.id}?wait=answered`)).json.status, "in-progress");
	await eventually("the ACK", async () => far.got.some((message) => message.method === "ACK"));
	await gw.kill("SIGKILL");
	await gw.restart();
	const invite = far.got.find((message) => message.method === "INVITE");
	const bye = await eventually("the BYE", async () => far.got.find((message) => message.method === "BYE"));
	equal(bye.id, invite.id, "its Call-ID");
	ok(bye.cseq > invite.cseq, "its CSeq is above the INVITE's");
	match(bye.text, /^To: .*tag=phone/m);
	match(bye.reason, /Q\.850;cause=41/);
	const after = (await gw.api("GET", `/calls/${call.id}`)).json;
	equal([after.status, after.cause], ["completed", "server_restart"]);
	equal(far.got.filter((message) => message.method === "INVITE").length, 1, "INVITEs");
});
