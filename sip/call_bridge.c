/* sip/call_bridge.c - who hears what.
 *
 *   the other one is dialled    ringback, from its INVITE on
 *   it sends sound already      that sound, from its first packet on
 *   it is greeted               ringback again: greetings are not for others
 *   both are up                 each other
 *   one is on hold by us        silence for both
 *
 * A leg that we can make no sound for, or a moment without memory, is silence and
 * never the end of a call. */
#include "sip/call_impl.h"

void gw_call_ring_back(struct gw_call *call, const struct gw_leg *coming)
{
	struct gw_leg *waiting = gw_call_waiting(call, coming);

	if (waiting)
		(void)gw_leg_tone(waiting, GW_TONE_RINGBACK,
				  call->order.ringback);
}

/* An SDP alone is no sound yet: the tone goes on until there is some. */
void gw_call_early(struct gw_call *call, struct gw_leg *coming)
{
	struct gw_leg *waiting = gw_call_waiting(call, coming);

	if (waiting)
		(void)gw_leg_join(waiting, coming);
}

void gw_call_heard(struct gw_call *call, const struct gw_leg *coming)
{
	struct gw_leg *waiting = gw_call_waiting(call, coming);

	if (waiting && gw_leg_state(coming) == GW_LEG_EARLY)
		(void)gw_leg_tone(waiting, GW_TONE_NONE, NULL);
}

static bool is_held_by_us(const struct gw_leg *leg)
{
	struct gw_leg_info info;

	gw_leg_info(leg, &info);
	return info.held;
}

void gw_call_join(struct gw_call *call)
{
	struct gw_leg *from = call->party[GW_ROLE_FROM];
	struct gw_leg *to = call->party[GW_ROLE_TO];

	if (!gw_call_both_up(call) || call->direct == GW_DIRECT_YES)
		return;

	if (is_held_by_us(from) || is_held_by_us(to)) {
		gw_leg_part(from);
		gw_leg_part(to);
	} else {
		(void)gw_leg_join(from, to);
	}
}

void gw_call_bridge(struct gw_call *call)
{
	const uint32_t stall_ms = call->order.stall_s * 1000;

	call->info.join = GW_JOIN_RELAY;
	if (!gw_call_both_up(call))
		return;

	for (size_t i = 0; i < ARRAY_SIZE(call->party); i++) {
		(void)gw_leg_tone(call->party[i], GW_TONE_NONE, NULL);
		gw_leg_watch(call->party[i], stall_ms);
	}
	gw_call_join(call);
}

/* Hold --------------------------------------------------------------------- */

static bool any_told_held(const struct gw_call *call)
{
	for (size_t i = 0; i < call->leg_count; i++) {
		const struct gw_leg *leg = call->legs[i];

		if (call->told_held[i] && gw_leg_is_up(leg) &&
		    call->party[gw_leg_role(leg)] == leg)
			return true;
	}

	return false;
}

/* Before the bridge nobody has told anything, and within a transfer holding is
 * part of it: then both are looked at afterwards. */
void gw_call_look_at_hold(struct gw_call *call, const struct gw_leg *leg)
{
	size_t i = 0;
	bool held;

	if ((call->state != GW_CALL_BRIDGED && call->state != GW_CALL_HELD) ||
	    leg == call->unhold_due)
		return;

	while (i < call->leg_count && call->legs[i] != leg)
		i++;

	held = gw_leg_is_held(leg);
	if (i == call->leg_count || call->party[gw_leg_role(leg)] != leg ||
	    call->told_held[i] == held)
		return;

	call->told_held[i] = held;
	call->about = leg;
	gw_call_apply(call, held                ? GW_IN_HOLD :
			    any_told_held(call) ? GW_IN_STILL_HELD :
						  GW_IN_UNHOLD);
	call->about = NULL;
}

void gw_call_look_at_holds(struct gw_call *call)
{
	if (call->state == GW_CALL_BRIDGED && any_told_held(call))
		gw_call_apply(call, GW_IN_STILL_HELD);

	for (size_t i = 0; i < ARRAY_SIZE(call->party); i++) {
		if (call->party[i])
			gw_call_look_at_hold(call, call->party[i]);
	}
}
