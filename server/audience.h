/* Who may know of what: the one place that says what a key of the configuration
 * gets to see. key NULL: there are no keys, and everybody sees everything. Pure. */
#ifndef BELLPULL_SERVER_AUDIENCE_H
#define BELLPULL_SERVER_AUDIENCE_H

#include <stdbool.h>

struct gw_key;
struct gw_event;

/* Whose a call is. All NULL: it was placed without a key, and is no key's. */
struct gw_whose {
	const char *project;
	const char *key;   /* the name of the one that placed it            */
	const char *click; /* the id of the click token that did; or NULL   */
};

/* A call of the key's project; for calls:read:own, of the key itself; for a click
 * token, of that token. */
bool gw_audience_call(const struct gw_key *key, const struct gw_whose *whose);

/* The same as a question to the store: copies of the project and, if it counts, of
 * the key's name. Returns 0 or ENOMEM; both are the caller's. */
int gw_audience_ask(char **projectp, char **namep, const struct gw_key *key);

/* The line of this name. */
bool gw_audience_line(const struct gw_key *key, const char *name);

/* An event: of a call, of a line, or of the gateway, which is for everybody. */
bool gw_audience_event(const struct gw_key *key, const struct gw_event *ev);

#endif
