/* unit.mjs - the page's pure parts (web/lib), without a browser:
 *
 *   node tests/web/unit.mjs */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
/* Node takes a bare .js for a module only from version 20.19 on, Debian 12 has 18. */
const load = (path) => import(`data:text/javascript,${encodeURIComponent(read(path))}`);

const { EVENT_TYPES, isComplete, newestFirst, onCallEvent, onCallList, onLineEvent, onReset, storySteps } = await load("web/lib/calls.js");
const { KNOWN_CAUSES, callee, causeWords, clock, lineFacts, lineWords, offset, span, statusWords, stepWords, summary, tone } = await load("web/lib/words.js");

const tests = [];
const test = (name, body) => tests.push([name, body]);

const A = "call_01A";
const B = "call_01B";
const call = (id, revision, more = {}) => ({ id, revision, to: "853", state: "dialing_first", status: "queued", legs: [{ role: "to" }], last_event_id: null, ...more });
const event = (call_id, seq, type, more = {}) => ({
	id: seq * 10, type, seq, call_id, leg: type.startsWith("leg.") ? "to" : null, data: {},
	occurred_at: `2026-11-22T05:00:0${seq}.000Z`,
	call: call(call_id, seq, { last_event_id: seq * 10 }), ...more,
});
const tell = (calls, ...events) => events.reduce((at, news) => onCallEvent(at, news), calls);
const types = (entry) => entry.steps.map((step) => step.type);

test("a call appears with its first event", () => {
	const calls = tell(new Map(), event(A, 1, "call.queued"));
	assert.deepEqual(types(calls.get(A)), ["call.queued"]);
});

test("an event leaves the old state as it was", () => {
	const before = tell(new Map(), event(A, 1, "call.queued"));
	const after = tell(before, event(A, 2, "call.initiated"));
	assert.equal(before.get(A).steps.length, 1);
	assert.equal(after.get(A).steps.length, 2);
});

test("an event that comes twice is one step, and no change at all", () => {
	const once = tell(new Map(), event(A, 1, "call.queued"), event(A, 2, "call.initiated"));
	assert.equal(tell(once, event(A, 2, "call.initiated")), once);
});

test("an old snapshot does not put a call back", () => {
	const calls = onCallList(tell(new Map(), event(A, 5, "call.ended")), [call(A, 2)]);
	assert.equal(calls.get(A).call.revision, 5);
});

test("a replayed event adds its step and keeps the newer snapshot", () => {
	const calls = tell(new Map(), event(A, 3, "leg.ringing"), event(A, 2, "leg.initiated"));
	assert.equal(calls.get(A).call.revision, 3);
	assert.deepEqual(types(calls.get(A)), ["leg.initiated", "leg.ringing"]);
});

test("events about lines change no call", () => {
	const calls = tell(new Map(), event(A, 1, "call.queued"));
	assert.equal(onCallEvent(calls, { type: "line.registered", call_id: null, seq: null, call: null }), calls);
});

test("a line's event is the line as it is now", () => {
	const lines = [{ name: "office", state: "registering" }, { name: "sandbox", state: "registered" }];
	const news = (name, state) => ({ type: `line.${state}`, call_id: null, data: { name, state } });
	assert.deepEqual(onLineEvent(lines, news("office", "failed")).map(({ name, state }) => `${name} ${state}`), ["office failed", "sandbox registered"]);
	assert.equal(onLineEvent(lines, news("new", "registered")).length, 3);
	assert.equal(onLineEvent(lines, { type: "call.queued", data: {} }), lines);
});

test("steps are complete only without holes, from the first to the newest", () => {
	const whole = tell(new Map(), event(A, 1, "call.queued"), event(A, 2, "call.initiated"));
	assert.equal(isComplete(whole.get(A)), true);
	assert.equal(isComplete(tell(whole, event(A, 4, "leg.ringing")).get(A)), false, "a hole");
	assert.equal(isComplete(tell(new Map(), event(A, 2, "call.initiated")).get(A)), false, "no beginning");
	assert.equal(isComplete(onCallList(new Map(), [call(A, 1)]).get(A)), false, "nothing yet");
	assert.equal(isComplete(onCallList(whole, [call(A, 9, { last_event_id: 90 })]).get(A)), false, "a newer snapshot");
});

test("a reset replaces the list and keeps the steps that are known", () => {
	const before = tell(new Map(), event(A, 1, "call.queued"), event(B, 1, "call.queued"));
	const after = onReset(before, { calls: [call(B, 7)] });
	assert.deepEqual([...after.keys()], [B]);
	assert.equal(after.get(B).call.revision, 7);
	assert.equal(after.get(B).steps.length, 1);
});

test("the newest call stands first", () => {
	const calls = onCallList(new Map(), [call(A, 1), call(B, 1)]);
	assert.deepEqual(newestFirst(calls).map((entry) => entry.call.id), [B, A]);
});

test("past the limit the oldest ended call leaves, a living one never", () => {
	const ended = { state: "ended", status: "completed" };
	const calls = onCallList(new Map(), [call("call_1", 1), call("call_2", 1, ended), call("call_3", 1, ended)], 2);
	assert.deepEqual([...calls.keys()].sort(), ["call_1", "call_3"]);
	const living = onCallList(new Map(), [call("call_1", 1), call("call_2", 1), call("call_3", 1)], 2);
	assert.equal(living.size, 3);
});

test("one leg: what call and leg both tell is told once", () => {
	const all = ["call.queued", "call.initiated", "leg.initiated", "leg.ringing", "call.ringing", "leg.answered", "call.answered", "call.bridged", "leg.ended", "call.ended"];
	const { [A]: entry } = Object.fromEntries(tell(new Map(), ...all.map((type, at) => event(A, at + 1, type))));
	assert.deepEqual(storySteps(entry).map(({ type }) => type), ["call.queued", "leg.initiated", "leg.ringing", "leg.answered", "call.bridged", "call.ended"]);
});

test("a call that never had a leg still tells its steps", () => {
	const calls = tell(new Map(), event(A, 1, "call.queued"), event(A, 2, "call.initiated"), event(A, 3, "call.ended"));
	assert.deepEqual(storySteps(calls.get(A)).map(({ type }) => type), ["call.queued", "call.initiated", "call.ended"]);
});

test("two legs: every step is told", () => {
	const legs = [{ role: "from" }, { role: "to" }];
	const both = event(A, 1, "leg.ringing", { call: call(A, 1, { legs }) });
	const calls = tell(new Map(), both, event(A, 2, "call.ringing", { call: call(A, 2, { legs }) }));
	assert.equal(storySteps(calls.get(A)).length, 2);
});

test("every cause of the gateway has its words", () => {
	const header = read("sip/cause.h");
	const list = header.slice(header.indexOf("enum gw_cause {"), header.indexOf("GW_CAUSE_COUNT"));
	const causes = [...list.matchAll(/GW_CAUSE_([A-Z_0-9]+)/g)].map(([, name]) => name.toLowerCase()).filter((name) => name !== "none");
	assert.ok(causes.length > 30);
	assert.deepEqual(causes.filter((name) => !KNOWN_CAUSES.includes(name)), []);
	for (const cause of causes)
		assert.match(causeWords({ cause }).say, /^[A-Z].*\.$/);
});

test("every event has its words", () => {
	for (const type of EVENT_TYPES.filter((name) => /^(call|leg)\./.test(name))) {
		const { say } = stepWords(event(A, 1, type));
		assert.ok(say && !say.includes("undefined") && !/^(Call|Leg) /.test(say), `${type}: ${say}`);
	}
});

test("names of a later gateway are shown as words, never as nothing", () => {
	assert.equal(stepWords(event(A, 1, "call.whisper.started")).say, "Call whisper started");
	assert.equal(causeWords({ cause: "moon_phase" }).say, "Moon phase.");
	assert.equal(statusWords({ state: "dreaming", status: "asleep" }), "Dreaming");
	assert.equal(lineWords({ state: "lost_at_sea" }).say, "Lost at sea");
});

test("a step carries the far side's code", () => {
	const ringing = (data) => stepWords(event(A, 1, "leg.ringing", { data })).fact;
	assert.equal(ringing({ sip_code: 180, sip_reason: "Ringing" }), "180 Ringing");
	assert.equal(ringing({ sip_code: 180, sip_reason: null }), "180");
	assert.equal(ringing({}), "");
});

test("who hung up is said", () => {
	const words = (ended_by) => causeWords({ cause: "normal_clearing", ended_by }).say;
	assert.equal(words("to"), "They hung up.");
	assert.equal(words("api"), "You hung up.");
	assert.equal(words("timer"), "The call was hung up normally.");
});

test("a status has words and a tone", () => {
	const ended = (status) => ({ state: "ended", status });
	assert.deepEqual([statusWords(ended("busy")), tone(ended("busy"))], ["Busy", "quiet"]);
	assert.deepEqual([statusWords(ended("failed")), tone(ended("failed"))], ["Failed", "bad"]);
	assert.deepEqual([statusWords({ state: "bridged", status: "in-progress" }), tone({ state: "bridged", status: "in-progress" })], ["In progress", "live"]);
	assert.equal(summary({ state: "waiting_for_line", line: "office" }), "The line office is still registering.");
});

test("times", () => {
	assert.deepEqual([0, 7, 65, 3725].map(clock), ["0:00", "0:07", "1:05", "1:02:05"]);
	assert.deepEqual([0, 42, 60, 130, 3600, 7500].map(span), ["0 s", "42 s", "1 min", "2 min 10 s", "1 h", "2 h 5 min"]);
	const start = "2026-11-22T05:00:00.000Z";
	assert.equal(offset(start, start), "0.0 s");
	assert.equal(offset(start, "2026-11-22T05:00:00.210Z"), "+0.2 s");
	assert.equal(offset(start, "2026-11-22T05:01:05.000Z"), "+1:05");
	assert.equal(offset(start, "2026-11-22T04:59:59.000Z"), "0.0 s");
	assert.equal(offset(undefined, undefined), "0.0 s");
});

test("addresses lose their scheme, sandbox phones keep it", () => {
	assert.deepEqual(["sip:853@pbx", "tel:+4930", "sim:busy", "853"].map(callee), ["853@pbx", "+4930", "sim:busy", "853"]);
});

test("a failed line says why, and when it tries again", () => {
	const now = Date.parse("2026-11-22T05:00:00.000Z");
	const facts = Object.fromEntries(lineFacts({ state: "failed", last_code: 403, last_reason: "Forbidden", next_try_at: "2026-11-22T05:00:48.000Z", server: "PBX", calls: 0 }, now));
	assert.deepEqual(facts, { "Last answer": "403 Forbidden", "Next try": "in 48 s", Server: "PBX" });
	const up = Object.fromEntries(lineFacts({ state: "registered", registered_until: "2026-11-22T05:10:00.000Z", calls: 2 }, now));
	assert.deepEqual(up, { Renews: "in 10 min", "Calls up": "2" });
});

let failed = 0;
for (const [name, body] of tests)
	try {
		body();
		console.log(`ok ${name}`);
	} catch (error) {
		failed += 1;
		console.log(`FAILED ${name}: ${error.message}`);
	}
console.log(`${tests.length - failed} passed, ${failed} failed`);
process.exitCode = failed ? 1 : 0;
