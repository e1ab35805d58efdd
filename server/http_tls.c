/* The certificate that HTTPS shows, and a new one while it runs.
 *
 * libmicrohttpd asks for it at each handshake (MHD_OPTION_HTTPS_CERT_CALLBACK), so
 * the next handshake sees another one as soon as it is there; connections go on
 * with what they have. GnuTLS uses an answer without taking it over, until the
 * handshake is done: a pair that was replaced is kept for longer than the watchdog
 * lets a handshake last.
 *
 * There is one for all listeners of the process: the callback has no argument. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "config/config.h"
#include "server/http_inside.h"

enum {
	PEM_MAX = 256 * 1024,
	CHAIN_MAX = 16,
	ID_MAX = 64,
	RETIRED_MS = 60 * 1000,
};

/* A chain and the private key of its first certificate. */
struct gw_http_cert {
	struct le le; /* among the retired */
	struct tmr tmr;
	gnutls_pcert_st chain[CHAIN_MAX];
	unsigned count;
	gnutls_privkey_t key;
};

static struct {
	struct gw_http_cert *now;
	struct list retired;
} tls;

static void destructor(void *arg)
{
	struct gw_http_cert *cert = arg;

	list_unlink(&cert->le);
	tmr_cancel(&cert->tmr);
	for (unsigned i = 0; i < cert->count; i++)
		gnutls_pcert_deinit(&cert->chain[i]);
	if (cert->key)
		gnutls_privkey_deinit(cert->key);
}

static void wipe(void *arg)
{
	struct mbuf *mb = arg;

	if (mb->buf)
		explicit_bzero(mb->buf, mb->size);
	mem_deref(mb->buf);
}

/* A PEM file as text, which wipes itself. */
static int read_pem(struct mbuf **mbp, const char *path)
{
	struct mbuf *mb = NULL;
	struct stat st;
	ssize_t n;
	int fd, err = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno;
	if (fstat(fd, &st)) {
		err = errno;
		goto out;
	}
	if (st.st_size <= 0 || st.st_size > PEM_MAX) {
		err = EFBIG;
		goto out;
	}

	mb = mem_zalloc(sizeof(*mb), wipe);
	if (mb)
		err = mbuf_resize(mb, (size_t)st.st_size + 1);
	if (!mb || err) {
		err = ENOMEM;
		goto out;
	}
	n = read(fd, mb->buf, (size_t)st.st_size);
	if (n != st.st_size) {
		err = n < 0 ? errno : EIO;
		goto out;
	}
	mb->end = (size_t)n;
	mb->buf[n] = '\0';

out:
	if (err)
		mem_deref(mb);
	else
		*mbp = mb;
	(void)close(fd);
	return err;
}

/* Whether the key is the one that the certificate speaks of. */
static int match(struct gw_http_cert *cert)
{
	unsigned char id[2][ID_MAX];
	size_t len[2] = { ID_MAX, ID_MAX };
	gnutls_pubkey_t pub;
	int err;

	err = gnutls_pubkey_init(&pub);
	if (err)
		return err;
	err = gnutls_pubkey_import_privkey(pub, cert->key, 0, 0);
	if (!err)
		err = gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256,
					       id[0], &len[0]);
	if (!err)
		err = gnutls_pubkey_get_key_id(cert->chain[0].pubkey,
					       GNUTLS_KEYID_USE_SHA256, id[1],
					       &len[1]);
	gnutls_pubkey_deinit(pub);
	if (!err && (len[0] != len[1] || memcmp(id[0], id[1], len[0]) != 0))
		err = GNUTLS_E_CERTIFICATE_KEY_MISMATCH;

	return err;
}

static int import(struct gw_http_cert *cert, struct mbuf *const pem[2])
{
	const gnutls_datum_t chain = { pem[0]->buf, (unsigned)pem[0]->end };
	const gnutls_datum_t key = { pem[1]->buf, (unsigned)pem[1]->end };
	unsigned count = CHAIN_MAX;
	int err;

	err = gnutls_pcert_list_import_x509_raw(cert->chain, &count, &chain,
						GNUTLS_X509_FMT_PEM, 0);
	if (err)
		return err;
	cert->count = count;
	if (!count)
		return GNUTLS_E_NO_CERTIFICATE_FOUND;

	err = gnutls_privkey_init(&cert->key);
	if (!err)
		err = gnutls_privkey_import_x509_raw(
			cert->key, &key, GNUTLS_X509_FMT_PEM, NULL, 0);

	return err ? err : match(cert);
}

int gw_http_cert_load(struct gw_http_cert **certp,
		      const struct gw_config_http *cfg, char *why,
		      size_t why_size)
{
	const char *const paths[2] = { cfg->certificate,
				       cfg->key ? cfg->key : cfg->certificate };
	struct mbuf *pem[2] = { NULL, NULL };
	struct gw_http_cert *cert;
	int err = 0, wrong;

	cert = mem_zalloc(sizeof(*cert), destructor);
	if (!cert)
		return ENOMEM;
	tmr_init(&cert->tmr);

	for (int i = 0; !err && i < 2; i++) {
		err = read_pem(&pem[i], paths[i]);
		if (err)
			(void)re_snprintf(why, why_size, "cannot read %s: %m",
					  paths[i], err);
	}
	wrong = err ? 0 : import(cert, pem);
	if (wrong) {
		err = wrong == GNUTLS_E_MEMORY_ERROR ? ENOMEM : EINVAL;
		(void)re_snprintf(why, why_size, "%s and %s: %s", paths[0],
				  paths[1], gnutls_strerror(wrong));
	}

	mem_deref(pem[0]);
	mem_deref(pem[1]);
	if (err)
		mem_deref(cert);
	else
		*certp = cert;
	return err;
}

static void forget(void *arg)
{
	mem_deref(arg);
}

void gw_http_cert_use(struct gw_http_cert *cert)
{
	struct gw_http_cert *old = tls.now;

	tls.now = cert;
	if (!old)
		return;
	list_append(&tls.retired, &old->le, old);
	tmr_start(&old->tmr, RETIRED_MS, forget, old);
}

void gw_http_cert_close(void)
{
	tls.now = mem_deref(tls.now);
	list_flush(&tls.retired);
}

int gw_http_cert_ask(gnutls_session_t session, const gnutls_datum_t *names,
		     int name_count, const gnutls_pk_algorithm_t *algos,
		     int algo_count, gnutls_pcert_st **chainp, unsigned *countp,
		     gnutls_privkey_t *keyp)
{
	(void)session;
	(void)names;
	(void)name_count;
	(void)algos;
	(void)algo_count;

	if (!tls.now)
		return -1;
	*chainp = tls.now->chain;
	*countp = tls.now->count;
	*keyp = tls.now->key;

	return 0;
}
