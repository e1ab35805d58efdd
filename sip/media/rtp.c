/* RTP and RTCP as bytes. See RFC 3550: the names are its own. */
#include "sip/media/rtp.h"

#include <string.h>

enum {
	VERSION = 2,
	MAX_DROPOUT =
		3000, /* A.1: a jump ahead that is still the same stream */
	MAX_MISORDER = 100,

	RTCP_SENDER = 200,
	RTCP_RECEIVER = 201,
	RTCP_SOURCE = 202,
	RTCP_GOODBYE = 203,
	RTCP_LAST = 207,

	RTCP_HEADER = 4,
	SENDER_INFO = 20,
	BLOCK = 24,
	SDES_CNAME = 1,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint8_t *put16(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t n)
{
	return put16(put16(p, n >> 16), n);
}

bool gw_rtp_read(struct gw_rtp *rtp, const uint8_t *packet, size_t len)
{
	size_t start, end = len;

	if (len < GW_RTP_HEADER || packet[0] >> 6 != VERSION)
		return false;

	start = GW_RTP_HEADER + 4u * (packet[0] & 0x0f);
	if (packet[0] & 0x10) {
		if (start + 4 > len)
			return false;
		start += 4 + 4u * get16(packet + start + 2);
	}
	if (packet[0] & 0x20) {
		if (!packet[len - 1])
			return false;
		end -= packet[len - 1] <= end ? packet[len - 1] : end;
	}
	if (start > end)
		return false;

	rtp->marker = packet[1] & 0x80;
	rtp->pt = packet[1] & 0x7f;
	rtp->seq = get16(packet + 2);
	rtp->ts = get32(packet + 4);
	rtp->ssrc = get32(packet + 8);
	rtp->payload = packet + start;
	rtp->payload_len = end - start;
	return true;
}

void gw_rtp_write(uint8_t *packet, const struct gw_rtp *rtp)
{
	packet[0] = VERSION << 6;
	packet[1] = (uint8_t)((rtp->marker ? 0x80 : 0) | (rtp->pt & 0x7f));
	put32(put32(put16(packet + 2, rtp->seq), rtp->ts), rtp->ssrc);
}

/* ---- one source ---- */

static uint32_t extended_max(const struct gw_rtp_source *src)
{
	return src->cycles + src->max_seq;
}

static uint32_t expected(const struct gw_rtp_source *src)
{
	return src->any ? extended_max(src) - src->base + 1 : 0;
}

/* Duplicates can make more arrive than were sent. */
static uint32_t lost_now(const struct gw_rtp_source *src)
{
	const uint32_t n = expected(src);

	return n > src->received ? n - src->received : 0;
}

static void start_source(struct gw_rtp_source *src, const struct gw_rtp *rtp)
{
	const struct gw_rtp_source fresh = {
		.any = true,
		.ssrc = rtp->ssrc,
		.max_seq = rtp->seq,
		.base = rtp->seq,
		.jitter = src->jitter,
		.earlier_received = gw_rtp_source_received(src),
		.earlier_lost = gw_rtp_source_lost(src),
	};

	*src = fresh;
}

/* A.1: false when seq is far off. Two packets in a row there mean that the far
 * side has started anew without a new SSRC. */
static bool place(struct gw_rtp_source *src, const struct gw_rtp *rtp)
{
	const uint16_t ahead = (uint16_t)(rtp->seq - src->max_seq);

	if (ahead < MAX_DROPOUT) {
		if (rtp->seq < src->max_seq)
			src->cycles += 1u << 16;
		src->max_seq = rtp->seq;
	} else if (ahead <= UINT16_MAX + 1 - MAX_MISORDER) {
		if (!src->has_bad_seq || rtp->seq != src->bad_seq) {
			src->has_bad_seq = true;
			src->bad_seq = (uint16_t)(rtp->seq + 1);
			return false;
		}
		start_source(src, rtp);
	}

	return true;
}

/* A.8 */
static void time_packet(struct gw_rtp_source *src, const struct gw_rtp *rtp,
			uint32_t arrival)
{
	const uint32_t transit = arrival - rtp->ts;
	const int32_t d = (int32_t)(transit - src->transit);
	/* a jump of more than a minute is a new clock, not jitter */
	const uint32_t far = 60u * 48000;
	const uint32_t size = d < 0 ? 0u - (uint32_t)d : (uint32_t)d;

	if (src->has_transit && size < far)
		src->jitter += size - ((src->jitter + 8) >> 4);
	src->transit = transit;
	src->has_transit = true;
}

bool gw_rtp_source_count(struct gw_rtp_source *src, const struct gw_rtp *rtp,
			 uint32_t arrival, bool timed)
{
	if (!src->any || src->ssrc != rtp->ssrc)
		start_source(src, rtp);
	else if (!place(src, rtp))
		return false;

	src->received++;
	if (timed)
		time_packet(src, rtp, arrival);

	return true;
}

uint32_t gw_rtp_source_received(const struct gw_rtp_source *src)
{
	return src->earlier_received + src->received;
}

uint32_t gw_rtp_source_lost(const struct gw_rtp_source *src)
{
	return src->earlier_lost + lost_now(src);
}

/* ---- RTCP ---- */

/* A.3: the share, in 1/256, of what was lost since the last report. */
static uint8_t fraction_lost(struct gw_rtp_source *src)
{
	const uint32_t want = expected(src) - src->prior_expected;
	const uint32_t got = src->received - src->prior_received;

	src->prior_expected = expected(src);
	src->prior_received = src->received;
	if (!want || got >= want)
		return 0;

	return (uint8_t)(((uint64_t)(want - got) << 8) / want);
}

static uint8_t *write_block(uint8_t *p, const struct gw_rtcp_report *report)
{
	struct gw_rtp_source *src = report->source;
	const uint32_t lost = lost_now(src);

	p = put32(p, src->ssrc);
	p = put32(p, (uint32_t)fraction_lost(src) << 24 |
			     (lost < 0x7fffff ? lost : 0x7fffff));
	p = put32(p, extended_max(src));
	p = put32(p, src->jitter >> 4);
	p = put32(p, report->last_sr);
	return put32(p, report->last_sr ? report->since_sr : 0);
}

/* The four bytes in front of each packet, once its end is known. */
static uint8_t *close_packet(uint8_t *start, uint8_t *end, unsigned count,
			     uint8_t type)
{
	start[0] = (uint8_t)(VERSION << 6 | count);
	start[1] = type;
	put16(start + 2, (uint32_t)(end - start) / 4 - 1);
	return end;
}

static uint8_t *write_sdes(uint8_t *start, const struct gw_rtcp_report *report)
{
	const size_t len = strlen(report->cname);
	uint8_t *p = put32(start + RTCP_HEADER, report->ssrc);

	*p++ = SDES_CNAME;
	*p++ = (uint8_t)len;
	memcpy(p, report->cname, len);
	p += len;
	do { /* at least one zero ends the list, then up to the next word */
		*p++ = 0;
	} while ((p - start) % 4);

	return close_packet(start, p, 1, RTCP_SOURCE);
}

size_t gw_rtcp_write(uint8_t *packet, const struct gw_rtcp_report *report)
{
	const bool block = report->source && report->source->any;
	uint8_t *p = put32(packet + RTCP_HEADER, report->ssrc);

	if (report->sender) {
		p = put32(p, (uint32_t)(report->ntp >> 32));
		p = put32(p, (uint32_t)report->ntp);
		p = put32(p, report->ts);
		p = put32(p, report->packets);
		p = put32(p, report->bytes);
	}
	if (block)
		p = write_block(p, report);

	p = close_packet(packet, p, block,
			 report->sender ? RTCP_SENDER : RTCP_RECEIVER);
	p = write_sdes(p, report);
	if (report->bye)
		p = close_packet(p, put32(p + RTCP_HEADER, report->ssrc), 1,
				 RTCP_GOODBYE);

	return (size_t)(p - packet);
}

static void read_blocks(struct gw_rtcp_news *news, const uint8_t *p, size_t len,
			unsigned count, uint32_t our_ssrc)
{
	for (; count && len >= BLOCK; count--, p += BLOCK, len -= BLOCK) {
		if (get32(p) != our_ssrc)
			continue;
		news->has_block = true;
		news->block_last_sr = get32(p + 16);
		news->block_since_sr = get32(p + 20);
	}
}

/* One packet of the compound, its header and len bytes in all. */
static void read_report(struct gw_rtcp_news *news, const uint8_t *p, size_t len,
			uint32_t our_ssrc)
{
	const unsigned count = p[0] & 0x1f;
	size_t start = RTCP_HEADER + 4;

	if (p[1] == RTCP_SENDER) {
		start += SENDER_INFO;
		if (len < start)
			return;
		news->has_sr = true;
		news->last_sr = get32(p + RTCP_HEADER + 4 + 2);
	} else if (p[1] != RTCP_RECEIVER || len < start) {
		return;
	}

	read_blocks(news, p + start, len - start, count, our_ssrc);
}

bool gw_rtcp_read(struct gw_rtcp_news *news, const uint8_t *packet, size_t len,
		  uint32_t our_ssrc)
{
	bool any = false;

	memset(news, 0, sizeof(*news));

	while (len >= RTCP_HEADER) {
		const size_t size = 4u * (get16(packet + 2) + 1u);

		if (packet[0] >> 6 != VERSION || packet[1] < RTCP_SENDER ||
		    packet[1] > RTCP_LAST || size > len)
			break;
		read_report(news, packet, size, our_ssrc);
		any = true;
		packet += size;
		len -= size;
	}

	return any;
}
