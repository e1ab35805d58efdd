/* What handlers may ask of a request, and how they put off the answer: see
 * http.h. */
#include <string.h>

#include "config/config.h"
#include "server/http_inside.h"

void *gw_http_app(const struct gw_http_req *req)
{
	return req->http->app;
}

struct gw_http *gw_http_of(const struct gw_http_req *req)
{
	return req->http;
}

const struct gw_config *gw_http_config(const struct gw_http_req *req)
{
	return req->http->config;
}

const struct gw_route *gw_http_route(const struct gw_http_req *req)
{
	return req->match.route;
}

/* The bits of the route, not libmicrohttpd's word: that one is gone with the
 * connection. */
const char *gw_http_method(const struct gw_http_req *req)
{
	switch (req->match.route->method) {
	case GW_GET:
		return "GET";
	case GW_POST:
		return "POST";
	case GW_DELETE:
		return "DELETE";
	case GW_PUT:
		return "PUT";
	case GW_PATCH:
		return "PATCH";
	}

	return "";
}

const char *gw_http_path(const struct gw_http_req *req)
{
	return req->path;
}

const char *gw_http_target(const struct gw_http_req *req)
{
	const char *target = req->target;

	if (req->authority) /* http://host/path */
		target = strstr(target, "://") + 3;
	target += req->authority ? strcspn(target, "/?") : 0;
	return *target ? target : "/";
}

const char *gw_http_param(const struct gw_http_req *req, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < req->match.param_count; i++) {
		if (req->match.params[i].name_len == len &&
		    !memcmp(req->match.params[i].name, name, len))
			return req->params[i];
	}

	return NULL;
}

const char *gw_http_query(const struct gw_http_req *req, const char *name)
{
	for (size_t i = 0; i < req->query_count; i++) {
		if (!strcmp(req->query[i].name, name))
			return req->query[i].value;
	}

	return NULL;
}

const char *gw_http_header_in(const struct gw_http_req *req, const char *name)
{
	return req->con ? MHD_lookup_connection_value(req->con, MHD_HEADER_KIND,
						      name) :
			  NULL;
}

const uint8_t *gw_http_body(const struct gw_http_req *req, size_t *lenp)
{
	*lenp = req->body ? req->body->end : 0;

	return req->body ? req->body->buf : (const uint8_t *)"";
}

const struct gw_json *gw_http_json(const struct gw_http_req *req)
{
	return req->doc ? gw_json_root(req->doc) : NULL;
}

const struct gw_json_doc *gw_http_doc(const struct gw_http_req *req)
{
	return req->doc;
}

void gw_http_take_json(struct gw_http_req *req, struct gw_json_doc *doc)
{
	mem_deref(req->doc);
	req->doc = doc;
}

bool gw_http_is_form(const struct gw_http_req *req)
{
	return req->body_form;
}

enum gw_http_accept gw_http_accept(const struct gw_http_req *req)
{
	return req->accept;
}

const struct gw_key *gw_http_key(const struct gw_http_req *req)
{
	return req->key;
}

const char *gw_http_client(const struct gw_http_req *req)
{
	return req->client;
}

const char *gw_http_request_id(const struct gw_http_req *req)
{
	return req->id;
}

const char *gw_http_trace_id(const struct gw_http_req *req)
{
	return req->trace_id[0] ? req->trace_id : NULL;
}

/* Host has passed the guard: it is an authority and nothing else. */
const char *gw_http_base_url(struct gw_http_req *req)
{
	const char *const url = req->http->config->http.public_base_url;
	const char *host = req->authority;

	if (url)
		return url;
	if (req->base_url)
		return req->base_url;

	if (!host)
		host = gw_http_header_in(req, "Host");
	if (!host || re_sdprintf(&req->base_url, "%s://%s",
				 req->listener->tls ? "https" : "http", host))
		return req->listener->url;

	return req->base_url;
}

void gw_http_later(struct gw_http_req *req)
{
	if (req->later || req->stage >= GW_STAGE_ANSWERED)
		return;

	req->later = true;
	mem_ref(req); /* until the answer: gw_http_answer() */
}

void gw_http_set_expected(struct gw_http_req *req)
{
	req->expected = true;
}

bool gw_http_is_expected(const struct gw_http_req *req)
{
	return req->expected;
}

void gw_http_on_gone(struct gw_http_req *req, gw_http_gone_h *goneh, void *arg)
{
	req->goneh = goneh;
	req->gone_arg = arg;
}
