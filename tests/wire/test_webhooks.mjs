/* Events told to others by HTTP (C1-C18): receivers of Node, and what they get. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

import { equal, eventually, match, ok, test } from "./harness.mjs";
import { call, deliveries, OTHER, receiver, SECRET, sign, up, verifies, webhooks } from "./receiver.mjs";

test("C1, C2, C4, C7: a call's events come once, in order, signed by both secrets, as the stream has them", async (t) => {
	const there = await receiver(t);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, secrets: [SECRET, OTHER], events: ["call.*"] }]));
	const stream = await gw.events("/events?last_event_id=0");
	const id = await call(gw);
	await stream.untilType("call.ended", id);
	const told = stream.seen.filter((event) => event.call_id === id && event.type.startsWith("call."));
	await eventually("all came", () => there.got.length >= told.length);
	equal(there.got.map((one) => one.event), told, "what came");
	for (const { headers, body } of there.got) {
		equal(headers["webhook-id"], String(JSON.parse(body).id));
		equal(headers["content-type"], "application/json");
		match(headers["user-agent"], /^Bellpull\//);
		equal(headers["webhook-signature"], `${sign(SECRET, headers, body)} ${sign(OTHER, headers, body)}`);
	}
	await eventually("all are noted", async () => (await deliveries(gw, "?status=delivered")).length === told.length);
	const { text } = await gw.api("GET", "/metrics");
	match(text, new RegExp(`^bellpull_webhook_deliveries_total\\{result="delivered"\\} ${told.length}$`, "m"));
	match(text, /^bellpull_webhook_queue_length 0$/m);
	const [newest] = await deliveries(gw, "?endpoint=crm&limit=1");
	equal([newest.type, newest.attempts, newest.tries[0].status], ["call.ended", 1, 204]);
	there.close();
});

test("C6, C7: 500 is tried again, and what comes after it of the same call waits", async (t) => {
	const there = await receiver(t, (n) => (n === 1 ? 500 : 200));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.queued", "call.ended"] }]));
	const id = await call(gw);
	await eventually("both came", () => there.of("call.ended").length);
	equal(there.got.map((one) => one.event.type), ["call.queued", "call.queued", "call.ended"]);
	equal(there.got[0].headers["webhook-id"], there.got[1].headers["webhook-id"]);
	equal(there.got[0].event.call_id, id);
	const failed = await eventually("it is noted", async () => (await deliveries(gw)).find((one) => one.attempts === 2));
	equal(failed.tries.map((one) => one.status), [500, 200]);
	equal(failed.tries[0].answer.trim(), "thanks");
	there.close();
});

test("C10, C12: a redirect is not followed; a dead delivery is told, kept and replayed", async (t) => {
	const elsewhere = await receiver(t);
	let well = false;
	const there = await receiver(t, () => (well ? 200 : [302, { Location: elsewhere.url }]));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.ended"] }], { schedule: [1] }));
	const stream = await gw.events("/events?last_event_id=0");
	await call(gw);
	const dead = await stream.untilType("webhook.dead");
	equal([dead.data.endpoint, dead.data.attempts, dead.data.status], ["crm", 2, 302]);
	equal([there.got.length, elsewhere.got.length], [2, 0]);
	const [kept] = await eventually("it is kept", async () => {
		const list = await deliveries(gw, "?status=dead");
		return list.length && list;
	});
	equal(kept.event, dead.data.event);
	well = true;
	equal((await gw.api("POST", `/webhooks/deliveries/${kept.id}/replay`)).status, 200);
	await eventually("it is delivered", async () => (await deliveries(gw, "?status=delivered")).length);
	equal(there.got.at(-1).headers["webhook-id"], there.got[0].headers["webhook-id"]);
	equal((await gw.api("POST", "/webhooks/deliveries/1/replay")).status, 404);
	there.close();
	elsewhere.close();
});

test("C9, C15: 410 disables at once; a test that goes well enables again", async (t) => {
	let gone = true;
	const there = await receiver(t, () => (gone ? 410 : 200));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, secrets: [SECRET], events: ["call.ended"] }]));
	await call(gw);
	const state = async () => (await gw.api("GET", "/webhooks")).json.data[0];
	await eventually("it is disabled", async () => (await state()).state === "disabled");
	equal((await state()).secrets, [`...${SECRET.slice(-4)}`], "C14: of a secret");
	ok(!gw.log().includes(SECRET), "C14: no secret in the log");
	equal((await gw.api("POST", "/webhooks/crm/test")).json.status, 410);
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("it still is", async () => (await state()).state === "disabled");
	gone = false;
	const ping = await gw.api("POST", "/webhooks/crm/test");
	equal([ping.json.delivered, ping.json.status], [true, 200]);
	const { headers, body, event: { type } } = there.got.at(-1);
	equal([type, headers["webhook-signature"]], ["webhook.ping", sign(SECRET, headers, body)]);
	equal((await state()).state, "enabled");
	equal((await gw.api("POST", "/webhooks/nobody/test")).status, 404);
	there.close();
});

test("C11: names and numbers that lead to this machine are refused at the connection", async (t) => {
	const there = await receiver(t);
	/* 127.1, 0 and 2130706433 are refused with the configuration */
	const names = ["127.0.0.1", "0x7f.1", "0x7f000001", "[::1]", "[::ffff:127.0.0.1]", "localhost"];
	const gw = await t.gateway({ sandbox: true, webhooks: { allow_http: true, endpoints:
		names.map((name, i) => ({ name: `e${i}`, url: `http://${name}:${there.port}/`, events: ["call.ended"] })) } });
	for (const { name } of (await gw.api("GET", "/webhooks")).json.data) {
		const { json } = await gw.api("POST", `/webhooks/${name}/test`);
		equal([json.delivered, json.status], [false, null], name);
		match(json.answer, /may not be told/, name);
	}
	equal(there.got.length, 0, "what came");
	there.close();
});

test("C8: one that never answers delays nobody else", async (t) => {
	const hole = net.createServer(() => {});
	await new Promise((done) => hole.listen(0, "127.0.0.1", done));
	const others = await Promise.all(Array.from({ length: 9 }, () => receiver(t)));
	const gw = await up(t, webhooks([{ name: "hole", url: `http://127.0.0.1:${hole.address().port}/` },
		...others.map(({ url }, i) => ({ name: `e${i}`, url, events: ["call.ended"] }))]));
	for (let i = 0; i < 10; i++)
		await call(gw);
	for (const other of others)
		await eventually("all came", () => other.got.length === 10);
	const [first] = (await gw.api("GET", "/webhooks")).json.data;
	equal([first.delivered, first.in_flight <= 4], [0, true], "the hole");
	others.forEach((other) => other.close());
	await gw.kill("SIGTERM");
	await gw.restart();
	hole.close();
});

test("C5: kill -9 between answer and commit repeats with the same id and loses nothing", async (t) => {
	let gw;
	const there = await receiver(t, (n) => (n === 1 ? (response) => {
		gw.process.kill("SIGKILL");
		response.end();
	} : 200));
	gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.queued", "call.ended"] }]));
	/* it may be dead before it has said 201 */
	await call(gw, { to: "sim:no-answer" }).catch((error) => match(String(error), /hang up|ECONNRESET/));
	await gw.exited;
	await gw.restart();
	await eventually("the end came", () => there.of("call.ended").length);
	const queued = there.of("call.queued");
	equal(queued.length, 2, "how often it came");
	equal(queued[0].headers["webhook-id"], queued[1].headers["webhook-id"]);
	equal(queued[0].body, queued[1].body);
	there.close();
});

test("C17: a call's own callback, signed by its key, through a restart", async (t) => {
	const there = await receiver(t);
	const headers = { Authorization: "Bearer 0123456789abcdef0" };
	const gw = await up(t, { ...webhooks([]), keys: [
		{ name: "crm", secret: "0123456789abcdef0", webhook_secret: SECRET, callback_hosts: ["127.0.0.1"] } ] }, headers);
	const refused = await gw.api("POST", "/calls", { headers, body: { to: "sim:busy", status_callback: "http://other.example/" } });
	equal([refused.status, refused.json.errors[0].pointer], [422, "/status_callback"]);
	const made = await gw.api("POST", "/calls", { headers, body: { to: "sim:no-answer", status_callback: there.url,
		status_callback_events: ["initiated", "completed"] } });
	equal(made.status, 201);
	await eventually("it began", () => there.of("call.initiated").length);
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("the end came", () => there.of("call.ended").length);
	for (const one of there.got)
		equal(one.headers["webhook-signature"], sign(SECRET, one.headers, one.body));
	equal([...new Set(there.got.map((one) => one.event.type))], ["call.initiated", "call.ended"]);
	there.close();
});

test("C17: each word chooses its moment, and without any the end is told, also of a call that nobody answered", async (t) => {
	const there = await receiver(t);
	const headers = { Authorization: "Bearer 0123456789abcdef0" };
	const gw = await up(t, { ...webhooks([]), keys: [
		{ name: "crm", secret: "0123456789abcdef0", webhook_secret: SECRET, callback_hosts: ["127.0.0.1"] } ] }, headers);
	const moments = { initiated: "call.initiated", ringing: "call.ringing", answered: "call.answered", completed: "call.ended" };
	const wanted = {};
	for (const [word, type] of [...Object.entries(moments), ["all", Object.values(moments)], ["default", "call.ended"], ["busy", "call.ended"]]) {
		const words = word === "all" ? Object.keys(moments) : word in moments ? [word] : undefined;
		const made = await gw.api("POST", "/calls", { headers, body: { to: word === "busy" ? "sim:busy" : "sim:answer", time_limit: 1,
			status_callback: `${there.url}/${word}`, ...(words ? { status_callback_events: words } : {}) } });
		equal(made.status, 201, made.text);
		wanted[word] = [type].flat();
	}
	const count = Object.values(wanted).flat().length;
	await eventually("all came", () => there.got.length >= count);
	await eventually("all are over", async () => (await gw.api("GET", "/calls", { headers })).json.data.every(({ state }) => state === "ended"));
	for (const [word, types] of Object.entries(wanted))
		equal(there.got.filter(({ url }) => url.endsWith(`/${word}`)).map(({ event }) => event.type), types, word);
	equal(there.got.length, count, "and nothing else");
	for (const one of there.got)
		equal(one.headers["webhook-signature"], sign(SECRET, one.headers, one.body));
	const unknown = await gw.api("POST", "/calls", { headers, body: { to: "sim:busy", status_callback: there.url, status_callback_events: ["ended"] } });
	equal([unknown.status, unknown.json.errors[0].pointer], [422, "/status_callback_events"]);
	there.close();
});

test("C9, C17: a callback that is gone is dead, and the others of its host go on", async (t) => {
	const there = await receiver(t, (n, one) => (one.url === "/gone" ? 410 : 200));
	const headers = { Authorization: "Bearer 0123456789abcdef0" };
	const gw = await up(t, { ...webhooks([]), keys: [
		{ name: "crm", secret: "0123456789abcdef0", webhook_secret: SECRET, callback_hosts: ["127.0.0.1"],
			scopes: ["calls:create", "calls:read", "lines:read", "webhooks:admin"] } ] }, headers);
	const call = async (path) => equal((await gw.api("POST", "/calls", { headers, body: {
		to: "sim:busy", status_callback: new URL(path, there.url).href, status_callback_events: ["completed"] } })).status, 201);
	await call("/gone");
	await eventually("it is dead", async () =>
		(await gw.api("GET", "/webhooks/deliveries?status=dead", { headers })).json.data.length === 1);
	await call("/here");
	await eventually("the other one came", () => there.got.some((one) => one.url === "/here"));
	equal(there.got.filter((one) => one.url === "/gone").length, 1, "and is not tried again");
	there.close();
});

test("C18: when too many wait, new calls are refused and nothing is dropped", async (t) => {
	const there = await receiver(t, () => 503);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url }], { max_waiting: 100, schedule: [3600] }));
	const full = await eventually("it is full", async () => {
		const made = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
		return made.status !== 201 && made;
	});
	equal([full.status, full.json.code], [503, "storage"]);
	ok((await gw.api("GET", "/webhooks")).json.data[0].waiting >= 100, "they wait");
	there.close();
});

test("C1: two verifiers of others take every delivery, and none with a flipped bit", async (t) => {
	const there = await receiver(t);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, secrets: [SECRET] }]));
	await call(gw);
	await eventually("the end came", () => there.of("call.ended").length);
	for (const verifier of [new Standard(SECRET), new Svix(SECRET)]) {
		for (const { body, headers } of there.got) {
			equal(verifier.verify(body, headers), JSON.parse(body));
			let refused = false;
			try {
				verifier.verify(body.slice(0, -1) + String.fromCharCode(body.charCodeAt(body.length - 1) ^ 1), headers);
			} catch {
				refused = true;
			}
			ok(refused, "a flipped bit is seen");
		}
	}
	there.close();
});

test("C3: Ed25519: the receiver verifies by the public key that the API shows, beside a shared secret", async (t) => {
	const there = await receiver(t);
	const seed = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, secrets: [seed, SECRET], events: ["call.ended"] }]));
	const list = await gw.api("GET", "/webhooks");
	const [whpk, ...more] = list.json.data[0].public_keys;
	equal([whpk, more], ["whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", []], "RFC 8032's first key");
	ok(!list.text.includes(seed.slice(5, 40)), "C14: nobody is told the private one");
	await call(gw);
	await eventually("it came", () => there.got.length);
	const [{ headers, body }] = there.got;
	ok(verifies(whpk, headers, body), headers["webhook-signature"]);
	ok(!verifies(whpk, headers, `${body} `), "one byte more");
	ok(headers["webhook-signature"].endsWith(` ${sign(SECRET, headers, body)}`), "the shared one");
	there.close();
});

test("C13: a CRM is told in its words, with its own header", async (t) => {
	const there = await receiver(t);
	const gw = await up(t, webhooks([{ name: "bitrix", url: there.url, format: "bitrix24",
		header: { name: "Authorization", value: "Bearer of-the-crm" } }]));
	await call(gw, { to: "sim:busy", metadata: { CALL_ID: "externalCall.1", USER_ID: 3 } });
	await eventually("it came", () => there.got.length);
	equal(there.got[0].event, { CALL_ID: "externalCall.1", USER_ID: 3, DURATION: 0, STATUS_CODE: "486", FAILED_REASON: "busy" });
	equal(there.got[0].headers.authorization, "Bearer of-the-crm");
	ok(!(await gw.api("GET", "/webhooks")).text.includes("of-the-crm"), "nobody is told the header");
	there.close();
});

test("C13: a header of one's own is none of ours, and is one line", async (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-"));
	t.later(() => rmSync(dir, { recursive: true }));
	const check = (header) => {
		const config = webhooks([{ name: "crm", url: "http://127.0.0.1/", header }]);
		writeFileSync(join(dir, "c.json"), JSON.stringify({ sandbox: true, ...config }));
		const { status, stdout, stderr } = spawnSync(t.binary, ["--config", join(dir, "c.json"), "--check"], { encoding: "utf8" });
		return [status, stdout + stderr];
	};
	for (const name of ["webhook-id", "Webhook-Timestamp", "WEBHOOK-SIGNATURE", "webhook-more", "Host", "content-length", "Content-Type",
		"Transfer-Encoding", "Connection", "Expect", "", "X Y", "X:Y", "X\r\nHost", "\u00dcber"]) {
		const [status, text] = check({ name, value: "a value" });
		equal(status, 78, `${JSON.stringify(name)}: ${text}`);
		ok(text.includes("/webhooks/endpoints/0/header/name"), text);
	}
	for (const value of ["a\r\nHost: b", "a\nb", "a\rb", "a\tb", "\u00fc"]) {
		const [status, text] = check({ name: "X-Mine", value });
		equal(status, 78, `${JSON.stringify(value)}: ${text}`);
		ok(text.includes("/webhooks/endpoints/0/header/value"), text);
	}
	equal(check({ name: "X-Mine", value: "a value" })[0], 0, "a good one");
});

test("C10, C14: a secret is in no log, list, event or metric, also when the receiver prints what it got", async (t) => {
	const seed = "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
	const heads = [];
	const there = await receiver(t, (n, { headers }) => (response) => {
		heads.push(headers);
		response.writeHead(n % 2 ? 500 : 200);
		response.end(`${headers["x-mine"]}|${headers["webhook-signature"]}|X-Mine: ${headers["x-mine"]}\n${SECRET}`);
	});
	const gw = await up(t, { ...webhooks([{ name: "crm", url: there.url, secrets: [SECRET, seed], events: ["call.ended"],
		header: { name: "X-Mine", value: "a-canary-of-the-crm" } }]), log: { level: "debug" } });
	const id = await call(gw);
	await eventually("it was tried twice", async () => (await deliveries(gw, "?status=delivered")).length);
	const ping = await gw.api("POST", "/webhooks/crm/test");
	match((await deliveries(gw))[0].tries[0].answer, /^[*|]+X-Mine: \*+ *\*+$/, "what is kept of an answer");
	equal((await gw.api("GET", "/webhooks")).json.data[0].secrets, [`...${SECRET.slice(-4)}`, `...${seed.slice(-4)}`]);

	const seen = { ping: ping.text, log: gw.log() };
	for (const path of ["/webhooks", "/webhooks/deliveries", "/metrics", `/calls/${id}`, `/calls/${id}/sip`])
		seen[path] = (await gw.api("GET", path)).text;
	seen.events = (await gw.api("GET", `/calls/${id}/events`, { headers: { Accept: "application/json" } })).text;
	const signatures = heads.flatMap((one) => one["webhook-signature"].split(" "));
	ok(signatures.length === 6, "three times two signatures");
	for (const secret of [SECRET.slice(6), seed.slice(5), "a-canary-of-the-crm", ...signatures])
		for (const [where, text] of Object.entries(seen))
			ok(!text.includes(secret) && !text.includes(JSON.stringify(secret).slice(1, -1)), `${secret} is in ${where}`);
	there.close();
});

test("C16: each endpoint is told of the types that it asks for, and of no others", async (t) => {
	const filters = {
		one: [["call.ended"], (type) => type === "call.ended"],
		some: [["leg.*", "call.ringing"], (type) => type.startsWith("leg.") || type === "call.ringing"],
		all: [[], () => true],
		none: [["call.dtmf", "line.*"], () => false],
	};
	const there = {};
	for (const name of Object.keys(filters))
		there[name] = await receiver(t);
	const gw = await up(t, webhooks(Object.entries(filters).map(([name, [events]]) => ({ name, url: there[name].url, events }))));
	const stream = await gw.events("/events?last_event_id=0");
	const id = await call(gw, { to: "sim:no-answer", ring_timeout: 1 });
	await stream.untilType("call.ended", id);
	await eventually("nothing waits", async () => (await gw.api("GET", "/webhooks")).json.data.every(({ waiting, in_flight }) => !waiting && !in_flight));
	const told = stream.seen.filter(({ call_id }) => call_id === id).map(({ type }) => type);
	ok(["call.queued", "call.ringing", "leg.initiated", "leg.ended", "call.ended"].every((type) => told.includes(type)), told.join(" "));
	for (const [name, [, fits]] of Object.entries(filters))
		equal(there[name].got.map(({ event }) => event).filter(({ call_id }) => call_id === id).map(({ type }) => type), told.filter(fits), name);
	ok(there.none.got.every(({ event }) => event.type.startsWith("line.")), "and of nothing else");
	Object.values(there).forEach((one) => one.close());
});

test("C6, C12: cut off, answered too long, asked to wait", async (t) => {
	const there = await receiver(t, (n) => [
		(response) => response.socket.destroy(),
		(response) => response.end("x".repeat(200_000)),
		[429, { "Retry-After": "3600" }],
	][Math.min(n, 3) - 1]);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.queued", "call.ended"] }]));
	await call(gw);
	const waits = await eventually("it waits", async () => (await deliveries(gw, "?status=waiting")).find((one) => one.tries.at(-1)?.status === 429));
	ok(Date.parse(waits.next_try_at) - Date.now() > 3000_000, "as long as it was asked to");
	equal(waits.tries[0].status, 429);
	const [done] = await deliveries(gw, "?status=delivered");
	equal(done.tries.map((one) => one.status), [null, 200], "C12: an answer that is too long is an answer");
	there.close();
});

test("G11: endpoints go on through a SIGHUP, and keep what needs a restart", async (t) => {
	const there = await receiver(t);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, secrets: [SECRET], events: ["call.ended"] }]));
	for (const round of [1, 2]) {
		const config = JSON.parse(JSON.stringify(gw.config));
		config.webhooks.endpoints[0].url = `${there.url}/elsewhere`;
		config.limits = { calls_per_s: 100 + round };
		writeFileSync(join(gw.dir, "bellpull.json"), JSON.stringify(config));
		gw.process.kill("SIGHUP");
		await eventually("it is read again", () => gw.records().filter(({ event }) => event === "gateway.reloaded").length === round);
		const id = await call(gw);
		await eventually("the end came", () => there.got.some(({ event }) => event.call_id === id));
		const { headers, body } = there.got.at(-1);
		equal(headers["webhook-signature"], sign(SECRET, headers, body));
	}
	ok(gw.records().some(({ event, pointer }) => event === "config.kept" && pointer.startsWith("/webhooks")), "it is told");
	there.close();
});

test("C10: what is dead is sent once more by range, in order of each call, and only once", async (t) => {
	let well = false;
	const there = await receiver(t, () => (well ? 200 : 500));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.queued", "call.ended"] }], { schedule: [1] }));
	const replay = (body) => gw.api("POST", "/webhooks/crm/replay", { body });
	const ids = [await call(gw), await call(gw), await call(gw)];
	await eventually("all are dead", async () => (await deliveries(gw, "?status=dead")).length === 6);
	const dead = await deliveries(gw, "?status=dead");
	equal((await deliveries(gw, `?call=${ids[1]}`)).map((one) => one.type), ["call.ended", "call.queued"], "of one call");
	equal((await deliveries(gw, "?status=dead&type=call.queued")).length, 3, "of one type");
	equal((await gw.api("GET", "/webhooks/deliveries?call=nobody")).status, 400);
	equal((await gw.api("POST", "/webhooks/nobody/replay")).status, 404);
	equal((await replay({ until: dead.map((one) => one.done_at).sort()[0] })).json.replayed, 0, "before the range");
	for (const [body, pointer] of [[{ status: "waiting" }, "/status"], [{ status: "delivered" }, "/until"], [{ since: "today" }, "/since"],
		[{ since: dead[0].done_at, until: dead[0].done_at }, "/until"], [{ limit: 1001 }, "/limit"], [{ call: "x" }, "/call"], [{ what: 1 }, "/what"],
		[{ status: "delivered", until: new Date(Date.now() + 60_000).toISOString() }, "/until"]]) {
		const wrong = await replay(body);
		equal([wrong.status, wrong.json.errors?.[0].pointer], [422, pointer]);
	}
	well = true;
	there.got.length = 0;
	const first = (await replay({ type: "call.queued", call: ids[0] })).json;
	equal([first.replayed, first.more], [1, false]);
	await eventually("it came", () => there.got.length === 1);
	equal([there.got[0].event.call_id, there.got[0].event.type], [ids[0], "call.queued"]);
	const answers = await Promise.all(Array.from({ length: 8 }, () => replay({ limit: 2 })));
	equal(answers.map((one) => one.status), Array(8).fill(200));
	equal(answers.reduce((sum, one) => sum + one.json.replayed, 0) <= 5, true, "no one twice");
	await eventually("the rest came", async () => {
		await replay({});
		return there.got.length >= 6;
	});
	equal((await replay({})).json.replayed, 0, "there is none left");
	const seen = there.got.map(({ headers }) => Number(headers["webhook-id"]));
	equal(seen.length, new Set(seen).size, "each came once");
	equal(new Set(seen), new Set(dead.map((one) => one.event)));
	for (const id of ids)
		equal(there.got.filter((one) => one.event.call_id === id).map((one) => one.event.type), ["call.queued", "call.ended"], "in order");
	const acts = (await gw.api("GET", "/audit")).json.data.filter((one) => one.object === "act");
	equal([acts.at(-1).code, acts.at(-1).detail], ["webhooks_replayed", "crm: 1 deliveries"]);
	there.close();
});

test("C10: what was delivered in a range of time is sent again, and a repetition of that sends nothing", async (t) => {
	const there = await receiver(t);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.queued", "call.ended"] }]));
	await call(gw);
	await eventually("all are noted", async () => (await deliveries(gw, "?status=delivered")).length === 2);
	const until = new Date(Math.max(...(await deliveries(gw)).map((one) => Date.parse(one.done_at))) + 1).toISOString();
	await eventually("the range is over", () => Date.now() > Date.parse(until));
	const body = { status: "delivered", since: "2026-01-01T00:00:00.000Z", until };
	equal((await gw.api("POST", "/webhooks/crm/replay", { body })).json.replayed, 2);
	await eventually("they came again", async () => there.got.length === 4 && (await deliveries(gw, "?status=delivered")).length === 2);
	equal(there.got.slice(2).map((one) => one.event.type), ["call.queued", "call.ended"]);
	equal((await gw.api("POST", "/webhooks/crm/replay", { body })).json.replayed, 0, "a repetition");
	there.close();
});

test("C9, C10: what a disabled endpoint misses is kept, and sent by range once it is enabled", async (t) => {
	let gone = true;
	const there = await receiver(t, () => (gone ? 410 : 200));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.ended"] }]));
	const state = async () => (await gw.api("GET", "/webhooks")).json.data[0];
	const first = await call(gw);
	await eventually("it is disabled", async () => (await state()).state === "disabled");
	const missed = [await call(gw), await call(gw)];
	const dead = await eventually("what it misses is kept", async () => {
		const list = await deliveries(gw, "?status=dead");
		return list.length === 2 && list;
	});
	equal(dead.map((one) => [one.call_id, one.attempts, one.tries]), missed.reverse().map((id) => [id, 0, []]));
	equal((await gw.api("POST", "/webhooks/crm/replay")).status, 409, "while it is disabled");
	equal((await gw.api("POST", `/webhooks/deliveries/${dead[0].id}/replay`)).status, 409, "one of them, too");
	await gw.kill("SIGKILL");
	await gw.restart();
	gone = false;
	there.got.length = 0;
	equal((await gw.api("POST", "/webhooks/crm/enable")).json.state, "enabled");
	await eventually("what waited goes", () => there.got.length === 1);
	equal(there.got[0].event.call_id, first);
	equal((await gw.api("POST", "/webhooks/crm/replay")).json.replayed, 2);
	await eventually("what was missed came", () => there.got.length === 3);
	equal(there.got.slice(1).map((one) => one.event.call_id).sort(), missed.sort());
	const off = await gw.api("POST", "/webhooks/crm/disable");
	equal([off.json.state, off.json.reason], ["disabled", "an operator has disabled it"]);
	equal((await gw.api("POST", "/webhooks/crm/disable")).status, 200, "twice");
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("it still is", async () => (await state()).state === "disabled");
	equal((await gw.api("POST", "/webhooks/nobody/enable")).status, 404);
	equal((await gw.api("POST", "/webhooks/crm/enable", { body: { now: true } })).status, 422);
	const acts = (await gw.api("GET", "/audit")).json.data.map((one) => `${one.object} ${one.code} ${one.detail}`);
	equal(acts, ["act webhook_disabled crm", "act webhook_disabled crm", "act webhooks_replayed crm: 2 deliveries", "act webhook_enabled crm"]);
	there.close();
});

test("C10: a replay leaves room for what is new", async (t) => {
	const there = await receiver(t, () => [429, { "Retry-After": "3600" }]);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.*", "leg.*"] }], { max_waiting: 100 }));
	equal((await gw.api("POST", "/webhooks/crm/disable")).json.state, "disabled");
	for (let i = 0; i < 20; i++)
		equal((await gw.api("GET", `/calls/${await call(gw)}?wait=ended&timeout=10`)).json.state, "ended");
	ok((await deliveries(gw, "?status=dead&limit=200")).length >= 80, "much is missed");
	equal((await gw.api("POST", "/webhooks/crm/enable")).json.waiting, 0);
	const some = (await gw.api("POST", "/webhooks/crm/replay")).json;
	equal([some.replayed, some.more], [50, true]);
	const full = await gw.api("POST", "/webhooks/crm/replay");
	equal([full.status, full.json.code, full.headers["retry-after"]], [429, "limit_reached", "10"]);
	equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" } })).status, 201, "new calls");
	there.close();
});

test("C17: the callbacks of a host are listed, and go off and on like an endpoint", async (t) => {
	const there = await receiver(t);
	const gw = await up(t, webhooks([]));
	const placed = () => call(gw, { to: "sim:busy", status_callback: there.url });
	await placed();
	await eventually("it came", async () => (await deliveries(gw, "?status=delivered")).length === 1);
	const [seen] = (await gw.api("GET", "/webhooks")).json.data;
	equal([seen.name, seen.url, seen.state], ["callback::127.0.0.1", null, "enabled"]);
	const ask = (what) => gw.api("POST", `/webhooks/${encodeURIComponent(seen.name)}/${what}`);
	equal((await ask("test")).status, 404, "it has no URL of its own");
	equal((await ask("disable")).json.state, "disabled");
	const missed = await placed();
	await eventually("what it misses is kept", async () => (await deliveries(gw, "?status=dead")).length === 1);
	await gw.kill("SIGKILL");
	await gw.restart();
	await eventually("it still is", async () => (await gw.api("GET", "/webhooks")).json.data[0]?.state === "disabled");
	equal((await ask("enable")).json.state, "enabled");
	equal((await ask("replay")).json.replayed, 1);
	await eventually("it came", () => there.got.length === 2);
	equal(there.got[1].event.call_id, missed);
	there.close();
});

test("erase: what waits for its next try is told without people", async (t) => {
	let asked = () => {};
	const there = await receiver(t, (n) => (n === 1 ? (response) => asked(response) : 200));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.ended"] }]));
	const held = new Promise((done) => { asked = done; });
	const id = await call(gw, { to: "sim:busy", metadata: { who: "Rapunzel" } });
	const response = await held;
	match(there.got[0].body, /Rapunzel/);
	await eventually("it is erased", async () => (await gw.api("POST", `/calls/${id}/erase`)).status === 200);
	response.writeHead(500);
	response.end();
	await eventually("it came again", () => there.got.length === 2);
	equal(there.got[1].headers["webhook-id"], there.got[0].headers["webhook-id"]);
	ok(there.got[1].event.call.erased_at, "it says so");
	equal([/Rapunzel|sim:busy/.test(there.got[1].body), there.got[1].event.call.to], [false, ""], "what it says");
	there.close();
});
