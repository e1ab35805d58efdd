/* lib/people.js - the two phones of a call, in words.
 *
 * A call has one leg for each phone that was dialled, in that order; a transfer
 * adds another one of a role that was there before. Pure. */
import { BROWSER, STATUSES, callee, plain, sentence, sipText } from "/lib/words.js";

/* Two people, not one. */
export const isPair = (call) => Boolean(call.from) || (call.legs?.length ?? 0) > 1;

const userPart = (uri) => callee(uri).split(/[@;]/)[0];

/* What the person of a role is called: as given, and whoever took a place by a
 * transfer as dialled. Without `leg` the one who has the place now. */
export const nameOf = (call, role, leg) => {
	const legs = (call.legs ?? []).filter((one) => one.role === role);
	const place = leg ? legs.indexOf(leg) : legs.length - 1;
	return (place > 0 && userPart(legs[place].uri)) || callee(role === "from" ? call.from : call.to) || role;
};

/* "853 to sim:busy", as it is said. */
export const title = (call) => (call.from ? `${callee(call.from)} to ${callee(call.to)}` : callee(call.to));

/* --- the state of a leg -------------------------------------------------- */

const LEGS = {
	new: ["Not rung yet", "quiet"],
	dialing: ["Dialling", "waiting"],
	proceeding: ["Dialling", "waiting"],
	ringing: ["Ringing", "ringing"],
	early: ["Ringing, with sound", "ringing"],
	answered: ["On the line", "live"],
	confirming: ["Asked to press the key", "waiting"],
	held: ["On hold", "waiting"],
	remote_held: ["Has put the call on hold", "waiting"],
	ending: ["Hanging up", "waiting"],
};

export const legWords = (leg) => {
	if (leg.uri === BROWSER && (leg.state === "dialing" || leg.state === "proceeding"))
		return { say: "Connecting", tone: "waiting" };
	if (leg.state !== "ended") {
		const [say, tone] = LEGS[leg.state] ?? [sentence(plain(leg.state)), "quiet"];
		return { say, tone };
	}
	if (leg.status === "completed")
		return { say: leg.cause === "transferred" ? "Transferred away" : "Hung up", tone: "quiet" };
	return { say: STATUSES[leg.status] ?? "Ended", tone: leg.status === "failed" ? "bad" : "quiet" };
};

/* --- how it sounds -------------------------------------------------------- */

/* Mean opinion score, from: what people would call it (ITU-T G.107 annex B). */
const MOS = [[4.3, "very good"], [4.0, "good"], [3.6, "fair"], [3.1, "poor"], [0, "bad"]];

export const mosWords = (mos) => (mos ? `${MOS.find(([least]) => mos >= least)[1]} (${mos})` : "");

/* Share of the packets that should have come. */
const lossWords = ({ lost = 0, received = 0 }) => {
	const expected = lost + received;
	if (!(lost > 0))
		return "";
	const percent = 100 * lost / expected;
	return percent < 0.1 ? "under 0.1 % lost" : `${percent.toFixed(1)} % lost`;
};

export const qualityWords = (q) => {
	if (!q?.mos)
		return q && q.sent && !q.received ? "nothing was heard" : "";
	return [mosWords(q.mos), lossWords(q)].filter(Boolean).join(", ");
};

/* --- what was heard before the answer ---------------------------------------- */

const HINTS = {
	busy: "A busy tone was heard.",
	congestion: "The tone of a crowded network was heard.",
	sit: "The three tones of a wrong number were heard.",
	ringback: "A ringing tone was heard.",
	voicemail_beep: "The beep of a voicemail was heard.",
	unknown: "What was heard before the answer is none of the known tones.",
};

export const hintWords = (hint) => (hint ? HINTS[hint] ?? `Heard: ${plain(hint)}.` : "");

/* --- what there is to show of them -------------------------------------------- */

const legRow = (call, leg) => {
	const sound = qualityWords(leg.quality);
	const refused = leg.state === "ended" && leg.sip?.code >= 300;
	return {
		role: leg.role,
		name: nameOf(call, leg.role, leg),
		...legWords(leg),
		facts: [
			["Codec", leg.codec],
			["Sound", sound],
			["SIP", refused ? sipText(leg.sip) : ""],
		].filter(([, value]) => value),
		tags: [leg.muted ? "Muted" : "", leg.held && leg.state !== "held" && leg.state !== "ended" ? "On hold" : ""].filter(Boolean),
		hint: hintWords(leg.cause_hint),
	};
};

/* Somebody who is in the call by its order, but was not dialled (yet). */
const absent = (call, role) => ({
	role, name: nameOf(call, role), facts: [], tags: [], hint: "",
	say: call.state === "ended" ? "Never rung" : LEGS.new[0], tone: "quiet",
});

/* [{ role, legs }]: a column for each role, its legs in the order of their time.
 * One leg makes one column. */
export const legColumns = (call) =>
	(isPair(call) ? ["from", "to"] : ["to"]).map((role) => {
		const legs = (call.legs ?? []).filter((leg) => leg.role === role).map((leg) =>
			(leg.state === "new" && call.state === "ended" ? absent(call, role) : legRow(call, leg)));
		return { role, legs: legs.length ? legs : [absent(call, role)] };
	});
