/* What comes in on the media sockets, and WAV files: RTP, RTCP, events and
 * sounds of any bytes stay within their bounds. The first byte picks. */
#include <string.h>

#include <re.h>

#include "sip/media/dtmf.h"
#include "sip/media/media.h"
#include "sip/media/rtp.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(const uint8_t *p, size_t len) = {
		try_rtp,
		try_rtcp,
		try_wav,
	};

	if (size)
		tries[data[0] % 3](data + 1, size - 1);

	return 0;
}
