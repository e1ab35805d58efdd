/* sip/stack.c - libre's SIP stack, up and down.
 *
 *   struct gw_stack
 *     |-- struct endpoint 192.0.2.7     one per local address we speak from
 *     |     `-- struct sip: UDP, TCP, TLS of that address
 *     |-- struct endpoint 127.0.0.1
 *     |-- routes: Call-ID -> who takes requests and stray responses
 *     `-- taps:   Call-ID -> who is shown every message
 *
 * libre asks its listeners one after the other; with a listener for each call
 * that would be a walk over all calls for each message. So there are two for
 * each endpoint, and they look the Call-ID up.
 *
 * It knows neither calls nor lines. What they need of the wire they ask for. */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include <openssl/ssl.h>
#include <re.h>

#include "sip/stack.h"

enum {
	BUCKETS = 1024,
	CONN_BUCKETS = 64,
	RECEIVE_BUFFER_BYTES = 4 << 20,
	NAMESERVERS_MAX = 4,
	SECRETS_MAX = 4, /* headers with credentials in one message */
	FD_SCAN_MAX = 65536,
	KEEP_MS = 64 * SIP_T1,
	KEEP_SWEEP_MS = 1000,
};

struct listen {
	enum gw_transport transport;
	struct sa addr; /* unset: "auto" */
	uint16_t port;
};

struct gw_stack {
	struct list endpoints;
	struct listen *listens;
	size_t listen_count;
	struct dnsc *dnsc;
	struct tls *tls;
	struct hash *routes;
	struct hash *taps;
	struct mbuf *scratch; /* the redacted copy that a tap is shown */
	char *advertise;
	char *ca_file;
	char *certificate;
	char *user_agent;
	gw_stack_request_h *requesth;
	void *arg;

	struct list kept[KEEP_MS / KEEP_SWEEP_MS + 1]; /* by second of arrival */
	size_t kept_now; /* where arrivals go    */
	struct tmr sweep;

	bool is_closing;
	struct tmr closing;
	void (*doneh)(void *arg);
	void *done_arg;
};

struct endpoint {
	struct le le;
	struct gw_stack *stack; /* NULL: it is gone, somebody still holds sip */
	struct sip *sip;
	struct sip_lsnr *requests;
	struct sip_lsnr *responses;
	struct sa addr; /* without port */
	struct tmr orphaned;
	bool is_up[GW_TRANSPORT_TLS + 1];
	bool is_closing; /* our reference to sip is given away */
};

struct gw_stack_route {
	struct le he;
	char *call_id;
	gw_stack_msg_h *h;
	void *arg;
};

struct gw_stack_tap {
	struct le he;
	char *call_id;
	gw_stack_tap_h *h;
	void *arg;
};

const char gw_stack_allow[] = "INVITE, ACK, CANCEL, OPTIONS, BYE, INFO, UPDATE";

static const enum sip_transp transps[] = {
	[GW_TRANSPORT_UDP] = SIP_TRANSP_UDP,
	[GW_TRANSPORT_TCP] = SIP_TRANSP_TCP,
	[GW_TRANSPORT_TLS] = SIP_TRANSP_TLS,
};

/* Routes and taps --------------------------------------------------------- */

static void route_destructor(void *arg)
{
	struct gw_stack_route *route = arg;

	hash_unlink(&route->he);
	mem_deref(route->call_id);
}

static bool route_has_call_id(struct le *le, void *arg)
{
	const struct gw_stack_route *route = le->data;

	return 0 == pl_strcmp(arg, route->call_id);
}

int gw_stack_route(struct gw_stack_route **routep, struct gw_stack *stack,
		   const char *call_id, gw_stack_msg_h *h, void *arg)
{
	struct gw_stack_route *route;
	int err;

	if (!routep || !stack || !call_id || !h)
		return EINVAL;

	route = mem_zalloc(sizeof(*route), route_destructor);
	if (!route)
		return ENOMEM;

	err = str_dup(&route->call_id, call_id);
	if (err) {
		mem_deref(route);
		return err;
	}

	route->h = h;
	route->arg = arg;
	hash_append(stack->routes, hash_joaat_str(call_id), &route->he, route);
	*routep = route;
	return 0;
}

/* The handler may give its route back: route isn't touched afterwards. */
static bool routed(const struct gw_stack *stack, const struct sip_msg *msg)
{
	const struct gw_stack_route *route;

	route = list_ledata(hash_lookup(
		stack->routes, hash_joaat_pl(&msg->callid), route_has_call_id,
		(void *)(uintptr_t)&msg->callid));

	return route && route->h(msg, route->arg);
}

static void tap_destructor(void *arg)
{
	struct gw_stack_tap *tap = arg;

	hash_unlink(&tap->he);
	mem_deref(tap->call_id);
}

int gw_stack_tap(struct gw_stack_tap **tapp, struct gw_stack *stack,
		 const char *call_id, gw_stack_tap_h *h, void *arg)
{
	struct gw_stack_tap *tap;
	int err;

	if (!tapp || !stack || !call_id || !h)
		return EINVAL;

	tap = mem_zalloc(sizeof(*tap), tap_destructor);
	if (!tap)
		return ENOMEM;

	err = str_dup(&tap->call_id, call_id);
	if (err) {
		mem_deref(tap);
		return err;
	}

	tap->h = h;
	tap->arg = arg;
	hash_append(stack->taps, hash_joaat_str(call_id), &tap->he, tap);
	*tapp = tap;
	return 0;
}

/* What the tap has to know of a message: read in one pass over its header. */
struct skimmed {
	struct pl call_id;
	struct pl secrets[SECRETS_MAX]; /* values of headers that authorise */
	size_t secret_count;
	bool too_many_secrets;
};

/* The value of a header line if it is called name (or its compact form). */
static bool value_of(struct pl *value, const struct pl *line, const char *name,
		     char compact)
{
	size_t len = strlen(name);
	const char *p = line->p, *end = line->p + line->l;

	if (line->l > len && 0 == strncasecmp(p, name, len))
		p += len;
	else if (compact && (*p | 0x20) == compact)
		p += 1;
	else
		return false;

	while (p < end && (*p == ' ' || *p == '\t'))
		++p;
	if (p == end || *p != ':')
		return false;
	++p;
	while (p < end && (*p == ' ' || *p == '\t'))
		++p;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		--end;

	value->p = p;
	value->l = (size_t)(end - p);
	return true;
}

/* One header line with the lines it is folded over, without the last CRLF.
 * Returns where the next one starts, NULL at the end of the header. */
static const char *next_line(struct pl *line, const char *p, const char *end)
{
	const char *eol = p;

	do {
		eol = memchr(eol, '\n', (size_t)(end - eol));
		if (!eol)
			return NULL;
		++eol;
	} while (eol < end && (*eol == ' ' || *eol == '\t'));

	line->p = p;
	line->l = (size_t)(eol - 1 - p);
	if (line->l && p[line->l - 1] == '\r')
		--line->l;

	return line->l ? eol : NULL;
}

static void skim(struct skimmed *skimmed, const char *text, size_t len)
{
	const char *p = text, *end = text + len;
	struct pl line, value;

	memset(skimmed, 0, sizeof(*skimmed));

	while ((p = next_line(&line, p, end))) {
		if (value_of(&value, &line, "Call-ID", 'i')) {
			skimmed->call_id = value;
			continue;
		}

		if (!value_of(&value, &line, "Authorization", 0) &&
		    !value_of(&value, &line, "Proxy-Authorization", 0))
			continue;

		if (skimmed->secret_count < SECRETS_MAX)
			skimmed->secrets[skimmed->secret_count++] = value;
		else
			skimmed->too_many_secrets = true;
	}
}

static int redact(struct mbuf *mb, const char *text, size_t len,
		  const struct skimmed *skimmed)
{
	const char *p = text;
	int err = 0;

	if (skimmed->too_many_secrets)
		return EOVERFLOW;

	mbuf_rewind(mb);
	for (size_t i = 0; i < skimmed->secret_count; i++) {
		const struct pl *secret = &skimmed->secrets[i];

		err |= mbuf_write_mem(mb, (const uint8_t *)p,
				      (size_t)(secret->p - p));
		err |= mbuf_write_str(mb, "***");
		p = secret->p + secret->l;
	}
	err |= mbuf_write_mem(mb, (const uint8_t *)p, (size_t)(text + len - p));

	return err;
}

/* libre's trace: every message as it leaves or comes, in one piece. */
static void trace(bool tx, enum sip_transp tp, const struct sa *src,
		  const struct sa *dst, const uint8_t *pkt, size_t len,
		  void *arg)
{
	const struct endpoint *ep = arg;
	struct gw_stack *stack = ep->stack;
	const char *text = (const char *)pkt;
	struct skimmed skimmed;
	bool redacted = false;
	struct le *le;
	(void)tp;
	(void)src;
	(void)dst;

	skim(&skimmed, text, len);
	if (!skimmed.call_id.p)
		return;

	le = list_head(hash_list(stack->taps, hash_joaat_pl(&skimmed.call_id)));
	while (le) {
		const struct gw_stack_tap *tap = le->data;

		le = le->next;
		if (pl_strcmp(&skimmed.call_id, tap->call_id))
			continue;

		if (skimmed.secret_count && !redacted) {
			/* rather nothing than a secret */
			if (redact(stack->scratch, text, len, &skimmed))
				return;
			text = (const char *)stack->scratch->buf;
			len = stack->scratch->end;
			redacted = true;
		}
		tap->h(tx, text, len, tap->arg);
	}
}

/* Stragglers --------------------------------------------------------------- */

/* A wheel: one list for each second, the oldest is emptied as the next begins.
 * No timer of its own for each of thousands of ended calls. */
static void sweep(void *arg)
{
	struct gw_stack *stack = arg;
	bool any = false;

	stack->kept_now = (stack->kept_now + 1) % ARRAY_SIZE(stack->kept);
	list_flush(&stack->kept[stack->kept_now]);

	for (size_t i = 0; i < ARRAY_SIZE(stack->kept); i++)
		any |= !list_isempty(&stack->kept[i]);
	if (any)
		tmr_start(&stack->sweep, KEEP_SWEEP_MS, sweep, stack);
}

void gw_stack_keep(struct gw_stack *stack, struct le *le, void *obj)
{
	if (!stack || stack->is_closing) {
		mem_deref(obj);
		return;
	}

	list_append(&stack->kept[stack->kept_now], le, obj);
	if (!tmr_isrunning(&stack->sweep))
		tmr_start(&stack->sweep, KEEP_SWEEP_MS, sweep, stack);
}

static void forget_kept(struct gw_stack *stack)
{
	stack->is_closing = true;
	tmr_cancel(&stack->sweep);
	for (size_t i = 0; i < ARRAY_SIZE(stack->kept); i++)
		list_flush(&stack->kept[i]);
}

/* Requests from outside --------------------------------------------------- */

/* RFC 3261 8.2.7: who answers without a transaction gives the same To tag to
 * the same request; libre would draw a new one for each repetition. */
static void settle_tag(const struct sip_msg *msg)
{
	struct sip_msg *mine = (struct sip_msg *)(uintptr_t)msg;

	mine->tag = (uint64_t)hash_joaat_pl(&msg->via.branch) << 32 |
		    hash_joaat_pl(&msg->callid);
}

static void refuse_method(struct sip *sip, const struct sip_msg *msg)
{
	(void)sip_replyf(sip, msg, 405, "Method Not Allowed",
			 "Allow: %s\r\nContent-Length: 0\r\n\r\n",
			 gw_stack_allow);
}

static void answer_options(struct sip *sip, const struct sip_msg *msg)
{
	(void)sip_replyf(sip, msg, 200, "OK",
			 "Allow: %s\r\n"
			 "Accept: application/sdp\r\n"
			 "Supported: 100rel\r\n"
			 "Content-Length: 0\r\n\r\n",
			 gw_stack_allow);
}

/* What has to be in a request before anybody looks at it (RFC 3261 8.1.1). */
static bool well_formed(const struct sip_msg *msg)
{
	return pl_isset(&msg->callid) && pl_isset(&msg->to.val) &&
	       pl_isset(&msg->from.tag) && pl_isset(&msg->via.branch) &&
	       0 == pl_cmp(&msg->cseq.met, &msg->met);
}

static bool request_handler(const struct sip_msg *msg, void *arg)
{
	const struct endpoint *ep = arg;
	struct gw_stack *stack = ep->stack;
	bool in_dialog = pl_isset(&msg->to.tag);

	if (0 == pl_strcmp(&msg->met, "ACK")) {
		(void)routed(stack, msg);
		return true; /* never answered */
	}

	settle_tag(msg);

	if (!well_formed(msg)) {
		(void)sip_reply(ep->sip, msg, 400, "Bad Request");
		return true;
	}

	if (in_dialog) {
		if (!routed(stack, msg))
			(void)sip_reply(ep->sip, msg, 481,
					"Call/Transaction Does Not Exist");
		return true;
	}

	if (stack->requesth && stack->requesth(ep->sip, msg, stack->arg))
		return true;

	if (0 == pl_strcmp(&msg->met, "INVITE"))
		(void)sip_reply(ep->sip, msg, 480, "Temporarily Unavailable");
	else if (0 == pl_strcmp(&msg->met, "OPTIONS"))
		answer_options(ep->sip, msg);
	else if (0 == pl_strcmp(&msg->met, "CANCEL") ||
		 0 == pl_strcmp(&msg->met, "BYE") ||
		 0 == pl_strcmp(&msg->met, "NOTIFY"))
		(void)sip_reply(ep->sip, msg, 481,
				"Call/Transaction Does Not Exist");
	else
		refuse_method(ep->sip, msg);

	return true;
}

static bool response_handler(const struct sip_msg *msg, void *arg)
{
	const struct endpoint *ep = arg;

	(void)routed(ep->stack, msg);
	return true; /* nobody waits for it any more: dropped */
}

/* Transports -------------------------------------------------------------- */

/* The UDP socket takes the answers to all calls; a burst after a stall of the
 * disk must not overflow it. libre keeps the fd to itself. */
static void widen_receive_buffer(const struct sa *laddr)
{
	const int bytes = RECEIVE_BUFFER_BYTES;
	long fd_max = sysconf(_SC_OPEN_MAX);

	if (fd_max < 0 || fd_max > FD_SCAN_MAX)
		fd_max = FD_SCAN_MAX;

	for (int fd = 0; fd < (int)fd_max; fd++) {
		struct sa addr;
		int type = 0;
		socklen_t len = sizeof(type);

		sa_init(&addr, AF_UNSPEC);
		addr.len = sizeof(addr.u);
		if (getsockname(fd, &addr.u.sa, &addr.len) ||
		    !sa_cmp(&addr, laddr, SA_ALL))
			continue;
		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
		    type != SOCK_DGRAM)
			continue;

		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
			       sizeof(bytes)))
			(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes,
					 sizeof(bytes));
		return;
	}
}

static int tls_context(struct gw_stack *stack)
{
	struct tls *tls;
	int err;

	if (stack->tls)
		return 0;
	if (!stack->ca_file)
		return ENOTSUP;

	err = tls_alloc(&tls, TLS_METHOD_SSLV23, stack->certificate, NULL);
	if (err)
		return err;

	err = tls_add_ca(tls, stack->ca_file);
	if (err)
		goto out;

	if (1 != SSL_CTX_set_min_proto_version(tls_openssl_context(tls),
					       TLS1_2_VERSION))
		err = ENOTSUP;

out:
	if (err)
		mem_deref(tls);
	else
		stack->tls = tls;
	return err;
}

static int transport_up(struct endpoint *ep, enum gw_transport transport,
			uint16_t port, bool any_port_will_do)
{
	enum sip_transp tp = transps[transport];
	struct sa laddr = ep->addr;
	int err;

	if (ep->is_up[transport])
		return 0;

	if (transport == GW_TRANSPORT_TLS) {
		err = tls_context(ep->stack);
		if (err)
			return err;
	}

	sa_set_port(&laddr, port);
	err = sip_transp_add(ep->sip, tp, &laddr, ep->stack->tls);
	if (err == EADDRINUSE && any_port_will_do && port) {
		sa_set_port(&laddr, 0);
		err = sip_transp_add(ep->sip, tp, &laddr, ep->stack->tls);
	}
	if (err)
		return err;

	ep->is_up[transport] = true;
	if (transport == GW_TRANSPORT_UDP &&
	    0 == sip_transp_laddr(ep->sip, &laddr, tp, &ep->addr))
		widen_receive_buffer(&laddr);

	return 0;
}

/* Endpoints --------------------------------------------------------------- */

static bool all_closed(const struct gw_stack *stack)
{
	for (const struct le *le = list_head(&stack->endpoints); le;
	     le = le->next) {
		const struct endpoint *ep = le->data;

		if (ep->is_closing)
			return false;
	}

	return true;
}

static void tell_closed(void *arg)
{
	struct gw_stack *stack = arg;
	void (*doneh)(void *) = stack->doneh;

	tmr_cancel(&stack->closing);
	stack->doneh = NULL;
	if (doneh)
		doneh(stack->done_arg);
}

static void free_orphan(void *arg)
{
	mem_deref(arg);
}

/* The last one who held sip has let go; it has come back to us. What follows
 * waits for the next turn: this runs inside of sip's own mem_deref(). */
static void exit_handler(void *arg)
{
	struct endpoint *ep = arg;
	struct gw_stack *stack = ep->stack;

	ep->is_closing = false;
	if (!stack)
		tmr_start(&ep->orphaned, 0, free_orphan, ep);
	else if (stack->doneh && all_closed(stack))
		tmr_start(&stack->closing, 0, tell_closed, stack);
}

static void endpoint_destructor(void *arg)
{
	struct endpoint *ep = arg;

	tmr_cancel(&ep->orphaned);
	list_unlink(&ep->le);
	sip_close(ep->sip, true); /* sessions that nobody owns end with it */
	mem_deref(ep->requests);
	mem_deref(ep->responses);
	sip_set_trace_handler(ep->sip, NULL);
	mem_deref(ep->sip);
}

/* Gives the endpoint up; while others hold its sip it waits for them alone. */
static void endpoint_release(struct endpoint *ep)
{
	if (!ep->is_closing) {
		mem_deref(ep);
		return;
	}

	list_unlink(&ep->le);
	ep->requests = mem_deref(ep->requests);
	ep->responses = mem_deref(ep->responses);
	sip_set_trace_handler(ep->sip, NULL);
	ep->stack = NULL;
}

static int endpoint_alloc(struct endpoint **epp, struct gw_stack *stack,
			  const struct sa *addr)
{
	struct endpoint *ep;
	int err;

	ep = mem_zalloc(sizeof(*ep), endpoint_destructor);
	if (!ep)
		return ENOMEM;

	ep->stack = stack;
	ep->addr = *addr;

	err = sip_alloc(&ep->sip, stack->dnsc, BUCKETS, BUCKETS, CONN_BUCKETS,
			stack->user_agent, exit_handler, ep);
	if (err)
		goto out;

	sip_set_trace_handler(ep->sip, trace);

	err = sip_listen(&ep->requests, ep->sip, true, request_handler, ep);
	if (err)
		goto out;

	err = sip_listen(&ep->responses, ep->sip, false, response_handler, ep);
	if (err)
		goto out;

	list_append(&stack->endpoints, &ep->le, ep);
	*epp = ep;

out:
	if (err)
		mem_deref(ep);
	return err;
}

static int endpoint_at(struct endpoint **epp, struct gw_stack *stack,
		       const struct sa *addr)
{
	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		struct endpoint *ep = le->data;

		if (sa_cmp(&ep->addr, addr, SA_ADDR)) {
			*epp = ep;
			return 0;
		}
	}

	return endpoint_alloc(epp, stack, addr);
}

/* The address we would send from: a connected UDP socket knows, no packet
 * leaves. */
static int source_towards(struct sa *addr, const struct sa *dst)
{
	struct sa to = *dst;
	int fd, err = 0;

	if (!sa_port(&to))
		sa_set_port(&to, SIP_PORT);

	fd = socket(sa_af(&to), SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return errno;

	sa_init(addr, sa_af(&to));
	addr->len = sizeof(addr->u);
	if (connect(fd, &to.u.sa, to.len) ||
	    getsockname(fd, &addr->u.sa, &addr->len))
		err = errno;
	else
		sa_set_port(addr, 0);

	(void)close(fd);
	return err;
}

/* How well a line of the configuration serves; 0: not at all. */
static int fitness(const struct listen *listen, const struct sa *source)
{
	if (!sa_isset(&listen->addr, SA_ADDR))
		return 2;
	if (sa_cmp(&listen->addr, source, SA_ADDR))
		return 3;
	return sa_af(&listen->addr) == sa_af(source) ? 1 : 0;
}

static const struct listen *best_listen(const struct gw_stack *stack,
					const struct sa *source,
					enum gw_transport transport,
					bool any_transport)
{
	const struct listen *best = NULL;
	int best_fitness = 0;

	for (size_t i = 0; i < stack->listen_count; i++) {
		const struct listen *listen = &stack->listens[i];
		int fit = fitness(listen, source);

		if (!any_transport && listen->transport != transport)
			continue;
		if (fit > best_fitness) {
			best = listen;
			best_fitness = fit;
		}
	}

	return best;
}

int gw_stack_sip(struct sip **sipp, struct sa *laddrp, struct gw_stack *stack,
		 enum gw_transport transport, const struct sa *dst)
{
	const struct listen *listen;
	struct endpoint *ep;
	struct sa addr;
	uint16_t port;
	bool is_auto;
	int err;

	if (!sipp || !stack || !dst)
		return EINVAL;

	err = source_towards(&addr, dst);
	if (err)
		return err;

	listen = best_listen(stack, &addr, transport, false);
	port = listen ? listen->port : 0;
	if (!listen)
		listen = best_listen(stack, &addr, transport, true);
	if (!listen)
		return EAFNOSUPPORT;

	is_auto = !sa_isset(&listen->addr, SA_ADDR);
	err = endpoint_at(&ep, stack, is_auto ? &addr : &listen->addr);
	if (err)
		return err;

	err = transport_up(ep, transport, port, is_auto);
	if (err)
		return err;

	if (laddrp) {
		err = sip_transp_laddr(ep->sip, laddrp, transps[transport],
				       &ep->addr);
		if (err)
			return err;
	}

	*sipp = ep->sip;
	return 0;
}

/* The whole --------------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_stack *stack = arg;

	tmr_cancel(&stack->closing);
	stack->doneh = NULL;
	forget_kept(stack);
	while (stack->endpoints.head)
		endpoint_release(list_ledata(stack->endpoints.head));
	/* routes and taps belong to their owners, who may outlive us */
	hash_clear(stack->routes);
	hash_clear(stack->taps);
	mem_deref(stack->routes);
	mem_deref(stack->taps);
	mem_deref(stack->listens);
	mem_deref(stack->dnsc);
	mem_deref(stack->tls);
	mem_deref(stack->scratch);
	mem_deref(stack->advertise);
	mem_deref(stack->ca_file);
	mem_deref(stack->certificate);
	mem_deref(stack->user_agent);
}

static int copy_cfg(struct gw_stack *stack, const struct gw_stack_cfg *cfg)
{
	int err = 0;

	if (cfg->advertise)
		err |= str_dup(&stack->advertise, cfg->advertise);
	if (cfg->ca_file)
		err |= str_dup(&stack->ca_file, cfg->ca_file);
	if (cfg->certificate)
		err |= str_dup(&stack->certificate, cfg->certificate);
	if (cfg->user_agent)
		err |= str_dup(&stack->user_agent, cfg->user_agent);
	if (err)
		return ENOMEM;

	stack->requesth = cfg->requesth;
	stack->arg = cfg->arg;
	return 0;
}

static int copy_listens(struct gw_stack *stack, const struct gw_stack_cfg *cfg)
{
	stack->listens =
		mem_zalloc((cfg->listen_count ? cfg->listen_count : 1) *
				   sizeof(*stack->listens),
			   NULL);
	if (!stack->listens)
		return ENOMEM;

	for (size_t i = 0; i < cfg->listen_count; i++) {
		const struct gw_stack_listen *from = &cfg->listen[i];
		struct listen *to = &stack->listens[i];

		to->transport = from->transport;
		to->port = from->port;
		sa_init(&to->addr, AF_UNSPEC);
		if (from->address && strcmp(from->address, "auto") &&
		    (sa_set_str(&to->addr, from->address, 0) ||
		     sa_is_any(&to->addr)))
			return EINVAL;
	}

	stack->listen_count = cfg->listen_count;
	return 0;
}

/* Without a nameserver calls to numeric addresses still work. */
static void dns_up(struct gw_stack *stack)
{
	struct sa servers[NAMESERVERS_MAX];
	uint32_t n = ARRAY_SIZE(servers);
	char domain[256];

	if (dns_srv_get(domain, sizeof(domain), servers, &n) || !n)
		return;

	(void)dnsc_alloc(&stack->dnsc, NULL, servers, n);
}

static int bind_numeric(struct gw_stack *stack)
{
	for (size_t i = 0; i < stack->listen_count; i++) {
		const struct listen *listen = &stack->listens[i];
		struct endpoint *ep;
		int err;

		if (!sa_isset(&listen->addr, SA_ADDR))
			continue;

		err = endpoint_at(&ep, stack, &listen->addr);
		if (err)
			return err;

		err = transport_up(ep, listen->transport, listen->port, false);
		if (err)
			return err;
	}

	return 0;
}

int gw_stack_alloc(struct gw_stack **stackp, const struct gw_stack_cfg *cfg)
{
	struct gw_stack *stack;
	int err;

	if (!stackp || !cfg)
		return EINVAL;

	stack = mem_zalloc(sizeof(*stack), destructor);
	if (!stack)
		return ENOMEM;

	err = copy_cfg(stack, cfg);
	if (err)
		goto out;

	err = copy_listens(stack, cfg);
	if (err)
		goto out;

	stack->scratch = mbuf_alloc(1024);
	if (!stack->scratch) {
		err = ENOMEM;
		goto out;
	}

	err = hash_alloc(&stack->routes, BUCKETS);
	if (err)
		goto out;

	err = hash_alloc(&stack->taps, BUCKETS);
	if (err)
		goto out;

	dns_up(stack);

	err = bind_numeric(stack);

out:
	if (err)
		mem_deref(stack);
	else
		*stackp = stack;
	return err;
}

struct dnsc *gw_stack_dns(struct gw_stack *stack)
{
	return stack ? stack->dnsc : NULL;
}

const char *gw_stack_advertise(const struct gw_stack *stack)
{
	return stack ? stack->advertise : NULL;
}

const char *gw_stack_user_agent(const struct gw_stack *stack)
{
	return stack ? stack->user_agent : NULL;
}

static void close_by_force(void *arg)
{
	struct gw_stack *stack = arg;

	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		struct endpoint *ep = le->data;

		sip_close(ep->sip, true);
	}

	tell_closed(stack);
}

void gw_stack_close(struct gw_stack *stack, uint32_t wait_ms,
		    void (*doneh)(void *arg), void *arg)
{
	if (!stack)
		return;

	forget_kept(stack);

	stack->doneh = doneh;
	stack->done_arg = arg;
	tmr_start(&stack->closing, wait_ms, close_by_force, stack);

	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		struct endpoint *ep = le->data;

		/* before: the exit handler may run inside of sip_close() */
		ep->is_closing = true;
		sip_close(ep->sip, false);
	}

	if (all_closed(stack))
		tmr_start(&stack->closing, 0, tell_closed, stack);
}
