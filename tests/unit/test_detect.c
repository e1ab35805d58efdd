/* Network tones, heard in sound that the tests make: loud and faint, with noise,
 * through codecs; and sound that only resembles them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "sip/media/convert.h"
#include "sip/media/detect.h"
#include "sip/media/tone.h"
#include "tests/test.h"

enum { RATE = 8000, SECONDS = 13 };

static int16_t pcm[SECONDS * RATE];

/* The same in each run. */
static uint32_t chance_state;
static double chance(void)
{
	chance_state = chance_state * 1664525u + 1013904223u;
	return (double)(chance_state >> 8) / (1 << 23) - 1;
}

static void scale(double gain, double noise)
{
	for (size_t i = 0; i < ARRAY_SIZE(pcm); i++)
		pcm[i] = (int16_t)lrint(gain * (pcm[i] + noise * chance()));
}

static int through_codec(const char *name)
{
	OWNED struct gw_encoder *e = NULL;
	OWNED struct gw_decoder *d = NULL;

	CHECK_OK(gw_encoder_alloc(&e, name));
	CHECK_OK(gw_decoder_alloc(&d, name));
	for (size_t i = 0; i < ARRAY_SIZE(pcm); i += 160) {
		uint8_t bytes[GW_FRAME_BYTES_MAX];
		size_t len = sizeof(bytes), count = 160;

		CHECK_OK(gw_encode(e, bytes, &len, pcm + i));
		CHECK_OK(gw_decode(d, pcm + i, &count, bytes, len));
	}
	return 0;
}

/* Bits of all tones that are heard in pcm, in pieces of 10 to 30 ms. */
static unsigned heard(void)
{
	static const size_t pieces[] = { 80, 160, 240 };
	struct gw_detector d = { 0 };
	unsigned tones = 0, told = 0;

	for (size_t at = 0, i = 0; at + 240 <= ARRAY_SIZE(pcm); i++) {
		const size_t n = pieces[i % ARRAY_SIZE(pieces)];
		const enum gw_tone tone = gw_detect(&d, pcm + at, n);

		if (tone != GW_TONE_NONE) {
			tones |= 1u << tone;
			told++;
		}
		at += n;
	}

	return told > 1 && !(tones & (tones - 1)) ? ~0u : tones;
}

static void play_row(const struct gw_tone_row *row, size_t offset)
{
	struct gw_tone_source source;

	gw_tone_start(&source, row);
	memset(pcm, 0, sizeof(pcm));
	for (size_t i = offset; i + 160 <= ARRAY_SIZE(pcm); i += 160)
		(void)gw_tone_next(&source, pcm + i, 160, RATE);
}

/* What a row is heard as: by the first row that sounds like it. */
static enum gw_tone meaning(const struct gw_tone_row *row)
{
	static const struct {
		char country[3];
		enum gw_tone tone, as;
	} others[] = {
		{ "jp", GW_TONE_CONGESTION, GW_TONE_BUSY },
		{ "es", GW_TONE_BUSY, GW_TONE_CONGESTION },
		{ "se", GW_TONE_BUSY, GW_TONE_CONGESTION },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!strcmp(row->country, others[i].country) &&
		    row->tone == others[i].tone)
			return others[i].as;
	}

	return row->tone;
}

static int check_all(double gain, double noise, const char *codec)
{
	const struct gw_tone_row *row;

	chance_state = 1;
	for (size_t n = 0; (row = gw_tone_row(n)) != NULL; n++) {
		unsigned tones;

		if (row->tone == GW_TONE_BEEP)
			continue;
		play_row(row, 777); /* not at the edge of a frame */
		scale(gain, noise);
		if (codec && through_codec(codec))
			return 1;
		tones = heard();
		if (tones != 1u << meaning(row)) {
			test_fail(__FILE__, __LINE__,
				  "%s %d, gain %.3f, noise %.0f, %s: %#x",
				  row->country, row->tone, gain, noise,
				  codec ? codec : "linear", tones);
			return 1;
		}
	}
	return 0;
}

static int test_detect_every_row_of_the_table(void)
{
	return check_all(1, 0, NULL) || check_all(4, 0, NULL) ||
	       check_all(1.0 / 32, 0, NULL);
}
TEST_WITHOUT_OOM(test_detect_every_row_of_the_table, "allocates nothing");

static int test_detect_through_noise(void)
{
	return check_all(1, 600, NULL) || check_all(0.1, 1200, NULL);
}
TEST_WITHOUT_OOM(test_detect_through_noise, "allocates nothing");

static void stop_convert(void *arg)
{
	(void)arg;
	gw_convert_stop();
}

static int test_detect_through_codecs(void)
{
	CHECK_OK(gw_convert_start());
	test_later(stop_convert, NULL);
	return check_all(1, 20, "PCMA") || check_all(0.1, 20, "PCMU") ||
	       check_all(1, 20, "GSM") || check_all(0.3, 20, "G726-32") ||
	       check_all(1, 20, "G726-16");
}
TEST_WITHOUT_OOM(test_detect_through_codecs, "long, and convert has its own");

/* ---- what resembles speech, and music ---- */

/* Syllables: a gliding pitch with its overtones, in bursts between pauses, and
 * hissing now and then. */
static void speak(size_t from, size_t to)
{
	double phase = 0, hz = 120;

	for (size_t i = from; i < to;) {
		const size_t len =
			(size_t)(RATE * (0.12 + 0.1 * (1 + chance())));
		const double glide = 25 * chance();
		const bool hiss = chance() > 0.5;

		hz = 140 + 50 * chance();
		for (size_t k = 0; k < len && i < to; k++, i++) {
			const double t = (double)k / (double)len;
			double s = 0;

			phase += 2 * M_PI * (hz + glide * t) / RATE;
			for (int h = 1; h < 12; h++)
				s += sin(h * phase) / h * (h % 4 == 0 ? 2 : 1);
			if (hiss)
				s = chance() * 2;
			pcm[i] = (int16_t)(2500 * s * sin(M_PI * t));
		}
		if (chance() > 0.3)
			i += (size_t)(RATE * 0.15 * (1 + chance()));
	}
}

static void note(size_t from, size_t to, double hz, double loud)
{
	for (size_t i = from; i < to && i < ARRAY_SIZE(pcm); i++)
		pcm[i] = (int16_t)(pcm[i] + loud * sin(2 * M_PI * hz *
						       (double)i / RATE));
}

static int test_detect_no_tone_in_speech(void)
{
	for (uint32_t voice = 1; voice <= 20; voice++) {
		chance_state = voice;
		memset(pcm, 0, sizeof(pcm));
		speak(0, ARRAY_SIZE(pcm) - 2 * RATE);
		CHECK_INT(heard(), 0);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_detect_no_tone_in_speech, "allocates nothing");

static int test_detect_no_tone_in_music(void)
{
	static const double scale_hz[] = { 262, 294, 330, 392, 440, 523,
					   587, 659, 784, 880, 1047 };

	for (uint32_t tune = 1; tune <= 20; tune++) {
		chance_state = tune;
		memset(pcm, 0, sizeof(pcm));
		for (size_t at = 0; at < ARRAY_SIZE(pcm);) {
			const size_t len =
				(size_t)(RATE * (0.2 + 0.15 * (1 + chance())));
			const double hz =
				scale_hz[(size_t)(5.49 * (1 + chance()))];

			note(at, at + len, hz, 3000);
			note(at, at + len, hz * 2, 1200);
			note(at, at + 3 * len, hz / 2, 2000);
			at += len;
		}
		CHECK_INT(heard(), 0);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_detect_no_tone_in_music, "allocates nothing");

static int test_detect_no_tone_in_noise(void)
{
	chance_state = 9;
	memset(pcm, 0, sizeof(pcm));
	scale(1, 8000);
	CHECK_INT(heard(), 0);
	memset(pcm, 0, sizeof(pcm));
	CHECK_INT(heard(), 0);
	note(0, ARRAY_SIZE(pcm), 425, 8000); /* a dialling tone never stops */
	CHECK_INT(heard(), 0);
	return 0;
}
TEST_WITHOUT_OOM(test_detect_no_tone_in_noise, "allocates nothing");

/* ---- the beep ---- */

static unsigned greet(double hz, double ms, double gain, bool more_speech)
{
	const size_t begin = 5 * RATE, len = (size_t)(ms * RATE / 1000);

	chance_state = 4;
	memset(pcm, 0, sizeof(pcm));
	speak(0, begin - RATE / 3);
	note(begin, begin + len, hz, 5000);
	if (more_speech)
		speak(begin + len + RATE / 5, 10 * RATE);
	scale(gain, 30);
	return heard();
}

static int test_detect_beep_of_a_voicemail(void)
{
	static const double hz[] = { 400,  425,  440,  500, 850,
				     1000, 1400, 1800, 2000 };
	const unsigned beep = 1u << GW_TONE_BEEP;

	for (size_t i = 0; i < ARRAY_SIZE(hz); i++) {
		for (double ms = 170; ms < 900; ms += 110) {
			const unsigned tones = greet(hz[i], ms, 1, false);

			if (tones != beep) {
				test_fail(__FILE__, __LINE__,
					  "%.0f Hz, %.0f ms: %#x", hz[i], ms,
					  tones);
				return 1;
			}
		}
	}
	CHECK_INT(greet(1000, 400, 1.0 / 32, false), beep);

	CHECK_INT(greet(1000, 60, 1, false), 0);   /* too short */
	CHECK_INT(greet(1000, 1500, 1, false), 0); /* too long */
	CHECK_INT(greet(3000, 400, 1, false), 0);  /* too high */
	CHECK_INT(greet(1000, 400, 1, true), 0);   /* they speak on */

	/* no speech before it */
	memset(pcm, 0, sizeof(pcm));
	note(2 * RATE, 2 * RATE + 3200, 1000, 5000);
	CHECK_INT(heard(), 0);
	return 0;
}
TEST_WITHOUT_OOM(test_detect_beep_of_a_voicemail, "allocates nothing");

/* After speech comes busy, ringback or SIT: that, and no beep. */
static int test_detect_tones_after_speech(void)
{
	static const enum gw_tone tones[] = { GW_TONE_RINGBACK, GW_TONE_BUSY,
					      GW_TONE_CONGESTION, GW_TONE_SIT };
	static const char *const countries[] = { "eu", "us", "uk", "fr", "jp" };

	for (size_t c = 0; c < ARRAY_SIZE(countries); c++) {
		for (size_t t = 0; t < ARRAY_SIZE(tones); t++) {
			const struct gw_tone_row *row =
				gw_tone_find(tones[t], countries[c]);
			unsigned got;

			chance_state = 2;
			play_row(row, 4 * RATE);
			speak(0, 3 * RATE + RATE / 2);
			got = heard();
			if (got != 1u << meaning(row)) {
				test_fail(__FILE__, __LINE__, "%s %d: %#x",
					  row->country, row->tone, got);
				return 1;
			}
		}
	}
	return 0;
}
TEST_WITHOUT_OOM(test_detect_tones_after_speech, "allocates nothing");
