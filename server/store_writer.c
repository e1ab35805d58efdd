/* The store's writer: what waits, what becomes one transaction, and what happens
 * when the disk refuses.
 *
 * Events alone may linger a few milliseconds for company, as configured; a new
 * call doesn't. When many come, all linger by themselves: above some 200 calls
 * a second a transaction for each would cost as much as the call, and what five
 * milliseconds bring together costs a third of it. Nobody sees them pass.
 *
 * When the disk refuses, what must be kept stays in front of the queue, in its
 * order, and is tried again; everything else is refused at once until a try has
 * succeeded. A probe is the try when nothing waits, so health comes back by
 * itself. Retention runs between commits, a slice at a time, and so do the
 * engine's chores. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include <re.h>

#include "server/store_inside.h"

enum {
	BUSY_WINDOW_US = 100 * 1000,
	BUSY_JOBS = 120, /* in a window: from then on all linger */
	BUSY_LINGER_US = 5000,
	BATCH_JOBS = 1000,
	BATCH_BYTES = 8 << 20,
	RETRY_MS = 250,
	RETRY_MAX_MS = 2000,
	SLICE_CALLS = 20,
	SLICE_PAUSE_MS = 20,
	KEEPING_MS = 60 * 1000, /* how often retention looks */
	KEEPING_FIRST_MS = 3 * 1000,
};

const uint32_t gw_store_commit_bounds_us[GW_STORE_BUCKETS - 1] = {
	200,   500,   1000,   2000,   5000,    10000,
	20000, 50000, 100000, 500000, 1000000,
};

static int64_t wall_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Somebody waits for it with a phone in the hand. */
static bool is_urgent(const struct gw_store_job *job)
{
	return job->idem || (job->call && job->call->insert);
}

static void job_done(void *arg)
{
	struct gw_store_job *job = arg;

	if (job->doneh)
		job->doneh(job, job->arg);
	mem_deref(job);
}

static void post_job(struct gw_store_job *job)
{
	job->own.note.fn = job_done;
	job->own.note.arg = job;
	gw_loop_post_note(&job->own.note);
}

/* Counts what comes, a tenth of a second at a time. */
static void count_coming(struct gw_store *st, uint64_t now)
{
	if (now - st->window_us >= BUSY_WINDOW_US) {
		st->busy = st->window_jobs >= BUSY_JOBS;
		st->window_us = now;
		st->window_jobs = 0;
	}
	st->window_jobs++;
}

/* Until when what waits may wait for company. */
static uint64_t linger_until(const struct gw_store *st)
{
	const uint64_t busy_us = st->busy ? BUSY_LINGER_US : 0;
	const uint64_t events_us =
		st->head->own.since_us + MAX(st->linger_ms * 1000ULL, busy_us);

	return st->urgent ? MIN(st->urgent_us + busy_us, events_us) : events_us;
}

static bool linger_over(const struct gw_store *st, uint64_t now)
{
	return st->writer.closing || now >= linger_until(st) ||
	       st->stats.waiting >= BATCH_JOBS;
}

/* Whether what has just come needn't wait until the writer wakes by itself. */
static bool must_wake(const struct gw_store *st, uint64_t now)
{
	return !st->lingering || linger_over(st, now) ||
	       linger_until(st) < st->lingering_us;
}

int gw_store_push(struct gw_store *st, struct gw_store_job *job)
{
	struct gw_worker *w = &st->writer;
	int err = 0;

	job->own.next = NULL;
	job->own.since_us = gw_worker_now_us();
	job->own.bytes = gw_store_job_bytes(job);

	pthread_mutex_lock(&w->lock);
	if (w->closing) {
		err = ESHUTDOWN;
	} else if (st->stats.waiting_bytes + job->own.bytes > st->queue_bytes) {
		err = ENOBUFS;
	} else {
		*st->tail = job;
		st->tail = &job->own.next;
		if (is_urgent(job) && !st->urgent++)
			st->urgent_us = job->own.since_us;
		count_coming(st, job->own.since_us);
		st->stats.waiting++;
		st->stats.waiting_bytes += job->own.bytes;
		if (must_wake(st, job->own.since_us))
			gw_worker_wake(w);
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
	TODO_TIDY,
	TODO_REFUSE,
	TODO_PROBE,
	TODO_KEEPING,
	TODO_END,
};

/* Chores are done while nobody waits for a commit, or when they are too many. */
static bool has_chores(const struct gw_store *st, uint64_t now)
{
	const enum gw_store_chores chores = st->engine->chores(st->writer_db);

	if (chores == GW_STORE_TIDY || chores == GW_STORE_FULL ||
	    (chores == GW_STORE_A_LITTLE && st->busy))
		return chores == GW_STORE_FULL;

	return !st->head || !linger_over(st, now);
}

/* Looks for work; with the lock held. *untilp: when to look again. */
static enum todo find_todo(struct gw_store *st, struct chain *chain,
			   uint64_t *untilp)
{
	const bool closing = st->writer.closing;
	const uint64_t now = gw_worker_now_us();
	const bool refusing = st->retry_us > now && !closing;

	*untilp = next_own_work(st);

	if (!refusing && !closing &&
	    (now >= st->keeping_us || (st->prune_before_ms && !st->slicing)))
		return TODO_KEEPING;

	if (st->head && refusing) {
		take_refused(st, chain);
		return chain->head ? TODO_REFUSE : TODO_SLEEP;
	}

	if (!refusing && !closing && has_chores(st, now))
		return TODO_TIDY;

	if (st->head && !linger_over(st, now)) {
		*untilp = st->lingering_us = linger_until(st);
		st->lingering = true;
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
	struct gw_worker *w = &st->writer;
	uint64_t until_us;
	enum todo todo;

	chain_init(chain);
	pthread_mutex_lock(&w->lock);

	while (TODO_SLEEP == (todo = find_todo(st, chain, &until_us))) {
		gw_worker_sleep(w, until_us);
		st->lingering = false;
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
	st->retry_us = gw_worker_now_us() + st->retry_ms * 1000ULL;
	atomic_store(&st->health, err);
}

static void disk_is_well(struct gw_store *st)
{
	st->retry_ms = 0;
	st->retry_us = 0;
	atomic_store(&st->health, 0);
}

void gw_store_learn_ids(struct gw_store *st)
{
	uint64_t head, pruned;

	st->engine->ids(st->writer_db, &head, &pruned);
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

		job->err = e->write(st->writer_db, job, &now);
		if (job->err && !is_hopeless(job->err)) {
			refused = job->err;
			if (!e->alive(st->writer_db))
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

/* Most of the time no job fails. True: all of batch is written, not committed yet;
 * else nothing is, and batch is as it was. */
static bool write_boldly(struct gw_store *st, struct chain *batch)
{
	const struct gw_store_engine *e = st->engine;
	const struct gw_store_now now = { wall_ms(), st->idempotency_ms };
	struct gw_store_job *job;

	if (e->begin(st->writer_db, false))
		return false;

	for (job = batch->head; job; job = job->own.next)
		if ((job->err = e->write(st->writer_db, job, &now)))
			break;
	if (!job)
		return true;

	e->rollback(st->writer_db);
	return false;
}

/* Writes what can be written, job by job. */
static int write_carefully(struct gw_store *st, struct chain *batch,
			   struct chain *written, int *refusedp)
{
	const struct gw_store_engine *e = st->engine;
	const int err = e->begin(st->writer_db, true);

	if (err)
		return err;

	*refusedp = write_jobs(st, batch, written);
	return e->alive(st->writer_db) ? e->commit(st->writer_db) : *refusedp;
}

static void commit_batch(struct gw_store *st, struct chain *batch)
{
	const struct gw_store_engine *e = st->engine;
	const uint64_t start = gw_worker_now_us();
	struct chain written, left, home;
	int err, refused = 0;

	chain_init(&written);
	chain_init(&left);
	chain_init(&home);

	if (write_boldly(st, batch)) {
		written = *batch;
		if (written.tail == &batch->head)
			written.tail = &written.head;
		chain_init(batch);
		err = e->commit(st->writer_db);
	} else {
		err = write_carefully(st, batch, &written, &refused);
	}
	count_commit(st, &written, err, gw_worker_now_us() - start);

	if (err) {
		e->rollback(st->writer_db);
		sort_refused(&written, st->writer.closing, &left, &home);
	}
	sort_refused(batch, st->writer.closing, &left, &home);

	if (err || refused)
		refused_by_disk(st, err ? err : refused);
	else
		disk_is_well(st);
	gw_store_learn_ids(st);

	post_chain(st, &written, 0);
	post_chain(st, &home, err ? err : refused);
	give_back(st, &left);
}

static void probe(struct gw_store *st)
{
	const int err = st->engine->probe(st->writer_db);

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

	err = st->engine->prune(st->writer_db, &slice);
	gw_store_learn_ids(st);

	st->slicing = !err && slice.more;
	st->keeping_us = gw_worker_now_us() +
			 1000ULL * (st->slicing ? SLICE_PAUSE_MS : KEEPING_MS);
}

void *gw_store_writer(void *arg)
{
	struct gw_store *st = arg;
	struct chain chain;

	for (;;) {
		switch (next_todo(st, &chain)) {
		case TODO_COMMIT:
			commit_batch(st, &chain);
			break;
		case TODO_TIDY:
			st->engine->tidy(st->writer_db);
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

void gw_store_prune(struct gw_store *st, int64_t before_ms)
{
	pthread_mutex_lock(&st->writer.lock);
	st->prune_before_ms = before_ms;
	gw_worker_wake(&st->writer);
	pthread_mutex_unlock(&st->writer.lock);
}

void gw_store_writer_init(struct gw_store *st)
{
	st->tail = &st->head;
	st->keeping_us = gw_worker_now_us() + KEEPING_FIRST_MS * 1000ULL;
}
