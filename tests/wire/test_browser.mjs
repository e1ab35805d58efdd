/* A browser in POST /calls, as far as it needs none: what is taken, what is refused
 * and where that is said, and what happens when nobody comes. Real ones talk in
 * tests/browser. */
import { readFileSync } from "node:fs";

import { equal, match, ok, test } from "./harness.mjs";
import { far, lineTo } from "./far.mjs";

const offers = new URL("../fuzz/seeds/offer/", import.meta.url);
const chromium = readFileSync(new URL("chromium.sdp", offers), "utf8");
const camera = readFileSync(new URL("camera.sdp", offers), "utf8");

const from = (sdp, more = {}) => ({ to: "853", from: { webrtc: { sdp } }, ...more });
const post = (gw, body, headers = {}) => gw.api("POST", "/calls", { body, headers });
const sandbox = { sandbox: true };

test("E23: an offer is answered in the 201, and nowhere else", async (t) => {
	const gw = await t.gateway(sandbox);
	const reply = await post(gw, from(chromium), { "Idempotency-Key": "one" });
	equal(reply.status, 201, "status");
	match(reply.json.webrtc.sdp, /^v=0\r\n[^]*a=ice-lite\r\n[^]*m=audio \d+ UDP\/TLS\/RTP\/SAVPF [^]*a=candidate:1 1 udp \d+ 127\.0\.0\.1 \d+ typ host\r\n/, "the answer");
	equal([reply.json.from, reply.json.to], ["webrtc", "853"], "from and to");

	const again = await post(gw, from(chromium), { "Idempotency-Key": "one" });
	equal([again.status, again.headers["idempotent-replayed"], again.json.webrtc], [201, "true", reply.json.webrtc], "the replay");

	const { id } = reply.json;
	equal((await gw.api("DELETE", `/calls/${id}`)).status, 200, "hanging up");
	const stream = await gw.events(`/calls/${id}/events`);
	await stream.untilType("call.ended");
	const pwd = /a=ice-pwd:(\S+)/.exec(reply.json.webrtc.sdp)[1];
	for (const path of [`/calls/${id}`, "/calls", `/calls/${id}/sip`])
		ok(!(await gw.api("GET", path)).text.includes(pwd), `the password is in ${path}`);
	ok(!stream.seen.some((event) => JSON.stringify(event).includes(pwd)), "the password is in the journal");
	ok(!gw.log().includes(pwd), "the password is in the log");

	const late = await post(gw, from(chromium), { "Idempotency-Key": "one" });
	equal([late.status, late.json.webrtc], [201, undefined], "a replay when all is over");
});

test("E23: an offer that can't be taken is refused at its place", async (t) => {
	const gw = await t.shared(sandbox);
	for (const sdp of ["v=0", "hello", "<sdp>", chromium.replace("m=audio", "m=video"), chromium.replace("SAVPF", "AVP"),
		chromium.replace(/a=fingerprint.*\r\n/, ""), chromium.replace("sha-256", "md5"), chromium.replace(/a=ice-pwd.*\r\n/, ""),
		chromium.replace("a=sendrecv", "a=recvonly"), chromium.replace("a=setup:actpass", "a=setup:passive"), chromium.replace("a=rtcp-mux", "a=x"),
		chromium.replace("a=mid:0", "a=mid:0 <"), `${chromium}a=x:${"x".repeat(16384 - chromium.length)}\r\n`, chromium.replace("s=-", "s=\u0001"),
		`${chromium}${"m=video 9 UDP/TLS/RTP/SAVPF 96\r\n".repeat(100)}`]) {
		const reply = await post(gw, from(sdp));
		equal([reply.status, reply.json.errors?.[0].pointer], [422, "/from/webrtc/sdp"], `status and pointer of ${sdp.slice(0, 60)}`);
	}
	const reply = await post(gw, { from: "853", to: { webrtc: { sdp: "v=0" } } });
	equal([reply.status, reply.json.errors[0].pointer], [422, "/to/webrtc/sdp"], "status and pointer");
	for (const [body, pointer] of [
		[from(chromium, { not_before: new Date(Date.now() + 60_000).toISOString() }), "/not_before"],
		[from(chromium, { dedupe_seconds: 5 }), "/dedupe_seconds"],
		[{ from: { webrtc: { sdp: chromium } }, to: { webrtc: { sdp: chromium } } }, "/to/webrtc"],
		[{ from: { webrtc: { sdp: chromium, type: "offer" } }, to: "853" }, "/from/webrtc/type"],
	]) {
		const wrong = await post(gw, body);
		ok(wrong.status === 422 && wrong.json.errors.some((error) => error.pointer === pointer), `${pointer}: ${wrong.status} ${wrong.text}`);
	}
	equal((await gw.api("GET", "/calls")).json.data, [], "calls");
});

test("a camera is declined, the voice is taken", async (t) => {
	const gw = await t.gateway(sandbox);
	const reply = await post(gw, from(camera));
	equal(reply.status, 201, "status");
	equal(reply.json.webrtc.sdp.match(/^m=\w+ (0)?/gm).map((line) => line.trim()), ["m=audio", "m=video 0", "m=application 0"], "the m= lines");
	await gw.api("DELETE", `/calls/${reply.json.id}`);
});

test("a dry run opens no port and answers no offer", async (t) => {
	const gw = await t.shared(sandbox);
	const reply = await gw.api("POST", "/calls?dry_run=1", { body: from(chromium) });
	equal([reply.status, reply.json.webrtc], [200, undefined], "status and answer");
});

test("where browsers find us can be said", async (t) => {
	const gw = await t.gateway({ sandbox: true, media: { browser_advertise: ["203.0.113.9", "192.0.2.9"] } });
	const reply = await post(gw, from(chromium));
	equal([...reply.json.webrtc.sdp.matchAll(/a=candidate:\d 1 udp \d+ (\S+)/g)].map(([, address]) => address), ["203.0.113.9", "192.0.2.9"], "the candidates");
	await gw.api("DELETE", `/calls/${reply.json.id}`);
});

test("no port is free: 503, and no call", async (t) => {
	const pbx = await far(t);
	const gw = await t.gateway({ lines: [lineTo(pbx)], media: { ports: "23000-23003" } });
	const replies = [];
	for (let i = 0; i < 4; i++)
		replies.push(await post(gw, from(chromium)));
	const refused = replies.filter(({ status }) => status === 503);
	ok(refused.length, `statuses: ${replies.map(({ status, text }) => `${status} ${text.slice(0, 300)}`)}`);
	equal(refused[0].json.code, "capacity", "its code");
	ok(Number(refused[0].headers["retry-after"]) > 0, "no Retry-After");
	for (const { status, json } of replies)
		if (status === 201)
			await gw.api("DELETE", `/calls/${json.id}`);
});

test("a browser that never comes: ice_failed, and no phone has rung", async (t) => {
	const gw = await t.gateway(sandbox);
	const { json } = await post(gw, from(chromium));
	const stream = await gw.events(`/calls/${json.id}/events`);
	const events = await stream.until("call.ended", (seen) => seen.at(-1)?.type === "call.ended" && seen, 25_000);
	const { call } = events.at(-1);
	equal([call.status, call.cause, call.q850, call.failed_leg, call.ended_by], ["failed", "ice_failed", 88, "from", "from"], "status, cause, q850, failed_leg, ended_by");
	ok(!events.some(({ type }) => type === "leg.ringing"), "a phone has rung");
});
