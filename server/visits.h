/* Random strings that stand for a key: the cookie of the page's session, and the
 * ticket of an event stream. Kept as hashes in bounded tables, in memory alone: a
 * restart ends them. When a table is full its oldest entry goes. */
#ifndef BELLPULL_SERVER_VISITS_H
#define BELLPULL_SERVER_VISITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_key;
struct gw_visits;

enum {
	GW_VISIT_SIZE = 65,             /* hex of 256 bits and NUL           */
	GW_VISIT_SESSIONS_MAX = 1024,   /* at a time                         */
	GW_VISIT_SESSION_S = 12 * 3600, /* after its last use               */
	GW_VISIT_TICKETS_MAX = 4096,    /* at a time                         */
	GW_VISIT_TICKET_S = 60,         /* until its first use               */
	GW_VISIT_FAMILY_S = 600, /* for those who come again, from there on */
};

/* Returns 0 or ENOMEM. */
int gw_visits_alloc(struct gw_visits **visitsp);

/* text gets the cookie. Keeps a reference to key. Returns 0, ENOMEM or EIO (no
 * randomness). now_ms: any steady clock. */
int gw_visits_session(struct gw_visits *visits, char text[GW_VISIT_SIZE],
		      const struct gw_key *key, uint64_t now_ms);
/* NULL: not known, or too old. The key lives as long as visits does not change. */
const struct gw_key *gw_visits_by_session(struct gw_visits *visits,
					  const char *text, size_t len,
					  uint64_t now_ms);

/* A ticket for the streams of one call (call_id) or of all (NULL), for the page of
 * origin alone (NULL: any). */
int gw_visits_ticket(struct gw_visits *visits, char text[GW_VISIT_SIZE],
		     const struct gw_key *key, const char *call_id,
		     const char *origin, uint64_t now_ms);

/* What a stream shows with its ticket. */
struct gw_visits_use {
	const char *text;
	const char *call_id; /* of the stream; NULL: all calls'           */
	const char *origin;  /* header, or NULL: no browser, or our page  */
	bool again;          /* with a Last-Event-ID: it was here before  */
};
/* NULL: not known, too old, used, or for another stream or page. */
const struct gw_key *gw_visits_by_ticket(struct gw_visits *visits,
					 const struct gw_visits_use *use,
					 uint64_t now_ms);

/* Those of revoked keys end; a key that came again (the same name and secret,
 * other rights) takes its sessions over. */
struct gw_keyring;
void gw_visits_follow(struct gw_visits *visits, const struct gw_keyring *ring);

#endif
