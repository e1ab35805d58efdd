/* A token bucket: so many a second on average, so many at once. Pure. */
#ifndef BELLPULL_SERVER_BUCKET_H
#define BELLPULL_SERVER_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, it is new, and full. */
struct gw_bucket {
	uint64_t milli; /* thousandths of a token */
	uint64_t at_ms;
};

/* Takes one token. The bucket fills with rate tokens a second and holds what
 * depth_s seconds bring. now_ms: any steady clock. False: it is empty. */
bool gw_bucket_take(struct gw_bucket *bucket, uint64_t rate, uint64_t depth_s,
		    uint64_t now_ms);

#endif
