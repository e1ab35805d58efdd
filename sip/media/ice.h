/* ICE as its lite side sees it (RFC 8445): what a connectivity check says, and the
 * answer to it. Pure: no socket, no clock. */
#ifndef BELLPULL_SIP_MEDIA_ICE_H
#define BELLPULL_SIP_MEDIA_ICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"

struct sa;

enum {
	GW_ICE_CHECK_MAX = 1280, /* bytes: RFC 8489 6.1, and no check is near */
	GW_ICE_REPLY_MAX = 128,
	GW_ICE_UNKNOWN_MAX = 4, /* attributes that a refusal names */
};

/* A check that is genuine. */
struct gw_ice_check {
	uint8_t id[12];
	bool nominates;   /* USE-CANDIDATE: this way it shall be */
	unsigned refusal; /* what is answered: 0 (all is well), 420 or 487 */
	uint16_t unknown[GW_ICE_UNKNOWN_MAX]; /* what we had to understand */
	size_t unknown_count;
};

/* Takes any bytes. False: no check of somebody who knows our password, which is to
 * be dropped in silence. Only what names our ufrag costs a hash. */
bool gw_ice_read(struct gw_ice_check *check, const uint8_t *packet, size_t len,
		 const struct gw_media_ice *ours);

/* Writes the answer to it: where it came from, or 420 where there was something
 * unknown, or 487 where the browser wants to be controlled, as we are. Returns its
 * length. */
size_t gw_ice_reply(uint8_t reply[GW_ICE_REPLY_MAX],
		    const struct gw_ice_check *check, const struct sa *src,
		    const struct gw_media_ice *ours);

#endif
