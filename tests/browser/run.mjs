/* node tests/browser/run.mjs BINARY [WORD...]
 *
 * Real browsers talk: the offer of a page goes out with POST /calls, the answer comes
 * in its 201, and what either side says is measured where the other one hears it. The
 * far side is the sandbox's echo, or a phone (baresip) behind a PBX (Kamailio). */
import { resolve } from "node:path";

import { equal, eventually, match, ok, runAll, test } from "../wire/harness.mjs";
import { baresip, gateway, kamailio, pbxPlace } from "../kamailio/peers.mjs";
import { readWav, secondsOf } from "../wire/sound.mjs";
import { call, closeBrowser, openPhone } from "./page.mjs";

const NOTE = 1000; /* what the browser says */
const sandbox = { sandbox: true };

const wentWell = (ended, by) =>
	equal([ended.status, ended.cause, ended.ended_by], ["completed", "normal_clearing", by], "status, cause, ended_by");
const legs = (ended) => Object.fromEntries(ended.legs.map((leg) => [leg.role, leg]));

/* The echo. ------------------------------------------------------------------- */

test("the echo gives a browser its own note back", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer" });
	equal([talk.reply.json.from, talk.reply.json.status], ["webrtc", "queued"], "from and status in the 201");
	await phone.hears(NOTE);

	const stats = await phone.ask("stats");
	ok(stats["inbound-rtp"].packetsReceived > 50, "packets came");
	equal((await gw.api("DELETE", `/calls/${talk.id}`)).status, 200, "the reply to a hang-up");
	await phone.isLeft();
	const { types, call: ended } = await talk.ended();
	wentWell(ended, "api");
	equal(types.filter((type) => !/early/.test(type)), ["call.queued", "call.initiated", "leg.initiated", "leg.answered", "call.ringing",
		"leg.initiated", "leg.ringing", "leg.answered", "call.answered", "call.bridged", "leg.ended", "leg.ended", "call.ended"], "the journal");
	const { from, to } = legs(ended);
	equal(from.uri, "webrtc", "its uri");
	equal(from.codec, to.codec, "the codec, which is relayed");
	for (const { role, quality } of [from, to])
		ok(quality.received > 50 && quality.sent > 50 && quality.mos > 3, `${role}: ${JSON.stringify(quality)}`);
	ok(!JSON.stringify(ended).includes("ice-pwd"), "the answer is in the journal");
	const { text } = await gw.api("GET", `/calls/${talk.id}`);
	ok(!/ice-pwd|"webrtc":/.test(text), "the answer can be had later");
});

/* Chromium's fake one beeps. */
test("a microphone is heard", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { microphone: true });
	const talk = await call(gw, phone, { to: "sim:answer" });
	await talk.is("call.bridged");
	await eventually("ringing is over", async () => {
		await phone.ask("forget");
		await new Promise((done) => setTimeout(done, 200));
		return await phone.loudest() < 0.1;
	});
	await eventually("a beep comes back", async () => await phone.loudest() > 0.2);
	await phone.ask("hangUp");
	wentWell((await talk.ended()).call, "from");
});

for (const codec of ["opus", "PCMU", "PCMA", "G722"]) {
	test(`${codec} alone is taken from a browser, whatever the phone has`, async (t) => {
		const gw = await t.gateway(sandbox);
		const phone = await openPhone(t, { note: 440, codecs: [codec] });
		const talk = await call(gw, phone, { to: "sim:one-codec-gsm" });
		await talk.is("call.bridged");
		await phone.hears(440);
		await phone.ask("hangUp");
		const { from, to } = legs((await talk.ended()).call);
		equal([from.codec.split("/")[0], to.codec], [codec, "GSM/8000"], "the codecs");
	});
}

test("a browser may be the one who is called: the phone rings first", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { from: "sim:answer" }, { role: "to" });
	await phone.hears(NOTE);
	await phone.ask("hangUp");
	const { call: ended } = await talk.ended();
	wentWell(ended, "to");
	equal([ended.to, legs(ended).to.uri], ["webrtc", "webrtc"], "to, and its uri");
});

/* Ends. ------------------------------------------------------------------------- */

test("the far phone hangs up: the browser is told", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t);
	const talk = await call(gw, phone, { to: "sim:hangup" });
	wentWell((await talk.ended()).call, "to");
	await phone.isLeft();
});

test("whoever is busy is told as such, and the browser is let go", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t);
	const talk = await call(gw, phone, { to: "sim:busy" });
	const { call: ended } = await talk.ended();
	equal([ended.status, ended.cause, ended.sip.code, ended.failed_leg], ["busy", "busy", 486, "to"], "status, cause, code, failed_leg");
	await phone.isLeft();
});

test("a browser whose phone could not be had is let go, too", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t);
	const talk = await call(gw, phone, { from: "sim:busy" }, { role: "to" });
	const { call: ended } = await talk.ended();
	equal([ended.status, ended.failed_leg, ended.legs.length], ["busy", "from", 1], "status, failed_leg, legs");
	await phone.isLeft();
});

test("a page that is closed ends its call", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer" });
	await phone.hears(NOTE);
	await phone.close();
	const closed = Date.now();
	const { call: ended } = await talk.ended();
	equal([ended.status, ended.ended_by], ["completed", "from"], "status, ended_by");
	console.log(`    (a closed page is ${ended.cause} after ${((Date.parse(ended.ended_at) - closed) / 1000).toFixed(1)} s; wanted: 10)`);
});

test("a browser whose certificate is another one never gets through", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t);
	const forged = phone.offer.replace(/(a=fingerprint:sha-256 )(..)/, (_, name, hex) => name + (hex === "00" ? "01" : "00"));
	const talk = await call(gw, phone, { to: "sim:answer" }, { sdp: forged });
	const { types, call: ended } = await talk.ended();
	equal([ended.status, ended.cause, ended.q850, ended.failed_leg], ["failed", "ice_failed", 88, "from"], "status, cause, q850, failed_leg");
	equal(types.filter((type) => type === "leg.ringing").length, 0, "phones that rang");
});

/* In the call. -------------------------------------------------------------------- */

const DTMF_5 = [770, 1336];

test("keys pressed in the browser are told, and keys are pressed for it", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: 300 });
	const talk = await call(gw, phone, { to: "sim:no-media" });
	await talk.is("call.bridged");
	await eventually("keys can be pressed", () => phone.ask("canPress"));
	await phone.ask("press", "5#");
	const told = await talk.stream.until("two keys", (seen) => {
		const digits = seen.filter(({ type }) => type === "call.dtmf").map(({ data }) => data.digit ?? data.digits);
		return digits.length >= 2 && digits;
	});
	equal(told, ["5", "#"], "the keys");
	await phone.ask("forget");
	equal((await gw.api("POST", `/calls/${talk.id}/dtmf`, { body: { digits: "555555555555", leg: "from" } })).status, 200, "the reply to dtmf");
	await eventually("the key is heard", async () => (await phone.seconds(...DTMF_5)) >= 0.1);
	await phone.ask("hangUp");
	wentWell((await talk.ended()).call, "from");
});

test("on hold a browser hears nothing, then again", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer" });
	await phone.hears(NOTE);
	equal((await gw.api("POST", `/calls/${talk.id}/hold`, { body: { leg: "from" } })).status, 200, "the reply to hold");
	await talk.is("call.hold");
	await eventually("silence", async () => {
		await phone.ask("forget");
		await new Promise((done) => setTimeout(done, 300));
		return (await phone.seconds(NOTE)) === 0;
	});
	equal((await gw.api("POST", `/calls/${talk.id}/unhold`, { body: { leg: "from" } })).status, 200, "the reply to unhold");
	await talk.is("call.unhold");
	await phone.hears(NOTE);
	await phone.ask("hangUp");
	wentWell((await talk.ended()).call, "from");
});

test("a key pressed in the browser confirms it, then the phone rings", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer", confirm: { digit: "1" } });
	await eventually("keys can be pressed", () => phone.ask("canPress"));
	await eventually("the key is taken", async () => {
		await phone.ask("press", "1");
		return talk.stream.seen.some(({ type }) => type === "call.confirm.passed");
	});
	await phone.hears(NOTE);
	await phone.ask("hangUp");
	wentWell((await talk.ended()).call, "from");
});

test("a muted browser is not heard, a muted phone isn't either", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer" });
	await phone.hears(NOTE);
	for (const leg of ["from", "to"]) {
		equal((await gw.api("POST", `/calls/${talk.id}/mute`, { body: { leg } })).status, 200, "the reply to mute");
		await eventually("silence", async () => {
			await phone.ask("forget");
			await new Promise((done) => setTimeout(done, 300));
			return (await phone.seconds(NOTE)) === 0;
		});
		equal((await gw.api("POST", `/calls/${talk.id}/unmute`, { body: { leg } })).status, 200, "the reply to unmute");
		await phone.hears(NOTE);
	}
	await phone.ask("hangUp");
	await talk.ended();
});

test("a browser goes on with another phone; sound never goes past the gateway", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer", join: "direct" });
	await phone.hears(NOTE);
	equal((await gw.api("POST", `/calls/${talk.id}/transfer`, { body: { to: "853", mode: "blind", leg: "from" } })).status, 200, "the reply to transfer");
	await talk.is("call.transfer.completed");
	await phone.ask("forget");
	await phone.hears(NOTE);
	await phone.ask("hangUp");
	const { call: ended } = await talk.ended();
	equal([ended.status, ended.join], ["completed", "relay"], "status and join");
	equal(ended.legs.map(({ role }) => role), ["from", "to", "to"], "the legs");
});

test("a recording has the browser on its left", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { note: NOTE });
	const talk = await call(gw, phone, { to: "sim:answer", record: true });
	await phone.hears(NOTE, 2);
	await phone.ask("hangUp");
	await talk.ended();
	const reply = await eventually("the recording is there", async () => {
		const got = await gw.exchange("GET", `/calls/${talk.id}/recording`);
		return got.status === 200 && got;
	});
	const { rate, channels } = readWav(reply.bytes);
	for (const [i, channel] of channels.entries())
		ok(secondsOf(channel, rate, NOTE) > 1.5, `channel ${i} has ${secondsOf(channel, rate, NOTE)} s of the note`);
});

/* A real phone. ------------------------------------------------------------------- */

for (const [how, codecs, voice, of_browser, of_phone] of [
	["opus, relayed", ["opus", "PCMA", "telephone-event"], "opus", "opus/48000", "opus/48000"],
	["PCMU, relayed", ["PCMU", "telephone-event"], "g711", "PCMU/8000", "PCMU/8000"],
	["opus to PCMA, converted", ["opus", "PCMA", "telephone-event"], "g711", "opus/48000", "PCMA/8000"],
]) {
	test(`a browser and a phone behind Kamailio hear each other: ${how}`, async (t) => {
		const at = pbxPlace(t);
		const pbx = await kamailio(t, at);
		const desk = await baresip(t, pbx, at, "853", { note: 440, codec: voice });
		const gw = await gateway(t, at, { codecs });
		const phone = await openPhone(t, { note: NOTE });
		const talk = await call(gw, phone, { to: "853" });
		await phone.hears(desk.note, 2);
		equal((await gw.api("DELETE", `/calls/${talk.id}`)).status, 200, "the reply to a hang-up");
		const { call: ended } = await talk.ended();
		wentWell(ended, "api");
		const { from, to } = legs(ended);
		equal([from.codec, to.codec], [of_browser, of_phone], "the codecs");
		for (const { role, quality } of [from, to])
			ok(quality.mos > 3 && quality.lost === 0, `${role}: ${JSON.stringify(quality)}`);

		await eventually("the phone has noticed the end", () => /terminated \(duration|session closed/.test(desk.log()));
		const heard = desk.heard().map((file) => readWav(file))
			.reduce((sum, { rate, channels }) => sum + secondsOf(channels[0], rate, NOTE), 0);
		ok(heard >= 1, `the phone has heard the browser for ${heard} s only`);
	});
}

/* Another browser. ----------------------------------------------------------------- */

test("Firefox talks, too", async (t) => {
	const gw = await t.gateway(sandbox);
	const phone = await openPhone(t, { browser: "firefox", note: NOTE, codecs: ["opus"] });
	const talk = await call(gw, phone, { to: "sim:answer" });
	await phone.hears(NOTE);
	await eventually("keys can be pressed", () => phone.ask("canPress"));
	await phone.ask("press", "7");
	match((await talk.is("call.dtmf")).data.digit, /^7$/, "the key");
	await phone.ask("hangUp");
	wentWell((await talk.ended()).call, "from");
});

const [binary, ...words] = process.argv.slice(2);
if (!binary) {
	console.error("usage: node tests/browser/run.mjs BINARY [WORD...]");
	process.exit(2);
}
const failed = await runAll(resolve(binary), words, { at_once: 3 });
await closeBrowser();
process.exit(failed);
