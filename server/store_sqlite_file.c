/* The SQLite engine's file: whose it is, whether it is whole, and its tables.
 *
 * Order: locked, looked at, and only then is anything written. What can't be
 * read is never begun anew. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <re.h>

#include "server/store_sqlite.h"

enum {
	APPLICATION_ID = 0x42505331,  /* "BPS1" */
	CHECK_WHOLE_BYTES = 32 << 20, /* up to here a check at start is quick */
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

	/* whose an event is; a line's that was not named is for those alone who
	 * may use every line */
	"ALTER TABLE events ADD project TEXT;"
	"ALTER TABLE events ADD line TEXT;"
	"UPDATE events SET project ="
	" (SELECT c.project FROM calls c WHERE c.id = events.call_id);"
	"UPDATE events SET line = '' WHERE type GLOB 'line.*';",

	/* a snapshot that an event has is kept there alone: calls.snapshot is
	 * empty then */
	"ALTER TABLE events ADD snapshot_at INTEGER;",

	/* who asked, and what limits count; what may happen once; refusals */
	"ALTER TABLE calls ADD \"key\" TEXT;"
	"ALTER TABLE calls ADD click TEXT;"
	"ALTER TABLE calls ADD client TEXT;"
	"ALTER TABLE calls ADD number TEXT;"
	"ALTER TABLE calls ADD from_number TEXT;"
	"ALTER TABLE calls ADD cost INTEGER;"
	"ALTER TABLE calls ADD seconds INTEGER;"
	"CREATE TABLE keys ("
	" name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE,"
	" project TEXT NOT NULL, scopes TEXT NOT NULL,"
	" lines TEXT, caller_ids TEXT, created_at INTEGER NOT NULL,"
	" expires_at INTEGER, used_at INTEGER,"
	" disabled INTEGER NOT NULL DEFAULT 0);"
	"INSERT INTO meta VALUES ('keys_version', 0);"
	"CREATE TABLE dedupe ("
	" scope_key TEXT PRIMARY KEY, call_id TEXT NOT NULL,"
	" expires_at INTEGER NOT NULL);"
	"CREATE INDEX dedupe_expires ON dedupe (expires_at);"
	"CREATE TABLE clicks ("
	" id TEXT PRIMARY KEY, uses INTEGER NOT NULL,"
	" expires_at INTEGER NOT NULL);"
	"CREATE INDEX clicks_expires ON clicks (expires_at);"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
	" code TEXT NOT NULL, rule TEXT, detail TEXT, \"key\" TEXT,"
	" project TEXT, client TEXT, request_id TEXT,"
	" \"to\" TEXT, \"from\" TEXT, line TEXT);"
	"CREATE INDEX audit_at ON audit (at);",

	/* webhooks that came in */
	"CREATE TABLE hook_deliveries ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL,"
	" hook TEXT NOT NULL, status INTEGER NOT NULL,"
	" verdict TEXT NOT NULL, detail TEXT, sha256 TEXT, calls TEXT,"
	" client TEXT, request_id TEXT);"
	"CREATE INDEX hook_deliveries_at ON hook_deliveries (at);"
	"CREATE INDEX hook_deliveries_hook ON hook_deliveries (hook, id);",

	/* the order of a call that waits for its time; NULL once it has begun */
	"ALTER TABLE calls ADD later TEXT;",

	/* whom events are told by HTTP. A delivery's number is its event's times a
	 * hundred and a place: no index is needed from one to the other */
	"CREATE TABLE outbox ("
	" id INTEGER PRIMARY KEY, endpoint TEXT NOT NULL, url TEXT,"
	" status INTEGER NOT NULL DEFAULT 0,"
	" attempts INTEGER NOT NULL DEFAULT 0,"
	" due_at INTEGER NOT NULL, done_at INTEGER);"
	"CREATE INDEX outbox_waiting ON outbox (id) WHERE status = 0;"
	"CREATE TABLE tries ("
	" delivery INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" at INTEGER NOT NULL, code INTEGER, took INTEGER, answer TEXT);"
	"CREATE INDEX tries_delivery ON tries (delivery);"
	"CREATE TRIGGER events_gone AFTER DELETE ON events BEGIN"
	" DELETE FROM outbox WHERE id >= old.id * 100"
	" AND id < old.id * 100 + 100;"
	" DELETE FROM tries WHERE delivery >= old.id * 100"
	" AND delivery < old.id * 100 + 100;"
	" END;"
	"CREATE TABLE endpoints ("
	" name TEXT PRIMARY KEY, disabled_at INTEGER, failing_since INTEGER,"
	" why TEXT) WITHOUT ROWID;"
	"ALTER TABLE calls ADD callback TEXT;",

	/* the dead are few, and looked for often */
	"CREATE INDEX outbox_dead ON outbox (id) WHERE status = 2;",
};

/* One number out of one row; 0 when there is none. */
static int get_number(struct gw_sqlite *db, const char *sql, int64_t *nump)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);
	if (rc != SQLITE_OK)
		return gw_sqlite_errno(db->sql, rc);

	rc = sqlite3_step(stmt);
	*nump = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	(void)sqlite3_finalize(stmt);

	return gw_sqlite_errno(db->sql, rc);
}

void gw_sqlite_close(void *arg)
{
	struct gw_sqlite *db = arg;

	for (size_t i = 0; i < GW_SQL_COUNT; i++)
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
static int lock_file(struct gw_sqlite *db, const char *path, char *why,
		     size_t size)
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

static int complain_of_file(struct gw_sqlite *db, const char *path, int err,
			    char *why, size_t size)
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

static bool is_empty(struct gw_sqlite *db)
{
	int64_t tables = 1;

	return !get_number(db, "SELECT count(*) FROM sqlite_schema", &tables) &&
	       !tables;
}

static int check_ours(struct gw_sqlite *db, const char *path, char *why,
		      size_t size)
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
static int check_whole(struct gw_sqlite *db, const char *path, char *why,
		       size_t size)
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
		return complain_of_file(db, path, gw_sqlite_errno(db->sql, rc),
					why, size);

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

static int set_up(struct gw_sqlite *db, bool writing)
{
	static const char *const writer[] = {
		"PRAGMA journal_mode = WAL",
		"PRAGMA synchronous = FULL",
		"PRAGMA foreign_keys = ON",
		"PRAGMA journal_size_limit = 67108864",
		"PRAGMA temp_store = MEMORY",
		"PRAGMA secure_delete = ON",
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
			return gw_sqlite_errno(db->sql, rc);
	}

	return 0;
}

static int migrate(struct gw_sqlite *db)
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
			return gw_sqlite_errno(db->sql, rc);
	}

	return 0;
}

static int read_ids(struct gw_sqlite *db)
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

static int count_pages(void *arg, sqlite3 *sql, const char *name, int pages)
{
	struct gw_sqlite *db = arg;

	(void)sql;
	(void)name;
	db->wal_pages = pages;
	return SQLITE_OK;
}

/* Order: is it ours, is it whole, and only then is anything written. */
static int prepare_writer(struct gw_sqlite *db, const char *path, char *why,
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
	(void)sqlite3_wal_hook(db->sql, count_pages, db);
	if (err)
		return complain_of_file(db, path, err, why, size);

	return 0;
}

/* Each connection has one thread, and nobody asks how much memory SQLite has: it
 * need not lock and count for every piece of it. Once, before the first one. */
static void quicken(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	(void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int gw_sqlite_visit(struct gw_sqlite **dbp, const char *path, char *why,
		    size_t size)
{
	struct gw_sqlite *db = mem_zalloc(sizeof(*db), NULL);
	int err, rc;

	if (!db)
		return complain(why, size, ENOMEM, "no memory for the store");
	db->lock_fd = -1;
	rc = sqlite3_open_v2(path, &db->sql,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	err = gw_sqlite_errno(db->sql, rc);
	if (err)
		(void)complain_of_file(db, path, err, why, size);
	else
		err = check_ours(db, path, why, size);
	if (!err) {
		(void)sqlite3_busy_timeout(db->sql, GW_SQLITE_BUSY_MS);
		err = gw_sqlite_errno(db->sql,
				      sqlite3_exec(db->sql,
						   "PRAGMA synchronous = FULL",
						   NULL, NULL, NULL));
	}
	if (err)
		gw_sqlite_close(db);
	else
		*dbp = db;
	return err;
}

int gw_sqlite_open(void **dbp, const char *path, bool writing, char *why,
		   size_t size)
{
	struct gw_sqlite *db;
	int err, rc;

	db = mem_zalloc(sizeof(*db), NULL);
	if (!db)
		return complain(why, size, ENOMEM, "no memory for the store");
	db->lock_fd = -1;
	quicken();

	if (writing) {
		err = lock_file(db, path, why, size);
		if (err)
			goto out;
	}

	rc = sqlite3_open_v2(path, &db->sql,
			     SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
	if (rc != SQLITE_OK) {
		err = complain_of_file(db, path, gw_sqlite_errno(db->sql, rc),
				       why, size);
		goto out;
	}
	(void)sqlite3_extended_result_codes(db->sql, 1);
	(void)sqlite3_busy_timeout(db->sql, GW_SQLITE_BUSY_MS);

	if (writing) {
		err = prepare_writer(db, path, why, size);
	} else {
		err = set_up(db, false);
		if (err)
			(void)complain_of_file(db, path, err, why, size);
	}

out:
	if (err)
		gw_sqlite_close(db);
	else
		*dbp = db;
	return err;
}
