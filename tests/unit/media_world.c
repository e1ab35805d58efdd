/* The world of the media tests: see the header. Facts and jobs come by a queue, as
 * the gateway's loop would bring them. */
#include "tests/unit/media_world.h"

#include <errno.h>
#include <math.h>

#include "tests/test.h"

enum { LIMIT_MS = 5000 };

/* ---- the world: a media thread, and this thread as its loop ---- */

struct job {
	struct le le;
	void (*fn)(void *arg);
	void *arg;
};

struct media_world media_world = { .lock = PTHREAD_MUTEX_INITIALIZER };

int media_world_post(void (*fn)(void *arg), void *fn_arg, void *arg)
{
	struct job *job = mem_zalloc(sizeof(*job), NULL);

	(void)arg;
	if (!job)
		return ENOMEM;

	job->fn = fn;
	job->arg = fn_arg;
	pthread_mutex_lock(&media_world.lock);
	list_append(&media_world.jobs, &job->le, job);
	pthread_mutex_unlock(&media_world.lock);
	return mqueue_push(media_world.mq, 0, NULL);
}

static void run_jobs(int id, void *data, void *arg)
{
	(void)id;
	(void)data;
	(void)arg;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&media_world.lock);
		job = list_ledata(media_world.jobs.head);
		if (job)
			list_unlink(&job->le);
		pthread_mutex_unlock(&media_world.lock);
		if (!job)
			return;

		job->fn(job->arg);
		mem_deref(job);
	}
}

void media_world_stop(void *arg)
{
	(void)arg;
	gw_media_stop(media_world.media);
	media_world.media = NULL;
	run_jobs(0, NULL, NULL);
	media_world.mq = mem_deref(media_world.mq);
}

int media_world_start_at(uint16_t port_min, uint16_t port_max)
{
	const struct gw_media_cfg cfg = { .port_min = port_min,
					  .port_max = port_max,
					  .dscp = 46 };

	test_later(media_world_stop, NULL);
	CHECK_OK(mqueue_alloc(&media_world.mq, run_jobs, NULL));
	CHECK_OK(gw_media_start(&media_world.media, &cfg, media_world_post,
				NULL));
	return 0;
}

int media_world_start(void)
{
	return media_world_start_at(MEDIA_PORT_MIN, MEDIA_PORT_MAX);
}

/* ---- a side: one port and what was told about it ---- */

void side_fact(const struct gw_media_fact *fact, void *arg)
{
	struct side *side = arg;
	const size_t len = strlen(side->digits);

	side->facts[fact->type]++;
	side->err = fact->err;
	if (fact->type == GW_MEDIA_OPENED)
		side->number = fact->local_port;
	if (fact->type == GW_MEDIA_STATS)
		side->stats = fact->stats;
	if (fact->type == GW_MEDIA_TONE)
		side->tone = fact->tone;
	if (fact->type == GW_MEDIA_DTMF && len + 1 < sizeof(side->digits)) {
		side->digits[len] = fact->digit;
		side->digit_ms = fact->duration_ms;
	}
}

void side_close(void *arg)
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

int side_wait(struct side *side, enum gw_media_fact_type type, unsigned count)
{
	struct fact_count want = { side, type, count };

	return test_run_until(has_facts, &want, LIMIT_MS);
}

struct sa media_loopback(uint16_t port)
{
	struct sa sa;

	(void)sa_set_str(&sa, "127.0.0.1", port);
	return sa;
}

int side_open(struct side *side)
{
	const struct sa laddr = media_loopback(0);

	memset(side, 0, sizeof(*side));
	test_later(side_close, side);
	CHECK_OK(gw_media_open(&side->port, media_world.media, &laddr,
			       side_fact, side));
	CHECK_OK(side_wait(side, GW_MEDIA_OPENED, 1));
	return 0;
}

int side_stats(struct side *side)
{
	const unsigned before = side->facts[GW_MEDIA_STATS];

	CHECK_OK(gw_media_stats(side->port));
	CHECK_OK(side_wait(side, GW_MEDIA_STATS, before + 1));
	return 0;
}

struct gw_media_codec codec_of(const char *name)
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

int side_talks_to(struct side *side, uint16_t port, const char *codec,
		  enum gw_media_direction dir)
{
	const struct gw_media_codec c = codec_of(codec);
	const struct sa rtp = media_loopback(port);
	const struct sa rtcp = media_loopback((uint16_t)(port + 1));

	return gw_media_remote(side->port, &rtp, &rtcp, &c, dir);
}

int two_sides_talk(struct side *a, struct side *b, const char *codec)
{
	CHECK_OK(side_open(a));
	CHECK_OK(side_open(b));
	CHECK_OK(side_talks_to(a, b->number, codec, GW_MEDIA_SENDRECV));
	CHECK_OK(side_talks_to(b, a->number, codec, GW_MEDIA_SENDRECV));
	return 0;
}

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

int side_wait_received(struct side *side, uint32_t packets)
{
	struct received r = { side, packets };

	return test_run_until(has_received, &r, LIMIT_MS);
}

/* ---- a phone: one socket that says and hears what the test wants ---- */

static void plain_hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct plain_phone *phone = arg;
	size_t room = MEDIA_PCM_MAX - phone->pcm_count;

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

static void plain_close(void *arg)
{
	struct plain_phone *phone = arg;

	phone->sock = mem_deref(phone->sock);
	phone->decoder = mem_deref(phone->decoder);
}

int plain_open_at(struct plain_phone *phone, const char *address)
{
	struct sa sa;

	memset(phone, 0, sizeof(*phone));
	test_later(plain_close, phone);
	CHECK_OK(sa_set_str(&sa, address, 0));
	CHECK_OK(udp_listen(&phone->sock, &sa, plain_hears, phone));
	CHECK_OK(udp_local_get(phone->sock, &sa));
	phone->number = sa_port(&sa);
	return 0;
}

int plain_open(struct plain_phone *phone)
{
	return plain_open_at(phone, "127.0.0.1");
}

int plain_says(struct plain_phone *phone, uint16_t to, uint8_t pt, uint16_t seq,
	       uint32_t ts, const void *payload, size_t len)
{
	const struct sa dst = media_loopback(to);
	const struct gw_rtp rtp = {
		.pt = pt, .seq = seq, .ts = ts, .ssrc = MEDIA_PHONE_SSRC
	};
	uint8_t packet[GW_RTP_HEADER + 600];
	struct mbuf mb = { .buf = packet,
			   .size = sizeof(packet),
			   .end = GW_RTP_HEADER + len };

	gw_rtp_write(packet, &rtp);
	memcpy(packet + GW_RTP_HEADER, payload, len);
	return udp_send(phone->sock, &dst, &mb);
}

int plain_says_voice(struct plain_phone *phone, uint16_t to, uint16_t seq)
{
	uint8_t voice[160];

	memset(voice, 0xd5, sizeof(voice));
	return plain_says(phone, to, 96, seq, 160u * seq, voice, sizeof(voice));
}

static bool plain_has_heard(void *arg)
{
	const struct plain_phone *phone = arg;

	return phone->packets >= phone->want;
}

int plain_waits_for(struct plain_phone *phone, unsigned packets)
{
	phone->want = packets;
	return test_run_until(plain_has_heard, phone, LIMIT_MS);
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

struct gw_sound *media_sine(uint32_t rate, uint32_t ms)
{
	struct mbuf *wav = sine_wav(rate, ms);
	struct gw_sound *sound = NULL;
	const char *why = NULL;

	if (wav)
		(void)gw_sound_from_wav(&sound, wav->buf, wav->end, &why);

	mem_deref(wav);
	return sound;
}

double media_share_at(const int16_t *pcm, size_t count, uint32_t rate,
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
