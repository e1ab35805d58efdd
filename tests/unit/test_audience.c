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
	CHECK(gw_audience_call(&all_lines, "a", NULL));
	CHECK(!gw_audience_call(&all_lines, "b", NULL));
	CHECK(!gw_audience_call(&all_lines, "aa", NULL));
	CHECK(!gw_audience_call(&all_lines, "", NULL));
	CHECK(!gw_audience_call(&all_lines, NULL, NULL));

	CHECK(gw_audience_call(NULL, "a", NULL));
	CHECK(gw_audience_call(NULL, NULL, NULL));
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
		bool all_lines, two_lines;
	} rows[] = {
		{ { .call_id = "call_A", .project = "a" }, true, true },
		{ { .call_id = "call_B", .project = "b" }, false, false },
		{ { .call_id = "call_C" }, false, false },
		{ { .line = "office" }, true, true },
		{ { .line = "home" }, true, false },
		{ { .type = "gateway.draining" }, true, true },
		/* a call's line doesn't matter: the project sees its calls */
		{ { .call_id = "call_D", .project = "a", .line = "home" },
		  true,
		  true },
	};
	const struct gw_key key = two_lines();

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(gw_audience_event(&all_lines, &rows[i].ev),
			  rows[i].all_lines);
		CHECK_INT(gw_audience_event(&key, &rows[i].ev),
			  rows[i].two_lines);
		CHECK(gw_audience_event(NULL, &rows[i].ev));
	}
	return 0;
}
TEST(test_audience_of_events);
