/* node tests/standing/run.mjs BINARY [WORD...]
 *
 * The process stands up: settings that change in flight, certificates, secrets,
 * full disks, slow clients, clocks that jump, signals, the end. Each test has a
 * gateway of its own. Where the build with sanitizers is there, it is taken: what a
 * test here provokes is where memory goes wrong. */
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

import { runAll } from "../wire/harness.mjs";

const [given, ...words] = process.argv.slice(2);
if (!given) {
	console.error("usage: node tests/standing/run.mjs BINARY [WORD...]");
	process.exit(2);
}
const debug = given.replace(/build\/bellpull$/, "build/debug/bellpull");
process.env.RELEASE_BINARY = resolve(given);

const files = readdirSync(new URL(".", import.meta.url)).filter((name) => /^test_.*\.mjs$/.test(name)).sort();
for (const file of files)
	await import(new URL(file, import.meta.url));
process.exit(await runAll(resolve(existsSync(debug) ? debug : given), words));
