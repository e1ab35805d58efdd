/* Who may know of what: the one place that says what a key of the configuration
 * gets to see. key NULL: there are no keys, and everybody sees everything. Pure. */
#ifndef BELLPULL_SERVER_AUDIENCE_H
#define BELLPULL_SERVER_AUDIENCE_H

#include <stdbool.h>

struct gw_key;
struct gw_event;

/* A call of this project; NULL: it was placed without a key, and is no key's.
 * click: the id of the click token that placed it, or NULL; whoever comes with such
 * a token sees what it has placed alone. */
bool gw_audience_call(const struct gw_key *key, const char *project,
		      const char *click);

/* The line of this name. */
bool gw_audience_line(const struct gw_key *key, const char *name);

/* An event: of a call, of a line, or of the gateway, which is for everybody. */
bool gw_audience_event(const struct gw_key *key, const struct gw_event *ev);

#endif
