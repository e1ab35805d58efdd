/* join: refer. The first phone calls the second one itself. */
#include "tests/calls/world.h"

static const char event[] = "Event: refer\r\nSubscription-State: active\r\n";
static const char over[] =
	"Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n";

static const struct gw_call_order refer = { .join = GW_JOIN_REFER };

static void notify(struct phone *p, const char *state, const char *frag)
{
	phone_request(p, "NOTIFY", state, "message/sipfrag;version=2.0", frag);
}

/* Its phone takes the REFER, and it rings there. */
static int referred(struct world **wp)
{
	struct world *w;

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	w = *wp;
	phone_will(&w->from, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &refer));
	CHECK_OK(world_until_seen(&w->from, "REFER"));
	CHECK(strstr(phone_header(w->from.other, "Refer-To"), w->to.uri));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "dialing_second");
	return 0;
}

/* Handed over: complete, without us. */
static int test_two_refer(void)
{
	struct world *w;

	CHECK_OK(referred(&w));
	notify(&w->from, event, "SIP/2.0 180 Ringing\r\n");
	CHECK_OK(world_until_state(w, "second_ringing"));
	notify(&w->from, over, "SIP/2.0 200 OK\r\n");
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK(world_info(w)->handed_over);
	CHECK_INT(world_info(w)->join, GW_JOIN_REFER);
	CHECK_INT(w->to.invites, 0);
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.ringing(from) "
		  "call.ringing leg.answered(from) call.answered "
		  "leg.ended(from) call.ended");
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	return 0;
}
TEST(test_two_refer);

/* It takes it and hangs up: gone to its own call. */
static int test_two_refer_and_bye(void)
{
	struct world *w;

	CHECK_OK(referred(&w));
	notify(&w->from, event, "SIP/2.0 100 Trying\r\n");
	CHECK_OK(world_until_seen(&w->from, "200:NOTIFY"));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK(world_info(w)->handed_over);
	CHECK_INT(w->from.byes, 0);
	return 0;
}
TEST(test_two_refer_and_bye);

/* It refuses: we dial. */
static int test_two_refer_refused(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->from.other_code = 603;
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &refer));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK(!world_info(w)->handed_over);
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	CHECK_INT(w->to.invites, 1);
	return 0;
}
TEST(test_two_refer_refused);

/* It tries and doesn't get through: we dial. */
static int test_two_refer_failed(void)
{
	struct world *w;

	CHECK_OK(referred(&w));
	notify(&w->from, over, "SIP/2.0 503 Service Unavailable\r\n");
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK(!world_info(w)->handed_over);
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	return 0;
}
TEST(test_two_refer_failed);

/* Hung up by the API while the phone tries. */
static int test_two_refer_hung_up(void)
{
	struct world *w;

	CHECK_OK(referred(&w));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "canceled", "canceled_by_api", 16);
	CHECK(!world_info(w)->handed_over);
	return 0;
}
TEST(test_two_refer_hung_up);

/* A phone's own REFER -------------------------------------------------------- */

static int up(struct world **wp)
{
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(*wp, &(struct gw_call_order){ 0 }));
	(*wp)->history[0] = '\0';
	return 0;
}

static void send_to_third(struct world *w, const char *replaces)
{
	char line[256];

	(void)re_snprintf(line, sizeof(line), "Refer-To: <%s%s>\r\n",
			  w->third.uri, replaces);
	phone_request(&w->from, "REFER", line, NULL, NULL);
}

/* From sends to on to the third, and is told how it goes. */
static int test_two_referred(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 },
		   { .code = 200, .sdp = SDP_PCMA });
	send_to_third(w, "");
	CHECK_OK(world_until_seen(&w->from, "202:REFER"));
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	CHECK_STR(w->target, w->third.uri);
	CHECK_INT(w->target_role, GW_ROLE_FROM);
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK(strstr(w->from.log, "202:REFER NOTIFY NOTIFY"));
	CHECK_INT(w->to.byes, 0);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	return 0;
}
TEST(test_two_referred);

/* The third is busy and from is still there: all is as before. */
static int test_two_referred_undone(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 486 });
	send_to_third(w, "");
	CHECK_OK(world_until(w, "call.transfer.failed(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_INT(w->from.byes + w->to.byes, 0);
	CHECK_OK(world_until_seen(&w->from, "NOTIFY"));
	return 0;
}
TEST(test_two_referred_undone);

/* It hangs up at once, as many do: the transfer goes on. */
static int test_two_referred_and_bye(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 });
	send_to_third(w, "");
	CHECK_OK(world_until_seen(&w->third, "INVITE"));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until(w, "leg.ended(from)"));
	CHECK_INT(w->ended, 0);
	phone_answer(&w->third,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	return 0;
}
TEST(test_two_referred_and_bye);

/* Where policy says no, or a dialog is to be replaced that isn't known. */
static int test_two_referred_refused(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	w->refuses_targets = true;
	send_to_third(w, "");
	CHECK_OK(world_until_seen(&w->from, "603:REFER"));

	w->refuses_targets = false;
	w->from.log[0] = '\0';
	send_to_third(w, "?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc");
	CHECK_OK(world_until_seen(&w->from, "603:REFER"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_INT(w->third.invites, 0);
	return 0;
}
TEST(test_two_referred_refused);
