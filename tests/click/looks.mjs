/* tests/click/looks.mjs - who can use it, in which language, and how it looks. */
import { readFileSync } from "node:fs";

import { equal, match, ok, test } from "../wire/harness.mjs";
import { makeSite, open, shot } from "./browser.mjs";
import { makeGateway, makeShop } from "./shop.mjs";

const source = readFileSync(new URL("../../web/click.js", import.meta.url), "utf8");

/* What has the keyboard: its accessible name, as a screen reader would say it. */
const focused = (page) => page.evaluate(() => {
	const node = document.activeElement.shadowRoot?.activeElement ?? document.activeElement;
	return node.getAttribute("aria-label") ?? node.textContent.trim();
});

test("click: by keyboard alone: call, press digits, mute, hang up, call again", async (t) => {
	const { site } = await makeShop(t, "sim:answer");
	const { page, reaches, part, says } = await open(t, site.url);
	await page.keyboard.press("Tab");
	equal(await focused(page), "Call us");
	await page.keyboard.press("Enter");
	await reaches("talking");
	equal(await focused(page), "Call us", "the panel has the keyboard");
	for (const key of "1#")
		await page.keyboard.press(key);
	await part("keys").click();
	equal(await part("sent").textContent(), "Sent: 1#");
	ok(await part("pad").isVisible(), "the keypad is not there");
	await page.keyboard.press("Tab");
	await page.keyboard.press("Shift+Tab");
	equal(await focused(page), "Keypad");
	await part("pad").getByRole("button", { name: "5", exact: true }).click();
	await page.keyboard.press("*");
	equal(await part("sent").textContent(), "Sent: 1#5*");
	await part("mute").focus();
	await page.keyboard.press("Space");
	equal(await part("mute").getAttribute("aria-pressed"), "true");
	await page.keyboard.press("Tab");
	await page.keyboard.press("Tab");
	equal(await focused(page), "Hang up");
	await page.keyboard.press("Enter");
	await reaches("ended");
	equal(await focused(page), "Call again", "the keyboard's place");
	match(await says(), /You hung up/);
});

test("click: each step is said once to those who listen", async (t) => {
	const { site } = await makeShop(t, "sim:hangup");
	const { page, press, reaches } = await open(t, site.url);
	await page.evaluate(() => {
		window.spoken = [];
		const live = document.querySelector("click-to-call").shadowRoot.querySelector("[role=status]");
		new MutationObserver(() => window.spoken.push(live.textContent)).observe(live, { childList: true, characterData: true, subtree: true });
	});
	await press();
	await reaches("ended");
	const spoken = await page.evaluate(() => window.spoken.filter((text, at, all) => text !== all[at - 1]));
	equal(spoken, ["Please allow the microphone. Your browser is asking for it.", "Connecting", "It is ringing", "You are connected.", "They hung up."]);
});

test("click: the language is that of the page around it, and any other comes by attributes", async (t) => {
	const { site } = await makeShop(t, "sim:busy", { lang: "de-AT" });
	const { page, press, reaches, says, part } = await open(t, site.url);
	equal(await part("button").textContent(), "Anrufen");
	await press();
	await reaches("ended");
	match(await says(), /^Dort wird gerade gesprochen\. Bitte versuchen/);
	await page.evaluate(() => {
		const element = document.querySelector("click-to-call");
		element.setAttribute("text-busy", "Occupé.");
		element.setAttribute("text-try-later-hint", "Réessayez plus tard.");
		element.setAttribute("lang", "fr");
	});
	equal(await says(), "Occupé. Réessayez plus tard.");
	equal(await part("again").textContent(), "Call again", "what nobody said is English");
});

test("click: both languages have all words, and none that isn't used", async (t) => {
	const blocks = [...source.matchAll(/^\t(en|de): \{\n(.*?)^\t\},/gms)].map(([, name, text]) => [name, [...text.matchAll(/"([a-z-]+)": /g)].map(([, key]) => key)]);
	equal(blocks.map(([name]) => name), ["en", "de"]);
	equal(blocks[1][1], blocks[0][1], "the keys of German");
	const code = source.slice(source.indexOf("/* --- what the gateway says"));
	for (const key of blocks[0][1])
		ok(code.includes(`"${key}"`) || (key.endsWith("-hint") && code.includes(`"${key.slice(0, -5)}"`)) || ["asking", "asking-hint", "connecting"].includes(key), `${key} is used nowhere`);
});

/* Nobody's call: the element shows what it is told to. */
const scene = async (t, options = {}) => {
	const gw = await makeGateway(t);
	const site = await makeSite(t, gw.url, { attributes: options.attributes, csp: options.csp });
	return open(t, site.url, options);
};

for (const colorScheme of ["light", "dark"])
	for (const [device, viewport] of [["desktop", { width: 1280, height: 800 }], ["phone", { width: 320, height: 700 }]])
		test(`click: nothing serious for people with other senses (${device}, ${colorScheme})`, async (t) => {
			const { site } = await makeShop(t, "sim:answer", { csp: undefined, inside: '<a href="tel:+4930123456">+49 30 123456</a>' });
			const visitor = await open(t, site.url, { colorScheme, viewport, expected: ["401"] });
			const { page, press, reaches, serious, part } = visitor;
			const look = async (name) => {
				await shot(page, `${device}-${colorScheme}-${name}`);
				equal(await serious(), [], name);
				ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${name} is wider than the window`);
			};
			await look("idle");
			await press();
			await reaches("talking");
			await press("keys");
			await page.keyboard.press("7");
			await look("talking");
			await press("hangup");
			await reaches("ended");
			await look("ended");
			await page.evaluate(() => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "NotAllowedError"); }; });
			await press("again");
			await reaches("failed");
			await look("failed");
			await press("back");
			await part("input").fill("1");
			await look("number");
		});

test("click: a site's own colours, font and corners, and its choice of light or dark", async (t) => {
	const { page, part } = await scene(t, { colorScheme: "dark" });
	await page.evaluate(() => {
		const style = document.querySelector("click-to-call").style;
		for (const [name, value] of [["accent", "rgb(10, 20, 30)"], ["accent-ink", "rgb(250, 251, 252)"], ["radius", "3px"], ["font", "20px serif"]])
			style.setProperty(`--ctc-${name}`, value);
	});
	const look = () => part("button").evaluate((node) => {
		const { backgroundColor, color, borderRadius, fontSize, fontFamily } = getComputedStyle(node);
		return [backgroundColor, color, borderRadius, fontSize, fontFamily];
	});
	equal(await look(), ["rgb(10, 20, 30)", "rgb(250, 251, 252)", "3px", "20px", "serif"]);
	await page.evaluate(() => {
		const element = document.querySelector("click-to-call");
		element.removeAttribute("style");
		element.setAttribute("theme", "light");
	});
	equal((await look())[0], "rgb(23, 98, 74)", "light on a dark machine");
	await page.evaluate(() => document.querySelector("click-to-call").removeAttribute("theme"));
	equal((await look())[0], "rgb(132, 207, 174)", "as the machine has it");
});

test("click: nothing moves for those who asked for stillness", async (t) => {
	const { page, part } = await scene(t);
	const moving = () => page.evaluate(() => [...document.querySelector("click-to-call").shadowRoot.querySelectorAll("*")].filter((node) => getComputedStyle(node).animationName !== "none").length);
	await page.evaluate(() => { document.querySelector("click-to-call").shadowRoot.querySelector("[data-state]").dataset.state = "ringing"; });
	await part("panel").evaluate((node) => { node.hidden = false; });
	equal(await moving(), 0);
	await page.emulateMedia({ reducedMotion: "no-preference" });
	equal(await moving(), 1, "what moves otherwise");
});
