/* The signature of a webhook: Standard Webhooks 1.0. Pure. */
#ifndef BELLPULL_SERVER_WEBHOOK_SIGN_H
#define BELLPULL_SERVER_WEBHOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

struct mbuf;

/* What is signed: `id.timestamp.body`. */
struct gw_webhook_signed {
	const char *id;
	int64_t timestamp; /* Unix seconds, of the try */
	const char *body;
	size_t body_len;
};

/* Appends `v1,...` (HMAC-SHA256) or, for a secret that begins with whsk_, `v1a,...`
 * (Ed25519), with a blank before it where mb isn't empty. A secret that begins
 * with whsec_ is base64; any other one is its own bytes.
 * Returns 0, EINVAL (the secret can't be read) or ENOMEM. */
int gw_webhook_sign(struct mbuf *mb, const char *secret,
		    const struct gw_webhook_signed *what);

/* What the receiver verifies v1a by, and whoever likes may know: "whpk_" and the
 * public key of a whsk_ secret in base64. Returns 0, ENOENT (the secret is shared, it
 * has none), EINVAL or ENOMEM. */
enum { GW_WEBHOOK_PUBLIC_SIZE = 56 };
int gw_webhook_public(char text[GW_WEBHOOK_PUBLIC_SIZE], const char *secret);

/* Whether a secret can be read; one of Ed25519 with its public key behind it has to
 * have the right one. Returns 0, EINVAL or ENOMEM. */
int gw_webhook_secret_check(const char *secret);

#endif
