/* The store's two threads, and what waits for them.
 *
 *   gw_store_push() -> queue -> writer: all that waits = one transaction -> loop
 *   gw_store_ask()  -> queue -> reader: one by one                       -> loop
 *
 * Events alone may linger a few milliseconds for company; a new call never
 * waits. When the disk refuses, what must be kept stays in front of the queue, in
 * its order, and is tried again; everything else is refused at once until a try
 * has succeeded. A probe is the try when nothing waits, so health comes back
 * by itself. Retention runs between commits, a slice at a time.
 *
 * Engines do the writing and reading (store_engine.h); here is only the order. */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <re.h>

#include "server/store.h"
#include "server/store_engine.h"

enum {
	BATCH_JOBS = 1000,
	BATCH_BYTES = 8 << 20,
	QUEUE_BYTES = 64 << 20,
	JOB_BYTES = 512, /* what a job costs beside its buffers */
	RETRY_MS = 250,
	RETRY_MAX_MS = 2000,
	SLICE_CALLS = 20,
	SLICE_PAUSE_MS = 20,
	KEEPING_MS = 60 * 1000, /* how often retention looks */
	IDEMPOTENCY_HOURS = 24,
};

const uint32_t gw_store_commit_bounds_us[GW_STORE_BUCKETS - 1] = {
	200,   500,   1000,   2000,   5000,    10000,
	20000, 50000, 100000, 500000, 1000000,
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	void *db;
	bool ready; /* lock and cond are */
	bool running;
	bool sleeping;  /* wants a signal ... */
	bool lingering; /* ... but not for one more event */
	atomic_bool closing;
};

struct gw_store {
	const struct gw_store_engine *engine;
	uint32_t linger_ms;
	uint32_t keep_days;
	int64_t idempotency_ms;
	size_t queue_bytes;

	struct worker writer; /* its lock: everything down to stats */
	struct gw_store_job *head, **tail;
	uint32_t urgent;         /* jobs in the queue that don't linger */
	int64_t prune_before_ms; /* asked for; 0: nothing */
	struct gw_store_stats stats;

	/* the writer's own */
	uint64_t retry_us; /* 0: the last commit went well */
	uint32_t retry_ms;
	uint64_t keeping_us; /* when retention looks next */
	int64_t slice_before_ms;
	bool slicing;

	struct worker reader; /* its lock: the next two */
	struct gw_store_read *rhead, **rtail;
	uint64_t reads;

	atomic_int health;
	_Atomic uint64_t head_id, pruned_id;
};

static uint64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static int64_t wall_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Workers: sleeping and waking -------------------------------------------- */

static int worker_init(struct worker *w)
{
	pthread_condattr_t attr;
	int err;

	err = pthread_mutex_init(&w->lock, NULL);
	if (err)
		return err;

	err = pthread_condattr_init(&attr);
	if (!err) {
		(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
		err = pthread_cond_init(&w->cond, &attr);
		(void)pthread_condattr_destroy(&attr);
	}
	if (err)
		(void)pthread_mutex_destroy(&w->lock);

	w->ready = !err;
	return err;
}

static void worker_destroy(struct worker *w)
{
	if (!w->ready)
		return;

	(void)pthread_cond_destroy(&w->cond);
	(void)pthread_mutex_destroy(&w->lock);
}

/* Signals are the loop's: also SIGXFSZ must not end us, it is an error of write. */
static int worker_start(struct worker *w, void *(*run)(void *arg), void *arg)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_BLOCK, &all, &before);
	err = pthread_create(&w->thread, NULL, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);

	w->running = !err;
	return err;
}

static void worker_stop(struct worker *w)
{
	if (!w->running)
		return;

	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->lock);

	(void)pthread_join(w->thread, NULL);
	w->running = false;
}

static void worker_wake(struct worker *w)
{
	if (w->sleeping)
		pthread_cond_signal(&w->cond);
}

/* Until woken or until_us; 0: for as long as it takes. With the lock held. */
static void worker_sleep(struct worker *w, uint64_t until_us)
{
	struct timespec ts;

	w->sleeping = true;
	if (until_us) {
		ts.tv_sec = (time_t)(until_us / 1000000);
		ts.tv_nsec = (long)(until_us % 1000000) * 1000;
		(void)pthread_cond_timedwait(&w->cond, &w->lock, &ts);
	} else {
		(void)pthread_cond_wait(&w->cond, &w->lock);
	}
	w->sleeping = false;
}

/* Jobs ------------------------------------------------------------------- */

static void call_destructor(void *arg)
{
	struct gw_store_call *call = arg;

	mem_deref(call->to);
	mem_deref(call->from);
	mem_deref(call->line);
	mem_deref(call->project);
	mem_deref(call->snapshot);
	mem_deref(call->ladder);
	mem_deref(call->dialog);
}

struct gw_store_call *gw_store_call_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_call), call_destructor);
}

static void idem_destructor(void *arg)
{
	struct gw_store_idem *idem = arg;

	mem_deref(idem->scope_key);
}

struct gw_store_idem *gw_store_idem_alloc(void)
{
	return mem_zalloc(sizeof(struct gw_store_idem), idem_destructor);
}

static void job_destructor(void *arg)
{
	struct gw_store_job *job = arg;

	for (size_t i = 0; job->events && i < job->event_count; i++)
		mem_deref(job->events[i].suffix);

	mem_deref(job->events);
	mem_deref(job->call);
	mem_deref(job->idem);
	mem_deref(job->response);
}

struct gw_store_job *gw_store_job_alloc(size_t event_count)
{
	struct gw_store_job *job;

	job = mem_zalloc(sizeof(*job), job_destructor);
	if (!job)
		return NULL;

	if (event_count) {
		job->events =
			mem_zalloc(event_count * sizeof(*job->events), NULL);
		if (!job->events)
			return mem_deref(job);
		job->event_count = event_count;
	}

	return job;
}

static size_t buffer_bytes(const struct mbuf *mb)
{
	return mb ? mb->size : 0;
}

static size_t job_bytes(const struct gw_store_job *job)
{
	size_t bytes = JOB_BYTES;

	for (size_t i = 0; i < job->event_count; i++)
		bytes += sizeof(job->events[i]) +
			 buffer_bytes(job->events[i].suffix);

	if (job->call)
		bytes += sizeof(*job->call) +
			 buffer_bytes(job->call->snapshot) +
			 buffer_bytes(job->call->ladder) +
			 buffer_bytes(job->call->dialog);

	return bytes;
}

/* Somebody waits for it with a phone in the hand. */
static bool is_urgent(const struct gw_store_job *job)
{
	return job->idem || (job->call && job->call->insert);
}

static void job_done(void *arg)
{
	struct gw_store_job *job = arg;

	job->doneh(job, job->arg);
	mem_deref(job);
}

static void post_job(struct gw_store_job *job)
{
	job->own.note.fn = job_done;
	job->own.note.arg = job;
	gw_loop_post_note(&job->own.note);
}

static uint64_t linger_until(const struct gw_store *st)
{
	return st->head->own.since_us + st->linger_ms * 1000ULL;
}

static bool linger_over(const struct gw_store *st, uint64_t now)
{
	return !st->linger_ms || st->urgent || st->writer.closing ||
	       now >= linger_until(st) || st->stats.waiting >= BATCH_JOBS;
}

int gw_store_push(struct gw_store *st, struct gw_store_job *job)
{
	struct worker *w = &st->writer;
	int err = 0;

	job->own.next = NULL;
	job->own.since_us = now_us();
	job->own.bytes = job_bytes(job);

	pthread_mutex_lock(&w->lock);
	if (w->closing) {
		err = ESHUTDOWN;
	} else if (st->stats.waiting_bytes + job->own.bytes > st->queue_bytes) {
		err = ENOBUFS;
	} else {
		*st->tail = job;
		st->tail = &job->own.next;
		st->urgent += is_urgent(job);
		st->stats.waiting++;
		st->stats.waiting_bytes += job->own.bytes;
		if (!w->lingering || linger_over(st, job->own.since_us))
			worker_wake(w);
	}
	pthread_mutex_unlock(&w->lock);

	if (err)
		mem_deref(job);
	return err;
}

/* The writer: what waits -------------------------------------------------- */

/* A chain of jobs in their order. */
struct chain {
	struct gw_store_job *head, **tail;
	uint32_t jobs;
	size_t bytes;
};

static void chain_init(struct chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->tail = &chain->head;
}

static void chain_append(struct chain *chain, struct gw_store_job *job)
{
	job->own.next = NULL;
	*chain->tail = job;
	chain->tail = &job->own.next;
	chain->jobs++;
	chain->bytes += job->own.bytes;
}

static struct gw_store_job *chain_shift(struct chain *chain)
{
	struct gw_store_job *job = chain->head;

	chain->head = job->own.next;
	if (!chain->head)
		chain->tail = &chain->head;
	chain->jobs--;
	chain->bytes -= job->own.bytes;
	return job;
}

/* Takes the first jobs out of the queue; with the lock held. */
static void take_batch(struct gw_store *st, struct chain *batch)
{
	while (st->head && batch->jobs < BATCH_JOBS &&
	       batch->bytes < BATCH_BYTES) {
		struct gw_store_job *job = st->head;

		st->head = job->own.next;
		st->urgent -= is_urgent(job);
		chain_append(batch, job);
	}

	if (!st->head)
		st->tail = &st->head;
}

/* While the disk refuses: what needn't be kept is told so now. */
static void take_refused(struct gw_store *st, struct chain *refused)
{
	struct gw_store_job **pp = &st->head;

	while (*pp) {
		struct gw_store_job *job = *pp;

		if (job->keep) {
			pp = &job->own.next;
			continue;
		}
		*pp = job->own.next;
		st->urgent -= is_urgent(job);
		chain_append(refused, job);
	}

	st->tail = pp;
}

/* Back to the front of the queue, in the order they had. */
static void give_back(struct gw_store *st, struct chain *left)
{
	if (!left->head)
		return;

	pthread_mutex_lock(&st->writer.lock);
	for (struct gw_store_job *job = left->head; job; job = job->own.next)
		st->urgent += is_urgent(job);

	*left->tail = st->head;
	if (!st->head)
		st->tail = left->tail;
	st->head = left->head;
	pthread_mutex_unlock(&st->writer.lock);
}

/* When the writer must wake up by itself. */
static uint64_t next_own_work(const struct gw_store *st)
{
	return st->retry_us && st->retry_us < st->keeping_us ? st->retry_us :
							       st->keeping_us;
}

enum todo {
	TODO_SLEEP,
	TODO_COMMIT,
	TODO_REFUSE,
	TODO_PROBE,
	TODO_KEEPING,
	TODO_END,
};

/* Looks for work; with the lock held. *untilp: when to look again. */
static enum todo find_todo(struct gw_store *st, struct chain *chain,
			   uint64_t *untilp)
{
	const bool closing = st->writer.closing;
	const uint64_t now = now_us();
	const bool refusing = st->retry_us > now && !closing;

	*untilp = next_own_work(st);

	if (!refusing && !closing &&
	    (now >= st->keeping_us || (st->prune_before_ms && !st->slicing)))
		return TODO_KEEPING;

	if (st->head && refusing) {
		take_refused(st, chain);
		return chain->head ? TODO_REFUSE : TODO_SLEEP;
	}

	if (st->head && !linger_over(st, now)) {
		*untilp = linger_until(st);
		st->writer.lingering = true;
		return TODO_SLEEP;
	}

	if (st->head) {
		take_batch(st, chain);
		return TODO_COMMIT;
	}

	if (closing)
		return TODO_END;

	return st->retry_us && !refusing ? TODO_PROBE : TODO_SLEEP;
}

/* Waits for work and says which. */
static enum todo next_todo(struct gw_store *st, struct chain *chain)
{
	struct worker *w = &st->writer;
	uint64_t until_us;
	enum todo todo;

	chain_init(chain);
	pthread_mutex_lock(&w->lock);

	while (TODO_SLEEP == (todo = find_todo(st, chain, &until_us))) {
		worker_sleep(w, until_us);
		w->lingering = false;
	}

	pthread_mutex_unlock(&w->lock);
	return todo;
}

/* The writer: commits ----------------------------------------------------- */

/* Not the disk's mood but the job's fault: trying again would not help. */
static bool is_hopeless(int err)
{
	return err == EINVAL || err == EEXIST || err == ENOENT ||
	       err == ENOTSUP;
}

static void refused_by_disk(struct gw_store *st, int err)
{
	st->retry_ms = !st->retry_ms ? RETRY_MS : 2 * st->retry_ms;
	if (st->retry_ms > RETRY_MAX_MS)
		st->retry_ms = RETRY_MAX_MS;
	st->retry_us = now_us() + st->retry_ms * 1000ULL;
	atomic_store(&st->health, err);
}

static void disk_is_well(struct gw_store *st)
{
	st->retry_ms = 0;
	st->retry_us = 0;
	atomic_store(&st->health, 0);
}

static void learn_ids(struct gw_store *st)
{
	uint64_t head, pruned;

	st->engine->ids(st->writer.db, &head, &pruned);
	atomic_store(&st->head_id, head);
	atomic_store(&st->pruned_id, pruned);
}

static void count_commit(struct gw_store *st, const struct chain *done, int err,
			 uint64_t took_us)
{
	struct gw_store_stats *s = &st->stats;
	size_t i = 0;

	while (i < GW_STORE_BUCKETS - 1 &&
	       took_us > gw_store_commit_bounds_us[i])
		i++;

	pthread_mutex_lock(&st->writer.lock);
	if (err) {
		s->failed_commits++;
	} else {
		s->commits++;
		s->commit_us_sum += took_us;
		s->commit_bucket[i]++;
		for (struct gw_store_job *job = done->head; job;
		     job = job->own.next) {
			s->jobs++;
			if (!job->err && job->verdict == GW_IDEM_NEW)
				s->events += job->event_count;
		}
	}
	pthread_mutex_unlock(&st->writer.lock);
}

/* Sends jobs home; err is told to those that have none of their own. */
static void post_chain(struct gw_store *st, struct chain *chain, int err)
{
	pthread_mutex_lock(&st->writer.lock);
	st->stats.waiting -= chain->jobs;
	st->stats.waiting_bytes -= chain->bytes;
	pthread_mutex_unlock(&st->writer.lock);

	while (chain->head) {
		struct gw_store_job *job = chain_shift(chain);

		if (err && !job->err)
			job->err = err;
		post_job(job);
	}
}

/* Writes jobs from batch until it is empty or the disk refuses one that must be
 * kept: then it, and what comes after it, stays in batch. */
static int write_jobs(struct gw_store *st, struct chain *batch,
		      struct chain *written)
{
	const struct gw_store_engine *e = st->engine;
	const struct gw_store_now now = { wall_ms(), st->idempotency_ms };
	int refused = 0;

	while (batch->head) {
		struct gw_store_job *job = batch->head;

		job->err = e->write(st->writer.db, job, &now);
		if (job->err && !is_hopeless(job->err)) {
			refused = job->err;
			if (!e->alive(st->writer.db))
				return refused;
			if (job->keep) {
				job->err = 0;
				break;
			}
		}
		chain_append(written, chain_shift(batch));
	}

	return refused;
}

/* A commit that failed: what must be kept goes back, the others go home. */
static void sort_refused(struct chain *jobs, bool closing, struct chain *left,
			 struct chain *home)
{
	while (jobs->head) {
		struct gw_store_job *job = chain_shift(jobs);

		if (job->keep && !closing && !is_hopeless(job->err)) {
			job->err = 0;
			chain_append(left, job);
		} else {
			chain_append(home, job);
		}
	}
}

static void commit_batch(struct gw_store *st, struct chain *batch)
{
	const struct gw_store_engine *e = st->engine;
	const uint64_t start = now_us();
	struct chain written, left, home;
	int err, refused = 0;

	chain_init(&written);
	chain_init(&left);
	chain_init(&home);

	err = e->begin(st->writer.db);
	if (!err) {
		refused = write_jobs(st, batch, &written);
		err = e->alive(st->writer.db) ? e->commit(st->writer.db) :
						refused;
	}
	count_commit(st, &written, err, now_us() - start);

	if (err) {
		e->rollback(st->writer.db);
		sort_refused(&written, st->writer.closing, &left, &home);
	}
	sort_refused(batch, st->writer.closing, &left, &home);

	if (err || refused)
		refused_by_disk(st, err ? err : refused);
	else
		disk_is_well(st);
	learn_ids(st);

	post_chain(st, &written, 0);
	post_chain(st, &home, err ? err : refused);
	give_back(st, &left);
}

static void probe(struct gw_store *st)
{
	const int err = st->engine->probe(st->writer.db);

	if (err)
		refused_by_disk(st, err);
	else
		disk_is_well(st);
}

/* The writer: retention ---------------------------------------------------- */

static void begin_keeping(struct gw_store *st)
{
	int64_t asked;

	if (st->slicing)
		return;

	pthread_mutex_lock(&st->writer.lock);
	asked = st->prune_before_ms;
	st->prune_before_ms = 0;
	pthread_mutex_unlock(&st->writer.lock);

	if (asked)
		st->slice_before_ms = asked;
	else if (st->keep_days)
		st->slice_before_ms = wall_ms() - st->keep_days * 86400000LL;
	else
		st->slice_before_ms = 0;
	st->slicing = true;
}

static void keeping(struct gw_store *st)
{
	struct gw_store_slice slice = { .now_ms = wall_ms(),
					.calls = SLICE_CALLS };
	int err;

	begin_keeping(st);
	slice.before_ms = st->slice_before_ms;

	err = st->engine->prune(st->writer.db, &slice);
	learn_ids(st);

	st->slicing = !err && slice.more;
	st->keeping_us = now_us() +
			 1000ULL * (st->slicing ? SLICE_PAUSE_MS : KEEPING_MS);
}

static void *writer_main(void *arg)
{
	struct gw_store *st = arg;
	struct chain chain;

	for (;;) {
		switch (next_todo(st, &chain)) {
		case TODO_COMMIT:
			commit_batch(st, &chain);
			break;
		case TODO_REFUSE:
			post_chain(st, &chain, atomic_load(&st->health));
			break;
		case TODO_PROBE:
			probe(st);
			break;
		case TODO_KEEPING:
			keeping(st);
			break;
		case TODO_SLEEP: /* never comes out of next_todo() */
		case TODO_END:
			return NULL;
		}
	}
}

/* The reader --------------------------------------------------------------- */

static void read_destructor(void *arg)
{
	struct gw_store_read *rd = arg;

	for (size_t i = 0; i < rd->row_count; i++) {
		mem_deref(rd->rows[i].line);
		mem_deref(rd->rows[i].project);
		mem_deref(rd->rows[i].snapshot);
		mem_deref(rd->rows[i].ladder);
		mem_deref(rd->rows[i].dialog);
	}
	for (size_t i = 0; i < rd->event_count; i++)
		mem_deref(rd->events[i].json);

	mem_deref(rd->rows);
	mem_deref(rd->events);
	mem_deref(rd->status);
	mem_deref(rd->to);
	mem_deref(rd->from);
	mem_deref(rd->line);
	mem_deref(rd->project);
}

struct gw_store_read *gw_store_read_alloc(enum gw_store_what what)
{
	struct gw_store_read *rd;

	rd = mem_zalloc(sizeof(*rd), read_destructor);
	if (rd)
		rd->what = what;

	return rd;
}

int gw_store_ask(struct gw_store *st, struct gw_store_read *rd)
{
	struct worker *w = &st->reader;
	int err = 0;

	rd->own.next = NULL;

	pthread_mutex_lock(&w->lock);
	if (w->closing) {
		err = ESHUTDOWN;
	} else {
		*st->rtail = rd;
		st->rtail = &rd->own.next;
		worker_wake(w);
	}
	pthread_mutex_unlock(&w->lock);

	if (err)
		mem_deref(rd);
	return err;
}

static struct gw_store_read *next_read(struct gw_store *st)
{
	struct worker *w = &st->reader;
	struct gw_store_read *rd;

	pthread_mutex_lock(&w->lock);
	while (!st->rhead && !w->closing)
		worker_sleep(w, 0);

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
		rd->err = st->engine->read(st->reader.db, rd);
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

	worker_stop(&st->reader);
	worker_stop(&st->writer);
	if (st->reader.db)
		st->engine->close(st->reader.db);
	if (st->writer.db)
		st->engine->close(st->writer.db);
	worker_destroy(&st->reader);
	worker_destroy(&st->writer);
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
	st->tail = &st->head;
	st->rtail = &st->rhead;
	st->keeping_us = now_us() + KEEPING_MS * 1000ULL;

	err = worker_init(&st->writer);
	if (!err)
		err = worker_init(&st->reader);

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

	err = engine->open(&st->writer.db, where, true, why, why_size);
	if (err)
		goto out;
	err = engine->open(&st->reader.db, where, false, why, why_size);
	if (err)
		goto out;
	learn_ids(st);

	err = worker_start(&st->writer, writer_main, st);
	if (!err)
		err = worker_start(&st->reader, reader_main, st);
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

uint64_t gw_store_head_id(const struct gw_store *st)
{
	return atomic_load(&st->head_id);
}

uint64_t gw_store_pruned_id(const struct gw_store *st)
{
	return atomic_load(&st->pruned_id);
}

void gw_store_prune(struct gw_store *st, int64_t before_ms)
{
	pthread_mutex_lock(&st->writer.lock);
	st->prune_before_ms = before_ms;
	worker_wake(&st->writer);
	pthread_mutex_unlock(&st->writer.lock);
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

/* The two shapes of JSON that wait for an id -------------------------------- */

static int write_id(struct mbuf *mb, uint64_t id)
{
	char text[24];
	const int n = snprintf(text, sizeof(text), "%" PRIu64, id);

	return mbuf_write_mem(mb, (const uint8_t *)text, (size_t)n);
}

int gw_store_event_json(struct mbuf *mb, uint64_t id, const uint8_t *suffix,
			size_t len)
{
	int err;

	err = mbuf_write_str(mb, "{\"id\":");
	err |= write_id(mb, id);
	err |= mbuf_write_mem(mb, suffix, len);

	if (len && suffix[len - 1] == ':') {
		err |= write_id(mb, id);
		err |= mbuf_write_str(mb, "}}");
	}

	return err ? ENOMEM : 0;
}

int gw_store_snapshot_json(struct mbuf *mb, const uint8_t *snapshot, size_t len,
			   uint64_t last_event_id)
{
	int err;

	if (!len || snapshot[len - 1] != '}')
		return EINVAL;

	err = mbuf_write_mem(mb, snapshot, len - 1);
	err |= mbuf_write_str(mb, ",\"last_event_id\":");
	err |= write_id(mb, last_event_id);
	err |= mbuf_write_u8(mb, '}');

	return err ? ENOMEM : 0;
}
