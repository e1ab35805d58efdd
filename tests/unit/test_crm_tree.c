/* D7: JSON, forms with bracket keys and XML become one strict tree. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/crm_tree.h"
#include "tests/test.h"

static char why[GW_CRM_WHY_SIZE];

static int tree(struct gw_json_doc **docp, enum gw_crm_kind kind,
		const char *body)
{
	why[0] = '\0';
	return gw_crm_tree(docp, kind, (const uint8_t *)body, strlen(body),
			   why);
}

/* body becomes the JSON that is wanted. */
static int becomes(enum gw_crm_kind kind, const char *body, const char *want)
{
	OWNED struct gw_json_doc *doc = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(64);

	CHECK(mb);
	CHECK_OK(tree(&doc, kind, body));
	CHECK_OK(gw_json_print(mb, gw_json_root(doc)));
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	CHECK_STR((char *)mb->buf, want);
	return 0;
}

static int refused(enum gw_crm_kind kind, const char *body, const char *want)
{
	OWNED struct gw_json_doc *doc = NULL;

	CHECK_ERR(tree(&doc, kind, body), EBADMSG);
	CHECK(!doc);
	CHECK(strstr(why, want));
	return 0;
}

static int test_crm_tree_by_content_type(void)
{
	static const struct {
		const char *type, *body;
		enum gw_crm_kind kind;
	} rows[] = {
		{ "application/json", "", GW_CRM_JSON },
		{ "application/json; charset=utf-8", "", GW_CRM_JSON },
		{ "application/vnd.crm+JSON", "", GW_CRM_JSON },
		{ "text/xml; charset=utf-8", "<a/>", GW_CRM_XML },
		{ "application/soap+xml", "<a/>", GW_CRM_XML },
		{ "application/x-www-form-urlencoded", "a=1", GW_CRM_FORM },
		{ "application/x-www-form-urlencoded", " {}", GW_CRM_JSON },
		{ NULL, " [1]", GW_CRM_JSON },
		{ NULL, "\r\n<a/>", GW_CRM_XML },
		{ "text/plain", "{}", GW_CRM_JSON },
		{ NULL, "", GW_CRM_JSON },
		{ "image/png", "\x89PNG", GW_CRM_OTHER },
		{ NULL, "a=1", GW_CRM_OTHER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(gw_crm_kind(rows[i].type,
				      (const uint8_t *)rows[i].body,
				      strlen(rows[i].body)),
			  rows[i].kind);
	return 0;
}
TEST(test_crm_tree_by_content_type);

static int test_crm_tree_json_is_strict(void)
{
	if (becomes(GW_CRM_JSON, "{\"a\":[1,null]}", "{\"a\":[1,null]}") ||
	    becomes(GW_CRM_JSON, "", "{}"))
		return 1;
	return refused(GW_CRM_JSON, "{\"a\":1,\"a\":2}", "byte") ||
	       refused(GW_CRM_JSON, "{\"a\":\"\\ud800\"}", "byte");
}
TEST(test_crm_tree_json_is_strict);

static int test_crm_tree_of_forms(void)
{
	static const char *const rows[][2] = {
		{ "a=1&b=x+y%2B", "{\"a\":\"1\",\"b\":\"x y+\"}" },
		{ "data[PHONE]=853&data[USER_ID]=7&auth[t]=s",
		  "{\"data\":{\"PHONE\":\"853\",\"USER_ID\":\"7\"},"
		  "\"auth\":{\"t\":\"s\"}}" },
		{ "data%5BA%5D%5BB%5D=c", "{\"data\":{\"A\":{\"B\":\"c\"}}}" },
		{ "a[]=1&a[]=2", "{\"a\":[\"1\",\"2\"]}" },
		{ "a[0]=1&a[1]=2", "{\"a\":[\"1\",\"2\"]}" },
		{ "a[0][n]=1&a[1][n]=2",
		  "{\"a\":[{\"n\":\"1\"},{\"n\":\"2\"}]}" },
		{ "a[1]=x&a[0]=y", "{\"a\":{\"1\":\"x\",\"0\":\"y\"}}" },
		{ "a=1&a=2&a=3", "{\"a\":[\"1\",\"2\",\"3\"]}" },
		{ "a&b=&&c=1&", "{\"a\":\"\",\"b\":\"\",\"c\":\"1\"}" },
		{ "&", "{}" },
		{ "n=%C3%A4", "{\"n\":\"\xc3\xa4\"}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (becomes(GW_CRM_FORM, rows[i][0], rows[i][1]))
			return 1;
	return 0;
}
TEST(test_crm_tree_of_forms);

static int test_crm_tree_refuses_forms(void)
{
	static const char *const rows[][2] = {
		{ "a=1&a[b]=2", "brackets" },
		{ "a[b]=2&a=1", "brackets" },
		{ "a[b=1", "brackets" },
		{ "a[b]c=1", "brackets" },
		{ "a[[b]]=1", "brackets" },
		{ "[a]=1", "brackets" },
		{ "=1", "brackets" },
		{ "a=%", "percent" },
		{ "a=%4", "percent" },
		{ "a=%00", "percent" },
		{ "%zz=1", "percent" },
		{ "a=%ff", "byte" }, /* no UTF-8 */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (refused(GW_CRM_FORM, rows[i][0], rows[i][1]))
			return 1;
	return 0;
}
TEST(test_crm_tree_refuses_forms);

/* count times part, in one text. */
static struct mbuf *repeat(const char *before, const char *part, size_t count,
			   const char *after)
{
	struct mbuf *mb = mbuf_alloc(strlen(part) * count + 256);
	int err = mb ? mbuf_write_str(mb, before) : ENOMEM;

	for (size_t i = 0; !err && i < count; i++)
		err = mbuf_write_str(mb, part);
	err = err ? err : mbuf_write_str(mb, after);
	err = err ? err : mbuf_write_u8(mb, '\0');
	return err ? mem_deref(mb) : mb;
}

static int test_crm_tree_bounds_forms(void)
{
	OWNED struct mbuf *most = repeat("", "a=1&", GW_CRM_PAIRS_MAX, "");
	OWNED struct mbuf *more = repeat("", "a=1&", GW_CRM_PAIRS_MAX + 1, "");
	OWNED struct mbuf *deep = repeat("a", "[b]", 40, "=1");
	OWNED struct gw_json_doc *doc = NULL;

	CHECK(most && more && deep);
	CHECK_OK(tree(&doc, GW_CRM_FORM, (char *)most->buf));
	return refused(GW_CRM_FORM, (char *)more->buf, "too many") ||
	       refused(GW_CRM_FORM, (char *)deep->buf, "");
}
TEST(test_crm_tree_bounds_forms);

static int test_crm_tree_of_xml(void)
{
	static const char *const rows[][2] = {
		{ "<a/>", "{\"a\":\"\"}" },
		{ "<a>x &amp; y&#33;</a>", "{\"a\":\"x & y!\"}" },
		{ "<a><![CDATA[<b>]]></a>", "{\"a\":\"<b>\"}" },
		{ "<a id=\"7\"><n>x</n>\n</a>",
		  "{\"a\":{\"@id\":\"7\",\"n\":\"x\"}}" },
		{ "<s:a xmlns:s=\"urn:x\" xmlns=\"urn:y\" s:t=\"1\"><s:b>2</s:b>"
		  "</s:a>",
		  "{\"a\":{\"@t\":\"1\",\"b\":\"2\"}}" },
		{ "<a><b>1</b><c/><b>2</b></a>",
		  "{\"a\":{\"b\":[\"1\",\"2\"],\"c\":\"\"}}" },
		{ "<a>one<b/>two</a>",
		  "{\"a\":{\"b\":\"\",\"#text\":\"onetwo\"}}" },
		{ "<a xmlns:xsi=\"x\" xsi:nil=\"true\"/>", "{\"a\":null}" },
		{ "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><a>\xe4</a>",
		  "{\"a\":\"\xc3\xa4\"}" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (becomes(GW_CRM_XML, rows[i][0], rows[i][1]))
			return 1;
	return 0;
}
TEST(test_crm_tree_of_xml);

/* Bombs, external entities, and what isn't whole. */
static int test_crm_tree_refuses_xml(void)
{
	static const char *const rows[][2] = {
		{ "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
		  "document type" },
		{ "<!DOCTYPE lolz [<!ENTITY l \"lol\"><!ENTITY m \"&l;&l;&l;\">"
		  "<!ENTITY n \"&m;&m;&m;\">]><lolz>&n;</lolz>",
		  "document type" },
		{ "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
		  "document type" },
		{ "<!DOCTYPE a [<!ENTITY x SYSTEM \"http://127.0.0.1/\">]>"
		  "<a>&x;</a>",
		  "document type" },
		{ "<a>&nbsp;</a>", "line 1" },
		{ "<a>", "line 1" },
		{ "<a></b>", "line 1" },
		{ "<a/><b/>", "line 1" },
		{ "<a>\xff</a>", "line 1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (refused(GW_CRM_XML, rows[i][0], rows[i][1]))
			return 1;
	return 0;
}
TEST(test_crm_tree_refuses_xml);

static int test_crm_tree_bounds_xml(void)
{
	OWNED struct mbuf *deep = repeat("", "<a>", 40, "");
	OWNED struct mbuf *wide =
		repeat("<a>", "<b/>", GW_CRM_NODES_MAX + 1, "</a>");
	OWNED struct mbuf *names = mbuf_alloc(4096);

	CHECK(deep && wide && names);
	CHECK_OK(mbuf_write_str(names, "<a>"));
	for (unsigned i = 0; i <= GW_CRM_NAMES_MAX; i++)
		CHECK_OK(mbuf_printf(names, "<n%u/>", i));
	CHECK_OK(mbuf_write_str(names, "</a>"));
	CHECK_OK(mbuf_write_u8(names, '\0'));
	return refused(GW_CRM_XML, (char *)deep->buf, "deeply") ||
	       refused(GW_CRM_XML, (char *)wide->buf, "too many") ||
	       refused(GW_CRM_XML, (char *)names->buf, "too many");
}
TEST_WITHOUT_OOM(test_crm_tree_bounds_xml, "16384 allocations");
