/* The living calls. See registry.h.
 *
 *   place ──► stored (call.queued, one commit) ──► gw_call_start()
 *                 │                                     │ events
 *                 └─ refused: never happened            ▼
 *                                          seq, snapshot ──► events ──► disk
 *                                                                        │
 *   an entry lives until its call.ended is on disk ◄───── sink ◄─────────┘
 *   and rests a second more for its ladder
 *
 *   registry.c         this: who lives, up and down
 *   registry_place.c   from an order to a call
 *   registry_later.c   until its time comes
 *   registry_again.c   and again
 *   registry_restore.c after a restart
 *   registry_share.c   how many of these each key has
 *   registry_tell.c    from a call to its rows and events
 *   registry_record.c  from a call's sound to its file
 *   registry_limit.c   how much may be dialled
 *   registry_target.c  where a phone or a server sends a call on to
 *   registry_look.c    what may be asked of a living call */
#include "server/registry_impl.h"

#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "server/admission.h"
#include "server/audience.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/key.h"
#include "server/log.h"

enum {
	CALLS_BUCKETS = 4096,
	KEYS_BUCKETS = 256,
	REST_MS = 1000,
	REST_TICK_MS = 100,
	FROZEN_RETRY_S = 60,
	ALIVE_MS = 10000,
};

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
					       const struct gw_key *key)
{
	struct gw_registry_entry *e = gw_registry_find(id);
	struct gw_whose whose = { NULL };

	if (!e || !e->stored)
		return NULL;
	if (e->key)
		whose = (struct gw_whose){
			e->key->project,
			e->key->name,
			e->key->click ? e->key->click->id : NULL,
		};
	return gw_audience_call(key, &whose) ? e : NULL;
}

static void check_empty(void)
{
	if (!gw_registry.emptyh || gw_registry.all.head)
		return;
	tmr_start(&gw_registry.empty_tmr, 0, gw_registry.emptyh,
		  gw_registry.empty_arg);
	gw_registry.emptyh = NULL;
}

static void count_out(const struct gw_registry_entry *e)
{
	if (e->postponed) {
		gw_later_leave(e);
		return;
	}
	if (gw_registry.stats.living)
		gw_registry.stats.living--;
	gw_registry.legs -= MIN(e->legs, gw_registry.legs);
}

void gw_registry_begin(struct gw_registry_entry *e)
{
	count_out(e);
	e->postponed = false;
	gw_registry_enter(e);
}

void gw_registry_wait_again(struct gw_registry_entry *e)
{
	count_out(e);
	e->postponed = true;
	gw_quota_undo(e->use);
	e->use = NULL;
	gw_registry_enter(e);
}

void gw_registry_drop(struct gw_registry_entry *e)
{
	count_out(e);
	mem_deref(e);
	check_empty();
}

/* Ladder and all: what comes now comes too late. */
static void settle(struct gw_registry_entry *e)
{
	struct gw_store_call *row = NULL;
	int err = 0;

	if (e->settled) {
		mem_deref(e);
		return;
	}
	/* what call.ended has told need not be written again */
	if (e->told_revision == e->revision)
		row = gw_registry_bare_row(e);
	else
		err = gw_registry_row(&row, e);
	err = err || row ? err : ENOMEM;
	if (!err) {
		row->ladder = mbuf_alloc(4096);
		err = row->ladder ? gw_json_write_ladder(row->ladder, e->call) :
				    ENOMEM;
	}
	if (err)
		mem_deref(row);
	else
		err = gw_events_save(gw_registry.events, row);
	if (err)
		gw_log(GW_LOG_WARNING, "ladder.lost", GW_F_STR("id", e->id),
		       GW_F_ERR("why", err));
	if (!e->unsaved) {
		mem_deref(e);
		return;
	}
	/* its last event is still to come: see registry_record.c */
	e->settled = true;
	list_unlink(&e->le);
	list_append(&gw_registry.unsaved, &e->le, e);
}

static void settle_those_due(void *arg)
{
	const uint64_t now = tmr_jiffies();
	(void)arg;

	while (gw_registry.over.head) {
		struct gw_registry_entry *e = gw_registry.over.head->data;

		if (now - e->over_at < REST_MS) {
			tmr_start(&gw_registry.over_tmr, REST_TICK_MS,
				  settle_those_due, NULL);
			return;
		}
		settle(e);
	}
}

int gw_registry_let_go(const char *id)
{
	struct gw_registry_entry *e = gw_registry_find(id);

	if (!e)
		return 0;
	if (!e->over_at || e->unsaved || e->settled)
		return EBUSY;
	settle(e);
	return 0;
}

void gw_registry_forget(struct gw_registry_entry *e)
{
	list_unlink(&e->le);
	list_prepend(&gw_registry.over, &e->le, e);
	tmr_start(&gw_registry.over_tmr, 0, settle_those_due, NULL);
}

void gw_registry_rest(struct gw_registry_entry *e)
{
	count_out(e);
	e->over_at = tmr_jiffies();
	list_unlink(&e->le);
	list_append(&gw_registry.over, &e->le, e);
	if (!tmr_isrunning(&gw_registry.over_tmr))
		tmr_start(&gw_registry.over_tmr, REST_MS, settle_those_due,
			  NULL);
	check_empty();
}

void gw_registry_flush(void)
{
	tmr_cancel(&gw_registry.over_tmr);
	while (gw_registry.over.head)
		settle(gw_registry.over.head->data);
}

/* Counting ------------------------------------------------------------------ */

int gw_registry_admit(const struct gw_key *key, uint32_t *retry_s)
{
	if (gw_registry.frozen) {
		*retry_s = FROZEN_RETRY_S;
		gw_registry.stats.refused++;
		return EPERM;
	}
	const struct gw_admission_load load = {
		.living = gw_registry.stats.living,
		.legs = gw_registry.legs,
		.pending = gw_registry.pending,
		.draining = gw_registry.draining,
		.outbox_full = gw_webhooks_full(gw_registry.webhooks),
	};
	const int err =
		gw_admission_check(gw_registry.admission, key, &load, retry_s);

	if (err)
		gw_registry.stats.refused++;
	return err;
}

bool gw_registry_is_frozen(void)
{
	return gw_registry.frozen;
}

struct freeze {
	gw_registry_frozen_h *h;
	void *arg;
};

static void freeze_written(struct gw_store_job *job, void *arg)
{
	struct freeze *f = arg;

	f->h(job->err, f->arg);
	mem_deref(f);
}

int gw_registry_freeze(bool frozen, gw_registry_frozen_h *h, void *arg)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct freeze *f = mem_zalloc(sizeof(*f), NULL);
	int err;

	/* whatever the disk says: now it holds */
	gw_registry.frozen = frozen;
	if (!job || !f) {
		mem_deref(job);
		mem_deref(f);
		return ENOMEM;
	}
	f->h = h;
	f->arg = arg;
	job->meta = "frozen";
	job->meta_value = frozen;
	job->doneh = freeze_written;
	job->arg = f;
	err = gw_store_push(gw_registry.store, job);
	if (err)
		mem_deref(f);
	return err;
}

bool gw_registry_has_ports(uint32_t legs)
{
	return gw_admission_has_ports(gw_registry.cfg, gw_registry.legs, legs);
}

void gw_registry_webhooks(struct gw_webhooks *webhooks)
{
	gw_registry.webhooks = webhooks;
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

/* Signs of life --------------------------------------------------------------- */

/* Should this process die, its calls have ended after the last of these, and not
 * much later. One for the gateway, and none while nobody calls. */
static void say_alive(void *arg)
{
	struct gw_store_job *job;
	(void)arg;

	if (!gw_registry.all.head)
		return;
	tmr_start(&gw_registry.alive_tmr, ALIVE_MS, say_alive, NULL);
	if (gw_store_health(gw_registry.store))
		return;
	job = gw_store_job_alloc(0);
	if (!job)
		return;
	job->meta = "alive_at";
	job->meta_value = gw_clock_ms();
	(void)gw_store_push(gw_registry.store, job);
}

void gw_registry_alive(void)
{
	if (!tmr_isrunning(&gw_registry.alive_tmr))
		tmr_start(&gw_registry.alive_tmr, ALIVE_MS, say_alive, NULL);
}

/* Up and down ----------------------------------------------------------------- */

int gw_registry_open(const struct gw_config *cfg, struct gw_store *store,
		     struct gw_events *events, struct gw_media *media)
{
	int err;

	gw_registry.cfg = cfg;
	gw_registry.events = events;
	gw_registry.media = media;
	gw_registry.store = store;
	gw_registry.frozen = gw_store_facts(store)->frozen;
	gw_registry.stats.limit = gw_admission_limit(cfg);
	err = gw_admission_alloc(&gw_registry.admission, cfg, store);
	err = err ? err : gw_quota_alloc(&gw_registry.quota, cfg);
	err = err ? err : hash_alloc(&gw_registry.by_id, CALLS_BUCKETS);
	err = err ? err : hash_alloc(&gw_registry.by_idem, KEYS_BUCKETS);
	return err ? err : gw_events_sink(events, gw_registry_on_disk, NULL);
}

void gw_registry_reload(const struct gw_config *cfg)
{
	gw_registry.cfg = cfg;
	gw_registry.stats.limit = gw_admission_limit(cfg);
	gw_admission_reload(gw_registry.admission, cfg);
	(void)gw_quota_reload(gw_registry.quota, cfg);
}

void gw_registry_close(void)
{
	tmr_cancel(&gw_registry.empty_tmr);
	gw_registry.emptyh = NULL;
	tmr_cancel(&gw_registry.over_tmr);
	tmr_cancel(&gw_registry.alive_tmr);
	while (gw_registry.all.head)
		mem_deref(gw_registry.all.head->data);
	tmr_cancel(&gw_registry.later_tmr);
	gw_registry.keyh = NULL;
	while (gw_registry.waiting.head)
		mem_deref(gw_registry.waiting.head->data);
	while (gw_registry.over.head)
		mem_deref(gw_registry.over.head->data);
	while (gw_registry.unsaved.head)
		mem_deref(gw_registry.unsaved.head->data);
	gw_registry.by_id = mem_deref(gw_registry.by_id);
	gw_registry.by_idem = mem_deref(gw_registry.by_idem);
	gw_registry.shares = mem_deref(gw_registry.shares);
	gw_registry.admission = mem_deref(gw_registry.admission);
	gw_registry.quota = mem_deref(gw_registry.quota);
}

void gw_registry_drain(void (*emptyh)(void *arg), void *arg)
{
	gw_registry.draining = true;
	gw_registry.emptyh = emptyh;
	gw_registry.empty_arg = arg;
	check_empty();
}

/* Those that are not on disk yet end when they are. */
static void end_each(const struct list *list, enum gw_cause cause,
		     enum gw_ended_by by)
{
	struct le *le = list->head;

	while (le) {
		struct gw_registry_entry *e = mem_ref(le->data);

		le = le->next;
		if (e->stored) {
			(void)gw_call_hangup(e->call, cause, by);
		} else {
			e->end_at_once = true;
			e->end_cause = cause;
			e->end_by = by;
		}
		mem_deref(e);
	}
}

void gw_registry_end_all(void)
{
	/* those that wait go on waiting, on disk */
	end_each(&gw_registry.all, GW_CAUSE_SERVER_SHUTDOWN,
		 GW_ENDED_BY_GATEWAY);
}

void gw_registry_hangup_all(void)
{
	end_each(&gw_registry.all, GW_CAUSE_CANCELED_BY_API, GW_ENDED_BY_API);
	end_each(&gw_registry.waiting, GW_CAUSE_CANCELED_BY_API,
		 GW_ENDED_BY_API);
}
