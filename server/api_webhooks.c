/* GET /webhooks, /webhooks/deliveries, and what an operator does about them: tests,
 * switches endpoints on and off, sends once more. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/api.h"
#include "server/api_body.h"
#include "server/app.h"
#include "server/call_id.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/refusal.h"
#include "server/store.h"
#include "server/webhook.h"
#include "server/webhook_sign.h"

enum { LIST_LIMIT = 50, LIST_LIMIT_MAX = 200, SHOWN = 4, TYPE_MAX = 64 };

/* GET /webhooks ------------------------------------------------------------------ */

/* The last four signs: enough to tell one secret from another. */
static void write_secrets(struct gw_writer *w, const struct gw_webhook_view *v)
{
	gw_write_open(w, "secrets", '[');
	for (size_t i = 0; i < v->secret_count; i++) {
		const char *text = v->secrets[i];
		const size_t len = strlen(text);
		char shown[SHOWN + 4];

		(void)snprintf(shown, sizeof(shown), "...%s",
			       len > SHOWN ? text + len - SHOWN : "");
		gw_write_string(w, NULL, shown);
	}
	gw_write_close(w, ']');
}

/* What the receiver verifies by; shared secrets have none. */
static void write_public_keys(struct gw_writer *w,
			      const struct gw_webhook_view *v)
{
	char text[GW_WEBHOOK_PUBLIC_SIZE];

	gw_write_open(w, "public_keys", '[');
	for (size_t i = 0; i < v->secret_count; i++) {
		if (!gw_webhook_public(text, v->secrets[i]))
			gw_write_string(w, NULL, text);
	}
	gw_write_close(w, ']');
}

static void write_events(struct gw_writer *w,
			 const struct gw_config_endpoint *cfg)
{
	gw_write_open(w, "events", '[');
	for (size_t i = 0; cfg && i < cfg->events.count; i++)
		gw_write_string(w, NULL, cfg->events.list[i]);
	gw_write_close(w, ']');
}

static void write_endpoint(struct gw_writer *w, const struct gw_webhook_view *v)
{
	gw_write_open(w, NULL, '{');
	gw_write_string(w, "object", "webhook");
	gw_write_string(w, "name", v->name);
	gw_write_string(w, "url", v->url);
	write_secrets(w, v);
	write_public_keys(w, v);
	write_events(w, v->cfg);
	gw_write_string(w, "ordering",
			v->cfg && v->cfg->unordered ? "none" : "call");
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
	struct mbuf *mb = gw_answer_begin(&w);

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
	gw_answer(req, 200, &w, mb);
}

static void no_such_endpoint(struct gw_http_req *req)
{
	gw_http_problem(req, 404, "not_found",
			"There is no endpoint of this name; GET /webhooks "
			"lists them.");
}

/* POST /webhooks/{name}/enable, /disable ------------------------------------------- */

static void turned(int err, void *arg)
{
	struct gw_http_req *req = arg;
	const struct gw_app *app = gw_http_app(req);
	struct gw_webhook_view view;
	struct gw_writer w;
	struct mbuf *mb;

	if (err == ENOENT ||
	    !gw_webhooks_view_of(app->webhooks, gw_http_param(req, "name"),
				 &view)) {
		no_such_endpoint(req);
		return;
	}
	if (err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problemf(req, 503, "storage",
				 "It holds now, but could not be written to "
				 "disk (%s): after a restart it would not.",
				 strerror(err));
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb)
		write_endpoint(&w, &view);
	gw_answer(req, 200, &w, mb);
}

static void turn(struct gw_http_req *req, bool on)
{
	const struct gw_app *app = gw_http_app(req);
	const char *name = gw_http_param(req, "name");
	struct gw_body b = gw_body_of(req);
	struct gw_store_audit *audit;
	int err;

	if (!gw_body_is_right(&b))
		return;
	gw_http_later(req);
	audit = gw_audit_act(req, on ? GW_AUDIT_ENABLED : GW_AUDIT_DISABLED);
	if (!audit || str_dup(&audit->detail, name)) {
		mem_deref(audit);
		gw_http_problem(req, 503, "memory", NULL);
		return;
	}
	err = gw_webhooks_turn(app->webhooks, name, on, audit, turned, req);
	if (err)
		turned(err, req);
}

void gw_api_enable_webhook(struct gw_http_req *req)
{
	turn(req, true);
}

void gw_api_disable_webhook(struct gw_http_req *req)
{
	turn(req, false);
}

/* POST /webhooks/{name}/test ------------------------------------------------------- */

static void tested(const struct gw_webhook_result *result, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w;
	struct mbuf *mb = gw_answer_begin(&w);

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
	gw_answer(req, 200, &w, mb);
}

void gw_api_test_webhook(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	int err;

	gw_http_later(req);
	err = gw_webhooks_test(app->webhooks, gw_http_param(req, "name"),
			       tested, req);
	if (err == ENOENT)
		no_such_endpoint(req);
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

static void write_delivery(struct gw_writer *w, const struct gw_store_read *rd,
			   size_t i)
{
	const struct gw_store_outgoing_row *d = &rd->outgoing[i];

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
	const size_t count = rd->outgoing_count;

	gw_answer_page(
		arg, &(struct gw_answer_page){
			     .err = rd->err,
			     .count = count,
			     .more = rd->more,
			     .last_id = count ? rd->outgoing[count - 1].id : 0,
			     .write = write_delivery,
			     .rd = rd,
		     });
}

static int status_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
		if (!strcmp(text, statuses[i]))
			return (int)i;
	}

	return -1;
}

/* False: answered. */
static bool read_query(struct gw_http_req *req, struct gw_store_read *rd)
{
	const char *status = gw_http_query(req, "status");
	const char *call = gw_http_query(req, "call");
	uint64_t limit;

	if (!gw_query_number(req, "limit", &limit, LIST_LIMIT,
			     LIST_LIMIT_MAX) ||
	    !gw_query_number(req, "cursor", &rd->upto_id, 0, INT64_MAX))
		return false;
	rd->limit = (uint32_t)limit;
	if (status)
		rd->delivery_status = status_of(status);
	if (status && rd->delivery_status < 0) {
		gw_http_problem(req, 400, "invalid_query",
				"status is waiting, delivered or dead.");
		return false;
	}
	if (call && !gw_call_id_valid(call)) {
		gw_http_problem(req, 400, "invalid_query",
				"call is the id of a call: call_...");
		return false;
	}
	if (call)
		str_ncpy(rd->call_id, call, sizeof(rd->call_id));
	return true;
}

static struct gw_store_read *outbox_read(const struct gw_http_req *req)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_OUTBOX);
	const char *endpoint = gw_http_query(req, "endpoint");
	const char *type = gw_http_query(req, "type");
	int err = rd ? 0 : ENOMEM;

	if (!err && endpoint)
		err = str_dup(&rd->endpoint, endpoint);
	if (!err && type)
		err = str_dup(&rd->type, type);
	return err ? mem_deref(rd) : rd;
}

void gw_api_list_outbox(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_read *rd = outbox_read(req);

	if (!rd) {
		gw_http_problem(req, 503, "memory", NULL);
		return;
	}
	if (!read_query(req, rd)) {
		mem_deref(rd);
		return;
	}
	rd->doneh = list_read;
	rd->arg = req;
	gw_http_later(req);
	if (gw_store_ask(app->store, rd))
		gw_http_problem(req, 503, "draining", NULL);
}

/* Once more ------------------------------------------------------------------------- */

static void not_replayed(struct gw_http_req *req, int err)
{
	static const struct {
		int err;
		unsigned status;
		const char *code, *detail, *retry_s;
	} rows[] = {
		{ ENOENT, 404, "not_found",
		  "There is no such delivery, or its endpoint is gone.", NULL },
		{ EALREADY, 409, "wrong_state",
		  "It waits for its next try as it is.", NULL },
		{ ESHUTDOWN, 409, "wrong_state",
		  "The endpoint is disabled: POST /webhooks/{name}/enable "
		  "first.",
		  NULL },
		{ ENOBUFS, 429, "limit_reached",
		  "Half of webhooks.max_waiting wait already: when some of "
		  "them have gone there is room for more.",
		  "10" },
		{ EAGAIN, 503, "busy",
		  "What waited before the start is still being read.", "1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].err != err)
			continue;
		if (rows[i].retry_s)
			(void)gw_http_header(req, "Retry-After",
					     rows[i].retry_s);
		gw_http_problem(req, rows[i].status, rows[i].code,
				rows[i].detail);
		return;
	}
	(void)gw_http_header(req, "Retry-After", "5");
	gw_http_problem(req, 503, "storage", NULL);
}

/* POST /webhooks/deliveries/{id}/replay */
static void replayed(const struct gw_webhook_replayed *result, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w;
	struct mbuf *mb;

	if (result->err) {
		not_replayed(req, result->err);
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "replay");
		gw_write_string(&w, "delivery", gw_http_param(req, "id"));
		gw_write_string(&w, "status", "waiting");
		gw_write_close(&w, '}');
	}
	gw_answer(req, 200, &w, mb);
}

void gw_api_replay_delivery(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_audit *audit;
	uint64_t id = 0;
	int err;

	gw_http_later(req);
	if (!gw_number_read(&id, gw_http_param(req, "id"), INT64_MAX - 1)) {
		not_replayed(req, ENOENT);
		return;
	}
	audit = gw_audit_act(req, GW_AUDIT_REPLAYED);
	err = audit ? gw_webhooks_replay(app->webhooks, id, audit, replayed,
					 req) :
		      ENOMEM;
	if (err)
		not_replayed(req, err);
}

/* POST /webhooks/{name}/replay */
static void range_replayed(const struct gw_webhook_replayed *result, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w;
	struct mbuf *mb;

	if (result->err) {
		not_replayed(req, result->err);
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "replay_range");
		gw_write_string(&w, "endpoint", gw_http_param(req, "name"));
		gw_write_int(&w, "replayed", (int64_t)result->count);
		gw_write_bool(&w, "more", result->more);
		gw_write_close(&w, '}');
	}
	gw_answer(req, 200, &w, mb);
}

/* False: 422 has been said. What was delivered needs an end of the range that has
 * passed: so that a repetition finds nothing that it has sent itself. */
static bool read_range(struct gw_http_req *req, struct gw_webhook_range *range)
{
	const int64_t now_ms = gw_clock_ms();
	struct gw_body b = gw_body_of(req);
	const char *status = gw_body_text(&b, "status", 16, false);

	*range = (struct gw_webhook_range){
		.endpoint = gw_http_param(req, "name"),
		.delivered = status && !strcmp(status, "delivered"),
		.since_ms = gw_body_time(&b, "since"),
		.until_ms = gw_body_time(&b, "until"),
		.type = gw_body_text(&b, "type", TYPE_MAX, false),
		.call_id = gw_body_text(&b, "call", GW_STORE_ID_SIZE, false),
		.limit = gw_body_number(&b, "limit", GW_WEBHOOK_RANGE_MAX,
					GW_WEBHOOK_RANGE_MAX),
	};
	if (status && !range->delivered && strcmp(status, "dead") != 0)
		gw_body_fault(&b, "status", "must be dead or delivered");
	if (range->call_id && !gw_call_id_valid(range->call_id))
		gw_body_fault(&b, "call", "must be the id of a call");
	if (range->until_ms && range->until_ms <= range->since_ms)
		gw_body_fault(&b, "until", "must be later than since");
	if (range->delivered && (!range->until_ms || range->until_ms > now_ms))
		gw_body_fault(&b, "until",
			      "must be a time that has passed, for what was "
			      "delivered is sent twice");
	return gw_body_is_right(&b);
}

void gw_api_replay_range(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_webhook_range range;
	struct gw_store_audit *audit;
	int err;

	if (!read_range(req, &range))
		return;
	gw_http_later(req);
	audit = gw_audit_act(req, GW_AUDIT_REPLAYED);
	err = audit ? gw_webhooks_replay_range(app->webhooks, &range, audit,
					       range_replayed, req) :
		      ENOMEM;
	if (err == ENOENT)
		no_such_endpoint(req);
	else if (err)
		not_replayed(req, err);
}
