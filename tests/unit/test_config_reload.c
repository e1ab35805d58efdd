/* A configuration that is read again: what counts at once, what waits. */
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

/* Gathers the pointers that were kept, with a blank behind each. */
static void gather(const char *pointer, void *arg)
{
	char *seen = arg;

	(void)strcat(seen, pointer);
	(void)strcat(seen, " ");
}

static const char before[] =
	"{ \"http\": { \"listen\": [\"127.0.0.1:8080\"] }, \"drain_s\": 30, "
	"\"store\": { \"url\": \"sqlite:a.db\" }, \"media\": { \"ports\": "
	"\"20000-20100\" }, \"limits\": { \"calls\": 5 }, \"lines\": [ "
	"{ \"name\": \"a\", \"user\": \"858\", \"domain\": \"pbx\" }, "
	"{ \"name\": \"b\", \"user\": \"859\", \"domain\": \"pbx\" } ] }";

/* G11: what changes in flight is the new one's, everything else stays, and each
 * setting that was to change is named once. */
static int test_config_reload_keeps(void)
{
	OWNED struct gw_config *old = NULL, *cfg = NULL;
	char kept[512] = "";

	CHECK_OK(config_try(&old, before));
	CHECK_OK(config_try(
		&cfg,
		"{ \"http\": { \"listen\": [\"127.0.0.1:9090\"], "
		"\"cors_origins\": [\"https://crm.example\"] }, "
		"\"sip\": { \"listen\": [\"udp:127.0.0.1:5099\"] }, "
		"\"drain_s\": 5, \"store\": { \"url\": \"sqlite:b.db\" }, "
		"\"media\": { \"ports\": \"30000-30100\", \"stall_s\": 7 }, "
		"\"log\": { \"level\": \"debug\", \"pii\": true }, "
		"\"decline_status\": \"failed\", \"policy\": { "
		"\"follow_redirects\": true }, \"limits\": { \"calls\": 9, "
		"\"connections\": 99 }, \"lines\": [ { \"name\": \"a\", "
		"\"user\": \"858\", \"domain\": \"other\" }, { \"name\": "
		"\"b\", \"user\": \"859\", \"domain\": \"pbx\" }, { \"name\": "
		"\"c\", \"user\": \"860\", \"domain\": \"pbx\" } ] }"));
	CHECK_OK(gw_config_keep(cfg, old, gather, kept));

	CHECK_STR(kept, "/lines/0 /lines/2 /http/listen /sip/listen "
			"/media/ports /store/url /limits/connections ");
	CHECK_INT(cfg->http.listen.list[0].port, 8080);
	CHECK(!cfg->sip.ports_chosen);
	CHECK_STR(cfg->store.url, "sqlite:a.db");
	CHECK_INT(cfg->media.port_min, 20000);
	CHECK_INT(cfg->media.port_max, 20100);
	CHECK_INT(cfg->line_count, 2);
	CHECK_STR(cfg->lines[0].domain, "pbx");
	CHECK(cfg->lines[0].is_default);

	CHECK_STR(cfg->http.cors_origins.list[0], "https://crm.example");
	CHECK_INT(cfg->drain_s, 5);
	CHECK_INT(cfg->media.stall_s, 7);
	CHECK_INT(cfg->log.level, GW_CONFIG_DEBUG);
	CHECK(cfg->log.pii);
	CHECK_INT(cfg->decline_status, GW_CONFIG_DECLINE_FAILED);
	CHECK(cfg->policy.follow_redirects);
	CHECK_INT(cfg->limits.calls, 9);
	CHECK_INT(cfg->limits.connections, 16384);
	return 0;
}
TEST(test_config_reload_keeps);

/* A pointer to what is kept stays good, however often it is read again. */
static int test_config_reload_shares(void)
{
	OWNED struct gw_config *old = NULL;
	const char *domain, *url;
	char kept[64] = "";

	CHECK_OK(config_try(&old, before));
	domain = old->lines[1].domain;
	url = old->store.url;
	for (int i = 0; i < 3; i++) {
		OWNED struct gw_config *cfg = NULL;

		CHECK_OK(config_try(&cfg, before));
		CHECK_OK(gw_config_keep(cfg, old, gather, kept));
		mem_deref(old);
		old = mem_ref(cfg);
	}
	CHECK_STR(kept, "");
	CHECK(old->lines[1].domain == domain);
	CHECK(old->store.url == url);
	CHECK_STR(domain, "pbx");
	return 0;
}
TEST(test_config_reload_shares);

/* Listeners are HTTP or HTTPS for good; which certificate is another matter. */
static int test_config_reload_certificate(void)
{
	OWNED struct gw_config *plain = NULL, *one = NULL, *two = NULL;
	OWNED struct gw_config *off = NULL;
	char text[512], kept[256] = "";

	CHECK_OK(config_try_file("x", 1, 0600));
	(void)snprintf(text, sizeof(text),
		       "{ \"http\": { \"certificate\": \"%s\", \"key\": "
		       "\"%s\" } }",
		       config_try_path, config_try_path);
	CHECK_OK(config_try(&plain, "{}"));
	CHECK_OK(config_try(&off, "{}"));
	CHECK_OK(config_try(&one, text));
	CHECK_OK(config_try(&two, text));

	CHECK_OK(gw_config_keep(two, one, gather, kept));
	CHECK_STR(kept, "");
	CHECK_OK(gw_config_keep(two, plain, gather, kept));
	CHECK_STR(kept, "/http/key /http/certificate ");
	CHECK(!two->http.certificate);
	CHECK(!two->http.key);

	kept[0] = '\0';
	CHECK_OK(gw_config_keep(off, one, gather, kept));
	CHECK_STR(kept, "/http/key /http/certificate ");
	CHECK_STR(off->http.certificate, config_try_path);
	return 0;
}
TEST(test_config_reload_certificate);

/* What nobody has thought of needs a restart. */
static int test_config_reload_in_flight(void)
{
	CHECK(gw_config_in_flight("/limits/calls"));
	CHECK(!gw_config_in_flight("/limits/connections"));
	CHECK(!gw_config_in_flight("/limits/connections_per_ip"));
	CHECK(gw_config_in_flight("/policy/follow_redirects"));
	CHECK(gw_config_in_flight("/hooks"));
	CHECK(!gw_config_in_flight("/policyholder"));
	CHECK(!gw_config_in_flight("/lines/N/user"));
	CHECK(!gw_config_in_flight("/"));
	CHECK(!gw_config_in_flight(""));
	return 0;
}
TEST(test_config_reload_in_flight);
