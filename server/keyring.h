/* The keys that count now: those of the configuration and those that `bellpull key`
 * has written to the store. Both may change while the gateway runs; a key that
 * says the same as before stays the same object, with its rates and sessions. */
#ifndef BELLPULL_SERVER_KEYRING_H
#define BELLPULL_SERVER_KEYRING_H

#include "server/key.h"

struct gw_keyring;

/* Keeps a reference to cfg. Returns 0 or ENOMEM. */
int gw_keyring_alloc(struct gw_keyring **ringp, const struct gw_config *cfg);

/* Another configuration; on ENOMEM all is as before. */
int gw_keyring_reload(struct gw_keyring *ring, const struct gw_config *cfg);

/* What the store has: all rows that may be used, and how many there are in all
 * (a gateway whose last key was disabled is locked, not open). */
int gw_keyring_stored(struct gw_keyring *ring, const struct gw_key_row *rows,
		      size_t count, size_t count_all);

/* Is a key needed? Yes, if there is one, was one since the start, or was meant to
 * be: a door that was shut opens at a start only, not because the last key is being
 * replaced. */
bool gw_keyring_needed(const struct gw_keyring *ring);
/* Has the store any, good or not? */
bool gw_keyring_has_stored(const struct gw_keyring *ring);

/* NULL: none. What lies behind the pointer is the ring's: mem_ref() to keep it. */
const struct gw_key *gw_keyring_by_secret(const struct gw_keyring *ring,
					  const char *secret, size_t len);
const struct gw_key *gw_keyring_by_name(const struct gw_keyring *ring,
					const char *name);

/* Revokes those whose time is over. now_ms: wall clock. True: there were some. */
bool gw_keyring_expire(struct gw_keyring *ring, int64_t now_ms);

/* One after the other; NULL: no more. */
const struct gw_key *gw_keyring_at(const struct gw_keyring *ring, size_t i);

#endif
