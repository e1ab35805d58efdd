/* hooks.js - the page of webhooks: one state, looked at again every few seconds while
 * somebody looks at the page, and what goes between it and the elements. */
import { el, setText } from "/lib/dom.js";
import * as gateway from "/lib/gateway.js";
import { IN_SAMPLE, OUT_SAMPLE, bodyType, countDead, readFilter, refusedWords, replayWords, testWords, writeFilter } from "/lib/hooks.js";
import "/elements/copy-text.js";
import "/elements/delivery-list.js";
import "/elements/hook-inbox.js";
import "/elements/replay-range.js";
import "/elements/sign-in.js";
import "/elements/webhook-endpoint.js";

const LOOK_MS = 3000;
const PAGE = 25;
const MOST = 200; /* the longest page that the gateway gives */
const CAME = 20;

const state = {
	endpoints: [],
	hooks: [],
	filter: readFilter(location.hash),
	limit: PAGE,
	locked: false, /* the gateway wants a key */
};

const at = (id) => document.getElementById(id);
const sign_in = document.querySelector("sign-in");
const deliveries = at("deliveries");
const say = (text) => setText(at("said"), text);

const STREAM = { connecting: "Connecting", live: "Live", lost: "Reconnecting" };
const drawStream = (name) => {
	at("stream").dataset.state = name;
	setText(at("stream"), STREAM[name]);
};

/* --- drawing ------------------------------------------------------------------ */

/* Elements follow the order of `rows`; those that stand right are not touched. */
const arrange = (box, rows, name, draw) => {
	const known = new Map([...box.children].map((node) => [node.dataset.name, node]));
	rows.forEach((row, place) => {
		const node = known.get(row.name) ?? el(name, { "data-name": row.name });
		known.delete(row.name);
		if (box.children[place] !== node)
			box.insertBefore(node, box.children[place] ?? null);
		draw(node, row);
	});
	for (const node of known.values())
		node.remove();
};

const tellOf = (side, problem, scope) => {
	const node = at(`${side}-error`);
	node.hidden = !problem;
	setText(node, problem ? refusedWords(problem, scope) : "");
	at(`${side}-other`).hidden = problem?.status !== 403;
};

const drawEndpoints = (endpoints, dead) => {
	state.endpoints = endpoints;
	arrange(at("endpoints"), endpoints, "webhook-endpoint", (node, endpoint) => {
		node.endpoint = endpoint;
		node.dead = dead.get(endpoint.name);
	});
	const unwell = endpoints.filter((one) => one.state !== "enabled" || one.failing_since).length;
	setText(at("out-count"), endpoints.length ? (unwell ? `${unwell} of ${endpoints.length} not well` : "all well") : "");
	at("out-empty").hidden = endpoints.length > 0;
	deliveries.endpoints = endpoints;
	at("range").endpoints = endpoints;
};

const drawHooks = (hooks) => {
	const first = !state.hooks.length;
	state.hooks = hooks;
	arrange(at("hooks"), hooks, "hook-inbox", (node, hook) => { node.hook = hook; });
	at("in-empty").hidden = hooks.length > 0;
	if (first && hooks.length)
		at("hooks").firstElementChild.open = true;
};

/* --- asking --------------------------------------------------------------------- */

const lock = () => {
	state.locked = true;
	clearTimeout(timer);
	sign_in.open = true;
};

/* True: it went well. What didn't goes to `failed`; a missing key opens the sign-in. */
let reached = true; /* the gateway, with the last answer or refusal */
const load = async (ask, done, failed = () => {}) => {
	try {
		done(await ask());
		reached = true;
		return true;
	} catch (problem) {
		if (!(problem instanceof gateway.Problem))
			throw problem;
		reached = problem.status > 0 && problem.status < 500;
		if (problem.status === 401)
			lock();
		failed(problem);
		return false;
	}
};

const lookOut = async () => {
	const answered = await load(async () => Promise.all([gateway.listEndpoints(), gateway.listDeliveries({ status: "dead", limit: MOST })]),
		([endpoints, dead]) => {
			tellOf("out", null);
			drawEndpoints(endpoints, countDead(dead));
		}, (problem) => tellOf("out", problem, "webhooks:admin"));
	return answered && lookAtDeliveries();
};

const lookAtDeliveries = () => load(() => gateway.listDeliveries({ ...state.filter, limit: state.limit }), (list) => {
	deliveries.problem = null;
	deliveries.now = Date.now();
	deliveries.list = { ...list, full: state.limit >= MOST };
}, (problem) => { deliveries.problem = problem.message; });

const lookAtHook = (node) => load(() => gateway.listCame(node.dataset.name, CAME), (list) => { node.came = list; });

const lookIn = async () => {
	const answered = await load(gateway.listHooks, (hooks) => {
		tellOf("in", null);
		drawHooks(hooks);
	}, (problem) => tellOf("in", problem, "hooks:admin"));
	if (answered)
		await Promise.all([...at("hooks").children].filter((node) => node.open).map(lookAtHook));
	return answered;
};

/* One look at a time, and the next one a while after it has been answered. */
let timer;
let looking = false;
const look = async () => {
	clearTimeout(timer);
	if (looking || state.locked)
		return;
	looking = true;
	await Promise.all([lookOut(), lookIn()]);
	looking = false;
	if (state.locked)
		return;
	drawStream(reached ? "live" : "lost");
	if (!document.hidden)
		timer = setTimeout(look, LOOK_MS);
};

document.addEventListener("visibilitychange", () => {
	if (!document.hidden)
		look();
});

/* --- wishes ------------------------------------------------------------------------ */

/* Has something done to an endpoint, and told where it was asked for. */
const act = async (node, ask, words, failed = (problem) => { node.verdict = problem.sentence; }) => {
	node.busy = true;
	node.verdict = "Asking...";
	await load(ask, (answer) => { node.verdict = words(answer); }, failed);
	node.busy = false;
	look();
};

/* The gateway puts back so many at once: again, until there are none left or it has
 * enough for now. */
const ROUNDS = 20;
const replayAll = async (name, range) => {
	let replayed = 0;
	let more = true;
	for (let round = 0; more && round < ROUNDS; round += 1) {
		const answer = await gateway.tellEndpoint(name, "replay", range).catch((problem) => {
			if (!replayed)
				throw problem;
			return { replayed: 0, more: true };
		});
		replayed += answer.replayed;
		more = answer.more && answer.replayed > 0;
		if (!answer.replayed)
			return { replayed, more: answer.more };
	}
	return { replayed, more };
};

const wishes = {
	"endpoint-test": ({ detail: { name }, target }) => act(target, () => gateway.tellEndpoint(name, "test"), testWords),
	"endpoint-turn": ({ detail: { name, state: before }, target }) =>
		act(target, () => gateway.tellEndpoint(name, before === "enabled" ? "disable" : "enable"),
			(answer) => (answer.state === "disabled" ? "It is told nothing more." : `It is told again${answer.waiting ? `: ${answer.waiting} waited` : ""}.`)),
	"endpoint-replay": ({ detail: { name }, target }) => act(target, () => replayAll(name, { status: "dead" }), replayWords),
	"range-replay": ({ detail: { name, range }, target }) => {
		target.problem = null;
		return act(target, () => replayAll(name, range), replayWords, (problem) => {
			target.verdict = "";
			target.problem = problem;
		});
	},
	"delivery-replay": ({ detail: { id } }) => load(() => gateway.replay(id), () => {
		deliveries.tell(id, "");
		say("It is on the way again.");
		look();
	}, (problem) => deliveries.tell(id, problem.sentence)),
	"deliveries-filter": ({ detail: filter }) => {
		state.filter = filter;
		state.limit = PAGE;
		history.replaceState(null, "", `#${writeFilter(filter)}`);
		lookAtDeliveries();
	},
	"deliveries-more": () => {
		state.limit = Math.min(MOST, 2 * state.limit);
		lookAtDeliveries();
	},
	"hook-look": ({ target }) => lookAtHook(target),
	"hook-try": ({ detail: { hook, text }, target }) => load(() => gateway.tryHook(hook.name, text, bodyType(text)),
		(answer) => { target.tried = answer; },
		(problem) => { target.tried = { problem }; }),
	signin: ({ detail: key }) => load(() => gateway.signIn(key), () => location.reload(),
		(problem) => { sign_in.problem = problem; }),
};

for (const [name, grant] of Object.entries(wishes))
	document.addEventListener(name, grant);

addEventListener("hashchange", () => {
	if (document.getElementById(location.hash.slice(1)))
		return; /* a place on the page, and no filter */
	state.filter = readFilter(location.hash);
	deliveries.filter = state.filter;
	lookAtDeliveries();
});

/* --- start ------------------------------------------------------------------------- */

for (const side of ["out", "in"])
	at(`${side}-other`).addEventListener("click", () => { sign_in.open = true; });
document.querySelector('copy-text[data-sample="out"]').text = OUT_SAMPLE;
document.querySelector('copy-text[data-sample="in"]').text = IN_SAMPLE;
setText(at("in-url"), `${location.origin}/hooks/crm`);
deliveries.filter = state.filter;
drawStream("connecting");
look();
