/* What the files of the HTTP face share: not for others.
 *
 *   http.c          the life of a request, start and stop
 *   http_listen.c   listening sockets, libmicrohttpd's runs
 *   http_tls.c      the certificate of HTTPS
 *   http_watch.c    connections: deadlines, lingering close
 *   http_guard.c    what may stand in a request head; pure
 *   http_target.c   path and query; pure
 *   http_route.c    path and method to a row of the table; pure
 *   http_media.c    Accept and Content-Type; pure
 *   http_admit*.c   the checks before the body is read, in their order
 *   http_body.c     JSON and forms
 *   http_request.c  what handlers may ask of a request
 *   http_reply.c    replies, problems
 *   http_stream.c   bodies that grow
 *   http_static.c   the files of the page
 *   http_face.c     the handlers that need nothing else                       */
#ifndef BELLPULL_SERVER_HTTP_INSIDE_H
#define BELLPULL_SERVER_HTTP_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <re.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <microhttpd.h>

#include "config/config.h"
#include "config/json.h"
#include "server/auth.h"
#include "server/http.h"
#include "server/routes.h"

enum {
	GW_HTTP_HEAD_MAX = 6 * 1024,      /* bytes of a request head          */
	GW_HTTP_MEMORY = 8 * 1024,        /* libmicrohttpd's, per connection  */
	GW_HTTP_DISCARD_MAX = 256 * 1024, /* of a body beyond its limit       */
	GW_HTTP_QUERY_MAX = 16,           /* names in a query                 */
	GW_HTTP_HEADERS_MAX = 24,         /* of a reply, set by us            */
	GW_HTTP_ERRORS_MAX = 32,          /* rows of errors[]                 */
	GW_HTTP_ID_SIZE = 129,            /* of a request id, with NUL        */
	GW_HTTP_CLIENT_SIZE = 46,
	GW_HTTP_RUNS_MAX =
		4, /* of libmicrohttpd in a turn                    */
};

enum { GW_ROUTE_PARAMS_MAX = 2 };

/* Where the parameters lie in the path. */
struct gw_route_match {
	const struct gw_route *route; /* NULL: no such path or method          */
	unsigned allowed; /* GW_GET ... of the path; 0: there is no such path  */
	unsigned flags; /* of the route, or of the path's first one          */
	struct {
		const char *name;
		size_t name_len;
		const char *value;
		size_t value_len;
	} params[GW_ROUTE_PARAMS_MAX];
	size_t param_count;
};

/* Where a connection stands. Each phase has one patience, so a list of a
 * phase is sorted by deadline. */
enum gw_http_phase {
	GW_PHASE_FIRST, /* new: handshake, nothing or a part of a head         */
	GW_PHASE_HEAD, /* the request line is there                           */
	GW_PHASE_BODY, /* the head is                                         */
	GW_PHASE_WAIT, /* the handler's turn: no deadline                     */
	GW_PHASE_REPLY, /* libmicrohttpd's own idle timeout watches            */
	GW_PHASE_IDLE, /* kept alive                                          */
	GW_PHASE_COUNT
};

struct gw_http_listener {
	struct gw_http *http;
	struct MHD_Daemon *daemon;
	int fd;   /* -1: quiesced                                          */
	int epfd; /* libmicrohttpd's                                       */
	struct tmr tmr; /* when libmicrohttpd wants to run again              */
	bool running; /* inside MHD_run()                                    */
	bool kicked;  /* somebody was resumed                                */
	bool tls;
	struct sa addr;
	char url[80];
};

/* One connection, in the list of its phase. */
struct gw_http_conn {
	struct le le;
	struct gw_http_listener *listener;
	struct gw_http_req *waiting; /* its suspended request or NULL         */
	int fd;
	enum gw_http_phase phase;
	uint64_t since; /* in this phase                                       */
	bool linger; /* refused with a body on its way                         */
	bool local; /* from this machine                                      */
	char client[GW_HTTP_CLIENT_SIZE];
};

enum {
	GW_HTTP_LISTENERS_MAX = 16,
	GW_HTTP_RAW_MAX = 512 * 1024, /* bytes of a CRM's body, at least */
};

struct gw_http {
	struct gw_http_listener *listeners[GW_HTTP_LISTENERS_MAX];
	size_t listener_count;
	const struct gw_config *config; /* referenced by held */
	void *held;
	struct gw_auth *auth;
	const struct gw_route *routes;
	size_t route_count;
	void *app;
	bool (*readyh)(void *app, struct mbuf *checks);

	struct list phases[GW_PHASE_COUNT];
	struct list lingering;
	struct tmr watchdog;
	struct list waiting; /* requests that a handler answers later         */
	struct list streams;

	bool draining; /* told to probes                                       */
	bool ending; /* streams end, nobody waits any more                   */
	bool closed;
	struct gw_http_stats stats;
};

enum gw_http_stage {
	GW_STAGE_HEAD, /* the request line was seen                         */
	GW_STAGE_BODY, /* head admitted or refused; the body comes          */
	GW_STAGE_HANDLER, /* in the handler                                    */
	GW_STAGE_WAITING, /* suspended, the answer comes later                 */
	GW_STAGE_ANSWERED, /* response is set                                  */
	GW_STAGE_SENT, /* given to libmicrohttpd                            */
	GW_STAGE_GONE, /* the connection is over                            */
};

struct gw_http_pair {
	const char *name, *value;
};

struct gw_http_set_header {
	char *name, *value;
};

struct gw_http_req {
	struct le le; /* in http->waiting                                      */
	struct gw_http *http;
	void *held; /* the configuration it came under, whose strings it has */
	struct gw_http_listener *listener;
	struct gw_http_conn *conn;
	struct MHD_Connection *con; /* NULL once it is gone                    */
	enum gw_http_stage stage;

	char *target;  /* the request target as sent                          */
	char *scratch; /* its decoded parts: path and query point into it     */
	const char *path;
	struct gw_http_pair query[GW_HTTP_QUERY_MAX];
	size_t query_count;
	const char *authority; /* of an absolute-form target, or NULL          */
	const char *method; /* lives in libmicrohttpd until the end         */
	bool head;
	bool http10;
	struct gw_route_match match;
	char *params[GW_ROUTE_PARAMS_MAX];

	const struct gw_key *key;
	enum gw_auth_way way; /* how it was shown */
	char id[GW_HTTP_ID_SIZE];
	char trace_id[33];
	char client[GW_HTTP_CLIENT_SIZE];
	char *base_url;
	const char *cors_origin; /* an allowed Origin, or NULL                 */
	enum gw_http_accept accept;

	uint64_t body_limit;
	struct mbuf *body;
	size_t discarded;
	bool discard; /* refused: the body is read and forgotten             */
	bool hang_up; /* refused: answered before the body, and closed       */
	bool body_json, body_form;
	struct gw_json_doc *doc;

	bool expected; /* If-Match and its like have been looked at         */
	bool later;    /* the handler holds a reference                       */
	bool suspended;
	gw_http_gone_h *goneh;
	void *gone_arg;
	struct gw_http_stream *stream;

	struct gw_http_set_header
		headers[GW_HTTP_HEADERS_MAX]; /* of the reply      */
	size_t header_count;
	struct mbuf *errors; /* rows of errors[], comma separated              */
	size_t error_count;
	bool not_accepted; /* the problem says so                             */
	unsigned status;
	struct MHD_Response *response;
	uint64_t started;
};

/* http_listen.c */
/* What libmicrohttpd calls, with the listener as its first argument. */
struct gw_http_callbacks {
	MHD_AccessHandlerCallback request;
	void *(*uri)(void *listener, const char *uri,
		     struct MHD_Connection *con);
	MHD_NotifyConnectionCallback connection;
	MHD_RequestCompletedCallback completed;
};
int gw_http_listen(struct gw_http *http, const struct gw_http_callbacks *cbs,
		   char *why, size_t why_size);
void gw_http_run(struct gw_http_listener *listener);
void gw_http_kick(struct gw_http_listener *listener);

/* http_tls.c: a certificate with its key, checked. Returns 0, EINVAL or errno; why
 * says which file is wrong. Blocks (files). */
int gw_http_cert_load(struct gw_http_cert **certp,
		      const struct gw_config_http *cfg, char *why,
		      size_t why_size);
/* From the next handshake on. Takes cert over. */
void gw_http_cert_use(struct gw_http_cert *cert);
/* When libmicrohttpd has stopped. */
void gw_http_cert_close(void);
/* What libmicrohttpd hands to GnuTLS. */
gnutls_certificate_retrieve_function2 gw_http_cert_ask;

/* http.c */
void gw_http_answer(struct gw_http_req *req, unsigned status,
		    struct MHD_Response *response);

/* http_watch.c */
void gw_http_watch_start(struct gw_http *http);
void gw_http_watch_stop(struct gw_http *http);
struct gw_http_conn *gw_http_conn_open(struct gw_http_listener *listener,
				       struct MHD_Connection *con);
void gw_http_conn_close(struct gw_http_conn *conn);
void gw_http_conn_phase(struct gw_http_conn *conn, enum gw_http_phase phase);

/* http_guard.c: what stands in a head, header by header. */
struct gw_http_guard {
	unsigned hosts, lengths, encodings;
	const char *host, *encoding;
	size_t bytes;
	bool bad_name, bad_value;
};
struct gw_http_refusal {
	unsigned status; /* 0: nothing is wrong                                */
	const char *code, *detail;
};
void gw_http_guard_header(struct gw_http_guard *guard, const char *name,
			  const char *value);
struct gw_http_refusal gw_http_guard_verdict(const struct gw_http_guard *guard,
					     const char *version);
bool gw_http_host_ok(const char *host);       /* as an authority             */
bool gw_http_host_is_local(const char *host); /* "localhost:8080", "[::1]"   */
bool gw_http_utf8_ok(const char *text);

/* http_target.c: sets path, query and authority from target. */
struct gw_http_refusal gw_http_target_parse(struct gw_http_req *req);
bool gw_http_percent_decode(char *out, const char *in, size_t len,
			    bool plus_is_blank);

/* http_route.c */
void gw_http_route_match(struct gw_route_match *match,
			 const struct gw_route *routes, size_t count,
			 const char *path, unsigned method);
/* "GET, HEAD, POST, OPTIONS" for Allow. */
void gw_http_allow(char *buf, size_t size, unsigned allowed, bool head);

/* http_media.c */
bool gw_http_accepts(enum gw_http_accept *acceptp, const char *accept,
		     unsigned route_flags);
enum gw_http_type {
	GW_HTTP_TYPE_JSON,
	GW_HTTP_TYPE_FORM,
	GW_HTTP_TYPE_OTHER,
	GW_HTTP_TYPE_CHARSET, /* one of ours, in another charset               */
};
enum gw_http_type gw_http_content_type(const char *value);

/* http_admit.c: all checks before the body. Answers by gw_http_problem() and
 * returns false when the request must not go on. */
bool gw_http_admit(struct gw_http_req *req, const char *method,
		   const char *version);

/* http_body.c: fills in doc. Returns false when it has answered 400. */
bool gw_http_body_parse(struct gw_http_req *req);
/* A form as JSON text: pure. Returns 0, EBADMSG (why says) or ENOMEM. */
int gw_http_form_to_json(struct mbuf *json, const char *form, size_t len,
			 const char **whyp);

/* http_reply.c */
const char *gw_http_status_text(unsigned status);
void gw_http_stamp(struct gw_http_req *req, struct MHD_Response *response);
/* The problem as text: for replies past libmicrohttpd. */
struct mbuf *gw_http_problem_text(struct gw_http_req *req, unsigned status,
				  const char *code, const char *detail);

/* http_stream.c */
void gw_http_stream_over(struct gw_http_stream *stream);
void gw_http_streams_end(struct gw_http *http);

/* http_static.c: a file by the path it is served under; NULL: none. */
struct gw_http_file {
	const char *path, *type;
	const unsigned char *data, *end;
	bool shared;   /* pages of other sites load it, too */
	char etag[67]; /* quoted SHA-256 */
};
const struct gw_http_file *gw_http_file(const char *path);
const struct gw_http_file *gw_http_openapi(void);
void gw_http_static_init(void);
void gw_http_reply_file(struct gw_http_req *req,
			const struct gw_http_file *file);

#endif
