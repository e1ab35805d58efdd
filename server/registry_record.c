/* From a call's sound to its file, and from there to call.recording.saved. That
 * event may come after call.ended: the entry waits for it, however long the disk
 * takes. */
#include "server/registry_impl.h"

#include <errno.h>
#include <string.h>

#include "server/clock.h"
#include "server/events.h"
#include "server/key.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/recordings.h"

static int tell_saved(struct gw_registry_entry *e)
{
	struct gw_store_call *row = NULL;
	struct gw_news news = {
		.type = "call.recording.saved",
		.call_id = e->id,
		.project = e->key ? e->key->project : NULL,
		.key = e->key ? e->key->name : NULL,
		.callback = e->callback,
		.at_ms = gw_clock_ms(),
	};
	struct mbuf *data = mbuf_alloc(128);
	int err;

	e->revision++;
	news.seq = ++e->seq;
	err = data ? gw_json_write_recording_data(data, e->id, &e->recorded) :
		     ENOMEM;
	if (!err) {
		news.data = (const char *)data->buf;
		news.data_len = data->end;
		err = gw_registry_row(&row, e);
	}
	err = err ? err : gw_events_tell(gw_registry.events, &news, row);
	mem_deref(data);
	return err;
}

/* On disk, or given up: a call does not end for want of its recording, but the
 * log tells those who run the gateway. */
static void ended(const struct gw_recordings_end *end, void *arg)
{
	struct gw_registry_entry *e = arg;
	int err = end->err;

	e->unsaved--;
	e->recorded = (struct gw_recording_view){
		.state = end->bytes ? GW_RECORDING_SAVED : GW_RECORDING_NONE,
		.duration_ms = end->duration_ms,
		.bytes = end->bytes,
	};
	if (!err)
		err = tell_saved(e);
	if (gw_registry.metrics)
		gw_metrics_recorded(gw_registry.metrics, !err);
	if (err)
		gw_log(GW_LOG_ERROR, "recording.lost", GW_F_STR("id", e->id),
		       GW_F_ERR("why", err));
	else
		gw_log(GW_LOG_INFO, "call.recording.saved",
		       GW_F_STR("id", e->id),
		       GW_F_INT("bytes", (int64_t)end->bytes));
	if (e->settled && !e->unsaved)
		gw_registry_forget(e);
}

void gw_registry_recorded(const struct gw_call_sound *sound, void *arg)
{
	struct gw_registry_entry *e = arg;
	int err;

	if (!e->recording) {
		err = gw_recordings_track_alloc(&e->recording, e->id, ended, e);
		if (err && sound->last)
			gw_log(GW_LOG_ERROR, "recording.lost",
			       GW_F_STR("id", e->id), GW_F_ERR("why", err));
		if (err)
			return;
	}
	if (!e->run_begun)
		e->unsaved++;
	e->run_begun = !sound->last;
	gw_recordings_add(e->recording, sound);
}

struct gw_recording_view
gw_registry_recording(const struct gw_registry_entry *e)
{
	if (gw_call_info(e->call)->recording)
		return (struct gw_recording_view){ .state = GW_RECORDING_RUNS };
	if (e->unsaved)
		return (struct gw_recording_view){
			.state = GW_RECORDING_SAVING
		};
	return e->recorded;
}
