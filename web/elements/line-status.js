/* elements/line-status.js - one line: is it up, and if not, why not and when next.
 *
 * Down: `line`, `now`. Up: "check" with the line; the verdict comes down again as
 * `verdict` (a sentence). */
import { el, facts, setText, wish } from "/lib/dom.js";
import { lineFacts, lineWords } from "/lib/words.js";

class LineStatus extends HTMLElement {
	connectedCallback() {
		if (this.parts)
			return;
		this.parts = {
			name: el("h3"),
			status: el("span", { class: "status" }),
			account: el("p", { class: "account" }),
			facts: el("dl", { class: "facts" }),
			verdict: el("p", { class: "verdict", role: "status" }),
			check: el("button", { type: "button", class: "check", onclick: () => wish(this, "check", this.known) }, "Check"),
		};
		const { name, status, account, check, verdict } = this.parts;
		this.append(el("article", { class: "line" },
			el("div", { class: "head" }, name, status), account, this.parts.facts, verdict,
			el("div", { class: "foot" }, check)));
	}

	set line(line) {
		const { say, tone } = lineWords(line);
		const { name, status, account, check } = this.parts;
		this.known = line;
		this.firstElementChild.dataset.tone = tone;
		setText(name, line.name);
		setText(status, say);
		setText(account, [line.user && line.domain ? `${line.user}@${line.domain}` : "", line.transport ?? ""].filter(Boolean).join(", "));
		check.setAttribute("aria-label", `Check the line ${line.name}`);
	}

	set now(now) {
		const rows = lineFacts(this.known, now);
		const text = rows.flat().join("\n");
		if (text === this.drawn)
			return;
		this.drawn = text;
		this.parts.facts.replaceChildren(...facts(rows));
	}

	set busy(busy) {
		this.parts.check.disabled = busy;
		if (busy)
			setText(this.parts.verdict, "Asking the server...");
	}

	set verdict(text) {
		setText(this.parts.verdict, text);
	}
}

customElements.define("line-status", LineStatus);
