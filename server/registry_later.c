/* Calls that wait for their time, and those that are placed again.
 *
 *   placed ──► waiting ──due──► order read, policy and limits asked anew
 *                │                 │            │               │
 *     expires_at │ DELETE     refused: failed   │ no room: a second later
 *                ▼                 ▼            ▼
 *              ended             ended      "begun" on disk ──► gw_call_start()
 *
 * The order is kept with the call's row while it waits and is taken away by the
 * commit after which it begins: a process that dies in between finds it either
 * waiting or begun, so that nobody is rung twice. Due times are wall clock, looked
 * at once a minute at least: a clock that steps is late by that much at most.
 *
 * A status never goes back, so that each attempt of a plan (retry) is a call of its
 * own. The next one is placed when one has ended, in front of its call.ended; the
 * plan belongs to the first, and goes on in the order of the one that waits. */
#include "server/registry_later_impl.h"

#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "config/json.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/key.h"
#include "server/log.h"
#include "server/placing.h"
#include "server/refusal.h"
#include "server/writer.h"

enum {
	LOOK_MS = 60000,      /* at least so often, for clocks that step   */
	AGAIN_MS = 1000,      /* there was no room                         */
	STARTS_PER_LOOK = 16, /* a turn of the loop is bounded            */
	DEADLINE_S = 90,      /* of setup, where the order does not say   */
};

static void look(void *arg);

/* Making one ----------------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_later *l = arg;

	tmr_cancel(&l->expiry);
	mem_deref(l->body);
	mem_deref(l->client);
	mem_deref(l->share);
}

int gw_later_make(struct gw_registry_entry *e, const struct gw_placement *pl)
{
	struct gw_later *l = mem_zalloc(sizeof(*l), destructor);
	int err;

	if (!l)
		return ENOMEM;
	tmr_init(&l->expiry);
	l->e = e;
	l->schedule = pl->order->schedule;
	l->due_ms = pl->due_ms;
	l->attempt = pl->attempt ? pl->attempt : 1;
	if (pl->tried)
		memcpy(l->tried, pl->tried, sizeof(l->tried));
	if (pl->first)
		str_ncpy(l->first, pl->first, sizeof(l->first));
	l->from_form = pl->from_form;
	l->body = mbuf_alloc(256);
	err = l->body ? gw_json_print(l->body, pl->body) : ENOMEM;
	if (!err && pl->client)
		err = str_dup(&l->client, pl->client);
	err = err ? err : gw_later_share(&l->share, pl->key);
	if (err) {
		mem_deref(l);
		return err;
	}
	e->later = l;
	e->postponed = l->due_ms != 0;
	return 0;
}

/* What the store keeps. */
int gw_later_print(struct mbuf **mbp, const struct gw_registry_entry *e)
{
	const struct gw_later *l = e->later;
	struct mbuf *mb = mbuf_alloc(512);
	struct gw_writer w = { .err = ENOMEM };
	int i;

	if (!mb)
		return ENOMEM;
	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	gw_write_int(&w, "due", l->due_ms);
	gw_write_bool(&w, "form", l->from_form);
	gw_write_string(&w, "client", l->client);
	gw_write_int(&w, "attempt", l->attempt);
	gw_write_string(&w, "first", l->first[0] ? l->first : NULL);
	gw_write_open(&w, "tried", '[');
	for (i = 0; i < GW_RETRY_COUNT; i++)
		gw_write_int(&w, NULL, l->tried[i]);
	gw_write_close(&w, ']');
	gw_write_raw(&w, "body", (const char *)l->body->buf, l->body->end);
	gw_write_close(&w, '}');
	if (w.err)
		mem_deref(mb);
	else
		*mbp = mb;
	return w.err;
}

void gw_later_view(struct gw_later_view *view,
		   const struct gw_registry_entry *e)
{
	const struct gw_later *l = e->later;

	*view = (struct gw_later_view){ .attempt = 1 };
	if (l)
		*view = (struct gw_later_view){
			.not_before_ms = l->due_ms,
			.expires_at_ms = l->schedule.expires_at_ms,
			.attempt = l->attempt,
			.retry_of = l->first,
			.next = l->next,
			.next_ms = l->next_ms,
		};
}

/* Waiting -------------------------------------------------------------------- */

void gw_later_enter(struct gw_registry_entry *e)
{
	list_append(&gw_registry.waiting, &e->le, e);
	gw_later_count_in(e->later->share);
}

void gw_later_leave(const struct gw_registry_entry *e)
{
	gw_later_count_out(e->later->share);
}

static int64_t next_moment(const struct gw_later *l)
{
	const int64_t begin_ms = MAX(l->due_ms, l->try_ms);
	const int64_t end_ms = l->schedule.expires_at_ms;

	return end_ms ? MIN(begin_ms, end_ms) : begin_ms;
}

static void look_at(int64_t at_ms)
{
	const int64_t ahead_ms = at_ms - gw_clock_ms();
	const uint64_t wait_ms =
		ahead_ms > 0 ? (uint64_t)MIN(ahead_ms, (int64_t)LOOK_MS) : 0;

	if (!tmr_isrunning(&gw_registry.later_tmr) ||
	    tmr_get_expire(&gw_registry.later_tmr) > wait_ms)
		tmr_start(&gw_registry.later_tmr, wait_ms, look, NULL);
}

void gw_later_wait(struct gw_registry_entry *e)
{
	look_at(next_moment(e->later));
}

static void expired(void *arg)
{
	struct gw_later *l = arg;
	const int64_t left_ms = l->schedule.expires_at_ms - gw_clock_ms();
	const enum gw_call_state state = gw_call_info(l->e->call)->state;

	if (state != GW_CALL_QUEUED && state != GW_CALL_WAITING_FOR_LINE)
		return;
	if (left_ms > 0)
		tmr_start(&l->expiry, (uint64_t)MIN(left_ms, (int64_t)LOOK_MS),
			  expired, l);
	else
		(void)gw_call_hangup(l->e->call, GW_CAUSE_EXPIRED,
				     GW_ENDED_BY_TIMER);
}

void gw_later_start(struct gw_registry_entry *e)
{
	gw_call_start(e->call);
	if (e->later && e->later->schedule.expires_at_ms)
		expired(e->later);
}

/* The order, read again ------------------------------------------------------ */

int gw_later_read(struct gw_later_order *order, const struct mbuf *body,
		  bool from_form, const struct gw_key *key, const char *client)
{
	struct gw_placing_again again = {
		.from_form = from_form,
		.cfg = gw_registry.cfg,
		.key = key,
		.client = client,
	};
	const int err = gw_json_parse(&order->doc, (const char *)body->buf,
				      body->end, 0, NULL);

	if (err)
		return err;
	again.body = gw_json_root(order->doc);
	return gw_placing_read_again(&order->p, &again) ? 0 : EINVAL;
}

/* Beginning ------------------------------------------------------------------- */

static void end(struct gw_registry_entry *e, enum gw_cause cause,
		enum gw_ended_by by)
{
	(void)gw_call_hangup(e->call, cause, by);
}

/* Whose call it is may have changed since: the key as it is now. */
static bool renew_key(struct gw_registry_entry *e, struct gw_refusal *r)
{
	const struct gw_key *key = NULL;
	const bool good = !gw_registry.keyh ||
			  gw_registry.keyh(&key, e->key ? e->key->name : NULL,
					   gw_registry.key_arg);

	if (!good ||
	    (e->key && key && strcmp(e->key->project, key->project) != 0)) {
		mem_deref((void *)(uintptr_t)key);
		r->audited = true;
		gw_refuse(
			r, 403, "key_gone",
			"The key that has placed it may place calls no more.");
		return false;
	}
	if (key) {
		mem_deref((void *)(uintptr_t)e->key);
		e->key = key;
	}
	return true;
}

/* For a while what is full or down is waited for. */
static bool may_try_again(const struct gw_registry_entry *e,
			  const struct gw_placing *p, int64_t now_ms)
{
	/* without memory it could not even be read */
	const uint32_t deadline_s = p->order.setup_deadline_s ?
					    p->order.setup_deadline_s :
					    DEADLINE_S;

	return now_ms - e->later->due_ms < deadline_s * INT64_C(1000);
}

static void refuse(struct gw_registry_entry *e, const struct gw_refusal *r,
		   const struct gw_placing *p)
{
	const struct gw_refusal_order order = { e->to, e->from, e->line };

	if (r->status == 503 && strcmp(r->code, "frozen") != 0) {
		if (may_try_again(e, p, gw_clock_ms()))
			e->later->try_ms = gw_clock_ms() + AGAIN_MS;
		else if (!strcmp(r->code, "lines_down"))
			end(e, GW_CAUSE_LINE_NOT_REGISTERED, GW_ENDED_BY_LINE);
		else
			end(e, GW_CAUSE_CAPACITY, GW_ENDED_BY_GATEWAY);
		return;
	}
	gw_refusal_note(e->key, r, &order);
	end(e, GW_CAUSE_POLICY_DENIED, GW_ENDED_BY_GATEWAY);
}

/* What POST /calls asks, asked again. False: r says why not. */
static bool judge(struct gw_registry_entry *e, struct gw_later_order *rd,
		  struct gw_refusal *r)
{
	const struct gw_later *l = e->later;
	uint32_t retry_s;

	if (!renew_key(e, r))
		return false;
	r->audited = true;
	switch (gw_later_read(rd, l->body, l->from_form, e->key, l->client)) {
	case 0:
		break;
	case ENOMEM:
		gw_refuse(r, 503, "memory", "Out of memory.");
		return false;
	default:
		gw_refuse(r, 422, "invalid_call", "%s",
			  rd->p.faults.count ? rd->p.faults.list[0].detail :
					       "it can't be read");
		return false;
	}
	switch (gw_registry_admit(e->key, &retry_s)) {
	case 0:
		return gw_placing_judge(&rd->p, r);
	case EPERM:
		gw_refuse(r, 503, "frozen",
			  "New calls have been stopped by POST /admin/freeze.");
		return false;
	default:
		gw_refuse(r, 503, "capacity", "There is no room for it now.");
		return false;
	}
}

/* Its order is off the disk: now it may be dialled, and can't be twice. */
static void begun(struct gw_store_job *job, void *arg)
{
	struct gw_registry_entry *e = gw_registry_find(job->call->id);
	(void)arg;

	if (!e || !e->later || !e->later->begins)
		return;
	e->later->begins = false;
	if (!job->err) {
		gw_later_start(e);
		return;
	}
	gw_log(GW_LOG_WARNING, "call.later", GW_F_STR("id", e->id),
	       GW_F_ERR("why", job->err));
	if (gw_call_info(e->call)->state == GW_CALL_QUEUED)
		gw_registry_wait_again(e);
	e->later->try_ms = gw_clock_ms() + AGAIN_MS;
	look_at(e->later->try_ms);
}

static int write_begun(const struct gw_registry_entry *e)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct gw_store_call *row = gw_registry_bare_row(e);

	if (!job || !row) {
		mem_deref(job);
		mem_deref(row);
		return ENOMEM;
	}
	row->begun = true;
	job->call = row;
	job->doneh = begun;
	return gw_store_push(gw_registry.store, job);
}

/* The call is made anew: lines, sounds and limits are those of now. What of the
 * setup deadline has passed since it was due has passed. */
static int make_anew(struct gw_registry_entry *e, struct gw_later_order *rd)
{
	const int64_t late_s = MAX(gw_clock_ms() - e->later->due_ms, 0) / 1000;
	struct gw_quota_call counted;
	struct gw_quota_use *use;
	struct gw_placement pl;
	struct gw_call *call;
	int err;

	if (late_s >= rd->p.order.setup_deadline_s)
		rd->p.order.setup_deadline_s = 1;
	else
		rd->p.order.setup_deadline_s -= (uint32_t)late_s;
	gw_placing_placement(&rd->p, &pl, &counted);
	err = gw_registry_make_call(&call, e, &pl);
	if (err)
		return err;
	err = gw_quota_take(&use, gw_registry.quota, &counted, gw_clock_ms());
	if (err) {
		mem_deref(call);
		return err;
	}
	mem_deref(e->call);
	e->call = call;
	e->use = use;
	e->to_way = pl.line;
	e->from_way = pl.from_line;
	return 0;
}

static void begin(struct gw_registry_entry *e)
{
	struct gw_later_order rd = { .doc = NULL };
	struct gw_refusal r = { .status = 0 };
	int err;

	if (!judge(e, &rd, &r)) {
		refuse(e, &r, &rd.p);
		goto out;
	}
	err = make_anew(e, &rd);
	if (!err) {
		gw_registry_begin(e);
		e->later->begins = true;
		err = write_begun(e);
		if (err) {
			e->later->begins = false;
			gw_registry_wait_again(e);
		}
	}
	if (err)
		e->later->try_ms = gw_clock_ms() + AGAIN_MS;
out:
	mem_deref(rd.doc);
}

/* One of those that wait. True: that was work. */
static bool look_at_one(struct gw_registry_entry *e, int64_t now_ms)
{
	struct gw_later *l = e->later;
	const int64_t expires_ms = l->schedule.expires_at_ms;
	int64_t opens_ms;

	if (!e->stored || gw_call_info(e->call)->state == GW_CALL_ENDED)
		return false;
	if (expires_ms && now_ms >= expires_ms) {
		end(e, GW_CAUSE_EXPIRED, GW_ENDED_BY_TIMER);
		return true;
	}
	/* a clock that was set back must not make it wait for a second */
	if (l->try_ms > now_ms + AGAIN_MS)
		l->try_ms = now_ms;
	if (now_ms < MAX(l->due_ms, l->try_ms))
		return false;
	/* the clock may have stepped over the window */
	opens_ms = gw_window_opens(&l->schedule.window, now_ms);
	if (opens_ms > now_ms) {
		l->due_ms = opens_ms;
		return false;
	}
	begin(e);
	return true;
}

static void look(void *arg)
{
	const int64_t now_ms = gw_clock_ms();
	int64_t soonest_ms = now_ms + LOOK_MS;
	struct le *le = gw_registry.waiting.head;
	unsigned done = 0;
	(void)arg;

	if (gw_registry.draining)
		return; /* the next process begins them */
	while (le) {
		struct gw_registry_entry *e = le->data;

		le = le->next;
		if (done >= STARTS_PER_LOOK) {
			soonest_ms = now_ms;
			break;
		}
		mem_ref(e);
		done += look_at_one(e, now_ms);
		if (e->postponed && e->stored &&
		    gw_call_info(e->call)->state != GW_CALL_ENDED)
			soonest_ms = MIN(soonest_ms, next_moment(e->later));
		mem_deref(e);
	}
	if (gw_registry.waiting.head)
		look_at(soonest_ms);
}
