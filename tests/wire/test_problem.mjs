/* Errors are problems with a code (A1), each with the status and the headers
 * that HTTP has for it (A3, A4, A9, A10, A18). */
import { equal, match, ok, statuses, test } from "./harness.mjs";

const FORM = "application/x-www-form-urlencoded";
const NOBODY = "call_01J9ZK3V5X8Q2M4N6P7R9S0T1W";

const refuses = (name, method, path, options, status, code, more) => {
	test(`problem: ${name}`, async (t) => {
		const gw = await t.shared();
		const reply = await gw.api(method, path, options);
		equal([reply.status, reply.json?.code], [status, code]);
		await more?.(reply, gw);
	});
};

refuses("an unknown path", "GET", "/nowhere", {}, 404, "not_found");
refuses("a slash at the end", "GET", "/calls/", {}, 404, "not_found");
refuses("two slashes", "GET", "//calls", {}, 404, "not_found");
refuses("dots", "GET", "/web/../openapi.json", {}, 404, "not_found");
refuses("a call of no such id", "GET", `/calls/${NOBODY}`, {}, 404, "not_found");
refuses("an id of another shape", "GET", "/calls/1", {}, 404, "not_found");
refuses("the events of no call", "GET", `/calls/${NOBODY}/events`, {}, 404, "not_found");
refuses("the ladder of no call", "GET", `/calls/${NOBODY}/sip`, {}, 404, "not_found");
refuses("hanging up no call", "DELETE", `/calls/${NOBODY}`, {}, 404, "not_found");
refuses("no such line", "GET", "/lines/nobody", {}, 404, "not_found");

refuses("a method the path hasn't", "PUT", "/calls", { body: {} }, 405, "method_not_allowed",
	(reply) => equal(reply.headers.allow, "GET, HEAD, POST, OPTIONS"));
refuses("POST to a page", "POST", "/", { body: {} }, 405, "method_not_allowed",
	(reply) => equal(reply.headers.allow, "GET, HEAD, OPTIONS"));
refuses("HEAD of a stream", "HEAD", "/events", {}, 405, undefined,
	(reply) => equal(reply.headers.allow, "GET, OPTIONS"));
refuses("POST to a stream", "POST", "/events", { body: {} }, 405, "method_not_allowed");
refuses("a method nobody knows", "BREW", "/calls", {}, 501, "not_implemented");
refuses("TRACE", "TRACE", "/calls", {}, 501, "not_implemented");

test("problem: CONNECT is never accepted", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw("CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", { enough: (seen) => seen.includes("\r\n\r\n") });
	ok(statuses(text).every((status) => status >= 400), text);
});

refuses("a query name nobody knows", "POST", "/calls?dryrun=1", { body: { to: "853" } }, 400, "unknown_parameter");
refuses("a query name twice", "GET", "/calls?limit=1&limit=2", {}, 400, "duplicate_parameter");
refuses("a limit that is none", "GET", "/calls?limit=0", {}, 400, "invalid_query");
refuses("a cursor that is none", "GET", "/calls?cursor=1", {}, 400, "invalid_cursor");

refuses("plain text", "POST", "/calls", { body: "853", type: "text/plain" }, 415, "unsupported_media_type",
	(reply) => match(reply.headers["accept-post"], /application\/json/));
refuses("no type at all", "POST", "/calls", { body: "853" }, 415, "unsupported_media_type");
refuses("Latin-1", "POST", "/calls", { body: "{}", type: "application/json; charset=iso-8859-1" }, 415, "unsupported_media_type");
refuses("a packed body", "POST", "/calls", { body: "{}", type: "application/json", headers: { "Content-Encoding": "gzip" } }, 415, "unsupported_encoding",
	(reply) => equal(reply.headers["accept-encoding"], "identity"));
refuses("an empty body", "POST", "/calls", { body: "", type: "application/json" }, 400, "body_missing");
refuses("an image wanted", "GET", "/calls", { headers: { Accept: "image/png" } }, 406, "not_acceptable");
refuses("JSON unwanted", "GET", "/calls", { headers: { Accept: "*/*, application/json;q=0" } }, 406, "not_acceptable");
refuses("another expectation", "POST", "/calls", { body: "{}", type: "application/json", headers: { Expect: "200-ok" } }, 417, "expectation_failed");

test("problem: UTF-8 by its name is no other charset", async (t) => {
	const gw = await t.shared();
	for (const type of ["application/json;charset=utf-8", 'application/json; charset="UTF-8"', "Application/JSON"])
		equal((await gw.api("POST", "/session", { body: "{}", type })).status, 422, type);
});

for (const accept of [undefined, "*/*", "application/*", "text/html;q=0.5, application/json", "application/json;q=0.1"]) {
	test(`problem: Accept ${accept} is fine with JSON`, async (t) => {
		const gw = await t.shared();
		const reply = await gw.api("GET", "/calls", { headers: accept ? { Accept: accept } : {} });
		equal([reply.status, reply.headers["content-type"]], [200, "application/json"]);
	});
}

/* A10: told before the body is read, and arriving although it is on its way. */
refuses("a body of 100 kB", "POST", "/calls", { body: "x".repeat(100_000), type: "application/json" }, 413, "body_too_large");
refuses("a body of 6 MB", "POST", "/calls", { body: "x".repeat(6_000_000), type: "application/json" }, 413, "body_too_large");
refuses("100 kB in chunks", "POST", "/calls", { body: "x".repeat(100_000), type: "application/json", chunked: true }, 413, "body_too_large");
refuses("4 MB in chunks", "POST", "/calls", { body: "x".repeat(4_000_000), type: "application/json", chunked: true }, 413, "body_too_large");

test("problem: no 100 Continue for a body that is too large", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw("POST /calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\nExpect: 100-continue\r\n\r\n");
	equal(statuses(text), [413]);
});

test("problem: 100 Continue for one that will be read", async (t) => {
	const gw = await t.shared();
	const { text } = await gw.raw("POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n", {
		later: { when: (seen) => statuses(seen).includes(100), bytes: "{}" },
		enough: (seen) => statuses(seen).includes(422),
	});
	equal(statuses(text), [100, 422]);
});

test("problem: OPTIONS tells what a path can", async (t) => {
	const gw = await t.shared();
	const reply = await gw.api("OPTIONS", "/calls");
	equal([reply.status, reply.headers.allow, reply.text], [204, "GET, HEAD, POST, OPTIONS", ""]);
	equal((await gw.api("OPTIONS", "/nowhere")).status, 404);
	equal((await gw.api("OPTIONS", "*")).status, 204);
});

test("problem: HEAD has the headers of GET and no body", async (t) => {
	const gw = await t.shared();
	const [get, head] = [await gw.api("GET", "/livez"), await gw.api("HEAD", "/livez")];
	equal([head.status, head.text, head.headers["content-length"], head.headers["content-type"]],
		[200, "", get.headers["content-length"], get.headers["content-type"]]);
});

test("problem: each exchange has an id of its own", async (t) => {
	const gw = await t.shared();
	const [one, two] = [await gw.api("GET", "/livez", { headers: { "X-Request-Id": "mine" } }), await gw.api("GET", "/nowhere")];
	match(one.headers["x-request-id"], /^[0-9a-f]{32}$/);
	ok(one.headers["x-request-id"] !== two.headers["x-request-id"], "the same id twice");
	equal(two.json.request_id, two.headers["x-request-id"]);
});

test("problem: A20: a trusted proxy names the exchange and the client", async (t) => {
	const gw = await t.gateway({ http: { trusted_proxies: ["127.0.0.0/8"] }, log: { level: "debug" } });
	const headers = { "X-Request-Id": "from-the-proxy.1", "X-Forwarded-For": "203.0.113.9, 198.51.100.7", traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" };
	equal((await gw.api("GET", "/nowhere", { headers })).headers["x-request-id"], "from-the-proxy.1");
	const record = gw.records().find((entry) => entry.event === "http.request" && entry.path === "/nowhere");
	equal([record.request_id, record.client, record.trace_id], ["from-the-proxy.1", "198.51.100.7", "0af7651916cd43dd8448eb211c80319c"]);
	match((await gw.api("GET", "/livez", { headers: { "X-Request-Id": "no blanks" } })).headers["x-request-id"], /^[0-9a-f]{32}$/);
});

test("problem: all wrong members are told at once, by their pointers", async (t) => {
	const gw = await t.shared({ sandbox: true });
	const reply = await gw.api("POST", "/calls", { body: { too: "853", ring_timeout: 0, headers: { "X-A": "a" }, metadata: 1 } });
	equal([reply.status, reply.json.code], [422, "invalid_call"]);
	const pointers = reply.json.errors.map((error) => error.pointer).sort();
	equal(pointers, ["/metadata", "/ring_timeout", "/to", "/too"]);
});

test("problem: a form's members are told the same way", async (t) => {
	const gw = await t.shared({ sandbox: true });
	const reply = await gw.api("POST", "/calls", { body: "to=853&ring_timeout=soon&From=123", type: FORM });
	equal([reply.status, reply.json.errors.map((error) => error.pointer).sort()], [422, ["/From", "/ring_timeout"]]);
});
