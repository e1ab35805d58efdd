/* The living calls. See registry.h.
 *
 *   place ──► stored (call.queued, one commit) ──► gw_call_start()
 *                 │                                     │ events
 *                 └─ refused: never happened            ▼
 *                                          seq, snapshot ──► events ──► disk
 *                                                                        │
 *           an entry goes when its call.ended is on disk ◄── sink ◄──────┘
 *
 *   registry.c         this: who lives, up and down
 *   registry_place.c   from an order to a call
 *   registry_tell.c    from a call to its rows and events
 *   registry_look.c    what may be asked of a living call */
#include "server/registry_impl.h"

#include <string.h>

#include "config/config.h"
#include "server/admission.h"
#include "server/events.h"

enum { CALLS_BUCKETS = 4096, KEYS_BUCKETS = 256 };

struct gw_registry gw_registry;

/* Entries ------------------------------------------------------------------- */

static bool has_id(struct le *le, void *arg)
{
	const struct gw_registry_entry *e = le->data;

	return !strcmp(e->id, arg);
}

struct gw_registry_entry *gw_registry_find(const char *id)
{
	return list_ledata(hash_lookup(gw_registry.by_id, hash_joaat_str(id),
				       has_id, (void *)(uintptr_t)id));
}

/* Calls of another project don't exist for a key. */
struct gw_registry_entry *gw_registry_find_for(const char *id,
					       const struct gw_config_key *key)
{
	struct gw_registry_entry *e = gw_registry_find(id);

	if (!e || !e->stored)
		return NULL;
	if (key && (!e->key || strcmp(e->key->project, key->project) != 0))
		return NULL;
	return e;
}

static void check_empty(void)
{
	if (!gw_registry.emptyh || gw_registry.all.head)
		return;
	tmr_start(&gw_registry.empty_tmr, 0, gw_registry.emptyh,
		  gw_registry.empty_arg);
	gw_registry.emptyh = NULL;
}

void gw_registry_drop(struct gw_registry_entry *e)
{
	if (gw_registry.stats.living)
		gw_registry.stats.living--;
	mem_deref(e);
	check_empty();
}

/* Counting ------------------------------------------------------------------ */

int gw_registry_admit(const struct gw_config_key *key, uint32_t *retry_s)
{
	const struct gw_admission_load load = {
		.living = gw_registry.stats.living,
		.pending = gw_registry.pending,
		.draining = gw_registry.draining,
	};
	const int err =
		gw_admission_check(gw_registry.admission, key, &load, retry_s);

	if (err)
		gw_registry.stats.refused++;
	return err;
}

void gw_registry_count(struct gw_metrics *metrics)
{
	gw_registry.metrics = metrics;
}

void gw_registry_stats(struct gw_registry_stats *stats)
{
	const struct le *le;

	*stats = gw_registry.stats;
	stats->in_progress = 0;
	LIST_FOREACH(&gw_registry.all, le) {
		const struct gw_registry_entry *e = le->data;

		if (gw_call_info(e->call)->status == GW_STATUS_IN_PROGRESS)
			stats->in_progress++;
	}
}

/* Up and down ----------------------------------------------------------------- */

int gw_registry_open(const struct gw_config *cfg, struct gw_store *store,
		     struct gw_events *events, struct gw_media *media)
{
	int err;

	gw_registry.cfg = cfg;
	gw_registry.events = events;
	gw_registry.media = media;
	gw_registry.stats.limit = cfg->limits.calls;
	err = gw_admission_alloc(&gw_registry.admission, cfg, store);
	err = err ? err : hash_alloc(&gw_registry.by_id, CALLS_BUCKETS);
	err = err ? err : hash_alloc(&gw_registry.by_idem, KEYS_BUCKETS);
	return err ? err : gw_events_sink(events, gw_registry_on_disk, NULL);
}

void gw_registry_close(void)
{
	tmr_cancel(&gw_registry.empty_tmr);
	gw_registry.emptyh = NULL;
	while (gw_registry.all.head)
		mem_deref(gw_registry.all.head->data);
	gw_registry.by_id = mem_deref(gw_registry.by_id);
	gw_registry.by_idem = mem_deref(gw_registry.by_idem);
	gw_registry.admission = mem_deref(gw_registry.admission);
}

void gw_registry_drain(void (*emptyh)(void *arg), void *arg)
{
	gw_registry.draining = true;
	gw_registry.emptyh = emptyh;
	gw_registry.empty_arg = arg;
	check_empty();
}

void gw_registry_end_all(void)
{
	struct le *le = gw_registry.all.head;

	while (le) {
		struct gw_registry_entry *e = mem_ref(le->data);

		le = le->next;
		if (e->stored)
			(void)gw_call_hangup(e->call, GW_CAUSE_SERVER_SHUTDOWN,
					     GW_ENDED_BY_GATEWAY);
		else
			e->end_at_once = true;
		mem_deref(e);
	}
}
