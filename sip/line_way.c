/* How a request of a line gets to the other side: which outbound proxy, which
 * local address, which transport.
 *
 *   URI ── proxies? ──► first fit proxy ──┐
 *     └── own domain ──► domain and port ─┼─► address ─► struct sip, Route
 *     └── foreign ─────► host of the URI ─┘   (DNS)
 *
 * libre finds the peer's addresses by itself (NAPTR, SRV, A, AAAA) each time it
 * sends. Asked for here is only one address of it, because our own address, and
 * with it the struct sip to use, depends on where the peer is. "localhost" is
 * not in the DNS: it gets a numeric Route.
 *
 * Which of several proxies is fit to be asked is told in line_target.c. */
#include <string.h>

#include "sip/line_impl.h"

enum { KNOWN_MIN_S = 5, KNOWN_MAX_S = 300 };

struct gw_line_way_req {
	struct le le;
	struct gw_line *line;
	struct gw_line_way_req **reqp;
	char *uri;   /* for the request line */
	char *route; /* or NULL */
	char host[GW_LINE_HOST_MAX + 1];
	uint16_t port;
	enum gw_transport transport;
	size_t target;
	bool is_own; /* of the line's own domain, which may have servers */
	bool to_srv; /* one of those */
	char name[GW_LINE_HOST_MAX + 1]; /* asked for now: host, or SRV's */
	struct dns_query *query;
	struct tmr tmr;
	struct sa addr;
	gw_line_way_h *h;
	void *arg;
};

void gw_line_explain(char *text, size_t size, const struct gw_line *line,
		     int err)
{
	const struct gw_line_target *t = &line->targets[line->target];
	const char *tp = gw_line_transports[t->transport].name;
	bool ipv6 = strchr(t->host, ':') != NULL;
	char where[GW_LINE_HOST_MAX + 16];

	if (t->port)
		(void)re_snprintf(where, sizeof(where), "%s%s%s:%u",
				  ipv6 ? "[" : "", t->host, ipv6 ? "]" : "",
				  t->port);
	else
		(void)re_snprintf(where, sizeof(where), "%s", t->host);

	switch (err) {
	case EDESTADDRREQ:
		(void)re_snprintf(text, size, "no address for %s", t->host);
		break;
	case ETIMEDOUT:
		(void)re_snprintf(text, size, "no answer from %s (%s)", where,
				  tp);
		break;
	case ECONNREFUSED:
		(void)re_snprintf(text, size, "connection refused by %s (%s)",
				  where, tp);
		break;
	case ECONNRESET:
	case EPIPE:
		(void)re_snprintf(text, size, "connection closed by %s (%s)",
				  where, tp);
		break;
	case EHOSTUNREACH:
	case ENETUNREACH:
		(void)re_snprintf(text, size, "no route to %s", where);
		break;
	case EADDRINUSE:
		(void)re_snprintf(text, size,
				  "local port %u (%s) is taken by another "
				  "program: free it, or change sip.listen",
				  gw_stack_port(line->stack, t->transport), tp);
		break;
	case EPROTO:
		(void)re_snprintf(text, size,
				  "TLS with %s failed: certificate not "
				  "trusted, or no TLS there",
				  where);
		break;
	case ENOTSUP:
		(void)re_snprintf(text, size,
				  "TLS needs trust anchors (sip.ca_file)");
		break;
	default:
		(void)re_snprintf(text, size, "%s: %m", where, err);
		break;
	}
}

/* ------------------------------------------------------------------- a way */

static void way_destructor(void *data)
{
	struct gw_line_way_req *req = data;

	list_unlink(&req->le);
	tmr_cancel(&req->tmr);
	mem_deref(req->query);
	mem_deref(req->uri);
	mem_deref(req->route);
}

void gw_line_ways_forget(struct gw_line *line)
{
	struct le *le;

	while ((le = list_head(&line->ways)) != NULL) {
		struct gw_line_way_req *req = le->data;

		list_unlink(le);
		tmr_cancel(&req->tmr);
		req->query = mem_deref(req->query);
		req->line = NULL;
	}
}

static void tell(struct gw_line_way_req *req, int err,
		 const struct gw_line_way *way)
{
	list_unlink(&req->le);
	if (req->reqp)
		*req->reqp = NULL;

	req->h(err, way, req->arg);
	mem_deref(req);
}

/* Whoever is told by a name would ask the DNS for himself, and choose another. */
static int route_to_address(struct gw_line_way_req *req)
{
	if (!req->to_srv || req->route)
		return 0;

	return re_sdprintf(&req->route, "sip:%J%s", &req->addr,
			   gw_line_transports[req->transport].param);
}

static void arrive(struct gw_line_way_req *req)
{
	struct gw_line *line = req->line;
	int err = route_to_address(req);
	const char *routes[1] = { req->route };
	char advertise[64];
	struct sa laddr;
	struct gw_line_way way = {
		.stack = line->stack,
		.laddr = &laddr,
		.transport = req->transport,
		.aor = line->aor,
		.contact_user = line->contact_user,
		.routes = req->route ? routes : NULL,
		.route_count = req->route ? 1 : 0,
		.uri = req->uri,
		.transport_param = gw_line_transports[req->transport].param,
		.advertise = gw_stack_advertise(line->stack),
		.target = req->target,
	};

	if (!err)
		err = gw_stack_sip(&way.sip, &laddr, line->stack,
				   req->transport, &req->addr);

	if (!way.advertise && line->is_mapped &&
	    sa_af(&line->mapped) == sa_af(&laddr)) {
		(void)re_snprintf(advertise, sizeof(advertise), "%j",
				  &line->mapped);
		way.advertise = advertise;
		way.advertise_port = sa_port(&line->mapped);
	}

	tell(req, err, err ? NULL : &way);
}

static void arrive_soon(void *arg)
{
	arrive(arg);
}

/* ------------------------------------------------- one address of the peer */

static void ask_address(struct gw_line_way_req *req, uint16_t type);

static void found(struct gw_line_way_req *req, int64_t ttl_s)
{
	struct gw_line_known *known = &req->line->known;
	int64_t keep_s =
		max(min(ttl_s, (int64_t)KNOWN_MAX_S), (int64_t)KNOWN_MIN_S);

	str_ncpy(known->host, req->host, sizeof(known->host));
	known->port = req->port;
	known->transport = req->transport;
	known->addr = req->addr;
	known->until = tmr_jiffies() + (uint64_t)keep_s * 1000;

	arrive(req);
}

static void address_answer(struct gw_line_way_req *req, uint16_t type,
			   struct list *answers)
{
	struct dnsrr *rr =
		dns_rrlist_find(answers, NULL, type, DNS_CLASS_IN, true);

	if (rr && type == DNS_TYPE_A) {
		sa_set_in(&req->addr, rr->rdata.a.addr, req->port);
		found(req, rr->ttl);
	} else if (rr) {
		sa_set_in6(&req->addr, rr->rdata.aaaa.addr, req->port);
		found(req, rr->ttl);
	} else if (type == DNS_TYPE_A) {
		ask_address(req, DNS_TYPE_AAAA);
	} else {
		tell(req, EDESTADDRREQ, NULL);
	}
}

static void a_answer(int err, const struct dnshdr *hdr, struct list *ansl,
		     struct list *authl, struct list *addl, void *arg)
{
	(void)err; /* no answer is no address */
	(void)hdr;
	(void)authl;
	(void)addl;
	address_answer(arg, DNS_TYPE_A, ansl);
}

static void aaaa_answer(int err, const struct dnshdr *hdr, struct list *ansl,
			struct list *authl, struct list *addl, void *arg)
{
	(void)err;
	(void)hdr;
	(void)authl;
	(void)addl;
	address_answer(arg, DNS_TYPE_AAAA, ansl);
}

static void ask_address(struct gw_line_way_req *req, uint16_t type)
{
	req->query = mem_deref(req->query);
	if (dnsc_query(&req->query, gw_stack_dns(req->line->stack), req->name,
		       type, DNS_CLASS_IN, true,
		       type == DNS_TYPE_A ? a_answer : aaaa_answer, req))
		tell(req, EDESTADDRREQ, NULL);
}

static void lead_to_server(struct gw_line_way_req *req)
{
	const struct gw_line_target *t = &req->line->targets[req->target];

	if (!t->of_srv)
		return;

	req->to_srv = true;
	req->port = t->port;
	str_ncpy(req->host, t->host, sizeof(req->host));
}

static void srv_answer(int err, const struct dnshdr *hdr, struct list *ansl,
		       struct list *authl, struct list *addl, void *arg)
{
	struct gw_line_way_req *req = arg;
	struct dnsrr *rr =
		dns_rrlist_find(ansl, NULL, DNS_TYPE_SRV, DNS_CLASS_IN, true);
	(void)err;
	(void)hdr;
	(void)authl;
	(void)addl;

	if (rr && req->is_own && !gw_line_targets_found(req->line, ansl)) {
		req->target = gw_line_target_pick(req->line);
		lead_to_server(req);
	}
	if (req->to_srv)
		str_ncpy(req->name, req->host, sizeof(req->name));
	else if (rr)
		str_ncpy(req->name, rr->rdata.srv.target, sizeof(req->name));
	ask_address(req, DNS_TYPE_A);
}

static void ask(void *arg)
{
	struct gw_line_way_req *req = arg;
	char name[GW_LINE_HOST_MAX + 16];

	str_ncpy(req->name, req->host, sizeof(req->name));
	if (req->port) { /* RFC 3263 4.2: a port says that there is no SRV */
		ask_address(req, DNS_TYPE_A);
		return;
	}

	(void)re_snprintf(name, sizeof(name), "%s.%s",
			  gw_line_transports[req->transport].srv, req->host);
	if (dnsc_query(&req->query, gw_stack_dns(req->line->stack), name,
		       DNS_TYPE_SRV, DNS_CLASS_IN, true, srv_answer, req))
		tell(req, EDESTADDRREQ, NULL);
}

static bool is_known(const struct gw_line_way_req *req)
{
	const struct gw_line_known *known = &req->line->known;

	return known->host[0] && !str_casecmp(known->host, req->host) &&
	       known->port == req->port && known->transport == req->transport &&
	       known->until > tmr_jiffies();
}

static void locate(struct gw_line_way_req *req)
{
	if (!sa_set_str(&req->addr, req->host, req->port)) {
		tmr_start(&req->tmr, 0, arrive_soon, req);
	} else if (is_known(req)) {
		req->addr = req->line->known.addr;
		tmr_start(&req->tmr, 0, arrive_soon, req);
	} else {
		tmr_start(&req->tmr, 0, ask, req);
	}
}

/* --------------------------------------------------------- the next hop */

/* No proxy: the URI says where to go, except where only the line knows the port
 * and where the name is not in the DNS. Those get a Route. */
static int route_to_uri(struct gw_line_way_req *req, const struct uri *uri)
{
	const struct gw_line_target *own = &req->line->own;
	const char *param = gw_line_transports[req->transport].param;
	bool own_domain = !pl_strcasecmp(&uri->host, own->host);

	(void)pl_strcpy(&uri->host, req->host, sizeof(req->host));
	req->port = uri->port;
	if (!own_domain || (uri->port && uri->port != own->port))
		req->target = GW_LINE_FOREIGN;
	else
		req->is_own = !uri->port && req->transport == own->transport &&
			      req->transport != GW_TRANSPORT_TLS;

	if (!str_casecmp(req->host, "localhost")) {
		uint16_t port = uri->port ? uri->port :
					    (own_domain ? own->port : 0);

		str_ncpy(req->host, "127.0.0.1", sizeof(req->host));
		req->port = sip_transp_port(
			gw_line_transports[req->transport].libre, port);
		return re_sdprintf(&req->route, "sip:127.0.0.1:%u%s", req->port,
				   param);
	}

	if (own_domain && !uri->port && own->port) {
		bool ipv6 = strchr(req->host, ':') != NULL;

		req->port = own->port;
		return re_sdprintf(&req->route, "sip:%s%s%s:%u%s",
				   ipv6 ? "[" : "", req->host, ipv6 ? "]" : "",
				   own->port, param);
	}

	return 0;
}

/* is_set: this target, though its TTL be over. */
static int choose_hop(struct gw_line_way_req *req, const struct uri *uri,
		      const char *text, bool is_set)
{
	struct gw_line *line = req->line;
	const struct gw_line_target *target;
	enum gw_transport asked;
	int err;

	target = &line->targets[req->target];
	req->transport = target->transport;

	if (target->route) {
		str_ncpy(req->host, target->host, sizeof(req->host));
		req->port = target->port;
		err = str_dup(&req->route, target->route);
		return err ? err : str_dup(&req->uri, text);
	}

	if (gw_line_transport_of(&asked, &uri->params)) {
		req->transport = asked;
		err = str_dup(&req->uri, text);
	} else {
		err = re_sdprintf(&req->uri, "%s%s", text,
				  gw_line_transports[req->transport].param);
	}

	if (!err)
		err = route_to_uri(req, uri);
	if (!err && req->is_own && (is_set || line->srv_until > tmr_jiffies()))
		lead_to_server(req);
	return err;
}

static int find_way(struct gw_line_way_req **reqp, struct gw_line *line,
		    const char *uri, size_t target, bool is_set,
		    gw_line_way_h *h, void *arg)
{
	struct gw_line_way_req *req;
	struct uri parsed;
	struct pl pl;
	int err;

	pl_set_str(&pl, uri);
	if (uri_decode(&parsed, &pl) || parsed.host.l > GW_LINE_HOST_MAX)
		return EINVAL;

	req = mem_zalloc(sizeof(*req), way_destructor);
	if (!req)
		return ENOMEM;

	req->line = line;
	req->target = target;
	req->h = h;
	req->arg = arg;
	tmr_init(&req->tmr);

	err = choose_hop(req, &parsed, uri, is_set);
	if (err) {
		mem_deref(req);
		return err;
	}

	list_append(&line->ways, &req->le, req);
	req->reqp = reqp;
	*reqp = req;
	locate(req);
	return 0;
}

int gw_line_way(struct gw_line_way_req **reqp, struct gw_line *line,
		const char *uri, gw_line_way_h *h, void *arg)
{
	if (!reqp || !line || !uri || !h)
		return EINVAL;

	return find_way(reqp, line, uri, gw_line_target_pick(line), false, h,
			arg);
}

int gw_line_way_to(struct gw_line_way_req **reqp, struct gw_line *line,
		   size_t target, gw_line_way_h *h, void *arg)
{
	return find_way(reqp, line, line->registrar, target, true, h, arg);
}
