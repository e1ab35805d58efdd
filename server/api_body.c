/* Small bodies, numbers of a query, and answers: see api_body.h. */
#include "server/api_body.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/http.h"
#include "server/store.h"

/* Bodies ---------------------------------------------------------------------- */

struct gw_body gw_body_of(struct gw_http_req *req)
{
	return (struct gw_body){ .req = req, .root = gw_http_json(req) };
}

static const struct gw_json *member(struct gw_body *b, const char *name)
{
	if (b->known_count < ARRAY_SIZE(b->known))
		b->known[b->known_count++] = name;
	return gw_json_get(b->root, name);
}

static bool is_missing(const struct gw_json *v)
{
	return !v || gw_json_type(v) == GW_JSON_NULL;
}

void gw_body_fault(struct gw_body *b, const char *name, const char *detail)
{
	char pointer[GW_JSON_POINTER_SIZE] = "";

	if (*name)
		(void)gw_json_pointer_add(pointer, sizeof(pointer), name);
	gw_http_problem_add(b->req, pointer, detail);
	b->wrong = true;
}

const char *gw_body_text(struct gw_body *b, const char *name, size_t max,
			 bool needed)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	const size_t len = text ? strlen(text) : 0;
	size_t i = 0;

	if (is_missing(v) && !needed)
		return NULL;
	while (i < len && text[i] > 0x20 && text[i] < 0x7f)
		i++;
	if (len && i == len && len <= max)
		return text;
	gw_body_fault(b, name,
		      v ? "must be a string of visible ASCII characters" :
			  "is missing");
	return NULL;
}

uint32_t gw_body_number(struct gw_body *b, const char *name, uint32_t otherwise,
			uint32_t max)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	int64_t number = otherwise;
	char *end;

	if (is_missing(v))
		return otherwise;
	if (gw_http_is_form(b->req) && text && *text) {
		number = strtol(text, &end, 10);
		number = *end ? 0 : number;
	} else if (gw_json_int(&number, v, 1, max)) {
		number = 0;
	}
	if (number >= 1 && number <= max)
		return (uint32_t)number;
	gw_body_fault(b, name, "is out of range");
	return otherwise;
}

bool gw_body_bool(struct gw_body *b, const char *name, bool needed)
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
		gw_body_fault(b, name,
			      v ? "must be true or false" : "is missing");
	return value;
}

int64_t gw_body_time(struct gw_body *b, const char *name)
{
	const struct gw_json *v = member(b, name);
	const char *text = gw_json_string(v);
	int64_t at_ms = 0;

	if (is_missing(v))
		return 0;
	if (text && gw_clock_read(&at_ms, text) && at_ms > 0)
		return at_ms;
	gw_body_fault(b, name, "must be a time such as 2026-11-22T05:00:00Z");
	return 0;
}

bool gw_body_is_right(struct gw_body *b)
{
	const struct gw_json *m;

	if (b->root && gw_json_type(b->root) != GW_JSON_OBJECT)
		gw_body_fault(b, "", "must be an object");
	for (m = gw_json_first(b->root); m; m = gw_json_next(m)) {
		size_t i = 0;

		while (i < b->known_count && gw_json_name(m) &&
		       strcmp(gw_json_name(m), b->known[i]) != 0)
			i++;
		if (i == b->known_count && gw_json_name(m))
			gw_body_fault(b, gw_json_name(m),
				      "is not a member here");
	}
	if (b->wrong)
		gw_http_problem(b->req, 422, "invalid_body",
				"The body was read, but something in it is "
				"wrong; nothing was done.");
	return !b->wrong;
}

/* Queries ----------------------------------------------------------------------- */

bool gw_number_read(uint64_t *valuep, const char *text, uint64_t max)
{
	char *end = NULL;
	uint64_t value;

	if (*text < '1' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || *end || value > max)
		return false;
	*valuep = value;
	return true;
}

bool gw_query_number(struct gw_http_req *req, const char *name,
		     uint64_t *valuep, uint64_t otherwise, uint64_t max)
{
	const char *text = gw_http_query(req, name);

	*valuep = otherwise;
	if (!text || gw_number_read(valuep, text, max))
		return true;
	gw_http_problemf(req, 400, "invalid_query",
			 "%s is a number from 1 to %llu.", name,
			 (unsigned long long)max);
	return false;
}

/* Answers ------------------------------------------------------------------------ */

struct mbuf *gw_answer_begin(struct gw_writer *w)
{
	struct mbuf *mb = mbuf_alloc(512);

	*w = (struct gw_writer){ .err = ENOMEM };
	if (mb)
		gw_writer_init(w, mb);
	return mb;
}

void gw_answer(struct gw_http_req *req, unsigned status,
	       const struct gw_writer *w, struct mbuf *mb)
{
	if (w->err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, status, "application/json", mb);
	mem_deref(mb);
}

void gw_answer_page(struct gw_http_req *req, const struct gw_answer_page *page)
{
	struct gw_writer w;
	struct mbuf *mb;
	char cursor[24];

	if (page->err) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problemf(req, 503, "storage",
				 "The store could not be read: %s.",
				 strerror(page->err));
		return;
	}
	mb = gw_answer_begin(&w);
	if (mb) {
		(void)snprintf(cursor, sizeof(cursor), "%" PRIu64,
			       page->last_id);
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "list");
		gw_write_open(&w, "data", '[');
		for (size_t i = 0; i < page->count; i++)
			page->write(&w, page->rd, i);
		gw_write_close(&w, ']');
		gw_write_string(&w, "next_cursor", page->more ? cursor : NULL);
		gw_write_close(&w, '}');
	}
	gw_answer(req, 200, &w, mb);
}
