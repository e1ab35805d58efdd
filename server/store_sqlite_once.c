/* The SQLite engine: what may happen once only. An Idempotency-Key is told the
 * first answer again, a call like one before (dedupe_seconds) is that one, and a
 * click token has so many uses. All of it is looked up and written in the
 * transaction of the call itself, so neither a crash nor a second request can come
 * in between. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/store_sqlite.h"

/* Sets job->verdict; for REPLAY also what the first one was told. */
static int find_idem(struct gw_sqlite *db, struct gw_store_job *job,
		     int64_t now_ms)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc;

	err = gw_sqlite_get(&stmt, db, GW_SQL_IDEM_FIND);
	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, job->idem->scope_key);
	gw_sqlite_bind_int(stmt, 2, now_ms);

	rc = sqlite3_step(stmt);
	if (rc != SQLITE_ROW) {
		if (job->idem->only_look)
			job->verdict = GW_IDEM_UNKNOWN;
		return gw_sqlite_end(db, stmt, rc);
	}

	if (sqlite3_column_bytes(stmt, 0) != sizeof(job->idem->body_sha256) ||
	    memcmp(sqlite3_column_blob(stmt, 0), job->idem->body_sha256,
		   sizeof(job->idem->body_sha256)) != 0) {
		job->verdict = GW_IDEM_MISMATCH;
	} else {
		job->verdict = GW_IDEM_REPLAY;
		gw_sqlite_column_copy(job->call_id, sizeof(job->call_id), stmt,
				      1);
		err = gw_sqlite_column_mbuf(&job->response, stmt, 2);
	}

	(void)gw_sqlite_end(db, stmt, SQLITE_OK);
	return err;
}

/* What the first one is told: the call as it is now, or what was decided on. */
static int first_answer(struct mbuf **responsep, const struct gw_store_job *job)
{
	const struct mbuf *snapshot = job->call ? job->call->snapshot : NULL;
	struct mbuf *response;
	int err;

	if (!snapshot) {
		*responsep = mem_ref(job->idem->answer);
		return 0;
	}
	response = mbuf_alloc(snapshot->end + 48);
	if (!response)
		return ENOMEM;
	err = gw_store_snapshot_json(response, snapshot->buf, snapshot->end,
				     job->last_event_id);
	if (err)
		mem_deref(response);
	else
		*responsep = response;
	return err;
}

static int put_idem(struct gw_sqlite *db, const struct gw_store_job *job,
		    const struct gw_store_now *now)
{
	const int64_t keep_ms = job->idem->keep_s ?
					job->idem->keep_s * INT64_C(1000) :
					now->idempotency_ms;
	struct mbuf *response = NULL;
	sqlite3_stmt *stmt = NULL;
	int err;

	err = first_answer(&response, job);
	if (err)
		goto out;

	err = gw_sqlite_get(&stmt, db, GW_SQL_IDEM_PUT);
	if (err)
		goto out;

	gw_sqlite_bind_str(stmt, 1, job->idem->scope_key);
	(void)sqlite3_bind_blob(stmt, 2, job->idem->body_sha256,
				sizeof(job->idem->body_sha256), SQLITE_STATIC);
	/* "" where there is no call: the column takes no NULL */
	(void)sqlite3_bind_text(stmt, 3, job->call ? job->call->id : "", -1,
				SQLITE_STATIC);
	gw_sqlite_bind_mbuf(stmt, 4, response);
	gw_sqlite_bind_int(stmt, 5, now->now_ms + keep_ms);
	err = gw_sqlite_step(db, stmt);

out:
	mem_deref(response);
	return err;
}

static int find_dedupe(struct gw_sqlite *db, struct gw_store_job *job,
		       int64_t now_ms)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc;

	err = gw_sqlite_get(&stmt, db, GW_SQL_DEDUPE_FIND);
	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, job->dedupe->scope_key);
	gw_sqlite_bind_int(stmt, 2, now_ms);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW) {
		job->verdict = GW_IDEM_DUPLICATE;
		gw_sqlite_column_copy(job->call_id, sizeof(job->call_id), stmt,
				      0);
	}
	return gw_sqlite_end(db, stmt, rc);
}

static int put_dedupe(struct gw_sqlite *db, const struct gw_store_job *job)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_DEDUPE_PUT);

	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, job->dedupe->scope_key);
	gw_sqlite_bind_str(stmt, 2, job->call->id);
	gw_sqlite_bind_int(stmt, 3, job->dedupe->until_ms);
	return gw_sqlite_step(db, stmt);
}

static int find_click(struct gw_sqlite *db, struct gw_store_job *job)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc;

	err = gw_sqlite_get(&stmt, db, GW_SQL_CLICK_FIND);
	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, job->click->id);
	rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW &&
	    sqlite3_column_int64(stmt, 0) >= (int64_t)job->click->uses)
		job->verdict = GW_IDEM_SPENT;
	return gw_sqlite_end(db, stmt, rc);
}

static int put_click(struct gw_sqlite *db, const struct gw_store_job *job)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_CLICK_PUT);

	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, job->click->id);
	gw_sqlite_bind_int(stmt, 2, job->click->expires_at_ms);
	return gw_sqlite_step(db, stmt);
}

int gw_sqlite_find_once(struct gw_sqlite *db, struct gw_store_job *job,
			int64_t now_ms)
{
	int err = 0;

	if (job->idem)
		err = find_idem(db, job, now_ms);
	if (!err && job->dedupe && job->verdict == GW_IDEM_NEW)
		err = find_dedupe(db, job, now_ms);
	if (!err && job->click && job->verdict == GW_IDEM_NEW)
		err = find_click(db, job);
	return err;
}

int gw_sqlite_put_once(struct gw_sqlite *db, const struct gw_store_job *job,
		       const struct gw_store_now *now)
{
	int err = 0;

	if (job->idem)
		err = put_idem(db, job, now);
	if (!err && job->dedupe)
		err = put_dedupe(db, job);
	if (!err && job->click)
		err = put_click(db, job);
	return err;
}
