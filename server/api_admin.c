/* GET /capacity, GET /metrics. */
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/api.h"
#include "server/app.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/registry.h"
#include "server/sse.h"
#include "server/writer.h"

void gw_api_get_capacity(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct gw_registry_stats calls;
	struct gw_sse_stats streams;
	struct gw_writer w = { .err = ENOMEM };
	struct mbuf *mb = mbuf_alloc(512);

	gw_registry_stats(&calls);
	gw_sse_stats(app->sse, &streams);
	if (mb) {
		gw_writer_init(&w, mb);
		gw_write_open(&w, NULL, '{');
		gw_write_string(&w, "object", "capacity");
		gw_write_bool(&w, "accepting",
			      !gw_http_is_draining(app->http) &&
				      !gw_registry_is_frozen());
		gw_write_bool(&w, "frozen", gw_registry_is_frozen());
		gw_write_int(&w, "calls", calls.living);
		gw_write_int(&w, "calls_in_progress", calls.in_progress);
		gw_write_int(&w, "calls_limit", calls.limit);
		gw_write_int(&w, "calls_per_second_limit",
			     app->cfg->limits.calls_per_s);
		gw_write_int(&w, "calls_placed", (int64_t)calls.placed);
		gw_write_int(&w, "calls_refused", (int64_t)calls.refused);
		gw_write_int(&w, "streams", streams.streams);
		gw_write_int(&w, "streams_limit", app->cfg->limits.streams);
		gw_write_close(&w, '}');
	}
	if (w.err)
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200, "application/json", mb);
	mem_deref(mb);
}

void gw_api_get_metrics(struct gw_http_req *req)
{
	const struct gw_app *app = gw_http_app(req);
	struct mbuf *mb = mbuf_alloc(8192);

	if (!mb || gw_metrics_print(mb, app->metrics))
		gw_http_problem(req, 503, "memory", NULL);
	else
		gw_http_reply(req, 200,
			      "text/plain; version=0.0.4; charset=utf-8", mb);
	mem_deref(mb);
}
