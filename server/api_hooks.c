/* Webhooks of CRMs, over HTTP: POST /hooks/{name} and its test, GET /hooks, and the
 * log of what came. What is in them is crm.h's matter. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/api.h"
#include "server/api_body.h"
#include "server/app.h"
#include "server/bucket.h"
#include "server/clock.h"
#include "server/crm.h"
#include "server/crm_sign.h"
#include "server/crm_tree.h"
#include "server/http.h"
#include "server/key.h"
#include "server/log.h"
#include "server/store.h"

enum {
	FOREIGN_ROWS_PER_S = 10, /* what strangers may write into the log */
	LOG_LIMIT = 50,
	LOG_LIMIT_MAX = 200,
};

/* Salesforce repeats what isn't acknowledged by exactly this. */
static const char acknowledgement[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<soapenv:Envelope "
	"xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\">"
	"<soapenv:Body>"
	"<notificationsResponse "
	"xmlns=\"http://soap.sforce.com/2005/09/outbound\">"
	"<Ack>true</Ack>"
	"</notificationsResponse>"
	"</soapenv:Body>"
	"</soapenv:Envelope>";

/* The log ------------------------------------------------------------------------ */

struct entry {
	unsigned status;
	const char *verdict, *detail;
	const struct gw_crm_delivery *delivery; /* or NULL */
};

static int write_calls(char **callsp, const struct gw_crm_delivery *d)
{
	struct mbuf *mb = mbuf_alloc(64);
	int err = mb ? 0 : ENOMEM;

	for (size_t i = 0; !err && d && i < d->count; i++)
		if (d->results[i].call_id[0])
			err = mbuf_printf(mb, "%s%s", mb->end ? "," : "",
					  d->results[i].call_id);
	if (!err) {
		mb->pos = 0;
		err = mbuf_strdup(mb, callsp, mb->end);
	}
	mem_deref(mb);
	return err;
}

static int make_row(struct gw_store_delivery *row, struct gw_http_req *req,
		    const struct gw_crm_hook *hook, const struct entry *entry)
{
	struct gw_crm_signed s = { .count = 0 };
	char hex[GW_CRM_HEX_SIZE] = "";
	const uint8_t *body;
	size_t len;
	int err;

	body = gw_http_body(req, &len);
	gw_crm_signed_add(&s, body, len);
	(void)gw_crm_digest(hex, &s);
	row->at_ms = gw_clock_ms();
	row->status = entry->status;
	err = str_dup(&row->hook, hook->cfg->name);
	err = err ? err : str_dup(&row->verdict, entry->verdict);
	if (!err && entry->detail)
		err = str_dup(&row->detail, entry->detail);
	err = err ? err : str_dup(&row->sha256, hex);
	err = err ? err : write_calls(&row->calls, entry->delivery);
	err = err ? err : str_dup(&row->client, gw_http_client(req));
	return err ? err : str_dup(&row->request_id, gw_http_request_id(req));
}

/* Strangers have only so many rows a second, those who are known as many as they
 * like. A row that can't be written is missing in the log, and nothing else. */
static void keep(struct gw_http_req *req, const struct gw_crm_hook *hook,
		 const struct entry *entry)
{
	static struct gw_bucket bucket;
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_job *job;

	gw_log(GW_LOG_INFO, "hook.delivery", GW_F_STR("hook", hook->cfg->name),
	       GW_F_STR("verdict", entry->verdict),
	       GW_F_INT("status", entry->status),
	       GW_F_STR("client", gw_http_client(req)),
	       GW_F_STR("request_id", gw_http_request_id(req)));
	if (!entry->delivery &&
	    !gw_bucket_take(&bucket, FOREIGN_ROWS_PER_S, 1, tmr_jiffies()))
		return;
	job = gw_store_job_alloc(0);
	if (!job)
		return;
	job->delivery = gw_store_delivery_alloc();
	if (!job->delivery || make_row(job->delivery, req, hook, entry))
		mem_deref(job);
	else
		(void)gw_store_push(app->store, job);
}

/* Answers ------------------------------------------------------------------------ */

/* Before anything of it was looked at, or for good: tells and keeps it. */
static void turn_away(struct gw_http_req *req, const struct gw_crm_hook *hook,
		      const char *verdict, const struct gw_refusal *refusal)
{
	const struct entry entry = { .status = refusal->status,
				     .verdict = verdict,
				     .detail = refusal->code };

	keep(req, hook, &entry);
	gw_http_problem_not_accepted(req);
	gw_http_problem(req, refusal->status, refusal->code, refusal->detail);
}

/* The result that speaks for all: one that wants to come again before the others,
 * then a call, then one that was refused. NULL: there were none. */
static const struct gw_crm_result *speaker(const struct gw_crm_delivery *d)
{
	static const enum gw_crm_outcome order[] = { GW_CRM_LATER,
						     GW_CRM_PLACED,
						     GW_CRM_REFUSED };

	for (size_t k = 0; k < ARRAY_SIZE(order); k++)
		for (size_t i = 0; i < d->count; i++)
			if (d->results[i].outcome == order[k])
				return &d->results[i];
	return d->count ? &d->results[0] : NULL;
}

static void write_result(struct gw_writer *w, const struct gw_crm_result *r)
{
	const bool refused = r->outcome == GW_CRM_REFUSED;

	gw_write_open(w, NULL, '{');
	gw_write_bool(w, "accepted", !refused);
	gw_write_string(w, "call_id", r->call_id[0] ? r->call_id : NULL);
	gw_write_string(w, "code",
			refused                      ? r->refusal.code :
			r->outcome == GW_CRM_SKIPPED ? "skipped" :
						       NULL);
	gw_write_string(w, "detail", refused ? r->refusal.detail : NULL);
	gw_write_close(w, '}');
}

/* The members on top are those of the one that speaks for all. */
static void write_results(struct gw_writer *w, const struct gw_crm_delivery *d,
			  const struct gw_crm_result *first)
{
	const bool refused = first && first->outcome == GW_CRM_REFUSED;

	gw_write_open(w, NULL, '{');
	gw_write_string(w, "object", "hook_result");
	gw_write_bool(w, "accepted", !refused);
	gw_write_string(w, "call_id",
			first && first->call_id[0] ? first->call_id : NULL);
	gw_write_string(w, "code", refused ? first->refusal.code : NULL);
	gw_write_string(w, "detail", refused ? first->refusal.detail : NULL);
	gw_write_open(w, "results", '[');
	for (size_t i = 0; i < d->count; i++)
		write_result(w, &d->results[i]);
	gw_write_close(w, ']');
	gw_write_close(w, '}');
}

static void acknowledge(struct gw_crm_delivery *d,
			const struct gw_crm_result *first)
{
	bool replayed = d->count > 0;
	struct gw_writer w;
	struct mbuf *mb;

	for (size_t i = 0; i < d->count; i++)
		replayed = replayed && d->results[i].replayed;
	if (replayed)
		(void)gw_http_header(d->req, "Idempotent-Replayed", "true");
	if (gw_crm_profile_answer(d->hook->profile) == GW_CRM_ANSWER_SOAP) {
		gw_http_reply_text(d->req, 200, "text/xml; charset=utf-8",
				   acknowledgement);
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb)
		write_results(&w, d, first);
	gw_answer(d->req, 200, &w, mb);
}

static void reject(struct gw_crm_delivery *d, const struct gw_crm_result *first,
		   unsigned status)
{
	const struct gw_refusal *r = &first->refusal;

	if (r->retry_s)
		(void)gw_http_headerf(
			d->req, "Retry-After", "%u",
			gw_crm_profile_retry_ms(d->hook->profile) ?
				r->retry_s * 1000 :
				r->retry_s);
	if (first->pointer[0])
		gw_http_problem_add(d->req, first->pointer, r->detail);
	gw_http_problem_not_accepted(d->req);
	gw_http_problem(d->req, status, r->code, r->detail);
}

static const char *verdict_of(const struct gw_crm_result *first)
{
	static const char *const names[] = {
		[GW_CRM_PENDING] = "skipped", [GW_CRM_PLACED] = "placed",
		[GW_CRM_SKIPPED] = "skipped", [GW_CRM_REFUSED] = "refused",
		[GW_CRM_LATER] = "later",
	};

	return !first          ? "skipped" :
	       first->replayed ? "repeated" :
				 names[first->outcome];
}

static void delivered(struct gw_crm_delivery *d)
{
	const struct gw_crm_result *first = speaker(d);
	const bool refused = first && first->outcome == GW_CRM_REFUSED;
	const bool later = first && first->outcome == GW_CRM_LATER;
	const struct entry entry = {
		.status = later   ? first->refusal.status :
			  refused ? d->hook->cfg->on_reject :
				    200,
		.verdict = verdict_of(first),
		.detail = later || refused ? first->refusal.code : NULL,
		.delivery = d,
	};

	keep(d->req, d->hook, &entry);
	if (entry.status == 200)
		acknowledge(d, first);
	else
		reject(d, first, entry.status);
	mem_deref(d);
}

/* What came in ------------------------------------------------------------------- */

static const char *header_of(const char *name, void *arg)
{
	return gw_http_header_in(arg, name);
}

static const char *query_of(const char *name, void *arg)
{
	return gw_http_query(arg, name);
}

static int read_tree(struct gw_json_doc **docp, struct gw_http_req *req,
		     struct gw_refusal *refusal)
{
	char why[GW_CRM_WHY_SIZE] = "";
	enum gw_crm_kind kind;
	const uint8_t *body;
	size_t len;
	int err;

	body = gw_http_body(req, &len);
	kind = gw_crm_kind(gw_http_header_in(req, "Content-Type"), body, len);
	if (kind == GW_CRM_OTHER) {
		gw_refuse(refusal, 415, "unsupported_media_type",
			  "A webhook is JSON, a form or XML.");
		return EBADMSG;
	}
	err = gw_crm_tree(docp, kind, body, len, why);
	if (err == EBADMSG)
		gw_refuse(refusal, 400, "invalid_body",
			  "The body cannot be read: %s.", why);
	else if (err)
		gw_refuse(refusal, 503, "memory", "Out of memory.");
	return err;
}

static void refuse_stranger(struct gw_http_req *req,
			    const struct gw_crm_hook *hook,
			    enum gw_crm_verdict verdict)
{
	struct gw_refusal refusal = { .status = 0 };

	if (verdict == GW_CRM_MEMORY) {
		gw_refuse(&refusal, 503, "memory", "Out of memory.");
		turn_away(req, hook, "unreadable", &refusal);
		return;
	}
	(void)gw_http_headerf(req, "WWW-Authenticate", "%s realm=\"bellpull\"",
			      gw_crm_profile_scheme(hook->profile));
	if (verdict == GW_CRM_STALE)
		gw_refuse(&refusal, 401, "stale",
			  "The webhook was signed too long ago, or the clocks "
			  "of both sides differ.");
	else
		gw_refuse(&refusal, 401, "unauthorized",
			  "The signature or secret that this hook asks for is "
			  "missing or wrong.");
	turn_away(req, hook, verdict == GW_CRM_STALE ? "stale" : "unauthorized",
		  &refusal);
}

/* Who sent it, on the bytes as they came. Only where the token itself is in the body
 * that has to be read first. False: answered. */
static bool is_genuine(struct gw_http_req *req, const struct gw_crm_hook *hook,
		       struct gw_crm_identity *identity,
		       struct gw_json_doc **treep)
{
	struct gw_crm_request r = {
		.method = gw_http_method(req),
		.content_type = gw_http_header_in(req, "Content-Type"),
		.now_ms = gw_clock_ms(),
		.header = header_of,
		.query = query_of,
		.arg = req,
	};
	struct gw_refusal unread = { .status = 0 };
	enum gw_crm_verdict verdict = GW_CRM_WRONG;
	char *url = NULL;
	int err = 0;

	if (gw_crm_profile_needs_tree(hook->profile))
		err = read_tree(treep, req, &unread);
	if (!err && re_sdprintf(&url, "%s%s", gw_http_base_url(req),
				gw_http_target(req)))
		err = ENOMEM;
	if (err == ENOMEM) {
		verdict = GW_CRM_MEMORY;
	} else if (!err) {
		r.url = url;
		r.body = gw_http_body(req, &r.len);
		r.tree = *treep ? gw_json_root(*treep) : NULL;
		verdict = gw_crm_check(identity, hook->profile, hook->cfg, &r);
	}
	mem_deref(url);
	if (verdict != GW_CRM_GENUINE)
		refuse_stranger(req, hook, verdict);
	return verdict == GW_CRM_GENUINE;
}

/* NULL: answered. */
static const struct gw_crm_hook *open_hook(struct gw_http_req *req)
{
	const struct gw_crm_hook *hook =
		gw_crm_find(gw_http_param(req, "name"));
	struct gw_refusal refusal = { .status = 0 };

	if (!hook) {
		gw_http_problem(req, 404, "not_found",
				"There is no hook of this name.");
		return NULL;
	}
	if (!hook->cfg->enabled) {
		gw_refuse(&refusal, 410, "hook_disabled",
			  "This hook is switched off.");
		turn_away(req, hook, "disabled", &refusal);
		return NULL;
	}
	if (!hook->cfg->sources.count ||
	    gw_http_is_in(&hook->cfg->sources, gw_http_client(req)))
		return hook;
	gw_refuse(&refusal, 403, "source_refused",
		  "This hook takes webhooks from other addresses only.");
	turn_away(req, hook, "source", &refusal);
	return NULL;
}

/* POST /hooks/{name}: answered once all its calls are on disk; see delivered(). */
void gw_api_receive_hook(struct gw_http_req *req)
{
	const struct gw_crm_hook *hook = open_hook(req);
	struct gw_refusal refusal = { .status = 0 };
	struct gw_crm_delivery *d = NULL;
	struct gw_crm_identity identity;
	struct gw_json_doc *tree = NULL;
	int err;

	if (!hook || !is_genuine(req, hook, &identity, &tree)) {
		mem_deref(tree);
		return;
	}
	err = tree ? 0 : read_tree(&tree, req, &refusal);
	if (!err)
		err = gw_crm_delivery_alloc(&d, hook, req, tree, &refusal);
	if (err) {
		mem_deref(tree);
		if (!refusal.status)
			gw_refuse(&refusal, 503, "memory", "Out of memory.");
		turn_away(req, hook, "unreadable", &refusal);
		return;
	}
	d->identity = identity;
	gw_http_later(req);
	gw_crm_deliver(d, delivered);
}

/* For those who look after them ---------------------------------------------------- */

/* Hooks are their project's; who may do everything sees all. */
static bool may_see(struct gw_http_req *req, const struct gw_crm_hook *hook)
{
	const struct gw_key *key = gw_http_key(req);

	return !key || gw_key_may(key, "admin") ||
	       !strcmp(key->project, hook->cfg->project);
}

static const struct gw_crm_hook *seen_hook(struct gw_http_req *req)
{
	const struct gw_crm_hook *hook =
		gw_crm_find(gw_http_param(req, "name"));

	if (hook && may_see(req, hook))
		return hook;
	gw_http_problem(req, 404, "not_found",
			"There is no hook of this name.");
	return NULL;
}

/* POST /hooks/{name}/test: what a webhook with this body would do. */
void gw_api_test_hook(struct gw_http_req *req)
{
	const struct gw_crm_hook *hook = seen_hook(req);
	struct gw_refusal refusal = { .status = 0 };
	struct gw_crm_delivery *d = NULL;
	struct gw_json_doc *tree = NULL;
	struct gw_writer w;
	struct mbuf *mb;
	int err;

	if (!hook)
		return;
	err = read_tree(&tree, req, &refusal);
	if (!err)
		err = gw_crm_delivery_alloc(&d, hook, req, tree, &refusal);
	if (err) {
		mem_deref(tree);
		gw_http_problem(req, refusal.status ? refusal.status : 503,
				refusal.code ? refusal.code : "memory",
				refusal.detail[0] ? refusal.detail : NULL);
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "hook_test");
		gw_write_string(&w, "hook", hook->cfg->name);
		gw_write_open(&w, "calls", '[');
		gw_crm_write_test(&w, d);
		gw_write_close(&w, ']');
		gw_write_close(&w, '}');
	}
	mem_deref(d);
	gw_answer(req, 200, &w, mb);
}

static void write_hook(struct gw_writer *w, struct gw_http_req *req,
		       const struct gw_crm_hook *hook)
{
	char url[512];

	(void)re_snprintf(url, sizeof(url), "%s/hooks/%s",
			  gw_http_base_url(req), hook->cfg->name);
	gw_write_open(w, NULL, '{');
	gw_write_string(w, "object", "hook");
	gw_write_string(w, "name", hook->cfg->name);
	gw_write_string(w, "profile", hook->cfg->profile);
	gw_write_bool(w, "enabled", hook->cfg->enabled);
	gw_write_string(w, "url", url);
	gw_write_string(w, "key", hook->key->name);
	gw_write_string(w, "project", hook->cfg->project);
	gw_write_string(w, "each", hook->each);
	gw_write_string(w, "dedupe", hook->dedupe);
	gw_write_int(w, "replay_hours", hook->cfg->replay_hours);
	gw_write_int(w, "on_reject", hook->cfg->on_reject);
	gw_write_close(w, '}');
}

/* GET /hooks: without what they are signed with. */
void gw_api_list_hooks(struct gw_http_req *req)
{
	const struct gw_crm_hook *hook;
	struct gw_writer w;
	struct mbuf *mb = gw_answer_begin(&w);

	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "list");
		gw_write_open(&w, "data", '[');
		for (size_t i = 0; (hook = gw_crm_at(i)); i++)
			if (may_see(req, hook))
				write_hook(&w, req, hook);
		gw_write_close(&w, ']');
		gw_write_null(&w, "next_cursor");
		gw_write_close(&w, '}');
	}
	gw_answer(req, 200, &w, mb);
}

/* GET /hooks/{name}/deliveries ------------------------------------------------------ */

static void write_delivery(struct gw_writer *w, const struct gw_store_read *rd,
			   size_t i)
{
	const struct gw_store_delivery *d = &rd->deliveries[i];
	const char *calls = d->calls ? d->calls : "";

	gw_write_open(w, NULL, '{');
	gw_write_int(w, "id", (int64_t)d->id);
	gw_write_string(w, "object", "hook_delivery");
	gw_write_time(w, "at", d->at_ms);
	gw_write_string(w, "hook", d->hook);
	gw_write_string(w, "verdict", d->verdict);
	gw_write_int(w, "status", d->status);
	gw_write_string(w, "code", d->detail);
	gw_write_string(w, "sha256", d->sha256);
	gw_write_open(w, "call_ids", '[');
	while (*calls) {
		const size_t len = strcspn(calls, ",");

		gw_write_stringn(w, NULL, calls, len);
		calls += len + (calls[len] == ',');
	}
	gw_write_close(w, ']');
	gw_write_string(w, "client", d->client);
	gw_write_string(w, "request_id", d->request_id);
	gw_write_close(w, '}');
}

static void deliveries_read(struct gw_store_read *rd, void *arg)
{
	const size_t count = rd->delivery_count;

	gw_answer_page(arg,
		       &(struct gw_answer_page){
			       .err = rd->err,
			       .count = count,
			       .more = rd->more,
			       .last_id = count ? rd->deliveries[count - 1].id :
						  0,
			       .write = write_delivery,
			       .rd = rd,
		       });
}

void gw_api_list_deliveries(struct gw_http_req *req)
{
	const struct gw_crm_hook *hook = seen_hook(req);
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_read *rd;
	uint64_t limit, before;

	if (!hook ||
	    !gw_query_number(req, "limit", &limit, LOG_LIMIT, LOG_LIMIT_MAX) ||
	    !gw_query_number(req, "cursor", &before, 0, INT64_MAX))
		return;
	rd = gw_store_read_alloc(GW_STORE_DELIVERIES);
	if (!rd || str_dup(&rd->hook, hook->cfg->name)) {
		mem_deref(rd);
		gw_http_problem(req, 503, "memory", NULL);
		return;
	}
	rd->limit = (uint32_t)limit;
	rd->upto_id = before;
	rd->doneh = deliveries_read;
	rd->arg = req;
	gw_http_later(req);
	if (gw_store_ask(app->store, rd))
		gw_http_problem(req, 503, "draining", NULL);
}
