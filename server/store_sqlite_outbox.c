/* The SQLite engine: the outbox of webhooks. A delivery is written with its event,
 * by the same transaction; what came of its tries follows. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/store_sqlite.h"

enum { LIST_MAX = 1000 };

/* Writing ------------------------------------------------------------------- */

int gw_sqlite_put_outbox(struct gw_sqlite *db, struct gw_store_event *ev)
{
	sqlite3_stmt *stmt = NULL;
	int err = 0;

	for (size_t i = 0; !err && i < ev->delivery_count; i++) {
		struct gw_store_outgoing *d = &ev->deliveries[i];

		err = gw_sqlite_get(&stmt, db, GW_SQL_OUTGOING_PUT);
		if (err)
			break;
		d->id = ev->id * GW_STORE_DELIVERIES_MAX + i;
		gw_sqlite_bind_int(stmt, 1, (int64_t)d->id);
		gw_sqlite_bind_str(stmt, 2, d->endpoint);
		gw_sqlite_bind_str(stmt, 3, d->url);
		gw_sqlite_bind_int(stmt, 4, ev->at_ms);
		err = gw_sqlite_step(db, stmt);
	}
	return err;
}

static int set_delivery(struct gw_sqlite *db, const struct gw_store_try *t)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_OUTGOING_SET);

	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, (int64_t)t->id);
	gw_sqlite_bind_int(stmt, 2, t->status);
	gw_sqlite_bind_int(stmt, 3, t->attempts);
	gw_sqlite_bind_int(stmt, 4, t->due_ms);
	if (t->status != GW_DELIVERY_WAITING)
		gw_sqlite_bind_int(stmt, 5, t->at_ms + t->took_ms);
	return gw_sqlite_step(db, stmt);
}

static int put_try(struct gw_sqlite *db, const struct gw_store_try *t)
{
	sqlite3_stmt *stmt = NULL;
	int err = set_delivery(db, t);

	if (err || !t->at_ms)
		return err;
	err = gw_sqlite_get(&stmt, db, GW_SQL_TRY_PUT);
	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, (int64_t)t->id);
	gw_sqlite_bind_int(stmt, 2, t->attempts);
	gw_sqlite_bind_int(stmt, 3, t->at_ms);
	if (t->code)
		gw_sqlite_bind_int(stmt, 4, t->code);
	gw_sqlite_bind_int(stmt, 5, t->took_ms);
	gw_sqlite_bind_str(stmt, 6, t->answer);
	return gw_sqlite_step(db, stmt);
}

static int put_endpoint(struct gw_sqlite *db, const struct gw_store_endpoint *e)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_ENDPOINT_PUT);

	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, e->name);
	gw_sqlite_bind_int(stmt, 2, e->disabled_at_ms);
	gw_sqlite_bind_int(stmt, 3, e->failing_since_ms);
	gw_sqlite_bind_str(stmt, 4, e->why);
	return gw_sqlite_step(db, stmt);
}

int gw_sqlite_put_tries(struct gw_sqlite *db, const struct gw_store_job *job)
{
	int err = 0;

	for (size_t i = 0; !err && i < job->try_count; i++)
		err = put_try(db, &job->tries[i]);
	if (!err && job->endpoint)
		err = put_endpoint(db, job->endpoint);
	return err;
}

/* Reading ------------------------------------------------------------------- */

static int read_delivery(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	struct gw_store_outgoing_row *d = gw_sqlite_grow(
		(void **)&rd->outgoing, rd->outgoing_count, sizeof(*d));
	int err;

	if (!d)
		return ENOMEM;
	rd->outgoing_count++;
	d->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	gw_sqlite_column_copy(d->type, sizeof(d->type), stmt, 1);
	gw_sqlite_column_copy(d->call_id, sizeof(d->call_id), stmt, 2);
	err = gw_sqlite_column_str(&d->endpoint, stmt, 3);
	err = err ? err : gw_sqlite_column_str(&d->url, stmt, 4);
	d->status = (enum gw_delivery_status)sqlite3_column_int(stmt, 5);
	d->attempts = (uint32_t)sqlite3_column_int(stmt, 6);
	d->created_at_ms = sqlite3_column_int64(stmt, 7);
	d->due_ms = sqlite3_column_int64(stmt, 8);
	d->done_at_ms = sqlite3_column_int64(stmt, 9);
	if (!err && sqlite3_column_count(stmt) > 10)
		err = gw_sqlite_column_mbuf(&d->tries, stmt, 10);
	return err;
}

static int read_all(struct gw_sqlite *db, struct gw_store_read *rd,
		    sqlite3_stmt *stmt)
{
	int err = 0, rc = SQLITE_DONE;

	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		if (rd->outgoing_count == rd->limit) {
			rd->more = true;
			break;
		}
		err = read_delivery(rd, stmt);
	}
	return gw_sqlite_end(db, stmt, rc) ? EIO : err;
}

int gw_sqlite_read_outbox(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	if (!rd->limit || rd->limit > LIST_MAX)
		rd->limit = LIST_MAX;
	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_OUTBOX);
	if (err)
		return err;
	gw_sqlite_bind_int(stmt, 1,
			   rd->upto_id ? (int64_t)rd->upto_id : INT64_MAX);
	gw_sqlite_bind_int(stmt, 2, (int64_t)rd->limit + 1);
	gw_sqlite_bind_str(stmt, 3, rd->endpoint);
	gw_sqlite_bind_int(stmt, 4, rd->delivery_status);
	return read_all(db, rd, stmt);
}

int gw_sqlite_read_waiting(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	if (!rd->limit || rd->limit > LIST_MAX)
		rd->limit = LIST_MAX;
	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_WAITING);
	if (err)
		return err;
	gw_sqlite_bind_int(stmt, 1, (int64_t)rd->after_id);
	gw_sqlite_bind_int(stmt, 2, (int64_t)rd->limit + 1);
	return read_all(db, rd, stmt);
}

static int read_endpoint(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	struct gw_store_endpoint *e = gw_sqlite_grow(
		(void **)&rd->endpoints, rd->endpoint_count, sizeof(*e));
	int err;

	if (!e)
		return ENOMEM;
	rd->endpoint_count++;
	err = gw_sqlite_column_str(&e->name, stmt, 0);
	e->disabled_at_ms = sqlite3_column_int64(stmt, 1);
	e->failing_since_ms = sqlite3_column_int64(stmt, 2);
	return err ? err : gw_sqlite_column_str(&e->why, stmt, 3);
}

int gw_sqlite_read_endpoints(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc = SQLITE_DONE;

	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_ENDPOINTS);
	if (err)
		return err;
	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt)))
		err = read_endpoint(rd, stmt);
	return gw_sqlite_end(db, stmt, rc) ? EIO : err;
}
