/* What is taken out of an ended call, and what a process that died is known by. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "server/loop.h"
#include "server/store.h"
#include "tests/test.h"

enum { PATIENCE_MS = 10000 };

static const char id[] = "call_01J9ZK3V5X8Q2M4N6P7R9S0T1W";
static const char snapshot[] =
	"{\"id\":\"call_01J9ZK3V5X8Q2M4N6P7R9S0T1W\",\"revision\":3,"
	"\"status\":\"busy\",\"to\":\"Rumpelstiltskin\",\"from\":\"Rapunzel\","
	"\"sip\":{\"code\":486,\"reason_header\":\"Rapunzel\"},\"legs\":["
	"{\"role\":\"to\",\"uri\":\"sip:Rumpelstiltskin\",\"sip_call_id\":"
	"\"Rapunzel\",\"sip\":{\"code\":486,\"reason_header\":null}}],"
	"\"client_state\":\"Rapunzel\",\"metadata\":{\"a\":\"Rapunzel\"},"
	"\"recording\":null}";

struct world {
	char path[64], url[80];
	struct gw_store *store;
	unsigned done;
	int err;
	struct gw_store_read *rd;
};

static void world_end(void *arg)
{
	struct world *w = arg;
	char path[80];

	gw_store_close(w->store);
	gw_loop_drain();
	mem_deref(w->rd);
	gw_loop_close();
	for (const char *const *s =
		     (const char *const[]){ "", "-wal", "-shm", NULL };
	     *s; s++) {
		(void)snprintf(path, sizeof(path), "%s%s", w->path, *s);
		(void)unlink(path);
	}
	free(w);
}

static int open_store(struct world *w)
{
	const struct gw_store_cfg cfg = { .url = w->url };
	char why[256] = "";

	return gw_store_open(&w->store, &cfg, why, sizeof(why));
}

static int reopen(struct world *w)
{
	gw_store_close(w->store);
	w->store = NULL;
	gw_loop_drain();
	return open_store(w);
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));
	int fd;

	if (!w)
		return NULL;
	(void)snprintf(w->path, sizeof(w->path), "%s/bellpull-erase-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(w->path);
	if (fd < 0 || gw_loop_init()) {
		free(w);
		return NULL;
	}
	(void)close(fd);
	(void)snprintf(w->url, sizeof(w->url), "sqlite:%s", w->path);
	test_later(world_end, w);
	return open_store(w) ? NULL : w;
}

static void written(struct gw_store_job *job, void *arg)
{
	struct world *w = arg;

	w->err = job->err;
	w->done++;
}

static bool is_done(void *arg)
{
	return ((const struct world *)arg)->done != 0;
}

static int push(struct world *w, struct gw_store_job *job)
{
	int err;

	w->done = 0;
	job->doneh = written;
	job->arg = w;
	err = gw_store_push(w->store, job);
	err = err ? err : test_run_until(is_done, w, PATIENCE_MS);
	return err ? err : w->err;
}

static int text(struct mbuf **mbp, const char *str)
{
	struct mbuf *mb = mbuf_alloc(strlen(str) + 1);
	const int err = mb ? mbuf_write_str(mb, str) : ENOMEM;

	*mbp = mb;
	return err;
}

/* One event, which has the call's only snapshot, a ladder and an answer that was
 * kept. */
static int place(struct world *w, int64_t ended_at_ms)
{
	struct gw_store_job *job = gw_store_job_alloc(1);
	struct gw_store_event *ev = job ? job->events : NULL;
	char suffix[1024];
	int err = 0;

	if (!job)
		return ENOMEM;
	job->call = gw_store_call_alloc();
	job->idem = gw_store_idem_alloc();
	job->dedupe = gw_store_dedupe_alloc();
	if (!job->call || !job->idem || !job->dedupe) {
		mem_deref(job);
		return ENOMEM;
	}
	str_ncpy(job->call->id, id, sizeof(job->call->id));
	job->call->insert = job->call->told = true;
	job->call->status = "busy";
	job->call->state = "ended";
	job->call->created_at_ms = 5000;
	job->call->ended_at_ms = ended_at_ms;
	job->call->seq = 1;
	ev->type = "call.ended";
	str_ncpy(ev->call_id, id, sizeof(ev->call_id));
	ev->seq = 1;
	ev->at_ms = 6000;
	ev->snapshot_at = (size_t)re_snprintf(
		suffix, sizeof(suffix),
		",\"type\":\"call.ended\",\"data\":{\"x\":\"Rapunzel\"},"
		"\"call\":");
	(void)re_snprintf(suffix + ev->snapshot_at,
			  sizeof(suffix) - ev->snapshot_at,
			  "%b,\"last_event_id\":", snapshot,
			  strlen(snapshot) - 1);
	err |= str_dup(&job->call->to, "Rumpelstiltskin");
	err |= str_dup(&job->call->number, "Rumpelstiltskin");
	err |= str_dup(&job->call->client, "Rapunzel");
	err |= str_dup(&job->idem->scope_key, "k");
	err |= str_dup(&job->dedupe->scope_key, "Rapunzel Rumpelstiltskin");
	job->dedupe->until_ms = INT64_MAX;
	err |= text(&job->call->snapshot, snapshot);
	err |= text(&job->call->ladder, "[\"Rapunzel\"]");
	err |= text(&ev->suffix, suffix);
	if (err) {
		mem_deref(job);
		return ENOMEM;
	}
	return push(w, job);
}

static int erase(struct world *w, const char *whom)
{
	struct gw_store_job *job = gw_store_job_alloc(0);

	if (job)
		job->erase = gw_store_erase_alloc();
	if (!job || !job->erase) {
		mem_deref(job);
		return ENOMEM;
	}
	str_ncpy(job->erase->call_id, whom, sizeof(job->erase->call_id));
	str_ncpy(job->erase->at, "2026-11-22T05:00:00.000Z",
		 sizeof(job->erase->at));
	return push(w, job);
}

/* A webhook that came in, and placed these calls. */
static int log_webhook(struct world *w, const char *calls)
{
	struct gw_store_job *job = gw_store_job_alloc(0);
	struct gw_store_delivery *d = gw_store_delivery_alloc();
	int err = job && d ? 0 : ENOMEM;

	if (err) {
		mem_deref(job);
		mem_deref(d);
		return err;
	}
	job->delivery = d;
	d->at_ms = 5500;
	d->status = 200;
	err |= str_dup(&d->hook, "crm");
	err |= str_dup(&d->verdict, "placed");
	err |= str_dup(&d->sha256, "Rapunzel");
	err |= str_dup(&d->client, "Rapunzel");
	err |= str_dup(&d->request_id, "Rapunzel");
	err |= str_dup(&d->calls, calls);
	if (err) {
		mem_deref(job);
		return ENOMEM;
	}
	return push(w, job);
}

static void answered(struct gw_store_read *rd, void *arg)
{
	struct world *w = arg;

	w->rd = mem_ref(rd);
	w->done++;
}

static int ask(struct world *w, enum gw_store_what what)
{
	struct gw_store_read *rd = gw_store_read_alloc(what);
	int err;

	if (!rd)
		return ENOMEM;
	w->rd = mem_deref(w->rd);
	w->done = 0;
	str_ncpy(rd->call_id, id, sizeof(rd->call_id));
	if (str_dup(&rd->hook, "crm")) {
		mem_deref(rd);
		return ENOMEM;
	}
	rd->doneh = answered;
	rd->arg = w;
	err = gw_store_ask(w->store, rd);
	err = err ? err : test_run_until(is_done, w, PATIENCE_MS);
	return err ? err : w->rd->err;
}

/* How often a word stands in the database's files. */
static int count_in(const char *path, const char *word, unsigned *np)
{
	struct mbuf *mb = mbuf_alloc(1 << 16);
	FILE *f = fopen(path, "rb");
	int c, err = mb ? 0 : ENOMEM;

	while (f && !err && EOF != (c = getc(f)))
		err = mbuf_write_u8(mb, (uint8_t)c);
	for (const uint8_t *p = mb ? mb->buf : NULL;
	     !err && p &&
	     (p = memmem(p, (size_t)(mb->buf + mb->end - p), word,
			 strlen(word)));
	     p++)
		++*np;
	if (f)
		(void)fclose(f);
	mem_deref(mb);
	return err;
}

static int count_words(const struct world *w, unsigned *np)
{
	char wal[80];
	int err;

	*np = 0;
	(void)snprintf(wal, sizeof(wal), "%s-wal", w->path);
	err = count_in(w->path, "Rumpelstiltskin", np);
	err = err ? err : count_in(w->path, "Rapunzel", np);
	err = err ? err : count_in(wal, "Rumpelstiltskin", np);
	return err ? err : count_in(wal, "Rapunzel", np);
}

static bool has(const struct mbuf *mb, const char *word)
{
	return mb && memmem(mb->buf, mb->end, word, strlen(word));
}

static int test_store_erase_leaves_the_outcome(void)
{
	struct world *w = world_new();
	unsigned n;

	CHECK(w);
	CHECK_OK(place(w, 6000));
	CHECK_OK(log_webhook(w, "call_01J9ZK3V5X8Q2M4N6P7R9S0T1X,"
				"call_01J9ZK3V5X8Q2M4N6P7R9S0T1W"));
	CHECK_OK(count_words(w, &n));
	CHECK(n > 5);
	CHECK_OK(erase(w, id));

	CHECK_OK(ask(w, GW_STORE_CALL));
	CHECK(has(w->rd->rows[0].snapshot, "\"revision\":4"));
	CHECK(has(w->rd->rows[0].snapshot, "\"status\":\"busy\""));
	CHECK(has(w->rd->rows[0].snapshot, "\"to\":\"\",\"from\":null"));
	CHECK(has(w->rd->rows[0].snapshot,
		  "\"erased_at\":\"2026-11-22T05:00:00.000Z\","
		  "\"last_event_id\":1}"));
	CHECK(!w->rd->rows[0].ladder);
	CHECK_OK(ask(w, GW_STORE_EVENTS));
	CHECK_INT(w->rd->event_count, 1);
	CHECK(has(w->rd->events[0].json,
		  "{\"id\":1,\"type\":\"call.ended\",\"data\":{},\"call\":{"));
	CHECK(has(w->rd->events[0].json, "\"last_event_id\":1,"));
	CHECK_OK(ask(w, GW_STORE_DELIVERIES));
	CHECK_INT(w->rd->delivery_count, 1);
	CHECK_STR(w->rd->deliveries[0].verdict, "placed");
	CHECK_STR(w->rd->deliveries[0].client, NULL);

	/* the WAL is emptied behind the answer, at the latest at the end */
	CHECK_OK(reopen(w));
	CHECK_OK(count_words(w, &n));
	CHECK_INT(n, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_store_erase_leaves_the_outcome,
		 "what is read of files is no allocation of the gateway");

static int test_store_erases_what_has_ended_alone(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(place(w, 0));
	CHECK_OK(log_webhook(w, "call_01J9ZK3V5X8Q2M4N6P7R9S0T1Y"));
	CHECK_ERR(erase(w, id), ENOENT);
	CHECK_ERR(erase(w, "call_01J9ZK3V5X8Q2M4N6P7R9S0T1X"), ENOENT);
	CHECK_OK(ask(w, GW_STORE_CALL));
	CHECK(has(w->rd->rows[0].snapshot, "Rumpelstiltskin"));
	CHECK(w->rd->rows[0].ladder);
	CHECK_OK(ask(w, GW_STORE_DELIVERIES));
	CHECK_STR(w->rd->deliveries[0].sha256, "Rapunzel");
	return 0;
}
TEST(test_store_erases_what_has_ended_alone);

/* G4: the later of a heartbeat and the newest event. */
static int test_store_knows_the_last_sign_of_life(void)
{
	struct world *w = world_new();
	struct gw_store_job *job;

	CHECK(w);
	CHECK_INT(gw_store_facts(w->store)->alive_at_ms, 0);
	CHECK_OK(place(w, 0));
	CHECK_OK(reopen(w));
	CHECK_INT(gw_store_facts(w->store)->alive_at_ms, 6000);
	job = gw_store_job_alloc(0);
	CHECK(job);
	job->meta = "alive_at";
	job->meta_value = 16000;
	CHECK_OK(push(w, job));
	CHECK_OK(reopen(w));
	CHECK_INT(gw_store_facts(w->store)->alive_at_ms, 16000);
	return 0;
}
TEST(test_store_knows_the_last_sign_of_life);
