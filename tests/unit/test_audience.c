/* What a key gets to see, as tables. */
#include "config/config.h"
#include "server/audience.h"
#include "server/events.h"
#include "server/key.h"
#include "tests/test.h"

static const char *const office[] = { "lab", "office" };
static const struct gw_key all_lines = { .name = "k", .project = "a" };

/* A key of project a that may use two lines. */
static struct gw_key two_lines(void)
{
	struct gw_key key = all_lines;

	key.lines.list = office;
	key.lines.count = ARRAY_SIZE(office);
	return key;
}

static int test_audience_of_calls(void)
{
	static const struct {
		struct gw_whose whose;
		bool project, own, click;
	} rows[] = {
		{ { "a", "k", "k/1" }, true, true, true },
		{ { "a", "k", "k/2" }, true, true, false },
		{ { "a", "k", NULL }, true, true, false },
		{ { "a", "l", "k/1" }, true, false, true },
		{ { "a", "kk", NULL }, true, false, false },
		{ { "a", "", NULL }, true, false, false },
		{ { "a", NULL, NULL }, true, false, false },
		{ { "b", "k", "k/1" }, false, false, false },
		{ { "aa", "k", NULL }, false, false, false },
		{ { "", "k", NULL }, false, false, false },
		{ { NULL, NULL, NULL }, false, false, false },
	};
	const struct gw_click click = { .id = "k/1" };
	struct gw_key own = all_lines, visitor = all_lines;

	own.own_only = true;
	visitor.click = &click;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(gw_audience_call(&all_lines, &rows[i].whose),
			  rows[i].project);
		CHECK_INT(gw_audience_call(&own, &rows[i].whose), rows[i].own);
		CHECK_INT(gw_audience_call(&visitor, &rows[i].whose),
			  rows[i].click);
		CHECK(gw_audience_call(NULL, &rows[i].whose));
	}
	return 0;
}
TEST(test_audience_of_calls);

static int test_audience_of_lines(void)
{
	const struct gw_key key = two_lines();

	CHECK(gw_audience_line(&key, "lab"));
	CHECK(gw_audience_line(&key, "office"));
	CHECK(!gw_audience_line(&key, "home"));
	CHECK(!gw_audience_line(&key, ""));
	CHECK(gw_audience_line(&all_lines, "home"));
	CHECK(gw_audience_line(NULL, "home"));
	return 0;
}
TEST(test_audience_of_lines);

static int test_audience_of_events(void)
{
	static const struct {
		struct gw_event ev;
		bool all_lines, two_lines, own;
	} rows[] = {
		{ { .call_id = "call_A", .project = "a", .key = "k" },
		  true,
		  true,
		  true },
		{ { .call_id = "call_B", .project = "b", .key = "k" },
		  false,
		  false,
		  false },
		{ { .call_id = "call_C" }, false, false, false },
		{ { .line = "office" }, true, true, true },
		{ { .line = "home" }, true, false, true },
		{ { .type = "gateway.draining" }, true, true, true },
		/* a call's line doesn't matter: the project sees its calls */
		{ { .call_id = "call_D", .project = "a", .line = "home" },
		  true,
		  true,
		  false },
		{ { .call_id = "call_E", .project = "a", .key = "l" },
		  true,
		  true,
		  false },
	};
	const struct gw_key key = two_lines();
	struct gw_key own = all_lines;

	own.own_only = true;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(gw_audience_event(&all_lines, &rows[i].ev),
			  rows[i].all_lines);
		CHECK_INT(gw_audience_event(&key, &rows[i].ev),
			  rows[i].two_lines);
		CHECK_INT(gw_audience_event(&own, &rows[i].ev), rows[i].own);
		CHECK(gw_audience_event(NULL, &rows[i].ev));
	}
	return 0;
}
TEST(test_audience_of_events);
