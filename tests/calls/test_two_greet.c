/* What a leg hears and has to press before it counts. */
#include "tests/calls/world.h"

/* 40 ms of silence, 8 kHz, 16 bit, mono. */
static const uint8_t wav_head[44] = {
	'R', 'I', 'F',  'F',  0xa4, 0x02, 0,    0,    'W',  'A', 'V',
	'E', 'f', 'm',  't',  ' ',  16,   0,    0,    0,    1,   0,
	1,   0,   0x40, 0x1f, 0,    0,    0x80, 0x3e, 0,    0,   2,
	0,   16,  0,    'd',  'a',  't',  'a',  0x80, 0x02, 0,   0,
};

static struct gw_sound *sound;

static void free_sound(void *arg)
{
	(void)arg;
	sound = mem_deref(sound);
}

static int open_with_sound(struct world **wp)
{
	uint8_t wav[sizeof(wav_head) + 640] = { 0 };
	const char *why = NULL;

	test_later(free_sound, NULL);
	memcpy(wav, wav_head, sizeof(wav_head));
	CHECK_OK(gw_sound_from_wav(&sound, wav, sizeof(wav), &why));
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	return 0;
}

static void press(struct phone *p, const char *digit)
{
	phone_request(p, "INFO", NULL, "application/dtmf", digit);
}

/* The first one has to press 1: only then is the second rung. Another digit
 * neither counts nor fails it. */
static int test_two_confirm(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .confirm_digit = '1',
					    .confirm_timeout_s = 10 }));
	CHECK_OK(world_until(w, "leg.answered(from)"));
	CHECK_OK(world_until_seen(&w->from, "ACK"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "first_answered");
	CHECK_STR(gw_leg_state_name(world_info(w)->legs[0].state),
		  "confirming");

	press(&w->from, "5");
	CHECK_OK(world_until(w, "call.dtmf(from)"));
	CHECK_INT(w->to.invites, 0);
	press(&w->from, "1");
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.ringing(from) "
		  "call.ringing leg.answered(from) call.dtmf(from) "
		  "call.dtmf(from) call.confirm.passed(from) "
		  "leg.initiated(to) leg.answered(to) call.answered "
		  "call.bridged");
	CHECK_STR(gw_leg_state_name(world_info(w)->legs[0].state), "answered");
	return 0;
}
TEST(test_two_confirm);

/* Nobody presses: a voicemail. */
static int test_two_confirm_missing(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .confirm_digit = '1',
					    .confirm_timeout_s = 10 }));
	CHECK_OK(world_until(w, "leg.answered(from)"));
	CHECK_OK(gw_tmr_test_advance(9500));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing call.confirm.failed(from) leg.ended(from) "
		  "call.ended");
	CHECK_OUTCOME(w, "no-answer", "confirm_failed", 19);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_FROM);
	CHECK_INT(w->to.invites, 0);
	CHECK(strstr(gw_call_diagnosis(w->call), "pressed"));
	return 0;
}
TEST(test_two_confirm_missing);

/* It hangs up instead. */
static int test_two_confirm_lost(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .confirm_digit = '1',
					    .confirm_timeout_s = 10 }));
	CHECK_OK(world_until_seen(&w->from, "ACK"));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "canceled", "canceled_by_first_leg", 16);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_two_confirm_lost);

/* The second one has to press: it isn't bridged before. */
static int test_two_confirm_second(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .confirm_role = GW_ROLE_TO,
					    .confirm_digit = '*',
					    .confirm_timeout_s = 10 }));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "second_ringing");
	CHECK_INT(world_info(w)->answered_at_ms, 0);
	press(&w->to, "*");
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing leg.initiated(to) leg.ringing(to) "
		  "leg.answered(to) call.dtmf(to) call.confirm.passed(to) "
		  "call.answered call.bridged");
	return 0;
}
TEST(test_two_confirm_second);

/* It hangs up without having pressed. */
static int test_two_confirm_second_lost(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .confirm_role = GW_ROLE_TO,
					    .confirm_digit = '1',
					    .confirm_timeout_s = 10 }));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "no-answer", "confirm_failed", 19);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_TO);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TO);
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	return 0;
}
TEST(test_two_confirm_second_lost);

/* Announced to the first before the second is rung. */
static int test_two_announce(void)
{
	struct world *w;

	CHECK_OK(open_with_sound(&w));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w,
				&(struct gw_call_order){ .announce = sound }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing call.playback.started(from) "
		  "call.playback.ended(from) leg.initiated(to) "
		  "leg.answered(to) call.answered call.bridged");
	return 0;
}
TEST(test_two_announce);

/* And to the second before it is joined; the digit may come while it plays. */
static int test_two_announce_second(void)
{
	struct world *w;

	CHECK_OK(open_with_sound(&w));
	phone_will(&w->from, { .code = 200, .sdp = SDP_PCMA });
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .announce = sound,
					    .announce_role = GW_ROLE_TO,
					    .confirm_role = GW_ROLE_TO,
					    .confirm_digit = '1',
					    .confirm_timeout_s = 10 }));
	CHECK_OK(world_until(w, "call.playback.started(to)"));
	CHECK_OK(world_until_seen(&w->to, "ACK"));
	press(&w->to, "1");
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK(strstr(w->history, "call.playback.started(to) "));
	CHECK(strstr(w->history, "call.playback.ended(to) "));
	CHECK(strstr(w->history, "call.confirm.passed(to) "));
	return 0;
}
TEST(test_two_announce_second);
