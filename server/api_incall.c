/* Commands to a call that is up: read, act, reply. 200 and the call once its legs
 * have been told to; what comes of it comes as events. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/api.h"
#include "server/api_read.h"
#include "server/call_id.h"
#include "server/http.h"
#include "server/lines.h"
#include "server/placing.h"
#include "server/refusal.h"
#include "server/registry.h"
#include "server/sounds.h"
#include "server/store.h"

static void wrong_state(struct gw_http_req *req, const char *state)
{
	gw_http_problemf(req, 409, "wrong_state",
			 "The call is in state \"%s\", where this can't be "
			 "done.",
			 state);
}

static void reply_ended(struct gw_http_req *req, struct gw_store_row *row)
{
	(void)row;
	wrong_state(req, "ended");
}

static void reply_busy(struct gw_http_req *req)
{
	(void)gw_http_header(req, "Retry-After", "1");
	gw_http_problem(req, 409, "busy",
			"Something of the kind is under way in this call; "
			"its events tell when it is over.");
}

static void reply(struct gw_http_req *req, const char *id, int err)
{
	const char *state = gw_registry_state(id, gw_http_key(req));

	switch (err) {
	case 0:
		gw_api_reply_call(req, id);
		return;
	case ENOENT:
		gw_api_fetch_call(req, id, reply_ended);
		return;
	case EALREADY:
	case ENOTCONN:
		wrong_state(req, state ? state : "ended");
		return;
	case EBUSY:
		reply_busy(req);
		return;
	case ENOTSUP:
		gw_http_problem(req, 409, "not_supported",
				"The phone or the codec of this leg can't do "
				"this.");
		return;
	case EINVAL:
		gw_http_problem(req, 422, "invalid_command",
				"The call can't do this with what the body "
				"says.");
		return;
	default:
		(void)gw_http_header(req, "Retry-After", "1");
		gw_http_problemf(req, 503, "internal",
				 "The command could not be carried out: %s.",
				 strerror(err));
		return;
	}
}

/* What the body names beside legs and digits --------------------------------- */

static void refuse(struct gw_http_req *req, const char *pointer,
		   const char *why)
{
	gw_http_problem_add(req, pointer, why);
	gw_http_problem(
		req, 422, "invalid_command",
		"The body was read, but something in it is wrong; nothing was "
		"done.");
}

/* Whom a transfer dials passes what POST /calls passes. False: answered. */
static bool resolve_target(struct gw_http_req *req, const char *id,
			   struct gw_registry_order *order,
			   struct gw_address *addr)
{
	const struct gw_command *c = order->command;
	struct gw_refusal refusal = { .status = 0 };
	struct gw_policy_verdict verdict;
	const char *why;

	order->line = gw_registry_replaced_line(id, gw_http_key(req), c->leg);
	if (!order->line)
		return true; /* no such call, which is for reply() to say */
	if (!gw_placing_resolve(addr, &verdict, c->to, order->line,
				gw_http_key(req), &why)) {
		refuse(req, "/to", why);
		return false;
	}
	gw_registry_judge_target(&refusal, id, gw_http_key(req),
				 gw_line_name(order->line), addr, &verdict);
	if (refusal.status) {
		const struct gw_refusal_order words = {
			c->to, NULL, gw_line_name(order->line)
		};

		refusal.pointer = "/to";
		gw_refusal_tell(req, &refusal, &words);
		return false;
	}
	order->target = addr->uri;
	return true;
}

static bool find_sound(struct gw_http_req *req, struct gw_registry_order *order)
{
	order->sound = gw_sounds_find(order->command->play);
	if (order->sound)
		return true;
	refuse(req, "/play", "there is no such WAV file in media.sounds");
	return false;
}

/* The commands --------------------------------------------------------------- */

static void refuse_faults(struct gw_http_req *req,
			  const struct gw_faults *faults)
{
	size_t i;

	for (i = 0; i < faults->count; i++)
		gw_http_problem_add(req, faults->list[i].pointer,
				    faults->list[i].detail);
	gw_http_problem(
		req, faults->controls ? 400 : 422, "invalid_command",
		"The body was read, but something in it is wrong; nothing was "
		"done.");
}

static void command(struct gw_http_req *req, enum gw_command_kind kind)
{
	const char *id = gw_http_param(req, "id");
	struct gw_faults faults = { .count = 0 };
	struct gw_command c;
	struct gw_registry_order order = { .command = &c };
	struct gw_address addr;

	if (!gw_call_id_valid(id)) {
		gw_api_no_such_call(req);
		return;
	}
	if (gw_json_read_command(&c, kind, gw_http_json(req),
				 gw_http_is_form(req), &faults)) {
		refuse_faults(req, &faults);
		return;
	}
	if (!gw_api_is_as_expected(req))
		return;
	if (kind == GW_COMMAND_PLAY && !find_sound(req, &order))
		return;
	if (kind == GW_COMMAND_TRANSFER &&
	    !resolve_target(req, id, &order, &addr))
		return;
	gw_http_later(req);
	reply(req, id, gw_registry_command(id, gw_http_key(req), &order));
}

void gw_api_dtmf(struct gw_http_req *req)
{
	command(req, GW_COMMAND_DTMF);
}

void gw_api_hold(struct gw_http_req *req)
{
	command(req, GW_COMMAND_HOLD);
}

void gw_api_unhold(struct gw_http_req *req)
{
	command(req, GW_COMMAND_UNHOLD);
}

void gw_api_mute(struct gw_http_req *req)
{
	command(req, GW_COMMAND_MUTE);
}

void gw_api_unmute(struct gw_http_req *req)
{
	command(req, GW_COMMAND_UNMUTE);
}

void gw_api_transfer(struct gw_http_req *req)
{
	command(req, GW_COMMAND_TRANSFER);
}

void gw_api_play(struct gw_http_req *req)
{
	command(req, GW_COMMAND_PLAY);
}

void gw_api_record(struct gw_http_req *req)
{
	command(req, GW_COMMAND_RECORD);
}
