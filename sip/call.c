/* sip/call.c - one click-to-call.
 *
 * News come from the lines, the legs, the timers and the API; call_fsm says which
 * state follows and what is to be done; that is done and told upwards.
 *
 *   call.c          this: birth and death, its start, who is who
 *   call_order.c    the copy of what was ordered
 *   call_line.c     places in the lines, and whether they are ready
 *   call_fsm.c      which state follows; pure
 *   call_do.c       what is to be done then
 *   call_news.c     what legs tell, what is told upwards
 *   call_greet.c    announcement and confirmation before a leg counts as up
 *   call_bridge.c   who hears what; hold
 *   call_direct.c   join: direct
 *   call_refer.c    join: refer
 *   call_command.c  what is asked for in the course of a call
 *   call_record.c   recordings
 *   call_transfer.c transfers
 *   call_end.c      the ways to the end
 *   call_facts.c    info, ladder, diagnosis
 *   call_stored.c   BYE for a dialog of an earlier process
 *   call_webrtc.c   a browser before its leg begins */
#include "sip/call_impl.h"

#include <errno.h>

const char *gw_join_name(enum gw_join join)
{
	static const char *const names[] = {
		[GW_JOIN_AUTO] = "auto",
		[GW_JOIN_RELAY] = "relay",
		[GW_JOIN_DIRECT] = "direct",
		[GW_JOIN_REFER] = "refer",
	};

	return (unsigned)join < ARRAY_SIZE(names) ? names[join] : NULL;
}

/* Who is who --------------------------------------------------------------- */

struct gw_leg *gw_call_other(const struct gw_call *call,
			     const struct gw_leg *leg)
{
	return call->party[gw_leg_role(leg) == GW_ROLE_FROM ? GW_ROLE_TO :
							      GW_ROLE_FROM];
}

struct gw_leg *gw_call_first(const struct gw_call *call)
{
	return call->party[call->first];
}

struct gw_leg *gw_call_second(const struct gw_call *call)
{
	return call->party[call->first == GW_ROLE_FROM ? GW_ROLE_TO :
							 GW_ROLE_FROM];
}

bool gw_call_both_up(const struct gw_call *call)
{
	return call->party[GW_ROLE_FROM] && call->party[GW_ROLE_TO] &&
	       gw_leg_is_up(call->party[GW_ROLE_FROM]) &&
	       gw_leg_is_up(call->party[GW_ROLE_TO]);
}

/* What is asked of a call ------------------------------------------------- */

void gw_call_start(struct gw_call *call)
{
	if (!call || call->state != GW_CALL_QUEUED)
		return;

	mem_ref(call);

	if (!gw_call_watch_browser(call))
		goto out;
	if (!gw_call_enter_lines(call)) {
		gw_call_end_by(call, GW_CAUSE_CAPACITY, GW_ENDED_BY_LINE);
		goto out;
	}

	tmr_start(&call->limit, (uint64_t)call->order.setup_deadline_s * 1000,
		  gw_call_limit_reached, call);
	gw_call_look_at_lines(call);

out:
	mem_deref(call);
}

int gw_call_hangup(struct gw_call *call, enum gw_cause intent,
		   enum gw_ended_by by)
{
	if (!call)
		return EINVAL;
	if (call->state == GW_CALL_ENDED)
		return EALREADY;

	mem_ref(call);
	gw_call_end_by(call, intent, by);
	mem_deref(call);
	return 0;
}

/* Birth and death --------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_call *call = arg;

	call->eventh = NULL;
	tmr_cancel(&call->limit);
	tmr_cancel(&call->back);
	gw_call_greet_stop(call);
	gw_call_move_stop(call);
	gw_call_unwatch_lines(call);
	for (size_t i = 0; i < call->leg_count; i++)
		mem_deref(call->legs[i]);
	gw_call_leave_lines(call);
	gw_call_unwatch_browser(call);

	gw_ladder_free(&call->ladder);
	mem_deref(call->diagnosis);
	mem_deref(call->headers);
	mem_deref(call->text);
}

int gw_call_alloc(struct gw_call **callp, const struct gw_call_order *order,
		  struct gw_media *media, gw_call_event_h *eventh, void *arg)
{
	struct gw_call *call;
	int err;

	if (!callp || !order || !order->to || !order->line ||
	    gw_call_order_injects(order))
		return EINVAL;

	call = mem_zalloc(sizeof(*call), destructor);
	if (!call)
		return ENOMEM;

	call->origin_ms = gw_moment_origin();
	err = gw_call_order_copy(call, order);
	if (err) {
		mem_deref(call);
		return err;
	}

	call->media = media;
	call->eventh = eventh;
	call->arg = arg;
	call->state = GW_CALL_QUEUED;
	call->first = order->from ? order->first : GW_ROLE_TO;
	call->info.failed_leg = -1;
	call->info.join = order->join;

	*callp = call;
	return 0;
}
