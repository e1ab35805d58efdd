/* What happens to a call becomes news: each of its events gets a number and the
 * call's newest snapshot and goes to the store. What has come to disk sets those
 * free who waited for it; call.ended takes the entry to its rest. */
#include "server/registry_impl.h"

#include <errno.h>
#include <string.h>

#include "config/config.h"
#include "server/events.h"
#include "server/key.h"
#include "server/log.h"
#include "server/metrics.h"

/* On its way to the disk ---------------------------------------------------- */

int gw_registry_snapshot(struct mbuf **mbp, const struct gw_registry_entry *e)
{
	struct gw_call_view view = {
		.id = e->id,
		.revision = e->revision,
		.to = e->to,
		.line = e->line,
		.from = e->from,
		.from_line = e->from_line,
		.recording = gw_registry_recording(e),
		.created_at_ms = e->created_at_ms,
		.client_state = e->client_state,
		.metadata = e->metadata,
		.info = gw_call_info(e->call),
	};
	struct mbuf *mb = mbuf_alloc(1536);
	int err;

	gw_later_view(&view.later, e);
	err = mb ? gw_json_write_call(mb, &view) : ENOMEM;

	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	return err;
}

int64_t gw_registry_seconds(const struct gw_registry_entry *e)
{
	const struct gw_call_info *info = gw_call_info(e->call);

	return info->answered_at_ms && info->ended_at_ms ?
		       (info->ended_at_ms - info->answered_at_ms + 999) / 1000 :
		       0;
}

struct gw_store_call *gw_registry_bare_row(const struct gw_registry_entry *e)
{
	const struct gw_call_info *info = gw_call_info(e->call);
	struct gw_store_call *row = gw_store_call_alloc();

	if (!row)
		return NULL;
	memcpy(row->id, e->id, sizeof(row->id));
	row->status = gw_status_name(info->status);
	row->state = gw_call_state_name(info->state);
	row->ended_at_ms = info->ended_at_ms;
	row->seconds = gw_registry_seconds(e);
	row->seq = e->seq;
	return row;
}

int gw_registry_row(struct gw_store_call **rowp,
		    const struct gw_registry_entry *e)
{
	struct gw_store_call *row = gw_registry_bare_row(e);
	const int err = row ? gw_registry_snapshot(&row->snapshot, e) : ENOMEM;

	if (err)
		mem_deref(row);
	else
		*rowp = row;
	return err;
}

/* What the next process needs to hang up, should this one die. */
static void add_dialog(struct gw_store_call *row,
		       const struct gw_registry_entry *e)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (mb && !gw_call_dialog_print(mb, e->call))
		row->dialog = mem_ref(mb);
	mem_deref(mb);
}

static void log_event(const struct gw_registry_entry *e,
		      const struct gw_call_event *ev)
{
	const struct gw_call_info *info = gw_call_info(e->call);

	if (ev->type != GW_EV_CALL_ENDED) {
		gw_log(GW_LOG_INFO, gw_event_name(ev->type),
		       GW_F_STR("id", e->id),
		       GW_F_STR("state", gw_call_state_name(info->state)),
		       GW_F_INT("sip", ev->sip_code));
		return;
	}
	gw_log(GW_LOG_INFO, "call.ended", GW_F_STR("id", e->id),
	       GW_F_STR("status", gw_status_name(info->status)),
	       GW_F_STR("cause", gw_cause_name(info->outcome.cause)),
	       GW_F_STR("by", gw_ended_by_name(info->ended_by)),
	       GW_F_INT("sip", info->sip_code), GW_F_NUMBER("to", e->to));
}

void gw_registry_call_event(struct gw_call *call,
			    const struct gw_call_event *ev, void *arg)
{
	struct gw_registry_entry *e = arg;
	struct gw_store_call *row;
	struct gw_news news = {
		.type = gw_event_name(ev->type),
		.call_id = e->id,
		.project = e->key ? e->key->project : NULL,
		.key = e->key ? e->key->name : NULL,
		.callback = e->callback,
		.leg = gw_role_name(ev->role),
		.at_ms = ev->at_ms,
	};
	struct mbuf *data = NULL;
	int err;
	(void)call;

	if (!news.type) {
		e->revision++;
		return;
	}
	e->revision++;
	news.seq = ++e->seq;
	log_event(e, ev);
	if (ev->type == GW_EV_CALL_ENDED) {
		gw_quota_end(e->use, (uint32_t)gw_registry_seconds(e),
			     ev->at_ms);
		e->use = NULL;
		gw_later_again(e);
	}

	data = mbuf_alloc(64);
	err = data ? gw_json_write_event_data(data, ev) : ENOMEM;
	if (!err) {
		news.data = (const char *)data->buf;
		news.data_len = data->end;
		err = gw_registry_row(&row, e);
	}
	if (!err) {
		if (ev->type == GW_EV_LEG_RINGING ||
		    ev->type == GW_EV_LEG_ANSWERED)
			add_dialog(row, e);
		err = gw_events_tell(gw_registry.events, &news, row);
	}
	if (!err)
		e->told_revision = e->revision;
	if (err)
		gw_log(GW_LOG_ERROR, "event.lost", GW_F_STR("id", e->id),
		       GW_F_STR("type", news.type), GW_F_ERR("why", err));
	if (err && ev->type == GW_EV_CALL_ENDED)
		gw_registry_drop(e);
	mem_deref(data);
}

/* On disk ------------------------------------------------------------------- */

static void count_end(const struct gw_registry_entry *e)
{
	const struct gw_call_info *info = gw_call_info(e->call);
	const int64_t answered = info->answered_at_ms;

	if (gw_registry.metrics)
		gw_metrics_call_ended(
			gw_registry.metrics, gw_status_name(info->status),
			gw_cause_name(info->outcome.cause),
			answered ? answered - e->created_at_ms : -1,
			info->ended_at_ms - answered);
}

/* What is on disk: those who waited for it may know. */
void gw_registry_on_disk(const struct gw_event *ev, void *arg)
{
	struct gw_registry_entry *e;
	(void)arg;

	if (!ev->call_id[0])
		return;
	e = gw_registry_find(ev->call_id);
	if (!e)
		return;
	e->last_event_id = ev->id;
	if (!strcmp(ev->type, "call.answered"))
		gw_registry_wait_over(e, GW_WAIT_ANSWERED);
	if (strcmp(ev->type, "call.ended") != 0)
		return;
	count_end(e);
	gw_registry_rest(e);
	gw_registry_wait_over(e, GW_WAIT_ENDED);
}
