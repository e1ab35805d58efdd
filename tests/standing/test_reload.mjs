/* SIGHUP: the settings are read again, whole or not at all (G11). */
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, endOf, folder, reload, rewrite, SANDBOX } from "./help.mjs";

const kept = (news) => news.filter(({ event }) => event === "config.kept").map(({ pointer }) => pointer);

test("G11: what may change in flight does, and a call that is up doesn't notice", async (t) => {
	const gw = await t.gateway(SANDBOX);
	const id = await call(gw, { to: "sim:answer" });
	const origin = "https://crm.example";
	equal((await gw.api("GET", "/livez", { headers: { Origin: origin } })).status, 403, "a foreign page");

	rewrite(gw, (config) => {
		config.http.cors_origins = [origin];
		config.limits = { calls: 1, calls_per_s: 7, streams: 2, body_bytes: 1024 };
		config.log = { level: "debug" };
		config.decline_status = "failed";
	});
	const news = await reload(gw);
	equal(news.at(-1).event, "gateway.reloaded");
	equal(kept(news), [], "what needs a restart");

	const reply = await gw.api("GET", "/livez", { headers: { Origin: origin } });
	equal(reply.headers["access-control-allow-origin"], origin, "the page that was let in");
	const { json } = await gw.api("GET", "/capacity");
	equal([json.calls_limit, json.calls_per_second_limit, json.streams_limit], [1, 7, 2], "limits");
	equal((await gw.api("POST", "/calls", { body: { to: "853" } })).status, 503, "a second call");
	equal((await gw.api("POST", "/calls", { body: { to: "853", client_state: "x".repeat(1100) } })).status, 413, "a body of more than 1024 bytes");
	ok(gw.records().some(({ level, event }) => level === "debug" && event === "http.request"), "debug lines");

	equal((await gw.api("GET", `/calls/${id}`)).json.state, "bridged", "the call");
	await gw.api("DELETE", `/calls/${id}`);
	equal((await endOf(gw, id)).status, "completed");
	/* there is room for one: once the first one's end is on disk */
	const declined = await eventually("room for a call", async () => (await gw.api("POST", "/calls", { body: { to: "sim:decline" } })).json.id);
	equal((await endOf(gw, declined)).status, "failed", "a call that was declined");
});

test("G11: settings that are wrong change nothing, and the log says where", async (t) => {
	const gw = await t.gateway({ ...SANDBOX, limits: { calls: 5 } });
	const id = await call(gw, { to: "sim:answer" });
	rewrite(gw, (config) => {
		config.limits.calls = 7;
		config.log = { level: "loud" };
		config.drain = 3;
	});
	const news = await reload(gw);
	equal(news.at(-1).event, "gateway.reload_refused");
	const wrong = news.filter(({ event }) => event === "config.wrong");
	equal(wrong.map(({ pointer }) => pointer).sort(), ["/drain", "/log/level"]);
	for (const { line, why } of wrong)
		ok(line > 1 && why.length > 10, `no line or no sentence: ${line} ${why}`);
	equal((await gw.api("GET", "/capacity")).json.calls_limit, 5, "the limit");

	/* no JSON at all; no file at all */
	rewrite(gw, () => "{ \"limits\": ");
	equal((await reload(gw)).at(-1).event, "gateway.reload_refused");
	gw.config.limits.calls = 6;
	rewrite(gw, () => {});
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	equal((await gw.api("GET", "/capacity")).json.calls_limit, 6, "the limit, once it was right");
	equal((await gw.api("GET", `/calls/${id}`)).json.state, "bridged", "the call");
});

test("G11: what can't change in flight keeps its value, and is named", async (t) => {
	const gw = await t.gateway({ ...SANDBOX });
	const dir = folder(t);
	rewrite(gw, (config) => {
		config.http.listen = [`127.0.0.1:${gw.port + 1}`];
		config.store.url = `sqlite:${join(dir, "other.db")}`;
		config.media = { ports: "30000-30100" };
		config.lines = [{ name: "new", user: "858", domain: "127.0.0.1" }];
		config.sandbox = false;
		config.limits = { calls: 9, connections: 50 };
	});
	for (let i = 0; i < 2; i++) {
		equal(kept(await reload(gw)), ["/lines/0", "/http/listen", "/media/ports", "/store/url", "/sandbox", "/limits/connections"], "what needs a restart");
		equal((await gw.api("GET", "/capacity")).json.calls_limit, 9, "what doesn't");
		equal((await gw.api("GET", "/lines")).json.data.map(({ name }) => name), ["sandbox"], "the lines");
		await endOf(gw, await call(gw, { to: "sim:hangup" }, "ended"));
	}
});

/* A reload must not open a door that the start keeps shut. */
test("G11: a gateway that others reach doesn't lose its last key", async (t) => {
	process.env.TEST_STANDING_KEY = "bp_standing_0123456789";
	const gw = await t.gateway({ ...SANDBOX, keys: [{ name: "all", secret: "env:TEST_STANDING_KEY" }] });
	gw.config.http.listen = [`0.0.0.0:${gw.port}`];
	rewrite(gw, () => {});
	await gw.kill();
	await gw.restart();
	equal((await gw.api("GET", "/capacity")).status, 401, "without a key");
	rewrite(gw, (config) => {
		config.http.listen = [`127.0.0.1:${gw.port}`];
		config.keys = [];
	});
	equal((await reload(gw)).at(-1).event, "gateway.reload_refused");
	equal((await gw.api("GET", "/capacity")).status, 401, "without a key, after the reload");
});

test("G11: a key of the store is a lock as good as one of the settings", async (t) => {
	const gw = await t.gateway(SANDBOX);
	const { stdout } = spawnSync(gw.binary, ["--config", join(gw.dir, "bellpull.json"), "key", "add", "crm"], { cwd: gw.dir, encoding: "utf8" });
	const bearer = { headers: { Authorization: `Bearer ${stdout.trim()}` } };
	gw.config.http.listen = [`0.0.0.0:${gw.port}`];
	rewrite(gw, () => {});
	await gw.kill();
	await gw.restart();
	equal((await gw.api("GET", "/capacity")).status, 401, "without a key");
	equal((await gw.api("GET", "/calls", bearer)).status, 200, "with it");
	rewrite(gw, (config) => {
		config.limits = { calls: 3 };
	});
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	equal((await gw.api("GET", "/calls", bearer)).status, 200, "with it, after the reload");
});

test("G11: another policy counts for the next call, and a wrong one is refused", async (t) => {
	const gw = await t.gateway(SANDBOX);
	const deny = { rules: [{ name: "nobody", action: "deny", lines: ["sandbox"] }] };
	const up = await call(gw, { to: "sim:answer" });
	rewrite(gw, (config) => {
		config.policy = { ...deny, countries: ["ZZ"] };
	});
	const news = await reload(gw);
	equal(news.at(-1).event, "gateway.reload_refused");
	match(news.find(({ event }) => event === "config.wrong")?.pointer, /^\/policy\/countries/);
	equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" } })).status, 201, "by the policy that stays");
	rewrite(gw, (config) => {
		config.policy = deny;
	});
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	equal((await gw.api("POST", "/calls", { body: { to: "sim:busy" } })).status, 403, "by the next one");
	equal((await gw.api("GET", `/calls/${up}`)).json.state, "bridged", "a call from before");
});

test("G11: a hundred reloads under traffic, and nothing is lost", async (t) => {
	const gw = await t.gateway({ ...SANDBOX });
	let running = true;
	const traffic = async () => {
		const ids = [];
		while (running) {
			const reply = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
			equal(reply.status, 201, reply.text);
			ids.push(reply.json.id);
		}
		return ids;
	};
	const all = Promise.all([traffic(), traffic()]);
	all.catch(() => {}); /* is told below */
	for (let i = 0; i < 100; i++) {
		rewrite(gw, (config) => {
			config.limits = { calls: 1000 + i };
		});
		equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	}
	running = false;
	for (const ids of await all)
		for (const id of ids)
			equal((await endOf(gw, id)).cause, "busy");
	equal((await gw.api("GET", "/capacity")).json.calls_limit, 1099);
});

test("G11: a key's file is read again: the old secret is out, its stream ends, its call goes on", async (t) => {
	const file = join(folder(t), "key");
	const bearer = (secret) => ({ headers: { Authorization: `Bearer ${secret}` } });
	writeFileSync(file, "bp_first_0123456789\n", { mode: 0o600 });
	process.env.TEST_STANDING_OTHER = "bp_other_0123456789";
	const gw = await t.gateway({ ...SANDBOX, keys: [
		{ name: "crm", secret: `file:${file}` }, { name: "other", secret: "env:TEST_STANDING_OTHER" }] });
	const first = bearer("bp_first_0123456789");
	const other = bearer("bp_other_0123456789");
	const stream = await gw.events("/events", first);
	const kept = await gw.events("/events", other);
	const id = await call(gw, { to: "sim:answer" }, "bridged", first);

	writeFileSync(file, "bp_second_0123456789\n", { mode: 0o600 });
	equal((await reload(gw)).at(-1).event, "gateway.reloaded");
	equal((await gw.api("GET", "/calls", first)).status, 401, "the old secret");
	await stream.ended;
	const second = bearer("bp_second_0123456789");
	equal((await gw.api("GET", `/calls/${id}`, second)).json.state, "bridged", "its call");
	await gw.api("DELETE", `/calls/${id}`, second);
	await kept.untilType("call.ended", id);

	/* one that others may read is none */
	writeFileSync(file, "bp_third_0123456789\n");
	chmodSync(file, 0o644);
	equal((await reload(gw)).at(-1).event, "gateway.reload_refused");
	equal((await gw.api("GET", "/calls", second)).status, 200, "the secret that stays");
});

/* What a supervisor is told: RELOADING with its time, then READY (see
 * test_watchdog.mjs for the socket). */
test("G11: no file is needed: what the environment says is read again", async (t) => {
	const gw = await t.gateway({ ...SANDBOX });
	writeFileSync(join(gw.dir, "bellpull.json"), "// nothing\n");
	equal((await reload(gw)).at(-1).event, "gateway.reload_refused", "an empty file");
	await eventually("still alive", async () => (await gw.api("GET", "/livez")).status === 200);
});
