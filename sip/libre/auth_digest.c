/* SIP Digest for clients, in place of libre's sip/auth.o.
 *
 * libre's own member knows MD5 alone and gives up on a response that offers
 * SHA-256 beside it. This one takes the strongest of what is offered, skips what
 * it does not know, and answers several realms (a proxy's and the far side's) at
 * once. It defines every symbol of the stock member, so the linker never takes
 * that one (.ci/link-check.sh looks whether this is still so).
 *
 * How often it tries. Somebody with a wrong password must not hammer a registrar
 * that locks accounts, yet one more try is needed by design: the nonce that was
 * good an hour ago has been forgotten, and not every PBX says stale=true then.
 *
 *	request --401--> request+digest --401--> request+digest --401--> EAUTH
 *	                  (1st)                   (2nd)
 *
 * So two requests with credentials, and each stale=true grants one more, twice at
 * the most. A request that follows no challenge begins to count anew. Registering
 * empties the object (sip_auth_reset) at every challenge; the count survives that,
 * or it would never end.
 *
 * Passwords are turned into their digest at once and wiped; so are the digests
 * when the object goes.
 */
#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <re.h>

#include "sip/libre/auth_digest.h"

enum {
	TRIES = 2,      /* requests with credentials */
	STALES_MAX = 2, /* more of them, when the server says stale=true */
	REALMS_MAX = 8, /* a response can name as many as it likes */
};

/* One who wants credentials, and its latest challenge. */
struct realm {
	struct le le;
	enum sip_hdrid hdr; /* whose: WWW- or Proxy-Authenticate */
	char *name;
	char *user;                 /* as it stands between quotes */
	char secret[GW_DIGEST_HEX]; /* empty: not asked for yet */

	enum gw_digest_alg alg;
	char *nonce;
	char *opaque; /* NULL: none came */
	bool qop;
	uint32_t nc;    /* requests with this nonce */
	uint32_t round; /* the response that brought it */
};

struct sip_auth {
	struct list realms;
	sip_auth_h *authh;
	void *arg;
	bool ref;

	unsigned tries;
	unsigned stales;
	bool challenged; /* since the last request */

	/* while a response is read */
	uint32_t round;
	unsigned usable;
	unsigned unknown;
	bool stale;
	int err;
};

/* libre's own header of it is private. */
int sip_auth_encode(struct mbuf *mb, struct sip_auth *auth, const char *met,
		    const char *uri);

/* ---------------------------------------------------------------- arithmetic */

static const struct alg {
	const char *name;
	const EVP_MD *(*md)(void);
	bool sess;
} algs[] = {
	[GW_DIGEST_MD5] = { "MD5", EVP_md5, false },
	[GW_DIGEST_MD5_SESS] = { "MD5-sess", EVP_md5, true },
	[GW_DIGEST_SHA256] = { "SHA-256", EVP_sha256, false },
	[GW_DIGEST_SHA256_SESS] = { "SHA-256-sess", EVP_sha256, true },
};

int gw_digest_alg_decode(enum gw_digest_alg *algp, const struct pl *name)
{
	if (!pl_isset(name)) {
		*algp = GW_DIGEST_MD5;
		return 0;
	}

	for (size_t i = 0; i < ARRAY_SIZE(algs); i++) {
		if (0 == pl_strcasecmp(name, algs[i].name)) {
			*algp = (enum gw_digest_alg)i;
			return 0;
		}
	}

	return ENOSYS;
}

const char *gw_digest_alg_name(enum gw_digest_alg alg)
{
	return algs[alg].name;
}

/* The hash, in hex, of the parts with a colon between them. */
static int hash(char hex[GW_DIGEST_HEX], enum gw_digest_alg alg,
		const char *const partv[], size_t partc)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	EVP_MD_CTX *ctx;
	bool ok;

	ctx = EVP_MD_CTX_new();
	if (!ctx)
		return ENOMEM;

	ok = EVP_DigestInit_ex(ctx, algs[alg].md(), NULL);
	for (size_t i = 0; i < partc && ok; i++) {
		ok = (i == 0 || EVP_DigestUpdate(ctx, ":", 1)) &&
		     EVP_DigestUpdate(ctx, partv[i], strlen(partv[i]));
	}
	ok = ok && EVP_DigestFinal_ex(ctx, md, &len);
	EVP_MD_CTX_free(ctx);
	if (!ok || 2 * len >= GW_DIGEST_HEX)
		return ENOMEM;

	for (unsigned i = 0; i < len; i++) {
		hex[2 * i] = digits[md[i] >> 4];
		hex[2 * i + 1] = digits[md[i] & 15];
	}
	hex[2 * len] = '\0';

	OPENSSL_cleanse(md, sizeof(md));
	return 0;
}

#define HASH(hex, alg, ...)                                  \
	hash(hex, alg, (const char *const[]){ __VA_ARGS__ }, \
	     ARRAY_SIZE(((const char *const[]){ __VA_ARGS__ })))

int gw_digest_secret(char secret[GW_DIGEST_HEX], enum gw_digest_alg alg,
		     const char *user, const char *realm, const char *password)
{
	return HASH(secret, alg, user, realm, password);
}

int gw_digest_response(char response[GW_DIGEST_HEX], const struct gw_digest *d,
		       const char *secret)
{
	char session[GW_DIGEST_HEX], request[GW_DIGEST_HEX], nc[9];
	int err;

	err = HASH(request, d->alg, d->method, d->uri);
	if (err)
		return err;

	if (algs[d->alg].sess) {
		err = HASH(session, d->alg, secret, d->nonce, d->cnonce);
		if (err)
			return err;
		secret = session;
	}

	if (d->qop) {
		(void)re_snprintf(nc, sizeof(nc), "%08x", d->nc);
		err = HASH(response, d->alg, secret, d->nonce, nc, d->cnonce,
			   "auth", request);
	} else {
		err = HASH(response, d->alg, secret, d->nonce, request);
	}

	OPENSSL_cleanse(session, sizeof(session));
	return err;
}

/* ---------------------------------------------------------------- challenges */

static void realm_destructor(void *data)
{
	struct realm *realm = data;

	list_unlink(&realm->le);
	mem_deref(realm->name);
	mem_deref(realm->user);
	mem_deref(realm->nonce);
	mem_deref(realm->opaque);
	OPENSSL_cleanse(realm->secret, sizeof(realm->secret));
}

static void auth_destructor(void *data)
{
	struct sip_auth *auth = data;

	list_flush(&auth->realms);
	if (auth->ref)
		mem_deref(auth->arg);
}

/* What may stand in a header line of ours. */
static bool is_clean(const char *str, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((uint8_t)str[i] < ' ' || str[i] == 0x7f)
			return false;
	}

	return true;
}

/* "auth-int,auth" has it, "auth-int" does not. */
static bool has_auth(const struct pl *qop)
{
	const char *p = qop->p, *end = qop->p + qop->l;

	while (p < end) {
		struct pl token;

		while (p < end && strchr(" \t,", *p))
			++p;
		token.p = p;
		while (p < end && !strchr(" \t,", *p))
			++p;
		token.l = (size_t)(p - token.p);
		if (0 == pl_strcasecmp(&token, "auth"))
			return true;
	}

	return false;
}

static struct realm *find_realm(const struct sip_auth *auth, enum sip_hdrid hdr,
				const struct pl *name)
{
	for (struct le *le = auth->realms.head; le; le = le->next) {
		struct realm *realm = le->data;

		if (realm->hdr == hdr && 0 == pl_strcmp(name, realm->name))
			return realm;
	}

	return NULL;
}

static int add_realm(struct realm **realmp, struct sip_auth *auth,
		     enum sip_hdrid hdr, const struct pl *name)
{
	struct realm *realm;
	int err;

	if (list_count(&auth->realms) >= REALMS_MAX)
		return EOVERFLOW;

	realm = mem_zalloc(sizeof(*realm), realm_destructor);
	if (!realm)
		return ENOMEM;

	realm->hdr = hdr;
	err = pl_strdup(&realm->name, name);
	if (err) {
		mem_deref(realm);
		return err;
	}

	list_append(&auth->realms, &realm->le, realm);
	*realmp = realm;
	return 0;
}

/* Gives back what a handler of ours has handed over. A password that others
 * still hold is theirs to wipe. */
static void forget(char *str)
{
	if (str && mem_nrefs(str) == 1)
		OPENSSL_cleanse(str, strlen(str));
	mem_deref(str);
}

/* RFC 7616 hashes names as they stand between the quotes. */
static int quote(char **quotedp, const char *str)
{
	const size_t len = strlen(str);
	char *quoted, *q;

	if (!is_clean(str, len))
		return EINVAL;

	q = quoted = mem_alloc(2 * len + 1, NULL);
	if (!quoted)
		return ENOMEM;

	for (; *str; str++) {
		if (*str == '"' || *str == '\\')
			*q++ = '\\';
		*q++ = *str;
	}
	*q = '\0';

	*quotedp = quoted;
	return 0;
}

static int ask_credentials(struct sip_auth *auth, struct realm *realm,
			   enum gw_digest_alg alg)
{
	char *user = NULL, *password = NULL;
	int err;

	err = auth->authh(&user, &password, realm->name, auth->arg);
	if (err)
		goto out;

	realm->user = mem_deref(realm->user);
	err = quote(&realm->user, user ? user : "");
	if (err)
		goto out;

	err = gw_digest_secret(realm->secret, alg, realm->user, realm->name,
			       password ? password : "");

out:
	mem_deref(user);
	forget(password);
	return err;
}

/* Takes a challenge for its realm. The secret is good as long as the hash is. */
static int take(struct sip_auth *auth, struct realm *realm,
		enum gw_digest_alg alg, const struct httpauth_digest_chall *ch)
{
	char *nonce = NULL, *opaque = NULL;
	int err;

	if (!realm->secret[0] || algs[alg].md != algs[realm->alg].md) {
		realm->secret[0] = '\0';
		err = ask_credentials(auth, realm, alg);
		if (err)
			return err;
	}

	err = pl_strdup(&nonce, &ch->nonce);
	if (!err && ch->opaque.p)
		err = pl_strdup(&opaque, &ch->opaque);
	if (err) {
		mem_deref(nonce);
		return err;
	}

	/* nc counts the requests with one nonce, and a server may repeat it */
	if (!realm->nonce || 0 != strcmp(realm->nonce, nonce))
		realm->nc = 0;

	mem_deref(realm->nonce);
	mem_deref(realm->opaque);
	realm->nonce = nonce;
	realm->opaque = opaque;
	realm->alg = alg;
	realm->qop = pl_isset(&ch->qop);
	realm->round = auth->round;
	return 0;
}

static bool is_usable(const struct httpauth_digest_chall *ch)
{
	return is_clean(ch->realm.p, ch->realm.l) &&
	       is_clean(ch->nonce.p, ch->nonce.l) &&
	       is_clean(ch->opaque.p, ch->opaque.l) &&
	       (!pl_isset(&ch->qop) || has_auth(&ch->qop));
}

/* One header of a response; true ends the walk over them, auth->err says why. */
static bool challenge_handler(const struct sip_hdr *hdr,
			      const struct sip_msg *msg, void *arg)
{
	struct sip_auth *auth = arg;
	struct httpauth_digest_chall ch;
	enum gw_digest_alg alg;
	struct realm *realm;
	int err = 0;

	(void)msg;
	if (httpauth_digest_challenge_decode(&ch, &hdr->val))
		return false;

	if (gw_digest_alg_decode(&alg, &ch.algorithm) || !is_usable(&ch)) {
		++auth->unknown;
		return false;
	}

	realm = find_realm(auth, hdr->id, &ch.realm);
	/* of several for one realm the strongest; of equals the first, for the
	 * server lists what it likes best first */
	if (realm && realm->round == auth->round &&
	    (alg <= realm->alg || algs[alg].md == algs[realm->alg].md))
		return false;

	if (!realm)
		err = add_realm(&realm, auth, hdr->id, &ch.realm);
	if (err == EOVERFLOW)
		return false;
	if (!err)
		err = take(auth, realm, alg, &ch);
	if (err) {
		mem_deref(realm);
		auth->err = err;
		return true;
	}

	++auth->usable;
	if (0 == pl_strcasecmp(&ch.stale, "true"))
		auth->stale = true;
	return false;
}

int sip_auth_authenticate(struct sip_auth *auth, const struct sip_msg *msg)
{
	if (!auth || !msg)
		return EINVAL;

	++auth->round;
	auth->usable = auth->unknown = 0;
	auth->stale = false;

	if (sip_msg_hdr_apply(msg, true, SIP_HDR_WWW_AUTHENTICATE,
			      challenge_handler, auth) ||
	    sip_msg_hdr_apply(msg, true, SIP_HDR_PROXY_AUTHENTICATE,
			      challenge_handler, auth))
		return auth->err;

	if (!auth->usable)
		return auth->unknown ? ENOSYS : EBADMSG;

	if (auth->stale && auth->stales < STALES_MAX)
		++auth->stales;
	if (auth->tries >= TRIES + auth->stales)
		return EAUTH;

	auth->challenged = true;
	return 0;
}

/* ---------------------------------------------------------------- requests */

static int encode_realm(struct mbuf *mb, struct realm *realm, const char *met,
			const char *uri)
{
	const bool with_cnonce = realm->qop || algs[realm->alg].sess;
	char response[GW_DIGEST_HEX], cnonce[33];
	int err;

	(void)re_snprintf(cnonce, sizeof(cnonce), "%016llx%016llx", rand_u64(),
			  rand_u64());

	err = gw_digest_response(response,
				 &(struct gw_digest){ .alg = realm->alg,
						      .nonce = realm->nonce,
						      .cnonce = cnonce,
						      .nc = ++realm->nc,
						      .qop = realm->qop,
						      .method = met,
						      .uri = uri },
				 realm->secret);
	if (err)
		return err;

	err = mbuf_printf(mb,
			  "%s: Digest username=\"%s\", realm=\"%s\", "
			  "nonce=\"%s\", uri=\"%s\", response=\"%s\", "
			  "algorithm=%s",
			  realm->hdr == SIP_HDR_WWW_AUTHENTICATE ?
				  "Authorization" :
				  "Proxy-Authorization",
			  realm->user, realm->name, realm->nonce, uri, response,
			  algs[realm->alg].name);
	if (with_cnonce)
		err |= mbuf_printf(mb, ", cnonce=\"%s\"", cnonce);
	if (realm->qop)
		err |= mbuf_printf(mb, ", qop=auth, nc=%08x", realm->nc);
	if (realm->opaque)
		err |= mbuf_printf(mb, ", opaque=\"%s\"", realm->opaque);

	return err | mbuf_write_str(mb, "\r\n");
}

int sip_auth_encode(struct mbuf *mb, struct sip_auth *auth, const char *met,
		    const char *uri)
{
	int err;

	if (!mb || !auth || !met || !uri)
		return EINVAL;

	if (!auth->challenged)
		auth->tries = auth->stales = 0;
	auth->challenged = false;

	for (struct le *le = auth->realms.head; le; le = le->next) {
		err = encode_realm(mb, le->data, met, uri);
		if (err)
			return err;
	}

	if (auth->realms.head)
		++auth->tries;
	return 0;
}

/* ---------------------------------------------------------------- the object */

/* Who gives no handler has no credentials. */
static int no_credentials(char **userp, char **passwordp, const char *realm,
			  void *arg)
{
	(void)userp;
	(void)passwordp;
	(void)realm;
	(void)arg;
	return EAUTH;
}

int sip_auth_alloc(struct sip_auth **authp, sip_auth_h *authh, void *arg,
		   bool ref)
{
	struct sip_auth *auth;

	if (!authp)
		return EINVAL;

	auth = mem_zalloc(sizeof(*auth), auth_destructor);
	if (!auth)
		return ENOMEM;

	auth->authh = authh ? authh : no_credentials;
	auth->arg = ref ? mem_ref(arg) : arg;
	auth->ref = ref;

	*authp = auth;
	return 0;
}

void sip_auth_reset(struct sip_auth *auth)
{
	if (auth)
		list_flush(&auth->realms);
}
