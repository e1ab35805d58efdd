/* click.js - <click-to-call>: a button with which a visitor talks to somebody.
 *
 *	<script type="module" src="https://gateway.example/click.js"></script>
 *	<click-to-call token-url="/my/token" to="sales"><a href="tel:+4930123456">+49 30 123456</a></click-to-call>
 *
 * One file, no imports, no build; docs/embed.md has its attributes, texts, colours
 * and events. It needs no more of a page's CSP than script-src and connect-src for
 * the gateway: no inline style, no eval, no innerHTML (trusted types). What stands
 * inside the element is shown without scripts, and where no call can be made.
 *
 *   idle --press--> asking --> connecting --> ringing --> talking --> ended
 *     |              (microphone)       each may go to ended or failed
 *     +--no WebRTC--> number --> connecting --> yours (his phone rings) --> ...
 *
 * Nothing is asked of the visitor or the gateway before the press. The token is
 * fetched once the microphone is there, for people take their time and tokens don't. */

/* --- words: each may be replaced by an attribute, text-KEY ---------------------- */

const WORDS = {
	en: {
		"call": "Call us", "again": "Call again", "hang-up": "Hang up", "mute": "Mute", "keys": "Keypad",
		"you": "You", "them": "Them", "sent": "Sent: {keys}", "close": "Close",
		"asking": "Please allow the microphone.", "asking-hint": "Your browser is asking for it.",
		"connecting": "Connecting", "ringing": "It is ringing", "talking": "You are connected.",
		"held": "You are on hold.", "yours": "Your phone is ringing: please pick up.",
		"on-phone": "You are connected: talk on your phone.",
		"by-you": "You hung up.", "by-them": "They hung up.", "busy": "They are on another call.",
		"no-answer": "Nobody answered.", "declined": "They declined the call.", "limit": "The longest time for a call is over.",
		"lost": "The connection was lost.", "not-through": "The call could not be put through.",
		"try-later-hint": "Please try again in a few minutes.",
		"no-sound": "No sound gets through.", "no-sound-hint": "A firewall may stop it: try another network.",
		"mic-refused": "The microphone was not allowed.",
		"mic-refused-hint": "Allow it by the sign beside the address of this page, then call again.",
		"mic-none": "There is no microphone.", "mic-none-hint": "Connect one, then call again.",
		"mic-busy": "The microphone cannot be used.", "mic-busy-hint": "Another program may have it: close that, then call again.",
		"unable": "This browser cannot make calls.", "unable-hint": "Calls need https and a current browser.",
		"stale": "This page may not call any more.", "stale-hint": "Load it again, then call.",
		"refused": "This call is not allowed.", "refused-hint": "Please reach us in another way.",
		"offline": "The telephone cannot be reached.", "offline-hint": "Check your connection, then call again.",
		"full": "All lines are busy.", "full-hint": "Please try again in {seconds} s.",
		"silent-hint": "Nothing comes from your microphone. Is it switched off?", "poor-hint": "The connection is poor.",
		"number": "Your phone number", "number-hint": "We ring your phone, then connect you.",
		"call-me": "Call me back", "number-wrong": "This number cannot be called back.",
		"number-wrong-hint": "Write it with its country code, like +49 30 123456.",
	},
	de: {
		"call": "Anrufen", "again": "Noch einmal anrufen", "hang-up": "Auflegen", "mute": "Stumm", "keys": "Tasten",
		"you": "Sie", "them": "Gegenüber", "sent": "Gesendet: {keys}", "close": "Schließen",
		"asking": "Bitte erlauben Sie das Mikrofon.", "asking-hint": "Ihr Browser fragt gerade danach.",
		"connecting": "Verbindung wird aufgebaut", "ringing": "Es klingelt", "talking": "Sie sind verbunden.",
		"held": "Sie werden gehalten.", "yours": "Ihr Telefon klingelt: bitte nehmen Sie ab.",
		"on-phone": "Sie sind verbunden: sprechen Sie am Telefon.",
		"by-you": "Sie haben aufgelegt.", "by-them": "Ihr Gegenüber hat aufgelegt.", "busy": "Dort wird gerade gesprochen.",
		"no-answer": "Niemand hat abgenommen.", "declined": "Der Anruf wurde abgelehnt.", "limit": "Die längste Gesprächszeit ist um.",
		"lost": "Die Verbindung ist abgerissen.", "not-through": "Der Anruf kam nicht zustande.",
		"try-later-hint": "Bitte versuchen Sie es in einigen Minuten wieder.",
		"no-sound": "Es kommt kein Ton durch.", "no-sound-hint": "Vielleicht hält ihn eine Firewall auf: versuchen Sie ein anderes Netz.",
		"mic-refused": "Das Mikrofon wurde nicht erlaubt.",
		"mic-refused-hint": "Erlauben Sie es mit dem Zeichen neben der Adresse dieser Seite und rufen Sie noch einmal an.",
		"mic-none": "Es ist kein Mikrofon da.", "mic-none-hint": "Schließen Sie eines an und rufen Sie noch einmal an.",
		"mic-busy": "Das Mikrofon ist nicht zu benutzen.", "mic-busy-hint": "Vielleicht hat es ein anderes Programm: beenden Sie das und rufen Sie noch einmal an.",
		"unable": "Dieser Browser kann nicht telefonieren.", "unable-hint": "Dazu braucht es https und einen aktuellen Browser.",
		"stale": "Diese Seite darf nicht mehr anrufen.", "stale-hint": "Laden Sie sie neu und rufen Sie dann an.",
		"refused": "Dieser Anruf ist nicht erlaubt.", "refused-hint": "Bitte erreichen Sie uns auf anderem Weg.",
		"offline": "Die Telefonie ist nicht zu erreichen.", "offline-hint": "Prüfen Sie Ihre Verbindung und rufen Sie noch einmal an.",
		"full": "Alle Leitungen sind besetzt.", "full-hint": "Bitte versuchen Sie es in {seconds} s wieder.",
		"silent-hint": "Von Ihrem Mikrofon kommt nichts. Ist es ausgeschaltet?", "poor-hint": "Die Verbindung ist schlecht.",
		"number": "Ihre Telefonnummer", "number-hint": "Wir rufen Ihr Telefon an und verbinden Sie dann.",
		"call-me": "Rufen Sie mich an", "number-wrong": "Diese Nummer können wir nicht zurückrufen.",
		"number-wrong-hint": "Schreiben Sie sie mit Landesvorwahl, etwa +49 30 123456.",
	},
};

/* --- what the gateway says, and which of our words that is ------------------------ */

/* call.state -> [ours, ours while his phone is called back] */
const STATES = {
	first_ringing: ["ringing", "yours"], second_ringing: ["ringing", "ringing"],
	bridged: ["talking", "talking"], held: ["held", "held"], ending: [], ended: [],
};

/* call.cause -> [word, hint] */
const CAUSES = {
	busy: ["busy", "try-later-hint"], rejected: ["declined"], time_limit: ["limit"],
	no_answer: ["no-answer", "try-later-hint"], ring_timeout: ["no-answer", "try-later-hint"], unavailable: ["no-answer", "try-later-hint"],
	congestion: ["busy", "try-later-hint"], ice_failed: ["no-sound"], media_timeout: ["lost"],
	server_restart: ["lost"], server_shutdown: ["lost"], node_lost: ["lost"],
	canceled_by_api: ["by-you"], canceled_by_first_leg: ["by-you"],
};
const ENDED_BY = { to: ["by-them"], from: ["by-you"], api: ["by-you"] };

const endOf = ({ cause, status, ended_by }) =>
	CAUSES[cause] ?? (status === "completed" ? ENDED_BY[ended_by] ?? ["lost"] : ["not-through", "try-later-hint"]);

/* Why getUserMedia() refused. */
const MICROPHONE = { NotAllowedError: "mic-refused", SecurityError: "mic-refused", NotFoundError: "mic-none", OverconstrainedError: "mic-none" };

class Refusal extends Error {
	constructor(word, { status = 0, code = "", message = word, seconds = 0 } = {}) {
		super(message);
		Object.assign(this, { word, status, code, seconds });
	}
}

/* An answer of the gateway or the site that is no good: to a Refusal. */
const refusalOf = async (reply) => {
	const { code = "", detail, errors = [] } = await reply.json().catch(() => ({}));
	const seconds = Number(reply.headers.get("Retry-After")) || 60;
	const number = code === "token_visitor" || errors.some(({ pointer }) => pointer === "/from");
	const word = number ? "number-wrong" : reply.status === 401 ? "stale"
		: [429, 503].includes(reply.status) ? "full" : reply.status < 500 ? "refused" : "offline";
	return new Refusal(word, { status: reply.status, code, message: detail, seconds });
};

const ask = async (url, options) => {
	const reply = await fetch(url, { cache: "no-store", ...options }).catch((why) => {
		throw why.name === "AbortError" ? why : new Refusal("offline", { message: why.message });
	});
	if (!reply.ok)
		throw await refusalOf(reply);
	return reply;
};

/* text/event-stream (EventSource can't show a token). */
async function* eventsOf(reply) {
	const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
	for (let rest = ""; ;) {
		const { done, value } = await reader.read();
		if (done)
			return;
		const frames = (rest + value).split("\n\n");
		rest = frames.pop();
		for (const frame of frames) {
			const field = (name) => frame.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
			if (field("data"))
				yield { id: field("id"), data: JSON.parse(field("data")) };
		}
	}
}

const later = (ms) => new Promise((done) => setTimeout(done, ms));

/* --- one call ------------------------------------------------------------------------ */

const TICK_MS = 100;
const SILENT_MS = 5000; /* a microphone that gives nothing at all for so long */
const LOOK_MS = 60000;  /* what a stream may have missed; and the browser keeps its preflight for the hang-up */
const LOST_MS = 5000;   /* a connection that has failed, until it is said */
const POOR_LOSS = 0.05;

/* Everything that lives as long as a call, and how it is given back. */
class Session {
	constructor(number) {
		this.number = number; /* where the visitor is called back; "": he talks here */
		this.abort = new AbortController();
		this.revision = -1;
		this.keys = "";
	}

	get over() {
		return this.abort.signal.aborted;
	}

	/* Throws when the visitor has hung up meanwhile. */
	async wait(promise) {
		const value = await promise;
		this.abort.signal.throwIfAborted();
		return value;
	}

	request(path, { headers, body, ...options } = {}) {
		return ask(this.gateway + path, {
			...options,
			credentials: this.token ? "omit" : "same-origin",
			body: body && JSON.stringify(body),
			headers: {
				...(this.token && { Authorization: `Bearer ${this.token}` }),
				...(body && { "Content-Type": "application/json" }),
				...headers,
			},
		});
	}

	get path() {
		return `/calls/${encodeURIComponent(this.id)}`;
	}

	/* keepalive: it leaves, even when the page is being closed. */
	hangUp() {
		if (this.id && !this.ended) {
			this.ended = true;
			this.request(this.path, { method: "DELETE", keepalive: true }).catch(() => {});
		}
		this.release();
	}

	release() {
		this.abort.abort();
		this.pc?.close();
		this.microphone?.getTracks().forEach((track) => track.stop());
		this.context?.close().catch(() => {});
		this.context = null;
	}

	/* A function that tells how loud a stream is now, 0 to 1 (-60 dB to 0). */
	ear(stream) {
		this.context ??= new AudioContext();
		this.context.resume().catch(() => {});
		const analyser = this.context.createAnalyser();
		const samples = new Float32Array(analyser.fftSize = 4096); /* nearly a tick */
		this.context.createMediaStreamSource(stream).connect(analyser);
		return () => {
			analyser.getFloatTimeDomainData(samples);
			const power = samples.reduce((sum, x) => sum + x * x, 0) / samples.length;
			return power ? Math.min(1, Math.max(0, 1 + 10 * Math.log10(power) / 60)) : 0;
		};
	}
}

/* --- looks ------------------------------------------------------------------------------ */

const DARK = "color-scheme:dark;--surface:#181f1b;--ink:#ece8da;--soft:#a5ada2;--line:#79857b;--accent:#84cfae;--accent-ink:#06231a;--bad:#f49385;--stop:#b23f33";
const sheet = new CSSStyleSheet();
sheet.replaceSync(`
:host{display:inline-block;max-width:100%;font:var(--ctc-font,1rem/1.45 system-ui,sans-serif);color-scheme:light;
--surface:#fffdf7;--ink:#1d231e;--soft:#596158;--line:#8b8775;--accent:#17624a;--accent-ink:#fff;--bad:#a02c20;--stop:#a02c20}
@media (prefers-color-scheme:dark){:host(:not([theme=light])){${DARK}}}
:host([theme=dark]){${DARK}}
:host([hidden]),[hidden]{display:none!important}
*{box-sizing:border-box}
p{margin:0}
button,input{font:inherit}
button{display:inline-flex;align-items:center;justify-content:center;gap:.5em;min-height:2.75rem;padding:.4em 1.1em;border:1px solid var(--ctc-line,var(--line));border-radius:var(--ctc-radius,.6rem);background:transparent;color:var(--ctc-ink,var(--ink));font-weight:600;cursor:pointer}
button:hover{filter:brightness(1.1)}
button:disabled{opacity:.55;cursor:default}
:focus-visible{outline:3px solid var(--ctc-focus,currentcolor);outline-offset:2px}
.call,.go{border-color:transparent;background:var(--ctc-accent,var(--accent));color:var(--ctc-accent-ink,var(--accent-ink))}
.stop{border-color:transparent;background:var(--ctc-stop,var(--stop));color:var(--ctc-stop-ink,#fff)}
[aria-pressed=true],[aria-expanded=true]{background:var(--ctc-ink,var(--ink));color:var(--ctc-surface,var(--surface))}
.panel{width:21rem;max-width:100%;padding:1rem 1.1rem;border:1px solid var(--ctc-line,var(--line));border-radius:calc(var(--ctc-radius,.6rem)*1.6);background:var(--ctc-surface,var(--surface));color:var(--ctc-ink,var(--ink));text-align:start}
.head{display:flex;align-items:baseline;gap:.6em}
.status{flex:1;font-weight:650}
.clock{font-variant-numeric:tabular-nums}
.dot{flex:none;width:.625em;height:.625em;border:2px solid;border-radius:50%;color:var(--ctc-accent,var(--accent))}
[data-state=talking] .dot,[data-state=held] .dot{background:currentcolor}
[data-state=failed] .dot{border-radius:0;color:var(--ctc-bad,var(--bad));background:currentcolor;transform:rotate(45deg) scale(.85)}
[data-state=ended] .dot{color:var(--ctc-soft,var(--soft))}
.hint,.sent,.meter,label{color:var(--ctc-soft,var(--soft));font-size:.9em}
.hint,.row,.meters,form,.pad,.rest{margin-top:.7em}
.row{display:flex;flex-wrap:wrap;gap:.5em}
.row button{flex:1 1 auto;padding-inline:.8em}
.meter{display:grid;grid-template-columns:6em 1fr;gap:.6em;align-items:center}
.bar{display:block;height:.4em;border-radius:1em;background:color-mix(in srgb,currentcolor 25%,transparent);overflow:hidden}
.bar i{display:block;height:100%;width:100%;background:var(--ctc-accent,var(--accent));transform:scaleX(var(--level,0));transform-origin:0 0}
:host(:dir(rtl)) .bar i{transform-origin:100% 0}
.keys{display:grid;grid-template-columns:repeat(3,1fr);gap:.4em}
.sent{min-height:1.5em;overflow-wrap:anywhere}
input{display:block;width:100%;min-height:2.75rem;margin:.25em 0 .6em;padding:.4em .7em;border:1px solid var(--ctc-line,var(--line));border-radius:var(--ctc-radius,.6rem);background:transparent;color:inherit}
svg{width:1.15em;height:1.15em;fill:currentcolor}
.unseen{position:absolute;width:1px;height:1px;margin:-1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
@media (prefers-reduced-motion:no-preference){
.bar i{transition:transform .1s linear}
[data-state=connecting] .dot,[data-state=ringing] .dot,[data-state=yours] .dot,[data-state=asking] .dot{animation:beat 1.4s ease-in-out infinite}
@keyframes beat{50%{box-shadow:0 0 0 .4em color-mix(in srgb,currentcolor 25%,transparent)}}}
@media (forced-colors:active){.dot,.bar i{forced-color-adjust:none}button{border:1px solid}}
`);

const el = (name, attributes = {}, ...children) => {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		if (key.startsWith("on"))
			node.addEventListener(key.slice(2), value);
		else if (value !== false)
			node.setAttribute(key, value === true ? "" : value);
	node.append(...children);
	return node;
};

const handset = () => {
	const [svg, path] = ["svg", "path"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("aria-hidden", "true");
	path.setAttribute("d", "M5 2h4l2 6-3 2a13 13 0 0 0 6 6l2-3 6 2v4a3 3 0 0 1-3 3A17 17 0 0 1 2 5a3 3 0 0 1 3-3z");
	svg.append(path);
	return svg;
};

/* --- the element --------------------------------------------------------------------------- */

const BUSY = ["asking", "connecting", "ringing", "yours", "talking", "held"];
const KEYS = "123456789*0#";

class ClickToCall extends HTMLElement {
	static observedAttributes = ["lang", "call-back"];

	#session = null;
	#state = "idle";
	#word = "";
	#hint = "";
	#seconds = 0; /* of Retry-After */
	#part = {};
	#timer = 0;
	#leave = () => this.#session && !this.#session.number && this.hangUp();

	/* Ours: idle number asking connecting ringing yours talking held ended failed. */
	get state() {
		return this.#state;
	}

	/* The call as the gateway told it last, or null. */
	get call() {
		return this.#session?.call ?? null;
	}

	connectedCallback() {
		if (!this.shadowRoot)
			this.#build();
		this.#draw();
	}

	attributeChangedCallback() {
		if (this.shadowRoot)
			this.#draw();
	}

	/* Being moved within the page is no farewell. */
	disconnectedCallback() {
		queueMicrotask(() => !this.isConnected && this.#leave());
	}

	/* --- what the visitor can do --- */

	/* Calls; with a number, calls that back. Resolves when it is placed or refused. */
	async start(number = "") {
		if (BUSY.includes(this.#state))
			return;
		const session = new Session(number);
		this.#session?.release();
		this.#session = session;
		try {
			await (number ? this.#callBack(session) : this.#talk(session));
			this.#follow(session);
			this.#look(session).catch(() => {});
		} catch (why) {
			this.#fail(session, why);
		}
	}

	hangUp() {
		const session = this.#session;
		if (!session || !BUSY.includes(this.#state))
			return;
		session.hangUp();
		this.#become("ended", "by-you");
	}

	#press() {
		this.shadowRoot.activeElement ?? this.#part.button.focus(); /* not every browser does that by itself */
		const able = Boolean(navigator.mediaDevices?.getUserMedia && window.RTCPeerConnection);
		const back = this.getAttribute("call-back");
		if (able && back !== "only")
			this.start();
		else if (back === "off")
			this.#become("failed", "unable");
		else
			this.#become("number", "", able ? "number-hint" : "unable");
	}

	/* --- placing --- */

	async #talk(session) {
		this.#become("asking");
		try {
			session.microphone = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } });
		} catch (why) {
			throw new Refusal(MICROPHONE[why.name] ?? "mic-busy", { code: why.name, message: why.message });
		}
		if (session.over)
			session.release(); /* the prompt was answered too late: give it back */
		session.abort.signal.throwIfAborted();
		this.#become("connecting");
		await this.#grant(session);

		const pc = session.pc = new RTCPeerConnection({ iceServers: session.ice });
		const [track] = session.microphone.getAudioTracks();
		session.sender = pc.addTrack(track, session.microphone);
		session.mine = session.ear(session.microphone);
		pc.addEventListener("track", ({ track: theirs }) => this.#hear(session, new MediaStream([theirs])));
		pc.addEventListener("connectionstatechange", () => pc.connectionState === "failed" && this.#lose(session));
		await session.wait(pc.setLocalDescription(await pc.createOffer()));
		const { webrtc } = await this.#place(session, { webrtc: { sdp: pc.localDescription.sdp } });
		await session.wait(pc.setRemoteDescription({ type: "answer", sdp: webrtc.sdp }));
	}

	async #callBack(session) {
		this.#become("connecting");
		await this.#grant(session);
		await this.#place(session, session.number.replace(/[\s()/.-]/g, ""));
	}

	/* Whom `to` stands for, and that this page may call: says the site's own server. */
	async #grant(session) {
		const url = this.getAttribute("token-url");
		const to = this.getAttribute("to") ?? "";
		session.gateway = new URL(this.getAttribute("gateway") ?? import.meta.url, document.baseURI).origin;
		session.to = to;
		if (url === null) {
			if (session.gateway !== location.origin)
				throw new Refusal("refused", { code: "token_url", message: "<click-to-call> needs token-url: only the gateway's own page calls without a token" });
			return;
		}
		const reply = await session.wait(ask(url, {
			method: "POST", credentials: "same-origin", signal: session.abort.signal,
			headers: { "Content-Type": "application/json", Accept: "application/json" }, body: JSON.stringify({ to }),
		}));
		const { token, gateway, ice_servers } = await session.wait(reply.json());
		if (typeof token !== "string")
			throw new Refusal("refused", { code: "token", message: `${url} answered without a token` });
		session.token = token;
		session.ice = ice_servers;
		if (gateway)
			session.gateway = new URL(gateway).origin;
	}

	/* Not aborted by a hang-up: a call that came to be has to be ended. */
	async #place(session, from) {
		/* randomUUID() wants https, and a call back doesn't */
		const key = [...crypto.getRandomValues(new Uint8Array(16))].join("-");
		const reply = await session.request("/calls", {
			method: "POST", headers: { "Idempotency-Key": key }, body: { ...(!session.token && { to: session.to }), from },
		});
		const { webrtc, ...call } = await reply.json();
		session.id = call.id;
		if (session.over) {
			session.hangUp();
			session.abort.signal.throwIfAborted();
		}
		if (typeof from === "object" && !webrtc?.sdp)
			throw new Refusal("not-through", { code: "no_answer", message: "the gateway answered without SDP" });
		window.addEventListener("pagehide", this.#leave);
		this.#learn(session, call);
		return { webrtc };
	}

	/* The gateway notices it, too, and tells it better: this is for when its word doesn't come. */
	async #lose(session) {
		await later(LOST_MS);
		this.#fail(session, new Refusal(session.since ? "lost" : "no-sound"));
	}

	#hear(session, stream) {
		const { audio } = this.#part;
		audio.srcObject = stream;
		audio.play().catch(() => {});
		session.theirs = session.ear(stream);
	}

	/* --- news --- */

	async #follow(session) {
		let last = "";
		for (let tries = 0; !session.over; tries++) {
			try {
				const reply = await session.request(`${session.path}/events`, {
					signal: session.abort.signal, headers: { Accept: "text/event-stream", ...(last && { "Last-Event-ID": last }) },
				});
				if (reply.status === 204)
					await this.#look(session);
				else
					for await (const { id, data } of eventsOf(reply)) {
						tries = 0;
						last = id ?? last;
						if (data.call)
							this.#learn(session, data.call);
					}
			} catch (why) {
				if (!session.over && why.status >= 400 && why.status < 429)
					this.#fail(session, new Refusal("lost", why));
			}
			if (!session.over)
				await later(Math.min(1000 * 2 ** tries, 10000));
		}
	}

	async #look(session) {
		this.#learn(session, await (await session.request(session.path, { signal: session.abort.signal })).json());
	}

	#learn(session, call) {
		if (session !== this.#session || session.over || call.revision < session.revision)
			return;
		session.call = call;
		session.revision = call.revision;
		const known = STATES[call.state] ?? ["connecting", "connecting"];
		const state = known[session.number ? 1 : 0];
		if (call.state === "ended") {
			session.ended = true;
			session.release();
			this.#become("ended", ...endOf(call));
			return;
		}
		if (state === "talking")
			session.since ??= Date.now();
		if (state)
			this.#become(state, state === "talking" && session.number ? "on-phone" : state);
	}

	#fail(session, why) {
		const over = session.over;
		session.hangUp();
		if (over || session !== this.#session)
			return;
		const refusal = why instanceof Refusal ? why : new Refusal("not-through", { message: why.message });
		this.#seconds = refusal.seconds;
		if (refusal.word === "number-wrong" && session.number)
			this.#become("number", "number-wrong");
		else
			this.#become("failed", refusal.word);
		this.#tell("error", { code: refusal.code || refusal.word, status: refusal.status, message: refusal.message });
	}

	#tell(name, detail) {
		this.dispatchEvent(new CustomEvent(`click-to-call:${name}`, { bubbles: true, composed: true, detail }));
	}

	#become(state, word = state, hint = "") {
		if (state === this.#state && word === this.#word)
			return;
		const held = this.shadowRoot.activeElement; /* before something goes away beneath it */
		Object.assign(this.#part.box.dataset, { state });
		this.#state = state;
		this.#word = word;
		this.#hint = hint || (`${word}-hint` in WORDS.en ? `${word}-hint` : "");
		if (!BUSY.includes(state))
			window.removeEventListener("pagehide", this.#leave);
		this.#beat(BUSY.includes(state));
		this.#draw();
		if (held)
			this.#keepFocus(held);
		this.#tell("state", { state, text: this.#part.status.textContent, call: this.call });
	}

	/* --- the clock, the meters, and how it goes --- */

	#beat(on) {
		if (Boolean(this.#timer) === on)
			return;
		clearInterval(this.#timer);
		this.#timer = 0;
		if (on) {
			const session = this.#session;
			session.beats = session.silent_ms = 0;
			this.#timer = setInterval(() => this.#tick(session), TICK_MS);
		}
	}

	#tick(session) {
		const beat = ++session.beats;
		const { mine, theirs, since } = session;
		const second = beat % (1000 / TICK_MS) === 0;
		const whole = Math.floor((Date.now() - since) / 1000);
		const loud = mine?.() ?? 0;
		this.#part.clock.textContent = since ? `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}` : "";
		this.#level(this.#part.mine, session.muted ? 0 : loud, second);
		this.#level(this.#part.theirs, theirs?.() ?? 0, second);
		/* a context that a browser holds back hears nobody */
		session.silent_ms = loud || session.muted || session.context?.state !== "running" ? 0 : session.silent_ms + TICK_MS;
		this.#advise(session, session.silent_ms > SILENT_MS ? "silent-hint" : session.poor ? "poor-hint" : "");
		if (beat % (LOOK_MS / TICK_MS) === 0 && session.id)
			this.#look(session).catch(() => {});
		if (beat % (2000 / TICK_MS) === 0 && session.pc)
			this.#measure(session).catch(() => {});
	}

	/* The bar moves all the time; who asks for the number gets the loudest of a second. */
	#level(meter, level, tell) {
		meter.style.setProperty("--level", level.toFixed(3));
		meter.loudest = Math.max(meter.loudest ?? 0, level);
		if (!tell)
			return;
		meter.setAttribute("aria-valuenow", Math.round(meter.loudest * 100));
		meter.loudest = 0;
	}

	/* While one talks a hint is about how it goes. */
	#advise(session, hint) {
		if (this.#state !== "talking" || hint === this.#hint)
			return;
		this.#hint = hint;
		this.#draw();
	}

	async #measure(session) {
		const all = [...(await session.wait(session.pc.getStats())).values()];
		const inbound = all.find(({ type }) => type === "inbound-rtp") ?? {};
		const pair = all.find(({ type, nominated }) => type === "candidate-pair" && nominated) ?? {};
		const { packetsReceived: received = 0, packetsLost: lost = 0 } = inbound;
		const before = session.counted ?? { received: 0, lost: 0 };
		const missing = Math.max(0, lost - before.lost);
		const share = missing / Math.max(1, missing + received - before.received);
		session.counted = { received, lost };
		session.poor = share > POOR_LOSS;
		this.#tell("quality", {
			received, lost, loss: share, jitter_ms: Math.round((inbound.jitter ?? 0) * 1000),
			rtt_ms: Math.round((pair.currentRoundTripTime ?? 0) * 1000),
		});
	}

	/* --- keys and mute --- */

	#mute() {
		const session = this.#session;
		session.muted = !session.muted;
		session.sender.track.enabled = !session.muted;
		this.#draw();
	}

	#key(key) {
		const session = this.#session;
		const { dtmf } = session?.sender ?? {};
		if (!BUSY.includes(this.#state) || !session.id || session.number)
			return;
		if (dtmf?.canInsertDTMF)
			dtmf.insertDTMF((dtmf.toneBuffer || "") + key, 160, 70);
		else
			session.request(`${session.path}/dtmf`, { method: "POST", body: { digits: key } }).catch(() => {});
		session.keys = (session.keys + key).slice(-20);
		this.#draw();
	}

	#typed(event) {
		if (event.ctrlKey || event.metaKey || event.altKey || event.composedPath()[0].localName === "input" || !KEYS.includes(event.key))
			return;
		event.preventDefault();
		this.#key(event.key);
	}

	/* --- drawing --- */

	#text(key, values = {}) {
		const lang = this.closest("[lang]")?.lang.slice(0, 2).toLowerCase();
		const words = { ...WORDS.en, ...WORDS[lang] };
		const text = this.getAttribute(`text-${key}`) ?? words[key] ?? "";
		return text.replace(/\{(\w+)\}/g, (all, name) => values[name] ?? all);
	}

	#build() {
		const part = this.#part;
		const make = (name, tag, attributes, ...children) => (part[name] = el(tag, { part: name, ...attributes }, ...children));
		const button = (name, press, more) => make(name, "button", { type: "button", onclick: press, ...more });
		const meter = (name) => make(name, "p", { class: "meter", role: "meter", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 },
			el("span"), el("span", { class: "bar" }, el("i")));
		make("pad", "div", { class: "pad", id: "pad", role: "group" },
			el("div", { class: "keys" }, ...[...KEYS].map((key) => el("button", { type: "button", part: "key", onclick: () => this.#key(key) }, key))),
			make("sent", "output", { class: "sent" }));
		make("input", "input", { id: "number", type: "tel", autocomplete: "tel", required: true, "aria-describedby": "hint" });
		make("form", "form", { onsubmit: (event) => {
			event.preventDefault();
			this.start(part.input.value.trim());
		} }, make("label", "label", { for: "number" }), part.input,
			el("div", { class: "row" }, make("me", "button", { type: "submit", class: "go" }), button("close", () => this.#become("idle"))));
		make("meters", "div", { class: "meters" }, meter("mine"), meter("theirs"));
		make("panel", "div", { class: "panel", role: "group", tabindex: -1, onkeydown: (event) => this.#typed(event) },
			el("div", { class: "head" }, el("span", { class: "dot", "aria-hidden": true }), make("status", "p", { class: "status" }), make("clock", "span", { class: "clock" })),
			make("hint", "p", { class: "hint", id: "hint" }), part.meters, part.form,
			make("row", "div", { class: "row" },
				button("mute", () => this.#mute(), { "aria-pressed": false }),
				button("keys", () => {
					part.pad.hidden = !part.pad.hidden;
					this.#draw();
				}, { "aria-controls": "pad" }),
				button("hangup", () => this.hangUp(), { class: "stop" }),
				button("again", () => this.#press(), { class: "go" }),
				button("back", () => this.#become("number", "", "number-hint"))),
			part.pad, make("rest", "div", { class: "rest" }, el("slot")));
		part.pad.hidden = true;
		button("button", () => this.#press(), { class: "call" });
		part.button.append(handset(), make("name", "span"));
		make("live", "p", { class: "unseen", role: "status" });
		part.audio = el("audio", { autoplay: true });
		make("box", "div", { "data-state": "idle" }, part.button, part.panel, part.live, part.audio);
		this.attachShadow({ mode: "open" }).append(part.box);
		this.shadowRoot.adoptedStyleSheets = [sheet];
	}

	#draw() {
		const { box, ...part } = this.#part;
		const session = this.#session;
		const state = this.#state;
		const up = BUSY.includes(state);
		const here = up && Boolean(session.sender);
		const show = (name, on, text) => {
			part[name].hidden = !on;
			if (text !== undefined && part[name].textContent !== text)
				part[name].textContent = text;
		};
		const can_back = this.getAttribute("call-back") !== "off";
		const values = { seconds: this.#seconds, keys: session?.keys };

		show("button", state === "idle");
		show("name", true, this.#text("call"));
		show("panel", state !== "idle");
		part.panel.setAttribute("aria-label", this.#text("call"));
		show("status", true, state === "number" && !this.#word ? this.#text("call-me") : this.#text(this.#word, values));
		show("hint", Boolean(this.#hint), this.#hint && this.#text(this.#hint, values));
		show("live", true, `${part.status.textContent} ${part.hint.textContent}`.trim());
		show("form", state === "number");
		show("label", true, this.#text("number"));
		show("me", true, this.#text("call-me"));
		show("close", true, this.#text("close"));
		part.input.setAttribute("aria-invalid", this.#word === "number-wrong");
		show("clock", up);
		show("meters", here);
		for (const [name, word] of [["mine", "you"], ["theirs", "them"]]) {
			part[name].firstChild.textContent = this.#text(word);
			part[name].setAttribute("aria-label", this.#text(word));
		}
		show("row", state !== "number");
		show("mute", here, this.#text("mute"));
		part.mute.setAttribute("aria-pressed", Boolean(session?.muted));
		show("keys", here, this.#text("keys"));
		if (!here)
			part.pad.hidden = true;
		part.pad.setAttribute("aria-label", this.#text("keys"));
		part.keys.setAttribute("aria-expanded", !part.pad.hidden);
		show("sent", true, session?.keys ? this.#text("sent", values) : "");
		show("hangup", up, this.#text("hang-up"));
		show("again", ["ended", "failed"].includes(state), this.#text("again"));
		show("back", state === "failed" && can_back && this.#word !== "stale", this.#text("call-me"));
		show("rest", state === "failed");
	}

	/* The keyboard's place does not go away with a button. */
	#keepFocus(held) {
		const { panel, button, input, again } = this.#part;
		const stays = held && held !== panel && !held.closest("[hidden]");
		if (stays)
			return;
		const next = this.#state === "idle" ? button : this.#state === "number" ? input : BUSY.includes(this.#state) ? panel : again;
		next.focus({ preventScroll: true });
	}
}

if (!customElements.get("click-to-call"))
	customElements.define("click-to-call", ClickToCall);
