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
