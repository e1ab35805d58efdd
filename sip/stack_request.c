/* sip/stack_request.c - messages that no transaction knows: whose they are, and
 * what is said to those that are nobody's.
 *
 * libre asks its listeners one after the other; with a listener for each call
 * that would be a walk over all calls for each message. So there are two for
 * each endpoint, and they look the Call-ID up. */
#include "sip/stack_impl.h"

#include <errno.h>

struct gw_stack_route {
	struct le he;
	char *call_id;
	gw_stack_msg_h *h;
	void *arg;
};

const char gw_stack_allow[] =
	"INVITE, ACK, CANCEL, OPTIONS, BYE, INFO, UPDATE, REFER, NOTIFY";

/* Routes ------------------------------------------------------------------ */

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

/* Requests and stray responses -------------------------------------------- */

/* RFC 3261 8.2.7: who answers without a transaction gives the same To tag to
 * the same request; libre would draw a new one for each repetition. */
static void settle_tag(const struct sip_msg *msg)
{
	struct sip_msg *mine = (struct sip_msg *)(uintptr_t)msg;

	mine->tag = (uint64_t)hash_joaat_pl(&msg->via.branch) << 32 |
		    hash_joaat_pl(&msg->callid);
}

/* What we know, but not outside of a dialog: Allow names these, 405 would not be
 * true of them. */
static const struct {
	const char *method;
	uint16_t code;
	const char *reason;
} outside[] = {
	{ "INVITE", 480, "Temporarily Unavailable" },
	{ "REFER", 403, "Forbidden" },
	{ "CANCEL", 481, "Call/Transaction Does Not Exist" },
	{ "BYE", 481, "Call/Transaction Does Not Exist" },
	{ "INFO", 481, "Call/Transaction Does Not Exist" },
	{ "NOTIFY", 481, "Call/Transaction Does Not Exist" },
	{ "UPDATE", 481, "Call/Transaction Does Not Exist" },
};

static void refuse_outside(struct sip *sip, const struct sip_msg *msg)
{
	for (size_t i = 0; i < ARRAY_SIZE(outside); i++) {
		if (pl_strcmp(&msg->met, outside[i].method))
			continue;
		(void)sip_reply(sip, msg, outside[i].code, outside[i].reason);
		return;
	}

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

bool gw_stack_request(const struct sip_msg *msg, void *arg)
{
	const struct gw_stack_endpoint *ep = arg;
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

	if (0 == pl_strcmp(&msg->met, "OPTIONS"))
		answer_options(ep->sip, msg);
	else
		refuse_outside(ep->sip, msg);

	return true;
}

bool gw_stack_response(const struct sip_msg *msg, void *arg)
{
	const struct gw_stack_endpoint *ep = arg;

	(void)routed(ep->stack, msg);
	return true; /* nobody waits for it any more: dropped */
}
