/* sip/session_far.c - what the far side asks for inside of our dialog.
 *
 *   BYE      200, also when ours is under way (glare); its Reason is kept
 *   INVITE   200 with our SDP, repeated until ACK; 491 while an INVITE of ours
 *            isn't answered, 500 + Retry-After before the last 200 is ACKed
 *   UPDATE   200, with our SDP when it has an offer (RFC 3311)
 *   INFO     200 for a digit, 415 for what nobody here understands
 *   OPTIONS  200
 *   REFER    as its owner says: where we are sent to is a matter of policy
 *   NOTIFY   200 to news of a REFER of ours
 *   others   405 with Allow */
#include <ctype.h>

#include "sip/session_impl.h"

enum {
	GIVE_UP_MS = 64 * SIP_T1,
	RETRY_AFTER_MAX_S = 10, /* RFC 3261 14.2 */
	DIGIT_MS = 160,         /* of an INFO that doesn't say */
};

typedef void(request_h)(struct gw_session *s, struct gw_fork *fork,
			const struct sip_msg *msg);

static bool has_sdp(const struct sip_msg *msg)
{
	struct pl body;

	gw_session_body(&body, msg);
	return body.l && msg_ctype_cmp(&msg->ctyp, "application", "sdp");
}

static void try_again_later(const struct gw_session *s,
			    const struct sip_msg *msg)
{
	(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 500,
			  "Server Internal Error",
			  "Retry-After: %u\r\nContent-Length: 0\r\n\r\n",
			  rand_u32() % (RETRY_AFTER_MAX_S + 1));
}

static void reply(const struct gw_session *s, const struct sip_msg *msg,
		  uint16_t code, const char *reason)
{
	(void)sip_treply(NULL, s->sip, msg, code, reason);
}

/* Answers 2xx with a target of our own and a body (or NULL). */
static int answer_2xx(struct gw_session *s, const struct sip_msg *msg,
		      uint16_t code, const char *phrase,
		      re_printf_h *supportedh, const struct mbuf *body,
		      struct mbuf **mbp)
{
	struct mbuf *contact;
	struct sa laddr;
	int err;

	contact = mbuf_alloc(128);
	if (!contact)
		return ENOMEM;

	err = sip_transp_laddr(s->sip, &laddr, msg->tp, &msg->src);
	if (err)
		goto out;

	err = gw_session_write_contact(contact, s, &laddr, msg->tp);
	if (err)
		goto out;

	err = sip_treplyf(NULL, mbp, s->sip, msg, true, code, phrase,
			  "%bAllow: %s\r\n%H"
			  "%sContent-Length: %zu\r\n\r\n%b",
			  contact->buf, contact->end, gw_stack_allow,
			  supportedh, s,
			  body ? "Content-Type: application/sdp\r\n" : "",
			  body ? body->end : (size_t)0, body ? body->buf : NULL,
			  body ? body->end : (size_t)0);

out:
	mem_deref(contact);
	return err;
}

static int reply_200(struct gw_session *s, const struct sip_msg *msg,
		     const struct mbuf *body, struct mbuf **mbp)
{
	return answer_2xx(s, msg, 200, "OK", gw_session_print_agreed, body,
			  mbp);
}

void gw_session_reply_2xx(struct gw_session *s, const struct sip_msg *msg,
			  uint16_t code, const char *phrase)
{
	(void)answer_2xx(s, msg, code, phrase, gw_session_print_supported, NULL,
			 NULL);
}

/* The session's new SDP, or the refusal, which has then been sent. */
static int renegotiate(struct mbuf **bodyp, struct gw_session *s,
		       const struct sip_msg *msg)
{
	int err = s->h ? s->h->offered(bodyp, msg, s->arg) : EBADMSG;

	switch (err) {
	case 0:
		break;

	case EBADMSG:
	case ENOTSUP:
		reply(s, msg, 488, "Not Acceptable Here");
		break;

	default:
		reply(s, msg, 500, "Server Internal Error");
		break;
	}

	if (!err) {
		gw_session_keep_said(s, *bodyp);
		gw_session_change_overtaken(s);
	}
	return err;
}

/* re-INVITE --------------------------------------------------------------- */

static void reply_destructor(void *arg)
{
	struct gw_reply *r = arg;

	tmr_cancel(&r->tmr);
	mem_deref(r->msg);
	mem_deref(r->mb);
}

static void reply_again(void *arg)
{
	struct gw_reply *r = arg;
	struct gw_session *s = r->session;
	uint64_t elapsed = tmr_jiffies() - r->began;

	if (elapsed >= GIVE_UP_MS) {
		/* RFC 3261 13.3.1.4: without ACK the session is ended; whoever
		 * is told releases it, and that sends BYE */
		s->reply = mem_deref(r);
		gw_session_lost(s, ETIMEDOUT);
		return;
	}

	r->mb->pos = 0;
	(void)sip_send(s->sip, r->msg->sock, r->msg->tp, &r->dst, r->mb);

	++r->sent;
	tmr_start(&r->tmr,
		  MIN(MIN((uint64_t)SIP_T1 << r->sent, (uint64_t)SIP_T2),
		      GIVE_UP_MS - elapsed),
		  reply_again, r);
}

static int repeat_until_ack(struct gw_session *s, const struct sip_msg *msg,
			    struct mbuf *mb, bool made_offer)
{
	struct gw_reply *r;
	struct pl rport;

	r = mem_zalloc(sizeof(*r), reply_destructor);
	if (!r)
		return ENOMEM;

	r->session = s;
	r->msg = mem_ref((void *)(uintptr_t)msg);
	r->mb = mem_ref(mb);
	r->made_offer = made_offer;
	r->began = tmr_jiffies();
	sip_reply_addr(&r->dst, msg,
		       !msg_param_exists(&msg->via.params, "rport", &rport));

	tmr_start(&r->tmr, SIP_T1, reply_again, r);
	s->reply = r;
	return 0;
}

static void far_invite(struct gw_session *s, struct gw_fork *fork,
		       const struct sip_msg *msg)
{
	struct mbuf *body = NULL, *mb = NULL;
	bool has_offer = has_sdp(msg);

	if (s->state != GW_SESSION_UP || gw_session_awaits_change(s)) {
		reply(s, msg, 491, "Request Pending");
		return;
	}
	if (s->reply) {
		try_again_later(s, msg);
		return;
	}

	if (!gw_session_timer_fits(s, msg) || renegotiate(&body, s, msg))
		return;

	(void)sip_dialog_update(fork->dlg, msg);
	gw_session_timer_asked(s, msg);

	if (!reply_200(s, msg, body, &mb))
		(void)repeat_until_ack(s, msg, mb, !has_offer);

	mem_deref(mb);
	mem_deref(body);
}

static void far_ack(struct gw_session *s, const struct sip_msg *msg)
{
	struct gw_reply *r = s->reply;
	bool made_offer;

	if (!r || r->msg->cseq.num != msg->cseq.num)
		return;

	made_offer = r->made_offer;
	s->reply = mem_deref(r);

	if (made_offer && s->h)
		s->h->agreed(msg, s->arg);
}

/* The others -------------------------------------------------------------- */

static void far_update(struct gw_session *s, struct gw_fork *fork,
		       const struct sip_msg *msg)
{
	struct mbuf *body = NULL;
	bool has_offer = has_sdp(msg);

	/* RFC 3311 5.2: our own offer is still open */
	if (has_offer &&
	    (s->state != GW_SESSION_UP || gw_session_awaits_change(s) ||
	     (s->reply && s->reply->made_offer))) {
		reply(s, msg, 491, "Request Pending");
		return;
	}
	if (has_offer && s->reply) {
		try_again_later(s, msg);
		return;
	}

	if (!gw_session_timer_fits(s, msg) ||
	    (has_offer && renegotiate(&body, s, msg)))
		return;

	(void)sip_dialog_update(fork->dlg, msg);
	gw_session_timer_asked(s, msg);
	(void)reply_200(s, msg, body, NULL);
	mem_deref(body);
}

static void far_bye(struct gw_session *s, struct gw_fork *fork,
		    const struct sip_msg *msg)
{
	reply(s, msg, 200, "OK");

	if (fork != s->won || s->state != GW_SESSION_UP) {
		/* of a fork that lost, or it crossed ours: nothing new. Before
		 * our INVITE is answered: its 2xx was lost and comes again */
		if (!s->won)
			s->hung_early = true;
		return;
	}

	gw_session_keep_reason(s, msg);
	s->facts.hung_up = true;
	gw_session_over(s, 0);
}

static void far_options(struct gw_session *s, struct gw_fork *fork,
			const struct sip_msg *msg)
{
	(void)fork;
	(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 200, "OK",
			  "Allow: %s\r\n"
			  "Accept: application/sdp\r\n"
			  "%H"
			  "Content-Length: 0\r\n\r\n",
			  gw_stack_allow, gw_session_print_supported, s);
}

/* "5", "*", and numbers for what has no digit: 10 is *, 11 is # */
static char digit_of(const struct pl *text)
{
	static const char names[] = "0123456789*#ABCD";
	const char *p;

	if (text->l == 2 && text->p[0] == '1' && text->p[1] >= '0' &&
	    text->p[1] <= '5')
		return names[10 + text->p[1] - '0'];

	if (text->l != 1 || !*text->p)
		return 0;

	p = strchr(names, toupper((unsigned char)*text->p));
	return p ? *p : 0;
}

/* application/dtmf-relay: Signal=5 CRLF Duration=160; application/dtmf: 5 */
static char read_digit(uint32_t *duration_ms, const struct sip_msg *msg)
{
	struct pl body, text, ms;

	gw_session_body(&body, msg);
	*duration_ms = DIGIT_MS;

	if (msg_ctype_cmp(&msg->ctyp, "application", "dtmf")) {
		if (re_regex(body.p, body.l, "[^ \t\r\n]+", &text))
			return 0;
		return digit_of(&text);
	}

	if (re_regex(body.p, body.l, "Signal[ ]*=[ ]*[^ \t\r\n]+", NULL, NULL,
		     &text))
		return 0;

	if (0 == re_regex(body.p, body.l, "Duration[ ]*=[ ]*[0-9]+", NULL, NULL,
			  &ms) &&
	    ms.l < 6)
		*duration_ms = pl_u32(&ms);

	return digit_of(&text);
}

static void far_info(struct gw_session *s, struct gw_fork *fork,
		     const struct sip_msg *msg)
{
	uint32_t duration_ms;
	struct pl body;
	char digit;
	(void)fork;

	gw_session_body(&body, msg);
	if (!body.l) {
		reply(s, msg, 200, "OK"); /* a sign of life */
		return;
	}

	if (!msg_ctype_cmp(&msg->ctyp, "application", "dtmf-relay") &&
	    !msg_ctype_cmp(&msg->ctyp, "application", "dtmf")) {
		(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 415,
				  "Unsupported Media Type",
				  "Accept: application/dtmf-relay, "
				  "application/dtmf\r\n"
				  "Content-Length: 0\r\n\r\n");
		return;
	}

	digit = read_digit(&duration_ms, msg);
	if (!digit) {
		reply(s, msg, 400, "Bad Request");
		return;
	}

	reply(s, msg, 200, "OK");
	if (s->h)
		s->h->digit(digit, duration_ms, s->arg);
}

static const struct method {
	const char *name;
	request_h *h;
} methods[] = {
	{ "INVITE", far_invite },
	{ "BYE", far_bye },
	{ "UPDATE", far_update },
	{ "INFO", far_info },
	{ "OPTIONS", far_options },
	{ "REFER", gw_session_far_refer },
	{ "NOTIFY", gw_session_far_notify },
};

/* RFC 3261 8.2.2.3: of what may be required we know reliable 1xx, and timers
 * where the line has one. */
static bool unknown_extension(const struct sip_hdr *hdr,
			      const struct sip_msg *msg, void *arg)
{
	const struct gw_session *s = arg;
	(void)msg;

	return 0 != pl_strcasecmp(&hdr->val, "100rel") &&
	       (!s->timer.wish_s || 0 != pl_strcasecmp(&hdr->val, "timer"));
}

static bool demands_too_much(struct gw_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr;

	hdr = sip_msg_hdr_apply(msg, true, SIP_HDR_REQUIRE, unknown_extension,
				s);
	if (!hdr)
		return false;

	(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 420, "Bad Extension",
			  "Unsupported: %r\r\nContent-Length: 0\r\n\r\n",
			  &hdr->val);
	return true;
}

/* A BYE may overtake the 2xx that makes its dialog. */
static bool bye_without_dialog(struct gw_session *s, const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->met, "BYE") || s->state != GW_SESSION_CALLING ||
	    !sip_dialog_cmp_half(s->half, msg))
		return false;

	far_bye(s, NULL, msg);
	return true;
}

bool gw_session_far_request(struct gw_session *s, const struct sip_msg *msg)
{
	struct gw_fork *fork = gw_session_find_fork(s, msg);

	if (!fork)
		return bye_without_dialog(s, msg);

	if (0 == pl_strcmp(&msg->met, "ACK")) {
		far_ack(s, msg);
		return true;
	}

	if (s->state == GW_SESSION_OVER)
		return false;

	/* a phone that has lost is told so by our BYE, which may still be
	 * under way; its own is welcome */
	if (s->won && fork != s->won && pl_strcmp(&msg->met, "BYE"))
		return false;

	if (!sip_dialog_rseq_valid(fork->dlg, msg)) {
		reply(s, msg, 500, "Server Internal Error");
		return true;
	}

	if (demands_too_much(s, msg))
		return true;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (0 == pl_strcmp(&msg->met, methods[i].name)) {
			methods[i].h(s, fork, msg);
			return true;
		}
	}

	(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 405,
			  "Method Not Allowed",
			  "Allow: %s\r\nContent-Length: 0\r\n\r\n",
			  gw_stack_allow);
	return true;
}
