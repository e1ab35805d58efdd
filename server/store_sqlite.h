/* The SQLite engine's inside: its connection and its statements, shared by
 * store_sqlite.c (writing, keeping), _file (opening), _read and _stmt. */
#ifndef BELLPULL_SERVER_STORE_SQLITE_H
#define BELLPULL_SERVER_STORE_SQLITE_H

#include <sqlite3.h>

#include "server/store_engine.h"

enum { GW_SQLITE_BUSY_MS = 5000 };

/* Statements that are used again and again, prepared when first needed. */
enum gw_sql {
	GW_SQL_BEGIN,
	GW_SQL_COMMIT,
	GW_SQL_ROLLBACK,
	GW_SQL_SAVE,
	GW_SQL_RELEASE,
	GW_SQL_UNDO,
	GW_SQL_IDEM_FIND,
	GW_SQL_IDEM_PUT,
	GW_SQL_DEDUPE_FIND,
	GW_SQL_DEDUPE_PUT,
	GW_SQL_CLICK_FIND,
	GW_SQL_CLICK_PUT,
	GW_SQL_AUDIT_PUT,
	GW_SQL_DELIVERY_PUT,
	GW_SQL_KEY_USED,
	GW_SQL_META_SET,
	GW_SQL_CALL_INSERT,
	GW_SQL_CALL_UPDATE,
	GW_SQL_LADDER_PUT,
	GW_SQL_EVENT_INSERT,
	GW_SQL_PRUNE_FIND,
	GW_SQL_PRUNE_CALL,
	GW_SQL_PRUNE_LOOSE_FIND,
	GW_SQL_PRUNE_LOOSE,
	GW_SQL_PRUNE_IDEM,
	GW_SQL_PRUNE_DEDUPE,
	GW_SQL_PRUNE_CLICK,
	GW_SQL_PRUNE_AUDIT,
	GW_SQL_PRUNE_DELIVERY,
	GW_SQL_META_RAISE,
	GW_SQL_PROBE_PUT,
	GW_SQL_PROBE_TAKE,
	GW_SQL_READ_CALL,
	GW_SQL_READ_OPEN,
	GW_SQL_READ_EVENTS,
	GW_SQL_READ_PROJECT_EVENTS,
	GW_SQL_READ_CALL_EVENTS,
	GW_SQL_READ_KEYS_VERSION,
	GW_SQL_READ_KEYS,
	GW_SQL_READ_AUDIT,
	GW_SQL_READ_USAGE,
	GW_SQL_READ_DELIVERIES,
	GW_SQL_OUTGOING_PUT,
	GW_SQL_OUTGOING_SET,
	GW_SQL_OUTGOING_BACK,
	GW_SQL_TRY_PUT,
	GW_SQL_ENDPOINT_PUT,
	GW_SQL_READ_OUTBOX,
	GW_SQL_READ_OUTBOX_DEAD,
	GW_SQL_READ_OUTBOX_CALL,
	GW_SQL_READ_DONE,
	GW_SQL_READ_DONE_DEAD,
	GW_SQL_READ_WAITING,
	GW_SQL_READ_ENDPOINTS,
	GW_SQL_COUNT
};

/* What gw_sqlite_read() makes an event from, and a row of a call. A snapshot that
 * the call's newest event has, too, is kept there alone: it begins at snapshot_at,
 * in bytes, and ends with ':', as the suffix does. */
#define GW_SQL_EVENT "id, call_id, type, suffix, project, line"
#define GW_SQL_ROW                                                                                    \
	"c.id, c.created_at, c.ended_at, c.seq, c.last_event_id, c.line,"                             \
	" c.project, c.\"key\", c.click, c.callback, CASE WHEN c.snapshot <> '' THEN c.snapshot ELSE" \
	" (SELECT substr(CAST(e.suffix AS BLOB), e.snapshot_at + 1)"                                  \
	" FROM events e WHERE e.id = c.last_event_id) END"

struct gw_sqlite {
	sqlite3 *sql;
	int lock_fd; /* of the writer: nobody else writes; -1 */
	sqlite3_stmt *stmts[GW_SQL_COUNT];
	uint64_t last_id;   /* newest event id given */
	uint64_t begin_id;  /* the same when the transaction began */
	uint64_t pruned_id; /* newest that retention took */
	bool careful;       /* a savepoint for each job of this transaction */
	int wal_pages;      /* that no checkpoint has seen */
	bool wipe;          /* what was erased is still in the WAL */
	bool wipe_tired;    /* that failed: not before the next commit */
};

/* 0 for what is no error. */
int gw_sqlite_errno(sqlite3 *sql, int rc);

/* The statement, ready to be bound; it lives with the connection. */
int gw_sqlite_get(sqlite3_stmt **stmtp, struct gw_sqlite *db,
		  enum gw_sql which);

/* A statement's end: tells rc as errno, and it is fit for its next use. */
int gw_sqlite_end(struct gw_sqlite *db, sqlite3_stmt *stmt, int rc);

/* For statements that return no rows: bound ones, and ones without values. */
int gw_sqlite_step(struct gw_sqlite *db, sqlite3_stmt *stmt);
int gw_sqlite_run(struct gw_sqlite *db, enum gw_sql which);

/* What is bound is not copied: it must outlive the statement's run. NULL and an
 * empty string are SQL's NULL. */
void gw_sqlite_bind_str(sqlite3_stmt *stmt, int no, const char *str);
void gw_sqlite_bind_mbuf(sqlite3_stmt *stmt, int no, const struct mbuf *mb);
void gw_sqlite_bind_int(sqlite3_stmt *stmt, int no, int64_t num);

/* Leave their out-parameter alone where the column is NULL. */
int gw_sqlite_column_mbuf(struct mbuf **mbp, sqlite3_stmt *stmt, int no);
int gw_sqlite_column_str(char **strp, sqlite3_stmt *stmt, int no);
void gw_sqlite_column_copy(char *buf, size_t size, sqlite3_stmt *stmt, int no);

/* store_sqlite_once.c: sets job->verdict; anything but GW_IDEM_NEW and nothing is
 * to be written. And what is kept when it was new. */
int gw_sqlite_find_once(struct gw_sqlite *db, struct gw_store_job *job,
			int64_t now_ms);
int gw_sqlite_put_once(struct gw_sqlite *db, const struct gw_store_job *job,
		       const struct gw_store_now *now);

/* store_sqlite_who.c: keys, refusals, use, and this gateway's own. */
int gw_sqlite_put_who(struct gw_sqlite *db, const struct gw_store_job *job,
		      const struct gw_store_now *now);
int gw_sqlite_facts(void *arg, struct gw_store_facts *facts);
int gw_sqlite_read_keys(struct gw_sqlite *db, struct gw_store_read *rd);
int gw_sqlite_read_audit(struct gw_sqlite *db, struct gw_store_read *rd);
int gw_sqlite_read_usage(struct gw_sqlite *db, struct gw_store_read *rd);

/* store_sqlite_erase.c: in the job's transaction. ENOENT: no call that has ended.
 * And what is left to be done after its commit. */
int gw_sqlite_erase(struct gw_sqlite *db, const struct gw_store_erase *erase);
void gw_sqlite_wipe(struct gw_sqlite *db);

/* store_sqlite_hooks.c: the log of webhooks that came in. */
int gw_sqlite_put_delivery(struct gw_sqlite *db,
			   const struct gw_store_delivery *d);
int gw_sqlite_read_deliveries(struct gw_sqlite *db, struct gw_store_read *rd);
/* store_sqlite_outbox.c: deliveries, what came of them, and their endpoints. */
int gw_sqlite_put_outbox(struct gw_sqlite *db, struct gw_store_event *ev);
int gw_sqlite_put_tries(struct gw_sqlite *db, struct gw_store_job *job);
int gw_sqlite_read_outbox(struct gw_sqlite *db, struct gw_store_read *rd);
int gw_sqlite_read_done(struct gw_sqlite *db, struct gw_store_read *rd);
int gw_sqlite_read_waiting(struct gw_sqlite *db, struct gw_store_read *rd);
int gw_sqlite_read_endpoints(struct gw_sqlite *db, struct gw_store_read *rd);

/* Room for one more in an array of a read; grows by doubling. NULL: no memory. */
void *gw_sqlite_grow(void **arrayp, size_t count, size_t size);

/* See store_engine.h. */
int gw_sqlite_open(void **dbp, const char *path, bool writing, char *why,
		   size_t size);
void gw_sqlite_close(void *arg);
/* A database that a gateway has open: for a guest who writes seldom. */
int gw_sqlite_visit(struct gw_sqlite **dbp, const char *path, char *why,
		    size_t size);
int gw_sqlite_read(void *arg, struct gw_store_read *rd);

#endif
