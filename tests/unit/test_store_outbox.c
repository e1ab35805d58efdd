/* Deliveries in the store: written with their event, listed, and put back. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "server/loop.h"
#include "server/store.h"
#include "tests/test.h"

enum { PATIENCE_MS = 10000 };

static const char call_a[] = "call_01J9ZK3V5X8Q2M4N6P7R9S0T1A";
static const char call_b[] = "call_01J9ZK3V5X8Q2M4N6P7R9S0T1B";

struct world {
	char path[64];
	struct gw_store *store;
	unsigned done;
	struct gw_store_job *job; /* the last one */
	struct gw_store_read *rd; /* the last one */
};

static void world_end(void *arg)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	struct world *w = arg;
	char path[80];

	gw_store_close(w->store);
	gw_loop_drain();
	mem_deref(w->rd);
	mem_deref(w->job);
	gw_loop_close();
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->path, parts[i]);
		(void)unlink(path);
	}
	free(w);
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	struct gw_store_cfg cfg = { .url = NULL };
	char why[256] = "", url[80];
	int fd;

	if (!w)
		return NULL;
	(void)snprintf(w->path, sizeof(w->path), "%s/bellpull-outbox-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(w->path);
	if (fd < 0 || gw_loop_init()) {
		free(w);
		return NULL;
	}
	(void)close(fd);
	(void)snprintf(url, sizeof(url), "sqlite:%s", w->path);
	cfg.url = url;
	test_later(world_end, w);
	return gw_store_open(&w->store, &cfg, why, sizeof(why)) ? NULL : w;
}

static bool is_done(void *arg)
{
	return ((const struct world *)arg)->done != 0;
}

static void written(struct gw_store_job *job, void *arg)
{
	struct world *w = arg;

	w->job = mem_ref(job);
	w->done++;
}

static int push(struct world *w, struct gw_store_job *job)
{
	int err;

	w->job = mem_deref(w->job);
	w->done = 0;
	job->doneh = written;
	job->arg = w;
	err = gw_store_push(w->store, job);
	err = err ? err : test_run_until(is_done, w, PATIENCE_MS);
	return err ? err : w->job->err;
}

/* An event of a call for the endpoint "crm", which is disabled if dead. */
static int tell(struct world *w, const char *call, const char *type, bool dead,
		bool insert)
{
	struct gw_store_job *job = gw_store_job_alloc(1);
	struct gw_store_event *ev = job ? job->events : NULL;
	int err = job ? 0 : ENOMEM;

	if (!err && insert) {
		job->call = gw_store_call_alloc();
		err = job->call ? 0 : ENOMEM;
	}
	if (!err && insert) {
		str_ncpy(job->call->id, call, sizeof(job->call->id));
		job->call->insert = true;
		job->call->status = job->call->state = "queued";
		job->call->snapshot = mbuf_alloc(2);
		err = job->call->snapshot ?
			      mbuf_write_str(job->call->snapshot, "{}") :
			      ENOMEM;
	}
	if (!err) {
		ev->type = type;
		str_ncpy(ev->call_id, call, sizeof(ev->call_id));
		ev->seq = 1;
		ev->at_ms = 5000;
		ev->suffix = mbuf_alloc(2);
		err = ev->suffix ? mbuf_write_str(ev->suffix, "}") : ENOMEM;
	}
	err = err ? err : gw_store_event_deliver(ev, 1);
	err = err ? err : str_dup(&ev->deliveries[0].endpoint, "crm");
	if (err) {
		mem_deref(job);
		return err;
	}
	ev->deliveries[0].dead = dead;
	return push(w, job);
}

/* Sets one delivery: over at at_ms, or (0) waiting once more. */
static int set(struct world *w, uint64_t id, enum gw_delivery_status status,
	       int64_t at_ms)
{
	struct gw_store_job *job = gw_store_job_alloc(0);

	if (!job)
		return ENOMEM;
	job->tries = mem_zalloc(sizeof(*job->tries), NULL);
	if (!job->tries) {
		mem_deref(job);
		return ENOMEM;
	}
	job->tries[0] = (struct gw_store_try){
		.id = id,
		.status = status,
		.at_ms = at_ms,
		.attempts = at_ms ? 1 : 0,
		.due_ms = 7000,
		.back = !at_ms,
	};
	job->try_count = 1;
	return push(w, job);
}

static void answered(struct gw_store_read *rd, void *arg)
{
	struct world *w = arg;

	w->rd = mem_ref(rd);
	w->done++;
}

static int ask(struct world *w, struct gw_store_read *rd)
{
	int err;

	w->rd = mem_deref(w->rd);
	w->done = 0;
	rd->doneh = answered;
	rd->arg = w;
	err = gw_store_ask(w->store, rd);
	err = err ? err : test_run_until(is_done, w, PATIENCE_MS);
	return err ? err : w->rd->err;
}

/* The ids of what is found, in their order: "100 200". */
static const char *ids(const struct world *w)
{
	static char text[128];
	size_t len = 0;

	text[0] = '\0';
	for (size_t i = 0; i < w->rd->outgoing_count; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s%llu",
			len ? " " : "",
			(unsigned long long)w->rd->outgoing[i].id);
	return text;
}

struct query {
	enum gw_store_what what;
	enum gw_delivery_status status;
	const char *type, *call;
	int64_t since_ms, until_ms;
	uint32_t limit;
};

static int look(struct world *w, const struct query *q)
{
	struct gw_store_read *rd = gw_store_read_alloc(q->what);
	int err = rd ? str_dup(&rd->endpoint, "crm") : ENOMEM;

	if (!err && q->type)
		err = str_dup(&rd->type, q->type);
	if (err) {
		mem_deref(rd);
		return err;
	}
	rd->delivery_status = (int)q->status;
	rd->since_ms = q->since_ms;
	rd->until_ms = q->until_ms ? q->until_ms : INT64_MAX;
	rd->limit = q->limit;
	if (q->call)
		str_ncpy(rd->call_id, q->call, sizeof(rd->call_id));
	return ask(w, rd);
}

#define LOOK(w, ...) look(w, &(struct query){ __VA_ARGS__ })

/* Three events, of which the first was delivered, the second has died and the third
 * was never sent, for its endpoint was disabled. */
static int tell_three(struct world *w)
{
	int err = tell(w, call_a, "call.queued", false, true);

	err = err ? err : tell(w, call_a, "call.ended", false, false);
	err = err ? err : tell(w, call_b, "call.ended", true, true);
	err = err ? err : set(w, 100, GW_DELIVERY_DELIVERED, 6000);
	return err ? err : set(w, 200, GW_DELIVERY_DEAD, 6500);
}

/* C10: the dead and the delivered, by when they were over, by event and call. */
static int test_store_outbox_finds_what_is_over(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(tell_three(w));
	CHECK_OK(LOOK(w, .what = GW_STORE_DONE, .status = GW_DELIVERY_DEAD));
	CHECK_STR(ids(w), "200 300");
	CHECK(w->rd->outgoing[1].done_at_ms == 5000);
	CHECK_OK(LOOK(w, .what = GW_STORE_DONE, .status = GW_DELIVERY_DEAD,
		      .limit = 1));
	CHECK_STR(ids(w), "200");
	CHECK(w->rd->more);
	CHECK_OK(LOOK(w, .what = GW_STORE_DONE, .status = GW_DELIVERY_DEAD,
		      .since_ms = 6500));
	CHECK_STR(ids(w), "200");
	CHECK_OK(LOOK(w, .what = GW_STORE_DONE, .status = GW_DELIVERY_DEAD,
		      .until_ms = 6500));
	CHECK_STR(ids(w), "300");
	CHECK_OK(LOOK(w, .what = GW_STORE_DONE, .status = GW_DELIVERY_DEAD,
		      .call = call_b));
	CHECK_STR(ids(w), "300");
	CHECK_OK(LOOK(w, .what = GW_STORE_DONE,
		      .status = GW_DELIVERY_DELIVERED));
	CHECK_STR(ids(w), "100");

	CHECK_OK(LOOK(w, .what = GW_STORE_OUTBOX, .status = GW_DELIVERY_DEAD));
	CHECK_STR(ids(w), "300 200");
	CHECK_OK(LOOK(w, .what = GW_STORE_OUTBOX, .status = GW_DELIVERY_DEAD,
		      .call = call_a));
	CHECK_STR(ids(w), "200");
	CHECK_OK(LOOK(w, .what = GW_STORE_OUTBOX,
		      .status = GW_DELIVERY_DELIVERED, .type = "call.ended"));
	CHECK_STR(ids(w), "");
	return 0;
}
TEST(test_store_outbox_finds_what_is_over);

/* C10: whoever comes second finds that it waits, and puts nothing back. */
static int test_store_outbox_puts_back_once(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(tell_three(w));
	CHECK_OK(set(w, 200, GW_DELIVERY_WAITING, 0));
	CHECK(w->job->tries[0].was_over);
	CHECK_OK(set(w, 200, GW_DELIVERY_WAITING, 0));
	CHECK(!w->job->tries[0].was_over);
	CHECK_OK(set(w, 400, GW_DELIVERY_WAITING, 0));
	CHECK(!w->job->tries[0].was_over);
	CHECK_OK(set(w, 100, GW_DELIVERY_WAITING, 0));
	CHECK_OK(LOOK(w, .what = GW_STORE_WAITING,
		      .status = GW_DELIVERY_WAITING));
	CHECK_STR(ids(w), "100 200");
	CHECK_INT(w->rd->outgoing[0].attempts, 0);
	CHECK(w->rd->outgoing[0].due_ms == 7000);
	CHECK(!w->rd->outgoing[0].done_at_ms);
	return 0;
}
TEST(test_store_outbox_puts_back_once);
