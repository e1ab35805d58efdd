/* The smaller types of the API as JSON: event data, ladders, lines, and the words
 * that stand for our enums. See json.h. */
#include "server/json_impl.h"

#include <string.h>

/* Names -------------------------------------------------------------------- */

static const char *const event_names[] = {
	[GW_EV_CALL_INITIATED] = "call.initiated",
	[GW_EV_CALL_RINGING] = "call.ringing",
	[GW_EV_CALL_EARLY_MEDIA] = "call.early_media",
	[GW_EV_CALL_ANSWERED] = "call.answered",
	[GW_EV_CALL_BRIDGED] = "call.bridged",
	[GW_EV_CALL_HOLD] = "call.hold",
	[GW_EV_CALL_UNHOLD] = "call.unhold",
	[GW_EV_CALL_DTMF] = "call.dtmf",
	[GW_EV_CALL_PLAYBACK_STARTED] = "call.playback.started",
	[GW_EV_CALL_PLAYBACK_ENDED] = "call.playback.ended",
	[GW_EV_CALL_MEDIA_STALLED] = "call.media.stalled",
	[GW_EV_CALL_CONFIRM_PASSED] = "call.confirm.passed",
	[GW_EV_CALL_CONFIRM_FAILED] = "call.confirm.failed",
	[GW_EV_CALL_TRANSFER_STARTED] = "call.transfer.started",
	[GW_EV_CALL_TRANSFER_COMPLETED] = "call.transfer.completed",
	[GW_EV_CALL_TRANSFER_FAILED] = "call.transfer.failed",
	[GW_EV_CALL_WAITING] = NULL,
	[GW_EV_CALL_ENDED] = "call.ended",
	[GW_EV_LEG_INITIATED] = "leg.initiated",
	[GW_EV_LEG_RINGING] = "leg.ringing",
	[GW_EV_LEG_EARLY_MEDIA] = "leg.early_media",
	[GW_EV_LEG_ANSWERED] = "leg.answered",
	[GW_EV_LEG_ENDED] = "leg.ended",
};

const char *gw_event_name(enum gw_call_event_type type)
{
	return (size_t)type < sizeof(event_names) / sizeof(event_names[0]) ?
		       event_names[type] :
		       NULL;
}

const char *gw_role_name(int role)
{
	return role == GW_ROLE_FROM ? "from" : role == GW_ROLE_TO ? "to" : NULL;
}

const char *gw_ended_by_name(enum gw_ended_by by)
{
	static const char *const names[] = {
		[GW_ENDED_BY_NONE] = NULL,         [GW_ENDED_BY_FROM] = "from",
		[GW_ENDED_BY_TO] = "to",           [GW_ENDED_BY_API] = "api",
		[GW_ENDED_BY_TIMER] = "timer",     [GW_ENDED_BY_LINE] = "line",
		[GW_ENDED_BY_GATEWAY] = "gateway",
	};

	return (size_t)by < sizeof(names) / sizeof(names[0]) ? names[by] : NULL;
}

/* Writing ------------------------------------------------------------------ */

void gw_json_write_code(struct gw_writer *w, const char *name, uint16_t code)
{
	if (code)
		gw_write_int(w, name, code);
	else
		gw_write_null(w, name);
}

static void write_ladder_msg(const struct gw_ladder_msg *msg, void *arg)
{
	struct gw_writer *w = arg;
	const char *eol = memchr(msg->text, '\r', msg->len);

	gw_write_open(w, NULL, '{');
	gw_write_time(w, "time", msg->at_ms);
	gw_write_string(w, "direction", msg->sent ? "out" : "in");
	gw_write_stringn(w, "first_line", msg->text,
			 eol ? (size_t)(eol - msg->text) : msg->len);
	gw_write_stringn(w, "text", msg->text, msg->len);
	gw_write_close(w, '}');
}

int gw_json_write_ladder(struct mbuf *mb, const struct gw_call *call)
{
	struct gw_writer w;
	uint32_t skipped;

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_open(&w, "messages", '[');
	skipped = gw_call_ladder(call, write_ladder_msg, &w);
	gw_write_close(&w, ']');
	gw_write_int(&w, "skipped", skipped);
	gw_write_string(&w, "diagnosis", gw_call_diagnosis(call));
	gw_write_close(&w, '}');
	return w.err;
}

/* 0 is none */
static void write_limit(struct gw_writer *w, const char *name, uint32_t limit)
{
	if (limit)
		gw_write_int(w, name, limit);
	else
		gw_write_null(w, name);
}

int gw_json_write_line(struct mbuf *mb, const struct gw_line *line,
		       bool is_default, int64_t now_ms)
{
	const struct gw_line_cfg *cfg = gw_line_cfg(line);
	static const char *const transports[] = { "udp", "tcp", "tls" };
	struct gw_line_info info;
	struct gw_writer w;

	gw_line_info(line, &info);
	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_string(&w, "object", "line");
	gw_write_string(&w, "name", info.name);
	gw_write_string(&w, "state", gw_line_state_name(info.state));
	gw_write_bool(&w, "default", is_default);
	gw_write_bool(&w, "register", info.registers);
	gw_write_string(&w, "user", cfg->user);
	gw_write_string(&w, "domain", cfg->domain);
	gw_write_string(&w, "transport", transports[cfg->transport]);
	gw_json_write_code(&w, "last_code", info.last_code);
	gw_write_string(&w, "last_reason", info.last_reason);
	gw_write_int(&w, "expires", info.expires_s);
	write_limit(&w, "server_minimum", info.server_min_expires_s);
	gw_write_int(&w, "seconds_left",
		     info.registered_until_ms > now_ms ?
			     (info.registered_until_ms - now_ms) / 1000 :
			     0);
	gw_write_time(&w, "registered_until", info.registered_until_ms);
	gw_write_time(&w, "last_success_at", info.last_success_ms);
	gw_write_time(&w, "next_try_at", info.next_try_ms);
	gw_write_string(&w, "contacts", info.contacts);
	gw_write_string(&w, "server", info.server);
	gw_write_int(&w, "calls", info.calls);
	write_limit(&w, "max_calls", cfg->max_calls);
	gw_write_close(&w, '}');
	return w.err;
}

int gw_json_write_event_data(struct mbuf *mb, const struct gw_call_event *ev)
{
	struct gw_writer w;
	char digit[2] = { ev->digit, '\0' };

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	if (ev->digit) {
		gw_write_string(&w, "digit", digit);
		gw_write_int(&w, "duration_ms", ev->duration_ms);
	}
	if (ev->sip_code) {
		gw_write_int(&w, "sip_code", ev->sip_code);
		gw_write_string(&w, "sip_reason", ev->sip_reason);
	}
	gw_write_close(&w, '}');
	return w.err;
}

int gw_json_write_recording_data(struct mbuf *mb, const char *call_id,
				 const struct gw_recording_view *recording)
{
	struct gw_writer w;

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_json_write_recording_members(&w, call_id, recording);
	gw_write_close(&w, '}');
	return w.err;
}
