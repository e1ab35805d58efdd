/* The form of POST Calls.json as an order of POST /calls.
 *
 * To is the one whose phone is called, `to`; From is what his phone shows, and is
 * never rung. Who talks to him is `from`: the one whom <Dial> names, rung when To has
 * answered (first: to), or else the one of the key's setting, rung before To is
 * (first: from). Every parameter that Twilio has and we have not is refused by its
 * name, and so is what nobody knows. */
#include "server/twilio.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/crm_tree.h"
#include "server/writer.h"

enum param {
	TO,
	FROM,
	TWIML,
	TIMEOUT,
	TIME_LIMIT,
	RECORD,
	RECORDING_CHANNELS,
	SEND_DIGITS,
	CALLBACK,
	CALLBACK_METHOD,
	CALLBACK_EVENT,
	PARAM_COUNT
};

static const char *const param_names[PARAM_COUNT] = {
	[TO] = "To",
	[FROM] = "From",
	[TWIML] = "Twiml",
	[TIMEOUT] = "Timeout",
	[TIME_LIMIT] = "TimeLimit",
	[RECORD] = "Record",
	[RECORDING_CHANNELS] = "RecordingChannels",
	[SEND_DIGITS] = "SendDigits",
	[CALLBACK] = "StatusCallback",
	[CALLBACK_METHOD] = "StatusCallbackMethod",
	[CALLBACK_EVENT] = "StatusCallbackEvent",
};

/* What Twilio knows besides. A * at the end stands for anything. */
static const struct {
	const char *name, *why;
} not_had[] = {
	{ "Url", "no instructions are fetched, Twiml has them" },
	{ "Method", "no instructions are fetched, Twiml has them" },
	{ "Fallback*", "no instructions are fetched, Twiml has them" },
	{ "ApplicationSid",
	  "there are no applications, Twiml says what to do" },
	{ "CallerId", "the caller id is From" },
	{ "MachineDetection*", "people and machines are not told apart" },
	{ "AsyncAmd*", "people and machines are not told apart" },
	{ "RecordingStatusCallback*", "a webhook tells call.recording.saved" },
	{ "RecordingTrack", "both people are recorded" },
	{ "RecordingConfigurationId", "there are no such configurations" },
	{ "Trim", "silence is kept" },
	{ "SipAuth*", "the line has its own credentials" },
	{ "Byoc", "the line is the trunk" },
	{ "CallReason", "no phone would be shown it" },
	{ "CallToken", "calls are not forwarded" },
	{ "Passports", "calls are not signed" },
	{ "ClientNotificationUrl", "there are no such clients" },
};

struct reading {
	const char *text[PARAM_COUNT];
	const struct gw_json *events; /* a text or a list; or NULL */
	struct gw_twiml twiml;
	bool dials; /* there was a Twiml */
	const char *first;
	struct gw_twilio_fault *fault;
};

#define REFUSE(r, code, ...) \
	(gw_twilio_fault((r)->fault, code, __VA_ARGS__), EBADMSG)

/* Parameters ------------------------------------------------------------------ */

static int refuse_name(struct gw_twilio_fault *fault, const char *name)
{
	const char *why = "there is no such parameter";

	for (size_t i = 0; i < ARRAY_SIZE(not_had); i++) {
		const size_t len = strlen(not_had[i].name);
		const bool open = not_had[i].name[len - 1] == '*';

		if (open ? !strncmp(name, not_had[i].name, len - 1) :
			   !strcmp(name, not_had[i].name))
			why = not_had[i].why;
	}
	gw_twilio_fault(fault, "unknown_parameter",
			"%s is not available here: %s", name, why);
	return EBADMSG;
}

static int read_param(struct reading *r, const struct gw_json *v)
{
	const char *name = gw_json_name(v);
	size_t i = 0;

	while (i < PARAM_COUNT && strcmp(param_names[i], name) != 0)
		i++;
	if (i == PARAM_COUNT)
		return refuse_name(r->fault, name);
	if (i == CALLBACK_EVENT)
		r->events = v;
	else if (gw_json_type(v) == GW_JSON_STRING)
		r->text[i] = *gw_json_string(v) ? gw_json_string(v) : NULL;
	else
		return REFUSE(r, "duplicate_parameter", "%s: once is enough",
			      name);
	return 0;
}

static int read_form(struct gw_json_doc **docp, const uint8_t *form, size_t len,
		     struct gw_twilio_fault *fault)
{
	char why[GW_CRM_WHY_SIZE];
	const int err = gw_crm_tree(docp, GW_CRM_FORM, form, len, why);

	if (err == EBADMSG)
		gw_twilio_fault(fault, "invalid_body",
				"The form cannot be read: %s", why);
	return err;
}

/* What has to fit what we do anyway. */
static int check_words(struct reading *r)
{
	static const struct {
		enum param param;
		const char *code, *words[3];
	} rows[] = {
		{ RECORD, "invalid_parameter", { "true", "false" } },
		{ RECORDING_CHANNELS, "invalid_parameter", { "dual" } },
		{ CALLBACK_METHOD, "invalid_method", { "POST", "GET" } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const *words = rows[i].words;
		const char *text = r->text[rows[i].param];

		while (text && *words && strcmp(*words, text) != 0)
			words++;
		if (text && !*words)
			return REFUSE(r, rows[i].code, "%s: may only be %s%s%s",
				      param_names[rows[i].param],
				      rows[i].words[0],
				      rows[i].words[1] ? " or " : "",
				      rows[i].words[1] ? rows[i].words[1] : "");
	}
	if (r->text[CALLBACK] && strchr(r->text[CALLBACK], '#'))
		return REFUSE(r, "invalid_callback",
			      "StatusCallback: a fragment is not understood");
	return 0;
}

static int check_event(struct reading *r, const struct gw_json *v)
{
	static const char *const words[] = { "initiated", "ringing", "answered",
					     "completed" };
	const char *text = gw_json_string(v);

	for (size_t i = 0; text && i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i], text))
			return 0;
	return REFUSE(r, "invalid_parameter",
		      "StatusCallbackEvent: %s is none of initiated, ringing, "
		      "answered and completed",
		      text ? text : "this");
}

static int check_events(struct reading *r)
{
	const struct gw_json *v;
	int err = 0;

	if (r->events && gw_json_type(r->events) != GW_JSON_ARRAY)
		return check_event(r, r->events);
	for (v = gw_json_first(r->events); !err && v; v = gw_json_next(v))
		err = check_event(r, v);
	return err;
}

static int read_twiml(struct reading *r, struct gw_json_doc **docp)
{
	const char *text = r->text[TWIML];
	char why[GW_CRM_WHY_SIZE];
	int err;

	if (strlen(text) > GW_TWIML_MAX)
		return REFUSE(r, "twiml_unreadable",
			      "Twiml: is longer than %d bytes", GW_TWIML_MAX);
	err = gw_crm_tree(docp, GW_CRM_XML, (const uint8_t *)text, strlen(text),
			  why);
	if (err == EBADMSG)
		return REFUSE(r, "twiml_unreadable", "Twiml: %s", why);
	r->dials = true;
	return err ? err :
		     gw_twiml_read(&r->twiml, gw_json_root(*docp), r->fault);
}

/* Together -------------------------------------------------------------------- */

/* One patience for both phones, for there is one in an order. */
static int settle_timeout(struct reading *r)
{
	const char *own = r->text[TIMEOUT], *dial = r->twiml.timeout;

	if (own && dial && strcmp(own, dial) != 0)
		return REFUSE(
			r, "invalid_timeout",
			"Timeout: has to be the timeout of <Dial>, for both "
			"phones ring as long");
	r->text[TIMEOUT] = own ? own : dial;
	return 0;
}

/* The shorter one ends the call. An own one that is no number is refused as one of an
 * order is. */
static int settle_time_limit(struct reading *r)
{
	const char *own = r->text[TIME_LIMIT], *dial = r->twiml.time_limit;

	if (dial && dial[strspn(dial, "0123456789")])
		return REFUSE(r, "twiml_unsupported",
			      "Twiml: timeLimit of <Dial> is in seconds");
	if (!own || (dial && strtoul(dial, NULL, 10) < strtoul(own, NULL, 10)))
		r->text[TIME_LIMIT] = dial;
	return 0;
}

static bool is_same(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

static int check_order(struct reading *r)
{
	const char *caller_id = r->twiml.caller_id;

	if (!r->text[TO])
		return REFUSE(r, "missing_to", "To: is missing: whom to call");
	if (!r->text[FROM])
		return REFUSE(
			r, "missing_from",
			"From: is missing: the caller id that To is shown");
	if (!r->dials && !r->first)
		return REFUSE(
			r, "missing_dial",
			"Twiml: is missing: <Dial> in it, or the key's setting "
			"`from`, says whom To is to talk to");
	if (caller_id && !is_same(caller_id, r->text[FROM]) &&
	    !is_same(caller_id, r->text[TO]))
		return REFUSE(r, "caller_id_refused",
			      "Twiml: callerId of <Dial> has to be From or To");
	return settle_time_limit(r) || settle_timeout(r) ? EBADMSG : 0;
}

static void write_events(struct gw_writer *w, const struct gw_json *events)
{
	const struct gw_json *v;

	gw_write_open(w, "status_callback_events", '[');
	if (gw_json_type(events) == GW_JSON_STRING)
		gw_write_string(w, NULL, gw_json_string(events));
	for (v = gw_json_first(events); v; v = gw_json_next(v))
		gw_write_string(w, NULL, gw_json_string(v));
	gw_write_close(w, ']');
}

/* How the other phone shows who calls. Without <Dial> it is a colleague's, who
 * wants to see whom he is going to talk to. */
static const char *shown(const struct reading *r)
{
	return !r->dials || is_same(r->twiml.caller_id, r->text[TO]) ?
		       "to" :
		       "caller_id";
}

static void write_order(struct gw_writer *w, const struct reading *r)
{
	static const struct {
		enum param param;
		const char *name;
	} members[] = {
		{ TIMEOUT, "ring_timeout" },
		{ TIME_LIMIT, "time_limit" },
		{ SEND_DIGITS, "send_digits" },
		{ CALLBACK, "status_callback" },
	};
	const bool record = is_same(r->text[RECORD], "true") || r->twiml.record;

	gw_write_open(w, NULL, '{');
	gw_write_string(w, "to", r->text[TO]);
	gw_write_string(w, "from", r->dials ? r->twiml.dial : r->first);
	gw_write_string(w, "first", r->dials ? "to" : "from");
	gw_write_string(w, "show_to_from", shown(r));
	gw_write_open(w, "caller_id", '{');
	gw_write_string(w, "number", r->text[FROM]);
	gw_write_close(w, '}');
	gw_write_bool(w, "record", record);
	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		if (r->text[members[i].param])
			gw_write_string(w, members[i].name,
					r->text[members[i].param]);
	if (r->twiml.ring_tone)
		gw_write_string(w, "ringback", r->twiml.ring_tone);
	if (r->events)
		write_events(w, r->events);
	gw_write_open(w, "metadata", '{');
	gw_write_open(w, "twilio", '{');
	gw_write_string(w, "From", r->text[FROM]);
	if (r->text[CALLBACK_METHOD])
		gw_write_string(w, "StatusCallbackMethod",
				r->text[CALLBACK_METHOD]);
	gw_write_close(w, '}');
	gw_write_close(w, '}');
	gw_write_close(w, '}');
}

static int print_order(struct gw_json_doc **orderp, const struct reading *r)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct gw_writer w;
	int err;

	if (!mb)
		return ENOMEM;
	gw_writer_init(&w, mb);
	write_order(&w, r);
	err = w.err ? w.err :
		      gw_json_parse(orderp, (const char *)mb->buf, mb->end, 0,
				    NULL);
	mem_deref(mb);
	return err;
}

int gw_twilio_order(struct gw_json_doc **orderp, const uint8_t *form,
		    size_t len, const char *first,
		    struct gw_twilio_fault *fault)
{
	struct reading r = { .first = first, .fault = fault };
	struct gw_json_doc *params = NULL, *document = NULL;
	const struct gw_json *v;
	int err;

	err = read_form(&params, form, len, fault);
	v = err ? NULL : gw_json_first(gw_json_root(params));
	for (; !err && v; v = gw_json_next(v))
		err = read_param(&r, v);
	err = err ? err : check_words(&r);
	err = err ? err : check_events(&r);
	if (!err && r.text[TWIML])
		err = read_twiml(&r, &document);
	err = err ? err : check_order(&r);
	err = err ? err : print_order(orderp, &r);
	mem_deref(document);
	mem_deref(params);
	return err;
}

/* A call that is up ----------------------------------------------------------- */

static int read_status(enum gw_twilio_wish *wishp, const struct gw_json *v,
		       struct gw_twilio_fault *fault)
{
	const char *text = gw_json_string(v);

	if (!is_same(text, "completed") && !is_same(text, "canceled")) {
		gw_twilio_fault(fault, "invalid_parameter",
				"Status: is missing: completed or canceled");
		return EBADMSG;
	}
	*wishp = is_same(text, "completed") ? GW_TWILIO_COMPLETED :
					      GW_TWILIO_CANCELED;
	return 0;
}

static int check_name(const struct gw_json *v, struct gw_twilio_fault *fault)
{
	const char *name = gw_json_name(v);

	if (!strcmp(name, "Status"))
		return 0;
	for (size_t i = 0; i < PARAM_COUNT; i++) {
		if (strcmp(param_names[i], name) != 0)
			continue;
		gw_twilio_fault(fault, "unknown_parameter",
				"%s: can't be changed once a call was placed",
				name);
		return EBADMSG;
	}
	return refuse_name(fault, name);
}

int gw_twilio_wish(enum gw_twilio_wish *wishp, const uint8_t *form, size_t len,
		   struct gw_twilio_fault *fault)
{
	struct gw_json_doc *params = NULL;
	const struct gw_json *v;
	int err = read_form(&params, form, len, fault);

	v = err ? NULL : gw_json_first(gw_json_root(params));
	for (; !err && v; v = gw_json_next(v))
		err = check_name(v, fault);
	if (!err)
		err = read_status(wishp,
				  gw_json_get(gw_json_root(params), "Status"),
				  fault);
	mem_deref(params);
	return err;
}
