/* Every SIP message of a call in order, in one block that grows with it. Bounded
 * at birth: what doesn't fit is dropped from the middle, so that the beginning
 * and the end of a call that went on and on are both there. */
#ifndef BELLPULL_SIP_LADDER_H
#define BELLPULL_SIP_LADDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_LADDER_MESSAGES_MAX = 64,
	GW_LADDER_BYTES_MAX = 32 * 1024,
	GW_LADDER_MESSAGE_BYTES_MAX = 8 * 1024, /* longer ones are cut */
};

/* An empty one is all zero. */
struct gw_ladder_part {
	uint8_t *block;
	size_t used, size;
	uint32_t count;
};

struct gw_ladder {
	struct gw_ladder_part first, last;
	uint32_t skipped;
};

/* Copies text. What finds no memory is counted as skipped. */
void gw_ladder_add(struct gw_ladder *ladder, int64_t at_ms, bool sent,
		   const char *text, size_t len);

typedef void(gw_ladder_msg_h)(int64_t at_ms, bool sent, const char *text,
			      size_t len, void *arg);
/* Returns how many messages were skipped, after the first part. */
uint32_t gw_ladder_apply(const struct gw_ladder *ladder, gw_ladder_msg_h *h,
			 void *arg);

void gw_ladder_free(struct gw_ladder *ladder);

#endif
