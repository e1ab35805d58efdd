/* elements/call-page.js - all there is to know about one call: its card, facts,
 * legs, the SIP ladder, and the raw events.
 *
 * Down: `entry`, `now`, `sip` (GET /calls/{id}/sip), `problem`. Wishes of the card
 * bubble through. */
import { el, facts, setText } from "/lib/dom.js";
import { causeWords, ms, offset, sipText, span } from "/lib/words.js";
import "/elements/call-card.js";

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
	["To", typeof call.to === "string" ? call.to : JSON.stringify(call.to)],
	["From", typeof call.from === "string" ? call.from : ""],
	["Line", call.line],
	["Placed", when(call.created_at)],
	["Ringing", when(call.ringing_at)],
	["Answered", when(call.answered_at)],
	["Ended", when(call.ended_at)],
	["Rang for", call.ring_duration ? span(call.ring_duration) : ""],
	["Lasted", call.duration ? span(call.duration) : ""],
	["Client state", call.client_state],
	["Metadata", call.metadata && Object.keys(call.metadata).length ? JSON.stringify(call.metadata) : ""],
]);

const quality = (q) => (q
	? `${q.sent ?? 0} packets sent, ${q.received ?? 0} received, ${q.lost ?? 0} lost`
		+ (q.jitter_ms !== undefined && q.jitter_ms !== null ? `, jitter ${q.jitter_ms} ms` : "")
		+ (q.mos ? `, MOS ${q.mos}` : "")
	: "");

const legFacts = (leg) => filled([
	["Address", leg.uri],
	["Status", leg.status ? `${leg.status} (${leg.state})` : leg.state],
	["Codec", leg.codec],
	["Answered", when(leg.answered_at)],
	["Ended", when(leg.ended_at)],
	["SIP", sipText(leg.sip)],
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
		this.diagnosis = el("p", { class: "diagnosis" });
		this.ladder = el("ol", { class: "ladder" });
		this.raw = el("ol", { class: "raw" });
		this.sections = [
			section("SIP messages", this.diagnosis,
				el("p", { class: "ends", "aria-hidden": "true" }, el("span", {}, "Bellpull"), el("span", {}, "Far side")),
				this.ladder),
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
		const [ladder, ...others] = this.sections;
		this.card.hidden = false;
		this.card.entry = entry;
		document.title = `${this.card.querySelector("h1").textContent}: ${this.card.querySelector(".status").textContent} - Bellpull`;
		for (const section of others)
			section.hidden = false;
		ladder.hidden = !this.ladder.children.length;
		this.facts.replaceChildren(...facts(callFacts(call)));
		this.legs.replaceChildren(...(call.legs ?? []).map((leg) =>
			el("section", {}, el("h3", {}, leg.role === "from" ? "From" : "To"), el("dl", { class: "facts" }, ...facts(legFacts(leg))))));
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
					el("summary", {}, el("span", { class: "seq" }, `${event.seq}`), el("code", {}, event.type), el("time", { datetime: event.occurred_at }, exactly(event.occurred_at))),
					el("pre", { tabindex: "0" }, JSON.stringify(event, null, 2)))));
	}

	set sip({ messages = [], skipped = 0, diagnosis = "" }) {
		const rest = skipped ? `${skipped} messages in between were not kept.` : "";
		const text = [diagnosis, rest].filter(Boolean).join(" ");
		this.diagnosis.hidden = !text;
		setText(this.diagnosis, text);
		const start = messages[0]?.time;
		const known = this.ladder.children.length;
		if (messages.length < known)
			this.ladder.replaceChildren();
		messages.slice(this.ladder.children.length).forEach((message) => this.ladder.append(this.rung(message, start)));
		this.sections[0].hidden = !messages.length;
	}

	rung({ time, direction, first_line = "", text = "" }, start) {
		const sent = direction === "out";
		const passed = ms(time) - ms(start);
		const kind = /^SIP\/2\.0 [3-6]/.test(first_line) ? "refusal" : /^SIP\/2\.0/.test(first_line) ? "reply" : "request";
		return el("li", { "data-direction": direction, "data-kind": kind },
			el("details", {},
				el("summary", {},
					el("time", { datetime: time }, passed < 10000 ? `${(passed / 1000).toFixed(3)} s` : offset(start, time)),
					el("span", { class: "unseen" }, sent ? "sent " : "received "),
					el("span", { class: "arrow" }, el("span", {}, first_line.replace(/^SIP\/2\.0 /, "").replace(/ SIP\/2\.0$/, "")))),
				el("pre", { tabindex: "0" }, text.trimEnd())));
	}
}

customElements.define("call-page", CallPage);
