/* Whatever is asked of calls in whatever order, and whenever the process is killed:
 * each call ends once, each leg that was begun ends once, numbers have no holes, and
 * no status goes back. The orders are drawn by chance; a run that fails tells the
 * seed, and ORDER_SEED=N draws the same ones again (what the clock does in between
 * is never quite the same). */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, ok, test } from "./harness.mjs";
import { sine, writeWav } from "./sound.mjs";

const CALLERS = 12;
const WILLING = ["sim:answer", "sim:answer", "sim:answer", "853", "sim:press-1", "sim:early-media", "sim:forked", "sim:hangup",
	"sim:one-codec-gsm"];
const OTHERS = ["sim:busy", "sim:decline", "sim:no-answer", "sim:not-found", "sim:unavailable", "sim:overloaded", "sim:late-answer",
	"sim:auth-loop", "sim:no-media", "sim:redirect", "sim:voicemail", "sim:silent"];

/* mulberry32: small, and the same everywhere. */
const chance = (seed) => () => {
	seed = (seed + 0x6d2b79f5) | 0;
	let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
	t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
	return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
};

const drawer = (seed) => {
	const draw = chance(seed);
	const pick = (...list) => list[Math.floor(draw() * list.length)];
	const callee = () => (draw() < 0.8 ? pick(...WILLING) : pick(...OTHERS));
	const leg = () => pick({}, { leg: "from" }, { leg: "to" });
	const order = () => ({
		to: callee(), ring_timeout: pick(3, 4), time_limit: pick(3, 6), setup_deadline: pick(6, 9), record: draw() < 0.3,
		...(draw() < 0.3 ? { send_digits: "w12#" } : {}),
		...(draw() < 0.85 ? { from: callee(), first: pick("from", "to"), join: pick("auto", "direct", "refer") } : {}),
	});
	const command = () => pick(
		["hold", leg()], ["unhold", leg()], ["mute", leg()], ["unmute", leg()], ["dtmf", { digits: "12", ...leg() }],
		["play", { play: "hello.wav", ...leg() }], ["record", { on: draw() < 0.5 }], ["hangup", {}],
		["transfer", { to: callee(), mode: pick("blind", "attended"), ...leg() }]);
	return { draw, order, command };
};

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/* One who places calls and does something with them until time is up. What the
 * gateway doesn't answer (it is being killed) is no news. */
const caller = async (gw, drawn, until, ids) => {
	while (Date.now() < until) {
		try {
			const reply = await gw.api("POST", "/calls", { body: drawn.order() });
			if (reply.status !== 201) {
				equal(reply.status, 503, `the reply to an order (${reply.text})`);
				await sleep(200);
				continue;
			}
			ids.add(reply.json.id);
			await sleep(1200 + 600 * drawn.draw());
			for (let n = 0; n < 6; n++) {
				const [what, body] = drawn.command();
				const answer = await gw.api("POST", `/calls/${reply.json.id}/${what}`, { body });
				ok([200, 409, 503].includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
				await sleep(500 * drawn.draw());
			}
		} catch (error) {
			if (!/ECONN|socket hang up|EPIPE/.test(String(error?.code ?? error)))
				throw error;
			await sleep(100);
		}
	}
};

const STATUS = { queued: 0, ringing: 1, "in-progress": 2 };

const check = async (gw, id, seed) => {
	const { json: call } = await gw.api("GET", `/calls/${id}`);
	const events = (await gw.api("GET", `/calls/${id}/events`, { headers: { Accept: "application/json" } })).json.data;
	const told = events.map((event) => (event.leg ? `${event.type}(${event.leg})` : event.type)).join(" ");
	const count = (type) => events.filter((event) => event.type === type).length;
	const what = `seed ${seed}, ${id}: ${told}`;
	equal(call.state, "ended", `the state of ${what}`);
	equal(count("call.ended"), 1, `call.ended in ${what}`);
	equal(count("leg.ended"), count("leg.initiated"), `leg.ended in ${what}`);
	equal(events.map((event) => event.seq), events.map((_, i) => i + 1), `seq in ${what}`);
	const ranks = events.map((event) => STATUS[event.call.status] ?? 3);
	equal(ranks, [...ranks].sort((a, b) => a - b), `how far the status was in ${what}`);
};

for (const [name, seconds, kills] of [["in whatever order things are asked", 10, 0], ["whenever the process is killed", 12, 3]]) {
	test(`${name}, each call ends once`, async (t) => {
		const seed = Number(process.env.ORDER_SEED ?? Math.floor(Math.random() * 2 ** 31));
		const drawn = drawer(seed);
		const sounds = mkdtempSync(join(tmpdir(), "bellpull-sounds-"));
		t.later(() => rmSync(sounds, { recursive: true, force: true }));
		writeWav(join(sounds, "hello.wav"), 8000, [sine(8000, 880, 0.4)]);
		const gw = await t.gateway({ sandbox: true, media: { sounds }, limits: { requests_per_s: 100000, calls_per_s: 10000 } });
		const ids = new Set();
		const until = Date.now() + seconds * 1000;
		const callers = Promise.all(Array.from({ length: CALLERS }, () => caller(gw, drawn, until, ids)));
		for (let n = 0; n < kills; n++) {
			await sleep((seconds * 1000) / (kills + 1) * (0.7 + 0.6 * drawn.draw()));
			await gw.kill("SIGKILL");
			await gw.restart();
		}
		await callers;
		await eventually("all calls are over", async () => (await gw.api("GET", "/capacity")).json.calls === 0, 40_000);
		ok(ids.size > CALLERS, `${ids.size} calls only`);
		for (const id of ids)
			await check(gw, id, seed);
	});
}
