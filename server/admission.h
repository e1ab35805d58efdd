/* Whether there is room for another call: asked before any work, so that what
 * runs is kept and what can't be done is refused at once. */
#ifndef BELLPULL_SERVER_ADMISSION_H
#define BELLPULL_SERVER_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

struct gw_admission;
struct gw_config;
struct gw_key;
struct gw_store;

/* cfg and store must outlive it. mem_deref() frees. Returns 0 or ENOMEM. */
int gw_admission_alloc(struct gw_admission **admissionp,
		       const struct gw_config *cfg, struct gw_store *store);

/* Other limits. cfg must live until the next ones. */
void gw_admission_reload(struct gw_admission *admission,
			 const struct gw_config *cfg);

/* Calls at the same time: limits.calls, and no more than there are RTP ports. */
uint32_t gw_admission_limit(const struct gw_config *cfg);

/* Has media.ports a pair for each of legs and of so many more? */
bool gw_admission_has_ports(const struct gw_config *cfg, uint32_t legs,
			    uint32_t more);

/* How things stand with the calls. */
struct gw_admission_load {
	uint32_t living;  /* calls */
	uint32_t legs;    /* of them */
	uint32_t pending; /* of them: not on disk yet */
	bool draining;
	bool outbox_full; /* too many webhooks wait */
};

/* Returns 0, or why not: ESHUTDOWN (draining), ENOSPC (the store can't write,
 * or too much waits in it),
 * EBUSY (limits.calls, open files), EAGAIN (the loop or the disk is behind), EUSERS (this key
 * asks too often); *retry_s gets the seconds after which to come again. */
int gw_admission_check(struct gw_admission *admission, const struct gw_key *key,
		       const struct gw_admission_load *load, uint32_t *retry_s);

#endif
