/* GET /webhooks, /webhooks/deliveries, and what sends once more. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/api.h"
#include "server/app.h"
#include "server/http.h"
#include "server/store.h"
#include "server/webhook.h"
#include "server/webhook_sign.h"
#include "server/writer.h"

enum { LIST_LIMIT = 50, LIST_LIMIT_MAX = 200, SHOWN = 4 };

static struct mbuf *begin(struct gw_writer *w)
{
	struct mbuf *mb = mbuf_alloc(1024);

	*w = (struct gw_writer){ .err = ENOMEM };
	if (mb)
		gw_writer_init(w, mb);
	return mb;
}

static void reply(struct gw_http_req *req, const struct gw_writer *w,
		  struct mbuf *mb)
{
	if (w->err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

/* GET /webhooks ------------------------------------------------------------------ */

/* The last four signs: enough to tell one secret from another. */
static void write_secrets(struct gw_writer *w,
			  const struct gw_config_secrets *secrets)
{
	gw_write_open(w, "secrets", '[');
	for (size_t i = 0; i < secrets->count; i++) {
		size_t len = 0;
		const char *text = gw_secret_text(secrets->list[i], &len);
		char shown[SHOWN + 4];

		(void)snprintf(shown, sizeof(shown), "...%s",
			       len > SHOWN ? text + len - SHOWN : "");
		gw_write_string(w, NULL, shown);
	}
	gw_write_close(w, ']');
}

/* What the receiver verifies by; shared secrets have none. */
static void write_public_keys(struct gw_writer *w,
			      const struct gw_config_secrets *secrets)
{
	char text[GW_WEBHOOK_PUBLIC_SIZE];

	gw_write_open(w, "public_keys", '[');
	for (size_t i = 0; i < secrets->count; i++) {
		if (!gw_webhook_public(text,
				       gw_secret_text(secrets->list[i], NULL)))
			gw_write_string(w, NULL, text);
	}
	gw_write_close(w, ']');
}

static void write_strings(struct gw_writer *w, const char *name,
			  const struct gw_config_strings *strings)
{
	gw_write_open(w, name, '[');
	for (size_t i = 0; i < strings->count; i++)
		gw_write_string(w, NULL, strings->list[i]);
	gw_write_close(w, ']');
}

static void write_endpoint(struct gw_writer *w, const struct gw_webhook_view *v)
{
	const struct gw_config_endpoint *cfg =
		&v->cfg->webhooks.endpoints[v->place];

	gw_write_open(w, NULL, '{');
	gw_write_string(w, "object", "webhook");
	gw_write_string(w, "name", v->name);
	gw_write_string(w, "url", v->url);
	write_secrets(w, &cfg->secrets);
	write_public_keys(w, &cfg->secrets);
	write_strings(w, "events", &cfg->events);
	gw_write_string(w, "ordering", cfg->unordered ? "none" : "call");
	gw_write_string(w, "state",
			v->why  ? "disabled" :
			v->open ? "failing" :
				  "enabled");
	gw_write_string(w, "reason", v->why);
	gw_write_time(w, "disabled_at", v->disabled_at_ms);
	gw_write_time(w, "failing_since", v->failing_since_ms);
	gw_write_int(w, "failures_in_a_row", v->failures);
	gw_write_int(w, "waiting", v->waiting);
	gw_write_int(w, "in_flight", v->in_flight);
	gw_write_int(w, "delivered", (int64_t)v->delivered);
	gw_write_int(w, "failed", (int64_t)v->failed);
	gw_write_int(w, "dead", (int64_t)v->dead);
	gw_write_close(w, '}');
}

void gw_api_list_webhooks(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_webhook_view view;
	struct gw_writer w;
	struct mbuf *mb = begin(&w);

	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "list");
		gw_write_open(&w, "data", '[');
		for (size_t i = 0; gw_webhooks_view(app->webhooks, i, &view);
		     i++)
			write_endpoint(&w, &view);
		gw_write_close(&w, ']');
		gw_write_null(&w, "next_cursor");
		gw_write_close(&w, '}');
	}
	reply(req, &w, mb);
}

/* POST /webhooks/{name}/test ------------------------------------------------------- */

static void tested(const struct gw_webhook_result *result, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w;
	struct mbuf *mb = begin(&w);

	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "webhook_test");
		gw_write_bool(&w, "delivered", result->code / 100 == 2);
		if (result->code)
			gw_write_int(&w, "status", result->code);
		else
			gw_write_null(&w, "status");
		gw_write_int(&w, "duration_ms", result->took_ms);
		gw_write_string(&w, "answer", result->answer);
		gw_write_close(&w, '}');
	}
	reply(req, &w, mb);
}

void gw_api_test_webhook(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	int err;

	gw_http_later(req);
	err = gw_webhooks_test(app->webhooks, gw_http_param(req, "name"),
			       tested, req);
	if (err == ENOENT)
		gw_http_problem(req, 404, "not_found",
				"There is no endpoint of this name; GET "
				"/webhooks lists them.");
	else if (err)
		gw_http_problem(req, 503, "memory", NULL);
}

/* GET /webhooks/deliveries ----------------------------------------------------------- */

static const char *const statuses[] = {
	[GW_DELIVERY_WAITING] = "waiting",
	[GW_DELIVERY_DELIVERED] = "delivered",
	[GW_DELIVERY_DEAD] = "dead",
};

static void write_id(struct gw_writer *w, const char *name, uint64_t id)
{
	gw_write_int(w, name, (int64_t)id);
}

static void write_delivery(struct gw_writer *w,
			   const struct gw_store_outgoing_row *d)
{
	gw_write_open(w, NULL, '{');
	gw_write_string(w, "object", "delivery");
	write_id(w, "id", d->id);
	write_id(w, "event", GW_STORE_DELIVERY_EVENT(d->id));
	gw_write_string(w, "type", d->type[0] ? d->type : NULL);
	gw_write_string(w, "call_id", d->call_id[0] ? d->call_id : NULL);
	gw_write_string(w, "endpoint", d->endpoint);
	gw_write_string(w, "url", d->url);
	gw_write_string(w, "status", statuses[d->status]);
	gw_write_int(w, "attempts", d->attempts);
	gw_write_time(w, "created_at", d->created_at_ms);
	gw_write_time(w, "next_try_at",
		      d->status == GW_DELIVERY_WAITING ? d->due_ms : 0);
	gw_write_time(w, "done_at", d->done_at_ms);
	if (d->tries)
		gw_write_raw(w, "tries", (const char *)d->tries->buf,
			     d->tries->end);
	gw_write_close(w, '}');
}

static void list_read(struct gw_store_read *rd, void *arg)
{
	struct gw_http_req *req = arg;
	char cursor[24] = "";
	struct gw_writer w;
	struct mbuf *mb;

	if (rd->err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problem(req, 503, "storage",
				"The store could not be read.");
		return;
	}
	mb = begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "list");
		gw_write_open(&w, "data", '[');
		for (size_t i = 0; i < rd->outgoing_count; i++)
			write_delivery(&w, &rd->outgoing[i]);
		gw_write_close(&w, ']');
		if (rd->more)
			(void)snprintf(
				cursor, sizeof(cursor), "%llu",
				(unsigned long long)rd
					->outgoing[rd->outgoing_count - 1]
					.id);
		gw_write_string(&w, "next_cursor", rd->more ? cursor : NULL);
		gw_write_close(&w, '}');
	}
	reply(req, &w, mb);
}

/* A whole number from 1 on. */
static bool read_number(const char *text, uint64_t max, uint64_t *valuep)
{
	char *end = NULL;

	if (*text < '1' || *text > '9' || strlen(text) > 18)
		return false;
	*valuep = strtoull(text, &end, 10);
	return !*end && *valuep <= max;
}

static const char *read_query(const struct gw_http_req *req,
			      struct gw_store_read *rd)
{
	const char *limit = gw_http_query(req, "limit");
	const char *cursor = gw_http_query(req, "cursor");
	const char *status = gw_http_query(req, "status");
	uint64_t value = LIST_LIMIT;

	if (limit && !read_number(limit, LIST_LIMIT_MAX, &value))
		return "limit is a number from 1 to 200.";
	rd->limit = (uint32_t)value;
	if (cursor && !read_number(cursor, INT64_MAX, &rd->upto_id))
		return "cursor is the next_cursor of the page before.";
	for (size_t i = 0; status && i < ARRAY_SIZE(statuses); i++) {
		if (!strcmp(status, statuses[i]))
			rd->delivery_status = (int)i;
	}
	if (status && rd->delivery_status < 0)
		return "status is waiting, delivered or dead.";
	return NULL;
}

void gw_api_list_outbox(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	const char *endpoint = gw_http_query(req, "endpoint");
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_OUTBOX);
	const char *wrong;

	if (!rd || (endpoint && str_dup(&rd->endpoint, endpoint))) {
		mem_deref(rd);
		gw_http_problem(req, 503, "memory", NULL);
		return;
	}
	wrong = read_query(req, rd);
	if (wrong) {
		mem_deref(rd);
		gw_http_problem(req, 400, "invalid_query", wrong);
		return;
	}
	rd->doneh = list_read;
	rd->arg = req;
	gw_http_later(req);
	if (gw_store_ask(app->store, rd))
		gw_http_problem(req, 503, "draining", NULL);
}

/* POST /webhooks/deliveries/{id}/replay --------------------------------------------- */

static void replayed(int err, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w;
	struct mbuf *mb;

	if (err == ENOENT) {
		gw_http_problem(req, 404, "not_found",
				"There is no such delivery, or its endpoint "
				"is gone.");
		return;
	}
	if (err == EALREADY) {
		gw_http_problem(req, 409, "waiting",
				"It waits for its next try as it is.");
		return;
	}
	if (err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problem(req, 503, "storage", NULL);
		return;
	}
	mb = begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "replay");
		gw_write_string(&w, "delivery", gw_http_param(req, "id"));
		gw_write_string(&w, "status", "waiting");
		gw_write_close(&w, '}');
	}
	reply(req, &w, mb);
}

void gw_api_replay_delivery(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	uint64_t id = 0;
	int err;

	gw_http_later(req);
	if (!read_number(gw_http_param(req, "id"), INT64_MAX, &id)) {
		replayed(ENOENT, req);
		return;
	}
	err = gw_webhooks_replay(app->webhooks, id, replayed, req);
	if (err)
		replayed(err, req);
}
