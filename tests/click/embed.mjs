/* tests/click/embed.mjs - docs/embed.md does what it says: its servers run, its page
 * calls, its tables are those of click.js. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { makeSite, open } from "./browser.mjs";

const DOCUMENT = readFileSync(new URL("../../docs/embed.md", import.meta.url), "utf8");
const SOURCE = readFileSync(new URL("../../web/click.js", import.meta.url), "utf8");
const KEY = "a-key-of-the-shop-0123456789";
const SECRET = "a-secret-that-the-site-and-we-know-0123";

/* The first block of that language, with the sandbox in the place of the number. */
const block = (language) => {
	const found = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "ms").exec(DOCUMENT);
	ok(found, `there is no block of ${language}`);
	return found[1].replaceAll("+4930123456", "sim:answer");
};

const port = async () => {
	const server = net.createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port: number } = server.address();
	server.close();
	await once(server, "close");
	return number;
};

const SERVERS = {
	php: { file: "token.php", path: "/token.php", command: (file, at) => ["php", "-S", `127.0.0.1:${at}`, file] },
	js: { file: "token.mjs", path: "/token", command: (file) => ["node", file] },
	python: { file: "token_server.py", path: "/token", command: (file) => ["python3", file] },
};

/* Runs a server of the document for a site; returns post(path, { body, origin }). */
const run = async (t, language, origin) => {
	const { file, command } = SERVERS[language];
	const dir = mkdtempSync(join(tmpdir(), "bellpull-embed-"));
	const at = await port();
	writeFileSync(join(dir, file), block(language));
	const [program, ...words] = command(join(dir, file), at);
	const child = spawn(program, words, { env: { PATH: process.env.PATH, ORIGIN: origin, CLICK_SECRET: SECRET, PORT: String(at) }, stdio: ["ignore", "ignore", "pipe"] });
	let said = "";
	child.stderr.on("data", (bytes) => { said += bytes; });
	child.on("error", (error) => { said += error.message; });
	t.later(async () => {
		if (child.exitCode === null && child.pid) {
			child.kill();
			await once(child, "exit");
		}
		rmSync(dir, { recursive: true, force: true });
	});
	const post = async (path, { body, origin: from, method = "POST" }) =>
		fetch(`http://127.0.0.1:${at}${path}`, { method, body, headers: { "Content-Type": "application/json", ...(from && { Origin: from }) } });
	await eventually(`${program} listens`, async () => {
		ok(child.exitCode === null, `${program} has ended: ${said}`);
		return post("/", { body: "{}" }).then(() => true, () => false);
	});
	return post;
};

/* The gateway of the document, with the sandbox. */
const gateway = async (t) => {
	const { keys } = JSON.parse(/^```json\n(.*?)^```/ms.exec(DOCUMENT)[1]);
	const gw = await t.gateway({ sandbox: true, drain_s: 1, keys: [...keys, { name: "admin", secret: "env:T_ADMIN", scopes: ["admin"] }] },
		{ env: { SHOP_KEY: KEY, CLICK_SECRET: SECRET, T_ADMIN: "bp_admin_0123456789abcdefghijk" } });
	await eventually("the line is registered", async () =>
		(await gw.api("GET", "/lines/sandbox", { headers: { Authorization: "Bearer bp_admin_0123456789abcdefghijk" } })).json?.state === "registered");
	return gw;
};

for (const [language, { path }] of Object.entries(SERVERS)) {
	test(`embed: the server in ${language} mints what the page of the document calls with`, async (t) => {
		const gw = await gateway(t);
		let post;
		const policy = /^script-src https:\/\/gateway\.example; connect-src.*$/m.exec(DOCUMENT)[0].replaceAll("https://gateway.example", gw.url);
		const site = await makeSite(t, gw.url, {
			html: block("html").replaceAll("https://gateway.example", gw.url), csp: `default-src 'none'; ${policy}; require-trusted-types-for 'script'`,
			mint: async (asked, where) => {
				const reply = await post(path, { body: JSON.stringify(asked), origin: where.url });
				ok(reply.status === 200, `${language}: ${reply.status}`);
				match(reply.headers.get("content-type"), /application\/json/);
				equal(reply.headers.get("cache-control"), "no-store");
				return reply.json();
			},
		});
		post = await run(t, language, site.url);
		const { press, reaches, call } = await open(t, site.url);
		await press();
		await reaches("talking");
		equal((await call()).to, "sim:answer");
		await press("hangup");
		await reaches("ended");

		const good = JSON.stringify({ to: "sales" });
		equal((await post(path, { body: good, origin: site.url })).status, 200);
		for (const [why, options] of [
			["another site", { body: good, origin: "https://evil.example" }],
			["no site", { body: good }],
			["another destination", { body: JSON.stringify({ to: "+49900123" }), origin: site.url }],
			["what every object has", { body: JSON.stringify({ to: "constructor" }), origin: site.url }],
			["nothing", { body: "", origin: site.url }],
			["no JSON", { body: "to=sales", origin: site.url }],
			["no object", { body: "null", origin: site.url }],
		])
			equal((await post(path, options)).status, 403, `${language}: ${why}`);
		ok((await post(path, { method: "GET", origin: site.url })).status >= 400, `${language}: GET`);
	});
}

test("embed: a token of POST /tokens may be handed on as it is", async (t) => {
	const gw = await gateway(t);
	const site = await makeSite(t, gw.url, {
		mint: async (asked, where) => (await gw.api("POST", "/tokens", { headers: { Authorization: `Bearer ${KEY}` }, body: { to: "sim:answer", origin: where.url } })).json,
	});
	const { press, reaches } = await open(t, site.url);
	await press();
	await reaches("talking");
	await press("hangup");
});

test("embed: the configuration is one", async (t) => {
	const gw = await t.gateway({ ...JSON.parse(/^```json\n(.*?)^```/ms.exec(DOCUMENT)[1]) }, { env: { SHOP_KEY: KEY, CLICK_SECRET: SECRET } });
	equal((await gw.api("GET", "/livez")).status, 200);
});

/* The words in backticks of the lines that a pattern finds. */
const ticked = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);
const section = (title) => new RegExp(`^## ${title}\\n(.*?)(?=^## |(?![^]))`, "ms").exec(DOCUMENT)[1];

test("embed: every text, attribute, colour, part, event and state of click.js is in its table", () => {
	const attributes = section("Attributes");
	const keys = [.../^\ten: \{\n(.*?)^\t\},/ms.exec(SOURCE)[1].matchAll(/"([a-z-]+)": /g)].map(([, key]) => key);
	const rows = attributes.slice(attributes.indexOf("The keys of"));
	equal(ticked(rows).filter((word) => /^[a-z-]+$/.test(word)).sort(), [...keys].sort(), "texts");
	const read = [...new Set([...SOURCE.matchAll(/getAttribute\("([a-z-]+)"\)/g)].map(([, name]) => name))].filter((name) => !/^(aria-|text-)/.test(name));
	for (const name of read)
		ok(attributes.includes(`| \`${name}\` |`), `the attribute ${name}`);

	const looks = section("Looks");
	const properties = [...new Set([...SOURCE.matchAll(/var\((--ctc-[a-z-]+)/g)].map(([name]) => name.slice(4)))].sort();
	equal([...new Set(ticked(looks.slice(0, looks.indexOf("```css"))).filter((word) => word.startsWith("--ctc-")))].sort(), properties, "colours");
	for (const color of ticked(looks).filter((word) => /^#[0-9a-f]{3,6}$/.test(word)))
		ok(SOURCE.includes(color), `${color} is no colour of click.js`);
	const parts = ticked(/^Parts.*$/m.exec(looks)[0]).filter((word) => word !== "::part()");
	for (const name of parts)
		ok(new RegExp(`(make|button|meter)\\("${name}"|part: "${name}"`).test(SOURCE), `the part ${name}`);

	const scripts = section("From scripts");
	for (const [, name] of SOURCE.matchAll(/#tell\("([a-z]+)"/g))
		ok(scripts.includes(`click-to-call:${name}`), `the event ${name}`);
	for (const [, name] of SOURCE.matchAll(/#become\("([a-z]+)"/g))
		ok(scripts.includes(`\`${name}\``), `the state ${name}`);
});

test("embed: what is seen is what the element says", () => {
	const english = /^\ten: \{\n(.*?)^\t\},/ms.exec(SOURCE)[1];
	for (const [, words] of section("When it doesn't work").matchAll(/^\| "([^"]+)"/gm))
		ok(english.includes(`"${words}"`), `"${words}" is said nowhere`);
});
