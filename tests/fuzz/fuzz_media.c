/* What comes in on the media sockets, and WAV files: RTP, RTCP, SRTP, events,
 * streams of packets that are passed on or decoded, and sounds of any bytes stay
 * within their bounds. The first byte picks. */
#include <string.h>

#include <re.h>

#include "sip/media/dtmf.h"
#include "sip/media/ear.h"
#include "sip/media/media.h"
#include "sip/media/relay.h"
#include "sip/media/rtp.h"
#include "sip/media/secure.h"
#include "sip/media/voice.h"
#include "tests/fuzz/fuzz.h"

static void try_rtp(const uint8_t *p, size_t len)
{
	static struct gw_rtp_source source;
	static struct gw_dtmf_rx rx;
	struct gw_dtmf_event ended[2];
	struct gw_rtp rtp;
	size_t n;

	if (!gw_rtp_read(&rtp, p, len))
		return;

	ENSURE(rtp.payload >= p + GW_RTP_HEADER);
	ENSURE(rtp.payload + rtp.payload_len <= p + len);
	ENSURE(rtp.pt < 128);

	(void)gw_rtp_source_count(&source, &rtp, rtp.ssrc, rtp.marker);
	n = gw_dtmf_receive(&rx, ended, rtp.ts, rtp.payload, rtp.payload_len,
			    8000);
	ENSURE(n <= 2);
	while (n--)
		ENSURE(gw_dtmf_event_of(ended[n].digit) >= 0);
}

static void try_rtcp(const uint8_t *p, size_t len)
{
	struct gw_rtcp_news news;

	if (!gw_rtcp_read(&news, p, len, 0x01020304))
		ENSURE(!news.has_sr && !news.has_block);
}

static void try_wav(const uint8_t *p, size_t len)
{
	struct gw_sound *sound = NULL;
	const char *why = NULL;
	const int err = gw_sound_from_wav(&sound, p, len, &why);

	ENSURE(!err == !why && !err == !!sound);
	mem_deref(sound);
}

/* No forgery is taken, and what is sealed comes out as it was. */
static void try_secure(const uint8_t *p, size_t len)
{
	static const struct gw_media_srtp keys = { .tx = "one", .rx = "two" };
	static const struct gw_media_srtp far = { .tx = "two", .rx = "one" };
	uint8_t packet[2048 + GW_SECURE_ROOM];
	struct gw_secure *a = NULL, *b = NULL;
	size_t n = len < 2048 ? len : 2048;
	const size_t was = n;

	if (gw_secure_alloc(&a, &keys) || gw_secure_alloc(&b, &far))
		abort();
	memcpy(packet, p, n);
	ENSURE(!gw_secure_rtp_in(b, packet, &n));
	memcpy(packet, p, n);
	ENSURE(!gw_secure_rtcp_in(b, packet, &n));
	ENSURE(n == was);

	memcpy(packet, p, n);
	if (gw_secure_rtp_out(a, packet, &n)) {
		ENSURE(gw_secure_rtp_in(b, packet, &n));
		ENSURE(n == was && !memcmp(packet, p, n));
	}
	n = was;
	memcpy(packet, p, n);
	if (gw_secure_rtcp_out(a, packet, &n)) {
		ENSURE(gw_secure_rtcp_in(b, packet, &n));
		ENSURE(n == was && !memcmp(packet, p, n));
	}
	mem_deref(a);
	mem_deref(b);
}

static void on_packet(const uint8_t *payload, size_t len, void *arg)
{
	(void)payload;
	(void)arg;
	ENSURE(len <= GW_PACKET_FRAMES_MAX * GW_FRAME_BYTES_MAX);
}

static void on_sound(const int16_t *samples, size_t count, uint32_t rate,
		     void *arg)
{
	ENSURE(count && count <= GW_PIECE_MAX);
	gw_voice_put(arg, samples, count, rate, on_packet, NULL);
}

static void on_pause(uint32_t samples, uint32_t rate, bool fresh, void *arg)
{
	ENSURE(!fresh || !samples);
	gw_voice_flush(arg, &samples, rate, on_packet, NULL);
}

/* Steps of number and time, a length and bytes, again and again: a stream that is
 * passed on, decoded, and made into packets of another codec. */
static void try_stream(const uint8_t *p, size_t len)
{
	static const char *const names[] = { "PCMA", "GSM", "G722", "G726-24",
					     "opus" };
	static struct gw_voice voice;
	static bool started;
	struct gw_ear ear = { 0 };
	struct gw_relay relay = { 0 };
	struct gw_media_codec codec = { .clock_rate = 8000 };
	struct gw_relay_now now = { .clock_rate = 8000 };
	const struct gw_ear_to to = { on_sound, on_pause, &voice };
	struct gw_rtp rtp = { 0 }, out;

	if (len < 2 || (!started && gw_convert_start()))
		return;
	started = true;
	str_ncpy(codec.name, names[p[0] % 5], sizeof(codec.name));
	if (p[0] % 5 == 4)
		codec.clock_rate = 48000;
	gw_voice_codec(&voice, names[p[1] % 5], 1 + p[1] % 3);

	for (p += 2, len -= 2; len >= 4;) {
		const size_t most = 4u * p[3];

		rtp.seq = (uint16_t)(rtp.seq + (int8_t)p[0]);
		rtp.ts += 40 * (uint32_t)(int8_t)p[1];
		rtp.ssrc = p[2] == 255;
		now.us += 1000 * p[2];
		rtp.payload = p + 4;
		rtp.payload_len = len - 4 < most ? len - 4 : most;
		out = rtp;
		(void)gw_relay_map(&relay, &out, &now);
		gw_ear_take(&ear, &codec, &rtp, &to);
		p += 4 + rtp.payload_len;
		len -= 4 + rtp.payload_len;
	}

	gw_ear_close(&ear);
	gw_voice_close(&voice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(const uint8_t *p, size_t len) = {
		try_rtp, try_rtcp, try_wav, try_secure, try_stream,
	};

	if (size)
		tries[data[0] % 5](data + 1, size - 1);

	return 0;
}
