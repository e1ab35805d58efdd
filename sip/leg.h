/* One party of a call: an INVITE session, a media port, and the SDP that joins
 * them. It tells its call each step and, last of all, that it is gone. */
#ifndef BELLPULL_SIP_LEG_H
#define BELLPULL_SIP_LEG_H

#include "sip/call.h"

struct gw_browser;
struct gw_leg;
struct gw_session_transfer;

enum gw_leg_news_type {
	GW_LEG_NEWS_STARTED, /* the INVITE is out, or will never be */
	GW_LEG_NEWS_RINGING, /* first 18x                           */
	GW_LEG_NEWS_EARLY,   /* an SDP before the answer            */
	GW_LEG_NEWS_HEARD,   /* the first packet of sound came in   */
	GW_LEG_NEWS_SENT_ON, /* somebody else is dialled; no sound any more */
	GW_LEG_NEWS_UP,      /* answered, and sound can flow        */
	GW_LEG_NEWS_HELD,    /* by the far side                     */
	GW_LEG_NEWS_UNHELD,
	GW_LEG_NEWS_DIGIT,  /* digit, duration_ms, signalled        */
	GW_LEG_NEWS_PLAYED, /* what gw_leg_play() started is over; err */
	GW_LEG_NEWS_STALLED,
	GW_LEG_NEWS_CHANGED, /* what a gw_leg_hold() or gw_leg_point_at() has
				* come to; err */
	GW_LEG_NEWS_CAME_BACK, /* pointed elsewhere, it has changed the session and
				* got our own address */
	GW_LEG_NEWS_REFERRING, /* transfer: what came of gw_leg_refer() */
	GW_LEG_NEWS_GONE,      /* once, the last one; info is complete    */
};

struct gw_leg_news {
	enum gw_leg_news_type type;
	char digit;
	uint32_t duration_ms;
	bool signalled; /* the digit came as INFO, not in the sound */
	int err;
	const struct gw_session_transfer *transfer;
};

/* The leg stays valid for the whole handler. */
typedef void(gw_leg_news_h)(struct gw_leg *leg, const struct gw_leg_news *news,
			    void *arg);
/* Its SIP messages, credentials removed; also after it is gone. */
typedef void(gw_leg_wire_h)(bool sent, const char *text, size_t len, void *arg);

/* The far side wants us to call target instead of it (REFER; replaces: or NULL).
 * Returns the code of the answer: 202 or a refusal. */
typedef uint16_t(gw_leg_referred_h)(struct gw_leg *leg, const char *target,
				    const char *replaces, void *arg);
/* A piece of what gw_leg_record() asked for. */
typedef void(gw_leg_recorded_h)(struct gw_leg *leg,
				const struct gw_call_sound *sound, void *arg);

struct gw_leg_cfg {
	enum gw_role role;
	int64_t origin_ms;                 /* of the call's clock: moment.h */
	const struct gw_call_order *order; /* must outlive the leg */
	struct gw_line *line;              /* the same */
	const char *uri;                   /* copied */
	struct gw_browser *browser; /* who is there instead of a phone; or NULL */
	const char *codec; /* to be offered first, if the line has it; or NULL */
	bool shows_to;     /* it is shown the to number, not the caller */
	bool auto_answer;
	bool ilbc_last; /* whatever the line's order: we can't make sound in it */
	struct gw_media *media;
	gw_leg_news_h *newsh;
	gw_leg_wire_h *wireh;
	gw_leg_referred_h *referredh;
	gw_leg_recorded_h *recordedh;
	void *arg;       /* of the handlers above */
	void *order_arg; /* of the order's handlers */
};

/* mem_deref() hangs up what is up, without news. */
int gw_leg_alloc(struct gw_leg **legp, const struct gw_leg_cfg *cfg);

/* Dials. Whatever goes wrong is told as GONE, never in this turn. */
void gw_leg_start(struct gw_leg *leg);

/* Ends it for a reason of ours: CANCEL or BYE. GONE is told at once, or, when
 * sound has flowed, after the media thread's last words (well below a second).
 * A leg that is ending already keeps its first reason. */
void gw_leg_end(struct gw_leg *leg, enum gw_cause intent);

/* The sound of a leg: leg_sound.c. ENOTCONN where it has none yet, or none any
 * more; else what sip/media says. */

/* Plays sound to it; PLAYED follows. */
int gw_leg_play(struct gw_leg *leg, const struct gw_sound *sound);
/* We can make sound in the codec that it took. */
bool gw_leg_can_sound(const struct gw_leg *leg);
int gw_leg_tone(struct gw_leg *leg, enum gw_tone tone, const char *country);
int gw_leg_join(struct gw_leg *a, struct gw_leg *b);
void gw_leg_part(struct gw_leg *leg);
int gw_leg_mute(struct gw_leg *leg, bool on);
void gw_leg_watch(struct gw_leg *leg, uint32_t stall_ms);
/* Its quality is brought up to date, a moment later. */
void gw_leg_measure(struct gw_leg *leg);
/* right may be NULL. Pieces come to left's handler. */
int gw_leg_record(struct gw_leg *left, struct gw_leg *right, bool on);
/* Its sound goes elsewhere: none is sent from here. */
void gw_leg_hush(struct gw_leg *leg);

/* Presses digits, one after the other: events in the sound, or INFO where the far
 * side takes none. w and W wait half a second and a whole one. EINVAL: not digits;
 * EBUSY: too many that wait. */
int gw_leg_press(struct gw_leg *leg, const char *digits);

/* Changes of an answered session by us: leg_change.c. ~> CHANGED. EBUSY while one
 * is under way, ENOTCONN. Held: it hears us and isn't heard. */
int gw_leg_hold(struct gw_leg *leg, bool on);
bool gw_leg_is_held(const struct gw_leg *leg); /* by us or by the far side */
/* The two may talk without us: same codec, same numbers for it, no keys. */
bool gw_leg_fits(const struct gw_leg *a, const struct gw_leg *b);
/* Its sound is to go to where other is; NULL: to us again. */
int gw_leg_point_at(struct gw_leg *leg, const struct gw_leg *other);

bool gw_leg_is_away(const struct gw_leg *leg);

/* REFER to uri. ~> REFERRING. */
int gw_leg_refer(struct gw_leg *leg, const char *uri);
/* Tells it how its own REFER goes. */
void gw_leg_notify(struct gw_leg *leg, uint16_t code, bool over);

/* Has to press a digit before it counts as up. */
void gw_leg_set_confirming(struct gw_leg *leg, bool on);

void gw_leg_info(const struct gw_leg *leg, struct gw_leg_info *info);
enum gw_leg_state gw_leg_state(const struct gw_leg *leg);
enum gw_role gw_leg_role(const struct gw_leg *leg);
struct gw_line *gw_leg_line(const struct gw_leg *leg);
bool gw_leg_takes_events(const struct gw_leg *leg); /* RFC 4733 */
/* The encoding name of what it took; NULL: nothing yet. */
const char *gw_leg_codec(const struct gw_leg *leg);
bool gw_leg_is_up(const struct gw_leg *leg); /* answered and not ending */

/* What the diagnosis wants to know beside the info. */
struct gw_leg_clues {
	bool provisional;       /* any 1xx came */
	bool challenged;        /* the refusal said how to log in */
	const char *they_speak; /* codecs of an SDP without a common one; NULL */
	const char *sdp_fault;  /* why their SDP was no use; NULL */
	const char *redirected_to;  /* Contact of a 3xx; NULL */
	const char *redirect_fault; /* why that was not dialled; NULL: nobody
				     * wants redirections followed */
	bool private_address;       /* of a network that we are not in */
	int err;
};
void gw_leg_clues(const struct gw_leg *leg, struct gw_leg_clues *clues);

struct mbuf;
int gw_leg_dialog_print(struct mbuf *mb, const struct gw_leg *leg);

#endif
