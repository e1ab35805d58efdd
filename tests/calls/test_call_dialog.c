/* What the far side asks for while the call is up. */
#include "tests/calls/world.h"

static int bring_up(struct world *w)
{
	phone_will(&w->to, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_phone(w, "ACK"));
	w->to.log[0] = '\0';
	return 0;
}

static bool body_has(const struct sip_msg *msg, const char *text)
{
	return msg && mbuf_get_left(msg->mb) &&
	       0 == re_regex((const char *)mbuf_buf(msg->mb),
			     mbuf_get_left(msg->mb), text);
}

static int test_call_dialog_hold(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK_OK(world_until(w, "call.hold"));
	CHECK(body_has(w->to.response, "a=recvonly"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "held");
	CHECK_STR(gw_leg_state_name(world_info(w)->legs[0].state),
		  "remote_held");
	CHECK_INT(world_info(w)->status, GW_STATUS_IN_PROGRESS);

	w->to.log[0] = '\0';
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK_OK(world_until(w, "call.unhold"));
	CHECK(body_has(w->to.response, "a=sendrecv"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");

	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_call_dialog_hold);

/* A held call ends like any other. */
static int test_call_dialog_hold_then_bye(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	phone_request(&w->to, "UPDATE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "200:UPDATE"));
	CHECK_OK(world_until(w, "call.hold"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_call_dialog_hold_then_bye);

/* No offer: ours goes in the 200, theirs comes in the ACK. */
static int test_call_dialog_invite_without_sdp(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	w->to.ack_sdp = SDP_HOLD;
	phone_request(&w->to, "INVITE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK(body_has(w->to.response, "m=audio"));
	CHECK_OK(world_until(w, "call.hold"));
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_dialog_invite_without_sdp);

/* Our 200 is repeated until its ACK comes; without one the call is ended. */
static int test_call_dialog_ack_missing(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	w->to.holds_ack_back = true;
	gw_tmr_test_clock_start();
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK_OK(gw_tmr_test_advance(1600));
	CHECK_STR(w->to.log, "200:INVITE 200:INVITE 200:INVITE");

	/* before that ACK another re-INVITE has to wait (RFC 3261 14.2) */
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "500:INVITE"));
	CHECK(phone_header(w->to.response, "Retry-After")[0]);

	CHECK_OK(gw_tmr_test_advance(31000));
	CHECK_INT(w->to.byes, 1);
	CHECK_INT(w->ended, 1);
	CHECK_INT(world_info(w)->status, GW_STATUS_COMPLETED);
	return 0;
}
TEST(test_call_dialog_ack_missing);

/* Refusals that leave the call as it was. */
static int test_call_dialog_refusals(void)
{
	static const struct {
		const char *method, *more, *ctype, *body, *answer;
	} rows[] = {
		{ "INVITE", NULL, "application/sdp", SDP_ONLY_G729,
		  "488:INVITE" },
		{ "INVITE", NULL, "application/sdp", "garbage", "488:INVITE" },
		{ "INVITE", NULL, "text/plain", "hello", "488:INVITE" },
		{ "INVITE", "Require: timer\r\n", "application/sdp", SDP_PCMA,
		  "420:INVITE" },
		{ "REFER", "Refer-To: <sip:900@premium.example>\r\n", NULL,
		  NULL, "603:REFER" },
		{ "MESSAGE", NULL, "text/plain", "hi", "405:MESSAGE" },
		{ "SUBSCRIBE", "Event: presence\r\n", NULL, NULL,
		  "405:SUBSCRIBE" },
		{ "INFO", NULL, "application/media_control+xml", "<x/>",
		  "415:INFO" },
		{ "INFO", NULL, "application/dtmf", "Z", "400:INFO" },
		{ "FOO", NULL, NULL, NULL, "405:FOO" },
	};
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w->to.log[0] = '\0';
		phone_request(&w->to, rows[i].method, rows[i].more,
			      rows[i].ctype, rows[i].body);
		CHECK_OK(world_until_phone(w, rows[i].answer));
	}

	CHECK_INT(w->ended, 0);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	return 0;
}
TEST(test_call_dialog_refusals);

static int test_call_dialog_options_and_digits(void)
{
	static const struct {
		const char *method, *ctype, *body;
	} rows[] = {
		{ "OPTIONS", NULL, NULL },
		{ "UPDATE", NULL, NULL },
		{ "INFO", NULL, NULL },
		{ "INFO", "application/dtmf-relay",
		  "Signal=5\r\nDuration=90\r\n" },
		{ "INFO", "application/dtmf-relay", "Signal= *\r\n" },
		{ "INFO", "application/dtmf", "11" },
		{ "INFO", "application/dtmf", "d" },
	};
	struct world *w;
	char answer[32];

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		w->to.log[0] = '\0';
		(void)re_snprintf(answer, sizeof(answer), "200:%s",
				  rows[i].method);
		phone_request(&w->to, rows[i].method, NULL, rows[i].ctype,
			      rows[i].body);
		CHECK_OK(world_until_phone(w, answer));
	}

	CHECK_STR(w->digits, "5*#D");
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_dialog_options_and_digits);

/* Before our INVITE is answered the far side may not change anything. */
static int test_call_dialog_too_early(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 183,
			     .headers = "Require: 100rel\r\nRSeq: 1\r\n" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "PRACK"));
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "491:INVITE"));
	phone_request(&w->to, "UPDATE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "491:UPDATE"));
	return 0;
}
TEST(test_call_dialog_too_early);

/* An old CSeq, another dialog, and what isn't SIP at all. */
static int test_call_dialog_hostile(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	if (bring_up(w))
		return 1;

	w->to.cseq = 100;
	phone_request(&w->to, "OPTIONS", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:OPTIONS"));
	w->to.cseq = 50;
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "500:BYE"));

	w->to.cseq = 200;
	memcpy(w->to.tag, "other", 6);
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "481:BYE"));
	memcpy(w->to.tag, "phone", 6);

	phone_sends_text(&w->to, "\r\n\r\n");
	phone_sends_text(&w->to, "BYE\r\n\r\n");
	phone_sends_text(&w->to, "SIP/2.0 200 OK\r\nCSeq: 1 INVITE\r\n\r\n");
	phone_sends_text(&w->to, "BYE sip:x@y SIP/2.0\r\nVia: x\r\n\r\n");

	w->to.log[0] = '\0';
	phone_request(&w->to, "OPTIONS", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:OPTIONS"));
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_dialog_hostile);
