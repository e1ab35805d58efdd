/* Who is told: a receiver of webhooks for `make bench` that costs as little as can be.
 *
 *   sink --port N [--ports COUNT] [--hole]
 *
 * It listens on COUNT ports from N on, on loopback, takes each POST with 204 and
 * keeps the connection. With --hole the first port takes connections and bytes and
 * never answers. How late an event is, is its occurred_at against the wall clock,
 * which is the gateway's, too. SIGTERM, and one line of JSON comes out; it ends by
 * itself after ten minutes. */
#include <getopt.h>
#include <signal.h>
#include <sys/param.h>

#define METER "sink"
#include "shared.h"

enum {
	PORTS_MAX = 16,
	FDS_MAX = 4096,
	KIND_LISTEN = 1,
	KIND_CONN,
	LIFE_S = 600
};

struct conn {
	unsigned port; /* its number */
	size_t got;
	char buf[BUF];
};

static struct conn *conns[FDS_MAX];
static unsigned ports = 1;
static bool hole;
static volatile sig_atomic_t over;

static struct {
	uint64_t received, by_port[PORTS_MAX];
	int64_t first_us, last_us;
	int64_t *late; /* of the ports that answer */
	size_t late_count, late_room;
} seen;

static void on_signal(int sig)
{
	(void)sig;
	over = 1;
}

static int64_t wall_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* "2026-11-22T05:00:00.000Z" */
static int64_t time_of(const char *text)
{
	struct tm tm = { .tm_isdst = 0 };
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	return end && *end == '.' ? (int64_t)timegm(&tm) * 1000000 +
					    atoi(end + 1) * INT64_C(1000) :
				    0;
}

static void note(unsigned port, const char *body)
{
	static const char name[] = "\"occurred_at\":\"";
	const char *at = strstr(body, name);
	const int64_t when = at ? time_of(at + sizeof(name) - 1) : 0;

	seen.last_us = now_us();
	if (!seen.first_us)
		seen.first_us = seen.last_us;
	seen.received++;
	seen.by_port[port]++;
	if (!when)
		return;
	if (seen.late_count == seen.late_room) {
		seen.late_room = seen.late_room ? 2 * seen.late_room : 1 << 16;
		seen.late =
			realloc(seen.late, seen.late_room * sizeof(*seen.late));
		if (!seen.late)
			die("memory");
	}
	seen.late[seen.late_count++] = MAX(wall_us() - when, 0);
}

/* Takes one request off the front. False: it isn't whole yet. */
static bool take_request(int fd, struct conn *c)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
	char *end, *length;
	size_t size;
	char kept;

	c->buf[c->got] = '\0';
	end = strstr(c->buf, "\r\n\r\n");
	length = end ? strcasestr(c->buf, "\r\ncontent-length:") : NULL;
	if (!end || !length || length > end)
		return false;
	size = (size_t)(end + 4 - c->buf) + strtoul(length + 17, NULL, 10);
	if (c->got < size)
		return false;
	kept = c->buf[size];
	c->buf[size] = '\0';
	note(c->port, end + 4);
	c->buf[size] = kept;
	memmove(c->buf, c->buf + size, c->got - size);
	c->got -= size;
	if (write(fd, answer, sizeof(answer) - 1) < 0)
		return false;
	return true;
}

static void conn_ready(int fd)
{
	struct conn *c = conns[fd];
	const ssize_t n =
		read(fd, c->buf + c->got, sizeof(c->buf) - 1 - c->got);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		(void)close(fd);
		free(c);
		conns[fd] = NULL;
		return;
	}
	c->got += (size_t)n;
	if (hole && !c->port) {
		c->got = 0;
		return;
	}
	while (take_request(fd, c))
		;
}

static void take_conn(int listener, unsigned port)
{
	const int one = 1;
	const int fd =
		accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (fd >= FDS_MAX)
		die("too many connections");
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	conns[fd] = calloc(1, sizeof(*conns[fd]));
	if (!conns[fd])
		die("memory");
	conns[fd]->port = port;
	watch(fd, KIND_CONN, (uint32_t)fd);
}

static void open_port(int listeners[PORTS_MAX], unsigned i, unsigned port)
{
	const struct sockaddr_in a = loopback(port + i);
	const int one = 1;
	const int fd =
		socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    bind(fd, (const struct sockaddr *)&a, sizeof(a)) || listen(fd, 128))
		die("listen");
	listeners[i] = fd;
	watch(fd, KIND_LISTEN, i);
}

static void print_result(void)
{
	const double s = (double)(seen.last_us - seen.first_us) / 1e6;
	uint64_t least = UINT64_MAX;

	for (unsigned i = hole; i < ports; i++)
		least = MIN(least, seen.by_port[i]);
	(void)printf("{\"received\":%llu,\"least\":%llu,\"seconds\":%.3f,",
		     (unsigned long long)seen.received,
		     (unsigned long long)least, s);
	print_latency("late_ms", seen.late, seen.late_count);
	(void)printf("\"per_s\":%.0f}\n",
		     s > 0 ? (double)seen.received / s : 0.0);
}

int main(int argc, char *argv[])
{
	static const struct option known[] = { { "port", 1, NULL, 'p' },
					       { "ports", 1, NULL, 'n' },
					       { "hole", 0, NULL, 'o' },
					       { NULL, 0, NULL, 0 } };
	int listeners[PORTS_MAX];
	unsigned port = 0;
	int64_t until;
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'p')
			port = (unsigned)atoi(optarg);
		else if (c == 'n')
			ports = (unsigned)atoi(optarg);
		else if (c == 'o')
			hole = true;
		else
			return 2;
	}
	if (!port || !ports || ports > PORTS_MAX) {
		(void)fputs("sink --port N [--ports COUNT] [--hole]\n", stderr);
		return 2;
	}
	raise_fds();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGTERM, on_signal);
	ep = epoll_create1(EPOLL_CLOEXEC);
	for (unsigned i = 0; i < ports; i++)
		open_port(listeners, i, port);
	until = now_us() + INT64_C(1000000) * LIFE_S;
	while (!over && now_us() < until) {
		struct epoll_event e[256];
		const int n = epoll_wait(ep, e, 256, 1000);

		for (int k = 0; k < n; k++) {
			const uint32_t i = (uint32_t)e[k].data.u64;

			if (e[k].data.u64 >> 32 == KIND_LISTEN)
				take_conn(listeners[i], i);
			else
				conn_ready((int)i);
		}
	}
	print_result();
	return 0;
}
