/* What may stand in the head of a request.
 *
 * libmicrohttpd reads HTTP/1.1 generously: it takes two lengths, a length
 * beside chunks, two hosts, blanks before a colon. A proxy in front may read
 * the same bytes in another way, and what one of them takes for a body is a
 * request to the other. So everything on which readers differ is refused here,
 * and the connection closed, before the body is touched (RFC 9112 6.1, 6.3,
 * 11.2). Pure: no socket, no clock. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <arpa/inet.h>

#include "server/http_inside.h"

static bool is_token_char(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if (!is_token_char((unsigned char)*s))
			return false;
	}

	return true;
}

/* RFC 9110 5.5: no control characters but the tab. */
static bool is_field_value(const char *s)
{
	for (; *s; s++) {
		const unsigned char c = (unsigned char)*s;

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}

	return true;
}

void gw_http_guard_header(struct gw_http_guard *guard, const char *name,
			  const char *value)
{
	if (!value)
		value = "";

	guard->bytes += strlen(name) + strlen(value) + 4;
	if (!is_token(name))
		guard->bad_name = true;
	if (!is_field_value(value))
		guard->bad_value = true;

	if (!strcasecmp(name, "Host")) {
		guard->hosts++;
		guard->host = value;
	} else if (!strcasecmp(name, "Content-Length")) {
		guard->lengths++;
	} else if (!strcasecmp(name, "Transfer-Encoding")) {
		guard->encodings++;
		guard->encoding = value;
	}
}

/* host[:port] of RFC 3986 without userinfo: names, IPv4, [IPv6]. */
bool gw_http_host_ok(const char *host)
{
	const char *s = host;

	if (!*s || strlen(s) > 255)
		return false;

	if (*s == '[') {
		s += 1 + strspn(s + 1, "0123456789abcdefABCDEF:.");
		if (*s++ != ']')
			return false;
	} else {
		const size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789-._~");

		if (!n)
			return false;
		s += n;
	}

	if (*s == ':')
		s += 1 + strspn(s + 1, "0123456789");

	return !*s;
}

/* A name that some DNS server says is 127.0.0.1 must not pass: only what cannot
 * mean another machine does. */
bool gw_http_host_is_local(const char *host)
{
	char name[64];
	struct in_addr in;
	size_t n;

	if (!gw_http_host_ok(host))
		return false;

	n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	if (n >= sizeof(name))
		return false;
	memcpy(name, host, n);
	name[n] = '\0';

	if (!strcasecmp(name, "localhost") || !strcmp(name, "[::1]"))
		return true;

	return inet_pton(AF_INET, name, &in) == 1 &&
	       (ntohl(in.s_addr) >> 24) == 127;
}

static size_t utf8_len(const unsigned char *s)
{
	static const struct {
		unsigned char first_min, first_max, second_min, second_max;
		size_t len;
	} forms[] = {
		/* RFC 3629 4: neither overlong nor surrogate nor past 10FFFF */
		{ 0x01, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (s[0] < forms[i].first_min || s[0] > forms[i].first_max)
			continue;
		if (forms[i].len == 1)
			return 1;
		if (s[1] < forms[i].second_min || s[1] > forms[i].second_max)
			continue;
		for (size_t k = 2; k < forms[i].len; k++) {
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		}
		return forms[i].len;
	}

	return 0;
}

bool gw_http_utf8_ok(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		const size_t n = utf8_len(s);

		if (!n)
			return false;
		s += n;
	}

	return true;
}

struct gw_http_refusal gw_http_guard_verdict(const struct gw_http_guard *g,
					     const char *version)
{
	const bool chunked = g->encoding && !strcasecmp(g->encoding, "chunked");
	const bool http10 = !strcmp(version, "HTTP/1.0");
	const struct {
		bool wrong;
		struct gw_http_refusal refusal;
	} rows[] = {
		/* clang-format off */
		{ g->bad_name, { 400, "bad_request", "a header name is not a token" } },
		{ g->bad_value, { 400, "bad_request", "a header value has a control character" } },
		{ g->bytes > GW_HTTP_HEAD_MAX, { 431, "head_too_large", "the request head is too large" } },
		{ g->hosts > 1, { 400, "bad_request", "more than one Host header" } },
		{ !g->hosts && !http10, { 400, "bad_request", "no Host header" } },
		{ g->hosts && !gw_http_host_ok(g->host), { 400, "bad_request", "the Host header is malformed" } },
		{ g->lengths && g->encodings, { 400, "bad_request", "Content-Length beside Transfer-Encoding" } },
		{ g->lengths > 1, { 400, "bad_request", "more than one Content-Length header" } },
		{ g->encodings > 1, { 400, "bad_request", "more than one Transfer-Encoding header" } },
		{ g->encodings && http10, { 400, "bad_request", "Transfer-Encoding in HTTP/1.0" } },
		{ g->encodings && !chunked, { 501, "not_implemented", "the only transfer coding here is chunked" } },
		/* clang-format on */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].wrong)
			return rows[i].refusal;
	}

	return (struct gw_http_refusal){ 0, NULL, NULL };
}
