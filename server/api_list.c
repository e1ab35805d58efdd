/* Lists in pages: calls, newest first, and the events of one, oldest first.
 *
 *   GET ?limit=2  ->  [9, 8]  next_cursor: signed "8"   and Link: rel="next"
 *   GET ?cursor=  ->  [7, 6]  ...
 *
 * A page begins behind the last one of the page before, whatever has come since. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "server/api.h"
#include "server/api_read.h"
#include "server/app.h"
#include "server/audience.h"
#include "server/call_id.h"
#include "server/clock.h"
#include "server/cursor.h"
#include "server/http.h"
#include "server/key.h"
#include "server/store.h"
#include "server/uri.h"
#include "sip/cause.h"

enum {
	CALLS_DEFAULT = 50,
	CALLS_MAX = 200,
	EVENTS_DEFAULT = 1000,
	EVENTS_MAX = 1000,
};

/* Cursors -------------------------------------------------------------------- */

struct gw_cursor_of gw_api_cursor_of(const struct gw_http_req *req,
				     const char *list)
{
	const struct gw_app *app = gw_http_app(req);
	const struct gw_key *key = gw_http_key(req);

	return (struct gw_cursor_of){
		.secret = gw_store_facts(app->store)->secret,
		.list = list,
		.whose = key ? key->project : NULL,
	};
}

/* Limit and cursor of the query; position "" at the first page. False: answered. */
static bool read_page(char position[GW_CURSOR_POSITION], uint32_t *limitp,
		      struct gw_http_req *req, const char *list, uint32_t max)
{
	const struct gw_cursor_of of = gw_api_cursor_of(req, list);
	const char *cursor = gw_http_query(req, "cursor");

	position[0] = '\0';
	if (!gw_api_read_uint(gw_http_query(req, "limit"), 1, max, limitp)) {
		gw_http_problemf(req, 400, "invalid_query",
				 "limit is a number from 1 to %u.", max);
		return false;
	}
	if (cursor && !gw_cursor_read(position, &of, cursor)) {
		gw_http_problem(
			req, 400, "invalid_cursor",
			"cursor is the next_cursor of an earlier answer.");
		return false;
	}
	return true;
}

int gw_api_add_query(struct mbuf *mb, char before, const char *name,
		     const char *value)
{
	int err = mbuf_write_u8(mb, (uint8_t)before);

	err |= gw_uri_escape(mb, name);
	err |= mbuf_write_u8(mb, '=');
	return err | gw_uri_escape(mb, value);
}

/* The same question for the page behind this one. */
static int write_link(struct mbuf *mb, struct gw_http_req *req,
		      const char *cursor)
{
	static const char *const names[] = { "status", "to",    "from",
					     "line",   "since", "limit" };
	int err = mbuf_printf(mb, "<%s", gw_http_path(req));

	err |= gw_api_add_query(mb, '?', "cursor", cursor);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = gw_http_query(req, names[i]);

		if (value)
			err |= gw_api_add_query(mb, '&', names[i], value);
	}
	err |= mbuf_write_str(mb, ">; rel=\"next\"");
	return err | mbuf_write_u8(mb, 0);
}

/* The end of a page, and the answer. position NULL: it was the last one. */
static void reply_page(struct gw_http_req *req, struct mbuf *mb,
		       const char *list, const char *position)
{
	const struct gw_cursor_of of = gw_api_cursor_of(req, list);
	struct mbuf *link = position ? mbuf_alloc(256) : NULL;
	char cursor[GW_CURSOR_SIZE];
	int err = position && !link ? ENOMEM : 0;

	if (position && !err) {
		err = gw_cursor_print(cursor, &of, position);
		err = err ? err : write_link(link, req, cursor);
		err = err ? err :
			    gw_http_header(req, "Link",
					   (const char *)link->buf);
		err = err ? err :
			    mbuf_printf(mb, "],\"next_cursor\":\"%s\"}",
					cursor);
	} else if (!err) {
		err = mbuf_write_str(mb, "],\"next_cursor\":null}");
	}
	if (err)
		gw_api_no_memory(req);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(link);
}

static int begin_page(struct mbuf **mbp)
{
	struct mbuf *mb = mbuf_alloc(4096);
	const int err =
		mb ? mbuf_write_str(mb, "{\"object\":\"list\",\"data\":[") :
		     ENOMEM;

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

static int add_to_page(struct mbuf *mb, size_t i, const struct mbuf *json)
{
	const int err = i ? mbuf_write_u8(mb, ',') : 0;

	return err ? err : mbuf_write_mem(mb, json->buf, json->end);
}

/* Asks; what can't be asked is answered at once. */
void gw_api_ask(struct gw_http_req *req, struct gw_store_read *rd)
{
	const struct gw_app *app = gw_http_app(req);

	if (gw_store_ask(app->store, rd)) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problem(req, 503, "storage",
				"The store takes no more questions now.");
	}
}

/* Calls ---------------------------------------------------------------------- */

/* False: refused. */
static bool read_filters(struct gw_http_req *req, struct gw_store_read *rd)
{
	const char *status = gw_http_query(req, "status");
	const char *since = gw_http_query(req, "since");
	enum gw_status known;

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
	};
	int err = key ? gw_audience_ask(&rd->project, &rd->key, key) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(filters) && !err; i++)
		if (filters[i].text)
			err = str_dup(filters[i].copyp, filters[i].text);
	return err;
}

static void calls_read(struct gw_store_read *rd, void *arg)
{
	struct gw_http_req *req = arg;
	struct mbuf *mb = NULL;
	int err;

	if (rd->err) {
		gw_api_no_answer(req, rd->err);
		return;
	}
	err = begin_page(&mb);
	for (size_t i = 0; i < rd->row_count && !err; i++)
		err = add_to_page(mb, i, rd->rows[i].snapshot);
	if (err)
		gw_api_no_memory(req);
	else
		reply_page(req, mb, "calls",
			   rd->more && rd->row_count ?
				   rd->rows[rd->row_count - 1].id :
				   NULL);
	mem_deref(mb);
}

void gw_api_list_calls(struct gw_http_req *req)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_CALLS);
	char position[GW_CURSOR_POSITION];

	if (!rd) {
		gw_api_no_memory(req);
		return;
	}
	rd->limit = CALLS_DEFAULT;
	if (!read_page(position, &rd->limit, req, "calls", CALLS_MAX) ||
	    !read_filters(req, rd)) {
		mem_deref(rd);
		return;
	}
	str_ncpy(rd->cursor, position, sizeof(rd->cursor));
	rd->doneh = calls_read;
	rd->arg = req;
	gw_http_later(req);
	if (copy_filters(req, rd)) {
		mem_deref(rd);
		gw_api_no_memory(req);
		return;
	}
	gw_api_ask(req, rd);
}

/* The events of a call ------------------------------------------------------- */

static void events_read(struct gw_store_read *rd, void *arg)
{
	struct gw_http_req *req = arg;
	const bool more = rd->more && rd->event_count;
	struct mbuf *mb = NULL;
	char position[24];
	int err;

	if (rd->err) {
		gw_api_no_answer(req, rd->err);
		return;
	}
	err = begin_page(&mb);
	for (size_t i = 0; i < rd->event_count && !err; i++)
		err = add_to_page(mb, i, rd->events[i].json);
	if (more)
		(void)re_snprintf(
			position, sizeof(position), "%llu",
			(unsigned long long)rd->events[rd->event_count - 1].id);
	if (err)
		gw_api_no_memory(req);
	else
		reply_page(req, mb, rd->call_id, more ? position : NULL);
	mem_deref(mb);
}

void gw_api_reply_call_events(struct gw_http_req *req, const char *id)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_EVENTS);
	const char *last = gw_http_query(req, "last_event_id");
	char position[GW_CURSOR_POSITION];

	if (!rd) {
		gw_api_no_memory(req);
		return;
	}
	rd->limit = EVENTS_DEFAULT;
	if (!read_page(position, &rd->limit, req, id, EVENTS_MAX)) {
		mem_deref(rd);
		return;
	}
	str_ncpy(rd->call_id, id, sizeof(rd->call_id));
	/* what is no number is no place to begin at: from the first one */
	if (position[0])
		rd->after_id = strtoull(position, NULL, 10);
	else if (last && strlen(last) < 19 &&
		 strspn(last, "0123456789") == strlen(last))
		rd->after_id = strtoull(last, NULL, 10);
	rd->doneh = events_read;
	rd->arg = req;
	gw_api_ask(req, rd);
}
