/* sip/session.c - one INVITE and the session that may come of it: its beginning,
 * and its end, which is longer than its owner's interest.
 *
 * libre's transactions repeat requests, match responses and ACK refusals. All
 * the rest of RFC 3261 13 and 15 is here, because sipsess follows 3xx by itself,
 * leaves forked and late 2xx without ACK, and can't say why it cancels:
 *
 *   INVITE --401/407--> INVITE with credentials (twice at most, see auth_digest)
 *          --1xx reliable--> PRACK on the fork's own early dialog
 *          --2xx--> ACK; every later 2xx of the same fork: the same ACK again
 *          --2xx of another fork--> ACK, BYE
 *   CANCEL waits for a 1xx. A 2xx that crossed it gets ACK, then BYE.
 *
 * A released session belongs to itself until that is done, then for 64*T1 to the
 * stack, because forks may answer as long as that. */
#include "sip/session_impl.h"

enum {
	AUTH_TRIES_MAX = 4
}; /* auth_digest is stricter; this is the back-stop */

/* Small things ------------------------------------------------------------ */

const char *gw_session_call_id(const struct gw_session *session)
{
	return session ? sip_dialog_callid(session->half) : NULL;
}

const struct gw_session_facts *
gw_session_facts(const struct gw_session *session)
{
	return &session->facts;
}

void gw_session_body(struct pl *body, const struct sip_msg *msg)
{
	size_t left = mbuf_get_left(msg->mb);
	uint32_t length = pl_u32(&msg->clen);

	body->p = (const char *)mbuf_buf(msg->mb);
	body->l = pl_isset(&msg->clen) && length < left ? length : left;
}

int gw_session_reason_line(char **linep, uint16_t q850, const char *text)
{
	if (!q850)
		return 0;

	return re_sdprintf(linep, "Reason: Q.850;cause=%u;text=\"%s\"\r\n",
			   q850, text ? text : "");
}

int gw_session_write_contact(struct mbuf *mb, const struct gw_session *s,
			     const struct sa *src, enum sip_transp tp)
{
	struct sa addr = *src;

	if (sa_isset(&s->advertise, SA_ADDR)) {
		addr = s->advertise;
		if (!sa_port(&addr))
			sa_set_port(&addr, sa_port(src));
	}

	return mbuf_printf(mb, "Contact: <sip:%s@%J%s>\r\n", s->contact_user,
			   &addr, sip_transp_param(tp));
}

bool gw_session_is_challenge(const struct sip_msg *msg)
{
	return msg->scode == 401 || msg->scode == 407;
}

static int credentials(char **userp, char **passp, const char *realm, void *arg)
{
	const struct gw_session *s = arg;

	return gw_line_credentials(s->line, userp, passp, realm);
}

/* Most calls of a trusted trunk are never challenged: made when needed. */
int gw_session_take_challenge(struct gw_session *s, const struct sip_msg *msg)
{
	int err;

	if (++s->auth_tries > AUTH_TRIES_MAX)
		return EAUTH;

	if (!s->auth) {
		err = sip_auth_alloc(&s->auth, credentials, s, false);
		if (err)
			return err;
	}

	return sip_auth_authenticate(s->auth, msg);
}

void gw_session_keep_said(struct gw_session *s, const struct mbuf *sdp)
{
	struct mbuf *copy;

	if (!s->timer.wish_s || !sdp)
		return;

	copy = mbuf_alloc(sdp->end);
	if (!copy || mbuf_write_mem(copy, sdp->buf, sdp->end))
		copy = mem_deref(copy);

	mem_deref(s->said);
	s->said = copy;
}

/* The end of life --------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_session *s = arg;

	tmr_cancel(&s->tmr);
	tmr_cancel(&s->timer.tmr);
	mem_deref(s->timer.update);
	mem_deref(s->said);
	list_unlink(&s->kept);
	mem_deref(s->route);
	list_flush(&s->forks);
	mem_deref(s->reply);
	mem_deref(s->change);
	mem_deref(s->refer_out);
	mem_deref(s->refer_in);
	mem_deref(s->digits_out);
	mem_deref(s->invite);
	mem_deref(s->auth);
	mem_deref(s->half);
	mem_deref(s->contact_user);
	mem_deref(s->tail);
	mem_deref(s->head);
	mem_deref(s->ident);
	mem_deref(s->cancel);
	mem_deref(s->early);
	mem_deref(s->reason);
	mem_deref(s->facts.reason_header);
	mem_deref(s->facts.contact);
	mem_deref(s->line);
	if (s->holds_sip)
		mem_deref(s->sip);
}

/* What only a pending INVITE needs; the dialogs go on without. */
void gw_session_drop_invite(struct gw_session *s)
{
	s->tail = mem_deref(s->tail);
	s->head = mem_deref(s->head);
	s->ident = mem_deref(s->ident);
	s->cancel = mem_deref(s->cancel);
	s->early = mem_deref(s->early);
	tmr_cancel(&s->tmr);
}

/* Nobody wants it any more and SIP is done. Without a 2xx nothing can follow. */
static void finish(struct gw_session *s)
{
	gw_session_drop_invite(s);
	s->reply = mem_deref(s->reply);

	if (!s->facts.answered) {
		mem_deref(s);
		return;
	}

	/* who repeats its 2xx though it has got our BYE tells all that an ACK
	 * says: not worth keeping for half a minute */
	if (s->won) {
		for (size_t i = 0; i < GW_ACK_COUNT; i++)
			s->won->acks[i].mb = mem_deref(s->won->acks[i].mb);
	}

	/* from here on sip is valid because the stack is, which keeps us */
	if (s->holds_sip) {
		s->holds_sip = false;
		mem_deref(s->sip);
	}
	gw_stack_keep(s->stack, &s->kept, s);
}

void gw_session_over(struct gw_session *s, int err)
{
	if (s->state == GW_SESSION_OVER)
		return;

	s->state = GW_SESSION_OVER;
	s->facts.err = err;
	gw_session_timer_stop(s);
	s->reply = mem_deref(s->reply);
	gw_session_drop_invite(s);

	if (s->h)
		s->h->closed(s->arg);
	else
		finish(s);
}

void gw_session_lost(struct gw_session *s, int err)
{
	if (s->state != GW_SESSION_UP)
		return;

	s->state = GW_SESSION_LOST;
	s->facts.err = err;
	gw_session_timer_stop(s);
	s->h->closed(s->arg);
}

/* Beginning and end ------------------------------------------------------- */

static bool message_handler(const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;
	bool done;

	mem_ref(s);
	done = msg->req ? gw_session_far_request(s, msg) :
			  gw_session_stray_response(s, msg);
	mem_deref(s);

	return done;
}

/* The words of sip_dialog_alloc(), which keeps them to itself. */
static int write_ident(struct gw_session *s, const struct gw_session_cfg *cfg,
		       const char *name)
{
	const struct gw_line_way *way = cfg->way;
	int err = 0;

	s->ident = mbuf_alloc(160);
	if (!s->ident)
		return ENOMEM;

	for (uint32_t i = 0; i < way->route_count; i++)
		err |= mbuf_printf(s->ident, "Route: <%s;lr>\r\n",
				   way->routes[i]);
	err |= mbuf_printf(s->ident,
			   "To: <%s>\r\nFrom: %s%s%s<%s>;tag=", cfg->to_uri,
			   name ? "\"" : "", name ? name : "",
			   name ? "\" " : "", cfg->from_uri);
	return err;
}

static int copy_way(struct gw_session *s, const struct gw_line_way *way)
{
	s->stack = way->stack;
	s->sip = mem_ref(way->sip);
	s->holds_sip = true;

	if (way->advertise) {
		int err = sa_set_str(&s->advertise, way->advertise,
				     way->advertise_port);
		if (err)
			return err;
	}

	return str_dup(&s->contact_user, way->contact_user);
}

int gw_session_alloc(struct gw_session **sessionp,
		     const struct gw_session_cfg *cfg,
		     const struct gw_session_h *handlers, void *arg)
{
	const struct gw_line_way *way;
	struct gw_session *s;
	const char *name;
	int err;

	if (!sessionp || !cfg || !cfg->way || !handlers)
		return EINVAL;

	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;

	way = cfg->way;
	name = str_isset(cfg->from_name) ? cfg->from_name : NULL;
	s->line = mem_ref(cfg->line);
	s->h = handlers;
	s->arg = arg;

	gw_session_timer_init(s);

	err = copy_way(s, way);
	if (err)
		goto out;

	err = sip_dialog_alloc(&s->half, way->uri, cfg->to_uri, name,
			       cfg->from_uri,
			       (const char **)(uintptr_t)way->routes,
			       way->route_count);
	if (err)
		goto out;

	err = write_ident(s, cfg, name);
	if (err)
		goto out;

	err = gw_stack_route(&s->route, s->stack, gw_session_call_id(s),
			     message_handler, s);

out:
	if (err)
		mem_deref(s);
	else
		*sessionp = s;
	return err;
}

void gw_session_release(struct gw_session *session, uint16_t q850,
			const char *text)
{
	struct gw_session *s = session;

	if (!s)
		return;

	s->h = NULL;
	gw_session_timer_stop(s);
	if (!s->reason)
		(void)gw_session_reason_line(&s->reason, q850, text);

	switch (s->state) {
	case GW_SESSION_CALLING:
		s->state = GW_SESSION_CANCELING;
		if (s->facts.provisional)
			gw_session_cancel(s);
		break;

	case GW_SESSION_UP:
	case GW_SESSION_LOST:
		s->state = GW_SESSION_ENDING;
		gw_session_bye(s->won);
		break;

	case GW_SESSION_OVER:
		finish(s);
		break;

	default:
		mem_deref(s);
		break;
	}
}
