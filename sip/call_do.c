/* sip/call_do.c - what call_fsm says is to be done, one function for each bit. */
#include "sip/call_impl.h"

#include "sip/call_fsm.h"
#include "sip/leg.h"
#include "sip/line.h"

static void wait_for_line(struct gw_call *call)
{
	if (gw_line_watch(&call->watch, call->order.line, gw_call_line_changed,
			  call)) {
		gw_call_end_by(call, GW_CAUSE_INTERNAL_ERROR,
			       GW_ENDED_BY_GATEWAY);
		return;
	}

	gw_call_tell(call, GW_EV_CALL_WAITING);
}

static void dial_first(struct gw_call *call)
{
	const struct gw_leg_cfg cfg = {
		.role = GW_ROLE_TO,
		.order = &call->order,
		.media = call->media,
		.newsh = gw_call_leg_news,
		.wireh = gw_call_leg_wire,
		.arg = call,
	};

	call->watch = mem_deref(call->watch);
	if (gw_leg_alloc(&call->legs[0], &cfg)) {
		gw_call_end_by(call, GW_CAUSE_INTERNAL_ERROR,
			       GW_ENDED_BY_GATEWAY);
		return;
	}

	call->leg_count = 1;
	gw_leg_start(call->legs[0]);
}

static void limit_time(struct gw_call *call)
{
	tmr_start(&call->limit, (uint64_t)call->order.time_limit_s * 1000,
		  gw_call_limit_reached, call);
}

static void tell_ringing(struct gw_call *call)
{
	call->info.ringing_at_ms = gw_call_now_ms();
	call->info.status = GW_STATUS_RINGING;
	gw_call_tell(call, GW_EV_CALL_RINGING);
}

static void tell_answered(struct gw_call *call)
{
	call->info.answered_at_ms = gw_call_now_ms();
	call->info.status = GW_STATUS_IN_PROGRESS;
	gw_call_tell(call, GW_EV_CALL_ANSWERED);
}

static void tell_bridged(struct gw_call *call)
{
	call->info.bridged_at_ms = gw_call_now_ms();
	gw_call_tell(call, GW_EV_CALL_BRIDGED);
}

static void announce(struct gw_call *call)
{
	if (!call->order.announce ||
	    gw_leg_play(call->legs[0], call->order.announce))
		return;

	gw_call_tell_leg(call, GW_EV_CALL_PLAYBACK_STARTED, call->legs[0]);
}

static void tell_hold(struct gw_call *call)
{
	gw_call_tell(call, GW_EV_CALL_HOLD);
}

static void tell_unhold(struct gw_call *call)
{
	gw_call_tell(call, GW_EV_CALL_UNHOLD);
}

static const struct {
	unsigned bit;
	void (*h)(struct gw_call *call);
} todos[] = {
	{ GW_DO_WAIT_FOR_LINE, wait_for_line },
	{ GW_DO_DIAL_FIRST, dial_first },
	{ GW_DO_TELL_RINGING, tell_ringing },
	{ GW_DO_TELL_ANSWERED, tell_answered },
	{ GW_DO_LIMIT_TIME, limit_time },
	{ GW_DO_TELL_BRIDGED, tell_bridged },
	{ GW_DO_ANNOUNCE, announce },
	{ GW_DO_TELL_HOLD, tell_hold },
	{ GW_DO_TELL_UNHOLD, tell_unhold },
	{ GW_DO_RELEASE, gw_call_release_legs },
	{ GW_DO_TELL_ENDED, gw_call_tell_ended },
};

/* A handler of ours may hang the call up while the list is being done: what was
 * to follow then is not true any more. */
void gw_call_apply(struct gw_call *call, enum gw_call_input input)
{
	unsigned todo;
	const enum gw_call_state next = gw_call_fsm(&todo, call->state, input);

	call->state = next;
	for (size_t i = 0; i < ARRAY_SIZE(todos); i++) {
		if ((todo & todos[i].bit) && call->state == next)
			todos[i].h(call);
	}

	if (next == GW_CALL_ENDING && call->state == next &&
	    gw_call_all_gone(call))
		gw_call_apply(call, GW_IN_ALL_GONE);
}
