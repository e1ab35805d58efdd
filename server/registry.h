/* The living calls by id: takes orders, has them stored before anything is
 * sent, and tells each step of a call into the journal.
 *
 * A call is in here from its order until a second after its call.ended is on
 * disk; what ended before is read from the store. All on the loop thread. */
#ifndef BELLPULL_SERVER_REGISTRY_H
#define BELLPULL_SERVER_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/json.h"
#include "server/quota.h"

struct gw_browser;
struct gw_config;
struct gw_json;
struct gw_key;
struct gw_events;
struct gw_media;
struct gw_registry_wait;
struct gw_store;
struct mbuf;

int gw_registry_open(const struct gw_config *cfg, struct gw_store *store,
		     struct gw_events *events, struct gw_media *media);
void gw_registry_close(void);

/* Another configuration, for calls to come. cfg must live until the next one. */
void gw_registry_reload(const struct gw_config *cfg);

/* Where ended and refused calls are counted from now on; NULL: nowhere. */
struct gw_metrics;
void gw_registry_count(struct gw_metrics *metrics);
/* Whose waiting deliveries refuse new calls when there are too many; NULL: nobody's. */
struct gw_webhooks;
void gw_registry_webhooks(struct gw_webhooks *webhooks);

/* Is there room for another call? Asked before any work. Returns 0 or the reason
 * why not: EBUSY (too many calls at a time), EAGAIN (the loop or the disk is
 * behind), ESHUTDOWN (draining), ENOSPC (the store can't write), EUSERS (this
 * key asks too often), EPERM (frozen). *retry_s gets the seconds after which to come again. */
int gw_registry_admit(const struct gw_key *key, uint32_t *retry_s);

/* Are there RTP ports for so many legs more? */
bool gw_registry_has_ports(uint32_t legs);

/* The kill switch: no new calls, transfers and redirections, until it is taken
 * back; it outlives a restart. h is called once it is on disk (err 0) or could not
 * be written: then it holds for this process alone. */
typedef void(gw_registry_frozen_h)(int err, void *arg);
int gw_registry_freeze(bool frozen, gw_registry_frozen_h *h, void *arg);
bool gw_registry_is_frozen(void);
void gw_registry_hangup_all(void); /* as DELETE of each would */

/* policy.limits: would this call fit, and what is left (quota.h). */
struct gw_quota_verdict gw_registry_quota(const struct gw_quota_call *call);
void gw_registry_quota_explain(const struct gw_quota_call *call,
			       gw_quota_left_h *h, void *arg);
/* Counts the calls of the day again, from the store: once, before orders come. */
int gw_registry_recount(void (*doneh)(int err, void *arg), void *arg);

/* A third one who would be rung in the course of the call id: refusal says why not.
 * When it doesn't, limits have counted it, and charge the call accordingly. */
struct gw_address;
struct gw_policy_verdict;
struct gw_refusal;
void gw_registry_judge_target(struct gw_refusal *refusal, const char *id,
			      const struct gw_key *key, const char *line,
			      const struct gw_address *addr,
			      const struct gw_policy_verdict *verdict);

/* An order whose every part was looked at. Strings are copied. */
struct gw_placement {
	const struct gw_order_request *order;
	const char *uri;    /* what is dialled, normalised */
	const char *number; /* what from is shown of to; NULL: as uri has it */
	struct gw_line *line;
	const char *from_uri; /* NULL: one leg */
	struct gw_line *from_line;
	struct gw_browser *browser; /* who browser_role is; or NULL */
	enum gw_role browser_role;
	const struct gw_key *key;    /* or NULL */
	const char *idempotency_key; /* or NULL */
	const uint8_t *body_sha256;  /* 32 bytes; with idempotency_key */
	bool joins; /* one with this key that is under way: its answer, too,
		     * instead of EINPROGRESS */
	uint32_t remember_s; /* the key; 0: limits.idempotency_hours */
	const char *client;  /* numeric address of who asks */
	uint32_t dedupe_s;   /* 0: a call like the last one is a new call */
	const struct gw_quota_call *counted; /* as limits see it */
	const struct gw_json *body; /* what was asked for, for later ... */
	bool from_form;             /* ... and how it was written        */
	int64_t due_ms;             /* when it begins; 0: at once        */
	uint32_t attempt;      /* of a plan to call again; 0: the first one   */
	const uint32_t *tried; /* GW_RETRY_COUNT attempts by how they ended   */
	const char *first;     /* id of the plan's first call                 */
};

enum gw_placed_verdict {
	GW_PLACED,          /* on disk: 201 */
	GW_PLACED_REPLAY,   /* the first answer again */
	GW_PLACED_MISMATCH, /* the key was used with another body */
	GW_PLACED_DUPLICATE, /* dedupe_s: a call like this one was placed, see id */
	GW_PLACED_SPENT,     /* the click token has no calls left */
	GW_PLACED_UNKNOWN, /* recall: the key is new */
	GW_PLACED_FAILED, /* err says why: nothing was stored, nothing will ring */
};
struct gw_order_placed {
	enum gw_placed_verdict verdict;
	int err;
	const char *id;    /* of the call */
	struct mbuf *body; /* the call as JSON; refer to it to keep it */
};
typedef void(gw_order_placed_h)(const struct gw_order_placed *placed,
				void *arg);

/* h is called exactly once, later. Returns 0, EINPROGRESS (a request with this
 * idempotency key is under way) or an error, and then h is not called. */
int gw_registry_place(const struct gw_placement *placement,
		      gw_order_placed_h *h, void *arg);

/* The port for a browser's offer, where calls through line have theirs: for
 * gw_registry_place(). loopback: who asks is on this machine. As gw_browser_alloc()
 * otherwise. */
int gw_registry_open_browser(struct gw_browser **browserp,
			     const struct gw_line *line, const char *sdp,
			     bool loopback, void (*readyh)(int err, void *arg),
			     void *arg);
/* The SDP that answers the browser of the call id; NULL: it has none, or has
 * ended. */
const char *gw_registry_browser_answer(const char *id);

/* What was answered to this idempotency key before: for requests that would be
 * refused if they were new. h gets REPLAY, MISMATCH, UNKNOWN or FAILED. */
int gw_registry_recall(const struct gw_key *key, const char *idempotency_key,
		       const uint8_t body_sha256[32], gw_order_placed_h *h,
		       void *arg);

/* Keeps answer (JSON) for this key, without a call: h gets PLACED (now it is kept;
 * id and body are NULL), REPLAY (id "": it was kept before; else there is a call) or
 * FAILED. */
int gw_registry_remember(const struct gw_key *key, const char *idempotency_key,
			 const uint8_t body_sha256[32], const char *answer,
			 uint32_t remember_s, gw_order_placed_h *h, void *arg);

/* Calls for later (registry_later.c). They are on disk, and wait in here without
 * counting as living. When a call's time comes its order is read, and the policy
 * and the limits are asked, anew. */
/* 0; ENOBUFS: limits.calls_later is reached, EUSERS: key's part of it, *maxp. */
int gw_registry_may_wait(const struct gw_key *key, uint32_t *maxp);
/* Whose calls may begin: *keyp (the handler's) is the key of that name as it is now,
 * or NULL when no key is needed. name NULL: it was placed when none was. False: no
 * more. */
typedef bool(gw_registry_key_h)(const struct gw_key **keyp, const char *name,
				void *arg);
void gw_registry_keys(gw_registry_key_h *h, void *arg);
/* A waiting call of an earlier process, with its columns. Returns 0, ECANCELED
 * (its time is over, *causep says how) or an error. */
struct gw_store_row;
int gw_registry_restore(const struct gw_store_row *row, int *causep);

/* A living call as JSON. Returns 0, ENOENT (not living, or not this key's) or
 * ENOMEM. */
int gw_registry_print(struct mbuf *mb, const char *id,
		      const struct gw_key *key);
/* Its quality is measured: whoever looks next sees it. */
void gw_registry_measure(const char *id, const struct gw_key *key);
int gw_registry_print_ladder(struct mbuf *mb, const char *id,
			     const struct gw_key *key);
/* All living calls of the key as a JSON array, oldest first, at most 1000. */
int gw_registry_print_all(struct mbuf *mb, const struct gw_key *key);

/* Returns 0, ENOENT (not living, nor is anything left of its plan). *waitedp is the
 * id of a call that waited for its time, for the next turn, or NULL: until its end
 * is on disk the next process would still begin it. */
int gw_registry_hangup(const char *id, const struct gw_key *key,
		       const char **waitedp);

/* A command to a call that is up. sound: of play; target and line: of transfer,
 * who is dialled and through which one. Returns 0, ENOENT (not living) or what
 * gw_call_dtmf() and its like say (sip/call.h). */
struct gw_registry_order {
	const struct gw_command *command;
	const struct gw_sound *sound;
	const char *target;
	struct gw_line *line;
};
int gw_registry_command(const char *id, const struct gw_key *key,
			const struct gw_registry_order *order);

/* The line of the leg that a transfer would replace, while role stays. NULL: not
 * living. */
struct gw_line *gw_registry_replaced_line(const char *id,
					  const struct gw_key *key, int role);

/* "bridged": the state of a living call; NULL: not living. Static. */
const char *gw_registry_state(const char *id, const struct gw_key *key);

/* What is left of an ended call in memory goes to the store. EBUSY: it lives, or its
 * recording is still being written. */
int gw_registry_let_go(const char *id);

/* Tells when the call has been answered (or has ended), or has ended, and that is
 * on disk. deref to stop waiting. Returns 0, EALREADY (it is so already), ENOENT. */
enum gw_wait_for { GW_WAIT_ANSWERED, GW_WAIT_ENDED };
typedef void(gw_registry_wait_h)(void *arg);
int gw_registry_wait(struct gw_registry_wait **waitp, const char *id,
		     const struct gw_key *key, enum gw_wait_for what,
		     gw_registry_wait_h *h, void *arg);

/* No new calls; what runs may finish, then emptyh is called. After gw_registry_end_all()
 * nothing waits any more. */
void gw_registry_drain(void (*emptyh)(void *arg), void *arg);
void gw_registry_end_all(void);
/* Stores the ladders of calls that have just ended: before the store closes. */
void gw_registry_flush(void);

struct gw_registry_stats {
	uint32_t living, in_progress, limit;
	uint32_t later; /* waiting for their time, not among the living */
	uint64_t placed, refused;
};
void gw_registry_stats(struct gw_registry_stats *stats);

#endif
