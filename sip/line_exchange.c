/* One REGISTER with everything it takes to get a final answer:
 *
 *   way ─► send ─┬─ 401, 407 ──► once more with credentials, a second time with
 *    ▲           │               a fresh nonce; stale=true grants two more
 *    │           ├─ 423 ───────► once more with the time the server wants
 *    │           ├─ 2xx, seen from elsewhere (NAT) ─► once more, that Contact
 *    └───────────┼─ silence, 503, no connection ─► the next proxy, if any
 *                └─ anything else ─► that is the answer
 *
 * A wrong password must not become a hail of REGISTERs: servers lock accounts,
 * and firewalls lock addresses. So requests with credentials are counted here,
 * one exchange at a time, whatever the digest module remembers. */
#include <string.h>

#include "sip/line_exchange.h"

enum {
	SHOWN_MAX = 2,    /* requests with credentials in one exchange */
	STALE_GRANTS = 2, /* more of them after stale=true, once */
	MIN_EXPIRES_MAX_S = 7 * 24 * 3600, /* more than that is no offer */
};

struct gw_line_exchange {
	struct gw_line *line;
	struct gw_line_exchange **xp;
	enum gw_line_ask ask;
	struct gw_line_way_req *way_req;
	struct sip_request *req;
	struct tmr patience;

	struct sip *sip; /* lives with the stack */
	char *next_hop; /* URI of the first Route, or where the line's URI leads */
	bool has_route;  /* and it stands in a Route header */
	char *advertise; /* address for Contact, or NULL: where we are bound */
	char contact[GW_LINE_URI_MAX]; /* as sent in the last request */

	uint32_t expires_s, min_expires_s;
	uint32_t shown;
	size_t tried;  /* targets */
	size_t target; /* asked now */
	bool is_stale, is_remapped;
	bool is_presumed; /* line->bound is what was asked for, no more */
	uint64_t sent_at;

	gw_line_answer_h *h;
	void *arg;
};

static int begin(struct gw_line_exchange *x);
static int send_register(struct gw_line_exchange *x);

static void exchange_destructor(void *data)
{
	struct gw_line_exchange *x = data;

	tmr_cancel(&x->patience);
	mem_deref(x->way_req);
	mem_deref(x->req);
	mem_deref(x->next_hop);
	mem_deref(x->advertise);
}

/* ------------------------------------------------------ what an answer says */

uint32_t gw_line_number_of(const struct sip_msg *msg, enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);
	struct pl digits = PL_INIT;

	/* RFC 3261 20.33: "Retry-After: 7 (why);duration=9" */
	if (!hdr || re_regex(hdr->val.p, hdr->val.l, "[0-9]+", &digits) ||
	    digits.p != hdr->val.p || digits.l > 9)
		return 0;

	return pl_u32(&digits);
}

/* Texts of the far side end up in front of people: printable ASCII only. */
static void copy_text(char *to, size_t size, const struct pl *from)
{
	size_t n = 0;

	for (size_t i = 0; i < from->l && n + 1 < size; i++) {
		char c = from->p[i];

		to[n++] = c >= ' ' && c <= '~' ? c : '?';
	}
	to[n] = '\0';
}

struct contact_reader {
	const struct gw_line *line;
	uint32_t expires_s; /* of ours */
	bool has_expires, is_ours;
	char *text;
	size_t size;
};

static bool read_contact(const struct sip_hdr *hdr, const struct sip_msg *msg,
			 void *arg)
{
	struct contact_reader *reader = arg;
	struct sip_addr addr;
	struct pl expires;
	char uri[GW_LINE_URI_MAX];
	size_t used = strlen(reader->text);
	(void)msg;

	if (sip_addr_decode(&addr, &hdr->val))
		return false;

	copy_text(uri, sizeof(uri), &addr.auri);
	(void)re_snprintf(reader->text + used, reader->size - used, "%s%s",
			  used ? ", " : "", uri);

	/* servers rewrite hosts and parameters: our random user is the mark */
	if (pl_strcmp(&addr.uri.user, reader->line->contact_user))
		return false;

	reader->is_ours = true;
	if (!msg_param_decode(&addr.params, "expires", &expires)) {
		reader->has_expires = true;
		reader->expires_s = max(reader->expires_s, pl_u32(&expires));
	}
	return false;
}

static uint32_t granted(const struct gw_line_exchange *x,
			const struct sip_msg *msg,
			const struct contact_reader *reader)
{
	if (x->ask != GW_LINE_ASK_BIND)
		return 0;
	if (reader->has_expires)
		return reader->expires_s;
	if (pl_isset(&msg->expires))
		return pl_u32(&msg->expires);
	return x->expires_s;
}

/* Tells how it ended; x is gone afterwards. */
static void finish(struct gw_line_exchange *x, int err,
		   const struct sip_msg *msg)
{
	char reason[GW_LINE_TEXT_MAX] = "", server[GW_LINE_TEXT_MAX] = "";
	char contacts[GW_LINE_CONTACTS_MAX] = "";
	struct gw_line_answer answer = {
		.err = msg ? 0 : (err ? err : EPROTO),
		.min_expires_s = x->min_expires_s,
		.shown = x->shown,
		.took_ms = (uint32_t)(tmr_jiffies() - x->sent_at),
		.reason = reason,
		.server = server,
		.contacts = contacts,
		.sip = x->sip,
		.msg = msg,
	};

	tmr_cancel(&x->patience);
	x->req = mem_deref(x->req);

	if (msg) {
		struct contact_reader reader = { .line = x->line,
						 .text = contacts,
						 .size = sizeof(contacts) };
		const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_SERVER);

		if (!hdr)
			hdr = sip_msg_hdr(msg, SIP_HDR_USER_AGENT);
		if (hdr)
			copy_text(server, sizeof(server), &hdr->val);

		copy_text(reason, sizeof(reason), &msg->reason);
		answer.code = msg->scode;
		answer.retry_after_s =
			gw_line_number_of(msg, SIP_HDR_RETRY_AFTER);

		if (msg->scode < 300) {
			(void)sip_msg_hdr_apply(msg, true, SIP_HDR_CONTACT,
						read_contact, &reader);
			answer.granted_s = granted(x, msg, &reader);
		}
	} else {
		gw_line_explain(reason, sizeof(reason), x->line, answer.err);
	}

	if (x->xp)
		*x->xp = NULL;
	x->h(&answer, x->arg);
	mem_deref(x);
}

/* --------------------------------------------------------------------- NAT */

/* RFC 3581: how the other side sees where we sent from. TCP connections start
 * from a port of their own anyway, there the address alone tells. Returns true
 * when that is news. */
static bool learn_mapping(struct gw_line *line, const struct sip_msg *msg)
{
	struct pl received, rport;
	struct sa seen = msg->via.addr;
	bool differs;

	if (!line->cfg.nat_auto || gw_stack_advertise(line->stack))
		return false;

	if (!msg_param_decode(&msg->via.params, "received", &received) &&
	    sa_set(&seen, &received, sa_port(&msg->via.addr)))
		return false;

	if (!msg_param_decode(&msg->via.params, "rport", &rport) &&
	    pl_u32(&rport) > 0 && pl_u32(&rport) <= UINT16_MAX)
		sa_set_port(&seen, (uint16_t)pl_u32(&rport));

	differs = !sa_cmp(&seen, &msg->via.addr,
			  msg->tp == SIP_TRANSP_UDP ? SA_ALL : SA_ADDR);
	if (differs == line->is_mapped &&
	    (!differs || sa_cmp(&seen, &line->mapped, SA_ALL)))
		return false;

	line->is_mapped = differs;
	line->mapped = seen;
	return true;
}

/* ----------------------------------------------- what the registrar keeps */

static void note_bound(struct gw_line_exchange *x)
{
	if (x->ask == GW_LINE_ASK_BIND)
		str_ncpy(x->line->bound, x->contact, sizeof(x->line->bound));
	else if (x->ask == GW_LINE_ASK_UNBIND)
		x->line->bound[0] = '\0';
	x->is_presumed = false;
}

/* Between a REGISTER and its answer the server may keep our Contact already:
 * who stops just then has to take it away. */
static void presume_bound(struct gw_line_exchange *x)
{
	if (x->line->bound[0])
		return;

	str_ncpy(x->line->bound, x->contact, sizeof(x->line->bound));
	x->is_presumed = true;
}

static void presumed_wrongly(struct gw_line_exchange *x)
{
	if (x->is_presumed)
		x->line->bound[0] = '\0';
	x->is_presumed = false;
}

/* --------------------------------------------------------------- going on */

/* The target is dead or overloaded. Returns true when another one is asked. */
static bool turn_to_next(struct gw_line_exchange *x, uint32_t retry_after_s)
{
	struct gw_line *line = x->line;

	++x->tried;
	gw_line_target_lost(line, x->target, retry_after_s);
	if (x->tried >= line->target_count)
		return false;

	return begin(x) == 0;
}

static void out_of_patience(void *arg)
{
	struct gw_line_exchange *x = arg;

	x->req = mem_deref(x->req); /* a late answer finds nobody */
	presumed_wrongly(x);
	if (!turn_to_next(x, 0))
		finish(x, ETIMEDOUT, NULL);
}

static bool is_stale(const struct sip_hdr *hdr, const struct sip_msg *msg,
		     void *arg)
{
	struct httpauth_digest_chall chall;
	(void)msg;
	(void)arg;

	return !httpauth_digest_challenge_decode(&chall, &hdr->val) &&
	       pl_isset(&chall.stale) && !pl_strcasecmp(&chall.stale, "true");
}

/* Returns true when the question was put again, with credentials. */
static bool answer_challenge(struct gw_line_exchange *x,
			     const struct sip_msg *msg)
{
	struct gw_line *line = x->line;

	if (sip_msg_hdr_apply(msg, true, SIP_HDR_WWW_AUTHENTICATE, is_stale,
			      NULL) ||
	    sip_msg_hdr_apply(msg, true, SIP_HDR_PROXY_AUTHENTICATE, is_stale,
			      NULL))
		x->is_stale = true;

	sip_auth_reset(line->auth);
	line->auth_primed = false;

	if (x->shown >= SHOWN_MAX + (x->is_stale ? STALE_GRANTS : 0))
		return false;
	if (sip_auth_authenticate(line->auth, msg))
		return false;

	line->auth_primed = true;
	return send_register(x) == 0;
}

static bool take_longer(struct gw_line_exchange *x, const struct sip_msg *msg)
{
	uint32_t min_s = gw_line_number_of(msg, SIP_HDR_MIN_EXPIRES);

	if (x->ask != GW_LINE_ASK_BIND || x->min_expires_s ||
	    min_s <= x->expires_s || min_s > MIN_EXPIRES_MAX_S)
		return false;

	x->min_expires_s = min_s;
	x->expires_s = min_s;
	return send_register(x) == 0;
}

static void answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_line_exchange *x = arg;
	bool goes_on, is_news = false;

	tmr_cancel(&x->patience); /* somebody is there */
	if (msg && msg->scode < 200)
		return;

	if (err || !msg || msg->scode >= 300)
		presumed_wrongly(x);

	if (err || !msg) {
		if (!turn_to_next(x, 0))
			finish(x, err, NULL);
		return;
	}

	if (x->ask == GW_LINE_ASK_BIND)
		is_news = learn_mapping(x->line, msg);

	switch (msg->scode) {
	case 401:
	case 407:
		goes_on = answer_challenge(x, msg);
		break;
	case 423:
		goes_on = take_longer(x, msg);
		break;
	case 503:
		goes_on = turn_to_next(
			x, gw_line_number_of(msg, SIP_HDR_RETRY_AFTER));
		break;
	default:
		goes_on = false;
		break;
	}

	if (msg->scode < 300) {
		gw_line_target_fit(x->line, x->target);
		note_bound(x);
		goes_on = is_news && !x->is_remapped && send_register(x) == 0;
		x->is_remapped = true;
	}

	if (!goes_on)
		finish(x, 0, msg);
}

/* ---------------------------------------------------------------- sending */

static int print_contact(enum sip_transp tp, const struct sa *src,
			 const struct sa *dst, struct mbuf *mb, void *arg)
{
	struct gw_line_exchange *x = arg;
	struct gw_line *line = x->line;
	struct sa addr = *src;
	bool moved;
	int err;
	(void)dst;

	if (x->ask == GW_LINE_ASK_QUERY)
		return 0;

	if (x->ask == GW_LINE_ASK_UNBIND)
		return mbuf_printf(mb, "Contact: <%s>;expires=0\r\n",
				   line->bound);

	if (line->is_mapped && sa_af(&line->mapped) == sa_af(src))
		addr = line->mapped;
	else if (x->advertise)
		(void)sa_set_str(&addr, x->advertise, sa_port(src));

	(void)re_snprintf(x->contact, sizeof(x->contact), "sip:%s@%J%s",
			  line->contact_user, &addr, sip_transp_param(tp));

	/* an older one of ours would be rung in vain */
	moved = line->bound[0] && strcmp(line->bound, x->contact) != 0;
	err = mbuf_printf(mb, "Contact: <%s>;expires=%u\r\n", x->contact,
			  x->expires_s);
	if (!err && moved)
		err = mbuf_printf(mb, "Contact: <%s>;expires=0\r\n",
				  line->bound);
	if (!err)
		presume_bound(x);
	return err;
}

static int send_register(struct gw_line_exchange *x)
{
	struct gw_line *line = x->line;
	struct uri next_hop;
	struct pl pl;
	int err;

	pl_set_str(&pl, x->next_hop);
	err = uri_decode(&next_hop, &pl);
	if (err)
		return err;

	x->sent_at = tmr_jiffies();
	err = sip_requestf(&x->req, x->sip, true, "REGISTER", line->registrar,
			   &next_hop, line->auth, print_contact, answered, x,
			   "%s%s%s"
			   "To: <%s>\r\n"
			   "From: <%s>;tag=%s\r\n"
			   "Call-ID: %s\r\n"
			   "CSeq: %u REGISTER\r\n"
			   "User-Agent: %s\r\n"
			   "Allow: %s\r\n"
			   "Content-Length: 0\r\n"
			   "\r\n",
			   x->has_route ? "Route: <" : "",
			   x->has_route ? x->next_hop : "",
			   x->has_route ? ";lr>\r\n" : "", line->aor, line->aor,
			   line->from_tag, line->call_id, ++line->cseq,
			   gw_stack_user_agent(line->stack), gw_stack_allow);
	if (err)
		return err;

	if (line->auth_primed)
		++x->shown;
	if (gw_line_target_other(line, x->target))
		tmr_start(&x->patience, GW_LINE_PATIENCE_MS, out_of_patience,
			  x);
	return 0;
}

static void way_found(int err, const struct gw_line_way *way, void *arg)
{
	struct gw_line_exchange *x = arg;
	const struct gw_line *line = x->line;

	x->target = line->target; /* picked in begin(), also of no way */
	if (err)
		goto out;

	x->target = way->target;
	x->sip = way->sip;
	x->next_hop = mem_deref(x->next_hop);
	x->advertise = mem_deref(x->advertise);
	x->has_route = line->targets[x->target].route != NULL;

	err = str_dup(&x->next_hop,
		      way->route_count ? way->routes[0] : way->uri);
	if (!err && gw_stack_advertise(line->stack))
		err = str_dup(&x->advertise, gw_stack_advertise(line->stack));
	if (!err)
		err = send_register(x);

out:
	if (err && !turn_to_next(x, 0))
		finish(x, err, NULL);
}

static int begin(struct gw_line_exchange *x)
{
	return gw_line_way(&x->way_req, x->line, x->line->registrar, way_found,
			   x);
}

int gw_line_exchange(struct gw_line_exchange **xp, struct gw_line *line,
		     enum gw_line_ask ask, gw_line_answer_h *h, void *arg)
{
	struct gw_line_exchange *x;
	int err;

	if (!xp || !line || !h)
		return EINVAL;

	x = mem_zalloc(sizeof(*x), exchange_destructor);
	if (!x)
		return ENOMEM;

	x->line = line;
	x->ask = ask;
	x->h = h;
	x->arg = arg;
	x->expires_s = max(line->cfg.expires_s, line->server_min_expires_s);
	x->sent_at = tmr_jiffies();
	tmr_init(&x->patience);

	err = begin(x);
	if (err) {
		mem_deref(x);
		return err;
	}

	x->xp = xp;
	*xp = x;
	return 0;
}
