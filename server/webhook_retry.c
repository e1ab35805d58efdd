/* The schedule with its jitter, and Retry-After: see webhook_retry.h. */
#include "server/webhook_retry.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <re_types.h>

#include "config/config.h"

#define DAY_MS INT64_C(86400000)

static int64_t bounded(int64_t ms)
{
	return ms < 0 ? 0 : ms > DAY_MS ? DAY_MS : ms;
}

int64_t gw_webhook_retry_after(const char *text, int64_t now_ms)
{
	/* the one in use, and the two that RFC 9110 5.6.7 keeps for old servers */
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y",
	};
	const size_t digits = strspn(text, "0123456789");

	if (digits && !text[digits])
		return digits > 5 ? DAY_MS :
				    bounded((int64_t)atoi(text) * 1000);

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		struct tm tm = { .tm_isdst = 0 };
		const char *end = strptime(text, forms[i], &tm);

		if (end && !*end)
			return bounded((int64_t)timegm(&tm) * 1000 - now_ms);
	}

	return 0;
}

int64_t gw_webhook_retry_delay(const struct gw_config_ints *schedule,
			       uint32_t attempts, uint32_t chance,
			       int64_t retry_after_ms)
{
	int64_t ms;

	if (!attempts || attempts > schedule->count)
		return -1;
	/* from 800 to 1200 thousandths */
	ms = (int64_t)schedule->list[attempts - 1] * (800 + chance % 401);
	return bounded(ms < retry_after_ms ? retry_after_ms : ms);
}
