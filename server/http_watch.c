/* Connections and their deadlines: one watchdog for silent, slow and half-open
 * ones, and the lingering close.
 *
 * libmicrohttpd's timeouts are idle timeouts: a client that sends a byte now
 * and then never meets them, and a half-done TLS handshake makes it spin. So
 * every connection stands in the list of its phase, in the order of arrival,
 * and each phase has one patience; four times a second the heads of the lists
 * are looked at. shutdown() is all that is done to a late one: libmicrohttpd
 * then sees its end and closes it in its own way.
 *
 * A client that is refused while its body is still on the way would lose the
 * answer: closing a socket with unread bytes sends a reset, which overtakes it.
 * So a duplicate of the socket is kept for a moment, and read into nothing. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "server/http_inside.h"

enum {
	WATCH_MS = 250,
	SILENT_MS = 1500,    /* of a TLS handshake                          */
	WAIT_LOOK_MS = 1000, /* younger waiting ones are not looked at      */
	LINGER_MS = 2000,
	LINGER_BYTES = 8 * 1024 * 1024,
	LINGERING_MAX = 128,
};

/* Patience per phase; 0: for ever. */
static const uint32_t patience_ms[GW_PHASE_COUNT] = {
	[GW_PHASE_FIRST] = 10 * 1000, [GW_PHASE_HEAD] = 10 * 1000,
	[GW_PHASE_BODY] = 30 * 1000,  [GW_PHASE_WAIT] = 0,
	[GW_PHASE_REPLY] = 0,         [GW_PHASE_IDLE] = 30 * 1000,
};

struct lingerer {
	struct le le;
	struct tmr tmr;
	size_t bytes;
	int fd;
};

static void lingerer_destructor(void *arg)
{
	struct lingerer *lg = arg;

	list_unlink(&lg->le);
	tmr_cancel(&lg->tmr);
	if (lg->fd >= 0) {
		fd_close(lg->fd);
		(void)close(lg->fd);
	}
}

static void linger_end(void *arg)
{
	mem_deref(arg);
}

static void linger_read(int flags, void *arg)
{
	struct lingerer *lg = arg;
	char sink[16 * 1024];
	ssize_t n;

	(void)flags;

	n = recv(lg->fd, sink, sizeof(sink), MSG_DONTWAIT);
	if (n > 0) {
		lg->bytes += (size_t)n;
		if (lg->bytes < LINGER_BYTES)
			return;
	} else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		return;
	}

	mem_deref(lg);
}

static void linger(struct gw_http *http, int fd)
{
	struct lingerer *lg;

	if (http->closed || list_count(&http->lingering) >= LINGERING_MAX)
		return;

	lg = mem_zalloc(sizeof(*lg), lingerer_destructor);
	if (!lg)
		return;

	tmr_init(&lg->tmr);
	lg->fd = dup(fd);
	if (lg->fd < 0 || fd_listen(lg->fd, FD_READ, linger_read, lg)) {
		mem_deref(lg);
		return;
	}

	/* TLS closes its session only; then the client must see the end */
	(void)shutdown(lg->fd, SHUT_WR);
	list_append(&http->lingering, &lg->le, lg);
	tmr_start(&lg->tmr, LINGER_MS, linger_end, lg);
}

static void conn_destructor(void *arg)
{
	struct gw_http_conn *conn = arg;

	list_unlink(&conn->le);
}

static void peer_address(struct gw_http_conn *conn, struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info;
	struct sa sa;

	info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (!info || !info->client_addr || sa_set_sa(&sa, info->client_addr))
		return;

	conn->local = sa_is_loopback(&sa);
	(void)re_snprintf(conn->client, sizeof(conn->client), "%j", &sa);
}

struct gw_http_conn *gw_http_conn_open(struct gw_http_listener *listener,
				       struct MHD_Connection *con)
{
	const union MHD_ConnectionInfo *info;
	struct gw_http_conn *conn;
	const int on = 1;

	conn = mem_zalloc(sizeof(*conn), conn_destructor);
	if (!conn)
		return NULL; /* its first request will be refused */

	info = MHD_get_connection_info(con, MHD_CONNECTION_INFO_CONNECTION_FD);
	conn->fd = info ? info->connect_fd : -1;
	conn->listener = listener;
	peer_address(conn, con);

	/* an event must not wait for the acknowledgement of the one before */
	(void)setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

	listener->http->stats.connections++;
	conn->phase = GW_PHASE_COUNT;
	gw_http_conn_phase(conn, GW_PHASE_FIRST);

	return conn;
}

void gw_http_conn_close(struct gw_http_conn *conn)
{
	struct gw_http *http;
	int unread = 0;

	if (!conn)
		return;

	http = conn->listener->http;
	http->stats.connections--;

	/* libmicrohttpd closes the socket after this */
	if (conn->linger || (!ioctl(conn->fd, FIONREAD, &unread) && unread))
		linger(http, conn->fd);

	mem_deref(conn);
}

void gw_http_conn_phase(struct gw_http_conn *conn, enum gw_http_phase phase)
{
	struct gw_http *http;

	if (!conn || conn->phase == phase)
		return;

	http = conn->listener->http;
	list_unlink(&conn->le);
	conn->phase = phase;
	conn->since = tmr_jiffies();
	list_append(&http->phases[phase], &conn->le, conn);
}

static void cut(struct gw_http_conn *conn)
{
	conn->listener->http->stats.deadline_closed++;
	(void)shutdown(conn->fd, SHUT_RDWR);
	/* what happens next is libmicrohttpd's: until then it is nobody's */
	gw_http_conn_phase(conn, GW_PHASE_REPLY);
}

static void cut_late(struct gw_http *http, enum gw_http_phase phase,
		     uint64_t now)
{
	struct le *le;

	while (patience_ms[phase] &&
	       (le = list_head(&http->phases[phase])) != NULL) {
		struct gw_http_conn *conn = le->data;

		if (now - conn->since < patience_ms[phase])
			return;
		cut(conn);
	}
}

static bool is_silent(int fd)
{
	struct tcp_info info;
	socklen_t len = sizeof(info);

	memset(&info, 0, sizeof(info));
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return false;

	return info.tcpi_last_data_recv >= SILENT_MS;
}

/* TLS connections without a request so far: a half-done handshake costs a run
 * of libmicrohttpd each millisecond. */
static void cut_silent(struct gw_http *http, uint64_t now)
{
	struct le *le = list_head(&http->phases[GW_PHASE_FIRST]);

	while (le) {
		struct gw_http_conn *conn = le->data;

		le = le->next;
		if (now - conn->since < SILENT_MS)
			return;
		if (conn->listener->tls && is_silent(conn->fd))
			cut(conn);
	}
}

static bool is_reset(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	/* a client that only closed its own direction may still be reading */
	return poll(&pfd, 1, 0) > 0 &&
	       (pfd.revents & (POLLERR | POLLHUP | POLLNVAL));
}

/* libmicrohttpd doesn't watch a suspended connection: those that wait for long
 * are asked here whether anybody is still there. */
static void tell_gone(struct gw_http *http, uint64_t now)
{
	struct le *le = list_head(&http->waiting);

	while (le) {
		struct gw_http_req *req = le->data;
		gw_http_gone_h *goneh = req->goneh;

		le = le->next;
		if (now - req->started < WAIT_LOOK_MS)
			continue;
		if (!goneh || !is_reset(req->conn->fd))
			continue;

		/* what follows may be answered, and leave the list, in goneh */
		req->goneh = NULL;
		goneh(req, req->gone_arg);
		return;
	}
}

static void watch(void *arg)
{
	struct gw_http *http = arg;
	const uint64_t now = tmr_jiffies();

	tmr_start(&http->watchdog, WATCH_MS, watch, http);

	for (int i = 0; i < GW_PHASE_COUNT; i++)
		cut_late(http, (enum gw_http_phase)i, now);
	cut_silent(http, now);
	tell_gone(http, now);
}

void gw_http_watch_start(struct gw_http *http)
{
	tmr_init(&http->watchdog);
	tmr_start(&http->watchdog, WATCH_MS, watch, http);
}

void gw_http_watch_stop(struct gw_http *http)
{
	tmr_cancel(&http->watchdog);
	list_flush(&http->lingering);
}
