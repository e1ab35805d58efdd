/* Events told to others by HTTP: Standard Webhooks, at least once, in order.
 *
 * An event and its deliveries are one commit (events.h); from there on a delivery
 * waits in the store until it was taken, or is dead after the last try, and kept.
 * What waits in memory is its number alone; bodies are kept as far as there is room
 * and read again where there is none. All on the loop thread. */
#ifndef BELLPULL_SERVER_WEBHOOK_H
#define BELLPULL_SERVER_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gw_config;
struct gw_events;
struct gw_key;
struct gw_store;
struct gw_webhooks;

/* Can every secret be read? Returns 0, EINVAL (pointer and why say what is wrong) or
 * ENOMEM. */
int gw_webhooks_config(const struct gw_config *cfg, char *pointer,
		       size_t pointer_size, char *why, size_t why_size);

/* Before the first event is told: from then on none goes without its deliveries.
 * Nothing is sent before gw_webhooks_start(). store and events must outlive it. */
int gw_webhooks_alloc(struct gw_webhooks **webhooksp,
		      const struct gw_config *cfg, struct gw_store *store,
		      struct gw_events *events);
/* Reads what a former process left, and begins. */
int gw_webhooks_start(struct gw_webhooks *webhooks);
/* Keys may have changed: they sign callbacks. */
void gw_webhooks_reload(struct gw_webhooks *webhooks,
			const struct gw_config *cfg);
/* Nothing is sent any more. What came back is pushed to the store: before
 * gw_store_close(). mem_deref() it after that. */
void gw_webhooks_stop(struct gw_webhooks *webhooks);

/* So many deliveries wait that new calls had better not come. webhooks may be
 * NULL. */
bool gw_webhooks_full(const struct gw_webhooks *webhooks);

/* A call's own callback ------------------------------------------------------ */

enum gw_webhook_moment {
	GW_WEBHOOK_INITIATED = 1 << 0,
	GW_WEBHOOK_RINGING = 1 << 1,
	GW_WEBHOOK_ANSWERED = 1 << 2,
	GW_WEBHOOK_COMPLETED = 1 << 3,
	GW_WEBHOOK_TWILIO = 1 << 4, /* beside them: told in Twilio's words */
};

/* May key have this URL told? NULL: yes; else why not. */
const char *gw_webhooks_refuse_callback(const struct gw_config *cfg,
					const struct gw_key *key,
					const char *url);
/* The text by which events know it (struct gw_news), as it is kept with the call.
 * Returns 0 or ENOMEM. */
int gw_webhooks_callback(char **callbackp, const struct gw_key *key,
			 const char *url, unsigned moments);

/* Looking, and trying --------------------------------------------------------- */

struct gw_config_endpoint;
struct gw_store_audit;

/* Its strings live until the loop's next turn. */
struct gw_webhook_view {
	const char *name, *url; /* url NULL: of calls' own callbacks */
	const struct gw_config_endpoint
		*cfg; /* the same                          */
	const char *secrets[8];
	size_t secret_count;
	const char *why;                          /* it is disabled, or NULL */
	int64_t disabled_at_ms, failing_since_ms; /* 0: it is not */
	uint32_t waiting, in_flight, failures;
	bool open; /* the circuit */
	uint64_t delivered, failed, dead;
};
/* The i-th endpoint: those of the configuration, then those that callbacks of calls
 * have. False: there is none. */
bool gw_webhooks_view(const struct gw_webhooks *webhooks, size_t i,
		      struct gw_webhook_view *view);
bool gw_webhooks_view_of(struct gw_webhooks *webhooks, const char *name,
			 struct gw_webhook_view *view);

/* Enables an endpoint (its circuit is closed, too), or disables it: what it would
 * have been told is dead from then on, and kept. h gets 0 when it is on disk. audit
 * is written with it, and taken over in any case, as below. Returns 0, ENOENT or an
 * error, then h isn't called. */
typedef void(gw_webhook_turned_h)(int err, void *arg);
int gw_webhooks_turn(struct gw_webhooks *webhooks, const char *name, bool on,
		     struct gw_store_audit *audit, gw_webhook_turned_h *h,
		     void *arg);

/* What a try gave. */
struct gw_webhook_result {
	uint16_t code; /* 0: none, see answer */
	uint32_t took_ms;
	const char *answer;
};
typedef void(gw_webhook_tested_h)(const struct gw_webhook_result *result,
				  void *arg);
/* webhook.ping to an endpoint, at once and once. One that is answered well enables an
 * endpoint that was disabled. Returns 0, ENOENT or ENOMEM; on 0 h is called. */
int gw_webhooks_test(struct gw_webhooks *webhooks, const char *name,
		     gw_webhook_tested_h *h, void *arg);

/* Once more, from the first try on. */
struct gw_webhook_replayed {
	int err; /* 0: on disk                                             */
	size_t count;
	bool more; /* the limit has left some out: ask again             */
};
typedef void(gw_webhook_replayed_h)(const struct gw_webhook_replayed *result,
				    void *arg);

/* One delivery. Errors, returned (then h isn't called) or told: ENOENT, there is no
 * such one; EALREADY, it waits as it is; ESHUTDOWN, its endpoint is disabled; EAGAIN,
 * what a former process left is still being read. */
int gw_webhooks_replay(struct gw_webhooks *webhooks, uint64_t id,
		       struct gw_store_audit *audit, gw_webhook_replayed_h *h,
		       void *arg);

/* All of an endpoint that were delivered, or are dead, since since_ms and before
 * until_ms: the oldest `limit` of them, in one commit. Errors as above, and ENOBUFS:
 * too many wait already. */
enum { GW_WEBHOOK_RANGE_MAX = 1000 };
struct gw_webhook_range {
	const char *endpoint;
	bool delivered;             /* else the dead                     */
	int64_t since_ms, until_ms; /* of their end; until 0: all        */
	const char *type, *call_id; /* of such an event alone; or NULL    */
	uint32_t limit;             /* 1 to GW_WEBHOOK_RANGE_MAX         */
};
int gw_webhooks_replay_range(struct gw_webhooks *webhooks,
			     const struct gw_webhook_range *range,
			     struct gw_store_audit *audit,
			     gw_webhook_replayed_h *h, void *arg);

/* A call has been erased, on disk: what is in memory of events is not sent any more,
 * but read again. */
void gw_webhooks_forget(struct gw_webhooks *webhooks);

struct gw_webhook_stats {
	uint32_t waiting, in_flight;
	uint64_t delivered, failed, dead;
};
void gw_webhooks_stats(const struct gw_webhooks *webhooks,
		       struct gw_webhook_stats *stats);

#endif
