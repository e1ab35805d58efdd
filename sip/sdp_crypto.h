/* a=crypto lines (RFC 4568), for the sdp files alone. */
#ifndef BELLPULL_SIP_SDP_CRYPTO_H
#define BELLPULL_SIP_SDP_CRYPTO_H

#include "sip/sdp.h"
#include "sip/sdp_text.h"

/* "1 AES_CM_128_HMAC_SHA1_80 inline:BASE64|2^31": false, and out untouched, where
 * we can't do what it says: an unknown suite, several keys, an MKI, session
 * parameters that change the stream. */
bool gw_sdp_read_crypto(struct gw_sdp_crypto *out, struct gw_sdp_slice value);

int gw_sdp_write_crypto(struct mbuf *mb, const struct gw_sdp_crypto *crypto);

#endif
