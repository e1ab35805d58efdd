/* E20-E24: whoever orders a call writes a part of an INVITE. Hundreds of orders that
 * want to write more of it than that: each is refused with a 4xx that points at what
 * is wrong, or one INVITE leaves that a strict reader takes for exactly the one that
 * was meant. */
import { spawnSync } from "node:child_process";
import dgram from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Wrong, equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { conversation, ended, gateway, place, sdp, server, talker } from "./pbx.mjs";
import { parseAddress, parseMessage } from "./sip.mjs";

const long = (n, what = "a") => what.repeat(n);

/* Pieces that mean something to somebody on the way. */
const pieces = [
	"\r\nX-Evil: 1", "\nX-Evil: 1", "\rX-Evil: 1", "\r\n\r\nBYE sip:x SIP/2.0\r\n\r\n", "%0d%0aX-Evil:%201", "%0D%0A", "%0a", "%00", "\u0000", "\u0000.x",
	"\u0085X-Evil: 1", "\u2028X-Evil: 1", "\u2029", "\u000b", "\u001b[2J", "\u007f", "\u00a0", "\u200b", "\u200e", "\u202e123", "\u2066", "\ufeff", "\ufffe", "\u{e0041}",
	"\"", "\\\"", "\\", "\\\\\"", "\" <sip:evil@evil.example>", ">", "<", "><sip:evil@evil.example>", "%3e", "%3C", "%22", "%5c", "%7f", "%c0%80", "%ff", "%", "%4", "%zz", "%33",
	";tag=evil", ";transport=tcp", ";transport=ws", ";maddr=192.0.2.1", ";lr", ";ttl=255", ";user=phone", ";phone-context=evil.example", ";phone-context=+1", ";isub=1", ";ext=2", ";postd=ww99",
	";method=BYE", "?Subject=x", "?Route=%3Csip:evil%3E", "?Replaces=x", "&X-Evil=1", "@evil.example", "@evil.example@127.0.0.1", "%40evil.example", ":secret@evil.example", ":5061", ":0", ":99999",
	",", ",200", "ww", "w200", "p200", " ", " 200", "\t", "  ", "/", "//evil.example", "{{to}}", "${jndi:ldap://evil}", "%s%n%x", "'", "'; DROP TABLE calls;--", "`id`", "$(id)", "|", "^", "[", "]", "[::1]", "{}",
	"\u00e9", "e\u0301", "\u0430", "\uff10\uff11", "\u0661\u0662", "\u{1f4a9}", "\ud800", long(300), long(5000, "9"), long(70, "\u{1f4a9}"), "#", "*", "*21*0900#", "=", "=?utf-8?Q?a?=", "(a", "a)", "-", ".", "..", "+", "++",
];

/* Where they are put: [the field, its value with the piece in it, the pointer]. */
const fields = [
	["to, behind digits", (p) => ({ to: `300${p}` }), "/to"],
	["to, in front of digits", (p) => ({ to: `${p}300` }), "/to"],
	["to, behind E.164", (p) => ({ to: `+4930123456${p}` }), "/to"],
	["to, in a user part", (p) => ({ to: `sip:a${p}b` }), "/to"],
	["to, behind a host", (p) => ({ to: `sip:300@127.0.0.1${p}` }), "/to"],
	["to, as a host", (p) => ({ to: `sip:300@${p}` }), "/to"],
	["to, as a scheme", (p) => ({ to: `sip${p}:300` }), "/to"],
	["to, behind tel:", (p) => ({ to: `tel:+4930123456${p}` }), "/to"],
	["from, behind digits", (p) => ({ from: `300${p}`, to: "301" }), "/from"],
	["from, in a user part", (p) => ({ from: `sip:a${p}b`, to: "301" }), "/from"],
	["to, shown to from", (p) => ({ from: "300", to: `sip:a${p}b` }), "/to"],
	["caller_id.number", (p) => ({ to: "300", caller_id: { number: `1001${p}` } }), "/caller_id/number"],
	["caller_id.number, alone", (p) => ({ to: "300", caller_id: { number: p } }), "/caller_id/number"],
	["caller_id.name", (p) => ({ to: "300", caller_id: { name: `Name${p}end` } }), "/caller_id/name"],
	["a header's value", (p) => ({ to: "300", headers: { "X-Id": `a${p}b` } }), "/headers/X-Id"],
	["a header's name", (p) => ({ to: "300", headers: { [`X-${p}`]: "a" } }), "/headers"],
	["send_digits", (p) => ({ to: "300", send_digits: `1${p}` }), "/send_digits"],
	["line", (p) => ({ to: "300", line: `office${p}` }), "/line"],
	["from_line", (p) => ({ from: "300", to: "301", from_line: `office${p}` }), "/from_line"],
	["ringback", (p) => ({ from: "300", to: "301", ringback: `d${p}` }), "/ringback"],
	["announce", (p) => ({ to: "300", announce: { play: `${p}.wav` } }), "/announce/play"],
];

/* What an INVITE of ours is made of, in its order. */
const INVITE = ["Via", "Contact", "Max-Forwards", "To", "From", "Call-ID", "CSeq", "User-Agent", "Expires", "Allow", "Supported", "Content-Type", "Content-Length"];
const sorted = (names) => [...names].sort().join(" ");

/* One INVITE, as strictly as it can be read. */
const checkInvite = (m, pbx, { extra = [], uri } = {}) => {
	const invite = parseMessage(m.bytes);
	equal(invite.method, "INVITE", "the method");
	equal(sorted(invite.names.filter((name) => !OTHERS.includes(name))), sorted([...INVITE, ...extra]), "the headers");
	equal([invite.uri.host, Number(invite.uri.port), invite.uri.params], [pbx.address, pbx.port, ""], `whom it goes to (${invite.first})`);
	if (uri)
		equal(invite.uri.text, uri, "the Request-URI");
	const [to, from, contact] = ["To", "From", "Contact"].map((name) => parseAddress(invite.get(name)));
	equal(to.uri, invite.uri.text, "To");
	equal([to.name, to.tag], [undefined, undefined], "To's name and tag");
	ok(from.tag && [pbx.address, "anonymous.invalid"].includes(from.host) && from.params === "", `From is ${invite.get("From")}`);
	equal(contact.host, "127.0.0.1", "Contact's host");
	match(invite.get("Via"), /^SIP\/2\.0\/UDP 127\.0\.0\.1:\d+;branch=z9hG4bK[0-9a-f]+;rport;own=[0-9a-f]{16}$/, "Via");
	match(invite.get("CSeq"), /^\d+ INVITE$/, "CSeq");
	match(invite.get("Call-ID"), /^[0-9a-f]+$/, "Call-ID");
	match(invite.get("Content-Type"), /^application\/sdp$/, "Content-Type");
	for (const line of invite.body.trimEnd().split("\r\n"))
		match(line, /^[a-z]=[ -~]+$/, "a line of SDP");
	return { ...invite, from, to };
};

/* Headers that a part of the gateway beside this may add to every INVITE. */
const OTHERS = ["Session-Expires", "Min-SE"];

const world = async (t, config = {}) => {
	const pbx = await server(t);
	pbx.on("INVITE", (m) => pbx.reply(m, 486));
	const gw = await gateway(t, pbx, { line: { caller_id: { number: "1001", name: "Office" }, caller_ids: ["1002"], ...config.line }, ...config.more });
	return { pbx, gw };
};

const inviteOf = (pbx, call) => eventually(`the INVITE of ${call.to}`, () =>
	pbx.seen.find((m) => m.method === "INVITE" && call.legs.some((leg) => leg.sip_call_id === m.get("Call-ID"))));

/* Some at a time, in the order they are in. */
const each = async (list, run, at_once = 16) => {
	let next = 0;
	await Promise.all(Array.from({ length: at_once }, async () => {
		while (next < list.length)
			await run(list[next++]);
	}));
};

const say = (value) => JSON.stringify(value).slice(0, 200);

test("E24: hundreds of orders that would write a header more", async (t) => {
	const { pbx, gw } = await world(t);
	const orders = fields.flatMap(([field, make, pointer]) => pieces.map((piece) => ({ field, piece, body: make(piece), pointer })));
	const counts = { refused: 0, sent: 0 };
	await each(orders, async ({ field, piece, body, pointer }) => {
		const reply = await gw.api("POST", "/calls", { body });
		const what = `${field} ${say(body)}`;
		try {
			if (reply.status !== 201) {
				ok(reply.status === 422 || reply.status === 400 || reply.status === 403, `${reply.status}`);
				ok(reply.status === 400 || reply.json.errors?.some((error) => error.pointer.startsWith(pointer)), `no pointer at ${pointer}: ${reply.text}`);
				counts.refused++;
				return;
			}
			counts.sent++;
			const call = await ended(gw, reply.json.id);
			if (/;transport=tcp/.test(body.to)) {
				equal(call.cause, "network_error", "how a call by TCP ends, where nobody listens");
				return;
			}
			const invite = checkInvite(await inviteOf(pbx, call), pbx, {
				uri: call.legs[0].uri, extra: body.headers ? Object.keys(body.headers) : [],
			});
			checkMeaning(field, piece, body, invite);
		} catch (error) {
			throw error instanceof Wrong ? new Wrong(`${what}: ${error.message}`) : error;
		}
	});
	ok(counts.refused > 1000 && counts.sent > 100, `${counts.refused} were refused, ${counts.sent} sent`);
	ok(!pbx.seen.some((m) => /^x-evil/im.test(m.text.split("\r\n\r\n")[0])), "a header came through");
});

/* What was let through says what was asked, and nothing besides. */
const checkMeaning = (field, piece, body, invite) => {
	if (field === "caller_id.name") {
		equal(JSON.parse(`"${invite.from.name.slice(1, -1).replace(/\\(.)/g, (_, c) => JSON.stringify(c).slice(1, -1))}"`), body.caller_id.name, "the name");
	} else if (field === "a header's value") {
		equal(invite.get("X-Id"), body.headers["X-Id"], "the value");
	} else if (field === "to, in a user part") {
		equal(invite.uri.user, `a${piece}b`, "the user");
	} else if (field === "to, behind digits") {
		equal(invite.uri.user, body.to, "the number");
	} else if (field === "from, in a user part") {
		equal(invite.uri.user, `a${piece}b`, "the user");
	}
	if (!field.startsWith("caller_id"))
		ok(["1001", "858"].includes(invite.from.user) || body.from, `From is of ${invite.from.user}`);
};

test("E20: each rule of an address by itself", async (t) => {
	const { pbx, gw } = await world(t);
	const [own, other] = [`127.0.0.1:${pbx.port}`, "evil.example"];
	const cases = [
		/* what is dialled, and the Request-URI, or the status of the refusal */
		["300", `sip:300@${own}`], ["sip:300", `sip:300@${own}`], [`sip:300@${own}`, `sip:300@${own}`], ["SIP:300", `sip:300@${own}`],
		["sip:a%40b", `sip:a%40b@${own}`], ["sip:a%23b", `sip:a%23b@${own}`], ["sip:m%C3%BCller", `sip:m%C3%BCller@${own}`],
		[`sip:${long(200)}`, `sip:${long(200)}@${own}`], [`sip:${long(253)}`, 422], [`sip:${long(400)}`, 422],
		["sip:%33%30%30", 422], ["sip:a%0ab", 422], ["sip:a%00b", 422], ["sip:a%3eb", 422], ["sip:a%22b", 422], ["sip:a%5cb", 422], ["sip:a%7fb", 422],
		["sip:a%C2%85b", 422], ["sip:a%E2%80%AEb", 422], ["sip:a%C0%8Ab", 422], ["sip:a%FFb", 422], ["sip:a%", 422],
		["sip:300?Subject=x", 422], [`sip:300@${own}?X-Evil=1`, 422], ["sip:300;lr", 422], ["sip:300;transport=sctp", 422], ["sip:300;transport=udp;lr", 422],
		["sip:u:p@127.0.0.1", 422], ["sip:@127.0.0.1", 422], ["sip:", 422], ["sip:300@", 422], ["sip:a@b@c", 422],
		["sip:300@[::1", 422], ["sip:300@::1", 422], ["sip:300@[::1]x", 422], ["sip:300@[gggg::1]", 422], ["sip:300@[::ffff:127.0.0.1]", 422], ["sip:300@[fe80::1%25lo]", 422],
		["sip:300@[2001:db8::1]", 403], [`sip:300@${other}`, 403], ["sip:300@127.0.0.2", 403], ["sip:300@127.1", 422], ["sip:300@0x7f000001", 403],
		["sip:300@b\u00fccher.example", 422], ["sip:300@xn--bcher-kva.example", 403], ["sip:300@\u0435xample.com", 422], ["sip:300@-a.example", 422], ["sip:300@a..example", 422],
		["sip:300@127.0.0.1:0", 422], ["sip:300@127.0.0.1:99999", 422], ["sip:300@127.0.0.1:5060:5061", 422],
		["sips:300", 422], ["tel:300", 422], ["tel:300;phone-context=evil", 422], ["http://evil/", 422], ["javascript:1", 422], ["sim:answer", 403], ["", 422],
		/* E9: pauses, other writings of digits, codes */
		["300,200", 422], ["300;200", 422], ["300p200", 422], ["300w200", 422], ["300W", 422], ["30 0", 422], ["30-0", 422], ["(300)", 422], ["300/1", 422],
		["*21#", 422], ["#31#300", 422], ["300*", 422], ["\uff13\uff10\uff10", 422], ["\u0663\u0660\u0660", 422], ["+", 422], ["++49", 422], ["+0301234567", 422], ["00491234567", null], ["1".repeat(16), 422],
		["112", 403], ["sip:112", 403], ["911", 403],
	];
	for (const [to, want] of cases) {
		const reply = await gw.api("POST", "/calls", { body: { to } });
		if (typeof want === "number" || want === null) {
			ok(want === null ? reply.status >= 400 && reply.status < 500 : reply.status === want, `${say(to)} was answered ${reply.status}, not ${want}: ${reply.text}`);
			ok(reply.json.errors?.[0].pointer === "/to", `${say(to)}: no pointer in ${reply.text}`);
			continue;
		}
		equal(reply.status, 201, `the reply to ${say(to)} (${reply.text})`);
		const call = await ended(gw, reply.json.id);
		checkInvite(await inviteOf(pbx, call), pbx, { uri: want });
	}
});

test("E20: an IPv6 address keeps its brackets, and is one address however it is written", async (t) => {
	const { pbx } = await world(t);
	const sink = dgram.createSocket("udp6");
	const came = [];
	sink.on("message", (bytes) => came.push(bytes));
	await new Promise((done, fail) => sink.on("error", fail).bind(0, "::1", done));
	t.later(() => new Promise((closed) => sink.close(closed)));
	const { port } = sink.address();
	const gw = await t.gateway({
		allow_inline: true, drain_s: 0, lines: [{ name: "six", user: "858", domain: pbx.address, port: pbx.port, register: false }],
		policy: { hosts: ["[::1]"] }, sip: { listen: ["udp:[::1]:0", "udp:127.0.0.1:0"] },
	});
	for (const host of ["[::1]", "[0:0:0:0:0:0:0:1]", "[0000::0001]"]) {
		const before = came.length;
		const reply = await gw.api("POST", "/calls", { body: { to: `sip:anna@${host}:${port}`, ring_timeout: 1 } });
		equal(reply.status, 201, `the reply to ${host} (${reply.text})`);
		const invite = parseMessage(await eventually(`an INVITE to ${host}`, () => came[before]));
		equal(invite.uri.text, `sip:anna@[::1]:${port}`, "the Request-URI");
		match(invite.get("Via"), /^SIP\/2\.0\/UDP \[::1\]:\d+;branch=/, "Via");
		equal(parseAddress(invite.get("Contact")).host, "[::1]", "Contact's host");
		match(invite.body, /^c=IN IP6 ::1\r$/m, "where sound is wanted");
		await ended(gw, reply.json.id);
	}
	for (const host of ["[::2]", "[::1%25lo]", "[::ffff:127.0.0.1]", "::1", "[::1"])
		ok([403, 422].includes((await gw.api("POST", "/calls", { body: { to: `sip:anna@${host}` } })).status), `${host} was taken`);
});

test("E21: names are carried as they are, or not at all", async (t) => {
	const { pbx, gw } = await world(t);
	const cases = [
		["ACME", "\"ACME\""], ["M\u00fcller & S\u00f6hne", "\"M\u00fcller & S\u00f6hne\""], ["a\"b", "\"a\\\"b\""], ["a\\", "\"a\\\\\""], ["\\\"", "\"\\\\\\\"\""],
		[long(64), `"${long(64)}"`], [long(64, "\u{1f600}"), `"${long(64, "\u{1f600}")}"`], ["<sip:evil@evil>", "\"<sip:evil@evil>\""],
		[long(65), null], [long(65, "\u{1f600}"), null], ["a\u0000b", null], ["a\rb", null], ["a\nb", null], ["a\tb", null], ["a\u0085b", null], ["a\u009fb", null], ["a\u007fb", null],
		["a\u202eb", null], ["a\u2066b", null], ["a\u200fb", null], ["a\u2028b", null], ["\ufeffa", null],
	];
	for (const [name, want] of cases) {
		const reply = await gw.api("POST", "/calls", { body: { to: "300", caller_id: { name } } });
		if (want === null) {
			ok(reply.status === 422 || reply.status === 400, `${say(name)} was answered ${reply.status}`);
			ok(reply.json.errors.some((error) => error.pointer.startsWith("/caller_id/name")), `no pointer in ${reply.text}`);
			continue;
		}
		equal(reply.status, 201, `the reply to ${say(name)} (${reply.text})`);
		const invite = checkInvite(await inviteOf(pbx, await ended(gw, reply.json.id)), pbx);
		equal(invite.from.name, want, `the name in From of ${say(name)}`);
	}
});

const RESERVED = ["From", "f", "To", "t", "Via", "v", "Route", "Record-Route", "Contact", "m", "Call-ID", "i", "CSeq", "Max-Forwards", "Content-Length", "l", "Content-Type", "c",
	"Content-Disposition", "P-Asserted-Identity", "p-asserted-identity", "P-Preferred-Identity", "P-Charging-Vector", "Remote-Party-ID", "Diversion", "History-Info", "Privacy", "Identity",
	"Authorization", "Proxy-Authorization", "Require", "k", "Supported", "Allow", "Replaces", "Refer-To", "r", "Referred-By", "b", "Session-Expires", "x", "Reason", "User-Agent", "Subject",
	"s", "Alert-Info", "Call-Info", "Answer-Mode", "Priv-Answer-Mode", "Priority", "Event", "o", "Expires", "Date", "Join", "Target-Dialog", "Resource-Priority", "Accept-Contact", "a",
	"Request-Disposition", "d", "Reject-Contact", "j", "e", "u", "y", "n", "Path", "Service-Route", "Security-Client", "Geolocation", "Feature-Caps", "Flow-Timer", "Session-ID", "Min-SE",
	"User-to-User", "Warning", "Organization", "MIME-Version", "Timestamp", "In-Reply-To", "Proxy-Require", "Trigger-Consent", "Max-Breadth", "SIP-If-Match", "RAck", "RSeq", "Info-Package", "Recv-Info"];
/* Some of these a list may open: they carry no identity and no way. */
const OPENED_BY_NAME = ["Priority", "User-to-User"];

/* A lone star is no pattern at all; these together are as good as one. */
const EVERYTHING = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"].map((letter) => `${letter}*`);

test("E22: headers of SIP itself stay shut, also where the list names everything", async (t) => {
	const { pbx, gw } = await world(t, { more: { limits: { headers: EVERYTHING } } });
	for (const name of RESERVED) {
		const reply = await gw.api("POST", "/calls", { body: { to: "300", headers: { [name]: "sip:evil@evil.example" } } });
		if (OPENED_BY_NAME.includes(name) && reply.status === 201)
			continue;
		equal(reply.status, 422, `the status of ${name}`);
		equal(reply.json.errors[0].pointer, `/headers/${name}`, "the pointer");
	}
	for (const name of ["X", "X Y", "X:Y", "X\r\nY", "X\u0000", "", "X\u00e9", "X(Y)", "X\"", "X,Y", "X;Y", "X/Y", long(65)]) {
		const reply = await gw.api("POST", "/calls", { body: { to: "300", headers: { [name]: "1" } } });
		ok(reply.status === 422 || reply.status === 400, `${say(name)} was answered ${reply.status}`);
	}
	const good = { "X-CRM-Id": "797", "X-Long": long(256), "Campaign": "a: b; c=\"d\" <e>", "X-Empty": "" };
	const call = await ended(gw, (await place(gw, { to: "300", headers: good })).id);
	const invite = checkInvite(await inviteOf(pbx, call), pbx, { extra: Object.keys(good) });
	for (const [name, value] of Object.entries(good))
		equal(invite.get(name), value, name);
	const many = Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`X-${i}-`, "1"]));
	equal((await gw.api("POST", "/calls", { body: { to: "300", headers: many } })).status, 422, "17 headers");
	equal((await gw.api("POST", "/calls", { body: { to: "300", headers: { "X-Long": long(257) } } })).status, 422, "a value of 257");
});

test("E22: without a list only X- is open; with one, what it names", async (t) => {
	const one = await world(t);
	for (const [name, status] of [["X-Id", 201], ["x-id", 201], ["X-", 422], ["XX-Id", 422], ["Campaign", 422], ["Xanadu", 422]])
		equal((await one.gw.api("POST", "/calls", { body: { to: "300", headers: { [name]: "1" } } })).status, status, name);
	const other = await world(t, { more: { limits: { headers: ["Campaign", "X-A-*"] } } });
	for (const [name, status] of [["Campaign", 201], ["campaign", 201], ["Campaigns", 422], ["X-A-1", 201], ["X-A-", 422], ["X-B", 422]])
		equal((await other.gw.api("POST", "/calls", { body: { to: "300", headers: { [name]: "1" } } })).status, status, name);
});

test("E23, E16: no SDP and no identity of the caller's own", async (t) => {
	const { gw } = await world(t);
	for (const [body, pointer] of [
		[{ to: "300", sdp: sdp(9) }, "/sdp"], [{ to: "300", body: "x" }, "/body"], [{ to: "300", from: { sdp: "x" } }, "/from"], [{ to: "300", codecs: ["x"] }, "/codecs"],
		[{ to: "300", pai: "sip:x" }, "/pai"], [{ to: "300", caller_id: { number: "4711" } }, "/caller_id/number"], [{ to: "300", caller_id: { uri: "sip:x" } }, "/caller_id/uri"],
		[{ to: "300", call_id: "x" }, "/call_id"], [{ to: "300", proxy: "sip:x" }, "/proxy"], [{ to: "300", display_name: "x" }, "/display_name"],
	]) {
		const reply = await gw.api("POST", "/calls", { body });
		equal(reply.status, 422, `the status of ${say(body)}`);
		ok(reply.json.errors.some((error) => error.pointer.startsWith(pointer)), `no pointer at ${pointer}: ${reply.text}`);
	}
});

test("E24: the same through a form, where % means something too", async (t) => {
	const { pbx, gw } = await world(t);
	const type = "application/x-www-form-urlencoded";
	await each(pieces.filter((piece) => piece !== "\ud800"), async (piece) => {
		for (const [name, value] of [["to", `300${piece}`], ["to", `sip:a${piece}b`], ["caller_id.name", `a${piece}b`], ["headers.X-Id", `a${piece}b`]]) {
			const body = `${name === "to" ? "" : "to=300&"}${encodeURIComponent(name)}=${encodeURIComponent(value)}`;
			const reply = await gw.api("POST", "/calls", { body, type });
			if (reply.status !== 201) {
				ok(reply.status >= 400 && reply.status < 500, `${body} was answered ${reply.status}`);
				continue;
			}
			const call = await ended(gw, reply.json.id);
			checkInvite(await inviteOf(pbx, call), pbx, { uri: call.legs[0].uri, extra: name.startsWith("headers") ? ["X-Id"] : [] });
		}
	});
});

/* Inside of a call. ------------------------------------------------------------ */

test("E24: a transfer's target is as strict as a call's", async (t) => {
	const { pbx, gw } = await world(t);
	let talk = null;
	let sent = 0;
	const targets = pieces.flatMap((piece) => [`300${piece}`, `sip:a${piece}b`, `sip:300@127.0.0.1${piece}`]);
	for (const to of targets) {
		talk ??= await conversation(t, gw, pbx);
		const before = pbx.seen.length;
		const reply = await gw.api("POST", `/calls/${talk.call.id}/transfer`, { body: { to } });
		if (reply.status !== 200) {
			ok([400, 403, 422].includes(reply.status), `${say(to)} was answered ${reply.status}`);
			ok(reply.status === 400 || reply.json.errors?.[0].pointer === "/to", `no pointer in ${reply.text}`);
			continue;
		}
		sent++;
		if (/;transport=tcp/.test(to)) {
			await pbx.asks(gw); /* where nobody listens, and nothing else happens */
			ok(!pbx.seen.slice(before).some((one) => one.method === "INVITE"), "an INVITE went by UDP");
			await gw.api("DELETE", `/calls/${talk.call.id}`);
			talk = null;
			continue;
		}
		const m = await eventually(`an INVITE to ${say(to)}`, () => pbx.seen.slice(before).find((one) => one.method === "INVITE"));
		const invite = checkInvite(m, pbx);
		equal(invite.uri.user, /^(?:sip:)?([^@]*)/.exec(to)[1], "the user");
		await gw.api("DELETE", `/calls/${talk.call.id}`);
		talk = null;
	}
	ok(sent >= 10, `${sent} were sent`);
});

test("E19: where a phone refers to is as strict, and goes through the policy", async (t) => {
	const { pbx, gw } = await world(t);
	let talk = null;
	let cseq = 0;
	const targets = [...pieces.filter((piece) => !/[\r\n\0\ud800]/.test(piece)).map((piece) => `<sip:a${piece}b@127.0.0.1:${pbx.port}>`),
		"<sip:300@evil.example>", "<tel:+4930123456>", "<sip:+88212345678@127.0.0.1>", "<sip:112@127.0.0.1>", "<sip:300@127.0.0.1?X-Evil=1>", "sip:300@127.0.0.1:1", "<http://evil.example/>"];
	for (const target of targets) {
		talk ??= await conversation(t, gw, pbx);
		const { invite } = talk.b;
		const before = pbx.seen.length;
		pbx.send(Buffer.from(`REFER sip:858@x SIP/2.0\r\nVia: SIP/2.0/UDP ${pbx.address}:${pbx.port};branch=z9hG4bKrefer${++cseq}-${talk.b.port};rport\r\nFrom: ${invite.get("To")};tag=t${talk.b.port}\r\n`
			+ `To: ${invite.get("From")}\r\nCall-ID: ${invite.get("Call-ID")}\r\nCSeq: ${cseq} REFER\r\nContact: <${pbx.contact}>\r\nRefer-To: ${target}\r\nContent-Length: 0\r\n\r\n`, "utf8"),
		{ address: gw.sip_address, port: gw.sip_port });
		const answer = await eventually(`an answer to a REFER to ${say(target)}`, () => {
			const mine = pbx.seen.slice(before).find((m) => m.code && m.cseq === `${cseq} REFER`);
			return mine ?? (guarded(target) && "silence");
		});
		if (answer === "silence" || answer.code !== 202) {
			ok(answer === "silence" || (answer.code >= 400 && answer.code < 700), `${say(target)} was answered ${answer.code}`);
			continue;
		}
		const m = await eventually(`an INVITE to ${say(target)}`, () => pbx.seen.slice(before).find((one) => one.method === "INVITE"));
		checkInvite(m, pbx, { extra: m.get("Referred-By") ? ["Referred-By"] : [] });
		await gw.api("DELETE", `/calls/${talk.call.id}`);
		talk = null;
		cseq = 0;
	}
});

/* What isn't a message any more is not answered. */
const guarded = (target) => /[\x00-\x08\x0b-\x1f\x7f]/.test(target) || Buffer.byteLength(target) > 3900;

test("E19: where a 302 points to is as strict, and goes through the policy", async (t) => {
	const { pbx, gw } = await world(t, { more: { policy: { follow_redirects: true } } });
	const targets = [...pieces.filter((piece) => !/[\r\n\0\ud800]/.test(piece)).map((piece) => `<sip:a${piece}b@127.0.0.1:${pbx.port}>`),
		"<sip:300@evil.example>", "<tel:+4930123456>", "<sip:+88212345678@127.0.0.1>", "<sip:112@127.0.0.1>", `<sip:300@127.0.0.1:${pbx.port}?X-Evil=1>`, "*", ""];
	targets.forEach((target, i) => pbx.serves(`moved${i}`, { INVITE: (m) => pbx.reply(m, 302, { contact: "", more: `Contact: ${target}\r\n` }) }));
	await each(targets.map((target, i) => [target, i]), async ([target, i]) => {
		const call = await ended(gw, (await place(gw, { to: `sip:moved${i}`, ring_timeout: 1 })).id);
		ok(["redirected", "busy", "transport_timeout"].includes(call.cause), `${say(target)} ended as ${call.cause}`);
		const invites = pbx.seen.filter((m) => m.method === "INVITE" && call.legs.some((leg) => leg.sip_call_id === m.get("Call-ID")));
		for (const m of invites)
			checkInvite(m, pbx);
	});
	const asked = pbx.seen.filter((m) => m.method === "INVITE").map((m) => m.user);
	ok(asked.some((user) => !user.startsWith("moved")), "no 302 was followed");
	ok(!asked.some((user) => /882123|^112$/.test(user)), "one was followed to where nobody may call");
});

test("E15: nobody rings the second before the first has answered and pressed the key", async (t) => {
	const { pbx, gw } = await world(t);
	const [first, second] = [await talker(t), await talker(t)];
	let ringing = null;
	pbx.serves("301", { INVITE: (m) => {
		ringing = m;
		pbx.reply(m, 180);
	} });
	pbx.serves("302", second);
	const rung = () => pbx.seen.some((m) => m.method === "INVITE" && m.user === "302");
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "301", to: "302", confirm: { leg: "from", digit: "1", timeout: 20 } });
	await stream.untilType("call.ringing", call.id);
	await pbx.asks(gw);
	ok(!rung(), "the second was rung while the first is ringing");

	first.INVITE(ringing, pbx);
	await stream.untilType("leg.answered", call.id);
	await first.hears("the question, or silence").catch(() => {});
	await pbx.asks(gw);
	ok(!rung(), "the second was rung before the key");

	let cseq = 0;
	const press = (digit) => pbx.send(`INFO sip:858@x SIP/2.0\r\nVia: SIP/2.0/UDP ${pbx.address}:${pbx.port};branch=z9hG4bKinfo${++cseq};rport\r\nFrom: ${ringing.get("To")};tag=t${first.port}\r\nTo: ${ringing.get("From")}\r\n`
		+ `Call-ID: ${ringing.get("Call-ID")}\r\nCSeq: ${cseq} INFO\r\nContent-Type: application/dtmf-relay\r\nContent-Length: 24\r\n\r\nSignal=${digit}\r\nDuration=160\r\n`,
	{ address: gw.sip_address, port: gw.sip_port });
	press("2");
	await pbx.saw("the answer to the wrong key", (m) => m.code === 200 && m.cseq === "1 INFO");
	await pbx.asks(gw);
	ok(!rung(), "the second was rung after the wrong key");

	press("1");
	await stream.untilType("call.bridged", call.id);
	const order = pbx.seen.filter((m) => ["INVITE", "INFO"].includes(m.method) || m.cseq?.endsWith(" INFO")).map((m) => m.user ?? m.cseq);
	equal(order, ["301", "1 INFO", "2 INFO", "302"], "what was on the wire");
	await gw.api("DELETE", `/calls/${call.id}`);
});

/* Before it starts. -------------------------------------------------------------- */

test("E20: a configuration can't say more than its fields either", async (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-check-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	const file = join(dir, "bellpull.json");
	const check = (line) => {
		writeFileSync(file, JSON.stringify({ allow_inline: true, lines: [{ name: "office", user: "858", domain: "127.0.0.1", ...line }] }));
		return spawnSync(t.binary, ["--config", file, "--check"], { cwd: dir, encoding: "utf8" });
	};
	equal(check({}).status, 0, "the exit with nothing wrong");
	const evil = ["\r\nX-Evil: 1", "\n", "\0", "\u0085", "\u202e", ">", "\"", ";tag=x", "@evil", " "];
	const all = (name, make, pieces_of = evil) => pieces_of.map((piece) => [name, make(piece)]);
	const cases = [
		...all("user", (p) => ({ user: `858${p}` })), ...all("domain", (p) => ({ domain: `127.0.0.1${p}` })),
		...all("auth_user", (p) => ({ auth_user: `858${p}` }), ["\r\nX-Evil: 1", "\n", "\0"]),
		...all("display_name", (p) => ({ display_name: `a${p}` }), ["\r\nX-Evil: 1", "\n", "\0", "\u0085", "\u202e", long(65)]),
		...all("caller_id.name", (p) => ({ caller_id: { name: `a${p}` } }), ["\r\nX-Evil: 1", "\n", "\0", "\u0085", "\u202e", long(65)]),
		...all("caller_id.number", (p) => ({ caller_id: { number: `1${p}` } })), ...all("caller_ids", (p) => ({ caller_ids: [`1${p}`] })),
		...all("caller_id.number", (p) => ({ caller_id: { number: `1${p}` } }), ["?", "&", ",", "/", ":"]),
		...all("proxies", (p) => ({ proxies: [`sip:127.0.0.1${p}`] })), ...all("dial.prefix", (p) => ({ dial: { prefix: `0${p}` } })), ...all("dial.strip", (p) => ({ dial: { strip: `0${p}` } })),
		...all("name", (p) => ({ name: `office${p}` })),
	];
	for (const [name, line] of cases) {
		const run = check(line);
		ok(run.status && run.status < 126 && run.signal === null, `${name} ${say(line)}: exit ${run.status} (${run.stdout}${run.stderr})`);
		ok(!/AddressSanitizer|runtime error/.test(run.stderr), run.stderr);
	}
});
