/* How much may be dialled: policy.limits, counted call by call.
 *
 *   gw_quota_check   would this call fit? nothing changes
 *   gw_quota_take    it is placed: counted from now on
 *   gw_quota_end     it has ended after so many seconds
 *   gw_quota_undo    it has never happened (refused by the store, a replay)
 *
 * A limit of the configuration is one row; its counters are made as they are
 * needed, one for each key, line, destination ... that has something to count.
 * Windows begin with the full minute, the full hour, and at midnight in local
 * time. Counters are in memory, bounded, and counted again from the calls of the
 * day after a start. When there is no room for another one the call is refused:
 * what can't be counted can't be limited. Loop thread. */
#ifndef BELLPULL_SERVER_QUOTA_H
#define BELLPULL_SERVER_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

struct gw_quota;
struct gw_quota_use;

enum {
	GW_QUOTA_COUNTERS_MAX = 100000,
	GW_QUOTA_WHY_SIZE = 160,
};

/* Keeps a reference to cfg. mem_deref() frees. Returns 0 or ENOMEM. */
int gw_quota_alloc(struct gw_quota **quotap, const struct gw_config *cfg);

/* Another configuration: counters of limits that go on counting the same keep
 * what they have. Returns 0 or ENOMEM, and then all is as before. */
int gw_quota_reload(struct gw_quota *quota, const struct gw_config *cfg);

/* Does any limit count the past, so that a start must look it up? */
bool gw_quota_needs_past(const struct gw_quota *quota);

/* A call, as limits see it. NULL: it has none. */
struct gw_quota_call {
	const char *key, *project, *line;
	const char *from;      /* normalised number or URI              */
	const char *to;        /* the same                              */
	const char *client;    /* numeric address of who asks           */
	uint32_t cost;         /* of a minute, in thousandths           */
	uint32_t time_limit_s; /* 0: its minutes are another call's   */
};

struct gw_quota_verdict {
	bool allowed;
	const char *limit;           /* name; lives with the configuration */
	char why[GW_QUOTA_WHY_SIZE]; /* a sentence, without full stop      */
	uint64_t max;                /* what the limit allows              */
	uint32_t window_s;           /* in which; at_once: 0               */
	uint32_t retry_s;      /* when the window begins anew; at_once: 5 */
	uint32_t time_limit_s; /* of the call: cut by a hard limit, or as it was */
};

/* now_ms: wall clock. */
struct gw_quota_verdict gw_quota_check(struct gw_quota *quota,
				       const struct gw_quota_call *call,
				       int64_t now_ms);

/* Counts it. *usep is given back by gw_quota_end() or _undo(), once; NULL: no
 * limit counts it. Returns 0 or ENOMEM, and then nothing was counted. */
int gw_quota_take(struct gw_quota_use **usep, struct gw_quota *quota,
		  const struct gw_quota_call *call, int64_t now_ms);
void gw_quota_end(struct gw_quota_use *use, uint32_t seconds, int64_t now_ms);
void gw_quota_undo(struct gw_quota_use *use);
/* It goes to somebody dearer from now on: all of it is charged so. use may be
 * NULL. */
void gw_quota_dearer(struct gw_quota_use *use, uint32_t cost);

/* A call of before the start, which began at began_ms and took so many seconds.
 * Returns 0, ENOMEM or ENOSPC (no room for its counters). */
int gw_quota_past(struct gw_quota *quota, const struct gw_quota_call *call,
		  int64_t began_ms, uint32_t seconds, int64_t now_ms);

/* What is left, limit by limit, of those that would count this call. */
struct gw_quota_left {
	const char *limit, *per, *window;
	const char *
		what; /* "calls", "minutes", "cost", "destinations", "neighbours" */
	uint32_t max, left;
	int64_t renewed_ms; /* when the window begins anew; 0: at_once */
};
typedef void(gw_quota_left_h)(const struct gw_quota_left *left, void *arg);
void gw_quota_explain(struct gw_quota *quota, const struct gw_quota_call *call,
		      int64_t now_ms, gw_quota_left_h *h, void *arg);

#endif
