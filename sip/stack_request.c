/* sip/stack_request.c - messages that no transaction knows: whose they are, and
 * what is said to those that are nobody's.
 *
 * libre asks its listeners one after the other; with a listener for each call
 * that would be a walk over all calls for each message. So there are two for
 * each endpoint, and they look the Call-ID up. */
#include "sip/stack_impl.h"

#include <errno.h>

#include "sip/stack_guard.h"

struct gw_stack_route {
	struct le he;
	char *call_id;
	gw_stack_msg_h *h;
	void *arg;
	struct gw_door_bucket came;
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

static struct gw_stack_route *find_route(const struct gw_stack *stack,
					 const struct pl *call_id)
{
	return list_ledata(hash_lookup(stack->routes, hash_joaat_pl(call_id),
				       route_has_call_id,
				       (void *)(uintptr_t)call_id));
}

/* The handler may give its route back: route isn't touched afterwards. */
static bool routed(const struct gw_stack *stack, const struct sip_msg *msg)
{
	const struct gw_stack_route *route = find_route(stack, &msg->callid);

	return route && route->h(msg, route->arg);
}

/* Who comes, and how often ------------------------------------------------- */

/* The sandbox's own stack is on loopback and has to take what we send it. */
static bool is_open(const struct gw_stack *stack)
{
	return !stack || stack->requesth;
}

static bool count(struct gw_stack *stack, bool may_come)
{
	stack->dropped.too_often += !may_come;
	return may_come;
}

static bool may_come(struct gw_stack *stack, const struct sa *src,
		     const struct pl *call_id)
{
	const uint64_t now = tmr_jiffies();
	struct gw_stack_route *route = find_route(stack, call_id);

	return count(stack,
		     route ? gw_door_take(&route->came, GW_STACK_DIALOG_RATE,
					  GW_STACK_DIALOG_BURST, now) :
			     gw_door_admits(stack->door, src, now));
}

/* Before libre has read it. STUN is our own keep-alive's answer, if anything. */
bool gw_stack_datagram(const struct sa *src, const struct gw_guard_facts *facts,
		       void *arg)
{
	const struct gw_stack_endpoint *ep = arg;
	struct gw_stack *stack = ep->stack;

	if (is_open(stack))
		return true;
	if (!facts)
		return count(stack, gw_door_is_friend(stack->door, src) &&
					    gw_door_admits(stack->door, src,
							   tmr_jiffies()));

	return may_come(stack, src, &facts->call_id);
}

bool gw_stack_connection(const struct sa *peer, int fd, void *arg)
{
	const struct gw_stack_endpoint *ep = arg;

	if (is_open(ep->stack) || gw_door_seats(ep->stack->door, peer, fd))
		return true;

	++ep->stack->dropped.connections;
	return false;
}

/* What comes in a stream is counted here, datagrams were before. */
static bool is_too_much(struct gw_stack *stack, const struct sip_msg *msg,
			bool in_dialog)
{
	if (is_open(stack))
		return false;
	if (msg->tp != SIP_TRANSP_UDP &&
	    !may_come(stack, &msg->src, &msg->callid))
		return true;

	return in_dialog &&
	       !count(stack,
		      gw_door_take(&stack->in_dialogs, GW_STACK_DIALOGS_RATE,
				   GW_STACK_DIALOGS_BURST, tmr_jiffies()));
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

/* What has to be in a request before anybody looks at it (RFC 3261 8.1.1), and as
 * much of a body as it says (18.3). */
static bool well_formed(const struct sip_msg *msg)
{
	return pl_u32(&msg->clen) <= mbuf_get_left(msg->mb) &&
	       pl_isset(&msg->callid) && pl_isset(&msg->to.val) &&
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

	/* there is no place to answer to, and nobody is told that it is too much */
	if (!pl_isset(&msg->via.sentby) || is_too_much(stack, msg, in_dialog))
		return true;

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

	struct gw_stack *stack = ep->stack;

	/* what a call of ours does not want to know is nobody else's, either */
	if (find_route(stack, &msg->callid))
		(void)routed(stack, msg);
	else if (stack->strayh)
		stack->strayh(stack, ep->sip, msg, stack->arg);
	return true; /* nobody waits for it any more: dropped */
}
