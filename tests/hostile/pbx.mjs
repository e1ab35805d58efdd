/* The line's server, and strangers. Each lives at an address of loopback that is
 * its own.
 *
 *	const pbx = await server(t);
 *	pbx.serves("300", answers());      how somebody behaves who is called
 *	pbx.on("REGISTER", (m) => ...);    in place of what a server does by itself
 *
 * What a phone says is text with holes: {via} {from} {to} {call-id} {cseq} are the
 * request's own, {tag} the phone's. */
import dgram from "node:dgram";
import { createServer } from "node:net";

import { equal, eventually, ok } from "../wire/harness.mjs";
import { parseMessage, skim } from "./sip.mjs";

const udp = (t, address, port = 0) => new Promise((done, fail) => {
	const socket = dgram.createSocket({ type: "udp4", recvBufferSize: 4 << 20 });
	socket.on("error", fail);
	t.later(() => new Promise((closed) => socket.close(closed)));
	socket.bind(port, address, () => done(socket));
});

export const freePort = () => new Promise((done) => {
	const probe = createServer().listen(0, "127.0.0.1", () => {
		const { port } = probe.address();
		probe.close(() => done(port));
	});
});

export const sdp = (port, { address = "127.0.0.1", codec = 8, extra = "" } = {}) =>
	`v=0\r\no=- 1 1 IN IP4 ${address}\r\ns=-\r\nc=IN IP4 ${address}\r\nt=0 0\r\nm=audio ${port} RTP/AVP ${codec}\r\n${extra}`;

/* One response to a request. more: header lines; body goes with its length. */
export const response = (request, code, { phrase = "x", tag = "far", more = "", body = "", contact = "", type = "application/sdp" } = {}) => {
	const to = request.get("To");
	return `SIP/2.0 ${code} ${phrase}\r\n${request.all("Via").map((via) => `Via: ${via}\r\n`).join("")}From: ${request.get("From")}\r\n`
		+ `To: ${to}${/;tag=/.test(to) || !tag ? "" : `;tag=${tag}`}\r\nCall-ID: ${request.get("Call-ID")}\r\nCSeq: ${request.cseq}\r\n`
		+ `${contact ? `Contact: <${contact}>\r\n` : ""}${more}${body ? `Content-Type: ${type}\r\n` : ""}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
};

/* Streams in the clothes of a socket: what comes is cut into messages, what is sent
 * goes to the connection of that port. */
const tcp = (t, address) => new Promise((done, fail) => {
	const links = new Map();
	let heard = () => {};
	const listener = createServer((link) => {
		let rest = Buffer.alloc(0);
		links.set(link.remotePort, link);
		t.later(() => link.destroy());
		link.on("error", () => {});
		link.on("data", (bytes) => {
			rest = Buffer.concat([rest, bytes]);
			for (;;) {
				const text = rest.toString("latin1");
				const end = text.indexOf("\r\n\r\n") + 4;
				const length = end + Number(/^Content-Length: (\d+)/m.exec(text.slice(0, end))?.[1] ?? 0);
				if (end < 4 || rest.length < length)
					return;
				heard(rest.subarray(0, length), { address, port: link.remotePort });
				rest = rest.subarray(length);
			}
		});
	});
	listener.on("error", fail);
	t.later(() => listener.close());
	listener.listen(0, address, () => done({
		address: () => listener.address(),
		on: (_, handler) => { heard = handler; },
		send: (bytes, to) => links.get(to)?.write(bytes),
	}));
});

export const server = async (t, address = "127.0.0.1", transport = "udp") => {
	const socket = await (transport === "tcp" ? tcp : udp)(t, address);
	const { port } = socket.address();
	const contact = `sip:far@${address}:${port}${transport === "tcp" ? ";transport=tcp" : ""}`;
	const phones = new Map();
	const methods = new Map();
	const seen = []; /* all that has come, in order */
	const wrong = [];
	let asked = 0;

	/* Whatever was said to it, the gateway's own words stay SIP. */
	t.later(() => equal(wrong.slice(0, 3), [], "what is wrong with the gateway's messages"));

	const pbx = {
		address, port, contact, socket, seen,
		serves: (user, phone) => phones.set(user, phone),
		on: (method, handler) => methods.set(method, handler),
		send: (bytes, to) => socket.send(bytes, to.port, to.address),
		reply: (m, code, options) => socket.send(response(m, code, { contact, ...options }), m.port, m.from_address),
		/* Until look(message) is true of one, also of those that have come. */
		saw: (what, look) => eventually(what, () => seen.find(look)),
	};

	const byItself = {
		REGISTER: (m) => pbx.reply(m, 200, { contact: "", more: `Contact: ${m.get("Contact")};expires=600\r\n` }),
		OPTIONS: (m) => pbx.reply(m, 200),
		BYE: (m) => pbx.reply(m, 200),
		CANCEL: (m) => {
			pbx.reply(m, 200);
			const invite = seen.find((other) => other.method === "INVITE" && other.get("Call-ID") === m.get("Call-ID"));
			pbx.reply(invite, 487);
		},
		INVITE: (m) => pbx.reply(m, 404),
		ACK: () => {},
	};

	socket.on("message", (bytes, { address: from_address, port: from_port }) => {
		const m = Object.assign(skim(bytes), { bytes, from_address, port: from_port });
		seen.push(m);
		try {
			parseMessage(bytes);
		} catch (error) {
			wrong.push(error.message);
		}
		if (m.code)
			return;
		const phone = phones.get(m.user) ?? phones.get(phoneOf(m));
		const handler = phone?.[m.method] ?? methods.get(m.method) ?? (m.method === "INVITE" && phone) ?? byItself[m.method];
		if (typeof handler === "function")
			handler(m, pbx);
		else
			(byItself[m.method] ?? (() => pbx.reply(m, 405)))(m);
	});
	/* whose dialog it is: the user that the INVITE with its Call-ID was for */
	const phoneOf = (m) => seen.find((other) => other.method === "INVITE" && other.get("Call-ID") === m.get("Call-ID"))?.user;

	/* Is the gateway alive? An OPTIONS of the line's server, as they send it. */
	pbx.asks = async (gw) => {
		const call_id = `alive-${++asked}-${port}`;
		const text = `OPTIONS sip:858@${gw.address} SIP/2.0\r\nVia: SIP/2.0/UDP ${address}:${port};branch=z9hG4bKalive${asked};rport\r\nMax-Forwards: 70\r\n`
			+ `From: <sip:pbx@${address}>;tag=p${asked}\r\nTo: <sip:858@${gw.address}>\r\nCall-ID: ${call_id}\r\nCSeq: ${asked} OPTIONS\r\nContent-Length: 0\r\n\r\n`;
		const again = setInterval(() => pbx.send(text, { port: gw.sip_port, address: gw.sip_address }), 300);
		pbx.send(text, { port: gw.sip_port, address: gw.sip_address });
		const answer = await eventually(`an answer to OPTIONS ${asked}`, () =>
			seen.findLast((m) => m.code && m.get("Call-ID") === call_id), 1000).finally(() => clearInterval(again));
		equal(answer.code, 200, "the answer to the server's OPTIONS");
	};
	return pbx;
};

/* Somebody else: what comes back to him is kept. */
export const stranger = async (t, address) => {
	const socket = await udp(t, address);
	const got = [];
	socket.on("message", (bytes) => got.push(skim(bytes)));
	return { address, port: socket.address().port, got, send: (bytes, gw) => new Promise((done) => socket.send(bytes, gw.sip_port, gw.sip_address, done)) };
};

/* A phone that answers and speaks: 50 packets a second, and counts what it hears. */
export const talker = async (t, { address = "127.0.0.1" } = {}) => {
	const socket = await udp(t, address);
	const { port } = socket.address();
	const phone = { heard: 0, port };
	let to = null;
	let seq = 0;
	socket.on("message", () => phone.heard++);
	const clock = setInterval(() => {
		if (!to)
			return;
		const packet = Buffer.alloc(172, 0x55);
		packet.writeUInt16BE(0x8008, 0);
		packet.writeUInt16BE(++seq & 0xffff, 2);
		packet.writeUInt32BE(seq * 160, 4);
		packet.writeUInt32BE(port, 8);
		socket.send(packet, to.port, to.address);
	}, 20);
	t.later(() => clearInterval(clock));
	phone.INVITE = (m, pbx) => {
		const [, gw_port] = /^m=audio (\d+)/m.exec(m.body) ?? [];
		const [, gw_address] = /^c=IN IP4 (\S+)/m.exec(m.body) ?? [];
		if (gw_port)
			to = { port: Number(gw_port), address: gw_address };
		phone.invite ??= m;
		pbx.reply(m, 200, { tag: `t${port}`, body: sdp(port) });
	};
	phone.hears = async (what, packets = 3) => {
		const before = phone.heard;
		await eventually(`sound at the phone (${what})`, () => phone.heard >= before + packets);
	};
	return phone;
};

/* A gateway with the line "office" at pbx. Ports of its own choice, known to us. */
export const gateway = async (t, pbx, { tls = null, line = {}, lines = [], ...more } = {}) => {
	const [udp_port, tcp_port, tls_port] = await Promise.all([freePort(), freePort(), freePort()]);
	const gw = await t.gateway({
		allow_inline: true,
		lines: [{ name: "office", user: "858", password: "secret858", domain: pbx.address, port: pbx.port, register: false, default: true, ...line }, ...lines],
		media: { ports: "20000-22999" },
		drain_s: 0,
		...more,
		sip: { listen: [`udp:127.0.0.1:${udp_port}`, `tcp:127.0.0.1:${tcp_port}`, ...(tls ? [`tls:127.0.0.1:${tls_port}`] : [])],
			...(tls ? { ca_file: tls } : {}) },
	});
	/* nobody writes into the log, or fills the disk by it */
	t.later(() => {
		const lines = gw.log().split("\n").filter(Boolean);
		equal(lines.filter((line) => !line.startsWith("{")).slice(0, 3), [], "lines of the log that are no records");
		ok(lines.length < 10_000, `${lines.length} records in the log`);
	});
	return Object.assign(gw, { sip_address: "127.0.0.1", sip_port: udp_port, tcp_port, tls_port, address: `127.0.0.1:${udp_port}` });
};

export const place = async (gw, body) => {
	const reply = await gw.api("POST", "/calls", { body: typeof body === "string" ? { to: body } : body });
	equal(reply.status, 201, `the reply to POST /calls (${reply.text})`);
	return reply.json;
};

export const ended = async (gw, id, timeout = 60) => {
	const reply = await gw.api("GET", `/calls/${id}?wait=ended&timeout=${timeout}`, { patience_ms: (timeout + 10) * 1000 });
	equal(reply.json.state, "ended", `the state of ${reply.json.to} (${JSON.stringify(reply.json.legs)})`);
	return reply.json;
};

/* Two people who talk through the gateway, and must go on to. */
export const conversation = async (t, gw, pbx) => {
	const [a, b] = [await talker(t), await talker(t)];
	pbx.serves("301", a);
	pbx.serves("302", b);
	const stream = await gw.events("/events");
	const call = await place(gw, { from: "301", to: "302" });
	await stream.untilType("call.bridged", call.id);
	await Promise.all([a.hears("at first"), b.hears("at first")]);
	return {
		call, a, b,
		goesOn: async (what) => {
			await Promise.all([a.hears(what), b.hears(what)]);
			equal((await gw.api("GET", `/calls/${call.id}`)).json.state, "bridged", `the call's state (${what})`);
		},
		end: async () => {
			await gw.api("DELETE", `/calls/${call.id}`);
			const over = await ended(gw, call.id);
			equal([over.status, over.cause, over.ended_by], ["completed", "normal_clearing", "api"], "the end of the call that went on");
		},
	};
};

export const calls = async (gw, query = "") => (await gw.api("GET", `/calls${query}`)).json.data;
