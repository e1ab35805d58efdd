/* A7: cursors are ours, or nothing. */
#include "server/cursor.h"
#include "server/store.h"
#include "tests/test.h"

static const uint8_t secret[GW_STORE_SECRET] = { 1, 2, 3 };
static const uint8_t other_secret[GW_STORE_SECRET] = { 1, 2, 4 };
static const struct gw_cursor_of calls = { secret, "calls", "a" };

static const char id[] = "call_01J9ZK3V5X8Q2M4N6P7R9S0T1W";

static int test_cursor_comes_back(void)
{
	static const char *const positions[] = {
		id,
		"1",
		"12",
		"123",
		"1234",
		"18446744073709551615",
		"012345678901234567890123456789012345678",
	};
	char text[GW_CURSOR_SIZE], back[GW_CURSOR_POSITION];

	for (size_t i = 0; i < ARRAY_SIZE(positions); i++) {
		CHECK_OK(gw_cursor_print(text, &calls, positions[i]));
		CHECK(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnop"
				   "qrstuvwxyz0123456789-_") == strlen(text));
		CHECK(gw_cursor_read(back, &calls, text));
		CHECK_STR(back, positions[i]);
	}
	CHECK_ERR(gw_cursor_print(text, &calls, ""), EINVAL);
	CHECK_ERR(gw_cursor_print(text, &calls,
				  "0123456789012345678901234567890123456789"),
		  EINVAL);
	return 0;
}
TEST(test_cursor_comes_back);

static int test_cursor_is_good_for_its_list_alone(void)
{
	const struct gw_cursor_of others[] = {
		{ other_secret, "calls", "a" }, { secret, "call", "a" },
		{ secret, "calls", "b" },       { secret, "calls", NULL },
		{ secret, "calls\na", "" },
	};
	char text[GW_CURSOR_SIZE], back[GW_CURSOR_POSITION];

	CHECK_OK(gw_cursor_print(text, &calls, id));
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		CHECK(!gw_cursor_read(back, &others[i], text));
	return 0;
}
TEST(test_cursor_is_good_for_its_list_alone);

/* Each character, changed, cut off, put behind. */
static int test_cursor_was_not_touched(void)
{
	char text[GW_CURSOR_SIZE], bad[GW_CURSOR_SIZE + 8];
	char back[GW_CURSOR_POSITION];
	size_t len;

	CHECK_OK(gw_cursor_print(text, &calls, id));
	len = strlen(text);
	for (size_t i = 0; i < len; i++) {
		for (const char *c = "Az0-_=+/ \x80"; *c; c++) {
			memcpy(bad, text, len + 1);
			if (bad[i] == *c)
				continue;
			bad[i] = *c;
			CHECK(!gw_cursor_read(back, &calls, bad));
		}
		memcpy(bad, text, i);
		bad[i] = '\0';
		CHECK(!gw_cursor_read(back, &calls, bad));
	}
	(void)re_snprintf(bad, sizeof(bad), "%sA", text);
	CHECK(!gw_cursor_read(back, &calls, bad));
	CHECK(!gw_cursor_read(back, &calls, ""));
	CHECK(!gw_cursor_read(back, &calls, NULL));
	return 0;
}
TEST(test_cursor_was_not_touched);
