/* fake.mjs - a gateway that only looks like one, to work on the page by itself:
 *
 *   node tests/web/fake.mjs [PORT]
 *
 * Same routes, same JSON, same headers as the real one; the calls are scripts
 * (fake_calls.mjs).
 * run.mjs takes it in place of the binary with BELLPULL_FAKE=1. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

import { faultsOf, makeCalls } from "./fake_calls.mjs";

const WEB = new URL("../../web", import.meta.url);
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const PAGE = {
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options": "nosniff",
	"Referrer-Policy": "same-origin",
	"Cache-Control": "no-cache",
};

/* A WAV file of no sound. */
const SILENCE = Buffer.from("524946462400000057415645666d7420100000000100020040" + "1f0000007d00000400100064617461" + "00000000", "hex");

/* With a key every route but the page itself wants it, as a session cookie. */
export const makeFake = ({ key } = {}) => {
	const journal = [];
	const readers = new Set();
	let server;

	const lines = [
		{ name: "sandbox", user: "858", domain: "127.0.0.1", transport: "udp", register: true, state: "registered", registered_until: new Date(Date.now() + 3500e3).toISOString(), last_code: 200, last_reason: "OK", server: "Bellpull sandbox", calls: 0 },
		{ name: "office", user: "858", domain: "pbx.example", transport: "tls", register: true, state: "failed", last_code: 403, last_reason: "Forbidden", next_try_at: new Date(Date.now() + 48e3).toISOString(), server: "FPBX-16.0.40(18.9)", calls: 0 },
	];

	const tell = (call, type, { leg = null, data = {} } = {}) => {
		const id = journal.length + 1;
		call.revision += 1;
		call.last_event_id = id;
		const event = { id, type, occurred_at: new Date().toISOString(), call_id: call.id, leg, seq: journal.filter((e) => e.call_id === call.id).length + 1, data, call: structuredClone(call) };
		journal.push(event);
		for (const reader of readers)
			send(reader, event);
	};
	const send = (reply, event) => reply.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

	const { calls, place, hangup, end, command, ladder, isCommand } = makeCalls(tell);

	const refuse = (reply, status, title, errors) => json(reply, status, { type: "about:blank", title, status, detail: title, errors }, "application/problem+json");
	const json = (reply, status, body, type = "application/json") => {
		reply.writeHead(status, { "Content-Type": type, "Cache-Control": "no-store" });
		reply.end(body === undefined ? "" : JSON.stringify(body));
	};

	const file = async (reply, name, edit = (text) => text) => {
		try {
			const bytes = await readFile(fileURLToPath(`${WEB}/${name}`));
			reply.writeHead(200, { ...PAGE, "Content-Type": TYPES[extname(name)] });
			reply.end(extname(name) === ".html" ? edit(bytes.toString()) : bytes);
		} catch {
			refuse(reply, 404, "There is nothing here.");
		}
	};

	const stream = (request, reply, query) => {
		const after = request.headers["last-event-id"] ?? query.get("last_event_id");
		reply.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
		reply.write("retry: 500\n: hello\n\n");
		if (after !== null && after !== undefined)
			journal.filter((event) => event.id > Number(after)).forEach((event) => send(reply, event));
		readers.add(reply);
		request.on("close", () => readers.delete(reply));
	};

	const bodyOf = async (request) => {
		let text = "";
		for await (const chunk of request)
			text += chunk;
		return text;
	};

	const create = async (request, reply) => {
		const text = await bodyOf(request);
		const order = text.startsWith("{") ? JSON.parse(text) : Object.fromEntries([...new URLSearchParams(text)].filter(([, value]) => value));
		const faults = faultsOf(order);
		if (faults.length)
			return refuse(reply, 422, "The order has errors.", faults);
		const call = place(order);
		const html = request.headers.accept?.includes("text/html");
		reply.setHeader("Location", `/calls/${call.id}`);
		return json(reply, html ? 303 : 201, html ? undefined : call);
	};

	const handle = async (request, reply) => {
		const { pathname, searchParams } = new URL(request.url, "http://x");
		const html = request.headers.accept?.includes("text/html");
		const [, top, id, sub] = pathname.split("/");
		const call = calls.get(id);
		if (pathname === "/")
			return file(reply, "index.html");
		if (pathname === "/session") {
			if (JSON.parse(await bodyOf(request)).key !== key)
				return refuse(reply, 401, "This key is not known.");
			reply.setHeader("Set-Cookie", "session=1; HttpOnly; SameSite=Strict; Path=/");
			return json(reply, 204);
		}
		if (key && ["calls", "lines", "events"].includes(top) && !request.headers.cookie)
			return refuse(reply, 401, "A key is needed.");
		if (pathname === "/events")
			return stream(request, reply, searchParams);
		if (pathname === "/lines")
			return json(reply, 200, { object: "list", data: lines, next_cursor: null });
		if (top === "lines" && sub === "check")
			return json(reply, 200, { verdict: "The server answers, and the password is right." });
		if (pathname === "/calls" && request.method === "POST")
			return create(request, reply);
		if (pathname === "/calls")
			return json(reply, 200, { object: "list", data: [...calls.values()].reverse().slice(0, Number(searchParams.get("limit") ?? 50)), next_cursor: null });
		if (pathname === "/openapi.json")
			return json(reply, 200, { openapi: "3.1.0", paths: { "/calls": { post: { operationId: "createCall", summary: "Places a call", requestBody: { content: { "application/json": { schema: { required: ["to"], properties: { to: { type: "string", description: "Who is rung." } } } } } }, responses: { 201: { description: "The call is on disk." } } } } } });
		if (top !== "calls")
			return file(reply, pathname.slice(1));
		if (!call)
			return html ? file(reply, "call.html") : refuse(reply, 404, "There is no such call.");
		if (sub === "events")
			return json(reply, 200, { object: "list", data: journal.filter((event) => event.call_id === id) });
		if (sub === "sip")
			return json(reply, 200, ladder(call));
		if (sub === "recording") {
			reply.writeHead(200, { "Content-Type": "audio/wav" });
			return reply.end(SILENCE);
		}
		if (request.method === "POST" && isCommand(sub)) {
			const refused = command(call, sub, JSON.parse(await bodyOf(request) || "{}"));
			return refused
				? refuse(reply, refused.status, refused.title ?? "The command has errors.", refused.errors)
				: json(reply, 200, call);
		}
		if (request.method === "DELETE" || sub === "hangup") {
			hangup(call);
			reply.setHeader("Location", `/calls/${id}`);
			return json(reply, html ? 303 : 200, html ? undefined : call);
		}
		return html
			? file(reply, "call.html", (text) => text.replace("<!--bellpull:call-->", `<dl class="facts"><dt>To</dt><dd>${call.to}</dd><dt>Status</dt><dd>${call.status}</dd></dl><form method="post" action="/calls/${id}/hangup"><button>Hang up</button></form>`))
			: json(reply, 200, call);
	};

	/* start() again after stop() knows what it knew, as a journal on disk would, and
	 * closes the calls that the stop cut off. */
	return {
		start: (port = 0) => new Promise((resolve) => {
			server = createServer((request, reply) => handle(request, reply).catch((error) => refuse(reply, 500, String(error))));
			for (const call of calls.values())
				end(call, { status: call.answered_at ? "completed" : "failed", cause: "server_restart", q850: 41, by: "gateway" });
			server.listen(port, "127.0.0.1", () => resolve(server.address().port));
		}),
		stop: () => new Promise((resolve) => {
			server.close(resolve);
			server.closeAllConnections();
		}),
		place,
	};
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const port = await makeFake().start(Number(process.argv[2] ?? 8080));
	console.log(`http://127.0.0.1:${port}`);
}
