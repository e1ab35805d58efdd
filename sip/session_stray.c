/* sip/session_stray.c - INVITEs that an earlier process has sent.
 *
 * Nothing of them has to be on disk: their Via carries a mark, which comes back in
 * each answer (RFC 3261 8.2.6.2), and the next process knows it for its own. Who
 * answers such an INVITE gets ACK and BYE at once. Of those that ring there is a
 * CANCEL on disk: it is the INVITE's own words, so it is sent as it stands. Whose
 * ringing was not on disk in time is told CANCEL when he says so again, and stops by
 * himself when the INVITE's Expires is over.
 *
 *   INVITE  Via: ...;branch=z9hG4bK...;own=HMAC(secret, Call-ID)
 *      180  Via: the same      unknown to us, but marked: CANCEL
 *      200  Via: the same      marked: ACK, BYE
 *      4xx  Via: the same      marked: ACK */
#include "sip/session_impl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum {
	MARK = 16, /* hex digits */
	SEEN = 64,
	CANCELS = 4,
	EARLY_FEW = 512,
	EARLY_MAX = 2048, /* of texts: some phones */
};

#define TRANSPORTS ((int)SIP_TRANSP_TLS + 1)

static const char hop_header[] = "X-Hop: ";
static const char *const transports[TRANSPORTS] = {
	[SIP_TRANSP_UDP] = "udp",
	[SIP_TRANSP_TCP] = "tcp",
	[SIP_TRANSP_TLS] = "tls",
};

/* The mark ------------------------------------------------------------------ */

/* False: this stack has no secret, or no memory. */
static bool make_mark(char mark[MARK + 1], struct gw_stack *stack,
		      const struct pl *call_id)
{
	const uint8_t *secret = gw_stack_secret(stack);
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!secret || !HMAC(EVP_sha256(), secret, GW_STACK_SECRET,
			     (const uint8_t *)call_id->p, call_id->l, mac, &n))
		return false;
	(void)re_snprintf(mark, MARK + 1, "%w", mac, (size_t)MARK / 2);
	return true;
}

/* mb ends with the Via that libre has just written. */
int gw_session_write_mark(struct mbuf *mb, const struct gw_session *s)
{
	const size_t at = mb->end - strlen("\r\n");
	char mark[MARK + 1];
	struct pl call_id;

	pl_set_str(&call_id, gw_session_call_id(s));
	if (!make_mark(mark, s->stack, &call_id))
		return 0;
	mb->pos = at;
	return mbuf_printf(mb, ";own=%s\r\n", mark);
}

static bool is_marked(struct gw_stack *stack, const struct sip_msg *msg)
{
	char mark[MARK + 1];
	struct pl own;

	return make_mark(mark, stack, &msg->callid) &&
	       !msg_param_decode(&msg->via.params, "own", &own) &&
	       own.l == MARK && !CRYPTO_memcmp(own.p, mark, MARK);
}

/* Answers ------------------------------------------------------------------- */

/* A 2xx comes again until its ACK has arrived, and gets one BYE; whatever rings
 * for an INVITE gets one CANCEL (tag is NULL). */
static bool is_new(const struct sip_msg *msg, const struct pl *tag)
{
	static uint32_t seen[SEEN];
	static size_t next;
	const uint32_t hash = hash_joaat_pl(&msg->callid) ^
			      (tag ? hash_joaat_pl(tag) : msg->cseq.num);

	for (size_t i = 0; i < SEEN; i++)
		if (seen[i] == hash)
			return false;
	seen[next++ % SEEN] = hash;
	return true;
}

/* All of it as in the INVITE, as its answer tells. The request line is not known any
 * more; who is told by the branch doesn't look. */
static int print_hop_by_hop(struct mbuf *mb, const char *method,
			    const struct sip_msg *msg, const char *more)
{
	const bool same_to = !strcmp(method, "ACK");
	struct sip_addr to;

	if (sip_addr_decode(&to, &msg->to.val))
		return EBADMSG;
	return mbuf_printf(mb,
			   "%s %r SIP/2.0\r\n"
			   "Via: %r\r\n"
			   "Max-Forwards: 70\r\n"
			   "To: %s%r%s\r\n"
			   "From: %r\r\n"
			   "Call-ID: %r\r\n"
			   "CSeq: %u %s\r\n"
			   "%s"
			   "Content-Length: 0\r\n\r\n",
			   method, &to.auri, &msg->via.val, same_to ? "" : "<",
			   same_to ? &msg->to.val : &to.auri,
			   same_to ? "" : ">", &msg->from.val, &msg->callid,
			   msg->cseq.num, method, more);
}

/* RFC 3261 17.1.1.3: the To is the answer's. */
static void ack_failure(struct sip *sip, const struct sip_msg *msg)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (mb && !print_hop_by_hop(mb, "ACK", msg, "")) {
		mb->pos = 0;
		(void)sip_send(sip, msg->sock, msg->tp, &msg->src, mb);
	}
	mem_deref(mb);
}

/* RFC 3261 9.1: the To is the INVITE's, which had no tag. */
static void cancel_ringing(struct gw_stack *stack, struct sip *sip,
			   const struct sip_msg *msg)
{
	const struct gw_line_way way = { .stack = stack, .sip = sip };
	struct mbuf *mb = mbuf_alloc(512);
	char more[128];

	if (mb && (int)msg->tp < TRANSPORTS &&
	    re_snprintf(more, sizeof(more),
			"Reason: Q.850;cause=41;text=\"server restart\"\r\n"
			"%s%s %J\r\n",
			hop_header, transports[msg->tp], &msg->src) > 0 &&
	    !print_hop_by_hop(mb, "CANCEL", msg, more) && !mbuf_write_u8(mb, 0))
		(void)gw_session_cancel_printed(&way, (const char *)mb->buf);
	mem_deref(mb);
}

bool gw_session_end_stray(struct gw_stack *stack, struct sip *sip,
			  struct gw_line *line, const struct sip_msg *msg)
{
	if (pl_strcmp(&msg->cseq.met, "INVITE") != 0 || !is_marked(stack, msg))
		return false;
	if (msg->scode >= 300)
		ack_failure(sip, msg);
	else if (msg->scode >= 200)
		gw_session_end_2xx(stack, sip, line, msg,
				   is_new(msg, &msg->to.tag));
	else if (is_new(msg, NULL))
		cancel_ringing(stack, sip, msg);
	return true;
}

/* CANCEL -------------------------------------------------------------------- */

int gw_session_print_cancel(struct mbuf *mb, struct gw_session *s)
{
	static const char end[] = "Content-Length: 0\r\n\r\n";
	struct mbuf *cancel = NULL;
	int err;

	if (s->state != GW_SESSION_CALLING || !s->facts.provisional ||
	    (int)s->tp >= TRANSPORTS)
		return ENOENT;
	err = gw_session_write_cancel(&cancel, s);
	if (!err)
		err = mbuf_write_mem(mb, cancel->buf,
				     cancel->end - strlen(end));
	err = err ? err :
		    mbuf_printf(mb, "%s%s %J\r\n%s", hop_header,
				transports[s->tp], &s->dst, end);
	if (!err && s->early)
		err = mbuf_write_mem(mb, s->early->buf, s->early->end);
	mem_deref(cancel);
	return err;
}

/* A 200 and its ACK may have been faster than the disk: whoever says so is told BYE,
 * too, which is as good on an early dialog (RFC 3261 15). */
void gw_session_keep_early(struct gw_session *s, const struct sip_msg *msg)
{
	struct mbuf *mb;
	size_t before;

	if (msg->scode < 180 || !gw_stack_secret(s->stack))
		return;
	if (!s->early)
		s->early = mbuf_alloc(EARLY_FEW);
	mb = s->early;
	if (!mb || mb->end > EARLY_MAX ||
	    (mb->end && memmem(mb->buf, mb->end, msg->to.val.p, msg->to.val.l)))
		return;
	before = mb->pos = mb->end;
	if (gw_session_print_early(mb, msg))
		mb->end = before;
}

/* Lives in the stack's care. */
struct late_cancel {
	struct le kept;
	struct tmr tmr;
	struct sip *sip; /* valid because the stack is */
	enum sip_transp tp;
	struct sa dst;
	struct mbuf *mb;
	unsigned sent;
};

static void late_cancel_destructor(void *arg)
{
	struct late_cancel *c = arg;

	list_unlink(&c->kept);
	tmr_cancel(&c->tmr);
	mem_deref(c->mb);
}

/* Its answer is not waited for: who has lost all of these will say 200, one day. */
static void send_cancel(void *arg)
{
	struct late_cancel *c = arg;

	c->mb->pos = 0;
	(void)sip_send(c->sip, NULL, c->tp, &c->dst, c->mb);
	if (c->tp == SIP_TRANSP_UDP && ++c->sent < CANCELS)
		tmr_start(&c->tmr, (uint64_t)SIP_T1 << (c->sent - 1),
			  send_cancel, c);
}

/* Where it goes is taken out of the text, which then is what was printed. */
static int read_cancel(struct late_cancel *c, const char *text)
{
	const char *hop = strstr(text, hop_header);
	const char *end = hop ? strstr(hop, "\r\n") : NULL;
	struct pl addr;
	int i = 0;

	if (strncmp(text, "CANCEL ", strlen("CANCEL ")) != 0 || !end)
		return EBADMSG;
	addr.p = hop + strlen(hop_header);
	while (i < TRANSPORTS && strncmp(addr.p, transports[i], 3) != 0)
		i++;
	if (i == TRANSPORTS)
		return EBADMSG;
	c->tp = (enum sip_transp)i;
	addr.p += 4;
	addr.l = end > addr.p ? (size_t)(end - addr.p) : 0;
	if (sa_decode(&c->dst, addr.p, addr.l))
		return EBADMSG;
	c->mb = mbuf_alloc(strlen(text) + 1);
	if (!c->mb)
		return ENOMEM;
	return mbuf_write_mem(c->mb, (const uint8_t *)text,
			      (size_t)(hop - text)) ||
			       mbuf_write_str(c->mb, end + strlen("\r\n")) ?
		       ENOMEM :
		       0;
}

int gw_session_cancel_printed(const struct gw_line_way *way, const char *text)
{
	struct late_cancel *c = mem_zalloc(sizeof(*c), late_cancel_destructor);
	int err;

	if (!c)
		return ENOMEM;
	tmr_init(&c->tmr);
	c->sip = way->sip;
	err = read_cancel(c, text);
	if (err) {
		mem_deref(c);
		return err;
	}
	gw_stack_keep(way->stack, &c->kept, c);
	send_cancel(c);
	return 0;
}
