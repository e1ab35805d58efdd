/* sip/ladder.c - the messages of a call, one after the other in memory:
 *
 *   first  [rung][text...][rung][text...] ...   half of the room, never moved
 *   last   [rung][text...] ...                  the other half; the oldest goes
 *
 * A normal call of six messages touches `first` alone and costs what its text
 * is long. */
#include <string.h>

#include <re.h>

#include "sip/ladder.h"

enum {
	PART_MESSAGES = GW_LADDER_MESSAGES_MAX / 2,
	PART_BYTES = GW_LADDER_BYTES_MAX / 2,
	GRAIN = 1024, /* blocks grow by so much at least */
};

struct rung {
	int64_t at_ms;
	uint32_t len;
	bool sent;
};

static bool fits(const struct gw_ladder_part *part, size_t need)
{
	return part->count < PART_MESSAGES && part->used + need <= PART_BYTES;
}

static bool grow(struct gw_ladder_part *part, size_t need)
{
	size_t size = part->used + need;
	uint8_t *block;

	if (size <= part->size)
		return true;

	size = (size + GRAIN - 1) / GRAIN * GRAIN;
	block = part->block ? mem_realloc(part->block, size) :
			      mem_alloc(size, NULL);
	if (!block)
		return false;

	part->block = block;
	part->size = size;
	return true;
}

static size_t rung_bytes(const struct rung *rung)
{
	return sizeof(*rung) + rung->len;
}

static void append(struct gw_ladder_part *part, const struct rung *rung,
		   const char *text)
{
	memcpy(part->block + part->used, rung, sizeof(*rung));
	memcpy(part->block + part->used + sizeof(*rung), text, rung->len);
	part->used += rung_bytes(rung);
	++part->count;
}

static void drop_oldest(struct gw_ladder_part *part)
{
	struct rung rung;

	memcpy(&rung, part->block, sizeof(rung));
	part->used -= rung_bytes(&rung);
	memmove(part->block, part->block + rung_bytes(&rung), part->used);
	--part->count;
}

void gw_ladder_add(struct gw_ladder *ladder, int64_t at_ms, bool sent,
		   const char *text, size_t len)
{
	struct rung rung = { .at_ms = at_ms, .sent = sent };
	struct gw_ladder_part *part = &ladder->first;
	size_t need;

	rung.len = (uint32_t)(len < GW_LADDER_MESSAGE_BYTES_MAX ?
				      len :
				      GW_LADDER_MESSAGE_BYTES_MAX);
	need = rung_bytes(&rung);

	/* once something went to the end, the beginning is over */
	if (ladder->last.count || !fits(part, need)) {
		part = &ladder->last;
		while (!fits(part, need)) {
			drop_oldest(part);
			++ladder->skipped;
		}
	}

	if (grow(part, need))
		append(part, &rung, text);
	else
		++ladder->skipped;
}

static void apply(const struct gw_ladder_part *part, gw_ladder_msg_h *h,
		  void *arg)
{
	const uint8_t *p = part->block;

	for (uint32_t i = 0; i < part->count; i++) {
		struct rung rung;

		memcpy(&rung, p, sizeof(rung));
		h(rung.at_ms, rung.sent, (const char *)p + sizeof(rung),
		  rung.len, arg);
		p += rung_bytes(&rung);
	}
}

uint32_t gw_ladder_apply(const struct gw_ladder *ladder, gw_ladder_msg_h *h,
			 void *arg)
{
	apply(&ladder->first, h, arg);
	apply(&ladder->last, h, arg);
	return ladder->skipped;
}

void gw_ladder_free(struct gw_ladder *ladder)
{
	mem_deref(ladder->first.block);
	mem_deref(ladder->last.block);
	memset(ladder, 0, sizeof(*ladder));
}
