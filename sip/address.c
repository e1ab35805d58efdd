/* What may be dialled, and how it is written on the wire.
 *
 *   +4930123456 | 030123456 | 853 | *97   -> the line's rules -> sip:...@domain
 *   sip:user[@host[:port]][;transport=]   -> as given
 *   sim:name                              -> sip:name@domain
 *
 * Hosts are read in address_host.c, numbers in address_number.c.
 *
 * All of it is a whitelist (RFC 3261 25.1, and less than that): a character that
 * nobody needs in a telephone's name is refused rather than carried. What comes
 * out can stand between < and > without a further look. */
#include "sip/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sip/address_part.h"

enum { SIM_NAME_MAX = 32 };

#define WHY_TOO_LONG  "an address has at most 256 bytes"
#define WHY_NO_DOMAIN "this line has no domain to dial the address at"

bool gw_address_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool gw_address_is_alnum(char c)
{
	return gw_address_is_digit(c) || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

char gw_address_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

int gw_address_refuse(const char **whyp, const char *why)
{
	*whyp = why;
	return EINVAL;
}

int gw_address_too_long(const char **whyp)
{
	*whyp = WHY_TOO_LONG;
	return EOVERFLOW;
}

int gw_address_copy(char *out, size_t size, const char *text)
{
	const size_t len = strlen(text);

	if (len >= size)
		return EOVERFLOW;

	memcpy(out, text, len + 1);
	return 0;
}

/* ---- what is dialled ---- */

/* "sip:user@host:port;transport=tcp" */
static int print_uri(struct gw_address *addr, const char *user,
		     const struct gw_host *host, const char *transport,
		     const char **whyp)
{
	char port[16] = "";
	int n;

	if (host->port)
		(void)snprintf(port, sizeof(port), ":%u", host->port);

	n = snprintf(addr->uri, sizeof(addr->uri), "sip:%s@%s%s%s%s%s%s", user,
		     host->ipv6 ? "[" : "", host->name, host->ipv6 ? "]" : "",
		     port, transport ? ";transport=" : "",
		     transport ? transport : "");
	if (n < 0 || (size_t)n >= sizeof(addr->uri))
		return gw_address_too_long(whyp);

	memcpy(addr->host, host->name, sizeof(addr->host));
	return 0;
}

static int own_host(struct gw_host *host, const struct gw_dial_rules *rules,
		    const char **whyp)
{
	if (!rules->domain || !rules->domain[0])
		return gw_address_refuse(whyp, WHY_NO_DOMAIN);

	return gw_address_read_host(host, rules->domain, whyp);
}

static int parse_number(struct gw_address *addr, const char *text,
			const struct gw_dial_rules *rules, const char **whyp)
{
	char user[3 * GW_ADDRESS_DIALLED_MAX];
	struct gw_host host;
	int err;

	addr->kind = GW_ADDRESS_NUMBER;
	addr->own_domain = true;

	err = gw_address_check_number(text, rules, whyp);
	if (err)
		return err;

	err = gw_address_normalise(addr->number, sizeof(addr->number), text,
				   rules, whyp);
	if (err)
		return err;

	err = gw_address_write_number(user, sizeof(user), addr->number, text,
				      rules, whyp);
	if (err)
		return err;

	err = own_host(&host, rules, whyp);
	if (err)
		return err;

	return print_uri(addr, user, &host, NULL, whyp);
}

/* ---- SIP URIs ---- */

static bool is_user_char(char c)
{
	return gw_address_is_alnum(c) || (c && strchr("-_.!~*'()&=+$", c));
}

static int hex(char c)
{
	if (gw_address_is_digit(c))
		return c - '0';
	c = gw_address_lower(c);

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Checks a user part and unescapes it into plain. An escape may stand for @ and
 * #, and for letters beyond ASCII: nothing that a second reader could take for a
 * delimiter or a line end, and nothing that can be written as it is. "%31%31%32"
 * is 112 to a PBX, and a policy must not have to know that. */
static int read_user(char *plain, size_t size, const char *user,
		     const char **whyp)
{
	size_t len = 0;

	for (; *user; user++) {
		char c = *user;

		if (len + 1 >= size)
			return gw_address_too_long(whyp);
		if (c == '%') {
			const int hi = hex(user[1]);
			const int lo = hi < 0 ? -1 : hex(user[2]);

			if (lo < 0)
				return gw_address_refuse(
					whyp, "a percent sign without "
					      "two hexadecimal digits");
			c = (char)(hi << 4 | lo);
			user += 2;
			if (is_user_char(c))
				return gw_address_refuse(
					whyp, "a percent escape stands for a "
					      "character that needs none: "
					      "write it as it is");
			if (c != '@' && c != '#' && !((unsigned char)c & 0x80))
				return gw_address_refuse(
					whyp, "a percent escape hides a "
					      "character that is not "
					      "allowed");
		} else if (!is_user_char(c)) {
			return gw_address_refuse(
				whyp, "the user part has a character that "
				      "is not allowed there");
		}
		plain[len++] = c;
	}

	plain[len] = '\0';
	if (!len)
		return gw_address_refuse(whyp, "the user part is empty");
	if (!gw_text_is_plain(plain, len, NULL))
		return gw_address_refuse(
			whyp, "the user part is not valid UTF-8 text");

	return 0;
}

/* What follows the first ';': transport=udp, tcp or tls, and nothing else. */
static int read_params(const char **transportp, const char *params,
		       const char **whyp)
{
	static const char *const transports[] = { "udp", "tcp", "tls" };
	static const char name[] = "transport=";

	if (!strncasecmp(params, name, sizeof(name) - 1)) {
		params += sizeof(name) - 1;
		for (size_t i = 0; i < 3; i++) {
			if (!strcasecmp(params, transports[i])) {
				*transportp = transports[i];
				return 0;
			}
		}
	}

	return gw_address_refuse(
		whyp, "the only URI parameter allowed is transport=udp, "
		      "tcp or tls");
}

/* A user part that a switch takes for a number is judged as one, so that no
 * policy on numbers can be walked around by sip: in front. */
static int number_of_user(struct gw_address *addr, const char *plain,
			  const struct gw_dial_rules *rules, const char **whyp)
{
	int err;

	if (!gw_address_is_number(plain))
		return 0;

	if (!addr->own_domain) {
		/* at another's switch only E.164 means what it means here */
		if (plain[0] == '+' &&
		    !gw_address_check_number(plain, rules, whyp))
			(void)gw_address_copy(addr->number,
					      sizeof(addr->number), plain);
		return 0;
	}

	if (strlen(plain) == 1 && gw_address_is_digit(plain[0])) {
		(void)gw_address_copy(addr->number, sizeof(addr->number),
				      plain);
		return 0;
	}

	err = gw_address_check_number(plain, rules, whyp);
	if (err)
		return err;

	return gw_address_normalise(addr->number, sizeof(addr->number), plain,
				    rules, whyp);
}

/* Cuts text (a copy) at its first c: the rest, or NULL when there is none. */
static char *cut(char *text, char c)
{
	char *p = strchr(text, c);

	if (!p)
		return NULL;

	*p = '\0';
	return p + 1;
}

static int parse_sip(struct gw_address *addr, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp)
{
	char user[GW_URI_MAX + 1], plain[GW_URI_MAX + 1];
	struct gw_host host, own;
	const char *transport = NULL, *ignored = NULL;
	char *params, *at;
	int err;

	addr->kind = GW_ADDRESS_SIP;
	(void)gw_address_copy(user, sizeof(user), text);

	if (strchr(user, '?'))
		return gw_address_refuse(
			whyp, "headers in a URI (?name=value) are not "
			      "allowed");
	params = cut(user, ';');
	if (params) {
		err = read_params(&transport, params, whyp);
		if (err)
			return err;
	}

	at = cut(user, '@');
	err = at ? gw_address_read_host(&host, at, whyp) :
		   own_host(&host, rules, whyp);
	if (err)
		return err;
	if (strchr(user, ':'))
		return gw_address_refuse(whyp,
					 "a password in a URI is not allowed");

	addr->own_domain = !at || (!own_host(&own, rules, &ignored) &&
				   gw_address_same_host(&host, &own));
	if (addr->own_domain && at)
		host = own; /* as the line writes it */

	err = read_user(plain, sizeof(plain), user, whyp);
	if (err)
		return err;
	err = number_of_user(addr, plain, rules, whyp);
	if (err)
		return err;

	return print_uri(addr, user, &host, transport, whyp);
}

static int parse_sim(struct gw_address *addr, const char *name,
		     const struct gw_dial_rules *rules, const char **whyp)
{
	const size_t len = strnlen(name, SIM_NAME_MAX + 1);
	struct gw_host host;
	int err;

	addr->kind = GW_ADDRESS_SIM;
	addr->own_domain = true;

	if (!len || len > SIM_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return gw_address_refuse(
			whyp, "a simulated callee is sim: and a name of "
			      "small letters, digits and hyphens");

	err = own_host(&host, rules, whyp);
	if (err)
		return err;

	return print_uri(addr, name, &host, NULL, whyp);
}

/* ---- all of them ---- */

static const struct {
	const char *scheme;
	int (*parse)(struct gw_address *addr, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp);
	const char *why_not;
} schemes[] = {
	{ "sip:", parse_sip, NULL },
	{ "sim:", parse_sim, NULL },
	{ "tel:", NULL, "write the number itself, without tel:" },
	{ "sips:", NULL,
	  "sips: can't be dialled: use sip: with ;transport=tls" },
};

static int parse_any(struct gw_address *addr, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp)
{
	if (!text[0])
		return gw_address_refuse(whyp, "the address is empty");
	if (strnlen(text, GW_URI_MAX + 1) > GW_URI_MAX)
		return gw_address_too_long(whyp);

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const size_t len = strlen(schemes[i].scheme);

		if (strncasecmp(text, schemes[i].scheme, len) != 0)
			continue;
		if (schemes[i].why_not)
			return gw_address_refuse(whyp, schemes[i].why_not);
		return schemes[i].parse(addr, text + len, rules, whyp);
	}

	if (gw_address_is_digit(text[0]) || strchr("+*#(", text[0]))
		return parse_number(addr, text, rules, whyp);

	return gw_address_refuse(whyp, "an address is +E.164, 2 to 15 digits, "
				       "sip:user[@host] or sim:name");
}

int gw_address_parse(struct gw_address *addr, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp)
{
	struct gw_address parsed;
	const char *why = NULL;
	int err;

	memset(&parsed, 0, sizeof(parsed));
	err = parse_any(&parsed, text, rules, &why);
	if (err) {
		if (whyp)
			*whyp = why;
		return err;
	}

	*addr = parsed;
	return 0;
}
