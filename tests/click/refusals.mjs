/* tests/click/refusals.mjs - what stops a call: each is said in words, with what to do
 * next, and nothing is dialled. */
import { equal, match, ok, test } from "../wire/harness.mjs";
import { makeSite, open, shot } from "./browser.mjs";
import { calls, ended, makeGateway, makeShop, mintFor } from "./shop.mjs";

const PHONE = '<a href="tel:+4930123456">+49 30 123456</a>';

test("click: a microphone that is refused: what to do, to be called back instead, and the site's own number", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer", { inside: PHONE });
	const { page, press, reaches, says, part, errors, context } = await open(t, site.url, { microphone: false });
	ok(!await page.getByText("+49 30 123456").isVisible(), "the number stands beside a button that works");
	await press();
	await reaches("failed");
	await shot(page, "refused");
	match(await says(), /^The microphone was not allowed\. Allow it by the sign beside the address/);
	equal((await errors()).map(({ code }) => code), ["NotAllowedError"]);
	ok(await part("back").isVisible(), "no call back is offered");
	ok(await page.getByText("+49 30 123456").isVisible(), "the site's number is not shown");
	equal([site.minted, (await calls(gw)).length], [0, 0], "tokens and calls");

	await context.grantPermissions(["microphone"]);
	await press("again");
	await reaches("talking");
	await press("hangup");
});

for (const [name, words] of [["NotFoundError", /^There is no microphone\. Connect one/], ["NotReadableError", /^The microphone cannot be used\. Another program/]]) {
	test(`click: a microphone that fails with ${name}`, async (t) => {
		const { site } = await makeShop(t, "sim:answer");
		const { press, reaches, says } = await open(t, site.url, {
			init: `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "${name}"); };`,
		});
		await press();
		await reaches("failed");
		match(await says(), words);
		equal(site.minted, 0, "tokens");
	});
}

test("click: who hangs up while the browser still asks gives the microphone back", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { page, press, reaches } = await open(t, site.url, {
		init: () => {
			const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
			navigator.mediaDevices.getUserMedia = async (what) => {
				await new Promise((done) => { window.allow = done; });
				window.given = await ask(what);
				return window.given;
			};
		},
	});
	await press();
	await reaches("asking");
	await press("hangup");
	await reaches("ended");
	await page.evaluate(() => window.allow());
	await page.waitForFunction(() => window.given?.getTracks().every(({ readyState }) => readyState === "ended"));
	equal([site.minted, (await calls(gw)).length], [0, 0], "tokens and calls");
});

test("click: E4: a token that was used before", async (t) => {
	let token;
	const { gw, site } = await makeShop(t, "sim:answer", {
		mint: async (asked, where) => (token ??= await mintFor(gw, "sim:answer")(asked, where)),
	});
	const { press, reaches, says, errors } = await open(t, site.url, { expected: ["401"] });
	await press();
	await reaches("talking");
	await press("hangup");
	await press("again");
	await reaches("failed");
	equal(await says(), "This page may not call any more. Load it again, then call.");
	equal((await errors()).map(({ code, status }) => [code, status]), [["token_used", 401]]);
	equal((await calls(gw)).length, 1);
});

test("click: E4: a token that has expired", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer", {
		token: { expires_in: 1 },
		mint: async (asked, where) => {
			const made = await mintFor(gw, "sim:answer", { expires_in: 1 })(asked, where);
			await new Promise((done) => setTimeout(done, Date.parse(made.expires_at) - Date.now() + 1000));
			return made;
		},
	});
	const { press, reaches, says } = await open(t, site.url, { expected: ["401"] });
	await press();
	await reaches("failed");
	equal(await says(), "This page may not call any more. Load it again, then call.");
	equal((await calls(gw)).length, 0);
});

test("click: E5: a token for another page: the browser is not even let to read why", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer", {
		mint: async (asked) => mintFor(gw, "sim:answer")(asked, { url: "https://another.example" }),
	});
	const { press, reaches, says } = await open(t, site.url, { expected: ["401", "CORS", "ERR_FAILED"] });
	await press();
	await reaches("failed");
	match(await says(), /^The telephone cannot be reached\./);
	equal((await calls(gw)).length, 0);
});

test("click: E6: the page's own word for whom to call changes nothing at the gateway", async (t) => {
	const seen = [];
	const { gw, site } = await makeShop(t, "sim:answer", {
		attributes: 'to="0900123456"', mint: async (asked, where) => {
			seen.push(asked);
			return mintFor(gw, "sim:answer")(asked, where);
		},
	});
	const { page, press, reaches, call } = await open(t, site.url);
	await page.evaluate(() => document.querySelector("click-to-call").setAttribute("to", "0900123456"));
	await press();
	await reaches("talking");
	equal(seen, [{ to: "0900123456" }], "what the site's server is asked");
	equal((await call()).to, "sim:answer");
	await press("hangup");
});

test("click: a site whose server gives no token, and one that answers nonsense", async (t) => {
	let answer = () => { throw new Error("no"); };
	const { site } = await makeShop(t, "sim:answer", { mint: () => answer() });
	const { press, reaches, says, errors } = await open(t, site.url, { expected: ["500"] });
	await press();
	await reaches("failed");
	match(await says(), /^The telephone cannot be reached\./);
	answer = () => ({ nothing: true });
	await press("again");
	await reaches("failed");
	await reaches("failed");
	match((await errors()).at(-1)?.message, /without a token/);
});

test("click: a gateway that is full says when to come back", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { press, reaches, says } = await open(t, site.url, { expected: ["503"] });
	const frozen = await gw.api("POST", "/admin/freeze", { headers: { Authorization: "Bearer bp_admin_0123456789abcdefghijk" }, body: { frozen: true } });
	equal(frozen.status, 200, frozen.text);
	await press();
	await reaches("failed");
	match(await says(), /^All lines are busy\. Please try again in \d+ s\.$/);
	equal((await calls(gw)).length, 0);
});

test("click: a gateway that is gone", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer", {
		mint: async (asked, where) => {
			const made = await mintFor(gw, "sim:answer")(asked, where);
			await gw.kill();
			return made;
		},
	});
	const { press, reaches, says } = await open(t, site.url, { expected: ["ERR_", "502"] });
	await press();
	await reaches("failed");
	match(await says(), /^The telephone cannot be reached\. Check your connection/);
});

test("click: where the sound finds no way, that is said", async (t) => {
	/* an address that nobody has: what a firewall looks like */
	const { gw, site } = await makeShop(t, "sim:answer", { config: { media: { browser_advertise: ["192.0.2.9"] } } });
	const { press, reaches, says, call } = await open(t, site.url);
	await press();
	await reaches("ended", 40_000);
	equal(await says(), "No sound gets through. A firewall may stop it: try another network.");
	equal((await ended(gw, (await call()).id)).cause, "ice_failed");
});

test("click: without token-url a foreign page can't call at all", async (t) => {
	const gw = await makeGateway(t);
	const site = await makeSite(t, gw.url, {});
	const { page, press, reaches, errors } = await open(t, site.url);
	await page.evaluate(() => document.querySelector("click-to-call").removeAttribute("token-url"));
	await press();
	await reaches("failed");
	match((await errors())[0].message, /token-url/);
});
