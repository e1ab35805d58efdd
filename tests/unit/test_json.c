/* The values of a JSON text, its limits, and the ways to a value and back. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "tests/test.h"

static int parse(struct gw_json_doc **docp, const char *text, unsigned flags)
{
	return gw_json_parse(docp, text, strlen(text), flags, NULL);
}

/* Limits ------------------------------------------------------------------ */

static void nest(char *buf, size_t depth)
{
	memset(buf, '[', depth);
	memset(buf + depth, ']', depth);
	buf[2 * depth] = '\0';
}

static int test_json_depth(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	struct gw_json_error error;
	char text[2 * GW_JSON_DEPTH_MAX + 3];

	nest(text, GW_JSON_DEPTH_MAX);
	CHECK_OK(parse(&doc, text, 0));
	doc = mem_deref(doc);

	nest(text, GW_JSON_DEPTH_MAX + 1);
	CHECK_ERR(gw_json_parse(&doc, text, strlen(text), 0, &error), EBADMSG);
	CHECK_INT(error.fault, GW_JSON_FAULT_DEPTH);
	CHECK_INT(error.offset, GW_JSON_DEPTH_MAX);
	return 0;
}
TEST(test_json_depth);

static int test_json_value_count(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(2 * GW_JSON_VALUES_MAX + 8);
	struct gw_json_doc *doc = NULL;
	struct gw_json_error error;
	size_t i;

	CHECK(mb);
	CHECK_OK(mbuf_write_str(mb, "[0"));
	for (i = 0; i < GW_JSON_VALUES_MAX - 1; i++)
		CHECK_OK(mbuf_write_str(mb, ",0"));
	CHECK_OK(mbuf_write_u8(mb, ']'));

	CHECK_ERR(gw_json_parse(&doc, (char *)mb->buf, mb->end, 0, &error),
		  EBADMSG);
	CHECK_INT(error.fault, GW_JSON_FAULT_SIZE);
	return 0;
}
TEST(test_json_value_count);

/* Writes {"x0":0,"x1":0,...}, in which number twin has the name of number 3. */
static int many_members(struct mbuf *mb, unsigned count, unsigned twin)
{
	unsigned i;

	CHECK_OK(mbuf_write_u8(mb, '{'));
	for (i = 0; i < count; i++)
		CHECK_OK(mbuf_printf(mb, "%s\"x%u\":0", i ? "," : "",
				     i == twin ? 3 : i));
	CHECK_OK(mbuf_write_u8(mb, '}'));
	return 0;
}

/* Few names are compared one way, many another, and the names kept without
 * asking for memory are 64: around each of these numbers. */
static int test_json_duplicate_among_many(void)
{
	static const unsigned counts[] = { 15, 16, 17, 18, 63, 64, 65, 5000 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(128 * 1024);
		OWNED struct gw_json_doc *doc = NULL;
		struct gw_json_error error;

		CHECK(mb);
		CHECK_OK(many_members(mb, counts[i], UINT32_MAX));
		CHECK_OK(
			gw_json_parse(&doc, (char *)mb->buf, mb->end, 0, NULL));
		CHECK_INT(gw_json_count(gw_json_root(doc)), counts[i]);

		mb->pos = mb->end = 0;
		CHECK_OK(many_members(mb, counts[i], counts[i] - 1));
		doc = mem_deref(doc);
		CHECK_ERR(gw_json_parse(&doc, (char *)mb->buf, mb->end, 0,
					&error),
			  EBADMSG);
		CHECK_INT(error.fault, GW_JSON_FAULT_DUPLICATE);
		CHECK_STR(error.pointer, "/x3");
		CHECK(error.offset > mb->end - 12); /* the later of the two */
	}

	return 0;
}
TEST_WITHOUT_OOM(test_json_duplicate_among_many, "thousands of values");

/* Walking about ----------------------------------------------------------- */

static const char sample[] = "{\"to\":\"853\",\"ring_timeout\":30,"
			     "\"list\":[1,\"two\",{\"a/b\":{\"m~n\":true}}],"
			     "\"none\":null,\"half\":0.5,\"\":\"empty\"}";

static int test_json_members(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	const struct gw_json *root, *list;
	size_t len;

	CHECK_OK(parse(&doc, sample, GW_JSON_API));
	root = gw_json_root(doc);
	CHECK_INT(gw_json_type(root), GW_JSON_OBJECT);
	CHECK_INT(gw_json_count(root), 6);
	CHECK_STR(gw_json_string(gw_json_get(root, "to")), "853");
	CHECK_STR(gw_json_string_len(gw_json_get(root, "to"), &len), "853");
	CHECK_INT(len, 3);
	CHECK(!gw_json_get(root, "TO"));
	CHECK(!gw_json_get(gw_json_get(root, "to"), "to"));

	CHECK_STR(gw_json_name(gw_json_first(root)), "to");
	CHECK_STR(gw_json_name(gw_json_next(gw_json_first(root))),
		  "ring_timeout");

	list = gw_json_get(root, "list");
	CHECK_INT(gw_json_count(list), 3);
	CHECK(!gw_json_name(gw_json_first(list)));
	CHECK_STR(gw_json_string(gw_json_next(gw_json_first(list))), "two");
	CHECK_INT(gw_json_type(gw_json_get(root, "none")), GW_JSON_NULL);
	return 0;
}
TEST(test_json_members);

static int test_json_nothing_is_harmless(void)
{
	int64_t v = 7;
	double d = 7;
	bool b = true;
	size_t len = 7;

	CHECK_INT(gw_json_type(NULL), GW_JSON_NONE);
	CHECK(!gw_json_root(NULL));
	CHECK(!gw_json_get(NULL, "a"));
	CHECK(!gw_json_first(NULL));
	CHECK(!gw_json_next(NULL));
	CHECK(!gw_json_name(NULL));
	CHECK(!gw_json_find(NULL, "/a"));
	CHECK(!gw_json_string_len(NULL, &len));
	CHECK_INT(len, 0);
	CHECK_ERR(gw_json_int(&v, NULL, 0, 9), EINVAL);
	CHECK_ERR(gw_json_bool(&b, NULL), EINVAL);
	CHECK_ERR(gw_json_double(&d, NULL), EINVAL);
	CHECK(v == 7 && b && d > 6);
	CHECK_INT(gw_json_line(NULL, NULL), 0);
	return 0;
}
TEST(test_json_nothing_is_harmless);

static int test_json_integers(void)
{
	static const struct {
		const char *text;
		int64_t min, max;
		int err;
		int64_t v;
	} cases[] = {
		{ "30", 1, 300, 0, 30 },
		{ "30.0", 1, 300, 0, 30 },
		{ "3e1", 1, 300, 0, 30 },
		{ "-5", -5, 0, 0, -5 },
		{ "-0", 0, 0, 0, 0 },
		{ "1", 1, 1, 0, 1 },
		{ "0", 1, 300, ERANGE, 0 },
		{ "301", 1, 300, ERANGE, 0 },
		{ "30.5", 1, 300, EDOM, 0 },
		{ "1e-1", 0, 300, EDOM, 0 },
		{ "1e300", 0, GW_JSON_INT_MAX, ERANGE, 0 },
		{ "9007199254740991", 0, GW_JSON_INT_MAX, 0, GW_JSON_INT_MAX },
		{ "9007199254740993", 0, INT64_MAX, ERANGE, 0 },
		{ "\"30\"", 1, 300, EINVAL, 0 },
		{ "true", 0, 1, EINVAL, 0 },
		{ "null", 0, 1, EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		OWNED struct gw_json_doc *doc = NULL;
		int64_t v = 0;

		CHECK_OK(parse(&doc, cases[i].text, 0));
		CHECK_ERR(gw_json_int(&v, gw_json_root(doc), cases[i].min,
				      cases[i].max),
			  cases[i].err);
		CHECK_INT(v, cases[i].v);
	}

	return 0;
}
TEST(test_json_integers);

static int test_json_find_by_pointer(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	const struct gw_json *root;
	bool yes = false;

	CHECK_OK(parse(&doc, sample, GW_JSON_API));
	root = gw_json_root(doc);
	CHECK(gw_json_find(root, "") == root);
	CHECK_STR(gw_json_string(gw_json_find(root, "/list/1")), "two");
	CHECK_OK(gw_json_bool(&yes, gw_json_find(root, "/list/2/a~1b/m~0n")));
	CHECK(yes);
	CHECK_STR(gw_json_string(gw_json_find(root, "/")), "empty");
	CHECK(!gw_json_find(root, "to"));
	CHECK(!gw_json_find(root, "/list/01"));
	CHECK(!gw_json_find(root, "/list/-"));
	CHECK(!gw_json_find(root, "/list/3"));
	CHECK(!gw_json_find(root, "/list/1/0"));
	CHECK(!gw_json_find(root, "/list/2/a~2b"));
	CHECK(!gw_json_find(root, "/to/"));
	return 0;
}
TEST(test_json_find_by_pointer);

/* Of each value in turn: the pointer leads back to it. */
static int pointers_lead_back(const struct gw_json_doc *doc,
			      const struct gw_json *value)
{
	const struct gw_json *inner;
	char buf[GW_JSON_POINTER_SIZE];

	CHECK_OK(gw_json_pointer(buf, sizeof(buf), doc, value));
	CHECK(gw_json_find(gw_json_root(doc), buf) == value);

	for (inner = gw_json_first(value); inner; inner = gw_json_next(inner)) {
		if (pointers_lead_back(doc, inner))
			return 1;
	}

	return 0;
}

static int test_json_pointers(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	OWNED struct gw_json_doc *other = NULL;
	char buf[8];

	CHECK_OK(parse(&doc, sample, GW_JSON_API));
	CHECK_OK(parse(&other, "[1]", GW_JSON_API));
	CHECK_INT(pointers_lead_back(doc, gw_json_root(doc)), 0);

	CHECK_ERR(gw_json_pointer(buf, sizeof(buf), doc, gw_json_root(other)),
		  ENOENT);
	CHECK_ERR(gw_json_pointer(buf, sizeof(buf), doc,
				  gw_json_find(gw_json_root(doc),
					       "/list/2/a~1b")),
		  EOVERFLOW);
	CHECK_STR(buf, "/list/2"); /* whole steps */
	return 0;
}
TEST(test_json_pointers);

static int test_json_lines(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	const struct gw_json *root;

	CHECK_OK(parse(&doc,
		       "// one\n"
		       "{ /* two\n"
		       "three */ \"a\": 1,\n"
		       "  \"b\":\n"
		       "     [ true,\n"
		       "       { \"c\": \"x\" } ] }\n",
		       GW_JSON_FILE));
	root = gw_json_root(doc);
	CHECK_INT(gw_json_line(doc, root), 2);
	CHECK_INT(gw_json_line(doc, gw_json_find(root, "/a")), 3);
	CHECK_INT(gw_json_line(doc, gw_json_find(root, "/b")), 4); /* name */
	CHECK_INT(gw_json_line(doc, gw_json_find(root, "/b/0")), 5);
	CHECK_INT(gw_json_line(doc, gw_json_find(root, "/b/1")), 6);
	CHECK_INT(gw_json_line(doc, gw_json_find(root, "/b/1/c")), 6);
	CHECK_INT(gw_json_line(doc, NULL), 0);
	return 0;
}
TEST(test_json_lines);

static int test_json_print_appends(void)
{
	OWNED struct gw_json_doc *doc = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(4);

	CHECK(mb);
	CHECK_OK(parse(&doc, sample, GW_JSON_API));
	CHECK_OK(mbuf_write_str(mb, "data: "));
	CHECK_OK(gw_json_print(mb, gw_json_get(gw_json_root(doc), "list")));
	CHECK_OK(gw_json_print_string(mb, "a\"\x01\xc3\xa4", 5));
	CHECK_ERR(gw_json_print(mb, NULL), EINVAL);
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	CHECK_STR((char *)mb->buf, "data: [1,\"two\",{\"a/b\":{\"m~n\":true}}]"
				   "\"a\\\"\\u0001\xc3\xa4\"");
	return 0;
}
TEST(test_json_print_appends);
