/* What both meters of `make bench` are made of. Each is one file and includes this
 * once; METER is its name in errors. */
#ifndef BELLPULL_TESTS_BENCH_SHARED_H
#define BELLPULL_TESTS_BENCH_SHARED_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	CONNS_MAX = 256,
	BUF = 16384,
	PACKET = 4096,
	DRAIN_S = 12,
};

static int ep;

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static void die(const char *what)
{
	(void)fprintf(stderr, METER ": %s: %s\n", what, strerror(errno));
	exit(2);
}

static void raise_fds(void)
{
	struct rlimit lim;

	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &lim);
	}
}

/* Results -------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* Prints p50, p99 and the largest, in milliseconds. */
static void print_latency(const char *name, int64_t *us, size_t n)
{
	if (!n) {
		(void)printf("\"%s\":null,", name);
		return;
	}
	qsort(us, n, sizeof(*us), by_value);
	(void)printf(
		"\"%s\":{\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"n\":%zu},",
		name, (double)us[n / 2] / 1000.0,
		(double)us[(n * 99) / 100] / 1000.0, (double)us[n - 1] / 1000.0,
		n);
}

/* Sockets -------------------------------------------------------------------- */

static void watch(int fd, uint32_t kind, uint32_t index)
{
	struct epoll_event e = { .events = EPOLLIN,
				 .data.u64 = (uint64_t)kind << 32 | index };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e))
		die("epoll_ctl");
}

static inline struct sockaddr_in loopback(unsigned port)
{
	const struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return a;
}

/* A connection to an HTTP server; rcvbuf 0: as it comes. */
static inline int dial_http(unsigned port, int rcvbuf)
{
	const struct sockaddr_in a = loopback(port);
	const int one = 1;
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	if (rcvbuf)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
				 sizeof(rcvbuf));
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		die("connect");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* A phone's UDP port, with room for bursts. */
static inline int open_udp(unsigned port, int size)
{
	const struct sockaddr_in a = loopback(port);
	const int fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&a, sizeof(a)))
		die("udp");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size,
				 sizeof(size));
	return fd;
}

/* Texts ---------------------------------------------------------------------- */

/* False until the whole answer to a request is in text (len of it, and room for
 * one sign more). */
static inline bool read_answer(char *text, size_t len, int *statusp,
			       bool *closep)
{
	const char *end, *length;

	text[len] = '\0';
	end = strstr(text, "\r\n\r\n");
	if (!end)
		return false;
	length = strcasestr(text, "\r\ncontent-length:");
	if (length && length < end &&
	    len < (size_t)(end + 4 - text) + strtoul(length + 17, NULL, 10))
		return false;
	*closep = strcasestr(text, "\r\nconnection: close") != NULL;
	*statusp = atoi(text + 9);
	return true;
}

/* A SIP header's value; name is "\r\nVia:". NULL when it isn't there. */
static inline const char *header(const char *msg, const char *name,
				 size_t *lenp)
{
	const char *at = strcasestr(msg, name);
	const char *end;

	if (!at)
		return NULL;
	at += strlen(name);
	at += strspn(at, " ");
	end = strstr(at, "\r\n");
	*lenp = end ? (size_t)(end - at) : 0;
	return at;
}

/* The response to a request, with all its Vias; more: the rest of the head and the
 * body. Returns its length, 0 when the request lacks something. */
static inline int write_reply(char *out, size_t size, const char *msg,
			      const char *status, const char *more)
{
	size_t via = 0, from = 0, to = 0, cid = 0, cseq = 0;
	const char *v = header(msg, "\r\nVia:", &via);
	const char *f = header(msg, "\r\nFrom:", &from);
	const char *t = header(msg, "\r\nTo:", &to);
	const char *c = header(msg, "\r\nCall-ID:", &cid);
	const char *s = header(msg, "\r\nCSeq:", &cseq);
	int n;

	if (!v || !f || !t || !c || !s)
		return 0;
	n = snprintf(
		out, size,
		"SIP/2.0 %s\r\nVia: %.*s\r\nFrom: %.*s\r\nTo: %.*s%s\r\nCall-ID: %.*s\r\n"
		"CSeq: %.*s\r\n%s",
		status, (int)via, v, (int)from, f, (int)to, t,
		memmem(t, to, "tag=", 4) ? "" : ";tag=" METER, (int)cid, c,
		(int)cseq, s, more);
	return n > 0 && n < (int)size ? n : 0;
}

/* Our BYE without its Via, for a dialog that msg's INVITE begins: what is its From
 * is our To. NULL when msg lacks something. */
static inline char *write_dialog(const char *msg)
{
	size_t from = 0, to = 0, cid = 0, contact = 0;
	const char *f = header(msg, "\r\nFrom:", &from);
	const char *t = header(msg, "\r\nTo:", &to);
	const char *c = header(msg, "\r\nCall-ID:", &cid);
	const char *m = header(msg, "\r\nContact:", &contact);
	const char *a = m ? memchr(m, '<', contact) : NULL;
	const char *z = a ? memchr(a, '>', contact - (size_t)(a - m)) : NULL;
	char *dialog;

	if (!f || !t || !c || !z ||
	    asprintf(&dialog,
		     "BYE %.*s SIP/2.0\r\nFrom: %.*s;tag=" METER
		     "\r\nTo: %.*s\r\nCall-ID: %.*s\r\n"
		     "CSeq: 1 BYE\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n",
		     (int)(z - a - 1), a + 1, (int)to, t, (int)from, f,
		     (int)cid, c) < 0)
		return NULL;
	return dialog;
}

/* That BYE with a Via. */
static inline int write_bye(char *out, size_t size, const char *dialog,
			    unsigned port, unsigned branch)
{
	const char *eol = strstr(dialog, "\r\n");
	const int n = snprintf(
		out, size,
		"%.*s\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%x.%u;rport%s\r\n",
		(int)(eol - dialog), dialog, port, (unsigned)getpid(), branch,
		eol);

	return n > 0 && n < (int)size ? n : 0;
}

#endif
