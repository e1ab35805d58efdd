/* When a call may begin: not before a moment, not after another one, within hours
 * of business, and again when nobody was reached. Pure, but for the calendar of
 * this machine: windows are in local time. */
#ifndef BELLPULL_SERVER_SCHEDULE_H
#define BELLPULL_SERVER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "sip/cause.h"

enum {
	GW_SCHEDULE_AHEAD_S = 30 * 86400, /* of not_before, at most     */
	GW_RETRY_TIMES_MAX = 20,          /* of each kind               */
	GW_DAY_MINUTES = 24 * 60,
};

/* Hours of business. */
struct gw_window {
	bool given;
	uint8_t days;      /* bit 0: Monday                              */
	uint16_t from, to; /* minutes of the day; to is outside          */
};

/* How an attempt may end that is worth another one. */
enum gw_retry { GW_RETRY_BUSY, GW_RETRY_NO_ANSWER, GW_RETRY_FAILED };
enum { GW_RETRY_COUNT = 3 };
const char *gw_retry_name(enum gw_retry kind); /* "busy", as in the API */

struct gw_schedule {
	int64_t not_before_ms, expires_at_ms; /* wall clock; 0: not given */
	struct gw_window window;
	struct gw_retry_rule {
		uint32_t times, every_s; /* times 0: no more            */
	} retry[GW_RETRY_COUNT];
};

/* Is anything of it given? */
bool gw_schedule_given(const struct gw_schedule *schedule);

/* The first moment at or after at_ms that lies in the window. */
int64_t gw_window_opens(const struct gw_window *window, int64_t at_ms);

/* Which rule speaks of an end like this; -1: none. What was refused or stopped by
 * us would be so again. */
int gw_retry_of(enum gw_status status, enum gw_cause cause);

#endif
