/* THE table of routes. A request is matched segment by segment against each
 * row: there are two dozen of them, and a table that is read top to bottom is
 * worth more than the microsecond a tree would save.
 *
 * A path is taken as it was sent, decoded: no trailing slash is forgiven, no
 * `..` or `//` resolved. What matches no row is 404. */
#include <string.h>
#include <stdio.h>

#include "server/api.h"
#include "server/routes.h"

enum {
	BODY = GW_ROUTE_JSON | GW_ROUTE_FORM,
	BODY_MAYBE = BODY | GW_ROUTE_BODY_OPTIONAL,
	STREAM = GW_ROUTE_EVENTS | GW_ROUTE_NO_HEAD,
	PROBE = GW_ROUTE_PUBLIC,
	FILE_ = GW_ROUTE_PUBLIC | GW_ROUTE_STATIC | GW_ROUTE_NO_JSON,
};

static const struct gw_route routes[] = {
	/* clang-format off */
	{ GW_POST,   "/calls",               "createCall",    "calls:create", gw_api_create_call,    BODY | GW_ROUTE_HTML,       "dry_run" },
	{ GW_GET,    "/calls",               "listCalls",     "calls:read",   gw_api_list_calls,     0,                          "status to from line since limit cursor" },
	{ GW_GET,    "/calls/{id}",          "getCall",       "calls:read",   gw_api_get_call,       GW_ROUTE_HTML,              "wait timeout" },
	{ GW_DELETE, "/calls/{id}",          "deleteCall",    "calls:hangup", gw_api_delete_call,    0,                          NULL },
	{ GW_POST,   "/calls/{id}/hangup",   "hangupCall",    "calls:hangup", gw_api_hangup_call,    BODY_MAYBE | GW_ROUTE_HTML, NULL },
	{ GW_GET,    "/calls/{id}/events",   "getCallEvents", "events:read",  gw_api_call_events,    STREAM,                     "last_event_id limit" },
	{ GW_GET,    "/calls/{id}/sip",      "getCallSip",    "calls:read",   gw_api_get_call_sip,   0,                          NULL },
	{ GW_GET,    "/events",              "getEvents",     "events:read",  gw_api_events,         STREAM,                     "last_event_id limit" },
	{ GW_GET,    "/lines",               "listLines",     "lines:read",   gw_api_list_lines,     0,                          NULL },
	{ GW_GET,    "/lines/{name}",        "getLine",       "lines:read",   gw_api_get_line,       0,                          NULL },
	{ GW_POST,   "/lines/{name}/check",  "checkLine",     "lines:check",  gw_api_check_line,     BODY_MAYBE,                 NULL },
	{ GW_POST,   "/session",             "createSession", NULL,           gw_api_create_session, BODY | GW_ROUTE_PUBLIC,     NULL },
	{ GW_GET,    "/capacity",            "getCapacity",   NULL,           gw_api_get_capacity,   0,                          NULL },
	{ GW_GET,    "/metrics",             "getMetrics",    "metrics:read", gw_api_get_metrics,    GW_ROUTE_NO_JSON,           NULL },
	{ GW_GET,    "/livez",               "getLivez",      NULL,           gw_api_get_livez,      PROBE,                      NULL },
	{ GW_GET,    "/readyz",              "getReadyz",     NULL,           gw_api_get_readyz,     PROBE,                      NULL },
	{ GW_GET,    "/openapi.json",        "getOpenapi",    NULL,           gw_api_get_openapi,    PROBE,                      NULL },
	/* the page; its files are known to http_static.c, and served by this row, too */
	{ GW_GET,    "/",                    "getPage",       NULL,           gw_api_get_page,       FILE_,                      NULL },
	/* clang-format on */
};

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

			if (!pn || i == GW_ROUTE_PARAMS_MAX)
				return false;
			match->params[i].name = templ + 1;
			match->params[i].name_len = tn - 2;
			match->params[i].value = path;
			match->params[i].value_len = pn;
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
void gw_routes_match(struct gw_route_match *match, const char *path,
		     enum gw_method method)
{
	const char *fitting = NULL;
	struct gw_route_match found;

	memset(match, 0, sizeof(*match));

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		const struct gw_route *r = &routes[i];

		if (fitting && strcmp(fitting, r->path) != 0)
			continue;
		memset(&found, 0, sizeof(found));
		if (!path_fits(&found, r->path, path))
			continue;

		fitting = r->path;
		found.allowed = match->allowed | (unsigned)r->method;
		found.route = match->route;
		if (r->method == method)
			found.route = r;
		*match = found;
	}
}

void gw_routes_allow(char *buf, size_t size, unsigned allowed, bool head)
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

const struct gw_route *gw_routes_at(size_t i)
{
	return i < sizeof(routes) / sizeof(routes[0]) ? &routes[i] : NULL;
}
