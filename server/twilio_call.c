/* A call as Twilio shows it: our own resource in their words. Statuses are the same
 * ones in both. */
#include "server/twilio.h"

#include <stdio.h>
#include <string.h>

#include <re_types.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/writer.h"

static const char *text_of(const struct gw_json *call, const char *name)
{
	return gw_json_string(gw_json_get(call, name));
}

/* False: it has not come to that. */
static bool time_of(int64_t *msp, const struct gw_json *call, const char *name)
{
	const char *text = text_of(call, name);

	return text && gw_clock_read(msp, text);
}

static void write_time(struct gw_writer *w, const char *name,
		       const struct gw_json *call, const char *of)
{
	char text[GW_CLOCK_MAIL_LEN + 1];
	int64_t ms;

	if (time_of(&ms, call, of)) {
		gw_clock_print_mail(text, ms);
		gw_write_string(w, name, text);
	} else {
		gw_write_null(w, name);
	}
}

/* The newest of its times. */
static const char *updated(const struct gw_json *call)
{
	static const char *const names[] = { "ended_at", "answered_at",
					     "ringing_at", "started_at" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (text_of(call, names[i]))
			return names[i];
	return "created_at";
}

static void write_number(struct gw_writer *w, const char *name, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%lld", (long long)value);
	gw_write_string(w, name, text);
}

static void write_duration(struct gw_writer *w, const struct gw_json *call)
{
	int64_t seconds;

	if (text_of(call, "ended_at") &&
	    !gw_json_int(&seconds, gw_json_get(call, "duration"), 0,
			 GW_JSON_INT_MAX))
		write_number(w, "duration", seconds);
	else
		gw_write_null(w, "duration");
}

static void write_queue_time(struct gw_writer *w, const struct gw_json *call)
{
	int64_t created, started;

	if (time_of(&created, call, "created_at") &&
	    time_of(&started, call, "started_at") && started > created)
		write_number(w, "queue_time", started - created);
	else
		write_number(w, "queue_time", 0);
}

static void write_nulls(struct gw_writer *w, const char *const *names)
{
	for (; *names; names++)
		gw_write_null(w, *names);
}

const char *gw_twilio_from(const struct gw_json *call)
{
	return gw_json_string(gw_json_find(call, "/metadata/twilio/From"));
}

void gw_twilio_write_call(struct gw_writer *w, const struct gw_json *call,
			  const char *account, const char *caller_id)
{
	static const char *const before[] = { "parent_call_sid",
					      "phone_number_sid", NULL };
	static const char *const after[] = { "price",        "price_unit",
					     "answered_by",  "forwarded_from",
					     "group_sid",    "trunk_sid",
					     "stir_verstat", "caller_name",
					     "annotation",   NULL };
	const char *from = gw_twilio_from(call), *id = text_of(call, "id");
	char sid[GW_TWILIO_SID_SIZE], uri[128];

	from = from ? from : caller_id;
	gw_twilio_call_sid(sid, id);
	(void)snprintf(uri, sizeof(uri),
		       GW_TWILIO_ROOT "Accounts/%s/Calls/%s.json", account,
		       sid);
	gw_write_open(w, NULL, '{');
	gw_write_string(w, "sid", sid);
	gw_write_string(w, "account_sid", account);
	gw_write_string(w, "api_version", "2010-04-01");
	write_time(w, "date_created", call, "created_at");
	write_time(w, "date_updated", call, updated(call));
	gw_write_string(w, "to", text_of(call, "to"));
	gw_write_string(w, "to_formatted", text_of(call, "to"));
	gw_write_string(w, "from", from);
	gw_write_string(w, "from_formatted", from);
	gw_write_string(w, "status", text_of(call, "status"));
	gw_write_string(w, "direction", "outbound-api");
	write_time(w, "start_time", call, "started_at");
	write_time(w, "end_time", call, "ended_at");
	write_duration(w, call);
	write_queue_time(w, call);
	write_nulls(w, before);
	write_nulls(w, after);
	gw_write_string(w, "uri", uri);
	gw_write_open(w, "subresource_uris", '{');
	gw_write_close(w, '}');
	gw_write_close(w, '}');
}
