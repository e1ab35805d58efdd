/* The request target: path and query, decoded once and strictly.
 *
 * The target is taken from the request line itself and not from libmicrohttpd's
 * reading of it, which ends a path at %00 and takes an absolute URL for one.
 * What cannot be decoded to text is refused, as is an encoded slash: it would
 * be a separator to us and a letter to a proxy. Pure: no socket, no clock. */
#include <string.h>
#include <strings.h>

#include "server/http_inside.h"

static const struct gw_http_refusal fine = { 0, NULL, NULL };

static struct gw_http_refusal bad(const char *detail)
{
	return (struct gw_http_refusal){ 400, "bad_request", detail };
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Writes at most len bytes and a NUL. False: not decodable, or a NUL in it. */
bool gw_http_percent_decode(char *out, const char *in, size_t len,
			    bool plus_is_blank)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (in[i] == '+' && plus_is_blank) {
			*out++ = ' ';
			continue;
		}
		if (in[i] != '%') {
			*out++ = in[i];
			continue;
		}

		if (len - i < 3)
			return false;
		high = hex_value(in[i + 1]);
		low = hex_value(in[i + 2]);
		if (high < 0 || low < 0 || (!high && !low))
			return false;
		*out++ = (char)(high << 4 | low);
		i += 2;
	}

	*out = '\0';
	return true;
}

static bool is_visible_ascii(const char *s)
{
	for (; *s; s++) {
		if (*s <= 0x20 || *s >= 0x7f)
			return false;
	}

	return true;
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}

	return false;
}

static bool has_encoded_slash(const char *s, size_t len)
{
	for (size_t i = 0; i + 2 < len; i++) {
		if (s[i] == '%' && s[i + 1] == '2' && (s[i + 2] | 0x20) == 'f')
			return true;
	}

	return false;
}

/* One "name=value" of a query into *pos of the scratch buffer. */
static bool add_pair(struct gw_http_req *req, char **pos, const char *text,
		     size_t len)
{
	struct gw_http_pair *pair = &req->query[req->query_count];
	const char *eq = memchr(text, '=', len);
	const size_t name_len = eq ? (size_t)(eq - text) : len;
	const size_t value_len = eq ? len - name_len - 1 : 0;

	if (req->query_count == GW_HTTP_QUERY_MAX)
		return false;

	pair->name = *pos;
	if (!gw_http_percent_decode(*pos, text, name_len, true))
		return false;
	*pos += strlen(*pos) + 1;

	pair->value = *pos;
	if (!gw_http_percent_decode(*pos, eq ? eq + 1 : "", value_len, true))
		return false;
	*pos += strlen(*pos) + 1;

	req->query_count++;
	return gw_http_utf8_ok(pair->name) && gw_http_utf8_ok(pair->value) &&
	       !has_control(pair->name) && !has_control(pair->value);
}

static struct gw_http_refusal parse_query(struct gw_http_req *req, char *pos,
					  const char *query)
{
	while (*query) {
		const size_t len = strcspn(query, "&");

		if (len && !add_pair(req, &pos, query, len))
			return bad("the query is malformed or too long");
		query += len;
		if (*query)
			query++;
	}

	return fine;
}

/* RFC 9112 3.2.2: "http://host/path" is as good as "/path". */
static const char *strip_origin(struct gw_http_req *req, char **pos,
				const char *target)
{
	static const char *const schemes[] = { "http://", "https://" };

	for (size_t i = 0; i < 2; i++) {
		const size_t n = strlen(schemes[i]);
		size_t len;

		if (strncasecmp(target, schemes[i], n) != 0)
			continue;

		target += n;
		len = strcspn(target, "/?");
		memcpy(*pos, target, len);
		(*pos)[len] = '\0';
		req->authority = *pos;
		*pos += len + 1;
		target += len;
		return *target ? target : "/";
	}

	return target;
}

struct gw_http_refusal gw_http_target_parse(struct gw_http_req *req)
{
	const char *target = req->target;
	const size_t room = strlen(target) + 2 * GW_HTTP_QUERY_MAX + 8;
	size_t path_len;
	char *pos;

	if (!*target || !is_visible_ascii(target))
		return bad(
			"the request target has characters it must not have");

	/* decoding shortens, each part gets a NUL, "/" may be added */
	req->scratch = mem_zalloc(room, NULL);
	if (!req->scratch)
		return (struct gw_http_refusal){ 503, "memory",
						 "out of memory" };
	pos = req->scratch;

	target = strip_origin(req, &pos, target);
	path_len = strcspn(target, "?");
	req->path = pos;
	if (!gw_http_percent_decode(pos, target, path_len, false) ||
	    has_encoded_slash(target, path_len) || has_control(pos) ||
	    !gw_http_utf8_ok(pos))
		return bad("the path is malformed");
	pos += strlen(pos) + 1;

	if (req->authority && !gw_http_host_ok(req->authority))
		return bad("the request target is malformed");
	if (target[path_len])
		return parse_query(req, pos, target + path_len + 1);

	return fine;
}
