/* GET Calls.json of Twilio's API: a page of calls, newest first, and where the next
 * one is. Pages have at most as many as our own lists, whatever PageSize says:
 * clients go by next_page_uri. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/api_twilio.h"
#include "server/audience.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/key.h"
#include "server/store.h"
#include "server/twilio.h"
#include "server/writer.h"
#include "sip/cause.h"

enum {
	SIZE_DEFAULT = 50,
	SIZE_ASKED_MAX = 1000, /* Twilio's */
	SIZE_MAX_HERE = 200,
	PAGE_MAX = 1000000,
	DAY_MS = 86400000,
};

static const char list_name[] = "twilio";

/* The question ---------------------------------------------------------------- */

struct page {
	uint32_t size, number;
};

static bool refuse(struct gw_http_req *req, const char *text)
{
	gw_http_problem(req, 400, "invalid_query", text);
	return false;
}

/* Which page, of what size. False: refused. */
static bool read_page(struct page *page, struct gw_http_req *req)
{
	*page = (struct page){ .size = SIZE_DEFAULT };
	if (!gw_api_read_uint(gw_http_query(req, "PageSize"), 1, SIZE_ASKED_MAX,
			      &page->size))
		return refuse(req, "PageSize: is a number from 1 to 1000");
	if (!gw_api_read_uint(gw_http_query(req, "Page"), 0, PAGE_MAX,
			      &page->number))
		return refuse(req, "Page: is a number");
	if (page->number && !gw_http_query(req, "PageToken"))
		return refuse(req, "Page: it is PageToken that says where a "
				   "page begins; next_page_uri has both");
	if (page->size > SIZE_MAX_HERE)
		page->size = SIZE_MAX_HERE;
	return true;
}

/* "2026-11-22" is its first moment. */
static bool read_time(int64_t *msp, const char *text)
{
	char full[40];

	if (strlen(text) != strlen("2026-11-22"))
		return gw_clock_read(msp, text);
	(void)snprintf(full, sizeof(full), "%sT00:00:00Z", text);
	return gw_clock_read(msp, full);
}

/* The calls of [since, before), by the time they were placed. */
static bool read_times(struct gw_store_read *rd, struct gw_http_req *req)
{
	const char *day = gw_http_query(req, "StartTime");
	const char *since = gw_http_query(req, "StartTime>");
	const char *before = gw_http_query(req, "StartTime<");
	int64_t before_ms = 0;

	if ((day && !read_time(&rd->since_ms, day)) ||
	    (since && !read_time(&rd->since_ms, since)) ||
	    (before && !read_time(&before_ms, before)))
		return refuse(req, "StartTime: is a day such as 2026-11-22, or "
				   "a time such as 2026-11-22T05:00:00Z");
	if (day && (since || before))
		return refuse(req, "StartTime: is a day, or has < or >");
	if (day) {
		rd->since_ms -= rd->since_ms % DAY_MS;
		before_ms = rd->since_ms + DAY_MS;
	}
	if (day || before)
		gw_call_id_lowest(rd->cursor, MAX(before_ms, 0));
	return true;
}

/* A page behind another one begins where that one has ended. */
static bool read_token(struct gw_store_read *rd, struct gw_http_req *req)
{
	const struct gw_cursor_of of = gw_api_cursor_of(req, list_name);
	const char *token = gw_http_query(req, "PageToken");
	char position[GW_CURSOR_POSITION];

	if (!token)
		return true;
	if (!gw_cursor_read(position, &of, token)) {
		gw_http_problem(req, 400, "invalid_cursor",
				"PageToken: is that of an earlier answer");
		return false;
	}
	str_ncpy(rd->cursor, position, sizeof(rd->cursor));
	return true;
}

static bool read_question(struct gw_store_read *rd, struct gw_http_req *req)
{
	const char *status = gw_http_query(req, "Status");
	enum gw_status known;
	struct page page;

	if (!read_page(&page, req))
		return false;
	rd->limit = page.size;
	if (status && !gw_status_parse(&known, status))
		return refuse(req, "Status: is none of queued, ringing, "
				   "in-progress, completed, busy, failed, "
				   "no-answer and canceled");
	return read_times(rd, req) && read_token(rd, req);
}

/* The answer ------------------------------------------------------------------ */

/* The same question for page number. token: or NULL. */
static int print_uri(struct mbuf *mb, struct gw_http_req *req, uint32_t size,
		     uint32_t number, const char *token)
{
	static const char *const names[] = { "To", "Status", "StartTime",
					     "StartTime>", "StartTime<" };
	int err = mbuf_printf(mb, "%s?PageSize=%u&Page=%u", gw_http_path(req),
			      size, number);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const char *value = gw_http_query(req, names[i]);

		if (value)
			err |= gw_api_add_query(mb, '&', names[i], value);
	}
	if (token)
		err |= gw_api_add_query(mb, '&', "PageToken", token);
	return err;
}

static void write_uri(struct gw_writer *w, const char *name,
		      struct gw_http_req *req, const struct page *page,
		      const char *token)
{
	struct mbuf *mb = mbuf_alloc(256);

	if (!mb || print_uri(mb, req, page->size, page->number, token))
		w->err = ENOMEM;
	else
		gw_write_stringn(w, name, (const char *)mb->buf, mb->end);
	mem_deref(mb);
}

static void write_next(struct gw_writer *w, struct gw_http_req *req,
		       const struct page *page, const char *last_id)
{
	const struct gw_cursor_of of = gw_api_cursor_of(req, list_name);
	const struct page next = { page->size, page->number + 1 };
	char token[GW_CURSOR_SIZE];

	if (!last_id)
		gw_write_null(w, "next_page_uri");
	else if (gw_cursor_print(token, &of, last_id))
		w->err = ENOMEM;
	else
		write_uri(w, "next_page_uri", req, &next, token);
}

static void write_row(struct gw_writer *w, struct gw_http_req *req,
		      const struct mbuf *snapshot)
{
	struct gw_json_doc *doc = NULL;
	const struct gw_json *call;

	if (gw_json_parse(&doc, (const char *)snapshot->buf, snapshot->end, 0,
			  NULL)) {
		w->err = ENOMEM;
		return;
	}
	call = gw_json_root(doc);
	gw_twilio_write_call(w, call, gw_http_param(req, "account"),
			     gw_api_twilio_caller_id(call));
	mem_deref(doc);
}

static void write_page(struct gw_writer *w, struct gw_http_req *req,
		       const struct gw_store_read *rd)
{
	const int64_t count = (int64_t)rd->row_count;
	const char *last = rd->more && count ? rd->rows[count - 1].id : NULL;
	struct page page, first;
	int64_t start;

	(void)read_page(&page, req); /* it was good before */
	first = (struct page){ .size = page.size };
	start = (int64_t)page.number * page.size;
	gw_write_open(w, NULL, '{');
	write_uri(w, "first_page_uri", req, &first, NULL);
	write_uri(w, "uri", req, &page, gw_http_query(req, "PageToken"));
	gw_write_null(w, "previous_page_uri");
	write_next(w, req, &page, last);
	gw_write_int(w, "page", page.number);
	gw_write_int(w, "page_size", page.size);
	gw_write_int(w, "start", start);
	gw_write_int(w, "end", count ? start + count - 1 : start);
	gw_write_open(w, "calls", '[');
	for (int64_t i = 0; i < count; i++)
		write_row(w, req, rd->rows[i].snapshot);
	gw_write_close(w, ']');
	gw_write_close(w, '}');
}

static void calls_read(struct gw_store_read *rd, void *arg)
{
	struct gw_http_req *req = arg;
	struct gw_writer w = { .err = ENOMEM };
	struct mbuf *mb;

	if (rd->err) {
		gw_api_no_answer(req, rd->err);
		return;
	}
	mb = mbuf_alloc(4096);
	if (mb) {
		gw_writer_init(&w, mb);
		write_page(&w, req, rd);
	}
	if (w.err)
		gw_api_no_memory(req);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

static int copy_filters(struct gw_store_read *rd, struct gw_http_req *req)
{
	const struct gw_key *key = gw_http_key(req);
	const char *to = gw_http_query(req, "To");
	const char *status = gw_http_query(req, "Status");
	int err = 0;

	if (to)
		err = str_dup(&rd->to, to);
	if (!err && status)
		err = str_dup(&rd->status, status);
	if (!err && key)
		err = gw_audience_ask(&rd->project, &rd->key, key);
	return err;
}

void gw_api_list_twilio_calls(struct gw_http_req *req)
{
	struct gw_store_read *rd;

	if (!gw_api_twilio_account(req))
		return;
	rd = gw_store_read_alloc(GW_STORE_CALLS);
	if (!rd) {
		gw_api_no_memory(req);
		return;
	}
	if (!read_question(rd, req)) {
		mem_deref(rd);
		return;
	}
	rd->doneh = calls_read;
	rd->arg = req;
	gw_http_later(req);
	if (copy_filters(rd, req)) {
		mem_deref(rd);
		gw_api_no_memory(req);
		return;
	}
	gw_api_ask(req, rd);
}
