/* The numbers of packets that are passed on: see the header.
 *
 * A flow is anchored at its first packet, which gets the next number and the
 * present time of our own stream; all others keep their distance to it. */
#include "sip/media/relay.h"

enum {
	DROPOUT = 3000, /* RFC 3550 A.1: farther ahead is a new beginning */
	MISORDER = 100,
	WINDOW = 1000,    /* of numbers that are compared with the first */
	ADRIFT_MS = 2000, /* of its time from ours: its clock has jumped */
	STEP_MAX_MS = 120,
};

static void anchor(struct gw_relay *relay, const struct gw_rtp *rtp,
		   const struct gw_relay_now *now)
{
	relay->flows = true;
	relay->ssrc = rtp->ssrc;
	relay->in_first = relay->in_last = rtp->seq;
	relay->seq_offset = (uint16_t)(now->seq - rtp->seq);
	relay->in_ts = rtp->ts;
	relay->ts_offset = now->ts - rtp->ts;
	relay->us = now->us;
}

static bool is_adrift(const struct gw_relay *relay, const struct gw_rtp *rtp,
		      const struct gw_relay_now *now)
{
	const int64_t went = (int32_t)(rtp->ts - relay->in_ts);
	const int64_t passed =
		(now->us - relay->us) * now->clock_rate / 1000000;
	const int64_t far = (int64_t)now->clock_rate * ADRIFT_MS / 1000;

	return went < 0 || went - passed > far || passed - went > far;
}

static void advance(struct gw_relay *relay, const struct gw_rtp *rtp,
		    const struct gw_relay_now *now)
{
	const uint32_t step = rtp->ts - relay->in_ts;

	if ((uint16_t)(rtp->seq - relay->in_last) == 1 && step &&
	    step <= now->clock_rate / 1000 * STEP_MAX_MS)
		relay->step = step;

	relay->in_last = rtp->seq;
	if ((uint16_t)(relay->in_last - relay->in_first) > WINDOW)
		relay->in_first = (uint16_t)(relay->in_last - WINDOW);
	relay->in_ts = rtp->ts;
	relay->us = now->us;
}

static enum gw_relay_order order_of(struct gw_relay *relay,
				    const struct gw_rtp *rtp,
				    const struct gw_relay_now *now)
{
	const int ahead = (int16_t)(rtp->seq - relay->in_last);

	if (!relay->flows || relay->ssrc != rtp->ssrc || ahead > DROPOUT ||
	    ahead < -MISORDER)
		return GW_RELAY_FRESH;
	if (ahead > 0)
		return is_adrift(relay, rtp, now) ? GW_RELAY_FRESH :
						    GW_RELAY_NEXT;

	return (int16_t)(rtp->seq - relay->in_first) < 0 ? GW_RELAY_DROP :
							   GW_RELAY_LATE;
}

enum gw_relay_order gw_relay_map(struct gw_relay *relay, struct gw_rtp *rtp,
				 const struct gw_relay_now *now)
{
	const enum gw_relay_order order = order_of(relay, rtp, now);

	if (order == GW_RELAY_FRESH)
		anchor(relay, rtp, now);
	else if (order == GW_RELAY_NEXT)
		advance(relay, rtp, now);

	rtp->seq = (uint16_t)(rtp->seq + relay->seq_offset);
	rtp->ts += relay->ts_offset;
	return order;
}
