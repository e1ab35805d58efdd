/* The phone of phone.h: reads with libre's decoder, writes by hand. */
#include <string.h>

#include "tests/calls/phone.h"

static void receive(struct phone *p, struct mbuf *mb);

static void send_mb(struct phone *p, struct mbuf *mb)
{
	mb->pos = 0;
	if (p->tc)
		(void)tcp_send(p->tc, mb);
	else if (p->us)
		(void)udp_send(p->us, &p->peer, mb);
}

void phone_sends_text(struct phone *p, const char *text)
{
	struct mbuf *mb = mbuf_alloc(1024);

	if (mb && !mbuf_write_str(mb, text))
		send_mb(p, mb);
	mem_deref(mb);
}

static void respond(struct phone *p, const struct sip_msg *req,
		    const struct answer *a)
{
	struct mbuf *mb = mbuf_alloc(1024);
	const char *tag = a->tag ? a->tag : p->tag;
	const bool has_tag = pl_isset(&req->to.tag) || a->code == 100;
	const size_t sdp_len = str_len(a->sdp);
	int err;

	if (!mb)
		return;

	err = mbuf_printf(mb, "SIP/2.0 %u %s\r\nVia: %r\r\n", a->code,
			  a->reason ? a->reason : "Whatever", &req->via.val);
	if (a->from)
		err |= mbuf_printf(mb, "From: %s\r\n", a->from);
	else
		err |= mbuf_printf(mb, "From: %r\r\n", &req->from.val);
	err |= mbuf_printf(mb, "To: %r%s%s\r\nCall-ID: %r\r\n", &req->to.val,
			   has_tag ? "" : ";tag=", has_tag ? "" : tag,
			   &req->callid);
	err |= mbuf_printf(mb, "CSeq: %u %r\r\n",
			   a->cseq ? a->cseq : req->cseq.num, &req->cseq.met);
	if (a->contact)
		err |= mbuf_write_str(mb, a->contact);
	else
		err |= mbuf_printf(mb, "Contact: <%s>\r\n", p->uri);
	if (a->headers)
		err |= mbuf_write_str(mb, a->headers);
	if (sdp_len)
		err |= mbuf_write_str(mb, "Content-Type: application/sdp\r\n");
	err |= mbuf_printf(mb, "Content-Length: %zu\r\n\r\n%s", sdp_len,
			   a->sdp ? a->sdp : "");
	if (!err)
		send_mb(p, mb);
	mem_deref(mb);
}

void phone_answer(struct phone *p, const struct answer *answer)
{
	if (p->invite && answer->code)
		respond(p, p->invite, answer);
}

static void start_request(struct mbuf *mb, struct phone *p, const char *method,
			  uint32_t cseq)
{
	const struct sip_hdr *contact = sip_msg_hdr(p->invite, SIP_HDR_CONTACT);
	const bool tagged = pl_isset(&p->invite->to.tag); /* a re-INVITE */
	struct sip_addr addr;

	if (!contact || sip_addr_decode(&addr, &contact->val))
		return;

	(void)mbuf_printf(mb,
			  "%s %r SIP/2.0\r\n"
			  "Via: SIP/2.0/%s %J;branch=z9hG4bK%08x;rport\r\n"
			  "Max-Forwards: 70\r\n"
			  "From: %r%s%s\r\n"
			  "To: %r\r\n"
			  "Call-ID: %r\r\n"
			  "CSeq: %u %s\r\n"
			  "Contact: <%s>\r\n",
			  method, &addr.auri, p->tc ? "TCP" : "UDP", &p->addr,
			  ++p->branch, &p->invite->to.val,
			  tagged ? "" : ";tag=", tagged ? "" : p->tag,
			  &p->invite->from.val, &p->invite->callid, cseq,
			  method, p->uri);
}

static void end_request(struct mbuf *mb, struct phone *p, const char *more,
			const char *ctype, const char *body)
{
	if (more)
		(void)mbuf_write_str(mb, more);
	if (body)
		(void)mbuf_printf(mb, "Content-Type: %s\r\n", ctype);
	(void)mbuf_printf(mb, "Content-Length: %zu\r\n\r\n%s", str_len(body),
			  body ? body : "");
	send_mb(p, mb);
}

void phone_request(struct phone *p, const char *method, const char *more,
		   const char *ctype, const char *body)
{
	struct mbuf *mb = mbuf_alloc(1024);

	if (mb && p->invite) {
		start_request(mb, p, method, ++p->cseq);
		end_request(mb, p, more, ctype, body);
	}
	mem_deref(mb);
}

static void ack_200(struct phone *p, uint32_t cseq)
{
	struct mbuf *mb = mbuf_alloc(1024);

	if (mb) {
		start_request(mb, p, "ACK", cseq);
		end_request(mb, p, NULL, "application/sdp", p->ack_sdp);
	}
	mem_deref(mb);
}

const char *phone_header(const struct sip_msg *msg, const char *name)
{
	static char text[512];
	const struct sip_hdr *hdr = msg ? sip_msg_xhdr(msg, name) : NULL;

	text[0] = '\0';
	if (hdr)
		(void)pl_strcpy(&hdr->val, text, sizeof(text));
	return text;
}

/* What it does with a request --------------------------------------------- */

static void note(struct phone *p, const char *fmt, ...)
{
	const size_t used = strlen(p->log);
	va_list ap;

	if (used && used + 1 < sizeof(p->log))
		p->log[used] = ' ';
	va_start(ap, fmt);
	(void)re_vsnprintf(p->log + used + (used ? 1 : 0),
			   sizeof(p->log) - used - 1, fmt, ap);
	va_end(ap);
}

static bool same(const struct sip_msg *a, const struct sip_msg *b)
{
	return a && 0 == pl_cmp(&a->via.branch, &b->via.branch) &&
	       0 == pl_cmp(&a->met, &b->met);
}

static void keep(struct sip_msg **msgp, struct sip_msg *msg)
{
	mem_deref(*msgp);
	*msgp = mem_ref(msg);
}

static void on_invite(struct phone *p, struct sip_msg *msg)
{
	const bool authorised = sip_msg_hdr(msg, SIP_HDR_AUTHORIZATION) ||
				sip_msg_hdr(msg, SIP_HDR_PROXY_AUTHORIZATION);

	++p->invites;
	p->authorised += authorised;
	keep(&p->invite, msg);
	if (!p->first)
		p->first = mem_ref(msg);

	if (p->challenges) {
		--p->challenges;
		respond(p, msg,
			&(struct answer){ .code = p->challenge_code,
					  .tag = "challenge",
					  .headers = p->challenge });
		return;
	}

	if (p->refuses_reinvite && pl_isset(&msg->to.tag)) {
		phone_answer(p, &(struct answer){ .code = 488 });
		return;
	}

	if (p->sends_on) {
		char contact[96];

		(void)re_snprintf(contact, sizeof(contact),
				  "Contact: <sip:%u@%J>\r\n", p->invites,
				  &p->addr);
		phone_answer(p, &(struct answer){ .code = 302,
						  .contact = contact });
	}
	for (size_t i = 0; i < p->script_count; i++)
		phone_answer(p, &p->script[i]);
}

static void on_cancel(struct phone *p, struct sip_msg *msg)
{
	++p->cancels;
	keep(&p->cancel, msg);
	if (p->ignores_cancel)
		return;

	if (p->answers_at_cancel)
		phone_answer(p,
			     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	respond(p, msg, &(struct answer){ .code = 200 });
	if (!p->answers_at_cancel)
		phone_answer(p, &(struct answer){ .code = 487 });
}

static void on_bye(struct phone *p, struct sip_msg *msg)
{
	++p->byes;
	keep(&p->bye, msg);
	if (!p->ignores_bye)
		respond(p, msg,
			&(struct answer){ .code = p->bye_code ? p->bye_code :
								200 });
}

static void note_digit(struct phone *p, const struct sip_msg *msg)
{
	const size_t used = strlen(p->infos);
	struct pl digit;

	if (0 == pl_strcmp(&msg->met, "INFO") && used + 1 < sizeof(p->infos) &&
	    0 == re_regex((const char *)mbuf_buf(msg->mb),
			  mbuf_get_left(msg->mb), "Signal=[0-9*#A-D]1", &digit))
		p->infos[used] = *digit.p;
}

static void on_request(struct phone *p, struct sip_msg *msg)
{
	const bool repeated = same(p->invite, msg) || same(p->bye, msg) ||
			      same(p->cancel, msg) || same(p->prack, msg) ||
			      same(p->other, msg);

	const bool is_refer = 0 == pl_strcmp(&msg->met, "REFER");

	note(p, "%r%s", &msg->met, repeated ? "+" : "");
	if (p->is_deaf || (repeated && pl_strcmp(&msg->met, "ACK")))
		return;

	if (0 == pl_strcmp(&msg->met, "INVITE")) {
		on_invite(p, msg);
	} else if (0 == pl_strcmp(&msg->met, "ACK")) {
		++p->acks;
		keep(&p->ack, msg);
	} else if (0 == pl_strcmp(&msg->met, "CANCEL")) {
		on_cancel(p, msg);
	} else if (0 == pl_strcmp(&msg->met, "BYE")) {
		on_bye(p, msg);
	} else {
		if (0 == pl_strcmp(&msg->met, "PRACK")) {
			++p->pracks;
			keep(&p->prack, msg);
		}
		note_digit(p, msg);
		keep(&p->other, msg);
		respond(p, msg,
			&(struct answer){ .code = p->other_code ?
							  p->other_code :
						  is_refer ? 202 :
							     200,
					  .headers = p->other_headers });
	}
}

static void on_response(struct phone *p, struct sip_msg *msg)
{
	note(p, "%u:%r", msg->scode, &msg->cseq.met);
	keep(&p->response, msg);
	if (0 == pl_strcmp(&msg->cseq.met, "INVITE") && msg->scode >= 200 &&
	    msg->scode < 300 && !p->holds_ack_back)
		ack_200(p, msg->cseq.num);
}

static void receive(struct phone *p, struct mbuf *mb)
{
	struct sip_msg *msg;

	while (mbuf_get_left(mb) > 4) {
		struct mbuf *copy = mbuf_alloc(mbuf_get_left(mb));
		size_t len;

		if (!copy)
			return;
		(void)mbuf_write_mem(copy, mbuf_buf(mb), mbuf_get_left(mb));
		copy->pos = 0;
		if (sip_msg_decode(&msg, copy)) {
			mem_deref(copy);
			return;
		}

		len = copy->pos + pl_u32(&msg->clen);
		if (len > mbuf_get_left(mb))
			len = mbuf_get_left(mb);
		if (msg->req)
			on_request(p, msg);
		else
			on_response(p, msg);
		mem_deref(msg);
		mem_deref(copy);
		mb->pos += len;
	}
}

static void udp_received(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct phone *p = arg;

	p->peer = *src;
	receive(p, mb);
}

static void tcp_received(struct mbuf *mb, void *arg)
{
	receive(arg, mb);
}

static void tcp_closed(int err, void *arg)
{
	struct phone *p = arg;
	(void)err;

	p->tc = mem_deref(p->tc);
}

static void tcp_connected(const struct sa *peer, void *arg)
{
	struct phone *p = arg;
	(void)peer;

	mem_deref(p->tc);
	p->tc = NULL;
	(void)tcp_accept(&p->tc, p->ts, NULL, tcp_received, tcp_closed, p);
}

int phone_open(struct phone *p, enum sip_transp tp)
{
	struct sa any;
	int err;

	memset(p, 0, sizeof(*p));
	str_ncpy(p->tag, "phone", sizeof(p->tag));
	err = sa_set_str(&any, "127.0.0.1", 0);
	if (err)
		return err;

	if (tp == SIP_TRANSP_TCP) {
		err = tcp_listen(&p->ts, &any, tcp_connected, p);
		if (!err)
			err = tcp_sock_local_get(p->ts, &p->addr);
	} else {
		err = udp_listen(&p->us, &any, udp_received, p);
		if (!err)
			err = udp_local_get(p->us, &p->addr);
	}

	(void)re_snprintf(p->uri, sizeof(p->uri), "sip:853@%J%s", &p->addr,
			  sip_transp_param(tp));
	return err;
}

void phone_close(struct phone *p)
{
	p->us = mem_deref(p->us);
	p->tc = mem_deref(p->tc);
	p->ts = mem_deref(p->ts);
	p->first = mem_deref(p->first);
	p->invite = mem_deref(p->invite);
	p->ack = mem_deref(p->ack);
	p->cancel = mem_deref(p->cancel);
	p->bye = mem_deref(p->bye);
	p->prack = mem_deref(p->prack);
	p->other = mem_deref(p->other);
	p->response = mem_deref(p->response);
}
