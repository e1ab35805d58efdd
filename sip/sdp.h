/* SDP offers and answers (RFC 8866, RFC 3264). Pure: text in, structs out. One
 * audio stream over RTP or SRTP with keys in the SDP (RFC 4568); all else that the
 * far side offers is declined. */
#ifndef BELLPULL_SIP_SDP_H
#define BELLPULL_SIP_SDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"

struct mbuf;

enum {
	GW_SDP_CODECS_MAX = 16,
	GW_SDP_BODY_MAX = 8192,  /* bytes that we write */
	GW_SDP_READ_MAX = 65536, /* bytes that we read  */
	GW_SDP_STREAMS_MAX = 32, /* m= lines of the far side */
};

/* The codecs this gateway can name in SDP, a table in sdp.c: static payload
 * types where RFC 3551 has them, fmtp as phones expect it. */
struct gw_sdp_codec {
	const char *name; /* "PCMA", "G726-16", "iLBC", "telephone-event" */
	uint8_t pt;       /* the number we offer */
	uint32_t clock_rate;
	uint8_t channels;
	const char *fmtp; /* or NULL */
	bool can_send;    /* a converter exists: we can make sound in it */
};
const struct gw_sdp_codec *
gw_sdp_codec_find(const char *name); /* NULL: unknown */

/* One a=crypto line. */
struct gw_sdp_crypto {
	uint32_t tag;
	enum gw_srtp_suite suite;
	uint8_t key[GW_SRTP_KEY_SIZE];
};
enum { GW_SDP_SUITES = 2 };

/* Our side of a session, kept by its leg: origin id and version (RFC 3264 8). */
struct gw_sdp_local {
	uint64_t session_id;
	uint64_t version;    /* one more for each changed body */
	const char *address; /* numeric, in c= (advertised) */
	bool ipv6;
	uint16_t rtp_port;
	const char *const
		*codecs; /* in order, telephone-event included where wanted */
	size_t codec_count;
	enum gw_media_direction dir;
	bool secure;   /* RTP/SAVP is offered, and nothing else is taken */
	bool has_keys; /* needed to offer it, and to answer who offers it */
	uint8_t keys[GW_SDP_SUITES][GW_SRTP_KEY_SIZE]; /* by gw_srtp_suite */
};

/* Writes an offer behind mb's end. Returns 0, EINVAL (no codec, or one that the
 * table doesn't have, an address that is none, or no keys) or ENOMEM. */
int gw_sdp_offer(struct mbuf *mb, const struct gw_sdp_local *local);

/* What the far side said about its one audio stream. */
struct gw_sdp_remote {
	char address[64];      /* numeric address or host name as written */
	uint16_t rtp_port;     /* 0: refused; may be odd */
	char rtcp_address[64]; /* address, unless a=rtcp says another */
	uint16_t rtcp_port; /* rtp_port + 1, unless a=rtcp says another; 0: none */
	enum gw_media_direction
		dir; /* from OUR point of view: what they let us do */
	struct gw_media_codec codec; /* chosen: first of theirs that we offered */
	bool has_codec;
	bool can_send; /* we can make sound in the chosen codec */
	bool secure;   /* SRTP: crypto is what they encrypt with; we do with our
		      * key of its suite */
	struct gw_sdp_crypto crypto;
	bool hold;            /* they don't want to hear us */
	bool no_common_codec; /* why it was ENOTSUP */
	int stream;           /* which m= line it is, from 0; -1: none */
	char offered[160];    /* names of their codecs, for the diagnosis */
};

/* Reads an answer to our offer (or, offer=true, an offer to us: then choose by
 * our order). *whyp gets a static sentence. Returns 0, EBADMSG (not SDP),
 * ENOTSUP (no common codec, or an answer that refuses the audio: remote is
 * filled as far as possible). An offer that switches the audio off (port 0) is
 * one that we can answer: 0, with rtp_port 0 and nothing to send. */
int gw_sdp_read(struct gw_sdp_remote *remote, const char *sdp, size_t len,
		const struct gw_sdp_local *local, bool offer,
		const char **whyp);

/* Answers an offer (re-INVITE of the far side) that gw_sdp_read() has read into
 * remote: every m= line of theirs gets its line, video and the rest with port 0
 * (RFC 3264 6). The direction is what both sides allow. Returns 0, EBADMSG,
 * EINVAL or ENOMEM. */
int gw_sdp_answer(struct mbuf *mb, const struct gw_sdp_local *local,
		  const char *offer, size_t offer_len,
		  const struct gw_sdp_remote *remote);

/* An address that only means something in a network of its own (RFC 1918 and
 * friends), and ours is not of that kind: nothing we send gets there. */
bool gw_sdp_private_address(const char *address, const char *ours);

#endif
