/* One session without a call, over the line of a world and towards its phone, and
 * all that it tells. */
#ifndef TESTS_CALLS_TALK_H
#define TESTS_CALLS_TALK_H

#include "sip/session.h"
#include "tests/calls/world.h"

struct talk {
	struct world *w;
	struct gw_session *session;
	struct gw_session_h h;
	struct gw_line_way_req *way;
	struct mbuf *offer;
	char log[512]; /* "answered changed:200 ..." */
	uint16_t referred_code;
	char target[128], replaces[128];
	bool releases_at_change;
	int reoffer_err;
	int err;
};
extern struct talk talk;

/* The session is up, and nothing has been told since. */
int talk_open(struct world **wp);

/* The same over a line that asks for 180 s (RFC 4028), with headers in the 200;
 * the clock stands still from then on. */
int talk_open_timed(struct world **wp, const char *headers);

/* Runs until words stand in the log, one after the other. */
int talk_until(const char *words);

/* As its owner does: nothing is told after that. */
void talk_release(void);

#endif
