/* The HTTP face: libmicrohttpd inside the loop, and what handlers see of it.
 *
 * A request reaches its handler (see routes.h) when it is whole and harmless:
 * the guard has refused what other servers might read differently, its route,
 * method, media types, size, key and scope were looked at, and its body was
 * read as strict JSON if the route takes JSON. The handler reads, acts and
 * replies; every request is answered exactly once:
 *
 *   read      gw_http_param(), gw_http_query(), gw_http_json(), ...
 *   reply     gw_http_reply(), gw_http_problem(), gw_http_redirect(),
 *             gw_http_page() or gw_http_stream(), now; or
 *   later     gw_http_later(), and one of these when the result is there.
 *
 * All of it happens on the loop thread. */
#ifndef BELLPULL_SERVER_HTTP_H
#define BELLPULL_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_auth;
struct gw_config;
struct gw_key;
struct gw_http;     /* the listeners and all their connections */
struct gw_http_req; /* one request                             */
struct gw_json;
struct gw_json_doc;
struct gw_route;
struct mbuf;

/* Up and down. ----------------------------------------------------------- */

struct gw_http_cfg {
	const struct gw_config *config; /* referenced                       */
	struct gw_auth *auth;           /* referenced                       */
	const struct gw_route *routes;  /* gw_routes                       */
	size_t route_count;
	void *app; /* for handlers: gw_http_app()                         */
	bool (*readyh)(void *app, struct mbuf *checks); /* of /readyz: appends
		members like `"store":"ok"` (JSON, comma separated); NULL   */
};

/* Listens on every address of the configuration ([::1] too where 127.0.0.1
 * listens). On success *httpp carries one reference, the caller's. On error
 * why[] is a sentence for people. Returns 0 or errno. */
int gw_http_open(struct gw_http **httpp, const struct gw_http_cfg *cfg,
		 char *why, size_t why_size);

/* Another configuration, in two steps: what of it could fail is tried, then it
 * counts: for requests that come, and with its certificate for handshakes that
 * come. prepare() changes nothing; on success *certp (NULL: none) is for take(),
 * or for mem_deref(). Returns 0 or errno; why[] is a sentence for people. */
struct gw_http_cert;
int gw_http_prepare(struct gw_http_cert **certp, const struct gw_config *config,
		    const struct gw_auth *auth, char *why, size_t why_size);
void gw_http_take(struct gw_http *http, const struct gw_config *config,
		  struct gw_http_cert *cert);

/* The stop order, to be called in this order; mem_deref() does all of it.
 * quiesce: no new connections; requests and streams go on.
 * drain:   requests that wait are answered with 503, streams end; what is ready
 *          is written.
 * close:   everything is closed. Requests that handlers still hold stay valid
 *          until they are answered, to nobody. */
void gw_http_quiesce(struct gw_http *http);
void gw_http_drain(struct gw_http *http);
void gw_http_close(struct gw_http *http);

/* While draining, /readyz says 503 and POST /calls is for its handler to
 * refuse; streams get END with a `retry:` of their own. */
void gw_http_set_draining(struct gw_http *http, bool draining);
bool gw_http_is_draining(const struct gw_http *http);

/* The port of the i-th listener (tests let the system choose); 0: none. */
uint16_t gw_http_port(const struct gw_http *http, size_t i);

/* "http://127.0.0.1:41234" and so on, for the greeting; NULL: no more. */
const char *gw_http_url(const struct gw_http *http, size_t i);

struct gw_http_stats {
	uint64_t requests;      /* answered                         */
	uint64_t by_class[6];   /* [2]: 2xx ...                     */
	uint64_t guard_refused; /* by the guard                     */
	uint64_t auth_failures;
	uint64_t deadline_closed; /* by the watchdog                 */
	uint32_t connections, streams, waiting; /* now               */
};
void gw_http_stats(const struct gw_http *http, struct gw_http_stats *stats);

/* Reading. Strings live as long as the request. -------------------------- */

void *gw_http_app(const struct gw_http_req *req);
struct gw_http *gw_http_of(const struct gw_http_req *req);
const struct gw_config *gw_http_config(const struct gw_http_req *req);
const struct gw_route *gw_http_route(const struct gw_http_req *req);
const char *gw_http_method(const struct gw_http_req *req); /* HEAD is "GET" */
const char *gw_http_path(const struct gw_http_req *req);   /* decoded       */

/* "id" of /calls/{id}: decoded, never empty. NULL if the route has none. */
const char *gw_http_param(const struct gw_http_req *req, const char *name);

/* Decoded; NULL if not given. Names that the route doesn't list and names given
 * twice were refused before (400). */
const char *gw_http_query(const struct gw_http_req *req, const char *name);

/* Path and query as they were sent: "/hooks/crm?a=%2F". For signatures. */
const char *gw_http_target(const struct gw_http_req *req);

/* A request header, any case; NULL if there is none. The first one if several. */
const char *gw_http_header_in(const struct gw_http_req *req, const char *name);

/* The bytes as they came (for signatures and hashes); "" and 0 without body. */
const uint8_t *gw_http_body(const struct gw_http_req *req, size_t *lenp);

/* The body as a value; NULL if there was none. A form body comes as one object
 * of strings: gw_http_is_form() tells the reader to take "30" for 30, "true"
 * for true. */
const struct gw_json *gw_http_json(const struct gw_http_req *req);
const struct gw_json_doc *gw_http_doc(const struct gw_http_req *req);
bool gw_http_is_form(const struct gw_http_req *req);

/* From now on doc is the body as a value: what a handler has made of another one.
 * Takes doc over; it lives as long as the request. */
void gw_http_take_json(struct gw_http_req *req, struct gw_json_doc *doc);

/* What the client would like best of what the route has. */
enum gw_http_accept {
	GW_HTTP_JSON,
	GW_HTTP_HTML,
	GW_HTTP_EVENTS, /* text/event-stream, also for Accept: * / * on streams */
};
enum gw_http_accept gw_http_accept(const struct gw_http_req *req);

/* Who asks (key.h), or NULL when there are no keys (then everybody on this machine
 * may do everything). It lives as long as the request. */
const struct gw_key *gw_http_key(const struct gw_http_req *req);

const char *gw_http_client(const struct gw_http_req *req); /* numeric address */
const char *gw_http_request_id(const struct gw_http_req *req);
const char *gw_http_trace_id(const struct gw_http_req *req); /* or NULL       */

/* "http://host:port" as the client sees us: public_base_url or by Host. */
const char *gw_http_base_url(struct gw_http_req *req);

/* Replying. -------------------------------------------------------------- */

/* A header of the reply to come; value is copied. Returns 0, EINVAL (CR, LF)
 * or ENOMEM. */
int gw_http_header(struct gw_http_req *req, const char *name,
		   const char *value);
int gw_http_headerf(struct gw_http_req *req, const char *name, const char *fmt,
		    ...) __attribute__((format(printf, 3, 4)));

/* The reply. body (from its beginning to its end) is kept by reference, not
 * copied: don't write to it afterwards. NULL: no body. Errors inside become a
 * 503 or a closed connection: there is nothing left to do for the handler. */
void gw_http_reply(struct gw_http_req *req, unsigned status,
		   const char *content_type, struct mbuf *body);
void gw_http_reply_text(struct gw_http_req *req, unsigned status,
			const char *content_type, const char *text);

/* application/json with a strong ETag of the bytes. For GET of one resource: 304
 * when If-None-Match has it, 412 when If-Match hasn't. */
void gw_http_reply_etag(struct gw_http_req *req, struct mbuf *body);

/* What such a reply would carry; is it in a header's list (RFC 9110 13.1)? */
enum { GW_HTTP_ETAG_SIZE = 40 };
void gw_http_etag(char etag[GW_HTTP_ETAG_SIZE], const struct mbuf *body);
bool gw_http_etag_listed(const char *list, const char *etag, bool strong);

/* 412, to a command whose client expects another state. */
void gw_http_not_as_expected(struct gw_http_req *req, const char *etag);
/* The handler has looked at what is expected, and need not do so again. */
void gw_http_set_expected(struct gw_http_req *req);
bool gw_http_is_expected(const struct gw_http_req *req);

/* One row of errors[]: to be told before gw_http_problem(). Copied. */
void gw_http_problem_add(struct gw_http_req *req, const char *pointer,
			 const char *detail);

/* A hook's webhook was refused: the problem says `"accepted":false`, too. */
void gw_http_problem_not_accepted(struct gw_http_req *req);

/* Does client lie in one of the networks ("10.0.0.0/8", "::1")? */
struct gw_config_strings;
bool gw_http_is_in(const struct gw_config_strings *networks,
		   const char *client);

/* application/problem+json (RFC 9457). code: a stable word for machines
 * ("not_found"); it also makes the type. detail: a sentence for people or NULL;
 * must not contain secrets. Retry-After is gw_http_header()'s matter, before.
 * Under /2010-04-01 it is an error as Twilio has them (twilio.h). */
void gw_http_problem(struct gw_http_req *req, unsigned status, const char *code,
		     const char *detail);
void gw_http_problemf(struct gw_http_req *req, unsigned status,
		      const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void gw_http_redirect(struct gw_http_req *req, unsigned status,
		      const char *location);

/* A file of web/ by the path it is served under ("/call.html"). */
void gw_http_page(struct gw_http_req *req, const char *path);
/* The same with html in place of the first marker in it: escaping is the
 * caller's matter. */
void gw_http_page_fill(struct gw_http_req *req, const char *path,
		       const char *marker, const char *html);

/* The answer comes later: the request stays valid, whatever happens to the
 * client or to the server, until it is given by one of the replies above, which
 * is owed exactly once (to nobody, perhaps). To be called in the handler. */
void gw_http_later(struct gw_http_req *req);

/* May be called after gw_http_later(): goneh tells (at most once, never after
 * the reply) that the client has left or that the server drains, so that waiting
 * on is useless. The reply is still owed, and may be given inside. A client that
 * leaves silently is noticed only by its reset: limit the waiting, too. */
typedef void(gw_http_gone_h)(struct gw_http_req *req, void *arg);
void gw_http_on_gone(struct gw_http_req *req, gw_http_gone_h *goneh, void *arg);

/* Streams. --------------------------------------------------------------- */

struct gw_http_stream;

enum { GW_HTTP_STREAM_END = -1 };

/* Writes up to size bytes to buf. Returns how many; 0: nothing now, asked again
 * after gw_http_stream_wake(); GW_HTTP_STREAM_END: the stream is complete. */
typedef int(gw_http_read_h)(uint8_t *buf, size_t size, void *arg);

/* The stream is over, for whatever reason; arg is not used any more. Called
 * exactly once. Must not call gw_http_*() for this stream. */
typedef void(gw_http_stream_gone_h)(void *arg);

/* Replies 200 with a body that grows (chunked for HTTP/1.1). Headers leave at
 * once. *streamp is valid until goneh has been called. readh is called at once
 * (within this turn) for the first bytes. On error the client has been told
 * and goneh is not called. While draining, the server asks readh once more and
 * ends the stream when that returns 0. Returns 0 or errno. */
int gw_http_stream(struct gw_http_stream **streamp, struct gw_http_req *req,
		   const char *content_type, gw_http_read_h *readh,
		   gw_http_stream_gone_h *goneh, void *arg);

/* The same of a body whose size is known: Content-Length instead of chunks. */
int gw_http_stream_sized(struct gw_http_stream **streamp,
			 struct gw_http_req *req, const char *content_type,
			 uint64_t size, gw_http_read_h *readh,
			 gw_http_stream_gone_h *goneh, void *arg);

/* There is something to read. Cheap, and nothing when it isn't waiting. Bytes
 * leave at the end of this turn of the loop, all woken streams in one go. */
void gw_http_stream_wake(struct gw_http_stream *stream);

/* Cuts it off (revoked key): no END, the connection is closed. */
void gw_http_stream_cut(struct gw_http_stream *stream);

/* Cuts off all streams whose key was taken away or has expired. */
void gw_http_streams_cut(struct gw_http *http);

/* Who reads it, for limits. */
const struct gw_key *gw_http_stream_key(const struct gw_http_stream *s);

#endif
