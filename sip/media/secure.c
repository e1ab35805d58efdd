/* SRTP and SRTCP (RFC 3711), on libre's AES and HMAC.
 *
 * libre has an SRTP of its own, which counts a roll-over, and gives a new source
 * one of its eight places, before the packet has proved to be genuine: one forged
 * packet silences a call. Here nothing changes before the tag is right. (It also
 * shortens the tag of SRTCP with the short suite, against RFC 4568 6.2.2.) */
#include "sip/media/secure.h"

#include <string.h>

#include <re.h>

enum {
	KEY = 16,
	SALT = 14,
	AUTH_KEY = 20,
	TAG = 10, /* of RTCP in both suites */
	TAG_SHORT = 4,
	ROC = 4,
	RTP_HEADER = 12,
	RTCP_HEADER = 8, /* what stays readable */
	RTCP_INDEX = 4,
	WINDOW = 64,
	STREAMS = 4, /* sources that are remembered, the last ones heard */
};

static const uint32_t e_bit = 1u << 31;

struct keys {
	struct aes *aes;
	struct hmac *hmac;
	uint8_t salt[SALT];
};

/* Numbers that were seen: the highest, and of those before it a bit each. */
struct window {
	bool any;
	uint64_t highest, bits;
};

struct stream {
	uint32_t ssrc;
	struct window rtp, rtcp;
	uint32_t used; /* when, in packets */
};

struct way {
	bool ready;
	uint8_t master[GW_SRTP_KEY_SIZE];
	size_t tag; /* of RTP */
	struct keys rtp, rtcp;
	struct stream streams[STREAMS];
	uint32_t packets;
	uint32_t rtcp_index; /* of the last one sent */
};

struct gw_secure {
	struct way out, in;
};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
	       (uint32_t)p[2] << 8 | p[3];
}

static void put32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

/* ---- keys: RFC 3711 4.3 ---- */

static int derive(uint8_t *out, size_t len, uint8_t label,
		  const uint8_t master[GW_SRTP_KEY_SIZE])
{
	static const uint8_t zeros[AUTH_KEY];
	uint8_t iv[16] = { 0 };
	struct aes *aes = NULL;
	int err;

	memcpy(iv, master + KEY, SALT);
	iv[7] ^= label;
	err = aes_alloc(&aes, AES_MODE_CTR, master, 8 * KEY, iv);
	if (!err)
		err = aes_encr(aes, out, zeros, len);

	mem_deref(aes);
	return err;
}

static void close_keys(struct keys *keys)
{
	mem_deref(keys->aes);
	mem_deref(keys->hmac);
	explicit_bzero(keys, sizeof(*keys));
}

static int make_keys(struct keys *keys, uint8_t label,
		     const uint8_t master[GW_SRTP_KEY_SIZE])
{
	uint8_t key[KEY], auth[AUTH_KEY];
	int err;

	err = derive(key, sizeof(key), label, master);
	if (!err)
		err = derive(auth, sizeof(auth), (uint8_t)(label + 1), master);
	if (!err)
		err = derive(keys->salt, SALT, (uint8_t)(label + 2), master);
	if (!err)
		err = aes_alloc(&keys->aes, AES_MODE_CTR, key, 8 * KEY, NULL);
	if (!err)
		err = hmac_create(&keys->hmac, HMAC_HASH_SHA1, auth,
				  sizeof(auth));

	explicit_bzero(key, sizeof(key));
	explicit_bzero(auth, sizeof(auth));
	return err;
}

static void close_way(struct way *way)
{
	close_keys(&way->rtp);
	close_keys(&way->rtcp);
	explicit_bzero(way, sizeof(*way));
}

static int make_way(struct way *way, enum gw_srtp_suite suite,
		    const uint8_t master[GW_SRTP_KEY_SIZE])
{
	int err;

	memset(way, 0, sizeof(*way));
	memcpy(way->master, master, GW_SRTP_KEY_SIZE);
	way->tag = suite == GW_SRTP_AES_CM_128_HMAC_SHA1_32 ? TAG_SHORT : TAG;
	err = make_keys(&way->rtp, 0, master);
	if (!err)
		err = make_keys(&way->rtcp, 3, master);

	way->ready = !err;
	if (err)
		close_way(way);
	return err;
}

static bool is_same(const struct way *a, const struct way *b)
{
	return a->ready && a->tag == b->tag &&
	       !memcmp(a->master, b->master, GW_SRTP_KEY_SIZE);
}

/* fresh takes way's place, unless it is the same. */
static void replace(struct way *way, struct way *fresh)
{
	if (is_same(way, fresh)) {
		close_way(fresh);
		return;
	}

	close_way(way);
	*way = *fresh;
	explicit_bzero(fresh, sizeof(*fresh));
}

int gw_secure_rekey(struct gw_secure *s, const struct gw_media_srtp *keys)
{
	struct way out, in;
	int err;

	err = make_way(&out, keys->suite, keys->tx);
	if (err)
		return err;
	err = make_way(&in, keys->suite, keys->rx);
	if (err) {
		close_way(&out);
		return err;
	}

	replace(&s->out, &out);
	replace(&s->in, &in);
	return 0;
}

static void destructor(void *arg)
{
	struct gw_secure *s = arg;

	close_way(&s->out);
	close_way(&s->in);
}

int gw_secure_alloc(struct gw_secure **sp, const struct gw_media_srtp *keys)
{
	struct gw_secure *s = mem_zalloc(sizeof(*s), destructor);
	int err;

	if (!s)
		return ENOMEM;

	err = gw_secure_rekey(s, keys);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

/* ---- numbers ---- */

static bool is_new(const struct window *w, uint64_t index)
{
	if (!w->any || index > w->highest)
		return true;
	if (w->highest - index >= WINDOW)
		return false;

	return !(w->bits >> (w->highest - index) & 1);
}

static void mark(struct window *w, uint64_t index)
{
	if (!w->any || index > w->highest) {
		const uint64_t ahead = w->any ? index - w->highest : WINDOW;

		w->bits = ahead < WINDOW ? w->bits << ahead : 0;
		w->highest = index;
		w->any = true;
	}
	w->bits |= 1ull << (w->highest - index);
}

/* 3.3.1: the nearest number to the highest that ends in seq. */
static uint64_t index_of(const struct window *w, uint16_t seq)
{
	const int diff = (int16_t)(seq - (uint16_t)w->highest);

	if (!w->any || (diff < 0 && w->highest < (uint64_t)-diff))
		return seq;

	return w->highest + (uint64_t)(int64_t)diff;
}

/* NULL: a new source. */
static struct stream *find(struct way *way, uint32_t ssrc)
{
	for (unsigned i = 0; i < STREAMS; i++) {
		if (way->streams[i].used && way->streams[i].ssrc == ssrc)
			return &way->streams[i];
	}

	return NULL;
}

/* A packet of ssrc was genuine: its place, or that of whom was heard last. */
static struct stream *place(struct way *way, uint32_t ssrc)
{
	struct stream *st = find(way, ssrc);

	if (!st) {
		st = &way->streams[0];
		for (unsigned i = 1; i < STREAMS; i++) {
			if (way->streams[i].used < st->used)
				st = &way->streams[i];
		}
		memset(st, 0, sizeof(*st));
		st->ssrc = ssrc;
	}
	if (!++way->packets)
		way->packets = 1;
	st->used = way->packets;
	return st;
}

/* ---- bytes ---- */

/* 4.1.1: the key stream of one packet, there and back. */
static bool cipher(struct keys *keys, uint32_t ssrc, uint64_t index, uint8_t *p,
		   size_t len)
{
	uint8_t iv[16] = { 0 }, word[4];

	memcpy(iv, keys->salt, SALT);
	put32(word, ssrc);
	for (unsigned i = 0; i < 4; i++)
		iv[4 + i] ^= word[i];
	for (unsigned i = 0; i < 6; i++)
		iv[13 - i] ^= (uint8_t)(index >> (8 * i));
	aes_set_iv(keys->aes, iv);

	return !len || !aes_encr(keys->aes, p, p, len);
}

/* The tag over what is there and the roll-over counter, which is written behind
 * it for the moment. */
static bool make_tag(struct keys *keys, uint8_t tag[AUTH_KEY], uint8_t *packet,
		     size_t len)
{
	return !hmac_digest(keys->hmac, tag, AUTH_KEY, packet, len);
}

static bool is_tag(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

/* What stays readable in front of the payload; 0: no packet. */
static size_t header_of(const uint8_t *packet, size_t len)
{
	size_t n;

	if (len < RTP_HEADER || packet[0] >> 6 != 2)
		return 0;

	n = RTP_HEADER + 4u * (packet[0] & 0x0f);
	if (packet[0] & 0x10) {
		if (n + 4 > len)
			return 0;
		n += 4 + 4u * (unsigned)(packet[n + 2] << 8 | packet[n + 3]);
	}

	return n <= len ? n : 0;
}

bool gw_secure_rtp_out(struct gw_secure *s, uint8_t *packet, size_t *lenp)
{
	struct way *way = &s->out;
	const size_t header = header_of(packet, *lenp);
	uint8_t tag[AUTH_KEY];
	struct stream *st;
	uint64_t index;
	uint32_t ssrc;

	if (!header)
		return false;

	ssrc = get32(packet + 8);
	st = place(way, ssrc);
	index = index_of(&st->rtp, (uint16_t)(packet[2] << 8 | packet[3]));
	if (!is_new(&st->rtp, index) ||
	    !cipher(&way->rtp, ssrc, index, packet + header, *lenp - header))
		return false;

	mark(&st->rtp, index);
	put32(packet + *lenp, (uint32_t)(index >> 16));
	if (!make_tag(&way->rtp, tag, packet, *lenp + ROC))
		return false;

	memcpy(packet + *lenp, tag, way->tag);
	*lenp += way->tag;
	return true;
}

bool gw_secure_rtp_in(struct gw_secure *s, uint8_t *packet, size_t *lenp)
{
	static const struct window none;
	struct way *way = &s->in;
	uint8_t tag[AUTH_KEY], theirs[TAG];
	const struct stream *known;
	const struct window *w;
	size_t len, header;
	uint64_t index;
	uint32_t ssrc;

	if (*lenp < RTP_HEADER + way->tag)
		return false;
	len = *lenp - way->tag;
	header = header_of(packet, len);
	if (!header)
		return false;

	ssrc = get32(packet + 8);
	known = find(way, ssrc);
	w = known ? &known->rtp : &none;
	index = index_of(w, (uint16_t)(packet[2] << 8 | packet[3]));
	if (!is_new(w, index))
		return false;

	memcpy(theirs, packet + len, way->tag);
	put32(packet + len, (uint32_t)(index >> 16));
	if (!make_tag(&way->rtp, tag, packet, len + ROC) ||
	    !is_tag(tag, theirs, way->tag) ||
	    !cipher(&way->rtp, ssrc, index, packet + header, len - header))
		return false;

	mark(&place(way, ssrc)->rtp, index);
	*lenp = len;
	return true;
}

bool gw_secure_rtcp_out(struct gw_secure *s, uint8_t *packet, size_t *lenp)
{
	struct way *way = &s->out;
	uint8_t tag[AUTH_KEY];
	uint32_t ssrc;

	if (*lenp < RTCP_HEADER)
		return false;

	ssrc = get32(packet + 4);
	way->rtcp_index = (way->rtcp_index + 1) & ~e_bit;
	if (!cipher(&way->rtcp, ssrc, way->rtcp_index, packet + RTCP_HEADER,
		    *lenp - RTCP_HEADER))
		return false;

	put32(packet + *lenp, e_bit | way->rtcp_index);
	if (!make_tag(&way->rtcp, tag, packet, *lenp + RTCP_INDEX))
		return false;

	memcpy(packet + *lenp + RTCP_INDEX, tag, TAG);
	*lenp += RTCP_INDEX + TAG;
	return true;
}

bool gw_secure_rtcp_in(struct gw_secure *s, uint8_t *packet, size_t *lenp)
{
	struct way *way = &s->in;
	const struct stream *known;
	uint8_t tag[AUTH_KEY];
	uint32_t ssrc, word;
	size_t len;

	if (*lenp < RTCP_HEADER + RTCP_INDEX + TAG)
		return false;

	len = *lenp - RTCP_INDEX - TAG;
	ssrc = get32(packet + 4);
	word = get32(packet + len);
	known = find(way, ssrc);
	if (known && !is_new(&known->rtcp, word & ~e_bit))
		return false;
	if (!make_tag(&way->rtcp, tag, packet, len + RTCP_INDEX) ||
	    !is_tag(tag, packet + len + RTCP_INDEX, TAG))
		return false;
	if (word & e_bit && !cipher(&way->rtcp, ssrc, word & ~e_bit,
				    packet + RTCP_HEADER, len - RTCP_HEADER))
		return false;

	mark(&place(way, ssrc)->rtcp, word & ~e_bit);
	*lenp = len;
	return true;
}
