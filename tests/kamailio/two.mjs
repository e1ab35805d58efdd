/* Two real phones (baresip) behind a real registrar: one POST joins them, and what
 * one says arrives at the other, by energy and frequency of what it recorded. */
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { readWav, secondsOf } from "../wire/sound.mjs";
import { baresip, gateway, kamailio, pbxPlace, place, talkFor } from "./peers.mjs";

const RINGBACK_DE = 425;
const TWO_LEGS = ["call.queued", "call.initiated", "leg.initiated", "leg.ringing", "call.ringing", "leg.answered",
	"leg.initiated", "leg.ringing", "leg.answered", "call.answered", "call.bridged", "leg.ended", "leg.ended", "call.ended"];

/* Baresip's file is whole when it has noticed the end of the call. */
const heard = async (phone) => {
	await eventually("the phone has noticed the end", () => /terminated \(duration|session closed/.test(phone.log()));
	const files = phone.heard();
	ok(files.length, `the phone has heard nothing:\n${phone.log().slice(-1500)}`);
	/* a change of the session begins another file */
	return (hz) => files.map((file) => readWav(file))
		.reduce((sum, { rate, channels }) => sum + secondsOf(channels[0], rate, hz), 0);
};

const hears = async (phone, hz, at_least, what) => {
	const seconds = (await heard(phone))(hz);
	ok(seconds >= at_least, `${what} has heard ${hz} Hz for ${seconds} s only`);
};

const phones = async (t, { from = {}, to = {}, line = {}, pbx_is = {} } = {}) => {
	const at = pbxPlace(t, pbx_is);
	const pbx = await kamailio(t, at);
	const a = await baresip(t, pbx, at, "853", { note: 440, ...from });
	const b = await baresip(t, pbx, at, "854", { note: 660, ...to });
	const gw = await gateway(t, at, line);
	return { at, pbx, a, b, gw };
};

const legs = (call) => Object.fromEntries(call.legs.map((leg) => [leg.role, leg]));

const wentWell = (call, ended_by = "api") =>
	equal([call.status, call.cause, call.ended_by, call.failed_leg], ["completed", "normal_clearing", ended_by, null],
		"status, cause, ended_by, failed_leg");

for (const [how, from, to, codecs] of [
	["the same codec, relayed", {}, {}, ["PCMA/8000", "PCMA/8000"]],
	["opus to G.711", { codec: "opus" }, {}, ["opus/48000", "PCMA/8000"]],
	["G.711 to G.722", {}, { codec: "g722" }, ["PCMA/8000", "G722/8000"]],
	["GSM to opus", { codec: "gsm" }, { codec: "opus" }, ["GSM/8000", "opus/48000"]],
]) {
	test(`two phones hear each other: ${how}`, async (t) => {
		const { a, b, gw } = await phones(t, { from, to, line: { codecs: ["PCMA", "PCMU", "GSM", "opus", "G722", "telephone-event"] } });
		const { types, call } = await place(gw, { from: "853", to: "854" }, talkFor(gw, 2000));
		wentWell(call);
		equal(types.filter((type) => !/early/.test(type)), TWO_LEGS, "the journal");
		const { from: first, to: second } = legs(call);
		equal([first.codec, second.codec], codecs, "the codecs");
		for (const leg of [first, second]) {
			ok(leg.quality.received > 50 && leg.quality.sent > 50, `${leg.role}: ${leg.quality.received} packets came, ${leg.quality.sent} went`);
			ok(leg.quality.mos > 3, `${leg.role}: MOS ${leg.quality.mos}`);
		}
		await hears(a, b.note, 1, "from");
		await hears(b, a.note, 1, "to");
	});
}

test("the one who waits hears it ring, in the cadence of his country", async (t) => {
	const { a, gw } = await phones(t, { to: { answers: false } });
	const { types, call } = await place(gw, { from: "853", to: "854", ringback: "de", ring_timeout: 4 });
	equal([call.status, call.cause, call.failed_leg, call.ended_by], ["no-answer", "ring_timeout", "to", "timer"],
		"status, cause, failed_leg, ended_by");
	ok(!types.includes("call.answered"), "the call was answered");
	await hears(a, RINGBACK_DE, 0.9, "from");
});

for (const join of ["direct", "refer"]) {
	test(`join ${join}: the two hear each other`, async (t) => {
		const { a, b, gw } = await phones(t);
		const { call } = await place(gw, { from: "853", to: "854", join }, talkFor(gw, 2000));
		equal([call.status, call.cause], ["completed", "normal_clearing"], "status and cause");
		console.log(`    (baresip behind Kamailio: join ${join} became ${call.join}, handed_over ${call.handed_over})`);
		if (!call.handed_over) {
			await hears(a, b.note, 1, "from");
			await hears(b, a.note, 1, "to");
		}
	});
}

test("SRTP on both legs: the two hear each other", async (t) => {
	const secure = { account: ";mediaenc=srtp-mand" };
	const { a, b, gw } = await phones(t, { from: secure, to: secure, line: { srtp: true } });
	const { call } = await place(gw, { from: "853", to: "854" }, talkFor(gw, 2000));
	wentWell(call);
	await hears(a, b.note, 1, "from");
	await hears(b, a.note, 1, "to");
});

test("what the two say is recorded, each on a side of its own", async (t) => {
	const { a, b, gw } = await phones(t);
	const { id, call } = await place(gw, { from: "853", to: "854", record: true }, talkFor(gw, 2500));
	wentWell(call);
	const reply = await eventually("the recording is there", async () => {
		const got = await gw.exchange("GET", `/calls/${id}/recording`);
		return got.status === 200 && got;
	});
	match(reply.headers["content-type"], /^audio\/wav/, "the type");
	const { rate, channels } = readWav(reply.bytes);
	equal(channels.length, 2, "channels");
	for (const [i, phone] of [a, b].entries())
		ok(secondsOf(channels[i], rate, phone.note) > 1.5, `channel ${i} has ${secondsOf(channels[i], rate, phone.note)} s of ${phone.note} Hz`);
});

test("on hold nothing is heard, and then again", async (t) => {
	const { a, b, gw } = await phones(t);
	const said = [];
	const { call } = await place(gw, { from: "853", to: "854" }, async (event, id) => {
		said.push(event.type);
		if (event.type === "call.bridged") {
			equal((await gw.api("POST", `/calls/${id}/hold`, { body: { leg: "to" } })).status, 200, "the reply to hold");
		} else if (event.type === "call.hold") {
			setTimeout(async () => equal((await gw.api("POST", `/calls/${id}/unhold`, { body: { leg: "to" } })).status, 200, "the reply to unhold"), 500);
		} else if (event.type === "call.unhold") {
			setTimeout(() => gw.api("DELETE", `/calls/${id}`), 1500);
		}
	});
	wentWell(call);
	ok(said.includes("call.hold") && said.includes("call.unhold"), `the journal: ${said}`);
	/* baresip without a loudspeaker keeps nothing after a change of its session */
	await hears(a, b.note, 1, "from");
});

test("a call is handed on: blind transfer", async (t) => {
	const { at, pbx, b, gw } = await phones(t);
	const c = await baresip(t, pbx, at, "855", { note: 880 });
	const { types, call } = await place(gw, { from: "853", to: "854" }, (event, id) => {
		if (event.type === "call.bridged" && !event.call.legs[2])
			gw.api("POST", `/calls/${id}/transfer`, { body: { to: "855", mode: "blind", leg: "to" } });
		if (event.type === "call.transfer.completed")
			setTimeout(() => gw.api("DELETE", `/calls/${id}`), 1500);
	});
	equal([call.status, call.cause], ["completed", "normal_clearing"], "status and cause");
	ok(types.includes("call.transfer.started") && types.includes("call.transfer.completed"), `the journal: ${types}`);
	equal(call.legs.map((leg) => leg.role), ["from", "to", "from"], "the legs");
	await hears(b, c.note, 1, "to");
	await hears(c, b.note, 1, "the new one");
});
