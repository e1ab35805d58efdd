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
 *   leg_change.c  re-INVITEs and REFER of ours
 *   leg_redirect.c  3xx
 *   leg_sound.c   what is played, heard, joined and recorded
 *   leg_digits.c  what is pressed
 *   leg_end.c     the end, and why
 *   leg_facts.c   info and clues
 *   leg_webrtc.c  a browser instead of a phone */
#include "sip/leg_impl.h"

#include <errno.h>
#include <string.h>

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

/* Birth and death --------------------------------------------------------- */

static void destructor(void *data)
{
	struct gw_leg *leg = data;

	tmr_cancel(&leg->ring);
	tmr_cancel(&leg->next_proxy);
	tmr_cancel(&leg->press);
	mem_deref(leg->way);
	mem_deref(leg->tap);
	gw_leg_drop_session(leg, 16, "normal_clearing");
	mem_deref(leg->port);
	gw_leg_drop_browser(leg);
	mem_deref(leg->headers);
	mem_deref(leg->call_id);
	explicit_bzero(leg->local.keys, sizeof(leg->local.keys));
	mem_deref(leg->they_speak);
	mem_deref(leg->uri);
	for (size_t i = 0; i < ARRAY_SIZE(leg->tried); i++)
		mem_deref(leg->tried[i]);
	mem_deref(leg->facts.reason_header);
	mem_deref(leg->facts.contact);
}

/* What the other leg took comes first, so that nothing has to be converted; what
 * we can't convert comes last. */
static void order_codecs(struct gw_leg *leg, const struct gw_leg_cfg *cfg)
{
	const struct gw_line_cfg *line = gw_line_cfg(cfg->line);
	const size_t count = MIN(line->codec_count, ARRAY_SIZE(leg->codecs));
	size_t n = 0;

	leg->local.codecs = line->codecs;
	leg->local.codec_count = line->codec_count;
	if (!cfg->ilbc_last)
		return;

	for (int turn = 0; turn < 3; turn++) {
		for (size_t i = 0; i < count; i++) {
			const char *name = line->codecs[i];
			const bool first = cfg->codec &&
					   !str_casecmp(name, cfg->codec);
			const bool last = !str_casecmp(name, "iLBC");

			if (turn == (first ? 0 : last ? 2 : 1))
				leg->codecs[n++] = name;
		}
	}

	leg->local.codecs = leg->codecs;
	leg->local.codec_count = n;
}

int gw_leg_alloc(struct gw_leg **legp, const struct gw_leg_cfg *cfg)
{
	struct gw_leg *leg;

	if (!legp || !cfg || !cfg->order || !cfg->line || !cfg->newsh)
		return EINVAL;

	leg = mem_zalloc(sizeof(*leg), destructor);
	if (!leg)
		return ENOMEM;

	if (str_dup(&leg->uri, cfg->uri)) {
		mem_deref(leg);
		return ENOMEM;
	}

	leg->browser = mem_ref(cfg->browser);
	leg->role = cfg->role;
	leg->origin_ms = cfg->origin_ms;
	leg->order = cfg->order;
	leg->line = cfg->line;
	leg->shows_to = cfg->shows_to;
	leg->auto_answer = cfg->auto_answer;
	leg->media = cfg->media;
	leg->newsh = cfg->newsh;
	leg->wireh = cfg->wireh;
	leg->referredh = cfg->referredh;
	leg->recordedh = cfg->recordedh;
	leg->arg = cfg->arg;
	leg->order_arg = cfg->order_arg;
	leg->local.session_id = rand_u32();
	leg->local.secure = gw_line_cfg(cfg->line)->srtp;
	leg->local.has_keys = true; /* also for who asks for it later */
	rand_bytes((uint8_t *)leg->local.keys, sizeof(leg->local.keys));
	order_codecs(leg, cfg);

	*legp = leg;
	return 0;
}
