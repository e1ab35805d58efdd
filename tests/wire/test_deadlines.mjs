/* Slow, silent and idle clients are closed (A19). No time is asserted: the test
 * waits for the server's close, all kinds at once, and others are served. */
import net from "node:net";

import { equal, ok, test } from "./harness.mjs";

const PATIENCE_MS = 50_000;

/* Connects, sends first, then one byte of rest each half second, and waits for
 * the server to close. Returns what came back. */
const slow = (port, first, rest) => new Promise((done, fail) => {
	const socket = net.connect(port, "127.0.0.1");
	const late = setTimeout(() => fail(new Error(`still open: ${JSON.stringify(first.slice(0, 40))}`)), PATIENCE_MS);
	let at = 0;
	let text = "";
	const drip = setInterval(() => {
		if (at < rest.length && !socket.destroyed)
			socket.write(rest[at++]);
	}, 500);
	const over = () => {
		clearTimeout(late);
		clearInterval(drip);
		socket.destroy();
		done(text);
	};
	socket.setEncoding("latin1");
	socket.on("connect", () => first && socket.write(first));
	socket.on("data", (part) => {
		text += part;
	});
	socket.on("end", over);
	socket.on("error", over);
});

const HEAD = "POST /session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

test("deadlines: every kind of slow client is closed, and nobody else notices", async (t) => {
	const gw = await t.gateway();
	const clients = {
		"says nothing": slow(gw.port, "", ""),
		"drips its request line": slow(gw.port, "GET /", "a".repeat(200)),
		"drips its headers": slow(gw.port, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: ", "a".repeat(200)),
		"drips a sized body": slow(gw.port, `${HEAD}Content-Length: 200\r\n\r\n{`, " ".repeat(200)),
		"drips a chunked body": slow(gw.port, `${HEAD}Transfer-Encoding: chunked\r\n\r\n`, "1\r\n \r\n".repeat(40)),
		"stays for nothing": slow(gw.port, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", ""),
		"stays and drips the next line": slow(gw.port, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n", `GET /${"a".repeat(200)}`),
	};
	const all = Promise.all(Object.values(clients));
	let waiting = true;
	all.finally(() => {
		waiting = false;
	}).catch(() => {});
	while (waiting) {
		equal((await gw.api("GET", "/livez", { patience_ms: 2000 })).status, 200);
		await new Promise((done) => setTimeout(done, 250));
	}
	const texts = await all;
	Object.keys(clients).forEach((name, i) => {
		const expected = name.startsWith("stays") ? 1 : 0;
		ok((texts[i].match(/HTTP\/1\.1 200/g) ?? []).length === expected, `${name}: ${texts[i].slice(0, 100)}`);
	});
});
