/* sip/leg.c - one party: INVITE session + media port + SDP.
 *
 *   gw_leg_start --> way of the line --> media port --> INVITE --> 18x --> 2xx
 *                    (DNS, NAT)         (port known)    \
 *                                                        +--> next proxy, when
 *                                                             nobody answered
 *
 * Each arrow is a later turn of the loop; gw_leg_end() may come between any two.
 *
 *   leg.c         this: birth and death, telling
 *   leg_dial.c    the way to the INVITE, and to another proxy
 *   leg_news.c    what session and media thread tell
 *   leg_sdp.c     offers, answers, hold
 *   leg_end.c     the end, and why
 *   leg_facts.c   info and clues */
#include "sip/leg_impl.h"

#include <errno.h>
#include <sys/time.h>

#include "sip/line.h"
#include "sip/stack.h"

static const char *const state_names[GW_LEG_STATE_COUNT] = {
	[GW_LEG_NEW] = "new",
	[GW_LEG_DIALING] = "dialing",
	[GW_LEG_PROCEEDING] = "proceeding",
	[GW_LEG_RINGING] = "ringing",
	[GW_LEG_EARLY] = "early",
	[GW_LEG_ANSWERED] = "answered",
	[GW_LEG_CONFIRMING] = "confirming",
	[GW_LEG_HELD] = "held",
	[GW_LEG_REMOTE_HELD] = "remote_held",
	[GW_LEG_ENDING] = "ending",
	[GW_LEG_ENDED] = "ended",
};

const char *gw_leg_state_name(enum gw_leg_state state)
{
	return (unsigned)state < GW_LEG_STATE_COUNT ? state_names[state] : NULL;
}

/* Telling ----------------------------------------------------------------- */

int64_t gw_leg_now_ms(void)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

void gw_leg_tell(struct gw_leg *leg, enum gw_leg_news_type type)
{
	const struct gw_leg_news news = { .type = type };

	leg->newsh(leg, &news, leg->arg);
}

void gw_leg_tell_started(struct gw_leg *leg)
{
	if (leg->told_started)
		return;

	leg->told_started = true;
	gw_leg_tell(leg, GW_LEG_NEWS_STARTED);
}

bool gw_leg_is_over(const struct gw_leg *leg)
{
	return leg->state >= GW_LEG_ENDING;
}

bool gw_leg_is_up(const struct gw_leg *leg)
{
	return leg->answered_at_ms && !gw_leg_is_over(leg);
}

int gw_leg_play(struct gw_leg *leg, const struct gw_sound *sound)
{
	return gw_leg_is_up(leg) ? gw_media_play(leg->port, sound) : ENOTCONN;
}

/* Birth and death --------------------------------------------------------- */

static void destructor(void *data)
{
	struct gw_leg *leg = data;

	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);
	mem_deref(leg->way);
	mem_deref(leg->tap);
	gw_leg_drop_session(leg, 16, "normal_clearing");
	mem_deref(leg->port);
	mem_deref(leg->headers);
	mem_deref(leg->call_id);
	mem_deref(leg->they_speak);
	mem_deref(leg->facts.reason_header);
	mem_deref(leg->facts.contact);
}

int gw_leg_alloc(struct gw_leg **legp, const struct gw_leg_cfg *cfg)
{
	const struct gw_line_cfg *line;
	struct gw_leg *leg;

	if (!legp || !cfg || !cfg->order || !cfg->newsh)
		return EINVAL;

	leg = mem_zalloc(sizeof(*leg), destructor);
	if (!leg)
		return ENOMEM;

	line = gw_line_cfg(cfg->order->line);
	leg->role = cfg->role;
	leg->order = cfg->order;
	leg->media = cfg->media;
	leg->newsh = cfg->newsh;
	leg->wireh = cfg->wireh;
	leg->arg = cfg->arg;
	leg->local.session_id = rand_u32();
	leg->local.codecs = line->codecs;
	leg->local.codec_count = line->codec_count;

	*legp = leg;
	return 0;
}
