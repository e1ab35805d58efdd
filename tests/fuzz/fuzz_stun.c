/* Hostile checks: nothing is read beyond their end, no forgery passes, and the answer
 * to what passes is whole and can be read. The first byte picks: as it came, or signed
 * by somebody who knows the password and says strange things. */
#include <string.h>

#include <re.h>

#include "sip/media/ice.h"
#include "tests/fuzz/fuzz.h"

static const struct gw_media_ice ours = { "ufrag678",
					  "pwd45678901234567890123456789012" };

static void check_reply(const struct gw_ice_check *check)
{
	uint8_t reply[GW_ICE_REPLY_MAX];
	struct stun_unknown_attr unknown;
	struct stun_msg *msg = NULL;
	struct mbuf *mb = mbuf_alloc(sizeof(reply));
	struct sa src;
	size_t len;

	ENSURE(mb && !sa_set_str(&src, "192.0.2.7", 4321));
	len = gw_ice_reply(reply, check, &src, &ours);
	ENSURE(len && len <= sizeof(reply));
	ENSURE(!mbuf_write_mem(mb, reply, len));
	mb->pos = 0;
	ENSURE(!stun_msg_decode(&msg, mb, &unknown));
	ENSURE(!stun_msg_chk_fingerprint(msg));
	ENSURE(!stun_msg_chk_mi(msg, (const uint8_t *)ours.pwd,
				strlen(ours.pwd)));
	ENSURE(stun_msg_class(msg) == (check->refusal ?
					       STUN_CLASS_ERROR_RESP :
					       STUN_CLASS_SUCCESS_RESP));
	mem_deref(msg);
	mem_deref(mb);
}

static void try_check(const uint8_t *p, size_t len)
{
	/* its own block, so that a byte too far is noticed */
	uint8_t *packet = malloc(len ? len : 1);
	struct gw_ice_check check;

	ENSURE(packet);
	memcpy(packet, p, len);
	if (gw_ice_read(&check, packet, len, &ours)) {
		ENSURE(check.unknown_count <= GW_ICE_UNKNOWN_MAX);
		check_reply(&check);
	}
	free(packet);
}

static size_t put_attr(uint8_t *packet, size_t at, unsigned type, size_t len)
{
	const size_t rest = at + 4 + len - 20;

	packet[at] = (uint8_t)(type >> 8);
	packet[at + 1] = (uint8_t)type;
	packet[at + 2] = 0;
	packet[at + 3] = (uint8_t)len;
	/* the message ends with it, as far as it is signed */
	packet[2] = (uint8_t)(rest >> 8);
	packet[3] = (uint8_t)rest;
	return at + 4;
}

/* Attributes of any kind, then a signature and a fingerprint that are right. */
static void try_signed(const uint8_t *p, size_t len)
{
	static const char user[] = "ufrag678:they";
	static const uint8_t head[] = { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	uint8_t packet[GW_ICE_CHECK_MAX] = { 0 };
	size_t at = 20, n = len & ~(size_t)3;
	uint32_t crc;

	memcpy(packet, head, sizeof(head));
	at = put_attr(packet, at, STUN_ATTR_USERNAME, sizeof(user) - 1);
	memcpy(packet + at, user, sizeof(user) - 1);
	at += 16;
	n = MIN(n, sizeof(packet) - at - 32);
	memcpy(packet + at, p, n);
	at = put_attr(packet, at + n, STUN_ATTR_MSG_INTEGRITY, 20);
	hmac_sha1((const uint8_t *)ours.pwd, strlen(ours.pwd), packet, at - 4,
		  packet + at, 20);
	at = put_attr(packet, at + 20, STUN_ATTR_FINGERPRINT, 4);
	crc = crc32(0, packet, (uint32_t)(at - 4)) ^ 0x5354554e;
	for (size_t i = 0; i < 4; i++)
		packet[at + i] = (uint8_t)(crc >> (24 - 8 * i));
	try_check(packet, at + 4);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (data[0] & 1)
		try_signed(data + 1, size - 1);
	else
		try_check(data + 1, size - 1);

	return 0;
}
