/* The time of day as one call tells it: that of its beginning, and from there on a
 * steady clock. Whatever the wall clock does meanwhile (NTP, a leap second, an hour
 * of somebody's summer), nothing of a call lasts longer than it lasted. */
#ifndef BELLPULL_SIP_MOMENT_H
#define BELLPULL_SIP_MOMENT_H

#include <stdint.h>

/* For a call that begins now. */
int64_t gw_moment_origin(void);

/* Milliseconds since the epoch, by that origin. */
int64_t gw_moment_ms(int64_t origin);

#endif
