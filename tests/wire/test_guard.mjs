/* What readers of HTTP differ on must be refused (requirements A2): each row in
 * a sized and a chunked form, and behind each a second request that would be
 * served by a server that was taken in. */
import { equal, ok, statuses, test } from "./harness.mjs";

const SECOND = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
const JSON_TYPE = "Content-Type: application/json\r\n";

/* A POST whose body, in either form, is all that SECOND could hide in. */
const sized = (headers, body = "{}") =>
	`POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
const chunked = (headers, body = "{}") =>
	`POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}${headers}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

/* name, bytes, the status it must get, and, where libmicrohttpd since 1.0 is first
 * to refuse, what it answers by itself, in HTML */
const rows = [
	["length beside chunks, sized", sized("Transfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, 400],
	["length beside chunks, chunked", chunked("Content-Length: 4\r\n"), 400, 400],
	["length in front of chunks", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400, 400],
	["two lengths that differ", sized("Content-Length: 40\r\n"), 400],
	["two lengths that agree", sized("Content-Length: 2\r\n"), 400],
	["two hosts, sized", sized("Host: localhost\r\n"), 400],
	["two hosts, chunked", chunked("Host: evil.example\r\n"), 400],
	["a blank before the colon, sized", sized("X-A : b\r\n"), 400, 400],
	["a blank before the colon, chunked", chunked("X-A : b\r\n"), 400, 400],
	["a blank before the colon of the length", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length : 2\r\n\r\n{}`, 400, 400],
	["a blank before the colon of the coding", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`, 400, 400],
	["an unknown coding", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: cow\r\n\r\n0\r\n\r\n`, 501, 400],
	["gzip and chunked", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`, 501, 400],
	["identity as a coding", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: identity\r\n\r\n`, 501, 400],
	["identity beside a length", sized("Transfer-Encoding: identity\r\n"), 400, 400],
	["two codings", chunked("Transfer-Encoding: chunked\r\n"), 400],
	["a coding hidden by a tab", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding:\tcow\r\n\r\n0\r\n\r\n`, 501, 400],
	["chunks in HTTP/1.0", `POST /session HTTP/1.0\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
	["a bare CR in a value, sized", sized("X-A: a\rb\r\n"), 400, 400],
	["a bare CR in a value, chunked", chunked("X-A: a\rb\r\n"), 400, 400],
	["a control character in a value", sized("X-A: a\x01b\r\n"), 400],
	["no Host", "GET /livez HTTP/1.1\r\n\r\n", 400, 400],
	["a Host that is none", "GET /livez HTTP/1.1\r\nHost: local host/\r\n\r\n", 400],
	["a Host with a user", "GET /livez HTTP/1.1\r\nHost: a@localhost\r\n\r\n", 400],
	["%00 in the path", "GET /livez%00.html HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
	["%00 in the query", "GET /calls?to=%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
	["an encoded slash", "GET /calls%2fcall_1 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
	["a path that is not UTF-8", "GET /%ff HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
	["half an escape", "GET /calls/%4 HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
	["a blank in the target", "GET /livez x HTTP/1.1\r\nHost: localhost\r\n\r\n", 400, 400],
	["another host in an absolute target", "GET http://evil.example/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", 400],
	["a head of 7 KiB", `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: ${"a".repeat(6500)}\r\n\r\n`, 431],
];

const ours = /^HTTP\/1\.1 \d+ [^\r]+\r\n(?:[^\r]+\r\n)*Content-Type: application\/problem\+json\r\n/m;

for (const [name, bytes, status, own] of rows) {
	test(`guard: ${name}`, async (t) => {
		const gw = await t.shared();
		const { text, closed } = await gw.raw(bytes + SECOND);
		ok(closed, "the connection must be closed");
		if (own && !ours.test(text)) {
			equal(statuses(text), [own], "what the library answered");
			ok(/^Connection: close\r$/m.test(text), `not said to be closed: ${text}`);
		} else {
			equal(statuses(text), [status], "what was answered");
			ok(ours.test(text), `not a problem: ${text}`);
		}
		/* what follows is served as if nothing had been */
		await gw.api("GET", "/livez");
	});
}

/* libmicrohttpd answers some by itself, in HTML: closed, and nothing served. */
const theirs = [
	["Content-Length: +3", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length: +3\r\n\r\n{ }`, [400]],
	["Content-Length: -3", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length: -3\r\n\r\n{ }`, [400]],
	["Content-Length: 3, 3", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length: 3, 3\r\n\r\n{ }`, [400]],
	["a length beyond 64 bits", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Content-Length: 99999999999999999999999\r\n\r\n{ }`, [413]],
	["a chunk of no size", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n`, [400]],
	["a chunk beyond 64 bits", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffffff\r\n{}\r\n0\r\n\r\n`, [413]],
	["a chunk longer than it says", `POST /session HTTP/1.1\r\nHost: localhost\r\n${JSON_TYPE}Transfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`, [400]],
	["a target of 20 KiB", `GET /${"a".repeat(20000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, [414, 431]],
	["3000 headers", `GET /livez HTTP/1.1\r\nHost: localhost\r\n${"A: b\r\n".repeat(3000)}\r\n`, [431]],
	["HTTP/3.9", "GET /livez HTTP/3.9\r\nHost: localhost\r\n\r\n", [505]],
	["the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505]],
];

for (const [name, bytes, among] of theirs) {
	test(`guard: ${name} ends the connection`, async (t) => {
		const gw = await t.shared();
		const { text, closed } = await gw.raw(bytes + SECOND);
		ok(closed, "the connection must be closed");
		const [first, ...rest] = statuses(text);
		ok(among.includes(first), `answered ${first}`);
		/* 0.9.75 sends the header block of its own errors twice */
		ok(rest.every((status) => status === first), `something else was served, too: ${statuses(text)}`);
		ok(!text.includes('{"status":"ok"}'), "the second request was served");
		await gw.api("GET", "/livez");
	});
}

test("guard: requests behind each other are all served", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw(`${SECOND}${SECOND}${chunked("")}${sized("")}${SECOND}`, { enough: (seen) => statuses(seen).length >= 5 });
	equal(statuses(text), [200, 200, 422, 422, 200]);
});

test("guard: a refused body is read past, and the connection lives on", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw(`POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nGET /${SECOND}`, { enough: (seen) => statuses(seen).length >= 2 });
	equal(statuses(text), [404, 200]);
});

test("guard: an absolute target is as good as a path", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw("GET http://localhost/livez HTTP/1.1\r\nHost: localhost\r\n\r\n", { enough: (seen) => seen.includes("ok") });
	equal(statuses(text), [200]);
});

test("guard: HTTP/1.0 is answered and closed", async (t) => {
	const gw = await t.shared();
	const { text, closed } = await gw.raw("GET /livez HTTP/1.0\r\n\r\n");
	equal(statuses(text), [200]);
	ok(closed, "the connection must be closed");
});

test("guard: half a client still gets its answer", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw(SECOND, { half_close: true, enough: (seen) => seen.includes("}") });
	equal(statuses(text), [200]);
});

/* Without keys only this machine may ask, by a name that can be no other. */
for (const host of ["localhost", "LOCALHOST:1", "127.0.0.1", "127.1.2.3:80", "[::1]:8080"]) {
	test(`guard: without keys the host ${host} may ask`, async (t) => {
		const gw = await t.shared();
		equal((await gw.api("GET", "/capacity", { headers: { Host: host } })).status, 200);
	});
}
for (const host of ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "0.0.0.0", "[::2]", "2130706433", "127.1"]) {
	test(`guard: without keys the host ${host} may not ask`, async (t) => {
		const gw = await t.shared();
		const reply = await gw.api("GET", "/livez", { headers: { Host: host } });
		equal([reply.status, reply.json.code], [403, "host_refused"]);
	});
}
for (const origin of ["http://evil.example", "null", "http://localhost:1", "https://localhost"]) {
	test(`guard: without keys a page of ${origin} may not dial`, async (t) => {
		const gw = await t.shared();
		const reply = await gw.api("POST", "/calls", {
			headers: { Origin: origin, Host: "localhost" }, body: "to=853", type: "application/x-www-form-urlencoded",
		});
		equal([reply.status, reply.json.code], [403, "origin_refused"]);
	});
}
test("guard: the gateway's own page may ask", async (t) => {
	const gw = await t.shared();
	equal((await gw.api("GET", "/capacity", { headers: { Origin: gw.url } })).status, 200);
});
