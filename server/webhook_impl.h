/* What the files of webhooks share; nobody else includes it.
 *
 *   webhook.c        up and down, the outbox of an event
 *   webhook_endpoint.c by name, on and off
 *   webhook_deliver.c  from what is due to a request, and what comes of it
 *   webhook_twilio.c the same in Twilio's words
 *   webhook_look.c   what the API shows, tests, and turns on and off
 *   webhook_replay.c what is sent once more */
#ifndef BELLPULL_SERVER_WEBHOOK_IMPL_H
#define BELLPULL_SERVER_WEBHOOK_IMPL_H

#include <re.h>

#include "server/store.h"
#include "server/webhook.h"
#include "server/webhook_queue.h"
#include "server/webhook_send.h"

struct gw_event;

enum {
	GW_WEBHOOK_PARALLEL = 4, /* of one endpoint */
	GW_WEBHOOK_TOTAL = 256,
	GW_WEBHOOK_BODIES = 16 << 20, /* bytes of events that are kept */
	GW_WEBHOOK_TRIES = 64,        /* results of one job */
	GW_WEBHOOK_ENDPOINT_SIZE = 384,
};

struct gw_webhook_endpoint {
	struct le le;
	struct gw_webhooks *webhooks;
	char *name;
	const struct gw_config_endpoint *cfg; /* NULL: a key's callbacks */
	struct gw_webhook_queue *queue;
	char *why; /* it is disabled; or NULL */
	int64_t disabled_at_ms, failing_since_ms;
	uint64_t delivered, failed, dead;
};

struct gw_webhooks {
	struct gw_config
		*cfg; /* the newest; its endpoints are those of the start */
	struct gw_store *store;
	struct gw_events *events;
	struct gw_webhook_sender *sender;
	struct list endpoints; /* those of the configuration first */
	struct tmr pump, flush;
	struct gw_store_job *tries; /* results that wait for company */
	size_t bodies;              /* bytes of events in memory */
	uint32_t erasures; /* calls erased: what was read before is read again */
	uint32_t waiting, in_flight;
	bool loaded, stopped, lost;
	uint64_t loaded_id, known_id; /* deliveries read, and heard of */
	struct gw_webhook_stats stats;
};

/* How the names of callbacks begin; then KEY:HOST. */
#define GW_WEBHOOK_CALLBACK        "callback:"
#define GW_WEBHOOK_TWILIO_CALLBACK "twilio:"

/* webhook_endpoint.c: a new one, the list's; cfg NULL: of callbacks. Returns 0 or
 * ENOMEM. */
int gw_webhook_endpoint(struct gw_webhook_endpoint **epp, struct gw_webhooks *w,
			const char *name, const struct gw_config_endpoint *cfg);
/* NULL: there is none; find() makes one of a call's callback. */
struct gw_webhook_endpoint *gw_webhook_known(const struct gw_webhooks *w,
					     const char *name);
struct gw_webhook_endpoint *gw_webhook_find(struct gw_webhooks *w,
					    const char *name);
/* Is it the name of one of those? */
bool gw_webhook_is_callback(const char *name);
/* Callbacks in Twilio's words; those of calls that no key placed. */
bool gw_webhook_is_twilio(const struct gw_webhook_endpoint *ep);
bool gw_webhook_is_keyless(const struct gw_webhook_endpoint *ep);
/* The secrets of an endpoint, or of the key whose callbacks it is. */
size_t gw_webhook_secrets(const struct gw_webhook_endpoint *ep,
			  const char *secrets[8]);
/* Tells the next process how it is doing. */
void gw_webhook_save(const struct gw_webhook_endpoint *ep);
void gw_webhook_disable(struct gw_webhook_endpoint *ep, const char *why);
void gw_webhook_enable(struct gw_webhook_endpoint *ep);
/* By an operator: it is so from now on; the job, not pushed yet, says so to the next
 * process. ENOMEM: it may be as it was. */
int gw_webhook_turn(struct gw_store_job **jobp, struct gw_webhook_endpoint *ep,
		    bool on);

/* webhook.c: one more that waits. event: or NULL, it is read when it is due. */
int gw_webhook_add(struct gw_webhooks *w,
		   const struct gw_store_outgoing_row *row, void *event);

/* webhook_deliver.c */
void gw_webhook_pump(struct gw_webhooks *w);
void gw_webhook_flush(struct gw_webhooks *w);
/* Headers of a request to ep; text is the id. Returns 0 or an error. */
int gw_webhook_headers(struct gw_webhook_request *req,
		       const struct gw_webhook_endpoint *ep, const char *id);

/* webhook_twilio.c: body or URL, and headers, of a request that tells ev to ep in
 * Twilio's words. Returns 0 or an error. */
int gw_webhook_twilio(struct gw_webhook_request *req,
		      const struct gw_webhook_endpoint *ep,
		      const struct gw_event *ev, const char *id);

#endif
