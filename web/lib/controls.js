/* lib/controls.js - what can be done with a call in the state it is in. Pure.
 *
 * The gateway judges each command again (409 in the wrong state): this only keeps
 * buttons away that could not work. */
import { isPair, nameOf } from "/lib/people.js";

const UP = new Set(["answered", "held", "remote_held"]);
const TALKING = new Set(["bridged", "held"]);
const OVER = new Set(["ending", "ended"]);

/* A leg that says nothing of being held is held when the call is. */
const isHeld = (call, leg) => leg.held ?? call.state === "held";

/* The file that came of it, by a path of our own making. */
const recordingOf = ({ id, recording }) => {
	if (recording?.state === "saved")
		return { state: "saved", href: `/calls/${encodeURIComponent(id)}/recording`, duration: recording.duration ?? 0 };
	return recording?.state === "saving" ? { state: "saving" } : null;
};

/* { hangup, hold, mute, keypad, transfer, play, record, recording }: hold and record
 * are null or { on }, mute has a row { leg, name, muted, held } for each phone that
 * is up, keypad the same in the order in which commands mean them: to, then from. */
export const controlsOf = (call) => {
	const living = !OVER.has(call.state) && !call.handed_over;
	const up = living ? (call.legs ?? []).filter(({ state }) => UP.has(state)) : [];
	const talking = TALKING.has(call.state) && up.length > 0;
	const people = up.map((leg) => ({
		leg: leg.role, name: nameOf(call, leg.role, leg), muted: Boolean(leg.muted), held: isHeld(call, leg),
	}));
	const roles = new Set(people.map(({ leg }) => leg));

	return {
		hangup: call.state !== "ended",
		hold: talking ? { on: people.every(({ held }) => held) } : null,
		mute: talking ? people : [],
		keypad: [...people].sort((a, b) => (a.leg === b.leg ? 0 : a.leg === "to" ? -1 : 1)),
		transfer: talking && isPair(call) && roles.size === 2,
		play: talking,
		record: talking ? { on: call.recording?.state === "recording" } : null,
		recording: recordingOf(call),
	};
};
