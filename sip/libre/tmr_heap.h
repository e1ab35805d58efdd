/* The test clock of the timer heap.
 *
 * The heap itself has libre's own interface (re_tmr.h): this file adds what tests
 * need to live through 32 seconds of SIP timers at once. The clock belongs to the
 * calling thread, as its timers do; other threads keep the real one.
 */
#ifndef BELLPULL_SIP_LIBRE_TMR_HEAP_H
#define BELLPULL_SIP_LIBRE_TMR_HEAP_H

#include <stdint.h>

/* Stops this thread's clock where it is. Timers that run already keep their
 * distance; from here on time passes in gw_tmr_test_advance() alone. */
void gw_tmr_test_clock_start(void);

/* Runs the loop (re_main) until ms of the stopped clock have passed and all that
 * is due has fired, in order. The clock jumps from timer to timer, and only when
 * the sockets have been quiet for a moment: what a timer sends over loopback is
 * received and answered before the next timer fires, as in real life.
 * Returns 0, EINVAL without a test clock, EALREADY when called from inside the
 * loop, or what re_main() returns. */
int gw_tmr_test_advance(uint32_t ms);

/* Goes back to the real clock. Timers keep what was left of them. */
void gw_tmr_test_clock_stop(void);

#endif
