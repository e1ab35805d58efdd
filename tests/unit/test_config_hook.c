/* Hooks in the file: objects with names, each with its mapping. */
#include <string.h>

#include "config/config.h"
#include "config/json.h"
#include "tests/test.h"
#include "tests/unit/config_try.h"

static int test_config_hooks_by_name(void)
{
	OWNED struct gw_config *cfg = NULL;
	const struct gw_config_hook *hook;

	CHECK_OK(config_try(
		&cfg, "{ \"allow_inline\": true, \"hooks\": {"
		      "\"deals\": { \"profile\": \"hubspot\","
		      "\"secrets\": [\"one-secret\", \"another-secret\"],"
		      "\"mapping\": { \"to\": \"${/phone}\" } },"
		      "\"zoho.eu\": { \"profile\": \"basic\", \"user\": \"u\","
		      "\"password\": \"password\", \"enabled\": false,"
		      "\"mapping\": { \"to\": \"853\" }, \"on_reject\": 200,"
		      "\"tables\": { \"t\": { \"a\": \"b\" } } } } }"));
	CHECK_INT(cfg->hook_count, 2);
	hook = &cfg->hooks[0];
	CHECK_STR(hook->name, "deals");
	CHECK_STR(hook->profile, "hubspot");
	CHECK(hook->enabled);
	CHECK_INT(hook->secrets.count, 2);
	CHECK_STR(gw_secret_text(hook->secrets.list[1], NULL),
		  "another-secret");
	CHECK_STR(gw_json_string(
			  gw_json_find(gw_json_root(hook->mapping), "/to")),
		  "${/phone}");
	CHECK_INT(gw_json_count(gw_json_root(hook->when)), 0);
	CHECK_INT(hook->replay_hours, 24);
	CHECK_STR(hook->project, "default");
	CHECK(!cfg->hooks[1].enabled);
	CHECK_INT(cfg->hooks[1].on_reject, 200);
	return 0;
}
TEST(test_config_hooks_by_name);

/* A hook of name crm with its members behind the usual ones. */
#define HOOK(members)                                                        \
	"{\"allow_inline\":true,\"hooks\":{\"crm\":{\"profile\":\"bearer\"," \
	"\"secrets\":[\"secret-123\"],\n" members "}}}"
#define MAPPED(members) HOOK("\"mapping\":{\"to\":\"853\"},\n" members)

static const struct {
	const char *text, *error;
} wrong[] = {
	{ "{\"hooks\":{\"a b\":{}}}",
	  "/hooks: one of it must be made of letters, digits, - _ . + (line "
	  "1)" },
	{ "{\"hooks\":{\"crm\":7}}",
	  "/hooks/crm: must be an object in braces, not a number (line 1)" },
	{ "{\"hooks\":{\"crm\":\n{\"profil\":\"bearer\"}}}",
	  "/hooks/crm/profil: not a setting; did you mean \"profile\"? (line "
	  "2)" },
	{ HOOK("\"when\":[]"),
	  "/hooks/crm/mapping: is missing. The call, as POST /calls takes it, "
	  "with ${/pointer} for what the webhook says: {\"to\": "
	  "\"${/contact/phone}\", \"from\": \"sip:853\"}. Filters stand behind "
	  "the pointer, each after a bar: trim, digits, e164:DE, lower, "
	  "default:x and lookup:table. (line 1)" },
	{ HOOK("\"mapping\":[]"),
	  "/hooks/crm/mapping: must be an object in braces, not an array (line "
	  "2)" },
	{ HOOK("\"mapping\":{\"from\":\"853\"}"),
	  "/hooks/crm/mapping: needs \"to\": whom to call (line 2)" },
	{ HOOK("\"mapping\":{\"to\":\n\"${phone}\"}"),
	  "/hooks/crm/mapping/to: must have a JSON pointer in ${}: "
	  "${/contact/phone} (line 2)" },
	{ HOOK("\"mapping\":{\"to\":\"853\",\"metadata\":{\"a\":\n"
	       "[\"${/a|upper}\"]}}"),
	  "/hooks/crm/mapping/metadata/a/0: must have filters that there are: "
	  "trim, digits, e164:DE, lower, default:x, lookup:table (line 3)" },
	{ HOOK("\"mapping\":{\"to\":\"${/a|lookup:phones}\"}"),
	  "/hooks/crm/mapping/to: there is no table called \"phones\" in the "
	  "hook's tables (line 2)" },
	{ MAPPED("\"when\":[{\"ptr\":\"/a\"}]"),
	  "/hooks/crm/when/0: needs one of equals, in, exists and prefix beside "
	  "ptr, and nothing else (line 3)" },
	{ MAPPED("\"when\":[{\"ptr\":\"a\",\"equals\":1}]"),
	  "/hooks/crm/when/0: needs \"ptr\", a JSON pointer like /type (line "
	  "3)" },
	{ MAPPED("\"tables\":{\"t\":{\"a\":1}}"),
	  "/hooks/crm/tables/t: must have strings only (line 3)" },
	{ MAPPED("\"each\":\"items\""),
	  "/hooks/crm/each: must be a JSON pointer, like /data/items (line 3)" },
	{ MAPPED("\"dedupe\":\"header:a b\""),
	  "/hooks/crm/dedupe: must be a JSON pointer, like /meta/id, or "
	  "header:X-Request-Id (line 3)" },
	{ MAPPED("\"on_reject\":201"),
	  "/hooks/crm/on_reject: must be 200 or 422 (line 3)" },
	{ MAPPED("\"lines\":[\"office\"]"),
	  "/hooks/crm/lines/0: there is no line called \"office\" (line 3)" },
	{ "{\"allow_inline\":true,\"hooks\":{\"crm\":{\"profile\":\"bearer\","
	  "\"secrets\":[\"short\"],\"mapping\":{\"to\":\"853\"}}}}",
	  "/hooks/crm/secrets/0: this secret is too short: it needs at least 8 "
	  "characters (line 1)" },
	{ "{\"hooks\":{\"crm\":{\"profile\":\"bearer\",\"secrets\":"
	  "[\"secret-123\"],\"mapping\":{\"to\":\"853\"}}}}",
	  "/hooks/crm/secrets/0: ?" },
	{ "{\"hooks\":{\"crm\":{\"profile\":\"stripe\",\"mapping\":{\"to\":"
	  "\"853\"}}}}",
	  "/hooks/crm: needs secrets: without one anybody could place calls "
	  "(line 1)" },
	{ "{\"hooks\":{\"crm\":{\"profile\":\"pipedrive\",\"user\":\"u\","
	  "\"mapping\":{\"to\":\"853\"}}}}",
	  "/hooks/crm: needs user and password: pipedrive asks for them (line "
	  "1)" },
};

/* Nothing of a hook is found out only when the first webhook comes. */
static int test_config_hooks_wrong_is_told(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		const char *error = config_try_error(wrong[i].text);
		const char *any = strchr(wrong[i].error, '?');

		if (any && !any[1])
			CHECK(!strncmp(error, wrong[i].error,
				       (size_t)(any - wrong[i].error)));
		else
			CHECK_STR(error, wrong[i].error);
	}
	return 0;
}
TEST(test_config_hooks_wrong_is_told);
