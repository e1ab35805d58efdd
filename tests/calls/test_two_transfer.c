/* Somebody else takes a place. */
#include "tests/calls/world.h"

static int up(struct world **wp)
{
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(*wp, &(struct gw_call_order){ 0 }));
	(*wp)->history[0] = '\0';
	return 0;
}

static int transfer(struct world *w, bool attended)
{
	return gw_call_transfer(
		w->call, &(struct gw_call_transfer){ .target = w->third.uri,
						     .attended = attended,
						     .role = GW_ROLE_ANY });
}

static int until_acked(struct phone *p)
{
	return world_until_seen(p, "ACK");
}

/* Blind: from leaves, to hears the third ring, then they talk. */
static int test_two_transfer_blind(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 });
	CHECK_OK(transfer(w, false));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "transferring");
	CHECK_ERR(transfer(w, false), EBUSY);
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_STR(phone_header(w->from.bye, "Reason"),
		  "Q.850;cause=16;text=\"transferred\"");
	CHECK_OK(world_until(w, "leg.ringing(from)"));
	phone_answer(&w->third,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	CHECK_OK(until_acked(&w->third));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_INT(world_info(w)->leg_count, 3);
	CHECK_INT(world_info(w)->legs[2].role, GW_ROLE_FROM);
	CHECK_STR(gw_cause_name(world_info(w)->legs[0].outcome.cause),
		  "transferred");

	phone_request(&w->third, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_STR(w->to.log, "BYE");
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_FROM);
	return 0;
}
TEST(test_two_transfer_blind);

/* The target can't be had, and nobody is there to go back to. */
static int test_two_transfer_blind_fails(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 }, { .code = 486 });
	CHECK_OK(transfer(w, false));
	CHECK_OK(world_until_ended(w));
	CHECK(strstr(w->history, "call.transfer.started(to) "));
	CHECK(strstr(w->history, "leg.ended(from) call.transfer.failed(from) "
				 "leg.ended(to) call.ended"));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_OUTCOME(w, "completed", "busy", 17);
	CHECK_INT(world_info(w)->sip_code, 486);
	return 0;
}
TEST(test_two_transfer_blind_fails);

/* Who stays hangs up while the target rings: CANCEL. */
static int test_two_transfer_stays_leaves(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 });
	CHECK_OK(transfer(w, false));
	CHECK_OK(world_until(w, "leg.ringing(from)"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->third, "CANCEL"));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TO);
	CHECK_STR(gw_cause_name(world_info(w)->legs[2].outcome.cause),
		  "canceled_by_first_leg");
	return 0;
}
TEST(test_two_transfer_stays_leaves);

/* Attended: from talks to the third, hangs up, and to has the third. */
static int test_two_transfer_attended(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 },
		   { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(transfer(w, true));
	CHECK_OK(world_until(w, "leg.answered(from)"));
	CHECK_OK(until_acked(&w->third));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "transferring");
	CHECK_INT(w->from.byes, 0);

	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_INT(w->ended, 0);

	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->third, "BYE"));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_two_transfer_attended);

/* From hangs up before the third has answered: to waits for it. */
static int test_two_transfer_attended_early(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 180 });
	CHECK_OK(transfer(w, true));
	CHECK_OK(world_until(w, "leg.ringing(from)"));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until(w, "leg.ended(from)"));
	CHECK_INT(w->ended, 0);
	phone_answer(&w->third,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	return 0;
}
TEST(test_two_transfer_attended_early);

/* The third is busy, or talks and hangs up: all is as before. */
static int test_two_transfer_attended_undone(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 486 });
	CHECK_OK(transfer(w, true));
	CHECK_OK(world_until(w, "call.transfer.failed(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");

	w->history[0] = '\0';
	phone_will(&w->third, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(transfer(w, true));
	CHECK_OK(world_until(w, "leg.answered(from)"));
	phone_request(&w->third, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until(w, "call.transfer.failed(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_INT(world_info(w)->leg_count, 4);
	CHECK_INT(w->from.byes + w->to.byes, 0);

	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_FROM);
	return 0;
}
TEST(test_two_transfer_attended_undone);

/* Who stays is held, and let go again, also when its hold was still under way. A
 * hold that is part of a transfer is no news. */
static int test_two_transfer_holds(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->to, { .code = 100 }); /* the hold takes its time */
	phone_will(&w->third, { .code = 486 });
	CHECK_OK(transfer(w, true));
	CHECK_OK(world_until_seen(&w->to, "INVITE"));
	CHECK_OK(world_until(w, "call.transfer.failed(from)"));
	CHECK_INT(w->to.invites, 2);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");

	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE"));
	CHECK(!re_regex((const char *)mbuf_buf(w->to.invite->mb),
			mbuf_get_left(w->to.invite->mb), "a=sendrecv"));
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK"));
	CHECK(!world_info(w)->legs[1].held);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK(!strstr(w->history, "call.hold"));
	return 0;
}
TEST(test_two_transfer_holds);

/* Wherever it is, the API ends all of it. */
static int test_two_transfer_hung_up(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(transfer(w, true));
	CHECK_OK(world_until(w, "leg.answered(from)"));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_OK(world_until_seen(&w->third, "BYE"));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_two_transfer_hung_up);

/* Six legs are the most that a call may have in all. */
static int test_two_transfer_limit(void)
{
	struct world *w;

	CHECK_OK(up(&w));
	phone_will(&w->third, { .code = 486 });
	for (int i = 0; i < GW_CALL_LEGS_MAX - 2; i++) {
		w->history[0] = '\0';
		CHECK_OK(transfer(w, true));
		CHECK_OK(world_until(w, "call.transfer.failed(from)"));
	}
	CHECK_ERR(transfer(w, true), ENOTSUP);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	return 0;
}
TEST(test_two_transfer_limit);

/* Not before the bridge, not after the end, and nothing that injects. */
static int test_two_transfer_states(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_ERR(transfer(w, false), ENOTCONN);
	CHECK_ERR(gw_call_transfer(w->call,
				   &(struct gw_call_transfer){
					   .target = "sip:a@b>\r\nX: y" }),
		  EINVAL);
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK_ERR(transfer(w, false), EALREADY);
	return 0;
}
TEST(test_two_transfer_states);
