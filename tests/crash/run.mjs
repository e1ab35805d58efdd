/* node tests/crash/run.mjs BINARY [WORD...]
 *
 * The outcome contract under kill -9, with phones that outlive the process:
 * G2 (each 201 ends once, no Idempotency-Key dials twice), G3 (no phantom calls),
 * G4 (an orphan's end), G5 (copies as after a power cut). CRASH_KILLS (100) says how
 * often, CRASH_SEED=N draws the same chances again. */
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { equal, eventually, match, ok, runAll, test } from "../wire/harness.mjs";
import { Phones } from "./phones.mjs";

const KILLS = Number(process.env.CRASH_KILLS ?? 100);
const SEED = Number(process.env.CRASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
const STATUS = { queued: 0, ringing: 1, "in-progress": 2 };
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* mulberry32 */
let state = SEED;
const draw = () => {
	state = (state + 0x6d2b79f5) | 0;
	let t = Math.imul(state ^ (state >>> 15), 1 | state);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};
const pick = (...list) => list[Math.floor(draw() * list.length)];

/* What an honest machine answers about a database file: SQLite's own word for it. */
const python = (code, ...args) => execFileSync("python3", ["-c", code, ...args], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const integrity = (file) => python("import sqlite3,sys\nd=sqlite3.connect(sys.argv[1])\nprint(d.execute('PRAGMA integrity_check').fetchone()[0])\n"
	+ "print(len(d.execute('PRAGMA foreign_key_check').fetchall()))", file).trim().split("\n");

const office = (phones, port, more = {}) => ({
	lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: phones.port, register: false }],
	sip: { listen: [`udp:127.0.0.1:${port}`] },
	limits: { requests_per_s: 100000, calls_per_s: 10000, calls: 10000 }, ...more,
});

/* A UDP port that is free now, and the same for each process of a story. */
const freeUdp = async () => {
	const probe = await new Phones().open();
	const { port } = probe;
	probe.close();
	return port;
};

/* Exactly one end for the call and for each leg, dense numbers, no way back. */
const check = async (gw, id, what = "") => {
	const call = await gw.api("GET", `/calls/${id}`);
	equal(call.status, 200, `GET of ${id} ${what}`);
	const { data } = (await gw.api("GET", `/calls/${id}/events`, { headers: { Accept: "application/json" } })).json;
	const told = `${data.map((event) => event.type).join(" ")} of ${id}, ${what} (CRASH_SEED=${SEED})`;
	const count = (type) => data.filter((event) => event.type === type).length;
	equal([call.json.state, count("call.ended")], ["ended", 1], `the end: ${told}`);
	equal(count("leg.ended"), count("leg.initiated"), `ends of legs: ${told}`);
	equal(data.map((event) => event.seq), data.map((_, i) => i + 1), `seq: ${told}`);
	const ranks = data.map((event) => STATUS[event.call.status] ?? 3);
	equal(ranks, [...ranks].sort((a, b) => a - b), `status: ${told}`);
	return call.json;
};

const gone = (error) => /ECONN|socket hang up|EPIPE|ENETDOWN/.test(String(error?.code ?? error));

/* One client: places an order with a key until it has its answer, whatever happens to
 * the gateway meanwhile; then the same order again, as a client would that crashed. */
const client = async (gw, world) => {
	while (!world.over) {
		const order = world.orders.length;
		const kind = pick("answer", "answer", "answer", "busy", "ring", "late");
		const body = { to: `sip:${kind}-${order}`, ring_timeout: 4, time_limit: pick(1, 2, 5), setup_deadline: 8,
			...(draw() < 0.3 ? { from: `sip:answer-${order}` } : {}) };
		const mine = { kind, body, answers: [] };
		world.orders.push(mine);
		for (let tries = 0; mine.answers.length < 2 && tries < 200; tries++) {
			try {
				const reply = await gw.api("POST", "/calls", { body, headers: { "Idempotency-Key": `order-${order}` } });
				if (reply.status === 201)
					mine.answers.push(reply.json.id);
				else
					ok([409, 503].includes(reply.status), `${reply.status} ${reply.text}`);
			} catch (error) {
				if (!gone(error))
					throw error;
			}
			await sleep(20 + 60 * draw());
		}
	}
};

/* The database and its WAL as a power cut would leave them: copied while it is
 * written to, in whatever order. */
const snapshot = (gw, to) => {
	const from = join(gw.dir, "bellpull.db");
	const files = ["", "-wal"].map((suffix) => [from + suffix, to + suffix]).filter(([file]) => existsSync(file));
	for (const [file, copy] of files)
		copyFileSync(file, copy);
};

test(`G2 G3: ${KILLS} times kill -9 under load: each 201 ends once, no key dials twice, no phone is left`, async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const world = { orders: [], over: false };
	const starts = [];
	const clients = Array.from({ length: 6 }, () => client(gw, world));
	for (let n = 0; n < KILLS; n++) {
		await sleep(100 + 500 * draw());
		await gw.kill("SIGKILL");
		const began = performance.now();
		await gw.restart();
		starts.push(performance.now() - began);
	}
	world.over = true;
	await Promise.all(clients);
	await eventually("all calls are over", async () => (await gw.api("GET", "/capacity")).json.calls === 0, 30_000);

	const ids = new Set(world.orders.flatMap((order) => order.answers));
	ok(ids.size > KILLS, `${ids.size} calls only`);
	const ends = {};
	for (const [n, order] of world.orders.entries()) {
		equal(new Set(order.answers).size, 1, `calls of order-${n} (CRASH_SEED=${SEED})`);
		const call = await check(gw, order.answers[0], `order-${n}`);
		ends[call.cause] = (ends[call.cause] ?? 0) + 1;
		for (const role of ["to", "from"]) {
			const name = order.body[role]?.slice("sip:".length);
			const invites = [...phones.calls.values()].filter((rung) => rung.name === name && rung.order === n);
			ok(invites.length <= (order.kind === "answer" && order.body.from ? 2 : 1), `INVITEs to ${name}: ${invites.length} (CRASH_SEED=${SEED})`);
		}
	}
	/* no call that nobody was told of: what was stored and never answered has ended, too */
	let cursor = "";
	do {
		const page = (await gw.api("GET", `/calls?limit=200${cursor && `&cursor=${cursor}`}`)).json;
		for (const call of page.data)
			equal(call.state, "ended", call.id);
		cursor = page.next_cursor;
	} while (cursor);
	await eventually("no phone is left ringing or talking", () => !phones.open_ends().length, 40_000).catch((error) => {
		throw new Error(`${error.message} (CRASH_SEED=${SEED}): ${JSON.stringify(phones.open_ends().slice(0, 4)
			.map(({ name, final, acked, byes, cancels }) => ({ name, final, acked, byes, cancels })))}`);
	});
	starts.sort((a, b) => a - b);
	const expired = [...phones.calls.values()].filter((call) => call.expired).length;
	console.log(`   ${world.orders.length} orders, ${phones.calls.size} phones rung, ${expired} till their INVITE expired; ends: ${JSON.stringify(ends)}`);
	console.log(`   start-up ms: median ${starts[starts.length >> 1].toFixed(0)}, worst ${starts.at(-1).toFixed(0)}`);
});

test("G3: a phone that answers after the crash is told ACK and BYE, one that rings CANCEL", async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const stream = await gw.events("/events");
	const ids = [];
	for (const to of ["sip:late-1", "sip:ring-2", "sip:answer-3"])
		ids.push((await gw.api("POST", "/calls", { body: { to } })).json.id);
	for (const id of ids)
		await stream.untilType("call.ringing", id);
	await stream.untilType("call.answered", ids[2]);
	await gw.kill("SIGKILL");
	await gw.restart();
	const find = (name) => [...phones.calls.values()].find((call) => call.name === name);
	await eventually("CANCEL for what rings", () => find("ring-2").cancels && find("ring-2").final === 487);
	await eventually("ACK of its 487", () => find("ring-2").acked);
	await eventually("ACK and BYE for what answers late", () => find("late-1").final === 200 && find("late-1").acked && find("late-1").byes === 1);
	match(find("late-1").byeReason, /Q\.850;cause=41/);
	await eventually("BYE for what talked", () => find("answer-3").byes === 1);
	match(gw.log(), /call\.stray/);
	equal([...phones.calls.values()].length, 3, "INVITEs");
	for (const id of ids)
		equal((await check(gw, id)).cause, "server_restart");
});

test("G3: a phone that begins to ring after the crash is told CANCEL", async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const rung = new Promise((done) => { phones.rung = done; });
	const { id } = (await gw.api("POST", "/calls", { body: { to: "sip:slow-1" } })).json;
	const call = await rung;
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("CANCEL and ACK of its 487", () => call.cancels && call.final === 487 && call.acked);
	equal((await check(gw, id)).cause, "server_restart");
	equal(call.expired, undefined, "by itself");
});

test("G3: a phone whose ringing nobody has heard stops when the INVITE expires", async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const rung = new Promise((done) => {
		phones.rung = (call) => {
			gw.process.kill("SIGSTOP");
			done(call);
		};
	});
	const { id } = (await gw.api("POST", "/calls", { body: { to: "sip:ring-1", ring_timeout: 1 } })).json;
	const call = await rung;
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("487 and its ACK", () => call.final === 487 && call.acked);
	equal((await check(gw, id)).cause, "server_restart");
});

test("G4: an orphan's end is the last sign of life, and flagged", async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const stream = await gw.events("/events");
	const { id } = (await gw.api("POST", "/calls", { body: { to: "sip:answer-1" } })).json;
	const answered = await stream.untilType("call.bridged", id);
	const alive = () => Number(python("import sqlite3,sys\nprint((sqlite3.connect(sys.argv[1]).execute(\"SELECT value FROM meta WHERE name='alive_at'\")"
		+ ".fetchone() or [0])[0])", join(gw.dir, "bellpull.db")));
	const sign = await eventually("a sign of life", () => alive() > Date.parse(answered.occurred_at) && alive(), 30_000);
	await gw.kill("SIGKILL");
	const died = Date.now();
	const last = alive();
	await sleep(1500); /* nobody is there to see it */
	await gw.restart();
	const call = await check(gw, id);
	equal([call.status, call.cause, call.ended_at_estimated], ["completed", "server_restart", true]);
	equal(Date.parse(call.ended_at), last, "ended_at");
	ok(last >= sign && last <= died, "not later than it was killed");
	equal(call.duration, Math.round((last - Date.parse(call.answered_at)) / 1000), "duration");
	const ordinary = (await gw.api("POST", "/calls", { body: { to: "sip:busy-2" } })).json.id;
	const end = await eventually("an ordinary end", async () => {
		const now = (await gw.api("GET", `/calls/${ordinary}`)).json;
		return now.ended_at && now;
	});
	ok(!("ended_at_estimated" in end), "which somebody saw");
	/* while nobody calls there are no signs */
	equal(alive(), last, "signs of life while nobody calls");
});

test("G5: copies of the database at random instants are whole, and a gateway starts on each", async (t) => {
	const phones = await new Phones().open();
	const dir = mkdtempSync(join(tmpdir(), "bellpull-copies-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const world = { orders: [], over: false };
	const clients = Array.from({ length: 6 }, () => client(gw, world));
	const copies = [];
	for (let n = 0; n < 12; n++) {
		await sleep(100 + 400 * draw());
		/* stopped for an instant: a copy is not atomic, a power cut is */
		gw.process.kill("SIGSTOP");
		await sleep(10);
		const copy = join(dir, `${n}.db`);
		snapshot(gw, copy);
		const told = world.orders.flatMap((order) => order.answers);
		gw.process.kill("SIGCONT");
		copies.push({ copy, told });
	}
	world.over = true;
	await Promise.all(clients);
	const nobody = await new Phones().open();
	t.later(() => nobody.close());
	for (const { copy, told } of copies) {
		const twin = `${copy}.twin`;
		for (const suffix of ["", "-wal"])
			if (existsSync(copy + suffix))
				copyFileSync(copy + suffix, twin + suffix);
		equal(integrity(twin), ["ok", "0"], `integrity_check of ${copy} (CRASH_SEED=${SEED})`);
		const other = await t.gateway(office(nobody, await freeUdp(), { store: { url: `sqlite:${copy}` } }));
		await eventually("all calls are over", async () => (await other.api("GET", "/capacity")).json.calls === 0);
		for (const id of told)
			await check(other, id, "in a copy");
		const { data } = (await other.api("GET", "/calls?limit=200")).json;
		for (const call of data)
			await check(other, call.id, "in a copy");
		equal((await other.kill("SIGTERM")).code, 0);
		equal(integrity(copy), ["ok", "0"]);
	}
});

/* A database of many calls: those of one gateway, copied in it by SQL. */
const grow = (file, count) => python(`
import sqlite3, sys
d = sqlite3.connect(sys.argv[1])
row = d.execute("SELECT * FROM calls WHERE ended_at IS NOT NULL LIMIT 1").fetchone()
names = [c[1] for c in d.execute("PRAGMA table_info(calls)")]
events = d.execute("SELECT * FROM events WHERE call_id = ? ORDER BY id", (row[names.index("id")],)).fetchall()
enames = [c[1] for c in d.execute("PRAGMA table_info(events)")]
snapshot = '{"id":"x","status":"busy","legs":[]}'
no, eid = d.execute("SELECT max(no) FROM calls").fetchone()[0], d.execute("SELECT max(id) FROM events").fetchone()[0]
D = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
calls, evs = [], []
for n in range(int(sys.argv[2])):
    no += 1
    id = "call_01A" + "".join(D[n >> (5 * k) & 31] for k in range(22, -1, -1))
    c = list(row); c[names.index("no")] = no; c[names.index("id")] = id; c[names.index("snapshot")] = snapshot
    calls.append(c)
    for e in events[:6]:
        eid += 1
        x = list(e); x[enames.index("id")] = eid; x[enames.index("call_id")] = id
        evs.append(x)
d.executemany("INSERT INTO calls VALUES (%s)" % ",".join("?" * len(names)), calls)
d.executemany("INSERT INTO events VALUES (%s)" % ",".join("?" * len(enames)), evs)
d.commit()
print(d.execute("SELECT count(*) FROM calls").fetchone()[0])`, file, String(count)).trim();

test("G2: a database of 100,000 calls starts as it is", async (t) => {
	const phones = await new Phones().open();
	t.later(() => phones.close());
	const gw = await t.gateway(office(phones, await freeUdp()));
	const { id } = (await gw.api("POST", "/calls", { body: { to: "sip:busy-1" } })).json;
	await eventually("it has ended", async () => (await gw.api("GET", `/calls/${id}`)).json.ended_at);
	equal((await gw.kill("SIGTERM")).code, 0);
	ok(Number(grow(join(gw.dir, "bellpull.db"), 100_000)) > 100_000, "calls");
	const took = [];
	for (const signal of ["SIGKILL", "SIGKILL", "SIGTERM"]) {
		const began = performance.now();
		await gw.restart();
		took.push(performance.now() - began);
		const open = (await gw.api("POST", "/calls", { body: { to: "sip:ring-2" } })).json.id;
		await eventually("it rings", async () => (await gw.api("GET", `/calls/${open}`)).json.status === "ringing");
		await gw.kill(signal);
	}
	await gw.restart();
	equal((await gw.api("GET", `/calls/${id}`)).json.status, "busy");
	console.log(`   start-up ms with 100,000 calls: ${took.map((ms) => ms.toFixed(0)).join(", ")}`);
});

process.exit(await runAll(resolve(process.argv[2]), process.argv.slice(3)));
