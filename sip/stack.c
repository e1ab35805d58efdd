/* sip/stack.c - libre's SIP stack, up and down.
 *
 *   struct gw_stack
 *     |-- endpoint 192.0.2.7            one per local address we speak from
 *     |     `-- struct sip: UDP, TCP, TLS of that address
 *     |-- endpoint 127.0.0.1
 *     |-- routes: Call-ID -> who takes requests and stray responses
 *     |-- taps:   Call-ID -> who is shown every message
 *     `-- kept:   ended sessions that stragglers may still ask for
 *
 *   stack.c            this: the copied configuration, DNS, stragglers
 *   stack_endpoint.c   the endpoints, and how they are closed
 *   stack_transport.c  which address and transport reach somebody; TLS
 *   stack_door.c       how often somebody may come, known or not
 *   stack_guard.c      bytes that no parser should see (by sip/libre/entry.c)
 *   stack_request.c    whose a message is, and what nobody's is told
 *   stack_tap.c        messages as text for those who watch a Call-ID
 *
 * It knows neither calls nor lines. What they need of the wire they ask for. */
#include "sip/stack_impl.h"

#include <errno.h>
#include <string.h>

enum { NAMESERVERS_MAX = 4 };

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
		tmr_start(&stack->sweep, GW_STACK_SWEEP_MS, sweep, stack);
}

void gw_stack_keep(struct gw_stack *stack, struct le *le, void *obj)
{
	if (!stack || stack->is_closing) {
		mem_deref(obj);
		return;
	}

	list_append(&stack->kept[stack->kept_now], le, obj);
	if (!tmr_isrunning(&stack->sweep))
		tmr_start(&stack->sweep, GW_STACK_SWEEP_MS, sweep, stack);
}

void gw_stack_forget_kept(struct gw_stack *stack)
{
	stack->is_closing = true;
	tmr_cancel(&stack->sweep);
	for (size_t i = 0; i < ARRAY_SIZE(stack->kept); i++)
		list_flush(&stack->kept[i]);
}

/* The whole --------------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_stack *stack = arg;

	tmr_cancel(&stack->closing);
	stack->doneh = NULL;
	gw_stack_forget_kept(stack);
	while (stack->endpoints.head)
		gw_stack_endpoint_release(list_ledata(stack->endpoints.head));
	/* routes and taps belong to their owners, who may outlive us */
	hash_clear(stack->routes);
	hash_clear(stack->taps);
	mem_deref(stack->routes);
	mem_deref(stack->taps);
	mem_deref(stack->listens);
	mem_deref(stack->dnsc);
	mem_deref(stack->tls);
	mem_deref(stack->door);
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

	stack->ports_may_move = cfg->ports_may_move;
	stack->requesth = cfg->requesth;
	stack->strayh = cfg->strayh;
	stack->has_secret = cfg->secret != NULL;
	if (cfg->secret)
		memcpy(stack->secret, cfg->secret, sizeof(stack->secret));
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
		struct gw_stack_place *to = &stack->listens[i];

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
		const struct gw_stack_place *listen = &stack->listens[i];
		struct gw_stack_endpoint *ep;
		int err;

		if (!sa_isset(&listen->addr, SA_ADDR))
			continue;

		err = gw_stack_endpoint_at(&ep, stack, &listen->addr);
		if (err)
			return err;

		err = gw_stack_transport_up(ep, listen->transport, listen->port,
					    false);
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

	err = gw_door_alloc(&stack->door);
	if (err)
		goto out;

	err = hash_alloc(&stack->routes, GW_STACK_BUCKETS);
	if (err)
		goto out;

	err = hash_alloc(&stack->taps, GW_STACK_BUCKETS);
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

uint16_t gw_stack_port(const struct gw_stack *stack,
		       enum gw_transport transport)
{
	for (size_t i = 0; i < stack->listen_count; i++) {
		const struct gw_stack_place *listen = &stack->listens[i];

		if (listen->transport == transport &&
		    !sa_isset(&listen->addr, SA_ADDR))
			return listen->port;
	}

	return 0;
}

struct dnsc *gw_stack_dns(struct gw_stack *stack)
{
	return stack ? stack->dnsc : NULL;
}

const char *gw_stack_advertise(const struct gw_stack *stack)
{
	return stack ? stack->advertise : NULL;
}

const uint8_t *gw_stack_secret(const struct gw_stack *stack)
{
	return stack->has_secret ? stack->secret : NULL;
}

const char *gw_stack_user_agent(const struct gw_stack *stack)
{
	return stack ? stack->user_agent : NULL;
}
