/* Calls as a user of the API sees them, in the sandbox. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const sandbox = { sandbox: true };
const place = async (gw, body, options = {}) => {
	const reply = await gw.api("POST", "/calls", { body, ...options });
	equal(reply.status, 201, `the status of ${JSON.stringify(body)}`);
	return reply.json;
};
const registered = (gw) => eventually("the line is registered", async () =>
	(await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
const up = async (t, config = {}) => {
	const gw = await t.gateway({ ...sandbox, ...config });
	await registered(gw);
	return gw;
};
const ended = async (gw, id) => (await gw.api("GET", `/calls/${id}?wait=ended&timeout=60`, { patience_ms: 70_000 })).json;

test("a call: its quality while it lasts is there for who asks, and the tag of others stays", async (t) => {
	const gw = await up(t);
	const { id } = await place(gw, { to: "sim:answer" });
	const stream = await gw.events(`/calls/${id}/events`);
	await stream.untilType("call.bridged", id);
	equal((await gw.api("GET", `/calls/${id}`)).json.legs[0].quality, null, "nobody has asked");
	const heard = await eventually("fifty packets", async () => {
		const { json } = await gw.api("GET", `/calls/${id}?quality=now`);
		return json.state === "bridged" && json.legs[0].quality?.received > 50 && json.legs[0].quality;
	});
	ok(heard.sent > 40 && heard.mos > 4, `it sounds like ${JSON.stringify(heard)}`);
	const { headers } = await eventually("two looks at one call", async () => {
		const [a, b] = [await gw.api("GET", `/calls/${id}`), await gw.api("GET", `/calls/${id}`)];
		return a.headers.etag === b.headers.etag && b;
	});
	equal((await gw.api("GET", `/calls/${id}?quality=then`)).status, 400);
	equal((await gw.api("DELETE", `/calls/${id}`, { headers: { "If-Match": headers.etag } })).status, 200, "who looks without asking");
	const last = await ended(gw, id);
	ok(last.legs[0].quality.received >= heard.received, "the last measure counts less than one before");
	equal((await gw.api("GET", `/calls/${id}?quality=now`)).json, last, "an ended call is what it was");
});

test("a call: each step of the journal, in order, without a hole", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { to: "sim:hangup", client_state: "mine", metadata: { contact: 797, note: "a\nb" } });
	equal(call.status, "queued");
	equal(call.state, "queued");
	await stream.untilType("call.ended", call.id);
	const mine = stream.seen.filter((event) => event.call_id === call.id);
	equal(mine.map((event) => event.type).join(" "),
		"call.queued call.initiated leg.initiated leg.ringing call.ringing leg.answered call.answered call.bridged leg.ended call.ended");
	equal(mine.map((event) => event.seq), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "seq");
	ok(mine.every((event, i) => !i || event.id > mine[i - 1].id), "ids rise");
	ok(mine.every((event) => event.call.client_state === "mine" && event.call.metadata.note === "a\nb"), "metadata is echoed everywhere");
	ok(mine.every((event) => event.call.last_event_id === event.id), "a snapshot knows its event");
	const order = ["queued", "ringing", "in-progress", "completed"];
	const seen = mine.map((event) => order.indexOf(event.call.status));
	ok(seen.every((at, i) => at >= 0 && (!i || at >= seen[i - 1])), `a status went back: ${seen}`);
	const after = (await gw.api("GET", `/calls/${call.id}`)).json;
	equal([after.status, after.cause, after.ended_by, after.q850, after.sip.code], ["completed", "normal_clearing", "to", 16, 200]);
	ok(after.duration >= 2 && after.legs[0].quality.received > 50, "two seconds of sound");
	equal(after.legs[0].codec, "PCMA/8000");
});

const outcomes = [
	["sim:busy", {}, "busy", "busy", 486],
	["sim:decline", {}, "busy", "rejected", 603],
	["sim:not-found", {}, "failed", "not_found", 404],
	["sim:unavailable", {}, "no-answer", "unavailable", 480],
	["sim:overloaded", {}, "failed", "congestion", 503],
	["sim:redirect", {}, "failed", "redirected", 302],
	["sim:auth-loop", {}, "failed", "auth_failed", 407],
	["sim:no-answer", { ring_timeout: 1 }, "no-answer", "ring_timeout", 180],
	["sim:late-answer", { ring_timeout: 1 }, "no-answer", "ring_timeout", 180],
	["sim:silent", { ring_timeout: 2 }, "failed", "transport_timeout", null],
	["sim:no-answer", { setup_deadline: 1 }, "failed", "setup_deadline", 180],
	["sim:answer", { time_limit: 1 }, "completed", "time_limit", 200],
	["sim:hangup", {}, "completed", "normal_clearing", 200],
	["sim:nobody-of-this-name", {}, "failed", "not_found", 404],
];

test("every outcome of the sandbox has the status and cause of the table", async (t) => {
	const gw = await up(t);
	const calls = await Promise.all(outcomes.map(([to, more]) => place(gw, { to, ...more })));
	const results = await Promise.all(calls.map((call) => ended(gw, call.id)));
	results.forEach((call, i) => {
		const [to, more, status, cause, code] = outcomes[i];
		equal([call.status, call.cause, call.sip.code], [status, cause, code], `${to} ${JSON.stringify(more)}`);
	});
});

test("the callees that answer go on until the API hangs up", async (t) => {
	const gw = await up(t);
	const names = ["sim:answer", "sim:early-media", "sim:no-media", "sim:one-codec-gsm", "sim:forked", "sim:voicemail", "sim:press-1"];
	const calls = await Promise.all(names.map((to) => place(gw, { to })));
	await Promise.all(calls.map(async (call, i) => {
		const answered = (await gw.api("GET", `/calls/${call.id}?wait=answered&timeout=30`, { patience_ms: 40_000 })).json;
		equal(answered.status, "in-progress", names[i]);
		const first = await gw.api("DELETE", `/calls/${call.id}`);
		equal(first.status, 200);
		const over = await ended(gw, call.id);
		equal([over.status, over.cause, over.ended_by], ["completed", "normal_clearing", "api"], names[i]);
		const again = await gw.api("POST", `/calls/${call.id}/hangup`);
		equal([again.status, again.json.status], [200, "completed"], "hanging up twice");
	}));
	const gsm = (await gw.api("GET", `/calls/${calls[3].id}`)).json;
	equal(gsm.legs[0].codec, "GSM/8000");
});

test("hanging up while it rings cancels", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { to: "sim:no-answer" });
	await stream.untilType("call.ringing", call.id);
	await gw.api("DELETE", `/calls/${call.id}`);
	const over = await ended(gw, call.id);
	equal([over.status, over.cause, over.ended_by, over.duration], ["canceled", "canceled_by_api", "api", 0]);
	await stream.untilType("call.ended", call.id);
	equal(stream.seen.filter((event) => event.type === "call.ended").length, 1, "ends told");
});

test("a long poll gives up with the call as it is", async (t) => {
	const gw = await up(t);
	const call = await place(gw, { to: "sim:no-answer" });
	const reply = await gw.api("GET", `/calls/${call.id}?wait=ended&timeout=1`);
	equal([reply.status, reply.json.id], [200, call.id]);
	ok(!reply.json.ended_at, "it goes on");
	equal((await gw.api("GET", `/calls/${call.id}?wait=sometime`)).status, 400);
	equal((await gw.api("GET", `/calls/${call.id}?timeout=999`)).status, 400);
	equal((await gw.api("GET", "/calls/call_01ARZ3NDEKTSV4RRFFQ69G5FAV?wait=ended&timeout=1")).status, 404);
	equal((await gw.api("GET", "/calls/nonsense")).status, 404);
});

test("lists: newest first, filters, pages without repetition", async (t) => {
	const gw = await up(t);
	const calls = [];
	for (const to of ["sim:busy", "sim:not-found", "sim:busy", "sim:busy", "sim:decline"])
		calls.push(await ended(gw, (await place(gw, { to })).id));
	const all = (await gw.api("GET", "/calls")).json;
	equal(all.data.map((call) => call.id), calls.map((call) => call.id).reverse(), "the list");
	equal(all.next_cursor, null);
	equal((await gw.api("GET", "/calls?status=busy")).json.data.length, 4);
	equal((await gw.api("GET", "/calls?to=sim:not-found")).json.data.length, 1);
	equal((await gw.api("GET", "/calls?line=sandbox&status=failed")).json.data.length, 1);
	equal((await gw.api("GET", `/calls?since=${calls[3].created_at}`)).json.data.length, 2);
	const pages = [];
	for (let cursor = ""; cursor !== null;) {
		const page = await gw.api("GET", `/calls?limit=2${cursor && `&cursor=${cursor}`}`);
		pages.push(...page.json.data.map((call) => call.id));
		cursor = page.json.next_cursor;
		equal(Boolean(page.headers.link), cursor !== null, "Link");
		await place(gw, { to: "sim:busy" }); /* the list grows while it is read */
	}
	equal(pages, all.data.map((call) => call.id), "the pages");
	for (const bad of ["limit=0", "limit=201", "limit=x", "cursor=../etc", "status=happy", "since=yesterday", "nonsense=1"])
		equal((await gw.api("GET", `/calls?${bad}`)).status, 400, bad);
});

test("what is wrong is named, and nothing is dialled", async (t) => {
	const gw = await up(t);
	const cases = [
		[{ to: "853", ring_timout: 5 }, 422, "/ring_timout"],
		[{ to: "853", ring_timeout: 500 }, 422, "/ring_timeout"],
		[{ to: "853\r\nX-Evil: 1" }, 400, "/to"],
		[{ to: "853", caller_id: { name: "A\r\nTo: <sip:evil@x>" } }, 400, "/caller_id/name"],
		[{ to: "853", caller_id: { number: "+4930999" } }, 422, "/caller_id/number"],
		[{ to: "853", headers: { "X-A": "b\r\nVia: x" } }, 400, "/headers/X-A"],
		[{ to: "853", headers: { Via: "SIP/2.0/UDP evil" } }, 422, "/headers/Via"],
		[{ to: "sip:853@x<y>" }, 422, "/to"],
		[{ to: "sip:%0d%0a@x" }, 422, "/to"],
		[{ to: "sip:%31%31%32" }, 422, "/to"],
		[{ to: "tel:+4930123;phone-context=evil" }, 422, "/to"],
		[{ to: "853", line: "none" }, 422, "/line"],
		[{ to: "853", announce: { play: "../../etc/passwd" } }, 422, "/announce/play"],
		[{ to: "853", from: { webrtc: { sdp: "v=0" } } }, 422, "/from/webrtc/sdp"],
		[{ to: "853", from: "854x y" }, 422, "/from"],
		[{ to: "853", from: "854\r\nVia: x" }, 400, "/from"],
		[{ to: "853", from: "sim:answer", from_line: "none" }, 422, "/from_line"],
		[{ to: "853", from: "sim:answer", confirm: { digit: "12" } }, 422, "/confirm/digit"],
		[{ to: "853", from: "sim:answer", send_digits: "1x" }, 422, "/send_digits"],
		[{ to: "853", from: "sim:answer", auto_answer: true }, 422, "/auto_answer"],
		[{ to: "853", join: "refer" }, 422, "/join"],
		[{ to: "853", from: "sip:853@other.example" }, 403, "/from"],
		[{}, 422, "/to"],
		[{ to: "sip:853@other.example" }, 403, "/to"],
	];
	for (const [body, status, pointer] of cases) {
		const reply = await gw.api("POST", "/calls", { body });
		equal([reply.status, reply.json.errors?.[0]?.pointer], [status, pointer], JSON.stringify(body));
		ok(reply.json.errors[0].detail.length > 5, "a detail for people");
	}
	equal((await gw.api("GET", "/calls")).json.data, [], "the calls");
});

test("forms, and JSON that curl labels as a form", async (t) => {
	const gw = await up(t);
	const type = "application/x-www-form-urlencoded";
	equal((await gw.api("POST", "/calls", { type, body: "to=sim:busy&ring_timeout=7" })).status, 201);
	equal((await gw.api("POST", "/calls", { type, body: '{"to":"sim:busy"}' })).status, 201);
	const twilio = await gw.api("POST", "/calls", { type, body: "to=853&From=%2B4930" });
	equal([twilio.status, twilio.json.errors[0].pointer], [422, "/From"]);
	match(twilio.json.errors[0].detail, /never rung/);
	equal((await gw.api("POST", "/calls", { type, body: "to=853&ring_timeout=7x" })).status, 422);
	const more = await gw.api("POST", "/calls", { type, body: "to=sim:busy&caller_id.name=ACME&headers.X-CRM-Id=797&announce.play=" });
	equal(more.status, 201, "members of objects");
	await ended(gw, more.json.id);
	const invite = await eventually("the ladder", async () =>
		(await gw.api("GET", `/calls/${more.json.id}/sip`)).json.messages[0]?.text);
	match(invite, /^From: "ACME" </m);
	match(invite, /^X-CRM-Id: 797\r$/m);
	const evil = await gw.api("POST", "/calls", { type, body: "to=853&caller_id.name=A%0d%0aB" });
	equal([evil.status, evil.json.errors[0].pointer], [400, "/caller_id.name"]);
});

test("a browser without scripts: the form leads to the call's own page", async (t) => {
	const gw = await up(t);
	const html = { Accept: "text/html,application/xhtml+xml,*/*;q=0.8" };
	const reply = await gw.exchange("POST", "/calls", { type: "application/x-www-form-urlencoded", body: "to=sim%3Ano-answer", headers: html });
	equal(reply.status, 303);
	match(reply.headers.location, /^\/calls\/call_/);
	const page = await gw.exchange("GET", reply.headers.location, { headers: html });
	equal(page.status, 200);
	match(page.headers["content-type"], /^text\/html/);
	match(page.text, /<dt>To<\/dt><dd>sim:no-answer<\/dd>/);
	const hung = await gw.exchange("POST", `${reply.headers.location}/hangup`, { type: "application/x-www-form-urlencoded", body: "", headers: html });
	equal([hung.status, hung.headers.location], [303, reply.headers.location]);
	const over = await gw.exchange("GET", `${reply.headers.location}?wait=ended`, { headers: html });
	match(over.text, /canceled_by_api/);
	ok(!over.text.includes("<button>Hang up"), "an ended call can't be hung up");
});

test("a dry run says what would happen and does nothing", async (t) => {
	const gw = await up(t);
	const yes = (await gw.api("POST", "/calls?dry_run=1", { body: { to: "853" } })).json;
	equal([yes.allowed, yes.rule, yes.line], [true, "sandbox", "sandbox"]);
	match(yes.uri, /^sip:853@127\.0\.0\.1/);
	const no = (await gw.api("POST", "/calls?dry_run=1", { body: { to: "sip:853@other.example" } })).json;
	equal([no.allowed, no.rule], [false, "sandbox_only"]);
	for (const dry of ["true", "", "2"]) {
		const reply = await gw.api("POST", `/calls?dry_run=${dry}`, { body: { to: "853" } });
		equal([reply.status, reply.json.code], [400, "invalid_query"], `dry_run=${dry}`);
	}
	equal((await gw.api("GET", "/calls")).json.data, []);
});

test("an empty policy: extensions and the line's own domain, no more", async (t) => {
	const gw = await t.gateway({ lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: 9, register: false }] });
	const rule = async (to) => {
		const { json } = await gw.api("POST", "/calls?dry_run=1", { body: { to } });
		return `${json.allowed} ${json.rule}`;
	};
	equal(await rule("853"), "true extension");
	equal(await rule("123456"), "true extension");
	equal(await rule("1234567"), "false default_deny");
	equal(await rule("+4930123456"), "false default_deny");
	equal(await rule("sip:anna@127.0.0.1"), "true own_domain");
	equal(await rule("sip:anna@192.0.2.1"), "false default_deny");
	equal(await rule("sim:busy"), "false sandbox_only");
	const refused = await gw.api("POST", "/calls", { body: { to: "+4930123456" } });
	equal([refused.status, refused.json.code], [403, "policy_denied"]);
	match(refused.json.detail, /default_deny/);
});

test("the ladder: every message, no credentials, and a sentence", async (t) => {
	const gw = await up(t);
	const call = await ended(gw, (await place(gw, { to: "sim:auth-loop" })).id);
	const { json } = await gw.api("GET", `/calls/${call.id}/sip`);
	const lines = json.messages.map((message) => `${message.direction} ${message.first_line.split(" ").slice(0, 2).join(" ")}`);
	equal(lines.filter((line) => line.startsWith("out INVITE")).length, 3, "INVITEs: one bare, two with credentials");
	match(json.messages.find((message) => /Proxy-Authorization/.test(message.text)).text, /Proxy-Authorization: \*\*\*/);
	ok(!/response=|username=/.test(JSON.stringify(json)), "credentials in the ladder");
	match(json.diagnosis, /password|credentials/i);
	const answered = (await place(gw, { to: "sim:answer" })).id;
	await gw.api("GET", `/calls/${answered}?wait=answered`);
	const living = (await gw.api("GET", `/calls/${answered}/sip`)).json;
	equal(living.messages.at(-1).first_line.split(" ")[0], "ACK", "the newest message of a living call");
	equal((await gw.api("GET", "/calls/call_01ARZ3NDEKTSV4RRFFQ69G5FAV/sip")).status, 404);
});

test("the ladder goes on behind the end: the 487, and the 200 that crossed the CANCEL", async (t) => {
	const gw = await up(t);
	const firstLines = async (id) => (await gw.api("GET", `/calls/${id}/sip`)).json.messages.map((message) => message.first_line);
	const cancelled = await ended(gw, (await place(gw, { to: "sim:no-answer", ring_timeout: 1 })).id);
	const crossed = await ended(gw, (await place(gw, { to: "sim:late-answer", ring_timeout: 1 })).id);
	const whole = (lines, last) => lines.some((line) => last.test(line));
	await eventually("the 487 and its ACK", async () => {
		const lines = await firstLines(cancelled.id);
		return whole(lines, /^CANCEL /) && whole(lines, / 487 /) && /^ACK /.test(lines.at(-1));
	});
	await eventually("the 200, its ACK and the BYE", async () => {
		const lines = await firstLines(crossed.id);
		return whole(lines, /^CANCEL /) && whole(lines, /^ACK /) && whole(lines, /^BYE /) && / 200 /.test(lines.at(-1));
	});
	await gw.kill();
	await gw.restart();
	ok(whole(await firstLines(cancelled.id), / 487 /), "the 487 in the store");
	ok(whole(await firstLines(crossed.id), /^BYE /), "the BYE in the store");
});

test("a hang-up takes no members; defaults that are spelled out pass", async (t) => {
	const gw = await up(t);
	const call = await place(gw, { to: "sim:no-answer", first: "from", join: "auto", show_to_from: "to", dedupe_seconds: 0, record: false, from: null });
	equal((await gw.api("POST", `/calls/${call.id}/hangup`, { body: { x: 1 } })).status, 422);
	ok(!(await gw.api("GET", `/calls/${call.id}`)).json.ended_at, "it goes on");
	equal((await gw.api("POST", `/calls/${call.id}/hangup`, { body: {} })).status, 200);
});

test("an announcement plays to the callee, from its first sample to its last", async (t) => {
	const sounds = mkdtempSync(join(tmpdir(), "bellpull-sounds-"));
	t.later(() => rmSync(sounds, { recursive: true, force: true }));
	mkdirSync(sounds, { recursive: true });
	const pcm = Buffer.alloc(8000); /* half a second of 440 Hz */
	for (let i = 0; i < 4000; i++)
		pcm.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 8000)), 2 * i);
	const head = Buffer.alloc(44);
	head.write("RIFF", 0);
	head.writeUInt32LE(36 + pcm.length, 4);
	head.write("WAVEfmt ", 8);
	head.writeUInt32LE(16, 16);
	head.writeUInt16LE(1, 20);
	head.writeUInt16LE(1, 22);
	head.writeUInt32LE(8000, 24);
	head.writeUInt32LE(16000, 28);
	head.writeUInt16LE(2, 32);
	head.writeUInt16LE(16, 34);
	head.write("data", 36);
	head.writeUInt32LE(pcm.length, 40);
	writeFileSync(join(sounds, "hello.wav"), Buffer.concat([head, pcm]));
	writeFileSync(join(sounds, "broken.wav"), "RIFF");

	const gw = await up(t, { media: { sounds } });
	const stream = await gw.events("/events");
	const call = await place(gw, { to: "sim:answer", announce: { leg: "to", play: "hello.wav" } });
	await stream.untilType("call.playback.started", call.id);
	await stream.untilType("call.playback.ended", call.id);
	equal((await gw.api("POST", "/calls", { body: { to: "sim:answer", announce: { play: "broken" } } })).status, 422);
	ok(gw.records().some((record) => record.event === "sound.unusable"), "a sound that can't be played is told");
	await gw.api("DELETE", `/calls/${call.id}`);
});

test("full is refused before any work, with Retry-After", async (t) => {
	const gw = await up(t, { limits: { calls: 2 } });
	await place(gw, { to: "sim:no-answer" });
	const second = await place(gw, { to: "sim:no-answer" });
	const third = await gw.api("POST", "/calls", { body: { to: "853" } });
	equal([third.status, third.json.code], [503, "capacity"]);
	ok(Number(third.headers["retry-after"]) >= 1, "Retry-After");
	equal((await gw.api("GET", "/capacity")).json.calls, 2);
	await gw.api("DELETE", `/calls/${second.id}`);
	await ended(gw, second.id);
	equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" } })).status, 201, "room again");
});

test("A13: a line that can't register says why; calls are refused while all are down", async (t) => {
	const gw = await t.gateway({ lines: [{ name: "office", user: "858", password: "858", domain: "127.0.0.1", port: 9 }], allow_inline: true });
	const line = await eventually("the line has failed", async () => {
		const { json } = await gw.api("GET", "/lines/office");
		return json.state === "failed" && json;
	}, 40_000);
	ok(line.last_reason, "a reason");
	ok(line.next_try_at, "and when it tries again");
	const reply = await gw.api("POST", "/calls", { body: { to: "853" } });
	equal([reply.status, reply.json.code], [503, "lines_down"]);
	ok(Number(reply.headers["retry-after"]) >= 1, "Retry-After");
	equal((await gw.api("GET", "/readyz")).status, 503);
	equal((await gw.api("GET", "/livez")).status, 200);
});

test("a check of a line ends in a sentence", async (t) => {
	const gw = await up(t);
	const good = (await gw.api("POST", "/lines/sandbox/check")).json;
	equal([good.ok, good.register.code], [true, 200]);
	ok(good.verdict.length > 20, "a sentence");
	equal((await gw.api("POST", "/lines/none/check")).status, 404);
	equal((await gw.api("GET", "/lines/none")).status, 404);
	equal((await gw.api("GET", "/lines")).json.data.map((line) => line.name), ["sandbox"]);
});
