/* One sentence for people, cause by cause. */
#include <errno.h>

#include "sip/diagnosis.h"
#include "tests/test.h"

static const char *const codecs[] = { "PCMA", "telephone-event", "G722" };

#define FACTS(cause_, ...)                                              \
	{                                                               \
		.outcome = { .cause = (cause_) }, .uri = "sip:853@pbx", \
		.line = "office", .user = "858", .codecs = codecs,      \
		.codec_count = 3, __VA_ARGS__                           \
	}

static const struct {
	struct gw_diagnosis_facts facts;
	const char *says; /* a part of it; NULL: nothing */
} rows[] = {
	{ FACTS(GW_CAUSE_NORMAL_CLEARING, .answered = true), NULL },
	{ FACTS(GW_CAUSE_NORMAL_CLEARING, .answered = true,
		.no_sound_came = true),
	  "no RTP came back" },
	{ FACTS(GW_CAUSE_TIME_LIMIT, .answered = true, .no_sound_came = true,
		.clues = { .private_address = true }),
	  "SDP address of the far side is private and no RTP came back" },
	{ FACTS(GW_CAUSE_AUTH_FAILED, .sip_code = 407,
		.sip_reason = "Proxy Authentication Required",
		.clues = { .challenged = true }),
	  "password of user 858 (line office) was refused twice" },
	{ FACTS(GW_CAUSE_AUTH_FAILED, .sip_code = 401,
		.sip_reason = "Unauthorized"),
	  "(401 Unauthorized) but does not say how" },
	{ FACTS(GW_CAUSE_NO_COMMON_CODEC,
		.clues = { .sdp_fault = "the far side switched it off" }),
	  "the stream was refused: the far side switched it off." },
	{ FACTS(GW_CAUSE_NO_COMMON_CODEC, .clues = { .they_speak = "G729" }),
	  "we offered PCMA, G722, they speak G729" },
	{ FACTS(GW_CAUSE_NO_COMMON_CODEC, .sip_code = 488, .sip_reason = "No"),
	  "they said 488 No" },
	{ FACTS(GW_CAUSE_TRANSPORT_TIMEOUT, .ring_timeout_s = 3),
	  "Nobody answered our INVITE to sip:853@pbx" },
	{ FACTS(GW_CAUSE_RING_TIMEOUT, .ring_timeout_s = 30, .rang = true),
	  "It rang for 30 seconds and" },
	{ FACTS(GW_CAUSE_RING_TIMEOUT, .ring_timeout_s = 1, .rang = true),
	  "It rang for 1 second and" },
	{ FACTS(GW_CAUSE_RING_TIMEOUT, .ring_timeout_s = 2, .sip_code = 100,
		.sip_reason = "Trying"),
	  "For 2 seconds the far side said only that it was trying (100 "
	  "Trying)" },
	{ FACTS(GW_CAUSE_DNS_ERROR, .ring_timeout_s = 3), "DNS" },
	{ FACTS(GW_CAUSE_TLS_ERROR, .ring_timeout_s = 3), "certificate" },
	{ FACTS(GW_CAUSE_NETWORK_ERROR, .clues = { .err = ECONNREFUSED }),
	  "Connection refused" },
	{ FACTS(GW_CAUSE_NETWORK_ERROR, .clues = { .err = EADDRINUSE }),
	  "local SIP port of line office is taken" },
	{ FACTS(GW_CAUSE_REDIRECTED, .sip_code = 302,
		.clues = { .redirected_to = "sip:9@x" }),
	  "to sip:9@x" },
	{ FACTS(GW_CAUSE_PROTOCOL_ERROR, .sip_code = 200,
		.clues = { .sdp_fault = "no m= line" }),
	  "no m= line" },
	{ FACTS(GW_CAUSE_PROTOCOL_ERROR, .sip_code = 400, .sip_reason = "Bad"),
	  "The far side said: 400 Bad." },
	{ FACTS(GW_CAUSE_LINE_NOT_REGISTERED, .sip_code = 0), "Line office" },
	{ FACTS(GW_CAUSE_CAPACITY, .sip_code = 0), "no free call" },
	{ FACTS(GW_CAUSE_SETUP_DEADLINE, .sip_code = 180), "setup_deadline" },
	{ FACTS(GW_CAUSE_BUSY, .sip_code = 486, .sip_reason = "Busy Here",
		.reason_header = "Q.850;cause=17"),
	  "486 Busy Here (Q.850;cause=17)" },
	{ FACTS(GW_CAUSE_CANCELED_BY_API, .sip_code = 180), NULL },
	{ FACTS(GW_CAUSE_REDIRECTED, .sip_code = 302,
		.clues = { .redirected_to = "sip:9@x",
			   .redirect_fault = "we come from there" }),
	  "to sip:9@x; we come from there." },
};

/* Of two phones it is said which one. */
#define TWO(cause_, role_, ...)                                            \
	{                                                                  \
		.outcome = { .cause = (cause_) }, .two_legs = true,        \
		.role = (role_), .uri = "sip:9@x", .line = "office",       \
		.user = "858", .codecs = codecs, .codec_count = 3,         \
		.confirm_digit = '1', .confirm_timeout_s = 10, __VA_ARGS__ \
	}

static const struct {
	struct gw_diagnosis_facts facts;
	const char *says;
} two_rows[] = {
	{ TWO(GW_CAUSE_BUSY, GW_ROLE_TO, .sip_code = 486, .sip_reason = "Busy"),
	  "The to phone (sip:9@x): The far side said: 486 Busy." },
	{ TWO(GW_CAUSE_RING_TIMEOUT, GW_ROLE_FROM, .ring_timeout_s = 9,
	      .rang = true),
	  "The from phone (sip:9@x): It rang for 9 seconds" },
	{ TWO(GW_CAUSE_CONFIRM_FAILED, GW_ROLE_FROM, .answered = true),
	  "The from phone answered, but nobody pressed 1 within 10 seconds" },
	{ TWO(GW_CAUSE_CANCELED_BY_FIRST_LEG, GW_ROLE_FROM, .answered = true),
	  "The from phone hung up before the other one" },
	{ TWO(GW_CAUSE_NO_ANSWER, GW_ROLE_TO, .answered = true),
	  "The to phone answered and hung up while" },
	{ TWO(GW_CAUSE_SETUP_DEADLINE, GW_ROLE_TO, .rang = true),
	  "before the to phone (sip:9@x) was up" },
};

static int test_diagnosis_two(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(two_rows); i++) {
		char text[512];
		const char *says =
			gw_diagnosis(text, sizeof(text), &two_rows[i].facts);

		CHECK(says);
		if (!strstr(says, two_rows[i].says))
			CHECK_STR(says, two_rows[i].says);
	}

	return 0;
}
TEST(test_diagnosis_two);

static int test_diagnosis_table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[512];
		const char *says =
			gw_diagnosis(text, sizeof(text), &rows[i].facts);

		if (!rows[i].says) {
			CHECK_STR(says, NULL);
			continue;
		}
		CHECK(says);
		if (!strstr(says, rows[i].says))
			CHECK_STR(says, rows[i].says);
	}

	return 0;
}
TEST(test_diagnosis_table);

/* Too little room: nothing rather than half a sentence. */
static int test_diagnosis_no_room(void)
{
	const struct gw_diagnosis_facts facts =
		FACTS(GW_CAUSE_RING_TIMEOUT, .ring_timeout_s = 30);
	char text[8];

	CHECK_STR(gw_diagnosis(text, sizeof(text), &facts), NULL);
	return 0;
}
TEST(test_diagnosis_no_room);
