/* The one event loop: libre's. Here other threads bring their results in, and
 * signals become calls. A turn is bounded: at most 32 completions. */
#ifndef BELLPULL_SERVER_LOOP_H
#define BELLPULL_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

/* libre_init must have been called by main on this thread. Raises RLIMIT_NOFILE
 * to its hard limit and sizes libre's table before anything opens an fd. */
int gw_loop_init(void);
void gw_loop_close(void);

/* Has fn(arg) called on the loop thread, in the order of posting. From any
 * thread. Returns 0 or ENOMEM. */
int gw_loop_post(void (*fn)(void *arg), void *arg);

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1: blocked in all threads, told here. */
typedef void(gw_loop_signal_h)(int sig, void *arg);
int gw_loop_signals(gw_loop_signal_h *h, void *arg);

int gw_loop_run(void);	 /* until gw_loop_stop() */
void gw_loop_stop(void);
/* Runs what was posted so far without running the loop: for the stop order. */
void gw_loop_drain(void);

/* Called once when the batch of completions of a turn is done (libmicrohttpd
 * must run after resumes). */
void gw_loop_after_batch(void (*h)(void *arg), void *arg);

bool gw_loop_is_here(void); /* on the loop thread? for assertions */

#endif
