/* What the checks before the body share; nobody else includes it.
 *
 *   http_admit.c           their order; the guard, Expect
 *   http_admit_names.c     request id, trace, the client's address
 *   http_admit_who.c       machines, origins, keys, rates
 *   http_admit_route.c     method and path; OPTIONS
 *   http_admit_content.c   query, Accept, kind and size of the body */
#ifndef BELLPULL_SERVER_HTTP_ADMIT_IMPL_H
#define BELLPULL_SERVER_HTTP_ADMIT_IMPL_H

#include "server/http_inside.h"

/* Of the request head; NULL: not sent. */
struct gw_http_head {
	const char *method, *version;
	const char *host, *origin;
	const char *length, *chunked, *expect;
	const char *type, *encoding;
};

const char *gw_http_in(const struct gw_http_req *req, const char *name);
bool gw_http_has_body(const struct gw_http_head *h);
/* Answers with a problem. Always false. */
bool gw_http_refuse(struct gw_http_req *req, struct gw_http_refusal r);

/* Sets id, trace_id and client. */
void gw_http_admit_names(struct gw_http_req *req);

/* The checks: false when they have answered. */
bool gw_http_admit_neighbour(struct gw_http_req *req,
			     const struct gw_http_head *h);
bool gw_http_admit_route(struct gw_http_req *req, const struct gw_http_head *h);
bool gw_http_admit_key(struct gw_http_req *req, const struct gw_http_head *h);
bool gw_http_admit_rate(struct gw_http_req *req);
bool gw_http_admit_query(struct gw_http_req *req);
bool gw_http_admit_accept(struct gw_http_req *req);
bool gw_http_admit_type(struct gw_http_req *req, const struct gw_http_head *h);
bool gw_http_admit_length(struct gw_http_req *req,
			  const struct gw_http_head *h);

/* origin, if http.cors_origins lists it, or NULL. */
const char *gw_http_admit_origin(const struct gw_http_req *req,
				 const char *origin);
/* Is a preflight the one that a page with a click token makes? What it may read
 * is decided by the request itself, whose token names its page. */
bool gw_http_admit_stranger(const struct gw_http_req *req, const char *origin);

#endif
