/* See quota.h.
 *
 *   limit (a row of policy.limits) x subject (a key, a destination ...) = counter
 *
 * A counter belongs to one window; when that is over it begins anew at the next
 * look. A call that is up holds its counters by a use: one that ended in a later
 * window than it began is charged to the later one, for that is when its minutes
 * are known. */
#include "server/quota.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <re.h>

#include "server/failures.h"

enum {
	BUCKETS = 8192,
	SUBJECT_SIZE = 600,
	AT_ONCE_RETRY_S = 5,
	SWEEP = 2,       /* counters looked at for each new one */
	SWEEP_FULL = 64, /* and when there is no room for more */
};

struct counter {
	struct le he;
	struct le le; /* of all, oldest look first */
	char *subject;
	int64_t window_ms; /* when its window began; 0: at_once */
	int64_t until_ms;  /* when it ends; 0: at_once          */
	uint64_t calls;    /* at_once: those that are up        */
	uint64_t seconds;  /* talked, and set aside             */
	uint64_t cost;     /* the same, in 60ths                */
	uint32_t holders;  /* uses that point here              */
	uint64_t *numbers; /* hashes of different destinations, sorted not */
	uint32_t number_count, number_room;
	uint64_t last; /* destination as a number; 0: none */
	uint32_t run;  /* so many neighbours in a row */
};

struct gw_quota {
	const struct gw_config *cfg;
	struct hash *by_subject;
	struct list counters;
	uint32_t count;
};

struct held {
	const struct gw_config_limit *limit;
	struct counter *counter;
	uint64_t aside_s, aside_cost;
	int64_t window_ms;
};

struct gw_quota_use {
	struct gw_quota *quota;
	const struct gw_config *cfg; /* whose limits it points to */
	uint32_t cost;
	size_t count;
	struct held held[];
};

/* Windows --------------------------------------------------------------------- */

static int64_t midnight_ms(int64_t now_ms, int days_on)
{
	const time_t now = (time_t)(now_ms / 1000);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return now_ms / 86400000 * 86400000 + days_on * 86400000LL;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	tm.tm_mday += days_on;
	tm.tm_isdst = -1;
	return (int64_t)mktime(&tm) * 1000;
}

/* mktime() looks at the file of the time zone each time; a day is found out once. */
struct day {
	int64_t begin_ms, end_ms;
};
static struct day day_of(int64_t now_ms)
{
	static struct day day;

	if (now_ms < day.begin_ms || now_ms >= day.end_ms)
		day = (struct day){ midnight_ms(now_ms, 0),
				    midnight_ms(now_ms, 1) };
	return day;
}

static int64_t window_begin(enum gw_config_window window, int64_t now_ms)
{
	switch (window) {
	case GW_CONFIG_MINUTE:
		return now_ms / 60000 * 60000;
	case GW_CONFIG_HOUR:
		return now_ms / 3600000 * 3600000;
	case GW_CONFIG_DAY:
		return day_of(now_ms).begin_ms;
	case GW_CONFIG_AT_ONCE:
		break;
	}
	return 0;
}

static int64_t window_end(enum gw_config_window window, int64_t now_ms)
{
	switch (window) {
	case GW_CONFIG_MINUTE:
		return window_begin(window, now_ms) + 60000;
	case GW_CONFIG_HOUR:
		return window_begin(window, now_ms) + 3600000;
	case GW_CONFIG_DAY:
		return day_of(now_ms).end_ms;
	case GW_CONFIG_AT_ONCE:
		break;
	}
	return 0;
}

/* Counters ---------------------------------------------------------------------- */

static void counter_destructor(void *arg)
{
	struct counter *c = arg;

	hash_unlink(&c->he);
	list_unlink(&c->le);
	mem_deref(c->subject);
	mem_deref(c->numbers);
}

static bool has_subject(struct le *le, void *arg)
{
	const struct counter *c = le->data;

	return !strcmp(c->subject, arg);
}

static void begin_window(struct counter *c, enum gw_config_window window,
			 int64_t now_ms)
{
	c->window_ms = window_begin(window, now_ms);
	c->until_ms = window_end(window, now_ms);
	c->calls = c->seconds = c->cost = 0;
	c->number_count = 0;
	c->last = 0;
	c->run = 0;
}

static struct counter *find_counter(const struct gw_quota *quota,
				    const char *subject)
{
	return list_ledata(hash_lookup(quota->by_subject,
				       hash_joaat_str(subject), has_subject,
				       (void *)(uintptr_t)subject));
}

static bool is_idle(const struct counter *c, int64_t now_ms)
{
	if (c->holders)
		return false;
	return c->until_ms ? now_ms >= c->until_ms : !c->calls;
}

/* Takes some of those away that have nothing to say any more. */
static void sweep(struct gw_quota *quota, uint32_t count, int64_t now_ms)
{
	struct le *le = quota->counters.head;

	for (; le && count; count--) {
		struct counter *c = le->data;

		le = le->next;
		list_unlink(&c->le);
		if (is_idle(c, now_ms)) {
			quota->count--;
			mem_deref(c);
		} else {
			list_append(&quota->counters, &c->le, c);
		}
	}
}

static struct counter *new_counter(struct gw_quota *quota, const char *subject,
				   int64_t now_ms)
{
	struct counter *c;

	sweep(quota, SWEEP, now_ms);
	if (quota->count >= GW_QUOTA_COUNTERS_MAX)
		return NULL;
	c = mem_zalloc(sizeof(*c), counter_destructor);
	if (!c || str_dup(&c->subject, subject))
		return mem_deref(c);
	hash_append(quota->by_subject, hash_joaat_str(subject), &c->he, c);
	list_append(&quota->counters, &c->le, c);
	quota->count++;
	return c;
}

/* Who is counted ---------------------------------------------------------------- */

static bool has(const struct gw_config_strings *list, const char *word)
{
	for (size_t i = 0; word && i < list->count; i++)
		if (!strcmp(list->list[i], word))
			return true;
	return !list->count;
}

static const char *or_none(const char *text)
{
	return text ? text : "";
}

/* "a-day key crm": also a name for the counter. False: it isn't counted here. */
static bool subject_of(char *buf, size_t size,
		       const struct gw_config_limit *limit,
		       const struct gw_quota_call *call)
{
	char net[24] = "";
	uint8_t bytes[9];
	const char *a = "", *b = "";
	int n;

	if (!has(&limit->keys, call->key) || !has(&limit->lines, call->line))
		return false;
	switch (limit->per) {
	case GW_CONFIG_PER_GATEWAY:
		break;
	case GW_CONFIG_PER_PROJECT:
		a = or_none(call->project);
		break;
	case GW_CONFIG_PER_KEY:
		a = or_none(call->key);
		break;
	case GW_CONFIG_PER_LINE:
		a = or_none(call->line);
		break;
	case GW_CONFIG_PER_DESTINATION:
		a = or_none(call->to);
		break;
	case GW_CONFIG_PER_FROM:
		if (!call->from)
			return false;
		a = call->from;
		break;
	case GW_CONFIG_PER_PAIR:
		a = or_none(call->from);
		b = or_none(call->to);
		break;
	case GW_CONFIG_PER_CLIENT:
		if (!call->client)
			return false;
		gw_net_of(bytes, call->client);
		(void)re_snprintf(net, sizeof(net), "%w", bytes, sizeof(bytes));
		a = net;
		break;
	}
	n = snprintf(buf, size, "%s %d %d %s %s", limit->name, (int)limit->per,
		     (int)limit->window, a, b);
	return n > 0 && (size_t)n < size;
}

/* The counter of limit and call in its present window; NULL: there is none yet. */
static struct counter *look(struct gw_quota *quota, const char *subject,
			    const struct gw_config_limit *limit, int64_t now_ms)
{
	struct counter *c = find_counter(quota, subject);

	/* a clock that was set back doesn't empty what was counted */
	if (c && window_begin(limit->window, now_ms) > c->window_ms)
		begin_window(c, limit->window, now_ms);
	return c;
}

/* Destinations ------------------------------------------------------------------- */

static uint64_t hash_of(const char *text)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *text; text++)
		h = (h ^ (uint8_t)*text) * UINT64_C(1099511628211);
	return h;
}

static bool has_number(const struct counter *c, uint64_t hash)
{
	for (uint32_t i = 0; i < c->number_count; i++)
		if (c->numbers[i] == hash)
			return true;
	return false;
}

/* Without memory it stays uncounted: the next one is refused at the latest when
 * there is some. */
static void add_number(struct counter *c, uint64_t hash)
{
	if (has_number(c, hash))
		return;
	if (c->number_count == c->number_room) {
		const uint32_t room = c->number_room ? 2 * c->number_room : 8;
		uint64_t *more = mem_alloc(room * sizeof(*more), NULL);

		if (!more)
			return;
		if (c->number_count)
			memcpy(more, c->numbers,
			       c->number_count * sizeof(*more));
		mem_deref(c->numbers);
		c->numbers = more;
		c->number_room = room;
	}
	c->numbers[c->number_count++] = hash;
}

/* A number's digits as one; 0: it isn't one. */
static uint64_t value_of(const char *to)
{
	const char *digits = to && to[0] == '+' ? to + 1 : or_none(to);
	const size_t len = strlen(digits);

	return len && len <= 15 && strspn(digits, "0123456789") == len ?
		       strtoull(digits, NULL, 10) :
		       0;
}

static bool is_neighbour(const struct counter *c, uint64_t value)
{
	return value && c->last &&
	       (value == c->last + 1 || value + 1 == c->last);
}

/* Would it fit? ------------------------------------------------------------------- */

struct left {
	const char *what;
	uint64_t max, used;
};

/* What limit counts, and how much of it is used, this call not included. */
static size_t lefts(struct left out[5], const struct gw_config_limit *limit,
		    const struct counter *c)
{
	const struct left all[] = {
		{ "calls", limit->calls, c ? c->calls : 0 },
		{ "minutes", limit->minutes, c ? (c->seconds + 59) / 60 : 0 },
		{ "cost", limit->cost, c ? (c->cost + 59) / 60 : 0 },
		{ "destinations", limit->destinations,
		  c ? c->number_count : 0 },
		{ "neighbours", limit->neighbours, c ? c->run : 0 },
	};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].max)
			out[n++] = all[i];
	return n;
}

/* What of limit the call would break; NULL: nothing. */
static const char *broken(const struct gw_config_limit *limit,
			  const struct counter *c,
			  const struct gw_quota_call *call, uint64_t *maxp)
{
	const uint64_t hash = hash_of(or_none(call->to));
	struct left all[5];
	const size_t n = lefts(all, limit, c);

	for (size_t i = 0; i < n; i++) {
		*maxp = all[i].max;
		if (all[i].used < all[i].max)
			continue;
		if (!strcmp(all[i].what, "destinations") && has_number(c, hash))
			continue;
		/* the run of neighbours goes on with the next one only */
		if (!strcmp(all[i].what, "neighbours") &&
		    !is_neighbour(c, value_of(call->to)))
			continue;
		if (!strcmp(all[i].what, "cost") &&
		    (!call->cost || limit->hard))
			continue;
		/* hard: see seconds_left(); what the call that a target belongs
		 * to has set aside is its own */
		if (!strcmp(all[i].what, "minutes") &&
		    (!call->time_limit_s || limit->hard))
			continue;
		return all[i].what;
	}
	return NULL;
}

/* Seconds that a hard limit leaves to the call. */
static uint64_t seconds_left(const struct gw_config_limit *limit,
			     const struct counter *c,
			     const struct gw_quota_call *call)
{
	uint64_t left = UINT64_MAX;

	if (!limit->hard || !call->time_limit_s)
		return left;
	if (limit->minutes)
		left = limit->minutes * 60ULL -
		       MIN(c ? c->seconds : 0, limit->minutes * 60ULL);
	if (limit->cost && call->cost) {
		const uint64_t all = limit->cost * 60ULL;
		const uint64_t money = all - MIN(c ? c->cost : 0, all);

		left = MIN(left, money / call->cost);
	}
	return left;
}

static void refuse(struct gw_quota_verdict *v,
		   const struct gw_config_limit *limit, const char *what,
		   uint64_t max, int64_t now_ms)
{
	static const char *const windows[] = { "at once", "a minute", "an hour",
					       "a day" };
	static const uint32_t window_s[] = { 0, 60, 3600, 86400 };
	const int64_t end = window_end(limit->window, now_ms);

	v->allowed = false;
	v->limit = limit->name;
	v->max = max;
	v->window_s = window_s[limit->window];
	v->retry_s = end > now_ms ? (uint32_t)((end - now_ms + 999) / 1000) :
				    AT_ONCE_RETRY_S;
	(void)snprintf(v->why, sizeof(v->why),
		       "the limit \"%s\" allows %" PRIu64 " %s %s", limit->name,
		       max, what, windows[limit->window]);
}

static void check_one(struct gw_quota_verdict *v, struct gw_quota *quota,
		      const struct gw_config_limit *limit,
		      const struct gw_quota_call *call, int64_t now_ms)
{
	char subject[SUBJECT_SIZE];
	const struct counter *c;
	const char *what;
	uint64_t max = 0, left;

	if (!subject_of(subject, sizeof(subject), limit, call))
		return;
	c = look(quota, subject, limit, now_ms);
	what = broken(limit, c, call, &max);
	left = seconds_left(limit, c, call);
	if (!what && !left) {
		const bool time_is_up = limit->minutes && c &&
					c->seconds >= limit->minutes * 60ULL;

		what = time_is_up ? "minutes" : "cost";
		max = time_is_up ? limit->minutes : limit->cost;
	}
	if (what)
		refuse(v, limit, what, max, now_ms);
	else if (left < v->time_limit_s)
		v->time_limit_s = (uint32_t)left;
}

struct gw_quota_verdict gw_quota_check(struct gw_quota *quota,
				       const struct gw_quota_call *call,
				       int64_t now_ms)
{
	const struct gw_config_policy *policy = &quota->cfg->policy;
	struct gw_quota_verdict v = { .allowed = true,
				      .time_limit_s = call->time_limit_s };

	for (size_t i = 0; v.allowed && i < policy->limit_count; i++)
		check_one(&v, quota, &policy->limits[i], call, now_ms);
	if (v.allowed && policy->limit_count &&
	    quota->count + policy->limit_count > GW_QUOTA_COUNTERS_MAX) {
		sweep(quota, SWEEP_FULL, now_ms);
		if (quota->count + policy->limit_count > GW_QUOTA_COUNTERS_MAX)
			v = (struct gw_quota_verdict){
				.limit = "counters",
				.why = "more is being counted than there is "
				       "room for",
				.retry_s = 60,
			};
	}
	return v;
}

/* Counting -------------------------------------------------------------------------- */

static void count_in(struct counter *c, const struct gw_config_limit *limit,
		     const struct gw_quota_call *call)
{
	const uint64_t value = value_of(call->to);

	c->calls++;
	if (limit->destinations)
		add_number(c, hash_of(or_none(call->to)));
	/* the same one again, or none, is no way out of a run */
	if (limit->neighbours && value && value != c->last) {
		c->run = is_neighbour(c, value) ? c->run + 1 : 1;
		c->last = value;
	}
}

/* A hard limit sets aside what the call may take. */
static void set_aside(struct held *h, const struct gw_quota_call *call)
{
	if (!h->limit->hard)
		return;
	h->aside_s = call->time_limit_s;
	h->aside_cost = (uint64_t)call->time_limit_s * call->cost;
	h->counter->seconds += h->aside_s;
	h->counter->cost += h->aside_cost;
}

static void use_destructor(void *arg)
{
	struct gw_quota_use *use = arg;

	for (size_t i = 0; i < use->count; i++)
		use->held[i].counter->holders--;
	mem_deref((void *)(uintptr_t)use->cfg);
	mem_deref(use->quota);
}

static struct counter *counter_of(struct gw_quota *quota, const char *subject,
				  const struct gw_config_limit *limit,
				  int64_t now_ms)
{
	struct counter *c = look(quota, subject, limit, now_ms);

	if (c)
		return c;
	c = new_counter(quota, subject, now_ms);
	if (c)
		begin_window(c, limit->window, now_ms);
	return c;
}

int gw_quota_take(struct gw_quota_use **usep, struct gw_quota *quota,
		  const struct gw_quota_call *call, int64_t now_ms)
{
	const struct gw_config_policy *policy = &quota->cfg->policy;
	char subject[SUBJECT_SIZE];
	struct gw_quota_use *use;

	*usep = NULL;
	if (!policy->limit_count)
		return 0;
	use = mem_zalloc(sizeof(*use) +
				 policy->limit_count * sizeof(use->held[0]),
			 use_destructor);
	if (!use)
		return ENOMEM;
	use->quota = mem_ref(quota);
	use->cfg = mem_ref((void *)(uintptr_t)quota->cfg);
	use->cost = call->cost;
	for (size_t i = 0; i < policy->limit_count; i++) {
		struct held *h = &use->held[use->count];

		h->limit = &policy->limits[i];
		if (!subject_of(subject, sizeof(subject), h->limit, call))
			continue;
		h->counter = counter_of(quota, subject, h->limit, now_ms);
		if (!h->counter) {
			mem_deref(use);
			return ENOMEM;
		}
		h->counter->holders++;
		h->window_ms = h->counter->window_ms;
		use->count++;
	}
	for (size_t i = 0; i < use->count; i++) {
		count_in(use->held[i].counter, use->held[i].limit, call);
		set_aside(&use->held[i], call);
	}
	*usep = use;
	return 0;
}

static void take_back(uint64_t *what, uint64_t amount)
{
	*what -= MIN(*what, amount);
}

/* What was set aside in a window that is over went with it. */
static void give_back(const struct held *h)
{
	if (h->counter->window_ms != h->window_ms)
		return;
	take_back(&h->counter->seconds, h->aside_s);
	take_back(&h->counter->cost, h->aside_cost);
}

void gw_quota_end(struct gw_quota_use *use, uint32_t seconds, int64_t now_ms)
{
	if (!use)
		return;
	for (size_t i = 0; i < use->count; i++) {
		struct held *h = &use->held[i];

		give_back(h);
		if (window_begin(h->limit->window, now_ms) >
		    h->counter->window_ms)
			begin_window(h->counter, h->limit->window, now_ms);
		h->counter->seconds += seconds;
		h->counter->cost += (uint64_t)seconds * use->cost;
		if (h->limit->window == GW_CONFIG_AT_ONCE)
			take_back(&h->counter->calls, 1);
	}
	mem_deref(use);
}

void gw_quota_undo(struct gw_quota_use *use)
{
	if (!use)
		return;
	for (size_t i = 0; i < use->count; i++) {
		struct held *h = &use->held[i];

		give_back(h);
		if (h->counter->window_ms == h->window_ms)
			take_back(&h->counter->calls, 1);
	}
	mem_deref(use);
}

void gw_quota_dearer(struct gw_quota_use *use, uint32_t cost)
{
	if (use && use->cost < cost)
		use->cost = cost;
}

int gw_quota_past(struct gw_quota *quota, const struct gw_quota_call *call,
		  int64_t began_ms, uint32_t seconds, int64_t now_ms)
{
	const struct gw_config_policy *policy = &quota->cfg->policy;
	char subject[SUBJECT_SIZE];

	for (size_t i = 0; i < policy->limit_count; i++) {
		const struct gw_config_limit *limit = &policy->limits[i];
		struct counter *c;

		if (limit->window == GW_CONFIG_AT_ONCE ||
		    began_ms < window_begin(limit->window, now_ms) ||
		    !subject_of(subject, sizeof(subject), limit, call))
			continue;
		c = counter_of(quota, subject, limit, now_ms);
		if (!c)
			return quota->count >= GW_QUOTA_COUNTERS_MAX ? ENOSPC :
								       ENOMEM;
		count_in(c, limit, call);
		c->seconds += seconds;
		c->cost += (uint64_t)seconds * call->cost;
	}
	return 0;
}

/* Telling ---------------------------------------------------------------------------- */

void gw_quota_explain(struct gw_quota *quota, const struct gw_quota_call *call,
		      int64_t now_ms, gw_quota_left_h *h, void *arg)
{
	static const char *const pers[] = { "gateway", "project",     "key",
					    "line",    "destination", "from",
					    "pair",    "client" };
	static const char *const windows[] = { "at_once", "minute", "hour",
					       "day" };
	const struct gw_config_policy *policy = &quota->cfg->policy;
	char subject[SUBJECT_SIZE];

	for (size_t i = 0; i < policy->limit_count; i++) {
		const struct gw_config_limit *limit = &policy->limits[i];
		struct left all[5];
		size_t n;

		if (!subject_of(subject, sizeof(subject), limit, call))
			continue;
		n = lefts(all, limit, look(quota, subject, limit, now_ms));
		for (size_t k = 0; k < n; k++) {
			const struct gw_quota_left left = {
				.limit = limit->name,
				.per = pers[limit->per],
				.window = windows[limit->window],
				.what = all[k].what,
				.max = (uint32_t)all[k].max,
				.left = (uint32_t)(all[k].max -
						   MIN(all[k].used,
						       all[k].max)),
				.renewed_ms = window_end(limit->window, now_ms),
			};

			h(&left, arg);
		}
	}
}

/* Up and down --------------------------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_quota *quota = arg;

	list_flush(&quota->counters);
	mem_deref(quota->by_subject);
	mem_deref((void *)(uintptr_t)quota->cfg);
}

int gw_quota_alloc(struct gw_quota **quotap, const struct gw_config *cfg)
{
	struct gw_quota *quota = mem_zalloc(sizeof(*quota), destructor);

	if (!quota)
		return ENOMEM;
	quota->cfg = mem_ref((void *)(uintptr_t)cfg);
	if (hash_alloc(&quota->by_subject, BUCKETS)) {
		mem_deref(quota);
		return ENOMEM;
	}
	*quotap = quota;
	return 0;
}

int gw_quota_reload(struct gw_quota *quota, const struct gw_config *cfg)
{
	/* counters go by the name, the subject and the window of their limit */
	mem_deref((void *)(uintptr_t)quota->cfg);
	quota->cfg = mem_ref((void *)(uintptr_t)cfg);
	return 0;
}

bool gw_quota_needs_past(const struct gw_quota *quota)
{
	const struct gw_config_policy *policy = &quota->cfg->policy;

	for (size_t i = 0; i < policy->limit_count; i++)
		if (policy->limits[i].window != GW_CONFIG_AT_ONCE)
			return true;
	return false;
}
