/* Reading calls: one, with or without waiting; its ladder, its events. Lists are
 * api_list.c's.
 *
 * A living call is answered from memory, an ended one from the store. */
#include "server/api_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/api.h"
#include "server/api_page.h"
#include "server/api_twilio.h"
#include "server/app.h"
#include "server/audience.h"
#include "server/call_id.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/key.h"
#include "server/lines.h"
#include "server/registry.h"
#include "server/routes.h"
#include "server/sse.h"
#include "server/store.h"
#include "sip/cause.h"

enum {
	WAIT_DEFAULT_S = 20,
	WAIT_MAX_S = 60,
};

void gw_api_no_such_call(struct gw_http_req *req)
{
	gw_http_problem(req, 404, "not_found", "There is no call of this id.");
}

void gw_api_no_memory(struct gw_http_req *req)
{
	(void)gw_http_header(req, "Retry-After", "1");
	gw_http_problem(req, 503, "memory", "Out of memory for this answer.");
}

void gw_api_no_answer(struct gw_http_req *req, int err)
{
	(void)gw_http_header(req, "Retry-After", "5");
	gw_http_problemf(req, 503, "storage",
			 "The store could not be read: %s.", strerror(err));
}

/* From the store ------------------------------------------------------------ */

/* One call of the store for a handler that waits. */
struct fetch {
	struct gw_http_req *req;
	gw_api_row_h *foundh;
};

static void fetched(struct gw_store_read *rd, void *arg)
{
	struct fetch *f = arg;
	const struct gw_key *key = gw_http_key(f->req);
	struct gw_store_row *row = rd->err ? NULL : &rd->rows[0];

	/* a call of others is no call */
	if (row && !gw_audience_call(key, &(const struct gw_whose){
						  row->project, row->key,
						  row->click }))
		row = NULL;
	if (row)
		f->foundh(f->req, row);
	else if (!rd->err || rd->err == ENOENT)
		gw_api_no_such_call(f->req);
	else
		gw_api_no_answer(f->req, rd->err);
	mem_deref(f);
}

void gw_api_fetch_call(struct gw_http_req *req, const char *id,
		       gw_api_row_h *foundh)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_CALL);
	struct fetch *f = mem_zalloc(sizeof(*f), NULL);

	if (!rd || !f) {
		mem_deref(rd);
		mem_deref(f);
		gw_api_no_memory(req);
		return;
	}
	f->req = req;
	f->foundh = foundh;
	str_ncpy(rd->call_id, id, sizeof(rd->call_id));
	rd->doneh = fetched;
	rd->arg = f;
	if (gw_store_ask(app->store, rd)) {
		mem_deref(f);
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problem(req, 503, "storage",
				"The store takes no more questions now.");
	}
}

/* One call ------------------------------------------------------------------ */

static void reply_json(struct gw_http_req *req, struct mbuf *call)
{
	if (gw_api_is_twilio(req))
		gw_api_twilio_reply(req, 200, call);
	else if (gw_http_accept(req) == GW_HTTP_HTML)
		gw_api_reply_call_page(req, call);
	else
		gw_http_reply_etag(req, call);
}

static void reply_row(struct gw_http_req *req, struct gw_store_row *row)
{
	reply_json(req, row->snapshot);
}

void gw_api_reply_call(struct gw_http_req *req, const char *id)
{
	struct mbuf *mb = mbuf_alloc(2048);
	int err = mb ? gw_registry_print(mb, id, gw_http_key(req)) : ENOMEM;

	if (!err)
		reply_json(req, mb);
	else if (err == ENOENT)
		gw_api_fetch_call(req, id, reply_row);
	else
		gw_api_no_memory(req);
	mem_deref(mb);
}

/* Expectations --------------------------------------------------------------- */

static bool is_as_expected(struct gw_http_req *req, const struct mbuf *call)
{
	const char *match = gw_http_header_in(req, "If-Match");
	const char *none = gw_http_header_in(req, "If-None-Match");
	char etag[GW_HTTP_ETAG_SIZE];

	gw_http_etag(etag, call);
	if ((!match || gw_http_etag_listed(match, etag, true)) &&
	    (!none || !gw_http_etag_listed(none, etag, false))) {
		gw_http_set_expected(req);
		return true;
	}
	gw_http_not_as_expected(req, etag);
	return false;
}

/* It has ended: the handler may begin anew. */
static void looked_at(struct gw_http_req *req, struct gw_store_row *row)
{
	if (is_as_expected(req, row->snapshot))
		gw_http_route(req)->handler(req);
}

bool gw_api_is_as_expected(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");
	struct mbuf *mb;
	bool goes_on = false;
	int err;

	if (gw_http_is_expected(req) ||
	    (!gw_http_header_in(req, "If-Match") &&
	     !gw_http_header_in(req, "If-None-Match")))
		return true;
	mb = mbuf_alloc(2048);
	err = mb ? gw_registry_print(mb, id, gw_http_key(req)) : ENOMEM;
	if (!err) {
		goes_on = is_as_expected(req, mb);
	} else if (err == ENOENT) {
		gw_http_later(req);
		gw_api_fetch_call(req, id, looked_at);
	} else {
		gw_api_no_memory(req);
	}
	mem_deref(mb);
	return goes_on;
}

/* A request that waits for a call to get somewhere. */
struct poll {
	struct gw_http_req *req;
	struct gw_registry_wait *wait;
	struct tmr tmr;
	char id[GW_STORE_ID_SIZE];
};

static void poll_destructor(void *arg)
{
	struct poll *p = arg;

	tmr_cancel(&p->tmr);
	mem_deref(p->wait);
}

static void poll_over(void *arg)
{
	struct poll *p = arg;

	gw_http_on_gone(p->req, NULL, NULL);
	gw_api_reply_call(p->req, p->id);
	mem_deref(p);
}

static void poll_gone(struct gw_http_req *req, void *arg)
{
	(void)req;
	poll_over(arg);
}

/* ?wait=answered|ended&timeout=20. False: there is nothing to wait for. */
static bool wait_for(struct gw_http_req *req, const char *id,
		     const char *waited, enum gw_wait_for what,
		     uint32_t timeout_s)
{
	struct poll *p;

	p = mem_zalloc(sizeof(*p), poll_destructor);
	if (!p)
		return false;
	tmr_init(&p->tmr);
	p->req = req;
	str_ncpy(p->id, id, sizeof(p->id));
	if (gw_registry_wait(&p->wait, waited, gw_http_key(req), what,
			     poll_over, p)) {
		mem_deref(p);
		return false;
	}
	tmr_start(&p->tmr, (uint64_t)timeout_s * 1000, poll_over, p);
	gw_http_on_gone(req, poll_gone, p);
	return true;
}

bool gw_api_reply_when_ended(struct gw_http_req *req, const char *id,
			     const char *waited)
{
	return wait_for(req, id, waited, GW_WAIT_ENDED, WAIT_DEFAULT_S);
}

bool gw_api_read_uint(const char *text, uint32_t min, uint32_t max,
		      uint32_t *valp)
{
	char *end;
	unsigned long v;

	if (!text)
		return true;
	if (text[0] < '0' || text[0] > '9' || strlen(text) > 9)
		return false;
	v = strtoul(text, &end, 10);
	if (*end || v < min || v > max)
		return false;
	*valp = (uint32_t)v;
	return true;
}

void gw_api_get_call(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");
	const char *wait = gw_http_query(req, "wait");
	const char *quality = gw_http_query(req, "quality");
	uint32_t timeout_s = WAIT_DEFAULT_S;

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	if (wait && strcmp(wait, "answered") != 0 &&
	    strcmp(wait, "ended") != 0) {
		gw_http_problem(req, 400, "invalid_query",
				"wait is \"answered\" or \"ended\".");
		return;
	}
	if (quality && strcmp(quality, "now") != 0) {
		gw_http_problem(req, 400, "invalid_query",
				"quality is \"now\".");
		return;
	}
	if (!gw_api_read_uint(gw_http_query(req, "timeout"), 0, WAIT_MAX_S,
			      &timeout_s)) {
		gw_http_problemf(req, 400, "invalid_query",
				 "timeout is a number of seconds from 0 to %d.",
				 WAIT_MAX_S);
		return;
	}
	gw_http_later(req);
	if (wait && wait_for(req, id, id,
			     wait[0] == 'a' ? GW_WAIT_ANSWERED : GW_WAIT_ENDED,
			     timeout_s))
		return;
	gw_api_reply_call(req, id);
	if (quality)
		gw_registry_measure(id, gw_http_key(req));
}

/* The ladder ---------------------------------------------------------------- */

static void reply_ladder(struct gw_http_req *req, struct gw_store_row *row)
{
	if (row->ladder)
		gw_http_reply(req, 200, "application/json", row->ladder);
	else
		gw_http_reply_text(
			req, 200, "application/json",
			"{\"messages\":[],\"skipped\":0,\"diagnosis\":"
			"\"the process that placed this call died, and its messages "
			"with it\"}");
}

void gw_api_get_call_sip(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");
	struct mbuf *mb;
	int err;

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	gw_http_later(req);
	mb = mbuf_alloc(4096);
	err = mb ? gw_registry_print_ladder(mb, id, gw_http_key(req)) : ENOMEM;
	if (!err)
		gw_http_reply(req, 200, "application/json", mb);
	else if (err == ENOENT)
		gw_api_fetch_call(req, id, reply_ladder);
	else
		gw_api_no_memory(req);
	mem_deref(mb);
}

/* Events -------------------------------------------------------------------- */

static void open_stream(struct gw_http_req *req, struct gw_store_row *row)
{
	const struct gw_app *app = gw_http_app(req);
	const struct gw_sse_call call = {
		.id = row->id,
		.ended = row->ended_at_ms != 0,
		.last_event_id = row->last_event_id,
		.snapshot = (const char *)row->snapshot->buf,
		.snapshot_len = row->snapshot->end,
	};

	if (gw_http_accept(req) == GW_HTTP_EVENTS)
		gw_sse_open_call(app->sse, req, &call);
	else
		gw_api_reply_call_events(req, call.id);
}

/* What is on disk decides what a reader has missed, so the store is asked even
 * about a living call. */
void gw_api_call_events(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	gw_http_later(req);
	gw_api_fetch_call(req, id, open_stream);
}

void gw_api_events(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);

	gw_sse_open(app->sse, req);
}
