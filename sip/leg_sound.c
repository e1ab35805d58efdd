/* sip/leg_sound.c - what a leg is played, what is heard of it, to whom it is joined
 * and what is recorded.
 *
 * Hints: while sound flows before the answer, and for a while after it on the to
 * leg, we listen for the tones by which networks and voicemails speak. */
#include "sip/leg_impl.h"

#include <errno.h>

enum { BEEP_WITHIN_MS = 45000 }; /* after the answer; a later one is music */

static bool has_port(const struct gw_leg *leg)
{
	return leg && leg->port && leg->has_sound && !gw_leg_is_over(leg);
}

int gw_leg_play(struct gw_leg *leg, const struct gw_sound *sound)
{
	return gw_leg_is_up(leg) ? gw_media_play(leg->port, sound) : ENOTCONN;
}

bool gw_leg_can_sound(const struct gw_leg *leg)
{
	const struct gw_sdp_codec *codec = gw_sdp_codec_find(leg->codec.name);

	return codec && codec->can_send;
}

int gw_leg_tone(struct gw_leg *leg, enum gw_tone tone, const char *country)
{
	int err = has_port(leg) ? gw_media_tone(leg->port, tone, country) :
				  ENOTCONN;

	if (!err && tone == GW_TONE_BEEP)
		++leg->beeps;
	return err;
}

/* A beep ends as a sound does, but nobody was told that it began. */
bool gw_leg_was_beep(struct gw_leg *leg)
{
	if (!leg->beeps)
		return false;

	--leg->beeps;
	return true;
}

int gw_leg_join(struct gw_leg *a, struct gw_leg *b)
{
	return has_port(a) && has_port(b) ? gw_media_join(a->port, b->port) :
					    ENOTCONN;
}

void gw_leg_part(struct gw_leg *leg)
{
	if (has_port(leg))
		(void)gw_media_part(leg->port);
}

int gw_leg_mute(struct gw_leg *leg, bool on)
{
	int err = has_port(leg) ? gw_media_mute(leg->port, on) : ENOTCONN;

	if (!err)
		leg->muted = on;
	return err;
}

void gw_leg_measure(struct gw_leg *leg)
{
	if (has_port(leg) && gw_leg_is_up(leg))
		(void)gw_media_stats(leg->port);
}

void gw_leg_watch(struct gw_leg *leg, uint32_t stall_ms)
{
	if (has_port(leg))
		(void)gw_media_watch(leg->port, stall_ms);
}

void gw_leg_hush(struct gw_leg *leg)
{
	if (has_port(leg))
		(void)gw_media_remote(leg->port, &leg->rtp, &leg->rtcp,
				      &leg->codec, GW_MEDIA_INACTIVE);
}

/* Recording ---------------------------------------------------------------- */

int gw_leg_record(struct gw_leg *left, struct gw_leg *right, bool on)
{
	int err;

	if (!has_port(left))
		return ENOTCONN;

	err = gw_media_record(left->port, has_port(right) ? right->port : NULL,
			      on);
	if (!err)
		left->records = on;
	return err;
}

void gw_leg_take_piece(struct gw_leg *leg, const struct gw_media_fact *fact)
{
	const struct gw_call_sound piece = {
		.samples = fact->recorded.samples,
		.pairs = fact->recorded.pairs,
		.rate = fact->recorded.rate,
		.last = fact->recorded.last,
	};

	if (leg->recordedh)
		leg->recordedh(leg, &piece, leg->arg);
}

/* Its last piece comes before the media thread's last words. */
void gw_leg_stop_recording(struct gw_leg *leg)
{
	if (leg->records && leg->port)
		(void)gw_media_record(leg->port, NULL, false);
}

/* Listening ---------------------------------------------------------------- */

static void stop_listening(void *arg)
{
	struct gw_leg *leg = arg;

	if (has_port(leg))
		(void)gw_media_detect(leg->port, false);
}

void gw_leg_listen(struct gw_leg *leg)
{
	const bool up = gw_leg_is_up(leg);

	if (!has_port(leg))
		return;

	if (!up)
		leg->hint = "unknown";
	(void)gw_media_detect(leg->port, !up || leg->role == GW_ROLE_TO);
	if (up && leg->role == GW_ROLE_TO)
		tmr_start(&leg->ring, BEEP_WITHIN_MS, stop_listening, leg);
}

void gw_leg_heard_tone(struct gw_leg *leg, enum gw_tone tone)
{
	static const char *const hints[] = {
		[GW_TONE_RINGBACK] = "ringback",     [GW_TONE_BUSY] = "busy",
		[GW_TONE_CONGESTION] = "congestion", [GW_TONE_SIT] = "sit",
		[GW_TONE_BEEP] = "voicemail_beep",
	};
	const bool beep = tone == GW_TONE_BEEP;

	if (gw_leg_is_over(leg) || (unsigned)tone >= ARRAY_SIZE(hints) ||
	    !hints[tone] || beep != gw_leg_is_up(leg))
		return;

	leg->hint = hints[tone];
	if (beep)
		stop_listening(leg);
}
