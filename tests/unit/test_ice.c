/* Checks as browsers send them, made by libre's STUN, and what a lite agent answers,
 * read by it: each of the two would notice a mistake of the other. */
#include <errno.h>
#include <string.h>

#include <re.h>

#include "sip/media/ice.h"
#include "tests/test.h"

static const struct gw_media_ice ours = {
	.ufrag = "abcdEFGH",
	.pwd = "0123456789abcdef0123456789abcde"
};

/* What a browser says; what isn't said is as it has to be. */
struct saying {
	const char *username, *password;
	bool nominates, is_controlled, no_fingerprint;
	bool is_unsigned;
	uint16_t method;
};

static int say(struct mbuf *mb, const struct saying *s)
{
	static const uint8_t tid[STUN_TID_SIZE] = "abcdefghijk";
	const char *password = s->password ? s->password : ours.pwd;
	const uint32_t priority = 1853824767;
	const uint64_t tie = 42;

	return stun_msg_encode(
		mb, s->method ? s->method : STUN_METHOD_BINDING,
		STUN_CLASS_REQUEST, tid, NULL,
		s->is_unsigned ? NULL : (const uint8_t *)password,
		s->is_unsigned ? 0 : strlen(password), !s->no_fingerprint, 0, 5,
		STUN_ATTR_USERNAME, s->username ? s->username : "abcdEFGH:they",
		STUN_ATTR_PRIORITY, &priority, STUN_ATTR_CONTROLLING,
		s->is_controlled ? NULL : &tie, STUN_ATTR_CONTROLLED,
		s->is_controlled ? &tie : NULL, STUN_ATTR_USE_CAND,
		s->nominates ? &tie : NULL);
}

static bool is_read(struct gw_ice_check *check, const struct mbuf *mb)
{
	return gw_ice_read(check, mb->buf, mb->end, &ours);
}

/* What libre makes of our answer to it; *msgp is the caller's. */
static int reply_to(struct stun_msg **msgp, struct mbuf *mb,
		    const struct gw_ice_check *check, const char *from)
{
	uint8_t reply[GW_ICE_REPLY_MAX];
	struct stun_unknown_attr unknown;
	struct sa src;

	CHECK_OK(sa_set_str(&src, from, 54321));
	mbuf_reset(mb);
	CHECK_OK(mbuf_write_mem(mb, reply,
				gw_ice_reply(reply, check, &src, &ours)));
	mb->pos = 0;
	CHECK_OK(stun_msg_decode(msgp, mb, &unknown));
	CHECK_OK(stun_msg_chk_fingerprint(*msgp));
	CHECK_OK(stun_msg_chk_mi(*msgp, (const uint8_t *)ours.pwd,
				 strlen(ours.pwd)));
	CHECK(!memcmp(stun_msg_tid(*msgp), "abcdefghijk", STUN_TID_SIZE));
	return 0;
}

static int test_ice_check_is_answered_with_where_it_came_from(void)
{
	static const char *const sources[] = { "192.0.2.7", "2001:db8::7" };

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(256);
		OWNED struct stun_msg *msg = NULL;
		const struct stun_attr *attr;
		struct gw_ice_check check;
		struct sa src;

		CHECK(mb);
		CHECK_OK(say(mb, &(struct saying){ .nominates = i }));
		CHECK(is_read(&check, mb));
		CHECK_INT(check.nominates, i);
		CHECK_INT(check.refusal, 0);
		CHECK_OK(reply_to(&msg, mb, &check, sources[i]));
		CHECK_INT(stun_msg_class(msg), STUN_CLASS_SUCCESS_RESP);
		attr = stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR);
		CHECK(attr);
		CHECK_OK(sa_set_str(&src, sources[i], 54321));
		CHECK(sa_cmp(&attr->v.xor_mapped_addr, &src, SA_ALL));
	}

	return 0;
}
TEST(test_ice_check_is_answered_with_where_it_came_from);

/* Whoever doesn't know the password gets no word, not even a refusal. */
static int test_ice_stranger_gets_no_answer(void)
{
	static const struct saying sayings[] = {
		{ .password = "0123456789abcdef0123456789abcdE" },
		{ .password = "" },
		{ .is_unsigned = true },
		{ .no_fingerprint = true },
		{ .username = "abcdEFGI:they" },
		{ .username = "abcdEFG:they" },
		{ .username = "abcdEFGHI:they" },
		{ .username = "abcdEFGH" },
		{ .username = "they:abcdEFGH" },
		{ .username = "" },
		{ .method = STUN_METHOD_ALLOCATE },
	};
	struct gw_ice_check check;

	for (size_t i = 0; i < ARRAY_SIZE(sayings); i++) {
		OWNED struct mbuf *mb = mbuf_alloc(256);

		CHECK(mb);
		CHECK_OK(say(mb, &sayings[i]));
		if (is_read(&check, mb))
			test_fail(__FILE__, __LINE__, "saying %zu was taken",
				  i);
	}

	return 0;
}
TEST(test_ice_stranger_gets_no_answer);

/* Any bit that is another one is noticed, and any end that comes too early; what
 * stands behind the signature but the fingerprint is not listened to. */
static int test_ice_changed_check_is_dropped(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(256);
	struct gw_ice_check check;

	CHECK(mb);
	CHECK_OK(say(mb, &(struct saying){ .nominates = true }));
	for (size_t i = 0; i < 8 * mb->end; i++) {
		mb->buf[i / 8] ^= (uint8_t)(1u << i % 8);
		CHECK(!is_read(&check, mb));
		mb->buf[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (size_t len = 0; len < mb->end; len++)
		CHECK(!gw_ice_read(&check, mb->buf, len, &ours));
	CHECK(is_read(&check, mb));
	return 0;
}
TEST(test_ice_changed_check_is_dropped);

static int error_code(const struct stun_msg *msg)
{
	const struct stun_attr *attr = stun_msg_attr(msg, STUN_ATTR_ERR_CODE);

	return attr ? attr->v.err_code.code : 0;
}

/* RFC 8445 7.3.1.1: who wants to be controlled, as we are, is told to change. */
static int test_ice_role_conflict_is_487(void)
{
	OWNED struct mbuf *mb = mbuf_alloc(256);
	OWNED struct stun_msg *msg = NULL;
	struct gw_ice_check check;

	CHECK(mb);
	CHECK_OK(say(mb, &(struct saying){ .is_controlled = true }));
	CHECK(is_read(&check, mb));
	CHECK_INT(check.refusal, 487);
	CHECK_OK(reply_to(&msg, mb, &check, "192.0.2.7"));
	CHECK_INT(stun_msg_class(msg), STUN_CLASS_ERROR_RESP);
	CHECK_INT(error_code(msg), 487);
	CHECK(!stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR));
	return 0;
}
TEST(test_ice_role_conflict_is_487);

/* RFC 8489 6.3.1: what had to be understood is named; libre can't say such a
 * thing, so it takes an attribute that belongs to TURN. */
static int test_ice_unknown_attribute_is_420(void)
{
	static const uint8_t tid[STUN_TID_SIZE] = "abcdefghijk";
	const uint16_t channel = 7;
	OWNED struct mbuf *mb = mbuf_alloc(256);
	OWNED struct stun_msg *msg = NULL;
	const struct stun_attr *attr;
	struct gw_ice_check check;

	CHECK(mb);
	CHECK_OK(stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST,
				 tid, NULL, (const uint8_t *)ours.pwd,
				 strlen(ours.pwd), true, 0, 2,
				 STUN_ATTR_USERNAME, "abcdEFGH:they",
				 STUN_ATTR_CHANNEL_NUMBER, &channel));
	CHECK(is_read(&check, mb));
	CHECK_INT(check.unknown_count, 1);
	CHECK_OK(reply_to(&msg, mb, &check, "192.0.2.7"));
	CHECK_INT(error_code(msg), 420);
	attr = stun_msg_attr(msg, STUN_ATTR_UNKNOWN_ATTR);
	CHECK(attr);
	CHECK_INT(attr->v.unknown_attr.typec, 1);
	CHECK_INT(attr->v.unknown_attr.typev[0], STUN_ATTR_CHANNEL_NUMBER);
	return 0;
}
TEST(test_ice_unknown_attribute_is_420);
