/* A PBX of one phone, over UDP: asks for a password if it has one, registers
 * everybody, answers every call. */
import dgram from "node:dgram";

export const pbx = async (t, { password = false } = {}) => {
	const socket = dgram.createSocket("udp4");
	const seen = [];
	const answer = (text, status, more = [], body = "") => {
		const keep = text.split("\r\n").filter((line) => /^(Via|From|Call-ID|CSeq|Record-Route):/i.test(line));
		const to = /^To:.*$/im.exec(text)[0];
		return [`SIP/2.0 ${status}`, ...keep, to.includes(";tag=") ? to : `${to};tag=pbx`, ...more, `Content-Length: ${body.length}`, "", body].join("\r\n");
	};
	socket.on("message", (bytes, from) => {
		const text = bytes.toString("latin1");
		const method = text.split(" ")[0];
		const reply = (...args) => socket.send(Buffer.from(answer(text, ...args), "latin1"), from.port, from.address);
		const { port } = socket.address();
		const contact = /^Contact:.*$/im.exec(text)?.[0];
		seen.push(text);
		if (password && /^(REGISTER|INVITE)$/.test(method) && !/^(Proxy-)?Authorization:/im.test(text))
			reply(method === "REGISTER" ? "401 Unauthorized" : "407 Proxy Authentication Required",
				[`${method === "REGISTER" ? "WWW" : "Proxy"}-Authenticate: Digest realm="pbx", nonce="n0nce", qop="auth", algorithm=MD5`]);
		else if (method === "REGISTER")
			reply("200 OK", /expires[:=] ?0/i.test(text) ? [] : [`${contact};expires=60`]);
		else if (method === "INVITE")
			reply("200 OK", [`Contact: <sip:pbx@127.0.0.1:${port}>`, "Content-Type: application/sdp"],
				"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 41000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n");
		else if (method === "BYE" || method === "CANCEL" || method === "OPTIONS")
			reply("200 OK");
	});
	await new Promise((done) => socket.bind(0, "127.0.0.1", done));
	t.later(() => socket.close());
	return { port: socket.address().port, seen, requests: (method) => seen.filter((text) => text.startsWith(`${method} `)) };
};
