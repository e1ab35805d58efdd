/* A reader's way through the journal:
 *
 *   after_id below the window's floor --> REPLAY: a batch of the store, another
 *              |                          one, ... until it is above
 *              v
 *   from the window, event by event ----> IDLE at its head
 *
 * The step from the store to the window needs no lock and leaves no gap: a batch
 * names the id up to which it is complete, and the next look is again at where
 * that id stands to the floor. A reader that falls out of the window meanwhile
 * just gets another batch. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/audience.h"
#include "server/events.h"
#include "server/journal.h"
#include "server/sse_reader.h"

/* Decimal, as we write them; anything else is none of ours. */
static bool parse_id(uint64_t *idp, const char *text)
{
	uint64_t id = 0;

	if (!*text || strlen(text) > 18)
		return false;

	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		id = id * 10 + (uint64_t)(*text - '0');
	}

	*idp = id;
	return true;
}

enum gw_sse_start gw_sse_start(uint64_t *afterp, const char *last_id,
			       uint64_t head, uint64_t pruned)
{
	uint64_t id;

	*afterp = head;
	if (!last_id)
		return GW_SSE_AFTER;

	/* 0 asks for all that is kept, whatever was taken before */
	if (!parse_id(&id, last_id) || id > head || (id && id < pruned))
		return GW_SSE_RESET;

	*afterp = id;
	return GW_SSE_AFTER;
}

enum gw_sse_start gw_sse_start_call(uint64_t *afterp, const char *last_id,
				    uint64_t head, uint64_t last_event_id)
{
	uint64_t id = 0;

	*afterp = head;
	if (last_id && (!parse_id(&id, last_id) || id > head))
		return GW_SSE_RESET;

	*afterp = id;
	return last_event_id && id >= last_event_id ? GW_SSE_OVER :
						      GW_SSE_AFTER;
}

/* Batches -------------------------------------------------------------------- */

static void deref_event(const struct gw_event *ev)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = ev };

	mem_deref(u.p);
}

static void batch_destructor(void *arg)
{
	struct gw_sse_batch *batch = arg;

	for (size_t i = batch->pos; i < batch->count; i++)
		deref_event(batch->list[i].ev);
	mem_deref(batch->list);
}

static int fill_batch(struct gw_sse_batch *batch,
		      const struct gw_store_read *rd, const struct gw_key *key)
{
	int err = 0;

	for (size_t i = 0; !err && i < rd->event_count; i++) {
		const struct gw_store_read_event *from = &rd->events[i];
		const struct gw_event_facts facts = {
			.id = from->id,
			.type = from->type,
			.call_id = from->call_id,
			.project = from->project,
			.key = rd->key, /* it was asked for, if it counts */
			.line = from->line,
			.seq = -1,
		};
		struct gw_event *ev;

		err = gw_event_alloc(&ev, &facts, (const char *)from->json->buf,
				     from->json->end);
		if (err)
			break;
		if (gw_audience_event(key, ev))
			batch->list[batch->count++].ev = ev;
		else
			mem_deref(ev);
	}

	return err;
}

int gw_sse_batch_alloc(struct gw_sse_batch **batchp,
		       const struct gw_store_read *rd, const struct gw_key *key)
{
	const size_t count = rd->event_count;
	struct gw_sse_batch *batch;
	int err = 0;

	batch = mem_zalloc(sizeof(*batch), batch_destructor);
	if (!batch)
		return ENOMEM;

	if (count) {
		batch->list = mem_zalloc(count * sizeof(*batch->list), NULL);
		err = batch->list ? fill_batch(batch, rd, key) : ENOMEM;
	}
	batch->upto_id = rd->more && count ? rd->events[count - 1].id :
					     rd->upto_id;

	if (err)
		mem_deref(batch);
	else
		*batchp = batch;
	return err;
}

/* The reader ------------------------------------------------------------------ */

void gw_sse_reader_reset(struct gw_sse_reader *r)
{
	r->owner = mem_deref(r->owner);
	r->words = mem_deref(r->words);
	r->batch = mem_deref(r->batch);
	r->bytes = NULL;
	r->len = r->off = 0;
}

bool gw_sse_reader_say(struct gw_sse_reader *r, struct mbuf *mb)
{
	if (r->words)
		return false;

	r->words = mem_ref(mb);
	return true;
}

static bool is_for(const struct gw_sse_reader *r, const struct gw_event *ev)
{
	if (r->call_id[0] && strcmp(r->call_id, ev->call_id) != 0)
		return false;

	return gw_audience_event(r->key, ev);
}

bool gw_sse_reader_news(struct gw_sse_reader *r, const struct gw_event *ev)
{
	if (!is_for(r, ev))
		return false;

	/* all before was had: no need to look through what was for others */
	if (r->state == GW_SSE_IDLE && ev->id > r->after_id) {
		r->after_id = ev->id - 1;
		r->state = GW_SSE_DUE;
	}
	return true;
}

void gw_sse_reader_replayed(struct gw_sse_reader *r, struct gw_sse_batch *batch)
{
	mem_deref(r->batch);
	r->batch = batch;
}

/* Has ev's bytes written next. Takes its reference over. */
static void begin_event(struct gw_sse_reader *r, const struct gw_event *ev)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = ev };

	r->owner = u.p;
	r->bytes = ev->frame;
	r->len = ev->frame_len;
	r->off = 0;
	r->bytes_id = ev->id;
	r->bytes_last = r->call_id[0] && 0 == strcmp(ev->type, "call.ended");
}

static bool begin_words(struct gw_sse_reader *r)
{
	if (!r->words)
		return false;

	r->owner = r->words;
	r->words = NULL;
	r->bytes = (const char *)((struct mbuf *)r->owner)->buf;
	r->len = ((struct mbuf *)r->owner)->end;
	r->off = 0;
	r->bytes_id = 0;
	r->bytes_last = false;
	return true;
}

static void end_bytes(struct gw_sse_reader *r)
{
	if (r->bytes_id) {
		r->after_id = r->bytes_id;
		r->frames++;
	}
	r->ending |= r->bytes_last;
	r->bytes = NULL;
	r->bytes_id = 0;
	r->owner = mem_deref(r->owner);
}

static bool begin_batch_event(struct gw_sse_reader *r)
{
	struct gw_sse_batch *batch = r->batch;

	if (!batch)
		return false;

	if (batch->pos < batch->count) {
		begin_event(r, batch->list[batch->pos++].ev);
		return true;
	}

	if (batch->upto_id > r->after_id)
		r->after_id = batch->upto_id;
	r->batch = mem_deref(batch);
	return false;
}

/* The next one of the window that is for it; NULL: none, it has had all. */
static const struct gw_event *find_in_window(struct gw_sse_reader *r,
					     const struct gw_journal *journal)
{
	const struct gw_event *ev;

	while ((ev = gw_journal_after(journal, r->after_id))) {
		if (is_for(r, ev))
			return ev;
		r->after_id = ev->id;
	}

	return NULL;
}

static bool begin_window_event(struct gw_sse_reader *r,
			       const struct gw_journal *journal)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = find_in_window(r, journal) };

	if (!u.ev)
		return false;

	mem_ref(u.p);
	begin_event(r, u.ev);
	return true;
}

bool gw_sse_reader_look(struct gw_sse_reader *r,
			const struct gw_journal *journal)
{
	/* who sees everything has nothing to step over */
	if (!r->key || r->after_id < gw_journal_floor(journal))
		return r->after_id < gw_journal_head(journal);

	return find_in_window(r, journal) != NULL;
}

/* Finds what comes next; sets state when nothing does. */
static bool begin_next(struct gw_sse_reader *r,
		       const struct gw_journal *journal)
{
	if (begin_words(r))
		return true;

	if (!r->ending && begin_batch_event(r))
		return true;

	r->ending |= r->end_id && r->after_id >= r->end_id;
	if (r->ending) {
		r->state = GW_SSE_ENDED;
		return false;
	}

	if (r->after_id < gw_journal_floor(journal)) {
		r->state = GW_SSE_REPLAY;
		return false;
	}

	if (begin_window_event(r, journal))
		return true;

	r->state = GW_SSE_IDLE;
	return false;
}

size_t gw_sse_reader_fill(struct gw_sse_reader *r,
			  const struct gw_journal *journal, uint8_t *buf,
			  size_t size)
{
	size_t done = 0;

	r->state = GW_SSE_DUE;
	while (done < size && (r->owner || begin_next(r, journal))) {
		size_t n = r->len - r->off;

		n = n < size - done ? n : size - done;
		memcpy(buf + done, r->bytes + r->off, n);
		r->off += n;
		done += n;
		if (r->off == r->len)
			end_bytes(r);
	}

	return done;
}
