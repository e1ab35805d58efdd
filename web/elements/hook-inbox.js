/* elements/hook-inbox.js - one hook: where it listens, what came, and a box to try a
 * body in without dialling anything.
 *
 * Down: `hook` (GET /hooks), `came` (its deliveries), `now`, `tried` (POST
 * /hooks/NAME/test, or a problem). Up: "hook-look" with the hook (somebody opened
 * it), "hook-try" with { hook, text }. */
import { el, fill, setText, wish } from "/lib/dom.js";
import { dryWords, verdictWords } from "/lib/hooks.js";
import "/elements/copy-text.js";

const when = (at) => new Date(at).toLocaleString([], { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

const makeCame = () => el("li", {},
	el("span", { class: "status" }), el("span", { class: "why" }), el("span", { class: "calls" }), el("span", { class: "fact" }), el("time"));

const drawCame = (row, one) => {
	const [status, why, calls, fact, time] = row.children;
	const words = verdictWords(one);
	row.dataset.tone = words.tone;
	row.dataset.verdict = one.verdict;
	setText(status, words.say);
	setText(why, words.why);
	const ids = one.call_ids.join();
	if (calls.dataset.of !== ids) {
		calls.dataset.of = ids;
		calls.replaceChildren(...one.call_ids.slice(0, 5).map((id, at) =>
			el("a", { href: `/calls/${encodeURIComponent(id)}` }, one.call_ids.length > 1 ? `Call ${at + 1}` : "The call")));
	}
	setText(fact, [`answered ${one.status}`, one.client ? `from ${one.client}` : ""].filter(Boolean).join(", "));
	setText(time, when(one.at));
	time.dateTime = one.at;
};

const dryRow = (call) => {
	const { say, tone, details } = dryWords(call);
	return el("li", { "data-tone": tone }, el("p", { class: "status" }, say),
		...details.map((text) => el("p", { class: "fact" }, text)),
		call.order ? el("details", {}, el("summary", {}, "The order"), el("pre", { tabindex: "0" }, JSON.stringify(call.order, null, 2))) : "");
};

class HookInbox extends HTMLElement {
	connectedCallback() {
		if (this.parts)
			return;
		const parts = {
			name: el("h3"),
			status: el("span", { class: "status" }),
			profile: el("p", { class: "account" }),
			url: el("copy-text"),
			came: el("ol", { class: "came" }),
			none: el("p", { class: "note" }, "Nothing has come yet. The address above takes it, once the CRM sends."),
			text: el("textarea", { rows: "5", spellcheck: "false", autocapitalize: "none", required: true, placeholder: 'For example: {"phone": "854", "agent": "853"}' }),
			go: el("button", { type: "submit", class: "main" }, "Show the calls"),
			error: el("p", { class: "error", role: "alert", hidden: true }),
			result: el("ol", { class: "dry" }),
		};
		this.parts = parts;
		parts.look = el("details", { class: "log" }, el("summary", {}, "What came"), parts.came, parts.none);
		parts.box = el("details", { class: "try" }, el("summary", {}, "Try a body"), this.makeForm(), parts.error,
			el("div", { role: "status" }, parts.result));
		parts.look.addEventListener("toggle", () => parts.look.open && wish(this, "hook-look", this.known));
		this.append(el("article", { class: "card" },
			el("div", { class: "head" }, parts.name, parts.status), parts.profile, parts.url,
			el("div", { class: "panes" }, parts.look, parts.box)));
	}

	makeForm() {
		const { text, go } = this.parts;
		this.label = el("label", {}, "A webhook's body: JSON, a form or XML. Nothing is dialled.");
		return el("form", { onsubmit: (event) => {
			event.preventDefault();
			wish(this, "hook-try", { hook: this.known, text: text.value });
		} }, this.label, text, el("div", { class: "foot" }, go));
	}

	/* Does somebody look at what came? */
	get open() {
		return Boolean(this.parts?.look.open);
	}
	set open(open) {
		this.parts.look.open = open;
	}

	set hook(hook) {
		const { parts } = this;
		this.known = hook;
		this.firstElementChild.dataset.tone = hook.enabled ? "good" : "";
		setText(parts.name, hook.name);
		setText(parts.status, hook.enabled ? "Open" : "Switched off");
		setText(parts.profile, `Profile ${hook.profile}, places calls as ${hook.key}`);
		parts.url.text = hook.url;
		parts.text.id = `try-${hook.name}`;
		this.label.htmlFor = parts.text.id;
		parts.go.setAttribute("aria-label", `Show the calls that ${hook.name} would place`);
	}

	set came({ data }) {
		fill(this.parts.came, data, makeCame, drawCame);
		this.parts.none.hidden = data.length > 0;
	}

	set tried({ calls, problem }) {
		const { error, result } = this.parts;
		error.hidden = !problem;
		setText(error, problem ? problem.sentence : "");
		result.replaceChildren(...(calls ?? []).map(dryRow));
		if (calls && !calls.length)
			result.append(el("li", {}, el("p", {}, "This body holds no call: the list that \u201ceach\u201d points to is empty.")));
	}
}

customElements.define("hook-inbox", HookInbox);
