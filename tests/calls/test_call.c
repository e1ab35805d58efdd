/* Calls as they should go. */
#include "tests/calls/world.h"

/* INVITE, 100, 180, 200, ACK, BYE: and the journal in its order. */
static int test_call_normal(void)
{
	const struct gw_call_info *info;
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 100 }, { .code = 180 },
		   { .code = 200, .reason = "Fine", .sdp = SDP_PCMA });

	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_STR(w->history, "");
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "bridged");
	CHECK_INT(world_info(w)->status, GW_STATUS_IN_PROGRESS);

	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_phone(w, "BYE"));

	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ringing call.ringing "
		  "leg.answered call.answered call.bridged leg.ended "
		  "call.ended");
	CHECK_STR(w->to.log, "INVITE ACK BYE");
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);

	info = world_info(w);
	CHECK_INT(info->ended_by, GW_ENDED_BY_API);
	CHECK_INT(info->failed_leg, -1);
	CHECK_INT(info->sip_code, 200);
	CHECK_STR(info->sip_reason, "Fine");
	CHECK_STR(info->legs[0].codec, "PCMA/8000");
	CHECK(info->started_at_ms && info->ringing_at_ms &&
	      info->answered_at_ms && info->bridged_at_ms && info->ended_at_ms);
	CHECK_STR(phone_header(w->to.bye, "Reason"),
		  "Q.850;cause=16;text=\"normal_clearing\"");
	CHECK_ERR(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				 GW_ENDED_BY_API),
		  EALREADY);
	return 0;
}
TEST(test_call_normal);

/* Who calls stands in From, quoted and escaped; all an INVITE needs is there. */
static int test_call_invite_headers(void)
{
	const struct gw_call_header more = { "X-CRM-Id", "797" };
	struct world *w;
	const struct sip_msg *invite;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 486 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .headers = &more,
							.header_count = 1,
							.auto_answer = true }));
	CHECK_OK(world_until_ended(w));

	invite = w->to.invite;
	CHECK(strstr(phone_header(invite, "Via"), ";rport"));
	CHECK(strstr(phone_header(invite, "From"),
		     "\"Bell \\\"P\\\" Pull\" <sip:858@127.0.0.1>;tag="));
	CHECK_STR(phone_header(invite, "Max-Forwards"), "70");
	CHECK_STR(phone_header(invite, "User-Agent"), "Bellpull/test");
	CHECK_STR(phone_header(invite, "Supported"), "100rel");
	CHECK_STR(phone_header(invite, "X-CRM-Id"), "797");
	CHECK_STR(phone_header(invite, "Answer-Mode"), "Auto");
	CHECK(strstr(phone_header(invite, "Contact"), "@127.0.0.1:"));
	CHECK(strstr(phone_header(invite, "Allow"), "INVITE"));
	return 0;
}
TEST(test_call_invite_headers);

static int test_call_withheld(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 486 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .caller_privacy = 1 }));
	CHECK_OK(world_until_ended(w));

	CHECK_INT(strncmp(phone_header(w->to.invite, "From"),
			  "\"Anonymous\" <sip:anonymous@anonymous.invalid>",
			  44),
		  0);
	CHECK_STR(phone_header(w->to.invite, "Privacy"), "id");
	CHECK(strstr(phone_header(w->to.invite, "P-Preferred-Identity"),
		     "<sip:858@127.0.0.1>"));
	return 0;
}
TEST(test_call_withheld);

/* A header with a line break is no header: refused before anything is sent. */
static int test_call_refuses_injection(void)
{
	const struct gw_call_header bad = { "X-A", "b\r\nEvil: yes" };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_ERR(world_call(w, &(struct gw_call_order){ .headers = &bad,
							 .header_count = 1 }),
		  EINVAL);
	CHECK_ERR(world_call(w,
			     &(struct gw_call_order){
				     .to = "sip:a@b>\r\nEvil: yes" }),
		  EINVAL);
	CHECK(!w->call);
	return 0;
}
TEST(test_call_refuses_injection);

/* The far side hangs up and says why. */
static int test_call_far_bye(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(world_until_phone(w, "ACK"));

	phone_request(&w->to, "BYE",
		      "Reason: Q.850;cause=31;text=\"unspecified\"\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_phone(w, "200:BYE"));

	CHECK_STR(w->to.log, "INVITE ACK 200:BYE");
	CHECK_OUTCOME(w, "completed", "normal_clearing", 31);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TO);
	CHECK_STR(world_info(w)->reason_header,
		  "Q.850;cause=31;text=\"unspecified\"");
	return 0;
}
TEST(test_call_far_bye);

/* G21: both hang up at once: each gets its 200, nothing hangs. */
static int test_call_bye_glare(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));

	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_phone(w, "200:BYE"));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_call_bye_glare);

/* Sound before the answer; the 200 then brings no SDP of its own. */
static int test_call_early_media(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 183, .sdp = SDP_PCMA }, { .code = 200 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ringing call.ringing "
		  "leg.early_media call.early_media leg.answered "
		  "call.answered call.bridged");
	return 0;
}
TEST(test_call_early_media);

/* The same over TCP. */
static int test_call_over_tcp(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_TCP));
	phone_will(&w->to, { .code = 100 }, { .code = 180 },
		   { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK(strstr(phone_header(w->to.invite, "Via"), "SIP/2.0/TCP"));
	CHECK(strstr(phone_header(w->to.invite, "Contact"), "transport=tcp"));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_call_over_tcp);

/* G20: the connection breaks in mid-call, and our BYE goes into it: it is sent again
 * through a new one. */
static int test_call_tcp_connection_lost(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_TCP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));

	gw_tmr_test_clock_start();
	w->to.tc = mem_deref(w->to.tc);
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(gw_tmr_test_advance(33000));
	CHECK_INT(w->to.byes, 1);
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	return 0;
}
TEST(test_call_tcp_connection_lost);

/* G20: the connection breaks in mid-call, and we have noticed: the next request
 * makes a new one. */
static int test_call_tcp_connection_made_anew(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_TCP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));

	gw_tmr_test_clock_start();
	w->to.tc = mem_deref(w->to.tc);
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_ANY, true));
	CHECK_OK(world_until(w, "call.hold"));
	CHECK_INT(w->to.invites, 2);
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_call_tcp_connection_made_anew);

/* The dialog as text ends the call from another process. */
static int test_call_stored_dialog(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(256);
	struct world *w;
	char text[1024] = "";
	uint32_t cseq;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK(mb);
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_ERR(gw_call_dialog_print(mb, w->call), ENOENT);
	CHECK_OK(world_until_phone(w, "ACK"));

	CHECK_OK(gw_call_dialog_print(mb, w->call));
	memcpy(text, mb->buf, mb->end < 1023 ? mb->end : 1023);
	cseq = w->to.ack->cseq.num;

	CHECK_OK(gw_call_bye_stored(w->line, text));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK(w->to.bye->cseq.num > cseq + 100);
	CHECK_INT(pl_cmp(&w->to.bye->callid, &w->to.invite->callid), 0);
	CHECK_INT(pl_cmp(&w->to.bye->from.tag, &w->to.invite->from.tag), 0);
	CHECK_INT(pl_strcmp(&w->to.bye->to.tag, "phone"), 0);
	CHECK_STR(phone_header(w->to.bye, "Reason"),
		  "Q.850;cause=41;text=\"server restart\"");

	CHECK_ERR(gw_call_bye_stored(w->line, "nonsense"), EBADMSG);
	return 0;
}
TEST(test_call_stored_dialog);

/* Every message in order, nothing of the password. */
static int test_call_ladder(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	w->to.challenge_code = 407;
	w->to.challenge = CHALLENGE_407;
	w->to.challenges = 1;
	phone_will(&w->to, { .code = 180 }, { .code = 486, .reason = "Busy" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_ended(w));

	CHECK_INT(strncmp(world_ladder(w), "> INVITE ", 9), 0);
	CHECK(strstr(world_ladder(w), "\n< SIP/2.0 407 Whatever\n> ACK "));
	CHECK(strstr(world_ladder(w),
		     "\n< SIP/2.0 180 Whatever\n< SIP/2.0 486 Busy\n> ACK "));
	CHECK_STR(gw_call_diagnosis(w->call), "The far side said: 486 Busy.");
	return 0;
}
TEST(test_call_ladder);
