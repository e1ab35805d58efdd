/* What may be dialled, and how it is written on the wire.
 *
 *   +4930123456 | 030123456 | 853 | *97   -> the line's rules -> sip:...@domain
 *   sip:user[@host[:port]][;transport=]   -> as given
 *   sim:name                              -> sip:name@domain
 *
 * All of it is a whitelist (RFC 3261 25.1, and less than that): a character that
 * nobody needs in a telephone's name is refused rather than carried. What comes
 * out can stand between < and > without a further look. */
#include "sip/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sip/country.h"

enum {
	NUMBER_MIN = 2, /* digits of a number without plus */
	NUMBER_MAX = 15,
	LABEL_MAX = 63, /* RFC 1035 2.3.4 */
	DOMAIN_MAX = 253,
	SIM_NAME_MAX = 32,
	DIALLED_MAX = 64, /* with prefix */
};

#define WHY_TOO_LONG  "an address has at most 256 bytes"
#define WHY_NO_DOMAIN "this line has no domain to dial the address at"

struct host {
	char name[GW_URI_MAX + 1]; /* canonical: lower case, no brackets */
	bool ipv6;
	unsigned port; /* 0: none given */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int refuse(const char **whyp, const char *why)
{
	*whyp = why;
	return EINVAL;
}

static int too_long(const char **whyp)
{
	*whyp = WHY_TOO_LONG;
	return EOVERFLOW;
}

static int copy(char *out, size_t size, const char *text)
{
	const size_t len = strlen(text);

	if (len >= size)
		return EOVERFLOW;

	memcpy(out, text, len + 1);
	return 0;
}

/* ---- hosts ---- */

/* Labels of letters, digits and inner hyphens. *numericp: the last label is all
 * digits, so the whole must be an IPv4 address (RFC 3261 25.1, toplabel). */
static bool is_host_name(const char *name, bool *numericp)
{
	size_t label = 0;
	bool numeric = true;

	if (!name[0] || strlen(name) > DOMAIN_MAX)
		return false;

	for (const char *p = name;; p++) {
		if (*p == '.' || !*p) {
			if (!label || label > LABEL_MAX || p[-1] == '-')
				return false;
			if (!*p)
				break;
			label = 0;
			numeric = true;
			continue;
		}
		if (!is_alnum(*p) && !(*p == '-' && label))
			return false;
		numeric = numeric && is_digit(*p);
		label++;
	}

	*numericp = numeric;
	return true;
}

static int read_port(unsigned *portp, const char *text, const char **whyp)
{
	unsigned port = 0;
	size_t n = 0;

	for (; n < 5 && is_digit(text[n]); n++)
		port = port * 10 + (unsigned)(text[n] - '0');

	if (text[n] || !port || port > 65535 || text[0] == '0')
		return refuse(whyp, "the port is not a number from 1 to 65535");

	*portp = port;
	return 0;
}

static int read_ipv6(struct host *host, const char *text, const char **whyp)
{
	const char *end = strchr(text, ']');
	char literal[INET6_ADDRSTRLEN];
	struct in6_addr addr;
	size_t len;

	if (!end || (end[1] && end[1] != ':'))
		return refuse(whyp, "the IPv6 address has no closing bracket");

	len = (size_t)(end - text - 1);
	if (len >= sizeof(literal))
		return refuse(whyp, "this is not an IPv6 address");

	memcpy(literal, text + 1, len);
	literal[len] = '\0';
	if (inet_pton(AF_INET6, literal, &addr) != 1 ||
	    !inet_ntop(AF_INET6, &addr, host->name, sizeof(host->name)))
		return refuse(whyp, "this is not an IPv6 address");

	host->ipv6 = true;
	return end[1] ? read_port(&host->port, end + 2, whyp) : 0;
}

/* host[:port], all of text. */
static int read_host(struct host *host, const char *text, const char **whyp)
{
	const char *colon;
	struct in_addr addr;
	bool numeric = false;
	size_t len;

	memset(host, 0, sizeof(*host));
	if (text[0] == '[')
		return read_ipv6(host, text, whyp);

	colon = strchr(text, ':');
	len = colon ? (size_t)(colon - text) : strlen(text);
	if (len > GW_URI_MAX)
		return too_long(whyp);
	for (size_t i = 0; i < len; i++)
		host->name[i] = lower(text[i]);

	if (!is_host_name(host->name, &numeric))
		return refuse(whyp,
			      "the host is not a name of letters, digits, "
			      "dots and hyphens (names in other scripts: "
			      "their xn-- form)");
	if (numeric && inet_pton(AF_INET, host->name, &addr) != 1)
		return refuse(whyp, "the host is not an IPv4 address");

	return colon ? read_port(&host->port, colon + 1, whyp) : 0;
}

/* "sip:user@host:port;transport=tcp" */
static int print_uri(struct gw_address *addr, const char *user,
		     const struct host *host, const char *transport,
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
		return too_long(whyp);

	memcpy(addr->host, host->name, sizeof(addr->host));
	return 0;
}

static int own_host(struct host *host, const struct gw_dial_rules *rules,
		    const char **whyp)
{
	if (!rules->domain || !rules->domain[0])
		return refuse(whyp, WHY_NO_DOMAIN);

	return read_host(host, rules->domain, whyp);
}

/* ---- numbers ---- */

/* A plus, or none, and then digits, stars and hashes alone. */
static bool looks_like_number(const char *text)
{
	size_t n = text[0] == '+';

	if (!text[n])
		return false;

	return strspn(text + n, "0123456789*#") == strlen(text + n);
}

static bool is_feature_code(const char *text)
{
	return strpbrk(text, "*#") != NULL;
}

static int check_number(const char *text, const struct gw_dial_rules *rules,
			const char **whyp)
{
	const bool plus = text[0] == '+';
	const size_t len = strlen(text + plus);

	if (strpbrk(text, " -./()\t"))
		return refuse(whyp, "send a number as digits only, without "
				    "spaces, dashes, dots and brackets");
	if (!looks_like_number(text))
		return refuse(whyp, "a number has only digits, and a plus "
				    "only in front");
	if (is_feature_code(text) && (plus || !rules->feature_codes))
		return refuse(whyp, "* and # may only be dialled on a line "
				    "that allows feature codes");
	if (plus && text[1] == '0')
		return refuse(whyp, "after the plus comes the country code, "
				    "and none begins with 0");
	if (plus && (len < GW_E164_DIGITS_MIN || len > GW_E164_DIGITS_MAX))
		return refuse(whyp, "an international number has 7 to 15 "
				    "digits");
	if (len < NUMBER_MIN || len > NUMBER_MAX)
		return refuse(whyp, "a number has 2 to 15 digits");

	return 0;
}

/* Understands a checked number: "+E164", or digits that are the line's own. */
static int normalise(char *number, size_t size, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp)
{
	const struct gw_country *country = gw_country_find(rules->country);
	int err = ENOENT;

	if (text[0] != '+' && country && !is_feature_code(text))
		err = gw_country_to_e164(country, number, size, text);

	if (err == EINVAL)
		return refuse(whyp, "this begins like an international number, "
				    "but is none");
	if (err != ENOENT)
		return err ? too_long(whyp) : 0;

	/* digits that mean one thing here and another at the switch (E9) */
	if (!strncmp(text, "00", 2))
		return refuse(whyp, "write an international number with + and "
				    "the country code, not with 00");

	return copy(number, size, text) ? too_long(whyp) : 0;
}

/* How the line wants to have number written, before strip and prefix. */
static int write_number(char *out, size_t size, const char *number,
			const char *text, const struct gw_dial_rules *rules,
			const char **whyp)
{
	const struct gw_country *country = gw_country_find(rules->country);
	const char *format = rules->format ? rules->format : "as_is";
	int err = 0;

	if (number[0] != '+' || !strcmp(format, "as_is"))
		err = copy(out, size, text);
	else if (!strcmp(format, "e164"))
		err = copy(out, size, number);
	else if (!strcmp(format, "e164_no_plus"))
		err = copy(out, size, number + 1);
	else if (strcmp(format, "national") != 0)
		return refuse(whyp, "the line's dial.format is not known");
	else if (!country)
		return refuse(whyp, "dial.format national needs a country that "
				    "is known");
	else
		err = gw_country_from_e164(country, out, size, number);

	if (err)
		return refuse(whyp, "this line's country has no one way to "
				    "dial abroad: set dial.format to e164");
	return 0;
}

/* A hash means the fragment of a URI, so in a user part it is escaped. */
static int escape_number(char *user, size_t size, const char *number)
{
	size_t pos = 0;

	for (; *number; number++) {
		if (pos + 3 >= size)
			return EOVERFLOW;
		if (*number == '#') {
			memcpy(user + pos, "%23", 3);
			pos += 3;
		} else {
			user[pos++] = *number;
		}
	}

	user[pos] = '\0';
	return 0;
}

/* Strips, prefixes and escapes what write_number() wrote. */
static int finish_number(char *user, size_t size, const char *number,
			 const char *written, const struct gw_dial_rules *rules,
			 const char **whyp)
{
	const bool own =
		is_feature_code(number) ||
		(number[0] != '+' && strlen(number) < GW_LONG_NUMBER_MIN);
	const char *strip = !own && rules->strip ? rules->strip : "";
	const char *prefix = !own && rules->prefix ? rules->prefix : "";
	char dialled[DIALLED_MAX];
	int n;

	if (!strncmp(written, strip, strlen(strip)))
		written += strlen(strip);
	if (prefix[0] && written[0] == '+')
		written++;

	n = snprintf(dialled, sizeof(dialled), "%s%s", prefix, written);
	if (n < 0 || (size_t)n >= sizeof(dialled) ||
	    !looks_like_number(dialled))
		return refuse(whyp, "the line's dial.strip and dial.prefix "
				    "make no number of this");

	return escape_number(user, size, dialled) ? too_long(whyp) : 0;
}

static int parse_number(struct gw_address *addr, const char *text,
			const struct gw_dial_rules *rules, const char **whyp)
{
	char written[DIALLED_MAX], user[3 * DIALLED_MAX];
	struct host host;
	int err;

	addr->kind = GW_ADDRESS_NUMBER;
	addr->own_domain = true;

	err = check_number(text, rules, whyp);
	if (err)
		return err;

	err = normalise(addr->number, sizeof(addr->number), text, rules, whyp);
	if (err)
		return err;

	err = write_number(written, sizeof(written), addr->number, text, rules,
			   whyp);
	if (err)
		return err;

	err = finish_number(user, sizeof(user), addr->number, written, rules,
			    whyp);
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
	return is_alnum(c) || (c && strchr("-_.!~*'()&=+$", c));
}

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);

	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Checks a user part and unescapes it into plain. An escape may stand for what
 * needs no escape, for @ and #, and for letters beyond ASCII: nothing that a
 * second reader could take for a delimiter or a line end. */
static int read_user(char *plain, size_t size, const char *user,
		     const char **whyp)
{
	size_t len = 0;

	for (; *user; user++) {
		char c = *user;

		if (len + 1 >= size)
			return too_long(whyp);
		if (c == '%') {
			const int hi = hex(user[1]);
			const int lo = hi < 0 ? -1 : hex(user[2]);

			if (lo < 0)
				return refuse(whyp, "a percent sign without "
						    "two hexadecimal digits");
			c = (char)(hi << 4 | lo);
			user += 2;
			if (!is_user_char(c) && c != '@' && c != '#' &&
			    !((unsigned char)c & 0x80))
				return refuse(whyp, "a percent escape hides a "
						    "character that is not "
						    "allowed");
		} else if (!is_user_char(c)) {
			return refuse(whyp,
				      "the user part has a character that "
				      "is not allowed there");
		}
		plain[len++] = c;
	}

	plain[len] = '\0';
	if (!len)
		return refuse(whyp, "the user part is empty");
	if (!gw_text_is_plain(plain, len, NULL))
		return refuse(whyp, "the user part is not valid UTF-8 text");

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

	return refuse(whyp, "the only URI parameter allowed is transport=udp, "
			    "tcp or tls");
}

static bool same_host(const struct host *a, const struct host *own)
{
	const unsigned port = own->port ? own->port : 5060;

	return a->ipv6 == own->ipv6 && !strcmp(a->name, own->name) &&
	       (!a->port || a->port == port);
}

/* A user part that a switch takes for a number is judged as one, so that no
 * policy on numbers can be walked around by sip: in front. */
static int number_of_user(struct gw_address *addr, const char *plain,
			  const struct gw_dial_rules *rules, const char **whyp)
{
	int err;

	if (!looks_like_number(plain))
		return 0;

	if (!addr->own_domain) {
		/* at another's switch only E.164 means what it means here */
		if (plain[0] == '+' && !check_number(plain, rules, whyp))
			(void)copy(addr->number, sizeof(addr->number), plain);
		return 0;
	}

	if (strlen(plain) == 1 && is_digit(plain[0])) {
		(void)copy(addr->number, sizeof(addr->number), plain);
		return 0;
	}

	err = check_number(plain, rules, whyp);
	if (err)
		return err;

	return normalise(addr->number, sizeof(addr->number), plain, rules,
			 whyp);
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
	struct host host, own;
	const char *transport = NULL, *ignored = NULL;
	char *params, *at;
	int err;

	addr->kind = GW_ADDRESS_SIP;
	(void)copy(user, sizeof(user), text);

	if (strchr(user, '?'))
		return refuse(whyp, "headers in a URI (?name=value) are not "
				    "allowed");
	params = cut(user, ';');
	if (params) {
		err = read_params(&transport, params, whyp);
		if (err)
			return err;
	}

	at = cut(user, '@');
	err = at ? read_host(&host, at, whyp) : own_host(&host, rules, whyp);
	if (err)
		return err;
	if (strchr(user, ':'))
		return refuse(whyp, "a password in a URI is not allowed");

	addr->own_domain = !at || (!own_host(&own, rules, &ignored) &&
				   same_host(&host, &own));
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
	struct host host;
	int err;

	addr->kind = GW_ADDRESS_SIM;
	addr->own_domain = true;

	if (!len || len > SIM_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		return refuse(whyp, "a simulated callee is sim: and a name of "
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
		return refuse(whyp, "the address is empty");
	if (strnlen(text, GW_URI_MAX + 1) > GW_URI_MAX)
		return too_long(whyp);

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		const size_t len = strlen(schemes[i].scheme);

		if (strncasecmp(text, schemes[i].scheme, len) != 0)
			continue;
		if (schemes[i].why_not)
			return refuse(whyp, schemes[i].why_not);
		return schemes[i].parse(addr, text + len, rules, whyp);
	}

	if (is_digit(text[0]) || strchr("+*#(", text[0]))
		return parse_number(addr, text, rules, whyp);

	return refuse(whyp, "an address is +E.164, 2 to 15 digits, "
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
