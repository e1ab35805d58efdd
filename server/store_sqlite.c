/* The store's engine for one machine: SQLite in WAL mode, synchronous=FULL.
 *
 * Event ids are counted here and not by AUTOINCREMENT, which would write a row
 * more per commit: the newest one is max(id) of what is kept or, after retention
 * took the newest rows, the high-water mark that it leaves in meta. An id that
 * was rolled back is given again; nobody has seen it.
 *
 * In a careful transaction a job is a savepoint, so that an error in it doesn't
 * touch its neighbours. That costs a copy of each page that it changes, so it is
 * done when a job has failed, and not before. When the disk is full SQLite may give up the whole transaction by itself: alive()
 * tells. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/store_sqlite.h"

enum {
	WAL_PAGES_FEW = 250,
	WAL_PAGES = 1000,
	WAL_PAGES_MAX = 4000,
	LOOSE_EVENTS = 200, /* events of no call that one slice takes */
	AUDIT_ROWS = 200,   /* refusals, the same */
};

static void sq_ids(void *arg, uint64_t *headp, uint64_t *prunedp)
{
	const struct gw_sqlite *db = arg;

	*headp = db->last_id;
	*prunedp = db->pruned_id;
}

/* Writing ------------------------------------------------------------------ */

static bool sq_alive(void *arg)
{
	struct gw_sqlite *db = arg;

	return !sqlite3_get_autocommit(db->sql);
}

static int sq_begin(void *arg, bool careful)
{
	struct gw_sqlite *db = arg;

	db->careful = careful;
	db->begin_id = db->last_id;
	return gw_sqlite_run(db, GW_SQL_BEGIN);
}

static void sq_rollback(void *arg)
{
	struct gw_sqlite *db = arg;

	if (sq_alive(db))
		(void)gw_sqlite_run(db, GW_SQL_ROLLBACK);
	db->last_id = db->begin_id;
}

/* By itself SQLite would do a checkpoint in the middle of the commit that brings
 * the WAL to 1000 pages, and whoever waits for that one waits for it, too. */
static enum gw_store_chores sq_chores(void *arg)
{
	const struct gw_sqlite *db = arg;

	if (db->wipe && !db->wipe_tired)
		return GW_STORE_UNTIDY;
	return db->wal_pages < WAL_PAGES_FEW ? GW_STORE_TIDY :
	       db->wal_pages < WAL_PAGES     ? GW_STORE_A_LITTLE :
	       db->wal_pages < WAL_PAGES_MAX ? GW_STORE_UNTIDY :
					       GW_STORE_FULL;
}

/* Whether it went well shows when something is written next. */
static void sq_tidy(void *arg)
{
	struct gw_sqlite *db = arg;

	db->wal_pages = 0;
	if (db->wipe && !db->wipe_tired) {
		gw_sqlite_wipe(db);
		return;
	}
	(void)sqlite3_wal_checkpoint_v2(db->sql, NULL,
					SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static int sq_commit(void *arg)
{
	struct gw_sqlite *db = arg;
	const int err = gw_sqlite_run(db, GW_SQL_COMMIT);

	if (err)
		sq_rollback(db);
	db->wipe_tired = false;
	return err;
}

static int put_ladder(struct gw_sqlite *db, const struct gw_store_call *call)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_LADDER_PUT);

	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, call->id);
	gw_sqlite_bind_mbuf(stmt, 2, call->ladder);
	return gw_sqlite_step(db, stmt);
}

/* The row's own snapshot; empty when the newest event's is the same. */
static void bind_snapshot(sqlite3_stmt *stmt, int no,
			  const struct gw_store_job *job)
{
	const size_t n = job->event_count;

	if (job->call->told && n && job->events[n - 1].snapshot_at)
		(void)sqlite3_bind_text(stmt, no, "", 0, SQLITE_STATIC);
	else
		gw_sqlite_bind_mbuf(stmt, no, job->call->snapshot);
}

static int put_call(struct gw_sqlite *db, const struct gw_store_job *job,
		    uint64_t last_event_id)
{
	const struct gw_store_call *call = job->call;
	sqlite3_stmt *stmt = NULL;
	int err;

	err = gw_sqlite_get(&stmt, db,
			    call->insert ? GW_SQL_CALL_INSERT :
					   GW_SQL_CALL_UPDATE);
	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, call->id);
	gw_sqlite_bind_str(stmt, 2, call->status);
	gw_sqlite_bind_str(stmt, 3, call->state);
	if (call->ended_at_ms)
		gw_sqlite_bind_int(stmt, 4, call->ended_at_ms);
	gw_sqlite_bind_int(stmt, 5, call->seq);
	gw_sqlite_bind_int(stmt, 6, (int64_t)last_event_id);
	bind_snapshot(stmt, 7, job);
	gw_sqlite_bind_mbuf(stmt, 8, call->dialog);
	if (call->insert) {
		gw_sqlite_bind_int(stmt, 9, call->created_at_ms);
		gw_sqlite_bind_str(stmt, 10, call->to);
		gw_sqlite_bind_str(stmt, 11, call->from);
		gw_sqlite_bind_str(stmt, 12, call->line);
		gw_sqlite_bind_str(stmt, 13, call->project);
		gw_sqlite_bind_str(stmt, 14, call->key);
		gw_sqlite_bind_str(stmt, 15, call->click);
		gw_sqlite_bind_str(stmt, 16, call->client);
		gw_sqlite_bind_str(stmt, 17, call->number);
		gw_sqlite_bind_str(stmt, 18, call->from_number);
		if (call->cost)
			gw_sqlite_bind_int(stmt, 19, call->cost);
		gw_sqlite_bind_mbuf(stmt, 20, call->later);
		gw_sqlite_bind_str(stmt, 21, call->callback);
	} else {
		if (call->seconds)
			gw_sqlite_bind_int(stmt, 9, call->seconds);
		if (call->begun)
			gw_sqlite_bind_int(stmt, 10, 1);
	}

	err = gw_sqlite_step(db, stmt);
	if (!err && !call->insert && !sqlite3_changes(db->sql))
		err = ENOENT;
	if (!err && call->ladder)
		err = put_ladder(db, call);

	return err;
}

static int put_event(struct gw_sqlite *db, struct gw_store_event *ev)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = gw_sqlite_get(&stmt, db, GW_SQL_EVENT_INSERT);
	if (err)
		return err;

	ev->id = ++db->last_id;
	gw_sqlite_bind_int(stmt, 1, (int64_t)ev->id);
	gw_sqlite_bind_str(stmt, 2, ev->call_id);
	if (ev->seq >= 0)
		gw_sqlite_bind_int(stmt, 3, ev->seq);
	gw_sqlite_bind_str(stmt, 4, ev->type);
	gw_sqlite_bind_int(stmt, 5, ev->at_ms);
	gw_sqlite_bind_mbuf(stmt, 6, ev->suffix);
	gw_sqlite_bind_str(stmt, 7, ev->project);
	gw_sqlite_bind_str(stmt, 8, ev->line);
	if (ev->snapshot_at)
		gw_sqlite_bind_int(stmt, 9, (int64_t)ev->snapshot_at);

	err = gw_sqlite_step(db, stmt);
	return err ? err : gw_sqlite_put_outbox(db, ev);
}

static int write_parts(struct gw_sqlite *db, struct gw_store_job *job,
		       const struct gw_store_now *now)
{
	const uint64_t last =
		job->event_count ? db->last_id + job->event_count : 0;
	int err = 0;

	err = gw_sqlite_find_once(db, job, now->now_ms);
	if (err || job->verdict != GW_IDEM_NEW)
		return err;

	job->last_event_id = last;
	if (job->call)
		err = put_call(db, job, last);

	for (size_t i = 0; !err && i < job->event_count; i++)
		err = put_event(db, &job->events[i]);

	if (!err && job->erase)
		err = gw_sqlite_erase(db, job->erase);
	err = err ? err : gw_sqlite_put_once(db, job, now);
	if (!err && job->delivery)
		err = gw_sqlite_put_delivery(db, job->delivery);
	err = err ? err : gw_sqlite_put_who(db, job, now);
	return err ? err : gw_sqlite_put_tries(db, job);
}

static int sq_write(void *arg, struct gw_store_job *job,
		    const struct gw_store_now *now)
{
	struct gw_sqlite *db = arg;
	const uint64_t before = db->last_id;
	int err;

	if (!job->call || !job->call->insert) {
		if (job->dedupe || job->click ||
		    (job->idem && !job->idem->only_look && !job->idem->answer))
			return EINVAL;
	}

	/* it may be its second try */
	job->verdict = GW_IDEM_NEW;
	job->response = mem_deref(job->response);

	if (!db->careful)
		return write_parts(db, job, now);

	err = gw_sqlite_run(db, GW_SQL_SAVE);
	if (err)
		return err;

	err = write_parts(db, job, now);
	if (err) {
		db->last_id = before;
		if (sq_alive(db))
			(void)gw_sqlite_run(db, GW_SQL_UNDO);
	}
	if (sq_alive(db)) {
		const int released = gw_sqlite_run(db, GW_SQL_RELEASE);

		err = err ? err : released;
	}

	return err;
}

/* Keeping ------------------------------------------------------------------ */

static int raise_meta(struct gw_sqlite *db, const char *name, uint64_t value)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_META_RAISE);

	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, name);
	gw_sqlite_bind_int(stmt, 2, (int64_t)value);
	return gw_sqlite_step(db, stmt);
}

static int run_with(struct gw_sqlite *db, enum gw_sql which, int64_t first,
		    int64_t second)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, which);

	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, first);
	gw_sqlite_bind_int(stmt, 2, second);
	return gw_sqlite_step(db, stmt);
}

static int prune_calls(struct gw_sqlite *db, struct gw_store_slice *slice,
		       uint64_t *goneidp)
{
	int64_t nos[64];
	const uint32_t limit = slice->calls < ARRAY_SIZE(nos) ?
				       slice->calls :
				       (uint32_t)ARRAY_SIZE(nos);
	sqlite3_stmt *stmt = NULL;
	uint32_t n = 0;
	int err, rc;

	err = gw_sqlite_get(&stmt, db, GW_SQL_PRUNE_FIND);
	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, slice->before_ms);
	gw_sqlite_bind_int(stmt, 2, limit);
	while (n < limit && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		const uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 1);

		nos[n++] = sqlite3_column_int64(stmt, 0);
		*goneidp = id > *goneidp ? id : *goneidp;
	}
	err = gw_sqlite_end(db, stmt, n < limit ? rc : SQLITE_OK);

	for (uint32_t i = 0; !err && i < n; i++)
		err = run_with(db, GW_SQL_PRUNE_CALL, nos[i], 0);

	slice->more |= n == limit;
	return err;
}

static int prune_loose(struct gw_sqlite *db, struct gw_store_slice *slice,
		       uint64_t *goneidp)
{
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int err, rc;

	err = gw_sqlite_get(&stmt, db, GW_SQL_PRUNE_LOOSE_FIND);
	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, slice->before_ms);
	gw_sqlite_bind_int(stmt, 2, LOOSE_EVENTS);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 0);

		count = sqlite3_column_int64(stmt, 1);
		*goneidp = id > *goneidp ? id : *goneidp;
	}
	err = gw_sqlite_end(db, stmt, rc);

	if (!err && count)
		err = run_with(db, GW_SQL_PRUNE_LOOSE, slice->before_ms,
			       LOOSE_EVENTS);

	slice->more |= count == LOOSE_EVENTS;
	return err;
}

static int prune_once(struct gw_sqlite *db, struct gw_store_slice *slice)
{
	static const enum gw_sql which[] = {
		GW_SQL_PRUNE_IDEM,
		GW_SQL_PRUNE_DEDUPE,
		GW_SQL_PRUNE_CLICK,
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(which); i++) {
		err = run_with(db, which[i], slice->now_ms, slice->calls);
		if (!err && sqlite3_changes(db->sql) == (int)slice->calls)
			slice->more = true;
	}
	return err;
}

/* Refusals, and webhooks that came in. */
static int prune_logs(struct gw_sqlite *db, struct gw_store_slice *slice)
{
	static const enum gw_sql which[] = { GW_SQL_PRUNE_AUDIT,
					     GW_SQL_PRUNE_DELIVERY };
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(which); i++) {
		err = run_with(db, which[i], slice->before_ms, AUDIT_ROWS);
		if (!err && sqlite3_changes(db->sql) == AUDIT_ROWS)
			slice->more = true;
	}
	return err;
}

static int prune_parts(struct gw_sqlite *db, struct gw_store_slice *slice,
		       uint64_t *goneidp)
{
	int err = prune_once(db, slice);

	if (!err && slice->before_ms)
		err = prune_calls(db, slice, goneidp);
	if (!err && slice->before_ms)
		err = prune_loose(db, slice, goneidp);
	if (!err && slice->before_ms)
		err = prune_logs(db, slice);
	if (!err && *goneidp > db->pruned_id) {
		err = raise_meta(db, "pruned_event_id", *goneidp);
		err = err ? err : raise_meta(db, "last_event_id", db->last_id);
	}

	return err;
}

static int sq_prune(void *arg, struct gw_store_slice *slice)
{
	struct gw_sqlite *db = arg;
	uint64_t gone = 0;
	int err;

	slice->more = false;

	err = sq_begin(db, false);
	if (err)
		return err;

	err = prune_parts(db, slice, &gone);
	if (err) {
		sq_rollback(db);
		return err;
	}

	err = sq_commit(db);
	if (!err && gone > db->pruned_id)
		db->pruned_id = gone;
	return err;
}

/* 64 kB come and go, as much as a busy moment writes. */
static int sq_probe(void *arg)
{
	struct gw_sqlite *db = arg;
	const int err = gw_sqlite_run(db, GW_SQL_PROBE_PUT);

	return err ? err : gw_sqlite_run(db, GW_SQL_PROBE_TAKE);
}

const struct gw_store_engine gw_store_sqlite = {
	.scheme = "sqlite",
	.open = gw_sqlite_open,
	.close = gw_sqlite_close,
	.ids = sq_ids,
	.facts = gw_sqlite_facts,
	.begin = sq_begin,
	.commit = sq_commit,
	.rollback = sq_rollback,
	.write = sq_write,
	.alive = sq_alive,
	.chores = sq_chores,
	.tidy = sq_tidy,
	.prune = sq_prune,
	.probe = sq_probe,
	.read = gw_sqlite_read,
};
