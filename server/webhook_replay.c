/* Deliveries that are over wait once more: one, or all of a range. See webhook.h.
 *
 *   found (reading connection) ──► put back, with an audit row: one commit ──►
 *   queued again, each in its place among those of its call
 *
 * What waits already, or is put back by somebody else in between, is left alone:
 * the commit says which ones were over, and only those are queued. */
#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/log.h"
#include "server/webhook_impl.h"

struct replay {
	struct gw_webhooks *webhooks;
	struct gw_store_read *rd; /* what was found */
	struct gw_store_audit *audit;
	uint64_t id; /* the one that is meant; 0: a range */
	gw_webhook_replayed_h *h;
	void *arg;
};

static void destructor(void *arg)
{
	struct replay *r = arg;

	mem_deref(r->rd);
	mem_deref(r->audit);
	mem_deref(r->webhooks);
}

static void finish(struct replay *r, int err, size_t count)
{
	const struct gw_webhook_replayed result = {
		.err = err,
		.count = count,
		.more = !err && !r->id && r->rd->more,
	};

	r->h(&result, r->arg);
	mem_deref(r);
}

static void queue(struct gw_webhooks *w, struct gw_store_outgoing_row *row)
{
	row->attempts = 0;
	row->due_ms = gw_clock_ms();
	if (!gw_webhook_add(w, row, NULL))
		return;
	gw_log(GW_LOG_ERROR, "webhook.put_off",
	       GW_F_INT("delivery", (int64_t)row->id),
	       GW_F_STR("why", "out of memory: the next start sends it"));
}

static void written(struct gw_store_job *job, void *arg)
{
	struct replay *r = arg;
	struct gw_webhooks *w = r->webhooks;
	size_t count = 0;
	int err = job->err;

	for (size_t i = 0; !err && i < job->try_count; i++) {
		if (!job->tries[i].was_over)
			continue;
		count++;
		if (!w->stopped)
			queue(w, &r->rd->outgoing[i]);
	}
	if (!err && r->id && !count)
		err = EALREADY;
	if (!err)
		gw_log(GW_LOG_INFO, "webhook.replayed",
		       GW_F_STR("endpoint", r->rd->outgoing[0].endpoint),
		       GW_F_INT("deliveries", (int64_t)count));
	gw_webhook_pump(w);
	finish(r, err, count);
}

static int write(struct replay *r)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	const size_t count = r->rd->outgoing_count;

	if (!job)
		return ENOMEM;
	job->tries = mem_zalloc(count * sizeof(*job->tries), NULL);
	if (!job->tries ||
	    (r->audit && re_sdprintf(&r->audit->detail, "%s: %zu deliveries",
				     r->rd->outgoing[0].endpoint, count))) {
		mem_deref(job);
		return ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		job->tries[job->try_count++] = (struct gw_store_try){
			.id = r->rd->outgoing[i].id,
			.due_ms = gw_clock_ms(),
			.back = true,
		};
	job->audit = r->audit;
	r->audit = NULL;
	job->doneh = written;
	job->arg = r;
	return gw_store_push(r->webhooks->store, job);
}

/* Of one: what is there may be another, or can't be sent. */
static int refuse_one(const struct replay *r)
{
	const struct gw_store_outgoing_row *row = r->rd->outgoing;
	const struct gw_webhook_endpoint *ep;

	if (!r->rd->outgoing_count || row->id != r->id || !row->type[0])
		return ENOENT;
	ep = gw_webhook_find(r->webhooks, row->endpoint);
	if (!ep)
		return ENOENT;
	if (row->status == GW_DELIVERY_WAITING)
		return EALREADY;
	return ep->why ? ESHUTDOWN : 0;
}

static void found(struct gw_store_read *rd, void *arg)
{
	struct replay *r = arg;
	int err = rd->err;

	r->rd = mem_ref(rd);
	if (!err && r->id)
		err = refuse_one(r);
	if (!err && !rd->outgoing_count) {
		finish(r, 0, 0);
		return;
	}
	err = err ? err : write(r);
	if (err)
		finish(r, err, 0);
}

static int ask(struct gw_webhooks *w, struct gw_store_read *rd,
	       struct replay *r)
{
	int err = 0;

	rd->doneh = found;
	rd->arg = r;
	/* what a former process left is being read: it would be queued twice */
	if (!w->loaded || w->stopped) {
		mem_deref(rd);
		err = EAGAIN;
	}
	err = err ? err : gw_store_ask(w->store, rd);
	if (err)
		mem_deref(r);
	return err;
}

static struct replay *begin(struct gw_webhooks *w, struct gw_store_audit *audit,
			    gw_webhook_replayed_h *h, void *arg)
{
	struct replay *r = mem_zalloc(sizeof(*r), destructor);

	if (!r) {
		mem_deref(audit);
		return NULL;
	}
	r->webhooks = mem_ref(w);
	r->audit = audit;
	r->h = h;
	r->arg = arg;
	return r;
}

int gw_webhooks_replay(struct gw_webhooks *w, uint64_t id,
		       struct gw_store_audit *audit, gw_webhook_replayed_h *h,
		       void *arg)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_OUTBOX);
	struct replay *r = begin(w, audit, h, arg);

	if (!rd || !r) {
		mem_deref(rd);
		mem_deref(r);
		return ENOMEM;
	}
	r->id = id;
	rd->upto_id = id + 1;
	rd->limit = 1;
	return ask(w, rd, r);
}

/* New calls are refused when max_waiting is reached (C18): what is sent once more
 * takes half of that at most. */
static uint32_t room(const struct gw_webhooks *w)
{
	const uint32_t half = w->cfg->webhooks.max_waiting / 2;

	return w->waiting < half ? half - w->waiting : 0;
}

static struct gw_store_read *range_read(const struct gw_webhook_range *range,
					uint32_t limit)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_DONE);
	int err;

	if (!rd)
		return NULL;
	rd->delivery_status = range->delivered ? GW_DELIVERY_DELIVERED :
						 GW_DELIVERY_DEAD;
	rd->since_ms = range->since_ms;
	rd->until_ms = range->until_ms ? range->until_ms : INT64_MAX;
	rd->limit = limit;
	err = str_dup(&rd->endpoint, range->endpoint);
	if (!err && range->type)
		err = str_dup(&rd->type, range->type);
	if (range->call_id)
		str_ncpy(rd->call_id, range->call_id, sizeof(rd->call_id));
	return err ? mem_deref(rd) : rd;
}

int gw_webhooks_replay_range(struct gw_webhooks *w,
			     const struct gw_webhook_range *range,
			     struct gw_store_audit *audit,
			     gw_webhook_replayed_h *h, void *arg)
{
	const struct gw_webhook_endpoint *ep =
		gw_webhook_known(w, range->endpoint);
	struct gw_store_read *rd;
	struct replay *r;
	int err = 0;

	/* a callback's may come into being with what is found */
	if (!ep && !gw_webhook_is_callback(range->endpoint))
		err = ENOENT;
	else if (ep && ep->why)
		err = ESHUTDOWN;
	else if (!room(w))
		err = ENOBUFS;
	if (err) {
		mem_deref(audit);
		return err;
	}
	rd = range_read(range, MIN(range->limit, room(w)));
	r = begin(w, audit, h, arg);
	if (!rd || !r) {
		mem_deref(rd);
		mem_deref(r);
		return ENOMEM;
	}
	return ask(w, rd, r);
}
