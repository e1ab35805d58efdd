/* node tests/kamailio/run.mjs BINARY [WORD...]
 *
 * The real gateway registers at a real registrar (Kamailio, kamailio.cfg) over
 * UDP, TCP, TLS and IPv6, with MD5 and SHA-256, and calls a real phone (baresip)
 * through it. Everything is seen as a person would: by the events, by GET /lines
 * and by the verdict of a check. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import dgram from "node:dgram";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { equal, eventually, match, ok, runAll, test } from "../wire/harness.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const PASSWORD = "secret858"; /* as kamailio.cfg has it */

/* Peers. -------------------------------------------------------------------- */

let next_port = 16060;

const listens = (port, proto) => {
	const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
	return readFileSync(`/proc/net/${proto}`, "utf8").includes(hex);
};

/* A program with a folder of its own and a log, ended by its id. */
const start = (t, command, args, dir) => {
	const log = join(dir, "log");
	const out = openSync(log, "w");
	const child = spawn(command, args, { cwd: dir, stdio: ["ignore", out, out] });
	closeSync(out);
	let over = false;
	const exited = new Promise((done) => {
		const end = () => {
			over = true;
			done();
		};
		child.on("exit", end);
		child.on("error", end);
	});
	const stop = async () => {
		child.kill("SIGTERM");
		const slow = setTimeout(() => child.kill("SIGKILL"), 5000);
		await exited;
		clearTimeout(slow);
	};
	t.later(stop);
	return { log: () => readFileSync(log, "utf8"), stop, over: () => over };
};

const folder = (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-pbx-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
};

const certificate = (dir, name) => {
	const [key, pem] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
		"-out", pem, "-days", "2", "-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], { stdio: "ignore" });
	return { key, pem };
};

/* What one Kamailio needs; several of them may be started with it in turn. */
const pbxPlace = (t, { sha256 = false, tls = false } = {}) => {
	const dir = folder(t);
	const port = next_port;
	next_port += 2;
	const place = { dir, port, tls_port: port + 1, args: ["-A", `PORT=${port}`] };
	if (sha256)
		place.args.push("-A", "WITH_SHA256");
	if (tls) {
		const { key, pem } = certificate(dir, "pbx");
		const file = join(dir, "tls.cfg");
		writeFileSync(file, `[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\nprivate_key = ${key}\ncertificate = ${pem}\n`);
		place.ca = pem;
		place.args.push("-A", "WITH_TLS", "-A", `TLSPORT=${place.tls_port}`, "-A", `TLSCONFIG="${file}"`);
	}
	return place;
};

const kamailio = async (t, place) => {
	const pbx = start(t, "kamailio", ["-f", join(here, "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "8",
		"-P", join(place.dir, "pid"), "-Y", place.dir, ...place.args], place.dir);
	await eventually("Kamailio listens", () => {
		ok(!pbx.over(), `Kamailio ended:\n${pbx.log().slice(-2000)}`);
		return listens(place.port, "udp") && listens(place.port, "tcp") && (!place.ca || listens(place.tls_port, "tcp"));
	});
	pbx.seen = () => [...pbx.log().matchAll(/SEEN (.*)$/gm)].map(([, what]) => what);
	return pbx;
};

const baresip = async (t, pbx, place, user) => {
	const dir = folder(t);
	const port = next_port++;
	const modules = ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules", "/usr/lib/aarch64-linux-gnu/baresip/modules"].find(existsSync);
	writeFileSync(join(dir, "config"), `sip_listen 127.0.0.1:${port}\nnet_interface 127.0.0.1\nrtp_ports 12000-12100
ausrc_srate 48000\nausrc_channels 2\naudio_source ausine,440\naudio_player aufile,${dir}/heard.wav\naudio_alert aufile,${dir}/alert.wav
module_path ${modules}\nmodule g711.so\nmodule ausine.so\nmodule aufile.so\nmodule_app account.so\nmodule_app menu.so\n`);
	writeFileSync(join(dir, "accounts"), `<sip:${user}@127.0.0.1:${place.port}>;auth_user=${user};auth_pass=secret${user};answermode=auto;regint=600\n`);
	writeFileSync(join(dir, "contacts"), "");
	const phone = start(t, "baresip", ["-f", dir], dir);
	await eventually("the phone is registered", () => {
		ok(!phone.over(), `baresip ended:\n${phone.log().slice(-2000)}`);
		return pbx.seen().some((what) => what.startsWith(`REGISTER ${user} `));
	});
	return phone;
};

/* The gateway. --------------------------------------------------------------- */

const line = (place, extra = {}) => ({
	name: "office", user: "858", auth_user: "858", password: PASSWORD, display_name: "858",
	domain: "127.0.0.1", port: place.port, ...extra,
});

const gateway = (t, place, extra = {}, ca = place.ca) => t.gateway({
	allow_inline: true,
	lines: [line(place, extra)],
	sip: { listen: ["udp:auto:0", "tcp:auto:0"], ...(ca ? { ca_file: ca } : {}) },
	media: { ports: "20000-20999" },
});

const lineFacts = async (gw) => (await gw.api("GET", "/lines/office")).json;

const place = async (gw, to, on = () => {}) => {
	const reply = await gw.api("POST", "/calls", { body: { to } });
	equal(reply.status, 201, "the reply to POST /calls");
	const stream = await gw.events(`/calls/${reply.json.id}/events`);
	let told = 0;
	const events = await stream.until("call.ended", (seen) => {
		for (; told < seen.length; told++)
			on(seen[told], reply.json.id);
		return seen.some((event) => event.type === "call.ended") && seen;
	}, 60_000);
	return { types: events.map((event) => event.type), call: events.find((event) => event.type === "call.ended").call };
};

const talkFor = (gw, ms) => (event, id) => {
	if (event.type === "call.bridged")
		setTimeout(() => gw.api("DELETE", `/calls/${id}`), ms);
};

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

const dnsName = (text) => Buffer.concat([...text.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);

const u16 = (...values) => Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));

/* A name server with a zone of its own: "TYPE name" -> [rdata]; all else is not
 * there. Remembers what it was asked for. */
const nameServer = async (t, zone) => {
	const types = { 1: "A", 28: "AAAA", 33: "SRV", 35: "NAPTR" };
	const socket = dgram.createSocket("udp4");
	const asked = [];
	socket.on("message", (query, from) => {
		const labels = [];
		let at = 12;
		for (; query[at]; at += query[at] + 1)
			labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
		const question = `${types[query.readUInt16BE(at + 1)]} ${labels.join(".")}`;
		asked.push(question);
		const answers = (zone[question] ?? []).map((rdata) =>
			Buffer.concat([u16(0xc00c, query.readUInt16BE(at + 1), 1, 0, 60, rdata.length), rdata]));
		socket.send(Buffer.concat([query.subarray(0, 2), u16(answers.length ? 0x8180 : 0x8183, 1, answers.length, 0, 0),
			query.subarray(12, at + 5), ...answers]), from.port, from.address);
	});
	await new Promise((done, fail) => socket.on("error", fail).bind(53, "127.0.0.1", done));
	t.later(() => socket.close());
	return asked;
};

/* The gateway with another resolv.conf, in a mount namespace of its own. */
const withNameServer = (t) => {
	const dir = folder(t);
	const script = join(dir, "bellpull");
	writeFileSync(join(dir, "resolv.conf"), "nameserver 127.0.0.1\n");
	writeFileSync(script, `#!/bin/sh\nexec unshare -m sh -c 'mount --bind ${dir}/resolv.conf /etc/resolv.conf && exec "$@"' sh ${t.binary} "$@"\n`, { mode: 0o755 });
	t.binary = script;
};

if (spawnSync("unshare", ["-m", "true"]).status === 0) {
	test("a domain's SRV leads to the port, A to the machine", async (t) => {
		const at = pbxPlace(t);
		const pbx = await kamailio(t, at);
		const asked = await nameServer(t, {
			"SRV _sip._udp.pbx.example": [Buffer.concat([u16(10, 10, at.port), dnsName("sip1.pbx.example")])],
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
