/* Streams, by rules that readers live by: B2 (bytes), B4 (no gap between what is
 * replayed and what is live), B14 (a reader that has said all it has to say), B15
 * (nothing is told that is not on disk), B16 (order of a call). */
import { spawn } from "node:child_process";
import net from "node:net";
import { join } from "node:path";

import { createParser } from "eventsource-parser";

import { equal, eventually, ok, test } from "./harness.mjs";

const sandbox = { sandbox: true, limits: { requests_per_s: 100000, calls_per_s: 10000 } };
const place = async (gw, to = "sim:busy", more = {}) => (await gw.api("POST", "/calls", { body: { to, ...more } })).json.id;

test("B2: a strict reader takes every byte: LF alone, one line of data, ids that rise", async (t) => {
	const gw = await t.gateway(sandbox);
	const text = "\r\n\u2028\u2029 \u0085ä€😀 \\ \" data: x\n\nevent: y";
	const socket = net.connect(gw.port, "127.0.0.1");
	t.later(() => socket.destroy());
	const bytes = [];
	socket.on("data", (part) => bytes.push(part));
	socket.write("GET /events?last_event_id=0 HTTP/1.0\r\nHost: localhost\r\n\r\n");
	const id = await place(gw, "sim:busy", { client_state: text, metadata: { text } });
	await eventually("the end", () => Buffer.concat(bytes).includes(`"type":"call.ended"`));
	const whole = Buffer.concat(bytes);
	const body = whole.subarray(whole.indexOf("\r\n\r\n") + 4);
	equal(new TextDecoder("utf-8", { fatal: true }).decode(body.subarray(0, body.lastIndexOf("\n\n") + 2)).includes("\r"), false, "a CR");
	ok(!body.subarray(0, 3).equals(Buffer.from([0xef, 0xbb, 0xbf])), "a BOM");
	const events = [], wrong = [];
	const parser = createParser({ onEvent: (event) => events.push(event), onError: (error) => wrong.push(error) });
	/* byte by byte, as a slow network would */
	for (const byte of body.toString("latin1"))
		parser.feed(byte);
	equal(wrong.map(String), [], "what the parser doesn't know");
	const read = events.map((event) => ({ ...event, json: JSON.parse(Buffer.from(event.data, "latin1").toString("utf8")) }));
	ok(read.every((event) => /^[1-9][0-9]*$/.test(event.id) && event.event === event.json.type && Number(event.id) === event.json.id), "id and event");
	ok(read.every((event, i) => !i || Number(event.id) > Number(read[i - 1].id)), "ids rise");
	equal(read.filter((event) => event.json.call_id === id).at(-1).json.call.client_state, text, "text comes back as it was");
});

test("B4: behind any id, at any moment of a busy journal: once, in order, without a gap", async (t) => {
	const gw = await t.gateway(sandbox);
	let over = false;
	const busy = Promise.all(Array.from({ length: 8 }, async () => {
		while (!over)
			await place(gw);
	}));
	const live = await gw.events("/events?last_event_id=0");
	await live.until("a past", (events) => events.length > 200, 20_000);
	const readers = [];
	for (let n = 0; n < 25; n++) {
		const from = live.seen[Math.floor(Math.random() * live.seen.length)].id;
		readers.push([from, await gw.events("/events", { headers: { "Last-Event-ID": String(from) } })]);
		await live.until("some more", (events) => events.length > 200 + 20 * n, 20_000);
	}
	over = true;
	await busy;
	await eventually("all calls are over", async () => (await gw.api("GET", "/capacity")).json.calls === 0);
	const last = (await gw.api("GET", "/calls?limit=1")).json.data[0].last_event_id;
	await live.until("the last one", (events) => events.some((event) => event.id >= last));
	for (const [from, reader] of readers) {
		await reader.until("the last one", (events) => events.some((event) => event.id >= last));
		equal(reader.resets, []);
		equal(reader.seen.map((event) => event.id).filter((id) => id <= last),
			live.seen.map((event) => event.id).filter((id) => id > from && id <= last), `behind ${from}`);
	}
});

test("B14: who has closed its half reads on", async (t) => {
	const gw = await t.gateway(sandbox);
	const socket = net.connect({ port: gw.port, host: "127.0.0.1", allowHalfOpen: true });
	t.later(() => socket.destroy());
	let text = "", closed = false;
	socket.setEncoding("utf8");
	socket.on("data", (part) => (text += part));
	socket.on("end", () => (closed = true));
	socket.end("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
	await eventually("the first bytes", () => text.includes("retry:"));
	for (let n = 0; n < 3; n++) {
		const id = await place(gw);
		await eventually("the call's end", () => new RegExp(`"type":"call.ended"[^\n]*${id}`).test(text));
	}
	ok(!closed, "still open");
});

/* Whether ids are on disk by now, as another process sees it. */
const disk = (t, file) => {
	const process = spawn("python3", ["-uc", "import sqlite3,sys\nd=sqlite3.connect('file:'+sys.argv[1]+'?mode=ro',uri=True)\nfor l in sys.stdin:\n"
		+ " print(l.strip(), d.execute('SELECT count(*) FROM events WHERE id=?',(int(l),)).fetchone()[0])", file], { stdio: ["pipe", "pipe", "inherit"] });
	t.later(() => process.kill());
	const answers = new Map();
	let rest = "";
	process.stdout.setEncoding("utf8");
	process.stdout.on("data", (part) => {
		const lines = (rest + part).split("\n");
		rest = lines.pop();
		for (const line of lines) {
			const [id, count] = line.split(" ").map(Number);
			answers.set(id, count);
		}
	});
	return { ask: (id) => process.stdin.write(`${id}\n`), answers };
};

test("B15: what a reader sees is on disk by then, and so is a call when its 201 comes", async (t) => {
	const gw = await t.gateway(sandbox);
	const { ask, answers } = disk(t, join(gw.dir, "bellpull.db"));
	const stream = await gw.events("/events?last_event_id=0");
	const take = stream.frame.bind(stream);
	stream.frame = (frame) => {
		const id = /^id: (\d+)$/m.exec(frame)?.[1];
		if (id)
			ask(id);
		take(frame);
	};
	const ids = await Promise.all(Array.from({ length: 40 }, () => place(gw, "sim:answer", { time_limit: 1 })));
	for (const id of ids)
		await stream.untilType("call.ended", id);
	await eventually("all answers", () => stream.seen.slice(-5).every((event) => answers.has(event.id)));
	ok(answers.size > 300, `${answers.size} events`);
	equal([...answers].filter(([, count]) => count !== 1), [], "events that were seen before they were written");
});

test("B16: of each call the order of its states, seq without holes, and its newest snapshot last", async (t) => {
	const order = ["queued", "waiting_for_line", "dialing_first", "first_ringing", "first_answered", "dialing_second", "second_ringing", "bridged", "ending", "ended"];
	const gw = await t.gateway(sandbox);
	const stream = await gw.events("/events");
	const ids = [];
	for (const to of ["sim:busy", "sim:answer", "sim:decline", "853", "sim:not-found"])
		for (const from of [undefined, "sim:answer", "sim:busy"])
			ids.push(await place(gw, to, { from, time_limit: 1 }));
	for (const id of ids)
		await stream.untilType("call.ended", id);
	for (const id of ids) {
		const mine = stream.seen.filter((event) => event.call_id === id);
		equal(mine.map((event) => event.seq), mine.map((_, i) => i + 1), "seq");
		const states = mine.map((event) => order.indexOf(event.call.state));
		ok(!states.includes(-1), "a state that is not in the row");
		equal(states, [...states].sort((a, b) => a - b), `states of ${id}`);
		ok(mine.every((event, i) => !i || event.call.revision > mine[i - 1].call.revision), "revisions rise");
		ok(mine.every((event) => event.call.last_event_id === event.id), "last_event_id is the event's own");
	}
});
