/* What the files of a session share; nobody else includes it.
 *
 *   session.c          beginning and end of life, credentials
 *   session_invite.c   INVITE and its answers, stray ones too
 *   session_cancel.c   CANCEL
 *   session_fork.c     the dialogs it makes: ACK, PRACK, BYE
 *   session_far.c      what the far side asks for inside of the dialog
 *   session_change.c   a re-INVITE of ours
 *   session_timer.c    who keeps the session alive (RFC 4028)
 *   session_refer.c    REFER and NOTIFY, ours and theirs
 *   session_digit.c    INFO with digits
 *   session_print.c    dialogs as text, and requests made of text */
#ifndef BELLPULL_SIP_SESSION_IMPL_H
#define BELLPULL_SIP_SESSION_IMPL_H

#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/line.h"
#include "sip/session.h"
#include "sip/stack.h"

/*   IDLE -> CALLING -> UP -> LOST -> ENDING -> OVER
 *              |         |             ^  ^       ^
 *              |         +-------------+  |       |
 *              +-> CANCELING -------------+-------+  2xx or something else came
 *
 * LOST: its owner knows, its release says BYE. ENDING: BYE is under way. */
enum gw_session_state {
	GW_SESSION_IDLE,
	GW_SESSION_CALLING,
	GW_SESSION_CANCELING,
	GW_SESSION_UP,
	GW_SESSION_LOST,
	GW_SESSION_ENDING,
	GW_SESSION_OVER,
};

/* An ACK as it left, kept to answer repetitions of the 2xx. */
struct gw_ack {
	uint32_t cseq;
	struct sip_request *req; /* while the target's name is resolved */
	struct mbuf *mb;
	struct sa dst;
	enum sip_transp tp;
};
enum gw_ack_of {
	GW_ACK_INVITE, /* the one that made the dialog */
	GW_ACK_CHANGE, /* our last re-INVITE */
	GW_ACK_COUNT
};

/* One dialog that our INVITE has made: there may be several (forks), one wins. */
struct gw_fork {
	struct le le;
	struct gw_session *session;
	struct sip_dialog *dlg;

	uint32_t rseq; /* of the last reliable 1xx; 0: none */
	struct sip_request *prack;
	struct sip_request *bye;
	bool bye_again;
	struct gw_ack acks[GW_ACK_COUNT];
};

/* A 200 to a re-INVITE, repeated until its ACK comes (RFC 3261 13.3.1.4). */
struct gw_reply {
	struct tmr tmr;
	struct gw_session *session;
	struct sip_msg *msg;
	struct mbuf *mb;
	struct sa dst;
	uint64_t began;
	uint32_t sent;
	bool made_offer; /* the answer comes in the ACK */
};

/* A re-INVITE of ours. While again is running it isn't under way, it waits. */
struct gw_change {
	bool pending;
	bool refreshes; /* it is the timer's: nothing changes */
	uint32_t cseq;
	unsigned glares;    /* how often we were told 491 */
	struct mbuf *offer; /* NULL while pending: has to be written anew */
	struct mbuf *next;  /* the owner's, while a refresh is under way */
	struct sip_request *req;
	struct tmr again;
};

/* The session timer. The interval counts from the last refresh. */
struct gw_timer {
	uint32_t wish_s;   /* of the line; 0: we know nothing of timers */
	uint32_t min_s;    /* what a 422 wanted; 0: none came */
	uint32_t agreed_s; /* 0: the session lives without */
	bool we_refresh;
	bool takes_update; /* the far side */
	bool raised;       /* a 422 to this request has been obeyed */
	uint64_t ends_at;  /* jiffies: without a refresh we say BYE */
	struct sip_request *update;
	struct tmr tmr;
};

/* A REFER of ours that isn't over. */
struct gw_refer_out {
	bool accepted;
	char *headers;
	struct sip_request *req;
	struct tmr tmr;
};

/* A REFER of theirs that isn't over, and the NOTIFY that is due. */
struct gw_refer_in {
	uint32_t id; /* CSeq of the REFER */
	uint16_t code;
	char phrase[64];
	bool over, due, sent_over;
	struct sip_request *req;
};

struct gw_digit {
	char digit;
	uint32_t duration_ms;
};
struct gw_digits_out {
	struct gw_digit list[32]; /* the first one is under way */
	size_t count;
	struct sip_request *req;
};

struct gw_session {
	struct le kept; /* in the stack's care, for stragglers */
	struct gw_stack *stack;
	struct gw_stack_route *route;
	struct sip *sip;
	bool holds_sip; /* our reference: gw_stack_close() waits for it */
	struct gw_line *line;
	struct sip_auth *auth; /* from the first challenge on */

	const struct gw_session_h *h; /* NULL: released */
	void *arg;

	enum gw_session_state state;
	struct gw_session_facts facts;
	struct sip_dialog *half; /* as the INVITE makes it: without a To tag */
	struct list forks;
	struct gw_fork *won;
	struct gw_reply *reply;
	struct gw_timer timer;
	struct mbuf *said; /* our last SDP that counts, for refreshes; or NULL */
	/* each made when first needed */
	struct gw_change *change;
	struct gw_refer_out *refer_out;
	struct gw_refer_in *refer_in;
	struct gw_digits_out *digits_out;

	struct sip_request *invite;
	uint32_t invite_cseq;
	uint32_t auth_tries;
	char *contact_user;
	struct sa advertise; /* or unset */
	struct mbuf *tail;   /* what follows the dialog's headers in INVITE */

	/* for the CANCEL: it repeats the INVITE's own words */
	struct mbuf *head;  /* request line and Via as they left */
	struct mbuf *ident; /* Route, To, From without the tag's value */
	struct mbuf *early; /* BYEs for the dialogs that 18x have made */
	char ltag[20];
	enum sip_transp tp;
	struct sa dst;

	struct mbuf *cancel;
	struct tmr tmr;
	uint64_t cancel_began;
	uint32_t cancel_sent;
	bool cancel_answered;

	char *reason;    /* header line with CRLF, or NULL */
	bool hung_early; /* BYE came before the 2xx it belongs to */
};

/* session.c */
int gw_session_write_contact(struct mbuf *mb, const struct gw_session *s,
			     const struct sa *src, enum sip_transp tp);
int gw_session_reason_line(char **linep, uint16_t q850, const char *text);
bool gw_session_is_challenge(const struct sip_msg *msg);
/* 0: the request may be sent again with credentials. */
int gw_session_take_challenge(struct gw_session *s, const struct sip_msg *msg);
/* What only a pending INVITE needs; the dialogs go on without. */
void gw_session_drop_invite(struct gw_session *s);
/* Tells the user, if there still is one, and goes on to the end of life. */
void gw_session_over(struct gw_session *s, int err);
/* Tells the user of a session that is up: the far side is silent, but may hear. */
void gw_session_lost(struct gw_session *s, int err);

/* session_cancel.c */
int gw_session_write_cancel(struct mbuf **mbp, const struct gw_session *s);

/* session_stray.c: into the INVITE that leaves, behind its Via; and what would
 * cancel it, with where it went. ENOENT: it does not ring. */
int gw_session_write_mark(struct mbuf *mb, const struct gw_session *s);
int gw_session_print_cancel(struct mbuf *mb, struct gw_session *s);
/* Who rings may have answered by the time somebody cancels. */
void gw_session_keep_early(struct gw_session *s, const struct sip_msg *msg);

/* session_print.c: the BYE for a dialog that a 18x has made; ENOENT: it hasn't. ACK
 * and, if bye_too, BYE. line: whose credentials; or NULL. */
int gw_session_print_early(struct mbuf *mb, const struct sip_msg *msg);
void gw_session_end_2xx(struct gw_stack *stack, struct sip *sip,
			struct gw_line *line, const struct sip_msg *msg,
			bool bye_too);

/* session_invite.c */
void gw_session_keep_reason(struct gw_session *s, const struct sip_msg *msg);
/* A response that no transaction waits for. True: dealt with. */
bool gw_session_stray_response(struct gw_session *s, const struct sip_msg *msg);

/* session_cancel.c: sends it, once; a 1xx must have come. */
void gw_session_cancel(struct gw_session *s);

/* session_fork.c */
struct gw_fork *gw_session_find_fork(const struct gw_session *s,
				     const struct sip_msg *msg);
/* The dialog of a 2xx, made when there is none. */
int gw_session_confirm_fork(struct gw_fork **forkp, struct gw_session *s,
			    const struct sip_msg *msg);
void gw_session_ack(struct gw_fork *fork, enum gw_ack_of of, uint32_t cseq);
bool gw_session_has_acked(const struct gw_fork *fork, uint32_t cseq);
/* The same words; nothing if there were none. */
void gw_session_ack_again(const struct gw_fork *fork, uint32_t cseq);
void gw_session_bye(struct gw_fork *fork);
/* PRACK to a reliable 1xx (RFC 3262 4). False: a repetition or out of order, not
 * for anybody's ears. */
bool gw_session_acknowledge(struct gw_session *s, const struct sip_msg *msg);

/* session_far.c */
bool gw_session_far_request(struct gw_session *s, const struct sip_msg *msg);
/* 200 or 202 without a body, with a target of our own. */
void gw_session_reply_2xx(struct gw_session *s, const struct sip_msg *msg,
			  uint16_t code, const char *phrase);

/* session_change.c: our re-INVITE isn't answered yet. */
bool gw_session_awaits_change(const struct gw_session *s);
/* Theirs has been agreed to while ours was waiting for its turn. */
void gw_session_change_overtaken(struct gw_session *s);
/* A sip_send_h that adds Contact; arg is the session. */
int gw_session_add_contact(enum sip_transp tp, const struct sa *src,
			   const struct sa *dst, struct mbuf *mb, void *arg);

/* The last words again, with the timer's wish: EBUSY while there is something
 * under way that counts as a refresh anyway. */
int gw_session_change_refresh(struct gw_session *s);

/* session_timer.c: re_printf handlers for "%H". Supported; the same with what a
 * request asks for; with what a 2xx of ours agrees to. */
int gw_session_print_supported(struct re_printf *pf, void *session);
int gw_session_print_asked(struct re_printf *pf, void *session);
int gw_session_print_agreed(struct re_printf *pf, void *session);

void gw_session_timer_init(struct gw_session *s);
void gw_session_timer_stop(struct gw_session *s);
/* A 2xx to an INVITE or UPDATE of ours. */
void gw_session_timer_answered(struct gw_session *s, const struct sip_msg *msg);
/* A 422 that is to be obeyed: the request may be sent again. */
bool gw_session_timer_raised(struct gw_session *s, const struct sip_msg *msg);
/* How a refresh failed: code of its answer, or err. May end the session. */
void gw_session_not_refreshed(struct gw_session *s, uint16_t code, int err);
/* Something else refreshes now, if it goes well. */
void gw_session_timer_look_again(struct gw_session *s);
/* Theirs: false when 422 has been sent; then, before the 2xx, what it asks for. */
bool gw_session_timer_fits(const struct gw_session *s,
			   const struct sip_msg *msg);
void gw_session_timer_asked(struct gw_session *s, const struct sip_msg *msg);

/* session.c: keeps our SDP for refreshes, if there will be any. Takes a copy. */
void gw_session_keep_said(struct gw_session *s, const struct mbuf *sdp);

/* session_refer.c */
void gw_session_far_refer(struct gw_session *s, struct gw_fork *fork,
			  const struct sip_msg *msg);
void gw_session_far_notify(struct gw_session *s, struct gw_fork *fork,
			   const struct sip_msg *msg);

/* session_print.c: ACK and BYE to a 2xx that makes no dialog. */
void gw_session_refuse_2xx(struct gw_session *s, const struct sip_msg *msg);

#endif
