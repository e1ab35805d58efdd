/* G3: RFC 4028 session timers, so that a PBX drops what a gateway has left behind,
 * and a gateway what a PBX has. The session alone; with a call: test_call_timer.c. */
#include "tests/calls/talk.h"

#define ALLOWS_UPDATE "Allow: INVITE, ACK, BYE, UPDATE\r\n"
#define WE_REFRESH    "Require: timer\r\nSession-Expires: 180;refresher=uac\r\n"
#define THEY_REFRESH  "Session-Expires: 180;refresher=uas\r\n"

enum { HALF_MS = 90 * 1000, END_MS = (180 - 32) * 1000 };

/* G3: the INVITE asks for a timer that we refresh. */
static int test_session_timer_is_asked_for(void)
{
	struct world *w;

	if (talk_open_timed(&w, NULL))
		return 1;

	CHECK(sip_msg_hdr_has_value(w->to.first, SIP_HDR_SUPPORTED, "timer"));
	CHECK_STR(phone_header(w->to.first, "Session-Expires"),
		  "180;refresher=uac");
	CHECK_STR(phone_header(w->to.first, "Min-SE"), "90");
	return 0;
}
TEST(test_session_timer_is_asked_for);

/* G3: a line that wants none says nothing, and refuses who demands one. */
static int test_session_timer_off(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	CHECK(!sip_msg_hdr_has_value(w->to.first, SIP_HDR_SUPPORTED, "timer"));
	CHECK_STR(phone_header(w->to.first, "Session-Expires"), "");
	phone_request(&w->to, "UPDATE", "Session-Expires: 90\r\n", NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:UPDATE"));
	CHECK_STR(phone_header(w->to.response, "Session-Expires"), "");
	phone_request(&w->to, "UPDATE", "Require: timer\r\n", NULL, NULL);
	CHECK_OK(world_until_phone(w, "420:UPDATE"));
	return 0;
}
TEST(test_session_timer_off);

/* G3: who knows nothing of timers is left in peace, however long it takes. */
static int test_session_timer_unknown_to_them(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE))
		return 1;

	CHECK_OK(gw_tmr_test_advance(3600 * 1000));
	CHECK_STR(w->to.log, "");
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_timer_unknown_to_them);

/* G3: at half of the interval, and again at half of that. */
static int test_session_timer_refresh_by_update(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.other_headers = WE_REFRESH;
	CHECK_OK(gw_tmr_test_advance(HALF_MS - 1000));
	CHECK_STR(w->to.log, "");
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w->to.log, "UPDATE");
	CHECK_STR(phone_header(w->to.other, "Session-Expires"),
		  "180;refresher=uac");
	CHECK_STR(phone_header(w->to.other, "Content-Length"), "0");
	CHECK(*phone_header(w->to.other, "Contact"));
	CHECK_INT(w->to.other->cseq.num, w->to.first->cseq.num + 1);

	CHECK_OK(gw_tmr_test_advance(20 * HALF_MS));
	CHECK_INT(w->to.other->cseq.num, w->to.first->cseq.num + 21);
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_timer_refresh_by_update);

/* What the far side was offered last. */
static bool was_offered(const struct world *w, const char *sdp)
{
	struct pl body;

	gw_session_body(&body, w->to.invite);
	return 0 == pl_strcmp(&body, sdp);
}

/* G3: without UPDATE by the words that were said before. Nothing has changed, so
 * nobody is told of a change. */
static int test_session_timer_refresh_by_invite(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK(was_offered(w, SDP_PCMA));
	CHECK_STR(phone_header(w->to.invite, "Session-Expires"),
		  "180;refresher=uac");
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "INVITE ACK INVITE ACK");
	CHECK_STR(talk.log, "refreshed:200 refreshed:200");
	return 0;
}
TEST(test_session_timer_refresh_by_invite);

/* G3: it said that it takes UPDATE, and doesn't. */
static int test_session_timer_update_not_taken(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.other_code = 405;
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "UPDATE INVITE ACK");
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "UPDATE INVITE ACK INVITE ACK");
	return 0;
}
TEST(test_session_timer_update_not_taken);

/* G3: the timer ends with the answer that doesn't speak of it any more. */
static int test_session_timer_given_up_by_them(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "UPDATE");
	CHECK_OK(gw_tmr_test_advance(20 * HALF_MS));
	CHECK_STR(w->to.log, "UPDATE");
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_timer_given_up_by_them);

/* G3: they are to refresh: whoever doesn't is taken for dead half a minute before
 * the end (RFC 4028 10). */
static int test_session_timer_they_do_not_refresh(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE THEY_REFRESH))
		return 1;

	CHECK_OK(gw_tmr_test_advance(END_MS - 1000));
	CHECK_STR(talk.log, "");
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_STR(w->to.log, "BYE");
	return 0;
}
TEST(test_session_timer_they_do_not_refresh);

/* G3: they refresh, by UPDATE, by re-INVITE, and without a word about the timer. */
static int test_session_timer_they_refresh(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE THEY_REFRESH))
		return 1;

	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	phone_request(&w->to, "UPDATE",
		      "Supported: timer\r\n"
		      "Session-Expires: 180;refresher=uac\r\n",
		      NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:UPDATE"));
	CHECK_STR(phone_header(w->to.response, "Session-Expires"),
		  "180;refresher=uac");
	CHECK(sip_msg_hdr_has_value(w->to.response, SIP_HDR_REQUIRE, "timer"));

	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	phone_request(&w->to, "INVITE", "Supported: timer\r\n",
		      "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK_STR(phone_header(w->to.response, "Session-Expires"),
		  "180;refresher=uac");

	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(talk.log, "offered");
	CHECK_OK(gw_tmr_test_advance(END_MS - HALF_MS));
	CHECK_STR(talk.log, "offered closed:200!");
	return 0;
}
TEST(test_session_timer_they_refresh);

/* G3: a proxy wants a timer that the phone behind it knows nothing of: we do it. */
static int test_session_timer_of_a_proxy(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE))
		return 1;

	phone_request(&w->to, "UPDATE", "Session-Expires: 100\r\n", NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:UPDATE"));
	CHECK_STR(phone_header(w->to.response, "Session-Expires"),
		  "100;refresher=uas");
	CHECK(!sip_msg_hdr_has_value(w->to.response, SIP_HDR_REQUIRE, "timer"));
	w->to.log[0] = '\0';
	CHECK_OK(gw_tmr_test_advance(50 * 1000));
	CHECK_STR(w->to.log, "UPDATE");
	CHECK_STR(phone_header(w->to.other, "Session-Expires"),
		  "100;refresher=uac");
	return 0;
}
TEST(test_session_timer_of_a_proxy);

/* G3: too short is 422 in both directions, and nothing changes. */
static int test_session_timer_too_short_for_us(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	phone_request(&w->to, "INVITE",
		      "Supported: timer\r\nSession-Expires: 30\r\n",
		      "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "422:INVITE"));
	CHECK_STR(phone_header(w->to.response, "Min-SE"), "90");
	phone_request(&w->to, "UPDATE",
		      "Supported: timer\r\nSession-Expires: 89\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "422:UPDATE"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_timer_too_short_for_us);

/* Places a call over a line with a timer; the phone is to say no. */
static int call_timed(struct world **wp)
{
	int err;

	world_session_expires_s = 180;
	err = world_open(wp, GW_TRANSPORT_UDP);
	world_session_expires_s = 0;
	CHECK_OK(err);
	return 0;
}

/* G3: 422 to the INVITE is obeyed, once. */
static int test_session_timer_too_short_for_them(void)
{
	struct world *w;

	CHECK_OK(call_timed(&w));
	phone_will(&w->to, { .code = 422, .headers = "Min-SE: 300\r\n" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->to.log, "INVITE ACK INVITE ACK");
	CHECK_STR(phone_header(w->to.invite, "Session-Expires"),
		  "300;refresher=uac");
	CHECK_STR(phone_header(w->to.invite, "Min-SE"), "300");
	CHECK_INT(w->to.invite->cseq.num, w->to.first->cseq.num + 1);
	CHECK_OUTCOME(w, "failed", "protocol_error", 111);
	CHECK_INT(world_info(w)->sip_code, 422);
	return 0;
}
TEST(test_session_timer_too_short_for_them);

/* G3: 422 without a reason, or with an absurd one, is a refusal like others. */
static int test_session_timer_422_that_says_nothing(void)
{
	struct world *w;

	CHECK_OK(call_timed(&w));
	phone_will(&w->to, { .code = 422, .headers = "Min-SE: 999999999\r\n" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->to.invites, 1);
	return 0;
}
TEST(test_session_timer_422_that_says_nothing);

/* G3: a refresh is told 422: once more with more. */
static int test_session_timer_refresh_too_short(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.other_code = 422;
	w->to.other_headers = "Min-SE: 400\r\n";
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "UPDATE UPDATE");
	CHECK_STR(phone_header(w->to.other, "Session-Expires"),
		  "400;refresher=uac");
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_timer_refresh_too_short);

/* G3: 481: there is no dialog any more, so nobody to say BYE to. */
static int test_session_timer_refresh_481(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.other_code = 481;
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_STR(w->to.log, "UPDATE");
	return 0;
}
TEST(test_session_timer_refresh_481);

/* G3: the same by re-INVITE. */
static int test_session_timer_refresh_by_invite_481(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 481 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_STR(w->to.log, "INVITE ACK");
	return 0;
}
TEST(test_session_timer_refresh_by_invite_481);

/* G3: 408: perhaps somebody hears the BYE. */
static int test_session_timer_refresh_408(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.other_code = 408;
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_OK(world_until_phone(w, "UPDATE BYE"));
	return 0;
}
TEST(test_session_timer_refresh_408);

/* G3: not a word: the far side has died. */
static int test_session_timer_refresh_into_silence(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(HALF_MS + 32 * 1000));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_session_timer_refresh_into_silence);

/* G3: overloaded for a moment: tried again while there is time, then BYE. */
static int test_session_timer_refresh_refused(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.other_code = 500;
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "UPDATE");
	CHECK_OK(gw_tmr_test_advance((END_MS - HALF_MS) / 2));
	CHECK_STR(w->to.log, "UPDATE UPDATE");
	CHECK_STR(talk.log, "");
	CHECK_OK(gw_tmr_test_advance((END_MS - HALF_MS) / 2));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_session_timer_refresh_refused);

/* G3: overloaded for a moment, and then not: nobody has noticed. */
static int test_session_timer_refresh_recovers(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 500 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(10 * HALF_MS));
	CHECK_STR(talk.log, "refreshed:200 refreshed:200 refreshed:200 "
			    "refreshed:200 refreshed:200 refreshed:200 "
			    "refreshed:200 refreshed:200 refreshed:200 "
			    "refreshed:200");
	return 0;
}
TEST(test_session_timer_refresh_recovers);

/* G3: in a loop of challenges a refresh ends, too. */
static int test_session_timer_refresh_challenged(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	w->to.challenge_code = 407;
	w->to.challenge = CHALLENGE_407;
	w->to.challenges = 1;
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_INT(w->to.authorised, 1);
	CHECK_STR(talk.log, "refreshed:200");
	return 0;
}
TEST(test_session_timer_refresh_challenged);

/* Others at the same time ------------------------------------------------- */

/* G3: a change is wanted while a refresh is under way: it leaves right after. */
static int test_session_timer_change_behind_refresh(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_ERR(gw_session_reinvite(talk.session, talk.offer), EBUSY);
	CHECK_INT(w->to.invites, 2);

	phone_answer(&w->to, &(struct answer){ .code = 200,
					       .headers = WE_REFRESH,
					       .sdp = SDP_PCMA });
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_HOLD });
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_STR(talk.log, "refreshed:200 changed:200+sdp");
	return 0;
}
TEST(test_session_timer_change_behind_refresh);

/* G3: and behind one that is refused. */
static int test_session_timer_change_behind_refused_refresh(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	phone_answer(&w->to, &(struct answer){ .code = 488 });
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_HOLD });
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_STR(talk.log, "changed:200+sdp");

	/* that has refreshed it */
	w->to.log[0] = '\0';
	CHECK_OK(gw_tmr_test_advance(HALF_MS - 1000));
	CHECK_STR(w->to.log, "");
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w->to.log, "INVITE ACK");
	return 0;
}
TEST(test_session_timer_change_behind_refused_refresh);

/* G3: glare: the refresh waits, and what the owner wants takes its place. */
static int test_session_timer_glare_and_a_change(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_ERR(gw_session_reinvite(talk.session, talk.offer), EBUSY);

	/* refused: then the refresh is still due */
	phone_will(&w->to, { .code = 488 });
	CHECK_OK(gw_tmr_test_advance(4000));
	CHECK_STR(talk.log, "changed:488");
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(30 * 1000));
	CHECK_STR(talk.log, "changed:488 refreshed:200");
	return 0;
}
TEST(test_session_timer_glare_and_a_change);

/* G3: the change that took the refresh's place has refreshed the session. */
static int test_session_timer_change_instead_of_refresh(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(HALF_MS - 1000));
	CHECK_STR(talk.log, "changed:200+sdp");
	CHECK_INT(w->to.invites, 3);
	return 0;
}
TEST(test_session_timer_change_instead_of_refresh);

/* G3: glare, and theirs goes first: the refresh repeats what was said last. */
static int test_session_timer_glare_and_theirs(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	mem_deref(talk.offer);
	talk.offer = mbuf_alloc(256);
	CHECK(talk.offer);
	CHECK_OK(mbuf_write_str(talk.offer, SDP_HOLD));
	phone_request(&w->to, "INVITE", "Supported: timer\r\n",
		      "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK_STR(phone_header(w->to.response, "Session-Expires"),
		  "180;refresher=uas");
	phone_will(&w->to,
		   { .code = 200, .headers = WE_REFRESH, .sdp = SDP_PCMA });
	CHECK_OK(gw_tmr_test_advance(4000));
	CHECK_STR(talk.log, "offered refreshed:200");
	CHECK(was_offered(w, SDP_HOLD));
	return 0;
}
TEST(test_session_timer_glare_and_theirs);

/* G3: what has been let go is not refreshed any more. */
static int test_session_timer_ends_with_its_owner(void)
{
	struct world *w;

	if (talk_open_timed(&w, ALLOWS_UPDATE WE_REFRESH))
		return 1;

	w->to.ignores_bye = true;
	talk_release();
	CHECK_OK(gw_tmr_test_advance(10 * HALF_MS));
	CHECK(!strstr(w->to.log, "UPDATE"));
	return 0;
}
TEST(test_session_timer_ends_with_its_owner);

/* G3: hung up while a refresh is under way. */
static int test_session_timer_bye_meets_refresh(void)
{
	struct world *w;

	if (talk_open_timed(&w, WE_REFRESH))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_tmr_test_advance(HALF_MS));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(talk_until("closed:200"));
	phone_answer(&w->to, &(struct answer){ .code = 487 });
	CHECK_OK(gw_tmr_test_advance(10 * HALF_MS));
	CHECK_STR(talk.log, "closed:200");
	return 0;
}
TEST(test_session_timer_bye_meets_refresh);
