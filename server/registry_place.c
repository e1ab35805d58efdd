/* From an order to a call: the entry and its call are made, the row, the
 * idempotency key and call.queued go to disk in one commit, and only then does
 * the call begin. What was refused or failed has never happened. */
#include "server/registry_impl.h"

#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "config/json.h"
#include "server/call_id.h"
#include "server/click.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/key.h"
#include "server/lines.h"
#include "server/log.h"
#include "server/recordings.h"
#include "server/sounds.h"
#include "sip/browser.h"
#include "sip/line.h"

/* The answer of the store --------------------------------------------------- */

static enum gw_placed_verdict verdict_of(const struct gw_placed *placed)
{
	static const enum gw_placed_verdict verdicts[] = {
		[GW_IDEM_NEW] = GW_PLACED,
		[GW_IDEM_REPLAY] = GW_PLACED_REPLAY,
		[GW_IDEM_MISMATCH] = GW_PLACED_MISMATCH,
		[GW_IDEM_DUPLICATE] = GW_PLACED_DUPLICATE,
		[GW_IDEM_SPENT] = GW_PLACED_SPENT,
		[GW_IDEM_UNKNOWN] = GW_PLACED_UNKNOWN,
	};

	return placed->err ? GW_PLACED_FAILED : verdicts[placed->verdict];
}

static void stored(const struct gw_placed *placed, void *arg)
{
	struct gw_registry_entry *e = arg;
	struct gw_order_placed result = {
		.err = placed->err,
		.id = placed->call_id,
		.body = placed->response,
	};

	gw_registry.pending--;
	hash_unlink(&e->idem_he);
	result.verdict = verdict_of(placed);
	if (result.verdict != GW_PLACED) {
		gw_quota_undo(e->use);
		e->use = NULL;
	}
	e->placedh(&result, e->arg);
	if (result.verdict != GW_PLACED) {
		gw_registry_drop(e);
		return;
	}
	e->stored = true;
	e->last_event_id = placed->last_event_id;
	gw_registry.stats.placed++;
	gw_log(GW_LOG_INFO, "call.queued", GW_F_STR("id", e->id),
	       GW_F_STR("line", e->line), GW_F_NUMBER("to", e->to));
	if (e->end_at_once)
		(void)gw_call_hangup(e->call, e->end_cause, e->end_by);
	else if (e->postponed)
		gw_later_wait(e);
	else
		gw_later_start(e);
}

/* Making what is stored ----------------------------------------------------- */

static bool has_scope(struct le *le, void *arg)
{
	const struct gw_registry_entry *e = le->data;

	return !strcmp(e->idem_scope, arg);
}

/* Visitors of a page share its key, but not their idempotency keys. */
static int make_scope(char **scopep, const struct gw_key *key, const char *text)
{
	return re_sdprintf(
		scopep, "%s POST /calls %s",
		key && key->click ? key->click->id : gw_key_name(key), text);
}

/* A second request with a key whose first one is still being stored. */
static int claim_key(struct gw_registry_entry *e, struct gw_store_idem **idemp,
		     const struct gw_placement *pl)
{
	struct gw_store_idem *idem;
	uint32_t hash;
	int err;

	err = make_scope(&e->idem_scope, pl->key, pl->idempotency_key);
	if (err)
		return err;
	hash = hash_joaat_str(e->idem_scope);
	if (!pl->joins &&
	    hash_lookup(gw_registry.by_idem, hash, has_scope, e->idem_scope))
		return EINPROGRESS;
	idem = gw_store_idem_alloc();
	if (!idem)
		return ENOMEM;
	err = str_dup(&idem->scope_key, e->idem_scope);
	if (err) {
		mem_deref(idem);
		return err;
	}
	memcpy(idem->body_sha256, pl->body_sha256, sizeof(idem->body_sha256));
	idem->keep_s = pl->remember_s;
	hash_append(gw_registry.by_idem, hash, &e->idem_he, e);
	*idemp = idem;
	return 0;
}

/* Two people in a project are the same two whoever of it asks, and by whichever
 * way their numbers were written. But nobody is told of a call that he may not
 * see. */
static int make_dedupe(struct gw_store_dedupe **dedupep,
		       const struct gw_registry_entry *e,
		       const struct gw_placement *pl)
{
	struct gw_store_dedupe *dedupe = gw_store_dedupe_alloc();
	int err;

	if (!dedupe)
		return ENOMEM;
	err = re_sdprintf(&dedupe->scope_key, "%s%s %s %s",
			  pl->key && pl->key->own_only ? "key:" : "",
			  !pl->key          ? "" :
			  pl->key->click    ? pl->key->click->id :
			  pl->key->own_only ? pl->key->name :
					      pl->key->project,
			  pl->counted->from ? pl->counted->from : "-",
			  pl->counted->to);
	dedupe->until_ms = e->created_at_ms + pl->dedupe_s * INT64_C(1000);
	if (err)
		mem_deref(dedupe);
	else
		*dedupep = dedupe;
	return err;
}

static int make_click(struct gw_store_click **clickp, const struct gw_click *c)
{
	struct gw_store_click *click = gw_store_click_alloc();
	int err;

	if (!click)
		return ENOMEM;
	err = str_dup(&click->id, c->id);
	click->uses = c->uses;
	click->expires_at_ms =
		(c->expires_at + GW_CLICK_AFTERLIFE_S) * INT64_C(1000);
	if (err)
		mem_deref(click);
	else
		*clickp = click;
	return err;
}

static int make_once(struct gw_once *once, struct gw_registry_entry *e,
		     const struct gw_placement *pl)
{
	int err = 0;

	if (pl->idempotency_key)
		err = claim_key(e, &once->idem, pl);
	if (!err && pl->dedupe_s)
		err = make_dedupe(&once->dedupe, e, pl);
	if (!err && pl->key && pl->key->click)
		err = make_click(&once->click, pl->key->click);
	return err;
}

/* The tones that the one who waits is used to: those of the country of the line
 * that rings who is rung first. */
static const char *ringback_of(const struct gw_placement *pl)
{
	const bool to_waits = !pl->from_uri || pl->order->first == GW_ROLE_TO;
	const struct gw_line *line = to_waits ? pl->line : pl->from_line;

	return pl->order->ringback ? pl->order->ringback :
				     gw_line_cfg(line)->dial.country;
}

int gw_registry_make_call(struct gw_call **callp, struct gw_registry_entry *e,
			  const struct gw_placement *pl)
{
	const struct gw_order_request *o = pl->order;
	const bool sandbox = gw_lines_is_sandbox(pl->line);
	const struct gw_call_order order = {
		.to = pl->uri,
		.from = pl->from_uri,
		.browser = pl->browser,
		.browser_role = pl->browser_role,
		.line = pl->line,
		.from_line = pl->from_line,
		.first = o->first,
		.show_caller_id_to_from = o->show_caller_id_to_from,
		.to_number = pl->number,
		.confirm_role = (enum gw_role)o->confirm_leg,
		.confirm_digit = (char)(o->has_confirm ? o->confirm_digit : 0),
		.confirm_timeout_s = o->confirm_timeout_s,
		.announce_role = (enum gw_role)o->announce_leg,
		.ringback = ringback_of(pl),
		.join = o->join,
		.send_digits = o->send_digits,
		.record = o->record,
		.record_tone = gw_registry.cfg->media.recording_tone,
		.follow_redirects = gw_registry.cfg->policy.follow_redirects,
		.stall_s = pl->from_uri ? gw_registry.cfg->media.stall_s : 0,
		.targeth = gw_registry_target,
		.recordedh = gw_registry_recorded,
		.caller_number = o->caller_number,
		.caller_name = o->caller_name,
		.caller_privacy = o->caller_privacy,
		.auto_answer = o->auto_answer,
		.ring_timeout_s = o->ring_timeout_s,
		.time_limit_s = o->time_limit_s,
		.setup_deadline_s = o->setup_deadline_s,
		.announce = o->announce_play ?
				    gw_sounds_find(o->announce_play) :
				    NULL,
		.headers = o->headers,
		.header_count = o->header_count,
		.media_listen = sandbox ? NULL : gw_registry.cfg->media.listen,
		.media_advertise = sandbox ? NULL :
					     gw_registry.cfg->media.advertise,
		.decline_failed = gw_registry.cfg->decline_status ==
				  GW_CONFIG_DECLINE_FAILED,
	};

	return gw_call_alloc(callp, &order, gw_registry.media,
			     gw_registry_call_event, e);
}

static int fill_entry(struct gw_registry_entry *e,
		      const struct gw_placement *pl, const char *id)
{
	const struct gw_order_request *o = pl->order;
	int err;

	e->key = mem_ref((void *)(uintptr_t)pl->key);
	e->browser = mem_ref(pl->browser);
	e->revision = 1;
	e->seq = 1;
	if (id) {
		str_ncpy(e->id, id, sizeof(e->id));
		err = 0;
	} else {
		err = gw_call_id_make(e->id, e->created_at_ms);
	}
	err = err ? err : str_dup(&e->to, o->to);
	err = err ? err : str_dup(&e->line, gw_line_name(pl->line));
	e->to_way = pl->line;
	e->from_way = pl->from_line;
	e->legs = pl->from_uri ? 2 : 1;
	if (!err && pl->from_uri)
		err = str_dup(&e->from, o->from);
	if (!err && pl->from_uri)
		err = str_dup(&e->from_line, gw_line_name(pl->from_line));
	if (!err && o->client_state)
		err = str_dup(&e->client_state, o->client_state);
	if (!err && o->status_callback)
		err = gw_webhooks_callback(&e->callback, pl->key,
					   o->status_callback,
					   o->status_callback_moments);
	if (!err && o->metadata) {
		e->metadata = mbuf_alloc(256);
		err = e->metadata ? gw_json_print(e->metadata, o->metadata) :
				    ENOMEM;
	}
	if (!err && (pl->due_ms || gw_schedule_given(&o->schedule)))
		err = gw_later_make(e, pl);
	return err ? err : gw_registry_make_call(&e->call, e, pl);
}

/* The row of a new call has what lists are searched by, too. */
static int make_first_row(struct gw_store_call **rowp,
			  const struct gw_registry_entry *e,
			  const struct gw_placement *pl)
{
	struct gw_store_call *row;
	int err;

	err = gw_registry_row(&row, e);
	if (err)
		return err;
	row->insert = true;
	row->created_at_ms = e->created_at_ms;
	err = str_dup(&row->to, e->to);
	err = err ? err : str_dup(&row->line, e->line);
	if (!err && e->from)
		err = str_dup(&row->from, e->from);
	if (!err && e->key)
		err = str_dup(&row->project, e->key->project);
	if (!err && e->key)
		err = str_dup(&row->key, e->key->name);
	if (!err && e->key && e->key->click)
		err = str_dup(&row->click, e->key->click->id);
	if (!err && pl->client)
		err = str_dup(&row->client, pl->client);
	if (!err && pl->counted && pl->counted->to)
		err = str_dup(&row->number, pl->counted->to);
	if (!err && pl->counted && pl->counted->from)
		err = str_dup(&row->from_number, pl->counted->from);
	if (!err && e->callback)
		err = str_dup(&row->callback, e->callback);
	row->cost = pl->counted ? pl->counted->cost : 0;
	if (!err && e->postponed)
		err = gw_later_print(&row->later, e);
	if (err)
		mem_deref(row);
	else
		*rowp = row;
	return err;
}

static void entry_destructor(void *arg)
{
	struct gw_registry_entry *e = arg;

	hash_unlink(&e->he);
	hash_unlink(&e->idem_he);
	list_unlink(&e->le);
	list_clear(&e->waits);
	mem_deref(e->later);
	mem_deref(e->use);
	mem_deref((void *)(uintptr_t)e->key);
	mem_deref(e->call);
	mem_deref(e->browser);
	mem_deref(e->to);
	mem_deref(e->line);
	mem_deref(e->from);
	mem_deref(e->from_line);
	mem_deref(e->recording);
	mem_deref(e->client_state);
	mem_deref(e->callback);
	mem_deref(e->metadata);
	mem_deref(e->idem_scope);
}

int gw_registry_entry(struct gw_registry_entry **ep,
		      const struct gw_placement *pl, const char *id,
		      int64_t created_at_ms)
{
	struct gw_registry_entry *e = mem_zalloc(sizeof(*e), entry_destructor);
	int err;

	if (!e)
		return ENOMEM;
	e->created_at_ms = created_at_ms;
	err = fill_entry(e, pl, id);
	if (err)
		mem_deref(e);
	else
		*ep = e;
	return err;
}

void gw_registry_enter(struct gw_registry_entry *e)
{
	if (!e->he.list)
		hash_append(gw_registry.by_id, hash_joaat_str(e->id), &e->he,
			    e);
	list_unlink(&e->le);
	if (e->postponed) {
		gw_later_enter(e);
		return;
	}
	list_append(&gw_registry.all, &e->le, e);
	gw_registry.stats.living++;
	gw_registry.legs += e->legs;
}

int gw_registry_place(const struct gw_placement *pl, gw_order_placed_h *h,
		      void *arg)
{
	struct gw_once once = { NULL };
	struct gw_store_call *row = NULL;
	struct gw_news news = { .type = "call.queued", .seq = 1 };
	struct gw_registry_entry *e;
	int err;

	err = gw_registry_entry(&e, pl, NULL, gw_clock_ms());
	if (err)
		return err;
	e->placedh = h;
	e->arg = arg;
	err = make_once(&once, e, pl);
	err = err ? err : make_first_row(&row, e, pl);
	/* what waits is counted when its time comes */
	if (!err && pl->counted && !e->postponed)
		err = gw_quota_take(&e->use, gw_registry.quota, pl->counted,
				    e->created_at_ms);
	if (err)
		goto out;

	news.call_id = e->id;
	news.project = row->project;
	news.key = row->key;
	news.at_ms = e->created_at_ms;
	news.callback = e->callback;
	err = gw_events_place(gw_registry.events, &news, row, &once, stored, e);
	row = NULL;
	once = (struct gw_once){ NULL };
	if (err)
		goto out;

	gw_registry_enter(e);
	gw_registry.pending++;
	gw_registry_alive();
	return 0;
out:
	mem_deref(row);
	mem_deref(once.idem);
	mem_deref(once.dedupe);
	mem_deref(once.click);
	gw_quota_undo(e->use);
	e->use = NULL;
	mem_deref(e);
	return err;
}

/* A browser's port ---------------------------------------------------------- */

int gw_registry_open_browser(struct gw_browser **browserp,
			     const struct gw_line *line, const char *sdp,
			     bool loopback, void (*readyh)(int err, void *arg),
			     void *arg)
{
	const struct gw_line_cfg *codecs = gw_line_cfg(line);
	const struct gw_config_media *media = &gw_registry.cfg->media;
	const struct gw_config_strings *told = &media->browser_advertise;
	const bool has_one = !told->count && media->advertise;
	const struct gw_browser_cfg cfg = {
		.media = gw_registry.media,
		.sdp = sdp,
		.codecs = codecs->codecs,
		.codec_count = codecs->codec_count,
		.listen = media->listen,
		.addresses = has_one ? &media->advertise : told->list,
		.address_count = has_one ? 1 : told->count,
		.loopback = loopback,
	};

	return gw_browser_alloc(browserp, &cfg, readyh, arg);
}

const char *gw_registry_browser_answer(const char *id)
{
	const struct gw_registry_entry *e = gw_registry_find(id);

	return e && !e->over_at ? gw_browser_answer(e->browser) : NULL;
}

/* Asking only --------------------------------------------------------------- */

struct recall {
	gw_order_placed_h *h;
	void *arg;
};

static void recalled(const struct gw_placed *placed, void *arg)
{
	struct recall *r = arg;
	const struct gw_order_placed result = {
		.verdict = verdict_of(placed),
		.err = placed->err,
		.id = placed->call_id,
		.body = placed->response,
	};

	r->h(&result, r->arg);
	mem_deref(r);
}

static int make_recall(struct recall **rp, struct gw_store_idem **idemp,
		       const struct gw_key *key, const char *idempotency_key,
		       const uint8_t body_sha256[32])
{
	struct gw_store_idem *idem = gw_store_idem_alloc();
	struct recall *r = mem_zalloc(sizeof(*r), NULL);
	int err = idem && r ? 0 : ENOMEM;

	err = err ? err : make_scope(&idem->scope_key, key, idempotency_key);
	if (err) {
		mem_deref(idem);
		mem_deref(r);
		return err;
	}
	memcpy(idem->body_sha256, body_sha256, sizeof(idem->body_sha256));
	*rp = r;
	*idemp = idem;
	return 0;
}

int gw_registry_recall(const struct gw_key *key, const char *idempotency_key,
		       const uint8_t body_sha256[32], gw_order_placed_h *h,
		       void *arg)
{
	struct gw_store_idem *idem;
	struct recall *r;
	int err = make_recall(&r, &idem, key, idempotency_key, body_sha256);

	if (err)
		return err;
	r->h = h;
	r->arg = arg;
	err = gw_events_recall(gw_registry.events, idem, recalled, r);
	if (err)
		mem_deref(r);
	return err;
}

int gw_registry_remember(const struct gw_key *key, const char *idempotency_key,
			 const uint8_t body_sha256[32], const char *answer,
			 uint32_t remember_s, gw_order_placed_h *h, void *arg)
{
	struct gw_store_idem *idem;
	struct recall *r;
	int err = make_recall(&r, &idem, key, idempotency_key, body_sha256);

	if (err)
		return err;
	r->h = h;
	r->arg = arg;
	idem->keep_s = remember_s;
	idem->answer = mbuf_alloc(strlen(answer) + 1);
	if (!idem->answer || mbuf_write_str(idem->answer, answer)) {
		mem_deref(idem);
		mem_deref(r);
		return ENOMEM;
	}
	err = gw_events_remember(gw_registry.events, idem, recalled, r);
	if (err)
		mem_deref(r);
	return err;
}
