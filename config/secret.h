/* Secrets by reference: where one lies, its bytes, and wiping them. */
#ifndef BELLPULL_CONFIG_SECRET_H
#define BELLPULL_CONFIG_SECRET_H

#include <stdbool.h>
#include <stddef.h>

struct gw_secret;

/* Remembers a reference ("env:NAME", "file:/path", "credential:NAME") or an
 * inline secret; the text is copied, and wiped with everything else when the
 * last reference to *secretp is given back. Returns 0 or ENOMEM. */
int gw_secret_alloc(struct gw_secret **secretp, const char *ref);

/* Whether the text given was such a reference. */
bool gw_secret_is_reference(const struct gw_secret *secret);

/* Fetches the bytes. allow_inline: whether the text given may be the secret
 * itself. min_bytes: shorter ones are refused. Blocks (file).
 * On error why says, without the secret or any part of it, what to do; what
 * had been fetched before stays.
 * Returns 0, EINVAL or ENOMEM. */
int gw_secret_resolve(struct gw_secret *secret, bool allow_inline,
		      size_t min_bytes, char *why, size_t why_size);

/* gw_secret_text() is in config/config.h: it is for everybody. */

#endif
