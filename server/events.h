/* The journal's front: what happened is told here, encoded once, committed, and
 * only then shown to the sinks (stream, webhooks, metrics, log), with the same
 * bytes for all.
 *
 * Order: ids follow the order of telling, sinks see events in the order of ids.
 * What one turn of the loop tells about one call is one commit, together with
 * that call's row. Nothing is seen before it is on disk; when the disk refuses,
 * events wait in the store's queue in their order, calls go on. */
#ifndef BELLPULL_SERVER_EVENTS_H
#define BELLPULL_SERVER_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store.h"

struct gw_events;
struct mbuf;

/* store must outlive it. Free it (mem_deref) after gw_store_close() has given all
 * jobs back and gw_loop_drain() has delivered them. */
int gw_events_alloc(struct gw_events **eventsp, struct gw_store *store);

/* Pushes what this turn has told so far; it happens by itself at the turn's end.
 * For the stop order: before gw_store_close(). */
void gw_events_flush(struct gw_events *events);

/* What happened. Nothing is kept of the pointers but type. */
struct gw_news {
	const char *type;    /* "call.ringing": static string                 */
	const char *call_id; /* NULL: line.*, gateway.*                       */
	const char *project; /* whose call; NULL: no key's. See audience.h    */
	const char *key;     /* of it: who placed the call                    */
	const char *line;    /* of line.*: its name; else NULL                */
	const char *leg;     /* "from", "to"; NULL: the call                  */
	int64_t seq;         /* of the call, from 1 without holes; -1: none   */
	int64_t at_ms;       /* wall clock                                    */
	const char *data;    /* JSON object; NULL: {}                         */
	size_t data_len;
	const char *callback; /* of the call; or NULL. See webhook.h           */
};

/* Tells one event. row is taken over (also on error) and becomes the call's row
 * (insert is not allowed here); its snapshot is also the event's `call`. With
 * row NULL `call` is null. A new call goes through gw_events_place().
 * Returns 0, EINVAL (the snapshot is no object) or ENOMEM; then it is lost, and
 * counted. So are events for which a disk that refused for long has left no
 * room in the store's queue. */
int gw_events_tell(struct gw_events *events, const struct gw_news *news,
		   struct gw_store_call *row);

/* Saves a row without an event (a ladder, a dialog). Takes row over. */
int gw_events_save(struct gw_events *events, struct gw_store_call *row);

/* How a placement went. response: REPLAY: body of the first 201; NEW: this
 * call's snapshot, complete with last_event_id. Valid during the call. */
struct gw_placed {
	int err; /* 0, or ENOSPC, EIO ...: it has never happened */
	enum gw_idem_verdict verdict;
	const char *call_id; /* REPLAY, DUPLICATE: of the first call; NEW: its
				own; else NULL */
	uint64_t last_event_id;
	struct mbuf
		*response; /* pos 0; mem_ref() to keep. NULL: no memory for it,
				* which changes nothing about err */
};
typedef void(gw_events_placed_h)(const struct gw_placed *placed, void *arg);

/* Takes what tells of people out of an ended call (gw_store_erase), behind all that
 * was told of it. On 0, h is called exactly once. */
typedef void(gw_events_erased_h)(int err, void *arg);
int gw_events_erase(struct gw_events *events, const char *call_id,
		    int64_t at_ms, gw_events_erased_h *h, void *arg);

/* What of a placement may happen once only; NULL: nothing. */
struct gw_once {
	struct gw_store_idem *idem;
	struct gw_store_dedupe *dedupe;
	struct gw_store_click *click;
};

/* Writes a new call: its row (insert), its first event and what may happen once in
 * one commit, at once. row and once's members are taken over (also on error).
 * On 0, h is called exactly once, on the loop thread, before the sinks see the
 * event. On error (ENOMEM, ENOBUFS, or what gw_store_health() says) it isn't. */
int gw_events_place(struct gw_events *events, const struct gw_news *news,
		    struct gw_store_call *row, const struct gw_once *once,
		    gw_events_placed_h *h, void *arg);

/* Looks for an idempotency key alone (taken over, also on error): h is called once
 * with REPLAY, MISMATCH or UNKNOWN. */
int gw_events_recall(struct gw_events *events, struct gw_store_idem *idem,
		     gw_events_placed_h *h, void *arg);

/* Keeps what was answered to a key without a call (idem->answer; taken over, also on
 * error): h is called once, with NEW, REPLAY or MISMATCH. */
int gw_events_remember(struct gw_events *events, struct gw_store_idem *idem,
		       gw_events_placed_h *h, void *arg);

/* An event that is on disk. Refcounted: mem_ref() to keep it. Immutable. */
struct gw_event {
	uint64_t id;
	const char *type;
	char call_id[GW_STORE_ID_SIZE]; /* "": of no call */
	const char *project, *key;      /* whose call; or NULL */
	const char *line;               /* of line.*; else NULL */
	int64_t seq;
	int64_t at_ms;
	const char *
		frame; /* as the stream sends it: id:, event:, data:, blank line */
	size_t frame_len;
	const char *json; /* inside frame */
	size_t json_len;
};

/* Whom an event has to be told by HTTP is settled when it is told, and written with
 * it: h fills ev's deliveries (store.h). Returns 0 or ENOMEM, and then the event is
 * lost, and counted. callback: the call's own, as gw_news has it. */
typedef int(gw_events_outbox_h)(struct gw_store_event *ev, const char *callback,
				void *arg);
/* On disk: the deliveries of ev, after all sinks have seen it. */
typedef void(gw_events_posted_h)(const struct gw_event *ev,
				 const struct gw_store_outgoing *deliveries,
				 size_t count, void *arg);
void gw_events_outbox(struct gw_events *events, gw_events_outbox_h *h,
		      gw_events_posted_h *postedh, void *arg);

/* What is known of an event beside its JSON. Strings are copied; NULL: none. */
struct gw_event_facts {
	uint64_t id;
	const char *type;
	const char *call_id, *project, *key, *line;
	int64_t seq, at_ms;
};

/* Makes one from what the store gave or reads. */
int gw_event_alloc(struct gw_event **evp, const struct gw_event_facts *facts,
		   const char *json, size_t json_len);

/* Sinks see every event, in order of ids, in the order of registering. They must
 * not tell events from inside. */
typedef void(gw_events_sink_h)(const struct gw_event *ev, void *arg);
int gw_events_sink(struct gw_events *events, gw_events_sink_h *h, void *arg);

/* "2026-11-22T05:00:00.000Z", with the last date remembered: quick.
 * buf has GW_TIME_SIZE bytes. Loop thread. */
enum { GW_TIME_SIZE = 32 };
const char *gw_events_time(char buf[GW_TIME_SIZE], int64_t ms);

struct gw_events_stats {
	uint64_t told, committed;
	uint64_t lost;   /* never on disk */
	uint64_t unseen; /* on disk, but there was no memory to show them */
};
void gw_events_stats(const struct gw_events *events,
		     struct gw_events_stats *st);

#endif
