/* The arithmetic of SIP Digest (RFC 2617, RFC 7616, RFC 8760).
 *
 * Clients go through libre's own sip_auth_* (re_sip.h), which auth_digest.c
 * implements; these are for who has to check a response: the simulated registrar
 * and the tests.
 */
#ifndef BELLPULL_SIP_LIBRE_AUTH_DIGEST_H
#define BELLPULL_SIP_LIBRE_AUTH_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include <re.h>

/* The weakest hash first. */
enum gw_digest_alg {
	GW_DIGEST_MD5,
	GW_DIGEST_MD5_SESS,
	GW_DIGEST_SHA256,
	GW_DIGEST_SHA256_SESS,
};

/* Room for a digest in hex and its end. */
enum { GW_DIGEST_HEX = 65 };

struct gw_digest {
	enum gw_digest_alg alg;
	const char *nonce;
	const char *cnonce; /* for qop and the -sess algorithms, else NULL */
	uint32_t nc;
	bool qop; /* qop=auth; false: as in RFC 2069, without qop */
	const char *method;
	const char *uri;
};

/* The algorithm of that name; an empty one is MD5. Returns 0 or ENOSYS. */
int gw_digest_alg_decode(enum gw_digest_alg *algp, const struct pl *name);

const char *gw_digest_alg_name(enum gw_digest_alg alg);

/* H(user:realm:password), which stands for the password: wipe it after use.
 * Returns 0 or ENOMEM. */
int gw_digest_secret(char secret[GW_DIGEST_HEX], enum gw_digest_alg alg,
		     const char *user, const char *realm, const char *password);

/* The response to a challenge. Returns 0 or ENOMEM. */
int gw_digest_response(char response[GW_DIGEST_HEX], const struct gw_digest *d,
		       const char *secret);

#endif
