/* RTP and RTCP as bytes, the statistics of a source, and the range of ports. */
#include <errno.h>
#include <string.h>

#include "sip/media/range.h"
#include "sip/media/rtp.h"
#include "tests/test.h"

static int test_rtp_header_there_and_back(void)
{
	const struct gw_rtp out = { .marker = true,
				    .pt = 101,
				    .seq = 0xfedc,
				    .ts = 0x89abcdef,
				    .ssrc = 0x01020304 };
	uint8_t packet[GW_RTP_HEADER + 3] = { [GW_RTP_HEADER] = 7, 8, 9 };
	struct gw_rtp in;

	gw_rtp_write(packet, &out);
	CHECK(gw_rtp_read(&in, packet, sizeof(packet)));
	CHECK(in.marker);
	CHECK_INT(in.pt, 101);
	CHECK_INT(in.seq, 0xfedc);
	CHECK_INT(in.ts, 0x89abcdef);
	CHECK_INT(in.ssrc, 0x01020304);
	CHECK_INT(in.payload_len, 3);
	CHECK_INT(in.payload[0], 7);
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_header_there_and_back, "pure");

static int test_rtp_reads_what_may_stand_before_and_behind(void)
{
	/* two contributing sources, an extension of one word, padding of 3 */
	uint8_t packet[12 + 8 + 8 + 2 + 3] = { 0xb2, 0 };
	struct gw_rtp rtp;

	packet[12 + 8 + 3] = 1;
	packet[28] = 0x55;
	packet[sizeof(packet) - 1] = 3;
	CHECK(gw_rtp_read(&rtp, packet, sizeof(packet)));
	CHECK_INT(rtp.payload_len, 2);
	CHECK_INT(rtp.payload[0], 0x55);

	packet[sizeof(packet) - 1] = 6; /* more padding than there is room */
	CHECK(!gw_rtp_read(&rtp, packet, sizeof(packet)));
	packet[sizeof(packet) - 1] = 0;
	CHECK(!gw_rtp_read(&rtp, packet, sizeof(packet)));
	packet[sizeof(packet) - 1] = 255;
	CHECK(!gw_rtp_read(&rtp, packet, sizeof(packet)));
	packet[12 + 8 + 2] = 0xff; /* an extension beyond the end */
	CHECK(!gw_rtp_read(&rtp, packet, sizeof(packet)));
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_reads_what_may_stand_before_and_behind, "pure");

static int test_rtp_refuses_what_is_none(void)
{
	uint8_t packet[64] = { 0x80 };
	struct gw_rtp rtp;

	CHECK(!gw_rtp_read(&rtp, packet, 0));
	CHECK(!gw_rtp_read(&rtp, packet, 11));
	CHECK(gw_rtp_read(&rtp, packet, 12));
	CHECK_INT(rtp.payload_len, 0);
	packet[0] = 0x8f; /* fifteen sources in twelve bytes */
	CHECK(!gw_rtp_read(&rtp, packet, 12));
	packet[0] = 0x00; /* STUN and others begin with 00 */
	CHECK(!gw_rtp_read(&rtp, packet, 64));
	packet[0] = 0x40;
	CHECK(!gw_rtp_read(&rtp, packet, 64));
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_refuses_what_is_none, "pure");

static bool count(struct gw_rtp_source *src, uint32_t ssrc, uint16_t seq)
{
	const struct gw_rtp rtp = { .seq = seq,
				    .ssrc = ssrc,
				    .ts = 160u * seq };

	return gw_rtp_source_count(src, &rtp, 160u * seq, true);
}

static int test_rtp_counts_across_wraps_and_restarts(void)
{
	struct gw_rtp_source src = { 0 };

	CHECK_INT(gw_rtp_source_lost(&src), 0);
	for (unsigned i = 0; i < 200000; i++)
		CHECK(count(&src, 1, (uint16_t)(65000 + i)));
	CHECK_INT(gw_rtp_source_received(&src), 200000);
	CHECK_INT(gw_rtp_source_lost(&src), 0);

	/* one stray number far off is dropped, two in a row are a restart */
	CHECK(!count(&src, 1, (uint16_t)(src.max_seq + 20000)));
	CHECK_INT(gw_rtp_source_lost(&src), 0);
	CHECK(!count(&src, 1, 5));
	CHECK(count(&src, 1, 6));
	CHECK(count(&src, 1, 8));
	CHECK_INT(gw_rtp_source_received(&src), 200002);
	CHECK_INT(gw_rtp_source_lost(&src), 1);

	/* another source: what was counted before stays */
	CHECK(count(&src, 2, 40000));
	CHECK(count(&src, 2, 40003));
	CHECK_INT(gw_rtp_source_received(&src), 200004);
	CHECK_INT(gw_rtp_source_lost(&src), 3);
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_counts_across_wraps_and_restarts, "pure");

/* Packets that come 10 ms early and late by turns: 80 units of 8 kHz apart from
 * the even pace each, so 160 from packet to packet, and A.8 tends to that. */
static int test_rtp_jitter(void)
{
	struct gw_rtp_source even = { 0 }, uneven = { 0 };

	for (uint16_t i = 0; i < 500; i++) {
		const struct gw_rtp rtp = { .seq = i, .ts = 160u * i };
		const uint32_t shift = i % 2 ? 160 : 0;

		CHECK(gw_rtp_source_count(&even, &rtp, 7000 + 160u * i, true));
		CHECK(gw_rtp_source_count(&uneven, &rtp,
					  7000 + 160u * i + shift, true));
	}

	CHECK_INT(even.jitter, 0);
	CHECK((uneven.jitter >> 4) >= 155 && (uneven.jitter >> 4) <= 160);
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_jitter, "pure");

static int test_rtp_reports_are_read_by_the_other_side(void)
{
	struct gw_rtp_source src = { 0 };
	struct gw_rtcp_report report = { .ssrc = 0xaaaa0001,
					 .cname = "0123456789abcdef",
					 .sender = true,
					 .bye = true,
					 .ntp = 0x1122334455667788,
					 .source = &src,
					 .last_sr = 0x99887766,
					 .since_sr = 65536 };
	uint8_t packet[GW_RTCP_MAX];
	struct gw_rtcp_news news;
	size_t len;

	CHECK(count(&src, 0xbbbb0002, 10));
	CHECK(count(&src, 0xbbbb0002, 13)); /* two of four lost */
	len = gw_rtcp_write(packet, &report);
	CHECK(len <= GW_RTCP_MAX);
	CHECK_INT(len % 4, 0);
	CHECK_INT(packet[1], 200);
	CHECK_INT(packet[28 + 4], 128); /* fraction lost: a half */
	CHECK_INT(packet[28 + 7], 2);

	CHECK(gw_rtcp_read(&news, packet, len, 0xbbbb0002));
	CHECK(news.has_sr && news.has_block);
	CHECK_INT(news.last_sr, 0x33445566);
	CHECK_INT(news.block_last_sr, 0x99887766);
	CHECK_INT(news.block_since_sr, 65536);
	CHECK(gw_rtcp_read(&news, packet, len, 0xcccc0003));
	CHECK(!news.has_block);

	/* nothing lost since: the interval is over, the sum stays */
	report.sender = report.bye = false;
	CHECK(count(&src, 0xbbbb0002, 14));
	len = gw_rtcp_write(packet, &report);
	CHECK_INT(packet[1], 201);
	CHECK_INT(packet[8 + 4], 0);
	CHECK_INT(packet[8 + 7], 2);
	CHECK(gw_rtcp_read(&news, packet, len, 0xbbbb0002));
	CHECK(!news.has_sr && news.has_block);
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_reports_are_read_by_the_other_side, "pure");

static int test_rtp_hostile_reports(void)
{
	/* a report that claims 31 blocks and has none, one longer than itself */
	static const uint8_t many[] = { 0x9f, 201, 0, 1, 0, 0, 0, 1 };
	static const uint8_t longer[] = { 0x81, 201, 0, 9, 0, 0, 0, 1 };
	static const uint8_t shorter[] = { 0x80, 200, 0, 0 };
	struct gw_rtcp_news news;

	CHECK(gw_rtcp_read(&news, many, sizeof(many), 1));
	CHECK(!news.has_block);
	CHECK(!gw_rtcp_read(&news, longer, sizeof(longer), 1));
	CHECK(gw_rtcp_read(&news, shorter, sizeof(shorter), 1));
	CHECK(!news.has_sr);
	CHECK(!gw_rtcp_read(&news, many, 3, 1));
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_hostile_reports, "pure");

static int test_rtp_port_range(void)
{
	static struct gw_port_range range;
	uint16_t first;

	CHECK_ERR(gw_port_range_init(&range, 0, 10, 0), EINVAL);
	CHECK_ERR(gw_port_range_init(&range, 5001, 5002, 0), EINVAL);
	CHECK_ERR(gw_port_range_init(&range, 65535, 65535, 0), EINVAL);
	CHECK_OK(gw_port_range_init(&range, 65534, 65535, 77));
	CHECK_INT(gw_port_range_take(&range), 65534);

	CHECK_OK(gw_port_range_init(&range, 4999, 5006, 2));
	CHECK_INT(range.pairs, 3);
	CHECK_INT(gw_port_range_take(&range), 5004);
	first = gw_port_range_take(&range);
	CHECK_INT(first, 5000); /* around the end */
	CHECK_INT(gw_port_range_take(&range), 5002);
	CHECK_INT(gw_port_range_take(&range), 0);
	gw_port_range_give(&range, first);
	gw_port_range_give(&range, first);
	CHECK_INT(range.used, 2);
	CHECK_INT(gw_port_range_take(&range), 5000);

	/* the whole of it, and its far end */
	CHECK_OK(gw_port_range_init(&range, 1, 65535, 0));
	for (uint32_t i = 0; i < range.pairs; i++)
		CHECK(gw_port_range_take(&range) != 0);
	CHECK_INT(gw_port_range_take(&range), 0);
	return 0;
}
TEST_WITHOUT_OOM(test_rtp_port_range, "pure");
