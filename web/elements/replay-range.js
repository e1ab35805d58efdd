/* elements/replay-range.js - what was told to one endpoint in a range of time, once
 * more: what is dead, or what was delivered and got lost over there.
 *
 * Down: `endpoints` (GET /webhooks), `verdict` (a sentence about what was asked for
 * last), `problem` (or null), `busy`. Up: "range-replay" with { name, range }, the
 * body of POST /webhooks/{name}/replay. */
import { EVENT_TYPES } from "/lib/calls.js";
import { el, setText, wish } from "/lib/dom.js";
import { endpointName, replayRange } from "/lib/hooks.js";

const option = ([value, label]) => el("option", { value }, label);
const moment = (id) => el("input", { id, type: "datetime-local", step: "1" });

class ReplayRange extends HTMLElement {
	connectedCallback() {
		if (this.fields)
			return;
		this.fields = {
			endpoint: el("select", { id: "range-endpoint" }),
			status: el("select", { id: "range-status" }, ...[["dead", "Dead"], ["delivered", "Delivered"]].map(option)),
			type: el("select", { id: "range-type" }, ...[["", "All"], ...EVENT_TYPES.map((type) => [type, type])].map(option)),
			since: moment("range-since"),
			until: moment("range-until"),
		};
		const labels = { endpoint: "Send to", status: "What is", type: "Event", since: "Since", until: "Before" };
		this.go = el("button", { type: "submit" }, "Send these again");
		this.error = el("p", { class: "error", role: "alert", hidden: true });
		this.said = el("p", { role: "status" });
		const form = el("form", { "aria-label": "A range of time", onsubmit: (event) => {
			event.preventDefault();
			this.ask();
		} }, el("div", { class: "filter" }, ...Object.entries(this.fields).map(([name, field]) =>
			el("div", { class: "field" }, el("label", { for: field.id }, labels[name]), field))), this.error,
		el("div", { class: "foot" }, this.go, this.said));
		this.append(el("details", { class: "range" }, el("summary", {}, "Send a range of time again"),
			el("p", { class: "note" }, "By when each was delivered or given up; empty: however old or new. What waits already is left alone."), form));
	}

	ask() {
		const { endpoint, ...chosen } = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value]));
		wish(this, "range-replay", { name: endpoint, range: replayRange(chosen) });
	}

	set endpoints(endpoints) {
		const names = endpoints.map(({ name }) => name).join("\n");
		this.hidden = !endpoints.length;
		if (names === this.drawn)
			return;
		const chosen = this.fields.endpoint.value;
		this.drawn = names;
		this.fields.endpoint.replaceChildren(...endpoints.map((one) => option([one.name, endpointName(one)])));
		if (endpoints.some(({ name }) => name === chosen))
			this.fields.endpoint.value = chosen;
	}

	set busy(busy) {
		this.go.disabled = busy;
	}

	set problem(problem) {
		this.error.hidden = !problem;
		setText(this.error, problem?.sentence ?? "");
	}

	set verdict(text) {
		setText(this.said, text);
	}
}

customElements.define("replay-range", ReplayRange);
