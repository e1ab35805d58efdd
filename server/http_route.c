/* Which row of the table a request means.
 *
 * A path is matched segment by segment against each row: there are two dozen of
 * them, and a table that is read top to bottom is worth more than the
 * microsecond a tree would save. A path is taken as it was sent, decoded: no
 * trailing slash is forgiven, no `..` or `//` resolved. Pure: no socket. */
#include <string.h>
#include <stdio.h>

#include "server/http_inside.h"

static size_t segment_len(const char *s)
{
	return strcspn(s, "/");
}

/* One row against one path. Fills in match's parameters on the way. */
static bool path_fits(struct gw_route_match *match, const char *templ,
		      const char *path)
{
	match->param_count = 0;

	while (*templ == '/' && *path == '/') {
		const size_t tn = segment_len(++templ);
		const size_t pn = segment_len(++path);

		if (*templ == '{') {
			const size_t i = match->param_count;
			const size_t name_len = strcspn(templ, "}") - 1;
			/* ".json" of "{sid}.json" */
			const size_t rest = tn - name_len - 2;

			if (pn <= rest || i == GW_ROUTE_PARAMS_MAX ||
			    memcmp(templ + tn - rest, path + pn - rest, rest))
				return false;
			match->params[i].name = templ + 1;
			match->params[i].name_len = name_len;
			match->params[i].value = path;
			match->params[i].value_len = pn - rest;
			match->param_count++;
		} else if (tn != pn || memcmp(templ, path, tn) != 0) {
			return false;
		}

		templ += tn;
		path += pn;
	}

	return !*templ && !*path;
}

/* The first template that fits decides; its other rows are its other methods. */
void gw_http_route_match(struct gw_route_match *match,
			 const struct gw_route *routes, size_t count,
			 const char *path, unsigned method)
{
	const char *fitting = NULL;
	struct gw_route_match found;

	memset(match, 0, sizeof(*match));

	for (size_t i = 0; i < count; i++) {
		const struct gw_route *r = &routes[i];

		if (fitting && strcmp(fitting, r->path) != 0)
			continue;
		memset(&found, 0, sizeof(found));
		if (!path_fits(&found, r->path, path))
			continue;

		fitting = r->path;
		found.allowed = match->allowed | (unsigned)r->method;
		found.route = match->route;
		found.flags = match->allowed ? match->flags : r->flags;
		if ((unsigned)r->method == method) {
			found.route = r;
			found.flags = r->flags;
		}
		*match = found;
	}
}

void gw_http_allow(char *buf, size_t size, unsigned allowed, bool head)
{
	static const struct {
		unsigned bit;
		const char *name;
	} names[] = {
		{ GW_POST, "POST, " },
		{ GW_PUT, "PUT, " },
		{ GW_PATCH, "PATCH, " },
		{ GW_DELETE, "DELETE, " },
	};
	size_t pos = 0;

	if (!size)
		return;
	buf[0] = '\0';

	if (allowed & GW_GET)
		pos = (size_t)snprintf(buf, size,
				       head ? "GET, HEAD, " : "GET, ");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if ((allowed & names[i].bit) && pos < size)
			pos += (size_t)snprintf(buf + pos, size - pos, "%s",
						names[i].name);
	}

	if (pos < size)
		(void)snprintf(buf + pos, size - pos, "OPTIONS");
}
