/* Two channels of sound on one timeline, handed over in pieces of about a second.
 * Media thread; it takes the time as it is told. */
#ifndef BELLPULL_SIP_MEDIA_RECORDING_H
#define BELLPULL_SIP_MEDIA_RECORDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_recording;

enum { GW_RECORDING_CHANNELS = 2 };

/* pairs samples, left and right, at most a second of them; samples is the
 * receiver's to mem_deref(). NULL: there was no memory, it was silence; or none
 * are left (pairs 0). */
typedef void(gw_recording_piece_h)(int16_t *samples, size_t pairs, bool last,
				   void *arg);

/* rate: 8000 or 16000 pairs a second. It begins now; mem_deref() frees it. */
int gw_recording_alloc(struct gw_recording **recp, uint32_t rate,
		       int64_t now_us, gw_recording_piece_h *pieceh, void *arg);
uint32_t gw_recording_rate(const struct gw_recording *rec);

/* The next count samples of a channel, at most 20 ms, or a pause; fresh: one of
 * unknown length. */
void gw_recording_put(struct gw_recording *rec, unsigned channel,
		      const int16_t *samples, size_t count, uint32_t rate,
		      int64_t now_us);
void gw_recording_pause(struct gw_recording *rec, unsigned channel,
			uint32_t samples, uint32_t rate, bool fresh);

/* Hands over what nothing late can still get into. */
void gw_recording_flush(struct gw_recording *rec, int64_t now_us);
/* Hands over everything, the last piece marked as such. */
void gw_recording_end(struct gw_recording *rec, int64_t now_us);

#endif
