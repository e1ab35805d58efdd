/* sip/session_change.c - a re-INVITE of ours (RFC 3261 14) and its answers.
 *
 *   INVITE --401/407--> INVITE with credentials
 *          --491--> again after 2.1 to 4 s: we are the owner of the Call-ID (14.1);
 *                   theirs may go first meanwhile, then ours is written anew
 *          --2xx--> ACK; the same ACK again for each repetition
 *          --481, 408, silence--> the dialog is no more (12.2.1.2)
 *          --any other--> refused, and the session goes on as it was
 *
 * A refresh of the session (session_timer.c) is a re-INVITE, too: it says nothing
 * new and its owner hears of it only what the far side says. Who wants a change
 * meanwhile doesn't have to ask again: it leaves as soon as the refresh is over.
 *
 * It outlives its owner's interest: a 2xx that comes after we have said BYE still
 * gets its ACK. */
#include "sip/session_impl.h"

enum {
	GLARES_MAX = 4,
	GLARE_MIN_MS = 2100,
	GLARE_SPAN_MS = 1900,
};

static int send_change(struct gw_session *s);
static int start(struct gw_session *s, struct mbuf *offer, bool refreshes);

/* Telling ----------------------------------------------------------------- */

static void tell_changed(struct gw_session *s, const struct sip_msg *msg,
			 uint16_t code, int err)
{
	if (s->h && s->h->changed && s->state == GW_SESSION_UP)
		s->h->changed(msg, code, err, s->arg);
}

/* The owner may release the session in there, or want a change. */
static void tell_refreshed(struct gw_session *s, const struct sip_msg *msg,
			   uint16_t code, int err)
{
	if (!msg)
		gw_session_not_refreshed(s, code, err);
	else if (s->h && s->h->refreshed && s->state == GW_SESSION_UP)
		s->h->refreshed(msg, s->arg);
}

static void settle(struct gw_session *s, const struct sip_msg *msg,
		   uint16_t code, int err)
{
	struct gw_change *c = s->change;
	struct mbuf *next = c->next;

	c->pending = false;
	c->next = NULL;
	if (msg)
		gw_session_keep_said(s, c->offer);
	c->offer = mem_deref(c->offer);
	tmr_cancel(&c->again);

	if (!c->refreshes) {
		tell_changed(s, msg, code, err);
		return;
	}

	tell_refreshed(s, msg, code, err);
	if (next && s->state == GW_SESSION_UP) {
		err = c->pending ? EBUSY : start(s, next, false);
		if (err)
			tell_changed(s, NULL, 0, err);
	}
	mem_deref(next);
}

/* RFC 3261 12.2.1.2. Whoever is told releases the session, and that says BYE
 * where there may be somebody to hear it. */
static void dialog_lost(struct gw_session *s, const struct sip_msg *msg)
{
	struct gw_change *c = s->change;

	c->pending = false;
	c->offer = mem_deref(c->offer);
	c->next = mem_deref(c->next);
	if (s->state != GW_SESSION_UP)
		return;

	if (msg && msg->scode == 481)
		gw_session_over(s, c->refreshes ? ETIMEDOUT : 0);
	else
		gw_session_lost(s, ETIMEDOUT);
}

/* Answers ----------------------------------------------------------------- */

static void accepted(struct gw_session *s, const struct sip_msg *msg)
{
	(void)sip_dialog_update(s->won->dlg, msg);
	gw_session_ack(s->won, GW_ACK_CHANGE, s->change->cseq);
	gw_session_timer_answered(s, msg);
	settle(s, msg, msg->scode, 0);
}

/* The owner may do anything in there, also release the session. */
static int write_anew(struct gw_session *s)
{
	struct mbuf *offer = NULL;
	int err = s->h->reoffer(&offer, s->arg);

	if (!err && s->state != GW_SESSION_UP)
		err = ECANCELED;
	if (err)
		mem_deref(offer);
	else
		s->change->offer = offer;
	return err;
}

static void its_turn(struct gw_session *s)
{
	struct gw_change *c = s->change;
	int err = 0;

	if (!c->offer && c->refreshes)
		c->offer = mem_ref(s->said); /* what has been said since */
	if (!c->offer && (c->refreshes || !s->h->reoffer)) {
		settle(s, NULL, 491, 0);
		return;
	}

	if (!c->offer)
		err = write_anew(s);
	if (!err)
		err = send_change(s);
	if (err)
		settle(s, NULL, 0, err);
}

static void again(void *arg)
{
	struct gw_session *s = arg;

	mem_ref(s);
	if (s->state != GW_SESSION_UP)
		settle(s, NULL, 0, ECANCELED);
	else if (s->reply)
		/* theirs is under way now, and goes first */
		tmr_start(&s->change->again, GLARE_MIN_MS, again, s);
	else
		its_turn(s);
	mem_deref(s);
}

void gw_session_change_overtaken(struct gw_session *s)
{
	if (s->change && s->change->pending)
		s->change->offer = mem_deref(s->change->offer);
}

/* A refresh that has to wait, and a change that waits for it: what the owner wants
 * refreshes, too. */
static void make_way(struct gw_session *s)
{
	struct gw_change *c = s->change;

	if (!c->refreshes || !c->next)
		return;

	mem_deref(c->offer);
	c->offer = c->next;
	c->next = NULL;
	c->refreshes = false;
	gw_session_timer_look_again(s);
}

static void refused(struct gw_session *s, const struct sip_msg *msg)
{
	struct gw_change *c = s->change;

	if (s->state != GW_SESSION_UP) {
		settle(s, NULL, msg->scode, 0);
		return;
	}

	if (gw_session_is_challenge(msg) &&
	    !gw_session_take_challenge(s, msg) && !send_change(s))
		return;
	if (gw_session_timer_raised(s, msg) && !send_change(s))
		return;

	switch (msg->scode) {
	case 491:
		if (++c->glares > GLARES_MAX)
			break;
		tmr_start(&c->again,
			  GLARE_MIN_MS + rand_u32() % (GLARE_SPAN_MS + 1),
			  again, s);
		make_way(s);
		return;

	case 408:
	case 481:
		dialog_lost(s, msg);
		return;

	default:
		break;
	}

	settle(s, NULL, msg->scode, 0);
}

/* A refresh into a TCP connection that was dead without our knowing: libre has
 * noticed meanwhile, and there is time for another one. */
static bool may_be_the_connection(const struct gw_session *s)
{
	return s->change->refreshes && s->tp != SIP_TRANSP_UDP;
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;

	if (!err && msg && msg->scode < 200)
		return;

	mem_ref(s);
	if (err == ETIMEDOUT && !may_be_the_connection(s))
		dialog_lost(s, NULL);
	else if (err || !msg)
		settle(s, NULL, 0, err ? err : EPROTO);
	else if (msg->scode < 300)
		accepted(s, msg);
	else
		refused(s, msg);
	mem_deref(s);
}

/* Sending ----------------------------------------------------------------- */

int gw_session_add_contact(enum sip_transp tp, const struct sa *src,
			   const struct sa *dst, struct mbuf *mb, void *arg)
{
	(void)dst;

	return gw_session_write_contact(mb, arg, src, tp);
}

static int send_change(struct gw_session *s)
{
	struct gw_change *c = s->change;

	c->cseq = sip_dialog_lseq(s->won->dlg);
	return sip_drequestf(&c->req, s->sip, true, "INVITE", s->won->dlg, 0,
			     s->auth, gw_session_add_contact, answered, s,
			     "Allow: %s\r\n"
			     "%H"
			     "Content-Type: application/sdp\r\n"
			     "Content-Length: %zu\r\n\r\n"
			     "%b",
			     gw_stack_allow, gw_session_print_asked, s,
			     c->offer->end, c->offer->buf, c->offer->end);
}

static void destructor(void *arg)
{
	struct gw_change *c = arg;

	tmr_cancel(&c->again);
	mem_deref(c->req);
	mem_deref(c->offer);
	mem_deref(c->next);
}

static int start(struct gw_session *s, struct mbuf *offer, bool refreshes)
{
	struct gw_change *c;
	int err;

	if (!s->change)
		s->change = mem_zalloc(sizeof(*s->change), destructor);
	c = s->change;
	if (!c)
		return ENOMEM;

	c->offer = mem_ref(offer);
	c->refreshes = refreshes;
	c->glares = 0;
	s->auth_tries = 0;
	s->timer.raised = false;
	err = send_change(s);
	if (err)
		c->offer = mem_deref(c->offer);
	else
		c->pending = true;
	return err;
}

static void follow_refresh(struct gw_session *s, struct mbuf *offer)
{
	struct gw_change *c = s->change;

	c->next = mem_ref(offer);
	if (tmr_isrunning(&c->again))
		make_way(s);
}

int gw_session_reinvite(struct gw_session *session, const struct mbuf *offer)
{
	struct gw_session *s = session;
	struct gw_change *c;
	struct mbuf *copy;
	int err;

	if (!s || !offer)
		return EINVAL;
	if (s->state != GW_SESSION_UP)
		return ENOTCONN;

	c = s->change;
	if (s->reply || (c && c->pending && (!c->refreshes || c->next)))
		return EBUSY;

	copy = mbuf_alloc(offer->end);
	if (!copy)
		return ENOMEM;

	err = mbuf_write_mem(copy, offer->buf, offer->end);
	if (err)
		goto out;

	if (c && c->pending)
		follow_refresh(s, copy);
	else
		err = start(s, copy, false);

out:
	mem_deref(copy);
	return err;
}

int gw_session_change_refresh(struct gw_session *s)
{
	if (!s->said)
		return ENOTSUP; /* there was no memory for it */
	if (s->reply || (s->change && s->change->pending))
		return EBUSY;

	return start(s, s->said, true);
}

bool gw_session_awaits_change(const struct gw_session *s)
{
	return s->change && s->change->pending &&
	       !tmr_isrunning(&s->change->again);
}
