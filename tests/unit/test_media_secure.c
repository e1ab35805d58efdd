/* Joined ports of which one, or both, speak SRTP. */
#include <string.h>

#include <re.h>

#include "sip/media/secure.h"
#include "tests/test.h"
#include "tests/unit/media_pair.h"

static struct gw_media_srtp keys_of(uint8_t seed, bool far)
{
	struct gw_media_srtp keys = { 0 };

	for (unsigned i = 0; i < GW_SRTP_KEY_SIZE; i++) {
		(far ? keys.rx : keys.tx)[i] = (uint8_t)(seed + i);
		(far ? keys.tx : keys.rx)[i] = (uint8_t)(2 * seed + i);
	}

	return keys;
}

/* A phone that speaks SRTP: one plain phone's socket, sealed. */
static struct gw_secure *seal;
static unsigned opened, refused;
static uint8_t last_byte;
static uint16_t last_len;

static void hears_sealed(const struct sa *src, struct mbuf *mb, void *arg)
{
	size_t len = mbuf_get_left(mb);

	(void)src;
	(void)arg;
	if (!gw_secure_rtp_in(seal, mbuf_buf(mb), &len)) {
		refused++;
		return;
	}
	opened++;
	last_byte = mbuf_buf(mb)[12];
	last_len = (uint16_t)(len - 12);
}

static void close_seal(void *arg)
{
	(void)arg;
	seal = mem_deref(seal);
}

static int says_sealed(struct pair_phone *phone, uint8_t mark, bool forged)
{
	const struct gw_rtp rtp = { .pt = 96,
				    .seq = phone->seq++,
				    .ts = phone->ts,
				    .ssrc = MEDIA_PHONE_SSRC };
	const struct sa dst = media_loopback(phone->side.number);
	uint8_t packet[12 + 160 + GW_SECURE_ROOM];
	struct mbuf mb = { .buf = packet, .size = sizeof(packet), .end = 172 };

	phone->ts += 160;
	memset(packet, 0xd5, sizeof(packet));
	packet[12] = mark;
	gw_rtp_write(packet, &rtp);
	CHECK(gw_secure_rtp_out(seal, packet, &mb.end));
	if (forged)
		packet[40] ^= 1;
	CHECK_OK(udp_send(phone->plain.sock, &dst, &mb));
	if (forged)
		return 0;

	/* and once more, which is a replay */
	return udp_send(phone->plain.sock, &dst, &mb);
}

static bool has_byte(void *arg)
{
	return last_byte == *(const uint8_t *)arg && last_len;
}

static bool has_opened(void *arg)
{
	(void)arg;
	return opened > 0;
}

static int secure_phone(struct pair *pair, uint8_t seed)
{
	const struct gw_media_srtp near = keys_of(seed, false);
	const struct gw_media_srtp far = keys_of(seed, true);

	opened = refused = last_byte = 0;
	last_len = 0;
	test_later(close_seal, NULL);
	CHECK_OK(gw_secure_alloc(&seal, &far));
	udp_handler_set(pair->a.plain.sock, hears_sealed, NULL);
	CHECK_OK(gw_media_secure(pair->a.side.port, &near));
	CHECK_OK(pair_remote(&pair->a, GW_MEDIA_SENDRECV));
	CHECK_OK(side_stats(&pair->a.side));
	return 0;
}

/* One side of the bridge is sealed; what goes over it is the same. */
static int bridge(const char *codec_a, const char *codec_b)
{
	static struct pair pair;
	uint8_t voice[160], mark = 9;

	if (pair_join(&pair, codec_a, codec_b) || secure_phone(&pair, 3))
		return 1;

	CHECK_OK(says_sealed(&pair.a, 1, false));
	CHECK_OK(says_sealed(&pair.a, 2, true));
	CHECK_OK(says_sealed(&pair.a, 3, false));
	CHECK_OK(side_wait_received(&pair.a.side, 2));
	for (uint8_t i = 4; i < 12; i++)
		CHECK_OK(says_sealed(&pair.a, i, false));
	CHECK_OK(side_wait_received(&pair.a.side, 10));

	memset(voice, 0xd5, sizeof(voice));
	voice[0] = mark;
	if (!strcmp(codec_a, codec_b)) {
		CHECK_OK(pair_wait_byte(&pair.b, 96, 11));
		for (unsigned i = 0; i < pair.b.count; i++)
			CHECK(pair.b.heard[i].payload[0] != 2);
		CHECK_OK(pair_says(&pair.b, voice, sizeof(voice)));
		CHECK_OK(test_run_until(has_byte, &mark, 5000));
		CHECK_INT(last_len, 160);
	}
	CHECK_OK(side_stats(&pair.a.side));
	CHECK_INT(pair.a.side.stats.received, 10);
	CHECK_INT(pair.a.side.stats.lost, 1);
	CHECK_OK(test_run_until(has_opened, NULL, 5000));

	/* plain again */
	CHECK_OK(gw_media_secure(pair.a.side.port, NULL));
	CHECK_OK(pair_remote(&pair.a, GW_MEDIA_SENDRECV));
	CHECK_OK(side_stats(&pair.a.side));
	CHECK_OK(pair_says(&pair.a, voice, sizeof(voice)));
	CHECK_OK(side_wait_received(&pair.a.side, 11));
	close_seal(NULL);
	pair_close(&pair);
	return 0;
}

static int test_media_secure_relayed_and_converted(void)
{
	if (media_world_start())
		return 1;

	return bridge("PCMA", "PCMA") || bridge("PCMA", "GSM");
}
TEST_WITHOUT_OOM(test_media_secure_relayed_and_converted, "waits for a thread");

/* Plain packets, even from the right place, are strangers to it, and it follows
 * none of them to another port. */
static int test_media_secure_takes_nothing_plain(void)
{
	static struct pair pair;
	static struct plain_phone stranger;

	if (media_world_start() || pair_open(&pair, "PCMA", "PCMA") ||
	    plain_open(&stranger) || secure_phone(&pair, 7))
		return 1;

	CHECK_OK(plain_says_voice(&stranger, pair.a.side.number, 1));
	CHECK_OK(plain_says_voice(&pair.a.plain, pair.a.side.number, 1));
	CHECK_OK(says_sealed(&pair.a, 1, false));
	CHECK_OK(side_wait_received(&pair.a.side, 1));
	CHECK_INT(pair.a.side.stats.received, 1);
	CHECK_INT(stranger.packets, 0);
	CHECK_INT(pair.a.side.facts[GW_MEDIA_FIRST_PACKET], 1);
	return 0;
}
TEST_WITHOUT_OOM(test_media_secure_takes_nothing_plain, "waits for a thread");
