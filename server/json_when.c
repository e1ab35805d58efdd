/* The members of POST /calls that say when: not_before, expires_at, window, retry.
 * Whether they lie ahead is for those to say who have a clock. See json.h. */
#include "server/json_impl.h"

#include <string.h>

#include "server/clock.h"

enum { RETRY_EVERY_MIN_S = 1, RETRY_EVERY_MAX_S = 86400 };

static void read_time(struct gw_json_reader *r, const struct gw_json *v,
		      int64_t *at_msp)
{
	const char *text = gw_json_read_text(r, v, 40);
	int64_t at_ms;

	if (!text)
		return;
	if (!gw_clock_read(&at_ms, text) || at_ms <= 0)
		GW_WRONG(r,
			 "must be a time like 2026-11-22T05:00:00Z (RFC 3339)");
	else
		*at_msp = at_ms;
}

void gw_json_order_not_before(struct gw_json_reader *r, const struct gw_json *v)
{
	read_time(r, v, &r->order->schedule.not_before_ms);
}

void gw_json_order_expires_at(struct gw_json_reader *r, const struct gw_json *v)
{
	read_time(r, v, &r->order->schedule.expires_at_ms);
}

/* The window ----------------------------------------------------------------- */

/* One day of len letters. False: there is none of this name. */
static bool add_day(struct gw_window *w, const char *name, size_t len)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu",
					    "fri", "sat", "sun" };
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(days); i++)
		if (len == 3 && !strncmp(days[i], name, 3)) {
			w->days |= (uint8_t)(1u << i);
			return true;
		}
	return false;
}

/* A list of words; in a form, which has no lists, one text with commas. */
static void window_days(struct gw_json_reader *r, const struct gw_json *v)
{
	struct gw_window *w = &r->order->schedule.window;
	const char *text = r->from_form ? gw_json_string(v) : NULL;
	const struct gw_json *day;
	bool good = true;

	w->days = 0;
	if (text) {
		for (; good && *text; text += *text == ',') {
			const size_t len = strcspn(text, ",");

			good = add_day(w, text, len);
			text += len;
		}
	} else {
		good = gw_json_type(v) == GW_JSON_ARRAY;
		for (day = gw_json_first(v); good && day;
		     day = gw_json_next(day)) {
			text = gw_json_string(day);
			good = text && add_day(w, text, strlen(text));
		}
	}
	if (!good || !w->days)
		GW_WRONG(r, "must be a list of mon, tue, wed, thu, fri, sat, "
			    "sun");
}

/* "09:30" as minutes, 24:00 included; -1: it is none. */
static int read_minute(const char *text)
{
	int hour, minute;
	size_t i;

	for (i = 0; i < 5; i++)
		if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
			return -1;
	hour = (text[0] - '0') * 10 + text[1] - '0';
	minute = (text[3] - '0') * 10 + text[4] - '0';
	if (minute > 59 || hour * 60 + minute > GW_DAY_MINUTES)
		return -1;
	return hour * 60 + minute;
}

static void window_hours(struct gw_json_reader *r, const struct gw_json *v)
{
	struct gw_window *w = &r->order->schedule.window;
	const char *text = gw_json_read_text(r, v, 16);
	int from = -1, to = -1;

	if (!text)
		return;
	if (strlen(text) == 11 && text[5] == '-') {
		from = read_minute(text);
		to = read_minute(text + 6);
	}
	if (from < 0 || to <= from) {
		GW_WRONG(r, "must be hours of one day, as 09:00-18:00");
		return;
	}
	w->from = (uint16_t)from;
	w->to = (uint16_t)to;
}

static void begin_window(struct gw_window *w)
{
	if (!w->given)
		*w = (struct gw_window){
			.given = true,
			.days = 0x7f,
			.to = GW_DAY_MINUTES,
		};
}

void gw_json_window_member(struct gw_json_reader *r, const char *name,
			   const struct gw_json *v)
{
	begin_window(&r->order->schedule.window);
	if (!strcmp(name, "days"))
		window_days(r, v);
	else if (!strcmp(name, "hours"))
		window_hours(r, v);
	else
		GW_WRONG(r, "is not a member of window (days, hours)");
}

void gw_json_order_window(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_members(r, v, gw_json_window_member);
}

/* Again ---------------------------------------------------------------------- */

static void rule_member(struct gw_json_reader *r, const char *name,
			const struct gw_json *v)
{
	if (!strcmp(name, "times"))
		gw_json_read_seconds(r, v, &r->rule->times, 1,
				     GW_RETRY_TIMES_MAX);
	else if (!strcmp(name, "every"))
		gw_json_read_seconds(r, v, &r->rule->every_s, RETRY_EVERY_MIN_S,
				     RETRY_EVERY_MAX_S);
	else
		GW_WRONG(r, "is not a member of it (times, every)");
}

static void retry_member(struct gw_json_reader *r, const char *name,
			 const struct gw_json *v)
{
	int i;

	for (i = 0; i < GW_RETRY_COUNT; i++) {
		if (strcmp(name, gw_retry_name((enum gw_retry)i)) != 0)
			continue;
		r->rule = &r->order->schedule.retry[i];
		*r->rule = (struct gw_retry_rule){ 1, 300 };
		gw_json_read_members(r, v, rule_member);
		return;
	}
	GW_WRONG(r, "is not a member of retry (busy, no-answer, failed)");
}

void gw_json_order_retry(struct gw_json_reader *r, const struct gw_json *v)
{
	gw_json_read_members(r, v, retry_member);
}

void gw_json_settle_when(struct gw_json_reader *r)
{
	const struct gw_schedule *s = &r->order->schedule;

	if (s->expires_at_ms && s->not_before_ms &&
	    s->expires_at_ms <= s->not_before_ms)
		gw_fault(r->faults, "/expires_at", "must be after not_before");
}
