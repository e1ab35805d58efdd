/* Who a process is to browsers: a certificate that is made by chance has to be one
 * that others can read, whatever chance gives. */
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "sip/media/dtls.h"
#include "tests/test.h"

/* More than OpenSSL 3.5 has numbers for kinds of BIO; and one serial number of 256
 * begins with a zero. */
enum { IDENTITIES = 400 };

static SSL_CTX *browsers;

static void close_browsers(void *arg)
{
	(void)arg;
	SSL_CTX_free(browsers);
	browsers = NULL;
}

/* arg: the browser. */
static void to_browser(const uint8_t *packet, size_t len, void *arg)
{
	(void)BIO_write(SSL_get_rbio(arg), packet, (int)len);
}

static void never_up(const struct gw_media_srtp *keys, void *arg)
{
	(void)keys;
	(void)arg;
}

static void never_down(int err, void *arg)
{
	(void)err;
	(void)arg;
}

static const struct gw_dtls_h handlers = {
	.send = to_browser,
	.up = never_up,
	.down = never_down,
};

/* A hello there, a certificate back. */
static int exchange(SSL *browser, struct gw_dtls *dtls)
{
	uint8_t hello[2048];
	int len;

	CHECK_INT(SSL_get_error(browser, SSL_connect(browser)),
		  SSL_ERROR_WANT_READ);
	len = BIO_read(SSL_get_wbio(browser), hello, sizeof(hello));
	CHECK(len > 0);
	gw_dtls_receive(dtls, hello, (size_t)len);
	CHECK_INT(SSL_get_error(browser, SSL_connect(browser)),
		  SSL_ERROR_WANT_READ);
	CHECK(SSL_get0_peer_certificate(browser));
	return 0;
}

static int meet(const struct gw_dtls_identity *id)
{
	const struct gw_media_fingerprint theirs = { .hash = GW_MEDIA_SHA256,
						     .len = 32 };
	OWNED struct gw_dtls *dtls = NULL;
	SSL *browser = SSL_new(browsers);
	int err;

	CHECK(browser);
	SSL_set_bio(browser, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	err = gw_dtls_alloc(&dtls, id, &theirs, &handlers, browser);
	if (!err)
		err = exchange(browser, dtls);
	SSL_free(browser);
	ERR_clear_error();
	return err;
}

static int test_dtls_certificates_can_be_read(void)
{
	browsers = SSL_CTX_new(DTLS_client_method());
	CHECK(browsers);
	test_later(close_browsers, NULL);
	CHECK_INT(SSL_CTX_set_tlsext_use_srtp(browsers,
					      "SRTP_AES128_CM_SHA1_80"),
		  0);
	for (int i = 0; i < IDENTITIES; i++) {
		OWNED struct gw_dtls_identity *id = NULL;

		CHECK_OK(gw_dtls_identity_alloc(&id));
		CHECK_OK(meet(id));
	}

	return 0;
}
TEST(test_dtls_certificates_can_be_read);
