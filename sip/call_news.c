/* sip/call_news.c - what legs tell a call, and what it tells upwards.
 *
 * A leg's own event always stands before the call's that follows from it. */
#include "sip/call_impl.h"

#include "sip/session.h"

/* Upwards ----------------------------------------------------------------- */

void gw_call_tell_event(struct gw_call *call, struct gw_call_event *ev)
{
	if (!call->eventh)
		return;

	gw_call_refresh(call);
	if (!ev->at_ms)
		ev->at_ms = gw_moment_ms(call->origin_ms);
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

static void started(struct gw_call *call, struct gw_leg *leg,
		    const struct gw_leg_news *news)
{
	(void)news;
	if (!call->info.started_at_ms) {
		call->info.started_at_ms = gw_moment_ms(call->origin_ms);
		gw_call_tell(call, GW_EV_CALL_INITIATED);
	}
	gw_call_tell_leg(call, GW_EV_LEG_INITIATED, leg);
}

static void ringing(struct gw_call *call, struct gw_leg *leg,
		    const struct gw_leg_news *news)
{
	(void)news;

	/* of the second one no event of the call's own will tell the state */
	if (leg != call->move.target && leg == gw_call_second(call))
		gw_call_apply(call, GW_IN_SECOND_RINGING);
	gw_call_tell_leg(call, GW_EV_LEG_RINGING, leg);
	if (leg == call->move.target)
		gw_call_move_ringing(call);
	else if (leg == gw_call_first(call))
		gw_call_apply(call, GW_IN_FIRST_RINGING);
}

static void early(struct gw_call *call, struct gw_leg *leg,
		  const struct gw_leg_news *news)
{
	(void)news;
	gw_call_tell_leg(call, GW_EV_LEG_EARLY_MEDIA, leg);
	if (!call->told_early) {
		call->told_early = true;
		gw_call_tell(call, GW_EV_CALL_EARLY_MEDIA);
	}
	if (call->state < GW_CALL_ENDING)
		gw_call_early(call, leg);
}

static void heard(struct gw_call *call, struct gw_leg *leg,
		  const struct gw_leg_news *news)
{
	(void)news;
	gw_call_heard(call, leg);
}

static void sent_on(struct gw_call *call, struct gw_leg *leg,
		    const struct gw_leg_news *news)
{
	(void)news;
	gw_call_ring_back(call, leg);
}

static void up(struct gw_call *call, struct gw_leg *leg,
	       const struct gw_leg_news *news)
{
	(void)news;
	gw_call_tell_leg(call, GW_EV_LEG_ANSWERED, leg);
	if (!gw_leg_is_up(leg))
		return; /* whoever was told has hung up */

	if (leg == call->move.target)
		gw_call_move_up(call);
	else if (!gw_call_has_two(call))
		gw_call_apply(call, GW_IN_ALL_UP);
	else if (leg == gw_call_first(call))
		gw_call_apply(call, GW_IN_FIRST_UP);
	else
		gw_call_greet(call, leg);
}

static void held(struct gw_call *call, struct gw_leg *leg,
		 const struct gw_leg_news *news)
{
	(void)news;
	gw_call_look_at_hold(call, leg);
}

/* What came in signalling, or goes to where no events are taken, has to be passed
 * on by hand. */
static void pass_digit(struct gw_call *call, const struct gw_leg *leg,
		       const struct gw_leg_news *news)
{
	const char digits[] = { news->digit, '\0' };
	struct gw_leg *other = gw_call_other(call, leg);

	if (other && other != leg && call->party[gw_leg_role(leg)] == leg &&
	    (call->state == GW_CALL_BRIDGED || call->state == GW_CALL_HELD) &&
	    (news->signalled || !gw_leg_takes_events(other)))
		(void)gw_leg_press(other, digits);
}

static void digit(struct gw_call *call, struct gw_leg *leg,
		  const struct gw_leg_news *news)
{
	struct gw_call_event ev = { .type = GW_EV_CALL_DTMF,
				    .role = (int)gw_leg_role(leg),
				    .digit = news->digit,
				    .duration_ms = news->duration_ms };

	gw_call_tell_event(call, &ev);
	gw_call_greet_digit(call, leg, news->digit);
	pass_digit(call, leg, news);
}

static void played(struct gw_call *call, struct gw_leg *leg,
		   const struct gw_leg_news *news)
{
	(void)news;
	gw_call_tell_leg(call, GW_EV_CALL_PLAYBACK_ENDED, leg);
	gw_call_greet_played(call, leg);
}

static void stalled(struct gw_call *call, struct gw_leg *leg,
		    const struct gw_leg_news *news)
{
	(void)news;
	gw_call_tell_leg(call, GW_EV_CALL_MEDIA_STALLED, leg);
	if (gw_call_has_two(call) && call->order.stall_s)
		gw_call_end_by(call, GW_CAUSE_MEDIA_TIMEOUT, GW_ENDED_BY_TIMER);
}

static void changed(struct gw_call *call, struct gw_leg *leg,
		    const struct gw_leg_news *news)
{
	gw_call_move_changed(call, leg);
	gw_call_direct_changed(call, leg, news->err);
	gw_call_look_at_hold(call, leg);
	if (call->state == GW_CALL_BRIDGED || call->state == GW_CALL_HELD)
		gw_call_join(call);
}

static void came_back(struct gw_call *call, struct gw_leg *leg,
		      const struct gw_leg_news *news)
{
	(void)leg;
	(void)news;
	gw_call_stop_direct(call);
}

static void referring(struct gw_call *call, struct gw_leg *leg,
		      const struct gw_leg_news *news)
{
	if (leg == gw_call_first(call))
		gw_call_referring(call, news->transfer);
}

static void gone(struct gw_call *call, struct gw_leg *leg,
		 const struct gw_leg_news *news)
{
	(void)news;
	gw_call_leg_gone(call, leg);
}

void gw_call_leg_news(struct gw_leg *leg, const struct gw_leg_news *news,
		      void *arg)
{
	static void (*const handlers[])(struct gw_call * call,
					struct gw_leg * leg,
					const struct gw_leg_news *news) = {
		[GW_LEG_NEWS_STARTED] = started,
		[GW_LEG_NEWS_RINGING] = ringing,
		[GW_LEG_NEWS_EARLY] = early,
		[GW_LEG_NEWS_HEARD] = heard,
		[GW_LEG_NEWS_SENT_ON] = sent_on,
		[GW_LEG_NEWS_UP] = up,
		[GW_LEG_NEWS_HELD] = held,
		[GW_LEG_NEWS_UNHELD] = held,
		[GW_LEG_NEWS_DIGIT] = digit,
		[GW_LEG_NEWS_PLAYED] = played,
		[GW_LEG_NEWS_STALLED] = stalled,
		[GW_LEG_NEWS_CHANGED] = changed,
		[GW_LEG_NEWS_CAME_BACK] = came_back,
		[GW_LEG_NEWS_REFERRING] = referring,
		[GW_LEG_NEWS_GONE] = gone,
	};
	struct gw_call *call = arg;

	mem_ref(call);
	handlers[news->type](call, leg, news);
	mem_deref(call);
}

void gw_call_leg_wire(bool sent, const char *text, size_t len, void *arg)
{
	struct gw_call *call = arg;

	gw_ladder_add(&call->ladder, gw_moment_ms(call->origin_ms), sent, text,
		      len);
}
