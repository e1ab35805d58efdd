/* Encrypted sound: keys in the SDP (RFC 4568). */
#include "tests/calls/world.h"

#define CRYPTO                                \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 " \
	"inline:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5\r\n"
#define SDP_SECURE SDP_AT("127.0.0.1", "m=audio 40000 RTP/SAVP 8\r\n" CRYPTO)

static struct gw_line *line;

static void close_line(void *arg)
{
	struct world *w = arg;

	w->call = mem_deref(w->call);
	line = mem_deref(line);
}

static int open_secure(struct world **wp)
{
	static const char *const codecs[] = { "PCMA" };
	struct gw_line_cfg cfg = {
		.name = "secure",
		.user = "858",
		.domain = "127.0.0.1",
		.codecs = codecs,
		.codec_count = ARRAY_SIZE(codecs),
		.srtp = true,
	};

	CHECK_OK(world_open(wp, GW_TRANSPORT_UDP));
	test_later(close_line, *wp);
	cfg.port = sa_port(&(*wp)->to.addr);
	CHECK_OK(gw_line_alloc(&line, (*wp)->stack, &cfg, NULL, NULL));
	return 0;
}

static bool body_has(const struct sip_msg *msg, const char *text)
{
	return msg && mbuf_get_left(msg->mb) &&
	       0 == re_regex((const char *)mbuf_buf(msg->mb),
			     mbuf_get_left(msg->mb), text);
}

/* A line that demands it offers it, and takes nothing else. */
static int test_call_srtp_offered(void)
{
	struct world *w;

	CHECK_OK(open_secure(&w));
	phone_will(&w->to, { .code = 200, .sdp = SDP_SECURE });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = line }));
	CHECK_OK(world_until(w, "call.bridged"));
	CHECK(body_has(w->to.first, "RTP/SAVP"));
	CHECK(body_has(w->to.first, "a=crypto:"));
	CHECK(!strstr(world_ladder(w), "inline:"));
	CHECK_OK(gw_call_hangup(w->call, GW_CAUSE_CANCELED_BY_API,
				GW_ENDED_BY_API));
	CHECK_OK(world_until_ended(w));
	world_next(w);

	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ .line = line }));
	CHECK_OK(world_until_ended(w));
	CHECK_OUTCOME(w, "failed", "no_common_codec", 88);
	return 0;
}
TEST(test_call_srtp_offered);

/* One that doesn't demand it answers in kind. */
static int test_call_srtp_asked_for(void)
{
	struct world *w;

	CHECK_OK(world_open(&w, GW_TRANSPORT_UDP));
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	CHECK_OK(world_call(w, &(struct gw_call_order){ 0 }));
	CHECK_OK(world_until_phone(w, "ACK"));
	CHECK(!body_has(w->to.first, "a=crypto:"));
	phone_request(&w->to, "INVITE", NULL, "application/sdp", SDP_SECURE);
	CHECK_OK(world_until_phone(w, "200:INVITE"));
	CHECK(body_has(w->to.response, "RTP/SAVP"));
	CHECK(body_has(w->to.response, "a=crypto:1 AES_CM_128_HMAC_SHA1_80"));
	CHECK_INT(w->ended, 0);
	return 0;
}
TEST(test_call_srtp_asked_for);
