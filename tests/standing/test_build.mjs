/* What the compiler and the linker were asked for is in the program (E30), and what
 * it runs in is tight (E27, E28). */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { equal, match, ok, test } from "../wire/harness.mjs";

const root = new URL("../../", import.meta.url);
const text = (path) => readFileSync(new URL(path, root), "utf8");
const readelf = (...args) => execFileSync("readelf", ["-W", ...args, process.env.RELEASE_BINARY], { encoding: "utf8", maxBuffer: 1 << 28 });

test("E30: PIE, relocations read-only before main, no executable stack", () => {
	match(readelf("-h"), /Type:\s+DYN/, "the file's type");
	const dynamic = readelf("-d");
	match(dynamic, /\(FLAGS_1\).*\bPIE\b/, "PIE");
	match(dynamic, /\(FLAGS_1\).*\bNOW\b/, "now");
	ok(!/\((RPATH|RUNPATH|TEXTREL)\)/.test(dynamic), "a path or a text relocation");
	const segments = readelf("-l");
	match(segments, /GNU_RELRO/, "RELRO");
	match(segments, /GNU_STACK(\s+0x\w+)+\s+RW\s/, "the stack");
	ok(!/LOAD.*\sRWE\s/.test(segments), "a segment that can be written and run");
});

test("E30: stack protector, fortified functions, branch protection", () => {
	const symbols = readelf("--dyn-syms");
	match(symbols, /__stack_chk_fail/, "the stack protector");
	for (const name of ["memcpy", "snprintf", "vsnprintf"])
		match(symbols, new RegExp(`__${name}_chk`), `${name}, fortified`);
	/* the program as a whole says so only where the C library does, too */
	if (process.arch !== "x64")
		return;
	const archive = fileURLToPath(new URL("build/libbellpull.a", root));
	const members = execFileSync("ar", ["t", archive], { encoding: "utf8" }).trim().split("\n");
	const notes = execFileSync("readelf", ["-W", "-n", archive], { encoding: "utf8", maxBuffer: 1 << 28 });
	equal(notes.match(/x86 feature:.*IBT, SHSTK/g)?.length, members.length, "files of ours with -fcf-protection");
});

/* One flag taken away shows in the file, but not which file of ours it was for. */
test("E30: every file of ours is compiled with it", () => {
	const flags = text("build/flags");
	for (const flag of ["-fPIE", "-fstack-protector-strong", "-fstack-clash-protection", "-O2"])
		ok(flags.includes(` ${flag}`), `${flag} is missing`);
	match(flags, /-D_FORTIFY_SOURCE=[23]/);
	const deps = text(".ci/deps.sh");
	for (const flag of ["-fstack-protector-strong", "_FORTIFY_SOURCE"])
		ok(deps.includes(flag), `the libraries are built without ${flag}`);
});

test("E27: the unit's exposure is below 2.0", () => {
	if (spawnSync("systemd-analyze", ["--version"]).error)
		return; /* not on this machine; .ci/packages.sh installs it */
	const unit = "/tmp/bellpull-exposure.service";
	execFileSync("sh", ["-c", `sed 's|@PREFIX@|/usr|; s|@SYSCONFDIR@|/etc|' docker/bellpull.service >${unit}`], { cwd: root });
	const out = execFileSync("systemd-analyze", ["security", "--offline=yes", "--no-pager", unit], { encoding: "utf8" });
	const [, exposure] = /exposure level for \S+: ([\d.]+)/.exec(out);
	ok(Number(exposure) < 2, `the exposure is ${exposure}`);
});

test("E28: the containers run as nobody, with a read-only root, without capabilities", () => {
	const file = text("docker/Dockerfile");
	const [, gateway] = /AS gateway\n([\s\S]*?)\nFROM /.exec(file);
	for (const stage of [gateway, file.slice(file.lastIndexOf("FROM "))]) {
		const [, uid] = /^USER (\d+):\d+$/m.exec(stage);
		ok(Number(uid) > 0, "a container of root's");
	}
	match(gateway, /^HEALTHCHECK /m);
	const compose = text("docker/compose.yaml");
	const services = compose.split(/^ {2}(?=gateway:|pbx:)/m).slice(1);
	equal(services.length, 2);
	for (const service of services) {
		match(service, /^ {4}read_only: true$/m);
		match(service, /^ {4}cap_drop: \[ALL\]$/m);
		match(service, /^ {4}security_opt: \["no-new-privileges:true"\]$/m);
		match(service, /^ {4}tmpfs: \[\/tmp/m);
		ok(!/privileged: true|cap_add|network_mode: bridge.*docker\.sock/.test(service), service);
	}
	ok(!/docker\.sock/.test(compose), "the engine's socket is handed in");
});
