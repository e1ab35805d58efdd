/* The journal as server-sent events: any number of readers, each with a cursor
 * into one shared window of events, resumed exactly once from the store.
 *
 * Readers up to fifty are served at once; more of them in 10 ms ticks, a hundred
 * a millisecond, so that the loop stays free for SIP. One that doesn't read is
 * cut by the HTTP side's idle timeout. */
#ifndef BELLPULL_SERVER_SSE_H
#define BELLPULL_SERVER_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_key;
struct gw_events;
struct gw_http_req;
struct gw_sse;
struct gw_store;
struct mbuf;

struct gw_sse_cfg {
	uint32_t heartbeat_s;     /* 0: 15                              */
	uint32_t retry_ms;        /* 0: 3000                            */
	uint32_t streams;         /* at the same time; 0: no limit      */
	uint32_t streams_per_key; /* 0: no limit                        */
	uint32_t window_events;   /* kept in memory; 0: 16384           */
	uint32_t window_bytes;    /* 0: 8 MiB                           */
};

/* Writes {"calls":[...],"lines":[...]} as they are now, as far as the key may see
 * them (NULL: all): what a reader gets whose past is gone. Returns 0 or errno. */
typedef int(gw_sse_snapshot_h)(struct mbuf *mb, const struct gw_key *key,
			       void *arg);

/* Becomes a sink of events. Free it (mem_deref) when the HTTP side is closed and
 * the store has given all reads back, before events. */
int gw_sse_alloc(struct gw_sse **ssep, struct gw_events *events,
		 struct gw_store *store, const struct gw_sse_cfg *cfg,
		 gw_sse_snapshot_h *snapshoth, void *arg);

/* Other limits, for readers to come. */
struct gw_sse_limits {
	uint32_t streams, streams_per_key; /* 0: no limit                   */
};
void gw_sse_reload(struct gw_sse *sse, const struct gw_sse_limits *limits);

/* GET /events: answers req with a stream that begins now, or behind the
 * Last-Event-ID header or the query last_event_id, of what req's key may see. */
void gw_sse_open(struct gw_sse *sse, struct gw_http_req *req);

/* GET /calls/{id}/events. The caller has looked the call up (404 is its matter),
 * in memory or in the store. Strings are used during the call only. */
struct gw_sse_call {
	const char *id;
	bool ended;             /* its call.ended is on disk             */
	uint64_t last_event_id; /* newest event on disk                  */
	const char *snapshot;   /* JSON of the call, complete            */
	size_t snapshot_len;
};

/* The stream begins at the call's first event or behind the reader's id and
 * ends after call.ended; 204 to a reader who has had that. */
void gw_sse_open_call(struct gw_sse *sse, struct gw_http_req *req,
		      const struct gw_sse_call *call);

/* The window leaves memory: what the store has of it has changed. */
void gw_sse_forget(struct gw_sse *sse);

/* From now on every reader, present and new, gets `retry:` with a jittered wait
 * and the end of its stream. */
void gw_sse_drain(struct gw_sse *sse);

struct gw_sse_stats {
	uint32_t streams;   /* now */
	uint32_t replaying; /* of them: reading the store */
	uint64_t opened, resets, refused, read_errors;
	uint64_t frames; /* events handed to readers */
};
void gw_sse_stats(const struct gw_sse *sse, struct gw_sse_stats *stats);

#endif
