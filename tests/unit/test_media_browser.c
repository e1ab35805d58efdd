/* A port whose far side is a browser, against an ICE, a DTLS and an SRTP that are not
 * our own (libre's). */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/browser.h"
#include "tests/test.h"
#include "tests/unit/media_world.h"
#include "tests/unit/web_client.h"

enum { LIMIT_MS = 5000 };

/* A browser, and the gateway's end of it. */
static struct {
	struct web_client client;
	struct tls *tls;
	struct gw_browser *browser;
	struct gw_media_port *port;
	struct gw_media_codec codec;
	struct side side; /* what the port tells */
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

static void close_all(void *arg)
{
	(void)arg;
	web.port = mem_deref(web.port);
	web.browser = mem_deref(web.browser);
	web_client_close(&web.client);
	web.tls = mem_deref(web.tls);
}

static int open_client(void)
{
	memset(&web, 0, sizeof(web));
	test_later(close_all, NULL);
	CHECK_OK(web_tls(&web.tls));
	CHECK_OK(web_client_open(&web.client, web.tls));
	return 0;
}

/* The answer is there, and the browser hasn't been told yet. */
static int exchange(const char *payload_types)
{
	static const char *const codecs[] = { "PCMA", "telephone-event" };
	OWNED struct mbuf *offer = mbuf_alloc(2048);
	struct gw_browser_cfg cfg = { .media = media_world.media,
				      .codecs = codecs,
				      .codec_count = ARRAY_SIZE(codecs),
				      .listen = "127.0.0.1" };
	int err;

	CHECK(offer);
	CHECK_OK(web_client_offer(offer, &web.client, payload_types));
	CHECK_OK(mbuf_write_u8(offer, 0));
	cfg.sdp = (const char *)offer->buf;
	CHECK_STR(gw_browser_refuse(cfg.sdp, codecs, ARRAY_SIZE(codecs)), NULL);
	err = gw_browser_alloc(&web.browser, &cfg, on_ready, NULL);
	CHECK_OK(err);
	CHECK_OK(test_run_until(is_ready, NULL, LIMIT_MS));
	CHECK_OK(web.err);
	CHECK(gw_browser_answer(web.browser));
	gw_browser_listen(web.browser, side_fact, &web.side);
	web.port = gw_browser_take(web.browser, &web.codec);
	CHECK(web.port);
	web.side.port = web.port;
	return 0;
}

static int connect_browser(const char *payload_types)
{
	const struct sa none = { .len = 0 };

	CHECK_OK(open_client());
	CHECK_OK(exchange(payload_types));
	CHECK_OK(
		web_client_answer(&web.client, gw_browser_answer(web.browser)));
	CHECK_OK(side_wait(&web.side, GW_MEDIA_CONNECTED, 1));
	CHECK_OK(gw_media_remote(web.port, &none, &none, &web.codec,
				 GW_MEDIA_SENDRECV));
	return 0;
}

static bool is_connected(void *arg)
{
	const struct web_client *c = arg;

	return c->connected;
}

static bool is_closed(void *arg)
{
	const struct web_client *c = arg;

	return c->closed;
}

static bool has_heard(void *arg)
{
	const struct web_client *c = arg;

	return c->packets >= 3;
}

/* It says something until that comes back. */
static bool hears_echo(void *arg)
{
	struct web_client *c = arg;
	uint8_t sound[160];

	memset(sound, 0x2a, sizeof(sound));
	if (c->payload_len == sizeof(sound) && c->payload[7] == 0x2a)
		return true;
	return web_client_says(c, 8, sound, sizeof(sound), 160) != 0;
}

static int test_media_browser_connects_and_is_heard(void)
{
	CHECK_OK(media_world_start());
	CHECK_OK(connect_browser("8 0 111"));
	CHECK_STR(web.codec.name, "PCMA");
	CHECK_INT(web.codec.pt_dtmf_tx, 126);
	CHECK_OK(test_run_until(is_connected, &web.client, LIMIT_MS));
	CHECK(!web.client.impostor);

	/* silence of ours, then its own voice */
	CHECK_OK(test_run_until(has_heard, &web.client, LIMIT_MS));
	CHECK_INT(web.client.pt, 8);
	CHECK_OK(gw_media_echo(web.port, true));
	CHECK_OK(test_run_until(hears_echo, &web.client, LIMIT_MS));
	CHECK_OK(side_wait(&web.side, GW_MEDIA_FIRST_PACKET, 1));
	CHECK_INT(web.client.broken, 0);

	/* goodbye reaches it */
	web.port = mem_deref(web.port);
	web.side.port = NULL;
	CHECK_OK(test_run_until(is_closed, &web.client, LIMIT_MS));
	return 0;
}
TEST(test_media_browser_connects_and_is_heard);

static int test_media_browser_passes_digits_both_ways(void)
{
	struct web_client *c = &web.client;

	CHECK_OK(media_world_start());
	CHECK_OK(connect_browser("8"));
	CHECK_OK(test_run_until(is_connected, c, LIMIT_MS));

	/* what we send is the first packet that it hears: remote is settled */
	CHECK_OK(test_run_until(has_heard, c, LIMIT_MS));
	CHECK_OK(web_client_presses(c, 126, 5));
	CHECK_OK(side_wait(&web.side, GW_MEDIA_DTMF, 1));
	CHECK_STR(web.side.digits, "5");

	CHECK_OK(gw_media_dtmf(web.port, '#', 100));
	while (c->pt != 126) {
		c->packets = 0;
		CHECK_OK(test_run_until(has_heard, c, LIMIT_MS));
	}
	CHECK_INT(c->payload[0], 11);
	return 0;
}
TEST(test_media_browser_passes_digits_both_ways);

/* Its DTLS is up, as far as it can see, but what it signs with isn't what the offer
 * has named: not a packet passes. */
static int test_media_browser_with_another_certificate_is_lost(void)
{
	CHECK_OK(media_world_start());
	CHECK_OK(open_client());
	web.client.wrong_hash = true;
	CHECK_OK(exchange("8"));
	CHECK_OK(
		web_client_answer(&web.client, gw_browser_answer(web.browser)));
	CHECK_OK(side_wait(&web.side, GW_MEDIA_LOST, 1));
	CHECK_INT(web.side.err, EACCES);
	CHECK_INT(gw_browser_lost(web.browser), EACCES);
	CHECK_INT(web.side.facts[GW_MEDIA_CONNECTED], 0);
	CHECK_INT(web.client.packets, 0);
	return 0;
}
TEST(test_media_browser_with_another_certificate_is_lost);

static int test_media_browser_that_closes_is_lost_at_once(void)
{
	CHECK_OK(media_world_start());
	CHECK_OK(connect_browser("8"));
	CHECK_OK(test_run_until(is_connected, &web.client, LIMIT_MS));
	web.client.tc = mem_deref(web.client.tc);
	CHECK_OK(side_wait(&web.side, GW_MEDIA_LOST, 1));
	CHECK_INT(web.side.err, ECONNRESET);
	return 0;
}
TEST(test_media_browser_that_closes_is_lost_at_once);

/* Strangers who know the port but not the password: no answer, no nomination, no
 * handshake; and the browser itself isn't disturbed. */
static unsigned stranger_heard;

static void stranger_hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	(void)src;
	(void)mb;
	(void)arg;
	stranger_heard++;
}

static int test_media_browser_does_not_answer_strangers(void)
{
	static const uint8_t hello[] = { 22, 0xfe, 0xff, 0, 0, 0, 0,
					 0,  0,    0,    0, 0, 1, 1 };
	static uint8_t rtp[12] = { 0x80, 8 };
	OWNED struct udp_sock *us = NULL;
	OWNED struct mbuf *mb = mbuf_alloc(64);
	struct web_client *c = &web.client;
	struct sa local = media_loopback(0);

	stranger_heard = 0;
	CHECK(mb);
	CHECK_OK(media_world_start());
	CHECK_OK(connect_browser("8"));
	CHECK_OK(test_run_until(is_connected, c, LIMIT_MS));
	CHECK_OK(udp_listen(&us, &local, stranger_hears, NULL));
	for (int i = 0; i < 20; i++) {
		CHECK_OK(web_client_check(c, us, true, "not the password"));
		CHECK_OK(mbuf_write_mem(mb, hello, sizeof(hello)));
		mb->pos = 0;
		CHECK_OK(udp_send(us, &c->gw, mb));
		mbuf_rewind(mb);
		CHECK_OK(mbuf_write_mem(mb, rtp, sizeof(rtp)));
		mb->pos = 0;
		CHECK_OK(udp_send(us, &c->gw, mb));
		mbuf_rewind(mb);
	}

	/* whoever came later was dealt with later */
	CHECK_OK(gw_media_echo(web.port, true));
	CHECK_OK(test_run_until(hears_echo, c, LIMIT_MS));
	CHECK_INT(stranger_heard, 0);
	CHECK_INT(c->refusals, 0);
	CHECK_INT(web.side.facts[GW_MEDIA_LOST], 0);
	return 0;
}
TEST(test_media_browser_does_not_answer_strangers);

/* From the cable to the radio: it nominates another way, and is heard there only. */
static unsigned sound_elsewhere;

static void elsewhere_hears(const struct sa *src, struct mbuf *mb, void *arg)
{
	(void)src;
	(void)arg;
	if (mbuf_get_left(mb) && mbuf_buf(mb)[0] >> 6 == 2)
		sound_elsewhere++;
}

static bool is_heard_elsewhere(void *arg)
{
	(void)arg;
	return sound_elsewhere > 2;
}

static int test_media_browser_is_followed_to_another_network(void)
{
	OWNED struct udp_sock *us = NULL;
	struct web_client *c = &web.client;
	struct sa local = media_loopback(0);

	sound_elsewhere = 0;
	CHECK_OK(media_world_start());
	CHECK_OK(connect_browser("8"));
	CHECK_OK(test_run_until(has_heard, c, LIMIT_MS));
	CHECK_OK(udp_listen(&us, &local, elsewhere_hears, NULL));

	/* a check alone moves nothing */
	CHECK_OK(web_client_check(c, us, false, c->pwd));
	c->packets = 0;
	CHECK_OK(test_run_until(has_heard, c, LIMIT_MS));
	CHECK_INT(sound_elsewhere, 0);

	c->quiet = true; /* it would nominate its own way again */
	CHECK_OK(web_client_check(c, us, true, c->pwd));
	CHECK_OK(test_run_until(is_heard_elsewhere, NULL, LIMIT_MS));
	return 0;
}
TEST(test_media_browser_is_followed_to_another_network);

/* The port is closed before the answer was written: nobody is told. */
static int test_media_browser_may_be_let_go_at_once(void)
{
	static const char *const codecs[] = { "PCMU" };
	OWNED struct mbuf *offer = mbuf_alloc(2048);
	struct gw_browser_cfg cfg = { .codecs = codecs,
				      .codec_count = 1,
				      .listen = "127.0.0.1" };

	CHECK(offer);
	CHECK_OK(media_world_start());
	CHECK_OK(open_client());
	CHECK_OK(web_client_offer(offer, &web.client, "0"));
	CHECK_OK(mbuf_write_u8(offer, 0));
	cfg.media = media_world.media;
	cfg.sdp = (const char *)offer->buf;
	CHECK_OK(gw_browser_alloc(&web.browser, &cfg, on_ready, NULL));
	web.browser = mem_deref(web.browser);
	CHECK(!web.is_ready);
	return 0;
}
TEST(test_media_browser_may_be_let_go_at_once);
