/* sd_notify(3): one datagram to the socket that $NOTIFY_SOCKET names. */
#include "server/notify.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <re.h>

enum { PING_MIN_MS = 10 };

static struct {
	struct tmr tmr;
	uint64_t every_ms;
} watchdog;

void gw_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@'))
		return;
	len = strlen(path);
	if (len >= sizeof(addr.sun_path))
		return;
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@') /* the abstract namespace */
		addr.sun_path[0] = '\0';

	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		     (const struct sockaddr *)&addr,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
	(void)close(fd);
}

void gw_notify_reloading(void)
{
	struct timespec now;
	char text[64];

	/* Type=notify-reload wants to know that this isn't an older one's */
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		       (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	gw_notify(text);
}

/* Milliseconds between two pings; 0: nobody waits for ours. */
static uint64_t ping_every_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC");
	const char *pid = getenv("WATCHDOG_PID");
	uint64_t ms;

	if (!usec || (pid && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	ms = strtoull(usec, NULL, 10) / 1000 / 2;

	return ms && ms < PING_MIN_MS ? PING_MIN_MS : ms;
}

static void ping(void *arg)
{
	(void)arg;
	gw_notify("WATCHDOG=1");
	tmr_start(&watchdog.tmr, watchdog.every_ms, ping, NULL);
}

void gw_notify_watchdog_start(void)
{
	watchdog.every_ms = ping_every_ms();
	if (watchdog.every_ms)
		ping(NULL);
}

void gw_notify_watchdog_stop(void)
{
	tmr_cancel(&watchdog.tmr);
}
