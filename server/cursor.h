/* Where a list goes on: a position in it as an opaque word for clients, signed, so
 * that nobody makes one up. Pure. */
#ifndef BELLPULL_SERVER_CURSOR_H
#define BELLPULL_SERVER_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_CURSOR_POSITION = 40, /* bytes of a position, '\0' included */
	GW_CURSOR_SIZE = 80,     /* of a cursor */
};

/* What it was made for: it is good for nothing else. */
struct gw_cursor_of {
	const uint8_t *secret; /* GW_STORE_SECRET bytes */
	const char *list;      /* "calls" */
	const char *whose;     /* the project that sees the list; NULL: all */
};

/* position: 1 to 39 bytes. Returns 0, EINVAL or ENOMEM. */
int gw_cursor_print(char text[GW_CURSOR_SIZE], const struct gw_cursor_of *of,
		    const char *position);

/* False: not one of ours, or of another list. */
bool gw_cursor_read(char position[GW_CURSOR_POSITION],
		    const struct gw_cursor_of *of, const char *text);

#endif
