/* Keys, sessions and the limit for guessing, with a clock of the test. */
#include "config/config.h"
#include "server/auth.h"
#include "server/click.h"
#include "server/failures.h"
#include "server/key.h"
#include "server/visits.h"
#include "tests/test.h"

static const char text[] =
	"{\"allow_inline\":true,\"keys\":["
	"{\"name\":\"all\",\"secret\":\"secret-of-all-1234\",\"scopes\":[\"admin\"]},"
	"{\"name\":\"reader\",\"secret\":\"secret-of-reader\","
	"\"scopes\":[\"calls:read\"]}]}";

static const uint8_t secret[GW_AUTH_SECRET] = { 1, 2, 3 };

static int open_auth(struct gw_auth **authp, const char *json, size_t len)
{
	static struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	int err;

	err = gw_config_parse(&cfg, json, len, &errs);
	if (!err)
		err = gw_auth_alloc(authp, cfg, secret);
	mem_deref(cfg); /* it keeps its own reference */

	return err;
}

static enum gw_auth_verdict check(struct gw_auth *auth,
				  const struct gw_key **keyp,
				  const char *authorization, const char *cookie,
				  const char *client, uint64_t now_ms)
{
	const struct gw_auth_try shown = { .authorization = authorization,
					   .cookie = cookie,
					   .client = client };
	enum gw_auth_verdict verdict;
	enum gw_auth_way way;
	const char *why;

	verdict = gw_auth_check(auth, keyp, &way, &shown, now_ms, 1800000000,
				&why);
	/* the ring keeps it */
	mem_deref((void *)(uintptr_t)*keyp);
	return verdict;
}

static int test_auth_keys(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL;

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	CHECK(gw_auth_needed(auth));

	CHECK_INT(check(auth, &key, NULL, NULL, "1.1.1.1", 0), GW_AUTH_NONE);
	CHECK_INT(check(auth, &key, "Bearer nobody", NULL, "1.1.1.1", 0),
		  GW_AUTH_WRONG);
	CHECK_INT(check(auth, &key, "Bearer ", NULL, "1.1.1.1", 0),
		  GW_AUTH_WRONG);
	CHECK(!key);
	CHECK_INT(check(auth, &key, "bearer  secret-of-reader", NULL, "1.1.1.1",
			0),
		  GW_AUTH_OK);
	CHECK_STR(key->name, "reader");
	CHECK(gw_key_may(key, "calls:read"));
	CHECK(!gw_key_may(key, "calls:create"));
	CHECK(gw_key_may(key, NULL));

	CHECK_INT(check(auth, &key, "Bearer secret-of-all-1234", NULL,
			"1.1.1.1", 0),
		  GW_AUTH_OK);
	CHECK(gw_key_may(key, "calls:create"));

	return 0;
}
TEST(test_auth_keys);

static int test_auth_without_keys_everything_goes(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL;

	CHECK_OK(open_auth(&auth, "{}", 2));
	CHECK(!gw_auth_needed(auth));
	CHECK_INT(check(auth, &key, "Bearer what", NULL, "1.1.1.1", 0),
		  GW_AUTH_OK);
	CHECK(!key);
	CHECK(gw_key_may(NULL, "calls:create"));

	return 0;
}
TEST(test_auth_without_keys_everything_goes);

static int test_auth_session_lives_and_dies(void)
{
	OWNED struct gw_auth *auth = NULL;
	const uint64_t life_ms = (uint64_t)GW_VISIT_SESSION_S * 1000;
	const struct gw_key *key = NULL;
	char cookie[GW_AUTH_COOKIE_SIZE], header[128];

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	CHECK_INT(gw_auth_login(auth, cookie, "secret-of-reader", "1.1.1.1",
				1000),
		  GW_AUTH_OK);
	CHECK_INT(strlen(cookie), GW_AUTH_COOKIE_SIZE - 1);
	(void)re_snprintf(header, sizeof(header), "a=b; %s=%s; c",
			  GW_AUTH_COOKIE, cookie);

	CHECK_INT(check(auth, &key, NULL, header, "2.2.2.2",
			1000 + life_ms - 1),
		  GW_AUTH_OK);
	CHECK_STR(key->name, "reader");
	/* each use gives it another life */
	CHECK_INT(check(auth, &key, NULL, header, "2.2.2.2",
			1000 + 2 * life_ms - 2),
		  GW_AUTH_OK);
	CHECK_INT(check(auth, &key, NULL, header, "2.2.2.2",
			1000 + 3 * life_ms),
		  GW_AUTH_WRONG);

	return 0;
}
TEST(test_auth_session_lives_and_dies);

static int test_auth_sessions_are_bounded(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL;
	char first[GW_AUTH_COOKIE_SIZE], cookie[GW_AUTH_COOKIE_SIZE];
	char header[128];

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	CHECK_INT(gw_auth_login(auth, first, "secret-of-reader", "1.1.1.1", 1),
		  GW_AUTH_OK);
	for (uint64_t i = 0; i < GW_VISIT_SESSIONS_MAX; i++)
		CHECK_INT(gw_auth_login(auth, cookie, "secret-of-reader",
					"1.1.1.1", 2 + i),
			  GW_AUTH_OK);

	(void)re_snprintf(header, sizeof(header), "%s=%s", GW_AUTH_COOKIE,
			  first);
	CHECK_INT(check(auth, &key, NULL, header, "1.1.1.1", 5000),
		  GW_AUTH_WRONG);
	(void)re_snprintf(header, sizeof(header), "%s=%s", GW_AUTH_COOKIE,
			  cookie);
	CHECK_INT(check(auth, &key, NULL, header, "1.1.1.1", 5000), GW_AUTH_OK);

	return 0;
}
TEST(test_auth_sessions_are_bounded);

static int test_auth_guessing_is_limited(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL;
	const char *const right = "Bearer secret-of-reader";
	char cookie[GW_AUTH_COOKIE_SIZE];

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	for (int i = 0; i < GW_FAILURES_MAX; i++)
		CHECK_INT(check(auth, &key, "Bearer guess", NULL, "1.1.1.1",
				100),
			  GW_AUTH_WRONG);

	CHECK_INT(check(auth, &key, "Bearer guess", NULL, "1.1.1.1", 200),
		  GW_AUTH_LIMITED);
	CHECK_INT(gw_auth_login(auth, cookie, "guess", "1.1.1.1", 200),
		  GW_AUTH_LIMITED);
	CHECK_INT(check(auth, &key, "Bearer guess", NULL, "1.1.1.2", 200),
		  GW_AUTH_WRONG);

	/* a guesser must not lock out who shares an address with him */
	CHECK_INT(check(auth, &key, right, NULL, "1.1.1.1", 200), GW_AUTH_OK);
	CHECK_INT(gw_auth_login(auth, cookie, "secret-of-reader", "1.1.1.1",
				200),
		  GW_AUTH_OK);

	CHECK_INT(check(auth, &key, "Bearer guess", NULL, "1.1.1.1", 60099),
		  GW_AUTH_LIMITED);
	CHECK_INT(check(auth, &key, "Bearer guess", NULL, "1.1.1.1", 60100),
		  GW_AUTH_WRONG);

	return 0;
}
TEST(test_auth_guessing_is_limited);

static int test_auth_ipv6_counts_by_network(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL;
	char client[64];

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	for (int i = 0; i < GW_FAILURES_MAX; i++) {
		(void)re_snprintf(client, sizeof(client), "2001:db8::%x",
				  i + 1);
		CHECK_INT(check(auth, &key, "Bearer guess", NULL, client, 100),
			  GW_AUTH_WRONG);
	}
	CHECK_INT(check(auth, &key, "Bearer guess", NULL, "2001:db8::ffff",
			100),
		  GW_AUTH_LIMITED);
	CHECK_INT(check(auth, &key, "Bearer guess", NULL, "2001:db8:0:1::1",
			100),
		  GW_AUTH_WRONG);

	return 0;
}
TEST(test_auth_ipv6_counts_by_network);

/* More addresses than the table holds: the oldest are forgotten, nothing else. */
static int test_auth_addresses_are_bounded(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL;
	char client[64];

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	for (int i = 0; i < GW_FAILURES_NETS + 10; i++) {
		(void)re_snprintf(client, sizeof(client), "10.0.%d.%d", i / 250,
				  i % 250);
		CHECK_INT(check(auth, &key, "Bearer guess", NULL, client,
				(uint64_t)i),
			  GW_AUTH_WRONG);
	}
	CHECK_INT(check(auth, &key, "Bearer secret-of-reader", NULL, client,
			5000),
		  GW_AUTH_OK);

	return 0;
}
TEST(test_auth_addresses_are_bounded);

/* Two seconds' worth at once, then the rate, each key for itself. */
static int test_auth_rate_is_kept(void)
{
	static const char limited[] =
		"{\"allow_inline\":true,\"limits\":{\"requests_per_s\":100},"
		"\"keys\":[{\"name\":\"a\",\"secret\":\"secret-of-a-123456\"},"
		"{\"name\":\"b\",\"secret\":\"secret-of-b-123456\"}]}";
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *a = NULL, *b = NULL;

	CHECK_OK(open_auth(&auth, limited, sizeof(limited) - 1));
	CHECK_INT(check(auth, &a, "Bearer secret-of-a-123456", NULL, "1.1.1.1",
			0),
		  GW_AUTH_OK);
	CHECK_INT(check(auth, &b, "Bearer secret-of-b-123456", NULL, "1.1.1.1",
			0),
		  GW_AUTH_OK);

	for (int i = 0; i < 200; i++)
		CHECK_INT(gw_auth_rate(auth, a, 1000), 0);
	CHECK_INT(gw_auth_rate(auth, a, 1000), 1);
	CHECK_INT(gw_auth_rate(auth, b, 1000), 0);

	CHECK_INT(gw_auth_rate(auth, a, 1010), 0);
	CHECK_INT(gw_auth_rate(auth, a, 1010), 1);
	for (int i = 0; i < 200; i++)
		CHECK_INT(gw_auth_rate(auth, a, 99999), 0);
	CHECK_INT(gw_auth_rate(auth, a, 99999), 1);

	return 0;
}
TEST(test_auth_rate_is_kept);

static const char pages[] =
	"{\"allow_inline\":true,\"keys\":[{\"name\":\"crm\","
	"\"secret\":\"secret-of-crm-12345\"}]}";

static enum gw_auth_verdict show(struct gw_auth *auth,
				 const struct gw_key **keyp,
				 enum gw_auth_way *wayp,
				 const struct gw_auth_try *shown, int64_t now_s)
{
	const char *why = NULL;
	const enum gw_auth_verdict verdict =
		gw_auth_check(auth, keyp, wayp, shown, 1000, now_s, &why);

	if (verdict == GW_AUTH_WRONG && !why)
		test_fail(__FILE__, __LINE__, "refused without a word");
	return verdict;
}

/* E5: a click token asks for the Origin it was made for; who errs with one is
 * no guesser, who makes one up is. */
static int test_auth_click_from_its_page(void)
{
	struct gw_click_order order = { .to = "853",
					.origin = "https://a.example",
					.expires_in_s = 60,
					.uses = 1 };
	OWNED struct gw_auth *auth = NULL;
	OWNED char *token = NULL, *bearer = NULL;
	OWNED struct gw_key *held = NULL;
	const struct gw_key *key = NULL;
	enum gw_auth_way way;
	struct gw_auth_try shown = { .client = "1.1.1.1",
				     .origin = "https://a.example" };

	CHECK_OK(open_auth(&auth, pages, sizeof(pages) - 1));
	CHECK_INT(check(auth, &order.key, "Bearer secret-of-crm-12345", NULL,
			"1.1.1.1", 1),
		  GW_AUTH_OK);
	CHECK_OK(gw_click_make(&token, &order, gw_auth_secret(auth),
			       1800000000));
	CHECK_OK(re_sdprintf(&bearer, "Bearer %s", token));
	shown.authorization = bearer;
	CHECK_INT(show(auth, &key, &way, &shown, 1800000000), GW_AUTH_OK);
	held = (void *)(uintptr_t)key;
	CHECK_INT(way, GW_AUTH_BY_KEY);
	CHECK(held->click && !held->click->spent);
	for (int i = 0; i < 2 * GW_FAILURES_MAX; i++) {
		shown.origin = i % 2 ? "https://b.example" : NULL;
		CHECK_INT(show(auth, &key, &way, &shown, 1800000000),
			  GW_AUTH_WRONG);
		CHECK(!key);
	}
	shown.origin = "https://a.example";
	shown.authorization = "Bearer a.b.c";
	for (int i = 0; i < GW_FAILURES_MAX; i++)
		CHECK_INT(show(auth, &key, &way, &shown, 1800000000),
			  GW_AUTH_WRONG);
	CHECK_INT(show(auth, &key, &way, &shown, 1800000000), GW_AUTH_LIMITED);

	/* its visitors don't lock the page's own server out */
	while (!gw_auth_rate(auth, held, 5000))
		;
	CHECK(!gw_auth_rate(auth, order.key, 5000));
	return 0;
}
TEST(test_auth_click_from_its_page);

/* B10: a ticket opens a stream; what else is shown comes first. */
static int test_auth_ticket(void)
{
	OWNED struct gw_auth *auth = NULL;
	const struct gw_key *key = NULL, *crm = NULL;
	char ticket[GW_VISIT_SIZE];
	enum gw_auth_way way;
	struct gw_auth_try shown = { .client = "1.1.1.1", .ticket = ticket };

	CHECK_OK(open_auth(&auth, pages, sizeof(pages) - 1));
	CHECK_INT(check(auth, &crm, "Bearer secret-of-crm-12345", NULL,
			"1.1.1.1", 1000),
		  GW_AUTH_OK);
	CHECK_OK(gw_visits_ticket(gw_auth_visits(auth), ticket, crm, NULL, NULL,
				  1000));
	shown.authorization = "Basic abc";
	CHECK_INT(show(auth, &key, &way, &shown, 1800000000), GW_AUTH_WRONG);
	shown.authorization = NULL;
	CHECK_INT(show(auth, &key, &way, &shown, 1800000000), GW_AUTH_OK);
	CHECK_INT(way, GW_AUTH_BY_TICKET);
	CHECK(key == crm);
	mem_deref((void *)(uintptr_t)key);
	CHECK_INT(show(auth, &key, &way, &shown, 1800000000), GW_AUTH_WRONG);
	shown.ticket = NULL;
	shown.cookie = "other=1";
	CHECK_INT(show(auth, &key, &way, &shown, 1800000000), GW_AUTH_NONE);
	return 0;
}
TEST(test_auth_ticket);

/* G11: another configuration takes keys away, with their sessions. */
static int test_auth_reload(void)
{
	static struct gw_config_errors errs;
	OWNED struct gw_auth *auth = NULL;
	OWNED struct gw_config *cfg = NULL;
	const struct gw_key *key = NULL;
	char cookie[GW_AUTH_COOKIE_SIZE], header[128];

	CHECK_OK(open_auth(&auth, text, sizeof(text) - 1));
	CHECK_INT(gw_auth_login(auth, cookie, "secret-of-reader", "1.1.1.1", 1),
		  GW_AUTH_OK);
	(void)re_snprintf(header, sizeof(header), "%s=%s", GW_AUTH_COOKIE,
			  cookie);
	CHECK_INT(check(auth, &key, NULL, header, "1.1.1.1", 2), GW_AUTH_OK);
	CHECK_OK(gw_config_parse(&cfg, pages, sizeof(pages) - 1, &errs));
	CHECK_OK(gw_auth_reload(auth, cfg));
	CHECK_INT(check(auth, &key, NULL, header, "1.1.1.1", 2), GW_AUTH_WRONG);
	CHECK_INT(check(auth, &key, "Bearer secret-of-crm-12345", NULL,
			"1.1.1.1", 2),
		  GW_AUTH_OK);
	return 0;
}
TEST(test_auth_reload);
