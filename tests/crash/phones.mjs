/* tests/crash/phones.mjs - phones in a process of their own choice: they know SIP by
 * what the RFC says of a UAS, keep what they were told, and outlive every gateway.
 *
 * What a phone does stands in its name: answer-N, busy-N, ring-N (until CANCEL or
 * Expires), slow-N (says nothing for two seconds, then rings),
 * late-N (answers after three seconds, whoever asks by then). N is the order it was
 * dialled for, so INVITEs can be counted by order. */
import dgram from "node:dgram";

const T1 = 500;
const SDP = ["v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0", "m=audio 9 RTP/AVP 8", ""].join("\r\n");

const parse = (text) => {
	const [head] = text.split("\r\n\r\n");
	const [first, ...lines] = head.split("\r\n");
	const headers = {};
	for (const line of lines) {
		const at = line.indexOf(":");
		(headers[line.slice(0, at).toLowerCase()] ??= []).push(line.slice(at + 1).trim());
	}
	return { first, headers, one: (name) => headers[name]?.[0] };
};

export class Phones {
	constructor() {
		this.calls = new Map(); /* by Call-ID */
		this.rung = undefined; /* called before a phone says that it rings */
		this.socket = dgram.createSocket("udp4");
		this.socket.on("message", (bytes, from) => this.take(bytes.toString(), from));
	}

	open() {
		return new Promise((done) => this.socket.bind(0, "127.0.0.1", () => {
			this.port = this.socket.address().port;
			done(this);
		}));
	}

	close() {
		for (const call of this.calls.values())
			clearTimeout(call.timer);
		this.socket.close();
	}

	send(call, code, phrase, request, body = "") {
		const to = request.one("to");
		const lines = [`SIP/2.0 ${code} ${phrase}`, ...request.headers.via.map((via) => `Via: ${via}`), `From: ${request.one("from")}`,
			`To: ${to}${/;tag=/.test(to) ? "" : `;tag=${call.tag}`}`, `Call-ID: ${request.one("call-id")}`, `CSeq: ${request.one("cseq")}`,
			`Contact: <sip:${call.name}@127.0.0.1:${this.port}>`, ...(body ? ["Content-Type: application/sdp"] : []),
			`Content-Length: ${body.length}`, "", body];
		this.socket.send(lines.join("\r\n"), call.from.port, call.from.address);
	}

	/* The final answer to the INVITE: again and again until its ACK comes. */
	finish(call, code, phrase, body) {
		clearTimeout(call.timer);
		call.final = code;
		call.finals = 0;
		const again = () => {
			this.send(call, code, phrase, call.invite, body);
			if (!call.acked && call.finals++ < 11)
				call.timer = setTimeout(again, Math.min(T1 << call.finals, 4000));
			else
				call.unacked = !call.acked;
		};
		again();
	}

	invite(request, from) {
		const id = request.one("call-id");
		const known = this.calls.get(id);
		if (known) {
			/* repeated, or a re-INVITE: nobody here changes a call */
			if (/;tag=/.test(request.one("to")))
				this.send(known, 488, "Not Acceptable Here", request);
			return;
		}
		const name = /^INVITE sip:([^@]+)@/.exec(request.first)[1];
		const [kind, order] = name.split("-");
		const call = { id, name, kind, order: Number(order), from, invite: request, tag: `t${this.calls.size}`, acked: false, byes: 0, cancels: 0 };
		this.calls.set(id, call);
		if (kind === "busy")
			return this.finish(call, 486, "Busy Here");
		this.rung?.(call);
		if (kind === "slow")
			setTimeout(() => this.send(call, 180, "Ringing", request), 2000);
		else
			this.send(call, 180, "Ringing", request);
		if (kind === "answer")
			call.timer = setTimeout(() => this.finish(call, 200, "OK", SDP), 30);
		else if (kind === "late")
			call.timer = setTimeout(() => this.finish(call, 200, "OK", SDP), 3000);
		else
			call.timer = setTimeout(() => this.give_up(call), Number(request.one("expires")) * 1000);
	}

	/* RFC 3261 13.3.1: an invitation that has expired */
	give_up(call) {
		call.expired = true;
		this.finish(call, 487, "Request Terminated");
	}

	take(text, from) {
		const request = parse(text);
		const method = request.first.split(" ")[0];
		const call = this.calls.get(request.one("call-id"));
		if (method === "INVITE") {
			this.invite(request, from);
		} else if (method === "ACK") {
			if (call) {
				call.acked = true;
				clearTimeout(call.timer);
			}
		} else if (method === "BYE" && call) {
			/* one that comes early changes nothing here: the RFC lets it */
			call.byes += call.final === 200;
			call.byeReason = request.one("reason");
			this.send(call, 200, "OK", request);
		} else if (method === "CANCEL" && call) {
			call.cancels++;
			this.send(call, 200, "OK", request);
			if (!call.final && call.kind !== "late")
				this.finish(call, 487, "Request Terminated");
		} else if (!method.startsWith("SIP/")) {
			this.send(call ?? { tag: "none", name: "none", from }, 200, "OK", request);
		}
	}

	/* What is still up, or owed something. */
	open_ends() {
		return [...this.calls.values()].filter((call) => !call.final || !call.acked || (call.final === 200 && !call.byes));
	}
}
