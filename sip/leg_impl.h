/* What the files of a leg share; nobody else includes it. */
#ifndef BELLPULL_SIP_LEG_IMPL_H
#define BELLPULL_SIP_LEG_IMPL_H

#include <re.h>

#include "sip/browser.h"
#include "sip/leg.h"
#include "sip/moment.h"
#include "sip/sdp.h"
#include "sip/session.h"

struct gw_line_way_req;
struct gw_stack_tap;

enum {
	GW_LEG_REDIRECTS_MAX = 5,
	GW_LEG_DIGITS_MAX = 2 * GW_SEND_DIGITS_MAX, /* that wait */
};

/* A re-INVITE of ours. */
enum gw_leg_change {
	GW_LEG_CHANGE_NONE,
	GW_LEG_CHANGE_HOLD,
	GW_LEG_CHANGE_UNHOLD,
	GW_LEG_CHANGE_AWAY, /* sound goes to another leg ... */
	GW_LEG_CHANGE_BACK, /* ... and comes to us again */
};

struct gw_leg {
	enum gw_role role;
	enum gw_leg_state state;
	int64_t origin_ms; /* of its clock: the call's */
	const struct gw_call_order *order;
	struct gw_line *line;
	char *uri; /* what is dialled */
	bool shows_to, auto_answer;
	void *order_arg;
	gw_leg_referred_h *referredh;
	gw_leg_recorded_h *recordedh;
	struct gw_media *media;
	gw_leg_news_h *newsh;
	gw_leg_wire_h *wireh;
	void *arg;

	struct gw_browser *browser; /* instead of the session; or NULL */
	struct gw_line_way_req *way;
	struct gw_session *session;
	struct gw_stack_tap *tap;
	char *call_id;        /* of the last session: outlives it */
	struct mbuf *headers; /* until the INVITE is out */
	struct gw_media_port *port;
	struct gw_sdp_local local;
	const char *codecs[GW_SDP_CODECS_MAX]; /* local.codecs, where the order is
						* not the line's */
	char address[64];                      /* local.address */
	char bound[64];  /* where RTP leaves: not what we tell, behind NAT */
	struct tmr ring; /* ring_timeout, then last words */
	struct tmr next_proxy; /* a browser has other uses for it */
	size_t target; /* next hop of the line: see struct gw_line_way */
	uint32_t tries;
	char *tried[GW_LEG_REDIRECTS_MAX]; /* URIs that sent us elsewhere */
	uint32_t redirects;
	const char *redirect_fault; /* why one was not followed */

	bool confirming, held, remote_held, muted;
	bool away; /* its sound goes elsewhere */
	enum gw_leg_change change;
	bool records;
	unsigned beeps;                     /* whose end is to come */
	const char *hint;                   /* what its network said in sound */
	char digits[GW_LEG_DIGITS_MAX + 1]; /* to be pressed */
	struct tmr press;

	bool told_started;
	bool has_sound; /* an SDP of theirs has been applied */
	bool is_secure; /* SRTP */
	bool private_address;
	const char *sdp_fault;
	char *they_speak;
	struct sa rtp, rtcp; /* of the far side */
	struct gw_media_codec codec;
	char codec_name[32];

	int64_t ringing_at_ms, answered_at_ms, ended_at_ms;
	enum gw_cause intent;
	bool answer_was_useless; /* a 2xx that we could do nothing with */
	struct gw_outcome outcome;
	struct gw_session_facts facts; /* once the session is released */
	struct gw_media_stats quality;
	bool has_quality;
};

void gw_leg_tell(struct gw_leg *leg, enum gw_leg_news_type type);
void gw_leg_tell_started(struct gw_leg *leg); /* once */
bool gw_leg_is_over(const struct gw_leg *leg);

/* leg_redirect.c: a 3xx is followed: false when it may not be. */
bool gw_leg_redirect(struct gw_leg *leg, const struct gw_session_facts *facts);

/* leg_change.c: the session's handler changed. */
int gw_leg_on_reoffer(struct mbuf **offerp, void *arg);
void gw_leg_on_changed(const struct sip_msg *msg, uint16_t code, int err,
		       void *arg);
/* The state of a leg that is up, of its flags. */
void gw_leg_settle_state(struct gw_leg *leg);

/* leg_sound.c */
void gw_leg_heard_tone(struct gw_leg *leg, enum gw_tone tone);
void gw_leg_listen(struct gw_leg *leg); /* early media flows, or it is up */
void gw_leg_take_piece(struct gw_leg *leg, const struct gw_media_fact *fact);
bool gw_leg_was_beep(struct gw_leg *leg);
void gw_leg_stop_recording(struct gw_leg *leg);

/* leg_dial.c: the rest of dialling, once the media port is known. */
void gw_leg_send_invite(struct gw_leg *leg, uint16_t rtp_port);
/* Once more, with another proxy or to another URI. */
void gw_leg_dial_again(struct gw_leg *leg);
/* Before anything rang, and not for ever: false when there is none to try. */
bool gw_leg_try_next_proxy(struct gw_leg *leg, uint32_t retry_after_s);

/* leg_news.c: handlers; arg is the leg. */
extern const struct gw_session_h gw_leg_session_handlers;
void gw_leg_on_fact(const struct gw_media_fact *fact, void *arg);

/* leg_sdp.c: the body of msg; false if that is no SDP. */
bool gw_leg_body(struct pl *body, const struct sip_msg *msg);
int gw_leg_offer(struct mbuf **bodyp, struct gw_leg *leg);
/* The same of another local side than the leg's own. */
int gw_leg_write_offer(struct mbuf **bodyp, struct gw_leg *leg,
		       struct gw_sdp_local *local);
int gw_leg_take_answer(struct gw_leg *leg, const struct sip_msg *msg);
/* A 2xx or ACK whose SDP is no use. */
void gw_leg_end_for_sdp(struct gw_leg *leg, int err);
/* The session's handlers offered and agreed. */
int gw_leg_on_offered(struct mbuf **bodyp, const struct sip_msg *msg,
		      void *arg);
void gw_leg_on_agreed(const struct sip_msg *ack, void *arg);

/* leg_webrtc.c: a leg that is a browser. */
void gw_leg_start_browser(struct gw_leg *leg);
int gw_leg_hold_browser(struct gw_leg *leg, bool on);
void gw_leg_drop_browser(struct gw_leg *leg); /* once its port is closed */

/* leg_end.c: ends it now; what the session knows is the outcome. */
void gw_leg_go_down(struct gw_leg *leg);
/* Ends it with what the system said, but never inside of gw_leg_start(). */
void gw_leg_fail(struct gw_leg *leg, int err);
/* The media thread has said its last words, or has had its time. */
void gw_leg_gone(void *arg);
void gw_leg_drop_session(struct gw_leg *leg, uint16_t q850, const char *text);

#endif
