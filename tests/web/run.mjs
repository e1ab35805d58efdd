/* run.mjs - the page in a real browser, against the real gateway:
 *
 *   node tests/web/run.mjs build/bellpull
 *
 * Starts the binary with a configuration of its own (sandbox, free port, database
 * in a temporary folder) and drives Chromium. With BELLPULL_FAKE=1 fake.mjs stands
 * in for the binary, with ONLY=text only the tests run whose name has that text,
 * and with SHOTS=folder a picture is taken at the end of each.
 *
 * Whatever a test is about, it also fails on a violated CSP, an error on the
 * console that it did not expect, and a request to any other host. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

import { makeFake } from "./fake.mjs";
import { pairTests } from "./pair.mjs";

const FAKE = process.env.BELLPULL_FAKE === "1";
const BINARY = process.argv[2] && resolve(process.argv[2]);
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/* --- the gateway ---------------------------------------------------------- */

const freePort = async () => {
	const server = createServer().listen(0, "127.0.0.1");
	await once(server, "listening");
	const { port } = server.address();
	server.close();
	await once(server, "close");
	return port;
};

/* { url, start(), stop(signal), close() }: the same folder and port each time. */
const makeGateway = async (settings = {}, env = {}) => {
	const port = await freePort();
	const url = `http://127.0.0.1:${port}`;
	if (FAKE) {
		const fake = makeFake({ key: env.PAGE_KEY });
		return { url, start: () => fake.start(port), stop: fake.stop, close: fake.stop };
	}

	const folder = await mkdtemp(join(tmpdir(), "bellpull-page-"));
	const config = join(folder, "bellpull.json");
	await writeFile(config, JSON.stringify({
		http: { listen: [`127.0.0.1:${port}`] },
		store: { url: `sqlite:${join(folder, "bellpull.db")}` },
		sandbox: true,
		...settings,
	}));

	let process_;
	let said = "";
	const stop = async (signal = "SIGTERM") => {
		if (!process_ || process_.exitCode !== null || process_.signalCode)
			return;
		process_.kill(signal);
		await once(process_, "exit");
	};
	const start = async () => {
		process_ = spawn(BINARY, ["--config", config], { cwd: folder, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
		for (const output of [process_.stdout, process_.stderr])
			output.on("data", (bytes) => { said = (said + bytes).slice(-4000); });
		for (let tries = 0; tries < 100; tries += 1) {
			if (process_.exitCode !== null)
				throw new Error(`the gateway ended with ${process_.exitCode}: ${said}`);
			const ready = await fetch(`${url}/livez`).then((reply) => reply.ok, () => false);
			if (ready)
				return;
			await sleep(100);
		}
		throw new Error(`the gateway did not come up: ${said}`);
	};
	const close = async () => {
		await stop();
		await rm(folder, { recursive: true, force: true });
	};
	return { url, start, stop, close };
};

/* --- the browser ----------------------------------------------------------- */

const browser = await chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/* A page that writes down what it should not do. `expected`: what the console may
 * say (the browser itself reports each 4xx and each lost connection there). */
const openPage = async (url, path, { expected = [], ...options } = {}) => {
	const context = await browser.newContext(options);
	const page = await context.newPage();
	const wrong = [];
	context.setDefaultTimeout(8000);
	page.on("pageerror", (error) => wrong.push(`page error: ${error.message}`));
	page.on("console", (message) => {
		if (message.type() === "error" && !expected.some((text) => message.text().includes(text)))
			wrong.push(`console: ${message.text()}`);
	});
	page.on("request", (request) => {
		if (new URL(request.url()).origin !== url)
			wrong.push(`foreign request: ${request.url()}`);
	});
	if (options.javaScriptEnabled !== false) {
		await page.exposeFunction("cspViolated", (what) => wrong.push(`CSP: ${what}`));
		await page.addInitScript(() => document.addEventListener("securitypolicyviolation",
			(event) => window.cspViolated(`${event.violatedDirective} ${event.blockedURI}`)));
	}
	await page.goto(url + path);
	return { page, context, wrong };
};

const card = (page, to) => page.locator("call-card", { has: page.getByRole("heading", { name: to, exact: true }) }).first();
const status = (page, to, text) => card(page, to).locator(".status", { hasText: text }).waitFor();
const steps = (at) => at.locator(".cord li").evaluateAll((rows) => rows.map((row) => row.dataset.type));
const place = async (page, to) => {
	await page.getByLabel("Number, extension").fill(to);
	await page.keyboard.press("Enter");
};
const live = (page) => page.locator('#stream[data-state="live"]').waitFor();

const serious = async (page) => {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() => window.axe.run(document));
	return violations
		.filter(({ impact }) => impact === "serious" || impact === "critical")
		.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`);
};

/* --- the tests: in this order, on one gateway ------------------------------- */

const ANSWERED = ["call.queued", "leg.initiated", "leg.ringing", "leg.answered", "call.bridged"];
const LOST = ["ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_EMPTY_RESPONSE", "ERR_CONNECTION_RESET"];
const gateway = await makeGateway();
const { url } = gateway;
const tests = [];
const test = (name, options, body) => tests.push({ name, options, body });

test("an empty list tells how to try it", {}, async ({ page }) => {
	await page.locator("#empty").waitFor();
	assert.match(await page.locator("#try-call").textContent(), new RegExp(`^curl .*853.* ${url}/calls$`));
	await page.getByText("Registered", { exact: true }).first().waitFor();
});

test("a call to 853 moves step by step and ends", {}, async ({ page }) => {
	await live(page);
	await place(page, "853");
	await status(page, "853", "Ringing");
	assert.deepEqual((await steps(card(page, "853"))).slice(0, 3), ANSWERED.slice(0, 3), "the steps come as they happen, not at the end");
	await status(page, "853", "In progress");
	const clock = card(page, "853").locator(".clock");
	const early = await clock.textContent();
	await page.waitForFunction(([node, text]) => node.textContent !== text, [await clock.elementHandle(), early]);
	await card(page, "853").locator(".status", { hasText: "Completed" }).waitFor({ timeout: 20000 });
	assert.deepEqual(await steps(card(page, "853")), [...ANSWERED, "call.ended"]);
	assert.match(await card(page, "853").textContent(), /They hung up\./);
	assert.match(await page.locator("#said").textContent(), /Call to 853: Completed/);
	assert.equal(await page.locator("#empty").isVisible(), false);
});

test("a sandbox phone is one press away, and busy is said in words", {}, async ({ page }) => {
	await page.locator(".chip", { hasText: /^busy/ }).click();
	await status(page, "sim:busy", "Busy");
	const text = await card(page, "sim:busy").textContent();
	assert.match(text, /They are on another call\./);
	assert.match(text, /Try again/);
	assert.match(text, /486/);
});

test("an unknown number is said in words", {}, async ({ page }) => {
	await place(page, "sim:not-found");
	await status(page, "sim:not-found", "Failed");
	assert.match(await card(page, "sim:not-found").textContent(), /Nobody has this number\..*404/);
});

test("a call is placed and hung up by keyboard alone", {}, async ({ page }) => {
	const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.id);
	const tabTo = async (name) => {
		for (let presses = 0; presses < 60; presses += 1) {
			await page.keyboard.press("Tab");
			if (await focused() === name)
				return;
		}
		assert.fail(`the Tab key never reaches ${name}`);
	};
	await live(page);
	await tabTo("to");
	await page.keyboard.type("sim:answer");
	await page.keyboard.press("Enter");
	await status(page, "sim:answer", "In progress");
	await tabTo("Hang up the call to sim:answer");
	await page.keyboard.press("Enter");
	await status(page, "sim:answer", "Completed");
	assert.match(await card(page, "sim:answer").textContent(), /You hung up\./);
	assert.equal(await focused(), "Call again: sim:answer", "the keyboard keeps its place");
});

test("a ringing call can be cancelled", {}, async ({ page }) => {
	await place(page, "sim:no-answer");
	await status(page, "sim:no-answer", "Ringing");
	await card(page, "sim:no-answer").getByRole("button", { name: "Hang up" }).click();
	await status(page, "sim:no-answer", "Cancelled");
	await card(page, "sim:no-answer").getByText("cancelled before it was answered").waitFor();
});

test("a mistake is shown at its field", { expected: ["422"] }, async ({ page, context }) => {
	const dialled = async () => (await (await context.request.get(`${url}/calls`)).json()).data.map(({ id }) => id);
	await live(page);
	const before = await dialled();
	await place(page, "85 x");
	const field = page.getByLabel("Number, extension");
	await page.locator("#to-wrong").waitFor();
	assert.equal(await field.getAttribute("aria-invalid"), "true");
	assert.equal(await field.getAttribute("aria-describedby"), "to-wrong");
	assert.equal(await page.evaluate(() => document.activeElement.id), "to");

	await field.fill("853");
	assert.equal(await page.locator("#to-wrong").count(), 0, "it goes when the field is mended");
	await page.getByText("More", { exact: true }).click();
	await page.getByLabel("Let it ring").fill("999");
	await page.keyboard.press("Enter");
	await page.locator("#ring-wrong").waitFor();
	assert.match(await page.locator("#ring-wrong").textContent(), /1 .* 300|300/);
	assert.deepEqual(await dialled(), before, "nothing was dialled");
});

test("a reload keeps the list, and the steps of old calls can be read", {}, async ({ page }) => {
	const titles = () => page.locator("call-card h3").allTextContents();
	await page.locator("call-card").first().waitFor();
	const before = await titles();
	assert.ok(before.length >= 1);
	await page.reload();
	await page.locator("call-card").first().waitFor();
	assert.deepEqual(await titles(), before);
	await card(page, "853").locator(".steps > summary").first().click();
	await card(page, "853").locator('[data-type="call.ended"]').waitFor();
	assert.deepEqual(await steps(card(page, "853")), [...ANSWERED, "call.ended"]);
});

test("a call's own page has its facts, its ladder and its events", {}, async ({ page }) => {
	await card(page, "sim:busy").getByRole("link", { name: "sim:busy" }).click();
	await page.waitForURL(/\/calls\/call_/);
	await page.getByRole("heading", { level: 1, name: "sim:busy" }).waitFor();
	await page.locator(".ladder li").first().waitFor();
	const rungs = await page.locator(".ladder .label").allTextContents();
	assert.equal(rungs[0], "INVITE");
	assert.ok(rungs.some((rung) => /^486 /.test(rung)));
	await page.locator(".ladder summary").first().click();
	assert.match(await page.locator(".ladder pre").first().textContent(), /Call-ID: /i);
	assert.match(await page.locator("call-page").textContent(), /call_[0-9A-Z]{26}/);
	const events = await page.locator(".raw code").allTextContents();
	assert.equal(events[0], "call.queued");
	assert.equal(events.at(-1), "call.ended");
	assert.equal(events.filter((type) => type === "call.ended").length, 1);
});

test("what others wrote into a call stays text", {}, async ({ page, context }) => {
	const evil = "</dd><img src=x onerror=alert(1)><script>alert(2)</script>";
	const reply = await context.request.post(`${url}/calls`, { data: { to: "sim:busy", client_state: evil, metadata: { note: evil } } });
	assert.equal(reply.status(), 201);
	await page.goto(`${url}/calls/${(await reply.json()).id}`);
	await page.locator("call-page dd", { hasText: evil }).first().waitFor();
	assert.equal(await page.locator("call-page img, call-page script").count(), 0);

	const plain = await (await context.request.get(page.url(), { headers: { Accept: "text/html" } })).text();
	assert.ok(!plain.includes("<img src=x"), "the page for those without scripts too");
});

test("a call that is not known says so", { path: "/calls/call_00000000000000000000000000", expected: ["404"] }, async ({ page }) => {
	await page.getByText(/not known here|no call of this id/).waitFor();
});

test("without scripts the form leads to the call's page, with its facts", { javaScriptEnabled: false }, async ({ page }) => {
	await page.getByLabel("Number, extension").fill("sim:answer");
	await page.getByRole("button", { name: "Call", exact: true }).click();
	await page.waitForURL(/\/calls\/call_/);
	await page.locator("dl.facts").getByText("sim:answer").first().waitFor();
	await page.getByRole("link", { name: "Look again" }).click();
	await page.locator("dl.facts").first().waitFor();
	await page.getByRole("button", { name: "Hang up" }).click();
	await page.locator("dl.facts").getByText(/^(completed|canceled)$/).waitFor();
});

test("a gateway that comes back brings what was missed, once", { expected: LOST }, async ({ page }) => {
	const before = await page.locator("call-card").count();
	await place(page, "sim:answer");
	await page.waitForFunction((count) => document.querySelectorAll("call-card").length > count, before);
	await status(page, "sim:answer", "In progress");
	await gateway.stop("SIGKILL");
	await page.locator('#stream[data-state="lost"]').waitFor();
	await gateway.start();
	await page.locator('#stream[data-state="live"]').waitFor({ timeout: 20000 });
	await status(page, "sim:answer", "Completed");
	await card(page, "sim:answer").getByText("The gateway was restarted during the call.").waitFor();
	assert.deepEqual(await steps(card(page, "sim:answer")), [...ANSWERED, "call.ended"]);

	await place(page, "sim:busy");
	await status(page, "sim:busy", "Busy");
});

test("the reference lists the operations", { path: "/api.html" }, async ({ page }) => {
	await page.locator("#createCall > summary").click();
	await page.locator("#createCall").getByText("to", { exact: true }).first().waitFor();
	assert.deepEqual(await serious(page), []);
});

for (const colorScheme of ["light", "dark"])
	test(`nothing serious for people with other senses (${colorScheme})`, { colorScheme, reducedMotion: "reduce" }, async ({ page }) => {
		await page.locator("call-card").first().waitFor();
		await page.getByText("More", { exact: true }).click();
		assert.deepEqual(await serious(page), []);
		await card(page, "sim:busy").getByRole("link", { name: "sim:busy" }).click();
		await page.locator(".ladder li").first().waitFor();
		assert.deepEqual(await serious(page), []);
	});

for (const width of [320, 390, 768])
	test(`nothing is cut off at ${width} pixels`, { viewport: { width, height: 800 } }, async ({ page }) => {
		const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
		await page.locator("call-card").first().waitFor();
		assert.ok(await overflow() <= 0, "the list");
		await page.locator("#stream").evaluate((node) => { node.textContent = "Reconnecting"; });
		assert.ok(await overflow() <= 0, "the list while the stream is lost");
		await card(page, "sim:busy").getByRole("link", { name: "sim:busy" }).click();
		await page.locator(".ladder summary").first().click();
		assert.ok(await overflow() <= 0, "the call's page");
	});

test("every file of the page is served, and its headers forbid what it does not need", {}, async ({ context }) => {
	const files = (await Promise.all(["", "lib/", "elements/"].map(async (folder) =>
		(await readdir(new URL(`../../web/${folder}`, import.meta.url))).filter((name) => name.includes(".")).map((name) => `/${folder}${name}`)))).flat();
	assert.ok(files.includes("/call.css") && files.includes("/lib/ladder.js"));
	for (const path of ["/", ...files.filter((file) => file !== "/index.html")]) {
		const reply = await context.request.get(url + path);
		assert.equal(reply.status(), 200, path);
		const policy = reply.headers()["content-security-policy"];
		assert.match(policy, /default-src '(none|self)'/, path);
		assert.doesNotMatch(policy, /unsafe|\*/, path);
	}
});

test("with keys the page asks for one, and a wrong one stays outside", { own: true }, async () => {
	const guarded = await makeGateway({ keys: [{ name: "page", secret: "env:PAGE_KEY" }] }, { PAGE_KEY: "a-key-of-thirty-two-characters-00" });
	let context;
	try {
		await guarded.start();
		const opened = await openPage(guarded.url, "/", { expected: ["401"] });
		const { page, wrong } = opened;
		context = opened.context;
		await page.getByLabel("Key", { exact: true }).fill("wrong-key-of-thirty-two-characters");
		await page.keyboard.press("Enter");
		await page.getByText("not known here").waitFor();
		assert.deepEqual(await serious(page), []);
		await page.getByLabel("Key", { exact: true }).fill("a-key-of-thirty-two-characters-00");
		await page.keyboard.press("Enter");
		await page.getByText("Registered", { exact: true }).first().waitFor();
		await live(page);
		await place(page, "sim:busy");
		await status(page, "sim:busy", "Busy");
		assert.deepEqual(wrong, []);
	} finally {
		await context?.close();
		await guarded.close();
	}
});

/* Stories that the gateway cannot tell yet run only when ONLY names them. */
const later = (name, options, body) => {
	if (process.env.ONLY && name.includes(process.env.ONLY))
		test(name, options, body);
};

pairTests({ test, later, card, status, steps, live, serious });

/* --- running them ------------------------------------------------------------- */

const run = async ({ name, options: { path = "/", own, fake: faked, ...options }, body }) => {
	if (own)
		return body();
	const fake = faked && makeFake(); /* a gateway of its own, that only looks like one */
	const opened = await openPage(fake ? `http://127.0.0.1:${await fake.start()}` : url, path, options);
	try {
		await body(opened);
		assert.deepEqual(opened.wrong, []);
	} finally {
		if (process.env.SHOTS)
			await opened.page.screenshot({ path: join(process.env.SHOTS, `${name.replace(/\W+/g, "-")}.png`), fullPage: true }).catch(() => {});
		await opened.context.close();
		if (fake)
			await fake.stop();
	}
};

let passed = 0;
let failed = 0;
try {
	await gateway.start();
	for (const one of tests.filter(({ name }) => name.includes(process.env.ONLY ?? "")))
		try {
			await run(one);
			passed += 1;
			console.log(`ok page: ${one.name}`);
		} catch (error) {
			failed += 1;
			console.log(`FAILED page: ${one.name}: ${String(error.message).replaceAll("\n", " ").slice(0, 600)}`);
		}
} catch (error) {
	failed += 1;
	console.log(`FAILED page: ${error.message}`);
} finally {
	await browser.close();
	await gateway.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
