/* A7: lists in pages. A8: what a client expects of a call before it changes it. */
import { equal, eventually, match, ok, test } from "./harness.mjs";

const place = async (gw, body = { to: "sim:busy" }, headers = {}) => (await gw.api("POST", "/calls", { body, headers })).json;
const ended = (gw, id) => eventually(`${id} has ended`, async () => {
	const call = (await gw.api("GET", `/calls/${id}`)).json;
	return call.ended_at && call;
});
const plenty = { requests_per_s: 100000, calls_per_s: 10000 };

/* All pages, by the Link header or by next_cursor: both say the same. */
const pages = async (gw, path, headers, between = async () => {}) => {
	const all = [];
	for (let next = path, n = 0; next; n++) {
		ok(n < 200, "pages without end");
		const reply = await gw.api("GET", next, { headers });
		equal(reply.status, 200, `the status of ${next}`);
		all.push(...reply.json.data);
		const [, link] = /^<([^>]+)>; rel="next"$/.exec(reply.headers.link ?? "") ?? [];
		equal(Boolean(link), reply.json.next_cursor !== null, "Link when there is a next_cursor");
		if (link)
			equal(new URL(link, gw.url).searchParams.get("cursor"), reply.json.next_cursor);
		next = link;
		await between(n);
	}
	return all;
};

test("A7: pages have each call once, newest first, while calls are being added", async (t) => {
	const gw = await t.gateway({ sandbox: true, limits: plenty });
	const before = [];
	for (let n = 0; n < 23; n++)
		before.push((await place(gw)).id);
	const added = [];
	const seen = (await pages(gw, "/calls?limit=3", {}, async () => added.push((await place(gw)).id))).map((call) => call.id);
	equal(new Set(seen).size, seen.length, "calls twice");
	equal(seen.filter((id) => before.includes(id)), [...before].reverse(), "the calls that were there");
	equal(seen.filter((id) => !before.includes(id)), [], "calls that came behind the first page");
	ok(added.length > 5, "calls were added");
	equal((await pages(gw, "/calls?limit=200")).length, before.length + added.length);
	for (const bad of ["0", "201", "-1", "x", "1.5", "99999999999999999999"])
		equal((await gw.api("GET", `/calls?limit=${bad}`)).json.code, "invalid_query", `limit=${bad}`);
});

test("A7: the next page is of the same question", async (t) => {
	const gw = await t.gateway({ sandbox: true, limits: plenty });
	const since = (await place(gw, { to: "853" })).created_at;
	for (let n = 0; n < 3; n++) {
		await ended(gw, (await place(gw, { to: "sim:busy" })).id);
		await ended(gw, (await place(gw, { to: "sim:decline", from: "sim:busy" })).id);
	}
	for (const [filter, count] of [["to=sim%3Abusy", 3], ["from=sim%3Abusy", 3], ["status=busy", 6], ["line=sandbox", 7],
		[`since=${encodeURIComponent(since)}`, 7], ["to=sim%3Abusy&status=busy&line=sandbox", 3], ["to=nobody", 0],
		["line=other", 0], ["since=2199-01-01T00%3A00%3A00Z", 0], ["status=no-answer", 0]]) {
		const found = await pages(gw, `/calls?limit=1&${filter}`);
		equal(found.length, count, `calls with ${filter}`);
		equal(new Set(found.map((call) => call.id)).size, count, `calls with ${filter}, each once`);
	}
});

test("A7: a cursor is signed: made up, changed, or of another list it is 400; after a restart it is good", async (t) => {
	const keys = ["a", "b"].map((project) => ({ name: project, secret: `env:KEY_${project.toUpperCase()}`, project,
		scopes: ["calls:create", "calls:read", "events:read"] }));
	const env = { KEY_A: "a".repeat(43), KEY_B: "b".repeat(43) };
	const gw = await t.gateway({ sandbox: true, keys, limits: plenty }, { env });
	const as = (project) => ({ Authorization: `Bearer ${project.repeat(43)}` });
	const ids = [];
	for (let n = 0; n < 4; n++)
		ids.push((await place(gw, { to: "sim:busy" }, as("a"))).id);
	await eventually("the last has ended", async () => (await gw.api("GET", `/calls/${ids[3]}`, { headers: as("a") })).json.ended_at);
	const cursor = (await gw.api("GET", "/calls?limit=2", { headers: as("a") })).json.next_cursor;
	ok(!cursor.includes("call_"), "opaque");
	const get = (text, project = "a", path = "/calls") => gw.api("GET", `${path}?cursor=${encodeURIComponent(text)}`, { headers: as(project) });
	equal((await get(cursor)).json.data.map((call) => call.id), [ids[1], ids[0]]);
	const flip = (text, at) => text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
	for (const bad of ["", "x", ids[0], "_".repeat(500), `${cursor}A`, cursor.slice(0, -1), cursor.slice(1), `${cursor}=`,
		Buffer.from(ids[0] + "x".repeat(12)).toString("base64url"), ...Array.from(cursor.slice(0, -1), (_, at) => flip(cursor, at))]) {
		const reply = await get(bad);
		equal([reply.status, reply.json.code], [400, "invalid_cursor"], `cursor=${bad}`);
	}
	equal((await get(cursor, "b")).status, 400, "another project's");
	const events = await gw.api("GET", `/calls/${ids[0]}/events?cursor=${cursor}`, { headers: { ...as("a"), Accept: "application/json" } });
	equal([events.status, events.json.code], [400, "invalid_cursor"], "of another list");
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await get(cursor)).json.data.map((call) => call.id), [ids[1], ids[0]], "after a restart");
});

test("A7: the events of a call as JSON come in pages, too", async (t) => {
	const gw = await t.gateway({ sandbox: true, limits: plenty });
	const { id } = await place(gw, { to: "sim:answer" });
	await eventually("it is up", async () => (await gw.api("GET", `/calls/${id}`)).json.status === "in-progress");
	for (let n = 0; n < 5; n++)
		for (const what of ["hold", "unhold"])
			await eventually(what, async () => (await gw.api("POST", `/calls/${id}/${what}`, { body: {} })).status === 200);
	await gw.api("DELETE", `/calls/${id}`);
	await ended(gw, id);
	const headers = { Accept: "application/json" };
	const whole = await eventually("its end is on disk", async () => {
		const { json } = await gw.api("GET", `/calls/${id}/events`, { headers });
		return json.data.at(-1).type === "call.ended" && json;
	});
	equal(whole.next_cursor, null);
	ok(whole.data.length >= 10, `${whole.data.length} events`);
	const parts = await pages(gw, `/calls/${id}/events?limit=3`, headers);
	equal(parts, whole.data, "in pages and whole");
	equal(parts.map((event) => event.seq), parts.map((_, i) => i + 1));
	equal((await gw.api("GET", `/calls/${id}/events?limit=1001`, { headers })).status, 400);
});

test("A8: the ETag of a call is another after each change; 304, 412", async (t) => {
	const gw = await t.gateway({ sandbox: true });
	const { id } = await place(gw, { to: "sim:answer" });
	const stream = await gw.events(`/calls/${id}/events`);
	await stream.untilType("call.bridged", id);
	const tag = async () => (await gw.api("GET", `/calls/${id}`)).headers.etag;
	const tags = [await tag()];
	match(tags[0], /^"[0-9a-f]{32}"$/);
	const fresh = await gw.api("GET", `/calls/${id}`, { headers: { "If-None-Match": `"x", W/${tags[0]}` } });
	equal([fresh.status, fresh.text], [304, ""]);
	for (const [what, body] of [["mute", { leg: "to" }], ["unmute", { leg: "to" }], ["hold", {}], ["unhold", {}]]) {
		equal((await gw.api("POST", `/calls/${id}/${what}`, { body })).status, 200, what);
		tags.push(await eventually(`another ETag after ${what}`, async () => {
			const now = await tag();
			return !tags.includes(now) && now;
		}));
	}
	const stale = { "If-Match": tags[0] };
	for (const [method, path] of [["GET", ""], ["DELETE", ""], ["POST", "/hangup"], ["POST", "/mute"], ["POST", "/hold"]]) {
		const reply = await gw.api(method, `/calls/${id}${path}`, { headers: stale, ...(method === "POST" ? { body: {} } : {}) });
		equal([reply.status, reply.json.code], [412, "changed"], `${method} ${path}`);
	}
	equal((await gw.api("DELETE", `/calls/${id}`, { headers: { "If-Match": `W/${await tag()}` } })).status, 412, "weak");
	equal((await gw.api("GET", `/calls/${id}`)).json.state, "bridged", "nothing was done");
	equal((await gw.api("POST", `/calls/${id}/mute`, { body: {}, headers: { "If-None-Match": "*" } })).status, 412);
	equal((await gw.api("POST", `/calls/${id}/mute`, { body: {}, headers: { "If-Match": `"x", ${await tag()}` } })).status, 200);
	equal((await gw.api("DELETE", `/calls/${id}`, { headers: { "If-Match": "*" } })).status, 200);
	await stream.untilType("call.ended", id);
	await stream.ended;
	/* also of one that the store alone knows */
	await eventually("it has left memory", async () => /"messages":\[\{/.test((await gw.api("GET", `/calls/${id}/sip`)).text));
	equal((await gw.api("DELETE", `/calls/${id}`, { headers: stale })).status, 412, "an ended one");
	equal((await gw.api("DELETE", `/calls/${id}`, { headers: { "If-Match": await tag() } })).status, 200);
	equal((await gw.api("DELETE", "/calls/call_01J9ZK3V5X8Q2M4N6P7R9S0T1W", { headers: stale })).status, 404);
});
