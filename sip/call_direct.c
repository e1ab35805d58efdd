/* sip/call_direct.c - join: direct. The legs send their sound to each other.
 *
 *   bridged --> first is told where second is --> second is told where first is
 *                    | refused                         | refused
 *                    v                                 v
 *                  relay  <-------------- first is told where we are
 *
 * Only where both speak the same codec under the same numbers, and where nothing
 * is recorded. Whoever changes the session later (hold, a codec) gets our own
 * address and the other one is called back: relay, for good. Playing, recording,
 * hold by us and transfers call both back first.
 *
 * A leg that refuses to come back is asked again a few times. Then the call ends:
 * its sound goes where nobody hears it, and two people would sit in silence. */
#include "sip/call_impl.h"

#include <errno.h>

enum { BACK_PAUSE_MS = 2000, BACK_REFUSALS_MAX = 3 };

/* Asks for what isn't under way yet, as long as it takes: each question has an
 * end of its own. */
static void call_back(void *arg)
{
	struct gw_call *call = arg;
	bool waits = false;

	if (call->direct != GW_DIRECT_NO)
		return;

	for (size_t i = 0; i < ARRAY_SIZE(call->party); i++) {
		struct gw_leg *leg = call->party[i];

		if (leg && gw_leg_is_up(leg) && gw_leg_is_away(leg) &&
		    gw_leg_point_at(leg, NULL))
			waits = true;
	}
	if (waits)
		tmr_start(&call->back, BACK_PAUSE_MS, call_back, call);
}

static void stayed_away(struct gw_call *call)
{
	if (++call->back_refused < BACK_REFUSALS_MAX)
		tmr_start(&call->back, BACK_PAUSE_MS, call_back, call);
	else
		gw_call_end_by(call, GW_CAUSE_MEDIA_TIMEOUT,
			       GW_ENDED_BY_GATEWAY);
}

void gw_call_go_direct(struct gw_call *call)
{
	struct gw_leg *first = gw_call_first(call);
	const struct gw_leg *second = gw_call_second(call);

	if (call->order.join != GW_JOIN_DIRECT || call->info.recording ||
	    call->state != GW_CALL_BRIDGED || !gw_call_both_up(call) ||
	    !gw_leg_fits(first, second))
		return;

	if (!gw_leg_point_at(first, second))
		call->direct = GW_DIRECT_FIRST;
}

static void get_out_of_the_way(struct gw_call *call)
{
	call->direct = GW_DIRECT_YES;
	call->info.join = GW_JOIN_DIRECT;
	for (size_t i = 0; i < ARRAY_SIZE(call->party); i++) {
		gw_leg_watch(call->party[i], 0);
		gw_leg_part(call->party[i]);
		gw_leg_hush(call->party[i]);
	}
}

void gw_call_direct_changed(struct gw_call *call, struct gw_leg *leg, int err)
{
	struct gw_leg *first = gw_call_first(call);
	struct gw_leg *second = gw_call_second(call);

	if (call->direct == GW_DIRECT_NO && gw_leg_is_away(leg)) {
		if (err)
			stayed_away(call);
		else /* called back while it was being sent away */
			call_back(call);
		return;
	}
	if (!first || !second)
		return;

	if (call->direct == GW_DIRECT_FIRST && leg == first) {
		if (!err)
			err = gw_leg_point_at(second, first);
		if (!err)
			call->direct = GW_DIRECT_SECOND;
		else
			gw_call_stop_direct(call);
	} else if (call->direct == GW_DIRECT_SECOND && leg == second) {
		if (err)
			gw_call_stop_direct(call);
		else
			get_out_of_the_way(call);
	}
}

void gw_call_stop_direct(struct gw_call *call)
{
	if (call->direct == GW_DIRECT_NO)
		return;

	call->direct = GW_DIRECT_NO;
	call->info.join = GW_JOIN_RELAY;
	call->back_refused = 0;
	call_back(call);
	gw_call_bridge(call);
}
