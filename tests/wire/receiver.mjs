/* Receivers of webhooks, for the stories that look at what is told: an HTTP server of
 * Node on loopback that does what the test says, and the signature made by Node's own
 * crypto. */
import { createHmac, createPublicKey, verify } from "node:crypto";
import http from "node:http";

import { equal, eventually } from "./harness.mjs";

export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
export const OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

export const sign = (secret, headers, body) => `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
	.update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`).digest("base64")}`;

/* Whether one of v1a is by the key that whpk_ names. */
export const verifies = (whpk, headers, body) => {
	const key = createPublicKey({ format: "der", type: "spki",
		key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(whpk.slice(5), "base64")]) });
	const text = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
	return headers["webhook-signature"].split(" ").some((one) => one.startsWith("v1a,")
		&& verify(null, text, key, Buffer.from(one.slice(4), "base64")));
};

/* A receiver; answer(n, request) says what the n-th request gets: a status,
 * [status, headers], or a function of the response. */
export const receiver = async (t, answer = () => 204) => {
	const got = [];
	const server = http.createServer((request, response) => {
		const parts = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			const body = Buffer.concat(parts).toString();
			got.push({ headers: request.headers, body, event: JSON.parse(body), url: request.url });
			const what = answer(got.length, got.at(-1));
			if (typeof what === "function")
				what(response, request);
			else {
				const [status, headers] = [what].flat();
				response.writeHead(status, headers);
				response.end("thanks\n");
			}
		});
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	t.after?.(() => server.close());
	return { got, server, port: server.address().port, url: `http://127.0.0.1:${server.address().port}/hook`,
		close: () => { server.closeAllConnections(); server.close(); },
		of: (type) => got.filter((one) => one.event.type === type) };
};

export const webhooks = (endpoints, more) => ({ allow_inline: true,
	webhooks: { allow_http: true, allow_targets: ["127.0.0.0/8"], schedule: [1, 1, 1], endpoints, ...more } });
export const up = async (t, config, headers) => {
	const gw = await t.gateway({ sandbox: true, ...config });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", { headers })).json?.state === "registered");
	return gw;
};
export const call = async (gw, body = { to: "sim:busy" }) => {
	const made = await gw.api("POST", "/calls", { body });
	equal(made.status, 201);
	return made.json.id;
};
export const deliveries = async (gw, query = "") => (await gw.api("GET", `/webhooks/deliveries${query}`)).json.data;
