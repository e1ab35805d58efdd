/* Between linear sound and the bytes of a codec.
 *
 * Of baresip only the codec modules and their registry are used: no
 * baresip_init, no configuration but the few lines for opus. Narrow-band phones
 * are what opus meets here, so it runs at 16 kHz, a fifth of the cost.
 *
 * baresip packs G.726 the way of AAL2 (I.366.2), first sample in the highest
 * bits; RFC 3551 4.5.4 wants it in the lowest. repack() turns it around. */
#include "sip/media/convert.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <re.h>
#include <rem.h>
#include <baresip.h>

enum { SILENT_FRAMES = 5, G726_FRAME_MAX = 100 };

static const char opus_config[] = "opus_stereo no\n"
				  "opus_sprop_stereo no\n"
				  "opus_samplerate 16000\n"
				  "opus_bitrate 24000\n"
				  "opus_complexity 3\n";

static const char *const modules[] = { "g711", "g722", "g726", "gsm", "opus" };

/* g726_bits: of a code, for repack(); 0 for others. frame_bytes: of 20 ms, where
 * frames may be laid end to end; 0: a packet is one whole. */
static struct codec {
	const char *name;
	unsigned g726_bits;
	size_t frame_bytes;
	uint8_t silence[GW_FRAME_BYTES_MAX];
	size_t silence_len;
	bool silent; /* silence has been made */
} codecs[] = {
	{ .name = "PCMU", .frame_bytes = 160 },
	{ .name = "PCMA", .frame_bytes = 160 },
	{ .name = "GSM", .frame_bytes = 33 },
	{ .name = "G722", .frame_bytes = 160 },
	{ .name = "G726-16", .g726_bits = 2, .frame_bytes = 40 },
	{ .name = "G726-24", .g726_bits = 3, .frame_bytes = 60 },
	{ .name = "G726-32", .g726_bits = 4, .frame_bytes = 80 },
	{ .name = "G726-40", .g726_bits = 5, .frame_bytes = 100 },
	{ .name = "opus" },
};

static unsigned starts; /* that have not been stopped */

struct gw_encoder {
	const struct aucodec *ac;
	const struct codec *codec;
	struct auenc_state *state;
};

struct gw_decoder {
	const struct aucodec *ac;
	const struct codec *codec;
	struct audec_state *state;
};

static struct codec *find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(codecs); i++) {
		if (!str_casecmp(codecs[i].name, name))
			return &codecs[i];
	}

	return NULL;
}

static const struct aucodec *find_aucodec(const struct codec *codec)
{
	if (!codec || !starts)
		return NULL;

	return aucodec_find(baresip_aucodecl(), codec->name, 0, 0);
}

/* Codes of some bits each, highest bit first <-> lowest bit first. Groups of
 * eight codes fill whole bytes. */
static void repack(uint8_t *out, const uint8_t *in, size_t len, unsigned bits,
		   bool to_low_first)
{
	memset(out, 0, len);

	for (size_t i = 0; i < len * 8; i++) {
		const size_t code = i / bits, bit = i % bits;
		const size_t high = code * bits + (bits - 1 - bit);
		const size_t from_bit = to_low_first ? high : i;
		const size_t to_bit = to_low_first ? i : high;
		const unsigned from_shift = to_low_first ? 7 - from_bit % 8 :
							   from_bit % 8;
		const unsigned to_shift = to_low_first ? to_bit % 8 :
							 7 - to_bit % 8;

		if (high >= len * 8)
			continue;
		if (in[from_bit / 8] >> from_shift & 1)
			out[to_bit / 8] |= (uint8_t)(1u << to_shift);
	}
}

static int make_silence(struct codec *codec)
{
	static const int16_t zeros[GW_FRAME_SAMPLES_MAX];
	struct gw_encoder *e = NULL;
	int err;

	err = gw_encoder_alloc(&e, codec->name);

	/* a codec with memory needs a few frames to come to rest */
	for (int i = 0; !err && i < SILENT_FRAMES; i++) {
		codec->silence_len = sizeof(codec->silence);
		err = gw_encode(e, codec->silence, &codec->silence_len, zeros);
	}

	mem_deref(e);
	return err;
}

static void unload(size_t count)
{
	while (count)
		module_unload(modules[--count]);
	mod_close();
	conf_close();
}

int gw_convert_start(void)
{
	size_t loaded = 0;
	int err;

	if (starts) {
		starts++;
		return 0;
	}

	/* it would tell standard output about each codec */
	log_enable_stdout(false);
	log_enable_info(false);

	err = conf_configure_buf((const uint8_t *)opus_config,
				 sizeof(opus_config) - 1);
	while (!err && loaded < ARRAY_SIZE(modules)) {
		/* they are linked in; should one not be found, never take
		 * a file of that name from the working directory */
		err = module_load("/", modules[loaded]);
		if (!err)
			loaded++;
	}

	if (err)
		unload(loaded);
	else
		starts = 1;

	return err;
}

void gw_convert_stop(void)
{
	if (starts && !--starts)
		unload(ARRAY_SIZE(modules));
}

uint32_t gw_convert_rate(const char *name)
{
	const struct aucodec *ac = find_aucodec(find(name));

	return ac ? ac->srate : 0;
}

size_t gw_convert_frame_bytes(const char *name)
{
	const struct codec *codec = find(name);

	return codec ? codec->frame_bytes : 0;
}

/* Made when a codec is first spoken: an idle gateway holds none of them in
 * memory. Media threads of several may ask. */
const uint8_t *gw_convert_silence(const char *name, size_t *lenp)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct codec *codec = find(name);
	int err = 0;

	if (!find_aucodec(codec))
		return NULL;

	(void)pthread_mutex_lock(&lock);
	if (!codec->silent) {
		err = make_silence(codec);
		codec->silent = !err;
	}
	(void)pthread_mutex_unlock(&lock);
	if (err)
		return NULL;

	*lenp = codec->silence_len;
	return codec->silence;
}

static void encoder_destructor(void *arg)
{
	struct gw_encoder *e = arg;

	mem_deref(e->state);
}

int gw_encoder_alloc(struct gw_encoder **ep, const char *name)
{
	const struct codec *codec = find(name);
	const struct aucodec *ac = find_aucodec(codec);
	struct auenc_param prm = { .ptime = GW_FRAME_MS, .bitrate = 0 };
	struct gw_encoder *e;
	int err = 0;

	if (!ac)
		return ENOTSUP;

	e = mem_zalloc(sizeof(*e), encoder_destructor);
	if (!e)
		return ENOMEM;

	e->ac = ac;
	e->codec = codec;
	if (ac->encupdh)
		err = ac->encupdh(&e->state, ac, &prm, NULL);

	if (err)
		mem_deref(e);
	else
		*ep = e;
	return err;
}

int gw_encode(struct gw_encoder *e, uint8_t *out, size_t *lenp,
	      const int16_t *samples)
{
	const size_t count = e->ac->srate / 1000 * GW_FRAME_MS * e->ac->ch;
	uint8_t codes[G726_FRAME_MAX];
	bool marker = false;
	int err;

	if (!e->codec->g726_bits)
		return e->ac->ench(e->state, &marker, out, lenp, AUFMT_S16LE,
				   samples, count);

	/* the module asks for this much room, and 40 kbit/s fill it */
	if (*lenp < sizeof(codes))
		return EOVERFLOW;
	*lenp = sizeof(codes);
	err = e->ac->ench(e->state, &marker, codes, lenp, AUFMT_S16LE, samples,
			  count);
	if (!err)
		repack(out, codes, *lenp, e->codec->g726_bits, true);

	return err;
}

static void decoder_destructor(void *arg)
{
	struct gw_decoder *d = arg;

	mem_deref(d->state);
}

int gw_decoder_alloc(struct gw_decoder **dp, const char *name)
{
	const struct codec *codec = find(name);
	const struct aucodec *ac = find_aucodec(codec);
	struct gw_decoder *d;
	int err = 0;

	if (!ac)
		return ENOTSUP;

	d = mem_zalloc(sizeof(*d), decoder_destructor);
	if (!d)
		return ENOMEM;

	d->ac = ac;
	d->codec = codec;
	if (ac->decupdh)
		err = ac->decupdh(&d->state, ac, NULL);

	if (err)
		mem_deref(d);
	else
		*dp = d;
	return err;
}

int gw_decode(struct gw_decoder *d, int16_t *samples, size_t *countp,
	      const uint8_t *payload, size_t len)
{
	uint8_t codes[GW_FRAME_BYTES_MAX];

	if (!d->codec->g726_bits)
		return d->ac->dech(d->state, AUFMT_S16LE, samples, countp,
				   false, payload, len);

	/* the module doesn't look at the room: a code is one sample */
	if (len > sizeof(codes) || len * 8 / d->codec->g726_bits > *countp)
		return EOVERFLOW;
	repack(codes, payload, len, d->codec->g726_bits, false);

	return d->ac->dech(d->state, AUFMT_S16LE, samples, countp, false, codes,
			   len);
}

int gw_decode_lost(struct gw_decoder *d, int16_t *samples, size_t *countp)
{
	if (!d->ac->plch)
		return ENOTSUP;

	return d->ac->plch(d->state, AUFMT_S16LE, samples, countp, NULL, 0);
}
