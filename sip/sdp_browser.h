/* The offer of a browser and the answer to it (RFC 8829, WebRTC): one audio stream
 * that goes both ways over ICE, DTLS and SRTP. All else is declined. Pure. */
#ifndef BELLPULL_SIP_SDP_BROWSER_H
#define BELLPULL_SIP_SDP_BROWSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"

struct gw_sdp_section;
struct mbuf;

enum {
	GW_SDP_BROWSER_MAX =
		16384, /* bytes of an offer: real ones have 2000 to 8000 */
	GW_SDP_MID_SIZE = 65,
	GW_SDP_CANDIDATES_MAX = 8,
};

/* What was understood. */
struct gw_sdp_browser {
	struct gw_media_codec codec; /* chosen by our order */
	struct gw_media_fingerprint fingerprint;
	int stream;                /* which m= line it is, from 0 */
	char mid[GW_SDP_MID_SIZE]; /* "": it has none */
	bool bundled;              /* mid is in a BUNDLE group */
};

/* codecs are ours, in order; of them count those that browsers speak (opus, G722,
 * PCMA, PCMU), and after them the rest of the four. Returns 0, or EBADMSG (not what
 * a browser says), ENOTSUP (it says what we can't do): *whyp is a static sentence
 * then. */
int gw_sdp_browser_read(struct gw_sdp_browser *offer, const char *sdp,
			size_t len, const char *const *codecs, size_t count,
			const char **whyp);

/* The a=mid of a section; "": it has none, or one that is none. */
void gw_sdp_browser_mid(char mid[GW_SDP_MID_SIZE],
			const struct gw_sdp_section *sec);

/* Our side: sdp_browser_write.c. */
struct gw_sdp_browser_local {
	uint64_t session_id;
	const char *const *addresses; /* numeric, one candidate each */
	size_t address_count;         /* 1 to GW_SDP_CANDIDATES_MAX  */
	uint16_t port;
	const struct gw_media_ice *ice;
	const uint8_t *certificate; /* GW_MEDIA_CERT_HASH bytes */
};

/* Answers an offer that was read. Returns 0, EBADMSG, EINVAL or ENOMEM. */
int gw_sdp_browser_answer(struct mbuf *mb,
			  const struct gw_sdp_browser_local *local,
			  const char *sdp, size_t len,
			  const struct gw_sdp_browser *offer);

#endif
