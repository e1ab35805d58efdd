/* Joined ports that speak different codecs: the sound arrives, as good as the worse
 * of the two lets it be, whatever the packets are cut into. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "tests/test.h"
#include "tests/unit/media_pair.h"

/* How far the tones must stand above everything else, in dB: as each codec does
 * to itself, less what two of them in a row cost. */
static const struct {
	const char *codec;
	double sine, mix;
} codecs[] = {
	{ "PCMA", 36, 33 },    { "PCMU", 36, 33 },    { "G722", 36, 30 },
	{ "G726-40", 36, 26 }, { "G726-32", 35, 22 }, { "G726-24", 32, 15 },
	{ "G726-16", 20, 10 }, { "GSM", 20, 6 },      { "opus", 24, 15 },
};

static const double sine_hz[] = { 440 };
static const double mix_hz[] = { 300, 1000, 2300 };

/* Measures 400 ms that lie well inside of what b hears of a. */
static int measure(double *snrp, struct pair *pair, const double *hz,
		   size_t hzc)
{
	const uint32_t rate = gw_convert_rate(pair->b.codec.name);

	pair->b.plain.pcm_count = 0;
	if (pair_sings(&pair->a, 40, hz, hzc, 8000))
		return 1;
	CHECK_OK(pair_wait_pcm(&pair->b, rate / 1000 * 700));
	*snrp = pair_snr(pair->b.plain.pcm + rate / 1000 * 260,
			 rate / 1000 * 400, rate, hz, hzc);
	return 0;
}

static int check_snr(const struct pair *pair, const char *what, double snr,
		     double from, double to)
{
	if (getenv("MEDIA_SNR"))
		(void)printf("%-8s -> %-8s %-5s %5.1f dB\n", pair->a.codec.name,
			     pair->b.codec.name, what, snr);
	if (snr >= (from < to ? from : to) - 3)
		return 0;

	test_fail(__FILE__, __LINE__, "%s to %s, %s: %.1f dB",
		  pair->a.codec.name, pair->b.codec.name, what, snr);
	return 1;
}

static int try_pair(size_t from, size_t to)
{
	static struct pair pair;
	double sine = 0, mix = 0;

	if (pair_join(&pair, codecs[from].codec, codecs[to].codec))
		return 1;
	pair.b.fresh_pcm = true; /* without the silence before */
	CHECK_OK(gw_decoder_alloc(&pair.b.plain.decoder, codecs[to].codec));
	if (measure(&sine, &pair, sine_hz, ARRAY_SIZE(sine_hz)) ||
	    measure(&mix, &pair, mix_hz, ARRAY_SIZE(mix_hz)))
		return 1;
	pair_close(&pair);

	return check_snr(&pair, "sine", sine, codecs[from].sine,
			 codecs[to].sine) ||
	       check_snr(&pair, "mix", mix, codecs[from].mix, codecs[to].mix);
}

static int try_all_to(const char *codec)
{
	size_t to = 0;

	while (strcmp(codecs[to].codec, codec) != 0)
		to++;
	if (media_world_start())
		return 1;
	for (size_t from = 0; from < ARRAY_SIZE(codecs); from++) {
		if (from != to && try_pair(from, to))
			return 1;
	}

	return 0;
}

#define TEST_TO(name, codec)                          \
	static int test_media_convert_to_##name(void) \
	{                                             \
		return try_all_to(codec);             \
	}                                             \
	TEST_WITHOUT_OOM(test_media_convert_to_##name, "waits for a thread")

TEST_TO(pcma, "PCMA");
TEST_TO(pcmu, "PCMU");
TEST_TO(gsm, "GSM");
TEST_TO(g722, "G722");
TEST_TO(g726_16, "G726-16");
TEST_TO(g726_24, "G726-24");
TEST_TO(g726_32, "G726-32");
TEST_TO(g726_40, "G726-40");
TEST_TO(opus, "opus");

/* Packets of any length become packets of the length that the far side asked
 * for, without a hole in sound or time. */
static int test_media_convert_packet_times(void)
{
	static const struct {
		const char *from;
		size_t bytes; /* in each packet: 10 to 60 ms */
		const char *to;
		uint8_t ptime_ms;
		size_t len; /* of what comes out */
		uint32_t step;
	} rows[] = {
		{ "PCMA", 80, "PCMU", 20, 160, 160 },
		{ "PCMA", 240, "PCMU", 20, 160, 160 },
		{ "PCMA", 320, "GSM", 20, 33, 160 },
		{ "PCMA", 480, "G722", 60, 480, 480 },
		{ "GSM", 99, "PCMA", 20, 160, 160 },
		{ "G726-16", 40, "PCMA", 40, 320, 320 },
		{ "PCMU", 160, "GSM", 60, 99, 480 },
	};

	if (media_world_start())
		return 1;

	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		static struct pair pair;
		const size_t frame = gw_convert_frame_bytes(rows[row].from);
		uint8_t whole[160 * 60];
		size_t len = 0, heard = 0;

		if (pair_open(&pair, rows[row].from, rows[row].to))
			return 1;
		pair.b.codec.ptime_ms = rows[row].ptime_ms;
		pair.b.fresh_pcm = true;
		CHECK_OK(gw_decoder_alloc(&pair.b.plain.decoder, rows[row].to));
		CHECK_OK(gw_encoder_alloc(&pair.a.encoder, rows[row].from));
		CHECK_OK(pair_remote(&pair.b, GW_MEDIA_SENDRECV));
		CHECK_OK(gw_media_join(pair.a.side.port, pair.b.side.port));

		for (unsigned i = 0; i < 60; i++) {
			int16_t pcm[160];
			size_t room = sizeof(whole) - len;

			for (unsigned k = 0; k < 160; k++)
				pcm[k] = (int16_t)lrint(
					8000 * sin(2 * M_PI * 440 *
						   (160 * i + k) / 8000));
			CHECK_OK(gw_encode(pair.a.encoder, whole + len, &room,
					   pcm));
			len += room;
		}
		for (size_t at = 0; at + rows[row].bytes <= len;
		     at += rows[row].bytes) {
			pair.a.ts = (uint32_t)(at * 160 / frame);
			CHECK_OK(pair_says(&pair.a, whole + at,
					   rows[row].bytes));
		}

		{
			const uint32_t rate = gw_convert_rate(rows[row].to);
			double snr;

			CHECK_OK(pair_wait_pcm(&pair.b, rate / 5 * 4));
			snr = pair_snr(pair.b.plain.pcm + rate / 5, rate / 2,
				       rate, sine_hz, 1);
			if (snr < 7) {
				test_fail(__FILE__, __LINE__,
					  "row %zu: %.1f dB", row, snr);
				return 1;
			}
		}
		for (unsigned i = 1; i < pair.b.count; i++) {
			const struct gw_rtp *was = &pair.b.heard[i - 1].rtp;
			const struct gw_rtp *is = &pair.b.heard[i].rtp;

			CHECK_INT((uint16_t)(is->seq - was->seq), 1);
			CHECK_INT(is->payload_len, rows[row].len);
			if (!is->marker) {
				CHECK_INT(is->ts - was->ts, rows[row].step);
				heard++;
			}
		}
		CHECK(heard >= 700 / rows[row].ptime_ms);
		pair_close(&pair);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_media_convert_packet_times, "waits for a thread");

/* What is lost is concealed, a pause stays one: time keeps its pace in either
 * case. */
static int test_media_convert_losses_and_pauses(void)
{
	static struct pair pair;
	const double hz[] = { 400 };
	unsigned begin, i;
	uint32_t ts;

	if (media_world_start() || pair_join(&pair, "opus", "PCMA"))
		return 1;

	CHECK_OK(pair_sings(&pair.a, 1, hz, 1, 8000));
	CHECK_OK(side_wait_received(&pair.a.side, 1));
	CHECK_OK(gw_media_mute(pair.b.side.port, true)); /* all is through */
	if (side_stats(&pair.b.side))
		return 1;
	CHECK_OK(pair_wait_heard(&pair.b, pair.b.side.stats.sent));
	begin = pair.b.count;
	ts = pair.b.heard[begin - 1].rtp.ts;

	CHECK_OK(pair_sings(&pair.a, 2, hz, 1, 8000));
	pair.a.seq += 3; /* lost */
	pair.a.ts += 3 * 960;
	CHECK_OK(pair_sings(&pair.a, 2, hz, 1, 8000));
	pair.a.ts += 10 * 960; /* paused */
	CHECK_OK(pair_sings(&pair.a, 1, hz, 1, 8000));
	CHECK_OK(pair_wait_heard(&pair.b, begin + 8));

	for (i = begin; i < begin + 7; i++)
		CHECK_INT(pair.b.heard[i].rtp.ts, ts += 160);
	CHECK_INT(pair.b.heard[i].rtp.ts, ts + 11 * 160);
	CHECK(pair.b.heard[i].rtp.marker);

	/* a late packet was concealed: its place is taken */
	pair.a.seq -= 5;
	CHECK_OK(pair_sings(&pair.a, 1, hz, 1, 8000));
	pair.a.seq += 4;
	CHECK_OK(pair_sings(&pair.a, 1, hz, 1, 8000));
	CHECK_OK(pair_wait_heard(&pair.b, begin + 9));
	if (side_stats(&pair.b.side))
		return 1;
	CHECK_INT(pair.b.side.stats.sent, begin + 9);
	return 0;
}
TEST_WITHOUT_OOM(test_media_convert_losses_and_pauses, "waits for a thread");

/* In the middle of it a side takes another codec, and then the same as the
 * other. */
static int test_media_convert_codec_changes(void)
{
	static struct pair pair;
	static const char *const later[] = { "GSM", "opus", "PCMA" };
	const double hz[] = { 440 };

	if (media_world_start() || pair_join(&pair, "PCMA", "G722"))
		return 1;

	CHECK_OK(pair_sings(&pair.a, 10, hz, 1, 8000));
	for (size_t i = 0; i < ARRAY_SIZE(later); i++) {
		struct gw_media_codec codec = codec_of(later[i]);
		const uint32_t rate = gw_convert_rate(later[i]);
		double snr;

		codec.pt_tx = (uint8_t)(97 + i);
		pair.b.codec = codec;
		pair.b.fresh_pcm = true;
		mem_deref(pair.b.plain.decoder);
		pair.b.plain.decoder = NULL;
		CHECK_OK(gw_decoder_alloc(&pair.b.plain.decoder, later[i]));
		pair.b.plain.pcm_count = 0;
		CHECK_OK(pair_remote(&pair.b, GW_MEDIA_SENDRECV));
		CHECK_OK(side_stats(&pair.b.side));
		CHECK_OK(pair_sings(&pair.a, 40, hz, 1, 8000));
		CHECK_OK(pair_wait_pcm(&pair.b, rate / 1000 * 700));
		snr = pair_snr(pair.b.plain.pcm + rate / 5, rate / 5 * 2, rate,
			       hz, 1);
		CHECK(snr > 7);
		for (unsigned k = 1; k < pair.b.count; k++)
			CHECK_INT((uint16_t)(pair.b.heard[k].rtp.seq -
					     pair.b.heard[k - 1].rtp.seq),
				  1);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_media_convert_codec_changes, "waits for a thread");
