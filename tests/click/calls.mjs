/* tests/click/calls.mjs - one press, and somebody is on the line. */
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { open, shot } from "./browser.mjs";
import { calls, ended, makeShop } from "./shop.mjs";

const SIZE_MAX = 15_000;

test("click: the element is one file of less than 15 kB, and asks for no other", async () => {
	const text = readFileSync(new URL("../../web/click.js", import.meta.url), "utf8");
	const size = gzipSync(text, { level: 9 }).length;
	console.log(`# click.js: ${text.length} bytes, ${size} gzipped`);
	ok(size < SIZE_MAX, `${size} bytes gzipped`);
	ok(!/^\s*import\s|[^.]import\s*\(/m.test(text), "it imports something");
	const code = text.replace(/\/\*.*?\*\//gs, "");
	ok(!/innerHTML|outerHTML|insertAdjacentHTML|\beval\b|new Function|setAttribute\("style"/.test(code), "what a strict CSP forbids");
});

test("click: E5: on a foreign page with a strict CSP and nothing but a token, one talks, and hangs up", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { page, press, reaches, says, states, hears, call, part, errors } = await open(t, site.url);
	equal(site.minted, 0, "tokens before the press");
	await press();
	await reaches("talking");
	await shot(page, "talking");
	match(await says(), /You are connected\./);
	ok(await hears() > 0.01, "the echo is not heard");
	for (const name of ["mine", "theirs"])
		await page.waitForFunction((part) => Number(document.querySelector("click-to-call").shadowRoot.querySelector(`[part=${part}]`).getAttribute("aria-valuenow")) > 0, name);
	await part("clock").filter({ hasText: /^0:0[1-9]$/ }).waitFor();
	await page.waitForFunction(() => window.told.some(({ name, received }) => name === "quality" && received > 0));
	const { id } = await call();
	await press("hangup");
	await reaches("ended");
	match(await says(), /^You hung up\.$/);
	const last = await ended(gw, id);
	equal([last.status, last.ended_by, site.minted], ["completed", "api", 1]);
	equal(await states(), ["asking", "connecting", "ringing", "talking", "ended"]);
	equal(await errors(), []);
	equal(await page.evaluate(() => document.querySelector("click-to-call").shadowRoot.querySelector("audio").srcObject.getTracks().every(({ readyState }) => readyState === "ended")), true, "what came in is over");
});
