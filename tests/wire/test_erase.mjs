/* POST /calls/{id}/erase: what tells of people goes, from every file; that there was
 * a call stays. And what keep_days takes away. */
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, utimesSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { equal, eventually, match, ok, test } from "./harness.mjs";

const json = { Accept: "application/json" };
const get = async (gw, path) => (await gw.api("GET", path, { headers: json })).json;

/* Which of the words are still in some file of the directory. */
const found = (dir, words) => readdirSync(dir, { withFileTypes: true, recursive: true })
	.filter((entry) => entry.isFile() && !["bellpull.json", "log"].includes(entry.name))
	.flatMap((entry) => {
		const bytes = readFileSync(join(entry.parentPath ?? entry.path, entry.name));
		return words.filter((word) => bytes.includes(word)).map((word) => `${entry.name}: ${word}`);
	});

const secrets = ["sim:press-1", "sim:answer", "Grandmother", "Rumpelstiltskin", "Snow-White", "Cinderella"];
const order = { to: "sim:press-1", from: "sim:answer", caller_id: { name: "Grandmother" }, client_state: "Rumpelstiltskin",
	metadata: { who: "Snow-White" }, headers: { "X-Who": "Cinderella" }, record: true, send_digits: "12" };

test("erase: number, names and words are in no file any more; times and cause are", async (t) => {
	const recordings = mkdtempSync(join(tmpdir(), "bellpull-rec-"));
	t.later(() => rmSync(recordings, { recursive: true, force: true }));
	const gw = await t.gateway({ sandbox: true, media: { recordings } });
	const stream = await gw.events("/events");
	const body = { ...order };
	const first = await gw.api("POST", "/calls", { body, headers: { "Idempotency-Key": "k" } });
	equal(first.status, 201, first.text);
	const { id } = first.json;
	await stream.untilType("call.bridged", id);
	const early = await gw.api("POST", `/calls/${id}/erase`);
	equal([early.status, early.json.code], [409, "wrong_state"], "while it is up");
	await gw.api("DELETE", `/calls/${id}`);
	await stream.untilType("call.recording.saved", id);
	await stream.untilType("call.ended", id);
	const before = await get(gw, `/calls/${id}`);
	const told = (await get(gw, `/calls/${id}/events`)).data;
	ok(existsSync(join(recordings, `${id}.wav`)), "the recording");

	const reply = await eventually("it is erased", async () => {
		const answer = await gw.api("POST", `/calls/${id}/erase`);
		return answer.status === 200 && answer;
	});
	const call = reply.json;
	match(call.erased_at, /^2.*Z$/);
	equal([call.to, call.from, call.client_state, call.metadata, call.recording], ["", null, null, null, null]);
	equal(call.legs.map((leg) => [leg.uri, leg.sip_call_id]), [["", null], ["", null]]);
	for (const name of ["id", "status", "state", "cause", "q850", "created_at", "answered_at", "ended_at", "duration", "ended_by"])
		equal(call[name], before[name], name);
	ok(call.revision > before.revision, "revision");
	ok(!existsSync(join(recordings, `${id}.wav`)), "the recording is gone");
	equal((await gw.api("GET", `/calls/${id}/recording`)).status, 404);
	const sip = await gw.api("GET", `/calls/${id}/sip`);
	equal(sip.json.messages, [], "the ladder");

	const after = (await get(gw, `/calls/${id}/events`)).data;
	equal(after.map((event) => [event.id, event.seq, event.type, event.occurred_at, event.leg ?? null, event.call.status]),
		told.map((event) => [event.id, event.seq, event.type, event.occurred_at, event.leg ?? null, event.call.status]), "the events");
	ok(after.every((event) => event.call.to === "" && event.call.erased_at && !Object.keys(event.data).length), "what they say");
	const replayed = await gw.events("/events?last_event_id=0");
	await replayed.untilType("call.ended", id);
	ok(!secrets.some((word) => JSON.stringify(replayed.seen).includes(word)), "what a stream says of it");
	equal((await gw.api("GET", "/calls?to=sim%3Apress-1")).json.data, [], "found by its number");
	equal((await gw.api("GET", "/calls")).json.data.length, 1);

	const again = await gw.api("POST", "/calls", { body, headers: { "Idempotency-Key": "k" } });
	equal([again.status, again.json.id, again.json.to], [201, id, ""], "the first answer again");
	await eventually("no file knows of them", () => !found(gw.dir, secrets).length, 15_000);
	equal((await gw.api("POST", `/calls/${id}/erase`)).status, 200, "twice");
	await gw.kill("SIGKILL");
	await gw.restart();
	equal((await get(gw, `/calls/${id}`)).to, "", "after a restart");
	equal(found(gw.dir, secrets), []);
});

test("erase: a scope of its own, and a call of one's own", async (t) => {
	const scopes = ["calls:create", "calls:read", "calls:hangup", "calls:control", "events:read"];
	const keys = [["plain", "p", scopes], ["eraser", "p", ["calls:erase", "calls:read"]], ["admin", "p", ["admin"]], ["other", "q", ["calls:erase"]]]
		.map(([name, project, given]) => ({ name, secret: `env:KEY_${name.toUpperCase()}`, project, scopes: given }));
	const env = Object.fromEntries(keys.map(({ name }) => [`KEY_${name.toUpperCase()}`, name.padEnd(43, "x")]));
	const gw = await t.gateway({ sandbox: true, keys }, { env });
	const as = (name) => ({ Authorization: `Bearer ${name.padEnd(43, "x")}` });
	const { id } = (await gw.api("POST", "/calls", { body: { to: "sim:busy" }, headers: as("plain") })).json;
	await eventually("it has ended", async () => (await gw.api("GET", `/calls/${id}`, { headers: as("plain") })).json.ended_at);
	const erase = async (name) => (await gw.api("POST", `/calls/${id}/erase`, { headers: as(name) })).status;
	equal(await erase("plain"), 403);
	equal(await erase("other"), 404);
	equal(await erase("eraser"), 200);
	equal(await erase("admin"), 200);
});

/* What Debian has: python3 is there for the suites. */
const sql = (gw, text) => execFileSync("python3", ["-c",
	"import sqlite3,sys,json\nd=sqlite3.connect(sys.argv[1])\nr=[list(x) for x in d.execute(sys.argv[2])]\nd.commit()\nprint(json.dumps(r))",
	join(gw.dir, "bellpull.db"), text], { encoding: "utf8" });

test("keep_days: a call goes with all that belongs to it", async (t) => {
	const recordings = mkdtempSync(join(tmpdir(), "bellpull-rec-"));
	t.later(() => rmSync(recordings, { recursive: true, force: true }));
	const gw = await t.gateway({ sandbox: true, media: { recordings }, store: { keep_days: 2 } });
	const stream = await gw.events("/events");
	const one = async (key) => {
		const { id } = (await gw.api("POST", "/calls", { body: { ...order, dedupe_seconds: 0 }, headers: { "Idempotency-Key": key } })).json;
		await stream.untilType("call.bridged", id);
		await gw.api("DELETE", `/calls/${id}`);
		await stream.untilType("call.recording.saved", id);
		await stream.untilType("call.ended", id);
		return id;
	};
	const old = await one("old");
	const young = await one("young");
	equal(await gw.kill("SIGTERM").then((exit) => exit.code), 0);
	/* three days later, for the old one */
	const days = 3 * 86400 * 1000;
	sql(gw, `UPDATE calls SET ended_at = ended_at - ${days} WHERE id = '${old}'`);
	sql(gw, `UPDATE idempotency SET expires_at = expires_at - ${days} WHERE call_id = '${old}'`);
	const then = Date.now() / 1000 - days / 1000;
	utimesSync(join(recordings, `${old}.wav`), then, then);
	await gw.restart();
	await eventually("the old call is gone", async () => (await gw.api("GET", `/calls/${old}`)).status === 404);
	await eventually("its recording, too", () => !existsSync(join(recordings, `${old}.wav`)));
	ok(existsSync(join(recordings, `${young}.wav`)), "the young one's");
	equal((await gw.api("GET", `/calls/${young}`)).status, 200);
	ok((await get(gw, `/calls/${young}/events`)).data.some((event) => event.type === "call.ended"), "its events");
	await gw.kill("SIGTERM");
	const left = JSON.parse(sql(gw, `SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM events WHERE call_id = '${old}'),
		(SELECT count(*) FROM events WHERE call_id = '${young}') > 0, (SELECT count(*) FROM ladders), (SELECT group_concat(call_id) FROM idempotency)`));
	equal(left[0], [1, 0, 1, 1, young], "calls, events, ladders, idempotency");
	await gw.restart();
});
