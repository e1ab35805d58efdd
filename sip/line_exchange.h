/* One question to the registrar with everything it takes to get a final answer.
 * Only for sip/line_*.c. */
#ifndef BELLPULL_SIP_LINE_EXCHANGE_H
#define BELLPULL_SIP_LINE_EXCHANGE_H

#include "sip/line_impl.h"

enum gw_line_ask {
	GW_LINE_ASK_BIND,   /* bind our Contact, or keep it bound */
	GW_LINE_ASK_UNBIND, /* take our own Contact away, no other one */
	GW_LINE_ASK_QUERY,  /* no Contact: who are you, and do you know me? */
};

/* How it ended. Strings and msg live as long as the handler runs. */
struct gw_line_answer {
	int err;            /* no final answer: why not; 0: see code */
	uint16_t code;      /* 0: none */
	const char *reason; /* its phrase, or err in words */
	uint32_t granted_s; /* 2xx to BIND; 0: not bound */
	uint32_t min_expires_s;
	uint32_t retry_after_s;
	uint32_t shown;                /* requests that carried credentials */
	uint32_t took_ms;              /* the last request and its answer */
	const char *server, *contacts; /* "" where not said */
	struct sip *sip;               /* it went through this; NULL: no way */
	const struct sip_msg *msg;     /* NULL without code */
};
typedef void(gw_line_answer_h)(const struct gw_line_answer *answer, void *arg);

/* Asks. h is called once, from a later turn; *xp is NULL by then. Deref *xp to
 * forget about it. Returns 0, EINVAL or ENOMEM. */
struct gw_line_exchange;
int gw_line_exchange(struct gw_line_exchange **xp, struct gw_line *line,
		     enum gw_line_ask ask, gw_line_answer_h *h, void *arg);

#endif
