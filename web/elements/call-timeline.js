/* elements/call-timeline.js - a lane for each phone: when it was dialled, rang,
 * waited, talked and was on hold.
 *
 * Down: `draw(entry, now)`. Who can't see it hears each lane as one sentence. */
import { fill, el, setText, shape } from "/lib/dom.js";
import { lanes } from "/lib/steps.js";

const WIDE = 1000;
const KINDS = { dial: "dialling", ring: "ringing", wait: "waiting", talk: "talking", hold: "on hold" };

class CallTimeline extends HTMLElement {
	connectedCallback() {
		if (this.box)
			return;
		this.box = el("div", { class: "lanes" });
		this.legend = el("p", { class: "legend", "aria-hidden": "true" });
		this.append(this.box, this.legend);
	}

	draw(entry, now) {
		const rows = lanes(entry, now);
		const kinds = new Set(rows.flatMap(({ spans }) => spans.map(({ kind }) => kind)));
		this.hidden = kinds.size === 0;
		fill(this.box, rows, () => this.lane(), (node, row) => this.drawLane(node, row));
		const shown = Object.keys(KINDS).filter((kind) => kinds.has(kind));
		if (this.legend.dataset.shown === shown.join())
			return;
		this.legend.dataset.shown = shown.join();
		this.legend.replaceChildren(...shown.map((kind) => el("span", { "data-kind": kind }, KINDS[kind])));
	}

	lane() {
		return el("div", { class: "lane" }, el("span", { class: "who" }),
			shape("svg", { viewBox: `0 0 ${WIDE} 10`, preserveAspectRatio: "none", role: "img" }));
	}

	drawLane(node, { name, spans, say }) {
		const [who, svg] = node.children;
		setText(who, name);
		svg.setAttribute("aria-label", `${name}: ${say}`);
		fill(svg, spans, () => shape("rect", { y: 0, height: 10 }), (rect, { kind, from, to }) => {
			rect.setAttribute("data-kind", kind);
			rect.setAttribute("x", (from * WIDE).toFixed(1));
			rect.setAttribute("width", Math.max(3, (to - from) * WIDE).toFixed(1));
		});
	}
}

customElements.define("call-timeline", CallTimeline);
