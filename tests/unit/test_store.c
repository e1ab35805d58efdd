/* The store, with its threads and a real database in a directory of its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re.h>
#include <sqlite3.h>

#include "server/loop.h"
#include "server/store.h"
#include "tests/test.h"

enum { PATIENCE_MS = 10000 };

struct world {
	char dir[64];
	char path[96];
	char url[128];
	struct gw_store *store;
	struct gw_store_cfg cfg;
	unsigned pushed, done, failed;
	int last_err;
	enum gw_idem_verdict verdict;
	char replay_id[GW_STORE_ID_SIZE];
	char response[512];
	uint64_t ids[4096]; /* in order of completion */
	unsigned idc;
	struct gw_store_read *rd; /* answered; ours */
};

static void remove_dir(const char *dir)
{
	char path[400];
	struct dirent *de;
	DIR *d = opendir(dir);

	while (d && (de = readdir(d))) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		(void)unlink(path);
	}
	if (d)
		(void)closedir(d);
	(void)rmdir(dir);
}

static void world_close(struct world *w)
{
	gw_store_close(w->store);
	w->store = NULL;
	gw_loop_drain();
}

static void world_end(void *arg)
{
	struct world *w = arg;

	world_close(w);
	mem_deref(w->rd);
	remove_dir(w->dir);
	gw_loop_close();
	free(w);
}

static int world_open(struct world *w)
{
	char why[256] = "";
	const int err = gw_store_open(&w->store, &w->cfg, why, sizeof(why));

	if (err)
		test_fail(__FILE__, __LINE__, "open: %s", why);
	return err;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;

	(void)snprintf(w->dir, sizeof(w->dir), "%s/bellpull-store-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (gw_loop_init() || !mkdtemp(w->dir)) {
		free(w);
		return NULL;
	}

	(void)snprintf(w->path, sizeof(w->path), "%s/b.db", w->dir);
	(void)snprintf(w->url, sizeof(w->url), "sqlite:%s", w->path);
	w->cfg.url = w->url;
	test_later(world_end, w);
	return w;
}

static int sql(const struct world *w, const char *text)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open(w->path, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, text, NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : EIO;
}

static int64_t sql_number(const char *path, const char *text)
{
	sqlite3_stmt *stmt = NULL;
	sqlite3 *db = NULL;
	int64_t num = -1;

	if (sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, text, -1, &stmt, NULL) == SQLITE_OK &&
	    sqlite3_step(stmt) == SQLITE_ROW)
		num = sqlite3_column_int64(stmt, 0);
	(void)sqlite3_finalize(stmt);
	(void)sqlite3_close(db);
	return num;
}

static struct mbuf *text_mbuf(const char *text)
{
	struct mbuf *mb = mbuf_alloc(strlen(text) + 1);

	if (mb)
		(void)mbuf_write_str(mb, text);
	return mb;
}

static void job_done(struct gw_store_job *job, void *arg)
{
	struct world *w = arg;

	w->done++;
	w->last_err = job->err;
	w->failed += job->err != 0;
	w->verdict = job->verdict;
	str_ncpy(w->replay_id, job->call_id, sizeof(w->replay_id));
	if (job->response)
		(void)re_snprintf(w->response, sizeof(w->response), "%b",
				  job->response->buf, job->response->end);

	if (job->err || job->verdict != GW_IDEM_NEW)
		return;
	for (size_t i = 0; i < job->event_count; i++)
		if (w->idc < ARRAY_SIZE(w->ids))
			w->ids[w->idc++] = job->events[i].id;
}

/* A job with n events and the call's row (call NULL: events of no call). */
static struct gw_store_job *new_job(struct world *w, const char *call,
				    bool insert, size_t n, int64_t seq)
{
	struct gw_store_job *job = gw_store_job_alloc(n);

	if (!job)
		return NULL;

	job->doneh = job_done;
	job->arg = w;
	job->keep = !insert;
	for (size_t i = 0; i < n; i++) {
		struct gw_store_event *ev = &job->events[i];

		ev->type = "call.queued";
		ev->seq = call ? seq + (int64_t)i : -1;
		ev->at_ms = 1000 + seq;
		if (call)
			str_ncpy(ev->call_id, call, sizeof(ev->call_id));
		ev->suffix = text_mbuf(call ? ",\"call\":{\"last_event_id\":" :
					      ",\"call\":null}");
		if (!ev->suffix)
			return mem_deref(job);
	}
	if (!call)
		return job;

	job->call = gw_store_call_alloc();
	if (!job->call)
		return mem_deref(job);
	str_ncpy(job->call->id, call, sizeof(job->call->id));
	job->call->insert = insert;
	job->call->status = "queued";
	job->call->state = "queued";
	job->call->created_at_ms = 5000;
	job->call->seq = seq + (int64_t)n - 1;
	job->call->snapshot = text_mbuf("{\"object\":\"call\"}");
	if (!job->call->snapshot || (insert && str_dup(&job->call->to, "853")))
		return mem_deref(job);
	return job;
}

static int push(struct world *w, struct gw_store_job *job)
{
	int err;

	if (!job)
		return ENOMEM;
	err = gw_store_push(w->store, job);
	w->pushed += !err;
	return err;
}

static bool all_done(void *arg)
{
	const struct world *w = arg;

	return w->done == w->pushed;
}

static int settle(struct world *w)
{
	return test_run_until(all_done, w, PATIENCE_MS);
}

static void read_done(struct gw_store_read *rd, void *arg)
{
	struct world *w = arg;

	w->rd = mem_ref(rd);
}

static bool has_read(void *arg)
{
	const struct world *w = arg;

	return w->rd != NULL;
}

static int ask(struct world *w, struct gw_store_read *rd)
{
	int err;

	if (!rd)
		return ENOMEM;

	w->rd = mem_deref(w->rd);
	rd->doneh = read_done;
	rd->arg = w;
	err = gw_store_ask(w->store, rd);
	return err ? err : test_run_until(has_read, w, PATIENCE_MS);
}

static const char *text_of(const struct mbuf *mb)
{
	static char text[1024];

	if (!mb)
		return NULL;
	(void)re_snprintf(text, sizeof(text), "%b", mb->buf, mb->end);
	return text;
}

static const char *call_name(char id[GW_STORE_ID_SIZE], unsigned no)
{
	(void)snprintf(id, GW_STORE_ID_SIZE, "call_%026u", no);
	return id;
}

/* What is pushed is on disk when it is told: row, event and both their ids. */
static int test_store_commits_call_and_events_together(void)
{
	struct world *w = world_new();
	struct gw_store_read *rd;
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(push(w, new_job(w, id, false, 2, 2)));
	CHECK_OK(settle(w));
	CHECK_INT(w->failed, 0);
	CHECK_INT(w->idc, 3);
	CHECK_INT(w->ids[2], 3);
	CHECK_INT(gw_store_head_id(w->store), 3);

	rd = gw_store_read_alloc(GW_STORE_CALL);
	CHECK(rd);
	str_ncpy(rd->call_id, id, sizeof(rd->call_id));
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->err, 0);
	CHECK_INT(w->rd->row_count, 1);
	CHECK_INT(w->rd->rows[0].seq, 3);
	CHECK_STR(text_of(w->rd->rows[0].snapshot),
		  "{\"object\":\"call\",\"last_event_id\":3}");

	rd = gw_store_read_alloc(GW_STORE_EVENTS);
	CHECK(rd);
	rd->after_id = 1;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->event_count, 2);
	CHECK_STR(w->rd->events[0].call_id, id);
	CHECK_STR(w->rd->events[0].type, "call.queued");
	CHECK_STR(text_of(w->rd->events[0].json),
		  "{\"id\":2,\"call\":{\"last_event_id\":2}}");
	return 0;
}
TEST(test_store_commits_call_and_events_together);

/* An update of a call that isn't there is that job's own error: not retried, and
 * its neighbours don't notice. */
static int test_store_job_that_fails_leaves_its_neighbours_alone(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(push(w, new_job(w, "call_nobody", false, 1, 1)));
	CHECK_OK(push(w, new_job(w, id, false, 1, 2)));
	CHECK_OK(settle(w));
	CHECK_INT(w->failed, 1);
	CHECK_INT(w->idc, 2);
	CHECK_INT(w->ids[1], 2); /* the undone job's id was given again */
	CHECK_INT(gw_store_health(w->store), 0);
	return 0;
}
TEST(test_store_job_that_fails_leaves_its_neighbours_alone);

/* Many jobs, few commits, ids in the order of pushing. */
static int test_store_groups_commits_and_keeps_order(void)
{
	struct world *w = world_new();
	struct gw_store_stats stats;
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	w->cfg.linger_ms = 3;
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	for (int i = 2; i <= 400; i++)
		CHECK_OK(push(w, new_job(w, id, false, 1, i)));
	CHECK_OK(settle(w));
	CHECK_INT(w->failed, 0);
	CHECK_INT(w->idc, 400);
	for (unsigned i = 0; i < w->idc; i++)
		CHECK_INT(w->ids[i], i + 1);

	gw_store_stats(w->store, &stats);
	CHECK_INT(stats.jobs, 400);
	CHECK_INT(stats.events, 400);
	CHECK_INT(stats.waiting, 0);
	CHECK_INT(stats.waiting_bytes, 0);
	CHECK(stats.commits < 200);
	return 0;
}
TEST(test_store_groups_commits_and_keeps_order);

static int push_idem(struct world *w, const char *id, const char *key,
		     uint8_t hash)
{
	struct gw_store_job *job = new_job(w, id, true, 1, 1);

	if (!job)
		return ENOMEM;
	job->idem = gw_store_idem_alloc();
	if (!job->idem || str_dup(&job->idem->scope_key, key)) {
		mem_deref(job);
		return ENOMEM;
	}
	memset(job->idem->body_sha256, hash, sizeof(job->idem->body_sha256));
	return push(w, job);
}

/* A6: the same key is the first call again, also in the same commit and after a
 * restart; another body is told apart; an expired key is free. */
static int test_store_knows_idempotency_keys(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	for (unsigned i = 1; i <= 50; i++)
		CHECK_OK(push_idem(w, call_name(id, i), "k POST /calls 7", 1));
	CHECK_OK(settle(w));
	CHECK_INT(w->failed, 0);
	CHECK_INT(w->idc, 1);
	CHECK_INT(w->verdict, GW_IDEM_REPLAY);
	CHECK_STR(w->replay_id, call_name(id, 1));
	CHECK_STR(w->response, "{\"object\":\"call\",\"last_event_id\":1}");
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM calls"), 1);

	world_close(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push_idem(w, call_name(id, 60), "k POST /calls 7", 1));
	CHECK_OK(settle(w));
	CHECK_INT(w->verdict, GW_IDEM_REPLAY);
	CHECK_STR(w->replay_id, call_name(id, 1));

	CHECK_OK(push_idem(w, call_name(id, 61), "k POST /calls 7", 2));
	CHECK_OK(settle(w));
	CHECK_INT(w->verdict, GW_IDEM_MISMATCH);
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM calls"), 1);

	CHECK_OK(sql(w, "UPDATE idempotency SET expires_at = 1"));
	CHECK_OK(push_idem(w, call_name(id, 62), "k POST /calls 7", 2));
	CHECK_OK(settle(w));
	CHECK_INT(w->verdict, GW_IDEM_NEW);
	CHECK_INT(w->idc, 2);
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM idempotency"), 1);
	return 0;
}
TEST(test_store_knows_idempotency_keys);

/* A refused placement leaves its key free. */
static int test_store_frees_the_key_of_a_call_that_failed(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(push_idem(w, id, "key", 1)); /* the id exists */
	CHECK_OK(settle(w));
	CHECK_INT(w->last_err, EEXIST);

	CHECK_OK(push_idem(w, call_name(id, 2), "key", 1));
	CHECK_OK(settle(w));
	CHECK_INT(w->last_err, 0);
	CHECK_INT(w->verdict, GW_IDEM_NEW);
	return 0;
}
TEST(test_store_frees_the_key_of_a_call_that_failed);

static int end_call(struct world *w, const char *id, int64_t ended_at_ms,
		    int64_t seq)
{
	struct gw_store_job *job = new_job(w, id, false, 1, seq);

	if (!job)
		return ENOMEM;
	job->call->status = "completed";
	job->call->state = "ended";
	job->call->ended_at_ms = ended_at_ms;
	job->call->ladder = text_mbuf("[]");
	return push(w, job);
}

struct number_cond {
	const char *path, *sql;
	int64_t want;
};

static bool number_is(void *arg)
{
	const struct number_cond *c = arg;

	return sql_number(c->path, c->sql) == c->want;
}

/* Retention takes old calls with all that is theirs, and no event id is ever
 * given twice, even when the newest rows went. */
static int test_store_prunes_and_never_reuses_ids(void)
{
	struct world *w = world_new();
	struct number_cond left = { .sql = "SELECT count(*) FROM calls",
				    .want = 1 };
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	left.path = w->path;
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 100), true, 1, 1)));
	for (unsigned i = 1; i <= 45; i++) {
		call_name(id, i);
		CHECK_OK(push(w, new_job(w, id, true, 1, 1)));
		CHECK_OK(end_call(w, id, 2000 + i, 2));
	}
	CHECK_OK(push(w, new_job(w, NULL, false, 1, 5)));
	CHECK_OK(settle(w));
	CHECK_INT(w->failed, 0);
	CHECK_INT(gw_store_head_id(w->store), 92);

	gw_store_prune(w->store, 9999);
	CHECK_OK(test_run_until(number_is, &left, PATIENCE_MS));
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM ladders"), 0);
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM events"), 1);
	world_close(w);

	CHECK_OK(world_open(w));
	CHECK_INT(gw_store_head_id(w->store), 92);
	CHECK_INT(gw_store_pruned_id(w->store), 92);
	CHECK_OK(push(w, new_job(w, call_name(id, 100), false, 1, 2)));
	CHECK_OK(settle(w));
	CHECK_INT(w->ids[w->idc - 1], 93);
	return 0;
}
TEST(test_store_prunes_and_never_reuses_ids);

static int list(struct world *w, const char *to, const char *status,
		const char *cursor, uint32_t limit)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_CALLS);

	if (!rd || (to && str_dup(&rd->to, to)) ||
	    (status && str_dup(&rd->status, status))) {
		mem_deref(rd);
		return ENOMEM;
	}
	if (cursor)
		str_ncpy(rd->cursor, cursor, sizeof(rd->cursor));
	rd->limit = limit;
	return ask(w, rd);
}

/* A7: newest first, page by page, no holes while calls are being added. */
static int test_store_lists_calls(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE], cursor[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	for (unsigned i = 1; i <= 7; i++)
		CHECK_OK(push(w, new_job(w, call_name(id, i), true, 1, 1)));
	CHECK_OK(end_call(w, call_name(id, 3), 9000, 2));
	CHECK_OK(settle(w));

	CHECK_OK(list(w, NULL, NULL, NULL, 5));
	CHECK_INT(w->rd->row_count, 5);
	CHECK(w->rd->more);
	CHECK_STR(w->rd->rows[0].id, call_name(id, 7));
	CHECK_STR(w->rd->rows[4].id, call_name(id, 3));
	str_ncpy(cursor, w->rd->rows[4].id, sizeof(cursor));

	CHECK_OK(push(w, new_job(w, call_name(id, 8), true, 1, 1)));
	CHECK_OK(settle(w));
	CHECK_OK(list(w, "853", NULL, cursor, 5));
	CHECK_INT(w->rd->row_count, 2);
	CHECK(!w->rd->more);
	CHECK_STR(w->rd->rows[1].id, call_name(id, 1));

	CHECK_OK(list(w, NULL, "completed", NULL, 5));
	CHECK_INT(w->rd->row_count, 1);
	CHECK_STR(w->rd->rows[0].id, call_name(id, 3));
	CHECK_OK(list(w, "854", NULL, NULL, 5));
	CHECK_INT(w->rd->row_count, 0);
	return 0;
}
TEST(test_store_lists_calls);

static int test_store_lists_calls_since(void)
{
	struct world *w = world_new();
	struct gw_store_read *rd;

	CHECK(w);
	CHECK_OK(world_open(w));
	/* 1469918176385 ms is the ULID specification's 01ARYZ6S41 */
	CHECK_OK(push(w, new_job(w, "call_01ARYZ6S40ZZZZZZZZZZZZZZZZ", true, 1,
				 1)));
	CHECK_OK(push(w, new_job(w, "call_01ARYZ6S410000000000000000", true, 1,
				 1)));
	CHECK_OK(settle(w));

	rd = gw_store_read_alloc(GW_STORE_CALLS);
	CHECK(rd);
	rd->since_ms = 1469918176385;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->row_count, 1);
	CHECK_STR(w->rd->rows[0].id, "call_01ARYZ6S410000000000000000");
	return 0;
}
TEST(test_store_lists_calls_since);

/* What a start after a crash asks for. */
static int test_store_gives_open_calls_with_their_dialogs(void)
{
	struct world *w = world_new();
	struct gw_store_job *job;
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	for (unsigned i = 1; i <= 40; i++)
		CHECK_OK(push(w, new_job(w, call_name(id, i), true, 1, 1)));
	job = new_job(w, call_name(id, 2), false, 1, 2);
	CHECK(job);
	job->call->dialog = text_mbuf("dialog of 2");
	CHECK_OK(push(w, job));
	CHECK_OK(push(w, new_job(w, id, false, 1, 3))); /* it stays */
	CHECK_OK(end_call(w, call_name(id, 1), 9000, 2));
	CHECK_OK(settle(w));

	CHECK_OK(ask(w, gw_store_read_alloc(GW_STORE_OPEN_CALLS)));
	CHECK_INT(w->rd->row_count, 39);
	CHECK_STR(w->rd->rows[0].id, call_name(id, 2));
	CHECK_INT(w->rd->rows[0].seq, 3);
	CHECK_STR(text_of(w->rd->rows[0].dialog), "dialog of 2");
	CHECK(!w->rd->rows[1].dialog);
	CHECK_STR(w->rd->rows[38].id, call_name(id, 40));
	return 0;
}
TEST(test_store_gives_open_calls_with_their_dialogs);

static int test_store_reads_events_in_batches(void)
{
	struct world *w = world_new();
	struct gw_store_read *rd;
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	for (unsigned i = 1; i <= 40; i++) {
		CHECK_OK(
			push(w, new_job(w, call_name(id, i % 2), i < 3, 1, i)));
	}
	CHECK_OK(settle(w));

	rd = gw_store_read_alloc(GW_STORE_EVENTS);
	CHECK(rd);
	str_ncpy(rd->call_id, call_name(id, 0), sizeof(rd->call_id));
	rd->after_id = 4;
	rd->upto_id = 39;
	rd->limit = 16;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->event_count, 16);
	CHECK(w->rd->more);
	CHECK_INT(w->rd->events[0].id, 6);
	CHECK_INT(w->rd->events[15].id, 36);

	rd = gw_store_read_alloc(GW_STORE_EVENTS);
	CHECK(rd);
	str_ncpy(rd->call_id, id, sizeof(rd->call_id));
	rd->after_id = 36;
	rd->upto_id = 39;
	rd->limit = 16;
	CHECK_OK(ask(w, rd));
	CHECK_INT(w->rd->event_count, 1);
	CHECK(!w->rd->more);
	return 0;
}
TEST(test_store_reads_events_in_batches);

/* One event of this project's call, or of a line. */
static struct gw_store_job *job_of(struct world *w, const char *call,
				   bool insert, const char *project,
				   const char *line)
{
	struct gw_store_job *job = new_job(w, call, insert, 1, 1);

	if (!job)
		return NULL;
	if ((project && str_dup(&job->events[0].project, project)) ||
	    (line && str_dup(&job->events[0].line, line)))
		return mem_deref(job);
	return job;
}

static struct gw_store_read *events_of(const char *project, uint64_t after_id,
				       uint32_t limit)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_EVENTS);

	if (!rd)
		return NULL;
	rd->after_id = after_id;
	rd->upto_id = 60;
	rd->limit = limit;
	if (str_dup(&rd->project, project))
		return mem_deref(rd);
	return rd;
}

/* a's events are few among b's; a line's is everybody's matter here. */
static int test_store_reads_the_events_of_a_project(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	for (unsigned i = 1; i <= 60; i++) {
		const bool of_a = i % 20 == 1;

		CHECK_OK(push(w,
			      i == 30 ? job_of(w, NULL, false, NULL, "office") :
					job_of(w, call_name(id, of_a), i < 3,
					       of_a ? "a" : "b", NULL)));
	}
	CHECK_OK(settle(w));

	CHECK_OK(ask(w, events_of("a", 0, 3)));
	CHECK_INT(w->rd->event_count, 3);
	CHECK(w->rd->more);
	CHECK_INT(w->rd->events[0].id, 1);
	CHECK_STR(w->rd->events[0].project, "a");
	CHECK(!w->rd->events[0].line);
	CHECK_INT(w->rd->events[1].id, 21);
	CHECK_INT(w->rd->events[2].id, 30);
	CHECK_STR(w->rd->events[2].line, "office");
	CHECK(!w->rd->events[2].project);

	CHECK_OK(ask(w, events_of("a", 30, 3)));
	CHECK_INT(w->rd->event_count, 1);
	CHECK_INT(w->rd->events[0].id, 41);
	CHECK(!w->rd->more);
	CHECK_INT(w->rd->upto_id, 60);

	CHECK_OK(ask(w, events_of("nobody", 0, 3)));
	CHECK_INT(w->rd->event_count, 1);
	return 0;
}
TEST(test_store_reads_the_events_of_a_project);

/* A project that is rarely heard of doesn't hold the reading thread: a read looks
 * at some thousand events and says how far it has come. */
static int test_store_looks_for_a_project_step_by_step(void)
{
	struct world *w = world_new();
	struct gw_store_read *rd;
	char id[GW_STORE_ID_SIZE];
	unsigned reads = 0;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, job_of(w, call_name(id, 1), true, "b", NULL)));
	CHECK_OK(settle(w));
	CHECK_OK(sql(w, "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL"
			" SELECT i + 1 FROM n WHERE i < 10000)"
			"INSERT INTO events (id, call_id, type, at, suffix,"
			" project) SELECT i, NULL, 'x', 1, ',}', NULL"
			" FROM n WHERE i = 9000 UNION ALL"
			" SELECT i, c.id, 'x', 1, ',}', 'b' FROM n, calls c"
			" WHERE i != 9000"));

	for (uint64_t after = 0; after < 10000; reads++) {
		rd = events_of("a", after, 10);
		CHECK(rd);
		rd->upto_id = 10000;
		CHECK_OK(ask(w, rd));
		CHECK(!w->rd->more);
		CHECK(w->rd->upto_id > after);
		CHECK_INT(w->rd->event_count,
			  after < 9000 && w->rd->upto_id >= 9000);
		after = w->rd->upto_id;
	}
	CHECK(reads > 1);
	return 0;
}
TEST(test_store_looks_for_a_project_step_by_step);

/* A database of the first version: its events become their call's project's, and
 * its lines' events nobody's who may not use every line. */
static int test_store_learns_whose_old_events_are(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(push(w, new_job(w, NULL, false, 1, 1)));
	CHECK_OK(push(w, new_job(w, NULL, false, 1, 1)));
	CHECK_OK(settle(w));
	world_close(w);
	CHECK_OK(sql(w, "UPDATE calls SET project = 'a';"
			"UPDATE events SET type = 'line.failed' WHERE id = 2;"
			"UPDATE events SET type = 'gateway.x' WHERE id = 3;"
			"ALTER TABLE events DROP COLUMN project;"
			"ALTER TABLE events DROP COLUMN line;"
			"ALTER TABLE events DROP COLUMN snapshot_at;"
			"ALTER TABLE calls DROP COLUMN \"key\";"
			"ALTER TABLE calls DROP COLUMN click;"
			"ALTER TABLE calls DROP COLUMN client;"
			"ALTER TABLE calls DROP COLUMN number;"
			"ALTER TABLE calls DROP COLUMN from_number;"
			"ALTER TABLE calls DROP COLUMN cost;"
			"ALTER TABLE calls DROP COLUMN seconds;"
			"ALTER TABLE calls DROP COLUMN later;"
			"ALTER TABLE calls DROP COLUMN callback;"
			"DROP TRIGGER events_gone;DROP TABLE outbox;"
			"DROP TABLE tries;DROP TABLE endpoints;"
			"DROP TABLE keys;DROP TABLE dedupe;"
			"DROP TABLE clicks;DROP TABLE audit;"
			"DELETE FROM meta WHERE name = 'keys_version';"
			"DROP TABLE hook_deliveries;"
			"PRAGMA user_version = 1;"));

	CHECK_OK(world_open(w));
	CHECK_OK(ask(w, events_of("a", 0, 10)));
	CHECK_INT(w->rd->event_count, 3);
	CHECK_STR(w->rd->events[0].project, "a");
	CHECK_STR(w->rd->events[1].line, "");
	CHECK(!w->rd->events[2].line);
	return 0;
}
TEST(test_store_learns_whose_old_events_are);

/* G6: writes beyond a limit fail like a full disk. New calls are refused, what
 * must be kept waits in its order and is written when there is room again. */
static int test_store_survives_a_full_disk(void)
{
	struct rlimit before, tight = { 96 << 10, RLIM_INFINITY };
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];
	int refused = 0;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(settle(w));

	CHECK_OK(getrlimit(RLIMIT_FSIZE, &before));
	tight.rlim_max = before.rlim_max;
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &tight));
	for (unsigned i = 2; i < 400 && !w->failed; i++) {
		refused = push(w, new_job(w, call_name(id, i), true, 1, 1));
		refused = refused ? refused : settle(w);
	}
	if (!refused)
		refused = push(w, new_job(w, call_name(id, 1), false, 1, 2));
	if (!refused)
		refused = push(w, new_job(w, id, false, 1, 3));
	if (!refused)
		refused = push(w, new_job(w, call_name(id, 999), true, 1, 1));
	(void)test_run_until(has_read, w, 300); /* nothing to wait for */
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &before));

	CHECK_OK(refused);
	CHECK_INT(w->failed, 2);
	CHECK(gw_store_health(w->store) != 0);
	CHECK_INT(w->done, w->pushed - 2);

	CHECK_OK(settle(w));
	CHECK_INT(gw_store_health(w->store), 0);
	CHECK_INT(w->failed, 2);
	CHECK_INT(w->ids[w->idc - 1], w->ids[w->idc - 2] + 1);
	CHECK_INT(sql_number(w->path,
			     "SELECT seq FROM events ORDER BY id DESC LIMIT 1"),
		  3);
	return 0;
}
TEST_WITHOUT_OOM(test_store_survives_a_full_disk, "a limit of the process");

static bool is_well(void *arg)
{
	const struct world *w = arg;

	return !gw_store_health(w->store);
}

/* When nothing waits, health must come back by itself. */
static int test_store_probes_a_disk_that_refused(void)
{
	struct rlimit before, tight = { 4096, RLIM_INFINITY };
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];
	int err;

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_OK(getrlimit(RLIMIT_FSIZE, &before));
	tight.rlim_max = before.rlim_max;
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &tight));
	err = push(w, new_job(w, call_name(id, 1), true, 1, 1));
	err = err ? err : settle(w);
	CHECK_OK(setrlimit(RLIMIT_FSIZE, &before));
	CHECK_OK(err);
	CHECK(w->last_err);
	CHECK(gw_store_health(w->store));
	CHECK_OK(test_run_until(is_well, w, PATIENCE_MS));
	return 0;
}
TEST_WITHOUT_OOM(test_store_probes_a_disk_that_refused,
		 "a limit of the process");

/* Closing gives every job back, with what the disk says in the end. */
static int test_store_close_gives_all_jobs_back(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	w->cfg.linger_ms = 5000;
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(settle(w));
	for (int i = 2; i < 30; i++)
		CHECK_OK(push(w, new_job(w, id, false, 1, i)));
	world_close(w);
	CHECK_INT(w->done, w->pushed);
	CHECK_INT(w->failed, 0);
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM events"), 29);
	return 0;
}
TEST(test_store_close_gives_all_jobs_back);

/* However long events linger, a new call takes them along: alone, and when so many
 * come that it lingers a little itself. */
static int test_store_new_call_ends_lingering(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];

	CHECK(w);
	w->cfg.linger_ms = 3600 * 1000;
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(settle(w));
	for (int i = 0; i < 300; i++)
		CHECK_OK(push(w, new_job(w, id, false, 1, 2 + i)));
	CHECK_OK(push(w, new_job(w, call_name(id, 2), true, 1, 1)));
	CHECK_OK(settle(w));
	CHECK_INT(w->failed, 0);
	CHECK_INT(sql_number(w->path, "SELECT count(*) FROM events"), 302);
	return 0;
}
TEST(test_store_new_call_ends_lingering);

static int test_store_bounds_what_waits(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE];
	int err = 0;

	CHECK(w);
	w->cfg.linger_ms = 60000;
	w->cfg.queue_bytes = 64 << 10;
	CHECK_OK(world_open(w));
	CHECK_OK(push(w, new_job(w, call_name(id, 1), true, 1, 1)));
	CHECK_OK(settle(w));
	for (int i = 0; i < 200 && !err; i++)
		err = push(w, new_job(w, id, false, 1, 2 + i));
	CHECK_INT(err, ENOBUFS);
	CHECK(w->pushed > 20);
	return 0;
}
TEST(test_store_bounds_what_waits);

static int copy_file(const char *from, const char *to)
{
	char buf[4096];
	ssize_t n;
	const int in = open(from, O_RDONLY),
		  out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int err = in < 0 || out < 0 ? EIO : 0;

	while (!err && (n = read(in, buf, sizeof(buf))) > 0)
		err = write(out, buf, (size_t)n) == n ? 0 : EIO;
	(void)close(in);
	(void)close(out);
	return err;
}

/* G5: what lies on disk at any moment is whole: WAL first, then the database, as
 * a power cut would leave them between two commits of a busy writer. What had
 * been told is there, row and events alike. */
static int test_store_copy_taken_under_load_is_whole(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE], copy[128], wal[136], from_wal[136];
	int64_t told;

	CHECK(w);
	CHECK_OK(world_open(w));
	(void)snprintf(copy, sizeof(copy), "%s/copy.db", w->dir);
	(void)snprintf(wal, sizeof(wal), "%s-wal", copy);
	(void)snprintf(from_wal, sizeof(from_wal), "%s-wal", w->path);

	for (unsigned i = 1; i <= 200; i++)
		CHECK_OK(push(w, new_job(w, call_name(id, i), true, 1, 1)));
	CHECK_OK(settle(w));
	told = w->idc;
	for (unsigned i = 201; i <= 400; i++)
		CHECK_OK(push(w, new_job(w, call_name(id, i), true, 1, 1)));

	/* few pages so far: no checkpoint runs between the two copies */
	CHECK_OK(copy_file(w->path, copy));
	CHECK_OK(copy_file(from_wal, wal));
	CHECK_INT(sql_number(copy, "SELECT integrity_check = 'ok' FROM"
				   " pragma_integrity_check"),
		  1);
	CHECK(sql_number(copy, "SELECT count(*) FROM events") >= told);
	CHECK_INT(sql_number(copy, "SELECT count(*) FROM calls c WHERE"
				   " last_event_id <> (SELECT max(e.id) FROM"
				   " events e WHERE e.call_id = c.id)"),
		  0);
	CHECK_OK(settle(w));
	return 0;
}
TEST(test_store_copy_taken_under_load_is_whole);

static int refused_open(struct world *w, char *why, size_t size)
{
	struct gw_store *store = NULL;
	const int err = gw_store_open(&store, &w->cfg, why, size);

	if (!err)
		gw_store_close(store);
	return err;
}

/* G9: never start empty in place of what can't be read. */
static int test_store_refuses_damaged_newer_and_foreign_files(void)
{
	struct world *w = world_new();
	char why[256];
	FILE *f;

	CHECK(w);
	CHECK_OK(sql(w, "PRAGMA user_version = 99;"
			"PRAGMA application_id = 1112560433;"
			"CREATE TABLE calls (x)"));
	CHECK_INT(refused_open(w, why, sizeof(why)), EINVAL);
	CHECK(strstr(why, "has version 99"));

	(void)unlink(w->path);
	CHECK_OK(sql(w, "CREATE TABLE bookmarks (x)"));
	CHECK_INT(refused_open(w, why, sizeof(why)), EINVAL);
	CHECK(strstr(why, "another program"));

	f = fopen(w->path, "w");
	CHECK(f);
	(void)fputs("Dear diary, this is not a database at all.\n", f);
	(void)fclose(f);
	CHECK_INT(refused_open(w, why, sizeof(why)), EBADMSG);
	CHECK(strstr(why, "move it away"));
	CHECK_INT(sql_number(w->path, "SELECT 1 FROM sqlite_schema"), -1);

	w->cfg.url = "mysql:x";
	CHECK_INT(refused_open(w, why, sizeof(why)), EINVAL);
	w->cfg.url = "sqlite:/nonexistent/dir/b.db";
	CHECK_INT(refused_open(w, why, sizeof(why)), ENOENT);
	CHECK(strstr(why, "/nonexistent/dir/b.db"));
	return 0;
}
TEST(test_store_refuses_damaged_newer_and_foreign_files);

static int test_store_refuses_a_page_that_was_overwritten(void)
{
	struct world *w = world_new();
	char id[GW_STORE_ID_SIZE], why[256];
	uint8_t junk[4096];
	int fd;

	CHECK(w);
	CHECK_OK(world_open(w));
	for (unsigned i = 1; i <= 100; i++)
		CHECK_OK(push(w, new_job(w, call_name(id, i), true, 1, 1)));
	CHECK_OK(settle(w));
	world_close(w);

	memset(junk, 0xa5, sizeof(junk));
	fd = open(w->path, O_WRONLY);
	CHECK(fd >= 0);
	for (int page = 2; page < 12; page++)
		(void)!pwrite(fd, junk, sizeof(junk), page * 4096);
	(void)close(fd);
	CHECK_INT(refused_open(w, why, sizeof(why)), EBADMSG);
	CHECK(strstr(why, "damaged"));
	return 0;
}
TEST(test_store_refuses_a_page_that_was_overwritten);

static int test_store_has_one_writer(void)
{
	struct world *w = world_new();
	char why[256];

	CHECK(w);
	CHECK_OK(world_open(w));
	CHECK_INT(refused_open(w, why, sizeof(why)), EBUSY);
	CHECK(strstr(why, "another bellpull"));
	return 0;
}
TEST(test_store_has_one_writer);
