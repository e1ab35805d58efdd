/* SRTP and SRTCP (RFC 3711) with the two suites of RFC 4568 that phones speak.
 * Pure: no socket, no clock. */
#ifndef BELLPULL_SIP_MEDIA_SECURE_H
#define BELLPULL_SIP_MEDIA_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"

/* What is added to a packet at most. */
enum { GW_SECURE_ROOM = 14 };

struct gw_secure;

/* Frees by mem_deref(), which wipes the keys. Returns 0, ENOMEM or what OpenSSL
 * couldn't. */
int gw_secure_alloc(struct gw_secure **sp, const struct gw_media_srtp *keys);
/* Other keys: a direction whose key stays goes on counting. On error all is as
 * before. */
int gw_secure_rekey(struct gw_secure *s, const struct gw_media_srtp *keys);

/* Each turns a packet of *lenp bytes into another in place, and says whether that
 * may be sent, or taken: false is a forgery, a replay, or no packet at all. Those
 * to be sent need GW_SECURE_ROOM bytes of room behind them, and no more than one
 * packet with each number is let out. */
bool gw_secure_rtp_out(struct gw_secure *s, uint8_t *packet, size_t *lenp);
bool gw_secure_rtp_in(struct gw_secure *s, uint8_t *packet, size_t *lenp);
bool gw_secure_rtcp_out(struct gw_secure *s, uint8_t *packet, size_t *lenp);
bool gw_secure_rtcp_in(struct gw_secure *s, uint8_t *packet, size_t *lenp);

#endif
