/* The SQLite engine: who asked and who was refused. Keys as `bellpull key` writes
 * them, refusals, what limits count of the calls of the day, and what this gateway
 * alone knows. */
#include <errno.h>
#include <string.h>

#include <openssl/rand.h>
#include <re.h>

#include "server/call_id.h"
#include "server/store_sqlite.h"

enum {
	AUDIT_MAX = 1000,
	USAGE_MAX = 200000, /* calls that are counted again after a start */
};

/* Writing ------------------------------------------------------------------- */

static int put_audit(struct gw_sqlite *db, const struct gw_store_audit *a)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, GW_SQL_AUDIT_PUT);

	if (err)
		return err;

	gw_sqlite_bind_int(stmt, 1, a->at_ms);
	gw_sqlite_bind_str(stmt, 2, a->code);
	gw_sqlite_bind_str(stmt, 3, a->rule);
	gw_sqlite_bind_str(stmt, 4, a->detail);
	gw_sqlite_bind_str(stmt, 5, a->key);
	gw_sqlite_bind_str(stmt, 6, a->project);
	gw_sqlite_bind_str(stmt, 7, a->client);
	gw_sqlite_bind_str(stmt, 8, a->request_id);
	gw_sqlite_bind_str(stmt, 9, a->to);
	gw_sqlite_bind_str(stmt, 10, a->from);
	gw_sqlite_bind_str(stmt, 11, a->line);
	return gw_sqlite_step(db, stmt);
}

/* A name and a number: what both statements bind. */
static int put_number(struct gw_sqlite *db, enum gw_sql which, const char *name,
		      int64_t value)
{
	sqlite3_stmt *stmt = NULL;
	const int err = gw_sqlite_get(&stmt, db, which);

	if (err)
		return err;

	gw_sqlite_bind_str(stmt, 1, name);
	gw_sqlite_bind_int(stmt, 2, value);
	return gw_sqlite_step(db, stmt);
}

int gw_sqlite_put_who(struct gw_sqlite *db, const struct gw_store_job *job,
		      const struct gw_store_now *now)
{
	int err = 0;

	if (job->audit)
		err = put_audit(db, job->audit);
	if (!err && job->key_used)
		err = put_number(db, GW_SQL_KEY_USED, job->key_used,
				 now->now_ms);
	if (!err && job->meta)
		err = put_number(db, GW_SQL_META_SET, job->meta,
				 job->meta_value);
	return err;
}

/* This gateway's own --------------------------------------------------------- */

static int read_meta(struct gw_sqlite *db, const char *sql,
		     struct gw_store_facts *facts, bool *has_secretp)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db->sql, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return gw_sqlite_errno(db->sql, rc);
	while (SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		const char *name = (const char *)sqlite3_column_text(stmt, 0);

		if (name && !strcmp(name, "frozen")) {
			facts->frozen = sqlite3_column_int64(stmt, 1) != 0;
		} else if (name && !strcmp(name, "alive_at")) {
			facts->alive_at_ms = sqlite3_column_int64(stmt, 1);
		} else if (sqlite3_column_bytes(stmt, 1) == GW_STORE_SECRET) {
			memcpy(facts->secret, sqlite3_column_blob(stmt, 1),
			       GW_STORE_SECRET);
			*has_secretp = true;
		}
	}
	(void)sqlite3_finalize(stmt);
	return gw_sqlite_errno(db->sql, rc);
}

static int draw_secret(struct gw_sqlite *db, struct gw_store_facts *facts)
{
	sqlite3_stmt *stmt = NULL;
	int rc;

	if (RAND_bytes(facts->secret, sizeof(facts->secret)) != 1)
		return EIO;
	rc = sqlite3_prepare_v2(db->sql,
				"INSERT OR REPLACE INTO meta (name, value)"
				" VALUES ('secret', ?1)",
				-1, &stmt, NULL);
	if (rc == SQLITE_OK) {
		(void)sqlite3_bind_blob(stmt, 1, facts->secret,
					sizeof(facts->secret), SQLITE_STATIC);
		rc = sqlite3_step(stmt);
	}
	(void)sqlite3_finalize(stmt);
	return gw_sqlite_errno(db->sql, rc);
}

int gw_sqlite_facts(void *arg, struct gw_store_facts *facts)
{
	struct gw_sqlite *db = arg;
	bool has_secret = false;
	const int err = read_meta(db,
				  "SELECT name, value FROM meta"
				  " WHERE name IN ('secret', 'frozen')"
				  " UNION ALL SELECT 'alive_at', max("
				  " ifnull((SELECT value FROM meta WHERE name ="
				  " 'alive_at'), 0), ifnull((SELECT at FROM"
				  " events ORDER BY id DESC LIMIT 1), 0))",
				  facts, &has_secret);

	return err || has_secret ? err : draw_secret(db, facts);
}

/* Reading -------------------------------------------------------------------- */

static int read_version(struct gw_sqlite *db, int64_t *versionp)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc;

	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_KEYS_VERSION);
	if (err)
		return err;
	rc = sqlite3_step(stmt);
	*versionp = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	return gw_sqlite_end(db, stmt, rc);
}

static int read_key(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	struct gw_store_key *key =
		gw_sqlite_grow((void **)&rd->keys, rd->key_count, sizeof(*key));
	int err;

	if (!key)
		return ENOMEM;
	rd->key_count++;
	err = gw_sqlite_column_str(&key->name, stmt, 0);
	err = err ? err : gw_sqlite_column_str(&key->project, stmt, 1);
	err = err ? err : gw_sqlite_column_str(&key->scopes, stmt, 2);
	err = err ? err : gw_sqlite_column_str(&key->lines, stmt, 3);
	err = err ? err : gw_sqlite_column_str(&key->caller_ids, stmt, 4);
	if (sqlite3_column_bytes(stmt, 5) == sizeof(key->hash))
		memcpy(key->hash, sqlite3_column_blob(stmt, 5),
		       sizeof(key->hash));
	else
		key->disabled = true; /* no hash opens nothing */
	key->created_at_ms = sqlite3_column_int64(stmt, 6);
	key->expires_at_ms = sqlite3_column_int64(stmt, 7);
	key->used_at_ms = sqlite3_column_int64(stmt, 8);
	key->disabled |= sqlite3_column_int64(stmt, 9) != 0;
	return err;
}

int gw_sqlite_read_keys(struct gw_sqlite *db, struct gw_store_read *rd)
{
	const int64_t known = rd->version;
	sqlite3_stmt *stmt = NULL;
	int err, rc = SQLITE_DONE;

	err = read_version(db, &rd->version);
	if (err || rd->version == known)
		return err;
	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_KEYS);
	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt)))
		err = read_key(rd, stmt);
	if (stmt)
		err = gw_sqlite_end(db, stmt, rc) ? EIO : err;
	return err;
}

static int read_refusal(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	struct gw_store_audit *a = gw_sqlite_grow((void **)&rd->audits,
						  rd->audit_count, sizeof(*a));
	int err = 0;

	if (!a)
		return ENOMEM;
	rd->audit_count++;
	char **const texts[] = {
		&a->code,   &a->rule,       &a->detail, &a->key,  &a->project,
		&a->client, &a->request_id, &a->to,     &a->from, &a->line,
	};

	a->id = (uint64_t)sqlite3_column_int64(stmt, 0);
	a->at_ms = sqlite3_column_int64(stmt, 1);
	for (size_t i = 0; !err && i < ARRAY_SIZE(texts); i++)
		err = gw_sqlite_column_str(texts[i], stmt, (int)i + 2);
	return err;
}

int gw_sqlite_read_audit(struct gw_sqlite *db, struct gw_store_read *rd)
{
	sqlite3_stmt *stmt = NULL;
	int err, rc = SQLITE_DONE;

	if (!rd->limit || rd->limit > AUDIT_MAX)
		rd->limit = AUDIT_MAX;
	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_AUDIT);
	if (err)
		return err;
	gw_sqlite_bind_int(stmt, 1,
			   rd->upto_id ? (int64_t)rd->upto_id : INT64_MAX);
	gw_sqlite_bind_int(stmt, 2, (int64_t)rd->limit + 1);
	gw_sqlite_bind_str(stmt, 3, rd->project);
	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt))) {
		if (rd->audit_count == rd->limit) {
			rd->more = true;
			break;
		}
		err = read_refusal(rd, stmt);
	}
	return gw_sqlite_end(db, stmt, rc) ? EIO : err;
}

static int read_use(struct gw_store_read *rd, sqlite3_stmt *stmt)
{
	struct gw_store_usage *u = gw_sqlite_grow((void **)&rd->usages,
						  rd->usage_count, sizeof(*u));
	int err = 0;

	if (!u)
		return ENOMEM;
	rd->usage_count++;
	char **const texts[] = {
		&u->key,  &u->project, &u->line,
		&u->from, &u->number,  &u->client,
	};

	u->created_at_ms = sqlite3_column_int64(stmt, 1);
	u->seconds = sqlite3_column_int64(stmt, 2);
	u->cost = sqlite3_column_int64(stmt, 9);
	for (size_t i = 0; !err && i < ARRAY_SIZE(texts); i++)
		err = gw_sqlite_column_str(texts[i], stmt, (int)i + 3);
	return err;
}

int gw_sqlite_read_usage(struct gw_sqlite *db, struct gw_store_read *rd)
{
	char lowest[GW_STORE_ID_SIZE];
	sqlite3_stmt *stmt = NULL;
	int err, rc = SQLITE_DONE;

	err = gw_sqlite_get(&stmt, db, GW_SQL_READ_USAGE);
	if (err)
		return err;
	gw_call_id_lowest(lowest, rd->since_ms);
	gw_sqlite_bind_str(stmt, 1, lowest);
	gw_sqlite_bind_int(stmt, 2, USAGE_MAX);
	while (!err && SQLITE_ROW == (rc = sqlite3_step(stmt)))
		err = read_use(rd, stmt);
	return gw_sqlite_end(db, stmt, rc) ? EIO : err;
}
