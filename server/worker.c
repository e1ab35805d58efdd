/* Sleeping and waking on a monotonic clock: a step of the wall clock wakes nobody
 * and keeps nobody asleep. */
#include <signal.h>
#include <time.h>

#include "server/worker.h"

uint64_t gw_worker_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

int gw_worker_init(struct gw_worker *w)
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

void gw_worker_destroy(struct gw_worker *w)
{
	if (!w->ready)
		return;

	(void)pthread_cond_destroy(&w->cond);
	(void)pthread_mutex_destroy(&w->lock);
}

/* Signals are the loop's: also SIGXFSZ must not end us, it is an error of write. */
int gw_worker_start(struct gw_worker *w, void *(*run)(void *arg), void *arg)
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

void gw_worker_stop(struct gw_worker *w)
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

void gw_worker_wake(struct gw_worker *w)
{
	if (w->sleeping)
		pthread_cond_signal(&w->cond);
}

void gw_worker_sleep(struct gw_worker *w, uint64_t until_us)
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
