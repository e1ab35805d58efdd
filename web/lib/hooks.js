/* lib/hooks.js - webhooks in plain words: endpoints that are told of calls, what was
 * told to them, and what came in.
 *
 * Pure, as words.js is: no document, no clock of its own. */
import { ms, plain, sentence, span } from "/lib/words.js";

const count = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
const time = (at) => new Date(at).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hour12: false });

/* --- endpoints ----------------------------------------------------------- */

/* { say, tone, why }: how it is, and if it isn't well, since when and what happens
 * next. */
export const endpointWords = ({ state, reason, disabled_at, failing_since, failures_in_a_row: failures, waiting }) => {
	if (state === "disabled")
		return { say: "Disabled", tone: "bad", why: `${sentence(plain(reason))}${disabled_at ? `, since ${time(disabled_at)}` : ""}. What it would be told is kept as dead: enable it, then send those again.` };
	if (state === "failing")
		return { say: "Resting", tone: "bad", why: `${count(failures, "failure")} in a row. It is tried every five minutes until it answers well; \u201cTry now\u201d doesn\u2019t wait.` };
	if (failing_since)
		return { say: "Failing", tone: "waiting", why: `${count(Math.max(failures, 1), "failure")} in a row, since ${time(failing_since)}. ${waiting ? "What failed is tried again, later each time." : "Nothing waits: the next event tries it."}` };
	return { say: "Enabled", tone: "good", why: "" };
};

/* A callback's endpoint comes into being with a call: "callback:KEY:HOST", or
 * "twilio:KEY:HOST". */
export const endpointName = ({ name }) => {
	const [, kind, key, host] = /^(callback|twilio):([^:]*):(.*)$/.exec(name) ?? [];
	return kind ? `Callbacks to ${host}${kind === "twilio" ? " in Twilio\u2019s words" : ""}${key ? `, key ${key}` : ""}` : name;
};

export const endpointFacts = ({ url, events, ordering, secrets, waiting, in_flight, delivered, failed }) => [
	["Told of", events.length ? events.join(", ") : url ? "every event" : "what its calls ask for"],
	["Signed", secrets.length ? `with ${secrets.map((end) => `the secret ending ${end.replace(/^\.+/, "")}`).join(" and ")}` : "no: it has no secret"],
	["Waiting", waiting ? `${waiting}${in_flight ? `, ${in_flight} on the way` : ""}` : "nothing"],
	["Since the start", `${delivered} delivered, ${count(failed, "failed try", "failed tries")}`],
	...(ordering === "none" ? [["Order", "none: side by side"]] : []),
];

export const testWords = ({ delivered, status, duration_ms, answer }) => {
	if (delivered)
		return `It answered ${status} in ${duration_ms} ms.`;
	if (status)
		return `It answered ${status}, which is not a 2xx${answer ? `: ${answer.trim().slice(0, 120)}` : "."}`;
	return `No answer: ${answer || "the connection failed"}.`;
};

export const replayWords = ({ replayed, more }) => (replayed
	? `${count(replayed, "delivery is", "deliveries are")} on the way again.${more ? " There are more: send again." : ""}`
	: "There was none to send again.");

/* What a form says of a range, as the API takes it: its times are local ones. */
export const replayRange = ({ status, type, since, until }) => ({
	status,
	...(type ? { type } : {}),
	...(since ? { since: new Date(since).toISOString() } : {}),
	...(until ? { until: new Date(until).toISOString() } : {}),
});

/* --- deliveries ------------------------------------------------------------ */

const DELIVERIES = {
	waiting: { say: "Waiting", tone: "waiting" },
	delivered: { say: "Delivered", tone: "good" },
	dead: { say: "Dead", tone: "bad" },
};

export const deliveryWords = ({ status, tries }) => {
	const words = DELIVERIES[status] ?? { say: sentence(plain(status)), tone: "" };
	return status === "dead" && !tries.length ? { ...words, say: "Not sent" } : words;
};

/* "2 tries, next in 40 s": what it took, and what comes next. */
export const deliveryFact = ({ status, tries, next_try_at }, now, { state } = {}) => {
	const tried = tries.length ? count(tries.length, "try", "tries") : "";
	if (status !== "waiting")
		return tried;
	if (state === "disabled")
		return [tried, "held back"].filter(Boolean).join(", ");
	const ahead = Math.round((ms(next_try_at) - now) / 1000);
	return [tried, tries.length && ahead > 0 ? `next in ${span(ahead)}` : "due now"].filter(Boolean).join(", ");
};

export const deliveryNext = ({ status, tries }, { state } = {}) => {
	if (status === "dead" && !tries.length)
		return "The endpoint was disabled when this happened.";
	if (status === "dead")
		return "Every try has failed: nothing more is sent by itself.";
	if (status === "waiting" && state === "disabled")
		return "It goes out when the endpoint is enabled.";
	if (status === "waiting" && !tries.length)
		return "It has not been tried yet.";
	return "";
};

/* "500", "no answer" */
export const tryCode = ({ status }) => (status ? `${status}` : "no answer");
export const tryTone = ({ status }) => (status >= 200 && status < 300 ? "good" : "bad");

/* The end of a call's id, by which the eye finds those that belong together. */
export const shortCall = (id) => (id ? `\u2026${id.slice(-6)}` : "");

/* The filter, as it stands in the page's address behind the #. */
const FILTERS = ["endpoint", "status", "type", "call"];
export const readFilter = (hash) => {
	const given = new URLSearchParams(hash.replace(/^#/, ""));
	return Object.fromEntries(FILTERS.map((name) => [name, given.get(name) ?? ""]));
};
export const writeFilter = (filter) =>
	new URLSearchParams(FILTERS.filter((name) => filter[name]).map((name) => [name, filter[name]])).toString();

/* How many each endpoint has dead: name -> { count, more }. */
export const countDead = ({ data, next_cursor }) => {
	const dead = new Map();
	for (const { endpoint } of data)
		dead.set(endpoint, { count: (dead.get(endpoint)?.count ?? 0) + 1, more: Boolean(next_cursor) });
	return dead;
};

/* --- hooks ------------------------------------------------------------------- */

const VERDICTS = {
	placed: ["Placed", "good", "It placed a call."],
	repeated: ["Repeated", "good", "It had come before: answered as then, and nothing dialled."],
	skipped: ["Skipped", "", "It asked for no call: a condition of the hook did not hold."],
	refused: ["Refused", "bad", "The call it asked for was refused."],
	later: ["Not now", "waiting", "There was no room just then: it may come again."],
	unauthorized: ["Not proven", "bad", "Its secret or signature is missing or wrong. Compare the secret here with the one in the CRM."],
	stale: ["Too old", "bad", "It was signed too long ago, or the clocks differ."],
	unreadable: ["Unreadable", "bad", "Its body could not be read."],
	disabled: ["Switched off", "", "The hook is switched off: \u201cenabled\u201d is false in its settings."],
	source: ["Wrong source", "bad", "It came from an address that \u201csources\u201d does not list."],
};

/* { say, tone, why } */
export const verdictWords = ({ verdict, code, call_ids = [] }) => {
	const [say, tone, why] = VERDICTS[verdict] ?? [sentence(plain(verdict)), "", ""];
	const many = call_ids.length > 1 ? `It placed ${call_ids.length} calls.` : why;
	return { say, tone, why: `${many}${code && verdict !== "unauthorized" && code !== verdict ? ` (${plain(code)})` : ""}` };
};

/* What a body is, by its first sign: hooks ask for a type that fits. */
export const bodyType = (text) => {
	const first = text.trim().charAt(0);
	if (first === "{" || first === "[")
		return "application/json";
	return first === "<" ? "application/xml" : "application/x-www-form-urlencoded";
};

/* One call of a dry run: { say, tone, details[] }. */
export const dryWords = ({ places, when, order, errors, dry_run: run }) => {
	const who = order?.from ? `${order.from} and ${order.to}` : `${order?.to ?? ""}`;
	if (!when)
		return { say: "No call", tone: "", details: ["A condition of the hook (when) does not hold for this body."] };
	if (errors.length)
		return { say: "It can\u2019t be placed", tone: "bad", details: errors.map(({ pointer, detail }) => `${pointer || "the body"} ${detail}`) };
	if (!places)
		return { say: `${who} would be refused`, tone: "bad", details: [run?.detail ?? (run?.frozen ? "New calls are stopped." : ""), run?.rule ? `Rule: ${run.rule}` : "", run?.limit_reached ? `Limit: ${run.limit_reached}` : ""].filter(Boolean) };
	return { say: `It would ring ${who}`, tone: "good", details: [run ? `${run.number ?? run.uri} on the line ${run.line}` : ""].filter(Boolean) };
};

/* --- how to begin --------------------------------------------------------------- */

export const OUT_SAMPLE = `"webhooks": {
  "endpoints": [
    { "name": "crm", "url": "https://crm.example.com/hook",
      "secrets": ["env:CRM_WEBHOOK_SECRET"], "events": ["call.ended"] } ] }`;

export const IN_SAMPLE = `"hooks": {
  "crm": { "profile": "bearer", "secrets": ["env:CRM_SECRET"],
    "mapping": { "to": "\${/phone}", "from": "\${/agent}" } } }`;

/* Why a list can't be shown, and what to do about it. */
export const refusedWords = (problem, scope) => {
	if (problem.status === 403)
		return `The key that is signed in may not look after them: it needs the scope ${scope}.`;
	return `${problem.message} It is asked for again in a moment.`;
};
