/* Jobs that somebody waits for: a new call, what an Idempotency-Key is known for, a
 * call whose people are erased. They come behind what this turn has told so far. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/events_impl.h"

/* A placement that waits for its commit. */
struct placing {
	struct gw_events *events;
	gw_events_placed_h *h;
	void *arg;
};

/* Placing -------------------------------------------------------------------- */

static void placing_destructor(void *arg)
{
	struct placing *p = arg;

	mem_deref(p->events);
}

/* The new call's first snapshot, as its 201 shows it. */
static int first_response(struct mbuf **mbp, const struct gw_store_job *job)
{
	const struct mbuf *snapshot = job->call->snapshot;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(snapshot->end + 48);
	if (!mb)
		return ENOMEM;

	err = gw_store_snapshot_json(mb, snapshot->buf, snapshot->end,
				     job->last_event_id);
	if (err) {
		mem_deref(mb);
		return err;
	}
	mb->pos = 0;
	*mbp = mb;
	return 0;
}

/* On disk, or it has never happened. A call that is on disk is told as such even
 * when there is no memory to say it all: response is NULL then. */
static void placed_done(struct gw_store_job *job, void *arg)
{
	struct placing *p = arg;
	struct gw_placed placed = {
		.err = job->err,
		.verdict = job->verdict,
		.call_id = job->call_id[0] ? job->call_id :
			   job->call       ? job->call->id :
					     NULL,
		.last_event_id = job->last_event_id,
	};
	const bool is_new = !job->err && job->verdict == GW_IDEM_NEW;
	struct mbuf *first = NULL;

	if (is_new && job->call)
		(void)first_response(&first, job);
	placed.response = is_new ? first : job->response;

	p->h(&placed, p->arg);
	if (is_new)
		gw_events_show(p->events, job);

	mem_deref(first);
	mem_deref(p);
}

static int new_placing(struct gw_store_job **jobp, struct gw_events *events,
		       gw_events_placed_h *h, void *arg)
{
	struct gw_store_job *job;
	struct placing *p;

	p = mem_zalloc(sizeof(*p), placing_destructor);
	if (!p)
		return ENOMEM;

	job = gw_store_job_alloc(1);
	if (!job) {
		mem_deref(p);
		return ENOMEM;
	}
	p->events = mem_ref(events);
	p->h = h;
	p->arg = arg;
	job->event_count = 0;
	job->doneh = placed_done;
	job->arg = p;
	*jobp = job;
	return 0;
}

int gw_events_place(struct gw_events *events, const struct gw_news *news,
		    struct gw_store_call *row, const struct gw_once *once,
		    gw_events_placed_h *h, void *arg)
{
	struct gw_once left = *once; /* what job has not taken over */
	struct gw_store_job *job = NULL;
	void *placing = NULL;
	int err;

	err = gw_store_health(events->store);
	if (!err && !row->snapshot)
		err = EINVAL;
	if (!err)
		err = new_placing(&job, events, h, arg);
	if (err)
		goto out;

	placing = job->arg;
	err = gw_events_add(events, job, news, row->snapshot);
	if (err)
		goto out;

	row->insert = row->told = true;
	job->call = row;
	job->idem = left.idem;
	job->dedupe = left.dedupe;
	job->click = left.click;
	row = NULL;
	left = (struct gw_once){ NULL };

	gw_events_flush(events); /* what was told before comes before */
	err = gw_store_push(events->store, job);
	job = NULL;
	if (!err)
		events->stats.told++;

out:
	if (err) {
		mem_deref(job);
		mem_deref(placing);
		mem_deref(row);
		mem_deref(left.idem);
		mem_deref(left.dedupe);
		mem_deref(left.click);
	}
	return err;
}

static int push_idem(struct gw_events *events, struct gw_store_idem *idem,
		     gw_events_placed_h *h, void *arg)
{
	struct gw_store_job *job;
	void *placing;
	int err;

	err = new_placing(&job, events, h, arg);
	if (err) {
		mem_deref(idem);
		return err;
	}
	placing = job->arg;
	job->idem = idem;
	err = gw_store_push(events->store, job);
	if (err)
		mem_deref(placing);
	return err;
}

int gw_events_recall(struct gw_events *events, struct gw_store_idem *idem,
		     gw_events_placed_h *h, void *arg)
{
	idem->only_look = true;
	return push_idem(events, idem, h, arg);
}

int gw_events_remember(struct gw_events *events, struct gw_store_idem *idem,
		       gw_events_placed_h *h, void *arg)
{
	return push_idem(events, idem, h, arg);
}

/* Erasing -------------------------------------------------------------------- */

struct erasing {
	gw_events_erased_h *h;
	void *arg;
};

static void erased(struct gw_store_job *job, void *arg)
{
	struct erasing *e = arg;

	e->h(job->err, e->arg);
	mem_deref(e);
}

int gw_events_erase(struct gw_events *events, const char *call_id,
		    int64_t at_ms, gw_events_erased_h *h, void *arg)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct erasing *e = mem_zalloc(sizeof(*e), NULL);
	int err;

	if (job)
		job->erase = gw_store_erase_alloc();
	if (!job || !job->erase || !e) {
		mem_deref(job);
		mem_deref(e);
		return ENOMEM;
	}
	str_ncpy(job->erase->call_id, call_id, sizeof(job->erase->call_id));
	(void)gw_events_time(job->erase->at, at_ms);
	e->h = h;
	e->arg = arg;
	job->doneh = erased;
	job->arg = e;
	gw_events_flush(events);
	err = gw_store_push(events->store, job);
	if (err)
		mem_deref(e);
	return err;
}
