/* What the ladder shows of a session, and what never gets there. */
#include "tests/calls/talk.h"

static char tapped[4096];

static void on_tap(bool sent, const char *text, size_t len, void *arg)
{
	const size_t used = strlen(tapped);
	(void)sent;
	(void)arg;

	(void)re_snprintf(tapped + used, sizeof(tapped) - used, "%b", text,
			  len);
}

/* The ladder has our re-INVITE, and not what it took to be let in. */
static int test_session_change_is_shown(void)
{
	struct gw_stack_tap *tap = NULL;
	struct world *w;
	int err;

	if (talk_open(&w))
		return 1;

	tapped[0] = '\0';
	CHECK_OK(gw_stack_tap(&tap, w->stack, gw_session_call_id(talk.session),
			      on_tap, NULL));
	w->to.challenge_code = 407;
	w->to.challenge = CHALLENGE_407;
	w->to.challenges = 1;
	phone_will(&w->to, { .code = 200, .sdp = SDP_PCMA });
	err = gw_session_reinvite(talk.session, talk.offer);
	if (!err)
		err = talk_until("changed:200+sdp");
	mem_deref(tap);
	CHECK_OK(err);
	CHECK(!strncmp(tapped, "INVITE ", 7));
	CHECK(strstr(tapped, "Proxy-Authorization: ***\r\n"));
	CHECK(!strstr(tapped, "response="));
	return 0;
}
TEST(test_session_change_is_shown);

/* Keys of SRTP are as secret as passwords; what stands around them is not. */
#define CRYPTO "a=crypto:3 AES_256_CM_HMAC_SHA1_80 inline:TheirsTheirs\r\n"
#define MANY   CRYPTO CRYPTO CRYPTO CRYPTO CRYPTO CRYPTO CRYPTO CRYPTO
static int test_session_keys_are_not_shown(void)
{
	static const char secure[] = SDP_AT(
		"127.0.0.1",
		"m=audio 40000 RTP/SAVP 8\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:TheirsTheirs\r\n"
		"a=crypto:2 AES_CM_128_HMAC_SHA1_80 INLINE:TheirsToo\r\n" MANY
		"a=ptime:20\r\n");
	struct gw_stack_tap *tap = NULL;
	struct world *w;
	int err;

	if (talk_open(&w))
		return 1;

	tapped[0] = '\0';
	CHECK_OK(gw_stack_tap(&tap, w->stack, gw_session_call_id(talk.session),
			      on_tap, NULL));
	mbuf_rewind(talk.offer);
	err = mbuf_write_str(
		talk.offer,
		"m=audio 9 RTP/SAVP 8\r\n"
		"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:OursOurs");
	phone_will(&w->to, { .code = 200, .sdp = secure });
	if (!err)
		err = gw_session_reinvite(talk.session, talk.offer);
	if (!err)
		err = talk_until("changed:200+sdp");
	mem_deref(tap);
	CHECK_OK(err);
	CHECK(!strstr(tapped, "Theirs"));
	CHECK(!strstr(tapped, "OursOurs"));
	CHECK(strstr(tapped, "INLINE:***\r\na=crypto:3 "));
	CHECK(strstr(tapped, "inline:***\r\na=ptime:20\r\n"));
	return 0;
}
TEST(test_session_keys_are_not_shown);
