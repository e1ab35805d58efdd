/* The sound of a call, as far as the call can see it. */
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

/* What is announced starts with the answer and ends, the call goes on. */
static int test_call_sound_announce(void)
{
	uint8_t wav[sizeof(wav_head) + 640] = { 0 };
	const char *why = NULL;
	struct world *w;

	test_later(free_sound, NULL);
	memcpy(wav, wav_head, sizeof(wav_head));
	CHECK_OK(gw_sound_from_wav(&sound, wav, sizeof(wav), &why));

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .announce = sound }));
	CHECK_OK(world_until(w, "call.playback.ended"));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.answered call.answered "
		  "call.bridged call.playback.started call.playback.ended");

	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	CHECK(world_info(w)->legs[0].has_quality);
	CHECK(world_info(w)->legs[0].quality.sent > 0);
	CHECK(!world_info(w)->legs[0].quality.any);
	return 0;
}
TEST(test_call_sound_announce);

/* No RTP port is left: told as such, and nothing is sent. */
static int test_call_sound_no_port(void)
{
	const struct gw_call_order nowhere = { .media_listen = "192.0.2.1" };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_call(w, &nowhere));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ended call.ended");
	CHECK_OUTCOME(w, "failed", "capacity", 34);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_call_sound_no_port);

/* The address that the SDP tells is the one that was configured. */
static int test_call_sound_advertised(void)
{
	const struct gw_call_order order = { .media_advertise = "203.0.113.9" };
	struct world *w;
	const struct mbuf *mb;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_call(w, &order));
	CHECK_OK(world_until_phone(w, "INVITE"));
	mb = w->to.invite->mb;
	CHECK_INT(re_regex((const char *)mbuf_buf(mb), mbuf_get_left(mb),
			   "c=IN IP4 203.0.113.9"),
		  0);
	return 0;
}
TEST(test_call_sound_advertised);
