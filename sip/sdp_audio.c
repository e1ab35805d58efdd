/* What the lines of an audio section say: payloads, address, direction. */
#include "sip/sdp_audio.h"

#include "sip/sdp_crypto.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>

/* RFC 3551 6: types that need no rtpmap. Those that we can't speak are here to
 * be named in a diagnosis. */
static const struct {
	uint8_t pt;
	const char *name;
} static_types[] = {
	{ 0, "PCMU" }, { 3, "GSM" }, { 4, "G723" },  { 8, "PCMA" },
	{ 9, "G722" }, { 13, "CN" }, { 15, "G728" }, { 18, "G729" },
};

/* The bits of gw_media_direction: both sides' wishes meet by &. */
_Static_assert(GW_MEDIA_INACTIVE == 0 && GW_MEDIA_SENDONLY == 1 &&
		       GW_MEDIA_RECVONLY == 2 && GW_MEDIA_SENDRECV == 3,
	       "directions are bits");

const struct gw_sdp_direction gw_sdp_directions[GW_SDP_DIRECTIONS] = {
	[GW_MEDIA_INACTIVE] = { "inactive", GW_MEDIA_INACTIVE },
	[GW_MEDIA_SENDONLY] = { "sendonly", GW_MEDIA_RECVONLY },
	[GW_MEDIA_RECVONLY] = { "recvonly", GW_MEDIA_SENDONLY },
	[GW_MEDIA_SENDRECV] = { "sendrecv", GW_MEDIA_SENDRECV },
};

/* "IN IP4 192.0.2.1/127": a host name or address, without its TTL. */
static bool read_address(char *address, size_t size, struct gw_sdp_slice s)
{
	struct gw_sdp_slice net = gw_sdp_word(&s, " ");
	struct gw_sdp_slice family = gw_sdp_word(&s, " ");
	struct gw_sdp_slice host = gw_sdp_word(&s, " /");

	if (!gw_sdp_is_word(&net, "IN") || (!gw_sdp_is_word(&family, "IP4") &&
					    !gw_sdp_is_word(&family, "IP6")))
		return false;

	return gw_sdp_copy_word(address, size, &host, ".-:");
}

static void read_formats(struct gw_sdp_audio *audio,
			 struct gw_sdp_slice formats)
{
	while (formats.len && audio->payload_count < GW_SDP_PAYLOADS_MAX) {
		struct gw_sdp_payload *pl =
			&audio->payloads[audio->payload_count];
		struct gw_sdp_slice fmt = gw_sdp_word(&formats, " ");
		uint32_t pt = 0;

		if (!gw_sdp_number(&pt, &fmt) || pt > 127)
			continue;

		pl->pt = (uint8_t)pt;
		pl->clock_rate = 8000;
		for (size_t i = 0; i < ARRAY_SIZE(static_types); i++) {
			if (static_types[i].pt == pt)
				(void)snprintf(pl->name, sizeof(pl->name), "%s",
					       static_types[i].name);
		}
		audio->payload_count++;
	}
}

/* "96 opus/48000/2" */
static void read_rtpmap(struct gw_sdp_audio *audio, struct gw_sdp_slice s)
{
	struct gw_sdp_slice pt_word = gw_sdp_word(&s, " ");
	struct gw_sdp_slice name = gw_sdp_word(&s, "/");
	struct gw_sdp_slice clock = gw_sdp_word(&s, "/ ");
	struct gw_sdp_slice channels = gw_sdp_word(&s, " ");
	uint32_t pt = 0, rate = 0, count = 0;

	if (!gw_sdp_number(&pt, &pt_word) || !gw_sdp_number(&rate, &clock) ||
	    !rate)
		return;
	if (channels.len && !gw_sdp_number(&count, &channels))
		return;

	for (size_t i = 0; i < audio->payload_count; i++) {
		struct gw_sdp_payload *pl = &audio->payloads[i];

		if (pl->pt == pt && gw_sdp_copy_word(pl->name, sizeof(pl->name),
						     &name, "-_.+")) {
			pl->clock_rate = rate;
			pl->channels = count;
		}
	}
}

/* "a=rtcp:53020 IN IP4 192.0.2.1" (RFC 3605); the address may be missing. */
static void read_rtcp(struct gw_sdp_audio *audio, struct gw_sdp_slice s)
{
	struct gw_sdp_slice port = gw_sdp_word(&s, " ");

	if (gw_sdp_port(&audio->rtcp_port, &port))
		(void)read_address(audio->rtcp_address,
				   sizeof(audio->rtcp_address), s);
}

static void read_attribute(struct gw_sdp_audio *audio, struct gw_sdp_slice a)
{
	for (size_t i = 0; i < GW_SDP_DIRECTIONS; i++) {
		if (gw_sdp_is_word(&a, gw_sdp_directions[i].name)) {
			audio->dir = gw_sdp_directions[i].theirs_to_us;
			return;
		}
	}

	if (gw_sdp_skip(&a, "rtpmap:"))
		read_rtpmap(audio, a);
	else if (gw_sdp_skip(&a, "ptime:"))
		(void)gw_sdp_number(&audio->ptime_ms, &a);
	else if (gw_sdp_skip(&a, "maxptime:"))
		(void)gw_sdp_number(&audio->maxptime_ms, &a);
	else if (gw_sdp_skip(&a, "rtcp:"))
		read_rtcp(audio, a);
	else if (!audio->has_crypto && gw_sdp_skip(&a, "crypto:"))
		audio->has_crypto = gw_sdp_read_crypto(&audio->crypto, a);
}

/* False: a c= line that is none. */
static bool read_lines(struct gw_sdp_audio *audio, struct gw_sdp_slice lines)
{
	struct gw_sdp_slice line;

	while (gw_sdp_next_line(&line, &lines)) {
		if (gw_sdp_skip(&line, "a="))
			read_attribute(audio, line);
		else if (gw_sdp_skip(&line, "c=") &&
			 !read_address(audio->address, sizeof(audio->address),
				       line))
			return false;
	}

	return true;
}

static bool is_unspecified(const char *address)
{
	return !strcmp(address, "0.0.0.0") || !strcmp(address, "::");
}

int gw_sdp_read_audio(struct gw_sdp_audio *audio,
		      const struct gw_sdp_section *sec,
		      struct gw_sdp_slice session)
{
	memset(audio, 0, sizeof(*audio));
	audio->dir = GW_MEDIA_SENDRECV;
	audio->rtp_port = sec->port;
	if (sec->port && sec->port < 65535)
		audio->rtcp_port = (uint16_t)(sec->port + 1);

	read_formats(audio, sec->formats);
	if (!read_lines(audio, session))
		return EBADMSG;
	audio->has_crypto = false; /* RFC 4568 4: of a stream, never of all */
	if (!read_lines(audio, sec->lines))
		return EBADMSG;
	if (!audio->address[0] && sec->port)
		return EBADMSG;

	if (!audio->rtcp_address[0])
		memcpy(audio->rtcp_address, audio->address,
		       sizeof(audio->rtcp_address));

	/* RFC 3264 8.4: the old way to put on hold */
	if (is_unspecified(audio->address))
		audio->dir &= GW_MEDIA_RECVONLY;

	return 0;
}
