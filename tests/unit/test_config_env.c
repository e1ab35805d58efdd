/* The configuration: variables of the environment. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

static int test_config_env_overrides(void)
{
	static const char text[] =
		"{ \"drain_s\": 5, \"log\": { \"level\": \"error\" }, "
		"\"lines\": [ { \"user\": \"858\", \"domain\": \"pbx\", "
		"\"max_calls\": 3 } ] }";
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	CHECK_INT(config_try_file(text, strlen(text), 0644), 0);
	config_try_set("BELLPULL_HTTP_LISTEN", "127.0.0.1:1, [::1]:2");
	config_try_set("BELLPULL_LOG_LEVEL", "debug");
	config_try_set("BELLPULL_LOG_PII", "1");
	config_try_set("BELLPULL_SANDBOX", "true");
	config_try_set("BELLPULL_SIP_CA_FILE", "");
	config_try_set("BELLPULL_HTTP_CORS_ORIGINS", "");
	config_try_set("BELLPULL_LINES_0_CALLER_ID_NAME", "A, \"B\"");
	config_try_set("BELLPULL_LINES_0_CALLER_IDS", "1,2 ,3");
	config_try_set("BELLPULL_LINES_0_MAX_CALLS", "");
	config_try_set("BELLPULL_LINES_0_REGISTER", "false");
	config_try_set("BELLPULL_LINES_0_NAT", "off");

	CHECK_OK(gw_config_load(&cfg, config_try_path, &errs));
	CHECK_INT(cfg->drain_s, 5);
	CHECK_INT(cfg->log.level, GW_CONFIG_DEBUG);
	CHECK(cfg->log.pii);
	CHECK(cfg->sandbox);
	CHECK(!cfg->sip.ca_file);
	CHECK_INT(cfg->http.cors_origins.count, 0);
	CHECK_INT(cfg->http.listen.count, 2);
	CHECK_STR(cfg->http.listen.list[1].address, "::1");
	CHECK_INT(cfg->http.listen.list[1].port, 2);
	CHECK_STR(cfg->lines[0].caller_id.name, "A, \"B\"");
	CHECK_INT(cfg->lines[0].caller_ids.count, 3);
	CHECK_STR(cfg->lines[0].caller_ids.list[1], "2");
	CHECK_INT(cfg->lines[0].max_calls, 0);
	CHECK(!cfg->lines[0].do_register);
	CHECK(!cfg->lines[0].nat_auto);
	return 0;
}
TEST(test_config_env_overrides);

/* A container that has no file: lines and keys out of the environment alone. */
static int test_config_env_lines(void)
{
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	config_try_set("BELLPULL_LINES_1_DOMAIN", "pbx");
	config_try_set("BELLPULL_LINES_1_USER", "859");
	config_try_set("BELLPULL_LINES_0_USER", "858");
	config_try_set("BELLPULL_LINES_0_DOMAIN", "pbx");
	config_try_set("BELLPULL_LINES_0_PASSWORD", "pass word");
	config_try_set("BELLPULL_LINES_1_PASSWORD", "env:TEST_OTHER");
	config_try_set("TEST_OTHER", "other");
	config_try_set("BELLPULL_KEYS_0_SECRET", "0123456789abcdef");
	config_try_set("BELLPULL_HTTP_LISTEN", "0.0.0.0:8080");

	CHECK_OK(gw_config_load(&cfg, NULL, &errs));
	CHECK_INT(cfg->line_count, 2);
	CHECK_STR(cfg->lines[0].user, "858");
	CHECK_STR(gw_secret_text(cfg->lines[0].password, NULL), "pass word");
	CHECK_STR(cfg->lines[1].user, "859");
	CHECK_STR(gw_secret_text(cfg->lines[1].password, NULL), "other");
	CHECK_INT(cfg->key_count, 1);
	CHECK(!cfg->sandbox); /* somebody has set this up */
	return 0;
}
TEST(test_config_env_lines);

static int test_config_env_wrong(void)
{
	static const struct {
		const char *name, *text, *error;
	} cases[] = {
		{ "BELLPULL_DRAIN_S", "soon",
		  "/drain_s: must be a whole number from 0 to 86400, not a "
		  "string (variable BELLPULL_DRAIN_S)" },
		{ "BELLPULL_DRAIN_S", "030",
		  "/drain_s: cannot be read: a number has no leading zeros "
		  "(variable BELLPULL_DRAIN_S)" },
		{ "BELLPULL_SANDBOX", "yes",
		  "/sandbox: must be true or false, not a string (variable "
		  "BELLPULL_SANDBOX)" },
		{ "BELLPULL_HTTP_LISTEN", "127.0.0.1:80,",
		  "/http/listen: number 2 must not be empty (variable "
		  "BELLPULL_HTTP_LISTEN)" },
		{ "BELLPULL_HTTP_LISTN", "x",
		  "no setting has this variable; did you mean "
		  "BELLPULL_HTTP_LISTEN? (variable BELLPULL_HTTP_LISTN)" },
		{ "BELLPULL_HOOKS_CRM_PROFILE", "bearer",
		  "no setting has this variable; --help-config lists them "
		  "(variable BELLPULL_HOOKS_CRM_PROFILE)" },
		{ "BELLPULL_TYPO", "1",
		  "no setting has this variable; --help-config lists them "
		  "(variable BELLPULL_TYPO)" },
		{ "BELLPULL_", "1",
		  "no setting has this variable; --help-config lists them "
		  "(variable BELLPULL_)" },
		{ "BELLPULL_LINES_0_USR", "2",
		  "no setting has this variable; did you mean "
		  "BELLPULL_LINES_0_USER? (variable BELLPULL_LINES_0_USR)" },
		{ "BELLPULL_LINE_12_PORT", "5060",
		  "no setting has this variable; did you mean "
		  "BELLPULL_LINES_12_PORT? (variable BELLPULL_LINE_12_PORT)" },
		{ "BELLPULL_KEYS_0_SECRT", "0123456789abcdef",
		  "no setting has this variable; did you mean "
		  "BELLPULL_KEYS_0_SECRET? (variable BELLPULL_KEYS_0_SECRT)" },
		{ "BELLPULL_KEYS_0_NAMES", "x",
		  "no setting has this variable; did you mean "
		  "BELLPULL_KEYS_0_NAME? (variable BELLPULL_KEYS_0_NAMES)" },
		{ "BELLPULL_HTTP_PORT", "8080",
		  "no setting has this variable; --help-config lists them "
		  "(variable BELLPULL_HTTP_PORT)" },
		{ "BELLPULL_KEY", "0123456789abcdef",
		  "no setting has this variable; --help-config lists them "
		  "(variable BELLPULL_KEY)" },
		{ "BELLPULL_LINES_1_USER", "858",
		  "/lines/1/user: the number is too high: there are 0, so the "
		  "next one is number 0 (variable BELLPULL_LINES_1_USER)" },
		{ "BELLPULL_COUNTRY", "D\xff",
		  "/country: cannot be read: the text is not UTF-8 here "
		  "(variable BELLPULL_COUNTRY)" },
		{ "BELLPULL_STORE_URL", "sqlite:a\nb",
		  "/store/url: cannot be read: control characters are not "
		  "allowed here (variable BELLPULL_STORE_URL)" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct gw_config_errors errs;
		struct gw_config *cfg = NULL;
		char text[640];
		int err;

		(void)setenv(cases[i].name, cases[i].text, 1);
		err = gw_config_load(&cfg, NULL, &errs);
		(void)unsetenv(cases[i].name);
		mem_deref(cfg);
		CHECK_ERR(err, EINVAL);
		CHECK_INT(errs.count, 1);
		gw_config_error_print(text, sizeof(text), &errs.list[0]);
		CHECK_STR(text, cases[i].error);
	}

	return 0;
}
TEST(test_config_env_wrong);

/* In a cluster each pod is given variables by the names of services. */
static int test_config_env_of_services(void)
{
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	config_try_set("BELLPULL_SERVICE_HOST", "10.0.0.7");
	config_try_set("BELLPULL_SERVICE_PORT", "8080");
	config_try_set("BELLPULL_SERVICE_PORT_HTTP", "8080");
	config_try_set("BELLPULL_PORT", "tcp://10.0.0.7:8080");
	config_try_set("BELLPULL_PORT_8080_TCP", "tcp://10.0.0.7:8080");
	config_try_set("BELLPULL_PORT_8080_TCP_ADDR", "10.0.0.7");
	config_try_set("BELLPULL_PORT_5060_UDP_PORT", "5060");
	config_try_set("BELLPULL_DB_SERVICE_HOST", "10.0.0.8");
	CHECK_OK(gw_config_load(&cfg, NULL, &errs));
	return 0;
}
TEST(test_config_env_of_services);

/* People call their secrets as they like, and builders have a cache. */
static int test_config_env_on_purpose(void)
{
	static const char text[] =
		"{ \"keys\": [ { \"secret\": \"env:BELLPULL_KEY\" } ] }";
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	CHECK_INT(config_try_file(text, strlen(text), 0644), 0);
	config_try_set("BELLPULL_KEY", "0123456789abcdef");
	config_try_set("BELLPULL_LINES_0_USER", "858");
	config_try_set("BELLPULL_LINES_0_DOMAIN", "pbx");
	config_try_set("BELLPULL_LINES_0_PASSWORD",
		       "env:BELLPULL_PBX_PASSWORD");
	config_try_set("BELLPULL_PBX_PASSWORD", "s3cret");
	config_try_set("BELLPULL_CACHE", "/var/cache/bellpull");
	CHECK_OK(gw_config_load(&cfg, config_try_path, &errs));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, NULL), "s3cret");
	return 0;
}
TEST(test_config_env_on_purpose);

/* Which variables the file means is not known: only what is sure is told. */
static int test_config_env_beside_a_broken_file(void)
{
	static const char text[] = "{ \"keys\": [ {,";
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;

	CHECK_INT(config_try_file(text, strlen(text), 0644), 0);
	config_try_set("BELLPULL_KEY", "0123456789abcdef");
	CHECK_ERR(gw_config_load(&cfg, config_try_path, &errs), EINVAL);
	CHECK_INT(errs.count, 1);
	CHECK_STR(errs.list[0].variable, "");
	return 0;
}
TEST(test_config_env_beside_a_broken_file);
