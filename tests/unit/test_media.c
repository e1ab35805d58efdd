/* The media thread over loopback: ports talk to each other and to a phone made
 * of one plain socket, whose every packet the test decides. */
#include <errno.h>
#include <math.h>
#include <pthread.h>

#include <re.h>

#include "sip/media/convert.h"
#include "sip/media/media.h"
#include "sip/media/rtp.h"
#include "tests/test.h"

enum {
	LIMIT_MS = 5000,
	PORT_MIN = 41000,
	PORT_MAX = 41099,
	SIDES_MAX = 8,
	PCM_MAX = 16000,
	PHONE_SSRC = 0x12345678,
};

/* ---- the world: a media thread, and this thread as its loop ---- */

struct job {
	struct le le;
	void (*fn)(void *arg);
	void *arg;
};

static struct world {
	struct gw_media *media;
	struct mqueue *mq;
	pthread_mutex_t lock;
	struct list jobs;
} world = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int post(void (*fn)(void *arg), void *fn_arg, void *arg)
{
	struct job *job = mem_zalloc(sizeof(*job), NULL);

	(void)arg;
	if (!job)
		return ENOMEM;

	job->fn = fn;
	job->arg = fn_arg;
	pthread_mutex_lock(&world.lock);
	list_append(&world.jobs, &job->le, job);
	pthread_mutex_unlock(&world.lock);
	return mqueue_push(world.mq, 0, NULL);
}

static void run_jobs(int id, void *data, void *arg)
{
	(void)id;
	(void)data;
	(void)arg;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&world.lock);
		job = list_ledata(world.jobs.head);
		if (job)
			list_unlink(&job->le);
		pthread_mutex_unlock(&world.lock);
		if (!job)
			return;

		job->fn(job->arg);
		mem_deref(job);
	}
}

static void world_stop(void *arg)
{
	(void)arg;
	gw_media_stop(world.media);
	world.media = NULL;
	run_jobs(0, NULL, NULL);
	world.mq = mem_deref(world.mq);
}

static int world_start_at(uint16_t port_min, uint16_t port_max)
{
	const struct gw_media_cfg cfg = { .port_min = port_min,
					  .port_max = port_max,
					  .dscp = 46 };

	test_later(world_stop, NULL);
	CHECK_OK(mqueue_alloc(&world.mq, run_jobs, NULL));
	CHECK_OK(gw_media_start(&world.media, &cfg, post, NULL));
	return 0;
}

static int world_start(void)
{
	return world_start_at(PORT_MIN, PORT_MAX);
}

/* ---- a side: one port and what was told about it ---- */

struct side {
	struct gw_media_port *port;
	unsigned facts[GW_MEDIA_STATS + 1];
	int err; /* of the last fact */
	uint16_t number;
	char digits[32];
	uint32_t digit_ms;
	struct gw_media_stats stats;
};

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	struct side *side = arg;
	const size_t len = strlen(side->digits);

	side->facts[fact->type]++;
	side->err = fact->err;
	if (fact->type == GW_MEDIA_OPENED)
		side->number = fact->local_port;
	if (fact->type == GW_MEDIA_STATS)
		side->stats = fact->stats;
	if (fact->type == GW_MEDIA_DTMF && len + 1 < sizeof(side->digits)) {
		side->digits[len] = fact->digit;
		side->digit_ms = fact->duration_ms;
	}
}

static void side_close(void *arg)
{
	struct side *side = arg;

	side->port = mem_deref(side->port);
}

struct fact_count {
	struct side *side;
	enum gw_media_fact_type type;
	unsigned count;
};

static bool has_facts(void *arg)
{
	const struct fact_count *want = arg;

	return want->side->facts[want->type] >= want->count;
}

static int wait_fact(struct side *side, enum gw_media_fact_type type,
		     unsigned count)
{
	struct fact_count want = { side, type, count };

	return test_run_until(has_facts, &want, LIMIT_MS);
}

static struct sa loopback(uint16_t port)
{
	struct sa sa;

	(void)sa_set_str(&sa, "127.0.0.1", port);
	return sa;
}

static int side_open(struct side *side)
{
	const struct sa laddr = loopback(0);

	memset(side, 0, sizeof(*side));
	test_later(side_close, side);
	CHECK_OK(
		gw_media_open(&side->port, world.media, &laddr, on_fact, side));
	CHECK_OK(wait_fact(side, GW_MEDIA_OPENED, 1));
	return 0;
}

static int side_stats(struct side *side)
{
	const unsigned before = side->facts[GW_MEDIA_STATS];

	CHECK_OK(gw_media_stats(side->port));
	CHECK_OK(wait_fact(side, GW_MEDIA_STATS, before + 1));
	return 0;
}

static struct gw_media_codec codec_of(const char *name)
{
	struct gw_media_codec codec = { .clock_rate = 8000,
					.channels = 1,
					.pt_tx = 96,
					.pt_rx = 96,
					.ptime_ms = 20,
					.pt_dtmf_rx = 101,
					.pt_dtmf_tx = 101 };

	str_ncpy(codec.name, name, sizeof(codec.name));
	if (!str_cmp(name, "opus")) {
		codec.clock_rate = 48000;
		codec.channels = 2;
	}

	return codec;
}

static int side_talks_to(struct side *side, uint16_t port, const char *codec,
			 enum gw_media_direction dir)
{
	const struct gw_media_codec c = codec_of(codec);
	const struct sa rtp = loopback(port);
	const struct sa rtcp = loopback((uint16_t)(port + 1));

	return gw_media_remote(side->port, &rtp, &rtcp, &c, dir);
}

static int two_sides_talk(struct side *a, struct side *b, const char *codec)
{
	CHECK_OK(side_open(a));
	CHECK_OK(side_open(b));
	CHECK_OK(side_talks_to(a, b->number, codec, GW_MEDIA_SENDRECV));
	CHECK_OK(side_talks_to(b, a->number, codec, GW_MEDIA_SENDRECV));
	return 0;
}

/* ---- a phone: one socket that says and hears what the test wants ---- */

struct phone {
	struct udp_sock *sock;
	uint16_t number;
	unsigned packets, want;
	struct gw_rtp last;
	uint8_t payload[512];
	uint16_t first_seq;
	uint32_t first_ts;
	struct gw_decoder *decoder;
	int16_t pcm[PCM_MAX];
	size_t pcm_count;
};

static void phone_hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct phone *phone = arg;
	size_t room = PCM_MAX - phone->pcm_count;

	(void)src;
	if (!gw_rtp_read(&phone->last, mbuf_buf(mb), mbuf_get_left(mb)) ||
	    phone->last.payload_len > sizeof(phone->payload))
		return;

	if (!phone->packets++) {
		phone->first_seq = phone->last.seq;
		phone->first_ts = phone->last.ts;
	}
	memcpy(phone->payload, phone->last.payload, phone->last.payload_len);
	if (phone->decoder &&
	    !gw_decode(phone->decoder, phone->pcm + phone->pcm_count, &room,
		       phone->last.payload, phone->last.payload_len))
		phone->pcm_count += room;
}

static void phone_close(void *arg)
{
	struct phone *phone = arg;

	phone->sock = mem_deref(phone->sock);
	phone->decoder = mem_deref(phone->decoder);
}

static int phone_open_at(struct phone *phone, const char *address)
{
	struct sa sa;

	memset(phone, 0, sizeof(*phone));
	test_later(phone_close, phone);
	CHECK_OK(sa_set_str(&sa, address, 0));
	CHECK_OK(udp_listen(&phone->sock, &sa, phone_hears, phone));
	CHECK_OK(udp_local_get(phone->sock, &sa));
	phone->number = sa_port(&sa);
	return 0;
}

static int phone_open(struct phone *phone)
{
	return phone_open_at(phone, "127.0.0.1");
}

static int phone_says(struct phone *phone, uint16_t to, uint8_t pt,
		      uint16_t seq, uint32_t ts, const void *payload,
		      size_t len)
{
	const struct sa dst = loopback(to);
	const struct gw_rtp rtp = {
		.pt = pt, .seq = seq, .ts = ts, .ssrc = PHONE_SSRC
	};
	uint8_t packet[GW_RTP_HEADER + 400];
	struct mbuf mb = { .buf = packet,
			   .size = sizeof(packet),
			   .end = GW_RTP_HEADER + len };

	gw_rtp_write(packet, &rtp);
	memcpy(packet + GW_RTP_HEADER, payload, len);
	return udp_send(phone->sock, &dst, &mb);
}

static int phone_says_voice(struct phone *phone, uint16_t to, uint16_t seq)
{
	uint8_t voice[160];

	memset(voice, 0xd5, sizeof(voice));
	return phone_says(phone, to, 96, seq, 160u * seq, voice, sizeof(voice));
}

static bool phone_has_heard(void *arg)
{
	const struct phone *phone = arg;

	return phone->packets >= phone->want;
}

static int phone_waits_for(struct phone *phone, unsigned packets)
{
	phone->want = packets;
	return test_run_until(phone_has_heard, phone, LIMIT_MS);
}

/* ---- sounds ---- */

/* A WAV file with a 440 Hz sine: 16 bit, mono. */
static struct mbuf *sine_wav(uint32_t rate, uint32_t ms)
{
	const uint32_t count = rate / 1000 * ms;
	struct mbuf *mb = mbuf_alloc(44 + 2 * count);
	int err;

	if (!mb)
		return NULL;

	err = mbuf_write_str(mb, "RIFF");
	err |= mbuf_write_u32(mb, sys_htoll(36 + 2 * count));
	err |= mbuf_write_str(mb, "WAVEfmt ");
	err |= mbuf_write_u32(mb, sys_htoll(16));
	err |= mbuf_write_u16(mb, sys_htols(1));
	err |= mbuf_write_u16(mb, sys_htols(1));
	err |= mbuf_write_u32(mb, sys_htoll(rate));
	err |= mbuf_write_u32(mb, sys_htoll(2 * rate));
	err |= mbuf_write_u16(mb, sys_htols(2));
	err |= mbuf_write_u16(mb, sys_htols(16));
	err |= mbuf_write_str(mb, "data");
	err |= mbuf_write_u32(mb, sys_htoll(2 * count));
	for (uint32_t i = 0; i < count; i++) {
		const double s = sin(2 * M_PI * 440 * i / rate);

		err |= mbuf_write_u16(mb,
				      sys_htols((uint16_t)(int16_t)(8000 * s)));
	}

	return err ? mem_deref(mb) : mb;
}

static struct gw_sound *sine(uint32_t rate, uint32_t ms)
{
	struct mbuf *wav = sine_wav(rate, ms);
	struct gw_sound *sound = NULL;
	const char *why = NULL;

	if (wav)
		(void)gw_sound_from_wav(&sound, wav->buf, wav->end, &why);

	mem_deref(wav);
	return sound;
}

/* The share of the energy that lies at hz (Goertzel): 1 for a pure sine. */
static double share_at(const int16_t *pcm, size_t count, uint32_t rate,
		       double hz)
{
	const double k = 2 * cos(2 * M_PI * hz / rate);
	double s1 = 0, s2 = 0, total = 0;

	for (size_t i = 0; i < count; i++) {
		const double s0 = pcm[i] + k * s1 - s2;

		s2 = s1;
		s1 = s0;
		total += (double)pcm[i] * pcm[i];
	}

	return total > 0 ? 2 * (s1 * s1 + s2 * s2 - k * s1 * s2) /
				   ((double)count * total) :
			   0;
}

/* ---- tests ---- */

static int test_media_silence_flows_both_ways(void)
{
	static struct side a, b;

	if (world_start() || two_sides_talk(&a, &b, "PCMA"))
		return 1;

	CHECK_INT(a.number % 2, 0);
	CHECK_OK(wait_fact(&a, GW_MEDIA_FIRST_PACKET, 1));
	CHECK_OK(wait_fact(&b, GW_MEDIA_FIRST_PACKET, 1));
	if (side_stats(&a))
		return 1;
	CHECK(a.stats.any && a.stats.received && a.stats.sent);
	CHECK(a.stats.first_packet_ms > 0);
	CHECK_INT(a.stats.lost, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_silence_flows_both_ways, "waits for a thread");

static int test_media_silence_is_a_clean_stream(void)
{
	static struct side side;
	static struct phone phone;

	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(phone_waits_for(&phone, 5));
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
	static struct phone phones[ARRAY_SIZE(rows)];
	OWNED struct gw_sound *sound = sine(44100, 300);

	CHECK(sound != NULL);
	CHECK_INT(gw_sound_duration_ms(sound), 299);
	if (world_start())
		return 1;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (side_open(&sides[i]) || phone_open(&phones[i]))
			return 1;
		CHECK_OK(gw_decoder_alloc(&phones[i].decoder, rows[i].codec));
		CHECK_OK(gw_media_play(sides[i].port, sound));
		CHECK_OK(side_talks_to(&sides[i], phones[i].number,
				       rows[i].codec, GW_MEDIA_SENDRECV));
	}

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint32_t rate = gw_convert_rate(rows[i].codec);
		double share;

		CHECK_OK(wait_fact(&sides[i], GW_MEDIA_PLAY_ENDED, 1));
		CHECK_INT(sides[i].err, 0);
		CHECK_OK(phone_waits_for(&phones[i], 13));
		/* without the first 40 ms, where codecs settle */
		share = share_at(phones[i].pcm + rate / 25, rate / 5, rate,
				 440);
		if (share < rows[i].share) {
			test_fail(__FILE__, __LINE__, "%s: %.2f at 440 Hz",
				  rows[i].codec, share);
			return 1;
		}
	}

	world_stop(NULL); /* before the sound goes */
	return 0;
}
TEST_WITHOUT_OOM(test_media_sound_arrives_in_every_codec, "waits for a thread");

static int test_media_play_is_replaced_and_stopped(void)
{
	static struct side side;
	static struct phone phone;
	OWNED struct gw_sound *sound = sine(8000, 5000);

	CHECK(sound != NULL);
	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "GSM", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(wait_fact(&side, GW_MEDIA_PLAY_ENDED, 1));
	CHECK_INT(side.err, ECANCELED);
	CHECK_OK(gw_media_play(side.port, NULL));
	CHECK_OK(wait_fact(&side, GW_MEDIA_PLAY_ENDED, 2));
	CHECK_OK(gw_media_play(side.port, NULL)); /* nothing to end */
	if (side_stats(&side))
		return 1;
	CHECK_INT(side.facts[GW_MEDIA_PLAY_ENDED], 2);

	world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_play_is_replaced_and_stopped, "waits for a thread");

static int test_media_packet_time_of_60_ms(void)
{
	static struct side side;
	static struct phone phone;
	struct gw_media_codec codec = codec_of("PCMU");
	struct sa rtp;

	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	codec.ptime_ms = 60;
	rtp = loopback(phone.number);
	CHECK_OK(gw_media_remote(side.port, &rtp, &rtp, &codec,
				 GW_MEDIA_SENDONLY));
	CHECK_OK(phone_waits_for(&phone, 3));
	CHECK_INT(phone.last.payload_len, 480);
	CHECK_INT((phone.last.ts - phone.first_ts) % 480, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_media_packet_time_of_60_ms, "waits for a thread");

static int test_media_echo_sends_the_same_payload(void)
{
	static struct side side;
	static struct phone phone;
	static const uint8_t spoken[] = "what was said, word for word";

	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	/* no converter, so what comes back is the echo and nothing else */
	CHECK_OK(side_talks_to(&side, phone.number, "iLBC", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_echo(side.port, true));
	for (uint16_t i = 0; i < 3; i++) {
		CHECK_OK(phone_says(&phone, side.number, 96,
				    (uint16_t)(65534 + i), 1000 + 160u * i,
				    spoken, sizeof(spoken)));
		CHECK_OK(phone_waits_for(&phone, i + 1u));
		CHECK_INT(phone.last.payload_len, sizeof(spoken));
		CHECK(!memcmp(phone.payload, spoken, sizeof(spoken)));
		CHECK_INT((uint16_t)(phone.last.seq - phone.first_seq), i);
		CHECK_INT(phone.last.ts - phone.first_ts, 160 * i);
		CHECK(phone.last.ssrc != PHONE_SSRC);
		CHECK_INT(phone.last.marker, i == 0);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_media_echo_sends_the_same_payload, "waits for a thread");

static int test_media_digits_arrive_once(void)
{
	static struct side a, b;

	if (world_start() || two_sides_talk(&a, &b, "PCMU"))
		return 1;

	CHECK_OK(gw_media_dtmf(a.port, '1', 60));
	CHECK_OK(gw_media_dtmf(a.port, '#', 0));
	CHECK_OK(gw_media_dtmf(a.port, 'd', 40));
	CHECK_ERR(gw_media_dtmf(a.port, 'x', 0), EINVAL);
	CHECK_OK(wait_fact(&b, GW_MEDIA_DTMF, 3));
	CHECK_STR(b.digits, "1#D");
	CHECK_INT(b.digit_ms, 40);
	CHECK_INT(a.facts[GW_MEDIA_DTMF], 0);
	if (side_stats(&b))
		return 1;
	CHECK_INT(b.stats.lost, 0);
	CHECK_INT(b.facts[GW_MEDIA_DTMF], 3);
	return 0;
}
TEST_WITHOUT_OOM(test_media_digits_arrive_once, "waits for a thread");

/* An event whose three ends are lost is ended by the timer. */
static int test_media_digit_with_a_lost_end(void)
{
	static const uint8_t event[] = { 5, 10, 0x03, 0x20 };
	static struct side side;
	static struct phone phone;

	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMU", GW_MEDIA_SENDRECV));
	CHECK_OK(phone_waits_for(&phone, 1));
	CHECK_OK(phone_says(&phone, side.number, 101, 1, 160, event, 4));
	CHECK_OK(wait_fact(&side, GW_MEDIA_DTMF, 1));
	CHECK_STR(side.digits, "5");
	CHECK_INT(side.digit_ms, 100);
	return 0;
}
TEST_WITHOUT_OOM(test_media_digit_with_a_lost_end, "waits for a thread");

struct received {
	struct side *side;
	uint32_t want;
};

static bool has_received(void *arg)
{
	const struct received *r = arg;

	if (r->side->stats.received >= r->want)
		return true;

	return gw_media_stats(r->side->port) != 0;
}

static int wait_received(struct side *side, uint32_t packets)
{
	struct received r = { side, packets };

	return test_run_until(has_received, &r, LIMIT_MS);
}

static int test_media_counts_what_is_lost(void)
{
	static struct side side;
	static struct phone phone;

	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_RECVONLY));
	if (side_stats(&side))
		return 1;
	CHECK(!side.stats.any);

	/* 100 across the end of the numbers, each tenth lost, one twice */
	for (uint16_t i = 0; i < 100; i++) {
		if (i % 10 != 5)
			CHECK_OK(phone_says_voice(&phone, side.number,
						  (uint16_t)(65500 + i)));
	}
	CHECK_OK(wait_received(&side, 90));
	CHECK_INT(side.stats.received, 90);
	CHECK_INT(side.stats.lost, 10);
	CHECK_INT(side.stats.sent, 0); /* recvonly */

	CHECK_OK(phone_says_voice(&phone, side.number, 65505)); /* late */
	CHECK_OK(wait_received(&side, 91));
	CHECK_INT(side.stats.lost, 9);
	return 0;
}
TEST_WITHOUT_OOM(test_media_counts_what_is_lost, "waits for a thread");

static int test_media_latches_once_and_refuses_strangers(void)
{
	static struct side side;
	static struct phone named, nat, second, stranger;

	if (world_start() || side_open(&side) || phone_open(&named) ||
	    phone_open(&nat) || phone_open(&second) ||
	    phone_open_at(&stranger, "127.0.0.2"))
		return 1;

	CHECK_OK(side_talks_to(&side, named.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(phone_waits_for(&named, 1));

	CHECK_OK(phone_says_voice(&stranger, side.number, 100));
	CHECK_OK(phone_says_voice(&nat, side.number, 1));
	CHECK_OK(phone_waits_for(&nat, 2)); /* and we follow it there */
	CHECK_OK(phone_says_voice(&second, side.number, 2));
	CHECK_OK(phone_says_voice(&named, side.number, 3));
	CHECK_OK(phone_says_voice(&stranger, side.number, 4));
	CHECK_OK(phone_says_voice(&nat, side.number, 2));
	CHECK_OK(wait_received(&side, 2));
	CHECK_INT(side.stats.received, 2);
	CHECK_INT(side.stats.lost, 0);
	CHECK_INT(second.packets, 0);
	CHECK_INT(stranger.packets, 0);

	/* a new place named by the far side is believed again */
	CHECK_OK(
		side_talks_to(&side, second.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(phone_waits_for(&second, 1));
	return 0;
}
TEST_WITHOUT_OOM(test_media_latches_once_and_refuses_strangers,
		 "waits for a thread");

static int test_media_stall_and_resume(void)
{
	static struct side side;
	static struct phone phone;

	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	CHECK_OK(side_talks_to(&side, phone.number, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_watch(side.port, 50));
	CHECK_OK(wait_fact(&side, GW_MEDIA_STALLED, 1));
	CHECK_OK(phone_says_voice(&phone, side.number, 1));
	CHECK_OK(wait_fact(&side, GW_MEDIA_RESUMED, 1));
	CHECK_OK(wait_fact(&side, GW_MEDIA_STALLED, 2));
	return 0;
}
TEST_WITHOUT_OOM(test_media_stall_and_resume, "waits for a thread");

static int test_media_codec_without_converter(void)
{
	static struct side side;
	static struct phone phone;
	OWNED struct gw_sound *sound = sine(8000, 100);

	CHECK(sound != NULL);
	if (world_start() || side_open(&side) || phone_open(&phone))
		return 1;

	CHECK_OK(gw_media_play(side.port, sound));
	CHECK_OK(side_talks_to(&side, phone.number, "iLBC", GW_MEDIA_SENDRECV));
	CHECK_OK(wait_fact(&side, GW_MEDIA_PLAY_ENDED, 1));
	CHECK_INT(side.err, ENOTSUP);
	CHECK_ERR(gw_media_play(side.port, sound), ENOTSUP);
	CHECK_OK(phone_says_voice(&phone, side.number, 1));
	CHECK_OK(wait_received(&side, 1));
	CHECK_INT(side.stats.sent, 0);

	/* digits need no converter */
	CHECK_OK(gw_media_dtmf(side.port, '7', 40));
	CHECK_OK(phone_waits_for(&phone, 4));
	CHECK_INT(phone.last.pt, 101);

	world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_codec_without_converter, "waits for a thread");

static int test_media_ports_used_up_and_given_back(void)
{
	static struct side sides[4];
	static struct udp_sock *taken;
	struct sa sa;

	/* somebody else has the RTCP port of one of the three pairs */
	sa = loopback(PORT_MIN + 3);
	CHECK_OK(udp_listen(&taken, &sa, NULL, NULL));
	test_later((void (*)(void *))test_deref, &taken);
	if (world_start_at(PORT_MIN - 1, PORT_MIN + 6))
		return 1;

	if (side_open(&sides[0]) || side_open(&sides[1]) ||
	    side_open(&sides[2]))
		return 1;
	CHECK_INT(sides[0].err, 0);
	CHECK_INT(sides[1].err, 0);
	CHECK_INT(sides[0].number + sides[1].number, 2 * PORT_MIN + 4);
	CHECK_INT(sides[2].err, EADDRINUSE);
	CHECK_INT(sides[2].number, 0);

	/* commands to a port that has no sockets do nothing */
	CHECK_OK(side_talks_to(&sides[2], PORT_MIN, "PCMA", GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_dtmf(sides[2].port, '1', 0));
	CHECK_OK(gw_media_close(sides[2].port));
	CHECK_OK(wait_fact(&sides[2], GW_MEDIA_STATS, 1));

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

	if (world_start() || two_sides_talk(&a, &b, "opus"))
		return 1;

	CHECK_OK(wait_fact(&a, GW_MEDIA_FIRST_PACKET, 1));
	CHECK_OK(gw_media_close(a.port));
	CHECK_OK(wait_fact(&a, GW_MEDIA_STATS, 1));
	CHECK(a.stats.received > 0);
	CHECK_ERR(gw_media_stats(a.port), ESHUTDOWN);
	CHECK_ERR(gw_media_close(a.port), ESHUTDOWN);
	return 0;
}
TEST_WITHOUT_OOM(test_media_close_tells_the_last_stats, "waits for a thread");

static int test_media_stop_with_open_ports(void)
{
	static struct side a, b;

	if (world_start() || two_sides_talk(&a, &b, "PCMA"))
		return 1;

	CHECK_OK(wait_fact(&b, GW_MEDIA_FIRST_PACKET, 1));
	world_stop(NULL);
	CHECK_ERR(gw_media_stats(a.port), ESHUTDOWN);
	return 0;
}
TEST_WITHOUT_OOM(test_media_stop_with_open_ports, "waits for a thread");

/* What is never waited for still goes away cleanly. */
static int test_media_start_open_stop(void)
{
	OWNED struct gw_media_port *port = NULL;
	const struct sa laddr = loopback(0);
	static struct side side;

	memset(&side, 0, sizeof(side));
	if (world_start())
		return 1;
	CHECK_OK(gw_media_open(&port, world.media, &laddr, on_fact, &side));
	CHECK_OK(gw_media_echo(port, true));
	port = mem_deref(port);
	world_stop(NULL);
	CHECK_INT(side.facts[GW_MEDIA_OPENED], 0); /* nobody is told any more */

	if (world_start())
		return 1;
	CHECK_OK(gw_media_open(&port, world.media, &laddr, on_fact, &side));
	return 0;
}
TEST(test_media_start_open_stop);

static int test_media_range_must_hold_a_pair(void)
{
	const struct gw_media_cfg none = { .port_min = 5001, .port_max = 5002 };
	struct gw_media *media = NULL;

	CHECK_ERR(gw_media_start(&media, &none, post, NULL), EINVAL);
	CHECK(!media);
	return 0;
}
TEST(test_media_range_must_hold_a_pair);
