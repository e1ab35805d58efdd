/* The description of the API is valid, and speaks of exactly the routes that
 * there are (A15). */
import { execFileSync } from "node:child_process";

import SwaggerParser from "@apidevtools/swagger-parser";

import { conforms, description, schema } from "./oracle.mjs";
import { equal, ok, test } from "./harness.mjs";

const methods = ["get", "post", "delete", "put", "patch"];

const described = () => Object.entries(description.paths).flatMap(([path, item]) =>
	methods.filter((method) => item[method]).map((method) => `${method.toUpperCase()} ${path} ${item[method].operationId}`));

test("openapi: it is valid OpenAPI 3.1", async () => {
	const api = await (SwaggerParser.default ?? SwaggerParser).validate(structuredClone(description));
	equal(api.openapi, "3.1.0");
});

test("openapi: it is served as it lies here", async (t) => {
	const gw = await t.gateway();
	const reply = await gw.api("GET", "/openapi.json");
	equal(reply.headers["content-type"], "application/json");
	equal(reply.json, description);
});

test("openapi: the routes of the binary are the routes described", async (t) => {
	const routes = execFileSync(t.binary, ["--routes"], { encoding: "utf8" }).trim().split("\n");
	equal(routes.sort(), described().sort());
});

test("openapi: every operation has its own id, a summary, and its errors", async () => {
	const seen = new Set();
	for (const [path, item] of Object.entries(description.paths)) {
		for (const method of methods.filter((name) => item[name])) {
			const op = item[method];
			ok(!seen.has(op.operationId), `${op.operationId} twice`);
			seen.add(op.operationId);
			ok(op.summary && op.tags?.length, `${op.operationId} has no summary or tag`);
			for (const status of ["400", "403", "431", "500", "503"])
				ok(op.responses[status], `${op.operationId} doesn't know ${status}`);
			for (const [, name] of path.matchAll(/\{([a-z]+)\}/g))
				ok(item.parameters.some((p) => p.in === "path" && p.name === name), `${path} doesn't describe ${name}`);
		}
	}
});

test("openapi: the examples are what they are examples of", async () => {
	for (const [name, entry] of Object.entries(description.components.schemas)) {
		for (const example of entry.examples ?? [])
			conforms(schema(name), example, `the example of ${name}`);
	}
	for (const item of Object.values(description.paths)) {
		for (const method of methods.filter((name) => item[name])) {
			for (const response of Object.values(item[method].responses)) {
				const content = response.content?.["application/json"];
				if (content?.example && content.schema.$ref)
					conforms(content.schema.$ref, content.example, `an example of ${item[method].operationId}`);
			}
		}
	}
});

test("openapi: the schemas are not so wide that anything fits", async () => {
	for (const name of ["Call", "Leg", "Line", "CallEvent", "LineEvent", "Problem", "Capacity", "Ladder"]) {
		let taken = false;
		try {
			conforms(schema(name), {}, name);
			taken = true;
		} catch {
			/* as it should be */
		}
		ok(!taken, `{} passes for a ${name}`);
		ok(description.components.schemas[name].additionalProperties === false, `${name} takes any member`);
	}
});
