/* Twilio's words: ids, dates, errors, Twiml, orders, the resource of a call, the form of
 * a callback and its signature. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/crm_tree.h"
#include "server/twilio.h"
#include "server/writer.h"
#include "tests/test.h"

/* Ids ------------------------------------------------------------------------ */

static int test_twilio_call_sids_are_the_same_bits(void)
{
	static const char *const rows[][2] = {
		{ "call_01J9ZK3V5X8Q2M4N6P7R9S0T1W",
		  "CA01927f31ecbd45c54254d63e1390683c" },
		{ "call_7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
		  "CAffffffffffffffffffffffffffffffff" },
		{ "call_00000000000000000000000000",
		  "CA00000000000000000000000000000000" },
	};
	char sid[GW_TWILIO_SID_SIZE], id[GW_CALL_ID_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gw_twilio_call_sid(sid, rows[i][0]);
		CHECK_STR(sid, rows[i][1]);
		CHECK(gw_twilio_call_id(id, sid));
		CHECK_STR(id, rows[i][0]);
		CHECK(gw_call_id_valid(id));
	}
	CHECK_OK(gw_call_id_make(id, 1795410300000));
	gw_twilio_call_sid(sid, id);
	CHECK(gw_twilio_call_id(id, sid));
	return 0;
}
TEST(test_twilio_call_sids_are_the_same_bits);

static int test_twilio_refuses_other_sids(void)
{
	static const char *const bad[] = {
		"",
		"CA",
		"CA01927f31ecbd45c54254d63e1390683",
		"CA01927f31ecbd45c54254d63e1390683c0",
		"CA01927F31ECBD45C54254D63E1390683C",
		"CA01927f31ecbd45c54254d63e1390683g",
		"SM01927f31ecbd45c54254d63e1390683c",
		"call_01J9ZK3V5X8Q2M4N6P7R9S0T1W",
	};
	char id[GW_CALL_ID_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!gw_twilio_call_id(id, bad[i]));
	return 0;
}
TEST(test_twilio_refuses_other_sids);

static int test_call_id_lowest_stands_before_its_moment(void)
{
	char lowest[GW_CALL_ID_SIZE], id[GW_CALL_ID_SIZE];

	gw_call_id_lowest(lowest, 4102444800000);
	CHECK_OK(gw_call_id_make(id, 4102444800000));
	CHECK(strcmp(lowest, id) < 0);
	gw_call_id_lowest(lowest, 4102444900000);
	CHECK(strcmp(lowest, id) > 0);
	return 0;
}
TEST(test_call_id_lowest_stands_before_its_moment);

static int test_twilio_accounts_are_projects(void)
{
	char sid[GW_TWILIO_SID_SIZE];

	gw_twilio_account_sid(sid, NULL);
	CHECK_STR(sid, "AC37a8eec1ce19687d132fe29051dca629");
	gw_twilio_account_sid(sid, "default");
	CHECK_STR(sid, "AC37a8eec1ce19687d132fe29051dca629");
	gw_twilio_account_sid(sid, "crm");
	CHECK_STR(sid, "AC9261ceef0b969e70ac20f1510f07a1e0");
	return 0;
}
TEST(test_twilio_accounts_are_projects);

static int test_twilio_basic_is_account_and_key(void)
{
	static const char *const bad[] = {
		"",         "!", "QUMx", "bm9jb2xvbg==", "QUMxOmtleTp3aXRo=",
		"QUMx Omtl"
	};
	struct gw_twilio_basic basic;

	CHECK(gw_twilio_basic_read(&basic, "QUMxOmtleTp3aXRo"));
	CHECK_STR(basic.account, "AC1");
	CHECK_STR(basic.key, "key:with");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!gw_twilio_basic_read(&basic, bad[i]));
	return 0;
}
TEST(test_twilio_basic_is_account_and_key);

static int test_clock_prints_mail_dates(void)
{
	static const struct {
		int64_t ms;
		const char *text;
	} rows[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 +0000" },
		{ 951782399999, "Mon, 28 Feb 2000 23:59:59 +0000" },
		{ 1795410300000, "Mon, 23 Nov 2026 05:05:00 +0000" },
	};
	char text[GW_CLOCK_MAIL_LEN + 1];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gw_clock_print_mail(text, rows[i].ms);
		CHECK_STR(text, rows[i].text);
	}
	return 0;
}
TEST(test_clock_prints_mail_dates);

/* Errors ---------------------------------------------------------------------- */

static int test_twilio_errors_have_numbers(void)
{
	static const struct {
		unsigned status, told;
		const char *code, *number;
	} rows[] = {
		{ 422, 400, "caller_id_refused", "\"code\":21210," },
		{ 401, 401, "unauthorized", "\"code\":20003," },
		{ 404, 404, "not_found", "\"code\":20404," },
		{ 405, 405, "method_not_allowed", "\"code\":20004," },
		{ 429, 429, "rate_limited", "\"code\":20429," },
		{ 403, 400, "policy_denied", "\"code\":21215," },
		{ 503, 503, "storage", "\"code\":20503," },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);
		const struct gw_twilio_error error = {
			.status =
				gw_twilio_status(rows[i].status, rows[i].code),
			.code = rows[i].code,
			.message = "\"no\"",
			.request_id = "r1",
		};

		CHECK(mb);
		CHECK_INT(error.status, rows[i].told);
		CHECK_OK(gw_twilio_print_error(mb, &error));
		CHECK_OK(mbuf_write_u8(mb, '\0'));
		CHECK(strstr((char *)mb->buf, rows[i].number));
		CHECK(strstr((char *)mb->buf, "\"message\":\"\\\"no\\\"\""));
	}
	return 0;
}
TEST(test_twilio_errors_have_numbers);

static int test_twilio_faults_are_whole_characters(void)
{
	char name[400] = "";
	struct gw_twilio_fault fault;

	for (size_t i = 0; i < 150; i++)
		strcat(name, "\xc3\xa4");
	gw_twilio_fault(&fault, "unknown_parameter", "x%s", name);
	CHECK_INT(strlen(fault.text), 253);
	gw_twilio_fault(&fault, "unknown_parameter", "%s", name);
	CHECK_INT(strlen(fault.text), 254);
	gw_twilio_fault_of(&fault, "/ring_timeout", "must be less");
	CHECK_STR(fault.text, "Timeout: must be less");
	CHECK_STR(fault.code, "invalid_timeout");
	gw_twilio_fault_of(&fault, "/elsewhere", "is wrong");
	CHECK_STR(fault.text, "/elsewhere: is wrong");
	return 0;
}
TEST(test_twilio_faults_are_whole_characters);

/* Twiml ------------------------------------------------------------------------ */

static int read_twiml(struct gw_twiml *twiml, struct gw_json_doc **docp,
		      struct gw_twilio_fault *fault, const char *xml)
{
	char why[GW_CRM_WHY_SIZE];
	const int err = gw_crm_tree(docp, GW_CRM_XML, (const uint8_t *)xml,
				    strlen(xml), why);

	return err ? err : gw_twiml_read(twiml, gw_json_root(*docp), fault);
}

static int test_twiml_says_whom_to_dial(void)
{
	static const char *const rows[][2] = {
		{ "<Response><Dial>853</Dial></Response>", "853" },
		{ "<Response>\n <Dial>\n +4930 123\n</Dial>\n</Response>",
		  "+4930 123" },
		{ "<Response><Dial timeout=\"5\">853</Dial></Response>",
		  "853" },
		{ "<Response><Dial><Number> 853 </Number></Dial></Response>",
		  "853" },
		{ "<Response><Dial><Sip>sip:a@b</Sip></Dial></Response>",
		  "sip:a@b" },
		{ "<Response><Dial>1</Dial><Hangup/></Response>", "1" },
		{ "<?xml version=\"1.0\"?><!-- x --><Response><Dial>1</Dial>"
		  "</Response>",
		  "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_json_doc *doc = NULL;
		struct gw_twilio_fault fault;
		struct gw_twiml twiml;

		CHECK_OK(read_twiml(&twiml, &doc, &fault, rows[i][0]));
		CHECK_STR(twiml.dial, rows[i][1]);
	}
	return 0;
}
TEST(test_twiml_says_whom_to_dial);

static int test_twiml_attributes(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	struct gw_twilio_fault fault;
	struct gw_twiml twiml;

	CHECK_OK(read_twiml(&twiml, &doc, &fault,
			    "<Response><Dial callerId=\"+491\" timeout=\"20\""
			    " timeLimit=\"60\" record=\"record-from-answer\""
			    " ringTone=\"uk\">853</Dial></Response>"));
	CHECK_STR(twiml.caller_id, "+491");
	CHECK_STR(twiml.timeout, "20");
	CHECK_STR(twiml.time_limit, "60");
	CHECK_STR(twiml.ring_tone, "gb");
	CHECK(twiml.record);
	return 0;
}
TEST(test_twiml_attributes);

static int test_twiml_refuses_by_name(void)
{
	static const char *const rows[][2] = {
		{ "<Dial>853</Dial>", "<Response>" },
		{ "<Response/>", "no <Dial>" },
		{ "<Response>853</Response>", "no <Dial>" },
		{ "<Response>x<Dial>1</Dial></Response>",
		  "text in <Response>" },
		{ "<Response><Dial/></Response>", "nobody" },
		{ "<Response><Dial> </Dial></Response>", "nobody" },
		{ "<Response><Dial timeout=\"5\"/></Response>", "nobody" },
		{ "<Response><Dial><Number/></Dial></Response>", "<Number>" },
		{ "<Response><Hangup/><Dial>1</Dial></Response>", "<Hangup>" },
		{ "<Response><Dial>1</Dial><Hangup a=\"1\"/></Response>",
		  "<Hangup>" },
		{ "<Response><Dial>1</Dial><Dial>2</Dial></Response>", "once" },
		{ "<Response><Dial>1<Number>2</Number></Dial></Response>",
		  "takes one" },
		{ "<Response><Dial><Number>1</Number><Number>2</Number></Dial>"
		  "</Response>",
		  "takes one" },
		{ "<Response><Dial><Sip>853</Sip></Dial></Response>",
		  "sip: URI" },
		{ "<Response><Dial><Sip username=\"a\">sip:a@b</Sip></Dial>"
		  "</Response>",
		  "username" },
		{ "<Response><Dial><Queue>q</Queue></Dial></Response>",
		  "<Queue>" },
		{ "<Response><Dial action=\"/x\">1</Dial></Response>",
		  "action" },
		{ "<Response><Dial record=\"yes\">1</Dial></Response>",
		  "record" },
		{ "<Response a=\"1\"><Dial>1</Dial></Response>",
		  "attribute a" },
		{ "<Response><Dial>1</Dial><Pause/></Response>", "<Pause>" },
		{ "<Response><Say>Hi</Say></Response>", "<Say>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_json_doc *doc = NULL;
		struct gw_twilio_fault fault;
		struct gw_twiml twiml;

		CHECK_ERR(read_twiml(&twiml, &doc, &fault, rows[i][0]),
			  EBADMSG);
		CHECK_STR(fault.code, "twiml_unsupported");
		CHECK(strstr(fault.text, rows[i][1]));
	}
	return 0;
}
TEST(test_twiml_refuses_by_name);

/* Orders ------------------------------------------------------------------------ */

#define DIAL "Twiml=%3CResponse%3E%3CDial%3E854%3C/Dial%3E%3C/Response%3E"
#define DIAL_WITH(attribute)                              \
	"Twiml=%3CResponse%3E%3CDial+" attribute "%3E854" \
	"%3C/Dial%3E%3C/Response%3E"

static int order(struct gw_json_doc **docp, const char *form, const char *first,
		 struct gw_twilio_fault *fault)
{
	return gw_twilio_order(docp, (const uint8_t *)form, strlen(form), first,
			       fault);
}

static int becomes(const char *form, const char *first, const char *want)
{
	OWNED struct gw_json_doc *doc = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_twilio_fault fault;

	CHECK(mb);
	CHECK_OK(order(&doc, form, first, &fault));
	CHECK_OK(gw_json_print(mb, gw_json_root(doc)));
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	CHECK_STR((char *)mb->buf, want);
	return 0;
}

static int test_twilio_orders_ring_to_before_dial(void)
{
	return becomes("To=853&From=%2B491&" DIAL, "855",
		       "{\"to\":\"853\",\"from\":\"854\",\"first\":\"to\","
		       "\"show_to_from\":\"caller_id\","
		       "\"caller_id\":{\"number\":\"+491\"},\"record\":false,"
		       "\"metadata\":{\"twilio\":{\"From\":\"+491\"}}}");
}
TEST(test_twilio_orders_ring_to_before_dial);

static int test_twilio_orders_ring_the_keys_own_before_to(void)
{
	return becomes("To=853&From=%2B491&Timeout=&Record=true", "855",
		       "{\"to\":\"853\",\"from\":\"855\",\"first\":\"from\","
		       "\"show_to_from\":\"to\","
		       "\"caller_id\":{\"number\":\"+491\"},\"record\":true,"
		       "\"metadata\":{\"twilio\":{\"From\":\"+491\"}}}");
}
TEST(test_twilio_orders_ring_the_keys_own_before_to);

static int test_twilio_orders_take_what_fits(void)
{
	return becomes(
		"To=853&From=1&Timeout=20&TimeLimit=100&SendDigits=1&"
		"StatusCallback=https://a/&StatusCallbackMethod=POST&"
		"StatusCallbackEvent=ringing&StatusCallbackEvent=completed&"
		"RecordingChannels=dual&" DIAL_WITH(
			"timeout=\"20\"+timeLimit=\"60\"+callerId=\"853\"+"
			"record=\"true\"+ringTone=\"de\""),
		NULL,
		"{\"to\":\"853\",\"from\":\"854\",\"first\":\"to\","
		"\"show_to_from\":\"to\",\"caller_id\":{\"number\":\"1\"},"
		"\"record\":true,\"ring_timeout\":\"20\","
		"\"time_limit\":\"60\",\"send_digits\":\"1\","
		"\"status_callback\":\"https://a/\",\"ringback\":\"de\","
		"\"status_callback_events\":[\"ringing\",\"completed\"],"
		"\"metadata\":{\"twilio\":{\"From\":\"1\","
		"\"StatusCallbackMethod\":\"POST\"}}}");
}
TEST(test_twilio_orders_take_what_fits);

static int test_twilio_orders_are_refused_by_name(void)
{
	static const char *const rows[][3] = {
		{ "", "missing_to", "To" },
		{ "To=853", "missing_from", "From" },
		{ "To=853&From=1", "missing_dial", "Twiml" },
		{ "To=853&From=1&Url=x&" DIAL, "unknown_parameter", "Url" },
		{ "To=853&From=1&to=1&" DIAL, "unknown_parameter", "to " },
		{ "To=853&From=1&MachineDetectionTimeout=x&" DIAL,
		  "unknown_parameter", "MachineDetectionTimeout" },
		{ "To=853&To=854&From=1&" DIAL, "duplicate_parameter", "To" },
		{ "To[a]=853&From=1&" DIAL, "duplicate_parameter", "To" },
		{ "To=%zz", "invalid_body", "percent" },
		{ "To=853&From=1&Record=yes&" DIAL, "invalid_parameter",
		  "Record" },
		{ "To=853&From=1&RecordingChannels=mono&" DIAL,
		  "invalid_parameter", "RecordingChannels: may only be dual" },
		{ "To=853&From=1&StatusCallbackMethod=PUT&" DIAL,
		  "invalid_method",
		  "StatusCallbackMethod: may only be POST or GET" },
		{ "To=853&From=1&StatusCallbackEvent=busy&" DIAL,
		  "invalid_parameter", "busy" },
		{ "To=853&From=1&StatusCallbackEvent=ringing&"
		  "StatusCallbackEvent=busy&" DIAL,
		  "invalid_parameter", "busy" },
		{ "To=853&From=1&StatusCallback=https://a/%23rc=1&" DIAL,
		  "invalid_callback", "fragment" },
		{ "To=853&From=1&Twiml=%3C", "twiml_unreadable", "Twiml" },
		{ "To=853&From=1&" DIAL_WITH("callerId=\"2\""),
		  "caller_id_refused", "callerId" },
		{ "To=853&From=1&Timeout=5&" DIAL_WITH("timeout=\"6\""),
		  "invalid_timeout", "Timeout" },
		{ "To=853&From=1&TimeLimit=5&" DIAL_WITH("timeLimit=\"6x\""),
		  "twiml_unsupported", "timeLimit" },
		{ "To=853&From=1&TimeLimit=5&" DIAL_WITH("timeLimit=\"-1\""),
		  "twiml_unsupported", "timeLimit" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_json_doc *doc = NULL;
		struct gw_twilio_fault fault;

		CHECK_ERR(order(&doc, rows[i][0], NULL, &fault), EBADMSG);
		CHECK_STR(fault.code, rows[i][1]);
		CHECK(strstr(fault.text, rows[i][2]));
	}
	return 0;
}
TEST(test_twilio_orders_are_refused_by_name);

static int test_twilio_twiml_has_a_size(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	OWNED struct gw_json_doc *doc = NULL;
	struct gw_twilio_fault fault;

	CHECK(mb);
	CHECK_OK(mbuf_write_str(mb, "To=853&From=1&" DIAL));
	CHECK_OK(mbuf_fill(mb, '+', GW_TWIML_MAX));
	CHECK_ERR(gw_twilio_order(&doc, mb->buf, mb->end, NULL, &fault),
		  EBADMSG);
	CHECK_STR(fault.code, "twiml_unreadable");
	return 0;
}
TEST(test_twilio_twiml_has_a_size);

static int test_twilio_wishes(void)
{
	static const struct {
		const char *form;
		int err;
		enum gw_twilio_wish wish;
	} rows[] = {
		{ "Status=completed", 0, GW_TWILIO_COMPLETED },
		{ "Status=canceled", 0, GW_TWILIO_CANCELED },
		{ "Status=paused", EBADMSG, 0 },
		{ "Status=completed&Status=canceled", EBADMSG, 0 },
		{ "", EBADMSG, 0 },
		{ "Status=completed&Url=x", EBADMSG, 0 },
		{ "Status=completed&TimeLimit=3", EBADMSG, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum gw_twilio_wish wish = GW_TWILIO_COMPLETED;
		struct gw_twilio_fault fault;

		CHECK_ERR(gw_twilio_wish(&wish, (const uint8_t *)rows[i].form,
					 strlen(rows[i].form), &fault),
			  rows[i].err);
		if (!rows[i].err)
			CHECK_INT(wish, rows[i].wish);
	}
	return 0;
}
TEST(test_twilio_wishes);

/* Calls -------------------------------------------------------------------------- */

#define CALL                                            \
	"{\"id\":\"call_01J9ZK3V5X8Q2M4N6P7R9S0T1W\","  \
	"\"status\":\"completed\",\"to\":\"+4930 1\","  \
	"\"created_at\":\"2026-11-23T05:05:00.000Z\","  \
	"\"started_at\":\"2026-11-23T05:05:00.250Z\","  \
	"\"ringing_at\":\"2026-11-23T05:05:01.000Z\","  \
	"\"answered_at\":\"2026-11-23T05:05:02.000Z\"," \
	"\"ended_at\":\"2026-11-23T05:06:03.000Z\","    \
	"\"duration\":61,\"sip\":{\"code\":200},"       \
	"\"metadata\":{\"twilio\":{\"From\":\"+49 30\"}}}"

static int show(struct mbuf *mb, const char *json, const char *caller_id)
{
	OWNED struct gw_json_doc *doc = NULL;
	struct gw_writer w;

	CHECK_OK(gw_json_parse(&doc, json, strlen(json), 0, NULL));
	gw_writer_init(&w, mb);
	gw_twilio_write_call(&w, gw_json_root(doc),
			     "AC37a8eec1ce19687d132fe29051dca629", caller_id);
	CHECK_OK(w.err);
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	return 0;
}

static int test_twilio_shows_a_call(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	if (show(mb, CALL, "858"))
		return 1;
	CHECK_STR((char *)mb->buf,
		  "{\"sid\":\"CA01927f31ecbd45c54254d63e1390683c\","
		  "\"account_sid\":\"AC37a8eec1ce19687d132fe29051dca629\","
		  "\"api_version\":\"2010-04-01\","
		  "\"date_created\":\"Mon, 23 Nov 2026 05:05:00 +0000\","
		  "\"date_updated\":\"Mon, 23 Nov 2026 05:06:03 +0000\","
		  "\"to\":\"+4930 1\",\"to_formatted\":\"+4930 1\","
		  "\"from\":\"+49 30\",\"from_formatted\":\"+49 30\","
		  "\"status\":\"completed\",\"direction\":\"outbound-api\","
		  "\"start_time\":\"Mon, 23 Nov 2026 05:05:00 +0000\","
		  "\"end_time\":\"Mon, 23 Nov 2026 05:06:03 +0000\","
		  "\"duration\":\"61\",\"queue_time\":\"250\","
		  "\"parent_call_sid\":null,\"phone_number_sid\":null,"
		  "\"price\":null,\"price_unit\":null,\"answered_by\":null,"
		  "\"forwarded_from\":null,\"group_sid\":null,"
		  "\"trunk_sid\":null,\"stir_verstat\":null,"
		  "\"caller_name\":null,\"annotation\":null,"
		  "\"uri\":\"/2010-04-01/Accounts/"
		  "AC37a8eec1ce19687d132fe29051dca629/Calls/"
		  "CA01927f31ecbd45c54254d63e1390683c.json\","
		  "\"subresource_uris\":{}}");
	return 0;
}
TEST(test_twilio_shows_a_call);

static int test_twilio_shows_a_call_that_waits(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	if (show(mb,
		 "{\"id\":\"call_01J9ZK3V5X8Q2M4N6P7R9S0T1W\","
		 "\"status\":\"queued\",\"to\":\"853\",\"duration\":0,"
		 "\"created_at\":\"2026-11-23T05:05:00.000Z\","
		 "\"started_at\":null,\"ended_at\":null,\"metadata\":null}",
		 "858"))
		return 1;
	CHECK(strstr((char *)mb->buf, "\"from\":\"858\""));
	CHECK(strstr((char *)mb->buf, "\"start_time\":null"));
	CHECK(strstr((char *)mb->buf, "\"duration\":null"));
	CHECK(strstr((char *)mb->buf,
		     "\"date_updated\":\"Mon, 23 Nov 2026 05:05:00 +0000\""));
	return 0;
}
TEST(test_twilio_shows_a_call_that_waits);

/* Callbacks ------------------------------------------------------------------------ */

static int tell(struct mbuf *mb, const char *type, const char *call)
{
	OWNED struct gw_json_doc *doc = NULL;
	char json[1024];
	const int n = re_snprintf(
		json, sizeof(json),
		"{\"type\":\"%s\",\"occurred_at\":\"2026-11-23T05:06:03.000Z\","
		"\"call\":%s}",
		type, call);
	int err;

	err = gw_json_parse(&doc, json, (size_t)n, 0, NULL);
	err = err ? err : gw_twilio_callback(mb, gw_json_root(doc), "default");
	return err ? err : mbuf_write_u8(mb, '\0');
}

static int test_twilio_callbacks_are_forms(void)
{
	static const char *const rows[][3] = {
		{ "call.initiated", "CallStatus=initiated&",
		  "SequenceNumber=0&" },
		{ "call.ringing", "CallStatus=ringing&", "SequenceNumber=1&" },
		{ "call.answered", "CallStatus=in-progress&",
		  "SequenceNumber=2&" },
	};
	OWNED struct mbuf *end = mbuf_alloc(64);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);

		CHECK(mb);
		CHECK_OK(tell(mb, rows[i][0], CALL));
		CHECK(strstr((char *)mb->buf, rows[i][1]));
		CHECK(strstr((char *)mb->buf, rows[i][2]));
		CHECK(!strstr((char *)mb->buf, "CallDuration"));
	}
	CHECK(end);
	CHECK_OK(tell(end, "call.ended", CALL));
	CHECK_STR((char *)end->buf,
		  "CallSid=CA01927f31ecbd45c54254d63e1390683c&"
		  "AccountSid=AC37a8eec1ce19687d132fe29051dca629&"
		  "ApiVersion=2010-04-01&From=%2B49%2030&To=%2B4930%201&"
		  "Caller=%2B49%2030&Called=%2B4930%201&"
		  "Direction=outbound-api&CallStatus=completed&"
		  "CallbackSource=call-progress-events&SequenceNumber=3&"
		  "Timestamp=Mon%2C%2023%20Nov%202026%2005%3A06%3A03%20%2B0000&"
		  "CallDuration=61&Duration=2&SipResponseCode=200");
	return 0;
}
TEST(test_twilio_callbacks_are_forms);

static int test_twilio_callbacks_tell_calls_alone(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	CHECK_ERR(tell(mb, "call.hold", CALL), EBADMSG);
	CHECK_ERR(tell(mb, "call.ended", "null"), EBADMSG);
	CHECK_ERR(tell(mb, "call.ended", "{\"id\":\"call_1\"}"), EBADMSG);
	CHECK_INT(mb->end, 0);
	return 0;
}
TEST(test_twilio_callbacks_tell_calls_alone);

/* Those that Twilio's own words don't ask for are posted. */
static int test_twilio_callbacks_may_be_asked_for_by_get(void)
{
	static const struct {
		const char *event;
		bool get;
	} rows[] = {
		{ "{\"call\":{\"metadata\":{\"twilio\":"
		  "{\"StatusCallbackMethod\":\"GET\"}}}}",
		  true },
		{ "{\"call\":{\"metadata\":{\"twilio\":"
		  "{\"StatusCallbackMethod\":\"POST\"}}}}",
		  false },
		{ "{\"call\":{\"metadata\":{\"twilio\":"
		  "{\"StatusCallbackMethod\":1}}}}",
		  false },
		{ "{\"call\":{\"metadata\":null}}", false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_json_doc *doc = NULL;

		CHECK_OK(gw_json_parse(&doc, rows[i].event,
				       strlen(rows[i].event), 0, NULL));
		CHECK_INT(gw_twilio_is_get(gw_json_root(doc)), rows[i].get);
	}
	return 0;
}
TEST(test_twilio_callbacks_may_be_asked_for_by_get);

/* The fields go behind what is there: a URL and its ? or &. */
static int test_twilio_callbacks_fit_behind_a_url(void)
{
	static const char begin[] = "https://a/?x=1&CallSid=CA01927f31";
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	CHECK_OK(mbuf_write_str(mb, "https://a/?x=1&"));
	CHECK_OK(tell(mb, "call.ended", CALL));
	CHECK(!strncmp((char *)mb->buf, begin, strlen(begin)));
	return 0;
}
TEST(test_twilio_callbacks_fit_behind_a_url);

/* The vector of Twilio's documentation. */
static int test_twilio_signs_as_twilio_does(void)
{
	static const char form[] =
		"To=%2B18005551212&From=%2B14158675309&Digits=1234&"
		"Caller=%2B14158675309&CallSid=CA1234567890ABCDE";
	char signature[GW_TWILIO_SIGNATURE_SIZE];

	CHECK_OK(gw_twilio_sign(signature, "12345",
				"https://mycompany.com/myapp.php?foo=1&bar=2",
				form, strlen(form)));
	CHECK_STR(signature, "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
	return 0;
}
TEST(test_twilio_signs_as_twilio_does);
