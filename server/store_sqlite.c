/* The store's engine for one machine: SQLite in WAL mode, synchronous=FULL.
 *
 * Event ids are counted here and not by AUTOINCREMENT, which would write a row
 * more per commit: the newest one is max(id) of what is kept or, after retention
 * took the newest rows, the high-water mark that it leaves in meta. An id that
 * was rolled back is given again; nobody has seen it.
 *
 * A job is a savepoint, so that an error in it doesn't touch its neighbours. When
 * the disk is full SQLite may give up the whole transaction by itself: alive()
 * tells. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re.h>
#include <sqlite3.h>

#include "server/store_engine.h"

enum {
	APPLICATION_ID = 0x42505331, /* "BPS1" */
	BUSY_MS = 5000,
	CHECK_WHOLE_BYTES = 32 << 20, /* up to here a check at start is quick */
	LIST_MAX = 1000,
	LOOSE_EVENTS = 200, /* events of no call that one slice takes */
};

/* Migrations: number n brings user_version from n to n + 1. Never change one
 * that was released; add. */
static const char *const migrations[] = {
	"CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
	"INSERT INTO meta VALUES ('last_event_id', 0), ('pruned_event_id', 0);"

	"CREATE TABLE calls ("
	" no INTEGER PRIMARY KEY,"
	" id TEXT NOT NULL UNIQUE,"
	" project TEXT, line TEXT, \"to\" TEXT, \"from\" TEXT,"
	" status TEXT NOT NULL, state TEXT NOT NULL,"
	" created_at INTEGER NOT NULL, ended_at INTEGER,"
	" seq INTEGER NOT NULL, last_event_id INTEGER NOT NULL,"
	" dialog TEXT, snapshot TEXT NOT NULL);"
	"CREATE INDEX calls_open ON calls (id) WHERE ended_at IS NULL;"
	"CREATE INDEX calls_ended ON calls (ended_at)"
	" WHERE ended_at IS NOT NULL;"
	"CREATE INDEX calls_to ON calls (\"to\", id);"
	"CREATE INDEX calls_from ON calls (\"from\", id)"
	" WHERE \"from\" IS NOT NULL;"

	"CREATE TABLE ladders ("
	" no INTEGER PRIMARY KEY REFERENCES calls (no) ON DELETE CASCADE,"
	" ladder TEXT NOT NULL);"

	"CREATE TABLE events ("
	" id INTEGER PRIMARY KEY,"
	" call_id TEXT REFERENCES calls (id) ON DELETE CASCADE,"
	" seq INTEGER, type TEXT NOT NULL, at INTEGER NOT NULL,"
	" suffix TEXT NOT NULL);"
	"CREATE INDEX events_call ON events (call_id)"
	" WHERE call_id IS NOT NULL;"
	"CREATE INDEX events_loose ON events (at) WHERE call_id IS NULL;"

	"CREATE TABLE idempotency ("
	" scope_key TEXT PRIMARY KEY, body_sha256 BLOB NOT NULL,"
	" call_id TEXT NOT NULL, response TEXT NOT NULL,"
	" expires_at INTEGER NOT NULL);"
	"CREATE INDEX idempotency_expires ON idempotency (expires_at);",
};

/* Statements that are used again and again, prepared when first needed. */
enum statement {
	BEGIN,
	COMMIT,
	ROLLBACK,
	SAVE,
	RELEASE,
	UNDO,
	IDEM_FIND,
	IDEM_PUT,
	CALL_INSERT,
	CALL_UPDATE,
	LADDER_PUT,
	EVENT_INSERT,
	PRUNE_FIND,
	PRUNE_CALL,
	PRUNE_LOOSE_FIND,
	PRUNE_LOOSE,
	PRUNE_IDEM,
	META_RAISE,
	PROBE_PUT,
	PROBE_TAKE,
	READ_CALL,
	READ_OPEN,
	READ_EVENTS,
	READ_CALL_EVENTS,
	STATEMENT_COUNT
};

#define ROW_COLUMNS                                                       \
	"c.id, c.created_at, c.ended_at, c.seq, c.last_event_id, c.line," \
	" c.project, c.snapshot"

static const char *const texts[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[SAVE] = "SAVEPOINT job",
	[RELEASE] = "RELEASE job",
	[UNDO] = "ROLLBACK TO job",
	[IDEM_FIND] = "SELECT body_sha256, call_id, response FROM idempotency"
		      " WHERE scope_key = ?1 AND expires_at > ?2",
	[IDEM_PUT] = "INSERT OR REPLACE INTO idempotency (scope_key,"
		     " body_sha256, call_id, response, expires_at)"
		     " VALUES (?1, ?2, ?3, ?4, ?5)",
	[CALL_INSERT] = "INSERT INTO calls (id, status, state, ended_at, seq,"
			" last_event_id, snapshot, dialog, created_at, \"to\","
			" \"from\", line, project)"
			" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	[CALL_UPDATE] =
		"UPDATE calls SET status = coalesce(?2, status),"
		" state = coalesce(?3, state),"
		" ended_at = coalesce(?4, ended_at), seq = max(?5, seq),"
		" last_event_id = max(?6, last_event_id),"
		" snapshot = coalesce(?7, snapshot),"
		" dialog = CASE WHEN ?4 IS NULL THEN coalesce(?8, dialog) END"
		" WHERE id = ?1",
	[LADDER_PUT] = "INSERT OR REPLACE INTO ladders (no, ladder)"
		       " SELECT no, ?2 FROM calls WHERE id = ?1",
	[EVENT_INSERT] = "INSERT INTO events (id, call_id, seq, type, at,"
			 " suffix) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[PRUNE_FIND] = "SELECT no, last_event_id FROM calls"
		       " WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2",
	[PRUNE_CALL] = "DELETE FROM calls WHERE no = ?1",
	[PRUNE_LOOSE_FIND] = "SELECT max(id), count(*) FROM (SELECT id"
			     " FROM events WHERE call_id IS NULL AND at < ?1"
			     " ORDER BY at LIMIT ?2)",
	[PRUNE_LOOSE] = "DELETE FROM events WHERE id IN (SELECT id"
			" FROM events WHERE call_id IS NULL AND at < ?1"
			" ORDER BY at LIMIT ?2)",
	[PRUNE_IDEM] = "DELETE FROM idempotency WHERE rowid IN (SELECT rowid"
		       " FROM idempotency WHERE expires_at <= ?1 LIMIT ?2)",
	[META_RAISE] = "UPDATE meta SET value = max(value, ?2)"
		       " WHERE name = ?1",
	[PROBE_PUT] = "INSERT OR REPLACE INTO meta (name, value)"
		      " VALUES ('probe', randomblob(65536))",
	[PROBE_TAKE] = "DELETE FROM meta WHERE name = 'probe'",
	[READ_CALL] = "SELECT " ROW_COLUMNS ", c.dialog, l.ladder FROM calls c"
		      " LEFT JOIN ladders l ON l.no = c.no WHERE c.id = ?1",
	[READ_OPEN] = "SELECT " ROW_COLUMNS ", c.dialog FROM calls c"
		      " WHERE c.ended_at IS NULL ORDER BY c.id",
	[READ_EVENTS] = "SELECT id, call_id, type, suffix FROM events"
			" WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
	[READ_CALL_EVENTS] = "SELECT id, call_id, type, suffix FROM events"
			     " WHERE call_id = ?4 AND id > ?1 AND id <= ?2"
			     " ORDER BY id LIMIT ?3",
};

struct db {
	sqlite3 *sql;
	int lock_fd; /* of the writer: nobody else writes; -1 */
	sqlite3_stmt *stmts[STATEMENT_COUNT];
	uint64_t last_id;   /* newest event id given */
	uint64_t begin_id;  /* the same when the transaction began */
	uint64_t pruned_id; /* newest that retention took */
};

/* SQLite, a little shorter ------------------------------------------------- */

static int to_errno(sqlite3 *sql, int rc)
{
	const int sys = sql ? sqlite3_system_errno(sql) : 0;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_CONSTRAINT:
		return EEXIST;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return sys ? sys : EIO;
	default:
		return EINVAL;
	}
}

static int stmt_get(sqlite3_stmt **stmtp, struct db *db, enum statement which)
{
	int rc;

	if (!db->stmts[which]) {
		rc = sqlite3_prepare_v3(db->sql, texts[which], -1,
					SQLITE_PREPARE_PERSISTENT,
					&db->stmts[which], NULL);
		if (rc != SQLITE_OK)
			return to_errno(db->sql, rc);
	}

	*stmtp = db->stmts[which];
	return 0;
}

/* A statement's end: its error, and it is fit for its next use. */
static int stmt_end(struct db *db, sqlite3_stmt *stmt, int rc)
{
	const int err = to_errno(db->sql, rc);

	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return err;
}

/* For statements that return no rows. */
static int stmt_run(struct db *db, sqlite3_stmt *stmt)
{
	return stmt_end(db, stmt, sqlite3_step(stmt));
}

static int run(struct db *db, enum statement which)
{
	sqlite3_stmt *stmt = NULL;
	const int err = stmt_get(&stmt, db, which);

	return err ? err : stmt_run(db, stmt);
}

/* Bound buffers outlive the statement's run: SQLITE_STATIC. An empty string is
 * none. */
static void bind_str(sqlite3_stmt *stmt, int no, const char *str)
{
	if (str && *str)
		(void)sqlite3_bind_text(stmt, no, str, -1, SQLITE_STATIC);
}

static void bind_mbuf(sqlite3_stmt *stmt, int no, const struct mbuf *mb)
{
	if (mb)
		(void)sqlite3_bind_text(stmt, no, (const char *)mb->buf,
					(int)mb->end, SQLITE_STATIC);
}

static void bind_int(sqlite3_stmt *stmt, int no, int64_t num)
{
	(void)sqlite3_bind_int64(stmt, no, num);
}

static int column_mbuf(struct mbuf **mbp, sqlite3_stmt *stmt, int no)
{
	const void *text = sqlite3_column_text(stmt, no);
	const size_t len = (size_t)sqlite3_column_bytes(stmt, no);
	struct mbuf *mb;

	if (!text)
		return 0;

	mb = mbuf_alloc(len ? len : 1);
	if (!mb)
		return ENOMEM;

	(void)mbuf_write_mem(mb, text, len);
	mb->pos = 0;
	*mbp = mb;
	return 0;
}

static int column_str(char **strp, sqlite3_stmt *stmt, int no)
{
	const void *text = sqlite3_column_text(stmt, no);

	return text ? str_dup(strp, text) : 0;
}

static void column_copy(char *buf, size_t size, sqlite3_stmt *stmt, int no)
{
	const void *text = sqlite3_column_text(stmt, no);

	if (text)
		str_ncpy(buf, text, size);
}

/* One number out of one row; 0 when there is none. */
static int get_number(struct db *db, const char *sql, int64_t *nump)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return to_errno(db->sql, rc);

	rc = sqlite3_step(stmt);
	*nump = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_finalize(stmt);

	return to_errno(db->sql, rc);
}

/* Opening ------------------------------------------------------------------ */

static void sq_close(void *arg)
{
	struct db *db = arg;

	for (size_t i = 0; i < STATEMENT_COUNT; i++)
		(void)sqlite3_finalize(db->stmts[i]);
	(void)sqlite3_close(db->sql);

	/* after SQLite: closing any fd of a file ends its own locks on it */
	if (db->lock_fd >= 0)
		(void)close(db->lock_fd);
	mem_deref(db);
}

static int complain(char *why, size_t size, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int complain(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}

/* One gateway writes: two would give the same event ids. flock() and not
 * fcntl(), whose locks on this file are SQLite's. */
static int lock_file(struct db *db, const char *path, char *why, size_t size)
{
	int err;

	db->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (db->lock_fd < 0) {
		err = errno;
		return complain(why, size, err,
				"the database %s can't be opened: %s", path,
				strerror(err));
	}

	if (flock(db->lock_fd, LOCK_EX | LOCK_NB) && errno == EWOULDBLOCK)
		return complain(why, size, EBUSY,
				"the database %s is in use by another bellpull",
				path);

	return 0;
}

static int complain_of_file(struct db *db, const char *path, int err, char *why,
			    size_t size)
{
	if (err == EBADMSG)
		return complain(why, size, err,
				"the database %s is damaged or is no database "
				"(%s): restore it from a backup, or move it "
				"away to begin with an empty one",
				path, sqlite3_errmsg(db->sql));

	return complain(why, size, err, "the database %s can't be used: %s",
			path,
			db->sql ? sqlite3_errmsg(db->sql) : strerror(err));
}

static bool is_empty(struct db *db)
{
	int64_t tables = 1;

	return !get_number(db, "SELECT count(*) FROM sqlite_schema", &tables) &&
	       !tables;
}

static int check_ours(struct db *db, const char *path, char *why, size_t size)
{
	const int64_t known = (int64_t)ARRAY_SIZE(migrations);
	int64_t app = 0, version = 0, tables = 0;
	int err;

	err = get_number(db, "PRAGMA application_id", &app);
	err = err ? err : get_number(db, "PRAGMA user_version", &version);
	err = err ? err :
		    get_number(db, "SELECT count(*) FROM sqlite_schema",
			       &tables);
	if (err)
		return complain_of_file(db, path, err, why, size);

	if (app != APPLICATION_ID && (app || tables))
		return complain(why, size, EINVAL,
				"%s is a database of another program", path);

	if (version > known)
		return complain(why, size, EINVAL,
				"the database %s has version %" PRId64
				", this bellpull knows up to %" PRId64
				": run the newer one, or restore a backup",
				path, version, known);

	return 0;
}

/* quick_check reads all of it, which is affordable while it is small. Of a big
 * one the parts that are read anyway must do. */
static int check_whole(struct db *db, const char *path, char *why, size_t size)
{
	sqlite3_stmt *stmt = NULL;
	struct stat st;
	bool ok;
	int rc;

	if (stat(path, &st) || st.st_size > CHECK_WHOLE_BYTES)
		return 0;

	rc = sqlite3_prepare_v2(db->sql, "PRAGMA quick_check(1)", -1, &stmt,
				NULL);
	if (rc != SQLITE_OK)
		return complain_of_file(db, path, to_errno(db->sql, rc), why,
					size);

	rc = sqlite3_step(stmt);
	ok = rc == SQLITE_ROW &&
	     0 == str_cmp((const char *)sqlite3_column_text(stmt, 0), "ok");
	if (!ok)
		(void)complain(why, size, EBADMSG,
			       "the database %s is damaged (%s): restore it "
			       "from a backup, or move it away to begin with "
			       "an empty one",
			       path,
			       rc == SQLITE_ROW ?
				       (const char *)sqlite3_column_text(stmt,
									 0) :
				       sqlite3_errmsg(db->sql));
	(void)sqlite3_finalize(stmt);

	return ok ? 0 : EBADMSG;
}

static int set_up(struct db *db, bool writing)
{
	static const char *const writer[] = {
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA journal_size_limit = 67108864",
		"PRAGMA temp_store = MEMORY",
		NULL,
	};
	static const char *const reader[] = {
		"PRAGMA query_only = ON",
		"PRAGMA cache_size = -1024",
		"PRAGMA temp_store = MEMORY",
		NULL,
	};

	for (const char *const *p = writing ? writer : reader; *p; p++) {
		const int rc = sqlite3_exec(db->sql, *p, NULL, NULL, NULL);

		if (rc != SQLITE_OK)
			return to_errno(db->sql, rc);
	}

	return 0;
}

static int migrate(struct db *db)
{
	int64_t version;
	char sql[96];
	int err, rc;

	err = get_number(db, "PRAGMA user_version", &version);
	if (err)
		return err;

	for (; (size_t)version < ARRAY_SIZE(migrations); version++) {
		(void)snprintf(sql, sizeof(sql),
			       "PRAGMA application_id = %d;"
			       "PRAGMA user_version = %" PRId64 ";COMMIT",
			       APPLICATION_ID, version + 1);

		rc = sqlite3_exec(db->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db->sql, migrations[version], NULL,
					  NULL, NULL);
		if (rc == SQLITE_OK)
			rc = sqlite3_exec(db->sql, sql, NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			return to_errno(db->sql, rc);
	}

	return 0;
}

static int read_ids(struct db *db)
{
	int64_t last = 0, newest = 0, pruned = 0;
	int err;

	err = get_number(db,
			 "SELECT value FROM meta WHERE name = 'last_event_id'",
			 &last);
	err = err ? err : get_number(db, "SELECT max(id) FROM events", &newest);
	err = err ? err :
		    get_number(db,
			       "SELECT value FROM meta"
			       " WHERE name = 'pruned_event_id'",
			       &pruned);

	db->last_id = (uint64_t)(newest > last ? newest : last);
	db->pruned_id = (uint64_t)pruned;
	return err;
}

/* Order: is it ours, is it whole, and only then is anything written. */
static int prepare_writer(struct db *db, const char *path, char *why,
			  size_t size)
{
	int err;

	err = check_ours(db, path, why, size);
	if (err)
		return err;

	if (!is_empty(db)) {
		err = check_whole(db, path, why, size);
		if (err)
			return err;
	}

	err = set_up(db, true);
	err = err ? err : migrate(db);
	err = err ? err : read_ids(db);
	if (err)
		return complain_of_file(db, path, err, why, size);

	return 0;
}

static int sq_open(void **dbp, const char *path, bool writing, char *why,
		   size_t size)
{
	struct db *db;
	int err, rc;

	db = mem_zalloc(sizeof(*db), NULL);
	if (!db)
		return complain(why, size, ENOMEM, "no memory for the store");
	db->lock_fd = -1;

	if (writing) {
		err = lock_file(db, path, why, size);
		if (err)
			goto out;
	}

	rc = sqlite3_open_v2(path, &db->sql,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		err = complain_of_file(db, path, to_errno(db->sql, rc), why,
				       size);
		goto out;
	}
	(void)sqlite3_extended_result_codes(db->sql, 1);
	(void)sqlite3_busy_timeout(db->sql, BUSY_MS);

	if (writing) {
		err = prepare_writer(db, path, why, size);
	} else {
		err = set_up(db, false);
		if (err)
			(void)complain_of_file(db, path, err, why, size);
	}

out:
	if (err)
		sq_close(db);
	else
		*dbp = db;
	return err;
}

static void sq_ids(void *arg, uint64_t *headp, uint64_t *prunedp)
{
	const struct db *db = arg;

	*headp = db->last_id;
	*prunedp = db->pruned_id;
}

/* Writing ------------------------------------------------------------------ */

static bool sq_alive(void *arg)
{
	struct db *db = arg;

	return !sqlite3_get_autocommit(db->sql);
}

static int sq_begin(void *arg)
{
	struct db *db = arg;

	db->begin_id = db->last_id;
	return run(db, BEGIN);
}

static void sq_rollback(void *arg)
{
	struct db *db = arg;

	if (sq_alive(db))
		(void)run(db, ROLLBACK);
	db->last_id = db->begin_id;
}

static int sq_commit(void *arg)
{
	struct db *db = arg;
	const int err = run(db, COMMIT);

	if (err)
		sq_rollback(db);
	return err;
}

/* Sets job->verdict; for REPLAY also what the first one was told. */
static int find_idem(struct db *db, struct gw_store_job *job, int64_t now_ms)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc;

	err = stmt_get(&stmt, db, IDEM_FIND);
	if (err)
		return err;

	bind_str(stmt, 1, job->idem->scope_key);
	bind_int(stmt, 2, now_ms);

	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW)
		return stmt_end(db, stmt, rc);

	if (sqlite3_column_bytes(stmt, 0) != sizeof(job->idem->body_sha256) ||
	    memcmp(sqlite3_column_blob(stmt, 0), job->idem->body_sha256,
		   sizeof(job->idem->body_sha256)) != 0) {
		job->verdict = GW_IDEM_MISMATCH;
	} else {
		job->verdict = GW_IDEM_REPLAY;
		column_copy(job->call_id, sizeof(job->call_id), stmt, 1);
		err = column_mbuf(&job->response, stmt, 2);
	}

	(void)stmt_end(db, stmt, SQLITE_OK);
	return err;
}

static int put_idem(struct db *db, const struct gw_store_job *job,
		    const struct gw_store_now *now)
{
	const struct mbuf *snapshot = job->call->snapshot;
	struct mbuf *response;
	sqlite3_stmt *stmt = NULL;
	int err;

	response = mbuf_alloc(snapshot->end + 48);
	if (!response)
		return ENOMEM;

	err = gw_store_snapshot_json(response, snapshot->buf, snapshot->end,
				     job->last_event_id);
	if (err)
		goto out;

	err = stmt_get(&stmt, db, IDEM_PUT);
	if (err)
		goto out;

	bind_str(stmt, 1, job->idem->scope_key);
	(void)sqlite3_bind_blob(stmt, 2, job->idem->body_sha256,
				sizeof(job->idem->body_sha256), SQLITE_STATIC);
	bind_str(stmt, 3, job->call->id);
	bind_mbuf(stmt, 4, response);
	bind_int(stmt, 5, now->now_ms + now->idempotency_ms);
	err = stmt_run(db, stmt);

out:
	mem_deref(response);
	return err;
}

static int put_ladder(struct db *db, const struct gw_store_call *call)
{
	sqlite3_stmt *stmt = NULL;
	const int err = stmt_get(&stmt, db, LADDER_PUT);

	if (err)
		return err;

	bind_str(stmt, 1, call->id);
	bind_mbuf(stmt, 2, call->ladder);
	return stmt_run(db, stmt);
}

static int put_call(struct db *db, const struct gw_store_call *call,
		    uint64_t last_event_id)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = stmt_get(&stmt, db, call->insert ? CALL_INSERT : CALL_UPDATE);
	if (err)
		return err;

	bind_str(stmt, 1, call->id);
	bind_str(stmt, 2, call->status);
	bind_str(stmt, 3, call->state);
	if (call->ended_at_ms)
		bind_int(stmt, 4, call->ended_at_ms);
	bind_int(stmt, 5, call->seq);
	bind_int(stmt, 6, (int64_t)last_event_id);
	bind_mbuf(stmt, 7, call->snapshot);
	bind_mbuf(stmt, 8, call->dialog);
	if (call->insert) {
		bind_int(stmt, 9, call->created_at_ms);
		bind_str(stmt, 10, call->to);
		bind_str(stmt, 11, call->from);
		bind_str(stmt, 12, call->line);
		bind_str(stmt, 13, call->project);
	}

	err = stmt_run(db, stmt);
	if (!err && !call->insert && !sqlite3_changes(db->sql))
		err = ENOENT;
	if (!err && call->ladder)
		err = put_ladder(db, call);

	return err;
}

static int put_event(struct db *db, struct gw_store_event *ev)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = stmt_get(&stmt, db, EVENT_INSERT);
	if (err)
		return err;

	ev->id = ++db->last_id;
	bind_int(stmt, 1, (int64_t)ev->id);
	bind_str(stmt, 2, ev->call_id);
	if (ev->seq >= 0)
		bind_int(stmt, 3, ev->seq);
	bind_str(stmt, 4, ev->type);
	bind_int(stmt, 5, ev->at_ms);
	bind_mbuf(stmt, 6, ev->suffix);

	return stmt_run(db, stmt);
}

static int write_parts(struct db *db, struct gw_store_job *job,
		       const struct gw_store_now *now)
{
	const uint64_t last =
		job->event_count ? db->last_id + job->event_count : 0;
	int err = 0;

	if (job->idem)
		err = find_idem(db, job, now->now_ms);
	if (err || job->verdict != GW_IDEM_NEW)
		return err;

	job->last_event_id = last;
	if (job->call)
		err = put_call(db, job->call, last);

	for (size_t i = 0; !err && i < job->event_count; i++)
		err = put_event(db, &job->events[i]);

	if (!err && job->idem)
		err = put_idem(db, job, now);

	return err;
}

static int sq_write(void *arg, struct gw_store_job *job,
		    const struct gw_store_now *now)
{
	struct db *db = arg;
	const uint64_t before = db->last_id;
	int err;

	if (job->idem && (!job->call || !job->call->insert))
		return EINVAL;

	/* it may be its second try */
	job->verdict = GW_IDEM_NEW;
	job->response = mem_deref(job->response);

	err = run(db, SAVE);
	if (err)
		return err;

	err = write_parts(db, job, now);
	if (err) {
		db->last_id = before;
		if (sq_alive(db))
			(void)run(db, UNDO);
	}
	if (sq_alive(db)) {
		const int released = run(db, RELEASE);

		err = err ? err : released;
	}

	return err;
}

/* Keeping ------------------------------------------------------------------ */

static int raise_meta(struct db *db, const char *name, uint64_t value)
{
	sqlite3_stmt *stmt = NULL;
	const int err = stmt_get(&stmt, db, META_RAISE);

	if (err)
		return err;

	bind_str(stmt, 1, name);
	bind_int(stmt, 2, (int64_t)value);
	return stmt_run(db, stmt);
}

static int run_with(struct db *db, enum statement which, int64_t first,
		    int64_t second)
{
	sqlite3_stmt *stmt = NULL;
	const int err = stmt_get(&stmt, db, which);

	if (err)
		return err;

	bind_int(stmt, 1, first);
	bind_int(stmt, 2, second);
	return stmt_run(db, stmt);
}

static int prune_calls(struct db *db, struct gw_store_slice *slice,
		       uint64_t *goneidp)
{
	int64_t nos[64];
	const uint32_t limit = slice->calls < ARRAY_SIZE(nos) ?
				       slice->calls :
				       (uint32_t)ARRAY_SIZE(nos);
	sqlite3_stmt *stmt = NULL;
	uint32_t n = 0;
	int err, rc;

	err = stmt_get(&stmt, db, PRUNE_FIND);
	if (err)
		return err;

	bind_int(stmt, 1, slice->before_ms);
	bind_int(stmt, 2, limit);
	while (n < limit && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		const uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 1);

		nos[n++] = sqlite3_column_int64(stmt, 0);
		*goneidp = id > *goneidp ? id : *goneidp;
	}
	err = stmt_end(db, stmt, n < limit ? rc : SQLITE_OK);

	for (uint32_t i = 0; !err && i < n; i++)
		err = run_with(db, PRUNE_CALL, nos[i], 0);

	slice->more |= n == limit;
	return err;
}

static int prune_loose(struct db *db, struct gw_store_slice *slice,
		       uint64_t *goneidp)
{
	sqlite3_stmt *stmt = NULL;
	int64_t count = 0;
	int err, rc;

	err = stmt_get(&stmt, db, PRUNE_LOOSE_FIND);
	if (err)
		return err;

	bind_int(stmt, 1, slice->before_ms);
	bind_int(stmt, 2, LOOSE_EVENTS);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		const uint64_t id = (uint64_t)sqlite3_column_int64(stmt, 0);

		count = sqlite3_column_int64(stmt, 1);
		*goneidp = id > *goneidp ? id : *goneidp;
	}
	err = stmt_end(db, stmt, rc);

	if (!err && count)
		err = run_with(db, PRUNE_LOOSE, slice->before_ms, LOOSE_EVENTS);

	slice->more |= count == LOOSE_EVENTS;
	return err;
}

static int prune_idem(struct db *db, struct gw_store_slice *slice)
{
	const int err = run_with(db, PRUNE_IDEM, slice->now_ms, slice->calls);

	if (!err && sqlite3_changes(db->sql) == (int)slice->calls)
		slice->more = true;
	return err;
}

static int prune_parts(struct db *db, struct gw_store_slice *slice,
		       uint64_t *goneidp)
{
	int err = prune_idem(db, slice);

	if (!err && slice->before_ms)
		err = prune_calls(db, slice, goneidp);
	if (!err && slice->before_ms)
		err = prune_loose(db, slice, goneidp);
	if (!err && *goneidp > db->pruned_id) {
		err = raise_meta(db, "pruned_event_id", *goneidp);
		err = err ? err : raise_meta(db, "last_event_id", db->last_id);
	}

	return err;
}

static int sq_prune(void *arg, struct gw_store_slice *slice)
{
	struct db *db = arg;
	uint64_t gone = 0;
	int err;

	slice->more = false;

	err = sq_begin(db);
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
	struct db *db = arg;
	const int err = run(db, PROBE_PUT);

	return err ? err : run(db, PROBE_TAKE);
}

/* Reading ------------------------------------------------------------------ */

/* Room for one more; grows by doubling. */
static void *grow(void **arrayp, size_t count, size_t size)
{
	size_t room = 16;

	if (!*arrayp) {
		*arrayp = mem_zalloc(room * size, NULL);
	} else if (count >= room && !(count & (count - 1))) {
		void *bigger = mem_zalloc(2 * count * size, NULL);

		if (!bigger)
			return NULL;
		memcpy(bigger, *arrayp, count * size);
		mem_deref(*arrayp);
		*arrayp = bigger;
	}

	return *arrayp ? (uint8_t *)*arrayp + count * size : NULL;
}

/* ROW_COLUMNS, and behind them dialog and ladder where there are some. */
static int read_row(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	const int columns = sqlite3_column_count(stmt);
	struct gw_store_row *row;
	const void *snapshot;
	size_t len;
	int err;

	row = grow((void **)&rd->rows, rd->row_count, sizeof(*row));
	if (!row)
		return ENOMEM;
	rd->row_count++;

	column_copy(row->id, sizeof(row->id), stmt, 0);
	row->created_at_ms = sqlite3_column_int64(stmt, 1);
	row->ended_at_ms = sqlite3_column_int64(stmt, 2);
	row->seq = sqlite3_column_int64(stmt, 3);
	row->last_event_id = (uint64_t)sqlite3_column_int64(stmt, 4);
	err = column_str(&row->line, stmt, 5);
	err = err ? err : column_str(&row->project, stmt, 6);
	if (err)
		return err;

	snapshot = sqlite3_column_text(stmt, 7);
	len = (size_t)sqlite3_column_bytes(stmt, 7);
	row->snapshot = mbuf_alloc(len + 48);
	if (!snapshot || !row->snapshot)
		return ENOMEM;
	err = gw_store_snapshot_json(row->snapshot, snapshot, len,
				     row->last_event_id);
	row->snapshot->pos = 0;

	if (!err && columns > 8)
		err = column_mbuf(&row->dialog, stmt, 8);
	if (!err && columns > 9)
		err = column_mbuf(&row->ladder, stmt, 9);
	return err;
}

/* All rows of stmt, at most limit: one more tells that there are more. */
static int read_rows(struct db *db, struct gw_store_read *rd,
		     sqlite3_stmt *stmt, size_t limit)
{
	int err = 0, rc = SQLITE_DONE;

	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		if (rd->row_count == limit) {
			rd->more = true;
			break;
		}
		err = read_row(rd, stmt);
	}

	return err ? err : to_errno(db->sql, rc);
}

static int read_call(struct db *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = stmt_get(&stmt, db, READ_CALL);
	if (err)
		return err;

	bind_str(stmt, 1, rd->call_id);
	err = read_rows(db, rd, stmt, 1);
	(void)stmt_end(db, stmt, SQLITE_OK);

	return !err && !rd->row_count ? ENOENT : err;
}

static int read_open(struct db *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = stmt_get(&stmt, db, READ_OPEN);
	if (err)
		return err;

	err = read_rows(db, rd, stmt, SIZE_MAX);
	(void)stmt_end(db, stmt, SQLITE_OK);
	return err;
}

/* Ids begin with their time (ULID): the lowest one of a moment, so that a list
 * since then needn't look at what is older. */
static void lowest_id(char id[GW_STORE_ID_SIZE], int64_t ms)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	enum { PREFIX = 5, TIME_DIGITS = 10 };

	memcpy(id, "call_", PREFIX);
	for (int i = TIME_DIGITS - 1; i >= 0; i--) {
		id[PREFIX + i] = digits[ms & 31];
		ms >>= 5;
	}
	id[PREFIX + TIME_DIGITS] = '\0';
}

static int prepare_list(sqlite3_stmt **stmtp, struct db *db,
			const struct gw_store_read *rd, const char *lowest)
{
	const struct {
		const char *term;
		const char *value;
	} filters[] = {
		{ " AND c.\"to\" = ?", rd->to },
		{ " AND c.\"from\" = ?", rd->from },
		{ " AND c.line = ?", rd->line },
		{ " AND c.project = ?", rd->project },
		{ " AND c.status = ?", rd->status },
		{ " AND c.id < ?", rd->cursor[0] ? rd->cursor : NULL },
		{ " AND c.id >= ?", lowest[0] ? lowest : NULL },
	};
	char sql[512] = "SELECT " ROW_COLUMNS " FROM calls c WHERE 1";
	int rc, no = 1;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].value)
			strncat(sql, filters[i].term,
				sizeof(sql) - strlen(sql) - 1);
	strncat(sql, " ORDER BY c.id DESC LIMIT ?",
		sizeof(sql) - strlen(sql) - 1);

	rc = sqlite3_prepare_v2(db->sql, sql, -1, stmtp, NULL);
	if (rc != SQLITE_OK)
		return to_errno(db->sql, rc);

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].value)
			(void)sqlite3_bind_text(*stmtp, no++, filters[i].value,
						-1, SQLITE_TRANSIENT);
	bind_int(*stmtp, no, (int64_t)rd->limit + 1);

	return 0;
}

static int read_list(struct db *db, struct gw_store_read *rd)
{
	char lowest[GW_STORE_ID_SIZE] = "";
	sqlite3_stmt *stmt = NULL;
	int err;

	if (!rd->limit || rd->limit > LIST_MAX)
		rd->limit = LIST_MAX;
	if (rd->since_ms > 0)
		lowest_id(lowest, rd->since_ms);

	err = prepare_list(&stmt, db, rd, lowest);
	if (err)
		return err;

	err = read_rows(db, rd, stmt, rd->limit);
	(void)sqlite3_finalize(stmt);
	return err;
}

static int read_event(struct gw_store_read *rd, sqlite3_stmt *stmt,
		      size_t *bytesp)
{
	const void *suffix = sqlite3_column_text(stmt, 3);
	const size_t len = (size_t)sqlite3_column_bytes(stmt, 3);
	struct gw_store_read_event *ev;
	int err;

	ev = grow((void **)&rd->events, rd->event_count, sizeof(*ev));
	if (!ev || !suffix)
		return ENOMEM;
	rd->event_count++;

	ev->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	column_copy(ev->call_id, sizeof(ev->call_id), stmt, 1);
	column_copy(ev->type, sizeof(ev->type), stmt, 2);

	ev->json = mbuf_alloc(len + 64);
	if (!ev->json)
		return ENOMEM;

	err = gw_store_event_json(ev->json, ev->id, suffix, len);
	ev->json->pos = 0;
	*bytesp += ev->json->end;
	return err;
}

static int read_event_rows(struct db *db, struct gw_store_read *rd,
			   sqlite3_stmt *stmt)
{
	int err = 0, rc = SQLITE_DONE;
	size_t bytes = 0;

	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		if (rd->event_count == rd->limit ||
		    (rd->max_bytes && bytes >= rd->max_bytes)) {
			rd->more = true;
			break;
		}
		err = read_event(rd, stmt, &bytes);
	}

	return err ? err : to_errno(db->sql, rc);
}

static int read_events(struct db *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	if (!rd->limit || rd->limit > LIST_MAX)
		rd->limit = LIST_MAX;

	err = stmt_get(&stmt, db,
		       rd->call_id[0] ? READ_CALL_EVENTS : READ_EVENTS);
	if (err)
		return err;

	bind_int(stmt, 1, (int64_t)rd->after_id);
	bind_int(stmt, 2, rd->upto_id ? (int64_t)rd->upto_id : INT64_MAX);
	bind_int(stmt, 3, (int64_t)rd->limit + 1);
	if (rd->call_id[0])
		bind_str(stmt, 4, rd->call_id);

	err = read_event_rows(db, rd, stmt);
	(void)stmt_end(db, stmt, SQLITE_OK);
	return err;
}

static int sq_read(void *arg, struct gw_store_read *rd)
{
	struct db *db = arg;

	switch (rd->what) {
	case GW_STORE_CALL:
		return read_call(db, rd);
	case GW_STORE_CALLS:
		return read_list(db, rd);
	case GW_STORE_OPEN_CALLS:
		return read_open(db, rd);
	case GW_STORE_EVENTS:
		return read_events(db, rd);
	}

	return EINVAL;
}

const struct gw_store_engine gw_store_sqlite = {
	.scheme = "sqlite",
	.open = sq_open,
	.close = sq_close,
	.ids = sq_ids,
	.begin = sq_begin,
	.commit = sq_commit,
	.rollback = sq_rollback,
	.write = sq_write,
	.alive = sq_alive,
	.prune = sq_prune,
	.probe = sq_probe,
	.read = sq_read,
};
