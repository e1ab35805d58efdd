/* What an empty policy lets through. */
#include "server/policy.h"
#include "tests/test.h"

static const struct gw_config_policy empty = { .extension_min_digits = 2,
					       .extension_max_digits = 6,
					       .own_domain = true };
static const struct gw_dial_rules rules = { .domain = "pbx.example" };

static const char *rule_for(const char *to, bool sandbox)
{
	static struct gw_address addr;
	struct gw_policy_verdict v;

	if (gw_address_parse(&addr, to, &rules, NULL))
		return "no address";
	v = gw_policy_check(&empty, &addr, sandbox);
	return v.rule;
}

static bool allowed(const char *to, bool sandbox)
{
	struct gw_address addr;

	return !gw_address_parse(&addr, to, &rules, NULL) &&
	       gw_policy_check(&empty, &addr, sandbox).allowed;
}

static int test_policy_allows_extensions_and_the_own_domain_only(void)
{
	CHECK(allowed("85", false));
	CHECK(allowed("853", false));
	CHECK(allowed("100200", false));
	CHECK(allowed("sip:853@pbx.example", false));
	CHECK(allowed("sip:853", false));
	CHECK(!allowed("1002003", false));
	CHECK(!allowed("+4930123456", false));
	CHECK(!allowed("030123456", false));
	CHECK(!allowed("sip:853@evil.example", false));
	CHECK(!allowed("sip:853@pbx.example.evil.example", false));
	CHECK_STR(rule_for("+4930123456", false), "default_deny");
	CHECK_STR(rule_for("853", false), "extension");
	return 0;
}
TEST(test_policy_allows_extensions_and_the_own_domain_only);

static int test_policy_keeps_emergency_numbers_away(void)
{
	CHECK_STR(rule_for("112", false), "emergency");
	CHECK_STR(rule_for("911", false), "emergency");
	CHECK_STR(rule_for("sip:911@pbx.example", false), "emergency");
	CHECK(!allowed("112", false));
	CHECK(allowed("113", false)); /* an extension like any other */
	return 0;
}
TEST(test_policy_keeps_emergency_numbers_away);

static int test_policy_keeps_the_sandbox_to_itself(void)
{
	CHECK(allowed("sim:busy", true));
	CHECK(allowed("853", true));
	CHECK(allowed("+4930123456", true));
	CHECK(!allowed("sip:853@evil.example", true));
	CHECK(!allowed("sim:busy", false));
	CHECK_STR(rule_for("sim:busy", false), "sandbox_only");
	return 0;
}
TEST(test_policy_keeps_the_sandbox_to_itself);
