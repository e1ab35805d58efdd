/* OPTIONS to each next hop of a line that has a choice: the dead one is noticed
 * before a call has to wait for it, and the one that has come back is trusted
 * again after a while (line_target.c). Whatever is answered is a sign of life,
 * except 503 and 408. */
#include "sip/line_impl.h"

enum { PING_MS = 15 * 1000 };

struct ping {
	struct gw_line *line;
	size_t target;
	struct gw_line_way_req *way_req;
	struct sip_request *req;
	struct tmr patience;
};

struct gw_line_pings {
	struct tmr next;
	size_t count;
	struct ping *list;
};

static void pings_destructor(void *data)
{
	struct gw_line_pings *pings = data;

	tmr_cancel(&pings->next);
	for (size_t i = 0; pings->list && i < pings->count; i++) {
		struct ping *p = &pings->list[i];

		tmr_cancel(&p->patience);
		mem_deref(p->way_req);
		mem_deref(p->req);
	}
	mem_deref(pings->list);
}

static void over(struct ping *p, bool answered, uint32_t retry_after_s)
{
	tmr_cancel(&p->patience);
	gw_line_target_pinged(p->line, p->target, answered, retry_after_s);
}

static void options_answered(int err, const struct sip_msg *msg, void *arg)
{
	struct ping *p = arg;

	if (err || !msg)
		over(p, false, 0);
	else if (msg->scode == 408 || msg->scode == 503)
		over(p, false, gw_line_number_of(msg, SIP_HDR_RETRY_AFTER));
	else if (msg->scode >= 200)
		over(p, true, 0);
}

static void out_of_patience(void *arg)
{
	struct ping *p = arg;

	p->way_req = mem_deref(p->way_req);
	p->req = mem_deref(p->req); /* a late answer finds nobody */
	over(p, false, 0);
}

static int send_options(struct ping *p, const struct gw_line_way *way)
{
	const struct gw_line *line = p->line;
	const char *route = way->route_count ? way->routes[0] : way->uri;
	struct uri next_hop;
	struct pl pl;
	int err;

	pl_set_str(&pl, route);
	err = uri_decode(&next_hop, &pl);
	if (err)
		return err;

	return sip_requestf(&p->req, way->sip, true, "OPTIONS", route,
			    &next_hop, NULL, NULL, options_answered, p,
			    "To: <%s>\r\n"
			    "From: <%s>;tag=%016llx\r\n"
			    "Call-ID: %016llx%016llx\r\n"
			    "CSeq: 1 OPTIONS\r\n"
			    "User-Agent: %s\r\n"
			    "Content-Length: 0\r\n"
			    "\r\n",
			    route, line->aor, rand_u64(), rand_u64(),
			    rand_u64(), gw_stack_user_agent(line->stack));
}

static void way_found(int err, const struct gw_line_way *way, void *arg)
{
	struct ping *p = arg;

	if (!err)
		err = send_options(p, way);
	if (err)
		over(p, false, 0);
}

static void ping(struct ping *p)
{
	/* no memory: that says nothing about them */
	if (p->way_req || p->req ||
	    gw_line_way_to(&p->way_req, p->line, p->target, way_found, p))
		return;

	tmr_start(&p->patience, GW_LINE_PATIENCE_MS, out_of_patience, p);
}

static void next(void *arg)
{
	struct gw_line_pings *pings = arg;

	for (size_t i = 0; i < pings->count; i++)
		ping(&pings->list[i]);
	tmr_start(&pings->next, PING_MS, next, pings);
}

int gw_line_pings_start(struct gw_line *line)
{
	struct gw_line_pings *pings;

	pings = mem_zalloc(sizeof(*pings), pings_destructor);
	if (!pings)
		return ENOMEM;

	pings->count = line->target_count;
	pings->list = mem_zalloc(pings->count * sizeof(*pings->list), NULL);
	if (!pings->list) {
		mem_deref(pings);
		return ENOMEM;
	}

	for (size_t i = 0; i < pings->count; i++) {
		pings->list[i].line = line;
		pings->list[i].target = i;
	}
	tmr_start(&pings->next, PING_MS, next, pings);
	line->pings = pings;
	return 0;
}
