/* Tones that a port plays, in its codec, and what is told of them. */
#include <errno.h>

#include <re.h>

#include "tests/test.h"
#include "tests/unit/media_pair.h"

/* The American ringback in each kind of codec, before anything else is said. */
static int test_media_tone_in_every_codec(void)
{
	static const char *const codecs[] = { "PCMA", "GSM", "G722", "G726-32",
					      "opus" };
	static struct side sides[ARRAY_SIZE(codecs)];
	static struct plain_phone phones[ARRAY_SIZE(codecs)];
	const double hz[] = { 440, 480 };

	if (media_world_start())
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		if (side_open(&sides[i]) || plain_open(&phones[i]))
			return 1;
		CHECK_OK(gw_decoder_alloc(&phones[i].decoder, codecs[i]));
		CHECK_OK(gw_media_tone(sides[i].port, GW_TONE_RINGBACK, "US"));
		CHECK_OK(side_talks_to(&sides[i], phones[i].number, codecs[i],
				       GW_MEDIA_SENDRECV));
	}
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		const uint32_t rate = gw_convert_rate(codecs[i]);
		double snr;

		CHECK_OK(plain_waits_for(&phones[i], 20));
		snr = pair_snr(phones[i].pcm + rate / 20, rate / 4, rate, hz,
			       2);
		if (snr < 6) {
			test_fail(__FILE__, __LINE__, "%s: %.1f dB", codecs[i],
				  snr);
			return 1;
		}
		CHECK_INT(sides[i].facts[GW_MEDIA_PLAY_ENDED], 0);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_media_tone_in_every_codec, "waits for a thread");

static int test_media_tone_is_told_as_promised(void)
{
	static struct side side;
	static struct plain_phone phone;
	OWNED struct gw_sound *sound = media_sine(8000, 5000);

	CHECK(sound != NULL);
	if (media_world_start() || side_open(&side) || plain_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(gw_media_tone(side.port, GW_TONE_BUSY, "de"));
	CHECK_OK(side_wait(&side, GW_MEDIA_PLAY_ENDED, 1)); /* the sound */
	CHECK_INT(side.err, ECANCELED);
	CHECK_OK(gw_media_tone(side.port, GW_TONE_BEEP, NULL));
	CHECK_OK(side_wait(&side, GW_MEDIA_PLAY_ENDED, 2)); /* the beep */
	CHECK_INT(side.err, 0);
	CHECK_OK(gw_media_tone(side.port, GW_TONE_BEEP, NULL));
	CHECK_OK(gw_media_tone(side.port, GW_TONE_NONE, NULL));
	CHECK_OK(side_wait(&side, GW_MEDIA_PLAY_ENDED, 3));
	CHECK_INT(side.err, ECANCELED);
	CHECK_OK(gw_media_tone(side.port, GW_TONE_RINGBACK, "a country"));
	CHECK_OK(gw_media_play(side.port, NULL)); /* silent again, and untold */
	if (side_stats(&side))
		return 1;
	CHECK_INT(side.facts[GW_MEDIA_PLAY_ENDED], 3);

	CHECK_OK(side_talks_to(&side, phone.number, "iLBC", GW_MEDIA_SENDRECV));
	CHECK_ERR(gw_media_tone(side.port, GW_TONE_BUSY, "de"), ENOTSUP);
	CHECK_OK(gw_media_tone(side.port, GW_TONE_NONE, NULL));
	media_world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_tone_is_told_as_promised, "waits for a thread");

/* Ringback goes before what the other side says, until it is stopped. */
static int test_media_tone_before_the_other_side(void)
{
	static struct pair pair;
	uint8_t voice[160] = { 1 };

	if (media_world_start() || pair_join(&pair, "PCMA", "PCMA"))
		return 1;

	CHECK_OK(gw_media_tone(pair.b.side.port, GW_TONE_RINGBACK, "de"));
	CHECK_OK(pair_says(&pair.a, voice, sizeof(voice)));
	CHECK_OK(side_wait_received(&pair.a.side, 1));
	CHECK_OK(pair_wait_heard(&pair.b, pair.b.count + 3));
	CHECK_OK(gw_media_tone(pair.b.side.port, GW_TONE_NONE, NULL));
	voice[0] = 2;
	CHECK_OK(pair_says(&pair.a, voice, sizeof(voice)));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 2));
	for (unsigned i = 0; i < pair.b.count; i++)
		CHECK(pair.b.heard[i].payload[0] != 1 ||
		      pair.b.heard[i].payload[1] != 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_tone_before_the_other_side, "waits for a thread");
