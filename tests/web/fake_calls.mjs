/* fake_calls.mjs - the calls of fake.mjs: each phone plays a script, a call of two
 * plays one after the other and joins them, and commands change what is up.
 *
 * What is told, in which order and in which shape, is what the API promises; the
 * SIP messages are made up as the calls go. */

/* [after ms, what, sip code, reason]; "end" carries status, cause and Q.850. What
 * follows an answer is played once the call is joined. */
const rings = [[20, "initiated"], [40, "ringing", 180, "Ringing"]];
const answers = [...rings, [1000, "answered", 200, "OK"]];
const ends = (code, reason, status, cause, q850, before = [[20, "initiated"]]) => [...before, [60, "end", code, reason, status, cause, q850]];
const SCRIPTS = {
	"853": [...answers, [3000, "end", 200, "OK", "completed", "normal_clearing", 16]],
	"sim:answer": answers,
	"sim:no-answer": rings,
	"sim:hangup": [...answers, [2000, "end", 200, "OK", "completed", "normal_clearing", 16]],
	"sim:press-1": [...answers, [200, "presses", "1"]],
	"sim:busy": ends(486, "Busy Here", "busy", "busy", 17),
	"sim:decline": ends(603, "Decline", "busy", "rejected", 21, rings),
	"sim:not-found": ends(404, "Not Found", "failed", "not_found", 1),
	"sim:unavailable": ends(480, "Temporarily Unavailable", "no-answer", "unavailable", 20),
	"sim:overloaded": ends(503, "Service Unavailable", "failed", "congestion", 42),
	"sim:auth-loop": ends(407, "Proxy Authentication Required", "failed", "auth_failed", 21),
	"sim:early-media": [[20, "initiated"], [40, "early_media", 183, "Session Progress"], [1200, "answered", 200, "OK"]],
};
const CODECS = { from: "PCMA/8000", to: "opus/48000" };
const CONFIRM_MS = 700;
const ADDRESS = /^(\+?[0-9*#]{2,15}|sims?:[a-z0-9-]+|sip:\S+)$/;
const UP = ["answered", "held", "remote_held"];
const now = () => new Date().toISOString();
const other = (role) => (role === "from" ? "to" : "from");
const newestOf = (call, role) => call.legs.filter((leg) => leg.role === role).at(-1);

/* What an order has wrong, as problem+json tells it. */
export const faultsOf = (order) => {
	const faults = [];
	const fault = (wrong, pointer, detail) => wrong && faults.push({ pointer, detail });
	for (const role of ["to", "from"])
		fault(role === "to" || order[role] ? !ADDRESS.test(order[role] ?? "") : false, `/${role}`, "is neither +E.164, nor 2 to 15 digits, nor a sip: address");
	fault(order.ring_timeout !== undefined && !(order.ring_timeout >= 1 && order.ring_timeout <= 300), "/ring_timeout", "must be a whole number from 1 to 300");
	for (const member of ["confirm", "ringback"])
		fault(order[member] && !order.from, `/${member}`, "needs from: a call without it has one leg only, \"to\"");
	fault(order.confirm && !/^[0-9*#]$/.test(order.confirm.digit), "/confirm/digit", "may have these characters only: 0123456789*#");
	fault(order.ringback && !/^[a-z]{2}$/i.test(order.ringback), "/ringback", "must be a country, two letters: \"de\"");
	fault(order.send_digits && !/^[0-9*#A-DwW]*$/.test(order.send_digits), "/send_digits", "may have these characters only: 0123456789*#ABCDwW");
	return faults;
};

/* tell(call, type, { leg, data }) writes an event into the journal. */
export const makeCalls = (tell) => {
	const calls = new Map();
	const orders = new Map(); /* call id -> the order            */
	const ladders = new Map(); /* call id -> SIP messages         */
	const timers = new Map(); /* call id -> what is still to come */
	const joined = new Map(); /* call id -> what to do once it is */
	const leg_cseq = new WeakMap();
	let count = 0;

	const later = (call, ms, work) => {
		const timer = setTimeout(() => {
			timers.get(call.id)?.delete(timer);
			work();
		}, ms);
		timers.get(call.id).add(timer);
	};

	/* --- SIP ------------------------------------------------------------- */

	const message = (call, leg, direction, first_line, method, cseq) => {
		const sdp = method === "INVITE" && (/^INVITE/.test(first_line) || /^SIP\/2\.0 (183|200)/.test(first_line));
		ladders.get(call.id).push({
			time: now(), direction, first_line,
			text: `${first_line}\r\nVia: SIP/2.0/UDP 127.0.0.1:35060;rport;branch=z9hG4bK${leg.role}${cseq}${method}\r\nMax-Forwards: 70\r\nFrom: "858" <sip:858@127.0.0.1>;tag=1928301774\r\nTo: <${leg.uri}>\r\nCall-ID: ${leg.sip_call_id}\r\nCSeq: ${cseq} ${method}\r\n`
				+ (sdp ? "Content-Type: application/sdp\r\nContent-Length: 63\r\n\r\nv=0\r\no=- 1 1 IN IP4 127.0.0.1\r\nm=audio 20000 RTP/AVP 8 101\r\n" : "Content-Length: 0\r\n\r\n"),
		});
	};
	/* An INVITE, a BYE counts on; ACK and CANCEL belong to the last INVITE. */
	const request = (call, leg, method, again = false) => {
		if (!again && method !== "ACK" && method !== "CANCEL")
			leg_cseq.set(leg, (leg_cseq.get(leg) ?? 0) + 1);
		message(call, leg, "out", `${method} ${leg.uri} SIP/2.0`, method, leg_cseq.get(leg));
	};
	const reply = (call, leg, code, reason, method = "INVITE") => message(call, leg, "in", `SIP/2.0 ${code} ${reason}`, method, leg_cseq.get(leg));
	const bye = (call, leg, ours) => {
		if (ours) {
			request(call, leg, "BYE");
			reply(call, leg, 200, "OK", "BYE");
		} else {
			message(call, leg, "in", "BYE sip:858@127.0.0.1 SIP/2.0", "BYE", 1);
			message(call, leg, "out", "SIP/2.0 200 OK", "BYE", 1);
		}
	};
	const reinvite = (call, leg) => {
		request(call, leg, "INVITE");
		reply(call, leg, 200, "OK");
		request(call, leg, "ACK");
	};

	/* --- the end ------------------------------------------------------------ */

	const endLeg = (call, leg, { status, cause, code = leg.sip.code, reason = leg.sip.reason }) => {
		if (leg.state === "ended")
			return;
		if (leg.state === "new") {
			call.legs.splice(call.legs.indexOf(leg), 1); /* it was never dialled */
			return;
		}
		const quality = leg.answered_at && { sent: 2100, received: 2098, lost: 2, jitter_ms: 3.1, rtt_ms: 18.2, mos: 4.3, first_packet_ms: 40 };
		Object.assign(leg, { state: "ended", status, cause, ended_at: now(), held: false, muted: false, quality: quality || null, sip: { code, reason, reason_header: null } });
		tell(call, "leg.ended", { leg: leg.role, data: { sip_code: code, sip_reason: reason } });
	};

	/* { status, cause, q850, by, code, reason, failed }: failed is the leg at fault. */
	const end = (call, { status, cause, q850, by, code, reason, failed = null, ours = true }) => {
		if (call.state === "ended")
			return;
		(timers.get(call.id) ?? []).forEach(clearTimeout);
		const living = call.legs.filter(({ state }) => state !== "ended");
		for (const leg of [...living.filter((one) => one === failed), ...living.filter((one) => one !== failed)]) {
			const at_fault = leg === failed;
			if (leg.answered_at)
				bye(call, leg, !at_fault || ours);
			else if (!at_fault && leg.state !== "new")
				request(call, leg, "CANCEL");
			endLeg(call, leg, at_fault ? { status, cause, code, reason }
				: { status: leg.answered_at ? "completed" : "canceled", cause: leg.answered_at ? "normal_clearing" : cause });
		}
		const ended_at = now();
		Object.assign(call, { state: "ended", status, cause, q850, ended_at, ended_by: by, failed_leg: failed && cause !== "normal_clearing" ? failed.role : null, ring_duration: 1, duration: call.answered_at ? Math.round((Date.parse(ended_at) - Date.parse(call.answered_at)) / 1000) : 0 });
		if (code)
			call.sip = { code, reason, reason_header: null };
		if (call.recording?.state === "recording")
			call.recording = { state: "saving", duration: null, size: null, url: null };
		tell(call, "call.ended");
		if (call.recording?.state === "saving")
			setTimeout(() => saved(call), 150);
	};

	const hangup = (call) => (call.answered_at
		? end(call, { status: "completed", cause: "normal_clearing", q850: 16, by: "api" })
		: end(call, { status: "canceled", cause: "canceled_by_api", q850: 16, by: "api" }));

	/* --- a phone's script ------------------------------------------------------ */

	/* Plays a leg's script up to its answer; then `up`, with what is left of it. */
	const play = (call, leg, address, up) => {
		const script = [...(SCRIPTS[address] ?? answers)];
		const next = () => {
			const [ms, what, ...rest] = script.shift() ?? [];
			if (what)
				later(call, ms, () => {
					STEPS[what](call, leg, ...rest);
					if (what === "answered")
						up(() => finish(call, leg, script));
					else if (call.state !== "ended")
						next();
				});
		};
		next();
	};

	const finish = (call, leg, script) => {
		for (const [ms, what, ...rest] of script)
			later(call, ms, () => leg.state !== "ended" && STEPS[what](call, leg, ...rest));
	};

	/* Call and leg tell the same; of two the call speaks at the first of it. */
	const sign = (call, leg, state, type, code, reason) => {
		const first = call.legs[0] === leg;
		Object.assign(leg, { state, ringing_at: leg.ringing_at ?? now(), sip: { code, reason, reason_header: null } });
		if (state === "early")
			leg.cause_hint = "unknown";
		if (call.state !== "transferring")
			call.state = first ? "first_ringing" : "second_ringing";
		if (call.status === "queued")
			Object.assign(call, { status: "ringing", ringing_at: now() });
		reply(call, leg, code, reason);
		tell(call, `leg.${type}`, { leg: leg.role, data: { sip_code: code, sip_reason: reason } });
		if (first)
			tell(call, `call.${type}`, { data: { sip_code: code, sip_reason: reason } });
	};

	const STEPS = {
		initiated: (call, leg) => {
			const first = call.legs.indexOf(leg) === 0;
			leg.state = "dialing";
			leg.sip_call_id = `a84b4c76e66710${call.legs.indexOf(leg)}@${call.id.slice(-4)}`;
			if (call.state !== "transferring")
				call.state = first ? "dialing_first" : "dialing_second";
			request(call, leg, "INVITE");
			if (!first)
				request(call, leg, "INVITE", true); /* as if the first one had been lost */
			reply(call, leg, 100, "Trying");
			if (first) {
				call.started_at = now();
				tell(call, "call.initiated");
				reply(call, leg, 407, "Proxy Authentication Required");
				request(call, leg, "ACK");
				request(call, leg, "INVITE");
			}
			tell(call, "leg.initiated", { leg: leg.role });
		},
		ringing: (call, leg, code, reason) => sign(call, leg, "ringing", "ringing", code, reason),
		early_media: (call, leg, code, reason) => sign(call, leg, "early", "early_media", code, reason),
		answered: (call, leg, code, reason) => {
			const asked = orders.get(call.id).confirm && leg === call.legs[0];
			Object.assign(leg, { state: asked ? "confirming" : "answered", status: "in-progress", answered_at: now(), codec: CODECS[leg.role], sip: { code, reason, reason_header: null } });
			reply(call, leg, code, reason);
			request(call, leg, "ACK");
			if (call.state !== "transferring")
				call.sip = { ...leg.sip };
			tell(call, "leg.answered", { leg: leg.role });
		},
		presses: (call, leg, digit) => tell(call, "call.dtmf", { leg: leg.role, data: { digit, duration_ms: 100 } }),
		end: (call, leg, code, reason, status, cause, q850) => {
			if (!leg.answered_at) {
				reply(call, leg, code, reason);
				request(call, leg, "ACK");
			}
			if (call.state === "transferring" && !leg.answered_at) {
				transferFailed(call, leg, { code, reason, status, cause });
				return;
			}
			end(call, { status, cause, q850, by: leg.role, code, reason, failed: leg, ours: false });
		},
	};

	/* --- one after the other ----------------------------------------------------- */

	const bridge = (call) => {
		const at = now();
		Object.assign(call, { state: "bridged", status: "in-progress", answered_at: call.answered_at ?? at, bridged_at: call.bridged_at ?? at });
		tell(call, "call.answered");
		tell(call, "call.bridged");
		if (orders.get(call.id).record)
			call.recording = { state: "recording", duration: null, size: null, url: null };
		joined.get(call.id).forEach((go) => go());
	};

	const second = (call) => {
		const [, leg] = call.legs;
		play(call, leg, call[leg.role], (rest) => {
			joined.get(call.id).push(rest);
			bridge(call);
		});
	};

	/* Somebody has to press a key, and a voicemail does not. */
	const confirm = (call, leg) => {
		later(call, CONFIRM_MS, () => {
			if (call[leg.role] === "sim:voicemail") {
				tell(call, "call.confirm.failed", { leg: leg.role });
				end(call, { status: "no-answer", cause: "confirm_failed", q850: 19, by: "timer", failed: leg });
				return;
			}
			leg.state = "answered";
			tell(call, "call.dtmf", { leg: leg.role, data: { digit: orders.get(call.id).confirm.digit, duration_ms: 100 } });
			tell(call, "call.confirm.passed", { leg: leg.role });
			second(call);
		});
	};

	const newLeg = (role, address) => ({ role, uri: `sip:${address.replace(/^sims?:|^sip:/, "").split("@")[0]}@127.0.0.1`, line: "sandbox", state: "new", status: "queued", sip_call_id: null, codec: null, muted: false, held: false, cause_hint: null, ringing_at: null, answered_at: null, ended_at: null, cause: null, sip: { code: null, reason: null, reason_header: null }, quality: null });

	const place = (order) => {
		count += 1;
		const id = `call_01K${String(count).padStart(23, "0")}`;
		const first = order.from ? order.first ?? "from" : "to";
		const legs = (order.from ? [first, other(first)] : ["to"]).map((role) => newLeg(role, order[role]));
		const call = { id, object: "call", revision: 0, status: "queued", state: "queued", direction: "outbound-api", to: order.to, from: order.from || null, line: order.line ?? "sandbox", from_line: null, join: order.join && order.join !== "auto" ? order.join : "relay", handed_over: false, created_at: now(), started_at: null, ringing_at: null, answered_at: null, bridged_at: null, ended_at: null, duration: 0, ring_duration: 0, ended_by: null, failed_leg: null, cause: null, q850: null, sip: { code: null, reason: null, reason_header: null }, legs, recording: null, client_state: order.client_state ?? null, metadata: order.metadata ?? null, last_event_id: null };
		calls.set(id, call);
		orders.set(id, order);
		ladders.set(id, []);
		timers.set(id, new Set());
		joined.set(id, []);
		tell(call, "call.queued");
		play(call, legs[0], order[first], (rest) => {
			joined.get(id).push(rest);
			if (!order.from) {
				bridge(call);
				return;
			}
			call.state = "first_answered";
			if (order.confirm)
				confirm(call, legs[0]);
			else
				second(call);
		});
		return call;
	};

	/* --- commands: { status, errors } refuses ------------------------------------- */

	const saved = (call) => {
		call.recording = { state: "saved", duration: 2.4, size: 38444, url: `/calls/${call.id}/recording` };
		tell(call, "call.recording.saved", { data: { duration: 2.4, size: 38444, url: call.recording.url } });
	};

	const transferFailed = (call, leg, outcome) => {
		endLeg(call, leg, outcome);
		call.state = "bridged";
		tell(call, "call.transfer.failed", { data: { sip_code: outcome.code, sip_reason: outcome.reason } });
	};

	const hold = (call, role, on) => {
		for (const leg of call.legs.filter((one) => UP.includes(one.state) && (!role || one.role === role))) {
			Object.assign(leg, { held: on, state: on ? "held" : "answered" });
			reinvite(call, leg);
		}
		call.state = call.legs.some(({ held }) => held) ? "held" : "bridged";
		tell(call, on ? "call.hold" : "call.unhold", { leg: role ?? null });
	};

	const mute = (call, role, on) => {
		newestOf(call, role ?? "from").muted = on;
		call.revision += 1;
	};

	const COMMANDS = {
		dtmf: (call, { digits }) => (/^[0-9*#A-D]+$/.test(digits ?? "") ? undefined : { status: 422, errors: [{ pointer: "/digits", detail: digits ? "may have these characters only: 0123456789*#ABCD" : "is missing: the keys to press" }] }),
		hold: (call, { leg }) => hold(call, leg, true),
		unhold: (call, { leg }) => hold(call, leg, false),
		mute: (call, { leg }) => mute(call, leg, true),
		unmute: (call, { leg }) => mute(call, leg, false),
		transfer: (call, { to, leg: stays = "to" }) => {
			if (!ADDRESS.test(to ?? ""))
				return { status: 422, errors: [{ pointer: "/to", detail: "is missing: whom to transfer to" }] };
			const gone = newestOf(call, other(stays));
			const leg = newLeg(gone.role, to);
			call.legs.push(leg);
			call.state = "transferring";
			tell(call, "call.transfer.started", { leg: gone.role });
			return void play(call, leg, to, (rest) => {
				bye(call, gone, true);
				endLeg(call, gone, { status: "completed", cause: "transferred" });
				call.state = "bridged";
				tell(call, "call.transfer.completed", { leg: leg.role });
				rest();
			});
		},
		play: (call, { play: file }) => {
			if (!/\.wav$/.test(file ?? ""))
				return { status: 422, errors: [{ pointer: "/play", detail: "is no WAV file in media.sounds" }] };
			tell(call, "call.playback.started", { data: { play: file } });
			return void later(call, 300, () => tell(call, "call.playback.ended"));
		},
		record: (call, { on }) => {
			call.recording = { state: on ? "recording" : "saving", duration: null, size: null, url: null };
			call.revision += 1;
			if (!on)
				setTimeout(() => saved(call), 150);
		},
	};

	/* undefined: it was done. */
	const command = (call, name, body) => (["bridged", "held"].includes(call.state)
		? COMMANDS[name](call, body)
		: { status: 409, title: `The call is ${call.state}, so it can't do that now.` });

	const ladder = (call) => ({
		skipped: 0,
		diagnosis: call.cause === "busy" ? "The phone answered 486 Busy Here: it is on another call." : null,
		messages: ladders.get(call.id),
	});

	return { calls, place, hangup, end, command, ladder, isCommand: (name) => Object.hasOwn(COMMANDS, name) };
};
