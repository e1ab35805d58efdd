/* The messages of a call: all of a normal one, both ends of an endless one. */
#include <stdio.h>

#include "sip/ladder.h"
#include "tests/test.h"

struct seen {
	uint32_t count;
	char first[32], last[32];
	size_t bytes, longest;
	bool sent;
};

static void see(int64_t at_ms, bool sent, const char *text, size_t len,
		void *arg)
{
	struct seen *seen = arg;
	char *into = seen->count++ ? seen->last : seen->first;

	(void)at_ms;
	(void)snprintf(into, sizeof(seen->last), "%.*s",
		       (int)(len < 31 ? len : 31), text);
	seen->bytes += len;
	seen->longest = len > seen->longest ? len : seen->longest;
	seen->sent = sent;
}

static void free_ladder(void *ladder)
{
	gw_ladder_free(ladder);
}

static int test_ladder_keeps_a_normal_call(void)
{
	static struct gw_ladder ladder;
	struct seen seen = { 0 };

	test_later(free_ladder, &ladder);
	gw_ladder_add(&ladder, 1, true, "INVITE", 6);
	gw_ladder_add(&ladder, 2, false, "180", 3);
	gw_ladder_add(&ladder, 3, true, "ACK", 3);

	CHECK_INT(gw_ladder_apply(&ladder, see, &seen), 0);
	CHECK_INT(seen.count, 3);
	CHECK_STR(seen.first, "INVITE");
	CHECK_STR(seen.last, "ACK");
	CHECK(seen.sent);
	return 0;
}
TEST(test_ladder_keeps_a_normal_call);

/* 1000 messages of 300 bytes: the first, the last, and how many are missing. */
static int test_ladder_is_bounded(void)
{
	static struct gw_ladder ladder;
	struct seen seen = { 0 };
	char text[300];
	uint32_t skipped;

	test_later(free_ladder, &ladder);
	for (int i = 0; i < 1000; i++) {
		memset(text, ' ', sizeof(text));
		(void)snprintf(text, sizeof(text), "message %d", i);
		gw_ladder_add(&ladder, i, false, text, sizeof(text));
	}

	skipped = gw_ladder_apply(&ladder, see, &seen);
	CHECK(seen.count > 32 && seen.count <= GW_LADDER_MESSAGES_MAX);
	CHECK(seen.bytes <= GW_LADDER_BYTES_MAX);
	CHECK_INT(skipped + seen.count, 1000);
	CHECK_STR(seen.first, "message 0");
	CHECK_STR(seen.last, "message 999");
	return 0;
}
TEST(test_ladder_is_bounded);

static int test_ladder_cuts_a_giant(void)
{
	static struct gw_ladder ladder;
	OWNED char *giant = mem_zalloc(100000, NULL);
	struct seen seen = { 0 };

	test_later(free_ladder, &ladder);
	CHECK(giant);
	gw_ladder_add(&ladder, 1, false, giant, 100000);
	(void)gw_ladder_apply(&ladder, see, &seen);
	CHECK_INT(seen.count, 1);
	CHECK_INT(seen.longest, GW_LADDER_MESSAGE_BYTES_MAX);
	return 0;
}
TEST(test_ladder_cuts_a_giant);
