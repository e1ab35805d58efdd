/* sip/leg_webrtc.c - a leg whose party is a browser: no INVITE, no SIP at all.
 *
 *   gw_leg_start --> its port was opened with the order --> CONNECTED: it is up
 *                                                      `--> LOST: ice_failed
 *
 * It never rings: whoever wants to talk through a browser has asked for the call
 * there. All that needs no SIP (sound, digits, recording, quality) is what any leg
 * does; hold is settled between us and the media thread; a REFER and sound that
 * goes past us are not for it, so that the call stays relayed. */
#include "sip/leg_impl.h"

#include <errno.h>

/* Its port hears whoever its ICE has nominated, wherever that is. */
static int set_sound(struct gw_leg *leg)
{
	sa_init(&leg->rtp, AF_UNSPEC);
	sa_init(&leg->rtcp, AF_UNSPEC);
	return gw_media_remote(leg->port, &leg->rtp, &leg->rtcp, &leg->codec,
			       leg->held ? GW_MEDIA_SENDONLY :
					   GW_MEDIA_SENDRECV);
}

static void connected(struct gw_leg *leg)
{
	if (leg->answered_at_ms || gw_leg_is_over(leg))
		return;
	if (set_sound(leg)) {
		gw_leg_end(leg, GW_CAUSE_INTERNAL_ERROR);
		return;
	}

	leg->has_sound = true;
	(void)re_snprintf(leg->codec_name, sizeof(leg->codec_name), "%s/%u",
			  leg->codec.name, leg->codec.clock_rate);
	leg->answered_at_ms = gw_moment_ms(leg->origin_ms);
	gw_leg_settle_state(leg);
	gw_leg_listen(leg);
	gw_leg_tell(leg, GW_LEG_NEWS_UP);
}

/* Closed by its page: that is how browsers hang up. */
static enum gw_cause why_lost(const struct gw_leg *leg, int err)
{
	if (!leg->answered_at_ms)
		return err == ENOMEM ? GW_CAUSE_INTERNAL_ERROR :
				       GW_CAUSE_ICE_FAILED;

	return err == ECONNRESET ? GW_CAUSE_NONE : GW_CAUSE_MEDIA_TIMEOUT;
}

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct gw_leg *leg = arg;

	switch (fact->type) {
	case GW_MEDIA_CONNECTED:
		/* before its time has come it is remembered by the browser */
		if (leg->told_started)
			connected(leg);
		break;

	case GW_MEDIA_LOST:
		gw_leg_end(leg, why_lost(leg, fact->err));
		break;

	default:
		gw_leg_on_fact(fact, leg);
		break;
	}
}

static void begin(void *arg)
{
	struct gw_leg *leg = arg;

	mem_ref(leg);
	gw_leg_tell_started(leg);
	if (!gw_leg_is_over(leg) && gw_browser_is_connected(leg->browser))
		connected(leg);
	mem_deref(leg);
}

static void fail(void *arg)
{
	struct gw_leg *leg = arg;

	gw_leg_end(leg, why_lost(leg, gw_browser_lost(leg->browser)));
}

void gw_leg_start_browser(struct gw_leg *leg)
{
	leg->state = GW_LEG_DIALING;
	leg->is_secure = true;
	leg->port = gw_browser_take(leg->browser, &leg->codec);
	gw_browser_listen(leg->browser, on_fact, leg);
	tmr_start(&leg->next_proxy, 0,
		  leg->port && !gw_browser_lost(leg->browser) ? begin : fail,
		  leg);
}

/* Settled at once, but told later, as a phone would. */
static void held(void *arg)
{
	const struct gw_leg_news news = { .type = GW_LEG_NEWS_CHANGED };
	struct gw_leg *leg = arg;

	if (!gw_leg_is_up(leg))
		return;

	mem_ref(leg);
	gw_leg_settle_state(leg);
	leg->newsh(leg, &news, leg->arg);
	mem_deref(leg);
}

int gw_leg_hold_browser(struct gw_leg *leg, bool on)
{
	int err;

	if (!gw_leg_is_up(leg))
		return ENOTCONN;

	leg->held = on;
	err = set_sound(leg);
	if (err)
		leg->held = !on;
	else
		tmr_start(&leg->next_proxy, 0, held, leg);
	return err;
}

void gw_leg_drop_browser(struct gw_leg *leg)
{
	if (leg->browser)
		gw_browser_listen(leg->browser, NULL, NULL);
	leg->browser = mem_deref(leg->browser);
}
