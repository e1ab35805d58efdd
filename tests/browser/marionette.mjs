/* marionette.mjs - Firefox, driven by the protocol that it has built in: a length, a
 * colon, and a list in JSON, both ways. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from "node:fs";
import net from "node:net";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";

import { eventually, ok } from "../wire/harness.mjs";

const START_MS = 40_000;

/* No question to anybody, no word to its maker; sound and peers on a machine that has
 * neither a sound card nor a network. */
const preferences = {
	"marionette.port": 0,
	"media.navigator.permission.disabled": true,
	"media.navigator.streams.fake": true,
	"media.autoplay.default": 0,
	"media.autoplay.blocking_policy": 0,
	"media.autoplay.block-webaudio": false,
	"media.cubeb.force_mock_context": true,
	"media.peerconnection.ice.loopback": true,
	"media.gmp-manager.updateEnabled": false,
	"app.update.enabled": false,
	"app.normandy.enabled": false,
	"datareporting.policy.dataSubmissionEnabled": false,
	"toolkit.telemetry.enabled": false,
	"browser.shell.checkDefaultBrowser": false,
	"browser.startup.homepage": "about:blank",
	"network.captive-portal-service.enabled": false,
	"network.connectivity-service.enabled": false,
	"services.settings.server": "data:,",
};

/* { send(command, parameters), close() } */
const dial = (port) => new Promise((done, fail) => {
	const socket = net.connect(port, "127.0.0.1");
	const waiting = new Map();
	let bytes = Buffer.alloc(0);
	let next = 1;
	const take = () => {
		const colon = bytes.indexOf(":");
		const length = Number(bytes.subarray(0, colon));
		if (colon < 0 || bytes.length < colon + 1 + length)
			return false;
		const message = JSON.parse(bytes.subarray(colon + 1, colon + 1 + length));
		bytes = bytes.subarray(colon + 1 + length);
		if (!Array.isArray(message)) {
			done({ send, close: () => socket.destroy() }); /* its greeting */
			return true;
		}
		const [, id, error, value] = message;
		const one = waiting.get(id);
		waiting.delete(id);
		if (error)
			one.fail(new Error(`${error.error}: ${error.message}`));
		else
			one.done(value);
		return true;
	};
	const send = (command, parameters = {}) => new Promise((done, fail) => {
		const text = JSON.stringify([0, next, command, parameters]);
		waiting.set(next++, { done, fail });
		socket.write(`${Buffer.byteLength(text)}:${text}`);
	});
	socket.on("data", (more) => {
		bytes = Buffer.concat([bytes, more]);
		while (take())
			;
	});
	socket.on("error", fail);
	socket.on("close", () => {
		for (const one of waiting.values())
			one.fail(new Error("Firefox has hung up"));
	});
});

/* Where there is nothing but loopback (a namespace of the suite's own), Firefox takes
 * itself for offline and gathers no candidate; any other address will do. */
const goOnline = (t) => {
	if (Object.values(networkInterfaces()).flat().some(({ address }) => !/^127\.|^::1$/.test(address)))
		return;
	const ip = (text) => spawnSync("ip", text.split(" "));
	ip("addr add 192.0.2.1/24 dev lo");
	ip("route add default via 192.0.2.1 dev lo");
	t.later(() => {
		ip("route del default via 192.0.2.1 dev lo");
		ip("addr del 192.0.2.1/24 dev lo");
	});
};

/* A page of Firefox's: { run(text), close() }. run() is given the body of an async
 * function. */
export const firefox = async (t, url) => {
	goOnline(t);
	const profile = mkdtempSync(join(tmpdir(), "bellpull-firefox-"));
	t.later(() => rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }));
	writeFileSync(join(profile, "user.js"), Object.entries(preferences)
		.map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`).join(""));
	const child = spawn(process.env.FIREFOX ?? "firefox-esr", ["--headless", "--marionette", "--no-remote", "--profile", profile, "about:blank"],
		{ env: { ...process.env, HOME: profile, MOZ_CRASHREPORTER_DISABLE: "1" }, stdio: "ignore", detached: true });
	const exited = new Promise((done) => {
		child.on("exit", done);
		child.on("error", done);
	});
	let over = false;
	exited.then(() => { over = true; });
	t.later(async () => {
		if (!over)
			process.kill(-child.pid, "SIGKILL"); /* its own group: it has children */
		await exited;
	});

	const port = await eventually("Firefox listens", () => {
		ok(!over, "Firefox has ended at its start");
		try {
			return Number(readFileSync(join(profile, "MarionetteActivePort"), "utf8"));
		} catch {
			return 0;
		}
	}, START_MS);
	const line = await dial(port);
	t.later(line.close);
	await line.send("WebDriver:NewSession", { capabilities: { alwaysMatch: {} } });
	await line.send("WebDriver:SetTimeouts", { script: 20_000, pageLoad: 20_000 });
	await line.send("WebDriver:Navigate", { url });
	const run = async (text) => {
		const { value } = await line.send("WebDriver:ExecuteAsyncScript", {
			script: `const done = arguments[arguments.length - 1];
				(async () => { ${text} })().then((value) => done({ value }), (error) => done({ error: String(error) }));`,
			args: [], newSandbox: false, sandbox: null,
		});
		if (value.error)
			throw new Error(value.error);
		return value.value;
	};
	const close = async () => {
		await line.send("WebDriver:Navigate", { url: "about:blank" });
	};
	return { run, close };
};
