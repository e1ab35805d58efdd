/* E7, E13, E14: how much may be dialled, with a clock of the test. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "config/config.h"
#include "server/quota.h"
#include "tests/test.h"

enum { DAY_MS = 86400000 };
static const int64_t noon_ms = 1800014400000; /* 2027-01-15 12:00 UTC */

struct world {
	struct gw_config *cfg;
	struct gw_quota *quota;
	struct gw_quota_call call;
	int64_t now_ms;
	const char *old_tz;
};

static void world_destructor(void *arg)
{
	struct world *w = arg;

	mem_deref(w->quota);
	mem_deref(w->cfg);
}

static int load(struct gw_config **cfgp, const char *limits)
{
	static struct gw_config_errors errs;
	char text[1024];
	const int n = snprintf(text, sizeof(text),
			       "{\"policy\":{\"limits\":[%s]}}", limits);

	return gw_config_parse(cfgp, text, (size_t)n, &errs);
}

static void set_tz(const char *tz)
{
	(void)setenv("TZ", tz, 1);
	tzset();
}

static void utc(void *arg)
{
	(void)arg;
	set_tz("UTC");
}

static struct world *world_new(const char *limits)
{
	struct world *w = mem_zalloc(sizeof(*w), world_destructor);

	set_tz("UTC");
	if (!w || load(&w->cfg, limits) || gw_quota_alloc(&w->quota, w->cfg))
		return mem_deref(w);
	w->now_ms = noon_ms;
	w->call = (struct gw_quota_call){ .key = "crm",
					  .project = "shop",
					  .line = "office",
					  .to = "+4930100",
					  .client = "192.0.2.1",
					  .time_limit_s = 3600 };
	return w;
}

static struct gw_quota_verdict check(struct world *w)
{
	return gw_quota_check(w->quota, &w->call, w->now_ms);
}

static int take(struct world *w, struct gw_quota_use **usep)
{
	return gw_quota_take(usep, w->quota, &w->call, w->now_ms);
}

/* Takes it if it fits. False: it doesn't, or there is no memory. */
static bool place(struct world *w, struct gw_quota_use **usep)
{
	const struct gw_quota_verdict v = check(w);

	w->call.time_limit_s = v.allowed ? v.time_limit_s : 3600;
	return v.allowed && !take(w, usep);
}

/* A call of so many seconds, from beginning to end. */
static bool talk(struct world *w, uint32_t seconds)
{
	struct gw_quota_use *use = NULL;
	const bool placed = place(w, &use);

	gw_quota_end(use, seconds, w->now_ms);
	w->call.time_limit_s = 3600;
	return placed;
}

static int test_quota_without_limits_counts_nothing(void)
{
	OWNED struct world *w = world_new("");
	struct gw_quota_use *use = (void *)1;

	CHECK(w);
	CHECK(!gw_quota_needs_past(w->quota));
	CHECK(check(w).allowed);
	CHECK_INT(check(w).time_limit_s, 3600);
	CHECK_OK(take(w, &use));
	CHECK(!use);
	gw_quota_end(use, 10, w->now_ms);
	gw_quota_undo(use);
	return 0;
}
TEST(test_quota_without_limits_counts_nothing);

/* E7: two calls a minute; the next minute is a new one. */
static int test_quota_calls_a_minute(void)
{
	OWNED struct world *w = world_new(
		"{\"name\":\"m\",\"per\":\"key\",\"window\":\"minute\",\"calls\":2}");
	struct gw_quota_verdict v;

	CHECK(w);
	CHECK(gw_quota_needs_past(w->quota));
	w->now_ms += 20500;
	CHECK(talk(w, 0) && talk(w, 0));
	v = check(w);
	CHECK(!v.allowed);
	CHECK_STR(v.limit, "m");
	CHECK_INT(v.retry_s, 40);
	CHECK_INT(v.max, 2);
	CHECK_INT(v.window_s, 60);
	CHECK(strstr(v.why, "allows 2 calls a minute"));
	w->call.key = "other";
	CHECK(check(w).allowed);
	w->call.key = NULL; /* everybody, when there are no keys */
	CHECK(check(w).allowed);
	w->call.key = "crm";
	w->now_ms += 39499;
	CHECK(!check(w).allowed);
	w->now_ms += 1;
	CHECK(check(w).allowed);
	/* a clock that was set back doesn't empty what was counted */
	CHECK(talk(w, 0) && talk(w, 0));
	w->now_ms -= 120000;
	CHECK(!check(w).allowed);
	return 0;
}
TEST(test_quota_calls_a_minute);

static int test_quota_hour_and_day_end_when_they_do(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"h\",\"window\":\"hour\",\"calls\":1},"
			  "{\"name\":\"d\",\"window\":\"day\",\"calls\":2}");

	CHECK(w);
	w->now_ms += 1800000;
	CHECK(talk(w, 0));
	CHECK_STR(check(w).limit, "h");
	CHECK_INT(check(w).retry_s, 1800);
	w->now_ms += 1800000;
	CHECK(talk(w, 0));
	w->now_ms += 3600000;
	CHECK_STR(check(w).limit, "d");
	CHECK_INT(check(w).window_s, 86400);
	w->now_ms = noon_ms + DAY_MS / 2 - 1;
	CHECK(!check(w).allowed);
	CHECK_INT(check(w).retry_s, 1);
	w->now_ms++;
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_hour_and_day_end_when_they_do);

/* A day is a day where the machine stands, also one of 23 hours. */
static int test_quota_day_is_local(void)
{
	static const int64_t spring_ms =
		1774738800000; /* 2026-03-29 00:00 CET */
	OWNED struct world *w =
		world_new("{\"name\":\"d\",\"window\":\"day\",\"calls\":1}");

	CHECK(w);
	test_later(utc, NULL);
	set_tz("CET-1CEST,M3.5.0,M10.5.0/3");
	w->now_ms = spring_ms;
	CHECK(talk(w, 0));
	CHECK_INT(check(w).retry_s, 23 * 3600);
	w->now_ms = spring_ms + 23 * 3600000LL - 1;
	CHECK(!check(w).allowed);
	w->now_ms++;
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_day_is_local);

/* E13: at once, and free again at the end. */
static int test_quota_at_once(void)
{
	OWNED struct world *w = world_new(
		"{\"name\":\"o\",\"per\":\"line\",\"window\":\"at_once\",\"calls\":2}");
	struct gw_quota_use *a = NULL, *b = NULL, *c = NULL;
	bool all;

	CHECK(w);
	CHECK(!gw_quota_needs_past(w->quota));
	all = place(w, &a) && place(w, &b) && !place(w, &c) &&
	      check(w).retry_s == 5 && check(w).window_s == 0;
	gw_quota_end(a, 60, w->now_ms + DAY_MS);
	a = NULL;
	all = all && check(w).allowed;
	gw_quota_undo(b);
	all = all && place(w, &a);
	gw_quota_end(a, 1, w->now_ms);
	CHECK(all);
	w->call.line = "other";
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_at_once);

/* What never happened was never counted; a replay gives back what it took. */
static int test_quota_undo(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"d\",\"calls\":1,\"window\":\"minute\"}");
	struct gw_quota_use *use = NULL;

	CHECK(w);
	CHECK(place(w, &use));
	gw_quota_undo(use);
	CHECK(place(w, &use));
	/* not in a later window: there it isn't */
	w->now_ms += 60000;
	if (!talk(w, 0)) {
		gw_quota_undo(use);
		return 1;
	}
	gw_quota_undo(use);
	CHECK(!check(w).allowed);
	return 0;
}
TEST(test_quota_undo);

/* E7: each subject for itself. */
static int test_quota_per_subject(void)
{
	static const struct {
		const char *per;
		struct gw_quota_call other; /* what is counted apart */
	} rows[] = {
		{ "project", { .project = "x" } },
		{ "key", { .key = "x" } },
		{ "line", { .line = "x" } },
		{ "destination", { .to = "+4930101" } },
		{ "from", { .from = "858" } },
		{ "pair", { .from = "858" } },
		{ "pair", { .to = "+4930101" } },
		{ "client", { .client = "192.0.2.2" } },
		{ "client", { .client = "2001:db8:0:1::1" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct gw_quota_call *o = &rows[i].other;
		OWNED struct world *w = NULL;
		char limit[128];

		(void)snprintf(limit, sizeof(limit),
			       "{\"name\":\"x\",\"per\":\"%s\",\"calls\":1}",
			       rows[i].per);
		w = world_new(limit);
		CHECK(w);
		w->call.from = "853";
		CHECK(talk(w, 0));
		CHECK(!check(w).allowed);
		w->call.key = o->key ? o->key : w->call.key;
		w->call.project = o->project ? o->project : w->call.project;
		w->call.line = o->line ? o->line : w->call.line;
		w->call.to = o->to ? o->to : w->call.to;
		w->call.from = o->from ? o->from : w->call.from;
		w->call.client = o->client ? o->client : w->call.client;
		CHECK(check(w).allowed);
	}
	return 0;
}
TEST(test_quota_per_subject);

/* A call that has no such person isn't counted by a limit on them; who shares a
 * /64 shares a limit; and the gateway is everybody. */
static int test_quota_who_is_counted(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"f\",\"per\":\"from\",\"calls\":1},"
			  "{\"name\":\"c\",\"per\":\"client\",\"calls\":2},"
			  "{\"name\":\"g\",\"calls\":4,\"per\":\"gateway\"},"
			  "{\"name\":\"k\",\"calls\":1,\"keys\":[\"boss\"]},"
			  "{\"name\":\"l\",\"calls\":1,\"lines\":[\"lab\"]}");

	CHECK(w);
	w->call.client = "2001:db8::1";
	CHECK(talk(w, 0) && talk(w, 0));
	w->call.client = "2001:db8::2";
	CHECK_STR(check(w).limit, "c");
	w->call.client = NULL;
	CHECK(talk(w, 0) && talk(w, 0));
	CHECK_STR(check(w).limit, "g");
	return 0;
}
TEST(test_quota_who_is_counted);

/* E13: a soft limit counts what was talked, and refuses the next one. */
static int test_quota_minutes(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"m\",\"minutes\":2,\"per\":\"key\"}");

	CHECK(w);
	CHECK(talk(w, 60));
	CHECK(check(w).allowed);
	CHECK_INT(check(w).time_limit_s, 3600);
	CHECK(talk(w, 600));
	CHECK(!check(w).allowed);
	CHECK(strstr(check(w).why, "2 minutes"));
	/* a transfer of a call that is up is no call of its own */
	w->call.time_limit_s = 0;
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_minutes);

/* E13: a hard one sets aside, cuts the call's time, and takes back what was not
 * used. */
static int test_quota_hard_minutes(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"m\",\"minutes\":10,\"hard\":true}");
	struct gw_quota_use *a = NULL, *b = NULL;
	struct gw_quota_verdict while_up, target, later;
	bool placed;

	CHECK(w);
	CHECK_INT(check(w).time_limit_s, 600);
	w->call.time_limit_s = 240;
	placed = place(w, &a);
	w->call.time_limit_s = 3600;
	while_up = check(w);
	placed = placed && place(w, &b);
	w->call.time_limit_s = 0;
	target = check(w);
	w->call.time_limit_s = 3600;
	gw_quota_end(a, 100, w->now_ms);
	gw_quota_end(b, 99, w->now_ms);
	later = check(w);
	CHECK(placed);
	CHECK_INT(while_up.time_limit_s, 360);
	CHECK(target.allowed);
	CHECK_INT(later.time_limit_s, 600 - 199);
	CHECK(talk(w, 401));
	CHECK(!check(w).allowed);
	return 0;
}
TEST(test_quota_hard_minutes);

/* Two calls at once share what there is; none is left for a third. */
static int test_quota_hard_minutes_are_set_aside(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"m\",\"minutes\":1,\"hard\":true}");
	struct gw_quota_use *a = NULL;
	struct gw_quota_verdict v;

	CHECK(w);
	CHECK(place(w, &a));
	w->call.time_limit_s = 3600;
	v = check(w);
	gw_quota_end(a, 0, w->now_ms);
	CHECK(!v.allowed);
	CHECK(strstr(v.why, "1 minutes"));
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_hard_minutes_are_set_aside);

/* One that ends in a later window is charged to that. */
static int test_quota_call_over_the_end_of_a_window(void)
{
	OWNED struct world *w = world_new(
		"{\"name\":\"m\",\"minutes\":2,\"window\":\"hour\",\"hard\":true}");
	struct gw_quota_use *a = NULL;

	CHECK(w);
	CHECK(place(w, &a));
	w->now_ms += 3600000;
	gw_quota_end(a, 70, w->now_ms);
	w->call.time_limit_s = 3600;
	CHECK_INT(check(w).time_limit_s, 50);
	w->now_ms += 3600000;
	CHECK_INT(check(w).time_limit_s, 120);
	return 0;
}
TEST(test_quota_call_over_the_end_of_a_window);

/* E13: money is minutes of different length. */
static int test_quota_cost(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"c\",\"cost\":100,\"hard\":true}");

	CHECK(w);
	w->call.cost = 50;
	CHECK_INT(check(w).time_limit_s, 120);
	CHECK(talk(w, 60));
	CHECK_INT(check(w).time_limit_s, 60);
	w->call.cost = 10;
	CHECK_INT(check(w).time_limit_s, 300);
	w->call.cost = 0; /* free ones go on */
	CHECK_INT(check(w).time_limit_s, 3600);
	w->call.cost = 50;
	CHECK(talk(w, 60));
	CHECK(!check(w).allowed);
	CHECK(strstr(check(w).why, "100 cost"));
	w->call.cost = 0;
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_cost);

/* E19: who is transferred to somebody dearer pays for it. */
static int test_quota_transfer_is_charged(void)
{
	OWNED struct world *w = world_new("{\"name\":\"c\",\"cost\":100}");
	struct gw_quota_use *a = NULL;

	CHECK(w);
	gw_quota_dearer(NULL, 5);
	w->call.cost = 1;
	CHECK(place(w, &a));
	gw_quota_dearer(a, 200);
	gw_quota_dearer(a, 2);
	gw_quota_end(a, 30, w->now_ms);
	CHECK(!check(w).allowed);
	return 0;
}
TEST(test_quota_transfer_is_charged);

static int test_quota_hard_cost_is_set_aside(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"c\",\"cost\":100,\"hard\":true},"
			  "{\"name\":\"s\",\"cost\":1000}");
	struct gw_quota_use *a = NULL;
	struct gw_quota_verdict v;

	CHECK(w);
	w->call.cost = 100;
	CHECK(place(w, &a));
	w->call.time_limit_s = 3600;
	v = check(w);
	gw_quota_end(a, 30, w->now_ms);
	CHECK(!v.allowed);
	CHECK_INT(check(w).time_limit_s, 30);
	/* what is left isn't worth a second */
	w->call.cost = 1000000;
	v = check(w);
	CHECK(!v.allowed);
	CHECK(strstr(v.why, "cost"));
	return 0;
}
TEST(test_quota_hard_cost_is_set_aside);

/* Different destinations: those that were called may be called again. */
static int test_quota_destinations(void)
{
	static const char *const numbers[] = { "+491", "+4911", "+492",
					       "+493", "+494",  "sip:a@b",
					       "+495", "+496",  "+497",
					       "+498" };
	OWNED struct world *w = world_new(
		"{\"name\":\"d\",\"destinations\":10,\"per\":\"key\"}");

	CHECK(w);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		w->call.to = numbers[i];
		CHECK(talk(w, 0) && talk(w, 0));
	}
	w->call.to = "+499";
	CHECK(!check(w).allowed);
	CHECK(strstr(check(w).why, "10 destinations"));
	w->call.to = "sip:a@b";
	CHECK(talk(w, 0));
	w->now_ms += DAY_MS;
	w->call.to = "+499";
	CHECK(talk(w, 0));
	return 0;
}
TEST(test_quota_destinations);

/* E14: who dials number after number is a scanner, and dialling one of them twice,
 * or somebody else's address in between, doesn't hide it. */
static int test_quota_neighbours(void)
{
	static const char *const rows[][7] = {
		{ "100", "101", "102", NULL, "103" },
		{ "102", "101", "100", NULL, "99" },
		{ "100", "100", "101", "101", "102", NULL, "103" },
		{ "100", "sip:a@b", "101", "102", "sip:c@d", NULL, "103" },
		{ "+4930100", "+4930101", "+4930102", NULL, "+4930103" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct world *w = world_new(
			"{\"name\":\"n\",\"neighbours\":3,\"per\":\"key\"}");
		size_t k = 0;

		CHECK(w);
		for (; rows[i][k]; k++) {
			w->call.to = rows[i][k];
			CHECK(talk(w, 0));
		}
		CHECK(check(w).allowed); /* the last one once more */
		w->call.to = rows[i][k + 1];
		CHECK(!check(w).allowed);
		CHECK(strstr(check(w).why, "3 neighbours"));
		w->call.to = "555";
		CHECK(talk(w, 0));
		w->call.to = rows[i][k + 1];
		CHECK(check(w).allowed);
	}
	return 0;
}
TEST(test_quota_neighbours);

/* After a start: calls of the day are counted again, in their windows. */
static int test_quota_past(void)
{
	OWNED struct world *w = world_new(
		"{\"name\":\"d\",\"calls\":2,\"per\":\"destination\"},"
		"{\"name\":\"m\",\"minutes\":5,\"hard\":true},"
		"{\"name\":\"n\",\"neighbours\":4},"
		"{\"name\":\"o\",\"calls\":1,\"window\":\"at_once\"}");

	CHECK(w);
	CHECK(gw_quota_needs_past(w->quota));
	CHECK_OK(gw_quota_past(w->quota, &w->call, w->now_ms - DAY_MS, 3000,
			       w->now_ms)); /* yesterday */
	CHECK_OK(gw_quota_past(w->quota, &w->call, w->now_ms - 3600000, 100,
			       w->now_ms));
	CHECK_INT(check(w).time_limit_s, 200);
	CHECK_OK(gw_quota_past(w->quota, &w->call, w->now_ms - 60000, 100,
			       w->now_ms));
	CHECK_STR(check(w).limit, "d");
	w->call.to = "+4930105";
	CHECK_INT(check(w).time_limit_s, 100);
	return 0;
}
TEST(test_quota_past);

/* Another configuration: what goes on counting the same keeps what it has. */
static int test_quota_reload(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"a\",\"calls\":2,\"per\":\"key\"}");
	OWNED struct gw_config *more = NULL, *none = NULL;
	struct gw_quota_use *use = NULL;
	bool was_free;

	CHECK(w);
	CHECK_OK(load(&more,
		      "{\"name\":\"a\",\"calls\":3,\"per\":\"key\"},"
		      "{\"name\":\"b\",\"calls\":1,\"window\":\"at_once\"}"));
	CHECK_OK(load(&none, ""));
	CHECK(talk(w, 0));
	CHECK(place(w, &use));
	CHECK_OK(gw_quota_reload(w->quota, more));
	w->cfg = mem_deref(w->cfg); /* the use keeps it */
	was_free = check(w).allowed;
	gw_quota_end(use, 3, w->now_ms);
	CHECK(was_free);
	CHECK(talk(w, 0));
	CHECK_STR(check(w).limit, "a");
	CHECK_OK(gw_quota_reload(w->quota, none));
	CHECK(check(w).allowed);
	return 0;
}
TEST(test_quota_reload);

struct told {
	char text[512];
	int64_t renewed_ms;
};

static void tell(const struct gw_quota_left *left, void *arg)
{
	struct told *t = arg;
	const size_t n = strlen(t->text);

	(void)re_snprintf(t->text + n, sizeof(t->text) - n,
			  "%s/%s/%s %u/%u %s;", left->limit, left->per,
			  left->window, left->left, left->max, left->what);
	t->renewed_ms = left->renewed_ms;
}

static int test_quota_explains_what_is_left(void)
{
	OWNED struct world *w = world_new(
		"{\"name\":\"a\",\"calls\":2,\"minutes\":5,\"per\":\"pair\"},"
		"{\"name\":\"b\",\"calls\":9,\"lines\":[\"lab\"]},"
		"{\"name\":\"c\",\"cost\":10,\"destinations\":3,\"neighbours\":4,"
		"\"window\":\"hour\"}");
	struct told told = { .renewed_ms = 0 };

	CHECK(w);
	w->call.cost = 2;
	CHECK(talk(w, 61));
	gw_quota_explain(w->quota, &w->call, w->now_ms, tell, &told);
	CHECK_STR(told.text, "a/pair/day 1/2 calls;a/pair/day 3/5 minutes;"
			     "c/key/hour 7/10 cost;c/key/hour 2/3 destinations;"
			     "c/key/hour 3/4 neighbours;");
	CHECK_INT(told.renewed_ms, noon_ms + 3600000);
	return 0;
}
TEST(test_quota_explains_what_is_left);

/* Counters are bounded; those that have nothing to say make room. */
static int test_quota_counters_are_bounded(void)
{
	OWNED struct world *w =
		world_new("{\"name\":\"m\",\"calls\":9,\"per\":\"destination\","
			  "\"window\":\"minute\"}");
	char number[24];
	struct gw_quota_verdict v;

	CHECK(w);
	for (int i = 0; i < GW_QUOTA_COUNTERS_MAX; i++) {
		(void)re_snprintf(number, sizeof(number), "+49%d", i);
		w->call.to = number;
		CHECK(talk(w, 0));
	}
	w->call.to = "+1";
	v = check(w);
	CHECK(!v.allowed);
	CHECK_STR(v.limit, "counters");
	CHECK_INT(gw_quota_past(w->quota, &w->call, w->now_ms, 0, w->now_ms),
		  ENOSPC);
	w->now_ms += 60000;
	CHECK(talk(w, 0));
	return 0;
}
TEST_WITHOUT_OOM(test_quota_counters_are_bounded,
		 "a hundred thousand allocations");

/* G15: without memory nothing was counted. */
static int test_quota_without_memory_counts_nothing(void)
{
	OWNED struct world *w = world_new(
		"{\"name\":\"o\",\"calls\":1,\"window\":\"at_once\"},"
		"{\"name\":\"d\",\"destinations\":1,\"per\":\"key\"}");
	struct gw_quota_use *use = NULL;

	CHECK(w);
	if (take(w, &use)) {
		CHECK(!use);
		CHECK(check(w).allowed);
		return 1;
	}
	gw_quota_end(use, 0, w->now_ms);
	return 0;
}
TEST(test_quota_without_memory_counts_nothing);
