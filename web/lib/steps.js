/* lib/steps.js - how a call got where it is: its steps in words, and as spans of
 * time for each phone. Pure. */
import { isPair, nameOf } from "/lib/people.js";
import { BROWSER, STATUSES, ms, plain, sentence, sipText, span } from "/lib/words.js";

/* --- in words --------------------------------------------------------------- */

/* What the far side said at this step. */
const stepSip = ({ data }) => sipText({ code: data?.sip_code, reason: data?.sip_reason });

/* The leg that an event speaks of: of several in one role the newest, and at an
 * end the one that ended last. */
const legOf = ({ type, leg: role, call }) => {
	const legs = (call?.legs ?? []).filter((leg) => leg.role === role);
	if (type !== "leg.ended")
		return legs.at(-1);
	return legs.filter((leg) => leg.state === "ended").sort((a, b) => ms(a.ended_at) - ms(b.ended_at)).at(-1) ?? legs.at(-1);
};

const who = (event) => nameOf(event.call ?? {}, event.leg ?? "to", legOf(event));

/* Events about one phone name it, others speak of the call. */
const ofOne = (say, one) => (event) => [event.leg ? `${who(event)} ${one}` : say, stepSip(event)];

const STEPS = {
	"call.queued": () => ["Accepted and on record"],
	"call.initiated": (event) => [`Dialling on ${event.call?.line ?? "the line"}`],
	"call.ringing": () => ["Ringing"],
	"call.early_media": () => ["Sound before the answer"],
	"call.answered": () => ["Answered"],
	"call.bridged": (event) => [isPair(event.call ?? {}) ? "They can talk" : "Sound is flowing"],
	"call.hold": ofOne("Put on hold", "was put on hold"),
	"call.unhold": ofOne("Taken off hold", "was taken off hold"),
	"call.dtmf": (event) => {
		const key = event.data?.digit ?? event.data?.digits ?? "";
		return [event.leg ? `${who(event)} pressed ${key}` : `Key ${key} pressed`];
	},
	"call.confirm.passed": ofOne("Confirmed by key", "pressed the key"),
	"call.confirm.failed": ofOne("Not confirmed", "did not press the key"),
	"call.playback.started": (event) => ["Announcement started", event.data?.play],
	"call.playback.ended": () => ["Announcement over"],
	"call.media.stalled": ofOne("No sound is arriving", "sends no sound"),
	"call.recording.saved": (event) => ["Recording saved", event.data?.duration ? span(event.data.duration) : ""],
	"call.transfer.started": (event) => ["Transfer started", event.data?.to],
	"call.transfer.completed": (event) => [event.leg ? `Transferred: ${who(event)} is in the call now` : "Transferred"],
	"call.transfer.failed": (event) => ["Transfer failed, all is as before", stepSip(event)],
	"call.ended": (event) => [STATUSES[event.call?.status] ?? "Ended", sipText(event.call?.sip)],
	"leg.initiated": (event) => [legOf(event)?.uri === BROWSER ? "The browser connects" : `Dialled ${who(event)}`],
	"leg.ringing": (event) => [`${who(event)} is ringing`, stepSip(event)],
	"leg.early_media": (event) => [`${who(event)} sends sound before the answer`, stepSip(event)],
	"leg.answered": (event) => [`${who(event)} answered`, stepSip(event) || legOf(event)?.codec],
	"leg.ended": (event) => [`${who(event)} is gone`, stepSip(event)],
};

/* { say, fact }: the step for people, and the bare fact behind it ("180 Ringing"). */
export const stepWords = (event) => {
	const [say, fact = ""] = STEPS[event.type]?.(event) ?? [sentence(plain(event.type))];
	return { say, fact: fact ?? "" };
};

/* --- as spans of time --------------------------------------------------------- */

const SPANS = { dial: "was dialled", ring: "rang", wait: "waited", talk: "talked", hold: "was on hold" };

/* When the call or this role was on hold, as [begin, end] within `until`. */
const holds = (steps, role, until) => {
	const spans = [];
	let begin = NaN;
	for (const { type, leg, occurred_at } of steps) {
		if (leg && leg !== role)
			continue;
		if (type === "call.hold" && !(begin >= 0))
			begin = ms(occurred_at);
		if (type === "call.unhold" && begin >= 0) {
			spans.push([begin, ms(occurred_at)]);
			begin = NaN;
		}
	}
	return begin >= 0 ? [...spans, [begin, until]] : spans;
};

/* Cuts the holds out of a talk. */
const talks = (begin, end, pauses) => {
	const cut = [];
	let at = begin;
	for (const [from, to] of pauses.filter(([from, to]) => to > begin && from < end)) {
		cut.push(["talk", at, Math.max(at, from)], ["hold", Math.max(at, from), Math.min(to, end)]);
		at = Math.min(to, end);
	}
	return [...cut, ["talk", at, end]];
};

/* Between the answer of the last phone and the bridge lie milliseconds. */
const NO_WAIT_MS = 50;

const spansOf = (call, leg, started, steps, now) => {
	const end = ms(leg.ended_at) || now;
	const [ringing, answered] = [ms(leg.ringing_at), ms(leg.answered_at)];
	const bridged = Math.max(ms(call.bridged_at), answered);
	const begin = started || ringing || answered;
	const spans = [["dial", begin, ringing || answered || end]];
	if (ringing)
		spans.push(["ring", ringing, answered || end]);
	const waited = bridged <= end ? bridged : end;
	if (waited - answered > NO_WAIT_MS)
		spans.push(["wait", answered, waited]);
	if (answered && bridged <= end)
		spans.push(...talks(bridged, end, holds(steps, leg.role, end)));
	return spans.filter(([, from, to]) => to > from);
};

/* [{ name, role, spans: [{ kind, from, to }], say }]: a lane for each phone that
 * was dialled; from and to are shares of the call's time, 0 to 1. */
export const lanes = ({ call, steps }, now) => {
	const begin = ms(call.created_at);
	const whole = Math.max(1, (ms(call.ended_at) || now) - begin);
	const share = (time) => Math.min(1, Math.max(0, (time - begin) / whole));
	const seen = { from: 0, to: 0 };
	const dialled = (role) => steps.filter(({ type, leg }) => type === "leg.initiated" && leg === role);

	return (call.legs ?? []).filter(({ state }) => state !== "new").map((leg) => {
		const started = ms(dialled(leg.role)[seen[leg.role]]?.occurred_at ?? (seen[leg.role] ? null : call.started_at));
		seen[leg.role] += 1;
		const spans = spansOf(call, leg, started, steps, now);
		return {
			role: leg.role,
			name: nameOf(call, leg.role, leg),
			spans: spans.map(([kind, from, to]) => ({ kind, from: share(from), to: share(to) })),
			say: spans.map(([kind, from, to]) => `${SPANS[kind]} ${to - from < 10000 ? `${((to - from) / 1000).toFixed(1)} s` : span((to - from) / 1000)}`).join(", "),
		};
	});
};
