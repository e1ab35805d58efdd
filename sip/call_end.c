/* sip/call_end.c - the ways to the end of a call: who wants it, who is to blame,
 * and what is told last.
 *
 * One timer serves two limits that never run together: setup_deadline until the
 * call is up, time_limit from then on. */
#include "sip/call_impl.h"

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

/* Why a leg is let go, in its own words: whoever has answered has done nothing
 * wrong; whoever hasn't is not needed any more. */
static enum gw_cause intent_for(const struct gw_call *call,
				const struct gw_leg *leg)
{
	if (call->intent && !call->decider)
		return call->intent;

	return gw_leg_is_up(leg) ? GW_CAUSE_NORMAL_CLEARING :
				   GW_CAUSE_CANCELED_BY_FIRST_LEG;
}

void gw_call_release_legs(struct gw_call *call)
{
	tmr_cancel(&call->limit);
	tmr_cancel(&call->back);
	gw_call_greet_stop(call);
	gw_call_move_stop(call);
	gw_call_unwatch_lines(call);
	for (size_t i = 0; i < call->leg_count; i++)
		gw_leg_end(call->legs[i], intent_for(call, call->legs[i]));
}

/* A leg that takes the whole call with it when it ends. */
static bool decides(const struct gw_call *call, const struct gw_leg *leg)
{
	const struct gw_move *move = &call->move;

	if (call->decider || call->state >= GW_CALL_ENDING)
		return false;

	return move->kind ? leg == move->stays :
			    call->party[gw_leg_role(leg)] == leg;
}

void gw_call_leg_gone(struct gw_call *call, struct gw_leg *leg)
{
	const bool handed_over = call->refer == GW_REFER_ACCEPTED &&
				 leg == gw_call_first(call) &&
				 call->state < GW_CALL_ENDING;

	if (decides(call, leg))
		call->decider = leg;
	if (leg == call->greeted)
		gw_call_greet_stop(call);

	gw_call_leave_line(call, leg);
	gw_call_tell_leg(call, GW_EV_LEG_ENDED, leg);
	if (handed_over) {
		gw_call_apply(call, GW_IN_HANDED_OVER);
	} else if (call->state < GW_CALL_ENDING &&
		   !gw_call_move_gone(call, leg)) {
		if (!call->decider && !call->intent)
			call->decider = leg;
		gw_call_apply(call, GW_IN_LEG_LOST);
	}

	if (gw_call_all_gone(call))
		gw_call_apply(call, GW_IN_ALL_GONE);
}

/* Who ended a leg that we didn't. */
static enum gw_ended_by blame(const struct gw_leg *leg)
{
	struct gw_leg_info info;

	gw_leg_info(leg, &info);

	switch (info.outcome.cause) {
	case GW_CAUSE_RING_TIMEOUT:
	case GW_CAUSE_TRANSPORT_TIMEOUT:
	case GW_CAUSE_CONFIRM_FAILED:
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

const struct gw_leg *gw_call_subject(const struct gw_call *call)
{
	if (call->decider)
		return call->decider;

	return call->leg_count ? call->legs[call->leg_count - 1] : NULL;
}

/* What a leg's end means for a call that was not up yet, or was: an answer of one
 * of two is none of the call's, and an answered call stays one. */
static struct gw_outcome outcome_of_decider(const struct gw_call *call)
{
	struct gw_end end = { .intent = GW_CAUSE_NONE };
	struct gw_leg_info leg;

	gw_leg_info(call->decider, &leg);
	if (call->info.answered_at_ms) {
		leg.outcome.status = GW_STATUS_COMPLETED;
		return leg.outcome;
	}
	if (!leg.answered_at_ms || !gw_call_has_two(call) ||
	    leg.outcome.status != GW_STATUS_COMPLETED)
		return leg.outcome;

	/* the second one has answered and left before it was joined */
	end.intent = call->decider == gw_call_first(call) ?
			     GW_CAUSE_CANCELED_BY_FIRST_LEG :
		     call->confirm_due ? GW_CAUSE_CONFIRM_FAILED :
					 GW_CAUSE_NO_ANSWER;
	return gw_cause_outcome(&end);
}

/* One leg's answer is the call's, even before anybody has been told of it. */
static bool was_answered(const struct gw_call *call)
{
	struct gw_leg_info leg;

	if (call->info.answered_at_ms || gw_call_has_two(call) ||
	    !call->leg_count)
		return call->info.answered_at_ms != 0;

	gw_leg_info(call->legs[0], &leg);
	return leg.answered_at_ms != 0;
}

static struct gw_outcome outcome_of_intent(const struct gw_call *call)
{
	const struct gw_end end = {
		.intent = call->intent ? call->intent :
					 GW_CAUSE_NORMAL_CLEARING,
		.answered = was_answered(call),
	};

	return gw_cause_outcome(&end);
}

static void settle_outcome(struct gw_call *call)
{
	struct gw_call_info *info = &call->info;
	const struct gw_leg *subject = gw_call_subject(call);

	if (info->handed_over) {
		call->intent = GW_CAUSE_NORMAL_CLEARING;
		call->decider = NULL;
		info->ended_by = GW_ENDED_BY_GATEWAY;
	}

	info->outcome = call->decider ? outcome_of_decider(call) :
					outcome_of_intent(call);
	if (!info->ended_by && call->decider)
		info->ended_by = blame(call->decider);
	if (subject && !info->answered_at_ms &&
	    info->outcome.status != GW_STATUS_CANCELED)
		info->failed_leg = (int)gw_leg_role(subject);

	info->status = info->outcome.status;
}

void gw_call_tell_ended(struct gw_call *call)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_ENDED, .role = -1 };

	gw_call_leave_lines(call);
	gw_call_record_close(call);
	settle_outcome(call);
	call->info.ended_at_ms = ev.at_ms = gw_moment_ms(call->origin_ms);
	gw_call_refresh(call);
	ev.sip_code = call->info.sip_code;
	ev.sip_reason = call->info.sip_reason;
	gw_call_tell_event(call, &ev);
	call->eventh = NULL;
}
