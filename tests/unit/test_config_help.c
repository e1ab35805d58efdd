/* What people are told about settings: --help-config, the docs, --check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

/* All of help in memory. */
static int help(char **textp, enum gw_config_help_form form)
{
	size_t size;
	FILE *f = open_memstream(textp, &size);

	CHECK(f);
	(void)gw_config_help(f, form);
	CHECK_INT(fclose(f), 0);
	return 0;
}

static int test_config_help_names_all(void)
{
	struct gw_config_setting s;
	char *text = NULL;
	size_t i, missing = 0;

	if (help(&text, GW_CONFIG_HELP_TEXT))
		return 1;
	for (i = 0; gw_config_setting(&s, i); i++)
		missing += !strstr(text, s.pointer);
	missing += !strstr(text, "BELLPULL_LINES_N_CALLER_ID_NAME");
	missing += !strstr(text, "whole number, 5 to 30");
	free(text);
	CHECK_INT(missing, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_config_help_names_all, "a stream of the C library");

/* docs/configuration.md ends with the table. */
static int test_config_help_docs_are_current(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	char *text = NULL, *end;
	size_t len;
	bool same;

	CHECK(mb);
	if (config_try_read(mb, "docs/configuration.md"))
		return 1;
	if (help(&text, GW_CONFIG_HELP_MARKDOWN))
		return 1;

	len = strlen(text);
	end = (char *)mb->buf + mb->end - len;
	same = len < mb->end && !memcmp(end, text, len);
	free(text);
	CHECK(same);
	return 0;
}
TEST_WITHOUT_OOM(test_config_help_docs_are_current,
		 "a stream of the C library");

static int test_config_help_check_tells_the_verdict(void)
{
	static const char fine[] =
		"{ \"lines\": [ { \"name\": \"office\", \"user\": \"858\", "
		"\"domain\": \"pbx\", \"password\": \"env:TEST_PW\" } ] }";
	char *text = NULL;
	size_t size;
	FILE *f;
	int err, leaked;

	config_try_set("TEST_PW", "hunter2");
	CHECK_INT(config_try_file(fine, strlen(fine), 0644), 0);
	f = open_memstream(&text, &size);
	CHECK(f);
	err = gw_config_check_print(f, config_try_path);
	(void)fclose(f);
	leaked = strstr(text, "hunter2") != NULL;
	leaked += !strstr(text, "office: 858@pbx by udp, registers, the "
				"default");
	free(text);
	CHECK_OK(err);
	CHECK_INT(leaked, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_config_help_check_tells_the_verdict,
		 "a stream of the C library");
