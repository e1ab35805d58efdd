/* Who else may, and who may not: POST /tokens, POST /stream-tickets, POST
 * /admin/freeze, GET /audit. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/api.h"
#include "server/api_body.h"
#include "server/app.h"
#include "server/auth.h"
#include "server/call_id.h"
#include "server/click.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/json.h"
#include "server/key.h"
#include "server/log.h"
#include "server/refusal.h"
#include "server/registry.h"
#include "server/store.h"
#include "server/visits.h"

enum {
	TO_MAX = 256,
	ORIGIN_MAX = 255,
	CALL_S_MAX = 86400,
	AUDIT_LIMIT = 50,
	AUDIT_LIMIT_MAX = 200,
};

/* POST /tokens ----------------------------------------------------------------- */

static void reply_token(struct gw_http_req *req, const char *token,
			const struct gw_click_order *o, int64_t now_s)
{
	struct gw_writer w;
	struct mbuf *mb = gw_answer_begin(&w);

	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "token");
		gw_write_string(&w, "token", token);
		gw_write_string(&w, "to", o->to);
		gw_write_string(&w, "origin", o->origin);
		gw_write_int(&w, "uses", o->uses);
		gw_write_time(&w, "expires_at",
			      (now_s + o->expires_in_s) * INT64_C(1000));
		gw_write_close(&w, '}');
	}
	gw_answer(req, 201, &w, mb);
}

/* https://site.example[:port], as browsers send it. */
static bool is_origin(const char *text)
{
	const char *host = strstr(text, "://");

	return host &&
	       (!strncmp(text, "https://", 8) ||
		!strncmp(text, "http://", 7)) &&
	       host[3] && !strpbrk(host + 3, "/?#@");
}

void gw_api_create_token(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	const struct gw_key *key = gw_http_key(req);
	struct gw_body b = gw_body_of(req);
	const int64_t now_s = gw_clock_ms() / 1000;
	struct gw_click_order o = {
		.key = key,
		.to = gw_body_text(&b, "to", TO_MAX, true),
		.origin = gw_body_text(&b, "origin", ORIGIN_MAX, true),
		.expires_in_s = gw_body_number(
			&b, "expires_in", GW_CLICK_LIFE_S, GW_CLICK_LIFE_MAX_S),
		.uses = gw_body_number(&b, "uses", 1, GW_CLICK_USES_MAX),
		.max_s = gw_body_number(&b, "max_seconds", 0, CALL_S_MAX),
	};
	char *token = NULL;

	if (o.origin && !is_origin(o.origin))
		gw_body_fault(&b, "origin",
			      "must be an origin as browsers send it: "
			      "https://www.example.com");
	if (!gw_body_is_right(&b))
		return;
	if (!key) {
		gw_http_problem(req, 409, "keys_needed",
				"Tokens stand for a key, and this gateway has "
				"none: `bellpull key add NAME` makes one.");
		return;
	}
	if (gw_click_make(&token, &o, gw_auth_secret(app->auth), now_s)) {
		gw_http_problem(req, 503, "internal",
				"The token could not be made.");
		return;
	}
	reply_token(req, token, &o, now_s);
	mem_deref(token);
}

/* POST /stream-tickets ----------------------------------------------------------- */

void gw_api_create_ticket(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_body b = gw_body_of(req);
	const char *call = gw_body_text(&b, "call", GW_STORE_ID_SIZE, false);
	char ticket[GW_VISIT_SIZE];
	struct gw_writer w;
	struct mbuf *mb;

	if (call && !gw_call_id_valid(call))
		gw_body_fault(&b, "call", "must be the id of a call");
	if (!gw_body_is_right(&b))
		return;
	if (gw_visits_ticket(gw_auth_visits(app->auth), ticket,
			     gw_http_key(req), call,
			     gw_http_header_in(req, "Origin"), tmr_jiffies())) {
		gw_http_problem(req, 503, "internal",
				"The ticket could not be made.");
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "stream_ticket");
		gw_write_string(&w, "ticket", ticket);
		gw_write_string(&w, "call", call);
		gw_write_time(&w, "expires_at",
			      gw_clock_ms() + GW_VISIT_TICKET_S * 1000);
		gw_write_close(&w, '}');
	}
	gw_answer(req, 201, &w, mb);
	explicit_bzero(ticket, sizeof(ticket));
}

/* POST /admin/freeze --------------------------------------------------------------- */

static void frozen(int err, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w;
	struct mbuf *mb;

	if (err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problemf(req, 503, "storage",
				 "It holds now, but could not be written to "
				 "disk (%s): after a restart it would not.",
				 strerror(err));
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "freeze");
		gw_write_bool(&w, "frozen", gw_registry_is_frozen());
		gw_write_close(&w, '}');
	}
	gw_answer(req, 200, &w, mb);
}

void gw_api_freeze(struct gw_http_req *req)
{
	struct gw_body b = gw_body_of(req);
	const bool wanted = gw_body_bool(&b, "frozen", true);
	const bool hang_up = gw_body_bool(&b, "hang_up", false);
	int err;

	if (!gw_body_is_right(&b))
		return;
	gw_log(GW_LOG_WARNING, wanted ? "gateway.frozen" : "gateway.unfrozen",
	       GW_F_STR("key", gw_key_name(gw_http_key(req))),
	       GW_F_STR("client", gw_http_client(req)),
	       GW_F_BOOL("hang_up", hang_up));
	gw_http_later(req);
	err = gw_registry_freeze(wanted, frozen, req);
	if (wanted && hang_up)
		gw_registry_hangup_all();
	if (err)
		frozen(err, req);
}

/* GET /audit ------------------------------------------------------------------------- */

static void write_refusal(struct gw_writer *w, const struct gw_store_read *rd,
			  size_t i)
{
	const struct gw_store_audit *a = &rd->audits[i];

	gw_write_open(w, NULL, '{');
	gw_write_int(w, "id", (int64_t)a->id);
	gw_write_string(w, "object",
			gw_audit_is_act(a->code) ? "act" : "refusal");
	gw_write_time(w, "at", a->at_ms);
	gw_write_string(w, "code", a->code);
	gw_write_string(w, "rule", a->rule);
	gw_write_string(w, "detail", a->detail);
	gw_write_string(w, "key", a->key);
	gw_write_string(w, "project", a->project);
	gw_write_string(w, "client", a->client);
	gw_write_string(w, "request_id", a->request_id);
	gw_write_string(w, "to", a->to);
	gw_write_string(w, "from", a->from);
	gw_write_string(w, "line", a->line);
	gw_write_close(w, '}');
}

static void audit_read(struct gw_store_read *rd, void *arg)
{
	const size_t count = rd->audit_count;

	gw_answer_page(arg,
		       &(struct gw_answer_page){
			       .err = rd->err,
			       .count = count,
			       .more = rd->more,
			       .last_id = count ? rd->audits[count - 1].id : 0,
			       .write = write_refusal,
			       .rd = rd,
		       });
}

void gw_api_list_audit(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_read *rd;
	uint64_t limit, before;

	if (!gw_query_number(req, "limit", &limit, AUDIT_LIMIT,
			     AUDIT_LIMIT_MAX) ||
	    !gw_query_number(req, "cursor", &before, 0, INT64_MAX))
		return;
	rd = gw_store_read_alloc(GW_STORE_AUDIT);
	if (!rd) {
		gw_http_problem(req, 503, "memory", NULL);
		return;
	}
	rd->limit = (uint32_t)limit;
	rd->upto_id = before;
	rd->doneh = audit_read;
	rd->arg = req;
	gw_http_later(req);
	if (gw_store_ask(app->store, rd))
		gw_http_problem(req, 503, "draining", NULL);
}
