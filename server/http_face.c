/* The handlers that need nothing but the HTTP face: probes, the page, its
 * session, and the description of the API. */
#include <string.h>

#include "config/config.h"
#include "server/api.h"
#include "server/http_inside.h"

/* GET /livez (getLivez): the loop turns, or nobody would answer. */
void gw_api_get_livez(struct gw_http_req *req)
{
	gw_http_reply_text(req, 200, "application/json", "{\"status\":\"ok\"}");
}

/* GET /readyz (getReadyz): what exactly isn't ready is told to those who may
 * know: everybody on a machine without keys, or the holder of a key. */
void gw_api_get_readyz(struct gw_http_req *req)
{
	struct gw_http *const http = req->http;
	const bool open = !gw_auth_needed(http->auth) || req->key;
	struct mbuf *checks = mbuf_alloc(256), *body = mbuf_alloc(256);
	bool ready = !http->draining;
	int err = 0;

	if (!checks || !body) {
		gw_http_problem(req, 503, "memory", "out of memory");
		goto out;
	}

	if (http->readyh && !http->readyh(http->app, checks))
		ready = false;

	err = mbuf_printf(body, "{\"status\":\"%s\"",
			  ready          ? "ok" :
			  http->draining ? "draining" :
					   "unready");
	if (open)
		err |= mbuf_printf(body, ",\"checks\":{%b}", checks->buf,
				   checks->end);
	err |= mbuf_write_u8(body, '}');
	if (err) {
		gw_http_problem(req, 503, "memory", "out of memory");
		goto out;
	}

	if (!ready)
		(void)gw_http_header(req, "Retry-After", "5");
	gw_http_reply(req, ready ? 200 : 503, "application/json", body);

out:
	mem_deref(checks);
	mem_deref(body);
}

/* GET /openapi.json (getOpenapi) */
void gw_api_get_openapi(struct gw_http_req *req)
{
	(void)gw_http_header(req, "Cache-Control", "no-cache");
	gw_http_reply_file(req, gw_http_openapi());
}

/* GET / and every other file of the page (getPage) */
void gw_api_get_page(struct gw_http_req *req)
{
	gw_http_page(req, req->path);
}

/* The secret of POST /session; NULL when 422 has been said. */
static const char *session_key(struct gw_http_req *req)
{
	const struct gw_json *root = gw_http_json(req), *m;
	const char *secret = gw_json_string(gw_json_get(root, "key"));
	bool wrong = false;

	if (!secret) {
		gw_http_problem_add(req, "/key", "the API key, a string");
		wrong = true;
	}
	for (m = gw_json_first(root); m; m = gw_json_next(m)) {
		char pointer[GW_JSON_POINTER_SIZE] = "";

		if (gw_json_type(root) != GW_JSON_OBJECT ||
		    !strcmp(gw_json_name(m), "key"))
			continue;
		(void)gw_json_pointer_add(pointer, sizeof(pointer),
					  gw_json_name(m));
		gw_http_problem_add(req, pointer, "not a member here");
		wrong = true;
	}

	if (!wrong)
		return secret;
	gw_http_problem(req, 422, "invalid_session",
			"a session takes one member: key");
	return NULL;
}

static bool is_https(const struct gw_http_req *req)
{
	const char *const url = req->http->config->http.public_base_url;

	return req->listener->tls || (url && !strncmp(url, "https:", 6));
}

/* POST /session (createSession): a key for a cookie, so that the page need not
 * keep the key where scripts can read it. */
void gw_api_create_session(struct gw_http_req *req)
{
	char cookie[GW_AUTH_COOKIE_SIZE];
	const char *const secret = session_key(req);

	if (!secret)
		return;

	switch (gw_auth_login(req->http->auth, cookie, secret, req->client,
			      tmr_jiffies())) {
	case GW_AUTH_OK:
		(void)gw_http_headerf(req, "Set-Cookie",
				      GW_AUTH_COOKIE "=%s; Path=/; HttpOnly;"
						     " SameSite=Strict%s",
				      cookie, is_https(req) ? "; Secure" : "");
		gw_http_reply(req, 204, NULL, NULL);
		break;
	case GW_AUTH_LIMITED:
		req->http->stats.auth_failures++;
		(void)gw_http_header(req, "Retry-After", "60");
		gw_http_problem(req, 429, "rate_limited",
				"too many wrong keys from this address");
		break;
	case GW_AUTH_MEMORY:
		gw_http_problem(req, 503, "memory", NULL);
		break;
	case GW_AUTH_NONE:
	case GW_AUTH_WRONG:
	default:
		req->http->stats.auth_failures++;
		(void)gw_http_header(req, "WWW-Authenticate",
				     "Bearer realm=\"bellpull\", "
				     "error=\"invalid_token\"");
		gw_http_problem(req, 401, "unauthorized",
				"this key is not known");
		break;
	}
	explicit_bzero(cookie, sizeof(cookie));
}
