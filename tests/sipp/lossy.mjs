/* A bad network in front of the far side: datagrams get lost in both directions, at
 * random, but none for ever: of the same message the fourth copy arrives. (Not for
 * SIPp: an INVITE that comes again makes it stop repeating its 200.) */
import dgram from "node:dgram";

const COPIES = 4;

const bound = (socket) => new Promise((done) => socket.bind(0, "127.0.0.1", () => done(socket.address().port)));

/* Takes the place of the peer at that port; share is what gets lost, 0 to 1. */
export const lossy = async (t, port, share) => {
	const near = dgram.createSocket("udp4"); /* faces the gateway */
	const far = dgram.createSocket("udp4"); /* faces the far side */
	t.later(() => { near.close(); far.close(); });
	const nearPort = await bound(near);
	await bound(far);
	const copies = new Map();
	let lost = 0;
	let gateway;

	const survives = (text) => {
		const before = copies.get(text) ?? 0;
		if (before >= COPIES - 1 || Math.random() >= share)
			return true;
		copies.set(text, before + 1);
		lost++;
		return false;
	};
	near.on("message", (bytes, from) => {
		gateway = from.port;
		const text = bytes.toString("latin1");
		if (survives(text))
			far.send(Buffer.from(text.replaceAll(`:${nearPort}`, `:${port}`), "latin1"), port, "127.0.0.1");
	});
	/* the Contact of the far side leads here, so that ACK and BYE come this way, too */
	far.on("message", (bytes) => {
		const text = bytes.toString("latin1");
		if (gateway && survives(text))
			near.send(Buffer.from(text.replaceAll(`:${port}`, `:${nearPort}`), "latin1"), gateway, "127.0.0.1");
	});
	return { ip: "127.0.0.1", port: nearPort, lost: () => lost };
};
