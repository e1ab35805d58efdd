/* The outcome table, every row: what ended the leg -> status, cause, Q.850. */
#include <errno.h>

#include "sip/cause.h"
#include "tests/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct expect {
	struct gw_end end;
	const char *status, *cause;
	int q850;
};

static int check_rows(const struct expect *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct expect *row = &rows[i];
		const struct gw_outcome out = gw_cause_outcome(&row->end);
		const char *status = gw_status_name(out.status);
		const char *cause = gw_cause_name(out.cause);

		if (!cause || strcmp(status, row->status) ||
		    strcmp(cause, row->cause) || out.q850 != row->q850) {
			test_fail(__FILE__, __LINE__,
				  "row %zu (sip %u, err %d, reason %s): "
				  "%s/%s/%u, not %s/%s/%d",
				  i, row->end.sip_code, row->end.err,
				  row->end.reason_header, status,
				  cause ? cause : "(none)", out.q850,
				  row->status, row->cause, row->q850);
			return 1;
		}
		CHECK(gw_status_final(out.status));
	}

	return 0;
}

static int check_codes(const uint16_t *codes, size_t count, const char *status,
		       const char *cause, int q850)
{
	for (size_t i = 0; i < count; i++) {
		const struct expect row = {
			{ .sip_code = codes[i] }, status, cause, q850
		};

		if (check_rows(&row, 1))
			return 1;
	}

	return 0;
}

static int test_cause_each_code_has_its_row(void)
{
	static const uint16_t protocol[] = { 400, 405, 406, 413, 414, 416, 420,
					     421, 423, 481, 482, 483, 491, 493,
					     494, 501, 505, 513, 580 };
	static const uint16_t redirected[] = { 300, 301, 302, 305, 380 };
	static const uint16_t not_allowed[] = { 403, 424, 428, 436, 437, 438 };
	static const struct expect rows[] = {
		/* clang-format off */
		{ { .sip_code = 402 }, "failed", "payment_required", 21 },
		{ { .sip_code = 401 }, "failed", "auth_failed", 21 },
		{ { .sip_code = 407 }, "failed", "auth_failed", 21 },
		{ { .sip_code = 404 }, "failed", "not_found", 1 },
		{ { .sip_code = 604 }, "failed", "not_found", 1 },
		{ { .sip_code = 408 }, "no-answer", "unavailable", 18 },
		{ { .sip_code = 430 }, "no-answer", "unavailable", 20 },
		{ { .sip_code = 480 }, "no-answer", "unavailable", 20 },
		{ { .sip_code = 480, .ringing = true }, "no-answer", "no_answer", 19 },
		{ { .sip_code = 487 }, "no-answer", "no_answer", 19 },
		{ { .sip_code = 410 }, "failed", "number_changed", 22 },
		{ { .sip_code = 484 }, "failed", "invalid_number", 28 },
		{ { .sip_code = 485 }, "failed", "invalid_number", 28 },
		{ { .sip_code = 486 }, "busy", "busy", 17 },
		{ { .sip_code = 600 }, "busy", "busy", 17 },
		{ { .sip_code = 415 }, "failed", "no_common_codec", 88 },
		{ { .sip_code = 488 }, "failed", "no_common_codec", 88 },
		{ { .sip_code = 606 }, "failed", "no_common_codec", 88 },
		{ { .sip_code = 500 }, "failed", "route_unavailable", 41 },
		{ { .sip_code = 502 }, "failed", "route_unavailable", 38 },
		{ { .sip_code = 503 }, "failed", "route_unavailable", 42 },
		{ { .sip_code = 503, .retry_after = true }, "failed", "congestion", 42 },
		{ { .sip_code = 504 }, "failed", "route_unavailable", 102 },
		{ { .sip_code = 603 }, "busy", "rejected", 21 },
		{ { .sip_code = 607 }, "busy", "rejected", 21 },
		{ { .sip_code = 608 }, "busy", "rejected", 21 },
		{ { .sip_code = 603, .decline_failed = true }, "failed", "rejected", 21 },
		{ { .sip_code = 486, .decline_failed = true }, "busy", "busy", 17 },
		/* clang-format on */
	};

	if (check_codes(protocol, COUNT(protocol), "failed", "protocol_error",
			111) ||
	    check_codes(redirected, COUNT(redirected), "failed", "redirected",
			23) ||
	    check_codes(not_allowed, COUNT(not_allowed), "failed",
			"not_allowed", 21))
		return 1;

	return check_rows(rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_cause_each_code_has_its_row, "pure");

static int test_cause_unknown_codes_fall_to_their_class(void)
{
	static const struct expect rows[] = {
		{ { .sip_code = 499 }, "failed", "protocol_error", 111 },
		{ { .sip_code = 599 }, "failed", "route_unavailable", 41 },
		{ { .sip_code = 699 }, "busy", "rejected", 21 },
		{ { .sip_code = 399 }, "failed", "redirected", 23 },
		/* no final response at all, and none that exists */
		{ { .sip_code = 100 }, "failed", "internal_error", 41 },
		{ { .sip_code = 999, .err = ECONNRESET },
		  "failed",
		  "network_error",
		  38 },
	};

	return check_rows(rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_cause_unknown_codes_fall_to_their_class, "pure");

#define INTENT(c)                      \
	{                              \
		.intent = GW_CAUSE_##c \
	}
#define UP(c)                                                             \
	{                                                                 \
		.intent = GW_CAUSE_##c, .answered = true, .sip_code = 200 \
	}

static int test_cause_our_own_intent(void)
{
	static const struct expect rows[] = {
		/* clang-format off */
		{ UP(NORMAL_CLEARING), "completed", "normal_clearing", 16 },
		{ UP(CANCELED_BY_API), "completed", "normal_clearing", 16 },
		{ UP(CANCELED_BY_FIRST_LEG), "completed", "normal_clearing", 16 },
		{ UP(TIME_LIMIT), "completed", "time_limit", 16 },
		{ UP(MEDIA_TIMEOUT), "completed", "media_timeout", 31 },
		{ INTENT(CANCELED_BY_API), "canceled", "canceled_by_api", 16 },
		{ INTENT(CANCELED_BY_FIRST_LEG), "canceled", "canceled_by_first_leg", 16 },
		{ INTENT(LINE_NOT_REGISTERED), "failed", "line_not_registered", 27 },
		{ INTENT(SETUP_DEADLINE), "failed", "setup_deadline", 102 },
		{ INTENT(CONFIRM_FAILED), "no-answer", "confirm_failed", 19 },
		{ UP(CONFIRM_FAILED), "no-answer", "confirm_failed", 19 },
		{ UP(NO_COMMON_CODEC), "failed", "no_common_codec", 88 },
		{ INTENT(SERVER_SHUTDOWN), "failed", "server_shutdown", 41 },
		{ UP(SERVER_SHUTDOWN), "completed", "server_shutdown", 41 },
		{ INTENT(SERVER_RESTART), "failed", "server_restart", 41 },
		{ UP(SERVER_RESTART), "completed", "server_restart", 41 },
		{ INTENT(NODE_LOST), "failed", "node_lost", 41 },
		{ UP(NODE_LOST), "completed", "node_lost", 41 },
		{ INTENT(CAPACITY), "failed", "capacity", 34 },
		{ INTENT(ICE_FAILED), "failed", "ice_failed", 88 },
		{ INTENT(EXPIRED), "canceled", "expired", 16 },
		{ UP(TRANSFERRED), "completed", "transferred", 16 },
		{ INTENT(AUTH_FAILED), "failed", "auth_failed", 21 },
		{ INTENT(REDIRECTED), "failed", "redirected", 23 },
		{ INTENT(DNS_ERROR), "failed", "dns_error", 38 },
		{ INTENT(NETWORK_ERROR), "failed", "network_error", 38 },
		{ INTENT(TLS_ERROR), "failed", "tls_error", 38 },
		{ INTENT(POLICY_DENIED), "failed", "policy_denied", 21 },
		{ INTENT(INTERNAL_ERROR), "failed", "internal_error", 41 },
		/* our CANCEL brings a 487 with a reason of its own: ours stands */
		{ { .intent = GW_CAUSE_RING_TIMEOUT, .provisional = true, .ringing = true,
		    .sip_code = 487, .reason_header = "Q.850;cause=31" },
		  "no-answer", "ring_timeout", 19 },
		{ { .intent = GW_CAUSE_RING_TIMEOUT, .provisional = true, .sip_code = 100 },
		  "no-answer", "ring_timeout", 19 },
		/* not even a 100: there was nobody to ring */
		{ INTENT(RING_TIMEOUT), "failed", "transport_timeout", 102 },
		/* clang-format on */
	};

	return check_rows(rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_cause_our_own_intent, "pure");

static int test_cause_transport_errors(void)
{
	static const struct expect rows[] = {
		/* clang-format off */
		{ { .err = ETIMEDOUT }, "failed", "transport_timeout", 102 },
		{ { .err = ETIMEDOUT, .sip_code = 100, .provisional = true },
		  "failed", "transport_timeout", 102 },
		{ { .err = EDESTADDRREQ }, "failed", "dns_error", 38 },
		{ { .err = ECONNREFUSED }, "failed", "network_error", 38 },
		{ { .err = ENETUNREACH }, "failed", "network_error", 38 },
		{ { .err = EPROTO }, "failed", "tls_error", 38 },
		{ { .err = EMFILE }, "failed", "capacity", 34 },
		{ { .err = ENOMEM }, "failed", "internal_error", 41 },
		{ { .err = 0 }, "failed", "internal_error", 41 },
		/* a code that came says more than the error that came with it */
		{ { .err = ENOSYS, .sip_code = 401 }, "failed", "auth_failed", 21 },
		/* clang-format on */
	};

	return check_rows(rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_cause_transport_errors, "pure");

static int test_cause_reason_stands_above_the_code(void)
{
	static const struct expect rows[] = {
		/* clang-format off */
		{ { .sip_code = 503, .reason_header = "Q.850;cause=17" }, "busy", "busy", 17 },
		{ { .sip_code = 480, .reason_header = "Q.850 ; cause = 19 ;text=\"no; answer, sir\"" },
		  "no-answer", "no_answer", 19 },
		{ { .sip_code = 500, .reason_header = "SIP;cause=486, q.850;CAUSE=1;text=\"x\"" },
		  "failed", "not_found", 1 },
		{ { .sip_code = 500, .reason_header = "SIP;cause=486;text=\"Busy\"" }, "busy", "busy", 17 },
		{ { .sip_code = 500, .reason_header = "Q.850;cause=34" }, "failed", "congestion", 34 },
		/* the same value as the code's own: the code knows more */
		{ { .sip_code = 403, .reason_header = "Q.850;cause=21" }, "failed", "not_allowed", 21 },
		{ { .sip_code = 401, .reason_header = "Q.850;cause=21" }, "failed", "auth_failed", 21 },
		/* "normal" explains no failure, but it is what they said */
		{ { .sip_code = 486, .reason_header = "Q.850;cause=16" }, "busy", "busy", 16 },
		{ { .sip_code = 404, .reason_header = "Q.850;cause=31" }, "failed", "not_found", 31 },
		/* what can't be read says nothing */
		{ { .sip_code = 486, .reason_header = "Q.850;cause=999" }, "busy", "busy", 17 },
		{ { .sip_code = 486, .reason_header = "Q.850;cause=-1" }, "busy", "busy", 17 },
		{ { .sip_code = 486, .reason_header = "Q.850;cause=19x" }, "busy", "busy", 17 },
		{ { .sip_code = 486, .reason_header = "SIP;cause=200;text=\"Call completed elsewhere\"" },
		  "busy", "busy", 17 },
		{ { .sip_code = 486, .reason_header = "" }, "busy", "busy", 17 },
		/* a BYE before the answer, with nothing but a Reason */
		{ { .reason_header = "Q.850;cause=38" }, "failed", "route_unavailable", 38 },
		{ { .reason_header = "Q.850;cause=21", .decline_failed = true }, "failed", "rejected", 21 },
		/* clang-format on */
	};

	return check_rows(rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_cause_reason_stands_above_the_code, "pure");

/* Answered stays completed: the Reason of the BYE gives Q.850 alone. */
static int test_cause_reason_on_bye_of_an_answered_call(void)
{
	static const struct expect rows[] = {
		/* clang-format off */
		{ { .answered = true, .sip_code = 200 }, "completed", "normal_clearing", 16 },
		{ { .answered = true, .sip_code = 200, .reason_header = "Q.850;cause=102" },
		  "completed", "normal_clearing", 102 },
		{ { .answered = true, .sip_code = 200, .reason_header = "SIP;cause=503" },
		  "completed", "normal_clearing", 16 },
		{ { .answered = true, .sip_code = 481 }, "completed", "normal_clearing", 16 },
		{ { .intent = GW_CAUSE_TIME_LIMIT, .answered = true, .reason_header = "Q.850;cause=38" },
		  "completed", "time_limit", 16 },
		/* clang-format on */
	};

	return check_rows(rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_cause_reason_on_bye_of_an_answered_call, "pure");

static int test_cause_reads_reason(void)
{
	static const struct {
		const char *text;
		int q850, sip;
	} rows[] = {
		{ NULL, 0, 0 },
		{ "", 0, 0 },
		{ ",,;;==,", 0, 0 },
		{ "Q.850", 0, 0 },
		{ "Q.850;cause", 0, 0 },
		{ "Q.850;cause=", 0, 0 },
		{ "Q.850;cause=16", 16, 0 },
		{ "Q.850;cause=127", 127, 0 },
		{ "Q.850;cause=128", 0, 0 },
		{ "Q.850;cause=0016", 0, 0 },
		{ "SIP;cause=299", 0, 0 },
		{ "SIP;cause=699", 0, 699 },
		{ "SIP;cause=700", 0, 0 },
		{ "Q.850;text=\"a;cause=3\";cause=4", 4, 0 },
		{ "Q.850;text=\"a\\\";cause=3\";cause=4", 4, 0 },
		{ "Q.850;text=\"never closed;cause=3", 0, 0 },
		{ "FOO;cause=3,Q.850;cause=4,Q.850;cause=5", 4, 0 },
		{ " sip ;text=x; cause=503 , Q.850 ;cause=41 ", 41, 503 },
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct gw_reason r = gw_cause_reason(rows[i].text);

		CHECK_INT(r.q850, rows[i].q850);
		CHECK_INT(r.sip, rows[i].sip);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_cause_reads_reason, "pure");

static int test_cause_names(void)
{
	enum gw_status status = GW_STATUS_FAILED;

	for (int i = GW_STATUS_QUEUED; i <= GW_STATUS_CANCELED; i++) {
		const char *name = gw_status_name((enum gw_status)i);

		CHECK(gw_status_parse(&status, name));
		CHECK_INT(status, i);
	}
	CHECK(!gw_status_parse(&status, "no_answer"));
	CHECK(!gw_status_parse(&status, NULL));
	CHECK(!gw_status_final(GW_STATUS_IN_PROGRESS));

	CHECK(!gw_cause_name(GW_CAUSE_NONE));
	for (int i = GW_CAUSE_NONE + 1; i < GW_CAUSE_COUNT; i++)
		CHECK(gw_cause_name((enum gw_cause)i) != NULL);

	return 0;
}
TEST_WITHOUT_OOM(test_cause_names, "pure");
