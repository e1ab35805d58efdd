/* elements/call-page.js - all there is to know about one call: its card, facts,
 * legs, the SIP ladder, and the raw events.
 *
 * Down: `entry`, `now`, `sip` (GET /calls/{id}/sip), `problem`. Wishes of the card
 * bubble through. */
import { el, facts, setText } from "/lib/dom.js";
import { causeWords } from "/lib/causes.js";
import { hintWords, mosWords, nameOf, title } from "/lib/people.js";
import { sipText, span } from "/lib/words.js";
import "/elements/call-card.js";
import "/elements/sip-ladder.js";

const exactly = (time) => new Date(time).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hour12: false });
const when = (time) => (time ? new Date(time).toLocaleString() : "");
const filled = (rows) => rows.filter(([, value]) => value !== "" && value !== null && value !== undefined);

const callFacts = (call) => filled([
	["Id", call.id],
	["Status", `${call.status} (${call.state})`],
	["Cause", call.cause ? `${call.cause}: ${causeWords(call).say}` : ""],
	["Ended by", call.ended_by],
	["SIP", sipText(call.sip)],
	["Reason header", call.sip?.reason_header],
	["Q.850", call.q850],
	["From", typeof call.from === "string" ? call.from : ""],
	["To", typeof call.to === "string" ? call.to : JSON.stringify(call.to)],
	["Line", call.from_line && call.from_line !== call.line ? `${call.line}, from on ${call.from_line}` : call.line],
	["Joined by", call.bridged_at && call.from ? call.join : ""],
	["Placed", when(call.created_at)],
	["Ringing", when(call.ringing_at)],
	["Answered", when(call.answered_at)],
	["Ended", when(call.ended_at)],
	["Rang for", call.ring_duration ? span(call.ring_duration) : ""],
	["Lasted", call.duration ? span(call.duration) : ""],
	["Client state", call.client_state],
	["Told to others", el("a", { href: `/hooks.html#call=${encodeURIComponent(call.id)}` }, "its webhooks")],
	["Metadata", call.metadata && Object.keys(call.metadata).length ? JSON.stringify(call.metadata) : ""],
]);

const quality = (q) => (q
	? `${q.sent ?? 0} packets sent, ${q.received ?? 0} received, ${q.lost ?? 0} lost`
		+ (q.jitter_ms !== undefined && q.jitter_ms !== null ? `, jitter ${q.jitter_ms} ms` : "")
		+ (q.rtt_ms ? `, round trip ${q.rtt_ms} ms` : "")
		+ (q.mos ? `, MOS ${mosWords(q.mos)}` : "")
	: "");

const legFacts = (leg) => filled([
	["Address", leg.uri],
	["Status", leg.status ? `${leg.status} (${leg.state})` : leg.state],
	["Codec", leg.codec],
	["Answered", when(leg.answered_at)],
	["Ended", when(leg.ended_at)],
	["Cause", leg.cause],
	["SIP", sipText(leg.sip)],
	["Heard", hintWords(leg.cause_hint)],
	["Sound", quality(leg.quality)],
	["Call-ID", leg.sip_call_id],
]);

class CallPage extends HTMLElement {
	connectedCallback() {
		if (this.card)
			return;
		const section = (title, ...inside) => el("section", { hidden: true }, el("h2", {}, title), ...inside);
		this.card = el("call-card", { whole: true });
		this.facts = el("dl", { class: "facts" });
		this.legs = el("div", { class: "legs" });
		this.ladder = el("sip-ladder");
		this.raw = el("ol", { class: "raw" });
		this.sections = [
			section("SIP messages", this.ladder),
			section("Facts", this.facts),
			section("Legs", this.legs),
			section("Events", this.raw),
		];
		this.error = el("p", { class: "error", role: "alert", hidden: true });
		this.append(this.card, ...this.sections, this.error);
		this.card.hidden = true;
	}

	set entry(entry) {
		const { call, steps } = entry;
		this.card.hidden = false;
		this.card.entry = entry;
		document.title = `${title(call)}: ${this.card.querySelector(".status").textContent} - Bellpull`;
		for (const section of this.sections)
			section.hidden = false;
		this.call = call;
		this.ladder.draw(call, this.known_sip);
		this.facts.replaceChildren(...facts(callFacts(call)));
		this.legs.replaceChildren(...(call.legs ?? []).map((leg) =>
			el("section", {}, el("h3", {}, `${leg.role === "from" ? "From" : "To"}: ${nameOf(call, leg.role, leg)}`), el("dl", { class: "facts" }, ...facts(legFacts(leg))))));
		this.drawRaw(steps);
	}

	set now(now) {
		this.card.now = now;
	}

	set problem(problem) {
		this.error.hidden = !problem;
		setText(this.error, problem ? (problem.status === 404 ? "This call is not known here, or is kept no longer." : problem.message) : "");
	}

	/* Only rows that are new are added: what is open stays open. */
	drawRaw(steps) {
		const known = new Set([...this.raw.children].map((row) => row.dataset.id));
		if (steps.length < known.size || !steps.slice(0, known.size).every(({ id }) => known.has(String(id)))) {
			this.raw.replaceChildren();
			known.clear();
		}
		for (const event of steps.filter(({ id }) => !known.has(String(id))))
			this.raw.append(el("li", { "data-id": event.id },
				el("details", {},
					el("summary", {}, el("span", { class: "seq" }, `${event.seq}`), el("code", {}, event.leg ? `${event.type} (${event.leg})` : event.type), el("time", { datetime: event.occurred_at }, exactly(event.occurred_at))),
					el("pre", { tabindex: "0" }, JSON.stringify(event, null, 2)))));
	}

	set sip(sip) {
		this.known_sip = sip;
		if (this.call)
			this.ladder.draw(this.call, sip);
	}
}

customElements.define("call-page", CallPage);
