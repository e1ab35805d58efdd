/* Signals, supervisors, descriptors: G10, G12, G13. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, endOf, folder, proc, reload, rewrite, SANDBOX, wrapped } from "./help.mjs";
import { pbx } from "./pbx.mjs";

const withLine = (peer, more = {}) => ({ ...more, lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: peer.port }] });

test("G10, A13: SIGTERM: no new calls, running ones may finish, then BYE, unREGISTER and exit code 0", async (t) => {
	const peer = await pbx(t);
	const gw = await t.gateway(withLine(peer, { drain_s: 3600 }));
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/office")).json.state === "registered");
	const stream = await gw.events("/events");
	const finishes = await call(gw, { to: "853" });
	const stays = await call(gw, { to: "854" });

	gw.process.kill("SIGTERM");
	await stream.untilType("gateway.draining");
	equal((await gw.api("GET", "/readyz")).status, 503, "/readyz at once");
	equal((await gw.api("GET", "/livez")).status, 200, "/livez");
	const refused = await gw.api("POST", "/calls", { body: { to: "853" } });
	equal([refused.status, refused.json.code], [503, "draining"]);
	match(refused.headers["retry-after"], /^[1-9]\d*$/);
	/* a call that runs may still be asked for, and end by itself */
	equal((await gw.api("GET", `/calls/${stays}`)).json.state, "bridged");
	await gw.api("DELETE", `/calls/${finishes}`);
	await stream.untilType("call.ended", finishes);
	equal(peer.requests("BYE").length, 1, "BYEs before the second signal");

	/* a second signal: nobody waits for people any more */
	gw.process.kill("SIGTERM");
	const ended = await stream.untilType("call.ended", stays);
	equal([ended.call.status, ended.call.cause, ended.call.q850], ["completed", "server_shutdown", 41]);
	equal(await stream.ended, "end", "the stream's end");
	ok(stream.retry > 0, "no retry: for the readers");
	equal(await gw.exited, { code: 0, signal: null });
	const bye = peer.requests("BYE").at(-1);
	match(bye, /^Reason: Q\.850;cause=41/m, "the BYE");
	const last = peer.requests("REGISTER").at(-1);
	ok(/^Expires: 0\r$/m.test(last) || /^Contact:.*expires=0/m.test(last), `the last REGISTER is:\n${last}`);
});

test("G10: drain_s ends what doesn't end by itself", async (t) => {
	const peer = await pbx(t);
	const gw = await t.gateway(withLine(peer, { drain_s: 3600 }));
	const stream = await gw.events("/events");
	const id = await call(gw, { to: "853" });
	/* the patience is a setting, too */
	rewrite(gw, (config) => {
		config.drain_s = 0;
	});
	await reload(gw);
	gw.process.kill("SIGTERM");
	equal((await stream.untilType("call.ended", id)).call.cause, "server_shutdown");
	equal(await gw.exited, { code: 0, signal: null });
});

/* The unit's patience is longer than the default's, or systemd kills calls. */
test("G10: the unit's TimeoutStopSec is above drain_s", () => {
	const root = new URL("../../", import.meta.url);
	const unit = readFileSync(new URL("docker/bellpull.service", root), "utf8");
	const [, stop] = /^TimeoutStopSec=(\d+)$/m.exec(unit);
	const [, drain] = /"drain_s": (\d+)/.exec(readFileSync(new URL("config/bellpull.json", root), "utf8"));
	ok(Number(stop) > Number(drain) + 10, `${stop} and ${drain}`);
	match(unit, /^WatchdogSec=\d+$/m);
	match(unit, /^ExecReload=.*-HUP \$MAINPID$/m);
	match(unit, /^Restart=on-failure$/m); /* a watchdog's abort is one */
});

/* A notify socket of our own: Node has no datagrams on unix sockets. */
const notifySocket = async (t) => {
	const path = join(folder(t), "notify");
	const listener = spawn("python3", ["-c", `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().replace("\\n", " "), flush=True)
`, path], { stdio: ["ignore", "pipe", "inherit"] });
	t.later(() => listener.kill());
	let text = "";
	listener.stdout.on("data", (bytes) => {
		text += bytes;
	});
	await eventually("the notify socket is bound", () => text.includes("bound"));
	const lines = () => text.split("\n").slice(1, -1);
	return { path, lines, pings: () => lines().filter((line) => line === "WATCHDOG=1").length };
};

test("G12: the loop answers the watchdog, and a loop that hangs doesn't", async (t) => {
	const { path, lines, pings } = await notifySocket(t);
	const gw = await t.gateway(SANDBOX, { env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: "200000" } });
	await eventually("the first pings", () => pings() > 3);
	equal(lines()[0], "READY=1", "the first word");

	gw.process.kill("SIGSTOP");
	await eventually("it has stopped", () => /^State:\s+T/m.test(proc(gw, "status")));
	const before = await new Promise((done) => setTimeout(() => done(pings()), 300));
	await new Promise((done) => setTimeout(done, 1000));
	equal(pings(), before, "pings of a process that hangs");
	gw.process.kill("SIGCONT");
	await eventually("pings again", () => pings() > before + 3);

	/* systemd waits for both words of a reload */
	await reload(gw);
	await eventually("the reload is told", () => lines().some((line) => /^RELOADING=1 MONOTONIC_USEC=\d+$/.test(line)));
	const at = lines().findIndex((line) => line.startsWith("RELOADING"));
	await eventually("and its end", () => lines().slice(at).includes("READY=1"));
	gw.process.kill("SIGTERM");
	await gw.exited;
	ok(lines().includes("STOPPING=1"), "STOPPING=1");
});

test("G12: nobody is pinged who didn't ask, or asked another process", async (t) => {
	const { path, lines, pings } = await notifySocket(t);
	for (const env of [{}, { WATCHDOG_USEC: "100000", WATCHDOG_PID: "1" }]) {
		const gw = await t.gateway(SANDBOX, { env: { NOTIFY_SOCKET: path, ...env } });
		await endOf(gw, await call(gw, { to: "sim:hangup" }));
		await gw.kill();
	}
	equal(pings(), 0);
	equal(lines().filter((line) => line === "READY=1").length, 2);
});

/* CPU time of a process in clock ticks. */
const ticks = (gw) => {
	const fields = proc(gw, "stat").replace(/^.*\) /, "").split(" ");
	return Number(fields[11]) + Number(fields[12]);
};

test("G13: calls leave descriptors for probes", async (t) => {
	const gw = await wrapped(t, "ulimit -n 128; exec GATEWAY \"$@\"", SANDBOX);
	const ids = [];
	const refused = await eventually("there is no room for another call", async () => {
		const reply = await gw.api("POST", "/calls", { body: { to: "sim:answer" } });
		if (reply.status === 201)
			ids.push(reply.json.id);
		return reply.status !== 201 && reply;
	});
	equal([refused.status, refused.json.code], [503, "capacity"]);
	for (const path of ["/livez", "/readyz", "/capacity"])
		equal((await gw.api("GET", path, { agent: false })).status, 200, `${path} on a new connection`);
	for (const id of ids)
		await gw.api("DELETE", `/calls/${id}`);
	for (const id of ids)
		match((await endOf(gw, id)).cause, /^(normal_clearing|canceled_by_api)$/, "a call that was taken");
	await endOf(gw, await call(gw, { to: "sim:hangup" }));
});

test("G13: with all descriptors in use the API answers, nothing spins, and it recovers", async (t) => {
	const gw = await wrapped(t, "ulimit -n 160; exec GATEWAY \"$@\"", { ...SANDBOX, limits: { connections: 16384 } });
	const agent = new (await import("node:http")).Agent({ keepAlive: true, maxSockets: 1 });
	t.later(() => agent.destroy());
	equal((await gw.api("GET", "/livez", { agent })).status, 200);

	/* connections until nobody is let in any more */
	const sockets = [];
	for (let i = 0; i < 200; i++) {
		const socket = net.connect(gw.port, "127.0.0.1");
		socket.on("error", () => {});
		socket.on("close", () => {
			socket.over = true;
		});
		sockets.push(socket);
	}
	await eventually("the gateway has taken what it can", () => sockets.filter(({ over }) => over).length > 0 ||
		readFileSync("/proc/net/tcp", "utf8").split("\n").length > 100);
	equal((await gw.api("GET", "/livez", { agent })).status, 200, "/livez on a connection that is there");

	/* calls take four each: they are refused or end, and the others go on */
	const ids = [];
	for (let i = 0; i < 30; i++) {
		const reply = await gw.api("POST", "/calls", { body: { to: "sim:answer" }, agent });
		ok([201, 503].includes(reply.status), `a call got ${reply.status}`);
		if (reply.status === 201)
			ids.push(reply.json.id);
		equal((await gw.api("GET", "/livez", { agent })).status, 200);
	}
	ok(ids.length, "no call at all");
	const before = ticks(gw);
	await new Promise((done) => setTimeout(done, 1000));
	const spent = ticks(gw) - before;
	ok(spent < 50, `${spent} ticks of a hundred were spent on nothing`);

	for (const id of ids)
		await gw.api("DELETE", `/calls/${id}`, { agent });
	for (const socket of sockets)
		socket.destroy();
	for (const id of ids)
		await endOf(gw, id, { agent });
	await eventually("new connections are let in", async () => (await gw.api("GET", "/livez").catch(() => ({}))).status === 200);
	await endOf(gw, await call(gw, { to: "sim:hangup" }));
	equal((await gw.api("GET", "/readyz")).status, 200);
});
