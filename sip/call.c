/* sip/call.c - one click-to-call.
 *
 * News come from the line, the leg, the timers and the API; call_fsm says which
 * state follows and what is to be done; that is done and told upwards.
 *
 *   call.c          this: birth and death, what is asked of a call
 *   call_order.c    the copy of what was ordered
 *   call_fsm.c      which state follows; pure
 *   call_do.c       what is to be done then
 *   call_news.c     what line and legs tell, what is told upwards
 *   call_end.c      the ways to the end
 *   call_facts.c    info, ladder, diagnosis
 *   call_stored.c   BYE for a dialog of an earlier process */
#include "sip/call_impl.h"

#include <errno.h>
#include <sys/time.h>

#include "sip/line.h"

int64_t gw_call_now_ms(void)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* What is asked of a call ------------------------------------------------- */

void gw_call_start(struct gw_call *call)
{
	if (!call || call->state != GW_CALL_QUEUED)
		return;

	mem_ref(call);

	if (gw_line_enter(call->order.line)) {
		gw_call_end_by(call, GW_CAUSE_CAPACITY, GW_ENDED_BY_LINE);
		goto out;
	}
	call->has_place = true;

	tmr_start(&call->limit, (uint64_t)call->order.setup_deadline_s * 1000,
		  gw_call_limit_reached, call);
	gw_call_look_at_line(call);

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
	mem_deref(call->watch);
	for (size_t i = 0; i < call->leg_count; i++)
		mem_deref(call->legs[i]);
	if (call->has_place)
		gw_line_leave(call->order.line);

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

	err = gw_call_order_copy(call, order);
	if (err) {
		mem_deref(call);
		return err;
	}

	call->media = media;
	call->eventh = eventh;
	call->arg = arg;
	call->state = GW_CALL_QUEUED;
	call->info.failed_leg = -1;

	*callp = call;
	return 0;
}
