/* Two people, one POST, in the sandbox: the journal, the commands, the
 * recording, and what is left when the process is killed. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const place = async (gw, body, options = {}) => {
	const reply = await gw.api("POST", "/calls", { body, ...options });
	equal(reply.status, 201, `the status of ${JSON.stringify(body)}`);
	return reply.json;
};
const up = async (t, config = {}) => {
	const gw = await t.gateway({ sandbox: true, ...config });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
	return gw;
};
const ended = async (gw, id) => (await gw.api("GET", `/calls/${id}?wait=ended&timeout=60`, { patience_ms: 70_000 })).json;
const types = (stream, id) => stream.seen.filter((event) => event.call_id === id)
	.map((event) => (event.leg ? `${event.type}(${event.leg})` : event.type)).join(" ");
const bridged = async (gw, stream, body) => {
	const call = await place(gw, { from: "sim:answer", to: "sim:answer", ...body });
	await stream.untilType("call.bridged", call.id);
	return call;
};

const JOURNAL = "call.queued call.initiated leg.initiated(from) leg.ringing(from) call.ringing leg.answered(from) " +
	"leg.initiated(to) leg.ringing(to) leg.answered(to) call.answered call.bridged";

test("two people: the journal is exactly the promised one", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:answer", to: "sim:hangup", client_state: "mine" });
	equal([call.from, call.to, call.line, call.from_line], ["sim:answer", "sim:hangup", "sandbox", "sandbox"]);
	await stream.untilType("call.ended", call.id);
	match(types(stream, call.id), new RegExp(`^${JOURNAL.replaceAll("(", "\\(").replaceAll(")", "\\)")} ` +
		"(leg.ended\\(to\\) leg.ended\\(from\\)|leg.ended\\(from\\) leg.ended\\(to\\)) call.ended$"));
	const mine = stream.seen.filter((event) => event.call_id === call.id);
	equal(mine.map((event) => event.seq), mine.map((_, i) => i + 1), "seq");
	const after = (await gw.api("GET", `/calls/${call.id}`)).json;
	equal([after.status, after.cause, after.ended_by, after.join, after.handed_over, after.recording],
		["completed", "normal_clearing", "to", "relay", false, null]);
	equal(after.legs.map((leg) => [leg.role, leg.state, leg.status, leg.line]),
		[["from", "ended", "completed", "sandbox"], ["to", "ended", "completed", "sandbox"]]);
	equal((await gw.api("GET", "/calls?from=sim:answer")).json.data.map((one) => one.id), [call.id], "listed by from");
	equal((await gw.api("GET", "/calls?from=853")).json.data, [], "and by no other");
});

test("two people: to is rung first where that is asked for", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:answer", to: "sim:answer", first: "to" });
	await stream.untilType("call.bridged", call.id);
	equal(types(stream, call.id), JOURNAL.replaceAll("(from)", "(x)").replaceAll("(to)", "(from)").replaceAll("(x)", "(to)"));
	await gw.api("DELETE", `/calls/${call.id}`);
	const over = await ended(gw, call.id);
	equal([over.status, over.ended_by], ["completed", "api"]);
});

const outcomes = [
	[{ from: "sim:busy", to: "sim:answer" }, "busy", "busy", "from"],
	[{ from: "sim:answer", to: "sim:busy" }, "busy", "busy", "to"],
	[{ from: "sim:answer", to: "sim:not-found" }, "failed", "not_found", "to"],
	[{ from: "sim:answer", to: "sim:no-answer", ring_timeout: 2 }, "no-answer", "ring_timeout", "to"],
	[{ from: "sim:hangup", to: "sim:no-answer" }, "canceled", "canceled_by_first_leg", null],
	[{ from: "sim:answer", to: "sim:decline" }, "busy", "rejected", "to"],
	[{ from: "sim:answer", to: "sim:redirect" }, "failed", "redirected", "to"],
];

test("two people: who failed, and why", async (t) => {
	const gw = await up(t);
	const calls = await Promise.all(outcomes.map(([body]) => place(gw, body)));
	const results = await Promise.all(calls.map((call) => ended(gw, call.id)));
	results.forEach((call, i) => {
		const [body, status, cause, failed] = outcomes[i];
		equal([call.status, call.cause], [status, cause], JSON.stringify(body));
		if (failed)
			equal(call.failed_leg, failed, `the leg that failed of ${JSON.stringify(body)}`);
	});
});

test("two people: a redirection is followed where the settings say so", async (t) => {
	const gw = await up(t, { policy: { follow_redirects: true } });
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:answer", to: "sim:redirect" });
	await stream.untilType("call.bridged", call.id);
	await gw.api("DELETE", `/calls/${call.id}`);
});

test("two people: a key that is asked for is pressed, or the call goes nowhere", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const pressed = await place(gw, { from: "sim:press-1", to: "sim:answer", confirm: { leg: "from", digit: "1" } });
	await stream.untilType("call.confirm.passed", pressed.id);
	await stream.untilType("call.bridged", pressed.id);
	const seen = types(stream, pressed.id);
	ok(seen.indexOf("call.confirm.passed") < seen.indexOf("leg.initiated(to)"), `to was rung before: ${seen}`);
	await gw.api("DELETE", `/calls/${pressed.id}`);

	const body = "from=sim:answer&to=sim:answer&confirm.digit=1&confirm.timeout=1";
	const silent = (await gw.api("POST", "/calls", { type: "application/x-www-form-urlencoded", body })).json;
	const over = await ended(gw, silent.id);
	equal([over.status, over.cause], ["no-answer", "confirm_failed"]);
	await stream.untilType("call.ended", silent.id);
	match(types(stream, silent.id), /call\.confirm\.failed/);
	ok(!types(stream, silent.id).includes("(to)"), "to was rung");
});

test("two people: the policy looks at both, and a dry run shows both", async (t) => {
	const gw = await up(t);
	const dry = (await gw.api("POST", "/calls?dry_run=1", { body: { from: "sim:busy", to: "853" } })).json;
	equal([dry.allowed, dry.from.allowed, dry.from.line], [true, true, "sandbox"]);
	match(dry.from.uri, /^sip:busy@127\.0\.0\.1/);
	match(dry.uri, /^sip:853@127\.0\.0\.1/);
	const no = (await gw.api("POST", "/calls?dry_run=1", { body: { from: "sip:x@other.example", to: "853" } })).json;
	equal([no.allowed, no.rule, no.from.allowed], [false, "sandbox_only", false]);
	equal((await gw.api("POST", "/calls?dry_run=1", { body: { to: "853" } })).json.from, null);
});

test("two people: more legs than ports are refused before any work", async (t) => {
	const gw = await up(t, { media: { ports: "30000-30005" } });
	await place(gw, { from: "sim:no-answer", to: "sim:answer" });
	const second = await gw.api("POST", "/calls", { body: { from: "sim:no-answer", to: "sim:answer" } });
	equal([second.status, second.json.code], [503, "capacity"]);
	ok(Number(second.headers["retry-after"]) >= 1, "Retry-After");
});

const commands = [
	["dtmf", { digits: "1" }],
	["hold", undefined],
	["unhold", undefined],
	["mute", {}],
	["unmute", { leg: "to" }],
	["transfer", { to: "sim:answer" }],
	["record", { on: true }],
];

test("commands: refused in the wrong state, which is named, and where there is no call", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:no-answer", to: "sim:answer" });
	await stream.untilType("call.ringing", call.id);
	for (const [name, body] of commands) {
		const reply = await gw.api("POST", `/calls/${call.id}/${name}`, { body });
		equal([reply.status, reply.json.code], [409, "wrong_state"], name);
		match(reply.json.detail, /"first_ringing"/, name);
		equal((await gw.api("POST", `/calls/call_01ARZ3NDEKTSV4RRFFQ69G5FAV/${name}`, { body })).status, 404, name);
	}
	await gw.api("DELETE", `/calls/${call.id}`);
	await ended(gw, call.id);
	await eventually("the call is forgotten", async () => {
		const reply = await gw.api("POST", `/calls/${call.id}/hold`);
		equal([reply.status, reply.json.code], [409, "wrong_state"]);
		return /"ended"/.test(reply.json.detail);
	});
});

test("commands: what is wrong with a body has its pointer", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await bridged(gw, stream);
	const cases = [
		["dtmf", {}, 422, "/digits"],
		["dtmf", { digits: "12x" }, 422, "/digits"],
		["hold", { leg: "both" }, 422, "/leg"],
		["mute", { on: true }, 422, "/on"],
		["transfer", { mode: "blind" }, 422, "/to"],
		["transfer", { to: "sip:a@b<c>" }, 422, "/to"],
		["transfer", { to: "sip:x@other.example" }, 403, "/to"],
		["play", { play: "../../etc/passwd" }, 422, "/play"],
		["record", {}, 422, "/on"],
	];
	for (const [name, body, status, pointer] of cases) {
		const reply = await gw.api("POST", `/calls/${call.id}/${name}`, { body });
		equal([reply.status, reply.json.errors?.[0]?.pointer], [status, pointer], `${name} ${JSON.stringify(body)}`);
	}
	await gw.api("DELETE", `/calls/${call.id}`);
});

test("commands: hold, mute, keys", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await bridged(gw, stream);
	const say = async (name, body) => {
		const reply = await gw.api("POST", `/calls/${call.id}/${name}`, { body });
		equal([reply.status, reply.json.id], [200, call.id], `${name}: ${reply.text.slice(0, 300)}`);
		return reply.json;
	};
	equal((await say("mute", { leg: "to" })).legs.map((leg) => leg.muted), [false, true]);
	equal((await say("unmute", { leg: "to" })).legs.map((leg) => leg.muted), [false, false]);
	await say("dtmf", { digits: "12#" });
	await say("hold", { leg: "to" });
	const held = await stream.untilType("call.hold", call.id);
	equal([held.call.state, held.call.legs.map((leg) => leg.held)], ["held", [false, true]]);
	await say("unhold", { leg: "to" });
	const back = await stream.untilType("call.unhold", call.id);
	equal([back.call.state, back.call.legs.map((leg) => leg.held)], ["bridged", [false, false]]);
	await gw.api("DELETE", `/calls/${call.id}`);
	await ended(gw, call.id);
});

test("commands: a blind transfer replaces one of the two", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await bridged(gw, stream);
	const reply = await gw.api("POST", `/calls/${call.id}/transfer`, { body: { to: "sim:hangup", leg: "to" } });
	equal(reply.status, 200, reply.text.slice(0, 300));
	await stream.untilType("call.transfer.started", call.id);
	await stream.untilType("call.transfer.completed", call.id);
	const over = await ended(gw, call.id);
	equal([over.status, over.legs.length], ["completed", 3]);
});

test("commands: a sound is played to both", async (t) => {
	const sounds = mkdtempSync(join(tmpdir(), "bellpull-sounds-"));
	t.later(() => rmSync(sounds, { recursive: true, force: true }));
	mkdirSync(sounds, { recursive: true });
	const head = Buffer.from("RIFF....WAVEfmt ................data....", "latin1");
	const pcm = Buffer.alloc(4000, 1); /* a quarter of a second */
	head.writeUInt32LE(36 + pcm.length, 4);
	const fmt = Buffer.alloc(20);
	fmt.writeUInt32LE(16, 0);
	fmt.writeUInt16LE(1, 4);
	fmt.writeUInt16LE(1, 6);
	fmt.writeUInt32LE(8000, 8);
	fmt.writeUInt32LE(16000, 12);
	fmt.writeUInt16LE(2, 16);
	fmt.writeUInt16LE(16, 18);
	const data = Buffer.alloc(8);
	data.write("data", 0);
	data.writeUInt32LE(pcm.length, 4);
	writeFileSync(join(sounds, "gong.wav"), Buffer.concat([head.subarray(0, 16), fmt, data, pcm]));

	const gw = await up(t, { media: { sounds } });
	const stream = await gw.events("/events");
	const call = await bridged(gw, stream);
	const reply = await gw.api("POST", `/calls/${call.id}/play`, { type: "application/x-www-form-urlencoded", body: "play=gong" });
	equal(reply.status, 200, reply.text.slice(0, 300));
	await stream.untilType("call.playback.started", call.id);
	await stream.untilType("call.playback.ended", call.id);
	await gw.api("DELETE", `/calls/${call.id}`);
});

/* RIFF: its head, and the energy of both channels. */
const listen = (wav) => {
	equal([wav.toString("latin1", 0, 4), wav.toString("latin1", 8, 16)], ["RIFF", "WAVEfmt "]);
	equal([wav.readUInt16LE(20), wav.readUInt16LE(22), wav.readUInt16LE(34)], [1, 2, 16], "PCM, stereo, 16 bit");
	equal(wav.readUInt32LE(40), wav.length - 44, "the length in the head");
	equal(wav.readUInt32LE(4), wav.length - 8, "the length of it all");
	const loud = [0, 0];
	for (let at = 44; at + 4 <= wav.length; at += 4) {
		loud[0] = Math.max(loud[0], Math.abs(wav.readInt16LE(at)));
		loud[1] = Math.max(loud[1], Math.abs(wav.readInt16LE(at + 2)));
	}
	return { rate: wav.readUInt32LE(24), pairs: (wav.length - 44) / 4, loud };
};
const download = (gw, path) => new Promise((done, fail) => {
	const request = gw.request("GET", path, {});
	request.on("response", (response) => {
		const parts = [];
		response.on("data", (part) => parts.push(part));
		response.on("error", fail);
		response.on("end", () => done({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
	});
	request.on("error", fail);
	request.end();
});

test("recording: both are in it, and it can be had when it is on disk", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:answer", to: "sim:hangup", record: true });
	await stream.untilType("call.bridged", call.id);
	const path = `/calls/${call.id}/recording`;
	equal((await gw.api("GET", path)).status, 404, "before it is saved");
	equal((await gw.api("GET", `/calls/${call.id}`)).json.recording.state, "recording");
	const saved = await stream.untilType("call.recording.saved", call.id);
	equal([saved.data.url, saved.call.recording.state, saved.call.recording.size], [path, "saved", saved.data.size]);
	const after = await eventually("the end is told, too", async () => {
		const { json } = await gw.api("GET", `/calls/${call.id}`);
		return json.ended_at && json;
	});
	equal(after.recording, { state: "saved", duration: saved.data.duration, size: saved.data.size, url: path });
	const reply = await download(gw, path);
	equal([reply.status, reply.headers["content-type"], Number(reply.headers["content-length"])], [200, "audio/wav", saved.data.size]);
	match(reply.headers["content-disposition"], /^attachment; filename="call_/);
	const heard = listen(reply.body);
	ok(heard.pairs / heard.rate > 1, `${heard.pairs / heard.rate} seconds were recorded`);
	ok(heard.loud[0] > 1000 && heard.loud[1] > 1000, `the loudest samples are ${heard.loud}`);
	equal((await gw.api("GET", path)).status, 200, "as openapi.json has it");
	equal((await gw.api("HEAD", path)).headers["content-length"], String(saved.data.size), "HEAD");
	const mode = (file) => (statSync(file).mode & 0o777).toString(8);
	equal([mode(join(gw.dir, "recordings")), readdirSync(join(gw.dir, "recordings"))], ["700", [`${call.id}.wav`]]);
	equal(mode(join(gw.dir, "recordings", `${call.id}.wav`)), "600");
	const mine = stream.seen.filter((event) => event.call_id === call.id);
	equal(mine.map((event) => event.seq), mine.map((_, i) => i + 1), "seq goes on behind call.ended");
	await gw.kill();
	await gw.restart();
	equal((await gw.api("GET", path)).status, 200, "after a restart");
	equal((await gw.api("GET", "/calls/call_01ARZ3NDEKTSV4RRFFQ69G5FAV/recording")).status, 404);
});

test("recording: switched on and off in the call, twice, is one file", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await bridged(gw, stream);
	const record = async (on) => equal((await gw.api("POST", `/calls/${call.id}/record`, { body: { on } })).status, 200, `record ${on}`);
	const saved = (count) => stream.until(`recording ${count} is saved`, (events) => {
		const all = events.filter((event) => event.type === "call.recording.saved" && event.call_id === call.id);
		return all.length === count && all.at(-1);
	});
	await record(true);
	await stream.until("some sound", async () => true);
	await new Promise((done) => setTimeout(done, 300)); /* of speech */
	await record(false);
	const first = await saved(1);
	await record(true);
	await new Promise((done) => setTimeout(done, 300));
	await record(false);
	const second = await saved(2);
	ok(second.data.size > first.data.size, "the second is behind the first");
	const { body } = await download(gw, second.data.url);
	equal([body.length, listen(body).pairs * 4 + 44], [second.data.size, second.data.size]);
	await gw.api("DELETE", `/calls/${call.id}`);
	await ended(gw, call.id);
});

test("recording: no place for it is no reason to end a call", async (t) => {
	const gw = await up(t, { media: { recordings: "/dev/null/nowhere" } });
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:answer", to: "sim:hangup", record: true });
	const over = await ended(gw, call.id);
	equal([over.status, over.cause], ["completed", "normal_clearing"]);
	await eventually("the log tells", () => gw.records().some((record) => record.event === "recording.lost"));
	equal((await gw.api("GET", `/calls/${call.id}`)).json.recording, null);
	await stream.untilType("call.ended", call.id);
	ok(!stream.seen.some((event) => event.type === "call.recording.saved"), "nothing was saved");
	equal((await gw.api("GET", `/calls/${call.id}/recording`)).status, 404);
});

test("recording: another project's key gets none", async (t) => {
	const keys = [{ name: "a", secret: "env:KEY_A", project: "one" }, { name: "b", secret: "env:KEY_B", project: "two" },
		{ name: "c", secret: "env:KEY_C", project: "one", scopes: ["calls:create"] }];
	const env = { KEY_A: "a".repeat(24), KEY_B: "b".repeat(24), KEY_C: "c".repeat(24) };
	const gw = await t.gateway({ sandbox: true, keys }, { env });
	const as = (key) => ({ headers: { Authorization: `Bearer ${key.repeat(24)}` } });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", as("a"))).json?.state === "registered");
	const stream = await gw.events("/events", as("a"));
	const call = await place(gw, { from: "sim:answer", to: "sim:hangup", record: true }, as("a"));
	await stream.untilType("call.recording.saved", call.id);
	equal((await gw.api("GET", `/calls/${call.id}/recording`, as("a"))).status, 200);
	equal((await gw.api("GET", `/calls/${call.id}/recording`, as("b"))).status, 404);
	equal((await gw.api("GET", `/calls/${call.id}/recording`, as("c"))).status, 403);
	equal((await gw.api("POST", `/calls/${call.id}/hold`, as("b"))).status, 404);
	equal((await gw.api("POST", `/calls/${call.id}/hold`, as("c"))).status, 403);
});

for (const how of ["direct", "refer"]) {
	test(`two people: join ${how}`, async (t) => {
		const gw = await up(t);
		const stream = await gw.events("/events");
		const call = await place(gw, { from: "sim:answer", to: "sim:answer", join: how });
		if (how === "direct") {
			await stream.until("phone to phone", (events) => events.some((event) => event.call_id === call.id && event.call.state === "bridged"));
			await eventually("both were re-INVITEd", async () => (await gw.api("GET", `/calls/${call.id}`)).json.join === "direct");
			await gw.api("DELETE", `/calls/${call.id}`);
			equal((await ended(gw, call.id)).status, "completed");
		} else {
			const over = await ended(gw, call.id);
			equal([over.status, over.handed_over, over.join], ["completed", true, "refer"]);
		}
	});
}

test("two people: a phone that takes no REFER is talked to by us", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:one-codec-gsm", to: "sim:hangup", join: "refer" });
	await stream.untilType("call.bridged", call.id);
	const over = await ended(gw, call.id);
	equal([over.status, over.handed_over, over.join, over.ended_by], ["completed", false, "relay", "to"]);
});

test("two people: two echoes hear each other, and make no storm", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "sim:answer", to: "sim:hangup" });
	await stream.untilType("call.ended", call.id);
	const over = (await gw.api("GET", `/calls/${call.id}`)).json;
	for (const leg of over.legs) {
		ok(leg.quality.received > 20, `${leg.role} said nothing: ${leg.quality.received} packets`);
		/* 50 a second are speech; without a limit it would be 10 000 */
		const seconds = (Date.parse(leg.ended_at) - Date.parse(leg.answered_at)) / 1000;
		ok(leg.quality.received < 200 * (seconds + 1), `${leg.quality.received} packets in ${seconds} s`);
	}
});

test("two people: killed in the middle of it, both are let go at the next start", async (t) => {
	const gw = await up(t);
	const stream = await gw.events("/events");
	const call = await bridged(gw, stream, { record: true });
	await eventually("some of it is on disk", () => {
		try {
			return statSync(join(gw.dir, "recordings", `${call.id}.wav`)).size > 44;
		} catch {
			return false;
		}
	});
	await gw.kill("SIGKILL");
	await gw.restart();
	const { json } = await gw.api("GET", `/calls/${call.id}/events`, { headers: { Accept: "application/json" } });
	equal(json.data.map((event) => event.type).slice(-4), ["call.recording.saved", "leg.ended", "leg.ended", "call.ended"]);
	equal(json.data.map((event) => event.seq), json.data.map((_, i) => i + 1), "seq");
	const after = (await gw.api("GET", `/calls/${call.id}`)).json;
	equal([after.status, after.cause, after.recording.state], ["completed", "server_restart", "saved"]);
	equal(after.legs.map((leg) => leg.state), ["ended", "ended"]);
	listen((await download(gw, after.recording.url)).body);
});
