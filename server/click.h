/* Click tokens: what a page needs to place one call to one destination, and no
 * more (JWT, RFC 7519 and 8725; "c2c-widget+jwt" in its typ).
 *
 *   POST /tokens              signed by us, kid "gateway:NAME", HS256
 *   the site's own server     kid "NAME", by the key's token_secret (HS256) or
 *                             token_public_key (EdDSA): the key fixes the
 *                             algorithm, the header can but agree
 *
 * Claims: iss (name of the key), aud "bellpull", iat, exp (at most 300 s later),
 * nbf (or none), jti (1 to 64 visible characters), dst (what is dialled, as
 * POST /calls takes it), org (Origin of the page), n (calls; 1), max_s (seconds
 * of each; the gateway's default). Unknown claims are ignored, as RFC 7519 has it.
 *
 * Pure, but for chance: the clock is the caller's. */
#ifndef BELLPULL_SERVER_CLICK_H
#define BELLPULL_SERVER_CLICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/key.h"

struct gw_keyring;

enum {
	GW_CLICK_SIZE_MAX = 4096,     /* bytes of a token                  */
	GW_CLICK_LIFE_MAX_S = 300,    /* from iat to exp                   */
	GW_CLICK_LIFE_S = 60,         /* of POST /tokens, unless it says   */
	GW_CLICK_USES_MAX = 100,      /* calls of one token                */
	GW_CLICK_AFTERLIFE_S = 86400, /* its calls may be looked at        */
	GW_CLICK_SECRET = 32,         /* bytes of our own                  */
};

/* "a.b.c": is it meant as one? API keys have no dots. */
bool gw_click_looks_like(const char *text, size_t len);

/* Reads and verifies. *keyp carries one reference: a key with click set; spent
 * where its exp has passed. now_s: Unix seconds. Returns 0, EACCES (it says
 * nothing, or not to us: *whyp tells people) or ENOMEM. */
int gw_click_read(struct gw_key **keyp, const char *text, size_t len,
		  const struct gw_keyring *ring,
		  const uint8_t secret[GW_CLICK_SECRET], int64_t now_s,
		  const char **whyp);

struct gw_click_order {
	const struct gw_key *key; /* replaced by another, its tokens are over */
	const char *to, *origin;
	uint32_t expires_in_s, uses, max_s;
};

/* Makes one of ours. *textp is mem_deref'd by the caller. Returns 0, ENOMEM or
 * EIO (no randomness). */
int gw_click_make(char **textp, const struct gw_click_order *order,
		  const uint8_t secret[GW_CLICK_SECRET], int64_t now_s);

#endif
