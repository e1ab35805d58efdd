/* What the files of the stack share; nobody else includes it. */
#ifndef BELLPULL_SIP_STACK_IMPL_H
#define BELLPULL_SIP_STACK_IMPL_H

#include <re.h>

#include "sip/stack.h"
#include "sip/stack_door.h"

struct gw_entry;
struct gw_guard_facts;

enum {
	GW_STACK_BUCKETS = 1024, /* of everything that is looked up */
	GW_STACK_KEEP_MS = 64 * SIP_T1,
	GW_STACK_SWEEP_MS = 1000,

	/* Each request of a dialog is remembered for 32 s to be answered once.
	 * In a second and at once: of one Call-ID, and of all. */
	GW_STACK_DIALOG_RATE = 30,
	GW_STACK_DIALOG_BURST = 100,
	GW_STACK_DIALOGS_RATE = 2000,
	GW_STACK_DIALOGS_BURST = 4000,
};

/* A place to listen, of the configuration. */
struct gw_stack_place {
	enum gw_transport transport;
	struct sa addr; /* unset: "auto" */
	uint16_t port;
};

struct gw_stack {
	struct list endpoints;
	struct gw_stack_place *listens;
	size_t listen_count;
	bool ports_may_move;
	struct dnsc *dnsc;
	struct tls *tls;
	struct hash *routes;
	struct hash *taps;
	struct gw_door *door;
	struct gw_door_bucket in_dialogs;
	struct gw_stack_dropped dropped; /* malformed: see the endpoints */
	struct mbuf *scratch; /* the redacted copy that a tap is shown */
	char *advertise;
	char *ca_file;
	char *certificate;
	char *user_agent;
	gw_stack_request_h *requesth;
	gw_stack_stray_h *strayh;
	bool has_secret;
	uint8_t secret[GW_STACK_SECRET];
	void *arg;

	/* by second of arrival */
	struct list kept[GW_STACK_KEEP_MS / GW_STACK_SWEEP_MS + 1];
	size_t kept_now; /* where arrivals go */
	struct tmr sweep;

	bool is_closing;
	struct tmr closing;
	void (*doneh)(void *arg);
	void *done_arg;
};

struct gw_stack_endpoint {
	struct le le;
	struct gw_stack *stack; /* NULL: it is gone, somebody still holds sip */
	struct sip *sip;
	struct gw_entry *entry;
	struct sip_lsnr *requests;
	struct sip_lsnr *responses;
	struct sa addr; /* without port */
	struct tmr orphaned;
	bool is_up[GW_TRANSPORT_TLS + 1];
	bool is_closing; /* our reference to sip is given away */
};

/* stack.c: those that stragglers may ask for go, and no more are taken. */
void gw_stack_forget_kept(struct gw_stack *stack);

/* stack_endpoint.c: the endpoint of addr, made when there is none. The stack owns
 * it until it releases it; while others hold its sip it then waits for them. */
int gw_stack_endpoint_at(struct gw_stack_endpoint **epp, struct gw_stack *stack,
			 const struct sa *addr);
void gw_stack_endpoint_release(struct gw_stack_endpoint *ep);

/* stack_transport.c: opens it at port, unless it is open; any other port will do
 * if that one is taken and any_port_will_do. */
int gw_stack_transport_up(struct gw_stack_endpoint *ep,
			  enum gw_transport transport, uint16_t port,
			  bool any_port_will_do);

/* stack_request.c: libre's listeners, and stack_tap.c: its trace. arg is the
 * endpoint. */
bool gw_stack_request(const struct sip_msg *msg, void *arg);
bool gw_stack_response(const struct sip_msg *msg, void *arg);
/* and what libre is to be spared. */
bool gw_stack_datagram(const struct sa *src, const struct gw_guard_facts *facts,
		       void *arg);
bool gw_stack_connection(const struct sa *peer, int fd, void *arg);
void gw_stack_trace(bool tx, enum sip_transp tp, const struct sa *src,
		    const struct sa *dst, const uint8_t *pkt, size_t len,
		    void *arg);

#endif
