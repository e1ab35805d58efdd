/* Who may ask: from which machine and which page, with which key, and how
 * often. */
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/http_admit_impl.h"
#include "server/key.h"

/* Origins ----------------------------------------------------------------- */

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

const char *gw_http_admit_origin(const struct gw_http_req *req,
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

/* An origin as browsers write it; "null" is none. */
static bool is_web_origin(const char *origin)
{
	const char *const host = !strncmp(origin, "https://", 8) ? origin + 8 :
				 !strncmp(origin, "http://", 7)  ? origin + 7 :
								   "";

	return gw_http_host_ok(host);
}

static bool is_listed(const char *list, const char *name)
{
	const size_t len = strlen(name);

	while (list && *list) {
		list += strspn(list, " \t,");
		const size_t n = strcspn(list, " \t,");

		if (n == len && !strncasecmp(list, name, len))
			return true;
		list += n;
	}

	return false;
}

/* Nothing is sent by itself along with an Authorization header: who makes one knows
 * what stands in it. Cookies stay at home, for no answer allows credentials. */
bool gw_http_admit_stranger(const struct gw_http_req *req, const char *origin)
{
	const char *const headers =
		gw_http_in(req, "Access-Control-Request-Headers");

	return gw_auth_needed(req->http->auth) && origin &&
	       is_web_origin(origin) && is_listed(headers, "Authorization");
}

/* A page in the developer's own browser can reach 127.0.0.1, and, with a DNS
 * name that changes its mind, even call itself our origin. Without keys nothing
 * else would stop it from dialling; with a session cookie SameSite does, and
 * this is the second bolt. */
bool gw_http_admit_neighbour(struct gw_http_req *req,
			     const struct gw_http_head *h)
{
	const bool open = !gw_auth_needed(req->http->auth);
	const char *const host = req->authority ? req->authority : h->host;
	const bool foreign = h->origin && !req->cors_origin &&
			     !is_own_origin(req, h->origin, host);

	if (!open)
		return true;

	/* no browser leaves Host out; an old health check may */
	if (!req->conn->local || (host && !gw_http_host_is_local(host)))
		return gw_http_refuse(
			req, (struct gw_http_refusal){
				     403, "host_refused",
				     "without keys only this machine may"
				     " ask, by the name localhost,"
				     " 127.0.0.1 or [::1]" });
	if (foreign)
		return gw_http_refuse(
			req, (struct gw_http_refusal){
				     403, "origin_refused",
				     "pages of other origins may not ask"
				     " (http.cors_origins lists those"
				     " that may)" });

	return true;
}

/* Keys -------------------------------------------------------------------- */

static bool is_twilio(const struct gw_http_req *req)
{
	return req->match.flags & GW_ROUTE_TWILIO;
}

static bool unauthorized(struct gw_http_req *req, enum gw_auth_verdict verdict,
			 const char *why)
{
	if (verdict == GW_AUTH_MEMORY)
		return gw_http_refuse(
			req, (struct gw_http_refusal){ 503, "memory", NULL });
	req->http->stats.auth_failures++;
	if (verdict == GW_AUTH_LIMITED) {
		(void)gw_http_header(req, "Retry-After", "60");
		return gw_http_refuse(req,
				      (struct gw_http_refusal){
					      429, "rate_limited",
					      "too many wrong keys from this"
					      " address" });
	}

	(void)gw_http_header(req, "WWW-Authenticate",
			     is_twilio(req) ? "Basic realm=\"bellpull\"" :
			     verdict == GW_AUTH_WRONG ?
					      "Bearer realm=\"bellpull\", "
					      "error=\"invalid_token\"" :
					      "Bearer realm=\"bellpull\"");
	return gw_http_refuse(
		req,
		(struct gw_http_refusal){
			401, "unauthorized",
			verdict == GW_AUTH_WRONG ? why :
			is_twilio(req) ? "a key is needed: AccountSid and "
					 "AuthToken by Authorization: Basic" :
					 "a key is needed: Authorization:"
					 " Bearer KEY" });
}

static bool lacks_scope(struct gw_http_req *req)
{
	const char *const scope = req->match.route->scope;

	(void)gw_http_headerf(req, "WWW-Authenticate",
			      "Bearer realm=\"bellpull\", "
			      "error=\"insufficient_scope\", "
			      "scope=\"%s\"",
			      scope);
	gw_http_problemf(req, 403, "missing_scope",
			 "this key lacks the scope %s", scope);
	return false;
}

/* A click token places its calls, and sees and ends those. */
static bool admit_click(struct gw_http_req *req)
{
	const struct gw_route *const route = req->match.route;

	/* its Origin has been compared with the token's */
	if (is_web_origin(req->key->click->origin))
		req->cors_origin = req->key->click->origin;
	if (!(route->flags & GW_ROUTE_CLICK))
		return gw_http_refuse(req, (struct gw_http_refusal){
						   403, "missing_scope",
						   "a click token is for the"
						   " calls it places, and for"
						   " nothing else" });
	if (req->key->click->spent && (route->flags & GW_ROUTE_PLACES))
		return unauthorized(req, GW_AUTH_WRONG,
				    "this click token has expired: get a new"
				    " one");
	return true;
}

static enum gw_auth_verdict look_at_key(struct gw_http_req *req,
					const struct gw_http_head *h,
					const char **whyp)
{
	const struct gw_auth_try shown = {
		.authorization = gw_http_in(req, "Authorization"),
		.cookie = is_twilio(req) ? NULL : gw_http_in(req, "Cookie"),
		.origin = h->origin,
		.ticket = req->match.flags & GW_ROUTE_EVENTS ?
				  gw_http_query(req, "ticket") :
				  NULL,
		.call_id = gw_http_param(req, "id"),
		.again = gw_http_in(req, "Last-Event-ID") != NULL,
		.basic = is_twilio(req),
		.client = req->client,
	};
	const bool shows = shown.authorization || shown.cookie || shown.ticket;

	/* public routes say more to those who are known */
	if ((req->match.flags & GW_ROUTE_PUBLIC) && !shows)
		return GW_AUTH_OK;

	return gw_auth_check(req->http->auth, &req->key, &req->way, &shown,
			     tmr_jiffies(), gw_clock_ms() / 1000, whyp);
}

bool gw_http_admit_key(struct gw_http_req *req, const struct gw_http_head *h)
{
	const struct gw_route *const route = req->match.route;
	const char *why = NULL;
	enum gw_auth_verdict verdict;

	/* what a CRM shows is none of our keys */
	if ((route->flags & GW_ROUTE_PUBLIC) && (route->flags & GW_ROUTE_RAW))
		return true;
	verdict = look_at_key(req, h, &why);
	if (route->flags & GW_ROUTE_PUBLIC)
		return true;
	if (verdict != GW_AUTH_OK)
		return unauthorized(req, verdict, why);

	if (req->way == GW_AUTH_BY_COOKIE && route->method != GW_GET &&
	    h->origin && !is_own_origin(req, h->origin, h->host))
		return gw_http_refuse(
			req, (struct gw_http_refusal){
				     403, "origin_refused",
				     "a session is for the page of this"
				     " server alone" });

	if (req->key && req->key->click)
		return admit_click(req);
	return gw_key_may(req->key, route->scope) || lacks_scope(req);
}

bool gw_http_admit_rate(struct gw_http_req *req)
{
	uint32_t wait_s;

	/* probes must not fail because others ask a lot */
	if (req->match.flags & GW_ROUTE_PUBLIC)
		return true;

	wait_s = gw_auth_rate(req->http->auth, req->key, tmr_jiffies());
	if (!wait_s)
		return true;

	(void)gw_http_headerf(req, "Retry-After", "%u", wait_s);
	(void)gw_http_headerf(req, "RateLimit-Policy", "\"requests\";q=%u;w=1",
			      req->http->config->limits.requests_per_s);
	(void)gw_http_headerf(req, "RateLimit", "\"requests\";r=0;t=%u",
			      wait_s);
	return gw_http_refuse(req, (struct gw_http_refusal){
					   429, "rate_limited",
					   "more requests a second than"
					   " limits.requests_per_s allows" });
}
