/* Two people, one order: from the first INVITE to the bridge. */
#include "tests/calls/world.h"

static int hang_up(struct world *w)
{
	return gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
			      GW_ENDED_BY_API);
}

/* The journal in its order; the second is rung only once the first is up. */
static int test_two_normal(void)
{
	const struct gw_call_info *info;
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 180 });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_INT(w->to.invites, 0);
	CHECK_INT(world_info(w)->status, GW_STATUS_RINGING);

	phone_answer(&w->from,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_INT(w->state_at_ringing, GW_CALL_SECOND_RINGING);
	CHECK_STR(gw_call_state_name(world_info(w)->state), "second_ringing");
	CHECK_INT(world_info(w)->status, GW_STATUS_RINGING);
	CHECK_INT(world_info(w)->answered_at_ms, 0);

	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_INT(world_info(w)->status, GW_STATUS_IN_PROGRESS);
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK_OK(hang_up(w));
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_OK(world_until_seen(&w->from, "BYE"));

	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.ringing(from) "
		  "call.ringing leg.answered(from) leg.initiated(to) "
		  "leg.ringing(to) leg.answered(to) call.answered call.bridged "
		  "leg.ended(from) leg.ended(to) call.ended");
	CHECK_STR(w->from.log, "INVITE ACK BYE");
	CHECK_STR(w->to.log, "INVITE ACK BYE");
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);

	info = world_info(w);
	CHECK_INT(info->leg_count, 2);
	CHECK_INT(info->legs[0].role, GW_ROLE_FROM);
	CHECK_INT(info->legs[1].role, GW_ROLE_TO);
	CHECK_STR(info->legs[0].uri, w->from.uri);
	CHECK_STR(info->legs[1].uri, w->to.uri);
	CHECK_STR(info->legs[1].line, "test");
	CHECK_INT(info->join, GW_JOIN_RELAY);
	CHECK_INT(info->failed_leg, -1);
	CHECK_INT(info->ended_by, GW_ENDED_BY_API);
	return 0;
}
TEST(test_two_normal);

/* Up without a 18x: ringing all the same, once. */
static int test_two_answers_at_once(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing leg.initiated(to) leg.answered(to) "
		  "call.answered call.bridged");
	return 0;
}
TEST(test_two_answers_at_once);

/* first: to. */
static int test_two_to_first(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .first = GW_ROLE_TO }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_INT(w->from.invites, 0);
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_INT(world_info(w)->legs[0].role, GW_ROLE_TO);
	CHECK_INT(world_info(w)->legs[1].role, GW_ROLE_FROM);
	return 0;
}
TEST(test_two_to_first);

/* Who rings: from is shown whom it will talk to, to is shown the caller. */
static int test_two_who_is_shown(void)
{
	const struct gw_call_header more = { "X-CRM-Id", "797" };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(
		w, &(struct gw_call_order){ .to_number = "+4930123456",
					    .caller_number = "+49301112",
					    .caller_name = "ACME",
					    .auto_answer = true,
					    .headers = &more,
					    .header_count = 1 }));

	CHECK(strstr(phone_header(w->from.first, "From"),
		     "\"+4930123456\" <sip:858@127.0.0.1>"));
	CHECK(strstr(phone_header(w->to.first, "From"),
		     "\"ACME\" <sip:+49301112@127.0.0.1>"));
	CHECK_STR(phone_header(w->from.first, "Answer-Mode"), "Auto");
	CHECK_STR(phone_header(w->to.first, "Answer-Mode"), "");
	CHECK_STR(phone_header(w->from.first, "X-CRM-Id"), "797");
	CHECK_STR(phone_header(w->to.first, "X-CRM-Id"), "797");
	return 0;
}
TEST(test_two_who_is_shown);

/* Without a number: the user part of what is dialled. Or the caller, if asked. */
static int test_two_who_is_shown_else(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(w, &(struct gw_call_order){ 0 }));
	CHECK(strstr(phone_header(w->from.first, "From"),
		     "\"853\" <sip:858@127.0.0.1>"));
	CHECK_OK(hang_up(w));
	CHECK_OK(world_until_ended(w));
	world_next(w);

	CHECK_OK(world_bring_up_two(
		w, &(struct gw_call_order){ .show_caller_id_to_from = true }));
	CHECK(strstr(phone_header(w->from.first, "From"),
		     "<sip:858@127.0.0.1>"));
	CHECK_OK(hang_up(w));
	CHECK_OK(world_until_ended(w));
	world_next(w);

	/* what can't be shown isn't a reason not to call */
	CHECK_OK(world_bring_up_two(
		w, &(struct gw_call_order){ .to_number = "a b<c" }));
	CHECK(strstr(phone_header(w->from.first, "From"),
		     "<sip:858@127.0.0.1>"));
	return 0;
}
TEST(test_two_who_is_shown_else);

/* What the first took is offered first to the second. */
static int test_two_codec_order(void)
{
	struct world *w;
	const struct mbuf *mb;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200,
			       .sdp = SDP_AT("127.0.0.1",
					     "m=audio 40000 RTP/AVP 0\r\n") });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_seen(&w->to, "INVITE"));
	CHECK(w->from.first && w->to.first);
	mb = w->from.first->mb;
	CHECK_OK(re_regex((const char *)mbuf_buf(mb), mbuf_get_left(mb),
			  "RTP/AVP 8 0 101"));
	mb = w->to.first->mb;
	CHECK_OK(re_regex((const char *)mbuf_buf(mb), mbuf_get_left(mb),
			  "RTP/AVP 0 8 101"));
	return 0;
}
TEST(test_two_codec_order);

/* Sound before the answer of the second one. */
static int test_two_early_media(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 183, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.early_media"));
	CHECK_STR(world_info(w)->legs[1].cause_hint, "unknown");
	phone_answer(&w->to, &(struct answer){ .code = 200 });
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing leg.initiated(to) leg.ringing(to) "
		  "leg.early_media(to) call.early_media leg.answered(to) "
		  "call.answered call.bridged");
	return 0;
}
TEST(test_two_early_media);

/* Of several answers of the second one wins. */
static int test_two_forked_answer(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .tag = "two", .sdp = SDP_PCMA },
		   { .code = 200, .tag = "one", .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_STR(w->to.log, "INVITE ACK ACK BYE");
	CHECK_INT(pl_strcmp(&w->to.bye->to.tag, "one"), 0);
	CHECK_INT(w->ended, 0);
	CHECK_INT(w->from.byes, 0);
	return 0;
}
TEST(test_two_forked_answer);

/* Both answered legs are in the text for the store, and both get BYE by it. */
static int test_two_stored_dialogs(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(256);
	struct world *w;
	char text[2048] = "";

	CHECK(mb);
	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(gw_call_dialog_print(mb, w->call));
	memcpy(text, mb->buf, mb->end < 2047 ? mb->end : 2047);

	CHECK_OK(gw_call_bye_stored(w->line, text));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_INT(pl_cmp(&w->to.bye->callid, &w->to.first->callid), 0);
	CHECK_INT(pl_cmp(&w->from.bye->callid, &w->from.first->callid), 0);
	return 0;
}
TEST(test_two_stored_dialogs);
