/* Calls for later, after a restart: out of their rows, as they were, or over. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/key.h"
#include "server/registry_later_impl.h"

void gw_registry_keys(gw_registry_key_h *h, void *arg)
{
	gw_registry.keyh = h;
	gw_registry.key_arg = arg;
}

/* The columns of a row, taken apart. p of an order borrows from its document. */
struct stored {
	struct gw_json_doc *doc;
	int64_t due_ms, attempt, tried[GW_RETRY_COUNT];
	const char *first, *client;
	bool from_form;
	struct mbuf *body;
	const struct gw_key *key;
};

static int read_stored(struct stored *s, const struct gw_store_row *row)
{
	const struct gw_json *root, *tried;
	int i, err;

	err = gw_json_parse(&s->doc, (const char *)row->later->buf,
			    row->later->end, 0, NULL);
	if (err)
		return err;
	root = gw_json_root(s->doc);
	s->body = mbuf_alloc(256);
	if (!s->body)
		return ENOMEM;
	err = gw_json_print(s->body, gw_json_get(root, "body"));
	err = err ? err :
		    gw_json_int(&s->due_ms, gw_json_get(root, "due"), 0,
				INT64_MAX / 2);
	err = err ? err :
		    gw_json_int(&s->attempt, gw_json_get(root, "attempt"), 1,
				1000);
	err = err ? err :
		    gw_json_bool(&s->from_form, gw_json_get(root, "form"));
	tried = gw_json_first(gw_json_get(root, "tried"));
	for (i = 0; i < GW_RETRY_COUNT && !err; i++) {
		err = gw_json_int(&s->tried[i], tried, 0, GW_RETRY_TIMES_MAX);
		tried = tried ? gw_json_next(tried) : NULL;
	}
	s->first = gw_json_string(gw_json_get(root, "first"));
	s->client = gw_json_string(gw_json_get(root, "client"));
	return err;
}

/* Its key, or while it waits one that only says whose call it is. */
static int find_key(struct stored *s, const struct gw_store_row *row)
{
	const struct gw_key_row gone = {
		.name = row->key,
		.project = row->project,
		.scopes = "",
		.lines = "",
		.caller_ids = "",
	};
	struct gw_key *key = NULL;
	int err;

	if (!row->key || !row->project)
		return 0;
	if (gw_registry.keyh &&
	    gw_registry.keyh(&s->key, row->key, gw_registry.key_arg) &&
	    s->key && !strcmp(s->key->project, row->project))
		return 0;
	mem_deref((void *)(uintptr_t)s->key);
	err = gw_key_of_row(&key, &gone);
	s->key = key;
	return err;
}

static bool is_over(const struct stored *s, const struct gw_placing *p,
		    int *causep)
{
	const int64_t now_ms = gw_clock_ms();
	const int64_t expires_ms = p->order.schedule.expires_at_ms;

	if (expires_ms && now_ms >= expires_ms)
		*causep = GW_CAUSE_EXPIRED;
	else if (!expires_ms &&
		 now_ms - s->due_ms >=
			 p->order.setup_deadline_s * INT64_C(1000))
		*causep = GW_CAUSE_SERVER_RESTART;
	else
		return false;
	return true;
}

/* As it was: what the snapshot counts goes on from there. */
static int take_up(struct gw_registry_entry *e, const struct gw_store_row *row)
{
	struct gw_json_doc *doc = NULL;
	int64_t revision = 1;
	int err;

	err = gw_json_parse(&doc, (const char *)row->snapshot->buf,
			    row->snapshot->end, 0, NULL);
	if (err)
		return err;
	(void)gw_json_int(&revision, gw_json_get(gw_json_root(doc), "revision"),
			  1, INT32_MAX);
	mem_deref(doc);
	e->revision = (uint32_t)revision;
	e->told_revision = e->revision;
	e->seq = row->seq;
	e->last_event_id = row->last_event_id;
	e->stored = true;
	return 0;
}

static int restore(const struct gw_store_row *row, struct stored *s,
		   struct gw_later_order *rd, int *causep)
{
	struct gw_registry_entry *e;
	struct gw_quota_call counted;
	struct gw_placement pl;
	uint32_t tried[GW_RETRY_COUNT];
	int i, err;

	err = gw_later_read(rd, s->body, s->from_form, s->key, s->client);
	if (err == EINVAL) {
		*causep = GW_CAUSE_LINE_NOT_REGISTERED;
		return ECANCELED;
	}
	if (err)
		return err;
	if (is_over(s, &rd->p, causep))
		return ECANCELED;
	for (i = 0; i < GW_RETRY_COUNT; i++)
		tried[i] = (uint32_t)s->tried[i];
	rd->p.due_ms = s->due_ms;
	gw_placing_placement(&rd->p, &pl, &counted);
	pl.attempt = (uint32_t)s->attempt;
	pl.tried = tried;
	pl.first = s->first;
	err = gw_registry_entry(&e, &pl, row->id, row->created_at_ms);
	if (err)
		return err;
	err = take_up(e, row);
	if (err) {
		mem_deref(e);
		return err;
	}
	gw_registry_enter(e);
	gw_later_wait(e);
	return 0;
}

int gw_registry_restore(const struct gw_store_row *row, int *causep)
{
	struct gw_later_order rd = { .doc = NULL };
	struct stored s = { .doc = NULL };
	int err;

	err = read_stored(&s, row);
	err = err ? err : find_key(&s, row);
	err = err ? err : restore(row, &s, &rd, causep);
	mem_deref(rd.doc);
	mem_deref((void *)(uintptr_t)s.key);
	mem_deref(s.body);
	mem_deref(s.doc);
	return err;
}
