/* Twilio's API under /2010-04-01, by Twilio's own client: calls, callbacks that its
 * validator takes, and everything that is not had refused by its name. */
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";

import twilio from "twilio";

import { checkExchange } from "./oracle.mjs";
import { equal, eventually, match, ok, test } from "./harness.mjs";
import { far, lineTo } from "./far.mjs";

const TOKEN = "0123456789abcdef-token";
const OTHER = "another-project-0123456789";
const AGENTS = "the-agents-own-key-0123456789";
const SECRET = "a-secret-for-callbacks-alone";
const accountOf = (project) => `AC${createHash("sha256").update(project).digest("hex").slice(0, 32)}`;
const ACCOUNT = accountOf("crm");
const CALLER = "+4930111";

const dial = (number, attributes = "") => `<Response><Dial${attributes}>${number}</Dial></Response>`;
const sidOf = (id) => {
	let bits = 0n;
	for (const digit of id.slice(5))
		bits = bits * 32n + BigInt("0123456789ABCDEFGHJKMNPQRSTVWXYZ".indexOf(digit));
	return `CA${bits.toString(16).padStart(32, "0")}`;
};

/* Twilio's HTTP client, led to a gateway; every exchange is judged. */
class Led extends twilio.RequestClient {
	constructor(gw) {
		super();
		this.gw = gw;
	}

	async request(opts) {
		const uri = new URL(opts.uri.replace("https://api.twilio.com", this.gw.url));
		const response = await super.request({ ...opts, uri: uri.href });
		const path = new URL(uri).pathname + uri.search;
		checkExchange({ status: response.statusCode, headers: response.headers,
			text: response.body === undefined || response.body === "" ? "" : JSON.stringify(response.body), json: response.body,
			request: { method: opts.method.toUpperCase(), path, headers: opts.headers ?? {}, body: undefined } });
		return response;
	}
}

const keys = [
	{ name: "crm", secret: TOKEN, project: "crm", caller_ids: [CALLER], callback_hosts: ["127.0.0.1"] },
	{ name: "signer", secret: AGENTS, project: "crm", caller_ids: [CALLER], callback_hosts: ["127.0.0.1"], webhook_secret: SECRET, from: "sim:answer" },
	{ name: "other", secret: OTHER, project: "else" },
];
const config = { allow_inline: true, sandbox: true, keys,
	webhooks: { allow_http: true, allow_targets: ["127.0.0.0/8"], schedule: [1, 1, 1] } };
const bearer = (key) => ({ headers: { Authorization: `Bearer ${key}` } });
const basic = (account, key) => ({ headers: { Authorization: `Basic ${Buffer.from(`${account}:${key}`).toString("base64")}` } });

const up = async (t, more = {}, key = TOKEN) => {
	const gw = await t.gateway({ ...config, ...more });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", bearer(key))).json?.state === "registered");
	return gw;
};
const clientOf = (gw, key = TOKEN, project = "crm") => twilio(accountOf(project), key, { httpClient: new Led(gw) });

const refused = async (what, promise) => {
	try {
		await promise;
	} catch (error) {
		ok(error.code, `${what}: ${error.stack}`);
		return error;
	}
	throw new Error(`${what} was taken`);
};

/* A receiver of forms. */
const receiver = async (t, answer = () => 204) => {
	const got = [];
	const server = http.createServer((request, response) => {
		const parts = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			const body = Buffer.concat(parts).toString();
			const form = Object.fromEntries(new URLSearchParams(body));
			got.push({ method: request.method, headers: request.headers, body, url: request.url, form });
			response.writeHead(answer(got.length));
			response.end();
		});
	});
	await new Promise((done) => server.listen(0, "127.0.0.1", done));
	t.later(() => {
		server.closeAllConnections();
		server.close();
	});
	return { got, url: `http://127.0.0.1:${server.address().port}/hook?crm=797&x=%2F` };
};

test("twilio: To is rung first, then whom <Dial> names; both are shown From, which is never rung", async (t) => {
	const phone = await far(t, (message) => (message.user === "853" ? 200 : 486));
	const gw = await t.gateway({ ...config, sandbox: false, lines: [lineTo(phone, { caller_ids: [CALLER] })], policy: { countries: ["DE"] } });
	const client = clientOf(gw);
	const made = await client.calls.create({ to: "853", from: CALLER, twiml: dial("854") });
	equal([made.to, made.from, made.status, made.direction, made.accountSid], ["853", CALLER, "queued", "outbound-api", ACCOUNT]);
	match(made.sid, /^CA[0-9a-f]{32}$/);
	ok(Date.now() - made.dateCreated.getTime() < 60_000, "when it was made");
	equal(made.uri, `/2010-04-01/Accounts/${ACCOUNT}/Calls/${made.sid}.json`);
	const done = await eventually("it ended", async () => {
		const call = await client.calls(made.sid).fetch();
		return call.endTime && call;
	});
	equal([done.status, done.duration, done.from], ["busy", "0", CALLER]);
	equal(phone.invites.map(({ user }) => user), ["853", "854"], "who was rung");
	for (const invite of phone.invites)
		match(invite.header("From"), /sip:\+4930111@/, "what is shown");
	const { id } = (await gw.api("GET", "/calls", bearer(TOKEN))).json.data[0];
	const ours = (await gw.api("GET", `/calls/${id}`, bearer(TOKEN))).json;
	equal([sidOf(ours.id), ours.to, ours.from, ours.failed_leg], [made.sid, "853", "854", "from"]);
});

test("twilio: the base URL is all that changes; without a Twiml the key's setting says who is rung before To", async (t) => {
	const phone = await far(t, (message) => (message.user === "855" ? 200 : 486));
	const gw = await t.gateway({ ...config, sandbox: false, lines: [lineTo(phone, { caller_ids: [CALLER] })], policy: { countries: ["DE"] },
		keys: [{ ...keys[1], from: "855" }] });
	const client = twilio(ACCOUNT, AGENTS);
	client.api.baseUrl = gw.url;
	const made = await client.calls.create({ to: "+4930222", from: CALLER });
	await eventually("it ended", async () => (await client.calls(made.sid).fetch()).status === "busy");
	equal(phone.invites.map(({ user }) => user), ["855", "+4930222"], "who was rung");
	match(phone.invites[0].header("From"), /^"\+4930222"/, "what the agent is shown");
	match(phone.invites[1].header("From"), /sip:\+4930111@/, "what To is shown");
	const [listed] = await client.calls.list({ limit: 1 });
	equal(listed.sid, made.sid);
});

test("twilio: completed ends a call, canceled one that rings; what is over stays as it is", async (t) => {
	const gw = await up(t);
	const client = clientOf(gw);
	const talk = await client.calls.create({ to: "sim:answer", from: CALLER, twiml: dial("sim:answer") });
	await eventually("they talk", async () => (await client.calls(talk.sid).fetch()).status === "in-progress");
	const late = await refused("canceled", client.calls(talk.sid).update({ status: "canceled" }));
	equal([late.status, late.code, late.details.code], [400, 21220, "wrong_state"]);
	await client.calls(talk.sid).update({ status: "completed" });
	const ended = await eventually("it ended", async () => {
		const call = await client.calls(talk.sid).fetch();
		return call.endTime && call;
	});
	equal(ended.status, "completed");
	match(ended.duration, /^[0-9]+$/);
	equal((await client.calls(talk.sid).update({ status: "completed" })).status, "completed", "once more");

	const rings = await client.calls.create({ to: "sim:no-answer", from: CALLER, twiml: dial("sim:answer") });
	await eventually("it rings", async () => (await client.calls(rings.sid).fetch()).status === "ringing");
	const canceled = await client.calls(rings.sid).update({ status: "canceled" });
	equal(canceled.status, "canceled");
	equal((await refused("delete", client.calls(rings.sid).remove())).status, 405);
	equal((await refused("none", client.calls(`CA${"0".repeat(32)}`).fetch())).code, 20404);
	equal((await refused("no sid", client.calls("CA12").fetch())).code, 20404);
});

test("twilio: lists go by To, Status and day, page by page, and show all calls of the project", async (t) => {
	const gw = await up(t);
	const client = clientOf(gw);
	const made = [];
	for (const to of ["sim:busy", "sim:decline", "sim:busy"])
		made.unshift((await client.calls.create({ to, from: CALLER, twiml: dial("sim:answer") })).sid);
	const own = await gw.api("POST", "/calls", { ...bearer(TOKEN), body: { to: "sim:busy" } });
	made.unshift(sidOf(own.json.id));
	await gw.api("POST", "/calls", { ...bearer(OTHER), body: { to: "sim:busy" } });
	await eventually("all ended", async () => (await client.calls.list({ status: "busy" })).length === 4);
	const sids = async (params) => (await client.calls.list(params)).map(({ sid }) => sid);
	equal(await sids({}), made);
	equal(await sids({ pageSize: 2 }), made, "by pages");
	equal(await sids({ limit: 1000 }), made);
	equal(await sids({ limit: 2 }), made.slice(0, 2));
	equal(await sids({ to: "sim:decline" }), [made[2]]);
	equal(await sids({ status: "queued" }), []);
	const now = Date.now();
	equal(await sids({ startTimeAfter: new Date(now - 3600_000) }), made);
	equal(await sids({ startTimeAfter: new Date(now + 3600_000) }), []);
	equal(await sids({ startTimeBefore: new Date(now + 3600_000), pageSize: 3 }), made);
	equal(await sids({ startTimeBefore: new Date(now - 3600_000) }), []);
	equal(await sids({ startTime: new Date(now) }), made, "today");
	equal(await sids({ startTime: new Date(now + 86_400_000) }), [], "tomorrow");
	equal(await sids({ startTimeBefore: new Date("1960-01-01") }), []);
	equal(await sids({ startTime: new Date("1969-12-31") }), []);
	const [native] = await client.calls.list({ limit: 1 });
	equal([native.from, native.to], ["858", "sim:busy"], "of a call that was placed otherwise, the line's");
	const first = await client.calls.page({ pageSize: 3 });
	equal([first.instances.length, (await first.nextPage()).instances.length], [3, 1]);
	for (const [name, value] of [["from", CALLER], ["parentCallSid", made[0]], ["endTime", new Date()]]) {
		const error = await refused(name, client.calls.list({ [name]: value }));
		equal([error.status, error.code], [400, 20001], name);
		match(error.message, new RegExp(name, "i"));
	}
	for (const query of ["PageSize=0", "PageSize=1001", "PageSize=all", "Page=-1", "Page=x", "Page=2", "Status=gone", "StartTime=soon", "PageToken=x", "StartTime=2026-11-22&StartTime%3C=2026-11-23"])
		equal((await gw.api("GET", `/2010-04-01/Accounts/${ACCOUNT}/Calls.json?${query}`, basic(ACCOUNT, TOKEN))).status, 400, query);
});

test("twilio: callbacks are Twilio's forms, in order, and its validator takes them", async (t) => {
	const there = await receiver(t, (n) => (n === 1 ? 500 : 204));
	const gw = await up(t);
	for (const [key, token] of [[TOKEN, TOKEN], [AGENTS, SECRET]]) {
		there.got.length = 0;
		const made = await clientOf(gw, key).calls.create({ to: "sim:hangup", from: CALLER, twiml: dial("sim:answer"),
			statusCallback: there.url, statusCallbackEvent: ["initiated", "ringing", "answered", "completed"], statusCallbackMethod: "POST" });
		const last = await eventually("the end came", () => there.got.find(({ form }) => form.CallStatus === "completed"));
		const told = there.got.filter(({ form }, i) => i === 0 || form.SequenceNumber !== there.got[i - 1].form.SequenceNumber);
		equal(told.map(({ form }) => form.CallStatus), ["initiated", "ringing", "in-progress", "completed"]);
		equal(told.map(({ form }) => form.SequenceNumber), ["0", "1", "2", "3"]);
		for (const { method, headers, form } of there.got) {
			match(headers["content-type"], /^application\/x-www-form-urlencoded/);
			ok(twilio.validateRequest(token, headers["x-twilio-signature"], there.url, form), "its signature");
			ok(!twilio.validateRequest(token, headers["x-twilio-signature"], there.url, { ...form, CallStatus: "busy" }), "of what it says");
			equal([method, headers["webhook-signature"]], ["POST", undefined]);
			equal([form.CallSid, form.AccountSid, form.From, form.To], [made.sid, ACCOUNT, CALLER, "sim:hangup"]);
			equal([form.ApiVersion, form.Direction, form.CallbackSource], ["2010-04-01", "outbound-api", "call-progress-events"]);
			match(form.Timestamp, /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000$/);
		}
		const [failed, again] = there.got.map(({ headers }) => headers["i-twilio-idempotency-token"]);
		equal(failed, again, "by what a repetition is known");
		match(last.form.CallDuration, /^[0-9]+$/);
		match(last.form.Duration, /^[0-9]+$/);
	}
});

test("twilio: by GET, a callback's fields stand behind its URL, which is what is signed", async (t) => {
	const there = await receiver(t, (n) => (n === 1 ? 500 : 204));
	const gw = await up(t);
	const bare = there.url.replace(/\?.*/, "");
	for (const [statusCallback, begin] of [[there.url, "/hook?crm=797&x=%2F&CallSid=CA"], [bare, "/hook?CallSid=CA"]]) {
		there.got.length = 0;
		const made = await clientOf(gw).calls.create({ to: "sim:busy", from: CALLER, twiml: dial("sim:answer"), statusCallback,
			statusCallbackEvent: ["initiated", "completed"], statusCallbackMethod: "GET" });
		const told = () => there.got.map(({ url }) => new URL(url, bare).searchParams);
		await eventually("the end came", () => told().some((form) => form.get("CallStatus") === "busy"));
		for (const { method, headers, body, url } of there.got) {
			equal([method, body, headers["content-type"]], ["GET", "", undefined]);
			ok(url.startsWith(begin), url);
			const whole = new URL(url, bare).href;
			ok(twilio.validateRequest(TOKEN, headers["x-twilio-signature"], whole, {}), "its signature");
			ok(!twilio.validateRequest(TOKEN, headers["x-twilio-signature"], `${whole}0`, {}), "of all of it");
		}
		for (const form of told())
			equal([form.get("CallSid"), form.get("From"), form.get("To")], [made.sid, CALLER, "sim:busy"]);
	}
});

test("twilio: completed alone is told when nothing else is asked for, through kill -9, with the code of SIP", async (t) => {
	const there = await receiver(t);
	const gw = await up(t);
	const client = clientOf(gw);
	const busy = await client.calls.create({ to: "sim:busy", from: CALLER, twiml: dial("sim:answer"), statusCallback: there.url });
	await eventually("the end came", () => there.got.length);
	equal([there.got[0].form.CallSid, there.got[0].form.CallStatus, there.got[0].form.SipResponseCode, there.got[0].form.CallDuration], [busy.sid, "busy", "486", "0"]);
	const rings = await client.calls.create({ to: "sim:no-answer", from: CALLER, twiml: dial("sim:answer"), statusCallback: there.url });
	await eventually("it rings", async () => (await client.calls(rings.sid).fetch()).status === "ringing");
	await gw.kill("SIGKILL");
	await gw.restart();
	const end = await eventually("the end came", () => there.got[1]);
	equal([end.form.CallSid, end.form.CallStatus, end.form.AccountSid], [rings.sid, "failed", ACCOUNT]);
	ok(twilio.validateRequest(TOKEN, end.headers["x-twilio-signature"], there.url, end.form), "its signature");
	ok(!gw.log().includes(TOKEN), "no token in the log");
});

test("twilio: what is not had is refused by its name, and nothing rings", async (t) => {
	const gw = await up(t);
	const client = clientOf(gw);
	const good = { to: "sim:answer", from: CALLER, twiml: dial("sim:answer") };
	const wrong = [
		[{ url: "https://a.example/" }, 20001, /Url/], [{ applicationSid: "AP1" }, 20001, /ApplicationSid/],
		[{ method: "GET" }, 20001, /Method/], [{ fallbackUrl: "https://a.example/" }, 20001, /FallbackUrl/],
		[{ machineDetection: "Enable" }, 20001, /MachineDetection/], [{ asyncAmd: "true" }, 20001, /AsyncAmd/],
		[{ recordingStatusCallback: "https://a.example/" }, 20001, /RecordingStatusCallback/],
		[{ recordingTrack: "both" }, 20001, /RecordingTrack/], [{ trim: "do-not-trim" }, 20001, /Trim/],
		[{ callerId: CALLER }, 20001, /CallerId/], [{ sipAuthUsername: "a" }, 20001, /SipAuthUsername/],
		[{ byoc: "BY1" }, 20001, /Byoc/], [{ callReason: "yes" }, 20001, /CallReason/], [{ callToken: "x" }, 20001, /CallToken/],
		[{ recordingChannels: "mono" }, 20001, /RecordingChannels/],
		[{ statusCallbackMethod: "PUT" }, 21209, /StatusCallbackMethod/],
		[{ statusCallbackEvent: ["busy"] }, 20001, /StatusCallbackEvent/],
		[{ statusCallback: "https://elsewhere.example/" }, 21205, /StatusCallback: its host/],
		[{ timeout: 0 }, 21208, /Timeout/], [{ timeLimit: 100000 }, 20001, /TimeLimit/], [{ sendDigits: "1x" }, 21206, /SendDigits/],
		[{ to: "" }, 21201, /To/], [{ to: "no number" }, 21211, /To/], [{ to: "client:alice" }, 21211, /To/],
		[{ to: "+49 (30) 222-1" }, 21211, /digits only/], [{ to: " 4930222" }, 21211, /To: an address is/],
		[{ from: "" }, 21213, /From/], [{ from: "+4930999" }, 21210, /From/],
		[{ twiml: undefined }, 21205, /Twiml/], [{ twiml: "<Response>" }, 12100, /Twiml/],
		[{ twiml: "<!DOCTYPE x [<!ENTITY a \"b\">]><Response><Dial>&a;</Dial></Response>" }, 12100, /document type/],
		[{ twiml: "<Response/>" }, 12200, /Dial/], [{ twiml: "<Response><Say>Hello</Say></Response>" }, 12200, /<Say>/],
		[{ twiml: "<Response><Play>a.wav</Play><Dial>853</Dial></Response>" }, 12200, /<Play>/],
		[{ twiml: "<Response><Gather/></Response>" }, 12200, /<Gather>/],
		[{ twiml: dial("<Number statusCallback=\"https://a.example/\">853</Number>") }, 12200, /statusCallback/],
		[{ twiml: dial("<Client>alice</Client>") }, 12200, /<Client>/], [{ twiml: dial("<Conference>a</Conference>") }, 12200, /<Conference>/],
		[{ twiml: dial("<Number>853</Number><Number>854</Number>") }, 12200, /one/],
		[{ twiml: dial("853", " action=\"https://a.example/\"") }, 12200, /action/],
		[{ twiml: dial("853", " record=\"record-from-ringing\"") }, 12200, /record/],
		[{ twiml: dial("853", " callerId=\"+4930999\"") }, 21210, /callerId/],
		[{ twiml: dial("853", " timeout=\"10\""), timeout: 20 }, 21208, /Timeout/],
		[{ twiml: dial("853", " timeLimit=\"a\""), timeLimit: 20 }, 12200, /timeLimit/],
		[{ twiml: dial("853 854") }, 21211, /Dial/],
	];
	for (const [more, code, named] of wrong) {
		const error = await refused(JSON.stringify(more), client.calls.create({ ...good, ...more }));
		equal([error.status, error.code, error.moreInfo], [400, code, `https://www.twilio.com/docs/errors/${code}`], JSON.stringify(more));
		match(error.message, named, JSON.stringify(more));
	}
	const made = await client.calls.create(good);
	for (const [more, named] of [[{ twiml: dial("853") }, /Twiml/], [{ url: "https://a.example/" }, /Url/], [{ statusCallback: "https://a.example/" }, /StatusCallback/],
		[{ timeLimit: 3 }, /TimeLimit/], [{ status: "paused" }, /Status/]]) {
		const error = await refused(JSON.stringify(more), client.calls(made.sid).update(more));
		equal([error.status, error.code], [400, 20001], JSON.stringify(more));
		match(error.message, named);
	}
	equal((await refused("nothing", client.calls(made.sid).update({}))).details.code, "body_missing");
	for (const [what, ask] of [["messages", () => client.messages.list()], ["account", () => client.api.accounts(ACCOUNT).fetch()],
		["recordings", () => client.calls(made.sid).recordings.list()]]) {
		const error = await refused(what, ask());
		equal([error.status, error.code], [404, 20404], what);
		match(error.message, /2010-04-01/);
	}
	equal((await client.calls.list()).length, 1, "calls");
	const path = `/2010-04-01/Accounts/${ACCOUNT}/Calls.json`;
	const post = (body, type = "application/x-www-form-urlencoded", query = "") => gw.api("POST", path + query, { ...basic(ACCOUNT, TOKEN), body, type });
	equal((await post("{\"To\":\"853\"}", "application/json")).status, 415);
	equal((await post("To=853&To=854")).json.message, "To: once is enough");
	equal((await post("To=853&Fr%C3%B6m=1")).json.code, 20001);
	equal((await post("To=%ff")).json.details.code, "invalid_body");
	equal((await post("To=853", undefined, "?From=1")).json.code, 20001);
	equal((await post("x".repeat(70_000))).status, 413);
	equal((await gw.api("PUT", path, basic(ACCOUNT, TOKEN))).json.code, 20004);
	equal((await gw.api("GET", path, { headers: { ...basic(ACCOUNT, TOKEN).headers, Accept: "text/html" } })).json.code, 20406);
});

test("twilio: what fits is done: timeouts, limits, digits, recording, <Number>, <Sip>, <Hangup>", async (t) => {
	const gw = await up(t);
	const client = clientOf(gw);
	const spoken = new twilio.twiml.VoiceResponse();
	spoken.dial({ callerId: CALLER, timeLimit: 30 }).number("sim:busy");
	const taken = [
		{ twiml: "<Response>\n  <Dial callerId=\"+4930111\" timeout=\"20\" timeLimit=\"60\" record=\"record-from-answer-dual\" ringTone=\"uk\">\n    <Number>sim:busy</Number>\n  </Dial>\n  <Hangup/>\n</Response>" },
		{ twiml: dial("<Sip>sip:853</Sip>"), timeout: 20, timeLimit: 60, record: false, sendDigits: "ww1#" },
		{ twiml: spoken },
		{ twiml: dial("sim:busy", " callerId=\"sim:answer\""), statusCallbackEvent: ["completed"], recordingChannels: "dual" },
		{ twiml: dial("sim:busy"), from: "858" },
	];
	for (const more of taken) {
		const made = await client.calls.create({ to: "sim:answer", from: CALLER, ...more });
		match(made.sid, /^CA/);
		await client.calls(made.sid).update({ status: "completed" });
	}
});

test("twilio: numbers are read as everywhere, and told as they were given", async (t) => {
	const phone = await far(t, () => 486);
	const gw = await t.gateway({ ...config, sandbox: false, lines: [lineTo(phone, { caller_ids: [CALLER] })], policy: { countries: ["DE"] } });
	const client = clientOf(gw);
	const forms = [["+4930222", "+4930222"], ["030222", "030222"], ["004930222", "004930222"], ["853", "853"], ["sip:853", "853"]];
	for (const [to, dialled] of forms) {
		const made = await client.calls.create({ to, from: CALLER, twiml: dial("854") });
		equal(made.to, to);
		await eventually("it ended", async () => (await client.calls(made.sid).fetch()).status === "busy");
		equal(phone.invites.at(-1).user, dialled, to);
	}
	equal(phone.invites.length, forms.length);
});

test("twilio: a token twice is one call, and the first answer again", async (t) => {
	const gw = await up(t);
	const post = (body, header) => gw.api("POST", `/2010-04-01/Accounts/${ACCOUNT}/Calls.json`, { body, type: "application/x-www-form-urlencoded",
		headers: { ...basic(ACCOUNT, TOKEN).headers, [header]: "once" } });
	const form = new URLSearchParams({ To: "sim:busy", From: CALLER, Twiml: dial("sim:answer") }).toString();
	const first = await post(form, "I-Twilio-Idempotency-Token");
	const again = await post(form, "Idempotency-Key");
	equal([first.status, again.status, again.headers["idempotent-replayed"]], [201, 201, "true"]);
	equal(again.json, first.json);
	const other = await post(`${form}&Timeout=20`, "Idempotency-Key");
	equal([other.status, other.json.details.code], [400, "idempotency_mismatch"]);
});

test("twilio: the account is the key's project; wrong pairs, other projects and missing scopes get nothing", async (t) => {
	const gw = await up(t, { keys: [...keys, { name: "reader", secret: "a-key-that-may-only-read", project: "crm", scopes: ["calls:read"] }] });
	const client = clientOf(gw);
	const made = await client.calls.create({ to: "sim:busy", from: CALLER, twiml: dial("sim:answer") });
	for (const [what, wrong] of [["another account", twilio(accountOf("else"), TOKEN, { accountSid: ACCOUNT, httpClient: new Led(gw) })],
		["a wrong token", clientOf(gw, "no-such-key-0123456789")]]) {
		const error = await refused(what, wrong.calls(made.sid).fetch());
		equal([error.status, error.code], [401, 20003], what);
	}
	const path = `/2010-04-01/Accounts/${ACCOUNT}/Calls/${made.sid}.json`;
	const bare = await gw.api("GET", path);
	equal([bare.status, bare.json.code, bare.headers["www-authenticate"]], [401, 20003, "Basic realm=\"bellpull\""]);
	for (const header of ["Basic", "Basic !!!!", `Basic ${Buffer.from("no colon").toString("base64")}`, "Digest x"])
		equal((await gw.api("GET", path, { headers: { Authorization: header } })).status, 401, header);
	equal((await gw.api("GET", path, bearer(TOKEN))).status, 200, "a key is a key");
	equal((await gw.api("GET", "/calls", basic(ACCOUNT, TOKEN))).status, 401, "elsewhere Basic is nothing");
	const foreign = await refused("another's call", clientOf(gw, OTHER, "else").calls(made.sid).fetch());
	equal([foreign.status, foreign.code], [404, 20404]);
	const elsewhere = await gw.api("GET", `/2010-04-01/Accounts/${accountOf("else")}/Calls/${made.sid}.json`, bearer(TOKEN));
	equal([elsewhere.status, elsewhere.json.code], [404, 20404]);
	match(elsewhere.json.message, new RegExp(ACCOUNT));
	const reader = clientOf(gw, "a-key-that-may-only-read");
	equal((await reader.calls(made.sid).fetch()).sid, made.sid);
	const scope = await refused("a reader's call", reader.calls.create({ to: "sim:busy", from: "858", twiml: dial("853") }));
	equal([scope.status, scope.code, scope.details.code], [403, 20403, "missing_scope"]);
	const frozen = await gw.api("POST", `/2010-04-01/Accounts/${ACCOUNT}/Calls.json`, { ...basic(ACCOUNT, TOKEN) });
	equal([frozen.status, frozen.json.details.code], [400, "body_missing"]);
});

test("twilio: limits and refusals are the gateway's own, in Twilio's form", async (t) => {
	const gw = await up(t, { policy: { limits: [{ name: "one", per: "key", window: "day", calls: 1 }] } });
	const client = clientOf(gw);
	const order = { to: "sim:busy", from: CALLER, twiml: dial("sim:answer") };
	await client.calls.create(order);
	const error = await refused("the second", client.calls.create(order));
	equal([error.status, error.code, error.details.code], [429, 20429, "limit_reached"]);
	const phone = await far(t);
	const shut = await t.gateway({ ...config, sandbox: false, lines: [lineTo(phone, { caller_ids: [CALLER] })] });
	for (const more of [{ to: "+4930123456" }, { twiml: dial("+4930123456") }]) {
		const denied = await refused("a number", clientOf(shut).calls.create({ to: "853", from: CALLER, twiml: dial("854"), ...more }));
		equal([denied.status, denied.code, denied.details.code], [400, 21215, "policy_denied"]);
	}
	equal(phone.invites.length, 0, "who was rung");
});

test("twilio: the first call of docs/twilio.md goes as it stands there", async (t) => {
	const text = readFileSync(new URL("../../docs/twilio.md", import.meta.url), "utf8");
	const [, example] = text.match(/\n## A first call\n([^]*?)\n## /);
	const block = (kind) => example.match(new RegExp(`\n\`\`\`${kind}\n([^]*?)\n\`\`\`\n`))[1];
	const env = { BELLPULL_KEY: TOKEN, ACCOUNT_SID: ACCOUNT };
	const gw = await t.gateway(JSON.parse(block("json")), { env });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", bearer(TOKEN))).json?.state === "registered");
	const here = (script) => script.replaceAll("http://127.0.0.1:8080", gw.url);
	const run = async (command, args) => {
		const child = spawn(command, args, { cwd: new URL("..", import.meta.url), env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"], timeout: 60_000 });
		const said = ["", ""];
		[child.stdout, child.stderr].forEach((stream, i) => stream.on("data", (data) => (said[i] += data)));
		const [code] = await once(child, "close");
		equal(code, 0, said[1]);
		return said[0];
	};
	const said = await run(process.execPath, ["--input-type=module", "-e", here(block("js"))]);
	equal(said.trim().split("\n").toSorted(), ["0 initiated", "1 ringing", "2 in-progress", "3 completed", "34 queued"]);
	const [curl] = example.match(/curl -u .*/);
	equal(JSON.parse(await run("sh", ["-c", here(curl)])).status, "queued");
	equal((await clientOf(gw).calls.list()).length, 2, "calls");
});

test("twilio: key list tells the account of each key", async (t) => {
	const gw = await t.gateway({ ...config, sandbox: false });
	const { stdout } = spawnSync(t.binary, ["--config", join(gw.dir, "bellpull.json"), "key", "list"], { cwd: gw.dir, encoding: "utf8", timeout: 20_000 });
	equal(stdout, ["crm", "signer", "other"].map((name, i) => {
		const { project } = keys[i];
		return `${name}  project ${project}  account ${accountOf(project)}  of the configuration\n`;
	}).join(""));
});

test("twilio: without keys this machine may ask, for the account of the default project", async (t) => {
	const gw = await t.gateway({ sandbox: true });
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
	const client = clientOf(gw, "anything", "default");
	const made = await client.calls.create({ to: "sim:busy", from: "858", twiml: dial("sim:answer") });
	await eventually("it ended", async () => (await client.calls(made.sid).fetch()).status === "busy");
});
