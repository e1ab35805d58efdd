/* Pages of origins that http.cors_origins lists may ask, others may not read
 * (A14). Without a list there is no CORS header at all. */
import { equal, match, test } from "./harness.mjs";

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
