/* The HTTP face: how a request lives, how the server starts and stops.
 *
 * The life of a request:
 *
 *   request line --> head --> body --> handler --> reply queued --> over
 *      (HEAD)          |        ^         |  ^
 *                      |        |         v  | resumed
 *                      |        |       WAITING (suspended; not watched by
 *                      |        |                libmicrohttpd)
 *                      +--------+ refused: the body is read and forgotten,
 *                                 so that the connection can be kept; or, if
 *                                 it can't be trusted, answered and closed
 *
 * libmicrohttpd calls three times: after the request line (uri_seen), after the
 * head and for each piece of body (request), and when all is over (completed).
 * The request is reference counted: one reference is the connection's, one the
 * handler's that said "later". So neither a client that leaves nor a server
 * that stops pulls it away from under a result that is still on its way. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/config.h"
#include "server/http_inside.h"
#include "server/log.h"
#include "server/loop.h"

static void req_destructor(void *arg)
{
	struct gw_http_req *req = arg;

	list_unlink(&req->le);
	if (req->response)
		MHD_destroy_response(req->response);
	for (size_t i = 0; i < GW_ROUTE_PARAMS_MAX; i++)
		mem_deref(req->params[i]);
	for (size_t i = 0; i < req->header_count; i++) {
		mem_deref(req->headers[i].name);
		mem_deref(req->headers[i].value);
	}
	if (req->body && req->body->buf)
		explicit_bzero(req->body->buf, req->body->size);
	mem_deref(req->body);
	mem_deref(req->doc);
	mem_deref(req->errors);
	mem_deref(req->base_url);
	mem_deref((void *)(uintptr_t)req->key);
	mem_deref(req->scratch);
	mem_deref(req->target);
	mem_deref(req->held);
	mem_deref(req->http);
}

static struct gw_http_conn *conn_of(struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info;

	info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* The request line is there: what it returns becomes *reqp of request(). */
static void *uri_seen(void *arg, const char *uri, struct MHD_Connection *con)
{
	struct gw_http_listener *l = arg;
	struct gw_http_conn *conn = conn_of(con);
	struct gw_http_req *req;

	if (!conn)
		return NULL;
	gw_http_conn_phase(conn, GW_PHASE_HEAD);

	req = mem_zalloc(sizeof(*req), req_destructor);
	if (!req)
		return NULL;

	req->http = mem_ref(l->http);
	req->held = mem_ref(l->http->held);
	req->listener = l;
	req->conn = conn;
	req->con = con;
	req->started = tmr_jiffies();
	req->body_limit = l->http->config->limits.body_bytes;
	if (str_dup(&req->target, uri ? uri : ""))
		return mem_deref(req);

	return req;
}

static void log_request(const struct gw_http_req *req)
{
	gw_log(req->status == 500 ? GW_LOG_WARNING : GW_LOG_DEBUG,
	       "http.request", GW_F_STR("request_id", req->id),
	       GW_F_STR("method", req->head ? "HEAD" : req->method),
	       GW_F_STR("path", req->path), GW_F_INT("status", req->status),
	       GW_F_INT("ms", tmr_jiffies() - req->started),
	       GW_F_STR("client", req->client),
	       GW_F_STR("trace_id", req->trace_id[0] ? req->trace_id : NULL));
}

/* Gives the answer to libmicrohttpd. */
static enum MHD_Result send_answer(struct gw_http_req *req)
{
	struct MHD_Response *response = req->response;
	enum MHD_Result res;

	req->stage = GW_STAGE_SENT;
	req->response = NULL;
	gw_http_conn_phase(req->conn, GW_PHASE_REPLY);

	log_request(req);
	req->http->stats.requests++;
	if (req->status / 100 < 6)
		req->http->stats.by_class[req->status / 100]++;

	res = MHD_queue_response(req->con, req->status, response);
	MHD_destroy_response(response);

	return res;
}

/* Sets the response of a request, whoever wants it. Takes it over. NULL: there
 * is no memory even for an error, the connection is closed. */
void gw_http_answer(struct gw_http_req *req, unsigned status,
		    struct MHD_Response *response)
{
	const bool owed = req->later;

	if (req->stage >= GW_STAGE_ANSWERED) {
		/* the client has left, or the server stopped waiting */
		if (response)
			MHD_destroy_response(response);
	} else {
		req->status = status;
		req->response = response;
		req->stage = GW_STAGE_ANSWERED;
		req->goneh = NULL;
		list_unlink(&req->le);

		if (req->suspended) {
			req->suspended = false;
			MHD_resume_connection(req->con);
			gw_http_kick(req->listener);
		}
	}

	if (owed) {
		req->later = false;
		mem_deref(req);
	}
}

static void tell_draining(struct gw_http_req *req)
{
	(void)gw_http_header(req, "Retry-After", "5");
	gw_http_problem(req, 503, "draining", "the gateway is stopping");
}

/* The body is complete: what has been refused is told, all else handled. */
static enum MHD_Result handle(struct gw_http_req *req)
{
	if (req->stage == GW_STAGE_BODY) {
		req->stage = GW_STAGE_HANDLER;
		gw_http_conn_phase(req->conn, GW_PHASE_WAIT);
		if (req->http->ending)
			tell_draining(req); /* nobody may wait any more */
		else if (gw_http_body_parse(req))
			req->match.route->handler(req);
	}

	if (req->stage == GW_STAGE_ANSWERED)
		return req->response ? send_answer(req) : MHD_NO;

	/* a handler that neither answered nor said "later" is our bug: it would
	 * hang for ever */
	if (!req->later) {
		gw_http_problem(req, 500, "internal_error", NULL);
		return req->response ? send_answer(req) : MHD_NO;
	}

	req->stage = GW_STAGE_WAITING;
	req->suspended = true;
	list_append(&req->http->waiting, &req->le, req);
	MHD_suspend_connection(req->con);

	return MHD_YES;
}

/* A refused body without end, in the middle of which libmicrohttpd takes no
 * response: the answer is written past it. */
static enum MHD_Result cut_off(struct gw_http_req *req)
{
	struct mbuf *mb, *body;

	req->conn->linger = true;
	if (req->listener->tls)
		return MHD_NO; /* no way around the TLS session */

	mb = mbuf_alloc(512);
	body = gw_http_problem_text(req, 413, "body_too_large",
				    "the body is too large");
	if (mb && body &&
	    !mbuf_printf(mb,
			 "HTTP/1.1 413 %s\r\n"
			 "Content-Type: application/problem+json\r\n"
			 "Content-Length: %zu\r\n"
			 "Cache-Control: no-store\r\n"
			 "X-Content-Type-Options: nosniff\r\n"
			 "X-Request-Id: %s\r\n"
			 "Connection: close\r\n\r\n%b",
			 gw_http_status_text(413), body->end, req->id,
			 body->buf, body->end))
		(void)send(req->conn->fd, mb->buf, mb->end,
			   MSG_DONTWAIT | MSG_NOSIGNAL);

	req->http->stats.requests++;
	req->http->stats.by_class[4]++;
	mem_deref(body);
	mem_deref(mb);

	return MHD_NO;
}

static enum MHD_Result take_body(struct gw_http_req *req, const char *data,
				 size_t *sizep)
{
	const size_t size = *sizep;

	*sizep = 0;

	if (!req->discard && req->body &&
	    req->body->end + size > req->body_limit) {
		gw_http_problem(req, 413, "body_too_large",
				"the body is too large");
		req->discard = true;
	}

	if (req->discard) {
		req->discarded += size;
		return req->discarded > GW_HTTP_DISCARD_MAX ? cut_off(req) :
							      MHD_YES;
	}

	if (!req->body)
		req->body = mbuf_alloc(size);
	if (!req->body ||
	    mbuf_write_mem(req->body, (const uint8_t *)data, size)) {
		gw_http_problem(req, 503, "memory", "out of memory");
		req->discard = true;
	}

	return MHD_YES;
}

/* The head is there. */
static enum MHD_Result take_head(struct gw_http_req *req, const char *method,
				 const char *version)
{
	const bool admitted = gw_http_admit(req, method, version);

	if (!admitted && req->stage != GW_STAGE_ANSWERED)
		return MHD_NO;

	if (!admitted && req->hang_up) {
		/* answered before the body: libmicrohttpd closes afterwards */
		req->conn->linger = true;
		return req->response ? send_answer(req) : MHD_NO;
	}

	req->discard = !admitted;
	if (admitted)
		req->stage = GW_STAGE_BODY;
	gw_http_conn_phase(req->conn, GW_PHASE_BODY);

	return MHD_YES;
}

static enum MHD_Result request(void *arg, struct MHD_Connection *con,
			       const char *url, const char *method,
			       const char *version, const char *data,
			       size_t *sizep, void **reqp)
{
	struct gw_http_req *req = *reqp;

	(void)arg;
	(void)con;
	(void)url;

	if (!req)
		return MHD_NO; /* no memory when the request line came */

	if (!req->method) {
		req->method = method;
		return take_head(req, method, version);
	}
	if (*sizep)
		return take_body(req, data, sizep);

	return handle(req);
}

/* The request is over, well or not: the handler may hold it still. */
static void completed(void *arg, struct MHD_Connection *con, void **reqp,
		      enum MHD_RequestTerminationCode code)
{
	struct gw_http_req *req = *reqp;
	struct gw_http_stream *stream;
	gw_http_gone_h *goneh;

	(void)arg;
	(void)con;
	(void)code;

	if (!req)
		return;
	*reqp = NULL;

	stream = req->stream;
	goneh = req->goneh;
	req->stream = NULL;
	req->goneh = NULL;
	if (req->stage < GW_STAGE_ANSWERED)
		req->stage = GW_STAGE_GONE;
	req->suspended = false;
	req->con = NULL;
	req->method = "";
	list_unlink(&req->le);
	gw_http_conn_phase(req->conn, GW_PHASE_IDLE);
	req->conn = NULL;

	if (stream)
		gw_http_stream_over(stream);
	if (goneh)
		goneh(req, req->gone_arg);
	mem_deref(req);
}

static void connection(void *arg, struct MHD_Connection *con, void **contextp,
		       enum MHD_ConnectionNotificationCode code)
{
	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		*contextp = gw_http_conn_open(arg, con);
	} else {
		gw_http_conn_close(*contextp);
		*contextp = NULL;
	}
}

static const struct gw_http_callbacks callbacks = {
	.request = request,
	.uri = uri_seen,
	.connection = connection,
	.completed = completed,
};

static void http_destructor(void *arg)
{
	struct gw_http *http = arg;

	mem_deref(http->auth);
	mem_deref(http->held);
}

int gw_http_open(struct gw_http **httpp, const struct gw_http_cfg *cfg,
		 char *why, size_t why_size)
{
	struct gw_http *http;
	int err;

	http = mem_zalloc(sizeof(*http), http_destructor);
	if (!http)
		return ENOMEM;
	http->config = cfg->config;
	http->held = mem_ref((void *)(uintptr_t)cfg->config);
	http->auth = mem_ref(cfg->auth);
	http->routes = cfg->routes;
	http->route_count = cfg->route_count;
	http->app = cfg->app;
	http->readyh = cfg->readyh;
	gw_http_watch_start(http);

	gw_http_static_init();
	err = gw_http_listen(http, &callbacks, why, why_size);
	if (err) {
		gw_http_close(http);
		mem_deref(http);
		return err;
	}

	*httpp = http;
	return 0;
}

void gw_http_take(struct gw_http *http, const struct gw_config *config,
		  struct gw_http_cert *cert)
{
	void *const old = http->held;

	http->config = config;
	http->held = mem_ref((void *)(uintptr_t)config);
	mem_deref(old);
	if (cert)
		gw_http_cert_use(cert);
}

/* The stop order. --------------------------------------------------------- */

void gw_http_quiesce(struct gw_http *http)
{
	for (size_t i = 0; i < http->listener_count; i++) {
		struct gw_http_listener *l = http->listeners[i];

		if (l->fd < 0)
			continue;
		(void)MHD_quiesce_daemon(l->daemon);
		gw_http_run(
			l); /* takes the listener out of libmicrohttpd's epoll */
		(void)close(l->fd);
		l->fd = -1;
	}
}

/* Whoever waits for an answer gets one; the handler's own comes to nobody. */
static void answer_waiting(struct gw_http *http)
{
	struct le *le;

	while ((le = list_head(&http->waiting)) != NULL) {
		struct gw_http_req *req = mem_ref(le->data);
		gw_http_gone_h *goneh = req->goneh;

		req->goneh = NULL;
		if (goneh)
			goneh(req, req->gone_arg);

		if (req->stage == GW_STAGE_WAITING) {
			const bool owed = req->later;

			req->later = false; /* the debt stays */
			tell_draining(req);
			req->later = owed;
		}
		mem_deref(req);
	}
}

void gw_http_drain(struct gw_http *http)
{
	http->draining = true;
	http->ending = true;

	answer_waiting(http);
	gw_http_streams_end(http);

	for (int i = 0; i < GW_HTTP_RUNS_MAX; i++) {
		for (size_t k = 0; k < http->listener_count; k++)
			gw_http_run(http->listeners[k]);
	}
}

/* libmicrohttpd aborts the process when it is stopped with a suspended
 * connection: all are answered and resumed first, and given their runs. */
void gw_http_close(struct gw_http *http)
{
	if (!http || http->closed)
		return;

	gw_http_quiesce(http);
	gw_http_drain(http);

	http->closed = true;
	gw_loop_after_batch(NULL, NULL);
	for (size_t i = 0; i < http->listener_count; i++)
		http->listeners[i] = mem_deref(http->listeners[i]);
	http->listener_count = 0;
	gw_http_cert_close();
	gw_http_watch_stop(http);
}

void gw_http_set_draining(struct gw_http *http, bool draining)
{
	http->draining = draining;
}

bool gw_http_is_draining(const struct gw_http *http)
{
	return http->draining;
}

uint16_t gw_http_port(const struct gw_http *http, size_t i)
{
	return i < http->listener_count ? sa_port(&http->listeners[i]->addr) :
					  0;
}

const char *gw_http_url(const struct gw_http *http, size_t i)
{
	return i < http->listener_count ? http->listeners[i]->url : NULL;
}

void gw_http_stats(const struct gw_http *http, struct gw_http_stats *stats)
{
	*stats = http->stats;
	stats->waiting = list_count(&http->waiting);
	stats->streams = list_count(&http->streams);
}
