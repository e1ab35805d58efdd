/* A port that listens for tones in what it hears, in any codec. */
#include <re.h>

#include "sip/media/ear.h"
#include "sip/media/tone.h"
#include "tests/test.h"
#include "tests/unit/media_pair.h"

/* seconds of a tone, and the silence after it, in the phone's codec. */
static int say_tone(struct pair_phone *phone, enum gw_tone tone,
		    const char *country, unsigned seconds)
{
	const uint32_t rate = gw_convert_rate(phone->codec.name);
	struct gw_tone_source source;
	int16_t pcm[GW_PIECE_MAX];
	uint8_t bytes[GW_FRAME_BYTES_MAX];

	gw_tone_start(&source, gw_tone_find(tone, country));
	if (!phone->encoder)
		CHECK_OK(gw_encoder_alloc(&phone->encoder, phone->codec.name));
	for (unsigned i = 0; i < 50 * seconds; i++) {
		size_t len = sizeof(bytes);

		(void)gw_tone_next(&source, pcm, rate / 50, rate);
		CHECK_OK(gw_encode(phone->encoder, bytes, &len, pcm));
		CHECK_OK(pair_says(phone, bytes, len));
		/* no more than a socket holds */
		if (++phone->said % 50 == 0)
			CHECK_OK(side_wait_received(&phone->side,
						    (uint32_t)phone->said));
	}
	return 0;
}

static int test_media_detect_tells_each_tone_once(void)
{
	static const char *const codecs[] = { "PCMA", "G722", "opus", "GSM" };

	if (media_world_start())
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		static struct pair pair;

		/* packets are relayed meanwhile */
		if (pair_join(&pair, codecs[i], codecs[i]))
			return 1;
		CHECK_OK(gw_media_detect(pair.a.side.port, true));
		CHECK_OK(gw_media_detect(pair.a.side.port, true));
		CHECK_OK(side_stats(&pair.a.side));
		if (say_tone(&pair.a, GW_TONE_BUSY, "us", 3))
			return 1;
		CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_TONE, 1));
		CHECK_INT(pair.a.side.tone, GW_TONE_BUSY);
		if (say_tone(&pair.a, GW_TONE_BUSY, "us", 3) ||
		    say_tone(&pair.a, GW_TONE_SIT, NULL, 2))
			return 1;
		CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_TONE, 2));
		CHECK_INT(pair.a.side.tone, GW_TONE_SIT);

		CHECK_OK(gw_media_detect(pair.a.side.port, false));
		CHECK_OK(side_stats(&pair.a.side));
		if (say_tone(&pair.a, GW_TONE_CONGESTION, "us", 3))
			return 1;
		CHECK_OK(side_wait_received(&pair.a.side, 550));
		CHECK_INT(pair.a.side.facts[GW_MEDIA_TONE], 2);
		CHECK_INT(pair.b.side.facts[GW_MEDIA_TONE], 0);
		pair_close(&pair);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_media_detect_tells_each_tone_once, "waits for a thread");
