/* DTLS-SRTP as its server (RFC 5764): a handshake with one browser, whose
 * certificate must be the one that its offer named, and the keys that come of it.
 * All on the media thread. */
#ifndef BELLPULL_SIP_MEDIA_DTLS_H
#define BELLPULL_SIP_MEDIA_DTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"

/* Who we are: a key and a certificate that are made for this process. */
struct gw_dtls_identity;
/* Returns 0, ENOMEM or ENOSYS (OpenSSL can't). */
int gw_dtls_identity_alloc(struct gw_dtls_identity **idp);
/* The certificate's SHA-256. */
void gw_dtls_identity_hash(uint8_t hash[GW_MEDIA_CERT_HASH],
			   const struct gw_dtls_identity *id);

struct gw_dtls;

/* All are told from within gw_dtls_receive() or by a timer; whoever is told may
 * let go of the dtls in none of them. */
struct gw_dtls_h {
	/* A datagram for the browser. */
	void (*send)(const uint8_t *packet, size_t len, void *arg);
	/* Once: the certificate was right. keys are wiped after that. */
	void (*up)(const struct gw_media_srtp *keys, void *arg);
	/* Once, the last: ECONNRESET (the browser said goodbye), EACCES (another
	 * certificate than the offer's), EPROTO. */
	void (*down)(int err, void *arg);
};

/* id must outlive it. Freed by mem_deref(), which says goodbye where it is up. */
int gw_dtls_alloc(struct gw_dtls **dtlsp, const struct gw_dtls_identity *id,
		  const struct gw_media_fingerprint *theirs,
		  const struct gw_dtls_h *h, void *arg);

/* One datagram of the browser; any bytes will do. */
void gw_dtls_receive(struct gw_dtls *dtls, const uint8_t *packet, size_t len);

#endif
