/* libre's SIP stack, up and down: one `struct sip` per local address (never a
 * wildcard: Via and Contact would say 0.0.0.0), UDP, TCP and TLS with the
 * server's certificate verified, DNS, and the wire tap that feeds the ladders.
 * A draft of the interface; its owner is free to grow it. */
#ifndef BELLPULL_SIP_STACK_H
#define BELLPULL_SIP_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sa;
struct sip;
struct sip_msg;
struct dnsc;
struct gw_stack;

enum gw_transport { GW_TRANSPORT_UDP, GW_TRANSPORT_TCP, GW_TRANSPORT_TLS };

struct gw_stack_listen {
	enum gw_transport transport;
	const char *address; /* numeric, or "auto": from where the line's proxy is reached */
	uint16_t port;	     /* 0: any */
};

/* Strings are copied. */
struct gw_stack_cfg {
	const struct gw_stack_listen *listen;
	size_t listen_count;
	const char *advertise;	/* numeric address for Contact and SDP, or NULL */
	const char *ca_file;	/* trust anchors for TLS, or NULL: TLS refused */
	const char *user_agent; /* "Bellpull/0.1.0" */
};

int gw_stack_alloc(struct gw_stack **stackp, const struct gw_stack_cfg *cfg);

/* The struct sip that reaches dst by transport (opened when first needed, for
 * "auto" addresses by connect + getsockname); lives with the stack. laddrp (may
 * be NULL) gets its bound address. */
int gw_stack_sip(struct sip **sipp, struct sa *laddrp, struct gw_stack *stack,
		 enum gw_transport transport, const struct sa *dst);

struct dnsc *gw_stack_dns(struct gw_stack *stack);
const char *gw_stack_advertise(const struct gw_stack *stack); /* or NULL */

/* Everything sent or received whose Call-ID a tap asks for. text has credentials
 * removed already and is valid during the call only. */
typedef void(gw_stack_tap_h)(bool sent, const char *text, size_t len, void *arg);
struct gw_stack_tap;
int gw_stack_tap(struct gw_stack_tap **tapp, struct gw_stack *stack,
		 const char *call_id, gw_stack_tap_h *h, void *arg); /* deref to end */

/* Ends sessions and registrations politely, then calls doneh (at most after
 * wait_ms). */
void gw_stack_close(struct gw_stack *stack, uint32_t wait_ms,
		    void (*doneh)(void *arg), void *arg);

#endif
