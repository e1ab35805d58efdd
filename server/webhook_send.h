/* Asking others by HTTP, on a thread of its own: libcurl's. What is asked is closed
 * when it is handed over, and comes back whole.
 *
 * Nothing is followed but the one URL: no redirect, no proxy, no cookie, no netrc.
 * The address that is connected to was looked at (webhook_target.h), certificates
 * are verified, an answer and its headers are read up to 64 KiB, 15 s are all the time
 * it has, and what it says of our secrets is blotted out. */
#ifndef BELLPULL_SERVER_WEBHOOK_SEND_H
#define BELLPULL_SERVER_WEBHOOK_SEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/loop.h"

struct gw_config;
struct gw_webhook_sender;
struct mbuf;

enum {
	GW_WEBHOOK_ANSWER = 512,
	GW_WEBHOOK_HEADERS = 6,
	GW_WEBHOOK_SECRETS =
		3, /* headers from this one on are nobody's business */
};

/* One POST, or GET. Everything that it points to stays as it is until doneh is called. */
struct gw_webhook_request {
	const char *url, *ca_file; /* ca_file: or NULL */
	bool listed_only;          /* nowhere but to allow_targets */
	const char *body;          /* NULL: a GET */
	size_t body_len;
	struct mbuf *made; /* owned, if body or url lies in it; or NULL */
	char *headers[GW_WEBHOOK_HEADERS]; /* "name: value", owned; NULL: none */
	void (*doneh)(struct gw_webhook_request *req, void *arg); /* loop */
	void *arg;

	/* Results. code 0: nobody answered, and error says why. */
	int64_t at_ms; /* wall clock, when it began */
	uint32_t took_ms;
	uint16_t code;
	char error[160];
	char retry_after[64];
	char answer[GW_WEBHOOK_ANSWER + 1]; /* printable, shortened, no secrets */

	struct { /* the sender's own */
		struct gw_loop_note note;
		struct gw_webhook_request *next;
		void *easy, *list;
		const char *refused;
		size_t answer_len, read, head;
		uint64_t start_us;
	} own;
};
struct gw_webhook_request *gw_webhook_request_alloc(void);

/* cfg is referenced. Returns 0, ENOMEM or what keeps the thread from starting. */
int gw_webhook_sender_alloc(struct gw_webhook_sender **senderp,
			    const struct gw_config *cfg);

/* Hands it over, until its doneh. */
void gw_webhook_send(struct gw_webhook_sender *sender,
		     struct gw_webhook_request *req);

/* Ends the thread. What was under way has been posted back when it returns, with
 * the error "stopped" (gw_loop_drain() delivers). mem_deref() the rest. */
void gw_webhook_sender_stop(struct gw_webhook_sender *sender);

#endif
