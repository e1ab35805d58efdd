/* One reader and one writer per type of the API. The writers put text straight
 * into a buffer (server/writer.h); the readers go through config/json.h and
 * gather every fault with its pointer. */
#ifndef BELLPULL_SERVER_JSON_H
#define BELLPULL_SERVER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "server/schedule.h"
#include "sip/call.h"
#include "sip/line.h"

struct gw_json;
struct gw_writer;
struct mbuf;

enum {
	GW_ORDER_HEADERS_MAX = 16,
	GW_CLIENT_STATE_MAX = 1024,
	GW_METADATA_MAX = 4096,
	GW_FAULTS_MAX = 16,
};

/* What is wrong with a body, for errors[] of the problem. */
struct gw_faults {
	size_t count;
	bool controls; /* control characters in a text that goes into SIP */
	struct {
		char pointer[128];
		char detail[192];
	} list[GW_FAULTS_MAX];
};
void gw_fault(struct gw_faults *faults, const char *pointer, const char *fmt,
	      ...);

/* POST /calls as asked for. Strings are borrowed from the body's document. */
struct gw_order_request {
	const char *to;
	const char *line;      /* or NULL: the default */
	const char *from;      /* or NULL: one leg, role to */
	const char *from_line; /* or NULL: line */
	const char *
		webrtc; /* the offer of a browser, which is from or to; or NULL */
	enum gw_role webrtc_role;
	enum gw_role first; /* who is rung first */
	bool show_caller_id_to_from;
	bool has_confirm;
	int confirm_leg; /* a role, settled when all has been read */
	char confirm_digit;
	uint32_t confirm_timeout_s;
	int announce_leg;     /* a role, settled as well */
	const char *ringback; /* country; or NULL: the line's */
	enum gw_join join;
	const char *send_digits; /* or NULL */
	bool record;
	uint32_t ring_timeout_s, time_limit_s, setup_deadline_s;
	const char *caller_number, *caller_name; /* or NULL: the line's */
	int caller_privacy;                      /* -1: the line's */
	bool auto_answer;
	const char *announce_play; /* or NULL */
	struct gw_call_header headers[GW_ORDER_HEADERS_MAX];
	size_t header_count;
	uint32_t dedupe_s;
	struct gw_schedule schedule;
	const char *client_state;         /* or NULL */
	const struct gw_json *metadata;   /* an object, or NULL */
	const char *status_callback;      /* URL, or NULL */
	unsigned status_callback_moments; /* enum gw_webhook_moment */
};

/* body: the JSON object, or the object a form was turned into (from_form: then
 * numbers and booleans may stand as text). Unknown members are faults: a typo
 * must not dial. order->to: who is meant where the body names nobody, or NULL.
 * Returns 0 or EINVAL (faults tells). */
int gw_json_read_order(struct gw_order_request *order,
		       const struct gw_json *body, bool from_form,
		       const struct gw_config_strings *header_patterns,
		       struct gw_faults *faults);

/* POST /calls/{id}/dtmf and its like. */
enum gw_command_kind {
	GW_COMMAND_DTMF,
	GW_COMMAND_HOLD,
	GW_COMMAND_UNHOLD,
	GW_COMMAND_MUTE,
	GW_COMMAND_UNMUTE,
	GW_COMMAND_TRANSFER,
	GW_COMMAND_PLAY,
	GW_COMMAND_RECORD,
};
struct gw_command {
	enum gw_command_kind kind;
	int leg; /* a role, or GW_ROLE_ANY */
	const char *digits, *to, *play;
	bool attended, on;
};

/* kind is the caller's; the rest is what the body says, which may be NULL where
 * nothing has to be said. Strings are borrowed from it. Returns 0 or EINVAL
 * (faults tells). */
int gw_json_read_command(struct gw_command *command, enum gw_command_kind kind,
			 const struct gw_json *body, bool from_form,
			 struct gw_faults *faults);

/* The file that came of a call's recording. */
struct gw_recording_view {
	enum {
		GW_RECORDING_NONE,
		GW_RECORDING_RUNS,
		GW_RECORDING_SAVING, /* to come as call.recording.saved */
		GW_RECORDING_SAVED,
	} state;
	uint32_t duration_ms;
	uint64_t bytes;
};

/* What the API shows of a call's when; zeros and "" are null. */
struct gw_later_view {
	int64_t not_before_ms, expires_at_ms;
	uint32_t attempt;     /* 1: the first one                     */
	const char *retry_of; /* id of the first one                  */
	const char *next;     /* id of the next one                   */
	int64_t next_ms;
};

/* A call as the API shows it. */
struct gw_call_view {
	const char *id;
	uint32_t revision;
	const char *to, *line;
	const char *from, *from_line; /* NULL: one leg */
	struct gw_recording_view recording;
	int64_t created_at_ms;
	struct gw_later_view later;
	const char *client_state;    /* or NULL */
	const struct mbuf *metadata; /* JSON text, or NULL */
	const struct gw_call_info *info;
};

/* The whole object but last_event_id, which is known when the event has been
 * committed: gw_store_snapshot_json() adds it. */
int gw_json_write_call(struct mbuf *mb, const struct gw_call_view *view);

/* The ladder of a call: {"messages":[...],"skipped":N,"diagnosis":...}. */
int gw_json_write_ladder(struct mbuf *mb, const struct gw_call *call);

int gw_json_write_line(struct mbuf *mb, const struct gw_line *line,
		       bool is_default, int64_t now_ms);

/* data of an event: what the snapshot does not say better. */
int gw_json_write_event_data(struct mbuf *mb, const struct gw_call_event *ev);
/* The member "recording" of a call. */
void gw_json_write_recording(struct gw_writer *w, const char *call_id,
			     const struct gw_recording_view *recording);
/* data of call.recording.saved. */
int gw_json_write_recording_data(struct mbuf *mb, const char *call_id,
				 const struct gw_recording_view *recording);
const char *
gw_event_name(enum gw_call_event_type
		      type); /* "call.ringing"; NULL: no event of the API */
const char *gw_role_name(int role); /* "from", "to", NULL */
const char *gw_ended_by_name(enum gw_ended_by by);

#endif
