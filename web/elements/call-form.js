/* elements/call-form.js - the form that places a call.
 *
 * The markup lies in index.html and works alone; here it learns to stay on the
 * page. Up: the event "place" with the order. Down: `lines` (fills the choice
 * and shows the sandbox's phones), `busy`, `problem` (each error is shown at the
 * field that its JSON pointer names, the rest under the form). */
import { el, setText, wish } from "/lib/dom.js";
import { sentence } from "/lib/words.js";

/* The sandbox's callees, the most telling first. */
const SANDBOX = [
	["853", "rings, answers, echoes"],
	["sim:answer", "answers until you hang up"],
	["sim:busy", "is on another call"],
	["sim:decline", "declines"],
	["sim:no-answer", "rings for ever"],
	["sim:not-found", "does not exist"],
	["sim:early-media", "plays sound before answering"],
	["sim:unavailable", "is switched off"],
	["sim:hangup", "answers, hangs up after 2 s"],
	["sim:voicemail", "is a voicemail"],
	["sim:overloaded", "is overloaded"],
	["sim:auth-loop", "refuses every password"],
	["sim:silent", "never replies"],
	["sim:redirect", "is somewhere else"],
];

/* Those with finer points are suggested, without a button of their own. */
const MORE_SANDBOX = [
	["sim:forked", "rings in two places"],
	["sim:press-1", "answers, presses 1"],
	["sim:late-answer", "answers when it is too late"],
	["sim:no-media", "answers, sends no sound"],
	["sim:one-codec-gsm", "knows one audio format only"],
];

/* Two of them, joined. */
const PAIRS = [
	["sim:answer", "853", "two phones talk, To hangs up after 10 s"],
	["sim:answer", "sim:busy", "To is on another call"],
	["853", "sim:no-answer", "From loses its patience"],
];

/* A whole number where the field has one, else its text: the gateway judges it. */
const number = (input) => (/^-?\d+$/.test(input.value) ? Number(input.value) : input.value);

/* What a field says, or undefined where it is left as it came. */
const text = (input) => input.value.trim() || undefined;
const choice = (select) => (select.value === select.options[0].value ? undefined : select.value);
const seconds = (input) => (input.validity.badInput || input.value !== input.defaultValue ? number(input) : undefined);
const tick = (input) => input.checked || undefined;
const within = (name) => (input) => text(input) && { [name]: text(input) };

const MEMBERS = [
	["from", "from", text],
	["line", "line", choice],
	["first", "first", choice],
	["ring", "ring_timeout", seconds],
	["limit", "time_limit", seconds],
	["caller", "caller_id", within("number")],
	["confirm", "confirm", within("digit")],
	["ringback", "ringback", text],
	["join", "join", choice],
	["send-digits", "send_digits", text],
	["auto-answer", "auto_answer", tick],
	["record", "record", tick],
	["announce", "announce", within("play")],
];

class CallForm extends HTMLElement {
	connectedCallback() {
		this.form = this.querySelector("form");
		this.form.noValidate = true; /* one judge, with one voice: the gateway */
		for (const field of this.form.querySelectorAll(".field"))
			field.hidden = false;
		this.to = this.form.querySelector("#to");
		this.error = this.form.querySelector(".error");
		this.form.addEventListener("submit", (event) => {
			event.preventDefault();
			wish(this, "place", this.order());
		});
		this.form.addEventListener("input", (event) => this.clear(event.target.closest(".field")));
	}

	/* Only what differs from the gateway's defaults is sent, `to` always. */
	order() {
		const field = (id) => this.form.querySelector(`#${id}`);
		const order = { to: this.to.value.trim() };
		for (const [id, name, read] of MEMBERS) {
			const value = read(field(id));
			if (value !== undefined)
				order[name] = value;
		}
		return order;
	}

	set lines(lines) {
		const select = this.form.querySelector("#line");
		const chosen = select.value;
		const names = lines.map((line) => line.name);
		if (names.join() !== [...select.options].slice(1).map((option) => option.value).join()) {
			select.replaceChildren(select.options[0], ...names.map((name) => el("option", { value: name }, name)));
			select.value = names.includes(chosen) ? chosen : "";
		}
		const sandbox = names.includes("sandbox");
		const chips = this.form.querySelector(".chips");
		if (sandbox && chips.hidden)
			this.drawSandbox(...chips.querySelectorAll("ul"));
		chips.hidden = !sandbox;
	}

	drawSandbox(ones, pairs) {
		const short = (address) => address.replace("sim:", "");
		this.form.querySelector("#phones").replaceChildren(...[...SANDBOX, ...MORE_SANDBOX].map(([to, does]) => el("option", { value: to }, does)));
		ones.replaceChildren(...SANDBOX.map(([to, does]) => this.chip({ to }, short(to), does)));
		pairs.replaceChildren(...PAIRS.map(([from, to, does]) => this.chip({ from, to }, `${short(from)} \u2192 ${short(to)}`, does)));
	}

	/* Everything else is as the form says. A pair brings its own From and leaves the
	 * form alone: the next single phone is to be rung alone. */
	chip(people, name, does) {
		const press = () => {
			if (!people.from)
				this.to.value = people.to;
			this.clear(this.to.closest(".field"));
			wish(this, "place", { ...this.order(), ...people, line: "sandbox" });
		};
		return el("li", {},
			el("button", { type: "button", class: "chip", title: does, onclick: press },
				name, el("span", { class: "unseen" }, ` ${does}`)));
	}

	set busy(busy) {
		this.form.toggleAttribute("data-busy", busy);
		this.form.setAttribute("aria-busy", String(busy));
	}

	clear(field) {
		field?.querySelector(".wrong")?.remove();
		const input = field?.querySelector("input, select");
		input?.removeAttribute("aria-invalid");
		input?.removeAttribute("aria-describedby");
	}

	/* null: all is well. */
	set problem(problem) {
		const fields = [...this.form.querySelectorAll(".field")];
		fields.forEach((field) => this.clear(field));
		this.error.hidden = true;
		setText(this.error, "");
		if (!problem)
			return;

		let first;
		const rest = [];
		for (const { pointer = "", detail } of problem.errors) {
			const field = fields.find(({ dataset }) =>
				pointer === dataset.pointer || pointer.startsWith(`${dataset.pointer}/`));
			if (field) {
				const input = this.mark(field, detail);
				first ??= input;
			} else {
				rest.push(pointer ? `${pointer}: ${detail}` : detail);
			}
		}
		if (!first && !rest.length)
			rest.push(problem.message);
		if (rest.length) {
			this.error.hidden = false;
			setText(this.error, rest.join(" "));
		}
		first?.focus();
	}

	mark(field, detail) {
		const input = field.querySelector("input, select");
		const id = `${input.id}-wrong`;
		this.clear(field);
		field.append(el("p", { class: "wrong", id }, sentence(detail)));
		input.setAttribute("aria-invalid", "true");
		input.setAttribute("aria-describedby", id);
		const more = field.closest("details");
		if (more)
			more.open = true;
		return input;
	}
}

customElements.define("call-form", CallForm);
