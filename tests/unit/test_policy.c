/* What may be dialled (E9-E12): the policy as tables of destinations and verdicts. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/policy.h"
#include "tests/test.h"

enum { MONDAY_NOON = 12 * 60, SUNDAY_NIGHT = (6 * 24 + 23) * 60 };

/* A policy from its JSON, asked one question at a time. */
struct judge {
	struct gw_config *cfg;
	struct gw_dial_rules rules;
	struct gw_policy_ask ask;
	struct gw_address addr;
};

static void judge_destructor(void *arg)
{
	struct judge *j = arg;

	mem_deref(j->cfg);
}

static struct judge *judge_new(const char *policy)
{
	static struct gw_config_errors errs;
	struct judge *j = mem_zalloc(sizeof(*j), judge_destructor);
	char text[1024];
	const int n = snprintf(text, sizeof(text),
			       "{\"country\":\"DE\",\"policy\":%s}", policy);

	if (!j || gw_config_parse(&j->cfg, text, (size_t)n, &errs))
		return mem_deref(j);
	j->rules.domain = "pbx.example";
	j->rules.country = "DE";
	j->ask.policy = &j->cfg->policy;
	j->ask.line = "office";
	j->ask.country = "DE";
	j->ask.minute_of_week = MONDAY_NOON;
	return j;
}

static struct gw_policy_verdict ask(struct judge *j, const char *to)
{
	struct gw_policy_verdict none = { .rule = "no address" };

	if (gw_address_parse(&j->addr, to, &j->rules, NULL))
		return none;
	j->ask.addr = &j->addr;
	return gw_policy_check(&j->ask);
}

struct row {
	const char *to;
	bool allowed;
	const char *rule;
};

static int check_rows(struct judge *j, const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct gw_policy_verdict v = ask(j, rows[i].to);

		if (v.allowed != rows[i].allowed ||
		    strcmp(v.rule, rows[i].rule) != 0) {
			(void)re_fprintf(stderr, "%s: %s %s\n", rows[i].to,
					 v.rule, v.why);
			return 1;
		}
		CHECK(strlen(v.why) > 10 || !strcmp(v.rule, "no address"));
	}
	return 0;
}

static int test_policy_denies_by_default(void)
{
	static const struct row rows[] = {
		{ "85", true, "extension" },
		{ "853", true, "extension" },
		{ "100200", true, "extension" },
		{ "sip:853@pbx.example", true, "extension" },
		{ "sip:853", true, "extension" },
		{ "sip:1", true, "own_domain" },
		{ "sip:anna@pbx.example", true, "own_domain" },
		{ "+4930123456", false, "default_deny" },
		{ "030123456", false, "default_deny" },
		{ "004930123456", false, "default_deny" },
		{ "sip:+4930123456@pbx.example", false, "default_deny" },
		{ "sip:030123456@pbx.example", false, "default_deny" },
		{ "sip:030-123456@pbx.example", false, "default_deny" },
		{ "sip:0(30)123456@pbx.example", false, "default_deny" },
		{ "sip:853@evil.example", false, "default_deny" },
		{ "sip:anna@evil.example", false, "default_deny" },
		{ "sip:853@pbx.example.evil.example", false, "default_deny" },
		{ "sim:answer", false, "sandbox_only" },
	};
	OWNED struct judge *j = judge_new("{}");

	CHECK(j);
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_denies_by_default);

static int test_policy_never_dials_emergency_numbers(void)
{
	static const struct row rows[] = {
		{ "112", false, "emergency" },
		{ "911", false, "emergency" },
		{ "110", false, "emergency" },  /* the line's country's */
		{ "0112", false, "emergency" }, /* with its outside line */
		{ "+49110", false, "no address" },
		{ "sip:112@pbx.example", false, "emergency" },
		{ "sip:112", false, "emergency" },
		{ "999", true, "all" }, /* not here */
		{ "1121", true, "helpers" },
	};
	OWNED struct judge *j = judge_new(
		"{\"rules\":[{\"name\":\"all\"},{\"name\":\"helpers\",\"prefixes\":["
		"\"112\",\"911\",\"110\"]}]}");

	CHECK(j);
	j->ask.dial_prefix = "0";
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_never_dials_emergency_numbers);

/* E10: the longest prefix, deny before allow, a rule before a range of ours. */
static int test_policy_longest_prefix_wins(void)
{
	static const struct row rows[] = {
		{ "+4930123456", true, "country" },
		{ "030123456", true, "country" },
		{ "+4989123456", true, "munich" },
		{ "+49891234567", false, "that-one" },
		{ "+498912", false, "no address" },
		{ "+4990012345", false, "premium" },
		{ "+49137123456", true, "vote" },
		{ "+491801234567", false, "shared_cost" },
		{ "+881612345678", false, "satellite" },
		{ "+882161234567", true, "sky" },
		{ "+97912345678", false, "premium" },
		{ "+18095551234", false, "dear_area" },
		{ "+12125551234", false, "default_deny" },
		{ "+4312345678", false, "default_deny" },
	};
	OWNED struct judge *j = judge_new(
		"{\"countries\":[\"DE\"],\"rules\":["
		"{\"name\":\"munich\",\"prefixes\":[\"+4989\"]},"
		"{\"name\":\"no-munich\",\"prefixes\":[\"+498\"],\"action\":\"deny\"},"
		"{\"name\":\"that-one\",\"prefixes\":[\"+49891234567\"],\"action\":\"deny\"},"
		"{\"name\":\"that-one-after-all\",\"prefixes\":[\"+49891234567\"]},"
		"{\"name\":\"vote\",\"prefixes\":[\"+49137\"]},"
		"{\"name\":\"sky\",\"prefixes\":[\"+882\"]}]}");

	CHECK(j);
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_longest_prefix_wins);

/* E12: one IPv6 address, however the setting and the caller write it. */
static int test_policy_hosts_of_ipv6(void)
{
	static const struct row rows[] = {
		{ "sip:anna@[2001:db8::2]", true, "host" },
		{ "sip:anna@[2001:DB8:0:0::2]:5070", true, "host" },
		{ "sip:anna@[2001:db8::3]", false, "shut" },
		{ "sip:anna@[2001:db8::4]", false, "default_deny" },
	};
	OWNED struct judge *j = judge_new(
		"{\"hosts\":[\"[2001:DB8:0::2]\"],\"rules\":["
		"{\"name\":\"shut\",\"hosts\":[\"[2001:db8:0:0::3]\"],"
		"\"action\":\"deny\"}]}");

	CHECK(j);
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_hosts_of_ipv6);

/* E12: hosts from a list, and what allows numbers doesn't allow them elsewhere. */
static int test_policy_hosts_from_a_list(void)
{
	static const struct row rows[] = {
		{ "sip:anna@partner.example", true, "host" },
		{ "sip:anna@PARTNER.example:5070", true, "host" },
		{ "sip:bob@friend.example", true, "friends" },
		{ "sip:+4930123456@evil.example", false, "default_deny" },
		{ "sip:+4990012345@partner.example", false, "premium" },
		{ "sip:anna@evil.example", false, "default_deny" },
	};
	OWNED struct judge *j = judge_new(
		"{\"countries\":[\"DE\"],\"hosts\":[\"partner.example\"],\"rules\":["
		"{\"name\":\"all\"},"
		"{\"name\":\"friends\",\"hosts\":[\"friend.example\"]}]}");

	CHECK(j);
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_hosts_from_a_list);

/* E11, E2: rules for keys, projects and lines. */
static int test_policy_rules_are_for_somebody(void)
{
	OWNED struct judge *j = judge_new(
		"{\"rules\":[{\"name\":\"at\",\"countries\":[\"AT\"],"
		"\"projects\":[\"vienna\"],\"lines\":[\"office\"],\"max_minutes\":5,"
		"\"cost\":20},"
		"{\"name\":\"not-bob\",\"action\":\"deny\",\"keys\":[\"bob\"]}]}");
	struct gw_policy_verdict v;

	CHECK(j);
	CHECK(!ask(j, "+4312345678").allowed);
	j->ask.project = "vienna";
	j->ask.key = "anna";
	v = ask(j, "+4312345678");
	CHECK(v.allowed);
	CHECK_INT(v.max_minutes, 5);
	CHECK_INT(v.cost, 20);
	j->ask.line = "lab";
	CHECK(!ask(j, "+4312345678").allowed);
	j->ask.line = "office";
	j->ask.key = "bob";
	/* a deny that names no destination stands above everything */
	CHECK_STR(ask(j, "+4312345678").rule, "not-bob");
	CHECK_STR(ask(j, "853").rule, "not-bob");
	return 0;
}
TEST(test_policy_rules_are_for_somebody);

/* E13: not at night; a night belongs to the day on which it begins. */
static int test_policy_knows_the_time(void)
{
	OWNED struct judge *j = judge_new(
		"{\"countries\":[\"DE\"],\"rules\":["
		"{\"name\":\"night\",\"action\":\"deny\",\"days\":[\"sun\"],"
		"\"hours\":\"22:00-06:00\"},"
		"{\"name\":\"lunch\",\"action\":\"deny\",\"hours\":\"12:00-13:00\"}]}");
	static const struct {
		unsigned minute;
		const char *rule;
	} rows[] = {
		{ MONDAY_NOON, "lunch" },
		{ MONDAY_NOON - 1, "country" },
		{ MONDAY_NOON + 60, "country" },
		{ SUNDAY_NIGHT, "night" },
		{ SUNDAY_NIGHT - 61, "country" },
		{ 5 * 60 + 59, "night" }, /* Monday morning */
		{ 6 * 60, "country" },
		{ (5 * 24 + 23) * 60, "country" }, /* Saturday */
		{ (6 * 24 + 3) * 60, "country" },  /* and its night */
	};

	CHECK(j);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		j->ask.minute_of_week = rows[i].minute;
		CHECK_STR(ask(j, "+4930123456").rule, rows[i].rule);
	}
	return 0;
}
TEST(test_policy_knows_the_time);

static int test_policy_sandbox_and_world_stay_apart(void)
{
	static const struct row rows[] = {
		{ "853", true, "sandbox" },
		{ "sim:busy", true, "sandbox" },
		{ "sip:anyone", true, "sandbox" },
		{ "+4930123456", true, "sandbox" },
		{ "sip:853@evil.example", false, "sandbox_only" },
		{ "sim:decline", true, "sandbox" },
		{ "777", false, "try" },
	};
	OWNED struct judge *j = judge_new(
		"{\"rules\":[{\"name\":\"try\",\"action\":\"deny\",\"prefixes\":["
		"\"777\"],\"lines\":[\"sandbox\"]},"
		"{\"name\":\"night\",\"action\":\"deny\"}]}");

	CHECK(j);
	j->ask.sandbox = true;
	j->ask.line = "sandbox";
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_sandbox_and_world_stay_apart);

static int test_policy_config_is_looked_at(void)
{
	static const struct {
		const char *policy, *pointer;
	} rows[] = {
		{ "{\"countries\":[\"DE\",\"XX\"]}", "/policy/countries/1" },
		{ "{\"rules\":[{\"name\":\"a\"},{\"name\":\"b\",\"countries\":["
		  "\"XX\"]}]}",
		  "/policy/rules/1/countries/0" },
		{ "{\"limits\":[{\"name\":\"a\"}]}", "/policy/limits/0" },
		{ "{\"limits\":[{\"name\":\"a\",\"window\":\"at_once\","
		  "\"minutes\":3}]}",
		  "/policy/limits/0" },
		{ "{\"limits\":[{\"name\":\"a\",\"calls\":3,\"hard\":true}]}",
		  "/policy/limits/0" },
		{ "{\"limits\":[{\"name\":\"a\",\"minutes\":3,\"hard\":true}]}",
		  NULL },
	};
	char pointer[64], why[160];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct judge *j = judge_new(rows[i].policy);
		int err;

		CHECK(j);
		err = gw_policy_config(&j->cfg->policy, pointer,
				       sizeof(pointer), why, sizeof(why));
		CHECK_INT(err, rows[i].pointer ? EINVAL : 0);
		if (err)
			CHECK_STR(pointer, rows[i].pointer);
	}
	return 0;
}
TEST(test_policy_config_is_looked_at);

/* E10: directory enquiries are dear, and no extensions; a rule opens them. */
static int test_policy_enquiries_are_no_extensions(void)
{
	static const struct row rows[] = {
		{ "11833", false, "premium" },
		{ "118118", false, "premium" },
		{ "sip:11833@pbx.example", false, "premium" },
		{ "118", true, "extension" },
		{ "1180", true, "extension" },
		{ "11933", true, "extension" },
	};
	static const struct row opened[] = {
		{ "11833", false, "premium" },
		{ "11844", true, "help" },
	};
	OWNED struct judge *j = judge_new("{}");
	OWNED struct judge *open =
		judge_new("{\"rules\":[{\"name\":\"all\"},{\"name\":\"help\","
			  "\"prefixes\":[\"11844\"]}]}");

	CHECK(j && open);
	CHECK_OK(check_rows(j, rows, ARRAY_SIZE(rows)));
	return check_rows(open, opened, ARRAY_SIZE(opened));
}
TEST(test_policy_enquiries_are_no_extensions);

/* E10: everything that is shipped shut stays so while its country is open, and
 * its own prefix opens it. */
static int test_policy_ships_what_is_dear_shut(void)
{
	static const struct row rows[] = {
		{ "+8701234567", false, "satellite" },
		{ "+881612345678", false, "satellite" },
		{ "+88212345678", false, "satellite" },
		{ "+88312345678", false, "satellite" },
		{ "+97912345678", false, "premium" },
		{ "+80812345678", false, "shared_cost" },
		{ "+19001234567", false, "premium" },
		{ "+18761234567", false, "dear_area" },
		{ "+449012345678", false, "premium" },
		{ "+447012345678", false, "premium" },
		{ "+41900123456", false, "premium" },
		{ "+33899123456", false, "premium" },
	};
	OWNED struct judge *j =
		judge_new("{\"countries\":[\"DE\",\"GB\",\"CH\",\"FR\",\"US\"],"
			  "\"rules\":[{\"name\":\"all\"}]}");

	CHECK(j);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char policy[128];
		OWNED struct judge *own = NULL, *near = NULL;
		const struct gw_policy_range *range =
			gw_policy_range(rows[i].to);

		CHECK(range);
		(void)snprintf(policy, sizeof(policy),
			       "{\"rules\":[{\"name\":\"own\",\"prefixes\":["
			       "\"%s\"]}]}",
			       range->prefix);
		own = judge_new(policy);
		CHECK(own);
		CHECK(ask(own, rows[i].to).allowed);
		/* one digit less is not the prefix itself */
		(void)snprintf(policy, sizeof(policy),
			       "{\"rules\":[{\"name\":\"near\",\"prefixes\":["
			       "\"%.*s\"]}]}",
			       (int)strlen(range->prefix) - 1, range->prefix);
		near = judge_new(policy);
		CHECK(near);
		CHECK_STR(ask(near, rows[i].to).rule, range->rule);
	}
	return check_rows(j, rows, ARRAY_SIZE(rows));
}
TEST(test_policy_ships_what_is_dear_shut);

/* Where this machine stands. */
static int test_policy_week_is_local(void)
{
	static const struct {
		const char *tz;
		int64_t now_s;
		unsigned minute;
	} rows[] = {
		{ "UTC", 1800014400, (4 * 24 + 12) * 60 }, /* a Friday */
		{ "CET-1CEST,M3.5.0,M10.5.0/3", 1800014400,
		  (4 * 24 + 13) * 60 },
		{ "NZST-12", 1800014400, 5 * 24 * 60 },
		{ "UTC", 1800014400 + 3 * 86400 - 12 * 3600, 0 }, /* Monday */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned minute;

		(void)setenv("TZ", rows[i].tz, 1);
		tzset();
		minute = gw_policy_minute_of_week(rows[i].now_s);
		(void)setenv("TZ", "UTC", 1);
		tzset();
		CHECK_INT(minute, rows[i].minute);
	}
	return 0;
}
TEST(test_policy_week_is_local);
