/* tests/click/browser.mjs - a visitor's browser, the site he is on, and the wire between
 * him and the gateway.
 *
 * The microphone is Chromium's own fake, which beeps once a second; whether a page may
 * have it says the test (`microphone`). A page that does what its CSP forbids, throws,
 * or asks any other host fails its test. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { ok } from "../wire/harness.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let started;
const browser = () => (started ??= chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--use-fake-device-for-media-stream", "--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns"],
}));
export const closeBrowser = async () => started && (await started).close();

const listen = async (server) => {
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
	return `http://127.0.0.1:${server.address().port}`;
};
const bodyOf = async (request) => {
	const parts = [];
	for await (const part of request)
		parts.push(part);
	return Buffer.concat(parts);
};
const closing = (server) => () => {
	server.closeAllConnections();
	server.close();
};

/* The site: one page with the element and a policy that allows it the gateway and
 * nothing else, and a way to tokens. `mint` makes one: ({ to }) => body, or throws. */
export const strict = (gateway) =>
	`default-src 'none'; script-src ${gateway}; connect-src 'self' ${gateway}; style-src 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'`;

export const makeSite = async (t, gateway, { attributes = "", inside = "", head = "", mint, html, csp = strict(gateway), lang = "en" } = {}) => {
	const site = { minted: 0 };
	const server = http.createServer(async (request, response) => {
		if (request.method === "POST") {
			try {
				const body = await mint(JSON.parse(await bodyOf(request)), site);
				site.minted += 1;
				response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(body));
			} catch (error) {
				response.writeHead(500).end(String(error));
			}
			return;
		}
		if (request.url !== "/") {
			response.writeHead(request.url === "/favicon.ico" ? 204 : 404).end();
			return;
		}
		response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": csp });
		response.end(`<!doctype html><html lang="${lang}"><head><title>A shop</title><meta name="viewport" content="width=device-width">
			${head}</head><body><main><h1>A shop</h1>${html ?? `<script type="module" src="${gateway}/click.js"></script>
			<click-to-call token-url="/token" to="sales" ${attributes}>${inside}</click-to-call>`}</main></body></html>`);
	});
	site.url = await listen(server);
	t.later(closing(server));
	return site;
};

/* Opens a page; ends with the test, and then tells what it should not have done. */
export const open = async (t, url, { microphone = true, init, expected = [], path = "/", ...options } = {}) => {
	const context = await (await browser()).newContext({ reducedMotion: "reduce", ...options });
	const page = await context.newPage();
	const wrong = [];
	context.setDefaultTimeout(10_000);
	if (microphone)
		await context.grantPermissions(["microphone"]);
	page.on("pageerror", (error) => wrong.push(`page error: ${error.message}`));
	page.on("console", (message) => {
		if (message.type() === "error" && !expected.some((text) => message.text().includes(text)))
			wrong.push(`console: ${message.text()}`);
	});
	await page.addInitScript(() => {
		window.told = [];
		window.forbidden = [];
		document.addEventListener("securitypolicyviolation", (event) => window.forbidden.push(`${event.violatedDirective} ${event.blockedURI}`));
		for (const name of ["state", "error", "quality"])
			document.addEventListener(`click-to-call:${name}`, (event) => window.told.push({ name, ...event.detail }));
	});
	if (init)
		await page.addInitScript(init);
	await page.goto(url + path);
	t.later(async () => {
		const forbidden = await page.evaluate(() => window.forbidden).catch(() => []);
		if (process.env.SHOTS && !page.isClosed())
			await shot(page, t.name ?? "end").catch(() => {});
		await context.close();
		ok(!wrong.length && !forbidden?.length, `the page: ${[...wrong, ...(forbidden ?? [])].join("; ")}`);
	});
	return visitor(page, context, wrong);
};

export const shot = (page, name) =>
	process.env.SHOTS && page.screenshot({ fullPage: true, path: join(process.env.SHOTS, `${name.replace(/\W+/g, "-")}.png`) });

/* In the page: how loud the element's own speaker gets within two beeps. */
export const loudest = async () => {
	const { srcObject } = document.querySelector("click-to-call").shadowRoot.querySelector("audio");
	const context = new AudioContext();
	const analyser = context.createAnalyser();
	context.createMediaStreamSource(srcObject).connect(analyser);
	const samples = new Float32Array(analyser.fftSize);
	let most = 0;
	for (let i = 0; i < 125; i++) {
		await new Promise((done) => setTimeout(done, 20));
		analyser.getFloatTimeDomainData(samples);
		most = Math.max(most, ...samples.map(Math.abs));
	}
	await context.close();
	return most;
};

const visitor = (page, context, wrong) => {
	const element = page.locator("click-to-call").first();
	return {
		page, context, wrong, element,
		part: (name) => element.locator(`[part="${name}"]`),
		press: (name = "button") => element.locator(`[part="${name}"]`).click(),
		/* until the element is in that state; says where it got stuck */
		reaches: async (state, patience = 15_000) => {
			await page.waitForFunction((wanted) => document.querySelector("click-to-call").state === wanted, state, { timeout: patience })
				.catch(async () => ok(false, `not ${state}, but ${JSON.stringify(await page.evaluate(() => window.told.map(({ name, state, text, code, message }) => [name, state ?? code, text ?? message].join(" "))))}`));
		},
		says: async () => ((await element.locator('[part="status"]').textContent()) + " " + (await element.locator('[part="hint"]').textContent())).trim(),
		states: () => page.evaluate(() => window.told.filter(({ name }) => name === "state").map(({ state }) => state)),
		errors: () => page.evaluate(() => window.told.filter(({ name }) => name === "error")),
		call: () => page.evaluate(() => document.querySelector("click-to-call").call),
		hears: () => page.evaluate(loudest),
		serious: async () => {
			await page.evaluate(axe);
			const { violations } = await page.evaluate(() => window.axe.run(document));
			return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
				.map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target.flat().join(" ")} ${failureSummary}`).join(", ")}`);
		},
	};
};

/* A wire to the gateway that carries everything as it comes and can be cut. Returns
 * { url, cut(), hold() }: cut() breaks the streams, and after hold() the next POST
 * /calls waits on its way until go(). */
export const makeWire = async (t, gw) => {
	const streams = new Set();
	let holding;
	const server = http.createServer(async (request, response) => {
		if (request.method === "POST" && request.url === "/calls") {
			holding?.here();
			await holding?.gone;
		}
		const onward = http.request({ host: "127.0.0.1", port: gw.port, method: request.method, path: request.url, headers: request.headers });
		onward.on("error", () => response.destroy());
		onward.on("response", (reply) => {
			response.writeHead(reply.statusCode, reply.headers);
			if (/event-stream/.test(reply.headers["content-type"])) {
				streams.add(response);
				response.on("close", () => {
					streams.delete(response);
					onward.destroy();
				});
			}
			reply.on("error", () => response.destroy());
			reply.pipe(response);
		});
		request.pipe(onward);
	});
	const url = await listen(server);
	t.later(closing(server));
	const hold = () => {
		holding = {};
		holding.came = new Promise((done) => { holding.here = done; });
		holding.gone = new Promise((done) => { holding.go = done; });
		return holding;
	};
	return { url, hold, cut: () => [...streams].map((response) => response.destroy()).length };
};
