/* elements/api-reference.js - the API for people, from openapi.json.
 *
 * Down: `api`, the description. Shows what a first reader needs: each operation
 * with its words, parameters, body and replies; the file itself has the rest. */
import { el } from "/lib/dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];

class ApiReference extends HTMLElement {
	set api(api) {
		this.description = api;
		const operations = Object.entries(api.paths ?? {}).flatMap(([path, item]) =>
			METHODS.filter((method) => item[method]).map((method) => ({ path, method, shared: item.parameters ?? [], ...item[method] })));
		const groups = Map.groupBy
			? Map.groupBy(operations, (operation) => this.group(operation))
			: operations.reduce((map, operation) => map.set(this.group(operation), [...(map.get(this.group(operation)) ?? []), operation]), new Map());
		this.replaceChildren(
			...[...groups].map(([name, members]) => el("section", {}, el("h2", {}, name), ...members.map((member) => this.operation(member)))));
	}

	group(operation) {
		const word = operation.tags?.[0] ?? operation.path.split("/")[1] ?? "";
		return word ? word.charAt(0).toUpperCase() + word.slice(1) : "Gateway";
	}

	/* Follows $ref within the description; what leads nowhere is an empty object. */
	resolve(thing) {
		if (!thing?.$ref)
			return thing ?? {};
		return thing.$ref.replace(/^#\//, "").split("/").reduce((at, name) => at?.[name.replaceAll("~1", "/").replaceAll("~0", "~")], this.description) ?? {};
	}

	type(schema) {
		const s = this.resolve(schema);
		if (s.const !== undefined)
			return JSON.stringify(s.const);
		if (s.enum)
			return s.enum.filter((value) => value !== null).join(" | ");
		const options = s.oneOf ?? s.anyOf;
		if (options)
			return [...new Set(options.map((option) => this.type(option)))].join(" | ");
		const type = [s.type ?? "any"].flat().join(" | ");
		return s.items ? `${this.type(s.items)}[]` : type;
	}

	bounds(schema) {
		const s = this.resolve(schema);
		return [
			s.minimum !== undefined || s.maximum !== undefined ? `${s.minimum ?? ""} to ${s.maximum ?? ""}` : "",
			s.maxLength !== undefined ? `at most ${s.maxLength} characters` : "",
			s.default !== undefined && s.default !== null ? `default ${JSON.stringify(s.default)}` : "",
		].filter(Boolean).join(", ");
	}

	table(caption, rows) {
		if (!rows.length)
			return "";
		return el("dl", { class: "members", "aria-label": caption }, ...rows.flatMap(([name, type, words, needed]) => [
			el("dt", {}, el("code", {}, name), el("span", { class: "type" }, type), needed ? el("span", { class: "needed" }, "required") : ""),
			el("dd", {}, words),
		]));
	}

	operation({ path, method, summary = "", description = "", parameters = [], shared, requestBody, responses = {}, operationId }) {
		const all = [...shared, ...parameters].map((parameter) => this.resolve(parameter));
		const body = this.resolve(this.resolve(requestBody).content?.["application/json"]?.schema);
		const properties = Object.entries(body.properties ?? {});
		return el("details", { class: "operation", id: operationId },
			el("summary", {}, el("span", { class: "method", "data-method": method }, method.toUpperCase()), el("code", {}, path), el("span", { class: "brief" }, summary)),
			description ? el("p", {}, description) : "",
			all.length ? el("h3", {}, "Parameters") : "",
			this.table("Parameters", all.map((p) => [p.name, `${p.in}, ${this.type(p.schema)}`, [p.description, this.bounds(p.schema)].filter(Boolean).join(" "), p.required])),
			properties.length ? el("h3", {}, "Body") : "",
			this.table("Body", properties.map(([name, schema]) => [name, this.type(schema), [this.resolve(schema).description, this.bounds(schema)].filter(Boolean).join(" "), body.required?.includes(name)])),
			el("h3", {}, "Replies"),
			this.table("Replies", Object.entries(responses).map(([code, reply]) => [code, Object.keys(this.resolve(reply).content ?? {}).join(", "), this.resolve(reply).description ?? ""])));
	}
}

customElements.define("api-reference", ApiReference);
