/* GET /lines, GET /lines/{name}, POST /lines/{name}/check. */
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/api.h"
#include "server/http.h"
#include "server/lines.h"
#include "server/log.h"
#include "server/writer.h"
#include "sip/line.h"

/* Null, and the request answered, when there is no such line for this key. */
static struct gw_line *find_line(struct gw_http_req *req)
{
	const char *name = gw_http_param(req, "name");
	struct gw_line *line = gw_lines_find(name);

	if (line && gw_lines_allowed(gw_http_key(req), line))
		return line;
	gw_http_problem(
		req, 404, "not_found",
		"There is no line of this name; GET /lines lists them.");
	return NULL;
}

void gw_api_list_lines(struct gw_http_req *req)
{
	struct mbuf *mb = mbuf_alloc(1024);
	int err = mb ? 0 : ENOMEM;

	if (!err) {
		err |= mbuf_write_str(mb, "{\"object\":\"list\",\"data\":");
		err |= gw_lines_print_all(mb, gw_http_key(req));
		err |= mbuf_write_str(mb, ",\"next_cursor\":null}");
	}
	if (err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

void gw_api_get_line(struct gw_http_req *req)
{
	struct gw_line *line = find_line(req);
	struct mbuf *mb;

	if (!line)
		return;
	mb = mbuf_alloc(512);
	if (!mb || gw_lines_print(mb, line))
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

static void write_try(struct gw_writer *w, const char *name, uint16_t code,
		      uint32_t took_ms)
{
	gw_write_open(w, name, '{');
	if (code) {
		gw_write_int(w, "code", code);
		gw_write_int(w, "took_ms", took_ms);
	} else {
		gw_write_null(w, "code");
		gw_write_null(w, "took_ms");
	}
	gw_write_close(w, '}');
}

static void checked(const struct gw_line_verdict *verdict, void *arg)
{
	struct gw_http_req *req = arg;
	struct mbuf *mb = mbuf_alloc(512);
	struct gw_writer w = { .err = ENOMEM };

	if (mb) {
		gw_writer_init(&w, mb);
		gw_write_open(&w, NULL, '{');
		gw_write_bool(&w, "ok", verdict->ok);
		gw_write_string(&w, "verdict", verdict->text);
		write_try(&w, "options", verdict->options_code,
			  verdict->options_ms);
		write_try(&w, "register", verdict->register_code,
			  verdict->register_ms);
		gw_write_close(&w, '}');
	}
	if (w.err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

void gw_api_check_line(struct gw_http_req *req)
{
	struct gw_line *line = find_line(req);
	int err;

	if (!line)
		return;
	gw_http_later(req);
	err = gw_line_check(line, checked, req);
	if (err == EBUSY) {
		(void)gw_http_header(req, "Retry-After", "5");
		gw_http_problem(
			req, 409, "check_running",
			"This line is being checked already; ask again in a moment.");
	} else if (err) {
		gw_http_problemf(req, 503, "check_failed",
				 "The check could not be started: %s.",
				 strerror(err));
	}
}
