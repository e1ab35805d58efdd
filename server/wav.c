/* The head of a WAV file: RIFF, one chunk fmt, one chunk data. Pure. */
#include "server/recordings_impl.h"

#include <string.h>

static void put32(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
	p[2] = (uint8_t)(value >> 16);
	p[3] = (uint8_t)(value >> 24);
}

/* A name of RIFF: four letters and no NUL. */
static void put4(uint8_t *p, const char name[5])
{
	for (size_t i = 0; i < 4; i++)
		p[i] = (uint8_t)name[i];
}

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

void gw_wav_head(uint8_t head[GW_WAV_HEAD], uint32_t rate, uint32_t pairs)
{
	static const uint8_t form[] = { 1, 0 /* PCM */, 2, 0 /* channels */ };
	static const uint8_t width[] = { GW_WAV_PAIR, 0, 16, 0 /* bits */ };

	put4(head, "RIFF");
	put32(head + 4, GW_WAV_HEAD - 8 + pairs * GW_WAV_PAIR);
	put4(head + 8, "WAVE");
	put4(head + 12, "fmt ");
	put32(head + 16, 16);
	memcpy(head + 20, form, sizeof(form));
	put32(head + 24, rate);
	put32(head + 28, rate * GW_WAV_PAIR);
	memcpy(head + 32, width, sizeof(width));
	put4(head + 36, "data");
	put32(head + 40, pairs * GW_WAV_PAIR);
}

bool gw_wav_read_head(const uint8_t head[GW_WAV_HEAD], uint32_t *ratep,
		      uint32_t *pairsp)
{
	uint8_t again[GW_WAV_HEAD];
	const uint32_t rate = get32(head + 24);
	const uint32_t pairs = get32(head + 40) / GW_WAV_PAIR;

	if (!rate || pairs > GW_WAV_PAIRS_MAX)
		return false;
	gw_wav_head(again, rate, pairs);
	if (memcmp(again, head, sizeof(again)) != 0)
		return false;
	*ratep = rate;
	*pairsp = pairs;
	return true;
}

uint32_t gw_wav_ms(uint32_t rate, uint32_t pairs)
{
	return rate ? (uint32_t)((uint64_t)pairs * 1000 / rate) : 0;
}

uint64_t gw_wav_bytes(uint32_t pairs)
{
	return pairs ? GW_WAV_HEAD + (uint64_t)pairs * GW_WAV_PAIR : 0;
}
