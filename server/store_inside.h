/* The store's inside, shared by store.c (up, down, reading), store_writer.c and
 * store_job.c. */
#ifndef BELLPULL_SERVER_STORE_INSIDE_H
#define BELLPULL_SERVER_STORE_INSIDE_H

#include "server/store_engine.h"
#include "server/worker.h"

struct gw_store {
	const struct gw_store_engine *engine;
	uint32_t linger_ms;
	uint32_t keep_days;
	int64_t idempotency_ms;
	size_t queue_bytes;
	struct gw_store_facts facts;

	struct gw_worker writer; /* its lock: everything down to stats */
	void *writer_db;
	bool lingering;        /* it sleeps, but not for one more event */
	uint64_t lingering_us; /* until then */
	struct gw_store_job *head, **tail;
	uint32_t urgent; /* jobs in the queue that linger only when it's busy */
	uint64_t urgent_us; /* when the first of them came */
	uint64_t window_us; /* what came in this tenth of a second: jobs */
	uint32_t window_jobs;
	bool busy;               /* many came in the last one */
	int64_t prune_before_ms; /* asked for; 0: nothing */
	struct gw_store_stats stats;

	/* the writer's own */
	uint64_t retry_us; /* 0: the last commit went well */
	uint32_t retry_ms;
	uint64_t keeping_us; /* when retention looks next */
	int64_t slice_before_ms;
	bool slicing;

	struct gw_worker reader; /* its lock: the next two */
	void *reader_db;
	struct gw_store_read *rhead, **rtail;
	uint64_t reads;

	atomic_int health;
	_Atomic uint64_t head_id, pruned_id;
};

/* What a waiting job takes of memory. */
size_t gw_store_job_bytes(const struct gw_store_job *job);

/* The writer thread's; and what its connection knows of ids, for everybody. */
void *gw_store_writer(void *arg);
void gw_store_learn_ids(struct gw_store *st);

/* When retention looks for the first time. */
void gw_store_writer_init(struct gw_store *st);

#endif
