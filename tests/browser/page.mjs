/* page.mjs - a browser with phone.js in its page, as a person sees it: what it says,
 * what it hears, how long. */
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";

import { chromium } from "playwright-core";

import { eventually, ok } from "../wire/harness.mjs";
import { secondsOf } from "../wire/sound.mjs";
import { firefox } from "./marionette.mjs";

const script = readFileSync(new URL("phone.js", import.meta.url));

const site = async (t) => {
	const server = http.createServer((request, response) => {
		const is_script = request.url === "/phone.js";
		response.writeHead(200, { "Content-Type": is_script ? "text/javascript" : "text/html" });
		response.end(is_script ? script : "<!doctype html><title>Phone</title><script src=/phone.js></script>");
	}).listen(0, "127.0.0.1");
	await once(server, "listening");
	t.later(() => {
		server.closeAllConnections();
		server.close();
	});
	return `http://127.0.0.1:${server.address().port}/`;
};

let started;
const chrome = () => (started ??= chromium.launch({
	executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
	args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--autoplay-policy=no-user-gesture-required",
		"--allow-loopback-in-peer-connection"],
}));
export const closeBrowser = async () => started && (await started).close();

const openChromium = async (t, url) => {
	const context = await (await chrome()).newContext();
	t.later(() => context.close());
	const page = await context.newPage();
	await page.goto(url);
	return {
		run: (text) => page.evaluate(`(async () => { ${text} })()`),
		close: () => page.close(),
	};
};

const kinds = { chromium: openChromium, firefox };

/* { note, codecs, microphone } as phone.js has them. */
export const openPhone = async (t, { browser = "chromium", ...how } = {}) => {
	const page = await kinds[browser](t, await site(t));
	const ask = (name, ...args) => page.run(`return window.phone.${name}(${args.map((arg) => JSON.stringify(arg)).join(", ")});`);
	const offer = await ask("offer", how);

	/* What came since forget(). */
	const heard = async () => {
		const { rate, samples } = await ask("heard");
		return { rate, samples: new Int16Array(new Uint8Array(Buffer.from(samples, "base64")).buffer) };
	};
	/* Seconds of a note, or of several at once. */
	const seconds = async (...notes) => {
		const { rate, samples } = await heard();
		return secondsOf(samples, rate, ...notes);
	};
	/* 0 to 1 */
	const loudest = async () => (await heard()).samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / 32768;
	return {
		offer, ask, seconds, loudest, close: page.close,
		answer: (sdp) => ask("answer", sdp),
		hears: async (hz, at_least = 1) => {
			await eventually(`${hz} Hz are heard for ${at_least} s`, async () => (await seconds(hz)) >= at_least);
		},
		/* The gateway has said goodbye. */
		isLeft: () => eventually("the browser has noticed the end", async () => {
			const { connection, dtls } = await ask("state");
			return ["closed", "failed"].includes(connection) || ["closed", "failed"].includes(dtls);
		}),
	};
};

/* POST /calls for it; role is its own. Gives { id, reply, stream, ended() }. */
export const call = async (gw, phone, order, { role = "from", sdp = phone.offer } = {}) => {
	const body = { ...order, [role]: { webrtc: { sdp } } };
	/* while browsers start, a gateway may be short of time and says so */
	const reply = await eventually("there is room for the call", async () => {
		const one = await gw.api("POST", "/calls", { body });
		return one.json.code !== "overloaded" && one;
	});
	ok(reply.status === 201, `the reply to POST /calls: ${reply.status} ${reply.text}`);
	const { id, webrtc } = reply.json;
	const stream = await gw.events(`/calls/${id}/events`);
	await phone.answer(webrtc.sdp);
	const ended = async (patience_ms = 20_000) => {
		const events = await stream.until("call.ended", (seen) => seen.some(({ type }) => type === "call.ended") && seen, patience_ms);
		return { types: events.map(({ type }) => type), call: events.at(-1).call };
	};
	return { id, reply, stream, ended, is: (type) => stream.untilType(type) };
};
