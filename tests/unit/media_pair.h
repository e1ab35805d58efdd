/* Two phones whose ports are joined: what one says, the other hears. */
#ifndef BELLPULL_TESTS_UNIT_MEDIA_PAIR_H
#define BELLPULL_TESTS_UNIT_MEDIA_PAIR_H

#include "tests/unit/media_world.h"

enum { PAIR_HEARD_MAX = 400 };

/* A phone that speaks a codec and keeps what it heard, packet by packet. */
struct pair_phone {
	struct plain_phone plain;
	struct side side; /* the gateway's port for it */
	struct gw_media_codec codec;
	uint16_t seq;
	uint32_t ts;
	struct gw_encoder *encoder;
	size_t said; /* samples */
	struct {
		struct gw_rtp rtp;
		uint8_t payload[64];
	} heard[PAIR_HEARD_MAX];
	unsigned count;
	bool fresh_pcm; /* a spurt begins: what was decoded before goes */
};

struct pair {
	struct pair_phone a, b;
};

/* Phones and ports, spoken to but not joined; and joined. */
int pair_open(struct pair *pair, const char *codec_a, const char *codec_b);
int pair_join(struct pair *pair, const char *codec_a, const char *codec_b);
void pair_close(void *arg);
/* Tells phone's port about it again, after codec was changed. */
int pair_remote(struct pair_phone *phone, enum gw_media_direction dir);

/* One packet of sound with this payload. */
int pair_says(struct pair_phone *phone, const void *payload, size_t len);
/* So many packets of 20 ms of all these tones at once, together as loud as
 * amplitude. */
int pair_sings(struct pair_phone *phone, unsigned packets, const double *hz,
	       size_t hzc, double amplitude);
/* One packet of an event. */
int pair_presses(struct pair_phone *phone, uint8_t event, bool end,
		 uint16_t duration);

/* Until phone has heard so many packets in all, or one with this payload type
 * and first byte. */
int pair_wait_heard(struct pair_phone *phone, unsigned count);
int pair_wait_byte(struct pair_phone *phone, uint8_t pt, uint8_t byte);
/* Until so many samples of this spurt were decoded. */
int pair_wait_pcm(struct pair_phone *phone, size_t count);

/* How far the tones stand above everything else, in dB. */
double pair_snr(const int16_t *pcm, size_t count, uint32_t rate,
		const double *hz, size_t hzc);

#endif
