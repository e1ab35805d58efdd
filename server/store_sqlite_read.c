/* The SQLite engine's reads, on a connection of their own: one call, lists, open
 * calls, events. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "server/call_id.h"
#include "server/store_sqlite.h"

enum {
	LIST_MAX = 1000,
	LOOK_MAX = 4096, /* events a project's read looks at */
};

void *gw_sqlite_grow(void **arrayp, size_t count, size_t size)
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

/* GW_SQL_ROW, and but for a list dialog and later or ladder behind them. */
static int read_row(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	const bool open = rd->what == GW_STORE_OPEN_CALLS;
	struct gw_store_row *row;
	const void *snapshot;
	size_t len;
	int err;

	row = gw_sqlite_grow((void **)&rd->rows, rd->row_count, sizeof(*row));
	if (!row)
		return ENOMEM;
	rd->row_count++;

	gw_sqlite_column_copy(row->id, sizeof(row->id), stmt, 0);
	row->created_at_ms = sqlite3_column_int64(stmt, 1);
	row->ended_at_ms = sqlite3_column_int64(stmt, 2);
	row->seq = sqlite3_column_int64(stmt, 3);
	row->last_event_id = (uint64_t)sqlite3_column_int64(stmt, 4);
	err = gw_sqlite_column_str(&row->line, stmt, 5);
	err = err ? err : gw_sqlite_column_str(&row->project, stmt, 6);
	err = err ? err : gw_sqlite_column_str(&row->key, stmt, 7);
	err = err ? err : gw_sqlite_column_str(&row->click, stmt, 8);
	err = err ? err : gw_sqlite_column_str(&row->callback, stmt, 9);
	if (err)
		return err;

	snapshot = sqlite3_column_text(stmt, 10);
	len = (size_t)sqlite3_column_bytes(stmt, 10);
	if (!snapshot)
		return EBADMSG;
	row->snapshot = mbuf_alloc(len + 48);
	if (!row->snapshot)
		return ENOMEM;
	err = gw_store_snapshot_json(row->snapshot, snapshot, len,
				     row->last_event_id);
	row->snapshot->pos = 0;

	if (err || rd->what == GW_STORE_CALLS)
		return err;
	err = gw_sqlite_column_mbuf(&row->dialog, stmt, 11);
	return err ? err :
		     gw_sqlite_column_mbuf(open ? &row->later : &row->ladder,
					   stmt, 12);
}

/* All rows of stmt, at most limit: one more tells that there are more. */
static int read_rows(struct gw_sqlite *db, struct gw_store_read *rd,
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

	return err ? err : gw_sqlite_errno(db->sql, rc);
}

static int read_call(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_CALL);
	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, rd->call_id);
	err = read_rows(db, rd, stmt, 1);
	(void)gw_sqlite_end(db, stmt, SQLITE_OK);

	return !err && !rd->row_count ? ENOENT : err;
}

static int read_open(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_OPEN);
	if (err)
		return err;

	err = read_rows(db, rd, stmt, SIZE_MAX);
	(void)gw_sqlite_end(db, stmt, SQLITE_OK);
	return err;
}

static int prepare_list(sqlite3_stmt **stmtp, struct gw_sqlite *db,
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
		{ " AND c.\"key\" = ?", rd->key },
		{ " AND c.status = ?", rd->status },
		{ " AND c.id < ?", rd->cursor[0] ? rd->cursor : NULL },
		{ " AND c.id >= ?", lowest[0] ? lowest : NULL },
	};
	char sql[512] = "SELECT " GW_SQL_ROW " FROM calls c WHERE 1";
	int rc, no = 1;

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].value)
			strncat(sql, filters[i].term,
				sizeof(sql) - strlen(sql) - 1);
	strncat(sql, " ORDER BY c.id DESC LIMIT ?",
		sizeof(sql) - strlen(sql) - 1);

	rc = sqlite3_prepare_v2(db->sql, sql, -1, stmtp, NULL);
	if (rc != SQLITE_OK)
		return gw_sqlite_errno(db->sql, rc);

	for (size_t i = 0; i < ARRAY_SIZE(filters); i++)
		if (filters[i].value)
			(void)sqlite3_bind_text(*stmtp, no++, filters[i].value,
						-1, SQLITE_TRANSIENT);
	gw_sqlite_bind_int(*stmtp, no, (int64_t)rd->limit + 1);

	return 0;
}

static int read_list(struct gw_sqlite *db, struct gw_store_read *rd)
{
	char lowest[GW_STORE_ID_SIZE] = "";
	sqlite3_stmt *stmt = NULL;
	int err;

	if (!rd->limit || rd->limit > LIST_MAX)
		rd->limit = LIST_MAX;
	/* a list since then needn't look at what is older */
	if (rd->since_ms > 0)
		gw_call_id_lowest(lowest, rd->since_ms);

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

	ev = gw_sqlite_grow((void **)&rd->events, rd->event_count, sizeof(*ev));
	if (!ev || !suffix)
		return ENOMEM;
	rd->event_count++;

	ev->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	gw_sqlite_column_copy(ev->call_id, sizeof(ev->call_id), stmt, 1);
	gw_sqlite_column_copy(ev->type, sizeof(ev->type), stmt, 2);

	err = gw_sqlite_column_str(&ev->project, stmt, 4);
	err = err ? err : gw_sqlite_column_str(&ev->line, stmt, 5);
	if (err)
		return err;

	ev->json = mbuf_alloc(len + 64);
	if (!ev->json)
		return ENOMEM;

	err = gw_store_event_json(ev->json, ev->id, suffix, len);
	ev->json->pos = 0;
	*bytesp += ev->json->end;
	return err;
}

static int read_event_rows(struct gw_sqlite *db, struct gw_store_read *rd,
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

	return err ? err : gw_sqlite_errno(db->sql, rc);
}

static enum gw_sql events_sql(const struct gw_store_read *rd)
{
	return rd->call_id[0] ? GW_SQL_READ_CALL_EVENTS :
	       rd->project    ? GW_SQL_READ_PROJECT_EVENTS :
				GW_SQL_READ_EVENTS;
}

static int read_events(struct gw_sqlite *db, struct gw_store_read *rd)
{
	const enum gw_sql which = events_sql(rd);
	sqlite3_stmt *stmt = NULL;
	int err;

	if (!rd->limit || rd->limit > LIST_MAX)
		rd->limit = LIST_MAX;

	/* ids are dense: so many of them are so many rows, or fewer */
	if (which == GW_SQL_READ_PROJECT_EVENTS &&
	    (!rd->upto_id || rd->upto_id > rd->after_id + LOOK_MAX))
		rd->upto_id = rd->after_id + LOOK_MAX;

	err = gw_sqlite_get(&stmt, db, which);
	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, (int64_t)rd->after_id);
	gw_sqlite_bind_int(stmt, 2,
			   rd->upto_id ? (int64_t)rd->upto_id : INT64_MAX);
	gw_sqlite_bind_int(stmt, 3, (int64_t)rd->limit + 1);
	if (which == GW_SQL_READ_CALL_EVENTS)
		gw_sqlite_bind_str(stmt, 4, rd->call_id);
	else if (which == GW_SQL_READ_PROJECT_EVENTS)
		gw_sqlite_bind_str(stmt, 4, rd->project);
	if (which == GW_SQL_READ_PROJECT_EVENTS)
		gw_sqlite_bind_str(stmt, 5, rd->key);

	err = read_event_rows(db, rd, stmt);
	(void)gw_sqlite_end(db, stmt, SQLITE_OK);
	return err;
}

int gw_sqlite_read(void *arg, struct gw_store_read *rd)
{
	struct gw_sqlite *db = arg;

	switch (rd->what) {
	case GW_STORE_CALL:
		return read_call(db, rd);
	case GW_STORE_CALLS:
		return read_list(db, rd);
	case GW_STORE_OPEN_CALLS:
		return read_open(db, rd);
	case GW_STORE_EVENTS:
		return read_events(db, rd);
	case GW_STORE_KEYS:
		return gw_sqlite_read_keys(db, rd);
	case GW_STORE_AUDIT:
		return gw_sqlite_read_audit(db, rd);
	case GW_STORE_USAGE:
		return gw_sqlite_read_usage(db, rd);
	case GW_STORE_DELIVERIES:
		return gw_sqlite_read_deliveries(db, rd);
	case GW_STORE_OUTBOX:
		return gw_sqlite_read_outbox(db, rd);
	case GW_STORE_DONE:
		return gw_sqlite_read_done(db, rd);
	case GW_STORE_WAITING:
		return gw_sqlite_read_waiting(db, rd);
	case GW_STORE_ENDPOINTS:
		return gw_sqlite_read_endpoints(db, rd);
	}

	return EINVAL;
}
