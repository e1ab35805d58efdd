/* Calls of a process that died. See recovery.h.
 *
 * The last snapshot on disk is taken apart and written again with an end in it;
 * everything else stays as the dead process wrote it. */
#include "server/recovery.h"

#include <errno.h>
#include <string.h>

#include <re.h>

#include "config/json.h"
#include "server/clock.h"
#include "server/events.h"
#include "server/json.h"
#include "server/lines.h"
#include "server/log.h"
#include "server/recordings.h"
#include "server/registry.h"
#include "server/store.h"
#include "server/writer.h"
#include "sip/call.h"
#include "sip/cause.h"

/* A dialog that may still be up at the far side. */
struct orphan {
	struct le le;
	char *line, *dialog;
};

/* A call whose time has not come. */
struct waiting {
	struct le le;
	struct gw_store_row row;
};

static struct {
	struct gw_events *events;
	struct list orphans;
	struct list waiting;
	int64_t alive_at_ms; /* the dead process's last sign of life */
	size_t open;         /* calls whose end is not on disk yet */
	void (*doneh)(int err, void *arg);
	void *arg;
	struct tmr tmr;
} rec;

/* The end of one call. */
struct end {
	struct gw_outcome outcome;
	int64_t at_ms;
	int64_t answered_at_ms;
	enum gw_status before; /* the call's status when the process died */
	int64_t revision;
	const char *id;
	bool recorded; /* it left a file */
	struct gw_recording_view recording;
};

static void orphan_destructor(void *arg)
{
	struct orphan *o = arg;

	list_unlink(&o->le);
	mem_deref(o->line);
	mem_deref(o->dialog);
}

static void keep_orphan(const char *line, const struct pl *dialog)
{
	struct orphan *o = mem_zalloc(sizeof(*o), orphan_destructor);

	if (!o)
		return;
	if (str_dup(&o->line, line) || pl_strdup(&o->dialog, dialog)) {
		mem_deref(o);
		return;
	}
	list_append(&rec.orphans, &o->le, o);
}

/* The line of the leg that has the dialog's Call-ID; else the call's. */
static const char *line_of(const struct gw_json *call, const struct pl *dialog,
			   const char *other)
{
	const struct gw_json *leg = gw_json_first(gw_json_get(call, "legs"));
	struct pl id;

	if (re_regex(dialog->p, dialog->l, "\r\nCall-ID:[ ]*[^\r\n]+", NULL,
		     &id))
		return other;
	for (; leg; leg = gw_json_next(leg)) {
		const char *text =
			gw_json_string(gw_json_get(leg, "sip_call_id"));
		const char *line = gw_json_string(gw_json_get(leg, "line"));

		if (text && line && !pl_strcmp(&id, text))
			return line;
	}
	return other;
}

/* One dialog for each leg that was up, an empty line behind each. */
static void keep_orphans(const struct gw_store_row *row,
			 const struct gw_json *call)
{
	static const char end[] = "\r\n\r\n";
	struct pl rest, one;
	const char *p;

	if (!row->dialog || !row->line)
		return;
	rest.p = (const char *)row->dialog->buf;
	rest.l = row->dialog->end;
	while (rest.l) {
		p = memmem(rest.p, rest.l, end, sizeof(end) - 1);
		one.p = rest.p;
		one.l = p ? (size_t)(p - rest.p) + sizeof(end) - 1 : rest.l;
		keep_orphan(line_of(call, &one, row->line), &one);
		rest.p += one.l;
		rest.l -= one.l;
	}
}

/* Rewriting ------------------------------------------------------------------ */

static void copy(struct gw_writer *w, const struct gw_json *v)
{
	struct mbuf *mb = mbuf_alloc(256);

	if (!mb || gw_json_print(mb, v))
		w->err = ENOMEM;
	else
		gw_write_raw(w, gw_json_name(v), (const char *)mb->buf,
			     mb->end);
	mem_deref(mb);
}

static void write_end_time(struct gw_writer *w, const struct end *end,
			   bool is_call)
{
	gw_write_time(w, "ended_at", end->at_ms);
	if (is_call)
		gw_write_bool(w, "ended_at_estimated", true);
}

/* Members that say how it ended; false: not one of them. */
static bool write_ended(struct gw_writer *w, const char *name,
			const struct end *end, bool is_call)
{
	if (!strcmp(name, "status"))
		gw_write_string(w, name, gw_status_name(end->outcome.status));
	else if (!strcmp(name, "state"))
		gw_write_string(w, name, "ended");
	else if (!strcmp(name, "cause"))
		gw_write_string(w, name, gw_cause_name(end->outcome.cause));
	else if (!strcmp(name, "ended_at"))
		write_end_time(w, end, is_call);
	else if (!is_call)
		return false;
	else if (!strcmp(name, "ended_by"))
		gw_write_string(w, name, "gateway");
	else if (!strcmp(name, "q850"))
		gw_write_int(w, name, end->outcome.q850);
	else if (!strcmp(name, "duration"))
		gw_write_int(w, name,
			     end->answered_at_ms ?
				     (end->at_ms - end->answered_at_ms + 500) /
					     1000 :
				     0);
	else
		return false;
	return true;
}

/* What was being recorded is what its file holds. */
static void write_recording(struct gw_writer *w, const struct end *end)
{
	if (!end->recorded) {
		gw_write_null(w, "recording");
		return;
	}
	gw_json_write_recording(w, end->id, &end->recording);
}

static bool is_open(const struct gw_json *leg)
{
	const char *state = gw_json_string(gw_json_get(leg, "state"));

	return state && strcmp(state, "ended") != 0 &&
	       strcmp(state, "new") != 0;
}

static void write_legs(struct gw_writer *w, const struct gw_json *legs,
		       const struct end *end)
{
	const struct gw_json *leg, *v;

	gw_write_open(w, "legs", '[');
	for (leg = gw_json_first(legs); leg; leg = gw_json_next(leg)) {
		if (!is_open(leg)) {
			copy(w, leg);
			continue;
		}
		gw_write_open(w, NULL, '{');
		for (v = gw_json_first(leg); v; v = gw_json_next(v))
			if (!write_ended(w, gw_json_name(v), end, false))
				copy(w, v);
		gw_write_close(w, '}');
	}
	gw_write_close(w, ']');
}

/* The snapshot with its legs ended and, if call_too, the call itself. */
static int rewrite(struct mbuf *mb, const struct gw_json *call,
		   const struct end *end, bool call_too)
{
	const struct gw_json *v;
	struct gw_writer w;

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	for (v = gw_json_first(call); v; v = gw_json_next(v)) {
		const char *name = gw_json_name(v);

		if (!strcmp(name, "last_event_id"))
			continue;
		if (!strcmp(name, "revision"))
			gw_write_int(&w, name, end->revision);
		else if (!strcmp(name, "legs"))
			write_legs(&w, v, end);
		else if (!strcmp(name, "recording"))
			write_recording(&w, end);
		else if (!call_too || !write_ended(&w, name, end, true))
			copy(&w, v);
	}
	gw_write_close(&w, '}');
	return w.err;
}

/* The snapshot with its recording alone brought up to date. */
static int rewrite_recording(struct mbuf *mb, const struct gw_json *call,
			     const struct end *end)
{
	const struct gw_json *v;
	struct gw_writer w;

	gw_writer_init(&w, mb);
	gw_write_open(&w, NULL, '{');
	for (v = gw_json_first(call); v; v = gw_json_next(v)) {
		const char *name = gw_json_name(v);

		if (!strcmp(name, "revision"))
			gw_write_int(&w, name, end->revision);
		else if (!strcmp(name, "recording"))
			write_recording(&w, end);
		else if (strcmp(name, "last_event_id") != 0)
			copy(&w, v);
	}
	gw_write_close(&w, '}');
	return w.err;
}

/* Telling -------------------------------------------------------------------- */

static int tell(const struct gw_store_row *row, const struct gw_json *call,
		const struct end *end, const char *leg, int64_t seq)
{
	const struct gw_news news = {
		.type = leg ? "leg.ended" : "call.ended",
		.call_id = row->id,
		.project = row->project,
		.key = row->key,
		.callback = row->callback,
		.leg = leg,
		.seq = seq,
		.at_ms = end->at_ms,
	};
	struct gw_store_call *to = gw_store_call_alloc();
	int err;

	if (!to)
		return ENOMEM;
	memcpy(to->id, row->id, sizeof(to->id));
	to->seq = seq;
	to->status = gw_status_name(leg ? end->before : end->outcome.status);
	to->state = leg ? "ending" : "ended";
	to->ended_at_ms = leg ? 0 : end->at_ms;
	to->snapshot = mbuf_alloc(2048);
	err = to->snapshot ? rewrite(to->snapshot, call, end, !leg) : ENOMEM;
	if (err) {
		mem_deref(to);
		return err;
	}
	return gw_events_tell(rec.events, &news, to);
}

/* "from" and "to" as texts that outlive the document. */
static const char *role_of(const struct gw_json *leg)
{
	const char *role = gw_json_string(gw_json_get(leg, "role"));

	return role && !strcmp(role, "from") ? "from" : "to";
}

/* A file that the dead process was writing is told of as any other, before the
 * call's end: the call is still to be seen as it was. */
static int tell_recording(const struct gw_store_row *row,
			  const struct gw_json *call, struct end *end,
			  int64_t seq)
{
	struct gw_news news = {
		.type = "call.recording.saved",
		.call_id = row->id,
		.project = row->project,
		.key = row->key,
		.callback = row->callback,
		.seq = seq,
		.at_ms = end->at_ms,
	};
	struct gw_store_call *to = gw_store_call_alloc();
	struct mbuf *data = mbuf_alloc(128);
	int err = ENOMEM;

	if (to && data) {
		memcpy(to->id, row->id, sizeof(to->id));
		to->seq = seq;
		to->status = gw_status_name(end->before);
		to->state = "ending";
		to->snapshot = mbuf_alloc(2048);
		err = to->snapshot ?
			      rewrite_recording(to->snapshot, call, end) :
			      ENOMEM;
		err = err ? err :
			    gw_json_write_recording_data(data, row->id,
							 &end->recording);
	}
	if (!err) {
		news.data = (const char *)data->buf;
		news.data_len = data->end;
		err = gw_events_tell(rec.events, &news, to);
		to = NULL;
	}
	mem_deref(to);
	mem_deref(data);
	return err;
}

/* Whether the snapshot speaks of it or not: it is older than the file. */
static void find_recording(struct end *end)
{
	struct gw_recordings_end file;

	if (gw_recordings_found(&file, end->id))
		return;
	end->recorded = true;
	end->recording = (struct gw_recording_view){
		.state = GW_RECORDING_SAVED,
		.duration_ms = file.duration_ms,
		.bytes = file.bytes,
	};
}

static bool was_saved(const struct gw_json *call)
{
	const char *state =
		gw_json_string(gw_json_find(call, "/recording/state"));

	return state && !strcmp(state, "saved");
}

/* When it ended nobody saw: not before the last that is known of the dead process,
 * nor before what is known of the call; and not in the future, whatever the clock
 * did. */
static int64_t end_of(const struct gw_store_row *row, const struct end *end)
{
	int64_t at = MIN(rec.alive_at_ms, gw_clock_ms());

	at = MAX(at, row->created_at_ms);
	return MAX(at, end->answered_at_ms);
}

static int end_call(const struct gw_store_row *row, enum gw_cause cause)
{
	struct gw_json_doc *doc = NULL;
	const struct gw_json *call, *leg;
	struct end end = { .at_ms = 0 };
	int64_t seq = row->seq;
	int err;

	err = gw_json_parse(&doc, (const char *)row->snapshot->buf,
			    row->snapshot->end, 0, NULL);
	if (err)
		return err;
	call = gw_json_root(doc);
	keep_orphans(row, call);
	(void)gw_status_parse(&end.before,
			      gw_json_string(gw_json_get(call, "status")));
	(void)gw_json_int(&end.revision, gw_json_get(call, "revision"), 0,
			  INT32_MAX);
	(void)gw_clock_read(&end.answered_at_ms,
			    gw_json_string(gw_json_get(call, "answered_at")));
	/* what waited ends now: it was nobody's when the process died */
	end.at_ms = cause == GW_CAUSE_SERVER_RESTART ? end_of(row, &end) :
						       gw_clock_ms();
	end.outcome = gw_cause_outcome(&(const struct gw_end){
		.intent = cause,
		.answered = end.before == GW_STATUS_IN_PROGRESS,
	});
	end.id = row->id;
	find_recording(&end);
	if (end.recorded && !was_saved(call)) {
		end.revision++;
		err = tell_recording(row, call, &end, ++seq);
	}
	for (leg = gw_json_first(gw_json_get(call, "legs")); leg && !err;
	     leg = gw_json_next(leg)) {
		if (!is_open(leg))
			continue;
		end.revision++;
		err = tell(row, call, &end, role_of(leg), ++seq);
	}
	end.revision++;
	err = err ? err : tell(row, call, &end, NULL, ++seq);
	if (!err)
		gw_log(GW_LOG_WARNING, "call.recovered",
		       GW_F_STR("id", row->id),
		       GW_F_STR("status", gw_status_name(end.outcome.status)));
	mem_deref(doc);
	return err;
}

/* For later --------------------------------------------------------------------- */

static void waiting_destructor(void *arg)
{
	struct waiting *w = arg;

	list_unlink(&w->le);
	gw_store_row_reset(&w->row);
}

/* Takes the row out of its read. */
static int keep_waiting(struct gw_store_row *row)
{
	struct waiting *w = mem_zalloc(sizeof(*w), waiting_destructor);

	if (!w)
		return ENOMEM;
	w->row = *row;
	*row = (struct gw_store_row){ .later = NULL };
	list_append(&rec.waiting, &w->le, w);
	return 0;
}

void gw_recovery_resume(void)
{
	unsigned count = 0;

	while (rec.waiting.head) {
		struct waiting *w = rec.waiting.head->data;
		int cause = GW_CAUSE_INTERNAL_ERROR;
		int err = gw_registry_restore(&w->row, &cause);

		if (err == ECANCELED)
			err = end_call(&w->row, (enum gw_cause)cause);
		else if (!err)
			count++;
		/* on disk it is as it was: the next start may have memory */
		if (err)
			gw_log(GW_LOG_ERROR, "call.later",
			       GW_F_STR("id", w->row.id), GW_F_ERR("why", err));
		mem_deref(w);
	}
	if (count)
		gw_log(GW_LOG_INFO, "calls.waiting", GW_F_INT("calls", count));
}

/* Order ---------------------------------------------------------------------- */

static void done(void *arg)
{
	(void)arg;
	rec.doneh(0, rec.arg);
}

static void on_disk(const struct gw_event *ev, void *arg)
{
	(void)arg;
	if (rec.open && !strcmp(ev->type, "call.ended") && --rec.open == 0)
		tmr_start(&rec.tmr, 0, done, NULL);
}

static void found(struct gw_store_read *rd, void *arg)
{
	size_t i;
	int err = rd->err;
	(void)arg;

	rec.open = 0;
	for (i = 0; i < rd->row_count && !err; i++) {
		if (rd->rows[i].later) {
			err = keep_waiting(&rd->rows[i]);
			continue;
		}
		rec.open++;
		err = end_call(&rd->rows[i], GW_CAUSE_SERVER_RESTART);
	}
	if (err) {
		rec.open = 0;
		rec.doneh(err, rec.arg);
	} else if (!rec.open) {
		done(NULL);
	}
}

int gw_recovery_run(struct gw_store *store, struct gw_events *events,
		    void (*doneh)(int err, void *arg), void *arg)
{
	struct gw_store_read *rd;
	int err;

	tmr_init(&rec.tmr);
	rec.events = events;
	rec.doneh = doneh;
	rec.alive_at_ms = gw_store_facts(store)->alive_at_ms;
	rec.arg = arg;
	err = gw_events_sink(events, on_disk, NULL);
	if (err)
		return err;
	rd = gw_store_read_alloc(GW_STORE_OPEN_CALLS);
	if (!rd)
		return ENOMEM;
	rd->doneh = found;
	return gw_store_ask(store, rd);
}

void gw_recovery_bye(void)
{
	while (rec.orphans.head) {
		struct orphan *o = rec.orphans.head->data;
		struct gw_line *line = gw_lines_find(o->line);
		const int err = line ? gw_call_bye_stored(line, o->dialog) :
				       ENOENT;

		if (err)
			gw_log(GW_LOG_WARNING, "call.orphan",
			       GW_F_STR("line", o->line), GW_F_ERR("why", err));
		mem_deref(o);
	}
}

void gw_recovery_close(void)
{
	tmr_cancel(&rec.tmr);
	list_flush(&rec.orphans);
	list_flush(&rec.waiting);
	rec.open = 0;
}
