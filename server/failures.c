/* See failures.h. */
#include "server/failures.h"

#include <string.h>

#include <re.h>

enum { WINDOW_MS = 60 * 1000 };

void gw_net_of(uint8_t net[9], const char *client)
{
	struct sa sa;

	memset(net, 0, 9);
	if (sa_set_str(&sa, client, 0))
		return;

	net[0] = (uint8_t)sa_af(&sa);
	if (sa_af(&sa) == AF_INET)
		memcpy(net + 1, &sa.u.in.sin_addr, 4);
	else
		memcpy(net + 1, &sa.u.in6.sin6_addr, 8);
}

/* The entry of a net, or NULL. *oldestp: the one to use for a new net. */
static struct gw_failures_net *find(struct gw_failures *failures,
				    const uint8_t net[9],
				    struct gw_failures_net **oldestp)
{
	struct gw_failures_net *oldest = &failures->nets[0];

	for (size_t i = 0; i < GW_FAILURES_NETS; i++) {
		struct gw_failures_net *f = &failures->nets[i];

		if (f->count && !memcmp(f->net, net, 9))
			return f;
		if (oldest->count &&
		    (!f->count || f->since_ms < oldest->since_ms))
			oldest = f;
	}

	*oldestp = oldest;
	return NULL;
}

bool gw_failures_count(struct gw_failures *failures, const char *client,
		       uint64_t now_ms)
{
	struct gw_failures_net *f, *oldest;
	uint8_t net[9];

	gw_net_of(net, client);
	f = find(failures, net, &oldest);
	if (f && now_ms - f->since_ms >= WINDOW_MS)
		f->count = 0;
	else if (f && f->count >= GW_FAILURES_MAX)
		return false;
	if (!f)
		f = oldest;
	if (!f->count || memcmp(f->net, net, 9) != 0) {
		memcpy(f->net, net, 9);
		f->count = 0;
		f->since_ms = now_ms;
	}
	f->count++;
	return true;
}
