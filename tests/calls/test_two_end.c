/* Two people: how it ends, and who is told what. */
#include "tests/calls/world.h"

static int hang_up(struct world *w)
{
	return gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
			      GW_ENDED_BY_API);
}

static const char *leg_cause(const struct world *w, size_t i)
{
	return gw_cause_name(world_info(w)->legs[i].outcome.cause);
}

static const char *leg_status(const struct world *w, size_t i)
{
	return gw_status_name(world_info(w)->legs[i].outcome.status);
}

/* First is up and the second rings. */
static int ring_second(struct world *w, const struct gw_call_order *order)
{
	phone_will(&w->from, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, order));
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_OK(world_until_seen(&w->from, "ACK"));
	return 0;
}

/* The first one refuses: the second is never rung. */
static int test_two_first_refuses(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 180 }, { .code = 486 });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.ringing(from) "
		  "call.ringing leg.ended(from) call.ended");
	CHECK_OUTCOME(w, "busy", "busy", 17);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_FROM);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_FROM);
	CHECK_INT(world_info(w)->leg_count, 1);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_two_first_refuses);

/* The second one is busy: the first is released, and nothing is its fault. */
static int test_two_second_busy(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(ring_second(w, &(struct gw_call_order){ 0 }));
	phone_answer(&w->to, &(struct answer){ .code = 486, .reason = "Busy" });
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "BYE"));

	CHECK_OUTCOME(w, "busy", "busy", 17);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_TO);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TO);
	CHECK_INT(world_info(w)->sip_code, 486);
	CHECK_STR(world_info(w)->sip_reason, "Busy");
	CHECK_STR(leg_status(w, 0), "completed");
	CHECK_STR(leg_cause(w, 0), "normal_clearing");
	CHECK_STR(leg_status(w, 1), "busy");
	CHECK_STR(phone_header(w->from.bye, "Reason"),
		  "Q.850;cause=16;text=\"normal_clearing\"");
	CHECK(strstr(gw_call_diagnosis(w->call), "486 Busy"));
	return 0;
}
TEST(test_two_second_busy);

/* The first one leaves while the second rings: CANCEL, at once. */
static int test_two_first_leaves(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(ring_second(w, &(struct gw_call_order){ 0 }));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->to, "ACK"));

	CHECK_STR(w->to.log, "INVITE CANCEL ACK");
	CHECK_STR(phone_header(w->to.cancel, "Reason"),
		  "Q.850;cause=16;text=\"canceled_by_first_leg\"");
	CHECK_OUTCOME(w, "canceled", "canceled_by_first_leg", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_FROM);
	CHECK_INT(world_info(w)->failed_leg, -1);
	CHECK_STR(leg_cause(w, 0), "normal_clearing");
	CHECK_STR(leg_status(w, 1), "canceled");
	CHECK_STR(leg_cause(w, 1), "canceled_by_first_leg");
	return 0;
}
TEST(test_two_first_leaves);

/* Its 200 crossed our CANCEL: ACK, then BYE; nobody is left hanging. */
static int test_two_second_answers_too_late(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.answers_at_cancel = true;
	CHECK_OK(ring_second(w, &(struct gw_call_order){ 0 }));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_STR(w->to.log, "INVITE CANCEL ACK BYE");
	CHECK_OUTCOME(w, "canceled", "canceled_by_first_leg", 16);
	CHECK_INT(world_info(w)->answered_at_ms, 0);
	return 0;
}
TEST(test_two_second_answers_too_late);

/* Hung up before the second has said anything: its CANCEL waits for a 1xx. */
static int test_two_first_leaves_before_100(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_seen(&w->to, "INVITE"));
	CHECK_OK(world_until_seen(&w->from, "ACK"));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->to.cancels, 0);
	CHECK_OUTCOME(w, "canceled", "canceled_by_first_leg", 16);
	phone_answer(&w->to, &(struct answer){ .code = 180 });
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK_STR(w->to.log, "INVITE CANCEL ACK");
	return 0;
}
TEST(test_two_first_leaves_before_100);

/* Bridged: who hangs up ends it for the other one, and is named. */
static int test_two_one_side_ends(void)
{
	static const enum gw_role roles[] = { GW_ROLE_FROM, GW_ROLE_TO };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		const bool from = roles[i] == GW_ROLE_FROM;
		struct phone *leaves = from ? &w->from : &w->to;
		struct phone *other = from ? &w->to : &w->from;

		CHECK_OK(world_bring_up_two(w, &(struct gw_call_order){ 0 }));
		phone_request(leaves, "BYE", "Reason: Q.850;cause=31\r\n", NULL,
			      NULL);
		CHECK_OK(world_until_ended(w));
		CHECK_OK(world_until_seen(other, "BYE"));
		CHECK_STR(leaves->log, "200:BYE");
		CHECK_STR(other->log, "BYE");
		CHECK_OUTCOME(w, "completed", "normal_clearing", 31);
		CHECK_INT(world_info(w)->ended_by,
			  from ? GW_ENDED_BY_FROM : GW_ENDED_BY_TO);
		CHECK_INT(world_info(w)->failed_leg, -1);
		world_next(w);
	}
	return 0;
}
TEST(test_two_one_side_ends);

/* G21: both at once: each gets its 200, one end is told. */
static int test_two_both_end(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(w, &(struct gw_call_order){ 0 }));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_seen(&w->from, "200:BYE"));
	CHECK_OK(world_until_seen(&w->to, "200:BYE"));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_two_both_end);

/* In each state the API may end it, also from inside of an event's handler. */
static int test_two_end_at_each_event(void)
{
	static const struct {
		const char *at, *status, *cause;
	} rows[] = {
		{ "call.initiated", "canceled", "canceled_by_api" },
		{ "leg.ringing", "canceled", "canceled_by_api" },
		{ "call.ringing", "canceled", "canceled_by_api" },
		{ "leg.answered", "canceled", "canceled_by_api" },
		{ "call.answered", "completed", "normal_clearing" },
		{ "call.bridged", "completed", "normal_clearing" },
		{ "leg.initiated", "canceled", "canceled_by_api" },
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w->hang_up_at = rows[i].at;
		phone_will(&w->from, { .code = 180 },
			   { .code = 200, .sdp = SDP_PCMA });
		phone_will(&w->to, { .code = 180 },
			   { .code = 200, .sdp = SDP_PCMA });
		CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
		CHECK_OK(world_until_ended(w));
		CHECK_STR(gw_status_name(world_info(w)->status),
			  rows[i].status);
		CHECK_STR(gw_cause_name(world_info(w)->outcome.cause),
			  rows[i].cause);
		CHECK_INT(w->ended, 1);
		world_next(w);
	}
	return 0;
}
TEST(test_two_end_at_each_event);

/* The API hangs up while the second rings. */
static int test_two_canceled_by_api(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(ring_second(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(hang_up(w));
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_OK(world_until_seen(&w->to, "CANCEL"));
	CHECK_OUTCOME(w, "canceled", "canceled_by_api", 16);
	CHECK_INT(world_info(w)->sip_code, 180);
	CHECK_STR(leg_cause(w, 0), "normal_clearing");
	CHECK_STR(leg_cause(w, 1), "canceled_by_api");
	return 0;
}
TEST(test_two_canceled_by_api);

/* Timers ------------------------------------------------------------------- */

/* ring_timeout runs for each leg from its own INVITE. */
static int test_two_ring_timeout(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	phone_will(&w->from, { .code = 180 });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ .ring_timeout_s =
								    10 }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_OK(gw_tmr_test_advance(9000));
	phone_answer(&w->from,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_OK(gw_tmr_test_advance(9000));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(1500));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "no-answer", "ring_timeout", 19);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_TO);
	CHECK_INT(w->from.byes, 1);
	CHECK_INT(w->to.cancels, 1);
	return 0;
}
TEST(test_two_ring_timeout);

/* setup_deadline is for both together. */
static int test_two_setup_deadline(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	CHECK_OK(ring_second(w, &(struct gw_call_order){ .setup_deadline_s =
								 20 }));
	CHECK_OK(gw_tmr_test_advance(19000));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(1500));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "setup_deadline", 102);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_TO);
	return 0;
}
TEST(test_two_setup_deadline);

/* G23: the limit ends a call of two, too. */
static int test_two_time_limit(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	CHECK_OK(world_bring_up_two(
		w, &(struct gw_call_order){ .time_limit_s = 60,
					    .setup_deadline_s = 20 }));
	CHECK_OK(gw_tmr_test_advance(59000));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(2000));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "time_limit", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	CHECK_INT(w->from.byes + w->to.byes, 2);
	return 0;
}
TEST(test_two_time_limit);
