/* Two customers on one gateway: the stream shows a key the calls of its project
 * and the lines it may use, whichever way an event comes. */
import { equal, eventually, ok, test } from "./harness.mjs";

const secrets = { alice: "bp_alice_0123456789abcdefghijkl", bob: "bp_bob_0123456789abcdefghijklmn", carol: "bp_carol_0123456789abcdefghijkl" };
const env = { TEST_ALICE: secrets.alice, TEST_BOB: secrets.bob, TEST_CAROL: secrets.carol };
const scopes = ["calls:create", "calls:read", "calls:hangup", "events:read", "lines:read"];

/* alice and carol share a project, carol has another line; bob is a stranger. The
 * port of `other` answers nothing. */
const config = {
	sandbox: true,
	drain_s: 1,
	lines: [{ name: "other", user: "858", domain: "127.0.0.1", port: 9 }],
	keys: [
		{ name: "alice", secret: "env:TEST_ALICE", project: "a", scopes },
		{ name: "bob", secret: "env:TEST_BOB", project: "b", scopes },
		{ name: "carol", secret: "env:TEST_CAROL", project: "a", scopes, lines: ["other"] },
	],
};

const as = (who, headers = {}) => ({ headers: { Authorization: `Bearer ${secrets[who]}`, ...headers } });

const place = async (gw, who, to = "sim:busy") => {
	const reply = await gw.api("POST", "/calls", { ...as(who), body: { to, line: "sandbox" } });
	equal(reply.status, 201);
	return reply.json;
};

const placeAndEnd = async (gw, who, to) => {
	const call = await place(gw, who, to);
	equal(await (await gw.events(`/calls/${call.id}/events`, as(who))).ended, "end");
	return call;
};

const callsOf = (stream) => [...new Set(stream.seen.map((event) => event.call_id).filter(Boolean))];
const linesOf = (stream) => [...new Set(stream.seen.filter((event) => event.type.startsWith("line.")).map((event) => event.data.name))].sort();

test("projects: live, a key sees its own project's calls", async (t) => {
	const gw = await t.gateway(config, { env });
	const alice = await gw.events("/events", as("alice"));
	const bob = await gw.events("/events", as("bob"));
	const hers = await placeAndEnd(gw, "alice");
	const his = await placeAndEnd(gw, "bob", "sim:hangup");
	const last = await placeAndEnd(gw, "alice");
	const his_last = await placeAndEnd(gw, "bob");

	await alice.untilType("call.ended", last.id);
	await bob.untilType("call.ended", his_last.id);
	equal(callsOf(alice), [hers.id, last.id]);
	equal(callsOf(bob), [his.id, his_last.id]);
	equal(bob.seen.filter((event) => event.call_id === his.id).map((event) => event.seq), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
});

test("projects: replayed from memory and from the store, too", async (t) => {
	const gw = await t.gateway(config, { env });
	const hers = [];
	const his = [];
	for (let i = 0; i < 12; i++) {
		hers.push((await placeAndEnd(gw, "alice")).id);
		if (i % 6 === 2)
			his.push((await placeAndEnd(gw, "bob")).id);
	}

	/* after a restart nothing of it is in memory */
	for (const where of ["memory", "the store"]) {
		const bob = await gw.events("/events?last_event_id=0", as("bob"));
		await bob.untilType("call.ended", his.at(-1));
		const alice = await gw.events("/events", as("alice", { "Last-Event-ID": "1" }));
		await alice.untilType("call.ended", hers.at(-1));
		const marks = [await placeAndEnd(gw, "alice"), await placeAndEnd(gw, "bob")].map((call) => call.id);
		hers.push(marks[0]);
		his.push(marks[1]);
		await alice.untilType("call.ended", marks[0]);
		await bob.untilType("call.ended", marks[1]);
		equal(callsOf(bob), his, `bob's, from ${where}`);
		equal(callsOf(alice), hers, `alice's, from ${where}`);
		await gw.kill();
		await gw.restart();
	}
});

test("projects: what a crash left is told to its project", async (t) => {
	const gw = await t.gateway(config, { env });
	const bob = await gw.events("/events", as("bob"));
	const hers = await place(gw, "alice", "sim:answer");
	const his = await place(gw, "bob", "sim:answer");
	await bob.untilType("call.bridged", his.id);
	await gw.kill("SIGKILL");
	await gw.restart();

	for (const [who, call] of [["alice", hers], ["bob", his]]) {
		const stream = await gw.events("/events?last_event_id=0", as(who));
		const ended = await stream.untilType("call.ended", call.id);
		equal(ended.call.cause, "server_restart");
		const mark = await placeAndEnd(gw, who);
		await stream.untilType("call.ended", mark.id);
		equal(callsOf(stream), [call.id, mark.id], who);
	}
});

test("projects: a reset shows the key's calls and lines", async (t) => {
	const gw = await t.gateway(config, { env });
	const hers = await place(gw, "alice", "sim:answer");
	const his = await place(gw, "bob", "sim:answer");
	const want = { alice: [[hers.id], ["other", "sandbox"]], bob: [[his.id], ["other", "sandbox"]], carol: [[hers.id], ["other"]] };
	for (const who of ["alice", "bob", "carol"]) {
		const stream = await gw.events("/events", as(who, { "Last-Event-ID": "99999999" }));
		await stream.until("a reset", () => stream.resets.length);
		const { calls, lines } = stream.resets[0];
		equal([calls.map((call) => call.id), lines.map((line) => line.name).sort()], want[who], who);
	}
});

test("projects: the events of another project's call are no events", async (t) => {
	const gw = await t.gateway(config, { env });
	const hers = await place(gw, "alice", "sim:answer");
	for (const accept of ["text/event-stream", "application/json"])
		equal((await gw.api("GET", `/calls/${hers.id}/events`, as("bob", { Accept: accept }))).status, 404, accept);
	const carol = await gw.events(`/calls/${hers.id}/events`, as("carol"));
	await carol.untilType("call.bridged", hers.id);
});

test("projects: a key sees the events of the lines it may use", async (t) => {
	const gw = await t.gateway(config, { env });
	const alice = await gw.events("/events?last_event_id=0", as("alice"));
	const carol = await gw.events("/events?last_event_id=0", as("carol"));
	await alice.untilType("line.registered");
	await carol.untilType("line.registering");

	/* what the stop tells is told live: of the lines, and to everybody */
	await gw.kill();
	equal([await alice.ended, await carol.ended], ["end", "end"]);
	for (const [who, stream, lines] of [["alice", alice, ["other", "sandbox"]], ["carol", carol, ["other"]]]) {
		ok(stream.seen.some((event) => event.type === "gateway.draining"), `${who} is told of the end`);
		equal(linesOf(stream), lines, who);
	}
	ok(alice.seen.some((event) => event.type === "line.unregistered" && event.data.name === "sandbox"), "no line.unregistered");

	await gw.restart();
	const again = await gw.events("/events?last_event_id=0", as("carol"));
	await again.until("the past", (events) => events.some((event) => event.type === "gateway.draining"));
	const whole = await gw.events("/events?last_event_id=0", as("alice"));
	await eventually("alice's lines", () => linesOf(whole).length === 2);
	equal(linesOf(again), ["other"]);
});

test("projects: waiting for another's call is answered at once, as for no call", async (t) => {
	const gw = await t.gateway(config, { env });
	const call = await place(gw, "alice", "sim:no-answer");
	const reply = await gw.api("GET", `/calls/${call.id}?wait=ended&timeout=60`, { ...as("bob"), patience_ms: 5000 });
	equal(reply.status, 404);
	equal((await gw.api("DELETE", `/calls/${call.id}`, as("bob"))).status, 404);
	ok(!(await gw.api("GET", `/calls/${call.id}`, as("alice"))).json.ended_at, "it goes on");
});
