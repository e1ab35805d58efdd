/* Ends that come before the answer, and answers that come too late. */
#include "tests/calls/world.h"

static int hang_up(struct world *w)
{
	return gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
			      GW_ENDED_BY_API);
}

/* It rings too long: CANCEL, and the 487 gets its ACK. */
static int test_call_cancel_ring_timeout(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180 });
	gw_tmr_test_clock_start();
	CHECK_OK(
		world_call(w, &(struct gw_call_order){ .ring_timeout_s = 10 }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_OK(gw_tmr_test_advance(9900));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(200));

	CHECK_STR(w->to.log, "INVITE CANCEL ACK");
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ringing call.ringing "
		  "leg.ended call.ended");
	CHECK_OUTCOME(w, "no-answer", "ring_timeout", 19);
	CHECK_INT(world_info(w)->sip_code, 180);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	CHECK_STR(phone_header(w->to.cancel, "Reason"),
		  "Q.850;cause=19;text=\"ring_timeout\"");
	/* RFC 3261 9.1: all of it as in the INVITE */
	CHECK_INT(pl_cmp(&w->to.cancel->via.val, &w->to.invite->via.val), 0);
	CHECK_INT(pl_cmp(&w->to.cancel->from.val, &w->to.invite->from.val), 0);
	CHECK_INT(pl_cmp(&w->to.cancel->to.val, &w->to.invite->to.val), 0);
	CHECK_INT(pl_cmp(&w->to.cancel->ruri, &w->to.invite->ruri), 0);
	CHECK_INT(w->to.cancel->cseq.num, w->to.invite->cseq.num);
	CHECK(strstr(world_ladder(w), "< SIP/2.0 487"));
	return 0;
}
TEST(test_call_cancel_ring_timeout);

static int test_call_cancel_setup_deadline(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180 });
	gw_tmr_test_clock_start();
	CHECK_OK(world_call(w,
			    &(struct gw_call_order){ .setup_deadline_s = 4 }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_OK(gw_tmr_test_advance(4100));
	CHECK_OUTCOME(w, "failed", "setup_deadline", 102);
	CHECK_INT(w->to.cancels, 1);
	return 0;
}
TEST(test_call_cancel_setup_deadline);

/* G23: an answered call ends at its limit, whether the far side is alive or not. */
static int test_call_cancel_time_limit(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	gw_tmr_test_clock_start();
	CHECK_OK(world_call(w,
			    &(struct gw_call_order){ .time_limit_s = 60,
						     .setup_deadline_s = 5 }));
	CHECK_OK(world_until_phone(w, "ACK"));
	w->to.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(59000));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(1500));
	CHECK_OUTCOME(w, "completed", "time_limit", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	return 0;
}
TEST(test_call_cancel_time_limit);

/* Hung up before any 1xx: CANCEL waits for one, the call doesn't. */
static int test_call_cancel_before_provisional(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "INVITE"));
	CHECK_OK(hang_up(w));
	CHECK_INT(w->ended, 1);
	CHECK_INT(w->to.cancels, 0);
	CHECK_OUTCOME(w, "canceled", "canceled_by_api", 16);

	phone_answer(&w->to, &(struct answer){ .code = 180 });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "INVITE CANCEL ACK");
	CHECK_INT(w->ended, 1);
	return 0;
}
TEST(test_call_cancel_before_provisional);

/* In each state the API may end it, also from inside of an event's handler. */
static int test_call_cancel_at_each_event(void)
{
	static const struct {
		const char *at, *status, *log;
	} rows[] = {
		{ "call.initiated", "canceled", "INVITE CANCEL ACK" },
		{ "leg.initiated", "canceled", "INVITE CANCEL ACK" },
		{ "leg.ringing", "canceled", "INVITE CANCEL ACK" },
		{ "call.ringing", "canceled", "INVITE CANCEL ACK" },
		{ "leg.answered", "completed", "INVITE ACK BYE" },
		{ "call.answered", "completed", "INVITE ACK BYE" },
		{ "call.bridged", "completed", "INVITE ACK BYE" },
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const bool answers = 0 == strcmp(rows[i].status, "completed");

		w->hang_up_at = rows[i].at;
		phone_will(&w->to, { .code = 180 });
		CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
		if (answers) {
			CHECK_OK(world_until(w, "call.ringing"));
			phone_answer(&w->to,
				     &(struct answer){ .code = 200,
						       .sdp = SDP_PCMA });
		}
		CHECK_OK(world_until_ended(w));
		CHECK_OK(world_until_phone(w, answers ? "BYE" : "ACK"));
		CHECK_STR(w->to.log, rows[i].log);
		CHECK_STR(gw_status_name(world_info(w)->status),
			  rows[i].status);
		CHECK_INT(w->ended, 1);
		world_next(w);
	}

	return 0;
}
TEST(test_call_cancel_at_each_event);

/* G21: the 200 crossed our CANCEL: ACK, then BYE. */
static int test_call_cancel_crosses_200(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.answers_at_cancel = true;
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_OK(hang_up(w));
	CHECK_OUTCOME(w, "canceled", "canceled_by_api", 16);
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_STR(w->to.log, "INVITE CANCEL ACK BYE");
	CHECK_STR(phone_header(w->to.bye, "Reason"),
		  "Q.850;cause=16;text=\"canceled_by_api\"");
	CHECK_INT(w->ended, 1);
	return 0;
}
TEST(test_call_cancel_crosses_200);

/* G21: neither the CANCEL nor the INVITE is ever answered: repeated, then given up. */
static int test_call_cancel_never_answered(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.ignores_cancel = true;
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.ringing"));
	gw_tmr_test_clock_start();
	CHECK_OK(hang_up(w));
	CHECK_OK(gw_tmr_test_advance(1600));
	CHECK_STR(w->to.log, "INVITE CANCEL CANCEL+ CANCEL+");
	CHECK_OK(gw_tmr_test_advance(66000));
	CHECK_INT(w->ended, 1);
	return 0;
}
TEST(test_call_cancel_never_answered);

/* Freed while it rings: hung up without another word. */
static int test_call_cancel_by_deref(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.ringing"));
	w->call = mem_deref(w->call);
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "INVITE CANCEL ACK");
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_cancel_by_deref);
