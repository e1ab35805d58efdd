/* Lines against a registrar that does as it is told, under a clock that is moved
 * by hand: hours of schedule pass in milliseconds. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/socket.h>

#include "sip/libre/tmr_heap.h"
#include "sip/line.h"
#include "tests/calls/line_world.h"

/* ------------------------------------------------------------- registering */

static int test_line_registers_with_a_password(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	struct gw_line_info info;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { 200, CONTACT_GRANTED("300"), NULL, CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));

	CHECK_STR(w.history, "registering registered");
	CHECK_INT(w.pbx.registers, 2);
	CHECK_INT(w.pbx.authorised, 1);
	CHECK_INT(w.pbx.expires, 600);
	CHECK_STR(w.pbx.nonce, "n1");
	CHECK_STR(w.pbx.route, "");

	info = line_world_facts(&w);
	CHECK_INT(info.last_code, 200);
	CHECK_INT(info.expires_s, 300);
	CHECK_STR(info.server, "scripted");
	CHECK_STR(info.contacts, "sip:x@192.0.2.1");
	CHECK(info.registered_until_ms > info.last_success_ms);
	CHECK(info.next_try_ms > 0);
	return 0;
}
TEST(test_line_registers_with_a_password);

/* G16: the account must not be locked by a typo: two tries, then a long silence. */
static int test_line_wrong_password_is_shown_twice(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 401, .headers = CHALLENGE("n1") },
		       { .code = 401, .headers = CHALLENGE("n2") },
		       { .code = 401, .headers = CHALLENGE("n3") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(1000));

	CHECK_STR(w.history, "registering failed");
	CHECK_INT(w.pbx.authorised, 2);
	CHECK_INT(line_world_facts(&w).last_code, 401);
	CHECK_STR(line_world_facts(&w).last_reason, "Whatever");

	CHECK_OK(gw_tmr_test_advance(298 * 1000));
	CHECK_INT(w.pbx.authorised, 2);

	CHECK_OK(gw_tmr_test_advance(3 * 1000));
	CHECK_INT(w.pbx.authorised, 4);
	CHECK_STR(w.history, "registering failed failed");
	return 0;
}
TEST(test_line_wrong_password_is_shown_twice);

/* G16: a stale nonce is no wrong password. */
static int test_line_stale_grants_two_more(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 401,
				 .headers = "WWW-Authenticate: Digest "
					    "realm=\"pbx\", nonce=\"n\", "
					    "stale=true\r\n" });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(1000));

	CHECK_INT(w.pbx.authorised, 4);
	CHECK_STR(w.history, "registering failed");
	return 0;
}
TEST(test_line_stale_grants_two_more);

static int test_line_without_password_gives_none(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.password = NULL;
	registrar_will(&w.pbx, { .code = 401, .headers = CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(1000));

	CHECK_INT(w.pbx.registers, 1);
	CHECK_STR(w.history, "registering failed");
	return 0;
}
TEST(test_line_without_password_gives_none);

/* G16: 403: slowly, and told. */
static int test_line_forbidden_is_retried_slowly(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 403 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(299 * 1000));
	CHECK_INT(w.pbx.registers, 1);
	CHECK_INT(line_world_facts(&w).last_code, 403);
	CHECK_OK(gw_tmr_test_advance(2 * 1000));
	CHECK_INT(w.pbx.registers, 2);
	return 0;
}
TEST(test_line_forbidden_is_retried_slowly);

/* ---------------------------------------------------------------- schedule */

/* G16: never sooner than the server wants. */
static int test_line_retry_after_is_a_floor(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 503, .headers = "Retry-After: 120 (db)\r\n" },
		       { .code = 200, .headers = CONTACT_GRANTED("300") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(119 * 1000));
	CHECK_INT(w.pbx.registers, 1);
	CHECK_OK(gw_tmr_test_advance(2 * 1000));
	CHECK_STR(w.history, "registering failed registered");
	return 0;
}
TEST(test_line_retry_after_is_a_floor);

/* G16: 30 s doubled up to 30 min, less up to half by chance: in the first hour there
 * are at least 5 tries (30+60+120+240+480+960+1800 at most) and at most 9. */
static int test_line_backs_off(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 500 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(14 * 1000));
	CHECK_INT(w.pbx.registers, 1);
	CHECK_OK(gw_tmr_test_advance(17 * 1000));
	CHECK_INT(w.pbx.registers, 2);
	CHECK_OK(gw_tmr_test_advance(3569 * 1000));
	CHECK(w.pbx.registers >= 7);
	CHECK(w.pbx.registers <= 10);
	return 0;
}
TEST(test_line_backs_off);

/* G16: 423 and its Min-Expires. */
static int test_line_takes_the_servers_minimum(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 423, .headers = "Min-Expires: 1800\r\n" },
		       { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));

	CHECK_INT(w.pbx.expires, 1800);
	CHECK_INT(line_world_facts(&w).expires_s, 1800);
	CHECK_INT(line_world_facts(&w).server_min_expires_s, 1800);
	CHECK_STR(w.history, "registering registered");

	/* and it asks for that right away the next time */
	CHECK_OK(gw_tmr_test_advance(1630 * 1000));
	CHECK_INT(w.pbx.registers, 3);
	CHECK_INT(w.pbx.expires, 1800);
	return 0;
}
TEST(test_line_takes_the_servers_minimum);

/* G16: 423 for ever. */
static int test_line_minimum_that_never_ends(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 423, .headers = "Min-Expires: 1800\r\n" },
		       { .code = 423, .headers = "Min-Expires: 3600\r\n" });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_INT(w.pbx.registers, 2);
	CHECK_STR(w.history, "registering failed");
	return 0;
}
TEST(test_line_minimum_that_never_ends);

/* G17: a registrar that is up for five seconds and down for five, for five minutes:
 * a handful of REGISTERs a minute, no storm, and it is registered at the end. */
static int flap(struct line_world *w, unsigned *most_per_minute)
{
	uint32_t before = 0;

	*most_per_minute = 0;
	for (unsigned i = 0; i < 60; i++) {
		w->pbx.is_deaf = i % 2 != 0;
		CHECK_OK(gw_tmr_test_advance(5000));
		if (i % 12 != 11)
			continue;
		*most_per_minute =
			MAX(*most_per_minute, w->pbx.registers - before);
		before = w->pbx.registers;
	}
	w->pbx.is_deaf = false;
	return 0;
}

static int test_line_flapping_registrar(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	unsigned most;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 200, .headers = CONTACT_GRANTED("12") });
	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(flap(&w, &most));
	CHECK(most <= 7); /* one each nine seconds when all is well */
	/* up for good: how long the last rest is says chance */
	for (int i = 0;
	     i < 10 && line_world_facts(&w).state != GW_LINE_REGISTERED; i++)
		CHECK_OK(gw_tmr_test_advance(60 * 1000));
	CHECK_INT(line_world_facts(&w).state, GW_LINE_REGISTERED);
	return 0;
}
TEST(test_line_flapping_registrar);

/* G17: and one that says 503 where the other one is silent. */
static int test_line_flapping_refusals(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	uint32_t before;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 200, .headers = CONTACT_GRANTED("12") },
		       { .code = 503 },
		       { .code = 200, .headers = CONTACT_GRANTED("12") },
		       { .code = 503 });
	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(60 * 1000));
	before = w.pbx.registers;
	CHECK(before <= 7);
	CHECK_OK(gw_tmr_test_advance(240 * 1000));
	CHECK(w.pbx.registers - before <= 4 * 5);
	CHECK_INT(line_world_facts(&w).state, GW_LINE_FAILED);
	return 0;
}
TEST(test_line_flapping_refusals);

/* G16: the refresh carries the old nonce; the server wants another one. Nobody
 * outside notices. */
static int test_line_refresh_is_challenged_again(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 401, .headers = CHALLENGE("n1") },
		       { .code = 200, .headers = CONTACT_GRANTED("100") },
		       { .code = 401, .headers = CHALLENGE("n2") },
		       { .code = 200, .headers = CONTACT_GRANTED("100") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(87 * 1000));
	CHECK_INT(w.pbx.registers, 2);
	CHECK_OK(gw_tmr_test_advance(4 * 1000));
	CHECK_INT(w.pbx.registers, 4);
	CHECK_STR(w.pbx.nonce, "n2");
	CHECK_STR(w.history, "registering registered");
	return 0;
}
TEST(test_line_refresh_is_challenged_again);

static int test_line_refresh_that_fails_is_told(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 200, .headers = CONTACT_GRANTED("100") },
		       { .code = 500 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(91 * 1000));
	CHECK_STR(w.history, "registering registered failed");
	CHECK_INT(line_world_facts(&w).registered_until_ms, 0);
	return 0;
}
TEST(test_line_refresh_that_fails_is_told);

/* --------------------------------------------------------------------- NAT */

struct seen_way {
	bool came;
	int err;
	char advertise[64], uri[128];
	uint16_t port;
	uint32_t routes;
};

static void way_came(int err, const struct gw_line_way *way, void *arg)
{
	struct seen_way *seen = arg;

	seen->came = true;
	seen->err = err;
	if (err)
		return;

	seen->port = way->advertise_port;
	seen->routes = way->route_count;
	str_ncpy(seen->uri, way->uri, sizeof(seen->uri));
	if (way->advertise)
		str_ncpy(seen->advertise, way->advertise,
			 sizeof(seen->advertise));
}

static int test_line_behind_nat_says_where_it_is_seen(void)
{
	static struct line_world w;
	OWNED struct gw_line_way_req *req = NULL;
	struct seen_way seen = { .came = false };
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200,
				 .headers = "Expires: 300\r\n",
				 .seen_as = "192.0.2.7:4242" });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));

	/* once more, the new Contact in, the old one out */
	CHECK_INT(w.pbx.registers, 2);
	CHECK(strstr(w.pbx.contacts, "@192.0.2.7:4242>;expires=600"));
	CHECK(strstr(w.pbx.contacts, "@127.0.0.1:"));
	CHECK(strstr(w.pbx.contacts, ">;expires=0"));
	CHECK_STR(w.history, "registering registered");

	CHECK_OK(gw_line_way(&req, w.line, "sip:853@127.0.0.1", way_came,
			     &seen));
	CHECK_OK(gw_tmr_test_advance(1));
	CHECK(seen.came);
	CHECK_STR(seen.advertise, "192.0.2.7");
	CHECK_INT(seen.port, 4242);
	CHECK_INT(seen.routes, 1); /* the URI names no port, the line does */

	gw_line_stop(w.line);
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK(strstr(w.pbx.contacts, "@192.0.2.7:4242>;expires=0"));
	return 0;
}
TEST(test_line_behind_nat_says_where_it_is_seen);

static bool count_ping(struct sa *src, struct mbuf *mb, void *arg)
{
	uint32_t *pings = arg;
	(void)src;

	if (mbuf_get_left(mb) != 4)
		return false;

	*pings += 0 == memcmp(mbuf_buf(mb), "\r\n\r\n", 4);
	return true;
}

static int test_line_keeps_nat_open(void)
{
	static struct line_world w;
	OWNED struct udp_helper *helper = NULL;
	struct gw_line_cfg cfg;
	uint32_t pings = 0;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK(w.pbx.sock);
	CHECK_OK(udp_register_helper(&helper, w.pbx.sock, 0, NULL, count_ping,
				     &pings));
	CHECK_OK(gw_tmr_test_advance(24 * 1000));
	CHECK_INT(pings, 0);
	CHECK_OK(gw_tmr_test_advance(52 * 1000));
	CHECK_INT(pings, 3);

	gw_line_stop(w.line);
	CHECK_OK(gw_tmr_test_advance(30 * 1000));
	CHECK_INT(pings, 3);
	return 0;
}
TEST(test_line_keeps_nat_open);

static int test_line_nat_off_keeps_its_own_address(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.nat_auto = false;
	registrar_will(&w.pbx, { .code = 200,
				 .headers = "Expires: 300\r\n",
				 .seen_as = "192.0.2.7:4242" });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_INT(w.pbx.registers, 1);
	CHECK(!strstr(w.pbx.contacts, "192.0.2.7"));
	return 0;
}
TEST(test_line_nat_off_keeps_its_own_address);

/* 200 OK, and nothing is bound: "OK" explains no failure. */
static int test_line_binding_taken_away_at_once(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200, .headers = "Expires: 0\r\n" });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(w.history, "registering failed");
	CHECK_INT(line_world_facts(&w).last_code, 200);
	CHECK_STR(line_world_facts(&w).last_reason,
		  "the registrar took the binding away at once (expires 0)");
	return 0;
}
TEST(test_line_binding_taken_away_at_once);

/* ------------------------------------------------------------- unregistering */

static int test_line_unregisters_its_own_contact(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { 200, NULL, NULL, CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	gw_line_stop(w.line);
	CHECK_OK(gw_tmr_test_advance(100));

	CHECK_STR(w.history,
		  "registering registered unregistering unregistered");
	CHECK(strstr(w.pbx.contacts, ";expires=0"));
	CHECK(!strchr(w.pbx.contacts, '*'));
	CHECK(!strchr(w.pbx.contacts, ','));
	return 0;
}
TEST(test_line_unregisters_its_own_contact);

static int test_line_unregistering_ends_by_itself(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200 }, { .code = 0 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	gw_line_stop(w.line);
	CHECK_OK(gw_tmr_test_advance(3900));
	CHECK_STR(w.history, "registering registered unregistering");
	CHECK_OK(gw_tmr_test_advance(200));
	CHECK_STR(w.history,
		  "registering registered unregistering unregistered");
	return 0;
}
TEST(test_line_unregistering_ends_by_itself);

/* The answer to the first REGISTER is still under way: it may have bound us. */
static int test_line_stopped_while_it_registers(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 0 }, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	gw_line_stop(w.line);
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_INT(w.pbx.registers, 2);
	CHECK(strstr(w.pbx.contacts, ";expires=0"));
	CHECK_STR(w.history, "registering unregistering unregistered");
	return 0;
}
TEST(test_line_stopped_while_it_registers);

static int test_line_never_bound_leaves_silently(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 403 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	gw_line_stop(w.line);
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_INT(w.pbx.registers, 1);
	CHECK_STR(w.history, "registering failed unregistering unregistered");
	return 0;
}
TEST(test_line_never_bound_leaves_silently);

/* -------------------------------------------------------- what the network says */

static int test_line_nobody_answers(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	char want[64];

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 0 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(33 * 1000));
	CHECK_STR(w.history, "registering failed");
	CHECK_INT(line_world_facts(&w).last_code, 0);
	(void)re_snprintf(want, sizeof(want), "no answer from %J (udp)",
			  &w.pbx.addr);
	CHECK_STR(line_world_facts(&w).last_reason, want);
	return 0;
}
TEST(test_line_nobody_answers);

static int test_line_name_without_address(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.domain = "pbx.invalid";

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(60 * 1000));
	CHECK_STR(line_world_facts(&w).last_reason,
		  "no address for pbx.invalid");
	return 0;
}
TEST(test_line_name_without_address);

static int test_line_over_tcp(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "127.0.0.1", GW_TRANSPORT_TCP));
	cfg = line_world_cfg(&w);
	cfg.transport = GW_TRANSPORT_TCP;
	registrar_will(&w.pbx, { 200, NULL, NULL, CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(w.history, "registering registered");
	CHECK_INT(w.pbx.tp, SIP_TRANSP_TCP);
	CHECK(strstr(w.pbx.contacts, ";transport=tcp>;expires=600"));

	/* keep-alives are no requests, and nothing is torn down for them */
	CHECK_OK(gw_tmr_test_advance(300 * 1000));
	CHECK_INT(w.pbx.registers, 2);
	return 0;
}
TEST(test_line_over_tcp);

static int test_line_connection_refused(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	char want[64];

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(
		&w)); /* UDP only: nobody listens on that TCP port */
	cfg = line_world_cfg(&w);
	cfg.transport = GW_TRANSPORT_TCP;

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w.history, "registering failed");
	(void)re_snprintf(want, sizeof(want), "connection refused by %J (tcp)",
			  &w.pbx.addr);
	CHECK_STR(line_world_facts(&w).last_reason, want);
	return 0;
}
TEST(test_line_connection_refused);

/* The PBX restarts: its stack goes, connections and all. */
static int test_line_connection_lost_and_nobody_there(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "127.0.0.1", GW_TRANSPORT_TCP));
	cfg = line_world_cfg(&w);
	cfg.transport = GW_TRANSPORT_TCP;
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(61 * 1000));
	CHECK_STR(w.history, "registering registered");

	sip_transp_flush(w.pbx.sip);
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w.history, "registering registered failed");
	CHECK(strstr(line_world_facts(&w).last_reason, "connection refused"));
	return 0;
}
TEST(test_line_connection_lost_and_nobody_there);

/* G17, G20: what was granted holds: no failure, no 503 for calls, one REGISTER more. */
static int test_line_connection_closed_soon(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "127.0.0.1", GW_TRANSPORT_TCP));
	cfg = line_world_cfg(&w);
	cfg.transport = GW_TRANSPORT_TCP;
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_STR(w.history, "registering registered");
	CHECK_OK(registrar_hang_up(&w.pbx));
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_INT(w.pbx.registers, 2);
	CHECK_STR(w.history, "registering registered");
	CHECK_INT(line_world_facts(&w).last_code, 200);

	/* and the refresh comes as ever */
	CHECK_OK(gw_tmr_test_advance(600 * 1000));
	CHECK_INT(w.pbx.registers, 3);
	return 0;
}
TEST(test_line_connection_closed_soon);

/* G17: a server that hangs up each time is asked again later and later, and the line
 * stays registered: it was granted each time. */
static int test_line_connection_closed_again_and_again(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "127.0.0.1", GW_TRANSPORT_TCP));
	cfg = line_world_cfg(&w);
	cfg.transport = GW_TRANSPORT_TCP;
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	for (int s = 0; s < 60; s++) {
		CHECK_OK(gw_tmr_test_advance(1000));
		CHECK_OK(registrar_hang_up(&w.pbx));
	}
	CHECK_STR(w.history, "registering registered");
	CHECK_INT(w.pbx.registers, 5); /* 0 s, 1, 7, 18, 39 */

	/* it mends its ways: patience is back */
	CHECK_OK(gw_tmr_test_advance(150 * 1000));
	CHECK_INT(w.pbx.registers, 6);
	CHECK_OK(registrar_hang_up(&w.pbx));
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_INT(w.pbx.registers, 7);
	return 0;
}
TEST(test_line_connection_closed_again_and_again);

/* The registrar's own port is the one that somebody else has. */
static int open_at_taken_port(struct line_world *w, enum gw_transport transport,
			      bool ports_may_move)
{
	const struct gw_stack_listen at = { transport, "auto",
					    sa_port(&w->pbx.addr) };
	const struct gw_stack_cfg cfg = { .listen = &at,
					  .listen_count = 1,
					  .ports_may_move = ports_may_move,
					  .user_agent = "Bellpull/test" };

	w->stack = mem_deref(w->stack);
	return gw_stack_alloc(&w->stack, &cfg);
}

/* Firewalls and trunks know the port that was chosen: no other one will do. It
 * is asked for again, and had as soon as it is free. */
static int at_chosen_port(enum gw_transport transport, const char *name)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	char want[128];

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "127.0.0.1", transport));
	CHECK_OK(open_at_taken_port(&w, transport, false));
	cfg = line_world_cfg(&w);
	cfg.transport = transport;
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(w.history, "registering failed");
	(void)re_snprintf(want, sizeof(want),
			  "local port %u (%s) is taken by another program: "
			  "free it, or change sip.listen",
			  sa_port(&w.pbx.addr), name);
	CHECK_STR(line_world_facts(&w).last_reason, want);
	CHECK(line_world_facts(&w).next_try_ms > 0);
	CHECK_INT(w.pbx.registers, 0);
	return 0;
}

static int test_line_chosen_port_is_taken(void)
{
	return at_chosen_port(GW_TRANSPORT_UDP, "udp");
}
TEST(test_line_chosen_port_is_taken);

static int test_line_chosen_port_is_taken_tcp(void)
{
	return at_chosen_port(GW_TRANSPORT_TCP, "tcp");
}
TEST(test_line_chosen_port_is_taken_tcp);

/* Nobody chose it: beside a PBX on the same machine any other one will do. */
static int test_line_default_port_is_taken(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	CHECK_OK(open_at_taken_port(&w, GW_TRANSPORT_UDP, true));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(w.history, "registering registered");
	return 0;
}
TEST(test_line_default_port_is_taken);

/* Those who connect while the loop is busy are not turned away. The system
 * connects them by itself, as far as the queue goes. */
static int test_line_many_may_wait_to_connect(void)
{
	static struct line_world w;
	int fds[64], connected = 0;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "127.0.0.1", GW_TRANSPORT_TCP));

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], &w.pbx.addr.u.sa, w.pbx.addr.len);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		struct pollfd pfd = { .fd = fds[i], .events = POLLOUT };

		connected += poll(&pfd, 1, 0) == 1 && pfd.revents == POLLOUT;
		(void)close(fds[i]);
	}

	CHECK_INT(connected, 64);
	return 0;
}
TEST(test_line_many_may_wait_to_connect);

static int test_line_over_ipv6(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open_at(&w, "::1", GW_TRANSPORT_UDP));
	cfg = line_world_cfg(&w);
	cfg.domain = "[::1]";
	registrar_will(&w.pbx, { 200, NULL, NULL, CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(w.history, "registering registered");
	CHECK(strstr(w.pbx.contacts, "@[::1]:"));
	return 0;
}
TEST(test_line_over_ipv6);

static int test_line_at_localhost(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.domain = "localhost";
	registrar_will(&w.pbx, { 200, NULL, NULL, CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(w.history, "registering registered");
	CHECK_STR(w.pbx.route, "");
	return 0;
}
TEST(test_line_at_localhost);

/* ------------------------------------------------------------------- checks */

static void verdict_came(const struct gw_line_verdict *verdict, void *arg)
{
	struct line_world *w = arg;

	w->verdict = *verdict;
	w->has_verdict = true;
}

static int test_line_check_praises(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_line_check(w.line, verdict_came, &w));
	CHECK(!w.has_verdict);
	CHECK_OK(gw_tmr_test_advance(100));

	CHECK(w.has_verdict);
	CHECK(w.verdict.ok);
	CHECK_INT(w.verdict.register_code, 200);
	CHECK_INT(w.verdict.options_code, 200);
	CHECK_STR(w.verdict.text,
		  "registered at 127.0.0.1 (scripted), 600 s granted, 0 ms");
	return 0;
}
TEST(test_line_check_praises);

static void verdict_stops(const struct gw_line_verdict *verdict, void *arg)
{
	struct line_world *w = arg;

	verdict_came(verdict, w);
	gw_line_stop(w->line);
}

/* The one who is told may stop the line on the spot; another verdict that is
 * under way is told then, too. */
static int test_line_check_may_stop_the_line(void)
{
	static struct line_world w;
	struct line_world other = { .has_verdict = false };
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_OK(gw_line_check(w.line, verdict_stops, &w));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK(w.has_verdict && w.verdict.ok);
	CHECK_STR(w.history,
		  "registering registered unregistering unregistered");

	CHECK_OK(gw_line_check(w.line, verdict_came, &other));
	gw_line_stop(w.line);
	CHECK(other.has_verdict && !other.verdict.ok);
	CHECK_STR(other.verdict.text, "the line is stopped");
	return 0;
}
TEST(test_line_check_may_stop_the_line);

static int test_line_check_blames_the_password(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 401, .headers = CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_OK(gw_line_check(w.line, verdict_came, &w));
	CHECK_OK(gw_tmr_test_advance(100));

	CHECK(w.has_verdict && !w.verdict.ok);
	CHECK_STR(w.verdict.text,
		  "the password for auth user a858 was refused twice (401 "
		  "Whatever): check password and auth_user");
	return 0;
}
TEST(test_line_check_blames_the_password);

static int test_line_check_binds_nothing_without_register(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.do_register = false;
	registrar_will(&w.pbx, { 200, NULL, NULL, CHALLENGE("n1") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_INT(w.pbx.registers, 0);
	CHECK_OK(gw_line_check(w.line, verdict_came, &w));
	CHECK_OK(gw_tmr_test_advance(100));

	CHECK(w.verdict.ok);
	CHECK_INT(w.pbx.authorised, 1);
	CHECK_STR(w.pbx.contacts, "");
	CHECK_STR(w.history, "");
	return 0;
}
TEST(test_line_check_binds_nothing_without_register);

static int test_line_check_of_a_dead_server(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.port = 9; /* discard */

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_line_check(w.line, verdict_came, &w));
	CHECK_OK(gw_tmr_test_advance(8100));
	CHECK(w.has_verdict && !w.verdict.ok);
	CHECK_INT(w.verdict.options_code, 0);
	CHECK_STR(w.verdict.text,
		  "no answer from 127.0.0.1:9 (udp): check domain, port and "
		  "transport, and that no firewall is in the way");
	return 0;
}
TEST(test_line_check_of_a_dead_server);

/* ----------------------------------------------------------- for who calls */

static int test_line_has_places_for_calls(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	cfg.max_calls = 2;
	cfg.do_register = false;
	CHECK_OK(line_world_start(&w, &cfg));

	CHECK_OK(gw_line_enter(w.line));
	CHECK_OK(gw_line_enter(w.line));
	CHECK_ERR(gw_line_enter(w.line), EBUSY);
	CHECK_INT(line_world_facts(&w).calls, 2);
	gw_line_leave(w.line);
	CHECK_OK(gw_line_enter(w.line));
	return 0;
}
TEST(test_line_has_places_for_calls);

struct watcher {
	struct gw_line_watch *watch, *other;
	uint32_t count;
};

static void watched(struct gw_line *line, void *arg)
{
	struct watcher *watcher = arg;
	(void)line;

	++watcher->count;
	watcher->watch = mem_deref(watcher->watch);
	watcher->other = mem_deref(watcher->other);
}

/* The first who is told leaves and takes the second with it. */
static int test_line_watchers_may_leave(void)
{
	static struct line_world w;
	struct watcher first = { .count = 0 }, second = { .count = 0 },
		       third = { .count = 0 };
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx, { .code = 200 });
	CHECK_OK(gw_line_alloc(&w.line, w.stack, &cfg, line_world_told, &w));
	CHECK_OK(gw_line_watch(&first.watch, w.line, watched, &first));
	if (gw_line_watch(&first.other, w.line, watched, &second) ||
	    gw_line_watch(&third.watch, w.line, watched, &third)) {
		mem_deref(first.watch);
		mem_deref(first.other);
		return 1;
	}

	(void)gw_line_start(w.line);
	(void)gw_tmr_test_advance(100);
	mem_deref(first.watch);
	mem_deref(first.other);
	mem_deref(third.watch);

	CHECK_INT(first.count, 1);
	CHECK_INT(second.count, 0);
	CHECK_INT(third.count, 1);
	return 0;
}
TEST(test_line_watchers_may_leave);
