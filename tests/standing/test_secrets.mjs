/* Secrets come in by reference and go out nowhere (E25, E26): canaries in every
 * place where one can be, and every output looked through for them. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, endOf, folder, proc, reload, SANDBOX } from "./help.mjs";
import { pbx } from "./pbx.mjs";

const secretFile = (dir, name, text, mode = 0o600) => {
	const file = join(dir, name);
	writeFileSync(file, `${text}\n`);
	chmodSync(file, mode);
	return file;
};

/* A name of its own for each canary, so that a leak says whose it is. */
const canary = (name) => `C4n4ry${name}Zq${Math.random().toString(36).slice(2)}`;

const LONG = (text) => text.padEnd(24, "0");

/* The head of an answer, which may go on for ever. */
const glance = (gw, path, how) => new Promise((done, fail) => {
	gw.request("GET", path, how).on("response", (response) => {
		response.destroy();
		done(response.statusCode);
	}).on("error", fail).end();
});

/* All that anybody can read of a gateway. */
const outputs = async (gw, ids, bearer) => {
	const all = { log: gw.log(), argv: proc(gw, "cmdline") };
	for (const path of ["/", "/calls", "/lines", "/lines/office", "/capacity", "/metrics", "/openapi.json", "/readyz", "/livez", "/calls/none"])
		all[path] = JSON.stringify(await gw.exchange("GET", path, { headers: { Accept: "*/*", ...bearer } }).then(({ headers, text }) => ({ headers, text })));
	for (const id of ids)
		for (const path of ["", "/sip", "/events"])
			all[`/calls/ID${path}`] = (all[`/calls/ID${path}`] ?? "") + (await gw.exchange("GET", `/calls/${id}${path}`, { headers: { Accept: "application/json", ...bearer } })).text;
	for (const file of readdirSync(gw.dir).filter((name) => name.startsWith("bellpull.db")))
		all[file] = readFileSync(join(gw.dir, file), "latin1");
	return all;
};

test("E26: canaries in every place where a secret can be are in no output", async (t) => {
	const dir = folder(t);
	const peer = await pbx(t, { password: true });
	const secrets = Object.fromEntries(["Password", "KeyOfFile", "KeyOfEnvironment", "KeyOfCredential", "WrongKey", "WrongCookie", "WrongTicket", "WrongBasic", "ProxyAuth", "Body", "Webhook"]
		.map((name) => [name, LONG(canary(name))]));
	const credentials = join(dir, "credentials");
	mkdirSync(credentials);
	secretFile(credentials, "api.key", secrets.KeyOfCredential, 0o400);
	const gw = await t.gateway({
		...SANDBOX, log: { level: "debug" },
		lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: peer.port, password: `file:${secretFile(dir, "password", secrets.Password)}` }],
		keys: [{ name: "file", secret: `file:${secretFile(dir, "key", secrets.KeyOfFile)}`, scopes: ["admin"] },
			{ name: "environment", secret: "env:TEST_CANARY_KEY" }, { name: "credential", secret: "credential:api.key" }],
	}, { env: { TEST_CANARY_KEY: secrets.KeyOfEnvironment, CREDENTIALS_DIRECTORY: credentials } });
	const bearer = (key) => ({ Authorization: `Bearer ${key}` });
	const admin = bearer(secrets.KeyOfFile);
	const stream = await gw.events("/events?last_event_id=0", { headers: admin });

	/* each key is used, by header and by cookie */
	for (const name of ["KeyOfFile", "KeyOfEnvironment", "KeyOfCredential"]) {
		equal((await gw.api("GET", "/calls", { headers: bearer(secrets[name]) })).status, 200, name);
		const { status, headers } = await gw.api("POST", "/session", { body: { key: secrets[name] } });
		equal(status, 204, `a session of ${name}`);
		const cookie = headers["set-cookie"].split(";")[0];
		secrets[`Cookie of ${name}`] = cookie.split("=")[1];
		equal((await gw.api("GET", "/calls", { headers: { Cookie: cookie } })).status, 200, "with the cookie");
	}
	/* tickets and tokens, where this gateway gives them */
	for (const [path, body, field] of [["/stream-tickets", {}, "ticket"], ["/tokens", { to: "853" }, "token"]]) {
		const { status, json } = await gw.exchange("POST", path, { body, headers: admin });
		if (status < 200 || status > 299)
			continue;
		secrets[`own ${field}`] = json[field];
		if (field === "ticket")
			(await gw.events(`/events?ticket=${json.ticket}`)).close();
		else
			await gw.exchange("POST", "/calls", { body: { to: "853" }, headers: bearer(json.token) });
	}

	/* wrong ones, in every place: they may be right elsewhere */
	const wrong = [
		{ headers: bearer(secrets.WrongKey) }, { headers: { Authorization: `Basic ${Buffer.from(`u:${secrets.WrongBasic}`).toString("base64")}` } },
		{ headers: { Authorization: secrets.WrongKey } }, { headers: { Cookie: `bellpull_session=${secrets.WrongCookie}; other=${secrets.WrongCookie}` } },
		{ headers: { "Proxy-Authorization": `Bearer ${secrets.ProxyAuth}` } }, { headers: { "X-Api-Key": secrets.WrongKey, ...admin } },
		{ headers: { "X-Hub-Signature": secrets.Webhook, "Webhook-Signature": `v1,${secrets.Webhook}`, ...admin } },
	];
	for (const how of wrong) {
		await gw.exchange("GET", "/calls", how);
		await glance(gw, `/events?ticket=${secrets.WrongTicket}`, how);
		await gw.exchange("GET", `/calls/none?password=${secrets.WrongTicket}`, how);
		await gw.exchange("POST", "/calls", { ...how, body: { to: "853", password: secrets.Body, secret: secrets.Body } });
		await gw.exchange("POST", "/session", { ...how, body: { key: secrets.WrongKey } });
		await gw.exchange("POST", "/session", { ...how, type: "application/json", body: `{"key": "${secrets.WrongKey}` });
	}

	/* a call with digest; what the phone is shown is none of the others' business */
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/office", { headers: admin })).json.state === "registered");
	const id = await call(gw, { to: "853", line: "office" }, "bridged", { headers: admin });
	await gw.api("POST", "/lines/office/check", { headers: admin });
	await gw.api("DELETE", `/calls/${id}`, { headers: admin });
	await stream.untilType("call.ended", id);
	const responses = peer.seen.flatMap((text) => [...text.matchAll(/response="([0-9a-f]+)"/g)].map(([, response]) => response));
	ok(responses.length > 1, "no digest was asked for");
	responses.forEach((response, i) => {
		secrets[`digest ${i}`] = response;
	});
	await eventually("the ladder is stored", async () => (await gw.exchange("GET", `/calls/${id}/sip`, { headers: admin })).json.messages?.some?.(({ text }) => /^BYE/.test(text)) ?? true);

	/* settings that are wrong are named, not repeated */
	writeFileSync(join(gw.dir, "bellpull.json"), JSON.stringify({ ...gw.config, keys: [{ name: "x", secret: secrets.Webhook, scopes: [secrets.Webhook] }] }));
	equal((await reload(gw)).at(-1).event, "gateway.reload_refused");

	const all = { ...await outputs(gw, [id], admin), events: JSON.stringify(stream.seen) };
	ok(all.log.includes("http.request"), "the log isn't at debug");
	ok(`${all["bellpull.db"]}${all["bellpull.db-wal"]}`.includes(id), "the call isn't in the database");
	for (const [where, text] of Object.entries(all))
		for (const [name, secret] of Object.entries(secrets))
			ok(!text.includes(secret), `${name} is in ${where}: ...${text.slice(Math.max(0, text.indexOf(secret) - 120), text.indexOf(secret))}`);
	/* the ladder is there, and shows that something was taken out */
	match(all["/calls/ID/sip"], /Authorization/i);
	equal((await gw.kill()).code, 0);
	for (const [name, secret] of Object.entries(secrets))
		ok(!gw.log().includes(secret), `${name} is in the log of the end`);
});

test("E26: a key that the gateway made is in its database as a hash", async (t) => {
	const gw = await t.gateway(SANDBOX);
	const made = spawnSync(gw.binary, ["--config", join(gw.dir, "bellpull.json"), "key", "add", "crm"], { cwd: gw.dir, encoding: "utf8" });
	if (made.status === 64)
		return; /* a gateway without them */
	equal(made.status, 0, made.stderr);
	const key = made.stdout.trim();
	match(key, /^\S{20,}$/);
	await eventually("it counts", async () => (await gw.api("GET", "/calls", { headers: { Authorization: `Bearer ${key}` } })).status === 200 &&
		(await gw.api("GET", "/calls")).status === 401);
	for (const [where, text] of Object.entries(await outputs(gw, [], { Authorization: `Bearer ${key}` })))
		ok(!text.includes(key) && !text.includes(key.slice(-20)), `the key is in ${where}`);
});

test("E26: whatever a field holds, a record is one line of JSON", async (t) => {
	const gw = await t.gateway({ ...SANDBOX, log: { level: "debug" } });
	const nasty = ["\n{\"ts\":\"2026\",\"level\":\"error\",\"event\":\"forged\"}", "\r\n", "\u001b[2J", "\u0007", "\"", "\\", "\u2028", "\u007f", "x".repeat(9000)];
	for (const text of nasty) {
		await gw.exchange("POST", "/calls", { body: { to: text, from: text, client_state: text, metadata: { [text]: text }, line: text } }).catch(() => {});
		await gw.exchange("GET", `/calls/${encodeURIComponent(text)}`).catch(() => {});
		await gw.exchange("GET", `/lines/${encodeURIComponent(text)}?x=${encodeURIComponent(text)}`).catch(() => {});
	}
	/* what the other side of a call says */
	await gw.raw(`GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: a\tb\x01c\r\nTraceparent: \x1b[31m\r\nConnection: close\r\n\r\n`);
	await endOf(gw, await call(gw, { to: "sim:decline" }, "ended"));
	const text = gw.log();
	for (const line of text.split("\n").slice(0, -1)) {
		const record = JSON.parse(line);
		ok(record.ts && record.level && record.event, line);
		ok(record.event !== "forged", line);
		for (let i = 0; i < line.length; i++)
			ok(line.charCodeAt(i) >= 0x20 && line.charCodeAt(i) !== 0x7f, `a control character in ${line}`);
	}
});

test("E26: numbers of people are masked in the log, until log.pii", async (t) => {
	const peer = await pbx(t);
	const gw = await t.gateway({ log: { level: "debug" }, country: "DE", lines: [{ name: "office", user: "858", domain: "127.0.0.1", port: peer.port }] });
	const place = async (number) => {
		await gw.exchange("POST", "/calls", { body: { to: number } });
		await gw.exchange("POST", "/calls?dry_run=1", { body: { to: number } });
		await gw.exchange("GET", `/calls?to=${encodeURIComponent(number)}`);
		await gw.exchange("POST", "/calls", { body: { to: `sip:${number}@127.0.0.1` } });
	};
	await place("+4930901820123");
	const masked = gw.log();
	ok(!masked.includes("901820123"), `a number is in the log: ${masked.split("\n").find((line) => line.includes("901820123"))}`);
});

test("E25: secrets that stand in the file, or that others may read, are refused at the start", async (t) => {
	const dir = folder(t);
	const secret = canary("Inline");
	const check = (keys, mode) => {
		const file = join(dir, "bellpull.json");
		writeFileSync(file, JSON.stringify({ keys }));
		if (mode)
			chmodSync(file, mode);
		return spawnSync(t.binary, ["--config", file, "--check"], { encoding: "utf8", cwd: dir });
	};
	for (const mode of [0o604, 0o644, 0o660, 0o641, 0o4600]) {
		const { status, stdout } = check([{ secret: `file:${secretFile(dir, "key", LONG(secret), mode)}` }]);
		equal(status, 78, `mode ${mode.toString(8)}`);
		match(stdout, /chmod 0640/);
		ok(!stdout.includes(secret), "it is repeated");
	}
	for (const mode of [0o400, 0o600, 0o640])
		equal(check([{ secret: `file:${secretFile(dir, "key", LONG(secret), mode)}` }]).status, 0, `mode ${mode.toString(8)}`);
	const inline = check([{ secret: LONG(secret) }]);
	equal(inline.status, 78);
	ok(!`${inline.stdout}${inline.stderr}`.includes(secret), "it is repeated");
	match(inline.stdout, /allow_inline/);
	for (const reference of ["credential:../key", "credential:", "file:relative", "file:/none", "env:NONE_SUCH"])
		equal(check([{ secret: reference }]).status, 78, reference);
});

