/* Calls.json and Calls/{sid}.json of Twilio's API. A new call is turned into an order
 * of our own, which goes the way of all orders (api_calls.c); a call comes back from
 * where all calls do (api_read.c), and is told in Twilio's words. */
#include "server/api_twilio.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/http.h"
#include "server/json.h"
#include "server/key.h"
#include "server/lines.h"
#include "server/registry.h"
#include "server/routes.h"
#include "server/twilio.h"
#include "server/writer.h"

bool gw_api_is_twilio(const struct gw_http_req *req)
{
	return gw_http_route(req)->flags & GW_ROUTE_TWILIO;
}

bool gw_api_twilio_account(struct gw_http_req *req)
{
	const struct gw_key *key = gw_http_key(req);
	char own[GW_TWILIO_SID_SIZE];

	gw_twilio_account_sid(own, key ? key->project : NULL);
	if (!strcmp(gw_http_param(req, "account"), own))
		return true;
	gw_http_problemf(req, 404, "not_found",
			 "The requested resource %.200s was not found: the "
			 "account here is %s",
			 gw_http_path(req), own);
	return false;
}

const char *gw_api_twilio_caller_id(const struct gw_json *call)
{
	const char *name = gw_json_string(gw_json_get(call, "line"));
	const struct gw_line *line = name ? gw_lines_find(name) : NULL;
	const struct gw_line_cfg *cfg = line ? gw_line_cfg(line) : NULL;

	return !cfg               ? NULL :
	       cfg->caller_number ? cfg->caller_number :
				    cfg->user;
}

void gw_api_twilio_reply(struct gw_http_req *req, unsigned status,
			 const struct mbuf *call)
{
	struct gw_json_doc *doc = NULL;
	struct mbuf *mb = mbuf_alloc(1024);
	struct gw_writer w = { .err = ENOMEM };

	if (mb &&
	    !gw_json_parse(&doc, (const char *)call->buf, call->end, 0, NULL)) {
		const struct gw_json *root = gw_json_root(doc);

		gw_writer_init(&w, mb);
		gw_twilio_write_call(&w, root, gw_http_param(req, "account"),
				     gw_api_twilio_caller_id(root));
	}
	if (w.err)
		gw_api_no_memory(req);
	else
		gw_http_reply(req, status, "application/json", mb);
	mem_deref(doc);
	mem_deref(mb);
}

static void refuse(struct gw_http_req *req, const struct gw_twilio_fault *fault)
{
	gw_http_problem(req, 400, fault->code, fault->text);
}

void gw_api_twilio_wrong(struct gw_http_req *req,
			 const struct gw_faults *faults)
{
	struct gw_twilio_fault fault;

	gw_twilio_fault_of(&fault, faults->list[0].pointer,
			   faults->list[0].detail);
	refuse(req, &fault);
}

void gw_api_create_twilio_call(struct gw_http_req *req)
{
	const struct gw_key *key = gw_http_key(req);
	struct gw_json_doc *order = NULL;
	struct gw_twilio_fault fault;
	const uint8_t *form;
	size_t len;
	int err;

	if (!gw_api_twilio_account(req))
		return;
	form = gw_http_body(req, &len);
	err = gw_twilio_order(&order, form, len, key ? key->from : NULL,
			      &fault);
	if (err == EBADMSG) {
		refuse(req, &fault);
	} else if (err) {
		gw_api_no_memory(req);
	} else {
		gw_http_take_json(req, order);
		gw_api_place_call(req);
	}
}

/* The id that {sid} stands for. False: answered. */
static bool read_sid(char id[GW_CALL_ID_SIZE], struct gw_http_req *req)
{
	if (!gw_api_twilio_account(req))
		return false;
	if (gw_twilio_call_id(id, gw_http_param(req, "sid")))
		return true;
	gw_api_no_such_call(req);
	return false;
}

void gw_api_get_twilio_call(struct gw_http_req *req)
{
	char id[GW_CALL_ID_SIZE];

	if (!read_sid(id, req))
		return;
	gw_http_later(req);
	gw_api_reply_call(req, id);
}

/* Both of its people talk, or did so a moment ago. */
static bool is_in_progress(const char *state)
{
	static const char *const states[] = { "bridged", "held",
					      "transferring" };

	for (size_t i = 0; state && i < ARRAY_SIZE(states); i++)
		if (!strcmp(states[i], state))
			return true;
	return false;
}

void gw_api_update_twilio_call(struct gw_http_req *req)
{
	enum gw_twilio_wish wish = GW_TWILIO_COMPLETED;
	struct gw_twilio_fault fault;
	char id[GW_CALL_ID_SIZE];
	const uint8_t *form;
	size_t len;
	int err;

	if (!read_sid(id, req))
		return;
	form = gw_http_body(req, &len);
	err = gw_twilio_wish(&wish, form, len, &fault);
	if (err == EBADMSG)
		refuse(req, &fault);
	else if (err)
		gw_api_no_memory(req);
	else if (wish == GW_TWILIO_CANCELED &&
		 is_in_progress(gw_registry_state(id, gw_http_key(req))))
		gw_http_problem(req, 400, "wrong_state",
				"Status: canceled is for calls that are queued "
				"or ringing; completed ends this one");
	else
		gw_api_hang_up(req, id);
}
