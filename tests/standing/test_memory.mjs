/* Secrets in memory: there while they are needed, wiped when not, and nobody's to
 * look at (E25, E26). With the release build: a sanitizer keeps what was freed. */
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, chownSync, closeSync, mkdirSync, openSync, readdirSync, readFileSync, readSync, writeFileSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";

import { equal, eventually, ok, test } from "../wire/harness.mjs";
import { call, endOf, folder, proc, reload, SANDBOX } from "./help.mjs";
import { pbx } from "./pbx.mjs";

const root = process.getuid() === 0;

/* All that the process could write to, as a core file would have it. */
const memory = (gw) => {
	const fd = openSync(`/proc/${gw.process.pid}/mem`, "r");
	const parts = [];
	for (const line of proc(gw, "maps").split("\n")) {
		const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) rw/.exec(line) ?? [];
		if (!from)
			continue;
		const part = Buffer.alloc(Number(BigInt(`0x${to}`) - BigInt(`0x${from}`)));
		try {
			readSync(fd, part, 0, part.length, BigInt(`0x${from}`));
			parts.push(part);
		} catch {
			/* a stack's guard */
		}
	}
	closeSync(fd);
	return Buffer.concat(parts);
};

const count = (bytes, text) => {
	let n = 0;
	for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1))
		n++;
	return n;
};

test("E26: memory holds each secret where it is used, and one that was replaced nowhere", async (t) => {
	if (!root)
		return;
	t.binary = process.env.RELEASE_BINARY;
	const dir = folder(t);
	const peer = await pbx(t, { password: true });
	const secrets = { password: "C4n4ryPasswordQq0123456789", key: "C4n4ryKeyQq0123456789abcdef", other: "C4n4ryOtherQq0123456789" };
	for (const [name, text] of Object.entries(secrets))
		writeFileSync(join(dir, name), text, { mode: 0o600 });
	const gw = await t.gateway({ ...SANDBOX,
		lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: peer.port, password: `file:${join(dir, "password")}` }],
		keys: [{ name: "a", secret: `file:${join(dir, "key")}` }, { name: "b", secret: `file:${join(dir, "other")}` }] });
	const bearer = { headers: { Authorization: `Bearer ${secrets.key}` } };
	const id = await call(gw, { to: "853", line: "office" }, "bridged", bearer);
	await gw.api("DELETE", `/calls/${id}`, bearer);
	await endOf(gw, id, bearer);
	equal((await gw.api("POST", "/session", { body: { key: secrets.key } })).status, 204);

	let bytes = memory(gw);
	/* the settings' own, and the line's */
	equal(count(bytes, secrets.password), 2, "copies of the password");
	ok(count(bytes, secrets.key) <= 1, `${count(bytes, secrets.key)} copies of the key`);
	ok(count(bytes, secrets.other) <= 1, `${count(bytes, secrets.other)} copies of the other key`);

	writeFileSync(join(dir, "key"), "C4n4ryLaterQq0123456789abcdef", { mode: 0o600 });
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	equal((await gw.api("GET", "/calls", bearer)).status, 401);
	bytes = memory(gw);
	equal(count(bytes, secrets.key), 0, "copies of a key that was replaced");
	ok(count(bytes, "C4n4ryLaterQq") <= 1, "copies of the new key");
});

test("E26: a crash leaves no core, and who runs as the same user can't look in", async (t) => {
	/* root of a user namespace may be the only one in it */
	if (!root || spawnSync("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", "true"]).status !== 0)
		return;
	const dir = folder(t);
	const home = join(dir, "home");
	const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
	chmodSync(dir, 0o755);
	mkdirSync(home);
	chownSync(home, 65534, 65534);
	writeFileSync(join(home, "bellpull.json"), JSON.stringify({ sandbox: true, http: { listen: ["127.0.0.1:8099"] }, sip: { listen: ["udp:127.0.0.1:0"] } }));
	const child = spawn("setpriv", [...nobody, "sh", "-c", "ulimit -c unlimited; exec \"$0\" --config bellpull.json", process.env.RELEASE_BINARY],
		{ cwd: home, stdio: "ignore", env: { ...process.env, LEAK: "C4n4ryEnvironment" } });
	t.later(() => child.kill("SIGKILL"));
	const exited = new Promise((done) => child.on("exit", (code, signal) => done(signal ?? code)));
	await eventually("it listens", () => new Promise((done) => {
		const socket = net.connect(8099, "127.0.0.1", () => {
			socket.destroy();
			done(true);
		});
		socket.on("error", () => done(false));
	}));
	const look = (file) => spawnSync("setpriv", [...nobody, "cat", `/proc/${child.pid}/${file}`], { encoding: "latin1" });
	for (const file of ["environ", "maps", "mem"]) {
		const { status, stderr } = look(file);
		ok(status !== 0 && /Permission denied/.test(stderr), `${file} can be read`);
	}
	equal(look("status").status, 0, "what everybody may see");
	child.kill("SIGABRT");
	equal(await exited, "SIGABRT");
	equal(readdirSync(home).filter((name) => /core/.test(name)), [], "core files");
	ok(readFileSync(join(home, "bellpull.db")).length > 0, "it hasn't run");
});
