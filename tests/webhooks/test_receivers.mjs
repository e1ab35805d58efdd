/* Receivers as they are: each answer has its consequence, and no receiver costs more
 * than its time (C6, C9, C10, C12). */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import https from "node:https";
import net from "node:net";
import { join } from "node:path";

import { certificate, folder } from "../standing/help.mjs";
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, deliveries, receiver, up, webhooks } from "../wire/receiver.mjs";

const ended = (name, url, more = {}) => ({ name, url, events: ["call.ended"], ...more });
const endpoint = async (gw, name) => (await gw.api("GET", "/webhooks")).json.data.find((one) => one.name === name);

/* A server of bytes: talk(socket) once a request has begun to come. */
const bytes = (t, talk) => new Promise((done) => {
	const sockets = new Set();
	const server = net.createServer((socket) => {
		sockets.add(socket);
		socket.on("error", () => {});
		socket.on("close", () => sockets.delete(socket));
		socket.once("data", () => talk(socket));
	});
	t.later(() => {
		for (const socket of sockets)
			socket.destroy();
		server.close();
	});
	server.listen(0, "127.0.0.1", () => done({ url: `http://127.0.0.1:${server.address().port}/`, sockets }));
});

/* Again and again, as long as the other side listens. */
const drip = (socket, text, every_ms) => {
	const timer = setInterval(() => socket.write(text), every_ms);
	socket.on("close", () => clearInterval(timer));
};

/* A port whose queue is full: nobody gets through, nobody is turned away. */
const deaf = async (t) => {
	const child = spawn("python3", ["-c", `
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0)
held = []
for _ in range(4):
    c = socket.socket(); c.setblocking(False); c.connect_ex(s.getsockname()); held.append(c)
print(s.getsockname()[1], flush=True)
sys.stdin.read()
`], { stdio: ["pipe", "pipe", "inherit"] });
	t.later(() => child.kill());
	const port = await new Promise((done) => child.stdout.once("data", (text) => done(Number(text))));
	return `http://127.0.0.1:${port}/`;
};

const rows = [
	["200", 200, "delivered", 200, "enabled"],
	["302", [302, { Location: "http://127.0.0.1/" }], "waiting", 302, "enabled"],
	["410", 410, "waiting", 410, "disabled"],
	["429", [429, { "Retry-After": "7200" }], "waiting", 429, "enabled"],
	["429-date", (response) => { response.writeHead(429, { "Retry-After": new Date(Date.now() + 7200_000).toUTCString() }); response.end(); }, "waiting", 429, "enabled"],
	["500", 500, "waiting", 500, "enabled"],
	["503-never", [503, { "Retry-After": "99999999999" }], "waiting", 503, "enabled"],
	["500-nonsense", [500, { "Retry-After": "when I am well again" }], "waiting", 500, "enabled"],
	["reset", (response) => response.socket.resetAndDestroy(), "waiting", null, "enabled"],
	["cut", (response) => { response.writeHead(200, { "Content-Length": 100 }); response.write("half"); response.socket.end(); }, "waiting", null, "enabled"],
	["huge", (response) => response.end("\x1b[2J<script>".repeat(200_000)), "delivered", 200, "enabled"],
];

test("C6, C9, C10, C12: each answer has its consequence: 2xx alone is success, Retry-After a floor, 410 the end", async (t) => {
	const there = await Promise.all(rows.map(([, answer]) => receiver(t, () => answer)));
	const gw = await up(t, webhooks(rows.map(([name], i) => ended(name, there[i].url)), { schedule: [3600, 3600] }));
	await call(gw);
	for (const [name, , status, code, state] of rows) {
		const [row] = await eventually(`${name} is noted`, async () => {
			const list = await deliveries(gw, `?endpoint=${name}`);
			return list.length && list[0].tries?.length && list;
		});
		equal([row.status, row.attempts, row.tries.length, row.tries[0].status], [status, 1, 1, code], name);
		equal((await endpoint(gw, name)).state, state, name);
		ok((row.tries[0].answer ?? "").length <= 512, `${name}: what is kept of the answer`);
		match(row.tries[0].answer ?? "", /^[ -~]*$/, `${name}: what is kept of the answer`);
		const wait_s = (Date.parse(row.next_try_at) - Date.parse(row.tries[0].at)) / 1000;
		if (name === "429" || name === "429-date")
			ok(wait_s >= 7190 && wait_s <= 7210, `${name}: the next try is in ${wait_s} s`);
		else if (name === "503-never")
			ok(wait_s > 86_300 && wait_s <= 86_410, `${name}: the next try is in ${wait_s} s`);
		else if (status === "waiting")
			ok(wait_s >= 2870 && wait_s <= 4330, `${name}: the next try is in ${wait_s} s`);
	}
	there.forEach((one) => one.close());
});

test("C8, C12: hanging, dripping and deaf receivers cost their time and no more; one that is well gets everything meanwhile", async (t) => {
	const well = await receiver(t);
	const hang = await bytes(t, () => {});
	const body = await bytes(t, (socket) => {
		socket.write("HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n");
		drip(socket, "x", 100);
	});
	const head = await bytes(t, (socket) => {
		socket.write("HTTP/1.1 200 OK\r\n");
		drip(socket, "X-More: x\r\n", 100);
	});
	const gw = await up(t, webhooks([ended("hang", hang.url), ended("body", body.url), ended("head", head.url),
		ended("deaf", await deaf(t)), ended("well", well.url)], { schedule: [3600] }));
	for (let n = 0; n < 5; n++)
		await call(gw);
	await eventually("the one that is well has all", () => well.got.length === 5);
	for (const name of ["hang", "body", "head", "deaf"])
		equal((await endpoint(gw, name)).failed, 0, `${name} is still at it`);

	const took = {};
	for (const [name, least_ms] of [["deaf", 5000], ["hang", 15_000], ["body", 15_000], ["head", 15_000]]) {
		const row = await eventually(`${name} has had its time`, async () =>
			(await deliveries(gw, `?endpoint=${name}`)).find(({ attempts }) => attempts), 40_000);
		equal([row.status, row.tries[0].status], ["waiting", null], name);
		match(row.tries[0].answer, /[Tt]imeout/, name);
		took[name] = row.tries[0].duration_ms;
		ok(took[name] >= least_ms - 50, `${name} had ${took[name]} ms only`);
	}
	ok(took.deaf < took.hang, `no connection after ${took.deaf} ms, no answer after ${took.hang} ms`);
	await eventually("nothing is held any more", () => hang.sockets.size + body.sockets.size + head.sockets.size <= 3, 40_000);
	well.close();
});

test("C12: headers without end are cut off like a body without end", async (t) => {
	let sent = 0;
	const flood = await bytes(t, (socket) => {
		const lines = "X-Flood: 0123456789012345678901234567890123456789\r\n".repeat(200);
		const more = () => {
			while (!socket.destroyed && sent < 1 << 30) {
				sent += lines.length;
				if (!socket.write(lines))
					return;
			}
		};
		socket.on("drain", more);
		socket.write("HTTP/1.1 200 OK\r\n");
		more();
	});
	const again = await bytes(t, (socket) => drip(socket, "HTTP/1.1 100 Continue\r\n\r\n".repeat(1000), 1));
	const gw = await up(t, webhooks([ended("flood", flood.url), ended("again", again.url)], { schedule: [3600] }));
	await call(gw);
	for (const name of ["flood", "again"]) {
		const [row] = await eventually(`${name} is noted`, async () => {
			const list = await deliveries(gw, `?endpoint=${name}`);
			return list[0]?.attempts && list;
		});
		equal([row.status, row.tries[0].status], ["waiting", null], name);
		match(row.tries[0].answer, /headers/, name);
	}
	ok(sent < 64 << 20, `${sent} bytes were taken`);
});

test("C7: without an order, what failed holds nothing up; with it, the next of the same call waits", async (t) => {
	const first = (n, { event }) => (event.type === "call.queued" ? 500 : 200);
	const [loose, strict] = [await receiver(t, first), await receiver(t, first)];
	const gw = await up(t, webhooks([
		{ name: "loose", url: loose.url, events: ["call.*"], ordering: "none" },
		{ name: "strict", url: strict.url, events: ["call.*"] }], { schedule: [3600] }));
	const id = await call(gw);
	await eventually("the end came", () => loose.of("call.ended").length);
	equal(strict.got.map(({ event }) => event.type), ["call.queued"], "in order");
	const seq = loose.got.map(({ event }) => event.seq);
	equal([...seq].sort((a, b) => a - b).length, new Set(seq).size, "each once");
	equal(new Set(loose.got.map(({ event }) => event.call_id)), new Set([id]));
	[loose, strict].forEach((one) => one.close());
});

test("C9: twenty failures in a row open the circuit: it rests, and says so", async (t) => {
	const there = await receiver(t, () => 500);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, ordering: "none" }], { schedule: [3600] }));
	const open = await eventually("it rests", async () => {
		await call(gw);
		const one = await endpoint(gw, "crm");
		return one.state === "failing" && one;
	});
	ok(open.failures_in_a_row >= 20, `${open.failures_in_a_row} failures`);
	const settled = await eventually("those on their way are back", async () => {
		const one = await endpoint(gw, "crm");
		return !one.in_flight && one;
	});
	const before = there.got.length;
	for (let n = 0; n < 5; n++)
		await call(gw);
	await eventually("more wait", async () => (await endpoint(gw, "crm")).waiting > settled.waiting);
	equal(there.got.length, before, "what came while it rests");
	ok(before <= 24, `it took ${before} requests to see it`);
	there.close();
});

test("C12: no proxy of the environment, no netrc, no cookie, always the same User-Agent", async (t) => {
	const proxy = await receiver(t);
	const there = await receiver(t, () => [200, { "Set-Cookie": "a=b; Path=/" }]);
	const home = folder(t);
	writeFileSync(join(home, ".netrc"), "default login canary password canary\n", { mode: 0o600 });
	const via = `http://127.0.0.1:${proxy.port}`;
	const gw = await t.gateway({ sandbox: true, ...webhooks([{ name: "crm", url: there.url }]) },
		{ env: { HOME: home, http_proxy: via, https_proxy: via, HTTPS_PROXY: via, ALL_PROXY: via, all_proxy: via } });
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
	await call(gw);
	await eventually("the end came", () => there.of("call.ended").length);
	equal(proxy.got.length, 0, "what the proxy saw");
	for (const { headers } of there.got)
		equal([headers.cookie, headers.authorization, headers["proxy-connection"]], [undefined, undefined, undefined]);
	equal(new Set(there.got.map(({ headers }) => headers["user-agent"])).size, 1, "User-Agents");
	[proxy, there].forEach((one) => one.close());
});

test("C12: a certificate is verified, by the endpoint's own authority where it has one", async (t) => {
	const dir = folder(t);
	mkdirSync(join(dir, "ca"));
	const mine = certificate(dir, "localhost");
	const got = [];
	const server = https.createServer({ cert: readFileSync(mine.certificate), key: readFileSync(mine.key) }, (request, response) => {
		request.resume();
		request.on("end", () => {
			got.push(request.url);
			response.end();
		});
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	t.later(() => { server.closeAllConnections(); server.close(); });
	const { port } = server.address();
	const gw = await up(t, webhooks([ended("unknown", `https://localhost:${port}/unknown`),
		ended("known", `https://localhost:${port}/known`, { ca_file: mine.certificate }),
		ended("other", `https://127.0.0.1:${port}/other`, { ca_file: mine.certificate })],
	{ schedule: [3600], allow_targets: ["127.0.0.0/8", "::1"] }));
	await call(gw);
	for (const name of ["unknown", "other"]) {
		const [row] = await eventually(`${name} is noted`, async () => {
			const list = await deliveries(gw, `?endpoint=${name}`);
			return list[0]?.attempts && list;
		});
		equal(row.tries[0].status, null, name);
		match(row.tries[0].answer, /certificate|peer|SSL/i, name);
	}
	await eventually("the one that is known has it", () => got.length);
	equal(got, ["/known"]);
});
