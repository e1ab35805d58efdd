/* The table of settings against the sample that people begin with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

/* The commented object between "// EACH what" and "// END", without its "//". */
static int read_commented(struct gw_json_doc **docp, const char *sample,
			  const char *what)
{
	OWNED struct mbuf *mb = mbuf_alloc(4096);
	const char *p = strstr(sample, what);

	CHECK(mb && p);
	for (p = strchr(p, '\n') + 1;
	     !strstr(p, "// END") || strstr(p, "// END") > strchr(p, '\n');
	     p = strchr(p, '\n') + 1) {
		const char *text = strstr(p, "// ");

		CHECK(text && text < strchr(p, '\n'));
		CHECK_OK(mbuf_write_mem(mb, (const uint8_t *)text + 3,
					(size_t)(strchr(p, '\n') - text - 2)));
	}

	CHECK_OK(gw_json_parse(docp, (char *)mb->buf, mb->end,
			       GW_JSON_FILE | GW_JSON_API, NULL));
	return 0;
}

static int print_json(char *buf, size_t size, const struct gw_json *value)
{
	OWNED struct mbuf *mb = mbuf_alloc(256);

	CHECK(mb);
	CHECK_OK(gw_json_print(mb, value));
	(void)snprintf(buf, size, "%.*s", (int)mb->end, (char *)mb->buf);
	return 0;
}

static int has_default(const struct gw_json *value,
		       const struct gw_config_setting *setting)
{
	OWNED struct gw_json_doc *doc = NULL;
	char got[512], want[512], text[256];

	CHECK_OK(gw_json_parse(&doc, setting->json_default,
			       strlen(setting->json_default), 0, NULL));
	if (print_json(text, sizeof(text), gw_json_root(doc)))
		return 1;
	(void)snprintf(want, sizeof(want), "%s: %s", setting->pointer, text);

	(void)snprintf(text, sizeof(text), "is not there");
	if (value && print_json(text, sizeof(text), value))
		return 1;
	(void)snprintf(got, sizeof(got), "%s: %s", setting->pointer, text);

	CHECK_STR(got, want);
	return 0;
}

/* Every setting is in bellpull.json, with its default. */
static int test_config_sample_is_whole(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	OWNED struct gw_json_doc *doc = NULL;
	static const struct {
		const char *mark, *prefix;
	} groups[] = {
		{ "// EACH LINE", "/lines/N/" },
		{ "// EACH KEY", "/keys/N/" },
		{ "// EACH RULE", "/policy/rules/N/" },
		{ "// EACH LIMIT", "/policy/limits/N/" },
		{ "// EACH HOOK", "/hooks/NAME/" },
		{ "// EACH ENDPOINT", "/webhooks/endpoints/N/" },
	};
	struct gw_json_doc *docs[ARRAY_SIZE(groups)] = { NULL };
	struct gw_config_setting s;
	const struct gw_json *value;
	size_t i, k;

	CHECK(mb);
	if (config_try_read(mb, "config/bellpull.json"))
		return 1;
	CHECK_OK(gw_json_parse(&doc, (char *)mb->buf, mb->end, GW_JSON_FILE,
			       NULL));
	for (k = 0; k < ARRAY_SIZE(groups); k++)
		if (read_commented(&docs[k], (char *)mb->buf, groups[k].mark))
			return 1;

	for (i = 0; gw_config_setting(&s, i); i++) {
		CHECK(s.help && strlen(s.help) > 10);
		value = gw_json_find(gw_json_root(doc), s.pointer);
		for (k = 0; k < ARRAY_SIZE(groups); k++) {
			const size_t len = strlen(groups[k].prefix);

			if (!strncmp(s.pointer, groups[k].prefix, len))
				value = gw_json_find(gw_json_root(docs[k]),
						     s.pointer + len - 1);
		}

		if (!s.json_default)
			CHECK(value);
		else if (has_default(value, &s))
			return 1;
	}

	for (k = 0; k < ARRAY_SIZE(groups); k++)
		mem_deref(docs[k]);
	CHECK(i > 60);
	return 0;
}
TEST_WITHOUT_OOM(test_config_sample_is_whole, "documents in a row");

/* ... and it loads, also with its commented samples in place. */
static int test_config_sample_loads(void)
{
	OWNED struct gw_config *cfg = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	struct gw_config_errors errs;

	CHECK(mb);
	if (config_try_read(mb, "config/bellpull.json"))
		return 1;
	CHECK_OK(gw_config_parse(&cfg, (char *)mb->buf, mb->end, &errs));
	CHECK(!cfg->sandbox);
	CHECK_INT(cfg->line_count, 0);
	return 0;
}
TEST(test_config_sample_loads);

/* Takes the // away from in front of each sample line. */
static void uncomment_samples(char *text)
{
	static const char *const starts[] = { "// {\n", "// \t", "// }\n" };
	char *p, *end = strstr(text, "// EACH LINE");
	bool any = false;
	size_t i;

	for (p = strstr(text, "\"lines\": ["); p && p < end;
	     p = strchr(p, '\n') + 1) {
		char *from = p + strspn(p, "\t");

		for (i = 0; i < ARRAY_SIZE(starts); i++) {
			if (strncmp(from, starts[i], strlen(starts[i])) != 0)
				continue;
			/* the second object wants a comma before it */
			memcpy(from, any && !i ? ",  " : "   ", 3);
			any = true;
		}
	}
}

/* Writes to over the first from in text, byte by byte. */
static bool overwrite(char *text, const char *from, const char *to)
{
	char *at = strstr(text, from);

	while (at && *to)
		*at++ = *to++;

	return at != NULL;
}

static int test_config_sample_lines_load(void)
{
	OWNED struct gw_config *cfg = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	struct gw_config_errors errs;

	CHECK(mb);
	if (config_try_read(mb, "config/bellpull.json"))
		return 1;

	uncomment_samples((char *)mb->buf);
	CHECK(overwrite((char *)mb->buf, "file:/etc/bellpull/trunk.password",
			"env:OFFICE_PASSWORD\",\"port\": 5061 "));
	config_try_set("OFFICE_PASSWORD", "858");

	(void)gw_config_parse(&cfg, (char *)mb->buf, mb->end, &errs);
	CHECK_STR(errs.count ? errs.list[0].text : NULL, NULL);
	CHECK(cfg);
	CHECK_INT(cfg->line_count, 2);
	CHECK_STR(cfg->lines[0].name, "office");
	CHECK_STR(cfg->lines[1].caller_id.name, "ACME");
	CHECK_INT(cfg->lines[1].transport, GW_CONFIG_TLS);
	return 0;
}
TEST(test_config_sample_lines_load);
