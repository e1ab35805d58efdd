/* lib/ladder.js - a call's SIP messages as the rows of a sequence diagram. Pure.
 *
 * Each phone has a column and the gateway one between them; whom a message belongs
 * to says its `leg`, or else its Call-ID. A browser sends no SIP and has no column. */
import { isPair, nameOf } from "/lib/people.js";
import { BROWSER, ms } from "/lib/words.js";

/* A header's value by its name or its compact form (RFC 3261 7.3.3), or "". */
const header = (head, name, short) =>
	new RegExp(`^(?:${name}|${short})[ \\t]*:[ \\t]*(.*)$`, "im").exec(head)?.[1].trim() ?? "";

const headOf = (text) => text.split(/\r?\n\r?\n/, 1)[0];

/* A message that was sent again has all of this in common with the first. */
const identity = (head, first, sent) => [
	sent, first, header(head, "Call-ID", "i"), header(head, "CSeq", "CSeq"), header(head, "RSeq", "RSeq"),
	/branch=([^;,\s]+)/i.exec(header(head, "Via", "v"))?.[1] ?? "", header(head, "To", "t"),
].join("\n");

const legOf = (call, message, call_id) => {
	const legs = call.legs ?? [];
	const own = legs.find((leg) => leg.sip_call_id && leg.sip_call_id === call_id);
	const role = message.leg ?? own?.role ?? (isPair(call) ? legs[0]?.role : "to") ?? "to";
	return { role, leg: own };
};

/* "200 OK" answers many things: the CSeq says which. */
const REPLY = /^SIP\/2\.0 (\d{3}) ?(.*)$/;

const labelOf = (head, first, text) => {
	const reply = REPLY.exec(first);
	const notes = [];
	if (reply && Number(reply[1]) >= 200)
		notes.push(header(head, "CSeq", "CSeq").split(/\s+/)[1] ?? "");
	if (/application\/sdp/i.test(header(head, "Content-Type", "c")) && text.length > head.length + 4)
		notes.push("SDP");
	return {
		kind: !reply ? "request" : Number(reply[1]) >= 300 ? "refusal" : "reply",
		label: reply ? `${reply[1]} ${reply[2]}`.trim() : first.split(" ", 1)[0],
		note: notes.filter(Boolean).join(", "),
	};
};

/* 0.012 s, 12.3 s, 1:05 */
const sinceWords = (passed) => {
	if (!(passed >= 0))
		return "";
	if (passed < 10000)
		return `${(passed / 1000).toFixed(3)} s`;
	return passed < 60000 ? `${(passed / 1000).toFixed(1)} s`
		: `${Math.floor(passed / 60000)}:${String(Math.floor(passed / 1000) % 60).padStart(2, "0")}`;
};

const row = (call, message, start, known) => {
	const text = message.text ?? "";
	const head = headOf(text);
	const first = message.first_line || head.split(/\r?\n/, 1)[0];
	const at = message.at ?? message.time;
	const sent = message.sent ?? message.direction === "out";
	const { role, leg } = legOf(call, message, header(head, "Call-ID", "i"));
	const name = nameOf(call, role, leg);
	const words = labelOf(head, first, text);
	const same = identity(head, first, sent);
	const again = text !== "" && known.has(same);

	known.add(same);
	return {
		...words, at, since: sinceWords(ms(at) - start), sent, again, text, role, name,
		say: `${sent ? `to ${name}` : `from ${name}`}: ${words.label}${words.note ? ` (${words.note})` : ""}${again ? ", sent again" : ""}`,
	};
};

/* { columns: [{ role, name }], rows, note }: columns from left to right, `role` null
 * for the gateway's own; note: what to know before reading it. */
export const diagram = (call, { messages = [], skipped = 0, diagnosis = "" } = {}) => {
	const us = { role: null, name: "Bellpull" };
	const phone = (role) => (call[role] === BROWSER ? [] : [{ role, name: nameOf({ ...call, legs: [] }, role) }]);
	const known = new Set();
	const start = ms(messages[0]?.at ?? messages[0]?.time);
	const several = (role) => (call.legs ?? []).filter((leg) => leg.role === role).length > 1;
	const gap = skipped ? `${skipped} ${skipped === 1 ? "message" : "messages"} in between ${skipped === 1 ? "was" : "were"} not kept.` : "";

	return {
		columns: [...(isPair(call) ? phone("from") : []), us, ...phone("to")],
		rows: messages.map((message) => {
			const made = row(call, message, start, known);
			/* after a transfer one column has several phones: say which */
			return several(made.role) ? { ...made, note: [made.note, made.name].filter(Boolean).join(", ") } : made;
		}),
		note: [diagnosis, gap].filter(Boolean).join(" "),
	};
};
