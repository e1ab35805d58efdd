/* The configuration: defaults, and what a file sets. */
#include <stdio.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

static int test_config_first_run(void)
{
	OWNED struct gw_config *cfg = NULL;

	CHECK_OK(gw_config_default(&cfg));
	CHECK_INT(cfg->http.listen.count, 1);
	CHECK_STR(cfg->http.listen.list[0].address, "127.0.0.1");
	CHECK_INT(cfg->http.listen.list[0].port, 8080);
	CHECK(cfg->sandbox);
	CHECK_INT(cfg->line_count, 0);
	CHECK_INT(cfg->key_count, 0);

	CHECK_INT(cfg->sip.listen.count, 2);
	CHECK_INT(cfg->sip.listen.list[0].transport, GW_CONFIG_UDP);
	CHECK_STR(cfg->sip.listen.list[0].address, "auto");
	CHECK(!cfg->sip.ports_chosen);
	CHECK_INT(cfg->sip.listen.list[1].transport, GW_CONFIG_TCP);
	CHECK_INT(cfg->media.port_min, 20000);
	CHECK_INT(cfg->media.port_max, 40000);
	CHECK_INT(cfg->media.codecs.count, 8);
	CHECK_STR(cfg->media.codecs.list[0], "opus");
	CHECK_STR(cfg->media.codecs.list[7], "telephone-event");
	CHECK_STR(cfg->store.url, "sqlite:bellpull.db");
	CHECK_INT(cfg->log.level, GW_CONFIG_INFO);
	CHECK(!cfg->country);
	CHECK_INT(cfg->drain_s, 30);
	CHECK_INT(cfg->policy.extension_min_digits, 2);
	CHECK_INT(cfg->policy.extension_max_digits, 6);
	CHECK(cfg->policy.own_domain);
	CHECK(cfg->limits.calls_per_s >= 50);
	return 0;
}
TEST(test_config_first_run);

/* A file may say of what is still to come that it is as it is. */
static int test_config_later_takes_its_default(void)
{
	OWNED struct gw_config *cfg = NULL;

	CHECK_OK(config_try(
		&cfg, "{ \"allow_inline\": true, \"policy\": {}, "
		      "\"hooks\": {}, \"webhooks\": { \"endpoints\": [ ] }, "
		      "\"media\": { \"recordings\": \"recordings\" }, "
		      "\"keys\": [ { \"secret\": \"0123456789abcdef\", "
		      "\"webhook_secret\": null, "
		      "\"callback_hosts\": [] } ] }"));
	return 0;
}
TEST(test_config_later_takes_its_default);

static int test_config_file_switches_sandbox_off(void)
{
	OWNED struct gw_config *cfg = NULL;

	CHECK_OK(config_try(&cfg, "{}"));
	CHECK(!cfg->sandbox);
	return 0;
}
TEST(test_config_file_switches_sandbox_off);

static int test_config_line_defaults(void)
{
	OWNED struct gw_config *cfg = NULL;
	const struct gw_config_line *line;

	CHECK_OK(config_try(&cfg, "{ \"country\": \"DE\", \"lines\": [ "
				  "{ \"user\": \"858\", \"domain\": \"pbx\" }, "
				  "{ \"user\": \"859\", \"domain\": \"[::1]\", "
				  "\"country\": \"AT\" } ] }"));
	CHECK_INT(cfg->line_count, 2);
	line = &cfg->lines[0];
	CHECK_STR(line->name, "858");
	CHECK(line->do_register);
	CHECK_INT(line->transport, GW_CONFIG_UDP);
	CHECK_INT(line->port, 0);
	CHECK_INT(line->expires_s, 3600);
	CHECK(!line->password);
	CHECK(!line->auth_user);
	CHECK_STR(line->identity_header, "from");
	CHECK_STR(line->dial.format, "as_is");
	CHECK(line->nat_auto);
	CHECK_INT(line->max_calls, 0);
	CHECK_STR(line->country, "DE");
	CHECK_INT(line->codecs.count, cfg->media.codecs.count);
	CHECK(line->is_default);
	CHECK_STR(cfg->lines[1].country, "AT");
	CHECK(!cfg->lines[1].is_default);
	return 0;
}
TEST(test_config_line_defaults);

/* Every member of a line is read, and lands where it belongs. */
static int test_config_whole_line(void)
{
	OWNED struct gw_config *cfg = NULL;
	const struct gw_config_line *line;

	CHECK_OK(config_try(
		&cfg,
		"{ \"allow_inline\": true, \"sip\": { \"listen\": "
		"[\"tls:[2001:db8::7]:5061\"] }, \"lines\": [ { "
		"\"name\": \"trunk\", \"display_name\": \"A \\\"B\\\"\", "
		"\"user\": \"1001\", \"auth_user\": \"id@x\", "
		"\"password\": \"pw 1\", \"domain\": \"sip.example\", "
		"\"port\": 5071, \"register\": false, \"transport\": \"tls\", "
		"\"proxies\": [\"sip:a.example\", \"sip:[::1]:5070\"], "
		"\"expires\": 600, \"caller_id\": { \"number\": \"+491\", "
		"\"name\": \"ACME\", \"privacy\": true }, "
		"\"caller_ids\": [\"+492\"], \"identity_header\": \"pai\", "
		"\"auto_answer\": \"call-info\", \"dial\": { \"strip\": \"0\", "
		"\"prefix\": \"9\", \"format\": \"e164\", "
		"\"feature_codes\": true }, \"country\": \"DE\", "
		"\"codecs\": [\"pcma\", \"telephone-event\", \"ILBC\"], "
		"\"nat\": \"off\", \"max_calls\": 30, \"default\": true } ] }"));
	line = &cfg->lines[0];
	CHECK_STR(line->name, "trunk");
	CHECK_STR(line->display_name, "A \"B\"");
	CHECK_STR(line->user, "1001");
	CHECK_STR(line->auth_user, "id@x");
	CHECK_STR(gw_secret_text(line->password, NULL), "pw 1");
	CHECK_STR(line->domain, "sip.example");
	CHECK_INT(line->port, 5071);
	CHECK(!line->do_register);
	CHECK_INT(line->transport, GW_CONFIG_TLS);
	CHECK_INT(line->proxies.count, 2);
	CHECK_STR(line->proxies.list[0], "sip:a.example");
	CHECK_STR(line->proxies.list[1], "sip:[::1]:5070");
	CHECK_INT(line->expires_s, 600);
	CHECK_STR(line->caller_id.number, "+491");
	CHECK_STR(line->caller_id.name, "ACME");
	CHECK(line->caller_id.privacy);
	CHECK_INT(line->caller_ids.count, 1);
	CHECK_STR(line->caller_ids.list[0], "+492");
	CHECK_STR(line->identity_header, "pai");
	CHECK_STR(line->auto_answer, "call-info");
	CHECK_STR(line->dial.strip, "0");
	CHECK_STR(line->dial.prefix, "9");
	CHECK_STR(line->dial.format, "e164");
	CHECK(line->dial.feature_codes);
	CHECK_STR(line->country, "DE");
	CHECK_INT(line->codecs.count, 3);
	CHECK_STR(line->codecs.list[0], "PCMA"); /* as it is known */
	CHECK_STR(line->codecs.list[1], "telephone-event");
	CHECK_STR(line->codecs.list[2], "iLBC");
	CHECK(!line->nat_auto);
	CHECK_INT(line->max_calls, 30);
	CHECK(line->is_default);
	CHECK(cfg->sip.ports_chosen);
	CHECK_STR(cfg->sip.listen.list[0].address, "2001:db8::7");
	CHECK_INT(cfg->sip.listen.list[0].port, 5061);
	return 0;
}
TEST(test_config_whole_line);

/* Key presses are offered by every line: last, or where the list has them. */
static int test_config_offers_key_presses(void)
{
	OWNED struct gw_config *cfg = NULL;

	CHECK_OK(config_try(
		&cfg, "{ \"media\": { \"codecs\": [\"PCMU\"] }, \"lines\": [ "
		      "{ \"user\": \"1\", \"domain\": \"a.example\" }, "
		      "{ \"user\": \"2\", \"domain\": \"a.example\", "
		      "\"codecs\": [\"G722\", \"PCMA\"] }, "
		      "{ \"user\": \"3\", \"domain\": \"a.example\", "
		      "\"codecs\": [\"telephone-event\", \"PCMA\"] } ] }"));

	CHECK_INT(cfg->lines[0].codecs.count, 2);
	CHECK_STR(cfg->lines[0].codecs.list[0], "PCMU");
	CHECK_STR(cfg->lines[0].codecs.list[1], "telephone-event");

	CHECK_INT(cfg->lines[1].codecs.count, 3);
	CHECK_STR(cfg->lines[1].codecs.list[0], "G722");
	CHECK_STR(cfg->lines[1].codecs.list[1], "PCMA");
	CHECK_STR(cfg->lines[1].codecs.list[2], "telephone-event");

	CHECK_INT(cfg->lines[2].codecs.count, 2);
	CHECK_STR(cfg->lines[2].codecs.list[0], "telephone-event");
	CHECK_STR(cfg->lines[2].codecs.list[1], "PCMA");
	return 0;
}
TEST(test_config_offers_key_presses);

/* The stack finds a port for what sip.listen leaves out: no need to list it. */
static int test_config_transport_need_not_be_listed(void)
{
	static const char *const transports[] = { "udp", "tcp", "tls" };
	static const char *const listens[] = { "udp:auto:5070",
					       "tls:192.0.2.7:5061" };
	char text[256];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(transports); i++) {
		for (j = 0; j < ARRAY_SIZE(listens); j++) {
			(void)snprintf(text, sizeof(text),
				       "{\"sip\":{\"listen\":[\"%s\"]},"
				       "\"lines\":[{\"user\":\"8\",\"domain\":"
				       "\"p\",\"transport\":\"%s\"}]}",
				       listens[j], transports[i]);
			CHECK_STR(config_try_error(text), "no error");
		}
	}

	return 0;
}
TEST(test_config_transport_need_not_be_listed);

static int test_config_keys(void)
{
	OWNED struct gw_config *cfg = NULL;
	const struct gw_config_key *key;

	config_try_set("TEST_KEY", "0123456789abcdef");
	CHECK_OK(config_try(&cfg,
			    "{ \"http\": { \"listen\": [\"0.0.0.0:80\"] }, "
			    "\"sandbox\": true, \"keys\": [ { "
			    "\"secret\": \"env:TEST_KEY\", "
			    "\"lines\": [\"sandbox\"], "
			    "\"scopes\": [\"admin\"] } ] }"));
	CHECK_INT(cfg->key_count, 1);
	key = &cfg->keys[0];
	CHECK_STR(key->name, "key-0");
	CHECK_STR(key->project, "default");
	CHECK_STR(gw_secret_text(key->secret, NULL), "0123456789abcdef");
	CHECK_INT(key->scopes.count, 1);
	CHECK_STR(key->scopes.list[0], "admin");
	CHECK_STR(key->lines.list[0], "sandbox");
	return 0;
}
TEST(test_config_keys);

/* Whoever reaches the API may place calls: loopback, or keys (E1). */
static int test_config_knows_an_open_door(void)
{
	static const struct {
		const char *listen;
		bool open;
	} rows[] = {
		{ "127.0.0.1:80", false },
		{ "127.9.9.9:80", false },
		{ "[::1]:80", false },
		{ "127.0.0.1:80\",\"0.0.0.0:80", true },
		{ "0.0.0.0:80", true },
		{ "[::]:80", true },
		{ "192.0.2.1:80", true },
		{ "[::ffff:192.0.2.1]:80", true },
	};
	struct gw_config_errors errs;
	char text[128];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_config *cfg = NULL;
		const int n = snprintf(text, sizeof(text),
				       "{\"http\":{\"listen\":[\"%s\"]}}",
				       rows[i].listen);

		CHECK_OK(gw_config_parse(&cfg, text, (size_t)n, &errs));
		CHECK_INT(gw_config_open_door(cfg), rows[i].open);
	}
	return 0;
}
TEST(test_config_knows_an_open_door);
