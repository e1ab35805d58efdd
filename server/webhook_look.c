/* What the API shows of webhooks, and what an operator does: see webhook.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/webhook_impl.h"

static void look(struct gw_webhook_view *view,
		 const struct gw_webhook_endpoint *ep)
{
	struct gw_webhook_queue_stats stats;

	gw_webhook_queue_stats(ep->queue, &stats);
	*view = (struct gw_webhook_view){
		.name = ep->name,
		.url = ep->cfg ? ep->cfg->url : NULL,
		.cfg = ep->cfg,
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
	view->secret_count = gw_webhook_secrets(ep, view->secrets);
}

bool gw_webhooks_view(const struct gw_webhooks *w, size_t i,
		      struct gw_webhook_view *view)
{
	struct le *le = w->endpoints.head;

	while (le && i--)
		le = le->next;
	if (le)
		look(view, le->data);
	return le != NULL;
}

bool gw_webhooks_view_of(struct gw_webhooks *w, const char *name,
			 struct gw_webhook_view *view)
{
	const struct gw_webhook_endpoint *ep = gw_webhook_known(w, name);

	if (ep)
		look(view, ep);
	return ep != NULL;
}

void gw_webhooks_stats(const struct gw_webhooks *w,
		       struct gw_webhook_stats *stats)
{
	*stats = w->stats;
	stats->waiting = w->waiting;
	stats->in_flight = w->in_flight;
}

void gw_webhooks_forget(struct gw_webhooks *w)
{
	w->erasures++;
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
	struct gw_webhook_endpoint *ep = gw_webhook_known(w, name);
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

/* On and off ---------------------------------------------------------------------- */

struct turn {
	gw_webhook_turned_h *h;
	void *arg;
};

static void turned(struct gw_store_job *job, void *arg)
{
	struct turn *t = arg;

	t->h(job->err, t->arg);
	mem_deref(t);
}

int gw_webhooks_turn(struct gw_webhooks *w, const char *name, bool on,
		     struct gw_store_audit *audit, gw_webhook_turned_h *h,
		     void *arg)
{
	struct gw_webhook_endpoint *ep = gw_webhook_known(w, name);
	struct turn *t = ep ? mem_zalloc(sizeof(*t), NULL) : NULL;
	struct gw_store_job *job = NULL;
	int err = !ep ? ENOENT : !t ? ENOMEM : 0;

	err = err ? err : gw_webhook_turn(&job, ep, on);
	if (err) {
		mem_deref(audit);
		mem_deref(t);
		return err;
	}
	t->h = h;
	t->arg = arg;
	job->audit = audit;
	job->doneh = turned;
	job->arg = t;
	gw_webhook_pump(w);
	err = gw_store_push(w->store, job);
	if (err)
		mem_deref(t);
	return err;
}
