/* What may be asked of a living call: to show itself, to hang up, to say when it
 * has come as far as somebody waits for. */
#include "server/registry_impl.h"

#include <errno.h>

enum { PRINT_MAX = 1000 };

static int print_entry(struct mbuf *mb, const struct gw_registry_entry *e)
{
	struct mbuf *snapshot;
	int err;

	err = gw_registry_snapshot(&snapshot, e);
	if (err)
		return err;
	err = gw_store_snapshot_json(mb, snapshot->buf, snapshot->end,
				     e->last_event_id);
	mem_deref(snapshot);
	return err;
}

int gw_registry_print(struct mbuf *mb, const char *id, const struct gw_key *key)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	return e ? print_entry(mb, e) : ENOENT;
}

void gw_registry_measure(const char *id, const struct gw_key *key)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	if (e)
		gw_call_measure(e->call);
}

int gw_registry_print_ladder(struct mbuf *mb, const char *id,
			     const struct gw_key *key)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	return e ? gw_json_write_ladder(mb, e->call) : ENOENT;
}

static int print_one(struct mbuf *mb, const struct gw_registry_entry *e,
		     const struct gw_key *key, unsigned *countp)
{
	int err = 0;

	if (!gw_registry_find_for(e->id, key))
		return 0;
	if ((*countp)++)
		err = mbuf_write_str(mb, ",");
	return err ? err : print_entry(mb, e);
}

int gw_registry_print_all(struct mbuf *mb, const struct gw_key *key)
{
	unsigned count = 0;
	struct le *le;
	int err;

	err = mbuf_write_str(mb, "[");
	LIST_FOREACH(&gw_registry.all, le) {
		if (err || count >= PRINT_MAX)
			break;
		err = print_one(mb, le->data, key, &count);
	}
	LIST_FOREACH(&gw_registry.waiting, le) {
		if (err || count >= PRINT_MAX)
			break;
		err = print_one(mb, le->data, key, &count);
	}
	return err ? err : mbuf_write_str(mb, "]");
}

int gw_registry_hangup(const char *id, const struct gw_key *key,
		       const char **waitedp)
{
	struct gw_registry_entry *e = gw_registry_find_for(id, key);

	const int err = e ? gw_call_hangup(e->call, GW_CAUSE_CANCELED_BY_API,
					   GW_ENDED_BY_API) :
			    ENOENT;

	*waitedp = !err && e->postponed ? e->id : NULL;
	/* the plan to call again belongs to the first call */
	return err ? gw_later_cancel(id, key, waitedp) : 0;
}

/* Commands ------------------------------------------------------------------ */

const char *gw_registry_state(const char *id, const struct gw_key *key)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	return e ? gw_call_state_name(gw_call_info(e->call)->state) : NULL;
}

struct gw_line *gw_registry_replaced_line(const char *id,
					  const struct gw_key *key, int role)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	if (!e)
		return NULL;
	return role != GW_ROLE_FROM && e->from_way ? e->from_way : e->to_way;
}

static int carry_out(struct gw_registry_entry *e,
		     const struct gw_registry_order *order)
{
	const struct gw_command *c = order->command;
	const struct gw_call_transfer transfer = {
		.target = order->target,
		.line = order->line,
		.attended = c->attended,
		.role = c->leg,
	};

	switch (c->kind) {
	case GW_COMMAND_DTMF:
		return gw_call_dtmf(e->call, c->digits, c->leg);
	case GW_COMMAND_HOLD:
	case GW_COMMAND_UNHOLD:
		return gw_call_hold(e->call, c->leg,
				    c->kind == GW_COMMAND_HOLD);
	case GW_COMMAND_MUTE:
	case GW_COMMAND_UNMUTE:
		return gw_call_mute(e->call, c->leg,
				    c->kind == GW_COMMAND_MUTE);
	case GW_COMMAND_PLAY:
		return gw_call_play(e->call, order->sound, c->leg);
	case GW_COMMAND_RECORD:
		return gw_call_record(e->call, c->on);
	case GW_COMMAND_TRANSFER:
		return gw_call_transfer(e->call, &transfer);
	}
	return EINVAL;
}

/* What has no event of its own (mute) is a change like any other: the call is never
 * again what it was, nor is its ETag. */
int gw_registry_command(const char *id, const struct gw_key *key,
			const struct gw_registry_order *order)
{
	struct gw_registry_entry *e = gw_registry_find_for(id, key);
	int err;

	if (!e)
		return ENOENT;
	err = carry_out(e, order);
	if (!err)
		e->revision++;
	return err;
}

/* Waiting ------------------------------------------------------------------- */

void gw_registry_wait_over(struct gw_registry_entry *e, enum gw_wait_for what)
{
	struct le *le = e->waits.head;

	while (le) {
		struct gw_registry_wait *w = le->data;

		le = le->next;
		if (w->what > what)
			continue;
		list_unlink(&w->le);
		w->h(w->arg);
	}
}

static void wait_destructor(void *arg)
{
	struct gw_registry_wait *w = arg;

	list_unlink(&w->le);
}

int gw_registry_wait(struct gw_registry_wait **waitp, const char *id,
		     const struct gw_key *key, enum gw_wait_for what,
		     gw_registry_wait_h *h, void *arg)
{
	struct gw_registry_entry *e = gw_registry_find_for(id, key);
	struct gw_registry_wait *w;

	if (!e)
		return ENOENT;
	if (e->over_at ||
	    (what == GW_WAIT_ANSWERED && gw_call_info(e->call)->answered_at_ms))
		return EALREADY;
	w = mem_zalloc(sizeof(*w), wait_destructor);
	if (!w)
		return ENOMEM;
	w->what = what;
	w->h = h;
	w->arg = arg;
	list_append(&e->waits, &w->le, w);
	*waitp = w;
	return 0;
}
