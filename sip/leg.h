/* One party of a call: an INVITE session, a media port, and the SDP that joins
 * them. It tells its call each step and, last of all, that it is gone. */
#ifndef BELLPULL_SIP_LEG_H
#define BELLPULL_SIP_LEG_H

#include "sip/call.h"

struct gw_leg;

enum gw_leg_news_type {
	GW_LEG_NEWS_STARTED, /* the INVITE is out, or will never be */
	GW_LEG_NEWS_RINGING, /* first 18x                           */
	GW_LEG_NEWS_EARLY,   /* sound before the answer             */
	GW_LEG_NEWS_UP,      /* answered, and sound can flow        */
	GW_LEG_NEWS_HELD,    /* by the far side                     */
	GW_LEG_NEWS_UNHELD,
	GW_LEG_NEWS_DIGIT,  /* digit, duration_ms                   */
	GW_LEG_NEWS_PLAYED, /* what gw_leg_play() started is over   */
	GW_LEG_NEWS_STALLED,
	GW_LEG_NEWS_GONE, /* once, the last one; info is complete    */
};

struct gw_leg_news {
	enum gw_leg_news_type type;
	char digit;
	uint32_t duration_ms;
};

/* The leg stays valid for the whole handler. */
typedef void(gw_leg_news_h)(struct gw_leg *leg, const struct gw_leg_news *news,
			    void *arg);
/* Its SIP messages, credentials removed; also after it is gone. */
typedef void(gw_leg_wire_h)(bool sent, const char *text, size_t len, void *arg);

struct gw_leg_cfg {
	enum gw_role role;
	const struct gw_call_order *order; /* must outlive the leg */
	struct gw_media *media;
	gw_leg_news_h *newsh;
	gw_leg_wire_h *wireh;
	void *arg;
};

/* mem_deref() hangs up what is up, without news. */
int gw_leg_alloc(struct gw_leg **legp, const struct gw_leg_cfg *cfg);

/* Dials. Whatever goes wrong is told as GONE, never in this turn. */
void gw_leg_start(struct gw_leg *leg);

/* Ends it for a reason of ours: CANCEL or BYE. GONE is told at once, or, when
 * sound has flowed, after the media thread's last words (well below a second).
 * A leg that is ending already keeps its first reason. */
void gw_leg_end(struct gw_leg *leg, enum gw_cause intent);

/* Plays sound to it; PLAYED follows. */
int gw_leg_play(struct gw_leg *leg, const struct gw_sound *sound);

void gw_leg_info(const struct gw_leg *leg, struct gw_leg_info *info);
enum gw_leg_state gw_leg_state(const struct gw_leg *leg);
bool gw_leg_is_up(const struct gw_leg *leg); /* answered and not ending */

/* What the diagnosis wants to know beside the info. */
struct gw_leg_clues {
	bool provisional;       /* any 1xx came */
	bool challenged;        /* the refusal said how to log in */
	const char *they_speak; /* codecs of an SDP without a common one; NULL */
	const char *sdp_fault;  /* why their SDP was no use; NULL */
	const char *redirected_to; /* Contact of a 3xx; NULL */
	bool private_address;      /* of a network that we are not in */
	int err;
};
void gw_leg_clues(const struct gw_leg *leg, struct gw_leg_clues *clues);

struct mbuf;
int gw_leg_dialog_print(struct mbuf *mb, const struct gw_leg *leg);

#endif
