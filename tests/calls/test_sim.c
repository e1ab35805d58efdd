/* The sandbox through and through: the line that registers there, calls as the
 * gateway places them, real sound of the media thread. One row of expectations
 * for each callee; a callee without a row fails the test. */
#include <stdlib.h>

#include "sip/call.h"
#include "sip/libre/tmr_heap.h"
#include "sip/sim.h"
#include "tests/test.h"

enum {
	PIECE_MS = 250,   /* of the test clock, between looks */
	SETTLE_MS = 5,    /* of real time, for the media thread */
	CALL_MAX_S = 100, /* of the test clock */
};

struct sandbox {
	struct gw_media *media;
	struct mqueue *jobs;
	struct gw_sim *sim;
	struct gw_line *line;
	struct gw_call *call;
	bool hang_up, has_hung_up, ended, early;
	bool wants_digit, pressed;
	unsigned endings;
};

/* ------------------------------------------------------------------- world */

struct job {
	void (*fn)(void *arg);
	void *arg;
};

static int post(void (*fn)(void *arg), void *fn_arg, void *arg)
{
	struct sandbox *s = arg;
	struct job *job =
		malloc(sizeof(*job)); /* mem_alloc() is one thread's */
	int err;

	if (!job)
		return ENOMEM;

	*job = (struct job){ fn, fn_arg };
	err = mqueue_push(s->jobs, 0, job);
	if (err)
		free(job);
	return err ? ENOMEM : 0;
}

static void run_job(int id, void *data, void *arg)
{
	struct job *job = data;
	(void)id;
	(void)arg;

	job->fn(job->arg);
	free(job);
}

static void sandbox_close(void *arg)
{
	struct sandbox *s = arg;

	s->call = mem_deref(s->call);
	s->line = mem_deref(s->line);
	gw_sim_close(s->sim);
	gw_media_stop(s->media);
	s->sim = mem_deref(s->sim);
	s->jobs = mem_deref(s->jobs);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static int pass(uint32_t ms)
{
	int err = test_run_until(never, NULL, SETTLE_MS);

	if (err && err != ETIMEDOUT)
		return err;
	return gw_tmr_test_advance(ms);
}

static int sandbox_open(struct sandbox *s)
{
	const struct gw_media_cfg media = { .port_min = 30000,
					    .port_max = 30999 };
	struct gw_line_cfg cfg;

	memset(s, 0, sizeof(*s));
	test_later(sandbox_close, s);
	gw_tmr_test_clock_start();
	CHECK_OK(mqueue_alloc(&s->jobs, run_job, NULL));
	CHECK_OK(gw_media_start(&s->media, &media, post, s));
	CHECK_OK(gw_sim_alloc(&s->sim, s->media));
	gw_sim_line_cfg(s->sim, &cfg);
	CHECK_OK(gw_line_alloc(&s->line, gw_sim_stack(s->sim), &cfg, NULL,
			       NULL));
	CHECK_OK(gw_line_start(s->line));
	CHECK_OK(pass(10));
	return 0;
}

static void told(struct gw_call *call, const struct gw_call_event *ev,
		 void *arg)
{
	struct sandbox *s = arg;
	(void)call;

	switch (ev->type) {
	case GW_EV_CALL_EARLY_MEDIA:
		s->early = true;
		break;
	case GW_EV_CALL_DTMF:
		s->pressed = ev->digit == '1';
		break;
	case GW_EV_CALL_ENDED:
		s->ended = true;
		++s->endings;
		break;
	default:
		break;
	}
}

static int dial(struct sandbox *s, const char *name, uint32_t ring_timeout_s)
{
	char uri[64];
	const struct gw_call_order order = {
		.to = uri,
		.line = s->line,
		.caller_privacy = -1,
		.ring_timeout_s = ring_timeout_s,
		.time_limit_s = 3600,
		.setup_deadline_s = 90,
	};

	(void)re_snprintf(uri, sizeof(uri), "sip:%s@127.0.0.1:%u", name,
			  gw_sim_port(s->sim));
	s->call = mem_deref(s->call);
	s->ended = s->early = s->pressed = s->has_hung_up = false;
	s->endings = 0;
	CHECK_OK(gw_call_alloc(&s->call, &order, s->media, told, s));
	gw_call_start(s->call);
	return 0;
}

static bool has_pressed(void *arg)
{
	return ((const struct sandbox *)arg)->pressed;
}

/* Until the call has ended; hangs up after 4 s of talking if asked to. */
static int live_through(struct sandbox *s)
{
	uint32_t talked_ms = 0;

	for (uint32_t ms = 0; !s->ended && ms < CALL_MAX_S * 1000;
	     ms += PIECE_MS) {
		CHECK_OK(pass(PIECE_MS));

		if (gw_call_info(s->call)->status == GW_STATUS_IN_PROGRESS)
			talked_ms += PIECE_MS;
		if (s->wants_digit && talked_ms == 2000) /* a real key press */
			CHECK_OK(test_run_until(has_pressed, s, 3000));
		if (s->hang_up && talked_ms >= 4000 && !s->has_hung_up) {
			s->has_hung_up = true;
			CHECK_OK(gw_call_hangup(s->call,
						GW_CAUSE_NORMAL_CLEARING,
						GW_ENDED_BY_API));
		}
	}

	CHECK(s->ended);
	return pass(PIECE_MS);
}

/* -------------------------------------------------------------- registering */

static int test_sim_line_registers(void)
{
	static struct sandbox s;
	struct gw_line_info info;

	CHECK_OK(sandbox_open(&s));
	gw_line_info(s.line, &info);
	CHECK_STR(gw_line_state_name(info.state), "registered");
	CHECK_STR(info.server, "Bellpull sandbox");
	CHECK_INT(info.expires_s, 3600);

	gw_line_stop(s.line);
	CHECK_OK(pass(10));
	gw_line_info(s.line, &info);
	CHECK_STR(gw_line_state_name(info.state), "unregistered");
	return 0;
}
TEST(test_sim_line_registers);

static int test_sim_password_counts(void)
{
	static struct sandbox s;
	OWNED struct gw_line *line = NULL;
	struct gw_line_cfg cfg;
	struct gw_line_info info;

	CHECK_OK(sandbox_open(&s));
	gw_sim_line_cfg(s.sim, &cfg);
	cfg.password = "858";
	CHECK_OK(gw_line_alloc(&line, gw_sim_stack(s.sim), &cfg, NULL, NULL));
	CHECK_OK(gw_line_start(line));
	CHECK_OK(pass(100));
	gw_line_info(line, &info);
	CHECK_STR(gw_line_state_name(info.state), "failed");
	CHECK_INT(info.last_code, 401);
	return 0;
}
TEST(test_sim_password_counts);

/* ------------------------------------------------------------------- callees */

static const struct expectation {
	const char *name;
	uint32_t ring_timeout_s;
	bool hang_up;
	const char *status, *cause;
	uint16_t code; /* last received on the leg */
	bool early, presses;
	const char *codec;
} expectations[] = {
	{ "853", 30, false, "completed", "normal_clearing", 200, false, false,
	  "PCMA/8000" },
	{ "answer", 30, true, "completed", "normal_clearing", 200, false, false,
	  "PCMA/8000" },
	{ "busy", 30, false, "busy", "busy", 486, false, false, NULL },
	{ "decline", 30, false, "busy", "rejected", 603, false, false, NULL },
	{ "no-answer", 5, false, "no-answer", "ring_timeout", 180, false, false,
	  NULL },
	{ "not-found", 30, false, "failed", "not_found", 404, false, false,
	  NULL },
	{ "early-media", 30, true, "completed", "normal_clearing", 200, true,
	  false, "PCMA/8000" },
	{ "unavailable", 30, false, "no-answer", "unavailable", 480, false,
	  false, NULL },
	{ "overloaded", 30, false, "failed", "congestion", 503, false, false,
	  NULL },
	{ "silent", 60, false, "failed", "transport_timeout", 0, false, false,
	  NULL },
	{ "late-answer", 5, false, "no-answer", "ring_timeout", 180, false,
	  false, NULL },
	{ "auth-loop", 30, false, "failed", "auth_failed", 407, false, false,
	  NULL },
	{ "hangup", 30, false, "completed", "normal_clearing", 200, false,
	  false, "PCMA/8000" },
	{ "no-media", 30, true, "completed", "normal_clearing", 200, false,
	  false, "PCMA/8000" },
	{ "one-codec-gsm", 30, true, "completed", "normal_clearing", 200, false,
	  false, "GSM/8000" },
	{ "redirect", 30, false, "failed", "redirected", 302, false, false,
	  NULL },
	{ "forked", 30, true, "completed", "normal_clearing", 200, false, false,
	  "PCMA/8000" },
	{ "voicemail", 30, false, "completed", "normal_clearing", 200, false,
	  false, "PCMA/8000" },
	{ "press-1", 30, true, "completed", "normal_clearing", 200, false, true,
	  "PCMA/8000" },
	{ "nobody", 30, false, "failed", "not_found", 404, false, false, NULL },
};

static int meet(struct sandbox *s, const struct expectation *want)
{
	const struct gw_call_info *info;

	s->hang_up = want->hang_up;
	s->wants_digit = want->presses;
	CHECK_OK(dial(s, want->name, want->ring_timeout_s));
	if (live_through(s))
		return 1;

	info = gw_call_info(s->call);
	CHECK_INT(s->endings, 1);
	CHECK_STR(gw_status_name(info->status), want->status);
	CHECK_STR(gw_cause_name(info->outcome.cause), want->cause);
	CHECK_INT(info->sip_code, want->code);
	CHECK_INT(s->early, want->early);
	CHECK_INT(s->pressed, want->presses);
	if (want->codec)
		CHECK_STR(info->legs[0].codec, want->codec);
	return 0;
}

/* Each row a test of its own, so that a failure names its callee. */
#define CALLEE_TEST(id, index)                         \
	static int test_sim_calls_##id(void)           \
	{                                              \
		static struct sandbox s;               \
		CHECK_OK(sandbox_open(&s));            \
		return meet(&s, &expectations[index]); \
	}                                              \
	TEST_WITHOUT_OOM(test_sim_calls_##id, "the media thread allocates")

CALLEE_TEST(853, 0);
CALLEE_TEST(answer, 1);
CALLEE_TEST(busy, 2);
CALLEE_TEST(decline, 3);
CALLEE_TEST(no_answer, 4);
CALLEE_TEST(not_found, 5);
CALLEE_TEST(early_media, 6);
CALLEE_TEST(unavailable, 7);
CALLEE_TEST(overloaded, 8);
CALLEE_TEST(silent, 9);
CALLEE_TEST(late_answer, 10);
CALLEE_TEST(auth_loop, 11);
CALLEE_TEST(hangup, 12);
CALLEE_TEST(no_media, 13);
CALLEE_TEST(one_codec_gsm, 14);
CALLEE_TEST(redirect, 15);
CALLEE_TEST(forked, 16);
CALLEE_TEST(voicemail, 17);
CALLEE_TEST(press_1, 18);
CALLEE_TEST(nobody, 19);

static int test_sim_each_callee_has_its_row(void)
{
	const char *name;

	for (size_t i = 0; (name = gw_sim_callee_name(i)) != NULL; i++) {
		CHECK(i < ARRAY_SIZE(expectations));
		CHECK_STR(expectations[i].name, name);
		CHECK(gw_sim_callee_help(name));
	}
	return 0;
}
TEST(test_sim_each_callee_has_its_row);

/* Sound goes both ways: what 853 echoes arrives. */
static int test_sim_sound_comes_back(void)
{
	static struct sandbox s;
	const struct gw_call_info *info;

	CHECK_OK(sandbox_open(&s));
	s.hang_up = true;
	CHECK_OK(dial(&s, "answer", 30));
	while (gw_call_info(s.call)->status != GW_STATUS_IN_PROGRESS)
		CHECK_OK(pass(PIECE_MS));

	/* real time: the media thread has a clock of its own */
	(void)test_run_until(never, NULL, 400);
	if (live_through(&s))
		return 1;

	info = gw_call_info(s.call);
	CHECK(info->legs[0].has_quality);
	CHECK(info->legs[0].quality.sent > 10);
	CHECK(info->legs[0].quality.received > 10);
	return 0;
}
TEST_WITHOUT_OOM(test_sim_sound_comes_back, "the media thread allocates");
