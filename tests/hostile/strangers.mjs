/* G28, E19: whatever comes to the port, the gateway answers its own server within a
 * second, no call appears, and the call that is up goes on. */
import { readdirSync, readFileSync } from "node:fs";
import net from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import tls from "node:tls";

import { Wrong, equal, eventually, ok, test } from "../wire/harness.mjs";
import { bytesOf, messages, request } from "./messages.mjs";
import { calls, conversation, gateway, server, stranger } from "./pbx.mjs";
import { certificate } from "./certificate.mjs";
import { skim } from "./sip.mjs";

/* What may be known of a call by who has seen its INVITE and answer. */
const facts = (invite, far_tag) => ({
	id: invite.get("Call-ID"), our_tag: invite.tag("From"), far_tag, via: invite.get("Via"), cseq: invite.cseq,
});

const world = async (t, config = {}) => {
	const pbx = await server(t);
	const gw = await gateway(t, pbx, config);
	const talk = await conversation(t, gw, pbx);
	const invite = talk.b.invite;
	const call = facts(invite, `t${talk.b.port}`);
	/* That one which the spoofed dialogs are taken from. */
	return {
		pbx, gw, talk,
		context: (me, transport) => ({ gw: gw.address, me, transport, call }),
		onlyOne: async (what) => equal((await calls(gw)).map((one) => one.id), [talk.call.id], `the calls after ${what}`),
	};
};

/* An INVITE is never taken, and never refused for all of the phones of the line. */
const check = (name, method, allowed, answers) => {
	for (const { code } of answers) {
		ok(allowed.includes(code), `${name} was answered ${code}, not ${allowed.length ? allowed.join(" or ") : "with silence"}`);
		ok(method !== "INVITE" || (code >= 300 && code < 600), `${name} was answered ${code}`);
	}
};

const methodOf = (bytes) => bytes.toString("latin1").split(" ")[0];

for (const who of ["a stranger", "the line's own server"]) {
	test(`G28: whatever ${who} sends in a datagram, the gateway lives and the call goes on`, async (t) => {
		const w = await world(t);
		let n = 0;
		for (const [name, make, allowed, is_fork] of messages) {
			/* each from an address of its own: one alone would soon be shut out */
			const address = who === "a stranger" ? `127.66.${n >> 6}.${(n & 63) + 1}` : w.pbx.address;
			const me = await stranger(t, address);
			const bytes = bytesOf(make(w.context(`${me.address}:${me.port}`, "UDP")));
			await me.send(bytes, w.gw);
			await w.pbx.asks(w.gw).catch((error) => {
				throw new Wrong(`after "${name}": ${error.message}`);
			});
			check(name, methodOf(bytes), allowed, me.got.filter((m) => m.code));
			ok(is_fork || !me.got.some((m) => /^[A-Z]+ sip:/.test(m.first)), `${name} was answered with a request: ${me.got[0]?.first}`);
			if (++n % 40 === 0)
				await w.talk.goesOn(name);
		}
		await w.talk.goesOn("the last one");
		await w.onlyOne("all of them");
		await w.talk.end();
	});
}

/* Connections. ---------------------------------------------------------------- */

const connect = (t, port, address) => new Promise((done, fail) => {
	const socket = net.connect({ port, host: "127.0.0.1", localAddress: address });
	const link = { socket, text: "", over: false };
	socket.setNoDelay(true);
	socket.on("data", (bytes) => {
		link.text += bytes.toString("latin1");
	});
	const end = () => {
		link.over = true;
		done(link);
	};
	socket.on("close", end);
	socket.on("end", end);
	socket.on("error", end);
	socket.on("connect", () => done(link));
	t.later(() => socket.destroy());
});

const answersIn = (text) => text.split(/(?=SIP\/2\.0 \d)/).filter((part) => part.startsWith("SIP/2.0 ")).map((part) => skim(Buffer.from(part, "latin1")));

test("G28: whatever comes in a stream, the gateway lives and the call goes on", async (t) => {
	const w = await world(t);
	let n = 0;
	for (const [name, make, allowed] of messages) {
		const address = `127.67.${n >> 6}.${(n & 63) + 1}`;
		const link = await connect(t, w.gw.tcp_port, address);
		const bytes = bytesOf(make(w.context(`${address}:${link.socket.localPort ?? 5060}`, "TCP")));
		link.socket.write(bytes);
		await w.pbx.asks(w.gw).catch((error) => {
			throw new Wrong(`after "${name}": ${error.message}`);
		});
		/* "Content-Length beyond": what is said to come is waited for */
		check(name, methodOf(bytes), allowed, answersIn(link.text));
		link.socket.destroy();
		if (++n % 40 === 0)
			await w.talk.goesOn(name);
	}
	await w.talk.goesOn("the last one");
	await w.onlyOne("all of them");
	await w.talk.end();
});

test("G28: a request byte by byte is a request, and two in one piece are two", async (t) => {
	const w = await world(t);
	const slow = await connect(t, w.gw.tcp_port, "127.0.0.20");
	const context = w.context(`127.0.0.20:${slow.socket.localPort}`, "TCP");
	for (const byte of Buffer.from(request(context, { body: "body" })))
		await new Promise((done) => slow.socket.write(Buffer.from([byte]), done));
	await eventually("the answer to bytes", () => answersIn(slow.text).some((m) => m.code === 200));

	slow.socket.write(`\r\n\r\n${request(context)}${request(context, { method: "DANCE" })}\r\n\r\n${request(context)}`);
	await eventually("four answers", () => answersIn(slow.text).length === 4);
	equal(answersIn(slow.text).map((m) => m.code), [200, 200, 405, 200], "the answers");

	const wrong = await connect(t, w.gw.tcp_port, "127.0.0.21");
	wrong.socket.write(`${request(context)}${request(context, { length: "-4" })}${request(context)}`);
	await eventually("the end of a stream that has lost its way", () => wrong.over);
	equal(answersIn(wrong.text).map((m) => m.code), [200], "the answers before it");
	await w.talk.goesOn("streams");
	await w.talk.end();
});

test("G28: what is begun and never ended has bounds: per stranger, and for all", async (t) => {
	const w = await world(t);
	const files = () => readdirSync(`/proc/${w.gw.process.pid}/fd`).length;
	const before = files();
	const context = w.context("127.0.0.30:5060", "TCP");
	const part = request(context, { length: "50000" });

	const alone = await Promise.all(Array.from({ length: 40 }, () => connect(t, w.gw.tcp_port, "127.0.0.30")));
	alone.forEach((link) => link.over || link.socket.write(part));
	await eventually("most of one stranger's connections are closed", () => alone.filter((link) => !link.over).length <= 8);
	ok(alone.some((link) => !link.over), "all of them are closed");

	const many = [];
	for (let i = 0; i < 300; i++) {
		const link = await connect(t, w.gw.tcp_port, `127.68.${i >> 6}.${(i & 63) + 1}`);
		link.socket.write(part);
		many.push(link);
	}
	await eventually("the oldest connections are closed for new ones", () => many.filter((link) => !link.over).length <= 64);
	ok(!many.at(-1).over, "the newest is closed");
	ok(files() <= before + 80, `${files() - before} files more are open`);

	/* a server of ours still comes in */
	const own = await connect(t, w.gw.tcp_port, "127.0.0.1");
	own.socket.write(request(w.context(`127.0.0.1:${own.socket.localPort}`, "TCP")));
	await eventually("the answer to the line's server", () => answersIn(own.text).some((m) => m.code === 200));
	await w.pbx.asks(w.gw);
	await w.talk.goesOn("300 connections");
	await w.talk.end();
});

test("G28: handshakes of TLS that go nowhere", async (t) => {
	const { cert } = certificate(t);
	const w = await world(t, { tls: cert });
	const files = () => readdirSync(`/proc/${w.gw.process.pid}/fd`).length;
	const before = files();
	const hello = Buffer.from("160301010001000100fc0303", "hex");
	const pieces = [Buffer.alloc(0), hello, Buffer.alloc(3000, 0xff), Buffer.from("OPTIONS sip:x SIP/2.0\r\n\r\n"), Buffer.from("1503010002020a", "hex")];
	for (let i = 0; i < 200; i++) {
		const link = await connect(t, w.gw.tls_port, `127.69.${i >> 6}.${(i & 63) + 1}`);
		link.socket.write(pieces[i % pieces.length]);
	}
	for (let i = 0; i < 5; i++) {
		const client = tls.connect({ port: w.gw.tls_port, host: "127.0.0.1", rejectUnauthorized: false });
		await new Promise((done) => {
			client.on("error", done);
			client.on("secureConnect", done);
			client.on("close", done);
		});
		client.destroy();
	}
	await w.pbx.asks(w.gw);
	await eventually("files are closed again", () => files() <= before + 80);
	await w.talk.goesOn("handshakes");
	await w.onlyOne("handshakes");
	await w.talk.end();
});

test("G28: a flood in a stream, and one who never reads what we answer", async (t) => {
	const w = await world(t);
	for (const address of ["127.0.0.1", "127.0.0.40"]) {
		const link = await connect(t, w.gw.tcp_port, address);
		const context = w.context(`${address}:${link.socket.localPort}`, "TCP");
		const lines = Array.from({ length: 20_000 }, (_, i) => request(context, { method: ["OPTIONS", "INVITE", "DANCE"][i % 3] }));
		link.socket.pause();
		link.socket.write(lines.join(""));
		for (let i = 0; i < 5; i++) {
			await w.talk.goesOn("a stream full of requests");
			await w.pbx.asks(w.gw);
		}
		link.socket.destroy();
	}
	await w.onlyOne("the streams");
	await w.talk.end();
});

/* A parser that begins anew at each letter needs the square of the length: 230 ms
 * for one such datagram, and 15 s for such a stream. */
test("G28: long lines cost no more than they are long", async (t) => {
	const w = await world(t);
	const me = await stranger(t, w.pbx.address);
	const lines = ["a".repeat(8000), "a:".repeat(4000), `OPTIONS sip:${"a".repeat(7900)}`, `OPTIONS sip:x SIP/2.0\r\nTo: ${"a".repeat(7900)}`, `OPTIONS sip:x SIP/2.0\r\nCSeq: ${"9".repeat(7900)}`];
	for (const line of lines) {
		for (let i = 0; i < 50; i++)
			await me.send(Buffer.from(`${line}\r\n\r\n`), w.gw);
		await w.pbx.asks(w.gw);
	}
	/* those that are just short enough, too */
	const word = "a".repeat(900);
	const context = w.context(`${w.pbx.address}:9`, "UDP");
	for (const parts of [{ from: `${word} b`, to: `${word} b` }, { uri: `sip:${word}@` }, { from: `<sip:${word}@;x>;tag=1`, to: `<${word}:/>` }, { contact: `${word}${word}${word} b` }]) {
		for (let i = 0; i < 200; i++)
			await me.send(bytesOf(request(context, parts)), w.gw);
		await w.pbx.asks(w.gw);
	}
	for (const line of lines) {
		const link = await connect(t, w.gw.tcp_port, w.pbx.address);
		link.socket.write(`${line}${line.slice(-1).repeat(50_000)}\r\n\r\n`);
		await w.pbx.asks(w.gw);
	}
	await w.talk.goesOn("long lines");
	await w.talk.end();
});

/* Floods. ---------------------------------------------------------------------- */

const flood = async (w, me, make, count) => {
	for (let i = 0; i < count; i++) {
		me.socket.send(bytesOf(make(i)), w.gw.sip_port, w.gw.sip_address);
		if (i % 200 === 199)
			await pause(1);
	}
};

/* The same to all strangers, however many there are: a bounded number of answers. */
test("G28: a flood of strangers costs few answers, and nobody who talks notices", async (t) => {
	const w = await world(t);
	const crowd = await Promise.all(Array.from({ length: 50 }, (_, i) => stranger(t, `127.70.0.${i + 1}`)));
	const context = w.context("192.0.2.1:5060", "UDP");
	const kinds = ["INVITE", "OPTIONS", "REGISTER", "BYE", "SUBSCRIBE"];
	const began = Date.now();
	for (let i = 0; i < 20_000; i++) {
		const me = crowd[i % crowd.length];
		me.send(bytesOf(request({ ...context, me: `${me.address}:${me.port}` }, { method: kinds[i % kinds.length] })), w.gw);
		if (i % 200 === 199)
			await pause(1);
		if (i % 5000 === 4999) {
			await w.talk.goesOn("the flood");
			await w.pbx.asks(w.gw);
		}
	}
	const seconds = (Date.now() - began) / 1000;
	await w.pbx.asks(w.gw);
	const answers = crowd.reduce((sum, me) => sum + me.got.length, 0);
	ok(answers > 0 && answers <= 200 + 100 * (seconds + 1), `${answers} answers in ${seconds} s`);
	await w.onlyOne("the flood");
	const metrics = (await w.gw.api("GET", "/metrics")).text;
	const dropped = (reason) => Number(new RegExp(`^bellpull_sip_dropped_total\\{reason="${reason}"\\} (\\d+)$`, "m").exec(metrics)?.[1]);
	ok(dropped("too_often") > 10_000 && dropped("malformed") === 0 && dropped("connections") === 0, `what was dropped: ${metrics.match(/sip_dropped.*/g)}`);
	await w.talk.end();
});

test("G28: a flood from the line's own address leaves the call alone", async (t) => {
	const w = await world(t);
	const me = { socket: (await stranger(t, "127.0.0.1")), address: "127.0.0.1" };
	const context = w.context("127.0.0.1:9", "UDP");
	const port = { socket: { send: (bytes) => me.socket.send(bytes, w.gw) } };
	const kinds = [
		() => request(context, { method: "INVITE" }),
		() => request(context),
		(i) => request(context, { id: context.call.id, from: `<sip:302@x>;tag=${context.call.far_tag}`, to: `<sip:x@x>;tag=${context.call.our_tag}`, cseq: `${1000 + i} OPTIONS` }),
		(i) => request(context, { method: "INFO", id: context.call.id, from: `<sip:302@x>;tag=${context.call.far_tag}`, to: `<sip:x@x>;tag=${context.call.our_tag}`, cseq: `${1000 + i} INFO` }),
	];
	for (const kind of kinds) {
		await flood(w, port, kind, 5000);
		await w.talk.goesOn("a flood of the server's");
		await w.pbx.asks(w.gw);
	}
	const status = readFileSync(`/proc/${w.gw.process.pid}/status`, "utf8");
	ok(!w.gw.exit && /VmRSS/.test(status), "the gateway is gone");
	/* in the dialog: at most the burst, and what comes in the seconds since */
	const inside = me.socket.got.filter((m) => m.get("Call-ID") === context.call.id).length;
	ok(inside > 0 && inside < 2000, `${inside} of 10000 requests inside of the dialog were answered`);
	await w.onlyOne("the floods");
	await w.talk.end();
});
