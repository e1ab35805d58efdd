/* Where webhooks may not go (C11), with a name server of our own: it says what the test
 * wants, and may say something else the next time. Addresses of the Internet are played
 * by this machine: the kernel takes 8.8.8.0/24 as its own, which no interface has. */
import { execFileSync, spawnSync } from "node:child_process";
import dgram from "node:dgram";
import http from "node:http";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { folder, wrapped } from "../standing/help.mjs";
import { equal, eventually, match, ok, test } from "../wire/harness.mjs";
import { call, deliveries } from "../wire/receiver.mjs";

const v6 = (text) => { /* eight groups, or fewer around "::" */
	const [head, tail = ""] = text.split("::");
	const groups = (part) => part.split(":").filter(Boolean);
	const [a, b] = [groups(head), groups(tail)];
	const all = [...a, ...Array(8 - a.length - b.length).fill("0"), ...b];
	return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
};

/* answers(name, n) gives the addresses for the n-th question for A or AAAA of it. */
const nameServer = async (t, answers) => {
	const asked = {};
	const socket = dgram.createSocket("udp4");
	socket.on("message", (question, from) => {
		let at = 12;
		const labels = [];
		for (; question[at]; at += question[at] + 1)
			labels.push(question.toString("latin1", at + 1, at + 1 + question[at]));
		const name = labels.join(".").toLowerCase();
		const type = question.readUInt16BE(at + 1);
		const key = `${name} ${type === 28 ? "AAAA" : "A"}`;
		asked[key] = (asked[key] ?? 0) + 1;
		const found = (answers(name, asked[key]) ?? []).map((text) =>
			(text.includes(":") ? v6(text) : Buffer.from(text.split(".").map(Number))))
			.filter((bytes) => bytes.length === (type === 28 ? 16 : type === 1 ? 4 : -1));
		const head = Buffer.alloc(12);
		question.copy(head, 0, 0, 2);
		head.writeUInt16BE(0x8180, 2);
		head.writeUInt16BE(1, 4);
		head.writeUInt16BE(found.length, 6);
		const records = found.map((bytes) => {
			const record = Buffer.alloc(12);
			record.writeUInt16BE(0xc00c, 0);
			record.writeUInt16BE(type, 2);
			record.writeUInt16BE(1, 4);
			record.writeUInt32BE(0, 6); /* TTL */
			record.writeUInt16BE(bytes.length, 10);
			return Buffer.concat([record, bytes]);
		});
		socket.send(Buffer.concat([head, question.subarray(12, at + 5), ...records]), from.port, from.address);
	});
	await new Promise((done, fail) => socket.once("error", fail).bind(53, "127.0.0.1", done));
	t.later(() => new Promise((done) => socket.close(done)));
	return asked;
};

/* Whoever is told on port 80, whatever the address. */
const world80 = async (t) => {
	const got = [];
	const server = http.createServer((request, response) => {
		request.resume();
		request.on("end", () => {
			got.push(request.socket.localAddress.replace("::ffff:", ""));
			response.writeHead(200, { Connection: "close" });
			response.end();
		});
	});
	await new Promise((done, fail) => server.once("error", fail).listen(80, "::", done));
	t.later(() => { server.closeAllConnections(); server.close(); });
	return got;
};

const withNames = async (t, config) => {
	const file = join(folder(t), "resolv.conf");
	writeFileSync(file, "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
	const gw = await wrapped(t, `exec unshare -m sh -c 'mount --bind ${file} /etc/resolv.conf && exec "$0" "$@"' GATEWAY "$@"`,
		{ sandbox: true, allow_inline: true, ...config });
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
	return gw;
};

const internet = (t, network) => {
	execFileSync("ip", ["route", "add", "local", network, "dev", "lo"]);
	t.later(() => execFileSync("ip", ["route", "del", "local", network, "dev", "lo"]));
};

const settings = (names) => ({ webhooks: { allow_http: true, schedule: [3600],
	endpoints: names.map((name) => ({ name, url: `http://${name}/`, events: ["call.ended"] })) } });

const REFUSED = {
	"loop.test": ["127.0.0.1"], "loop6.test": ["::1"], "zero.test": ["0.0.0.0"], "private.test": ["10.1.2.3"],
	"home.test": ["192.168.1.1"], "office.test": ["172.16.0.1"], "carrier.test": ["100.64.0.1"],
	"metadata.test": ["169.254.169.254"], "metadata6.test": ["fd00:ec2::254"], "mapped.test": ["::ffff:7f00:1"],
	"compatible.test": ["::7f00:1"], "nat64.test": ["64:ff9b::7f00:1"], "sixtofour.test": ["2002:7f00:1::"],
	"link.test": ["fe80::1"], "many.test": ["224.0.0.1"], "later.test": ["240.0.0.1"],
};

test("C11: a name that leads to this machine, to a private network or to metadata is refused", async (t) => {
	const got = await world80(t);
	await nameServer(t, (name) => REFUSED[name] ?? (name === "good.test" ? ["8.8.8.8"] : null));
	internet(t, "8.8.8.0/24");
	const gw = await withNames(t, settings(["good.test", ...Object.keys(REFUSED)]));
	for (const name of Object.keys(REFUSED)) {
		const { json } = await gw.api("POST", `/webhooks/${name}/test`);
		equal([json.delivered, json.status], [false, null], name);
		match(json.answer, /may not be told/, name);
	}
	/* and the Internet is told, so it is not that nothing works */
	const { json } = await gw.api("POST", "/webhooks/good.test/test");
	equal([json.delivered, json.status], [true, 200], json.answer);
	equal(got, ["8.8.8.8"], "who was told");
});

test("C11: rebinding: a name that was of the Internet and turns to this machine is refused, and so is the second address of one answer", async (t) => {
	const got = await world80(t);
	const asked = await nameServer(t, (name, n) => ({
		"turns.test": [n === 1 ? "8.8.8.8" : "127.0.0.1"],
		/* nobody listens there: what comes next is tried */
		"both.test": ["8.8.4.4", "127.0.0.1", "::1"],
	})[name]);
	internet(t, "8.8.8.0/24");
	const gw = await withNames(t, settings(["turns.test", "both.test"]));
	const tell = async (name) => (await gw.api("POST", `/webhooks/${name}/test`)).json;
	equal((await tell("turns.test")).delivered, true, "at first");
	const both = await tell("both.test");
	equal([both.delivered, both.status], [false, null], "both");
	match(both.answer, /may not be told/, "both");

	/* the next process asks anew, as this one does when its memory of names ends */
	await gw.kill("SIGKILL");
	await gw.restart();
	const turned = await tell("turns.test");
	equal([turned.delivered, turned.status, asked["turns.test A"]], [false, null, 2], "when it has turned");
	match(turned.answer, /may not be told/, "when it has turned");
	equal(got, ["8.8.8.8"], "who was told");
});

const LITERALS = ["127.0.0.1", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "0", "0.0.0.0", "localhost", "LOCALHOST",
	"localhost.", "10.0.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
	"[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]"];

test("C11: no way of writing an address leads there, in the settings or as a call's own callback", async (t) => {
	const got = await world80(t);
	const dir = folder(t);
	const gw = await t.gateway({ sandbox: true, webhooks: { allow_http: true, schedule: [3600] } });
	await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox")).json?.state === "registered");
	let tried = 0;
	for (const [i, host] of LITERALS.entries()) {
		const order = { to: "sim:busy", status_callback: `http://${host}/` };
		const made = await gw.api("POST", "/calls", { body: order });
		if (made.status === 201) {
			const row = await eventually(`${host} was tried`, async () =>
				(await deliveries(gw)).find((one) => one.call_id === made.json.id && one.attempts));
			equal([row.tries[0].status, row.status], [null, "waiting"], host);
			match(row.tries[0].answer, /may not be told|URL|resolve|connect/, host);
			tried++;
		} else {
			equal([made.status, made.json.errors[0].pointer], [422, "/status_callback"], host);
		}

		/* the settings take it and it is refused at the connection, or they don't take it */
		const file = join(dir, `${i}.json`);
		writeFileSync(file, JSON.stringify({ sandbox: true, webhooks: { allow_http: true, endpoints: [{ name: "e", url: `http://${host}/` }] } }));
		const { status, stdout, stderr } = spawnSync(t.binary, ["--config", file, "--check"], { encoding: "utf8" });
		ok(status === 0 || /\/webhooks\/endpoints\/0\/url/.test(stdout + stderr), `${host}: ${status} ${stdout}${stderr}`);
	}
	ok(tried > 10, `${tried} were tried`);
	equal(got, [], "who was told");
});

test("C11, C12: other schemes and user-info are refused, and where there are no keys so is the callback of a call", async (t) => {
	const got = await world80(t);
	await nameServer(t, () => ["8.8.8.8"]);
	internet(t, "8.8.8.0/24");
	const gw = await withNames(t, settings(["good.test"]));
	for (const url of ["file:///etc/passwd", "gopher://good.test/", "ftp://good.test/", "http://user@good.test/", "http://good.test@127.0.0.1/",
		"http://a:b@good.test/", "//good.test/", "http:///", "http://good.test\\@127.0.0.1/", "http://good.test/\r\nX: y"]) {
		const made = await gw.api("POST", "/calls", { body: { to: "sim:busy", status_callback: url } });
		equal([made.status, made.json.errors?.[0].pointer], [422, "/status_callback"], url);
	}
	/* without keys nobody vouches for a callback: allow_targets alone are told */
	const id = await call(gw, { to: "sim:busy", status_callback: "http://good.test/fine" });
	const row = await eventually("the callback was tried", async () =>
		(await deliveries(gw)).find((one) => one.call_id === id && one.endpoint.startsWith("callback:") && one.attempts));
	match(row.tries[0].answer, /there is no key/);
	await eventually("the endpoint's came", () => got.length);
	equal(got, ["8.8.8.8"]);
});
