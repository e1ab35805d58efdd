/* elements/webhook-endpoint.js - one endpoint that is told of calls: how it is, and
 * what can be done about it.
 *
 * Down: `endpoint` (GET /webhooks), `dead` ({ count, more } or undefined), `verdict`
 * (a sentence about what was asked for last), `busy`. Up, each with the endpoint:
 * "endpoint-test", "endpoint-turn" (enable or disable) and "endpoint-replay" (all
 * that is dead). */
import { el, facts, setText, wish } from "/lib/dom.js";
import { endpointFacts, endpointName, endpointWords } from "/lib/hooks.js";

class WebhookEndpoint extends HTMLElement {
	connectedCallback() {
		if (this.parts)
			return;
		const button = (label, name, more = {}) =>
			el("button", { type: "button", onclick: () => wish(this, name, this.known), ...more }, label);
		this.parts = {
			name: el("h3"),
			status: el("span", { class: "status" }),
			url: el("p", { class: "account" }),
			why: el("p", { class: "why" }),
			facts: el("dl", { class: "facts" }),
			verdict: el("p", { class: "verdict", role: "status" }),
			replay: button("", "endpoint-replay", { class: "main", hidden: true }),
			test: button("Send a test", "endpoint-test"),
			turn: button("", "endpoint-turn"),
		};
		const { name, status, url, why, verdict, replay, test, turn } = this.parts;
		this.append(el("article", { class: "card" },
			el("div", { class: "head" }, name, status), url, why, this.parts.facts, verdict,
			el("div", { class: "foot" }, replay, test, turn)));
	}

	set endpoint(endpoint) {
		const { say, tone, why } = endpointWords(endpoint);
		const { parts } = this;
		this.known = endpoint;
		this.firstElementChild.dataset.tone = tone;
		setText(parts.name, endpointName(endpoint));
		setText(parts.status, say);
		setText(parts.url, endpoint.url ?? "Each call names its own address.");
		setText(parts.why, why);
		parts.why.hidden = !why;
		this.drawFacts(endpointFacts(endpoint));
		parts.test.hidden = !endpoint.url;
		setText(parts.turn, { disabled: "Enable", failing: "Try now" }[endpoint.state] ?? "Disable");
		parts.turn.classList.toggle("main", endpoint.state !== "enabled");
		for (const part of [parts.test, parts.turn])
			part.setAttribute("aria-label", `${part.textContent}: ${parts.name.textContent}`);
	}

	drawFacts(rows) {
		const text = rows.flat().join("\n");
		if (text === this.drawn)
			return;
		this.drawn = text;
		this.parts.facts.replaceChildren(...facts(rows));
	}

	set dead(dead) {
		const { replay } = this.parts;
		replay.hidden = !dead;
		/* while it is disabled they would only wait */
		replay.disabled = this.known.state === "disabled";
		if (!dead)
			return;
		setText(replay, `Send ${dead.count}${dead.more ? "+" : ""} dead again`);
		replay.title = replay.disabled ? "Enable it first" : "";
		replay.setAttribute("aria-label", `${replay.textContent}: ${this.parts.name.textContent}`);
	}

	set busy(busy) {
		for (const part of [this.parts.test, this.parts.turn])
			part.disabled = busy;
	}

	set verdict(text) {
		setText(this.parts.verdict, text);
	}
}

customElements.define("webhook-endpoint", WebhookEndpoint);
