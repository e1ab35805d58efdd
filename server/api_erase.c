/* POST /calls/{id}/erase: what tells of people goes out of a call that has ended:
 * from the store, from memory, and its recording from the disk. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/app.h"
#include "server/call_id.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/http.h"
#include "server/log.h"
#include "server/recordings.h"
#include "server/registry.h"
#include "server/sse.h"
#include "server/store.h"
#include "server/webhook.h"

static void still_up(struct gw_http_req *req)
{
	(void)gw_http_header(req, "Retry-After", "1");
	gw_http_problem(req, 409, "wrong_state",
			"The call is up, or its recording is being written: "
			"it can be erased once it has ended.");
}

static void erased(int err, void *arg)
{
	struct gw_http_req *req = arg;
	const struct gw_app *app = gw_http_app(req);
	const char *id = gw_http_param(req, "id");

	if (err == ENOENT) {
		still_up(req);
		return;
	}
	if (err) {
		gw_api_no_answer(req, err);
		return;
	}
	gw_sse_forget(app->sse);
	gw_webhooks_forget(app->webhooks);
	gw_recordings_erase(id);
	gw_log(GW_LOG_INFO, "call.erased", GW_F_STR("id", id));
	gw_api_reply_call(req, id);
}

static void found(struct gw_http_req *req, struct gw_store_row *row)
{
	const struct gw_app *app = gw_http_app(req);
	int err;

	if (!row->ended_at_ms || gw_registry_let_go(row->id)) {
		still_up(req);
		return;
	}
	err = gw_events_erase(app->events, row->id, gw_clock_ms(), erased, req);
	if (err)
		gw_api_no_answer(req, err);
}

void gw_api_erase_call(struct gw_http_req *req)
{
	const char *id = gw_http_param(req, "id");

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	if (gw_json_count(gw_http_json(req))) {
		gw_http_problem_add(req, "", "erasing takes no members");
		gw_http_problem(req, 422, "invalid_call",
				"The body was read, but it should be empty or "
				"{}; nothing was erased.");
		return;
	}
	if (!gw_api_is_as_expected(req))
		return;
	gw_http_later(req);
	gw_api_fetch_call(req, id, found);
}
