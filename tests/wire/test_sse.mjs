/* The stream of events against the real binary. */
import net from "node:net";

import { EventSource } from "eventsource";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const JOURNAL = ["call.queued", "call.initiated", "leg.initiated", "leg.ringing", "call.ringing", "leg.answered",
	"call.answered", "call.bridged", "leg.ended", "call.ended"];

const sandbox = (more = {}) => ({ sandbox: true, ...more });

const place = async (gw, to) => {
	const reply = await gw.api("POST", "/calls", { body: { to } });
	equal(reply.status, 201);
	return reply.json;
};

/* A call that is over at once. */
const placeAndEnd = async (gw, to = "sim:busy") => {
	const call = await place(gw, to);
	const stream = await gw.events(`/calls/${call.id}/events`);
	equal(await stream.ended, "end");
	return { call, seen: stream.seen };
};

const ids = (events) => events.map((event) => event.id);
const types = (events) => events.map((event) => event.type);
const rising = (list) => list.every((id, i) => !i || id > list[i - 1]);

test("B1 B2: the first bytes leave at once, with the headers proxies need", async (t) => {
	const gw = await t.gateway();
	const { text } = await gw.raw("GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n",
		{ enough: (got) => got.includes(": bellpull") });
	match(text, /^HTTP\/1\.1 200 /);
	match(text, /\r\nContent-Type: text\/event-stream\r\n/);
	match(text, /\r\nCache-Control: no-store, no-transform\r\n/);
	match(text, /\r\nX-Accel-Buffering: no\r\n/);
	match(text, /\r\nTransfer-Encoding: chunked\r\n/);
	match(text, /\nretry: 3000\n: /);
	ok(!/content-encoding/i.test(text), "a stream must not be encoded");
});

test("B1: HTTP/1.0 gets a stream that ends with the connection", async (t) => {
	const gw = await t.gateway(sandbox());
	const { call } = await placeAndEnd(gw);
	const { text, closed } = await gw.raw(`GET /calls/${call.id}/events HTTP/1.0\r\nHost: localhost\r\n\r\n`);
	ok(closed, "the connection stays open");
	ok(!/chunked/i.test(text), "chunks for HTTP/1.0");
	match(text, /event: call\.ended\ndata: \{.*\}\n\n$/);
});

test("B13: HEAD and POST on a stream are 405", async (t) => {
	const gw = await t.gateway();
	for (const method of ["HEAD", "POST"]) {
		const reply = await gw.exchange(method, "/events", { headers: { Accept: "text/event-stream" } });
		equal(reply.status, 405, method);
		match(reply.headers.allow, /GET/);
	}
});

test("B16: a call's journal, in order, on both streams", async (t) => {
	const gw = await t.gateway(sandbox());
	const all = await gw.events("/events");
	const call = await place(gw, "sim:hangup");
	const own = await gw.events(`/calls/${call.id}/events`);
	equal(await own.ended, "end");
	await all.untilType("call.ended", call.id);

	const seen = all.seen.filter((event) => event.call_id === call.id);
	equal(types(seen), JOURNAL);
	equal(seen.map((event) => event.seq), JOURNAL.map((_, i) => i + 1));
	ok(rising(ids(all.seen)), "ids that don't rise");
	equal(own.seen, seen);
	equal(seen.map((event) => event.call.last_event_id), ids(seen));
	equal(call.last_event_id, seen[0].id);
});

test("sse: without an id the stream begins now, with 0 at all that is kept", async (t) => {
	const gw = await t.gateway(sandbox());
	const first = await placeAndEnd(gw);
	const now = await gw.events("/events");
	const whole = await gw.events("/events?last_event_id=0");
	const second = await placeAndEnd(gw);
	await now.untilType("call.ended", second.call.id);
	await whole.untilType("call.ended", second.call.id);

	ok(!now.seen.some((event) => event.call_id === first.call.id), "the past on a stream that begins now");
	equal(whole.seen[0].id, 1);
	equal(ids(whole.seen), whole.seen.map((_, i) => i + 1));
});

test("B4: resumed behind any id, each event comes once", async (t) => {
	const gw = await t.gateway(sandbox());
	for (let i = 0; i < 5; i++)
		await placeAndEnd(gw);
	const whole = await gw.events("/events?last_event_id=0");
	const end = gw.api("GET", "/calls?limit=1").then((reply) => reply.json.data[0].last_event_id);
	const last = await end;
	await whole.until("the whole journal", (events) => events.some((event) => event.id >= last));

	for (const from of [1, 2, 7, last - 1]) {
		const stream = await gw.events("/events", { headers: { "Last-Event-ID": String(from) } });
		await stream.until("the rest", (events) => events.some((event) => event.id >= last));
		equal(ids(stream.seen).filter((id) => id <= last), ids(whole.seen).filter((id) => id > from && id <= last), `behind ${from}`);
	}
});

test("B4: the header wins over the query", async (t) => {
	const gw = await t.gateway(sandbox());
	const { seen } = await placeAndEnd(gw);
	const stream = await gw.events("/events?last_event_id=0", { headers: { "Last-Event-ID": String(seen[1].id) } });
	await stream.untilType("call.ended");
	equal(stream.seen[0].id, seen[2].id);
});

test("B4: an id that is none of ours gets a reset with what there is", async (t) => {
	const gw = await t.gateway(sandbox());
	const { seen } = await placeAndEnd(gw);
	const running = await place(gw, "sim:answer");
	for (const id of ["x", "-1", "1e3", "99999999", "18446744073709551616", "7;DROP"]) {
		const stream = await gw.events("/events", { headers: { "Last-Event-ID": id } });
		await stream.until("a reset", () => stream.resets.length);
		const [reset] = stream.resets;
		ok(reset.lines.some((line) => line.name === "sandbox"), "the line is missing in the snapshot");
		ok(reset.calls.some((call) => call.id === running.id), "the call is missing in the snapshot");
		ok(stream.last_id >= seen.at(-1).id, "the reset stands below the head");
		equal(stream.seen.filter((event) => event.id <= stream.last_id && event.call_id === seen[0].call_id), []);
		stream.close();
	}
});

test("B6: a call's stream, resumed: what is missing, then the end; then 204", async (t) => {
	const gw = await t.gateway(sandbox());
	const { call, seen } = await placeAndEnd(gw, "sim:hangup");
	for (let i = 0; i < seen.length - 1; i++) {
		const stream = await gw.events(`/calls/${call.id}/events`, { headers: { "Last-Event-ID": String(seen[i].id) } });
		equal(await stream.ended, "end");
		equal(ids(stream.seen), ids(seen.slice(i + 1)));
	}

	const over = await gw.api("GET", `/calls/${call.id}/events`,
		{ headers: { Accept: "text/event-stream", "Last-Event-ID": String(seen.at(-1).id) } });
	equal([over.status, over.text], [204, ""]);

	/* an id from another journal: a reset, the end, and 204 the next time */
	const lost = await gw.events(`/calls/${call.id}/events`, { headers: { "Last-Event-ID": "99999999" } });
	equal(await lost.ended, "end");
	equal(lost.resets[0].calls.map((one) => one.id), [call.id]);
	const again = await gw.api("GET", `/calls/${call.id}/events`,
		{ headers: { Accept: "text/event-stream", "Last-Event-ID": String(lost.last_id) } });
	equal(again.status, 204);
});

test("sse: a call's events as one list", async (t) => {
	const gw = await t.gateway(sandbox());
	const { call, seen } = await placeAndEnd(gw);
	const reply = await gw.api("GET", `/calls/${call.id}/events`, { headers: { Accept: "application/json" } });
	equal(reply.status, 200);
	equal(reply.json, { object: "list", data: seen, next_cursor: null });
});

test("B5: EventSource of npm survives kill -9 and misses nothing", async (t) => {
	const gw = await t.gateway(sandbox());
	const seen = [];
	const source = new EventSource(`${gw.url}/events?last_event_id=0`);
	t.later(() => source.close());
	for (const type of [...JOURNAL, "line.registering", "line.registered", "line.unregistered"])
		source.addEventListener(type, (event) => {
			const parsed = JSON.parse(event.data);
			equal(String(parsed.id), event.lastEventId);
			seen.push(parsed);
		});

	const call = await place(gw, "sim:answer");
	await eventually("the call is up", () => seen.some((event) => event.type === "call.bridged"));
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("the missing end", () => seen.some((event) => event.type === "call.ended"));
	const ended = seen.find((event) => event.type === "call.ended");
	equal([ended.call_id, ended.call.status, ended.call.cause], [call.id, "completed", "server_restart"]);

	const next = await placeAndEnd(gw);
	await eventually("the next call", () => seen.some((event) => event.type === "call.ended" && event.call_id === next.call.id));
	equal(ids(seen), seen.map((_, i) => i + 1), "the ids, each once");
});

test("B3: heartbeats", async (t) => {
	const gw = await t.gateway({ http: { heartbeat_s: 5 } });
	const stream = await gw.events("/events");
	await stream.until("the greeting, which is a comment, too", () => stream.comments);
	const before = stream.comments;
	const start = Date.now();
	await stream.until("a heartbeat", () => stream.comments > before, 9_000);
	ok(Date.now() - start > 3_000, "a heartbeat far too early");
});

test("B7 B8: two hundred readers see the same", async (t) => {
	const gw = await t.gateway(sandbox());
	const readers = [];
	for (let i = 0; i < 200; i++)
		readers.push(await gw.events("/events"));
	const from = Math.max(...(await gw.events("/events?last_event_id=0").then(async (stream) => {
		await stream.until("the past", (events) => events.length);
		return stream.seen;
	})).map((event) => event.id));

	const calls = await Promise.all(Array.from({ length: 10 }, () => place(gw, "sim:busy")));
	for (const call of calls)
		await readers[0].untilType("call.ended", call.id);
	const last = Math.max(...ids(readers[0].seen));
	const want = Array.from({ length: last - from }, (_, i) => from + 1 + i);
	for (const reader of readers) {
		await reader.until("all of it", (events) => events.some((event) => event.id >= last));
		equal(ids(reader.seen).filter((id) => id > from && id <= last), want);
	}
});

test("B7: who doesn't read holds nobody up", async (t) => {
	const gw = await t.gateway(sandbox());
	const stuck = net.connect(gw.port, "127.0.0.1");
	t.later(() => stuck.destroy());
	stuck.pause();
	stuck.write("GET /events?last_event_id=0 HTTP/1.1\r\nHost: localhost\r\n\r\n");

	const reader = await gw.events("/events");
	for (let i = 0; i < 3; i++) {
		const calls = await Promise.all(Array.from({ length: 20 }, () => place(gw, "sim:busy")));
		for (const call of calls)
			await reader.untilType("call.ended", call.id);
	}
	ok(rising(ids(reader.seen)), "ids that don't rise");
});

test("B8 B9: one stream too many is told to come back later", async (t) => {
	const gw = await t.gateway({ limits: { streams: 2 } });
	await gw.events("/events");
	await gw.events("/events");
	const third = await gw.events("/events");
	equal([third.status, await third.ended], [200, "end"]);
	ok(third.retry >= 5000 && third.retry <= 30000, `retry ${third.retry}`);
});

test("B9: at the end streams are told when to come back", async (t) => {
	const gw = await t.gateway();
	const readers = [];
	for (let i = 0; i < 20; i++)
		readers.push(await gw.events("/events"));
	equal((await gw.kill("SIGTERM")).code, 0);
	for (const reader of readers) {
		equal(await reader.ended, "end");
		ok(reader.retry >= 5000 && reader.retry <= 30000, `retry ${reader.retry}`);
	}
	ok(new Set(readers.map((reader) => reader.retry)).size > 10, "they would all come back at once");
});

test("metrics: counts what was seen", async (t) => {
	const gw = await t.gateway(sandbox());
	await placeAndEnd(gw);
	await gw.events("/events");
	const reply = await gw.exchange("GET", "/metrics");
	equal(reply.status, 200);
	match(reply.headers["content-type"], /^text\/plain; version=0\.0\.4/);
	match(reply.text, /\nbellpull_calls_total\{result="busy",cause_class="party"\} 1\n/);
	match(reply.text, /\nbellpull_sse_streams 1\n/);
	match(reply.text, /\nbellpull_db_up 1\n/);
	match(reply.text, /\nbellpull_calls_active 0\n/);
	const names = [...reply.text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
	equal(names.length, new Set(names).size, "names that come once");
});
