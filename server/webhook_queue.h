/* What one endpoint still has to be told, and what of it may be sent now: the order,
 * the width and the circuit. Knows no clock and no network: times are the caller's,
 * in milliseconds of a clock that never jumps.
 *
 *   add ──► due? ──► next (in flight) ──┬─► done: out of the queue
 *            ▲                          │
 *            └────── again, due later ◄─┘
 *
 * Deliveries of one call go one after the other: the next one waits until the one
 * before is out. Different calls, and all if the queue is unordered, go side by
 * side, as many as parallel says. After GW_WEBHOOK_CIRCUIT failures in a row
 * nothing goes but one probe in GW_WEBHOOK_PROBE_MS, until one went well. */
#ifndef BELLPULL_SERVER_WEBHOOK_QUEUE_H
#define BELLPULL_SERVER_WEBHOOK_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_webhook_queue;
struct gw_webhook_lane;

enum {
	GW_WEBHOOK_CIRCUIT = 20,
	GW_WEBHOOK_PROBE_MS = 5 * 60 * 1000,
};

/* One delivery. It is the queue's from gw_webhook_queue_add() to _done(). */
struct gw_webhook_item {
	uint64_t id;
	uint32_t attempts;
	char *url;   /* of a call's own callback, else NULL; owned           */
	void *event; /* of whoever sends: owned (mem_deref), or NULL         */
	void *owner; /* of whoever sends: borrowed                           */
	uint32_t erasures; /* of whoever sends                               */

	struct { /* the queue's */
		struct gw_webhook_item *next;
		struct gw_webhook_lane *lane;
		uint64_t due;
	} own;
};

int gw_webhook_queue_alloc(struct gw_webhook_queue **queuep, bool unordered,
			   uint32_t parallel);

/* One more in its place among the others of its call (call_id "": of none), by its
 * id; what is in flight stays in front. url is copied.
 * On success *itemp is the item, until it is done. Returns 0 or ENOMEM. */
int gw_webhook_queue_add(struct gw_webhook_item **itemp,
			 struct gw_webhook_queue *queue, uint64_t id,
			 const char *call_id, const char *url, uint64_t due);

/* What may go now, taken in flight; NULL: nothing. */
struct gw_webhook_item *gw_webhook_queue_next(struct gw_webhook_queue *queue,
					      uint64_t now);
/* When to ask again if nothing comes in between; UINT64_MAX: never. */
uint64_t gw_webhook_queue_due(const struct gw_webhook_queue *queue,
			      uint64_t now);

/* An item in flight comes back: it is out (delivered or dead) and freed, or stays
 * first of its call and is due again. */
void gw_webhook_queue_done(struct gw_webhook_queue *queue,
			   struct gw_webhook_item *item);
void gw_webhook_queue_again(struct gw_webhook_queue *queue,
			    struct gw_webhook_item *item, uint64_t due);

/* What the other side did, for the circuit. A success closes it. */
void gw_webhook_queue_went(struct gw_webhook_queue *queue, bool well,
			   uint64_t now);
/* Nothing goes at all while it is shut. */
void gw_webhook_queue_shut(struct gw_webhook_queue *queue, bool shut);

struct gw_webhook_queue_stats {
	uint32_t waiting, in_flight, failures;
	bool open; /* the circuit: probes only */
};
void gw_webhook_queue_stats(const struct gw_webhook_queue *queue,
			    struct gw_webhook_queue_stats *stats);

#endif
