/* Hostile offers of browsers: what is taken stays within its bounds, and the answer
 * to it has a line for each m= line, is bounded, and says nothing that only the offer
 * has said but codecs, mids and protocols. */
#include <string.h>

#include <re.h>

#include "sip/sdp_browser.h"
#include "tests/fuzz/fuzz.h"

enum { ANSWER_MAX = 2 * GW_SDP_BROWSER_MAX };

static const char *const codecs[] = { "opus", "PCMA", "telephone-event" };
static const char *const addresses[] = { "192.0.2.10", "2001:db8::10" };

static size_t count_m_lines(const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < len; i++)
		n += (!i || p[i - 1] == '\n') && p[i] == 'm' && p[i + 1] == '=';

	return n;
}

static void check_offer(const struct gw_sdp_browser *offer)
{
	ENSURE(offer->stream >= 0);
	ENSURE(strnlen(offer->mid, sizeof(offer->mid)) < sizeof(offer->mid));
	ENSURE(offer->mid[0] || !offer->bundled);
	ENSURE(offer->fingerprint.len >= 32 &&
	       offer->fingerprint.len <= GW_MEDIA_HASH_MAX);
	ENSURE(offer->codec.pt_tx < 128 && offer->codec.pt_rx < 128);
	ENSURE(offer->codec.pt_dtmf_rx < 128 && offer->codec.pt_dtmf_tx < 128);
	ENSURE(offer->codec.ptime_ms >= 10 && offer->codec.ptime_ms <= 120);
}

static void check_answer(const char *sdp, size_t len,
			 const struct gw_sdp_browser *offer)
{
	static const struct gw_media_ice ice = {
		"ufrag678", "pwd45678901234567890123456789012"
	};
	static const uint8_t certificate[GW_MEDIA_CERT_HASH];
	const struct gw_sdp_browser_local local = {
		.addresses = addresses,
		.address_count = 2,
		.port = 20000,
		.ice = &ice,
		.certificate = certificate,
	};
	struct mbuf *mb = mbuf_alloc(512);

	ENSURE(mb && !gw_sdp_browser_answer(mb, &local, sdp, len, offer));
	ENSURE(mb->end <= ANSWER_MAX);
	ENSURE(count_m_lines((char *)mb->buf, mb->end) ==
	       count_m_lines(sdp, len));
	ENSURE(!memchr(mb->buf, 0, mb->end));
	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gw_sdp_browser offer;
	const char *sdp = (const char *)data, *why = NULL;
	const int err = gw_sdp_browser_read(&offer, sdp, size, codecs,
					    ARRAY_SIZE(codecs), &why);

	if (err) {
		ENSURE(why);
	} else {
		check_offer(&offer);
		check_answer(sdp, size, &offer);
	}

	return 0;
}
