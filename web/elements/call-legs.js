/* elements/call-legs.js - the phones of a call side by side: who, in what state,
 * how it sounds.
 *
 * Down: `call`. Up: "command" ({ call, name, body }) to mute or hold one of two. With
 * one leg the card has said most of it: only what is left is shown. */
import { fill, el, facts, setText, wish } from "/lib/dom.js";
import { controlsOf } from "/lib/controls.js";
import { isPair, legColumns } from "/lib/people.js";

const ROLE = { from: "From", to: "To" };

class CallLegs extends HTMLElement {
	connectedCallback() {
		if (this.box)
			return;
		this.box = el("div", { class: "pair", role: "list" });
		this.append(this.box);
	}

	set call(call) {
		const pair = isPair(call);
		const columns = legColumns(call);
		this.known = call;
		this.mute = controlsOf(call).mute;
		this.box.classList.toggle("alone", !pair);
		this.hidden = !pair && columns.every(({ legs }) => legs.every(({ facts, tags, hint }) => !facts.length && !tags.length && !hint));
		fill(this.box, columns,
			() => el("div", { class: "side", role: "listitem" }),
			(side, { legs }) => fill(side, legs, () => this.leg(), (node, leg) => this.drawLeg(node, leg, pair, leg === legs.at(-1))));
	}

	leg() {
		const node = el("div", { class: "leg" });
		const parts = {
			role: el("span", { class: "role" }), who: el("strong", { class: "who" }),
			state: el("p", { class: "standing" }), tags: el("p", { class: "tags" }),
			facts: el("dl", { class: "facts" }), hint: el("p", { class: "hint" }),
		};
		const toggle = (text, on, off) => el("button", { type: "button", class: "toggle", onclick: ({ target }) =>
			wish(this, "command", { call: this.known, name: target.getAttribute("aria-pressed") === "true" ? off : on, body: { leg: target.dataset.leg } }) }, text);
		parts.mute = toggle("Mute", "mute", "unmute");
		parts.hold = toggle("Hold", "hold", "unhold");
		parts.foot = el("p", { class: "toggles" }, parts.mute, parts.hold);
		node.append(el("p", { class: "name" }, parts.role, " ", parts.who), parts.state, parts.tags, parts.facts, parts.hint, parts.foot);
		node.parts = parts;
		return node;
	}

	drawLeg({ parts, dataset }, leg, pair, newest) {
		dataset.tone = leg.tone;
		dataset.role = leg.role;
		setText(parts.role, ROLE[leg.role]);
		setText(parts.who, leg.name);
		setText(parts.state, leg.say);
		parts.role.parentNode.hidden = !pair;
		parts.state.hidden = !pair;
		const rows = leg.facts.flat().join("\n");
		if (parts.drawn !== rows)
			parts.facts.replaceChildren(...facts(leg.facts));
		parts.drawn = rows;
		parts.facts.hidden = !leg.facts.length;
		if (parts.tagged !== leg.tags.join())
			parts.tags.replaceChildren(...leg.tags.map((tag) => el("span", { class: "tag" }, tag)));
		parts.tagged = leg.tags.join();
		parts.tags.hidden = !leg.tags.length;
		setText(parts.hint, leg.hint);
		parts.hint.hidden = !leg.hint;

		const can = pair && newest && this.mute.find((one) => one.leg === leg.role);
		parts.foot.hidden = !can;
		for (const [button, on] of [[parts.mute, can?.muted], [parts.hold, can?.held]]) {
			button.dataset.leg = leg.role;
			button.setAttribute("aria-pressed", String(Boolean(on)));
			button.setAttribute("aria-label", `${button.textContent} ${leg.name}`);
		}
	}
}

customElements.define("call-legs", CallLegs);
