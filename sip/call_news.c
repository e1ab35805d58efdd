/* sip/call_news.c - what line and legs tell a call, and what it tells upwards.
 *
 * A leg's own event always stands before the call's that follows from it. */
#include "sip/call_impl.h"

#include "sip/leg.h"
#include "sip/line.h"

/* Upwards ----------------------------------------------------------------- */

void gw_call_tell_event(struct gw_call *call, struct gw_call_event *ev)
{
	if (!call->eventh)
		return;

	gw_call_refresh(call);
	if (!ev->at_ms)
		ev->at_ms = gw_call_now_ms();
	call->eventh(call, ev, call->arg);
}

void gw_call_tell(struct gw_call *call, enum gw_call_event_type type)
{
	struct gw_call_event ev = { .type = type, .role = -1 };

	gw_call_tell_event(call, &ev);
}

void gw_call_tell_leg(struct gw_call *call, enum gw_call_event_type type,
		      const struct gw_leg *leg)
{
	struct gw_call_event ev = { .type = type };
	struct gw_leg_info info;

	gw_leg_info(leg, &info);
	ev.role = (int)info.role;
	ev.sip_code = info.sip_code;
	ev.sip_reason = info.sip_reason;
	gw_call_tell_event(call, &ev);
}

/* The legs' news ---------------------------------------------------------- */

static void tell_digit(struct gw_call *call, const struct gw_leg *leg,
		       const struct gw_leg_news *news)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_DTMF,
				    .digit = news->digit,
				    .duration_ms = news->duration_ms };
	struct gw_leg_info info;

	gw_leg_info(leg, &info);
	ev.role = (int)info.role;
	gw_call_tell_event(call, &ev);
}

void gw_call_leg_news(struct gw_leg *leg, const struct gw_leg_news *news,
		      void *arg)
{
	struct gw_call *call = arg;

	mem_ref(call);

	switch (news->type) {
	case GW_LEG_NEWS_STARTED:
		if (!call->info.started_at_ms) {
			call->info.started_at_ms = gw_call_now_ms();
			gw_call_tell(call, GW_EV_CALL_INITIATED);
		}
		gw_call_tell_leg(call, GW_EV_LEG_INITIATED, leg);
		break;

	case GW_LEG_NEWS_RINGING:
		gw_call_tell_leg(call, GW_EV_LEG_RINGING, leg);
		gw_call_apply(call, GW_IN_FIRST_RINGING);
		break;

	case GW_LEG_NEWS_EARLY:
		gw_call_tell_leg(call, GW_EV_LEG_EARLY_MEDIA, leg);
		gw_call_tell(call, GW_EV_CALL_EARLY_MEDIA);
		break;

	case GW_LEG_NEWS_UP:
		gw_call_tell_leg(call, GW_EV_LEG_ANSWERED, leg);
		gw_call_apply(call, GW_IN_ALL_UP);
		break;

	case GW_LEG_NEWS_HELD:
		gw_call_apply(call, GW_IN_HOLD);
		break;

	case GW_LEG_NEWS_UNHELD:
		gw_call_apply(call, GW_IN_UNHOLD);
		break;

	case GW_LEG_NEWS_DIGIT:
		tell_digit(call, leg, news);
		break;

	case GW_LEG_NEWS_PLAYED:
		gw_call_tell_leg(call, GW_EV_CALL_PLAYBACK_ENDED, leg);
		break;

	case GW_LEG_NEWS_STALLED:
		gw_call_tell_leg(call, GW_EV_CALL_MEDIA_STALLED, leg);
		break;

	case GW_LEG_NEWS_GONE:
		gw_call_tell_leg(call, GW_EV_LEG_ENDED, leg);
		gw_call_apply(call, GW_IN_LEG_LOST);
		if (gw_call_all_gone(call))
			gw_call_apply(call, GW_IN_ALL_GONE);
		break;
	}

	mem_deref(call);
}

void gw_call_leg_wire(bool sent, const char *text, size_t len, void *arg)
{
	struct gw_call *call = arg;

	gw_ladder_add(&call->ladder, gw_call_now_ms(), sent, text, len);
}

/* The line ---------------------------------------------------------------- */

enum readiness { READY, SOON, NOT };

static enum readiness line_readiness(const struct gw_line *line)
{
	struct gw_line_info info;

	gw_line_info(line, &info);
	if (!info.registers)
		return READY;

	switch (info.state) {
	case GW_LINE_REGISTERED:
		return READY;

	case GW_LINE_UNREGISTERED:
	case GW_LINE_REGISTERING:
		return SOON;

	default:
		return NOT;
	}
}

void gw_call_look_at_line(struct gw_call *call)
{
	switch (line_readiness(call->order.line)) {
	case READY:
		gw_call_apply(call, GW_IN_LINE_READY);
		break;

	case SOON:
		gw_call_apply(call, GW_IN_LINE_BUSY);
		break;

	case NOT:
		gw_call_end_by(call, GW_CAUSE_LINE_NOT_REGISTERED,
			       GW_ENDED_BY_LINE);
		break;
	}
}

void gw_call_line_changed(struct gw_line *line, void *arg)
{
	struct gw_call *call = arg;
	(void)line;

	mem_ref(call);
	gw_call_look_at_line(call);
	mem_deref(call);
}
