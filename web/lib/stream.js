/* lib/stream.js - the one event stream of the page.
 *
 * EventSource comes back by itself and sends Last-Event-ID, so the gateway can
 * go on where it stopped. It gives up for good only on an answer that isn't a
 * stream (a proxy's 502 while the gateway restarts, a 401): then a new one is
 * opened here that names the last id it saw. */

const REOPEN_MS = 3000;

/* on.event(event), on.reset(snapshot), on.state("connecting" | "live" | "lost"),
 * on.refused(): the answer was no stream, perhaps for want of a key.
 * Returns { pause, resume }: resume goes on after the last event that was seen. */
export const openStream = (types, on, path = "/events") => {
	let source;
	let timer;
	let last_id = "";

	const open = () => {
		source = new EventSource(last_id ? `${path}?last_event_id=${last_id}` : path);
		source.onopen = () => on.state("live");
		source.onerror = () => {
			on.state("lost");
			if (source.readyState !== EventSource.CLOSED)
				return;
			timer = setTimeout(open, REOPEN_MS);
			on.refused();
		};
		for (const type of types)
			source.addEventListener(type, (message) => {
				last_id = message.lastEventId || last_id;
				on.event(JSON.parse(message.data));
			});
		source.addEventListener("reset", (message) => {
			last_id = message.lastEventId || last_id;
			on.reset(JSON.parse(message.data));
		});
	};

	const pause = () => {
		clearTimeout(timer);
		source?.close();
		source = undefined;
	};
	const resume = () => {
		if (source)
			return;
		on.state("connecting");
		open();
	};

	resume();
	return { pause, resume };
};
