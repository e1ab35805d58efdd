/* Which RTP ports are ours right now. */
#ifndef BELLPULL_SIP_MEDIA_RANGE_H
#define BELLPULL_SIP_MEDIA_RANGE_H

#include <stdbool.h>
#include <stdint.h>

/* Pairs of an even port and the odd one above it, handed out in turn: a port
 * that was given back is the last to come again, so that late packets of an old
 * call don't meet a new one. */
struct gw_port_range {
	uint16_t first; /* even */
	uint32_t pairs, used, next;
	uint32_t bits[65536 / 2 / 32];
};

/* Returns 0, or EINVAL when there is no whole pair between min and max. start
 * is any number, at best random: where to begin. */
int gw_port_range_init(struct gw_port_range *range, uint16_t min, uint16_t max,
		       uint32_t start);
/* The next free pair's even port, now taken; 0: all are. */
uint16_t gw_port_range_take(struct gw_port_range *range);
void gw_port_range_give(struct gw_port_range *range, uint16_t port);

#endif
