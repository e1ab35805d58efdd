/* sip/call_greet.c - what a leg hears and has to press before it counts as up.
 *
 *   answered --> announcement, if there is one for it --> it presses the digit
 *
 * The digit counts from the answer on, also while the announcement runs; time to
 * press it is measured from the announcement's end. A voicemail can't press: that
 * is what the digit is for. */
#include "sip/call_impl.h"

static void confirm_timeout(void *arg)
{
	struct gw_call *call = arg;
	struct gw_leg *leg = call->party[call->order.confirm_role];

	mem_ref(call);
	if (leg == call->greeted && call->confirm_due) {
		gw_call_tell_leg(call, GW_EV_CALL_CONFIRM_FAILED, leg);
		gw_leg_end(leg, GW_CAUSE_CONFIRM_FAILED);
	}
	mem_deref(call);
}

static void wait_for_digit(struct gw_call *call)
{
	if (call->confirm_due && !call->announcing)
		tmr_start(&call->confirm,
			  (uint64_t)call->order.confirm_timeout_s * 1000,
			  confirm_timeout, call);
}

static void go_on_if_done(struct gw_call *call)
{
	const struct gw_leg *leg = call->greeted;

	if (!leg || call->announcing || call->confirm_due || !gw_leg_is_up(leg))
		return;

	call->greeted = NULL;
	gw_call_apply(call, leg == gw_call_first(call) ? GW_IN_FIRST_READY :
							 GW_IN_ALL_UP);
}

void gw_call_greet_stop(struct gw_call *call)
{
	call->greeted = NULL;
	tmr_cancel(&call->confirm);
}

void gw_call_greet(struct gw_call *call, struct gw_leg *leg)
{
	const struct gw_call_order *order = &call->order;
	const enum gw_role role = gw_leg_role(leg);
	const bool announces = order->announce && order->announce_role == role;
	const bool confirms = order->confirm_digit &&
			      order->confirm_role == role;
	const bool waits = order->ringback && leg == gw_call_first(call);

	if ((announces || confirms || waits) && !gw_leg_can_sound(leg)) {
		gw_leg_end(leg, GW_CAUSE_NO_COMMON_CODEC);
		return;
	}

	/* what has been joined for its early media is parted again */
	if ((announces || confirms) && leg != gw_call_first(call)) {
		gw_leg_part(leg);
		gw_call_ring_back(call, leg);
	}

	call->greeted = leg;
	call->confirm_due = confirms;
	gw_leg_set_confirming(leg, confirms);

	call->announcing = announces && !gw_leg_play(leg, order->announce);
	if (call->announcing)
		gw_call_tell_leg(call, GW_EV_CALL_PLAYBACK_STARTED, leg);

	if (call->greeted == leg) {
		wait_for_digit(call);
		go_on_if_done(call);
	}
}

void gw_call_greet_played(struct gw_call *call, const struct gw_leg *leg)
{
	if (leg != call->greeted || !call->announcing)
		return;

	call->announcing = false;
	wait_for_digit(call);
	go_on_if_done(call);
}

void gw_call_greet_digit(struct gw_call *call, struct gw_leg *leg, char digit)
{
	if (leg != call->greeted || !call->confirm_due ||
	    digit != call->order.confirm_digit)
		return;

	tmr_cancel(&call->confirm);
	call->confirm_due = false;
	gw_leg_set_confirming(leg, false);
	gw_call_tell_leg(call, GW_EV_CALL_CONFIRM_PASSED, leg);
	go_on_if_done(call);
}
