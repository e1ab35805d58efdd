/* What may be dialled, asked by POST, dry_run and /policy/check, by a server's 302, a
 * phone's REFER and a transfer (E9-E13, E16, E18, E19). */
import { equal, eventually, match, ok, test } from "./harness.mjs";
import { audited, far, lineTo } from "./far.mjs";

const secrets = { crm: "bp_crm_0123456789abcdefghijklmn", vienna: "bp_vienna_0123456789abcdefghij", admin: "bp_admin_0123456789abcdefghijk" };
const env = { T_CRM: secrets.crm, T_VIENNA: secrets.vienna, T_ADMIN: secrets.admin, TZ: "UTC" };
const keys = [
	{ name: "crm", secret: "env:T_CRM", project: "a" },
	{ name: "vienna", secret: "env:T_VIENNA", project: "b", caller_ids: ["+431111"] },
	{ name: "admin", secret: "env:T_ADMIN", project: "a", scopes: ["admin"] },
];
const bearer = (key) => (key ? { headers: { Authorization: `Bearer ${secrets[key]}` } } : {});
const post = (gw, body, key) => gw.api("POST", "/calls", { ...bearer(key), body });

/* All three ways to ask have to say the same. */
const judged = async (gw, phone, rows, key) => {
	for (const [to, allowed, rule] of rows) {
		for (const path of ["/calls?dry_run=1", "/policy/check"]) {
			const dry = await gw.api("POST", path, { ...bearer(key), body: { to } });
			equal([dry.status, dry.json.allowed, dry.json.rule], [200, allowed, rule], `${path} ${to}`);
		}
		const before = phone.invites.length;
		const reply = await post(gw, { to }, key);
		if (allowed) {
			equal(reply.status, 201, `POST ${to}`);
			await eventually(`the INVITE to ${to}`, () => phone.invites.length > before);
		} else {
			equal([reply.status, reply.json.code, reply.json.errors[0].pointer], [403, "policy_denied", "/to"], `POST ${to}`);
			match(reply.json.detail, new RegExp(`"${rule}"`), `the detail for ${to}`);
		}
	}
	equal(phone.invites.length, rows.filter(([, allowed]) => allowed).length, "INVITEs");
};

test("policy: E10: nothing is dialled that nothing allows", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ lines: [lineTo(phone)] });
	await judged(gw, phone, [
		["853", true, "extension"],
		["+4930123456", false, "default_deny"],
		["030123456", false, "default_deny"],
		["004930123456", false, "default_deny"],
		["sip:030-123456@127.0.0.1", false, "default_deny"],
		["sip:anna@evil.example", false, "default_deny"],
		["sip:853@evil.example", false, "default_deny"],
		["112", false, "emergency"],
		["110", false, "emergency"],
		["sip:112", false, "emergency"],
		["11833", false, "premium"],
		["sim:answer", false, "sandbox_only"],
	]);
});

test("policy: E10, E11, E12: rules, ranges, countries and hosts", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ keys, lines: [lineTo(phone)], policy: { countries: ["DE"], hosts: ["localhost"], rules: [
		{ name: "munich", prefixes: ["+4989"] },
		{ name: "not-that-one", action: "deny", prefixes: ["+498912345678"] },
		{ name: "vote", prefixes: ["+49137"] },
		{ name: "austria", countries: ["AT"], keys: ["vienna"] },
		{ name: "all" },
		{ name: "emergency", prefixes: ["112"] },
	] } }, { env });
	await judged(gw, phone, [
		["+4930123456", true, "all"],
		["+4989123456", true, "munich"],
		["+498912345678", false, "not-that-one"],
		["08912345678", false, "not-that-one"],
		["sip:+498912345678@127.0.0.1", false, "not-that-one"],
		["+4990012345", false, "premium"],
		["+49137123456", true, "vote"],
		["+881612345678", false, "satellite"],
		["+18095551234", false, "dear_area"],
		["112", false, "emergency"],
		["sip:anna@evil.example", false, "default_deny"],
	], "crm");
	for (const [key, rule] of [["crm", "all"], ["vienna", "austria"]])
		equal((await gw.api("POST", "/policy/check", { ...bearer(key), body: { to: "+4312345678" } })).json.rule, rule, key);
});

test("policy: E13: a rule has its hours, where the machine stands", async (t) => {
	const phone = await far(t);
	/* three hours around now in UTC are not three hours around now elsewhere */
	const hour = (n) => `${String((new Date().getUTCHours() + n + 24) % 24).padStart(2, "0")}:00`;
	const day = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
	const policy = { countries: ["DE"], rules: [{ name: "shut-now", action: "deny", hours: `${hour(-1)}-${hour(2)}` }] };
	for (const [TZ, rule] of [["UTC", "shut-now"], ["UTC-9", "country"], ["UTC+9", "country"]]) {
		const gw = await t.gateway({ lines: [lineTo(phone)], policy }, { env: { TZ } });
		equal((await gw.api("POST", "/policy/check", { body: { to: "+4930123456" } })).json.rule, rule, TZ);
	}
	const yesterday = day[(new Date().getUTCDay() + 6) % 7];
	const gw = await t.gateway({ lines: [lineTo(phone)], policy: { countries: ["DE"], rules: [{ name: "shut-yesterday", action: "deny", days: [yesterday] }, { name: "open-all-day", days: day }] } }, { env: { TZ: "UTC" } });
	equal((await gw.api("POST", "/policy/check", { body: { to: "+4930123456" } })).json.rule, "open-all-day");
});

test("policy: a destination of two people: either may be refused, and nothing is dialled", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ lines: [lineTo(phone)] });
	for (const [body, pointer] of [[{ to: "853", from: "+4930123456" }, "/from"], [{ to: "+4930123456", from: "853" }, "/to"], [{ to: "853", from: "112" }, "/from"]]) {
		const reply = await post(gw, body);
		equal([reply.status, reply.json.code, reply.json.errors[0].pointer], [403, "policy_denied", pointer]);
		const dry = (await gw.api("POST", "/policy/check", { body })).json;
		equal([dry.allowed, dry.from.allowed], [false, pointer !== "/from"], "dry run");
	}
	equal(phone.got, [], "on the wire");
});

test("policy: E13: max_minutes of a rule is the call's time limit", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ lines: [lineTo(phone)], policy: { rules: [{ name: "short", prefixes: ["+4930"], max_minutes: 2, cost: 5 }] } });
	const dry = (body) => gw.api("POST", "/calls?dry_run=1", { body });
	equal((await dry({ to: "+4930123456" })).json.time_limit, 120);
	equal((await dry({ to: "+4930123456", time_limit: 30 })).json.time_limit, 30);
	equal((await dry({ to: "853", from: "+4930123456" })).json.time_limit, 120, "of either");
	equal((await dry({ to: "853" })).json.time_limit, 3600);
});

test("policy: E16: a caller id is the line's or the key's", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ keys, lines: [lineTo(phone, { caller_ids: ["+4930111"] })] }, { env });
	for (const [key, number, status] of [["crm", "+4930111", 201], ["crm", "+431111", 422], ["vienna", "+431111", 201], ["vienna", "+4930112", 422]]) {
		const reply = await post(gw, { to: "853", caller_id: { number } }, key);
		equal(reply.status, status, `${key} as ${number}`);
		if (status === 422)
			equal(reply.json.errors[0].pointer, "/caller_id/number");
	}
});

/* E19. -------------------------------------------------------------------------- */

test("policy: E19: a 302 is followed to where a POST could have gone, and nowhere else", async (t) => {
	let contact;
	const phone = await far(t, ({ user }) => (user === "853" ? 0 : 486));
	const target = (call) => eventually("the end", async () => {
		const { json } = await call();
		return json.ended_at && json;
	});
	const gw = await t.gateway({ lines: [lineTo(phone)], policy: { follow_redirects: true, rules: [{ name: "no-855", action: "deny", prefixes: ["855"] }] } });
	for (const [to, followed] of [["854", "854"], ["855", null], ["+4990012345", null], ["112", null], ["evil", null]]) {
		contact = to === "evil" ? "sip:853@evil.example" : `sip:${to}@127.0.0.1:${phone.port}`;
		const before = phone.invites.length;
		const call = (await post(gw, { to: "853" })).json;
		const invite = await eventually("the INVITE", () => phone.invites[before]);
		phone.reply(invite, 302, [`Contact: <${contact}>`]);
		const ended = await target(() => gw.api("GET", `/calls/${call.id}`));
		equal([ended.status, ended.cause], followed ? ["busy", "busy"] : ["failed", "redirected"], to);
		equal(phone.invites.slice(before).map(({ user }) => user), followed ? ["853", followed] : ["853"], `INVITEs for ${to}`);
	}
	const data = await audited(gw, 4);
	equal(data.map(({ code, rule }) => `${code} ${rule}`).reverse(), ["policy_denied no-855", "policy_denied premium", "policy_denied emergency", "policy_denied default_deny"], "the audit");
});

test("policy: E19: a phone's REFER goes where a POST could have gone, and nowhere else", async (t) => {
	const phone = await far(t, ({ user }) => (user === "853" || user === "854" ? 200 : 486));
	const gw = await t.gateway({ drain_s: 1, lines: [lineTo(phone)], policy: { rules: [{ name: "no-855", action: "deny", prefixes: ["855"] }] } });
	const stream = await gw.events("/events");
	const call = (await post(gw, { from: "853", to: "854" })).json;
	await stream.untilType("call.bridged", call.id);
	const invite = phone.invites.find(({ user }) => user === "854");
	for (const to of ["855", "+4930123456", "112"]) {
		const before = phone.got.length;
		phone.ask(invite, "REFER", [`Refer-To: <sip:${to}@127.0.0.1>`]);
		await eventually(`an answer to the REFER to ${to}`, () => phone.got.slice(before).some(({ text }) => /^SIP\/2\.0 [3-6]/.test(text) || /^NOTIFY[^]*\r\n\r\nSIP\/2\.0 [3-6]/.test(text)));
	}
	equal(phone.invites.map(({ user }) => user), ["853", "854"], "INVITEs");
	const data = await audited(gw, 3);
	equal(data.map(({ code, rule }) => `${code} ${rule}`).sort(), ["policy_denied default_deny", "policy_denied emergency", "policy_denied no-855"], "the audit");
	phone.ask(invite, "REFER", [`Refer-To: <sip:856@127.0.0.1>`]);
	await eventually("the INVITE", () => phone.invites.some(({ user }) => user === "856"));
});

test("policy: E19: a transfer goes where a POST could have gone, and nowhere else", async (t) => {
	const phone = await far(t, ({ user }) => (user === "853" || user === "854" ? 200 : 486));
	const gw = await t.gateway({ drain_s: 1, keys, lines: [lineTo(phone)], policy: { rules: [{ name: "no-855", action: "deny", prefixes: ["855"] }], limits: [{ name: "once", per: "destination", calls: 1 }] } }, { env });
	const stream = await gw.events("/events", bearer("crm"));
	const call = (await post(gw, { from: "853", to: "854" }, "crm")).json;
	await stream.untilType("call.bridged", call.id);
	const transfer = (to) => gw.api("POST", `/calls/${call.id}/transfer`, { ...bearer("crm"), body: { to } });
	for (const [to, status, code] of [["855", 403, "policy_denied"], ["+4930123456", 403, "policy_denied"], ["112", 403, "policy_denied"], ["854", 429, "limit_reached"]]) {
		const reply = await transfer(to);
		equal([reply.status, reply.json.code, reply.json.errors[0].pointer], [status, code, "/to"], to);
	}
	equal(phone.invites.map(({ user }) => user), ["853", "854"], "INVITEs");
	equal((await gw.api("POST", "/admin/freeze", { ...bearer("admin"), body: { frozen: true } })).status, 200);
	equal([(await transfer("856")).status, (await transfer("856")).json.code], [503, "frozen"], "while frozen");
	equal((await gw.api("POST", "/admin/freeze", { ...bearer("admin"), body: { frozen: false } })).status, 200);
	equal((await transfer("856")).status, 200);
	await eventually("the INVITE", () => phone.invites.some(({ user }) => user === "856"));
	const data = await audited(gw, 6, bearer("admin"));
	equal(data.map(({ code }) => code).sort(), ["frozen", "frozen", "limit_reached", "policy_denied", "policy_denied", "policy_denied"], "the audit");
});

/* E18, A7. ------------------------------------------------------------------------ */

test("policy: E18, A7: each refusal has its row in the audit, page by page, for admin alone", async (t) => {
	const phone = await far(t);
	const gw = await t.gateway({ keys, lines: [lineTo(phone)] }, { env });
	const refused = [];
	for (let i = 0; i < 7; i++)
		refused.push(await post(gw, { to: `+493012345${i}`, line: "office" }, "crm"));
	await gw.api("POST", "/calls", { headers: { ...bearer("vienna").headers, "Idempotency-Key": "k" }, body: { to: "112", from: "853" } });
	await audited(gw, 8, bearer("admin"));
	equal((await gw.api("GET", "/audit", bearer("crm"))).status, 403, "without admin");
	const seen = [];
	for (let cursor = null; ;) {
		const page = await gw.api("GET", `/audit?limit=3${cursor ? `&cursor=${cursor}` : ""}`, bearer("admin"));
		equal(page.status, 200);
		ok(page.json.data.length <= 3 && page.json.data.length > 0, "the page's length");
		seen.push(...page.json.data);
		/* those that come meanwhile make neither holes nor doubles */
		await post(gw, { to: "110" }, "crm");
		cursor = page.json.next_cursor;
		if (!cursor)
			break;
	}
	equal(seen.map(({ id }) => id), [8, 7, 6, 5, 4, 3, 2, 1], "ids");
	equal([seen[0].code, seen[0].rule, seen[0].to, seen[0].from, seen[0].key, seen[0].project], ["policy_denied", "emergency", "112", "853", "vienna", "b"], "with an Idempotency-Key");
	for (const [i, reply] of refused.entries()) {
		const row = seen.find(({ request_id }) => request_id === reply.headers["x-request-id"]);
		equal([row.code, row.rule, row.to, row.line, row.key, row.client], ["policy_denied", "default_deny", `+493012345${i}`, "office", "crm", "127.0.0.1"]);
	}
	for (const query of ["limit=0", "limit=201", "limit=x", "limit=+3", "cursor=0", "cursor=x", "cursor=-1", "cursor=99999999999999999999", "limit=1&limit=2"])
		equal((await gw.api("GET", `/audit?${query}`, bearer("admin"))).status, 400, query);
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await gw.api("GET", "/audit", bearer("admin"))).json.data.length >= 8, true, "after kill -9");
	equal(phone.got, [], "on the wire");
});
