/* One SIP identity: registration, credentials, proxies; and its facts for
 * people (docs: lines). A draft of the interface; its owner is free to grow it. */
#ifndef BELLPULL_SIP_LINE_H
#define BELLPULL_SIP_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/address.h"
#include "sip/stack.h"

struct list;
struct gw_line;

enum gw_line_state {
	GW_LINE_UNREGISTERED, /* also: register is off */
	GW_LINE_REGISTERING, /* for the first time, or after a lost connection */
	GW_LINE_REGISTERED,
	GW_LINE_FAILED, /* also while it tries again */
	GW_LINE_UNREGISTERING,
};
const char *gw_line_state_name(enum gw_line_state state);

/* Strings are copied by gw_line_alloc(). */
struct gw_line_cfg {
	const char *name;
	const char *display_name; /* or NULL */
	const char *user;
	const char *auth_user; /* NULL: user */
	const char *password;  /* NULL: none to give */
	const char *domain;    /* host, IPv4 or [IPv6] */
	uint16_t port;         /* 0: by DNS or the default */
	bool do_register;
	enum gw_transport transport;
	const char *const *proxies; /* "sip:host[:port]", tried in order */
	size_t proxy_count;
	uint32_t expires_s;
	const char *caller_number; /* or NULL: user */
	const char *caller_name;   /* or NULL: display_name */
	bool caller_privacy;
	const char *const *caller_ids; /* what callers may present */
	size_t caller_id_count;
	const char *identity_header; /* "from", "pai", "rpi" */
	const char *auto_answer;     /* header family or NULL */
	struct gw_dial_rules dial;   /* domain in it is ignored */
	const char *const
		*codecs; /* in offer order; telephone-event where it stands */
	size_t codec_count;
	bool nat_auto;
	uint32_t max_calls;         /* 0: no limit */
	uint32_t session_expires_s; /* RFC 4028: 90 or more; 0: no timer */
	bool srtp;                  /* offers encrypted sound (RFC 4568) */
	/* Retry-After is a callee's wish, not the server's: the sandbox */
	bool callees_are_overloaded;
};

/* The facts people need. Valid until the next turn of the loop. */
struct gw_line_info {
	const char *name;
	enum gw_line_state state;
	bool registers;
	uint16_t last_code; /* of the last final answer to REGISTER; 0 none */
	const char *last_reason; /* phrase or what the network said; NULL */
	uint32_t expires_s;      /* granted */
	uint32_t server_min_expires_s;
	int64_t registered_until_ms, last_success_ms, next_try_ms; /* 0: none */
	const char *server; /* the registrar's User-Agent or Server; NULL */
	const char *
		contacts; /* Contact values of the 200, comma separated; NULL */
	uint32_t calls;   /* up or being set up */
	uint32_t excluded_s; /* so long all servers want to be left alone; 0 */
};

/* registering, registered, failed, unregistered: called on each change. */
typedef void(gw_line_event_h)(struct gw_line *line, void *arg);

/* Nothing is sent before gw_line_start(). Freeing does not unregister: see
 * gw_line_stop(). A line is freed after its calls and before its stack. */
int gw_line_alloc(struct gw_line **linep, struct gw_stack *stack,
		  const struct gw_line_cfg *cfg, gw_line_event_h *eventh,
		  void *arg);
int gw_line_start(struct gw_line *line);
/* Unregisters; eventh tells UNREGISTERED when the answer is there or 4 s are over. */
void gw_line_stop(struct gw_line *line);

void gw_line_info(const struct gw_line *line, struct gw_line_info *info);
const char *gw_line_name(const struct gw_line *line);
const struct gw_line_cfg *gw_line_cfg(const struct gw_line *line);
void gw_line_dial_rules(const struct gw_line *line,
			struct gw_dial_rules *rules);

/* OPTIONS and REGISTER now; h gets one sentence for people. */
struct gw_line_verdict {
	bool ok;
	char text[512];
	uint16_t options_code, register_code; /* 0: no answer */
	uint32_t options_ms, register_ms;
};
typedef void(gw_line_check_h)(const struct gw_line_verdict *verdict, void *arg);
int gw_line_check(struct gw_line *line, gw_line_check_h *h, void *arg);

/* For those who place calls through it (sip/call, sip/session). ---------- */

/* Told on each change of state, until deref'd. */
struct gw_line_watch;
int gw_line_watch(struct gw_line_watch **watchp, struct gw_line *line,
		  gw_line_event_h *h, void *arg);

/* Takes a place among max_calls: EBUSY when full. Give it back with _leave(). */
int gw_line_enter(struct gw_line *line);
void gw_line_leave(struct gw_line *line);

#define GW_LINE_FOREIGN SIZE_MAX

/* What a request through this line needs. */
struct gw_line_way {
	struct gw_stack *stack;
	struct sip *sip;
	const struct sa *laddr; /* where we are bound towards the next hop */
	enum gw_transport transport;
	const char *aor; /* "sip:858@192.168.115.100" */
	const char
		*contact_user; /* random per line, never an address of memory */
	const char *const *routes; /* Route set as sip_dialog_alloc() wants it:
				    * "sip:host", no <>, no ;lr. NULL, 0: straight
				    * to the URI */
	uint32_t route_count;
	const char *uri; /* what to put into the request line: the URI
				    * asked for, with ;transport= where needed */
	const char *transport_param; /* for Contact: ";transport=tcp" or "" */
	const char *advertise;   /* numeric address for Contact and SDP: what
				    * the registrar saw of us (nat), or the
				    * stack's; NULL: laddr's */
	uint16_t advertise_port; /* for Contact; 0: laddr's */
	size_t target; /* which next hop of the line it is, or GW_LINE_FOREIGN:
			* none of it, because the URI leads elsewhere */
};
/* Resolves and opens what is needed. Always asynchronous (a name may have to be
 * asked for): h comes from a later turn, once, with err or with the way, which is
 * valid during the call (copy). Deref *reqp to forget about it; it is NULL once h
 * has been called. err: EDESTADDRREQ (the name has no address), ENOTSUP (TLS
 * without trust anchors) or what the system said.
 * Returns 0, EINVAL (not a URI) or ENOMEM; then h is never called. */
typedef void(gw_line_way_h)(int err, const struct gw_line_way *way, void *arg);
struct gw_line_way_req;
int gw_line_way(struct gw_line_way_req **reqp, struct gw_line *line,
		const char *uri, gw_line_way_h *h, void *arg);

/* The next hop of a way (its target) did not answer a request or said 503: with
 * more than one proxy the next way takes another one for a while. retry_after_s:
 * how long it wants to be left alone, 0: not said. Returns true when another proxy
 * is there to be tried at once. */
bool gw_line_way_lost(struct gw_line *line, size_t target,
		      uint32_t retry_after_s);
/* How many next hops there are. */
size_t gw_line_way_count(const struct gw_line *line);
/* So many seconds no call is to be placed, because all next hops have said so; 0:
 * there is one that hasn't. */
uint32_t gw_line_excluded_s(const struct gw_line *line);

/* Credentials for libre's sip_auth: libre takes *userp and *passp over. */
int gw_line_credentials(struct gw_line *line, char **userp, char **passp,
			const char *realm);

#endif
