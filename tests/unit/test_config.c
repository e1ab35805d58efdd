/* The configuration: defaults, the file, the environment, secrets, and what
 * people are told when something is wrong. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "tests/test.h"

/* The first error as people see it; or why there is none. */
static const char *first_error(const char *text)
{
	static char buf[640];
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	int err;

	err = gw_config_parse(&cfg, text, strlen(text), &errs);
	mem_deref(cfg);
	if (err == ENOMEM)
		return "out of memory";
	if (!err)
		return "no error";

	gw_config_error_print(buf, sizeof(buf), &errs.list[0]);
	return buf;
}

static int parse(struct gw_config **cfgp, const char *text)
{
	struct gw_config_errors errs;

	return gw_config_parse(cfgp, text, strlen(text), &errs);
}

/* Variables for one test. */
static void unset(void *arg)
{
	(void)unsetenv(arg);
}

static void set(const char *name, const char *text)
{
	(void)setenv(name, text, 1);
	test_later(unset, (void *)(uintptr_t)name);
}

/* A file for one test. */
static char file_path[64];

static void remove_file(void *arg)
{
	(void)arg;
	(void)unlink(file_path);
}

static int write_file(const char *text, size_t len, mode_t mode)
{
	int fd;

	strcpy(file_path, "/tmp/bellpull-test-XXXXXX");
	fd = mkstemp(file_path);
	CHECK(fd >= 0);
	test_later(remove_file, NULL);
	CHECK_INT(write(fd, text, len), len);
	CHECK_INT(fchmod(fd, mode), 0);
	CHECK_INT(close(fd), 0);
	return 0;
}

/* Defaults ---------------------------------------------------------------- */

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
	CHECK_INT(cfg->sip.listen.list[1].transport, GW_CONFIG_TCP);
	CHECK_INT(cfg->media.port_min, 20000);
	CHECK_INT(cfg->media.port_max, 40000);
	CHECK_INT(cfg->media.codecs.count, 7);
	CHECK_STR(cfg->media.codecs.list[0], "opus");
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

static int test_config_file_switches_sandbox_off(void)
{
	OWNED struct gw_config *cfg = NULL;

	CHECK_OK(parse(&cfg, "{}"));
	CHECK(!cfg->sandbox);
	return 0;
}
TEST(test_config_file_switches_sandbox_off);

static int test_config_line_defaults(void)
{
	OWNED struct gw_config *cfg = NULL;
	const struct gw_config_line *line;

	CHECK_OK(parse(&cfg, "{ \"country\": \"DE\", \"lines\": [ "
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

	CHECK_OK(parse(
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
	CHECK_STR(cfg->sip.listen.list[0].address, "2001:db8::7");
	CHECK_INT(cfg->sip.listen.list[0].port, 5061);
	return 0;
}
TEST(test_config_whole_line);

static int test_config_keys(void)
{
	OWNED struct gw_config *cfg = NULL;
	const struct gw_config_key *key;

	set("TEST_KEY", "0123456789abcdef");
	CHECK_OK(parse(&cfg, "{ \"http\": { \"listen\": [\"0.0.0.0:80\"] }, "
			     "\"sandbox\": true, \"keys\": [ { "
			     "\"secret\": \"env:TEST_KEY\", "
			     "\"lines\": [\"sandbox\"], "
			     "\"scopes\": [\"admin\"], "
			     "\"callback_hosts\": [\"crm.example\"] } ] }"));
	CHECK_INT(cfg->key_count, 1);
	key = &cfg->keys[0];
	CHECK_STR(key->name, "key-0");
	CHECK_STR(key->project, "default");
	CHECK_STR(gw_secret_text(key->secret, NULL), "0123456789abcdef");
	CHECK_INT(key->scopes.count, 1);
	CHECK_STR(key->scopes.list[0], "admin");
	CHECK_STR(key->lines.list[0], "sandbox");
	CHECK_STR(key->callback_hosts.list[0], "crm.example");
	CHECK(!key->webhook_secret);
	return 0;
}
TEST(test_config_keys);

/* What is refused, and how that is told ------------------------------------ */

#define LINE_WITH(members) \
	"{\"lines\":[{\"user\":\"8\",\"domain\":\"p\"," members "}]}"

static const struct {
	const char *text;
	const char *error;
} wrong[] = {
	{ "{\n\"lines\": [ { \"user\": \"8\",\n \"domain\": \"p\",\n \"prot\": "
	  "1 } ] }",
	  "/lines/0/prot: not a setting; did you mean \"port\"? (line 4)" },
	{ "{\"htttp\":{}}", "/htttp: not a setting; did you mean \"http\"? "
			    "(line 1)" },
	{ "{\"http\":{\"Listen\":[]}}",
	  "/http/Listen: not a setting; did you mean \"listen\"? (line 1)" },
	{ "{\"frobnicate\":1}",
	  "/frobnicate: not a setting; --help-config lists them (line 1)" },
	{ LINE_WITH("\"username\":\"x\""),
	  "/lines/0/username: not a setting; did you mean \"user\"? (line 1)" },
	{ LINE_WITH("\"caller_id\":{\"nmae\":\"x\"}"),
	  "/lines/0/caller_id/nmae: not a setting; did you mean \"name\"? (line "
	  "1)" },
	{ "[]", "must be an object in braces, not an array" },
	{ "{\"http\":[]}",
	  "/http: must be an object in braces, not an array (line 1)" },
	{ "{\"lines\":{}}",
	  "/lines: must be a list of objects in brackets (line 1)" },
	{ "{\"lines\":[\n1]}",
	  "/lines/0: must be an object in braces, not a number (line 2)" },

	{ "{\"drain_s\":\"30\"}",
	  "/drain_s: must be a whole number from 0 to 86400, not a string (line "
	  "1)" },
	{ "{\"drain_s\":1.5}",
	  "/drain_s: must be a whole number from 0 to 86400 (line 1)" },
	{ "{\"drain_s\":-1}",
	  "/drain_s: must be a whole number from 0 to 86400 (line 1)" },
	{ "{\"drain_s\":null}", "/drain_s: must be a whole number from 0 to "
				"86400, not null (line 1)" },
	{ "{\"http\":{\"heartbeat_s\":31}}",
	  "/http/heartbeat_s: must be a whole number from 5 to 30 (line 1)" },
	{ "{\"sandbox\":1}",
	  "/sandbox: must be true or false, not a number (line 1)" },
	{ "{\"log\":{\"level\":\"inof\"}}",
	  "/log/level: must be \"error\", \"warning\", \"info\" or \"debug\"; "
	  "did you mean \"info\"? (line 1)" },
	{ "{\"country\":\"de\"}",
	  "/country: must be two capital letters, like DE or US (line 1)" },
	{ "{\"country\":\"\"}", "/country: is empty: write null for none (line "
				"1)" },
	{ "{\"store\":{\"url\":\"postgresql://x\"}}",
	  "/store/url: must be sqlite:FILE: PostgreSQL isn't built into this "
	  "version yet (line 1)" },

	{ "{\"http\":{\"listen\":[]}}", "/http/listen: must not be empty (line "
					"1)" },
	{ "{\"http\":{\"listen\":[\"127.0.0.1:1\",\"::1:8080\"]}}",
	  "/http/listen: number 2 must be ADDRESS:PORT with a numeric address, "
	  "like 127.0.0.1:8080 or [::1]:8080 (line 1)" },
	{ "{\"sip\":{\"listen\":[\"udp:0.0.0.0:5060\"]}}",
	  "/sip/listen: number 1 must not be bound to all addresses, because "
	  "SIP messages name the address: write auto (line 1)" },
	{ "{\"http\":{\"cors_origins\":[\"*\"]}}",
	  "/http/cors_origins: number 1 must name one web site: * and null "
	  "would let in any (line 1)" },
	{ "{\"http\":{\"cors_origins\":[\"null\"]}}",
	  "/http/cors_origins: number 1 must name one web site: * and null "
	  "would let in any (line 1)" },
	{ "{\"media\":{\"codecs\":[\"opus\",7]}}",
	  "/media/codecs: number 2 must be a string, not a number (line 1)" },
	{ LINE_WITH("\"transport\":\"tls\""),
	  "/lines/0/transport: needs \"tls:auto:5061\" (or another tls address) "
	  "in sip.listen (line 1)" },
	{ "{\"sip\":{\"listen\":[\"tls:auto:0\"],\"ca_file\":null},\"lines\":"
	  "[{\"user\":\"8\",\"domain\":\"p\",\"transport\":\"tls\"}]}",
	  "/lines/0/transport: needs sip.ca_file, to verify the server's "
	  "certificate (line 1)" },

	{ "{\"policy\":{\"allow\":[]}}",
	  "/policy: must be empty: this isn't built into this version yet (line "
	  "1)" },
	{ "{\"webhooks\":{\"endpoints\":[{}]}}",
	  "/webhooks/endpoints: must be empty: this isn't built into this "
	  "version yet (line 1)" },
	{ "{\"hooks\":{\"crm\":{}}}",
	  "/hooks: must be empty: this isn't built into this version yet (line "
	  "1)" },

	{ "{\"lines\":[{\"domain\":\"p\"}]}",
	  "/lines/0/user: is missing. The extension or account: the part before "
	  "the @ of its SIP address. (line 1)" },
	{ "{\"lines\":[{\"user\":\"8\"}]}",
	  "/lines/0/domain: is missing. Host name or address of the PBX or "
	  "provider: the part behind the @. (line 1)" },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\"},\n"
	  "{\"user\":\"8\",\"domain\":\"q\"}]}",
	  "/lines/1/name: another line is called so: /lines/0 (line 2)" },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"default\":true},\n"
	  "{\"user\":\"9\",\"domain\":\"q\",\"default\":true}]}",
	  "/lines/1/default: there is a default line already: only one can be "
	  "(line 2)" },
	{ "{\"sandbox\":true,\"lines\":[{\"name\":\"sandbox\",\"user\":\"8\","
	  "\"domain\":\"p\"}]}",
	  "/lines/0/name: the sandbox has a line of this name: choose another, "
	  "or switch the sandbox off (line 1)" },
	{ "{\"http\":{\n\"certificate\":\"c.pem\"}}",
	  "/http/certificate: needs http.key, its private key (line 2)" },
	{ "{\"http\":{\"key\":\"k.pem\"}}",
	  "/http/key: needs http.certificate, its certificate (line 1)" },
	{ "{\"allow_inline\":true,\"keys\":[{\"secret\":"
	  "\"0123456789abcdef\",\"lines\":[\"office\"]}]}",
	  "/keys/0/lines/0: there is no line called \"office\" (line 1)" },
	{ "{\"allow_inline\":true,\"keys\":[{\"secret\":\"short\"}]}",
	  "/keys/0/secret: this secret is too short: it needs at least 16 "
	  "characters (line 1)" },
	{ "{\"allow_inline\":true,\"keys\":[{\"secret\":\"0123456789abcdef\"},"
	  "\n{\"secret\":\"0123456789abcdef\"}]}",
	  "/keys/1/secret: /keys/0 has the same secret: each key needs its own "
	  "(line 2)" },

	{ "{\"drain_s\":1,\n\"drain_s\":2}",
	  "/drain_s: the file stops being JSON with comments here, at column 1: "
	  "this object has a member of that name already (line 2)" },
	{ "{\"a\\nb\":1}", "the file stops being JSON with comments here, at "
			   "column 4: control characters are not allowed here "
			   "(line 1)" },
	{ "", "the file stops being JSON with comments here, at column 1: "
	      "there is no JSON here (line 1)" },
};

static int test_config_tells_what_is_wrong(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK_STR(first_error(wrong[i].text), wrong[i].error);

	return 0;
}
TEST(test_config_tells_what_is_wrong);

/* One setting, texts that it takes and texts that it doesn't. */
static const struct {
	const char *format; /* with %s for the text */
	const char *good[8];
	const char *bad[16];
} forms[] = {
	{ "{\"http\":{\"cors_origins\":[\"%s\"]}}",
	  { "https://a.example", "http://localhost:3000", "http://[::1]:81" },
	  { "", "a.example", "https://", "https://a.example/",
	    "https://A.example", "https://a.example:443", "http://a.example:80",
	    "ftp://a.example", "https://a.example:0", "https://a.example:65536",
	    "https://*.a", "https://a.example?x", "https://u@a.example" } },
	{ "{\"http\":{\"public_base_url\":\"%s\"}}",
	  { "https://a.example", "http://a:8080/calls", "https://[::1]" },
	  { "", "a.example", "https://a/", "https://a/b/", "https://a?b",
	    "https://a/b#c", "https:///b", "https://a b" } },
	{ "{\"http\":{\"listen\":[\"%s\"]}}",
	  { "127.0.0.1:8080", "[::1]:0", "127.9.9.9:65535" },
	  { "", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536",
	    "127.0.0.1:080", "127.0.0.1:+1", "localhost:80", "[::1]", "::1:80",
	    "[127.0.0.1:80", "auto:80" } },
	{ "{\"sip\":{\"listen\":[\"%s\"]}}",
	  { "udp:auto:5060", "tcp:192.0.2.1:0", "tls:[2001:db8::1]:5061" },
	  { "", "auto:5060", "sctp:auto:5060", "udp:auto", "udp:5060",
	    "UDP:auto:5060", "udp:[::]:5060", "tcp:0.0.0.0:5060",
	    "udp:pbx.example:5060" } },
	{ "{\"http\":{\"trusted_proxies\":[\"%s\"]}}",
	  { "10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32", "0.0.0.0/0" },
	  { "", "10.0.0.0/33", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1", "::/129",
	    "proxy.example", "10.0.0.0/8/8" } },
	{ "{\"media\":{\"ports\":\"%s\"}}",
	  { "20000-40000", "5000-10000", "1024-1025", "65534-65535" },
	  { "", "20000", "20000-", "-40000", "40000-20000", "20000-20000",
	    "80-90", "20000-65536", "20000 - 40000", "20000-40000-" } },
	{ "{\"media\":{\"advertise\":\"%s\"}}",
	  { "192.0.2.7", "2001:db8::7" },
	  { "", "[2001:db8::7]", "a.example", "192.0.2", "192.0.2.7:1" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"%s\"}]}",
	  { "pbx", "pbx.example.com", "192.168.115.100", "[2001:db8::2]",
	    "my_pbx.local" },
	  { "", "pbx:5060", "sip:pbx", "192.168.115.300", "1.2.3", "-a", "a..b",
	    "a.", ".a", "2001:db8::2", "a b", "a\\u0022", "a;b",
	    "p\xc3\xa4" } },
	{ "{\"lines\":[{\"domain\":\"p\",\"user\":\"%s\",\"name\":\"n\"}]}",
	  { "858", "john.doe", "+4930", "acme&co", "a_b~c" },
	  { "", "8@p", "a b", "a<b", "a\\u0022b", "a\\\\b", "a:b", "a;b", "a/b",
	    "\xc3\xa4" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"name\":\"%s\"}]}",
	  { "office", "a-b_c.d+1" },
	  { "", "a b", "a/b", "a\\u0022" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"proxies\":[\"%s\"]}]}",
	  { "sip:a.example", "sip:192.0.2.1:5080", "sip:[::1]:5080;lr" },
	  { "", "a.example", "sip:", "sips:a", "sip:u@a", "sip:a;transport=tcp",
	    "sip:a:0", "sip:a>b" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"dial\":{\"prefix\":"
	  "\"%s\"}}]}",
	  { "0", "00", "9" },
	  { "", "a", "0-", " 0", "0;1" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"caller_ids\":"
	  "[\"%s\"]}]}",
	  { "+49301112", "858" },
	  { "", "+49 30", "a@b", "<1>", "1;2" } },
	{ "{\"limits\":{\"headers\":[\"%s\"]}}",
	  { "X-*", "X-CRM-Id" },
	  { "*", "X-*-Y", "X Y", "X:", "X\\u0022" } },
};

static int try_form(const char *format, const char *text, bool is_good)
{
	OWNED struct gw_config *cfg = NULL;
	struct gw_config_errors errs;
	char file[512], got[600], want[600];
	int err;

	(void)re_snprintf(file, sizeof(file), format, text);
	err = gw_config_parse(&cfg, file, strlen(file), &errs);
	CHECK(err != ENOMEM);

	(void)snprintf(got, sizeof(got), "%s: %s", err ? "no" : "yes", file);
	(void)snprintf(want, sizeof(want), "%s: %s", is_good ? "yes" : "no",
		       file);
	CHECK_STR(got, want);
	CHECK(is_good || errs.count == 1);
	return 0;
}

static int test_config_forms(void)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(forms); i++) {
		for (j = 0; j < 8 && forms[i].good[j]; j++) {
			if (*forms[i].good[j] &&
			    try_form(forms[i].format, forms[i].good[j], true))
				return 1;
		}
		for (j = 0; j < 16 && forms[i].bad[j]; j++) {
			if (try_form(forms[i].format, forms[i].bad[j], false))
				return 1;
		}
	}

	return 0;
}
TEST_WITHOUT_OOM(test_config_forms, "hundreds of files");

/* Whoever reaches the API may place calls: loopback, or keys. */
static int test_config_open_door_is_refused(void)
{
	static const char *const open[] = { "0.0.0.0:80", "[::]:80",
					    "192.0.2.1:80",
					    "[::ffff:192.0.2.1]:80" };
	char text[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(open); i++) {
		(void)snprintf(text, sizeof(text),
			       "{\"http\":{\n\"listen\":[\"127.0.0.1:80\","
			       "\"%s\"]}}",
			       open[i]);
		CHECK_STR(
			first_error(text),
			"/http/listen: number 2 can be reached by others, and "
			"there is no key: anybody could place calls. Add a "
			"key, like \"keys\": [{ \"name\": \"crm\", \"secret\": "
			"\"env:BELLPULL_KEY\" }], or listen on 127.0.0.1 "
			"(line 2)");
	}

	return 0;
}
TEST(test_config_open_door_is_refused);

static int test_config_gathers_errors(void)
{
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	char text[2048] = "{", *end = text + 1;
	int i;

	for (i = 0; i < 30; i++)
		end += sprintf(end, "%s\n\"zzz%d\": 1", i ? "," : "", i);
	(void)sprintf(end, "}");

	CHECK_ERR(gw_config_parse(&cfg, text, strlen(text), &errs), EINVAL);
	CHECK(!cfg);
	CHECK_INT(errs.count, GW_CONFIG_ERRORS_MAX);
	CHECK_INT(errs.more, 10);
	CHECK_STR(errs.list[0].pointer, "/zzz0");
	CHECK_INT(errs.list[0].line, 2);
	CHECK_STR(errs.list[19].pointer, "/zzz19");
	CHECK_INT(errs.list[19].line, 21);
	return 0;
}
TEST(test_config_gathers_errors);

static int test_config_unreadable_file(void)
{
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;

	CHECK_ERR(gw_config_load(&cfg, "/nowhere/bellpull.json", &errs),
		  EINVAL);
	CHECK_INT(errs.count, 1);
	CHECK_STR(errs.list[0].text, "cannot read /nowhere/bellpull.json: No "
				     "such file or directory");
	CHECK_ERR(gw_config_load(&cfg, "/dev/zero", &errs), EINVAL);
	CHECK_STR(errs.list[0].text,
		  "/dev/zero is no regular file of at most 1 MiB");
	return 0;
}
TEST(test_config_unreadable_file);

/* The environment --------------------------------------------------------- */

static int test_config_variables_override(void)
{
	static const char text[] =
		"{ \"drain_s\": 5, \"log\": { \"level\": \"error\" }, "
		"\"lines\": [ { \"user\": \"858\", \"domain\": \"pbx\", "
		"\"max_calls\": 3 } ] }";
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	CHECK_INT(write_file(text, strlen(text), 0644), 0);
	set("BELLPULL_HTTP_LISTEN", "127.0.0.1:1, [::1]:2");
	set("BELLPULL_LOG_LEVEL", "debug");
	set("BELLPULL_LOG_PII", "1");
	set("BELLPULL_SANDBOX", "true");
	set("BELLPULL_SIP_CA_FILE", "");
	set("BELLPULL_HTTP_CORS_ORIGINS", "");
	set("BELLPULL_LINES_0_CALLER_ID_NAME", "A, \"B\"");
	set("BELLPULL_LINES_0_CALLER_IDS", "1,2 ,3");
	set("BELLPULL_LINES_0_MAX_CALLS", "");
	set("BELLPULL_LINES_0_REGISTER", "false");
	set("BELLPULL_LINES_0_NAT", "off");

	CHECK_OK(gw_config_load(&cfg, file_path, &errs));
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
TEST(test_config_variables_override);

/* A container that has no file: lines and keys out of the environment alone. */
static int test_config_lines_of_variables(void)
{
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	set("BELLPULL_LINES_1_DOMAIN", "pbx");
	set("BELLPULL_LINES_1_USER", "859");
	set("BELLPULL_LINES_0_USER", "858");
	set("BELLPULL_LINES_0_DOMAIN", "pbx");
	set("BELLPULL_LINES_0_PASSWORD", "pass word");
	set("BELLPULL_LINES_1_PASSWORD", "env:TEST_OTHER");
	set("TEST_OTHER", "other");
	set("BELLPULL_KEYS_0_SECRET", "0123456789abcdef");
	set("BELLPULL_HTTP_LISTEN", "0.0.0.0:8080");

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
TEST(test_config_lines_of_variables);

static int test_config_wrong_variables(void)
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
		{ "BELLPULL_HTTP_LISTEN", "0.0.0.0:80",
		  "/http/listen: number 1 can be reached by others, and there "
		  "is no key: anybody could place calls. Add a key, like "
		  "\"keys\": [{ \"name\": \"crm\", \"secret\": "
		  "\"env:BELLPULL_KEY\" }], or listen on 127.0.0.1 (variable "
		  "BELLPULL_HTTP_LISTEN)" },
		{ "BELLPULL_HTTP_LISTN", "x",
		  "no setting has this variable; did you mean "
		  "BELLPULL_HTTP_LISTEN? (variable BELLPULL_HTTP_LISTN)" },
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
TEST(test_config_wrong_variables);

/* In a cluster each pod is given variables by the names of services. */
static int test_config_foreign_variables(void)
{
	struct gw_config_errors errs;
	OWNED struct gw_config *cfg = NULL;

	set("BELLPULL_PORT", "tcp://10.0.0.7:8080");
	set("BELLPULL_PORT_8080_TCP_ADDR", "10.0.0.7");
	set("BELLPULL_SERVICE_HOST", "10.0.0.7");
	set("BELLPULL_KEY", "0123456789abcdef");
	set("BELLPULL_", "x");
	CHECK_OK(gw_config_load(&cfg, NULL, &errs));
	return 0;
}
TEST(test_config_foreign_variables);

/* Secrets ------------------------------------------------------------------ */

#define LINE_WITH_PASSWORD(ref)                                            \
	"{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"password\":\"" ref \
	"\"}]}"

static int test_config_secret_from_env(void)
{
	OWNED struct gw_config *cfg = NULL;
	size_t len;

	set("TEST_PASSWORD", "s3cret");
	CHECK_OK(parse(&cfg, LINE_WITH_PASSWORD("env:TEST_PASSWORD")));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, &len), "s3cret");
	CHECK_INT(len, 6);
	CHECK(!gw_secret_text(NULL, &len));
	CHECK_INT(len, 0);
	return 0;
}
TEST(test_config_secret_from_env);

static const char *file_secret(const char *bytes, size_t len, mode_t mode)
{
	static char buf[400];
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	char text[256];
	int err;

	if (write_file(bytes, len, mode))
		return "no file";

	(void)snprintf(text, sizeof(text), LINE_WITH_PASSWORD("file:%s"),
		       file_path);
	err = gw_config_parse(&cfg, text, strlen(text), &errs);
	(void)snprintf(buf, sizeof(buf), "%s",
		       err ? errs.list[0].text :
			     gw_secret_text(cfg->lines[0].password, NULL));
	mem_deref(cfg);
	(void)unlink(file_path);
	return buf;
}

static int test_config_secret_from_file(void)
{
	static char big[GW_CONFIG_SECRET_MAX + 1];

	CHECK_STR(file_secret("s3cret", 6, 0600), "s3cret");
	CHECK_STR(file_secret("s3cret\n", 7, 0640), "s3cret");
	CHECK_STR(file_secret("s3cret\r\n", 8, 0400), "s3cret");
	CHECK_STR(file_secret("s3cret\n\n", 8, 0600), "s3cret\n");
	CHECK_STR(file_secret(" s3 cret ", 9, 0600), " s3 cret ");
	CHECK_STR(file_secret("\n", 1, 0600),
		  "this secret is too short: it needs at least 1 characters");
	CHECK_STR(file_secret("s3\0cret", 7, 0600),
		  "there is a NUL byte in this secret");

	memset(big, 'x', sizeof(big));
	CHECK_STR(file_secret(big, sizeof(big), 0600),
		  "this secret is longer than 4096 bytes");
	return 0;
}
TEST_WITHOUT_OOM(test_config_secret_from_file, "answers in one static buffer");

static int test_config_secret_file_others_can_read(void)
{
	static const mode_t modes[] = { 0644, 0660, 0641, 0604,
					0666, 0750, 04600 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		const char *why = file_secret("s3cret", 6, modes[i]);
		char want[256];

		(void)snprintf(want, sizeof(want),
			       "%s has mode %04o, so others could read or "
			       "change it: chmod 0640 (or 0600) it",
			       file_path, modes[i]);
		CHECK_STR(why, want);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_config_secret_file_others_can_read,
		 "answers in one static buffer");

static int test_config_secret_from_credential(void)
{
	OWNED struct gw_config *cfg = NULL;
	char text[256];

	CHECK_INT(write_file("s3cret\n", 7, 0400), 0);
	set("CREDENTIALS_DIRECTORY", "/tmp");
	(void)snprintf(text, sizeof(text), LINE_WITH_PASSWORD("credential:%s"),
		       file_path + strlen("/tmp/"));
	CHECK_OK(parse(&cfg, text));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, NULL), "s3cret");
	return 0;
}
TEST(test_config_secret_from_credential);

static int test_config_secrets_refused(void)
{
	static const char inline_error[] =
		"/lines/0/password: a secret does not stand here as such: write "
		"\"env:NAME\", \"file:/path\" or \"credential:NAME\" (or set "
		"\"allow_inline\": true) (line 1)";

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	CHECK_STR(first_error(LINE_WITH_PASSWORD("hunter2")), inline_error);
	CHECK(!strstr(first_error(LINE_WITH_PASSWORD("hunter2")), "hunter2"));
	CHECK_STR(first_error(LINE_WITH_PASSWORD("env:TEST_NOT_SET")),
		  "/lines/0/password: the environment has no variable "
		  "TEST_NOT_SET: set it, or point to another place (line 1)");
	CHECK_STR(first_error(LINE_WITH_PASSWORD("file:/nowhere/x")),
		  "/lines/0/password: cannot read /nowhere/x: No such file or "
		  "directory (line 1)");
	CHECK_STR(
		first_error(LINE_WITH_PASSWORD("file:x")),
		"/lines/0/password: the path of a secret begins with a slash: "
		"\"file:/etc/bellpull/password\" (line 1)");
	CHECK_STR(first_error(LINE_WITH_PASSWORD("file:/tmp")),
		  "/lines/0/password: /tmp is no regular file (line 1)");
	CHECK_STR(first_error(LINE_WITH_PASSWORD("credential:x")),
		  "/lines/0/password: $CREDENTIALS_DIRECTORY is not set: give "
		  "the service LoadCredential=, or use \"file:\" (line 1)");

	set("CREDENTIALS_DIRECTORY", "/tmp");
	CHECK_STR(first_error(LINE_WITH_PASSWORD("credential:../etc/passwd")),
		  "/lines/0/password: a credential's name has no slash and "
		  "begins with no dot (line 1)");
	return 0;
}
TEST(test_config_secrets_refused);

/* Wiping ------------------------------------------------------------------- */

/* Not in the program's text, and gone from the stack when used. */
static void make_canary(char *canary)
{
	volatile int i;

	for (i = 0; i < 64; i++)
		canary[i] = (char)('A' + (i * i + i / 7 + 3) % 26);
	canary[64] = '\0';
}

/* How often canary is in the memory between two addresses of this process. */
static size_t count_in(int mem, uint64_t from, uint64_t to, const char *canary)
{
	static char page[65536 + 32];
	size_t count = 0, keep = 0, len = strlen(canary);

	while (from < to) {
		size_t want = to - from < 65536 ? (size_t)(to - from) : 65536;
		ssize_t n = pread(mem, page + keep, want, (off_t)from);
		const char *p = page;
		size_t have;

		if (n <= 0)
			break;
		have = keep + (size_t)n;
		while ((p = memmem(p, have - (size_t)(p - page), canary,
				   len))) {
			++count;
			p += len;
		}
		keep = have < len - 1 ? have : len - 1;
		memmove(page, page + have - keep, keep);
		from += (uint64_t)n;
	}

	memset(page, 0, sizeof(page));
	return count;
}

/* The heap alone: what is left in freed blocks stays there for others. */
static size_t count_in_heap(const char *canary)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	size_t count = 0;

	while (maps && mem >= 0 && fgets(line, sizeof(line), maps)) {
		unsigned long long from, to;
		bool other = strchr(line, '/') || strstr(line, "[stack");

		/* what is huge is the sanitizer's own */
		if (sscanf(line, "%llx-%llx rw", &from, &to) == 2 &&
		    strstr(line, " rw") && !other && to - from < 1ULL << 28)
			count += count_in(mem, from, to, canary);
	}

	if (maps)
		(void)fclose(maps);
	if (mem >= 0)
		(void)close(mem);
	return count;
}

static int test_config_secrets_are_wiped(void)
{
	struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	char text[256], canary[65];
	int len;

	make_canary(canary);
	len = snprintf(text, sizeof(text),
		       "{\"allow_inline\":true,\"lines\":[{\"user\":\"8\","
		       "\"domain\":\"p\",\"password\":\"%s\"}]}",
		       canary);
	CHECK_INT(write_file(text, (size_t)len, 0600), 0);

	CHECK_OK(gw_config_load(&cfg, file_path, &errs));
	CHECK_STR(gw_secret_text(cfg->lines[0].password, NULL), canary);
	/* the text given, and the secret: two; then none. The allocator writes
	 * over the beginning of what is freed, so the end is looked for. */
	CHECK_INT(count_in_heap(canary + 32), 2);
	mem_deref(cfg);
	CHECK_INT(count_in_heap(canary + 32), 0);
	return 0;
}
TEST_WITHOUT_OOM(test_config_secrets_are_wiped, "reads all memory");

/* The table, the sample, the help ------------------------------------------ */

static int read_whole(struct mbuf *mb, const char *path)
{
	FILE *f = fopen(path, "r");
	char buf[4096];
	size_t n;
	int err = 0;

	CHECK(f);
	while (!err && (n = fread(buf, 1, sizeof(buf), f)))
		err = mbuf_write_mem(mb, (uint8_t *)buf, n);
	(void)fclose(f);
	CHECK_OK(err);
	CHECK_OK(mbuf_write_u8(mb, '\0'));
	--mb->end;
	return 0;
}

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
	OWNED struct gw_json_doc *line = NULL;
	OWNED struct gw_json_doc *key = NULL;
	struct gw_config_setting s;
	const struct gw_json *value;
	size_t i;

	CHECK(mb);
	if (read_whole(mb, "config/bellpull.json"))
		return 1;
	CHECK_OK(gw_json_parse(&doc, (char *)mb->buf, mb->end, GW_JSON_FILE,
			       NULL));
	if (read_commented(&line, (char *)mb->buf, "// EACH LINE") ||
	    read_commented(&key, (char *)mb->buf, "// EACH KEY"))
		return 1;

	for (i = 0; gw_config_setting(&s, i); i++) {
		CHECK(s.help && strlen(s.help) > 10);
		if (!strncmp(s.pointer, "/lines/N/", 9))
			value = gw_json_find(gw_json_root(line), s.pointer + 8);
		else if (!strncmp(s.pointer, "/keys/N/", 8))
			value = gw_json_find(gw_json_root(key), s.pointer + 7);
		else
			value = gw_json_find(gw_json_root(doc), s.pointer);

		if (!s.json_default)
			CHECK(value);
		else if (has_default(value, &s))
			return 1;
	}

	CHECK(i > 60);
	return 0;
}
TEST(test_config_sample_is_whole);

/* ... and it loads, also with its commented samples in place. */
static int test_config_sample_loads(void)
{
	OWNED struct gw_config *cfg = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	struct gw_config_errors errs;

	CHECK(mb);
	if (read_whole(mb, "config/bellpull.json"))
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
	if (read_whole(mb, "config/bellpull.json"))
		return 1;

	uncomment_samples((char *)mb->buf);
	CHECK(overwrite((char *)mb->buf, "file:/etc/bellpull/trunk.password",
			"env:OFFICE_PASSWORD\",\"port\": 5061 "));
	CHECK(overwrite((char *)mb->buf, "\"tcp:auto:5060\"]",
			"\"tls:auto:5061\"]"));
	set("OFFICE_PASSWORD", "858");

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
static int test_config_docs_are_current(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(16384);
	char *text = NULL, *end;
	size_t len;
	bool same;

	CHECK(mb);
	if (read_whole(mb, "docs/configuration.md"))
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
TEST_WITHOUT_OOM(test_config_docs_are_current, "a stream of the C library");

static int test_config_check_tells_the_verdict(void)
{
	static const char fine[] =
		"{ \"lines\": [ { \"name\": \"office\", \"user\": \"858\", "
		"\"domain\": \"pbx\", \"password\": \"env:TEST_PW\" } ] }";
	char *text = NULL;
	size_t size;
	FILE *f;
	int err, leaked;

	set("TEST_PW", "hunter2");
	CHECK_INT(write_file(fine, strlen(fine), 0644), 0);
	f = open_memstream(&text, &size);
	CHECK(f);
	err = gw_config_check_print(f, file_path);
	(void)fclose(f);
	leaked = strstr(text, "hunter2") != NULL;
	leaked += !strstr(text, "office: 858@pbx by udp, registers, the "
				"default");
	free(text);
	CHECK_OK(err);
	CHECK_INT(leaked, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_config_check_tells_the_verdict,
		 "a stream of the C library");
