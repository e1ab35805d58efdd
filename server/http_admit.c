/* What is looked at before the body is read, in the order in which it is told:
 * the guard, the target, the method, who may speak to us at all, the route, the
 * key, and whether we will be able to read the body and to be understood.
 *
 * A refusal is either read past (the body is taken and forgotten, the connection
 * goes on) or, where the framing of the request itself is in doubt or the body
 * is too large, answered at once and closed. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http_admit_impl.h"

const char *gw_http_in(const struct gw_http_req *req, const char *name)
{
	return MHD_lookup_connection_value(req->con, MHD_HEADER_KIND, name);
}

bool gw_http_refuse(struct gw_http_req *req, struct gw_http_refusal r)
{
	gw_http_problem(req, r.status, r.code, r.detail);
	return false;
}

bool gw_http_has_body(const struct gw_http_head *h)
{
	return h->chunked || (h->length && strtoull(h->length, NULL, 10));
}

static enum MHD_Result guard_header(void *arg, enum MHD_ValueKind kind,
				    const char *name, const char *value)
{
	(void)kind;
	gw_http_guard_header(arg, name, value);
	return MHD_YES;
}

static bool guard(struct gw_http_req *req, struct gw_http_head *h)
{
	struct gw_http_guard g;
	struct gw_http_refusal r;

	memset(&g, 0, sizeof(g));
	g.bytes = strlen(req->target) + 20;
	(void)MHD_get_connection_values(req->con, MHD_HEADER_KIND, guard_header,
					&g);

	r = gw_http_guard_verdict(&g, h->version);
	if (!r.status)
		r = gw_http_target_parse(req);
	else
		req->path = "";
	if (!r.status && req->authority && g.hosts &&
	    strcasecmp(req->authority, g.host) != 0)
		r = (struct gw_http_refusal){ 400, "bad_request",
					      "the request target names another"
					      " host than the Host header" };
	if (!r.status)
		return true;

	req->hang_up = true;
	req->http->stats.guard_refused++;
	return gw_http_refuse(req, r);
}

static bool expectation(struct gw_http_req *req, const struct gw_http_head *h)
{
	if (!h->expect || !strcasecmp(h->expect, "100-continue"))
		return true;

	req->hang_up = true;
	return gw_http_refuse(
		req, (struct gw_http_refusal){ 417, "expectation_failed",
					       "the only expectation here is"
					       " 100-continue" });
}

static bool look(struct gw_http_req *req, const struct gw_http_head *h)
{
	return expectation(req, h) && gw_http_admit_neighbour(req, h) &&
	       gw_http_admit_route(req, h) && gw_http_admit_key(req, h) &&
	       gw_http_admit_rate(req) && gw_http_admit_query(req) &&
	       gw_http_admit_accept(req) && gw_http_admit_type(req, h) &&
	       gw_http_admit_length(req, h);
}

bool gw_http_admit(struct gw_http_req *req, const char *method,
		   const char *version)
{
	struct gw_http_head h = { .method = method, .version = version };
	bool admitted;

	req->path = "";
	req->head = !strcmp(method, "HEAD");
	req->http10 = !strcmp(version, "HTTP/1.0");
	gw_http_admit_names(req);

	h.host = gw_http_in(req, "Host");
	h.origin = gw_http_in(req, "Origin");
	h.length = gw_http_in(req, "Content-Length");
	h.chunked = gw_http_in(req, "Transfer-Encoding");
	h.expect = gw_http_in(req, "Expect");
	h.type = gw_http_in(req, "Content-Type");
	h.encoding = gw_http_in(req, "Content-Encoding");
	req->cors_origin = gw_http_admit_origin(req, h.origin);

	if (!guard(req, &h))
		return false;
	admitted = look(req, &h);

	/* A refused client that waits for our 100 Continue will not send its
	 * body then, and one beyond the limit isn't worth reading. */
	if (!admitted && gw_http_has_body(&h) &&
	    (h.expect ||
	     (h.length && strtoull(h.length, NULL, 10) > req->body_limit)))
		req->hang_up = true;

	return admitted;
}
