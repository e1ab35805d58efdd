/* Ids of calls. See call_id.h.
 *
 *   call_ 01M831NR9E C0CTJ22KJ31K4MFE
 *         48 bits of milliseconds, 80 bits of chance, in Crockford's base 32 */
#include "server/call_id.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include <openssl/rand.h>

enum { PREFIX_LEN = 5, DIGITS = 26, TIME_DIGITS = 10 };

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Chance for a new millisecond; one more than the last id's within the same. */
static int next_chance(uint8_t chance[10], bool anew)
{
	size_t i = 10;

	if (anew) {
		if (RAND_bytes(chance, 10) != 1)
			return EIO;
		chance[0] &= 0x7f; /* room to count up */
		return 0;
	}
	while (i-- && ++chance[i] == 0)
		;
	return 0;
}

void gw_call_id_print(char id[GW_CALL_ID_SIZE],
		      const uint8_t bytes[GW_CALL_ID_BYTES])
{
	memcpy(id, "call_", PREFIX_LEN);
	for (size_t i = 0; i < DIGITS; i++) {
		unsigned v = 0, bit;

		/* 26 digits hold 130 bits: two leading zeros, then the 128 */
		for (bit = 0; bit < 5; bit++) {
			const size_t at = i * 5 + bit;

			v <<= 1;
			if (at >= 2 &&
			    bytes[(at - 2) / 8] & (0x80u >> (at - 2) % 8))
				v |= 1;
		}
		id[PREFIX_LEN + i] = digits[v];
	}
	id[PREFIX_LEN + DIGITS] = '\0';
}

void gw_call_id_bytes(uint8_t bytes[GW_CALL_ID_BYTES], const char *id)
{
	memset(bytes, 0, GW_CALL_ID_BYTES);
	for (size_t i = 0; i < DIGITS; i++) {
		const char *digit = strchr(digits, id[PREFIX_LEN + i]);
		const unsigned v = digit ? (unsigned)(digit - digits) : 0;

		for (size_t bit = 0; bit < 5; bit++) {
			const size_t at = i * 5 + bit;

			if (at >= 2 && v & (0x10u >> bit))
				bytes[(at - 2) / 8] |=
					(uint8_t)(0x80u >> (at - 2) % 8);
		}
	}
}

void gw_call_id_lowest(char id[GW_CALL_ID_SIZE], int64_t at_ms)
{
	memcpy(id, "call_", PREFIX_LEN);
	for (int i = TIME_DIGITS - 1; i >= 0; i--) {
		id[PREFIX_LEN + i] = digits[at_ms & 31];
		at_ms >>= 5;
	}
	id[PREFIX_LEN + TIME_DIGITS] = '\0';
}

int gw_call_id_make(char id[GW_CALL_ID_SIZE], int64_t at_ms)
{
	static int64_t last_ms;
	static uint8_t chance[10];
	const bool anew = at_ms > last_ms;
	uint8_t bytes[GW_CALL_ID_BYTES];
	int err;

	err = next_chance(chance, anew);
	if (err)
		return err;
	if (anew)
		last_ms = at_ms;
	for (size_t i = 0; i < 6; i++)
		bytes[i] = (uint8_t)((uint64_t)last_ms >> (40 - 8 * i));
	memcpy(bytes + 6, chance, sizeof(chance));
	gw_call_id_print(id, bytes);
	return 0;
}

bool gw_call_id_valid(const char *text)
{
	return strlen(text) == PREFIX_LEN + DIGITS &&
	       !strncmp(text, "call_", PREFIX_LEN) && text[PREFIX_LEN] <= '7' &&
	       strspn(text + PREFIX_LEN, digits) == DIGITS;
}
