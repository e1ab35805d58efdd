/* 3xx of a leg: followed where the order and its judge let it. */
#include "tests/calls/world.h"

static char contact[128];

/* to sends us to whom. */
static void send_on(struct phone *p, const char *whom)
{
	static struct answer answer;

	(void)re_snprintf(contact, sizeof(contact), "Contact: <%s>\r\n", whom);
	answer = (struct answer){ .code = 302, .contact = contact };
	p->script = &answer;
	p->script_count = 1;
}

static int call(struct world *w, bool follow)
{
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	return world_call_two(w, &(struct gw_call_order){ .follow_redirects =
								  follow });
}

/* The third phone is rung instead, in the same leg. */
static int test_two_redirect_followed(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	send_on(&w->to, w->third.uri);
	phone_will(&w->third, { .code = 180 },
		   { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(call(w, true));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->target, w->third.uri);
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing leg.initiated(to) leg.ringing(to) "
		  "leg.answered(to) call.answered call.bridged");
	CHECK_INT(world_info(w)->leg_count, 2);
	CHECK_STR(world_info(w)->legs[1].uri, w->third.uri);
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK_OK(world_until_seen(&w->third, "ACK"));
	CHECK_STR(w->third.log, "INVITE ACK");
	return 0;
}
TEST(test_two_redirect_followed);

static int test_two_redirect_not_wanted(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	send_on(&w->to, w->third.uri);
	CHECK_OK(call(w, false));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "redirected", 23);
	CHECK_STR(w->target, "");
	CHECK(strstr(gw_call_diagnosis(w->call),
		     "redirections are not followed"));
	CHECK_INT(w->third.invites, 0);
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	return 0;
}
TEST(test_two_redirect_not_wanted);

/* Policy says no: nothing is dialled. */
static int test_two_redirect_refused(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->refuses_targets = true;
	send_on(&w->to, w->third.uri);
	CHECK_OK(call(w, true));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "redirected", 23);
	CHECK(strstr(gw_call_diagnosis(w->call), "may not be dialled"));
	CHECK_INT(w->third.invites, 0);
	return 0;
}
TEST(test_two_redirect_refused);

/* Back to where we come from: a loop. */
static int test_two_redirect_loop(void)
{
	static struct answer back;
	static char there[128];
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	send_on(&w->to, w->third.uri);
	(void)re_snprintf(there, sizeof(there), "Contact: <%s>\r\n", w->to.uri);
	back = (struct answer){ .code = 302, .contact = there };
	w->third.script = &back;
	w->third.script_count = 1;
	CHECK_OK(call(w, true));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "redirected", 23);
	CHECK_INT(w->to.invites, 1);
	CHECK_INT(w->third.invites, 1);
	CHECK(strstr(gw_call_diagnosis(w->call), "we come from there"));
	return 0;
}
TEST(test_two_redirect_loop);

/* Each time somewhere else: five times at most. */
static int test_two_redirect_endless(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.sends_on = true;
	CHECK_OK(call(w, true));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "redirected", 23);
	CHECK_INT(w->to.invites, 6);
	CHECK(strstr(gw_call_diagnosis(w->call), "too often"));
	return 0;
}
TEST(test_two_redirect_endless);

/* The patience of a leg is for all that it is sent to. */
static int test_two_redirect_ring_timeout(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 });
	phone_will(&w->third, { .code = 180 });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .follow_redirects = true,
					    .ring_timeout_s = 10 }));
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_OK(gw_tmr_test_advance(8000));
	(void)re_snprintf(contact, sizeof(contact), "Contact: <%s>\r\n",
			  w->third.uri);
	phone_answer(&w->to,
		     &(struct answer){ .code = 302, .contact = contact });
	CHECK_OK(world_until_seen(&w->third, "INVITE"));
	CHECK_OK(gw_tmr_test_advance(2500));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "no-answer", "ring_timeout", 19);
	return 0;
}
TEST(test_two_redirect_ring_timeout);
