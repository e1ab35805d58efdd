/* One INVITE of ours and the session that may come of it, on libre's dialogs and
 * transactions (RFC 3261, 3262 PRACK, 3311 UPDATE, 3326 Reason).
 *
 *   gw_session_alloc   a Call-ID exists, nothing is sent
 *   gw_session_invite  INVITE; challenges are answered in here
 *     ~> progress ...  each 1xx
 *     ~> answered      the first 2xx, already ACKed
 *     ~> offered ...   re-INVITE and UPDATE of the far side
 *     ~> closed        refused, hung up by the far side, or lost: then err is
 *                      ETIMEDOUT, also when nobody has refreshed the session
 *   gw_session_release the only way to let go: CANCEL or BYE if there is
 *                      something to end; what is left of SIP it does alone
 *
 * Forks, late and repeated 2xx, glare and everything else that SIP can do at the
 * same time is dealt with in here and nowhere else. */
#ifndef BELLPULL_SIP_SESSION_H
#define BELLPULL_SIP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mbuf;
struct pl;
struct gw_stack;
struct sip;
struct sip_msg;
struct gw_line;
struct gw_line_way;
struct gw_session;

/* Strings are copied. */
struct gw_session_cfg {
	struct gw_line *line; /* gives credentials; referenced */
	const struct gw_line_way *way;
	const char *to_uri; /* of the To header: without transport parameters */
	const char *from_uri;
	const char *from_name; /* body of the quoted string; NULL or "": none */
};

/* What came of it. Strings live with the session. */
struct gw_session_facts {
	bool provisional, ringing, answered;
	bool hung_up;           /* the far side sent BYE */
	bool challenged;        /* the refusal said how to log in */
	bool retry_after;       /* the refusal carried Retry-After ... */
	uint32_t retry_after_s; /* ... with so many seconds */
	uint16_t sip_code;      /* last received; 0: none came */
	char sip_reason[64];
	char *reason_header; /* of the refusal or the BYE; or NULL */
	char *contact;       /* of a 3xx, or NULL */
	int err;             /* what the network or our memory said; 0 */
};

/* News of a REFER of ours. */
struct gw_session_transfer {
	uint16_t code; /* of the answer to REFER, or of a NOTIFY's sipfrag */
	bool accepted; /* REFER got a 2xx: what follows are NOTIFYs */
	bool over;     /* nothing more comes: refused, or the last NOTIFY */
	int err;       /* no answer: what the network said */
};

struct gw_session_h {
	/* A 1xx; its body is in msg->mb. Repetitions are left out. */
	void (*progress)(const struct sip_msg *msg, void *arg);

	/* The 2xx that won, ACKed. Who can't do with its SDP releases. */
	void (*answered)(const struct sip_msg *msg, void *arg);

	/* The far side wants to change the session. msg has its offer or an
	 * empty body (then make one). *bodyp gets our SDP. 0, or why not:
	 * EBADMSG and ENOTSUP become 488, anything else 500. */
	int (*offered)(struct mbuf **bodyp, const struct sip_msg *msg,
		       void *arg);

	/* The answer to an offer of ours that stood in a 200: in ACK. Whoever
	 * can't do with it releases. */
	void (*agreed)(const struct sip_msg *ack, void *arg);

	/* What came of gw_session_reinvite(), once: code of the final answer (0:
	 * none, err says why). msg is the 2xx with their answer, ACKed already;
	 * else NULL. The session goes on as it was when it was refused. */
	void (*changed)(const struct sip_msg *msg, uint16_t code, int err,
			void *arg);

	/* The answer to a refresh of the session: as good as none, but it may say
	 * something new. Or no such handler. */
	void (*refreshed)(const struct sip_msg *msg, void *arg);

	/* Both sides wanted a change, theirs went first, and now the offer of ours
	 * is older than what we have said since (RFC 3264 8): *offerp gets it
	 * anew, a reference. Not 0, or no such handler: ours is given up, which
	 * changed tells as 491. */
	int (*reoffer)(struct mbuf **offerp, void *arg);

	/* What comes of gw_session_refer(): see gw_session_transfer. */
	void (*referring)(const struct gw_session_transfer *news, void *arg);

	/* The far side's REFER (RFC 3515): target is the URI of Refer-To without
	 * headers, replaces its Replaces (RFC 3891), unescaped, or NULL. Returns
	 * the code to answer: 202 and then gw_session_notify(), or a refusal. */
	uint16_t (*referred)(const char *target, const char *replaces,
			     void *arg);

	/* INFO with a digit (application/dtmf-relay, application/dtmf). */
	void (*digit)(char digit, uint32_t duration_ms, void *arg);

	/* It is over: see facts. Nothing comes any more; release it. */
	void (*closed)(void *arg);
};

/* handlers must outlive the session's last handler call. */
int gw_session_alloc(struct gw_session **sessionp,
		     const struct gw_session_cfg *cfg,
		     const struct gw_session_h *handlers, void *arg);

const char *gw_session_call_id(const struct gw_session *session);
const struct gw_session_facts *
gw_session_facts(const struct gw_session *session);

/* Sends the INVITE with headers (lines with CRLF; may be empty) and offer. What
 * goes wrong later is told by closed. */
int gw_session_invite(struct gw_session *session, const struct mbuf *headers,
		      const struct mbuf *offer);

/* Changes an answered session by a re-INVITE with offer; ~> changed. 491 is tried
 * again as RFC 3261 14.1 says, 401 and 407 are answered. One at a time: EBUSY
 * while one is under way, or one of the far side is; it waits for a refresh of
 * the session. ENOTCONN: not answered. */
int gw_session_reinvite(struct gw_session *session, const struct mbuf *offer);

/* REFER inside of the dialog: the far side is to call target (a SIP URI; with
 * replaces: RFC 3891, instead of that dialog). ~> referring. Three minutes
 * without any NOTIFY end it. EBUSY, ENOTCONN. */
int gw_session_refer(struct gw_session *session, const char *target,
		     const char *replaces);
/* Tells the far side how its REFER goes: NOTIFY with a sipfrag. over ends it.
 * ENOTCONN: there is none, or the far side has lost interest in it. */
int gw_session_notify(struct gw_session *session, uint16_t code,
		      const char *phrase, bool over);
/* INFO with one digit (application/dtmf-relay), after those before it. */
int gw_session_digit(struct gw_session *session, char digit,
		     uint32_t duration_ms);

/* Consumes the caller's reference; no handler is called any more, text is copied.
 * Sends what ends the session: CANCEL (as soon as a 1xx allows it), BYE, or
 * nothing, with Reason: Q.850;cause=q850;text="text" when q850 isn't 0. */
void gw_session_release(struct gw_session *session, uint16_t q850,
			const char *text);

/* The body of a message as far as it came: empty when there is none. */
void gw_session_body(struct pl *body, const struct sip_msg *msg);

/* The dialog of an answered session as text: what BYE of another process needs
 * (RFC 3261 12.2.1.1); of one that rings, the CANCEL. ENOENT: there is neither. */
int gw_session_print(struct mbuf *mb, struct gw_session *session);

/* Ends a printed dialog through way. Returns EBADMSG when text is not one. */
int gw_session_bye_printed(struct gw_line *line, const struct gw_line_way *way,
			   const char *text, uint16_t q850, const char *why);
/* The same of one that rang. */
int gw_session_cancel_printed(const struct gw_line_way *way, const char *text);

/* A response that nobody waits for. One to an INVITE that another process of this
 * gateway (the same secret) has sent gets CANCEL if it is provisional, ACK if it is
 * final, and BYE after that if it is a 2xx. line: whose credentials a BYE may need;
 * or NULL. True: it was one. */
bool gw_session_end_stray(struct gw_stack *stack, struct sip *sip,
			  struct gw_line *line, const struct sip_msg *msg);

#endif
