/* The STUN of a lite agent (RFC 8445 7.3, RFC 8489): binding requests with
 * USERNAME, MESSAGE-INTEGRITY and FINGERPRINT, and the answers to them.
 *
 *   type  length  cookie  id        20 bytes
 *   type  length  value   padding   attributes, MESSAGE-INTEGRITY and FINGERPRINT last
 *
 * Whoever floods us with checks pays for the sending and we for a walk over the
 * bytes: no memory, no answer, and no hash until the user name was right. */
#include "sip/media/ice.h"

#include <string.h>

#include <re.h>

enum {
	HEADER = 20,
	ATTR = 4,
	HASH = 20,
	CRC = 4,
	COOKIE = 0x2112a442,
};

enum type {
	REQUEST = 0x0001,
	SUCCESS = 0x0101,
	REFUSAL = 0x0111,
};

enum attr {
	USERNAME = 0x0006,
	MESSAGE_INTEGRITY = 0x0008,
	ERROR_CODE = 0x0009,
	UNKNOWN_ATTRIBUTES = 0x000a,
	XOR_MAPPED_ADDRESS = 0x0020,
	PRIORITY = 0x0024,
	USE_CANDIDATE = 0x0025,
	OPTIONAL = 0x8000, /* from here on nobody has to understand them */
	FINGERPRINT = 0x8028,
	ICE_CONTROLLED = 0x8029,
};

enum refusal {
	UNKNOWN_ATTRIBUTE = 420,
	ROLE_CONFLICT = 487,
};

static const uint32_t crc_xor = 0x5354554e;

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, unsigned n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t n)
{
	put16(p, n >> 16);
	put16(p + 2, n & 0xffff);
}

/* ITU-T V.42; a check is short. */
static uint32_t crc_of(const uint8_t *p, size_t len)
{
	uint32_t crc = UINT32_MAX;

	while (len--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}

	return ~crc ^ crc_xor;
}

/* Over what stands before the hash, with a length that includes it (RFC 8489 14.5).
 * message is changed for the moment. */
static void hash_of(uint8_t hash[HASH], uint8_t *message, size_t len,
		    const struct gw_media_ice *ours)
{
	const unsigned before = get16(message + 2);

	put16(message + 2, (unsigned)(len - HEADER + ATTR + HASH));
	hmac_sha1((const uint8_t *)ours->pwd, strlen(ours->pwd), message, len,
		  hash, HASH);
	put16(message + 2, before);
}

/* Reading ------------------------------------------------------------------- */

/* What the walk over the attributes has seen; 0: not there. */
struct seen {
	size_t integrity, fingerprint;
	bool username;
};

static bool is_ours(const uint8_t *value, size_t len,
		    const struct gw_media_ice *ours)
{
	const size_t n = strlen(ours->ufrag);

	return len > n && value[n] == ':' && !memcmp(value, ours->ufrag, n);
}

static void note_unknown(struct gw_ice_check *check, unsigned type)
{
	check->refusal = UNKNOWN_ATTRIBUTE;
	if (check->unknown_count < GW_ICE_UNKNOWN_MAX)
		check->unknown[check->unknown_count++] = (uint16_t)type;
}

/* One attribute at its place. False: the message is wrong. */
static bool take_attr(struct gw_ice_check *check, struct seen *seen,
		      const uint8_t *packet, size_t at, size_t len,
		      const struct gw_media_ice *ours)
{
	const unsigned type = get16(packet + at);
	const uint8_t *value = packet + at + ATTR;

	if (seen->fingerprint)
		return false; /* it is the last one */
	if (seen->integrity && type != FINGERPRINT)
		return true; /* whoever added that is not who signed */

	switch (type) {
	case USERNAME:
		seen->username = is_ours(value, len, ours);
		return seen->username;

	case MESSAGE_INTEGRITY:
		seen->integrity = at;
		return len == HASH;

	case FINGERPRINT:
		seen->fingerprint = at;
		return len == CRC;

	case USE_CANDIDATE:
		check->nominates = true;
		return true;

	case ICE_CONTROLLED:
		/* RFC 8445 7.3.1.1: a lite agent can't be the other one */
		if (!check->refusal)
			check->refusal = ROLE_CONFLICT;
		return true;

	case PRIORITY:
		return true;

	default:
		if (type < OPTIONAL)
			note_unknown(check, type);
		return true;
	}
}

static bool walk(struct gw_ice_check *check, struct seen *seen,
		 const uint8_t *packet, size_t len,
		 const struct gw_media_ice *ours)
{
	size_t at = HEADER;

	while (at < len) {
		size_t value;

		if (len - at < ATTR)
			return false;
		value = get16(packet + at + 2);
		if (value > len - at - ATTR ||
		    !take_attr(check, seen, packet, at, value, ours))
			return false;
		at += ATTR + ((value + 3) & ~(size_t)3);
	}

	return at == len;
}

static bool is_genuine(const uint8_t *packet, const struct seen *seen,
		       const struct gw_media_ice *ours)
{
	const uint8_t *theirs = packet + seen->integrity + ATTR;
	uint8_t message[GW_ICE_CHECK_MAX], hash[HASH], differ = 0;

	if (crc_of(packet, seen->fingerprint) !=
	    get32(packet + seen->fingerprint + ATTR))
		return false;

	memcpy(message, packet, seen->integrity);
	hash_of(hash, message, seen->integrity, ours);
	for (size_t i = 0; i < HASH; i++)
		differ |= hash[i] ^ theirs[i];
	return !differ;
}

bool gw_ice_read(struct gw_ice_check *check, const uint8_t *packet, size_t len,
		 const struct gw_media_ice *ours)
{
	struct seen seen = { .username = false };

	memset(check, 0, sizeof(*check));
	if (len < HEADER || len > GW_ICE_CHECK_MAX ||
	    get16(packet) != REQUEST || get16(packet + 2) != len - HEADER ||
	    get32(packet + 4) != COOKIE)
		return false;
	if (!walk(check, &seen, packet, len, ours) || !seen.username ||
	    !seen.integrity || !seen.fingerprint ||
	    !is_genuine(packet, &seen, ours))
		return false;

	memcpy(check->id, packet + 8, sizeof(check->id));
	return true;
}

/* Answering ----------------------------------------------------------------- */

static size_t begin_attr(uint8_t *reply, size_t at, unsigned type, size_t len)
{
	put16(reply + at, type);
	put16(reply + at + 2, (unsigned)len);
	memset(reply + at + ATTR, 0, (len + 3) & ~(size_t)3);
	return at + ATTR + ((len + 3) & ~(size_t)3);
}

/* RFC 8489 14.2: the address, so that no middlebox recognizes and rewrites it. */
static size_t write_address(uint8_t *reply, size_t at, const struct sa *src)
{
	const bool ipv6 = sa_af(src) == AF_INET6;
	const size_t len = ipv6 ? 16 : 4;
	uint8_t *value = reply + at + ATTR;
	const size_t end = begin_attr(reply, at, XOR_MAPPED_ADDRESS, 4 + len);

	value[1] = ipv6 ? 2 : 1;
	put16(value + 2, sa_port(src) ^ (COOKIE >> 16));
	if (ipv6)
		memcpy(value + 4, &src->u.in6.sin6_addr, len);
	else
		put32(value + 4, sa_in(src));
	for (size_t i = 0; i < len; i++)
		value[4 + i] ^= reply[4 + i]; /* the cookie, then the id */
	return end;
}

static size_t write_refusal(uint8_t *reply, size_t at,
			    const struct gw_ice_check *check)
{
	size_t end = begin_attr(reply, at, ERROR_CODE, 4);
	uint8_t *value;

	reply[at + ATTR + 2] = (uint8_t)(check->refusal / 100);
	reply[at + ATTR + 3] = (uint8_t)(check->refusal % 100);
	if (!check->unknown_count)
		return end;

	value = reply + end + ATTR;
	end = begin_attr(reply, end, UNKNOWN_ATTRIBUTES,
			 2 * check->unknown_count);
	for (size_t i = 0; i < check->unknown_count; i++)
		put16(value + 2 * i, check->unknown[i]);
	return end;
}

size_t gw_ice_reply(uint8_t reply[GW_ICE_REPLY_MAX],
		    const struct gw_ice_check *check, const struct sa *src,
		    const struct gw_media_ice *ours)
{
	uint8_t hash[HASH];
	size_t at, end;

	put16(reply, check->refusal ? REFUSAL : SUCCESS);
	put16(reply + 2, 0);
	put32(reply + 4, COOKIE);
	memcpy(reply + 8, check->id, sizeof(check->id));
	at = check->refusal ? write_refusal(reply, HEADER, check) :
			      write_address(reply, HEADER, src);

	hash_of(hash, reply, at, ours);
	end = begin_attr(reply, at, MESSAGE_INTEGRITY, HASH);
	memcpy(reply + at + ATTR, hash, HASH);

	put16(reply + 2, (unsigned)(end - HEADER + ATTR + CRC));
	at = end;
	end = begin_attr(reply, at, FINGERPRINT, CRC);
	put32(reply + at + ATTR, crc_of(reply, at));
	return end;
}
