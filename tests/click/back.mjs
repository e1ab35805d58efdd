/* tests/click/back.mjs - a visitor whose browser can't call is called back (E6). */
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { open, shot } from "./browser.mjs";
import { calls, ended, makeShop } from "./shop.mjs";

const without = { init: () => { delete window.RTCPeerConnection; } };
const PHONE = '<a href="tel:+4930123456">+49 30 123456</a>';

test("click: E6: without WebRTC the visitor is called back at his number", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { page, press, reaches, says, states, call, part, serious } = await open(t, site.url, { ...without, expected: ["403"] });
	await press();
	await reaches("number");
	await shot(page, "number");
	match(await says(), /^Call me back This browser cannot make calls\./);
	equal(await page.evaluate(() => document.querySelector("click-to-call").shadowRoot.activeElement?.id), "number", "the keyboard's place");
	equal(await serious(), []);
	await page.keyboard.press("Enter");
	equal([await states(), site.minted], [["number"], 0], "an empty field asks nothing");

	await page.keyboard.type("+33 1 23 45 67 89");
	await page.keyboard.press("Enter");
	await part("hint").filter({ hasText: "country code" }).waitFor();
	match(await says(), /^This number cannot be called back\./);
	equal(await part("input").getAttribute("aria-invalid"), "true");
	equal((await calls(gw)).length, 0, "calls");

	await part("input").fill(" 8-53 ");
	await page.keyboard.press("Enter");
	await reaches("yours");
	equal(await says(), "Your phone is ringing: please pick up.");
	await reaches("talking");
	match(await says(), /talk on your phone/);
	for (const name of ["mute", "keys", "meters"])
		ok(!await part(name).isVisible(), `${name} is for who talks here`);
	const placed = await call();
	equal([placed.from, placed.to], ["853", "sim:answer"]);
	await press("hangup");
	await reaches("ended");
	equal((await ended(gw, placed.id)).ended_by, "api");
});

test("click: E6: a visitor who is called back may close the page", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { page, press, reaches, part, call } = await open(t, site.url, without);
	await press();
	await part("input").fill("853");
	await press("me");
	await reaches("talking");
	const { id } = await call();
	await page.goto("about:blank");
	const last = await ended(gw, id); /* 853 hangs up by itself */
	equal(last.ended_by, "from");
});

test("click: call-back=only asks for the number at once, off never does", async (t) => {
	const { site } = await makeShop(t, "sim:answer", { attributes: 'call-back="only"', inside: PHONE });
	const { page, press, reaches, says, part } = await open(t, site.url, without);
	await press();
	await reaches("number");
	await press("close");
	await reaches("idle");
	await page.evaluate(() => document.querySelector("click-to-call").setAttribute("call-back", "off"));
	await press();
	await reaches("failed");
	match(await says(), /^This browser cannot make calls\./);
	ok(!await part("back").isVisible(), "a call back is offered");
	ok(await page.getByText("+49 30 123456").isVisible(), "the site's own number is not shown");
});

test("click: without scripts the site's own number is there", async (t) => {
	const { site } = await makeShop(t, "sim:answer", { inside: PHONE });
	const { chromium } = await import("playwright-core");
	const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
	t.later(() => browser.close());
	const page = await (await browser.newContext({ javaScriptEnabled: false })).newPage();
	await page.goto(site.url);
	ok(await page.getByText("+49 30 123456").isVisible(), "it is not");
	await eventually("its link", () => page.getByRole("link", { name: "+49 30 123456" }).isVisible());
});
