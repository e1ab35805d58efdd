/* What tests of who may share: a phone on UDP that is none of ours (what it was sent
 * is counted, and it says what the test tells it to), and the audit. */
import dgram from "node:dgram";

import { eventually } from "./harness.mjs";

const SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 8\r\n";

class Far {
	constructor(socket, answer) {
		this.socket = socket;
		this.port = socket.address().port;
		this.answer = answer; /* of an INVITE: a status, or one by the user part; 0: none */
		this.sdp = SDP;
		this.got = [];
		socket.on("message", (bytes, from) => this.take(bytes.toString(), from));
	}

	take(text, from) {
		const header = (name) => new RegExp(`^${name}: ?(.*)\r$`, "mi").exec(text)?.[1];
		const [method, uri] = text.split(" ");
		const message = { method, uri, user: /^sip:([^@;]*)@/.exec(uri)?.[1], id: header("Call-ID"), branch: /branch=([^;]+)/.exec(header("Via"))?.[1], text, header, from };
		this.got.push(message);
		if (method === "ACK" || method.startsWith("SIP/"))
			return;
		if (method !== "INVITE") {
			this.reply(message, 200);
			return;
		}
		const status = typeof this.answer === "function" ? this.answer(message) : this.answer;
		if (status)
			this.reply(message, status);
	}

	reply(message, status, more = []) {
		const { header, from, method } = message;
		const to = header("To");
		const sdp = method === "INVITE" && status === 200 ? this.sdp : "";
		this.socket.send([`SIP/2.0 ${status} Far`, `Via: ${header("Via")}`, `From: ${header("From")}`,
			`To: ${to}${to.includes("tag=") ? "" : ";tag=far"}`, `Call-ID: ${header("Call-ID")}`, `CSeq: ${header("CSeq")}`,
			...(more.some((line) => line.startsWith("Contact:")) ? [] : [`Contact: <sip:far@127.0.0.1:${this.port}>`]), ...more,
			...(sdp ? ["Content-Type: application/sdp"] : []), `Content-Length: ${sdp.length}`, "", sdp].join("\r\n"), from.port, from.address);
	}

	/* In the dialog of an INVITE that was answered. */
	ask(invite, method, more = []) {
		const { header, from } = invite;
		this.cseq = (this.cseq ?? 100) + 1;
		this.socket.send([`${method} ${/<([^>]+)>/.exec(header("Contact"))[1]} SIP/2.0`,
			`Via: SIP/2.0/UDP 127.0.0.1:${this.port};branch=z9hG4bK${this.cseq}`, "Max-Forwards: 70",
			`From: ${header("To")};tag=far`, `To: ${header("From")}`, `Call-ID: ${header("Call-ID")}`, `CSeq: ${this.cseq} ${method}`,
			`Contact: <sip:far@127.0.0.1:${this.port}>`, ...more, "Content-Length: 0", "", ""].join("\r\n"), from.port, from.address);
	}

	/* INVITEs that began something: not the same one again. */
	get invites() {
		const seen = new Set();
		return this.got.filter(({ method, id, header }) => method === "INVITE" && !/tag=/.test(header("To")) && !seen.has(id) && seen.add(id));
	}
}

export const far = (t, answer = 486) => new Promise((done) => {
	const socket = dgram.createSocket("udp4");
	t.later(() => socket.close());
	socket.bind(0, "127.0.0.1", () => done(new Far(socket, answer)));
});

/* A line whose calls go there. */
export const lineTo = (phone, more = {}) => ({ name: "office", user: "858", domain: "127.0.0.1", port: phone.port, register: false, country: "DE", ...more });

/* The newest refusals, once there are so many: their rows are written behind the answer. */
export const audited = (gw, count, options = {}) => eventually(`${count} refusals in the audit`, async () => {
	const { data } = (await gw.api("GET", "/audit", options)).json;
	return data.length >= count && data;
});
