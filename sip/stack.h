/* libre's SIP stack, up and down: one `struct sip` per local address (never a
 * wildcard: Via and Contact would say 0.0.0.0), UDP, TCP and TLS with the
 * server's certificate verified, DNS, and the wire tap that feeds the ladders.
 *
 * All requests from outside come in here. Those of a dialog go to whoever took
 * its Call-ID, the others are refused politely: 480 to INVITE (never 6xx: the
 * user's desk phone may share the extension), 200 to OPTIONS, 405 or 481 to the
 * rest. Everything runs on the loop thread. */
#ifndef BELLPULL_SIP_STACK_H
#define BELLPULL_SIP_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct le;
struct sa;
struct sip;
struct sip_msg;
struct dnsc;
struct gw_stack;

enum gw_transport { GW_TRANSPORT_UDP, GW_TRANSPORT_TCP, GW_TRANSPORT_TLS };

struct gw_stack_listen {
	enum gw_transport transport;
	const char *
		address; /* numeric, or "auto": from where the line's proxy is reached */
	uint16_t port; /* 0: any */
};

/* A request outside of every dialog, before it is refused. True: answered.
 * stack_sip is the stack it came in by. */
typedef bool(gw_stack_request_h)(struct sip *stack_sip,
				 const struct sip_msg *msg, void *arg);

/* A response that nobody waits for. */
typedef void(gw_stack_stray_h)(struct gw_stack *stack, struct sip *stack_sip,
			       const struct sip_msg *msg, void *arg);

enum { GW_STACK_SECRET = 32 };

/* Strings are copied, and the secret. */
struct gw_stack_cfg {
	const struct gw_stack_listen *listen;
	size_t listen_count;
	bool ports_may_move;   /* "auto": to any other one that is free */
	const char *advertise; /* numeric address for Contact and SDP, or NULL */
	const char *ca_file;   /* trust anchors for TLS, or NULL: TLS refused */
	const char *certificate; /* PEM with certificate and key, or NULL */
	const char *user_agent;  /* "Bellpull/0.1.0" */
	gw_stack_request_h *requesth; /* or NULL */
	gw_stack_stray_h *strayh;     /* or NULL */
	const uint8_t *secret;        /* GW_STACK_SECRET bytes, or NULL: an
				       * INVITE isn't known again after a restart */
	void *arg;
};

/* Numeric addresses are bound at once (EADDRINUSE, EADDRNOTAVAIL), "auto" ones
 * when first needed. */
int gw_stack_alloc(struct gw_stack **stackp, const struct gw_stack_cfg *cfg);

/* The struct sip that reaches dst by transport; lives with the stack. laddrp
 * (may be NULL) gets its bound address.
 *
 * An "auto" address is found by connect + getsockname and opened here. Its port
 * may be taken (a PBX on the same machine): where ports may move, any other one
 * is used, we are a client, and those we register with are told the port. Where
 * they may not, a firewall or a trunk knows them: EADDRINUSE until it is free.
 * A transport that is not in the configuration gets a port of the system's
 * choice.
 * Returns 0, ENOTSUP (TLS without ca_file), EAFNOSUPPORT or what bind() said. */
int gw_stack_sip(struct sip **sipp, struct sa *laddrp, struct gw_stack *stack,
		 enum gw_transport transport, const struct sa *dst);

/* The port that EADDRINUSE is about: that of the first "auto" address. 0: none. */
uint16_t gw_stack_port(const struct gw_stack *stack,
		       enum gw_transport transport);

struct dnsc *gw_stack_dns(struct gw_stack *stack); /* NULL: no nameserver */
const char *gw_stack_advertise(const struct gw_stack *stack); /* or NULL */
const uint8_t *gw_stack_secret(const struct gw_stack *stack); /* or NULL */
const char *gw_stack_user_agent(const struct gw_stack *stack);

/* What we answer: the value of every Allow header. */
extern const char gw_stack_allow[];

/* Takes a Call-ID: its requests that no transaction knows, its responses that
 * none waits for (2xx again, 2xx of another fork) come to h until *routep is
 * deref'd. h returns true when it has dealt with the message. */
typedef bool(gw_stack_msg_h)(const struct sip_msg *msg, void *arg);
struct gw_stack_route;
int gw_stack_route(struct gw_stack_route **routep, struct gw_stack *stack,
		   const char *call_id, gw_stack_msg_h *h, void *arg);

/* Everything sent or received whose Call-ID a tap asks for. text has credentials
 * removed already and is valid during the call only. */
typedef void(gw_stack_tap_h)(bool sent, const char *text, size_t len,
			     void *arg);
struct gw_stack_tap;
int gw_stack_tap(struct gw_stack_tap **tapp, struct gw_stack *stack,
		 const char *call_id, gw_stack_tap_h *h,
		 void *arg); /* deref to end */

/* Takes obj over from its owner, who has no more use for it but for stragglers
 * from the wire (RFC 3261 13.2.2.4: 2xx of other forks may come for 64*T1):
 * mem_deref()s it after that time, or when the stack is closed. le is a member
 * of obj that its destructor unlinks. */
void gw_stack_keep(struct gw_stack *stack, struct le *le, void *obj);

/* What was not taken in since the start: datagrams that were no SIP; messages beyond
 * what their sender may send in a second; connections beyond what he may have. */
struct gw_stack_dropped {
	uint64_t malformed, too_often, connections;
};
void gw_stack_dropped(const struct gw_stack *stack,
		      struct gw_stack_dropped *dropped);

/* Lets what is under way come to its end (BYE and its answer, unregister), at
 * most for wait_ms, then calls doneh. Calls are hung up and lines stopped
 * before, by their owners. mem_deref() the stack afterwards. */
void gw_stack_close(struct gw_stack *stack, uint32_t wait_ms,
		    void (*doneh)(void *arg), void *arg);

#endif
