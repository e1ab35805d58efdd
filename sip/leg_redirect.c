/* sip/leg_redirect.c - a 3xx sends us elsewhere (RFC 3261 8.1.3.4).
 *
 * Where to is for the order to judge: a phone that forwards to an expensive number
 * is the oldest fraud there is. Five times at most, and nowhere twice. */
#include "sip/leg_impl.h"

#include "sip/address.h"

static bool was_tried(const struct gw_leg *leg, const char *uri)
{
	if (0 == str_casecmp(leg->uri, uri))
		return true;

	for (uint32_t i = 0; i < leg->redirects; i++) {
		if (0 == str_casecmp(leg->tried[i], uri))
			return true;
	}

	return false;
}

static const char *fault_of(char *uri, size_t size, const struct gw_leg *leg,
			    const char *contact)
{
	if (leg->redirects >= GW_LEG_REDIRECTS_MAX)
		return "we have been sent on too often";
	if (!contact)
		return "it doesn't say where to";
	if (!leg->order->targeth(uri, size, contact, leg->role, leg->order_arg))
		return "that may not be dialled";
	if (was_tried(leg, uri))
		return "we come from there";

	return NULL;
}

bool gw_leg_redirect(struct gw_leg *leg, const struct gw_session_facts *facts)
{
	char uri[GW_URI_MAX + 1] = "";
	char *next = NULL;

	if (facts->sip_code < 300 || facts->sip_code > 399 ||
	    !leg->order->follow_redirects || !leg->order->targeth)
		return false;

	leg->redirect_fault = fault_of(uri, sizeof(uri), leg, facts->contact);
	if (leg->redirect_fault || str_dup(&next, uri))
		return false;

	leg->tried[leg->redirects++] = leg->uri;
	leg->uri = next;
	gw_leg_dial_again(leg);
	gw_leg_tell(leg, GW_LEG_NEWS_SENT_ON);
	return true;
}
