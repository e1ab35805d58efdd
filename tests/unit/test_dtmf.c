/* RFC 4733 events: told once, whatever is repeated, late or lost. */
#include <string.h>

#include "sip/media/dtmf.h"
#include "tests/test.h"

/* Feeds one packet; the digits that ended by it as a string. */
static const char *feed(struct gw_dtmf_rx *rx, uint32_t ts, uint8_t event,
			bool end, uint16_t duration, uint32_t *msp)
{
	const uint8_t payload[] = { event, (uint8_t)(end ? 0x8a : 0x0a),
				    (uint8_t)(duration >> 8),
				    (uint8_t)duration };
	static char digits[3];
	struct gw_dtmf_event ended[2];
	const size_t n =
		gw_dtmf_receive(rx, ended, ts, payload, sizeof(payload), 8000);

	memset(digits, 0, sizeof(digits));
	for (size_t i = 0; i < n; i++) {
		digits[i] = ended[i].digit;
		*msp = ended[i].duration_ms;
	}

	return digits;
}

static int test_dtmf_is_told_once(void)
{
	struct gw_dtmf_rx rx = { 0 };
	uint32_t ms = 0;

	CHECK_STR(feed(&rx, 1000, 5, false, 160, &ms), "");
	CHECK_STR(feed(&rx, 1000, 5, false, 320, &ms), "");
	CHECK_STR(feed(&rx, 1000, 5, true, 800, &ms), "5");
	CHECK_INT(ms, 100);
	CHECK_STR(feed(&rx, 1000, 5, true, 800, &ms), "");
	CHECK_STR(feed(&rx, 1000, 5, true, 800, &ms), "");
	CHECK_STR(feed(&rx, 1000, 5, false, 480, &ms), ""); /* late */

	/* the same key again is another event; only its end arrived */
	CHECK_STR(feed(&rx, 3000, 5, true, 400, &ms), "5");
	CHECK_STR(feed(&rx, 1000, 5, true, 800, &ms), ""); /* very late */
	return 0;
}
TEST_WITHOUT_OOM(test_dtmf_is_told_once, "pure");

static int test_dtmf_lost_ends(void)
{
	struct gw_dtmf_rx rx = { 0 };
	struct gw_dtmf_event event;
	uint32_t ms = 0;

	CHECK(!gw_dtmf_lost(&rx, &event, 8000));
	CHECK_STR(feed(&rx, 1000, 10, false, 640, &ms), "");
	CHECK_STR(feed(&rx, 2600, 11, true, 800, &ms), "*#");
	CHECK_STR(feed(&rx, 1000, 10, true, 800, &ms), ""); /* came late */

	CHECK_STR(feed(&rx, 9000, 15, false, 160, &ms), "");
	CHECK(gw_dtmf_lost(&rx, &event, 8000));
	CHECK_INT(event.digit, 'D');
	CHECK_INT(event.duration_ms, 20);
	CHECK_STR(feed(&rx, 9000, 15, true, 320, &ms), "");
	return 0;
}
TEST_WITHOUT_OOM(test_dtmf_lost_ends, "pure");

static int test_dtmf_long_events_and_wraps(void)
{
	struct gw_dtmf_rx rx = { 0 };
	const uint32_t start = 0xffffff00;
	uint32_t ms = 0;

	CHECK_STR(feed(&rx, start, 0, false, 0xffff, &ms), "");
	CHECK_STR(feed(&rx, start + 0xffff, 0, false, 160, &ms), "");
	CHECK_STR(feed(&rx, start + 0xffff, 0, true, 8001, &ms), "0");
	CHECK_INT(ms, (65535 + 8001) / 8);
	return 0;
}
TEST_WITHOUT_OOM(test_dtmf_long_events_and_wraps, "pure");

static int test_dtmf_refuses_what_is_no_digit(void)
{
	static const uint8_t two_bytes[] = { 5, 0x8a };
	struct gw_dtmf_rx rx = { 0 };
	struct gw_dtmf_event ended[2];
	uint32_t ms = 0;

	CHECK_STR(feed(&rx, 1000, 16, true, 800, &ms), ""); /* flash */
	CHECK_STR(feed(&rx, 1000, 255, true, 800, &ms), "");
	CHECK_INT(gw_dtmf_receive(&rx, ended, 5000, two_bytes, 2, 8000), 0);
	CHECK(!rx.open);
	return 0;
}
TEST_WITHOUT_OOM(test_dtmf_refuses_what_is_no_digit, "pure");

/* What the sender makes, the receiver understands; each event has its three
 * ends, and sound has its turn between two. */
static int test_dtmf_from_sender_to_receiver(void)
{
	static const char dialled[] = "0123456789*#ABCD";
	struct gw_dtmf_tx tx = { 0 };
	struct gw_dtmf_rx rx = { 0 };
	struct gw_dtmf_packet packet;
	char heard[sizeof(dialled)] = "";
	size_t n = 0;
	unsigned ends = 0, markers = 0, sound = 0;
	uint32_t ts = 4000;

	for (const char *p = dialled; *p; p++)
		CHECK(gw_dtmf_push(&tx, *p, 60));

	for (; gw_dtmf_busy(&tx); ts += 160) {
		struct gw_dtmf_event ended[2];

		if (!gw_dtmf_tick(&tx, &packet, ts, 8000)) {
			sound++;
			continue;
		}
		markers += packet.marker;
		ends += packet.payload[1] >> 7;
		if (gw_dtmf_receive(&rx, ended, packet.ts, packet.payload,
				    sizeof(packet.payload), 8000)) {
			CHECK_INT(ended[0].duration_ms, 60);
			heard[n++] = ended[0].digit;
		}
	}

	CHECK_STR(heard, dialled);
	CHECK_INT(markers, 16);
	CHECK_INT(ends, 48);
	CHECK(sound >= 15 * 2);
	return 0;
}
TEST_WITHOUT_OOM(test_dtmf_from_sender_to_receiver, "pure");

static int test_dtmf_queue_is_bounded(void)
{
	struct gw_dtmf_tx tx = { 0 };
	struct gw_dtmf_packet packet;

	CHECK(!gw_dtmf_push(&tx, 'x', 0));
	CHECK(!gw_dtmf_push(&tx, '\0', 0));
	for (int i = 0; i < GW_DTMF_QUEUE; i++)
		CHECK(gw_dtmf_push(&tx, '1', 0));
	CHECK(!gw_dtmf_push(&tx, '1', 0));

	/* a duration that doesn't fit its field at 48 kHz stays at the most */
	memset(&tx, 0, sizeof(tx));
	CHECK(gw_dtmf_push(&tx, '1', 1000000));
	while (gw_dtmf_busy(&tx))
		CHECK(gw_dtmf_tick(&tx, &packet, 0, 48000));
	CHECK_INT(packet.payload[2] << 8 | packet.payload[3], 0xffff);
	return 0;
}
TEST_WITHOUT_OOM(test_dtmf_queue_is_bounded, "pure");
