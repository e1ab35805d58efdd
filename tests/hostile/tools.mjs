/* G28: the tools that others bring along: sipsak's noise and floods, SIPVicious's
 * search for extensions and passwords. They have to find a server that says nothing
 * of what it has. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, match, test } from "../wire/harness.mjs";
import { calls, conversation, ended, gateway, place, server } from "./pbx.mjs";

/* A program to its end, or until it has run for long enough. */
const run = (t, command, args, limit_ms) => new Promise((done, fail) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-tool-"));
	const child = spawn(command, args, { cwd: dir, env: { ...process.env, HOME: dir }, stdio: ["ignore", "pipe", "pipe"] });
	let text = "";
	const limit = setTimeout(() => child.kill("SIGKILL"), limit_ms);
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	for (const out of [child.stdout, child.stderr])
		out.on("data", (bytes) => { text += bytes; });
	child.on("error", fail);
	child.on("close", (code) => {
		clearTimeout(limit);
		done({ code, text });
	});
});

const world = async (t) => {
	const pbx = await server(t);
	const gw = await gateway(t, pbx);
	return { pbx, gw, talk: await conversation(t, gw, pbx) };
};

const unmoved = async ({ pbx, gw, talk }, what) => {
	await eventually(`the line's server is answered after ${what}`, () => pbx.asks(gw).then(() => true, () => false));
	await talk.goesOn(what);
	equal((await calls(gw)).map((call) => call.id), [talk.call.id], `the calls after ${what}`);
};

test("G28: sipsak's OPTIONS is answered, its noise is not minded", async (t) => {
	const w = await world(t);
	const sipsak = (...args) => run(t, "sipsak", [...args, "-s", `sip:858@127.0.0.1:${w.gw.sip_port}`], 3000);
	const asked = await sipsak("-v");
	equal(asked.code, 0, `sipsak's exit (${asked.text})`);
	for (const args of [["-R"], ["-t", "200"], ["-F"], ["-M", "-B", "hello"], ["-U", "-C", "sip:x@127.0.0.9"], ["-I"]]) {
		await sipsak(...args);
		await unmoved(w, `sipsak ${args.join(" ")}`);
	}
	await w.talk.end();
});

test("G28: SIPVicious finds nobody to call and no password", async (t) => {
	const w = await world(t);
	const at = ["-p", String(w.gw.sip_port), "127.0.0.1"];
	await run(t, "svmap", at, 15_000);
	await unmoved(w, "svmap");
	for (const method of ["REGISTER", "INVITE", "OPTIONS"]) {
		const war = await run(t, "svwar", ["-e", "850-860", "-m", method, "--force", ...at], 20_000);
		match(war.text, /found nothing/, `what svwar ${method} has found`);
		await unmoved(w, `svwar ${method}`);
	}
	const crack = await run(t, "svcrack", ["-u", "858", "-r", "100-200", ...at], 20_000);
	match(crack.text, /found nothing/, "what svcrack has found");
	await unmoved(w, "svcrack");
	await w.talk.end();
});

/* A server over TCP ----------------------------------------------------------- */

const streams = [
	["garbage", (socket) => socket.write("\0\xff\x01garbage\r\n\r\n".repeat(20))],
	["a header without end", (socket) => {
		const drip = setInterval(() => socket.write(`X-More: ${"a".repeat(1000)}\r\n`), 1);
		socket.write("SIP/2.0 200 OK\r\n");
		socket.on("close", () => clearInterval(drip));
	}],
	["a line without end", (socket) => {
		const drip = setInterval(() => socket.write("a".repeat(1000)), 1);
		socket.on("close", () => clearInterval(drip));
	}],
	["a body that is said to be 4 GB", (socket) => socket.write("SIP/2.0 200 OK\r\nVia: x\r\nFrom: x\r\nTo: x\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nContent-Length: 4294967295\r\n\r\n")],
	["half of an answer", (socket) => socket.write("SIP/2.0 200 OK\r\nVia: SIP/2.0/T")],
	["empty lines for ever", (socket) => {
		const drip = setInterval(() => socket.write("\r\n\r\n".repeat(100)), 1);
		socket.on("close", () => clearInterval(drip));
	}],
	["the end of the connection", (socket) => socket.end()],
	["a reset", (socket) => socket.resetAndDestroy()],
	["nothing", () => {}],
];

test("G28: a server over TCP that says anything but SIP: the call ends, in time", async (t) => {
	const pbx = await server(t);
	const ports = await Promise.all(streams.map(([, says]) => new Promise((done) => {
		const listener = createServer((socket) => {
			socket.on("error", () => {});
			socket.once("data", () => says(socket));
			t.later(() => socket.destroy());
		}).listen(0, "127.0.0.1", () => done(listener.address().port));
		t.later(() => listener.close());
	})));
	const gw = await gateway(t, pbx, {
		lines: ports.map((port, i) => ({ name: `tcp${i}`, user: "858", domain: "127.0.0.1", port, transport: "tcp", register: false })),
	});
	const talk = await conversation(t, gw, pbx);
	const placed = [];
	for (const i of ports.keys())
		placed.push(await place(gw, { to: "303", line: `tcp${i}`, ring_timeout: 4, setup_deadline: 8 }));
	await pbx.asks(gw);
	await talk.goesOn("streams");
	for (const [i, { id }] of placed.entries()) {
		const call = await ended(gw, id);
		equal(call.status, "failed", `${streams[i][0]}: the status`);
		match(call.cause, /^(transport_timeout|network_error)$/, `${streams[i][0]}: the cause`);
	}
	await pbx.asks(gw);
	await talk.goesOn("all of them");
	equal((await calls(gw)).filter((call) => call.state !== "ended").map((call) => call.id), [talk.call.id], "what goes on");
	await talk.end();
});
