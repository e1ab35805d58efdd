/* What a port of SIP gets to see: [name, the bytes, the answers that may come].
 * The kinds are those of RFC 4475 and of scanners; the words and bytes are ours.
 *
 * No answers: silence, which is the best answer to what is no SIP. A list of codes:
 * one of them or silence. The last is true where ACK and BYE may come: a phone more
 * seems to have answered. */

const SILENCE = [];

let count = 0;

/* A request of me to the gateway; any part may be replaced, null leaves it out. */
const request = (c, parts = {}) => {
	const n = ++count;
	const p = {
		method: "OPTIONS", uri: `sip:858@${c.gw}`, version: "SIP/2.0",
		via: `SIP/2.0/${c.transport} ${c.me};branch=z9hG4bKh${n};rport`, max: "70",
		from: `<sip:scan@${c.me}>;tag=s${n}`, to: `<sip:858@${c.gw}>`, id: `h${n}@${c.me}`,
		cseq: undefined, contact: `<sip:scan@${c.me}>`, more: "", length: undefined, body: "", eol: "\r\n", ...parts,
	};
	const line = (name, value) => (value === null ? "" : `${name}: ${value}\r\n`);
	const text = `${p.method} ${p.uri} ${p.version}\r\n${line("Via", p.via)}${line("Max-Forwards", p.max)}${line("From", p.from)}${line("To", p.to)}`
		+ `${line("Call-ID", p.id)}${line("CSeq", p.cseq === undefined ? `${n} ${p.method}` : p.cseq)}${line("Contact", p.contact)}${p.more}`
		+ `${line("Content-Length", p.length === undefined ? String(Buffer.byteLength(p.body)) : p.length)}\r\n${p.body}`;
	return p.eol === "\r\n" ? text : text.replaceAll("\r\n", p.eol);
};

const answer = (c, parts = {}) => {
	const p = { status: "200 OK", via: `SIP/2.0/${c.transport} ${c.gw};branch=z9hG4bKnone`, cseq: "1 INVITE", from: "<sip:858@x>;tag=1", to: "<sip:x@x>;tag=2", id: `a${++count}`, more: "", ...parts };
	return `SIP/2.0 ${p.status}\r\nVia: ${p.via}\r\nFrom: ${p.from}\r\nTo: ${p.to}\r\nCall-ID: ${p.id}\r\nCSeq: ${p.cseq}\r\n${p.more}Content-Length: 0\r\n\r\n`;
};

/* Inside of the call that is up, as far as somebody has seen it. */
const within = (c, parts = {}) => request(c, {
	id: c.call.id, from: `<sip:302@${c.gw}>;tag=${c.call.far_tag}`, to: `<sip:858@${c.gw}>;tag=${c.call.our_tag}`, ...parts,
});

const body = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";
const long = (n, what = "a") => what.repeat(n);

/* Requests that are as the book has it, though nobody wants them. */
const proper = [
	["OPTIONS", (c) => request(c), [200]],
	["OPTIONS with lines ended by LF", (c) => request(c, { eol: "\n" }), [200, 400]],
	["OPTIONS with compact names", (c) => request(c).replace("Via:", "v:").replace("From:", "f:").replace("To:", "t:").replace("Call-ID:", "i:").replace("Content-Length:", "l:"), [200]],
	["names in strange case, and spaces before colons", (c) => request(c).replace("Via:", "vIA  :").replace("From:", "FROM\t:").replace("CSeq:", "cseq :"), [200]],
	["folded lines", (c) => request(c, { more: "Subject: one\r\n two\r\n\tthree\r\n", to: `\r\n <sip:858@${c.gw}>` }), [200]],
	["no Max-Forwards", (c) => request(c, { max: null }), [200, 400]],
	["Max-Forwards 0", (c) => request(c, { max: "0" }), [200, 483]],
	["Max-Forwards without end", (c) => request(c, { max: long(500, "9") }), [200, 400]],
	["an unknown method", (c) => request(c, { method: "DANCE" }), [405, 501]],
	["a method of strange characters", (c) => request(c, { method: "!x%y*_+`'~z-1" }), [405, 501]],
	["a method as long as a line", (c) => request(c, { method: long(400, "M") }), [405, 501]],
	["a method in small letters", (c) => request(c, { method: "invite" }), [405, 501]],
	["REGISTER", (c) => request(c, { method: "REGISTER" }), [405, 403]],
	["SUBSCRIBE", (c) => request(c, { method: "SUBSCRIBE", more: "Event: presence\r\n" }), [405, 489]],
	["PUBLISH", (c) => request(c, { method: "PUBLISH", more: "Event: presence\r\n" }), [405]],
	["MESSAGE", (c) => request(c, { method: "MESSAGE", more: "Content-Type: text/plain\r\n", body: "buy" }), [405]],
	["PRACK outside", (c) => request(c, { method: "PRACK", more: "RAck: 1 1 INVITE\r\n" }), [405, 481]],
	["INVITE", (c) => request(c, { method: "INVITE", more: "Content-Type: application/sdp\r\n", body }), [480, 403]],
	["INVITE without an offer", (c) => request(c, { method: "INVITE" }), [480, 403]],
	["INVITE that demands an extension", (c) => request(c, { method: "INVITE", more: "Require: nothing-known\r\n" }), [480, 403, 420]],
	["INVITE with Replaces of the call that is up", (c) => request(c, { method: "INVITE", more: `Replaces: ${c.call.id};to-tag=${c.call.our_tag};from-tag=${c.call.far_tag}\r\n` }), [480, 403]],
	["INVITE with Join of the call that is up", (c) => request(c, { method: "INVITE", more: `Join: ${c.call.id};to-tag=${c.call.our_tag};from-tag=${c.call.far_tag}\r\n` }), [480, 403]],
	["INVITE with our own To tag", (c) => request(c, { method: "INVITE", to: `<sip:858@${c.gw}>;tag=${c.call.our_tag}` }), [481, 480]],
	["INVITE to an extension that isn't ours", (c) => request(c, { method: "INVITE", uri: `sip:0018005551234@${c.gw}` }), [480, 403]],
	["INVITE that asks for auto answer", (c) => request(c, { method: "INVITE", more: "Call-Info: <sip:x>;answer-after=0\r\nAlert-Info: <http://x>;info=alert-autoanswer\r\n" }), [480, 403]],
	["the same INVITE from two branches", (c) => request(c, { method: "INVITE", id: "merged", from: "<sip:a@b>;tag=m", cseq: "7 INVITE" }), [480, 403, 482]],
	["the same INVITE, the second", (c) => request(c, { method: "INVITE", id: "merged", from: "<sip:a@b>;tag=m", cseq: "7 INVITE" }), [480, 403, 482]],
	["a Request-URI of tel:", (c) => request(c, { uri: "tel:+4930123456" }), [200, 400, 416]],
	["a Request-URI of http:", (c) => request(c, { uri: "http://example.com/" }), [200, 400, 416]],
	["a Request-URI of sips:", (c) => request(c, { uri: `sips:858@${c.gw}` }), [200, 416]],
	["a Request-URI of no scheme known", (c) => request(c, { uri: "nobodyKnows:totally/opaque?x=y" }), [200, 400, 416]],
	["a Request-URI with escapes", (c) => request(c, { uri: `sip:%38%35%38%00@${c.gw}` }), [200, 400]],
	["a Request-URI with headers", (c) => request(c, { uri: `sip:858@${c.gw}?Subject=x&Call-ID=y` }), [200, 400]],
	["a Request-URI in brackets", (c) => request(c, { uri: `<sip:858@${c.gw}>` }), [200, 400]],
	["a Request-URI with a colon alone", (c) => request(c, { uri: "sip:" }), [400]],
	["a name in quotes that don't close", (c) => request(c, { from: `"Mr. Watson <sip:w@${c.me}>;tag=1` }), [200, 400]],
	["a name with escapes of all kinds", (c) => request(c, { from: `"A \\"B\\" \\\\ \\" <sip:x@y>;tag=9" <sip:w@${c.me}>;tag=1` }), [200, 400]],
	["From as a bare URI", (c) => request(c, { from: `sip:w@${c.me};tag=77` }), [200]],
	["a host that is an IPv6 address", (c) => request(c, { from: "<sip:w@[2001:db8::9:1]:5070>;tag=77", contact: "<sip:[2001:db8::9:1]>" }), [200]],
	["an IPv6 address without its bracket", (c) => request(c, { from: "<sip:w@[2001:db8::9:1>;tag=77" }), [200, 400]],
	["a port that is too big", (c) => request(c, { contact: `<sip:scan@127.0.0.1:99999>`, from: "<sip:x@y:70000>;tag=1" }), [200, 400]],
	["a Date that was never", (c) => request(c, { more: "Date: Fri, 32 Foo 2010 25:61:61 EST\r\n" }), [200]],
	["headers nobody knows", (c) => request(c, { more: "New-Thing: ;;,,;;,;\r\nAnother::::\r\nX:\r\n" }), [200]],
	["120 headers", (c) => request(c, { more: long(120, "X-Filler: yes\r\n") }), [200]],
	["a Route to somewhere else", (c) => request(c, { more: "Route: <sip:127.0.0.1:9;lr>\r\nRoute: <sip:192.0.2.1;lr>\r\n" }), [200]],
	["a Proxy-Require", (c) => request(c, { more: "Proxy-Require: nothing\r\n" }), [200, 420]],
	["credentials that nobody asked for", (c) => request(c, { more: "Authorization: Digest username=\"858\", realm=\"x\", nonce=\"x\", uri=\"x\", response=\"x\"\r\nProxy-Authorization: Basic ODU4OjEyMw==\r\n" }), [200]],
	["a body that is binary", (c) => request(c, { more: "Content-Type: application/octet-stream\r\n", body: "\x00\x01\x02\x7f" }), [200]],
	["a body of many parts", (c) => request(c, { more: "Content-Type: multipart/mixed;boundary=\"x\"\r\n", body: "--x\r\nContent-Type: text/plain\r\n\r\na\r\n--x--\r\n" }), [200]],
	["more body than it says", (c) => `${request(c)}INVITE sip:x SIP/2.0\r\n`, [200]],
];

/* Requests for dialogs that aren't there. */
const stray = ["BYE", "CANCEL", "INFO", "UPDATE", "NOTIFY", "REFER"].map((method) =>
	[`${method} outside of a dialog`, (c) => request(c, { method, more: method === "REFER" ? "Refer-To: <sip:900@example.com>\r\n" : "" }), method === "REFER" ? [403, 481] : [481]])
	.concat([
		["ACK outside of a dialog", (c) => request(c, { method: "ACK" }), SILENCE],
		["BYE with tags of nobody", (c) => request(c, { method: "BYE", to: `<sip:858@${c.gw}>;tag=zzz` }), [481]],
		["CANCEL of an INVITE that never was", (c) => request(c, { method: "CANCEL", via: `SIP/2.0/${c.transport} ${c.me};branch=z9hG4bKneverwas` }), [481]],
	]);

/* The call that is up, by somebody who has heard of it. */
const spoofed = [
	["BYE with the Call-ID alone", (c) => within(c, { method: "BYE", to: `<sip:858@${c.gw}>`, from: "<sip:x@y>;tag=1" }), [481]],
	["BYE with the Call-ID and our tag", (c) => within(c, { method: "BYE", from: "<sip:302@y>;tag=guessed" }), [481]],
	["BYE with the Call-ID and their tag", (c) => within(c, { method: "BYE", to: `<sip:858@${c.gw}>;tag=guessed` }), [481]],
	["BYE with the tags the wrong way round", (c) => within(c, { method: "BYE", from: `<sip:858@y>;tag=${c.call.our_tag}`, to: `<sip:302@y>;tag=${c.call.far_tag}` }), [481]],
	["BYE with a piece of our tag", (c) => within(c, { method: "BYE", to: `<sip:858@y>;tag=${c.call.our_tag.slice(0, -1)}` }), [481]],
	["BYE with more than our tag", (c) => within(c, { method: "BYE", to: `<sip:858@y>;tag=${c.call.our_tag}0` }), [481]],
	["BYE with the tag in another parameter", (c) => within(c, { method: "BYE", to: `<sip:858@y;tag=${c.call.our_tag}>;x=1` }), [481]],
	["BYE whose CSeq is of INFO", (c) => within(c, { method: "BYE", cseq: "9 INFO" }), [400]],
	["BYE whose CSeq is no number", (c) => within(c, { method: "BYE", cseq: "x BYE" }), [400]],
	["CANCEL of the call that is up", (c) => within(c, { method: "CANCEL", via: c.call.via, cseq: c.call.cseq.replace("INVITE", "CANCEL"), to: `<sip:302@${c.gw}>` }), [481]],
	["CANCEL inside of it", (c) => within(c, { method: "CANCEL" }), [405, 481]],
	["ACK inside of it", (c) => within(c, { method: "ACK", more: "Content-Type: application/sdp\r\n", body }), SILENCE],
	["OPTIONS inside of it", (c) => within(c), [200]],
	["DANCE inside of it", (c) => within(c, { method: "DANCE" }), [405]],
	["INFO of no kind", (c) => within(c, { method: "INFO", more: "Content-Type: x/y\r\n", body: "\x01" }), [415]],
	["INFO with a digit that is none", (c) => within(c, { method: "INFO", more: "Content-Type: application/dtmf-relay\r\n", body: "Signal=%s%n\r\nDuration=-1\r\n" }), [400]],
	["INFO of a digit for ever", (c) => within(c, { method: "INFO", more: "Content-Type: application/dtmf-relay\r\n", body: `Signal=5\r\nDuration=${long(300, "9")}\r\n` }), [200, 400]],
	["NOTIFY of no REFER", (c) => within(c, { method: "NOTIFY", more: "Event: refer\r\nSubscription-State: terminated\r\nContent-Type: message/sipfrag\r\n", body: "SIP/2.0 200 OK" }), [481]],
	["NOTIFY of message waiting", (c) => within(c, { method: "NOTIFY", more: "Event: message-summary\r\n" }), [489]],
	["REFER to nobody", (c) => within(c, { method: "REFER" }), [400]],
	["REFER to two", (c) => within(c, { method: "REFER", more: "Refer-To: <sip:1@x>\r\nRefer-To: <sip:2@x>\r\n" }), [400]],
	["REFER with CRLF in escapes", (c) => within(c, { method: "REFER", more: "Refer-To: <sip:1%0d%0aX:y@x?Replaces=a%0d%0aEvil:%20x>\r\n" }), [400, 403, 603]],
	["REFER to a page", (c) => within(c, { method: "REFER", more: "Refer-To: <http://192.0.2.1/>\r\n" }), [400, 403, 603]],
	["REFER to a foreign switch", (c) => within(c, { method: "REFER", more: "Refer-To: <sip:00900123456@192.0.2.66>\r\n" }), [403, 603, 400]],
	["UPDATE with garbage for an offer", (c) => within(c, { method: "UPDATE", more: "Content-Type: application/sdp\r\n", body: "v=0\r\nm=audio -1 RTP/AVP 999\r\n" }), [488, 491]],
	["INVITE with garbage for an offer", (c) => within(c, { method: "INVITE", more: "Content-Type: application/sdp\r\n", body: long(300, "m=audio 1 RTP/AVP 0\r\n") }), [488, 491, 500]],
	["INVITE that demands much", (c) => within(c, { method: "INVITE", more: "Require: timer, path, gruu\r\n" }), [420]],
	["an old CSeq", (c) => within(c, { cseq: "1 OPTIONS" }), [500]],
	["a CSeq beyond what it may be", (c) => within(c, { cseq: "99999999999999999999 OPTIONS" }), [200, 400, 500]],
];

/* What is hardly SIP, or isn't. */
const broken = [
	["nothing but a byte", () => "\x00", SILENCE],
	["zeros", () => Buffer.alloc(2000), SILENCE],
	["ones", () => Buffer.alloc(2000, 0xff), SILENCE],
	["all bytes there are", () => Buffer.from(Array.from({ length: 256 }, (_, i) => i)), SILENCE],
	["a page that is asked for", () => "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", SILENCE],
	["a SOCKS greeting", () => Buffer.from([4, 1, 0, 80, 1, 2, 3, 4, 0]), SILENCE],
	["a TLS hello", () => Buffer.from("16030100c8010000c40303", "hex"), SILENCE],
	["STUN of nobody", () => Buffer.from("000100002112a442000000000000000000000000", "hex"), SILENCE],
	["STUN that lies about its length", () => Buffer.from("0001fffc2112a442000000000000000000000000", "hex"), SILENCE],
	["STUN with an attribute beyond its end", () => Buffer.from("000100042112a44200000000000000000000000000 06ffff".replace(" ", ""), "hex"), SILENCE],
	["DNS", () => Buffer.from("abcd01000001000000000000076578616d706c6503636f6d0000010001", "hex"), SILENCE],
	["RTP", () => Buffer.from("80080001000000a000000001", "hex"), SILENCE],
	["one line without an end", () => long(8000), SILENCE],
	["one long line", () => `${long(8000)}\n`, SILENCE],
	["one line of spaces", () => long(8000, " "), SILENCE],
	["lines without names", () => long(3000, "\r\n"), SILENCE],
	["colons", () => long(4000, ":"), SILENCE],
	["a method alone", () => "OPTIONS", SILENCE],
	["a start line alone", (c) => `OPTIONS sip:${c.gw} SIP/2.0\r\n\r\n`, SILENCE],
	["no end of the header", (c) => request(c).slice(0, -2), SILENCE],
	["cut in the middle of a name", (c) => request(c).slice(0, 90), SILENCE],
	["NUL in a name", (c) => request(c, { more: "X-\x00Y: 1\r\n" }), SILENCE],
	["NUL in a value", (c) => request(c, { more: "X-Y: a\x00b\r\n" }), SILENCE],
	["NUL in the Call-ID", (c) => request(c, { id: "a\x00b" }), SILENCE],
	["NUL in the start line", (c) => request(c, { uri: "sip:a\x00b" }), SILENCE],
	["control characters in a name", (c) => request(c, { from: `"\x07\x08\x1b[2J" <sip:w@${c.me}>;tag=1` }), SILENCE],
	["a CR alone", (c) => request(c, { more: "X: a\rY: b\r\n" }), SILENCE],
	["a header without a colon", (c) => request(c, { more: "Nothing here\r\n" }), SILENCE],
	["a space in a header's name", (c) => request(c, { more: "X Y: b\r\n" }), SILENCE],
	["SIP/3.0", (c) => request(c, { version: "SIP/3.0" }), [505]],
	["SIP/2.0 with a space behind", (c) => request(c, { version: "SIP/2.0 " }), [400]],
	["two spaces in the start line", (c) => request(c, { uri: ` sip:858@${c.gw}` }), [400]],
	["a space inside of the Request-URI", (c) => request(c, { uri: `sip:858@${c.gw}; lr` }), [400]],
	["a Request-URI that is too long", (c) => request(c, { uri: `sip:${long(5000)}@${c.gw}` }), [414]],
	["a Request-URI without @, nearly too long", (c) => request(c, { uri: `sip:${long(980)}` }), [200, 400, 414]],
	["a To that is too long", (c) => request(c, { to: `"${long(6000)}" <sip:858@${c.gw}>` }), [400, 513]],
	["a To without an address, nearly too long", (c) => request(c, { to: long(1000) }), [400, 200]],
	["a header that is too long", (c) => request(c, { more: `X: ${long(7000)}\r\n` }), [513]],
	["commas", (c) => request(c, { more: `Contact: ${long(2000, ",")}\r\n` }), [400]],
	["commas in Via", (c) => request(c, { more: `Via: ${long(400, ",")}\r\n` }), [200, 400]],
	["headers without number", (c) => request(c, { more: long(1000, "X:1\r\n") }), [400]],
	["parameters without number", (c) => request(c, { from: `<sip:w@${c.me}>${long(300, ";a")};tag=1` }), [200, 400]],
	["folding without end", (c) => request(c, { more: `X: a${long(1500, "\r\n ")}\r\n` }), [400]],
	["two Call-IDs", (c) => request(c, { more: "Call-ID: another\r\n" }), [400]],
	["two Froms", (c) => request(c, { more: "From: <sip:x@y>;tag=2\r\n" }), [400]],
	["two Tos, one compact", (c) => request(c, { more: `t: <sip:858@x>;tag=${c.call.our_tag}\r\n` }), [400]],
	["two CSeqs", (c) => request(c, { more: "CSeq: 9 BYE\r\n" }), [400]],
	["two Content-Lengths", (c) => request(c, { more: "Content-Length: 4\r\n" }), [400]],
	["no Via", (c) => request(c, { via: null }), SILENCE],
	["a Via without a branch", (c) => request(c, { via: `SIP/2.0/UDP ${c.me}` }), [400, 200]],
	["a Via without a host", (c) => request(c, { via: "SIP/2.0/UDP ;branch=z9hG4bK1" }), [400]],
	["a Via of garbage", (c) => request(c, { via: "???" }), [400]],
	["a Via of another version", (c) => request(c, { via: `SIP/7.0/UDP ${c.me};branch=z9hG4bK2` }), [400]],
	["a Via of another transport", (c) => request(c, { via: `SIP/2.0/SCTP ${c.me};branch=z9hG4bK3;rport` }), [200, 400]],
	["a Via of port 0", (c) => request(c, { via: "SIP/2.0/UDP 127.0.0.1:0;branch=z9hG4bK4;rport" }), [200, 400]],
	["a Via of a port that is none", (c) => request(c, { via: "SIP/2.0/UDP 127.0.0.1:123456789;branch=z9hG4bK5;rport" }), [200, 400]],
	["a Via that names somebody else", (c) => request(c, { via: "SIP/2.0/UDP 192.0.2.77:5060;branch=z9hG4bK6;rport;received=192.0.2.78" }), [200]],
	["a Via with maddr", (c) => request(c, { via: `SIP/2.0/UDP ${c.me};branch=z9hG4bK7;rport;maddr=127.0.0.99` }), SILENCE],
	["a Via with ttl", (c) => request(c, { via: `SIP/2.0/UDP ${c.me};branch=z9hG4bK8;rport;ttl=255` }), [200]],
	["a branch that is a page long", (c) => request(c, { via: `SIP/2.0/UDP ${c.me};branch=z9hG4bK${long(900)};rport` }), [200]],
	["no From", (c) => request(c, { from: null }), [400]],
	["no From tag", (c) => request(c, { from: `<sip:w@${c.me}>` }), [400]],
	["From of garbage", (c) => request(c, { from: "<><><>;;;tag" }), [400]],
	["no To", (c) => request(c, { to: null }), [400]],
	["no Call-ID", (c) => request(c, { id: null }), [400]],
	["no CSeq", (c) => request(c, { cseq: null }), [400]],
	["CSeq of another method", (c) => request(c, { cseq: "1 INVITE" }), [400]],
	["CSeq that is negative", (c) => request(c, { cseq: "-1 OPTIONS" }), [400]],
	["CSeq of 36893488147419103232", (c) => request(c, { cseq: "36893488147419103232 OPTIONS" }), [200, 400]],
	["CSeq without a method", (c) => request(c, { cseq: "5" }), [400]],
	["Content-Length -1", (c) => request(c, { length: "-1" }), [400]],
	["Content-Length of letters", (c) => request(c, { length: "many" }), [400]],
	["Content-Length 4294967297", (c) => request(c, { length: "4294967297" }), [400]],
	["Content-Length beyond the datagram", (c) => request(c, { length: "4000" }), [400]],
	["a Content-Type of garbage", (c) => request(c, { more: "Content-Type: ////;;;\r\n" }), [200, 400]],
	["a format of printf", (c) => request(c, { method: "INVITE", from: `"%s%s%n%n" <sip:%25n%25s@${c.me}>;tag=%n%s`, id: "%n%n%s", more: "User-Agent: %n%n%s%s\r\n" }), [480, 403, 400]],
	["overlong UTF-8", (c) => request(c, { from: Buffer.from([0x22, 0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xff, 0x22]).toString("latin1") + ` <sip:w@${c.me}>;tag=1` }), [200, 400]],
];

const answers = [
	["200 to nothing", (c) => answer(c), SILENCE],
	["200 to the call that is up", (c) => answer(c, { id: c.call.id, from: `<sip:858@x>;tag=${c.call.our_tag}`, to: "<sip:302@x>;tag=other", cseq: c.call.cseq }), SILENCE],
	["200 to it, with Contact, of one fork more", (c) => answer(c, { id: c.call.id, from: `<sip:858@x>;tag=${c.call.our_tag}`, to: "<sip:302@x>;tag=other2", cseq: c.call.cseq, more: `Contact: <sip:x@${c.me}>\r\n` }), SILENCE, true],
	["487 to it, by its own branch", (c) => answer(c, { status: "487 x", via: c.call.via, id: c.call.id, from: `<sip:858@x>;tag=${c.call.our_tag}`, to: `<sip:302@x>;tag=${c.call.far_tag}`, cseq: c.call.cseq }), SILENCE],
	["a status of 65736", (c) => answer(c, { status: "65736 OK" }), SILENCE],
	["a status of 99", (c) => answer(c, { status: "99 OK" }), SILENCE],
	["a status of letters", (c) => answer(c, { status: "abc OK" }), SILENCE],
	["a status of 42949672961", (c) => answer(c, { status: "42949672961 OK" }), SILENCE],
	["a response with two Vias", (c) => answer(c, { more: "Via: SIP/2.0/UDP x;branch=z9hG4bK1\r\n" }), SILENCE],
	["a response without anything", () => "SIP/2.0 200 OK\r\n\r\n", SILENCE],
	["a challenge to nothing", (c) => answer(c, { status: "401 x", cseq: "1 REGISTER", more: "WWW-Authenticate: Digest realm=\"x\", nonce=\"y\"\r\n" }), SILENCE],
	["a phrase of UTF-8", (c) => answer(c, { status: "200 \u{1f4a9}\u00fc" }), SILENCE],
	["a phrase without end", (c) => answer(c, { status: `200 ${long(4000)}` }), SILENCE],
];

/* Every cut of one message is a message too. */
const cuts = Array.from({ length: 24 }, (_, i) =>
	[`an INVITE cut at ${i * 17}`, (c) => request(c, { method: "INVITE", body }).slice(0, i * 17), [480, 403, 400]]);

export const messages = [...proper, ...stray, ...spoofed, ...broken, ...answers, ...cuts];

/* Bytes as they are written above: letters beyond ASCII by their number. */
export const bytesOf = (made) => (Buffer.isBuffer(made) ? made : Buffer.from(made, /[^\x00-\xff]/.test(made) ? "utf8" : "latin1"));
export { request };
