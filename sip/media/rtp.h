/* RTP and RTCP as bytes (RFC 3550): headers, the statistics of one source, and
 * reports. Pure: no socket, no clock. */
#ifndef BELLPULL_SIP_MEDIA_RTP_H
#define BELLPULL_SIP_MEDIA_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_RTP_HEADER = 12,
	GW_RTCP_MAX = 128, /* bytes of what gw_rtcp_write() writes */
	GW_RTCP_CNAME = 16 /* characters */
};

struct gw_rtp {
	bool marker;
	uint8_t pt;
	uint16_t seq;
	uint32_t ts, ssrc;
	const uint8_t *payload; /* into the packet, without padding */
	size_t payload_len;
};

/* False when it is no RTP version 2 packet, or one that ends too early. */
bool gw_rtp_read(struct gw_rtp *rtp, const uint8_t *packet, size_t len);
/* Writes the GW_RTP_HEADER bytes in front of a payload. */
void gw_rtp_write(uint8_t *packet, const struct gw_rtp *rtp);

/* What came from the far side: RFC 3550 A.1, A.3, A.8. Zeroed is new. */
struct gw_rtp_source {
	bool any;
	uint32_t ssrc;
	uint16_t max_seq, bad_seq;
	bool has_bad_seq;
	uint32_t cycles, base;     /* extended sequence numbers */
	uint32_t received;         /* since base */
	uint32_t earlier_received; /* of sources before this one */
	uint32_t earlier_lost;
	uint32_t prior_expected, prior_received; /* at the last report */
	bool has_transit;
	uint32_t transit;
	uint32_t jitter; /* 16 times, in units of the RTP clock */
};

/* Counts a packet. arrival is the time it came, in units of its RTP clock;
 * timed is false for packets whose timestamp isn't the time they were sent at
 * (telephone-event). False: it doesn't belong to the sequence, drop it. */
bool gw_rtp_source_count(struct gw_rtp_source *src, const struct gw_rtp *rtp,
			 uint32_t arrival, bool timed);
uint32_t gw_rtp_source_received(const struct gw_rtp_source *src);
uint32_t gw_rtp_source_lost(const struct gw_rtp_source *src);

/* What a sender or receiver report of ours says. */
struct gw_rtcp_report {
	uint32_t ssrc;
	char cname[GW_RTCP_CNAME + 1];
	bool sender; /* SR, else RR */
	bool bye;
	uint64_t ntp; /* now, seconds since 1900 in the upper half */
	uint32_t ts, packets, bytes;
	struct gw_rtp_source *source; /* whom to report on; its interval ends */
	uint32_t last_sr;  /* middle bits of their last SR's time; 0: none */
	uint32_t since_sr; /* since it came, in 1/65536 s */
};

/* Writes a compound packet: SR or RR, SDES and, if asked, BYE. Returns its
 * length, at most GW_RTCP_MAX. */
size_t gw_rtcp_write(uint8_t *packet, const struct gw_rtcp_report *report);

/* What theirs say that we use. */
struct gw_rtcp_news {
	bool has_sr;
	uint32_t last_sr;
	bool has_block; /* a report block on our ssrc */
	uint32_t block_last_sr, block_since_sr;
};

/* Reads a compound packet. False when it is none; news is filled as far as what
 * could be read. */
bool gw_rtcp_read(struct gw_rtcp_news *news, const uint8_t *packet, size_t len,
		  uint32_t our_ssrc);

#endif
