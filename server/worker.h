/* A thread that waits for work: its lock, its sleep, its start and its end. What
 * the work is, and the queue of it, is its owner's. */
#ifndef BELLPULL_SERVER_WORKER_H
#define BELLPULL_SERVER_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* lock guards the owner's queue, and sleeping. */
struct gw_worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool ready; /* lock and cond are */
	bool running;
	bool sleeping;       /* wants a signal */
	atomic_bool closing; /* finish what waits, then return */
};

int gw_worker_init(struct gw_worker *w);
void gw_worker_destroy(struct gw_worker *w); /* also what was never begun */

/* run returns soon after closing is set. No signal comes to the thread. */
int gw_worker_start(struct gw_worker *w, void *(*run)(void *arg), void *arg);
void gw_worker_stop(struct gw_worker *w); /* sets closing and joins */

/* With the lock held. until_us is gw_worker_now_us()'s time; 0: for ever. It may
 * also wake up for nothing. */
void gw_worker_wake(struct gw_worker *w);
void gw_worker_sleep(struct gw_worker *w, uint64_t until_us);

uint64_t gw_worker_now_us(void); /* CLOCK_MONOTONIC */

#endif
