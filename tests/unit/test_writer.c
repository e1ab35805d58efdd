/* JSON as text, and the clock's text. */
#include "server/clock.h"
#include "server/writer.h"
#include "config/json.h"
#include "tests/test.h"

static int written(struct mbuf *mb, const char *want)
{
	struct gw_json_doc *doc = NULL;
	char text[512];

	CHECK(mb->end < sizeof(text));
	memcpy(text, mb->buf, mb->end);
	text[mb->end] = '\0';
	CHECK_STR(text, want);
	CHECK_OK(gw_json_parse(&doc, text, mb->end, 0, NULL));
	mem_deref(doc);
	return 0;
}

static int test_writer_puts_commas_where_they_belong(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_writer w;

	CHECK(mb);
	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_string(&w, "a", "x");
	gw_write_open(&w, "b", '[');
	gw_write_int(&w, NULL, -7);
	gw_write_null(&w, NULL);
	gw_write_close(&w, ']');
	gw_write_open(&w, "c", '{');
	gw_write_close(&w, '}');
	gw_write_bool(&w, "d", true);
	gw_write_fixed1(&w, "e", 3.14);
	gw_write_raw(&w, "f", "[1]", 3);
	gw_write_close(&w, '}');
	CHECK_OK(w.err);
	return written(
		mb,
		"{\"a\":\"x\",\"b\":[-7,null],\"c\":{},\"d\":true,\"e\":3.1,\"f\":[1]}");
}
TEST(test_writer_puts_commas_where_they_belong);

static int test_writer_escapes_what_would_break_out(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_writer w;

	CHECK(mb);
	gw_writer_init(&w, mb);
	gw_write_string(&w, NULL, "\"\\\r\n\t\x01\x7f ü");
	CHECK_OK(w.err);
	return written(mb, "\"\\\"\\\\\\r\\n\\t\\u0001\\u007f ü\"");
}
TEST(test_writer_escapes_what_would_break_out);

/* What a far SIP side wrote need not be UTF-8; our JSON must be. */
static int test_writer_replaces_bytes_that_are_no_utf8(void)
{
	static const char *const bad[] = { "\xff", "\xc0\xaf", "\xed\xa0\x80",
					   "\xf5\x80\x80\x80", "\xe2\x82" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);
		OWNED struct gw_json_doc *doc = NULL;
		struct gw_writer w;

		CHECK(mb);
		gw_writer_init(&w, mb);
		gw_write_string(&w, NULL, bad[i]);
		CHECK_OK(w.err);
		CHECK_OK(gw_json_parse(&doc, (const char *)mb->buf, mb->end, 0,
				       NULL));
	}
	return 0;
}
TEST(test_writer_replaces_bytes_that_are_no_utf8);

static int test_writer_reaches_the_ends_of_integers(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_writer w;

	CHECK(mb);
	gw_writer_init(&w, mb);
	gw_write_int(&w, NULL, INT64_MIN);
	gw_write_int(&w, NULL, INT64_MAX);
	CHECK_OK(w.err);
	CHECK_INT(mb->end, strlen("-9223372036854775808,9223372036854775807"));
	CHECK(!memcmp(mb->buf, "-9223372036854775808,9223372036854775807",
		      mb->end));
	return 0;
}
TEST(test_writer_reaches_the_ends_of_integers);

static int test_clock_prints_and_reads_back(void)
{
	static const int64_t times[] = {
		0, 999, 1000, 951782399999, 1732252800000, 4102444799123
	};
	char text[GW_CLOCK_LEN + 1];
	int64_t back;
	size_t i;

	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		gw_clock_print(text, times[i]);
		CHECK(gw_clock_read(&back, text));
		CHECK_INT(back, times[i]);
	}
	gw_clock_print(text, 951782399999);
	CHECK_STR(text, "2000-02-28T23:59:59.999Z");
	return 0;
}
TEST(test_clock_prints_and_reads_back);

static int test_clock_reads_offsets_and_refuses_the_rest(void)
{
	static const char *const bad[] = {
		"",
		"yesterday",
		"2026-11-22",
		"2026-11-22T05:00:00",
		"2026-11-22T05:00:00+1",
		"2026-11-22T05:00:00Zz",
		"2026-11-22T05:00:00+25:00",
		"2026-13-22T05:00:00Z",
	};
	int64_t a, b;
	size_t i;

	CHECK(gw_clock_read(&a, "2026-11-22T05:00:00+02:00"));
	CHECK(gw_clock_read(&b, "2026-11-22T03:00:00.000Z"));
	CHECK_INT(a, b);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(!gw_clock_read(&a, bad[i]));
	CHECK(!gw_clock_read(&a, NULL));
	return 0;
}
TEST(test_clock_reads_offsets_and_refuses_the_rest);
