/* lib/words.js - calls, steps, causes and lines in plain words.
 *
 * Pure, without document or clock. Every cause and state that the API can name
 * has its row here; what a later gateway may add falls back to its own name with
 * the underscores gone, so nothing is ever shown as empty. */

const plain = (name) => String(name ?? "").replaceAll(/[._]/g, " ").trim();
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

/* What a person calls the other end: the address without its scheme. */
export const callee = (address) => {
	const text = typeof address === "string" ? address : (address?.uri ?? "");
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

const STATUSES = {
	queued: "Waiting its turn",
	ringing: "Ringing",
	"in-progress": "In progress",
	completed: "Completed",
	busy: "Busy",
	failed: "Failed",
	"no-answer": "No answer",
	canceled: "Cancelled",
};

export const statusWords = (call) =>
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

/* --- why it ended, and what to do about it ----------------------------- */

const CAUSES = {
	normal_clearing: ["The call was hung up normally."],
	time_limit: ["The call reached its time limit.", "Raise the time limit if calls may last longer."],
	media_timeout: ["No sound arrived any more, so the call was ended.", "Check that UDP reaches the media ports on both sides."],
	redirected: ["The phone asked to be called elsewhere.", "Call the new address, or let the PBX follow it."],
	payment_required: ["The provider wants payment first.", "Top up the account at the provider."],
	protocol_error: ["The other side did not accept the request as it was written.", "The SIP ladder shows its answer in full."],
	auth_failed: ["The password was refused.", "Check the line's user, auth_user and password."],
	not_allowed: ["The PBX does not allow this call.", "Ask its operator what this extension may dial."],
	not_found: ["Nobody has this number.", "Check the number and the line it is dialled on."],
	unavailable: ["The phone cannot be reached now.", "It may be switched off or not registered. Try again later."],
	no_answer: ["Nobody answered.", "Try again later."],
	transport_timeout: ["Nothing answered at all.", "Check the line's domain and port, and any firewall on the way."],
	ring_timeout: ["Nobody picked up in time.", "Try again later, or let it ring longer."],
	canceled_by_api: ["The call was cancelled before it was answered."],
	canceled_by_first_leg: ["The first phone hung up before the second answered."],
	number_changed: ["This number is no longer in use.", "Find the new number."],
	invalid_number: ["The number is not complete.", "Check its digits and its country code."],
	busy: ["They are on another call.", "Try again in a few minutes."],
	no_common_codec: ["Both sides have no audio format in common.", "Allow one that the phone has in the line's codecs."],
	route_unavailable: ["The PBX or the trunk could not put the call through.", "Try again; if it stays, ask its operator."],
	congestion: ["The PBX is overloaded and asked to wait.", "Try again a little later."],
	rejected: ["They declined the call."],
	dns_error: ["The server's name could not be found.", "Check the line's domain and the DNS."],
	network_error: ["The server could not be reached.", "Check the line's domain and port, and the network."],
	tls_error: ["The encrypted connection could not be set up.", "Check the server's certificate and the line's ca_file."],
	line_not_registered: ["The line is not registered.", "Its last answer stands under Lines."],
	setup_deadline: ["The call could not be set up in the time it was given."],
	confirm_failed: ["Somebody picked up, but did not press the key.", "It may have been a voicemail."],
	server_shutdown: ["The gateway was stopped."],
	server_restart: ["The gateway was restarted during the call."],
	node_lost: ["The gateway that held the call was lost."],
	capacity: ["The gateway was full.", "Try again shortly."],
	ice_failed: ["No path for the sound was found between browser and gateway.", "Check that UDP is let through."],
	expired: ["Its time had passed before it could be dialled."],
	transferred: ["The call was handed over to another phone."],
	policy_denied: ["The gateway's policy does not allow this call.", "The policy in its configuration says why."],
	internal_error: ["Something went wrong inside the gateway.", "Its log tells more."],
};

export const KNOWN_CAUSES = Object.keys(CAUSES);

const HUNG_UP = {
	to: "They hung up.",
	from: "The caller hung up.",
	api: "You hung up.",
	gateway: "The gateway hung up.",
};

/* { say, next }: why the call is over, and what may help; next may be "". */
export const causeWords = (call) => {
	if (call.cause === "normal_clearing")
		return { say: HUNG_UP[call.ended_by] ?? CAUSES.normal_clearing[0], next: "" };
	const [say, next = ""] = CAUSES[call.cause] ?? [`${sentence(plain(call.cause || call.status))}.`];
	return { say, next };
};

/* One sentence under the number, where the status alone leaves a question. */
export const summary = (call) => {
	if (call.state === "ended")
		return causeWords(call).say;
	if (call.state === "waiting_for_line")
		return `The line ${call.line ?? ""} is still registering.`;
	return "";
};

/* --- steps ------------------------------------------------------------- */

/* What the far side said at this step. */
const stepSip = ({ data }) => sipText({ code: data?.sip_code, reason: data?.sip_reason });

const legOf = (event) => event.call?.legs?.find((leg) => leg.role === event.leg);

const legName = (event) => {
	const address = event.leg === "from" ? event.call?.from : event.call?.to;
	return callee(address) || event.leg || "the phone";
};

const STEPS = {
	"call.queued": () => ["Accepted and on record"],
	"call.initiated": (event) => [`Dialling on ${event.call?.line ?? "the line"}`],
	"call.ringing": () => ["Ringing"],
	"call.early_media": () => ["Sound before the answer"],
	"call.answered": () => ["Answered"],
	"call.bridged": () => ["Sound is flowing"],
	"call.hold": () => ["Put on hold"],
	"call.unhold": () => ["Taken off hold"],
	"call.dtmf": (event) => [`Key ${event.data?.digit ?? event.data?.digits ?? ""} pressed`],
	"call.confirm.passed": () => ["Confirmed by key"],
	"call.confirm.failed": () => ["Not confirmed"],
	"call.playback.started": (event) => ["Announcement started", event.data?.play],
	"call.playback.ended": () => ["Announcement over"],
	"call.media.stalled": () => ["No sound is arriving"],
	"call.recording.saved": () => ["Recording saved"],
	"call.transfer.started": () => ["Transfer started"],
	"call.transfer.completed": () => ["Transferred"],
	"call.transfer.failed": () => ["Transfer refused"],
	"call.ended": (event) => [STATUSES[event.call?.status] ?? "Ended", sipText(event.call?.sip)],
	"leg.initiated": (event) => [`Dialled ${legName(event)}`],
	"leg.ringing": (event) => [`${legName(event)} is ringing`, stepSip(event)],
	"leg.early_media": (event) => [`${legName(event)} sends sound before the answer`, stepSip(event)],
	"leg.answered": (event) => [`${legName(event)} answered`, stepSip(event) || legOf(event)?.codec],
	"leg.ended": (event) => [`${legName(event)} is gone`, stepSip(event)],
};

/* { say, fact }: the step for people, and the bare fact behind it ("180 Ringing"). */
export const stepWords = (event) => {
	const [say, fact = ""] = STEPS[event.type]?.(event) ?? [sentence(plain(event.type))];
	return { say, fact: fact ?? "" };
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
