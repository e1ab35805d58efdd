/* CRM webhooks in (D1-D12). The signatures are made by the CRMs' own libraries, and
 * each CRM's documented payload places a call. */
import { spawnSync } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ed25519Headers, form, hubspotHeaders, hubspotOldHeaders, json, notification, ORGANIZATION, outbound, PUBLIC, samples, SECRET, seconds,
	STANDARD, standardHeaders, stripeHeaders, twilioHeaders, WHPK, xml, zendeskHeaders } from "./crm_samples.mjs";
import { equal, eventually, match, ok, test } from "./harness.mjs";

const hooks = {
	hubspot: { profile: "hubspot", mapping: { to: "${/propertyValue}", metadata: { contact: "${/objectId}" } },
		when: [{ ptr: "/subscriptionType", equals: "contact.propertyChange" }] },
	pipedrive: { profile: "pipedrive", user: "pipedrive", password: "a-password", mapping: { to: "${/data/phone}" } },
	zoho: { profile: "zoho", mapping: { to: "${/tonumber}" } },
	"zoho.crm": { profile: "zoho", header: "X-Zoho-Secret", mapping: { to: "${/phone}" } },
	salesforce: { profile: "salesforce", mapping: { to: "${/sObject/Phone}", metadata: { account: "${/sObject/Id}" } } },
	bitrix24: { profile: "bitrix24", mapping: { to: "${/data/PHONE_NUMBER}", from: "${/data/USER_ID|lookup:phones}",
		client_state: "${/data/CALL_ID}" }, tables: { phones: { 7: "sim:answer" } },
		when: [{ ptr: "/event", equals: "ONEXTERNALCALLSTART" }] },
	zendesk: { profile: "zendesk", mapping: { to: "${/detail/phone}" } },
	github: { profile: "github", mapping: { to: "${/client_payload/phone}" } },
	stripe: { profile: "stripe", mapping: { to: "${/data/object/phone}" } },
	twilio: { profile: "twilio", mapping: { to: "${/To|default:sim:busy}" } },
	standard: { profile: "standard-webhooks", mapping: { to: "${/data/phone}" } },
	basic: { profile: "basic", user: "crm", password: "a-password", mapping: { to: "${/to}" } },
	bearer: { profile: "bearer", mapping: { to: "${/to}" }, on_reject: 200 },
	strict: { profile: "bearer", mapping: { to: "${/to}", from: "${/from|default:}" } },
	clicks: { profile: "bearer", mapping: { to: "${/to}" }, dedupe: "/id", each: "/clicks", when: [{ ptr: "/to", exists: true }] },
	off: { profile: "bearer", enabled: false, mapping: { to: "853" } },
	elsewhere: { profile: "bearer", sources: ["192.0.2.0/24", "2001:db8::/32"], mapping: { to: "853" } },
	here: { profile: "bearer", sources: ["127.0.0.0/8"], mapping: { to: "${/to}" } },
};
for (const hook of Object.values(hooks)) {
	if (!hook.user)
		hook.secrets = ["an-older-secret-of-it", SECRET];
}
hooks.standard.secrets = [STANDARD];
hooks.salesforce.secrets = [ORGANIZATION];

const up = async (t, config = {}) => {
	const gw = await t.gateway({ sandbox: true, allow_inline: true, hooks, ...config,
		http: { public_base_url: PUBLIC, ...config.http } });
	await registered(gw);
	return gw;
};
const registered = (gw) => eventually("the line is registered", async () =>
	(await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
const calls = async (gw) => (await gw.api("GET", "/calls?limit=200")).json.data;
const bearer = (secret = SECRET) => ({ Authorization: `Bearer ${secret}` });
const send = (gw, name, body, headers, type = json) =>
	gw.api("POST", `/hooks/${name}`, { body, headers, type });
/* The log of a hook, newest first, once it has so many rows: they are written behind
 * the answer. */
const logOf = async (gw, name, count) => (await eventually(`${count} rows`, async () => {
	const reply = await gw.api("GET", `/hooks/${name}/deliveries`);
	return reply.json.data.length >= count && reply;
}));
for (const [name, sample] of Object.entries(samples)) {
	test(`hooks: what ${name} documents places a call, once, and nothing without its signature (D1, D3, D6)`, async (t) => {
		const gw = await up(t);
		const [body, headers, type] = await sample("sim:busy");
		const first = await send(gw, name, body, headers, type);
		equal(first.status, 200, first.text);
		const list = await calls(gw);
		equal([list.length, list[0]?.to], [1, "sim:busy"], "calls");
		if (name !== "salesforce")
			equal([first.json.accepted, first.json.call_id], [true, list[0].id]);

		const again = await send(gw, name, body, headers, type);
		equal([again.status, again.text, again.headers["idempotent-replayed"]], [200, first.text, "true"], "the repetition");
		equal((await calls(gw)).length, 1, "calls after it");

		for (const missing of Object.keys(headers)) {
			const rest = { ...headers };
			delete rest[missing];
			if (name === "github" && missing === "X-GitHub-Delivery")
				continue;
			const reply = await send(gw, name, body, rest, type);
			equal([reply.status, reply.json.code], [401, "unauthorized"], `without ${missing}`);
		}
		const flipped = await send(gw, name, body.replace("sim:busy", "sim:answer").replace("sim%3Abusy", "sim%3Aanswer")
			.replace("abcdEAA", "abceEAA").replace(`=${SECRET}`, `=${SECRET}x`), headers, type);
		if (name === "pipedrive")
			equal(flipped.headers["idempotent-replayed"], "true", "the id is what counts");
		else
			equal([flipped.status, flipped.json.code], [401, "unauthorized"], "another body");
		equal((await calls(gw)).length, 1, "calls in the end");
		const log = (await logOf(gw, name, 3)).json.data.map((row) => row.verdict).reverse();
		equal(log.slice(0, 2), ["placed", "repeated"], "the log");
	});
}

test("hooks: too old and too new are told so, missing and wrong in one word (D1, D2)", async (t) => {
	const gw = await up(t);
	const body = JSON.stringify([]);
	const stale = (reply, what) => equal([reply.status, reply.json.code], [401, "stale"], what);
	const wrong = [];
	stale(await send(gw, "hubspot", body, hubspotHeaders(body, undefined, Date.now() - 301_000)), "hubspot, old");
	stale(await send(gw, "hubspot", body, hubspotHeaders(body, undefined, Date.now() + 62_000)), "hubspot, ahead");
	stale(await send(gw, "stripe", body, stripeHeaders(body, seconds() - 302)), "stripe");
	stale(await send(gw, "zendesk", body, zendeskHeaders(body, new Date(Date.now() - 302_000))), "zendesk");
	stale(await send(gw, "standard", body, standardHeaders(body, "msg_1", new Date(Date.now() - 302_000))), "standard");
	wrong.push(await send(gw, "stripe", body, stripeHeaders(body, seconds() - 302, "not-the-secret")));
	wrong.push(await send(gw, "stripe", body, {}));
	wrong.push(await send(gw, "stripe", body, { "Stripe-Signature": "t=1" }));
	wrong.push(await send(gw, "bearer", body, {}));
	wrong.push(await send(gw, "bearer", body, bearer("not-the-secret")));
	equal(new Set(wrong.map((reply) => `${reply.status} ${reply.json.code} ${reply.json.detail}`)).size, 1, "texts");
	equal((await calls(gw)).length, 0, "calls");
});

test("hooks: Ed25519: the sender's public key is all that a hook has, and no secret (C3, D1, D3)", async (t) => {
	const gw = await up(t, { hooks: { standard: { ...hooks.standard, secrets: [STANDARD, WHPK] } } });
	const body = JSON.stringify({ data: { phone: "sim:busy" } });
	const headers = ed25519Headers(body, "msg_ed");
	equal((await send(gw, "standard", body.replace("busy", "answer"), headers)).status, 401, "another body");
	equal((await send(gw, "standard", body, { ...headers, "webhook-id": "msg_other" })).status, 401, "another id");
	const old = await send(gw, "standard", body, ed25519Headers(body, "msg_old", new Date(Date.now() - 302_000)));
	equal([old.status, old.json.code], [401, "stale"]);
	const forged = createHmac("sha256", Buffer.from(WHPK.slice(5), "base64")).update(`msg_mac.${seconds()}.${body}`).digest("base64");
	equal((await send(gw, "standard", body, { "webhook-id": "msg_mac", "webhook-timestamp": String(seconds()),
		"webhook-signature": `v1,${forged}` })).status, 401, "a MAC by the public key");
	equal((await send(gw, "standard", body, headers)).json.accepted, true);
	equal((await send(gw, "standard", body, headers)).headers["idempotent-replayed"], "true", "again");
	equal((await calls(gw)).length, 1, "calls");
	equal((await send(gw, "standard", body, standardHeaders(body, "msg_hmac"))).json.accepted, true, "the shared secret beside it");
});

test("hooks: HubSpot's versions 1 and 2 count where they are turned on, once for one body (D1, D3)", async (t) => {
	const gw = await up(t, { hooks: { hubspot: hooks.hubspot, old: { ...hooks.hubspot, old_signatures: true } } });
	const event = (phone) => JSON.stringify([{ subscriptionType: "contact.propertyChange", propertyValue: phone, objectId: 1 }]);
	for (const [version, phone] of [["v1", "sim:busy"], ["v2", "sim:decline"]]) {
		const body = event(phone);
		const headers = hubspotOldHeaders(version, body, "/hooks/old");
		equal((await send(gw, "hubspot", body, hubspotOldHeaders(version, body))).status, 401, `${version}, where it is off`);
		equal((await send(gw, "old", event("sim:answer"), headers)).status, 401, `${version}, another body`);
		equal((await send(gw, "old", body, { ...headers, "X-HubSpot-Signature-v3": "wrong", "X-HubSpot-Request-Timestamp": String(Date.now()) })).status, 401,
			`${version} beside a version 3 that is wrong`);
		equal((await send(gw, "old", body, headers)).json.accepted, true, version);
		for (const again of [headers, hubspotOldHeaders("v1", body), hubspotOldHeaders("v2", body, "/hooks/old"), hubspotHeaders(body, "/hooks/old")])
			equal((await send(gw, "old", body, again)).headers["idempotent-replayed"], "true", `${version}, again`);
	}
	equal((await calls(gw)).length, 2, "calls");
});

test("hooks: each of two secrets counts (D4)", async (t) => {
	const gw = await up(t);
	for (const secret of ["an-older-secret-of-it", SECRET]) {
		const body = JSON.stringify({ data: { object: { phone: "sim:busy" } }, secret });
		equal((await send(gw, "stripe", body, stripeHeaders(body, seconds(), secret))).json?.accepted, true, secret);
	}
	equal((await calls(gw)).length, 2, "calls");
});

test("hooks: unknown 404, switched off 410, from elsewhere 403 (D1, D5)", async (t) => {
	const gw = await up(t);
	equal((await send(gw, "nobody", "{}", bearer())).status, 404);
	const off = await send(gw, "off", "{}", bearer());
	equal([off.status, off.json.code], [410, "hook_disabled"]);
	const elsewhere = await send(gw, "elsewhere", "{}", bearer());
	equal([elsewhere.status, elsewhere.json.code], [403, "source_refused"]);
	equal((await send(gw, "here", { to: "sim:busy" }, bearer())).status, 200);
	equal((await calls(gw)).length, 1, "calls");
});

test("hooks: HubSpot's and Twilio's signatures cover the query (D1)", async (t) => {
	const gw = await up(t);
	const body = JSON.stringify([{ subscriptionType: "contact.propertyChange", propertyValue: "sim:busy", objectId: 1 }]);
	const path = "/hooks/hubspot?portal=33&next=%2Fa%3Fb";
	const post = (at, text, headers, type = json) => gw.api("POST", at, { body: text, headers, type });
	equal((await post(path, body, hubspotHeaders(body, path))).status, 200, "hubspot");
	equal((await post("/hooks/hubspot?portal=34&next=%2Fa%3Fb", body, hubspotHeaders(body, path))).status, 401, "hubspot, another");
	const text = JSON.stringify({ To: "sim:busy" });
	const signed = `/hooks/twilio?bodySHA256=${createHash("sha256").update(text).digest("hex")}`;
	equal((await post(signed, text, twilioHeaders({}, signed))).status, 200, "twilio");
	equal((await post(signed, text.replace("busy", "answer"), twilioHeaders({}, signed))).status, 401, "twilio, another body");
	equal((await calls(gw)).length, 2, "calls");
});

test("hooks: a hundred notifications of Salesforce are a hundred calls and one acknowledgement (D12)", async (t) => {
	const gw = await up(t);
	const ids = Array.from({ length: 100 }, (_, i) => `04lx0000000${String(10000 + i)}AA`);
	const body = outbound(ids.map((id) => notification(id, "sim:busy")).join(""));
	const reply = await send(gw, "salesforce", body, {}, xml);
	equal([reply.status, reply.headers["content-type"]], [200, "text/xml; charset=utf-8"], reply.text);
	match(reply.text, /^<\?xml version="1\.0" encoding="UTF-8"\?>\s*<soapenv:Envelope xmlns:soapenv="http:\/\/schemas\.xmlsoap\.org\/soap\/envelope\/"><soapenv:Body><notificationsResponse xmlns="http:\/\/soap\.sforce\.com\/2005\/09\/outbound"><Ack>true<\/Ack><\/notificationsResponse><\/soapenv:Body><\/soapenv:Envelope>$/);
	equal((await calls(gw)).length, 100, "calls");

	/* unordered, repeated, with one that is new */
	const more = [...ids.slice(0, 10).reverse(), "04lx0000000newoneA"];
	equal((await send(gw, "salesforce", outbound(more.map((id) => notification(id, "sim:busy")).join("")), {}, xml)).status, 200);
	equal((await calls(gw)).length, 101, "calls after it");
	const [log] = (await logOf(gw, "salesforce", 2)).json.data;
	equal([log.call_ids.length, new Set(log.call_ids).size], [11, 11], "calls in the log");
});

test("hooks: what is over the rate limit comes again and is placed then (D12)", async (t) => {
	const gw = await up(t, { limits: { calls_per_s: 5 } });
	const ids = Array.from({ length: 30 }, (_, i) => `04lx0000000${String(20000 + i)}AA`);
	const body = outbound(ids.map((id) => notification(id, "sim:busy")).join(""));
	const statuses = [];
	await eventually("it is acknowledged", async () => {
		const reply = await send(gw, "salesforce", body, {}, xml);
		statuses.push(reply.status);
		if (reply.status !== 200)
			ok(Number(reply.headers["retry-after"]) >= 1, "Retry-After");
		return reply.status === 200;
	}, 30_000);
	equal(statuses[0], 429, "the first answer");
	equal((await calls(gw)).length, 30, "calls");
});

test("hooks: fifty at once with one signature are one call (D3)", async (t) => {
	const gw = await up(t);
	const [body, headers] = await samples.stripe("sim:busy");
	const replies = await Promise.all(Array.from({ length: 50 }, () => send(gw, "stripe", body, headers)));
	equal(replies.filter((reply) => reply.status === 200).length, 50, "answers");
	equal(new Set(replies.map((reply) => reply.text)).size, 1, "texts");
	equal(replies.filter((reply) => !reply.headers["idempotent-replayed"]).length, 1, "first answers");
	equal((await calls(gw)).length, 1, "calls");
});

test("hooks: a repetition after kill -9 gets the first answer; so does one that made no call (D3)", async (t) => {
	const gw = await up(t);
	const [body, headers] = await samples.stripe("sim:no-answer");
	const other = JSON.stringify([{ subscriptionType: "contact.deletion", objectId: 1, propertyValue: "sim:busy" }]);
	const signed = hubspotHeaders(other);
	const first = await send(gw, "stripe", body, headers);
	const none = await send(gw, "hubspot", other, signed);
	equal([none.status, none.json.accepted, none.json.call_id, none.json.results[0].code], [200, true, null, "skipped"]);
	await gw.kill("SIGKILL");
	await gw.restart();
	await registered(gw);
	const again = await send(gw, "stripe", body, headers);
	equal([again.text, again.headers["idempotent-replayed"]], [first.text, "true"]);
	const still = await send(gw, "hubspot", other, signed);
	equal([still.text, still.headers["idempotent-replayed"]], [none.text, "true"]);
	equal((await calls(gw)).length, 1, "calls");
});

test("hooks: the id in the webhook says what is one (D3)", async (t) => {
	const gw = await up(t);
	const clicks = (...list) => send(gw, "clicks", { clicks: list }, bearer());
	const one = await clicks({ id: 1, to: "sim:busy" }, { id: 2, to: "sim:busy" }, { id: 3 });
	equal(one.json.results.map((result) => result.code), [null, null, "skipped"]);
	const two = await clicks({ id: 2, to: "sim:busy" }, { id: 4, to: "sim:busy" });
	equal(two.json.results[0].call_id, one.json.results[1].call_id, "the one that came before");
	equal((await calls(gw)).length, 3, "calls");
	equal((await clicks()).json.results, [], "nothing in it");
	equal((await send(gw, "clicks", {}, bearer())).json.errors ?? null, null);
	equal((await send(gw, "clicks", { clicks: Array.from({ length: 101 }, (_, id) => ({ id: `x${id}` })) }, bearer())).status, 422);
});

test("hooks: refused for good is 422 or 200, and says why (D6, D8)", async (t) => {
	const gw = await up(t);
	const nothing = await send(gw, "strict", { other: 1 }, bearer());
	equal([nothing.status, nothing.json.accepted, nothing.json.code, nothing.json.errors[0].pointer], [422, false, "invalid_call", "/to"]);
	const wrong = await send(gw, "strict", { to: "not a number" }, bearer());
	equal([wrong.status, wrong.json.accepted], [422, false]);
	const injected = await send(gw, "strict", { to: "sip:853\r\nX-Evil: 1" }, bearer());
	equal([injected.status, injected.json.accepted], [422, false]);
	const soft = await send(gw, "bearer", { other: 1 }, bearer());
	equal([soft.status, soft.json.accepted, soft.json.code, soft.json.results[0].accepted], [200, false, "invalid_call", false]);
	equal((await calls(gw)).length, 0, "calls");
	equal((await send(gw, "strict", { to: "sim:busy" }, bearer())).status, 200, "and another works");
});

test("hooks: policy, limits and the audit know hook:NAME (D9)", async (t) => {
	const gw = await up(t, { policy: { rules: [
		{ name: "not-853", action: "deny", prefixes: ["853"], keys: ["hook:strict"], lines: ["sandbox"] },
	], limits: [{ name: "one-a-day", per: "key", window: "day", calls: 1, keys: ["hook:here"] }] } });
	const denied = await send(gw, "strict", { to: "853" }, bearer());
	equal([denied.status, denied.json.code, denied.json.accepted], [422, "policy_denied", false]);
	const [refusal] = await eventually("a refusal in the audit", async () => {
		const { data } = (await gw.api("GET", "/audit")).json;
		return data.length && data;
	});
	equal([refusal.key, refusal.rule, refusal.to], ["hook:strict", "not-853", "853"]);
	equal((await send(gw, "here", { to: "sim:busy" }, bearer())).status, 200);
	const second = await send(gw, "here", { to: "sim:decline" }, bearer());
	equal(second.json.code, "limit_reached");
	equal((await send(gw, "here", { to: "sim:busy" }, bearer())).headers["idempotent-replayed"], "true", "the first again");
	equal((await calls(gw)).length, 1, "calls");
});

test("hooks: a frozen gateway asks for the webhook again, HubSpot in milliseconds", async (t) => {
	const gw = await up(t);
	await gw.api("POST", "/admin/freeze", { body: { frozen: true } });
	const body = JSON.stringify([{ subscriptionType: "contact.propertyChange", propertyValue: "sim:busy", objectId: 1 }]);
	const headers = hubspotHeaders(body);
	const reply = await send(gw, "hubspot", body, headers);
	equal([reply.status, reply.json.code, reply.json.accepted], [503, "frozen", false]);
	if (reply.headers["retry-after"])
		equal(Number(reply.headers["retry-after"]) % 1000, 0, "milliseconds");
	await gw.api("POST", "/admin/freeze", { body: { frozen: false } });
	equal((await send(gw, "hubspot", body, headers)).json.accepted, true, "afterwards");
	equal((await calls(gw)).length, 1, "calls");
});

test("hooks: bodies that are none of ours (D7)", async (t) => {
	const gw = await up(t);
	const reply = async (body, type) => (await send(gw, "basic", body,
		{ Authorization: `Basic ${Buffer.from("crm:a-password").toString("base64")}` }, type)).status;
	equal(await reply("{\"to\":\"853\",\"to\":\"858\"}", json), 400, "a member twice");
	equal(await reply("<!DOCTYPE a [<!ENTITY b \"853\">]><to>&b;</to>", xml), 400, "an entity");
	equal(await reply("to=853&to[x]=1", form), 400, "brackets");
	equal(await reply("853", "image/png"), 415, "a picture");
	equal(await reply(`{"to":"${"1".repeat(600_000)}"}`, json), 413, "too much");
	equal(await reply("", json), 422, "nothing");
	equal(await reply("<to>sim:busy</to>", "application/xml"), 200, "XML");
	equal(await reply("to=sim%3Adecline", form), 200, "a form");
	equal((await calls(gw)).map((call) => call.to).sort(), ["sim:busy", "sim:decline"], "calls");
	const gzip = await gw.api("POST", "/hooks/basic", { body: "x", type: json, headers: { "Content-Encoding": "gzip" } });
	equal(gzip.status, 415, "packed");
});

test("hooks: bombs: nothing in a body grows without bound, and each refusal is a sentence (D7, D8)", async (t) => {
	const gw = await up(t);
	const reply = async (body, type) => {
		const { status, json: told } = await send(gw, "basic", body, { Authorization: `Basic ${Buffer.from("crm:a-password").toString("base64")}` }, type);
		return [status, told.code, told.detail];
	};
	const nested = (n, open, close) => open.repeat(n) + close.repeat(n);
	const entities = Array.from({ length: 9 }, (_, i) => `<!ENTITY e${i + 1} "${`&e${i};`.repeat(10)}">`).join("");
	const bombs = {
		"a billion laughs": [`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY e0 "ha">${entities}]><to>&e9;</to>`, xml],
		"a quadratic blow-up": [`<!DOCTYPE a [<!ENTITY e "${"x".repeat(20_000)}">]><to>${"&e;".repeat(10_000)}</to>`, xml],
		"a file": ['<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><to>&e;</to>', xml],
		"a parameter entity from elsewhere": ['<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><to>853</to>', xml],
		"deep XML": [nested(33, "<a>", "</a>"), xml],
		"XML of many elements": [`<a>${"<b/>".repeat(20_000)}</a>`, xml],
		"XML of many attributes": [`<a ${Array.from({ length: 300 }, (_, i) => `a${i}="1"`).join(" ")}/>`, xml],
		"XML that ends early": ["<to>853", xml],
		"XML that is two": ["<to>853</to><to>854</to>", xml],
		"XML that isn't UTF-8": [Buffer.from("<to>\xff</to>", "latin1"), xml],
		"deep brackets": [`to${"[a]".repeat(40)}=853`, form],
		"two hundred and one fields": [Array.from({ length: 201 }, (_, i) => `a${i}=1`).join("&"), form],
		"a bracket that isn't closed": ["to[a=853", form],
		"a NUL in a form": ["to=%00", form],
		...Object.fromEntries(Object.entries({ form, json, xml }).map(([name, type]) =>
			[`what makes the hash of another ${name} longer`, [Buffer.concat([Buffer.from("[{\"to\":\"853\"}]\x80", "latin1"), Buffer.alloc(30), Buffer.from("&to=854")]), type]])),
		"deep JSON": [nested(100, "[", "]"), json],
	};
	for (const [name, [body, type]] of Object.entries(bombs)) {
		const [status, code, detail] = await reply(body, type);
		equal([status, code], [400, "invalid_body"], `${name}: ${detail}`);
		match(detail, /^The body cannot be read: .{10,}\.$/, name);
		ok(!/passwd|root:/.test(detail), name);
	}
	const [ok_, code] = await reply("to=sim%3Abusy", form);
	equal([ok_, code], [200, null], "and a good one works");
	equal((await gw.api("GET", "/readyz")).status, 200);
});

test("hooks: a pointer or template that can't be is refused with the settings, by its place (D8)", async (t) => {
	for (const [pointer, mapping, more = {}] of [
		["/hooks/crm/mapping/to", { to: "${no/slash}" }],
		["/hooks/crm/mapping/to", { to: "${/a~2b}" }],
		["/hooks/crm/mapping/to", { to: "${/a" }],
		["/hooks/crm/mapping/to", { to: "${/a|shout}" }],
		["/hooks/crm/mapping/to", { to: "${/a|e164:D}" }],
		["/hooks/crm/mapping/from", { to: "853", from: "${/a|lookup:phones}" }],
		["/hooks/crm/when/0", { to: "853" }, { when: [{ ptr: "no-slash", equals: 1 }] }],
		["/hooks/crm/each", { to: "853" }, { each: "items" }],
		["/hooks/crm/dedupe", { to: "853" }, { dedupe: "header:Bad Name" }],
		["/hooks/crm/secrets/0", { to: "853" }, { profile: "standard-webhooks", secrets: ["whpk_too-short"] }],
		["/hooks/crm/secrets/0", { to: "853" }, { profile: "standard-webhooks", secrets: ["whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="] }],
	]) {
		const dir = mkdtempSync(join(tmpdir(), "bellpull-"));
		t.later(() => rmSync(dir, { recursive: true }));
		writeFileSync(join(dir, "c.json"), JSON.stringify({ sandbox: true, allow_inline: true,
			hooks: { crm: { profile: "bearer", secrets: [SECRET], mapping, ...more } } }));
		const { status, stdout, stderr } = spawnSync(t.binary, ["--config", join(dir, "c.json"), "--check"], { encoding: "utf8" });
		equal(status, 78, `${JSON.stringify([mapping, more])}: ${stdout}${stderr}`);
		ok((stdout + stderr).includes(`${pointer}`), `${pointer} is not in: ${stdout}${stderr}`);
		ok(!(stdout + stderr).includes("nWGx"), "a secret is shown");
	}
});

test("hooks: one call is refused in one of several, and the others are placed; what fits no element is no call (D8, D9)", async (t) => {
	const gw = await up(t);
	const reply = await send(gw, "clicks", { clicks: [{ id: 1, to: "sim:busy" }, { id: 2, to: "not a number" }, { id: 3, to: null }, { id: 4 }, { id: 5, to: "sim:decline" }] }, bearer());
	equal([reply.status, reply.json.accepted], [200, true], reply.text);
	equal(reply.json.results.map(({ accepted, code }) => [accepted, code]),
		[[true, null], [false, "invalid_call"], [true, "skipped"], [true, "skipped"], [true, null]]);
	equal((await calls(gw)).map(({ to }) => to).sort(), ["sim:busy", "sim:decline"]);
});

test("hooks: the test shows what would be dialled, and dials nothing (D10)", async (t) => {
	const gw = await up(t);
	const { json: bitrix } = await gw.api("POST", "/hooks/bitrix24/test",
		{ body: "event=ONEXTERNALCALLSTART&data[PHONE_NUMBER]=853&data[USER_ID]=7&data[CALL_ID]=x", type: form });
	equal([bitrix.calls.length, bitrix.calls[0].places, bitrix.calls[0].order], [1, true, { to: "853", from: "sim:answer", client_state: "x" }]);
	equal(bitrix.calls[0].dry_run.uri.startsWith("sip:853@"), true);
	const { json: missing } = await gw.api("POST", "/hooks/bitrix24/test", { body: { data: {} } });
	equal([missing.calls[0].places, missing.calls[0].when], [false, false]);
	equal(missing.calls[0].errors.map((error) => error.pointer), ["/data/PHONE_NUMBER", "/data/USER_ID", "/data/CALL_ID"]);
	equal((await gw.api("POST", "/hooks/nobody/test", { body: {} })).status, 404);
	equal((await gw.api("POST", "/hooks/basic/test", { body: "{", type: json })).status, 400);
	equal((await calls(gw)).length, 0, "calls");
});

test("hooks: the list and the log have no secrets and no bodies (D11)", async (t) => {
	const gw = await up(t);
	await send(gw, "basic", { to: "sim:busy" }, {});
	await send(gw, "bearer", { to: "sim:busy", note: "a-private-word" }, bearer());
	const list = await gw.api("GET", "/hooks");
	equal(list.json.data.map((hook) => hook.name).sort(), Object.keys(hooks).sort());
	equal(list.json.data.find((hook) => hook.name === "zoho.crm").url, `${PUBLIC}/hooks/zoho.crm`);
	ok(!/secret-of|a-password|whsec/.test(list.text), "a secret in the list");
	const log = await logOf(gw, "bearer", 1);
	const [row] = log.json.data;
	equal([row.verdict, row.status, row.call_ids], ["placed", 200, [(await calls(gw))[0].id]]);
	equal(row.sha256, createHash("sha256").update(JSON.stringify({ to: "sim:busy", note: "a-private-word" })).digest("hex"));
	equal((await logOf(gw, "basic", 1)).json.data[0].verdict, "unauthorized");
	const page = (await gw.api("GET", "/hooks/bearer/deliveries?limit=1")).json;
	equal(page.next_cursor, null);
	ok(!/a-private-word|secret-of|a-password/.test(gw.log() + log.text), "what was sent is in the log");
	equal((await gw.api("GET", "/hooks/nobody/deliveries")).status, 404);
});

test("hooks: with keys, a webhook needs none and its calls are their project's (E)", async (t) => {
	const gw = await t.gateway({ sandbox: true, allow_inline: true, keys: [
		{ name: "admin", secret: "key-of-the-admin-0", scopes: ["admin"] },
		{ name: "sales", secret: "key-of-the-sales-0", project: "sales", scopes: ["hooks:admin", "calls:read"] },
		{ name: "plain", secret: "key-of-the-plain-0", project: "sales" },
	], hooks: { ...hooks, sales: { ...hooks.bearer, project: "sales" } } });
	const as = (name) => ({ Authorization: `Bearer key-of-the-${name}-0` });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", { headers: as("admin") })).json?.state === "registered");
	const placed = await gw.api("POST", "/hooks/sales", { body: { to: "sim:busy" }, headers: bearer() });
	equal([placed.status, placed.json.accepted], [200, true], placed.text);
	equal((await gw.api("GET", "/calls", { headers: as("sales") })).json.data.length, 1, "its project");
	equal((await gw.api("GET", "/hooks", { headers: as("sales") })).json.data.map((hook) => hook.name), ["sales"]);
	equal((await gw.api("GET", "/hooks", { headers: as("plain") })).status, 403);
	equal((await gw.api("GET", "/hooks", {})).status, 401);
	equal((await gw.api("GET", "/hooks/bearer/deliveries", { headers: as("sales") })).status, 404, "another project's");
	equal((await gw.api("POST", "/hooks/sales/test", { body: { to: "853" }, headers: as("plain") })).status, 403);
	equal((await gw.api("POST", "/hooks/sales/test", { body: { to: "853" }, headers: as("sales") })).status, 200);
	equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" }, headers: bearer() })).status, 401, "a hook's secret is no key");
	equal((await gw.api("POST", "/hooks/sales", { body: { to: "sim:busy" }, headers: as("admin") })).status, 401, "nor is a key a hook's");
});

test("hooks: SIGHUP brings others, and what came before is still known (G11, D4)", async (t) => {
	const gw = await up(t);
	const [body, headers] = await samples.stripe("sim:busy");
	const first = await send(gw, "stripe", body, headers);
	const { stripe, off, ...rest } = hooks;
	const config = { ...gw.config, hooks: { off: { ...off, enabled: true }, stripe: { ...stripe, secrets: ["another-secret", ...stripe.secrets] },
		fresh: rest.bearer } };
	writeFileSync(join(gw.dir, "bellpull.json"), JSON.stringify(config));
	gw.process.kill("SIGHUP");
	const reloaded = await eventually("it is read again", () => gw.records().find(({ event }) => event === "gateway.reloaded"));
	equal(reloaded.need_restart, 0);
	equal((await gw.api("GET", "/hooks")).json.data.map((hook) => hook.name), ["off", "stripe", "fresh"]);
	equal((await send(gw, "bearer", { to: "sim:busy" }, bearer())).status, 404, "one that is gone");
	equal((await send(gw, "fresh", { to: "sim:busy" }, bearer())).status, 200, "one that is new");
	const again = await send(gw, "stripe", body, stripeHeaders(body, Number(/t=(\d+)/.exec(headers["Stripe-Signature"])[1]), "another-secret"));
	equal([again.text, again.headers["idempotent-replayed"]], [first.text, "true"], "signed with the new secret");
	equal((await calls(gw)).length, 2, "calls");
});

test("hooks: a call for later is still the hook's when its time comes", async (t) => {
	const key = "bp_reader_0123456789abcdefghijkl";
	const later = { profile: "bearer", secrets: [SECRET], mapping: { to: "${/to}", not_before: "${/at}" } };
	const gw = await t.gateway({ sandbox: true, allow_inline: true, hooks: { later },
		keys: [{ name: "reader", secret: key, scopes: ["calls:read"] }] });
	const placed = await send(gw, "later", { to: "sim:busy", at: new Date(Date.now() + 700).toISOString() }, bearer());
	equal([placed.status, placed.json.accepted], [200, true], placed.text);
	const ended = await eventually("it has ended", async () => {
		const { json } = await gw.api("GET", `/calls/${placed.json.call_id}`, { headers: bearer(key) });
		return json.state === "ended" && json;
	});
	equal([ended.status, ended.cause], ["busy", "busy"]);
});
