/* hooks.mjs - the page of webhooks, for run.mjs: a gateway of its own for each story,
 * and receivers that answer as the story wants. */
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const KEY = "a-key-of-thirty-two-characters-00";

/* One receiver for all endpoints; answer(path) says what they get: [status, text]. */
const receiver = async (answers) => {
	const got = [];
	const server = createServer((request, response) => {
		const parts = [];
		request.on("data", (part) => parts.push(part));
		request.on("end", () => {
			const [status, text = ""] = answers[request.url] ?? [204];
			got.push({ path: request.url, event: JSON.parse(Buffer.concat(parts)) });
			response.writeHead(status, { "Content-Type": "text/plain" });
			response.end(text);
		});
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	return { got, url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
};

const hooks = {
	crm: { profile: "bearer", secrets: ["secret-of-the-crm"], mapping: { to: "${/phone}", from: "${/agent|default:}" } },
	clicks: { profile: "standard-webhooks", secrets: [SECRET], each: "/clicks", mapping: { to: "${/to}" } },
	old: { profile: "basic", user: "crm", password: "secret-of-the-old", enabled: false, mapping: { to: "853" } },
};
const settings = (url, more = {}) => ({
	allow_inline: true, hooks,
	webhooks: { allow_http: true, allow_targets: ["127.0.0.0/8"], schedule: [1], endpoints: [
		{ name: "crm", url: `${url}/crm`, secrets: [SECRET], events: ["call.*"] },
		{ name: "helpdesk", url: `${url}/helpdesk`, events: ["call.ended"] },
		{ name: "billing", url: `${url}/billing`, events: ["call.ended"] }] },
	...more,
});

const until = async (what, look) => {
	for (let tries = 0; tries < 200; tries += 1) {
		const seen = await look();
		if (seen)
			return seen;
		await new Promise((done) => setTimeout(done, 50));
	}
	assert.fail(`${what}: not in ten seconds`);
};

export const hooksTests = ({ test, makeGateway, openPage, serious, live, shot }) => {
	/* A story on the page: `answers` may change while it is told. */
	const story = (name, { answers: given = {}, make = settings, env, path = "/hooks.html", ...options }, body) => test(name, { own: true }, async () => {
		const answers = { ...given };
		const there = await receiver(answers);
		const gateway = await makeGateway(make(there.url), env);
		let opened;
		try {
			await gateway.start();
			const api = async (method, at, sent, headers = {}) => {
				const reply = await fetch(gateway.url + at, { method, headers: { "Content-Type": "application/json", ...headers }, body: sent && JSON.stringify(sent) });
				return { status: reply.status, json: await reply.json().catch(() => undefined) };
			};
			const call = async (to = "sim:busy") => {
				const { json: { id } } = await until("the call is taken", async () => {
					const reply = await api("POST", "/calls", { to });
					return reply.status === 201 && reply;
				});
				await api("GET", `/calls/${id}?wait=ended&timeout=10`);
				return id;
			};
			const dead = (n) => until(`${n} are dead`, async () => (await api("GET", "/webhooks/deliveries?status=dead")).json.data.length >= n);
			const open = async () => {
				opened = await openPage(gateway.url, path, options);
				return opened.page;
			};
			await body({ open, api, call, dead, there, answers, url: gateway.url }).catch(async (error) => {
				await shot(opened?.page, `${name} FAILED`);
				throw error;
			});
			if (opened) {
				await shot(opened.page, name);
				assert.deepEqual(opened.wrong, []);
			}
		} finally {
			await opened?.context.close();
			await gateway.close();
			there.close();
		}
	});
	const card = (page, name) => page.locator("webhook-endpoint", { has: page.getByRole("heading", { name, exact: true }) });
	const hook = (page, name) => page.locator("hook-inbox", { has: page.getByRole("heading", { name, exact: true }) });
	const overflow = (page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

	/* Two that fail, one that takes all; a few webhooks that came. */
	const busy = { answers: { "/crm": [200, "thanks"], "/helpdesk": [500, "The help desk is being updated; try again at noon."], "/billing": [410, "gone"] } };
	const happen = async ({ api, call, dead }) => {
		const bearer = { Authorization: "Bearer secret-of-the-crm" };
		await call();
		await until("billing is gone", async () => (await api("GET", "/webhooks")).json.data[2].state === "disabled");
		await call("sim:not-found");
		await dead(3);
		await api("POST", "/hooks/crm", { phone: "sim:busy" }, bearer);
		await api("POST", "/hooks/crm", { phone: "sim:busy" }, bearer);
		await api("POST", "/hooks/crm", { phone: "12 x" }, bearer);
		await api("POST", "/hooks/crm", { phone: "853" }, { Authorization: "Bearer wrong" });
	};

	story("webhooks: an empty page tells how to begin", { make: () => ({}) }, async ({ open, url }) => {
		const page = await open();
		await page.locator("#out-empty").waitFor();
		await page.locator("#in-empty").waitFor();
		assert.match(await page.locator("#out-empty pre").textContent(), /"endpoints".*call\.ended/s);
		assert.equal(await page.locator("#in-url").textContent(), `${url}/hooks/crm`);
		await page.locator("#out-empty").getByRole("button", { name: "Copy" }).click();
		await page.locator("#out-empty").getByText(/Copied|Select it by hand/).first().waitFor();
		assert.deepEqual(await serious(page), []);
	});

	story("C10: the page shows what failed, why, and sends it again", busy, async (scene) => {
		const { open, there, answers } = scene;
		await happen(scene);
		const page = await open();
		await live(page);
		assert.match(await card(page, "crm").textContent(), /Enabled.*call\.\*.*secret ending LaSw/s);
		assert.match(await card(page, "billing").textContent(), /Disabled.*410/s);
		assert.match(await card(page, "helpdesk").textContent(), /failure.*in a row/s);

		await page.getByLabel("Endpoint", { exact: true }).selectOption("helpdesk");
		await page.getByLabel("Status", { exact: true }).selectOption("dead");
		await until("the filter leaves dead ones", async () => (await page.locator(".rows > li").count()) > 0 && (await page.locator('.rows > li:not([data-status="dead"])').count()) === 0);
		assert.match(page.url(), /#endpoint=helpdesk&status=dead$/);
		const first = page.locator(".rows > li").first();
		await first.locator("summary").click();
		assert.deepEqual(await first.locator(".tries .code").allTextContents(), ["500", "500"]);
		assert.match(await first.locator(".tries pre").first().textContent(), /being updated/);
		await shot(page, "webhooks-open");

		/* the list is read again while it is open, and stays so */
		answers["/helpdesk"] = [200, "welcome back"];
		const before = there.got.length;
		await first.getByRole("button", { name: "Send again" }).click();
		await until("it is sent again", () => there.got.length > before);
		await until("it is dead no more", async () => await page.locator('.rows > li').count() < 3 || await page.locator(".none").isVisible());

		await card(page, "helpdesk").getByRole("button", { name: /Send \d+ dead again/ }).click();
		await card(page, "helpdesk").getByText(/on the way again/).waitFor();
		await until("the card says that all is well", async () => /Enabled/.test(await card(page, "helpdesk").locator(".status").textContent()));
		await until("no dead is left", async () => page.locator(".none").isVisible());
		assert.equal(await page.locator(".none").textContent(), "No delivery is like that.");
	});

	story("C10: what was delivered in a range of time is sent again", { ...busy, expected: ["422"] }, async (scene) => {
		const { open, there, call, api } = scene;
		await call();
		const told = await until("all is told", async () => {
			const { data } = (await api("GET", "/webhooks/deliveries?endpoint=crm&status=delivered")).json;
			return data.length === 3 && data;
		});
		const over = Math.floor(Math.max(...told.map((one) => Date.parse(one.done_at))) / 1000) * 1000 + 1000;
		const page = await open();
		await live(page);
		await page.getByText("Send a range of time again", { exact: true }).click();
		const form = page.getByRole("form", { name: "A range of time" });
		const go = form.getByRole("button", { name: "Send these again" });
		await form.getByLabel("Send to").selectOption("crm");
		await form.getByLabel("What is").selectOption("delivered");
		await go.click();
		await form.getByRole("alert").getByText("Until must be a time that has passed").waitFor();

		const moment = (at) => page.evaluate((ms) => {
			const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
			return local.toISOString().slice(0, 19);
		}, at);
		await form.getByLabel("Since").fill(await moment(over - 3_600_000));
		await form.getByLabel("Before").fill(await moment(over));
		await form.getByLabel("Event").selectOption("call.ended");
		await until("the range is over", () => Date.now() > over);
		await go.click();
		await form.getByText("1 delivery is on the way again.").waitFor();
		assert.equal(await form.getByRole("alert").isVisible(), false, "the mistake is forgotten");
		await until("it came again", () => there.got.filter(({ path, event }) => path === "/crm" && event.type === "call.ended").length === 2);
		assert.equal(there.got.filter(({ path, event }) => path === "/crm" && event.type !== "call.ended").length, 2, "and no other one");
	});

	story("C9, C15: a test, and an endpoint off and on again", busy, async (scene) => {
		const { open, api, answers, there } = scene;
		await happen(scene);
		const page = await open();
		await live(page);
		await card(page, "crm").getByRole("button", { name: /Send a test/ }).click();
		await card(page, "crm").getByText(/It answered 200 in \d+ ms\./).waitFor();
		assert.equal(there.got.at(-1).event.type, "webhook.ping");
		await card(page, "helpdesk").getByRole("button", { name: /Send a test/ }).click();
		await card(page, "helpdesk").getByText(/It answered 500, which is not a 2xx/).waitFor();

		const dead = card(page, "billing").getByRole("button", { name: /dead again/ });
		assert.equal(await dead.isDisabled(), true, "first it has to be enabled");
		answers["/billing"] = [200];
		await card(page, "billing").getByRole("button", { name: /Enable/ }).click();
		await card(page, "billing").locator(".status", { hasText: "Enabled" }).waitFor();
		await dead.click();
		await card(page, "billing").getByText(/on the way again/).waitFor();
		await until("what it missed is delivered", async () => (await api("GET", "/webhooks/deliveries?endpoint=billing&status=delivered")).json.data.length >= 2);
		await card(page, "billing").getByRole("button", { name: /Disable/ }).click();
		await card(page, "billing").locator(".status", { hasText: "Disabled" }).waitFor();
		assert.match(await card(page, "billing").textContent(), /An operator has disabled it/);
	});

	story("C10: the deliveries of one call, from its address", busy, async (scene) => {
		await happen(scene);
		const id = await scene.call();
		const page = await scene.open();
		await live(page);
		await page.getByLabel("Call", { exact: true }).fill(id);
		await page.keyboard.press("Enter");
		await until("its deliveries alone", async () => {
			const shown = await page.locator(".rows .of a").evaluateAll((links) => links.map((link) => link.pathname));
			return shown.length > 3 && shown.every((path) => path === `/calls/${id}`);
		});
		await page.getByRole("form", { name: "Which deliveries" }).getByLabel("Event").selectOption("call.ended");
		await until("its end alone", async () => (await page.locator(".rows .what").allTextContents()).every((type) => type === "call.ended"));
		await page.reload();
		await page.locator(".rows > li").first().waitFor();
		assert.equal(await page.getByLabel("Call", { exact: true }).inputValue(), id);
		await page.locator(".rows summary").first().click();
		await page.getByRole("link", { name: "The call" }).first().click();
		await page.waitForURL(`**/calls/${id}`);
	});

	story("a mistake in the filter is told", { ...busy, expected: ["400"] }, async ({ open }) => {
		const page = await open();
		await live(page);
		await page.getByLabel("Call", { exact: true }).fill("853");
		await page.keyboard.press("Enter");
		await page.getByText("call is the id of a call").waitFor();
		await page.getByLabel("Call", { exact: true }).fill("");
		await page.keyboard.press("Enter");
		await until("it goes when it is mended", async () => !await page.getByText("call is the id of a call").isVisible());
	});

	story("D10, D11: what came, with its verdict, and a body tried without dialling", busy, async (scene) => {
		await happen(scene);
		const page = await scene.open();
		await live(page);
		const crm = hook(page, "crm");
		await until("what came is there", async () => await crm.locator(".came > li").count() === 4);
		assert.deepEqual(await crm.locator(".came .status").allTextContents(), ["Not proven", "Refused", "Repeated", "Placed"]);
		await crm.getByRole("link", { name: "The call" }).first().waitFor();
		assert.match(await hook(page, "old").textContent(), /Switched off/);

		await crm.getByText("Try a body", { exact: true }).click();
		const box = crm.getByLabel(/A webhook's body/);
		const go = crm.getByRole("button", { name: /Show the calls/ });
		const placed = (await scene.api("GET", "/calls")).json.data.length;
		await box.fill('{"phone": "sim:answer", "agent": "sim:press-1"}');
		await go.click();
		await crm.locator(".dry").getByText("It would ring sim:press-1 and sim:answer").waitFor();
		await box.fill("phone=853&agent=");
		await go.click();
		await crm.locator(".dry").getByText("It would ring 853").waitFor();
		await box.fill('{"fone": "853"}');
		await go.click();
		await crm.locator(".dry").getByText(/can.t be placed/).waitFor();
		assert.match(await crm.locator(".dry").textContent(), /\/phone/);
		await shot(page, "webhooks-try");
		assert.equal((await scene.api("GET", "/calls")).json.data.length, placed, "nothing was dialled");
	});

	story("a body that cannot be read says why", { ...busy, expected: ["400", "415", "422"] }, async ({ open }) => {
		const page = await open();
		await live(page);
		const crm = hook(page, "crm");
		await crm.getByText("Try a body", { exact: true }).click();
		await crm.getByLabel(/A webhook's body/).fill('{"phone": ');
		await crm.getByRole("button", { name: /Show the calls/ }).click();
		await crm.getByRole("alert").getByText("cannot be read").waitFor();
	});

	for (const colorScheme of ["light", "dark"])
		for (const width of [1280, 390])
			story(`webhooks: nothing serious for people with other senses (${colorScheme}, ${width})`, { ...busy, colorScheme, reducedMotion: "reduce", viewport: { width, height: 900 } }, async (scene) => {
				await happen(scene);
				const page = await scene.open();
				await live(page);
				await page.locator('.rows > li[data-status="dead"] summary').first().click();
				await hook(page, "crm").getByText("Try a body", { exact: true }).click();
				await page.getByText("Send a range of time again", { exact: true }).click();
				assert.deepEqual(await serious(page), []);
				assert.ok(await overflow(page) <= 0, "nothing is cut off");
			});

	story("webhooks: nothing is cut off at 320 pixels", { ...busy, viewport: { width: 320, height: 700 } }, async (scene) => {
		await happen(scene);
		const page = await scene.open();
		await live(page);
		await page.locator(".rows summary").first().click();
		await page.locator("#stream").evaluate((node) => { node.textContent = "Reconnecting"; });
		assert.ok(await overflow(page) <= 0);
	});

	story("webhooks: what happens is seen by keyboard, and an open row stays open", busy, async (scene) => {
		const page = await scene.open();
		await live(page);
		await scene.call();
		await page.locator('.rows > li[data-status="delivered"]').first().waitFor();
		const row = page.locator(".rows > li").first();
		await row.locator("summary").focus();
		await page.keyboard.press("Enter");
		const of = await row.locator(".of").textContent();
		await scene.call();
		await until("newer ones came", async () => (await page.locator(".rows .of").first().textContent()) !== of);
		const open = page.locator(".rows details[open]");
		assert.equal(await open.count(), 1);
		assert.equal(await open.locator(".of").textContent(), of);
		assert.equal(await page.evaluate(() => document.activeElement.localName), "summary", "the keyboard keeps its place");
	});

	story("C10: a delivery is found and sent again by keyboard alone", busy, async (scene) => {
		const { open, there, answers } = scene;
		await happen(scene);
		const page = await open();
		await live(page);
		const focused = () => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);
		const tabTo = async (what) => {
			for (let presses = 0; presses < 80; presses += 1) {
				await page.keyboard.press("Tab");
				if (what.test(await focused()))
					return;
			}
			assert.fail(`the Tab key never reaches ${what}`);
		};
		await page.getByLabel("Endpoint", { exact: true }).focus();
		await page.keyboard.type("helpdesk");
		await page.keyboard.press("Tab");
		await page.keyboard.type("Dead");
		await until("dead ones alone", async () => (await page.locator(".rows > li").count()) === 3 && (await page.locator('.rows > li[data-status="dead"]').count()) === 3);
		await tabTo(/^Dead/);
		await page.keyboard.press("Enter");
		answers["/helpdesk"] = [200];
		const before = there.got.length;
		await tabTo(/^Send again: call\.ended/);
		await page.keyboard.press("Enter");
		await until("it is sent again", () => there.got.length > before);
		await page.locator("#said").getByText("It is on the way again.").waitFor();
		await until("two are left", async () => (await page.locator(".rows > li").count()) === 2);
	});

	story("webhooks: with keys one signs in, and a key without the scope is told so", {
		...busy, expected: ["401", "403"], env: { PAGE_KEY: KEY, POOR_KEY: KEY.replace("a", "b") },
		make: (url) => settings(url, { keys: [{ name: "page", secret: "env:PAGE_KEY", scopes: ["calls:read", "hooks:admin", "webhooks:admin"] }, { name: "poor", secret: "env:POOR_KEY", scopes: ["calls:read"] }] }),
	}, async ({ open }) => {
		const page = await open();
		const signIn = async (key) => {
			await page.getByLabel("Key", { exact: true }).fill(key);
			await page.keyboard.press("Enter");
		};
		await signIn("wrong-key-of-thirty-two-characters");
		await page.getByText("not known here").waitFor();
		await signIn(KEY.replace("a", "b"));
		await page.getByText("needs the scope webhooks:admin").waitFor();
		await page.getByText("needs the scope hooks:admin").waitFor();
		await live(page);
		await page.locator("#out").getByRole("button", { name: "Sign in with another key" }).click();
		await signIn(KEY);
		await card(page, "crm").waitFor();
		await live(page);
	});

	story("webhooks: a gateway that is away is told, and comes back", { ...busy, expected: ["ERR_"] }, async ({ open }) => {
		const page = await open();
		await live(page);
		await page.route("**/webhooks**", (route) => route.abort());
		await page.route("**/hooks", (route) => route.abort());
		await page.locator('#stream[data-state="lost"]').waitFor();
		await page.locator("#out-error").getByText("cannot be reached").waitFor();
		await page.unroute("**/webhooks**");
		await page.unroute("**/hooks");
		await live(page);
		assert.equal(await page.locator("#out-error").isVisible(), false);
	});
};
