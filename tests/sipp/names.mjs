/* A name server of our own, for a gateway in a mount namespace of its own. */
import { spawnSync } from "node:child_process";
import dgram from "node:dgram";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/* Can a mount namespace be made here? */
export const canName = () => spawnSync("unshare", ["-m", "true"]).status === 0;

const folder = (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-names-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
};

export const dnsName = (text) => Buffer.concat([...text.split(".").map((label) => Buffer.from([label.length, ...Buffer.from(label)])), Buffer.from([0])]);

export const u16 = (...values) => Buffer.concat(values.map((value) => Buffer.from([value >> 8, value & 255])));

/* A name server with a zone of its own: "TYPE name" -> [rdata]; all else is not
 * there. Remembers what it was asked for. */
export const nameServer = async (t, zone, ttl_s = 60) => {
	const types = { 1: "A", 28: "AAAA", 33: "SRV", 35: "NAPTR" };
	const socket = dgram.createSocket("udp4");
	const asked = [];
	socket.on("message", (query, from) => {
		const labels = [];
		let at = 12;
		for (; query[at]; at += query[at] + 1)
			labels.push(query.toString("latin1", at + 1, at + 1 + query[at]));
		const question = `${types[query.readUInt16BE(at + 1)]} ${labels.join(".")}`;
		asked.push(question);
		const answers = (zone[question] ?? []).map((rdata) =>
			Buffer.concat([u16(0xc00c, query.readUInt16BE(at + 1), 1, 0, ttl_s, rdata.length), rdata]));
		socket.send(Buffer.concat([query.subarray(0, 2), u16(answers.length ? 0x8180 : 0x8183, 1, answers.length, 0, 0),
			query.subarray(12, at + 5), ...answers]), from.port, from.address);
	});
	await new Promise((done, fail) => socket.on("error", fail).bind(53, "127.0.0.1", done));
	t.later(() => socket.close());
	return asked;
};

/* The gateway with another resolv.conf, in a mount namespace of its own. */
export const withNameServer = (t) => {
	const dir = folder(t);
	const script = join(dir, "bellpull");
	writeFileSync(join(dir, "resolv.conf"), "nameserver 127.0.0.1\n");
	writeFileSync(script, `#!/bin/sh\nexec unshare -m sh -c 'mount --bind ${dir}/resolv.conf /etc/resolv.conf && exec "$@"' sh ${t.binary} "$@"\n`, { mode: 0o755 });
	t.binary = script;
};

export const srv = (priority, port, name) => Buffer.concat([u16(priority, 10, port), dnsName(name)]);
