/* tests/click/calls.mjs - one press, and somebody is on the line. */
import dgram from "node:dgram";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { firefox } from "../browser/marionette.mjs";
import { far, lineTo } from "../wire/far.mjs";
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { loudest, makeWire, open, shot } from "./browser.mjs";
import { calls, ended, journal, keyed, makeGateway, makeShop } from "./shop.mjs";

const SIZE_MAX = 15_000;

/* The DELETE of who hangs up and his browser's goodbye to the sound race each other. */
const HUNG_UP = /^(api|from)$/;

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
	equal([last.status, site.minted], ["completed", 1]);
	match(last.ended_by, HUNG_UP);
	equal(await states(), ["asking", "connecting", "ringing", "talking", "ended"]);
	equal(await errors(), []);
	equal(await page.evaluate(() => document.querySelector("click-to-call").shadowRoot.querySelector("audio").srcObject.getTracks().every(({ readyState }) => readyState === "ended")), true, "what came in is over");
});

test("click: in Firefox, too, one talks, presses keys, and hangs up", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const page = await firefox(t, site.url);
	const reaches = (state) => eventually(state, () => page.run(`return document.querySelector("click-to-call").state === "${state}"`));
	const press = (name) => page.run(`document.querySelector("click-to-call").shadowRoot.querySelector("[part=${name}]").click()`);
	await press("button");
	await reaches("talking");
	ok(await page.run(`return (${loudest})()`) > 0.01, "the echo is not heard");
	await press("key");
	const [{ id }] = await calls(gw);
	await eventually("its 1", async () => (await journal(gw, id)).some(({ type, leg, data }) => type === "call.dtmf" && leg === "from" && data.digit === "1"));
	await press("hangup");
	await reaches("ended");
	equal((await ended(gw, id)).status, "completed");
});

test("click: they hang up, and the visitor is told so", async (t) => {
	const { gw, site } = await makeShop(t, "sim:hangup");
	const { press, reaches, says, call, part } = await open(t, site.url);
	await press();
	await reaches("talking");
	await reaches("ended");
	equal(await says(), "They hung up.");
	equal((await ended(gw, (await call()).id)).ended_by, "to");
	ok(await part("again").isVisible(), "there is no way to call again");
});

test("click: a second call has a token of its own", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { press, reaches } = await open(t, site.url);
	for (const [button, minted] of [["button", 1], ["again", 2]]) {
		await press(button);
		await reaches("talking");
		equal(site.minted, minted, "tokens");
		await press("hangup");
		await reaches("ended");
	}
	equal((await calls(gw)).length, 2);
});

for (const [to, words] of [
	["sim:busy", /^They are on another call\. Please try again/],
	["sim:decline", /^They declined the call\.$/],
	["sim:unavailable", /^Nobody answered\. Please try again/],
	["sim:not-found", /^The call could not be put through\. Please try again/],
]) {
	test(`click: ${to} ends in words`, async (t) => {
		const { site } = await makeShop(t, to);
		const { press, reaches, says, errors } = await open(t, site.url);
		await press();
		await reaches("ended");
		match(await says(), words);
		equal(await errors(), [], "an outcome is no error");
	});
}

test("click: who waits hears it ring, and can give up", async (t) => {
	const { gw, site } = await makeShop(t, "sim:no-answer");
	const { press, reaches, says, call, hears } = await open(t, site.url);
	await press();
	await reaches("ringing");
	await eventually("a ringing tone", async () => await hears() > 0.01);
	await press("hangup");
	await reaches("ended");
	equal(await says(), "You hung up.");
	equal((await ended(gw, (await call()).id)).status, "canceled");
});

test("click: who hangs up before the gateway has answered leaves no call behind", async (t) => {
	const gw = await makeGateway(t);
	const { url, hold } = await makeWire(t, gw);
	const { site } = await makeShop(t, "sim:answer", { gw, url });
	const { press, reaches, states } = await open(t, site.url);
	const held = hold();
	await press();
	await held.came;
	await press("hangup");
	await reaches("ended");
	held.go();
	const [{ id }] = await eventually("the call", async () => (await calls(gw)).length && calls(gw));
	await ended(gw, id);
	equal((await states()).at(-1), "ended");
});

/* The digits that came to a socket as telephone events: each once, at its end. */
const digitsOf = (socket, payload_type) => {
	const ends = new Map(); /* timestamp -> digit */
	socket.on("message", (rtp) => {
		if ((rtp[1] & 0x7f) === payload_type && rtp[13] & 0x80)
			ends.set(rtp.readUInt32BE(4), "0123456789*#"[rtp[12]]);
	});
	return () => [...ends.values()].join("");
};

test("click: digits reach the phone at the other end as RFC 4733 has them", async (t) => {
	const phone = await far(t, 200);
	const sound = dgram.createSocket("udp4").bind(0, "127.0.0.1");
	t.later(() => sound.close());
	await once(sound, "listening");
	phone.sdp = `v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio ${sound.address().port} RTP/AVP 8 101\r\na=rtpmap:101 telephone-event/8000\r\n`;
	const digits = digitsOf(sound, 101);
	const gw = await makeGateway(t, {
		lines: [lineTo(phone)], policy: { rules: [{ name: "sales", prefixes: ["+4930123456"], keys: ["shop"] }] },
	});
	const { site } = await makeShop(t, "+4930123456", { gw });
	const { page, press, reaches, call, part } = await open(t, site.url);
	await press();
	await reaches("talking");
	await press("keys");
	await part("pad").getByRole("button", { name: "5", exact: true }).click();
	await page.keyboard.press("#");
	equal(await part("sent").textContent(), "Sent: 5#");
	await eventually("5# at the phone", () => digits() === "5#");
	await press("hangup");
	await eventually("a BYE", () => phone.got.some(({ method }) => method === "BYE"));
	equal((await ended(gw, (await call()).id)).status, "completed");
});

test("click: a muted microphone sends nothing, and says so", async (t) => {
	const { site } = await makeShop(t, "sim:answer");
	const { page, press, reaches, hears, part } = await open(t, site.url);
	await press();
	await reaches("talking");
	ok(await hears() > 0.01, "the echo is not heard");
	await press("mute");
	equal(await part("mute").getAttribute("aria-pressed"), "true");
	await eventually("silence", async () => await hears() < 0.01);
	await press("mute");
	await eventually("the echo again", async () => await hears() > 0.01);
	equal(await page.evaluate(() => window.told.filter(({ name }) => name === "error").length), 0);
});

test("click: a microphone that gives nothing at all is noticed", async (t) => {
	const { site } = await makeShop(t, "sim:answer");
	const { press, reaches, part } = await open(t, site.url, {
		init: () => {
			navigator.mediaDevices.getUserMedia = async () => new AudioContext().createMediaStreamDestination().stream;
		},
	});
	await press();
	await reaches("talking");
	await part("hint").filter({ hasText: "Nothing comes from your microphone" }).waitFor();
});

test("click: a browser that holds the meters back is no silent microphone", async (t) => {
	const { site } = await makeShop(t, "sim:answer");
	const { page, press, reaches, part } = await open(t, site.url, {
		init: () => {
			AudioContext.prototype.resume = async () => {};
			window.AudioContext = class extends AudioContext {
				constructor() {
					super();
					this.suspend();
				}
			};
		},
	});
	await press();
	await reaches("talking");
	/* four measures are more than SILENT_MS */
	await page.waitForFunction(() => window.told.filter(({ name }) => name === "quality").length === 4);
	equal(await part("hint").textContent(), "");
});

for (const [how, leave] of [
	["another page is opened", (page) => page.goto("about:blank")],
	["the page is closed", (page) => page.close({ runBeforeUnload: true })],
	["the element is taken away", (page) => page.evaluate(() => document.querySelector("click-to-call").remove())],
]) {
	test(`click: the call ends when ${how}`, async (t) => {
		const { gw, site } = await makeShop(t, "sim:answer");
		const { page, press, reaches, call } = await open(t, site.url);
		await press();
		await reaches("talking");
		const { id } = await call();
		await leave(page);
		const last = await ended(gw, id);
		equal(last.status, "completed");
		match(last.ended_by, HUNG_UP);
	});
}

test("click: an element that is moved within its page talks on", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { page, press, reaches, call, hears } = await open(t, site.url);
	await press();
	await reaches("talking");
	await page.evaluate(() => document.body.append(document.querySelector("click-to-call")));
	ok(await hears() > 0.01, "the echo is not heard");
	ok((await calls(gw))[0].state !== "ended", "the call has ended");
	await press("hangup");
	await ended(gw, (await call()).id);
});

test("click: a stream that is cut goes on where it was", async (t) => {
	const gw = await makeGateway(t);
	const { url, cut } = await makeWire(t, gw);
	const { site } = await makeShop(t, "sim:answer", { gw, url });
	const { press, reaches, says, call } = await open(t, site.url, { expected: ["ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "ERR_EMPTY_RESPONSE"] });
	await press();
	await reaches("talking");
	ok(await eventually("a stream", cut) > 0, "there was no stream to cut");
	const { id } = await call();
	await gw.api("DELETE", `/calls/${id}`, keyed);
	await reaches("ended");
	match(await says(), /hung up/);
});

test("click: a gateway that is stopped says so to who talks", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { press, reaches, says } = await open(t, site.url, { expected: ["ERR_"] });
	await press();
	await reaches("talking");
	await gw.kill();
	await reaches("ended");
	equal(await says(), "The connection was lost.");
});

test("click: a gateway that dies in a call is a lost connection", async (t) => {
	const { gw, site } = await makeShop(t, "sim:answer");
	const { press, reaches, says, errors } = await open(t, site.url, { expected: ["ERR_"] });
	await press();
	await reaches("talking");
	await gw.kill("SIGKILL");
	await reaches("failed", 60_000); /* consent to send is given up (RFC 7675) */
	equal(await says(), "The connection was lost.");
	equal((await errors()).map(({ code }) => code), ["lost"]);
	await gw.restart();
});
