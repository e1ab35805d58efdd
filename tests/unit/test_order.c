/* POST /calls: what is read from a body, and what is refused by name. */
#include "config/json.h"
#include "server/json.h"
#include "tests/test.h"

static const char *const header_list[] = { "X-*" };
static const struct gw_config_strings patterns = { header_list, 1 };

struct read {
	struct gw_json_doc *doc;
	struct gw_order_request order;
	struct gw_faults faults;
	int err;
};

static void read_destructor(void *arg)
{
	struct read *r = arg;

	mem_deref(r->doc);
}

/* NULL: no memory. */
static struct read *read_body(const char *body, bool from_form)
{
	struct read *r = mem_zalloc(sizeof(*r), read_destructor);

	if (!r)
		return NULL;
	if (gw_json_parse(&r->doc, body, strlen(body), GW_JSON_API, NULL))
		return mem_deref(r);
	r->err = gw_json_read_order(&r->order, gw_json_root(r->doc), from_form,
				    &patterns, &r->faults);
	return r;
}

static int test_order_defaults(void)
{
	OWNED struct read *r = read_body("{\"to\":\"853\"}", false);

	CHECK(r);
	CHECK_OK(r->err);
	CHECK_STR(r->order.to, "853");
	CHECK_INT(r->order.ring_timeout_s, 30);
	CHECK_INT(r->order.time_limit_s, 3600);
	CHECK_INT(r->order.setup_deadline_s, 90);
	CHECK_INT(r->order.caller_privacy, -1);
	CHECK(!r->order.auto_answer);
	return 0;
}
TEST(test_order_defaults);

static int test_order_everything(void)
{
	OWNED struct read *r = read_body(
		"{\"to\":\"853\",\"line\":\"office\",\"ring_timeout\":5,\"time_limit\":60,"
		"\"setup_deadline\":20,\"caller_id\":{\"number\":\"+49301112\",\"name\":\"ACME\","
		"\"privacy\":true},\"auto_answer\":true,\"announce\":{\"leg\":\"to\",\"play\":"
		"\"hello.wav\"},\"headers\":{\"X-CRM-Id\":\"797\"},\"client_state\":\"opaque\","
		"\"metadata\":{\"contact\":797},\"from\":null,\"join\":\"auto\",\"record\":false,"
		"\"dedupe_seconds\":0,\"not_before\":null,\"show_to_from\":\"to\"}",
		false);

	CHECK(r);
	CHECK_OK(r->err);
	CHECK_STR(r->order.line, "office");
	CHECK_INT(r->order.ring_timeout_s, 5);
	CHECK_INT(r->order.time_limit_s, 60);
	CHECK_INT(r->order.setup_deadline_s, 20);
	CHECK_STR(r->order.caller_number, "+49301112");
	CHECK_INT(r->order.caller_privacy, 1);
	CHECK(r->order.auto_answer);
	CHECK_STR(r->order.announce_play, "hello.wav");
	CHECK_INT(r->order.header_count, 1);
	CHECK_STR(r->order.headers[0].value, "797");
	CHECK_STR(r->order.client_state, "opaque");
	CHECK(r->order.metadata);
	return 0;
}
TEST(test_order_everything);

/* Each of these must not dial, and must say which member is wrong. */
static int test_order_faults_have_their_pointer(void)
{
	static const struct {
		const char *body, *pointer;
	} cases[] = {
		{ "{}", "/to" },
		{ "{\"to\":853}", "/to" },
		{ "{\"to\":\"\"}", "/to" },
		{ "{\"to\":\"1\",\"ring_timeout\":0}", "/ring_timeout" },
		{ "{\"to\":\"1\",\"ring_timeout\":301}", "/ring_timeout" },
		{ "{\"to\":\"1\",\"ring_timeout\":\"30\"}", "/ring_timeout" },
		{ "{\"to\":\"1\",\"ring_timeout\":1.5}", "/ring_timeout" },
		{ "{\"to\":\"1\",\"time_limit\":86401}", "/time_limit" },
		{ "{\"to\":\"1\",\"caller_id\":\"ACME\"}", "/caller_id" },
		{ "{\"to\":\"1\",\"caller_id\":{\"nmae\":\"x\"}}",
		  "/caller_id/nmae" },
		{ "{\"to\":\"1\",\"announce\":{\"leg\":\"from\",\"play\":\"x\"}}",
		  "/announce/leg" },
		{ "{\"to\":\"1\",\"announce\":{}}", "/announce" },
		{ "{\"to\":\"1\",\"headers\":{\"Via\":\"x\"}}",
		  "/headers/Via" },
		{ "{\"to\":\"1\",\"headers\":{\"X-a\":1}}", "/headers/X-a" },
		{ "{\"to\":\"1\",\"metadata\":[]}", "/metadata" },
		{ "{\"to\":\"1\",\"auto_answer\":\"yes\"}", "/auto_answer" },
		{ "{\"to\":\"1\",\"from\":2}", "/from" },
		{ "{\"to\":\"1\",\"from\":{}}", "/from" },
		{ "{\"to\":\"1\",\"from\":{\"webrtc\":{\"sdp\":1}}}",
		  "/from/webrtc/sdp" },
		{ "{\"to\":\"1\",\"from\":{\"webrtc\":\"v=0\"}}",
		  "/from/webrtc" },
		{ "{\"to\":\"1\",\"from\":{\"webrtc\":{}}}", "/from/webrtc" },
		{ "{\"to\":\"1\",\"from\":{\"webrtc\":{\"spd\":\"v=0\"}}}",
		  "/from/webrtc/spd" },
		{ "{\"to\":{\"webrtc\":{\"sdp\":\"v=0\"}},"
		  "\"from\":{\"webrtc\":{\"sdp\":\"v=0\"}}}",
		  "/from/webrtc" },
		{ "{\"to\":\"1\",\"from\":{\"webrtc\":{\"sdp\":\"v=0\"}},"
		  "\"dedupe_seconds\":5}",
		  "/dedupe_seconds" },
		{ "{\"to\":\"1\",\"from\":{\"webrtc\":{\"sdp\":\"v=0\"}},"
		  "\"retry\":{\"busy\":{}}}",
		  "/retry" },
		{ "{\"to\":\"1\",\"from\":{\"phone\":{}}}", "/from/phone" },
		{ "{\"to\":\"1\",\"from_line\":\"office\"}", "/from_line" },
		{ "{\"to\":\"1\",\"first\":\"to\"}", "/first" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"first\":\"both\"}",
		  "/first" },
		{ "{\"to\":\"1\",\"show_to_from\":\"caller_id\"}",
		  "/show_to_from" },
		{ "{\"to\":\"1\",\"confirm\":{}}", "/confirm" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"confirm\":{\"digit\":\"12\"}}",
		  "/confirm/digit" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"confirm\":{\"digit\":\"w\"}}",
		  "/confirm/digit" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"confirm\":{\"timeout\":61}}",
		  "/confirm/timeout" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"confirm\":{\"leg\":\"me\"}}",
		  "/confirm/leg" },
		{ "{\"to\":\"1\",\"ringback\":\"de\"}", "/ringback" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"ringback\":\"d1\"}",
		  "/ringback" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"ringback\":\"deu\"}",
		  "/ringback" },
		{ "{\"to\":\"1\",\"from\":\"2\",\"join\":\"bridge\"}",
		  "/join" },
		{ "{\"to\":\"1\",\"send_digits\":\"12x\"}", "/send_digits" },
		{ "{\"to\":\"1\",\"send_digits\":\"\"}", "/send_digits" },
		{ "{\"to\":\"1\",\"status_callback\":1}", "/status_callback" },
		{ "{\"to\":\"1\",\"From\":\"2\"}", "/From" },
		{ "{\"to\":\"1\",\"record\":1}", "/record" },
		{ "{\"to\":\"1\",\"dedupe_seconds\":86401}",
		  "/dedupe_seconds" },
		{ "{\"to\":\"1\",\"not_before\":5}", "/not_before" },
		{ "{\"to\":\"1\",\"join\":\"refer\"}", "/join" },
		{ "{\"to\":\"1\",\"a/b\":1}", "/a~1b" },
		{ "[]", "" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		OWNED struct read *r = read_body(cases[i].body, false);

		CHECK(r);
		CHECK_ERR(r->err, EINVAL);
		CHECK(r->faults.count >= 1);
		CHECK_STR(r->faults.list[0].pointer, cases[i].pointer);
		CHECK(r->faults.list[0].detail[0]);
	}
	return 0;
}
TEST(test_order_faults_have_their_pointer);

static int test_order_of_two_people(void)
{
	OWNED struct read *r = read_body(
		"{\"to\":\"853\",\"from\":\"sip:854\",\"from_line\":\"desk\","
		"\"first\":\"to\",\"show_to_from\":\"caller_id\","
		"\"confirm\":{\"digit\":\"#\",\"timeout\":60},"
		"\"announce\":{\"play\":\"x\"},\"ringback\":\"JP\","
		"\"join\":\"refer\",\"send_digits\":\"ww200#W\",\"record\":true}",
		false);

	CHECK(r);
	CHECK_OK(r->err);
	CHECK_STR(r->order.from, "sip:854");
	CHECK_STR(r->order.from_line, "desk");
	CHECK_INT(r->order.first, GW_ROLE_TO);
	CHECK(r->order.show_caller_id_to_from);
	CHECK(r->order.has_confirm);
	CHECK_INT(r->order.confirm_leg, GW_ROLE_TO);
	CHECK_INT(r->order.confirm_digit, '#');
	CHECK_INT(r->order.confirm_timeout_s, 60);
	CHECK_INT(r->order.announce_leg, GW_ROLE_TO);
	CHECK_STR(r->order.ringback, "JP");
	CHECK_INT(r->order.join, GW_JOIN_REFER);
	CHECK_STR(r->order.send_digits, "ww200#W");
	CHECK(r->order.record);
	return 0;
}
TEST(test_order_of_two_people);

static int test_order_of_two_people_defaults(void)
{
	OWNED struct read *r = read_body(
		"{\"to\":\"853\",\"from\":\"854\",\"confirm\":{}}", false);
	OWNED struct read *form = read_body(
		"{\"to\":\"853\",\"from\":\"854\",\"confirm.leg\":\"to\","
		"\"confirm.timeout\":\"5\",\"join\":\"\",\"record\":\"on\"}",
		true);
	OWNED struct read *one =
		read_body("{\"to\":\"853\",\"announce\":{\"play\":\"x\"},"
			  "\"send_digits\":\"1\",\"record\":true}",
			  false);

	CHECK(r && form && one);
	CHECK_OK(r->err);
	CHECK_INT(r->order.first, GW_ROLE_FROM);
	CHECK(r->order.has_confirm);
	CHECK_INT(r->order.confirm_leg, GW_ROLE_FROM);
	CHECK_INT(r->order.confirm_digit, '1');
	CHECK_INT(r->order.confirm_timeout_s, 10);
	CHECK_INT(r->order.join, GW_JOIN_AUTO);
	CHECK_OK(form->err);
	CHECK(form->order.has_confirm);
	CHECK_INT(form->order.confirm_leg, GW_ROLE_TO);
	CHECK_INT(form->order.confirm_timeout_s, 5);
	CHECK(form->order.record);
	CHECK_OK(one->err);
	CHECK(!one->order.from);
	CHECK_INT(one->order.announce_leg, GW_ROLE_TO);
	return 0;
}
TEST(test_order_of_two_people_defaults);

static int test_order_guesses_what_a_typo_meant(void)
{
	static const char *const typos[] = { "ring_timout", "Ring_Timeout",
					     "ring_timeoutt", "rnig_timeout",
					     "ring-timeout" };
	char body[64];
	size_t i;

	for (i = 0; i < sizeof(typos) / sizeof(typos[0]); i++) {
		(void)re_snprintf(body, sizeof(body), "{\"to\":\"1\",\"%s\":5}",
				  typos[i]);
		OWNED struct read *r = read_body(body, false);

		CHECK(r);
		CHECK_ERR(r->err, EINVAL);
		CHECK(strstr(r->faults.list[0].detail, "\"ring_timeout\""));
	}
	return 0;
}
TEST(test_order_guesses_what_a_typo_meant);

static int test_order_from_a_form(void)
{
	OWNED struct read *r = read_body(
		"{\"to\":\"853\",\"ring_timeout\":\"7\",\"line\":\"\","
		"\"auto_answer\":\"on\"}",
		true);
	OWNED struct read *bad = read_body(
		"{\"to\":\"853\",\"ring_timeout\":\"7x\",\"time_limit\":\"-1\"}",
		true);

	CHECK(r && bad);
	CHECK_OK(r->err);
	CHECK_INT(r->order.ring_timeout_s, 7);
	CHECK(!r->order.line);
	CHECK(r->order.auto_answer);
	CHECK_INT(bad->faults.count, 2);
	return 0;
}
TEST(test_order_from_a_form);

static int test_order_bounds_what_a_stranger_sends(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(8192);
	OWNED struct read *r = NULL;
	int i;

	CHECK(mb);
	CHECK_OK(mbuf_write_str(mb, "{\"to\":\"1\",\"client_state\":\""));
	CHECK_OK(mbuf_fill(mb, 'x', GW_CLIENT_STATE_MAX + 1));
	CHECK_OK(mbuf_write_str(mb, "\",\"headers\":{"));
	for (i = 0; i <= GW_ORDER_HEADERS_MAX; i++)
		CHECK_OK(mbuf_printf(mb, "%s\"X-%d\":\"v\"", i ? "," : "", i));
	CHECK_OK(mbuf_write_str(mb, "}}"));
	CHECK_OK(mbuf_write_u8(mb, 0));
	r = read_body((const char *)mb->buf, false);
	CHECK(r);
	CHECK_ERR(r->err, EINVAL);
	CHECK_INT(r->faults.count, 2);
	CHECK_STR(r->faults.list[0].pointer, "/client_state");
	CHECK_INT(r->order.header_count, GW_ORDER_HEADERS_MAX);
	return 0;
}
TEST(test_order_bounds_what_a_stranger_sends);

/* When ----------------------------------------------------------------------- */

static int test_order_when(void)
{
	OWNED struct read *r = read_body(
		"{\"to\":\"853\",\"not_before\":\"2026-11-22T05:00:00+01:00\","
		"\"expires_at\":\"2026-11-22T05:00:00.5Z\",\"window\":"
		"{\"days\":[\"mon\",\"sun\"],\"hours\":\"09:00-18:30\"},\"retry\":"
		"{\"busy\":{\"times\":3,\"every\":60},\"no-answer\":{}}}",
		false);
	const struct gw_schedule *s;

	CHECK(r);
	CHECK_OK(r->err);
	s = &r->order.schedule;
	CHECK_INT(s->expires_at_ms - s->not_before_ms, 3600500);
	CHECK_INT(s->window.days, 0x41);
	CHECK_INT(s->window.from, 540);
	CHECK_INT(s->window.to, 1110);
	CHECK_INT(s->retry[GW_RETRY_BUSY].times, 3);
	CHECK_INT(s->retry[GW_RETRY_BUSY].every_s, 60);
	CHECK_INT(s->retry[GW_RETRY_NO_ANSWER].times, 1);
	CHECK_INT(s->retry[GW_RETRY_NO_ANSWER].every_s, 300);
	CHECK_INT(s->retry[GW_RETRY_FAILED].times, 0);
	return 0;
}
TEST(test_order_when);

/* A form has no lists. */
static int test_order_when_form(void)
{
	OWNED struct read *r = read_body(
		"{\"to\":\"853\",\"window.days\":\"tue,wed\",\"window.hours\":"
		"\"00:00-24:00\"}",
		true);

	CHECK(r);
	CHECK_OK(r->err);
	CHECK_INT(r->order.schedule.window.days, 6);
	CHECK_INT(r->order.schedule.window.to, GW_DAY_MINUTES);
	return 0;
}
TEST(test_order_when_form);

static int test_order_when_wrong(void)
{
	static const struct {
		const char *body, *pointer;
	} wrong[] = {
		{ "\"not_before\":\"tomorrow\"", "/not_before" },
		{ "\"not_before\":\"2026-11-22 05:00\"", "/not_before" },
		{ "\"not_before\":5", "/not_before" },
		{ "\"not_before\":\"2026-11-22T05:00:00Z\",\"expires_at\":"
		  "\"2026-11-22T05:00:00Z\"",
		  "/expires_at" },
		{ "\"window\":{\"days\":[]}", "/window/days" },
		{ "\"window\":{\"days\":[\"monday\"]}", "/window/days" },
		{ "\"window\":{\"days\":[\"\"]}", "/window/days" },
		{ "\"window\":{\"days\":\"mon\"}", "/window/days" },
		{ "\"window\":{\"hours\":\"18:00-09:00\"}", "/window/hours" },
		{ "\"window\":{\"hours\":\"09:00-25:00\"}", "/window/hours" },
		{ "\"window\":{\"hours\":\"9-17\"}", "/window/hours" },
		{ "\"window\":{\"hour\":\"09:00-17:00\"}", "/window/hour" },
		{ "\"window\":\"always\"", "/window" },
		{ "\"retry\":{\"busy\":{\"times\":21}}", "/retry/busy/times" },
		{ "\"retry\":{\"busy\":{\"every\":0}}", "/retry/busy/every" },
		{ "\"retry\":{\"busy\":3}", "/retry/busy" },
		{ "\"retry\":{\"canceled\":{}}", "/retry/canceled" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		OWNED struct read *r = NULL;
		char body[256];

		(void)snprintf(body, sizeof(body), "{\"to\":\"853\",%s}",
			       wrong[i].body);
		r = read_body(body, false);
		CHECK(r);
		CHECK_INT(r->err, EINVAL);
		CHECK_INT(r->faults.count, 1);
		CHECK_STR(r->faults.list[0].pointer, wrong[i].pointer);
	}
	return 0;
}
TEST(test_order_when_wrong);
