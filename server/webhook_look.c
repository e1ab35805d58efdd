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

struct replay {
	struct gw_webhooks *webhooks;
	struct gw_store_outgoing_row row;
	gw_webhook_replayed_h *h;
	void *arg;
};

static void replay_destructor(void *arg)
{
	struct replay *r = arg;

	mem_deref(r->row.endpoint);
	mem_deref(r->row.url);
	mem_deref(r->webhooks);
}

static void replay_written(struct gw_store_job *job, void *arg)
{
	struct replay *r = arg;
	int err = job->err;

	if (!err)
		err = gw_webhook_add(r->webhooks, &r->row, NULL);
	if (!err)
		gw_webhook_pump(r->webhooks);
	r->h(err, r->arg);
	mem_deref(r);
}

static int replay_write(struct replay *r)
{
	struct gw_store_job *job = gw_store_job_alloc(0);

	if (!job)
		return ENOMEM;
	job->tries = mem_zalloc(sizeof(*job->tries), NULL);
	if (!job->tries) {
		mem_deref(job);
		return ENOMEM;
	}
	job->tries[job->try_count++] = (struct gw_store_try){
		.id = r->row.id,
		.status = GW_DELIVERY_WAITING,
		.due_ms = r->row.due_ms,
	};
	job->doneh = replay_written;
	job->arg = r;
	return gw_store_push(r->webhooks->store, job);
}

static void replay_read(struct gw_store_read *rd, void *arg)
{
	struct replay *r = arg;
	struct gw_store_outgoing_row *row = rd->outgoing;
	int err = rd->err;

	if (!err &&
	    (!rd->outgoing_count || row->id != r->row.id || !row->type[0] ||
	     !gw_webhook_find(r->webhooks, row->endpoint)))
		err = ENOENT;
	if (!err && row->status == GW_DELIVERY_WAITING)
		err = EALREADY;
	if (!err) {
		r->row = *row;
		r->row.tries = NULL;
		r->row.attempts = 0;
		r->row.due_ms = gw_clock_ms();
		row->endpoint = row->url = NULL; /* ours now */
		err = replay_write(r);
	}
	if (!err)
		return;
	r->h(err, r->arg);
	mem_deref(r);
}

int gw_webhooks_replay(struct gw_webhooks *w, uint64_t id,
		       gw_webhook_replayed_h *h, void *arg)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_OUTBOX);
	struct replay *r = mem_zalloc(sizeof(*r), replay_destructor);
	int err;

	if (!rd || !r) {
		mem_deref(rd);
		mem_deref(r);
		return ENOMEM;
	}
	r->webhooks = mem_ref(w);
	r->row.id = id;
	r->h = h;
	r->arg = arg;
	rd->upto_id = id + 1;
	rd->limit = 1;
	rd->doneh = replay_read;
	rd->arg = r;
	err = gw_store_ask(w->store, rd);
	if (err)
		mem_deref(r);
	return err;
}
