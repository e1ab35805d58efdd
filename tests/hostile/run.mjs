/* node tests/hostile/run.mjs BINARY [WORD...]
 *
 * The real gateway among enemies: strangers at its port (strangers.mjs), servers and
 * phones that answer what no server says (answers.mjs), tools made to break in
 * (tools.mjs), and programs that order calls with a header too many
 * (injection.mjs). Give it the binary with sanitizers. */
import { resolve } from "node:path";

import { runAll } from "../wire/harness.mjs";
import "./strangers.mjs";
import "./answers.mjs";
import "./tools.mjs";
import "./injection.mjs";

const [binary, ...words] = process.argv.slice(2);
process.exit(await runAll(resolve(binary), words));
