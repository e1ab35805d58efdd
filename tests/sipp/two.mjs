/* Two people, each of them SIPp, on a line of his own. */
import { join } from "node:path";

import { equal, match, ok, test } from "../wire/harness.mjs";
import { sine, writeWav } from "../wire/sound.mjs";
import { far, hangUpAt, line, outcome, place } from "./peers.mjs";

const TWO_LEGS = ["call.queued", "call.initiated", "leg.initiated", "leg.ringing", "call.ringing", "leg.answered",
	"leg.initiated", "leg.ringing", "leg.answered", "call.answered", "call.bridged", "leg.ended", "leg.ended", "call.ended"];

let next_media = 30000;

/* Both scenarios, and a gateway with a line to each. */
const two = async (t, from, to, { prepare_from, to_args = [] } = {}) => {
	const media = () => ["-mp", String(next_media += 4)];
	const a = await far(t, from, { args: media(), prepare: prepare_from });
	const b = await far(t, to, { args: [...media(), ...to_args] });
	const gw = await t.gateway({
		allow_inline: true,
		lines: [line(a, { name: "from" }), line(b, { name: "to", default: true })],
		sip: { listen: ["udp:auto:0"] },
		media: { ports: "20000-20999" },
	});
	return { a, b, gw };
};

const ORDER = { from: "853", from_line: "from", to: "9999", line: "to" };

const sent = (peer, method) => peer.messages().filter((m) => !m.sent && m.first.startsWith(`${method} `));
const address = (sdp) => [/^c=IN IP4 (\S+)/m.exec(sdp)?.[1], Number(/^m=audio (\d+)/m.exec(sdp)?.[1])];
const leg = (call, role) => call.legs.find((one) => one.role === role);

test("two are rung in turn and joined, we hang up", async (t) => {
	const { a, b, gw } = await two(t, "willing", "willing");
	const { types, call } = await place(gw, ORDER, hangUpAt(gw, "call.bridged"));
	await a.played();
	await b.played();
	equal(types, TWO_LEGS, "the journal");
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal([call.ended_by, call.join], ["api", "relay"], "ended_by, join");
	const [to_a, to_b] = [sent(a, "INVITE")[0], sent(b, "INVITE")[0]];
	match(to_a.get("From"), /9999/, "whom from is shown");
	match(to_b.get("From"), /1001/, "whom to is shown");
	ok(Number(/^m=audio (\d+)/m.exec(to_b.body)[1]) !== Number(/^m=audio (\d+)/m.exec(to_a.body)[1]), "one port for both");
	match(to_b.body, /^m=audio \d+ RTP\/AVP 8 /m, "what the first took is offered first");
});

test("to hangs up: from is let go, and told who it was", async (t) => {
	const { a, b, gw } = await two(t, "answer", "far-bye");
	const { types, call } = await place(gw, ORDER);
	await a.played();
	await b.played();
	equal(types, TWO_LEGS, "the journal");
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal(call.ended_by, "to", "ended_by");
});

test("from hangs up: to is let go", async (t) => {
	const { a, b, gw } = await two(t, "far-bye", "willing");
	const { call } = await place(gw, ORDER);
	await a.played();
	if (sent(b, "INVITE").length)
		await b.played();
	equal(call.ended_by, "from", "ended_by");
});

for (const [scenario, status, cause, q850, code] of [
	["busy", "busy", "busy", 17, 486],
	["redirect", "failed", "redirected", 23, 302],
	["overloaded", "failed", "congestion", 42, 503],
]) {
	test(`to is ${scenario}: from is let go`, async (t) => {
		const { a, b, gw } = await two(t, "answer", scenario);
		const { types, call } = await place(gw, ORDER);
		await a.played();
		await b.played();
		outcome(call, status, cause, q850, code);
		equal([call.failed_leg, leg(call, "from").status], ["to", "completed"], "failed_leg, status of from");
		ok(!types.includes("call.answered"), "call.answered was told");
	});
}

test("from is busy: to is never rung", async (t) => {
	const { b, gw } = await two(t, "busy", "answer");
	const { call } = await place(gw, ORDER);
	outcome(call, "busy", "busy", 17, 486);
	equal([call.failed_leg, call.legs.length, b.messages().length], ["from", 1, 0], "failed_leg, legs, messages to the second");
});

test("to rings for ever: it is cancelled, from is let go", async (t) => {
	const { a, b, gw } = await two(t, "answer", "ring-for-ever");
	const { call } = await place(gw, { ...ORDER, ring_timeout: 2 });
	await a.played();
	await b.played();
	outcome(call, "no-answer", "ring_timeout", 19, 180);
	equal([call.ended_by, call.failed_leg], ["timer", "to"], "ended_by, failed_leg");
});

test("a 200 of to that crosses our CANCEL gets ACK and BYE", async (t) => {
	const { a, b, gw } = await two(t, "answer", "late-200");
	const { call } = await place(gw, { ...ORDER, ring_timeout: 2 });
	await a.played();
	await b.played();
	equal([call.status, call.cause], ["no-answer", "ring_timeout"], "status and cause");
});

test("of to's forked answers one wins", async (t) => {
	const { a, b, gw } = await two(t, "willing", "forked");
	const { call } = await place(gw, ORDER, hangUpAt(gw, "call.bridged"));
	await a.played();
	await b.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal(sent(b, "BYE").map((m) => m.tag("To")), ["1-other", "1-far"], "whom we said BYE to");
});

test("a gateway that is killed says BYE to both when it comes back", async (t) => {
	const { a, b, gw } = await two(t, "willing", "willing");
	const reply = await gw.api("POST", "/calls", { body: ORDER });
	const stream = await gw.events(`/calls/${reply.json.id}/events`);
	await stream.untilType("call.bridged");
	stream.close();
	await gw.kill("SIGKILL");
	await gw.restart();
	await a.played();
	await b.played();
	for (const peer of [a, b])
		match(sent(peer, "BYE")[0].get("Reason"), /^Q\.850;cause=41/, "our BYE's Reason");
	const { json } = await gw.api("GET", `/calls/${reply.json.id}`);
	equal([json.status, json.cause, json.legs.map((one) => one.state)], ["completed", "server_restart", ["ended", "ended"]],
		"status, cause, states of the legs");
});

/* join ------------------------------------------------------------------------ */

test("join direct: each is told the other's address", async (t) => {
	const { a, b, gw } = await two(t, "willing", "willing");
	const { call } = await place(gw, { ...ORDER, join: "direct" }, (event, id) => {
		if (event.type === "call.bridged")
			setTimeout(() => gw.api("DELETE", `/calls/${id}`), 600);
	});
	await a.played();
	await b.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal(call.join, "direct", "join");
	const own = (peer) => address(peer.messages().find((m) => m.sent && /^m=audio/m.test(m.body)).body);
	equal(address(sent(a, "INVITE").at(-1).body), own(b), "where from is told to send");
	equal(address(sent(b, "INVITE").at(-1).body), own(a), "where to is told to send");
});

for (const [from, to] of [["willing", "unwilling"], ["unwilling", "willing"]]) {
	test(`join direct: ${from === "unwilling" ? "from" : "to"} refuses, and sound stays with us`, async (t) => {
		const { a, b, gw } = await two(t, from, to);
		const { call } = await place(gw, { ...ORDER, join: "direct" }, (event, id) => {
			if (event.type === "call.bridged")
				setTimeout(() => gw.api("DELETE", `/calls/${id}`), 800);
		});
		await a.played();
		await b.played();
		outcome(call, "completed", "normal_clearing", 16, 200);
		equal(call.join, "relay", "join");
		const [willing, first] = from === "willing" ? [a, sent(a, "INVITE")] : [b, sent(b, "INVITE")];
		ok(sent(willing, "INVITE").length !== 2, "the other one was left with the refusing one's address");
		equal(address(first.at(-1).body), address(first[0].body), "where the willing one sends at the end");
	});
}

test("join refer: from takes it, and the two talk without us", async (t) => {
	const { a, b, gw } = await two(t, "refer", "answer");
	const { call } = await place(gw, { ...ORDER, join: "refer" });
	await a.played();
	equal([call.status, call.cause, call.handed_over, call.join], ["completed", "normal_clearing", true, "refer"],
		"status, cause, handed_over, join");
	match(sent(a, "REFER")[0].get("Refer-To"), /9999@/, "Refer-To");
	equal(b.messages().length, 0, "messages of ours to the second");
});

test("join refer: from refuses, and the call is relayed", async (t) => {
	const { a, b, gw } = await two(t, "refer-refused", "willing");
	const { call } = await place(gw, { ...ORDER, join: "refer" }, hangUpAt(gw, "call.bridged"));
	await a.played();
	await b.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal([call.join, call.handed_over], ["relay", false], "join, handed_over");
});

/* Sound ------------------------------------------------------------------------ */

test("what one says comes back from the other's echo", async (t) => {
	const { a, b, gw } = await two(t, "speaks", "willing", {
		prepare_from: (dir) => writeWav(join(dir, "voice.wav"), 8000, [sine(8000, 440, 10)]), to_args: ["-rtp_echo"],
	});
	const { call } = await place(gw, ORDER, (event, id) => {
		if (event.type === "call.bridged")
			setTimeout(() => gw.api("DELETE", `/calls/${id}`), 1500);
	});
	await a.played();
	await b.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	for (const role of ["from", "to"]) {
		const { quality } = leg(call, role);
		ok(quality.received > 30, `${role}: ${quality.received} packets came`);
		equal(quality.lost, 0, `${role}: lost packets`);
	}
	const [said, echoed] = [leg(call, "from").quality, leg(call, "to").quality];
	ok(Math.abs(said.received - echoed.received) < 25, `${said.received} packets said, ${echoed.received} echoed`);
});
