/* Sounds in memory, as the media thread reads them: linear, mono, at the rates
 * of the codecs. */
#ifndef BELLPULL_SIP_MEDIA_SOUND_H
#define BELLPULL_SIP_MEDIA_SOUND_H

#include <stddef.h>
#include <stdint.h>

struct gw_sound;

/* The n-th 20 ms at rate (8000 or 16000), the last one filled up with silence
 * into pad. NULL: the sound is over, or the rate is none of these. */
const int16_t *gw_sound_frame(const struct gw_sound *sound, uint32_t rate,
			      size_t n, int16_t *pad);

#endif
