/* lib/words.js - times, addresses, states and lines in plain words.
 *
 * Pure, without document or clock, like its neighbours: people.js (the two phones
 * of a call), causes.js (why it ended) and steps.js (how it got there). Every state
 * that the API can name has its row; what a later gateway may add falls back to its
 * own name with the underscores gone, so nothing is ever shown as empty. */

export const plain = (name) => String(name ?? "").replaceAll(/[._]/g, " ").trim();
export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/* --- time ------------------------------------------------------------- */

export const ms = (time) => (time ? Date.parse(time) : NaN);

/* 65 -> "1:05", 3725 -> "1:02:05" */
export const clock = (seconds) => {
	const all = Math.max(0, Math.floor(seconds));
	const two = (n) => String(n).padStart(2, "0");
	const hours = Math.floor(all / 3600);
	const minutes = Math.floor(all / 60) % 60;
	return hours
		? `${hours}:${two(minutes)}:${two(all % 60)}`
		: `${minutes}:${two(all % 60)}`;
};

/* 42 -> "42 s", 130 -> "2 min 10 s" */
export const span = (seconds) => {
	const all = Math.max(0, Math.round(seconds));
	if (all < 60)
		return `${all} s`;
	if (all < 3600)
		return all % 60 ? `${Math.floor(all / 60)} min ${all % 60} s` : `${all / 60} min`;
	const minutes = Math.round((all % 3600) / 60);
	return minutes ? `${Math.floor(all / 3600)} h ${minutes} min` : `${Math.floor(all / 3600)} h`;
};

/* Time since the call's first step: "0.0 s", "+0.2 s", "+1:05" */
export const offset = (from, at) => {
	const passed = Math.max(0, ms(at) - ms(from));
	if (!(passed >= 50))
		return "0.0 s";
	return passed < 60000 ? `+${(passed / 1000).toFixed(1)} s` : `+${clock(passed / 1000)}`;
};

/* --- addresses -------------------------------------------------------- */

/* What stands for a party who talks in his browser. */
export const BROWSER = "webrtc";

/* What a person calls the other end: the address without its scheme. */
export const callee = (address) => {
	const text = typeof address === "string" ? address : (address?.uri ?? "");
	if (text === BROWSER)
		return "Browser";
	return text.replace(/^(sips?|tel):/, "");
};

/* --- SIP codes -------------------------------------------------------- */

export const sipText = (sip) => (sip?.code ? `${sip.code} ${sip.reason ?? ""}`.trim() : "");

/* --- the state of a call ---------------------------------------------- */

const STATES = {
	queued: "Waiting its turn",
	waiting_for_line: "Waiting for the line",
	dialing_first: "Dialling",
	first_ringing: "Ringing",
	first_answered: "Answered",
	dialing_second: "Dialling the second phone",
	second_ringing: "Second phone ringing",
	bridged: "In progress",
	transferring: "Transferring",
	held: "On hold",
	ending: "Hanging up",
};

/* With two phones "ringing" leaves open which. */
const PAIR_STATES = {
	dialing_first: "Dialling the first phone",
	first_ringing: "First phone ringing",
	first_answered: "First phone answered",
};

/* A browser and a phone: there is one that can ring. */
const FROM_BROWSER = {
	dialing_first: "The browser connects",
	first_answered: "The browser is connected",
	dialing_second: "Dialling",
	second_ringing: "Ringing",
};

const TO_BROWSER = {
	...STATES,
	dialing_second: "The browser connects",
	second_ringing: "The browser connects",
};

export const STATUSES = {
	queued: "Waiting its turn",
	ringing: "Ringing",
	"in-progress": "In progress",
	completed: "Completed",
	busy: "Busy",
	failed: "Failed",
	"no-answer": "No answer",
	canceled: "Cancelled",
};

/* A call for later says until when it waits. */
const waits = (call) =>
	call.state === "queued" && call.not_before &&
	`Waiting until ${call.not_before.slice(0, 16).replace("T", " ")} UTC`;

const partiesOf = (call) =>
	call.from === BROWSER ? FROM_BROWSER : call.to === BROWSER ? TO_BROWSER : call.from ? PAIR_STATES : STATES;

export const statusWords = (call) =>
	waits(call) ||
	(call.state !== "ended" && partiesOf(call)[call.state]) ||
	(call.state !== "ended" && STATES[call.state]) ||
	STATUSES[call.status] ||
	sentence(plain(call.state));

/* How it is to be read at a glance: waiting, ringing, live, good, quiet, bad. */
export const tone = (call) => {
	if (call.state !== "ended") {
		if (call.status === "in-progress")
			return "live";
		return call.status === "ringing" ? "ringing" : "waiting";
	}
	if (call.status === "completed")
		return "good";
	return call.status === "failed" ? "bad" : "quiet";
};

/* --- lines ------------------------------------------------------------- */

const LINES = {
	registered: ["Registered", "good"],
	registering: ["Registering", "waiting"],
	failed: ["Not registered", "bad"],
	unregistering: ["Signing off", "quiet"],
	unregistered: ["Signed off", "quiet"],
};

export const lineWords = (line) => {
	if (line.register === false)
		return { say: "Calls without registering", tone: "quiet" };
	const [say, mood] = LINES[line.state] ?? [sentence(plain(line.state)), "quiet"];
	return { say, tone: mood };
};

const until = (time, now) => {
	const left = (ms(time) - now) / 1000;
	return left > 0 ? `in ${span(left)}` : "now";
};

/* Rows of [label, text] that somebody who has to mend a line wants to see. */
export const lineFacts = (line, now) => {
	const rows = [];
	const failed = line.state === "failed";
	if (line.last_code)
		rows.push(["Last answer", sipText({ code: line.last_code, reason: line.last_reason })]);
	else if (line.last_reason)
		rows.push(["Last answer", line.last_reason]);
	if (line.next_try_at && (failed || line.state === "registering"))
		rows.push(["Next try", until(line.next_try_at, now)]);
	if (line.state === "registered" && line.registered_until)
		rows.push(["Renews", until(line.registered_until, now)]);
	if (line.server)
		rows.push(["Server", line.server]);
	if (line.calls > 0)
		rows.push(["Calls up", String(line.calls)]);
	return rows;
};
