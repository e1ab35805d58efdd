/* sip/leg_change.c - what we ask an answered leg for: to be held, to send its sound
 * elsewhere, to call somebody itself.
 *
 * One re-INVITE at a time. Until it is answered the leg is what it was; when it is
 * refused it stays that. */
#include "sip/leg_impl.h"

#include <errno.h>
#include <string.h>

void gw_leg_settle_state(struct gw_leg *leg)
{
	if (gw_leg_is_over(leg) || !leg->answered_at_ms)
		return;

	leg->state = leg->confirming  ? GW_LEG_CONFIRMING :
		     leg->held        ? GW_LEG_HELD :
		     leg->remote_held ? GW_LEG_REMOTE_HELD :
					GW_LEG_ANSWERED;
}

void gw_leg_set_confirming(struct gw_leg *leg, bool on)
{
	leg->confirming = on;
	gw_leg_settle_state(leg);
}

/* What is being taken back is as good as over. */
bool gw_leg_is_held(const struct gw_leg *leg)
{
	return (leg->held && leg->change != GW_LEG_CHANGE_UNHOLD) ||
	       leg->remote_held;
}

/* re-INVITE --------------------------------------------------------------- */

/* What the leg is when the change has been agreed to, and while its offer is
 * written. */
static void set_flags(struct gw_leg *leg, enum gw_leg_change change, bool done)
{
	switch (change) {
	case GW_LEG_CHANGE_HOLD:
		leg->held = done;
		break;
	case GW_LEG_CHANGE_UNHOLD:
		leg->held = !done;
		break;
	case GW_LEG_CHANGE_AWAY:
		leg->away = done;
		break;
	case GW_LEG_CHANGE_BACK:
		leg->away = !done;
		break;
	case GW_LEG_CHANGE_NONE:
		break;
	}
}

static int ask(struct gw_leg *leg, enum gw_leg_change change,
	       struct gw_sdp_local *local)
{
	struct mbuf *offer = NULL;
	int err;

	if (!gw_leg_is_up(leg))
		return ENOTCONN;
	if (leg->change)
		return EBUSY;

	set_flags(leg, change, true);
	err = gw_leg_write_offer(&offer, leg, local);
	set_flags(leg, change, false);
	if (!err)
		err = gw_session_reinvite(leg->session, offer);
	if (!err)
		leg->change = change;

	mem_deref(offer);
	return err;
}

/* Theirs went first. Where the other leg can be reached may have changed with it,
 * so a leg isn't sent away on what was true before. */
int gw_leg_on_reoffer(struct mbuf **offerp, void *arg)
{
	struct gw_leg *leg = arg;
	const enum gw_leg_change change = leg->change;
	int err;

	if (!gw_leg_is_up(leg) || change == GW_LEG_CHANGE_NONE ||
	    change == GW_LEG_CHANGE_AWAY)
		return ECANCELED;

	set_flags(leg, change, true);
	err = gw_leg_write_offer(offerp, leg, &leg->local);
	set_flags(leg, change, false);
	return err;
}

int gw_leg_hold(struct gw_leg *leg, bool on)
{
	if (gw_leg_is_up(leg) && leg->held == on)
		return leg->change ? EBUSY : EALREADY;
	if (leg->browser)
		return gw_leg_hold_browser(leg, on);

	return ask(leg, on ? GW_LEG_CHANGE_HOLD : GW_LEG_CHANGE_UNHOLD,
		   &leg->local);
}

/* The answer to our own hold says nothing of theirs: many say inactive then. */
void gw_leg_on_changed(const struct sip_msg *msg, uint16_t code, int err,
		       void *arg)
{
	struct gw_leg *leg = arg;
	struct gw_leg_news news = { .type = GW_LEG_NEWS_CHANGED };
	const enum gw_leg_change change = leg->change;
	(void)code;

	const bool holds = change == GW_LEG_CHANGE_HOLD ||
			   change == GW_LEG_CHANGE_UNHOLD;
	const bool was_away = leg->away;

	mem_ref(leg);
	leg->change = GW_LEG_CHANGE_NONE;
	if (msg) {
		/* the offer of a hold has told our own address */
		leg->away = was_away && !holds;
		set_flags(leg, change, true);
		err = gw_leg_take_answer(leg, msg);
		if (err) {
			set_flags(leg, change, false);
			leg->away = was_away;
		}
	} else if (!err) {
		err = ECONNREFUSED;
	}

	news.err = err;
	gw_leg_settle_state(leg);
	if (!err && holds && was_away)
		gw_leg_tell(leg, GW_LEG_NEWS_CAME_BACK);
	leg->newsh(leg, &news, leg->arg);
	mem_deref(leg);
}

bool gw_leg_is_away(const struct gw_leg *leg)
{
	return leg->away || leg->change == GW_LEG_CHANGE_AWAY;
}

/* Sound that goes past us -------------------------------------------------- */

/* The numbers are those of our offers: what one sends, the other understands. */
static bool is_plain(const struct gw_leg *leg)
{
	const struct gw_sdp_codec *c = gw_sdp_codec_find(leg->codec.name);
	const struct gw_sdp_codec *events =
		gw_sdp_codec_find("telephone-event");
	const int dtmf = leg->codec.pt_dtmf_tx;

	return c && leg->codec.pt_tx == c->pt && leg->codec.pt_rx == c->pt &&
	       dtmf == leg->codec.pt_dtmf_rx &&
	       (dtmf < 0 || (events && dtmf == events->pt));
}

bool gw_leg_fits(const struct gw_leg *a, const struct gw_leg *b)
{
	return a->has_sound && b->has_sound && !a->is_secure && !b->is_secure &&
	       is_plain(a) && is_plain(b) &&
	       !str_casecmp(a->codec.name, b->codec.name) &&
	       sa_af(&a->rtp) == sa_af(&b->rtp) &&
	       (a->codec.pt_dtmf_tx < 0) == (b->codec.pt_dtmf_tx < 0);
}

int gw_leg_point_at(struct gw_leg *leg, const struct gw_leg *other)
{
	struct gw_sdp_local local = leg->local;
	const char *codecs[] = { leg->codec.name, "telephone-event" };
	char address[64];

	explicit_bzero(local.keys, sizeof(local.keys));
	if (!other)
		return ask(leg, GW_LEG_CHANGE_BACK, &leg->local);
	if (!gw_leg_is_up(other))
		return ENOTCONN;

	(void)re_snprintf(address, sizeof(address), "%j", &other->rtp);
	local.address = address;
	local.ipv6 = sa_af(&other->rtp) == AF_INET6;
	local.rtp_port = sa_port(&other->rtp);
	local.codecs = codecs;
	local.codec_count = other->codec.pt_dtmf_tx < 0 ? 1 : 2;
	return ask(leg, GW_LEG_CHANGE_AWAY, &local);
}

/* REFER -------------------------------------------------------------------- */

int gw_leg_refer(struct gw_leg *leg, const char *uri)
{
	return gw_leg_is_up(leg) ? gw_session_refer(leg->session, uri, NULL) :
				   ENOTCONN;
}

void gw_leg_notify(struct gw_leg *leg, uint16_t code, bool over)
{
	const char *phrase = code < 180  ? "Trying" :
			     code < 200  ? "Ringing" :
			     code == 200 ? "OK" :
			     code == 486 ? "Busy Here" :
					   "Declined";

	if (gw_leg_is_up(leg))
		(void)gw_session_notify(leg->session, code, phrase, over);
}
