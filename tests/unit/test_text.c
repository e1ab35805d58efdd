/* Display names and extra headers: what strangers may put into our headers. */
#include <errno.h>
#include <stdio.h>

#include "sip/text.h"
#include "tests/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int test_text_display_name_is_escaped(void)
{
	char out[600], many[4 * GW_DISPLAY_NAME_MAX + 8] = "";

	CHECK_OK(gw_display_name_escape(out, sizeof(out), "ACME"));
	CHECK_STR(out, "ACME");
	CHECK_OK(gw_display_name_escape(out, sizeof(out), "a \"b\" \\c"));
	CHECK_STR(out, "a \\\"b\\\" \\\\c");
	CHECK_OK(gw_display_name_escape(out, sizeof(out), "J\xc3\xbcrgen <x>"));
	CHECK_STR(out, "J\xc3\xbcrgen <x>");
	CHECK_OK(gw_display_name_escape(out, sizeof(out), ""));
	CHECK_STR(out, "");

	/* 64 code points of four bytes are the most, and fit in 257 bytes */
	for (int i = 0; i < GW_DISPLAY_NAME_MAX; i++)
		strcat(many, "\xf0\x9f\x93\x9e");
	CHECK_OK(
		gw_display_name_escape(out, 4 * GW_DISPLAY_NAME_MAX + 1, many));
	CHECK_ERR(gw_display_name_escape(out, 4 * GW_DISPLAY_NAME_MAX, many),
		  EOVERFLOW);
	strcat(many, "x");
	CHECK_ERR(gw_display_name_escape(out, sizeof(out), many), EOVERFLOW);

	memset(many, 'x', GW_DISPLAY_NAME_MAX + 1);
	many[GW_DISPLAY_NAME_MAX + 1] = '\0';
	CHECK_ERR(gw_display_name_escape(out, sizeof(out), many), EOVERFLOW);
	many[GW_DISPLAY_NAME_MAX] = '\0';
	CHECK_OK(gw_display_name_escape(out, sizeof(out), many));
	return 0;
}
TEST_WITHOUT_OOM(test_text_display_name_is_escaped, "pure");

static int test_text_refuses_what_is_not_plain(void)
{
	static const char *const bad[] = {
		"a\r\nVia: x",
		"a\nb",
		"a\tb",
		"a\x1b[31m",
		"a\x7f",
		"a\xc2\x85",
		"\xe2\x80\xae"
		"abc",
		"\xe2\x81\xa6"
		"abc",
		"\xd8\x9c",
		"\xef\xbb\xbf"
		"a",
		"\xe2\x80\xa8",
		"\xc0\x8a",
		"\xe0\x80\x8a",
		"\xed\xa0\x80",
		"\xf4\x90\x80\x80",
		"\xff",
		"\xc3",
		"a\xe2\x82",
		"\x80",
		"\xef\xbf\xbf",
		"\xf3\xa0\x81\x81",
	};
	static const char *const good[] = { "Zo\xc3\xab",
					    "\xe6\x9d\xb1\xe4\xba\xac",
					    "\xf0\x9f\x93\x9e", "a b" };
	char out[100];
	size_t count = 0;

	for (size_t i = 0; i < COUNT(bad); i++) {
		CHECK(!gw_text_is_plain(bad[i], strlen(bad[i]), NULL));
		CHECK_ERR(gw_display_name_escape(out, sizeof(out), bad[i]),
			  EINVAL);
	}
	for (size_t i = 0; i < COUNT(good); i++)
		CHECK(gw_text_is_plain(good[i], strlen(good[i]), NULL));

	CHECK(!gw_text_is_plain("a\0b", 3, NULL));
	CHECK(gw_text_is_plain("\xc3\xbc\xe6\x9d\xb1x", 6, &count));
	CHECK_INT(count, 3);
	return 0;
}
TEST_WITHOUT_OOM(test_text_refuses_what_is_not_plain, "pure");

static int test_text_headers_by_pattern(void)
{
	static const char *const x_only[] = { "X-*" };
	static const char *const all[] = { "*", "Subject", "From", "X-Id" };
	static const char *const reserved[] = {
		"From",
		"To",
		"VIA",
		"route",
		"Contact",
		"Record-Route",
		"P-Asserted-Identity",
		"P-Preferred-Identity",
		"Content-Type",
		"Content-Length",
		"Call-ID",
		"CSeq",
		"Max-Forwards",
		"Proxy-Authorization",
		"Authorization",
		"Remote-Party-ID",
		"Privacy",
		"Identity",
		"Diversion",
		"Replaces",
		"Refer-To",
		"Reason",
		"Require",
		"Supported",
		"Allow",
		"Subject",
		"Answer-Mode",
		"Priv-Answer-Mode",
		"Resource-Priority",
		"Session-ID",
		"f",
		"t",
		"v",
		"m",
		"X",
	};
	static const char *const no_token[] = {
		"", "X-A:", "X A", "X-A\r\nVia", "X-\xc3\xbc", "X-A\t", "X(1)"
	};
	const char *why = NULL;
	char big[300];

	CHECK_OK(gw_header_check("X-CRM-Id", "797", x_only, 1, &why));
	CHECK_OK(gw_header_check("x-crm-id", "", x_only, 1, &why));
	CHECK_OK(gw_header_check("X-Name", "J\xc3\xbcrgen, \"x\" <y>", x_only,
				 1, &why));
	CHECK_ERR(gw_header_check("X-", "1", x_only, 1, &why), EINVAL);
	CHECK_ERR(gw_header_check("Y-Id", "1", x_only, 1, &why), EINVAL);
	CHECK_ERR(gw_header_check("X-Id", "1", x_only, 0, &why), EINVAL);
	CHECK_OK(gw_header_check("x-ID", "1", all + 3, 1, &why));
	CHECK_ERR(gw_header_check("X-Id2", "1", all + 3, 1, &why), EINVAL);
	CHECK_OK(gw_header_check("Tracking", "1", all, 4, NULL));

	for (size_t i = 0; i < COUNT(reserved); i++)
		CHECK_ERR(gw_header_check(reserved[i], "1", all, 4, &why),
			  EINVAL);
	for (size_t i = 0; i < COUNT(no_token); i++)
		CHECK_ERR(gw_header_check(no_token[i], "1", all, 4, &why),
			  EINVAL);

	CHECK_ERR(gw_header_check("X-A", "a\r\nVia: x", x_only, 1, &why),
		  EINVAL);
	CHECK_ERR(gw_header_check("X-A", "a\nb", x_only, 1, &why), EINVAL);
	CHECK_ERR(gw_header_check("X-A", " a", x_only, 1, &why), EINVAL);
	CHECK_ERR(gw_header_check("X-A", "a ", x_only, 1, &why), EINVAL);
	CHECK_ERR(gw_header_check("X-A", "\xff", x_only, 1, &why), EINVAL);

	memset(big, 'x', sizeof(big));
	big[GW_HEADER_VALUE_MAX + 1] = '\0';
	CHECK_ERR(gw_header_check("X-A", big, x_only, 1, &why), EINVAL);
	big[GW_HEADER_VALUE_MAX] = '\0';
	CHECK_OK(gw_header_check("X-A", big, x_only, 1, &why));
	return 0;
}
TEST_WITHOUT_OOM(test_text_headers_by_pattern, "pure");
