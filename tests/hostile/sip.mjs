/* A strict reader of SIP messages, after the grammar of RFC 3261 25.1 and by nobody
 * who has seen the gateway's own: what it doesn't know is wrong. */
import { Wrong, ok } from "../wire/harness.mjs";

const TOKEN = "[A-Za-z0-9\\-.!%*_+`'~]+";
const HOST = "(?:\\[[0-9a-f:]+\\]|(?:\\d{1,3}\\.){3}\\d{1,3}|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)";
const USER = "(?:[A-Za-z0-9\\-_.!~*'()&=+$,;?/]|%[0-9A-Fa-f]{2})+";
const URI = `sip:(?:(${USER})@)?(${HOST})(?::(\\d{1,5}))?((?:;[a-z]+(?:=[A-Za-z0-9.\\-]+)?)*)`;
const QUOTED = "\"(?:[^\"\\\\\\x00-\\x1f\\x7f]|\\\\[^\\r\\n\\x00-\\x1f])*\"";

const uri = new RegExp(`^${URI}$`);
const nameAddr = new RegExp(`^(?:(${QUOTED}) )?<(${URI})>((?:;${TOKEN}(?:=(?:${TOKEN}|${QUOTED}))?)*)$`);

export const parseUri = (text) => {
	const [, user, host, port, params] = uri.exec(text) ?? [];
	ok(host, `a URI that is none: ${JSON.stringify(text)}`);
	return { text, user, host, port, params };
};

export const parseAddress = (text) => {
	const [, name, at, user, host, port, params, own] = nameAddr.exec(text) ?? [];
	ok(at, `an address that is none: ${JSON.stringify(text)}`);
	return { name, uri: at, user, host, port, params, tag: /;tag=([^;]+)/.exec(own)?.[1] };
};

/* Bytes of one datagram, whole: { method, uri } or { code, phrase }, headers as
 * [name, value] in their order, body. */
export const parseMessage = (bytes) => {
	const text = bytes.toString("utf8");
	ok(Buffer.from(text, "utf8").equals(bytes), "a message that isn't UTF-8");
	const end = text.indexOf("\r\n\r\n");
	ok(end > 0, "a header without an end");
	const head = text.slice(0, end);
	ok(!/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(head), `control characters in ${JSON.stringify(head)}`);
	ok(!/\r(?!\n)|(?<!\r)\n/.test(head), `a lone CR or LF in ${JSON.stringify(head)}`);
	const [first, ...lines] = head.split("\r\n");
	const headers = lines.map((line) => {
		const [, name, value] = new RegExp(`^(${TOKEN}): ?(.*)$`, "s").exec(line) ?? [];
		if (!name)
			throw new Wrong(`a line that is no header: ${JSON.stringify(line)} (${JSON.stringify(first)})`);
		return [name, value];
	});
	const all = (name) => headers.filter(([other]) => other.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
	const body = text.slice(end + 4);
	const message = { first, headers, body, all, get: (name) => all(name)[0], names: headers.map(([name]) => name) };
	for (const once of ["From", "To", "Call-ID", "CSeq", "Content-Length"])
		ok(all(once).length === 1, `${once} is there ${all(once).length} times: ${JSON.stringify(head)}`);
	ok(Number(message.get("Content-Length")) === Buffer.byteLength(body), "Content-Length isn't the body's");
	const [, code, phrase] = /^SIP\/2\.0 ([1-6]\d\d) (.*)$/s.exec(first) ?? [];
	if (code)
		return { ...message, code: Number(code), phrase };
	const [, method, target] = new RegExp(`^(${TOKEN}) (\\S+) SIP/2\\.0$`).exec(first) ?? [];
	ok(method, `a start line that is none: ${JSON.stringify(first)}`);
	ok(message.get("CSeq").endsWith(` ${method}`), "CSeq is of another method");
	return { ...message, method, uri: parseUri(target) };
};

/* What a program reads that has seen much: no opinions, for a peer's own use. */
export const skim = (bytes) => {
	const text = bytes.toString("latin1");
	const end = text.indexOf("\r\n\r\n");
	const [first, ...lines] = text.slice(0, end < 0 ? text.length : end).split("\r\n");
	const all = (name) => lines.filter((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
		.map((line) => line.slice(name.length + 1).trim());
	return {
		text, first, all, get: (name) => all(name)[0], body: end < 0 ? "" : text.slice(end + 4),
		code: Number(/^SIP\/2\.0 (\d+)/.exec(first)?.[1] ?? 0) || undefined,
		method: first.startsWith("SIP/2.0") ? undefined : first.split(" ")[0],
		user: /^\S+ sip:([^@ ;>]+)@/.exec(first)?.[1],
		tag: (name) => /;tag=([^;]+)/.exec(all(name)[0])?.[1],
		cseq: all("CSeq")[0],
	};
};
