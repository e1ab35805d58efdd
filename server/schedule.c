/* See schedule.h. */
#include "server/schedule.h"

#include <time.h>

const char *gw_retry_name(enum gw_retry kind)
{
	static const char *const names[GW_RETRY_COUNT] = {
		[GW_RETRY_BUSY] = "busy",
		[GW_RETRY_NO_ANSWER] = "no-answer",
		[GW_RETRY_FAILED] = "failed",
	};

	return names[kind];
}

bool gw_schedule_given(const struct gw_schedule *s)
{
	int i;

	for (i = 0; i < GW_RETRY_COUNT; i++)
		if (s->retry[i].times)
			return true;
	return s->not_before_ms || s->expires_at_ms || s->window.given;
}

/* Minute of a day so many days after tm's, by the calendar: a day may have 23 or
 * 25 hours. */
static int64_t moment(const struct tm *tm, int days, int minute)
{
	struct tm then = {
		.tm_year = tm->tm_year,
		.tm_mon = tm->tm_mon,
		.tm_mday = tm->tm_mday + days,
		.tm_hour = minute / 60,
		.tm_min = minute % 60,
		.tm_isdst = -1,
	};

	return (int64_t)mktime(&then) * 1000;
}

int64_t gw_window_opens(const struct gw_window *w, int64_t at_ms)
{
	const time_t at_s = (time_t)(at_ms / 1000);
	struct tm tm;
	int day, minute;

	if (!w->given || !localtime_r(&at_s, &tm))
		return at_ms;
	minute = tm.tm_hour * 60 + tm.tm_min;
	for (day = 0; day <= 7; day++) {
		/* tm_wday begins with Sunday, we with Monday */
		if (!(w->days & 1u << (tm.tm_wday + 6 + day) % 7) ||
		    (!day && minute >= w->to))
			continue;
		return !day && minute >= w->from ? at_ms :
						   moment(&tm, day, w->from);
	}
	return at_ms; /* a window has a day */
}

int gw_retry_of(enum gw_status status, enum gw_cause cause)
{
	switch (cause) {
	case GW_CAUSE_POLICY_DENIED:
	case GW_CAUSE_SERVER_SHUTDOWN:
	case GW_CAUSE_SERVER_RESTART:
	case GW_CAUSE_INTERNAL_ERROR:
		return -1;
	default:
		break;
	}
	switch (status) {
	case GW_STATUS_BUSY:
		return GW_RETRY_BUSY;
	case GW_STATUS_NO_ANSWER:
		return GW_RETRY_NO_ANSWER;
	case GW_STATUS_FAILED:
		return GW_RETRY_FAILED;
	default:
		return -1;
	}
}
