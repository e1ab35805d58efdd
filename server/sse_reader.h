/* Where one reader of the stream stands, and what it gets next. Knows no sockets
 * and no clock: sse.c brings both. */
#ifndef BELLPULL_SERVER_SSE_READER_H
#define BELLPULL_SERVER_SSE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/store.h"

struct gw_key;
struct gw_event;
struct gw_journal;
struct mbuf;

/* Where a reader begins. */
enum gw_sse_start {
	GW_SSE_AFTER, /* behind *afterp                                     */
	GW_SSE_RESET, /* its past is gone: a snapshot, then what comes      */
	GW_SSE_OVER,  /* it has had the call's last event: 204              */
};

/* last_id: what the reader said it had, or NULL. head: the newest id there is;
 * pruned: see gw_store_pruned_id(). */
enum gw_sse_start gw_sse_start(uint64_t *afterp, const char *last_id,
			       uint64_t head, uint64_t pruned);

/* The same for the stream of one call. last_event_id: its last one if it has
 * ended, else 0. */
enum gw_sse_start gw_sse_start_call(uint64_t *afterp, const char *last_id,
				    uint64_t head, uint64_t last_event_id);

/* Events that were read from the store for one reader. */
struct gw_sse_batch {
	struct {
		const struct gw_event *ev; /* with a reference */
	} * list;
	size_t count, pos;
	uint64_t upto_id; /* with the last one given, all up to here was had  */
};

/* Zeroed, with key, after_id, call_id and end_id set, it is ready. */
struct gw_sse_reader {
	const struct gw_key *key;       /* who reads; NULL: sees everything  */
	char call_id[GW_STORE_ID_SIZE]; /* "": every event                    */
	uint64_t after_id; /* up to here it has had what is for it            */
	uint64_t end_id;   /* it ends behind this one; 0: not known           */
	bool ending;       /* nothing follows but the end                     */

	/* what its last fill stopped at, or what came since */
	enum {
		GW_SSE_DUE,  /* there is more                                */
		GW_SSE_IDLE, /* it has had everything                        */
		GW_SSE_REPLAY, /* it must be given a batch from the store      */
		GW_SSE_ENDED,
	} state;

	void *owner; /* of bytes: they are being written */
	const char *bytes;
	size_t len, off;
	uint64_t bytes_id; /* of the event in bytes; 0: none */
	bool bytes_last;
	struct mbuf *words; /* to be said before the next event         */
	struct gw_sse_batch *batch; /* or NULL                                */
	uint64_t frames;
};

/* Gives back what it holds; not the reader itself. */
void gw_sse_reader_reset(struct gw_sse_reader *r);

/* Writes what is due. Returns how many bytes; see state when 0. */
size_t gw_sse_reader_fill(struct gw_sse_reader *r,
			  const struct gw_journal *journal, uint8_t *buf,
			  size_t size);

/* Has mb (a reference is taken) said between two events. Something that still
 * waits to be said goes first; false: no room, nothing was done. */
bool gw_sse_reader_say(struct gw_sse_reader *r, struct mbuf *mb);

/* ev was added to the journal. Returns whether it is for this reader. A reader of
 * every event needs no news: it is due when gw_sse_reader_look() says so. */
bool gw_sse_reader_news(struct gw_sse_reader *r, const struct gw_event *ev);

/* Steps over what is not for it, without a byte. Returns whether there is more in
 * the journal for it, or below it. For a reader of every event, in state IDLE. */
bool gw_sse_reader_look(struct gw_sse_reader *r,
			const struct gw_journal *journal);

/* What the store had for it, in state GW_SSE_REPLAY. Takes batch over. */
void gw_sse_reader_replayed(struct gw_sse_reader *r,
			    struct gw_sse_batch *batch);

/* Makes a batch of what the store gave for a read of (after, upto], without what
 * is not for the key. */
int gw_sse_batch_alloc(struct gw_sse_batch **batchp,
		       const struct gw_store_read *rd,
		       const struct gw_key *key);

#endif
