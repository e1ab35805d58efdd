/* The wall clock jumps (G14): calls don't notice, timers fire when they are due, and
 * what is told stays in its order. */
import { equal, eventually, ok, test } from "../wire/harness.mjs";
import { call, endOf, SANDBOX, world } from "./help.mjs";

const HOUR = 3600;

const rising = (numbers, what) => numbers.forEach((number, i) => ok(!i || number > numbers[i - 1], `${what}: ${numbers.join(" ")}`));

for (const [name, jumps] of Object.entries({
	"an hour ahead": [HOUR], "an hour back": [-HOUR], "back and forth": [HOUR, -HOUR, 1, 0, -1, 0], /* a leap second, too */
})) {
	test(`G14: the clock jumps ${name}: calls stay, order stays`, async (t) => {
		const { options, clock } = world(t);
		const gw = await t.gateway(SANDBOX, options);
		const stream = await gw.events("/events?last_event_id=0");
		const up = await call(gw, { to: "sim:answer", time_limit: 1800, metadata: { no: 0 } });
		const ids = [up];

		for (const jump of jumps) {
			clock(jump);
			/* it goes on taking calls, with and without somebody else's clock */
			const again = { headers: { "Idempotency-Key": `jump-${ids.length}` } };
			const first = await gw.api("POST", "/calls", { body: { to: "sim:busy" }, ...again });
			const same = await gw.api("POST", "/calls", { body: { to: "sim:busy" }, ...again });
			equal([first.status, same.status, same.json.id], [201, 201, first.json.id], "one key, one call");
			ids.push(first.json.id);
			equal((await endOf(gw, first.json.id)).cause, "busy");
			equal((await gw.api("GET", `/calls/${up}`)).json.state, "bridged", "the call that was up");
			equal((await gw.api("GET", "/lines/sandbox")).json.state, "registered", "the line");
			equal((await gw.api("GET", "/readyz")).status, 200);
		}
		const list = (await gw.api("GET", "/calls")).json.data.map(({ id }) => id);
		equal(list, ids.toReversed(), "calls, newest first");

		await gw.api("DELETE", `/calls/${up}`);
		const { duration } = await endOf(gw, up);
		/* it has lasted seconds, and every jump that counts is an hour */
		ok(duration >= 0 && duration < HOUR / 2, `a call is told to have lasted ${duration} s`);
		await stream.untilType("call.ended", up);
		rising(stream.seen.map(({ id }) => id), "ids");
		for (const id of ids) {
			const own = stream.seen.filter(({ call_id }) => call_id === id);
			equal(own.map(({ seq }) => seq), own.map((_, i) => own[0].seq + i), "seq");
			equal(own.filter(({ type }) => type === "call.ended").length, 1, "ends");
		}

		/* what is read again is in the same order */
		const past = await gw.events("/events?last_event_id=0");
		await past.untilType("call.ended", up);
		equal(past.seen.map(({ id }) => id), stream.seen.map(({ id }) => id), "the past");
	});
}

test("G14: timers fire when they are due, not when the wall clock says so", async (t) => {
	const { options, clock } = world(t);
	const gw = await t.gateway(SANDBOX, options);
	const stream = await gw.events("/events");
	const limited = await call(gw, { to: "sim:answer", time_limit: 3 });
	const ringing = (await gw.api("POST", "/calls", { body: { to: "sim:no-answer", ring_timeout: 3 } })).json.id;
	await stream.untilType("call.ringing", ringing);
	clock(-HOUR);
	equal((await stream.untilType("call.ended", limited)).call.cause, "time_limit");
	equal((await stream.untilType("call.ended", ringing)).call.cause, "ring_timeout");
	clock(HOUR);
	const later = await call(gw, { to: "sim:answer", time_limit: 3 });
	await eventually("it is up for a while", async () => stream.seen.some(({ type, call_id }) => type === "call.bridged" && call_id === later));
	equal((await stream.untilType("call.ended", later)).call.cause, "time_limit");
});
