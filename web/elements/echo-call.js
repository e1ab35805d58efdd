/* elements/echo-call.js - a call with one's own voice: <click-to-call> to the
 * sandbox's echo, and what goes on beneath it while one talks.
 *
 * The markup lies in index.html. Down: `call` (as the gateway tells it), `sip` (the
 * answer to "ladder"). Up, with the call: "ladder" (its messages are wanted) and
 * "look" (its quality is; each two seconds while one talks). */
import { el, facts, setText, wish } from "/lib/dom.js";
import { mosWords } from "/lib/people.js";
import "/click.js";
import "/elements/sip-ladder.js";

const LOOK_MS = 2000;

const packets = ({ received, lost, jitter_ms }) => `${lost} of ${received + lost} lost, jitter ${Math.round(jitter_ms)} ms`;

/* Rows of [label, text]: what the browser has measured, and what the gateway. */
const soundFacts = (call, here) => {
	const quality = (role) => call?.legs?.find((leg) => leg.role === role)?.quality;
	const heard = [["From you", quality("from")], ["From the echo", quality("to")]];
	return [
		...(here ? [["You hear", packets(here)], ["Round trip", `${here.rtt_ms} ms`]] : []),
		...heard.filter(([, q]) => q).map(([label, q]) => [label, [mosWords(q.mos), packets(q)].filter(Boolean).join(", ")]),
	];
};

class EchoCall extends HTMLElement {
	connectedCallback() {
		if (this.ladder)
			return;
		this.heading = el("h3");
		this.facts = el("dl", { class: "facts" });
		this.ladder = el("sip-ladder");
		this.sound = el("div", { class: "sound" }, this.heading, this.facts);
		this.messages = el("div", { class: "exchange" }, el("h3", {}, "SIP messages, as they come"), this.ladder);
		this.append(this.sound, this.messages);
		this.show(false);
		this.addEventListener("click-to-call:state", ({ detail }) => this.follow(detail));
		this.addEventListener("click-to-call:quality", ({ detail }) => {
			this.here = detail;
			this.draw();
		});
	}

	follow({ state, call }) {
		if (state === "asking") {
			this.here = this.known = null;
			this.show(false);
		}
		clearInterval(this.timer);
		if (!call)
			return;
		this.call = call;
		wish(this, "ladder", call);
		if (state === "talking")
			this.timer = setInterval(() => wish(this, "look", this.known), LOOK_MS);
	}

	get call() {
		return this.known;
	}

	set call(call) {
		if (this.known?.id === call.id && this.known.revision > call.revision)
			return;
		this.known = call;
		this.show(true);
		this.draw();
	}

	/* The newest message is seen, unless somebody looks at another. */
	set sip(sip) {
		this.ladder.draw(this.known, sip);
		if (!this.ladder.matches(":hover, :focus-within"))
			this.ladder.scrollTop = this.ladder.scrollHeight;
	}

	show(on) {
		this.sound.hidden = this.messages.hidden = !on;
	}

	draw() {
		const rows = soundFacts(this.known, this.here);
		this.facts.replaceChildren(...facts(rows));
		setText(this.heading, rows.length ? (this.known?.state === "ended" ? "How it sounded" : "How it sounds") : "");
	}
}

customElements.define("echo-call", EchoCall);
