/* G28, E19: servers and phones that answer our own requests as nobody should. Each
 * call ends, once, with a cause of the closed list, within the time that its timers
 * give it; nothing stays behind. */
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { calls, conversation, ended, gateway, place, response, sdp, server } from "./pbx.mjs";

const long = (n, what = "a") => what.repeat(n);
const good = sdp(30000);
const to = (pbx, m, bytes) => pbx.socket.send(bytes, m.port, m.from_address);

/* Says one thing to INVITE. text(m, pbx): the bytes. */
const says = (text) => (m, pbx) => to(pbx, m, text(m, pbx));
/* Says it, and rings before, so that there is somebody to be cancelled. */
const ringsAndSays = (text) => (m, pbx) => {
	pbx.reply(m, 180);
	to(pbx, m, text(m, pbx));
};
const ok200 = (m, pbx, options = {}) => response(m, 200, { phrase: "OK", contact: pbx.contact, body: good, ...options });

/* Answers as it should, and then says what it likes inside of the dialog. */
const answersAnd = (then, body = good) => ({
	INVITE: (m, pbx) => to(pbx, m, ok200(m, pbx, { tag: `d-${m.user}`, body })),
	ACK: (ack, pbx) => {
		const invite = pbx.seen.find((m) => m.method === "INVITE" && m.get("Call-ID") === ack.get("Call-ID"));
		if (invite.acked)
			return;
		invite.acked = true;
		let cseq = 0;
		const request = (method, more = "", body = "") => to(pbx, invite, `${method} sip:858@x SIP/2.0\r\nVia: SIP/2.0/UDP ${pbx.address}:${pbx.port};branch=z9hG4bKd${invite.user}${++cseq}\r\n`
			+ `From: ${ack.get("To")}\r\nTo: ${invite.get("From")}\r\nCall-ID: ${invite.get("Call-ID")}\r\nCSeq: ${cseq} ${method}\r\n${more}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
		then(request, invite, pbx);
	},
});
const byeAtLast = (then, body) => answersAnd((request, invite, pbx) => {
	then(request, invite, pbx);
	setTimeout(() => request("BYE"), 300);
}, body);

const challenge = (value, code = 407) => says((m) => response(m, code, { more: `${code === 407 ? "Proxy" : "WWW"}-Authenticate: ${value}\r\n` }));

/* [what it does, how, the status and cause that must come] */
const NO_ANSWER = ["no-answer", "ring_timeout"];
const NO_RESPONSE = ["failed", "transport_timeout"];
const cases = [
	/* final answers that are hardly any: dropped, as if nobody were there */
	["a status of 65736, which is 200 in 16 bits", ringsAndSays((m, pbx) => ok200(m, pbx).replace("SIP/2.0 200", "SIP/2.0 65736")), NO_ANSWER],
	["a status of 2", says((m, pbx) => ok200(m, pbx).replace("SIP/2.0 200", "SIP/2.0 2")), NO_RESPONSE],
	["another version of SIP", says((m, pbx) => ok200(m, pbx).replace("SIP/2.0 200", "SIP/3.0 200")), NO_RESPONSE],
	["a 200 with two Vias", ringsAndSays((m, pbx) => ok200(m, pbx, { more: "Via: SIP/2.0/UDP x;branch=z9hG4bKx\r\n" })), NO_ANSWER],
	["a 200 without a Via", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/Via: .*\r\n/, "")), NO_ANSWER],
	["a 200 without a Call-ID", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/Call-ID: .*\r\n/, "")), NO_ANSWER],
	["a 200 of another Call-ID", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/Call-ID: .*\r\n/, "Call-ID: x\r\n")), ["failed", "protocol_error"]],
	["a 200 without From", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/From: .*\r\n/, "")), NO_ANSWER],
	["a 200 without To", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/To: .*\r\n/, "")), NO_ANSWER],
	["a 200 without CSeq", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/CSeq: .*\r\n/, "")), NO_ANSWER],
	["a 200 whose CSeq is of BYE", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/CSeq: (\d+) .*\r\n/, "CSeq: $1 BYE\r\n")), NO_ANSWER],
	["a 200 whose CSeq has another number", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/CSeq: \d+/, "CSeq: 4")), ["failed", "protocol_error"]],
	["a 200 without To tag", ringsAndSays((m, pbx) => ok200(m, pbx, { tag: "" })), ["failed", "protocol_error"]],
	["a 200 of another From tag", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/(From: .*tag=)[0-9a-f]+/, "$1ffff")), ["failed", "protocol_error"]],
	["a 200 without Contact", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "" })), ["failed", "protocol_error"]],
	["a 200 with a Contact of garbage", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "", more: "Contact: ,,;;<<>>\r\n" })), ["failed", "protocol_error"]],
	["a 200 with Contact: *", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "", more: "Contact: *\r\n" })), ["failed", "protocol_error"]],
	["a 200 with a Contact of http:", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "http://192.0.2.1/" })), ["failed", "protocol_error"]],
	["a 200 with a Contact of a name that isn't there", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "sip:x@nobody.invalid" })), ["completed", "time_limit"]],
	["a 200 with a Contact of port 0", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "sip:x@127.0.0.1:0" })), ["completed", "time_limit"]],
	["a 200 with a Contact over WebSocket", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "sip:x@127.0.0.1;transport=ws" })), ["completed", "time_limit"]],
	["a 200 with a Contact over TLS, where there is none", ringsAndSays((m, pbx) => ok200(m, pbx, { contact: "sips:x@127.0.0.1" })), ["completed", "time_limit"]],
	["a 200 with 60 Record-Routes in a circle", ringsAndSays((m, pbx) => ok200(m, pbx, { more: long(60, `Record-Route: <sip:${pbx.address}:${pbx.port};lr>\r\n`) })), ["completed", "time_limit"]],
	["a 200 with a Record-Route to ourselves", ringsAndSays((m, pbx) => ok200(m, pbx, { more: `Record-Route: <sip:${m.from_address}:${m.port};lr>\r\n` })), ["completed", "time_limit"]],
	["a 200 with a Record-Route of garbage", ringsAndSays((m, pbx) => ok200(m, pbx, { more: "Record-Route: ((((\r\n" })), ["failed", "dns_error"]],
	["a 200 with two To", ringsAndSays((m, pbx) => ok200(m, pbx, { more: "To: <sip:x@y>;tag=z\r\n" })), NO_ANSWER],
	["a 200 with 400 headers", ringsAndSays((m, pbx) => ok200(m, pbx, { more: long(400, "X-Y: z\r\n") })), NO_ANSWER],
	["a 200 with a header of 7000 bytes", ringsAndSays((m, pbx) => ok200(m, pbx, { more: `X-Y: ${long(7000)}\r\n` })), NO_ANSWER],
	["a 200 with NUL in a header", ringsAndSays((m, pbx) => ok200(m, pbx, { more: "X-Y: a\0b\r\n" })), NO_ANSWER],
	["a 200 that is cut", ringsAndSays((m, pbx) => ok200(m, pbx).slice(0, -40)), NO_ANSWER],
	["Content-Length beyond everything", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/Content-Length: \d+/, "Content-Length: 99999999999")), NO_ANSWER],
	["Content-Length -1", ringsAndSays((m, pbx) => ok200(m, pbx).replace(/Content-Length: \d+/, "Content-Length: -1")), NO_ANSWER],
	["a phrase of control characters", ringsAndSays((m) => response(m, 486, { phrase: "\x1b[2J\x07" })), NO_ANSWER],
	["a phrase of 3000 bytes", ringsAndSays((m) => response(m, 486, { phrase: long(3000) })), NO_ANSWER],
	["a phrase of strange letters", says((m) => response(m, 486, { phrase: "\u{1f4a9} besetzt \u202e" })), ["busy", "busy"]],

	/* SDP */
	["a 200 without SDP", ringsAndSays((m, pbx) => ok200(m, pbx, { body: "" })), ["failed", "protocol_error"]],
	["SDP of zeros", ringsAndSays((m, pbx) => ok200(m, pbx, { body: long(500, "\0") })), ["failed", "protocol_error"]],
	["SDP of one letter", ringsAndSays((m, pbx) => ok200(m, pbx, { body: "v" })), ["failed", "protocol_error"]],
	["SDP that is labelled as a picture", ringsAndSays((m, pbx) => ok200(m, pbx, { type: "image/png" })), ["failed", "protocol_error"]],
	["SDP with port 0", ringsAndSays((m, pbx) => ok200(m, pbx, { body: sdp(0) })), ["failed", "no_common_codec"]],
	["SDP with port 70000", ringsAndSays((m, pbx) => ok200(m, pbx, { body: sdp(70000) })), ["failed", "protocol_error"]],
	["SDP with port -1", ringsAndSays((m, pbx) => ok200(m, pbx, { body: sdp(-1) })), ["failed", "protocol_error"]],
	["SDP with a codec nobody offered", ringsAndSays((m, pbx) => ok200(m, pbx, { body: sdp(30000, { codec: 117, extra: "a=rtpmap:117 SPEEX/99999999\r\n" }) })), ["failed", "no_common_codec"]],
	["SDP with payload type 4294967304", ringsAndSays((m, pbx) => ok200(m, pbx, { body: sdp(30000, { codec: "4294967304" }) })), ["failed", "no_common_codec"]],
	["SDP with 200 streams", ringsAndSays((m, pbx) => ok200(m, pbx, { body: good + long(200, "m=audio 1 RTP/AVP 0\r\n") })), ["failed", "protocol_error"]],
	["SDP whose address is a name of 3000 bytes", ringsAndSays((m, pbx) => ok200(m, pbx, { body: sdp(30000, { address: long(3000) }) })), ["failed", "protocol_error"]],
	["SDP whose address is everybody's", byeAtLast(() => {}, sdp(30000, { address: "0.0.0.0" })), ["completed", "normal_clearing"]],
	["SDP whose address is 255.255.255.255", byeAtLast(() => {}, sdp(30000, { address: "255.255.255.255" })), ["completed", "normal_clearing"]],
	["SDP whose address is a multicast one", byeAtLast(() => {}, sdp(30000, { address: "224.0.0.1" })), ["completed", "normal_clearing"]],
	["SDP whose address is a multicast one of IPv6", byeAtLast(() => {}, sdp(30000, { address: "ff02::1" }).replace("c=IN IP4", "c=IN IP6")), ["completed", "normal_clearing"]],
	["SDP with ptime 0 and maxptime -5", byeAtLast(() => {}, `${good}a=ptime:0\r\na=maxptime:-5\r\n`), ["completed", "normal_clearing"]],
	["SDP of 7000 bytes", ringsAndSays((m, pbx) => ok200(m, pbx, { body: good + long(700, "a=xxxxxxx\r\n") })), ["completed", "time_limit"]],
	["SDP with keys nobody asked for", ringsAndSays((m, pbx) => ok200(m, pbx, { body: good + long(30, "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + long(40, "A") + "\r\n") })), ["completed", "time_limit"]],

	/* provisional ones */
	["a thousand times 180", (m, pbx) => {
		for (let i = 0; i < 1000; i++)
			pbx.reply(m, 180);
	}, NO_ANSWER],
	["a thousand 183 with SDP, each of another fork", (m, pbx) => {
		for (let i = 0; i < 1000; i++)
			pbx.reply(m, 183, { tag: `f${i}`, body: sdp(30000 + i) });
	}, NO_ANSWER],
	["a thousand reliable ones", (m, pbx) => {
		for (let i = 0; i < 1000; i++)
			pbx.reply(m, 183, { tag: `r${i % 50}`, more: `Require: 100rel\r\nRSeq: ${i + 1}\r\n` });
	}, NO_ANSWER],
	["RSeq 0, and RSeq beyond 32 bits", (m, pbx) => {
		pbx.reply(m, 183, { more: "Require: 100rel\r\nRSeq: 0\r\n" });
		pbx.reply(m, 183, { more: "Require: 100rel\r\nRSeq: 99999999999999\r\n" });
		pbx.reply(m, 183, { contact: "", more: "Require: 100rel\r\nRSeq: 7\r\n" });
	}, NO_ANSWER],
	["100 for ever", (m, pbx) => {
		for (let i = 0; i < 200; i++)
			pbx.reply(m, 100, { tag: "" });
	}, NO_ANSWER],
	["199 and a status of 1xx that nobody knows", (m, pbx) => {
		pbx.reply(m, 199);
		pbx.reply(m, 155, { more: "X: y\r\n" });
	}, NO_ANSWER],

	/* many at once */
	["300 phones that all answer", { INVITE: (m, pbx) => {
		for (let i = 0; i < 300; i++)
			pbx.reply(m, 200, { tag: `w${i}`, body: good });
		m.forked = true;
	}, ACK: (ack, pbx) => {
		if (ack.tag("To") !== "w0" || ack.done)
			return;
		const invite = pbx.seen.find((m) => m.method === "INVITE" && m.get("Call-ID") === ack.get("Call-ID"));
		if (invite.bye)
			return;
		invite.bye = true;
		/* again, as everybody does who hears nothing: this was a flood */
		for (const ms of [500, 1000, 2000])
			setTimeout(() => to(pbx, invite, `BYE sip:858@x SIP/2.0\r\nVia: SIP/2.0/UDP ${pbx.address}:${pbx.port};branch=z9hG4bKw0\r\nFrom: ${ack.get("To")}\r\nTo: ${invite.get("From")}\r\n`
			+ `Call-ID: ${invite.get("Call-ID")}\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n`), ms);
	} }, ["completed", "normal_clearing"]],
	["486 and 200 at once", (m, pbx) => {
		pbx.reply(m, 486, { tag: "no" });
		pbx.reply(m, 200, { tag: "yes", body: good });
	}, ["busy", "busy"]],

	/* refusals */
	["302 without Contact", says((m) => response(m, 302)), ["failed", "redirected"]],
	["302 to ourselves", says((m) => response(m, 302, { contact: `sip:858@${m.from_address}:${m.port}` })), ["failed", "redirected"]],
	["302 to a page", says((m) => response(m, 302, { contact: "http://192.0.2.1/" })), ["failed", "redirected"]],
	["302 to where it is dear", says((m) => response(m, 302, { contact: "sip:+88213456789@192.0.2.66" })), ["failed", "redirected"]],
	["302 with CRLF in escapes", says((m) => response(m, 302, { contact: "sip:1%0d%0aX-Evil:%20y@127.0.0.1?Subject=a%0d%0ab" })), ["failed", "redirected"]],
	["399 to 200 places", says((m) => response(m, 399, { more: `Contact: ${Array.from({ length: 200 }, (_, i) => `<sip:${i}@x>`).join(",")}\r\n` })), ["failed", "redirected"]],
	["503 and come back in 2^64 s", says((m) => response(m, 503, { more: `Retry-After: ${2n ** 64n}\r\n` })), ["failed", "congestion"]],
	["503 and come back in -1 s", says((m) => response(m, 503, { more: "Retry-After: -1;duration=-1 (never (ever\r\n" })), ["failed", "congestion"]],
	["a Reason of garbage", says((m) => response(m, 500, { more: `Reason: ;;;Q.850;cause=99999999999;text="${long(200, "\\\"")}"\r\n` })), ["failed", "route_unavailable"]],
	["a Reason with cause -1", says((m) => response(m, 480, { more: "Reason: Q.850;cause=-1\r\n" })), ["no-answer", "unavailable"]],
	["a Reason of 3000 bytes", says((m) => response(m, 480, { more: `Reason: Q.850;cause=17;text="${long(3000)}"\r\n` })), ["busy", "busy"]],
	["699", says((m) => response(m, 699)), ["busy", "rejected"]],
	["a 420 with what we never asked for", says((m) => response(m, 420, { more: "Unsupported: everything\r\n" })), ["failed", "protocol_error"]],
	["422 with a Min-SE beyond everything", says((m) => response(m, 422, { more: "Min-SE: 99999999999\r\n" })), ["failed", "protocol_error"]],
	["491 for ever", says((m) => response(m, 491)), ["failed", "protocol_error"]],

	/* challenges */
	["a challenge of no scheme", challenge("???"), ["failed", "auth_failed"]],
	["a challenge without a nonce", challenge("Digest realm=\"x\""), ["failed", "auth_failed"]],
	["a challenge for Basic", challenge("Basic realm=\"x\""), ["failed", "auth_failed"]],
	["a challenge of an algorithm nobody has", challenge("Digest realm=\"x\", nonce=\"y\", algorithm=ROT13"), ["failed", "auth_failed"]],
	["a challenge for auth-int alone", challenge("Digest realm=\"x\", nonce=\"y\", qop=\"auth-int\""), ["failed", "auth_failed"]],
	["a realm of 3000 bytes", challenge(`Digest realm="${long(3000)}", nonce="y"`), ["failed", "auth_failed"]],
	["a nonce of 3000 bytes", challenge(`Digest realm="x", nonce="${long(3000)}"`, 401), ["failed", "auth_failed"]],
	["a realm with quotes and a header in it", challenge("Digest realm=\"a\\\" , nonce=\\\"b\\r\\nX-Evil: y\", nonce=\"n\\\"\""), ["failed", "auth_failed"]],
	["an opaque that never ends", challenge("Digest realm=\"x\", nonce=\"y\", opaque=\"zzz"), ["failed", "auth_failed"]],
	["stale for ever", says((m) => response(m, 407, { more: `Proxy-Authenticate: Digest realm="x", nonce="${Math.random()}", stale=true\r\n` })), ["failed", "auth_failed"]],
	["30 challenges at once", says((m) => response(m, 407, { more: Array.from({ length: 30 }, (_, i) => `Proxy-Authenticate: Digest realm="r${i}", nonce="n${i}"\r\n`).join("") })), ["failed", "auth_failed"]],
	["407 without a challenge", says((m) => response(m, 407)), ["failed", "auth_failed"]],

	/* inside of the dialog */
	["REFER of garbage", byeAtLast((request) => {
		for (const target of ["", "<", "<>", "sip:", "<sip:@>", `<sip:${long(700)}@x>`, "<tel:+1;phone-context=evil>", "<sip:a@b?Replaces=%00>", "*"])
			request("REFER", `Refer-To: ${target}\r\n`);
	}), ["completed", "normal_clearing"]],
	["NOTIFY of garbage", byeAtLast((request) => {
		for (const event of ["refer", "refer;id=99999999999", "referee", "", "dialog"])
			request("NOTIFY", `Event: ${event}\r\nSubscription-State: ;;;\r\nContent-Type: message/sipfrag;version=2.0\r\n`, `SIP/2.0 ${long(20, "9")}\r\n${long(300, "X: y\r\n")}`);
	}), ["completed", "normal_clearing"]],
	["INFO of garbage", byeAtLast((request) => {
		for (const body of ["", "Signal=", "Signal=99", `Signal=${long(3000, "5")}`, "Duration=5", "\0", long(2000, "\r\n"), "Signal=1\r\nDuration=999999999999"])
			request("INFO", "Content-Type: application/dtmf-relay\r\n", body);
	}), ["completed", "normal_clearing"]],
	["re-INVITEs one on the other", byeAtLast((request) => {
		for (let i = 0; i < 20; i++)
			request("INVITE", "Contact: <sip:x@y>\r\nContent-Type: application/sdp\r\n", sdp(30000 + i));
	}), ["completed", "normal_clearing"]],
	["UPDATE with a Contact to nowhere", byeAtLast((request) => request("UPDATE", "Contact: <sip:x@[::1>\r\nSession-Expires: -1;refresher=nobody\r\n")), ["completed", "normal_clearing"]],
	["BYE with a Reason of garbage", answersAnd((request) => request("BYE", `Reason: SIP;cause=${long(40, "9")};text="\r\nReason: ,,,,\r\n`)), ["completed", "normal_clearing"]],
	["BYE twice, and INVITE after it", answersAnd((request) => {
		request("BYE");
		request("BYE");
		request("INVITE", "Content-Type: application/sdp\r\n", good);
		request("REFER", "Refer-To: <sip:1@x>\r\n");
	}), ["completed", "normal_clearing"]],
	["no answer to our BYE", { ...answersAnd(() => {}), BYE: () => {} }, ["completed", "time_limit"]],
	["500 to our BYE", { ...answersAnd(() => {}), BYE: (m, pbx) => pbx.reply(m, 500) }, ["completed", "time_limit"]],
	["a challenge to our BYE, for ever", { ...answersAnd(() => {}), BYE: (m, pbx) => pbx.reply(m, 407, { more: "Proxy-Authenticate: Digest realm=\"x\", nonce=\"y\", stale=true\r\n" }) }, ["completed", "time_limit"]],
	["ringing, and nothing to our CANCEL", { INVITE: (m, pbx) => pbx.reply(m, 180), CANCEL: () => {} }, NO_ANSWER],
	["ringing, and 200 to CANCEL without a 487", { INVITE: (m, pbx) => pbx.reply(m, 180), CANCEL: (m, pbx) => pbx.reply(m, 200) }, NO_ANSWER],
	["ringing, and 481 to CANCEL", { INVITE: (m, pbx) => pbx.reply(m, 180), CANCEL: (m, pbx) => pbx.reply(m, 481) }, NO_ANSWER],
];

/* All at once: each is somebody else at the same server. */
test("G28: whatever a phone answers, each call ends once with a cause that is known", async (t) => {
	const pbx = await server(t);
	const gw = await gateway(t, pbx, { line: { password: "secret858" } });
	const talk = await conversation(t, gw, pbx);
	const stream = await gw.events("/events");

	cases.forEach(([, phone], i) => pbx.serves(`c${i}`, phone));
	const placed = [];
	for (let i = 0; i < cases.length; i++)
		placed.push(await place(gw, { to: `sip:c${i}`, ring_timeout: 3, time_limit: 4, setup_deadline: 8 }));
	await talk.goesOn("bad answers");
	await pbx.asks(gw);

	const wrong = [];
	await Promise.all(placed.map(async ({ id }, i) => {
		const [name, , [status, cause]] = cases[i];
		const call = await ended(gw, id, 60).catch((error) => ({ id, status: error.message, cause: "none" }));
		if (call.status !== status || call.cause !== cause)
			wrong.push(`${name}: ${call.status}, ${call.cause}, ${call.sip?.code}`);
	}));
	equal(wrong, [], "what ended otherwise");

	await pbx.asks(gw);
	await talk.goesOn("all of them");
	for (const { id } of placed)
		equal(stream.seen.filter((event) => event.call_id === id && event.type === "call.ended").length, 1, `the ends of ${id}`);
	equal((await calls(gw, "?limit=200")).filter((call) => call.state !== "ended").map((call) => call.id), [talk.call.id], "what goes on");
	await talk.end();
});

/* In a stream a message that is none is the end of the connection: how the call ends
 * then is for its timers to say. */
test("G28: whatever a phone answers in a stream, each call ends once", async (t) => {
	const [pbx, far] = [await server(t), await server(t, "127.0.0.1", "tcp")];
	const gw = await gateway(t, pbx, {
		lines: [{ name: "stream", user: "858", password: "secret858", domain: far.address, port: far.port, transport: "tcp", register: false }],
	});
	const talk = await conversation(t, gw, pbx);
	const stream = await gw.events("/events");

	cases.forEach(([, phone], i) => far.serves(`c${i}`, phone));
	const placed = [];
	for (let i = 0; i < cases.length; i++)
		placed.push(await place(gw, { to: `sip:c${i}`, line: "stream", ring_timeout: 3, time_limit: 4, setup_deadline: 8 }));
	await talk.goesOn("bad answers");
	await pbx.asks(gw);
	const over = await Promise.all(placed.map(({ id }) => ended(gw, id, 60)));
	ok(over.some((call) => call.status === "completed") && over.some((call) => call.status === "busy"), "no answer was good");
	await pbx.asks(gw);
	await talk.goesOn("all of them");
	for (const { id } of placed)
		equal(stream.seen.filter((event) => event.call_id === id && event.type === "call.ended").length, 1, `the ends of ${id}`);
	await talk.end();
});

/* Whatever the header and the SDP say: what we send stays one message. */
test("G28: nothing of a bad answer comes back as a header of ours", async (t) => {
	const pbx = await server(t);
	const gw = await gateway(t, pbx);
	pbx.serves("1", challenge("Digest realm=\"a\\\",x=\\\"\", nonce=\"n\", opaque=\"o\\\"\""));
	pbx.serves("2", byeAtLast((request) => request("OPTIONS", "X-Evil: yes\r\n")));
	for (const user of ["1", "2"])
		await ended(gw, (await place(gw, { to: `sip:${user}`, ring_timeout: 3, time_limit: 4 })).id);
	for (const m of pbx.seen)
		ok(!/evil/i.test(m.text), `it came back: ${m.text}`);
});

/* Registration ------------------------------------------------------------------ */

const registrars = [
	["garbage", (m, pbx) => to(pbx, m, "SIP/2.0 OK 200\r\n\r\n")],
	["200 without Contact", (m, pbx) => to(pbx, m, response(m, 200))],
	["200 with a Contact of garbage", (m, pbx) => to(pbx, m, response(m, 200, { more: "Contact: <<<>>>;expires=x\r\n" }))],
	["200 for -1 s", (m, pbx) => to(pbx, m, response(m, 200, { more: `Contact: ${m.get("Contact")};expires=-1\r\nExpires: -1\r\n` }))],
	["200 for 0 s", (m, pbx) => to(pbx, m, response(m, 200, { more: `Contact: ${m.get("Contact")};expires=0\r\n` }))],
	["200 for 2^40 s", (m, pbx) => to(pbx, m, response(m, 200, { more: `Contact: ${m.get("Contact")};expires=1099511627776\r\nExpires: 1099511627776\r\n` }))],
	["200 with 300 contacts of others", (m, pbx) => to(pbx, m, response(m, 200, { more: `${long(150, "Contact: <sip:other@192.0.2.1>;expires=60\r\n")}` }))],
	["200 with a CSeq of another", (m, pbx) => to(pbx, m, response(m, 200).replace(/CSeq: \d+/, "CSeq: 99"))],
	["200 seen from a strange place", (m, pbx) => to(pbx, m, response(m, 200, { more: `Contact: ${m.get("Contact")};expires=60\r\n` }).replace(/;rport/, ";received=%00<evil>;rport=99999999"))],
	["423 with a Min-Expires beyond everything", (m, pbx) => to(pbx, m, response(m, 423, { more: "Min-Expires: 99999999999\r\n" }))],
	["423 without Min-Expires", (m, pbx) => to(pbx, m, response(m, 423))],
	["302", (m, pbx) => to(pbx, m, response(m, 302, { contact: "sip:192.0.2.1" }))],
	["503 and come back never", (m, pbx) => to(pbx, m, response(m, 503, { more: "Retry-After: 4294967295\r\n" }))],
	["a challenge of 3000 bytes", (m, pbx) => to(pbx, m, response(m, 401, { more: `WWW-Authenticate: Digest realm="x", nonce="${long(3000)}"\r\n` }))],
	["challenges for ever", (m, pbx) => to(pbx, m, response(m, 401, { more: `WWW-Authenticate: Digest realm="x", nonce="${m.cseq}", stale=true\r\n` }))],
	["a hundred 100s and nothing more", (m, pbx) => {
		for (let i = 0; i < 100; i++)
			to(pbx, m, response(m, 100));
	}],
	["nothing", () => {}],
];

const STATES = ["unregistered", "registering", "registered", "failed"];

test("G28: whatever a registrar answers, other lines go on and nobody is hammered", async (t) => {
	const pbx = await server(t);
	const bad = await Promise.all(registrars.map(() => server(t)));
	bad.forEach((one, i) => one.on("REGISTER", registrars[i][1]));
	const gw = await gateway(t, pbx, {
		lines: bad.map((one, i) => ({ name: `bad${i}`, user: "858", password: "x", domain: one.address, port: one.port, register: true })),
	});
	const talk = await conversation(t, gw, pbx);
	await Promise.all(bad.slice(0, -1).map((one, i) => eventually(`a REGISTER at "${registrars[i][0]}"`, () => one.seen.some((m) => m.method === "REGISTER"))));
	await talk.goesOn("registrars");
	await pbx.asks(gw);

	const lines = (await gw.api("GET", "/lines")).json.data;
	equal(lines.length, 1 + bad.length, "the lines");
	for (const [i, [name]] of registrars.entries()) {
		const line = lines.find((one) => one.name === `bad${i}`);
		ok(STATES.includes(line.state), `"${name}" is ${line.state}`);
		ok(line.state !== "failed" || line.next_try_at, `"${name}" has failed, and nobody tries again`);
		const until = Math.max(...[line.next_try_at, line.registered_until].filter(Boolean).map((at) => Date.parse(at)), 0);
		ok(until < Date.now() + 25 * 3600 * 1000, `"${name}": nothing before ${line.next_try_at ?? line.registered_until}`);
		const came = bad[i].seen.filter((m) => m.method === "REGISTER").length;
		ok(came <= 8, `"${name}" was asked ${came} times`);
		for (const m of bad[i].seen.filter((one) => one.method === "REGISTER"))
			match(m.get("Contact"), /^<sip:[^@<>]+@127\.0\.0\.1:\d+>(;[a-z0-9.+=":<>-]+)*$/, `"${name}": our Contact`);
	}
	await talk.end();
});
