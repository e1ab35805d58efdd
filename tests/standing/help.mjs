/* What the stories of this folder share. */
import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { eventually } from "../wire/harness.mjs";

/* A directory that is gone after the test. */
export const folder = (t) => {
	const dir = mkdtempSync(join(tmpdir(), "bellpull-"));
	t.later(() => rmSync(dir, { recursive: true, force: true }));
	return dir;
};

/* A certificate for localhost and its key, as files. */
export const certificate = (dir, name, { kind = "ec" } = {}) => {
	const files = { certificate: join(dir, `${name}.pem`), key: join(dir, `${name}.key`) };
	const how = kind === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] : ["rsa:2048"];
	execFileSync("openssl", ["req", "-x509", "-newkey", ...how, "-nodes", "-days", "2", "-subj", `/CN=${name}`,
		"-addext", "subjectAltName=DNS:localhost", "-keyout", files.key, "-out", files.certificate], { stdio: "ignore" });
	return { ...files, pem: readFileSync(files.certificate) };
};

/* Writes the settings anew, as an editor would: never half of them. */
export const rewrite = (gw, change) => {
	const file = join(gw.dir, "bellpull.json");
	const config = structuredClone(gw.config);
	const text = change(config);
	writeFileSync(`${file}.new`, typeof text === "string" ? text : JSON.stringify(config, null, "\t"));
	renameSync(`${file}.new`, file);
};

/* SIGHUP, and what the log says of it from there on. */
export const reload = async (gw) => {
	const before = gw.records().length;
	gw.process.kill("SIGHUP");
	return eventually("the log tells of the reload", () => {
		const news = gw.records().slice(before);
		const last = news.findIndex(({ event }) => /^gateway\.reload/.test(event));
		return last >= 0 && news.slice(0, last + 1);
	});
};

/* Nobody waits for the calls that a test leaves behind. */
export const SANDBOX = { sandbox: true, drain_s: 0 };

/* Places a call and waits until it stands as it should; returns its id. */
export const call = async (gw, order, state = "bridged", options = {}) => {
	const reply = await gw.api("POST", "/calls", { body: order, ...options });
	if (reply.status !== 201)
		throw new Error(`POST /calls: ${reply.status} ${reply.text}`);
	const { id } = reply.json;
	await eventually(`${id} is ${state}`, async () =>
		(await gw.api("GET", `/calls/${id}`, options)).json.state === state);
	return id;
};

export const endOf = (gw, id, options = {}) => eventually(`${id} has ended`, async () => {
	const { json } = await gw.api("GET", `/calls/${id}`, options);
	return json.state === "ended" && json;
});

/* What is on disk of the process: descriptors, status, ... */
export const proc = (gw, file) => readFileSync(`/proc/${gw.process.pid}/${file}`, "utf8");

/* The world of preload.c: a clock that jumps, a disk that refuses. Options for
 * t.gateway(), and what is set counts at once. */
export const world = (t) => {
	const dir = folder(t);
	const library = join(dir, "preload.so");
	const file = join(dir, "control");
	execFileSync("gcc", ["-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, fileURLToPath(new URL("preload.c", import.meta.url)), "-ldl"]);
	const state = Buffer.alloc(24);
	const fd = openSync(file, "w+");
	const write = () => writeSync(fd, state, 0, state.length, 0);
	write();
	t.later(() => closeSync(fd));
	return {
		options: { env: { LD_PRELOAD: library, STANDING_CONTROL: file, ASAN_OPTIONS: "verify_asan_link_order=0" } },
		clock: (offset_s) => {
			state.writeBigInt64LE(BigInt(offset_s), 0);
			write();
		},
		disk: (errno) => {
			state.writeBigInt64LE(BigInt(errno), 8);
			write();
		},
	};
};

/* A gateway behind a line of shell that ends with GATEWAY "$@". */
export const wrapped = async (t, shell, config, options) => {
	const wrapper = join(folder(t), "gateway");
	writeFileSync(wrapper, `#!/bin/sh\n${shell.replace("GATEWAY", `'${t.binary}'`)}\n`, { mode: 0o755 });
	const { binary } = t;
	t.binary = wrapper;
	try {
		return await t.gateway(config, options);
	} finally {
		t.binary = binary;
	}
};
