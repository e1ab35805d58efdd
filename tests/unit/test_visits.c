/* B10, B11: sessions and stream tickets, with a clock of the test. */
#include <errno.h>

#include "config/config.h"
#include "server/keyring.h"
#include "server/visits.h"
#include "tests/test.h"

#define CALL  "call_01J00000000000000000000000"
#define OTHER "call_01J00000000000000000000001"

struct world {
	struct gw_keyring *ring;
	struct gw_visits *visits;
	const struct gw_key *key; /* "crm" */
	struct gw_key_row row;
};

static void world_destructor(void *arg)
{
	struct world *w = arg;

	mem_deref(w->visits);
	mem_deref(w->ring);
}

static struct world *world_new(void)
{
	static struct gw_config_errors errs;
	struct world *w = mem_zalloc(sizeof(*w), world_destructor);
	struct gw_config *cfg = NULL;
	int err;

	if (!w)
		return NULL;
	w->row = (struct gw_key_row){ .name = "crm",
				      .project = "p",
				      .scopes = "events:read",
				      .hash = { 1, 2, 3 } };
	err = gw_config_parse(&cfg, "{}", 2, &errs);
	err = err ? err : gw_keyring_alloc(&w->ring, cfg);
	err = err ? err : gw_keyring_stored(w->ring, &w->row, 1, 1);
	err = err ? err : gw_visits_alloc(&w->visits);
	mem_deref(cfg);
	if (err)
		return mem_deref(w);
	w->key = gw_keyring_by_name(w->ring, "crm");
	return w;
}

static const struct gw_key *use(struct world *w, const char *text,
				const char *call_id, const char *origin,
				bool again, uint64_t now_ms)
{
	const struct gw_visits_use u = { text, call_id, origin, again };

	return gw_visits_by_ticket(w->visits, &u, now_ms);
}

/* B10: one stream within a minute; whoever comes again has ten. */
static int test_visits_ticket_is_good_for_one_stream(void)
{
	OWNED struct world *w = world_new();
	char text[GW_VISIT_SIZE], second[GW_VISIT_SIZE];

	CHECK(w);
	CHECK_OK(gw_visits_ticket(w->visits, text, w->key, NULL, NULL, 1000));
	CHECK_OK(gw_visits_ticket(w->visits, second, w->key, NULL, NULL, 1000));
	CHECK_INT(strlen(text), GW_VISIT_SIZE - 1);
	CHECK(strcmp(text, second) != 0);
	CHECK(use(w, text, NULL, NULL, false, 60999) == w->key);
	CHECK(!use(w, text, NULL, NULL, false, 61000));
	CHECK(use(w, text, NULL, NULL, true, 61000) == w->key);
	CHECK(use(w, text, NULL, NULL, true, 60999 + 599999) == w->key);
	CHECK(!use(w, text, NULL, NULL, true, 60999 + 600000));
	CHECK(!use(w, text, NULL, NULL, true, 61000)); /* gone */

	CHECK(!use(w, second, NULL, NULL, false, 61000)); /* too late */
	CHECK(!use(w, second, NULL, NULL, false, 2000));
	CHECK(!use(w, "", NULL, NULL, false, 2000));
	CHECK(!use(w, "0123", NULL, NULL, true, 2000));
	return 0;
}
TEST(test_visits_ticket_is_good_for_one_stream);

/* B10: bound to call and Origin; a wrong try does not use it up. */
static int test_visits_ticket_is_bound(void)
{
	OWNED struct world *w = world_new();
	char of_call[GW_VISIT_SIZE], of_page[GW_VISIT_SIZE];
	char all[GW_VISIT_SIZE], odd[GW_VISIT_SIZE], origin[400];

	CHECK(w);
	CHECK_OK(gw_visits_ticket(w->visits, of_call, w->key, CALL, NULL, 0));
	CHECK(!use(w, of_call, NULL, NULL, false, 1));
	CHECK(!use(w, of_call, OTHER, NULL, false, 1));
	CHECK(use(w, of_call, CALL, "https://any.example", false, 1));

	CHECK_OK(gw_visits_ticket(w->visits, of_page, w->key, NULL,
				  "https://a.example", 0));
	CHECK(!use(w, of_page, NULL, "https://b.example", false, 1));
	CHECK(!use(w, of_page, NULL, "https://a.example:444", false, 1));
	CHECK(use(w, of_page, CALL, "https://a.example", false, 1));

	/* what a page of our own sends has no Origin */
	CHECK_OK(gw_visits_ticket(w->visits, all, w->key, NULL,
				  "https://a.example", 0));
	CHECK(use(w, all, NULL, NULL, false, 1));

	/* one that is too long is nobody's */
	memset(origin, 'x', sizeof(origin));
	origin[sizeof(origin) - 1] = '\0';
	CHECK_OK(gw_visits_ticket(w->visits, odd, w->key, NULL, origin, 0));
	CHECK(!use(w, odd, NULL, origin, false, 1));
	return 0;
}
TEST(test_visits_ticket_is_bound);

static int test_visits_tickets_are_bounded(void)
{
	OWNED struct world *w = world_new();
	char first[GW_VISIT_SIZE], text[GW_VISIT_SIZE];

	CHECK(w);
	CHECK_OK(gw_visits_ticket(w->visits, first, w->key, NULL, NULL, 0));
	for (int i = 0; i < GW_VISIT_TICKETS_MAX; i++)
		CHECK_OK(gw_visits_ticket(w->visits, text, w->key, NULL, NULL,
					  1));
	CHECK(!use(w, first, NULL, NULL, false, 2));
	CHECK(use(w, text, NULL, NULL, false, 2));
	return 0;
}
TEST_WITHOUT_OOM(test_visits_tickets_are_bounded,
		 "the same allocation four thousand times");

static const struct gw_key *session(struct world *w, const char *text,
				    uint64_t now_ms)
{
	return gw_visits_by_session(w->visits, text, strlen(text), now_ms);
}

/* B11: revoking a key ends what stands for it. */
static int test_visits_end_with_their_key(void)
{
	OWNED struct world *w = world_new();
	char cookie[GW_VISIT_SIZE], ticket[GW_VISIT_SIZE];

	CHECK(w);
	CHECK_OK(gw_visits_session(w->visits, cookie, w->key, 0));
	CHECK_OK(gw_visits_ticket(w->visits, ticket, w->key, NULL, NULL, 0));
	gw_visits_follow(w->visits, w->ring);
	CHECK(session(w, cookie, 1) == w->key);
	CHECK_OK(gw_keyring_stored(w->ring, NULL, 0, 1));
	gw_visits_follow(w->visits, w->ring);
	CHECK(!session(w, cookie, 1));
	CHECK(!use(w, ticket, NULL, NULL, false, 1));
	return 0;
}
TEST(test_visits_end_with_their_key);

/* Other rights, the same key: who has logged in stays, with these. Another key of
 * the same name: he doesn't. */
static int test_visits_follow_their_key(void)
{
	OWNED struct world *w = world_new();
	char cookie[GW_VISIT_SIZE];
	const struct gw_key *now;

	CHECK(w);
	CHECK_OK(gw_visits_session(w->visits, cookie, w->key, 0));
	w->row.scopes = "calls:read";
	CHECK_OK(gw_keyring_stored(w->ring, &w->row, 1, 1));
	gw_visits_follow(w->visits, w->ring);
	now = session(w, cookie, 1);
	CHECK(now && gw_key_may(now, "calls:read"));
	CHECK(!gw_key_may(now, "events:read"));
	w->row.hash[0]++;
	CHECK_OK(gw_keyring_stored(w->ring, &w->row, 1, 1));
	gw_visits_follow(w->visits, w->ring);
	CHECK(!session(w, cookie, 1));
	return 0;
}
TEST(test_visits_follow_their_key);
