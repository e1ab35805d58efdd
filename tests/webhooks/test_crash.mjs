/* Kill -9 at any moment (C4, C5, C7): what is on disk as an event is delivered, at least
 * once, with the same id and the same bytes, and in order. */
import { equal, eventually, ok, test } from "../wire/harness.mjs";
import { receiver, SECRET, sign, up, webhooks } from "../wire/receiver.mjs";

const KILLS = Number(process.env.WEBHOOK_KILLS ?? 30);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const gone = (error) => /ECONN|socket hang up|EPIPE/.test(String(error?.code ?? error));

test(`C4 C5 C7: ${KILLS} times kill -9 under load, every other time right behind an answer: nothing is lost, what is repeated is the same`, async (t) => {
	const world = { over: false, placed: [], shoot: null };
	const there = await receiver(t, () => (response) => {
		response.end();
		world.shoot?.();
		world.shoot = null;
	});
	const gw = await up(t, { ...webhooks([{ name: "crm", url: there.url, secrets: [SECRET], events: ["call.*"] }], { schedule: Array(100).fill(1) }),
		drain_s: 0, limits: { requests_per_s: 100000, calls_per_s: 10000 } });

	const client = async () => {
		while (!world.over) {
			try {
				const reply = await gw.api("POST", "/calls", { body: { to: "sim:busy" } });
				if (reply.status === 201)
					world.placed.push(reply.json.id);
			} catch (error) {
				if (!gone(error))
					throw error;
			}
			await sleep(30);
		}
	};
	const clients = Array.from({ length: 4 }, client);
	for (let n = 0; n < KILLS; n++) {
		await sleep(150 + Math.random() * 250);
		if (n % 2)
			await new Promise((done) => {
				world.shoot = done;
				setTimeout(done, 2000);
			});
		await gw.kill("SIGKILL");
		await gw.restart();
	}
	world.over = true;
	await Promise.all(clients);
	await eventually("all calls are over", async () => (await gw.api("GET", "/capacity")).json.calls === 0, 60_000);
	await eventually("nothing waits", async () => {
		const [one] = (await gw.api("GET", "/webhooks")).json.data;
		return !one.waiting && !one.in_flight;
	}, 60_000);

	/* the journal against what came */
	const journal = new Map();
	for (const id of world.placed) {
		const { data } = (await gw.api("GET", `/calls/${id}/events`, { headers: { Accept: "application/json" } })).json;
		for (const event of data.filter(({ type }) => type.startsWith("call.")))
			journal.set(String(event.id), event);
	}
	const came = new Map();
	const order = new Map();
	let repeats = 0;
	for (const { headers, body, event } of there.got) {
		const id = headers["webhook-id"];
		equal(headers["webhook-signature"], sign(SECRET, headers, body), `the signature of ${id}`);
		if (came.has(id)) {
			equal(body, came.get(id), `the repetition of ${id}`);
			repeats++;
			continue;
		}
		came.set(id, body);
		const before = order.get(event.call_id) ?? 0;
		ok(event.seq > before, `${event.type} of ${event.call_id} came first after a later one`);
		order.set(event.call_id, event.seq);
	}
	const lost = [...journal.keys()].filter((id) => !came.has(id));
	equal(lost, [], "what was lost");
	for (const [id, event] of journal)
		equal(JSON.parse(came.get(id)), event, `what came as ${id}`);
	ok(world.placed.length > KILLS && journal.size > 4 * KILLS, `${world.placed.length} calls, ${journal.size} events only`);
	ok(repeats > 0, "no kill fell between an answer and its commit: this proves nothing");
	console.log(`# ${KILLS} kills, ${world.placed.length} calls, ${journal.size} events, ${there.got.length} deliveries, ${repeats} repeated, 0 lost`);
	there.close();
});
