/* unit.mjs - the page's pure parts (web/lib), without a browser:
 *
 *   node tests/web/unit.mjs */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const read = (path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
/* Node takes a bare .js for a module only from version 20.19 on, Debian 12 has 18. */
const urls = new Map();
const urlOf = (path) => {
	if (!urls.has(path)) {
		/* a module out of a data: URL has no folder its imports could be found in */
		const text = read(path).replaceAll(/ from "\/(lib\/\w+\.js)"/g, (_, file) => ` from "${urlOf(`web/${file}`)}"`);
		urls.set(path, `data:text/javascript,${encodeURIComponent(text)}`);
	}
	return urls.get(path);
};
const load = (path) => import(urlOf(path));

const { EVENT_TYPES, isComplete, newestFirst, onCallEvent, onCallList, onLineEvent, onReset, storySteps } = await load("web/lib/calls.js");
const { callee, clock, lineFacts, lineWords, offset, span, statusWords, tone } = await load("web/lib/words.js");
const { hintWords, legColumns, legWords, mosWords, nameOf, qualityWords, title } = await load("web/lib/people.js");
const { KNOWN_CAUSES, causeWords, summary } = await load("web/lib/causes.js");
const { lanes, stepWords } = await load("web/lib/steps.js");
const { controlsOf } = await load("web/lib/controls.js");
const { diagram } = await load("web/lib/ladder.js");
const hooks = await load("web/lib/hooks.js");
const { soon, watchLadders } = await load("web/lib/watch.js");

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

test("two legs: what call and leg both tell is told once, and the end of each leg is told", () => {
	const all = ["call.queued", "call.initiated", "leg.initiated", "leg.ringing", "call.ringing", "leg.answered", "call.answered", "call.bridged", "leg.ended", "call.ended"];
	const two = { from: "854", legs: [{ role: "from" }, { role: "to" }] };
	const calls = tell(new Map(), ...all.map((type, at) => event(A, at + 1, type, { call: call(A, at + 1, two) })));
	assert.deepEqual(storySteps(calls.get(A)).map(({ type }) => type), ["call.queued", "leg.initiated", "leg.ringing", "leg.answered", "call.bridged", "leg.ended", "call.ended"]);
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

/* --- two people --------------------------------------------------------------- */

const T = (ms) => new Date(Date.parse("2026-11-22T05:00:00.000Z") + ms).toISOString();
const leg = (role, state, more = {}) => ({ role, uri: `sip:${role}@pbx`, state, status: "in-progress", sip_call_id: `${role}-id`, codec: null, muted: false, held: false, ...more });
const pair = (state, legs, more = {}) => ({ id: A, from: "853", to: "sim:busy", state, status: "in-progress", legs, created_at: T(0), ...more });
const bridged = (more) => pair("bridged", [leg("from", "answered"), leg("to", "answered")], more);
const afterTransfer = (more) => pair("bridged", [leg("from", "answered"), leg("to", "ended", { status: "completed", cause: "transferred", ended_at: T(8000) }), leg("to", "answered", { uri: "sip:+491234@pbx;transport=tcp" })], more);

test("two people are named, one is named alone", () => {
	assert.equal(title(bridged()), "853 to sim:busy");
	assert.equal(title({ to: "sip:853@pbx", from: null }), "853@pbx");
});

test("the status says which of two phones rings", () => {
	assert.equal(statusWords(pair("first_ringing", [])), "First phone ringing");
	assert.equal(statusWords(pair("second_ringing", [])), "Second phone ringing");
	assert.equal(statusWords({ state: "first_ringing", status: "ringing", from: null }), "Ringing");
	const talks = (from, to, state) => statusWords({ state, status: "ringing", from, to });
	assert.deepEqual(["dialing_first", "second_ringing", "bridged"].map((state) => talks("webrtc", "853", state)), ["The browser connects", "Ringing", "In progress"]);
	assert.deepEqual(["dialing_first", "first_ringing", "dialing_second"].map((state) => talks("853", "webrtc", state)), ["Dialling", "Ringing", "The browser connects"]);
	assert.equal(legWords({ uri: "webrtc", state: "dialing" }).say, "Connecting");
});

test("every state of a leg has its words", () => {
	const header = read("sip/call.h");
	const states = [...header.slice(header.indexOf("enum gw_leg_state {"), header.indexOf("GW_LEG_STATE_COUNT")).matchAll(/GW_LEG_([A-Z_]+)/g)].map(([, name]) => name.toLowerCase());
	assert.ok(states.length >= 11);
	const plain = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ");
	for (const state of states.filter((name) => name !== "ended" && name !== "ringing"))
		assert.notEqual(legWords({ state, status: "queued" }).say, plain(state), state);
	assert.deepEqual(legWords({ state: "ended", status: "busy" }), { say: "Busy", tone: "quiet" });
	assert.deepEqual(legWords({ state: "ended", status: "failed" }), { say: "Failed", tone: "bad" });
	assert.equal(legWords({ state: "ended", status: "completed" }).say, "Hung up");
	assert.equal(legWords({ state: "ended", status: "completed", cause: "transferred" }).say, "Transferred away");
	assert.equal(legWords({ state: "dreaming" }).say, "Dreaming");
});

test("every hint of the gateway has its words", () => {
	for (const hint of ["busy", "congestion", "sit", "ringback", "voicemail_beep", "unknown"])
		assert.doesNotMatch(hintWords(hint), /^Heard: /, hint);
	assert.equal(hintWords("bird_song"), "Heard: bird song.");
	assert.equal(hintWords(null), "");
});

test("how it sounds is said in words", () => {
	assert.deepEqual([4.4, 4.1, 3.7, 3.2, 1.5, null].map(mosWords), ["very good (4.4)", "good (4.1)", "fair (3.7)", "poor (3.2)", "bad (1.5)", ""]);
	assert.equal(qualityWords({ sent: 100, received: 95, lost: 5, mos: 3.2 }), "poor (3.2), 5.0 % lost");
	assert.equal(qualityWords({ sent: 100, received: 100, lost: 0, mos: 4.4 }), "very good (4.4)");
	assert.equal(qualityWords({ sent: 100, received: 0, lost: 0, mos: null }), "nothing was heard");
	assert.equal(qualityWords(null), "");
});

test("each person has a column, also before being rung", () => {
	const [from, to] = legColumns(pair("first_ringing", [leg("from", "ringing")]));
	assert.deepEqual([from.role, from.legs[0].name, from.legs[0].say], ["from", "853", "Ringing"]);
	assert.deepEqual([to.role, to.legs[0].name, to.legs[0].say], ["to", "sim:busy", "Not rung yet"]);
	const [, never] = legColumns(pair("ended", [leg("from", "ended", { status: "no-answer" })]));
	assert.equal(never.legs[0].say, "Never rung");
	assert.equal(legColumns({ to: "853", from: null, state: "bridged", legs: [leg("to", "answered")] }).length, 1);
});

test("what the API lists first is not what stands on the left", () => {
	const columns = legColumns(pair("bridged", [leg("to", "answered"), leg("from", "answered")]));
	assert.deepEqual(columns.map(({ role }) => role), ["from", "to"]);
});

test("who came by a transfer stands below whoever left, by the number that was dialled", () => {
	const [, to] = legColumns(afterTransfer());
	assert.deepEqual(to.legs.map(({ name, say }) => `${name}: ${say}`), ["sim:busy: Transferred away", "+491234: On the line"]);
	assert.equal(nameOf(afterTransfer(), "to"), "+491234");
});

test("held, muted, codec, refusal and hint stand at their leg", () => {
	const row = (more, state = "answered") => legColumns(pair("bridged", [leg("from", state, more)]))[0].legs[0];
	assert.deepEqual(row({ muted: true, held: true }).tags, ["Muted", "On hold"]);
	assert.deepEqual(row({ muted: true, held: true }, "held").tags, ["Muted"], "the state says it already");
	assert.deepEqual(row({ codec: "PCMA/8000" }).facts, [["Codec", "PCMA/8000"]]);
	assert.deepEqual(row({ sip: { code: 486, reason: "Busy Here" } }, "ended").facts, [["SIP", "486 Busy Here"]]);
	assert.deepEqual(row({ sip: { code: 200, reason: "OK" } }, "ended").facts, []);
	assert.match(row({ cause_hint: "busy" }).hint, /busy tone/);
});

test("of two people it is said who ended it, by name", () => {
	const say = (more) => causeWords(bridged({ state: "ended", ...more })).say;
	assert.equal(say({ cause: "normal_clearing", ended_by: "from" }), "853 hung up.");
	assert.equal(say({ cause: "normal_clearing", ended_by: "to" }), "sim:busy hung up.");
	assert.equal(say({ cause: "normal_clearing", ended_by: "api" }), "You hung up.");
	assert.equal(say({ cause: "busy", failed_leg: "to" }), "sim:busy is on another call.");
	assert.equal(say({ cause: "ring_timeout", failed_leg: "from" }), "853 did not pick up in time.");
	assert.equal(say({ cause: "canceled_by_first_leg" }), "853 hung up before sim:busy answered.");
	assert.equal(say({ cause: "time_limit", ended_by: "timer" }), "The call reached its time limit.");
	assert.equal(say({ cause: "normal_clearing", handed_over: true }), "The two phones were joined directly and talk on without the gateway.");
	assert.equal(causeWords(afterTransfer({ state: "ended", cause: "normal_clearing", ended_by: "to" })).say, "+491234 hung up.");
});

test("what two people wait for is said", () => {
	assert.equal(summary(pair("first_answered", [leg("from", "confirming")])), "853 is asked to press the key.");
	assert.match(summary(pair("held", [])), /on hold/);
});

test("a step names the phone it is about", () => {
	const say = (type, role, more = {}) => stepWords(event(A, 1, type, { leg: role, call: bridged(), ...more })).say;
	assert.equal(say("leg.initiated", "from"), "Dialled 853");
	assert.equal(say("leg.initiated", "from", { call: { ...bridged(), from: "webrtc", legs: [{ role: "from", uri: "webrtc" }] } }), "The browser connects");
	assert.equal(say("leg.answered", "to"), "sim:busy answered");
	assert.equal(say("call.confirm.passed", "from"), "853 pressed the key");
	assert.equal(say("call.dtmf", "from", { data: { digit: "5" } }), "853 pressed 5");
	assert.equal(say("call.hold", null), "Put on hold");
	assert.equal(say("call.hold", "to"), "sim:busy was put on hold");
	assert.equal(say("call.bridged", null), "They can talk");
	assert.equal(say("leg.answered", "to", { call: afterTransfer() }), "+491234 answered");
	assert.equal(say("leg.ended", "to", { call: afterTransfer() }), "sim:busy is gone", "the one that ended, not the newest");
	assert.equal(stepWords(event(A, 1, "call.recording.saved", { data: { duration: 61.6 } })).fact, "1 min 2 s");
	assert.equal(stepWords(event(A, 1, "call.transfer.failed", { data: { sip_code: 486, sip_reason: "Busy Here" } })).fact, "486 Busy Here");
});

test("each phone has its lane of time", () => {
	const from = leg("from", "ended", { ringing_at: T(1000), answered_at: T(3000), ended_at: T(10000) });
	const to = leg("to", "ended", { ringing_at: T(4000), answered_at: T(4998), ended_at: T(10000) });
	const entry = {
		call: pair("ended", [from, to], { started_at: T(0), bridged_at: T(5000), ended_at: T(10000) }),
		steps: [
			event(A, 1, "leg.initiated", { leg: "from", occurred_at: T(0) }),
			event(A, 2, "leg.initiated", { leg: "to", occurred_at: T(3000) }),
			event(A, 3, "call.hold", { leg: null, occurred_at: T(6000) }),
			event(A, 4, "call.unhold", { leg: null, occurred_at: T(8000) }),
			event(A, 5, "call.hold", { leg: "to", occurred_at: T(9000) }),
		],
	};
	const told = lanes(entry, Date.parse(T(99000))).map(({ spans }) => spans.map(({ kind, from: a, to: b }) => `${kind} ${a}-${b}`).join(" "));
	assert.deepEqual(told, [
		"dial 0-0.1 ring 0.1-0.3 wait 0.3-0.5 talk 0.5-0.6 hold 0.6-0.8 talk 0.8-1",
		"dial 0.3-0.4 ring 0.4-0.4998 talk 0.5-0.6 hold 0.6-0.8 talk 0.8-0.9 hold 0.9-1",
	]);
	assert.equal(lanes(entry, 0)[1].say, "was dialled 1.0 s, rang 1.0 s, talked 1.0 s, was on hold 2.0 s, talked 1.0 s, was on hold 1.0 s");
});

test("a lane grows while its call lives, and has nothing to tell of a phone not rung", () => {
	const call = pair("first_ringing", [leg("from", "ringing", { ringing_at: T(1000) }), leg("to", "new")], { started_at: T(0) });
	const rows = lanes({ call, steps: [] }, Date.parse(T(4000)));
	assert.equal(rows.length, 1);
	assert.deepEqual(rows[0].spans, [{ kind: "dial", from: 0, to: 0.25 }, { kind: "ring", from: 0.25, to: 1 }]);
});

/* --- what can be done ------------------------------------------------------------ */

const names = (can) => Object.entries(can).filter(([, value]) => (Array.isArray(value) ? value.length : value)).map(([name]) => name);

test("a control is there only in the states that allow it", () => {
	const both = [leg("from", "answered"), leg("to", "answered")];
	const talking = ["hangup", "hold", "mute", "keypad", "transfer", "play", "record"];
	const table = [
		["queued", [], ["hangup"]],
		["first_ringing", [leg("from", "ringing")], ["hangup"]],
		["first_answered", [leg("from", "confirming")], ["hangup"]],
		["second_ringing", [leg("from", "answered"), leg("to", "ringing")], ["hangup", "keypad"]],
		["bridged", both, talking],
		["held", both, talking],
		["transferring", both, ["hangup", "keypad"]],
		["ending", both, ["hangup"]],
		["ended", [leg("from", "ended"), leg("to", "ended")], []],
	];
	for (const [state, legs, expected] of table)
		assert.deepEqual(names(controlsOf(pair(state, legs))), expected, state);
	assert.deepEqual(names(controlsOf(bridged({ handed_over: true }))), ["hangup"]);
});

test("one leg has nobody to be transferred", () => {
	const one = { id: A, to: "853", from: null, state: "bridged", legs: [leg("to", "answered")] };
	assert.deepEqual(names(controlsOf(one)), ["hangup", "hold", "mute", "keypad", "play", "record"]);
});

test("switches show what is on", () => {
	const on = controlsOf(pair("held", [leg("from", "held", { held: true, muted: true }), leg("to", "answered")], { recording: { state: "recording" } }));
	assert.deepEqual(on.hold, { on: false }, "one of them only");
	assert.deepEqual(on.mute.map(({ leg: role, muted, held }) => [role, muted, held]), [["from", true, true], ["to", false, false]]);
	assert.deepEqual(on.record, { on: true });
	assert.deepEqual(controlsOf(pair("held", [leg("from", "held", { held: true }), leg("to", "held", { held: true })])).hold, { on: true });
	assert.deepEqual(on.keypad.map(({ leg: role }) => role), ["to", "from"], "keys are meant for the far side");
});

test("a recording is offered when it is saved, also afterwards, and from here only", () => {
	const recording = { state: "saved", duration: 2.4, url: "https://elsewhere.example/x.wav" };
	assert.deepEqual(controlsOf(pair("ended", [], { recording })).recording, { state: "saved", href: `/calls/${A}/recording`, duration: 2.4 });
	assert.deepEqual(controlsOf(pair("ended", [], { recording: { state: "saving" } })).recording, { state: "saving" });
	assert.equal(controlsOf(bridged({ recording: { state: "recording" } })).recording, null);
	assert.equal(controlsOf(bridged()).recording, null);
});

/* --- the ladder -------------------------------------------------------------------- */

const sip = (at, direction, first_line, call_id, cseq, more = "", branch = "z9hG4bKa") => ({
	time: T(at), direction, first_line,
	text: `${first_line}\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=${branch}\r\nCall-ID: ${call_id}\r\nCSeq: ${cseq}\r\n${more}\r\n`,
});

test("one leg is drawn in two columns", () => {
	const one = { to: "sip:853@pbx", from: null, legs: [leg("to", "answered")] };
	const { columns, rows } = diagram(one, { messages: [
		sip(0, "out", "INVITE sip:853@pbx SIP/2.0", "to-id", "1 INVITE", "Content-Type: application/sdp\r\n\r\nv=0\r\n"),
		sip(12, "in", "SIP/2.0 180 Ringing", "to-id", "1 INVITE"),
		sip(1500, "in", "SIP/2.0 486 Busy Here", "to-id", "1 INVITE"),
	] });
	assert.deepEqual(columns.map(({ name }) => name), ["Bellpull", "853@pbx"]);
	assert.deepEqual(rows.map(({ label, note, kind, since, sent, role }) => [label, note, kind, since, sent, role]), [
		["INVITE", "SDP", "request", "0.000 s", true, "to"],
		["180 Ringing", "", "reply", "0.012 s", false, "to"],
		["486 Busy Here", "INVITE", "refusal", "1.500 s", false, "to"],
	]);
	assert.equal(rows[0].say, "to 853@pbx: INVITE (SDP)");
	assert.equal(rows[1].say, "from 853@pbx: 180 Ringing");
});

test("two legs are told apart by their Call-ID, long or short, or by leg", () => {
	const short = sip(2, "in", "SIP/2.0 180 Ringing", "to-id", "1 INVITE");
	short.text = short.text.replace("Call-ID:", "i:");
	const { columns, rows } = diagram(bridged(), { messages: [
		sip(0, "out", "INVITE sip:from@pbx SIP/2.0", "from-id", "1 INVITE"),
		sip(1, "out", "INVITE sip:to@pbx SIP/2.0", "to-id", "1 INVITE"),
		short,
		{ ...sip(3, "in", "BYE sip:us SIP/2.0", "no such id", "1 BYE"), leg: "to" },
	] });
	assert.deepEqual(columns.map(({ role, name }) => [role, name]), [["from", "853"], [null, "Bellpull"], ["to", "sim:busy"]]);
	assert.deepEqual(rows.map(({ role }) => role), ["from", "to", "to", "to"]);
});

test("a browser sends no SIP and has no column", () => {
	const names = (more) => diagram({ ...bridged(), ...more }).columns.map(({ name }) => name);
	assert.deepEqual(names({ from: "webrtc", to: "sim:answer" }), ["Bellpull", "sim:answer"]);
	assert.deepEqual(names({ from: "853", to: "webrtc" }), ["853", "Bellpull"]);
});

test("the shorter shape of a message is read, too", () => {
	const [row] = diagram(bridged(), { messages: [{ at: T(0), sent: true, leg: "to", text: "OPTIONS sip:to@pbx SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n" }] }).rows;
	assert.deepEqual([row.label, row.sent, row.since], ["OPTIONS", true, "0.000 s"]);
});

test("a message sent again is known, a new one of the same kind is not", () => {
	const invite = sip(0, "out", "INVITE sip:to@pbx SIP/2.0", "to-id", "1 INVITE");
	const { rows } = diagram(bridged(), { messages: [
		invite, { ...invite, time: T(500) },
		sip(600, "out", "INVITE sip:to@pbx SIP/2.0", "to-id", "2 INVITE", "", "z9hG4bKb"),
		sip(700, "in", "SIP/2.0 180 Ringing", "to-id", "2 INVITE", "To: <sip:to@pbx>;tag=1\r\n"),
		sip(701, "in", "SIP/2.0 180 Ringing", "to-id", "2 INVITE", "To: <sip:to@pbx>;tag=2\r\n"),
		sip(900, "in", "SIP/2.0 180 Ringing", "to-id", "2 INVITE", "To: <sip:to@pbx>;tag=2\r\n"),
		sip(950, "in", "INVITE sip:to@pbx SIP/2.0", "to-id", "1 INVITE"),
	] });
	assert.deepEqual(rows.map(({ again }) => again), [false, true, false, false, false, true, false]);
	assert.match(rows[1].say, /, sent again$/);
});

test("after a transfer an arrow says whose it is", () => {
	const call = afterTransfer();
	call.legs[2].sip_call_id = "third-id";
	const { columns, rows } = diagram(call, { messages: [
		sip(0, "out", "INVITE sip:to@pbx SIP/2.0", "to-id", "1 INVITE"),
		sip(9000, "out", "INVITE sip:+491234@pbx SIP/2.0", "third-id", "1 INVITE"),
		sip(75000, "out", "BYE sip:from@pbx SIP/2.0", "from-id", "2 BYE"),
	] });
	assert.deepEqual(columns.map(({ name }) => name), ["853", "Bellpull", "sim:busy"]);
	assert.deepEqual(rows.map(({ note, since }) => [note, since]), [["sim:busy", "0.000 s"], ["+491234", "9.000 s"], ["", "1:15"]]);
});

test("diagnosis and gaps are told before the ladder, and an empty one is none", () => {
	assert.equal(diagram(bridged(), { messages: [], skipped: 3, diagnosis: "Password refused twice." }).note, "Password refused twice. 3 messages in between were not kept.");
	assert.deepEqual(diagram(bridged(), { messages: [], skipped: 0, diagnosis: null }), { columns: diagram(bridged()).columns, rows: [], note: "" });
});

/* --- looking again ------------------------------------------------------------------- */

/* Timers that are fired by hand. */
const withTimers = (body) => {
	const [set, clear] = [globalThis.setTimeout, globalThis.clearTimeout];
	const timers = new Map();
	let next = 1;
	globalThis.setTimeout = (work, ms) => {
		timers.set(next, { work, ms });
		return next++;
	};
	globalThis.clearTimeout = (id) => timers.delete(id);
	const fire = () => {
		const due = [...timers.values()];
		timers.clear();
		due.forEach(({ work }) => work());
	};
	try {
		body(fire, timers);
	} finally {
		[globalThis.setTimeout, globalThis.clearTimeout] = [set, clear];
	}
};

test("many events are one look", () => withTimers((fire) => {
	let looks = 0;
	const look = soon(100, () => { looks += 1; });
	look();
	look();
	fire();
	assert.equal(looks, 1);
	look();
	fire();
	assert.equal(looks, 2);
}));

test("a ladder is read while somebody looks, once soon and once when it has settled", () => withTimers((fire, timers) => {
	const asked = [];
	const shown = [];
	let open = false;
	const { look } = watchLadders({ ask: (id, done) => { asked.push(id); done("sip"); }, wanted: () => open, show: (id, sip) => shown.push([id, sip]) });
	look(A);
	assert.equal(timers.size, 0, "nobody looks");
	open = true;
	look(A);
	look(A);
	look(A);
	assert.equal(timers.size, 2);
	fire();
	assert.deepEqual(asked, [A, A]);
	assert.deepEqual(shown, [[A, "sip"], [A, "sip"]]);
	look(A);
	open = false;
	fire();
	assert.equal(asked.length, 2, "it was closed meanwhile");
}));

const endpoint = { object: "webhook", name: "crm", url: "https://crm.example/", secrets: [], events: [], ordering: "call", state: "enabled", reason: null,
	disabled_at: null, failing_since: null, failures_in_a_row: 0, waiting: 0, in_flight: 0, delivered: 0, failed: 0, dead: 0 };

test("an endpoint says how it is, why, and what comes next", () => {
	const say = (more) => { const { say: word, tone, why } = hooks.endpointWords({ ...endpoint, ...more }); return [word, tone, why]; };
	assert.deepEqual(say({}), ["Enabled", "good", ""]);
	assert.match(say({ failing_since: "2026-11-22T05:00:00.000Z", failures_in_a_row: 1 }).join("|"), /^Failing\|waiting\|1 failure in a row, since /);
	assert.match(say({ state: "failing", failures_in_a_row: 20 }).join("|"), /^Resting\|bad\|20 failures in a row.*five minutes/);
	assert.match(say({ state: "disabled", reason: "it answered 410: gone for good", disabled_at: "2026-11-22T05:00:00.000Z" }).join("|"), /^Disabled\|bad\|It answered 410: gone for good, since .*kept as dead/);
});

test("an endpoint's facts leave no question open", () => {
	const told = (more) => Object.fromEntries(hooks.endpointFacts({ ...endpoint, ...more }));
	assert.deepEqual(told({}), { "Told of": "every event", Signed: "no: it has no secret", Waiting: "nothing", "Since the start": "0 delivered, 0 failed tries" });
	assert.equal(told({ secrets: ["...LaSw", "...oD"] }).Signed, "with the secret ending LaSw and the secret ending oD");
	assert.equal(told({ url: null })["Told of"], "what its calls ask for");
	assert.equal(told({ waiting: 3, in_flight: 1 }).Waiting, "3, 1 on the way");
	assert.match(told({ ordering: "none" }).Order, /side by side/);
});

test("callbacks of calls are named by their host", () => {
	assert.equal(hooks.endpointName({ name: "crm" }), "crm");
	assert.equal(hooks.endpointName({ name: "callback:sales:crm.example" }), "Callbacks to crm.example, key sales");
	assert.equal(hooks.endpointName({ name: "callback::::1" }), "Callbacks to ::1");
	assert.equal(hooks.endpointName({ name: "twilio:sales:crm.example" }), "Callbacks to crm.example in Twilio\u2019s words, key sales");
});

test("a delivery says what it took, and when it is tried next", () => {
	const at = "2026-11-22T05:00:40.000Z";
	const now = Date.parse("2026-11-22T05:00:00.000Z");
	const failed = { at, status: 500, duration_ms: 3, answer: "" };
	assert.equal(hooks.deliveryFact({ status: "waiting", tries: [failed], next_try_at: at }, now), "1 try, next in 40 s");
	assert.equal(hooks.deliveryFact({ status: "waiting", tries: [], next_try_at: at }, now), "due now");
	assert.equal(hooks.deliveryFact({ status: "waiting", tries: [failed], next_try_at: at }, now, { state: "disabled" }), "1 try, held back");
	assert.equal(hooks.deliveryFact({ status: "dead", tries: [failed, failed], next_try_at: null }, now), "2 tries");
	assert.deepEqual(hooks.deliveryWords({ status: "dead", tries: [] }), { say: "Not sent", tone: "bad" });
	assert.deepEqual(hooks.deliveryWords({ status: "dead", tries: [failed] }), { say: "Dead", tone: "bad" });
	assert.match(hooks.deliveryNext({ status: "dead", tries: [] }), /disabled/);
	assert.equal(hooks.tryCode({ status: null }), "no answer");
	assert.deepEqual([200, 302, null].map((status) => hooks.tryTone({ status })), ["good", "bad", "bad"]);
	assert.equal(hooks.shortCall("call_01J9ZK3V5X8Q2M4N6P7R9S0T1W"), "\u20269S0T1W");
});

test("the filter goes into the address and comes out of it", () => {
	const filter = { endpoint: "a&b", status: "dead", type: "", call: "call_01" };
	assert.equal(hooks.writeFilter(filter), "endpoint=a%26b&status=dead&call=call_01");
	assert.deepEqual(hooks.readFilter(`#${hooks.writeFilter(filter)}`), filter);
	assert.deepEqual(hooks.readFilter("#out"), { endpoint: "", status: "", type: "", call: "" });
});

test("the dead are counted for each endpoint", () => {
	const dead = hooks.countDead({ data: [{ endpoint: "a" }, { endpoint: "b" }, { endpoint: "a" }], next_cursor: null });
	assert.deepEqual([...dead], [["a", { count: 2, more: false }], ["b", { count: 1, more: false }]]);
	assert.equal(hooks.countDead({ data: [{ endpoint: "a" }], next_cursor: "7" }).get("a").more, true);
});

test("tests and replays are told in a sentence", () => {
	assert.equal(hooks.testWords({ delivered: true, status: 204, duration_ms: 7, answer: "" }), "It answered 204 in 7 ms.");
	assert.match(hooks.testWords({ delivered: false, status: 500, duration_ms: 7, answer: "sorry" }), /^It answered 500.*: sorry$/);
	assert.match(hooks.testWords({ delivered: false, status: null, duration_ms: 7, answer: "may not be told" }), /^No answer: may not be told\.$/);
	assert.equal(hooks.replayWords({ replayed: 1, more: false }), "1 delivery is on the way again.");
	assert.match(hooks.replayWords({ replayed: 1000, more: true }), /^1000 deliveries are .* There are more/);
	assert.match(hooks.replayWords({ replayed: 0, more: false }), /none/);
});

test("a range of time goes out as the API takes it", () => {
	assert.deepEqual(hooks.replayRange({ status: "dead", type: "", since: "", until: "" }), { status: "dead" });
	assert.deepEqual(hooks.replayRange({ status: "delivered", type: "call.ended", since: "2026-01-02T03:04", until: "2026-01-02T03:04:05" }),
		{ status: "delivered", type: "call.ended", since: new Date(2026, 0, 2, 3, 4).toISOString(), until: new Date(2026, 0, 2, 3, 4, 5).toISOString() });
});

test("every verdict of a hook has its words", () => {
	const schema = JSON.parse(read("server/openapi.json")).components.schemas.HookDelivery.properties.verdict.enum;
	for (const verdict of schema)
		assert.ok(hooks.verdictWords({ verdict }).why.length > 10, verdict);
	assert.equal(hooks.verdictWords({ verdict: "refused", code: "policy_denied" }).why, "The call it asked for was refused. (policy denied)");
	assert.equal(hooks.verdictWords({ verdict: "placed", call_ids: ["a", "b"] }).why, "It placed 2 calls.");
	assert.deepEqual(hooks.verdictWords({ verdict: "some_day" }), { say: "Some day", tone: "", why: "" });
});

test("a body's type is seen by its first sign", () => {
	assert.deepEqual([' {"a":1}', "[1]", "<a/>", "a=1"].map(hooks.bodyType),
		["application/json", "application/json", "application/xml", "application/x-www-form-urlencoded"]);
});

test("a dry run says who would ring, or why nobody", () => {
	const run = { allowed: true, rule: "all", detail: null, number: "+49301", uri: "sip:x", line: "office", frozen: false, limit_reached: null };
	const dry = (more) => hooks.dryWords({ places: true, when: true, order: { to: "853" }, errors: [], dry_run: run, ...more });
	assert.deepEqual(dry({}), { say: "It would ring 853", tone: "good", details: ["+49301 on the line office"] });
	assert.equal(dry({ order: { to: "853", from: "854" } }).say, "It would ring 854 and 853");
	assert.equal(dry({ when: false, places: false }).say, "No call");
	assert.deepEqual(dry({ places: false, errors: [{ pointer: "/phone", detail: "is missing" }] }).details, ["/phone is missing"]);
	assert.deepEqual(dry({ places: false, dry_run: { ...run, allowed: false, detail: "not here" } }), { say: "853 would be refused", tone: "bad", details: ["not here", "Rule: all"] });
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
