/* A reader's way through the journal, without sockets: what it is given, byte by
 * byte, when it comes, resumes, falls behind and goes. */
#include <stdio.h>
#include <stdlib.h>

#include <re.h>

#include "server/key.h"
#include "server/events.h"
#include "server/journal.h"
#include "server/sse_reader.h"
#include "tests/test.h"

static const char call_a[] = "call_A", call_b[] = "call_B";

/* The whole journal of the test, as the store would have it. */
struct world {
	struct gw_journal *journal;
	const struct gw_event *all[256];
	size_t count;
	struct gw_sse_reader reader;
	char got[16384];
	size_t len;
	unsigned replays;
};

static void deref_event(const struct gw_event *ev)
{
	union {
		const struct gw_event *ev;
		void *p;
	} u = { .ev = ev };

	mem_deref(u.p);
}

static void world_end(void *arg)
{
	struct world *w = arg;

	gw_sse_reader_reset(&w->reader);
	mem_deref(w->journal);
	for (size_t i = 0; i < w->count; i++)
		deref_event(w->all[i]);
	free(w);
}

static struct world *world_new(uint32_t window)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;

	test_later(world_end, w);
	if (gw_journal_alloc(&w->journal, window, 1 << 20, 0))
		return NULL;
	return w;
}

/* The event facts speaks of, under the next id. */
static int comes(struct world *w, struct gw_event_facts facts)
{
	struct gw_event *ev;
	char json[64];
	int err;

	facts.id = gw_journal_head(w->journal) + 1;
	(void)snprintf(json, sizeof(json), "{\"id\":%u}", (unsigned)facts.id);
	err = gw_event_alloc(&ev, &facts, json, strlen(json));
	if (err)
		return err;

	w->all[w->count++] = ev;
	gw_journal_add(w->journal, ev);
	(void)gw_sse_reader_news(&w->reader, ev);
	return 0;
}

static int happens(struct world *w, const char *type, const char *call_id)
{
	return comes(w, (struct gw_event_facts){ .type = type,
						 .call_id = call_id });
}

static int many_happen(struct world *w, unsigned n, const char *call_id)
{
	int err = 0;

	while (!err && n--)
		err = happens(w, "call.dtmf", call_id);
	return err;
}

/* The store's answer: at most limit events for the reader above its id. */
static int replay(struct world *w, size_t limit)
{
	struct gw_sse_reader *r = &w->reader;
	struct gw_store_read *rd;
	struct gw_sse_batch *batch = NULL;
	int err = 0;

	rd = gw_store_read_alloc(GW_STORE_EVENTS);
	if (!rd)
		return 1;

	rd->upto_id = gw_journal_head(w->journal);
	rd->events = mem_zalloc(limit * sizeof(*rd->events), NULL);
	for (size_t i = 0; rd->events && i < w->count && !err; i++) {
		const struct gw_event *ev = w->all[i];
		struct gw_store_read_event *to = &rd->events[rd->event_count];

		if (ev->id <= r->after_id ||
		    (r->call_id[0] && strcmp(r->call_id, ev->call_id) != 0))
			continue;
		if (rd->event_count == limit) {
			rd->more = true;
			break;
		}
		rd->event_count++;
		to->id = ev->id;
		str_ncpy(to->call_id, ev->call_id, sizeof(to->call_id));
		str_ncpy(to->type, ev->type, sizeof(to->type));
		if (ev->project)
			err |= str_dup(&to->project, ev->project);
		if (ev->line)
			err |= str_dup(&to->line, ev->line);
		to->json = mbuf_alloc(ev->json_len);
		err = err || !to->json ||
		      mbuf_write_mem(to->json, (const uint8_t *)ev->json,
				     ev->json_len);
	}

	err = err || !rd->events || gw_sse_batch_alloc(&batch, rd, r->key);
	mem_deref(rd);
	if (err)
		return 1;

	gw_sse_reader_replayed(r, batch);
	w->replays++;
	return 0;
}

/* Reads in pieces of size bytes, with the store's help, until idle or ended. */
static int drink(struct world *w, size_t size, size_t batch)
{
	struct gw_sse_reader *r = &w->reader;
	uint8_t buf[4096];

	for (;;) {
		const size_t n = gw_sse_reader_fill(r, w->journal, buf, size);

		if (w->len + n >= sizeof(w->got))
			return 1;
		memcpy(w->got + w->len, buf, n);
		w->len += n;
		w->got[w->len] = '\0';
		if (n)
			continue;
		if (r->state != GW_SSE_REPLAY)
			return 0;
		if (replay(w, batch))
			return 1;
	}
}

/* The ids in what was got, like "3 4 5". */
static const char *ids(struct world *w)
{
	static char text[2048];
	const char *p = w->got;
	size_t len = 0;

	text[0] = '\0';
	while ((p = strstr(p, "id: "))) {
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%lu",
					len ? " " : "",
					strtoul(p + 4, NULL, 10));
		p += 4;
	}
	return text;
}

static void forget(struct world *w)
{
	w->len = 0;
	w->got[0] = '\0';
}

/* B2: the bytes of an event. */
static int test_sse_bytes(void)
{
	struct world *w = world_new(16);

	CHECK(w);
	CHECK_OK(happens(w, "call.queued", call_a));
	CHECK_OK(happens(w, "line.failed", NULL));
	CHECK_OK(drink(w, 4096, 4));
	CHECK_STR(w->got, "id: 1\nevent: call.queued\ndata: {\"id\":1}\n\n"
			  "id: 2\nevent: line.failed\ndata: {\"id\":2}\n\n");
	CHECK_INT(w->reader.state, GW_SSE_IDLE);
	return 0;
}
TEST(test_sse_bytes);

/* The same bytes however small the pieces are in which they are asked for. */
static int test_sse_bytes_in_any_pieces(void)
{
	for (size_t size = 1; size < 60; size++) {
		struct world *w = world_new(4);

		CHECK(w);
		CHECK_OK(many_happen(w, 9, call_a));
		CHECK_OK(drink(w, size, 3));
		CHECK_STR(ids(w), "1 2 3 4 5 6 7 8 9");
		CHECK_INT(w->len, 9 * strlen("id: 1\nevent: call.dtmf\n"
					     "data: {\"id\":1}\n\n"));
	}
	return 0;
}
TEST(test_sse_bytes_in_any_pieces);

/* B4: from the store up to the window, then live, nothing twice, nothing missed,
 * while the window moves on. */
static int test_sse_replay_meets_the_window_without_gap(void)
{
	struct world *w = world_new(8);
	uint8_t buf[64];

	CHECK(w);
	CHECK_OK(many_happen(w, 40, call_a));
	w->reader.after_id = 2;

	/* it gets a batch, and while it reads that, the world goes on */
	CHECK_INT(gw_sse_reader_fill(&w->reader, w->journal, buf, 64), 0);
	CHECK_INT(w->reader.state, GW_SSE_REPLAY);
	CHECK_OK(replay(w, 10));
	CHECK_OK(many_happen(w, 20, call_a));
	CHECK_OK(drink(w, 37, 10));
	CHECK_OK(many_happen(w, 3, call_a));
	CHECK_OK(drink(w, 37, 10));

	CHECK_STR(
		ids(w),
		"3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 "
		"26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45 "
		"46 47 48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63");
	CHECK(w->replays >= 5);
	return 0;
}
TEST(test_sse_replay_meets_the_window_without_gap);

/* B7: a reader that slept while the window moved on is helped by the store. */
static int test_sse_reader_that_fell_behind(void)
{
	struct world *w = world_new(4);

	CHECK(w);
	CHECK_OK(many_happen(w, 2, call_a));
	CHECK_OK(drink(w, 4096, 10));
	CHECK_OK(many_happen(w, 10, call_a));
	CHECK_OK(drink(w, 4096, 10));
	CHECK_STR(ids(w), "1 2 3 4 5 6 7 8 9 10 11 12");
	CHECK_INT(w->replays, 1);
	return 0;
}
TEST(test_sse_reader_that_fell_behind);

/* The stream of a call: its events alone, and the end behind call.ended. */
static int test_sse_stream_of_a_call_ends(void)
{
	struct world *w = world_new(4);

	CHECK(w);
	str_ncpy(w->reader.call_id, call_a, sizeof(w->reader.call_id));
	CHECK_OK(happens(w, "call.queued", call_a));
	CHECK_OK(happens(w, "call.queued", call_b));
	CHECK_OK(drink(w, 4096, 2));
	CHECK_STR(ids(w), "1");

	/* two of its events before it is asked again: neither is skipped */
	CHECK_OK(happens(w, "call.ended", call_b));
	CHECK_OK(happens(w, "leg.ended", call_a));
	CHECK_OK(happens(w, "call.ended", call_a));
	CHECK_OK(happens(w, "line.failed", NULL));
	CHECK_OK(drink(w, 4096, 2));
	CHECK_STR(ids(w), "1 4 5");
	CHECK_INT(w->reader.state, GW_SSE_ENDED);
	CHECK_INT(w->replays, 0);
	return 0;
}
TEST(test_sse_stream_of_a_call_ends);

/* While other calls talk, a quiet call's reader costs no reading of the store. */
static int test_sse_stream_of_a_quiet_call(void)
{
	struct world *w = world_new(4);

	CHECK(w);
	str_ncpy(w->reader.call_id, call_a, sizeof(w->reader.call_id));
	CHECK_OK(happens(w, "call.queued", call_a));
	CHECK_OK(drink(w, 4096, 2));
	CHECK_OK(many_happen(w, 100, call_b));
	CHECK_OK(happens(w, "call.ended", call_a));
	CHECK_OK(drink(w, 4096, 2));
	CHECK_STR(ids(w), "1 102");
	CHECK_INT(w->replays, 0);
	return 0;
}
TEST(test_sse_stream_of_a_quiet_call);

/* An ended call, resumed in the middle: what is missing, then the end. */
static int test_sse_replay_of_an_ended_call(void)
{
	struct world *w = world_new(4);

	CHECK(w);
	CHECK_OK(many_happen(w, 3, call_a));
	CHECK_OK(happens(w, "call.ended", call_a));
	CHECK_OK(many_happen(w, 30, call_b));
	str_ncpy(w->reader.call_id, call_a, sizeof(w->reader.call_id));
	w->reader.after_id = 2;
	w->reader.end_id = 4;
	CHECK_OK(drink(w, 50, 1));
	CHECK_STR(ids(w), "3 4");
	CHECK_INT(w->reader.state, GW_SSE_ENDED);

	/* after a reset it stands at the head: nothing but the end is left */
	gw_sse_reader_reset(&w->reader);
	w->reader = (struct gw_sse_reader){ .after_id = 34, .end_id = 4 };
	forget(w);
	CHECK_OK(drink(w, 50, 1));
	CHECK_STR(ids(w), "");
	CHECK_INT(w->reader.state, GW_SSE_ENDED);
	return 0;
}
TEST(test_sse_replay_of_an_ended_call);

static const struct gw_key key_a = { .name = "alice", .project = "a" };

/* In turn: a's call, b's call, a line, the gateway; n times, ids from 1. */
static int four_happen(struct world *w, unsigned n)
{
	static const struct gw_event_facts facts[] = {
		{ .type = "call.dtmf", .call_id = call_a, .project = "a" },
		{ .type = "call.dtmf", .call_id = call_b, .project = "b" },
		{ .type = "line.failed", .line = "office" },
		{ .type = "gateway.draining" },
	};
	int err = 0;

	for (unsigned i = 0; !err && i < 4 * n; i++)
		err = comes(w, facts[i % 4]);
	return err;
}

/* A key's reader gets what is for it, from the window as from the store, and what
 * isn't moves it on all the same. */
static int test_sse_reader_with_a_key(void)
{
	static const char *const others[] = { "home" };
	struct gw_key one_line = key_a;
	struct world *w;

	one_line.lines.list = others;
	one_line.lines.count = 1;
	for (uint32_t window = 4; window <= 64; window *= 4) {
		w = world_new(window);
		CHECK(w);
		w->reader.key = &key_a;
		CHECK_OK(four_happen(w, 3));
		CHECK_OK(drink(w, 37, 2));
		CHECK_OK(comes(w, (struct gw_event_facts){ .type = "call.dtmf",
							   .call_id = call_b,
							   .project = "b" }));
		CHECK_OK(drink(w, 37, 2));
		CHECK_STR(ids(w), "1 3 4 5 7 8 9 11 12");
		CHECK_INT(w->reader.after_id, 13);
		CHECK_INT(w->replays > 0, window < 12);

		w = world_new(window);
		CHECK(w);
		w->reader.key = &one_line;
		CHECK_OK(four_happen(w, 3));
		CHECK_OK(drink(w, 37, 2));
		CHECK_STR(ids(w), "1 4 5 8 9 12");
	}
	return 0;
}
TEST(test_sse_reader_with_a_key);

/* Of a call that is not its project's it would get nothing. */
static int test_sse_stream_of_a_foreign_call(void)
{
	struct world *w = world_new(16);

	CHECK(w);
	w->reader.key = &key_a;
	str_ncpy(w->reader.call_id, call_b, sizeof(w->reader.call_id));
	CHECK_OK(four_happen(w, 2));
	CHECK_OK(drink(w, 4096, 4));
	CHECK_STR(w->got, "");
	return 0;
}
TEST(test_sse_stream_of_a_foreign_call);

/* Others' events don't wake it; they are stepped over where it sleeps. */
static int test_sse_others_events_wake_nobody(void)
{
	struct world *w = world_new(8);
	const struct gw_event_facts foreign = { .type = "call.dtmf",
						.call_id = call_b,
						.project = "b" };

	CHECK(w);
	w->reader.key = &key_a;
	CHECK_OK(drink(w, 4096, 4));
	CHECK(!gw_sse_reader_look(&w->reader, w->journal));
	for (unsigned i = 0; i < 30; i++) {
		CHECK_OK(comes(w, foreign));
		CHECK(!gw_sse_reader_look(&w->reader, w->journal));
	}
	CHECK_INT(w->reader.after_id, 30);
	CHECK_OK(four_happen(w, 1));
	CHECK(gw_sse_reader_look(&w->reader, w->journal));
	CHECK_OK(drink(w, 4096, 4));
	CHECK_STR(ids(w), "31 33 34");
	CHECK_INT(w->replays, 0);

	/* below the window only the store knows */
	for (unsigned i = 0; i < 30; i++)
		CHECK_OK(comes(w, foreign));
	CHECK(gw_sse_reader_look(&w->reader, w->journal));
	CHECK_OK(drink(w, 4096, 4));
	CHECK_STR(ids(w), "31 33 34");
	CHECK_INT(w->reader.after_id, 64);

	/* without a key, every event is news */
	w->reader.key = NULL;
	CHECK(!gw_sse_reader_look(&w->reader, w->journal));
	CHECK_OK(comes(w, foreign));
	CHECK(gw_sse_reader_look(&w->reader, w->journal));
	return 0;
}
TEST(test_sse_others_events_wake_nobody);

/* Words come between events, never inside one. */
static int test_sse_words_come_between_events(void)
{
	struct world *w = world_new(16);
	OWNED struct mbuf *beat = mbuf_alloc(16);
	uint8_t buf[20];

	CHECK(w && beat);
	CHECK_OK(mbuf_write_str(beat, ": beat\n\n"));
	CHECK_OK(many_happen(w, 2, call_a));
	CHECK_INT(gw_sse_reader_fill(&w->reader, w->journal, buf, 20), 20);
	CHECK(gw_sse_reader_say(&w->reader, beat));
	CHECK(!gw_sse_reader_say(&w->reader, beat));
	CHECK_OK(drink(w, 4096, 4));
	CHECK_STR(w->got, "mf\ndata: {\"id\":1}\n\n: beat\n\n"
			  "id: 2\nevent: call.dtmf\ndata: {\"id\":2}\n\n");
	return 0;
}
TEST(test_sse_words_come_between_events);

/* B9: who is sent away gets the rest of its event, the words, and the end. */
static int test_sse_ending_completes_the_event(void)
{
	struct world *w = world_new(16);
	OWNED struct mbuf *away = mbuf_alloc(16);
	uint8_t buf[20];

	CHECK(w && away);
	CHECK_OK(mbuf_write_str(away, "retry: 7000\n\n"));
	CHECK_OK(many_happen(w, 5, call_a));
	CHECK_INT(gw_sse_reader_fill(&w->reader, w->journal, buf, 20), 20);
	CHECK(gw_sse_reader_say(&w->reader, away));
	w->reader.ending = true;
	CHECK_OK(drink(w, 4096, 4));
	CHECK_STR(w->got, "mf\ndata: {\"id\":1}\n\nretry: 7000\n\n");
	CHECK_INT(w->reader.state, GW_SSE_ENDED);
	return 0;
}
TEST(test_sse_ending_completes_the_event);

/* Where a reader begins, as a table: head 100, retention has taken up to 40. */
static int test_sse_where_a_reader_begins(void)
{
	static const struct {
		const char *last_id;
		enum gw_sse_start start;
		uint64_t after;
	} rows[] = {
		{ NULL, GW_SSE_AFTER, 100 },
		{ "0", GW_SSE_AFTER, 0 },
		{ "39", GW_SSE_RESET, 100 },
		{ "40", GW_SSE_AFTER, 40 },
		{ "99", GW_SSE_AFTER, 99 },
		{ "100", GW_SSE_AFTER, 100 },
		{ "101", GW_SSE_RESET, 100 },
		{ "", GW_SSE_RESET, 100 },
		{ "-1", GW_SSE_RESET, 100 },
		{ "+1", GW_SSE_RESET, 100 },
		{ " 99", GW_SSE_RESET, 100 },
		{ "99x", GW_SSE_RESET, 100 },
		{ "0x10", GW_SSE_RESET, 100 },
		{ "18446744073709551617", GW_SSE_RESET, 100 },
		{ "999999999999999999999999999999", GW_SSE_RESET, 100 },
	};
	uint64_t after;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(gw_sse_start(&after, rows[i].last_id, 100, 40),
			  rows[i].start);
		CHECK_INT(after, rows[i].after);
	}
	return 0;
}
TEST(test_sse_where_a_reader_begins);

static int test_sse_where_a_reader_of_a_call_begins(void)
{
	static const struct {
		const char *last_id;
		uint64_t last_event_id; /* 0: not ended */
		enum gw_sse_start start;
		uint64_t after;
	} rows[] = {
		{ NULL, 0, GW_SSE_AFTER, 0 },
		{ NULL, 60, GW_SSE_AFTER, 0 },
		{ "0", 60, GW_SSE_AFTER, 0 },
		{ "12", 60, GW_SSE_AFTER,
		  12 }, /* retention keeps calls whole */
		{ "59", 60, GW_SSE_AFTER, 59 },
		{ "60", 60, GW_SSE_OVER, 60 },
		{ "61", 60, GW_SSE_OVER, 61 },
		{ "61", 0, GW_SSE_AFTER, 61 },
		{ "101", 60, GW_SSE_RESET, 100 },
		{ "x", 60, GW_SSE_RESET, 100 },
		{ "x", 0, GW_SSE_RESET, 100 },
	};
	uint64_t after;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_INT(gw_sse_start_call(&after, rows[i].last_id, 100,
					    rows[i].last_event_id),
			  rows[i].start);
		CHECK_INT(after, rows[i].after);
	}
	return 0;
}
TEST(test_sse_where_a_reader_of_a_call_begins);

static int test_journal_is_bounded_by_bytes(void)
{
	OWNED struct gw_journal *j = NULL;
	struct gw_event_facts facts = { .type = "call.dtmf" };
	char json[400];

	memset(json, 'x', sizeof(json));
	CHECK_OK(gw_journal_alloc(&j, 1024, 4096, 7));
	CHECK_INT(gw_journal_floor(j), 7);
	CHECK_INT(gw_journal_head(j), 7);

	/* ids with holes: the store may leave some */
	for (facts.id = 10; facts.id <= 100; facts.id += 10) {
		struct gw_event *ev = NULL;

		CHECK_OK(gw_event_alloc(&ev, &facts, json, sizeof(json)));
		gw_journal_add(j, ev);
		mem_deref(ev);
	}
	CHECK_INT(gw_journal_head(j), 100);
	CHECK_INT(gw_journal_floor(j), 10);
	CHECK_INT(gw_journal_after(j, 10)->id, 20);
	CHECK_INT(gw_journal_after(j, 25)->id, 30);
	CHECK_INT(gw_journal_after(j, 99)->id, 100);
	CHECK(!gw_journal_after(j, 100));
	CHECK(!gw_journal_after(j, 101));
	return 0;
}
TEST(test_journal_is_bounded_by_bytes);
