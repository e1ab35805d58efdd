/* The next hops of a line, and which of them is fit to be asked.
 *
 *             silence, 503, no connection
 *   FIT ─────────────────────────────────────► RESTS (60 s, 120 s ... 16 min)
 *    ▲                                           │
 *    └── rest over, and 3 pings answered ────────┘
 *
 * The first that is fit, in the configured order, is asked (RFC 3263 4.3). Without
 * pings, which only lines with several hops send (line_ping.c), the end of the
 * rest is enough. A proxy that wanted to be left alone (503 with Retry-After) is,
 * whatever its pings say: when all do, no call is placed for so long.
 *
 * The hops are the proxies as they are configured, or the domain; where its SRV
 * records name several servers, those, as long as their TTL says (RFC 2782). */
#include <string.h>

#include "sip/line_impl.h"

enum {
	SERVERS_MAX = 8,
	RETURNS_AFTER = 3,     /* pings, one after the other */
	EXCLUDED_MAX_S = 3600, /* nobody may shut us up for longer */
	CALM_AFTER = 16,       /* pings: its past is forgotten */
};

const struct gw_line_transport gw_line_transports[GW_LINE_TRANSPORTS] = {
	[GW_TRANSPORT_UDP] = { SIP_TRANSP_UDP, "udp", "", "_sip._udp" },
	[GW_TRANSPORT_TCP] = { SIP_TRANSP_TCP, "tcp", ";transport=tcp",
			       "_sip._tcp" },
	[GW_TRANSPORT_TLS] = { SIP_TRANSP_TLS, "tls", ";transport=tls",
			       "_sips._tcp" },
};

bool gw_line_transport_of(enum gw_transport *tpp, const struct pl *params)
{
	struct pl value;

	if (msg_param_decode(params, "transport", &value))
		return false;

	for (size_t i = 0; i < ARRAY_SIZE(gw_line_transports); i++) {
		if (!pl_strcasecmp(&value, gw_line_transports[i].name)) {
			*tpp = (enum gw_transport)i;
			return true;
		}
	}
	return false;
}

static int target_parse(struct gw_line_target *target, const char *text,
			enum gw_transport transport)
{
	struct uri uri;
	struct pl pl;

	pl_set_str(&pl, text);
	if (uri_decode(&uri, &pl) || uri.host.l > GW_LINE_HOST_MAX)
		return EINVAL;

	(void)pl_strcpy(&uri.host, target->host, sizeof(target->host));
	target->port = uri.port;
	target->transport = transport;
	(void)gw_line_transport_of(&target->transport, &uri.params);
	return 0;
}

/* "sip:proxy:5062;lr" as people write it, as sip_dialog_alloc() wants it. */
static int proxy_parse(struct gw_line_target *target, const char *text,
		       enum gw_transport transport)
{
	bool has_scheme = !strncmp(text, "sip:", 4);
	bool ipv6;
	char *uri = NULL;
	int err;

	err = re_sdprintf(&uri, "%s%s", has_scheme ? "" : "sip:", text);
	if (err)
		return err;

	err = target_parse(target, uri, transport);
	mem_deref(uri);
	if (err)
		return err;

	if (!str_casecmp(target->host, "localhost"))
		str_ncpy(target->host, "127.0.0.1", sizeof(target->host));

	ipv6 = strchr(target->host, ':') != NULL;
	if (target->port)
		return re_sdprintf(&target->route, "sip:%s%s%s:%u%s",
				   ipv6 ? "[" : "", target->host,
				   ipv6 ? "]" : "", target->port,
				   gw_line_transports[target->transport].param);

	return re_sdprintf(&target->route, "sip:%s%s%s%s", ipv6 ? "[" : "",
			   target->host, ipv6 ? "]" : "",
			   gw_line_transports[target->transport].param);
}

int gw_line_targets_alloc(struct gw_line *line)
{
	const struct gw_line_cfg *cfg = &line->cfg;
	int err = 0;

	line->target_count = cfg->proxy_count ? cfg->proxy_count : 1;
	line->targets =
		mem_zalloc(line->target_count * sizeof(*line->targets), NULL);
	if (!line->targets)
		return ENOMEM;

	if (!cfg->proxy_count) {
		err = target_parse(&line->own, line->registrar, cfg->transport);
		line->targets[0] = line->own;
		return err;
	}

	for (size_t i = 0; i < cfg->proxy_count && !err; i++)
		err = proxy_parse(&line->targets[i], cfg->proxies[i],
				  cfg->transport);
	return err;
}

/* Servers of the domain ----------------------------------------------------- */

static bool is_same(const struct gw_line_target *a,
		    const struct gw_line_target *b)
{
	return a->port == b->port && a->of_srv == b->of_srv &&
	       !str_casecmp(a->host, b->host);
}

static size_t read_srvs(struct gw_line_target *list, struct list *answers,
			const struct gw_line *line, int64_t *ttl_s)
{
	size_t count = 0;

	/* by chance among equals (RFC 2782), and each line by its own */
	dns_rrlist_sort(answers, DNS_TYPE_SRV,
			hash_joaat_str(line->contact_user) << 5);

	for (struct le *le = list_head(answers); le && count < SERVERS_MAX;
	     le = le->next) {
		const struct dnsrr *rr = le->data;
		struct gw_line_target *t = &list[count];

		if (rr->type != DNS_TYPE_SRV || !rr->rdata.srv.port)
			continue;

		*t = line->own;
		str_ncpy(t->host, rr->rdata.srv.target, sizeof(t->host));
		t->port = rr->rdata.srv.port;
		t->of_srv = true;
		*ttl_s = count++ ? MIN(*ttl_s, rr->ttl) : rr->ttl;
	}

	return count;
}

static void remember_health(struct gw_line_target *t,
			    const struct gw_line *line)
{
	for (size_t i = 0; i < line->target_count; i++) {
		if (is_same(&line->targets[i], t))
			*t = line->targets[i];
	}
}

static bool are_new(const struct gw_line *line,
		    const struct gw_line_target *list, size_t count)
{
	if (count != line->target_count)
		return true;

	for (size_t i = 0; i < count; i++) {
		if (!is_same(&line->targets[i], &list[i]))
			return true;
	}
	return false;
}

static int replace_targets(struct gw_line *line,
			   const struct gw_line_target *list, size_t count)
{
	struct gw_line_target *targets;

	targets = mem_zalloc(count * sizeof(*targets), NULL);
	if (!targets)
		return ENOMEM;

	memcpy(targets, list, count * sizeof(*targets));
	mem_deref(line->targets);
	line->targets = targets;
	line->target_count = count;
	line->target = 0;

	line->pings = mem_deref(line->pings);
	return count > 1 && line->reg ? gw_line_pings_start(line) : 0;
}

int gw_line_targets_found(struct gw_line *line, struct list *answers)
{
	struct gw_line_target list[SERVERS_MAX];
	int64_t ttl_s = 0;
	size_t count = read_srvs(list, answers, line, &ttl_s);

	if (count < 2) { /* libre finds one by itself */
		list[0] = line->own;
		count = 1;
	}
	line->srv_until =
		tmr_jiffies() +
		UINT64_C(1000) *
			(uint64_t)MAX(MIN(ttl_s, INT64_C(300)), INT64_C(5));

	for (size_t i = 0; i < count; i++)
		remember_health(&list[i], line);
	return are_new(line, list, count) ? replace_targets(line, list, count) :
					    0;
}

/* Health -------------------------------------------------------------------- */

static bool is_excluded(const struct gw_line_target *t, uint64_t now)
{
	return t->excluded_until > now;
}

static bool is_fit(const struct gw_line *line, const struct gw_line_target *t)
{
	const uint64_t now = tmr_jiffies();

	return !is_excluded(t, now) && t->rests_until <= now &&
	       (!t->is_down || !line->pings || t->answers >= RETURNS_AFTER);
}

/* The first that is fit; when none is, the one that has rested most. */
size_t gw_line_target_pick(struct gw_line *line)
{
	size_t best = 0;

	for (size_t i = 0; i < line->target_count; i++) {
		const struct gw_line_target *t = &line->targets[i];
		const struct gw_line_target *b = &line->targets[best];

		if (is_fit(line, t)) {
			best = i;
			break;
		}
		if (MAX(t->rests_until, t->excluded_until) <
		    MAX(b->rests_until, b->excluded_until))
			best = i;
	}

	line->target = best;
	return best;
}

bool gw_line_target_other(const struct gw_line *line, size_t target)
{
	for (size_t i = 0; i < line->target_count; i++) {
		if (i != target && is_fit(line, &line->targets[i]))
			return true;
	}
	return false;
}

static void exclude(struct gw_line_target *t, uint32_t s)
{
	const uint64_t until =
		tmr_jiffies() +
		UINT64_C(1000) * MIN(s, (uint32_t)EXCLUDED_MAX_S);

	t->excluded_until = MAX(t->excluded_until, until);
}

void gw_line_target_lost(struct gw_line *line, size_t target,
			 uint32_t retry_after_s)
{
	struct gw_line_target *t;
	uint32_t rest_s;

	if (target >= line->target_count)
		return; /* the DNS has forgotten it */

	t = &line->targets[target];
	rest_s = GW_LINE_HOLD_DOWN_S << MIN(t->deaths, 4U);
	line->known.host[0] = '\0'; /* its address may have moved */
	t->answers = 0;
	if (retry_after_s)
		exclude(t, retry_after_s);

	/* who has nobody else goes on asking; and many may notice one death */
	if (line->target_count == 1 || t->rests_until > tmr_jiffies())
		return;

	++t->deaths;
	t->is_down = true;
	rest_s = MIN(rest_s, (uint32_t)GW_LINE_HOLD_DOWN_MAX_S);
	t->rests_until = tmr_jiffies() + (uint64_t)rest_s * 1000;
}

void gw_line_target_fit(struct gw_line *line, size_t target)
{
	struct gw_line_target *t;

	if (target >= line->target_count)
		return;

	t = &line->targets[target];
	t->deaths = 0;
	t->is_down = false;
	t->rests_until = 0;
}

void gw_line_target_pinged(struct gw_line *line, size_t target, bool answered,
			   uint32_t retry_after_s)
{
	struct gw_line_target *t = &line->targets[target];

	if (!answered) {
		gw_line_target_lost(line, target, retry_after_s);
		return;
	}

	++t->answers;
	if (t->is_down && is_fit(line, t))
		t->is_down = false;
	if (t->answers >= CALM_AFTER && !t->is_down)
		t->deaths = 0;
}

/* For those who place calls ------------------------------------------------ */

size_t gw_line_way_count(const struct gw_line *line)
{
	return line->target_count;
}

bool gw_line_way_lost(struct gw_line *line, size_t target,
		      uint32_t retry_after_s)
{
	if (target >= line->target_count)
		return false;

	gw_line_target_lost(line, target,
			    line->cfg.callees_are_overloaded ? 0 :
							       retry_after_s);
	return gw_line_target_other(line, target);
}

uint32_t gw_line_excluded_s(const struct gw_line *line)
{
	const uint64_t now = tmr_jiffies();
	uint64_t first = UINT64_MAX;

	for (size_t i = 0; i < line->target_count; i++)
		first = MIN(first, line->targets[i].excluded_until);

	return first > now ? (uint32_t)((first - now + 999) / 1000) : 0;
}
