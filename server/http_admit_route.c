/* Which row of the table answers: the method, the path, and what OPTIONS says
 * about both. */
#include <string.h>

#include "server/http_admit_impl.h"
#include "server/twilio.h"

/* It is no row's method. */
#define OPTIONS ((enum gw_method)0)

static const struct {
	const char *name;
	enum gw_method method;
} methods[] = {
	{ "GET", GW_GET },      { "HEAD", GW_GET },      { "POST", GW_POST },
	{ "PUT", GW_PUT },      { "DELETE", GW_DELETE }, { "PATCH", GW_PATCH },
	{ "OPTIONS", OPTIONS },
};

enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

/* false: no method that anything here knows. */
static bool method_of(enum gw_method *methodp, const char *name)
{
	for (size_t i = 0; i < METHODS; i++) {
		if (strcmp(methods[i].name, name) != 0)
			continue;
		*methodp = methods[i].method;
		return true;
	}

	return false;
}

/* A page's preflight says nothing of its token, so it is taken at its word on the
 * routes that are for click tokens; gw_http_admit_key() sees the token. */
static void look_for_click(struct gw_http_req *req, const char *method)
{
	const char *const origin = gw_http_in(req, "Origin");
	struct gw_route_match m;
	enum gw_method wanted;

	if (!method_of(&wanted, method) || !gw_http_admit_stranger(req, origin))
		return;
	gw_http_route_match(&m, req->http->routes, req->http->route_count,
			    req->path, wanted);
	if (m.route && m.flags & GW_ROUTE_CLICK)
		req->cors_origin = origin;
}

static bool preflight(struct gw_http_req *req)
{
	const char *const method =
		gw_http_in(req, "Access-Control-Request-Method");
	char allow[64];

	if (method && !req->cors_origin)
		look_for_click(req, method);

	gw_http_allow(allow, sizeof(allow), req->match.allowed,
		      !(req->match.flags & GW_ROUTE_NO_HEAD));
	(void)gw_http_header(req, "Allow", allow);

	if (req->cors_origin && method) {
		(void)gw_http_header(req, "Access-Control-Allow-Methods",
				     allow);
		(void)gw_http_header(
			req, "Access-Control-Allow-Headers",
			"Authorization, Content-Type,"
			" Idempotency-Key, If-Match, If-None-Match,"
			" Last-Event-ID, traceparent");
		(void)gw_http_header(req, "Access-Control-Max-Age", "600");
	}

	gw_http_reply(req, 204, NULL, NULL);
	return false;
}

static bool copy_params(struct gw_http_req *req)
{
	for (size_t i = 0; i < req->match.param_count; i++) {
		const struct pl pl = { req->match.params[i].value,
				       req->match.params[i].value_len };

		if (pl_strdup(&req->params[i], &pl))
			return false;
	}

	return true;
}

/* What we have not of Twilio's API is told by its name. */
static bool nothing_there(struct gw_http_req *req)
{
	if (strncmp(req->path, GW_TWILIO_ROOT, strlen(GW_TWILIO_ROOT)) != 0)
		return gw_http_refuse(
			req, (struct gw_http_refusal){
				     404, "not_found",
				     "there is nothing at this path" });
	gw_http_problemf(req, 404, "not_found",
			 "The requested resource %.200s was not found: of "
			 "Twilio's API there are Accounts/{AccountSid}/Calls",
			 req->path);
	return false;
}

bool gw_http_admit_route(struct gw_http_req *req, const struct gw_http_head *h)
{
	struct gw_route_match *const m = &req->match;
	const bool is_file = gw_http_file(req->path) != NULL;
	enum gw_method method;
	char allow[64];

	if (!method_of(&method, h->method))
		return gw_http_refuse(req, (struct gw_http_refusal){
						   501, "not_implemented",
						   "no resource here knows this"
						   " method" });

	gw_http_route_match(m, req->http->routes, req->http->route_count,
			    is_file ? "/" : req->path, method);
	if (method == OPTIONS && !strcmp(req->path, "*"))
		return preflight(req);
	if (!m->allowed)
		return nothing_there(req);
	if (method == OPTIONS)
		return preflight(req);

	if (!m->route || (req->head && (m->flags & GW_ROUTE_NO_HEAD))) {
		gw_http_allow(allow, sizeof(allow), m->allowed,
			      !(m->flags & GW_ROUTE_NO_HEAD));
		(void)gw_http_header(req, "Allow", allow);
		return gw_http_refuse(req,
				      (struct gw_http_refusal){
					      405, "method_not_allowed",
					      "this resource has other methods:"
					      " see Allow" });
	}
	if (!copy_params(req))
		return gw_http_refuse(req,
				      (struct gw_http_refusal){
					      503, "memory", "out of memory" });

	return true;
}
