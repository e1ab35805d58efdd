/* The strict JSON reader: what it takes, what it refuses and where, and that
 * what comes out again is what went in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "tests/test.h"

static int parse(struct gw_json_doc **docp, const char *text, unsigned flags)
{
	return gw_json_parse(docp, text, strlen(text), flags, NULL);
}

/* What text is when printed again, NUL-terminated in mb. */
static int reprint(struct mbuf *mb, const char *text, unsigned flags)
{
	OWNED struct gw_json_doc *doc = NULL;

	CHECK_OK(parse(&doc, text, flags));
	CHECK_OK(gw_json_print(mb, gw_json_root(doc)));
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	return 0;
}

/* Vectors, y_: taken, and printed as out (NULL: as it was) ---------------- */

static const struct {
	const char *name;
	const char *text;
	const char *out;
} good[] = {
	{ "y_null", "null", NULL },
	{ "y_true", "true", NULL },
	{ "y_false", " false\n", "false" },
	{ "y_zero", "0", NULL },
	{ "y_minus_zero", "-0", NULL },
	{ "y_negative", "-17", NULL },
	{ "y_fraction", "0.5", NULL },
	{ "y_long_fraction", "0.30000000000000004", NULL },
	{ "y_exponent", "1e3", "1000" },
	{ "y_exponent_capital_plus", "1E+2", "100" },
	{ "y_exponent_minus", "25e-1", "2.5" },
	{ "y_zero_exponent", "0e1", "0" },
	{ "y_huge_double", "1.7976931348623157e308",
	  "1.7976931348623157e+308" },
	{ "y_tiny_double", "5e-324", "4.94065645841247e-324" },
	{ "y_largest_exact", "9007199254740991", NULL },
	{ "y_smallest_exact", "-9007199254740991", NULL },
	{ "y_empty_string", "\"\"", NULL },
	{ "y_escapes", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
	  "\"\\\"\\\\/\\b\\f\\n\\r\\t\"" },
	{ "y_unicode_escape", "\"\\u0041\\u00e4\\u20ac\"",
	  "\"A\xc3\xa4\xe2\x82\xac\"" },
	{ "y_unicode_escape_capital", "\"\\u00E4\"", "\"\xc3\xa4\"" },
	{ "y_surrogate_pair", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
	{ "y_control_escape", "\"\\u001f\"", NULL },
	{ "y_delete", "\"\x7f\"", NULL },
	{ "y_utf8_two", "\"\xc2\x80\xdf\xbf\"", NULL },
	{ "y_utf8_three",
	  "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf\"", NULL },
	{ "y_utf8_four", "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"", NULL },
	{ "y_line_separator", "\"\xe2\x80\xa8\"", NULL },
	{ "y_slash_in_string", "\"// no comment /* here */\"", NULL },
	{ "y_empty_array", "[ ]", "[]" },
	{ "y_array", "[1, \"a\" ,null]", "[1,\"a\",null]" },
	{ "y_nested_arrays", "[[],[[]]]", NULL },
	{ "y_empty_object", "{\r\n\t}", "{}" },
	{ "y_object", "{\"b\":1,\"a\":{\"c\":[true]}}", NULL },
	{ "y_empty_name", "{\"\":0}", NULL },
	{ "y_name_escaped", "{\"\\u0061\\n\":0}", "{\"a\\n\":0}" },
	{ "y_names_differ_in_case", "{\"a\":1,\"A\":2}", NULL },
	{ "y_same_name_elsewhere", "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", NULL },
	{ "y_prefix_is_another_name", "{\"ab\":1,\"a\":2,\"abc\":3}", NULL },
};

static int test_json_scan_takes(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);
		char what[512];

		CHECK(mb);
		CHECK_OK(reprint(mb, good[i].text, 0));
		(void)snprintf(what, sizeof(what), "%s %s", good[i].name,
			       (char *)mb->buf);
		CHECK_STR(what + strlen(good[i].name) + 1,
			  good[i].out ? good[i].out : good[i].text);
	}

	return 0;
}
TEST(test_json_scan_takes);

/* A whole number beyond GW_JSON_INT_MAX that was written with a point or an
 * exponent is a rounded one. Printed, it must not look like an exact one: the
 * same reader would refuse it. */
static int test_json_scan_prints_what_it_takes_again(void)
{
	static const char *const numbers[][2] = {
		{ "90071992547409925e-1", "9007199254740992.0" },
		{ "-90071992547409925e-1", "-9007199254740992.0" },
		{ "9007199254740993.0", "9007199254740992.0" },
		{ "123456789012345678.5", "1.2345678901234568e+17" },
		{ "1e16", "1e+16" },
		{ "90071992547409915e-1", "9007199254740992.0" },
		{ "90071992547409905e-1", "9007199254740990" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		OWNED struct mbuf *once = mbuf_alloc(64);
		OWNED struct mbuf *twice = mbuf_alloc(64);

		CHECK(once && twice);
		CHECK_OK(reprint(once, numbers[i][0], GW_JSON_EXACT));
		CHECK_STR((char *)once->buf, numbers[i][1]);
		CHECK_OK(reprint(twice, (char *)once->buf, GW_JSON_EXACT));
		CHECK_STR((char *)twice->buf, numbers[i][1]);
	}

	return 0;
}
TEST(test_json_scan_prints_what_it_takes_again);

/* Vectors, n_: refused, why and at which byte ------------------------------ */

static const struct {
	const char *name;
	const char *text;
	enum gw_json_fault fault;
	size_t offset;
	const char *pointer;
} bad[] = {
	{ "n_nothing", "", GW_JSON_FAULT_EMPTY, 0, "" },
	{ "n_only_blanks", " \n ", GW_JSON_FAULT_EMPTY, 3, "" },
	{ "n_byte_order_mark", "\xef\xbb\xbf{}", GW_JSON_FAULT_BOM, 0, "" },
	{ "n_word", "nul", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_word_capital", "True", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_word_longer", "nulll", GW_JSON_FAULT_TRAILING, 4, "" },
	{ "n_nan", "NaN", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_infinity", "[-Infinity]", GW_JSON_FAULT_SYNTAX, 2, "/0" },
	{ "n_single_quotes", "'a'", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_trailing_value", "{} {}", GW_JSON_FAULT_TRAILING, 3, "" },
	{ "n_trailing_bracket", "[]]", GW_JSON_FAULT_TRAILING, 2, "" },
	{ "n_comment", "// a\n{}", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_comment_behind", "{} /* a */", GW_JSON_FAULT_TRAILING, 3, "" },
	{ "n_form_feed_as_blank", "\f{}", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_nbsp_as_blank", "\xc2\xa0{}", GW_JSON_FAULT_SYNTAX, 0, "" },

	{ "n_leading_zero", "{\"a\":[01]}", GW_JSON_FAULT_NUMBER, 6, "/a/0" },
	{ "n_leading_zero_minus", "-01", GW_JSON_FAULT_NUMBER, 0, "" },
	{ "n_double_zero", "00", GW_JSON_FAULT_NUMBER, 0, "" },
	{ "n_plus", "+1", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_minus_only", "-", GW_JSON_FAULT_END, 1, "" },
	{ "n_minus_blank", "- 1", GW_JSON_FAULT_SYNTAX, 1, "" },
	{ "n_point_first", ".5", GW_JSON_FAULT_SYNTAX, 0, "" },
	{ "n_point_last", "[1.]", GW_JSON_FAULT_SYNTAX, 3, "/0" },
	{ "n_exponent_empty", "[1e]", GW_JSON_FAULT_SYNTAX, 3, "/0" },
	{ "n_exponent_sign_only", "1e+", GW_JSON_FAULT_END, 3, "" },
	{ "n_hexadecimal", "0x10", GW_JSON_FAULT_TRAILING, 1, "" },
	{ "n_too_large", "{\"n\":1e999}", GW_JSON_FAULT_NUMBER, 5, "/n" },
	{ "n_too_large_minus", "-1e309", GW_JSON_FAULT_NUMBER, 0, "" },
	{ "n_too_long",
	  "1.0000000000000000000000000000000000000000000000000000000000000",
	  GW_JSON_FAULT_NUMBER, 0, "" },

	{ "n_string_open", "\"abc", GW_JSON_FAULT_END, 0, "" },
	{ "n_string_ends_in_escape", "\"abc\\", GW_JSON_FAULT_ESCAPE, 4, "" },
	{ "n_string_escaped_quote", "\"abc\\\"", GW_JSON_FAULT_END, 0, "" },
	{ "n_escape_unknown", "\"\\x41\"", GW_JSON_FAULT_ESCAPE, 1, "" },
	{ "n_escape_octal", "\"\\0\"", GW_JSON_FAULT_ESCAPE, 1, "" },
	{ "n_escape_capital", "\"\\U0041\"", GW_JSON_FAULT_ESCAPE, 1, "" },
	{ "n_unicode_short", "\"\\u12\"", GW_JSON_FAULT_ESCAPE, 1, "" },
	{ "n_unicode_no_hex", "\"\\u12g4\"", GW_JSON_FAULT_ESCAPE, 1, "" },
	{ "n_unicode_nul", "{\"a\":\"x\\u0000\"}", GW_JSON_FAULT_CONTROL, 7,
	  "/a" },
	{ "n_unicode_nul_in_name", "{\"\\u0000\":1}", GW_JSON_FAULT_CONTROL, 2,
	  "" },
	{ "n_newline_raw", "\"a\nb\"", GW_JSON_FAULT_CONTROL, 2, "" },
	{ "n_tab_raw", "[\"\t\"]", GW_JSON_FAULT_CONTROL, 2, "/0" },
	{ "n_surrogate_high", "\"\\ud83d\"", GW_JSON_FAULT_SURROGATE, 1, "" },
	{ "n_surrogate_high_then_char", "\"\\ud83da\"", GW_JSON_FAULT_SURROGATE,
	  1, "" },
	{ "n_surrogate_high_twice", "\"\\ud83d\\ud83d\"",
	  GW_JSON_FAULT_SURROGATE, 1, "" },
	{ "n_surrogate_low", "\"\\ude00\"", GW_JSON_FAULT_SURROGATE, 1, "" },
	{ "n_surrogates_swapped", "\"\\ude00\\ud83d\"", GW_JSON_FAULT_SURROGATE,
	  1, "" },

	{ "n_utf8_latin1", "\"\xe4\"", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_continuation", "\"\x80\"", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_overlong_two", "\"\xc0\xaf\"", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_overlong_c1", "\"\xc1\xbf\"", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_overlong_three", "\"\xe0\x9f\xbf\"", GW_JSON_FAULT_UTF8, 1,
	  "" },
	{ "n_utf8_overlong_four", "\"\xf0\x8f\xbf\xbf\"", GW_JSON_FAULT_UTF8, 1,
	  "" },
	{ "n_utf8_surrogate", "\"\xed\xa0\x80\"", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_above_10ffff", "\"\xf4\x90\x80\x80\"", GW_JSON_FAULT_UTF8, 1,
	  "" },
	{ "n_utf8_f5", "\"\xf5\x80\x80\x80\"", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_cut", "[\"a\",\"\xe2\x82\"]", GW_JSON_FAULT_UTF8, 6, "/1" },
	{ "n_utf8_cut_at_end", "\"\xe2\x82", GW_JSON_FAULT_UTF8, 1, "" },
	{ "n_utf8_in_name", "{\"\xff\":1}", GW_JSON_FAULT_UTF8, 2, "" },

	{ "n_array_open", "[1", GW_JSON_FAULT_END, 2, "/0" },
	{ "n_array_comma_last", "[1,]", GW_JSON_FAULT_SYNTAX, 3, "/1" },
	{ "n_array_comma_first", "[,1]", GW_JSON_FAULT_SYNTAX, 1, "/0" },
	{ "n_array_no_comma", "[1 2]", GW_JSON_FAULT_SYNTAX, 3, "/0" },
	{ "n_array_colon", "[1:2]", GW_JSON_FAULT_SYNTAX, 2, "/0" },
	{ "n_array_closed_by_brace", "[1}", GW_JSON_FAULT_SYNTAX, 2, "/0" },
	{ "n_object_open", "{\"a\":1", GW_JSON_FAULT_END, 6, "/a" },
	{ "n_object_comma_last", "{\"a\":1,}", GW_JSON_FAULT_SYNTAX, 7, "" },
	{ "n_object_no_value", "{\"a\":}", GW_JSON_FAULT_SYNTAX, 5, "/a" },
	{ "n_object_no_colon", "{\"a\" 1}", GW_JSON_FAULT_SYNTAX, 5, "/a" },
	{ "n_object_name_bare", "{a:1}", GW_JSON_FAULT_SYNTAX, 1, "" },
	{ "n_object_name_number", "{1:1}", GW_JSON_FAULT_SYNTAX, 1, "" },
	{ "n_object_closed_by_bracket", "{\"a\":1]", GW_JSON_FAULT_SYNTAX, 6,
	  "/a" },

	{ "n_duplicate", "{\"a\":1,\"b\":2,\"a\":3}", GW_JSON_FAULT_DUPLICATE,
	  13, "/a" },
	{ "n_duplicate_escaped", "{\"to\":1,\"t\\u006f\":2}",
	  GW_JSON_FAULT_DUPLICATE, 8, "/to" },
	{ "n_duplicate_escaped_twice", "{\"\\u00e4\":1,\"\xc3\xa4\":2}",
	  GW_JSON_FAULT_DUPLICATE, 12, "/\xc3\xa4" },
	{ "n_duplicate_empty", "{\"\":1,\"\":2}", GW_JSON_FAULT_DUPLICATE, 6,
	  "/" },
	{ "n_duplicate_deep", "{\"a\":[{},{\"b/c\":1,\"b/c\":1}]}",
	  GW_JSON_FAULT_DUPLICATE, 18, "/a/1/b~1c" },
};

static int test_json_scan_refuses(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct gw_json_doc *doc = NULL;
		struct gw_json_error error;
		char got[512], want[512];
		int err;

		err = gw_json_parse(&doc, bad[i].text, strlen(bad[i].text), 0,
				    &error);
		mem_deref(doc);
		CHECK(err != ENOMEM);

		(void)snprintf(got, sizeof(got), "%s: %d %s at %zu '%s'",
			       bad[i].name, err,
			       gw_json_fault_name(error.fault), error.offset,
			       error.pointer);
		(void)snprintf(want, sizeof(want), "%s: %d %s at %zu '%s'",
			       bad[i].name, EBADMSG,
			       gw_json_fault_name(bad[i].fault), bad[i].offset,
			       bad[i].pointer);
		CHECK_STR(got, want);
		CHECK(error.text[0]);
	}

	return 0;
}
TEST(test_json_scan_refuses);

/* Every text that was taken is refused when its last byte is missing, unless
 * what is left is a value, too: nothing reads past the end. */
static int test_json_scan_needs_no_nul(void)
{
	static const char text[] = "{\"to\":\"853\",\"n\":[1,true,null]}";
	size_t len;

	for (len = 0; len < sizeof(text) - 1; len++) {
		struct gw_json_doc *doc = NULL;
		struct gw_json_error error;
		char *exact = mem_alloc(len + !len, NULL);
		int err;

		CHECK(exact);
		memcpy(exact, text, len);
		err = gw_json_parse(&doc, exact, len, GW_JSON_API, &error);
		mem_deref(exact);
		mem_deref(doc);
		CHECK(err == EBADMSG || err == ENOMEM);
		CHECK(err == ENOMEM || error.offset <= len);
	}

	return 0;
}
TEST(test_json_scan_needs_no_nul);

static int test_json_scan_raw_nul_is_refused(void)
{
	struct gw_json_doc *doc = NULL;
	struct gw_json_error error;

	CHECK_ERR(gw_json_parse(&doc, "{}\0", 3, 0, &error), EBADMSG);
	CHECK_INT(error.fault, GW_JSON_FAULT_TRAILING);
	CHECK_ERR(gw_json_parse(&doc, "[\"a\0b\"]", 7, 0, &error), EBADMSG);
	CHECK_INT(error.fault, GW_JSON_FAULT_CONTROL);
	CHECK_INT(error.offset, 3);
	return 0;
}
TEST(test_json_scan_raw_nul_is_refused);

static int test_json_scan_place_has_line_and_column(void)
{
	struct gw_json_doc *doc = NULL;
	struct gw_json_error error;
	static const char text[] = "{\n  \"to\": \"853\",\n  \"to\": 1\n}";

	CHECK_ERR(gw_json_parse(&doc, text, strlen(text), 0, &error), EBADMSG);
	CHECK_INT(error.line, 3);
	CHECK_INT(error.column, 3);
	CHECK_STR(error.pointer, "/to");
	CHECK_STR(gw_json_fault_name(error.fault), "duplicate-member");
	return 0;
}
TEST(test_json_scan_place_has_line_and_column);

/* Flags ------------------------------------------------------------------- */

static int test_json_scan_api_refuses_controls(void)
{
	static const char *const texts[] = {
		"[\"a\\nb\"]", "[\"a\\rb\"]",   "[\"\\t\"]",     "[\"\\b\"]",
		"[\"\\f\"]",   "[\"\\u000d\"]", "[\"\\u001F\"]",
	};
	struct gw_json_error error;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct gw_json_doc *doc = NULL;

		CHECK_ERR(gw_json_parse(&doc, texts[i], strlen(texts[i]),
					GW_JSON_API, &error),
			  EBADMSG);
		CHECK_INT(error.fault, GW_JSON_FAULT_CONTROL);
		CHECK_STR(error.pointer, "/0");
	}

	return 0;
}
TEST(test_json_scan_api_refuses_controls);

/* An id of 19 digits would come back as another one. */
static int test_json_scan_api_refuses_inexact_integers(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	struct gw_json_error error;
	static const char text[] = "{\"contact\":9007199254740992}";

	CHECK_ERR(gw_json_parse(&doc, text, strlen(text), GW_JSON_API, &error),
		  EBADMSG);
	CHECK_INT(error.fault, GW_JSON_FAULT_NUMBER);
	CHECK_STR(error.pointer, "/contact");
	CHECK(!doc);

	CHECK_OK(parse(&doc, text, 0));
	return 0;
}
TEST(test_json_scan_api_refuses_inexact_integers);

static int test_json_scan_comments_in_files(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	CHECK_OK(reprint(mb,
			 "// first\r\n{ /* * / // */ \"a\" /**/ : // x\n"
			 "1, \"b\": \"/* text */\" } // last",
			 GW_JSON_FILE));
	CHECK_STR((char *)mb->buf, "{\"a\":1,\"b\":\"/* text */\"}");
	return 0;
}
TEST(test_json_scan_comments_in_files);

static int test_json_scan_bad_comments(void)
{
	static const struct {
		const char *text;
		enum gw_json_fault fault;
		size_t offset;
	} texts[] = {
		{ "{} /* never", GW_JSON_FAULT_END, 3 },
		{ "/*/ {}", GW_JSON_FAULT_END, 0 },
		{ "{} /", GW_JSON_FAULT_TRAILING, 3 },
		{ "# no {}", GW_JSON_FAULT_SYNTAX, 0 },
		{ "// only", GW_JSON_FAULT_EMPTY, 7 },
		{ "// \xe4\n{}", GW_JSON_FAULT_UTF8, 3 },
		{ "{\"a\":1,/* b */}", GW_JSON_FAULT_SYNTAX, 14 },
	};
	struct gw_json_error error;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct gw_json_doc *doc = NULL;

		CHECK_ERR(gw_json_parse(&doc, texts[i].text,
					strlen(texts[i].text), GW_JSON_FILE,
					&error),
			  EBADMSG);
		CHECK_INT(error.fault, texts[i].fault);
		CHECK_INT(error.offset, texts[i].offset);
	}

	return 0;
}
TEST(test_json_scan_bad_comments);
