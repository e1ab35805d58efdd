/* SIP Digest: the vectors of the RFCs, the choice among challenges, and when it
 * gives up. Messages go through libre's own decoder. */
#include <re.h>

#include "sip/libre/auth_digest.h"
#include "tests/test.h"

/* libre's, from a private header. */
int sip_auth_encode(struct mbuf *mb, struct sip_auth *auth, const char *met,
		    const char *uri);

#define URI             "sip:9999@192.168.115.149"
#define GOLDEN_NONCE    "6652a236231c44029a9ae7bf793e15f9"
#define GOLDEN_RESPONSE "b63eb535d3c711dd77ea15d4f022bc07"

static struct {
	unsigned asked;
	int err;
	char *password; /* a reference that somebody else holds too */
} desk;

static int give_credentials(char **userp, char **passwordp, const char *realm,
			    void *arg)
{
	int err;

	(void)realm;
	(void)arg;
	++desk.asked;
	if (desk.err)
		return desk.err;

	err = str_dup(userp, "1001");
	if (err)
		return err;

	if (desk.password) {
		*passwordp = mem_ref(desk.password);
		return 0;
	}

	return str_dup(passwordp, "1001");
}

static int make_auth(struct sip_auth **authp)
{
	memset(&desk, 0, sizeof(desk));
	return sip_auth_alloc(authp, give_credentials, NULL, false);
}

/* Reads a response with these header lines, as if it had come in. */
static int challenge(struct sip_auth *auth, const char *headers)
{
	struct sip_msg *msg = NULL;
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;

	err = mbuf_printf(mb,
			  "SIP/2.0 407 Proxy Authentication Required\r\n"
			  "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
			  "From: <sip:1001@192.168.115.149>;tag=1\r\n"
			  "To: <sip:9999@192.168.115.149>;tag=2\r\n"
			  "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%s"
			  "Content-Length: 0\r\n\r\n",
			  headers);
	mb->pos = 0;
	if (!err)
		err = sip_msg_decode(&msg, mb);
	if (!err)
		err = sip_auth_authenticate(auth, msg);

	mem_deref(msg);
	mem_deref(mb);
	return err;
}

/* The header lines of the next request. */
static int request(char *line, size_t size, struct sip_auth *auth)
{
	struct mbuf *mb;
	int err;

	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;

	err = sip_auth_encode(mb, auth, "INVITE", URI);
	if (!err && mb->end >= size)
		err = EOVERFLOW;
	if (!err) {
		memcpy(line, mb->buf, mb->end);
		line[mb->end] = '\0';
	}

	mem_deref(mb);
	return err;
}

/* The value of a parameter, without its quotes: "" where there is none. */
static const char *param(const char *line, const char *name)
{
	static char value[128];
	struct pl val = PL_INIT;
	char expr[64];

	value[0] = '\0';
	(void)re_snprintf(expr, sizeof(expr), "[ ,]+%s=[~ \t\r\n,]*", name);
	if (0 == re_regex(line, strlen(line), expr, NULL, &val))
		(void)pl_strcpy(&val, value, sizeof(value));
	return value;
}

static int test_auth_digest_rfc7616_vectors(void)
{
	struct gw_digest d = {
		.nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		.cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
		.nc = 1,
		.qop = true,
		.method = "GET",
		.uri = "/dir/index.html",
	};
	char secret[GW_DIGEST_HEX], response[GW_DIGEST_HEX];

	d.alg = GW_DIGEST_MD5;
	CHECK_OK(gw_digest_secret(secret, d.alg, "Mufasa",
				  "http-auth@example.org", "Circle of Life"));
	CHECK_OK(gw_digest_response(response, &d, secret));
	CHECK_STR(response, "8ca523f5e9506fed4657c9700eebdbec");

	d.alg = GW_DIGEST_SHA256;
	CHECK_OK(gw_digest_secret(secret, d.alg, "Mufasa",
				  "http-auth@example.org", "Circle of Life"));
	CHECK_OK(gw_digest_response(response, &d, secret));
	CHECK_STR(response, "753927fa0e85d155564e2e272a28d180"
			    "2ca10daf4496794697cf8db5856cb6c1");
	return 0;
}
TEST(test_auth_digest_rfc7616_vectors);

static int test_auth_digest_rfc2617_vector(void)
{
	const struct gw_digest d = {
		.alg = GW_DIGEST_MD5,
		.nonce = "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		.cnonce = "0a4f113b",
		.nc = 1,
		.qop = true,
		.method = "GET",
		.uri = "/dir/index.html",
	};
	char secret[GW_DIGEST_HEX], response[GW_DIGEST_HEX];

	CHECK_OK(gw_digest_secret(secret, d.alg, "Mufasa", "testrealm@host.com",
				  "Circle Of Life"));
	CHECK_OK(gw_digest_response(response, &d, secret));
	CHECK_STR(response, "6629fae49393a05397450978507c4ef1");
	return 0;
}
TEST(test_auth_digest_rfc2617_vector);

/* The -sess algorithms by their definition: H(H(secret:nonce:cnonce):...). The
 * numbers were worked out with another program. */
static int test_auth_digest_sess(void)
{
	struct gw_digest d = { .nonce = "n",
			       .cnonce = "c",
			       .nc = 2,
			       .qop = true,
			       .method = "INVITE",
			       .uri = URI };
	char secret[GW_DIGEST_HEX], response[GW_DIGEST_HEX];

	d.alg = GW_DIGEST_MD5_SESS;
	CHECK_OK(gw_digest_secret(secret, d.alg, "1001", "r", "1001"));
	CHECK_OK(gw_digest_response(response, &d, secret));
	CHECK_STR(response, "3fd6d3454dddb3a51284693be97651dc");

	d.alg = GW_DIGEST_SHA256_SESS;
	CHECK_OK(gw_digest_secret(secret, d.alg, "1001", "r", "1001"));
	CHECK_OK(gw_digest_response(response, &d, secret));
	CHECK_STR(
		response,
		"f527b368023367cf6794cc8882d6235b352762b8a7e67eec8235b828387d2662");
	return 0;
}
TEST(test_auth_digest_sess);

/* A PBX as it is found: no qop, and no space after the header's colon. */
static int test_auth_digest_golden(void)
{
	OWNED struct sip_auth *auth = NULL;
	char line[1024];

	CHECK_OK(make_auth(&auth));
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK_STR(line, "");

	CHECK_OK(challenge(auth, "Proxy-Authenticate:Digest "
				 "realm=\"OzekiPBX\", nonce=\"" GOLDEN_NONCE
				 "\"\r\n"));
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK_STR(line, "Proxy-Authorization: Digest username=\"1001\", "
			"realm=\"OzekiPBX\", nonce=\"" GOLDEN_NONCE "\", "
			"uri=\"" URI "\", response=\"" GOLDEN_RESPONSE "\", "
			"algorithm=MD5\r\n");
	CHECK_INT(desk.asked, 1);
	return 0;
}
TEST(test_auth_digest_golden);

static int test_auth_digest_qop(void)
{
	OWNED struct sip_auth *auth = NULL;
	char line[1024], secret[GW_DIGEST_HEX], want[GW_DIGEST_HEX];
	char cnonce[64];

	CHECK_OK(make_auth(&auth));
	CHECK_OK(challenge(auth,
			   "WWW-Authenticate: Digest realm=\"a, b\", "
			   "qop=\"auth-int, auth\", nonce=\"n\", opaque=\"\", "
			   "algorithm=\"SHA-256\"\r\n"));
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK(0 ==
	      strncmp(line, "Authorization: Digest username=\"1001\", ", 39));
	CHECK(strstr(line, ", algorithm=SHA-256, "));
	CHECK(strstr(line, ", qop=auth, nc=00000001, opaque=\"\"\r\n"));

	str_ncpy(cnonce, param(line, "cnonce"), sizeof(cnonce));
	CHECK_INT(strlen(cnonce), 32);
	CHECK_OK(gw_digest_secret(secret, GW_DIGEST_SHA256, "1001", "a, b",
				  "1001"));
	CHECK_OK(gw_digest_response(want,
				    &(struct gw_digest){ GW_DIGEST_SHA256, "n",
							 cnonce, 1, true,
							 "INVITE", URI },
				    secret));
	CHECK_STR(param(line, "response"), want);

	/* the next request of the dialog goes out with them already */
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK(strstr(line, ", nc=00000002"));
	CHECK(0 != strcmp(param(line, "cnonce"), cnonce));
	return 0;
}
TEST(test_auth_digest_qop);

#define CHALLENGE(alg, nonce)                                       \
	"WWW-Authenticate: Digest realm=\"r\", nonce=\"" nonce "\"" \
	", algorithm=" alg "\r\n"

static int test_auth_digest_takes_the_strongest(void)
{
	static const struct {
		const char *offered;
		const char *alg;
		const char *nonce;
	} cases[] = {
		{ CHALLENGE("MD5", "1") CHALLENGE("SHA-256", "2"), "SHA-256",
		  "2" },
		{ CHALLENGE("SHA-256", "1") CHALLENGE("MD5", "2"), "SHA-256",
		  "1" },
		{ CHALLENGE("SHA-512-256", "1") CHALLENGE("md5", "2"), "MD5",
		  "2" },
		{ CHALLENGE("MD5", "1") CHALLENGE("AKAv1-MD5", "2"), "MD5",
		  "1" },
		{ CHALLENGE("SHA-256-sess", "1") CHALLENGE("SHA-256", "2"),
		  "SHA-256-sess", "1" },
		{ "WWW-Authenticate: Basic realm=\"r\"\r\n" CHALLENGE("MD5",
								      "1"),
		  "MD5", "1" },
		{ "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", "
		  "algorithm=SHA-256, qop=\"auth-int\"\r\n" CHALLENGE("MD5",
								      "2"),
		  "MD5", "2" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		OWNED struct sip_auth *auth = NULL;
		char line[1024];

		CHECK_OK(make_auth(&auth));
		CHECK_OK(challenge(auth, cases[i].offered));
		CHECK_OK(request(line, sizeof(line), auth));
		CHECK_STR(param(line, "algorithm"), cases[i].alg);
		CHECK_STR(param(line, "nonce"), cases[i].nonce);
		CHECK(!strstr(line + 1, "Authorization"));
	}
	return 0;
}
TEST(test_auth_digest_takes_the_strongest);

/* A response that two proxies and the far side had a hand in. */
static int test_auth_digest_answers_every_realm(void)
{
	OWNED struct sip_auth *auth = NULL;
	char line[2048];

	CHECK_OK(make_auth(&auth));
	CHECK_OK(challenge(auth, "Proxy-Authenticate: Digest realm=\"p1\", "
				 "nonce=\"1\"\r\n"
				 "Proxy-Authenticate: Digest realm=\"p2\", "
				 "nonce=\"2\"\r\n"
				 "WWW-Authenticate: Digest realm=\"p1\", "
				 "nonce=\"3\"\r\n"));
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK(strstr(line, "Proxy-Authorization: Digest username=\"1001\", "
			   "realm=\"p1\", nonce=\"1\""));
	CHECK(strstr(line, "Proxy-Authorization: Digest username=\"1001\", "
			   "realm=\"p2\", nonce=\"2\""));
	CHECK(strstr(line, "\r\nAuthorization: Digest username=\"1001\", "
			   "realm=\"p1\", nonce=\"3\"") ||
	      0 == strncmp(line, "Authorization: ", 15));
	CHECK_INT(desk.asked, 3);
	return 0;
}
TEST(test_auth_digest_answers_every_realm);

/* Challenges for ever; counts the requests with credentials until it gives up. */
static int count_tries(unsigned *triesp, struct sip_auth *auth,
		       const char *more, bool reset)
{
	char headers[256], line[1024];

	for (*triesp = 0; *triesp < 20; ++*triesp) {
		int err;

		(void)re_snprintf(headers, sizeof(headers),
				  "WWW-Authenticate: Digest realm=\"r\", "
				  "nonce=\"%u\"%s\r\n",
				  *triesp, more);
		if (reset)
			sip_auth_reset(auth);
		err = challenge(auth, headers);
		if (!err)
			err = request(line, sizeof(line), auth);
		if (err)
			return err;
	}

	return 0;
}

static int test_auth_digest_gives_up(void)
{
	static const struct {
		const char *more;
		bool reset; /* as registering does at each challenge */
		unsigned tries;
	} cases[] = {
		{ "", false, 2 },
		{ "", true, 2 },
		{ ", stale=false", true, 2 },
		{ ", stale=true", false, 4 },
		{ ", stale=TRUE", true, 4 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		OWNED struct sip_auth *auth = NULL;
		char line[1024];
		unsigned tries;

		CHECK_OK(make_auth(&auth));
		CHECK_OK(request(line, sizeof(line), auth));
		CHECK_ERR(count_tries(&tries, auth, cases[i].more,
				      cases[i].reset),
			  EAUTH);
		CHECK_INT(tries, cases[i].tries);

		/* the next attempt, an hour later, has its own count */
		sip_auth_reset(auth);
		CHECK_OK(request(line, sizeof(line), auth));
		CHECK_STR(line, "");
		CHECK_ERR(count_tries(&tries, auth, cases[i].more,
				      cases[i].reset),
			  EAUTH);
		CHECK_INT(tries, cases[i].tries);
	}
	return 0;
}
TEST(test_auth_digest_gives_up);

static int test_auth_digest_credentials_sent_ahead_count_too(void)
{
	OWNED struct sip_auth *auth = NULL;
	char line[1024];
	unsigned tries;

	CHECK_OK(make_auth(&auth));
	CHECK_OK(challenge(auth, CHALLENGE("MD5", "first")));
	CHECK_OK(request(line, sizeof(line), auth));

	/* a refresh: the old nonce goes along, one more try is left */
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK_STR(param(line, "nonce"), "first");
	CHECK_ERR(count_tries(&tries, auth, "", true), EAUTH);
	CHECK_INT(tries, 1);
	return 0;
}
TEST(test_auth_digest_credentials_sent_ahead_count_too);

static int test_auth_digest_refuses(void)
{
	static const struct {
		const char *headers;
		int err;
	} cases[] = {
		{ "", EBADMSG },
		{ "WWW-Authenticate: Basic realm=\"r\"\r\n", EBADMSG },
		{ "WWW-Authenticate: Digest realm=\"r\"\r\n", EBADMSG },
		{ "WWW-Authenticate: Digest\r\n", EBADMSG },
		{ CHALLENGE("SHA-512-256", "1"), ENOSYS },
		{ "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", "
		  "qop=\"auth-int\"\r\n",
		  ENOSYS },
		{ "WWW-Authenticate: Digest realm=\"r\r\n x\", "
		  "nonce=\"1\"\r\n",
		  ENOSYS },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		OWNED struct sip_auth *auth = NULL;
		char line[1024];

		CHECK_OK(make_auth(&auth));
		CHECK_ERR(challenge(auth, cases[i].headers), cases[i].err);
		CHECK_OK(request(line, sizeof(line), auth));
		CHECK_STR(line, "");
	}
	return 0;
}
TEST(test_auth_digest_refuses);

static int test_auth_digest_no_credentials(void)
{
	OWNED struct sip_auth *auth = NULL;
	char line[1024];

	CHECK_OK(make_auth(&auth));
	desk.err = ENOENT;
	CHECK_ERR(challenge(auth, CHALLENGE("MD5", "1")), ENOENT);
	CHECK_OK(request(line, sizeof(line), auth));
	CHECK_STR(line, "");

	auth = mem_deref(auth);
	CHECK_OK(sip_auth_alloc(&auth, NULL, NULL, false));
	CHECK_ERR(challenge(auth, CHALLENGE("MD5", "1")), EAUTH);
	return 0;
}
TEST(test_auth_digest_no_credentials);

/* A far side that names realms without end. */
static int test_auth_digest_many_realms(void)
{
	OWNED struct sip_auth *auth = NULL;
	char headers[4096] = "", line[8192];
	size_t len = 0;
	unsigned count = 0;

	CHECK_OK(make_auth(&auth));
	for (unsigned i = 0; i < 50; i++)
		len += (size_t)re_snprintf(headers + len, sizeof(headers) - len,
					   "WWW-Authenticate: Digest "
					   "realm=\"%u\", nonce=\"1\"\r\n",
					   i);
	CHECK_OK(challenge(auth, headers));
	CHECK_OK(request(line, sizeof(line), auth));
	for (const char *p = line; (p = strstr(p, "Authorization")); p++)
		++count;
	CHECK_INT(count, 8);
	return 0;
}
TEST(test_auth_digest_many_realms);

/* A password that others hold is not wiped under their hands. */
static int test_auth_digest_leaves_shared_password(void)
{
	OWNED struct sip_auth *auth = NULL;
	OWNED char *password = NULL;

	CHECK_OK(make_auth(&auth));
	CHECK_OK(str_dup(&password, "1001"));
	desk.password = password;
	CHECK_OK(challenge(auth, CHALLENGE("MD5", "1")));
	CHECK_STR(password, "1001");
	CHECK_INT(mem_nrefs(password), 1);
	return 0;
}
TEST(test_auth_digest_leaves_shared_password);
