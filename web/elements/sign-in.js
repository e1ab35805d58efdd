/* elements/sign-in.js - asks for the key when the gateway wants one.
 *
 * Up: "signin" with the key. Down: `open`, `problem`. The key goes to the gateway
 * once and comes back as a cookie that scripts cannot read; it is kept nowhere. */
import { el, setText, wish } from "/lib/dom.js";

class SignIn extends HTMLElement {
	connectedCallback() {
		if (this.dialog)
			return;
		this.hidden = false;
		this.key = el("input", { id: "key", type: "password", required: true, autocomplete: "current-password", "aria-describedby": "key-wrong" });
		this.wrong = el("p", { class: "wrong", id: "key-wrong", role: "alert" });
		this.dialog = el("dialog", { class: "signin", "aria-labelledby": "signin-title" },
			el("form", { onsubmit: (event) => {
				event.preventDefault();
				wish(this, "signin", this.key.value);
			} },
				el("h2", { id: "signin-title" }, "Sign in"),
				el("p", {}, "This gateway asks for a key. It is one of those named under ", el("code", {}, "keys"), " in its configuration."),
				el("label", { for: "key" }, "Key"),
				el("div", { class: "pull" }, this.key, el("button", { type: "submit" }, "Sign in")),
				this.wrong));
		/* there is nothing to see behind it, so Escape has nowhere to lead */
		this.dialog.addEventListener("cancel", (event) => event.preventDefault());
		this.append(this.dialog);
	}

	set open(open) {
		if (open === this.dialog.open)
			return;
		if (open)
			this.dialog.showModal();
		else
			this.dialog.close();
	}

	set problem(problem) {
		setText(this.wrong, problem ? (problem.status === 401 ? "This key is not known here." : problem.message) : "");
		this.key.toggleAttribute("aria-invalid", Boolean(problem));
	}
}

customElements.define("sign-in", SignIn);
