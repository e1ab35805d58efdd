/* Where calls, events and idempotency keys are kept: one interface, engines
 * behind it (store_engine.h; SQLite now).
 *
 * Writes go to a thread that owns the writing connection. Everything that waits
 * becomes one transaction (group commit); its results come back on the loop
 * thread in the order of pushing. Reads go to a thread and a connection of
 * their own, so that a long list never holds up a commit.
 *
 * What a job or a read carries belongs to it: hand it over whole and touch it
 * again in its handler only. */
#ifndef BELLPULL_SERVER_STORE_H
#define BELLPULL_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/loop.h"

struct gw_store;
struct mbuf;

enum { GW_STORE_ID_SIZE = 32 }; /* "call_" + ULID + '\0' = 32 */

/* Opening and closing ---------------------------------------------------- */

struct gw_store_cfg {
	const char *url;    /* "sqlite:PATH"                              */
	uint32_t linger_ms; /* events alone wait this long for company    */
	uint32_t keep_days; /* ended calls are kept this long; 0: for ever */
	uint32_t idempotency_hours; /* 0: 24                                      */
	uint32_t queue_bytes; /* what may wait for a refusing disk; 0: 64 MiB */
};

/* Opens, checks and migrates. Refuses a database that is corrupt, newer or not
 * ours; nothing is ever begun anew in its place. On error *storep is left alone
 * and why[] (why_size bytes) says what is wrong and what to do.
 * Call it on the loop thread. */
int gw_store_open(struct gw_store **storep, const struct gw_store_cfg *cfg,
		  char *why, size_t why_size);

/* Commits what waits and joins the threads. Every job and read has been posted
 * back when it returns (gw_loop_drain() delivers); what the disk still refused
 * comes with its error. store is gone afterwards. */
void gw_store_close(struct gw_store *store);

/* 0, or why the last commit failed (ENOSPC, EIO, EROFS, ...) and nothing has
 * been written since: new work is better refused before it is begun. */
int gw_store_health(const struct gw_store *store);

/* What the store knew when it was opened. */
enum { GW_STORE_SECRET = 32 };
struct gw_store_facts {
	uint8_t secret[GW_STORE_SECRET]; /* of this gateway: drawn once, kept */
	bool frozen;                     /* no new calls (POST /admin/freeze) */
	int64_t alive_at_ms; /* the last sign of life of the process before;
			      * 0: none is known */
};
const struct gw_store_facts *gw_store_facts(const struct gw_store *store);

/* The newest committed event id; 0: none yet. Never falls, nor do two events ever
 * share an id, restarts and retention included. */
uint64_t gw_store_head_id(const struct gw_store *store);

/* Every event above this one is still kept. A reader that stands below has
 * missed some. */
uint64_t gw_store_pruned_id(const struct gw_store *store);

/* Writing ---------------------------------------------------------------- */

/* One event. Its complete JSON is `{"id":N` + suffix; a suffix that ends with ':'
 * wants the id again and is closed by `N}}` (the snapshot's last_event_id).
 * gw_store_event_json() puts it together. */
struct gw_store_event {
	const char *type; /* static string                         */
	char call_id[GW_STORE_ID_SIZE]; /* "": of no call (line.*, gateway.*)    */
	char *project,
		*key;  /* own copies: whose call, see audience.h; or NULL */
	char *line;    /* the same: which line                     */
	int64_t seq;   /* -1: none                              */
	int64_t at_ms; /* occurred_at                           */
	struct mbuf *suffix; /* the bytes behind `{"id":N`            */
	size_t snapshot_at;  /* where in it the call's begins; 0: none */
	struct gw_store_outgoing *deliveries; /* owned array; or NULL       */
	size_t delivery_count;
	uint64_t id; /* result: set when it is on disk        */
};

/* Whom an event has to be told: written with it, waiting and due at once. Its id
 * is made of the event's. */
enum { GW_STORE_DELIVERIES_MAX = 100 }; /* of one event */
struct gw_store_outgoing {
	char *endpoint; /* its name; own reference                     */
	char *url;      /* of a call's own callback; else NULL         */
	bool dead;      /* its endpoint is disabled: kept, not sent    */
	uint64_t id;    /* result: set when it is on disk              */
};
#define GW_STORE_DELIVERY_EVENT(id) ((id) / GW_STORE_DELIVERIES_MAX)
/* Room for count (at most GW_STORE_DELIVERIES_MAX). Returns 0 or ENOMEM. */
int gw_store_event_deliver(struct gw_store_event *ev, size_t count);

/* Frees what ev holds; it is empty then. */
void gw_store_event_reset(struct gw_store_event *ev);

enum gw_delivery_status {
	GW_DELIVERY_WAITING,
	GW_DELIVERY_DELIVERED,
	GW_DELIVERY_DEAD,
};

/* What came of a try, and what comes next. One that isn't a try (at_ms 0) sets the
 * delivery alone; with back it waits once more, from its first try on, if it was
 * over. */
struct gw_store_try {
	uint64_t id; /* of the delivery                                 */
	enum gw_delivery_status status;
	int64_t due_ms;    /* of the next one; WAITING only              */
	uint32_t attempts; /* so far                                     */
	int64_t at_ms;
	uint32_t took_ms;
	uint16_t code; /* of HTTP; 0: none came                         */
	char *answer;  /* its first bytes, or what went wrong; own copy  */
	bool back;
	bool was_over; /* result of back: now it waits                   */
};

/* How an endpoint is doing, for the next process. */
struct gw_store_endpoint {
	char *name;             /* own copy                              */
	int64_t disabled_at_ms; /* 0: it is not                          */
	int64_t failing_since_ms;
	char *why;
};
struct gw_store_endpoint *gw_store_endpoint_alloc(void);

/* Writes the complete JSON of an event (behind mb's position). */
int gw_store_event_json(struct mbuf *mb, uint64_t id, const uint8_t *suffix,
			size_t suffix_len);

/* Writes the snapshot of a row as the API shows it: with `,"last_event_id":N` in
 * front of the object's closing brace. One out of a suffix ends with ':' and
 * wants but the number. */
int gw_store_snapshot_json(struct mbuf *mb, const uint8_t *snapshot, size_t len,
			   uint64_t last_event_id);

/* The row of a call: columns to search by, and the newest snapshot. */
struct gw_store_call {
	char id[GW_STORE_ID_SIZE];
	bool insert; /* a new row; else the row exists           */
	const char *status,
		*state;         /* static strings                           */
	int64_t created_at_ms;  /* read at insert only, like the next four  */
	char *to, *from, *line; /* own copies; NULL: none                   */
	char *project;
	char *key, *click, *client; /* who asked, from where; or NULL      */
	char *number, *from_number; /* who was dialled, as limits count it */
	char *callback; /* whom to tell of it; or NULL                     */
	int64_t cost;   /* of a minute, in thousandths              */
	int64_t ended_at_ms;   /* 0: not ended                             */
	int64_t seconds;       /* talked, once it has ended                */
	int64_t seq;           /* of its newest event                      */
	struct mbuf *snapshot; /* JSON object without last_event_id        */
	bool told; /* the job's last event has the same one: kept there, once */
	struct mbuf *ladder; /* JSON; NULL: as it was                    */
	struct mbuf *dialog; /* text; NULL: as it was. Gone at the end   */
	struct mbuf *later;  /* insert: the order, while the call waits   */
	bool begun;          /* update: it waits no longer                */
};

/* Allocates an empty row (mem_deref). */
struct gw_store_call *gw_store_call_alloc(void);

/* What may happen once only, looked up before anything else of the job is done. */
enum gw_idem_verdict {
	GW_IDEM_NEW,       /* unknown or expired: now it is kept          */
	GW_IDEM_REPLAY,    /* known, same body: see call_id and response  */
	GW_IDEM_MISMATCH,  /* known with another body                     */
	GW_IDEM_DUPLICATE, /* dedupe: see call_id                         */
	GW_IDEM_SPENT,     /* this click token has placed all its calls   */
	GW_IDEM_UNKNOWN,   /* only_look: there is none                    */
};
struct gw_store_idem {
	char *scope_key; /* who + method + path + key; own copy          */
	uint8_t body_sha256[32];
	bool only_look;      /* writes nothing; the job has no call          */
	struct mbuf *answer; /* of a job without a call: what is told to those who
			      * come again. JSON; else NULL                  */
	uint32_t keep_s; /* how long it is remembered; 0: as the store's is */
};

struct gw_store_idem *gw_store_idem_alloc(void);

/* No second call like this one for a while: the job's call, if there is none. */
struct gw_store_dedupe {
	char *scope_key; /* who + from + to; own copy                    */
	int64_t until_ms;
};
struct gw_store_dedupe *gw_store_dedupe_alloc(void);

/* One use of a click token. */
struct gw_store_click {
	char *id; /* own copy                                            */
	uint32_t uses;
	int64_t expires_at_ms; /* when it may be forgotten               */
};
struct gw_store_click *gw_store_click_alloc(void);

/* A refusal, or what an operator did, for those who look after it. Own copies; or
 * NULL. */
struct gw_store_audit {
	uint64_t id; /* read only */
	int64_t at_ms;
	char *code, *rule, *detail;
	char *key, *project, *client, *request_id;
	char *to, *from, *line;
};
struct gw_store_audit *gw_store_audit_alloc(void);

/* What tells of people goes out of an ended call: who, and what was said about
 * them; that it was, when, and how it ended stays. err is ENOENT where there is
 * none that has ended. */
struct gw_store_erase {
	char call_id[GW_STORE_ID_SIZE];
	char at[32]; /* erased_at, as the API shows it */
};
struct gw_store_erase *gw_store_erase_alloc(void);

/* One webhook that came in, without its body. Own copies; or NULL. */
struct gw_store_delivery {
	uint64_t id; /* read only */
	int64_t at_ms, status;
	char *hook, *verdict, *detail, *sha256;
	char *calls; /* ids, comma separated */
	char *client, *request_id;
};
struct gw_store_delivery *gw_store_delivery_alloc(void);

/* All or nothing of it is written. Allocate with gw_store_job_alloc() and set
 * doneh; after doneh has returned the job is freed. */
struct gw_store_job {
	struct gw_store_call *call;    /* or NULL                            */
	struct gw_store_event *events; /* owned array; suffixes too          */
	size_t event_count;
	struct gw_store_idem *idem; /* or NULL; then call must be an insert, or
				     * idem has an answer                    */
	struct gw_store_dedupe *dedupe; /* or NULL; the same                 */
	struct gw_store_click *click;   /* or NULL; the same                 */
	struct gw_store_audit *audit;   /* or NULL                           */
	struct gw_store_erase *erase;   /* or NULL                           */
	struct gw_store_delivery *delivery; /* or NULL                       */
	char *key_used;             /* name of a key of the store        */
	struct gw_store_try *tries; /* owned array, or NULL              */
	size_t try_count;
	struct gw_store_endpoint *endpoint; /* or NULL                        */
	const char *meta; /* static name of a number to set    */
	int64_t meta_value;

	/* What must not get lost: when the disk refuses, the job stays in its
	 * place, in front of all later ones, and is tried again until it is
	 * written. Others come back at once with their error. */
	bool keep;

	void (*doneh)(struct gw_store_job *job, void *arg); /* loop thread; or
								NULL */
	void *arg;

	/* Results. */
	int err; /* 0: on disk, or the verdict says not new  */
	enum gw_idem_verdict
		verdict; /* anything but NEW: nothing was written    */
	char call_id[GW_STORE_ID_SIZE]; /* REPLAY, DUPLICATE: the first call's  */
	struct mbuf *response; /* REPLAY: its snapshot at that time, complete with
				* last_event_id: the body of the first 201       */
	uint64_t last_event_id; /* of the events written; 0: none               */

	struct { /* the store's own */
		struct gw_loop_note note;
		struct gw_store_job *next;
		uint64_t since_us;
		size_t bytes;
	} own;
};

/* event_count events are allocated, zeroed. NULL: no memory. */
struct gw_store_job *gw_store_job_alloc(size_t event_count);

/* Hands job over (the caller's reference with it, also on error). Returns 0,
 * ENOBUFS (too much is waiting), ESHUTDOWN; on error doneh isn't called and the
 * job is freed. */
int gw_store_push(struct gw_store *store, struct gw_store_job *job);

/* Reading ---------------------------------------------------------------- */

enum gw_store_what {
	GW_STORE_CALL,  /* one call: snapshot, ladder, dialog; ENOENT     */
	GW_STORE_CALLS, /* a list, newest first                           */
	GW_STORE_OPEN_CALLS, /* all that have not ended, oldest first: recovery */
	GW_STORE_EVENTS, /* events after after_id, in order of id          */
	GW_STORE_KEYS,   /* all keys, if version is not theirs             */
	GW_STORE_AUDIT,  /* refusals before upto_id, newest first          */
	GW_STORE_USAGE,  /* calls created since since_ms, oldest first     */
	GW_STORE_DELIVERIES, /* webhooks to hook before upto_id, newest first */
	GW_STORE_OUTBOX, /* deliveries of endpoint, with status, below upto_id; newest first */
	GW_STORE_DONE, /* the same that were over since since_ms, before until_ms; oldest first */
	GW_STORE_WAITING, /* deliveries after after_id that wait, oldest first */
	GW_STORE_ENDPOINTS, /* what is known of them                     */
};

/* A key that `bellpull key add` has made (server/store_keys.h). */
struct gw_store_key {
	char *name, *project, *scopes, *lines, *caller_ids;
	uint8_t hash[32];
	int64_t created_at_ms, expires_at_ms, used_at_ms; /* 0: none, never */
	bool disabled;
};

/* What limits count of a call. */
struct gw_store_usage {
	int64_t created_at_ms, seconds, cost;
	char *key, *project, *line, *from, *number, *client; /* or NULL */
};

struct gw_store_row {
	char id[GW_STORE_ID_SIZE];
	int64_t created_at_ms,
		ended_at_ms; /* ended 0: not ended              */
	int64_t seq;         /* of its newest event             */
	uint64_t last_event_id;
	char *line;            /* or NULL                                     */
	char *project;         /* or NULL                                     */
	char *click;           /* or NULL                                     */
	char *key;             /* or NULL                                     */
	struct mbuf *later;    /* OPEN_CALLS only; or NULL                    */
	char *callback;        /* or NULL                                     */
	struct mbuf *snapshot; /* complete: last_event_id is in it            */
	struct mbuf *ladder;   /* CALL only; or NULL                          */
	struct mbuf *dialog;   /* CALL and OPEN_CALLS; or NULL                */
};

/* Frees what it holds. */
void gw_store_row_reset(struct gw_store_row *row);

struct gw_store_read_event {
	uint64_t id;
	char call_id[GW_STORE_ID_SIZE];
	char type[40];
	char *project, *line; /* or NULL                                      */
	struct mbuf *json;    /* complete                                     */
};

struct gw_store_outgoing_row {
	uint64_t id;
	char type[40]; /* of the event, "": it is gone                  */
	char call_id[GW_STORE_ID_SIZE];
	char *endpoint, *url; /* url: or NULL                           */
	enum gw_delivery_status status;
	uint32_t attempts;
	int64_t created_at_ms, due_ms, done_at_ms; /* 0: none           */
	struct mbuf *tries; /* JSON array; OUTBOX only                */
};

/* Strings are own copies (mem_deref'd with the read). */
struct gw_store_read {
	enum gw_store_what what;
	char call_id[GW_STORE_ID_SIZE]; /* CALL; EVENTS, OUTBOX, DONE: of this call,
					 * "": all */

	char *status, *to, *from, *line; /* CALLS: equal to; NULL: any */

	/* CALLS: of this project; EVENTS: of its calls, or of no call. NULL: any.
	 * Such a read of EVENTS looks at no more than so many, for others' may be
	 * all there is for long: then upto_id comes down to where it has looked. */
	char *project;
	char *key; /* besides: placed by this one; NULL: any             */
	int64_t since_ms;              /* CALLS: created at or after; 0: any */
	char cursor[GW_STORE_ID_SIZE]; /* CALLS: ids below this one; "": newest */
	uint64_t after_id;             /* EVENTS: above this one             */
	uint64_t upto_id;              /* EVENTS: not above this one; 0: all */
	uint32_t limit;                /* CALLS, EVENTS: at most so many     */
	uint32_t max_bytes;            /* EVENTS: stop when reached; 0: any  */
	char *hook;          /* DELIVERIES: of this one                      */
	char *endpoint;      /* OUTBOX: of this one; NULL: any; DONE        */
	char *type;          /* OUTBOX, DONE: of such an event; NULL: any    */
	int delivery_status; /* OUTBOX: with this; -1: any; DONE             */
	int64_t until_ms;    /* DONE                                         */
	int64_t version; /* KEYS: what is known already; result: what is now */

	void (*doneh)(struct gw_store_read *rd, void *arg); /* loop thread */
	void *arg;

	/* Results. Taking something out is done by setting it to NULL. */
	int err; /* 0, ENOENT (CALL), EIO ... */
	struct gw_store_row *rows;
	size_t row_count;
	struct gw_store_read_event *events;
	size_t event_count;
	struct gw_store_key *keys;
	size_t key_count;
	struct gw_store_audit *audits;
	size_t audit_count;
	struct gw_store_usage *usages;
	size_t usage_count;
	struct gw_store_delivery *deliveries;
	size_t delivery_count;
	struct gw_store_outgoing_row *outgoing;
	size_t outgoing_count;
	struct gw_store_endpoint *endpoints;
	size_t endpoint_count;
	bool more; /* limit or max_bytes cut it short: go on from the last one */

	struct { /* the store's own */
		struct gw_loop_note note;
		struct gw_store_read *next;
	} own;
};

struct gw_store_read *gw_store_read_alloc(enum gw_store_what what);

/* Like gw_store_push(). To cancel, clear rd's meaning in arg: doneh comes. */
int gw_store_ask(struct gw_store *store, struct gw_store_read *rd);

/* Keeping -------------------------------------------------------------- */

/* Has calls that ended before before_ms removed, with their events and ladders,
 * in small slices between commits. It also happens by itself (keep_days). */
void gw_store_prune(struct gw_store *store, int64_t before_ms);

/* What commits cost: for metrics. */
enum { GW_STORE_BUCKETS = 12 };
struct gw_store_stats {
	uint64_t commits, jobs, events, failed_commits;
	uint64_t reads;
	uint32_t waiting; /* jobs in the queue */
	uint64_t waiting_bytes;
	uint64_t commit_us_sum;
	uint64_t commit_bucket
		[GW_STORE_BUCKETS]; /* the last one: above all bounds */
};
extern const uint32_t gw_store_commit_bounds_us[GW_STORE_BUCKETS - 1];
void gw_store_stats(struct gw_store *store, struct gw_store_stats *stats);

#endif
