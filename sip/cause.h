/* Why a call or a leg ended: from what SIP, the network or we ourselves did to
 * status, cause and Q.850 (the outcome table in docs/outcomes.md). Pure. */
#ifndef BELLPULL_SIP_CAUSE_H
#define BELLPULL_SIP_CAUSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The API's `status`: Twilio's eight words, never going back. */
enum gw_status {
	GW_STATUS_QUEUED,
	GW_STATUS_RINGING,
	GW_STATUS_IN_PROGRESS,
	GW_STATUS_COMPLETED, /* this and all that follow are final */
	GW_STATUS_BUSY,
	GW_STATUS_FAILED,
	GW_STATUS_NO_ANSWER,
	GW_STATUS_CANCELED,
};

/* The API's `cause`: a closed list. */
enum gw_cause {
	GW_CAUSE_NONE, /* not ended */
	GW_CAUSE_NORMAL_CLEARING,
	GW_CAUSE_TIME_LIMIT,
	GW_CAUSE_MEDIA_TIMEOUT,
	GW_CAUSE_REDIRECTED,
	GW_CAUSE_PROTOCOL_ERROR,
	GW_CAUSE_PAYMENT_REQUIRED,
	GW_CAUSE_AUTH_FAILED,
	GW_CAUSE_NOT_ALLOWED,
	GW_CAUSE_NOT_FOUND,
	GW_CAUSE_UNAVAILABLE,
	GW_CAUSE_NO_ANSWER,
	GW_CAUSE_TRANSPORT_TIMEOUT,
	GW_CAUSE_RING_TIMEOUT,
	GW_CAUSE_CANCELED_BY_API,
	GW_CAUSE_CANCELED_BY_FIRST_LEG,
	GW_CAUSE_NUMBER_CHANGED,
	GW_CAUSE_INVALID_NUMBER,
	GW_CAUSE_BUSY,
	GW_CAUSE_NO_COMMON_CODEC,
	GW_CAUSE_ROUTE_UNAVAILABLE,
	GW_CAUSE_CONGESTION,
	GW_CAUSE_REJECTED,
	GW_CAUSE_DNS_ERROR,
	GW_CAUSE_NETWORK_ERROR,
	GW_CAUSE_TLS_ERROR,
	GW_CAUSE_LINE_NOT_REGISTERED,
	GW_CAUSE_SETUP_DEADLINE,
	GW_CAUSE_CONFIRM_FAILED,
	GW_CAUSE_SERVER_SHUTDOWN,
	GW_CAUSE_SERVER_RESTART,
	GW_CAUSE_NODE_LOST,
	GW_CAUSE_CAPACITY,
	GW_CAUSE_ICE_FAILED,
	GW_CAUSE_EXPIRED,
	GW_CAUSE_TRANSFERRED,
	GW_CAUSE_POLICY_DENIED,
	GW_CAUSE_INTERNAL_ERROR,
	GW_CAUSE_COUNT
};

struct gw_outcome {
	enum gw_status status;
	enum gw_cause cause;
	uint16_t q850; /* 0: none */
};

/* What is known when a leg ends. Precedence: our own intent, then a Reason
 * header (RFC 3326), then the SIP code, then the transport's error. */
struct gw_end {
	enum gw_cause intent;      /* ours, or GW_CAUSE_NONE               */
	bool answered;             /* a 2xx had come and been ACKed        */
	bool ringing;              /* a 18x had come                       */
	bool provisional;          /* any 1xx had come                     */
	uint16_t sip_code;         /* last code received; 0: none          */
	const char *reason_header; /* value of Reason as received; NULL */
	bool retry_after;          /* the response carried Retry-After     */
	int err;                   /* of the transport; 0. ETIMEDOUT: Timer B,
				 * EDESTADDRREQ: DNS, EPROTO: TLS          */
	bool decline_failed;       /* setting decline_status: 603 is failed */
};

/* What a Reason header (RFC 3326) says, 0 where it says nothing. */
struct gw_reason {
	uint16_t q850; /* 1 to 127, of the first Q.850 value */
	uint16_t sip;  /* 300 to 699, of the first SIP value */
};

/* Reads `Q.850;cause=16;text="..", SIP;cause=486`: several values, any order,
 * other protocols skipped. value may be NULL or hostile. */
struct gw_reason gw_cause_reason(const char *value);

/* Never fails: what the table does not name falls to its class.
 *
 * An answered leg stays completed whatever a Reason on its BYE says; the Reason
 * then gives q850 alone. Before an answer the Reason decides, unless its Q.850
 * value is the one that the SIP code stands for anyway: then the code knows
 * more (403 and 603 are both 21). 16 and 31, "normal", explain no failure. */
struct gw_outcome gw_cause_outcome(const struct gw_end *end);

const char *gw_status_name(enum gw_status status); /* "in-progress" */
const char *
gw_cause_name(enum gw_cause cause); /* "ring_timeout"; NULL for NONE */
bool gw_status_final(enum gw_status status);
/* Name to value, for reading the store back: false when unknown. */
bool gw_status_parse(enum gw_status *statusp, const char *name);

#endif
