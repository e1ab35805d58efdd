/* sip/session_print.c - dialogs as text, and requests made of text.
 *
 * A dialog is kept in the store as the header of the BYE that would end it. The
 * ACK of its 2xx has all of that: target, route set, tags, Call-ID, and a CSeq
 * that is certainly used up. */
#include "sip/session_impl.h"

enum {
	CSEQ_GAP = 1000, /* requests that the dead process may have sent */
	TRIES_MAX = 3,
};

/* A request by its words. */
struct words {
	const char *method;
	struct pl uri;
	struct pl to, from, call_id;
	uint32_t cseq;
	struct mbuf *routes;   /* header lines; may be empty */
	struct pl first_route; /* a URI in it; unset: none */
	const char *reason;    /* header line, or NULL */
};

static bool write_route(const struct sip_hdr *hdr, const struct sip_msg *msg,
			void *arg)
{
	(void)msg;
	return 0 != mbuf_printf(arg, "Route: %r\r\n", &hdr->val);
}

static int send_words(struct sip_request **reqp, struct sip *sip,
		      const struct words *words, const char *agent,
		      struct sip_auth *auth, sip_resp_h *resph, void *arg)
{
	bool stateful = 0 != strcmp(words->method, "ACK");
	struct uri route;
	char *uri;
	int err;

	err = uri_decode(&route, pl_isset(&words->first_route) ?
					 &words->first_route :
					 &words->uri);
	if (err)
		return err;

	err = pl_strdup(&uri, &words->uri);
	if (err)
		return err;

	err = sip_requestf(reqp, sip, stateful, words->method, uri, &route,
			   auth, NULL, resph, arg,
			   "%b"
			   "To: %r\r\n"
			   "From: %r\r\n"
			   "Call-ID: %r\r\n"
			   "CSeq: %u %s\r\n"
			   "%s%s%s%s"
			   "Content-Length: 0\r\n\r\n",
			   words->routes->buf, words->routes->end, &words->to,
			   &words->from, &words->call_id, words->cseq,
			   words->method, words->reason ? words->reason : "",
			   agent ? "User-Agent: " : "", agent ? agent : "",
			   agent ? "\r\n" : "");
	mem_deref(uri);
	return err;
}

static int read_routes(struct words *words, const struct sip_msg *msg,
		       bool forward, enum sip_hdrid id)
{
	const struct sip_hdr *first;
	struct sip_addr addr;

	words->routes = mbuf_alloc(64);
	if (!words->routes)
		return ENOMEM;

	if (sip_msg_hdr_apply(msg, forward, id, write_route, words->routes))
		return ENOMEM;

	first = sip_msg_hdr_apply(msg, forward, id, NULL, NULL);
	if (first && !sip_addr_decode(&addr, &first->val))
		words->first_route = addr.auri;

	return 0;
}

/* The BYE that would end the dialog of words, which are its ACK's. */
static int print_bye(struct mbuf *mb, const struct words *words)
{
	return mbuf_printf(mb,
			   "BYE %r SIP/2.0\r\n"
			   "%b"
			   "To: %r\r\n"
			   "From: %r\r\n"
			   "Call-ID: %r\r\n"
			   "CSeq: %u BYE\r\n\r\n",
			   &words->uri, words->routes->buf, words->routes->end,
			   &words->to, &words->from, &words->call_id,
			   words->cseq + CSEQ_GAP);
}

/* 2xx without a usable Contact: where the INVITE went is the best guess. */
void gw_session_refuse_2xx(struct gw_session *s, const struct sip_msg *msg)
{
	const char *agent = gw_stack_user_agent(s->stack);
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct words words = { .method = "ACK", .cseq = s->invite_cseq };
	struct sip_addr addr;
	char target[64];

	if (contact && !sip_addr_decode(&addr, &contact->val)) {
		words.uri = addr.auri;
	} else {
		(void)re_snprintf(target, sizeof(target), "sip:%J%s", &s->dst,
				  sip_transp_param(s->tp));
		pl_set_str(&words.uri, target);
	}

	words.to = msg->to.val;
	words.from = msg->from.val;
	words.call_id = msg->callid;

	/* of a response the route set is the reverse of Record-Route */
	if (read_routes(&words, msg, false, SIP_HDR_RECORD_ROUTE))
		goto out;

	(void)send_words(NULL, s->sip, &words, agent, NULL, NULL, NULL);

	words.method = "BYE";
	words.cseq = sip_dialog_lseq(s->half);
	words.reason = "Reason: Q.850;cause=111;text=\"bad answer\"\r\n";
	(void)send_words(NULL, s->sip, &words, agent, NULL, NULL, NULL);

out:
	mem_deref(words.routes);
}

/* The target, tags and routes of the dialog that a response has made. words->uri
 * is a part of *addrp. */
static int read_dialog(struct words *words, struct sip_addr *addrp,
		       const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);

	/* without Contact nobody can be told anything */
	if (!contact || !pl_isset(&msg->to.tag) ||
	    sip_addr_decode(addrp, &contact->val))
		return ENOENT;
	words->uri = addrp->auri;
	words->to = msg->to.val;
	words->from = msg->from.val;
	words->call_id = msg->callid;
	words->cseq = msg->cseq.num;
	return read_routes(words, msg, false, SIP_HDR_RECORD_ROUTE);
}

int gw_session_print_early(struct mbuf *mb, const struct sip_msg *msg)
{
	struct words words = { .routes = NULL };
	struct sip_addr addr;
	int err = read_dialog(&words, &addr, msg);

	err = err ? err : print_bye(mb, &words);
	mem_deref(words.routes);
	return err;
}

/* The 2xx to an INVITE of another process. */
void gw_session_end_2xx(struct gw_stack *stack, struct sip *sip,
			struct gw_line *line, const struct sip_msg *msg,
			bool bye_too)
{
	const char *agent = gw_stack_user_agent(stack);
	const struct gw_line_way way = { .stack = stack, .sip = sip };
	struct words words = { .method = "ACK" };
	struct sip_addr addr;
	struct mbuf *mb = mbuf_alloc(512);

	if (!mb || read_dialog(&words, &addr, msg))
		goto out;
	(void)send_words(NULL, sip, &words, agent, NULL, NULL, NULL);

	if (bye_too && !print_bye(mb, &words) && !mbuf_write_u8(mb, 0))
		(void)gw_session_bye_printed(line, &way, (const char *)mb->buf,
					     41, "server restart");
out:
	mem_deref(words.routes);
	mem_deref(mb);
}

/* Print ------------------------------------------------------------------- */

static int read_ack(struct sip_msg **ackp, const struct gw_session *s)
{
	const struct gw_fork *won = s ? s->won : NULL;

	if (!won || !won->acks[GW_ACK_INVITE].mb || s->state != GW_SESSION_UP)
		return ENOENT;

	won->acks[GW_ACK_INVITE].mb->pos = 0;
	return sip_msg_decode(ackp, won->acks[GW_ACK_INVITE].mb);
}

int gw_session_print(struct mbuf *mb, struct gw_session *session)
{
	struct sip_msg *ack = NULL;
	struct words words = { .routes = NULL };
	int err;

	if (session && session->state == GW_SESSION_CALLING)
		return gw_session_print_cancel(mb, session);

	err = read_ack(&ack, session);
	if (err)
		return err;

	err = read_routes(&words, ack, true, SIP_HDR_ROUTE);
	if (err)
		goto out;

	words.uri = ack->ruri;
	words.to = ack->to.val;
	words.from = ack->from.val;
	words.call_id = ack->callid;
	words.cseq = ack->cseq.num;
	err = print_bye(mb, &words);

out:
	mem_deref(words.routes);
	mem_deref(ack);
	return err;
}

/* BYE of another process -------------------------------------------------- */

/* Lives until the BYE is answered: it belongs to the request. */
struct farewell {
	struct sip *sip;
	struct gw_line *line;
	struct sip_auth *auth;
	struct sip_request *req;
	struct sip_msg *msg; /* the printed dialog */
	struct words words;
	char *reason;
	char *agent;
	unsigned tries;
};

static void farewell_destructor(void *arg)
{
	struct farewell *f = arg;

	mem_deref(f->req);
	mem_deref(f->auth);
	mem_deref(f->words.routes);
	mem_deref(f->msg);
	mem_deref(f->reason);
	mem_deref(f->agent);
	mem_deref(f->line);
	mem_deref(f->sip);
}

static int farewell_credentials(char **userp, char **passp, const char *realm,
				void *arg)
{
	const struct farewell *f = arg;

	return f->line ? gw_line_credentials(f->line, userp, passp, realm) :
			 ENOENT;
}

static void farewell_answered(int err, const struct sip_msg *msg, void *arg);

static int farewell_send(struct farewell *f)
{
	return send_words(&f->req, f->sip, &f->words, f->agent, f->auth,
			  farewell_answered, f);
}

static void farewell_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct farewell *f = arg;

	if (!err && msg && msg->scode < 200)
		return;

	if (!err && msg && (msg->scode == 401 || msg->scode == 407) &&
	    ++f->tries < TRIES_MAX && !sip_auth_authenticate(f->auth, msg)) {
		++f->words.cseq;
		if (!farewell_send(f))
			return;
	}

	mem_deref(f);
}

static int read_printed(struct farewell *f, const char *text)
{
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(str_len(text) + 1);
	if (!mb)
		return ENOMEM;

	err = mbuf_write_str(mb, text);
	mb->pos = 0;
	if (!err)
		err = sip_msg_decode(&f->msg, mb);
	mem_deref(mb);
	if (err == ENODATA)
		return EBADMSG;
	if (err)
		return err;

	if (!f->msg->req || !pl_isset(&f->msg->to.tag) ||
	    !pl_isset(&f->msg->from.tag) || !pl_isset(&f->msg->callid) ||
	    !f->msg->cseq.num)
		return EBADMSG;

	f->words.method = "BYE";
	f->words.uri = f->msg->ruri;
	f->words.to = f->msg->to.val;
	f->words.from = f->msg->from.val;
	f->words.call_id = f->msg->callid;
	f->words.cseq = f->msg->cseq.num;

	return read_routes(&f->words, f->msg, true, SIP_HDR_ROUTE);
}

int gw_session_bye_printed(struct gw_line *line, const struct gw_line_way *way,
			   const char *text, uint16_t q850, const char *why)
{
	const char *agent = gw_stack_user_agent(way->stack);
	struct farewell *f;
	int err;

	f = mem_zalloc(sizeof(*f), farewell_destructor);
	if (!f)
		return ENOMEM;

	f->sip = mem_ref(way->sip);
	f->line = mem_ref(line);

	err = read_printed(f, text);
	if (err)
		goto out;

	err = gw_session_reason_line(&f->reason, q850, why);
	if (err)
		goto out;
	f->words.reason = f->reason;

	if (agent) {
		err = str_dup(&f->agent, agent);
		if (err)
			goto out;
	}

	err = sip_auth_alloc(&f->auth, farewell_credentials, f, false);
	if (err)
		goto out;

	err = farewell_send(f);

out:
	if (err)
		mem_deref(f);
	return err;
}
