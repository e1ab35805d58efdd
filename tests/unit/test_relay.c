/* The numbers of packets that are passed on. */
#include "sip/media/relay.h"
#include "tests/test.h"

static enum gw_relay_order map(struct gw_relay *r, uint16_t seq, uint32_t ts,
			       int64_t us, struct gw_rtp *out)
{
	const struct gw_relay_now now = {
		.seq = 500, .ts = 9000, .us = us, .clock_rate = 8000
	};

	out->seq = seq;
	out->ts = ts;
	out->ssrc = 7;
	return gw_relay_map(r, out, &now);
}

static int test_relay_keeps_losses_and_order(void)
{
	struct gw_relay r = { 0 };
	struct gw_rtp rtp = { 0 };

	CHECK_INT(map(&r, 65535, 0xffffff80, 0, &rtp), GW_RELAY_FRESH);
	CHECK_INT(rtp.seq, 500);
	CHECK_INT(rtp.ts, 9000);
	CHECK_INT(map(&r, 0, 0x20, 20000, &rtp), GW_RELAY_NEXT);
	CHECK_INT(rtp.seq, 501);
	CHECK_INT(rtp.ts, 9160);
	CHECK_INT(r.step, 160);
	CHECK_INT(map(&r, 3, 0x20 + 480, 60000, &rtp), GW_RELAY_NEXT);
	CHECK_INT(rtp.seq, 504);
	CHECK_INT(rtp.ts, 9640);
	CHECK_INT(map(&r, 2, 0x20 + 320, 60000, &rtp), GW_RELAY_LATE);
	CHECK_INT(rtp.seq, 503);
	CHECK_INT(map(&r, 65534, 0xffffff80 - 160, 60000, &rtp), GW_RELAY_DROP);
	return 0;
}
TEST(test_relay_keeps_losses_and_order);

static int test_relay_anchors_anew_after_a_jump(void)
{
	static const struct {
		uint16_t seq;
		uint32_t ts;
		int64_t us;
		enum gw_relay_order order;
	} rows[] = {
		{ 11, 1160, 20000, GW_RELAY_NEXT },
		{ 11, 1160 + 80000, 20000, GW_RELAY_LATE }, /* a repeat */
		{ 11 + 3001, 1320, 40000, GW_RELAY_FRESH }, /* number ahead */
		{ 65446, 1320, 40000, GW_RELAY_FRESH },     /* and back */
		{ 12, 1160 + 20 * 8000, 20000,
		  GW_RELAY_FRESH },                 /* time ahead */
		{ 12, 500, 20000, GW_RELAY_FRESH }, /* and back */
		{ 12, 1160 + 20 * 8000, 20020000, GW_RELAY_NEXT }, /* a pause */
		{ 12, 1160, 5020000,
		  GW_RELAY_FRESH }, /* its time stood still */
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct gw_relay r = { 0 };
		struct gw_rtp rtp = { 0 };

		CHECK_INT(map(&r, 10, 1000, 0, &rtp), GW_RELAY_FRESH);
		if (i > 0)
			CHECK_INT(map(&r, 11, 1160, 20000, &rtp),
				  GW_RELAY_NEXT);
		CHECK_INT(map(&r, rows[i].seq, rows[i].ts, rows[i].us, &rtp),
			  rows[i].order);
		if (rows[i].order == GW_RELAY_FRESH) {
			CHECK_INT(rtp.seq, 500);
			CHECK_INT(rtp.ts, 9000);
		}
	}
	return 0;
}
TEST(test_relay_anchors_anew_after_a_jump);

/* Long after its beginning a flow still knows late from too late. */
static int test_relay_of_more_packets_than_numbers(void)
{
	struct gw_relay r = { 0 };
	struct gw_rtp rtp = { 0 };

	for (uint32_t i = 0; i < 70000; i++) {
		CHECK(map(&r, (uint16_t)i, 160 * i, 20000 * (int64_t)i, &rtp) !=
		      GW_RELAY_DROP);
		CHECK_INT(rtp.seq, (uint16_t)(500 + i));
	}
	CHECK_INT(map(&r, (uint16_t)69990, 160 * 69990, 0, &rtp),
		  GW_RELAY_LATE);
	return 0;
}
TEST(test_relay_of_more_packets_than_numbers);
