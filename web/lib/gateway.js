/* lib/gateway.js - the gateway's HTTP API, as far as the page needs it.
 *
 * Every reply is JSON; whatever isn't 2xx is thrown as a Problem, so that a
 * caller has one place for "it worked" and one for "say why not". */

export class Problem extends Error {
	/* status 0: the gateway gave no answer at all. */
	constructor(status, body = {}) {
		super(body.detail || body.title || `The gateway answered ${status}.`);
		this.status = status;
		this.title = body.title ?? "";
		this.errors = Array.isArray(body.errors) ? body.errors : [];
	}

	/* Where there is no field to show an error at: "To is missing: ..." */
	get sentence() {
		const told = this.errors.filter(({ detail }) => detail).map(({ pointer = "", detail }) =>
			[pointer.split("/").pop().replaceAll("_", " "), detail].filter(Boolean).join(" "));
		return told.map((text) => text.charAt(0).toUpperCase() + text.slice(1)).join(". ") || this.message;
	}
}

/* text: a body as it is, with its Content-Type among the headers. */
const ask = async (path, { method = "GET", body, text: raw, headers = {} } = {}) => {
	let reply;
	try {
		reply = await fetch(path, {
			method,
			body: body === undefined ? raw : JSON.stringify(body),
			headers: {
				Accept: "application/json, application/problem+json",
				...(body === undefined ? {} : { "Content-Type": "application/json" }),
				...headers,
			},
			credentials: "same-origin",
			cache: "no-store",
		});
	} catch {
		throw new Problem(0, { detail: "The gateway cannot be reached. Is it running?" });
	}

	const text = await reply.text().catch(() => "");
	let data;
	try {
		data = text ? JSON.parse(text) : undefined;
	} catch {
		data = undefined; /* a proxy's HTML: the status has to do */
	}
	if (!reply.ok)
		throw new Problem(reply.status, data);
	return data;
};

const part = encodeURIComponent;

/* A key for one intention: a POST that is sent again with it rings once.
 * randomUUID() exists only in secure contexts, and a gateway in a LAN isn't one. */
export const newKey = () =>
	[...crypto.getRandomValues(new Uint8Array(16))]
		.map((byte) => byte.toString(16).padStart(2, "0"))
		.join("");

export const listCalls = async (limit = 20) => (await ask(`/calls?limit=${limit}`)).data;
export const getCall = (id) => ask(`/calls/${part(id)}`);
/* The same, with its quality measured: the next look shows it. */
export const measureCall = (id) => ask(`/calls/${part(id)}?quality=now`);
export const getSip = (id) => ask(`/calls/${part(id)}/sip`);
export const getSteps = async (id) => {
	const reply = await ask(`/calls/${part(id)}/events`);
	return Array.isArray(reply) ? reply : reply.data;
};
export const listLines = async () => (await ask("/lines")).data;
export const checkLine = (name) => ask(`/lines/${part(name)}/check`, { method: "POST" });
export const getApi = () => ask("/openapi.json");

export const placeCall = (order, key) =>
	ask("/calls", { method: "POST", body: order, headers: { "Idempotency-Key": key } });
export const hangUp = (id) => ask(`/calls/${part(id)}`, { method: "DELETE" });
/* What can be done in a call: dtmf, hold, unhold, mute, unmute, transfer, play, record. */
export const command = (id, name, body) => ask(`/calls/${part(id)}/${name}`, { method: "POST", body });
export const signIn = (key) => ask("/session", { method: "POST", body: { key } });

/* Webhooks: what others are told, and what comes in. */
const query = (members) => new URLSearchParams(Object.entries(members).filter(([, value]) => value)).toString();

export const listEndpoints = async () => (await ask("/webhooks")).data;
export const listDeliveries = (filter) => ask(`/webhooks/deliveries?${query(filter)}`);
export const replay = (id) => ask(`/webhooks/deliveries/${part(id)}/replay`, { method: "POST" });
/* What is done to an endpoint: test, enable, disable, replay (with a range). */
export const tellEndpoint = (name, what, body) => ask(`/webhooks/${part(name)}/${what}`, { method: "POST", body });
export const listHooks = async () => (await ask("/hooks")).data;
export const listCame = (name, limit) => ask(`/hooks/${part(name)}/deliveries?limit=${limit}`);
export const tryHook = (name, text, type) => ask(`/hooks/${part(name)}/test`, { method: "POST", text, headers: { "Content-Type": type } });
