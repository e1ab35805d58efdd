/* Between linear sound and the bytes of a codec, through baresip's codec
 * modules. The codecs are loaded once for the process; an encoder or decoder
 * belongs to the thread that made it. */
#ifndef BELLPULL_SIP_MEDIA_CONVERT_H
#define BELLPULL_SIP_MEDIA_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_FRAME_MS = 20,
	GW_FRAME_SAMPLES_MAX = 960, /* of 20 ms at 48 kHz */
	GW_FRAME_BYTES_MAX = 320,   /* of 20 ms in any of our codecs */
};

struct gw_encoder;
struct gw_decoder;

/* Loads the codecs, and unloads them at the last stop. On the loop thread. */
int gw_convert_start(void);
void gw_convert_stop(void);

/* Linear samples a second that the codec takes and gives; 0: there is no
 * converter for it (iLBC). */
uint32_t gw_convert_rate(const char *codec);

/* 20 ms of silence. NULL when there is no converter, or no memory. Any thread. */
const uint8_t *gw_convert_silence(const char *codec, size_t *lenp);

/* Bytes of 20 ms in a codec whose frames may be laid end to end in a packet, and
 * so be taken apart; 0: any other. */
size_t gw_convert_frame_bytes(const char *codec);

/* Frees by mem_deref(). Returns 0, ENOTSUP or ENOMEM. */
int gw_encoder_alloc(struct gw_encoder **ep, const char *codec);
int gw_decoder_alloc(struct gw_decoder **dp, const char *codec);

/* Encodes 20 ms, gw_convert_rate() / 50 samples. *lenp is the room and becomes
 * what was written. */
int gw_encode(struct gw_encoder *e, uint8_t *out, size_t *lenp,
	      const int16_t *samples);
/* Decodes one payload. *countp is the room and becomes what was written. */
int gw_decode(struct gw_decoder *d, int16_t *samples, size_t *countp,
	      const uint8_t *payload, size_t len);
/* What a packet as long as the last one may have said. ENOTSUP: the codec has no
 * opinion. */
int gw_decode_lost(struct gw_decoder *d, int16_t *samples, size_t *countp);

#endif
