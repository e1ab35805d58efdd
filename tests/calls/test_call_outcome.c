/* Every way for a call to end: the outcome table on the wire. */
#include "tests/calls/world.h"

static int refused_with(struct world *w, const struct answer *answer,
			size_t count)
{
	w->to.script = answer;
	w->to.script_count = count;
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->history,
		  count > 1 ? "call.initiated leg.initiated leg.ringing "
			      "call.ringing leg.ended call.ended" :
			      "call.initiated leg.initiated leg.ended "
			      "call.ended");
	return 0;
}

/* Each final response, with what the table makes of it. */
static int test_call_outcome_codes(void)
{
	static const struct {
		uint16_t code;
		const char *status, *cause;
		uint16_t q850;
	} rows[] = {
		{ 300, "failed", "redirected", 23 },
		{ 400, "failed", "protocol_error", 111 },
		{ 402, "failed", "payment_required", 21 },
		{ 403, "failed", "not_allowed", 21 },
		{ 404, "failed", "not_found", 1 },
		{ 405, "failed", "protocol_error", 111 },
		{ 408, "no-answer", "unavailable", 18 },
		{ 410, "failed", "number_changed", 22 },
		{ 415, "failed", "no_common_codec", 88 },
		{ 420, "failed", "protocol_error", 111 },
		{ 430, "no-answer", "unavailable", 20 },
		{ 436, "failed", "not_allowed", 21 },
		{ 480, "no-answer", "unavailable", 20 },
		{ 481, "failed", "protocol_error", 111 },
		{ 484, "failed", "invalid_number", 28 },
		{ 486, "busy", "busy", 17 },
		{ 487, "no-answer", "no_answer", 19 },
		{ 488, "failed", "no_common_codec", 88 },
		{ 491, "failed", "protocol_error", 111 },
		{ 499, "failed", "protocol_error", 111 },
		{ 500, "failed", "route_unavailable", 41 },
		{ 502, "failed", "route_unavailable", 38 },
		{ 503, "failed", "route_unavailable", 42 },
		{ 504, "failed", "route_unavailable", 102 },
		{ 513, "failed", "protocol_error", 111 },
		{ 580, "failed", "protocol_error", 111 },
		{ 599, "failed", "route_unavailable", 41 },
		{ 600, "busy", "busy", 17 },
		{ 603, "busy", "rejected", 21 },
		{ 604, "failed", "not_found", 1 },
		{ 606, "failed", "no_common_codec", 88 },
		{ 607, "busy", "rejected", 21 },
		{ 699, "busy", "rejected", 21 },
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct answer answer = { .code = rows[i].code };

		if (refused_with(w, &answer, 1))
			return 1;
		CHECK_OUTCOME(w, rows[i].status, rows[i].cause, rows[i].q850);
		CHECK_INT(world_info(w)->sip_code, rows[i].code);
		CHECK_INT(world_info(w)->failed_leg, GW_ROLE_TO);
		CHECK_STR(w->to.log, "INVITE ACK");
		world_next(w);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_call_outcome_codes, "the same path 33 times");

/* 480 after ringing: nobody wanted to. */
static int test_call_outcome_480_after_ringing(void)
{
	static const struct answer answers[] = { { .code = 180 },
						 { .code = 480 } };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (refused_with(w, answers, 2))
		return 1;
	CHECK_OUTCOME(w, "no-answer", "no_answer", 19);
	return 0;
}
TEST(test_call_outcome_480_after_ringing);

static int test_call_outcome_retry_after(void)
{
	static const struct answer answer = {
		.code = 503, .headers = "Retry-After: 7 (full)\r\n"
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (refused_with(w, &answer, 1))
		return 1;
	CHECK_OUTCOME(w, "failed", "congestion", 42);
	return 0;
}
TEST(test_call_outcome_retry_after);

/* A Reason header says more than its 500. */
static int test_call_outcome_reason_header(void)
{
	static const struct answer answer = {
		.code = 500, .headers = "Reason: Q.850;cause=17;text=\"x\"\r\n"
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (refused_with(w, &answer, 1))
		return 1;
	CHECK_OUTCOME(w, "busy", "busy", 17);
	CHECK_STR(world_info(w)->reason_header, "Q.850;cause=17;text=\"x\"");
	return 0;
}
TEST(test_call_outcome_reason_header);

/* 302: told, and nobody follows. */
static int test_call_outcome_redirected(void)
{
	static const struct answer answer = {
		.code = 302, .contact = "Contact: <sip:900@198.51.100.1>\r\n"
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (refused_with(w, &answer, 1))
		return 1;
	CHECK_OUTCOME(w, "failed", "redirected", 23);
	CHECK_INT(w->to.invites, 1);
	CHECK(strstr(gw_call_diagnosis(w->call), "sip:900@198.51.100.1"));
	return 0;
}
TEST(test_call_outcome_redirected);

/* Answers that are no use: each is ACKed, then ended with BYE. */
static int test_call_outcome_useless_200(void)
{
	static const struct {
		struct answer answer;
		const char *cause;
		uint16_t q850;
	} rows[] = {
		{ { .code = 200 }, "protocol_error", 111 },
		{ { .code = 200, .sdp = "garbage" }, "protocol_error", 111 },
		{ { .code = 200, .sdp = "v=0\r\nm=audio x\r\n" },
		  "protocol_error",
		  111 },
		{ { .code = 200, .sdp = SDP_ONLY_G729 }, "no_common_codec", 88 },
		{ { .code = 200, .sdp = SDP_PCMA, .contact = "" },
		  "protocol_error",
		  111 },
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w->to.script = &rows[i].answer;
		w->to.script_count = 1;
		CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
		CHECK_OK(world_until_ended(w));
		CHECK_OK(world_until_phone(w, "BYE"));
		CHECK_STR(w->to.log, "INVITE ACK BYE");
		CHECK_OUTCOME(w, "failed", rows[i].cause, rows[i].q850);
		CHECK(gw_call_diagnosis(w->call));
		world_next(w);
	}

	return 0;
}
TEST(test_call_outcome_useless_200);

static int test_call_outcome_codec_diagnosis(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_ONLY_G729 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(gw_call_diagnosis(w->call),
		  "No common codec: we offered PCMA, PCMU, they speak G729.");
	return 0;
}
TEST(test_call_outcome_codec_diagnosis);

/* The codecs were fine, the stream was not wanted. */
static int test_call_outcome_stream_refused(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to,
		   { .code = 200,
		     .sdp = SDP_AT("127.0.0.1", "m=audio 0 RTP/AVP 8\r\n") });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "no_common_codec", 88);
	CHECK_STR(gw_call_diagnosis(w->call),
		  "The far side answered, but the stream was refused: the far "
		  "side switched the audio off (m=audio 0).");
	return 0;
}
TEST(test_call_outcome_stream_refused);

/* Somebody is there who tries, and nothing rings. */
static int test_call_outcome_only_trying(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 100, .reason = "Trying" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .ring_timeout_s = 1 }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "no-answer", "ring_timeout", 19);
	CHECK_STR(gw_call_diagnosis(w->call),
		  "For 1 second the far side said only that it was trying "
		  "(100 Trying): nothing rang.");
	return 0;
}
TEST(test_call_outcome_only_trying);

/* Nobody there at all: Timer B, or the ring timer, whichever is first. */
static int test_call_outcome_no_response(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.is_deaf = true;
	gw_tmr_test_clock_start();

	CHECK_OK(
		world_call(w, &(struct gw_call_order){ .ring_timeout_s = 60 }));
	CHECK_OK(world_until_phone(w, "INVITE"));
	CHECK_OK(gw_tmr_test_advance(31000));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(1500));
	CHECK_OUTCOME(w, "failed", "transport_timeout", 102);
	CHECK_INT(world_info(w)->sip_code, 0);
	world_next(w);

	w->to.is_deaf = true;
	CHECK_OK(world_call(w, &(struct gw_call_order){ .ring_timeout_s = 5 }));
	CHECK_OK(world_until_phone(w, "INVITE"));
	CHECK_OK(gw_tmr_test_advance(5500));
	CHECK_OUTCOME(w, "failed", "transport_timeout", 102);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	return 0;
}
TEST(test_call_outcome_no_response);

/* Nothing listens on that TCP port. */
static int test_call_outcome_refused_connection(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_TCP));
	w->to.ts = mem_deref(w->to.ts);
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "network_error", 38);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_LINE);
	return 0;
}
TEST(test_call_outcome_refused_connection);
