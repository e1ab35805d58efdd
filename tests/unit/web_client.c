/* A browser without its window. See the header. */
#include "tests/unit/web_client.h"

#include <string.h>

enum { AGAIN_MS = 50, CONSENT_MS = 1000, LAYER = 1 };

static void tell(struct web_client *c)
{
	if (c->h)
		c->h(c, c->arg);
}

int web_tls(struct tls **tlsp)
{
	struct tls *tls;
	int err = tls_alloc(&tls, TLS_METHOD_DTLSV1, NULL, NULL);

	if (err)
		return err;

	err = tls_set_selfsigned_ec(tls, "web", "prime256v1");
	err = err ? err : tls_set_srtp(tls, "SRTP_AES128_CM_SHA1_80");
	if (err)
		mem_deref(tls);
	else
		*tlsp = tls;
	return err;
}

/* What comes ---------------------------------------------------------------- */

static void on_dtls(void *arg);

static void begin_dtls(struct web_client *c)
{
	if (!c->tc &&
	    dtls_connect(&c->tc, c->tls, c->ds, &c->gw, on_dtls, NULL, NULL, c))
		c->broken++;
}

static void on_closed(int err, void *arg)
{
	struct web_client *c = arg;
	(void)err;

	c->closed = true;
	tell(c);
}

static void on_dtls(void *arg)
{
	struct web_client *c = arg;
	uint8_t hash[WEB_HASH], client[30], server[30];
	enum srtp_suite suite = SRTP_AES_CM_128_HMAC_SHA1_80;

	dtls_set_handlers(c->tc, NULL, NULL, on_closed, c);
	if (tls_peer_fingerprint(c->tc, TLS_FINGERPRINT_SHA256, hash,
				 sizeof(hash)) ||
	    memcmp(hash, c->hash, sizeof(hash)) != 0) {
		c->impostor = true;
		tell(c);
		return;
	}
	if (tls_srtp_keyinfo(c->tc, &suite, client, sizeof(client), server,
			     sizeof(server)) ||
	    srtp_alloc(&c->tx, suite, client, sizeof(client), 0) ||
	    srtp_alloc(&c->rx, suite, server, sizeof(server), 0)) {
		c->broken++;
		return;
	}

	c->connected = true;
	c->connected_at = tmr_jiffies();
	tell(c);
}

static void on_stun(struct web_client *c, struct mbuf *mb)
{
	struct stun_unknown_attr ua;
	struct stun_msg *msg = NULL;

	if (stun_msg_decode(&msg, mb, &ua))
		return;

	if (stun_msg_class(msg) == STUN_CLASS_ERROR_RESP)
		c->refusals++;
	else if (stun_msg_class(msg) != STUN_CLASS_SUCCESS_RESP ||
		 stun_msg_chk_fingerprint(msg) ||
		 stun_msg_chk_mi(msg, (uint8_t *)c->pwd, strlen(c->pwd)) ||
		 !stun_msg_attr(msg, STUN_ATTR_XOR_MAPPED_ADDR))
		c->broken++;
	else if (++c->replies == 1)
		(void)web_client_check(c, c->us, true, c->pwd);
	else
		begin_dtls(c);

	mem_deref(msg);
	tell(c);
}

static void on_rtp(struct web_client *c, struct mbuf *mb)
{
	const uint8_t type = mbuf_buf(mb)[1];
	const bool rtcp = type >= 192 && type < 224;

	if (!c->rx ||
	    (rtcp ? srtcp_decrypt(c->rx, mb) : srtp_decrypt(c->rx, mb))) {
		c->broken++;
		return;
	}
	if (rtcp) {
		c->reports++;
		tell(c);
		return;
	}

	if (!c->packets++)
		c->heard_at = tmr_jiffies();
	c->pt = type & 0x7f;
	c->payload_len = MIN(mbuf_get_left(mb) - 12, sizeof(c->payload));
	memcpy(c->payload, mbuf_buf(mb) + 12, c->payload_len);
	tell(c);
}

static void on_datagram(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct web_client *c = arg;
	(void)src;

	if (mbuf_get_left(mb) < 12)
		return;
	if (mbuf_buf(mb)[0] < 4)
		on_stun(c, mb);
	else if (mbuf_buf(mb)[0] >> 6 == 2)
		on_rtp(c, mb);
}

/* Checks -------------------------------------------------------------------- */

int web_client_check(struct web_client *c, struct udp_sock *from,
		     bool nominates, const char *password)
{
	char username[32];
	struct mbuf *mb = mbuf_alloc(256);
	const uint32_t priority = 1u << 24;
	const uint64_t tie = 1;
	uint8_t tid[STUN_TID_SIZE];
	int err;

	if (!mb)
		return ENOMEM;

	rand_bytes(tid, sizeof(tid));
	(void)re_snprintf(username, sizeof(username), "%s:%s", c->ufrag,
			  c->own_ufrag);
	err = stun_msg_encode(mb, STUN_METHOD_BINDING, STUN_CLASS_REQUEST, tid,
			      NULL, (const uint8_t *)password, strlen(password),
			      true, 0, 4, STUN_ATTR_USERNAME, username,
			      STUN_ATTR_PRIORITY, &priority,
			      STUN_ATTR_CONTROLLING, &tie, STUN_ATTR_USE_CAND,
			      nominates ? &tie : NULL);
	mb->pos = 0;
	c->checks++;
	err = err ? err : udp_send(from, &c->gw, mb);
	mem_deref(mb);
	return err;
}

static void on_time(void *arg)
{
	struct web_client *c = arg;

	if (!c->quiet)
		(void)web_client_check(c, c->us, c->replies > 0, c->pwd);
	tmr_start(&c->tmr, c->connected ? CONSENT_MS : AGAIN_MS, on_time, c);
}

/* SDP ----------------------------------------------------------------------- */

static const struct {
	const char *pt, *rtpmap;
} known[] = {
	{ "0", "a=rtpmap:0 PCMU/8000\r\n" },
	{ "8", "a=rtpmap:8 PCMA/8000\r\n" },
	{ "9", "a=rtpmap:9 G722/8000\r\n" },
	{ "111", "a=rtpmap:111 opus/48000/2\r\n"
		 "a=fmtp:111 minptime=10;useinbandfec=1\r\n" },
};

static int write_codecs(struct mbuf *mb, const char *payload_types)
{
	struct pl rest, word;
	int err = 0;

	pl_set_str(&rest, payload_types);
	while (!err && !re_regex(rest.p, rest.l, "[0-9]+", &word)) {
		for (size_t i = 0; !err && i < ARRAY_SIZE(known); i++) {
			if (!pl_strcmp(&word, known[i].pt))
				err = mbuf_write_str(mb, known[i].rtpmap);
		}
		pl_advance(&rest, word.p + word.l - rest.p);
	}

	return err;
}

static int write_hash(struct mbuf *mb, const struct web_client *c)
{
	uint8_t hash[WEB_HASH];
	int err = tls_fingerprint(c->tls, TLS_FINGERPRINT_SHA256, hash,
				  sizeof(hash));

	if (c->wrong_hash)
		hash[WEB_HASH - 1] ^= 1;
	err = err ? err : mbuf_write_str(mb, "a=fingerprint:sha-256 ");
	for (size_t i = 0; !err && i < sizeof(hash); i++)
		err = mbuf_printf(mb, "%s%02X", i ? ":" : "", hash[i]);

	return err ? err : mbuf_write_str(mb, "\r\n");
}

int web_client_offer(struct mbuf *mb, const struct web_client *c,
		     const char *payload_types)
{
	int err = mbuf_printf(mb,
			      "v=0\r\n"
			      "o=- 1 1 IN IP4 127.0.0.1\r\n"
			      "s=-\r\n"
			      "t=0 0\r\n"
			      "a=group:BUNDLE 0\r\n"
			      "m=audio 9 UDP/TLS/RTP/SAVPF %s 110 126\r\n"
			      "c=IN IP4 0.0.0.0\r\n"
			      "a=ice-ufrag:%s\r\n"
			      "a=ice-pwd:%s\r\n"
			      "a=setup:actpass\r\n"
			      "a=mid:0\r\n"
			      "a=sendrecv\r\n"
			      "a=rtcp-mux\r\n",
			      payload_types, c->own_ufrag, c->own_pwd);

	err = err ? err : write_codecs(mb, payload_types);
	err = err ? err :
		    mbuf_write_str(mb, "a=rtpmap:110 telephone-event/48000\r\n"
				       "a=rtpmap:126 telephone-event/8000\r\n");
	return err ? err : write_hash(mb, c);
}

static bool read_hash(struct web_client *c, const struct pl *text)
{
	for (size_t i = 0; i < WEB_HASH; i++) {
		const char *p = text->p + 3 * i;

		if (3 * i + 2 > text->l)
			return false;
		c->hash[i] = (uint8_t)(ch_hex(p[0]) << 4 | ch_hex(p[1]));
	}

	return true;
}

int web_client_answer(struct web_client *c, const char *sdp)
{
	const size_t len = strlen(sdp);
	struct pl ufrag, pwd, hash, address, port;

	if (re_regex(sdp, len, "a=ice-ufrag:[^\r]+", &ufrag) ||
	    re_regex(sdp, len, "a=ice-pwd:[^\r]+", &pwd) ||
	    re_regex(sdp, len, "a=fingerprint:sha-256 [^\r]+", &hash) ||
	    re_regex(sdp, len, "udp [0-9]+ [^ ]+ [0-9]+ typ host", NULL,
		     &address, &port) ||
	    pl_strcpy(&ufrag, c->ufrag, sizeof(c->ufrag)) ||
	    pl_strcpy(&pwd, c->pwd, sizeof(c->pwd)) || !read_hash(c, &hash) ||
	    sa_set(&c->gw, &address, (uint16_t)pl_u32(&port)))
		return EBADMSG;

	tmr_start(&c->tmr, 0, on_time, c);
	return 0;
}

/* Sound --------------------------------------------------------------------- */

static int send_rtp(struct web_client *c, uint8_t pt, bool marker, uint32_t ts,
		    const void *payload, size_t len)
{
	struct mbuf *mb = mbuf_alloc(12 + len + 32);
	int err;

	if (!mb)
		return ENOMEM;

	err = mbuf_write_u8(mb, 0x80);
	err |= mbuf_write_u8(mb, (uint8_t)(pt | (marker ? 0x80 : 0)));
	err |= mbuf_write_u16(mb, htons(c->seq++));
	err |= mbuf_write_u32(mb, htonl(ts));
	err |= mbuf_write_u32(mb, htonl(c->ssrc));
	err |= mbuf_write_mem(mb, payload, len);
	mb->pos = 0;
	err = err ? err : srtp_encrypt(c->tx, mb);
	mb->pos = 0;
	err = err ? err : udp_send(c->us, &c->gw, mb);
	mem_deref(mb);
	return err;
}

int web_client_says(struct web_client *c, uint8_t pt, const void *payload,
		    size_t len, uint32_t samples)
{
	c->ts += samples;
	return send_rtp(c, pt, false, c->ts, payload, len);
}

int web_client_presses(struct web_client *c, uint8_t pt, int event)
{
	int err = 0;

	for (unsigned i = 1; !err && i <= 6; i++) {
		const unsigned duration = 160 * i;
		const uint8_t payload[] = { (uint8_t)event, i > 3 ? 0x8a : 0x0a,
					    (uint8_t)(duration >> 8),
					    (uint8_t)duration };

		err = send_rtp(c, pt, i == 1, c->ts, payload, sizeof(payload));
	}

	c->ts += 160 * 8;
	return err;
}

/* Life ---------------------------------------------------------------------- */

int web_client_open(struct web_client *c, struct tls *tls)
{
	struct sa local;
	int err;

	memset(c, 0, sizeof(*c));
	c->tls = mem_ref(tls);
	c->ssrc = rand_u32();
	c->seq = rand_u16() & 0x7fff;
	rand_str(c->own_ufrag, sizeof(c->own_ufrag));
	rand_str(c->own_pwd, sizeof(c->own_pwd));
	err = sa_set_str(&local, "127.0.0.1", 0);
	err = err ? err : udp_listen(&c->us, &local, on_datagram, c);
	err = err ? err :
		    dtls_listen(&c->ds, NULL, c->us, 2, LAYER, NULL, NULL);
	if (err)
		web_client_close(c);
	return err;
}

void web_client_close(struct web_client *c)
{
	tmr_cancel(&c->tmr);
	c->tc = mem_deref(c->tc);
	c->ds = mem_deref(c->ds);
	c->us = mem_deref(c->us);
	c->tx = mem_deref(c->tx);
	c->rx = mem_deref(c->rx);
	c->tls = mem_deref(c->tls);
}
