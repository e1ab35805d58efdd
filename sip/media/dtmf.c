/* Digits as RTP events.
 *
 * All packets of an event carry the timestamp of its start, which is its name:
 * a receiver tells an event once, at the first packet with the end bit, and
 * forgets the two repeats. When all three ends are lost, the next event or a
 * timer ends it. */
#include "sip/media/dtmf.h"

#include <string.h>

enum {
	END_BIT = 0x80,
	VOLUME = 10, /* -10 dBm0 */
	ENDS = 3,    /* RFC 4733 2.5.1.4 */
	GAP_TICKS = 3,
	DURATION_MAX = 0xffff,
	LATE = 10 * 48000, /* older than this is no repeat, but a new clock */
};

static const char digits[] = "0123456789*#ABCD";

int gw_dtmf_event_of(char digit)
{
	const char *p;

	if (digit >= 'a' && digit <= 'd')
		digit = (char)(digit - 'a' + 'A');
	p = digit ? strchr(digits, digit) : NULL;

	return p ? (int)(p - digits) : -1;
}

/* ---- receiving ---- */

static struct gw_dtmf_event finish(struct gw_dtmf_rx *rx, uint32_t clock_rate)
{
	const uint64_t units = (uint64_t)rx->base + rx->duration;
	const struct gw_dtmf_event ended = {
		digits[rx->event],
		(uint32_t)(units * 1000 / clock_rate),
	};

	rx->open = false;
	rx->has_done = true;
	rx->done_ts = rx->ts;
	return ended;
}

static bool is_late(uint32_t ts, uint32_t than)
{
	const uint32_t age = than - ts;

	return age < LATE;
}

/* RFC 4733 2.5.1.3: an event too long for its field goes on in a segment that
 * begins where the field was full. */
static bool is_next_segment(const struct gw_dtmf_rx *rx, uint8_t event,
			    uint32_t ts)
{
	return rx->event == event && rx->duration == DURATION_MAX &&
	       ts - rx->ts == DURATION_MAX;
}

size_t gw_dtmf_receive(struct gw_dtmf_rx *rx, struct gw_dtmf_event ended[2],
		       uint32_t ts, const uint8_t *payload, size_t len,
		       uint32_t clock_rate)
{
	uint32_t duration;
	size_t n = 0;

	if (len < GW_DTMF_PAYLOAD || payload[0] >= sizeof(digits) - 1)
		return 0;
	if (rx->has_done && is_late(ts, rx->done_ts))
		return 0;

	if (rx->open && ts != rx->ts) {
		if (is_late(ts, rx->ts))
			return 0;
		if (is_next_segment(rx, payload[0], ts)) {
			rx->base += DURATION_MAX;
			rx->duration = 0;
			rx->ts = ts;
		} else {
			ended[n++] = finish(rx, clock_rate);
		}
	}
	if (!rx->open) {
		rx->open = true;
		rx->event = payload[0];
		rx->ts = ts;
		rx->base = rx->duration = 0;
	}

	duration = (uint32_t)(payload[2] << 8 | payload[3]);
	if (duration > rx->duration)
		rx->duration = duration;
	if (payload[1] & END_BIT)
		ended[n++] = finish(rx, clock_rate);

	return n;
}

bool gw_dtmf_lost(struct gw_dtmf_rx *rx, struct gw_dtmf_event *ended,
		  uint32_t clock_rate)
{
	if (!rx->open)
		return false;

	*ended = finish(rx, clock_rate);
	return true;
}

/* ---- sending ---- */

bool gw_dtmf_push(struct gw_dtmf_tx *tx, char digit, uint32_t duration_ms)
{
	const int event = gw_dtmf_event_of(digit);
	const unsigned at = (tx->head + tx->count) % GW_DTMF_QUEUE;

	if (event < 0 || tx->count == GW_DTMF_QUEUE)
		return false;
	if (!duration_ms)
		duration_ms = GW_DTMF_DEFAULT_MS;
	if (duration_ms < GW_DTMF_MIN_MS)
		duration_ms = GW_DTMF_MIN_MS;
	if (duration_ms > GW_DTMF_MAX_MS)
		duration_ms = GW_DTMF_MAX_MS;

	tx->queue[at].event = (uint8_t)event;
	tx->queue[at].duration_ms = duration_ms;
	tx->count++;
	return true;
}

static void write_packet(struct gw_dtmf_packet *packet, uint8_t event, bool end,
			 uint64_t duration)
{
	if (duration > DURATION_MAX)
		duration = DURATION_MAX;

	packet->payload[0] = event;
	packet->payload[1] = (uint8_t)((end ? END_BIT : 0) | VOLUME);
	packet->payload[2] = (uint8_t)(duration >> 8);
	packet->payload[3] = (uint8_t)duration;
}

bool gw_dtmf_tick(struct gw_dtmf_tx *tx, struct gw_dtmf_packet *packet,
		  uint32_t now_ts, uint32_t clock_rate)
{
	uint32_t total;
	bool end;

	if (tx->gap) {
		tx->gap--;
		return false;
	}
	if (!tx->active) {
		if (!tx->count)
			return false;
		tx->active = true;
		tx->ts = now_ts;
		tx->elapsed_ms = 0;
		tx->ends = 0;
	}

	total = tx->queue[tx->head].duration_ms;
	packet->marker = !tx->elapsed_ms;
	packet->ts = tx->ts;
	tx->elapsed_ms += GW_DTMF_TICK_MS;
	end = tx->elapsed_ms >= total;
	write_packet(packet, tx->queue[tx->head].event, end,
		     (uint64_t)(end ? total : tx->elapsed_ms) * clock_rate /
			     1000);

	if (end && ++tx->ends == ENDS) {
		tx->active = false;
		tx->head = (tx->head + 1) % GW_DTMF_QUEUE;
		tx->count--;
		tx->gap = GAP_TICKS;
	}

	return true;
}
