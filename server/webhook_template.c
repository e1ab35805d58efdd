/* One table from our causes to the words of CRMs, and one writer for each CRM.
 *
 * Who in the CRM is meant comes with the call: its metadata has what the CRM gave
 * with the click (bitrix24: CALL_ID, USER_ID; pipedrive: person_id, deal_id;
 * hubspot: hubspot_owner_id), under these names. */
#include "server/webhook_template.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/writer.h"

struct words {
	const char *cause; /* ours; a * at the end stands for anything */
	const char *hubspot, *zoho, *bitrix24, *pipedrive;
};

/* The last row is for all others. */
static const struct words table[] = {
	/* clang-format off */
	{ "normal_clearing",   "COMPLETED", "ended",        "200",   "connected" },
	{ "time_limit",        "COMPLETED", "ended",        "200",   "connected" },
	{ "busy",              "BUSY",      "busy",         "486",   "busy" },
	{ "rejected",          "REJECTED",  "rejected",     "603",   "no_answer" },
	{ "no_answer",         "NO_ANSWER", "noanswer",     "304",   "no_answer" },
	{ "ring_timeout",      "NO_ANSWER", "noanswer",     "304",   "no_answer" },
	{ "unavailable",       "NO_ANSWER", "notavailable", "480",   "no_answer" },
	{ "not_found",         "FAILED",    "invalid",      "404",   "wrong_number" },
	{ "invalid_number",    "FAILED",    "invalid",      "404",   "wrong_number" },
	{ "not_allowed",       "FAILED",    "blocked",      "403",   "no_answer" },
	{ "policy_denied",     "FAILED",    "blocked",      "423",   "no_answer" },
	{ "payment_required",  "FAILED",    "blocked",      "402",   "no_answer" },
	{ "route_unavailable", "FAILED",    "notavailable", "503",   "no_answer" },
	{ "congestion",        "FAILED",    "notavailable", "503",   "no_answer" },
	{ "canceled_*",        "CANCELED",  "noanswer",     "603-S", "no_answer" },
	{ "*",                 "FAILED",    "notavailable", "OTHER", "no_answer" },
	/* clang-format on */
};

static const struct words *find_words(const char *cause)
{
	size_t i = 0;

	for (; i < ARRAY_SIZE(table) - 1; i++) {
		const size_t len = strlen(table[i].cause);
		const bool open = table[i].cause[len - 1] == '*';

		if (open ? !strncmp(cause, table[i].cause, len - 1) :
			   !strcmp(cause, table[i].cause))
			break;
	}
	return &table[i];
}

/* What all of them are made from. */
struct facts {
	const struct gw_json *call;
	const char *type, *id, *from, *to;
	const char *started_at, *ended_at;
	int64_t started_ms, ended_ms, duration_s;
	const char *recording; /* URL, or NULL */
	const struct words *words;
};

static const char *text_of(const struct gw_json *object, const char *name)
{
	return gw_json_string(gw_json_get(object, name));
}

static bool read_facts(struct facts *f, const struct gw_json *event)
{
	const struct gw_json *call = gw_json_get(event, "call");
	const char *cause = text_of(call, "cause");

	f->call = call;
	f->type = text_of(event, "type");
	f->id = text_of(call, "id");
	f->to = text_of(call, "to");
	f->from = text_of(call, "from");
	f->started_at = text_of(call, "created_at");
	f->ended_at = text_of(call, "ended_at");
	f->recording = gw_json_string(gw_json_find(call, "/recording/url"));
	if (!f->type || !f->id || !f->to || !f->started_at ||
	    !gw_clock_read(&f->started_ms, f->started_at))
		return false;
	if (!f->ended_at || !gw_clock_read(&f->ended_ms, f->ended_at))
		f->ended_ms = f->started_ms;
	(void)gw_json_int(&f->duration_s, gw_json_get(call, "duration"), 0,
			  INT32_MAX);
	f->words = find_words(cause ? cause : "");
	/* an answered call that ended otherwise is a call all the same */
	if (text_of(call, "answered_at"))
		f->words = &table[0];
	return true;
}

/* A member of metadata, whatever it is, under its own or another name. */
static void write_metadata(struct gw_writer *w, const struct facts *f,
			   const char *name)
{
	const struct gw_json *v =
		gw_json_get(gw_json_get(f->call, "metadata"), name);
	struct mbuf *mb;

	if (gw_json_type(v) == GW_JSON_NONE)
		return;
	mb = mbuf_alloc(64);
	if (!mb || gw_json_print(mb, v))
		w->err = ENOMEM;
	else
		gw_write_raw(w, name, (const char *)mb->buf, mb->end);
	mem_deref(mb);
}

static void write_zoho(struct gw_writer *w, const struct facts *f)
{
	const bool ended = !strcmp(f->type, "call.ended");

	gw_write_string(w, "type", "dialed");
	gw_write_string(w, "state",
			ended ? f->words->zoho : f->type + strlen("call."));
	gw_write_string(w, "id", f->id);
	gw_write_string(w, "from", f->from);
	gw_write_string(w, "to", f->to);
	gw_write_string(w, "start_time", f->started_at);
	if (!ended)
		return;
	gw_write_int(w, "duration", f->duration_s);
	if (f->recording)
		gw_write_string(w, "voiceuri", f->recording);
}

static void write_bitrix24(struct gw_writer *w, const struct facts *f)
{
	write_metadata(w, f, "CALL_ID");
	write_metadata(w, f, "USER_ID");
	gw_write_int(w, "DURATION", f->duration_s);
	gw_write_string(w, "STATUS_CODE", f->words->bitrix24);
	gw_write_string(w, "FAILED_REASON", text_of(f->call, "cause"));
}

static void write_hubspot(struct gw_writer *w, const struct facts *f)
{
	gw_write_open(w, "properties", '{');
	gw_write_int(w, "hs_timestamp", f->started_ms);
	gw_write_string(w, "hs_call_direction", "OUTBOUND");
	gw_write_string(w, "hs_call_from_number", f->from);
	gw_write_string(w, "hs_call_to_number", f->to);
	gw_write_int(w, "hs_call_duration", f->duration_s * 1000);
	gw_write_string(w, "hs_call_status", f->words->hubspot);
	gw_write_string(w, "hs_call_external_id", f->id);
	if (f->recording)
		gw_write_string(w, "hs_call_recording_url", f->recording);
	write_metadata(w, f, "hubspot_owner_id");
	gw_write_close(w, '}');
}

static void write_pipedrive(struct gw_writer *w, const struct facts *f)
{
	gw_write_string(w, "outcome", f->words->pipedrive);
	gw_write_string(w, "to_phone_number", f->to);
	if (f->from)
		gw_write_string(w, "from_phone_number", f->from);
	gw_write_string(w, "start_time", f->started_at);
	gw_write_string(w, "end_time",
			f->ended_at ? f->ended_at : f->started_at);
	gw_write_int(w, "duration", f->duration_s);
	write_metadata(w, f, "person_id");
	write_metadata(w, f, "deal_id");
}

static void (*const writers[])(struct gw_writer *w, const struct facts *f) = {
	[GW_WEBHOOK_ZOHO] = write_zoho,
	[GW_WEBHOOK_BITRIX24] = write_bitrix24,
	[GW_WEBHOOK_HUBSPOT] = write_hubspot,
	[GW_WEBHOOK_PIPEDRIVE] = write_pipedrive,
};

bool gw_webhook_template_has(enum gw_webhook_format format, const char *type)
{
	if (format == GW_WEBHOOK_STANDARD || !strcmp(type, "call.ended"))
		return true;
	return format == GW_WEBHOOK_ZOHO && (!strcmp(type, "call.ringing") ||
					     !strcmp(type, "call.answered"));
}

int gw_webhook_template(struct mbuf *mb, enum gw_webhook_format format,
			const char *json, size_t len)
{
	struct facts f = { .call = NULL };
	struct gw_json_doc *doc = NULL;
	struct gw_writer w;
	int err;

	err = gw_json_parse(&doc, json, len, 0, NULL);
	if (err)
		return err;
	if (format == GW_WEBHOOK_STANDARD ||
	    !read_facts(&f, gw_json_root(doc))) {
		mem_deref(doc);
		return EBADMSG;
	}
	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	writers[format](&w, &f);
	gw_write_close(&w, '}');
	mem_deref(doc);
	return w.err;
}
