/* From news to committed events, and on to the sinks.
 *
 *   gw_events_tell() -> pending jobs of this turn -> store -> completion -> sinks
 *
 * A job of the turn takes further events as long as they speak of the same call
 * and nothing else was told in between: so the journal keeps the order of
 * telling. The turn's jobs are pushed by a timer of 0 ms, which libre runs when
 * the sockets of this turn are done.
 *
 * When the disk refuses, these jobs wait in the store's queue, in front of all
 * others: calls go on, events are seen later, in order. Only when that queue is
 * full (and when the process ends with the disk still refusing) are events lost:
 * counted, and told to the log. A placement is different: its commit fails, and
 * it has never happened. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/events_impl.h"
#include "server/log.h"

enum { JOB_EVENTS = 6 }; /* what one turn of one call usually says, and more */

/* A job that this turn still adds to. */
struct batch {
	struct le le;
	struct gw_store_job *job;
	char call_id[GW_STORE_ID_SIZE];
};

/* The log ---------------------------------------------------------------- */

/* Who tells an event logs it, too, with what it knows of it; this is the line that
 * says when it was on disk, and under which id. */
static void log_event(const struct gw_event *ev)
{
	gw_log(GW_LOG_DEBUG, "journal.written", GW_F_INT("event", ev->id),
	       GW_F_STR("type", ev->type),
	       GW_F_STR("call", ev->call_id[0] ? ev->call_id : NULL));
}

static void log_lost(const struct gw_store_job *job, int err)
{
	gw_log(GW_LOG_ERROR, "events.lost",
	       GW_F_STR("call", job->call ? job->call->id : NULL),
	       GW_F_INT("events", job->event_count), GW_F_ERR("err", err));
}

/* Seen, for it is on disk ---------------------------------------------------- */

void gw_events_show(struct gw_events *events, const struct gw_store_job *job)
{
	for (size_t i = 0; i < job->event_count; i++) {
		struct gw_event *ev;

		if (gw_event_of(&ev, &job->events[i])) {
			events->stats.unseen++;
			continue;
		}
		log_event(ev);
		for (size_t k = 0; k < events->sink_count; k++)
			events->sinks[k].h(ev, events->sinks[k].arg);
		if (job->events[i].delivery_count)
			events->postedh(ev, job->events[i].deliveries,
					job->events[i].delivery_count,
					events->outbox_arg);
		mem_deref(ev);
	}
	events->stats.committed += job->event_count;
}

/* Telling ------------------------------------------------------------------ */

int gw_events_add(const struct gw_events *events, struct gw_store_job *job,
		  const struct gw_news *news, const struct mbuf *snapshot)
{
	struct gw_store_event *ev = &job->events[job->event_count];
	int err = 0;

	if (news->project)
		err = str_dup(&ev->project, news->project);
	if (!err && news->key)
		err = str_dup(&ev->key, news->key);
	if (!err && news->line)
		err = str_dup(&ev->line, news->line);
	err = err ? err : gw_event_encode(ev, news, snapshot);
	ev->type = news->type;
	ev->seq = news->seq;
	ev->at_ms = news->at_ms;
	if (news->call_id)
		str_ncpy(ev->call_id, news->call_id, sizeof(ev->call_id));
	if (!err && events->outboxh)
		err = events->outboxh(ev, news->callback, events->outbox_arg);
	if (err)
		gw_store_event_reset(ev);
	else
		job->event_count++;
	return err;
}

/* Moves *fromp into an empty *top: what the newer row doesn't speak of. */
static void keep_older(struct mbuf **top, struct mbuf **fromp)
{
	if (*top)
		return;

	*top = *fromp;
	*fromp = NULL;
}

/* The newer row stands for both; with no snapshot of its own the older one's is
 * still the newest. Takes row over. */
static void replace_row(struct gw_store_job *job, struct gw_store_call *row)
{
	struct gw_store_call *old = job->call;

	if (!row)
		return;

	if (old) {
		if (!row->snapshot)
			row->told = old->told;
		keep_older(&row->snapshot, &old->snapshot);
		keep_older(&row->ladder, &old->ladder);
		keep_older(&row->dialog, &old->dialog);
		row->status = row->status ? row->status : old->status;
		row->state = row->state ? row->state : old->state;
		if (!row->ended_at_ms)
			row->ended_at_ms = old->ended_at_ms;
		if (row->seq < old->seq)
			row->seq = old->seq;
		mem_deref(old);
	}
	job->call = row;
}

static void batch_destructor(void *arg)
{
	struct batch *batch = arg;

	list_unlink(&batch->le);
	mem_deref(batch->job);
}

static void job_done(struct gw_store_job *job, void *arg)
{
	struct gw_events *events = arg;

	if (job->err) {
		log_lost(job, job->err);
		events->stats.lost += job->event_count;
	} else {
		gw_events_show(events, job);
	}
	mem_deref(events);
}

static void push(struct gw_events *events, struct gw_store_job *job)
{
	const size_t count = job->event_count;
	int err;

	job->arg = mem_ref(events);
	err = gw_store_push(events->store, job);
	if (!err)
		return;

	gw_log(GW_LOG_ERROR, "events.lost", GW_F_INT("events", count),
	       GW_F_ERR("err", err));
	events->stats.lost += count;
	mem_deref(events);
}

void gw_events_flush(struct gw_events *events)
{
	struct le *le;

	tmr_cancel(&events->flush);

	while ((le = list_head(&events->pending))) {
		struct batch *batch = le->data;
		push(events, batch->job);
		batch->job = NULL;
		mem_deref(batch);
	}
}

static void flush_handler(void *arg)
{
	gw_events_flush(arg);
}

static int new_batch(struct batch **batchp, struct gw_events *events,
		     const char *call_id)
{
	struct batch *batch;

	batch = mem_zalloc(sizeof(*batch), batch_destructor);
	if (!batch)
		return ENOMEM;

	batch->job = gw_store_job_alloc(JOB_EVENTS);
	if (!batch->job) {
		mem_deref(batch);
		return ENOMEM;
	}
	batch->job->event_count = 0;
	batch->job->keep = true;
	batch->job->doneh = job_done;
	if (call_id)
		str_ncpy(batch->call_id, call_id, sizeof(batch->call_id));

	list_append(&events->pending, &batch->le, batch);
	if (!tmr_isrunning(&events->flush))
		tmr_start(&events->flush, 0, flush_handler, events);
	*batchp = batch;
	return 0;
}

/* The turn's last job if it may take something more of this call, or a new one. */
static int find_batch(struct batch **batchp, struct gw_events *events,
		      const char *call_id)
{
	struct batch *last = list_ledata(list_tail(&events->pending));

	if (last && call_id && 0 == strcmp(last->call_id, call_id) &&
	    last->job->event_count < JOB_EVENTS) {
		*batchp = last;
		return 0;
	}

	return new_batch(batchp, events, call_id);
}

int gw_events_tell(struct gw_events *events, const struct gw_news *news,
		   struct gw_store_call *row)
{
	struct batch *batch;
	int err;

	err = find_batch(&batch, events, news->call_id);
	err = err ? err :
		    gw_events_add(events, batch->job, news,
				  row ? row->snapshot : NULL);
	if (err) {
		events->stats.lost++;
		mem_deref(row);
		return err;
	}

	if (row)
		row->told = row->snapshot != NULL;
	replace_row(batch->job, row);
	events->stats.told++;
	return 0;
}

int gw_events_save(struct gw_events *events, struct gw_store_call *row)
{
	struct batch *batch;
	int err;

	err = find_batch(&batch, events, row->id);
	if (err) {
		mem_deref(row);
		return err;
	}

	replace_row(batch->job, row);
	return 0;
}

/* Up and down --------------------------------------------------------------- */

static void events_destructor(void *arg)
{
	struct gw_events *events = arg;

	tmr_cancel(&events->flush);
	list_flush(&events->pending);
}

int gw_events_alloc(struct gw_events **eventsp, struct gw_store *store)
{
	struct gw_events *events;

	events = mem_zalloc(sizeof(*events), events_destructor);
	if (!events)
		return ENOMEM;

	events->store = store;
	list_init(&events->pending);
	tmr_init(&events->flush);
	*eventsp = events;
	return 0;
}

int gw_events_sink(struct gw_events *events, gw_events_sink_h *h, void *arg)
{
	if (events->sink_count == GW_EVENTS_SINKS)
		return ENOSPC;

	events->sinks[events->sink_count].h = h;
	events->sinks[events->sink_count++].arg = arg;
	return 0;
}

void gw_events_outbox(struct gw_events *events, gw_events_outbox_h *h,
		      gw_events_posted_h *postedh, void *arg)
{
	events->outboxh = h;
	events->postedh = postedh;
	events->outbox_arg = arg;
}

void gw_events_stats(const struct gw_events *events, struct gw_events_stats *st)
{
	*st = events->stats;
}
