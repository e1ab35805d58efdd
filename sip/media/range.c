/* Which RTP ports are ours right now: one bit for each pair. Ports of other
 * programs are found out by bind(). */
#include "sip/media/range.h"

#include <errno.h>
#include <string.h>

int gw_port_range_init(struct gw_port_range *range, uint16_t min, uint16_t max,
		       uint32_t start)
{
	const uint32_t first = ((uint32_t)min + 1) & ~1u;

	memset(range, 0, sizeof(*range));
	if (!min || first + 1 > max)
		return EINVAL;

	range->first = (uint16_t)first;
	range->pairs = (max - first + 1) / 2;
	range->next = start % range->pairs;
	return 0;
}

uint16_t gw_port_range_take(struct gw_port_range *range)
{
	if (range->used == range->pairs)
		return 0;

	for (;;) {
		const uint32_t pair = range->next;
		const uint32_t bit = 1u << pair % 32;

		range->next = (pair + 1) % range->pairs;
		if (range->bits[pair / 32] & bit)
			continue;

		range->bits[pair / 32] |= bit;
		range->used++;
		return (uint16_t)(range->first + 2 * pair);
	}
}

void gw_port_range_give(struct gw_port_range *range, uint16_t port)
{
	const uint32_t pair = (uint32_t)(port - range->first) / 2;
	const uint32_t bit = 1u << pair % 32;

	if (range->bits[pair / 32] & bit) {
		range->bits[pair / 32] &= ~bit;
		range->used--;
	}
}
