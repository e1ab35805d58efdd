/* tests/wire/harness.mjs - the real binary, and what a test of it needs.
 *
 *	test("a huge body is told so", async (t) => {
 *		const gw = await t.gateway();
 *		const reply = await gw.api("POST", "/calls", { body: "x".repeat(70000), type: "application/json" });
 *		equal(reply.status, 413);
 *	});
 *
 * Each gateway lives in a directory of its own, with a configuration the test
 * makes, and is stopped when the test ends. Every exchange of api() and every
 * event of events() is held against server/openapi.json (oracle.mjs). */
import { spawn } from "node:child_process";
import { mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, inspect } from "node:util";

import { checkEvent, checkExchange } from "./oracle.mjs";

/* Nothing is slow for that long by design: whoever waits so long waits in vain. A
 * machine that does something else at the same time needs some of it. */
const PATIENCE_MS = 30_000;
const SOCKET_MS = 10_000; /* shorter than the deadlines at which a gateway hangs up */

/* Checks. ------------------------------------------------------------------ */

export class Wrong extends Error {}

const say = (value) => (typeof value === "string" ? JSON.stringify(value) : inspect(value, { depth: 4, breakLength: 120 }));

export const ok = (condition, why) => {
	if (!condition)
		throw new Wrong(why);
};
export const equal = (got, want, what = "it") =>
	ok(isDeepStrictEqual(got, want), `${what} is ${say(got)}, not ${say(want)}`);
export const match = (got, pattern, what = "it") =>
	ok(pattern.test(got ?? ""), `${what} is ${say(got)}, which is not ${pattern}`);

/* Waiting for something that has no event; the limit is for a broken gateway. */
export const eventually = async (what, look, patience_ms = PATIENCE_MS) => {
	for (const until = Date.now() + patience_ms; ;) {
		const seen = await look();
		if (seen)
			return seen;
		ok(Date.now() < until, `${what}: not within ${patience_ms} ms`);
		await new Promise((done) => setTimeout(done, 20));
	}
};

/* what: text, or a function that makes it when it is too late. */
const within = (promise, what, ms = PATIENCE_MS) => {
	let timer;
	const late = new Promise((_, fail) => {
		timer = setTimeout(() => fail(new Wrong(`${typeof what === "function" ? what() : what}: not within ${ms} ms`)), ms);
	});
	return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/* The gateway. ------------------------------------------------------------- */

const freePort = () => new Promise((done, fail) => {
	const server = net.createServer();
	server.on("error", fail);
	server.listen(0, "127.0.0.1", () => {
		const { port } = server.address();
		server.close(() => done(port));
	});
});

/* A header as Node gives it for one that came once; all values of one that
 * came more often. */
const headersOf = (raw) => {
	const headers = {};
	for (let i = 0; i < raw.length; i += 2) {
		const name = raw[i].toLowerCase();
		headers[name] = name in headers ? `${headers[name]}, ${raw[i + 1]}` : raw[i + 1];
	}
	return headers;
};

class Gateway {
	constructor(binary, config, { env = {}, args = [] } = {}) {
		this.binary = binary;
		this.config = config;
		this.env = env;
		this.args = args;
		this.streams = new Set();
	}

	get secure() {
		return Boolean(this.config.http.certificate);
	}

	get url() {
		return `${this.secure ? "https" : "http"}://127.0.0.1:${this.port}`;
	}

	async start() {
		this.dir ??= mkdtempSync(join(tmpdir(), "bellpull-"));
		this.port ??= await freePort();
		this.config = { sandbox: false, ...this.config,
			http: { listen: [`127.0.0.1:${this.port}`], ...this.config.http },
			sip: { listen: ["udp:127.0.0.1:0", "tcp:127.0.0.1:0"], ...this.config.sip },
			store: { url: `sqlite:${join(this.dir, "bellpull.db")}`, ...this.config.store } };
		writeFileSync(join(this.dir, "bellpull.json"), JSON.stringify(this.config, null, "\t"));
		this.spawn();
		await this.listening();
		return this;
	}

	spawn() {
		const out = openSync(join(this.dir, "log"), "a");
		this.process = spawn(this.binary, ["--config", join(this.dir, "bellpull.json"), ...this.args], {
			cwd: this.dir, env: { ...process.env, ...this.env }, stdio: ["ignore", out, out],
		});
		closeSync(out);
		this.exited = new Promise((done) => {
			this.process.on("exit", (code, signal) => {
				this.exit = { code, signal };
				done(this.exit);
			});
			this.process.on("error", (error) => {
				this.exit = { code: -1, signal: null, error };
				done(this.exit);
			});
		});
	}

	async listening() {
		await eventually("the gateway listens", async () => {
			ok(!this.exit, `the gateway ended at its start (${say(this.exit)}):\n${this.log()}`);
			return new Promise((done) => {
				const socket = net.connect(this.port, "127.0.0.1");
				socket.on("connect", () => {
					socket.destroy();
					done(true);
				});
				socket.on("error", () => done(false));
			});
		});
	}

	log() {
		return readFileSync(join(this.dir, "log"), "utf8");
	}

	/* What the log says, record by record. */
	records() {
		return this.log().split("\n").slice(0, -1).filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
	}

	kill(signal = "SIGTERM") {
		this.process.kill(signal);
		return within(this.exited, `the end after ${signal}`, 60_000);
	}

	async restart() {
		delete this.exit;
		this.spawn();
		await this.listening();
	}

	async stop() {
		for (const stream of this.streams)
			stream.close();
		if (!this.exit)
			await this.kill("SIGTERM");
		const exit = this.exit;
		const log = this.log();
		rmSync(this.dir, { recursive: true, force: true });
		ok(exit.code === 0, `the gateway ended with ${say(exit)}:\n${log.slice(-4000)}`);
		ok(!/AddressSanitizer|LeakSanitizer|runtime error:/.test(log), `the sanitizers complain:\n${log.slice(-6000)}`);
	}

	request(method, path, { headers = {}, body, type, agent, host = "127.0.0.1" } = {}) {
		const given = { ...headers };
		if (type)
			given["Content-Type"] = type;
		return (this.secure ? https : http).request({
			host, port: this.port, method, path, agent, headers: given,
			ca: this.ca, servername: "localhost", setHost: !("Host" in given),
		}).on("socket", (socket) => socket.setNoDelay(true));
	}

	/* One exchange, whole. body: a string or Buffer, or a value sent as JSON. */
	async exchange(method, path, options = {}) {
		const { body, chunked } = options;
		const text = body === undefined || typeof body === "string" || Buffer.isBuffer(body);
		const bytes = text ? body : JSON.stringify(body);
		const type = options.type ?? (text ? undefined : "application/json");
		const headers = { ...options.headers };
		if (bytes !== undefined && !chunked)
			headers["Content-Length"] ??= Buffer.byteLength(bytes);

		const answer = new Promise((done, fail) => {
			const request = this.request(method, path, { ...options, type, headers });
			request.on("response", (response) => {
				const parts = [];
				response.on("data", (part) => parts.push(part));
				response.on("error", fail);
				response.on("end", () => {
					const bytes = Buffer.concat(parts);
					done({ status: response.statusCode, headers: headersOf(response.rawHeaders), bytes, text: bytes.toString("utf8") });
				});
			});
			request.on("error", fail);
			if (chunked)
				request.write(bytes);
			request.end(chunked ? undefined : bytes);
		});
		const reply = await within(answer, `${method} ${path}`, options.patience_ms);
		reply.request = { method, path, headers: { ...headers, "Content-Type": type }, body: bytes };
		try {
			reply.json = JSON.parse(reply.text);
		} catch {
			/* not every reply is JSON; the oracle knows which must be */
		}
		return reply;
	}

	/* The same, held against openapi.json. On a machine that is busy with other things a
	 * gateway may be behind, and says so: whoever calls comes again. */
	async api(method, path, options = {}) {
		for (let tries = 1; ; tries++) {
			const reply = await this.exchange(method, path, options);
			checkExchange(reply);
			if (reply.json?.code !== "overloaded" || tries === 10)
				return reply;
			await new Promise((done) => setTimeout(done, 1000));
		}
	}

	/* A stream of events, each held against openapi.json. */
	async events(path, options = {}) {
		const stream = new EventReader(this, path, options);
		this.streams.add(stream);
		await within(stream.opened, `the stream ${path}`);
		return stream;
	}

	raw(bytes, options) {
		return rawExchange(this.port, bytes, options);
	}
}

/* Streams. ------------------------------------------------------------------ */

export class EventReader {
	constructor(gateway, path, { headers = {}, ...options } = {}) {
		this.seen = []; /* events, in order */
		this.resets = [];
		this.comments = 0;
		this.rest = "";
		this.waiting = [];
		this.opened = new Promise((done, fail) => {
			this.request = gateway.request("GET", path, { ...options, headers: { Accept: "text/event-stream", ...headers } });
			this.request.on("response", (response) => {
				this.status = response.statusCode;
				this.headers = headersOf(response.rawHeaders);
				response.setEncoding("utf8");
				response.on("data", (text) => this.take(text));
				response.on("end", () => this.end("end"));
				response.on("error", () => this.end("error"));
				done(this);
			});
			this.request.on("error", (error) => {
				this.end("error");
				fail(error);
			});
			this.request.end();
		});
		this.ended = new Promise((done) => {
			this.end = (how) => {
				this.over = how;
				done(how);
				this.wake();
			};
		});
	}

	take(text) {
		this.rest += text;
		ok(!this.rest.includes("\r"), "a CR in a stream");
		for (let at; (at = this.rest.indexOf("\n\n")) >= 0; this.rest = this.rest.slice(at + 2))
			this.frame(this.rest.slice(0, at));
		this.wake();
	}

	frame(text) {
		const fields = {};
		for (const line of text.split("\n")) {
			if (line.startsWith(":")) {
				this.comments++;
				continue;
			}
			const [, name, value] = /^([a-z]+): (.*)$/s.exec(line) ?? [];
			ok(name, `a line that no reader knows: ${say(line)}`);
			ok(!(name in fields), `two lines "${name}" in one event`);
			fields[name] = value;
		}
		if (fields.retry)
			this.retry = Number(fields.retry);
		if (fields.data === undefined)
			return;
		try {
			const event = checkEvent(fields);
			if (fields.event === "reset")
				this.resets.push(event);
			else
				this.seen.push(event);
			this.last_id = Number(fields.id);
		} catch (error) {
			this.wrong = error;
		}
	}

	wake() {
		for (const look of this.waiting.splice(0))
			look();
	}

	/* Until look(events) is true, which is what it returns. */
	async until(what, look, patience_ms = PATIENCE_MS) {
		const seen = async () => {
			for (;;) {
				if (this.wrong)
					throw this.wrong;
				const found = look(this.seen);
				if (found)
					return found;
				ok(!this.over, `${what}: the stream has ended (${this.over})`);
				await new Promise((done) => this.waiting.push(done));
			}
		};
		return within(seen(), () => `${what} (seen: ${this.seen.map((event) => event.type).join(" ")})`, patience_ms);
	}

	untilType(type, call_id) {
		return this.until(type, (events) => events.find((event) =>
			event.type === type && (!call_id || event.call_id === call_id)));
	}

	close() {
		this.request.destroy();
	}
}

/* Sockets. ------------------------------------------------------------------ */

/* Sends the bytes as they are and gathers what comes back until the server
 * closes, or until enough(text) is true. */
export const rawExchange = (port, bytes, { enough, later, patience_ms = SOCKET_MS, half_close = false } = {}) => {
	const socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true });
	let text = "";
	const gathered = new Promise((done) => {
		socket.setNoDelay(true);
		socket.setEncoding("latin1");
		socket.on("connect", () => {
			socket.write(bytes);
			if (half_close)
				socket.end();
		});
		socket.on("data", (part) => {
			text += part;
			if (later?.when(text)) {
				socket.write(later.bytes);
				later = null;
			}
			if (enough?.(text))
				done({ text, closed: false });
		});
		socket.on("end", () => done({ text, closed: true }));
		socket.on("error", () => done({ text, closed: true }));
	});
	return within(gathered, () => `an answer to ${say(String(bytes).slice(0, 60))} (so far: ${say(text)})`, patience_ms)
		.finally(() => socket.destroy());
};

/* The status lines in what a socket has given. */
export const statuses = (text) => [...text.matchAll(/HTTP\/1\.1 (\d\d\d) /g)].map(([, status]) => Number(status));

/* The runner. ---------------------------------------------------------------- */

const tests = [];
export const test = (name, run) => tests.push({ name, run });

/* Gateways that many tests look at and none changes, by their configuration. */
const shared = new Map();

class Story {
	constructor(binary) {
		this.binary = binary;
		this.ends = [];
	}

	later(fn) {
		this.ends.push(fn);
	}

	async gateway(config = {}, options = {}) {
		const gateway = new Gateway(this.binary, { http: {}, ...config }, options);
		this.later(() => gateway.dir && gateway.stop());
		return gateway.start();
	}

	/* One for all tests that ask for this configuration: starting takes longer
	 * than most questions. */
	async shared(config = {}) {
		const key = JSON.stringify(config);
		if (!shared.has(key))
			shared.set(key, await new Gateway(this.binary, { http: {}, ...config }).start());
		return shared.get(key);
	}
}

/* at_once: so many stories go on side by side; for those that mostly wait and whose
 * gateways keep out of each other's way. */
export const runAll = async (binary, words = [], { at_once = 1 } = {}) => {
	const left = tests.filter(({ name }) => !words.length || words.some((word) => name.includes(word)));
	let passed = 0;
	let failed = 0;
	const tellNext = async () => {
		const { name, run } = left.shift();
		const story = new Story(binary);
		let wrong;
		try {
			await run(story);
		} catch (error) {
			wrong = error;
		}
		for (const end of story.ends.reverse()) {
			try {
				await end();
			} catch (error) {
				wrong ??= error;
			}
		}
		if (wrong) {
			failed++;
			const why = wrong instanceof Wrong ? wrong.message : wrong.stack ?? String(wrong);
			console.log(`FAILED ${name}: ${why.replaceAll("\n", "\n\t")}`);
		} else {
			passed++;
			console.log(`ok ${name}`);
		}
	};
	await Promise.all(Array.from({ length: at_once }, async () => {
		while (left.length)
			await tellNext();
	}));
	for (const gateway of shared.values()) {
		try {
			await gateway.stop();
		} catch (error) {
			failed++;
			console.log(`FAILED the gateway that was shared: ${error.message.replaceAll("\n", "\n\t")}`);
		}
	}
	console.log(`${passed} passed, ${failed} failed`);
	return failed ? 1 : 0;
};
