/* Several answers to one INVITE. */
#include "tests/calls/world.h"

/* Two phones answer: the first wins, the other gets ACK and BYE. */
static int test_call_fork_two_answers(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180, .tag = "one" },
		   { .code = 180, .tag = "two" },
		   { .code = 200, .tag = "two", .sdp = SDP_PCMA },
		   { .code = 200, .tag = "one", .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_phone(w, "BYE"));

	CHECK_STR(w->to.log, "INVITE ACK ACK BYE");
	CHECK_INT(pl_strcmp(&w->to.ack->to.tag, "one"), 0);
	CHECK_INT(pl_strcmp(&w->to.bye->to.tag, "one"), 0);
	CHECK_INT(w->ended, 0);

	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ringing call.ringing "
		  "leg.answered call.answered call.bridged leg.ended "
		  "call.ended");
	return 0;
}
TEST(test_call_fork_two_answers);

/* A phone answers when the call is over already: it isn't left alone. */
static int test_call_fork_answers_after_the_end(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:BYE"));
	CHECK_OK(world_until_ended(w));
	w->call = mem_deref(w->call);

	phone_answer(&w->to, &(struct answer){ .code = 200,
					       .tag = "late",
					       .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_INT(pl_strcmp(&w->to.bye->to.tag, "late"), 0);
	CHECK_STR(w->to.log, "INVITE ACK 200:BYE ACK BYE");
	return 0;
}
TEST(test_call_fork_answers_after_the_end);

/* G21: our ACK was lost: each 2xx that comes again gets the same one. */
static int test_call_fork_repeated_200(void)
{
	const struct answer again = { .code = 200, .sdp = SDP_PCMA };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));
	w->to.log[0] = '\0';
	phone_answer(&w->to, &again);
	CHECK_OK(world_until_phone(w, "ACK"));
	w->to.log[0] = '\0';
	phone_answer(&w->to, &again);
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_INT(w->to.acks, 3);
	CHECK_INT(w->to.byes, 0);
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_fork_repeated_200);

/* BYE overtakes the 200 it belongs to: answered, and ended by the other side. */
static int test_call_fork_bye_before_200(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.ringing"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:BYE"));
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TO);
	return 0;
}
TEST(test_call_fork_bye_before_200);

/* The right branch, but another From tag or CSeq: forged, and believed by
 * nobody. */
static int test_call_fork_forged(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180, .from = "<sip:a@b>;tag=evil" },
		   { .code = 180, .cseq = 1000000 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "INVITE"));
	phone_answer(&w->to, &(struct answer){ .code = 200,
					       .sdp = SDP_PCMA,
					       .from = "<sip:a@b>;tag=evil" });
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ended call.ended");
	CHECK_OUTCOME(w, "failed", "protocol_error", 111);
	return 0;
}
TEST(test_call_fork_forged);

/* Reliable 1xx (RFC 3262): PRACK for each, once, and in order. */
static int test_call_fork_prack(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 183,
			     .headers = "Require: 100rel\r\nRSeq: 7\r\n",
			     .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "PRACK"));
	CHECK_INT(strncmp(phone_header(w->to.prack, "RAck"), "7 ", 2), 0);
	CHECK_INT(pl_strcmp(&w->to.prack->to.tag, "phone"), 0);

	/* again, and one that is out of order: no news */
	phone_answer(&w->to,
		     &(struct answer){
			     .code = 183,
			     .headers = "Require: 100rel\r\nRSeq: 7\r\n" });
	phone_answer(&w->to,
		     &(struct answer){
			     .code = 180,
			     .headers = "Require: 100rel\r\nRSeq: 9\r\n" });
	phone_answer(&w->to,
		     &(struct answer){
			     .code = 180,
			     .headers = "Require: 100rel\r\nRSeq: 8\r\n" });
	w->to.log[0] = '\0';
	CHECK_OK(world_until_phone(w, "PRACK"));
	CHECK_INT(strncmp(phone_header(w->to.prack, "RAck"), "8 ", 2), 0);
	CHECK_INT(w->to.pracks, 2);

	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK(w->to.bye->cseq.num > w->to.prack->cseq.num);
	return 0;
}
TEST(test_call_fork_prack);
