/* Listening, and running libmicrohttpd inside libre's loop.
 *
 * Each listening address is a daemon in external epoll mode. Its epoll fd is
 * watched by libre's loop; gw_http_run() is the only place where libmicrohttpd
 * runs: when the fd is ready, when its own timeout is due, and after something
 * was resumed. (Without that run nothing leaves until some other event; and
 * since the epoll fd inside is edge-triggered, MHD_get_timeout() must be
 * believed.) A turn is bounded: at most four runs. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "server/http_inside.h"
#include "server/log.h"
#include "server/loop.h"

enum {
	IDLE_S = 30,       /* libmicrohttpd's own: writing, keep-alive  */
	FDS_RESERVE = 512, /* for SIP, RTP, store, files                */
	BACKLOG = 1024,
	/* 1.0 answers a blank in the target with a redirect, unless it is told
	 * to be strict; older ones know no degrees, and leave it to the guard */
	STRICT = MHD_VERSION >= 0x01000000 ? 1 : 0,
};

/* 1.2 and up, keys that nobody can read later, and ciphers that authenticate. */
#define TLS_PRIORITY                                         \
	"SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA" \
	":-AES-128-CBC:-AES-256-CBC:-SHA1"

/* What all listeners have alike. */
struct how {
	const struct gw_http_callbacks *cbs;
	bool tls;
};

/* Running libmicrohttpd. -------------------------------------------------- */

static void run_again(void *arg)
{
	gw_http_run(arg);
}

void gw_http_run(struct gw_http_listener *l)
{
	MHD_UNSIGNED_LONG_LONG ms = 0;
	bool timed = false;

	/* a handler's reply may kick from inside */
	if (l->running || !l->daemon)
		return;

	l->running = true;
	tmr_cancel(&l->tmr);

	for (int i = 0; i < GW_HTTP_RUNS_MAX; i++) {
		l->kicked = false;
		(void)MHD_run(l->daemon);
		timed = MHD_get_timeout(l->daemon, &ms) == MHD_YES;
		if (!l->kicked && (!timed || ms))
			break;
	}
	l->running = false;

	/* A half-open TLS handshake keeps the timeout at 0 until the watchdog
	 * ends it: a pause of a millisecond leaves the loop to the others. */
	if (l->kicked)
		tmr_start(&l->tmr, 0, run_again, l);
	else if (timed)
		tmr_start(&l->tmr, !ms && l->tls ? 1 : ms, run_again, l);
}

static void on_epoll(int flags, void *arg)
{
	(void)flags;
	gw_http_run(arg);
}

/* After a resume: at the end of the batch of completions, or in the next turn
 * if there is none. */
void gw_http_kick(struct gw_http_listener *l)
{
	if (l->kicked)
		return;

	l->kicked = true;
	if (!l->running)
		tmr_start(&l->tmr, 0, run_again, l);
}

static void after_batch(void *arg)
{
	struct gw_http *http = arg;

	for (size_t i = 0; i < http->listener_count; i++) {
		if (http->listeners[i]->kicked)
			gw_http_run(http->listeners[i]);
	}
}

/* One limit for all listeners: libmicrohttpd's own counts each for itself. */
static enum MHD_Result accept_policy(void *arg, const struct sockaddr *addr,
				     socklen_t len)
{
	const struct gw_http_listener *l = arg;
	const struct gw_http *http = l->http;

	(void)addr;
	(void)len;

	return http->stats.connections < http->config->limits.connections ?
		       MHD_YES :
		       MHD_NO;
}

static void mhd_log(void *arg, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void mhd_log(void *arg, const char *fmt, va_list ap)
{
	char text[256];
	size_t len;

	(void)arg;

	if (gw_log_level() < GW_LOG_DEBUG)
		return;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	len = strlen(text);
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	gw_log(GW_LOG_DEBUG, "http.library", GW_F_STR("text", text));
}

/* Listening. -------------------------------------------------------------- */

static void listener_destructor(void *arg)
{
	struct gw_http_listener *l = arg;

	tmr_cancel(&l->tmr);
	if (l->daemon) {
		fd_close(l->epfd);
		MHD_stop_daemon(l->daemon);
	}
	if (l->fd >= 0)
		(void)close(l->fd);
}

static int open_socket(int *fdp, struct sa *addr)
{
	const int on = 1;
	int fd, err = 0;
	struct sa local;

	fd = socket(sa_af(addr), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa_af(addr) == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
				 sizeof(on));

	sa_init(&local, AF_UNSPEC);
	local.len = sizeof(local.u);
	if (bind(fd, &addr->u.sa, addr->len) || listen(fd, BACKLOG) ||
	    getsockname(fd, &local.u.sa, &local.len))
		err = errno;

	if (err) {
		(void)close(fd);
		return err;
	}

	sa_set_port(addr, sa_port(&local));
	*fdp = fd;
	return 0;
}

static uint32_t connections_max(const struct gw_config *cfg)
{
	const uint32_t fds = gw_loop_fds();
	const uint32_t room = fds > 2 * FDS_RESERVE ? fds - FDS_RESERVE :
						      fds / 2;

	return cfg->limits.connections < room ? cfg->limits.connections : room;
}

static int start_daemon(struct gw_http_listener *l, const struct how *how)
{
	const struct gw_config *cfg = l->http->config;
	const union MHD_DaemonInfo *info;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_CERT_CALLBACK, 0,
		  (void *)(uintptr_t)gw_http_cert_ask },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0,
		  (void *)(uintptr_t)TLS_PRIORITY },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
			 MHD_USE_ERROR_LOG;

	l->tls = how->tls;
	if (l->tls)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;

	/* the logger comes first: options are read in their order */
	l->daemon = MHD_start_daemon(
		flags, 0, accept_policy, l, how->cbs->request, l,
		MHD_OPTION_EXTERNAL_LOGGER, mhd_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, l->fd, MHD_OPTION_STRICT_FOR_CLIENT,
		STRICT, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)GW_HTTP_MEMORY, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned)IDLE_S, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)connections_max(cfg),
		MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		(unsigned)cfg->limits.connections_per_ip,
		MHD_OPTION_URI_LOG_CALLBACK, how->cbs->uri, l,
		MHD_OPTION_NOTIFY_CONNECTION, how->cbs->connection, l,
		MHD_OPTION_NOTIFY_COMPLETED, how->cbs->completed, l,
		MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	if (!l->daemon)
		return EINVAL;

	info = MHD_get_daemon_info(l->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info)
		return ENOSYS;
	l->epfd = info->epoll_fd;

	return fd_listen(l->epfd, FD_READ, on_epoll, l);
}

static int add_listener(struct gw_http *http, struct sa *addr,
			const struct how *how)
{
	struct gw_http_listener *l;
	int err;

	if (http->listener_count == GW_HTTP_LISTENERS_MAX)
		return E2BIG;

	l = mem_zalloc(sizeof(*l), listener_destructor);
	if (!l)
		return ENOMEM;
	l->http = http; /* which outlives it */
	l->fd = -1;
	tmr_init(&l->tmr);

	err = open_socket(&l->fd, addr);
	if (err)
		goto out;
	err = start_daemon(l, how);
	if (err)
		goto out;

	l->addr = *addr;
	(void)re_snprintf(l->url, sizeof(l->url), "%s://%J",
			  l->tls ? "https" : "http", addr);
	http->listeners[http->listener_count++] = l;
	gw_http_run(l);

out:
	if (err)
		mem_deref(l);
	return err;
}

static bool is_loopback4(const struct sa *addr)
{
	return sa_af(addr) == AF_INET && sa_in(addr) == INADDR_LOOPBACK;
}

/* curl asks for [::1] first when told "localhost": somebody who says 127.0.0.1
 * means this machine. */
static void add_companion(struct gw_http *http, const struct sa *addr,
			  const struct how *how)
{
	struct sa six;
	int err;

	if (!is_loopback4(addr) || sa_set_str(&six, "::1", sa_port(addr)))
		return;

	err = add_listener(http, &six, how);
	if (err)
		gw_log(err == EADDRINUSE ? GW_LOG_WARNING : GW_LOG_DEBUG,
		       "http.listen", GW_F_STR("address", "[::1]"),
		       GW_F_INT("port", sa_port(addr)), GW_F_ERR("error", err));
}

static bool listens_on(const struct gw_config *cfg, const char *address,
		       uint16_t port)
{
	for (size_t i = 0; i < cfg->http.listen.count; i++) {
		const struct gw_config_listen *at = &cfg->http.listen.list[i];

		if (at->port == port && !strcmp(at->address, address))
			return true;
	}

	return false;
}

static int listen_all(struct gw_http *http, const struct how *how, char *why,
		      size_t why_size)
{
	const struct gw_config *cfg = http->config;

	for (size_t i = 0; i < cfg->http.listen.count; i++) {
		const struct gw_config_listen *at = &cfg->http.listen.list[i];
		struct sa addr;
		int err;

		err = sa_set_str(&addr, at->address, at->port);
		if (!err)
			err = add_listener(http, &addr, how);
		if (err) {
			(void)re_snprintf(why, why_size,
					  "cannot listen on %s port %u: %m",
					  at->address, at->port, err);
			return err;
		}
		if (!listens_on(cfg, "::1", at->port))
			add_companion(http, &addr, how);
	}

	return 0;
}

int gw_http_prepare(struct gw_http_cert **certp, const struct gw_config *cfg,
		    const struct gw_auth *auth, char *why, size_t why_size)
{
	*certp = NULL;
	if (!cfg->key_count && !gw_auth_has_stored(auth) &&
	    gw_config_open_door(cfg)) {
		(void)re_snprintf(why, why_size,
				  "http.listen names an address that others can"
				  " reach, and there are no keys: make one with"
				  " `bellpull key add`, add one to \"keys\","
				  " or listen on 127.0.0.1");
		return EPERM;
	}

	return cfg->http.certificate ?
		       gw_http_cert_load(certp, &cfg->http, why, why_size) :
		       0;
}

int gw_http_listen(struct gw_http *http, const struct gw_http_callbacks *cbs,
		   char *why, size_t why_size)
{
	struct how how = { .cbs = cbs };
	struct gw_http_cert *cert;
	int err;

	err = gw_http_prepare(&cert, http->config, http->auth, why, why_size);
	if (err)
		return err;
	how.tls = cert != NULL;
	if (cert)
		gw_http_cert_use(cert);

	err = listen_all(http, &how, why, why_size);
	if (!err)
		gw_loop_after_batch(after_batch, http);

	return err;
}
