/* node tests/wire/run.mjs BINARY [WORD...]
 *
 * Runs the tests of all tests/wire/test_*.mjs against the binary, or those whose
 * name contains a WORD. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";

import { runAll } from "./harness.mjs";

const [binary, ...words] = process.argv.slice(2);
if (!binary) {
	console.error("usage: node tests/wire/run.mjs BINARY [WORD...]");
	process.exit(2);
}

const files = readdirSync(new URL(".", import.meta.url)).filter((name) => /^test_.*\.mjs$/.test(name)).sort();
for (const file of files)
	await import(new URL(file, import.meta.url));
process.exit(await runAll(resolve(binary), words));
