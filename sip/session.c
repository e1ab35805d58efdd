/* sip/session.c - our INVITE, and what we send after it.
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
	FORKS_MAX = 32,     /* more are not ACKed: a flood, no phones */
	AUTH_TRIES_MAX = 4, /* auth_digest is stricter; this is the back-stop */
	GIVE_UP_MS = 64 * SIP_T1,
};

static void send_cancel(struct gw_session *s);
static void bye(struct gw_fork *fork);
static int send_invite(struct gw_session *s);

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

static bool is_challenge(const struct sip_msg *msg)
{
	return msg->scode == 401 || msg->scode == 407;
}

static int credentials(char **userp, char **passp, const char *realm, void *arg)
{
	const struct gw_session *s = arg;

	return gw_line_credentials(s->line, userp, passp, realm);
}

/* Most calls of a trusted trunk are never challenged: made when needed. */
static int take_challenge(struct gw_session *s, const struct sip_msg *msg)
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

/* The end of life --------------------------------------------------------- */

static void fork_destructor(void *arg)
{
	struct gw_fork *fork = arg;

	list_unlink(&fork->le);
	/* stateful ones are brought to their end by libre */
	mem_deref(fork->prack);
	mem_deref(fork->bye);
	mem_deref(fork->ack_req);
	mem_deref(fork->ack);
	mem_deref(fork->dlg);
}

static void destructor(void *arg)
{
	struct gw_session *s = arg;

	tmr_cancel(&s->tmr);
	list_unlink(&s->kept);
	mem_deref(s->route);
	list_flush(&s->forks);
	mem_deref(s->reply);
	mem_deref(s->invite);
	mem_deref(s->auth);
	mem_deref(s->half);
	mem_deref(s->contact_user);
	mem_deref(s->tail);
	mem_deref(s->head);
	mem_deref(s->ident);
	mem_deref(s->cancel);
	mem_deref(s->reason);
	mem_deref(s->facts.reason_header);
	mem_deref(s->facts.contact);
	mem_deref(s->line);
	if (s->holds_sip)
		mem_deref(s->sip);
}

/* What only a pending INVITE needs; the dialogs go on without. */
static void drop_invite(struct gw_session *s)
{
	s->tail = mem_deref(s->tail);
	s->head = mem_deref(s->head);
	s->ident = mem_deref(s->ident);
	s->cancel = mem_deref(s->cancel);
	tmr_cancel(&s->tmr);
}

/* Nobody wants it any more and SIP is done. Without a 2xx nothing can follow. */
static void finish(struct gw_session *s)
{
	drop_invite(s);
	s->reply = mem_deref(s->reply);

	if (!s->facts.answered) {
		mem_deref(s);
		return;
	}

	/* who has got our BYE repeats its 2xx no more */
	if (s->won)
		s->won->ack = mem_deref(s->won->ack);

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
	s->reply = mem_deref(s->reply);
	drop_invite(s);

	if (s->h)
		s->h->closed(s->arg);
	else
		finish(s);
}

/* Forks ------------------------------------------------------------------- */

struct gw_fork *gw_session_find_fork(const struct gw_session *s,
				     const struct sip_msg *msg)
{
	for (struct le *le = list_head(&s->forks); le; le = le->next) {
		struct gw_fork *fork = le->data;

		if (sip_dialog_cmp(fork->dlg, msg))
			return fork;
	}

	return NULL;
}

static int add_fork(struct gw_fork **forkp, struct gw_session *s,
		    const struct sip_msg *msg)
{
	struct gw_fork *fork;
	int err;

	if (list_count(&s->forks) >= FORKS_MAX)
		return EOVERFLOW;

	fork = mem_zalloc(sizeof(*fork), fork_destructor);
	if (!fork)
		return ENOMEM;

	fork->session = s;
	err = sip_dialog_fork(&fork->dlg, s->half, msg);
	if (err) {
		mem_deref(fork);
		return err;
	}

	list_append(&s->forks, &fork->le, fork);
	*forkp = fork;
	return 0;
}

/* The dialog of a 2xx. RFC 3261 13.2.2.4: an early one takes its route set anew
 * from it, unless requests have gone along the old one already. */
static int confirm_fork(struct gw_fork **forkp, struct gw_session *s,
			const struct sip_msg *msg)
{
	struct gw_fork *fork = gw_session_find_fork(s, msg);
	struct sip_dialog *dlg;
	int err;

	if (!fork)
		return add_fork(forkp, s, msg);

	if (fork->rseq) {
		(void)sip_dialog_update(fork->dlg, msg);
	} else {
		err = sip_dialog_fork(&dlg, s->half, msg);
		if (err)
			return err;
		mem_deref(fork->dlg);
		fork->dlg = dlg;
	}

	*forkp = fork;
	return 0;
}

/* ACK --------------------------------------------------------------------- */

static int ack_leaves(enum sip_transp tp, const struct sa *src,
		      const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct gw_fork *fork = arg;
	(void)src;

	mem_deref(fork->ack);
	fork->ack = mem_ref(mb);
	fork->ack_tp = tp;
	fork->ack_dst = *dst;
	return 0;
}

static void ack_failed(int err, const struct sip_msg *msg, void *arg)
{
	(void)err; /* the far side's own timer ends the call */
	(void)msg;
	(void)arg;
}

static void ack(struct gw_fork *fork)
{
	struct gw_session *s = fork->session;

	(void)sip_drequestf(&fork->ack_req, s->sip, false, "ACK", fork->dlg,
			    s->invite_cseq, s->auth, ack_leaves, ack_failed,
			    fork, "Content-Length: 0\r\n\r\n");
}

static void ack_again(struct gw_fork *fork)
{
	if (!fork->ack)
		return;

	fork->ack->pos = 0;
	(void)sip_send(fork->session->sip, NULL, fork->ack_tp, &fork->ack_dst,
		       fork->ack);
}

/* BYE --------------------------------------------------------------------- */

static void bye_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_fork *fork = arg;
	struct gw_session *s = fork->session;

	if (!err && msg && msg->scode < 200)
		return;

	if (!err && msg && is_challenge(msg) && !take_challenge(s, msg)) {
		bye(fork);
		return;
	}

	/* into a TCP connection that was dead without our knowing: libre has
	 * noticed meanwhile and makes another one */
	if (err == ETIMEDOUT && s->tp != SIP_TRANSP_UDP && !fork->bye_again) {
		fork->bye_again = true;
		bye(fork);
		return;
	}

	if (fork == s->won && s->state == GW_SESSION_ENDING)
		gw_session_over(s, 0);
}

static void bye(struct gw_fork *fork)
{
	struct gw_session *s = fork->session;
	int err;

	err = sip_drequestf(&fork->bye, s->sip, true, "BYE", fork->dlg, 0,
			    s->auth, NULL, bye_answered, fork,
			    "%sContent-Length: 0\r\n\r\n",
			    s->reason ? s->reason : "");
	if (err && fork == s->won && s->state == GW_SESSION_ENDING)
		gw_session_over(s, err);
}

/* PRACK ------------------------------------------------------------------- */

static void prack(struct gw_fork *fork);

static void prack_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_fork *fork = arg;

	if (!err && msg && is_challenge(msg) &&
	    !take_challenge(fork->session, msg))
		prack(fork);
}

static void prack(struct gw_fork *fork)
{
	struct gw_session *s = fork->session;

	/* one that still waits for its 200 goes on alone */
	fork->prack = mem_deref(fork->prack);
	(void)sip_drequestf(&fork->prack, s->sip, true, "PRACK", fork->dlg, 0,
			    s->auth, NULL, prack_answered, fork,
			    "RAck: %u %u INVITE\r\n"
			    "Content-Length: 0\r\n\r\n",
			    fork->rseq, s->invite_cseq);
}

/* RFC 3262 4. False: a repetition or out of order, not for anybody's ears. */
static bool acknowledge_reliable(struct gw_session *s,
				 const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);
	struct gw_fork *fork;
	uint32_t rseq;

	if (!hdr || !sip_msg_hdr_has_value(msg, SIP_HDR_REQUIRE, "100rel"))
		return true;

	rseq = pl_u32(&hdr->val);
	fork = gw_session_find_fork(s, msg);
	if (fork && fork->rseq && rseq != fork->rseq + 1)
		return false;

	if (!rseq || (!fork && add_fork(&fork, s, msg)))
		return true;

	fork->rseq = rseq;
	prack(fork);
	return true;
}

/* CANCEL ------------------------------------------------------------------ */

/* RFC 3261 9.1: all of it as in the INVITE, Via and its branch included. */
static int write_cancel(struct gw_session *s)
{
	const char *agent = gw_stack_user_agent(s->stack);

	s->cancel = mbuf_alloc(512);
	if (!s->cancel)
		return ENOMEM;

	return mbuf_printf(s->cancel,
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

static void send_cancel(struct gw_session *s)
{
	if (s->cancel)
		return;

	if (write_cancel(s)) {
		/* no memory for the Reason: libre's own CANCEL then */
		sip_request_cancel(s->invite);
		return;
	}

	s->cancel_began = tmr_jiffies();
	cancel_timer(s);
}

/* INVITE ------------------------------------------------------------------ */

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
	(void)pl_strcpy(&msg->from.tag, s->ltag, sizeof(s->ltag));

	if (s->state == GW_SESSION_CANCELING) {
		send_cancel(s);
		return;
	}

	if (acknowledge_reliable(s, msg) && s->h)
		s->h->progress(msg, s->arg);
}

static void accepted(struct gw_session *s, const struct sip_msg *msg)
{
	bool unwanted = s->state == GW_SESSION_CANCELING;
	int err;

	remember(s, msg);

	err = confirm_fork(&s->won, s, msg);
	if (err) {
		gw_session_refuse_2xx(s, msg);
		gw_session_over(s, err);
		return;
	}

	s->facts.answered = true;
	ack(s->won);
	drop_invite(s);

	if (unwanted) {
		/* RFC 3261 15: the only way out of a 2xx that crossed CANCEL */
		s->state = GW_SESSION_ENDING;
		bye(s->won);
		return;
	}

	s->state = GW_SESSION_UP;
	if (s->h)
		s->h->answered(msg, s->arg);

	if (s->hung_early && s->state == GW_SESSION_UP) {
		s->facts.hung_up = true;
		gw_session_over(s, 0);
	}
}

static void refused(struct gw_session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr;
	struct sip_addr addr;
	struct pl seconds;

	remember(s, msg);

	if (is_challenge(msg) && s->state == GW_SESSION_CALLING &&
	    !take_challenge(s, msg) && !send_invite(s))
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
			     s->auth, invite_leaves, invite_answered, s, "%b",
			     s->tail->buf, s->tail->end);
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
			  "Supported: 100rel\r\n"
			  "%b"
			  "Content-Type: application/sdp\r\n"
			  "Content-Length: %zu\r\n\r\n"
			  "%b",
			  gw_stack_allow, headers ? headers->buf : NULL,
			  headers ? headers->end : (size_t)0, offer->end,
			  offer->buf, offer->end);
	if (err)
		return err;

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

	if (fork && (fork == s->won || fork->bye || fork->ack)) {
		ack_again(fork);
		return;
	}

	/* another phone has answered too (RFC 3261 13.2.2.4) */
	if (confirm_fork(&fork, s, msg)) {
		gw_session_refuse_2xx(s, msg);
		return;
	}

	ack(fork);
	bye(fork);
}

static bool stray_response(struct gw_session *s, const struct sip_msg *msg)
{
	if (0 == pl_strcmp(&msg->cseq.met, "CANCEL")) {
		if (msg->scode >= 200)
			s->cancel_answered = true;
		return true;
	}

	if (!s->facts.answered || !is_ours(s, msg) || msg->scode < 200 ||
	    msg->scode > 299)
		return false;

	stray_2xx(s, msg);
	return true;
}

static bool message_handler(const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;
	bool done;

	mem_ref(s);
	done = msg->req ? gw_session_far_request(s, msg) :
			  stray_response(s, msg);
	mem_deref(s);

	return done;
}

/* Beginning and end ------------------------------------------------------- */

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
	if (!s->reason)
		(void)gw_session_reason_line(&s->reason, q850, text);

	switch (s->state) {
	case GW_SESSION_CALLING:
		s->state = GW_SESSION_CANCELING;
		if (s->facts.provisional)
			send_cancel(s);
		break;

	case GW_SESSION_UP:
		s->state = GW_SESSION_ENDING;
		bye(s->won);
		break;

	case GW_SESSION_OVER:
		finish(s);
		break;

	default:
		mem_deref(s);
		break;
	}
}
