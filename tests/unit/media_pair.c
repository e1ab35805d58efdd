/* Two phones whose ports are joined: see the header. */
#include "tests/unit/media_pair.h"

#include <math.h>

#include "tests/test.h"

enum { LIMIT_MS = 5000 };

static void hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct pair_phone *phone = arg;
	struct gw_rtp rtp;
	size_t room;

	(void)src;
	if (!gw_rtp_read(&rtp, mbuf_buf(mb), mbuf_get_left(mb)))
		return;

	if (phone->count < PAIR_HEARD_MAX) {
		const size_t kept = sizeof(phone->heard[0].payload);

		phone->heard[phone->count].rtp = rtp;
		memcpy(phone->heard[phone->count].payload, rtp.payload,
		       rtp.payload_len < kept ? rtp.payload_len : kept);
		phone->count++;
	}

	if (!phone->plain.decoder || rtp.pt != phone->codec.pt_tx)
		return;
	if (rtp.marker && phone->fresh_pcm)
		phone->plain.pcm_count = 0;
	for (size_t at = 0; at < rtp.payload_len;) {
		const size_t piece = gw_convert_frame_bytes(phone->codec.name);
		size_t n = rtp.payload_len - at;

		if (piece && n > piece)
			n = piece;
		room = MEDIA_PCM_MAX - phone->plain.pcm_count;
		if (room < 2 * 960 ||
		    gw_decode(phone->plain.decoder,
			      phone->plain.pcm + phone->plain.pcm_count, &room,
			      rtp.payload + at, n))
			break;
		phone->plain.pcm_count += room;
		at += n;
	}
}

static int open_phone(struct pair_phone *phone, const char *codec)
{
	memset(phone, 0, sizeof(*phone));
	CHECK_OK(plain_open(&phone->plain));
	udp_handler_set(phone->plain.sock, hears, phone);
	CHECK_OK(side_open(&phone->side));
	phone->codec = codec_of(codec);
	phone->seq = 65500; /* soon to wrap */
	phone->ts = UINT32_MAX - 4000;
	return 0;
}

int pair_remote(struct pair_phone *phone, enum gw_media_direction dir)
{
	const struct sa rtp = media_loopback(phone->plain.number);
	const struct sa rtcp = media_loopback(0);

	return gw_media_remote(phone->side.port, &rtp, &rtcp, &phone->codec,
			       dir);
}

/* What a phone has besides what plain_open() and side_open() will close. */
void pair_close(void *arg)
{
	struct pair *pair = arg;

	pair->a.encoder = mem_deref(pair->a.encoder);
	pair->b.encoder = mem_deref(pair->b.encoder);
	pair->a.plain.decoder = mem_deref(pair->a.plain.decoder);
	pair->b.plain.decoder = mem_deref(pair->b.plain.decoder);
	pair->a.plain.sock = mem_deref(pair->a.plain.sock);
	pair->b.plain.sock = mem_deref(pair->b.plain.sock);
	side_close(&pair->a.side);
	side_close(&pair->b.side);
}

int pair_open(struct pair *pair, const char *codec_a, const char *codec_b)
{
	memset(pair, 0, sizeof(*pair));
	test_later(pair_close, pair);
	if (open_phone(&pair->a, codec_a) || open_phone(&pair->b, codec_b))
		return 1;

	CHECK_OK(pair_remote(&pair->a, GW_MEDIA_SENDRECV));
	CHECK_OK(pair_remote(&pair->b, GW_MEDIA_SENDRECV));
	return 0;
}

int pair_join(struct pair *pair, const char *codec_a, const char *codec_b)
{
	if (pair_open(pair, codec_a, codec_b))
		return 1;

	CHECK_OK(gw_media_join(pair->a.side.port, pair->b.side.port));
	return 0;
}

static uint32_t units(const struct pair_phone *phone, unsigned ms)
{
	return phone->codec.clock_rate / 1000 * ms;
}

int pair_says(struct pair_phone *phone, const void *payload, size_t len)
{
	const uint32_t ts = phone->ts;

	phone->ts += units(phone, 20);
	return plain_says(&phone->plain, phone->side.number, phone->codec.pt_rx,
			  phone->seq++, ts, payload, len);
}

int pair_sings(struct pair_phone *phone, unsigned packets, const double *hz,
	       size_t hzc, double amplitude)
{
	const uint32_t rate = gw_convert_rate(phone->codec.name);
	int16_t pcm[GW_FRAME_SAMPLES_MAX];
	uint8_t payload[GW_FRAME_BYTES_MAX];

	if (!phone->encoder)
		CHECK_OK(gw_encoder_alloc(&phone->encoder, phone->codec.name));
	while (packets--) {
		size_t len = sizeof(payload);

		for (uint32_t i = 0; i < rate / 50; i++) {
			const double t = (double)phone->said++ / rate;
			double sum = 0;

			for (size_t k = 0; k < hzc; k++)
				sum += sin(2 * M_PI * hz[k] * t + (double)k);
			pcm[i] = (int16_t)lrint(amplitude * sum / (double)hzc);
		}
		CHECK_OK(gw_encode(phone->encoder, payload, &len, pcm));
		CHECK_OK(pair_says(phone, payload, len));
	}

	return 0;
}

int pair_presses(struct pair_phone *phone, uint8_t event, bool end,
		 uint16_t duration)
{
	const uint8_t payload[] = { event, end ? 0x8a : 0x0a,
				    (uint8_t)(duration >> 8),
				    (uint8_t)duration };

	return plain_says(&phone->plain, phone->side.number,
			  (uint8_t)phone->codec.pt_dtmf_rx, phone->seq++,
			  phone->ts, payload, sizeof(payload));
}

/* ---- waiting ---- */

struct wish {
	struct pair_phone *phone;
	unsigned count;
	uint8_t pt, byte;
	size_t pcm;
};

static bool has_count(void *arg)
{
	const struct wish *wish = arg;

	return wish->phone->count >= wish->count;
}

int pair_wait_heard(struct pair_phone *phone, unsigned count)
{
	struct wish wish = { .phone = phone, .count = count };

	return test_run_until(has_count, &wish, LIMIT_MS);
}

static bool has_byte(void *arg)
{
	const struct wish *wish = arg;

	for (unsigned i = 0; i < wish->phone->count; i++) {
		if (wish->phone->heard[i].rtp.pt == wish->pt &&
		    wish->phone->heard[i].payload[0] == wish->byte)
			return true;
	}

	return false;
}

int pair_wait_byte(struct pair_phone *phone, uint8_t pt, uint8_t byte)
{
	struct wish wish = { .phone = phone, .pt = pt, .byte = byte };

	return test_run_until(has_byte, &wish, LIMIT_MS);
}

static bool has_pcm(void *arg)
{
	const struct wish *wish = arg;

	return wish->phone->plain.pcm_count >= wish->pcm;
}

int pair_wait_pcm(struct pair_phone *phone, size_t count)
{
	struct wish wish = { .phone = phone, .pcm = count };

	return test_run_until(has_pcm, &wish, LIMIT_MS);
}

double pair_snr(const int16_t *pcm, size_t count, uint32_t rate,
		const double *hz, size_t hzc)
{
	double share = 0;

	for (size_t i = 0; i < hzc; i++)
		share += media_share_at(pcm, count, rate, hz[i]);
	if (share >= 1)
		return 99;

	return 10 * log10(share / (1 - share));
}
