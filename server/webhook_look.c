/* What the API shows of webhooks, tests and replays: see webhook.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/webhook_impl.h"

bool gw_webhooks_view(const struct gw_webhooks *w, size_t i,
		      struct gw_webhook_view *view)
{
	struct gw_webhook_queue_stats stats;
	const struct gw_webhook_endpoint *ep;
	struct le *le = w->endpoints.head;
	size_t place = i;

	while (le && i--)
		le = le->next;
	ep = le ? le->data : NULL;
	if (!ep || !ep->cfg)
		return false;
	gw_webhook_queue_stats(ep->queue, &stats);
	*view = (struct gw_webhook_view){
		.name = ep->name,
		.url = ep->cfg->url,
		.cfg = w->cfg,
		.place = place,
		.why = ep->why,
		.disabled_at_ms = ep->disabled_at_ms,
		.failing_since_ms = ep->failing_since_ms,
		.waiting = stats.waiting,
		.in_flight = stats.in_flight,
		.failures = stats.failures,
		.open = stats.open,
		.delivered = ep->delivered,
		.failed = ep->failed,
		.dead = ep->dead,
	};
	return true;
}

void gw_webhooks_stats(const struct gw_webhooks *w,
		       struct gw_webhook_stats *stats)
{
	*stats = w->stats;
	stats->waiting = w->waiting;
	stats->in_flight = w->in_flight;
}

/* Testing ----------------------------------------------------------------------- */

struct test {
	struct gw_webhooks *webhooks;
	struct gw_webhook_endpoint *ep;
	char body[256];
	gw_webhook_tested_h *h;
	void *arg;
};

static void test_destructor(void *arg)
{
	struct test *t = arg;

	mem_deref(t->webhooks);
}

static void tested(struct gw_webhook_request *req, void *arg)
{
	struct test *t = arg;
	const struct gw_webhook_result result = {
		.code = req->code,
		.took_ms = req->took_ms,
		.answer = req->code ? req->answer : req->error,
	};

	if (req->code / 100 == 2 && t->ep->why && !t->webhooks->stopped) {
		gw_webhook_enable(t->ep);
		gw_webhook_pump(t->webhooks);
	}
	t->h(&result, t->arg);
	mem_deref(req);
	mem_deref(t);
}

static int draw_id(char *id, size_t size)
{
	uint8_t bytes[12];

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return EIO;
	(void)re_snprintf(id, size, "ping_%w", bytes, sizeof(bytes));
	return 0;
}

int gw_webhooks_test(struct gw_webhooks *w, const char *name,
		     gw_webhook_tested_h *h, void *arg)
{
	struct gw_webhook_endpoint *ep = gw_webhook_find(w, name);
	struct gw_webhook_request *req;
	char id[40], at[GW_CLOCK_LEN + 1];
	struct test *t;
	int err;

	if (!ep || !ep->cfg)
		return ENOENT;
	req = gw_webhook_request_alloc();
	t = mem_zalloc(sizeof(*t), test_destructor);
	err = req && t ? draw_id(id, sizeof(id)) : ENOMEM;
	if (err)
		goto out;

	t->webhooks = mem_ref(w);
	t->ep = ep;
	t->h = h;
	t->arg = arg;
	gw_clock_print(at, gw_clock_ms());
	(void)snprintf(t->body, sizeof(t->body),
		       "{\"id\":\"%s\",\"type\":\"webhook.ping\","
		       "\"occurred_at\":\"%s\",\"call_id\":null,\"leg\":null,"
		       "\"seq\":null,\"data\":{},\"call\":null}",
		       id, at);
	req->url = ep->cfg->url;
	req->ca_file = ep->cfg->ca_file;
	req->body = t->body;
	req->body_len = strlen(t->body);
	req->doneh = tested;
	req->arg = t;
	err = gw_webhook_headers(req, ep, id);
out:
	if (err) {
		mem_deref(req);
		mem_deref(t);
		return err;
	}
	gw_webhook_send(w->sender, req);
	return 0;
}

/* Once more ------------------------------------------------------------------------ */

enum { REPLAYS_MAX = 1000 };

struct replay {
	struct gw_webhooks *webhooks;
	struct gw_store_read *found;
	bool one; /* this one, whether it is dead or was delivered */
	gw_webhook_replayed_h *h;
	void *arg;
};

static void replay_destructor(void *arg)
{
	struct replay *r = arg;

	mem_deref(r->found);
	mem_deref(r->webhooks);
}

static void replay_over(struct replay *r, int err)
{
	const struct gw_webhook_replayed result = {
		.err = err,
		.count = err ? 0 : r->found->outgoing_count,
		.more = !err && r->found->more,
	};

	r->h(&result, r->arg);
	mem_deref(r);
}

/* The store has the newest first; they are sent as they came. */
static void replay_written(struct gw_store_job *job, void *arg)
{
	struct replay *r = arg;
	int err = job->err;

	for (size_t i = r->found->outgoing_count; !err && i > 0; i--)
		err = gw_webhook_add(r->webhooks, &r->found->outgoing[i - 1],
				     NULL);
	gw_webhook_pump(r->webhooks);
	replay_over(r, err);
}

static int replay_write(struct replay *r)
{
	const size_t count = r->found->outgoing_count;
	const int64_t now_ms = gw_clock_ms();
	struct gw_store_job *job = gw_store_job_alloc(0);

	if (job)
		job->tries = mem_zalloc(count * sizeof(*job->tries), NULL);
	if (!job || !job->tries) {
		mem_deref(job);
		return ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		struct gw_store_outgoing_row *row = &r->found->outgoing[i];

		row->attempts = 0;
		row->due_ms = now_ms;
		job->tries[job->try_count++] = (struct gw_store_try){
			.id = row->id,
			.status = GW_DELIVERY_WAITING,
			.due_ms = now_ms,
		};
	}
	job->doneh = replay_written;
	job->arg = r;
	return gw_store_push(r->webhooks->store, job);
}

static int replay_refuse(const struct replay *r)
{
	const struct gw_store_read *rd = r->found;

	if (rd->err || !r->one)
		return rd->err;
	if (!rd->outgoing_count || !rd->outgoing->type[0] ||
	    !gw_webhook_find(r->webhooks, rd->outgoing->endpoint))
		return ENOENT;
	return rd->outgoing->status == GW_DELIVERY_WAITING ? EALREADY : 0;
}

static void replay_read(struct gw_store_read *rd, void *arg)
{
	struct replay *r = arg;
	int err;

	r->found = mem_ref(rd);
	err = replay_refuse(r);
	if (!err && rd->outgoing_count)
		err = replay_write(r);
	if (err || !rd->outgoing_count)
		replay_over(r, err);
}

/* rd says what is looked for, and is taken. */
static int replay(struct gw_webhooks *w, struct gw_store_read *rd, bool one,
		  gw_webhook_replayed_h *h, void *arg)
{
	struct replay *r = mem_zalloc(sizeof(*r), replay_destructor);
	int err;

	if (!r) {
		mem_deref(rd);
		return ENOMEM;
	}
	r->webhooks = mem_ref(w);
	r->one = one;
	r->h = h;
	r->arg = arg;
	rd->doneh = replay_read;
	rd->arg = r;
	err = gw_store_ask(w->store, rd);
	if (err)
		mem_deref(r);
	return err;
}

int gw_webhooks_replay(struct gw_webhooks *w, uint64_t id,
		       gw_webhook_replayed_h *h, void *arg)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_OUTBOX);

	if (!rd)
		return ENOMEM;
	rd->after_id = id - 1;
	rd->upto_id = id + 1;
	rd->limit = 1;
	return replay(w, rd, true, h, arg);
}

int gw_webhooks_replay_dead(struct gw_webhooks *w, const char *endpoint,
			    int64_t since_ms, int64_t until_ms,
			    gw_webhook_replayed_h *h, void *arg)
{
	const uint32_t max = w->cfg->webhooks.max_waiting;
	struct gw_store_read *rd;

	if (!gw_webhook_find(w, endpoint))
		return ENOENT;
	if (w->waiting >= max)
		return ENOSPC;
	rd = gw_store_read_alloc(GW_STORE_OUTBOX);
	if (!rd || str_dup(&rd->endpoint, endpoint)) {
		mem_deref(rd);
		return ENOMEM;
	}
	rd->delivery_status = GW_DELIVERY_DEAD;
	rd->since_ms = since_ms;
	rd->until_ms = until_ms;
	rd->limit = MIN(REPLAYS_MAX, max - w->waiting);
	return replay(w, rd, false, h, arg);
}
