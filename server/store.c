/* The store's two threads, and what waits for them.
 *
 *   gw_store_push() -> queue -> writer: all that waits = one transaction -> loop
 *   gw_store_ask()  -> queue -> reader: one by one                       -> loop
 *
 * Here the store comes up, reads and goes down; writing is store_writer.c's. What
 * is written and read to and from where is an engine's matter (store_engine.h). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "server/store_inside.h"

enum {
	QUEUE_BYTES = 64 << 20,
	IDEMPOTENCY_HOURS = 24,
};

/* Reading --------------------------------------------------------------------- */

int gw_store_ask(struct gw_store *st, struct gw_store_read *rd)
{
	struct gw_worker *w = &st->reader;
	int err = 0;

	rd->own.next = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->closing) {
		err = ESHUTDOWN;
	} else {
		*st->rtail = rd;
		st->rtail = &rd->own.next;
		gw_worker_wake(w);
	}
	pthread_mutex_unlock(&w->lock);

	if (err)
		mem_deref(rd);
	return err;
}

static struct gw_store_read *next_read(struct gw_store *st)
{
	struct gw_worker *w = &st->reader;
	struct gw_store_read *rd;

	pthread_mutex_lock(&w->lock);
	while (!st->rhead && !w->closing)
		gw_worker_sleep(w, 0);

	rd = st->rhead;
	if (rd) {
		st->rhead = rd->own.next;
		if (!st->rhead)
			st->rtail = &st->rhead;
		st->reads++;
	}
	pthread_mutex_unlock(&w->lock);

	return rd;
}

static void read_done(void *arg)
{
	struct gw_store_read *rd = arg;

	rd->doneh(rd, rd->arg);
	mem_deref(rd);
}

static void *reader_main(void *arg)
{
	struct gw_store *st = arg;
	struct gw_store_read *rd;

	while ((rd = next_read(st))) {
		rd->err = st->engine->read(st->reader_db, rd);
		rd->own.note.fn = read_done;
		rd->own.note.arg = rd;
		gw_loop_post_note(&rd->own.note);
	}

	return NULL;
}

/* Up and down --------------------------------------------------------------- */

static void store_destructor(void *arg)
{
	struct gw_store *st = arg;

	gw_worker_stop(&st->reader);
	gw_worker_stop(&st->writer);
	if (st->reader_db)
		st->engine->close(st->reader_db);
	if (st->writer_db)
		st->engine->close(st->writer_db);
	gw_worker_destroy(&st->reader);
	gw_worker_destroy(&st->writer);
}

static const struct gw_store_engine *find_engine(const char *url,
						 const char **wherep)
{
	static const struct gw_store_engine *const engines[] = {
		&gw_store_sqlite,
	};

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		const size_t n = strlen(engines[i]->scheme);

		if (0 == strncmp(url, engines[i]->scheme, n) && url[n] == ':') {
			*wherep = url + n + 1;
			return engines[i];
		}
	}

	return NULL;
}

static int store_alloc(struct gw_store **stp, const struct gw_store_cfg *cfg,
		       const struct gw_store_engine *engine)
{
	struct gw_store *st;
	int err;

	st = mem_zalloc(sizeof(*st), store_destructor);
	if (!st)
		return ENOMEM;

	st->engine = engine;
	st->linger_ms = cfg->linger_ms;
	st->keep_days = cfg->keep_days;
	st->queue_bytes = cfg->queue_bytes ? cfg->queue_bytes : QUEUE_BYTES;
	st->idempotency_ms = 3600000LL * (cfg->idempotency_hours ?
						  cfg->idempotency_hours :
						  IDEMPOTENCY_HOURS);
	st->rtail = &st->rhead;
	gw_store_writer_init(st);

	err = gw_worker_init(&st->writer);
	if (!err)
		err = gw_worker_init(&st->reader);

	if (err)
		mem_deref(st);
	else
		*stp = st;
	return err;
}

int gw_store_open(struct gw_store **storep, const struct gw_store_cfg *cfg,
		  char *why, size_t why_size)
{
	const struct gw_store_engine *engine;
	struct gw_store *st;
	const char *where;
	int err;

	engine = find_engine(cfg->url, &where);
	if (!engine) {
		(void)snprintf(
			why, why_size,
			"store.url must begin with sqlite: (it is \"%s\")",
			cfg->url);
		return EINVAL;
	}

	err = store_alloc(&st, cfg, engine);
	if (err) {
		(void)snprintf(why, why_size, "the store can't start: %s",
			       strerror(err));
		return err;
	}

	err = engine->open(&st->writer_db, where, true, why, why_size);
	if (err)
		goto out;
	err = engine->open(&st->reader_db, where, false, why, why_size);
	if (err)
		goto out;
	gw_store_learn_ids(st);
	err = engine->facts(st->writer_db, &st->facts);
	if (err) {
		(void)snprintf(why, why_size, "the store can't be read: %s",
			       strerror(err));
		goto out;
	}

	err = gw_worker_start(&st->writer, gw_store_writer, st);
	if (!err)
		err = gw_worker_start(&st->reader, reader_main, st);
	if (err)
		(void)snprintf(why, why_size,
			       "the store's threads can't start: %s",
			       strerror(err));

out:
	if (err)
		mem_deref(st);
	else
		*storep = st;
	return err;
}

void gw_store_close(struct gw_store *store)
{
	mem_deref(store);
}

int gw_store_health(const struct gw_store *st)
{
	return atomic_load(&st->health);
}

const struct gw_store_facts *gw_store_facts(const struct gw_store *st)
{
	return &st->facts;
}

uint64_t gw_store_head_id(const struct gw_store *st)
{
	return atomic_load(&st->head_id);
}

uint64_t gw_store_pruned_id(const struct gw_store *st)
{
	return atomic_load(&st->pruned_id);
}

void gw_store_stats(struct gw_store *st, struct gw_store_stats *stats)
{
	pthread_mutex_lock(&st->writer.lock);
	*stats = st->stats;
	pthread_mutex_unlock(&st->writer.lock);

	pthread_mutex_lock(&st->reader.lock);
	stats->reads = st->reads;
	pthread_mutex_unlock(&st->reader.lock);
}
