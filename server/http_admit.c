/* What is looked at before the body is read, in the order in which it is told:
 * the guard, the target, the method, who may speak to us at all, the route, the
 * key, and whether we will be able to read the body and to be understood.
 *
 * A refusal is either read past (the body is taken and forgotten, the connection
 * goes on) or, where the framing of the request itself is in doubt or the body
 * is too large, answered at once and closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/rand.h>

#include "config/config.h"
#include "server/http_inside.h"

struct head {
	const char *method, *version;
	const char *host, *origin;
	const char *length, *chunked, *expect;
	const char *type, *encoding;
};

static const char *in(const struct gw_http_req *req, const char *name)
{
	return MHD_lookup_connection_value(req->con, MHD_HEADER_KIND, name);
}

static bool refuse(struct gw_http_req *req, struct gw_http_refusal r)
{
	gw_http_problem(req, r.status, r.code, r.detail);
	return false;
}

static bool has_body(const struct head *h)
{
	return h->chunked || (h->length && strtoull(h->length, NULL, 10));
}

/* Who asks, and by which name the request goes. -------------------------- */

static bool is_trusted_proxy(const struct gw_http_req *req)
{
	const struct gw_config_strings *trusted =
		&req->http->config->http.trusted_proxies;
	struct sa peer, net;

	if (sa_set_str(&peer, req->conn->client, 0))
		return false;

	for (size_t i = 0; i < trusted->count; i++) {
		char text[64];
		const char *slash = strchr(trusted->list[i], '/');
		const size_t len = slash ? (size_t)(slash - trusted->list[i]) :
					   strlen(trusted->list[i]);
		const uint8_t *a, *b;
		unsigned bits, max;

		if (len >= sizeof(text))
			continue;
		memcpy(text, trusted->list[i], len);
		text[len] = '\0';
		if (sa_set_str(&net, text, 0) || sa_af(&net) != sa_af(&peer))
			continue;

		max = sa_af(&net) == AF_INET ? 32 : 128;
		bits = slash ? (unsigned)strtoul(slash + 1, NULL, 10) : max;
		a = max == 32 ? (const uint8_t *)&net.u.in.sin_addr :
				(const uint8_t *)&net.u.in6.sin6_addr;
		b = max == 32 ? (const uint8_t *)&peer.u.in.sin_addr :
				(const uint8_t *)&peer.u.in6.sin6_addr;
		if (bits > max || memcmp(a, b, bits / 8) != 0)
			continue;
		if (!(bits % 8) ||
		    !((a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8)))
			return true;
	}

	return false;
}

static bool is_request_id(const char *id)
{
	const size_t len = strspn(id, "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789-_.:/+=@");

	return len && !id[len] && len < GW_HTTP_ID_SIZE;
}

static void make_id(struct gw_http_req *req)
{
	uint8_t random[16];

	if (RAND_bytes(random, sizeof(random)) != 1)
		memset(random, 0, sizeof(random));
	(void)re_snprintf(req->id, sizeof(req->id), "%w", random,
			  sizeof(random));
}

/* W3C trace context: 00-<32 hex>-<16 hex>-<2 hex>. */
static void take_trace(struct gw_http_req *req, const char *parent)
{
	const char *const hex = "0123456789abcdef";

	if (!parent || strlen(parent) < 55 || strspn(parent, hex) != 2 ||
	    !strncmp(parent, "ff", 2) || parent[2] != '-' ||
	    strspn(parent + 3, hex) != 32 || parent[35] != '-' ||
	    strspn(parent + 36, hex) != 16 || parent[52] != '-' ||
	    strspn(parent + 3, "0") >= 32)
		return;

	memcpy(req->trace_id, parent + 3, 32);
	req->trace_id[32] = '\0';
}

/* The last address of X-Forwarded-For is the one our own proxy has seen. */
static void take_forwarded(struct gw_http_req *req, const char *forwarded)
{
	const char *last;
	struct sa sa;

	if (!forwarded)
		return;

	last = strrchr(forwarded, ',');
	last = last ? last + 1 : forwarded;
	last += strspn(last, " \t");
	if (!sa_set_str(&sa, last, 0))
		(void)re_snprintf(req->client, sizeof(req->client), "%j", &sa);
}

static void take_names(struct gw_http_req *req)
{
	const char *id = in(req, "X-Request-Id");

	(void)str_ncpy(req->client, req->conn->client, sizeof(req->client));
	make_id(req);
	take_trace(req, in(req, "traceparent"));

	if (is_trusted_proxy(req)) {
		if (id && is_request_id(id))
			(void)str_ncpy(req->id, id, sizeof(req->id));
		take_forwarded(req, in(req, "X-Forwarded-For"));
	}
}

/* The checks, one each. -------------------------------------------------- */

static enum MHD_Result guard_header(void *arg, enum MHD_ValueKind kind,
				    const char *name, const char *value)
{
	(void)kind;
	gw_http_guard_header(arg, name, value);
	return MHD_YES;
}

static bool guard(struct gw_http_req *req, struct head *h)
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
	return refuse(req, r);
}

/* scheme://host[:port] of this server, as the client wrote it. */
static bool is_own_origin(const struct gw_http_req *req, const char *origin,
			  const char *host)
{
	const char *const public_url = req->http->config->http.public_base_url;
	const char *const scheme = req->listener->tls ? "https://" : "http://";
	const size_t n = strlen(scheme);

	if (host && !strncasecmp(origin, scheme, n) &&
	    !strcasecmp(origin + n, host))
		return true;

	return public_url && !strncasecmp(public_url, origin, strlen(origin)) &&
	       (!public_url[strlen(origin)] ||
		public_url[strlen(origin)] == '/');
}

static const char *allowed_origin(const struct gw_http_req *req,
				  const char *origin)
{
	const struct gw_config_strings *list =
		&req->http->config->http.cors_origins;

	for (size_t i = 0; origin && i < list->count; i++) {
		if (!strcmp(list->list[i], origin))
			return origin;
	}

	return NULL;
}

/* A page in the developer's own browser can reach 127.0.0.1, and, with a DNS
 * name that changes its mind, even call itself our origin. Without keys nothing
 * else would stop it from dialling; with a session cookie SameSite does, and
 * this is the second bolt. */
static bool neighbours(struct gw_http_req *req, const struct head *h)
{
	const bool open = !gw_auth_needed(req->http->auth);
	const char *const host = req->authority ? req->authority : h->host;
	const bool foreign = h->origin && !req->cors_origin &&
			     !is_own_origin(req, h->origin, host);

	if (!open)
		return true;

	/* no browser leaves Host out; an old health check may */
	if (!req->conn->local || (host && !gw_http_host_is_local(host)))
		return refuse(req, (struct gw_http_refusal){
					   403, "host_refused",
					   "without keys only this machine may"
					   " ask, by the name localhost,"
					   " 127.0.0.1 or [::1]" });
	if (foreign)
		return refuse(req, (struct gw_http_refusal){
					   403, "origin_refused",
					   "pages of other origins may not ask"
					   " (http.cors_origins lists those"
					   " that may)" });

	return true;
}

static bool preflight(struct gw_http_req *req)
{
	const char *const method = in(req, "Access-Control-Request-Method");
	char allow[64];

	gw_http_allow(allow, sizeof(allow), req->match.allowed,
		      !(req->match.flags & GW_ROUTE_NO_HEAD));
	(void)gw_http_header(req, "Allow", allow);

	if (req->cors_origin && method) {
		(void)gw_http_header(req, "Access-Control-Allow-Methods",
				     allow);
		(void)gw_http_header(req, "Access-Control-Allow-Headers",
				     "Authorization, Content-Type,"
				     " Idempotency-Key, If-None-Match,"
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

static bool find_route(struct gw_http_req *req, const struct head *h)
{
	static const struct {
		const char *name;
		enum gw_method method;
	} methods[] = {
		{ "GET", GW_GET },
		{ "HEAD", GW_GET },
		{ "POST", GW_POST },
		{ "PUT", GW_PUT },
		{ "DELETE", GW_DELETE },
		{ "PATCH", GW_PATCH },
		{ "OPTIONS", (enum gw_method)0 },
	};
	const size_t count = sizeof(methods) / sizeof(methods[0]);
	struct gw_route_match *const m = &req->match;
	const bool is_file = gw_http_file(req->path) != NULL;
	size_t i = 0;
	char allow[64];

	while (i < count && strcmp(methods[i].name, h->method) != 0)
		i++;
	if (i == count)
		return refuse(req, (struct gw_http_refusal){
					   501, "not_implemented",
					   "no resource here knows this"
					   " method" });

	gw_http_route_match(m, req->http->routes, req->http->route_count,
			    is_file ? "/" : req->path, methods[i].method);
	if (i == count - 1 && !strcmp(req->path, "*"))
		return preflight(req);
	if (!m->allowed)
		return refuse(req, (struct gw_http_refusal){
					   404, "not_found",
					   "there is nothing at this path" });
	if (i == count - 1)
		return preflight(req);

	if (!m->route || (req->head && (m->flags & GW_ROUTE_NO_HEAD))) {
		gw_http_allow(allow, sizeof(allow), m->allowed,
			      !(m->flags & GW_ROUTE_NO_HEAD));
		(void)gw_http_header(req, "Allow", allow);
		return refuse(req, (struct gw_http_refusal){
					   405, "method_not_allowed",
					   "this resource has other methods:"
					   " see Allow" });
	}
	if (!copy_params(req))
		return refuse(req, (struct gw_http_refusal){ 503, "memory",
							     "out of memory" });

	return true;
}

static bool unauthorized(struct gw_http_req *req, enum gw_auth_verdict verdict)
{
	req->http->stats.auth_failures++;
	if (verdict == GW_AUTH_LIMITED) {
		(void)gw_http_header(req, "Retry-After", "60");
		return refuse(req, (struct gw_http_refusal){
					   429, "rate_limited",
					   "too many wrong keys from this"
					   " address" });
	}

	(void)gw_http_header(req, "WWW-Authenticate",
			     verdict == GW_AUTH_WRONG ?
				     "Bearer realm=\"bellpull\", "
				     "error=\"invalid_token\"" :
				     "Bearer realm=\"bellpull\"");
	return refuse(req, (struct gw_http_refusal){
				   401, "unauthorized",
				   verdict == GW_AUTH_WRONG ?
					   "this key or session is not known" :
					   "a key is needed: Authorization:"
					   " Bearer KEY" });
}

static bool authorize(struct gw_http_req *req, const struct head *h)
{
	const struct gw_route *const route = req->match.route;
	const struct gw_auth_try shown = {
		.authorization = in(req, "Authorization"),
		.cookie = in(req, "Cookie"),
		.client = req->client,
	};
	const bool shows = shown.authorization || shown.cookie;
	enum gw_auth_verdict verdict;

	/* public routes say more to those who are known */
	if ((route->flags & GW_ROUTE_PUBLIC) && !shows)
		return true;

	verdict = gw_auth_check(req->http->auth, &req->key, &req->by_cookie,
				&shown, tmr_jiffies());
	if (route->flags & GW_ROUTE_PUBLIC)
		return true;
	if (verdict != GW_AUTH_OK)
		return unauthorized(req, verdict);

	if (req->by_cookie && route->method != GW_GET && h->origin &&
	    !is_own_origin(req, h->origin, h->host))
		return refuse(req, (struct gw_http_refusal){
					   403, "origin_refused",
					   "a session is for the page of this"
					   " server alone" });

	if (!gw_auth_may(req->key, route->scope)) {
		(void)gw_http_headerf(req, "WWW-Authenticate",
				      "Bearer realm=\"bellpull\", "
				      "error=\"insufficient_scope\", "
				      "scope=\"%s\"",
				      route->scope);
		gw_http_problemf(req, 403, "missing_scope",
				 "this key lacks the scope %s", route->scope);
		return false;
	}

	return true;
}

static bool within_rate(struct gw_http_req *req)
{
	uint32_t wait_s;

	/* probes must not fail because others ask a lot */
	if (req->match.flags & GW_ROUTE_PUBLIC)
		return true;

	wait_s = gw_auth_rate(req->http->auth, req->key, tmr_jiffies());
	if (!wait_s)
		return true;

	(void)gw_http_headerf(req, "Retry-After", "%u", wait_s);
	return refuse(req, (struct gw_http_refusal){
				   429, "rate_limited",
				   "more requests a second than"
				   " limits.requests_per_s allows" });
}

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
static bool query_known(struct gw_http_req *req)
{
	if (req->match.flags & GW_ROUTE_STATIC)
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

static bool acceptable(struct gw_http_req *req)
{
	const unsigned flags = req->match.flags;

	if ((flags & GW_ROUTE_STATIC) ||
	    gw_http_accepts(&req->accept, in(req, "Accept"), flags))
		return true;

	gw_http_problemf(req, 406, "not_acceptable", "available here:%s%s%s%s",
			 flags & GW_ROUTE_EVENTS ? " text/event-stream" : "",
			 flags & GW_ROUTE_NO_JSON ? "" : " application/json",
			 flags & GW_ROUTE_HTML ? " text/html" : "",
			 flags & GW_ROUTE_TEXT ? " text/plain" : "");
	return false;
}

static bool wrong_type(struct gw_http_req *req, const char *detail)
{
	(void)gw_http_header(req, "Accept-Post",
			     "application/json, "
			     "application/x-www-form-urlencoded");
	return refuse(req, (struct gw_http_refusal){
				   415, "unsupported_media_type", detail });
}

/* Only bodies that a handler will read have to be of a kind. */
static bool readable(struct gw_http_req *req, const struct head *h)
{
	const unsigned flags = req->match.flags;

	if (!(flags & (GW_ROUTE_JSON | GW_ROUTE_FORM)))
		return true;

	if (!has_body(h)) {
		if (flags & GW_ROUTE_BODY_OPTIONAL)
			return true;
		return refuse(req, (struct gw_http_refusal){
					   400, "body_missing",
					   "a body is needed: JSON or a"
					   " form" });
	}

	if (h->encoding && strcasecmp(h->encoding, "identity") != 0) {
		(void)gw_http_header(req, "Accept-Encoding", "identity");
		return refuse(req, (struct gw_http_refusal){
					   415, "unsupported_encoding",
					   "bodies are read as they are,"
					   " without Content-Encoding" });
	}
	if (!h->type)
		return wrong_type(req, "the body has no Content-Type");

	switch (gw_http_content_type(h->type)) {
	case GW_HTTP_TYPE_JSON:
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

static bool small_enough(struct gw_http_req *req, const struct head *h)
{
	if (!h->length || strtoull(h->length, NULL, 10) <= req->body_limit)
		return true;

	req->hang_up = true;
	gw_http_problemf(req, 413, "body_too_large",
			 "the body is larger than %llu bytes",
			 (unsigned long long)req->body_limit);
	return false;
}

static bool expectation(struct gw_http_req *req, const struct head *h)
{
	if (!h->expect || !strcasecmp(h->expect, "100-continue"))
		return true;

	req->hang_up = true;
	return refuse(req,
		      (struct gw_http_refusal){ 417, "expectation_failed",
						"the only expectation here is"
						" 100-continue" });
}

static bool look(struct gw_http_req *req, const struct head *h)
{
	return expectation(req, h) && neighbours(req, h) &&
	       find_route(req, h) && authorize(req, h) && within_rate(req) &&
	       query_known(req) && acceptable(req) && readable(req, h) &&
	       small_enough(req, h);
}

bool gw_http_admit(struct gw_http_req *req, const char *method,
		   const char *version)
{
	struct head h = { .method = method, .version = version };
	bool admitted;

	req->path = "";
	req->head = !strcmp(method, "HEAD");
	req->http10 = !strcmp(version, "HTTP/1.0");
	take_names(req);

	h.host = in(req, "Host");
	h.origin = in(req, "Origin");
	h.length = in(req, "Content-Length");
	h.chunked = in(req, "Transfer-Encoding");
	h.expect = in(req, "Expect");
	h.type = in(req, "Content-Type");
	h.encoding = in(req, "Content-Encoding");
	req->cors_origin = allowed_origin(req, h.origin);

	if (!guard(req, &h))
		return false;
	admitted = look(req, &h);

	/* A refused client that waits for our 100 Continue will not send its
	 * body then, and one beyond the limit isn't worth reading. */
	if (!admitted && has_body(&h) &&
	    (h.expect ||
	     (h.length && strtoull(h.length, NULL, 10) > req->body_limit)))
		req->hang_up = true;

	return admitted;
}
