/* An order held against lines, sounds, caller ids and the policy, before anything
 * is stored or dialled: who would ring, through which line, and whether they may.
 * It answers the request where the order can't be carried out. */
#ifndef BELLPULL_SERVER_PLACING_H
#define BELLPULL_SERVER_PLACING_H

#include <stdbool.h>

#include "server/json.h"
#include "server/policy.h"
#include "sip/address.h"

struct gw_http_req;
struct gw_key;
struct gw_line;
struct gw_quota_call;
struct gw_refusal;

/* One of the people. */
struct gw_placing_party {
	const char *given; /* as the order has it; NULL: there is none */
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
};

/* Reads the body and checks the whole of it. False: the request was answered. */
bool gw_placing_read(struct gw_placing *placing, struct gw_http_req *req);

/* Whether the policy, the limits and the lines let it be placed; the time limit is
 * cut to what they allow. False: refusal says why not (the request is not answered).
 */
bool gw_placing_judge(struct gw_placing *placing, struct gw_refusal *refusal);

/* The order, as limits count it. Strings live as long as placing. */
void gw_placing_quota(const struct gw_placing *placing,
		      struct gw_quota_call *call);

/* ?dry_run=1: what would happen. */
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
