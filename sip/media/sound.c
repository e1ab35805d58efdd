/* A sound out of a WAV file that lies in memory.
 *
 * All the work is done once, when it is read, by whoever reads it: mixing down,
 * and resampling to the two rates that our codecs take. The media thread then
 * only points into it. */
#include "sip/media/sound.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <re.h>
#include <rem.h>

#include "sip/media/convert.h"
#include "sip/media/media.h"

enum {
	RATE_MIN = 8000,
	RATE_MAX = 48000,
	CHANNELS_MAX = 2,
	SECONDS_MAX = 600,
	TAPS = 32, /* of the resampler, at the lower of the two rates */

	WAV_PCM = 1,
	WAV_ALAW = 6,
	WAV_MULAW = 7,
	WAV_EXTENSIBLE = 0xfffe,
};

static const uint32_t rates[] = { 8000, 16000 };

struct gw_sound {
	int16_t *samples[ARRAY_SIZE(rates)];
	size_t counts[ARRAY_SIZE(rates)];
	uint32_t duration_ms;
};

struct wav {
	unsigned format, channels, bits;
	uint32_t rate;
	const uint8_t *data;
	size_t data_len;
};

static uint32_t le16(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const uint8_t *p)
{
	return le16(p) | le16(p + 2) << 16;
}

static void read_format(struct wav *wav, const uint8_t *p, size_t len)
{
	if (len < 16)
		return;

	wav->format = le16(p);
	wav->channels = le16(p + 2);
	wav->rate = le32(p + 4);
	wav->bits = le16(p + 14);
	if (wav->format == WAV_EXTENSIBLE && len >= 26)
		wav->format = le16(p + 24);
}

/* Walks the chunks: `name, size, bytes`, each padded to an even size. A data
 * chunk that is cut off is played as far as it goes. */
static const char *read_chunks(struct wav *wav, const uint8_t *p, size_t len)
{
	if (len < 12 || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4))
		return "this is not a WAV file";

	for (p += 12, len -= 12; len >= 8 && !wav->data;) {
		size_t size = le32(p + 4);

		if (size > len - 8)
			size = len - 8;
		if (!memcmp(p, "fmt ", 4)) {
			read_format(wav, p + 8, size);
		} else if (!memcmp(p, "data", 4)) {
			wav->data = p + 8;
			wav->data_len = size;
		}
		size += size & 1;
		if (size > len - 8)
			break;
		p += 8 + size;
		len -= 8 + size;
	}

	return wav->data ? NULL : "this WAV file has no sound in it";
}

static const char *check(const struct wav *wav)
{
	const bool pcm = wav->format == WAV_PCM && wav->bits == 16;
	const bool g711 =
		(wav->format == WAV_ALAW || wav->format == WAV_MULAW) &&
		wav->bits == 8;

	if (!pcm && !g711)
		return "the sound must be 16 bit PCM, A-law or mu-law";
	if (wav->rate < RATE_MIN || wav->rate > RATE_MAX)
		return "the sound must have 8000 to 48000 samples a second";
	if (!wav->channels || wav->channels > CHANNELS_MAX)
		return "the sound must be mono or stereo";
	if (wav->data_len / (wav->bits / 8 * wav->channels) >
	    (size_t)wav->rate * SECONDS_MAX)
		return "the sound is longer than ten minutes";
	if (wav->data_len < wav->bits / 8 * wav->channels)
		return "this WAV file has no sound in it";

	return NULL;
}

static int32_t sample(const struct wav *wav, size_t i)
{
	if (wav->format == WAV_ALAW)
		return g711_alaw2pcm(wav->data[i]);
	if (wav->format == WAV_MULAW)
		return g711_ulaw2pcm(wav->data[i]);

	return (int16_t)le16(wav->data + 2 * i);
}

/* Mono, linear, at the rate of the file. */
static int16_t *linear(const struct wav *wav, size_t *countp)
{
	const size_t count = wav->data_len / (wav->bits / 8 * wav->channels);
	int16_t *out = mem_alloc(count * sizeof(*out), NULL);

	if (!out)
		return NULL;

	for (size_t i = 0; i < count; i++) {
		int32_t sum = 0;

		for (unsigned ch = 0; ch < wav->channels; ch++)
			sum += sample(wav, i * wav->channels + ch);
		out[i] = (int16_t)(sum / (int32_t)wav->channels);
	}

	*countp = count;
	return out;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		const uint32_t rest = a % b;

		a = b;
		b = rest;
	}

	return a;
}

/* A low pass at cutoff (1: half the rate of the input), Hann window of half
 * width samples, t samples off its middle. */
static double kernel(double t, double cutoff, double half)
{
	const double x = M_PI * t * cutoff;

	if (fabs(t) >= half)
		return 0;

	return cutoff * (fabs(x) < 1e-9 ? 1 : sin(x) / x) *
	       (0.5 + 0.5 * cos(M_PI * t / half));
}

/* One row of taps for each place that an output sample can have between two
 * input samples: up to out / gcd of them. */
static float *make_taps(uint32_t phases, size_t width, double cutoff)
{
	const double half = (double)width / 2;
	float *taps = mem_alloc(phases * width * sizeof(*taps), NULL);

	for (uint32_t ph = 0; taps && ph < phases; ph++) {
		const double at = (double)ph / phases;
		double sum = 0;

		for (size_t i = 0; i < width; i++) {
			const double t = (double)i - half + 1 - at;

			taps[ph * width + i] = (float)kernel(t, cutoff, half);
			sum += (double)taps[ph * width + i];
		}
		for (size_t i = 0; i < width; i++) /* the same for silence */
			taps[ph * width + i] /= (float)sum;
	}

	return taps;
}

static int16_t filter(const int16_t *in, size_t count, size_t at,
		      const float *taps, size_t width)
{
	const size_t half = width / 2;
	float sum = 0;

	for (size_t i = 0; i < width; i++) {
		const size_t pos = at + i + 1;

		if (pos >= half && pos - half < count)
			sum += taps[i] * (float)in[pos - half];
	}

	if (sum > 32767)
		return 32767;

	return (int16_t)lrintf(sum < -32768 ? -32768 : sum);
}

static int16_t *resample(const int16_t *in, size_t count, uint32_t from,
			 uint32_t to, size_t *countp)
{
	const uint32_t common = gcd(from, to);
	const uint32_t phases = to / common, step = from / common;
	const double cutoff = to < from ? 0.95 * to / from : 1.0;
	const size_t width = (size_t)(TAPS / cutoff + 1) & ~(size_t)1;
	const size_t out_count = (size_t)((uint64_t)count * to / from);
	float *taps = make_taps(phases, width, cutoff);
	int16_t *out = mem_alloc((out_count + 1) * sizeof(*out), NULL);
	size_t pos = 0;
	uint32_t phase = 0;

	if (!taps || !out) {
		out = mem_deref(out);
		goto out;
	}

	for (size_t i = 0; i < out_count; i++) {
		out[i] = filter(in, count, pos, taps + phase * width, width);
		phase += step;
		pos += phase / phases;
		phase %= phases;
	}
	*countp = out_count;

out:
	mem_deref(taps);
	return out;
}

static void destructor(void *arg)
{
	struct gw_sound *sound = arg;

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
		mem_deref(sound->samples[i]);
}

int gw_sound_from_wav(struct gw_sound **soundp, const uint8_t *file, size_t len,
		      const char **whyp)
{
	struct wav wav = { 0 };
	struct gw_sound *sound = NULL;
	int16_t *pcm = NULL;
	size_t count = 0;
	int err = 0;

	*whyp = read_chunks(&wav, file, len);
	if (!*whyp)
		*whyp = check(&wav);
	if (*whyp)
		return EBADMSG;

	*whyp = "out of memory";
	pcm = linear(&wav, &count);
	sound = mem_zalloc(sizeof(*sound), destructor);
	if (!pcm || !sound) {
		err = ENOMEM;
		goto out;
	}

	sound->duration_ms = (uint32_t)((uint64_t)count * 1000 / wav.rate);
	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		sound->samples[i] = resample(pcm, count, wav.rate, rates[i],
					     &sound->counts[i]);
		if (!sound->samples[i]) {
			err = ENOMEM;
			goto out;
		}
	}
	*whyp = NULL;

out:
	mem_deref(pcm);
	if (err)
		mem_deref(sound);
	else
		*soundp = sound;
	return err;
}

uint32_t gw_sound_duration_ms(const struct gw_sound *sound)
{
	return sound->duration_ms;
}

const int16_t *gw_sound_frame(const struct gw_sound *sound, uint32_t rate,
			      size_t n, int16_t *pad)
{
	const size_t size = rate / 1000 * GW_FRAME_MS;

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		const size_t start = n * size, count = sound->counts[i];

		if (rates[i] != rate || start >= count)
			continue;
		if (start + size <= count)
			return sound->samples[i] + start;

		memset(pad, 0, size * sizeof(*pad));
		memcpy(pad, sound->samples[i] + start,
		       (count - start) * sizeof(*pad));
		return pad;
	}

	return NULL;
}
