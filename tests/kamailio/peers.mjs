/* What the stories against Kamailio share: the peers, the gateway and a call from
 * its POST to its end. */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { equal, eventually, ok } from "../wire/harness.mjs";
import { sine, writeWav } from "../wire/sound.mjs";

const here = fileURLToPath(new URL(".", import.meta.url));
const PASSWORD = "secret858"; /* as kamailio.cfg has it */

/* Peers. -------------------------------------------------------------------- */

let next_port = 16060;

const listens = (port, proto) => {
	const hex = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
	return readFileSync(`/proc/net/${proto}`, "utf8").includes(hex);
};

/* A program with a folder of its own and a log. It leads a process group, so that
 * what it has begun ends with it when it is too slow. */
const start = (t, command, args, dir) => {
	const log = join(dir, "log");
	const out = openSync(log, "w");
	const child = spawn(command, args, { cwd: dir, stdio: ["ignore", out, out], detached: true });
	closeSync(out);
	let over = false;
	const exited = new Promise((done) => {
		const end = () => {
			over = true;
			done();
		};
		child.on("exit", end);
		child.on("error", end);
	});
	const stop = async () => {
		child.kill("SIGTERM");
		const slow = setTimeout(() => process.kill(-child.pid, "SIGKILL"), 5000);
		await exited;
		clearTimeout(slow);
	};
	t.later(stop);
	return { log: () => readFileSync(log, "utf8"), stop, over: () => over };
};

export const folder = (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-pbx-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
};

export const certificate = (dir, name) => {
	const [key, pem] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
	execFileSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
		"-out", pem, "-days", "2", "-subj", `/CN=${name}`, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], { stdio: "ignore" });
	return { key, pem };
};

/* What one Kamailio needs; several of them may be started with it in turn. */
export const pbxPlace = (t, { sha256 = false, tls = false } = {}) => {
	const dir = folder(t);
	const port = next_port;
	next_port += 2;
	const place = { dir, port, tls_port: port + 1, args: ["-A", `PORT=${port}`] };
	if (sha256)
		place.args.push("-A", "WITH_SHA256");
	if (tls) {
		const { key, pem } = certificate(dir, "pbx");
		const file = join(dir, "tls.cfg");
		writeFileSync(file, `[server:default]\nmethod = TLSv1.2+\nverify_certificate = no\nrequire_certificate = no\nprivate_key = ${key}\ncertificate = ${pem}\n`);
		place.ca = pem;
		place.args.push("-A", "WITH_TLS", "-A", `TLSPORT=${place.tls_port}`, "-A", `TLSCONFIG="${file}"`);
	}
	return place;
};

export const kamailio = async (t, place) => {
	const pbx = start(t, "kamailio", ["-f", join(here, "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "8",
		"-P", join(place.dir, "pid"), "-Y", place.dir, ...place.args], place.dir);
	await eventually("Kamailio listens", () => {
		ok(!pbx.over(), `Kamailio ended:\n${pbx.log().slice(-2000)}`);
		return listens(place.port, "udp") && listens(place.port, "tcp") && (!place.ca || listens(place.tls_port, "tcp"));
	});
	pbx.seen = () => [...pbx.log().matchAll(/SEEN (.*)$/gm)].map(([, what]) => what);
	return pbx;
};

const modulesOfBaresip = () => ["/usr/lib/baresip/modules", "/usr/lib/x86_64-linux-gnu/baresip/modules",
	"/usr/lib/aarch64-linux-gnu/baresip/modules"].find(existsSync);

/* A phone of user, registered, that answers by itself. It speaks a note (Hz), read
 * from a file as a voice would be (which has to have the codec's own rate), and
 * keeps what it hears in a file of its folder. Without its jitter buffer, which takes
 * another SSRC for the same stream: where that begins with a lower sequence number,
 * every other time, all of it would be too late. */
export const baresip = async (t, pbx, place, user, { note = 440, codec = "g711", answers = true, account = "" } = {}) => {
	const dir = folder(t);
	const port = next_port;
	next_port += 2; /* the one above is its TLS */
	const rtp = 12000 + (port - 16060) * 10;
	const [rate, channels] = { opus: [48000, 2], g722: [16000, 1] }[codec] ?? [8000, 1];
	writeWav(join(dir, "voice.wav"), rate, Array(channels).fill(sine(rate, note, 30)));
	writeFileSync(join(dir, "config"), `sip_listen 127.0.0.1:${port}\nnet_interface 127.0.0.1\nrtp_ports ${rtp}-${rtp + 9}
jitter_buffer_type off\njitter_buffer_delay 0-0
audio_source aufile,${dir}/voice.wav\nsnd_path ${dir}
module_path ${modulesOfBaresip()}\nmodule ${codec}.so\nmodule aufile.so\nmodule sndfile.so\nmodule srtp.so
module_app account.so\nmodule_app menu.so\n`);
	writeFileSync(join(dir, "accounts"), `<sip:${user}@127.0.0.1:${place.port}>;auth_user=${user};auth_pass=secret${user}`
		+ `;answermode=${answers ? "auto" : "manual"};regint=600${account}\n`);
	writeFileSync(join(dir, "contacts"), "");
	const phone = start(t, "baresip", ["-f", dir], dir);
	await eventually("the phone is registered", () => {
		ok(!phone.over(), `baresip ended:\n${phone.log().slice(-2000)}`);
		return pbx.seen().some((what) => what.startsWith(`REGISTER ${user} `));
	});
	const heard = () => readdirSync(dir).filter((name) => name.endsWith("-dec.wav")).map((name) => join(dir, name));
	return { ...phone, note, heard };
};

/* The gateway. --------------------------------------------------------------- */

export const line = (place, extra = {}) => ({
	name: "office", user: "858", auth_user: "858", password: PASSWORD, display_name: "858",
	domain: "127.0.0.1", port: place.port, ...extra,
});

export const gateway = (t, place, extra = {}, ca = place.ca) => t.gateway({
	allow_inline: true,
	lines: [line(place, extra)],
	sip: { listen: ["udp:auto:0", "tcp:auto:0"], ...(ca ? { ca_file: ca } : {}) },
	media: { ports: "20000-20999" },
});

export const lineFacts = async (gw) => (await gw.api("GET", "/lines/office")).json;

/* order: the body, or the one who is called. */
export const place = async (gw, order, on = () => {}) => {
	const body = typeof order === "string" ? { to: order } : order;
	const reply = await gw.api("POST", "/calls", { body });
	equal(reply.status, 201, `the reply to POST /calls (${reply.text})`);
	const stream = await gw.events(`/calls/${reply.json.id}/events`);
	let told = 0;
	const events = await stream.until("call.ended", (seen) => {
		for (; told < seen.length; told++)
			on(seen[told], reply.json.id);
		return seen.some((event) => event.type === "call.ended") && seen;
	}, 60_000);
	return { id: reply.json.id, types: events.map((event) => event.type), call: events.find((event) => event.type === "call.ended").call };
};

export const talkFor = (gw, ms) => (event, id) => {
	if (event.type === "call.bridged")
		setTimeout(() => gw.api("DELETE", `/calls/${id}`), ms);
};
