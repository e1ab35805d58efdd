/* Offers of browsers, as they are and as they must not be, and the answers to them.
 * What real browsers have offered stands in tests/fuzz/seeds/offer/. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <re.h>

#include "sip/sdp_browser.h"
#include "tests/test.h"

static const char *const codecs[] = { "PCMA", "GSM", "telephone-event" };

static int read_with(struct gw_sdp_browser *offer, const char *sdp,
		     const char *const *list, size_t count, const char **whyp)
{
	*whyp = NULL;
	return gw_sdp_browser_read(offer, sdp, strlen(sdp), list, count, whyp);
}

static int real_offer(char *sdp, size_t size, const char *browser)
{
	char path[64];
	FILE *file;
	size_t n;

	(void)re_snprintf(path, sizeof(path), "tests/fuzz/seeds/offer/%s.sdp",
			  browser);
	file = fopen(path, "r");
	if (!file)
		return errno;
	n = fread(sdp, 1, size - 1, file);
	(void)fclose(file);
	sdp[n] = '\0';
	return n ? 0 : ENODATA;
}

/* A real browser, its choice of ours, and its own number for key presses. */
static const struct {
	const char *browser, *first, *codec;
	int pt, dtmf;
} choices[] = {
	{ "chromium", "PCMA", "PCMA", 8, 126 },
	{ "chromium", "opus", "opus", 111, 110 },
	{ "chromium", "G722", "G722", 9, 126 },
	/* nothing that it has: what sounds best is chosen */
	{ "chromium", "GSM", "opus", 111, 110 },
	{ "firefox", "PCMU", "PCMU", 0, 101 },
	{ "firefox", "G722", "G722", 9, 101 },
	/* its key presses keep another time than opus does */
	{ "firefox", "opus", "opus", 109, 101 },
};

static int test_sdp_browser_takes_what_real_ones_offer(void)
{
	char sdp[4096];

	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		struct gw_sdp_browser offer;
		const char *why;

		CHECK_OK(real_offer(sdp, sizeof(sdp), choices[i].browser));
		CHECK_OK(read_with(&offer, sdp, &choices[i].first, 1, &why));
		CHECK_STR(offer.codec.name, choices[i].codec);
		CHECK_INT(offer.codec.pt_tx, choices[i].pt);
		CHECK_INT(offer.codec.pt_rx, choices[i].pt);
		CHECK_INT(offer.codec.pt_dtmf_tx, choices[i].dtmf);
		CHECK_STR(offer.mid, "0");
		CHECK(offer.bundled);
		CHECK_INT(offer.stream, 0);
		CHECK_INT(offer.fingerprint.hash, GW_MEDIA_SHA256);
		CHECK_INT(offer.fingerprint.len, 32);
	}

	return 0;
}
TEST(test_sdp_browser_takes_what_real_ones_offer);

#define HASH                                                                 \
	"00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:" \
	"16:17:18:19:1A:1B:1C:1D:1E:1f"

/* The least that is an offer, line by line. */
static const char *const lines[] = {
	"v=0",
	"o=- 1 1 IN IP4 127.0.0.1",
	"s=-",
	"t=0 0",
	"a=group:BUNDLE 0",
	"m=audio 9 UDP/TLS/RTP/SAVPF 8",
	"c=IN IP4 0.0.0.0",
	"a=ice-ufrag:they",
	"a=ice-pwd:0123456789abcdefghij+/",
	"a=fingerprint:sha-256 " HASH,
	"a=setup:actpass",
	"a=mid:0",
	"a=rtcp-mux",
};

/* The least, with one line as another one, or without it (""). */
static const char *least(char *sdp, size_t size, const char *line,
			 const char *instead)
{
	size_t n = 0;

	sdp[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(lines) && n < size; i++) {
		const bool is_it = line &&
				   !strncmp(lines[i], line, strlen(line));
		const char *text = is_it ? instead : lines[i];

		if (*text)
			n += (size_t)snprintf(sdp + n, size - n, "%s\r\n",
					      text);
	}

	return sdp;
}

static const struct {
	const char *line, *instead;
	const char *why; /* words of it; NULL: it is taken */
} variants[] = {
	{ NULL, "", NULL },
	{ "v=", "", "is not SDP" },
	{ "v=", "v=1", "is not SDP" },
	{ "m=", "", "no m=audio" },
	{ "m=", "m=video 9 UDP/TLS/RTP/SAVPF 8", "no m=audio" },
	{ "m=", "m=audio 9 RTP/AVP 8", "no m=audio" },
	{ "m=", "m=audio 9 RTP/SAVPF 8", "no m=audio" },
	{ "m=", "m=audio 9 UDP/TLS/RTP/SAVP 8", NULL },
	{ "m=", "m=audio 0 UDP/TLS/RTP/SAVPF 8", "switched off" },
	{ "m=", "m=audio 9 UDP/TLS/RTP/SAVPF 13", "none of the codecs" },
	{ "a=rtcp-mux", "", "no a=rtcp-mux" },
	{ "a=rtcp-mux", "a=rtcp-mux\r\na=recvonly", "one direction" },
	{ "a=rtcp-mux", "a=rtcp-mux\r\na=inactive", "one direction" },
	{ "a=rtcp-mux", "a=rtcp-mux\r\na=sendrecv", NULL },
	{ "a=setup", "", "no a=setup" },
	{ "a=setup", "a=setup:passive", "has a=setup:passive" },
	{ "a=setup", "a=setup:holdconn", "no a=setup" },
	{ "a=setup", "a=setup:active", NULL },
	{ "a=fingerprint", "", "no a=fingerprint: nobody" },
	{ "a=fingerprint", "a=fingerprint:md5 00:01", "sha-256, sha-384" },
	{ "a=fingerprint", "a=fingerprint:sha-1 " HASH, "sha-256, sha-384" },
	{ "a=fingerprint", "a=fingerprint:sha-256 00:01", "sha-256, sha-384" },
	{ "a=fingerprint", "a=fingerprint:sha-256 " HASH ":20", "sha-256" },
	{ "a=fingerprint", "a=fingerprint:sha-512 " HASH, "sha-256" },
	{ "a=fingerprint",
	  "a=fingerprint:sha-1 00\r\na=fingerprint:SHA-256 " HASH, NULL },
	{ "a=fingerprint", "a=fingerprint:sha-512 " HASH ":" HASH, NULL },
	{ "a=ice-ufrag", "", "ice-ufrag" },
	{ "a=ice-ufrag", "a=ice-ufrag:abc", "ice-ufrag" },
	{ "a=ice-ufrag", "a=ice-ufrag:ab cd", "ice-ufrag" },
	{ "a=ice-pwd", "", "ice-pwd" },
	{ "a=ice-pwd", "a=ice-pwd:tooshort", "ice-pwd" },
	{ "a=ice-pwd", "a=ice-pwd:0123456789abcdefghij\"<", "ice-pwd" },
	{ "a=group", "a=group:BUNDLE 0\r\na=ice-lite", "ICE-lite" },
	{ "a=mid", "", NULL },
	{ "a=mid", "a=mid:<script>", "a=mid" },
	{ "a=mid",
	  "a=mid:0123456789012345678901234567890123456789"
	  "012345678901234567890123456789",
	  "a=mid" },
	{ "c=", "", "c= line" },
	{ "s=-", "s=\x01", "control characters" },
	{ "s=-", "s=\x7f", "control characters" },
	{ "s=-", "s=-\na=x", NULL },
};

static int test_sdp_browser_says_what_is_wrong(void)
{
	char sdp[1024];

	for (size_t i = 0; i < ARRAY_SIZE(variants); i++) {
		struct gw_sdp_browser offer;
		const char *why;
		const int err =
			read_with(&offer,
				  least(sdp, sizeof(sdp), variants[i].line,
					variants[i].instead),
				  codecs, ARRAY_SIZE(codecs), &why);

		if (!variants[i].why == !err &&
		    (!err || strstr(why, variants[i].why)))
			continue;
		test_fail(__FILE__, __LINE__, "%s -> %s: %s",
			  variants[i].line ? variants[i].line : "all",
			  variants[i].instead, err ? why : "taken");
		return EINVAL;
	}

	return 0;
}
TEST(test_sdp_browser_says_what_is_wrong);

/* As long as may be, and one more; and as many streams. */
static int test_sdp_browser_is_bounded(void)
{
	struct gw_sdp_browser offer;
	char sdp[GW_SDP_BROWSER_MAX + 2];
	const char *why;
	size_t n;

	(void)least(sdp, sizeof(sdp), NULL, NULL);
	n = strlen(sdp);
	memset(sdp + n, 'x', sizeof(sdp) - n);
	sdp[n] = 'a';
	sdp[n + 1] = '=';
	CHECK_OK(gw_sdp_browser_read(&offer, sdp, GW_SDP_BROWSER_MAX, codecs,
				     ARRAY_SIZE(codecs), &why));
	CHECK_ERR(gw_sdp_browser_read(&offer, sdp, GW_SDP_BROWSER_MAX + 1,
				      codecs, ARRAY_SIZE(codecs), &why),
		  ENOTSUP);

	(void)least(sdp, sizeof(sdp), NULL, NULL);
	for (int i = 0; i < 64; i++)
		(void)strncat(sdp, "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n",
			      sizeof(sdp) - strlen(sdp) - 1);
	CHECK_ERR(read_with(&offer, sdp, codecs, ARRAY_SIZE(codecs), &why),
		  ENOTSUP);
	CHECK_STR(why, "has too many m= lines");
	return 0;
}
TEST(test_sdp_browser_is_bounded);

static const struct gw_media_ice ice = { .ufrag = "abcdEFGH",
					 .pwd = "0123456789abcdef"
						"0123456789abcdef" };
static const char *const two_addresses[] = { "203.0.113.5", "2001:db8::5" };

static int answer_to(char *text, size_t size, const char *sdp)
{
	static const uint8_t certificate[GW_MEDIA_CERT_HASH] = { 0xab, 0xcd };
	const struct gw_sdp_browser_local local = {
		.session_id = 7,
		.addresses = two_addresses,
		.address_count = ARRAY_SIZE(two_addresses),
		.port = 20000,
		.ice = &ice,
		.certificate = certificate,
	};
	OWNED struct mbuf *mb = mbuf_alloc(512);
	struct gw_sdp_browser offer;
	const char *why;

	CHECK(mb);
	CHECK_OK(read_with(&offer, sdp, codecs, ARRAY_SIZE(codecs), &why));
	CHECK_OK(gw_sdp_browser_answer(mb, &local, sdp, strlen(sdp), &offer));
	CHECK(mb->end < size);
	memcpy(text, mb->buf, mb->end);
	text[mb->end] = '\0';
	return 0;
}

static int test_sdp_browser_answer(void)
{
	char offer[1024], text[2048];

	CHECK_OK(answer_to(text, sizeof(text),
			   least(offer, sizeof(offer), NULL, NULL)));
	CHECK_STR(
		text,
		"v=0\r\n"
		"o=- 7 1 IN IP4 0.0.0.0\r\n"
		"s=-\r\n"
		"c=IN IP4 0.0.0.0\r\n"
		"t=0 0\r\n"
		"a=group:BUNDLE 0\r\n"
		"a=ice-lite\r\n"
		"a=msid-semantic: WMS *\r\n"
		"m=audio 20000 UDP/TLS/RTP/SAVPF 8\r\n"
		"a=rtpmap:8 PCMA/8000\r\n"
		"c=IN IP4 203.0.113.5\r\n"
		"a=rtcp-mux\r\n"
		"a=setup:passive\r\n"
		"a=ice-ufrag:abcdEFGH\r\n"
		"a=ice-pwd:0123456789abcdef0123456789abcdef\r\n"
		"a=mid:0\r\n"
		"a=fingerprint:sha-256 AB:CD:00:00:00:00:00:00:00:00:00:00:00:"
		"00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n"
		"a=ptime:20\r\n"
		"a=msid:bellpull audio\r\n"
		"a=sendrecv\r\n"
		"a=candidate:1 1 udp 2130706431 203.0.113.5 20000 typ host\r\n"
		"a=candidate:2 1 udp 2130706175 2001:db8::5 20000 typ host\r\n"
		"a=end-of-candidates\r\n");
	return 0;
}
TEST(test_sdp_browser_answer);

/* A page that offers its camera as well gets a no for that, in its place. */
static int test_sdp_browser_declines_all_but_audio(void)
{
	char offer[1024], text[2048];

	(void)least(offer, sizeof(offer), "m=",
		    "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
		    "a=mid:v\r\n"
		    "m=audio 9 UDP/TLS/RTP/SAVPF 8");
	(void)strncat(offer,
		      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
		      "a=mid:d\r\n",
		      sizeof(offer) - strlen(offer) - 1);
	CHECK_OK(answer_to(text, sizeof(text), offer));
	CHECK(strstr(text, "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:v\r\n"));
	CHECK(strstr(text, "m=audio 20000 UDP/TLS/RTP/SAVPF 8\r\n"));
	CHECK(strstr(text, "m=application 0 UDP/DTLS/SCTP"));
	CHECK(strstr(text, "a=mid:d\r\n"));
	CHECK(strstr(text, "a=group:BUNDLE 0\r\n"));
	return 0;
}
TEST(test_sdp_browser_declines_all_but_audio);
