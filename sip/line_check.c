/* "Does this line work?" Two questions at once, OPTIONS and REGISTER, and one
 * sentence that a person understands and can act on.
 *
 * A line that registers does so now, by its own schedule's hand, so that a cured
 * mistake also ends the waiting. A line that does not register puts a REGISTER
 * without a Contact (RFC 3261 10.2.3): that proves the password and binds
 * nothing, and no phone that shares the account stops ringing. */
#include "sip/line_exchange.h"

enum { OPTIONS_MS = 4000, REGISTER_MS = 8000 };

struct check {
	struct le le; /* in line->checks */
	struct gw_line *line;
	struct gw_line_way_req *way_req;
	struct sip_request *options;
	struct gw_line_exchange *query;
	struct gw_line_wait *wait;
	struct tmr options_tmr, register_tmr;
	uint64_t since;
	bool has_options, has_register;
	struct gw_line_verdict verdict;
	gw_line_check_h *h;
	void *arg;
};

static void check_destructor(void *data)
{
	struct check *c = data;

	list_unlink(&c->le);
	tmr_cancel(&c->options_tmr);
	tmr_cancel(&c->register_tmr);
	mem_deref(c->way_req);
	mem_deref(c->options);
	mem_deref(c->query);
	mem_deref(c->wait);
}

static uint32_t elapsed_ms(const struct check *c)
{
	return (uint32_t)(tmr_jiffies() - c->since);
}

static void conclude(struct check *c)
{
	if (!c->has_options || !c->has_register)
		return;

	list_unlink(&c->le); /* the handler may stop or free the line */
	c->h(&c->verdict, c->arg);
	mem_deref(c);
}

/* --------------------------------------------------------------- sentences */

#define SAY(c, ...)                                                     \
	(void)re_snprintf((c)->verdict.text, sizeof((c)->verdict.text), \
			  __VA_ARGS__)

static void praise(struct check *c, const struct gw_line_answer *a)
{
	const struct gw_line_cfg *cfg = &c->line->cfg;
	const char *open = a->server[0] ? " (" : "";
	const char *close = a->server[0] ? ")" : "";

	c->verdict.ok = true;
	if (cfg->do_register)
		SAY(c, "registered at %s%s%s%s, %u s granted, %u ms",
		    cfg->domain, open, a->server, close, a->granted_s,
		    c->verdict.register_ms);
	else
		SAY(c,
		    "%s%s%s%s accepts user %s, %u ms; it is not asked to "
		    "register",
		    cfg->domain, open, a->server, close, cfg->user,
		    c->verdict.register_ms);
}

static void blame_credentials(struct check *c, const struct gw_line_answer *a)
{
	const struct gw_line_cfg *cfg = &c->line->cfg;
	const char *auth_user = cfg->auth_user ? cfg->auth_user : cfg->user;

	if (!cfg->password)
		SAY(c,
		    "%s asks for a password and the line has none: set "
		    "password",
		    cfg->domain);
	else if (!a->shown)
		SAY(c,
		    "%s refuses user %s (%u %s): check user and domain, "
		    "and what the server asks for",
		    cfg->domain, cfg->user, a->code, a->reason);
	else
		SAY(c,
		    "the password for auth user %s was refused%s (%u %s): "
		    "check password and auth_user",
		    auth_user, a->shown > 1 ? " twice" : "", a->code,
		    a->reason);
}

static void blame_network(struct check *c, const struct gw_line_answer *a)
{
	const char *advice;

	switch (a->err) {
	case EDESTADDRREQ:
		advice = "check domain and proxies, and this machine's DNS";
		break;
	case ETIMEDOUT:
		advice = "check domain, port and transport, and that no "
			 "firewall is in the way";
		break;
	case ECONNREFUSED:
		advice = "check port and transport: nothing listens there";
		break;
	case EPROTO:
		advice = "check port, and sip.ca_file for the server's "
			 "certificate";
		break;
	default:
		advice = "check domain, port and transport";
		break;
	}

	if (a->err == ETIMEDOUT && c->verdict.options_code)
		SAY(c,
		    "%s answers OPTIONS (%u) but not REGISTER: it is there "
		    "and does not want us",
		    c->line->cfg.domain, c->verdict.options_code);
	else
		SAY(c, "%s: %s", a->reason, advice);
}

static void judge(struct check *c, const struct gw_line_answer *a)
{
	const struct gw_line_cfg *cfg = &c->line->cfg;
	bool bound = a->granted_s > 0 || !cfg->do_register;

	switch (a->code) {
	case 0:
		blame_network(c, a);
		return;
	case 401:
	case 403:
	case 407:
		blame_credentials(c, a);
		return;
	case 404:
		SAY(c,
		    "%s does not know user %s (404 %s): check user and "
		    "domain",
		    cfg->domain, cfg->user, a->reason);
		return;
	case 503:
		SAY(c,
		    "%s is overloaded or down (503 %s) and wants %u s of "
		    "peace",
		    cfg->domain, a->reason, a->retry_after_s);
		return;
	default:
		break;
	}

	if (a->code < 300 && bound)
		praise(c, a);
	else if (a->code < 300)
		SAY(c,
		    "%s said %u %s but keeps no registration: is another "
		    "phone in its place?",
		    cfg->domain, a->code, a->reason);
	else
		SAY(c, "%s refused to register user %s (%u %s)", cfg->domain,
		    cfg->user, a->code, a->reason);
}

/* ----------------------------------------------------------------- REGISTER */

static void registered(const struct gw_line_answer *answer, void *arg)
{
	struct check *c = arg;

	tmr_cancel(&c->register_tmr);
	c->wait = mem_deref(c->wait);
	c->has_register = true;
	c->verdict.register_code = answer->code;
	c->verdict.register_ms = answer->took_ms;
	judge(c, answer);
	conclude(c);
}

static void register_failed(struct check *c, int err)
{
	char reason[GW_LINE_TEXT_MAX];
	struct gw_line_answer answer = { .err = err,
					 .took_ms = elapsed_ms(c),
					 .server = "",
					 .contacts = "" };

	if (err == ECANCELED)
		(void)re_snprintf(reason, sizeof(reason),
				  "the line is stopped");
	else
		gw_line_explain(reason, sizeof(reason), c->line, err);
	answer.reason = reason;
	registered(&answer, c);
}

static void register_timeout(void *arg)
{
	struct check *c = arg;

	c->query = mem_deref(c->query);
	register_failed(c, ETIMEDOUT);
}

/* ------------------------------------------------------------------ OPTIONS */

static void options_done(struct check *c, uint16_t code)
{
	tmr_cancel(&c->options_tmr);
	c->has_options = true;
	c->verdict.options_code = code;
	c->verdict.options_ms = elapsed_ms(c);
	conclude(c);
}

static void options_answered(int err, const struct sip_msg *msg, void *arg)
{
	if (!err && msg && msg->scode < 200)
		return;

	options_done(arg, err || !msg ? 0 : msg->scode);
}

static void options_timeout(void *arg)
{
	struct check *c = arg;

	c->options = mem_deref(c->options);
	c->way_req = mem_deref(c->way_req);
	options_done(c, 0);
}

static int print_contact(enum sip_transp tp, const struct sa *src,
			 const struct sa *dst, struct mbuf *mb, void *arg)
{
	const struct check *c = arg;
	(void)dst;

	return mbuf_printf(mb, "Contact: <sip:%s@%J%s>\r\n",
			   c->line->contact_user, src, sip_transp_param(tp));
}

static void options_way(int err, const struct gw_line_way *way, void *arg)
{
	struct check *c = arg;
	const struct gw_line *line = c->line;
	struct uri next_hop;
	struct pl pl;

	if (err)
		goto out;

	pl_set_str(&pl, way->route_count ? way->routes[0] : way->uri);
	err = uri_decode(&next_hop, &pl);
	if (err)
		goto out;

	err = sip_requestf(&c->options, way->sip, true, "OPTIONS",
			   line->registrar, &next_hop, NULL, print_contact,
			   options_answered, c,
			   "To: <%s>\r\n"
			   "From: <%s>;tag=%016llx\r\n"
			   "Call-ID: %016llx%016llx\r\n"
			   "CSeq: 1 OPTIONS\r\n"
			   "User-Agent: %s\r\n"
			   "Accept: application/sdp\r\n"
			   "Content-Length: 0\r\n"
			   "\r\n",
			   line->registrar, line->aor, rand_u64(), rand_u64(),
			   rand_u64(), gw_stack_user_agent(line->stack));

out:
	if (err)
		options_done(c, 0);
}

/* ----------------------------------------------------------------- together */

/* Neither of the two may be told before gw_line_check() has returned. */
static void begin(void *arg)
{
	struct check *c = arg;
	int err;

	c->since = tmr_jiffies();
	tmr_start(&c->options_tmr, OPTIONS_MS, options_timeout, c);
	tmr_start(&c->register_tmr, REGISTER_MS, register_timeout, c);

	if (gw_line_way(&c->way_req, c->line, c->line->registrar, options_way,
			c))
		c->has_options = true;

	if (c->line->cfg.do_register)
		err = gw_line_register_now(&c->wait, c->line, registered, c);
	else
		err = gw_line_exchange(&c->query, c->line, GW_LINE_ASK_QUERY,
				       registered, c);
	if (err)
		register_failed(c, err);
}

int gw_line_check(struct gw_line *line, gw_line_check_h *h, void *arg)
{
	struct check *c;

	if (!line || !h)
		return EINVAL;

	c = mem_zalloc(sizeof(*c), check_destructor);
	if (!c)
		return ENOMEM;

	c->line = line;
	c->h = h;
	c->arg = arg;
	tmr_init(&c->options_tmr);
	tmr_init(&c->register_tmr);
	tmr_start(&c->register_tmr, 0, begin, c);
	list_append(&line->checks, &c->le, c);
	return 0;
}

void gw_line_checks_end(struct gw_line *line)
{
	struct le *le;

	while ((le = list_head(&line->checks)) != NULL) {
		struct check *c = le->data;

		c->verdict.ok = false;
		SAY(c, "the line is stopped");
		c->has_options = true;
		c->has_register = true;
		conclude(c);
	}
}

void gw_line_checks_forget(struct gw_line *line)
{
	list_flush(&line->checks);
}
