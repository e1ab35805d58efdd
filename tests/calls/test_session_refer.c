/* REFER, NOTIFY and INFO, ours and theirs. The session alone, without a call. */
#include "tests/calls/talk.h"

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

	if (talk_open(&w))
		return 1;

	w->to.other_code = 202;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_ERR(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL),
		  EBUSY);
	CHECK_OK(talk_until("refer:202a"));
	CHECK_STR(phone_header(w->to.other, "Refer-To"), "<sip:9@127.0.0.1>");
	CHECK_STR(phone_header(w->to.other, "Referred-By"),
		  "<sip:858@127.0.0.1>");

	phone_notifies(w, NOTIFY_HEADERS("active;expires=60"),
		       "SIP/2.0 180 Ringing");
	CHECK_OK(talk_until("refer:180a"));
	phone_notifies(w, NOTIFY_HEADERS("terminated;reason=noresource"),
		       "SIP/2.0 200 OK\r\n");
	CHECK_OK(talk_until("refer:200ao"));

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

	if (talk_open(&w))
		return 1;

	w->to.other_code = 603;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(talk_until("refer:603o"));
	CHECK(talk.session);
	return 0;
}
TEST(test_session_refer_refused);

/* A NOTIFY may overtake the 202; one that says nothing is refused. */
static int test_session_refer_notified_early(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	w->to.is_deaf = true;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(world_until_phone(w, "REFER"));
	phone_notifies(w, NOTIFY_HEADERS("active"), "SIP/2.0 2000 OK");
	CHECK_OK(world_until_phone(w, "400:NOTIFY"));
	phone_notifies(w, "Event: presence\r\n", "SIP/2.0 200 OK");
	CHECK_OK(world_until_phone(w, "489:NOTIFY"));
	phone_notifies(w, NOTIFY_HEADERS("active"), "SIP/2.0 099 Early");
	CHECK_OK(world_until_phone(w, "400:NOTIFY 489:NOTIFY 400:NOTIFY"));
	phone_notifies(w, NOTIFY_HEADERS("active"), "SIP/2.0 100 Trying");
	CHECK_OK(talk_until("refer:100a"));
	phone_notifies(w, NOTIFY_HEADERS("terminated"), "SIP/2.0 486 Busy");
	CHECK_OK(talk_until("refer:486ao"));
	return 0;
}
TEST(test_session_refer_notified_early);

/* It says yes, and then nothing any more. */
static int test_session_refer_without_news(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	w->to.other_code = 202;
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(talk_until("refer:202a"));
	gw_tmr_test_clock_start();
	gw_tmr_test_advance(180 * 1000);
	CHECK_OK(talk_until("refer:0ao!"));
	return 0;
}
TEST(test_session_refer_without_news);

/* REFER of theirs ------------------------------------------------------------- */

static int test_session_referred(void)
{
	char event[32];
	struct world *w;

	if (talk_open(&w))
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
	(void)re_snprintf(event, sizeof(event), "refer;id=%u", w->to.cseq);
	CHECK_STR(phone_header(w->to.other, "Event"), event);
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
	CHECK_STR(phone_header(w->to.other, "Event"), event);
	return 0;
}
TEST(test_session_referred);

/* RFC 6665 4.2.2: who answers 481 to NOTIFY wants no more of them. */
static int test_session_referred_and_forgotten(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	talk.referred_code = 202;
	w->to.other_code = 481;
	phone_request(&w->to, "REFER", "Refer-To: <sip:7@127.0.0.1>\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "NOTIFY"));
	phone_request(&w->to, "OPTIONS", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "200:OPTIONS"));
	CHECK_ERR(gw_session_notify(talk.session, 180, "Ringing", false),
		  ENOTCONN);

	phone_request(&w->to, "REFER", "Refer-To: <sip:8@127.0.0.1>\r\n", NULL,
		      NULL);
	CHECK_OK(talk_until("referred referred"));
	return 0;
}
TEST(test_session_referred_and_forgotten);

static int test_session_referred_and_refused(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	talk.referred_code = 603;
	phone_request(&w->to, "REFER", "Refer-To: <sip:7@127.0.0.1>\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "603:REFER"));
	CHECK_ERR(gw_session_notify(talk.session, 200, "OK", true), ENOTCONN);

	/* nothing that could be called, or too much */
	talk.log[0] = '\0';
	phone_request(&w->to, "REFER", "Refer-To: <http://a/>\r\n", NULL, NULL);
	CHECK_OK(world_until_phone(w, "400:REFER"));
	phone_request(&w->to, "REFER", NULL, NULL, NULL);
	CHECK_OK(world_until_phone(w, "603:REFER 400:REFER 400:REFER"));
	w->to.log[0] = '\0';
	phone_request(&w->to, "REFER",
		      "Refer-To: <sip:7@127.0.0.1>\r\n"
		      "Refer-To: <sip:8@127.0.0.1>\r\n",
		      NULL, NULL);
	CHECK_OK(world_until_phone(w, "400:REFER"));

	/* and nobody who could be asked */
	talk.h.referred = NULL;
	phone_request(&w->to, "REFER", "Refer-To: <sip:7@127.0.0.1>\r\n", NULL,
		      NULL);
	CHECK_OK(world_until_phone(w, "400:REFER 603:REFER"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_referred_and_refused);

/* Who wants none of the news gets none, and nothing is missing. */
static int test_session_without_handlers(void)
{
	struct world *w;

	if (talk_open(&w))
		return 1;

	talk.h.changed = NULL;
	talk.h.referring = NULL;
	w->to.other_code = 202;
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(gw_session_reinvite(talk.session, talk.offer));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK_OK(gw_session_refer(talk.session, "sip:9@127.0.0.1", NULL));
	CHECK_OK(world_until_phone(w, "REFER"));
	phone_notifies(w, NOTIFY_HEADERS("terminated"), "SIP/2.0 200 OK");
	CHECK_OK(world_until_phone(w, "200:NOTIFY"));
	CHECK_STR(talk.log, "");
	return 0;
}
TEST(test_session_without_handlers);

/* What Allow says is served inside of the dialog, and only there. */
static int test_session_methods_need_a_dialog(void)
{
	static const struct {
		const char *method, *answer;
	} methods[] = {
		{ "REFER", "403:REFER" },   { "INFO", "481:INFO" },
		{ "UPDATE", "481:UPDATE" }, { "NOTIFY", "481:NOTIFY" },
		{ "FOO", "405:FOO" },
	};
	char text[512];
	struct world *w;

	if (talk_open(&w))
		return 1;

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		CHECK(re_snprintf(text, sizeof(text),
				  "%s sip:858@127.0.0.1 SIP/2.0\r\n"
				  "Via: SIP/2.0/UDP %J;branch=z9hG4bKout%zu\r\n"
				  "From: <sip:853@127.0.0.1>;tag=x\r\n"
				  "To: <sip:858@127.0.0.1>\r\n"
				  "Call-ID: elsewhere\r\n"
				  "CSeq: 1 %s\r\n"
				  "Content-Length: 0\r\n\r\n",
				  methods[i].method, &w->to.addr, i,
				  methods[i].method) > 0);
		phone_sends_text(&w->to, text);
		CHECK_OK(world_until_phone(w, methods[i].answer));
	}
	return 0;
}
TEST(test_session_methods_need_a_dialog);

/* INFO ------------------------------------------------------------------------ */

static int test_session_digits(void)
{
	struct world *w;

	if (talk_open(&w))
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
