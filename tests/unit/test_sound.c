/* WAV files in memory, good and hostile, and codecs there and back. */
#include <errno.h>
#include <math.h>

#include <re.h>

#define SPANDSP_EXPOSE_INTERNAL_STRUCTURES 1
#include <spandsp.h>

#include "sip/media/convert.h"
#include "sip/media/media.h"
#include "sip/media/sound.h"
#include "sip/sdp.h"
#include "tests/test.h"

struct wav {
	uint16_t format, channels, bits;
	uint32_t rate, data_len;
	uint8_t data[64000];
};

static size_t put(uint8_t *p, uint32_t n, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(n >> 8 * i);

	return len;
}

static size_t put_bytes(uint8_t *p, const void *bytes, size_t len)
{
	memcpy(p, bytes, len);
	return len;
}

/* The bytes of a file, with a chunk of an odd size in front of the sound. */
static size_t write_wav(uint8_t *p, const struct wav *wav)
{
	static const uint8_t list[] = "LIST\x03\0\0\0abc\0";
	uint8_t *start = p;

	p += put_bytes(p, "RIFF\0\0\0\0WAVEfmt ", 16);
	p += put(p, 16, 4);
	p += put(p, wav->format, 2);
	p += put(p, wav->channels, 2);
	p += put(p, wav->rate, 4);
	p += put(p, wav->rate * wav->channels * wav->bits / 8u, 4);
	p += put(p, wav->channels * wav->bits / 8u, 2);
	p += put(p, wav->bits, 2);
	p += put_bytes(p, list, 12);
	p += put_bytes(p, "data", 4);
	p += put(p, wav->data_len, 4);
	memcpy(p, wav->data, wav->data_len);
	return (size_t)(p - start) + wav->data_len;
}

static struct wav wav;
static uint8_t file[sizeof(wav) + 100];

static int read_wav(struct gw_sound **soundp)
{
	const size_t len = write_wav(file, &wav);
	const char *why = NULL;
	const int err = gw_sound_from_wav(soundp, file, len, &why);

	return !err == !why ? err : -1; /* each error has its sentence */
}

/* A sine on the left, silence on the right. */
static void make_sine(uint16_t channels, uint32_t rate, double hz)
{
	const uint32_t count = rate / 10;

	memset(&wav, 0, sizeof(wav));
	wav.format = 1;
	wav.channels = channels;
	wav.bits = 16;
	wav.rate = rate;
	wav.data_len = count * channels * 2;
	for (uint32_t i = 0; i < count; i++) {
		const double s = 8000 * sin(2 * M_PI * hz * i / rate);

		(void)put(wav.data + 2u * i * channels,
			  (uint16_t)(int16_t)lrint(s), 2);
	}
}

/* How loud it is, of one frame in the middle. */
static double loudness(const struct gw_sound *sound, uint32_t rate)
{
	int16_t pad[GW_FRAME_SAMPLES_MAX];
	const int16_t *frame = gw_sound_frame(sound, rate, 2, pad);
	const size_t count = rate / 50;
	double sum = 0;

	for (size_t i = 0; frame && i < count; i++)
		sum += (double)frame[i] * frame[i];

	return sqrt(sum / (double)count);
}

static int test_sound_keeps_its_level_at_every_rate(void)
{
	static const uint32_t rates[] = { 8000,  11025, 12000, 16000,
					  22050, 24000, 44100, 48000 };

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		OWNED struct gw_sound *sound = NULL;

		make_sine(1, rates[i], 1000);
		CHECK_OK(read_wav(&sound));
		CHECK(gw_sound_duration_ms(sound) >= 99);
		/* 8000 / sqrt(2), within half a dB */
		CHECK(fabs(loudness(sound, 8000) - 5657) < 330);
		CHECK(fabs(loudness(sound, 16000) - 5657) < 330);
	}

	return 0;
}
TEST(test_sound_keeps_its_level_at_every_rate);

/* What 8 kHz can't carry is filtered out, not folded back. */
static int test_sound_does_not_alias(void)
{
	OWNED struct gw_sound *sound = NULL;

	make_sine(1, 48000, 6000);
	CHECK_OK(read_wav(&sound));
	CHECK(loudness(sound, 8000) < 60); /* -40 dB */
	CHECK(loudness(sound, 16000) > 5000);
	return 0;
}
TEST(test_sound_does_not_alias);

static int test_sound_stereo_is_mixed_down(void)
{
	OWNED struct gw_sound *sound = NULL;

	make_sine(2, 16000, 500);
	CHECK_OK(read_wav(&sound));
	CHECK(fabs(loudness(sound, 16000) - 2828) < 160);
	return 0;
}
TEST(test_sound_stereo_is_mixed_down);

static int test_sound_of_g711_and_its_last_frame(void)
{
	OWNED struct gw_sound *alaw = NULL;
	OWNED struct gw_sound *mulaw = NULL;
	int16_t pad[GW_FRAME_SAMPLES_MAX];
	const int16_t *frame;

	memset(&wav, 0, sizeof(wav));
	wav.format = 6;
	wav.channels = 1;
	wav.bits = 8;
	wav.rate = 8000;
	wav.data_len = 170;                   /* a frame and ten samples */
	memset(wav.data, 0xaa, wav.data_len); /* the loudest of A-law */
	CHECK_OK(read_wav(&alaw));

	frame = gw_sound_frame(alaw, 8000, 1, pad);
	CHECK(frame == pad);
	CHECK(frame[0] > 30000);
	CHECK_INT(frame[10], 0);
	CHECK(!gw_sound_frame(alaw, 8000, 2, pad));
	CHECK(!gw_sound_frame(alaw, 44100, 0, pad));

	wav.format = 7;
	memset(wav.data, 0xff, wav.data_len); /* the silence of mu-law */
	CHECK_OK(read_wav(&mulaw));
	frame = gw_sound_frame(mulaw, 16000, 0, pad);
	CHECK(frame != NULL);
	CHECK(abs(frame[100]) <= 2);
	return 0;
}
TEST(test_sound_of_g711_and_its_last_frame);

static int test_sound_refuses_what_it_cannot_play(void)
{
	static const struct {
		uint16_t format, channels, bits;
		uint32_t rate, len;
	} bad[] = {
		{ 1, 1, 8, 8000, 320 },  { 1, 1, 24, 8000, 320 },
		{ 3, 1, 32, 8000, 320 }, { 6, 1, 16, 8000, 320 },
		{ 1, 0, 16, 8000, 320 }, { 1, 3, 16, 8000, 320 },
		{ 1, 1, 16, 7999, 320 }, { 1, 1, 16, 48001, 320 },
		{ 1, 1, 16, 0, 320 },    { 1, 1, 16, 8000, 0 },
		{ 1, 2, 16, 8000, 3 },   { 0, 1, 16, 8000, 320 },
		{ 2, 1, 4, 8000, 320 },  { 1, 1, 0, 8000, 320 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct gw_sound *sound = NULL;

		memset(&wav, 0, sizeof(wav));
		wav.format = bad[i].format;
		wav.channels = bad[i].channels;
		wav.bits = bad[i].bits;
		wav.rate = bad[i].rate;
		wav.data_len = bad[i].len;
		CHECK_ERR(read_wav(&sound), EBADMSG);
		CHECK(!sound);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_sound_refuses_what_it_cannot_play, "before memory");

/* Cut off anywhere, and with any size in any of its chunks: read or refused,
 * never read beyond its end (the sanitizer looks). */
static int test_sound_of_a_broken_file(void)
{
	static const uint32_t sizes[] = { 0, 1, 0x7fffffff, 0xffffffff };
	size_t len;

	make_sine(1, 8000, 440);
	wav.data_len = 320;
	len = write_wav(file, &wav);

	for (size_t cut = 0; cut <= len; cut++) {
		OWNED struct gw_sound *sound = NULL;
		OWNED uint8_t *copy = mem_alloc(cut + 1, NULL);
		const char *why = NULL;

		CHECK(copy != NULL);
		memcpy(copy + 1, file, cut);
		(void)gw_sound_from_wav(&sound, copy + 1, cut, &why);
		CHECK(!sound == !!why);
	}

	for (size_t at = 0; at < 56; at++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			OWNED struct gw_sound *sound = NULL;
			const char *why = NULL;

			(void)write_wav(file, &wav);
			(void)put(file + at, sizes[i], 4);
			(void)gw_sound_from_wav(&sound, file, len, &why);
			CHECK(!sound == !!why);
		}
	}

	return 0;
}
TEST_WITHOUT_OOM(test_sound_of_a_broken_file, "thousands of rounds");

/* ---- codecs ---- */

static void convert_stop(void *arg)
{
	(void)arg;
	gw_convert_stop();
}

static int test_convert_there_and_back(void)
{
	static const char *const names[] = {
		"PCMU",    "PCMA",    "GSM",     "G722", "G726-16",
		"G726-24", "G726-32", "G726-40", "opus",
	};

	CHECK_OK(gw_convert_start());
	test_later(convert_stop, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		OWNED struct gw_encoder *e = NULL;
		OWNED struct gw_decoder *d = NULL;
		const uint32_t rate = gw_convert_rate(names[i]);
		const uint32_t count = rate / 50;
		int16_t in[GW_FRAME_SAMPLES_MAX];
		int16_t out[GW_FRAME_SAMPLES_MAX] = { 0 };
		double energy = 0;

		CHECK(rate == 8000 || rate == 16000);
		CHECK_OK(gw_encoder_alloc(&e, names[i]));
		CHECK_OK(gw_decoder_alloc(&d, names[i]));
		for (uint32_t frame = 0; frame < 10; frame++) {
			uint8_t payload[GW_FRAME_BYTES_MAX];
			size_t len = sizeof(payload);
			size_t room = GW_FRAME_SAMPLES_MAX;

			for (uint32_t n = 0; n < count; n++)
				in[n] = (int16_t)lrint(
					8000 * sin(2 * M_PI * 440 *
						   (frame * count + n) / rate));
			CHECK_OK(gw_encode(e, payload, &len, in));
			CHECK_OK(gw_decode(d, out, &room, payload, len));
			CHECK_INT(room, count);
		}
		for (uint32_t n = 0; n < count; n++)
			energy += (double)out[n] * out[n];
		/* the level of the sine, within 2 dB */
		CHECK(fabs(sqrt(energy / count) - 5657) < 1200);
	}

	return 0;
}
TEST(test_convert_there_and_back);

/* Silence decodes to silence, and SDP's table knows who can make it. */
static int test_convert_silence_and_the_table_of_sdp(void)
{
	static const char *const names[] = {
		"PCMU",    "PCMA",    "GSM",     "G722",    "iLBC",
		"G726-16", "G726-24", "G726-32", "G726-40", "opus",
	};
	size_t len = 0;

	CHECK(!gw_convert_rate("PCMA")); /* not started */
	CHECK(!gw_convert_silence("PCMA", &len));
	CHECK_OK(gw_convert_start());
	test_later(convert_stop, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct gw_sdp_codec *codec = gw_sdp_codec_find(names[i]);
		const uint8_t *silence = gw_convert_silence(names[i], &len);
		OWNED struct gw_decoder *d = NULL;
		int16_t out[GW_FRAME_SAMPLES_MAX];

		CHECK(codec != NULL);
		CHECK_INT(codec->can_send, gw_convert_rate(names[i]) != 0);
		CHECK_INT(codec->can_send, silence != NULL);
		if (!silence)
			continue;

		CHECK_OK(gw_decoder_alloc(&d, names[i]));
		for (int frame = 0; frame < 5; frame++) {
			size_t room = GW_FRAME_SAMPLES_MAX;

			CHECK_OK(gw_decode(d, out, &room, silence, len));
			for (size_t n = 0; n < room; n++)
				CHECK(abs(out[n]) < 64);
		}
	}

	CHECK(!gw_convert_rate("telephone-event"));
	return 0;
}
TEST(test_convert_silence_and_the_table_of_sdp);

/* RFC 3551 4.5.4: the first sample of G.726 lies in the lowest bits. */
static int test_convert_packs_g726_as_rtp_wants_it(void)
{
	static const struct {
		const char *name;
		int rate;
	} rows[] = { { "G726-16", 16000 },
		     { "G726-24", 24000 },
		     { "G726-32", 32000 },
		     { "G726-40", 40000 } };

	CHECK_OK(gw_convert_start());
	test_later(convert_stop, NULL);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct gw_encoder *e = NULL;
		uint8_t ours[GW_FRAME_BYTES_MAX], theirs[GW_FRAME_BYTES_MAX];
		size_t len = sizeof(ours);
		int16_t in[160];
		g726_state_t *st;

		for (int n = 0; n < 160; n++)
			in[n] = (int16_t)(200 * n % 9000 - 3000);

		CHECK_OK(gw_encoder_alloc(&e, rows[i].name));
		CHECK_OK(gw_encode(e, ours, &len, in));
		st = g726_init(NULL, rows[i].rate, G726_ENCODING_LINEAR,
			       G726_PACKING_RIGHT);
		CHECK(st != NULL);
		CHECK_INT(g726_encode(st, theirs, in, 160), len);
		(void)g726_free(st);
		CHECK_INT(len, rows[i].rate / 400);
		CHECK(!memcmp(ours, theirs, len));
	}

	return 0;
}
TEST_WITHOUT_OOM(test_convert_packs_g726_as_rtp_wants_it, "compares");
