/* elements/delivery-list.js - what was told to whom: a filter, the deliveries that
 * it leaves, and each of their tries.
 *
 * Down: `endpoints`, `filter` ({ endpoint, status, type, call }), `list` (GET
 * /webhooks/deliveries), `now`, `problem`. Up: "deliveries-filter" with the filter,
 * "deliveries-more", and "delivery-replay" with the delivery. */
import { EVENT_TYPES } from "/lib/calls.js";
import { el, fill, setText, wish } from "/lib/dom.js";
import { deliveryFact, deliveryNext, deliveryWords, endpointName, shortCall, tryCode, tryTone } from "/lib/hooks.js";

const clock = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
const day = (at) => new Date(at).toLocaleDateString([], { day: "numeric", month: "short" });
const when = (at, now) => (new Date(at).toDateString() === new Date(now).toDateString() ? clock(at) : `${day(at)}, ${clock(at)}`);
const options = (rows) => rows.map(([value, label]) => el("option", { value }, label));

/* --- one delivery ------------------------------------------------------------ */

const makeTry = () => el("li", {},
	el("span", { class: "code" }), el("time"), el("span", { class: "fact took" }), el("pre", { tabindex: "0" }, el("code")));

const drawTry = (row, one) => {
	const [code, time, took, pre] = row.children;
	row.dataset.tone = tryTone(one);
	setText(code, tryCode(one));
	setText(time, when(one.at, Date.now()));
	time.dateTime = one.at;
	setText(took, `${one.duration_ms} ms`);
	pre.hidden = !one.answer?.trim();
	setText(pre.firstElementChild, one.answer?.trim() ?? "");
};

const makeRow = (list) => {
	const parts = {
		status: el("span", { class: "status" }),
		type: el("code", { class: "what" }),
		whom: el("span", { class: "whom" }),
		of: el("code", { class: "ref", title: "The end of the call's id" }),
		fact: el("span", { class: "fact" }),
		time: el("time"),
		call: el("p", { class: "of" }),
		next: el("p", { class: "next" }),
		tries: el("ol", { class: "tries" }),
		replay: el("button", { type: "button", class: "button" }, "Send again"),
		error: el("p", { class: "error", role: "alert", hidden: true }),
	};
	const row = el("li", {}, el("details", {},
		el("summary", {}, parts.status, parts.type, parts.whom, parts.of, parts.fact, parts.time),
		el("div", { class: "inside" }, parts.call, parts.next, parts.tries, parts.error, parts.replay)));
	row.parts = parts;
	parts.replay.addEventListener("click", () => wish(list, "delivery-replay", row.known));
	return row;
};

const drawRow = (row, delivery, list) => {
	const { parts } = row;
	const { say, tone } = deliveryWords(delivery);
	const endpoint = list.known_endpoints.find(({ name }) => name === delivery.endpoint);
	row.known = delivery;
	row.dataset.tone = tone;
	row.dataset.status = delivery.status;
	setText(parts.status, say);
	setText(parts.type, delivery.type ?? "its event is gone");
	setText(parts.whom, endpointName({ name: delivery.endpoint }));
	setText(parts.fact, deliveryFact(delivery, list.time, endpoint));
	setText(parts.of, shortCall(delivery.call_id));
	setText(parts.time, when(delivery.created_at, list.time));
	parts.time.dateTime = delivery.created_at;
	if (parts.call.dataset.of !== String(delivery.call_id))
		drawCall(parts.call, delivery);
	setText(parts.next, deliveryNext(delivery, endpoint));
	parts.next.hidden = !parts.next.textContent;
	fill(parts.tries, delivery.tries, makeTry, drawTry);
	parts.replay.hidden = delivery.status === "waiting" || !delivery.type;
	parts.replay.disabled = endpoint?.state === "disabled";
	parts.replay.title = parts.replay.disabled ? "Enable the endpoint first" : "";
	parts.replay.setAttribute("aria-label", `Send again: ${delivery.type}, ${clock(delivery.created_at)}`);
};

const drawCall = (node, { call_id, event, url }) => {
	node.dataset.of = String(call_id);
	node.replaceChildren(
		call_id ? el("a", { href: `/calls/${encodeURIComponent(call_id)}` }, "The call") : "It is of no call",
		`, event ${event}`, url ? `, to ${url}` : "");
};

/* --- the list ------------------------------------------------------------------ */

class DeliveryList extends HTMLElement {
	connectedCallback() {
		if (this.rows)
			return;
		this.known_endpoints = [];
		this.time = Date.now();
		this.fields = {
			endpoint: el("select", { id: "by-endpoint" }, ...options([["", "All"]])),
			status: el("select", { id: "by-status" }, ...options([["", "All"], ["waiting", "Waiting"], ["delivered", "Delivered"], ["dead", "Dead"]])),
			type: el("select", { id: "by-type" }, ...options([["", "All"], ...EVENT_TYPES.map((type) => [type, type])])),
			call: el("input", { id: "by-call", spellcheck: "false", autocapitalize: "none", autocomplete: "off", placeholder: "call_...", enterkeyhint: "go" }),
		};
		const labels = { endpoint: "Endpoint", status: "Status", type: "Event", call: "Call" };
		this.form = el("form", { class: "filter", "aria-label": "Which deliveries", onsubmit: (event) => {
			event.preventDefault();
			this.choose();
		} }, ...Object.entries(this.fields).map(([name, field]) => el("div", { class: "field" }, el("label", { for: field.id }, labels[name]), field)));
		this.form.addEventListener("change", () => this.choose());
		this.error = el("p", { class: "error", role: "alert", hidden: true });
		this.rows = el("ol", { class: "rows" });
		this.none = el("p", { class: "note none", hidden: true });
		this.more = el("button", { type: "button", class: "button", hidden: true, onclick: () => wish(this, "deliveries-more") }, "Show more");
		this.body = el("div", { class: "deliveries", hidden: true },
			el("h3", { id: "deliveries-title" }, "Deliveries"), this.form, this.error, this.rows, this.none, this.more);
		this.append(this.body);
	}

	choose() {
		this.wanted = Object.fromEntries(Object.entries(this.fields).map(([name, field]) => [name, field.value.trim()]));
		wish(this, "deliveries-filter", this.wanted);
	}

	set endpoints(endpoints) {
		const before = this.known_endpoints.map(({ name }) => name).join("\n");
		this.known_endpoints = endpoints;
		if (before === endpoints.map(({ name }) => name).join("\n"))
			return;
		this.fields.endpoint.replaceChildren(...options([["", "All"], ...endpoints.map((one) => [one.name, endpointName(one)])]));
		this.filter = this.wanted ?? {};
	}

	set filter(filter) {
		this.wanted = filter;
		for (const [name, field] of Object.entries(this.fields))
			if (document.activeElement !== field || name !== "call")
				field.value = filter[name] ?? "";
	}

	set now(now) {
		this.time = now;
	}

	/* A mistake in the filter, or no answer; null: nothing to say. */
	set problem(problem) {
		this.error.hidden = !problem;
		setText(this.error, problem ?? "");
	}

	set list({ data, next_cursor, full }) {
		const filtered = Object.values(this.wanted ?? {}).some(Boolean);
		this.body.hidden = !data.length && !filtered && !this.known_endpoints.length;
		this.draw(data);
		this.none.hidden = data.length > 0;
		setText(this.none, filtered ? "No delivery is like that." : "Nothing has been told yet: place a call, or send a test.");
		this.more.hidden = !next_cursor || full;
		setText(this.more, "Show more");
	}

	/* Rows keep what is open in them, wherever newer ones push them. */
	draw(data) {
		const known = new Map([...this.rows.children].map((row) => [row.known.id, row]));
		data.forEach((delivery, place) => {
			const row = known.get(delivery.id) ?? makeRow(this);
			known.delete(delivery.id);
			drawRow(row, delivery, this);
			if (this.rows.children[place] !== row)
				this.rows.insertBefore(row, this.rows.children[place] ?? null);
		});
		for (const row of known.values())
			row.remove();
	}

	/* Why one of them was not sent again; "": it is on its way. */
	tell(id, text) {
		const row = [...this.rows.children].find(({ known }) => known.id === id);
		if (!row)
			return;
		row.parts.error.hidden = !text;
		setText(row.parts.error, text);
	}
}

customElements.define("delivery-list", DeliveryList);
