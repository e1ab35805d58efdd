/* What SQLite says, as errno, and places where no database can be. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/loop.h"
#include "server/store.h"
#include "server/store_sqlite.h"
#include "tests/test.h"

static int test_store_words_of_sqlite(void)
{
	static const struct {
		int rc, err;
	} rows[] = {
		{ SQLITE_OK, 0 },
		{ SQLITE_ROW, 0 },
		{ SQLITE_DONE, 0 },
		{ SQLITE_FULL, ENOSPC },
		{ SQLITE_READONLY, EROFS },
		{ SQLITE_READONLY_DBMOVED, EROFS },
		{ SQLITE_NOMEM, ENOMEM },
		{ SQLITE_IOERR_NOMEM, EIO },
		{ SQLITE_BUSY, EBUSY },
		{ SQLITE_BUSY_SNAPSHOT, EBUSY },
		{ SQLITE_LOCKED, EBUSY },
		{ SQLITE_CONSTRAINT_UNIQUE, EEXIST },
		{ SQLITE_CORRUPT, EBADMSG },
		{ SQLITE_NOTADB, EBADMSG },
		{ SQLITE_CANTOPEN, EIO },
		{ SQLITE_MISUSE, EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK_INT(gw_sqlite_errno(NULL, rows[i].rc), rows[i].err);
	return 0;
}
TEST(test_store_words_of_sqlite);

static void loop_end(void *arg)
{
	(void)arg;
	gw_loop_close();
}

static int open_at(const char *path, char *why, size_t size)
{
	struct gw_store *store = NULL;
	struct gw_store_cfg cfg = { .url = path };
	const int err = gw_store_open(&store, &cfg, why, size);

	gw_store_close(store);
	gw_loop_drain();
	return err;
}

static int test_store_has_to_be_somewhere(void)
{
	static const char *const places[] = {
		"sqlite:/nowhere/at/all.db",
		"sqlite:/dev",
		"postgres:b",
		"b.db",
	};
	struct gw_sqlite *guest = NULL;
	char why[256];

	CHECK_OK(gw_loop_init());
	test_later(loop_end, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		why[0] = '\0';
		CHECK(open_at(places[i], why, sizeof(why)));
		CHECK(why[0]);
	}
	CHECK(gw_sqlite_visit(&guest, "/nowhere/at/all.db", why, sizeof(why)));
	CHECK(!guest);
	CHECK(strstr(why, "/nowhere/at/all.db"));
	return 0;
}
TEST(test_store_has_to_be_somewhere);

static int take_meta_away(const char *path)
{
	sqlite3 *db = NULL;
	int rc = sqlite3_open(path, &db);

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, "DROP TABLE meta", NULL, NULL, NULL);
	(void)sqlite3_close(db);
	return rc == SQLITE_OK ? 0 : EIO;
}

/* A database of another program is nobody's guest house, nor is one that was ours
 * and has lost a table. */
static int test_store_of_others(void)
{
	char path[64], url[80], why[256];
	struct gw_sqlite *guest = NULL;
	struct gw_store *store = NULL;
	struct gw_store_cfg cfg = { .url = url, .idempotency_hours = 48 };
	int fd, err;

	(void)snprintf(path, sizeof(path), "%s/bellpull-other-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	fd = mkstemp(path);
	CHECK(fd >= 0);
	CHECK(write(fd, "this is no database, but a letter", 33) == 33);
	(void)close(fd);
	err = gw_sqlite_visit(&guest, path, why, sizeof(why));
	(void)unlink(path);
	CHECK_ERR(err, EBADMSG);
	CHECK(strstr(why, "no database"));

	(void)snprintf(url, sizeof(url), "sqlite:%s", path);
	CHECK_OK(gw_loop_init());
	test_later(loop_end, NULL);
	err = gw_store_open(&store, &cfg, why, sizeof(why));
	gw_store_close(store);
	gw_loop_drain();
	if (!err && (take_meta_away(path) ||
		     !gw_store_open(&store, &cfg, why, sizeof(why))))
		err = EIO;
	(void)unlink(path);
	CHECK_OK(err);
	CHECK(strstr(why, "meta"));
	return 0;
}
TEST(test_store_of_others);
