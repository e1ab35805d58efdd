/* The next hops of a line, and which of them is fit to be asked.
 *
 *             silence, 503, no connection
 *   FIT ─────────────────────────────────────► RESTS (60 s, 120 s ... 16 min)
 *    ▲                                           │
 *    └── rest over, and 3 pings answered ────────┘
 *
 * The first that is fit, in the configured order, is asked (RFC 3263 4.3). Without
 * pings, which only lines with several proxies send (line_ping.c), the end of the
 * rest is enough. A proxy that wanted to be left alone (503 with Retry-After) is,
 * whatever its pings say: when all do, no call is placed for so long. */
#include <string.h>

#include "sip/line_impl.h"

enum {
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

	if (!cfg->proxy_count)
		return target_parse(&line->targets[0], line->registrar,
				    cfg->transport);

	for (size_t i = 0; i < cfg->proxy_count && !err; i++)
		err = proxy_parse(&line->targets[i], cfg->proxies[i],
				  cfg->transport);
	return err;
}

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
	struct gw_line_target *t = &line->targets[target];
	uint32_t rest_s = GW_LINE_HOLD_DOWN_S << MIN(t->deaths, 4U);

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
	struct gw_line_target *t = &line->targets[target];

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
