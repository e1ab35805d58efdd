/* Replies: bodies, headers, and problems (RFC 9457).
 *
 * Bodies are handed to libmicrohttpd by reference and freed by it. Every reply
 * is stamped with the headers that all have: the request's id, what caches and
 * browsers may do with it, and CORS where the origin is one of ours. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/sha.h>

#include "config/config.h"
#include "server/http_inside.h"
#include "server/twilio.h"

const char *gw_http_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} texts[] = {
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Content" },
		{ 428, "Precondition Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (texts[i].status == status)
			return texts[i].text;
	}

	return "Error";
}

/* Headers. ---------------------------------------------------------------- */

int gw_http_header(struct gw_http_req *req, const char *name, const char *value)
{
	char *n = NULL, *v = NULL;
	int err;

	if (strpbrk(value, "\r\n"))
		return EINVAL;
	if (req->header_count == GW_HTTP_HEADERS_MAX)
		return ENOMEM;

	err = str_dup(&n, name);
	if (!err)
		err = str_dup(&v, value);
	if (err) {
		mem_deref(n);
		return err;
	}

	req->headers[req->header_count].name = n;
	req->headers[req->header_count].value = v;
	req->header_count++;
	return 0;
}

int gw_http_headerf(struct gw_http_req *req, const char *name, const char *fmt,
		    ...)
{
	char value[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);

	if (n < 0 || (size_t)n >= sizeof(value))
		return EINVAL;
	return gw_http_header(req, name, value);
}

static void add(struct MHD_Response *response, const char *name,
		const char *value)
{
	(void)MHD_add_response_header(response, name, value);
}

static bool has(struct MHD_Response *response, const char *name)
{
	return MHD_get_response_header(response, name) != NULL;
}

static void add_vary(const struct gw_http_req *req,
		     struct MHD_Response *response)
{
	const bool by_accept = req->match.flags &
			       (GW_ROUTE_HTML | GW_ROUTE_EVENTS);
	const bool by_token = req->match.flags & GW_ROUTE_CLICK &&
			      gw_auth_needed(req->http->auth);
	const bool by_origin = by_token ||
			       req->http->config->http.cors_origins.count > 0;

	if (by_accept || by_origin)
		add(response, "Vary",
		    by_accept && by_origin ? "Accept, Origin" :
		    by_accept              ? "Accept" :
					     "Origin");
}

/* What belongs to every reply, unless it has been said already. */
void gw_http_stamp(struct gw_http_req *req, struct MHD_Response *response)
{
	for (size_t i = 0; i < req->header_count; i++)
		add(response, req->headers[i].name, req->headers[i].value);

	add(response, "X-Request-Id", req->id);
	add(response, "X-Content-Type-Options", "nosniff");
	if (!has(response, "Cache-Control"))
		add(response, "Cache-Control", "no-store");
	if (req->listener->tls)
		add(response, "Strict-Transport-Security", "max-age=31536000");

	add_vary(req, response);
	if (req->cors_origin && !has(response, "Access-Control-Allow-Origin")) {
		add(response, "Access-Control-Allow-Origin", req->cors_origin);
		add(response, "Access-Control-Expose-Headers",
		    "Location, ETag, Retry-After, RateLimit,"
		    " RateLimit-Policy, Idempotent-Replayed, Deduplicated,"
		    " X-Request-Id");
	}
	/* bodies on the way make libmicrohttpd close without a word */
	if (req->hang_up)
		add(response, "Connection", "close");
}

/* Bodies. ----------------------------------------------------------------- */

static void body_free(void *arg)
{
	mem_deref(arg);
}

static struct MHD_Response *response_of(struct mbuf *body)
{
	static char nothing[1];
	struct MHD_Response *response;

	if (!body || !body->end)
		return MHD_create_response_from_buffer(0, nothing,
						       MHD_RESPMEM_PERSISTENT);

	response = MHD_create_response_from_buffer_with_free_callback_cls(
		body->end, body->buf, body_free, body);
	if (response)
		mem_ref(body);

	return response;
}

void gw_http_reply(struct gw_http_req *req, unsigned status,
		   const char *content_type, struct mbuf *body)
{
	struct MHD_Response *response = NULL;

	/* nobody there: libmicrohttpd need not be troubled */
	if (req->stage < GW_STAGE_ANSWERED)
		response = response_of(body);
	if (response) {
		if (content_type)
			add(response, "Content-Type", content_type);
		gw_http_stamp(req, response);
	}

	gw_http_answer(req, status, response);
}

void gw_http_reply_text(struct gw_http_req *req, unsigned status,
			const char *content_type, const char *text)
{
	struct mbuf *mb = mbuf_alloc(strlen(text) + 1);

	if (!mb || mbuf_write_str(mb, text))
		gw_http_problem(req, 503, "memory", "out of memory");
	else
		gw_http_reply(req, status, content_type, mb);
	mem_deref(mb);
}

/* RFC 9110 13.1: W/"x" and "x" are the same to If-None-Match, but not to
 * If-Match. */
bool gw_http_etag_listed(const char *list, const char *etag, bool strong)
{
	const size_t len = strlen(etag);

	while (list && *list) {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (!strong && !strncmp(list, "W/", 2))
			list += 2;
		if (!strncmp(list, etag, len))
			return true;
		list += strcspn(list, ",");
	}

	return false;
}

void gw_http_etag(char etag[GW_HTTP_ETAG_SIZE], const struct mbuf *body)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void)SHA256(body->buf, body->end, hash);
	/* 128 bits of it are plenty, and the head stays small */
	(void)re_snprintf(etag, GW_HTTP_ETAG_SIZE, "\"%w\"", hash, (size_t)16);
}

void gw_http_not_as_expected(struct gw_http_req *req, const char *etag)
{
	(void)gw_http_header(req, "ETag", etag);
	gw_http_problem(req, 412, "changed",
			"It is not what If-Match or If-None-Match expects; "
			"nothing was done. ETag is what it has now.");
}

/* For GET; what a command answers with was looked at before it was done. */
static void reply_tagged(struct gw_http_req *req, const char *type,
			 const char *etag, struct mbuf *body)
{
	const bool reads = !strcmp(gw_http_method(req), "GET");
	const char *match = gw_http_header_in(req, "If-Match");
	const bool fresh =
		reads &&
		gw_http_etag_listed(gw_http_header_in(req, "If-None-Match"),
				    etag, false);

	if (reads && match && !gw_http_etag_listed(match, etag, true)) {
		gw_http_not_as_expected(req, etag);
		return;
	}
	(void)gw_http_header(req, "ETag", etag);
	gw_http_reply(req, fresh ? 304 : 200, fresh ? NULL : type,
		      fresh ? NULL : body);
}

void gw_http_reply_etag(struct gw_http_req *req, struct mbuf *body)
{
	char etag[GW_HTTP_ETAG_SIZE];

	gw_http_etag(etag, body);
	(void)gw_http_header(req, "Cache-Control", "private, no-cache");
	reply_tagged(req, "application/json", etag, body);
}

/* The page. --------------------------------------------------------------- */

static void page_headers(struct gw_http_req *req)
{
	const struct gw_config_strings *frames =
		&req->http->config->http.frame_ancestors;
	char who[320] = "";
	size_t pos = 0;

	for (size_t i = 0; i < frames->count && pos < sizeof(who); i++)
		pos += (size_t)snprintf(who + pos, sizeof(who) - pos, " %s",
					frames->list[i]);

	(void)gw_http_headerf(req, "Content-Security-Policy",
			      "default-src 'none'; script-src 'self';"
			      " style-src 'self'; img-src 'self';"
			      " connect-src 'self'; media-src 'self' blob:;"
			      " base-uri 'none'; form-action 'self';"
			      " frame-ancestors%s",
			      pos ? who : " 'none'");
	(void)gw_http_header(req, "Cache-Control", "no-cache");
	(void)gw_http_header(req, "Referrer-Policy", "same-origin");
	(void)gw_http_header(req, "Permissions-Policy", "microphone=(self)");
	(void)gw_http_header(req, "Cross-Origin-Opener-Policy", "same-origin");
}

static void not_a_file(struct gw_http_req *req)
{
	gw_http_problem(req, 404, "not_found", "there is nothing at this path");
}

static struct mbuf *file_body(const struct gw_http_file *file)
{
	const size_t len = (size_t)(file->end - file->data);
	struct mbuf *mb = mbuf_alloc(len + 1);

	if (mb && mbuf_write_mem(mb, file->data, len))
		mb = mem_deref(mb);

	return mb;
}

void gw_http_reply_file(struct gw_http_req *req,
			const struct gw_http_file *file)
{
	struct mbuf *body = file_body(file);

	if (!body) {
		gw_http_problem(req, 503, "memory", "out of memory");
		return;
	}
	reply_tagged(req, file->type, file->etag, body);
	mem_deref(body);
}

void gw_http_page(struct gw_http_req *req, const char *path)
{
	const struct gw_http_file *file = gw_http_file(path);

	if (!file) {
		not_a_file(req);
		return;
	}

	page_headers(req);
	if (file->shared) {
		(void)gw_http_header(req, "Access-Control-Allow-Origin", "*");
		(void)gw_http_header(req, "Cross-Origin-Resource-Policy",
				     "cross-origin");
	}
	gw_http_reply_file(req, file);
}

void gw_http_page_fill(struct gw_http_req *req, const char *path,
		       const char *marker, const char *html)
{
	const struct gw_http_file *file = gw_http_file(path);
	const size_t len = file ? (size_t)(file->end - file->data) : 0;
	const uint8_t *at;
	struct mbuf *body;
	size_t head;

	at = file ? memmem(file->data, len, marker, strlen(marker)) : NULL;
	if (!at) {
		not_a_file(req);
		return;
	}

	head = (size_t)(at - file->data);
	body = mbuf_alloc(len + strlen(html));
	if (body) {
		int err = mbuf_write_mem(body, file->data, head);

		err |= mbuf_write_str(body, html);
		err |= mbuf_write_mem(body, at + strlen(marker),
				      len - head - strlen(marker));
		if (err)
			body = mem_deref(body);
	}
	if (!body) {
		gw_http_problem(req, 503, "memory", "out of memory");
		return;
	}
	page_headers(req);
	gw_http_reply(req, 200, file->type, body);
	mem_deref(body);
}

void gw_http_redirect(struct gw_http_req *req, unsigned status,
		      const char *location)
{
	if (gw_http_header(req, "Location", location)) {
		gw_http_problem(req, 503, "memory", "out of memory");
		return;
	}
	gw_http_reply(req, status, NULL, NULL);
}

/* Problems. --------------------------------------------------------------- */

static int print_str(struct mbuf *mb, const char *text)
{
	return gw_json_print_string(mb, text, strlen(text));
}

void gw_http_problem_add(struct gw_http_req *req, const char *pointer,
			 const char *detail)
{
	int err = 0;

	if (req->error_count == GW_HTTP_ERRORS_MAX)
		return;
	if (!req->errors)
		req->errors = mbuf_alloc(256);
	if (!req->errors)
		return;

	if (req->error_count++)
		err = mbuf_write_u8(req->errors, ',');
	err |= mbuf_write_str(req->errors, "{\"pointer\":");
	err |= print_str(req->errors, pointer);
	err |= mbuf_write_str(req->errors, ",\"detail\":");
	err |= print_str(req->errors, detail);
	err |= mbuf_write_u8(req->errors, '}');

	if (err) { /* better none than half of one */
		req->errors = mem_deref(req->errors);
		req->error_count = 0;
	}
}

void gw_http_problem_not_accepted(struct gw_http_req *req)
{
	req->not_accepted = true;
}

/* "rate_limited" is of type urn:bellpull:problem:rate-limited. */
static int print_type(struct mbuf *mb, const char *code)
{
	int err = mbuf_write_str(mb, "{\"type\":\"urn:bellpull:problem:");

	for (; *code; code++)
		err |= mbuf_write_u8(mb, *code == '_' ? '-' : (uint8_t)*code);

	return err | mbuf_write_str(mb, "\",\"title\":");
}

struct mbuf *gw_http_problem_text(struct gw_http_req *req, unsigned status,
				  const char *code, const char *detail)
{
	const char *const text = gw_http_status_text(status);
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return NULL;

	err = print_type(mb, code);
	err |= print_str(mb, text);
	err |= mbuf_printf(mb, ",\"status\":%u,\"detail\":", status);
	err |= print_str(mb, detail ? detail : text);
	err |= mbuf_write_str(mb, ",\"instance\":");
	err |= print_str(mb, *req->path ? req->path : "/");
	err |= mbuf_write_str(mb, ",\"code\":");
	err |= print_str(mb, code);
	err |= mbuf_write_str(mb, ",\"request_id\":");
	err |= print_str(mb, req->id);
	if (req->not_accepted)
		err |= mbuf_write_str(mb, ",\"accepted\":false");
	if (req->errors)
		err |= mbuf_printf(mb, ",\"errors\":[%b]", req->errors->buf,
				   req->errors->end);
	err |= mbuf_write_u8(mb, '}');

	return err ? mem_deref(mb) : mb;
}

/* Whoever speaks to us as to Twilio reads no other errors than theirs. */
static void twilio_problem(struct gw_http_req *req, unsigned status,
			   const char *code, const char *detail)
{
	const struct gw_twilio_error error = {
		.status = gw_twilio_status(status, code),
		.code = code,
		.message = detail ? detail : gw_http_status_text(status),
		.request_id = req->id,
	};
	struct mbuf *body = mbuf_alloc(512);

	if (body && gw_twilio_print_error(body, &error))
		body = mem_deref(body);
	gw_http_reply(req, error.status, body ? "application/json" : NULL,
		      body);
	mem_deref(body);
}

void gw_http_problem(struct gw_http_req *req, unsigned status, const char *code,
		     const char *detail)
{
	struct mbuf *body;

	if (!strncmp(req->path, GW_TWILIO_ROOT, strlen(GW_TWILIO_ROOT))) {
		twilio_problem(req, status, code, detail);
		return;
	}
	body = gw_http_problem_text(req, status, code, detail);

	/* without memory for words, the status alone */
	gw_http_reply(req, status, body ? "application/problem+json" : NULL,
		      body);
	mem_deref(body);
}

void gw_http_problemf(struct gw_http_req *req, unsigned status,
		      const char *code, const char *fmt, ...)
{
	char detail[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);

	gw_http_problem(req, status, code, detail);
}
