/* Who may ask: what a request shows is turned into a key (key.h), or refused.
 *
 *   Authorization: Bearer KEY     of the configuration or of `bellpull key add`
 *   Authorization: Bearer a.b.c   a click token (click.h)
 *   Authorization: Basic ...      AccountSid and key, under /2010-04-01 (twilio.h)
 *   Cookie: bellpull_session=...  the page's session, which stands for its key
 *   ?ticket=...                   of an event stream, once (visits.h)
 *
 * Failures are counted by address (failures.h): ten in a minute, then 429. While there are no
 * keys at all everything is allowed, to callers on this machine (the guard in
 * http_admit_who.c sees to Host and Origin). Keys may change at any time: those of
 * the store are looked at twice a second. */
#ifndef BELLPULL_SERVER_AUTH_H
#define BELLPULL_SERVER_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_auth;
struct gw_config;
struct gw_key;
struct gw_store;

enum gw_auth_verdict {
	GW_AUTH_OK,
	GW_AUTH_NONE,    /* nothing shown: 401                    */
	GW_AUTH_WRONG,   /* shown and not known: 401              */
	GW_AUTH_LIMITED, /* wrong, and too often from there: 429  */
	GW_AUTH_MEMORY,  /* 503                                   */
};

enum {
	GW_AUTH_COOKIE_SIZE = 65, /* hex of 256 bits and NUL */
	GW_AUTH_SECRET = 32,
};
#define GW_AUTH_COOKIE "bellpull_session"

/* What a request shows. NULL: it doesn't. */
struct gw_auth_try {
	const char *authorization, *cookie, *origin; /* headers */
	const char *ticket;  /* query, on a route that takes one          */
	const char *call_id; /* of the stream, if it is one call's        */
	bool again;          /* it shows a Last-Event-ID                  */
	bool basic;          /* Authorization may be Basic                */
	const char *client;  /* numeric address                           */
};

/* How it was shown. */
enum gw_auth_way { GW_AUTH_BY_KEY, GW_AUTH_BY_COOKIE, GW_AUTH_BY_TICKET };

/* Keeps a reference to cfg. secret: the gateway's own, which signs click tokens.
 * Returns 0 or ENOMEM. */
int gw_auth_alloc(struct gw_auth **authp, const struct gw_config *cfg,
		  const uint8_t secret[GW_AUTH_SECRET]);

/* Reads the store's keys, tells doneh (0 or errno), and from then on looks twice a
 * second whether they have changed. changedh: some key was taken away. The stop
 * order: gw_auth_close() before the store's last answers are delivered. */
typedef void(gw_auth_done_h)(int err, void *arg);
int gw_auth_follow(struct gw_auth *auth, struct gw_store *store,
		   gw_auth_done_h *doneh, void (*changedh)(void *arg),
		   void *arg);
void gw_auth_close(struct gw_auth *auth);

/* Another configuration; on ENOMEM all is as before. */
int gw_auth_reload(struct gw_auth *auth, const struct gw_config *cfg);

/* Is a key needed? */
bool gw_auth_needed(const struct gw_auth *auth);
/* Has the store any, good or not? */
bool gw_auth_has_stored(const struct gw_auth *auth);

/* On GW_AUTH_OK *keyp carries one reference (NULL when no key is needed). On
 * GW_AUTH_WRONG *whyp is a sentence. now_ms: any steady clock; now_s: Unix
 * seconds. */
enum gw_auth_verdict
gw_auth_check(struct gw_auth *auth, const struct gw_key **keyp,
	      enum gw_auth_way *wayp, const struct gw_auth_try *shown,
	      uint64_t now_ms, int64_t now_s, const char **whyp);

/* A call for later begins: is the key of that name (NULL: none was needed) still one
 * that may place calls? *keyp carries a reference, or is NULL when none is needed. */
bool gw_auth_still(const struct gw_auth *auth, const struct gw_key **keyp,
		   const char *name);

/* limits.requests_per_s: takes one request of this key (NULL: of everybody, when
 * there are no keys) from its bucket, which holds two seconds' worth. Visitors have
 * one of their own: a page doesn't lock out the server behind it. Returns 0,
 * or after how many seconds to come back. */
uint32_t gw_auth_rate(struct gw_auth *auth, const struct gw_key *key,
		      uint64_t now_ms);

/* POST /session: checks the key itself and makes a session. cookie gets its
 * text. */
enum gw_auth_verdict gw_auth_login(struct gw_auth *auth,
				   char cookie[GW_AUTH_COOKIE_SIZE],
				   const char *secret, const char *client,
				   uint64_t now_ms);

/* What POST /tokens and POST /stream-tickets give out. */
struct gw_visits;
const uint8_t *gw_auth_secret(const struct gw_auth *auth);
struct gw_visits *gw_auth_visits(const struct gw_auth *auth);

#endif
