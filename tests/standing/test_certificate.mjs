/* HTTPS and SIP over TLS: which versions, and another certificate in flight (A21). */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, writeFileSync } from "node:fs";
import tls from "node:tls";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, certificate, folder, reload, rewrite, SANDBOX } from "./help.mjs";

/* The gateway with a certificate of its own, in files that can be replaced. */
const secured = async (t, config = {}) => {
	const dir = folder(t);
	const first = certificate(dir, "first");
	const at = { certificate: `${dir}/used.pem`, key: `${dir}/used.key` };
	const use = (pair) => {
		copyFileSync(pair.certificate, at.certificate);
		copyFileSync(pair.key, at.key);
	};
	use(first);
	const gw = await t.gateway({ ...config, http: { ...at, ...config.http } });
	gw.ca = first.pem;
	return { gw, dir, use, at };
};

/* Whose certificate a new handshake sees, and the socket if it is to be kept. */
const shown = (gw, options = {}) => new Promise((done, fail) => {
	const socket = tls.connect({ port: gw.port, host: "127.0.0.1", servername: "localhost", rejectUnauthorized: false, ...options });
	socket.on("secureConnect", () => {
		const { CN } = socket.getPeerCertificate().subject;
		if (options.keep)
			done(socket);
		else
			socket.destroy();
		done(CN);
	});
	socket.on("error", fail);
});

/* One request on a connection that is there. */
const ask = (socket) => new Promise((done) => {
	socket.once("data", (bytes) => done(bytes.toString().split("\r\n")[0]));
	socket.write("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
});

test("A21: the next handshake sees the new certificate, connections and streams go on", async (t) => {
	const { gw, dir, use } = await secured(t, SANDBOX);
	const stream = await gw.events("/events");
	const kept = await shown(gw, { keep: true });
	const id = await call(gw, { to: "sim:answer" });
	equal(await shown(gw), "first");

	for (const kind of ["ec", "rsa"]) {
		const next = certificate(dir, `new-${kind}`, { kind });
		use(next);
		equal((await reload(gw)).at(-1).event, "gateway.reloaded");
		equal(await shown(gw), `new-${kind}`);
		equal(await shown(gw, { maxVersion: "TLSv1.2" }), `new-${kind}`, "with 1.2");
		equal(await shown(gw, { minVersion: "TLSv1.3" }), `new-${kind}`, "with 1.3");
		gw.ca = next.pem;
	}
	match(await ask(kept), / 200 /, "an answer on a connection from before");
	kept.destroy();
	equal((await gw.api("DELETE", `/calls/${id}`)).status, 200);
	await stream.untilType("call.ended", id);
});

test("A21: a pair that is wrong or can't be read changes nothing, and the log says which", async (t) => {
	const { gw, dir, use, at } = await secured(t);
	const other = certificate(dir, "other");
	const third = certificate(dir, "third");
	const wrongs = {
		"the key of another certificate": () => copyFileSync(third.key, at.key),
		"no PEM": () => writeFileSync(at.certificate, "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n"),
		"an empty key": () => writeFileSync(at.key, ""),
		"a certificate where the key should be": () => copyFileSync(other.certificate, at.key),
	};
	for (const [name, spoil] of Object.entries(wrongs)) {
		use(other);
		spoil();
		const news = await reload(gw);
		equal(news.at(-1).event, "gateway.reload_refused", name);
		ok(news.some(({ why }) => why?.includes(dir) || why?.includes("empty")), `${name}: the log doesn't name the file: ${JSON.stringify(news)}`);
		equal(await shown(gw), "first", name);
	}
	use(other);
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	equal(await shown(gw), "other");
});

test("A21: handshakes in the middle of a hundred changes all come to an end", async (t) => {
	const { gw, dir, use } = await secured(t);
	const pairs = [certificate(dir, "a"), certificate(dir, "b")];
	let running = true;
	const visitor = async () => {
		let count = 0;
		for (; running; count++)
			match(await shown(gw), /^(first|a|b)$/);
		return count;
	};
	const visitors = Promise.all([visitor(), visitor(), visitor()]);
	visitors.catch(() => {});
	for (let i = 0; i < 100; i++) {
		use(pairs[i % 2]);
		equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	}
	running = false;
	ok((await visitors).every((count) => count > 0), "nobody came in");
	equal(await shown(gw), "b");
});

/* openssl s_client, told to talk of one version only. */
const client = (port, version, more = []) => {
	const { stdout, stderr } = spawnSync("openssl", ["s_client", "-connect", `127.0.0.1:${port}`, `-${version}`, "-cipher", "ALL:@SECLEVEL=0", ...more],
		{ input: "", encoding: "utf8", timeout: 20_000 });
	return /^ *(?:New, |Protocol *: *)(TLSv[\d.]+)/m.exec(stdout)?.[1] && /Cipher is (?!\(NONE\))/.test(stdout) ?
		/Cipher is (\S+)/.exec(stdout)[1] : `none: ${stderr.slice(-200)}`;
};

test("A21: openssl gets in with 1.2 and 1.3, and with nothing older", async (t) => {
	const { gw } = await secured(t);
	for (const version of ["tls1", "tls1_1"])
		match(client(gw.port, version), /^none/, version);
	for (const version of ["tls1_2", "tls1_3"])
		match(client(gw.port, version), /^[A-Z0-9_-]+$/, version);
	/* keys that can be read later, ciphers without authentication */
	for (const cipher of ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES128-SHA256", "NULL", "aNULL", "3DES"])
		match(client(gw.port, "tls1_2", ["-cipher", `${cipher}:@SECLEVEL=0`]), /^none/, cipher);
	match(client(gw.port, "tls1_2", ["-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"]), /^ECDHE/);
});

test("A21: sslscan finds nothing old", async (t) => {
	if (spawnSync("sslscan", ["--version"]).error)
		return; /* openssl has said the same */
	const { gw } = await secured(t);
	const text = execFileSync("sslscan", ["--no-colour", `127.0.0.1:${gw.port}`], { encoding: "utf8", timeout: 60_000 });
	for (const old of ["SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1"])
		match(text, new RegExp(`^${old.replace(".", "\\.")}\\s+disabled`, "m"), old);
	for (const version of ["TLSv1.2", "TLSv1.3"])
		match(text, new RegExp(`^${version.replace(".", "\\.")}\\s+enabled`, "m"), version);
	ok(!/vulnerable to heartbleed/.test(text.replaceAll("not vulnerable", "")), "heartbleed");
	ok(/Session renegotiation not supported|Secure session renegotiation supported/.test(text), `renegotiation:\n${text}`);
	ok(!/Compression enabled/.test(text), "compression");
	ok(!/\b(RC4|3DES|CBC|NULL|EXP|MD5)\b/.test(text), `a weak cipher:\n${text}`);
});

/* A registrar that talks only of an old version: openssl s_server. */
test("A21: a line over TLS talks 1.2 and 1.3, and to nobody with less", async (t) => {
	const dir = folder(t);
	const { certificate: cert, key, pem } = certificate(dir, "pbx");
	void pem;
	const state = { tls1: "failed", tls1_1: "failed", tls1_2: "registering", tls1_3: "registering" };
	let port = 24061;
	for (const [version, wanted] of Object.entries(state)) {
		port++;
		let said = "";
		const server = spawn("openssl", ["s_server", "-accept", `127.0.0.1:${port}`, "-cert", cert, "-key", key, `-${version}`,
			"-cipher", "ALL:@SECLEVEL=0"], { stdio: ["pipe", "pipe", "pipe"] });
		t.later(() => server.kill());
		for (const out of [server.stdout, server.stderr])
			out.on("data", (bytes) => {
				said += bytes;
			});
		await eventually("the server listens", () => said.includes("ACCEPT"));
		const gw = await t.gateway({ sip: { ca_file: cert, listen: ["tls:127.0.0.1:0"] },
			lines: [{ name: "secure", user: "858", domain: "localhost", proxies: [`sip:127.0.0.1:${port}`], port, transport: "tls" }] });
		if (wanted === "failed") {
			await eventually(`${version}: the line has failed`, async () => (await gw.api("GET", "/lines/secure")).json.state === "failed");
			ok(!said.includes("REGISTER "), `${version}: a REGISTER came through`);
		} else {
			await eventually(`${version}: a REGISTER comes through`, () => said.includes("REGISTER sip:localhost"));
		}
		server.kill();
		await gw.kill();
	}
});

/* A key that others may read is not one. */
test("E25: the certificate's key with a mode beyond 0640 is refused", async (t) => {
	const { gw, at } = await secured(t);
	chmodSync(at.key, 0o644);
	const news = await reload(gw);
	equal(news.at(-1).event, "gateway.reload_refused");
	match(news.find(({ event }) => event === "config.wrong")?.why, /0644/);
	chmodSync(at.key, 0o640);
	rewrite(gw, () => {});
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
});
