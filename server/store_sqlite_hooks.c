/* The SQLite engine: the log of webhooks that came in. */
#include <errno.h>

#include <re.h>

#include "server/store_sqlite.h"

enum { DELIVERIES_MAX = 1000 };

int gw_sqlite_put_delivery(struct gw_sqlite *db,
			   const struct gw_store_delivery *d)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_DELIVERY_PUT);

	if (err)
		return err;
	gw_sqlite_bind_int(stmt, 1, d->at_ms);
	gw_sqlite_bind_str(stmt, 2, d->hook);
	gw_sqlite_bind_int(stmt, 3, d->status);
	gw_sqlite_bind_str(stmt, 4, d->verdict);
	gw_sqlite_bind_str(stmt, 5, d->detail);
	gw_sqlite_bind_str(stmt, 6, d->sha256);
	gw_sqlite_bind_str(stmt, 7, d->calls);
	gw_sqlite_bind_str(stmt, 8, d->client);
	gw_sqlite_bind_str(stmt, 9, d->request_id);
	return gw_sqlite_step(db, stmt);
}

static int read_delivery(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	struct gw_store_delivery *d = gw_sqlite_grow(
		(void **)&rd->deliveries, rd->delivery_count, sizeof(*d));
	int err = 0;

	if (!d)
		return ENOMEM;
	rd->delivery_count++;
	char **const texts[] = {
		&d->hook,  &d->verdict, &d->detail,     &d->sha256,
		&d->calls, &d->client,  &d->request_id,
	};

	d->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	d->at_ms = sqlite3_column_int64(stmt, 1);
	d->status = sqlite3_column_int64(stmt, 2);
	for (size_t i = 0; !err && i < ARRAY_SIZE(texts); i++)
		err = gw_sqlite_column_str(texts[i], stmt, (int)i + 3);
	return err;
}

int gw_sqlite_read_deliveries(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc = SQLITE_DONE;

	if (!rd->limit || rd->limit > DELIVERIES_MAX)
		rd->limit = DELIVERIES_MAX;
	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_DELIVERIES);
	if (err)
		return err;
	gw_sqlite_bind_int(stmt, 1,
			   rd->upto_id ? (int64_t)rd->upto_id : INT64_MAX);
	gw_sqlite_bind_int(stmt, 2, (int64_t)rd->limit + 1);
	gw_sqlite_bind_str(stmt, 3, rd->hook);
	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		if (rd->delivery_count == rd->limit) {
			rd->more = true;
			break;
		}
		err = read_delivery(rd, stmt);
	}
	return gw_sqlite_end(db, stmt, rc) ? EIO : err;
}
