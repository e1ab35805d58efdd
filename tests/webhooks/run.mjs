/* node tests/webhooks/run.mjs BINARY [WORD...]
 *
 * Webhooks out against a world that means them no good: receivers that hang, drip,
 * cut, flood and lie, names that turn to this machine, kill -9, clocks that jump, disks
 * that refuse (C4 to C18). WEBHOOK_KILLS (30) says how often the gateway is killed. Where
 * the build with sanitizers is there, it is taken. */
import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";

import { runAll } from "../wire/harness.mjs";

const [given, ...words] = process.argv.slice(2);
if (!given) {
	console.error("usage: node tests/webhooks/run.mjs BINARY [WORD...]");
	process.exit(2);
}
const debug = given.replace(/build\/bellpull$/, "build/debug/bellpull");
const files = readdirSync(new URL(".", import.meta.url)).filter((name) => /^test_.*\.mjs$/.test(name)).sort();
for (const file of files)
	await import(new URL(file, import.meta.url));
process.exit(await runAll(resolve(existsSync(debug) ? debug : given), words));
