/* sip/session_refer.c - REFER inside of the dialog (RFC 3515), both ways.
 *
 *   ours:    REFER --2xx--> NOTIFY ... NOTIFY terminated: over
 *                 \-refused, or no NOTIFY for a while: over
 *   theirs:  REFER <-- 202, NOTIFY 100; then what gw_session_notify() is told
 *
 * One at a time in each direction. A NOTIFY may come before the 202. */
#include <ctype.h>

#include "sip/session_impl.h"

enum {
	NEWS_MS = 180 * 1000, /* without any NOTIFY it is given up */
	NOTIFY_EXPIRES_S = 180,
	TARGET_MAX = 512,
	PHRASE_MAX = 64,
};

/* Ours -------------------------------------------------------------------- */

static void refer_destructor(void *arg)
{
	struct gw_refer_out *r = arg;

	tmr_cancel(&r->tmr);
	mem_deref(r->req);
	mem_deref(r->headers);
}

static void tell(struct gw_session *s, const struct gw_session_transfer *news)
{
	if (news->over)
		s->refer_out = mem_deref(s->refer_out);
	if (s->h && s->h->referring && s->state == GW_SESSION_UP)
		s->h->referring(news, s->arg);
}

static void no_news(void *arg)
{
	struct gw_session *s = arg;
	const struct gw_session_transfer news = {
		.accepted = s->refer_out->accepted,
		.over = true,
		.err = ETIMEDOUT,
	};

	mem_ref(s);
	tell(s, &news);
	mem_deref(s);
}

static int send_refer(struct gw_session *s);

static void refer_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;
	struct gw_refer_out *r = s->refer_out;
	struct gw_session_transfer news = { .err = err };

	if (!r || (!err && msg && msg->scode < 200))
		return;

	if (!err && msg && gw_session_is_challenge(msg) &&
	    s->state == GW_SESSION_UP && !gw_session_take_challenge(s, msg) &&
	    !send_refer(s))
		return;

	mem_ref(s);
	if (!err && msg)
		news.code = msg->scode;
	news.accepted = news.code >= 200 && news.code < 300;
	news.over = !news.accepted;
	if (news.accepted && !r->accepted)
		tmr_start(&r->tmr, NEWS_MS, no_news, s);
	if (news.over || !r->accepted) {
		r->accepted = news.accepted;
		tell(s, &news);
	}
	mem_deref(s);
}

static int send_refer(struct gw_session *s)
{
	return sip_drequestf(&s->refer_out->req, s->sip, true, "REFER",
			     s->won->dlg, 0, s->auth, gw_session_add_contact,
			     refer_answered, s, "%sContent-Length: 0\r\n\r\n",
			     s->refer_out->headers);
}

/* Everything but RFC 3261's unreserved characters. */
static int escape(struct re_printf *pf, const char *text)
{
	int err = 0;

	for (; *text && !err; text++) {
		const unsigned char c = (unsigned char)*text;

		if (isalnum(c) || strchr("-_.!~*'()", c))
			err = pf->vph(text, 1, pf->arg);
		else
			err = re_hprintf(pf, "%%%02X", c);
	}

	return err;
}

static bool is_target(const char *uri)
{
	return uri && strlen(uri) <= TARGET_MAX && !strpbrk(uri, "<>\"\r\n ?");
}

int gw_session_refer(struct gw_session *session, const char *target,
		     const char *replaces)
{
	struct gw_session *s = session;
	const struct gw_line_cfg *line;
	struct gw_refer_out *r;
	int err;

	if (!s || !is_target(target))
		return EINVAL;
	if (s->state != GW_SESSION_UP)
		return ENOTCONN;
	if (s->refer_out)
		return EBUSY;

	r = mem_zalloc(sizeof(*r), refer_destructor);
	if (!r)
		return ENOMEM;

	line = gw_line_cfg(s->line);
	err = re_sdprintf(&r->headers,
			  "Refer-To: <%s%s%H>\r\n"
			  "Referred-By: <sip:%s@%s>\r\n",
			  target, replaces ? "?Replaces=" : "", escape,
			  replaces ? replaces : "", line->user, line->domain);
	if (err) {
		mem_deref(r);
		return err;
	}

	s->refer_out = r;
	s->auth_tries = 0;
	err = send_refer(s);
	if (err)
		s->refer_out = mem_deref(r);

	return err;
}

/* "SIP/2.0 200 OK": the code, or 0. */
static uint16_t read_sipfrag(const struct sip_msg *msg)
{
	struct pl body, code;
	uint32_t n;

	gw_session_body(&body, msg);
	if (!msg_ctype_cmp(&msg->ctyp, "message", "sipfrag") ||
	    re_regex(body.p, body.l, "SIP/2.0 [0-9]3", &code) ||
	    code.p != body.p + 8 ||
	    (code.p + 3 < body.p + body.l && isdigit((unsigned char)code.p[3])))
		return 0;

	n = pl_u32(&code);
	return n >= 100 && n <= 699 ? (uint16_t)n : 0;
}

void gw_session_far_notify(struct gw_session *s, struct gw_fork *fork,
			   const struct sip_msg *msg)
{
	const struct sip_hdr *event = sip_msg_hdr(msg, SIP_HDR_EVENT);
	const struct sip_hdr *state =
		sip_msg_hdr(msg, SIP_HDR_SUBSCRIPTION_STATE);
	struct gw_session_transfer news = { .accepted = true };
	const size_t refer = strlen("refer");
	(void)fork;

	if (!event || event->val.l < refer ||
	    strncasecmp(event->val.p, "refer", refer) ||
	    (event->val.l > refer && event->val.p[refer] != ';' &&
	     event->val.p[refer] != ' ')) {
		(void)sip_treplyf(NULL, NULL, s->sip, msg, false, 489,
				  "Bad Event",
				  "Allow-Events: refer\r\n"
				  "Content-Length: 0\r\n\r\n");
		return;
	}
	if (!s->refer_out || s->state != GW_SESSION_UP) {
		(void)sip_treply(NULL, s->sip, msg, 481,
				 "Subscription Does Not Exist");
		return;
	}
	news.code = read_sipfrag(msg);
	if (!news.code) {
		(void)sip_treply(NULL, s->sip, msg, 400, "Bad Request");
		return;
	}

	(void)sip_treply(NULL, s->sip, msg, 200, "OK");
	s->refer_out->accepted = true;
	tmr_start(&s->refer_out->tmr, NEWS_MS, no_news, s);
	news.over = news.code >= 200 ||
		    (state && state->val.l >= 10 &&
		     !strncasecmp(state->val.p, "terminated", 10));
	tell(s, &news);
}

/* Theirs ------------------------------------------------------------------ */

static void notify_destructor(void *arg)
{
	struct gw_refer_in *r = arg;

	mem_deref(r->req);
}

static void send_notify(struct gw_session *s);

static void notify_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct gw_session *s = arg;
	struct gw_refer_in *r = s->refer_in;
	bool unwanted;

	if (!r || (!err && msg && msg->scode < 200))
		return;

	mem_ref(s);
	/* RFC 6665 4.2.2: nobody listens any more */
	unwanted = err || !msg || msg->scode == 481;
	if (!unwanted && gw_session_is_challenge(msg) &&
	    s->state == GW_SESSION_UP && !gw_session_take_challenge(s, msg))
		r->due = true; /* the same words again */
	else if (unwanted || r->sent_over)
		s->refer_in = mem_deref(r);
	if (s->refer_in && s->refer_in->due)
		send_notify(s);
	mem_deref(s);
}

/* One after the other; of those that wait only the last one matters. */
static void send_notify(struct gw_session *s)
{
	struct gw_refer_in *r = s->refer_in;
	char state[48] = "terminated;reason=noresource";
	int err;

	if (r->req || s->state != GW_SESSION_UP)
		return;

	r->due = false;
	r->sent_over = r->over;
	if (!r->over)
		(void)re_snprintf(state, sizeof(state), "active;expires=%u",
				  NOTIFY_EXPIRES_S);
	err = sip_drequestf(&r->req, s->sip, true, "NOTIFY", s->won->dlg, 0,
			    s->auth, gw_session_add_contact, notify_answered, s,
			    "Event: refer;id=%u\r\n"
			    "Subscription-State: %s\r\n"
			    "Content-Type: message/sipfrag;version=2.0\r\n"
			    "Content-Length: %zu\r\n\r\n"
			    "SIP/2.0 %u %s\r\n",
			    r->id, state,
			    strlen("SIP/2.0 999 \r\n") + strlen(r->phrase),
			    r->code, r->phrase);
	if (err && r->over)
		s->refer_in = mem_deref(r);
}

int gw_session_notify(struct gw_session *session, uint16_t code,
		      const char *phrase, bool over)
{
	struct gw_session *s = session;
	struct gw_refer_in *r;

	if (!s || code < 100 || code > 699)
		return EINVAL;
	if (s->state != GW_SESSION_UP || !s->refer_in || s->refer_in->over)
		return ENOTCONN;

	r = s->refer_in;
	r->code = code;
	str_ncpy(r->phrase, phrase ? phrase : "", sizeof(r->phrase));
	r->over = over;
	r->due = true;
	send_notify(s);
	return 0;
}

struct refer_to {
	char target[TARGET_MAX + 1];
	char replaces[TARGET_MAX + 1]; /* "": none */
};

static const char *phrase_of(uint16_t code)
{
	static const struct {
		uint16_t code;
		const char *phrase;
	} phrases[] = {
		{ 202, "Accepted" },
		{ 400, "Bad Request" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 481, "Call Leg Does Not Exist" },
		{ 491, "Request Pending" },
		{ 501, "Not Implemented" },
		{ 503, "Service Unavailable" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(phrases); i++) {
		if (phrases[i].code == code)
			return phrases[i].phrase;
	}
	return "Decline";
}

static bool read_refer_to(struct refer_to *to, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_REFER_TO);
	struct sip_addr addr;
	struct pl uri, name = PL("Replaces"), value;
	const char *headers;

	if (!hdr || sip_msg_hdr_count(msg, SIP_HDR_REFER_TO) != 1 ||
	    sip_addr_decode(&addr, &hdr->val) ||
	    (pl_strcasecmp(&addr.uri.scheme, "sip") &&
	     pl_strcasecmp(&addr.uri.scheme, "tel")))
		return false;

	uri = addr.auri;
	headers = pl_strchr(&uri, '?');
	if (headers)
		uri.l = (size_t)(headers - uri.p);
	if (!uri.l || pl_strcpy(&uri, to->target, sizeof(to->target)))
		return false;

	to->replaces[0] = '\0';
	if (headers && !uri_header_get(&addr.uri.headers, &name, &value) &&
	    re_snprintf(to->replaces, sizeof(to->replaces), "%H",
			uri_header_unescape, &value) < 0)
		return false;

	return true;
}

/* A yes leaves refer_in behind. */
static uint16_t ask_owner(struct gw_session *s, const struct refer_to *to,
			  const struct sip_msg *msg)
{
	uint16_t code;

	s->refer_in = mem_zalloc(sizeof(*s->refer_in), notify_destructor);
	if (!s->refer_in)
		return 503;

	/* RFC 3515 2.4.6: a NOTIFY names its REFER by that */
	s->refer_in->id = msg->cseq.num;
	code = s->h->referred(to->target, to->replaces[0] ? to->replaces : NULL,
			      s->arg);
	if (code != 202)
		s->refer_in = mem_deref(s->refer_in);

	return code == 202 || code >= 300 ? code : 603;
}

void gw_session_far_refer(struct gw_session *s, struct gw_fork *fork,
			  const struct sip_msg *msg)
{
	struct refer_to to;
	uint16_t code = 603;
	(void)fork;

	if (!read_refer_to(&to, msg))
		code = 400;
	else if (s->state != GW_SESSION_UP || s->refer_in)
		code = 491;
	else if (s->h && s->h->referred)
		code = ask_owner(s, &to, msg);

	if (code != 202) {
		(void)sip_treply(NULL, s->sip, msg, code, phrase_of(code));
		return;
	}

	gw_session_reply_2xx(s, msg, 202, phrase_of(code));
	if (s->refer_in && !s->refer_in->code)
		(void)gw_session_notify(s, 100, "Trying", false);
}
