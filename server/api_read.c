/* Reading calls: one, with or without waiting; a list; its ladder, its events.
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
#include "server/app.h"
#include "server/audience.h"
#include "server/call_id.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/key.h"
#include "server/lines.h"
#include "server/registry.h"
#include "server/sse.h"
#include "server/store.h"
#include "sip/cause.h"

enum {
	WAIT_DEFAULT_S = 20,
	WAIT_MAX_S = 60,
	LIST_DEFAULT = 50,
	LIST_MAX = 200,
};

void gw_api_no_such_call(struct gw_http_req *req)
{
	gw_http_problem(req, 404, "not_found", "There is no call of this id.");
}

static void no_memory(struct gw_http_req *req)
{
	(void)gw_http_header(req, "Retry-After", "1");
	gw_http_problem(req, 503, "memory", "Out of memory for this answer.");
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

	/* a call of another project is no call */
	if (row && !gw_audience_call(key, row->project, row->click))
		row = NULL;
	if (row)
		f->foundh(f->req, row);
	else if (!rd->err || rd->err == ENOENT)
		gw_api_no_such_call(f->req);
	else {
		(void)gw_http_header(f->req, "Retry-After", "5");
		gw_http_problemf(f->req, 503, "storage",
				 "The store could not be read: %s.",
				 strerror(rd->err));
	}
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
		no_memory(req);
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
	if (gw_http_accept(req) == GW_HTTP_HTML)
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
		no_memory(req);
	mem_deref(mb);
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
		     enum gw_wait_for what, uint32_t timeout_s)
{
	struct poll *p;

	p = mem_zalloc(sizeof(*p), poll_destructor);
	if (!p)
		return false;
	tmr_init(&p->tmr);
	p->req = req;
	str_ncpy(p->id, id, sizeof(p->id));
	if (gw_registry_wait(&p->wait, id, gw_http_key(req), what, poll_over,
			     p)) {
		mem_deref(p);
		return false;
	}
	tmr_start(&p->tmr, (uint64_t)timeout_s * 1000, poll_over, p);
	gw_http_on_gone(req, poll_gone, p);
	return true;
}

static bool read_uint(const char *text, uint32_t min, uint32_t max,
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
	if (!read_uint(gw_http_query(req, "timeout"), 0, WAIT_MAX_S,
		       &timeout_s)) {
		gw_http_problemf(req, 400, "invalid_query",
				 "timeout is a number of seconds from 0 to %d.",
				 WAIT_MAX_S);
		return;
	}
	gw_http_later(req);
	if (wait &&
	    wait_for(req, id, wait[0] == 'a' ? GW_WAIT_ANSWERED : GW_WAIT_ENDED,
		     timeout_s))
		return;
	gw_api_reply_call(req, id);
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
		no_memory(req);
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
		gw_sse_list_call(app->sse, req, call.id);
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

/* Lists --------------------------------------------------------------------- */

/* False: refused. */
static bool read_list_query(struct gw_http_req *req, struct gw_store_read *rd)
{
	const char *cursor = gw_http_query(req, "cursor");
	const char *status = gw_http_query(req, "status");
	const char *since = gw_http_query(req, "since");
	enum gw_status known;

	rd->limit = LIST_DEFAULT;
	if (!read_uint(gw_http_query(req, "limit"), 1, LIST_MAX, &rd->limit)) {
		gw_http_problemf(req, 400, "invalid_query",
				 "limit is a number from 1 to %d.", LIST_MAX);
		return false;
	}
	if (cursor && !gw_call_id_valid(cursor)) {
		gw_http_problem(
			req, 400, "invalid_cursor",
			"cursor is the next_cursor of an earlier answer.");
		return false;
	}
	if (status && !gw_status_parse(&known, status)) {
		gw_http_problem(
			req, 400, "invalid_query",
			"status is one of queued, ringing, in-progress, completed, busy, "
			"failed, no-answer, canceled.");
		return false;
	}
	if (since && !gw_clock_read(&rd->since_ms, since)) {
		gw_http_problem(
			req, 400, "invalid_query",
			"since is a time such as 2026-11-22T05:00:00Z.");
		return false;
	}
	if (cursor)
		str_ncpy(rd->cursor, cursor, sizeof(rd->cursor));
	return true;
}

static int copy_filters(struct gw_http_req *req, struct gw_store_read *rd)
{
	const struct gw_key *key = gw_http_key(req);
	const struct {
		const char *text;
		char **copyp;
	} filters[] = {
		{ gw_http_query(req, "status"), &rd->status },
		{ gw_http_query(req, "to"), &rd->to },
		{ gw_http_query(req, "from"), &rd->from },
		{ gw_http_query(req, "line"), &rd->line },
		{ key ? key->project : NULL, &rd->project },
	};
	size_t i;
	int err = 0;

	for (i = 0; i < sizeof(filters) / sizeof(filters[0]) && !err; i++)
		if (filters[i].text)
			err = str_dup(filters[i].copyp, filters[i].text);
	return err;
}

static int print_list(struct mbuf *mb, const struct gw_store_read *rd)
{
	size_t i;
	int err;

	err = mbuf_write_str(mb, "{\"object\":\"list\",\"data\":[");
	for (i = 0; i < rd->row_count; i++) {
		if (i)
			err |= mbuf_write_str(mb, ",");
		err |= mbuf_write_mem(mb, rd->rows[i].snapshot->buf,
				      rd->rows[i].snapshot->end);
	}
	if (rd->more && rd->row_count)
		err |= mbuf_printf(mb, "],\"next_cursor\":\"%s\"}",
				   rd->rows[rd->row_count - 1].id);
	else
		err |= mbuf_write_str(mb, "],\"next_cursor\":null}");
	return err;
}

static void listed(struct gw_store_read *rd, void *arg)
{
	struct gw_http_req *req = arg;
	struct mbuf *mb;

	if (rd->err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problemf(req, 503, "storage",
				 "The store could not be read: %s.",
				 strerror(rd->err));
		return;
	}
	mb = mbuf_alloc(1024);
	if (!mb || print_list(mb, rd)) {
		no_memory(req);
	} else {
		if (rd->more && rd->row_count)
			(void)gw_http_headerf(
				req, "Link",
				"</calls?cursor=%s&limit=%u>; rel=\"next\"",
				rd->rows[rd->row_count - 1].id, rd->limit);
		gw_http_reply(req, 200, "application/json", mb);
	}
	mem_deref(mb);
}

void gw_api_list_calls(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_CALLS);

	if (!rd) {
		no_memory(req);
		return;
	}
	if (!read_list_query(req, rd)) {
		mem_deref(rd);
		return;
	}
	rd->doneh = listed;
	rd->arg = req;
	gw_http_later(req);
	if (copy_filters(req, rd)) {
		mem_deref(rd);
		no_memory(req);
		return;
	}
	if (gw_store_ask(app->store, rd)) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problem(req, 503, "storage",
				"The store takes no more questions now.");
	}
}
