/* elements/sip-ladder.js - the sequence diagram of a call's SIP messages, as they
 * happen.
 *
 * Down: `draw(call, sip)`, sip as GET /calls/{id}/sip gives it. A column for each
 * phone with the gateway between them, an arrow for each message; a message opens its
 * text. To a screen reader it is a list of sentences. */
import { fill, el, setText } from "/lib/dom.js";
import { diagram } from "/lib/ladder.js";

class SipLadder extends HTMLElement {
	connectedCallback() {
		if (this.rows)
			return;
		this.note = el("p", { class: "diagnosis", hidden: true });
		this.ends = el("p", { class: "ends", "aria-hidden": "true" });
		this.rows = el("ol", { class: "ladder" });
		this.empty = el("p", { class: "note" }, "No SIP message yet.");
		this.append(this.note, this.ends, this.rows, this.empty);
	}

	draw(call, sip) {
		const { columns, rows, note } = diagram(call, sip);
		setText(this.note, note);
		this.note.hidden = !note;
		this.empty.hidden = rows.length > 0;
		this.ends.hidden = !rows.length;
		this.classList.toggle("three", columns.length === 3);
		fill(this.ends, columns, () => el("span"), (node, { name }) => setText(node, name));
		/* where the first ones no longer stand the ladder begins anew */
		if ([...this.rows.children].some((node, at) => node.key !== keyOf(rows[at])))
			this.rows.replaceChildren();
		fill(this.rows, rows, (row) => this.rung(row), () => {});
	}

	rung(row) {
		const node = el("li", {
			"data-kind": row.kind, "data-role": row.role,
			/* which way the arrow points: the from phone stands on the left */
			"data-points": row.sent === (row.role === "to") ? "right" : "left",
			"data-again": row.again,
		},
			el("details", {},
				el("summary", {},
					el("time", { datetime: row.at }, row.since),
					el("span", { class: "unseen" }, ` ${row.say}`),
					el("span", { class: "arrow", "aria-hidden": "true" },
						el("span", { class: "label" }, row.label),
						row.note || row.again ? el("span", { class: "fact" }, [row.note, row.again ? "again" : ""].filter(Boolean).join(", ")) : "")),
				el("pre", { tabindex: "0" }, row.text.trimEnd())));
		node.key = keyOf(row);
		return node;
	}
}

const keyOf = (row) => row && [row.at, row.say, row.note, row.role, row.text.length].join("\n");

customElements.define("sip-ladder", SipLadder);
