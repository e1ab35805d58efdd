/* The SQLite engine's statements: their texts, prepared when first needed, and
 * what makes SQLite's calls a little shorter. */
#include <errno.h>

#include <re.h>

#include "server/store_sqlite.h"

/* A delivery and its event; what was tried, where somebody looks at it. */
#define DELIVERY                                                       \
	"SELECT d.id, e.type, e.call_id, d.endpoint, d.url, d.status," \
	" d.attempts, e.at, d.due_at, d.done_at"
#define TRIES                                                            \
	", (SELECT json_group_array(json_object('at',"                   \
	" strftime('%Y-%m-%dT%H:%M:%fZ', t.at / 1000.0, 'unixepoch'),"   \
	" 'status', t.code, 'duration_ms', t.took, 'answer', t.answer))" \
	" FROM tries t WHERE t.delivery = d.id)"
#define OUTBOX " FROM outbox d LEFT JOIN events e ON e.id = d.id / 100"
#define NEWEST                                           \
	" d.id < ?1 AND (?3 IS NULL OR d.endpoint = ?3)" \
	" AND (?5 IS NULL OR e.type = ?5) ORDER BY d.id DESC LIMIT ?2"
#define DONE                                                      \
	" d.endpoint = ?3 AND d.done_at >= ?1 AND d.done_at < ?4" \
	" AND (?5 IS NULL OR e.type = ?5)"                        \
	" AND (?6 IS NULL OR e.call_id = ?6) ORDER BY d.id LIMIT ?2"

static const char *const texts[GW_SQL_COUNT] = {
	[GW_SQL_BEGIN] = "BEGIN IMMEDIATE",
	[GW_SQL_COMMIT] = "COMMIT",
	[GW_SQL_ROLLBACK] = "ROLLBACK",
	[GW_SQL_SAVE] = "SAVEPOINT job",
	[GW_SQL_RELEASE] = "RELEASE job",
	[GW_SQL_UNDO] = "ROLLBACK TO job",
	[GW_SQL_IDEM_FIND] =
		"SELECT body_sha256, call_id, response FROM idempotency"
		" WHERE scope_key = ?1 AND expires_at > ?2",
	[GW_SQL_IDEM_PUT] = "INSERT OR REPLACE INTO idempotency (scope_key,"
			    " body_sha256, call_id, response, expires_at)"
			    " VALUES (?1, ?2, ?3, ?4, ?5)",
	[GW_SQL_DEDUPE_FIND] = "SELECT call_id FROM dedupe"
			       " WHERE scope_key = ?1 AND expires_at > ?2",
	[GW_SQL_DEDUPE_PUT] = "INSERT OR REPLACE INTO dedupe (scope_key,"
			      " call_id, expires_at) VALUES (?1, ?2, ?3)",
	[GW_SQL_CLICK_FIND] = "SELECT uses FROM clicks WHERE id = ?1",
	[GW_SQL_CLICK_PUT] = "INSERT INTO clicks (id, uses, expires_at)"
			     " VALUES (?1, 1, ?2)"
			     " ON CONFLICT (id) DO UPDATE SET uses = uses + 1",
	[GW_SQL_AUDIT_PUT] =
		"INSERT INTO audit (at, code, rule, detail, \"key\", project,"
		" client, request_id, \"to\", \"from\", line)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
	[GW_SQL_DELIVERY_PUT] =
		"INSERT INTO hook_deliveries (at, hook, status, verdict, detail,"
		" sha256, calls, client, request_id)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[GW_SQL_KEY_USED] = "UPDATE keys SET used_at = ?2 WHERE name = ?1",
	[GW_SQL_META_SET] = "INSERT OR REPLACE INTO meta (name, value)"
			    " VALUES (?1, ?2)",
	[GW_SQL_CALL_INSERT] =
		"INSERT INTO calls (id, status, state, ended_at, seq,"
		" last_event_id, snapshot, dialog, created_at, \"to\","
		" \"from\", line, project, \"key\", click, client, number,"
		" from_number, cost, later, callback)"
		" VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
		"?16,?17,?18,?19,?20,?21)",
	[GW_SQL_CALL_UPDATE] =
		"UPDATE calls SET status = coalesce(?2, status),"
		" state = coalesce(?3, state),"
		" ended_at = coalesce(?4, ended_at), seq = max(?5, seq),"
		" last_event_id = max(?6, last_event_id),"
		" snapshot = coalesce(?7, snapshot),"
		" dialog = CASE WHEN ?4 IS NULL THEN coalesce(?8, dialog) END,"
		" seconds = coalesce(?9, seconds),"
		" later = CASE WHEN ?4 IS NULL AND ?10 IS NULL THEN later END"
		" WHERE id = ?1",
	[GW_SQL_LADDER_PUT] = "INSERT OR REPLACE INTO ladders (no, ladder)"
			      " SELECT no, ?2 FROM calls WHERE id = ?1",
	[GW_SQL_EVENT_INSERT] =
		"INSERT INTO events (id, call_id, seq, type, at,"
		" suffix, project, line, snapshot_at)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[GW_SQL_PRUNE_FIND] = "SELECT no, last_event_id FROM calls"
			      " WHERE ended_at < ?1 ORDER BY ended_at LIMIT ?2",
	[GW_SQL_PRUNE_CALL] = "DELETE FROM calls WHERE no = ?1",
	[GW_SQL_PRUNE_LOOSE_FIND] =
		"SELECT max(id), count(*) FROM (SELECT id"
		" FROM events WHERE call_id IS NULL AND at < ?1"
		" ORDER BY at LIMIT ?2)",
	[GW_SQL_PRUNE_LOOSE] = "DELETE FROM events WHERE id IN (SELECT id"
			       " FROM events WHERE call_id IS NULL AND at < ?1"
			       " ORDER BY at LIMIT ?2)",
	[GW_SQL_PRUNE_IDEM] =
		"DELETE FROM idempotency WHERE rowid IN (SELECT rowid"
		" FROM idempotency WHERE expires_at <= ?1 LIMIT ?2)",
	[GW_SQL_PRUNE_DEDUPE] =
		"DELETE FROM dedupe WHERE scope_key IN (SELECT scope_key"
		" FROM dedupe WHERE expires_at <= ?1 LIMIT ?2)",
	[GW_SQL_PRUNE_CLICK] = "DELETE FROM clicks WHERE id IN (SELECT id"
			       " FROM clicks WHERE expires_at <= ?1 LIMIT ?2)",
	[GW_SQL_PRUNE_AUDIT] =
		"DELETE FROM audit WHERE id IN (SELECT id"
		" FROM audit WHERE at < ?1 ORDER BY id LIMIT ?2)",
	[GW_SQL_PRUNE_DELIVERY] =
		"DELETE FROM hook_deliveries WHERE id IN (SELECT id"
		" FROM hook_deliveries WHERE at < ?1 ORDER BY id LIMIT ?2)",
	[GW_SQL_META_RAISE] = "UPDATE meta SET value = max(value, ?2)"
			      " WHERE name = ?1",
	[GW_SQL_PROBE_PUT] = "INSERT OR REPLACE INTO meta (name, value)"
			     " VALUES ('probe', randomblob(65536))",
	[GW_SQL_PROBE_TAKE] = "DELETE FROM meta WHERE name = 'probe'",
	[GW_SQL_READ_CALL] =
		"SELECT " GW_SQL_ROW ", c.dialog, l.ladder FROM calls c"
		" LEFT JOIN ladders l ON l.no = c.no WHERE c.id = ?1",
	[GW_SQL_READ_OPEN] =
		"SELECT " GW_SQL_ROW ", c.dialog, c.later"
		" FROM calls c WHERE c.ended_at IS NULL ORDER BY c.id",
	[GW_SQL_READ_EVENTS] =
		"SELECT " GW_SQL_EVENT " FROM events"
		" WHERE id > ?1 AND id <= ?2 ORDER BY id LIMIT ?3",
	[GW_SQL_READ_PROJECT_EVENTS] =
		"SELECT " GW_SQL_EVENT " FROM events e"
		" WHERE id > ?1 AND id <= ?2"
		" AND (call_id IS NULL OR (project = ?4 AND (?5 IS NULL OR"
		" ?5 = (SELECT c.\"key\" FROM calls c WHERE c.id = e.call_id))))"
		" ORDER BY id LIMIT ?3",
	[GW_SQL_READ_CALL_EVENTS] =
		"SELECT " GW_SQL_EVENT " FROM events"
		" WHERE call_id = ?4 AND id > ?1 AND id <= ?2"
		" ORDER BY id LIMIT ?3",
	[GW_SQL_READ_KEYS_VERSION] =
		"SELECT value FROM meta WHERE name = 'keys_version'",
	[GW_SQL_READ_KEYS] =
		"SELECT name, project, scopes, lines, caller_ids, hash,"
		" created_at, expires_at, used_at, disabled FROM keys"
		" ORDER BY name",
	[GW_SQL_READ_AUDIT] =
		"SELECT id, at, code, rule, detail, \"key\", project, client,"
		" request_id, \"to\", \"from\", line FROM audit"
		" WHERE id < ?1 AND (?3 IS NULL OR project = ?3)"
		" ORDER BY id DESC LIMIT ?2",
	[GW_SQL_READ_DELIVERIES] =
		"SELECT id, at, status, hook, verdict, detail, sha256, calls,"
		" client, request_id FROM hook_deliveries"
		" WHERE hook = ?3 AND id < ?1 ORDER BY id DESC LIMIT ?2",
	[GW_SQL_READ_USAGE] =
		"SELECT * FROM (SELECT id, created_at, coalesce(seconds, 0),"
		" \"key\", project, line, from_number, number, client,"
		" coalesce(cost, 0) FROM calls"
		" WHERE id >= ?1 AND later IS NULL"
		" ORDER BY id DESC LIMIT ?2) ORDER BY id",
	[GW_SQL_OUTGOING_PUT] =
		"INSERT INTO outbox (id, endpoint, url, due_at, status,"
		" done_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[GW_SQL_OUTGOING_BACK] =
		"UPDATE outbox SET status = 0, attempts = 0, due_at = ?2,"
		" done_at = NULL WHERE id = ?1 AND status <> 0",
	[GW_SQL_OUTGOING_SET] = "UPDATE outbox SET status = ?2, attempts = ?3,"
				" due_at = ?4, done_at = ?5 WHERE id = ?1",
	[GW_SQL_TRY_PUT] = "INSERT INTO tries (delivery, attempt, at, code,"
			   " took, answer) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
	[GW_SQL_ENDPOINT_PUT] =
		"INSERT OR REPLACE INTO endpoints (name, disabled_at,"
		" failing_since, why) VALUES (?1, ?2, ?3, ?4)",
	[GW_SQL_READ_OUTBOX] = DELIVERY TRIES OUTBOX
	" WHERE (?4 < 0 OR d.status = ?4) AND" NEWEST,
	[GW_SQL_READ_OUTBOX_DEAD] = DELIVERY TRIES OUTBOX
	" WHERE d.status = 2 AND" NEWEST,
	[GW_SQL_READ_OUTBOX_CALL] = DELIVERY TRIES
	" FROM events e JOIN outbox d ON d.id >= e.id * 100"
	" AND d.id < e.id * 100 + 100"
	" WHERE e.call_id = ?6 AND (?4 < 0 OR d.status = ?4) AND" NEWEST,
	[GW_SQL_READ_DONE] = DELIVERY OUTBOX " WHERE d.status = 1 AND" DONE,
	[GW_SQL_READ_DONE_DEAD] = DELIVERY OUTBOX
	" WHERE d.status = 2 AND" DONE,
	[GW_SQL_READ_WAITING] = DELIVERY OUTBOX
	" WHERE d.status = 0 AND d.id > ?1 ORDER BY d.id LIMIT ?2",
	[GW_SQL_READ_ENDPOINTS] =
		"SELECT name, disabled_at, failing_since, why FROM endpoints",
};

int gw_sqlite_errno(sqlite3 *sql, int rc)
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

int gw_sqlite_get(sqlite3_stmt **stmtp, struct gw_sqlite *db, enum gw_sql which)
{
	int rc;

	if (!db->stmts[which]) {
		rc = sqlite3_prepare_v3(db->sql, texts[which], -1,
					SQLITE_PREPARE_PERSISTENT,
					&db->stmts[which], NULL);
		if (rc != SQLITE_OK)
			return gw_sqlite_errno(db->sql, rc);
	}

	*stmtp = db->stmts[which];
	return 0;
}

int gw_sqlite_end(struct gw_sqlite *db, sqlite3_stmt *stmt, int rc)
{
	const int err = gw_sqlite_errno(db->sql, rc);

	(void)sqlite3_reset(stmt);
	(void)sqlite3_clear_bindings(stmt);
	return err;
}

int gw_sqlite_step(struct gw_sqlite *db, sqlite3_stmt *stmt)
{
	return gw_sqlite_end(db, stmt, sqlite3_step(stmt));
}

int gw_sqlite_run(struct gw_sqlite *db, enum gw_sql which)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, which);

	return err ? err : gw_sqlite_step(db, stmt);
}

void gw_sqlite_bind_str(sqlite3_stmt *stmt, int no, const char *str)
{
	if (str && *str)
		(void)sqlite3_bind_text(stmt, no, str, -1, SQLITE_STATIC);
}

void gw_sqlite_bind_mbuf(sqlite3_stmt *stmt, int no, const struct mbuf *mb)
{
	if (mb)
		(void)sqlite3_bind_text(stmt, no, (const char *)mb->buf,
					(int)mb->end, SQLITE_STATIC);
}

void gw_sqlite_bind_int(sqlite3_stmt *stmt, int no, int64_t num)
{
	(void)sqlite3_bind_int64(stmt, no, num);
}

int gw_sqlite_column_mbuf(struct mbuf **mbp, sqlite3_stmt *stmt, int no)
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

int gw_sqlite_column_str(char **strp, sqlite3_stmt *stmt, int no)
{
	const void *text = sqlite3_column_text(stmt, no);

	return text ? str_dup(strp, text) : 0;
}

void gw_sqlite_column_copy(char *buf, size_t size, sqlite3_stmt *stmt, int no)
{
	const void *text = sqlite3_column_text(stmt, no);

	if (text)
		str_ncpy(buf, text, size);
}
