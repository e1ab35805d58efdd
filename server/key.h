/* Who asks: a key of the configuration or of the store, or a click token that one
 * of those stands behind. What it may do and see is all in here; how it is shown
 * and checked is auth.h's matter.
 *
 * Refcounted (mem_ref, mem_deref), and never changed once it is made, but for what
 * is taken from its buckets and for being revoked: whoever holds one may go on
 * reading it. Where a `const struct gw_key *` is NULL there are no keys, and
 * everybody on this machine may do everything. Loop thread. */
#ifndef BELLPULL_SERVER_KEY_H
#define BELLPULL_SERVER_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "server/bucket.h"

enum {
	GW_KEY_HASH = 32, /* SHA-256 */
	GW_CLICK_JTI_MAX = 64,
	GW_CLICK_ID_SIZE = 144, /* key's name, '/', jti, '\0' */
};

/* What moves while a key is in use. */
struct gw_key_state {
	struct gw_bucket requests, calls;
	struct gw_bucket visits; /* requests with its click tokens */
	int64_t used_at_ms;      /* last written to the store; 0: never */
	bool revoked;            /* taken away, disabled or expired     */
};

/* What a click token allows. Strings live with the key. */
struct gw_click {
	char id[GW_CLICK_ID_SIZE]; /* "crm/4f1a...": the key's name and the jti */
	char *to;           /* the only destination, as POST /calls takes it */
	char *origin;       /* of the page; NULL: any                        */
	uint32_t uses;      /* calls that it may place                       */
	uint32_t max_s;     /* of each call; 0: the gateway's default        */
	int64_t expires_at; /* Unix seconds: no new calls after that         */
	bool spent;         /* expired: good for the calls it has placed     */
};

struct gw_key {
	const char *name;
	const char *project;
	struct gw_config_strings scopes;
	struct gw_config_strings lines; /* names; empty: all               */
	struct gw_config_strings caller_ids;
	struct gw_config_strings visitor_prefixes; /* of a visitor's own number */
	struct gw_config_strings callback_hosts; /* status_callback may name */
	const char *from;      /* of /2010-04-01: rung before To; or NULL    */
	int64_t expires_at_ms; /* wall clock; 0: never                      */
	bool stored;           /* by `bellpull key add`                     */
	bool own_only; /* calls:read:own: sees what it has placed, not its project's */
	uint8_t hash[GW_KEY_HASH];
	const struct gw_secret *token_secret; /* HS256 of its site; or NULL   */
	const struct gw_secret *token_public_key; /* Ed25519, PEM; or NULL  */
	struct gw_key_state *state;
	const struct gw_key *parent;  /* of a click token: the key behind it */
	const struct gw_click *click; /* NULL: it is a key                  */
};

/* "calls:read": is it among the key's scopes (or is "admin", or "calls:read:own")? A
 * NULL scope is everybody's. */
bool gw_key_may(const struct gw_key *key, const char *scope);

/* Taken away meanwhile, or its time is over. now_ms: wall clock. */
bool gw_key_is_over(const struct gw_key *key, int64_t now_ms);

/* A key from the configuration: its strings are the row's, to each of which it
 * keeps a reference. Returns 0 or ENOMEM. */
int gw_key_of_config(struct gw_key **keyp, const struct gw_config_key *row);

/* A click token's key: of parent it has the project, the lines and the numbers, and
 * for itself the scopes of whoever sees through one call. Takes click over, which
 * mem_deref() frees, also on error. */
int gw_key_of_click(struct gw_key **keyp, const struct gw_key *parent,
		    struct gw_click *click);

/* Who places the calls of a hook: "hook:NAME", which nobody can show; scopes it needs
 * none. Its strings are the configuration's, to which it keeps a reference. */
int gw_key_of_hook(struct gw_key **keyp, const struct gw_config *cfg,
		   const struct gw_config_hook *hook);

/* An empty one, for gw_click's owner to fill. */
struct gw_click *gw_click_alloc(void);

/* A key as the store has it. Strings are copied; the lists are comma separated. */
struct gw_key_row {
	const char *name, *project;
	const char *scopes, *lines, *caller_ids;
	int64_t expires_at_ms;
	uint8_t hash[GW_KEY_HASH];
};
int gw_key_of_row(struct gw_key **keyp, const struct gw_key_row *row);

/* Whether both say the same: then the old one stays. */
bool gw_key_equal(const struct gw_key *a, const struct gw_key *b);

/* The name without its owner: for comparing, logging and counting. */
const char *gw_key_name(const struct gw_key *key); /* "" for NULL */

#endif
