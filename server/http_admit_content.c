/* Whether we will understand the request and be understood: the names in its
 * query, the kind of answer it accepts, and the kind and the size of its body. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http_admit_impl.h"

static bool is_listed(const char *names, const char *name)
{
	const size_t len = strlen(name);

	while (names && *names) {
		const size_t n = strcspn(names, " ");

		if (n == len && !memcmp(names, name, n))
			return true;
		names += n;
		names += strspn(names, " ");
	}

	return false;
}

/* A typo in ?dry_run must not dial. */
bool gw_http_admit_query(struct gw_http_req *req)
{
	if (req->match.flags & (GW_ROUTE_STATIC | GW_ROUTE_RAW))
		return true;

	for (size_t i = 0; i < req->query_count; i++) {
		const char *const name = req->query[i].name;

		if (!is_listed(req->match.route->query, name)) {
			gw_http_problemf(req, 400, "unknown_parameter",
					 "the query has a name that is not"
					 " known here: %s",
					 name);
			return false;
		}
		for (size_t k = 0; k < i; k++) {
			if (!strcmp(req->query[k].name, name)) {
				gw_http_problemf(req, 400,
						 "duplicate_parameter",
						 "the query has this name"
						 " twice: %s",
						 name);
				return false;
			}
		}
	}

	return true;
}

bool gw_http_admit_accept(struct gw_http_req *req)
{
	const unsigned flags = req->match.flags;

	if ((flags & (GW_ROUTE_STATIC | GW_ROUTE_RAW)) ||
	    gw_http_accepts(&req->accept, gw_http_in(req, "Accept"), flags))
		return true;

	gw_http_problemf(req, 406, "not_acceptable",
			 "available here:%s%s%s%s%s",
			 flags & GW_ROUTE_EVENTS ? " text/event-stream" : "",
			 flags & GW_ROUTE_NO_JSON ? "" : " application/json",
			 flags & GW_ROUTE_HTML ? " text/html" : "",
			 flags & GW_ROUTE_TEXT ? " text/plain" : "",
			 flags & GW_ROUTE_WAV ? " audio/wav" : "");
	return false;
}

static bool wrong_type(struct gw_http_req *req, const char *detail)
{
	(void)gw_http_header(req, "Accept-Post",
			     req->match.flags & GW_ROUTE_JSON ?
				     "application/json, "
				     "application/x-www-form-urlencoded" :
				     "application/x-www-form-urlencoded");
	return gw_http_refuse(req,
			      (struct gw_http_refusal){
				      415, "unsupported_media_type", detail });
}

/* Only bodies that a handler will read have to be of a kind. */
bool gw_http_admit_type(struct gw_http_req *req, const struct gw_http_head *h)
{
	const unsigned flags = req->match.flags;

	if (!(flags & (GW_ROUTE_JSON | GW_ROUTE_FORM | GW_ROUTE_RAW)))
		return true;

	if (!gw_http_has_body(h)) {
		if (flags & (GW_ROUTE_BODY_OPTIONAL | GW_ROUTE_RAW))
			return true;
		return gw_http_refuse(
			req,
			(struct gw_http_refusal){ 400, "body_missing",
						  flags & GW_ROUTE_JSON ?
							  "a body is needed:"
							  " JSON or a form" :
							  "a form is needed" });
	}

	if (h->encoding && strcasecmp(h->encoding, "identity") != 0) {
		(void)gw_http_header(req, "Accept-Encoding", "identity");
		return gw_http_refuse(req,
				      (struct gw_http_refusal){
					      415, "unsupported_encoding",
					      "bodies are read as they are,"
					      " without Content-Encoding" });
	}
	if (flags & GW_ROUTE_RAW)
		return true;
	if (!h->type)
		return wrong_type(req, "the body has no Content-Type");

	switch (gw_http_content_type(h->type)) {
	case GW_HTTP_TYPE_JSON:
		if (!(flags & GW_ROUTE_JSON))
			return wrong_type(req, "the body must be a form");
		req->body_json = true;
		return true;
	case GW_HTTP_TYPE_FORM:
		req->body_form = true;
		return true;
	case GW_HTTP_TYPE_CHARSET:
		return wrong_type(req, "the only charset here is UTF-8");
	case GW_HTTP_TYPE_OTHER:
	default:
		return wrong_type(req, "the body must be JSON or a form");
	}
}

bool gw_http_admit_length(struct gw_http_req *req, const struct gw_http_head *h)
{
	/* a CRM gathers what it has to say */
	if (req->match.flags & GW_ROUTE_RAW)
		req->body_limit = MAX(req->body_limit, GW_HTTP_RAW_MAX);
	if (!h->length || strtoull(h->length, NULL, 10) <= req->body_limit)
		return true;

	req->hang_up = true;
	gw_http_problemf(req, 413, "body_too_large",
			 "the body is larger than %llu bytes",
			 (unsigned long long)req->body_limit);
	return false;
}
