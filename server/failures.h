/* Wrong keys by address: who guesses is slowed down. A bounded table; when it is
 * full its oldest entry goes. */
#ifndef BELLPULL_SERVER_FAILURES_H
#define BELLPULL_SERVER_FAILURES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_FAILURES_MAX = 10, /* a minute and net */
	GW_FAILURES_NETS = 1024,
};

/* Zeroed, it is empty. */
struct gw_failures {
	struct gw_failures_net {
		uint8_t net[9]; /* family, IPv4 or the first 64 bits of IPv6 */
		uint32_t count; /* 0: free */
		uint64_t since_ms;
	} nets[GW_FAILURES_NETS];
};

/* IPv6 users own a /64 at least: counting addresses would count nothing. client:
 * numeric. */
void gw_net_of(uint8_t net[9], const char *client);

/* Counts one more. False: there have been too many, and this isn't counted. */
bool gw_failures_count(struct gw_failures *failures, const char *client,
		       uint64_t now_ms);

#endif
