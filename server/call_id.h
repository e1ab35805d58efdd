/* Ids of calls: "call_" and a ULID, which sorts by time. */
#ifndef BELLPULL_SERVER_CALL_ID_H
#define BELLPULL_SERVER_CALL_ID_H

#include <stdbool.h>
#include <stdint.h>

enum {
	GW_CALL_ID_SIZE = 32, /* with NUL */
	GW_CALL_ID_BYTES = 16,
};

/* Makes one that sorts behind all that this process made before. Returns 0 or
 * EIO (the system has no chance to give). Loop thread. */
int gw_call_id_make(char id[GW_CALL_ID_SIZE], int64_t at_ms);

/* Has text the shape of one? Anything else is no call (404). */
bool gw_call_id_valid(const char *text);

/* The 128 bits of a valid id, and back. */
void gw_call_id_bytes(uint8_t bytes[GW_CALL_ID_BYTES], const char *id);
void gw_call_id_print(char id[GW_CALL_ID_SIZE],
		      const uint8_t bytes[GW_CALL_ID_BYTES]);

/* Sorts before all ids of that moment, and behind all before it; none itself. */
void gw_call_id_lowest(char id[GW_CALL_ID_SIZE], int64_t at_ms);

#endif
