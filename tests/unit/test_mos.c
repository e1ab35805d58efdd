/* The mean opinion score from what can be counted. */
#include "sip/media/mos.h"
#include "tests/test.h"

static int test_mos_of_known_calls(void)
{
	static const struct {
		struct gw_mos_facts facts;
		uint16_t least, most;
	} rows[] = {
		/* G.107's own best, less the packet's delay: 4.4 */
		{ { "PCMA", 1000, 0, 0, 0 }, 438, 441 },
		{ { "pcmu", 1000, 0, 1000, 20000 }, 436, 441 },
		{ { "opus", 1000, 0, 0, 0 }, 438, 441 },
		{ { "GSM", 1000, 0, 0, 0 }, 360, 380 },
		{ { "G726-16", 1000, 0, 0, 0 }, 210, 230 },
		/* a packet of twenty lost: annoying, not hopeless */
		{ { "PCMA", 950, 50, 0, 0 }, 385, 405 },
		{ { "GSM", 950, 50, 0, 0 }, 220, 250 },
		{ { "PCMA", 500, 500, 0, 0 }, 100, 200 },
		/* over a satellite */
		{ { "PCMA", 1000, 0, 0, 600000 }, 350, 380 },
		{ { "PCMA", 1000, 0, 100000, 0 }, 400, 430 },
		{ { "PCMA", 1000, 0, 3000000, 3000000 }, 100, 100 },
		{ { "unheard-of", 1000, 0, 0, 0 }, 390, 430 },
		{ { "PCMA", 0, 0, 0, 0 }, 0, 0 },
		{ { "PCMA", 0, 5, 0, 0 }, 0, 0 },
		{ { "PCMA", 1, UINT32_MAX, UINT32_MAX, UINT32_MAX }, 100, 100 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint16_t mos = gw_mos_x100(&rows[i].facts);

		if (mos < rows[i].least || mos > rows[i].most) {
			test_fail(__FILE__, __LINE__, "row %zu: %u", i, mos);
			return 1;
		}
	}
	return 0;
}
TEST(test_mos_of_known_calls);

/* More loss, jitter or delay never makes it better. */
static int test_mos_falls(void)
{
	struct gw_mos_facts f = { "PCMA", 10000, 0, 0, 0 };
	uint16_t loss = 500, jitter = 500, rtt = 500;

	for (uint32_t i = 0; i < 100; i++) {
		struct gw_mos_facts l = f, j = f, r = f;

		l.lost = 50 * i;
		j.jitter_us = r.rtt_us = 10000 * i;
		CHECK(gw_mos_x100(&l) <= loss);
		CHECK(gw_mos_x100(&j) <= jitter);
		CHECK(gw_mos_x100(&r) <= rtt);
		loss = gw_mos_x100(&l);
		jitter = gw_mos_x100(&j);
		rtt = gw_mos_x100(&r);
	}
	CHECK(loss < 300 && jitter < 300 && rtt < 400);
	return 0;
}
TEST(test_mos_falls);
