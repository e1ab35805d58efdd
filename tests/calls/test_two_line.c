/* The lines of a call of two: places, registration, loss. */
#include "tests/calls/registrar.h"
#include "tests/calls/world.h"

static struct gw_line *line;
static struct registrar pbx;

/* A call may still be up, and must not outlive its line. */
static void close_line(void *arg)
{
	struct world *w = arg;

	w->call = mem_deref(w->call);
	line = mem_deref(line);
}

static int open_line(struct world **wp, bool registers, uint32_t max_calls)
{
	static const char *const codecs[] = { "PCMU", "PCMA" };
	struct gw_line_cfg cfg = {
		.name = "office",
		.user = "4711",
		.domain = "127.0.0.1",
		.do_register = registers,
		.expires_s = 600,
		.codecs = codecs,
		.codec_count = ARRAY_SIZE(codecs),
		.max_calls = max_calls,
	};

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(close_line, *wp);
	CHECK_OK(registrar_open(&pbx, "127.0.0.1", GW_TRANSPORT_UDP));
	cfg.port = registers ? sa_port(&pbx.addr) : sa_port(&(*wp)->from.addr);
	CHECK_OK(gw_line_alloc(&line, (*wp)->stack, &cfg, NULL, NULL));
	return 0;
}

static uint32_t calls_of(const struct gw_line *l)
{
	struct gw_line_info info;

	gw_line_info(l, &info);
	return info.calls;
}

/* Each leg through its own line, with a place in it, given back with the leg. */
static int test_two_line_each(void)
{
	struct world *w;

	CHECK_OK(open_line(&w, false, 1));
	CHECK_OK(world_bring_up_two(
		w, &(struct gw_call_order){ .from_line = line,
					    .show_caller_id_to_from = true }));
	CHECK(strstr(phone_header(w->from.first, "From"),
		     "<sip:4711@127.0.0.1>"));
	CHECK(strstr(phone_header(w->to.first, "From"), "<sip:858@127.0.0.1>"));
	CHECK_STR(world_info(w)->legs[0].line, "office");
	CHECK_STR(world_info(w)->legs[1].line, "test");
	CHECK_INT(calls_of(line), 1);
	CHECK_INT(calls_of(w->line), 1);

	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_INT(calls_of(line), 0);
	CHECK_INT(calls_of(w->line), 0);
	return 0;
}
TEST(test_two_line_each);

/* Two legs need two places: nobody is rung for whom no place will be left. */
static int test_two_line_full(void)
{
	struct world *w;

	CHECK_OK(open_line(&w, false, 1));
	CHECK_OK(world_call_two(w, &(struct gw_call_order){ .line = line }));
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history, "call.ended");
	CHECK_OUTCOME(w, "failed", "capacity", 34);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_LINE);
	CHECK_INT(calls_of(line), 0);
	CHECK_INT(w->from.invites, 0);
	return 0;
}
TEST(test_two_line_full);

/* Both have to be ready, although only one is needed at first. */
static int test_two_line_waits(void)
{
	struct world *w;

	CHECK_OK(open_line(&w, true, 0));
	registrar_will(&pbx, { .code = 200 });
	phone_will(&w->from, { .code = 180 });
	CHECK_OK(world_call_two(
		w,
		&(struct gw_call_order){ .line = line, .from_line = w->line }));
	CHECK_STR(w->history, "waiting");
	CHECK_OK(gw_line_start(line));
	CHECK_OK(world_until(w, "call.ringing"));
	return 0;
}
TEST(test_two_line_waits);

static bool has_failed(void *arg)
{
	struct gw_line_info info;
	(void)arg;

	gw_line_info(line, &info);
	return info.state == GW_LINE_FAILED;
}

/* The line of the second is lost while the first rings: it is told so, and let
 * go. */
static int test_two_line_lost(void)
{
	struct world *w;

	CHECK_OK(open_line(&w, true, 0));
	registrar_will(&pbx, { .code = 200, .headers = "Expires: 60\r\n" },
		       { .code = 403 });
	phone_will(&w->from, { .code = 180 });
	gw_tmr_test_clock_start();
	CHECK_OK(gw_line_start(line));
	CHECK_OK(world_call_two(
		w, &(struct gw_call_order){ .line = line,
					    .from_line = w->line,
					    .ring_timeout_s = 300,
					    .setup_deadline_s = 400 }));
	CHECK_OK(world_until(w, "call.ringing"));

	CHECK_OK(gw_tmr_test_advance(60000));
	CHECK_OK(test_run_until(has_failed, NULL, 3000));
	phone_answer(&w->from,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "line_not_registered", 27);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_LINE);
	CHECK_INT(w->to.invites, 0);
	CHECK_INT(w->from.byes + w->from.cancels, 1);
	return 0;
}
TEST(test_two_line_lost);
