/* What is recorded of two people. */
#include "tests/calls/world.h"

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
