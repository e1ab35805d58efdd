/* D8: what a webhook says becomes an order; pointers, filters, conditions. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "config/template.h"
#include "server/crm_map.h"
#include "server/json.h"
#include "tests/test.h"

static struct gw_json_doc *read_json(const char *text)
{
	struct gw_json_doc *doc = NULL;

	(void)gw_json_parse(&doc, text, strlen(text), GW_JSON_EXACT, NULL);
	return doc;
}

/* The example of RFC 6901, section 5. */
static const char example[] =
	"{\"foo\":[\"bar\",\"baz\"],\"\":0,\"a/b\":1,\"c%d\":2,\"e^f\":3,"
	"\"g|h\":4,\"i\\\\j\":5,\"k\\\"l\":6,\" \":7,\"m~n\":8}";

static const char payload[] =
	"{\"id\":797,\"ok\":true,\"none\":null,\"phone\":\" (030) 1234-567 \","
	"\"big\":12345678901,\"owner\":{\"mail\":\"Ann@Example.com\"},"
	"\"tags\":[\"a\",\"b\"],\"empty\":\"\","
	"\"abroad\":\"+49 (0)30 1234567\"}";

static const char tables[] =
	"{\"phones\":{\"ann@example.com\":\"sip:853\",\"797\":\"858\"}}";

/* text over value becomes want, or is refused with a fault at the pointer want. */
static int maps(const char *value, const char *text, int err, const char *want)
{
	OWNED struct gw_json_doc *doc = read_json(value);
	OWNED struct gw_json_doc *table = read_json(tables);
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_faults faults = { .count = 0 };

	CHECK(doc && table && mb);
	CHECK_ERR(gw_crm_template(mb, text, gw_json_root(doc),
				  gw_json_root(table), "/to", &faults),
		  err);
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	if (err) {
		CHECK_INT(faults.count, 1);
		CHECK_STR(faults.list[0].pointer, want);
	} else {
		CHECK_STR((char *)mb->buf, want);
	}
	return 0;
}

static int test_crm_map_rfc_6901(void)
{
	static const char *const rows[][2] = {
		{ "${/foo/0}", "bar" }, { "${/}", "0" },    { "${/a~1b}", "1" },
		{ "${/c%d}", "2" },     { "${/e^f}", "3" }, { "${/i\\j}", "5" },
		{ "${/k\"l}", "6" },    { "${/ }", "7" },   { "${/m~0n}", "8" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (maps(example, rows[i][0], 0, rows[i][1]))
			return 1;
	return maps("\"whole\"", "${}", 0, "whole") ||
	       maps(example, "${/foo}", EINVAL, "/foo") ||
	       maps(example, "${/foo/2}", EINVAL, "/foo/2") ||
	       maps(example, "${/foo/01}", EINVAL, "/foo/01") ||
	       maps(example, "${/foo/-}", EINVAL, "/foo/-");
}
TEST(test_crm_map_rfc_6901);

static int test_crm_map_filters(void)
{
	static const char *const rows[][2] = {
		{ "literal", "literal" },
		{ "", "" },
		{ "$", "$" },
		{ "$${/id}", "${/id}" },
		{ "a$b{c}", "a$b{c}" },
		{ "<${/id}-${/ok}>", "<797-true>" },
		{ "${/big}", "12345678901" },
		{ "[${/phone|trim}]", "[(030) 1234-567]" },
		{ "${/phone|digits}", "0301234567" },
		{ "${/phone|e164:DE}", "+49301234567" },
		{ "${/abroad|e164:US}", "+49301234567" },
		{ "${/owner/mail|lower}", "ann@example.com" },
		{ "${/owner/mail|lower|lookup:phones}", "sip:853" },
		{ "${/id|lookup:phones}", "858" },
		{ "${/nowhere|default:x:y}", "x:y" },
		{ "${/none|default:}", "" },
		{ "${/empty|default:e}", "e" },
		{ "${/id|default:e}", "797" },
		{ "${/ok|lookup:phones|default:853}", "853" },
		{ "${/nowhere|trim|digits|lower|default:d}", "d" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (maps(payload, rows[i][0], 0, rows[i][1]))
			return 1;
	return maps(payload, "${/nowhere}", EINVAL, "/nowhere") ||
	       maps(payload, "${/none}", EINVAL, "/none") ||
	       maps(payload, "${/tags}", EINVAL, "/tags") ||
	       maps(payload, "${/owner|default:x}", EINVAL, "/owner") ||
	       maps(payload, "${/ok|lookup:phones}", EINVAL, "/ok") ||
	       maps(payload, "${/owner/mail|e164:DE}", EINVAL, "/owner/mail");
}
TEST(test_crm_map_filters);

static int test_template_says_what_is_wrong(void)
{
	static const char *const wrong[] = {
		"${",
		"${/a",
		"${a}",
		"${/a~}",
		"${/a~2}",
		"${/a|}",
		"${/a|upper}",
		"${/a|trim:1}",
		"${/a|e164}",
		"${/a|e164:de}",
		"${/a|e164:DEU}",
		"${/a|default}",
		"${/a|lookup}",
		"x ${/a} ${",
		"${/a|trim|trim|trim|trim|trim|trim|trim|trim|trim}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(gw_template_check(wrong[i]));
	CHECK(!gw_template_check("a ${/a~0b~1c|trim|default:} $${ }"));
	return 0;
}
TEST(test_template_says_what_is_wrong);

static int holds(const char *when, bool want)
{
	OWNED struct gw_json_doc *doc = read_json(payload);
	OWNED struct gw_json_doc *conditions = read_json(when);

	CHECK(doc && conditions);
	CHECK_INT(gw_crm_holds(gw_json_root(conditions), gw_json_root(doc)),
		  want);
	return 0;
}

static int test_crm_map_conditions(void)
{
	static const struct {
		const char *when;
		bool holds;
	} rows[] = {
		{ "[]", true },
		{ "[{\"ptr\":\"/id\",\"equals\":797}]", true },
		{ "[{\"ptr\":\"/id\",\"equals\":\"797\"}]", true },
		{ "[{\"ptr\":\"/id\",\"equals\":798}]", false },
		{ "[{\"ptr\":\"/ok\",\"equals\":true}]", true },
		{ "[{\"ptr\":\"/none\",\"equals\":null}]", false },
		{ "[{\"ptr\":\"/id\",\"in\":[1,797]}]", true },
		{ "[{\"ptr\":\"/id\",\"in\":[]}]", false },
		{ "[{\"ptr\":\"/tags\",\"exists\":true}]", true },
		{ "[{\"ptr\":\"/none\",\"exists\":true}]", false },
		{ "[{\"ptr\":\"/none\",\"exists\":false}]", true },
		{ "[{\"ptr\":\"/owner/mail\",\"prefix\":\"Ann@\"}]", true },
		{ "[{\"ptr\":\"/owner/mail\",\"prefix\":\"ann@\"}]", false },
		{ "[{\"ptr\":\"/nowhere\",\"prefix\":\"\"}]", false },
		{ "[{\"ptr\":\"/id\",\"equals\":797},"
		  "{\"ptr\":\"/ok\",\"equals\":false}]",
		  false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (holds(rows[i].when, rows[i].holds))
			return 1;
	return 0;
}
TEST_WITHOUT_OOM(test_crm_map_conditions, "no memory is no");

static int test_crm_map_lists(void)
{
	OWNED struct gw_json_doc *doc = read_json(payload);
	struct gw_faults faults = { .count = 0 };
	const struct gw_json *tree;
	size_t count = 0;

	CHECK(doc);
	tree = gw_json_root(doc);
	CHECK_OK(gw_crm_count(&count, tree, NULL, &faults));
	CHECK_INT(count, 1);
	CHECK(gw_crm_element(tree, NULL, 0) == tree);
	CHECK_OK(gw_crm_count(&count, tree, "/tags", &faults));
	CHECK_INT(count, 2);
	CHECK_STR(gw_json_string(gw_crm_element(tree, "/tags", 1)), "b");
	CHECK(!gw_crm_element(tree, "/tags", 2));

	/* one that came alone is no list in XML */
	CHECK_OK(gw_crm_count(&count, tree, "/owner", &faults));
	CHECK_INT(count, 1);
	CHECK_ERR(gw_crm_count(&count, tree, "/nowhere", &faults), EINVAL);
	CHECK_STR(faults.list[0].pointer, "/nowhere");
	return 0;
}
TEST(test_crm_map_lists);

static int test_crm_map_at_most_100(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(1024);
	OWNED struct gw_json_doc *doc = NULL;
	struct gw_faults faults = { .count = 0 };
	size_t count;

	CHECK(mb);
	CHECK_OK(mbuf_write_str(mb, "[0"));
	for (int i = 0; i < GW_CRM_EACH_MAX; i++)
		CHECK_OK(mbuf_write_str(mb, ",1"));
	CHECK_OK(mbuf_write_str(mb, "]"));
	CHECK_OK(gw_json_parse(&doc, (char *)mb->buf, mb->end, 0, NULL));
	CHECK_ERR(gw_crm_count(&count, gw_json_root(doc), "", &faults), EINVAL);
	return 0;
}
TEST(test_crm_map_at_most_100);

static int test_crm_map_makes_an_order(void)
{
	static const char mapping[] =
		"{\"to\":\"${/phone|e164:DE}\",\"from\":\"sip:853\","
		"\"ring_timeout\":20,\"record\":false,"
		"\"metadata\":{\"deal\":\"${/id}\",\"all\":[\"${/ok}\"]}}";
	OWNED struct gw_json_doc *map = read_json(mapping);
	OWNED struct gw_json_doc *doc = read_json(payload);
	OWNED struct gw_json_doc *order = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(256);
	struct gw_config_hook hook = { .mapping = map };
	struct gw_faults faults = { .count = 0 };

	CHECK(map && doc && mb);
	CHECK_OK(gw_crm_map(&order, &hook, gw_json_root(doc), &faults));
	CHECK_OK(gw_json_print(mb, gw_json_root(order)));
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	CHECK_STR((char *)mb->buf,
		  "{\"to\":\"+49301234567\",\"from\":\"sip:853\","
		  "\"ring_timeout\":20,\"record\":false,"
		  "\"metadata\":{\"deal\":\"797\",\"all\":[\"true\"]}}");
	return 0;
}
TEST(test_crm_map_makes_an_order);

/* All that is missing is told at once, and quotes stay inside their string. */
static int test_crm_map_tells_all_and_escapes(void)
{
	OWNED struct gw_json_doc *map =
		read_json("{\"to\":\"${/a}\",\"from\":\"${/b}\"}");
	OWNED struct gw_json_doc *nothing = read_json("{}");
	OWNED struct gw_json_doc *evil =
		read_json("{\"a\":\"1\\\",\\\"record\\\":\\\"true\",\"b\":2}");
	OWNED struct gw_json_doc *order = NULL;
	struct gw_config_hook hook = { .mapping = map };
	struct gw_faults faults = { .count = 0 };

	CHECK(map && nothing && evil);
	CHECK_ERR(gw_crm_map(&order, &hook, gw_json_root(nothing), &faults),
		  EINVAL);
	CHECK_INT(faults.count, 2);
	CHECK_STR(faults.list[1].pointer, "/b");
	CHECK_OK(gw_crm_map(&order, &hook, gw_json_root(evil), &faults));
	CHECK_INT(gw_json_count(gw_json_root(order)), 2);
	return 0;
}
TEST(test_crm_map_tells_all_and_escapes);
