/* sip/call_do.c - what call_fsm says is to be done, one function for each bit. */
#include "sip/call_impl.h"

#include "sip/call_fsm.h"
#include <errno.h>

static void wait_for_line(struct gw_call *call)
{
	if (gw_call_watch_lines(call)) {
		gw_call_end_by(call, GW_CAUSE_INTERNAL_ERROR,
			       GW_ENDED_BY_GATEWAY);
		return;
	}

	gw_call_tell(call, GW_EV_CALL_WAITING);
}

/* What the other one took comes first in its offer. */
static const char *codec_for(const struct gw_call *call, enum gw_role role)
{
	const struct gw_leg *other =
		call->party[role == GW_ROLE_FROM ? GW_ROLE_TO : GW_ROLE_FROM];

	return other ? gw_leg_codec(other) : NULL;
}

int gw_call_add_leg(struct gw_leg **legp, struct gw_call *call,
		    enum gw_role role, const char *uri, struct gw_line *line)
{
	const bool two = gw_call_has_two(call);
	const bool is_from = role == GW_ROLE_FROM;
	const struct gw_leg_cfg cfg = {
		.role = role,
		.origin_ms = call->origin_ms,
		.order = &call->order,
		.line = line,
		.uri = uri,
		.browser = gw_call_is_browser(call, role) &&
					   !call->party[role] ?
				   call->order.browser :
				   NULL,
		.codec = codec_for(call, role),
		.ilbc_last = two,
		.shows_to = two && is_from &&
			    !call->order.show_caller_id_to_from,
		.auto_answer = call->order.auto_answer && is_from == two,
		.media = call->media,
		.newsh = gw_call_leg_news,
		.wireh = gw_call_leg_wire,
		.referredh = two ? gw_call_leg_referred : NULL,
		.recordedh = gw_call_leg_recorded,
		.arg = call,
		.order_arg = call->arg,
	};
	int err;

	if (call->leg_count >= ARRAY_SIZE(call->legs))
		return ENOTSUP;

	err = gw_leg_alloc(&call->legs[call->leg_count], &cfg);
	if (!err)
		*legp = call->legs[call->leg_count++];
	return err;
}

static struct gw_leg *dial(struct gw_call *call, enum gw_role role)
{
	const char *uri = role == GW_ROLE_FROM ? call->order.from :
						 call->order.to;
	struct gw_leg *leg;

	if (gw_call_add_leg(&leg, call, role, uri,
			    gw_call_line_of(call, role))) {
		gw_call_end_by(call, GW_CAUSE_INTERNAL_ERROR,
			       GW_ENDED_BY_GATEWAY);
		return NULL;
	}

	call->party[role] = leg;
	gw_leg_start(leg);
	return leg;
}

static void dial_first(struct gw_call *call)
{
	gw_call_unwatch_lines(call);
	(void)dial(call, call->first);
}

static void greet_first(struct gw_call *call)
{
	gw_call_greet(call, gw_call_first(call));
}

static void dial_second(struct gw_call *call)
{
	const enum gw_role role = call->first == GW_ROLE_FROM ? GW_ROLE_TO :
								GW_ROLE_FROM;
	struct gw_leg *leg;

	/* it may have been lost while the first one rang */
	if (!gw_call_is_browser(call, role) &&
	    !gw_call_line_hopes(gw_call_line_of(call, role))) {
		gw_call_end_by(call, GW_CAUSE_LINE_NOT_REGISTERED,
			       GW_ENDED_BY_LINE);
		return;
	}

	leg = dial(call, role);
	if (leg)
		gw_call_ring_back(call, leg);
}

static void ring_second(struct gw_call *call)
{
	if (!gw_call_refer_first(call))
		dial_second(call);
}

static void hand_over(struct gw_call *call)
{
	call->info.handed_over = true;
}

static void limit_time(struct gw_call *call)
{
	tmr_start(&call->limit, (uint64_t)call->order.time_limit_s * 1000,
		  gw_call_limit_reached, call);
}

static void tell_ringing(struct gw_call *call)
{
	call->info.ringing_at_ms = gw_moment_ms(call->origin_ms);
	call->info.status = GW_STATUS_RINGING;
	gw_call_tell(call, GW_EV_CALL_RINGING);
}

static void tell_answered(struct gw_call *call)
{
	call->info.answered_at_ms = gw_moment_ms(call->origin_ms);
	call->info.status = GW_STATUS_IN_PROGRESS;
	gw_call_tell(call, GW_EV_CALL_ANSWERED);
}

static void tell_bridged(struct gw_call *call)
{
	call->info.bridged_at_ms = gw_moment_ms(call->origin_ms);
	gw_call_tell(call, GW_EV_CALL_BRIDGED);
}

/* With two legs it has been played before. */
static void announce(struct gw_call *call)
{
	if (gw_call_has_two(call) || !call->order.announce ||
	    gw_leg_play(call->legs[0], call->order.announce))
		return;

	gw_call_tell_leg(call, GW_EV_CALL_PLAYBACK_STARTED, call->legs[0]);
}

static void go_on(struct gw_call *call)
{
	struct gw_leg *to = call->party[GW_ROLE_TO];

	if (call->order.record)
		(void)gw_call_record(call, true);
	if (call->order.send_digits && to)
		(void)gw_leg_press(to, call->order.send_digits);
	gw_call_look_at_holds(call);
	gw_call_go_direct(call);
}

/* Of one leg there is nothing to say which. */
static void tell_about(struct gw_call *call, enum gw_call_event_type type)
{
	if (call->about && gw_call_has_two(call))
		gw_call_tell_leg(call, type, call->about);
	else
		gw_call_tell(call, type);
}

static void tell_hold(struct gw_call *call)
{
	tell_about(call, GW_EV_CALL_HOLD);
}

static void tell_unhold(struct gw_call *call)
{
	tell_about(call, GW_EV_CALL_UNHOLD);
}

static const struct {
	unsigned bit;
	void (*h)(struct gw_call *call);
} todos[] = {
	{ GW_DO_WAIT_FOR_LINE, wait_for_line },
	{ GW_DO_DIAL_FIRST, dial_first },
	{ GW_DO_TELL_RINGING, tell_ringing },
	{ GW_DO_GREET_FIRST, greet_first },
	{ GW_DO_RING_SECOND, ring_second },
	{ GW_DO_DIAL_SECOND, dial_second },
	{ GW_DO_HAND_OVER, hand_over },
	{ GW_DO_TELL_ANSWERED, tell_answered },
	{ GW_DO_LIMIT_TIME, limit_time },
	{ GW_DO_BRIDGE, gw_call_bridge },
	{ GW_DO_TELL_BRIDGED, tell_bridged },
	{ GW_DO_ANNOUNCE, announce },
	{ GW_DO_GO_ON, go_on },
	{ GW_DO_TELL_HOLD, tell_hold },
	{ GW_DO_TELL_UNHOLD, tell_unhold },
	{ GW_DO_RELEASE, gw_call_release_legs },
	{ GW_DO_TELL_ENDED, gw_call_tell_ended },
};

/* A handler of ours may hang the call up while the list is being done: what was
 * to follow then is not true any more. */
void gw_call_apply(struct gw_call *call, enum gw_call_input input)
{
	unsigned todo;
	const enum gw_call_state next = gw_call_fsm(&todo, call->state, input);

	call->state = next;
	for (size_t i = 0; i < ARRAY_SIZE(todos); i++) {
		if ((todo & todos[i].bit) && call->state == next)
			todos[i].h(call);
	}

	if (next == GW_CALL_ENDING && call->state == next &&
	    gw_call_all_gone(call))
		gw_call_apply(call, GW_IN_ALL_GONE);
}
