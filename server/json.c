/* Types of the API as JSON. See json.h. */
#include "server/json.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/writer.h"

/* Reading ----------------------------------------------------------------- */

void gw_fault(struct gw_faults *faults, const char *pointer, const char *fmt,
	      ...)
{
	va_list ap;

	if (faults->count >= GW_FAULTS_MAX)
		return;
	str_ncpy(faults->list[faults->count].pointer, pointer,
		 sizeof(faults->list[0].pointer));
	va_start(ap, fmt);
	(void)re_vsnprintf(faults->list[faults->count].detail,
			   sizeof(faults->list[0].detail), fmt, ap);
	va_end(ap);
	faults->count++;
}

struct reader {
	struct gw_order_request *order;
	struct gw_faults *faults;
	const struct gw_config_strings *header_patterns;
	bool from_form;
	char pointer[GW_JSON_POINTER_SIZE];
};

#define WRONG(r, ...) gw_fault((r)->faults, (r)->pointer, __VA_ARGS__)

/* Control characters have no business in what goes into SIP headers; in
 * client_state and metadata they are the caller's own matter. */
static bool has_controls(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return true;
	return false;
}

static const char *sip_text(struct reader *r, const char *text)
{
	if (!text || !has_controls(text))
		return text;
	r->faults->controls = true;
	WRONG(r,
	      "has a control character (such as CR or LF), which could forge "
	      "a SIP header");
	return NULL;
}

static const char *read_text(struct reader *r, const struct gw_json *value,
			     size_t max)
{
	size_t len;
	const char *text = gw_json_string_len(value, &len);

	if (!text)
		WRONG(r, "must be a string");
	else if (!len)
		WRONG(r, "must not be empty");
	else if (len > max) {
		WRONG(r, "is longer than %zu bytes", max);
		text = NULL;
	}
	return len ? text : NULL;
}

/* Whole seconds; a form has them as text. */
static void read_seconds(struct reader *r, const struct gw_json *value,
			 uint32_t *secondsp, int64_t min, int64_t max)
{
	const char *text = r->from_form ? gw_json_string(value) : NULL;
	int64_t v = 0;
	int err;

	if (text) {
		char *end;

		v = strtoll(text, &end, 10);
		err = (*end || end == text || strlen(text) > 10) ? EINVAL :
		      (v < min || v > max)                       ? ERANGE :
								   0;
	} else {
		err = gw_json_int(&v, value, min, max);
	}
	if (err)
		WRONG(r, "must be a whole number from %lld to %lld", min, max);
	else
		*secondsp = (uint32_t)v;
}

static void read_bool(struct reader *r, const struct gw_json *value,
		      bool *boolp)
{
	const char *text = r->from_form ? gw_json_string(value) : NULL;

	if (text && (!strcmp(text, "true") || !strcmp(text, "on") ||
		     !strcmp(text, "1")))
		*boolp = true;
	else if (text && (!strcmp(text, "false") || !strcmp(text, "0")))
		*boolp = false;
	else if (gw_json_bool(boolp, value))
		WRONG(r, "must be true or false");
}

static void order_to(struct reader *r, const struct gw_json *v)
{
	r->order->to = sip_text(r, read_text(r, v, GW_URI_MAX));
}

static void order_line(struct reader *r, const struct gw_json *v)
{
	r->order->line = sip_text(r, read_text(r, v, 64));
}

static void order_ring_timeout(struct reader *r, const struct gw_json *v)
{
	read_seconds(r, v, &r->order->ring_timeout_s, 1, 300);
}

static void order_time_limit(struct reader *r, const struct gw_json *v)
{
	read_seconds(r, v, &r->order->time_limit_s, 1, 86400);
}

static void order_setup_deadline(struct reader *r, const struct gw_json *v)
{
	read_seconds(r, v, &r->order->setup_deadline_s, 1, 600);
}

static void order_auto_answer(struct reader *r, const struct gw_json *v)
{
	read_bool(r, v, &r->order->auto_answer);
}

static void order_client_state(struct reader *r, const struct gw_json *v)
{
	r->order->client_state = read_text(r, v, GW_CLIENT_STATE_MAX);
}

static void order_metadata(struct reader *r, const struct gw_json *v)
{
	struct mbuf *mb;

	if (gw_json_type(v) != GW_JSON_OBJECT) {
		WRONG(r, "must be an object");
		return;
	}
	mb = mbuf_alloc(256);
	if (!mb || gw_json_print(mb, v))
		WRONG(r, "could not be read: out of memory");
	else if (mb->end > GW_METADATA_MAX)
		WRONG(r, "is longer than %d bytes as JSON", GW_METADATA_MAX);
	else
		r->order->metadata = v;
	mem_deref(mb);
}

/* Calls f with the pointer one step deeper. */
static void deeper(struct reader *r, const char *name, const struct gw_json *v,
		   void (*f)(struct reader *r, const char *name,
			     const struct gw_json *v))
{
	const size_t len = strlen(r->pointer);

	(void)gw_json_pointer_add(r->pointer, sizeof(r->pointer), name);
	f(r, name, v);
	r->pointer[len] = '\0';
}

static void each_member(struct reader *r, const struct gw_json *object,
			void (*f)(struct reader *r, const char *name,
				  const struct gw_json *v))
{
	const struct gw_json *v;

	if (gw_json_type(object) != GW_JSON_OBJECT) {
		WRONG(r, "must be an object");
		return;
	}
	for (v = gw_json_first(object); v; v = gw_json_next(v))
		deeper(r, gw_json_name(v), v, f);
}

static void caller_id_member(struct reader *r, const char *name,
			     const struct gw_json *v)
{
	if (!strcmp(name, "number"))
		r->order->caller_number = sip_text(r, read_text(r, v, 32));
	else if (!strcmp(name, "name"))
		r->order->caller_name = sip_text(r, read_text(r, v, 256));
	else if (!strcmp(name, "privacy")) {
		bool privacy = false;

		read_bool(r, v, &privacy);
		r->order->caller_privacy = privacy;
	} else
		WRONG(r,
		      "is not a member of caller_id (number, name, privacy)");
}

static void order_caller_id(struct reader *r, const struct gw_json *v)
{
	char escaped[4 * GW_DISPLAY_NAME_MAX * 2 + 1];
	const size_t len = strlen(r->pointer);

	each_member(r, v, caller_id_member);
	if (r->order->caller_name &&
	    gw_display_name_escape(escaped, sizeof(escaped),
				   r->order->caller_name)) {
		(void)gw_json_pointer_add(r->pointer, sizeof(r->pointer),
					  "name");
		WRONG(r,
		      "must be at most %d characters without control characters",
		      GW_DISPLAY_NAME_MAX);
		r->pointer[len] = '\0';
	}
}

static void announce_member(struct reader *r, const char *name,
			    const struct gw_json *v)
{
	const char *text;

	if (!strcmp(name, "leg")) {
		text = read_text(r, v, 8);
		if (text && strcmp(text, "to"))
			WRONG(r,
			      "a call without from has one leg only: \"to\"");
	} else if (!strcmp(name, "play")) {
		r->order->announce_play = sip_text(r, read_text(r, v, 128));
	} else
		WRONG(r, "is not a member of announce (leg, play)");
}

static void order_announce(struct reader *r, const struct gw_json *v)
{
	const size_t before = r->faults->count;

	each_member(r, v, announce_member);
	if (!r->order->announce_play && r->faults->count == before)
		WRONG(r, "needs play: the name of a WAV file in media.sounds");
}

static void headers_member(struct reader *r, const char *name,
			   const struct gw_json *v)
{
	struct gw_order_request *o = r->order;
	const char *value = gw_json_string(v), *why = NULL;

	if (!value)
		WRONG(r, "must be a string");
	else if (!sip_text(r, value))
		return;
	else if (o->header_count >= GW_ORDER_HEADERS_MAX)
		WRONG(r, "at most %d headers", GW_ORDER_HEADERS_MAX);
	else if (gw_header_check(name, value, r->header_patterns->list,
				 r->header_patterns->count, &why))
		WRONG(r, "%s", why ? why : "may not be added");
	else
		o->headers[o->header_count++] =
			(struct gw_call_header){ name, value };
}

static void order_headers(struct reader *r, const struct gw_json *v)
{
	each_member(r, v, headers_member);
}

/* Members of the contract that need a second leg or a later part: only their
 * default is taken, anything else is refused by name rather than ignored. */
static void order_later(struct reader *r, const struct gw_json *v)
{
	static const struct {
		const char *pointer, *text;
	} defaults[] = { { "/join", "auto" },
			 { "/join", "relay" },
			 { "/show_to_from", "to" } };
	const char *text = gw_json_string(v);
	int64_t zero;
	bool b = true;
	size_t i;

	if (gw_json_type(v) == GW_JSON_NULL)
		return;
	if (!gw_json_bool(&b, v) && !b && !strcmp(r->pointer, "/record"))
		return;
	if (!strcmp(r->pointer, "/dedupe_seconds") &&
	    !gw_json_int(&zero, v, 0, 0))
		return;
	for (i = 0; text && i < sizeof(defaults) / sizeof(defaults[0]); i++)
		if (!strcmp(r->pointer, defaults[i].pointer) &&
		    !strcmp(text, defaults[i].text))
			return;
	WRONG(r,
	      "is not available in this version, which places calls with one leg");
}

static void order_twilio(struct reader *r, const struct gw_json *v)
{
	(void)v;
	WRONG(r,
	      "Twilio's From is a caller id and is never rung. Here from is a person who is "
	      "rung, and the caller id is caller_id.number; names are lower case");
}

/* Every member of the body. */
static const struct {
	const char *name;
	void (*read)(struct reader *r, const struct gw_json *v);
	bool nullable; /* null means: the default */
} order_members[] = {
	/* clang-format off */
	{ "to",                     order_to,             false },
	{ "line",                   order_line,           true  },
	{ "ring_timeout",           order_ring_timeout,   true  },
	{ "time_limit",             order_time_limit,     true  },
	{ "setup_deadline",         order_setup_deadline, true  },
	{ "caller_id",              order_caller_id,      true  },
	{ "auto_answer",            order_auto_answer,    true  },
	{ "announce",               order_announce,       true  },
	{ "headers",                order_headers,        true  },
	{ "client_state",           order_client_state,   true  },
	{ "metadata",               order_metadata,       true  },
	{ "from",                   order_later,          true  },
	{ "first",                  order_later,          true  },
	{ "show_to_from",           order_later,          true  },
	{ "confirm",                order_later,          true  },
	{ "ringback",               order_later,          true  },
	{ "join",                   order_later,          true  },
	{ "send_digits",            order_later,          true  },
	{ "record",                 order_later,          true  },
	{ "dedupe_seconds",         order_later,          true  },
	{ "status_callback",        order_later,          true  },
	{ "status_callback_events", order_later,          true  },
	{ "not_before",             order_later,          true  },
	{ "expires_at",             order_later,          true  },
	{ "From",                   order_twilio,         false },
	/* clang-format on */
};

enum { ORDER_MEMBERS = sizeof(order_members) / sizeof(order_members[0]) };

/* A name that differs by case or by one sign only: what was meant. */
static const char *similar(const char *name)
{
	size_t i;

	for (i = 0; i < ORDER_MEMBERS; i++) {
		const char *a = name, *b = order_members[i].name;

		if (!str_casecmp(a, b))
			return b;
		while (*a && *a == *b)
			a++, b++;
		if (!strcmp(a, b + (*b != 0)) || (*a && !strcmp(a + 1, b)) ||
		    (*a && *b && !strcmp(a + 1, b + 1)) ||
		    (*a && *b && a[0] == b[1] && a[1] == b[0] &&
		     !strcmp(a + 2, b + 2)))
			return order_members[i].name;
	}
	return NULL;
}

static void order_member(struct reader *r, const char *name,
			 const struct gw_json *v)
{
	const char *meant;
	size_t i;

	for (i = 0; i < ORDER_MEMBERS; i++) {
		if (strcmp(order_members[i].name, name))
			continue;
		/* an empty field of a form is a field not filled in */
		if (r->from_form && strcmp(name, "to") && gw_json_string(v) &&
		    !*gw_json_string(v))
			return;
		if (order_members[i].nullable &&
		    gw_json_type(v) == GW_JSON_NULL)
			return;
		order_members[i].read(r, v);
		return;
	}
	meant = similar(name);
	if (meant)
		WRONG(r, "is not a member of a call; did you mean \"%s\"?",
		      meant);
	else
		WRONG(r, "is not a member of a call");
}

int gw_json_read_order(struct gw_order_request *order,
		       const struct gw_json *body, bool from_form,
		       const struct gw_config_strings *header_patterns,
		       struct gw_faults *faults)
{
	struct reader r = {
		.order = order,
		.faults = faults,
		.header_patterns = header_patterns,
		.from_form = from_form,
	};
	const size_t before = faults->count;

	*order = (struct gw_order_request){
		.ring_timeout_s = 30,
		.time_limit_s = 3600,
		.setup_deadline_s = 90,
		.caller_privacy = -1,
	};
	each_member(&r, body, order_member);
	if (gw_json_type(body) == GW_JSON_OBJECT && !gw_json_get(body, "to"))
		gw_fault(faults, "/to", "is missing: whom to call");
	return faults->count > before ? EINVAL : 0;
}

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

static void write_code(struct gw_writer *w, const char *name, uint16_t code)
{
	if (code)
		gw_write_int(w, name, code);
	else
		gw_write_null(w, name);
}

static void write_sip(struct gw_writer *w, uint16_t code, const char *reason,
		      const char *header)
{
	gw_write_open(w, "sip", '{');
	write_code(w, "code", code);
	gw_write_string(w, "reason", reason);
	gw_write_string(w, "reason_header", header);
	gw_write_close(w, '}');
}

/* Mean opinion score by the E-model as ITU-T G.107 simplifies for G.711:
 * delay half of the round trip plus twice the jitter plus 10 ms of codec, loss
 * with Bpl 25.1 (G.113 appendix I, with concealment). */
static double mos(const struct gw_media_stats *q)
{
	const uint32_t expected = q->received + q->lost;
	const double loss = expected ? 100.0 * q->lost / expected : 0.0;
	const double delay_ms =
		q->rtt_us / 2000.0 + 2.0 * q->jitter_us / 1000.0 + 10.0;
	double r = 93.2 - 0.024 * delay_ms - 95.0 * loss / (loss + 25.1);

	if (delay_ms > 177.3)
		r -= 0.11 * (delay_ms - 177.3);
	if (r < 0.0)
		return 1.0;
	if (r > 100.0)
		return 4.5;
	return 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
}

static void write_quality(struct gw_writer *w, const struct gw_leg_info *leg)
{
	const struct gw_media_stats *q = &leg->quality;

	if (!leg->has_quality) {
		gw_write_null(w, "quality");
		return;
	}
	gw_write_open(w, "quality", '{');
	gw_write_int(w, "sent", q->sent);
	gw_write_int(w, "received", q->received);
	gw_write_int(w, "lost", q->lost);
	gw_write_fixed1(w, "jitter_ms", q->jitter_us / 1000.0);
	if (q->rtt_us)
		gw_write_fixed1(w, "rtt_ms", q->rtt_us / 1000.0);
	else
		gw_write_null(w, "rtt_ms");
	if (q->received)
		gw_write_fixed1(w, "mos", mos(q));
	else
		gw_write_null(w, "mos");
	if (q->any)
		gw_write_int(w, "first_packet_ms", q->first_packet_ms);
	else
		gw_write_null(w, "first_packet_ms");
	gw_write_close(w, '}');
}

static void write_leg(struct gw_writer *w, const struct gw_leg_info *leg)
{
	gw_write_open(w, NULL, '{');
	gw_write_string(w, "role", gw_role_name((int)leg->role));
	gw_write_string(w, "uri", leg->uri);
	gw_write_string(w, "state", gw_leg_state_name(leg->state));
	gw_write_string(w, "status", gw_status_name(leg->status));
	gw_write_string(w, "sip_call_id", leg->sip_call_id);
	gw_write_string(w, "codec", leg->codec);
	gw_write_time(w, "ringing_at", leg->ringing_at_ms);
	gw_write_time(w, "answered_at", leg->answered_at_ms);
	gw_write_time(w, "ended_at", leg->ended_at_ms);
	gw_write_string(w, "cause", gw_cause_name(leg->outcome.cause));
	write_sip(w, leg->sip_code, leg->sip_reason, leg->reason_header);
	write_quality(w, leg);
	gw_write_close(w, '}');
}

/* Whole seconds between two moments, rounded; 0 when one of them is missing. */
static int64_t seconds(int64_t from_ms, int64_t to_ms)
{
	return from_ms && to_ms > from_ms ? (to_ms - from_ms + 500) / 1000 : 0;
}

int gw_json_write_call(struct mbuf *mb, const struct gw_call_view *view)
{
	const struct gw_call_info *in = view->info;
	struct gw_writer w;
	size_t i;

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_string(&w, "id", view->id);
	gw_write_string(&w, "object", "call");
	gw_write_int(&w, "revision", view->revision);
	gw_write_string(&w, "status", gw_status_name(in->status));
	gw_write_string(&w, "state", gw_call_state_name(in->state));
	gw_write_string(&w, "direction", "outbound-api");
	gw_write_string(&w, "to", view->to);
	gw_write_null(&w, "from");
	gw_write_string(&w, "line", view->line);
	gw_write_string(&w, "join", "relay");
	gw_write_time(&w, "created_at", view->created_at_ms);
	gw_write_time(&w, "started_at", in->started_at_ms);
	gw_write_time(&w, "ringing_at", in->ringing_at_ms);
	gw_write_time(&w, "answered_at", in->answered_at_ms);
	gw_write_time(&w, "bridged_at", in->bridged_at_ms);
	gw_write_time(&w, "ended_at", in->ended_at_ms);
	gw_write_int(&w, "duration",
		     seconds(in->answered_at_ms, in->ended_at_ms));
	gw_write_int(&w, "ring_duration",
		     seconds(in->ringing_at_ms, in->answered_at_ms ?
							in->answered_at_ms :
							in->ended_at_ms));
	gw_write_string(&w, "ended_by", gw_ended_by_name(in->ended_by));
	gw_write_string(&w, "failed_leg", gw_role_name(in->failed_leg));
	gw_write_string(&w, "cause", gw_cause_name(in->outcome.cause));
	write_code(&w, "q850", in->outcome.q850);
	write_sip(&w, in->sip_code, in->sip_reason, in->reason_header);
	gw_write_open(&w, "legs", '[');
	for (i = 0; i < in->leg_count; i++)
		write_leg(&w, &in->legs[i]);
	gw_write_close(&w, ']');
	gw_write_string(&w, "client_state", view->client_state);
	if (view->metadata)
		gw_write_raw(&w, "metadata", (const char *)view->metadata->buf,
			     view->metadata->end);
	else
		gw_write_null(&w, "metadata");
	gw_write_open(&w, "links", '{');
	w.err |= mbuf_printf(
		mb,
		"\"self\":\"/calls/%s\",\"events\":\"/calls/%s/events\","
		"\"sip\":\"/calls/%s/sip\"}}",
		view->id, view->id, view->id);
	return w.err;
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
	write_code(&w, "last_code", info.last_code);
	gw_write_string(&w, "last_reason", info.last_reason);
	gw_write_int(&w, "expires", info.expires_s);
	gw_write_int(&w, "server_minimum", info.server_min_expires_s);
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
	gw_write_int(&w, "max_calls", cfg->max_calls);
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
