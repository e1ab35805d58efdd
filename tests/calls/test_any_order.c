/* Whatever phones, people, the clock and a crash do to a call, in whatever order: it
 * ends once, each leg that was begun ends once, nothing comes behind the end, and no
 * status goes back. The orders are drawn by chance. A round that fails prints its
 * seed: CALL_SEED=N begins with it, CALL_ROUNDS says how many there are. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/calls/world.h"

enum {
	ROUNDS = 300, /* ninety milliseconds each, most of it waiting */
	STEPS = 12,
	AFTER_MS = 40000, /* all timers of SIP */
};

/* What was told of one call. */
struct told {
	unsigned ends, legs, leg_ends, late, backwards;
	int rank;
	char steps[512];
};

static uint32_t seed;

/* xorshift: small, and the same everywhere */
static uint32_t draw(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % below;
}

/* How far a status is: queued, ringing, in-progress, and the last words alike. */
static int rank_of(enum gw_status status)
{
	return status == GW_STATUS_QUEUED      ? 0 :
	       status == GW_STATUS_RINGING     ? 1 :
	       status == GW_STATUS_IN_PROGRESS ? 2 :
						 3 + (int)status;
}

static void hear(struct gw_call *call, const struct gw_call_event *ev,
		 void *arg)
{
	struct told *told = arg;
	const int rank = rank_of(gw_call_info(call)->status);

	told->late += told->ends != 0;
	told->ends += ev->type == GW_EV_CALL_ENDED;
	told->legs += ev->type == GW_EV_LEG_INITIATED;
	told->leg_ends += ev->type == GW_EV_LEG_ENDED;
	/* one last word, and not another one afterwards */
	told->backwards += rank < told->rank ||
			   (told->rank >= 3 && rank != told->rank);
	told->rank = rank;
}

static void note(struct told *told, const char *word)
{
	const size_t used = strlen(told->steps);

	(void)re_snprintf(told->steps + used, sizeof(told->steps) - used, " %s",
			  word);
}

/* A phone ---------------------------------------------------------------------- */

static void answer(struct phone *p, struct told *told)
{
	static const struct answer answers[] = {
		{ .code = 100 },
		{ .code = 180 },
		{ .code = 183, .sdp = SDP_PCMA },
		{ .code = 200, .sdp = SDP_PCMA },
		{ .code = 200, .sdp = SDP_PCMA },
		{ .code = 200, .sdp = SDP_PCMA },
		{ .code = 200, .sdp = SDP_PCMA, .tag = "another" },
		{ .code = 200, .sdp = SDP_ONLY_G729 },
		{ .code = 200 },
		{ .code = 302 },
		{ .code = 404 },
		{ .code = 486 },
		{ .code = 487 },
		{ .code = 500 },
		{ .code = 503, .headers = "Retry-After: 5\r\n" },
		{ .code = 603 },
	};
	const struct answer *a = &answers[draw(ARRAY_SIZE(answers))];
	char word[24];

	if (!p->invite)
		return;
	(void)re_snprintf(word, sizeof(word), "%u", a->code);
	note(told, word);
	phone_answer(p, a);
}

static void say(struct phone *p, struct told *told)
{
	static const char *const methods[] = { "BYE", "BYE", "OPTIONS",
					       "INFO" };
	const char *method = methods[draw(ARRAY_SIZE(methods))];

	if (!p->invite)
		return;
	note(told, method);
	phone_request(p, method, "", NULL, NULL);
}

static void make_phone(struct phone *p)
{
	static const struct answer rings[] = { { .code = 180 } };
	static const struct answer talks[] = {
		{ .code = 180 }, { .code = 200, .sdp = SDP_PCMA }
	};
	const uint32_t n = draw(4);

	p->script = n == 1 ? rings : n > 1 ? talks : NULL;
	p->script_count = n > 1 ? 2 : n;
	p->ignores_cancel = draw(6) == 0;
	p->answers_at_cancel = draw(6) == 0;
	p->ignores_bye = draw(8) == 0;
	p->refuses_reinvite = draw(4) == 0;
	p->sends_on = draw(16) == 0;
}

/* Somebody, and a crash ------------------------------------------------------- */

static void command(struct world *w, struct told *told)
{
	const int role = (int)draw(3) - 1;

	switch (draw(6)) {
	case 0:
		note(told, "hangup");
		(void)gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				     GW_ENDED_BY_API);
		break;
	case 1:
		note(told, "hold");
		(void)gw_call_hold(w->call, role, true);
		break;
	case 2:
		note(told, "unhold");
		(void)gw_call_hold(w->call, role, false);
		break;
	case 3:
		note(told, "dtmf");
		(void)gw_call_dtmf(w->call, "12", role);
		break;
	case 4:
		note(told, "mute");
		(void)gw_call_mute(w->call, role, draw(2) != 0);
		break;
	default:
		note(told, "transfer");
		(void)gw_call_transfer(w->call, &(struct gw_call_transfer){
							.target = w->third.uri,
							.line = w->line,
							.attended = draw(2),
							.role = role,
						});
		break;
	}
}

/* What the next process would say to the phones, while this one goes on: for the
 * call it is as if somebody else had taken the phones away. */
static int crash(struct world *w, struct told *told)
{
	struct mbuf *mb = mbuf_alloc(512);
	int err = mb ? gw_call_dialog_print(mb, w->call) : ENOMEM;
	char *text = NULL;

	note(told, "crash");
	mb->pos = 0;
	if (!err)
		err = mbuf_strdup(mb, &text, mb->end);
	if (!err)
		err = gw_call_bye_stored(w->line, text);
	mem_deref(text);
	mem_deref(mb);
	return err == ENOENT ? 0 : err;
}

static int step(struct world *w, struct told *told)
{
	struct phone *const phones[] = { &w->to, &w->from, &w->third };
	struct phone *p = phones[draw(8) % 3];

	switch (draw(16)) {
	case 0:
		command(w, told);
		return 0;
	case 1:
	case 2:
		say(p, told);
		return 0;
	case 3:
		return draw(4) ? 0 : crash(w, told);
	case 4:
		note(told, "long");
		return gw_tmr_test_advance(draw(12000));
	case 5:
	case 6:
	case 7:
	case 8:
		return gw_tmr_test_advance(draw(700));
	default:
		answer(p, told);
		return 0;
	}
}

/* A round ---------------------------------------------------------------------- */

static int place(struct world *w, struct told *told)
{
	static const enum gw_join joins[] = { GW_JOIN_AUTO, GW_JOIN_RELAY,
					      GW_JOIN_DIRECT, GW_JOIN_REFER };
	const struct gw_call_order order = {
		.line = w->line,
		.to = w->to.uri,
		.from = draw(4) ? w->from.uri : NULL,
		.first = draw(2) ? GW_ROLE_FROM : GW_ROLE_TO,
		.join = joins[draw(ARRAY_SIZE(joins))],
		.ring_timeout_s = 1 + draw(10),
		.time_limit_s = 1 + draw(20),
		.setup_deadline_s = 5 + draw(20),
		.caller_privacy = -1,
	};
	int err = gw_call_alloc(&w->call, &order, w->media, hear, told);

	if (!err)
		gw_call_start(w->call);
	return err;
}

static int check_round(const struct told *told, uint32_t began_with)
{
	if (told->ends == 1 && told->legs == told->leg_ends && !told->late &&
	    !told->backwards)
		return 0;
	(void)fprintf(stderr,
		      "CALL_SEED=%u:%s: %u ends, %u of %u legs have ended, %u "
		      "events came late, %u times it went back\n",
		      began_with, told->steps, told->ends, told->leg_ends,
		      told->legs, told->late, told->backwards);
	return 1;
}

static int play_round(struct world *w)
{
	const uint32_t began_with = seed;
	struct told told = { .ends = 0 };
	uint32_t steps = 2 + draw(STEPS);

	make_phone(&w->to);
	make_phone(&w->from);
	make_phone(&w->third);
	CHECK_OK(place(w, &told));
	CHECK_OK(gw_tmr_test_advance(1 + draw(50)));
	while (steps--)
		CHECK_OK(step(w, &told));
	CHECK_OK(gw_tmr_test_advance(draw(100)));
	/* half of them are left to their own timers */
	if (draw(2))
		(void)gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				     GW_ENDED_BY_API);
	CHECK_OK(gw_tmr_test_advance(AFTER_MS));
	CHECK_OK(check_round(&told, began_with));
	world_next(w);
	return 0;
}

static uint32_t number_of(const char *name, uint32_t otherwise)
{
	const char *text = getenv(name);

	return text ? (uint32_t)strtoul(text, NULL, 10) : otherwise;
}

static void clock_back(void *arg)
{
	(void)arg;
	gw_tmr_test_clock_stop();
}

static int test_any_order_ends_once(void)
{
	const uint32_t rounds = number_of("CALL_ROUNDS", ROUNDS);
	struct world *w;

	seed = number_of("CALL_SEED", (uint32_t)rand_u32() | 1);
	(void)printf("CALL_SEED=%u, %u rounds\n", seed, rounds);
	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	test_later(clock_back, NULL);
	for (uint32_t i = 0; i < rounds; i++)
		CHECK_OK(play_round(w));
	return 0;
}
TEST_WITHOUT_OOM(
	test_any_order_ends_once,
	"a thousand calls, each another one: those of their own files do");
