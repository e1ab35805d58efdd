/* tests/wire/oracle.mjs - server/openapi.json as a judge: of every exchange
 * (route, status, headers, media type, body) and of every event of a stream. */
import { readFileSync } from "node:fs";

import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export const description = JSON.parse(readFileSync(new URL("../../server/openapi.json", import.meta.url), "utf8"));

const BASE = "https://bellpull.test/openapi";
const METHODS = ["get", "post", "delete", "put", "patch"];

const ajv = new (Ajv2020.default ?? Ajv2020)({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true });
(addFormats.default ?? addFormats)(ajv);

/* The description is no JSON schema itself: its schemas become one, with the
 * same names under $defs, and every other schema refers to that. */
const refer = (node, base) => {
	if (Array.isArray(node))
		return node.map((item) => refer(item, base));
	if (node === null || typeof node !== "object")
		return node;
	return Object.fromEntries(Object.entries(node).map(([key, value]) =>
		(key === "$ref" ? [key, value.replace("#/components/schemas/", `${base}#/$defs/`)] : [key, refer(value, base)])));
};
ajv.addSchema({ $id: BASE, $defs: refer(description.components.schemas, "") });

const step = (name) => String(name).replaceAll("~", "~0").replaceAll("/", "~1");
const pointer = (...path) => `#/${path.map(step).join("/")}`;
const at = (where) => where.slice(2).split("/").reduce((node, name) =>
	node[name.replaceAll("~1", "/").replaceAll("~0", "~")], description);

const compiled = new Map();
const validator = (where) => {
	if (!compiled.has(where))
		compiled.set(where, ajv.compile(refer(at(where), BASE)));
	return compiled.get(where);
};

/* where: a JSON pointer into the description. */
export const conforms = (where, value, what) => {
	const validate = validator(where);
	if (!validate(value)) {
		const faults = validate.errors.slice(0, 4).map((error) =>
			`${error.instancePath || "/"} ${error.message} ${JSON.stringify(error.params)}`);
		throw new Error(`${what} is not as openapi.json says: ${faults.join("; ")}\n${JSON.stringify(value).slice(0, 1500)}`);
	}
};

export const schema = (name) => pointer("components", "schemas", name);

/* "/calls/call_01/events" -> "/calls/{id}/events", fixed paths first. */
const templateOf = (path) => {
	const plain = path.split("?")[0];
	if (description.paths[plain])
		return plain;
	return Object.keys(description.paths).find((template) =>
		new RegExp(`^${template.replaceAll(/\{[a-z]+\}/g, "[^/]+")}$`).test(plain));
};

/* A response, its reference followed: where it stands, and what it is. */
const responseAt = (template, method, status) => {
	const response = description.paths[template][method].responses[status];
	if (!response)
		return undefined;
	if (!response.$ref)
		return { at: ["paths", template, method, "responses", String(status)], response };
	const name = response.$ref.split("/").pop();
	return { at: ["components", "responses", name], response: description.components.responses[name] };
};

const checkHeaders = (reply, response, what) => {
	for (const [name, entry] of Object.entries(response.headers ?? {})) {
		const key = entry.$ref?.split("/").pop();
		const header = key ? description.components.headers[key] : entry;
		const value = reply.headers[name.toLowerCase()];
		if (value === undefined) {
			if (header.required)
				throw new Error(`${what} lacks the header ${name}`);
			continue;
		}
		if (key)
			conforms(pointer("components", "headers", key, "schema"), value, `${what}: header ${name}`);
		else if (!ajv.validate(header.schema, value))
			throw new Error(`${what}: header ${name} is ${value}`);
	}
};

const checkBody = (reply, found, what) => {
	const type = reply.headers["content-type"]?.split(";")[0];
	const content = found.response.content;
	if (!content) {
		if (reply.text)
			throw new Error(`${what} has a body, which openapi.json doesn't know: ${reply.text.slice(0, 200)}`);
		return;
	}
	if (!content[type])
		throw new Error(`${what} is ${type}; openapi.json knows ${Object.keys(content).join(", ")}`);
	if (reply.request.method === "HEAD") {
		if (reply.text)
			throw new Error(`${what}: a body in answer to HEAD`);
		return;
	}
	if (type.endsWith("json"))
		conforms(pointer(...found.at, "content", type, "schema"), JSON.parse(reply.text), what);
};

/* What was taken must be what openapi.json says may be sent. */
const checkRequest = (reply, template, method, what) => {
	const body = description.paths[template][method].requestBody;
	const type = reply.request.headers["Content-Type"]?.split(";")[0];
	if (reply.status >= 300 || !body || !reply.request.body || type !== "application/json")
		return;
	conforms(pointer("paths", template, method, "requestBody", "content", type, "schema"),
		JSON.parse(reply.request.body), `${what}: the request that was taken`);
};

/* Under /2010-04-01 errors are Twilio's. */
const checkTwilioError = (reply, what) => {
	if (reply.headers["content-type"] !== "application/json")
		throw new Error(`${what}: ${reply.headers["content-type"]} instead of an error of Twilio's`);
	if (reply.request.method === "HEAD")
		return;
	conforms(schema("TwilioError"), reply.json, what);
	if (reply.json.status !== reply.status)
		throw new Error(`${what}: the error says ${reply.json.status}`);
	if (reply.json.details.request_id !== reply.headers["x-request-id"])
		throw new Error(`${what}: two request ids`);
};

const checkProblem = (reply, what) => {
	if (reply.request.path.startsWith("/2010-04-01/")) {
		checkTwilioError(reply, what);
		return;
	}
	if (reply.headers["content-type"] !== "application/problem+json")
		throw new Error(`${what}: ${reply.headers["content-type"]} instead of a problem`);
	if (reply.request.method === "HEAD")
		return;
	conforms(schema("Problem"), reply.json, what);
	if (reply.json.status !== reply.status)
		throw new Error(`${what}: the problem says ${reply.json.status}`);
	if (reply.json.request_id !== reply.headers["x-request-id"])
		throw new Error(`${what}: two request ids`);
};

/* What has been exchanged, for a test that asks what never was. */
export const covered = new Set();

export const checkExchange = (reply) => {
	const { method, path } = reply.request;
	const what = `${method} ${path} ${reply.status}`;
	const template = templateOf(path);
	const verb = method === "HEAD" ? "get" : method.toLowerCase();

	if (reply.status >= 400 && !(reply.status === 503 && reply.headers["content-type"] === "application/json"))
		checkProblem(reply, what);
	if (method === "OPTIONS" && reply.status === 204)
		return;
	if (!template || !METHODS.includes(verb) || !description.paths[template][verb]) {
		/* no operation: then only a refusal will do, or a file of the page */
		const isFile = verb === "get" && [200, 304].includes(reply.status) && /\.(html|js|css|svg)$/.test(path.split("?")[0]);
		if (reply.status < 400 && !isFile)
			throw new Error(`${what}: openapi.json has no such operation`);
		return;
	}
	if (reply.status === 405) /* HEAD on a stream */
		return;

	const found = responseAt(template, verb, reply.status);
	if (!found)
		throw new Error(`${what}: openapi.json doesn't know this status here\n${reply.text.slice(0, 500)}`);
	checkHeaders(reply, found.response, what);
	checkBody(reply, found, what);
	checkRequest(reply, template, verb, what);
	covered.add(`${description.paths[template][verb].operationId} ${reply.status}`);
};

/* One event of a stream: its fields, as text. Returns its data. */
export const checkEvent = ({ id, event, data }) => {
	const value = JSON.parse(data);
	if (!/^[0-9]+$/.test(id ?? ""))
		throw new Error(`an event with id ${id}`);
	if (event === "reset") {
		conforms(schema("Reset"), value, "a reset");
		return value;
	}
	conforms(schema("Event"), value, `the event ${event}`);
	if (value.type !== event || String(value.id) !== id)
		throw new Error(`event: ${event}, id: ${id} with data of ${value.type}, ${value.id}`);
	return value;
};
