/* Clients that take their time leave the others alone (A19, G24, G25). No time is
 * asserted: others are served and their calls placed while the slow ones are there,
 * and the slow ones are cut. */
import { spawn, spawnSync } from "node:child_process";
import net from "node:net";

import { equal, eventually, ok, test } from "../wire/harness.mjs";
import { call, endOf, SANDBOX } from "./help.mjs";

/* A socket that says first, then drips; what came back, and when it was closed. */
const client = (gw, first, drip = "") => {
	const it = { text: "", over: false };
	let at = 0;
	it.socket = net.connect(gw.port, "127.0.0.1");
	it.socket.setEncoding("latin1");
	it.socket.on("connect", () => it.socket.write(first));
	it.socket.on("data", (part) => {
		it.text += part;
	});
	const timer = drip && setInterval(() => it.over || it.socket.write(drip[at++ % drip.length]), 1000);
	it.closed = new Promise((done) => it.socket.on("close", () => {
		it.over = true;
		clearInterval(timer);
		done();
	}));
	it.socket.on("error", () => {});
	it.close = () => it.socket.destroy();
	return it;
};

const many = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const GET = (path, more = "") => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n${more}\r\n`;
const POST = "POST /calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/* Debian's slowhttptest, where it is: its own idea of slow. */
const slowhttptest = (t, gw, mode, path, more = []) => {
	if (spawnSync("slowhttptest", ["-h"]).error)
		return null;
	const child = spawn("slowhttptest", [mode, "-c", "200", "-r", "100", "-i", "3", "-l", "20", "-p", "2", "-u", `${gw.url}${path}`, ...more], { stdio: ["ignore", "pipe", "ignore"] });
	t.later(() => child.kill("SIGKILL"));
	let text = "";
	child.stdout.on("data", (bytes) => {
		text += bytes;
	});
	return new Promise((done) => child.on("exit", () => done(text)));
};

test("G25: a thousand idle connections, a thousand streams and every kind of slow client: calls are placed meanwhile", async (t) => {
	const gw = await t.gateway({ ...SANDBOX, limits: { connections_per_ip: null } });
	const clients = { idle: many(1000, () => client(gw, GET("/livez"))) };
	clients.streams = many(1000, () => client(gw, GET("/events", "Accept: text/event-stream\r\n")));
	t.later(() => Object.values(clients).flat().forEach((it) => it.close()));
	await eventually("all are there", () => clients.idle.every(({ text }) => text.includes("200 OK")) &&
		clients.streams.every(({ text }) => text.includes(": bellpull")));
	equal((await gw.api("GET", "/capacity")).json.streams, 1000);

	clients.silent = many(50, () => client(gw, ""));
	clients.heads = many(50, () => client(gw, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: ", "a"));
	clients.bodies = many(50, () => client(gw, `${POST}Content-Length: 5000\r\n\r\n{`, " "));
	clients.chunks = many(50, () => client(gw, `${POST}Transfer-Encoding: chunked\r\n\r\n`, ["1\r\n \r\n"]));
	const slow = [...clients.silent, ...clients.heads, ...clients.bodies, ...clients.chunks];
	const tools = Promise.all([slowhttptest(t, gw, "-H", "/livez"), slowhttptest(t, gw, "-B", "/calls", ["-s", "8192"]),
		slowhttptest(t, gw, "-X", "/openapi.json", ["-w", "10", "-y", "20", "-n", "5", "-z", "8", "-k", "3"])]);

	/* ended once the slow ones are cut, and the idle ones, who had thirty seconds */
	const ids = [];
	for (let over = false; !over;) {
		const id = await call(gw, { to: "sim:hangup" }, "ended");
		ids.push(id);
		equal((await endOf(gw, id)).cause, "normal_clearing");
		equal((await gw.api("GET", "/livez")).status, 200, "/livez");
		over = [...slow, ...clients.idle].every((it) => it.over);
		ok(over || ids.length < 60, `slow ones are still there after ${ids.length} calls: ${slow.filter((it) => !it.over).length} of ${slow.length}, ${clients.idle.filter((it) => !it.over).length} idle ones`);
	}
	for (const text of await tools)
		ok(text === null || /service available: +YES/.test(text.replaceAll(/\x1b\[[\d;]*m/g, "")) || !text, `slowhttptest: ${text?.slice(-800)}`);
	ok(clients.bodies.concat(clients.chunks).every(({ text }) => !text.includes(" 201 ")), "a call out of half a body");

	/* streams are slow by nature, and welcome: each has seen the end of each call */
	await eventually("every reader has every end", () => clients.streams.every(({ text }) =>
		ids.every((id) => text.includes(`"call_id":"${id}"`)) && (text.match(/^event: call\.ended$/gm) ?? []).length === ids.length));
	ok(clients.streams.every((it) => !it.over), "a stream was cut");
	equal((await gw.api("GET", "/capacity")).json.streams, 1000);
});

test("A19: a reader that never reads is cut, and the journal goes on", async (t) => {
	const gw = await t.gateway(SANDBOX);
	const deaf = many(20, () => client(gw, GET("/events", "Accept: text/event-stream\r\n")));
	t.later(() => deaf.forEach((it) => it.close()));
	await eventually("they are there", () => deaf.every(({ text }) => text.includes(": bellpull")));
	deaf.forEach(({ socket }) => socket.pause());
	const reader = await gw.events("/events");
	const order = { to: "sim:busy", metadata: { filler: "x".repeat(3900) } };
	let placed = 0;
	await eventually("the gateway has given them up", async () => {
		for (let i = 0; i < 20; i++, placed++)
			equal((await gw.api("POST", "/calls", { body: order })).status, 201);
		return (await gw.api("GET", "/capacity")).json.streams === 1;
	}, 120_000);
	await reader.until("every end", (events) => events.filter(({ type }) => type === "call.ended").length === placed, 60_000);
});

/* G24: what can't be done is refused before any work, and what runs goes on. */
test("G24: more calls at once than there is room for: 503 with Retry-After, and those that run are kept", async (t) => {
	const gw = await t.gateway({ ...SANDBOX, limits: { calls: 20 } });
	const replies = await Promise.all(many(80, () => gw.api("POST", "/calls", { body: { to: "sim:answer" } })));
	const ids = replies.filter(({ status }) => status === 201).map(({ json }) => json.id);
	equal(ids.length, 20, "calls that were taken");
	for (const { status, json, headers } of replies.filter((reply) => reply.status !== 201)) {
		equal([status, json.code], [503, "capacity"]);
		ok(Number(headers["retry-after"]) >= 1, "no Retry-After");
	}
	for (const id of ids)
		await eventually("it is up", async () => (await gw.api("GET", `/calls/${id}`)).json.state === "bridged");
	equal((await gw.api("GET", "/capacity")).json.calls, 20);
	/* refused ones were nothing: no call, no event */
	equal((await gw.api("GET", "/calls?limit=100")).json.data.length, 20, "calls in the list");
	for (const id of ids)
		await gw.api("DELETE", `/calls/${id}`);
	for (const id of ids)
		equal((await endOf(gw, id)).cause, "normal_clearing");
	await endOf(gw, await call(gw, { to: "sim:hangup" }));
});
