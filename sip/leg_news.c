/* sip/leg_news.c - what a leg is told: by its session, and by the media thread. */
#include "sip/leg_impl.h"

#include "sip/line.h"

/* What the session tells -------------------------------------------------- */

static void on_progress(const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	bool rings = msg->scode >= 180 && msg->scode <= 189;
	struct pl body;

	mem_ref(leg);
	tmr_cancel(&leg->next_proxy);
	if (leg->state == GW_LEG_DIALING)
		leg->state = GW_LEG_PROCEEDING;

	if (rings && !leg->ringing_at_ms) {
		leg->ringing_at_ms = gw_moment_ms(leg->origin_ms);
		leg->state = GW_LEG_RINGING;
		gw_leg_tell(leg, GW_LEG_NEWS_RINGING);
	}

	/* an SDP that is no use may be followed by a better one */
	if (!gw_leg_is_over(leg) && gw_leg_body(&body, msg) &&
	    !gw_leg_take_answer(leg, msg) && leg->state != GW_LEG_EARLY) {
		leg->state = GW_LEG_EARLY;
		gw_leg_listen(leg);
		gw_leg_tell(leg, GW_LEG_NEWS_EARLY);
	}

	mem_deref(leg);
}

static void on_answered(const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	struct pl body;
	int err = 0;

	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);

	/* many leave the SDP out that their 183 had */
	if (!leg->has_sound || gw_leg_body(&body, msg))
		err = gw_leg_take_answer(leg, msg);
	if (err) {
		gw_leg_end_for_sdp(leg, err);
		return;
	}

	leg->answered_at_ms = gw_moment_ms(leg->origin_ms);
	gw_leg_settle_state(leg);
	gw_leg_listen(leg);
	gw_leg_tell(leg, GW_LEG_NEWS_UP);
}

/* Nothing new was said, but they may have chosen anew. Where that is of no use the
 * sound goes on as it was. */
static void on_refreshed(const struct sip_msg *msg, void *arg)
{
	struct gw_leg *leg = arg;
	struct pl body;

	if (gw_leg_body(&body, msg))
		(void)gw_leg_take_answer(leg, msg);
}

static void on_digit(char digit, uint32_t duration_ms, void *arg)
{
	const struct gw_leg_news news = { .type = GW_LEG_NEWS_DIGIT,
					  .digit = digit,
					  .duration_ms = duration_ms,
					  .signalled = true };
	struct gw_leg *leg = arg;

	leg->newsh(leg, &news, leg->arg);
}

static void on_referring(const struct gw_session_transfer *transfer, void *arg)
{
	const struct gw_leg_news news = { .type = GW_LEG_NEWS_REFERRING,
					  .transfer = transfer };
	struct gw_leg *leg = arg;

	mem_ref(leg);
	leg->newsh(leg, &news, leg->arg);
	mem_deref(leg);
}

static uint16_t on_referred(const char *target, const char *replaces, void *arg)
{
	struct gw_leg *leg = arg;

	return leg->referredh ?
		       leg->referredh(leg, target, replaces, leg->arg) :
		       603;
}

static void on_closed(void *arg)
{
	struct gw_leg *leg = arg;
	const struct gw_session_facts *facts = gw_session_facts(leg->session);
	bool lost = facts->err ? !facts->provisional : facts->sip_code == 503;

	mem_ref(leg);
	if (facts->hung_up ||
	    !((lost && gw_leg_try_next_proxy(leg, facts->retry_after_s)) ||
	      gw_leg_redirect(leg, facts)))
		gw_leg_go_down(leg);
	mem_deref(leg);
}

const struct gw_session_h gw_leg_session_handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.offered = gw_leg_on_offered,
	.agreed = gw_leg_on_agreed,
	.changed = gw_leg_on_changed,
	.refreshed = on_refreshed,
	.reoffer = gw_leg_on_reoffer,
	.referring = on_referring,
	.referred = on_referred,
	.digit = on_digit,
	.closed = on_closed,
};

/* What the media thread tells --------------------------------------------- */

static void on_stats(struct gw_leg *leg, const struct gw_media_stats *stats)
{
	leg->quality = *stats;
	leg->has_quality = true;
	if (leg->state == GW_LEG_ENDING)
		gw_leg_gone(leg);
}

static void tell_fact(struct gw_leg *leg, enum gw_leg_news_type type,
		      const struct gw_media_fact *fact)
{
	const struct gw_leg_news news = { .type = type,
					  .digit = fact->digit,
					  .duration_ms = fact->duration_ms,
					  .err = fact->err };

	if (gw_leg_is_up(leg))
		leg->newsh(leg, &news, leg->arg);
}

void gw_leg_on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct gw_leg *leg = arg;

	mem_ref(leg);

	switch (fact->type) {
	case GW_MEDIA_OPENED:
		if (gw_leg_is_over(leg))
			break;
		if (fact->err)
			gw_leg_end(leg, GW_CAUSE_CAPACITY);
		else
			gw_leg_send_invite(leg, fact->local_port);
		break;

	case GW_MEDIA_DTMF:
		tell_fact(leg, GW_LEG_NEWS_DIGIT, fact);
		break;

	case GW_MEDIA_FIRST_PACKET:
		if (!gw_leg_is_over(leg))
			gw_leg_tell(leg, GW_LEG_NEWS_HEARD);
		break;

	case GW_MEDIA_TONE:
		gw_leg_heard_tone(leg, fact->tone);
		break;

	case GW_MEDIA_RECORDED:
		gw_leg_take_piece(leg, fact);
		break;

	case GW_MEDIA_PLAY_ENDED:
		if (!gw_leg_was_beep(leg))
			tell_fact(leg, GW_LEG_NEWS_PLAYED, fact);
		break;

	case GW_MEDIA_STALLED:
		tell_fact(leg, GW_LEG_NEWS_STALLED, fact);
		break;

	case GW_MEDIA_STATS:
		on_stats(leg, &fact->stats);
		break;

	default:
		break;
	}

	mem_deref(leg);
}
