/* A browser without its window: an offer, ICE as the controlling side, DTLS as the
 * client, SRTP, all by libre and nothing of the gateway's own. For the tests and for
 * the bench, each within its own loop. */
#ifndef BELLPULL_TESTS_UNIT_WEB_CLIENT_H
#define BELLPULL_TESTS_UNIT_WEB_CLIENT_H

#include <re.h>

enum { WEB_HASH = 32 };

/* Something happened: connected, closed, or a packet. */
struct web_client;
typedef void(web_client_h)(struct web_client *c, void *arg);

struct web_client {
	struct udp_sock *us;
	struct dtls_sock *ds;
	struct tls *tls;
	struct tls_conn *tc;
	struct srtp *tx, *rx;
	struct tmr tmr; /* checks, again and again */
	struct sa gw;
	char ufrag[16], pwd[64]; /* the gateway's */
	uint8_t hash[WEB_HASH];  /* of its certificate, as it said */
	char own_ufrag[8], own_pwd[32];
	bool quiet;      /* no checks any more */
	bool wrong_hash; /* another certificate is offered */
	bool impostor;   /* the gateway's certificate was another one */
	bool connected, closed;
	unsigned checks, replies, refusals;
	unsigned packets, reports, broken;
	uint8_t pt; /* of the last packet */
	uint8_t payload[512];
	size_t payload_len;
	uint16_t seq;
	uint32_t ts, ssrc;
	uint64_t connected_at, heard_at; /* tmr_jiffies() */
	web_client_h *h;                 /* or NULL */
	void *arg;
};

/* A certificate, which many may share. */
int web_tls(struct tls **tlsp);
/* tls is referenced. */
int web_client_open(struct web_client *c, struct tls *tls);
void web_client_close(struct web_client *c);

/* "0" PCMU, "8" PCMA, "9" G722, "111" opus; with telephone-event 126 (8000), and
 * 110 (48000) for opus. */
int web_client_offer(struct mbuf *mb, const struct web_client *c,
		     const char *payload_types);
/* Takes the answer and begins to connect. Returns 0 or EBADMSG. */
int web_client_answer(struct web_client *c, const char *sdp);

/* One check to the gateway, from the client's own socket, or from another one. */
int web_client_check(struct web_client *c, struct udp_sock *from,
		     bool nominates, const char *password);
/* The next packet of sound. */
int web_client_says(struct web_client *c, uint8_t pt, const void *payload,
		    size_t len, uint32_t samples);
int web_client_presses(struct web_client *c, uint8_t pt, int event);

#endif
