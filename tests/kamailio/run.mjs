/* node tests/kamailio/run.mjs BINARY [WORD...]
 *
 * The real gateway registers at a real registrar (Kamailio, kamailio.cfg) over
 * UDP, TCP, TLS and IPv6, with MD5 and SHA-256, and calls a real phone (baresip)
 * through it; two.mjs joins two of them. Everything is seen as a person would: by the events, by GET /lines
 * and by the verdict of a check. */
import { resolve } from "node:path";

import { canName, nameServer, srv, withNameServer } from "../sipp/names.mjs";
import { equal, match, ok, runAll, test } from "../wire/harness.mjs";
import { baresip, certificate, gateway, kamailio, lineFacts, pbxPlace, place, talkFor } from "./peers.mjs";
import "./two.mjs";

/* Registering. --------------------------------------------------------------- */

for (const [how, pbx_is, extra, by] of [
	["UDP, MD5 without qop", {}, {}, "udp"],
	["TCP", {}, { transport: "tcp" }, "tcp"],
	["TLS, the certificate verified", { tls: true }, { transport: "tls" }, "tls"],
	["IPv6", {}, { domain: "[::1]" }, "udp"],
	["a name, localhost", {}, { domain: "localhost" }, "udp"],
	["SHA-256 with qop", { sha256: true }, {}, "udp"],
	["an outbound proxy", {}, { domain: "pbx.example", port: undefined, proxies: ["PROXY"] }, "udp"],
]) {
	test(`a line registers and leaves: ${how}`, async (t) => {
		const at = pbxPlace(t, pbx_is);
		const pbx = await kamailio(t, at);
		const port = by === "tls" ? at.tls_port : at.port;
		const config = { port, ...extra };
		if (extra.proxies)
			config.proxies = [`sip:127.0.0.1:${at.port}`];
		const gw = await gateway(t, at, config);
		const events = await gw.events("/events?last_event_id=0");
		const { data } = await events.untilType("line.registered");
		equal([data.name, data.state], ["office", "registered"], "the event");

		const facts = await lineFacts(gw);
		equal([facts.state, facts.last_code, facts.expires, facts.server], ["registered", 200, 1800, "kamailio-test"], "state, code, expires, server");
		match(pbx.seen()[0], new RegExp(`^REGISTER 858 over ${by} .*;expires=3600$`), "what Kamailio saw");

		const check = await gw.api("POST", "/lines/office/check", { body: {} });
		equal(check.status, 200, "the reply to a check");
		match(check.json.verdict, /^registered at .* \(kamailio-test\), 1800 s granted, \d+ ms$/, "the verdict");

		events.close();
		await gw.kill("SIGTERM");
		match(pbx.seen().at(-1), /^REGISTER 858 .*;expires=0$/, "the last thing Kamailio saw");
		ok(!pbx.seen().some((what) => what.startsWith("INVITE")), "registering has placed a call");
	});
}

test("the failure is seen, then the success", async (t) => {
	const at = pbxPlace(t);
	const gw = await gateway(t, at, { transport: "tcp" });
	const events = await gw.events("/events?last_event_id=0");
	const failed = await events.untilType("line.failed");
	match(failed.data.last_reason, /^connection refused by 127\.0\.0\.1:\d+ \(tcp\)$/, "the reason");
	equal((await lineFacts(gw)).state, "failed", "the state");

	const refused = await gw.api("POST", "/calls", { body: { to: "853" } });
	equal(refused.status, 503, "a call while every line has failed");
	ok(Number(refused.headers["retry-after"]) > 0, "no Retry-After");

	await kamailio(t, at);
	const check = await gw.api("POST", "/lines/office/check", { body: {} });
	equal(check.json.ok, true, "the verdict");
	await events.untilType("line.registered");
	equal((await lineFacts(gw)).state, "registered", "the state");
});

test("a wrong password is told as such, after two tries", async (t) => {
	const at = pbxPlace(t);
	const pbx = await kamailio(t, at);
	const gw = await gateway(t, at, { password: "wrong" });
	const events = await gw.events("/events?last_event_id=0");
	const { data } = await events.untilType("line.failed");
	equal([data.last_code, data.last_reason], [401, "Unauthorized"], "code and reason");
	const check = await gw.api("POST", "/lines/office/check", { body: {} });
	equal(check.json.verdict, "the password for auth user 858 was refused twice (401 Unauthorized): check password and auth_user", "the verdict");
	equal(pbx.seen(), [], "what got past the password");
});

test("a certificate that nobody vouches for is refused", async (t) => {
	const at = pbxPlace(t, { tls: true });
	await kamailio(t, at);
	const other = certificate(at.dir, "other");
	const gw = await gateway(t, at, { transport: "tls", port: at.tls_port }, other.pem);
	const events = await gw.events("/events?last_event_id=0");
	const { data } = await events.untilType("line.failed");
	match(data.last_reason, /certificate not trusted/, "the reason");
});

/* Names. -------------------------------------------------------------------- */

if (canName()) {
	test("a domain's SRV leads to the port, A to the machine", async (t) => {
		const at = pbxPlace(t);
		const pbx = await kamailio(t, at);
		const asked = await nameServer(t, {
			"SRV _sip._udp.pbx.example": [srv(10, at.port, "sip1.pbx.example")],
			"A sip1.pbx.example": [Buffer.from([127, 0, 0, 1])],
		});
		withNameServer(t);
		const gw = await gateway(t, at, { domain: "pbx.example", port: undefined });
		const events = await gw.events("/events?last_event_id=0");
		await events.untilType("line.registered");
		ok(asked.includes("NAPTR pbx.example"), `NAPTR was not asked for: ${asked.join(", ")}`);
		match(pbx.seen()[0], /^REGISTER 858 over udp /, "what Kamailio saw");
		const { call } = await place(gw, "486");
		equal([call.status, call.sip.code], ["busy", 486], "status and code of a call");
	});

	test("a domain that is not there is told as such", async (t) => {
		const at = pbxPlace(t);
		await nameServer(t, {});
		withNameServer(t);
		const gw = await gateway(t, at, { domain: "pbx.example", port: undefined });
		const events = await gw.events("/events?last_event_id=0");
		const { data } = await events.untilType("line.failed");
		equal([data.last_code, data.last_reason], [null, "no address for pbx.example"], "code and reason");
	});
} else {
	console.log("(no mount namespace can be made here: names are not looked up)");
}

/* Calls. -------------------------------------------------------------------- */

for (const [transport, pbx_is] of [["udp", {}], ["tcp", {}], ["tls", { tls: true }]]) {
	test(`a phone is called through Kamailio: ${transport}`, async (t) => {
		const at = pbxPlace(t, pbx_is);
		const pbx = await kamailio(t, at);
		await baresip(t, pbx, at, "853");
		const gw = await gateway(t, at, { transport, port: transport === "tls" ? at.tls_port : at.port });
		const { types, call } = await place(gw, "853", talkFor(gw, 700));
		equal([call.status, call.cause, call.ended_by], ["completed", "normal_clearing", "api"], "status, cause, ended_by");
		ok(types.includes("call.answered") && types.includes("call.bridged"), `the journal: ${types}`);
		match(call.legs[0].codec, /^PCM[AU]\/8000$/, "the codec");
		ok(call.legs[0].quality.received > 10, `${call.legs[0].quality.received} packets came`);
		ok(call.legs[0].quality.sent > 10, `${call.legs[0].quality.sent} packets went`);
		ok(pbx.seen().includes(`INVITE 853 over ${transport} from 858`), "Kamailio saw no INVITE");
	});
}

for (const [to, status, cause, code] of [["486", "busy", "busy", 486], ["777", "failed", "not_found", 404], ["403", "failed", "not_allowed", 403]]) {
	test(`Kamailio's ${code} is ${status}, ${cause}`, async (t) => {
		const at = pbxPlace(t);
		await kamailio(t, at);
		const gw = await gateway(t, at);
		const { call } = await place(gw, to);
		equal([call.status, call.cause, call.sip.code], [status, cause, code], "status, cause, code");
	});
}

test("a call proves who it is from with SHA-256", async (t) => {
	const at = pbxPlace(t, { sha256: true });
	const pbx = await kamailio(t, at);
	const gw = await gateway(t, at, { register: false });
	const { call } = await place(gw, "486");
	equal([call.status, call.sip.code], ["busy", 486], "status and code");
	equal(pbx.seen(), ["INVITE 486 over udp from 858"], "what got past the password");
});

test("a call without registering, with credentials", async (t) => {
	const at = pbxPlace(t);
	const pbx = await kamailio(t, at);
	await baresip(t, pbx, at, "853");
	const gw = await gateway(t, at, { register: false });
	const { call } = await place(gw, "853", talkFor(gw, 300));
	equal([call.status, call.cause], ["completed", "normal_clearing"], "status and cause");
	ok(!pbx.seen().some((what) => what.startsWith("REGISTER 858")), "it has registered");
});

const [binary, ...words] = process.argv.slice(2);
if (!binary) {
	console.error("usage: node tests/kamailio/run.mjs BINARY [WORD...]");
	process.exit(2);
}
process.exit(await runAll(resolve(binary), words));
