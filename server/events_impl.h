/* What the files of events.h share; nobody else includes it.
 *
 *   events.c        telling, the jobs of a turn, the sinks
 *   events_bytes.c  what an event is in bytes, stored and shown
 *   events_place.c  jobs that somebody waits for */
#ifndef BELLPULL_SERVER_EVENTS_IMPL_H
#define BELLPULL_SERVER_EVENTS_IMPL_H

#include <re.h>

#include "server/events.h"

enum { GW_EVENTS_SINKS = 8 };

struct gw_events {
	struct gw_store *store;
	struct list pending; /* of struct batch */
	struct tmr flush;
	struct {
		gw_events_sink_h *h;
		void *arg;
	} sinks[GW_EVENTS_SINKS];
	size_t sink_count;
	gw_events_outbox_h *outboxh;
	gw_events_posted_h *postedh;
	void *outbox_arg;
	struct gw_events_stats stats;
};

/* events_bytes.c: fills ev's suffix with all that follows `{"id":N`. Returns 0,
 * EINVAL (the snapshot is no object) or ENOMEM. */
int gw_event_encode(struct gw_store_event *ev, const struct gw_news *news,
		    const struct mbuf *snapshot);
/* What the sinks are shown of an event that has its id. Returns 0, EINVAL or
 * ENOMEM. */
int gw_event_of(struct gw_event **evp, const struct gw_store_event *told);

/* events.c: one more event for a job, which has room for it. Returns 0, or as
 * gw_event_encode(). */
int gw_events_add(const struct gw_events *events, struct gw_store_job *job,
		  const struct gw_news *news, const struct mbuf *snapshot);
/* The sinks see the events of a job that is on disk. */
void gw_events_show(struct gw_events *events, const struct gw_store_job *job);

#endif
