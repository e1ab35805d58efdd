/* Token buckets and ids of calls. */
#include "server/bucket.h"
#include "server/call_id.h"
#include "tests/test.h"

static unsigned take_all(struct gw_bucket *b, uint64_t rate, uint64_t now_ms)
{
	unsigned n = 0;

	while (n < 10000 && gw_bucket_take(b, rate, 2, now_ms))
		n++;
	return n;
}

static int test_bucket_gives_its_rate_and_no_more(void)
{
	struct gw_bucket b = { 0 };

	CHECK_INT(take_all(&b, 50, 1000000), 100); /* two seconds' worth */
	CHECK_INT(take_all(&b, 50, 1000000), 0);
	CHECK_INT(take_all(&b, 50, 1000019), 0);
	CHECK_INT(take_all(&b, 50, 1000020), 1); /* 20 ms at 50 a second */
	CHECK_INT(take_all(&b, 50, 1001020), 50);
	CHECK_INT(take_all(&b, 50, 9000000),
		  100);                          /* never more than it holds */
	CHECK_INT(take_all(&b, 50, 8000000), 0); /* a clock that goes back */
	return 0;
}
TEST(test_bucket_gives_its_rate_and_no_more);

static int test_call_ids_sort_in_the_order_of_their_making(void)
{
	char last[GW_CALL_ID_SIZE] = "", id[GW_CALL_ID_SIZE];
	int64_t now = 1795400000000;

	for (int i = 0; i < 2000; i++) {
		/* many within one millisecond, and a clock that goes back */
		CHECK_OK(gw_call_id_make(id, i == 1000 ? now - 5000 :
					     i % 100   ? now :
							 ++now));
		CHECK(gw_call_id_valid(id));
		CHECK(strcmp(id, last) > 0);
		memcpy(last, id, sizeof(last));
	}
	/* 1795400000001 ms in Crockford's base 32 */
	CHECK_INT(strncmp(id, "call_01M", 8), 0);
	return 0;
}
TEST(test_call_ids_sort_in_the_order_of_their_making);

static int test_call_ids_of_another_shape_are_none(void)
{
	static const char *const bad[] = {
		"",
		"call_",
		"call_01ARZ3NDEKTSV4RRFFQ69G5FA",
		"call_01ARZ3NDEKTSV4RRFFQ69G5FAVX",
		"call_81ARZ3NDEKTSV4RRFFQ69G5FAV", /* beyond 128 bits */
		"call_01ARZ3NDEKTSV4RRFFQ69G5FAU", /* no such digit */
		"call_01arz3ndektsv4rrffq69g5fav",
		"CALL_01ARZ3NDEKTSV4RRFFQ69G5FAV",
		"../../etc/passwd",
	};

	CHECK(gw_call_id_valid("call_01ARZ3NDEKTSV4RRFFQ69G5FAV"));
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!gw_call_id_valid(bad[i]));
	return 0;
}
TEST(test_call_ids_of_another_shape_are_none);
