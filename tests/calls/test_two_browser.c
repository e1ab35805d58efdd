/* Two people, one of them a browser: an offer with the order, ICE, DTLS and SRTP by
 * libre, and a phone that is dialled as any. */
#include <string.h>

#include <re.h>

#include "sip/browser.h"
#include "tests/calls/world.h"
#include "tests/unit/web_client.h"

enum { LIMIT_MS = 5000 };

static struct {
	struct web_client client;
	struct tls *tls;
	struct gw_browser *browser;
	bool is_ready;
	int err;
} web;

static void on_ready(int err, void *arg)
{
	(void)arg;
	web.is_ready = true;
	web.err = err;
}

static bool is_ready(void *arg)
{
	(void)arg;
	return web.is_ready;
}

static bool is_connected(void *arg)
{
	(void)arg;
	return web.client.connected;
}

static bool is_closed(void *arg)
{
	(void)arg;
	return web.client.closed;
}

static bool has_heard(void *arg)
{
	(void)arg;
	return web.client.packets > 2;
}

static bool is_lost(void *arg)
{
	(void)arg;
	return gw_browser_lost(web.browser) != 0;
}

static void close_web(void *arg)
{
	(void)arg;
	web_client_close(&web.client);
	web.browser = mem_deref(web.browser);
	web.tls = mem_deref(web.tls);
}

/* The browser has its answer, and hasn't looked at it yet. */
static int open_web(struct world **wp, bool wrong_hash)
{
	static const char *const codecs[] = { "PCMA", "telephone-event" };
	OWNED struct mbuf *offer = mbuf_alloc(2048);
	struct gw_browser_cfg cfg = { .codecs = codecs,
				      .codec_count = ARRAY_SIZE(codecs),
				      .listen = "127.0.0.1" };

	memset(&web, 0, sizeof(web));
	CHECK(offer);
	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(close_web, NULL);
	CHECK_OK(web_tls(&web.tls));
	CHECK_OK(web_client_open(&web.client, web.tls));
	web.client.wrong_hash = wrong_hash;
	CHECK_OK(web_client_offer(offer, &web.client, "8 0"));
	CHECK_OK(mbuf_write_u8(offer, 0));
	cfg.media = (*wp)->media;
	cfg.sdp = (const char *)offer->buf;
	CHECK_OK(gw_browser_alloc(&web.browser, &cfg, on_ready, NULL));
	CHECK_OK(test_run_until(is_ready, NULL, LIMIT_MS));
	return web.err;
}

static int connect_web(void)
{
	return web_client_answer(&web.client, gw_browser_answer(web.browser));
}

static struct gw_call_order order_of(const struct world *w, enum gw_role role)
{
	return (struct gw_call_order){
		.from = role == GW_ROLE_FROM ? GW_BROWSER_URI : w->from.uri,
		.to = role == GW_ROLE_TO ? GW_BROWSER_URI : w->to.uri,
		.browser = web.browser,
		.browser_role = role,
	};
}

static int call_from_web(struct world *w)
{
	const struct gw_call_order order = order_of(w, GW_ROLE_FROM);

	phone_will(&w->to, { .code = 180 }, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call_two(w, &order));
	CHECK_OK(connect_web());
	return 0;
}

static int test_two_browser_calls_and_the_phone_hangs_up(void)
{
	struct world *w = NULL;
	const struct gw_call_info *info;

	CHECK_OK(open_web(&w, false));
	CHECK_OK(call_from_web(w));
	CHECK_OK(world_until(w, "call.bridged"));
	info = world_info(w);
	CHECK_STR(info->legs[0].uri, GW_BROWSER_URI);
	CHECK_STR(info->legs[0].codec, "PCMA/8000");
	CHECK_STR(info->legs[1].codec, "PCMA/8000");
	CHECK_OK(test_run_until(has_heard, NULL, LIMIT_MS));

	phone_request(&w->to, "BYE", "", NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_STR(w->history,
		  "call.initiated leg.initiated(from) leg.answered(from) "
		  "call.ringing leg.initiated(to) leg.ringing(to) "
		  "leg.answered(to) call.answered call.bridged leg.ended(to) "
		  "leg.ended(from) call.ended");
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_TO);
	CHECK_OK(test_run_until(is_closed, NULL, LIMIT_MS));
	return 0;
}
TEST(test_two_browser_calls_and_the_phone_hangs_up);

static int test_two_browser_hangs_up(void)
{
	struct world *w = NULL;

	CHECK_OK(open_web(&w, false));
	CHECK_OK(call_from_web(w));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(test_run_until(is_connected, NULL, LIMIT_MS));
	web.client.tc = mem_deref(web.client.tc);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_phone(w, "BYE"));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_INT(world_info(w)->ended_by, GW_ENDED_BY_FROM);
	return 0;
}
TEST(test_two_browser_hangs_up);

/* Who isn't who the offer says never gets a phone to ring. */
static int test_two_browser_that_is_another_one(void)
{
	struct world *w = NULL;

	CHECK_OK(open_web(&w, true));
	CHECK_OK(call_from_web(w));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "ice_failed", 88);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_two_browser_that_is_another_one);

/* It is there while the phone rings that is to talk to it, and has its turn when
 * the phone has answered. */
static int test_two_browser_is_called(void)
{
	struct world *w = NULL;
	struct gw_call_order order;

	CHECK_OK(open_web(&w, false));
	order = order_of(w, GW_ROLE_TO);
	CHECK_OK(connect_web());
	CHECK_OK(test_run_until(is_connected, NULL, LIMIT_MS));
	phone_will(&w->from, { .code = 180 });
	CHECK_OK(world_call_two(w, &order));
	CHECK_OK(world_until(w, "leg.ringing(from)"));
	phone_answer(&w->from,
		     &(struct answer){ .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_until(w, "call.bridged"));
	phone_request(&w->from, "BYE", "", NULL, NULL);
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "completed", "normal_clearing", 16);
	CHECK_OK(test_run_until(is_closed, NULL, LIMIT_MS));
	return 0;
}
TEST(test_two_browser_is_called);

/* Nobody is left to talk to: the phone shall not ring on. */
static int test_two_browser_leaves_while_the_phone_rings(void)
{
	struct world *w = NULL;
	struct gw_call_order order;

	CHECK_OK(open_web(&w, false));
	order = order_of(w, GW_ROLE_TO);
	CHECK_OK(connect_web());
	CHECK_OK(test_run_until(is_connected, NULL, LIMIT_MS));
	phone_will(&w->from, { .code = 180 });
	CHECK_OK(world_call_two(w, &order));
	CHECK_OK(world_until(w, "leg.ringing(from)"));
	web.client.tc = mem_deref(web.client.tc);
	CHECK_OK(world_until_ended(w));
	CHECK_OK(world_until_seen(&w->from, "CANCEL"));
	CHECK_OUTCOME(w, "failed", "ice_failed", 88);
	return 0;
}
TEST(test_two_browser_leaves_while_the_phone_rings);

/* Lost before its call begins, as after a slow commit. */
static int test_two_browser_was_lost_before(void)
{
	struct world *w = NULL;
	struct gw_call_order order;

	CHECK_OK(open_web(&w, false));
	order = order_of(w, GW_ROLE_FROM);
	CHECK_OK(connect_web());
	CHECK_OK(test_run_until(is_connected, NULL, LIMIT_MS));
	web.client.tc = mem_deref(web.client.tc);
	CHECK_OK(test_run_until(is_lost, NULL, LIMIT_MS));
	CHECK_OK(world_call_two(w, &order));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "ice_failed", 88);
	CHECK_INT(w->to.invites, 0);
	return 0;
}
TEST(test_two_browser_was_lost_before);

static int test_two_browser_is_held(void)
{
	struct world *w = NULL;

	CHECK_OK(open_web(&w, false));
	CHECK_OK(call_from_web(w));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_FROM, true));
	CHECK_OK(world_until(w, "call.hold(from)"));
	CHECK_STR(gw_call_state_name(world_info(w)->state), "held");
	CHECK_OK(gw_call_hold(w->call, GW_ROLE_FROM, false));
	CHECK_OK(world_until(w, "call.unhold(from)"));
	CHECK_INT(w->to.invites, 1);
	return 0;
}
TEST(test_two_browser_is_held);
