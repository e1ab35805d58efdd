/* G3: calls whose sessions are timed (RFC 4028): how they end when nobody is there
 * any more, and how they live with hold, direct and transfers. */
#include "tests/calls/world.h"

#define WE_REFRESH "Require: timer\r\nSession-Expires: 180;refresher=uac\r\n"
#define ANSWERS_WITH(sdp_)                                        \
	{                                                         \
		.code = 200, .headers = WE_REFRESH, .sdp = (sdp_) \
	}

enum { HALF_MS = 90 * 1000 };

static int open_timed_by(struct world **wp, enum gw_transport tp)
{
	int err;

	world_session_expires_s = 180;
	err = world_open(wp, tp);
	world_session_expires_s = 0;
	CHECK_OK(err);
	return 0;
}

static int open_timed(struct world **wp)
{
	return open_timed_by(wp, GW_TRANSPORT_UDP);
}

static bool body_has(const struct sip_msg *msg, const char *text)
{
	return msg && 0 == re_regex((const char *)mbuf_buf(msg->mb),
				    mbuf_get_left(msg->mb), text);
}

/* Two people, bridged, and the clock stands still. */
static int bring_up_timed(struct world **wp, const struct gw_call_order *order)
{
	struct world *w;

	if (open_timed(wp))
		return 1;

	w = *wp;
	phone_will(&w->from, ANSWERS_WITH(SDP_PCMA));
	phone_will(&w->to, ANSWERS_WITH(SDP_PCMA));
	CHECK_OK(world_call_two(w, order));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_seen(&w->from, "ACK"));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	gw_tmr_test_clock_start();
	return 0;
}

/* G3: the PBX has died: the call ends as completed, and says what was missing. */
static int test_call_timer_nobody_there(void)
{
	struct world *w;
	const char *text;

	if (open_timed(&w))
		return 1;

	phone_will(&w->to, ANSWERS_WITH(SDP_PCMA));
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until_phone(w, "INVITE ACK"));
	gw_tmr_test_clock_start();
	w->to.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(HALF_MS + 32 * 1000));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "transport_timeout", 102);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	text = gw_call_diagnosis(w->call);
	CHECK(text);
	CHECK(strstr(text, "The call was up, but then nobody was there"));
	return 0;
}
TEST(test_call_timer_nobody_there);

/* G3: the PBX was restarted and knows the dialog no more. */
static int test_call_timer_dialog_forgotten(void)
{
	struct world *w;

	if (bring_up_timed(&w, &(struct gw_call_order){ .line = NULL }))
		return 1;

	phone_will(&w->to, { .code = 481 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_INT(w->to.byes, 0);
	CHECK_OUTCOME(w, "completed", "transport_timeout", 102);
	return 0;
}
TEST(test_call_timer_dialog_forgotten);

/* G3: a leg on hold stays so when it is refreshed, and comes back afterwards. */
static int test_call_timer_hold(void)
{
	struct world *w;

	if (bring_up_timed(&w, &(struct gw_call_order){ .line = NULL }))
		return 1;

	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK_INT(w->to.invites, 2);
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_INT(w->to.invites, 3);
	CHECK_INT(w->from.invites, 2);
	CHECK(body_has(w->to.invite, "a=sendonly"));
	CHECK(!body_has(w->from.invite, "a=sendonly"));

	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, false));
	CHECK_OK(world_until(w, "call.unhold(to)"));
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_INT(w->to.invites, 5);
	CHECK(!body_has(w->to.invite, "a=sendonly"));
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_timer_hold);

/* G3: a hold that is asked for while the refresh waits for its answer. */
static int test_call_timer_hold_meets_refresh(void)
{
	struct world *w;

	if (bring_up_timed(&w, &(struct gw_call_order){ .line = NULL }))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	phone_answer(&w->to, &(struct answer)ANSWERS_WITH(SDP_PCMA));
	phone_will(&w->to, ANSWERS_WITH(SDP_PCMA));
	CHECK_OK(world_until(w, "call.hold(to)"));
	CHECK(body_has(w->to.invite, "a=sendonly"));
	CHECK_INT(w->to.invites, 3);
	return 0;
}
TEST(test_call_timer_hold_meets_refresh);

#define SDP_ON_PORT(port) SDP_AT("127.0.0.1", "m=audio " port " RTP/AVP 8\r\n")

/* G3: legs that talk past us are refreshed with each other's address. */
static int test_call_timer_direct(void)
{
	struct world *w;

	if (open_timed(&w))
		return 1;

	phone_will(&w->from, ANSWERS_WITH(SDP_ON_PORT("41000")));
	phone_will(&w->to, ANSWERS_WITH(SDP_ON_PORT("42000")));
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK"));
	gw_tmr_test_clock_start();
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_INT(w->from.invites, 3);
	CHECK_INT(w->to.invites, 3);
	CHECK(body_has(w->from.invite, "m=audio 42000 RTP/AVP 8"));
	CHECK(body_has(w->to.invite, "m=audio 41000 RTP/AVP 8"));
	CHECK_INT(world_info(w)->join, GW_JOIN_DIRECT);
	return 0;
}
TEST(test_call_timer_direct);

/* G3: who stays is refreshed during a transfer and after it, who has left isn't. */
static int test_call_timer_transfer(void)
{
	struct world *w;

	if (bring_up_timed(&w, &(struct gw_call_order){ .line = NULL }))
		return 1;

	phone_will(&w->third, { .code = 180 });
	CHECK_OK(gw_call_transfer(
		w->call, &(struct gw_call_transfer){ .target = w->third.uri,
						     .role = GW_ROLE_TO }));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_OK(world_until_seen(&w->third, "INVITE"));
	CHECK_OK(gw_tmr_test_advance(20 * 1000));
	phone_answer(&w->third, &(struct answer)ANSWERS_WITH(SDP_PCMA));
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	CHECK_OK(world_until_seen(&w->third, "INVITE ACK"));
	phone_will(&w->third, ANSWERS_WITH(SDP_PCMA));
	w->to.log[0] = w->from.log[0] = '\0';
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK_STR(w->third.log, "INVITE ACK INVITE ACK");
	CHECK_STR(w->from.log, "");
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_timer_transfer);

/* G23: the limit ends a call whose far end is dead: nobody waits for answers. */
static int test_call_timer_time_limit_of_a_dead_end(void)
{
	struct world *w;

	if (bring_up_timed(&w, &(struct gw_call_order){ .time_limit_s = 60 }))
		return 1;

	w->to.is_deaf = true;
	w->from.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(60 * 1000));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "time_limit", 16);
	CHECK_OK(gw_tmr_test_advance(64 * 1000));
	CHECK_INT(w->ended, 1);
	return 0;
}
TEST(test_call_timer_time_limit_of_a_dead_end);

/* G20: the connection has broken without our knowing: the refresh is lost in it, and
 * comes again through a new one. */
static int test_call_timer_tcp_connection_lost(void)
{
	struct world *w;

	if (open_timed_by(&w, GW_TRANSPORT_TCP))
		return 1;

	phone_will(&w->to, ANSWERS_WITH(SDP_PCMA));
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until_phone(w, "INVITE ACK"));
	gw_tmr_test_clock_start();
	CHECK_OK(gw_tmr_test_advance(HALF_MS - 1));
	w->to.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(10));
	CHECK_OK(world_until_phone(w, "INVITE ACK INVITE"));
	w->to.tc = mem_deref(w->to.tc);
	w->to.is_deaf = false;
	CHECK_OK(gw_tmr_test_advance(55 * 1000));
	CHECK_STR(w->to.log, "INVITE ACK INVITE INVITE ACK");
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_timer_tcp_connection_lost);
