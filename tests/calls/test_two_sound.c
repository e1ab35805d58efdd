/* Two people: who hears what, on real sockets. */
#include <math.h>

#include <re.h>
#include <rem.h>

#include "tests/calls/world.h"

enum { SILENCE = 0xd5, FRAME = 160 };

/* The ear and mouth of a phone: PCMA frames of one value each. */
struct ear {
	struct udp_sock *us;
	struct sa addr, gateway;
	char sdp[256];
	uint16_t seq;
	unsigned loud;    /* packets with anything but silence */
	unsigned tones;   /* of more than one value: no phone's */
	uint8_t heard;    /* the last loud value */
	char pressed[16]; /* by events */
	uint32_t event_ts;
};

static struct ear ears[2]; /* from, to */

static bool is_silence(uint8_t value)
{
	return (value | 0x80) == SILENCE;
}

static void hear_event(struct ear *ear, const struct mbuf *mb)
{
	const size_t used = strlen(ear->pressed);
	uint32_t ts;

	if (mbuf_get_left(mb) < 16 || used + 1 >= sizeof(ear->pressed))
		return;

	memcpy(&ts, mbuf_buf(mb) + 4, sizeof(ts));
	if (used && ts == ear->event_ts)
		return; /* more of the same */

	ear->event_ts = ts;
	ear->pressed[used] = "0123456789*#ABCD"[mbuf_buf(mb)[12] & 15];
}

static void hear(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct ear *ear = arg;
	(void)src;

	if (mbuf_get_left(mb) < 12)
		return;
	if ((mbuf_buf(mb)[1] & 0x7f) == 101)
		hear_event(ear, mb);
	if ((mbuf_buf(mb)[1] & 0x7f) != 8)
		return;

	for (size_t i = 13; i < mbuf_get_left(mb); i++) {
		if (mbuf_buf(mb)[i] != mbuf_buf(mb)[12]) {
			++ear->tones;
			break;
		}
	}
	for (size_t i = 12; i < mbuf_get_left(mb); i++) {
		if (!is_silence(mbuf_buf(mb)[i])) {
			++ear->loud;
			ear->heard = mbuf_buf(mb)[i];
			break;
		}
	}
}

static void close_ears(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < ARRAY_SIZE(ears); i++)
		ears[i].us = mem_deref(ears[i].us);
}

static int open_ears(struct world **wp)
{
	struct sa any;

	memset(ears, 0, sizeof(ears));
	test_later(close_ears, NULL);
	CHECK_OK(sa_set_str(&any, "127.0.0.1", 0));
	for (size_t i = 0; i < ARRAY_SIZE(ears); i++) {
		CHECK_OK(udp_listen(&ears[i].us, &any, hear, &ears[i]));
		CHECK_OK(udp_local_get(ears[i].us, &ears[i].addr));
		(void)re_snprintf(ears[i].sdp, sizeof(ears[i].sdp),
				  SDP_AT("127.0.0.1",
					 "m=audio %u RTP/AVP 8 101\r\n"
					 "a=rtpmap:101 telephone-event/8000"
					 "\r\n"),
				  sa_port(&ears[i].addr));
	}

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	return 0;
}

/* Where the gateway wants to hear a phone: of the INVITE it got last. */
static int find_gateway(struct ear *ear, const struct phone *phone)
{
	const struct mbuf *mb = phone->invite->mb;
	struct pl port;

	CHECK_OK(re_regex((const char *)mbuf_buf(mb), mbuf_get_left(mb),
			  "m=audio [0-9]+", &port));
	return sa_set_str(&ear->gateway, "127.0.0.1", (uint16_t)pl_u32(&port));
}

static void send_packet(struct ear *ear, uint8_t pt, const uint8_t *payload,
			size_t len)
{
	struct mbuf *mb = mbuf_alloc(12 + len);

	if (!mb)
		return;
	(void)mbuf_write_u8(mb, 0x80);
	(void)mbuf_write_u8(mb, pt);
	(void)mbuf_write_u16(mb, htons(++ear->seq));
	(void)mbuf_write_u32(mb, htonl((uint32_t)ear->seq * FRAME));
	(void)mbuf_write_u32(mb, htonl((uint32_t)sa_port(&ear->addr)));
	(void)mbuf_write_mem(mb, payload, len);
	mb->pos = 0;
	(void)udp_send(ear->us, &ear->gateway, mb);
	mem_deref(mb);
}

static void say(struct ear *ear, uint8_t value)
{
	uint8_t frame[FRAME];

	memset(frame, value, sizeof(frame));
	send_packet(ear, 8, frame, sizeof(frame));
}

/* The end of an event: the digit 5. */
static void press_five(struct ear *ear)
{
	static const uint8_t event[] = { 5, 0x8a, 0x03, 0x20 };

	send_packet(ear, 101, event, sizeof(event));
}

/* 20 ms of a tone, of which ms have gone by; or of a pause in it. */
static void say_tone(struct ear *ear, double hz, uint32_t ms, bool on)
{
	uint8_t frame[FRAME];

	for (uint32_t i = 0; i < FRAME; i++) {
		const double t = (ms * 8 + i) / 8000.0;

		frame[i] = g711_pcm2alaw(
			(int16_t)(on ? 8000 * sin(2 * M_PI * hz * t) : 0));
	}
	send_packet(ear, 8, frame, sizeof(frame));
}

/* Says value in one ear each 20 ms until the other one hears it. */
struct talk {
	struct ear *mouth, *ear;
	uint8_t value;
	struct tmr tmr;
};

static void say_again(void *arg)
{
	struct talk *talk = arg;

	say(talk->mouth, talk->value);
	tmr_start(&talk->tmr, 20, say_again, talk);
}

static bool is_heard(void *arg)
{
	const struct talk *talk = arg;

	return talk->ear->loud && talk->ear->heard == talk->value;
}

static int until_heard(struct ear *mouth, struct ear *ear, uint8_t value)
{
	struct talk talk = { .mouth = mouth, .ear = ear, .value = value };
	int err;

	ear->loud = 0;
	tmr_init(&talk.tmr);
	say_again(&talk);
	err = test_run_until(is_heard, &talk, 3000);
	tmr_cancel(&talk.tmr);
	return err;
}

static void answer(struct phone *phone, uint16_t code, const struct ear *ear)
{
	phone_answer(phone, &(struct answer){ .code = code, .sdp = ear->sdp });
}

static int ring_both(struct world *w, const struct gw_call_order *order)
{
	phone_will(&w->from, { .code = 180 });
	phone_will(&w->to, { .code = 180 });
	CHECK_OK(world_call_two(w, order));
	CHECK_OK(world_until(w, "call.ringing"));
	answer(&w->from, 200, &ears[0]);
	CHECK_OK(world_until(w, "leg.ringing(to)"));
	CHECK_OK(find_gateway(&ears[0], &w->from));
	CHECK_OK(find_gateway(&ears[1], &w->to));
	return 0;
}

static int bridge(struct world *w, const struct gw_call_order *order)
{
	CHECK_OK(ring_both(w, order));
	answer(&w->to, 200, &ears[1]);
	CHECK_OK(world_until(w, "call.bridged"));
	return 0;
}

/* Both hear each other. */
static int test_two_sound_bridged(void)
{
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x11));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x22));
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_bridged, "the media thread's are not counted");

static bool has_tone(void *arg)
{
	return ((struct ear *)arg)->tones > 0;
}

/* The one who waits hears it ring; then what the other side sends before it
 * answers, and no tone any more. */
static int test_two_sound_ringback(void)
{
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(ring_both(w, &(struct gw_call_order){ .ringback = "de" }));
	CHECK_OK(test_run_until(has_tone, &ears[0], 6000));

	answer(&w->to, 183, &ears[1]);
	CHECK_OK(world_until(w, "call.early_media"));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x33));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "second_ringing");
	ears[0].tones = 0;
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x34));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x35));
	CHECK_INT(ears[0].tones, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_ringback, "the media thread's are not counted");

/* Sound before a 3xx: the tone comes back while the other one is rung. */
static int test_two_sound_sent_on(void)
{
	static char contact[96];
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(ring_both(w, &(struct gw_call_order){ .follow_redirects =
							       true }));
	answer(&w->to, 183, &ears[1]);
	CHECK_OK(world_until(w, "call.early_media"));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x33));
	ears[0].tones = 0;
	(void)re_snprintf(contact, sizeof(contact), "Contact: <%s>\r\n",
			  w->third.uri);
	phone_answer(&w->to,
		     &(struct answer){ .code = 302, .contact = contact });
	CHECK_OK(world_until_seen(&w->third, "INVITE"));
	CHECK_OK(test_run_until(has_tone, &ears[0], 6000));
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_sent_on, "the media thread's are not counted");

/* A tone that comes and goes, faster than a clock would have it. */
struct network {
	struct ear *ear;
	const struct world *w;
	const char *hint; /* until this is what the leg says of it */
	uint32_t ms, on_ms, off_ms;
	uint32_t seed;
	struct tmr tmr;
};

static void sound_on(void *arg)
{
	struct network *n = arg;

	say_tone(n->ear, 425, n->ms, n->ms % (n->on_ms + n->off_ms) < n->on_ms);
	n->ms += 20;
	tmr_start(&n->tmr, 2, sound_on, n);
}

static bool is_understood(void *arg)
{
	const struct network *n = arg;
	const struct gw_call_info *info = world_info(n->w);
	const char *hint = info->legs[info->leg_count - 1].cause_hint;

	return hint && 0 == strcmp(hint, n->hint);
}

/* A network says in sound what it doesn't say in SIP. */
static int test_two_sound_hint(void)
{
	struct network n = {
		.ear = &ears[1], .hint = "busy", .on_ms = 480, .off_ms = 480
	};
	struct world *w;
	int err;

	CHECK_OK(open_ears(&w));
	CHECK_OK(ring_both(w, &(struct gw_call_order){ 0 }));
	CHECK_STR(world_info(w)->legs[1].cause_hint, NULL);
	answer(&w->to, 183, &ears[1]);
	CHECK_OK(world_until(w, "call.early_media"));
	CHECK_STR(world_info(w)->legs[1].cause_hint, "unknown");

	n.w = w;
	tmr_init(&n.tmr);
	sound_on(&n);
	err = test_run_until(is_understood, &n, 5000);
	tmr_cancel(&n.tmr);
	CHECK_OK(err);
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_hint, "the media thread's are not counted");

/* Speech, a beep, silence: somebody's voicemail. */
static void sound_voicemail(void *arg)
{
	struct network *n = arg;
	uint8_t noise[FRAME];

	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (uint8_t)((n->seed = n->seed * 1103515245 + 12345) >>
				     16);
	if (n->ms < n->on_ms)
		send_packet(n->ear, 8, noise, sizeof(noise));
	else
		say_tone(n->ear, 1000, n->ms, n->ms < n->on_ms + n->off_ms);
	n->ms += 20;
	tmr_start(&n->tmr, 2, sound_voicemail, n);
}

static int test_two_sound_voicemail(void)
{
	struct network n = { .ear = &ears[1],
			     .hint = "voicemail_beep",
			     .on_ms = 2000,
			     .off_ms = 500 };
	struct world *w;
	int err;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ 0 }));
	CHECK_STR(world_info(w)->legs[1].cause_hint, NULL);
	n.w = w;
	tmr_init(&n.tmr);
	sound_voicemail(&n);
	err = test_run_until(is_understood, &n, 5000);
	tmr_cancel(&n.tmr);
	CHECK_OK(err);
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_voicemail,
		 "the media thread's are not counted");

static bool has_pressed_all(void *arg)
{
	return 0 == strcmp(((struct ear *)arg)->pressed, "20#");
}

/* Digits that were ordered, as events: to the to leg, once both are up. */
static int test_two_sound_digits(void)
{
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ .send_digits = "w20#" }));
	CHECK_OK(test_run_until(has_pressed_all, &ears[1], 5000));
	CHECK_STR(ears[0].pressed, "");
	CHECK_STR(w->to.infos, "");
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_digits, "the media thread's are not counted");

/* Muted: one isn't heard, the other one is. */
static int test_two_sound_muted(void)
{
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x11));
	CHECK_OK(gw_call_mute(w->call, GW_ROLE_FROM, true));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x22));
	say(&ears[0], 0x44);
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x23));
	CHECK(ears[1].heard != 0x44);
	CHECK_OK(gw_call_mute(w->call, GW_ROLE_FROM, false));
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x12));
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_muted, "the media thread's are not counted");

/* Held by us: neither hears the other one, until it is over. */
static int test_two_sound_held(void)
{
	static struct answer again;
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x11));
	again = (struct answer){ .code = 200, .sdp = ears[1].sdp };
	w->to.script = &again;
	w->to.script_count = 1;
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, true));
	CHECK_OK(world_until(w, "call.hold(to)"));

	for (int i = 0; i < 5; i++)
		say(&ears[0], 0x44);
	press_five(
		&ears[0]); /* when that is told, the others have been heard */
	CHECK_OK(world_until(w, "call.dtmf(from)"));
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_TO, false));
	CHECK_OK(world_until(w, "call.unhold(to)"));
	CHECK(ears[1].heard != 0x44);
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x12));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x22));
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_held, "the media thread's are not counted");

/* Direct, and back: whoever changes the session is heard through us again. */
static int test_two_sound_direct(void)
{
	static struct answer again[2];
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(ring_both(w,
			   &(struct gw_call_order){ .join = GW_JOIN_DIRECT }));
	for (size_t i = 0; i < ARRAY_SIZE(again); i++) {
		struct phone *phone = i ? &w->to : &w->from;

		again[i] = (struct answer){ .code = 200, .sdp = ears[i].sdp };
		phone->script = &again[i];
		phone->script_count = 1;
	}
	answer(&w->to, 200, &ears[1]);
	CHECK_OK(world_until_seen(&w->to, "INVITE ACK INVITE ACK"));
	CHECK_INT(world_info(w)->join, GW_JOIN_DIRECT);

	phone_request(&w->to, "INVITE", NULL, "application/sdp", ears[1].sdp);
	CHECK_OK(
		world_until_seen(&w->from, "INVITE ACK INVITE ACK INVITE ACK"));
	CHECK_INT(world_info(w)->join, GW_JOIN_RELAY);
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x12));
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_direct, "the media thread's are not counted");

/* G22: nothing comes from either side: the call ends. */
static int test_two_sound_stalls(void)
{
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ .stall_s = 1 }));
	CHECK_OK(world_until_ended(w));
	CHECK(strstr(w->history, " call.media.stalled("));
	CHECK_OUTCOME(w, "completed", "media_timeout", 31);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TIMER);
	CHECK_OK(world_until_seen(&w->from, "BYE"));
	CHECK_OK(world_until_seen(&w->to, "BYE"));
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_stalls, "the media thread's are not counted");

/* After a blind transfer who stays hears the third one. */
static int test_two_sound_transferred(void)
{
	struct world *w;

	CHECK_OK(open_ears(&w));
	CHECK_OK(bridge(w, &(struct gw_call_order){ 0 }));
	phone_will(&w->third, { .code = 180 });
	CHECK_OK(gw_call_transfer(
		w->call, &(struct gw_call_transfer){ .target = w->third.uri,
						     .role = GW_ROLE_TO }));
	CHECK_OK(world_until_seen(&w->third, "INVITE"));
	CHECK_OK(find_gateway(&ears[0], &w->third));
	answer(&w->third, 200, &ears[0]);
	CHECK_OK(world_until(w, "call.transfer.completed(from)"));
	CHECK_OK(until_heard(&ears[0], &ears[1], 0x55 ^ 0x0f));
	CHECK_OK(until_heard(&ears[1], &ears[0], 0x66));
	return 0;
}
TEST_WITHOUT_OOM(test_two_sound_transferred,
		 "the media thread's are not counted");

/* iLBC ---------------------------------------------------------------------- */

static struct gw_line *ilbc_line;

static void close_line(void *arg)
{
	struct world *w = arg;

	w->call = mem_deref(w->call);
	ilbc_line = mem_deref(ilbc_line);
}

static int open_ilbc(struct world **wp)
{
	static const char *const codecs[] = { "iLBC", "PCMA" };
	struct gw_line_cfg cfg = {
		.name = "ilbc",
		.user = "858",
		.domain = "127.0.0.1",
		.codecs = codecs,
		.codec_count = ARRAY_SIZE(codecs),
	};

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(close_line, *wp);
	cfg.port = sa_port(&(*wp)->from.addr);
	CHECK_OK(gw_line_alloc(&ilbc_line, (*wp)->stack, &cfg, NULL, NULL));
	phone_will(&(*wp)->from,
		   { .code = 200,
		     .sdp = SDP_AT("127.0.0.1", "m=audio 40000 RTP/AVP 98\r\n"
						"a=rtpmap:98 iLBC/8000\r\n") });
	phone_will(&(*wp)->to, { .code = 200, .sdp = SDP_PCMA });
	return 0;
}

/* Offered last; who takes nothing else can't be played a tone. */
static int test_two_sound_ilbc(void)
{
	struct world *w;
	const struct mbuf *mb;

	CHECK_OK(open_ilbc(&w));
	CHECK_OK(
		world_call_two(w, &(struct gw_call_order){ .line = ilbc_line,
							   .ringback = "de" }));
	CHECK_OK(world_until_ended(w));
	CHECK(w->from.first);
	mb = w->from.first->mb;
	CHECK_OK(re_regex((const char *)mbuf_buf(mb), mbuf_get_left(mb),
			  "RTP/AVP 8 98"));
	CHECK_OUTCOME(w, "failed", "no_common_codec", 88);
	CHECK_INT(world_info(w)->failed_leg, GW_ROLE_FROM);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_two_sound_ilbc);

/* Where no tone was asked for it may talk. */
static int test_two_sound_ilbc_without_tone(void)
{
	struct world *w;

	CHECK_OK(open_ilbc(&w));
	CHECK_OK(world_call_two(w,
				&(struct gw_call_order){ .line = ilbc_line }));
	CHECK_OK(world_until(w, "call.bridged"));
	return 0;
}
TEST(test_two_sound_ilbc_without_tone);
