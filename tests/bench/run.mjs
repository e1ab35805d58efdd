/* make bench: what a call costs, and how many of them there can be.
 *
 *   node run.mjs BINARY METER
 *
 * The gateway runs with its ordinary, durable store. Its callee is SIPp or the
 * meter (meter.c), all on loopback and on the same cores. The cost of a call is
 * told as a ratio to SIPp's own caller, which has the same dialog with the same
 * callee in the same run. Nothing here fails: it is a table to read. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const binary = resolve(process.argv[2]);
const meter = resolve(process.argv[3]);
const pairsMeter = join(dirname(meter), 'pairs');
const sinkMeter = join(dirname(meter), 'sink');
const browsersMeter = join(dirname(meter), 'browsers');
const only = process.argv[4] ? process.argv[4].split(',') : null;
const HTTP = 18080, CALLEE = 15080, CALLER = 15090, SINK = 15100, TICKS = 100;
const dir = mkdtempSync(join(tmpdir(), 'bellpull-bench-'));
const rows = [];

const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const say = (text) => process.stderr.write(`  ${text}\n`);
const row = (what, reached, wanted) => {
	rows.push([what, reached, wanted]);
	say(`${what}: ${reached}`);
};

/* ---- processes ------------------------------------------------------------ */

const cpuOf = (pid) => {
	const f = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
	return (Number(f[11]) + Number(f[12])) / TICKS; /* seconds */
};
const kbOf = (pid, key) =>
	Number(readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`${key}:\\s+(\\d+)`))[1]);

let gateway = null;
const config = join(dir, 'bench.json');
const startGateway = async (limits = {}, more = {}) => {
	writeFileSync(config, JSON.stringify({
		http: { listen: [`127.0.0.1:${HTTP}`] },
		sip: { listen: ['udp:auto:0'] },
		store: { url: `sqlite:${join(dir, 'bench.db')}` },
		log: { level: 'warning' },
		limits: { calls: 30000, requests_per_s: 1000000, ...limits },
		lines: [{ name: 'bench', user: '1000', domain: '127.0.0.1', port: CALLEE, register: false,
			codecs: ['PCMA', 'PCMU', 'telephone-event'] }],
		...more,
	}));
	gateway = spawn(binary, ['--config', config], { stdio: ['ignore', 'inherit', 'inherit'] });
	for (let i = 0; ; i++) {
		try {
			await fetch(`http://127.0.0.1:${HTTP}/livez`);
			return;
		} catch (e) {
			if (i > 100 || gateway.exitCode !== null) throw new Error('the gateway does not start');
			await sleep(100);
		}
	}
};
const stopGateway = async () => {
	const gone = once(gateway, 'exit');
	gateway.kill('SIGTERM');
	await sleep(200);
	gateway.kill('SIGTERM');
	await gone;
	for (const f of readdirSync(dir)) if (f.startsWith('bench.db')) rmSync(join(dir, f));
};

/* Runs to the end and gives back what it printed and its own CPU seconds. */
const run = async (cmd, args) => {
	const child = spawn('/bin/bash', ['-c', '"$@"; code=$?; times >&2; exit $code', 'run', cmd, ...args],
		{ stdio: ['ignore', 'pipe', 'pipe'], cwd: dir });
	let out = '', err = '';
	child.stdout.on('data', (d) => { out += d; });
	child.stderr.on('data', (d) => { err += d; });
	const [code] = await once(child, 'exit');
	const t = [...err.matchAll(/(\d+)m([\d.]+)s (\d+)m([\d.]+)s/g)].pop();
	return { code, out, err, cpu: t ? Number(t[1]) * 60 + Number(t[2]) + Number(t[3]) * 60 + Number(t[4]) : NaN };
};

const sippArgs = (scenario, port, more) => ['-sf', join(here, scenario), '-i', '127.0.0.1', '-p', String(port),
	'-m', '1000000', '-nostdin', '-buff_size', '4194304', '-trace_counts', '-fd', '60', ...more];
const startCallee = async (scenario = 'callee.xml') => {
	for (const f of readdirSync(dir)) if (f.endsWith('_counts.csv')) rmSync(join(dir, f));
	const child = spawn('sipp', sippArgs(scenario, CALLEE, []), { stdio: 'ignore', cwd: dir });
	await sleep(300);
	return child;
};
/* Ends SIPp, which then writes its counters: how many messages came or went twice. */
const stopCallee = async (child) => {
	const gone = once(child, 'exit');
	child.kill('SIGUSR1');
	const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
	await gone;
	clearTimeout(timer);
	const file = readdirSync(dir).find((f) => f.startsWith('callee') && f.endsWith('_counts.csv'));
	if (!file) return { inviteAgain: NaN, okAgain: NaN };
	const lines = readFileSync(join(dir, file), 'utf8').trim().split('\n').map((l) => l.split(';'));
	const last = (name) => {
		const i = lines[0].findIndex((h) => h === name);
		return i < 0 ? NaN : Number(lines[lines.length - 1][i]);
	};
	return { inviteAgain: last('0_INVITE_Retrans'), okAgain: last('2_200_Retrans') };
};

const calls = async (args) => {
	const r = await run(meter, ['calls', '--http', String(HTTP), ...args.map(String)]);
	if (r.code) throw new Error(`meter: ${r.err}`);
	return JSON.parse(r.out);
};

/* ---- what is measured ------------------------------------------------------ */

const RATE = 400, COUNT = 4000;

const cost = async () => {
	say(`SIPp calls SIPp: ${COUNT} calls at ${RATE}/s`);
	let callee = await startCallee();
	const ref = await run('sipp', ['127.0.0.1:' + CALLEE, ...sippArgs('caller.xml', CALLER,
		['-r', String(RATE), '-m', String(COUNT), '-l', '20000'])]);
	await stopCallee(callee);
	const sippUs = (ref.cpu * 1e6) / COUNT;

	say(`the gateway calls SIPp: ${COUNT} calls at ${RATE}/s`);
	await startGateway();
	callee = await startCallee();
	await calls(['--rate', RATE, '--count', 400]); /* warm */
	const before = cpuOf(gateway.pid);
	const m = await calls(['--rate', RATE, '--count', COUNT]);
	const us = ((cpuOf(gateway.pid) - before) * 1e6) / COUNT;
	await stopCallee(callee);
	await stopGateway();
	row('CPU a call, POST to BYE', `${us.toFixed(0)} us (${m.ended - m.ended_other}/${COUNT} completed)`, '');
	row('CPU a call of SIPp\'s UAC', `${sippUs.toFixed(0)} us`, '');
	row('ratio', `${(us / sippUs).toFixed(1)}`, 'at most 8 (goal 5)');
};

/* What who may, how much and once only cost: without any of it, and with a key of
 * the store, 20 rules, 6 limits and an Idempotency-Key on each POST. In turns, so
 * that the machine's moods fall on both. */
const POLICY = {
	rules: [
		...['+491', '+492', '+493', '+494', '+498', '+499', '+43', '+41', '+33', '+44'].map((prefix, i) => ({ name: `prefix-${i}`, prefixes: [prefix], cost: 10 })),
		...['IT', 'ES', 'NL', 'BE', 'PL'].map((country) => ({ name: `country-${country}`, countries: [country], projects: ['default'], cost: 20 })),
		{ name: 'night', action: 'deny', countries: ['US'], hours: '22:00-06:00' },
		{ name: 'weekend', action: 'deny', countries: ['FR'], days: ['sat', 'sun'] },
		{ name: 'partner', hosts: ['partner.example'] },
		{ name: 'boss', keys: ['boss'] },
		{ name: 'ours', hosts: ['127.0.0.1'], max_minutes: 60, cost: 5 },
	],
	limits: [
		{ name: 'a-minute', per: 'key', window: 'minute', calls: 1000000 },
		{ name: 'a-day', per: 'key', window: 'day', minutes: 1000000, cost: 100000000 },
		{ name: 'at-once', per: 'line', window: 'at_once', calls: 30000 },
		{ name: 'number', per: 'destination', window: 'hour', calls: 10 },
		{ name: 'client', per: 'client', window: 'minute', calls: 1000000 },
		{ name: 'pair', per: 'pair', window: 'day', calls: 10 },
	],
};

const addKey = async () => {
	const { out, code } = await run(binary, ['--config', config, 'key', 'add', 'bench', '--scope', 'admin']);
	if (code) throw new Error('key add');
	const key = out.trim();
	for (let i = 0; i < 100; i++) {
		if ((await fetch(`http://127.0.0.1:${HTTP}/capacity`)).status === 401) return key;
		await sleep(100);
	}
	throw new Error('the key is not known');
};

const accessRun = async (guarded) => {
	await startGateway({ calls_per_s: 100000 }, guarded ? { policy: POLICY } : {});
	const who = guarded ? ['--key', await addKey()] : [];
	const once = (word) => (guarded ? ['--once', word] : []);
	const callee = await startCallee();
	await calls([...who, ...once('warm'), '--rate', RATE, '--count', 400]);
	const before = cpuOf(gateway.pid);
	const m = await calls([...who, ...once('run'), '--rate', RATE, '--count', COUNT]);
	const us = ((cpuOf(gateway.pid) - before) * 1e6) / COUNT;
	await stopCallee(callee);
	await stopGateway();
	const done = m.ended - m.ended_other;
	if (done !== COUNT) say(`only ${done} of ${COUNT} completed`);
	return us;
};

const access = async () => {
	const us = [[], []];
	for (let round = 0; round < 3; round++)
		for (const guarded of [0, 1]) {
			say(`${guarded ? 'with' : 'without'} key, policy, limits and Idempotency-Key: ${COUNT} calls at ${RATE}/s`);
			us[guarded].push(await accessRun(Boolean(guarded)));
			say(`${us[guarded].at(-1).toFixed(0)} us`);
		}
	const [bare, guarded] = us.map(middle);
	row('CPU a call without key, policy and Idempotency-Key', `${bare.toFixed(0)} us (${us[0].map((v) => v.toFixed(0)).join(', ')})`, '');
	row('CPU a call with a stored key, 20 rules, 6 limits and Idempotency-Key', `${guarded.toFixed(0)} us (${us[1].map((v) => v.toFixed(0)).join(', ')})`, '');
	row('ratio', (guarded / bare).toFixed(3), 'at most 1.10');
};

const latency = async () => {
	say('100 calls/s for 10 s, the meter is the phone');
	await startGateway();
	await calls(['--phone', CALLEE, '--rate', 100, '--count', 200]);
	const m = await calls(['--phone', CALLEE, '--rate', 100, '--count', 1000]);
	await stopGateway();
	const ms = (l) => `p50 ${l.p50.toFixed(2)} ms, p99 ${l.p99.toFixed(2)} ms`;
	row('POST to INVITE at 100/s', ms(m.post_to_invite_ms), 'p50 < 1.5 ms, p99 < 5 ms');
	row('POST to 201 at 100/s', ms(m.post_to_201_ms), '');
	row('200 OK to SSE line at 100/s', ms(m.ok_to_event_ms), 'p50 < 1 ms');
	row('200 OK to ACK at 100/s', ms(m.ok_to_ack_ms), '');
};

const isClean = (m, again, n) => m.created === n && m.ended === n && !m.ended_other && !m.http_failed && !again;

const ceiling = async () => {
	let best = 0;
	for (const rate of [500, 1000, 1500, 2000, 2500]) {
		const n = rate * 6;
		await startGateway();
		const callee = await startCallee();
		await calls(['--rate', 200, '--count', 200]);
		const m = await calls(['--rate', rate, '--count', n]);
		const again = await stopCallee(callee);
		await stopGateway();
		const clean = isClean(m, again.inviteAgain, n) && m.rate >= 0.97 * rate;
		if (clean) best = rate;
		row(`${rate} calls/s offered for 6 s`, `${m.rate.toFixed(0)}/s, ${clean ? 'clean' :
			`not clean (refused ${m.refused}, failed ${m.http_failed}, not completed ${m.created - m.ended + m.ended_other}, ` +
			`INVITE again ${again.inviteAgain})`}, POST to 201 p99 ${m.post_to_201_ms ? m.post_to_201_ms.p99.toFixed(1) : '-'} ms`, '');
		if (!clean) break;
	}
	row('most calls/s, clean', String(best), 'at least 1000 (goal 2000)');
};

const overload = async () => {
	const goodput = [];
	for (const rate of [1500, 3000, 6000]) {
		await startGateway({ calls: 4000 });
		const m = await calls(['--phone', CALLEE, '--rate', rate, '--count', rate * 4, '--conns', 128]);
		const alive = (await fetch(`http://127.0.0.1:${HTTP}/livez`)).status;
		await stopGateway();
		goodput.push(((m.ended - m.ended_other) / m.created) * m.rate);
		row(`${rate} calls/s offered for 4 s`, `${m.created} taken (${m.rate.toFixed(0)}/s), ${m.refused} refused with 503, ` +
			`${m.created - m.ended + m.ended_other} of the taken not completed, alive ${alive}`, 'refuses before work, keeps what it has');
	}
	row('goodput at the greatest load, of the best', `${((goodput[2] / Math.max(...goodput)) * 100).toFixed(0)} %`, 'at least 80 %');
};

const memory = async () => {
	await startGateway();
	await sleep(2000);
	const idleKb = kbOf(gateway.pid, 'VmRSS');
	const cpu0 = cpuOf(gateway.pid);
	await sleep(5000);
	row('idle', `${(idleKb / 1024).toFixed(1)} MB, ${(((cpuOf(gateway.pid) - cpu0) / 5) * 100).toFixed(1)} % of a core`, 'under 15 MB');

	await calls(['--phone', CALLEE, '--rate', 200, '--count', 400]);
	const warm = kbOf(gateway.pid, 'VmRSS');
	const held = calls(['--phone', CALLEE, '--rate', 200, '--count', 2000, '--hold', 15000]);
	let n = 0, peak = 0;
	for (let i = 0; i < 120; i++) {
		const c = await (await fetch(`http://127.0.0.1:${HTTP}/capacity`)).json();
		if (c.calls > n) { n = c.calls; peak = kbOf(gateway.pid, 'VmRSS'); }
		if (n >= 2000) break;
		await sleep(150);
	}
	await held;
	row('memory a held call, ladder included', `${((peak - warm) / n).toFixed(1)} kB (${n} held)`, 'under 24 kB');
	await stopGateway();
};

const flat = async () => {
	await startGateway();
	const settle = async () => {
		await sleep(36000); /* SIP's transactions live on for 32 s */
		return kbOf(gateway.pid, 'VmRSS');
	};
	say('20,000 calls at 800/s, twice, and 36 s of rest after each');
	await calls(['--phone', CALLEE, '--rate', 800, '--count', 20000]);
	const first = await settle();
	await calls(['--phone', CALLEE, '--rate', 800, '--count', 20000]);
	const second = await settle();
	await stopGateway();
	row('memory after 20,000 calls more', `${(first / 1024).toFixed(1)} -> ${(second / 1024).toFixed(1)} MB ` +
		`(${(((second - first) / first) * 100).toFixed(1)} %)`, 'flat within 5 %');
};

const streams = async () => {
	for (const n of [1000, 10000]) {
		await startGateway({ streams: 12000, streams_per_key: 12000 });
		const before = kbOf(gateway.pid, 'VmRSS');
		const c0 = cpuOf(gateway.pid), t0 = Date.now();
		const sipp = await startCallee('callee-slow.xml');
		const job = run(meter, ['streams', '--http', String(HTTP), '--count', String(n), '--calls', '8']);
		let open = 0;
		for (let i = 0; i < 100 && open < n; i++) {
			await sleep(100);
			open = (await (await fetch(`http://127.0.0.1:${HTTP}/capacity`)).json()).streams;
		}
		const after = kbOf(gateway.pid, 'VmRSS');
		const r = await job;
		if (r.code) throw new Error(`meter: ${r.err}`);
		const m = JSON.parse(r.out);
		const cpu = (cpuOf(gateway.pid) - c0) / ((Date.now() - t0) / 1000);
		await stopCallee(sipp);
		await stopGateway();
		row(`${n} streams`, `fan-out p50 ${m.fan_out_ms.p50.toFixed(1)} ms, p99 ${m.fan_out_ms.p99.toFixed(1)} ms, ${m.events} events, ` +
			`${m.missing} missing, ${((after - before) / open).toFixed(1)} kB a stream, ${(cpu * 100).toFixed(0)} % of a core`,
		n === 10000 ? 'p99 < 300 ms' : 'p99 < 50 ms');
	}
};

/* ---- two people --------------------------------------------------------------- */

const pair = async (mode, args) => {
	const r = await run(pairsMeter, [mode, '--http', String(HTTP), '--phone', String(CALLEE), ...args.map(String)]);
	if (r.code) throw new Error(`pairs: ${r.err}`);
	return JSON.parse(r.out);
};
const ms = (l) => (l ? `p50 ${l.p50.toFixed(2)} ms, p99 ${l.p99.toFixed(2)} ms` : 'none');
const pairClean = (m, n) => m.created === n && m.over === n && !m.http_failed && !m.refused && !m.invites_again;

const two = async () => {
	let best = 0;
	for (const rate of [150, 300, 600, 800, 1000]) {
		const n = rate * 6;
		await startGateway();
		await pair('calls', ['--rate', 100, '--count', 100]);
		const m = await pair('calls', ['--rate', rate, '--count', n]);
		await stopGateway();
		const clean = pairClean(m, n) && m.rate >= 0.97 * rate;
		if (clean) best = rate;
		row(`${rate} calls of two a second for 6 s`, `${m.rate.toFixed(0)}/s, ${clean ? 'clean' :
			`not clean (refused ${m.refused}, failed ${m.http_failed}, not over ${n - m.over}, INVITE again ${m.invites_again})`}, ` +
			`POST to both up ${ms(m.post_to_both_up_ms)}`, '');
		if (!clean) break;
	}
	row('most calls of two a second, clean', String(best), 'at least 600');
};

const twoCost = async () => {
	say(`SIPp calls SIPp: ${COUNT} calls at ${RATE}/s`);
	const callee = await startCallee();
	const ref = await run('sipp', ['127.0.0.1:' + CALLEE, ...sippArgs('caller.xml', CALLER,
		['-r', String(RATE), '-m', String(COUNT), '-l', '20000'])]);
	await stopCallee(callee);
	const sippUs = (ref.cpu * 1e6) / COUNT;
	await startGateway();
	await pair('calls', ['--rate', RATE, '--count', 400]);
	const before = cpuOf(gateway.pid);
	const m = await pair('calls', ['--rate', RATE, '--count', COUNT]);
	const us = ((cpuOf(gateway.pid) - before) * 1e6) / COUNT;
	await stopGateway();
	row('CPU a call of two', `${us.toFixed(0)} us (${m.over}/${COUNT} over), ${(us / sippUs).toFixed(1)} times SIPp's UAC for one leg ` +
		`(${sippUs.toFixed(0)} us)`, 'at most 20 times (goal 10)');
};

const twoLatency = async () => {
	await startGateway();
	await pair('calls', ['--rate', 100, '--count', 200]);
	const m = await pair('calls', ['--rate', 100, '--count', 1000]);
	await stopGateway();
	row("first leg's 200 to second leg's INVITE at 100/s", ms(m.first_ok_to_second_invite_ms), 'p50 < 1 ms, p99 < 3 ms');
	row("one leg's BYE to the other's at 100/s", ms(m.bye_to_bye_ms), 'p99 < 200 ms');
};

/* 200 calls with sound both ways: quiet, and while somebody floods HTTP. */
const relay = async () => {
	const CALLS = 200, STEADY = 15;
	const straight = (await pair('straight', ['--count', CALLS, '--steady', 5])).packet_delay_ms;
	row(`the sound of ${CALLS} calls past the gateway`, `delay ${ms(straight)}`, '');
	for (const flooded of [false, true]) {
		await startGateway();
		await pair('calls', ['--rate', 100, '--count', 200]);
		const warm = kbOf(gateway.pid, 'VmRSS');
		const job = pair('sound', ['--rate', 100, '--count', CALLS, '--steady', STEADY]);
		await sleep(4000);
		const flood = flooded ? pair('flood', ['--conns', 50, '--steady', STEADY - 6]).catch(() => ({ answers: NaN })) : null;
		const c0 = cpuOf(gateway.pid), t0 = Date.now();
		await sleep((STEADY - 7) * 1000);
		const share = (cpuOf(gateway.pid) - c0) / ((Date.now() - t0) / 1000) / CALLS;
		const kb = (kbOf(gateway.pid, 'VmRSS') - warm) / CALLS;
		const m = await job;
		const answers = flood ? (await flood).answers : 0;
		await stopGateway();
		row(`${CALLS} bridged calls${flooded ? `, ${Math.round(answers / (STEADY - 6))} GET/s beside them` : ''}`,
			`delay ${ms(m.packet_delay_ms)}, so ${(m.packet_delay_ms.p50 - straight.p50).toFixed(2)} and ` +
			`${(m.packet_delay_ms.p99 - straight.p99).toFixed(2)} ms are added; ${m.packets_sent - m.packets_got} of ${m.packets_sent} packets lost` +
			(flooded ? '' : `, ${(share * 100).toFixed(3)} % of a core and ${kb.toFixed(1)} kB a call`),
			`none lost, added p50 < 0.15 ms, p99 < 1 ms${flooded ? '' : ', 0.08 %, 40 kB'}`);
	}
};

/* ---- webhooks out ------------------------------------------------------------- */

const openSink = (args = []) => {
	const child = spawn(sinkMeter, ['--port', String(SINK), ...args.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] });
	let out = '';
	child.stdout.on('data', (d) => { out += d; });
	return {
		stop: async () => {
			const gone = once(child, 'exit');
			child.kill('SIGTERM');
			await gone;
			return JSON.parse(out);
		},
	};
};
/* Endpoints on the sink's ports, each told of everything and signed to. */
const told = (count) => ({ allow_inline: true, webhooks: { allow_http: true, allow_targets: ['127.0.0.0/8'], max_waiting: 1000000,
	endpoints: Array.from({ length: count }, (_, i) => ({ name: `e${i}`, url: `http://127.0.0.1:${SINK + i}/`,
		secrets: ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'], events: ['call.*', 'leg.*'] })) } });
const waiting = async () => (await (await fetch(`http://127.0.0.1:${HTTP}/webhooks`)).json()).data;
/* Until nothing waits for endpoint i and those after it; false: not within a minute. */
const allTold = async (i = 0) => {
	for (let n = 0; n < 600; n++) {
		if ((await waiting()).slice(i).every((one) => !one.waiting)) return true;
		await sleep(100);
	}
	return false;
};
const EVENTS = 10; /* of a call of one leg */

const commits = async () => {
	const text = await (await fetch(`http://127.0.0.1:${HTTP}/metrics`)).text();
	return Number(/^bellpull_db_commit_seconds_count (\d+)$/m.exec(text)[1]);
};
const middle = (list) => list.sort((a, b) => a - b)[list.length >> 1];

/* One without and one with, again and again: what is compared are neighbours. */
const webhookLatency = async () => {
	const ROUNDS = 5, COUNT = 500;
	const runs = [[], []];
	let per_s = 0;
	for (let round = 0; round < ROUNDS; round++)
		for (const with_it of [0, 1]) {
			say(`100 calls/s for ${COUNT / 100} s, ${with_it ? 'an endpoint is told of everything' : 'nobody is told'}`);
			await startGateway({}, with_it ? told(1) : {});
			const sink = openSink();
			await calls(['--phone', CALLEE, '--rate', 100, '--count', 100]);
			const before = await commits();
			const m = await calls(['--phone', CALLEE, '--rate', 100, '--count', COUNT]);
			const one = { ...m.post_to_201_ms, commits: ((await commits()) - before) / COUNT };
			if (with_it) await allTold();
			const { received, per_s: reached } = await sink.stop();
			await stopGateway();
			if (with_it && received < (100 + COUNT) * EVENTS) say(`only ${received} of ${(100 + COUNT) * EVENTS} came`);
			per_s = Math.max(per_s, reached);
			runs[with_it].push(one);
			say(`${ms(one)}, ${one.commits.toFixed(2)} commits a call`);
		}
	const [without, with_it] = runs.map((list) => Object.fromEntries(['p50', 'p99', 'commits'].map((key) =>
		[key, middle(list.map((one) => one[key]))])));
	const times = (key) => middle(runs[1].map((one, i) => one[key] / runs[0][i][key])).toFixed(2);
	row('POST to 201 at 100/s, nobody is told', `${ms(without)}, ${without.commits.toFixed(1)} commits a call`, '');
	row(`POST to 201 at 100/s, with ${per_s} deliveries/s`, `${ms(with_it)}, ${with_it.commits.toFixed(1)} commits a call; ` +
		`as neighbours ${times('p50')} and ${times('p99')} times`, 'no slower than without');
};

const webhookCeiling = async () => {
	let best = 0;
	for (const rate of [50, 100, 200, 400, 600, 800, 1000]) {
		const n = rate * 8;
		await startGateway({}, told(1));
		const sink = openSink();
		await calls(['--phone', CALLEE, '--rate', 100, '--count', 100]);
		await allTold();
		await sink.stop();
		const again = openSink();
		const c0 = cpuOf(gateway.pid), t0 = Date.now();
		const m = await calls(['--phone', CALLEE, '--rate', rate, '--count', n]);
		const left = (await waiting())[0].waiting;
		const all = await allTold();
		const cpu = (cpuOf(gateway.pid) - c0) / ((Date.now() - t0) / 1000);
		const s = await again.stop();
		await stopGateway();
		const whole = all && s.received === m.created * EVENTS && m.ended === n;
		const kept = whole && left < rate * EVENTS / 2;
		if (kept) best = Math.max(best, s.per_s);
		row(`${rate * EVENTS} deliveries/s offered for 8 s`, `${s.per_s}/s, ${s.received} of ${m.created * EVENTS} came, ${left} waited when the calls were over, ` +
			`an event was told after ${ms(s.late_ms)}, POST to 201 ${ms(m.post_to_201_ms)}, ${(cpu * 100).toFixed(0)} % of a core`, '');
		if (!kept) break;
	}
	row('most deliveries/s to one endpoint that kept up', String(best), 'at least 500');
};

/* One of ten never answers. */
const webhookHole = async () => {
	for (const hole of [false, true]) {
		await startGateway({}, told(10));
		const sink = openSink(['--ports', 10, ...(hole ? ['--hole'] : [])]);
		const m = await calls(['--phone', CALLEE, '--rate', 20, '--count', 200]);
		await allTold(1);
		const s = await sink.stop();
		await stopGateway();
		row(`ten endpoints, ${hole ? 'one of them a black hole' : 'all well'}`, `the others were told after ${ms(s.late_ms)} ` +
			`(${s.per_s}/s, the least of them ${s.least} of ${m.created * EVENTS}; ${m.refused} calls were refused)`, 'p99 < 1 s');
	}
};

const webhooks = async () => {
	await webhookLatency();
	await webhookCeiling();
	await webhookHole();
};

/* ---- browsers ------------------------------------------------------------------- */

/* 100 browsers call 100 phones that say what they hear; PCMA on both sides, so that
 * sound is passed on and only sealed and opened. */
const browser = async () => {
	const CALLS = 100, RATE_IN = 20, STEADY = 12;
	const meet = async (count, steady) => {
		const r = await run(browsersMeter, ['--http', String(HTTP), '--phone', String(CALLEE), '--rate', String(RATE_IN), '--count', String(count), '--steady', String(steady)]);
		if (r.code) throw new Error(`browsers: ${r.err}`);
		return JSON.parse(r.out);
	};
	await startGateway();
	await meet(20, 1);
	const warm = kbOf(gateway.pid, 'VmRSS');
	const job = meet(CALLS, STEADY);
	await sleep((CALLS / RATE_IN) * 1000 + 2000);
	const c0 = cpuOf(gateway.pid), t0 = Date.now();
	await sleep((STEADY - 4) * 1000);
	const share = (cpuOf(gateway.pid) - c0) / ((Date.now() - t0) / 1000) / CALLS;
	const kb = (kbOf(gateway.pid, 'VmRSS') - warm) / CALLS;
	const m = await job;
	await stopGateway();
	row(`POST of a browser to its 201 at ${RATE_IN}/s`, ms(m.post_to_201_ms), '');
	row('POST to DTLS up', ms(m.post_to_connected_ms), '');
	row('POST to the first sound', ms(m.post_to_first_packet_ms), 'p50 < 150 ms');
	row('POST to the first sound of the far phone', ms(m.post_to_far_sound_ms), 'p50 < 150 ms');
	row(`${CALLS} browsers talk to phones`, `${(share * 100).toFixed(3)} % of a core and ${kb.toFixed(1)} kB a call, ` +
		`${m.sent} packets said, ${m.got} heard, ${m.broken} broken, ${m.reports} reports, ${m.refused} refused`, 'none broken or refused');
};

const parts = { cost, access, latency, ceiling, overload, memory, flat, streams, two, twoCost, twoLatency, relay, webhooks, browser };
try {
	for (const [name, part] of Object.entries(parts))
		if (!only || only.includes(name)) await part();
} finally {
	if (gateway && gateway.exitCode === null) gateway.kill('SIGKILL');
	rmSync(dir, { recursive: true, force: true });
}
const wide = Math.max(...rows.map((r) => r[0].length));
process.stdout.write('\n');
for (const [what, reached, wanted] of rows)
	process.stdout.write(`${what.padEnd(wide)}  ${reached}${wanted ? `   [${wanted}]` : ''}\n`);
