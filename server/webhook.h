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

struct gw_webhook_view {
	const char *name, *url;
	const struct gw_config *cfg;
	size_t place;                             /* in webhooks.endpoints */
	const char *why;                          /* it is disabled, or NULL */
	int64_t disabled_at_ms, failing_since_ms; /* 0: it is not */
	uint32_t waiting, in_flight, failures;
	bool open; /* the circuit */
	uint64_t delivered, failed, dead;
};
/* The i-th endpoint of the configuration. False: there is none. */
bool gw_webhooks_view(const struct gw_webhooks *webhooks, size_t i,
		      struct gw_webhook_view *view);

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

/* Once more from the beginning: h gets 0 when it is on disk; ENOENT: there is no
 * such delivery; EALREADY: it waits as it is. Returns 0 or an error, then h isn't
 * called. */
typedef void(gw_webhook_replayed_h)(int err, void *arg);
int gw_webhooks_replay(struct gw_webhooks *webhooks, uint64_t id,
		       gw_webhook_replayed_h *h, void *arg);

struct gw_webhook_stats {
	uint32_t waiting, in_flight;
	uint64_t delivered, failed, dead;
};
void gw_webhooks_stats(const struct gw_webhooks *webhooks,
		       struct gw_webhook_stats *stats);

#endif
