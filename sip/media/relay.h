/* The numbers of packets that are passed on: from the source's sequence and time
 * to our own. Pure: no socket, no clock. */
#ifndef BELLPULL_SIP_MEDIA_RELAY_H
#define BELLPULL_SIP_MEDIA_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "sip/media/rtp.h"

/* Zeroed passes nothing on yet. */
struct gw_relay {
	bool flows; /* what is sent now comes from the source */
	uint32_t ssrc;
	uint16_t in_first, in_last; /* what is before first came too late */
	uint16_t seq_offset;
	uint32_t in_ts, ts_offset;
	uint32_t step; /* from one packet to the next, in its clock */
	int64_t us;    /* when the last one came */
};

/* Where our own stream stands. */
struct gw_relay_now {
	uint16_t seq; /* of our next packet */
	uint32_t ts;  /* that a packet of now would have */
	int64_t us;
	uint32_t clock_rate;
};

enum gw_relay_order {
	GW_RELAY_DROP, /* older than where the flow began: its number is taken */
	GW_RELAY_LATE,  /* fills a place that was left open */
	GW_RELAY_NEXT,  /* the newest one */
	GW_RELAY_FRESH, /* the first of a flow: a spurt begins */
};

/* Maps seq and ts of a packet in place. Numbers that are missing at the source
 * stay missing, so that the far side can conceal the loss; a source that begins
 * anew, or jumps in number or time, goes on where our own stream stands. */
enum gw_relay_order gw_relay_map(struct gw_relay *relay, struct gw_rtp *rtp,
				 const struct gw_relay_now *now);

#endif
