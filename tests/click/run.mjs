/* node tests/click/run.mjs BINARY [WORD...]
 *
 * <click-to-call> in a real browser, on a site that isn't the gateway's: calls
 * (calls.mjs), what stops them (refusals.mjs), the visitor who is called back
 * (back.mjs), how it looks and who can use it (looks.mjs), our own page (page.mjs),
 * and the servers of docs/embed.md (embed.mjs). SHOTS=folder takes pictures. */
import { resolve } from "node:path";

import { runAll } from "../wire/harness.mjs";
import { closeBrowser } from "./browser.mjs";
import "./calls.mjs";
import "./refusals.mjs";
import "./back.mjs";
import "./looks.mjs";
import "./page.mjs";
import "./embed.mjs";

const [binary, ...words] = process.argv.slice(2);
const code = await runAll(resolve(binary), words);
await closeBrowser();
process.exit(code);
