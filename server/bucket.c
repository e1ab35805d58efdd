/* A token bucket. See bucket.h. */
#include "server/bucket.h"

bool gw_bucket_take(struct gw_bucket *bucket, uint64_t rate, uint64_t depth_s,
		    uint64_t now_ms)
{
	const uint64_t size = rate * depth_s * 1000;
	const uint64_t passed_ms =
		now_ms > bucket->at_ms ? now_ms - bucket->at_ms : 0;
	const bool is_new = !bucket->at_ms;

	/* tokens a second are thousandths of one per millisecond */
	bucket->milli +=
		is_new || passed_ms >= depth_s * 1000 ? size : passed_ms * rate;
	if (bucket->milli > size)
		bucket->milli = size;
	bucket->at_ms = now_ms;

	if (bucket->milli < 1000)
		return false;
	bucket->milli -= 1000;
	return true;
}
