/* Readers of the stream: who is woken when.
 *
 *   event --> journal (window in memory)
 *        \--> up to 50 readers: every one that is due, at once
 *        \--> more: sweep ----- 10 ms ----> 100 readers, 1 ms, 100 readers, ...
 *
 * A woken reader is asked for bytes by the HTTP side and pulls from the window
 * (sse_reader.c); one that stands below the window waits for a batch from the
 * store, and few batches are under way at a time. Readers of one call are found
 * by its id, so that they cost nothing while other calls talk.
 *
 * Heartbeats come from one wheel: a slot a second, in it those who came in that
 * second. They travel with the sweep. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/audience.h"
#include "server/events.h"
#include "server/http.h"
#include "server/journal.h"
#include "server/key.h"
#include "server/log.h"
#include "server/sse.h"
#include "server/sse_reader.h"
#include "server/store.h"

enum {
	HEARTBEAT_S = 15,
	HEARTBEAT_MAX_S = 60,
	RETRY_MS = 3000,
	WINDOW_EVENTS = 16384,
	WINDOW_BYTES = 8 << 20,
	FEW_READERS = 50, /* woken at once */
	TICK_MS = 10,
	SLICE_READERS = 100, /* woken in a millisecond ... */
	SLICE_MAX = 200,     /* ... and in one turn, when the loop is late */
	SLICE_LOOKS = 5000,  /* looked at in one turn */
	REPLAYS = 64,        /* batches under way or in readers' hands */
	BATCH_EVENTS = 64,
	BATCH_BYTES = 128 << 10,
	AWAY_MIN_MS = 5000, /* retry of who is sent away */
	AWAY_MAX_MS = 30000,
	CALL_BUCKETS = 1024,
};

struct gw_sse {
	struct gw_store *store;
	struct gw_sse_cfg cfg;
	gw_sse_snapshot_h *snapshoth;
	void *arg;

	struct gw_journal *journal;
	struct list readers;
	uint32_t reader_count;
	struct hash *by_call; /* readers of one call */

	struct tmr tick;
	struct le *sweep;  /* the next reader of the sweep, round and round */
	uint32_t left;     /* readers it has still to look at; 0: none runs */
	uint64_t began_ms; /* when the newest of its events came to it */
	uint64_t slice_ms; /* when its last slice was */
	bool again;        /* something came since began_ms */

	struct tmr second;
	struct list wheel[HEARTBEAT_MAX_S];
	uint32_t slot;
	struct mbuf *hello, *beat;

	struct list replays; /* readers that wait for a batch */
	uint32_t replaying;  /* readers that have one, or a read under way */

	bool draining;
	struct gw_sse_stats stats;
};

/* A read under way; the reader may leave before it is answered. */
struct errand {
	struct gw_sse *sse;
	struct reader *reader; /* NULL: gone */
};

struct reader {
	struct le le;        /* of readers */
	struct le le_call;   /* of by_call */
	struct le le_beat;   /* of its slot of the wheel */
	struct le le_replay; /* of replays */
	struct gw_sse *sse;
	struct gw_http_stream *stream;
	struct errand *errand;
	struct gw_sse_reader core;
	bool asleep;
	bool replaying; /* counted */
};

/* Waking ----------------------------------------------------------------------- */

static bool is_due(struct reader *r)
{
	if (!r->asleep)
		return false;
	if (r->core.words || r->core.ending)
		return true;
	if (r->core.call_id[0])
		return r->core.state == GW_SSE_DUE;

	return r->core.state == GW_SSE_IDLE &&
	       gw_sse_reader_look(&r->core, r->sse->journal);
}

static void wake(struct reader *r)
{
	if (!r->asleep)
		return;

	r->asleep = false;
	gw_http_stream_wake(r->stream);
}

/* How many readers this slice may wake: what a slice costs makes the next one
 * late, and ten thousand readers would wait for the sum of it. */
static unsigned slice_quota(struct gw_sse *sse, uint64_t now)
{
	const uint64_t passed = now > sse->slice_ms ? now - sse->slice_ms : 1;

	sse->slice_ms = now;
	return passed * SLICE_READERS < SLICE_MAX ?
		       (unsigned)passed * SLICE_READERS :
		       SLICE_MAX;
}

/* A whole round from where it stands: who was passed before the event came is
 * due once more, who is still ahead gets both at once. */
static void begin_round(struct gw_sse *sse, uint64_t now)
{
	sse->left = sse->reader_count;
	sse->began_ms = now;
	sse->again = false;
}

static void tick_handler(void *arg)
{
	struct gw_sse *sse = arg;
	const uint64_t now = tmr_jiffies();
	unsigned quota, looks;

	if (!sse->left)
		sse->slice_ms = now;
	if (!sse->left || (sse->again && now - sse->began_ms >= TICK_MS))
		begin_round(sse, now);

	quota = slice_quota(sse, now);
	for (looks = 0; sse->left && quota && looks < SLICE_LOOKS; looks++) {
		struct reader *r;

		if (!sse->sweep)
			sse->sweep = list_head(&sse->readers);
		if (!sse->sweep) {
			sse->left = 0;
			break;
		}

		r = sse->sweep->data;
		sse->sweep = sse->sweep->next;
		sse->left--;
		if (is_due(r)) {
			wake(r);
			quota--;
		}
	}

	if (sse->left)
		tmr_start(&sse->tick, 1, tick_handler, sse);
	else if (sse->again)
		tmr_start(&sse->tick, TICK_MS, tick_handler, sse);
}

/* Somebody is due. */
static void arouse(struct gw_sse *sse)
{
	struct le *le;

	if (tmr_isrunning(&sse->tick)) {
		sse->again = true;
		return;
	}

	if (sse->reader_count > FEW_READERS) {
		tmr_start(&sse->tick, TICK_MS, tick_handler, sse);
		return;
	}

	LIST_FOREACH(&sse->readers, le) {
		if (is_due(le->data))
			wake(le->data);
	}
}

static bool news_handler(struct le *le, void *arg)
{
	struct reader *r = le->data;

	(void)gw_sse_reader_news(&r->core, arg);
	return false;
}

static void sink(const struct gw_event *ev, void *arg)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = ev };
	struct gw_sse *sse = arg;

	gw_journal_add(sse->journal, ev);
	if (ev->call_id[0])
		(void)hash_lookup(sse->by_call, hash_joaat_str(ev->call_id),
				  news_handler, u.p);
	if (sse->readers.head)
		arouse(sse);
}

/* Heartbeats --------------------------------------------------------------------- */

static void second_handler(void *arg)
{
	struct gw_sse *sse = arg;
	struct le *le;

	tmr_start(&sse->second, 1000, second_handler, sse);

	sse->slot = (sse->slot + 1) % sse->cfg.heartbeat_s;
	if (!sse->wheel[sse->slot].head)
		return;

	LIST_FOREACH(&sse->wheel[sse->slot], le) {
		struct reader *r = le->data;

		(void)gw_sse_reader_say(&r->core, sse->beat);
	}
	arouse(sse);
}

/* Replay from the store ------------------------------------------------------------ */

static void stop_replaying(struct reader *r)
{
	if (!r->replaying)
		return;

	r->replaying = false;
	r->sse->replaying--;
}

static void errand_destructor(void *arg)
{
	struct errand *e = arg;

	mem_deref(e->sse);
}

static void replay_done(struct gw_store_read *rd, void *arg)
{
	struct errand *e = arg;
	struct reader *r = e->reader;
	struct gw_sse_batch *batch = NULL;
	int err = rd->err;

	if (!r)
		goto out;

	r->errand = NULL;
	if (!err)
		err = gw_sse_batch_alloc(&batch, rd, r->core.key);

	if (err) {
		/* it comes back with the id it has got to */
		gw_log(GW_LOG_WARNING, "sse.replay", GW_F_ERR("err", err));
		e->sse->stats.read_errors++;
		r->core.ending = true;
	} else {
		gw_sse_reader_replayed(&r->core, batch);
	}
	wake(r);

out:
	mem_deref(e);
}

static int replay_ask(struct reader *r)
{
	struct gw_store_read *rd;
	struct errand *e;
	int err;

	e = mem_zalloc(sizeof(*e), errand_destructor);
	rd = gw_store_read_alloc(GW_STORE_EVENTS);
	if (!e || !rd ||
	    (r->core.key &&
	     gw_audience_ask(&rd->project, &rd->key, r->core.key))) {
		mem_deref(rd);
		mem_deref(e);
		return ENOMEM;
	}

	e->sse = mem_ref(r->sse);
	e->reader = r;
	str_ncpy(rd->call_id, r->core.call_id, sizeof(rd->call_id));
	rd->after_id = r->core.after_id;
	rd->upto_id = gw_journal_head(r->sse->journal);
	rd->limit = BATCH_EVENTS;
	rd->max_bytes = BATCH_BYTES;
	rd->doneh = replay_done;
	rd->arg = e;

	err = gw_store_ask(r->sse->store, rd);
	if (err)
		mem_deref(e);
	else
		r->errand = e;
	return err;
}

static void replay_next(struct gw_sse *sse)
{
	struct le *le;

	while (sse->replaying < REPLAYS && (le = list_head(&sse->replays))) {
		struct reader *r = le->data;

		list_unlink(&r->le_replay);
		if (replay_ask(r)) {
			r->core.ending = true;
			wake(r);
			continue;
		}
		r->replaying = true;
		sse->replaying++;
	}
}

/* Looks at what a fill has left: a batch used up makes room for the next
 * reader's, and this one goes to the end of the line. */
static void look_after(struct reader *r)
{
	struct gw_sse *sse = r->sse;

	if (r->replaying && !r->errand && !r->core.batch)
		stop_replaying(r);

	if (r->core.state == GW_SSE_REPLAY && !r->errand && !r->core.batch &&
	    !r->le_replay.list)
		list_append(&sse->replays, &r->le_replay, r);

	replay_next(sse);
}

/* Streams ---------------------------------------------------------------------------- */

static void reader_destructor(void *arg)
{
	struct reader *r = arg;

	if (r->sse->sweep == &r->le)
		r->sse->sweep = r->le.next;

	if (r->le.list)
		r->sse->reader_count--;

	stop_replaying(r);
	if (r->errand)
		r->errand->reader = NULL;
	list_unlink(&r->le);
	list_unlink(&r->le_beat);
	list_unlink(&r->le_replay);
	hash_unlink(&r->le_call);
	gw_sse_reader_reset(&r->core);
}

static int stream_read(uint8_t *buf, size_t size, void *arg)
{
	struct reader *r = arg;
	const uint64_t frames = r->core.frames;
	size_t n;

	r->asleep = false;
	n = gw_sse_reader_fill(&r->core, r->sse->journal, buf,
			       size < INT32_MAX ? size : INT32_MAX);
	r->sse->stats.frames += r->core.frames - frames;
	look_after(r);

	if (n)
		return (int)n;
	if (r->core.state == GW_SSE_ENDED)
		return GW_HTTP_STREAM_END;

	r->asleep = true;
	return 0;
}

static void stream_gone(void *arg)
{
	struct reader *r = arg;
	struct gw_sse *sse = mem_ref(r->sse);

	mem_deref(r);
	replay_next(sse);
	mem_deref(sse);
}

/* `retry:` with a wait of its own for each, so that they don't all come back at
 * once, and the end. */
static int write_away(struct mbuf *mb)
{
	return mbuf_printf(mb, "retry: %u\n\n",
			   AWAY_MIN_MS +
				   rand_u32() % (AWAY_MAX_MS - AWAY_MIN_MS));
}

static int send_away(struct reader *r)
{
	struct mbuf *mb = mbuf_alloc(32);
	int err;

	if (!mb)
		return ENOMEM;

	err = write_away(mb);
	if (!err) {
		r->core.words = mem_deref(r->core.words);
		(void)gw_sse_reader_say(&r->core, mb);
	}
	mem_deref(mb);
	r->core.ending = true;
	return err;
}

static bool has_room(const struct gw_sse *sse, const struct gw_http_req *req)
{
	const struct gw_key *key = gw_http_key(req);
	uint32_t count = 0;
	struct le *le;

	if (sse->cfg.streams && sse->reader_count >= sse->cfg.streams)
		return false;
	if (!key || !sse->cfg.streams_per_key)
		return true;

	LIST_FOREACH(&sse->readers, le) {
		const struct reader *r = le->data;

		count += gw_http_stream_key(r->stream) == key;
	}
	return count < sse->cfg.streams_per_key;
}

/* Answers req with r's stream. Takes r over, also on error. */
static void begin_stream(struct reader *r, struct gw_http_req *req)
{
	struct gw_sse *sse = r->sse;

	if (sse->draining || !has_room(sse, req)) {
		sse->stats.refused++;
		(void)send_away(r);
	}

	(void)gw_http_header(req, "Cache-Control", "no-store, no-transform");
	(void)gw_http_header(req, "X-Accel-Buffering", "no");
	if (gw_http_stream(&r->stream, req, "text/event-stream", stream_read,
			   stream_gone, r)) {
		mem_deref(r);
		return;
	}

	sse->stats.opened++;
	list_append(&sse->readers, &r->le, r);
	sse->reader_count++;
	list_append(&sse->wheel[sse->slot], &r->le_beat, r);
	if (r->core.call_id[0])
		hash_append(sse->by_call, hash_joaat_str(r->core.call_id),
			    &r->le_call, r);
}

static struct reader *
new_reader(struct gw_sse *sse, const struct gw_http_req *req, uint64_t after_id)
{
	struct reader *r;

	r = mem_zalloc(sizeof(*r), reader_destructor);
	if (!r)
		return NULL;

	r->sse = sse;
	r->core.key = gw_http_key(req);
	r->core.after_id = after_id;
	return r;
}

static const char *last_id_of(const struct gw_http_req *req)
{
	const char *id = gw_http_header_in(req, "Last-Event-ID");

	return id ? id : gw_http_query(req, "last_event_id");
}

/* hello, and the reset event with a snapshot as it is at the journal's head. */
static int say_reset(struct reader *r, const struct gw_sse_call *call)
{
	struct gw_sse *sse = r->sse;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;

	err = mbuf_write_mem(mb, sse->hello->buf, sse->hello->end);
	err |= mbuf_printf(mb, "id: %llu\nevent: reset\ndata: ",
			   (unsigned long long)r->core.after_id);
	if (call)
		err |= mbuf_printf(mb, "{\"calls\":[%b],\"lines\":[]}",
				   call->snapshot, call->snapshot_len);
	else
		err |= sse->snapshoth(mb, r->core.key, sse->arg);
	err |= mbuf_write_str(mb, "\n\n");

	if (!err)
		(void)gw_sse_reader_say(&r->core, mb);
	mem_deref(mb);
	sse->stats.resets++;
	return err ? ENOMEM : 0;
}

static void no_memory(struct reader *r, struct gw_http_req *req)
{
	mem_deref(r);
	gw_http_problem(req, 503, "memory", "out of memory");
}

void gw_sse_open(struct gw_sse *sse, struct gw_http_req *req)
{
	enum gw_sse_start start;
	struct reader *r;
	uint64_t after;

	start = gw_sse_start(&after, last_id_of(req),
			     gw_journal_head(sse->journal),
			     gw_store_pruned_id(sse->store));
	r = new_reader(sse, req, after);
	if (!r) {
		no_memory(r, req);
		return;
	}

	if (start != GW_SSE_RESET)
		(void)gw_sse_reader_say(&r->core, sse->hello);
	else if (say_reset(r, NULL)) {
		no_memory(r, req);
		return;
	}
	begin_stream(r, req);
}

void gw_sse_open_call(struct gw_sse *sse, struct gw_http_req *req,
		      const struct gw_sse_call *call)
{
	enum gw_sse_start start;
	struct reader *r;
	uint64_t after;

	start = gw_sse_start_call(&after, last_id_of(req),
				  gw_journal_head(sse->journal),
				  call->ended ? call->last_event_id : 0);
	if (start == GW_SSE_OVER) {
		gw_http_reply(req, 204, NULL, NULL);
		return;
	}

	r = new_reader(sse, req, after);
	if (!r) {
		no_memory(r, req);
		return;
	}
	str_ncpy(r->core.call_id, call->id, sizeof(r->core.call_id));
	r->core.end_id = call->ended ? call->last_event_id : 0;

	if (start != GW_SSE_RESET)
		(void)gw_sse_reader_say(&r->core, sse->hello);
	else if (say_reset(r, call)) {
		no_memory(r, req);
		return;
	}
	begin_stream(r, req);
}

void gw_sse_forget(struct gw_sse *sse)
{
	gw_journal_clear(sse->journal);
}

void gw_sse_drain(struct gw_sse *sse)
{
	struct le *le;

	sse->draining = true;
	LIST_FOREACH(&sse->readers, le) {
		struct reader *r = le->data;

		(void)send_away(r);
		wake(r);
	}
}

/* Up and down ---------------------------------------------------------------------------- */

static void sse_destructor(void *arg)
{
	struct gw_sse *sse = arg;

	tmr_cancel(&sse->tick);
	tmr_cancel(&sse->second);
	list_flush(&sse->readers);
	mem_deref(sse->by_call);
	mem_deref(sse->journal);
	mem_deref(sse->hello);
	mem_deref(sse->beat);
}

static void set_cfg(struct gw_sse_cfg *to, const struct gw_sse_cfg *cfg)
{
	*to = *cfg;
	to->heartbeat_s = to->heartbeat_s ? to->heartbeat_s : HEARTBEAT_S;
	if (to->heartbeat_s > HEARTBEAT_MAX_S)
		to->heartbeat_s = HEARTBEAT_MAX_S;
	to->retry_ms = to->retry_ms ? to->retry_ms : RETRY_MS;
	to->window_events = to->window_events ? to->window_events :
						WINDOW_EVENTS;
	to->window_bytes = to->window_bytes ? to->window_bytes : WINDOW_BYTES;
}

static int make_words(struct gw_sse *sse)
{
	sse->hello = mbuf_alloc(64);
	sse->beat = mbuf_alloc(16);
	if (!sse->hello || !sse->beat)
		return ENOMEM;

	return mbuf_printf(sse->hello, "retry: %u\n: bellpull\n\n",
			   sse->cfg.retry_ms) |
	       mbuf_write_str(sse->beat, ": beat\n\n");
}

int gw_sse_alloc(struct gw_sse **ssep, struct gw_events *events,
		 struct gw_store *store, const struct gw_sse_cfg *cfg,
		 gw_sse_snapshot_h *snapshoth, void *arg)
{
	struct gw_sse *sse;
	int err;

	sse = mem_zalloc(sizeof(*sse), sse_destructor);
	if (!sse)
		return ENOMEM;

	sse->store = store;
	sse->snapshoth = snapshoth;
	sse->arg = arg;
	tmr_init(&sse->tick);
	tmr_init(&sse->second);
	set_cfg(&sse->cfg, cfg);

	err = make_words(sse);
	err = err ? err : hash_alloc(&sse->by_call, CALL_BUCKETS);
	err = err ? err :
		    gw_journal_alloc(&sse->journal, sse->cfg.window_events,
				     sse->cfg.window_bytes,
				     gw_store_head_id(store));
	err = err ? err : gw_events_sink(events, sink, sse);
	if (err) {
		mem_deref(sse);
		return err;
	}

	tmr_start(&sse->second, 1000, second_handler, sse);
	*ssep = sse;
	return 0;
}

void gw_sse_reload(struct gw_sse *sse, const struct gw_sse_limits *limits)
{
	sse->cfg.streams = limits->streams;
	sse->cfg.streams_per_key = limits->streams_per_key;
}

void gw_sse_stats(const struct gw_sse *sse, struct gw_sse_stats *stats)
{
	*stats = sse->stats;
	stats->streams = sse->reader_count;
	stats->replaying = sse->replaying;
}
