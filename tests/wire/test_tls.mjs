/* HTTPS when a certificate is configured: 1.2 and up, and half-open handshakes
 * are closed before they cost anything. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import tls from "node:tls";

import { equal, match, ok, test } from "./harness.mjs";

const secured = async (t, config = {}) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	const certificate = join(dir, "cert.pem");
	const key = join(dir, "key.pem");
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=localhost",
		"-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate], { stdio: "ignore" });
	const gw = await t.gateway({ ...config, http: { certificate, key, ...config.http } });
	gw.ca = readFileSync(certificate);
	return gw;
};

const handshake = (gw, options) => new Promise((done) => {
	const socket = tls.connect({ port: gw.port, host: "127.0.0.1", servername: "localhost", ca: gw.ca, ...options });
	socket.on("secureConnect", () => {
		done(socket.getProtocol());
		socket.destroy();
	});
	socket.on("error", (error) => done(error.code ?? error.message));
});

test("tls: the API over HTTPS, and browsers are told to stay with it", async (t) => {
	const gw = await secured(t);
	const reply = await gw.api("GET", "/livez");
	equal(reply.status, 200);
	match(reply.headers["strict-transport-security"], /^max-age=\d+/);
	equal((await gw.api("POST", "/session", { body: { key: "x" } })).status, 401);
	equal((await gw.api("GET", "/livez", { headers: { Origin: gw.url, Host: `127.0.0.1:${gw.port}` } })).status, 200, "its own origin");
	equal((await gw.api("GET", "/livez", { headers: { Origin: gw.url.replace("https", "http") } })).status, 403, "the same without TLS");
});

test("tls: 1.2 and 1.3, nothing older", async (t) => {
	const gw = await secured(t);
	equal(await handshake(gw, {}), "TLSv1.3");
	equal(await handshake(gw, { maxVersion: "TLSv1.2" }), "TLSv1.2");
	for (const version of ["TLSv1", "TLSv1.1"]) {
		const got = await handshake(gw, { minVersion: version, maxVersion: version, ciphers: "ALL:@SECLEVEL=0" });
		ok(!/^TLSv/.test(got), `${version}: ${got}`);
	}
});

test("tls: plain HTTP to it gets nowhere", async (t) => {
	const gw = await secured(t);
	const { text } = await gw.raw("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
	ok(!text.includes("200 OK"), text);
});

test("tls: the session cookie is for TLS only", async (t) => {
	process.env.TEST_TLS_KEY = "bp_tls_0123456789";
	const gw = await secured(t, { keys: [{ name: "all", secret: "env:TEST_TLS_KEY" }] });
	match((await gw.api("POST", "/session", { body: { key: "bp_tls_0123456789" } })).headers["set-cookie"], /; Secure$/);
});

/* Nothing, a part of a ClientHello, or all of it and then nothing: to
 * libmicrohttpd the last two are work that never ends. */
const clientHello = () => new Promise((done) => {
	const server = net.createServer((socket) => socket.once("data", (bytes) => {
		done(bytes);
		socket.destroy();
		server.close();
	}));
	server.listen(0, "127.0.0.1", () => {
		tls.connect({ port: server.address().port, host: "127.0.0.1", servername: "localhost" }).on("error", () => {});
	});
});

test("tls: a hundred half-open handshakes are closed, and nobody else notices", async (t) => {
	const gw = await secured(t, { limits: { connections_per_ip: null } });
	const hello = await clientHello();
	const stuck = (bytes) => new Promise((done) => {
		const socket = net.connect(gw.port, "127.0.0.1", () => bytes.length && socket.write(bytes));
		socket.on("data", () => {});
		socket.on("close", () => done(true));
		socket.on("error", () => {});
	});
	const closed = [];
	for (let i = 0; i < 100; i++)
		closed.push(stuck(i % 2 ? hello : hello.subarray(0, 40)));
	let waiting = true;
	const all = Promise.all(closed).then(() => {
		waiting = false;
	});
	while (waiting) {
		equal((await gw.api("GET", "/livez", { patience_ms: 5000 })).status, 200);
		await Promise.race([all, new Promise((done) => setTimeout(done, 200))]);
	}
});
