/* sip/session_cancel.c - the CANCEL of a pending INVITE.
 *
 * It waits for a 1xx (RFC 3261 9.1), says why, and is repeated until it is
 * answered. libre's own can't say why it cancels. */
#include "sip/session_impl.h"

enum { GIVE_UP_MS = 64 * SIP_T1 };

/* RFC 3261 9.1: all of it as in the INVITE, Via and its branch included. */
int gw_session_write_cancel(struct mbuf **mbp, const struct gw_session *s)
{
	const char *agent = gw_stack_user_agent(s->stack);

	*mbp = mbuf_alloc(512);
	if (!*mbp)
		return ENOMEM;

	return mbuf_printf(*mbp,
			   "CANCEL %b"
			   "Max-Forwards: 70\r\n"
			   "%b%s\r\n"
			   "Call-ID: %s\r\n"
			   "CSeq: %u CANCEL\r\n"
			   "%s%s%s%s"
			   "Content-Length: 0\r\n\r\n",
			   s->head->buf, s->head->end, s->ident->buf,
			   s->ident->end, s->ltag, gw_session_call_id(s),
			   s->invite_cseq, s->reason ? s->reason : "",
			   agent ? "User-Agent: " : "", agent ? agent : "",
			   agent ? "\r\n" : "");
}

/* Repeats the CANCEL until it is answered (RFC 3261 17.1.2), and bounds the
 * INVITE that should then be answered with 487, but may never be. */
static void cancel_timer(void *arg)
{
	struct gw_session *s = arg;
	uint64_t elapsed = tmr_jiffies() - s->cancel_began;
	uint64_t next = GIVE_UP_MS - elapsed;

	if (elapsed >= GIVE_UP_MS) {
		gw_session_over(s, ETIMEDOUT);
		return;
	}

	if (!s->cancel_answered && s->tp == SIP_TRANSP_UDP) {
		uint64_t pause = MIN((uint64_t)SIP_T1 << s->cancel_sent,
				     (uint64_t)SIP_T2);

		next = MIN(next, pause);
	}

	if (!s->cancel_answered &&
	    (s->tp == SIP_TRANSP_UDP || !s->cancel_sent)) {
		++s->cancel_sent;
		s->cancel->pos = 0;
		(void)sip_send(s->sip, NULL, s->tp, &s->dst, s->cancel);
	}

	tmr_start(&s->tmr, next, cancel_timer, s);
}

void gw_session_cancel(struct gw_session *s)
{
	if (s->cancel)
		return;

	if (gw_session_write_cancel(&s->cancel, s)) {
		/* no memory for the Reason: libre's own CANCEL then */
		sip_request_cancel(s->invite);
		return;
	}

	s->cancel_began = tmr_jiffies();
	cancel_timer(s);
}
