/* What the simulated callees do, as a table, and the sounds they make. Each row
 * ends a call in a way of its own: the outcome table of the documentation can be
 * heard and seen without a telephone. */
#include <math.h>
#include <string.h>

#include "sip/sim_impl.h"

#define BUSY_FAR "Reason: Q.850;cause=17;text=\"User busy\"\r\n"

static const struct gw_sim_script scripts[] = {
	{ .name = "853",
	  .help = "rings a second, answers, echoes, hangs up after 10 s",
	  .ring_code = 180,
	  .ring_ms = 1000,
	  .code = 200,
	  .sound = GW_SIM_ECHO,
	  .hangup_ms = 10000 },
	{ .name = "answer",
	  .help = "rings a second, answers, echoes until hung up",
	  .ring_code = 180,
	  .ring_ms = 1000,
	  .code = 200,
	  .sound = GW_SIM_ECHO },
	{ .name = "busy",
	  .help = "486",
	  .code = 486,
	  .phrase = "Busy Here",
	  .header = BUSY_FAR },
	{ .name = "decline",
	  .help = "rings, then 603",
	  .ring_code = 180,
	  .ring_ms = 500,
	  .code = 603,
	  .phrase = "Decline" },
	{ .name = "no-answer",
	  .help = "rings until it is cancelled",
	  .ring_code = 180,
	  .quirks = GW_SIM_RINGS_ON },
	{ .name = "not-found",
	  .help = "404",
	  .code = 404,
	  .phrase = "Not Found" },
	{ .name = "early-media",
	  .help = "183 with a tone, answers after 2 s",
	  .ring_code = 183,
	  .ring_ms = 2000,
	  .code = 200,
	  .early = GW_SIM_TONE,
	  .sound = GW_SIM_ECHO },
	{ .name = "unavailable",
	  .help = "480",
	  .code = 480,
	  .phrase = "Temporarily Unavailable" },
	{ .name = "overloaded",
	  .help = "503 with Retry-After",
	  .code = 503,
	  .phrase = "Service Unavailable",
	  .header = "Retry-After: 5\r\n" },
	{ .name = "silent",
	  .help = "no reply at all",
	  .quirks = GW_SIM_IGNORES },
	{ .name = "late-answer",
	  .help = "rings; its 200 crosses the CANCEL",
	  .ring_code = 180,
	  .code = 200,
	  .sound = GW_SIM_ECHO,
	  .quirks = GW_SIM_RINGS_ON | GW_SIM_CROSSES_CANCEL },
	{ .name = "auth-loop",
	  .help = "407 for ever, always another nonce",
	  .quirks = GW_SIM_CHALLENGES },
	{ .name = "hangup",
	  .help = "answers, hangs up after 2 s",
	  .ring_code = 180,
	  .ring_ms = 500,
	  .code = 200,
	  .sound = GW_SIM_ECHO,
	  .hangup_ms = 2000 },
	{ .name = "no-media",
	  .help = "answers, sends no sound",
	  .ring_code = 180,
	  .ring_ms = 500,
	  .code = 200,
	  .quirks = GW_SIM_NO_MEDIA },
	{ .name = "one-codec-gsm",
	  .help = "answers, takes GSM or nothing (488); an old phone: no transfers",
	  .ring_code = 180,
	  .ring_ms = 500,
	  .code = 200,
	  .sound = GW_SIM_ECHO,
	  .quirks = GW_SIM_KEEPS_CALL,
	  .codec = "GSM" },
	{ .name = "redirect",
	  .help = "302 to sim:answer",
	  .code = 302,
	  .phrase = "Moved Temporarily" },
	{ .name = "forked",
	  .help = "two phones ring, both answer",
	  .ring_code = 180,
	  .ring_ms = 500,
	  .code = 200,
	  .sound = GW_SIM_ECHO,
	  .quirks = GW_SIM_FORKS },
	{ .name = "voicemail",
	  .help = "answers, a greeting and a beep, hangs up after 20 s",
	  .ring_code = 180,
	  .ring_ms = 2000,
	  .code = 200,
	  .sound = GW_SIM_GREETING,
	  .hangup_ms = 20000 },
	{ .name = "press-1",
	  .help = "answers and presses 1",
	  .ring_code = 180,
	  .ring_ms = 500,
	  .code = 200,
	  .quirks = GW_SIM_PRESSES_1 },
};

const struct gw_sim_script *gw_sim_script(const struct pl *user)
{
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		if (!pl_strcmp(user, scripts[i].name))
			return &scripts[i];
	}
	return NULL;
}

const char *gw_sim_callee_name(size_t index)
{
	return index < ARRAY_SIZE(scripts) ? scripts[index].name : NULL;
}

const char *gw_sim_callee_help(const char *name)
{
	const struct gw_sim_script *script;
	struct pl pl;

	pl_set_str(&pl, name);
	script = gw_sim_script(&pl);
	return script ? script->help : NULL;
}

/* ------------------------------------------------------------------ sounds */

enum {
	RATE = 8000,
	LEVEL = 8000,      /* of 32767: about -12 dB */
	FADE = RATE / 100, /* no clicks at the edges */
	WAV_HEAD = 44,
};

static const struct note {
	uint16_t hz; /* 0: a rest */
	uint16_t ms;
} tone[] = { { 425, 1000 }, { 0, 200 }, { 425, 1000 }, { 0, 200 } },
  greeting[] = { { 523, 300 },
		 { 659, 300 },
		 { 784, 500 },
		 { 0, 400 },
		 { 1000, 500 } },
  hello[] = { { 392, 200 }, { 494, 200 }, { 587, 400 } };

static const struct melody {
	const struct note *notes;
	size_t count;
} melodies[GW_SIM_SOUND_COUNT] = {
	[GW_SIM_TONE] = { tone, ARRAY_SIZE(tone) },
	[GW_SIM_GREETING] = { greeting, ARRAY_SIZE(greeting) },
	[GW_SIM_HELLO] = { hello, ARRAY_SIZE(hello) },
};

static size_t samples_of(const struct note *note)
{
	return (size_t)note->ms * RATE / 1000;
}

static int write_note(struct mbuf *mb, const struct note *note)
{
	const double step = 2.0 * 3.14159265358979 * note->hz / RATE;
	const size_t count = samples_of(note);
	int err = 0;

	for (size_t i = 0; i < count && !err; i++) {
		size_t edge = min(min(i, count - i), (size_t)FADE);
		double level = LEVEL * (double)edge / FADE;
		int16_t s = (int16_t)(level * sin(step * (double)i));

		err = mbuf_write_u16(mb, sys_htols((uint16_t)s));
	}
	return err;
}

/* RIFF, 16 bit PCM, mono: the media thread reads sounds as WAV. */
static int write_head(struct mbuf *mb, uint32_t data_len)
{
	int err;

	err = mbuf_write_str(mb, "RIFF");
	err |= mbuf_write_u32(mb, sys_htoll(WAV_HEAD - 8 + data_len));
	err |= mbuf_write_str(mb, "WAVEfmt ");
	err |= mbuf_write_u32(mb, sys_htoll(16));
	err |= mbuf_write_u16(mb, sys_htols(1)); /* PCM */
	err |= mbuf_write_u16(mb, sys_htols(1)); /* mono */
	err |= mbuf_write_u32(mb, sys_htoll(RATE));
	err |= mbuf_write_u32(mb, sys_htoll(RATE * 2));
	err |= mbuf_write_u16(mb, sys_htols(2));
	err |= mbuf_write_u16(mb, sys_htols(16));
	err |= mbuf_write_str(mb, "data");
	err |= mbuf_write_u32(mb, sys_htoll(data_len));
	return err;
}

int gw_sim_sound_make(struct gw_sound **soundp, enum gw_sim_sound which)
{
	const struct melody *melody = &melodies[which];
	uint32_t data_len = 0;
	const char *why;
	struct mbuf *mb;
	int err;

	if (!melody->count)
		return 0;

	for (size_t i = 0; i < melody->count; i++)
		data_len += (uint32_t)samples_of(&melody->notes[i]) * 2;

	mb = mbuf_alloc(WAV_HEAD + data_len);
	if (!mb)
		return ENOMEM;

	err = write_head(mb, data_len);
	for (size_t i = 0; i < melody->count && !err; i++)
		err = write_note(mb, &melody->notes[i]);
	if (!err)
		err = gw_sound_from_wav(soundp, mb->buf, mb->end, &why);

	mem_deref(mb);
	return err;
}
