/* G28: bytes that no parser of SIP should be given, and messages that pass. */
#include <stdio.h>

#include "sip/stack_guard.h"
#include "tests/test.h"

#define MUST                                             \
	"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\n" \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:b@b>\r\n"     \
	"Call-ID: c1\r\nCSeq: 1 OPTIONS\r\n"
#define OPTIONS "OPTIONS sip:b@192.0.2.1 SIP/2.0\r\n" MUST

static enum gw_guard_verdict look(const char *text, size_t len, bool is_stream)
{
	struct gw_guard_facts facts;

	return gw_guard_look(&facts, text, len, is_stream);
}

static int test_guard_passes_messages(void)
{
	static const char *const texts[] = {
		OPTIONS "\r\n",
		OPTIONS "Content-Length: 0\r\n\r\n",
		OPTIONS "l: 3\r\n\r\nabc",
		OPTIONS "Subject: folded\r\n over\r\n\ttwo lines\r\n\r\n",
		OPTIONS "Content-Length: 3\r\n\r\n", /* answered 400 */
		"OPTIONS sip:b@192.0.2.1 SIP/2.0\nf: x\n\n",
		"SIP/2.0 200 OK\r\n" MUST "\r\n",
		"SIP/2.0 699 \xc3\xa4\r\n" MUST "\r\n",
		"OPTIONS sip:b SIP/2.0\r\nCSeq: 2147483647\tOPTIONS\r\n\r\n",
		"MY-OWN.method! sip:b SIP/2.0\r\n" MUST "\r\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		CHECK_INT(look(texts[i], strlen(texts[i]), false),
			  GW_GUARD_PASS);
	return 0;
}
TEST(test_guard_passes_messages);

static int test_guard_knows_the_call_id(void)
{
	static const char text[] = OPTIONS "\r\n";
	struct gw_guard_facts facts;

	CHECK_INT(gw_guard_look(&facts, text, sizeof(text) - 1, false),
		  GW_GUARD_PASS);
	CHECK(facts.is_request);
	CHECK_INT(pl_strcmp(&facts.call_id, "c1"), 0);
	return 0;
}
TEST(test_guard_knows_the_call_id);

static int test_guard_drops_what_is_no_message(void)
{
	static const char *const texts[] = {
		"",
		"\r\n\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS sip:b SIP/2.0\r\n\r\n",
		"OPTIONS sip:b SIP/3.0\r\n" MUST "\r\n",
		"OPTIONS  sip:b SIP/2.0\r\n" MUST "\r\n",
		"OPTIONS sip:b SIP/2.0 \r\n" MUST "\r\n",
		"OPTIONS sip:b x SIP/2.0\r\n" MUST "\r\n",
		" OPTIONS sip:b SIP/2.0\r\n" MUST "\r\n",
		"OPT{}NS sip:b SIP/2.0\r\n" MUST "\r\n",
		"SIP/2.0 65736 OK\r\n" MUST "\r\n",
		"SIP/2.0 2 OK\r\n" MUST "\r\n",
		"SIP/2.0 099 OK\r\n" MUST "\r\n",
		"SIP/2.0 700 OK\r\n" MUST "\r\n",
		"SIP/2.0 2x0 OK\r\n" MUST "\r\n",
		"SIP/2.0 200 O\x01K\r\n" MUST "\r\n",
		"SIP/2.0 200 OK\r\nVia: a\r\nFrom: b\r\nTo: c\r\n\r\n",
		"SIP/2.0 200 OK\r\n" MUST "Content-Length: 9\r\n\r\nabc",
		OPTIONS "Call-ID: c2\r\n\r\n",
		OPTIONS "t: <sip:x>\r\n\r\n",
		OPTIONS "Content-Length: 0\r\nl: 0\r\n\r\n",
		OPTIONS "Content-Length: -1\r\n\r\n",
		OPTIONS "Content-Length: +1\r\n\r\n",
		OPTIONS "Content-Length: 0x1\r\n\r\n",
		OPTIONS "Content-Length:\r\n\r\n",
		OPTIONS "Content-Length: 99999999999999999999\r\n\r\n",
		OPTIONS "Content-Length: 61441\r\n\r\n",
		"OPTIONS sip:b SIP/2.0\r\nCSeq: 2147483648 OPTIONS\r\n\r\n",
		"OPTIONS sip:b SIP/2.0\r\nCSeq: -1 OPTIONS\r\n\r\n",
		"OPTIONS sip:b SIP/2.0\r\nCSeq: OPTIONS\r\n\r\n",
		OPTIONS "no colon\r\n\r\n",
		OPTIONS "a name: x\r\n\r\n",
		OPTIONS ": x\r\n\r\n",
		OPTIONS "X: lone \r return\r\n\r\n",
		OPTIONS "X: bell \a\r\n\r\n",
		OPTIONS "X: \x7f\r\n\r\n",
		OPTIONS "no end of the header\r\n",
	};
	static const char nul[] = OPTIONS "X: a\0b\r\n\r\n";

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (look(texts[i], strlen(texts[i]), false) != GW_GUARD_DROP)
			CHECK_STR(texts[i], "dropped");
	}
	CHECK_INT(look(nul, sizeof(nul) - 1, false), GW_GUARD_DROP);
	CHECK_INT(look(nul, sizeof(nul) - 1, true), GW_GUARD_DROP);
	return 0;
}
TEST(test_guard_drops_what_is_no_message);

/* A message of n times piece between before and after. */
static enum gw_guard_verdict look_long(const char *before, const char *piece,
				       size_t n, const char *after)
{
	static char text[128 * 1024];
	size_t len = 0;

	len += (size_t)snprintf(text, sizeof(text), "%s", before);
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
					piece);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "%s", after);

	return look(text, len, false);
}

static int test_guard_has_bounds(void)
{
	const char *end = "\r\n\r\n", *rest = " SIP/2.0\r\n" MUST "\r\n";

	CHECK_INT(look_long("OPTIONS sip:", "a", 900, rest), GW_GUARD_PASS);
	CHECK_INT(look_long("OPTIONS sip:", "a", 1100, rest), GW_GUARD_DROP);
	CHECK_INT(look_long("", "a", 60000, ""), GW_GUARD_DROP);
	CHECK_INT(look_long(OPTIONS "X: ", "a", 4000, end), GW_GUARD_PASS);
	CHECK_INT(look_long(OPTIONS "X: ", "a", 4200, end), GW_GUARD_DROP);
	CHECK_INT(look_long(OPTIONS "X: ", "a\r\n ", 2000, end), GW_GUARD_DROP);
	CHECK_INT(look_long(OPTIONS "Via: ", "a", 1100, end), GW_GUARD_DROP);
	CHECK_INT(look_long(OPTIONS "X: ", ",", 500, end), GW_GUARD_PASS);
	CHECK_INT(look_long(OPTIONS "X: ", ",", 600, end), GW_GUARD_DROP);
	CHECK_INT(look_long(OPTIONS, "X: 1\r\n", 200, end + 2), GW_GUARD_PASS);
	CHECK_INT(look_long(OPTIONS, "X: 1\r\n", 300, end + 2), GW_GUARD_DROP);
	CHECK_INT(look_long(OPTIONS "\r\n", "body", 10000, ""), GW_GUARD_PASS);
	return 0;
}
TEST(test_guard_has_bounds);

/* Byte by byte, a stream has more to come until the message is whole; a datagram
 * that is cut off is dropped, unless a 400 can say so. */
static int test_guard_waits_in_a_stream(void)
{
	static const char text[] = OPTIONS "Content-Length: 4\r\n\r\nbody";
	const size_t len = sizeof(text) - 1, header = len - 4;

	for (size_t i = 0; i < len; i++) {
		CHECK_INT(look(text, i, true), GW_GUARD_MORE);
		CHECK_INT(look(text, i, false),
			  i < header ? GW_GUARD_DROP : GW_GUARD_PASS);
	}
	CHECK_INT(look(text, len, true), GW_GUARD_PASS);
	return 0;
}
TEST(test_guard_waits_in_a_stream);
