/* What the far side said about its one audio stream, and the codec that both
 * sides have. */
#include "sip/sdp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "sip/sdp_audio.h"
#include "sip/sdp_text.h"

static bool is_dtmf(const struct gw_sdp_codec *codec)
{
	return !strcmp(codec->name, GW_SDP_TELEPHONE_EVENT);
}

static bool offers_dtmf(const struct gw_sdp_local *local)
{
	for (size_t i = 0; i < local->codec_count; i++) {
		if (!strcasecmp(local->codecs[i], GW_SDP_TELEPHONE_EVENT))
			return true;
	}

	return false;
}

/* ---- choosing ---- */

static bool speaks(const struct gw_sdp_payload *pl,
		   const struct gw_sdp_codec *codec)
{
	return !strcasecmp(pl->name, codec->name) &&
	       pl->clock_rate == codec->clock_rate &&
	       (!pl->channels || pl->channels == codec->channels);
}

static const struct gw_sdp_payload *
find_payload(const struct gw_sdp_audio *audio, const struct gw_sdp_codec *codec)
{
	for (size_t i = 0; i < audio->payload_count; i++) {
		if (speaks(&audio->payloads[i], codec))
			return &audio->payloads[i];
	}

	return NULL;
}

static const struct gw_sdp_codec *ours(const struct gw_sdp_local *local,
				       size_t i)
{
	const struct gw_sdp_codec *codec = gw_sdp_codec_find(local->codecs[i]);

	return codec && !is_dtmf(codec) ? codec : NULL;
}

/* The first of ours that is theirs. */
static const struct gw_sdp_payload *
choose_by_us(const struct gw_sdp_codec **codecp,
	     const struct gw_sdp_audio *audio, const struct gw_sdp_local *local)
{
	for (size_t i = 0; i < local->codec_count; i++) {
		const struct gw_sdp_codec *codec = ours(local, i);
		const struct gw_sdp_payload *pl =
			codec ? find_payload(audio, codec) : NULL;

		if (pl) {
			*codecp = codec;
			return pl;
		}
	}

	return NULL;
}

/* The first of theirs that is ours. */
static const struct gw_sdp_payload *
choose_by_them(const struct gw_sdp_codec **codecp,
	       const struct gw_sdp_audio *audio,
	       const struct gw_sdp_local *local)
{
	for (size_t i = 0; i < audio->payload_count; i++) {
		for (size_t j = 0; j < local->codec_count; j++) {
			const struct gw_sdp_codec *codec = ours(local, j);

			if (codec && speaks(&audio->payloads[i], codec)) {
				*codecp = codec;
				return &audio->payloads[i];
			}
		}
	}

	return NULL;
}

/* RFC 4733 2.1: events at the clock rate of the sound. Many phones offer 8000
 * only, beside opus too, and mean it. */
static const struct gw_sdp_payload *
choose_dtmf(const struct gw_sdp_audio *audio, uint32_t clock_rate)
{
	const struct gw_sdp_payload *narrow = NULL;

	for (size_t i = 0; i < audio->payload_count; i++) {
		const struct gw_sdp_payload *pl = &audio->payloads[i];

		if (strcasecmp(pl->name, GW_SDP_TELEPHONE_EVENT) != 0)
			continue;
		if (pl->clock_rate == clock_rate)
			return pl;
		if (pl->clock_rate == 8000)
			narrow = pl;
	}

	return narrow;
}

static uint8_t choose_ptime(const struct gw_sdp_audio *audio)
{
	uint32_t ms = audio->ptime_ms;

	if (ms < 10 || ms > 120)
		ms = GW_SDP_PTIME_MS;
	if (audio->maxptime_ms >= 10 && ms > audio->maxptime_ms)
		ms = audio->maxptime_ms;

	return (uint8_t)ms;
}

/* In an answer their numbers are for what we send and our own, from the offer,
 * for what we receive; as answerer we take theirs for both (RFC 3264 6.1). */
static void fill_codec(struct gw_media_codec *out,
		       const struct gw_sdp_audio *audio,
		       const struct gw_sdp_payload *pl,
		       const struct gw_sdp_codec *codec,
		       const struct gw_sdp_local *local, bool offer)
{
	const struct gw_sdp_payload *dtmf =
		offers_dtmf(local) ? choose_dtmf(audio, codec->clock_rate) :
				     NULL;

	(void)snprintf(out->name, sizeof(out->name), "%s", codec->name);
	out->clock_rate = codec->clock_rate;
	out->channels = codec->channels;
	out->pt_tx = pl->pt;
	out->pt_rx = offer ? pl->pt : codec->pt;
	out->ptime_ms = choose_ptime(audio);
	if (dtmf) {
		out->pt_dtmf_tx = dtmf->pt;
		out->pt_dtmf_rx =
			offer ? dtmf->pt :
				gw_sdp_codec_find(GW_SDP_TELEPHONE_EVENT)->pt;
		out->dtmf_clock_rate = dtmf->clock_rate;
	}
}

bool gw_sdp_choose(struct gw_media_codec *out, const struct gw_sdp_audio *audio,
		   const struct gw_sdp_local *local)
{
	const struct gw_sdp_codec *codec = NULL;
	const struct gw_sdp_payload *pl = choose_by_us(&codec, audio, local);

	memset(out, 0, sizeof(*out));
	out->pt_dtmf_rx = out->pt_dtmf_tx = -1;
	if (pl)
		fill_codec(out, audio, pl, codec, local, true);
	return pl != NULL;
}

static void name_payloads(char *out, size_t size,
			  const struct gw_sdp_audio *audio)
{
	size_t pos = 0;

	for (size_t i = 0; i < audio->payload_count; i++) {
		const struct gw_sdp_payload *pl = &audio->payloads[i];
		int n;

		if (pl->name[0])
			n = snprintf(out + pos, size - pos, "%s%s",
				     pos ? ", " : "", pl->name);
		else
			n = snprintf(out + pos, size - pos, "%s%u",
				     pos ? ", " : "", pl->pt);
		if (n < 0 || (size_t)n >= size - pos) {
			out[pos] = '\0'; /* no half names */
			return;
		}
		pos += (size_t)n;
	}
}

static void fill_remote(struct gw_sdp_remote *remote,
			const struct gw_sdp_audio *audio)
{
	memcpy(remote->address, audio->address, sizeof(remote->address));
	memcpy(remote->rtcp_address, audio->rtcp_address,
	       sizeof(remote->rtcp_address));
	remote->rtp_port = audio->rtp_port;
	remote->rtcp_port = audio->rtcp_port;
	remote->dir = audio->rtp_port ? audio->dir : GW_MEDIA_INACTIVE;
	remote->hold = !(remote->dir & GW_MEDIA_SENDONLY);
	name_payloads(remote->offered, sizeof(remote->offered), audio);
}

static bool plain_rtp(const struct gw_sdp_section *sec)
{
	return !strcasecmp(sec->proto, "RTP/AVP") ||
	       !strcasecmp(sec->proto, "RTP/AVPF");
}

static bool secure_rtp(const struct gw_sdp_section *sec)
{
	return !strcasecmp(sec->proto, "RTP/SAVP");
}

/* Why the sound can't be sent this way; NULL: it can. An answer has to take up one
 * of our own lines: its tag is that of the suite. */
static const char *wrong_way(const struct gw_sdp_section *sec,
			     const struct gw_sdp_audio *audio,
			     const struct gw_sdp_local *local, bool offer)
{
	if (!plain_rtp(sec) && !secure_rtp(sec))
		return "the far side wants a transport other than RTP";
	if (local->secure && plain_rtp(sec))
		return "the far side doesn't encrypt its sound, and the line demands it";
	if (plain_rtp(sec))
		return NULL;
	if (!offer && !local->secure)
		return "the far side answers with SRTP, which was not offered";
	if (!audio->has_crypto)
		return "the far side encrypts its sound in a way that we don't know";
	if (!offer && audio->crypto.tag != (uint32_t)audio->crypto.suite + 1)
		return "the far side has chosen a key that was not offered";
	return NULL;
}

/* Looks at one m=audio: true when it is the one to take. Until one is, the
 * first that was seen stays in remote, for the diagnosis. */
static bool take_audio(struct gw_sdp_remote *remote,
		       const struct gw_sdp_section *sec,
		       const struct gw_sdp_audio *audio,
		       const struct gw_sdp_local *local, bool offer,
		       const char **whyp)
{
	const struct gw_sdp_codec *codec = NULL;
	const struct gw_sdp_payload *pl = NULL;
	const char *why;

	if (!remote->offered[0])
		fill_remote(remote, audio);

	if (!sec->port) {
		*whyp = "the far side switched the audio off (m=audio 0)";
		return false;
	}
	why = wrong_way(sec, audio, local, offer);
	if (why) {
		*whyp = why;
		return false;
	}

	pl = offer ? choose_by_us(&codec, audio, local) :
		     choose_by_them(&codec, audio, local);
	remote->no_common_codec = !pl;
	if (!pl) {
		*whyp = "no common codec";
		return false;
	}

	memset(remote->offered, 0, sizeof(remote->offered));
	fill_remote(remote, audio);
	fill_codec(&remote->codec, audio, pl, codec, local, offer);
	remote->has_codec = true;
	remote->can_send = codec->can_send;
	remote->secure = secure_rtp(sec);
	if (remote->secure)
		remote->crypto = audio->crypto;
	return true;
}

int gw_sdp_read(struct gw_sdp_remote *remote, const char *sdp, size_t len,
		const struct gw_sdp_local *local, bool offer, const char **whyp)
{
	struct gw_sdp_slice session, rest;
	struct gw_sdp_section sec;
	bool on = false;
	int err, i;

	memset(remote, 0, sizeof(*remote));
	remote->codec.pt_dtmf_rx = remote->codec.pt_dtmf_tx = -1;
	remote->stream = -1;
	remote->hold = true;
	*whyp = "there is no audio in the far side's SDP";

	err = gw_sdp_open(&session, &rest, sdp, len);
	for (i = 0; !err; i++) {
		struct gw_sdp_audio audio;

		err = gw_sdp_next_section(&sec, &rest);
		if (err)
			break;
		if (i >= GW_SDP_STREAMS_MAX) {
			err = EBADMSG;
			break;
		}
		if (remote->stream >= 0 || strcasecmp(sec.media, "audio") != 0)
			continue;

		err = gw_sdp_read_audio(&audio, &sec, session);
		if (err)
			break;
		on = on || sec.port;
		if (take_audio(remote, &sec, &audio, local, offer, whyp))
			remote->stream = i;
	}

	if (err != ENOENT) {
		*whyp = "the far side's SDP can't be read";
		return EBADMSG;
	}
	if (remote->stream >= 0) {
		*whyp = NULL;
		return 0;
	}
	if (offer && remote->offered[0] && !on)
		return 0;

	return ENOTSUP;
}
