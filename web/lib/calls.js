/* lib/calls.js - what the page knows about calls and lines, and how news changes it.
 *
 * Pure: nothing here touches the document, the network or a clock. The state is
 * a Map from call id to an entry { call, steps }: `call` is the newest snapshot,
 * `steps` are the call's events in the order of their seq, each of them once.
 *
 * News may come twice (a list that was asked for while the stream ran) or with a
 * gap before it (the page was opened in mid-call). A newer revision wins, a step
 * that is known is dropped, and isComplete() tells whether steps are missing, so
 * that app.js can ask for the journal of that one call. */

/* An EventSource has no handler for "any event": each name must be listed. */
export const EVENT_TYPES = [
	"call.queued", "call.initiated", "call.ringing", "call.early_media",
	"call.answered", "call.bridged", "call.hold", "call.unhold", "call.dtmf",
	"call.confirm.passed", "call.confirm.failed", "call.playback.started",
	"call.playback.ended", "call.media.stalled", "call.recording.saved",
	"call.transfer.started", "call.transfer.completed", "call.transfer.failed",
	"call.ended", "leg.initiated", "leg.ringing", "leg.early_media",
	"leg.answered", "leg.ended", "line.registering", "line.registered",
	"line.failed", "line.unregistered", "gateway.draining",
];

/* The page is a window on the last calls, not the archive: so many are kept, and
 * of living calls all, so that their number is right. */
export const MAX_CALLS = 50;

export const isEnded = (call) => call.state === "ended";

/* Ids are ULIDs: their order is the order of creation. */
export const newestFirst = (calls) =>
	[...calls.values()].sort((a, b) => (a.call.id < b.call.id ? 1 : -1));

const newer = (known, call) =>
	known && (known.revision ?? 0) > (call.revision ?? 0) ? known : call;

const withStep = (steps, event) => {
	if (steps.some((step) => step.seq === event.seq))
		return steps;
	return [...steps, event].sort((a, b) => a.seq - b.seq);
};

/* Ended calls leave first, oldest first; a living call always stays. */
const withinLimit = (calls, limit) => {
	if (calls.size <= limit)
		return calls;
	const kept = new Map(calls);
	for (const { call } of newestFirst(calls).reverse()) {
		if (kept.size <= limit)
			break;
		if (isEnded(call))
			kept.delete(call.id);
	}
	return kept;
};

/* Snapshots from GET /calls: they add calls and freshen known ones. */
export const onCallList = (calls, list, limit = MAX_CALLS) => {
	const next = new Map(calls);
	for (const call of list) {
		const known = next.get(call.id);
		next.set(call.id, {
			call: newer(known?.call, call),
			steps: known?.steps ?? [],
		});
	}
	return withinLimit(next, limit);
};

/* One event of the journal, live, replayed or fetched. */
export const onCallEvent = (calls, event, limit = MAX_CALLS) => {
	if (!event.call_id || !event.call)
		return calls; /* line.*, gateway.*: not about a call */

	const known = calls.get(event.call_id);
	const steps = withStep(known?.steps ?? [], event);
	if (steps === known?.steps)
		return calls; /* told twice: the snapshot was taken the first time */
	const call = newer(known?.call, event.call);

	return withinLimit(new Map(calls).set(event.call_id, { call, steps }), limit);
};

/* The journal no longer holds what we missed: the snapshot replaces the list.
 * Steps that are known stay; isComplete() finds the calls that lost some. */
export const onReset = (calls, { calls: list = [] }, limit = MAX_CALLS) => {
	const next = new Map();
	for (const call of list)
		next.set(call.id, { call, steps: calls.get(call.id)?.steps ?? [] });
	return withinLimit(next, limit);
};

/* A line's event carries the line as it is now. */
export const onLineEvent = (lines, { type, data }) => {
	if (!type.startsWith("line.") || !data?.name)
		return lines;
	const known = lines.some((line) => line.name === data.name);
	return known ? lines.map((line) => (line.name === data.name ? data : line)) : [...lines, data];
};

/* Whether the steps tell the whole story up to the snapshot. */
export const isComplete = ({ call, steps }) => {
	const first = steps[0];
	const last = steps[steps.length - 1];
	return (
		first?.type === "call.queued" &&
		last.seq - first.seq + 1 === steps.length &&
		last.id >= (call.last_event_id ?? 0)
	);
};

/* Most things happen to the call and to a leg in the same moment. People want to
 * read them once: the leg tells (it has a name and the SIP code), except with one
 * leg at the end, where the call has the cause. */
const TOLD_BY_LEG = new Set(["call.initiated", "call.ringing", "call.early_media", "call.answered"]);

export const storySteps = ({ call, steps }) => {
	const pair = Boolean(call.from) || (call.legs?.length ?? 0) > 1;
	const types = new Set(steps.map((step) => step.type));
	return steps.filter(({ type }) => {
		if (TOLD_BY_LEG.has(type))
			return !types.has(type.replace("call.", "leg."));
		return pair || type !== "leg.ended";
	});
};
