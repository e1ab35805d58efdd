/* Forms that strings of the configuration must have. Each answers NULL or a
 * sentence that tells people what it must be, with an example. They keep out
 * typing mistakes and whatever could break a header or a URI; what a name means
 * in SIP is for sip/address to say. */
#include "config/config.h"
#include "config/config_table.h"
#include "config/template.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <re_types.h>

static bool is_alnum(char c)
{
	return isalnum((unsigned char)c);
}

static bool only(const char *text, const char *others)
{
	if (!*text)
		return false;

	for (; *text; text++) {
		if (!is_alnum(*text) && !strchr(others, *text))
			return false;
	}

	return true;
}

static bool is_ipv4(const char *text)
{
	struct in_addr addr;

	return inet_pton(AF_INET, text, &addr) == 1;
}

static bool is_ipv6(const char *text)
{
	struct in6_addr addr;

	return inet_pton(AF_INET6, text, &addr) == 1;
}

/* [::1] */
static bool is_bracketed(const char *text)
{
	char buf[INET6_ADDRSTRLEN];
	size_t len = strlen(text);

	if (len < 4 || len - 2 >= sizeof(buf) || *text != '[' ||
	    text[len - 1] != ']')
		return false;

	memcpy(buf, text + 1, len - 2);
	buf[len - 2] = '\0';
	return is_ipv6(buf);
}

/* Labels of letters, digits, - (and _, which people use), between dots. */
static bool is_host_name(const char *text)
{
	bool label = false;

	if (strlen(text) > 253)
		return false;

	for (; *text; text++) {
		if (*text == '.') {
			if (!label)
				return false;
			label = false;
		} else if (is_alnum(*text) || *text == '_' ||
			   (*text == '-' && label)) {
			label = true;
		} else {
			return false;
		}
	}

	return label;
}

static bool is_host(const char *text)
{
	/* 300.1.2.3 is no name either: no top level is a number */
	if (*text && strspn(text, "0123456789.") == strlen(text))
		return is_ipv4(text);

	return is_bracketed(text) || is_host_name(text);
}

/* host or host:port, of len bytes */
static bool is_host_port(const char *text, size_t len)
{
	char buf[300], *colon;

	if (len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';

	colon = strrchr(buf, ':');
	if (colon && (buf[0] != '[' || colon[-1] == ']')) {
		const char *port = colon + 1;
		size_t digits = strspn(port, "0123456789");

		if (!digits || digits > 5 || port[digits] || *port == '0' ||
		    atoi(port) > 65535)
			return false;
		*colon = '\0';
	}

	return is_host(buf);
}

const char *gw_form_host(const char *text)
{
	return is_host(text) ? NULL :
			       "must be a host name or an address, like "
			       "pbx.example.com, 192.168.0.2 or [2001:db8::2]; "
			       "a port has its own setting";
}

/* The rest of a URL is for who connects; who is meant must be plain here. */
const char *gw_form_webhook_url(const char *text)
{
	static const char must[] = "must be https://HOST/PATH, without user, "
				   "password, blanks and #";
	const char *host = !strncmp(text, "https://", 8) ? text + 8 :
			   !strncmp(text, "http://", 7)  ? text + 7 :
							   NULL;
	size_t i;

	if (!host || !is_host_port(host, strcspn(host, "/?")))
		return must;
	for (i = 0; text[i]; i++) {
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '#')
			return must;
	}

	return NULL;
}

/* A header that is not ours to send already (C13). */
const char *gw_form_webhook_header(const char *text)
{
	static const char *const ours[] = {
		"host",       "content-length",    "content-type",
		"connection", "transfer-encoding", "expect",
		"user-agent"
	};

	if (!*text || strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO"
				   "PQRSTUVWXYZ0123456789-_") != strlen(text))
		return "must be the name of a header, like Authorization";
	if (!strncasecmp(text, "webhook-", 8))
		return "must not begin with webhook-: these are ours";
	for (size_t i = 0; i < ARRAY_SIZE(ours); i++) {
		if (!strcasecmp(text, ours[i]))
			return "must not be a header that is sent anyway";
	}

	return NULL;
}

/* call.ended, call.*, * */
const char *gw_form_event(const char *text)
{
	const size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz._");

	return (len && !text[len]) || !strcmp(text + len, "*") ?
		       NULL :
		       "must be the type of an event, like call.ended, or the "
		       "beginning of some, like call.*";
}

const char *gw_form_address(const char *text)
{
	return is_ipv4(text) || is_ipv6(text) ?
		       NULL :
		       "must be a numeric address, like 192.0.2.7";
}

const char *gw_form_network(const char *text)
{
	static const char must[] = "must be an address or a network, like "
				   "10.0.0.1 or 10.0.0.0/8";
	char buf[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "/");
	const char *bits = text + len;
	long max;

	if (len >= sizeof(buf))
		return must;
	memcpy(buf, text, len);
	buf[len] = '\0';

	if (!is_ipv4(buf) && !is_ipv6(buf))
		return must;
	if (!*bits)
		return NULL;

	max = is_ipv4(buf) ? 32 : 128;
	++bits;
	if (!*bits || strspn(bits, "0123456789") != strlen(bits) ||
	    strlen(bits) > 3 || strtol(bits, NULL, 10) > max)
		return must;

	return NULL;
}

/* Length of "http://" or "https://" in front, or 0. */
static size_t scheme_len(const char *text)
{
	if (!strncmp(text, "https://", 8))
		return 8;
	if (!strncmp(text, "http://", 7))
		return 7;
	return 0;
}

static bool has_upper(const char *text)
{
	while (*text && !isupper((unsigned char)*text))
		++text;

	return *text != '\0';
}

const char *gw_form_origin(const char *text)
{
	size_t scheme = scheme_len(text), len = strlen(text);

	if (!strcmp(text, "*") || !strcmp(text, "null"))
		return "must name one web site: * and null would let in any";

	/* browsers send lower case and no default port: else it never matches */
	if (!scheme || has_upper(text) ||
	    !is_host_port(text + scheme, len - scheme) ||
	    (scheme == 8 && len > 4 && !strcmp(text + len - 4, ":443")) ||
	    (scheme == 7 && len > 3 && !strcmp(text + len - 3, ":80")))
		return "must be an origin as browsers write it, like "
		       "https://crm.example.com or http://localhost:3000: small "
		       "letters, no path, no slash at the end, no :443 or :80";

	return NULL;
}

const char *gw_form_base_url(const char *text)
{
	size_t scheme = scheme_len(text), host = strcspn(text + scheme, "/");
	const char *path = text + scheme + host;

	if (!scheme || !is_host_port(text + scheme, host) ||
	    (*path &&
	     (!only(path, "/-._~%+") || path[strlen(path) - 1] == '/')))
		return "must be a URL without a slash at the end, like "
		       "https://calls.example.com";

	return NULL;
}

const char *gw_form_country(const char *text)
{
	return strlen(text) == 2 && isupper((unsigned char)text[0]) &&
			       isupper((unsigned char)text[1]) ?
		       NULL :
		       "must be two capital letters, like DE or US";
}

/* RFC 3261 25.1, user, without escapes and parameters */
const char *gw_form_user(const char *text)
{
	return only(text, "-_.!~*'()&=+$,?") ? NULL :
					       "must be the part before the @ "
					       "of a SIP address, like 858";
}

const char *gw_form_name(const char *text)
{
	return only(text, "-_.+") ? NULL :
				    "must be made of letters, digits, - _ . +";
}

/* A hook places calls in its own name, which rules may name, too. */
const char *gw_form_key(const char *text)
{
	return gw_form_name(strncmp(text, "hook:", 5) ? text : text + 5);
}

const char *gw_form_pointer(const char *text)
{
	return gw_pointer_ok(text, strlen(text)) ?
		       NULL :
		       "must be a JSON pointer, like /data/items";
}

const char *gw_form_header(const char *text)
{
	return only(text, "-_") ? NULL :
				  "must be the name of a header, like "
				  "X-Api-Key";
}

const char *gw_form_dedupe(const char *text)
{
	const char *must = strncmp(text, "header:", 7) ?
				   gw_form_pointer(text) :
				   gw_form_header(text + 7);

	return must ? "must be a JSON pointer, like /meta/id, or "
		      "header:X-Request-Id" :
		      NULL;
}

const char *gw_form_digits(const char *text)
{
	return strspn(text, "0123456789+*#") == strlen(text) ?
		       NULL :
		       "must be made of digits, like 0";
}

const char *gw_form_caller_id(const char *text)
{
	return only(text, "-_.!~*'()=+$#") ? NULL :
					     "must be a number or extension, "
					     "like +49301112 or 858";
}

/* C0, DEL, C1, and what turns text around, ends its line or can't be seen. The
 * reader of the file has made sure of UTF-8; two or three bytes say enough. */
static bool is_shown(const unsigned char *p)
{
	if (p[0] < ' ' || p[0] == 0x7f)
		return false;
	if (p[0] == 0xc2)
		return p[1] >= 0xa0;
	if (p[0] == 0xd8)
		return p[1] != 0x9c;
	if (p[0] == 0xe2 && p[1] == 0x80)
		return p[2] != 0x8e && p[2] != 0x8f &&
		       (p[2] < 0xa8 || p[2] > 0xae);
	if (p[0] == 0xe2 && p[1] == 0x81)
		return p[2] != 0xa0 && (p[2] < 0xa6 || p[2] > 0xa9);

	return strncmp((const char *)p, "\xef\xbb\xbf", 3) != 0;
}

/* How many characters, or SIZE_MAX: one of them can't be shown. */
static size_t count_shown(const char *text)
{
	size_t count = 0;

	for (; *text; text++) {
		if (((unsigned char)*text & 0xc0) == 0x80)
			continue; /* the rest of a character */
		if (!is_shown((const unsigned char *)text))
			return SIZE_MAX;
		count++;
	}

	return count;
}

const char *gw_form_shown_name(const char *text)
{
	return count_shown(text) <= 64 ?
		       NULL :
		       "must be a name of at most 64 characters, without "
		       "control characters";
}

const char *gw_form_login(const char *text)
{
	return count_shown(text) != SIZE_MAX ?
		       NULL :
		       "must be without control characters";
}

const char *gw_form_proxy(const char *text)
{
	const char *host = text + 4;
	size_t len;

	if (!strncmp(text, "sip:", 4)) {
		len = strcspn(host, ";");
		if (is_host_port(host, len) &&
		    (!host[len] || !strcmp(host + len, ";lr")))
			return NULL;
	}

	return "must be sip:HOST or sip:HOST:PORT, like "
	       "sip:proxy.example.com:5060; the line's transport counts";
}

const char *gw_form_store_url(const char *text)
{
	if (!strncmp(text, "postgres", 8))
		return "must be sqlite:FILE: PostgreSQL isn't built into this "
		       "version yet";

	return strncmp(text, "sqlite:", 7) || !text[7] ?
		       "must be sqlite:FILE, like sqlite:bellpull.db" :
		       NULL;
}

const char *gw_form_header_pattern(const char *text)
{
	size_t len = strlen(text);
	char buf[128];

	/* RFC 3261 25.1, token, of which a star may only end the pattern */
	if (len && len < sizeof(buf)) {
		memcpy(buf, text, len + 1);
		if (buf[len - 1] == '*')
			buf[len - 1] = '\0';
		if (only(buf, "-.!%_+`'~"))
			return NULL;
	}

	return "must be the name of a header or its beginning and a *, like "
	       "X-CRM-Id or X-*";
}

const char *gw_form_prefix(const char *text)
{
	const size_t plus = text[0] == '+';
	const size_t len = strlen(text + plus);

	return len && len <= 15 && strspn(text + plus, "0123456789*#") == len ?
		       NULL :
		       "must be the beginning of a number, like +4930 or 8";
}

/* "08:00": minutes since midnight, up to 24:00; or -1. */
static int read_clock(const char *text)
{
	int minutes;

	if (!isdigit((unsigned char)text[0]) ||
	    !isdigit((unsigned char)text[1]) || text[2] != ':' ||
	    !isdigit((unsigned char)text[3]) ||
	    !isdigit((unsigned char)text[4]) || text[3] > '5')
		return -1;
	minutes = ((text[0] - '0') * 10 + text[1] - '0') * 60 +
		  (text[3] - '0') * 10 + text[4] - '0';
	return minutes <= 24 * 60 ? minutes : -1;
}

const char *gw_form_hours(const char *text)
{
	unsigned from, to;

	return gw_config_hours(text, &from, &to) ?
		       NULL :
		       "must be from when to when, like 08:00-18:00";
}

bool gw_config_hours(const char *text, unsigned *fromp, unsigned *top)
{
	int from, to;

	if (strlen(text) != 11 || text[5] != '-')
		return false;
	from = read_clock(text);
	to = read_clock(text + 6);
	if (from < 0 || to < 0 || from == to || from == 24 * 60)
		return false;
	*fromp = (unsigned)from;
	*top = (unsigned)to;
	return true;
}
