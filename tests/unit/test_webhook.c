/* The pure parts of webhooks: signatures, targets, the schedule, the queue. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config/config.h"
#include "server/webhook_queue.h"
#include "server/webhook_retry.h"
#include "server/webhook_sign.h"
#include "server/webhook_target.h"
#include "server/webhook_template.h"
#include "tests/test.h"

/* C1: the vector of the requirements, made by another implementation; C2: a second
 * secret adds a second signature. */
static int test_webhook_signature(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(64);
	const struct gw_webhook_signed what = {
		.id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
		.timestamp = 1674087231,
		.body = "{\"test\": 2432232314}",
		.body_len = 20,
	};
	static const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
	static const char want[] =
		"v1,AQG81rX2n4rTN1fkXoqILSHO9gAOcwya9dP41rhrQDI= "
		"v1,AQG81rX2n4rTN1fkXoqILSHO9gAOcwya9dP41rhrQDI=";
	char got[sizeof(want)];

	CHECK(mb);
	CHECK_OK(gw_webhook_sign(mb, secret, &what));
	CHECK_OK(gw_webhook_sign(mb, secret, &what));
	CHECK_INT(mb->end, strlen(want));
	memcpy(got, mb->buf, mb->end);
	got[mb->end] = '\0';
	CHECK_STR(got, want);
	return 0;
}
TEST(test_webhook_signature);

#define SEED "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="

/* C3: Ed25519 by RFC 8032's first key; the signature was made by Node's crypto. The
 * secret is the seed, alone or with the public key behind it. */
static int test_webhook_ed25519(void)
{
	static const char *const secrets[] = {
		"whsk_" SEED,
		"whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9V"
		"L/tPJZAc6DuFy89qmIyWvAhpo9wdRGg==",
	};
	static const char want[] =
		"v1a,/df2TJgc9NKdYr2kl+xNlWKWYHFaAVCdsJ0qrpoiL+LPEAtz7430+exw8"
		"+x0kTGnaXfk/Gci65vSRbd9bfLIAQ==";
	const struct gw_webhook_signed what = {
		.id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
		.timestamp = 1674087231,
		.body = "{\"test\": 2432232314}",
		.body_len = 20,
	};
	char text[GW_WEBHOOK_PUBLIC_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(64);

		CHECK(mb);
		CHECK_OK(gw_webhook_secret_check(secrets[i]));
		CHECK_OK(gw_webhook_sign(mb, secrets[i], &what));
		CHECK_INT(mb->end, strlen(want));
		CHECK(!memcmp(mb->buf, want, mb->end));
		CHECK_OK(gw_webhook_public(text, secrets[i]));
		CHECK_STR(text, "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHU"
				"Ro=");
	}
	return 0;
}
TEST(test_webhook_ed25519);

/* Secrets that can't be read, and those that have nothing to show. */
static int test_webhook_secrets(void)
{
	char text[GW_WEBHOOK_PUBLIC_SIZE];

	CHECK_ERR(gw_webhook_secret_check("whsec_%%%%"), EINVAL);
	CHECK_ERR(gw_webhook_secret_check("whsec_abc"), EINVAL);
	CHECK_ERR(gw_webhook_secret_check("whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2La"),
		  EINVAL);
	/* a public key that is another's */
	CHECK_ERR(gw_webhook_secret_check(
			  "whsk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWp"
			  "gBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGw=="),
		  EINVAL);
	CHECK_OK(gw_webhook_secret_check("as it stands here"));
	CHECK_ERR(gw_webhook_public(text, "as it stands here"), ENOENT);
	CHECK_ERR(gw_webhook_public(text, "whsec_aGFsbG8h"), ENOENT);
	return 0;
}
TEST(test_webhook_secrets);

static const char *refuse(const char *address, uint16_t port,
			  const struct gw_config_webhooks *cfg)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, address, &in.sin_addr) == 1) {
		in.sin_port = htons(port);
		return gw_webhook_target_refuse((void *)&in, cfg);
	}
	if (inet_pton(AF_INET6, address, &in6.sin6_addr) != 1)
		return "no address";
	in6.sin6_port = htons(port);
	return gw_webhook_target_refuse((void *)&in6, cfg);
}

/* C11: who is not of the Internet is not told, however his address is written. */
static int test_webhook_targets(void)
{
	static const char *const refused[] = {
		"0.0.0.0",
		"0.1.2.3",
		"10.0.0.1",
		"100.64.0.1",
		"100.127.255.255",
		"127.0.0.1",
		"127.9.9.9",
		"169.254.169.254",
		"172.16.0.1",
		"172.31.9.9",
		"192.168.1.1",
		"198.18.0.1",
		"224.0.0.1",
		"255.255.255.255",
		"240.0.0.1",
		"::",
		"::1",
		"::127.0.0.1",
		"::ffff:8.8.8.8",
		"64:ff9b::7f00:1",
		"64:ff9b:1::1",
		"2002:7f00:1::",
		"2001::1",
		"fc00::1",
		"fd12::1",
		"fe80::1",
		"febf::1",
		"fec0::1",
		"ff02::1",
	};
	static const char *const taken[] = {
		"8.8.8.8",       "100.63.0.1",   "100.128.0.1",
		"172.15.0.1",    "172.32.0.1",   "192.169.0.1",
		"223.255.255.1", "2606:4700::1", "2a00::1",
	};
	const char *const allowed[] = { "10.1.0.0/16", "::1" };
	struct gw_config_webhooks cfg = { .allow_http = false };

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		CHECK_STR(refuse(refused[i], 443, &cfg) ? refused[i] : "taken",
			  refused[i]);
	for (size_t i = 0; i < ARRAY_SIZE(taken); i++)
		CHECK_STR(refuse(taken[i], 443, &cfg), NULL);
	CHECK(refuse("8.8.8.8", 80, &cfg));
	CHECK(refuse("8.8.8.8", 25, &cfg));
	cfg.allow_http = true;
	CHECK(!refuse("8.8.8.8", 80, &cfg));

	cfg.allow_targets.list = allowed;
	cfg.allow_targets.count = 2;
	CHECK(!refuse("10.1.255.1", 8080, &cfg));
	CHECK(!refuse("::1", 1, &cfg));
	CHECK(refuse("10.2.0.1", 443, &cfg));
	CHECK(refuse("::ffff:10.1.0.1", 443, &cfg));
	return 0;
}
TEST(test_webhook_targets);

static int test_webhook_hosts(void)
{
	static const struct {
		const char *url, *host;
	} rows[] = {
		{ "https://CRM.example/x", "crm.example" },
		{ "http://a:81", "a" },
		{ "https://[::1]:443/", "::1" },
		{ "https://a.b?q@c", "a.b" },
		{ "https://u@a.b/", NULL },
		{ "https://u:p@a.b/", NULL },
		{ "ftp://a.b/", NULL },
		{ "https:///x", NULL },
		{ "https://a b/", NULL },
		{ "https://a\\@b/", NULL },
		{ "https://[::1/", NULL },
	};
	char host[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK_ERR(gw_webhook_host(host, sizeof(host), rows[i].url),
			  rows[i].host ? 0 : EINVAL);
		if (rows[i].host)
			CHECK_STR(host, rows[i].host);
	}
	return 0;
}
TEST(test_webhook_hosts);

/* C6: a fifth more or less, Retry-After as a floor, a day at most. */
static int test_webhook_schedule(void)
{
	static const uint32_t seconds[] = { 5, 300, 86400 };
	const struct gw_config_ints schedule = { seconds, 3 };
	const int64_t day = 86400000, now = 784111777000;

	CHECK_INT(gw_webhook_retry_delay(&schedule, 1, 0, 0), 4000);
	CHECK_INT(gw_webhook_retry_delay(&schedule, 1, 400, 0), 6000);
	CHECK_INT(gw_webhook_retry_delay(&schedule, 1, 200, 60000), 60000);
	CHECK_INT(gw_webhook_retry_delay(&schedule, 2, 200, 60000), 300000);
	CHECK_INT(gw_webhook_retry_delay(&schedule, 3, 400, 0), day);
	CHECK_INT(gw_webhook_retry_delay(&schedule, 4, 0, 0), -1);

	CHECK_INT(gw_webhook_retry_after("120", now), 120000);
	CHECK_INT(gw_webhook_retry_after("99999999999999", now), day);
	CHECK_INT(gw_webhook_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", now),
		  60000);
	CHECK_INT(gw_webhook_retry_after("Sunday, 06-Nov-94 08:50:37 GMT", now),
		  60000);
	CHECK_INT(gw_webhook_retry_after("Sun, 06 Nov 2094 08:50:37 GMT", now),
		  day);
	CHECK_INT(gw_webhook_retry_after("Sun, 06 Nov 1990 08:50:37 GMT", now),
		  0);
	CHECK_INT(gw_webhook_retry_after("soon", now), 0);
	CHECK_INT(gw_webhook_retry_after("-5", now), 0);
	CHECK_INT(gw_webhook_retry_after("", now), 0);
	return 0;
}
TEST(test_webhook_schedule);

static int add(struct gw_webhook_queue *q, uint64_t id, const char *call_id,
	       uint64_t due)
{
	struct gw_webhook_item *item;

	return gw_webhook_queue_add(&item, q, id, call_id, NULL, due);
}

/* The number of what goes now; 0: nothing. */
static uint64_t next(struct gw_webhook_item **itemp, struct gw_webhook_queue *q,
		     uint64_t now)
{
	*itemp = gw_webhook_queue_next(q, now);
	return *itemp ? (*itemp)->id : 0;
}

/* C7: one call's go one after the other, also while the first waits for its next
 * try; another call's go by. */
static int test_webhook_queue_order(void)
{
	OWNED struct gw_webhook_queue *q = NULL;
	struct gw_webhook_item *a, *b, *none;

	CHECK_OK(gw_webhook_queue_alloc(&q, false, 4));
	CHECK_OK(add(q, 1, "call_a", 0));
	CHECK_OK(add(q, 2, "call_a", 0));
	CHECK_OK(add(q, 3, "call_b", 0));
	CHECK_INT(next(&a, q, 10), 1);
	CHECK_INT(next(&b, q, 10), 3);
	CHECK_INT(next(&none, q, 10), 0);

	gw_webhook_queue_again(q, a, 500);
	gw_webhook_queue_done(q, b);
	CHECK_INT(next(&none, q, 499), 0);
	CHECK_INT(gw_webhook_queue_due(q, 499), 500);
	CHECK_INT(next(&a, q, 500), 1);
	gw_webhook_queue_done(q, a);
	CHECK_INT(next(&a, q, 500), 2);
	gw_webhook_queue_done(q, a);
	CHECK(gw_webhook_queue_due(q, 500) == UINT64_MAX);
	return 0;
}
TEST(test_webhook_queue_order);

/* C7, C10: what is sent once more takes its place in its call, behind what is on its
 * way, whatever the call is waiting for. */
static int test_webhook_queue_once_more(void)
{
	static const uint64_t wanted[] = { 5, 2, 3, 6, 7 };
	OWNED struct gw_webhook_queue *q = NULL;
	struct gw_webhook_item *item;

	CHECK_OK(gw_webhook_queue_alloc(&q, false, 4));
	CHECK_OK(add(q, 5, "a", 0));
	CHECK_OK(add(q, 7, "a", 0));
	CHECK_OK(add(q, 9, "b", 9000));
	CHECK_INT(next(&item, q, 0), 5);
	/* in flight */
	CHECK_OK(add(q, 3, "a", 0));
	CHECK_OK(add(q, 2, "a", 0));
	CHECK_OK(add(q, 6, "a", 0));
	gw_webhook_queue_done(q, item);
	for (size_t i = 1; i < ARRAY_SIZE(wanted); i++) {
		CHECK_INT(next(&item, q, 0), wanted[i]);
		gw_webhook_queue_done(q, item);
	}
	/* due later: the earlier one goes first, and at once */
	CHECK_OK(add(q, 8, "b", 100));
	CHECK_OK(add(q, 12, "c", 50));
	CHECK_INT(gw_webhook_queue_due(q, 0), 50);
	CHECK_INT(next(&item, q, 200), 12);
	gw_webhook_queue_done(q, item);
	CHECK_INT(next(&item, q, 200), 8);
	gw_webhook_queue_done(q, item);
	CHECK(!gw_webhook_queue_next(q, 200));
	CHECK_INT(next(&item, q, 9000), 9);
	/* ready, but too many are on their way */
	CHECK_OK(add(q, 10, "d", 0));
	gw_webhook_queue_shut(q, true);
	CHECK(!gw_webhook_queue_next(q, 9000));
	gw_webhook_queue_shut(q, false);
	CHECK_OK(add(q, 4, "d", 9000));
	gw_webhook_queue_done(q, item);
	CHECK_INT(next(&item, q, 9000), 4);
	gw_webhook_queue_done(q, item);
	CHECK_INT(next(&item, q, 9000), 10);
	gw_webhook_queue_done(q, item);
	CHECK(gw_webhook_queue_due(q, 9000) == UINT64_MAX);
	return 0;
}
TEST(test_webhook_queue_once_more);

/* C7, C8: nothing waits for anything where nothing has to; and no more at once than
 * may be. */
static int test_webhook_queue_width(void)
{
	OWNED struct gw_webhook_queue *q = NULL;
	struct gw_webhook_item *items[4], *none;

	CHECK_OK(gw_webhook_queue_alloc(&q, true, 4));
	for (uint64_t i = 1; i <= 100; i++)
		CHECK_OK(add(q, i, "call_a", i % 7));
	for (size_t i = 0; i < 4; i++)
		CHECK(next(&items[i], q, 100));
	CHECK_INT(next(&none, q, 100), 0);
	for (size_t i = 0; i < 4; i++)
		gw_webhook_queue_again(q, items[i], 1000);
	for (size_t i = 0; i < 96; i++) {
		CHECK(next(&items[0], q, 100));
		gw_webhook_queue_done(q, items[0]);
	}
	CHECK_INT(next(&none, q, 999), 0);
	CHECK_INT(gw_webhook_queue_due(q, 999), 1000);
	return 0;
}
TEST(test_webhook_queue_width);

/* C9: after twenty failures one probe in five minutes, until one goes well. */
static int test_webhook_queue_circuit(void)
{
	OWNED struct gw_webhook_queue *q = NULL;
	struct gw_webhook_item *item, *none;
	uint64_t now = 0;

	CHECK_OK(gw_webhook_queue_alloc(&q, false, 4));
	for (uint64_t i = 1; i <= 30; i++)
		CHECK_OK(add(q, i, "", 0));
	for (size_t i = 0; i < GW_WEBHOOK_CIRCUIT; i++) {
		CHECK(next(&item, q, now));
		gw_webhook_queue_went(q, false, now);
		gw_webhook_queue_again(q, item, now + 1000000);
	}
	CHECK_INT(next(&none, q, now), 0);
	CHECK_INT(gw_webhook_queue_due(q, now), GW_WEBHOOK_PROBE_MS);

	now = GW_WEBHOOK_PROBE_MS;
	CHECK(next(&item, q, now));
	CHECK_INT(next(&none, q, now), 0); /* one alone */
	gw_webhook_queue_went(q, false, now);
	gw_webhook_queue_again(q, item, now + 1000000);
	CHECK_INT(next(&none, q, now + 1), 0);

	now *= 2;
	CHECK(next(&item, q, now));
	gw_webhook_queue_went(q, true, now);
	gw_webhook_queue_done(q, item);
	CHECK(next(&item, q, now));
	gw_webhook_queue_done(q, item);

	gw_webhook_queue_shut(q, true);
	CHECK_INT(next(&none, q, now), 0);
	CHECK(gw_webhook_queue_due(q, now) == UINT64_MAX);
	return 0;
}
TEST(test_webhook_queue_circuit);

static int made(char *buf, size_t size, enum gw_webhook_format format,
		const char *cause, const char *answered)
{
	OWNED struct mbuf *mb = mbuf_alloc(512);
	char text[1024];
	const int n = snprintf(
		text, sizeof(text),
		"{\"id\":7,\"type\":\"call.ended\",\"call\":{\"id\":\"call_1\","
		"\"to\":\"+49301\",\"from\":\"853\",\"created_at\":"
		"\"2026-11-22T05:00:00.000Z\",\"ended_at\":"
		"\"2026-11-22T05:00:42.000Z\",\"answered_at\":%s,"
		"\"duration\":42,\"cause\":\"%s\",\"metadata\":"
		"{\"CALL_ID\":\"x.1\",\"USER_ID\":9,\"deal_id\":5}}}",
		answered, cause);

	CHECK(mb);
	CHECK_OK(gw_webhook_template(mb, format, text, (size_t)n));
	(void)snprintf(buf, size, "%.*s", (int)mb->end, (char *)mb->buf);
	return 0;
}

/* D, crm.md: each CRM is told in its own words how a call ended. */
static int test_webhook_template_words(void)
{
	static const struct {
		const char *cause, *hubspot, *zoho, *bitrix24, *pipedrive;
	} rows[] = {
		{ "normal_clearing", "COMPLETED", "ended", "200", "connected" },
		{ "busy", "BUSY", "busy", "486", "busy" },
		{ "rejected", "REJECTED", "rejected", "603", "no_answer" },
		{ "ring_timeout", "NO_ANSWER", "noanswer", "304", "no_answer" },
		{ "unavailable", "NO_ANSWER", "notavailable", "480",
		  "no_answer" },
		{ "invalid_number", "FAILED", "invalid", "404",
		  "wrong_number" },
		{ "not_allowed", "FAILED", "blocked", "403", "no_answer" },
		{ "policy_denied", "FAILED", "blocked", "423", "no_answer" },
		{ "payment_required", "FAILED", "blocked", "402", "no_answer" },
		{ "congestion", "FAILED", "notavailable", "503", "no_answer" },
		{ "canceled_by_api", "CANCELED", "noanswer", "603-S",
		  "no_answer" },
		{ "tls_error", "FAILED", "notavailable", "OTHER", "no_answer" },
	};
	char got[1024], want[64];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const words[] = { rows[i].zoho, rows[i].bitrix24,
					      rows[i].hubspot,
					      rows[i].pipedrive };
		static const char *const names[] = { "state", "STATUS_CODE",
						     "hs_call_status",
						     "outcome" };

		for (unsigned k = 0; k < 4; k++) {
			if (made(got, sizeof(got), GW_WEBHOOK_ZOHO + k,
				 rows[i].cause, "null"))
				return 1;
			(void)snprintf(want, sizeof(want), "\"%s\":\"%s\"",
				       names[k], words[k]);
			CHECK_STR(strstr(got, want) ? want : got, want);
		}
	}
	return 0;
}
TEST(test_webhook_template_words);

static int test_webhook_template_whole(void)
{
	char got[1024];

	if (made(got, sizeof(got), GW_WEBHOOK_BITRIX24, "media_timeout",
		 "\"2026-11-22T05:00:00.000Z\""))
		return 1;
	CHECK_STR(got, "{\"CALL_ID\":\"x.1\",\"USER_ID\":9,\"DURATION\":42,"
		       "\"STATUS_CODE\":\"200\",\"FAILED_REASON\":"
		       "\"media_timeout\"}");
	if (made(got, sizeof(got), GW_WEBHOOK_PIPEDRIVE, "busy", "null"))
		return 1;
	CHECK_STR(got, "{\"outcome\":\"busy\",\"to_phone_number\":\"+49301\","
		       "\"from_phone_number\":\"853\",\"start_time\":"
		       "\"2026-11-22T05:00:00.000Z\",\"end_time\":"
		       "\"2026-11-22T05:00:42.000Z\",\"duration\":42,"
		       "\"deal_id\":5}");
	CHECK(gw_webhook_template_has(GW_WEBHOOK_ZOHO, "call.ringing"));
	CHECK(!gw_webhook_template_has(GW_WEBHOOK_HUBSPOT, "call.ringing"));
	return 0;
}
TEST(test_webhook_template_whole);
