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

/* Attributes of any kind, then a signature and a fingerprint that are right. */
static void try_signed(const uint8_t *p, size_t len)
{
	static const uint8_t head[] = { 0,    1,   0,   0,   0x21, 0x12, 0xa4,
					0x42, 1,   2,   3,   4,    5,    6,
					7,    8,   9,   10,  11,   12,   0,
					6,    0,   13,  'u', 'f',  'r',  'a',
					'g',  '6', '7', '8', ':',  't',  'h',
					'e',  'y', 0,   0,   0 };
	uint8_t packet[GW_ICE_CHECK_MAX];
	size_t at = sizeof(head), n = len & ~(size_t)3;

	if (n > sizeof(packet) - sizeof(head) - 32)
		n = (sizeof(packet) - sizeof(head) - 32) & ~(size_t)3;
	memcpy(packet, head, sizeof(head));
	memcpy(packet + at, p, n);
	at += n;
	packet[2] = (uint8_t)((at + 24 - 20) >> 8);
	packet[3] = (uint8_t)(at + 24 - 20);
	hmac_sha1((const uint8_t *)ours.pwd, strlen(ours.pwd), packet, at,
		  packet + at + 4, 20);
	memcpy(packet + at, "\0\x08\0\x14", 4);
	at += 24;
	packet[2] = (uint8_t)((at + 8 - 20) >> 8);
	packet[3] = (uint8_t)(at + 8 - 20);
	memcpy(packet + at, "\x80\x28\0\x04", 4);
	{
		const uint32_t crc = crc32(0, packet, (uint32_t)at) ^
				     0x5354554e;

		for (int i = 0; i < 4; i++)
			packet[at + 4 + (size_t)i] =
				(uint8_t)(crc >> (24 - 8 * i));
	}
	try_check(packet, at + 8);
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
