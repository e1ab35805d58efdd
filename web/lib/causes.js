/* lib/causes.js - why a call ended, who ended it, and what to do about it.
 *
 * Pure. Every cause that the API can name has its row here. */
import { isPair, nameOf } from "/lib/people.js";
import { plain, sentence } from "/lib/words.js";

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

/* Where there are two people, whose fault it was is said by name. */
const OF_LEG = {
	redirected: "asked to be called elsewhere",
	not_found: "is nobody's number",
	unavailable: "cannot be reached now",
	no_answer: "did not answer",
	transport_timeout: "sent no answer at all",
	ring_timeout: "did not pick up in time",
	number_changed: "is no longer in use",
	invalid_number: "is not a complete number",
	busy: "is on another call",
	no_common_codec: "has no audio format that the gateway has",
	rejected: "declined the call",
	confirm_failed: "picked up, but did not press the key",
	media_timeout: "sent no sound any more, so the call was ended",
	not_allowed: "may not be called, says the PBX",
};

const HUNG_UP = {
	to: "They hung up.",
	from: "The caller hung up.",
	api: "You hung up.",
	gateway: "The gateway hung up.",
};

const hungUp = (call) => {
	if (isPair(call) && (call.ended_by === "from" || call.ended_by === "to"))
		return `${nameOf(call, call.ended_by)} hung up.`;
	return HUNG_UP[call.ended_by] ?? CAUSES.normal_clearing[0];
};

/* The sentence of two people, where the cause is about one of them. */
const pairSay = (call) => {
	if (!isPair(call))
		return "";
	if (call.cause === "canceled_by_first_leg") {
		const first = call.legs?.[0]?.role ?? "from";
		return `${nameOf(call, first)} hung up before ${nameOf(call, first === "from" ? "to" : "from")} answered.`;
	}
	return call.failed_leg && OF_LEG[call.cause] ? `${nameOf(call, call.failed_leg)} ${OF_LEG[call.cause]}.` : "";
};

/* { say, next }: why the call is over, and what may help; next may be "". */
export const causeWords = (call) => {
	if (call.handed_over)
		return { say: "The two phones were joined directly and talk on without the gateway.", next: "" };
	if (call.cause === "normal_clearing")
		return { say: hungUp(call), next: "" };
	const [say, next = ""] = CAUSES[call.cause] ?? [`${sentence(plain(call.cause || call.status))}.`];
	return { say: pairSay(call) || say, next };
};

/* One sentence under the number, where the status alone leaves a question. */
export const summary = (call) => {
	if (call.state === "ended")
		return causeWords(call).say;
	if (call.state === "waiting_for_line")
		return `The line ${call.line ?? ""} is still registering.`;
	const asked = (call.legs ?? []).find(({ state }) => state === "confirming");
	if (asked)
		return `${nameOf(call, asked.role, asked)} is asked to press the key.`;
	return call.state === "held" ? "The call is on hold; nobody hears the other." : "";
};
