/* Chance in pieces is chance still: nothing comes twice, every sign comes. */
#include "tests/test.h"

static int test_rand_gives_nothing_twice(void)
{
	static uint64_t seen[4096];

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		seen[i] = rand_u64();
		CHECK(seen[i]);
		for (size_t k = i > 200 ? i - 200 : 0; k < i; k++)
			CHECK(seen[k] != seen[i]);
	}
	return 0;
}
TEST(test_rand_gives_nothing_twice);

static int test_rand_strings_have_every_sign_and_their_length(void)
{
	unsigned count[256] = { 0 };
	char str[101];

	for (int i = 0; i < 100; i++) {
		memset(str, '!', sizeof(str));
		rand_str(str, sizeof(str));
		CHECK_INT(strlen(str), sizeof(str) - 1);
		for (const char *c = str; *c; c++)
			++count[(unsigned char)*c];
	}
	for (int c = 0; c < 256; c++) {
		const bool is_sign = (c >= '0' && c <= '9') ||
				     (c >= 'A' && c <= 'Z') ||
				     (c >= 'a' && c <= 'z');

		/* 161 of each are to be expected */
		CHECK(is_sign ? count[c] > 80 && count[c] < 260 : !count[c]);
	}
	return 0;
}
TEST(test_rand_strings_have_every_sign_and_their_length);

static int test_rand_bytes_of_any_size(void)
{
	uint8_t big[2000], small[3];

	memset(big, 0, sizeof(big));
	rand_bytes(big, sizeof(big));
	rand_bytes(small, sizeof(small));
	rand_bytes(NULL, 5);
	rand_bytes(small, 0);
	for (size_t i = 0; i + 16 < sizeof(big); i += 16)
		CHECK(memcmp(big + i, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
	return 0;
}
TEST(test_rand_bytes_of_any_size);
