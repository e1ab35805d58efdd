/* sip/leg_end.c - the end of a leg: why, with which words to the far side, and how
 * long the media thread is waited for. */
#include "sip/leg_impl.h"

#include <errno.h>

enum { LAST_WORDS_MS = 200 }; /* patience with the media thread */

/* What the network said, in words of the outcome table. */
static enum gw_cause intent_of_error(int err)
{
	switch (err) {
	case EBADMSG: /* a 2xx without Contact, a response of another dialog */
		return GW_CAUSE_PROTOCOL_ERROR;

	case EBUSY: /* all servers want to be left alone */
		return GW_CAUSE_CONGESTION;

	case ENOMEM:
	case EINVAL:
		return GW_CAUSE_INTERNAL_ERROR;

	default:
		return GW_CAUSE_NONE;
	}
}

static void settle_outcome(struct gw_leg *leg)
{
	const struct gw_session_facts *facts = &leg->facts;
	const bool answered = leg->answered_at_ms != 0;
	struct gw_end end = {
		.intent = leg->intent,
		.answered = answered,
		.ringing = facts->ringing,
		.provisional = facts->provisional,
		.sip_code = facts->sip_code,
		.reason_header = facts->reason_header,
		.retry_after = facts->retry_after,
		.err = facts->err,
		.decline_failed = leg->order->decline_failed,
	};

	if (!end.intent && !answered)
		end.intent = intent_of_error(facts->err);
	if (!end.intent && answered && facts->err == ETIMEDOUT)
		end.intent = GW_CAUSE_TRANSPORT_TIMEOUT; /* nobody is there */
	if (!answered && end.sip_code >= 200 && end.sip_code < 300)
		end.sip_code = 0; /* that answer was none */

	leg->outcome = gw_cause_outcome(&end);
}

static void take_facts(struct gw_leg *leg)
{
	const struct gw_session_facts *facts;

	if (!leg->session)
		return;

	facts = gw_session_facts(leg->session);
	mem_deref(leg->facts.reason_header);
	mem_deref(leg->facts.contact);
	leg->facts = *facts;
	mem_ref(leg->facts.reason_header);
	mem_ref(leg->facts.contact);
}

void gw_leg_drop_session(struct gw_leg *leg, uint16_t q850, const char *text)
{
	struct gw_session *session = leg->session;

	leg->session = NULL;
	gw_session_release(session, q850, text);
}

void gw_leg_gone(void *arg)
{
	struct gw_leg *leg = arg;

	tmr_cancel(&leg->ring);
	leg->port = mem_deref(leg->port);
	gw_leg_drop_browser(leg);
	leg->state = GW_LEG_ENDED;
	leg->ended_at_ms = gw_moment_ms(leg->origin_ms);
	gw_leg_tell(leg, GW_LEG_NEWS_GONE);
}

void gw_leg_go_down(struct gw_leg *leg)
{
	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);
	leg->way = mem_deref(leg->way);
	tmr_cancel(&leg->press);
	leg->headers = mem_deref(leg->headers);
	leg->state = GW_LEG_ENDING;
	gw_leg_stop_recording(leg);

	if (leg->session)
		take_facts(leg);
	settle_outcome(leg);
	gw_leg_drop_session(leg, leg->outcome.q850,
			    gw_cause_name(leg->outcome.cause));
	gw_leg_tell_started(leg);

	if (leg->has_sound && !gw_media_stats(leg->port))
		tmr_start(&leg->ring, LAST_WORDS_MS, gw_leg_gone, leg);
	else
		gw_leg_gone(leg);
}

void gw_leg_end(struct gw_leg *leg, enum gw_cause intent)
{
	if (!leg || gw_leg_is_over(leg))
		return;

	mem_ref(leg);
	leg->intent = intent;
	gw_leg_go_down(leg);
	mem_deref(leg);
}

static void fail_later(void *arg)
{
	struct gw_leg *leg = arg;

	mem_ref(leg);
	gw_leg_go_down(leg);
	mem_deref(leg);
}

/* Ends it with what the system said, but never inside of gw_leg_start(). */
void gw_leg_fail(struct gw_leg *leg, int err)
{
	gw_leg_drop_session(leg, 0, NULL);
	leg->facts.err = err;
	tmr_start(&leg->ring, 0, fail_later, leg);
}
