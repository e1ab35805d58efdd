/* sip/session_invite.c - our INVITE and its answers, also those that come when no
 * transaction waits for them any more: late and repeated 2xx, 2xx of other
 * forks. */
#include "sip/session_impl.h"

static void remember(struct gw_session *s, const struct sip_msg *msg)
{
	s->facts.sip_code = msg->scode;
	(void)pl_strcpy(&msg->reason, s->facts.sip_reason,
			sizeof(s->facts.sip_reason));
}

static void keep_header(char **textp, const struct sip_msg *msg,
			enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);

	*textp = mem_deref(*textp);
	if (hdr && hdr->val.l)
		(void)pl_strdup(textp, &hdr->val);
}

void gw_session_keep_reason(struct gw_session *s, const struct sip_msg *msg)
{
	keep_header(&s->facts.reason_header, msg, SIP_HDR_REASON);
}

/* INVITE ------------------------------------------------------------------ */

static int send_invite(struct gw_session *s);

static int invite_leaves(enum sip_transp tp, const struct sa *src,
			 const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct gw_session *s = arg;
	const size_t met = strlen("INVITE ");
	int err;

	/* libre tries the next address of a name by itself */
	if (s->state != GW_SESSION_CALLING)
		return ECANCELED;

	s->tp = tp;
	s->dst = *dst;
	mbuf_rewind(s->head);
	err = gw_session_write_mark(mb, s);
	if (err)
		return err;
	err = mbuf_write_mem(s->head, mb->buf + met, mb->end - met);
	if (err)
		return err;

	return gw_session_write_contact(mb, s, src, tp);
}

static bool is_ours(const struct gw_session *s, const struct sip_msg *msg)
{
	return sip_dialog_cmp_half(s->half, msg) &&
	       msg->cseq.num == s->invite_cseq &&
	       0 == pl_strcmp(&msg->cseq.met, "INVITE");
}

static void provisional(struct gw_session *s, const struct sip_msg *msg)
{
	s->facts.provisional = true;
	if (msg->scode >= 180 && msg->scode <= 189)
		s->facts.ringing = true;
	remember(s, msg);
	gw_session_keep_early(s, msg);
	(void)pl_strcpy(&msg->from.tag, s->ltag, sizeof(s->ltag));

	if (s->state == GW_SESSION_CANCELING) {
		gw_session_cancel(s);
		return;
	}

	if (gw_session_acknowledge(s, msg) && s->h)
		s->h->progress(msg, s->arg);
}

static void accepted(struct gw_session *s, const struct sip_msg *msg)
{
	bool unwanted = s->state == GW_SESSION_CANCELING;
	int err;

	remember(s, msg);

	err = gw_session_confirm_fork(&s->won, s, msg);
	if (err) {
		gw_session_refuse_2xx(s, msg);
		gw_session_over(s, err);
		return;
	}

	s->facts.answered = true;
	gw_session_ack(s->won, GW_ACK_INVITE, s->invite_cseq);
	gw_session_drop_invite(s);

	if (unwanted) {
		/* RFC 3261 15: the only way out of a 2xx that crossed CANCEL */
		s->state = GW_SESSION_ENDING;
		gw_session_bye(s->won);
		return;
	}

	s->state = GW_SESSION_UP;
	gw_session_timer_answered(s, msg);
	if (s->h)
		s->h->answered(msg, s->arg);

	if (s->hung_early && s->state == GW_SESSION_UP) {
		s->facts.hung_up = true;
		gw_session_over(s, 0);
	}
}

static bool says_how_to_log_in(const struct sip_msg *msg)
{
	return sip_msg_hdr(msg, SIP_HDR_WWW_AUTHENTICATE) ||
	       sip_msg_hdr(msg, SIP_HDR_PROXY_AUTHENTICATE);
}

static void refused(struct gw_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr;
	struct sip_addr addr;
	struct pl seconds;

	remember(s, msg);
	s->facts.challenged = says_how_to_log_in(msg);

	if (gw_session_is_challenge(msg) && s->state == GW_SESSION_CALLING &&
	    !gw_session_take_challenge(s, msg) && !send_invite(s))
		return;
	if (s->state == GW_SESSION_CALLING && gw_session_timer_raised(s, msg) &&
	    !send_invite(s))
		return;

	gw_session_keep_reason(s, msg);

	hdr = sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER);
	if (hdr) {
		s->facts.retry_after = true;
		/* comment and parameters may follow the seconds */
		if (!re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &seconds) &&
		    seconds.p == hdr->val.p && seconds.l < 9)
			s->facts.retry_after_s = pl_u32(&seconds);
	}

	hdr = msg->scode < 400 ? sip_msg_hdr(msg, SIP_HDR_CONTACT) : NULL;
	if (hdr && !sip_addr_decode(&addr, &hdr->val))
		(void)pl_strdup(&s->facts.contact, &addr.auri);

	gw_session_over(s, 0);
}

static void invite_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;

	mem_ref(s);

	if (err || !msg)
		gw_session_over(s, err ? err : EPROTO);
	else if (!is_ours(s, msg) && msg->scode >= 200)
		/* the right branch, the wrong dialog: forged or broken */
		gw_session_over(s, EBADMSG);
	else if (!is_ours(s, msg))
		;
	else if (msg->scode < 200)
		provisional(s, msg);
	else if (msg->scode < 300)
		accepted(s, msg);
	else
		refused(s, msg);

	mem_deref(s);
}

static int send_invite(struct gw_session *s)
{
	s->invite_cseq = sip_dialog_lseq(s->half);

	return sip_drequestf(&s->invite, s->sip, true, "INVITE", s->half, 0,
			     s->auth, invite_leaves, invite_answered, s, "%H%b",
			     gw_session_print_asked, s, s->tail->buf,
			     s->tail->end);
}

int gw_session_invite(struct gw_session *session, const struct mbuf *headers,
		      const struct mbuf *offer)
{
	struct gw_session *s = session;
	int err;

	if (!s || !offer || s->state != GW_SESSION_IDLE)
		return EINVAL;

	s->head = mbuf_alloc(192);
	s->tail = mbuf_alloc(offer->end + 256);
	if (!s->head || !s->tail)
		return ENOMEM;

	err = mbuf_printf(s->tail,
			  "Allow: %s\r\n"
			  "%b"
			  "Content-Type: application/sdp\r\n"
			  "Content-Length: %zu\r\n\r\n"
			  "%b",
			  gw_stack_allow, headers ? headers->buf : NULL,
			  headers ? headers->end : (size_t)0, offer->end,
			  offer->buf, offer->end);
	if (err)
		return err;

	gw_session_keep_said(s, offer);
	s->state = GW_SESSION_CALLING;
	err = send_invite(s);
	if (err)
		s->state = GW_SESSION_IDLE;

	return err;
}

/* What no transaction waits for ------------------------------------------- */

static void stray_2xx(struct gw_session *s, const struct sip_msg *msg)
{
	struct gw_fork *fork = gw_session_find_fork(s, msg);

	if (fork && gw_session_has_acked(fork, s->invite_cseq)) {
		gw_session_ack_again(fork, s->invite_cseq);
		return;
	}
	if (fork && (fork == s->won || fork->bye)) {
		gw_session_end_2xx(s->stack, s->sip, s->line, msg, false);
		return;
	}

	/* another phone has answered too (RFC 3261 13.2.2.4) */
	if (gw_session_confirm_fork(&fork, s, msg)) {
		gw_session_refuse_2xx(s, msg);
		return;
	}

	gw_session_ack(fork, GW_ACK_INVITE, s->invite_cseq);
	gw_session_bye(fork);
}

/* The 2xx to a re-INVITE of ours, again. */
static bool is_change_again(const struct gw_session *s,
			    const struct sip_msg *msg)
{
	return s->won && s->change && msg->cseq.num == s->change->cseq &&
	       msg->scode >= 200 && msg->scode < 300 &&
	       !pl_strcmp(&msg->cseq.met, "INVITE") &&
	       sip_dialog_cmp(s->won->dlg, msg);
}

bool gw_session_stray_response(struct gw_session *s, const struct sip_msg *msg)
{
	if (0 == pl_strcmp(&msg->cseq.met, "CANCEL")) {
		if (msg->scode >= 200)
			s->cancel_answered = true;
		return true;
	}

	if (is_change_again(s, msg)) {
		if (gw_session_has_acked(s->won, msg->cseq.num))
			gw_session_ack_again(s->won, msg->cseq.num);
		else
			gw_session_ack(s->won, GW_ACK_CHANGE, msg->cseq.num);
		return true;
	}

	if (!s->facts.answered || !is_ours(s, msg) || msg->scode < 200 ||
	    msg->scode > 299)
		return false;

	stray_2xx(s, msg);
	return true;
}
