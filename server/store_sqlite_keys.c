/* Keys in SQLite, written by `bellpull key`: see store_keys.h. While a gateway runs
 * on the same file, SQLite's own locks keep both apart, and keys_version tells it
 * that something has changed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <re.h>

#include "server/store_keys.h"
#include "server/store_sqlite.h"

struct gw_store_keys {
	struct gw_sqlite *db;
};

static void destructor(void *arg)
{
	struct gw_store_keys *keys = arg;

	if (keys->db)
		gw_sqlite_close(keys->db);
}

int gw_store_keys_open(struct gw_store_keys **keysp, const char *url, char *why,
		       size_t why_size)
{
	static const char scheme[] = "sqlite:";
	struct gw_store_keys *keys;
	int err;

	if (strncmp(url, scheme, strlen(scheme)) != 0) {
		(void)snprintf(why, why_size, "store.url must begin with %s",
			       scheme);
		return EINVAL;
	}
	keys = mem_zalloc(sizeof(*keys), destructor);
	if (!keys) {
		(void)snprintf(why, why_size, "out of memory");
		return ENOMEM;
	}
	err = gw_sqlite_open((void **)&keys->db, url + strlen(scheme), true,
			     why, why_size);
	/* a gateway has it, and has made its tables: we are its guests */
	if (err == EBUSY)
		err = gw_sqlite_visit(&keys->db, url + strlen(scheme), why,
				      why_size);
	if (err)
		mem_deref(keys);
	else
		*keysp = keys;
	return err;
}

/* One change and the new version, or neither. nothing: what it means when the
 * statement has changed no row. */
static int change(struct gw_store_keys *keys, sqlite3_stmt *stmt, int nothing)
{
	sqlite3 *sql = keys->db->sql;
	int rc, err;

	rc = sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	err = gw_sqlite_errno(sql, rc);
	(void)sqlite3_finalize(stmt);
	if (!err && !sqlite3_changes(sql))
		err = nothing;
	if (!err)
		err = gw_sqlite_errno(
			sql, sqlite3_exec(sql,
					  "UPDATE meta SET value = value + 1"
					  " WHERE name = 'keys_version';"
					  "COMMIT",
					  NULL, NULL, NULL));
	if (err && !sqlite3_get_autocommit(sql))
		(void)sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

static int prepare(struct gw_store_keys *keys, sqlite3_stmt **stmtp,
		   const char *text)
{
	return gw_sqlite_errno(keys->db->sql,
			       sqlite3_prepare_v2(keys->db->sql, text, -1,
						  stmtp, NULL));
}

int gw_store_keys_add(struct gw_store_keys *keys,
		      const struct gw_store_key *key)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = prepare(keys, &stmt,
		      "INSERT INTO keys (name, project, scopes, lines,"
		      " caller_ids, hash, created_at, expires_at)"
		      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
	if (err)
		return err;
	gw_sqlite_bind_str(stmt, 1, key->name);
	gw_sqlite_bind_str(stmt, 2, key->project);
	gw_sqlite_bind_str(stmt, 3, key->scopes);
	gw_sqlite_bind_str(stmt, 4, key->lines);
	gw_sqlite_bind_str(stmt, 5, key->caller_ids);
	(void)sqlite3_bind_blob(stmt, 6, key->hash, sizeof(key->hash),
				SQLITE_STATIC);
	gw_sqlite_bind_int(stmt, 7, key->created_at_ms);
	if (key->expires_at_ms)
		gw_sqlite_bind_int(stmt, 8, key->expires_at_ms);
	return change(keys, stmt, EIO);
}

int gw_store_keys_disable(struct gw_store_keys *keys, const char *name,
			  bool disabled)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = prepare(keys, &stmt,
		      "UPDATE keys SET disabled = ?2 WHERE name = ?1");
	if (err)
		return err;
	gw_sqlite_bind_str(stmt, 1, name);
	gw_sqlite_bind_int(stmt, 2, disabled);
	return change(keys, stmt, ENOENT);
}

int gw_store_keys_remove(struct gw_store_keys *keys, const char *name)
{
	sqlite3_stmt *stmt = NULL;
	int err;

	err = prepare(keys, &stmt, "DELETE FROM keys WHERE name = ?1");
	if (err)
		return err;
	gw_sqlite_bind_str(stmt, 1, name);
	return change(keys, stmt, ENOENT);
}

int gw_store_keys_list(struct gw_store_keys *keys, struct gw_store_read **rdp)
{
	struct gw_store_read *rd = gw_store_read_alloc(GW_STORE_KEYS);
	int err;

	if (!rd)
		return ENOMEM;
	rd->version = -1;
	err = gw_sqlite_read_keys(keys->db, rd);
	if (err)
		mem_deref(rd);
	else
		*rdp = rd;
	return err;
}
