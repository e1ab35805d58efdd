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

/* The same for a drawing; shapes take their looks from the style sheet. */
export const shape = (name, attributes = {}, ...children) => {
	const node = document.createElementNS("http://www.w3.org/2000/svg", name);
	for (const [key, value] of Object.entries(attributes))
		node.setAttribute(key, value);
	node.append(...children);
	return node;
};

/* Sets text only where it differs: an unchanged node keeps selection and focus. */
export const setText = (node, text) => {
	if (node.textContent !== text)
		node.textContent = text;
};

/* Makes as many children as there are rows, and has `update` bring each up to date:
 * what stands stays, with its focus and whatever is open in it. */
export const fill = (box, rows, make, update) => {
	while (box.children.length > rows.length)
		box.lastElementChild.remove();
	rows.forEach((row, at) => {
		if (!box.children[at])
			box.append(make(row));
		update(box.children[at], row);
	});
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
