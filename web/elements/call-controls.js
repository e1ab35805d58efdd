/* elements/call-controls.js - what can be done while people talk: hold, mute, keys,
 * transfer, announcement, recording; and the recording when there is one.
 *
 * Down: `call`. Up: "command" ({ call, name, body }): POST /calls/{id}/{name}. A
 * control stands there only when lib/controls.js finds that it makes sense. */
import { el, setText, wish } from "/lib/dom.js";
import { controlsOf } from "/lib/controls.js";
import { isPair, title } from "/lib/people.js";
import { clock } from "/lib/words.js";

const KEYS = [..."123456789*0#"];
let count = 0;

class CallControls extends HTMLElement {
	connectedCallback() {
		if (this.bar)
			return;
		count += 1;
		this.id_base = `in-call-${count}`;
		this.makeButtons();
		this.trays = { keypad: this.makeKeypad(), transfer: this.makeTransfer(), play: this.makePlay() };
		this.openers = Object.fromEntries(Object.entries({ keypad: "Keypad", transfer: "Transfer", play: "Play" })
			.map(([name, text]) => [name, this.opener(name, text)]));
		const { hold, mute, record } = this.toggles;
		this.bar = el("div", { class: "bar" }, hold, mute, this.openers.keypad, this.openers.transfer, this.openers.play, record);
		this.saved = el("div", { class: "recording", hidden: true });
		this.group = el("div", { class: "controls", role: "group" }, this.bar, ...Object.values(this.trays));
		this.append(this.group, this.saved);
	}

	command(name, body) {
		wish(this, "command", { call: this.known, name, body });
	}

	/* --- the bar --------------------------------------------------------- */

	makeButtons() {
		const toggle = (press) => el("button", { type: "button", class: "toggle", onclick: ({ target }) => press(target.getAttribute("aria-pressed") === "true") });
		/* with one leg the API has no default for mute but a leg that isn't there */
		this.toggles = {
			hold: toggle((on) => this.command(on ? "unhold" : "hold", {})),
			mute: toggle((on) => this.command(on ? "unmute" : "mute", { leg: "to" })),
			record: toggle((on) => this.command("record", { on: !on })),
		};
		setText(this.toggles.mute, "Mute");
		setText(this.toggles.record, "Record");
		this.toggles.record.classList.add("recorder");
	}

	opener(name, text) {
		return el("button", { type: "button", class: "toggle", "aria-expanded": "false", "aria-controls": `${this.id_base}-${name}`, onclick: () => this.open(this.trays[name].hidden ? name : null) }, text);
	}

	/* One tray at a time; null: none. */
	open(which) {
		for (const [name, tray] of Object.entries(this.trays)) {
			tray.hidden = name !== which;
			this.openers[name].setAttribute("aria-expanded", String(name === which));
		}
		if (which)
			this.trays[which].querySelector("button, input, select").focus();
	}

	/* --- the trays --------------------------------------------------------- */

	tray(name, ...inside) {
		const leave = (event) => {
			if (event.key !== "Escape")
				return;
			this.open(null);
			this.openers[name].focus();
		};
		return el("form", { class: `tray ${name}`, id: `${this.id_base}-${name}`, hidden: true, onkeydown: leave, onsubmit: (event) => {
			event.preventDefault();
			this.submit[name]();
		} }, ...inside);
	}

	field(id, text, input) {
		input.id = `${this.id_base}-${id}`;
		return el("div", { class: "field" }, el("label", { for: input.id }, text), input);
	}

	makeKeypad() {
		this.hears = el("select");
		this.digits = el("input", { inputmode: "tel", spellcheck: "false", autocomplete: "off", placeholder: "1234#" });
		this.hearsField = this.field("hears", "Who hears it", this.hears);
		return this.tray("keypad",
			el("div", { class: "keys" }, ...KEYS.map((key) =>
				el("button", { type: "button", class: "key", "aria-label": { "*": "Star", "#": "Hash" }[key] ?? false, onclick: () => this.press(key) }, key))),
			el("div", { class: "fields" }, this.hearsField,
				this.field("digits", "Several keys", this.digits),
				el("button", { type: "submit" }, "Send keys")));
	}

	makeTransfer() {
		this.target = el("input", { spellcheck: "false", autocapitalize: "none", autocomplete: "off", list: "phones" });
		this.mode = el("select", {}, el("option", { value: "blind" }, "At once (blind)"), el("option", { value: "attended" }, "Ask first (attended)"));
		this.stays = el("select");
		return this.tray("transfer", el("div", { class: "fields" },
			this.field("target", "Transfer to", this.target),
			this.field("stays", "Who stays", this.stays),
			this.field("mode", "How", this.mode),
			el("button", { type: "submit" }, "Transfer now")));
	}

	makePlay() {
		this.sound = el("input", { spellcheck: "false", autocapitalize: "none", autocomplete: "off", placeholder: "welcome.wav" });
		this.listens = el("select");
		this.listensField = this.field("listens", "Who hears it", this.listens);
		return this.tray("play", el("div", { class: "fields" },
			this.field("sound", "WAV file in the sounds folder", this.sound),
			this.listensField,
			el("button", { type: "submit" }, "Play it")));
	}

	press(digits) {
		this.command("dtmf", { digits, ...(this.hears.value ? { leg: this.hears.value } : {}) });
	}

	submit = {
		keypad: () => {
			this.press(this.digits.value.trim());
			this.digits.value = "";
		},
		transfer: () => this.command("transfer", { to: this.target.value.trim(), mode: this.mode.value, leg: this.stays.value }),
		play: () => this.command("play", { play: this.sound.value.trim(), ...(this.listens.value ? { leg: this.listens.value } : {}) }),
	};

	/* --- as the call is now --------------------------------------------------- */

	set call(call) {
		const can = controlsOf(call);
		const pair = isPair(call);
		this.known = call;
		this.group.setAttribute("aria-label", `In the call ${pair ? title(call) : `to ${title(call)}`}`);

		const { hold, mute, record } = this.toggles;
		setText(hold, pair ? "Hold both" : "Hold");
		this.toggle(hold, can.hold);
		this.toggle(mute, !pair && can.mute.length ? { on: can.mute[0].muted } : null);
		this.toggle(record, can.record);
				this.drawOpener("keypad", can.keypad.length > 0);
		this.drawOpener("transfer", can.transfer);
		this.drawOpener("play", can.play);
		this.group.hidden = [...this.bar.children].every((button) => button.hidden);

		this.choices(this.hears, can.keypad.map(({ leg, name }) => [leg, name]));
		this.hearsField.hidden = can.keypad.length < 2;
		this.choices(this.stays, can.keypad.map(({ leg, name }) => [leg, name]));
		this.choices(this.listens, [...(can.mute.length > 1 ? [["", "Both"]] : []), ...can.mute.map(({ leg, name }) => [leg, name])]);
		this.listensField.hidden = can.mute.length < 2;
		this.drawRecording(can.recording);
	}

	toggle(button, state) {
		button.hidden = !state;
		button.setAttribute("aria-pressed", String(Boolean(state?.on)));
	}

	drawOpener(name, wanted) {
		this.openers[name].hidden = !wanted;
		if (!wanted && !this.trays[name].hidden)
			this.open(null);
	}

	choices(select, rows) {
		const text = JSON.stringify(rows);
		if (select.dataset.rows === text)
			return;
		/* whoever has not chosen gets the likeliest */
		select.onchange ??= () => { select.dataset.chosen = select.value; };
		const { chosen } = select.dataset;
		select.dataset.rows = text;
		select.replaceChildren(...rows.map(([value, name]) => el("option", { value }, name)));
		if (rows.some(([value]) => value === chosen))
			select.value = chosen;
	}

	drawRecording(recording) {
		const text = JSON.stringify(recording);
		if (this.saved.dataset.drawn === text)
			return;
		this.saved.dataset.drawn = text;
		this.saved.hidden = !recording;
		if (recording?.state === "saved")
			this.saved.replaceChildren(
				el("p", {}, `Recording${recording.duration ? `, ${clock(recording.duration)}` : ""}`),
				el("audio", { controls: true, preload: "none", src: recording.href, "aria-label": `Recording of the call ${title(this.known)}` }),
				el("a", { class: "button", href: recording.href, download: true }, "Download"));
		else
			this.saved.replaceChildren(el("p", {}, recording ? "The recording is being saved." : ""));
	}
}

customElements.define("call-controls", CallControls);
