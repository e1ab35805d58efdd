/* Who else may, and who may not: POST /tokens, POST /stream-tickets, POST
 * /admin/freeze, GET /audit. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "server/api.h"
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
#include "server/writer.h"

enum {
	TO_MAX = 256,
	ORIGIN_MAX = 255,
	CALL_S_MAX = 86400,
	AUDIT_LIMIT = 50,
	AUDIT_LIMIT_MAX = 200,
};

/* Bodies ---------------------------------------------------------------------- */

/* A small body whose members are read by name; what is left over is a fault. */
struct body {
	struct gw_http_req *req;
	const struct gw_json *root;
	bool wrong;
	const char *known[6];
	size_t known_count;
};

static const struct gw_json *member(struct body *b, const char *name)
{
	if (b->known_count < ARRAY_SIZE(b->known))
		b->known[b->known_count++] = name;
	return gw_json_get(b->root, name);
}

static void fault(struct body *b, const char *name, const char *detail)
{
	char pointer[GW_JSON_POINTER_SIZE] = "";

	if (*name)
		(void)gw_json_pointer_add(pointer, sizeof(pointer), name);
	gw_http_problem_add(b->req, pointer, detail);
	b->wrong = true;
}

/* Visible ASCII of 1 to max bytes. NULL: missing (a fault if it is needed). */
static const char *text_of(struct body *b, const char *name, size_t max,
			   bool needed)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	const size_t len = text ? strlen(text) : 0;
	size_t i = 0;

	if ((!v || gw_json_type(v) == GW_JSON_NULL) && !needed)
		return NULL;
	while (i < len && text[i] > 0x20 && text[i] < 0x7f)
		i++;
	if (len && i == len && len <= max)
		return text;
	fault(b, name,
	      v ? "must be a string of visible ASCII characters" :
		  "is missing");
	return NULL;
}

static uint32_t number_of(struct body *b, const char *name, uint32_t otherwise,
			  uint32_t max)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	int64_t number = otherwise;
	char *end;

	if (!v || gw_json_type(v) == GW_JSON_NULL)
		return otherwise;
	if (gw_http_is_form(b->req) && text && *text) {
		number = strtol(text, &end, 10);
		number = *end ? 0 : number;
	} else if (gw_json_int(&number, v, 1, max)) {
		number = 0;
	}
	if (number >= 1 && number <= max)
		return (uint32_t)number;
	fault(b, name, "is out of range");
	return otherwise;
}

static bool bool_of(struct body *b, const char *name, bool needed)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	bool value = false;

	if (!v && !needed)
		return false;
	if (gw_http_is_form(b->req) && text &&
	    (!strcmp(text, "true") || !strcmp(text, "false")))
		return !strcmp(text, "true");
	if (gw_json_bool(&value, v))
		fault(b, name, v ? "must be true or false" : "is missing");
	return value;
}

/* False: 422 has been said. */
static bool is_right(struct body *b)
{
	const struct gw_json *m;

	if (b->root && gw_json_type(b->root) != GW_JSON_OBJECT)
		fault(b, "", "must be an object");
	for (m = gw_json_first(b->root); m; m = gw_json_next(m)) {
		size_t i = 0;

		while (i < b->known_count && gw_json_name(m) &&
		       strcmp(gw_json_name(m), b->known[i]) != 0)
			i++;
		if (i == b->known_count && gw_json_name(m))
			fault(b, gw_json_name(m), "is not a member here");
	}
	if (b->wrong)
		gw_http_problem(b->req, 422, "invalid_body",
				"The body was read, but something in it is "
				"wrong; nothing was done.");
	return !b->wrong;
}

static void reply(struct gw_http_req *req, unsigned status, struct gw_writer *w,
		  struct mbuf *mb)
{
	if (w->err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, status, "application/json", mb);
	mem_deref(mb);
}

static struct mbuf *begin(struct gw_writer *w)
{
	struct mbuf *mb = mbuf_alloc(512);

	*w = (struct gw_writer){ .err = ENOMEM };
	if (mb)
		gw_writer_init(w, mb);
	return mb;
}

/* POST /tokens ----------------------------------------------------------------- */

static void reply_token(struct gw_http_req *req, const char *token,
			const struct gw_click_order *o, int64_t now_s)
{
	struct gw_writer w;
	struct mbuf *mb = begin(&w);

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
	reply(req, 201, &w, mb);
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
	struct body b = { .req = req, .root = gw_http_json(req) };
	const int64_t now_s = gw_clock_ms() / 1000;
	struct gw_click_order o = {
		.key = key,
		.to = text_of(&b, "to", TO_MAX, true),
		.origin = text_of(&b, "origin", ORIGIN_MAX, true),
		.expires_in_s = number_of(&b, "expires_in", GW_CLICK_LIFE_S,
					  GW_CLICK_LIFE_MAX_S),
		.uses = number_of(&b, "uses", 1, GW_CLICK_USES_MAX),
		.max_s = number_of(&b, "max_seconds", 0, CALL_S_MAX),
	};
	char *token = NULL;

	if (o.origin && !is_origin(o.origin))
		fault(&b, "origin",
		      "must be an origin as browsers send it: "
		      "https://www.example.com");
	if (!is_right(&b))
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
	struct body b = { .req = req, .root = gw_http_json(req) };
	const char *call = text_of(&b, "call", GW_STORE_ID_SIZE, false);
	char ticket[GW_VISIT_SIZE];
	struct gw_writer w;
	struct mbuf *mb;

	if (call && !gw_call_id_valid(call))
		fault(&b, "call", "must be the id of a call");
	if (!is_right(&b))
		return;
	if (gw_visits_ticket(gw_auth_visits(app->auth), ticket,
			     gw_http_key(req), call,
			     gw_http_header_in(req, "Origin"), tmr_jiffies())) {
		gw_http_problem(req, 503, "internal",
				"The ticket could not be made.");
		return;
	}
	mb = begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "stream_ticket");
		gw_write_string(&w, "ticket", ticket);
		gw_write_string(&w, "call", call);
		gw_write_time(&w, "expires_at",
			      gw_clock_ms() + GW_VISIT_TICKET_S * 1000);
		gw_write_close(&w, '}');
	}
	reply(req, 201, &w, mb);
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
	mb = begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "freeze");
		gw_write_bool(&w, "frozen", gw_registry_is_frozen());
		gw_write_close(&w, '}');
	}
	reply(req, 200, &w, mb);
}

void gw_api_freeze(struct gw_http_req *req)
{
	struct body b = { .req = req, .root = gw_http_json(req) };
	const bool wanted = bool_of(&b, "frozen", true);
	const bool hang_up = bool_of(&b, "hang_up", false);
	int err;

	if (!is_right(&b))
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

static void write_refusal(struct gw_writer *w, const struct gw_store_audit *a)
{
	gw_write_open(w, NULL, '{');
	gw_write_int(w, "id", (int64_t)a->id);
	gw_write_string(w, "object", "refusal");
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
	struct gw_http_req *req = arg;
	char cursor[24];
	struct gw_writer w;
	struct mbuf *mb;

	if (rd->err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problemf(req, 503, "storage",
				 "The store could not be read: %s.",
				 strerror(rd->err));
		return;
	}
	mb = begin(&w);
	if (mb) {
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "list");
		gw_write_open(&w, "data", '[');
		for (size_t i = 0; i < rd->audit_count; i++)
			write_refusal(&w, &rd->audits[i]);
		gw_write_close(&w, ']');
		if (rd->more)
			(void)re_snprintf(cursor, sizeof(cursor), "%llu",
					  (unsigned long long)rd
						  ->audits[rd->audit_count - 1]
						  .id);
		gw_write_string(&w, "next_cursor", rd->more ? cursor : NULL);
		gw_write_close(&w, '}');
	}
	reply(req, 200, &w, mb);
}

/* A whole number in 1..max, or otherwise when there is none. False: answered. */
static bool query_number(struct gw_http_req *req, const char *name,
			 uint64_t *valuep, uint64_t otherwise, uint64_t max)
{
	const char *text = gw_http_query(req, name);
	char *end = NULL;

	*valuep = otherwise;
	if (!text)
		return true;
	if (*text >= '1' && *text <= '9' && strlen(text) < 20) {
		*valuep = strtoull(text, &end, 10);
		if (!*end && *valuep <= max)
			return true;
	}
	gw_http_problemf(req, 400, "invalid_query", "%s is out of range.",
			 name);
	return false;
}

void gw_api_list_audit(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_read *rd;
	uint64_t limit, before;

	if (!query_number(req, "limit", &limit, AUDIT_LIMIT, AUDIT_LIMIT_MAX) ||
	    !query_number(req, "cursor", &before, 0, INT64_MAX))
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
