/* What is recorded of two people. */
#include "tests/calls/world.h"

static bool has_more(void *arg)
{
	const struct world *w = arg;

	return w->pieces > w->pieces_before;
}

/* Another piece than those that are there. */
static int until_piece(struct world *w)
{
	w->pieces_before = w->pieces;
	return test_run_until(has_more, w, 3000);
}

/* Of what is recorded the last piece comes, whatever ends it. */
static int test_two_record(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(w,
				    &(struct gw_call_order){ .record = true }));
	CHECK(world_info(w)->recording);
	CHECK_OK(gw_call_record(w->call, false));
	CHECK(!world_info(w)->recording);
	CHECK_OK(gw_call_record(w->call, false));
	phone_request(&w->to, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->last_pieces, 1);
	return 0;
}
TEST(test_two_record);

static int test_two_record_until_the_end(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	CHECK_OK(world_bring_up_two(
		w, &(struct gw_call_order){ .record = true,
					    .record_tone = true }));
	phone_request(&w->from, "BYE", NULL, NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_INT(w->last_pieces, 1);
	CHECK(!world_info(w)->recording);
	return 0;
}
TEST(test_two_record_until_the_end);

/* A transfer is no end of it: it goes on with who talks now, whichever of the two
 * is replaced. */
static int test_two_record_transferred(void)
{
	static const enum gw_role stays[] = { GW_ROLE_TO, GW_ROLE_FROM };
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	for (size_t i = 0; i < ARRAY_SIZE(stays); i++) {
		struct gw_call_transfer transfer = { .target = w->third.uri,
						     .role = (int)stays[i] };

		w->pieces = w->last_pieces = 0;
		CHECK_OK(world_bring_up_two(
			w, &(struct gw_call_order){ .record = true }));
		phone_will(&w->third, { .code = 200, .sdp = SDP_PCMA });
		CHECK_OK(gw_call_transfer(w->call, &transfer));
		CHECK_OK(world_until(w, i ? "call.transfer.completed(to)" :
					    "call.transfer.completed(from)"));
		CHECK(world_info(w)->recording);
		CHECK_OK(until_piece(w));
		CHECK_INT(w->last_pieces, 0);
		CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
					GW_ENDED_BY_API));
		CHECK_OK(world_until_ended(w));
		CHECK_INT(w->last_pieces, 1);
		world_next(w);
	}
	return 0;
}
TEST_WITHOUT_OOM(test_two_record_transferred,
		 "the media thread's are not counted");
