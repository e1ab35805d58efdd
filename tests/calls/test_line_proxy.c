/* G18, G19: a line with several proxies: which of them is asked, when one is left
 * alone and when it is trusted again. */
#include "tests/calls/line_world.h"

struct proxies {
	struct line_world w;
	struct gw_line_cfg cfg;
	const char *uris[2];
	char text[2][64];
	struct gw_line_way_req *way;
	size_t target; /* what the last way led to */
	bool found;
};

static int two_proxies(struct line_world *w, struct gw_line_cfg *cfg,
		       const char *proxies[2], char text[2][64])
{
	CHECK_OK(line_world_open(w));
	CHECK_OK(registrar_open(&w->second, "127.0.0.1", GW_TRANSPORT_UDP));
	(void)re_snprintf(text[0], 64, "sip:%J", &w->pbx.addr);
	(void)re_snprintf(text[1], 64, "%J;lr", &w->second.addr);
	proxies[0] = text[0];
	proxies[1] = text[1];

	*cfg = line_world_cfg(w);
	cfg->domain = "pbx.example";
	cfg->port = 0;
	cfg->proxies = proxies;
	cfg->proxy_count = 2;
	return 0;
}

/* G18: four seconds of silence are enough, where there is another one. */
static int test_line_silent_proxy_is_passed_over(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	const char *proxies[2];
	char text[2][64], route[80];

	memset(&w, 0, sizeof(w));
	CHECK_OK(two_proxies(&w, &cfg, proxies, text));
	registrar_will(&w.pbx, { .code = 0 });
	registrar_will(&w.second,
		       { .code = 200, .headers = CONTACT_GRANTED("50") });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(3900));
	CHECK_INT(w.second.registers, 0);
	CHECK_OK(gw_tmr_test_advance(200));
	CHECK_STR(w.history, "registering registered");
	CHECK_STR(w.second.uri, "sip:pbx.example");
	(void)re_snprintf(route, sizeof(route), "<sip:%J;lr>", &w.second.addr);
	CHECK_STR(w.second.route, route);

	/* the dead one rests a minute; then it is the first again */
	CHECK_OK(gw_tmr_test_advance(46 * 1000));
	CHECK_INT(w.second.registers, 2);
	CHECK_INT(w.pbx.registers, 1);
	CHECK_OK(gw_tmr_test_advance(46 * 1000));
	CHECK_INT(w.pbx.registers, 2);
	CHECK_STR(w.history, "registering registered");
	return 0;
}
TEST(test_line_silent_proxy_is_passed_over);

/* G18, G19: 503: the next one, at once. */
static int test_line_overloaded_proxy_is_passed_over(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	const char *proxies[2];
	char text[2][64];

	memset(&w, 0, sizeof(w));
	CHECK_OK(two_proxies(&w, &cfg, proxies, text));
	registrar_will(&w.pbx,
		       { .code = 503, .headers = "Retry-After: 9\r\n" });
	registrar_will(&w.second, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_INT(w.second.registers, 1);
	CHECK_STR(w.history, "registering registered");
	return 0;
}
TEST(test_line_overloaded_proxy_is_passed_over);

/* G18: a refusal is an answer: nobody else is asked. */
static int test_line_final_refusal_is_not_passed_on(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;
	const char *proxies[2];
	char text[2][64];

	memset(&w, 0, sizeof(w));
	CHECK_OK(two_proxies(&w, &cfg, proxies, text));
	registrar_will(&w.pbx, { .code = 404 });
	registrar_will(&w.second, { .code = 200 });

	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(5000));
	CHECK_INT(w.second.registers, 0);
	CHECK_STR(w.history, "registering failed");
	return 0;
}
TEST(test_line_final_refusal_is_not_passed_on);

/* Pings --------------------------------------------------------------------- */

static void way_found(int err, const struct gw_line_way *way, void *arg)
{
	struct proxies *p = arg;

	p->found = true;
	p->target = err ? 99 : way->target;
}

static void forget_way(void *arg)
{
	struct proxies *p = arg;

	p->way = mem_deref(p->way);
}

/* Which proxy a call would be sent to now; 99: none. */
static size_t target_now(struct proxies *p)
{
	p->found = false;
	p->target = 99;
	if (!gw_line_way(&p->way, p->w.line, "sip:7@pbx.example", way_found, p))
		(void)gw_tmr_test_advance(1);
	return p->target;
}

/* Registered at the first of two. */
static int open_proxies(struct proxies *p)
{
	memset(p, 0, sizeof(*p));
	CHECK_OK(two_proxies(&p->w, &p->cfg, p->uris, p->text));
	test_later(forget_way, p);
	registrar_will(&p->w.pbx,
		       { .code = 200, .headers = CONTACT_GRANTED("3600") });
	registrar_will(&p->w.second,
		       { .code = 200, .headers = CONTACT_GRANTED("3600") });
	CHECK_OK(line_world_start(&p->w, &p->cfg));
	CHECK_OK(gw_tmr_test_advance(100));
	CHECK_STR(p->w.history, "registering registered");
	return 0;
}

/* G18: each of several proxies is asked every 15 s whether it lives. */
static int test_line_proxies_are_pinged(void)
{
	static struct proxies p;

	CHECK_OK(open_proxies(&p));
	CHECK_OK(gw_tmr_test_advance(14 * 1000));
	CHECK_INT(p.w.pbx.options, 0);
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_INT(p.w.pbx.options, 1);
	CHECK_INT(p.w.second.options, 1);
	CHECK_OK(gw_tmr_test_advance(60 * 1000));
	CHECK_INT(p.w.pbx.options, 5);
	CHECK_INT(p.w.second.options, 5);

	gw_line_stop(p.w.line);
	CHECK_OK(gw_tmr_test_advance(60 * 1000));
	CHECK_INT(p.w.pbx.options, 5);
	return 0;
}
TEST(test_line_proxies_are_pinged);

/* G18: where there is no choice nobody is asked. */
static int test_line_single_server_is_not_pinged(void)
{
	static struct line_world w;
	struct gw_line_cfg cfg;

	memset(&w, 0, sizeof(w));
	CHECK_OK(line_world_open(&w));
	cfg = line_world_cfg(&w);
	registrar_will(&w.pbx,
		       { .code = 200, .headers = CONTACT_GRANTED("3600") });
	CHECK_OK(line_world_start(&w, &cfg));
	CHECK_OK(gw_tmr_test_advance(120 * 1000));
	CHECK_INT(w.pbx.options, 0);
	return 0;
}
TEST(test_line_single_server_is_not_pinged);

/* G18: a dead proxy is noticed before a call has to wait for it; it is trusted
 * again when its rest is over and three pings have been answered. */
static int test_line_dead_proxy_comes_back_with_care(void)
{
	static struct proxies p;

	CHECK_OK(open_proxies(&p));
	CHECK_INT(target_now(&p), 0);
	p.w.pbx.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(18 * 1000));
	CHECK_INT(target_now(&p), 0);
	CHECK_OK(gw_tmr_test_advance(2 * 1000)); /* at 20 s */
	CHECK_INT(target_now(&p), 1);

	/* it lives again from 50 s on: pings at 60, 75 and 90 s */
	CHECK_OK(gw_tmr_test_advance(30 * 1000));
	p.w.pbx.is_deaf = false;
	CHECK_OK(gw_tmr_test_advance(35 * 1000));
	CHECK_INT(target_now(&p), 1);
	CHECK_OK(gw_tmr_test_advance(6 * 1000));
	CHECK_INT(target_now(&p), 0);
	CHECK_STR(p.w.history, "registering registered");
	return 0;
}
TEST(test_line_dead_proxy_comes_back_with_care);

/* G18: one that comes and goes rests longer each time: in half an hour the calls
 * have been moved a few times, not once a minute. */
static int test_line_flapping_proxy_is_not_followed(void)
{
	static struct proxies p;
	unsigned moves = 0;
	size_t last = 0;

	CHECK_OK(open_proxies(&p));
	for (unsigned i = 0; i < 30; i++) {
		const size_t target = target_now(&p);

		moves += target != last;
		last = target;
		p.w.pbx.is_deaf = i % 2 == 0;
		CHECK_OK(gw_tmr_test_advance(60 * 1000));
	}
	CHECK(moves >= 1);
	CHECK(moves <= 6);
	CHECK_INT(p.w.second.registers, 0);
	return 0;
}
TEST(test_line_flapping_proxy_is_not_followed);

/* G18: when both are dead the one is asked that has rested most, and pings show
 * when one is back. */
static int test_line_all_proxies_dead(void)
{
	static struct proxies p;

	CHECK_OK(open_proxies(&p));
	p.w.pbx.is_deaf = true;
	p.w.second.is_deaf = true;
	CHECK_OK(gw_tmr_test_advance(30 * 1000));
	CHECK(target_now(&p) < 2);
	p.w.second.is_deaf = false;
	CHECK_OK(gw_tmr_test_advance(120 * 1000));
	CHECK_INT(target_now(&p), 1);
	return 0;
}
TEST(test_line_all_proxies_dead);

/* G18: two calls notice the same death: the other proxy has not died of it. */
static int test_line_one_death_is_told_twice(void)
{
	static struct proxies p;

	CHECK_OK(open_proxies(&p));
	CHECK(gw_line_way_lost(p.w.line, 0, 0));
	CHECK_INT(target_now(&p), 1);
	CHECK(gw_line_way_lost(p.w.line, 0, 0));
	CHECK_INT(target_now(&p), 1);

	/* and it counts as one: a minute's rest */
	CHECK_OK(gw_tmr_test_advance(61 * 1000));
	CHECK_INT(target_now(&p), 0);
	return 0;
}
TEST(test_line_one_death_is_told_twice);

/* G19: who wants peace gets it, whatever its pings say. */
static int test_line_retry_after_excludes_a_proxy(void)
{
	static struct proxies p;

	CHECK_OK(open_proxies(&p));
	CHECK(gw_line_way_lost(p.w.line, 0, 300));
	CHECK_INT(line_world_facts(&p.w).excluded_s, 0);
	CHECK_OK(gw_tmr_test_advance(290 * 1000));
	CHECK_INT(target_now(&p), 1);
	CHECK_OK(gw_tmr_test_advance(11 * 1000));
	CHECK_INT(target_now(&p), 0);
	return 0;
}
TEST(test_line_retry_after_excludes_a_proxy);

/* G19: all want peace: for how long is a fact of the line. */
static int test_line_retry_after_of_all(void)
{
	static struct proxies p;

	CHECK_OK(open_proxies(&p));
	CHECK(gw_line_way_lost(p.w.line, 0, 300));
	CHECK(!gw_line_way_lost(p.w.line, 1, 100));
	CHECK_INT(line_world_facts(&p.w).excluded_s, 100);
	CHECK_OK(gw_tmr_test_advance(99 * 1000));
	CHECK_INT(line_world_facts(&p.w).excluded_s, 1);
	CHECK_OK(gw_tmr_test_advance(1000));
	CHECK_INT(line_world_facts(&p.w).excluded_s, 0);
	CHECK_INT(target_now(&p), 1);

	/* nobody can shut us up for ever */
	CHECK(!gw_line_way_lost(p.w.line, 1, 999999999));
	CHECK(!gw_line_way_lost(p.w.line, 0, 999999999));
	CHECK_INT(line_world_facts(&p.w).excluded_s, 3600);
	return 0;
}
TEST(test_line_retry_after_of_all);
