/* E1, E2: the keys that count, as they come and go. */
#include <errno.h>

#include <openssl/sha.h>

#include "config/config.h"
#include "server/keyring.h"
#include "tests/test.h"

static struct gw_config *config(const char *text)
{
	static struct gw_config_errors errs;
	struct gw_config *cfg = NULL;

	(void)gw_config_parse(&cfg, text, strlen(text), &errs);
	return cfg;
}

#define TWO                                                               \
	"{\"allow_inline\":true,\"keys\":["                               \
	"{\"name\":\"a\",\"secret\":\"secret-of-a-1234567\","             \
	"\"lines\":[],\"visitor_prefixes\":[\"+49\"]},"                   \
	"{\"name\":\"b\",\"secret\":\"secret-of-b-1234567\",\"scopes\":[" \
	"\"admin\"],\"token_secret\":\"0123456789abcdef0123456789abcdef\"}]}"

static struct gw_keyring *ring_of(const char *text)
{
	OWNED struct gw_config *cfg = config(text);
	struct gw_keyring *ring = NULL;

	if (cfg)
		(void)gw_keyring_alloc(&ring, cfg);
	return ring;
}

static struct gw_key_row row(const char *name, const char *secret)
{
	struct gw_key_row r = { .name = name,
				.project = "p",
				.scopes = "calls:create,calls:read",
				.lines = "office",
				.caller_ids = "+49301,+49302,+49303" };

	(void)SHA256((const uint8_t *)secret, strlen(secret), r.hash);
	return r;
}

static const struct gw_key *find(const struct gw_keyring *ring,
				 const char *secret)
{
	return gw_keyring_by_secret(ring, secret, strlen(secret));
}

static int test_keyring_of_the_configuration(void)
{
	OWNED struct gw_keyring *ring = ring_of(TWO);

	CHECK(ring);
	CHECK(gw_keyring_needed(ring));
	CHECK_STR(gw_key_name(find(ring, "secret-of-a-1234567")), "a");
	CHECK_STR(gw_key_name(find(ring, "secret-of-b-1234567")), "b");
	CHECK(!find(ring, "secret-of-c-1234567"));
	CHECK(!find(ring, "secret-of-a-123456"));
	CHECK(!find(ring, ""));
	CHECK(find(ring, "secret-of-a-1234567") ==
	      gw_keyring_by_name(ring, "a"));
	CHECK(!gw_keyring_by_name(ring, "c"));
	CHECK(!gw_keyring_by_name(ring, ""));
	CHECK_STR(gw_keyring_at(ring, 0)->name, "a");
	CHECK_STR(gw_keyring_at(ring, 1)->name, "b");
	CHECK(!gw_keyring_at(ring, 2));
	CHECK_STR(gw_key_name(NULL), "");
	return 0;
}
TEST(test_keyring_of_the_configuration);

/* E1: what the store has opens, too; what is empty opens nothing. */
static int test_keyring_of_the_store(void)
{
	OWNED struct gw_keyring *ring = ring_of("{}");
	const struct gw_key_row rows[] = { row("crm", "bp_crm_1"),
					   row("empty", "") };
	const struct gw_key *key;

	CHECK(ring);
	CHECK(!gw_keyring_needed(ring));
	CHECK_OK(gw_keyring_stored(ring, rows, 2, 2));
	CHECK(gw_keyring_needed(ring));
	key = find(ring, "bp_crm_1");
	CHECK(key && key->stored);
	CHECK_STR(key->project, "p");
	CHECK_INT(key->scopes.count, 2);
	CHECK_STR(key->scopes.list[1], "calls:read");
	CHECK_INT(key->lines.count, 1);
	CHECK_INT(key->caller_ids.count, 3);
	CHECK_STR(key->caller_ids.list[2], "+49303");
	CHECK_INT(key->visitor_prefixes.count, 0);
	CHECK(gw_key_may(key, "calls:read"));
	CHECK(!gw_key_may(key, "calls:rea"));
	CHECK(!gw_key_may(key, "admin"));
	CHECK(!find(ring, ""));
	return 0;
}
TEST(test_keyring_of_the_store);

/* A key that says the same stays the same object: its rate goes on and its
 * streams stay. One that says something else is another, and the old one is
 * over. */
static int test_keyring_knows_a_key_again(void)
{
	OWNED struct gw_keyring *ring = ring_of("{}");
	struct gw_key_row rows[] = { row("a", "one"), row("b", "two") };
	OWNED struct gw_key *a = NULL, *b = NULL;

	CHECK(ring);
	CHECK_OK(gw_keyring_stored(ring, rows, 2, 2));
	a = mem_ref((void *)(uintptr_t)find(ring, "one"));
	b = mem_ref((void *)(uintptr_t)find(ring, "two"));
	rows[1].scopes = "calls:read";
	CHECK_OK(gw_keyring_stored(ring, rows, 2, 2));
	CHECK(find(ring, "one") == a);
	CHECK(!gw_key_is_over(a, 0));
	CHECK(find(ring, "two") != b);
	CHECK(gw_key_is_over(b, 0));
	CHECK(!gw_key_may(find(ring, "two"), "calls:create"));

	CHECK_OK(gw_keyring_stored(ring, rows, 0, 2));
	CHECK(gw_key_is_over(a, 0));
	CHECK(!find(ring, "one"));
	/* what was over stays over, also when it comes again */
	CHECK_OK(gw_keyring_stored(ring, rows, 2, 2));
	CHECK(gw_key_is_over(a, 0));
	CHECK(find(ring, "one") && find(ring, "one") != a);
	return 0;
}
TEST(test_keyring_knows_a_key_again);

/* A gateway whose last key was disabled, or is being replaced, is locked. */
static int test_keyring_door_stays_shut(void)
{
	OWNED struct gw_keyring *ring = ring_of("{}");
	OWNED struct gw_keyring *was = ring_of(TWO);
	OWNED struct gw_config *none = config("{}");
	const struct gw_key_row crm = row("crm", "one");

	CHECK(ring && was && none);
	CHECK_OK(gw_keyring_stored(ring, NULL, 0, 1)); /* disabled */
	CHECK(gw_keyring_needed(ring));
	CHECK_OK(gw_keyring_stored(ring, &crm, 1, 1));
	CHECK_OK(gw_keyring_stored(ring, NULL, 0, 0)); /* removed */
	CHECK(gw_keyring_needed(ring));
	CHECK_OK(gw_keyring_reload(was, none));
	CHECK(!gw_keyring_at(was, 0));
	CHECK(gw_keyring_needed(was));
	return 0;
}
TEST(test_keyring_door_stays_shut);

static int test_keyring_open_to_others_needs_a_key(void)
{
	OWNED struct gw_keyring *ring =
		ring_of("{\"http\":{\"listen\":[\"0.0.0.0:8080\"]}}");

	CHECK(ring);
	CHECK(gw_keyring_needed(ring));
	return 0;
}
TEST(test_keyring_open_to_others_needs_a_key);

static int test_keyring_reload_takes_and_keeps(void)
{
	static const char *const others[] = {
		"{\"allow_inline\":true,\"keys\":[{\"name\":\"a\",\"secret\":"
		"\"secret-of-a-1234567\",\"visitor_prefixes\":[\"+43\"]}]}",
		"{\"allow_inline\":true,\"keys\":[{\"name\":\"a\",\"secret\":"
		"\"secret-of-a-7654321\",\"visitor_prefixes\":[\"+49\"]}]}",
		"{\"allow_inline\":true,\"keys\":[{\"name\":\"a\",\"secret\":"
		"\"secret-of-a-1234567\",\"visitor_prefixes\":[\"+49\"],"
		"\"token_secret\":\"0123456789abcdef0123456789abcdef\"}]}",
		"{\"allow_inline\":true,\"keys\":[{\"name\":\"a\",\"secret\":"
		"\"secret-of-a-1234567\",\"visitor_prefixes\":[\"+49\"],"
		"\"project\":\"other\"}]}",
	};
	const struct gw_key_row crm = row("crm", "one");

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		OWNED struct gw_keyring *ring = ring_of(TWO);
		OWNED struct gw_config *same = config(TWO);
		OWNED struct gw_config *other = config(others[i]);
		OWNED struct gw_key *a = NULL;

		CHECK(ring && same && other);
		CHECK_OK(gw_keyring_stored(ring, &crm, 1, 1));
		a = mem_ref((void *)(uintptr_t)gw_keyring_by_name(ring, "a"));
		CHECK_OK(gw_keyring_reload(ring, same));
		CHECK(gw_keyring_by_name(ring, "a") == a);
		CHECK(!gw_key_is_over(a, 0));
		CHECK_STR(gw_keyring_at(ring, 0)->name, "a");
		CHECK_STR(gw_keyring_at(ring, 2)->name, "crm");

		CHECK_OK(gw_keyring_reload(ring, other));
		CHECK(gw_keyring_by_name(ring, "a") != a);
		CHECK(gw_key_is_over(a, 0));
		CHECK(!gw_keyring_by_name(ring, "b"));
		CHECK(find(ring, "one"));
	}
	return 0;
}
TEST(test_keyring_reload_takes_and_keeps);

/* E1: expiry. */
static int test_keyring_expires(void)
{
	OWNED struct gw_keyring *ring = ring_of("{}");
	struct gw_key_row rows[] = { row("a", "one"), row("b", "two") };
	OWNED struct gw_key *a = NULL;

	CHECK(ring);
	rows[0].expires_at_ms = 1000;
	CHECK_OK(gw_keyring_stored(ring, rows, 2, 2));
	a = mem_ref((void *)(uintptr_t)find(ring, "one"));
	CHECK(!gw_key_is_over(a, 999));
	CHECK(gw_key_is_over(a, 1000));
	CHECK(!gw_key_is_over(NULL, 1000));
	CHECK(!gw_keyring_expire(ring, 999));
	CHECK(gw_keyring_expire(ring, 1000));
	CHECK(!gw_keyring_expire(ring, 1000));
	CHECK(!find(ring, "one"));
	CHECK(find(ring, "two"));
	CHECK(a->state->revoked);
	CHECK(gw_keyring_needed(ring));
	return 0;
}
TEST(test_keyring_expires);

/* G15: without memory all is as before. */
static int test_keyring_without_memory_is_as_before(void)
{
	OWNED struct gw_keyring *ring = ring_of(TWO);
	OWNED struct gw_config *other = config("{}");
	const struct gw_key_row rows[] = { row("c", "one"), row("d", "two") };

	CHECK(ring && other);
	if (gw_keyring_stored(ring, rows, 2, 2)) {
		CHECK(find(ring, "secret-of-a-1234567"));
		CHECK(!find(ring, "one") && !find(ring, "two"));
		return 1;
	}
	CHECK(find(ring, "one") && find(ring, "two"));
	return 0;
}
TEST(test_keyring_without_memory_is_as_before);
