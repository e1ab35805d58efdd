/* What the line has to say about a call: not yet, no, full, try the next one. */
#include "tests/calls/registrar.h"
#include "tests/calls/world.h"

static struct gw_line *lines[2];
static struct phone second;
static struct registrar pbx;

/* A call may still be up, and must not outlive its line. */
static void close_lines(void *arg)
{
	struct world *w = arg;

	w->call = mem_deref(w->call);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		lines[i] = mem_deref(lines[i]);
	phone_close(&second);
}

static const char *const codecs[] = { "PCMA" };

/* A line that registers with pbx. */
static int registering_line(struct world *w)
{
	const struct gw_line_cfg cfg = {
		.name = "office",
		.user = "858",
		.domain = "127.0.0.1",
		.port = sa_port(&pbx.addr),
		.do_register = true,
		.expires_s = 600,
		.codecs = codecs,
		.codec_count = 1,
	};

	return gw_line_alloc(&lines[0], w->stack, &cfg, NULL, NULL);
}

static int open_registering(struct world **wp)
{
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(close_lines, *wp);
	CHECK_OK(registrar_open(&pbx, "127.0.0.1", GW_TRANSPORT_UDP));
	CHECK_OK(registering_line(*wp));
	return 0;
}

/* The call waits until the line is registered, and then goes out. */
static int test_call_line_waits(void)
{
	struct world *w;

	CHECK_OK(open_registering(&w));
	registrar_will(&pbx, { .code = 200 });
	phone_will(&w->to, { .code = 180 });

	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_STR(w->history, "waiting");
	CHECK_STR(gw_call_state_name(world_info(w)->state), "waiting_for_line");
	CHECK_INT(world_info(w)->status, GW_STATUS_QUEUED);

	CHECK_OK(gw_line_start(lines[0]));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_STR(w->history, "waiting call.initiated leg.initiated "
			      "leg.ringing call.ringing");
	CHECK_INT(pbx.registers, 1);
	return 0;
}
TEST(test_call_line_waits);

/* G17: a line that is refused takes its waiting calls with it, and new ones too. */
static int test_call_line_failed(void)
{
	struct world *w;

	CHECK_OK(open_registering(&w));
	registrar_will(&pbx, { .code = 403 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(gw_line_start(lines[0]));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history, "waiting call.ended");
	CHECK_OUTCOME(w, "failed", "line_not_registered", 27);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_LINE);
	CHECK(strstr(gw_call_diagnosis(w->call), "Line office"));
	world_next(w);

	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_STR(w->history, "call.ended");
	CHECK_OUTCOME(w, "failed", "line_not_registered", 27);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_call_line_failed);

/* It waits no longer than setup_deadline. */
static int test_call_line_never_registered(void)
{
	struct world *w;

	CHECK_OK(open_registering(&w));
	gw_tmr_test_clock_start();
	CHECK_OK(world_call(w,
			    &(struct gw_call_order){ .line = lines[0],
						     .setup_deadline_s = 20 }));
	CHECK_OK(gw_tmr_test_advance(19000));
	CHECK_INT(w->ended, 0);
	CHECK_OK(gw_tmr_test_advance(2000));
	CHECK_OUTCOME(w, "failed", "line_not_registered", 27);
	return 0;
}
TEST(test_call_line_never_registered);

/* Hung up while it waits. */
static int test_call_line_hangup_while_waiting(void)
{
	struct world *w;

	CHECK_OK(open_registering(&w));
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_STR(w->history, "waiting call.ended");
	CHECK_OUTCOME(w, "canceled", "canceled_by_api", 16);
	return 0;
}
TEST(test_call_line_hangup_while_waiting);

/* One place, two calls; the place comes back with the end of the first. */
static int test_call_line_full(void)
{
	struct gw_line_cfg cfg = { .name = "small",
				   .user = "858",
				   .domain = "127.0.0.1",
				   .codecs = codecs,
				   .codec_count = 1,
				   .max_calls = 1 };
	OWNED struct gw_call *first = NULL;
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	test_later(close_lines, w);
	CHECK_OK(gw_line_alloc(&lines[0], w->stack, &cfg, NULL, NULL));
	phone_will(&w->to, { .code = 180 });

	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(world_until(w, "call.ringing"));
	first = w->call;
	w->call = NULL;
	w->history[0] = '\0';

	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OUTCOME(w, "failed", "capacity", 34);
	first = mem_deref(first);
	w->call = mem_deref(w->call);
	memset(w->history, 0, sizeof(w->history));

	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(world_until(w, "call.ringing"));
	return 0;
}
TEST(test_call_line_full);

/* A line whose proxies are the world's phone and the second one. */
static int open_two_proxies(struct world **wp)
{
	const char *proxies[2];
	const struct gw_line_cfg cfg = { .name = "two",
					 .user = "858",
					 .domain = "127.0.0.1",
					 .proxies = proxies,
					 .proxy_count = 2,
					 .codecs = codecs,
					 .codec_count = 1 };

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(close_lines, *wp);
	CHECK_OK(phone_open(&second, SIP_TRANSP_UDP));
	proxies[0] = (*wp)->to.uri;
	proxies[1] = second.uri;
	return gw_line_alloc(&lines[0], (*wp)->stack, &cfg, NULL, NULL);
}

/* G18: the first proxy is dead: after four seconds the second one is asked. Should
 * the first wake up and answer, it gets ACK and BYE. */
static int test_call_line_second_proxy(void)
{
	struct world *w;

	CHECK_OK(open_two_proxies(&w));

	phone_will(&second, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	gw_tmr_test_clock_start();
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(world_until_phone(w, "INVITE"));
	CHECK_OK(gw_tmr_test_advance(4100));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_INT(second.invites, 1);
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ringing call.ringing "
		  "leg.answered call.answered call.bridged");

	phone_answer(&w->to, &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_INT(w->to.acks, 1);
	CHECK_INT(w->ended, 0);
	CHECK_INT(second.byes, 0);
	return 0;
}
TEST(test_call_line_second_proxy);

/* G18, G19: 503 from the first proxy: the second is asked at once. Both: the call ends. */
static int test_call_line_proxies_overloaded(void)
{
	struct world *w;

	CHECK_OK(open_two_proxies(&w));

	phone_will(&w->to, { .code = 503, .headers = "Retry-After: 9\r\n" });
	phone_will(&second, { .code = 503 });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->to.invites, 1);
	CHECK_INT(second.invites, 1);
	CHECK_STR(w->history,
		  "call.initiated leg.initiated leg.ended call.ended");
	CHECK_OUTCOME(w, "failed", "route_unavailable", 42);
	return 0;
}
TEST(test_call_line_proxies_overloaded);

/* G18: whatever else is final is an answer: no other proxy is asked. */
static int test_call_line_refusal_is_final(void)
{
	static const struct answer refusals[] = { { .code = 404 },
						  { .code = 486 },
						  { .code = 488 },
						  { .code = 500 },
						  { .code = 603 } };
	struct world *w;

	CHECK_OK(open_two_proxies(&w));
	phone_will(&second, { .code = 200, .sdp = SDP_PCMA });
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		w->to.script = &refusals[i];
		w->to.script_count = 1;
		CHECK_OK(world_call(
			w, &(struct gw_call_order){ .line = lines[0] }));
		CHECK_OK(world_until_ended(w));
		CHECK_INT(world_info(w)->sip_code, refusals[i].code);
		CHECK_INT(w->to.invites, 1);
		world_next(w);
	}
	CHECK_INT(second.invites, 0);
	return 0;
}
TEST(test_call_line_refusal_is_final);

/* G18: the first proxy has rung: that is no silence, whatever comes later. */
static int test_call_line_ringing_is_an_answer(void)
{
	struct world *w;

	CHECK_OK(open_two_proxies(&w));
	phone_will(&w->to, { .code = 180 });
	phone_will(&second, { .code = 200, .sdp = SDP_PCMA });
	gw_tmr_test_clock_start();
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = lines[0] }));
	CHECK_OK(world_until(w, "call.ringing"));
	CHECK_OK(gw_tmr_test_advance(10 * 1000));
	phone_answer(&w->to, &(struct answer){ .code = 503 });
	CHECK_OK(world_until_ended(w));
	CHECK_INT(second.invites, 0);
	return 0;
}
TEST(test_call_line_ringing_is_an_answer);

/* G19: the only server wants peace: the next call ends at once, without a word to
 * it, and when the time is over calls are placed again. */
static int test_call_line_left_in_peace(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	gw_tmr_test_clock_start();
	phone_will(&w->to, { .code = 503, .headers = "Retry-After: 20\r\n" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "congestion", 42);
	CHECK_INT(gw_line_excluded_s(w->line), 20);
	world_next(w);

	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "congestion", 42);
	CHECK_INT(world_info(w)->sip_code, 0);
	CHECK_INT(w->to.invites, 0);
	world_next(w);

	CHECK_OK(gw_tmr_test_advance(20 * 1000));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = NULL }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_INT(w->to.invites, 1);
	return 0;
}
TEST(test_call_line_left_in_peace);

/* G19: what somebody else's server says is not said about ours. */
static int test_call_line_foreign_server_is_overloaded(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->third,
		   { .code = 503, .headers = "Retry-After: 20\r\n" });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .to = w->third.uri }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "congestion", 42);
	CHECK_INT(gw_line_excluded_s(w->line), 0);
	return 0;
}
TEST(test_call_line_foreign_server_is_overloaded);
