/* Webhooks of CRMs that place calls: the hooks of the configuration, and one webhook
 * on its way from its bytes to the calls it makes.
 *
 *   bytes -> who (crm_profile) -> tree (crm_tree) -> orders (crm_map) -> calls
 *
 * The calls go the way of POST /calls (placing.h, registry.h), in the name of the
 * hook's own key. What came once makes no second call: each call is kept with the
 * webhook's identity in one commit, and so is that there was none to be made.
 * Loop thread. */
#ifndef BELLPULL_SERVER_CRM_H
#define BELLPULL_SERVER_CRM_H

#include <stdbool.h>
#include <stddef.h>

#include "server/crm_profile.h"
#include "server/refusal.h"
#include "server/store.h"

struct gw_config;
struct gw_http_req;
struct gw_json;
struct gw_json_doc;
struct gw_key;
struct gw_writer;

struct gw_crm_hook {
	struct gw_crm_hooks
		*set; /* all of one configuration: hold it to keep this */
	const struct gw_config_hook *cfg;
	const struct gw_crm_profile *profile;
	const char *each, *dedupe; /* of the hook or its profile; or NULL */
	struct gw_key *key;
};

/* Can every public key be read? Returns 0, or EINVAL: pointer and why say what is
 * wrong. */
int gw_crm_config(const struct gw_config *cfg, char *pointer,
		  size_t pointer_size, char *why, size_t why_size);

/* The hooks of cfg, which they keep a reference to. Refcounted. Returns 0 or
 * ENOMEM. */
struct gw_crm_hooks;
int gw_crm_prepare(struct gw_crm_hooks **hooksp, const struct gw_config *cfg);

/* They count from now on; taken over. NULL: there are none any more. Webhooks on
 * their way go on by those before. */
void gw_crm_take(struct gw_crm_hooks *hooks);

const struct gw_crm_hook *gw_crm_find(const char *name); /* or NULL */
const struct gw_crm_hook *gw_crm_at(size_t i);           /* or NULL: the end */

/* What became of one call. */
enum gw_crm_outcome {
	GW_CRM_PENDING,
	GW_CRM_PLACED,
	GW_CRM_SKIPPED, /* a condition didn't hold: no call */
	GW_CRM_REFUSED, /* for good                         */
	GW_CRM_LATER,   /* not now: it may come again       */
};

struct gw_crm_result {
	struct gw_crm_delivery *delivery;
	const struct gw_json *value; /* in its tree */
	enum gw_crm_outcome outcome;
	bool replayed; /* it was decided before */
	char call_id[GW_STORE_ID_SIZE];
	char key[GW_CRM_ID_MAX + 32]; /* by which it is known again  */
	uint32_t remember_s;
	uint8_t sha256[32]; /* of key */
	struct gw_refusal refusal;
	char pointer[128]; /* of what is missing; "" */
	struct gw_json_doc *order;
	struct gw_refusal_order words; /* of order */
};

struct gw_crm_delivery {
	const struct gw_crm_hook *hook; /* its set is held */
	struct gw_http_req *req;
	struct gw_json_doc *tree;
	struct gw_crm_identity identity;
	struct gw_crm_result *results;
	size_t count, pending;
	void (*doneh)(struct gw_crm_delivery *d);
};

/* Room for what tree asks for. On error faults or refusal say why. tree is taken
 * over when it returns 0; else EINVAL (refusal) or ENOMEM. */
int gw_crm_delivery_alloc(struct gw_crm_delivery **dp,
			  const struct gw_crm_hook *hook,
			  struct gw_http_req *req, struct gw_json_doc *tree,
			  struct gw_refusal *refusal);

/* Places the calls. doneh is called once, with every result decided and on disk,
 * perhaps before this returns; d is its to free. */
void gw_crm_deliver(struct gw_crm_delivery *d,
		    void (*doneh)(struct gw_crm_delivery *d));

/* Writes one object for each call that would be placed, and places none. */
void gw_crm_write_test(struct gw_writer *w, struct gw_crm_delivery *d);

#endif
