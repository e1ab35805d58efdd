/* A far side that misbehaves: it dies, loses packets, does two things at once or
 * nothing at all. The call ends once, with the right cause, and nothing goes on
 * behind it. */
import dgram from "node:dgram";

import { Phones } from "../crash/phones.mjs";
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { lossy } from "./lossy.mjs";
import { canName, nameServer, srv, withNameServer } from "./names.mjs";
import { far, gateway, hangUpAt, outcome, place } from "./peers.mjs";

const received = (peer, method) => peer.messages().filter((m) => !m.sent && m.first.startsWith(`${method} `));
const fresh = (messages) => messages.filter((m, i) => messages.findIndex((other) => other.branch === m.branch) === i);

/* Session timers (G3). -------------------------------------------------------- */

test("G3: the INVITE asks for a session timer that we refresh", async (t) => {
	const peer = await far(t, "answer");
	const gw = await gateway(t, peer);
	await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	const [invite] = received(peer, "INVITE");
	match(invite.get("Supported"), /\btimer\b/, "Supported");
	equal([invite.get("Session-Expires"), invite.get("Min-SE")], ["180;refresher=uac", "90"], "Session-Expires, Min-SE");
});

/* Hangs up when the far side has been asked so often. */
const hangUpAfter = (gw, peer, method, count) => (event, id) => {
	if (event.type !== "call.bridged")
		return;
	const timer = setInterval(() => {
		if (fresh(received(peer, method)).length < count)
			return;
		clearInterval(timer);
		setTimeout(() => gw.api("DELETE", `/calls/${id}`), 200);
	}, 100);
};

test("G3: a session is refreshed by UPDATE, again and again", async (t) => {
	const peer = await far(t, "timer-update");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" }, hangUpAfter(gw, peer, "UPDATE", 2));
	await peer.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	const [update] = received(peer, "UPDATE");
	match(update.get("Session-Expires"), /^\d+;refresher=uac$/, "Session-Expires of the refresh");
	equal([update.get("Content-Length"), update.body.trim()], ["0", ""], "the body of the refresh");
});

test("G3: without UPDATE a session is refreshed by the same words", async (t) => {
	const peer = await far(t, "timer-invite");
	const gw = await gateway(t, peer);
	const { types, call } = await place(gw, { to: "9999" }, hangUpAfter(gw, peer, "INVITE", 2));
	await peer.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	const [invite, refresh] = fresh(received(peer, "INVITE"));
	equal(refresh.body, invite.body, "the SDP of the refresh");
	ok(!types.includes("call.hold"), "call.hold was told");
});

test("G3: 422 is obeyed", async (t) => {
	const peer = await far(t, "timer-422");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	const [invite, again] = fresh(received(peer, "INVITE"));
	equal([again.get("Session-Expires"), again.get("Min-SE"), again.cseq], ["600;refresher=uac", "600", invite.cseq + 1], "the second INVITE");
});

for (const scenario of ["timer-dead", "timer-they-die"]) {
	test(`G3: ${scenario}: the call ends by itself`, async (t) => {
		const peer = await far(t, scenario);
		const gw = await gateway(t, peer);
		const { call } = await place(gw, { to: "9999" });
		outcome(call, "completed", "transport_timeout", 102, 200);
		equal([call.ended_by, call.legs.length], ["timer", 1], "ended_by");
	});
}

/* Names (G18, G20). ----------------------------------------------------------- */

/* A port where somebody listens and never says a word. */
const silence = async (t) => {
	const socket = dgram.createSocket("udp4");
	const heard = [];
	socket.on("message", (packet) => heard.push(packet.toString("latin1").split("\r\n")[0]));
	await new Promise((done) => socket.bind(0, "127.0.0.1", done));
	t.later(() => socket.close());
	return { port: socket.address().port, heard };
};

const localhost = [Buffer.from([127, 0, 0, 1])];

if (canName()) {
	test("G18: of two servers of a domain the silent one is passed over", async (t) => {
		const peer = await far(t, "answer", { args: ["-m", "2"] });
		const dead = await silence(t);
		await nameServer(t, {
			"SRV _sip._udp.pbx.example": [srv(20, peer.port, "two.pbx.example"), srv(10, dead.port, "one.pbx.example")],
			"A one.pbx.example": localhost,
			"A two.pbx.example": localhost,
		});
		withNameServer(t);
		const gw = await gateway(t, peer, { domain: "pbx.example", port: undefined });
		const { types, call } = await place(gw, { to: "9999", ring_timeout: 20 }, hangUpAt(gw, "call.bridged"));
		outcome(call, "completed", "normal_clearing", 16, 200);
		equal(types.filter((type) => type === "leg.initiated").length, 1, "leg.initiated");
		ok(dead.heard.some((line) => line.startsWith("INVITE sip:9999@pbx.example")), "the first one was not asked");
		const asked = dead.heard.length;

		/* the next call doesn't have to wait for it */
		const second = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
		outcome(second.call, "completed", "normal_clearing", 16, 200);
		await peer.played();
		ok(!dead.heard.slice(asked).some((line) => line.startsWith("INVITE")), "the first one was asked again");
		equal(received(peer, "INVITE")[0].first, "INVITE sip:9999@pbx.example SIP/2.0", "the request line");
	});

	test("G20: a name that moves is followed", async (t) => {
		const one = await far(t, "answer");
		const two = await far(t, "answer", { ip: "127.0.0.2", port: one.port });
		const zone = { "A pbx.example": localhost };
		await nameServer(t, zone, 1);
		withNameServer(t);
		const gw = await gateway(t, one, { domain: "pbx.example" });
		await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
		await one.played();
		zone["A pbx.example"] = [Buffer.from([127, 0, 0, 2])];
		const { call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
		await two.played();
		outcome(call, "completed", "normal_clearing", 16, 200);
	});
} else {
	console.log("(no mount namespace can be made here: names are not looked up)");
}

/* Overload (G19). ------------------------------------------------------------- */

test("G19: a server that wants peace gets it: POST says 503 for as long", async (t) => {
	const peer = await far(t, "overloaded");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" });
	await peer.played();
	outcome(call, "failed", "congestion", 42, 503);
	const asked = Number(/Retry-After: (\d+)/.exec(peer.messages().find((m) => m.sent).text)[1]);
	const reply = await gw.api("POST", "/calls", { body: { to: "9999" } });
	equal([reply.status, reply.json.code], [503, "lines_down"], "the second POST");
	const wait = Number(reply.headers["retry-after"]);
	ok(wait >= asked - 2 && wait <= asked, `Retry-After is ${wait}, the server said ${asked}`);
});

test("G3: who begins to ring when the gateway has been killed is cancelled by the next one", async (t) => {
	const peer = await far(t, "never-487", { args: ["-d", "2500"] });
	const gw = await gateway(t, peer, {}, "udp:127.0.0.1:25060"); /* where the next one is, too */
	const { id } = (await gw.api("POST", "/calls", { body: { to: "9999" } })).json;
	await eventually("the INVITE is there", () => received(peer, "INVITE").length);
	await gw.kill("SIGKILL");
	await gw.restart();
	await peer.played();
	const [invite] = received(peer, "INVITE");
	const [cancel] = received(peer, "CANCEL");
	equal([cancel.branch, cancel.cseq, cancel.get("To"), cancel.get("From")], [invite.branch, invite.cseq, invite.get("To"), invite.get("From")], "as in the INVITE");
	match(cancel.get("Reason"), /^Q\.850;cause=41/, "Reason");
	const { json } = await gw.api("GET", `/calls/${id}`);
	equal([json.status, json.cause], ["failed", "server_restart"], "status, cause");
});

/* Races and losses (G21). ----------------------------------------------------- */

test("G21: our BYE is never answered: the call has ended all the same", async (t) => {
	const peer = await far(t, "bye-unanswered");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	outcome(call, "completed", "normal_clearing", 16, 200);
	await peer.played();
	const byes = received(peer, "BYE");
	ok(byes.length >= 3, `${byes.length} BYEs`);
	equal(fresh(byes).length, 1, "different BYEs");
});

test("G21: BYE crosses BYE", async (t) => {
	const peer = await far(t, "bye-glare");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal(call.ended_by, "api", "ended_by");
});

test("G21: the 487 to our CANCEL never comes", async (t) => {
	const peer = await far(t, "never-487");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999", ring_timeout: 1 });
	await peer.played();
	outcome(call, "no-answer", "ring_timeout", 19, 180);
	equal(received(peer, "BYE").length, 0, "BYEs");
	equal(received(peer, "CANCEL").length, 1, "CANCELs");
});

test("G21: our CANCEL is lost: it comes again", async (t) => {
	const peer = await far(t, "deaf-to-cancel");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999", ring_timeout: 1 });
	await peer.played();
	outcome(call, "no-answer", "ring_timeout", 19, 180);
	const cancels = received(peer, "CANCEL");
	ok(cancels.length >= 3, `${cancels.length} CANCELs`);
	equal(fresh(cancels).length, 1, "different CANCELs");
});

test("G21: calls over a bad network end once, each of them", async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const network = await lossy(t, phones.port, 0.25);
	const gw = await gateway(t, network);
	const calls = await Promise.all(Array.from({ length: 8 }, (_, n) => place(gw, { to: `sip:answer-${n}` }, hangUpAt(gw, "call.bridged"))));
	for (const { types, call } of calls) {
		outcome(call, "completed", "normal_clearing", 16, 200);
		equal(types.filter((type) => type === "call.answered").length, 1, "call.answered");
	}
	/* whose ACK got lost repeats its 200 for 32 s, whether it has our BYE or not */
	await eventually("no phone is left talking", () => !phones.open_ends().length, 40_000);
	equal(phones.calls.size, calls.length, "INVITEs");
	ok(network.lost(), "nothing was lost");
});
