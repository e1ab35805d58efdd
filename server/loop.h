/* The one event loop: libre's. Here other threads bring their results in, and
 * signals become calls. A turn is bounded: at most 32 completions. */
#ifndef BELLPULL_SERVER_LOOP_H
#define BELLPULL_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* libre_init must have been called by main on this thread. Raises RLIMIT_NOFILE
 * to its hard limit (at most 32768) and sizes libre's table, which
 * must be done before anything else opens an fd. Returns 0 or errno. */
int gw_loop_init(void);
void gw_loop_close(void);

/* How many fds this process may have, and libre's table of this thread holds:
 * for fd_setsize() in other looping threads. */
uint32_t gw_loop_fds(void);

/* Whether some are left for those who must not be refused: probes, the store, the
 * calls that run. */
bool gw_loop_has_fds(void);

/* Has fn(arg) called on the loop thread, in the order of posting. From any
 * thread. Returns 0 or ENOMEM. */
int gw_loop_post(void (*fn)(void *arg), void *arg);

/* The same for results that must not get lost for want of memory: the note is
 * part of the caller's own job, and free to be used again (or freed) from the
 * moment fn is called. */
struct gw_loop_note {
	struct gw_loop_note *next; /* the loop's */
	void (*fn)(void *arg);
	void *arg;
};
void gw_loop_post_note(struct gw_loop_note *note);

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1: blocked in all threads that are started
 * later, told here. SIGPIPE is ignored. Call it before any thread is started. */
typedef void(gw_loop_signal_h)(int sig, void *arg);
int gw_loop_signals(gw_loop_signal_h *h, void *arg);

int gw_loop_run(void); /* until gw_loop_stop() */
void gw_loop_stop(void);

/* Runs all that was posted so far, and what that posts in turn, without
 * running the loop: for the stop order. */
void gw_loop_drain(void);

/* Called once when the batch of completions of a turn is done (libmicrohttpd
 * must run after resumes). One handler; NULL takes it away. */
void gw_loop_after_batch(void (*h)(void *arg), void *arg);

bool gw_loop_is_here(void); /* on the loop thread? for assertions */

/* The lateness of the loop, looked at every 5 ms: how often it was at most
 * 1, 2, 5, 10, 20, 50, 100, 200, 500 ms late, and later. */
enum { GW_LOOP_LAG_BUCKETS = 10 };
extern const uint32_t gw_loop_lag_bounds_ms[GW_LOOP_LAG_BUCKETS - 1];
struct gw_loop_lag {
	uint64_t count[GW_LOOP_LAG_BUCKETS];
	uint64_t sum_ms;
	uint32_t recent_max_ms; /* of the last one or two seconds */
};
void gw_loop_lag(struct gw_loop_lag *lag);

#endif
