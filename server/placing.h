/* An order held against lines, sounds, caller ids and the policy, before anything
 * is stored or dialled: who would ring, through which line, and whether they may.
 * It answers the request where the order can't be carried out. */
#ifndef BELLPULL_SERVER_PLACING_H
#define BELLPULL_SERVER_PLACING_H

#include <stdbool.h>

#include "server/json.h"
#include "server/policy.h"
#include "sip/address.h"

struct gw_config;
struct gw_http_req;
struct gw_json;
struct gw_key;
struct gw_line;
struct gw_placement;
struct gw_quota_call;
struct gw_refusal;
struct gw_writer;

/* One of the people. */
struct gw_placing_party {
	const char *given; /* as the order has it; NULL: there is none */
	bool is_browser; /* nobody is dialled, nothing to be refused or counted */
	struct gw_line *line;
	struct gw_address addr;
	struct gw_policy_verdict verdict;
};

struct gw_placing {
	struct gw_order_request order; /* borrows from the request */
	struct gw_faults faults;
	struct gw_placing_party to, from;
	const struct gw_key *key;
	const char *client;
	const struct gw_json *body;
	bool from_form;
	bool takes_browser;
	int64_t due_ms; /* it begins at this wall clock time; 0: at once */
};

/* An order that somebody has sent: the body of POST /calls, or what a hook made of a
 * webhook. Borrowed as long as placing. */
struct gw_placing_source {
	const struct gw_config *cfg;
	const struct gw_json *body;
	bool from_form; /* "30" is 30 */
	const struct gw_key *key;
	const char *client;
	bool takes_browser; /* it gets the answer to an offer */
};

/* Whether a new call would be taken now at all. False: refusal says why not. */
bool gw_placing_admit(const struct gw_config *cfg, const struct gw_key *key,
		      struct gw_refusal *refusal);

/* Checks the whole of it. False: placing->faults says what is wrong. */
bool gw_placing_check(struct gw_placing *placing,
		      const struct gw_placing_source *source);

/* The same of the request's body. False: the request was answered. */
bool gw_placing_read(struct gw_placing *placing, struct gw_http_req *req);

/* The same for an order out of the store, as it was asked for with that key (its
 * time is no matter any more). False: faults says why it can't be carried out. */
struct gw_placing_again {
	const struct gw_json *body;
	bool from_form;
	const struct gw_config *cfg;
	const struct gw_key *key;
	const char *client;
};
bool gw_placing_read_again(struct gw_placing *placing,
			   const struct gw_placing_again *again);

/* Whether the policy, the limits and the lines let it be placed; the time limit is
 * cut to what they allow. False: refusal says why not (the request is not answered).
 */
bool gw_placing_judge(struct gw_placing *placing, struct gw_refusal *refusal);

/* The order, as limits count it. Strings live as long as placing. */
void gw_placing_quota(const struct gw_placing *placing,
		      struct gw_quota_call *call);

/* What gw_registry_place() is to be told; the rest of placement is the caller's.
 * counted has to live until then. */
void gw_placing_placement(const struct gw_placing *placing,
			  struct gw_placement *placement,
			  struct gw_quota_call *counted);

/* ?dry_run=1: what would happen, as an object or a member of one. */
void gw_placing_write_dry_run(struct gw_writer *w, const char *name,
			      const struct gw_placing *placing);
void gw_placing_reply_dry_run(const struct gw_placing *placing,
			      struct gw_http_req *req);

/* 400 or 422 with errors[]: nothing happened. */
void gw_placing_refuse(struct gw_http_req *req, const struct gw_faults *faults);

/* An address through the line's rules, and what the policy says to key. False: it
 * can't be dialled, *whyp says why. */
bool gw_placing_resolve(struct gw_address *addr,
			struct gw_policy_verdict *verdict, const char *text,
			struct gw_line *line, const struct gw_key *key,
			const char **whyp);

#endif
