/* The configuration: what is refused, and how people are told. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

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
	{ "{\"sip\":{\"listen\":[\"tls:auto:0\"],\"ca_file\":null},\"lines\":"
	  "[{\"user\":\"8\",\"domain\":\"p\",\"transport\":\"tls\"}]}",
	  "/lines/0/transport: needs sip.ca_file, to verify the server's "
	  "certificate (line 1)" },

	{ "{\"policy\":{\"allow\":[]}}",
	  "/policy/allow: not a setting; --help-config lists them (line 1)" },
	{ "{\"webhooks\":{\"schedule\":[5,0]}}",
	  "/webhooks/schedule: number 2 must be a whole number from 1 to "
	  "86400 (line 1)" },
	{ "{\"webhooks\":{\"endpoints\":[{\"name\":\"a\",\"url\":"
	  "\"http://crm.example/\"}]}}",
	  "/webhooks/endpoints/0/url: must be https://, unless "
	  "webhooks.allow_http is true (line 1)" },
	{ "{\"webhooks\":{\"endpoints\":[{\"name\":\"a\",\"url\":"
	  "\"https://u:p@crm.example/\"}]}}",
	  "/webhooks/endpoints/0/url: must be https://HOST/PATH, without user, "
	  "password, blanks and # (line 1)" },
	{ "{\"webhooks\":{\"endpoints\":[{\"name\":\"a\",\"url\":"
	  "\"https://crm.example/\",\"secrets\":[\"0123456789abcdef\"]}]}}",
	  "/webhooks/endpoints/0/secrets/0: a secret does not stand here as "
	  "such: write \"env:NAME\", \"file:/path\" or \"credential:NAME\" (or "
	  "set \"allow_inline\": true) (line 1)" },

	{ "{\"media\":{\"stall_s\":3601}}",
	  "/media/stall_s: must be a whole number from 0 to 3600 (line 1)" },
	{ "{\"allow_inline\":true,\"keys\":[{\"secret\":\"0123456789abcdef\","
	  "\"callback_hosts\":[\"crm example\"]}]}",
	  "/keys/0/callback_hosts: number 1 must be a host name or an address, "
	  "like pbx.example.com, 192.168.0.2 or [2001:db8::2]; a port has its "
	  "own setting (line 1)" },
	{ "{\"hooks\":[]}", "/hooks: must be an object in braces (line 1)" },

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

static int test_config_wrong_is_told(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK_STR(config_try_error(wrong[i].text), wrong[i].error);

	return 0;
}
TEST(test_config_wrong_is_told);

/* What the start reads must be there when the settings are checked. */
static const struct {
	const char *format; /* with %s for the path */
	const char *place;
} files[] = {
	{ "{\"http\":{\n\"certificate\":\"%s\",\"key\":\"/dev/fd/0\"}}",
	  "/http/certificate: " },
	{ "{\"http\":{\"certificate\":\"LICENSE\",\n\"key\":\"%s\"}}",
	  "/http/key: " },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"transport\":"
	  "\"tls\"}],\"sip\":{\n\"ca_file\":\"%s\"}}",
	  "/sip/ca_file: " },
};

static const struct {
	const char *path, *why;
} unreadable[] = {
	{ "/nowhere/x.pem",
	  "cannot read /nowhere/x.pem: No such file or directory (line 2)" },
	{ "tests", "tests is no regular file (line 2)" },
	{ "/dev/null", "/dev/null is no regular file (line 2)" },
};

static int test_config_wrong_files_are_missed(void)
{
	char text[256], want[256];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (j = 0; j < ARRAY_SIZE(unreadable); j++) {
			(void)re_snprintf(text, sizeof(text), files[i].format,
					  unreadable[j].path);
			(void)snprintf(want, sizeof(want), "%s%s",
				       files[i].place, unreadable[j].why);
			CHECK_STR(config_try_error(text), want);
		}
	}

	CHECK_INT(config_try_file("", 0, 0600), 0);
	(void)re_snprintf(text, sizeof(text), files[1].format, config_try_path);
	(void)snprintf(want, sizeof(want), "/http/key: %s is empty (line 2)",
		       config_try_path);
	CHECK_STR(config_try_error(text), want);
	return 0;
}
TEST(test_config_wrong_files_are_missed);

/* Whom to trust by TLS is of no interest to a machine whose lines use UDP. */
static int test_config_wrong_ca_file_may_be_missing(void)
{
	CHECK_STR(config_try_error(
			  "{\"sip\":{\"ca_file\":\"/nowhere/x.pem\"},\"lines\":"
			  "[{\"user\":\"8\",\"domain\":\"p\"}]}"),
		  "no error");
	return 0;
}
TEST(test_config_wrong_ca_file_may_be_missing);

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
	  { "", "+49 30", "a@b", "<1>", "1;2", "1?2", "1,2", "1&2" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"display_name\":"
	  "\"%s\"}]}",
	  { "J\xc3\xb6rg \\\"x\\\" <y>", "a\xc2\xa0z", "\xe2\x82\xac" },
	  { "a\\n", "a\\u007f", "a\xc2\x85", "a\xe2\x80\xae", "\xef\xbb\xbf",
	    "a\xe2\x81\xa6", "\xd8\x9c",
	    "12345678901234567890123456789012345678901234567890123456789012345" } },
	{ "{\"lines\":[{\"user\":\"8\",\"domain\":\"p\",\"auth_user\":"
	  "\"%s\"}]}",
	  { "a b", "858@pbx.example" },
	  { "a\\r\\nX: y", "a\\u0000", "a\xc2\x80" } },
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

static int test_config_wrong_forms(void)
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
TEST_WITHOUT_OOM(test_config_wrong_forms, "hundreds of files");

static int test_config_wrong_gathered(void)
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
TEST(test_config_wrong_gathered);

static int test_config_wrong_unreadable_file(void)
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
TEST(test_config_wrong_unreadable_file);
