/* One port over loopback: echo, digits, what is lost, strangers and silence. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "tests/test.h"
#include "tests/unit/media_world.h"

static int test_media_port_echo_sends_the_same_payload(void)
{
	static struct side side;
	static struct plain_phone phone;
	static const uint8_t spoken[] = "what was said, word for word";

	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	/* no converter, so what comes back is the echo and nothing else */
	CHECK_OK(side_talks_to(&side, phone.number, "iLBC", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_echo(side.port, true));
	for (uint16_t i = 0; i < 3; i++) {
		CHECK_OK(plain_says(&phone, side.number, 96,
				    (uint16_t)(65534 + i), 1000 + 160u * i,
				    spoken, sizeof(spoken)));
		CHECK_OK(plain_waits_for(&phone, i + 1u));
		CHECK_INT(phone.last.payload_len, sizeof(spoken));
		CHECK(!memcmp(phone.payload, spoken, sizeof(spoken)));
		CHECK_INT((uint16_t)(phone.last.seq - phone.first_seq), i);
		CHECK_INT(phone.last.ts - phone.first_ts, 160 * i);
		CHECK(phone.last.ssrc != MEDIA_PHONE_SSRC);
		CHECK_INT(phone.last.marker, i == 0);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_echo_sends_the_same_payload,
		 "waits for a thread");

static int test_media_port_digits_arrive_once(void)
{
	static struct side a, b;

	if (media_world_start() || two_sides_talk(&a, &b, "PCMU"))
		return 1;

	CHECK_OK(gw_media_dtmf(a.port, '1', 60));
	CHECK_OK(gw_media_dtmf(a.port, '#', 0));
	CHECK_OK(gw_media_dtmf(a.port, 'd', 40));
	CHECK_ERR(gw_media_dtmf(a.port, 'x', 0), EINVAL);
	CHECK_OK(side_wait(&b, GW_MEDIA_DTMF, 3));
	CHECK_STR(b.digits, "1#D");
	CHECK_INT(b.digit_ms, 40);
	CHECK_INT(a.facts[GW_MEDIA_DTMF], 0);
	if (side_stats(&b))
		return 1;
	CHECK_INT(b.stats.lost, 0);
	CHECK_INT(b.facts[GW_MEDIA_DTMF], 3);
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_digits_arrive_once, "waits for a thread");

/* An event whose three ends are lost is ended by the timer. */
static int test_media_port_digit_with_a_lost_end(void)
{
	static const uint8_t event[] = { 5, 10, 0x03, 0x20 };
	static struct side side;
	static struct plain_phone phone;

	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMU", GW_MEDIA_SENDRECV));
	CHECK_OK(plain_waits_for(&phone, 1));
	CHECK_OK(plain_says(&phone, side.number, 101, 1, 160, event, 4));
	CHECK_OK(side_wait(&side, GW_MEDIA_DTMF, 1));
	CHECK_STR(side.digits, "5");
	CHECK_INT(side.digit_ms, 100);
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_digit_with_a_lost_end, "waits for a thread");

static int test_media_port_counts_what_is_lost(void)
{
	static struct side side;
	static struct plain_phone phone;

	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_RECVONLY));
	if (side_stats(&side))
		return 1;
	CHECK(!side.stats.any);

	/* 100 across the end of the numbers, each tenth lost, one twice */
	for (uint16_t i = 0; i < 100; i++) {
		if (i % 10 != 5)
			CHECK_OK(plain_says_voice(&phone, side.number,
						  (uint16_t)(65500 + i)));
	}
	CHECK_OK(side_wait_received(&side, 90));
	CHECK_INT(side.stats.received, 90);
	CHECK_INT(side.stats.lost, 10);
	CHECK_INT(side.stats.sent, 0); /* recvonly */

	CHECK_OK(plain_says_voice(&phone, side.number, 65505)); /* late */
	CHECK_OK(side_wait_received(&side, 91));
	CHECK_INT(side.stats.lost, 9);
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_counts_what_is_lost, "waits for a thread");

static int test_media_port_latches_once_and_refuses_strangers(void)
{
	static struct side side;
	static struct plain_phone named, nat, second, stranger;

	if (media_world_start() || side_open(&side) || plain_open(&named) ||
	    plain_open(&nat) || plain_open(&second) ||
	    plain_open_at(&stranger, "127.0.0.2"))
		return 1;

	CHECK_OK(side_talks_to(&side, named.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(plain_waits_for(&named, 1));

	CHECK_OK(plain_says_voice(&stranger, side.number, 100));
	CHECK_OK(plain_says_voice(&nat, side.number, 1));
	CHECK_OK(plain_waits_for(&nat, 2)); /* and we follow it there */
	CHECK_OK(plain_says_voice(&second, side.number, 2));
	CHECK_OK(plain_says_voice(&named, side.number, 3));
	CHECK_OK(plain_says_voice(&stranger, side.number, 4));
	CHECK_OK(plain_says_voice(&nat, side.number, 2));
	CHECK_OK(side_wait_received(&side, 2));
	CHECK_INT(side.stats.received, 2);
	CHECK_INT(side.stats.lost, 0);
	CHECK_INT(second.packets, 0);
	CHECK_INT(stranger.packets, 0);

	/* a new place named by the far side is believed again */
	CHECK_OK(
		side_talks_to(&side, second.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(plain_waits_for(&second, 1));
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_latches_once_and_refuses_strangers,
		 "waits for a thread");

/* A phone behind NAT names a private address; its packets come from where its
 * signalling does. */
static int test_media_port_latches_onto_the_signalling_address(void)
{
	static struct side side;
	static struct plain_phone named, nat, stranger;
	struct sa signalling;

	if (media_world_start() || side_open(&side) || plain_open(&named) ||
	    plain_open_at(&nat, "127.0.0.2") ||
	    plain_open_at(&stranger, "127.0.0.3"))
		return 1;

	CHECK_OK(side_talks_to(&side, named.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(plain_waits_for(&named, 1));
	CHECK_OK(plain_says_voice(&nat, side.number, 1)); /* not known yet */
	CHECK_OK(plain_says_voice(&named, side.number, 2));
	CHECK_OK(side_wait_received(&side, 1));
	CHECK_INT(nat.packets, 0);

	CHECK_OK(sa_set_str(&signalling, "127.0.0.2", 5060));
	CHECK_OK(gw_media_latch(side.port, &signalling));
	CHECK_OK(plain_says_voice(&stranger, side.number, 3));
	CHECK_OK(plain_says_voice(&nat, side.number, 3));
	CHECK_OK(plain_waits_for(&nat, 2)); /* and we follow it there */
	CHECK_OK(plain_says_voice(&stranger, side.number, 4));
	CHECK_OK(plain_says_voice(&named, side.number, 4)); /* once only */
	CHECK_OK(plain_says_voice(&nat, side.number, 4));
	CHECK_OK(side_wait_received(&side, 3));
	if (side_stats(&side))
		return 1;
	CHECK_INT(side.stats.received, 3);
	CHECK_INT(stranger.packets, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_latches_onto_the_signalling_address,
		 "waits for a thread");

static int test_media_port_stall_and_resume(void)
{
	static struct side side;
	static struct plain_phone phone;

	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_watch(side.port, 50));
	CHECK_OK(side_wait(&side, GW_MEDIA_STALLED, 1));
	CHECK_OK(plain_says_voice(&phone, side.number, 1));
	CHECK_OK(side_wait(&side, GW_MEDIA_RESUMED, 1));
	CHECK_OK(side_wait(&side, GW_MEDIA_STALLED, 2));
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_stall_and_resume, "waits for a thread");

static int test_media_port_codec_without_converter(void)
{
	static struct side side;
	static struct plain_phone phone;
	OWNED struct gw_sound *sound = media_sine(8000, 100);

	CHECK(sound != NULL);
	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(side_talks_to(&side, phone.number, "iLBC", GW_MEDIA_SENDRECV));
	CHECK_OK(side_wait(&side, GW_MEDIA_PLAY_ENDED, 1));
	CHECK_INT(side.err, ENOTSUP);
	CHECK_ERR(gw_media_play(side.port, sound), ENOTSUP);
	CHECK_OK(plain_says_voice(&phone, side.number, 1));
	CHECK_OK(side_wait_received(&side, 1));
	CHECK_INT(side.stats.sent, 0);

	/* digits need no converter */
	CHECK_OK(gw_media_dtmf(side.port, '7', 40));
	CHECK_OK(plain_waits_for(&phone, 4));
	CHECK_INT(phone.last.pt, 101);

	media_world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_port_codec_without_converter, "waits for a thread");
