/* Wall clock, as text and as number. */
#ifndef BELLPULL_SERVER_CLOCK_H
#define BELLPULL_SERVER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { GW_CLOCK_LEN = 24, GW_CLOCK_MAIL_LEN = 31 };

int64_t gw_clock_ms(void); /* since the epoch */

/* "2026-11-22T05:00:00.000Z" (RFC 3339, UTC): 24 bytes and a NUL. Any thread. */
void gw_clock_print(char out[GW_CLOCK_LEN + 1], int64_t at_ms);

/* "Sun, 22 Nov 2026 05:00:00 +0000" (RFC 2822, UTC): 31 bytes and a NUL. Years of
 * four digits. Any thread. */
void gw_clock_print_mail(char out[GW_CLOCK_MAIL_LEN + 1], int64_t at_ms);

/* RFC 3339 with an optional fraction and any offset. False: it is no such time. */
bool gw_clock_read(int64_t *at_msp, const char *text);

#endif
