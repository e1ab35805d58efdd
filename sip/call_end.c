/* sip/call_end.c - the ways to the end of a call: who wants it, who is to blame,
 * and what is told last.
 *
 * One timer serves two limits that never run together: setup_deadline until the
 * call is up, time_limit from then on. */
#include "sip/call_impl.h"

#include "sip/call_fsm.h"
#include "sip/leg.h"
#include "sip/line.h"

void gw_call_end_by(struct gw_call *call, enum gw_cause intent,
		    enum gw_ended_by by)
{
	if (call->intent || call->state >= GW_CALL_ENDING)
		return;

	call->intent = intent;
	call->info.ended_by = by;
	gw_call_apply(call, GW_IN_HANGUP);
}

void gw_call_limit_reached(void *arg)
{
	struct gw_call *call = arg;

	mem_ref(call);
	if (call->info.answered_at_ms)
		gw_call_end_by(call, GW_CAUSE_TIME_LIMIT, GW_ENDED_BY_TIMER);
	else if (call->state == GW_CALL_WAITING_FOR_LINE)
		gw_call_end_by(call, GW_CAUSE_LINE_NOT_REGISTERED,
			       GW_ENDED_BY_TIMER);
	else
		gw_call_end_by(call, GW_CAUSE_SETUP_DEADLINE,
			       GW_ENDED_BY_TIMER);
	mem_deref(call);
}

bool gw_call_all_gone(const struct gw_call *call)
{
	for (size_t i = 0; i < call->leg_count; i++) {
		if (gw_leg_state(call->legs[i]) != GW_LEG_ENDED)
			return false;
	}

	return true;
}

void gw_call_release_legs(struct gw_call *call)
{
	enum gw_cause intent = call->intent ? call->intent :
					      GW_CAUSE_NORMAL_CLEARING;

	tmr_cancel(&call->limit);
	call->watch = mem_deref(call->watch);
	for (size_t i = 0; i < call->leg_count; i++)
		gw_leg_end(call->legs[i], intent);
}

/* Who ended a leg that we didn't. */
static enum gw_ended_by blame(const struct gw_leg *leg)
{
	struct gw_leg_info info;

	gw_leg_info(leg, &info);

	switch (info.outcome.cause) {
	case GW_CAUSE_RING_TIMEOUT:
	case GW_CAUSE_TRANSPORT_TIMEOUT:
		return GW_ENDED_BY_TIMER;

	case GW_CAUSE_DNS_ERROR:
	case GW_CAUSE_NETWORK_ERROR:
	case GW_CAUSE_TLS_ERROR:
	case GW_CAUSE_AUTH_FAILED:
		return GW_ENDED_BY_LINE;

	case GW_CAUSE_CAPACITY:
	case GW_CAUSE_INTERNAL_ERROR:
		return GW_ENDED_BY_GATEWAY;

	default:
		return info.role == GW_ROLE_FROM ? GW_ENDED_BY_FROM :
						   GW_ENDED_BY_TO;
	}
}

/* Without a leg there is nobody to ask but our own intent. */
static void settle_outcome(struct gw_call *call)
{
	struct gw_call_info *info = &call->info;
	struct gw_leg_info leg;

	if (call->leg_count) {
		gw_leg_info(call->legs[0], &leg);
		info->outcome = leg.outcome;
		if (!info->ended_by)
			info->ended_by = blame(call->legs[0]);
		if (!leg.answered_at_ms &&
		    leg.outcome.status != GW_STATUS_CANCELED)
			info->failed_leg = (int)leg.role;
	} else {
		const struct gw_end end = { .intent = call->intent };

		info->outcome = gw_cause_outcome(&end);
	}

	info->status = info->outcome.status;
}

void gw_call_tell_ended(struct gw_call *call)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_ENDED, .role = -1 };

	if (call->has_place) {
		call->has_place = false;
		gw_line_leave(call->order.line);
	}

	settle_outcome(call);
	call->info.ended_at_ms = ev.at_ms = gw_call_now_ms();
	gw_call_refresh(call);
	ev.sip_code = call->info.sip_code;
	ev.sip_reason = call->info.sip_reason;
	gw_call_tell_event(call, &ev);
	call->eventh = NULL;
}
