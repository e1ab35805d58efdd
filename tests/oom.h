/* Makes one allocation of the thread under test fail; used by run.c alone. */
#ifndef BELLPULL_TESTS_OOM_H
#define BELLPULL_TESTS_OOM_H

#include <stdbool.h>
#include <stdint.h>

/* Once, before the first oom_start(): what cJSON allocates counts, too. With
 * hooks it grows its texts by malloc() instead of realloc(), so a plain run, which
 * is to be as the gateway is, leaves this out. */
void oom_prepare(void);

/* Counts this thread's allocations from here on; the n-th one fails. */
void oom_start(uint32_t n);

/* Has it failed by now? */
bool oom_met(void);

/* Ends it and tells whether the n-th allocation was asked for at all. */
bool oom_stop(void);

#endif
