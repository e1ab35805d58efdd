/* What the stories against SIPp share: the far side, what was on the wire, the
 * gateway and a call from its POST to its end. */
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { equal, eventually, ok } from "../wire/harness.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const CODECS = ["PCMA", "PCMU", "GSM", "telephone-event", "G722", "G726-16", "iLBC"];

/* The far side. ------------------------------------------------------------- */

let next_port = 15060;

const udpListens = (port) => {
	const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
	return ["/proc/net/udp", "/proc/net/udp6"].some((file) => existsSync(file) && readFileSync(file, "utf8").includes(hex));
};

/* A SIP message as text, taken apart as far as tests ask. */
class Message {
	constructor(sent, text) {
		const [head, ...body] = text.split("\r\n\r\n");
		this.sent = sent; /* by the far side */
		this.text = text;
		this.lines = head.split("\r\n");
		this.first = this.lines[0];
		this.body = body.join("\r\n\r\n");
	}

	all(name) {
		const prefix = `${name.toLowerCase()}:`;
		return this.lines.slice(1).filter((line) => line.toLowerCase().startsWith(prefix))
			.map((line) => line.slice(prefix.length).trim());
	}

	get(name) {
		return this.all(name)[0];
	}

	get branch() {
		return /branch=([^;]+)/.exec(this.get("Via"))?.[1];
	}

	tag(name) {
		return /;tag=([^;]+)/.exec(this.get(name))?.[1];
	}

	get cseq() {
		return Number(this.get("CSeq").split(" ")[0]);
	}
}

const parseLog = (text) => {
	const messages = [];
	const parts = text.split(/^-{20,} .*$/m).slice(1);
	for (const part of parts) {
		const [, how, rest] = /^\s*(?:UDP|TCP) message (sent|received)[^\n]*\n\n([\s\S]*)$/.exec(part) ?? [];
		if (how)
			messages.push(new Message(how === "sent", rest.replace(/\r?\n/g, "\r\n")));
	}
	return messages;
};

/* Starts a scenario; it plays once and ends. */
export const far = async (t, scenario, { ip = "127.0.0.1", port = next_port++, args = [], prepare = () => {} } = {}) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-sipp-"));
	const log = join(dir, "messages");
	prepare(dir);
	const sipp = spawn("sipp", ["-sf", join(here, `${scenario}.xml`), "-i", ip, "-p", String(port), "-m", "1",
		"-nostdin", "-timeout", "60", "-timeout_error", "-trace_msg", "-message_file", log,
		"-trace_err", "-error_file", join(dir, "errors"), ...args], { cwd: dir, stdio: "ignore" });
	const exited = new Promise((done) => {
		sipp.on("exit", (code) => done(code));
		sipp.on("error", () => done(-1));
	});
	t.later(async () => {
		sipp.kill("SIGKILL");
		await exited;
		rmSync(dir, { recursive: true, force: true });
	});
	await eventually(`SIPp listens on ${port}`, () => udpListens(port));
	return {
		ip, port,
		messages: () => (existsSync(log) ? parseLog(readFileSync(log, "utf8")) : []),
		/* The scenario has been played to its end, as written. */
		played: async () => {
			const code = await exited;
			const errors = join(dir, "errors");
			ok(code === 0, `SIPp ended with ${code}: ${existsSync(errors) ? readFileSync(errors, "utf8").slice(0, 1500) : "no errors"}`);
		},
	};
};

/* The near side. ------------------------------------------------------------ */

export const line = (peer, extra = {}) => ({
	name: "far", user: "1001", auth_user: "1001", password: "1001", display_name: "1001",
	domain: peer.ip, port: peer.port, register: false, codecs: CODECS, ...extra,
});

export const gateway = (t, peer, extra, listen = "udp:auto:0") => t.gateway({
	allow_inline: true,
	lines: [line(peer, extra)],
	sip: { listen: [listen] },
	media: { ports: "20000-20999" },
});

/* Places a call; on(event) may act on each event as it comes. */
export const place = async (gw, order, on = () => {}) => {
	const reply = await gw.api("POST", "/calls", { body: order });
	equal(reply.status, 201, "the reply to POST /calls");
	const { id } = reply.json;
	const stream = await gw.events(`/calls/${id}/events`);
	let told = 0;
	const events = await stream.until("call.ended", (seen) => {
		for (; told < seen.length; told++)
			on(seen[told], id);
		return seen.some((event) => event.type === "call.ended") && seen;
	}, 60_000);
	const ended = events.filter((event) => event.type === "call.ended");
	equal(ended.length, 1, "the number of call.ended");
	return { id, types: events.map((event) => event.type), call: ended[0].call };
};

export const hangUpAt = (gw, type) => (event, id) => {
	if (event.type === type)
		setTimeout(() => gw.api("DELETE", `/calls/${id}`), 200);
};

export const outcome = (call, status, cause, q850, code) => {
	equal([call.status, call.cause, call.q850, call.sip?.code ?? null], [status, cause, q850, code], "status, cause, Q.850, code");
};
