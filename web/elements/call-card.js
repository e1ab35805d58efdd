/* elements/call-card.js - one call: what it is doing, how it got there, and what
 * can be done about it.
 *
 * Down: `entry` ({ call, steps } of lib/calls.js), `now` (ms, ticks while the
 * call lives), `sip` (the answer to "ladder"). Up: "hangup", "again", "steps"
 * (somebody opened a timeline that has holes) and "ladder" (somebody looks at the
 * SIP messages), each with the call. The attribute `whole` makes it the head of the
 * call's own page: heading of first rank, timeline open, the ladder left to it. */
import { el, setText, wish } from "/lib/dom.js";
import { isComplete, isEnded, storySteps } from "/lib/calls.js";
import { causeWords, summary } from "/lib/causes.js";
import { isPair, title } from "/lib/people.js";
import { stepWords } from "/lib/steps.js";
import { BROWSER, callee, clock, ms, offset, sipText, statusWords, tone } from "/lib/words.js";
import "/elements/call-controls.js";
import "/elements/call-legs.js";
import "/elements/call-timeline.js";
import "/elements/sip-ladder.js";

/* "853 -> sim:busy" for the eye, "853 to sim:busy" for the ear. */
const heading = (call) => (call.from
	? [callee(call.from), el("span", { class: "unseen" }, " to "), el("span", { class: "towards", "aria-hidden": "true" }, "\u2192"), el("wbr"), callee(call.to)]
	: [callee(call.to)]);

class CallCard extends HTMLElement {
	connectedCallback() {
		if (this.parts)
			return;
		const whole = this.hasAttribute("whole");
		const parts = {
			name: whole ? el("span") : el("a"),
			status: el("span", { class: "status" }),
			clock: el("span", { class: "clock" }),
			say: el("p", { class: "say" }),
			next: el("p", { class: "next", hidden: true }),
			legs: el("call-legs"),
			controls: el("call-controls"),
			summary: el("summary"),
			timeline: el("call-timeline"),
			cord: el("ol", { class: "cord" }),
			meta: el("p", { class: "meta" }),
			hangup: el("button", { type: "button", class: "hangup", onclick: () => wish(this, "hangup", this.call) }, "Hang up"),
			again: el("button", { type: "button", class: "again", hidden: true, onclick: () => wish(this, "again", this.call) }, "Call again"),
			error: el("p", { class: "error", role: "alert", hidden: true }),
		};
		parts.steps = el("details", { class: "steps", open: whole }, parts.summary, parts.timeline, parts.cord);
		parts.steps.addEventListener("toggle", () => {
			this.drawTimeline();
			this.askForSteps();
		});
		if (!whole)
			this.makeLadder(parts);
		this.parts = parts;
		this.append(el("article", { class: "call" },
			el("div", { class: "head" }, el(whole ? "h1" : "h3", {}, parts.name), parts.status, parts.clock),
			parts.say, parts.next, parts.legs, parts.controls, parts.error,
			el("div", { class: "foot" }, parts.meta, parts.again, parts.hangup),
			parts.steps, parts.messages ?? ""));
		this.article = this.firstElementChild;
	}

	/* Folded: the messages are asked for only while somebody looks at them. */
	makeLadder(parts) {
		parts.ladder = el("sip-ladder");
		parts.messages = el("details", { class: "steps messages" }, el("summary", {}, "SIP messages"), parts.ladder);
		parts.messages.addEventListener("toggle", () => wish(this, "ladder", this.call));
	}

	get wantsSip() {
		return Boolean(this.parts?.messages?.open);
	}

	set sip(sip) {
		this.parts.ladder?.draw(this.call, sip);
	}

	set entry(entry) {
		const before = this.known;
		this.known = entry;
		this.call = entry.call;
		if (!before && !isEnded(entry.call))
			this.parts.steps.open = true; /* what happens now is worth watching */
		if (before?.call !== entry.call)
			this.drawCall(entry.call);
		if (before?.steps !== entry.steps || before?.call !== entry.call)
			this.drawSteps(entry);
		if (before !== entry)
			this.askForSteps();
	}

	/* Why a wish came to nothing; null: nothing to say. */
	set problem(problem) {
		this.parts.error.hidden = !problem;
		setText(this.parts.error, problem?.sentence ?? "");
		this.parts.hangup.disabled = false;
	}

	set now(now) {
		const { call, parts } = this;
		const from = ms(call.answered_at) || ms(call.created_at);
		const to = ms(call.ended_at) || now;
		if (isEnded(call))
			setText(parts.clock, call.duration > 0 ? clock(call.duration) : "");
		else
			setText(parts.clock, clock((to - from) / 1000));
		this.time = to;
		this.drawTimeline();
	}

	drawTimeline() {
		if (this.known && this.time && this.parts.steps.open)
			this.parts.timeline.draw(this.known, this.time);
	}

	drawCall(call) {
		const { parts } = this;
		const ended = isEnded(call);
		this.article.dataset.tone = tone(call);
		this.article.dataset.status = call.status;
		this.article.classList.toggle("two", isPair(call));
		if (parts.name.textContent !== title(call))
			parts.name.replaceChildren(...heading(call));
		if (parts.name.localName === "a")
			parts.name.href = `/calls/${encodeURIComponent(call.id)}`;
		setText(parts.status, statusWords(call));
		setText(parts.say, summary(call));
		parts.say.hidden = !parts.say.textContent;

		const { next } = ended ? causeWords(call) : { next: "" };
		parts.next.hidden = !next;
		setText(parts.next, next);

		const placed = new Date(call.created_at);
		parts.meta.replaceChildren(
			el("time", { datetime: call.created_at, title: placed.toLocaleString() }, placed.toLocaleTimeString()),
			call.line ? el("span", {}, `line ${call.line}`) : "",
			sipText(call.sip) ? el("span", { class: "sip" }, `SIP ${sipText(call.sip)}`) : "");

		parts.legs.call = call;
		this.moveFocus(ended, () => { parts.controls.call = call; });
		parts.hangup.hidden = ended;
		/* one that has the keyboard would lose it: a second press does no harm */
		parts.hangup.disabled = call.state === "ending" && document.activeElement !== parts.hangup;
		parts.hangup.setAttribute("aria-label", `Hang up the call ${call.from ? "from" : "to"} ${title(call)}`);
		parts.again.hidden = !ended || call.from === BROWSER; /* only its own page can do that */
		parts.again.setAttribute("aria-label", `Call again: ${title(call)}`);
	}

	/* A button that goes away must not take the keyboard's place with it. */
	moveFocus(ended, hide) {
		const { hangup, again, controls, legs } = this.parts;
		const at = document.activeElement;
		const lost = at === hangup || controls.contains(at) || legs.contains(at);
		if (ended && lost) {
			const next = this.call.from === BROWSER ? this.parts.name : again;
			next.hidden = false;
			next.focus();
		}
		hide();
	}

	drawSteps(entry) {
		const { parts } = this;
		const steps = storySteps(entry);
		const start = steps[0]?.occurred_at ?? entry.call.created_at;
		const rows = steps.map((event) => this.row(event, start));
		/* rows that stand stay: an animation runs once, a selection lives on */
		rows.forEach((row, at) => {
			const old = parts.cord.children[at];
			if (!old)
				parts.cord.append(row);
			else if (old.dataset.id !== row.dataset.id || old.textContent !== row.textContent)
				old.replaceWith(row);
		});
		while (parts.cord.children.length > rows.length)
			parts.cord.lastElementChild.remove();
		this.drawTimeline();
		setText(parts.summary, steps.length ? `${steps.length} ${steps.length === 1 ? "step" : "steps"}` : "Steps");
	}

	row(event, start) {
		const { say, fact } = stepWords(event);
		return el("li", { "data-id": event.id, "data-type": event.type },
			el("time", { datetime: event.occurred_at, title: event.occurred_at }, offset(start, event.occurred_at)),
			el("p", {},
				el("span", { class: "what" }, say),
				fact ? el("span", { class: "fact" }, fact) : ""));
	}

	askForSteps() {
		if (this.known && this.parts.steps.open && !isComplete(this.known))
			wish(this, "steps", this.call);
	}
}

customElements.define("call-card", CallCard);
