/* DTLS-SRTP on OpenSSL.
 *
 *   datagram --> (gate) --> handshake --> certificate? --> keys --> up
 *                                `-- no, or broken --> down     goodbye --> down
 *
 * One gate (a BIO) per connection holds the datagram that is being read, so that
 * datagrams stay whole, and sends what OpenSSL writes. One handshake, no second
 * try: nobody can make us calculate for ever. Only DTLS 1.2 and later, with
 * forward secrecy; no tickets, no resumption, no renegotiation.
 *
 * Any certificate passes the handshake, as the signature of its key is all that
 * matters there; what it has to be was said in the offer, and that is compared
 * before a key is given out (RFC 8122 6.2). */
#include "sip/media/dtls.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>

#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <re.h>

enum {
	MTU = 1200, /* of IP packets: what passes everywhere */
	CHAIN_MAX = 8192,
	KEY = 16,
	SALT = 14,
	KEYING = 2 * (KEY + SALT),
	YEARS = 10, /* that the certificate is good for; the process isn't */
};

static const char label[] = "EXTRACTOR-dtls_srtp";

struct gw_dtls_identity {
	SSL_CTX *ctx;
	BIO_METHOD *gate;
	uint8_t hash[GW_MEDIA_CERT_HASH];
};

struct gw_dtls {
	SSL *ssl;
	struct gw_media_fingerprint theirs;
	struct gw_dtls_h h;
	void *arg;
	struct tmr tmr;
	const uint8_t *packet; /* that waits to be read; NULL: none */
	size_t len;
	bool up, over;
};

/* The gate ------------------------------------------------------------------ */

static int gate_write(BIO *bio, const char *bytes, int len)
{
	struct gw_dtls *dtls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	if (len > 0)
		dtls->h.send((const uint8_t *)bytes, (size_t)len, dtls->arg);
	return len;
}

static int gate_read(BIO *bio, char *room, int size)
{
	struct gw_dtls *dtls = BIO_get_data(bio);
	size_t len;

	BIO_clear_retry_flags(bio);
	if (!dtls->packet || size <= 0) {
		BIO_set_retry_read(bio);
		return -1;
	}

	len = MIN(dtls->len, (size_t)size);
	memcpy(room, dtls->packet, len);
	dtls->packet = NULL;
	return (int)len;
}

static long gate_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	(void)bio;
	(void)num;
	(void)ptr;

	switch (cmd) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_DGRAM_QUERY_MTU:
	case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
		return MTU;
	default:
		return 0;
	}
}

/* A process has 127 of these numbers, and they are never given back. */
static int gate_type(void)
{
	static int type = -1;

	if (type < 0)
		type = BIO_get_new_index();
	return type;
}

static BIO_METHOD *make_gate(void)
{
	const int type = gate_type();
	BIO_METHOD *gate;

	if (type < 0)
		return NULL;

	gate = BIO_meth_new(type | BIO_TYPE_SOURCE_SINK, "datagrams");
	if (gate && BIO_meth_set_write(gate, gate_write) &&
	    BIO_meth_set_read(gate, gate_read) &&
	    BIO_meth_set_ctrl(gate, gate_ctrl))
		return gate;

	BIO_meth_free(gate);
	return NULL;
}

/* Who we are ---------------------------------------------------------------- */

static int accept_any(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

/* RFC 8827 6.5: a name that says nothing, and is another one each time. */
static bool fill_certificate(X509 *cert, EVP_PKEY *key)
{
	X509_NAME *name = X509_get_subject_name(cert);
	uint64_t serial;

	if (RAND_bytes((unsigned char *)&serial, sizeof(serial)) != 1)
		return false;

	return X509_set_version(cert, 2) &&
	       ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert),
				       serial >> 1) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), -86400) &&
	       X509_gmtime_adj(X509_getm_notAfter(cert),
			       86400L * 365 * YEARS) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const uint8_t *)"WebRTC", -1, -1,
					  0) &&
	       X509_set_issuer_name(cert, name) && X509_set_pubkey(cert, key) &&
	       X509_sign(cert, key, EVP_sha256());
}

static bool make_certificate(struct gw_dtls_identity *id)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	unsigned len = sizeof(id->hash);
	const bool ok = key && cert && fill_certificate(cert, key) &&
			X509_digest(cert, EVP_sha256(), id->hash, &len) &&
			SSL_CTX_use_certificate(id->ctx, cert) == 1 &&
			SSL_CTX_use_PrivateKey(id->ctx, key) == 1;

	X509_free(cert);
	EVP_PKEY_free(key);
	return ok;
}

/* SSL_CTX_set_tlsext_use_srtp() says 0 where all is well. GCM is left out: our
 * SRTP has the two suites that every browser has. */
static bool set_rules(SSL_CTX *ctx)
{
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU |
					       SSL_OP_NO_RENEGOTIATION |
					       SSL_OP_SINGLE_ECDH_USE);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_MAX);
	SSL_CTX_set_verify(ctx,
			   SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
			   accept_any);

	return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx,
				       "ECDHE-ECDSA-AES128-GCM-SHA256:"
				       "ECDHE-ECDSA-AES256-GCM-SHA384:"
				       "ECDHE-ECDSA-CHACHA20-POLY1305") == 1 &&
	       SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AES128_CM_SHA1_80:"
						"SRTP_AES128_CM_SHA1_32") == 0;
}

static void identity_destructor(void *arg)
{
	struct gw_dtls_identity *id = arg;

	SSL_CTX_free(id->ctx);
	BIO_meth_free(id->gate);
}

int gw_dtls_identity_alloc(struct gw_dtls_identity **idp)
{
	struct gw_dtls_identity *id =
		mem_zalloc(sizeof(*id), identity_destructor);
	int err = 0;

	if (!id)
		return ENOMEM;

	id->gate = make_gate();
	id->ctx = SSL_CTX_new(DTLS_server_method());
	if (!id->gate || !id->ctx || !set_rules(id->ctx) ||
	    !make_certificate(id))
		err = ENOSYS;

	ERR_clear_error();
	if (err)
		mem_deref(id);
	else
		*idp = id;
	return err;
}

void gw_dtls_identity_hash(uint8_t hash[GW_MEDIA_CERT_HASH],
			   const struct gw_dtls_identity *id)
{
	memcpy(hash, id->hash, sizeof(id->hash));
}

/* One connection ------------------------------------------------------------ */

static void go_down(struct gw_dtls *dtls, int err)
{
	if (dtls->over)
		return;

	dtls->over = true;
	tmr_cancel(&dtls->tmr);
	dtls->h.down(err, dtls->arg);
}

static bool is_who_was_named(const struct gw_dtls *dtls)
{
	static const EVP_MD *(*const hashes[])(void) = {
		[GW_MEDIA_SHA256] = EVP_sha256,
		[GW_MEDIA_SHA384] = EVP_sha384,
		[GW_MEDIA_SHA512] = EVP_sha512,
	};
	const struct gw_media_fingerprint *theirs = &dtls->theirs;
	uint8_t hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	X509 *cert = SSL_get1_peer_certificate(dtls->ssl);
	const bool known =
		cert && X509_digest(cert, hashes[theirs->hash](), hash, &len) &&
		len == theirs->len && !CRYPTO_memcmp(hash, theirs->bytes, len);

	X509_free(cert);
	return known;
}

/* RFC 5764 4.2: both keys, then both salts, the client's first. */
static bool export_keys(struct gw_media_srtp *keys, const struct gw_dtls *dtls)
{
	const SRTP_PROTECTION_PROFILE *profile =
		SSL_get_selected_srtp_profile(dtls->ssl);
	uint8_t bytes[KEYING];

	if (!profile ||
	    SSL_export_keying_material(dtls->ssl, bytes, sizeof(bytes), label,
				       sizeof(label) - 1, NULL, 0, 0) != 1)
		return false;

	keys->suite = profile->id == SRTP_AES128_CM_SHA1_32 ?
			      GW_SRTP_AES_CM_128_HMAC_SHA1_32 :
			      GW_SRTP_AES_CM_128_HMAC_SHA1_80;
	memcpy(keys->rx, bytes, KEY);
	memcpy(keys->tx, bytes + KEY, KEY);
	memcpy(keys->rx + KEY, bytes + 2 * KEY, SALT);
	memcpy(keys->tx + KEY, bytes + 2 * KEY + SALT, SALT);
	explicit_bzero(bytes, sizeof(bytes));
	return true;
}

static void come_up(struct gw_dtls *dtls)
{
	struct gw_media_srtp keys;

	if (!is_who_was_named(dtls)) {
		go_down(dtls, EACCES);
		return;
	}
	if (!export_keys(&keys, dtls)) {
		go_down(dtls, EPROTO);
		return;
	}

	dtls->up = true;
	dtls->h.up(&keys, dtls->arg);
	explicit_bzero(&keys, sizeof(keys));
}

static void on_timeout(void *arg);

/* When the last flight has to be sent again. */
static void watch_time(struct gw_dtls *dtls)
{
	struct timeval tv = { 0, 0 };

	if (!dtls->over && DTLSv1_get_timeout(dtls->ssl, &tv) == 1)
		tmr_start(&dtls->tmr,
			  (uint64_t)(tv.tv_sec * 1000 + tv.tv_usec / 1000 + 1),
			  on_timeout, dtls);
	else
		tmr_cancel(&dtls->tmr);
}

static void on_timeout(void *arg)
{
	struct gw_dtls *dtls = arg;
	const bool ok = DTLSv1_handle_timeout(dtls->ssl) >= 0;

	ERR_clear_error();
	if (ok)
		watch_time(dtls);
	else
		go_down(dtls, EPROTO);
}

static void shake_hands(struct gw_dtls *dtls)
{
	const int r = SSL_accept(dtls->ssl);

	if (r == 1)
		come_up(dtls);
	else if (SSL_get_error(dtls->ssl, r) != SSL_ERROR_WANT_READ)
		go_down(dtls, EPROTO);
}

/* Nothing is said over it: only its end is of interest. */
static void listen_for_goodbye(struct gw_dtls *dtls)
{
	uint8_t bytes[256];
	int r, err;

	do
		r = SSL_read(dtls->ssl, bytes, sizeof(bytes));
	while (r > 0);

	err = SSL_get_error(dtls->ssl, r);
	if (err == SSL_ERROR_ZERO_RETURN)
		go_down(dtls, ECONNRESET);
	else if (err != SSL_ERROR_WANT_READ)
		go_down(dtls, EPROTO);
}

void gw_dtls_receive(struct gw_dtls *dtls, const uint8_t *packet, size_t len)
{
	if (dtls->over)
		return;

	dtls->packet = packet;
	dtls->len = len;
	ERR_clear_error();
	if (!dtls->up)
		shake_hands(dtls);
	if (dtls->up && !dtls->over)
		listen_for_goodbye(dtls);
	ERR_clear_error();
	dtls->packet = NULL;
	watch_time(dtls);
}

static void destructor(void *arg)
{
	struct gw_dtls *dtls = arg;

	tmr_cancel(&dtls->tmr);
	if (dtls->ssl && dtls->up && !dtls->over)
		(void)SSL_shutdown(dtls->ssl);
	SSL_free(dtls->ssl);
	ERR_clear_error();
}

int gw_dtls_alloc(struct gw_dtls **dtlsp, const struct gw_dtls_identity *id,
		  const struct gw_media_fingerprint *theirs,
		  const struct gw_dtls_h *h, void *arg)
{
	struct gw_dtls *dtls = mem_zalloc(sizeof(*dtls), destructor);
	BIO *gate;

	if (!dtls)
		return ENOMEM;

	dtls->theirs = *theirs;
	dtls->h = *h;
	dtls->arg = arg;
	dtls->ssl = SSL_new(id->ctx);
	gate = BIO_new(id->gate);
	if (!dtls->ssl || !gate) {
		BIO_free(gate);
		mem_deref(dtls);
		return ENOMEM;
	}

	BIO_set_data(gate, dtls);
	BIO_set_init(gate, 1);
	SSL_set_bio(dtls->ssl, gate, gate);
	(void)DTLS_set_link_mtu(dtls->ssl, MTU);

	*dtlsp = dtls;
	return 0;
}
