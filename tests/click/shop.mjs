/* tests/click/shop.mjs - a gateway with keys, its line the sandbox's unless a test brings
 * others, and a shop beside it whose server mints tokens with one of them. */
import { eventually, ok } from "../wire/harness.mjs";
import { makeSite } from "./browser.mjs";

const KEY = "bp_shop_0123456789abcdefghijklmn";
const ADMIN = "bp_admin_0123456789abcdefghijk";
export const keyed = { headers: { Authorization: `Bearer ${KEY}` } };
const keys = [
	{ name: "shop", secret: "env:T_SHOP", scopes: ["tokens:create", "calls:create", "calls:read", "calls:hangup", "events:read", "lines:read"], visitor_prefixes: ["853", "+49"] },
	{ name: "admin", secret: "env:T_ADMIN", scopes: ["admin"] },
];

export const makeGateway = async (t, config = {}) => {
	const gw = await t.gateway({ sandbox: !config.lines, drain_s: 1, keys, ...config }, { env: { T_SHOP: KEY, T_ADMIN: ADMIN } });
	if (!config.lines)
		await eventually("the line is registered", async () => (await gw.api("GET", "/lines/sandbox", keyed)).json?.state === "registered");
	return gw;
};

/* Mints at the gateway whatever it is asked for, for one destination. */
export const mintFor = (gw, to, more = {}) => async (asked, site) => {
	const reply = await gw.api("POST", "/tokens", { ...keyed, body: { to, origin: site.url, ...more } });
	ok(reply.status === 201, reply.text);
	return reply.json;
};

/* The gateway, and the shop; `url` is where the shop's page finds the gateway. */
export const makeShop = async (t, to, { url, gw, ...options } = {}) => {
	gw ??= await makeGateway(t, options.config);
	const site = await makeSite(t, url ?? gw.url, { mint: mintFor(gw, to, options.token), ...options });
	return { gw, site };
};

export const ended = (gw, id) => eventually("the call has ended", async () => {
	const { json } = await gw.api("GET", `/calls/${id}`, keyed);
	return json.state === "ended" && json;
});
export const calls = async (gw) => (await gw.api("GET", "/calls", keyed)).json.data;
export const journal = async (gw, id) =>
	(await gw.api("GET", `/calls/${id}/events`, { headers: { ...keyed.headers, Accept: "application/json" } })).json.data;
