/* When a call may begin: windows by the calendar of this machine, and what ends are
 * worth another attempt. */
#include "server/clock.h"
#include "server/schedule.h"

#include <stdlib.h>
#include <time.h>

#include "tests/test.h"

/* Monday to Friday, nine to five. */
static const struct gw_window office = { true, 0x1f, 9 * 60, 17 * 60 };

static int64_t at(const char *text)
{
	int64_t ms = 0;

	(void)gw_clock_read(&ms, text);
	return ms;
}

static void set_zone(const char *zone)
{
	(void)setenv("TZ", zone, 1);
	tzset();
}

static int check_opens(const char *now, const char *opens)
{
	CHECK_INT(gw_window_opens(&office, at(now)), at(opens));
	return 0;
}

static int test_schedule_window(void)
{
	set_zone("UTC0");
	/* Friday before, within, and at the end; Sunday */
	CHECK_OK(check_opens("2026-11-27T08:59:59Z", "2026-11-27T09:00:00Z"));
	CHECK_OK(check_opens("2026-11-27T09:00:00Z", "2026-11-27T09:00:00Z"));
	CHECK_OK(check_opens("2026-11-27T16:59:59Z", "2026-11-27T16:59:59Z"));
	CHECK_OK(check_opens("2026-11-27T17:00:00Z", "2026-11-30T09:00:00Z"));
	CHECK_OK(check_opens("2026-11-29T12:00:00Z", "2026-11-30T09:00:00Z"));
	return 0;
}
TEST(test_schedule_window);

/* One day a week, and it is over for today: a week from now. */
static int test_schedule_window_next_week(void)
{
	const struct gw_window friday = { true, 1 << 4, 9 * 60, 10 * 60 };
	const struct gw_window none = { .given = false };

	set_zone("UTC0");
	CHECK_INT(gw_window_opens(&friday, at("2026-11-27T10:00:00Z")),
		  at("2026-12-04T09:00:00Z"));
	CHECK_INT(gw_window_opens(&none, 42), 42);
	return 0;
}
TEST(test_schedule_window_next_week);

/* Nine o'clock is nine o'clock, though the clocks change in the night before. */
static int test_schedule_window_summer_time(void)
{
	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	CHECK_OK(check_opens("2026-03-27T16:00:00Z", "2026-03-30T07:00:00Z"));
	CHECK_OK(check_opens("2026-10-23T16:00:00Z", "2026-10-26T08:00:00Z"));
	set_zone("UTC0");
	return 0;
}
TEST(test_schedule_window_summer_time);

static int test_schedule_retry_of(void)
{
	CHECK_INT(gw_retry_of(GW_STATUS_BUSY, GW_CAUSE_BUSY), GW_RETRY_BUSY);
	CHECK_INT(gw_retry_of(GW_STATUS_NO_ANSWER, GW_CAUSE_RING_TIMEOUT),
		  GW_RETRY_NO_ANSWER);
	CHECK_INT(gw_retry_of(GW_STATUS_FAILED, GW_CAUSE_ROUTE_UNAVAILABLE),
		  GW_RETRY_FAILED);
	CHECK_INT(gw_retry_of(GW_STATUS_FAILED, GW_CAUSE_POLICY_DENIED), -1);
	CHECK_INT(gw_retry_of(GW_STATUS_FAILED, GW_CAUSE_SERVER_SHUTDOWN), -1);
	CHECK_INT(gw_retry_of(GW_STATUS_CANCELED, GW_CAUSE_CANCELED_BY_API),
		  -1);
	CHECK_INT(gw_retry_of(GW_STATUS_COMPLETED, GW_CAUSE_NORMAL_CLEARING),
		  -1);
	return 0;
}
TEST(test_schedule_retry_of);
