/* The living calls. See registry.h.
 *
 *   place ──► stored (call.queued, one commit) ──► gw_call_start()
 *                 │                                     │ events
 *                 └─ refused: never happened            ▼
 *                                    tell(): seq, snapshot ──► events ──► disk
 *                                                                          │
 *             an entry goes when its call.ended is on disk ◄── sink ◄──────┘
 */
#include "server/metrics.h"
#include "server/registry.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/admission.h"
#include "server/call_id.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/lines.h"
#include "server/log.h"
#include "server/sounds.h"
#include "server/store.h"
#include "sip/call.h"
#include "sip/line.h"

enum { CALLS_BUCKETS = 4096, KEYS_BUCKETS = 256, PRINT_MAX = 1000 };

/* One living call. */
struct entry {
	struct le he; /* by id */
	struct le le; /* oldest first */
	char id[GW_STORE_ID_SIZE];
	struct gw_call *call;
	const struct gw_config_key *key; /* or NULL */
	char *to, *line, *client_state;
	struct mbuf *metadata;
	int64_t created_at_ms;
	uint32_t revision;
	int64_t seq;
	uint64_t last_event_id;
	struct list waits;
	bool stored;      /* call.queued is on disk: it has begun */
	bool end_at_once; /* stopped before it could begin */
	gw_order_placed_h *placedh;
	void *arg;
	struct le idem_he; /* by idempotency key, while the answer is owed */
	char *idem_scope;
};

struct gw_registry_wait {
	struct le le;
	enum gw_wait_for what;
	gw_registry_wait_h *h;
	void *arg;
};

static struct {
	const struct gw_config *cfg;
	struct gw_admission *admission;
	struct gw_events *events;
	struct gw_media *media;
	struct gw_metrics *metrics; /* or NULL */
	struct hash *by_id;
	struct hash *by_idem;
	struct list all;
	uint32_t pending;
	struct gw_registry_stats stats;
	bool draining;
	void (*emptyh)(void *arg);
	void *empty_arg;
	struct tmr empty_tmr;
	struct tmr probe;
	uint64_t probe_due;
	uint32_t lag_ms;
	struct bucket {
		double tokens;
		uint64_t at;
	} * buckets; /* by number of the key; one at least */
} reg;

/* Entries ------------------------------------------------------------------- */

static bool has_id(struct le *le, void *arg)
{
	const struct entry *e = le->data;

	return !strcmp(e->id, arg);
}

static struct entry *find(const char *id)
{
	return list_ledata(hash_lookup(reg.by_id, hash_joaat_str(id), has_id,
				       (void *)(uintptr_t)id));
}

/* Calls of another project don't exist for a key. */
static struct entry *find_for(const char *id, const struct gw_config_key *key)
{
	struct entry *e = find(id);

	if (!e || !e->stored)
		return NULL;
	if (key && (!e->key || strcmp(e->key->project, key->project) != 0))
		return NULL;
	return e;
}

static void wait_over(struct entry *e, enum gw_wait_for what)
{
	struct le *le = e->waits.head;

	while (le) {
		struct gw_registry_wait *w = le->data;

		le = le->next;
		if (w->what > what)
			continue;
		list_unlink(&w->le);
		w->h(w->arg);
	}
}

static void entry_destructor(void *arg)
{
	struct entry *e = arg;

	hash_unlink(&e->he);
	hash_unlink(&e->idem_he);
	list_unlink(&e->le);
	list_clear(&e->waits);
	mem_deref(e->call);
	mem_deref(e->to);
	mem_deref(e->line);
	mem_deref(e->client_state);
	mem_deref(e->metadata);
	mem_deref(e->idem_scope);
}

static void check_empty(void)
{
	if (!reg.emptyh || reg.all.head)
		return;
	tmr_start(&reg.empty_tmr, 0, reg.emptyh, reg.empty_arg);
	reg.emptyh = NULL;
}

static void drop(struct entry *e)
{
	if (reg.stats.living)
		reg.stats.living--;
	mem_deref(e);
	check_empty();
}

static int print(struct mbuf **mbp, const struct entry *e)
{
	const struct gw_call_view view = {
		.id = e->id,
		.revision = e->revision,
		.to = e->to,
		.line = e->line,
		.created_at_ms = e->created_at_ms,
		.client_state = e->client_state,
		.metadata = e->metadata,
		.info = gw_call_info(e->call),
	};
	struct mbuf *mb = mbuf_alloc(1536);
	int err = mb ? gw_json_write_call(mb, &view) : ENOMEM;

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

/* The row with the call's newest snapshot. */
static int make_row(struct gw_store_call **rowp, const struct entry *e)
{
	const struct gw_call_info *info = gw_call_info(e->call);
	struct gw_store_call *row = gw_store_call_alloc();
	int err;

	if (!row)
		return ENOMEM;
	memcpy(row->id, e->id, sizeof(row->id));
	row->status = gw_status_name(info->status);
	row->state = gw_call_state_name(info->state);
	row->ended_at_ms = info->ended_at_ms;
	row->seq = e->seq;
	err = print(&row->snapshot, e);
	if (err)
		mem_deref(row);
	else
		*rowp = row;
	return err;
}

/* What an operator and a crash need to find with the row. */
static void add_papers(struct gw_store_call *row, const struct entry *e,
		       enum gw_call_event_type type)
{
	struct mbuf *mb;

	if (type != GW_EV_CALL_ENDED && type != GW_EV_LEG_ANSWERED)
		return;
	mb = mbuf_alloc(type == GW_EV_CALL_ENDED ? 4096 : 512);
	if (!mb)
		return;
	if (type == GW_EV_CALL_ENDED) {
		if (!gw_json_write_ladder(mb, e->call))
			row->ladder = mem_ref(mb);
	} else if (!gw_call_dialog_print(mb, e->call)) {
		row->dialog = mem_ref(mb);
	}
	mem_deref(mb);
}

static void log_event(const struct entry *e, const struct gw_call_event *ev)
{
	const struct gw_call_info *info = gw_call_info(e->call);

	if (ev->type != GW_EV_CALL_ENDED) {
		gw_log(GW_LOG_INFO, gw_event_name(ev->type),
		       GW_F_STR("id", e->id),
		       GW_F_STR("state", gw_call_state_name(info->state)),
		       GW_F_INT("sip", ev->sip_code));
		return;
	}
	gw_log(GW_LOG_INFO, "call.ended", GW_F_STR("id", e->id),
	       GW_F_STR("status", gw_status_name(info->status)),
	       GW_F_STR("cause", gw_cause_name(info->outcome.cause)),
	       GW_F_STR("by", gw_ended_by_name(info->ended_by)),
	       GW_F_INT("sip", info->sip_code), GW_F_NUMBER("to", e->to));
}

static void call_event(struct gw_call *call, const struct gw_call_event *ev,
		       void *arg)
{
	struct entry *e = arg;
	struct gw_store_call *row;
	struct gw_news news = {
		.type = gw_event_name(ev->type),
		.call_id = e->id,
		.leg = gw_role_name(ev->role),
		.at_ms = ev->at_ms,
	};
	struct mbuf *data = NULL;
	int err;
	(void)call;

	if (!news.type) {
		e->revision++;
		return;
	}
	e->revision++;
	news.seq = ++e->seq;
	log_event(e, ev);

	data = mbuf_alloc(64);
	err = data ? gw_json_write_event_data(data, ev) : ENOMEM;
	if (!err) {
		news.data = (const char *)data->buf;
		news.data_len = data->end;
		err = make_row(&row, e);
	}
	if (!err) {
		add_papers(row, e, ev->type);
		err = gw_events_tell(reg.events, &news, row);
	}
	if (err)
		gw_log(GW_LOG_ERROR, "event.lost", GW_F_STR("id", e->id),
		       GW_F_STR("type", news.type), GW_F_ERR("why", err));
	if (err && ev->type == GW_EV_CALL_ENDED)
		drop(e);
	mem_deref(data);
}

static void count_end(const struct entry *e)
{
	const struct gw_call_info *info = gw_call_info(e->call);
	const int64_t answered = info->answered_at_ms;

	if (reg.metrics)
		gw_metrics_call_ended(reg.metrics, gw_status_name(info->status),
				      gw_cause_name(info->outcome.cause),
				      answered ? answered - e->created_at_ms :
						 -1,
				      info->ended_at_ms - answered);
}

void gw_registry_count(struct gw_metrics *metrics)
{
	reg.metrics = metrics;
}

/* What is on disk: those who waited for it may know. */
static void on_disk(const struct gw_event *ev, void *arg)
{
	struct entry *e;
	(void)arg;

	if (!ev->call_id[0])
		return;
	e = find(ev->call_id);
	if (!e)
		return;
	e->last_event_id = ev->id;
	if (!strcmp(ev->type, "call.answered"))
		wait_over(e, GW_WAIT_ANSWERED);
	if (strcmp(ev->type, "call.ended") != 0)
		return;
	count_end(e);
	wait_over(e, GW_WAIT_ENDED);
	drop(e);
}

int gw_registry_admit(const struct gw_config_key *key, uint32_t *retry_s)
{
	const struct gw_admission_load load = {
		.living = reg.stats.living,
		.pending = reg.pending,
		.draining = reg.draining,
	};
	const int err = gw_admission_check(reg.admission, key, &load, retry_s);

	if (err)
		reg.stats.refused++;
	return err;
}

/* Placing ------------------------------------------------------------------- */

static void stored(const struct gw_placed *placed, void *arg)
{
	struct entry *e = arg;
	struct gw_order_placed result = {
		.err = placed->err,
		.id = placed->call_id,
		.body = placed->response,
	};

	reg.pending--;
	hash_unlink(&e->idem_he);
	if (placed->err)
		result.verdict = GW_PLACED_FAILED;
	else if (placed->verdict == GW_IDEM_REPLAY)
		result.verdict = GW_PLACED_REPLAY;
	else if (placed->verdict == GW_IDEM_MISMATCH)
		result.verdict = GW_PLACED_MISMATCH;
	else
		result.verdict = GW_PLACED;
	e->placedh(&result, e->arg);
	if (result.verdict != GW_PLACED) {
		drop(e);
		return;
	}
	e->stored = true;
	e->last_event_id = placed->last_event_id;
	reg.stats.placed++;
	gw_log(GW_LOG_INFO, "call.queued", GW_F_STR("id", e->id),
	       GW_F_STR("line", e->line), GW_F_NUMBER("to", e->to));
	if (e->end_at_once)
		(void)gw_call_hangup(e->call, GW_CAUSE_SERVER_SHUTDOWN,
				     GW_ENDED_BY_GATEWAY);
	else
		gw_call_start(e->call);
}

static bool has_scope(struct le *le, void *arg)
{
	const struct entry *e = le->data;

	return !strcmp(e->idem_scope, arg);
}

/* A second request with a key whose first one is still being stored. */
static int claim_key(struct entry *e, struct gw_store_idem **idemp,
		     const struct gw_placement *pl)
{
	struct gw_store_idem *idem;
	uint32_t hash;
	int err;

	err = re_sdprintf(&e->idem_scope, "%s POST /calls %s",
			  pl->key ? pl->key->name : "", pl->idempotency_key);
	if (err)
		return err;
	hash = hash_joaat_str(e->idem_scope);
	if (hash_lookup(reg.by_idem, hash, has_scope, e->idem_scope))
		return EINPROGRESS;
	idem = gw_store_idem_alloc();
	if (!idem)
		return ENOMEM;
	err = str_dup(&idem->scope_key, e->idem_scope);
	if (err) {
		mem_deref(idem);
		return err;
	}
	memcpy(idem->body_sha256, pl->body_sha256, sizeof(idem->body_sha256));
	hash_append(reg.by_idem, hash, &e->idem_he, e);
	*idemp = idem;
	return 0;
}

static int make_call(struct entry *e, const struct gw_placement *pl)
{
	const struct gw_order_request *o = pl->order;
	const bool sandbox = gw_lines_is_sandbox(pl->line);
	const struct gw_call_order order = {
		.to = pl->uri,
		.line = pl->line,
		.caller_number = o->caller_number,
		.caller_name = o->caller_name,
		.caller_privacy = o->caller_privacy,
		.auto_answer = o->auto_answer,
		.ring_timeout_s = o->ring_timeout_s,
		.time_limit_s = o->time_limit_s,
		.setup_deadline_s = o->setup_deadline_s,
		.announce = o->announce_play ?
				    gw_sounds_find(o->announce_play) :
				    NULL,
		.headers = o->headers,
		.header_count = o->header_count,
		.media_listen = sandbox ? NULL : reg.cfg->media.listen,
		.media_advertise = sandbox ? NULL : reg.cfg->media.advertise,
		.decline_failed = reg.cfg->decline_status ==
				  GW_CONFIG_DECLINE_FAILED,
	};

	return gw_call_alloc(&e->call, &order, reg.media, call_event, e);
}

static int fill_entry(struct entry *e, const struct gw_placement *pl)
{
	const struct gw_order_request *o = pl->order;
	int err;

	e->key = pl->key;
	e->created_at_ms = gw_clock_ms();
	e->revision = 1;
	e->seq = 1;
	err = gw_call_id_make(e->id, e->created_at_ms);
	err = err ? err : str_dup(&e->to, o->to);
	err = err ? err : str_dup(&e->line, gw_line_name(pl->line));
	if (!err && o->client_state)
		err = str_dup(&e->client_state, o->client_state);
	if (!err && o->metadata) {
		e->metadata = mbuf_alloc(256);
		err = e->metadata ? gw_json_print(e->metadata, o->metadata) :
				    ENOMEM;
	}
	return err ? err : make_call(e, pl);
}

/* The row of a new call has what lists are searched by, too. */
static int make_first_row(struct gw_store_call **rowp, const struct entry *e)
{
	struct gw_store_call *row;
	int err;

	err = make_row(&row, e);
	if (err)
		return err;
	row->insert = true;
	row->created_at_ms = e->created_at_ms;
	err = str_dup(&row->to, e->to);
	err = err ? err : str_dup(&row->line, e->line);
	if (!err && e->key)
		err = str_dup(&row->project, e->key->project);
	if (err)
		mem_deref(row);
	else
		*rowp = row;
	return err;
}

int gw_registry_place(const struct gw_placement *pl, gw_order_placed_h *h,
		      void *arg)
{
	struct gw_store_idem *idem = NULL;
	struct gw_store_call *row = NULL;
	struct gw_news news = { .type = "call.queued", .seq = 1 };
	struct entry *e;
	int err;

	e = mem_zalloc(sizeof(*e), entry_destructor);
	if (!e)
		return ENOMEM;
	e->placedh = h;
	e->arg = arg;
	err = fill_entry(e, pl);
	if (!err && pl->idempotency_key)
		err = claim_key(e, &idem, pl);
	err = err ? err : make_first_row(&row, e);
	if (err)
		goto out;

	news.call_id = e->id;
	news.at_ms = e->created_at_ms;
	err = gw_events_place(reg.events, &news, row, idem, stored, e);
	row = NULL;
	idem = NULL;
	if (err)
		goto out;

	hash_append(reg.by_id, hash_joaat_str(e->id), &e->he, e);
	list_append(&reg.all, &e->le, e);
	reg.stats.living++;
	reg.pending++;
	return 0;
out:
	mem_deref(row);
	mem_deref(idem);
	mem_deref(e);
	return err;
}

/* Looking at living calls ----------------------------------------------------- */

static int print_entry(struct mbuf *mb, const struct entry *e)
{
	struct mbuf *snapshot;
	int err;

	err = print(&snapshot, e);
	if (err)
		return err;
	err = gw_store_snapshot_json(mb, snapshot->buf, snapshot->end,
				     e->last_event_id);
	mem_deref(snapshot);
	return err;
}

int gw_registry_print(struct mbuf *mb, const char *id,
		      const struct gw_config_key *key)
{
	const struct entry *e = find_for(id, key);

	return e ? print_entry(mb, e) : ENOENT;
}

int gw_registry_print_ladder(struct mbuf *mb, const char *id,
			     const struct gw_config_key *key)
{
	const struct entry *e = find_for(id, key);

	return e ? gw_json_write_ladder(mb, e->call) : ENOENT;
}

int gw_registry_print_all(struct mbuf *mb, const struct gw_config_key *key)
{
	unsigned count = 0;
	struct le *le;
	int err;

	err = mbuf_write_str(mb, "[");
	LIST_FOREACH(&reg.all, le) {
		const struct entry *e = le->data;

		if (err || count >= PRINT_MAX)
			break;
		if (!find_for(e->id, key))
			continue;
		if (count++)
			err = mbuf_write_str(mb, ",");
		err = err ? err : print_entry(mb, e);
	}
	return err ? err : mbuf_write_str(mb, "]");
}

int gw_registry_hangup(const char *id, const struct gw_config_key *key)
{
	struct entry *e = find_for(id, key);

	return e ? gw_call_hangup(e->call, GW_CAUSE_CANCELED_BY_API,
				  GW_ENDED_BY_API) :
		   ENOENT;
}

static void wait_destructor(void *arg)
{
	struct gw_registry_wait *w = arg;

	list_unlink(&w->le);
}

int gw_registry_wait(struct gw_registry_wait **waitp, const char *id,
		     enum gw_wait_for what, gw_registry_wait_h *h, void *arg)
{
	struct entry *e = find(id);
	struct gw_registry_wait *w;

	if (!e || !e->stored)
		return ENOENT;
	if (what == GW_WAIT_ANSWERED && gw_call_info(e->call)->answered_at_ms)
		return EALREADY;
	w = mem_zalloc(sizeof(*w), wait_destructor);
	if (!w)
		return ENOMEM;
	w->what = what;
	w->h = h;
	w->arg = arg;
	list_append(&e->waits, &w->le, w);
	*waitp = w;
	return 0;
}

/* Up and down ----------------------------------------------------------------- */

int gw_registry_open(const struct gw_config *cfg, struct gw_store *store,
		     struct gw_events *events, struct gw_media *media)
{
	int err;

	reg.cfg = cfg;
	reg.events = events;
	reg.media = media;
	reg.stats.limit = cfg->limits.calls;
	err = gw_admission_alloc(&reg.admission, cfg, store);
	err = err ? err : hash_alloc(&reg.by_id, CALLS_BUCKETS);
	err = err ? err : hash_alloc(&reg.by_idem, KEYS_BUCKETS);
	return err ? err : gw_events_sink(events, on_disk, NULL);
}

void gw_registry_close(void)
{
	tmr_cancel(&reg.empty_tmr);
	reg.emptyh = NULL;
	while (reg.all.head)
		mem_deref(reg.all.head->data);
	reg.by_id = mem_deref(reg.by_id);
	reg.by_idem = mem_deref(reg.by_idem);
	reg.admission = mem_deref(reg.admission);
}

void gw_registry_drain(void (*emptyh)(void *arg), void *arg)
{
	reg.draining = true;
	reg.emptyh = emptyh;
	reg.empty_arg = arg;
	check_empty();
}

void gw_registry_end_all(void)
{
	struct le *le = reg.all.head;

	while (le) {
		struct entry *e = mem_ref(le->data);

		le = le->next;
		if (e->stored)
			(void)gw_call_hangup(e->call, GW_CAUSE_SERVER_SHUTDOWN,
					     GW_ENDED_BY_GATEWAY);
		else
			e->end_at_once = true;
		mem_deref(e);
	}
}

void gw_registry_stats(struct gw_registry_stats *stats)
{
	const struct le *le;

	*stats = reg.stats;
	stats->in_progress = 0;
	LIST_FOREACH(&reg.all, le) {
		const struct entry *e = le->data;

		if (gw_call_info(e->call)->status == GW_STATUS_IN_PROGRESS)
			stats->in_progress++;
	}
}
