/* Two joined ports over loopback: what passes, as what, and what doesn't. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "tests/test.h"
#include "tests/unit/media_pair.h"

/* Numbers without a hole, time never back; from the first-th packet on. Returns
 * the index of one that breaks it, or count. */
static unsigned first_break(const struct pair_phone *phone)
{
	for (unsigned i = 1; i < phone->count; i++) {
		const struct gw_rtp *was = &phone->heard[i - 1].rtp;
		const struct gw_rtp *is = &phone->heard[i].rtp;
		const int32_t step = (int32_t)(is->ts - was->ts);

		if ((uint16_t)(is->seq - was->seq) != 1 ||
		    is->ssrc != was->ssrc || step < 0)
			return i;
		/* sound after sound: at least its own time later */
		if (is->pt == was->pt && is->pt == 96 && step < 160)
			return i;
	}

	return phone->count;
}

static int say_marked(struct pair_phone *phone, uint8_t mark)
{
	uint8_t voice[160];

	memset(voice, 0xd5, sizeof(voice));
	voice[0] = mark;
	return pair_says(phone, voice, sizeof(voice));
}

/* Silence, relay, a sound, relay again: one stream for who hears it. */
static int test_media_join_is_one_clean_stream(void)
{
	static struct pair pair;
	OWNED struct gw_sound *sound = media_sine(8000, 60);
	unsigned relayed = 0, markers = 0;

	CHECK(sound != NULL);
	if (media_world_start() || pair_join(&pair, "PCMA", "PCMA"))
		return 1;

	pair.a.codec.pt_rx = pair.a.codec.pt_tx = 97; /* own names for it */
	CHECK_OK(pair_remote(&pair.a, GW_MEDIA_SENDRECV));
	CHECK_OK(pair_wait_heard(&pair.b, 3));
	for (uint8_t i = 0; i < 40; i++)
		CHECK_OK(say_marked(&pair.a, i));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 39));

	CHECK_OK(gw_media_play(pair.b.side.port, sound));
	CHECK_OK(side_wait(&pair.b.side, GW_MEDIA_PLAY_ENDED, 1));
	for (uint8_t i = 40; i < 50; i++)
		CHECK_OK(say_marked(&pair.a, i));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 49));

	CHECK_INT(first_break(&pair.b), pair.b.count);
	for (unsigned i = 0; i < pair.b.count; i++) {
		CHECK_INT(pair.b.heard[i].rtp.pt, 96);
		markers += pair.b.heard[i].rtp.marker;
		if (pair.b.heard[i].payload[0] == relayed)
			relayed++;
	}
	CHECK_INT(relayed, 50);
	CHECK_INT(markers, 4);
	CHECK(pair.b.heard[0].rtp.ssrc != MEDIA_PHONE_SSRC);

	media_world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_is_one_clean_stream, "waits for a thread");

static int test_media_join_passes_every_byte_both_ways(void)
{
	static const char words[] = "neither of us can make or read this sound";
	static struct pair pair;

	if (media_world_start() || pair_join(&pair, "iLBC", "iLBC"))
		return 1;

	for (unsigned i = 0; i < 10; i++) {
		CHECK_OK(pair_says(&pair.a, words, sizeof(words)));
		CHECK_OK(pair_says(&pair.b, words, i));
	}
	CHECK_OK(pair_wait_heard(&pair.a, 10));
	CHECK_OK(pair_wait_heard(&pair.b, 10));
	for (unsigned i = 0; i < 10; i++) {
		CHECK_INT(pair.b.heard[i].rtp.payload_len, sizeof(words));
		CHECK(!memcmp(pair.b.heard[i].payload, words, sizeof(words)));
		CHECK_INT(pair.a.heard[i].rtp.payload_len, i);
		CHECK_INT(pair.b.heard[i].rtp.marker, i == 0);
	}
	CHECK_INT(first_break(&pair.a), 10);
	CHECK_INT(first_break(&pair.b), 10);
	if (side_stats(&pair.b.side))
		return 1;
	CHECK_INT(pair.b.side.stats.sent, 10);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_passes_every_byte_both_ways,
		 "waits for a thread");

/* One of them says nothing yet: the other gets silence, then what is said, and
 * no silence in its pauses. */
static int test_media_join_fills_no_pause(void)
{
	static struct pair pair;
	unsigned before;

	if (media_world_start() || pair_join(&pair, "PCMA", "PCMA"))
		return 1;

	CHECK_OK(pair_wait_heard(&pair.b, 2));
	CHECK_OK(say_marked(&pair.a, 1));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 1));
	before = pair.b.count;
	/* as much silence as would fill ten packets flows the other way */
	CHECK_OK(pair_wait_heard(&pair.a, pair.a.count + 10));
	CHECK_INT(pair.b.count, before);

	pair.a.ts += 1600;
	CHECK_OK(say_marked(&pair.a, 2));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 2));
	CHECK_INT(pair.b.heard[before].rtp.ts - pair.b.heard[before - 1].rtp.ts,
		  1760);
	CHECK_INT(first_break(&pair.b), pair.b.count);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_fills_no_pause, "waits for a thread");

static int test_media_join_source_starts_anew(void)
{
	static struct pair pair;

	if (media_world_start() || pair_join(&pair, "PCMA", "PCMA"))
		return 1;

	CHECK_OK(say_marked(&pair.a, 1));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 1));
	pair.a.ts = 5; /* and another clock in the middle */
	CHECK_OK(say_marked(&pair.a, 2));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 2));
	pair.a.seq = 30000;
	CHECK_OK(say_marked(&pair.a, 3)); /* alone, it isn't believed */
	CHECK_OK(say_marked(&pair.a, 4));
	CHECK_OK(say_marked(&pair.a, 5));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 5));
	CHECK_INT(first_break(&pair.b), pair.b.count);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_source_starts_anew, "waits for a thread");

static int test_media_join_mute_and_hold(void)
{
	static struct pair pair;

	if (media_world_start() || pair_join(&pair, "PCMA", "PCMA"))
		return 1;

	CHECK_OK(say_marked(&pair.a, 1));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 1));

	CHECK_OK(gw_media_mute(pair.a.side.port, true));
	CHECK_OK(say_marked(&pair.a, 2));
	CHECK_OK(side_wait_received(&pair.a.side, 2));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 0xd5)); /* silence again */
	CHECK_OK(gw_media_mute(pair.a.side.port, false));
	CHECK_OK(say_marked(&pair.a, 3));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 3));

	/* a is on hold: nothing from it, and nothing to it */
	CHECK_OK(pair_remote(&pair.a, GW_MEDIA_INACTIVE));
	CHECK_OK(say_marked(&pair.a, 4));
	CHECK_OK(say_marked(&pair.b, 5));
	CHECK_OK(side_wait_received(&pair.a.side, 4));
	CHECK_OK(side_wait_received(&pair.b.side, 1));
	CHECK_OK(pair_remote(&pair.a, GW_MEDIA_SENDRECV));
	CHECK_OK(say_marked(&pair.a, 6));
	CHECK_OK(say_marked(&pair.b, 7));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 6));
	CHECK_OK(pair_wait_byte(&pair.a, 96, 7));

	for (unsigned i = 0; i < pair.b.count; i++)
		CHECK(pair.b.heard[i].payload[0] != 2 &&
		      pair.b.heard[i].payload[0] != 4);
	for (unsigned i = 0; i < pair.a.count; i++)
		CHECK(pair.a.heard[i].payload[0] != 5);
	CHECK_INT(first_break(&pair.b), pair.b.count);
	CHECK_INT(first_break(&pair.a), pair.a.count);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_mute_and_hold, "waits for a thread");

/* An event passes once, with the other side's payload type and clock. */
static int press_through(const char *codec_a, const char *codec_b)
{
	static struct pair pair;
	unsigned events = 0;
	uint32_t ts = 0;

	if (pair_join(&pair, codec_a, codec_b))
		return 1;

	pair.a.codec.dtmf_clock_rate = 48000;
	pair.b.codec.pt_dtmf_tx = 110;
	CHECK_OK(pair_remote(&pair.a, GW_MEDIA_SENDRECV));
	CHECK_OK(pair_remote(&pair.b, GW_MEDIA_SENDRECV));
	CHECK_OK(pair_sings(&pair.a, 2, (double[]){ 400 }, 1, 5000));
	for (uint16_t i = 1; i <= 6; i++)
		CHECK_OK(pair_presses(&pair.a, 7, i > 3,
				      (uint16_t)(960 * (i > 3 ? 4 : i))));
	CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_DTMF, 1));
	pair.a.ts += pair.a.codec.clock_rate / 1000 * 80;
	CHECK_OK(pair_sings(&pair.a, 2, (double[]){ 400 }, 1, 5000));
	CHECK_OK(side_wait_received(&pair.a.side, 10));
	CHECK_OK(gw_media_dtmf(pair.b.side.port, '1', 40));
	CHECK_OK(pair_wait_byte(&pair.b, 110, 1)); /* nothing comes later */

	for (unsigned i = 0; i < pair.b.count; i++) {
		const uint8_t *p = pair.b.heard[i].payload;

		if (pair.b.heard[i].rtp.pt != 110 || p[0] != 7)
			continue;
		if (events++)
			CHECK_INT(pair.b.heard[i].rtp.ts, ts);
		ts = pair.b.heard[i].rtp.ts;
		CHECK_INT(p[2] << 8 | p[3], 160 * (events > 4 ? 4 : events));
		CHECK_INT(p[1] >> 7, events > 3);
	}
	CHECK_INT(events, 6);
	CHECK_INT(pair.a.side.facts[GW_MEDIA_DTMF], 1);
	CHECK_STR(pair.a.side.digits, "7");
	CHECK_INT(pair.a.side.digit_ms, 80);
	CHECK_INT(pair.b.side.facts[GW_MEDIA_DTMF], 0);
	for (unsigned i = 1; i < pair.b.count; i++)
		CHECK_INT((uint16_t)(pair.b.heard[i].rtp.seq -
				     pair.b.heard[i - 1].rtp.seq),
			  1);
	pair_close(&pair);
	return 0;
}

static int test_media_join_passes_digits(void)
{
	if (media_world_start())
		return 1;

	return press_through("PCMA", "PCMA") || press_through("opus", "PCMU") ||
	       press_through("GSM", "G722");
}
TEST_WITHOUT_OOM(test_media_join_passes_digits, "waits for a thread");

static int test_media_join_and_part_in_any_order(void)
{
	static struct pair one, two;

	if (media_world_start() || pair_join(&one, "PCMA", "PCMA") ||
	    pair_open(&two, "PCMA", "GSM"))
		return 1;

	CHECK_ERR(gw_media_join(one.a.side.port, one.a.side.port), EINVAL);
	CHECK_OK(say_marked(&one.a, 1));
	CHECK_OK(pair_wait_byte(&one.b, 96, 1));

	/* a goes over to another, b is left with silence */
	CHECK_OK(gw_media_join(two.a.side.port, one.a.side.port));
	CHECK_OK(say_marked(&one.a, 2));
	CHECK_OK(pair_wait_byte(&two.a, 96, 2));
	CHECK_OK(pair_wait_heard(&one.b, one.b.count + 2));
	CHECK_INT(one.b.heard[one.b.count - 1].payload[0], 0xd5);
	CHECK_INT(first_break(&one.b), one.b.count);

	CHECK_OK(gw_media_part(one.b.side.port)); /* isn't joined */
	CHECK_OK(gw_media_part(one.a.side.port));
	CHECK_OK(gw_media_part(one.a.side.port));
	CHECK_OK(say_marked(&one.a, 3));
	CHECK_OK(side_wait_received(&one.a.side, 3));

	CHECK_OK(gw_media_join(one.a.side.port, two.b.side.port));
	CHECK_OK(gw_media_close(two.b.side.port));
	CHECK_ERR(gw_media_join(one.a.side.port, two.b.side.port), ESHUTDOWN);
	CHECK_ERR(gw_media_join(two.b.side.port, one.a.side.port), ESHUTDOWN);
	CHECK_OK(side_wait(&two.b.side, GW_MEDIA_STATS, 1));
	CHECK_OK(pair_wait_heard(&one.a, one.a.count + 2)); /* silence */
	CHECK_OK(gw_media_join(one.a.side.port, one.b.side.port));
	CHECK_OK(say_marked(&one.b, 4));
	CHECK_OK(pair_wait_byte(&one.a, 96, 4));
	for (unsigned i = 0; i < two.a.count; i++)
		CHECK(two.a.heard[i].payload[0] != 3);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_and_part_in_any_order, "waits for a thread");

/* A joined port is watched like any other. */
static int test_media_join_stalls_too(void)
{
	static struct pair pair;

	if (media_world_start() || pair_join(&pair, "PCMA", "PCMA"))
		return 1;

	CHECK_OK(gw_media_watch(pair.a.side.port, 60));
	CHECK_OK(say_marked(&pair.a, 1));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 1));
	CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_STALLED, 1));
	CHECK_OK(say_marked(&pair.a, 2));
	CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_RESUMED, 1));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 2));
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_stalls_too, "waits for a thread");

static uint32_t word_at(const struct mbuf *mb, size_t at)
{
	return (uint32_t)mb->buf[at] << 24 | (uint32_t)mb->buf[at + 1] << 16 |
	       (uint32_t)mb->buf[at + 2] << 8 | mb->buf[at + 3];
}

struct report {
	unsigned count;
	uint32_t ssrc, ts, packets, bytes;
};

static void on_report(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct report *report = arg;

	(void)src;
	if (mb->end < 28 || mb->buf[1] != 200)
		return;

	report->count++;
	report->ssrc = word_at(mb, 4);
	report->ts = word_at(mb, 16);
	report->packets = word_at(mb, 20);
	report->bytes = word_at(mb, 24);
}

static bool has_report(void *arg)
{
	return ((const struct report *)arg)->count > 0;
}

/* The report on a stream that is passed on counts what was passed on, on the time
 * scale of what was sent. */
static int test_media_join_reports_what_was_passed_on(void)
{
	static struct pair pair;
	static struct report report;
	OWNED struct udp_sock *sock = NULL;
	struct sa rtp, rtcp = media_loopback(0);
	const struct gw_rtp *last;

	memset(&report, 0, sizeof(report));
	CHECK_OK(udp_listen(&sock, &rtcp, on_report, &report));
	CHECK_OK(udp_local_get(sock, &rtcp));
	if (media_world_start() || pair_open(&pair, "PCMU", "PCMU"))
		return 1;

	rtp = media_loopback(pair.b.plain.number);
	CHECK_OK(gw_media_remote(pair.b.side.port, &rtp, &rtcp, &pair.b.codec,
				 GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_join(pair.a.side.port, pair.b.side.port));
	for (uint8_t i = 1; i <= 20; i++)
		CHECK_OK(say_marked(&pair.a, i));
	CHECK_OK(pair_wait_byte(&pair.b, 96, 20));
	CHECK_OK(gw_media_close(pair.b.side.port)); /* a report, and BYE */
	CHECK_OK(test_run_until(has_report, &report, 5000));

	last = &pair.b.heard[pair.b.count - 1].rtp;
	CHECK_INT(report.ssrc, last->ssrc);
	CHECK_INT(report.packets, pair.b.count);
	CHECK_INT(report.bytes, 160 * pair.b.count);
	CHECK(report.ts - last->ts < 5 * 8000);
	return 0;
}
TEST_WITHOUT_OOM(test_media_join_reports_what_was_passed_on,
		 "waits for a thread");
