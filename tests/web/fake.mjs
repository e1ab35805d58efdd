/* fake.mjs - a gateway that only looks like one, to work on the page by itself:
 *
 *   node tests/web/fake.mjs [PORT]
 *
 * Same routes, same JSON, same headers as the real one; the calls are scripts.
 * run.mjs takes it in place of the binary with BELLPULL_FAKE=1. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const WEB = new URL("../../web", import.meta.url);
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml" };
const PAGE = {
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
	"X-Content-Type-Options": "nosniff",
	"Referrer-Policy": "same-origin",
	"Cache-Control": "no-cache",
};

/* [after ms, event, sip code, reason]; "end" carries status and cause */
const rings = [[20, "initiated"], [40, "ringing", 180, "Ringing"]];
const answers = [...rings, [1000, "answered", 200, "OK"]];
const ends = (code, reason, status, cause, q850, before = [[20, "initiated"]]) => [...before, [60, "end", code, reason, status, cause, q850]];
const SCRIPTS = {
	"853": [...answers, [3000, "end", 200, "OK", "completed", "normal_clearing", 16]],
	"sim:answer": answers,
	"sim:no-answer": rings,
	"sim:hangup": [...answers, [2000, "end", 200, "OK", "completed", "normal_clearing", 16]],
	"sim:busy": ends(486, "Busy Here", "busy", "busy", 17),
	"sim:decline": ends(603, "Decline", "busy", "rejected", 21, rings),
	"sim:not-found": ends(404, "Not Found", "failed", "not_found", 1),
	"sim:unavailable": ends(480, "Temporarily Unavailable", "no-answer", "unavailable", 20),
	"sim:overloaded": ends(503, "Service Unavailable", "failed", "congestion", 42),
	"sim:auth-loop": ends(407, "Proxy Authentication Required", "failed", "auth_failed", 21),
	"sim:early-media": [[20, "initiated"], [40, "early_media", 183, "Session Progress"], [1200, "answered", 200, "OK"]],
};

/* With a key every route but the page itself wants it, as a session cookie. */
export const makeFake = ({ key } = {}) => {
	const calls = new Map();
	const journal = [];
	const readers = new Set();
	const timers = new Map();
	let count = 0;
	let server;

	const lines = [
		{ name: "sandbox", user: "858", domain: "127.0.0.1", transport: "udp", register: true, state: "registered", registered_until: new Date(Date.now() + 3500e3).toISOString(), last_code: 200, last_reason: "OK", server: "Bellpull sandbox", calls: 0 },
		{ name: "office", user: "858", domain: "pbx.example", transport: "tls", register: true, state: "failed", last_code: 403, last_reason: "Forbidden", next_try_at: new Date(Date.now() + 48e3).toISOString(), server: "FPBX-16.0.40(18.9)", calls: 0 },
	];

	const tell = (call, type, data = {}) => {
		const id = journal.length + 1;
		call.revision += 1;
		call.last_event_id = id;
		const leg = type.startsWith("leg.") ? "to" : null;
		const event = { id, type, occurred_at: new Date().toISOString(), call_id: call.id, leg, seq: journal.filter((e) => e.call_id === call.id).length + 1, data, call: structuredClone(call) };
		journal.push(event);
		for (const reader of readers)
			send(reader, event);
	};
	const send = (reply, event) => reply.write(`id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);

	const end = (call, code, reason, status, cause, q850, by = "to") => {
		(timers.get(call.id) ?? []).forEach(clearTimeout);
		if (call.state === "ended")
			return;
		const ended_at = new Date().toISOString();
		Object.assign(call, { state: "ended", status, cause, q850, ended_at, ended_by: by, duration: call.answered_at ? Math.round((Date.now() - Date.parse(call.answered_at)) / 1000) : 0, ring_duration: 1 });
		if (code)
			call.sip = { code, reason, reason_header: null };
		Object.assign(call.legs[0], { state: "ended", status, ended_at, cause, sip: { code, reason } });
		tell(call, "leg.ended", { sip_code: code, sip_reason: reason });
		tell(call, "call.ended");
	};

	const step = (call, [, what, code, reason, ...outcome]) => {
		const [leg] = call.legs;
		const at = new Date().toISOString();
		const both = (type, data) => { tell(call, `leg.${type}`, data); tell(call, `call.${type}`, data); };
		if (what === "end")
			return end(call, code, reason, ...outcome);
		if (code)
			call.sip = { code, reason, reason_header: null };
		if (what === "initiated") {
			Object.assign(call, { state: "dialing_first", started_at: at });
			tell(call, "call.initiated");
			tell(call, "leg.initiated");
		} else if (what === "answered") {
			Object.assign(call, { state: "bridged", status: "in-progress", answered_at: at, bridged_at: at });
			Object.assign(leg, { state: "answered", answered_at: at, codec: "PCMA/8000" });
			both(what, {});
			tell(call, "call.bridged");
		} else {
			Object.assign(call, { state: "first_ringing", status: "ringing", ringing_at: call.ringing_at ?? at });
			Object.assign(leg, { state: "ringing", ringing_at: at });
			both(what, { sip_code: code, sip_reason: reason });
		}
	};

	const play = (call, script, at = 0) => {
		if (at >= script.length)
			return;
		timers.set(call.id, [setTimeout(() => { step(call, script[at]); play(call, script, at + 1); }, script[at][0])]);
	};

	const place = (order) => {
		count += 1;
		const id = `call_01K${String(count).padStart(23, "0")}`;
		const call = { id, object: "call", revision: 0, status: "queued", state: "queued", direction: "outbound-api", to: order.to, from: null, line: order.line ?? "sandbox", created_at: new Date().toISOString(), started_at: null, ringing_at: null, answered_at: null, ended_at: null, duration: 0, ring_duration: 0, ended_by: null, cause: null, q850: null, sip: { code: null, reason: null, reason_header: null }, legs: [{ role: "to", uri: `sip:${order.to.replace("sim:", "")}@127.0.0.1`, state: "new", status: "queued", sip_call_id: "a84b4c76e66710" }], client_state: order.client_state ?? null, metadata: order.metadata ?? null, last_event_id: null };
		calls.set(id, call);
		tell(call, "call.queued");
		play(call, SCRIPTS[order.to] ?? answers);
		return call;
	};

	const ladder = (call) => ({
		skipped: 0,
		diagnosis: call.cause === "busy" ? "The phone answered 486 Busy Here: it is on another call." : "",
		messages: [["out", `INVITE ${call.legs[0].uri} SIP/2.0`], ["in", "SIP/2.0 100 Trying"], ["in", "SIP/2.0 407 Proxy Authentication Required"], ["out", `ACK ${call.legs[0].uri} SIP/2.0`], ["out", `INVITE ${call.legs[0].uri} SIP/2.0`], ["in", "SIP/2.0 180 Ringing"], ["in", `SIP/2.0 ${call.sip?.code ?? 200} ${call.sip?.reason ?? "OK"}`], ["out", `ACK ${call.legs[0].uri} SIP/2.0`]]
			.map(([direction, first_line], n) => ({ time: new Date(Date.parse(call.created_at) + 20 + n * 11).toISOString(), direction, first_line, text: `${first_line}\r\nVia: SIP/2.0/UDP 127.0.0.1:35060;rport;branch=z9hG4bK776asdhds\r\nMax-Forwards: 70\r\nFrom: "858" <sip:858@127.0.0.1>;tag=1928301774\r\nTo: <${call.legs[0].uri}>\r\nCall-ID: a84b4c76e66710\r\nCSeq: ${n + 1} INVITE\r\nContent-Length: 0\r\n\r\n` })),
	});

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

	const create = async (request, reply) => {
		let text = "";
		for await (const chunk of request)
			text += chunk;
		const order = text.startsWith("{") ? JSON.parse(text) : Object.fromEntries(new URLSearchParams(text));
		if (!/^(\+?[0-9*#]{2,15}|sims?:[a-z0-9-]+|sip:\S+)$/.test(order.to ?? ""))
			return refuse(reply, 422, "The order has errors.", [{ pointer: "/to", detail: "is neither +E.164, nor 2 to 15 digits, nor a sip: address" }]);
		if (order.ring_timeout !== undefined && !(order.ring_timeout >= 1 && order.ring_timeout <= 300))
			return refuse(reply, 422, "The order has errors.", [{ pointer: "/ring_timeout", detail: "must be a whole number from 1 to 300" }]);
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
			let text = "";
			for await (const chunk of request)
				text += chunk;
			if (JSON.parse(text).key !== key)
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
		if (request.method === "DELETE" || sub === "hangup") {
			if (call.answered_at)
				end(call, 200, "OK", "completed", "normal_clearing", 16, "api");
			else
				end(call, call.sip?.code, call.sip?.reason, "canceled", "canceled_by_api", 16, "api");
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
				end(call, null, null, call.answered_at ? "completed" : "failed", "server_restart", 41, "gateway");
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
