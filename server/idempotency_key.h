/* The Idempotency-Key header: a structured field's string, or bare. Pure. */
#ifndef BELLPULL_SERVER_IDEMPOTENCY_KEY_H
#define BELLPULL_SERVER_IDEMPOTENCY_KEY_H

#include <stdbool.h>

enum { GW_IDEMPOTENCY_KEY_SIZE = 256 };

/* The key without its quotes. False: not 1 to 255 visible ASCII characters. */
bool gw_idempotency_key_read(char key[GW_IDEMPOTENCY_KEY_SIZE],
			     const char *text);

#endif
