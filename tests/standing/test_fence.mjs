/* The release build fences itself in (E29): every thread, for good. */
import { readdirSync } from "node:fs";

import { equal, ok, test } from "../wire/harness.mjs";
import { call, endOf, proc, SANDBOX } from "./help.mjs";

test("E29: every thread is behind a seccomp filter and gets no new privileges", async (t) => {
	t.binary = process.env.RELEASE_BINARY;
	const gw = await t.gateway({ ...SANDBOX, media: { recordings: "recordings" } });
	if (gw.records().some(({ event }) => event === "gateway.unfenced"))
		return; /* a container that has one of its own, perhaps */
	await endOf(gw, await call(gw, { to: "sim:hangup", record: true }));
	const threads = readdirSync(`/proc/${gw.process.pid}/task`);
	ok(threads.length > 3, `${threads.length} threads`);
	for (const thread of threads) {
		const status = proc(gw, `task/${thread}/status`);
		equal(/^Seccomp:\s+(\d)/m.exec(status)[1], "2", "Seccomp");
		equal(/^NoNewPrivs:\s+(\d)/m.exec(status)[1], "1", "NoNewPrivs");
	}
});
