/* The answer to a browser's offer: of a lite agent that waits for the browser's checks
 * and for its DTLS, on one port. Of the offer it repeats payload types, mids and what
 * is declined. */
#include "sip/sdp_browser.h"

#include <arpa/inet.h>
#include <errno.h>

#include <re_types.h>
#include <re_mbuf.h>

#include "sip/sdp.h"
#include "sip/sdp_audio.h"
#include "sip/sdp_text.h"

static const char *family_of(const char *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, address, bytes) == 1  ? "IP4" :
	       inet_pton(AF_INET6, address, bytes) == 1 ? "IP6" :
							  NULL;
}

static int write_session(struct mbuf *mb,
			 const struct gw_sdp_browser_local *local,
			 const struct gw_sdp_browser *offer)
{
	int err = mbuf_printf(mb,
			      "v=0\r\n"
			      "o=- %llu 1 IN IP4 0.0.0.0\r\n"
			      "s=-\r\n"
			      "c=IN IP4 0.0.0.0\r\n"
			      "t=0 0\r\n",
			      (unsigned long long)local->session_id);

	if (!err && offer->bundled)
		err = mbuf_printf(mb, "a=group:BUNDLE %s\r\n", offer->mid);

	return err ? err :
		     mbuf_write_str(mb, "a=ice-lite\r\n"
					"a=msid-semantic: WMS *\r\n");
}

static int write_fingerprint(struct mbuf *mb,
			     const uint8_t hash[GW_MEDIA_CERT_HASH])
{
	int err = mbuf_write_str(mb, "a=fingerprint:sha-256 ");

	for (size_t i = 0; !err && i < GW_MEDIA_CERT_HASH; i++)
		err = mbuf_printf(mb, "%s%02X", i ? ":" : "", hash[i]);

	return err ? err : mbuf_write_str(mb, "\r\n");
}

/* RFC 8445 5.1.2.1: a host candidate, the first address the best one. */
static int write_candidates(struct mbuf *mb,
			    const struct gw_sdp_browser_local *local)
{
	int err = 0;

	for (size_t i = 0; !err && i < local->address_count; i++)
		err = mbuf_printf(
			mb, "a=candidate:%u 1 udp %u %s %u typ host\r\n",
			(unsigned)i + 1,
			126u << 24 | (65535u - (unsigned)i) << 8 | 255u,
			local->addresses[i], local->port);

	return err ? err : mbuf_write_str(mb, "a=end-of-candidates\r\n");
}

static int write_audio(struct mbuf *mb,
		       const struct gw_sdp_browser_local *local,
		       const struct gw_sdp_section *sec,
		       const struct gw_sdp_browser *offer)
{
	const char *address = local->addresses[0];
	int err;

	err = gw_sdp_write_chosen(mb, local->port, sec->proto, &offer->codec);
	err = err ? err :
		    mbuf_printf(mb,
				"c=IN %s %s\r\n"
				"a=rtcp-mux\r\n"
				"a=setup:passive\r\n"
				"a=ice-ufrag:%s\r\n"
				"a=ice-pwd:%s\r\n",
				family_of(address), address, local->ice->ufrag,
				local->ice->pwd);
	if (!err && offer->mid[0])
		err = mbuf_printf(mb, "a=mid:%s\r\n", offer->mid);
	err = err ? err : write_fingerprint(mb, local->certificate);
	err = err ? err :
		    mbuf_printf(mb,
				"a=ptime:%u\r\n"
				"a=msid:bellpull audio\r\n"
				"a=sendrecv\r\n",
				offer->codec.ptime_ms);
	return err ? err : write_candidates(mb, local);
}

/* Browsers tell sections by their mid, also those that are off. */
static int write_declined(struct mbuf *mb, const struct gw_sdp_section *sec)
{
	char mid[GW_SDP_MID_SIZE];
	int err = gw_sdp_write_declined(mb, sec);

	gw_sdp_browser_mid(mid, sec);
	if (!err && mid[0])
		err = mbuf_printf(mb, "a=mid:%s\r\n", mid);
	return err ? err : mbuf_write_str(mb, "a=inactive\r\n");
}

int gw_sdp_browser_answer(struct mbuf *mb,
			  const struct gw_sdp_browser_local *local,
			  const char *sdp, size_t len,
			  const struct gw_sdp_browser *offer)
{
	struct gw_sdp_slice session, rest;
	struct gw_sdp_section sec;
	int err;

	if (!local->address_count ||
	    local->address_count > GW_SDP_CANDIDATES_MAX)
		return EINVAL;
	for (size_t i = 0; i < local->address_count; i++) {
		if (!family_of(local->addresses[i]))
			return EINVAL;
	}

	err = gw_sdp_open(&session, &rest, sdp, len);
	err = err ? err : write_session(mb, local, offer);
	for (int i = 0; !err; i++) {
		err = gw_sdp_next_section(&sec, &rest);
		if (err)
			break;
		err = i == offer->stream ? write_audio(mb, local, &sec, offer) :
					   write_declined(mb, &sec);
	}

	return err == ENOENT ? 0 : err;
}
