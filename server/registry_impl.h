/* What the files of the registry share; nobody else includes it. */
#ifndef BELLPULL_SERVER_REGISTRY_IMPL_H
#define BELLPULL_SERVER_REGISTRY_IMPL_H

#include <re.h>

#include "server/registry.h"
#include "server/store.h"
#include "server/webhook.h"
#include "sip/call.h"

struct gw_event;
struct gw_later;
struct gw_recordings_track;

/* One living call. */
struct gw_registry_entry {
	struct le he; /* by id */
	struct le le; /* oldest first */
	char id[GW_STORE_ID_SIZE];
	struct gw_call *call;
	struct gw_browser *browser; /* or NULL */
	const struct gw_key *key;   /* referenced; or NULL */
	char *to, *line, *client_state;
	char *callback;                        /* as news have it; or NULL */
	char *from, *from_line;                /* NULL: one leg */
	struct gw_line *to_way, *from_way;     /* the lines themselves */
	uint32_t legs;                         /* counted in stats.legs */
	struct gw_recordings_track *recording; /* once sound came of it */
	struct gw_recording_view recorded;
	unsigned unsaved; /* runs of it whose end is awaited */
	bool run_begun;
	bool settled; /* the ladder is stored: nothing else is awaited */
	struct mbuf *metadata;
	int64_t created_at_ms;
	uint32_t revision;
	uint32_t told_revision; /* of the newest snapshot that an event has */
	int64_t seq;
	uint64_t last_event_id;
	struct list waits;
	bool stored;      /* call.queued is on disk: it has begun */
	bool end_at_once; /* stopped before it could begin, and why */
	enum gw_cause end_cause;
	enum gw_ended_by end_by;
	uint64_t over_at; /* tmr_jiffies() when its end was on disk; 0: it lives */
	struct gw_later *later;   /* its order asks for a time; or NULL */
	bool postponed;           /* ... which has not come: not counted */
	struct gw_quota_use *use; /* what limits have counted of it; or NULL */
	gw_order_placed_h *placedh;
	void *arg;
	struct le idem_he; /* by idempotency key, while the answer is owed */
	char *idem_scope;
};

struct gw_registry_wait {
	struct le le;
	enum gw_wait_for what;
	gw_registry_wait_h *h;
	void *arg;
};

/* There is one. */
extern struct gw_registry {
	const struct gw_config *cfg;
	struct gw_admission *admission;
	struct gw_events *events;
	struct gw_media *media;
	struct gw_store *store;
	struct gw_quota *quota;
	bool frozen;
	struct gw_metrics *metrics;   /* or NULL */
	struct gw_webhooks *webhooks; /* or NULL */
	struct hash *by_id;
	struct hash *by_idem;
	struct list all;     /* living */
	struct list waiting; /* for their time, stats.later of them */
	struct tmr later_tmr;
	struct hash *shares; /* of keys in those; NULL: no key has had one */
	gw_registry_key_h *keyh; /* or NULL */
	void *key_arg;
	struct list over;    /* ended, the last SIP messages still to come */
	struct list unsaved; /* settled, but for their recordings */
	struct tmr over_tmr;
	struct tmr alive_tmr; /* signs of life while calls are up */
	uint32_t legs;        /* of the living: each has a pair of RTP ports */
	uint32_t pending;     /* orders whose commit is awaited */
	struct gw_registry_stats stats;
	bool draining;
	void (*emptyh)(void *arg);
	void *empty_arg;
	struct tmr empty_tmr;
} gw_registry;

/* registry.c: NULL if it doesn't live; find_for() also if it isn't stored yet or
 * belongs to another project than key's. */
struct gw_registry_entry *gw_registry_find(const char *id);
struct gw_registry_entry *gw_registry_find_for(const char *id,
					       const struct gw_key *key);
/* The end of an entry that was counted as living. */
void gw_registry_drop(struct gw_registry_entry *e);
/* Its call.ended is on disk. The entry stays for a second: the 487 and the 200 to
 * a BYE belong to its ladder, which is stored when they have come. */
void gw_registry_rest(struct gw_registry_entry *e);

/* Nothing is awaited any more: frees it, in a later turn. */
void gw_registry_forget(struct gw_registry_entry *e);

/* A call is up: says so to the disk again and again while there is one. */
void gw_registry_alive(void);

/* registry_tell.c: the call as JSON, without last_event_id. */
int gw_registry_snapshot(struct mbuf **mbp, const struct gw_registry_entry *e);
/* Talked, once it has ended: what was begun is a second. */
int64_t gw_registry_seconds(const struct gw_registry_entry *e);
/* Its row without a snapshot (NULL: no memory), and with the newest one. */
struct gw_store_call *gw_registry_bare_row(const struct gw_registry_entry *e);
int gw_registry_row(struct gw_store_call **rowp,
		    const struct gw_registry_entry *e);
/* Handlers: of the call (arg is its entry), and of what is on disk. */
void gw_registry_call_event(struct gw_call *call,
			    const struct gw_call_event *ev, void *arg);
void gw_registry_on_disk(const struct gw_event *ev, void *arg);

/* registry_record.c: handler of the call (arg is its entry). */
void gw_registry_recorded(const struct gw_call_sound *sound, void *arg);
/* What the API shows of it now. */
struct gw_recording_view
gw_registry_recording(const struct gw_registry_entry *e);
/* registry_target.c: another handler of the call. */
bool gw_registry_target(char *uri, size_t size, const char *target,
			enum gw_role role, void *arg);

/* registry_place.c: the call of e as the order has it now. */
struct gw_placement;
int gw_registry_make_call(struct gw_call **callp, struct gw_registry_entry *e,
			  const struct gw_placement *pl);
/* An entry that pl describes, with an id of its own unless id says which. */
int gw_registry_entry(struct gw_registry_entry **ep,
		      const struct gw_placement *pl, const char *id,
		      int64_t created_at_ms);
/* It is known by its id, and counted, from now on. */
void gw_registry_enter(struct gw_registry_entry *e);

/* One that waits is counted among the living from now on; and it is not. */
void gw_registry_begin(struct gw_registry_entry *e);
void gw_registry_wait_again(struct gw_registry_entry *e);

/* registry_later.c */
int gw_later_make(struct gw_registry_entry *e, const struct gw_placement *pl);
int gw_later_print(struct mbuf **mbp, const struct gw_registry_entry *e);
void gw_later_view(struct gw_later_view *view,
		   const struct gw_registry_entry *e);
/* call.queued is on disk: e waits for its time. */
void gw_later_wait(struct gw_registry_entry *e);
/* Starts any call; one that expires_at speaks of has until then to find its
 * line. */
void gw_later_start(struct gw_registry_entry *e);
/* registry_again.c: it has ended: places the next attempt, if its plan says so. */
void gw_later_again(struct gw_registry_entry *e);
/* DELETE of an ended call: what its plan has left. Returns 0 or ENOENT. */
int gw_later_cancel(const char *id, const struct gw_key *key,
		    const char **waitedp);

/* registry_later.c: one more, or less, that waits. */
void gw_later_enter(struct gw_registry_entry *e);
void gw_later_leave(const struct gw_registry_entry *e);

/* registry_share.c: a reference to the share of key (NULL: it has none). Returns 0
 * or ENOMEM. */
struct gw_later_share;
int gw_later_share(struct gw_later_share **sharep, const struct gw_key *key);
void gw_later_count_in(struct gw_later_share *share);
void gw_later_count_out(struct gw_later_share *share);

/* registry_look.c: tells those who wait for what, or for less. */
void gw_registry_wait_over(struct gw_registry_entry *e, enum gw_wait_for what);

#endif
