/* elements/copy-text.js - something to put into a file or a terminal, with a button
 * that copies it where the browser lets one.
 *
 * Down: `text`. */
import { el, setText } from "/lib/dom.js";

const SAID_MS = 2000;

class CopyText extends HTMLElement {
	connectedCallback() {
		if (this.code)
			return;
		this.code = el("code");
		this.append(el("pre", { tabindex: "0" }, this.code));
		/* only pages that came by TLS or from this machine may */
		if (navigator.clipboard)
			this.append(this.makeButton());
	}

	makeButton() {
		const button = el("button", { type: "button", class: "button copy" }, "Copy");
		const said = el("span", { class: "unseen", role: "status" });
		button.addEventListener("click", async () => {
			const done = await navigator.clipboard.writeText(this.code.textContent).then(() => true, () => false);
			setText(button, done ? "Copied" : "Select it by hand");
			setText(said, button.textContent);
			setTimeout(() => {
				setText(button, "Copy");
				setText(said, "");
			}, SAID_MS);
		});
		return el("p", { class: "copying" }, button, said);
	}

	set text(text) {
		setText(this.code, text);
	}
}

customElements.define("copy-text", CopyText);
