/* From telling to the sinks, over a real store. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <re.h>

#include "server/events.h"
#include "server/log.h"
#include "server/loop.h"
#include "tests/test.h"

enum { PATIENCE_MS = 10000 };

static const char call_a[] = "call_0000000000000000000000000A";
static const char call_b[] = "call_0000000000000000000000000B";

struct world {
	char dir[64];
	char url[128];
	struct gw_store *store;
	struct gw_events *events;
	char seen[4096]; /* "1:call.queued 2:leg.initiated" */
	char json[2048]; /* of the newest one */
	char frame[2048];
	char whose[256]; /* "1:project/line 2:/", as the sinks saw it */
	uint64_t last_id;
	unsigned out_of_order;
	unsigned count;
	unsigned wanted;
	struct gw_placed placed;
	char response[512];
	unsigned placings;
	unsigned seen_when_placed;
};

static void world_end(void *arg)
{
	static const char *const files[] = { "b.db", "b.db-wal", "b.db-shm" };
	struct world *w = arg;
	char path[128];

	if (w->events)
		gw_events_flush(w->events);
	gw_store_close(w->store);
	gw_loop_drain();
	mem_deref(w->events);
	gw_loop_close();
	gw_log_set_level(GW_LOG_INFO);

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", w->dir, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(w->dir);
	free(w);
}

static void sink(const struct gw_event *ev, void *arg)
{
	struct world *w = arg;
	const size_t len = strlen(w->seen);

	const size_t whose = strlen(w->whose);

	(void)snprintf(w->whose + whose, sizeof(w->whose) - whose, "%s%u:%s/%s",
		       whose ? " " : "", (unsigned)ev->id,
		       ev->project ? ev->project : "",
		       ev->line ? ev->line : "");
	w->out_of_order += ev->id <= w->last_id;
	w->last_id = ev->id;
	w->count++;
	(void)snprintf(w->seen + len, sizeof(w->seen) - len, "%s%u:%s",
		       len ? " " : "", (unsigned)ev->id, ev->type);
	(void)snprintf(w->json, sizeof(w->json), "%.*s", (int)ev->json_len,
		       ev->json);
	(void)snprintf(w->frame, sizeof(w->frame), "%.*s", (int)ev->frame_len,
		       ev->frame);
}

static struct world *world_new(void)
{
	struct gw_store_cfg cfg = { 0 };
	struct world *w = calloc(1, sizeof(*w));
	char why[256];

	if (!w)
		return NULL;

	gw_log_set_level(GW_LOG_ERROR);
	(void)snprintf(w->dir, sizeof(w->dir), "%s/bellpull-events-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (gw_loop_init() || !mkdtemp(w->dir)) {
		free(w);
		return NULL;
	}
	test_later(world_end, w);

	(void)snprintf(w->url, sizeof(w->url), "sqlite:%s/b.db", w->dir);
	cfg.url = w->url;
	if (gw_store_open(&w->store, &cfg, why, sizeof(why)) ||
	    gw_events_alloc(&w->events, w->store) ||
	    gw_events_sink(w->events, sink, w))
		return NULL;

	return w;
}

static struct gw_store_call *row_of(const char *id, const char *status)
{
	struct gw_store_call *row = gw_store_call_alloc();

	if (!row)
		return NULL;

	str_ncpy(row->id, id, sizeof(row->id));
	row->status = status;
	row->state = status;
	row->created_at_ms = 1;
	row->snapshot = mbuf_alloc(64);
	if (!row->snapshot ||
	    mbuf_printf(row->snapshot, "{\"status\":\"%s\"}", status))
		return mem_deref(row);
	return row;
}

static void placed(const struct gw_placed *p, void *arg)
{
	struct world *w = arg;

	w->placed = *p;
	w->placings++;
	w->seen_when_placed = w->count;
	w->response[0] = '\0';
	if (p->response)
		(void)re_snprintf(w->response, sizeof(w->response), "%b",
				  p->response->buf, p->response->end);
}

static bool is_placed(void *arg)
{
	const struct world *w = arg;

	return w->placings > 0;
}

/* Calls are the project's whose name is their id's last letter. */
static const char *project_of(const char *id)
{
	return id ? id + strlen(id) - 1 : NULL;
}

static int place(struct world *w, const char *id, const char *key)
{
	const struct gw_news news = { .type = "call.queued",
				      .call_id = id,
				      .project = project_of(id),
				      .seq = 1,
				      .at_ms = 1795323600000 };
	struct gw_store_call *row = row_of(id, "queued");
	struct gw_store_idem *idem = NULL;
	int err;

	if (key) {
		idem = gw_store_idem_alloc();
		if (!idem || str_dup(&idem->scope_key, key)) {
			mem_deref(row);
			mem_deref(idem);
			return ENOMEM;
		}
	}
	if (!row) {
		mem_deref(idem);
		return ENOMEM;
	}

	w->placings = 0;
	err = gw_events_place(w->events, &news, row,
			      &(struct gw_once){ .idem = idem }, placed, w);
	return err ? err : test_run_until(is_placed, w, PATIENCE_MS);
}

static int tell(struct world *w, const char *type, const char *id, int64_t seq,
		const char *status)
{
	const struct gw_news news = {
		.type = type,
		.call_id = id,
		.project = project_of(id),
		.line = strncmp(type, "line.", 5) ? NULL : "office",
		.seq = seq,
		.at_ms = 1795323600123,
	};
	struct gw_store_call *row = status ? row_of(id, status) : NULL;

	if (status && !row)
		return ENOMEM;
	return gw_events_tell(w->events, &news, row);
}

static bool has_all(void *arg)
{
	const struct world *w = arg;

	return w->count >= w->wanted;
}

static int settle(struct world *w, unsigned wanted)
{
	w->wanted = wanted;
	return test_run_until(has_all, w, PATIENCE_MS);
}

/* The envelope, and the stream's bytes around it. */
static int test_events_envelope_is_the_contracts(void)
{
	struct world *w = world_new();
	struct gw_news news = { .type = "leg.ringing",
				.call_id = call_a,
				.leg = "to",
				.seq = 2,
				.at_ms = 1795323600123,
				.data = "{\"sip\":180}",
				.data_len = 11 };
	struct gw_store_call *row;

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));
	row = row_of(call_a, "ringing");
	CHECK(row);
	CHECK_OK(gw_events_tell(w->events, &news, row));
	CHECK_OK(settle(w, 2));
	CHECK_STR(w->json,
		  "{\"id\":2,\"type\":\"leg.ringing\","
		  "\"occurred_at\":\"2026-11-22T05:00:00.123Z\","
		  "\"call_id\":\"call_0000000000000000000000000A\","
		  "\"leg\":\"to\",\"seq\":2,\"data\":{\"sip\":180},"
		  "\"call\":{\"status\":\"ringing\",\"last_event_id\":2}}");
	CHECK(0 == strncmp(w->frame, "id: 2\nevent: leg.ringing\ndata: {", 32));
	CHECK_STR(w->frame + strlen(w->frame) - 3, "}\n\n");

	CHECK_OK(tell(w, "line.failed", NULL, -1, NULL));
	CHECK_OK(settle(w, 3));
	CHECK_STR(w->json, "{\"id\":3,\"type\":\"line.failed\","
			   "\"occurred_at\":\"2026-11-22T05:00:00.123Z\","
			   "\"call_id\":null,\"leg\":null,\"seq\":null,"
			   "\"data\":{},\"call\":null}");
	return 0;
}
TEST(test_events_envelope_is_the_contracts);

/* One turn, two calls interleaved: the journal's order is the order of telling,
 * and rows end at their newest state. */
static int test_events_keep_the_order_of_telling(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));
	CHECK_OK(place(w, call_b, NULL));
	CHECK_OK(settle(w, 2));
	CHECK_OK(tell(w, "call.initiated", call_a, 2, "queued"));
	CHECK_OK(tell(w, "leg.initiated", call_a, 3, "queued"));
	CHECK_OK(tell(w, "call.initiated", call_b, 2, "queued"));
	CHECK_OK(tell(w, "line.failed", NULL, -1, NULL));
	CHECK_OK(tell(w, "leg.ended", call_a, 4, "failed"));
	CHECK_OK(tell(w, "call.ended", call_a, 5, "failed"));
	CHECK_OK(settle(w, 8));
	CHECK_STR(w->seen, "1:call.queued 2:call.queued 3:call.initiated "
			   "4:leg.initiated 5:call.initiated 6:line.failed "
			   "7:leg.ended 8:call.ended");
	CHECK_INT(w->out_of_order, 0);
	return 0;
}
TEST(test_events_keep_the_order_of_telling);

struct events_read {
	bool done;
	char whose[256];
};

static void events_read(struct gw_store_read *rd, void *arg)
{
	struct events_read *r = arg;

	for (size_t i = 0; i < rd->event_count; i++) {
		const struct gw_store_read_event *ev = &rd->events[i];
		const size_t len = strlen(r->whose);

		(void)snprintf(r->whose + len, sizeof(r->whose) - len,
			       "%s%u:%s/%s", len ? " " : "", (unsigned)ev->id,
			       ev->project ? ev->project : "",
			       ev->line ? ev->line : "");
	}
	r->done = true;
}

static bool events_are_read(void *arg)
{
	const struct events_read *r = arg;

	return r->done;
}

/* Whose an event is stays with it: to the sinks, and to the disk and back. */
static int test_events_know_whose_they_are(void)
{
	static const char whose[] = "1:A/ 2:B/ 3:A/ 4:/office 5:B/ 6:/";
	struct world *w = world_new();
	struct events_read r = { 0 };
	struct gw_store_read *rd;

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));
	CHECK_OK(place(w, call_b, NULL));
	CHECK_OK(tell(w, "call.initiated", call_a, 2, "queued"));
	CHECK_OK(tell(w, "line.failed", NULL, -1, NULL));
	CHECK_OK(tell(w, "call.initiated", call_b, 2, "queued"));
	CHECK_OK(tell(w, "gateway.draining", NULL, -1, NULL));
	CHECK_OK(settle(w, 6));
	CHECK_STR(w->whose, whose);

	rd = gw_store_read_alloc(GW_STORE_EVENTS);
	CHECK(rd);
	rd->doneh = events_read;
	rd->arg = &r;
	CHECK_OK(gw_store_ask(w->store, rd));
	CHECK_OK(test_run_until(events_are_read, &r, PATIENCE_MS));
	CHECK_STR(r.whose, whose);
	return 0;
}
TEST(test_events_know_whose_they_are);

/* Many events of one call in one turn are more than one job, and in order. */
static int test_events_of_a_long_turn(void)
{
	struct world *w = world_new();
	struct gw_store_stats stats;

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));
	for (int i = 2; i <= 21; i++)
		CHECK_OK(tell(w, "call.dtmf", call_a, i, "in-progress"));
	CHECK_OK(settle(w, 21));
	CHECK_INT(w->out_of_order, 0);
	CHECK_INT(w->last_id, 21);
	gw_store_stats(w->store, &stats);
	CHECK_INT(stats.jobs, 1 + 4);
	return 0;
}
TEST(test_events_of_a_long_turn);

/* The placement's handler comes before the sinks: the INVITE needn't wait for a
 * thousand readers. */
static int test_events_place_tells_the_caller_first(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(place(w, call_a, "key"));
	CHECK_INT(w->placed.err, 0);
	CHECK_INT(w->placed.verdict, GW_IDEM_NEW);
	CHECK_INT(w->placed.last_event_id, 1);
	CHECK_STR(w->response, "{\"status\":\"queued\",\"last_event_id\":1}");
	CHECK_INT(w->seen_when_placed, 0);
	CHECK_OK(settle(w, 1));

	CHECK_OK(place(w, call_b, "key"));
	CHECK_INT(w->placed.verdict, GW_IDEM_REPLAY);
	CHECK_STR(w->response, "{\"status\":\"queued\",\"last_event_id\":1}");
	CHECK_OK(tell(w, "line.registered", NULL, -1, NULL));
	CHECK_OK(settle(w, 2));
	CHECK_STR(w->seen, "1:call.queued 2:line.registered");
	return 0;
}
TEST(test_events_place_tells_the_caller_first);

struct row_read {
	bool done;
	int err;
	int64_t seq;
	char snapshot[256], dialog[64], ladder[64];
};

static void copy_text(char *buf, size_t size, const struct mbuf *mb)
{
	if (mb)
		(void)re_snprintf(buf, size, "%b", mb->buf, mb->end);
}

static void row_read(struct gw_store_read *rd, void *arg)
{
	struct row_read *r = arg;

	r->done = true;
	r->err = rd->err;
	if (rd->err)
		return;
	r->seq = rd->rows[0].seq;
	copy_text(r->snapshot, sizeof(r->snapshot), rd->rows[0].snapshot);
	copy_text(r->dialog, sizeof(r->dialog), rd->rows[0].dialog);
	copy_text(r->ladder, sizeof(r->ladder), rd->rows[0].ladder);
}

static bool is_read(void *arg)
{
	const struct row_read *r = arg;

	return r->done;
}

static int read_row(struct world *w, struct row_read *r)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_CALL);

	memset(r, 0, sizeof(*r));
	CHECK(rd);
	str_ncpy(rd->call_id, call_a, sizeof(rd->call_id));
	rd->doneh = row_read;
	rd->arg = r;
	CHECK_OK(gw_store_ask(w->store, rd));
	CHECK_OK(test_run_until(is_read, r, PATIENCE_MS));
	CHECK_OK(r->err);
	return 0;
}

/* A dialog told in the middle of a turn isn't lost to the newer row behind it. */
static int test_events_newer_row_keeps_what_the_older_one_said(void)
{
	struct world *w = world_new();
	struct row_read r = { 0 };
	struct gw_store_call *row;

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));

	row = row_of(call_a, "in-progress");
	CHECK(row);
	row->dialog = mbuf_alloc(8);
	row->seq = 2;
	if (!row->dialog || mbuf_write_str(row->dialog, "dialog")) {
		mem_deref(row);
		return 1;
	}
	CHECK_OK(gw_events_save(w->events, row));
	CHECK_OK(tell(w, "call.answered", call_a, 2, "in-progress"));
	CHECK_OK(settle(w, 2));

	CHECK_OK(read_row(w, &r));
	CHECK_INT(r.seq, 2);
	CHECK_STR(r.dialog, "dialog");
	CHECK_STR(r.snapshot,
		  "{\"status\":\"in-progress\",\"last_event_id\":2}");
	return 0;
}
TEST(test_events_newer_row_keeps_what_the_older_one_said);

static int save(struct world *w, const char *status)
{
	struct gw_store_call *row = row_of(call_a, "in-progress");

	CHECK(row);
	if (status)
		row->status = status;
	else
		row->snapshot = mem_deref(row->snapshot);
	return gw_events_save(w->events, row);
}

/* A snapshot is written once, with its event; one that no event has told is the
 * row's own, and the next event's is newer again. Whoever reads sees the newest,
 * whatever bytes stand in it. */
static int test_events_snapshot_is_read_where_it_is(void)
{
	static const char newest[] =
		"{\"status\":\"gr\xc3\xbc\xc3\x9f dich, \\\"call\\\":{\","
		"\"last_event_id\":3}";
	struct world *w = world_new();
	struct row_read r;

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));
	CHECK_OK(tell(w, "call.ringing", call_a, 2, "ringing"));
	CHECK_OK(save(w, NULL)); /* a row without a snapshot changes none */
	CHECK_OK(settle(w, 2));
	CHECK_OK(read_row(w, &r));
	CHECK_STR(r.snapshot, "{\"status\":\"ringing\",\"last_event_id\":2}");

	CHECK_OK(save(w, NULL));
	CHECK_OK(tell(w, "call.x", call_a, 3,
		      "gr\xc3\xbc\xc3\x9f dich, \\\"call\\\":{"));
	CHECK_OK(settle(w, 3));
	CHECK_OK(read_row(w, &r));
	CHECK_STR(r.snapshot, newest);

	CHECK_OK(save(w, "in-progress"));
	CHECK_OK(tell(w, "line.registered", NULL, -1, NULL));
	CHECK_OK(settle(w, 4));
	CHECK_OK(read_row(w, &r));
	CHECK_STR(r.snapshot,
		  "{\"status\":\"in-progress\",\"last_event_id\":3}");

	CHECK_OK(tell(w, "call.ended", call_a, 4, "completed"));
	CHECK_OK(save(w, "in-progress"));
	CHECK_OK(settle(w, 5));
	CHECK_OK(read_row(w, &r));
	CHECK_STR(r.snapshot,
		  "{\"status\":\"in-progress\",\"last_event_id\":5}");
	return 0;
}
TEST(test_events_snapshot_is_read_where_it_is);

/* The disk refuses in the middle of a call: new calls get its error, the running
 * one's events come later, all of them, in order, and none before. */
static int test_events_wait_for_a_full_disk(void)
{
	struct rlimit before, tight = { 4096, RLIM_INFINITY };
	struct world *w = world_new();
	int told = 0, while_full, after_refusal;

	CHECK(w);
	CHECK_OK(place(w, call_a, NULL));
	CHECK_OK(settle(w, 1));

	CHECK_OK(getrlimit(RLIMIT_FSIZE, &before));
	tight.rlim_max = before.rlim_max;
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &tight));
	while_full = place(w, call_b, NULL);
	for (int i = 2; i <= 10; i++)
		told |= tell(w, "call.dtmf", call_a, i, "in-progress");
	after_refusal = place(w, call_b, NULL);
	(void)test_run_until(has_all, (w->wanted = 2, w), 300);
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &before));

	CHECK_OK(while_full);
	CHECK(w->placed.err != 0);
	CHECK(after_refusal != 0); /* refused before any work */
	CHECK_OK(told);
	CHECK_INT(w->count, 1);

	CHECK_OK(settle(w, 10));
	CHECK_INT(w->last_id, 10);
	CHECK_INT(w->out_of_order, 0);
	CHECK_OK(place(w, call_b, NULL));
	CHECK_INT(w->placed.err, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_events_wait_for_a_full_disk, "a limit of the process");

static int test_events_time(void)
{
	char a[GW_TIME_SIZE], b[GW_TIME_SIZE];

	CHECK_STR(gw_events_time(a, 1795323600000), "2026-11-22T05:00:00.000Z");
	CHECK_STR(gw_events_time(b, 1795323600999), "2026-11-22T05:00:00.999Z");
	CHECK_STR(gw_events_time(b, 1795323599001), "2026-11-22T04:59:59.001Z");
	CHECK_STR(gw_events_time(b, 1709208000007), "2024-02-29T12:00:00.007Z");
	CHECK_STR(a, "2026-11-22T05:00:00.000Z");
	return 0;
}
TEST(test_events_time);

/* A line break between values would end the stream's data line. */
static int test_event_frame_is_one_line(void)
{
	const struct gw_event_facts facts = {
		.id = 7, .type = "line.failed", .line = "office", .seq = -1
	};
	OWNED struct gw_event *ev = NULL;

	CHECK_OK(gw_event_alloc(&ev, &facts, "{\n\r}", 4));
	CHECK_STR(ev->frame, "id: 7\nevent: line.failed\ndata: {  }\n\n");
	CHECK_INT(ev->frame_len, strlen(ev->frame));
	CHECK_INT(ev->json_len, 4);
	CHECK_STR(ev->call_id, "");
	CHECK_STR(ev->type, "line.failed");
	CHECK_STR(ev->line, "office");
	CHECK(!ev->project);
	return 0;
}
TEST(test_event_frame_is_one_line);
