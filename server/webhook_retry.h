/* When a delivery that failed is tried again. Pure. */
#ifndef BELLPULL_SERVER_WEBHOOK_RETRY_H
#define BELLPULL_SERVER_WEBHOOK_RETRY_H

#include <stdint.h>

struct gw_config_ints;

/* Retry-After (RFC 9110 10.2.3): seconds, or a date. Milliseconds from now_ms on,
 * never more than a day; 0: it says nothing that can be read, or the past. */
int64_t gw_webhook_retry_after(const char *text, int64_t now_ms);

/* How long after attempts tries to wait: the schedule's time, a fifth more or less
 * by chance, and not less than the other side asked for; at most a day. -1: there
 * is no further try. */
int64_t gw_webhook_retry_delay(const struct gw_config_ints *schedule,
			       uint32_t attempts, uint32_t chance,
			       int64_t retry_after_ms);

#endif
