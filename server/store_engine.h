/* What store.c asks of an engine. Each connection is used by one thread at a
 * time: opened on the loop thread, then handed to its worker. */
#ifndef BELLPULL_SERVER_STORE_ENGINE_H
#define BELLPULL_SERVER_STORE_ENGINE_H

#include "server/store.h"

/* What a write must know beside its job. */
struct gw_store_now {
	int64_t now_ms;         /* wall clock                        */
	int64_t idempotency_ms; /* how long a new key is remembered  */
};

/* What retention takes away in one slice. */
struct gw_store_slice {
	int64_t before_ms; /* calls that ended before; 0: none        */
	int64_t now_ms;    /* keys that expired before                */
	uint32_t calls;    /* at most so many                         */
	bool more;         /* result: there is another slice          */
};

/* When what is left to be done wants to be done. */
enum gw_store_chores {
	GW_STORE_TIDY,     /* there is nothing */
	GW_STORE_A_LITTLE, /* when there is much time */
	GW_STORE_UNTIDY,   /* when nobody waits */
	GW_STORE_FULL      /* now */
};

struct gw_store_engine {
	const char *scheme; /* of the URL */

	/* The writing connection creates and migrates; a reading one comes after
	 * it. why[] gets a sentence on error. */
	int (*open)(void **dbp, const char *where, bool writing, char *why,
		    size_t why_size);
	void (*close)(void *db);

	/* The newest id ever given, and the newest that retention took. */
	void (*ids)(void *db, uint64_t *headp, uint64_t *prunedp);

	/* Asked once, of the writing connection, before its thread begins. */
	int (*facts)(void *db, struct gw_store_facts *facts);

	/* A transaction: begin, any number of write, commit. An error of commit
	 * has undone all of it. One that is not careful can't undo a single job:
	 * after an error of write only rollback is left. */
	int (*begin)(void *db, bool careful);
	int (*commit)(void *db);
	void (*rollback)(void *db);

	/* All or nothing of one job, its results included; an error leaves the
	 * jobs before it untouched (careful), unless alive() says that the engine
	 * gave the whole transaction up. */
	int (*write)(void *db, struct gw_store_job *job,
		     const struct gw_store_now *now);
	bool (*alive)(void *db);

	/* What commits leave to be done later: how pressing it is, and doing it.
	 * It takes as long as some commits do. */
	enum gw_store_chores (*chores)(void *db);
	void (*tidy)(void *db);

	/* A transaction of its own each: */
	int (*prune)(void *db, struct gw_store_slice *slice);
	int (*probe)(void *db); /* can anything be written? */

	int (*read)(void *db, struct gw_store_read *rd);
};

extern const struct gw_store_engine gw_store_sqlite;

#endif
