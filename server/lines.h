/* The lines of this gateway by name: made from the configuration, and the
 * sandbox's own where that is on. Tells line.* events into the journal. */
#ifndef BELLPULL_SERVER_LINES_H
#define BELLPULL_SERVER_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/policy.h"

struct gw_config;
struct gw_key;
struct gw_events;
struct gw_line;
struct gw_media;
struct mbuf;

/* Brings up the SIP stacks, the sandbox and the lines; nothing is sent before
 * gw_lines_register(). By secret (GW_STACK_SECRET bytes) the INVITEs of an earlier
 * process are known again. On error a line of the log says what to do. */
int gw_lines_start(const struct gw_config *cfg, const uint8_t *secret,
		   struct gw_events *events, struct gw_media *media);
int gw_lines_register(void);

/* Another configuration: its policy counts; lines are what they were. cfg must
 * live until the next one. */
void gw_lines_reload(const struct gw_config *cfg);

/* Unregisters all and lets the last BYEs be answered; doneh is called when that
 * is done, or some seconds later. */
void gw_lines_stop(void (*doneh)(void *arg), void *arg);
/* Everything but the sounds of the sandbox, which the media thread may still be
 * reading: gw_lines_free() comes after gw_media_stop(). */
void gw_lines_close(void);
void gw_lines_free(void);

size_t gw_lines_count(void);
struct gw_line *gw_lines_at(size_t i);
struct gw_line *
gw_lines_find(const char *name); /* NULL: the default one; NULL when none */
/* Of a key: the default one, or else the only one that it may use; or NULL. */
struct gw_line *gw_lines_default(const struct gw_key *key);
bool gw_lines_is_default(const struct gw_line *line);
bool gw_lines_is_sandbox(const struct gw_line *line);

/* What the policy says now to an address that key dials through the line. */
struct gw_policy_verdict gw_lines_policy(const struct gw_line *line,
					 const struct gw_key *key,
					 const struct gw_address *addr);

/* True when every line has failed or is excluded: no call can be placed now.
 * *retry_s gets the seconds until the first of them tries again. */
bool gw_lines_all_failed(uint32_t *retry_s);
/* For so many seconds all servers of the line want to be left alone (503 with
 * Retry-After); 0: one of them doesn't. */
uint32_t gw_lines_excluded_s(const struct gw_line *line);

/* What the SIP sockets have not taken in. */
struct gw_stack_dropped;
void gw_lines_dropped(struct gw_stack_dropped *dropped);

/* One line as JSON, as GET /lines/{name} answers; and all that the key may use
 * (NULL: all) as an array. */
int gw_lines_print(struct mbuf *mb, const struct gw_line *line);
int gw_lines_print_all(struct mbuf *mb, const struct gw_key *key);

/* May the key (NULL: there are no keys) use this line? */
bool gw_lines_allowed(const struct gw_key *key, const struct gw_line *line);

#endif
