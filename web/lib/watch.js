/* lib/watch.js - looking again when something has happened, but not each time. */

/* Many events mean one look, taken a moment after the first of them. */
export const soon = (wait_ms, work) => {
	let timer = null;
	return () => {
		timer ??= setTimeout(() => {
			timer = null;
			work();
		}, wait_ms);
	};
};

/* One look, when nothing has happened for a while. */
const settled = (wait_ms, work) => {
	let timer = null;
	return () => {
		clearTimeout(timer);
		timer = setTimeout(work, wait_ms);
	};
};

const LOOK_MS = 200;
/* Some messages follow the event they belong to: the 200 for the last BYE. */
const AGAIN_MS = 1200;

/* Keeps the ladders fresh that somebody looks at: wanted(id) tells whether, ask(id,
 * done) reads one and show(id, sip) draws it. Returns { look(id) }, to be called when
 * something happened in that call. */
export const watchLadders = ({ ask, wanted, show }) => {
	const looks = new Map(); /* call id -> { first, again } */

	const read = (id) => {
		if (wanted(id))
			ask(id, (sip) => wanted(id) && show(id, sip));
	};
	const look = (id) => {
		if (!wanted(id)) {
			looks.delete(id);
			return;
		}
		if (!looks.has(id))
			looks.set(id, {
				first: soon(LOOK_MS, () => read(id)),
				again: settled(AGAIN_MS, () => read(id)),
			});
		const { first, again } = looks.get(id);
		first();
		again();
	};
	return { look };
};
