/* The next attempt of a plan (retry): placed when one has ended, in front of its
 * call.ended, and called off with the rest of the plan. See registry_later.c. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/clock.h"
#include "server/log.h"
#include "server/registry_later_impl.h"

/* What the next attempt takes over. */
struct attempt {
	uint32_t number;
	uint32_t tried[GW_RETRY_COUNT];
	const char *first;
};

/* Nobody waits for this answer. */
static void placed(const struct gw_order_placed *result, void *arg)
{
	(void)result;
	(void)arg;
}

/* Whether there is another attempt, and when. */
static bool plan(struct gw_later *l, const struct gw_call_info *info,
		 struct attempt *a, int64_t *due_msp)
{
	const int kind = gw_retry_of(info->status, info->outcome.cause);
	const int64_t expires_ms = l->schedule.expires_at_ms;

	if (kind < 0 || l->tried[kind] >= l->schedule.retry[kind].times)
		return false;
	a->number = l->attempt + 1;
	memcpy(a->tried, l->tried, sizeof(a->tried));
	a->tried[kind]++;
	a->first = l->first[0] ? l->first : l->e->id;
	*due_msp = gw_window_opens(&l->schedule.window,
				   gw_clock_ms() +
					   l->schedule.retry[kind].every_s *
						   INT64_C(1000));
	return !expires_ms || *due_msp < expires_ms;
}

static int place_again(struct gw_registry_entry *e, const struct attempt *a,
		       int64_t due_ms)
{
	struct gw_later *l = e->later;
	struct gw_later_order rd = { .doc = NULL };
	struct gw_placement pl;
	uint32_t max;
	int err;

	err = gw_registry_may_wait(e->key, &max);
	if (err)
		return err;
	err = gw_later_read(&rd, l->body, l->from_form, e->key, l->client);
	if (!err) {
		struct gw_quota_call counted;

		rd.p.due_ms = due_ms;
		gw_placing_placement(&rd.p, &pl, &counted);
		pl.dedupe_s = 0; /* it is like the last one, and meant to be */
		pl.attempt = a->number;
		pl.tried = a->tried;
		pl.first = a->first;
		err = gw_registry_place(&pl, placed, NULL);
	}
	if (!err) {
		const struct gw_registry_entry *next =
			gw_registry.waiting.tail->data;

		str_ncpy(l->next, next->id, sizeof(l->next));
		l->next_ms = due_ms;
	}
	mem_deref(rd.doc);
	return err;
}

void gw_later_again(struct gw_registry_entry *e)
{
	struct attempt a;
	int64_t due_ms;
	int err;

	if (!e->later || e->postponed ||
	    !plan(e->later, gw_call_info(e->call), &a, &due_ms))
		return;
	err = place_again(e, &a, due_ms);
	if (err)
		gw_log(GW_LOG_WARNING, "call.no_retry", GW_F_STR("id", e->id),
		       GW_F_ERR("why", err));
}

/* True: it was one of the plan's, and has ended now. */
static bool cancel_one(struct gw_registry_entry *e, const char *first,
		       const struct gw_key *key)
{
	return e->later && !strcmp(e->later->first, first) &&
	       gw_registry_find_for(e->id, key) &&
	       !gw_call_hangup(e->call, GW_CAUSE_CANCELED_BY_API,
			       GW_ENDED_BY_API);
}

int gw_later_cancel(const char *id, const struct gw_key *key,
		    const char **waitedp)
{
	const struct list *lists[] = { &gw_registry.waiting, &gw_registry.all };
	struct le *le;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lists); i++)
		LIST_FOREACH(lists[i], le)
			if (cancel_one(le->data, id, key)) {
				const struct gw_registry_entry *e = le->data;

				*waitedp = e->postponed ? e->id : NULL;
				return 0; /* a plan has one at a time */
			}
	return ENOENT;
}
