/* How much may be dialled: the limits of the policy with this gateway's clock, and
 * what they have counted before it was started. */
#include "server/registry_impl.h"

#include <errno.h>
#include <time.h>

#include "server/clock.h"
#include "server/log.h"

struct gw_quota_verdict gw_registry_quota(const struct gw_quota_call *call)
{
	return gw_quota_check(gw_registry.quota, call, gw_clock_ms());
}

void gw_registry_quota_explain(const struct gw_quota_call *call,
			       gw_quota_left_h *h, void *arg)
{
	gw_quota_explain(gw_registry.quota, call, gw_clock_ms(), h, arg);
}

/* The past --------------------------------------------------------------------- */

struct recount {
	void (*doneh)(int err, void *arg);
	void *arg;
};

static void counted(struct gw_store_read *rd, void *arg)
{
	const int64_t now_ms = gw_clock_ms();
	struct recount *r = arg;
	int err = rd->err;

	for (size_t i = 0; !err && i < rd->usage_count; i++) {
		const struct gw_store_usage *u = &rd->usages[i];
		const struct gw_quota_call call = {
			.key = u->key,
			.project = u->project,
			.line = u->line,
			.from = u->from,
			.to = u->number,
			.client = u->client,
			.cost = (uint32_t)u->cost,
		};

		err = gw_quota_past(gw_registry.quota, &call, u->created_at_ms,
				    (uint32_t)u->seconds, now_ms);
	}
	/* what is left out can't be counted on: gw_quota_check() refuses */
	if (err == ENOSPC) {
		gw_log(GW_LOG_WARNING, "limits.full",
		       GW_F_STR("why", "the calls of the day have more to "
				       "count than there is room for"));
		err = 0;
	}
	if (!err && rd->usage_count)
		gw_log(GW_LOG_INFO, "limits.recounted",
		       GW_F_INT("calls", rd->usage_count));
	r->doneh(err, r->arg);
	mem_deref(r);
}

int gw_registry_recount(void (*doneh)(int err, void *arg), void *arg)
{
	enum {
		DAY_MS = 25 * 3600 * 1000
	}; /* one that is an hour longer, too */
	struct gw_store_read *rd;
	struct recount *r;
	int err;

	if (!gw_quota_needs_past(gw_registry.quota)) {
		doneh(0, arg);
		return 0;
	}
	rd = gw_store_read_alloc(GW_STORE_USAGE);
	r = mem_zalloc(sizeof(*r), NULL);
	if (!rd || !r) {
		mem_deref(rd);
		mem_deref(r);
		return ENOMEM;
	}
	r->doneh = doneh;
	r->arg = arg;
	rd->since_ms = gw_clock_ms() - DAY_MS;
	rd->doneh = counted;
	rd->arg = r;
	err = gw_store_ask(gw_registry.store, rd);
	if (err)
		mem_deref(r);
	return err;
}
