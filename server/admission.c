/* Room for another call. See admission.h. */
#include "server/admission.h"

#include <errno.h>

#include <re.h>

#include "config/config.h"
#include "server/bucket.h"
#include "server/key.h"
#include "server/loop.h"
#include "server/store.h"

enum {
	PENDING_MAX = 2000,       /* calls that wait for their first commit */
	STORE_WAITING_MAX = 8000, /* jobs */
	LAG_MAX_MS = 500,         /* one hiccup is no overload */
	BUCKET_S = 1,
};

struct gw_admission {
	const struct gw_config *cfg;
	struct gw_store *store;
};

int gw_admission_alloc(struct gw_admission **admissionp,
		       const struct gw_config *cfg, struct gw_store *store)
{
	struct gw_admission *a;

	a = mem_zalloc(sizeof(*a), NULL);
	if (!a)
		return ENOMEM;
	a->cfg = cfg;
	a->store = store;
	*admissionp = a;
	return 0;
}

void gw_admission_reload(struct gw_admission *a, const struct gw_config *cfg)
{
	a->cfg = cfg;
}

static uint32_t port_pairs(const struct gw_config *cfg)
{
	return ((uint32_t)cfg->media.port_max - cfg->media.port_min + 1) / 2;
}

uint32_t gw_admission_limit(const struct gw_config *cfg)
{
	return MIN(cfg->limits.calls, port_pairs(cfg));
}

bool gw_admission_has_ports(const struct gw_config *cfg, uint32_t legs,
			    uint32_t more)
{
	return legs + more <= port_pairs(cfg);
}

static bool is_behind(const struct gw_admission *a,
		      const struct gw_admission_load *load)
{
	struct gw_store_stats st;
	struct gw_loop_lag lag;

	gw_store_stats(a->store, &st);
	gw_loop_lag(&lag);
	return load->pending >= PENDING_MAX ||
	       st.waiting >= STORE_WAITING_MAX ||
	       lag.recent_max_ms > LAG_MAX_MS;
}

int gw_admission_check(struct gw_admission *a, const struct gw_key *key,
		       const struct gw_admission_load *load, uint32_t *retry_s)
{
	*retry_s = 1;
	if (load->draining) {
		*retry_s = 10;
		return ESHUTDOWN;
	}
	if (gw_store_health(a->store) || load->outbox_full) {
		*retry_s = 5;
		return ENOSPC;
	}
	if (load->living >= gw_admission_limit(a->cfg) ||
	    !gw_admission_has_ports(a->cfg, load->legs, 1) ||
	    !gw_loop_has_fds())
		return EBUSY;
	if (is_behind(a, load))
		return EAGAIN;
	/* Without keys there is nobody to keep apart. */
	if (key &&
	    !gw_bucket_take(&key->state->calls, a->cfg->limits.calls_per_s,
			    BUCKET_S, tmr_jiffies()))
		return EUSERS;
	return 0;
}
