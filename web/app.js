/* app.js - the page: one state, one stream, and what goes between them and the
 * elements. The same file serves the list (/), a call's own page (/calls/{id})
 * and the API reference (/api.html); each has the elements it has. */
import { EVENT_TYPES, MAX_CALLS, isEnded, newestFirst, onCallEvent, onCallList, onLineEvent, onReset } from "/lib/calls.js";
import { el, setText } from "/lib/dom.js";
import * as gateway from "/lib/gateway.js";
import { openStream } from "/lib/stream.js";
import { causeWords } from "/lib/causes.js";
import { soon, watchLadders } from "/lib/watch.js";
import { title } from "/lib/people.js";
import { statusWords } from "/lib/words.js";
import "/elements/call-form.js";
import "/elements/call-card.js";
import "/elements/call-page.js";
import "/elements/echo-call.js";
import "/elements/line-status.js";
import "/elements/sign-in.js";
import "/elements/api-reference.js";

const state = {
	calls: new Map(), /* id -> { call, steps }: lib/calls.js            */
	lines: [],
	stream: "connecting",
	listened: false, /* the stream has been live once                   */
	loaded: false, /* the list has been read: an empty one is empty     */
	locked: false, /* the gateway wants a key                           */
};

/* The gateway's clock may differ from this one's: what ticks here ticks on its. */
let skew_ms = Infinity;
const now = () => Date.now() - (Number.isFinite(skew_ms) ? skew_ms : 0);
const learnClock = (event) => {
	skew_ms = Math.min(skew_ms, Date.now() - Date.parse(event.occurred_at));
};

const at = (id) => document.getElementById(id);
const form = document.querySelector("call-form");
const page = document.querySelector("call-page");
const reference = document.querySelector("api-reference");
const echo = document.querySelector("echo-call");
const sign_in = document.querySelector("sign-in");
const page_call = page ? decodeURIComponent(location.pathname.split("/")[2] ?? "") : null;

/* Whose steps are spoken to a screen reader: those placed or watched here. */
const watched = new Set(page_call ? [page_call] : []);

/* --- drawing: at most once a frame, whatever the stream brings ----------- */

let drawing = false;
const draw = () => {
	if (drawing)
		return;
	drawing = true;
	requestAnimationFrame(() => {
		drawing = false;
		drawStream();
		if (form)
			drawDesk();
		if (page)
			drawPage();
	});
};

const STREAM = { connecting: "Connecting", live: "Live", lost: "Reconnecting" };

const drawStream = () => {
	const node = at("stream");
	if (!node)
		return;
	node.dataset.state = state.stream;
	setText(node, STREAM[state.stream]);
};

const cards = new Map();
const lines = new Map();

/* A line tells of itself when it registers; how many calls it has is known here. */
const callsUp = (name) =>
	[...state.calls.values()].filter(({ call }) => call.line === name && !isEnded(call)).length;

/* Elements follow the order of `ids`; those that stand right are not touched. */
const arrange = (box, known, ids, name) => {
	for (const [id, node] of known)
		if (!ids.includes(id)) {
			node.remove();
			known.delete(id);
		}
	ids.forEach((id, place) => {
		if (!known.has(id))
			known.set(id, el(name));
		if (box.children[place] !== known.get(id))
			box.insertBefore(known.get(id), box.children[place] ?? null);
	});
};

const drawDesk = () => {
	const all = newestFirst(state.calls);
	const entries = all.slice(0, MAX_CALLS);
	arrange(at("calls"), cards, entries.map(({ call }) => call.id), "call-card");
	for (const entry of entries)
		cards.get(entry.call.id).entry = entry;
	const live = all.filter(({ call }) => !isEnded(call)).length;
	setText(at("count"), entries.length ? (live ? `${live} now` : "none now") : "");
	at("empty").hidden = entries.length > 0 || !state.loaded;

	arrange(at("lines"), lines, state.lines.map((line) => line.name), "line-status");
	for (const line of state.lines)
		lines.get(line.name).line = { ...line, calls: callsUp(line.name) };
	form.lines = state.lines;
	at("voice").hidden = !state.lines.some(({ name }) => name === "sandbox");
	tick();
};

const drawPage = () => {
	const entry = state.calls.get(page_call);
	if (!entry)
		return;
	page.entry = entry;
	tick();
};

const tick = () => {
	const time = now();
	for (const node of [...cards.values(), ...lines.values()])
		node.now = time;
	if (page && state.calls.has(page_call))
		page.now = time;
};

/* --- news ---------------------------------------------------------------- */

const say = (call) => {
	const end = isEnded(call) ? ` ${causeWords(call).say}` : "";
	setText(at("said"), `Call ${call.from ? "from" : "to"} ${title(call)}: ${statusWords(call)}.${end}`);
};

const change = (calls) => {
	const before = state.calls;
	state.calls = calls;
	for (const id of watched) {
		const [old, call] = [before.get(id)?.call, calls.get(id)?.call];
		if (call && (!old || statusWords(old) !== statusWords(call)))
			say(call);
	}
	draw();
};

const lookAtLines = soon(300, () => form && !state.locked && load(gateway.listLines, (list) => {
	state.lines = list;
	draw();
}));

/* Who shows the SIP messages of a call: its page, its card while it is open, and
 * beneath the button who talks himself. */
const isEcho = (id) => echo?.call?.id === id;
const ladders = watchLadders({
	ask: (id, done) => load(() => gateway.getSip(id), done),
	wanted: (id) => (page ? id === page_call : cards.get(id)?.wantsSip || isEcho(id)),
	show: (id, sip) => {
		if (isEcho(id))
			echo.sip = sip;
		if (page || cards.get(id)?.wantsSip)
			(page ?? cards.get(id)).sip = sip;
	},
});

const onEvent = (event) => {
	learnClock(event);
	if (page && event.call_id !== page_call)
		return;
	if (event.call_id)
		ladders.look(event.call_id);
	if (isEcho(event.call_id) && event.call)
		echo.call = event.call;
	state.lines = onLineEvent(state.lines, event);
	if (event.type.startsWith("line.") || event.type === "call.initiated" || event.type === "call.ended")
		lookAtLines(); /* how many calls each has up; and an older answer may be on its way */
	change(onCallEvent(state.calls, event));
};

const onSnapshot = (snapshot) => {
	if (page) {
		refresh();
		return;
	}
	state.lines = snapshot.lines ?? state.lines;
	state.loaded = true;
	change(onReset(state.calls, snapshot));
	[...cards.keys()].forEach(ladders.look); /* what it skipped may be in one that is open */
};

/* --- asking ---------------------------------------------------------------- */

/* Without a key there is nothing to see and nothing to ask for: no more tries
 * that the gateway would count as guesses, until the sign-in loads the page anew. */
const lock = () => {
	state.locked = true;
	stream?.pause();
	sign_in.open = true;
};

/* Runs `ask` and hands its result on; a missing key opens the sign-in, anything
 * else goes to `failed`. */
const load = async (ask, done, failed = () => {}) => {
	try {
		done(await ask());
	} catch (problem) {
		if (!(problem instanceof gateway.Problem))
			throw problem;
		if (problem.status === 401)
			lock();
		failed(problem);
	}
};

/* The steps of a call that the stream did not bring. The journal is read once
 * for each state of affairs, so an answer that still has holes asks no more. */
const asked = new Map();
const lookAtSteps = (call) => {
	if (asked.get(call.id) === call.revision)
		return;
	asked.set(call.id, call.revision);
	load(() => gateway.getSteps(call.id), (events) => {
		change(events.reduce((calls, event) => onCallEvent(calls, event), state.calls));
	}, () => asked.delete(call.id));
};

const refresh = () => {
	if (state.locked)
		return;
	if (page) {
		load(() => gateway.getCall(page_call), (call) => {
			page.problem = null;
			change(onCallList(state.calls, [call]));
			ladders.look(page_call);
		}, (problem) => { page.problem = problem; });
		return;
	}
	load(gateway.listCalls, (list) => {
		state.loaded = true;
		change(onCallList(state.calls, list));
	});
	lookAtLines();
};

let stream;
const listen = () => {
	stream = openStream(EVENT_TYPES, {
		event: onEvent,
		reset: onSnapshot,
		refused: refresh,
		state: (name) => {
			/* what came before the stream's first moment is read from the lists */
			if (name === "live" && !state.listened) {
				state.listened = true;
				refresh();
			}
			state.stream = name;
			draw();
		},
	});
};

/* A browser has six connections for a host, and every page with a stream holds
 * one: a page that nobody looks at gives it back, and catches up when it is seen. */
const HIDDEN_MS = 30000;
let hiding;
document.addEventListener("visibilitychange", () => {
	clearTimeout(hiding);
	if (document.hidden)
		hiding = setTimeout(() => stream?.pause(), HIDDEN_MS);
	else if (!state.locked)
		stream?.resume();
});

/* --- wishes ------------------------------------------------------------------ */

/* The same order after a lost reply carries the same key: it rings once. */
let intention = { text: "", key: "" };

const place = (order, failed) => {
	const text = JSON.stringify(order);
	if (intention.text !== text)
		intention = { text, key: gateway.newKey() };
	if (form)
		form.busy = true;
	return load(() => gateway.placeCall(order, intention.key), (call) => {
		intention = { text: "", key: "" };
		watched.add(call.id);
		if (page) {
			location.assign(`/calls/${encodeURIComponent(call.id)}`);
			return;
		}
		form.problem = null;
		change(onCallList(state.calls, [call]));
	}, (problem) => {
		/* an answer settles it; only silence leaves open whether it rang */
		if (problem.status)
			intention = { text: "", key: "" };
		failed(problem);
	}).finally(() => {
		if (form)
			form.busy = false;
	});
};

const wishes = {
	place: ({ detail: order }) => {
		if (!form.form.hasAttribute("data-busy"))
			place(order, (problem) => { form.problem = problem; });
	},
	again: ({ detail: call, target }) => {
		const order = { to: call.to };
		for (const member of ["from", "line", "from_line"])
			if (call[member])
				order[member] = call[member];
		place(order, (problem) => { target.problem = problem; });
	},
	hangup: ({ detail: call, target }) => {
		target.problem = null;
		load(() => gateway.hangUp(call.id),
			(answer) => change(onCallList(state.calls, [answer])),
			(problem) => { target.problem = problem; });
	},
	command: ({ detail: { call, name, body }, target }) => {
		const card = target.closest("call-card");
		card.problem = null;
		load(() => gateway.command(call.id, name, body),
			(answer) => change(onCallList(state.calls, [answer])),
			(problem) => { card.problem = problem; });
	},
	steps: ({ detail: call }) => lookAtSteps(call),
	ladder: ({ detail: call }) => ladders.look(call.id),
	look: ({ detail: call, target }) => load(() => gateway.measureCall(call.id), (answer) => { target.call = answer; }),
	check: ({ detail: line, target }) => {
		target.busy = true;
		load(() => gateway.checkLine(line.name),
			(answer) => { target.verdict = answer.verdict ?? ""; },
			(problem) => { target.verdict = problem.message; })
			.finally(() => { target.busy = false; lookAtLines(); });
	},
	signin: ({ detail: key }) => load(() => gateway.signIn(key), () => location.reload(),
		(problem) => { sign_in.problem = problem; }),
};

for (const [name, grant] of Object.entries(wishes))
	document.addEventListener(name, grant);

/* --- start ------------------------------------------------------------------- */

if (reference)
	load(gateway.getApi, (api) => { reference.api = api; });

if (form || page) {
	if (form) {
		setText(at("try-call"), `curl -d '{"to":"853"}' ${location.origin}/calls`);
		setText(at("try-events"), `curl -N ${location.origin}/events`);
	}
	refresh();
	listen();
	setInterval(tick, 1000);
}
