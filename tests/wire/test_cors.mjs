/* Pages of origins that http.cors_origins lists may ask, others may not read
 * (A14). Without a list there is no CORS header at all. */
import { equal, eventually, match, test } from "./harness.mjs";

const FRIEND = "https://crm.example";
const KEY = "a-key-of-the-test-0123456789";
const listed = { http: { cors_origins: [FRIEND] }, keys: [{ name: "crm", secret: "env:TEST_KEY" }] };
const env = { TEST_KEY: KEY };
const bearer = { Authorization: `Bearer ${KEY}` };

test("cors: the origin that is listed may read", async (t) => {
	const gw = await t.gateway(listed, { env });
	const reply = await gw.api("GET", "/calls", { headers: { ...bearer, Origin: FRIEND } });
	equal([reply.status, reply.headers["access-control-allow-origin"]], [200, FRIEND]);
	match(reply.headers.vary, /Origin/);
	match(reply.headers["access-control-expose-headers"], /Location.*ETag.*Retry-After/);
	equal(reply.headers["access-control-allow-credentials"], undefined);
});

for (const origin of ["https://evil.example", "http://crm.example", "https://crm.example:444", "https://crm.example.evil.example", "HTTPS://CRM.EXAMPLE", "null"]) {
	test(`cors: ${origin} gets no permission`, async (t) => {
		const gw = await t.gateway(listed, { env });
		const reply = await gw.api("GET", "/calls", { headers: { ...bearer, Origin: origin } });
		equal(reply.headers["access-control-allow-origin"], undefined);
		match(reply.headers.vary, /Origin/);
		const asked = await gw.api("OPTIONS", "/calls", { headers: { Origin: origin, "Access-Control-Request-Method": "POST" } });
		equal([asked.status, asked.headers["access-control-allow-origin"], asked.headers["access-control-allow-methods"]], [204, undefined, undefined]);
	});
}

test("cors: a preflight needs no key", async (t) => {
	const gw = await t.gateway(listed, { env });
	const reply = await gw.api("OPTIONS", "/calls", {
		headers: { Origin: FRIEND, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type, idempotency-key" },
	});
	equal([reply.status, reply.headers["access-control-allow-origin"]], [204, FRIEND]);
	match(reply.headers["access-control-allow-methods"], /POST/);
	match(reply.headers["access-control-allow-headers"], /Authorization.*Content-Type.*Idempotency-Key/);
	match(reply.headers["access-control-max-age"], /^\d+$/);
});

test("cors: B12: a preflight for a stream allows Last-Event-ID", async (t) => {
	const gw = await t.gateway(listed, { env });
	const reply = await gw.api("OPTIONS", "/events", {
		headers: { Origin: FRIEND, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "last-event-id" },
	});
	match(reply.headers["access-control-allow-headers"], /Last-Event-ID/);
});

test("cors: refusals can be read, too", async (t) => {
	const gw = await t.gateway(listed, { env });
	const reply = await gw.api("GET", "/calls", { headers: { Origin: FRIEND } });
	equal([reply.status, reply.headers["access-control-allow-origin"]], [401, FRIEND]);
});

test("cors: without a list there is none of it", async (t) => {
	const gw = await t.gateway();
	const reply = await gw.api("GET", "/capacity", { headers: { Origin: gw.url } });
	equal([reply.headers["access-control-allow-origin"], reply.headers.vary], [undefined, undefined]);
});

test("cors: without keys, a listed origin may dial", async (t) => {
	const gw = await t.gateway({ http: { cors_origins: [FRIEND] } });
	equal((await gw.api("GET", "/capacity", { headers: { Origin: FRIEND, Host: "localhost" } })).status, 200);
});

/* A page with a click token is in no list: its token names it (E5). */

const SHOP = "https://shop.example";
const asks = (method, origin = SHOP, headers = "authorization,content-type,idempotency-key") =>
	({ headers: { Origin: origin, "Access-Control-Request-Method": method, ...(headers && { "Access-Control-Request-Headers": headers }) } });
const CLICK = [["POST", "/calls"], ["GET", "/calls/x"], ["DELETE", "/calls/x"], ["POST", "/calls/x/hangup"], ["POST", "/calls/x/dtmf"], ["GET", "/calls/x/events"]];

test("cors: E5: a page that brings a click token may ask whether it may, on the routes that tokens open", async (t) => {
	const gw = await t.gateway({ keys: listed.keys }, { env });
	for (const [method, path] of CLICK) {
		const { status, headers } = await gw.api("OPTIONS", path, asks(method));
		equal([status, headers["access-control-allow-origin"], headers["access-control-allow-credentials"]], [204, SHOP, undefined], `${method} ${path}`);
		match(headers["access-control-allow-methods"], new RegExp(method), path);
		match(headers["access-control-allow-headers"], /Authorization/, path);
		match(headers.vary, /Origin/, path);
	}
	for (const [method, path] of [["GET", "/calls"], ["POST", "/calls/x/transfer"], ["GET", "/calls/x/sip"], ["GET", "/events"], ["GET", "/lines"], ["POST", "/tokens"], ["POST", "/stream-tickets"], ["POST", "/session"], ["POST", "/admin/freeze"], ["PATCH", "/calls"]])
		equal((await gw.exchange("OPTIONS", path, asks(method))).headers["access-control-allow-origin"], undefined, `${method} ${path}`);
	for (const origin of ["null", "HTTPS://SHOP.EXAMPLE", "https://", "https://a/b", "https://u@a", "file://", "https://a, https://b"])
		equal((await gw.exchange("OPTIONS", "/calls", asks("POST", origin))).headers["access-control-allow-origin"], undefined, origin);
	for (const headers of ["", "content-type", "x-authorization"])
		equal((await gw.exchange("OPTIONS", "/calls", asks("POST", SHOP, headers))).headers["access-control-allow-origin"], undefined, `asks for ${headers}`);
});

test("cors: E5: what is answered may be read by the token's own page, and by no other", async (t) => {
	const scopes = ["tokens:create", "calls:create", "calls:read", "lines:read"];
	const gw = await t.gateway({ sandbox: true, drain_s: 1, keys: [{ ...listed.keys[0], scopes }] }, { env });
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox", { headers: bearer })).json?.state === "registered");
	const made = await gw.api("POST", "/tokens", { headers: bearer, body: { to: "sim:busy", origin: SHOP, uses: 1 } });
	equal(made.status, 201, made.text);
	const place = (origin, token = made.json.token) => gw.api("POST", "/calls", { headers: { Authorization: `Bearer ${token}`, Origin: origin }, body: {} });
	const read = ({ status, headers }) => [status, headers["access-control-allow-origin"]];
	equal(read(await place("https://evil.example")), [401, undefined], "another page");
	const placed = await place(SHOP);
	equal(placed.status, 201, placed.text);
	equal(read(placed), [201, SHOP], "its own page");
	match(placed.headers.vary, /Origin/);
	equal(read(await place(SHOP)), [401, SHOP], "its own page is told that it is used up");
	equal(read(await place(SHOP, `${made.json.token}x`)), [401, undefined], "no token");
	equal(read(await gw.api("GET", "/lines", { headers: { Authorization: `Bearer ${made.json.token}`, Origin: SHOP } })), [403, SHOP], "what is not for it");
	/* a key is no token: whoever has one is no page, or is listed */
	equal(read(await gw.api("GET", "/calls", { headers: { ...bearer, Origin: SHOP } })), [200, undefined], "with a key");
});

test("cors: without keys no foreign page is told that it may dial", async (t) => {
	const gw = await t.gateway();
	const reply = await gw.exchange("OPTIONS", "/calls", asks("POST"));
	equal([reply.status, reply.headers["access-control-allow-origin"]], [403, undefined]);
});
