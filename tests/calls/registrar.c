/* The registrar of registrar.h. It lives on a gw_stack of its own. */
#include "tests/calls/registrar.h"

static bool note_contact(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct registrar *r = arg;
	size_t used = strlen(r->contacts);
	(void)msg;

	(void)re_snprintf(r->contacts + used, sizeof(r->contacts) - used,
			  "%s%r", used ? ", " : "", &hdr->val);
	return false;
}

static void note_header(char *to, size_t size, const struct sip_msg *msg,
			enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);

	to[0] = '\0';
	if (hdr)
		(void)pl_strcpy(&hdr->val, to, size);
}

static void note_credentials(struct registrar *r, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_AUTHORIZATION);
	struct httpauth_digest_resp resp;

	r->nonce[0] = '\0';
	if (!hdr || httpauth_digest_response_decode(&resp, &hdr->val))
		return;

	++r->authorised;
	(void)pl_strcpy(&resp.nonce, r->nonce, sizeof(r->nonce));
	r->nc = pl_x32(&resp.nc);
}

static void note(struct registrar *r, const struct sip_msg *msg)
{
	const struct sip_hdr *contact = sip_msg_hdr(msg, SIP_HDR_CONTACT);
	struct sip_addr addr;
	struct pl expires;

	++r->registers;
	r->tp = msg->tp;
	r->cseq = msg->cseq.num;
	r->sock = msg->tp == SIP_TRANSP_UDP ? msg->sock : NULL;
	r->expires = 0;
	r->contacts[0] = '\0';
	(void)pl_strcpy(&msg->ruri, r->uri, sizeof(r->uri));
	(void)pl_strcpy(&msg->callid, r->call_id, sizeof(r->call_id));
	(void)pl_strcpy(&msg->via.sentby, r->via_host, sizeof(r->via_host));
	note_header(r->route, sizeof(r->route), msg, SIP_HDR_ROUTE);
	(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT, note_contact, r);
	if (contact && !sip_addr_decode(&addr, &contact->val) &&
	    !msg_param_decode(&addr.params, "expires", &expires))
		r->expires = pl_u32(&expires);
	note_credentials(r, msg);
}

/* By hand, because Via is to say what never was. */
static void reply_seen_as(struct registrar *r, const struct sip_msg *msg,
			  const struct reply *reply)
{
	OWNED struct mbuf *mb = mbuf_alloc(512);
	struct sa seen;

	if (!mb || sa_decode(&seen, reply->seen_as, strlen(reply->seen_as)))
		return;

	(void)mbuf_printf(mb,
			  "SIP/2.0 %u Whatever\r\n"
			  "Via: SIP/2.0/UDP %r;branch=%r;received=%j;"
			  "rport=%u\r\n"
			  "To: %r;tag=x\r\nFrom: %r\r\nCall-ID: %r\r\n"
			  "CSeq: %u REGISTER\r\n%s"
			  "Content-Length: 0\r\n\r\n",
			  reply->code, &msg->via.sentby, &msg->via.branch,
			  &seen, sa_port(&seen), &msg->to.val, &msg->from.val,
			  &msg->callid, msg->cseq.num,
			  reply->headers ? reply->headers : "");
	mb->pos = 0;
	(void)sip_send(r->sip, msg->sock, msg->tp, &msg->src, mb);
}

static void reply_to(struct registrar *r, const struct sip_msg *msg)
{
	const struct reply *reply = &r->script[r->replied];

	if (reply->unless_authorised && !r->nonce[0]) {
		(void)sip_replyf(r->sip, msg, 401, "Unauthorized",
				 "%sContent-Length: 0\r\n\r\n",
				 reply->unless_authorised);
		return;
	}

	if (r->replied + 1 < r->reply_count)
		++r->replied;

	if (reply->code && reply->seen_as)
		reply_seen_as(r, msg, reply);
	else if (reply->code)
		(void)sip_replyf(r->sip, msg, reply->code, "Whatever",
				 "%sServer: scripted\r\n"
				 "Content-Length: 0\r\n\r\n",
				 reply->headers ? reply->headers : "");
}

static bool requested(struct sip *sip, const struct sip_msg *msg, void *arg)
{
	struct registrar *r = arg;
	(void)sip;

	if (!pl_strcmp(&msg->met, "OPTIONS")) {
		++r->options;
		return r->is_deaf;
	}
	if (pl_strcmp(&msg->met, "REGISTER"))
		return false;

	/* repetitions of one that is being ignored are the same request */
	if (r->registers && r->cseq == msg->cseq.num &&
	    !pl_strcmp(&msg->callid, r->call_id))
		return true;

	note(r, msg);
	if (!r->is_deaf)
		reply_to(r, msg);
	return true;
}

static void registrar_close(void *arg)
{
	struct registrar *r = arg;

	r->stack = mem_deref(r->stack);
}

int registrar_open(struct registrar *r, const char *address,
		   enum gw_transport transport)
{
	const struct gw_stack_listen at = { transport, address, 0 };
	const struct gw_stack_cfg cfg = { .listen = &at,
					  .listen_count = 1,
					  .user_agent = NULL,
					  .requesth = requested,
					  .arg = r };
	struct sa anybody;
	int err;

	err = gw_stack_alloc(&r->stack, &cfg);
	if (err)
		return err;

	test_later(registrar_close, r);
	err = sa_set_str(&anybody, address, 5060);
	return err ? err :
		     gw_stack_sip(&r->sip, &r->addr, r->stack, transport,
				  &anybody);
}

int registrar_hang_up(struct registrar *r)
{
	sip_transp_flush(r->sip);
	return sip_transp_add(r->sip, r->tp, &r->addr, NULL);
}
