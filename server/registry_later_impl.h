/* What the files of calls for later share; nobody else includes it.
 *
 *   registry_later.c    waiting, and beginning when their time has come
 *   registry_again.c    the next attempt of a plan (retry)
 *   registry_restore.c  after a restart */
#ifndef BELLPULL_SERVER_REGISTRY_LATER_IMPL_H
#define BELLPULL_SERVER_REGISTRY_LATER_IMPL_H

#include "server/placing.h"
#include "server/registry_impl.h"

struct gw_later {
	struct gw_schedule schedule;
	int64_t due_ms;    /* 0: it began at once                          */
	int64_t try_ms;    /* not before: the last try found no room       */
	bool begins;       /* "begun" is on its way to the disk            */
	struct mbuf *body; /* the order, as JSON                          */
	bool from_form;
	char *client;
	uint32_t attempt;
	uint32_t tried[GW_RETRY_COUNT];
	char first[GW_STORE_ID_SIZE]; /* of the plan; "": this one         */
	char next[GW_STORE_ID_SIZE];
	int64_t next_ms;
	struct tmr expiry; /* begun, and looking for its line             */
	struct gw_later_share *share; /* of its key; NULL: it has none    */
	struct gw_registry_entry *e;
};

/* One order out of its text: p borrows from doc, which is the caller's to free. */
struct gw_later_order {
	struct gw_json_doc *doc;
	struct gw_placing p;
};

/* registry_later.c: reads an order again that was kept. Returns 0, EINVAL (p.faults
 * say why) or ENOMEM. */
int gw_later_read(struct gw_later_order *order, const struct mbuf *body,
		  bool from_form, const struct gw_key *key, const char *client);

#endif
