/* See moment.h. */
#include "sip/moment.h"

#include <sys/time.h>

#include <re.h>

int64_t gw_moment_origin(void)
{
	struct timeval now;

	(void)gettimeofday(&now, NULL);
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000 -
	       (int64_t)tmr_jiffies();
}

int64_t gw_moment_ms(int64_t origin)
{
	return origin + (int64_t)tmr_jiffies();
}
