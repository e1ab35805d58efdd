/* Who is calling, header by header. */
#include <errno.h>

#include "sip/identity.h"
#include "tests/test.h"

struct row {
	struct gw_identity_wish wish;
	const char *from_uri, *from_name, *headers;
};

#define AOR       "sip:858@pbx.example"
#define ANONYMOUS "sip:anonymous@anonymous.invalid", "Anonymous"

static const struct row rows[] = {
	/* clang-format off */
	{ { .aor = AOR }, AOR, "", "" },
	{ { .aor = AOR, .name = "A \"B\"" }, AOR, "A \\\"B\\\"", "" },
	{ { .aor = AOR, .number = "+4930" }, "sip:+4930@pbx.example", "", "" },
	{ { .aor = AOR, .number = "*1#" }, "sip:*1%23@pbx.example", "", "" },
	{ { .aor = AOR, .number = "4930", .name = "N", .header = "pai" }, AOR, "N",
	  "P-Asserted-Identity: \"N\" <sip:4930@pbx.example>\r\n" },
	{ { .aor = AOR, .number = "4930", .header = "rpi" }, AOR, "",
	  "Remote-Party-ID: <sip:4930@pbx.example>;party=calling;screen=yes;privacy=off\r\n" },
	{ { .aor = AOR, .withheld = true }, ANONYMOUS,
	  "P-Preferred-Identity: <" AOR ">\r\nPrivacy: id\r\n" },
	{ { .aor = AOR, .withheld = true, .header = "pai" }, ANONYMOUS,
	  "P-Asserted-Identity: <" AOR ">\r\nPrivacy: id\r\n" },
	{ { .aor = AOR, .withheld = true, .header = "rpi" }, ANONYMOUS,
	  "Remote-Party-ID: <" AOR ">;party=calling;screen=yes;privacy=full\r\nPrivacy: id\r\n" },
	{ { .aor = AOR, .auto_answer = "call-info" }, AOR, "",
	  "Call-Info: <sip:pbx.example>;answer-after=0\r\n" },
	{ { .aor = AOR, .auto_answer = "snom" }, AOR, "",
	  "Call-Info: <sip:pbx.example>;answer-after=0\r\n" },
	{ { .aor = AOR, .auto_answer = "yealink" }, AOR, "",
	  "Alert-Info: <http://pbx.example>;info=alert-autoanswer;delay=0\r\n" },
	{ { .aor = AOR, .auto_answer = "polycom" }, AOR, "",
	  "Alert-Info: <http://pbx.example>;info=\"Ring Answer\"\r\n" },
	{ { .aor = AOR, .auto_answer = "linphone" }, AOR, "",
	  "Answer-Mode: Auto\r\n" },
	{ { .aor = AOR, .auto_answer = "all" }, AOR, "",
	  "Answer-Mode: Auto\r\n"
	  "Call-Info: <sip:pbx.example>;answer-after=0\r\n"
	  "Alert-Info: <http://pbx.example>;info=alert-autoanswer;delay=0\r\n" },
	/* clang-format on */
};

static int test_identity_table(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);
		struct gw_identity id;
		char headers[512] = "";

		CHECK(mb);
		CHECK_OK(gw_identity_make(&id, mb, &rows[i].wish));
		CHECK(mb->end < sizeof(headers));
		memcpy(headers, mb->buf, mb->end);
		CHECK_STR(id.from_uri, rows[i].from_uri);
		CHECK_STR(id.from_name, rows[i].from_name);
		CHECK_STR(headers, rows[i].headers);
	}

	return 0;
}
TEST(test_identity_table);

static int test_identity_refuses_injection(void)
{
	static const struct gw_identity_wish bad[] = {
		{ .aor = AOR, .number = "1>;x" },
		{ .aor = AOR, .number = "1@evil.example" },
		{ .aor = AOR, .number = "1\r\nX: y" },
		{ .aor = AOR, .name = "a\r\nX: y" },
		{ .aor = "sip:nobody" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);
		struct gw_identity id;

		CHECK(mb);
		CHECK_ERR(gw_identity_make(&id, mb, &bad[i]), EINVAL);
	}

	return 0;
}
TEST(test_identity_refuses_injection);
