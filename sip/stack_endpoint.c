/* sip/stack_endpoint.c - one struct sip per local address, and its end.
 *
 * Transactions and sessions hold a struct sip longer than their owners hold the
 * stack: an endpoint that is closed waits until the last one has let go. */
#include "sip/stack_impl.h"

#include <errno.h>

#include "sip/libre/entry.h"

enum { CONN_BUCKETS = 64 };

static bool all_closed(const struct gw_stack *stack)
{
	for (const struct le *le = list_head(&stack->endpoints); le;
	     le = le->next) {
		const struct gw_stack_endpoint *ep = le->data;

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
	struct gw_stack_endpoint *ep = arg;
	struct gw_stack *stack = ep->stack;

	ep->is_closing = false;
	if (!stack)
		tmr_start(&ep->orphaned, 0, free_orphan, ep);
	else if (stack->doneh && all_closed(stack))
		tmr_start(&stack->closing, 0, tell_closed, stack);
}

static void endpoint_destructor(void *arg)
{
	struct gw_stack_endpoint *ep = arg;

	tmr_cancel(&ep->orphaned);
	list_unlink(&ep->le);
	sip_close(ep->sip, true); /* sessions that nobody owns end with it */
	mem_deref(ep->requests);
	mem_deref(ep->responses);
	sip_set_trace_handler(ep->sip, NULL);
	mem_deref(ep->sip);
	mem_deref(ep->entry);
}

/* Gives the endpoint up; while others hold its sip it waits for them alone. */
void gw_stack_endpoint_release(struct gw_stack_endpoint *ep)
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

static int endpoint_alloc(struct gw_stack_endpoint **epp,
			  struct gw_stack *stack, const struct sa *addr)
{
	struct gw_stack_endpoint *ep;
	int err;

	ep = mem_zalloc(sizeof(*ep), endpoint_destructor);
	if (!ep)
		return ENOMEM;

	ep->stack = stack;
	ep->addr = *addr;

	err = sip_alloc(&ep->sip, stack->dnsc, GW_STACK_BUCKETS,
			GW_STACK_BUCKETS, CONN_BUCKETS, stack->user_agent,
			exit_handler, ep);
	if (err)
		goto out;

	sip_set_trace_handler(ep->sip, gw_stack_trace);

	err = gw_entry_alloc(&ep->entry, gw_stack_datagram, gw_stack_connection,
			     ep);
	if (err)
		goto out;

	err = sip_listen(&ep->requests, ep->sip, true, gw_stack_request, ep);
	if (err)
		goto out;

	err = sip_listen(&ep->responses, ep->sip, false, gw_stack_response, ep);
	if (err)
		goto out;

	list_append(&stack->endpoints, &ep->le, ep);
	*epp = ep;

out:
	if (err)
		mem_deref(ep);
	return err;
}

int gw_stack_endpoint_at(struct gw_stack_endpoint **epp, struct gw_stack *stack,
			 const struct sa *addr)
{
	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		struct gw_stack_endpoint *ep = le->data;

		if (sa_cmp(&ep->addr, addr, SA_ADDR)) {
			*epp = ep;
			return 0;
		}
	}

	return endpoint_alloc(epp, stack, addr);
}

void gw_stack_dropped(const struct gw_stack *stack,
		      struct gw_stack_dropped *dropped)
{
	*dropped = stack->dropped;
	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		const struct gw_stack_endpoint *ep = le->data;

		dropped->malformed += gw_entry_malformed(ep->entry);
	}
}

/* Closing ----------------------------------------------------------------- */

static void close_by_force(void *arg)
{
	struct gw_stack *stack = arg;

	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		struct gw_stack_endpoint *ep = le->data;

		sip_close(ep->sip, true);
	}

	tell_closed(stack);
}

void gw_stack_close(struct gw_stack *stack, uint32_t wait_ms,
		    void (*doneh)(void *arg), void *arg)
{
	if (!stack)
		return;

	gw_stack_forget_kept(stack);

	stack->doneh = doneh;
	stack->done_arg = arg;
	tmr_start(&stack->closing, wait_ms, close_by_force, stack);

	for (struct le *le = list_head(&stack->endpoints); le; le = le->next) {
		struct gw_stack_endpoint *ep = le->data;

		/* before: the exit handler may run inside of sip_close() */
		ep->is_closing = true;
		sip_close(ep->sip, false);
	}

	if (all_closed(stack))
		tmr_start(&stack->closing, 0, tell_closed, stack);
}
