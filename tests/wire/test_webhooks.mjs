/* Events told to others by HTTP (C1-C18): receivers of Node, and what they get. */
import { createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";

import { Webhook as Standard } from "standardwebhooks";
import { Webhook as Svix } from "svix";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

const sign = (secret, headers, body) => `v1,${createHmac("sha256", Buffer.from(secret.slice(6), "base64"))
	.update(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`).digest("base64")}`;

/* A receiver; answer(n, request) says what the n-th request gets: a status,
 * [status, headers], or a function of the response. */
const receiver = async (t, answer = () => 204) => {
	const got = [];
	const server = http.createServer((request, response) => {
		const parts = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			const body = Buffer.concat(parts).toString();
			got.push({ headers: request.headers, body, event: JSON.parse(body), url: request.url });
			const what = answer(got.length, got.at(-1));
			if (typeof what === "function")
				what(response, request);
			else {
				const [status, headers] = [what].flat();
				response.writeHead(status, headers);
				response.end("thanks\n");
			}
		});
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	t.after?.(() => server.close());
	return { got, server, port: server.address().port, url: `http://127.0.0.1:${server.address().port}/hook`,
		close: () => { server.closeAllConnections(); server.close(); },
		of: (type) => got.filter((one) => one.event.type === type) };
};

const webhooks = (endpoints, more) => ({ allow_inline: true,
	webhooks: { allow_http: true, allow_targets: ["127.0.0.0/8"], schedule: [1, 1, 1], endpoints, ...more } });
const up = async (t, config, headers) => {
	const gw = await t.gateway({ sandbox: true, ...config });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", { headers })).json?.state === "registered");
	return gw;
};
const call = async (gw, body = { to: "sim:busy" }) => {
	const made = await gw.api("POST", "/calls", { body });
	equal(made.status, 201);
	return made.json.id;
};
const deliveries = async (gw, query = "") => (await gw.api("GET", `/webhooks/deliveries${query}`)).json.data;

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
	equal(there.got.at(-1).event.type, "webhook.ping");
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
	await call(gw, { to: "sim:no-answer" });
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
