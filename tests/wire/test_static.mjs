/* The page: headers that keep strangers out (A17), an ETag, nothing but its
 * files. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { equal, match, ok, test } from "./harness.mjs";

const WEB = fileURLToPath(new URL("../../web", import.meta.url));
const types = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8", svg: "image/svg+xml" };

const filesIn = (dir, under = "") => readdirSync(join(dir, under), { withFileTypes: true }).flatMap((entry) =>
	(entry.isDirectory() ? filesIn(dir, join(under, entry.name)) : [join(under, entry.name)]));

test("static: every file of web/ is served as it lies there", async (t) => {
	const gw = await t.shared();
	for (const file of filesIn(WEB)) {
		const path = file === "index.html" ? "/" : `/${file}`;
		const reply = await gw.api("GET", path);
		equal([reply.status, reply.headers["content-type"]], [200, types[file.split(".").pop()]], path);
		ok(reply.text === readFileSync(join(WEB, file), "utf8"), `${path} is another text`);
	}
});

test("static: the page may load nothing foreign and run nothing inline", async (t) => {
	const gw = await t.shared();
	const { headers } = await gw.api("GET", "/");
	match(headers["content-security-policy"], /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
	ok(!/unsafe/.test(headers["content-security-policy"]), "unsafe");
	equal([headers["x-content-type-options"], headers["referrer-policy"], headers["permissions-policy"], headers["cache-control"]],
		["nosniff", "same-origin", "microphone=(self)", "no-cache"]);
});

test("static: frame_ancestors says who may embed it", async (t) => {
	const gw = await t.gateway({ http: { frame_ancestors: ["https://crm.example", "https://help.example"] } });
	match((await gw.api("GET", "/")).headers["content-security-policy"], /frame-ancestors https:\/\/crm\.example https:\/\/help\.example$/);
});

test("static: A14: click.js may be loaded by every page, the rest by our own alone", async (t) => {
	const shop = { headers: { Origin: "https://shop.example" } };
	for (const http of [{}, { cors_origins: ["https://shop.example"] }]) {
		const gw = await t.gateway({ http, keys: [{ name: "crm", secret: "env:TEST_KEY" }] }, { env: { TEST_KEY: "a-key-of-the-test-0123456789" } });
		const { status, headers } = await gw.api("GET", "/click.js", shop);
		equal([status, headers["access-control-allow-origin"], headers["cross-origin-resource-policy"]], [200, "*", "cross-origin"]);
		equal(headers["access-control-allow-credentials"], undefined);
		for (const path of ["/", "/app.js", "/lib/dom.js"])
			equal((await gw.api("GET", path, shop)).headers["cross-origin-resource-policy"], undefined, path);
	}
});

test("static: what hasn't changed isn't sent again", async (t) => {
	const gw = await t.shared();
	for (const path of ["/", "/app.js", "/openapi.json"]) {
		const { headers } = await gw.api("GET", path);
		match(headers.etag, /^"[0-9a-f]{64}"$/);
		for (const tag of [headers.etag, `"x", W/${headers.etag}`, "*"]) {
			const again = await gw.api("GET", path, { headers: { "If-None-Match": tag } });
			equal([again.status, again.text, again.headers.etag], [304, "", headers.etag], `${path} ${tag}`);
		}
		equal((await gw.api("GET", path, { headers: { "If-None-Match": '"x"' } })).status, 200);
	}
});

for (const path of ["/index.html.bak", "/../server/main.c", "/lib/../../Makefile", "/lib/", "/lib", "/%2e%2e/Makefile", "/web/index.html", "/lib/..%5c..%5cMakefile"]) {
	test(`static: ${path} is nowhere`, async (t) => {
		const gw = await t.shared();
		const { text } = await gw.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`, { enough: (seen) => seen.includes("}") });
		match(text, /^HTTP\/1\.1 404 /);
	});
}

test("static: answers of the API are not kept", async (t) => {
	const gw = await t.shared();
	equal((await gw.api("GET", "/calls")).headers["cache-control"], "no-store");
});
