/* Log records: one line each, whatever stands in them, and no secrets. */
#include <fcntl.h>
#include <unistd.h>

#include "server/log.h"
#include "tests/test.h"

static int fds[2] = { -1, -1 };
static char text[65536];

static void log_back(void *arg)
{
	const struct gw_log_cfg cfg = { .fd = STDERR_FILENO,
					.level = GW_LOG_INFO,
					.format = GW_LOG_LOGFMT };

	(void)arg;
	gw_log_open(&cfg);
	for (int i = 0; i < 2; i++) {
		if (fds[i] >= 0)
			(void)close(fds[i]);
		fds[i] = -1;
	}
}

static int log_to_pipe(enum gw_log_level level, enum gw_log_format format,
		       bool pii)
{
	struct gw_log_cfg cfg = { .level = level,
				  .format = format,
				  .pii = pii };

	test_later(log_back, NULL);
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC))
		return errno;
	cfg.fd = fds[1];
	gw_log_open(&cfg);

	return 0;
}

/* All that was written, without the time at the front of the only record. */
static const char *written(void)
{
	const ssize_t n = read(fds[0], text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static const char *after_time(const char *record)
{
	const char *const z = strchr(record, 'Z');

	return z ? z + 1 : record;
}

static int test_log_logfmt(void)
{
	CHECK_OK(log_to_pipe(GW_LOG_INFO, GW_LOG_LOGFMT, false));
	gw_log(GW_LOG_INFO, "call.state", GW_F_STR("id", "call_1"),
	       GW_F_STR("none", NULL), GW_F_STR("why", "a \"b\"\n\x1b[2J"),
	       GW_F_INT("sip", 200), GW_F_BOOL("ok", true),
	       GW_F_NUMBER("to", "+491234567890"));
	CHECK_STR(
		after_time(written()),
		" info call.state id=call_1 why=\"a \\\"b\\\"\\u000a\\u001b[2J"
		"\" sip=200 ok=true to=+4912******90\n");

	gw_log(GW_LOG_ERROR, "bare", GW_F_STR("none", NULL));
	CHECK_STR(after_time(written()), " error bare\n");

	return 0;
}
TEST(test_log_logfmt);

static int test_log_json(void)
{
	CHECK_OK(log_to_pipe(GW_LOG_INFO, GW_LOG_JSON, true));
	gw_log(GW_LOG_WARNING, "x", GW_F_STR("a", "b\\c"),
	       GW_F_NUMBER("to", "+491234567890"), GW_F_ERR("error", ENOENT));
	CHECK_STR(after_time(written()),
		  "\",\"level\":\"warning\",\"event\":\"x\",\"a\":\"b\\\\c\","
		  "\"to\":\"+491234567890\",\"error\":"
		  "\"No such file or directory\"}\n");

	return 0;
}
TEST(test_log_json);

/* What others send need be no text: a record is UTF-8 all the same, and a terminal
 * gets no commands. */
static int test_log_bytes(void)
{
	CHECK_OK(log_to_pipe(GW_LOG_INFO, GW_LOG_JSON, false));
	gw_log(GW_LOG_INFO, "x",
	       GW_F_STR("a", "\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"),
	       GW_F_STR("b", "\xff|\xc3|\xc0\xaf|\xed\xa0\x80|\xe2\x82"),
	       GW_F_STR("c", "\x1b[2J\xc2\x9b"
			     "2J\x7f"));
	CHECK(strstr(written(),
		     "\"a\":\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80\","
		     "\"b\":\"\\ufffd|\\ufffd|\\ufffd\\ufffd|"
		     "\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd\","
		     "\"c\":\"\\u001b[2J\\u009b2J\\u007f\"}"));
	return 0;
}
TEST(test_log_bytes);

static int test_log_level(void)
{
	CHECK_OK(log_to_pipe(GW_LOG_INFO, GW_LOG_LOGFMT, false));
	gw_log(GW_LOG_DEBUG, "quiet", GW_F_INT("n", 1));
	CHECK_STR(written(), "");
	gw_log_cycle();
	gw_log(GW_LOG_DEBUG, "loud", GW_F_INT("n", 1));
	CHECK(strstr(written(), "loud"));
	gw_log_cycle();
	gw_log(GW_LOG_DEBUG, "quiet", GW_F_INT("n", 1));
	CHECK_STR(written(), "");

	return 0;
}
TEST(test_log_level);

/* A reader that doesn't read: records are lost, never waited for, and told. */
static int test_log_never_blocks(void)
{
	char big[900];
	const uint64_t before = gw_log_dropped();

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CHECK_OK(log_to_pipe(GW_LOG_INFO, GW_LOG_LOGFMT, false));

	for (int i = 0; i < 200; i++)
		gw_log(GW_LOG_INFO, "flood", GW_F_STR("x", big));
	CHECK(gw_log_dropped() > before);

	while (*written())
		;
	gw_log(GW_LOG_INFO, "after", GW_F_INT("n", 1));
	CHECK(strstr(written(), "log.dropped records="));

	return 0;
}
TEST(test_log_never_blocks);

static int test_log_record_is_bounded(void)
{
	char big[6000];
	size_t len;

	memset(big, '\x01', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	CHECK_OK(log_to_pipe(GW_LOG_INFO, GW_LOG_JSON, false));
	gw_log(GW_LOG_INFO, "x", GW_F_STR("a", big), GW_F_STR("b", big),
	       GW_F_STR("c", "kept"));
	len = strlen(written());
	CHECK(len > 0 && len <= 4096);
	CHECK_STR(text + len - 13, ",\"c\":\"kept\"}\n");

	return 0;
}
TEST(test_log_record_is_bounded);

static int test_log_redacts(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "plain words, rebp_ and abp_x",
		  "plain words, rebp_ and abp_x" },
		{ "key bp_1234567890", "key ***" },
		{ "/calls/bellpull_abc/x?y", "/calls/***?y" },
		{ "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw.", "***." },
		{ "Authorization: Digest username=\"a\"\r\nTo: b",
		  "Authorization:***\r\nTo: b" },
		{ "proxy-authorization: x", "proxy-authorization:***" },
		{ "Cookie: a=b\r\n", "Cookie:***\r\n" },
		{ "Bearer abc def", "Bearer *** def" },
		{ "a response=\"0123\", b", "a response=\"***\", b" },
		{ "/events?ticket=abc&a=b", "/events?ticket=***&a=b" },
		{ "x eyJhbGciOi.eyJzdWIi.sig y", "x *** y" },
		{ "eyJustaword", "eyJustaword" },
		{ "bellpull_session=0123; a", "bellpull_session=***; a" },
		{ "X-Hub-Signature-256: sha256=ab\r\nA",
		  "X-Hub-Signature-256:***\r\nA" },
		{ "{\"secret\":\"a\",\"b\":1}",
		  "{\"secret\":\"***\",\"b\":1}" },
		{ "/x?token=abc&a=b", "/x?token=***&a=b" },
	};
	char out[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gw_log_redact(out, sizeof(out), rows[i].text);
		CHECK_STR(out, rows[i].want);
	}

	gw_log_redact(out, 4, "abcdef");
	CHECK_STR(out, "abc");

	return 0;
}
TEST(test_log_redacts);

static int test_log_masks(void)
{
	static const struct {
		const char *number, *want;
	} rows[] = {
		{ "+491234567890", "+4912******90" },
		{ "853", "***" },
		{ "8531234", "*****34" },
		{ "sip:+491234567890@10.0.0.1", "sip:+4912******90@10.0.0.1" },
		{ "sip:alice@example.org", "sip:alice@example.org" },
		{ "", "" },
	};
	char out[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		gw_log_mask(out, sizeof(out), rows[i].number);
		CHECK_STR(out, rows[i].want);
	}

	return 0;
}
TEST(test_log_masks);
