/* node tests/soak/run.mjs BINARY [WORD...]
 *
 * G26: everything at once for SOAK_SECONDS (60), hours if you like: calls of one and two
 * legs, commands, refusals, streams that come and go, pages, reloads. Memory and
 * descriptors stay what they were after the first third, each call ends once, and
 * nothing is left at the end. A line each ten seconds. */
import { readFileSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

import { equal, eventually, ok, runAll, test } from "../wire/harness.mjs";

const SECONDS = Number(process.env.SOAK_SECONDS ?? 60);
const TICK_MS = 10_000;
const CALLERS = 16, READERS = 8;
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const pick = (...list) => list[Math.floor(Math.random() * list.length)];

const proc = (pid) => {
	const status = readFileSync(`/proc/${pid}/status`, "utf8");
	return { rss: Number(/VmRSS:\s*(\d+)/.exec(status)[1]) / 1024, threads: Number(/Threads:\s*(\d+)/.exec(status)[1]),
		fds: readdirSync(`/proc/${pid}/fd`).length };
};

/* Least squares: MiB a minute. */
const slope = (samples) => {
	const n = samples.length;
	const mean = (of) => samples.reduce((sum, sample) => sum + of(sample), 0) / n;
	const t = mean((s) => s.at), y = mean((s) => s.rss);
	const up = samples.reduce((sum, s) => sum + (s.at - t) * (s.rss - y), 0);
	const down = samples.reduce((sum, s) => sum + (s.at - t) ** 2, 0);
	return down ? (60_000 * up) / down : 0;
};

const order = () => ({
	to: pick("853", "sim:answer", "sim:answer", "sim:busy", "sim:decline", "sim:forked", "sim:early-media", "sim:not-found", "sim:no-answer"),
	ring_timeout: 2, time_limit: pick(1, 2), setup_deadline: 5, record: Math.random() < 0.1,
	...(Math.random() < 0.4 ? { from: pick("sim:answer", "853", "sim:busy"), join: pick("auto", "direct", "refer") } : {}),
	...(Math.random() < 0.2 ? { metadata: { n: Math.random() } } : {}),
});
const commands = [["hold", {}], ["unhold", {}], ["mute", {}], ["unmute", {}], ["dtmf", { digits: "1" }], ["hangup", {}],
	["transfer", { to: "sim:busy", mode: "blind" }]];

const caller = async (gw, world) => {
	while (!world.over) {
		const reply = await gw.api("POST", "/calls", { body: order(), headers: Math.random() < 0.5 ? { "Idempotency-Key": `k${world.placed}` } : {} });
		ok([201, 409, 422, 503].includes(reply.status), `${reply.status} ${reply.text}`);
		world.placed += reply.status === 201;
		if (reply.status === 201)
			world.last = reply.json.id;
		await sleep(200 + 400 * Math.random());
		for (let n = 0; n < 3 && reply.status === 201; n++) {
			const [what, body] = pick(...commands);
			const answer = await gw.api("POST", `/calls/${reply.json.id}/${what}`, { body });
			ok([200, 409].includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
			await sleep(200 * Math.random());
		}
	}
};

const refused = [["POST", "/calls", { to: "no such thing" }, 422], ["POST", "/calls", "{", 400], ["GET", "/calls?cursor=x", undefined, 400],
	["GET", "/calls/call_01J9ZK3V5X8Q2M4N6P7R9S0T1W", undefined, 404], ["PUT", "/calls", {}, 405], ["POST", "/calls", "x".repeat(70_000), 413]];

const nuisance = async (gw, world) => {
	while (!world.over) {
		for (const [method, path, body, status] of refused)
			equal((await gw.api(method, path, { body, type: body === undefined ? undefined : "application/json" })).status, status, `${method} ${path}`);
		for (const path of ["/calls?limit=20", "/metrics", "/capacity", "/lines", `/calls/${world.last}/sip`, `/calls/${world.last}`])
			await gw.api("GET", path);
		await sleep(200);
	}
};

/* Each sees what comes, in order, without a hole of its own making. */
const reader = async (gw, world) => {
	while (!world.over) {
		const stream = await gw.events(Math.random() < 0.5 ? "/events" : `/calls/${world.last ?? "x"}/events`).catch(() => null);
		if (!stream)
			return;
		await Promise.race([sleep(500 + 3000 * Math.random()), stream.ended]);
		stream.close();
		gw.streams.delete(stream);
		const ids = stream.seen.map((event) => event.id);
		equal(ids, [...ids].sort((a, b) => a - b), "ids of a stream");
		world.events += ids.length;
	}
};

test(`G26: ${SECONDS} s of everything: memory and descriptors stay, nothing is left`, async (t) => {
	const gw = await t.gateway({ sandbox: true, limits: { requests_per_s: 100000, calls_per_s: 10000 } });
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox")).json.state === "registered");
	const idle = proc(gw.process.pid);
	const world = { over: false, placed: 0, events: 0, samples: [] };
	const began = Date.now();
	const first = (await gw.api("POST", "/calls", { body: { to: "sim:busy" } })).json.id;
	world.last = first;
	const work = [...Array.from({ length: CALLERS }, () => caller(gw, world)), ...Array.from({ length: READERS }, () => reader(gw, world)),
		nuisance(gw, world)];
	const failed = Promise.race(work).then(() => "over");
	let said = 0;
	while (Date.now() - began < SECONDS * 1000) {
		await Promise.race([sleep(1000), failed]);
		const now = { at: Date.now() - began, ...proc(gw.process.pid) };
		world.samples.push(now);
		if (now.at - said >= TICK_MS) {
			said = now.at;
			console.log(`   ${String(Math.round(now.at / 1000)).padStart(5)} s: ${world.placed} calls, ${world.events} events read, `
				+ `${now.rss.toFixed(1)} MiB, ${now.fds} descriptors, ${now.threads} threads`);
			gw.process.kill("SIGHUP");
		}
	}
	world.over = true;
	await Promise.all(work);
	const settled = world.samples.filter((sample) => sample.at > SECONDS * 333);
	const half = (from, to) => settled.slice(from * settled.length, to * settled.length);
	const mean = (list) => list.reduce((sum, sample) => sum + sample.rss, 0) / list.length;
	const grown = mean(half(0.5, 1)) - mean(half(0, 0.5));
	console.log(`   memory ${grown >= 0 ? "+" : ""}${grown.toFixed(2)} MiB from one half to the other, ${slope(settled).toFixed(2)} MiB/min`);

	await eventually("all calls are over", async () => (await gw.api("GET", "/capacity")).json.calls === 0, 30_000);
	let cursor = "", calls = 0;
	do {
		const page = (await gw.api("GET", `/calls?limit=200${cursor && `&cursor=${cursor}`}`)).json;
		for (const call of page.data)
			equal(call.state, "ended", call.id);
		calls += page.data.length;
		cursor = page.next_cursor;
	} while (cursor);
	ok(calls >= world.placed, `${calls} of ${world.placed} calls in the list`);
	/* what calls and readers had open is given back; connections of this client may linger */
	await eventually("descriptors as before", () => proc(gw.process.pid).fds <= idle.fds + 4, 60_000)
		.catch(() => ok(false, `${proc(gw.process.pid).fds} descriptors, ${idle.fds} before`));
	equal(proc(gw.process.pid).threads, idle.threads, "threads");
	ok(grown < 12, `memory has grown by ${grown.toFixed(1)} MiB`);
	/* a window of events, a cache of pages: all of it is bounded, and small */
	ok(settled.at(-1).rss < idle.rss + 96, `${settled.at(-1).rss.toFixed(0)} MiB, ${idle.rss.toFixed(0)} before`);
	equal((await gw.kill("SIGTERM")).code, 0);
});

process.exit(await runAll(resolve(process.argv[2]), process.argv.slice(3)));
