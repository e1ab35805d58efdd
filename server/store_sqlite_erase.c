/* The SQLite engine: takes out of an ended call what tells of people. Who called
 * whom goes; that there was a call, when, and how it ended stays.
 *
 * Deleted bytes are overwritten (PRAGMA secure_delete, store_sqlite_file.c); what
 * the WAL still has of them goes with the checkpoint that follows. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/store_sqlite.h"

#define LEG(n)                                    \
	", '$.legs[" #n "].uri', '', '$.legs[" #n \
	"].sip_call_id', NULL, '$.legs[" #n "].sip.reason_header', NULL"

/* A snapshot (complete JSON) without people; ?2 is when. */
#define ERASED(json)                                                       \
	"json_set(json_replace(" json ", '$.to', '', '$.from', NULL,"      \
	" '$.sip.reason_header', NULL, '$.recording', NULL,"               \
	" '$.client_state', NULL, '$.metadata', NULL" LEG(0) LEG(1) LEG(2) \
		LEG(3) LEG(4) LEG(5) "), '$.erased_at', ?2)"

/* What an event has of its call, closed with the id that it waits for. */
#define OF_EVENT                                                      \
	"CAST(substr(CAST(suffix AS BLOB), snapshot_at + 1) AS TEXT)" \
	" || id || '}'"

/* In this order: the call's newest snapshot may be its event's alone. */
static const char *const texts[] = {
	"UPDATE calls SET snapshot = " ERASED(
		"(SELECT json_set(json_remove(j, '$.last_event_id'),"
		" '$.revision', json_extract(j, '$.revision') + 1) FROM (SELECT"
		" CASE WHEN calls.snapshot <> '' THEN calls.snapshot ELSE"
		" (SELECT " OF_EVENT " FROM events"
		" WHERE events.id = calls.last_event_id) END AS j))") ","
								      " \"to\" = NULL, \"from\" = NULL, number = NULL, from_number = NULL,"
								      " client = NULL, callback = NULL, dialog = NULL"
								      " WHERE id = ?1 AND ended_at IS NOT NULL",

	"UPDATE events SET suffix ="
	" substr(suffix, 1, instr(suffix, ',\"data\":') - 1)"
	" || ',\"data\":{},\"call\":' || CASE WHEN snapshot_at IS NULL"
	" THEN 'null' ELSE " ERASED(
		OF_EVENT) " END || '}',"
			  " snapshot_at = NULL"
			  " WHERE call_id = ?1 AND instr(suffix, '\"erased_at\":') = 0",

	"UPDATE idempotency SET response = " ERASED(
		"response") " WHERE call_id = ?1",

	"DELETE FROM ladders WHERE no = (SELECT no FROM calls WHERE id = ?1)",
	"DELETE FROM dedupe WHERE call_id = ?1",

	/* what others answered when they were told of it */
	"UPDATE tries SET answer = NULL WHERE rowid IN (SELECT t.rowid"
	" FROM events e JOIN tries t ON t.delivery >= e.id * 100"
	" AND t.delivery < e.id * 100 + 100 WHERE e.call_id = ?1)",

	/* the webhook that placed it, and those that repeated it: who sent it, and the
	 * hash of a body that can be guessed. It came after the call was made, by a
	 * clock that may have been set back since */
	"UPDATE hook_deliveries SET sha256 = NULL, client = NULL,"
	" request_id = NULL WHERE at >= (SELECT created_at FROM calls"
	" WHERE id = ?1) - 86400000 AND instr(calls, ?1)",
};

static int run(struct gw_sqlite *db, const char *text,
	       const struct gw_store_erase *erase)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->sql, text, -1, &stmt, NULL);

	if (rc == SQLITE_OK) {
		gw_sqlite_bind_str(stmt, 1, erase->call_id);
		if (sqlite3_bind_parameter_count(stmt) > 1)
			gw_sqlite_bind_str(stmt, 2, erase->at);
		rc = sqlite3_step(stmt);
	}
	(void)sqlite3_finalize(stmt);
	return gw_sqlite_errno(db->sql, rc);
}

int gw_sqlite_erase(struct gw_sqlite *db, const struct gw_store_erase *erase)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(texts); i++) {
		err = run(db, texts[i], erase);
		if (!err && !i && !sqlite3_changes(db->sql))
			err = ENOENT;
	}
	if (!err)
		db->wipe = true;
	return err;
}

/* Until nobody reads what was before, it can't be done: then again, later. */
void gw_sqlite_wipe(struct gw_sqlite *db)
{
	enum { PATIENCE_MS = 200 };

	(void)sqlite3_busy_timeout(db->sql, PATIENCE_MS);
	db->wipe = SQLITE_OK !=
		   sqlite3_wal_checkpoint_v2(db->sql, NULL,
					     SQLITE_CHECKPOINT_TRUNCATE, NULL,
					     NULL);
	db->wipe_tired = db->wipe;
	(void)sqlite3_busy_timeout(db->sql, GW_SQLITE_BUSY_MS);
}
