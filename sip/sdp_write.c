/* What we say: an offer, or the answer to one, m= line by m= line. */
#include "sip/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>
#include <re_mbuf.h>

#include "sip/sdp_audio.h"
#include "sip/sdp_crypto.h"
#include "sip/sdp_text.h"

static int write_session(struct mbuf *mb, const struct gw_sdp_local *local)
{
	const char *family = local->ipv6 ? "IP6" : "IP4";
	unsigned char addr[sizeof(struct in6_addr)];

	if (inet_pton(local->ipv6 ? AF_INET6 : AF_INET, local->address, addr) !=
	    1)
		return EINVAL;

	return mbuf_printf(mb,
			   "v=0\r\n"
			   "o=- %llu %llu IN %s %s\r\n"
			   "s=-\r\n"
			   "c=IN %s %s\r\n"
			   "t=0 0\r\n",
			   (unsigned long long)local->session_id,
			   (unsigned long long)local->version, family,
			   local->address, family, local->address);
}

static int write_codec(struct mbuf *mb, const char *name, unsigned pt,
		       uint32_t clock_rate, unsigned channels, const char *fmtp)
{
	int err = mbuf_printf(mb, "a=rtpmap:%u %s/%u", pt, name, clock_rate);

	if (!err && channels > 1)
		err = mbuf_printf(mb, "/%u", channels);
	if (!err)
		err = mbuf_write_str(mb, "\r\n");
	if (!err && fmtp)
		err = mbuf_printf(mb, "a=fmtp:%u %s\r\n", pt, fmtp);

	return err;
}

static int write_end(struct mbuf *mb, unsigned ptime_ms,
		     enum gw_media_direction dir)
{
	return mbuf_printf(mb, "a=ptime:%u\r\na=%s\r\n", ptime_ms,
			   gw_sdp_directions[dir].name);
}

static int write_own_key(struct mbuf *mb, const struct gw_sdp_local *local,
			 enum gw_srtp_suite suite, uint32_t tag)
{
	struct gw_sdp_crypto crypto = { .tag = tag, .suite = suite };
	int err;

	memcpy(crypto.key, local->keys[suite], sizeof(crypto.key));
	err = gw_sdp_write_crypto(mb, &crypto);
	memset(&crypto, 0, sizeof(crypto));
	return err;
}

/* The longer proof of origin first; the tag is the suite's number and one. */
static int write_own_keys(struct mbuf *mb, const struct gw_sdp_local *local)
{
	int err = 0;

	for (uint32_t i = 0; !err && i < GW_SDP_SUITES; i++)
		err = write_own_key(mb, local, (enum gw_srtp_suite)i, i + 1);

	return err;
}

int gw_sdp_offer(struct mbuf *mb, const struct gw_sdp_local *local)
{
	const struct gw_sdp_codec *list[GW_SDP_CODECS_MAX] = { NULL };
	int err;

	if (!local->codec_count || local->codec_count > GW_SDP_CODECS_MAX ||
	    (local->secure && !local->has_keys))
		return EINVAL;

	err = write_session(mb, local);
	if (!err)
		err = mbuf_printf(mb, "m=audio %u RTP/%s", local->rtp_port,
				  local->secure ? "SAVP" : "AVP");

	for (size_t i = 0; !err && i < local->codec_count; i++) {
		list[i] = gw_sdp_codec_find(local->codecs[i]);
		if (!list[i])
			return EINVAL;
		err = mbuf_printf(mb, " %u", list[i]->pt);
	}
	if (!err)
		err = mbuf_write_str(mb, "\r\n");

	for (size_t i = 0; !err && i < local->codec_count; i++)
		err = write_codec(mb, list[i]->name, list[i]->pt,
				  list[i]->clock_rate, list[i]->channels,
				  list[i]->fmtp);
	if (!err && local->secure)
		err = write_own_keys(mb, local);

	return err ? err : write_end(mb, GW_SDP_PTIME_MS, local->dir);
}

int gw_sdp_write_chosen(struct mbuf *mb, uint16_t port, const char *proto,
			const struct gw_media_codec *codec)
{
	const unsigned pt = codec->pt_rx;
	const int pt_dtmf = codec->pt_dtmf_rx;
	const struct gw_sdp_codec *known = gw_sdp_codec_find(codec->name);
	const struct gw_sdp_codec *dtmf =
		gw_sdp_codec_find(GW_SDP_TELEPHONE_EVENT);
	int err;

	if (!known)
		return EINVAL;

	err = mbuf_printf(mb, "m=audio %u %s %u", port, proto, pt);
	if (!err && pt_dtmf >= 0)
		err = mbuf_printf(mb, " %d", pt_dtmf);
	if (!err)
		err = mbuf_write_str(mb, "\r\n");
	if (!err)
		err = write_codec(mb, known->name, pt, codec->clock_rate,
				  codec->channels, known->fmtp);
	if (!err && pt_dtmf >= 0)
		err = write_codec(mb, dtmf->name, (unsigned)pt_dtmf,
				  codec->dtmf_clock_rate, 1, dtmf->fmtp);

	return err;
}

/* The one stream that we take, with the codec that was chosen and no other: the
 * far side can't change it in mid-stream then. */
static int write_audio(struct mbuf *mb, const struct gw_sdp_local *local,
		       const struct gw_sdp_section *sec,
		       const struct gw_sdp_remote *remote)
{
	const struct gw_media_codec *codec = &remote->codec;
	int err;

	if (remote->secure && !local->has_keys)
		return EINVAL;

	err = gw_sdp_write_chosen(mb, local->rtp_port, sec->proto, codec);
	if (!err && remote->secure)
		err = write_own_key(mb, local, remote->crypto.suite,
				    remote->crypto.tag);

	return err ? err :
		     write_end(mb, codec->ptime_ms, local->dir & remote->dir);
}

int gw_sdp_write_declined(struct mbuf *mb, const struct gw_sdp_section *sec)
{
	struct gw_sdp_slice formats = sec->formats;
	struct gw_sdp_slice first = gw_sdp_word(&formats, " ");
	char fmt[32];

	if (!gw_sdp_copy_word(fmt, sizeof(fmt), &first, "-_.+"))
		(void)snprintf(fmt, sizeof(fmt), "0");

	return mbuf_printf(mb, "m=%s 0 %s %s\r\n", sec->media, sec->proto, fmt);
}

int gw_sdp_answer(struct mbuf *mb, const struct gw_sdp_local *local,
		  const char *offer, size_t offer_len,
		  const struct gw_sdp_remote *remote)
{
	struct gw_sdp_slice session, rest;
	struct gw_sdp_section sec;
	int err, i;

	err = gw_sdp_open(&session, &rest, offer, offer_len);
	if (err)
		return err;

	err = write_session(mb, local);
	for (i = 0; !err; i++) {
		err = gw_sdp_next_section(&sec, &rest);
		if (err)
			break;
		if (i >= GW_SDP_STREAMS_MAX)
			return EBADMSG;
		err = i == remote->stream ?
			      write_audio(mb, local, &sec, remote) :
			      gw_sdp_write_declined(mb, &sec);
	}

	return err == ENOENT ? 0 : err;
}
