/* lib/dom.js - building elements. Text enters by textContent only. */

/* el("a", { class: "x", href: "/", onclick: f }, "text", otherElement, null) */
export const el = (name, attributes = {}, ...children) => {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key.startsWith("on"))
			node.addEventListener(key.slice(2), value);
		else if (value === true)
			node.setAttribute(key, "");
		else if (value !== false && value !== null && value !== undefined)
			node.setAttribute(key, value);
	}
	node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
	return node;
};

/* Sets text only where it differs: an unchanged node keeps selection and focus. */
export const setText = (node, text) => {
	if (node.textContent !== text)
		node.textContent = text;
};

/* Rows of a definition list. */
export const facts = (rows) =>
	rows.flatMap(([label, value]) => [
		el("dt", {}, label),
		el("dd", {}, value),
	]);

/* A wish: data goes down as properties, wishes come up as events. */
export const wish = (node, name, detail) =>
	node.dispatchEvent(new CustomEvent(name, { bubbles: true, detail }));
