/* The media thread over loopback: what is sounded, and its ports from opening to
 * closing. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "tests/test.h"
#include "tests/unit/media_world.h"

static int test_media_silence_flows_both_ways(void)
{
	static struct side a, b;

	if (media_world_start() || two_sides_talk(&a, &b, "PCMA"))
		return 1;

	CHECK_INT(a.number % 2, 0);
	CHECK_OK(side_wait(&a, GW_MEDIA_FIRST_PACKET, 1));
	CHECK_OK(side_wait(&b, GW_MEDIA_FIRST_PACKET, 1));
	if (side_stats(&a))
		return 1;
	CHECK(a.stats.any && a.stats.received && a.stats.sent);
	CHECK(a.stats.first_packet_ms > 0);
	CHECK(a.stats.mos_x100 >= 100 && a.stats.mos_x100 <= 441);
	CHECK_INT(a.stats.lost, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_silence_flows_both_ways, "waits for a thread");

static int test_media_silence_is_a_clean_stream(void)
{
	static struct side side;
	static struct plain_phone phone;

	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(plain_waits_for(&phone, 5));
	CHECK_INT((uint16_t)(phone.last.seq - phone.first_seq),
		  phone.packets - 1);
	CHECK_INT((phone.last.ts - phone.first_ts) % 160, 0);
	CHECK_INT(phone.last.payload_len, 160);
	for (size_t i = 0; i < 160; i++)
		CHECK_INT(phone.payload[i], 0xd5);
	return 0;
}
TEST_WITHOUT_OOM(test_media_silence_is_a_clean_stream, "waits for a thread");

/* The same sine in each codec at once, from different rates of file. */
static int test_media_sound_arrives_in_every_codec(void)
{
	static const struct {
		const char *codec;
		double share;
	} rows[] = {
		{ "PCMA", 0.95 },    { "PCMU", 0.95 },   { "GSM", 0.8 },
		{ "G722", 0.95 },    { "G726-16", 0.7 }, { "G726-32", 0.95 },
		{ "G726-40", 0.95 }, { "opus", 0.8 },
	};
	static struct side sides[ARRAY_SIZE(rows)];
	static struct plain_phone phones[ARRAY_SIZE(rows)];
	OWNED struct gw_sound *sound = media_sine(44100, 300);

	CHECK(sound != NULL);
	CHECK_INT(gw_sound_duration_ms(sound), 299);
	if (media_world_start())
		return 1;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (side_open(&sides[i]) || plain_open(&phones[i]))
			return 1;
		CHECK_OK(gw_decoder_alloc(&phones[i].decoder, rows[i].codec));
		CHECK_OK(gw_media_play(sides[i].port, sound));
		CHECK_OK(side_talks_to(&sides[i], phones[i].number,
				       rows[i].codec, GW_MEDIA_SENDRECV));
	}

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t rate = gw_convert_rate(rows[i].codec);
		double share;

		CHECK_OK(side_wait(&sides[i], GW_MEDIA_PLAY_ENDED, 1));
		CHECK_INT(sides[i].err, 0);
		CHECK_OK(plain_waits_for(&phones[i], 13));
		/* without the first 40 ms, where codecs settle */
		share = media_share_at(phones[i].pcm + rate / 25, rate / 5,
				       rate, 440);
		if (share < rows[i].share) {
			test_fail(__FILE__, __LINE__, "%s: %.2f at 440 Hz",
				  rows[i].codec, share);
			return 1;
		}
	}

	media_world_stop(NULL); /* before the sound goes */
	return 0;
}
TEST_WITHOUT_OOM(test_media_sound_arrives_in_every_codec, "waits for a thread");

static int test_media_play_is_replaced_and_stopped(void)
{
	static struct side side;
	static struct plain_phone phone;
	OWNED struct gw_sound *sound = media_sine(8000, 5000);

	CHECK(sound != NULL);
	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "GSM", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(side_wait(&side, GW_MEDIA_PLAY_ENDED, 1));
	CHECK_INT(side.err, ECANCELED);
	CHECK_OK(gw_media_play(side.port, NULL));
	CHECK_OK(side_wait(&side, GW_MEDIA_PLAY_ENDED, 2));
	CHECK_OK(gw_media_play(side.port, NULL)); /* nothing to end */
	if (side_stats(&side))
		return 1;
	CHECK_INT(side.facts[GW_MEDIA_PLAY_ENDED], 2);

	media_world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_play_is_replaced_and_stopped, "waits for a thread");

static int test_media_packet_time_of_60_ms(void)
{
	static struct side side;
	static struct plain_phone phone;
	struct gw_media_codec codec = codec_of("PCMU");
	struct sa rtp;

	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	codec.ptime_ms = 60;
	rtp = media_loopback(phone.number);
	CHECK_OK(gw_media_remote(side.port, &rtp, &rtp, &codec,
				 GW_MEDIA_SENDONLY));
	CHECK_OK(plain_waits_for(&phone, 3));
	CHECK_INT(phone.last.payload_len, 480);
	CHECK_INT((phone.last.ts - phone.first_ts) % 480, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_packet_time_of_60_ms, "waits for a thread");

static int test_media_ports_used_up_and_given_back(void)
{
	static struct side sides[4];
	static struct udp_sock *taken;
	struct sa sa;

	/* somebody else has the RTCP port of one of the three pairs */
	sa = media_loopback(MEDIA_PORT_MIN + 3);
	CHECK_OK(udp_listen(&taken, &sa, NULL, NULL));
	test_later((void (*)(void *))test_deref, &taken);
	if (media_world_start_at(MEDIA_PORT_MIN - 1, MEDIA_PORT_MIN + 6))
		return 1;

	if (side_open(&sides[0]) || side_open(&sides[1]) ||
	    side_open(&sides[2]))
		return 1;
	CHECK_INT(sides[0].err, 0);
	CHECK_INT(sides[1].err, 0);
	CHECK_INT(sides[0].number + sides[1].number, 2 * MEDIA_PORT_MIN + 4);
	CHECK_INT(sides[2].err, EADDRINUSE);
	CHECK_INT(sides[2].number, 0);

	/* commands to a port that has no sockets do nothing */
	CHECK_OK(side_talks_to(&sides[2], MEDIA_PORT_MIN, "PCMA",
			       GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_dtmf(sides[2].port, '1', 0));
	CHECK_OK(gw_media_close(sides[2].port));
	CHECK_OK(side_wait(&sides[2], GW_MEDIA_STATS, 1));

	side_close(&sides[0]);
	if (side_open(&sides[3]))
		return 1;
	CHECK_INT(sides[3].err, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_ports_used_up_and_given_back, "waits for a thread");

static int test_media_close_tells_the_last_stats(void)
{
	static struct side a, b;

	if (media_world_start() || two_sides_talk(&a, &b, "opus"))
		return 1;

	CHECK_OK(side_wait(&a, GW_MEDIA_FIRST_PACKET, 1));
	CHECK_OK(gw_media_close(a.port));
	CHECK_OK(side_wait(&a, GW_MEDIA_STATS, 1));
	CHECK(a.stats.received > 0);
	CHECK_ERR(gw_media_stats(a.port), ESHUTDOWN);
	CHECK_ERR(gw_media_close(a.port), ESHUTDOWN);
	return 0;
}
TEST_WITHOUT_OOM(test_media_close_tells_the_last_stats, "waits for a thread");

static int test_media_stop_with_open_ports(void)
{
	static struct side a, b;

	if (media_world_start() || two_sides_talk(&a, &b, "PCMA"))
		return 1;

	CHECK_OK(side_wait(&b, GW_MEDIA_FIRST_PACKET, 1));
	media_world_stop(NULL);
	CHECK_ERR(gw_media_stats(a.port), ESHUTDOWN);
	return 0;
}
TEST_WITHOUT_OOM(test_media_stop_with_open_ports, "waits for a thread");

/* What is never waited for still goes away cleanly. */
static int test_media_start_open_stop(void)
{
	OWNED struct gw_media_port *port = NULL;
	const struct sa laddr = media_loopback(0);
	static struct side side;

	memset(&side, 0, sizeof(side));
	if (media_world_start())
		return 1;
	CHECK_OK(gw_media_open(&port, media_world.media, &laddr, side_fact,
			       &side));
	CHECK_OK(gw_media_echo(port, true));
	port = mem_deref(port);
	media_world_stop(NULL);
	CHECK_INT(side.facts[GW_MEDIA_OPENED], 0); /* nobody is told any more */

	if (media_world_start())
		return 1;
	CHECK_OK(gw_media_open(&port, media_world.media, &laddr, side_fact,
			       &side));
	return 0;
}
TEST(test_media_start_open_stop);

static int test_media_range_must_hold_a_pair(void)
{
	const struct gw_media_cfg none = { .port_min = 5001, .port_max = 5002 };
	struct gw_media *media = NULL;

	CHECK_ERR(gw_media_start(&media, &none, media_world_post, NULL),
		  EINVAL);
	CHECK(!media);
	return 0;
}
TEST(test_media_range_must_hold_a_pair);
