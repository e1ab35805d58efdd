/* Digits as RTP events (RFC 4733), both ways. Pure: no socket, no clock. */
#ifndef BELLPULL_SIP_MEDIA_DTMF_H
#define BELLPULL_SIP_MEDIA_DTMF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_DTMF_PAYLOAD = 4,
	GW_DTMF_QUEUE = 32,
	GW_DTMF_TICK_MS = 20,
	GW_DTMF_DEFAULT_MS = 100,
	GW_DTMF_MIN_MS = 40,
	GW_DTMF_MAX_MS = 5000,
	GW_DTMF_LOST_MS = 250, /* no packet for so long: the end was lost */
};

struct gw_dtmf_event {
	char digit;
	uint32_t duration_ms;
};

/* The receiver. Zeroed is new. */
struct gw_dtmf_rx {
	bool open; /* an event is under way */
	uint8_t event;
	uint32_t ts, base, duration; /* base: segments before this one */
	bool has_done;
	uint32_t done_ts; /* the last event that was told */
};

/* Takes a packet; fills up to two events that have ended by it: one whose end
 * was lost, and its own. Repeated and late packets tell nothing. */
size_t gw_dtmf_receive(struct gw_dtmf_rx *rx, struct gw_dtmf_event ended[2],
		       uint32_t ts, const uint8_t *payload, size_t len,
		       uint32_t clock_rate);
/* Ends an event that has been silent for GW_DTMF_LOST_MS. */
bool gw_dtmf_lost(struct gw_dtmf_rx *rx, struct gw_dtmf_event *ended,
		  uint32_t clock_rate);

/* The sender. Zeroed is idle. */
struct gw_dtmf_tx {
	struct {
		uint8_t event;
		uint32_t duration_ms;
	} queue[GW_DTMF_QUEUE];
	unsigned head, count;
	bool active;
	uint32_t ts, elapsed_ms;
	unsigned ends; /* of three */
	unsigned gap;  /* ticks of sound until the next */
};

/* 0-9 * # A-D, either case: its event, or -1. */
int gw_dtmf_event_of(char digit);
/* False: the queue is full or the digit is none. duration_ms 0: the default. */
bool gw_dtmf_push(struct gw_dtmf_tx *tx, char digit, uint32_t duration_ms);
static inline bool gw_dtmf_busy(const struct gw_dtmf_tx *tx)
{
	return tx->active || tx->count;
}

struct gw_dtmf_packet {
	uint8_t payload[GW_DTMF_PAYLOAD];
	uint32_t ts;
	bool marker;
};

/* Every 20 ms. True: send this instead of sound. now_ts is the timestamp that
 * sound would have had. */
bool gw_dtmf_tick(struct gw_dtmf_tx *tx, struct gw_dtmf_packet *packet,
		  uint32_t now_ts, uint32_t clock_rate);

#endif
