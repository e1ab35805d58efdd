/* What we ask for while a session is up, and what the far side asks of us at the
 * same time: re-INVITE, REFER, NOTIFY, INFO. The session alone, without a call. */
#include "sip/session.h"
#include "tests/calls/world.h"

/* One session towards the world's phone, and all that it has told. */
static struct talk {
	struct world *w;
	struct gw_session *session;
	struct gw_line_way_req *way;
	struct mbuf *offer;
	char log[512]; /* "answered changed:200 ..." */
	uint16_t referred_code;
	char target[128], replaces[128];
	bool releases_at_change;
	int err;
} talk;

static void say(const char *fmt, ...)
{
	const size_t used = strlen(talk.log);
	va_list ap;

	va_start(ap, fmt);
	if (used)
		talk.log[used] = ' ';
	(void)re_vsnprintf(talk.log + used + (used ? 1 : 0),
			   sizeof(talk.log) - used - 1, fmt, ap);
	va_end(ap);
}

static void on_progress(const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
}

static void on_answered(const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	say("answered");
}

static int on_offered(struct mbuf **bodyp, const struct sip_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	say("offered");
	*bodyp = mem_ref(talk.offer);
	return 0;
}

static void on_agreed(const struct sip_msg *ack, void *arg)
{
	(void)ack;
	(void)arg;
}

static void on_changed(const struct sip_msg *msg, uint16_t code, int err,
		       void *arg)
{
	struct pl body = PL_INIT;
	(void)arg;

	if (msg)
		gw_session_body(&body, msg);
	say("changed:%u%s%s", code, err ? "!" : "", body.l ? "+sdp" : "");
	if (talk.releases_at_change) {
		gw_session_release(talk.session, 16, "over");
		talk.session = NULL;
	}
}

static void on_referring(const struct gw_session_transfer *news, void *arg)
{
	(void)arg;
	say("refer:%u%s%s%s", news->code, news->accepted ? "a" : "",
	    news->over ? "o" : "", news->err ? "!" : "");
}

static uint16_t on_referred(const char *target, const char *replaces, void *arg)
{
	(void)arg;
	say("referred");
	str_ncpy(talk.target, target, sizeof(talk.target));
	str_ncpy(talk.replaces, replaces ? replaces : "",
		 sizeof(talk.replaces));
	return talk.referred_code;
}

static void on_digit(char digit, uint32_t duration_ms, void *arg)
{
	(void)arg;
	say("digit:%c/%u", digit, duration_ms);
}

static void on_closed(void *arg)
{
	const struct gw_session_facts *facts = gw_session_facts(talk.session);
	(void)arg;

	say("closed:%u%s", facts->sip_code, facts->err ? "!" : "");
	gw_session_release(talk.session, 0, NULL);
	talk.session = NULL;
}

static const struct gw_session_h handlers = {
	.progress = on_progress,
	.answered = on_answered,
	.offered = on_offered,
	.agreed = on_agreed,
	.changed = on_changed,
	.referring = on_referring,
	.referred = on_referred,
	.digit = on_digit,
	.closed = on_closed,
};

static void talk_close(void *arg)
{
	(void)arg;
	talk.way = mem_deref(talk.way);
	if (talk.session)
		gw_session_release(talk.session, 16, "over");
	talk.session = NULL;
	talk.offer = mem_deref(talk.offer);
}

/* libre's hash reads whole words, so a string has to have some room behind it. */
static const char from_uri[64] = "sip:858@127.0.0.1";

static void way_ready(int err, const struct gw_line_way *way, void *arg)
{
	const struct gw_session_cfg cfg = {
		.line = talk.w->line,
		.way = way,
		.to_uri = talk.w->to.uri,
		.from_uri = from_uri,
	};
	(void)arg;

	talk.way = NULL;
	talk.err = err ? err :
			 gw_session_alloc(&talk.session, &cfg, &handlers, NULL);
	if (!talk.err)
		talk.err = gw_session_invite(talk.session, NULL, talk.offer);
}

static bool word_is_there(void *arg)
{
	const char *word = arg;
	const char *p = strstr(talk.log, word);

	return talk.err || (p && strchr(" ", p[strlen(word)]));
}

static int until(const char *word)
{
	const int err =
		test_run_until(word_is_there, (void *)(uintptr_t)word, 3000);

	return talk.err ? talk.err : err;
}

/* The session is up, and nothing has been told since. */
static int bring_up(struct world **wp)
{
	memset(&talk, 0, sizeof(talk));
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(talk_close, NULL);
	talk.w = *wp;
	talk.offer = mbuf_alloc(256);
	CHECK(talk.offer);
	CHECK_OK(mbuf_write_str(talk.offer, SDP_PCMA));
	phone_will(&(*wp)->to, { .code = 180 },
		   { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_line_way(&talk.way, (*wp)->line, (*wp)->to.uri, way_ready,
			     NULL));
	CHECK_OK(until("answered"));
	CHECK_OK(world_until_phone(*wp, "ACK"));
	(*wp)->to.log[0] = '\0';
	talk.log[0] = '\0';
	return 0;
}

/* re-INVITE ----------------------------------------------------------------- */

static int test_session_reinvite(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 100 }, { .code = 200, .sdp = SDP_HOLD });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_ERR(gw_session_reinvite(talk.session, talk.offer), EBUSY);
	CHECK_OK(until("changed:200+sdp"));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(w->to.log, "INVITE ACK");
	CHECK_INT(w->to.ack->cseq.num, w->to.invite->cseq.num);
	CHECK_INT(w->to.invite->cseq.num, w->to.first->cseq.num + 1);
	CHECK(*phone_header(w->to.invite, "Contact"));
	CHECK(sip_msg_hdr_has_value(w->to.invite, SIP_HDR_ALLOW, "NOTIFY"));

	/* and once more */
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(until("changed:200+sdp changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite);

/* The ACK was lost: the 200 comes again, and so does the ACK. */
static int test_session_reinvite_200_again(void)
{
	struct world *w;

	if (bring_up(&w))
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

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 488 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(until("changed:488"));
	CHECK(talk.session);

	/* the session is as it was: it can be changed and ended */
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(until("changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite_refused);

static int test_session_reinvite_challenged(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	w->to.challenge_code = 407;
	w->to.challenge = CHALLENGE_407;
	w->to.challenges = 1;
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(until("changed:200+sdp"));
	CHECK_INT(w->to.authorised, 1);
	return 0;
}
TEST(test_session_reinvite_challenged);

/* RFC 3261 14.1: both at once. Ours is tried again when a random time is over. */
static int test_session_reinvite_glare(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 491 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(talk.log, "");

	/* theirs, too, is under way, and is answered now */
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "491:INVITE"));

	w->to.log[0] = '\0';
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	gw_tmr_test_advance(4000);
	CHECK_OK(until("changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite_glare);

/* Ours isn't answered yet when theirs comes. */
static int test_session_reinvite_theirs_comes_late(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	phone_request(&w->to, "UPDATE", NULL, "application/sdp", SDP_HOLD);
	CHECK_OK(world_until_phone(w, "491:UPDATE"));
	CHECK_STR(talk.log, "");
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(until("changed:200+sdp"));
	return 0;
}
TEST(test_session_reinvite_theirs_comes_late);

/* RFC 3261 12.2.1.2: there is no such dialog any more, so no BYE either. */
static int test_session_reinvite_481(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 481 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(until("closed:200"));
	CHECK(!talk.session);
	CHECK_INT(w->to.byes, 0);
	return 0;
}
TEST(test_session_reinvite_481);

static int test_session_reinvite_408(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 408 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(until("closed:200!"));
	CHECK_OK(world_until_phone(w, "BYE"));
	return 0;
}
TEST(test_session_reinvite_408);

/* They hang up while ours is under way; the answer to it comes all the same. */
static int test_session_reinvite_and_their_bye(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(until("closed:200"));
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

	if (bring_up(&w))
		return 1;

	phone_will(&w->to, { .code = 100 });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "INVITE"));
	gw_session_release(talk.session, 16, "over");
	talk.session = NULL;
	CHECK_OK(world_until_phone(w, "BYE"));
	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_reinvite_and_our_bye);

static int test_session_released_by_its_change(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	talk.releases_at_change = true;
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_STR(talk.log, "changed:200+sdp");
	return 0;
}
TEST(test_session_released_by_its_change);

/* REFER of ours -------------------------------------------------------------- */

#define NOTIFY_HEADERS(state) \
	"Event: refer\r\nSubscription-State: " state "\r\n"

static void phone_notifies(struct world *w, const char *state,
			   const char *sipfrag)
{
	phone_request(&w->to, "NOTIFY", state, "message/sipfrag", sipfrag);
}

static int test_session_refer(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	w->to.other_code = 202;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_ERR(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL),
		  EBUSY);
	CHECK_OK(until("refer:202a"));
	CHECK_STR(phone_header(w->to.other, "Refer-To"), "<sip:9@127.0.0.1>");
	CHECK_STR(phone_header(w->to.other, "Referred-By"),
		  "<sip:858@127.0.0.1>");

	phone_notifies(w, NOTIFY_HEADERS("active;expires=60"),
		       "SIP/2.0 180 Ringing");
	CHECK_OK(until("refer:180a"));
	phone_notifies(w, NOTIFY_HEADERS("terminated;reason=noresource"),
		       "SIP/2.0 200 OK\r\n");
	CHECK_OK(until("refer:200ao"));

	/* over: no more news are wanted, and another REFER may follow */
	w->to.log[0] = '\0';
	phone_notifies(w, NOTIFY_HEADERS("terminated"), "SIP/2.0 200 OK");
	CHECK_OK(world_until_phone(w, "481:NOTIFY"));
	CHECK_OK(gw_session_refer(talk.session, "sip:8@127.0.0.1",
				  "a@b;to-tag=1;from-tag=2"));
	CHECK_OK(world_until_phone(w, "REFER"));
	CHECK_STR(
		phone_header(w->to.other, "Refer-To"),
		"<sip:8@127.0.0.1?Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>");
	return 0;
}
TEST(test_session_refer);

static int test_session_refer_refused(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	w->to.other_code = 603;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(until("refer:603o"));
	CHECK(talk.session);
	return 0;
}
TEST(test_session_refer_refused);

/* A NOTIFY may overtake the 202; one that says nothing is refused. */
static int test_session_refer_notified_early(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	w->to.is_deaf = true;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(world_until_phone(w, "REFER"));
	phone_notifies(w, NOTIFY_HEADERS("active"), "SIP/2.0 2000 OK");
	CHECK_OK(world_until_phone(w, "400:NOTIFY"));
	phone_notifies(w, "Event: presence\r\n", "SIP/2.0 200 OK");
	CHECK_OK(world_until_phone(w, "489:NOTIFY"));
	phone_notifies(w, NOTIFY_HEADERS("active"), "SIP/2.0 100 Trying");
	CHECK_OK(until("refer:100a"));
	phone_notifies(w, NOTIFY_HEADERS("terminated"), "SIP/2.0 486 Busy");
	CHECK_OK(until("refer:486ao"));
	return 0;
}
TEST(test_session_refer_notified_early);

/* It says yes, and then nothing any more. */
static int test_session_refer_without_news(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	w->to.other_code = 202;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(until("refer:202a"));
	gw_tmr_test_clock_start();
	gw_tmr_test_advance(180 * 1000);
	CHECK_OK(until("refer:0ao!"));
	return 0;
}
TEST(test_session_refer_without_news);

/* REFER of theirs ------------------------------------------------------------- */

static int test_session_referred(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	talk.referred_code = 202;
	phone_request(
		&w->to, "REFER",
		"Refer-To: <sip:7@127.0.0.1;a=b?Replaces=x%40y%3Bto-tag%3D1>\r\n",
		NULL, NULL);
	CHECK_OK(world_until_phone(w, "202:REFER"));
	CHECK_OK(world_until_phone(w, "NOTIFY"));
	CHECK_STR(talk.target, "sip:7@127.0.0.1;a=b");
	CHECK_STR(talk.replaces, "x@y;to-tag=1");
	CHECK(!strncmp(phone_header(w->to.other, "Subscription-State"),
		       "active", 6));

	/* one at a time */
	phone_request(&w->to, "REFER", "Refer-To: sip:6@127.0.0.1\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "491:REFER"));

	w->to.log[0] = '\0';
	CHECK_OK(gw_session_notify(talk.session, 200, "OK", true));
	CHECK_ERR(gw_session_notify(talk.session, 200, "OK", true), ENOTCONN);
	CHECK_OK(world_until_phone(w, "NOTIFY"));
	CHECK(!strncmp(phone_header(w->to.other, "Subscription-State"),
		       "terminated", 10));
	CHECK(strstr(phone_header(w->to.other, "Event"), "refer"));
	return 0;
}
TEST(test_session_referred);

static int test_session_referred_and_refused(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	talk.referred_code = 603;
	phone_request(&w->to, "REFER", "Refer-To: <sip:7@127.0.0.1>\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "603:REFER"));
	CHECK_ERR(gw_session_notify(talk.session, 200, "OK", true), ENOTCONN);

	/* nothing that could be called */
	talk.log[0] = '\0';
	phone_request(&w->to, "REFER", "Refer-To: <http://a/>\r\n", NULL, NULL);
	CHECK_OK(world_until_phone(w, "400:REFER"));
	phone_request(&w->to, "REFER", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "603:REFER 400:REFER 400:REFER"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_referred_and_refused);

/* INFO ------------------------------------------------------------------------ */

static int test_session_digits(void)
{
	struct world *w;

	if (bring_up(&w))
		return 1;

	CHECK_ERR(gw_session_digit(talk.session, 'x', 0), EINVAL);
	CHECK_OK(gw_session_digit(talk.session, '1', 160));
	CHECK_OK(gw_session_digit(talk.session, '#', 0));
	CHECK_OK(world_until_phone(w, "INFO INFO"));
	CHECK(0 == re_regex((const char *)mbuf_buf(w->to.other->mb),
			    mbuf_get_left(w->to.other->mb),
			    "Signal=#\r\nDuration=100"));

	/* 32 wait at most */
	w->to.is_deaf = true;
	for (int i = 0; i < 32; i++)
		CHECK_OK(gw_session_digit(talk.session, '2', 0));
	CHECK_ERR(gw_session_digit(talk.session, '2', 0), EBUSY);
	return 0;
}
TEST(test_session_digits);

/* The ladder ------------------------------------------------------------------ */

static char tapped[4096];

static void on_tap(bool sent, const char *text, size_t len, void *arg)
{
	const size_t used = strlen(tapped);
	(void)sent;
	(void)arg;

	(void)re_snprintf(tapped + used, sizeof(tapped) - used, "%b", text,
			  len);
}

/* Keys of SRTP are as secret as passwords; what stands around them is not. */
static int test_session_keys_are_not_shown(void)
{
	static const char secure[] = SDP_AT(
		"127.0.0.1",
		"m=audio 40000 RTP/SAVP 8\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:TheirsTheirs\r\n"
		"a=ptime:20\r\n");
	struct gw_stack_tap *tap = NULL;
	struct world *w;
	int err;

	if (bring_up(&w))
		return 1;

	tapped[0] = '\0';
	CHECK_OK(gw_stack_tap(&tap, w->stack, gw_session_call_id(talk.session),
			      on_tap, NULL));
	mbuf_rewind(talk.offer);
	err = mbuf_write_str(
		talk.offer,
		"m=audio 9 RTP/SAVP 8\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:OursOurs");
	phone_will(&w->to, { .code = 200, .sdp = secure });
	if (!err)
		err = gw_session_reinvite(talk.session, talk.offer);
	if (!err)
		err = until("changed:200+sdp");
	mem_deref(tap);
	CHECK_OK(err);
	CHECK(!strstr(tapped, "Theirs"));
	CHECK(!strstr(tapped, "OursOurs"));
	CHECK(strstr(tapped, "inline:***\r\na=ptime:20\r\n"));
	return 0;
}
TEST(test_session_keys_are_not_shown);
