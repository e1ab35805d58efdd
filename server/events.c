/* From news to committed events, and on to the sinks.
 *
 *   gw_events_tell() -> pending jobs of this turn -> store -> completion -> sinks
 *
 * A job of the turn takes further events as long as they speak of the same call
 * and nothing else was told in between: so the journal keeps the order of
 * telling. The turn's jobs are pushed by a timer of 0 ms, which libre runs when
 * the sockets of this turn are done.
 *
 * When the disk refuses, these jobs wait in the store's queue, in front of all
 * others: calls go on, events are seen later, in order. Only when that queue is
 * full (and when the process ends with the disk still refusing) are events lost:
 * counted, and told to the log. A placement is different: its commit fails, and
 * it has never happened. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <re.h>

#include "server/events.h"
#include "server/log.h"

enum {
	JOB_EVENTS = 6, /* what one turn of one call usually says, and more */
	SINKS_MAX = 8,
	HEAD_SIZE = 256,
};

struct gw_events {
	struct gw_store *store;
	struct list pending; /* of struct batch */
	struct tmr flush;
	struct {
		gw_events_sink_h *h;
		void *arg;
	} sinks[SINKS_MAX];
	size_t sink_count;
	gw_events_outbox_h *outboxh;
	gw_events_posted_h *postedh;
	void *outbox_arg;
	struct gw_events_stats stats;
};

/* A job that this turn still adds to. */
struct batch {
	struct le le;
	struct gw_store_job *job;
	char call_id[GW_STORE_ID_SIZE];
};

/* A placement that waits for its commit. */
struct placing {
	struct gw_events *events;
	gw_events_placed_h *h;
	void *arg;
};

/* The log ---------------------------------------------------------------- */

/* Who tells an event logs it, too, with what it knows of it; this is the line that
 * says when it was on disk, and under which id. */
static void log_event(const struct gw_event *ev)
{
	gw_log(GW_LOG_DEBUG, "journal.written", GW_F_INT("event", ev->id),
	       GW_F_STR("type", ev->type),
	       GW_F_STR("call", ev->call_id[0] ? ev->call_id : NULL));
}

static void log_lost(const struct gw_store_job *job, int err)
{
	gw_log(GW_LOG_ERROR, "events.lost",
	       GW_F_STR("call", job->call ? job->call->id : NULL),
	       GW_F_INT("events", job->event_count), GW_F_ERR("err", err));
}

/* Events that are on disk ------------------------------------------------- */

static void blank_out(char *at, size_t len, char c)
{
	char *end = at + len;

	while ((at = memchr(at, c, (size_t)(end - at))))
		*at++ = ' ';
}

/* The stream's lines are whole with the JSON at json. A line break between two
 * values means nothing to JSON, but would end the stream's data line. */
static void end_frame(struct gw_event *ev, char *json, size_t json_len)
{
	blank_out(json, json_len, '\n');
	blank_out(json, json_len, '\r');
	memcpy(json + json_len, "\n\n", 3);
	ev->json_len = json_len;
	ev->frame_len = (size_t)(json - ev->frame) + json_len + 2;
}

static size_t text_size(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

/* Copies text to *atp and moves that on. */
static const char *put_text(char **atp, const char *text)
{
	const size_t size = text_size(text);
	char *at = *atp;

	if (!text)
		return NULL;

	memcpy(at, text, size);
	*atp = at + size;
	return at;
}

/* One piece of memory: the struct, its texts, the frame with room for json_len.
 * *atp is where the JSON goes. */
static int alloc_event(struct gw_event **evp, char **atp,
		       const struct gw_event_facts *facts, size_t json_len)
{
	const size_t texts = text_size(facts->type) +
			     text_size(facts->project) + text_size(facts->line);
	char head[HEAD_SIZE];
	struct gw_event *ev;
	char *at;
	int n;

	n = snprintf(head, sizeof(head),
		     "id: %" PRIu64 "\nevent: %s\ndata: ", facts->id,
		     facts->type);
	if (n < 0 || (size_t)n >= sizeof(head))
		return EINVAL;

	ev = mem_zalloc(sizeof(*ev) + texts + (size_t)n + json_len + 3, NULL);
	if (!ev)
		return ENOMEM;

	at = (char *)(ev + 1);
	ev->type = put_text(&at, facts->type);
	ev->project = put_text(&at, facts->project);
	ev->line = put_text(&at, facts->line);
	ev->id = facts->id;
	ev->seq = facts->seq;
	ev->at_ms = facts->at_ms;
	if (facts->call_id)
		str_ncpy(ev->call_id, facts->call_id, sizeof(ev->call_id));

	memcpy(at, head, (size_t)n);
	ev->frame = at;
	ev->json = at + n;
	*atp = at + n;
	*evp = ev;
	return 0;
}

int gw_event_alloc(struct gw_event **evp, const struct gw_event_facts *facts,
		   const char *json, size_t json_len)
{
	char *at;
	const int err = alloc_event(evp, &at, facts, json_len);

	if (err)
		return err;

	memcpy(at, json, json_len);
	end_frame(*evp, at, json_len);
	return 0;
}

static int event_of(struct gw_event **evp, const struct gw_store_event *told)
{
	const struct gw_event_facts facts = {
		.id = told->id,
		.type = told->type,
		.call_id = told->call_id,
		.project = told->project,
		.line = told->line,
		.seq = told->seq,
		.at_ms = told->at_ms,
	};
	const size_t room = told->suffix->end + 64;
	struct mbuf frame = { .size = room };
	struct gw_event *ev;
	char *at;
	int err;

	err = alloc_event(&ev, &at, &facts, room);
	if (err)
		return err;

	/* a buffer that lies in the frame, which it can't outgrow */
	frame.buf = (uint8_t *)at;
	err = gw_store_event_json(&frame, told->id, told->suffix->buf,
				  told->suffix->end);
	if (err) {
		mem_deref(ev);
		return err;
	}

	end_frame(ev, at, frame.end);
	*evp = ev;
	return 0;
}

static void show(struct gw_events *events, const struct gw_store_job *job)
{
	for (size_t i = 0; i < job->event_count; i++) {
		struct gw_event *ev;

		if (event_of(&ev, &job->events[i])) {
			events->stats.unseen++;
			continue;
		}
		log_event(ev);
		for (size_t k = 0; k < events->sink_count; k++)
			events->sinks[k].h(ev, events->sinks[k].arg);
		if (job->events[i].delivery_count)
			events->postedh(ev, job->events[i].deliveries,
					job->events[i].delivery_count,
					events->outbox_arg);
		mem_deref(ev);
	}
	events->stats.committed += job->event_count;
}

/* Telling ------------------------------------------------------------------ */

const char *gw_events_time(char buf[GW_TIME_SIZE], int64_t ms)
{
	static time_t known = -1;
	static char text[GW_TIME_SIZE];
	const time_t sec = (time_t)(ms / 1000);
	struct tm tm;

	if (sec != known) {
		if (!gmtime_r(&sec, &tm) ||
		    !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm))
			str_ncpy(text, "1970-01-01T00:00:00", sizeof(text));
		known = sec;
	}

	(void)snprintf(buf, GW_TIME_SIZE, "%.19s.%03uZ", text,
		       (unsigned)(ms % 1000) % 1000);
	return buf;
}

static int write_quoted(struct mbuf *mb, const char *name, const char *text)
{
	int err;

	err = mbuf_write_str(mb, ",\"");
	err |= mbuf_write_str(mb, name);
	err |= mbuf_write_str(mb, "\":");
	if (!text)
		return err | mbuf_write_str(mb, "null");

	err |= mbuf_write_u8(mb, '"');
	err |= mbuf_write_str(mb, text);
	err |= mbuf_write_u8(mb, '"');
	return err;
}

static int write_seq(struct mbuf *mb, int64_t seq)
{
	char text[40];

	if (seq < 0)
		return mbuf_write_str(mb, ",\"seq\":null");

	(void)snprintf(text, sizeof(text), ",\"seq\":%" PRId64, seq);
	return mbuf_write_str(mb, text);
}

/* Everything behind `{"id":N`; see gw_store_event for the open end. */
static int encode(struct gw_store_event *ev, const struct gw_news *news,
		  const struct mbuf *snapshot)
{
	const size_t len = snapshot ? snapshot->end : 0;
	char at[GW_TIME_SIZE];
	struct mbuf *mb;
	int err;

	if (snapshot && (!len || snapshot->buf[len - 1] != '}'))
		return EINVAL;

	mb = mbuf_alloc(HEAD_SIZE + news->data_len + len);
	if (!mb)
		return ENOMEM;

	err = write_quoted(mb, "type", news->type);
	err |= write_quoted(mb, "occurred_at", gw_events_time(at, news->at_ms));
	err |= write_quoted(mb, "call_id", news->call_id);
	err |= write_quoted(mb, "leg", news->leg);
	err |= write_seq(mb, news->seq);
	err |= mbuf_write_str(mb, ",\"data\":");
	if (news->data)
		err |= mbuf_write_mem(mb, (const uint8_t *)news->data,
				      news->data_len);
	else
		err |= mbuf_write_str(mb, "{}");

	if (snapshot) {
		err |= mbuf_write_str(mb, ",\"call\":");
		ev->snapshot_at = mb->pos;
		err |= mbuf_write_mem(mb, snapshot->buf, len - 1);
		err |= mbuf_write_str(mb, ",\"last_event_id\":");
	} else {
		err |= mbuf_write_str(mb, ",\"call\":null}");
	}

	if (err) {
		mem_deref(mb);
		return ENOMEM;
	}
	ev->suffix = mb;
	return 0;
}

static int add_event(const struct gw_events *events, struct gw_store_job *job,
		     const struct gw_news *news, const struct mbuf *snapshot)
{
	struct gw_store_event *ev = &job->events[job->event_count];
	int err = 0;

	if (news->project)
		err = str_dup(&ev->project, news->project);
	if (!err && news->line)
		err = str_dup(&ev->line, news->line);
	err = err ? err : encode(ev, news, snapshot);
	ev->type = news->type;
	ev->seq = news->seq;
	ev->at_ms = news->at_ms;
	if (news->call_id)
		str_ncpy(ev->call_id, news->call_id, sizeof(ev->call_id));
	if (!err && events->outboxh)
		err = events->outboxh(ev, news->callback, events->outbox_arg);
	if (err)
		gw_store_event_reset(ev);
	else
		job->event_count++;
	return err;
}

/* Moves *fromp into an empty *top: what the newer row doesn't speak of. */
static void keep_older(struct mbuf **top, struct mbuf **fromp)
{
	if (*top)
		return;

	*top = *fromp;
	*fromp = NULL;
}

/* The newer row stands for both; with no snapshot of its own the older one's is
 * still the newest. Takes row over. */
static void replace_row(struct gw_store_job *job, struct gw_store_call *row)
{
	struct gw_store_call *old = job->call;

	if (!row)
		return;

	if (old) {
		if (!row->snapshot)
			row->told = old->told;
		keep_older(&row->snapshot, &old->snapshot);
		keep_older(&row->ladder, &old->ladder);
		keep_older(&row->dialog, &old->dialog);
		row->status = row->status ? row->status : old->status;
		row->state = row->state ? row->state : old->state;
		if (!row->ended_at_ms)
			row->ended_at_ms = old->ended_at_ms;
		if (row->seq < old->seq)
			row->seq = old->seq;
		mem_deref(old);
	}
	job->call = row;
}

static void batch_destructor(void *arg)
{
	struct batch *batch = arg;

	list_unlink(&batch->le);
	mem_deref(batch->job);
}

static void job_done(struct gw_store_job *job, void *arg)
{
	struct gw_events *events = arg;

	if (job->err) {
		log_lost(job, job->err);
		events->stats.lost += job->event_count;
	} else {
		show(events, job);
	}
	mem_deref(events);
}

static void push(struct gw_events *events, struct gw_store_job *job)
{
	const size_t count = job->event_count;
	int err;

	job->arg = mem_ref(events);
	err = gw_store_push(events->store, job);
	if (!err)
		return;

	gw_log(GW_LOG_ERROR, "events.lost", GW_F_INT("events", count),
	       GW_F_ERR("err", err));
	events->stats.lost += count;
	mem_deref(events);
}

void gw_events_flush(struct gw_events *events)
{
	struct le *le;

	tmr_cancel(&events->flush);

	while ((le = list_head(&events->pending))) {
		struct batch *batch = le->data;
		push(events, batch->job);
		batch->job = NULL;
		mem_deref(batch);
	}
}

static void flush_handler(void *arg)
{
	gw_events_flush(arg);
}

static int new_batch(struct batch **batchp, struct gw_events *events,
		     const char *call_id)
{
	struct batch *batch;

	batch = mem_zalloc(sizeof(*batch), batch_destructor);
	if (!batch)
		return ENOMEM;

	batch->job = gw_store_job_alloc(JOB_EVENTS);
	if (!batch->job) {
		mem_deref(batch);
		return ENOMEM;
	}
	batch->job->event_count = 0;
	batch->job->keep = true;
	batch->job->doneh = job_done;
	if (call_id)
		str_ncpy(batch->call_id, call_id, sizeof(batch->call_id));

	list_append(&events->pending, &batch->le, batch);
	if (!tmr_isrunning(&events->flush))
		tmr_start(&events->flush, 0, flush_handler, events);
	*batchp = batch;
	return 0;
}

/* The turn's last job if it may take something more of this call, or a new one. */
static int find_batch(struct batch **batchp, struct gw_events *events,
		      const char *call_id)
{
	struct batch *last = list_ledata(list_tail(&events->pending));

	if (last && call_id && 0 == strcmp(last->call_id, call_id) &&
	    last->job->event_count < JOB_EVENTS) {
		*batchp = last;
		return 0;
	}

	return new_batch(batchp, events, call_id);
}

int gw_events_tell(struct gw_events *events, const struct gw_news *news,
		   struct gw_store_call *row)
{
	struct batch *batch;
	int err;

	err = find_batch(&batch, events, news->call_id);
	err = err ? err :
		    add_event(events, batch->job, news,
			      row ? row->snapshot : NULL);
	if (err) {
		events->stats.lost++;
		mem_deref(row);
		return err;
	}

	if (row)
		row->told = row->snapshot != NULL;
	replace_row(batch->job, row);
	events->stats.told++;
	return 0;
}

int gw_events_save(struct gw_events *events, struct gw_store_call *row)
{
	struct batch *batch;
	int err;

	err = find_batch(&batch, events, row->id);
	if (err) {
		mem_deref(row);
		return err;
	}

	replace_row(batch->job, row);
	return 0;
}

/* Placing -------------------------------------------------------------------- */

static void placing_destructor(void *arg)
{
	struct placing *p = arg;

	mem_deref(p->events);
}

/* The new call's first snapshot, as its 201 shows it. */
static int first_response(struct mbuf **mbp, const struct gw_store_job *job)
{
	const struct mbuf *snapshot = job->call->snapshot;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(snapshot->end + 48);
	if (!mb)
		return ENOMEM;

	err = gw_store_snapshot_json(mb, snapshot->buf, snapshot->end,
				     job->last_event_id);
	if (err) {
		mem_deref(mb);
		return err;
	}
	mb->pos = 0;
	*mbp = mb;
	return 0;
}

/* On disk, or it has never happened. A call that is on disk is told as such even
 * when there is no memory to say it all: response is NULL then. */
static void placed_done(struct gw_store_job *job, void *arg)
{
	struct placing *p = arg;
	struct gw_placed placed = {
		.err = job->err,
		.verdict = job->verdict,
		.call_id = job->call_id[0] ? job->call_id :
			   job->call       ? job->call->id :
					     NULL,
		.last_event_id = job->last_event_id,
	};
	const bool is_new = !job->err && job->verdict == GW_IDEM_NEW;
	struct mbuf *first = NULL;

	if (is_new && job->call)
		(void)first_response(&first, job);
	placed.response = is_new ? first : job->response;

	p->h(&placed, p->arg);
	if (is_new)
		show(p->events, job);

	mem_deref(first);
	mem_deref(p);
}

static int new_placing(struct gw_store_job **jobp, struct gw_events *events,
		       gw_events_placed_h *h, void *arg)
{
	struct gw_store_job *job;
	struct placing *p;

	p = mem_zalloc(sizeof(*p), placing_destructor);
	if (!p)
		return ENOMEM;

	job = gw_store_job_alloc(1);
	if (!job) {
		mem_deref(p);
		return ENOMEM;
	}
	p->events = mem_ref(events);
	p->h = h;
	p->arg = arg;
	job->event_count = 0;
	job->doneh = placed_done;
	job->arg = p;
	*jobp = job;
	return 0;
}

int gw_events_place(struct gw_events *events, const struct gw_news *news,
		    struct gw_store_call *row, const struct gw_once *once,
		    gw_events_placed_h *h, void *arg)
{
	struct gw_once left = *once; /* what job has not taken over */
	struct gw_store_job *job = NULL;
	void *placing = NULL;
	int err;

	err = gw_store_health(events->store);
	if (!err && !row->snapshot)
		err = EINVAL;
	if (!err)
		err = new_placing(&job, events, h, arg);
	if (err)
		goto out;

	placing = job->arg;
	err = add_event(events, job, news, row->snapshot);
	if (err)
		goto out;

	row->insert = row->told = true;
	job->call = row;
	job->idem = left.idem;
	job->dedupe = left.dedupe;
	job->click = left.click;
	row = NULL;
	left = (struct gw_once){ NULL };

	gw_events_flush(events); /* what was told before comes before */
	err = gw_store_push(events->store, job);
	job = NULL;
	if (!err)
		events->stats.told++;

out:
	if (err) {
		mem_deref(job);
		mem_deref(placing);
		mem_deref(row);
		mem_deref(left.idem);
		mem_deref(left.dedupe);
		mem_deref(left.click);
	}
	return err;
}

static int push_idem(struct gw_events *events, struct gw_store_idem *idem,
		     gw_events_placed_h *h, void *arg)
{
	struct gw_store_job *job;
	void *placing;
	int err;

	err = new_placing(&job, events, h, arg);
	if (err) {
		mem_deref(idem);
		return err;
	}
	placing = job->arg;
	job->idem = idem;
	err = gw_store_push(events->store, job);
	if (err)
		mem_deref(placing);
	return err;
}

/* Erasing -------------------------------------------------------------------- */

struct erasing {
	gw_events_erased_h *h;
	void *arg;
};

static void erased(struct gw_store_job *job, void *arg)
{
	struct erasing *e = arg;

	e->h(job->err, e->arg);
	mem_deref(e);
}

int gw_events_erase(struct gw_events *events, const char *call_id,
		    int64_t at_ms, gw_events_erased_h *h, void *arg)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct erasing *e = mem_zalloc(sizeof(*e), NULL);
	int err;

	if (job)
		job->erase = gw_store_erase_alloc();
	if (!job || !job->erase || !e) {
		mem_deref(job);
		mem_deref(e);
		return ENOMEM;
	}
	str_ncpy(job->erase->call_id, call_id, sizeof(job->erase->call_id));
	(void)gw_events_time(job->erase->at, at_ms);
	e->h = h;
	e->arg = arg;
	job->doneh = erased;
	job->arg = e;
	gw_events_flush(events);
	err = gw_store_push(events->store, job);
	if (err)
		mem_deref(e);
	return err;
}

int gw_events_recall(struct gw_events *events, struct gw_store_idem *idem,
		     gw_events_placed_h *h, void *arg)
{
	idem->only_look = true;
	return push_idem(events, idem, h, arg);
}

int gw_events_remember(struct gw_events *events, struct gw_store_idem *idem,
		       gw_events_placed_h *h, void *arg)
{
	return push_idem(events, idem, h, arg);
}

/* Up and down --------------------------------------------------------------- */

static void events_destructor(void *arg)
{
	struct gw_events *events = arg;

	tmr_cancel(&events->flush);
	list_flush(&events->pending);
}

int gw_events_alloc(struct gw_events **eventsp, struct gw_store *store)
{
	struct gw_events *events;

	events = mem_zalloc(sizeof(*events), events_destructor);
	if (!events)
		return ENOMEM;

	events->store = store;
	list_init(&events->pending);
	tmr_init(&events->flush);
	*eventsp = events;
	return 0;
}

int gw_events_sink(struct gw_events *events, gw_events_sink_h *h, void *arg)
{
	if (events->sink_count == SINKS_MAX)
		return ENOSPC;

	events->sinks[events->sink_count].h = h;
	events->sinks[events->sink_count++].arg = arg;
	return 0;
}

void gw_events_outbox(struct gw_events *events, gw_events_outbox_h *h,
		      gw_events_posted_h *postedh, void *arg)
{
	events->outboxh = h;
	events->postedh = postedh;
	events->outbox_arg = arg;
}

void gw_events_stats(const struct gw_events *events, struct gw_events_stats *st)
{
	*st = events->stats;
}
