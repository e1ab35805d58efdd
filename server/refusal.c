/* See refusal.h. */
#include "server/refusal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "server/bucket.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/key.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/store.h"

enum { ROWS_PER_S = 100, BUCKET_S = 1, TEXT_MAX = 256 };

static struct {
	struct gw_store *store;
	struct gw_bucket bucket;
	uint64_t count, unwritten;
} audit;

static struct gw_metrics *metrics; /* or NULL */

void gw_refusal_count(struct gw_metrics *to)
{
	metrics = to;
}

void gw_refuse(struct gw_refusal *refusal, unsigned status, const char *code,
	       const char *fmt, ...)
{
	va_list ap;

	refusal->status = status;
	refusal->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(refusal->detail, sizeof(refusal->detail), fmt, ap);
	va_end(ap);
}

/* The audit -------------------------------------------------------------------- */

/* What a stranger sends is kept up to its first bytes. */
static int copy(char **textp, const char *text)
{
	struct pl pl;

	if (!text || !*text)
		return 0;
	pl_set_str(&pl, text);
	pl.l = MIN(pl.l, TEXT_MAX);
	return pl_strdup(textp, &pl);
}

static struct gw_store_audit *make_row(const struct gw_key *key,
				       const struct gw_refusal *refusal,
				       const struct gw_refusal_order *order,
				       const char *client, const char *request)
{
	struct gw_store_audit *row = gw_store_audit_alloc();
	int err;

	if (!row)
		return NULL;
	row->at_ms = gw_clock_ms();
	err = copy(&row->code, refusal->code);
	err = err ? err : copy(&row->rule, refusal->rule);
	err = err ? err : copy(&row->detail, refusal->detail);
	err = err ? err : copy(&row->client, client);
	err = err ? err : copy(&row->request_id, request);
	err = err ? err : copy(&row->key, gw_key_name(key));
	err = err ? err : copy(&row->project, key ? key->project : NULL);
	err = err ? err : copy(&row->to, order->to);
	err = err ? err : copy(&row->from, order->from);
	err = err ? err : copy(&row->line, order->line);
	return err ? mem_deref(row) : row;
}

static const char *const acts[] = {
	[GW_AUDIT_REPLAYED] = "webhooks_replayed",
	[GW_AUDIT_ENABLED] = "webhook_enabled",
	[GW_AUDIT_DISABLED] = "webhook_disabled",
};

struct gw_store_audit *gw_audit_act(struct gw_http_req *req,
				    enum gw_audit_act act)
{
	const struct gw_refusal what = { .code = acts[act] };
	const struct gw_refusal_order none = { .to = NULL };

	return make_row(gw_http_key(req), &what, &none, gw_http_client(req),
			gw_http_request_id(req));
}

bool gw_audit_is_act(const char *code)
{
	for (size_t i = 0; code && i < ARRAY_SIZE(acts); i++) {
		if (!strcmp(code, acts[i]))
			return true;
	}

	return false;
}

static void write_row(struct gw_store_audit *row)
{
	struct gw_store_job *job = row ? gw_store_job_alloc(0) : NULL;

	if (!job) {
		audit.unwritten++;
		mem_deref(row);
		return;
	}
	job->audit = row;
	if (gw_store_push(audit.store, job))
		audit.unwritten++;
}

static void note(const struct gw_key *key, const struct gw_refusal *refusal,
		 const struct gw_refusal_order *order, const char *client,
		 const char *request)
{
	audit.count++;
	gw_log(GW_LOG_WARNING, "call.refused", GW_F_STR("code", refusal->code),
	       GW_F_STR("rule", refusal->rule[0] ? refusal->rule : NULL),
	       GW_F_STR("key", key ? key->name : NULL),
	       GW_F_STR("client", client), GW_F_STR("request_id", request),
	       GW_F_NUMBER("to", order->to),
	       GW_F_INT("unwritten", audit.unwritten));
	if (!audit.store)
		return;
	if (gw_bucket_take(&audit.bucket, ROWS_PER_S, BUCKET_S, tmr_jiffies()))
		write_row(make_row(key, refusal, order, client, request));
	else
		audit.unwritten++;
}

void gw_refusal_note(const struct gw_key *key, const struct gw_refusal *refusal,
		     const struct gw_refusal_order *order)
{
	note(key, refusal, order, NULL, NULL);
}

void gw_audit_open(struct gw_store *store)
{
	audit.store = store;
}

void gw_audit_close(void)
{
	audit.store = NULL;
}

uint64_t gw_audit_count(void)
{
	return audit.count;
}

/* The answer -------------------------------------------------------------------- */

/* draft-ietf-httpapi-ratelimit-headers-11 */
static void tell_limit(struct gw_http_req *req, const struct gw_refusal *r)
{
	const char *name = r->rule[0] ? r->rule : r->limit;

	if (r->window_s)
		(void)gw_http_headerf(req, "RateLimit-Policy",
				      "\"%s\";q=%llu;w=%u", name,
				      (unsigned long long)r->max, r->window_s);
	else
		(void)gw_http_headerf(req, "RateLimit-Policy", "\"%s\";q=%llu",
				      name, (unsigned long long)r->max);
	(void)gw_http_headerf(req, "RateLimit", "\"%s\";r=0;t=%u", name,
			      r->retry_s);
}

void gw_refusal_audit(struct gw_http_req *req, const struct gw_key *key,
		      const struct gw_refusal *refusal,
		      const struct gw_refusal_order *order)
{
	if (metrics)
		gw_metrics_rejected(metrics, refusal->code);
	if (refusal->audited)
		note(key, refusal, order, gw_http_client(req),
		     gw_http_request_id(req));
}

void gw_refusal_tell(struct gw_http_req *req, const struct gw_refusal *refusal,
		     const struct gw_refusal_order *order)
{
	gw_refusal_audit(req, gw_http_key(req), refusal, order);
	if (refusal->retry_s)
		(void)gw_http_headerf(req, "Retry-After", "%u",
				      refusal->retry_s);
	if (refusal->status == 429 && refusal->max)
		tell_limit(req, refusal);
	if (refusal->status == 401)
		(void)gw_http_header(req, "WWW-Authenticate",
				     "Bearer realm=\"bellpull\", "
				     "error=\"invalid_token\"");
	if (refusal->pointer)
		gw_http_problem_add(req, refusal->pointer, refusal->detail);
	gw_http_problem(req, refusal->status, refusal->code, refusal->detail);
}
