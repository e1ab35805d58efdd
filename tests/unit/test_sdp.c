/* Offers as phones expect them, answers as they come, and what hostile. */
#include <errno.h>
#include <stdio.h>

#include <re.h>

#include "sip/sdp.h"
#include "tests/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const seed_codecs[] = {
	"PCMA", "PCMU", "GSM", "telephone-event", "G722", "G726-16", "iLBC",
};
static const char *const wide_codecs[] = { "opus", "G722", "PCMA",
					   "telephone-event" };
static const char *const no_dtmf[] = { "PCMU" };

static struct gw_sdp_local local_with(const char *const *codecs, size_t count)
{
	const struct gw_sdp_local local = { .session_id = 1001,
					    .version = 1,
					    .address = "192.0.2.10",
					    .rtp_port = 5000,
					    .codecs = codecs,
					    .codec_count = count,
					    .dir = GW_MEDIA_SENDRECV };

	return local;
}

#define SEED local_with(seed_codecs, COUNT(seed_codecs))
#define WIDE local_with(wide_codecs, COUNT(wide_codecs))

static int read_text(struct gw_sdp_remote *remote, const char *text,
		     const struct gw_sdp_local *local, bool offer)
{
	const char *why = NULL;
	const int err =
		gw_sdp_read(remote, text, strlen(text), local, offer, &why);

	/* an error always comes with its sentence, and nothing else does */
	return !err == !why || (!err && !remote->rtp_port) ? err : -1;
}

/* Text of a buffer, for CHECK_STR; lives as long as mb. */
static const char *text_of(struct mbuf *mb)
{
	return mbuf_write_u8(mb, 0) ? "" : (const char *)mb->buf;
}

static int test_sdp_offer_in_the_order_of_the_setting(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	const struct gw_sdp_local local = SEED;

	CHECK(mb != NULL);
	CHECK_OK(gw_sdp_offer(mb, &local));
	CHECK_STR(text_of(mb), "v=0\r\n"
			       "o=- 1001 1 IN IP4 192.0.2.10\r\n"
			       "s=-\r\n"
			       "c=IN IP4 192.0.2.10\r\n"
			       "t=0 0\r\n"
			       "m=audio 5000 RTP/AVP 8 0 3 101 9 104 98\r\n"
			       "a=rtpmap:8 PCMA/8000\r\n"
			       "a=rtpmap:0 PCMU/8000\r\n"
			       "a=rtpmap:3 GSM/8000\r\n"
			       "a=rtpmap:101 telephone-event/8000\r\n"
			       "a=fmtp:101 0-16\r\n"
			       "a=rtpmap:9 G722/8000\r\n"
			       "a=fmtp:9 bitrate=64000\r\n"
			       "a=rtpmap:104 G726-16/8000\r\n"
			       "a=rtpmap:98 iLBC/8000\r\n"
			       "a=fmtp:98 mode=20\r\n"
			       "a=ptime:20\r\n"
			       "a=sendrecv\r\n");
	return 0;
}
TEST(test_sdp_offer_in_the_order_of_the_setting);

static int test_sdp_offer_opus_and_ipv6(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_sdp_local local = WIDE;
	const char *text;

	CHECK(mb != NULL);
	local.ipv6 = true;
	local.address = "2001:db8::1";
	local.dir = GW_MEDIA_SENDONLY;
	CHECK_OK(gw_sdp_offer(mb, &local));
	text = text_of(mb);
	CHECK(strstr(text, "c=IN IP6 2001:db8::1\r\n") != NULL);
	CHECK(strstr(text, "m=audio 5000 RTP/AVP 107 9 8 101\r\n") != NULL);
	CHECK(strstr(text, "a=rtpmap:107 opus/48000/2\r\n") != NULL);
	CHECK(strstr(text, "a=sendonly\r\n") != NULL);
	return 0;
}
TEST(test_sdp_offer_opus_and_ipv6);

static int test_sdp_offer_refuses_nonsense(void)
{
	static const char *const unknown[] = { "PCMA", "MP3" };
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_sdp_local local = local_with(unknown, 2);

	CHECK(mb != NULL);
	CHECK_ERR(gw_sdp_offer(mb, &local), EINVAL);
	local.codec_count = 0;
	CHECK_ERR(gw_sdp_offer(mb, &local), EINVAL);
	local.codec_count = 1;
	local.address = "pbx.example";
	CHECK_ERR(gw_sdp_offer(mb, &local), EINVAL);
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_offer_refuses_nonsense, "refused before memory");

static int test_sdp_answer_chooses_the_first_of_theirs(void)
{
	const struct gw_sdp_local local = SEED;
	struct gw_sdp_remote r;

	CHECK_OK(read_text(&r,
			   "v=0\r\no=- 1 1 IN IP4 198.51.100.7\r\ns=-\r\n"
			   "c=IN IP4 198.51.100.7\r\nt=0 0\r\n"
			   "m=audio 49171 RTP/AVP 18 0 8 96\r\n"
			   "a=rtpmap:96 telephone-event/8000\r\n"
			   "a=fmtp:96 0-15\r\na=ptime:30\r\n",
			   &local, false));
	CHECK_STR(r.address, "198.51.100.7");
	CHECK_INT(r.rtp_port, 49171); /* odd is fine */
	CHECK_INT(r.rtcp_port, 49172);
	CHECK_STR(r.rtcp_address, "198.51.100.7");
	CHECK_INT(r.dir, GW_MEDIA_SENDRECV);
	CHECK(r.has_codec && r.can_send && !r.hold);
	CHECK_STR(r.codec.name, "PCMU");
	CHECK_INT(r.codec.pt_tx, 0);
	CHECK_INT(r.codec.pt_rx, 0);
	CHECK_INT(r.codec.ptime_ms, 30);
	CHECK_INT(r.codec.pt_dtmf_tx, 96);
	CHECK_INT(r.codec.pt_dtmf_rx, 101); /* what our offer said */
	CHECK_INT(r.codec.dtmf_clock_rate, 8000);
	CHECK_STR(r.offered, "G729, PCMU, PCMA, telephone-event");
	CHECK_INT(r.stream, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_answer_chooses_the_first_of_theirs, "pure");

static int test_sdp_offer_is_chosen_from_by_our_order(void)
{
	const struct gw_sdp_local local = WIDE;
	struct gw_sdp_remote r;

	CHECK_OK(read_text(&r,
			   "v=0\nc=IN IP4 10.0.0.5\n"
			   "m=audio 4000 RTP/AVP 8 111 110 101\n"
			   "a=rtpmap:111 OPUS/48000/2\n"
			   "a=rtpmap:110 telephone-event/48000\n"
			   "a=rtpmap:101 telephone-event/8000\n",
			   &local, true));
	CHECK_STR(r.codec.name, "opus");
	CHECK_INT(r.codec.pt_tx, 111);
	CHECK_INT(r.codec.pt_rx, 111);
	CHECK_INT(r.codec.clock_rate, 48000);
	CHECK_INT(r.codec.channels, 2);
	CHECK_INT(r.codec.pt_dtmf_rx, 110);
	CHECK_INT(r.codec.dtmf_clock_rate, 48000);
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_offer_is_chosen_from_by_our_order, "pure");

static int test_sdp_levels_rtcp_and_ptime(void)
{
	const struct gw_sdp_local local = local_with(no_dtmf, 1);
	struct gw_sdp_remote r;

	CHECK_OK(read_text(&r,
			   "v=0\r\nc=IN IP4 203.0.113.1/127\r\na=sendonly\r\n"
			   "m=audio 65535 RTP/AVP 0 101\r\n"
			   "c=IN IP4 media.example\r\na=recvonly\r\n"
			   "a=ptime:60\r\na=maxptime:40\r\n"
			   "a=rtpmap:101 telephone-event/8000\r\n",
			   &local, false));
	CHECK_STR(r.address, "media.example");
	CHECK_INT(r.rtcp_port, 0);
	CHECK_INT(r.dir, GW_MEDIA_SENDONLY);
	CHECK_INT(r.codec.ptime_ms, 40);
	CHECK_INT(r.codec.pt_dtmf_rx, -1); /* we didn't ask for it */
	CHECK_INT(r.codec.pt_dtmf_tx, -1);

	CHECK_OK(read_text(&r,
			   "v=0\r\nc=IN IP6 2001:db8::7\r\n"
			   "m=audio 4000/2 RTP/AVP 0\r\n"
			   "a=rtcp:53020 IN IP4 203.0.113.9\r\na=ptime:999\r\n",
			   &local, false));
	CHECK_STR(r.address, "2001:db8::7");
	CHECK_INT(r.rtcp_port, 53020);
	CHECK_STR(r.rtcp_address, "203.0.113.9");
	CHECK_INT(r.codec.ptime_ms, 20);

	CHECK_OK(read_text(&r,
			   "v=0\r\nc=IN IP4 203.0.113.1\r\n"
			   "m=audio 4000 RTP/AVP 0\r\na=rtcp:53020\r\n",
			   &local, false));
	CHECK_INT(r.rtcp_port, 53020);
	CHECK_STR(r.rtcp_address, "203.0.113.1");
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_levels_rtcp_and_ptime, "pure");

static int test_sdp_hold(void)
{
	static const struct {
		const char *address, *attribute;
		enum gw_media_direction dir;
		bool hold;
	} rows[] = {
		{ "192.0.2.1", "", GW_MEDIA_SENDRECV, false },
		{ "192.0.2.1", "a=sendrecv\r\n", GW_MEDIA_SENDRECV, false },
		{ "192.0.2.1", "a=recvonly\r\n", GW_MEDIA_SENDONLY, false },
		{ "192.0.2.1", "a=sendonly\r\n", GW_MEDIA_RECVONLY, true },
		{ "192.0.2.1", "a=inactive\r\n", GW_MEDIA_INACTIVE, true },
		{ "0.0.0.0", "", GW_MEDIA_RECVONLY, true },
		{ "0.0.0.0", "a=inactive\r\n", GW_MEDIA_INACTIVE, true },
	};
	const struct gw_sdp_local local = SEED;
	char sdp[256];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_sdp_remote r;

		(void)snprintf(sdp, sizeof(sdp),
			       "v=0\r\nc=IN IP4 %s\r\n"
			       "m=audio 4000 RTP/AVP 8\r\n%s",
			       rows[i].address, rows[i].attribute);
		CHECK_OK(read_text(&r, sdp, &local, true));
		CHECK_INT(r.dir, rows[i].dir);
		CHECK_INT(r.hold, rows[i].hold);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_sdp_hold, "pure");

static int test_sdp_no_common_codec(void)
{
	static const char *const texts[] = {
		/* what they have isn't ours */
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 18 4 97\r\n"
		"a=rtpmap:97 speex/16000\r\n",
		/* ours by name, not by clock */
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 97\r\n"
		"a=rtpmap:97 PCMU/16000\r\n",
		/* telephone-event alone is no voice */
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 101\r\n"
		"a=rtpmap:101 telephone-event/8000\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/SAVP 8\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=video 4000 RTP/AVP 8\r\n",
		"v=0\r\n",
	};
	const struct gw_sdp_local local = SEED;
	struct gw_sdp_remote r;

	for (size_t i = 0; i < COUNT(texts); i++) {
		CHECK_ERR(read_text(&r, texts[i], &local, false), ENOTSUP);
		CHECK_ERR(read_text(&r, texts[i], &local, true), ENOTSUP);
		CHECK(!r.has_codec);
	}

	CHECK_ERR(read_text(&r, texts[0], &local, true), ENOTSUP);
	CHECK_STR(r.offered, "G729, G723, speex");
	CHECK_STR(r.address, "192.0.2.1");
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_no_common_codec, "pure");

static int test_sdp_ilbc_alone_has_no_sound_of_ours(void)
{
	const struct gw_sdp_local local = SEED;
	struct gw_sdp_remote r;

	CHECK_OK(read_text(&r,
			   "v=0\r\nc=IN IP4 192.0.2.1\r\n"
			   "m=audio 4000 RTP/AVP 97\r\n"
			   "a=rtpmap:97 iLBC/8000\r\n",
			   &local, false));
	CHECK_STR(r.codec.name, "iLBC");
	CHECK_INT(r.codec.pt_tx, 97);
	CHECK_INT(r.codec.pt_rx, 98);
	CHECK(r.has_codec && !r.can_send);
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_ilbc_alone_has_no_sound_of_ours, "pure");

static int test_sdp_port_zero(void)
{
	static const char off[] = "v=0\r\nc=IN IP4 192.0.2.1\r\n"
				  "m=audio 0 RTP/AVP 8\r\n";
	OWNED struct mbuf *mb = mbuf_alloc(64);
	const struct gw_sdp_local local = SEED;
	struct gw_sdp_remote r;

	CHECK(mb != NULL);
	CHECK_ERR(read_text(&r, off, &local, false), ENOTSUP);

	CHECK_OK(read_text(&r, off, &local, true));
	CHECK_INT(r.rtp_port, 0);
	CHECK_INT(r.dir, GW_MEDIA_INACTIVE);
	CHECK(!r.has_codec && r.hold);
	CHECK_OK(gw_sdp_answer(mb, &local, off, strlen(off), &r));
	CHECK(strstr(text_of(mb), "\r\nm=audio 0 RTP/AVP 8\r\n") != NULL);
	return 0;
}
TEST(test_sdp_port_zero);

static int test_sdp_every_m_line_gets_its_answer(void)
{
	static const char offer[] =
		"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
		"c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		"m=video 5002 RTP/AVP 99 98\r\na=rtpmap:99 H264/90000\r\n"
		"m=audio 5004 RTP/SAVP 8\r\n"
		"m=audio 5006 RTP/AVPF 18 97 8 96\r\n"
		"a=rtpmap:97 iLBC/8000\r\n"
		"a=rtpmap:96 telephone-event/8000\r\na=sendonly\r\n"
		"m=image 5008 udptl t38\r\n"
		"m=audio 5010 RTP/AVP 8\r\n";
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_sdp_local local = SEED;
	struct gw_sdp_remote r;

	CHECK(mb != NULL);
	local.version = 2;
	CHECK_OK(read_text(&r, offer, &local, true));
	CHECK_INT(r.stream, 2);
	CHECK_INT(r.rtp_port, 5006);
	CHECK_OK(gw_sdp_answer(mb, &local, offer, strlen(offer), &r));
	CHECK_STR(text_of(mb), "v=0\r\n"
			       "o=- 1001 2 IN IP4 192.0.2.10\r\n"
			       "s=-\r\n"
			       "c=IN IP4 192.0.2.10\r\n"
			       "t=0 0\r\n"
			       "m=video 0 RTP/AVP 99\r\n"
			       "m=audio 0 RTP/SAVP 8\r\n"
			       "m=audio 5000 RTP/AVPF 8 96\r\n"
			       "a=rtpmap:8 PCMA/8000\r\n"
			       "a=rtpmap:96 telephone-event/8000\r\n"
			       "a=fmtp:96 0-16\r\n"
			       "a=ptime:20\r\n"
			       "a=recvonly\r\n"
			       "m=image 0 udptl t38\r\n"
			       "m=audio 0 RTP/AVP 8\r\n");
	return 0;
}
TEST(test_sdp_every_m_line_gets_its_answer);

/* SRTP (RFC 4568) ----------------------------------------------------------- */

#define KEY_A "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd"
#define KEY_B "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9"
#define KEY_C "QEFCQ0RFRkdISUpLTE1OT1BRUlNUVVZXWFlaW1xd"

static struct gw_sdp_local with_keys(struct gw_sdp_local local, bool secure)
{
	local.secure = secure;
	local.has_keys = true;
	for (size_t i = 0; i < GW_SRTP_KEY_SIZE; i++) {
		local.keys[GW_SRTP_AES_CM_128_HMAC_SHA1_80][i] = (uint8_t)i;
		local.keys[GW_SRTP_AES_CM_128_HMAC_SHA1_32][i] =
			(uint8_t)(0x20 + i);
	}
	return local;
}

#define SECURE with_keys(local_with(no_dtmf, COUNT(no_dtmf)), true)
#define PLAIN  with_keys(local_with(no_dtmf, COUNT(no_dtmf)), false)

#define THEIRS(proto, lines)                                               \
	"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" \
	"t=0 0\r\nm=audio 4000 " proto " 0\r\n" lines

static int test_sdp_secure_offer(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_sdp_local local = SECURE;
	const char *text;

	CHECK(mb != NULL);
	CHECK_OK(gw_sdp_offer(mb, &local));
	text = text_of(mb);
	CHECK(strstr(text, "m=audio 5000 RTP/SAVP 0\r\n"));
	CHECK(strstr(
		text,
		"\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A "\r\n"
		"a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:" KEY_B "\r\n"));

	local.has_keys = false;
	CHECK_ERR(gw_sdp_offer(mb, &local), EINVAL);
	return 0;
}
TEST(test_sdp_secure_offer);

static int test_sdp_secure_answers(void)
{
	static const struct {
		const char *text;
		int err;
	} answers[] = {
		{ THEIRS("RTP/SAVP", "a=crypto:2 AES_CM_128_HMAC_SHA1_32 "
				     "inline:" KEY_C "|2^20 WSH=128\r\n"),
		  0 },
		/* not encrypted; another transport; no key at all */
		{ THEIRS("RTP/AVP", ""), ENOTSUP },
		{ THEIRS("UDP/TLS/RTP/SAVP", ""), ENOTSUP },
		{ THEIRS("RTP/SAVP", ""), ENOTSUP },
		/* a tag that isn't the suite's; one that we didn't offer */
		{ THEIRS("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_32 "
				     "inline:" KEY_C "\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP", "a=crypto:3 AES_CM_128_HMAC_SHA1_80 "
				     "inline:" KEY_C "\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVPF", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				      "inline:" KEY_C "\r\n"),
		  ENOTSUP },
		/* the key of the session is nobody's */
		{ "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
		  "c=IN IP4 192.0.2.1\r\nt=0 0\r\n"
		  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_C "\r\n"
		  "m=audio 4000 RTP/SAVP 0\r\n",
		  ENOTSUP },
		/* no lifetime; one and an MKI */
		{ THEIRS("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				     "inline:" KEY_C "|\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				     "inline:" KEY_C "|soon\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				     "inline:" KEY_C "|2^20|1:4\r\n"),
		  ENOTSUP },
		/* an MKI, two keys, a short key, no base64, a parameter */
		{ THEIRS("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				     "inline:" KEY_C "|1:4\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP",
			 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_C
			 ";inline:" KEY_A "\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				     "inline:AAECAwQF\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP",
			 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"
			 "????????????????????????????????????????\r\n"),
		  ENOTSUP },
		{ THEIRS("RTP/SAVP",
			 "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" KEY_C
			 " UNENCRYPTED_SRTP\r\n"),
		  ENOTSUP },
	};
	const struct gw_sdp_local local = SECURE;
	struct gw_sdp_remote remote;

	for (size_t i = 0; i < COUNT(answers); i++)
		CHECK_INT(read_text(&remote, answers[i].text, &local, false),
			  answers[i].err);

	CHECK_OK(read_text(&remote, answers[0].text, &local, false));
	CHECK(remote.secure);
	CHECK_INT(remote.crypto.suite, GW_SRTP_AES_CM_128_HMAC_SHA1_32);
	CHECK_INT(remote.crypto.key[0], 0x40);
	CHECK_INT(remote.crypto.key[29], 0x5d);

	/* 2^31 packets, written out */
	CHECK_OK(read_text(&remote,
			   THEIRS("RTP/SAVP",
				  "a=crypto:1 AES_CM_128_HMAC_SHA1_80 "
				  "inline:" KEY_C "|2147483648\r\n"),
			   &local, false));
	CHECK_INT(remote.crypto.suite, GW_SRTP_AES_CM_128_HMAC_SHA1_80);
	return 0;
}
TEST(test_sdp_secure_answers);

/* Who offers it is answered in kind, with the tag of the line that was taken. */
static int test_sdp_secure_offer_of_theirs(void)
{
	static const char offer[] = THEIRS(
		"RTP/SAVP",
		"a=crypto:1 AEAD_AES_256_GCM inline:" KEY_C "\r\n"
		"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_C "\r\n");
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct gw_sdp_local local = PLAIN;
	struct gw_sdp_remote remote;
	const char *text;

	CHECK(mb != NULL);
	CHECK_OK(read_text(&remote, offer, &local, true));
	CHECK(remote.secure);
	CHECK_INT(remote.crypto.suite, GW_SRTP_AES_CM_128_HMAC_SHA1_80);
	CHECK_OK(gw_sdp_answer(mb, &local, offer, strlen(offer), &remote));
	text = text_of(mb);
	CHECK(strstr(text, "m=audio 5000 RTP/SAVP 0\r\n"));
	CHECK(strstr(text,
		     "\r\na=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:" KEY_A
		     "\r\n"));
	CHECK(!strstr(text, KEY_B));

	local.has_keys = false;
	CHECK_ERR(gw_sdp_answer(mb, &local, offer, strlen(offer), &remote),
		  EINVAL);

	/* an answer may not bring in what was not offered */
	CHECK_INT(read_text(&remote, offer, &local, false), ENOTSUP);
	/* and who demands it takes no offer without */
	local = SECURE;
	CHECK_INT(read_text(&remote, THEIRS("RTP/AVP", ""), &local, true),
		  ENOTSUP);
	return 0;
}
TEST(test_sdp_secure_offer_of_theirs);

static int test_sdp_hostile_text_is_refused(void)
{
	static const char *const texts[] = {
		"",
		"v=1\r\n",
		"m=audio 4000 RTP/AVP 8\r\n",
		"v=0\r\nm=audio 4000 RTP/AVP 8\r\n", /* no address */
		"v=0\r\nc=IN IP4 a b\r\nm=audio 70000 RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio x RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio -1 RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm=a\"b 4000 RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP4 192.0.2.1\r\nm= 4000 RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP4 <script>\r\nm=audio 4000 RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP9 192.0.2.1\r\nm=audio 4000 RTP/AVP 8\r\n",
		"v=0\r\nc=IN IP4 "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaa\r\nm=audio 4000 RTP/AVP 8\r\n",
	};
	const struct gw_sdp_local local = SEED;
	struct gw_sdp_remote r;
	const char *why = NULL;
	char many[2048] = "v=0\r\nc=IN IP4 192.0.2.1\r\n";

	for (size_t i = 0; i < COUNT(texts); i++) {
		if (read_text(&r, texts[i], &local, true) != EBADMSG) {
			test_fail(__FILE__, __LINE__, "not refused: %s",
				  texts[i]);
			return 1;
		}
	}

	CHECK_ERR(gw_sdp_read(&r, "v=0\r\n\0", 6, &local, true, &why), EBADMSG);

	for (int i = 0; i <= GW_SDP_STREAMS_MAX; i++)
		strcat(many, "m=audio 4000 RTP/AVP 18\r\n");
	CHECK_ERR(read_text(&r, many, &local, true), EBADMSG);
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_hostile_text_is_refused, "pure");

static int test_sdp_private_addresses(void)
{
	static const char *const inside[] = {
		"10.1.2.3",  "172.16.0.1",  "172.31.255.1", "192.168.1.1",
		"127.0.0.1", "169.254.1.1", "100.64.0.1",   "100.127.0.1",
		"fd00::1",   "fe80::1",     "::1",
	};
	static const char *const outside[] = {
		"192.0.2.1",   "172.15.0.1", "172.32.0.1", "100.63.0.1",
		"100.128.0.1", "11.0.0.1",   "2001:db8::", "pbx.example",
	};

	for (size_t i = 0; i < COUNT(inside); i++)
		CHECK(gw_sdp_private_address(inside[i], "192.0.2.7"));
	for (size_t i = 0; i < COUNT(outside); i++)
		CHECK(!gw_sdp_private_address(outside[i], "192.0.2.7"));

	return 0;
}
TEST_WITHOUT_OOM(test_sdp_private_addresses, "pure");

/* Who is in such a network, too, may well reach it. */
static int test_sdp_private_addresses_like_ours(void)
{
	CHECK(!gw_sdp_private_address("192.168.1.1", "10.0.0.7"));
	CHECK(!gw_sdp_private_address("127.0.0.1", "127.0.0.1"));
	CHECK(!gw_sdp_private_address("fd00::1", "fd00::2"));
	CHECK(!gw_sdp_private_address("100.64.0.1", "100.64.9.9"));
	CHECK(!gw_sdp_private_address("fe80::1", "fe80::2"));
	CHECK(gw_sdp_private_address("127.0.0.1", "192.168.1.1"));
	CHECK(gw_sdp_private_address("100.64.0.1", "10.0.0.7"));
	CHECK(gw_sdp_private_address("10.0.0.1", ""));
	return 0;
}
TEST_WITHOUT_OOM(test_sdp_private_addresses_like_ours, "pure");
