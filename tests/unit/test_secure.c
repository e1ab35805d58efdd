/* SRTP and SRTCP, against libre's own as the other end. */
#include <string.h>

#include <re.h>

#include "sip/media/secure.h"
#include "tests/test.h"

static const struct gw_media_srtp ours = {
	.suite = GW_SRTP_AES_CM_128_HMAC_SHA1_80,
	.tx = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
	      "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d",
	.rx = "\xe1\xf9\x7a\x0d\x3e\x01\x8b\xe0\xd6\x4f\xa3\x2c\x06\xde\x41"
	      "\x39\x0e\xc6\x75\xad\x49\x8a\xfe\xeb\xb6\x96\x0b\x3a\xab\xe6",
};

static struct gw_media_srtp theirs_of(const struct gw_media_srtp *keys)
{
	struct gw_media_srtp other = *keys;

	memcpy(other.tx, keys->rx, sizeof(other.tx));
	memcpy(other.rx, keys->tx, sizeof(other.rx));
	return other;
}

struct packet {
	uint8_t bytes[200];
	size_t len;
};

static struct packet rtp_of(uint16_t seq, uint32_t ssrc)
{
	struct packet p = {
		.bytes = { 0x80, 0x08, (uint8_t)(seq >> 8), (uint8_t)seq, 0, 0,
			   0, 1, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16),
			   (uint8_t)(ssrc >> 8), (uint8_t)ssrc },
		.len = 52
	};

	memcpy(p.bytes + 12, "what is said here is for nobody else....", 40);
	return p;
}

static bool is_rtp_of(const struct packet *p, uint16_t seq, uint32_t ssrc)
{
	const struct packet want = rtp_of(seq, ssrc);

	return p->len == want.len && !memcmp(p->bytes, want.bytes, want.len);
}

static int libre_end(struct srtp **sp, const struct gw_media_srtp *keys,
		     bool incoming)
{
	return srtp_alloc(sp,
			  keys->suite == GW_SRTP_AES_CM_128_HMAC_SHA1_80 ?
				  SRTP_AES_CM_128_HMAC_SHA1_80 :
				  SRTP_AES_CM_128_HMAC_SHA1_32,
			  incoming ? keys->rx : keys->tx, GW_SRTP_KEY_SIZE, 0);
}

/* Across the end of the numbers, with both suites, both ways. */
static int check_rtp(enum gw_srtp_suite suite)
{
	OWNED struct gw_secure *s = NULL;
	OWNED struct srtp *to = NULL;
	OWNED struct srtp *from = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(300);
	struct gw_media_srtp keys = ours, theirs;

	CHECK(mb != NULL);
	keys.suite = suite;
	theirs = theirs_of(&keys);
	CHECK_OK(gw_secure_alloc(&s, &keys));
	CHECK_OK(libre_end(&to, &theirs, true));
	CHECK_OK(libre_end(&from, &theirs, false));

	for (uint32_t i = 0; i < 20; i++) {
		const uint16_t seq = (uint16_t)(65530 + i);
		struct packet p = rtp_of(seq, 77);

		CHECK(gw_secure_rtp_out(s, p.bytes, &p.len));
		CHECK(!memcmp(p.bytes, rtp_of(seq, 77).bytes, 12));
		CHECK(memcmp(p.bytes + 12, rtp_of(seq, 77).bytes + 12, 40));
		mb->pos = mb->end = 0;
		CHECK_OK(mbuf_write_mem(mb, p.bytes, p.len));
		mb->pos = 0;
		CHECK_OK(srtp_decrypt(to, mb));
		p.len = mb->end;
		memcpy(p.bytes, mb->buf, p.len);
		CHECK(is_rtp_of(&p, seq, 77));

		mb->pos = mb->end = 0;
		CHECK_OK(mbuf_write_mem(mb, p.bytes, p.len));
		mb->pos = 0;
		CHECK_OK(srtp_encrypt(from, mb));
		p.len = mb->end;
		memcpy(p.bytes, mb->buf, p.len);
		CHECK(gw_secure_rtp_in(s, p.bytes, &p.len));
		CHECK(is_rtp_of(&p, seq, 77));
	}
	return 0;
}

static int test_secure_rtp_meets_another_implementation(void)
{
	return check_rtp(GW_SRTP_AES_CM_128_HMAC_SHA1_80) ||
	       check_rtp(GW_SRTP_AES_CM_128_HMAC_SHA1_32);
}
TEST(test_secure_rtp_meets_another_implementation);

static int test_secure_rtcp_meets_another_implementation(void)
{
	static const uint8_t report[] = { 0x80, 201, 0, 1, 0, 0, 0, 9,
					  0x81, 202, 0, 1, 0, 0, 0, 9 };
	OWNED struct gw_secure *s = NULL;
	OWNED struct srtp *to = NULL;
	OWNED struct srtp *from = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(300);
	const struct gw_media_srtp theirs = theirs_of(&ours);

	CHECK(mb != NULL);
	CHECK_OK(gw_secure_alloc(&s, &ours));
	CHECK_OK(libre_end(&to, &theirs, true));
	CHECK_OK(libre_end(&from, &theirs, false));
	for (unsigned i = 0; i < 5; i++) {
		struct packet p = { .len = sizeof(report) };
		struct packet again;

		memcpy(p.bytes, report, sizeof(report));
		CHECK(gw_secure_rtcp_out(s, p.bytes, &p.len));
		mb->pos = mb->end = 0;
		CHECK_OK(mbuf_write_mem(mb, p.bytes, p.len));
		mb->pos = 0;
		CHECK_OK(srtcp_decrypt(to, mb));
		CHECK_INT(mb->end, sizeof(report));
		CHECK(!memcmp(mb->buf, report, sizeof(report)));

		CHECK_OK(srtcp_encrypt(from, mb));
		p.len = mb->end;
		memcpy(p.bytes, mb->buf, p.len);
		again = p;
		again.bytes[9] ^= 1;
		CHECK(!gw_secure_rtcp_in(s, again.bytes, &again.len));
		again = p;
		CHECK(gw_secure_rtcp_in(s, p.bytes, &p.len));
		CHECK_INT(p.len, sizeof(report));
		CHECK(!memcmp(p.bytes, report, sizeof(report)));
		CHECK(!gw_secure_rtcp_in(s, again.bytes, &again.len));
	}
	return 0;
}
TEST(test_secure_rtcp_meets_another_implementation);

/* Forgeries of any number and source, and what was heard before: all dropped, and
 * none of it keeps out what is genuine. */
static int test_secure_forged_and_repeated(void)
{
	OWNED struct gw_secure *s = NULL;
	OWNED struct gw_secure *far = NULL;
	const struct gw_media_srtp theirs = theirs_of(&ours);

	CHECK_OK(gw_secure_alloc(&s, &ours));
	CHECK_OK(gw_secure_alloc(&far, &theirs));
	for (uint32_t i = 0; i < 100; i++) {
		const uint16_t seq = (uint16_t)(65500 + i);
		struct packet p = rtp_of(seq, 5), again, forged;

		for (uint32_t k = 0; k < 20; k++) {
			forged = rtp_of((uint16_t)(seq + 4000 * k), 5 + k % 10);
			forged.len += 10;
			CHECK(!gw_secure_rtp_in(s, forged.bytes, &forged.len));
		}
		CHECK(gw_secure_rtp_out(far, p.bytes, &p.len));
		again = forged = p;
		forged.bytes[20] ^= 0x40;
		CHECK(!gw_secure_rtp_in(s, forged.bytes, &forged.len));
		CHECK(gw_secure_rtp_in(s, p.bytes, &p.len));
		CHECK(is_rtp_of(&p, seq, 5));
		CHECK(!gw_secure_rtp_in(s, again.bytes, &again.len));

		/* nor is a number sent twice, which would give it away */
		p = rtp_of(seq, 5);
		CHECK(!gw_secure_rtp_out(far, p.bytes, &p.len));
	}
	return 0;
}
TEST(test_secure_forged_and_repeated);

static int test_secure_late_ones_are_taken(void)
{
	static const uint16_t order[] = { 65535, 1, 0, 65534, 3, 2, 63, 5 };
	OWNED struct gw_secure *s = NULL;
	OWNED struct gw_secure *far = NULL;
	const struct gw_media_srtp theirs = theirs_of(&ours);
	struct packet late[66];

	CHECK_OK(gw_secure_alloc(&s, &ours));
	CHECK_OK(gw_secure_alloc(&far, &theirs));
	for (unsigned i = 0; i < 66; i++) {
		late[i] = rtp_of((uint16_t)(65534 + i), 5);
		CHECK(gw_secure_rtp_out(far, late[i].bytes, &late[i].len));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		struct packet *p = &late[(uint16_t)(order[i] + 2)];

		CHECK(gw_secure_rtp_in(s, p->bytes, &p->len));
		CHECK(is_rtp_of(p, order[i], 5));
	}
	return 0;
}
TEST(test_secure_late_ones_are_taken);

/* The same keys again change nothing; others do, one direction at a time. */
static int test_secure_rekey(void)
{
	OWNED struct gw_secure *s = NULL;
	OWNED struct gw_secure *far = NULL;
	struct gw_media_srtp keys = ours, theirs = theirs_of(&ours);
	struct packet p = rtp_of(65535, 5), old;

	CHECK_OK(gw_secure_alloc(&s, &keys));
	CHECK_OK(gw_secure_alloc(&far, &theirs));
	CHECK(gw_secure_rtp_out(far, p.bytes, &p.len));
	CHECK(gw_secure_rtp_in(s, p.bytes, &p.len));
	p = rtp_of(0, 5);
	CHECK(gw_secure_rtp_out(far, p.bytes, &p.len));
	old = p;
	CHECK(gw_secure_rtp_in(s, p.bytes, &p.len));

	keys.tx[3] ^= 1;
	CHECK_OK(gw_secure_rekey(s, &keys));
	CHECK(!gw_secure_rtp_in(s, old.bytes, &old.len)); /* still known */
	p = rtp_of(1, 5); /* and still in the second round of numbers */
	CHECK(gw_secure_rtp_out(far, p.bytes, &p.len));
	old = p;
	CHECK(gw_secure_rtp_in(s, p.bytes, &p.len));

	keys.rx[3] ^= 1;
	CHECK_OK(gw_secure_rekey(s, &keys));
	CHECK(!gw_secure_rtp_in(s, old.bytes, &old.len));
	theirs = theirs_of(&keys);
	CHECK_OK(gw_secure_rekey(far, &theirs));
	p = rtp_of(2, 5);
	CHECK(gw_secure_rtp_out(far, p.bytes, &p.len));
	CHECK(gw_secure_rtp_in(s, p.bytes, &p.len));
	CHECK(is_rtp_of(&p, 2, 5));
	return 0;
}
TEST(test_secure_rekey);

/* What ends before it should is no packet. */
static int test_secure_short_packets(void)
{
	OWNED struct gw_secure *s = NULL;

	CHECK_OK(gw_secure_alloc(&s, &ours));
	for (size_t len = 0; len < 40; len++) {
		struct packet p = rtp_of(1, 1);

		p.bytes[0] = 0x9f; /* fifteen sources and an extension */
		p.len = len;
		CHECK(!gw_secure_rtp_in(s, p.bytes, &p.len));
		p.len = len;
		CHECK(!gw_secure_rtp_out(s, p.bytes, &p.len));
		p.len = len;
		CHECK(!gw_secure_rtcp_in(s, p.bytes, &p.len));
	}
	return 0;
}
TEST(test_secure_short_packets);
