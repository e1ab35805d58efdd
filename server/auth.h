/* Who may ask: API keys of the configuration, and sessions of the page.
 *
 * Keys are compared as SHA-256, in constant time, all of them, so that time
 * tells nothing. A session is a random cookie in a bounded table that stands for
 * its key. Failures are counted by address: ten in a minute, then 429. Without
 * any key in the configuration everything is allowed, to callers on this machine
 * (the guard in http.c sees to Host and Origin). */
#ifndef BELLPULL_SERVER_AUTH_H
#define BELLPULL_SERVER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_auth;
struct gw_config;
struct gw_config_key;

enum gw_auth_verdict {
	GW_AUTH_OK,
	GW_AUTH_NONE,    /* nothing shown: 401                    */
	GW_AUTH_WRONG,   /* shown and not known: 401              */
	GW_AUTH_LIMITED, /* wrong, and too often from there: 429   */
};

enum {
	GW_AUTH_SESSIONS_MAX = 1024,
	GW_AUTH_SESSION_S = 12 * 3600, /* after its last use      */
	GW_AUTH_FAILURES_MAX = 10,     /* a minute and address    */
	GW_AUTH_ADDRESSES_MAX = 1024,  /* remembered at a time    */
	GW_AUTH_COOKIE_SIZE = 65,      /* hex of 256 bits and NUL */
};
#define GW_AUTH_COOKIE "bellpull_session"

/* What a request shows. */
struct gw_auth_try {
	const char *authorization; /* header, or NULL              */
	const char *cookie;        /* header, or NULL              */
	const char *client;        /* numeric address              */
};

/* Keeps a reference to cfg. Returns 0 or ENOMEM. */
int gw_auth_alloc(struct gw_auth **authp, const struct gw_config *cfg);

/* Are there keys at all? */
bool gw_auth_needed(const struct gw_auth *auth);

/* On GW_AUTH_OK *keyp is the key (NULL when there are none), and *by_cookiep
 * whether a session stood for it. now_ms: any steady clock. */
enum gw_auth_verdict gw_auth_check(struct gw_auth *auth,
				   const struct gw_config_key **keyp,
				   bool *by_cookiep,
				   const struct gw_auth_try *shown,
				   uint64_t now_ms);

/* "calls:create": is it among the key's scopes (or is "admin")? A NULL key (no
 * keys at all) may do everything, a NULL scope is everybody's. */
bool gw_auth_may(const struct gw_config_key *key, const char *scope);

/* limits.requests_per_s: takes one request of this key (NULL: of everybody, when
 * there are no keys) from its bucket, which holds two seconds' worth. Returns 0,
 * or after how many seconds to come back. */
uint32_t gw_auth_rate(struct gw_auth *auth, const struct gw_config_key *key,
		      uint64_t now_ms);

/* POST /session: checks the key itself and makes a session. cookie gets its
 * text. */
enum gw_auth_verdict gw_auth_login(struct gw_auth *auth,
				   char cookie[GW_AUTH_COOKIE_SIZE],
				   const char *secret, const char *client,
				   uint64_t now_ms);

#endif
