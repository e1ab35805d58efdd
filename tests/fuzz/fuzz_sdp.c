/* Hostile SDP: what is read stays within its bounds, and the answer to whatever
 * could be read has as many m= lines as the offer, is bounded, and can itself be
 * read as an answer to the one who offered. */
#include <string.h>

#include <re.h>

#include "sip/sdp.h"
#include "tests/fuzz/fuzz.h"

static const char *const codecs[] = {
	"opus", "G722",    "PCMA", "PCMU",
	"GSM",  "G726-16", "iLBC", "telephone-event",
};

static const struct gw_sdp_local local = { .session_id = 1,
					   .version = 2,
					   .address = "192.0.2.10",
					   .rtp_port = 20000,
					   .codecs = codecs,
					   .codec_count = sizeof(codecs) /
							  sizeof(codecs[0]),
					   .dir = GW_MEDIA_SENDRECV,
					   .has_keys = true };

/* Lines that begin with m=, as a naive reader counts them. */
static size_t count_m_lines(const char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < len; i++) {
		if ((!i || p[i - 1] == '\n') && p[i] == 'm' && p[i + 1] == '=')
			n++;
	}

	return n;
}

static void check_remote(const struct gw_sdp_remote *r)
{
	ENSURE(strnlen(r->address, sizeof(r->address)) < sizeof(r->address));
	ENSURE(strnlen(r->rtcp_address, sizeof(r->rtcp_address)) <
	       sizeof(r->rtcp_address));
	ENSURE(strnlen(r->offered, sizeof(r->offered)) < sizeof(r->offered));
	ENSURE(r->stream >= -1 && r->stream < GW_SDP_STREAMS_MAX);
	ENSURE(r->has_codec == (r->stream >= 0));
	if (!r->has_codec)
		return;

	ENSURE(r->rtp_port && r->address[0]);
	ENSURE(gw_sdp_codec_find(r->codec.name));
	ENSURE(r->codec.pt_tx < 128 && r->codec.pt_rx < 128);
	ENSURE(r->codec.pt_dtmf_rx < 128 && r->codec.pt_dtmf_tx < 128);
	ENSURE(r->codec.ptime_ms >= 10 && r->codec.ptime_ms <= 120);
}

static void check_answer(const char *offer, size_t len,
			 const struct gw_sdp_remote *remote)
{
	struct mbuf *mb = mbuf_alloc(512);
	struct gw_sdp_remote back;
	const char *why = NULL;
	int err;

	ENSURE(mb && !gw_sdp_answer(mb, &local, offer, len, remote));
	ENSURE(mb->end <= GW_SDP_BODY_MAX);
	ENSURE(count_m_lines((char *)mb->buf, mb->end) ==
	       count_m_lines(offer, len));

	/* who has offered SRTP with other tags than ours gets them back */
	if (remote->secure) {
		ENSURE(remote->crypto.tag);
		mem_deref(mb);
		return;
	}

	err = gw_sdp_read(&back, (char *)mb->buf, mb->end, &local, false, &why);
	ENSURE(err == (remote->has_codec ? 0 : ENOTSUP));
	if (!err) {
		ENSURE(!strcmp(back.codec.name, remote->codec.name));
		ENSURE(back.stream == remote->stream);
		ENSURE(back.codec.pt_tx == remote->codec.pt_rx);
	}

	mem_deref(mb);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1;
	struct gw_sdp_remote remote;
	const char *why = NULL;
	bool offer;
	int err;

	if (size < 1)
		return 0;

	offer = data[0] & 1;
	err = gw_sdp_read(&remote, text, size - 1, &local, offer, &why);
	check_remote(&remote);
	ENSURE(!err || why);
	if (!err && offer)
		check_answer(text, size - 1, &remote);

	return 0;
}
