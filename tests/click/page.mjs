/* tests/click/page.mjs - our own page: the echo of the sandbox, called by one's own
 * voice. */
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { open, shot } from "./browser.mjs";

const KEY = "a-key-of-thirty-two-characters-00";

const page = async (t, options = {}) => {
	const gw = await t.gateway({ sandbox: true, drain_s: 1 });
	const visitor = await open(t, gw.url, options);
	await visitor.page.getByText("Registered", { exact: true }).first().waitFor();
	return { gw, ...visitor };
};

const SCREENS = { desktop: { width: 1280, height: 1000 }, phone: { width: 390, height: 844 } };

for (const [device, colorScheme] of Object.keys(SCREENS).flatMap((name) => [[name, "light"], [name, "dark"]]))
	test(`page: one calls the echo, hears it, and sees the messages and the quality meanwhile (${device}, ${colorScheme})`, async (t) => {
		const { page: at, press, reaches, hears, serious, call, says } = await page(t, { viewport: SCREENS[device], colorScheme });
		await shot(at, `page-${device}-${colorScheme}-before`);
		equal(await serious(), [], "before");
		await press();
		await reaches("talking");
		ok(await hears() > 0.01, "the echo is not heard");
		const below = at.locator("echo-call");
		await eventually("the messages so far", async () => {
			const rungs = await below.locator(".ladder .label").allTextContents();
			return rungs[0] === "INVITE" && rungs.includes("200 OK") && !rungs.includes("BYE");
		});
		await below.getByText("You hear").waitFor();
		await eventually("the gateway's measure", async () => /\d+ of \d+ lost/.test(await below.locator(".sound dd").last().textContent()));
		const { id } = await call();
		await at.locator(`call-card a[href="/calls/${id}"]`).waitFor();
		await shot(at, `page-${device}-${colorScheme}-talking`);
		equal(await serious(), [], "while talking");
		ok(await at.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "something is wider than the window");
		await press("hangup");
		await reaches("ended");
		match(await says(), /You hung up/);
		await below.locator(".ladder .label", { hasText: "BYE" }).waitFor();
		await below.getByText("How it sounded").waitFor();
		await shot(at, `page-${device}-${colorScheme}-ended`);
	});

test("page: a refused microphone is said there, too, and the form goes on", async (t) => {
	const { page: at, press, reaches, says, serious } = await page(t, { microphone: false });
	await press();
	await reaches("failed");
	match(await says(), /microphone was not allowed/);
	equal(await serious(), []);
	await at.getByLabel("Number, extension").fill("sim:busy");
	await at.keyboard.press("Enter");
	await at.locator("call-card .status", { hasText: "Busy" }).waitFor();
});

test("page: with keys the session that is signed in calls the echo", async (t) => {
	const gw = await t.gateway({ sandbox: true, drain_s: 1, keys: [{ name: "page", secret: "env:PAGE_KEY" }] }, { env: { PAGE_KEY: KEY } });
	const { page: at, press, reaches } = await open(t, gw.url, { expected: ["401"] });
	await at.getByLabel("Key", { exact: true }).fill(KEY);
	await at.keyboard.press("Enter");
	await at.getByText("Registered", { exact: true }).first().waitFor();
	await press();
	await reaches("talking");
	await press("hangup");
	await reaches("ended");
});

test("page: without the sandbox there is no echo to call", async (t) => {
	const gw = await t.gateway({ lines: [{ name: "desk", user: "1", domain: "127.0.0.1", port: 9, register: false }] });
	const { page: at } = await open(t, gw.url);
	await at.locator("line-status").first().waitFor();
	ok(await at.locator("#voice").isHidden(), "it is offered");
});
