/* What a status callback says: a form in Twilio's words, made of an event of ours.
 *
 * SequenceNumber is the place of the event among those of the call: of initiated,
 * ringing, answered and completed, those that have been. */
#include "server/twilio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/uri.h"

static const struct {
	const char *type;
	const char *status; /* NULL: the call's own */
	const char *since;  /* the call's time that says that it has been */
} moments[] = {
	{ "call.initiated", "initiated", "started_at" },
	{ "call.ringing", "ringing", "ringing_at" },
	{ "call.answered", "in-progress", "answered_at" },
	{ "call.ended", NULL, NULL },
};

enum { MOMENTS = ARRAY_SIZE(moments) };

static const char *text_of(const struct gw_json *object, const char *name)
{
	return gw_json_string(gw_json_get(object, name));
}

struct form {
	struct mbuf *mb;
	const char *before; /* the next field */
	int err;
};

static void add(struct form *f, const char *name, const char *value)
{
	if (!value || f->err)
		return;
	f->err = mbuf_printf(f->mb, "%s%s=", f->before, name);
	f->err = f->err ? f->err : gw_uri_escape(f->mb, value);
	f->before = "&";
}

static void add_number(struct form *f, const char *name, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	add(f, name, text);
}

static size_t find_moment(const char *type)
{
	size_t i = 0;

	while (i < MOMENTS && (!type || strcmp(moments[i].type, type) != 0))
		i++;
	return i;
}

static int64_t sequence(const struct gw_json *call, size_t moment)
{
	int64_t n = 0;

	for (size_t i = 0; i < moment; i++)
		n += text_of(call, moments[i].since) != NULL;
	return n;
}

static void add_end(struct form *f, const struct gw_json *call)
{
	int64_t seconds = 0, code;

	(void)gw_json_int(&seconds, gw_json_get(call, "duration"), 0,
			  GW_JSON_INT_MAX);
	add_number(f, "CallDuration", seconds);
	/* in minutes that were begun, as Twilio has it */
	add_number(f, "Duration", (seconds + 59) / 60);
	if (!gw_json_int(&code, gw_json_find(call, "/sip/code"), 100, 699))
		add_number(f, "SipResponseCode", code);
}

bool gw_twilio_is_get(const struct gw_json *event)
{
	const char *method = gw_json_string(gw_json_find(
		event, "/call/metadata/twilio/StatusCallbackMethod"));

	return method && !strcmp(method, "GET");
}

int gw_twilio_callback(struct mbuf *mb, const struct gw_json *event,
		       const char *project)
{
	const struct gw_json *call = gw_json_get(event, "call");
	const char *id = text_of(call, "id"), *to = text_of(call, "to");
	const char *from = gw_twilio_from(call);
	const size_t moment = find_moment(text_of(event, "type"));
	char account[GW_TWILIO_SID_SIZE], sid[GW_TWILIO_SID_SIZE];
	char at[GW_CLOCK_MAIL_LEN + 1];
	struct form f = { .mb = mb, .before = "" };
	int64_t ms;

	if (moment == MOMENTS || !id || !gw_call_id_valid(id) ||
	    !gw_clock_read(&ms, text_of(event, "occurred_at")))
		return EBADMSG;
	gw_twilio_call_sid(sid, id);
	gw_twilio_account_sid(account, project);
	gw_clock_print_mail(at, ms);
	add(&f, "CallSid", sid);
	add(&f, "AccountSid", account);
	add(&f, "ApiVersion", "2010-04-01");
	add(&f, "From", from);
	add(&f, "To", to);
	add(&f, "Caller", from);
	add(&f, "Called", to);
	add(&f, "Direction", "outbound-api");
	add(&f, "CallStatus",
	    moments[moment].status ? moments[moment].status :
				     text_of(call, "status"));
	add(&f, "CallbackSource", "call-progress-events");
	add_number(&f, "SequenceNumber", sequence(call, moment));
	add(&f, "Timestamp", at);
	if (!moments[moment].since)
		add_end(&f, call);
	return f.err;
}
