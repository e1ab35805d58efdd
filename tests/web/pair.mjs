/* pair.mjs - the page with two people in a call, for run.mjs.
 *
 * Most of it is told by fake.mjs, whatever run.mjs drives else: every event, every
 * refusal and each moment between them can be had from it in a second. */
import assert from "node:assert/strict";

/* What the page sends to `path` when `act` is done. */
const sent = async (page, path, act) => {
	const request = page.waitForRequest((one) => one.method() === "POST" && new URL(one.url()).pathname.match(path));
	await act();
	return (await request).postDataJSON();
};

const ring = async (page, from, to) => {
	await page.getByLabel("From:").fill(from);
	await page.getByLabel("To:").fill(to);
	await page.keyboard.press("Enter");
};

const legs = (card) => card.locator("call-legs .leg").evaluateAll((nodes) =>
	nodes.map((node) => `${node.dataset.role} ${node.querySelector(".who").textContent}: ${node.querySelector(".standing").textContent}`));
const shows = (card, role, text) => card.locator(`.leg[data-role="${role}"] .standing`, { hasText: text }).first().waitFor();
const has = (card, type) => card.locator(`.cord [data-type="${type}"]`).first().waitFor();
const controls = (card) => card.locator(".bar button:visible").allTextContents();

export const pairTests = ({ test, later, card, status, steps, live, serious }) => {
	const up = async (page, from = "sim:answer", to = "sim:answer", scheme = "") => {
		await live(page);
		await ring(page, from, scheme + to);
		const one = card(page, `${from} to ${to}`);
		await status(page, `${from} to ${to}`, "In progress");
		return one;
	};
	const fake = { fake: true };

	test("two people: the form sends what it says, and no more", fake, async ({ page }) => {
		await live(page);
		await page.getByText("More", { exact: true }).click();
		assert.deepEqual(await sent(page, "/calls", () => ring(page, "sim:answer", "853")), { to: "853", from: "sim:answer" });
		await page.getByLabel("Who is rung first", { exact: true }).selectOption("to");
		await page.getByLabel("Key to confirm with").fill("1");
		await page.getByLabel("Ringing tone").fill("de");
		await page.getByLabel("How they are joined").selectOption("direct");
		await page.getByLabel("Keys to send").fill("ww200#");
		await page.getByLabel("answers by itself").check();
		await page.getByLabel("Record the call").check();
		assert.deepEqual(await sent(page, "/calls", () => ring(page, "sim:answer", "853")), {
			to: "853", from: "sim:answer", first: "to", confirm: { digit: "1" }, ringback: "de", join: "direct",
			send_digits: "ww200#", auto_answer: true, record: true,
		});
	});

	test("two people: sandbox phones are suggested, and a pair is one press away", fake, async ({ page }) => {
		await page.locator("#phones option").first().waitFor({ state: "attached" });
		const suggested = await page.locator("#phones option").evaluateAll((options) => options.map(({ value }) => value));
		assert.ok(["853", "sim:busy", "sim:forked", "sim:press-1"].every((name) => suggested.includes(name)));
		assert.equal(await page.getByLabel("From:").getAttribute("list"), "phones");
		const order = await sent(page, "/calls", () => page.locator(".chip", { hasText: "answer \u2192 busy" }).click());
		assert.deepEqual(order, { to: "sim:busy", from: "sim:answer", line: "sandbox" });
		const next = await sent(page, "/calls", () => page.locator(".chip", { hasText: /^853 rings/ }).click());
		assert.deepEqual(next, { to: "853", line: "sandbox" }, "one alone, as before");
	});

	test("two people: what the gateway refuses stands at its field", { ...fake, expected: ["422"] }, async ({ page }) => {
		await live(page);
		await ring(page, "no phone", "853");
		await page.locator("#from-wrong").waitFor();
		assert.equal(await page.evaluate(() => document.activeElement.id), "from");
		await page.getByText("More", { exact: true }).click();
		await page.getByLabel("Key to confirm with").fill("1");
		await page.getByLabel("Ringing tone").fill("de");
		await page.getByText("More", { exact: true }).click();
		await ring(page, "", "853");
		await page.locator("#confirm-wrong").waitFor();
		assert.match(await page.locator("#confirm-wrong").textContent(), /needs from/i);
		await page.locator("#ringback-wrong").waitFor();
		assert.equal(await page.locator("#from-wrong").count(), 0, "it was mended");
	});

	test("two people: both legs side by side, step by step", fake, async ({ page }) => {
		await live(page);
		await ring(page, "sim:answer", "853");
		const one = card(page, "sim:answer to 853");
		await status(page, "sim:answer to 853", "First phone ringing");
		assert.deepEqual(await legs(one), ["from sim:answer: Ringing", "to 853: Not rung yet"]);
		assert.deepEqual(await controls(one), []);
		await status(page, "sim:answer to 853", "Second phone ringing");
		assert.deepEqual(await legs(one), ["from sim:answer: On the line", "to 853: Ringing"]);
		await status(page, "sim:answer to 853", "In progress");
		assert.match(await one.locator('.leg[data-role="to"]').textContent(), /opus\/48000/);
		const [left, right] = await Promise.all([0, 1].map((n) => one.locator(".side").nth(n).boundingBox()));
		assert.ok(left.y === right.y && left.x + left.width <= right.x, "side by side");
		await one.locator(".status", { hasText: "Completed" }).waitFor();
		await one.getByText("853 hung up.").waitFor();
		assert.match(await one.locator('.leg[data-role="from"]').textContent(), /very good \(4\.3\)/);
		assert.deepEqual(await steps(one), ["call.queued", "leg.initiated", "leg.ringing", "leg.answered", "leg.initiated", "leg.ringing", "leg.answered", "call.bridged", "leg.ended", "leg.ended", "call.ended"]);
		assert.deepEqual(await one.locator(".lane rect").evaluateAll((bars) => bars.map(({ dataset }) => dataset.kind)), ["dial", "ring", "wait", "talk", "dial", "ring", "talk"]);
		assert.match(await one.locator(".lane svg").first().getAttribute("aria-label"), /^sim:answer: was dialled .* rang .* waited .* talked /);
		assert.match(await page.locator("#said").textContent(), /Call from sim:answer to 853: Completed\. 853 hung up\./);
	});

	test("two people: whoever is busy is named, and Call again rings both", fake, async ({ page }) => {
		await live(page);
		await ring(page, "sim:answer", "sim:busy");
		const one = card(page, "sim:answer to sim:busy");
		await one.getByText("sim:busy is on another call.").waitFor();
		assert.deepEqual(await legs(one), ["from sim:answer: Hung up", "to sim:busy: Busy"]);
		assert.match(await one.locator('.leg[data-role="to"]').textContent(), /486 Busy Here/);
		const order = await sent(page, "/calls", () => one.getByRole("button", { name: "Call again" }).click());
		assert.deepEqual(order, { to: "sim:busy", from: "sim:answer", line: "sandbox" });
	});

	test("two people: a key confirms, a voicemail does not", fake, async ({ page }) => {
		await live(page);
		await page.getByText("More", { exact: true }).click();
		await page.getByLabel("Key to confirm with").fill("7");
		await ring(page, "sim:press-1", "sim:no-answer");
		const pressed = card(page, "sim:press-1 to sim:no-answer");
		await shows(pressed, "from", "Asked to press the key");
		await has(pressed, "call.confirm.passed");
		await pressed.getByText("sim:press-1 pressed 7").waitFor();
		await shows(pressed, "to", "Ringing");

		await ring(page, "sim:voicemail", "853");
		const silent = card(page, "sim:voicemail to 853");
		await has(silent, "call.confirm.failed");
		await silent.getByText("sim:voicemail picked up, but did not press the key.").waitFor();
		assert.deepEqual(await legs(silent), ["from sim:voicemail: No answer", "to 853: Never rung"]);
	});

	test("in the call: each control asks for what it says", fake, async ({ page }) => {
		const one = await up(page);
		const press = (path, name) => sent(page, path, () => one.getByRole("button", { name, exact: true }).click());
		const pressed = (name) => one.getByRole("button", { name, exact: true, pressed: true }).waitFor();
		assert.deepEqual(await controls(one), ["Hold both", "Keypad", "Transfer", "Play", "Record"]);

		assert.deepEqual(await press(/\/hold$/, "Hold both"), {});
		await status(page, "sim:answer to sim:answer", "On hold");
		await pressed("Hold both");
		assert.deepEqual(await press(/\/unhold$/, "Hold both"), {});
		await status(page, "sim:answer to sim:answer", "In progress");

		const side = (role) => one.locator(`.leg[data-role="${role}"]`);
		const toggle = (role, path, text) => sent(page, path, () => side(role).getByRole("button", { name: text }).click());
		assert.deepEqual(await toggle("from", /\/mute$/, "Mute"), { leg: "from" });
		await side("from").getByText("Muted").waitFor();
		assert.deepEqual(await toggle("from", /\/unmute$/, "Mute"), { leg: "from" });
		await side("from").getByText("Muted").waitFor({ state: "hidden" });
		assert.deepEqual(await toggle("to", /\/hold$/, "Hold"), { leg: "to" });
		await shows(one, "to", "On hold");
		assert.deepEqual(await toggle("to", /\/unhold$/, "Hold"), { leg: "to" });
		await shows(one, "to", "On the line");

		await one.getByRole("button", { name: "Keypad" }).click();
		assert.deepEqual(await press(/\/dtmf$/, "5"), { digits: "5", leg: "to" });
		await one.locator(".keypad").getByLabel("Who hears it").selectOption("from");
		assert.deepEqual(await press(/\/dtmf$/, "Hash"), { digits: "#", leg: "from" });
		await one.getByLabel("Several keys").fill("1234#");
		assert.deepEqual(await press(/\/dtmf$/, "Send keys"), { digits: "1234#", leg: "from" });

		await one.getByRole("button", { name: "Play", exact: true }).click();
		await one.getByLabel("WAV file").fill("welcome.wav");
		assert.deepEqual(await press(/\/play$/, "Play it"), { play: "welcome.wav" });
		await has(one, "call.playback.ended");

		assert.deepEqual(await press(/\/record$/, "Record"), { on: true });
		await pressed("Record");
		assert.deepEqual(await press(/\/record$/, "Record"), { on: false });
		await has(one, "call.recording.saved");
		const path = await one.locator("audio").getAttribute("src");
		assert.match(path, /^\/calls\/call_\w+\/recording$/);
		assert.equal(await one.getByRole("link", { name: "Download" }).getAttribute("href"), path);
		assert.equal(await one.locator("audio").evaluate((audio) => new Promise((resolve) => {
			audio.onloadedmetadata = () => resolve("loaded");
			audio.onerror = () => resolve(`error ${audio.error.message}`);
			audio.preload = "auto";
			audio.load();
		})), "loaded", "the page's policy lets it play");

		await one.getByRole("button", { name: /^Hang up/ }).click();
		await one.getByText("You hung up.").waitFor();
		assert.deepEqual(await controls(one), []);
		assert.equal(await one.locator("audio").isVisible(), true);
	});

	test("in the call: a transfer, refused and done", fake, async ({ page }) => {
		const one = await up(page);
		const transfer = async (to, mode) => {
			await one.getByLabel("Transfer to").fill(to);
			await one.getByLabel("How").selectOption(mode);
			return sent(page, /\/transfer$/, () => one.getByRole("button", { name: "Transfer now" }).click());
		};
		await one.getByRole("button", { name: "Transfer", exact: true }).click();
		assert.deepEqual(await transfer("sim:busy", "attended"), { to: "sim:busy", mode: "attended", leg: "to" });
		await has(one, "call.transfer.failed");
		await one.getByText("Transfer failed, all is as before").waitFor();
		assert.deepEqual(await legs(one), ["from sim:answer: On the line", "from busy: Busy", "to sim:answer: On the line"]);

		await one.getByRole("button", { name: "Transfer", exact: true }).click();
		await one.getByLabel("Who stays").selectOption("from");
		assert.deepEqual(await transfer("853", "blind"), { to: "853", mode: "blind", leg: "from" });
		await status(page, "sim:answer to sim:answer", "Transferring");
		await has(one, "call.transfer.completed");
		await one.getByText("Transferred: 853 is in the call now").waitFor();
		assert.deepEqual((await legs(one)).slice(2), ["to sim:answer: Transferred away", "to 853: On the line"]);
		await one.getByText("853 hung up.").waitFor();
	});

	test("in the call: what the gateway refuses is said, and forgotten when it works", { ...fake, expected: ["422", "409"] }, async ({ page }) => {
		await live(page);
		await ring(page, "sim:answer", "sim:answer");
		const one = card(page, "sim:answer to sim:answer");
		await status(page, "sim:answer to sim:answer", "Second phone ringing");
		await one.getByRole("button", { name: "Keypad" }).click();
		await one.getByRole("button", { name: "1", exact: true }).click();
		await one.getByRole("alert").getByText("The call is second_ringing, so it can't do that now.").waitFor();
		await status(page, "sim:answer to sim:answer", "In progress");
		await one.getByRole("button", { name: "1", exact: true }).click();
		await one.getByRole("alert").waitFor({ state: "hidden" });
		await one.getByRole("button", { name: "Transfer", exact: true }).click();
		await one.getByRole("button", { name: "Transfer now" }).click();
		await one.getByRole("alert").getByText("To is missing: whom to transfer to").waitFor();
	});

	test("in the call: the keyboard keeps its place", fake, async ({ page }) => {
		const one = await up(page, "sim:answer", "853");
		const focused = () => page.evaluate(() => document.activeElement.textContent.trim() || document.activeElement.id);
		await one.getByRole("button", { name: "Keypad" }).focus();
		await page.keyboard.press("Enter");
		assert.equal(await focused(), "1");
		await page.keyboard.press("Escape");
		assert.equal(await focused(), "Keypad");
		const mute = one.getByRole("button", { name: "Mute 853" });
		await mute.focus();
		await sent(page, /\/mute$/, () => page.keyboard.press("Space"));
		await one.getByText("Muted").waitFor();
		assert.equal(await focused(), "Mute");
		await one.locator(".status", { hasText: "Completed" }).waitFor();
		assert.equal(await focused(), "Call again");
	});

	test("one leg: hold, mute and keys without a leg to choose", fake, async ({ page }) => {
		await live(page);
		await ring(page, "", "sim:answer");
		await status(page, "sim:answer", "In progress");
		const one = card(page, "sim:answer");
		assert.deepEqual(await controls(one), ["Hold", "Mute", "Keypad", "Play", "Record"]);
		assert.deepEqual(await sent(page, /\/mute$/, () => one.getByRole("button", { name: "Mute" }).click()), { leg: "to" });
		await one.getByText("Muted").waitFor();
		await one.getByRole("button", { name: "Keypad" }).click();
		assert.equal(await one.locator(".keypad").getByLabel("Who hears it").isVisible(), false);
		assert.deepEqual(await sent(page, /\/dtmf$/, () => one.getByRole("button", { name: "Star" }).click()), { digits: "*", leg: "to" });
	});

	test("the ladder moves while the call does, in the list", fake, async ({ page }) => {
		await live(page);
		await ring(page, "sim:answer", "853");
		const one = card(page, "sim:answer to 853");
		await one.locator(".messages > summary").click();
		await one.locator('.ladder [data-role="from"] .label', { hasText: "180 Ringing" }).waitFor();
		assert.deepEqual(await one.locator(".ends span").allTextContents(), ["sim:answer", "Bellpull", "853"]);
		assert.equal(await one.locator('.ladder [data-role="to"]').count(), 0);

		/* a message that was opened stays open while others come */
		const first = one.locator(".ladder summary").first();
		await first.focus();
		await page.keyboard.press("Enter");
		await one.locator('.ladder [data-role="to"] .label', { hasText: "200 OK" }).first().waitFor();
		assert.match(await one.locator(".ladder pre").first().textContent(), /^INVITE sip:answer@/);
		assert.equal(await one.locator(".ladder details").first().evaluate(({ open }) => open), true);

		assert.equal(await one.locator('.ladder li[data-again]').count(), 1);
		assert.match(await one.locator(".ladder li[data-again] summary").textContent(), /to 853: INVITE \(SDP\), sent again/);
		const points = (role, label) => one.locator(`.ladder li[data-role="${role}"]`, { has: page.locator(".label", { hasText: label }) }).first().getAttribute("data-points");
		assert.deepEqual([await points("from", "INVITE"), await points("from", "180"), await points("to", "INVITE"), await points("to", "180")], ["left", "right", "right", "left"]);
		await one.locator('.ladder [data-role="from"] .label', { hasText: "BYE" }).waitFor();
	});

	test("a ladder that nobody looks at is not asked for", fake, async ({ page }) => {
		const asked = [];
		page.on("request", (request) => new URL(request.url()).pathname.endsWith("/sip") && asked.push(request.url()));
		await live(page);
		await ring(page, "", "sim:busy");
		await status(page, "sim:busy", "Busy");
		await ring(page, "", "853");
		await status(page, "853", "Completed");
		assert.deepEqual(asked, []);
	});

	test("the ladder of a call's own page: two columns for one leg, the diagnosis above", fake, async ({ page }) => {
		await live(page);
		await ring(page, "", "sim:busy");
		await card(page, "sim:busy").getByRole("link", { name: "sim:busy" }).click();
		await page.locator(".ladder .label", { hasText: "486 Busy Here" }).waitFor();
		assert.deepEqual(await page.locator(".ends span").allTextContents(), ["Bellpull", "sim:busy"]);
		await page.getByText("it is on another call").waitFor();
		assert.equal(await page.locator(".ladder li[data-again]").count(), 0);
	});

	for (const colorScheme of ["light", "dark"])
		test(`two people: nothing serious for people with other senses (${colorScheme})`, { ...fake, colorScheme, reducedMotion: "reduce" }, async ({ page }) => {
			const one = await up(page);
			await one.locator(".messages > summary").click();
			await one.locator(".ladder li").nth(8).waitFor();
			await one.getByRole("button", { name: "Record" }).click();
			await one.getByRole("button", { name: "Record", pressed: true }).waitFor();
			for (const tray of ["Keypad", "Transfer", "Play"]) {
				await one.getByRole("button", { name: tray, exact: true }).click();
				assert.deepEqual(await serious(page), [], tray);
			}
			await one.getByRole("button", { name: /^Hang up/ }).click();
			await one.locator("audio").waitFor();
			await one.getByRole("link", { name: "sim:answer to sim:answer" }).click();
			await page.locator(".ladder summary").first().click();
			assert.deepEqual(await serious(page), []);
		});

	for (const width of [320, 390])
		test(`two people: nothing is cut off at ${width} pixels`, { ...fake, viewport: { width, height: 800 } }, async ({ page }) => {
			const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
			const one = await up(page, "+4930123456789", "somebody.with-a-long-name@pbx.example.com", "sip:");
			await one.locator(".messages > summary").click();
			await one.locator(".ladder li").nth(8).waitFor();
			for (const tray of ["Keypad", "Transfer", "Play"]) {
				await one.getByRole("button", { name: tray, exact: true }).click();
				assert.ok(await overflow() <= 0, tray);
			}
			await one.locator(".ladder summary").first().click();
			assert.ok(await overflow() <= 0, "an open message");
		});

	test("two people without scripts: the form sends both", { ...fake, javaScriptEnabled: false }, async ({ page }) => {
		await page.getByLabel("From:").fill("sim:answer");
		await page.getByLabel("To:").fill("sim:no-answer");
		const request = page.waitForRequest((one) => one.method() === "POST");
		await page.getByRole("button", { name: "Call", exact: true }).click();
		const form = new URLSearchParams((await request).postData());
		assert.equal(form.get("from"), "sim:answer");
		await page.waitForURL(/\/calls\/call_/);
		await page.locator("dl.facts").getByText("sim:no-answer").first().waitFor();
	});

	later("a real call of two people rings one, then the other, and both are gone", {}, async ({ page }) => {
		await live(page);
		await ring(page, "sim:answer", "853");
		const one = card(page, "sim:answer to 853");
		await one.locator(".messages > summary").click();
		await status(page, "sim:answer to 853", "First phone ringing");
		assert.deepEqual((await legs(one))[0], "from sim:answer: Ringing");
		await status(page, "sim:answer to 853", "Second phone ringing");
		await shows(one, "from", "On the line");
		await status(page, "sim:answer to 853", "In progress");
		await one.locator('.ladder [data-role="to"] .label', { hasText: "200" }).first().waitFor();
		assert.deepEqual(await one.locator(".ends span").allTextContents(), ["sim:answer", "Bellpull", "853"]);
		await sent(page, /\/hold$/, () => one.getByRole("button", { name: "Hold both" }).click());
		await status(page, "sim:answer to 853", "On hold");
		await sent(page, /\/unhold$/, () => one.getByRole("button", { name: "Hold both" }).click());
		await status(page, "sim:answer to 853", "In progress");
		await one.locator(".status", { hasText: "Completed" }).waitFor({ timeout: 20000 });
		await one.getByText("853 hung up.").waitFor();
		const told = await steps(one);
		assert.deepEqual(told.filter((type) => type.startsWith("leg.")), ["leg.initiated", "leg.ringing", "leg.answered", "leg.initiated", "leg.ringing", "leg.answered", "leg.ended", "leg.ended"]);
		await one.locator('.ladder [data-role="from"] .label', { hasText: "BYE" }).waitFor();
	});
};
