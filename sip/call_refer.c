/* sip/call_refer.c - join: refer. The first leg's phone calls the second one
 * itself, and we are out.
 *
 *   REFER --202--> NOTIFY 180 --> NOTIFY 200: handed over, the call is complete
 *     |               |
 *     +---------------+--refused, failed--> we dial the second one (relay)
 *
 * A phone that took the REFER and hangs up without further news has gone to its
 * own call: handed over as well, as far as anybody here can know. */
#include "sip/call_impl.h"

#include "sip/session.h"

bool gw_call_refer_first(struct gw_call *call)
{
	struct gw_leg *first = gw_call_first(call);
	const char *uri = call->first == GW_ROLE_FROM ? call->order.to :
							call->order.from;

	if (call->order.join != GW_JOIN_REFER || call->order.browser ||
	    call->refer != GW_REFER_NO || gw_leg_refer(first, uri))
		return false;

	call->refer = GW_REFER_ASKED;
	return true;
}

void gw_call_referring(struct gw_call *call,
		       const struct gw_session_transfer *news)
{
	if (call->refer == GW_REFER_NO || call->refer == GW_REFER_OVER)
		return;

	/* the 2xx to REFER says that the phone will try, a NOTIFY that it did */
	if (call->refer == GW_REFER_ACCEPTED && news->code == 200) {
		call->refer = GW_REFER_OVER;
		gw_call_apply(call, GW_IN_HANDED_OVER);
		return;
	}
	if (news->accepted)
		call->refer = GW_REFER_ACCEPTED;

	if (news->accepted && news->code >= 180 && news->code < 200)
		gw_call_apply(call, GW_IN_SECOND_RINGING);

	if (news->over) {
		call->refer = GW_REFER_OVER;
		gw_call_apply(call, GW_IN_REFER_FAILED);
	}
}
