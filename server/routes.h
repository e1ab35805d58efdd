/* THE table of routes: one row per operation of openapi.json. */
#ifndef BELLPULL_SERVER_ROUTES_H
#define BELLPULL_SERVER_ROUTES_H

#include <stddef.h>

struct gw_http_req;

enum gw_method {
	GW_GET = 1 << 0, /* HEAD, too */
	GW_POST = 1 << 1,
	GW_DELETE = 1 << 2,
	GW_PUT = 1 << 3,
	GW_PATCH = 1 << 4,
};

enum gw_route_flags {
	GW_ROUTE_PUBLIC = 1 << 0, /* without a key                      */
	GW_ROUTE_JSON = 1 << 1,   /* takes a JSON body                  */
	GW_ROUTE_FORM = 1 << 2,   /* takes a form body                  */
	GW_ROUTE_BODY_OPTIONAL = 1
				 << 3, /* and may come without               */
	GW_ROUTE_EVENTS = 1 << 4,      /* can answer with text/event-stream  */
	GW_ROUTE_HTML = 1 << 5,        /* can answer with text/html          */
	GW_ROUTE_NO_JSON = 1 << 6,     /* cannot answer with JSON            */
	GW_ROUTE_NO_HEAD = 1 << 7,     /* HEAD is 405 (streams)              */
	GW_ROUTE_STATIC = 1 << 8,      /* a file: any query, any Accept      */
	GW_ROUTE_TEXT = 1 << 9,        /* can answer with text/plain         */
	GW_ROUTE_WAV = 1 << 10,        /* can answer with audio/wav          */
	GW_ROUTE_CLICK = 1 << 11,      /* for click tokens, too              */
	GW_ROUTE_PLACES = 1 << 12,     /* places a call                      */
	GW_ROUTE_RAW =
		1 << 13, /* any body, query and Accept: its handler looks at
				 * them, and with PUBLIC at who asks, too      */
	GW_ROUTE_TWILIO =
		1 << 14, /* takes a key as Twilio's clients show it, and a form
			  * whose names may repeat, which its handler reads   */
};

typedef void(gw_route_h)(struct gw_http_req *req);

struct gw_route {
	enum gw_method method;
	const char *path; /* template: "/calls/{id}/events", "/a/{sid}.json" */
	const char *operation_id; /* of openapi.json                           */
	const char *scope; /* NULL: any key will do                     */
	gw_route_h *handler;
	unsigned flags; /* GW_ROUTE_*                                       */
	const char *query; /* names it understands, blank separated; or NULL   */
};

extern const struct gw_route gw_routes[];
extern const size_t gw_route_count;

#endif
