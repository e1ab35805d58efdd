/* What phones and the API ask for while two people talk. */
#include "tests/calls/world.h"

static int up(struct world **wp, const struct gw_call_order *order)
{
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(*wp, order));
	(*wp)->history[0] = '\0';
	return 0;
}

static bool body_has(const struct sip_msg *msg, const char *text)
{
	return msg && mbuf_get_left(msg->mb) &&
	       0 == re_regex((const char *)mbuf_buf(msg->mb),
			     mbuf_get_left(msg->mb), text);
}

static int hang_up(struct world *w)
{
	return gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
			      GW_ENDED_BY_API);
}

/* A phone puts us on hold and takes us off it; the other one hears nothing of it
 * in SIP. Both do: held until the last one is off. */
static int test_two_far_hold(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	phone_request(&w->from, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "held");
	CHECK_STR(gw_leg_state_name(world_info(w)->legs[0].state),
		  "remote_held");
	CHECK(body_has(w->from.response, "a=recvonly"));
	CHECK_STR(w->to.log, "");

	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK_OK(world_until_seen(&w->from, "200:INVITE"));
	phone_request(&w->from, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until(w, "call.unhold(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "held");
	CHECK_OK(world_until_seen(&w->to, "200:INVITE"));
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until(w, "call.unhold(to)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	return 0;
}
TEST(test_two_far_hold);

/* The first holds while the second rings: told when it matters. */
static int test_two_far_hold_before_the_bridge(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_OK(world_until_seen(&w->from, "ACK"));
	phone_request(&w->from, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_seen(&w->from, "200:INVITE"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "second_ringing");
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK(strstr(w->history, "call.bridged call.hold(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "held");
	return 0;
}
TEST(test_two_far_hold_before_the_bridge);

/* A held leg that hangs up ends it like any other. */
static int test_two_far_hold_then_bye(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until(w, "call.hold(to)"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_two_far_hold_then_bye);

/* Held by us: it hears us, and isn't heard. */
static int test_two_hold(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	phone_will(&w->to,
		   { .code = 200,
		     .sdp = SDP_AT("127.0.0.1", "m=audio 40000 RTP/AVP 8\r\n"
						"a=recvonly\r\n") });
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_ERR(gw_call_hold(w->call, GW_ROLE_TO, false), EBUSY);
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK(body_has(w->to.invite, "a=sendonly"));
	CHECK(world_info(w)->legs[1].held);
	CHECK_STR(gw_leg_state_name(world_info(w)->legs[1].state), "held");
	CHECK_STR(gw_call_state_name(world_info(w)->state), "held");
	CHECK_STR(w->from.log, "");
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true)); /* as it is */

	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, false));
	CHECK_OK(world_until(w, "call.unhold(to)"));
	CHECK(body_has(w->to.invite, "a=sendrecv"));
	CHECK(!world_info(w)->legs[1].held);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	return 0;
}
TEST(test_two_hold);

/* Both at once, with GW_ROLE_ANY. */
static int test_two_hold_both(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_ANY, true));
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK_OK(hang_up(w));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_two_hold_both);

/* A phone that doesn't want to be held stays as it is. */
static int test_two_hold_refused(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	phone_will(&w->to, { .code = 488 });
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK(!world_info(w)->legs[1].held);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_STR(w->history, "");
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_two_hold_refused);

/* Both ask at once: 491, and ours is tried again. */
static int test_two_hold_glare(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK"));
	CHECK(!world_info(w)->legs[1].held);
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(5000));
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK(world_info(w)->legs[1].held);
	return 0;
}
TEST(test_two_hold_glare);

static unsigned version_of(const struct sip_msg *msg)
{
	struct pl version = PL_INIT;

	if (!msg ||
	    re_regex((const char *)mbuf_buf(msg->mb), mbuf_get_left(msg->mb),
		     "o=- [0-9]+ [0-9]+ ", NULL, &version))
		return 0;
	return pl_u32(&version);
}

/* Theirs goes first, and ours is written anew: it may not be older than what we
 * have answered meanwhile (RFC 3264 8). */
static int test_two_hold_after_theirs(void)
{
	struct world *w;
	unsigned answered;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK"));

	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_seen(&w->to, "200:INVITE"));
	answered = version_of(w->to.response);
	CHECK(answered);

	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(5000));
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK(world_info(w)->legs[1].held);
	CHECK(body_has(w->to.invite, "a=sendonly"));
	CHECK(version_of(w->to.invite) > answered);
	return 0;
}
TEST(test_two_hold_after_theirs);

/* A re-INVITE of ours is under way when the other side hangs up. */
static int test_two_hold_crosses_bye(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_OK(world_until_seen(&w->to, "INVITE"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	phone_answer(&w->to, &(struct answer){ .code = 487 });
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_two_hold_crosses_bye);

/* Direct: both are told where the other one is. */
static int test_two_direct(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200,
			       .sdp = SDP_AT("127.0.0.1",
					     "m=audio 41000 RTP/AVP 8\r\n") });
	phone_will(&w->to, { .code = 200,
			     .sdp = SDP_AT("127.0.0.1",
					   "m=audio 42000 RTP/AVP 8\r\n") });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK"));
	CHECK(body_has(w->from.invite, "m=audio 42000 RTP/AVP 8"));
	CHECK(body_has(w->to.invite, "m=audio 41000 RTP/AVP 8"));
	CHECK_INT(world_info(w)->join, GW_JOIN_DIRECT);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");

	/* one holds: relay again, for both */
	phone_request(&w->from, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_seen(&w->from, "200:INVITE"));
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK(!body_has(w->from.response, "m=audio 42000"));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK INVITE ACK"));
	CHECK(!body_has(w->to.invite, "m=audio 41000"));
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	return 0;
}
TEST(test_two_direct);

/* The first one refuses: relay. */
static int test_two_direct_first_refuses(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->from.refuses_reinvite = true;
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	CHECK_OK(world_until_seen(&w->from, "INVITE ACK INVITE ACK"));
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_two_direct_first_refuses);

/* The second one refuses: the first is called back. */
static int test_two_direct_second_refuses(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.refuses_reinvite = true;
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200,
			     .sdp = SDP_AT("127.0.0.1",
					   "m=audio 42000 RTP/AVP 8 101\r\n"
					   "a=rtpmap:101 telephone-event/"
					   "8000\r\n") });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	CHECK_OK(
		world_until_seen(&w->from, "INVITE ACK INVITE ACK INVITE ACK"));
	CHECK(!body_has(w->from.invite, "m=audio 42000"));
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_two_direct_second_refuses);

/* Both talk past us; then to is to come back, and won't. */
static int bring_up_direct(struct world **wp)
{
	struct world *w;

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	w = *wp;
	phone_will(&w->from, { .code = 200,
			       .sdp = SDP_AT("127.0.0.1",
					     "m=audio 41000 RTP/AVP 8\r\n") });
	phone_will(&w->to, { .code = 200,
			     .sdp = SDP_AT("127.0.0.1",
					   "m=audio 42000 RTP/AVP 8\r\n") });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK"));
	CHECK_INT(world_info(w)->join, GW_JOIN_DIRECT);
	gw_tmr_test_clock_start();
	return 0;
}

/* A refusal to come back from direct may be a mood: it is asked again. */
static int test_two_direct_comes_back_late(void)
{
	struct world *w;

	CHECK_OK(bring_up_direct(&w));
	w->to.refuses_reinvite = true;
	phone_request(&w->from, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK INVITE ACK"));
	CHECK(!body_has(w->to.invite, "m=audio 41000"));

	w->to.refuses_reinvite = false;
	CHECK_OK(gw_tmr_test_advance(2000));
	CHECK_INT(w->to.invites, 4);
	CHECK(!body_has(w->to.invite, "m=audio 41000"));
	CHECK_OK(gw_tmr_test_advance(60 * 1000));
	CHECK_INT(w->to.invites, 4);
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_two_direct_comes_back_late);

/* It never does: the call ends, or two people would sit in silence. */
static int test_two_direct_never_comes_back(void)
{
	struct world *w;

	CHECK_OK(bring_up_direct(&w));
	w->to.refuses_reinvite = true;
	phone_request(&w->from, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK_OK(gw_tmr_test_advance(10 * 1000));
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->to.invites, 2 + 3);
	CHECK_OUTCOME(w, "completed", "media_timeout", 31);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_GATEWAY);
	CHECK_INT(w->to.byes, 1);
	CHECK_INT(w->from.byes, 1);
	return 0;
}
TEST(test_two_direct_never_comes_back);

/* Different codecs can't do without us. */
static int test_two_direct_unlike(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200,
			     .sdp = SDP_AT("127.0.0.1",
					   "m=audio 42000 RTP/AVP 0\r\n") });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK_STR(w->from.log, "INVITE ACK");
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	return 0;
}
TEST(test_two_direct_unlike);

/* Commands where they don't fit. */
static int test_two_command_states(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_ERR(gw_call_dtmf(w->call, "1", GW_ROLE_ANY), ENOTCONN);
	CHECK_ERR(gw_call_hold(w->call, GW_ROLE_ANY, true), ENOTCONN);
	CHECK_ERR(gw_call_mute(w->call, GW_ROLE_ANY, true), ENOTCONN);
	CHECK_ERR(gw_call_play(w->call, NULL, GW_ROLE_ANY), ENOTCONN);
	CHECK_ERR(gw_call_record(w->call, true), ENOTCONN);

	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_ERR(gw_call_dtmf(w->call, "1x", GW_ROLE_ANY), EINVAL);
	CHECK_ERR(gw_call_dtmf(w->call, "", GW_ROLE_ANY), EINVAL);

	CHECK_OK(hang_up(w));
	CHECK_OK(world_until_ended(w));
	CHECK_ERR(gw_call_dtmf(w->call, "1", GW_ROLE_ANY), EALREADY);
	CHECK_ERR(gw_call_hold(w->call, GW_ROLE_ANY, true), EALREADY);
	CHECK_ERR(gw_call_record(w->call, true), EALREADY);
	return 0;
}
TEST(test_two_command_states);

/* Where no events are taken, digits go as INFO, in order; those that come as INFO
 * are passed on. */
static int test_two_digits_by_info(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200,
			     .sdp = SDP_AT("127.0.0.1",
					   "m=audio 40000 RTP/AVP 8\r\n") });
	gw_tmr_test_clock_start();
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .send_digits = "ww2W0#" }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK_STR(w->to.infos, "");
	CHECK_OK(gw_tmr_test_advance(1100));
	CHECK_STR(w->to.infos, "2");
	CHECK_OK(gw_tmr_test_advance(900));
	CHECK_STR(w->to.infos, "2");
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w->to.infos, "20#");

	CHECK_OK(gw_call_dtmf(w->call, "12d", GW_ROLE_ANY));
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w->to.infos, "20#12D");

	CHECK_OK(world_until_seen(&w->from, "ACK"));
	phone_request(&w->from, "INFO", NULL, "application/dtmf", "7");
	CHECK_OK(world_until(w, "call.dtmf(from)"));
	CHECK_OK(gw_tmr_test_advance(500));
	CHECK_STR(w->to.infos, "20#12D7");
	return 0;
}
TEST(test_two_digits_by_info);

static int test_two_mute(void)
{
	struct world *w;

	CHECK_OK(up(&w, &(struct gw_call_order){ 0 }));
	CHECK_OK(gw_call_mute(w->call, GW_ROLE_ANY, true));
	CHECK(world_info(w)->legs[0].muted);
	CHECK(!world_info(w)->legs[1].muted);
	CHECK_OK(gw_call_mute(w->call, GW_ROLE_ANY, false));
	CHECK(!world_info(w)->legs[0].muted);
	return 0;
}
TEST(test_two_mute);
