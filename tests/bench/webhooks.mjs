/* What POST /calls costs without and with an endpoint that is told of everything, on
 * loopback: node tests/bench/webhooks.mjs build/bellpull (in a network of its own).
 * A hundred calls a second are five hundred deliveries. */
import { spawn } from "node:child_process";
import http from "node:http"; import fs from "node:fs"; import os from "node:os"; import path from "node:path";
const dir = fs.mkdtempSync(path.join(os.tmpdir(), "whb-"));
let got = 0; const srv = http.createServer((q, r) => { q.resume(); q.on("end", () => { got++; r.writeHead(204); r.end(); }); });
await new Promise((d) => srv.listen(0, "127.0.0.1", d));
const run = async (endpoints) => {
	got = 0;
	const d = fs.mkdtempSync(path.join(dir, "r")); const port = 18080 + endpoints.length;
	fs.writeFileSync(path.join(d, "c.json"), JSON.stringify({ sandbox: true, http: { listen: [`127.0.0.1:${port}`] }, store: { url: `sqlite:${d}/b.db` }, log: { level: "error" },
		webhooks: { allow_http: true, allow_targets: ["127.0.0.0/8"], endpoints } }));
	const p = spawn(process.argv[2], ["--config", path.join(d, "c.json")], { stdio: "inherit" });
	await new Promise((r) => setTimeout(r, 2500));
	const agent = new http.Agent({ keepAlive: true, maxSockets: 16 });
	const lat = []; const N = 1500;
	const one = () => new Promise((done, fail) => { const t = process.hrtime.bigint(); const r = http.request({ agent, port, method: "POST", path: "/calls", headers: { "Content-Type": "application/json" } }, (a) => { a.resume(); a.on("end", () => { lat.push([a.statusCode, Number(process.hrtime.bigint() - t) / 1e6]); done(); }); }); r.on("error", fail); r.end('{"to":"sim:busy"}'); });
	const t0 = Date.now(); let pending = [];
	for (let i = 0; i < N; i++) { const at = t0 + i * 10; const w = at - Date.now(); if (w > 0) await new Promise((r) => setTimeout(r, w)); pending.push(one()); }
	await Promise.all(pending); const t1 = Date.now();
	let last = -1; while (got !== last) { last = got; await new Promise((r) => setTimeout(r, 700)); }
	const ms = lat.filter((x) => x[0] === 201).map((x) => x[1]).sort((a, b) => a - b);
	console.log(JSON.stringify({ endpoints: endpoints.length, made: ms.length, p50: ms[ms.length >> 1]?.toFixed(2), p99: ms[Math.floor(ms.length * .99)]?.toFixed(2), delivered: got, seconds: ((t1 - t0) / 1000).toFixed(1), per_s: Math.round(got / ((t1 - t0) / 1000)) }));
	p.kill("SIGKILL"); await new Promise((r) => p.on("exit", r));
};
await run([]); await run([{ name: "a", url: `http://127.0.0.1:${srv.address().port}/` }]);
process.exit(0);
