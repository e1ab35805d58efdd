/* From the CRM and back: what each CRM documents places calls in the sandbox, and how
 * each of them ended comes back, signed, once, in that CRM's words where it has some
 * (D1, D3, C1, crm.md). */
import { Webhook } from "standardwebhooks";

import { form, json, ORGANIZATION, PUBLIC, samples, SECRET, STANDARD } from "./crm_samples.mjs";
import { equal, eventually, ok, test } from "./harness.mjs";
import { receiver, SECRET as OUT, up, webhooks } from "./receiver.mjs";

/* phone | what the call becomes: status, cause | the words for it */
const outcomes = [
	["sim:busy", "busy", "busy", { hubspot: "BUSY", zoho: "busy", bitrix24: "486", pipedrive: "busy" }],
	["sim:decline", "busy", "rejected", { hubspot: "REJECTED", zoho: "rejected", bitrix24: "603", pipedrive: "no_answer" }],
	["sim:no-answer", "no-answer", "ring_timeout", { hubspot: "NO_ANSWER", zoho: "noanswer", bitrix24: "304", pipedrive: "no_answer" }],
	["sim:unavailable", "no-answer", "unavailable", { hubspot: "NO_ANSWER", zoho: "notavailable", bitrix24: "480", pipedrive: "no_answer" }],
	["sim:not-found", "failed", "not_found", { hubspot: "FAILED", zoho: "invalid", bitrix24: "404", pipedrive: "wrong_number" }],
	["sim:overloaded", "failed", "congestion", { hubspot: "FAILED", zoho: "notavailable", bitrix24: "503", pipedrive: "no_answer" }],
	["sim:answer", "completed", "time_limit", { hubspot: "COMPLETED", zoho: "ended", bitrix24: "200", pipedrive: "connected" }],
	["sim:late-answer", "canceled", "canceled_by_api", { hubspot: "CANCELED", zoho: "noanswer", bitrix24: "603-S", pipedrive: "no_answer" }],
];

const limits = { ring_timeout: 2, time_limit: 1 };
const basic = (user) => ({ Authorization: `Basic ${Buffer.from(`${user}:a-password`).toString("base64")}` });
const more = {
	basic: async (phone) => [new URLSearchParams({ to: phone }).toString(), basic("crm"), form],
	bearer: async (phone) => [JSON.stringify({ to: phone }), { Authorization: `Bearer ${SECRET}` }, json],
};

/* How each of them maps what it says, and how it wants to be told. */
const crms = {
	hubspot: { mapping: { to: "${/propertyValue}", metadata: { contact: "${/objectId}", hubspot_owner_id: "797" } },
		when: [{ ptr: "/subscriptionType", equals: "contact.propertyChange" }], format: "hubspot" },
	pipedrive: { user: "pipedrive", password: "a-password", mapping: { to: "${/data/phone}", metadata: { person_id: "${/data/id}" } }, format: "pipedrive" },
	zoho: { mapping: { to: "${/tonumber}" }, format: "zoho" },
	salesforce: { secrets: [ORGANIZATION], mapping: { to: "${/sObject/Phone}", metadata: { contact: "${/sObject/Id}" } } },
	bitrix24: { mapping: { to: "${/data/PHONE_NUMBER}", metadata: { CALL_ID: "${/data/CALL_ID}", USER_ID: "${/data/USER_ID}" } },
		when: [{ ptr: "/event", equals: "ONEXTERNALCALLSTART" }], format: "bitrix24" },
	zendesk: { mapping: { to: "${/detail/phone}", metadata: { user: "${/detail/id}" } } },
	github: { mapping: { to: "${/client_payload/phone}" } },
	stripe: { mapping: { to: "${/data/object/phone}", metadata: { customer: "${/data/object/id}" } } },
	twilio: { mapping: { to: "${/To}", metadata: { sid: "${/CallSid}" } } },
	standard: { profile: "standard-webhooks", secrets: [STANDARD], mapping: { to: "${/data/phone}" } },
	basic: { user: "crm", password: "a-password", mapping: { to: "${/to}" } },
	bearer: { mapping: { to: "${/to}" } },
};

/* What came about a call: how it ended, and what identifies it. */
const readers = {
	hubspot: (call, body) => body.properties.hs_call_external_id === call.id && { word: body.properties.hs_call_status, seconds: body.properties.hs_call_duration / 1000 },
	zoho: (call, body) => body.id === call.id && !["ringing", "answered"].includes(body.state) && { word: body.state, seconds: body.duration },
	bitrix24: (call, body) => body.CALL_ID === call.metadata.CALL_ID && { word: body.STATUS_CODE, seconds: body.DURATION },
	pipedrive: (call, body) => body.to_phone_number === call.to && { word: body.outcome, seconds: body.duration },
	standard: (call, body) => body.call_id === call.id && { word: `${body.call.status} ${body.call.cause}`, seconds: body.call.duration },
};

/* The members that the CRM asks for. */
const members = {
	hubspot: ({ properties: p }, call) => equal([p.hs_call_direction, p.hs_call_to_number, p.hubspot_owner_id, p.hs_timestamp],
		["OUTBOUND", call.to, "797", Date.parse(call.created_at)]),
	zoho: (body, call) => equal([body.type, body.to, body.start_time], ["dialed", call.to, call.created_at]),
	bitrix24: (body, call) => equal([body.USER_ID, body.FAILED_REASON], ["7", call.cause]),
	pipedrive: (body, call) => equal([body.start_time, body.end_time, body.person_id], [call.created_at, call.ended_at, "1"]),
	standard: (body, call) => equal([body.type, body.call.metadata], ["call.ended", call.metadata]),
};

for (const [name, { format, ...hook }] of Object.entries(crms)) {
	test(`hooks: ${name}: there and back: ${outcomes.length} outcomes, each once, signed, ${format ? "in its own words" : "as events"} (D1, D3, C1)`, async (t) => {
		const there = await receiver(t);
		const gw = await up(t, { ...webhooks([{ name: "back", url: there.url, secrets: [OUT], ...(format ? { format } : { events: ["call.ended"] }) }]),
			http: { public_base_url: PUBLIC }, hooks: { [name]: { profile: name, ...(hook.user ? {} : { secrets: [SECRET] }), ...hook,
				mapping: { ...limits, ...hook.mapping } } } });
		const sample = samples[name] ?? more[name];

		for (const [n, [phone]] of outcomes.entries()) {
			const [body, headers, type] = await sample(phone, n);
			const send = () => gw.api("POST", `/hooks/${name}`, { body, headers, type });
			for (const reply of await Promise.all([send(), send()]))
				equal(reply.status, 200, reply.text);
		}
		const list = async () => (await gw.api("GET", "/calls")).json.data;
		const placed = await list();
		equal(placed.map(({ to }) => to).sort(), outcomes.map(([phone]) => phone).sort(), "calls");
		const late = placed.find(({ to }) => to === "sim:late-answer");
		await gw.api("DELETE", `/calls/${late.id}`);
		const calls = await eventually("all are over", async () => {
			const all = await list();
			return all.every(({ state }) => state === "ended") && all;
		});
		await eventually("all are told", async () => !(await gw.api("GET", "/webhooks")).json.data[0].waiting);

		const verifier = new Webhook(OUT);
		const told = there.got.map(({ body, headers }) => verifier.verify(body, headers));
		for (const [phone, status, cause, words] of outcomes) {
			const call = calls.find(({ to }) => to === phone);
			equal([call.status, call.cause], [status, cause], phone);
			const reader = readers[format ?? "standard"];
			const mine = told.filter((body) => reader(call, body));
			equal(mine.length, 1, `${phone}: how often it came back`);
			equal(reader(call, mine[0]), { word: format ? words[format] : `${status} ${cause}`, seconds: call.duration }, phone);
			members[format ?? "standard"](mine[0], call);
		}
		if (format === "zoho") {
			const answered = calls.find(({ to }) => to === "sim:answer");
			equal(told.filter(({ id }) => id === answered.id).map(({ state }) => state), ["ringing", "answered", "ended"]);
		} else {
			equal(told.length, outcomes.length, "what came in all");
		}
		equal(new Set(there.got.map(({ headers }) => headers["webhook-id"])).size, told.length, "ids");
		ok(!gw.log().includes(OUT.slice(6)), "a secret in the log");
	});
}
