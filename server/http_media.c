/* Media types: what a client would like (Accept, RFC 9110 12.5.1) and what it
 * sends (Content-Type). Pure: no socket, no clock. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http_inside.h"

enum { CHOICES = 5 };

/* What a route may have, in the order that decides between equals; streams go
 * before JSON, so that `curl -N` and Accept: * / * see events. */
static const struct choice {
	unsigned needs,
		not_with; /* flags of the route                        */
	const char *type, *subtype;
	enum gw_http_accept accept;
} choices[CHOICES] = {
	/* clang-format off */
	{ GW_ROUTE_EVENTS, 0,                "text",        "event-stream", GW_HTTP_EVENTS },
	{ 0,               GW_ROUTE_NO_JSON, "application", "json",         GW_HTTP_JSON },
	{ GW_ROUTE_HTML,   0,                "text",        "html",         GW_HTTP_HTML },
	{ GW_ROUTE_TEXT,   0,                "text",        "plain",        GW_HTTP_JSON },
	{ GW_ROUTE_WAV,    0,                "audio",       "wav",          GW_HTTP_JSON },
	/* clang-format on */
};

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

static bool same(const char *word, const char *s, size_t len)
{
	return strlen(word) == len && !strncasecmp(word, s, len);
}

/* The end of a parameter or an element: quoted strings may hold anything. */
static const char *until(const char *s, const char *stops)
{
	bool quoted = false;

	for (; *s; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (quoted && *s == '\\' && s[1])
			s++;
		else if (!quoted && strchr(stops, *s))
			break;
	}

	return s;
}

/* "0.8" as 800; what isn't a weight counts as 1. */
static int parse_weight(const char *s)
{
	static const int places[] = { 100, 10, 1 };
	int weight;

	if (*s != '0')
		return 1000;
	if (s[1] != '.')
		return 0;

	weight = 0;
	for (int i = 0; i < 3 && s[2 + i] >= '0' && s[2 + i] <= '9'; i++)
		weight += (s[2 + i] - '0') * places[i];

	return weight;
}

struct range {
	const char *type, *subtype;
	size_t type_len, subtype_len;
	int weight;
};

/* One element of Accept; returns where the next one begins. */
static const char *parse_range(struct range *r, const char *s)
{
	s = skip_blanks(s);
	r->type = s;
	r->type_len = strcspn(s, "/;, \t");
	s += r->type_len;
	r->subtype = *s == '/' ? ++s : s;
	r->subtype_len = strcspn(s, ";, \t");
	s = skip_blanks(s + r->subtype_len);
	r->weight = 1000;

	while (*s == ';') {
		s = skip_blanks(s + 1);
		if ((*s == 'q' || *s == 'Q') && s[1] == '=')
			r->weight = parse_weight(s + 2);
		s = until(s, ";,");
	}

	s = until(s, ",");
	return *s ? s + 1 : s;
}

/* How precisely a range names a choice; 0: not at all. */
static int fit(const struct range *r, const struct choice *c)
{
	if (same("*", r->type, r->type_len))
		return same("*", r->subtype, r->subtype_len) ? 1 : 0;
	if (!same(c->type, r->type, r->type_len))
		return 0;
	if (same("*", r->subtype, r->subtype_len))
		return 2;
	return same(c->subtype, r->subtype, r->subtype_len) ? 3 : 0;
}

/* The weight of the range that names the choice best. */
static int weight_of(const char *accept, const struct choice *c)
{
	int best_fit = 0, weight = 0;

	while (*skip_blanks(accept)) {
		struct range r;
		int f;

		accept = parse_range(&r, accept);
		f = fit(&r, c);
		if (f > best_fit) {
			best_fit = f;
			weight = r.weight;
		}
	}

	return weight;
}

bool gw_http_accepts(enum gw_http_accept *acceptp, const char *accept,
		     unsigned flags)
{
	const struct choice *best = NULL;
	int best_weight = 0;

	if (!accept || !*skip_blanks(accept))
		accept = "*/*";

	for (size_t i = 0; i < CHOICES; i++) {
		const struct choice *c = &choices[i];
		int weight;

		if ((flags & c->needs) != c->needs || (flags & c->not_with))
			continue;
		weight = weight_of(accept, c);
		if (weight > best_weight) {
			best = c;
			best_weight = weight;
		}
	}

	if (!best)
		return false;
	*acceptp = best->accept;
	return true;
}

/* UTF-8 is what we read; a label that says so is fine, quoted or not. */
static bool charset_ok(const char *s)
{
	while (*s == ';') {
		const char *end;

		s = skip_blanks(s + 1);
		end = until(s, ";");
		if (!strncasecmp(s, "charset=", 8)) {
			size_t len;

			s += 8;
			len = (size_t)(end - s);
			while (len && (s[len - 1] == ' ' || s[len - 1] == '\t'))
				len--;
			if (!same("utf-8", s, len) && !same("utf8", s, len) &&
			    !same("\"utf-8\"", s, len))
				return false;
		}
		s = end;
	}

	return true;
}

enum gw_http_type gw_http_content_type(const char *value)
{
	static const struct {
		const char *name;
		enum gw_http_type type;
	} types[] = {
		{ "application/json", GW_HTTP_TYPE_JSON },
		{ "application/x-www-form-urlencoded", GW_HTTP_TYPE_FORM },
	};
	const char *s = skip_blanks(value);
	const size_t len = strcspn(s, "; \t");

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (!same(types[i].name, s, len))
			continue;
		return charset_ok(skip_blanks(s + len)) ? types[i].type :
							  GW_HTTP_TYPE_CHARSET;
	}

	return GW_HTTP_TYPE_OTHER;
}
