/* The disk is full, can't be written, is read by somebody for long, or has been
 * spoilt: G6 to G9. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, endOf, folder, SANDBOX, world, wrapped } from "./help.mjs";

/* The store refuses: what a gateway owes its users then, and afterwards. */
const withstand = async (gw, spoil, mend) => {
	const stream = await gw.events("/events?last_event_id=0");
	const up = await call(gw, { to: "sim:answer" });
	const leaving = await call(gw, { to: "sim:answer" });

	await spoil();
	const reply = await eventually("a call is refused", async () => {
		const { status, json, headers } = await gw.api("POST", "/calls", { body: { to: "853" } });
		return status === 503 && { json, headers };
	});
	equal(reply.json.code, "storage");
	match(reply.headers["retry-after"], /^[1-9]\d*$/);
	const ready = await gw.api("GET", "/readyz");
	equal(ready.status, 503, "/readyz");
	equal((await gw.api("GET", "/livez")).status, 200, "/livez");
	equal((await gw.api("GET", `/calls/${up}`)).json.state, "bridged", "a call that was up");
	/* it can be hung up, though nobody can be told yet */
	await gw.api("DELETE", `/calls/${leaving}`);
	equal((await gw.api("GET", "/readyz")).status, 503, "/readyz");
	ok(!stream.seen.some(({ type, call_id }) => type === "call.ended" && call_id === leaving), "an event that is not on disk");

	await mend();
	await eventually("it recovers by itself", async () => (await gw.api("GET", "/readyz")).status === 200);
	await stream.untilType("call.ended", leaving);
	equal((await gw.api("GET", `/calls/${up}`)).json.state, "bridged", "a call that was up");
	await endOf(gw, await call(gw, { to: "sim:busy" }, "ended"));
	await gw.api("DELETE", `/calls/${up}`);
	await stream.untilType("call.ended", up);
	const ends = stream.seen.filter(({ type }) => type === "call.ended").map(({ call_id }) => call_id);
	equal(ends.length, new Set(ends).size, "ends, each once");
};

test("G6: a full disk: new calls get 503, running ones go on, and it recovers by itself", async (t) => {
	const disk = join(folder(t), "disk");
	mkdirSync(disk);
	const gw = await wrapped(t, `exec unshare -m sh -c 'mount -t tmpfs -o size=1m tmpfs ${disk} && exec "$0" "$@"' GATEWAY "$@"`,
		{ ...SANDBOX, store: { url: `sqlite:${disk}/bellpull.db` } });
	const inside = `/proc/${gw.process.pid}/root${disk}`;
	const ballast = join(inside, "ballast");
	await withstand(gw, () => {
		/* the last byte, too */
		const fd = openSync(ballast, "w");
		for (let size = 65536; size >= 1; size >>= 1) {
			try {
				for (;;)
					writeSync(fd, Buffer.alloc(size));
			} catch {
				/* smaller pieces */
			}
		}
		closeSync(fd);
	}, () => rmSync(ballast));
});

test("G7: a disk that became read-only, and is mended", async (t) => {
	const { options, disk } = world(t);
	const gw = await t.gateway(SANDBOX, options);
	const EROFS = 30;
	await withstand(gw, () => disk(EROFS), () => disk(0));
});

test("G7: a disk with errors, and is mended", async (t) => {
	const { options, disk } = world(t);
	const gw = await t.gateway(SANDBOX, options);
	const EIO = 5;
	await withstand(gw, () => disk(EIO), () => disk(0));
});

test("G7: a read-only disk at the start is refused with a sentence and code 74", async (t) => {
	const disk = join(folder(t), "disk");
	mkdirSync(disk);
	let wrong;
	try {
		await wrapped(t, `exec unshare -m sh -c 'mount -t tmpfs -o ro tmpfs ${disk} && exec "$0" "$@"' GATEWAY "$@"`,
			{ ...SANDBOX, store: { url: `sqlite:${disk}/bellpull.db` } });
	} catch (error) {
		wrong = error;
	}
	match(wrong?.message, /code: 74/);
	match(wrong?.message, /database .*bellpull\.db can't be opened: Read-only file system/);
	t.ends.splice(-1); /* nothing to stop */
});

test("G8: the WAL grows while somebody reads for long, and no more when he has left", async (t) => {
	const gw = await t.gateway(SANDBOX);
	const db = join(gw.dir, "bellpull.db");
	const size = () => statSync(`${db}-wal`).size;
	const busy = async (count) => {
		const ids = [];
		for (let i = 0; i < count; i++)
			ids.push((await gw.api("POST", "/calls", { body: { to: "sim:busy", metadata: { filler: "x".repeat(3000) } } })).json.id);
		for (const id of ids)
			await endOf(gw, id);
	};
	const reader = spawn("python3", ["-c", `
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN")
print(db.execute("SELECT count(*) FROM calls").fetchone()[0], flush=True)
sys.stdin.read()
`, db], { stdio: ["pipe", "pipe", "inherit"] });
	t.later(() => reader.kill());
	await new Promise((done) => reader.stdout.once("data", done));
	await busy(150);
	const grown = size();
	ok(grown > 4 * 1024 * 1024, `the WAL has only ${grown} bytes: the reader doesn't hold it`);
	equal((await gw.api("GET", "/readyz")).status, 200, "/readyz with a long reader");

	reader.stdin.end();
	await new Promise((done) => reader.on("exit", done));
	await busy(150);
	const after = size();
	await busy(150);
	ok(size() <= after, `the WAL has grown on, from ${grown} to ${after} to ${size()} bytes`);
});

test("G9: a database that was spoilt is refused with a sentence and code 74, and left alone", async (t) => {
	const gw = await t.gateway(SANDBOX);
	await endOf(gw, await call(gw, { to: "sim:busy" }, "ended"));
	await gw.kill();
	const db = join(gw.dir, "bellpull.db");
	const whole = readFileSync(db);
	const spoilt = {
		"its head": [0, "this is no database any more"],
		"a page in the middle": [4096 * 3, "x".repeat(4096)],
		"its schema": [100, Buffer.alloc(400, 0xff)],
	};
	for (const [name, [at, bytes]] of Object.entries(spoilt)) {
		const fd = openSync(db, "r+");
		writeSync(fd, whole, 0, whole.length, 0);
		writeSync(fd, Buffer.from(bytes), 0, bytes.length, at);
		closeSync(fd);
		const before = readFileSync(db);
		const seen = gw.log().length;
		delete gw.exit;
		gw.spawn();
		equal((await gw.exited).code, 74, name);
		match(gw.log().slice(seen), /the database .* (is damaged|is no database|is a database of another program).*\n/, name);
		ok(readFileSync(db).equals(before), `${name}: the file was written to`);
	}
	const fd = openSync(db, "r+");
	writeSync(fd, whole, 0, whole.length, 0);
	closeSync(fd);
	await gw.restart();
	equal((await gw.api("GET", "/calls")).json.data.length, 1, "the calls of the whole one");
});
