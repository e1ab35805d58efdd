/* A re-INVITE of ours, and what the far side wants at the same time. The session
 * alone, without a call. */
#include "tests/calls/talk.h"

static int test_session_reinvite(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 100 }, { .code = 200, .sdp = SDP_HOLD });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_ERR(gw_session_reinvite(talk.session, talk.offer), EBUSY);
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK_INT(w->to.ack->cseq.num, w->to.invite->cseq.num);
	CHECK_INT(w->to.invite->cseq.num, w->to.first->cseq.num + 1);
	CHECK(*phone_header(w->to.invite, "Contact"));
	CHECK(sip_msg_hdr_has_value(w->to.invite, SIP_HDR_ALLOW, "NOTIFY"));

	/* and once more */
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("changed:200+sdp changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite);

/* The ACK was lost: the 200 comes again, and so does the ACK. */
static int test_session_reinvite_200_again(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	w->to.log[0] = '\0';
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "ACK");
	CHECK_INT(w->to.ack->cseq.num, w->to.invite->cseq.num);
	CHECK_STR(talk.log, "changed:200+sdp");
	return 0;
}
TEST(test_session_reinvite_200_again);

static int test_session_reinvite_refused(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 488 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("changed:488"));
	CHECK(talk.session);

	/* the session is as it was: it can be changed and ended */
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite_refused);

static int test_session_reinvite_challenged(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	w->to.challenge_code = 407;
	w->to.challenge = CHALLENGE_407;
	w->to.challenges = 1;
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_INT(w->to.authorised, 1);
	return 0;
}
TEST(test_session_reinvite_challenged);

/* What the far side was offered last. */
static bool was_offered(const struct world *w, const char *sdp)
{
	struct pl body;

	gw_session_body(&body, w->to.invite);
	return 0 == pl_strcmp(&body, sdp);
}

/* RFC 3261 14.1: both at once. Ours is tried again when a random time is over. */
static int test_session_reinvite_glare(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	gw_tmr_test_advance(2000);
	CHECK_STR(talk.log, "");
	CHECK_INT(w->to.invites, 2);

	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	gw_tmr_test_advance(2000);
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_STR(talk.log, "changed:200+sdp");
	CHECK_INT(w->to.invites, 3);
	CHECK(was_offered(w, SDP_PCMA));
	return 0;
}
TEST(test_session_reinvite_glare);

static int test_session_reinvite_glare_without_end(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	gw_tmr_test_advance(5 * 4000);
	CHECK_OK(talk_until("changed:491"));
	CHECK_STR(talk.log, "changed:491");
	CHECK_INT(w->to.invites, 1 + 5);
	return 0;
}
TEST(test_session_reinvite_glare_without_end);

/* Ours was told 491 and waits; theirs is tried again first, and agreed to. */
static int overtake(struct world **wp)
{
	if (talk_open(wp))
		return 1;

	gw_tmr_test_clock_start();
	phone_will(&(*wp)->to, { .code = 491 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(*wp, "ACK"));
	CHECK_ERR(gw_session_reinvite(talk.session, talk.offer), EBUSY);

	phone_request(&(*wp)->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(*wp, "200:INVITE"));
	CHECK_STR(talk.log, "offered");
	phone_will(&(*wp)->to, { .code = 200, .sdp = SDP_PCMA });
	return 0;
}

/* RFC 3264 8: our offer is older than our answer to theirs, so it is made anew. */
static int test_session_reinvite_overtaken(void)
{
	struct world *w;

	if (overtake(&w))
		return 1;

	gw_tmr_test_advance(4000);
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_STR(talk.log, "offered reoffer changed:200+sdp");
	CHECK(was_offered(w, SDP_HOLD));
	return 0;
}
TEST(test_session_reinvite_overtaken);

/* Theirs isn't ACKed yet when it would be our turn. */
static int test_session_reinvite_waits_for_their_ack(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	w->to.holds_ack_back = true;
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_PCMA);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	gw_tmr_test_advance(4000);
	CHECK_STR(talk.log, "offered");

	/* to one of the repetitions of our 200 */
	w->to.holds_ack_back = false;
	gw_tmr_test_advance(4000 + 2100);
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_STR(talk.log, "offered reoffer changed:200+sdp");
	return 0;
}
TEST(test_session_reinvite_waits_for_their_ack);

static int test_session_reinvite_given_up(void)
{
	struct world *w;

	if (overtake(&w))
		return 1;

	talk.reoffer_err = ECANCELED;
	gw_tmr_test_advance(4000);
	CHECK_OK(talk_until("changed:0!"));
	CHECK_INT(w->to.invites, 2);
	return 0;
}
TEST(test_session_reinvite_given_up);

static int test_session_reinvite_cannot_be_made_anew(void)
{
	struct world *w;

	if (overtake(&w))
		return 1;

	talk.h.reoffer = NULL;
	gw_tmr_test_advance(4000);
	CHECK_OK(talk_until("changed:491"));
	CHECK_INT(w->to.invites, 2);
	return 0;
}
TEST(test_session_reinvite_cannot_be_made_anew);

/* We hang up while ours waits for its turn: it never leaves. */
static int test_session_reinvite_hung_up_while_it_waits(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	talk_release();
	CHECK_OK(world_until_phone(w, "BYE"));
	gw_tmr_test_advance(4000);
	CHECK_INT(w->to.invites, 2);
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_reinvite_hung_up_while_it_waits);

/* Not a word: the transaction's own patience is all there is. */
static int test_session_reinvite_into_silence(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	gw_tmr_test_clock_start();
	w->to.is_deaf = true;
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	gw_tmr_test_advance(32 * 1000);
	CHECK_OK(talk_until("closed:200!"));
	CHECK_STR(talk.log, "closed:200!");
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_session_reinvite_into_silence);

static void on_closed_and_kept(void *arg)
{
	(void)arg;
	(void)strncat(talk.log, talk.log[0] ? " closed" : "closed",
		      sizeof(talk.log) - strlen(talk.log) - 1);
}

/* An owner who takes his time is told once; the BYE is his. */
static int test_session_lost_is_told_once(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	talk.h.closed = on_closed_and_kept;
	phone_will(&w->to, { .code = 408 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("closed"));
	CHECK_ERR(gw_session_reinvite(talk.session, talk.offer), ENOTCONN);
	CHECK_ERR(gw_session_digit(talk.session, '1', 0), ENOTCONN);
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "491:INVITE"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:BYE"));
	CHECK_STR(talk.log, "closed");
	CHECK_INT(w->to.byes, 0);
	talk_release();
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_session_lost_is_told_once);

/* Another phone has answered too late, and asks for something all the same. */
static int test_session_of_a_lost_fork(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_answer(&w->to, &(struct answer){ .code = 200,
					       .sdp = SDP_PCMA,
					       .tag = "other" });
	CHECK_OK(world_until_phone(w, "ACK BYE"));
	str_ncpy(w->to.tag, "other", sizeof(w->to.tag));
	talk.referred_code = 202;
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "481:INVITE"));
	phone_request(&w->to, "REFER", "Refer-To: <sip:7@127.0.0.1>\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "481:REFER"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:BYE"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_of_a_lost_fork);

/* RFC 3261 12.2.1.2: what comes after goes where the 2xx says. */
static int test_session_reinvite_moves_the_target(void)
{
	char contact[96], moved[64];
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	(void)re_snprintf(moved, sizeof(moved), "sip:moved@%J", &w->to.addr);
	(void)re_snprintf(contact, sizeof(contact), "Contact: <%s>\r\n", moved);
	phone_answer(&w->to, &(struct answer){ .code = 200,
					       .sdp = SDP_PCMA,
					       .contact = contact });
	CHECK_OK(talk_until("changed:200+sdp"));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK(0 == pl_strcmp(&w->to.ack->ruri, moved));
	talk_release();
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK(0 == pl_strcmp(&w->to.bye->ruri, moved));
	return 0;
}
TEST(test_session_reinvite_moves_the_target);

/* Ours isn't answered yet when theirs comes. */
static int test_session_reinvite_theirs_comes_late(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	phone_request(&w->to, "UPDATE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "491:UPDATE"));
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "491:INVITE"));
	CHECK_STR(talk.log, "");
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(talk_until("changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite_theirs_comes_late);

/* RFC 3261 12.2.1.2: there is no such dialog any more, so no BYE either. */
static int test_session_reinvite_481(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 481 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("closed:200"));
	CHECK(!talk.session);
	CHECK_INT(w->to.byes, 0);
	return 0;
}
TEST(test_session_reinvite_481);

static int test_session_reinvite_408(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 408 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(talk_until("closed:200!"));
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_session_reinvite_408);

/* They hang up while ours is under way; the answer to it comes all the same. */
static int test_session_reinvite_and_their_bye(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(talk_until("closed:200"));
	w->to.log[0] = '\0';
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(talk.log, "closed:200");
	return 0;
}
TEST(test_session_reinvite_and_their_bye);

/* We hang up while ours is under way: BYE at once, ACK when the 200 comes. */
static int test_session_reinvite_and_our_bye(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	talk_release();
	CHECK_OK(world_until_phone(w, "BYE"));
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_reinvite_and_our_bye);

/* The session is over and has given its ACK away; who never got it asks again. */
static int test_session_reinvite_200_after_the_end(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	talk_release();
	CHECK_OK(world_until_phone(w, "BYE"));
	w->to.log[0] = '\0';
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "ACK");
	CHECK_INT(w->to.ack->cseq.num, w->to.invite->cseq.num);
	return 0;
}
TEST(test_session_reinvite_200_after_the_end);

static int test_session_released_by_its_change(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	talk.releases_at_change = true;
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_STR(talk.log, "changed:200+sdp");
	return 0;
}
TEST(test_session_released_by_its_change);
