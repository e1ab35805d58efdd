/* A call that will not be placed, and why: found out first, told later, for a
 * request with an Idempotency-Key may have been answered before. */
#ifndef BELLPULL_SERVER_REFUSAL_H
#define BELLPULL_SERVER_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

struct gw_http_req;
struct gw_store;

struct gw_refusal {
	unsigned status;     /* of HTTP; 0: it is none                  */
	const char *code;    /* stable word, static                     */
	const char *pointer; /* of the member, static; or NULL          */
	char rule[72];       /* of the policy, or its limit; ""         */
	char detail[288];    /* for people                              */
	uint32_t retry_s;    /* Retry-After; 0: none                    */
	const char *limit;   /* 429: its name, static or rule; or NULL  */
	uint64_t max;        /* so many ...                             */
	uint32_t window_s;   /* ... in so many seconds; 0: at once      */
	bool audited;        /* those who look after fraud want to know */
};

/* The words of the order, for the audit. NULL: there is none. */
struct gw_refusal_order {
	const char *to, *from, *line;
};

void gw_refuse(struct gw_refusal *refusal, unsigned status, const char *code,
	       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Answers req with it, and has it written to the audit. */
void gw_refusal_tell(struct gw_http_req *req, const struct gw_refusal *refusal,
		     const struct gw_refusal_order *order);

/* Only the audit of it, for who answers in a way of its own: key asked by req. */
struct gw_key;
void gw_refusal_audit(struct gw_http_req *req, const struct gw_key *key,
		      const struct gw_refusal *refusal,
		      const struct gw_refusal_order *order);

/* A refusal that no request waits for: a phone's REFER, a server's 302. */
void gw_refusal_note(const struct gw_key *key, const struct gw_refusal *refusal,
		     const struct gw_refusal_order *order);

/* What an operator did, as a row of the audit, which the job that does it writes with
 * it: its detail is the caller's to fill in. NULL: no memory. */
enum gw_audit_act {
	GW_AUDIT_REPLAYED, /* webhooks, once more */
	GW_AUDIT_ENABLED,  /* an endpoint         */
	GW_AUDIT_DISABLED,
};
struct gw_store_audit *gw_audit_act(struct gw_http_req *req,
				    enum gw_audit_act act);
/* Is this the code of an act, and not of a refusal? */
bool gw_audit_is_act(const char *code);

/* Where refusals are counted from now on (bellpull_call_rejected_total); NULL:
 * nowhere. */
struct gw_metrics;
void gw_refusal_count(struct gw_metrics *metrics);

/* Where audit rows go: up to 100 a second, more are counted in the log. */
void gw_audit_open(struct gw_store *store);
void gw_audit_close(void);
uint64_t gw_audit_count(void); /* refusals so far, written or not */

#endif
