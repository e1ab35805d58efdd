/* node tests/sipp/run.mjs BINARY [WORD...]
 *
 * The real gateway against SIPp: each test starts one scenario of this folder as
 * the far side, places a call over HTTP, reads its events to the end and then
 * looks at what was on the wire, as SIPp has logged it.
 *
 * The seed's account lives at 192.168.115.149, which is given to the loopback of
 * the namespace the suite runs in; on a machine with other interfaces it is
 * played at 127.0.0.1, and the digest is checked against our own sum. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import dgram from "node:dgram";
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { equal, match, ok, runAll, test } from "../wire/harness.mjs";
import { far, gateway, hangUpAt, outcome, place } from "./peers.mjs";
import "./down.mjs";
import "./two.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));

/* Calls. -------------------------------------------------------------------- */

const ONE_LEG = ["call.queued", "call.initiated", "leg.initiated", "leg.ringing", "call.ringing", "leg.answered",
	"call.answered", "call.bridged", "leg.ended", "call.ended"];

test("a call is answered and hung up by us", async (t) => {
	const peer = await far(t, "answer");
	const gw = await gateway(t, peer);
	const { types, call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	equal(types, ONE_LEG, "the journal");
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal(call.ended_by, "api", "ended_by");
	const bye = peer.messages().find((m) => m.first.startsWith("BYE "));
	match(bye.get("Reason"), /^Q\.850;cause=16/, "our BYE's Reason");
});

test("the far side hangs up", async (t) => {
	const peer = await far(t, "far-bye");
	const gw = await gateway(t, peer);
	const { types, call } = await place(gw, { to: "9999" });
	await peer.played();
	equal(types, ONE_LEG, "the journal");
	outcome(call, "completed", "normal_clearing", 16, 200);
	equal(call.ended_by, "to", "ended_by");
});

test("re-INVITE, hold and OPTIONS of the far side are answered", async (t) => {
	const peer = await far(t, "reinvite");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" });
	await peer.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	const answers = peer.messages().filter((m) => !m.sent && m.first === "SIP/2.0 200 OK" && / INVITE$/.test(m.get("CSeq")));
	equal(answers.length, 2, "answers to re-INVITEs");
	match(answers[0].body, /^a=(recvonly|inactive)\r?$/m, "our answer while on hold");
	ok(!/^a=(recvonly|inactive|sendonly)/m.test(answers[1].body), "our answer after the hold sends and receives");
	const options = peer.messages().find((m) => !m.sent && /OPTIONS$/.test(m.get("CSeq")));
	match(options.get("Allow"), /INVITE/, "Allow in the answer to OPTIONS");
});

for (const [scenario, status, cause, q850, code] of [
	["busy", "busy", "busy", 17, 486],
	["redirect", "failed", "redirected", 23, 302],
	["overloaded", "failed", "congestion", 42, 503],
	["no-common-codec", "failed", "no_common_codec", 88, 488],
	["challenge-for-ever", "failed", "auth_failed", 21, 407],
]) {
	test(`${scenario} ends as ${status}, ${cause}`, async (t) => {
		const peer = await far(t, scenario);
		const gw = await gateway(t, peer);
		const { types, call } = await place(gw, { to: "9999" });
		await peer.played();
		outcome(call, status, cause, q850, code);
		ok(!types.includes("call.answered"), "call.answered was told");
		if (scenario === "busy")
			match(call.sip.reason_header, /User busy/, "the Reason header");
		if (scenario === "challenge-for-ever")
			equal(peer.messages().filter((m) => !m.sent && m.get("Proxy-Authorization") && m.first.startsWith("INVITE")).length, 2, "INVITEs with credentials");
	});
}

test("ringing without end is cancelled, with a Reason", async (t) => {
	const peer = await far(t, "ring-for-ever");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999", ring_timeout: 2 });
	await peer.played();
	outcome(call, "no-answer", "ring_timeout", 19, 180);
	const cancel = peer.messages().find((m) => m.first.startsWith("CANCEL "));
	ok(cancel.get("Reason"), "no Reason in CANCEL");
});

test("a ringing call is cancelled by the API", async (t) => {
	const peer = await far(t, "ring-for-ever");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.ringing"));
	await peer.played();
	outcome(call, "canceled", "canceled_by_api", 16, 180);
});

test("a 200 that crosses our CANCEL gets ACK and BYE", async (t) => {
	const peer = await far(t, "late-200");
	const gw = await gateway(t, peer);
	const { types, call } = await place(gw, { to: "9999", ring_timeout: 2 });
	await peer.played();
	equal([call.status, call.cause], ["no-answer", "ring_timeout"], "status and cause");
	ok(!types.includes("call.answered"), "call.answered was told");
	const sent = peer.messages().filter((m) => !m.sent).map((m) => m.first.split(" ")[0]);
	equal(sent.filter((method, i) => method !== sent[i - 1]), ["INVITE", "CANCEL", "ACK", "BYE"], "what we sent");
});

test("early media is told", async (t) => {
	const peer = await far(t, "early-media");
	const gw = await gateway(t, peer);
	const { types, call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	ok(types.includes("call.early_media"), "no call.early_media");
	outcome(call, "completed", "normal_clearing", 16, 200);
});

test("of forked answers one wins, the other gets ACK and BYE", async (t) => {
	const peer = await far(t, "forked");
	const gw = await gateway(t, peer);
	const { types, call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	equal(types.filter((type) => type === "call.ringing").length, 1, "call.ringing");
	outcome(call, "completed", "normal_clearing", 16, 200);
	const byes = peer.messages().filter((m) => !m.sent && m.first.startsWith("BYE "));
	equal(byes.map((m) => m.tag("To")), ["1-other", "1-far"], "whom we said BYE to");
});

test("nobody there: transport_timeout", async (t) => {
	const gw = await gateway(t, { ip: "127.0.0.1", port: 9 });
	const { call } = await place(gw, { to: "9999", ring_timeout: 2 });
	outcome(call, "failed", "transport_timeout", 102, null);
});

/* Digest. ------------------------------------------------------------------- */

const credentials = (header) => Object.fromEntries([...header.matchAll(/(\w+)=(?:"([^"]*)"|([^, ]+))/g)]
	.map(([, name, quoted, plain]) => [name, quoted ?? plain]));

const digest = (algorithm, c, method, password) => {
	const hash = (text) => createHash(algorithm).update(text).digest("hex");
	const ha1 = hash(`${c.username}:${c.realm}:${password}`);
	const ha2 = hash(`${method}:${c.uri}`);
	return c.qop ? hash(`${ha1}:${c.nonce}:${c.nc}:${c.cnonce}:${c.qop}:${ha2}`) : hash(`${ha1}:${c.nonce}:${ha2}`);
};

test("the stronger of two digests is taken", async (t) => {
	const peer = await far(t, "sha256");
	const gw = await gateway(t, peer);
	const { call } = await place(gw, { to: "9999" }, hangUpAt(gw, "call.bridged"));
	await peer.played();
	outcome(call, "completed", "normal_clearing", 16, 200);
	const invite = peer.messages().filter((m) => m.first.startsWith("INVITE "))[1];
	const c = credentials(invite.get("Proxy-Authorization"));
	equal([c.algorithm, c.qop, c.nc], ["SHA-256", "auth", "00000001"], "algorithm, qop, nc");
	equal(c.response, digest("sha256", c, "INVITE", "1001"), "the response");
});

/* The seed's case. ----------------------------------------------------------- */

const SEED = "192.168.115.149";

/* The seed's address, where the loopback may have it. */
const seedPlace = () => {
	const others = Object.keys(networkInterfaces()).filter((name) => name !== "lo");
	if (others.length)
		return { ip: "127.0.0.1" };
	try {
		execFileSync("ip", ["address", "add", `${SEED}/32`, "dev", "lo"], { stdio: "ignore" });
	} catch {
		/* it may be there from a test before */
	}
	const has = Object.values(networkInterfaces()).flat().some((i) => i.address === SEED);
	return has ? { ip: SEED, port: 5060 } : { ip: "127.0.0.1" };
};

/* Counts what arrives at the odd port of the far side's SDP. */
const listenForSound = async (t, ip) => {
	const socket = dgram.createSocket("udp4");
	const heard = { packets: 0, types: new Set() };
	socket.on("message", (packet) => {
		heard.packets++;
		heard.types.add(packet[1] & 0x7f);
	});
	await new Promise((done) => socket.bind(5005, ip, done));
	t.later(() => socket.close());
	return heard;
};

test("the seed's call, message by message", async (t) => {
	const peer = await far(t, "seed", seedPlace());
	const heard = await listenForSound(t, peer.ip);
	const golden = peer.ip === SEED;
	const gw = await gateway(t, peer, golden ? { port: undefined } : {});
	const { types, call } = await place(gw, { to: "9999" }, (event, id) => {
		if (event.type === "call.bridged")
			setTimeout(() => gw.api("DELETE", `/calls/${id}`), 400);
	});
	await peer.played();
	equal(types, ONE_LEG, "the journal");
	outcome(call, "completed", "normal_clearing", 16, 200);

	/* in this order, whatever else came more than once */
	const first = (m) => (m.sent ? "< " : "> ") + (m.first.startsWith("SIP/2.0") ? m.first.slice(8, 11) : m.first.split(" ")[0]);
	const messages = peer.messages();
	equal(messages.map(first), ["> INVITE", "< 100", "< 407", "> ACK", "> INVITE", "< 100", "< 180", "< 200", "> ACK", "> BYE", "< 200"], "the messages");

	const [invite, , , ack, again, , , answer, ack200, bye] = messages;
	const uri = golden ? `sip:9999@${SEED}` : `sip:9999@${peer.ip}:${peer.port}`;
	equal(invite.first, `INVITE ${uri} SIP/2.0`, "the request line");
	match(invite.get("Via"), /^SIP\/2\.0\/UDP [\d.]+:\d+;branch=z9hG4bK[^;]+;rport(;own=[0-9a-f]{16})?$/, "Via");
	equal(invite.get("Max-Forwards"), "70", "Max-Forwards");
	match(invite.get("From"), new RegExp(`^"1001" <sip:1001@${peer.ip.replaceAll(".", "\\.")}>;tag=`), "From");
	equal(invite.get("To"), `<${uri}>`, "To");
	match(invite.get("Contact"), /^<sip:[^@>]+@[\d.]+:\d+>/, "Contact");
	match(invite.get("User-Agent"), /^Bellpull\//, "User-Agent");
	for (const method of ["INVITE", "ACK", "CANCEL", "OPTIONS", "BYE"])
		match(invite.get("Allow"), new RegExp(`\\b${method}\\b`), "Allow");
	equal(invite.all("Proxy-Authorization"), [], "credentials before anybody asked");

	equal(ack.branch, invite.branch, "the branch of the ACK to 407");
	equal([ack.cseq, ack.tag("To")], [invite.cseq, "1-first"], "CSeq and To tag of the ACK to 407");

	equal(again.cseq, invite.cseq + 1, "CSeq of the second INVITE");
	ok(again.branch !== invite.branch, "the second INVITE has the first one's branch");
	equal([again.get("Call-ID"), again.tag("From"), again.tag("To")], [invite.get("Call-ID"), invite.tag("From"), undefined], "Call-ID and tags");

	const c = credentials(again.get("Proxy-Authorization"));
	equal([c.username, c.realm, c.nonce, c.uri, c.qop], ["1001", "OzekiPBX", "6652a236231c44029a9ae7bf793e15f9", uri, undefined], "the credentials");
	equal(c.response, digest("md5", c, "INVITE", "1001"), "the response");
	if (golden)
		equal(c.response, "b63eb535d3c711dd77ea15d4f022bc07", "the golden response");

	equal([ack200.cseq, ack200.tag("To")], [again.cseq, answer.tag("To")], "CSeq and To tag of the ACK to 200");
	ok(ack200.branch !== again.branch, "the ACK to 200 has the INVITE's branch");
	equal([bye.cseq, bye.tag("To"), bye.get("Call-ID")], [again.cseq + 1, answer.tag("To"), invite.get("Call-ID")], "the BYE");

	const sdp = again.body.trim().split("\r\n");
	match(sdp.find((l) => l.startsWith("m=")), /^m=audio \d+ RTP\/AVP 8 0 3 101 9 104 98$/, "m=");
	equal(sdp.filter((l) => l.startsWith("a=rtpmap:")).map((l) => l.slice(9)), ["8 PCMA/8000", "0 PCMU/8000", "3 GSM/8000",
		"101 telephone-event/8000", "9 G722/8000", "104 G726-16/8000", "98 iLBC/8000"], "the codecs");
	ok(sdp.includes("a=fmtp:9 bitrate=64000"), "no bitrate of G722");
	ok(sdp.includes("a=fmtp:98 mode=20"), "no mode of iLBC");

	ok(heard.packets >= 5, `${heard.packets} packets at the odd port`);
	equal([...heard.types], [8], "payload types heard");
});

/* Every scenario of this folder is played by a test above, in two.mjs or in down.mjs. */
test("no scenario is left out", async () => {
	const text = ["run.mjs", "two.mjs", "down.mjs"].map((name) => readFileSync(`${here}${name}`, "utf8")).join();
	for (const file of readdirSync(here).filter((name) => name.endsWith(".xml")))
		ok(text.includes(`"${file.slice(0, -4)}"`), `${file} is not played`);
});

const [binary, ...words] = process.argv.slice(2);
if (!binary) {
	console.error("usage: node tests/sipp/run.mjs BINARY [WORD...]");
	process.exit(2);
}
process.exit(await runAll(resolve(binary), words));
