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

int gw_registry_print(struct mbuf *mb, const char *id,
		      const struct gw_config_key *key)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	return e ? print_entry(mb, e) : ENOENT;
}

int gw_registry_print_ladder(struct mbuf *mb, const char *id,
			     const struct gw_config_key *key)
{
	const struct gw_registry_entry *e = gw_registry_find_for(id, key);

	return e ? gw_json_write_ladder(mb, e->call) : ENOENT;
}

int gw_registry_print_all(struct mbuf *mb, const struct gw_config_key *key)
{
	unsigned count = 0;
	struct le *le;
	int err;

	err = mbuf_write_str(mb, "[");
	LIST_FOREACH(&gw_registry.all, le) {
		const struct gw_registry_entry *e = le->data;

		if (err || count >= PRINT_MAX)
			break;
		if (!gw_registry_find_for(e->id, key))
			continue;
		if (count++)
			err = mbuf_write_str(mb, ",");
		err = err ? err : print_entry(mb, e);
	}
	return err ? err : mbuf_write_str(mb, "]");
}

int gw_registry_hangup(const char *id, const struct gw_config_key *key)
{
	struct gw_registry_entry *e = gw_registry_find_for(id, key);

	return e ? gw_call_hangup(e->call, GW_CAUSE_CANCELED_BY_API,
				  GW_ENDED_BY_API) :
		   ENOENT;
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
		     const struct gw_config_key *key, enum gw_wait_for what,
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
