/* From what is due to a request, and from its answer to what comes next.
 *
 *   pump ──► next of an endpoint ──► its event, from memory or the store ──► sent
 *    ▲                                                                        │
 *    └──── out, dead or again ◄── the store learns it ◄── what was answered ◄─┘
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/log.h"
#include "server/webhook_impl.h"
#include "server/webhook_retry.h"
#include "server/webhook_sign.h"
#include "server/webhook_template.h"
#include "server/writer.h"

enum {
	FLUSH_MS = 10,
	GONE = 410,
	AGAIN_MS = 1000, /* what could not even be tried */
};
#define GIVE_UP_MS (5 * INT64_C(86400000))

/* Results ------------------------------------------------------------------------- */

void gw_webhook_flush(struct gw_webhooks *w)
{
	struct gw_store_job *job = w->tries;
	int err;

	tmr_cancel(&w->flush);
	w->tries = NULL;
	if (!job)
		return;
	err = gw_store_push(w->store, job);
	if (err) /* they will be sent once more */
		gw_log(GW_LOG_ERROR, "webhook.unsaved", GW_F_ERR("why", err));
}

static void flush_handler(void *arg)
{
	gw_webhook_flush(arg);
}

static struct gw_store_job *alloc_tries(void)
{
	struct gw_store_job *job = gw_store_job_alloc(0);

	if (!job)
		return NULL;
	job->keep = true;
	job->tries = mem_zalloc(GW_WEBHOOK_TRIES * sizeof(*job->tries), NULL);
	return job->tries ? job : mem_deref(job);
}

/* Without memory the store doesn't learn it: the delivery is repeated some day. */
static void note(struct gw_webhooks *w, const struct gw_store_try *t,
		 const char *answer)
{
	struct gw_store_try *to;

	if (!w->tries)
		w->tries = alloc_tries();
	if (!w->tries) {
		gw_log(GW_LOG_ERROR, "webhook.unsaved",
		       GW_F_ERR("why", ENOMEM));
		return;
	}
	to = &w->tries->tries[w->tries->try_count++];
	*to = *t;
	if (answer && *answer)
		(void)str_dup(&to->answer, answer);
	if (w->tries->try_count == GW_WEBHOOK_TRIES)
		gw_webhook_flush(w);
	else if (!tmr_isrunning(&w->flush))
		tmr_start(&w->flush, FLUSH_MS, flush_handler, w);
}

static void drop_event(struct gw_webhooks *w, struct gw_webhook_item *item)
{
	const struct gw_event *ev = item->event;

	if (ev)
		w->bodies -= ev->json_len;
	item->event = mem_deref(item->event);
}

static void out(struct gw_webhook_endpoint *ep, struct gw_webhook_item *item)
{
	struct gw_webhooks *w = ep->webhooks;

	drop_event(w, item);
	w->waiting--;
	w->in_flight--;
	gw_webhook_queue_done(ep->queue, item);
}

static void again(struct gw_webhook_endpoint *ep, struct gw_webhook_item *item,
		  int64_t ms)
{
	struct gw_webhooks *w = ep->webhooks;

	/* it may be long: others need the room more */
	if (ms > 60 * 1000)
		drop_event(w, item);
	w->in_flight--;
	gw_webhook_queue_again(ep->queue, item, tmr_jiffies() + (uint64_t)ms);
}

/* Before the death itself: if we die in between, it is told twice. */
static void tell_dead(const struct gw_webhook_endpoint *ep,
		      const struct gw_webhook_item *item, uint16_t code)
{
	struct gw_webhooks *w = ep->webhooks;
	struct mbuf *mb = mbuf_alloc(256);
	struct gw_news news = {
		.type = "webhook.dead",
		.seq = -1,
		.at_ms = gw_clock_ms(),
	};
	struct gw_writer wr;

	if (!mb)
		return;
	gw_writer_init(&wr, mb);
	gw_write_open(&wr, NULL, '{');
	gw_write_string(&wr, "endpoint", ep->name);
	gw_write_int(&wr, "delivery", (int64_t)item->id);
	gw_write_int(&wr, "event", (int64_t)GW_STORE_DELIVERY_EVENT(item->id));
	gw_write_int(&wr, "attempts", item->attempts);
	if (code)
		gw_write_int(&wr, "status", code);
	else
		gw_write_null(&wr, "status");
	gw_write_close(&wr, '}');
	news.data = (const char *)mb->buf;
	news.data_len = mb->end;
	if (!wr.err) {
		(void)gw_events_tell(w->events, &news, NULL);
		gw_events_flush(w->events);
	}
	mem_deref(mb);
}

/* What it means for the endpoint ---------------------------------------------------- */

static void endpoint_went(struct gw_webhook_endpoint *ep, bool well,
			  uint16_t code)
{
	const int64_t now = gw_clock_ms();

	gw_webhook_queue_went(ep->queue, well, tmr_jiffies());
	if (well) {
		ep->delivered++;
		ep->webhooks->stats.delivered++;
		if (ep->failing_since_ms) {
			ep->failing_since_ms = 0;
			gw_webhook_save(ep);
		}
		return;
	}
	ep->failed++;
	ep->webhooks->stats.failed++;
	if (!ep->failing_since_ms) {
		ep->failing_since_ms = now;
		gw_webhook_save(ep);
	}
	if (!ep->cfg)
		return; /* each callback is its own call's */
	if (code == GONE)
		gw_webhook_disable(ep, "it answered 410: gone for good");
	else if (now - ep->failing_since_ms > GIVE_UP_MS)
		gw_webhook_disable(ep, "it has failed for five days");
}

static void failed(struct gw_webhook_endpoint *ep, struct gw_webhook_item *item,
		   const struct gw_webhook_request *req, struct gw_store_try *t)
{
	struct gw_webhooks *w = ep->webhooks;
	const int64_t delay =
		req->code == GONE && !ep->cfg ?
			-1 :
			gw_webhook_retry_delay(
				&w->cfg->webhooks.schedule, item->attempts,
				rand_u32(),
				gw_webhook_retry_after(req->retry_after,
						       gw_clock_ms()));

	gw_log(GW_LOG_WARNING, "webhook.failed", GW_F_STR("endpoint", ep->name),
	       GW_F_INT("delivery", (int64_t)item->id),
	       GW_F_INT("attempt", item->attempts),
	       GW_F_INT("status", req->code),
	       GW_F_STR("why", req->code ? NULL : req->error),
	       GW_F_INT("next_s", delay < 0 ? -1 : delay / 1000));
	if (delay < 0) {
		t->status = GW_DELIVERY_DEAD;
		ep->dead++;
		w->stats.dead++;
		tell_dead(ep, item, req->code);
		out(ep, item);
		return;
	}
	t->status = GW_DELIVERY_WAITING;
	t->due_ms = gw_clock_ms() + delay;
	again(ep, item, delay);
}

static void answered(struct gw_webhook_request *req, void *arg)
{
	struct gw_webhook_item *item = arg;
	struct gw_webhook_endpoint *ep = item->owner;
	struct gw_webhooks *w = ep->webhooks;
	const bool well = req->code / 100 == 2;
	struct gw_store_try t = {
		.id = item->id,
		.status = GW_DELIVERY_DELIVERED,
		.at_ms = req->at_ms,
		.took_ms = req->took_ms,
		.code = req->code,
	};

	/* stopped on its way: nobody knows how it went, so it never happened */
	if (w->stopped && !req->code) {
		again(ep, item, 0);
		mem_deref(req);
		return;
	}
	t.attempts = ++item->attempts;
	endpoint_went(ep, well, req->code);
	if (well)
		out(ep, item);
	else
		failed(ep, item, req, &t);
	note(w, &t, req->code ? req->answer : req->error);
	mem_deref(req);
	gw_webhook_pump(w);
}

/* Sending ------------------------------------------------------------------------------ */

int gw_webhook_headers(struct gw_webhook_request *req,
		       const struct gw_webhook_endpoint *ep, const char *id)
{
	const struct gw_webhook_signed what = {
		.id = id,
		.timestamp = gw_clock_ms() / 1000,
		.body = req->body,
		.body_len = req->body_len,
	};
	const char *secrets[8];
	const size_t count = gw_webhook_secrets(ep, secrets);
	struct mbuf *mb = mbuf_alloc(256);
	int err = mb ? 0 : ENOMEM;

	for (size_t i = 0; !err && i < count; i++)
		err = gw_webhook_sign(mb, secrets[i], &what);
	err = err ? err :
		    str_dup(&req->headers[0], "Content-Type: application/json");
	err = err ? err : re_sdprintf(&req->headers[1], "webhook-id: %s", id);
	err = err ? err :
		    re_sdprintf(&req->headers[2], "webhook-timestamp: %lld",
				(long long)what.timestamp);
	if (!err && count)
		err = re_sdprintf(&req->headers[3], "webhook-signature: %b",
				  mb->buf, mb->end);
	if (!err && ep->cfg && ep->cfg->header_name)
		err = re_sdprintf(&req->headers[4], "%s: %s",
				  ep->cfg->header_name,
				  gw_secret_text(ep->cfg->header_value, NULL));
	mem_deref(mb);
	return err;
}

/* The event as it is, or what is made of it for a CRM. */
static int make_body(struct gw_webhook_request *req,
		     const struct gw_webhook_endpoint *ep,
		     const struct gw_event *ev)
{
	int err;

	req->body = ev->json;
	req->body_len = ev->json_len;
	if (!ep->cfg || ep->cfg->format == GW_WEBHOOK_STANDARD)
		return 0;

	req->made = mbuf_alloc(512);
	if (!req->made)
		return ENOMEM;
	err = gw_webhook_template(req->made,
				  (enum gw_webhook_format)ep->cfg->format,
				  ev->json, ev->json_len);
	req->body = (const char *)req->made->buf;
	req->body_len = req->made->end;
	return err;
}

static int send_item(struct gw_webhook_endpoint *ep,
		     struct gw_webhook_item *item)
{
	struct gw_webhook_request *req = gw_webhook_request_alloc();
	const struct gw_event *ev = item->event;
	char id[24];
	int err;

	if (!req)
		return ENOMEM;
	(void)snprintf(id, sizeof(id), "%" PRIu64, ev->id);
	req->url = item->url ? item->url : ep->cfg->url;
	req->ca_file = ep->cfg ? ep->cfg->ca_file : NULL;
	req->listed_only = !ep->cfg && !strncmp(ep->name, "callback::", 10);
	req->doneh = answered;
	req->arg = item;
	err = make_body(req, ep, ev);
	err = err ? err : gw_webhook_headers(req, ep, id);
	if (err)
		mem_deref(req);
	else
		gw_webhook_send(ep->webhooks->sender, req);
	return err;
}

static void event_read(struct gw_store_read *rd, void *arg)
{
	struct gw_webhook_item *item = arg;
	struct gw_webhook_endpoint *ep = item->owner;
	struct gw_webhooks *w = ep->webhooks;
	struct gw_event_facts facts = { .type = "" };
	struct gw_event *ev = NULL;
	int err = rd->err;

	if (!err && !rd->event_count) {
		/* retention took it */
		out(ep, item);
		gw_webhook_pump(w);
		return;
	}
	if (!err) {
		facts.id = rd->events[0].id;
		facts.type = rd->events[0].type;
		err = gw_event_alloc(&ev, &facts,
				     (const char *)rd->events[0].json->buf,
				     rd->events[0].json->end);
	}
	if (!err) {
		item->event = ev;
		w->bodies += ev->json_len;
	}
	if (!err && !w->stopped)
		err = send_item(ep, item);
	else if (!err)
		err = ESHUTDOWN;
	if (err) {
		again(ep, item, AGAIN_MS);
		gw_webhook_pump(w);
	}
}

static int read_event(const struct gw_webhooks *w, struct gw_webhook_item *item)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_EVENTS);

	if (!rd)
		return ENOMEM;
	rd->upto_id = GW_STORE_DELIVERY_EVENT(item->id);
	rd->after_id = rd->upto_id - 1;
	rd->limit = 1;
	rd->doneh = event_read;
	rd->arg = item;
	return gw_store_ask(w->store, rd);
}

static void begin(struct gw_webhook_endpoint *ep, struct gw_webhook_item *item)
{
	struct gw_webhooks *w = ep->webhooks;
	int err;

	w->in_flight++;
	err = item->event ? send_item(ep, item) : read_event(w, item);
	if (err)
		again(ep, item, AGAIN_MS);
}

/* The pump ----------------------------------------------------------------------------- */

static void pump_handler(void *arg)
{
	gw_webhook_pump(arg);
}

/* One of each endpoint, and round again, until nothing may go. */
static void send_due(struct gw_webhooks *w, uint64_t now)
{
	bool any = true;

	while (any && w->in_flight < GW_WEBHOOK_TOTAL) {
		any = false;
		for (struct le *le = w->endpoints.head; le; le = le->next) {
			struct gw_webhook_endpoint *ep = le->data;
			struct gw_webhook_item *item;

			if (w->in_flight >= GW_WEBHOOK_TOTAL)
				break;
			item = gw_webhook_queue_next(ep->queue, now);
			if (!item)
				continue;
			begin(ep, item);
			any = true;
		}
	}
}

void gw_webhook_pump(struct gw_webhooks *w)
{
	const uint64_t now = tmr_jiffies();
	uint64_t due = UINT64_MAX;

	if (w->stopped || !w->loaded)
		return;
	send_due(w, now);
	/* who comes back pumps */
	if (w->in_flight >= GW_WEBHOOK_TOTAL)
		return;
	for (struct le *le = w->endpoints.head; le; le = le->next) {
		const struct gw_webhook_endpoint *ep = le->data;
		const uint64_t at = gw_webhook_queue_due(ep->queue, now);

		due = at < due ? at : due;
	}
	if (due == UINT64_MAX)
		tmr_cancel(&w->pump);
	else
		tmr_start(&w->pump, due > now ? due - now : 1, pump_handler, w);
}
