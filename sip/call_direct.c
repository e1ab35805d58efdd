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
 * hold by us and transfers call both back first. */
#include "sip/call_impl.h"

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

	if (call->direct == GW_DIRECT_NO && !err && gw_leg_is_away(leg)) {
		/* called back while it was being sent away */
		(void)gw_leg_point_at(leg, NULL);
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

static void come_back(struct gw_call *call, const struct gw_leg *but)
{
	call->direct = GW_DIRECT_NO;
	call->info.join = GW_JOIN_RELAY;
	for (size_t i = 0; i < ARRAY_SIZE(call->party); i++) {
		struct gw_leg *leg = call->party[i];

		if (leg && leg != but && gw_leg_is_away(leg))
			(void)gw_leg_point_at(leg, NULL);
	}
	gw_call_bridge(call);
}

void gw_call_leg_came_back(struct gw_call *call, const struct gw_leg *leg)
{
	if (call->direct != GW_DIRECT_NO)
		come_back(call, leg);
}

void gw_call_stop_direct(struct gw_call *call)
{
	if (call->direct != GW_DIRECT_NO)
		come_back(call, NULL);
}
