/* Clocks that jump and disks that refuse (C6, C9, C18): see preload.c. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { world } from "../standing/help.mjs";
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, deliveries, receiver, webhooks } from "../wire/receiver.mjs";

const HOUR = 3600, DAY = 24 * HOUR;

const up = async (t, config, options) => {
	const gw = await t.gateway({ sandbox: true, drain_s: 0, ...config }, options);
	await registered(gw);
	return gw;
};
const registered = (gw) => eventually("the line is registered", async () =>
	(await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
const endOf = async (there, id) => {
	await eventually(`the end of ${id} came`, () => there.of("call.ended").some(({ event }) => event.call_id === id));
};

for (const [name, jump] of Object.entries({ ahead: 12 * HOUR, back: -12 * HOUR })) {
	test(`C6: the clock jumps half a day ${name}: what is due soon comes soon, what is due later doesn't fire, also through a restart`, async (t) => {
		const { options, clock } = world(t);
		const fails = new Set();
		const soon = await receiver(t, (n) => (n === 1 ? 500 : 200));
		const late = await receiver(t, (n, { event }) => (fails.has(event.call_id) ? 500 : 200));
		const gw = await up(t, { ...webhooks([{ name: "soon", url: soon.url, events: ["call.ended"] }]) }, options);
		const id = await call(gw);
		await eventually("it failed once", () => soon.got.length);
		clock(jump);
		await eventually("it comes again, a second later", () => soon.got.length === 2);
		equal(soon.got[1].event.call_id, id);

		/* the same gateway, asked to wait for an hour or a day */
		await gw.kill();
		gw.config.webhooks.endpoints = [{ name: "late", url: late.url, events: ["call.ended"] }];
		gw.config.webhooks.schedule = [DAY];
		clock(0);
		writeFileSync(join(gw.dir, "bellpull.json"), JSON.stringify(gw.config));
		await gw.restart();
		await registered(gw);
		const held = [];
		for (let n = 0; n < 3; n++) {
			/* which call it is is known before it has ended */
			const made = await gw.api("POST", "/calls", { body: { to: "sim:no-answer", ring_timeout: 1 } });
			fails.add(made.json.id);
			held.push(made.json.id);
		}
		for (const one of held)
			await endOf(late, one);
		await eventually("they wait", async () => (await deliveries(gw, "?endpoint=late&status=waiting")).filter(({ attempts }) => attempts).length === 3);
		const seen = () => late.got.filter(({ event }) => held.includes(event.call_id)).length;
		equal(seen(), 3, "tries");
		clock(jump);
		await endOf(late, await call(gw)); /* others are told as ever */
		await endOf(late, await call(gw));
		equal(seen(), 3, "tries after the jump");
		await gw.kill("SIGKILL");
		await gw.restart();
		await registered(gw);
		await endOf(late, await call(gw));
		equal(seen(), 3, "tries after the restart");
		const waiting = (await deliveries(gw, "?endpoint=late&status=waiting")).filter(({ attempts }) => attempts);
		equal(waiting.length, 3, "what waits, but for news on its way to the disk");
		for (const { next_try_at } of waiting)
			ok(Date.parse(next_try_at) > Date.now(), `due at ${next_try_at}`);
		[soon, late].forEach((one) => one.close());
	});
}

test("C9: five days of failures disable an endpoint: log, API and metric say so", async (t) => {
	const { options, clock } = world(t);
	const there = await receiver(t, () => 500);
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.ended"] }], { schedule: [HOUR] }), options);
	const state = async () => (await gw.api("GET", "/webhooks")).json.data[0];
	await call(gw);
	await eventually("it fails", async () => (await state()).failing_since);
	clock(5 * DAY - HOUR);
	await call(gw);
	await eventually("it failed again", async () => (await state()).failed === 2);
	equal((await state()).state, "enabled", "after less than five days");
	clock(5 * DAY + HOUR);
	await call(gw);
	const disabled = await eventually("it is disabled", async () => {
		const one = await state();
		return one.state === "disabled" && one;
	});
	match(disabled.reason, /five days/);
	const record = gw.records().find(({ event }) => event === "webhook.endpoint.disabled");
	equal([record.level, record.endpoint], ["error", "crm"]);
	match((await gw.api("GET", "/metrics")).text, /^bellpull_webhook_deliveries_total\{result="failed"\} 3$/m);
	there.close();
});

test("C18: the disk refuses: new calls get 503, and what was told before is delivered, once it is mended all of it", async (t) => {
	const { options, disk } = world(t);
	let well = false;
	const there = await receiver(t, () => (well ? 200 : 500));
	const gw = await up(t, webhooks([{ name: "crm", url: there.url, events: ["call.*"] }], { schedule: Array(60).fill(1) }), options);
	const stream = await gw.events("/events?last_event_id=0");
	const ids = [];
	for (let n = 0; n < 5; n++) {
		ids.push(await call(gw));
		await stream.untilType("call.ended", ids[n]);
	}
	disk(28); /* ENOSPC */
	const refused = await eventually("a call is refused", async () => {
		const made = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
		return made.status !== 201 && made;
	});
	equal([refused.status, refused.json.code], [503, "storage"]);
	well = true;
	await eventually("what waited comes all the same", () => ids.every((id) => there.got.some(({ event }) => event.call_id === id)));
	disk(0);
	const last = await eventually("calls are taken again", async () => {
		const made = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
		return made.status === 201 && made.json.id;
	}, 30_000);
	await stream.untilType("call.ended", last);
	const told = stream.seen.filter(({ type }) => type.startsWith("call."));
	await eventually("all of it is delivered", () => {
		const came = new Set(there.got.map(({ headers }) => headers["webhook-id"]));
		return told.every(({ id }) => came.has(String(id)));
	}, 30_000);
	await eventually("and noted", async () => !(await gw.api("GET", "/webhooks")).json.data[0].waiting, 30_000);
	equal((await deliveries(gw, "?status=dead")).length, 0, "dead ones");
	there.close();
});
