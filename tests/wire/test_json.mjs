/* What is no JSON, or not JSON that everybody reads alike, is refused with the
 * place (A11); forms are read as strictly. POST /session takes one string and
 * needs nothing else of the gateway, so it is the reader's probe: 400 is the
 * reader's word, 422 or 401 the handler's. */
import { equal, match, ok, test } from "./harness.mjs";

const FORM = "application/x-www-form-urlencoded";

/* Each test asks from an address of its own, or guessing would be limited. */
let clients = 0;

const reads = (name, body, status, detail, more = {}) => {
	test(`json: ${name}`, async (t) => {
		const gw = await t.shared({ http: { trusted_proxies: ["127.0.0.1"] } });
		const options = { headers: { "X-Forwarded-For": `192.0.2.${++clients}` }, ...more };
		const reply = await gw.api("POST", "/session", { body, type: "application/json", ...options });
		equal(reply.status, status, JSON.stringify(reply.json.detail));
		if (status === 400)
			equal(reply.json.code, "invalid_body");
		if (detail)
			match(reply.json.detail, detail, "the detail");
		const again = await gw.api("POST", "/session", { body, type: "application/json", ...options, chunked: true });
		equal([again.status, again.json.detail], [status, reply.json.detail], "the same in chunks");
	});
};

const bytes = (...parts) => Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part) : Buffer.from([part]))));

reads("a key that isn't known", '{"key":"a"}', 401);
reads("blanks around", ' \t\r\n{ "key" : "a" }\n', 401);
reads("escapes", '{"\\u006bey":"\\u00fc\\ud83d\\ude00"}', 401);
reads("another type", '{"key":1}', 422);
reads("another member", '{"key":"a","kee":"b"}', 422);
reads("an array", '["key"]', 422);
reads("a null", "null", 422);

reads("cut off", '{"key":"a"', 400, /byte 10/);
reads("a comma too many", '{"key":"a",}', 400, /byte 11/);
reads("something behind", '{"key":"a"} x', 400, /byte 12/);
reads("two values", '{"key":"a"}{"key":"b"}', 400, /byte 11/);
reads("a comment", '{"key":"a"/**/}', 400, /byte 10/);
reads("single quotes", "{'key':'a'}", 400, /byte 1/);
reads("a name without quotes", "{key:1}", 400, /byte 1/);
reads("a member twice", '{"key":"a","key":"b"}', 400, /byte 11/);
reads("a member twice, once escaped", '{"key":"a","\\u006bey":"b"}', 400, /byte 11/);
reads("a byte order mark", bytes(0xef, 0xbb, 0xbf, '{"key":"a"}'), 400, /byte 0/);
reads("no UTF-8", bytes('{"key":"', 0xff, '"}'), 400, /byte 8/);
reads("overlong UTF-8", bytes('{"key":"', 0xc0, 0xaf, '"}'), 400, /byte 8/);
reads("a surrogate as UTF-8", bytes('{"key":"', 0xed, 0xa0, 0x80, '"}'), 400, /byte 8/);
reads("half a surrogate pair", '{"key":"\\ud800"}', 400);
reads("NUL", '{"key":"\\u0000"}', 400);
reads("CR and LF, as JSON may have them", '{"key":"a\\r\\nb"}', 401);
reads("a raw control character", '{"key":"a\u0001"}', 400);
reads("a raw NUL behind it", bytes('{"key":"a"}', 0), 400);
reads("an escape that is none", '{"key":"\\x41"}', 400);
reads("a leading zero", '{"key":01}', 400);
reads("a number that no double holds", '{"key":1e999}', 400);
reads("an integer that no double holds", '{"key":9007199254740993}', 400);
reads("NaN", '{"key":NaN}', 400);
reads("32 levels", `${"[".repeat(32)}${"]".repeat(32)}`, 422);
reads("33 levels", `${"[".repeat(33)}${"]".repeat(33)}`, 400);
reads("30000 brackets", "[".repeat(30000), 400);
reads("60000 values", `[${"1,".repeat(30000)}1]`, 422);

reads("a form", "key=a", 401, undefined, { type: FORM });
reads("a form with escapes", "k%65y=%C3%BC+b", 401, undefined, { type: FORM });
reads("JSON called a form, as curl -d does", '{"key":"a"}', 401, undefined, { type: FORM });
reads("broken JSON called a form", ' {"key":', 400, /byte/, { type: FORM });
reads("a form's name twice", "key=a&key=b", 400, undefined, { type: FORM });
reads("a form's name twice, once escaped", "key=a&k%65y=b", 400, undefined, { type: FORM });
reads("a form with brackets", "key[a]=b", 400, /bracket/, { type: FORM });
reads("a form without a name", "=b", 400, undefined, { type: FORM });
reads("a form with NUL", "key=%00", 400, undefined, { type: FORM });
reads("a form with CR and LF", "key=a%0d%0ab", 401, undefined, { type: FORM });
reads("a form that is not UTF-8", "key=%ff", 400, undefined, { type: FORM });
reads("a form with half an escape", "key=%4", 400, undefined, { type: FORM });
reads("100 fields", Array.from({ length: 100 }, (_, i) => `f${i}=1`).join("&"), 400, undefined, { type: FORM });
reads("another field", "key=a&b=c", 422, undefined, { type: FORM });

test("json: the pointer says which member came twice", async (t) => {
	const gw = await t.shared();
	const reply = await gw.api("POST", "/calls", { body: '{"to":"853","metadata":{"a":1,"a":2}}', type: "application/json" });
	equal([reply.status, reply.json.errors[0].pointer], [400, "/metadata/a"]);
	ok(reply.json.errors.length === 1, "one fault, one row");
});

/* What goes into SIP headers must not bring headers of its own. A control
 * character is refused as text (400), all else as a wrong value (422). */
for (const [status, pointer, order] of [
	[400, "/to", { to: "853\r\nVia: x" }],
	[422, "/to", { to: "sip:853%0d%0aVia:x@localhost" }],
	[400, "/caller_id/name", { to: "853", caller_id: { name: "A\r\nVia: x" } }],
	[400, "/caller_id/name", { to: "853", caller_id: { name: "A\nB" } }],
	[400, "/headers/X-A", { to: "853", headers: { "X-A": "a\r\nVia: x" } }],
	[422, "/headers/X-A: b\r\nVia", { to: "853", headers: { "X-A: b\r\nVia": "x" } }],
	[422, "/headers/Via", { to: "853", headers: { Via: "x" } }],
]) {
	test(`json: nothing slips into SIP by ${JSON.stringify(order)}`, async (t) => {
		const gw = await t.shared({ sandbox: true });
		const reply = await gw.api("POST", "/calls", { body: order });
		equal([reply.status, reply.json.code], [status, "invalid_call"]);
		equal(reply.json.errors.map((error) => error.pointer), [pointer]);
		equal((await gw.api("GET", "/calls")).json.data, [], "calls");
	});
}
