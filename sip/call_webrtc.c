/* sip/call_webrtc.c - a call one of whose parties is a browser.
 *
 * It has its port, and may connect, from the moment on that its order was answered;
 * its leg may begin much later, when a phone that is rung first has answered. A
 * browser that is lost in between ends the call: nobody shall be rung for it. */
#include "sip/call_impl.h"

bool gw_call_is_browser(const struct gw_call *call, enum gw_role role)
{
	return call->order.browser && call->order.browser_role == role;
}

static void leave(struct gw_call *call)
{
	gw_call_end_by(call, GW_CAUSE_ICE_FAILED,
		       call->order.browser_role == GW_ROLE_FROM ?
			       GW_ENDED_BY_FROM :
			       GW_ENDED_BY_TO);
}

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct gw_call *call = arg;

	if (fact->type != GW_MEDIA_LOST)
		return;

	mem_ref(call);
	leave(call);
	mem_deref(call);
}

bool gw_call_watch_browser(struct gw_call *call)
{
	struct gw_browser *browser = call->order.browser;

	if (!browser)
		return true;
	if (gw_browser_lost(browser)) {
		leave(call);
		return false;
	}

	gw_browser_listen(browser, on_fact, call);
	return true;
}

/* The call's legs, whose listener it may have had, are gone. */
void gw_call_unwatch_browser(struct gw_call *call)
{
	struct gw_browser *browser = call->order.browser;

	if (browser)
		gw_browser_listen(browser, NULL, NULL);
	call->order.browser = mem_deref(browser);
}
