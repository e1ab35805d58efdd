/* D1, D2, D4: who signed a webhook. The vectors are those that the CRMs document,
 * or were made with another program. */
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "config/json.h"
#include "config/secret.h"
#include "server/crm_profile.h"
#include "server/crm_tree.h"
#include "tests/test.h"

enum { HEADERS_MAX = 6 };

/* A hook with its secrets, and a request. */
struct
try {
	struct gw_config_hook hook;
	struct gw_secret *secrets[2], *password;
	struct gw_crm_request req;
	struct gw_crm_identity identity;
	const char *headers[HEADERS_MAX][2];
	const char *sum; /* bodySHA256 */
	struct gw_json_doc *doc;
};

static void destructor(void *arg)
{
	struct try *t = arg;

	mem_deref(t->secrets[0]);
	mem_deref(t->secrets[1]);
	mem_deref(t->password);
	mem_deref(t->doc);
}

static const char *header(const char *name, void *arg)
{
	const struct try *t = arg;

	for (size_t i = 0; i < HEADERS_MAX; i++)
		if (t->headers[i][0] && !str_casecmp(t->headers[i][0], name))
			return t->headers[i][1];
	return NULL;
}

static const char *query(const char *name, void *arg)
{
	const struct try *t = arg;

	return strcmp(name, "bodySHA256") ? NULL : t->sum;
}

static int secret(struct gw_secret **secretp, const char *text)
{
	char no[256];

	if (!text)
		return 0;
	if (gw_secret_alloc(secretp, text))
		return 1;
	return gw_secret_resolve(*secretp, true, 1, no, sizeof(no));
}

/* NULL: no memory. */
static struct try *begin(const char *profile, const char *one, const char *two,
			 const char *body)
{
	struct try *t = mem_zalloc(sizeof(*t), destructor);

	if (!t)
		return NULL;
	t->hook.profile = profile;
	if (secret(&t->secrets[0], one) || secret(&t->secrets[1], two))
		return mem_deref(t);
	t->hook.secrets.list = t->secrets;
	t->hook.secrets.count = two ? 2 : one ? 1 : 0;
	t->req = (struct gw_crm_request){
		.method = "POST",
		.url = "https://gw.example/hooks/crm",
		.body = (const uint8_t *)body,
		.len = strlen(body),
		.header = header,
		.query = query,
		.arg = t,
	};
	return t;
}

static int check(struct try *t)
{
	const struct gw_crm_profile *profile = gw_crm_profile(t->hook.profile);

	if (gw_crm_profile_needs_tree(profile)) {
		char why[GW_CRM_WHY_SIZE];

		t->doc = mem_deref(t->doc);
		if (gw_crm_tree(&t->doc,
				gw_crm_kind(NULL, t->req.body, t->req.len),
				t->req.body, t->req.len, why))
			return GW_CRM_MEMORY;
		t->req.tree = gw_json_root(t->doc);
	}
	return (int)gw_crm_check(&t->identity, profile, &t->hook, &t->req);
}

static void set(struct try *t, size_t i, const char *name, const char *value)
{
	t->headers[i][0] = name;
	t->headers[i][1] = value;
}

/* What was genuine isn't any more with another body, without each of its headers,
 * and with a bit of the signature flipped. */
static int breaks(struct try *t, size_t headers, size_t signature)
{
	char flipped[256];
	const struct gw_crm_request req = t->req;
	const char *was = t->headers[signature][1];

	CHECK(strlen(was) < sizeof(flipped));
	(void)str_ncpy(flipped, was, sizeof(flipped));
	flipped[strlen(flipped) - 3] ^= 1;
	t->headers[signature][1] = flipped;
	CHECK_INT(check(t), GW_CRM_WRONG);
	flipped[strlen(flipped) - 3] = '\0';
	CHECK_INT(check(t), GW_CRM_WRONG);
	t->headers[signature][1] = "";
	CHECK_INT(check(t), GW_CRM_WRONG);
	t->headers[signature][1] = was;

	t->req.body = (const uint8_t *)"{\"id\":2}";
	t->req.len = 8;
	CHECK_INT(check(t), GW_CRM_WRONG);
	t->req = req;

	for (size_t i = 0; i < headers; i++) {
		const char *name = t->headers[i][0];

		t->headers[i][0] = "X-Other";
		CHECK_INT(check(t), GW_CRM_WRONG);
		t->headers[i][0] = name;
	}
	CHECK_INT(check(t), GW_CRM_GENUINE);
	return 0;
}

/* Good for 300 s, and a minute ahead: not a millisecond more. */
static int ages(struct try *t, int64_t at_ms)
{
	static const struct {
		int64_t ms;
		int verdict;
	} rows[] = {
		{ 0, GW_CRM_GENUINE },       { 300000, GW_CRM_GENUINE },
		{ 300001, GW_CRM_STALE },    { -60000, GW_CRM_GENUINE },
		{ -60001, GW_CRM_STALE },    { 86400000, GW_CRM_STALE },
		{ -86400000, GW_CRM_STALE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		t->req.now_ms = at_ms + rows[i].ms;
		CHECK_INT(check(t), rows[i].verdict);
	}
	t->req.now_ms = at_ms;
	return 0;
}

static int test_crm_profile_github(void)
{
	OWNED struct try *t = begin("github", "It's a Secret to Everybody",
				    NULL, "Hello, World!");
	char by_body[GW_CRM_ID_MAX + 1];

	CHECK(t);
	set(t, 0, "X-Hub-Signature-256",
	    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c"
	    "8b043e17");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	(void)str_ncpy(by_body, t->identity.id, sizeof(by_body));
	CHECK(!t->identity.by_body && strlen(by_body) == 64);
	set(t, 1, "X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	CHECK_STR(t->identity.id, "72d3162e-cc78-11e3-81ab-4c9367dc0958");
	return breaks(t, 1, 0);
}
TEST(test_crm_profile_github);

static int test_crm_profile_stripe(void)
{
	OWNED struct try *t =
		begin("stripe", "another-one", "whsec_test", "{\"id\":1}");
	char id[GW_CRM_ID_MAX + 1];

	CHECK(t);
	t->req.now_ms = INT64_C(1674087231000);
	set(t, 0, "Stripe-Signature",
	    "t=1674087231,v1=4328ba4f64cc57d6d0c720c96b3eeff5c93259ed1ad115de"
	    "bb5beae8c3696b79");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	(void)str_ncpy(id, t->identity.id, sizeof(id));
	if (breaks(t, 1, 0) || ages(t, INT64_C(1674087231000)))
		return 1;

	/* written in another way it is the same webhook */
	set(t, 0, "Stripe-Signature",
	    "v0=x,v1=00,t=1674087231,v1=4328ba4f64cc57d6d0c720c96b3eeff5c9325"
	    "9ed1ad115debb5beae8c3696b79,v2=");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	CHECK_STR(t->identity.id, id);
	return 0;
}
TEST(test_crm_profile_stripe);

/* No two times, no sign, no blank, nothing that isn't a number. */
static int test_crm_profile_stripe_header(void)
{
	static const char *const rows[] = {
		"",
		",",
		"t=",
		"v1=",
		"t=1,t=1674087231,v1=4328ba4f64cc57d6d0c720c96b3eeff5c93259ed1a"
		"d115debb5beae8c3696b79",
		"t=+1674087231,v1=4328ba4f64cc57d6d0c720c96b3eeff5c93259ed1ad11"
		"5debb5beae8c3696b79",
		"t=1674087231, v1=4328ba4f64cc57d6d0c720c96b3eeff5c93259ed1ad11"
		"5debb5beae8c3696b79",
		"t=1674087231,v1=4328BA4F64CC57D6D0C720C96B3EEFF5C93259ED1AD115"
		"DEBB5BEAE8C3696B79",
		"t=16740872310000000000,v1=00",
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct try *t =
			begin("stripe", "whsec_test", NULL, "{\"id\":1}");

		CHECK(t);
		t->req.now_ms = INT64_C(1674087231000);
		set(t, 0, "Stripe-Signature", rows[i]);
		CHECK_INT(check(t), GW_CRM_WRONG);
	}
	return 0;
}
TEST(test_crm_profile_stripe_header);

static int test_crm_profile_zendesk(void)
{
	OWNED struct try *t =
		begin("zendesk", "dGhpc19zZWNyZXQ=", NULL, "{\"id\":1}");

	CHECK(t);
	t->req.now_ms = INT64_C(1674087231000);
	set(t, 0, "X-Zendesk-Webhook-Signature",
	    "SbRG831VH0NRePvqn0MMkXw0+NZXepECdW9ezXNj/c0=");
	set(t, 1, "X-Zendesk-Webhook-Signature-Timestamp",
	    "2023-01-19T00:13:51Z");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	return breaks(t, 2, 0) || ages(t, INT64_C(1674087231000));
}
TEST(test_crm_profile_zendesk);

/* Its library signs the URI as it is, its documentation without some escapes. */
static int test_crm_profile_hubspot(void)
{
	static const char *const signatures[] = {
		"giOa6ZJ4LmwN+EVLf5OAevrqviWU64SwAqTAL5rXV3g=",
		"eJGNmmcBUR26zGWAxHRXBxFI0kqllsulrLsjp4z3JrE=",
	};

	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
		OWNED struct try *t =
			begin("hubspot", "yyyyyyyy-yyyy", NULL, "[{\"x\":1}]");

		CHECK(t);
		t->req.now_ms = INT64_C(1674087231000);
		t->req.url = "https://gw.example/hooks/hub?a=%2Fb";
		set(t, 0, "X-HubSpot-Signature-v3", signatures[i]);
		set(t, 1, "X-HubSpot-Request-Timestamp", "1674087231000");
		CHECK_INT(check(t), GW_CRM_GENUINE);
		if (breaks(t, 2, 0) || ages(t, INT64_C(1674087231000)))
			return 1;
		t->req.url = "https://gw.example/hooks/hub?a=%2Fc";
		CHECK_INT(check(t), GW_CRM_WRONG);
	}
	return 0;
}
TEST(test_crm_profile_hubspot);

/* Versions 1 and 2 count where the hook says so, and never beside a version 3 that
 * is wrong; what they know it by is the body, whichever version it came with. The
 * hashes are those of HubSpot's own library. */
static int test_crm_profile_hubspot_old(void)
{
	static const char *const old[][2] = {
		{ "v1", "50346675007af567a7b72003846b6cc35fe93f388be4b061b62d44"
			"5db1db53ca" },
		{ "v2", "fd235e44a68608b660487102cdcb1da3c7ccb8018d7dbe23ea347f"
			"dd111b9cf0" },
	};
	char known[GW_CRM_ID_MAX + 1] = "";

	for (size_t i = 0; i < ARRAY_SIZE(old); i++) {
		OWNED struct try *t = begin("hubspot", "another-one",
					    "yyyyyyyy-yyyy", "[{\"x\":1}]");

		CHECK(t);
		t->req.url = "https://gw.example/hooks/hub?a=%2Fb";
		set(t, 0, "X-HubSpot-Signature", old[i][1]);
		set(t, 1, "X-HubSpot-Signature-Version", old[i][0]);
		CHECK_INT(check(t), GW_CRM_WRONG); /* off */
		t->hook.old_signatures = true;
		CHECK_INT(check(t), GW_CRM_GENUINE);
		if (i)
			CHECK_STR(t->identity.id, known);
		(void)str_ncpy(known, t->identity.id, sizeof(known));
		if (breaks(t, 2, 0))
			return 1;
		set(t, 1, "X-HubSpot-Signature-Version", i ? "v1" : "v2");
		CHECK_INT(check(t), GW_CRM_WRONG);
		set(t, 1, "X-HubSpot-Signature-Version", old[i][0]);
		set(t, 2, "X-HubSpot-Signature-v3", "wrong");
		CHECK_INT(check(t), GW_CRM_WRONG);
	}
	return 0;
}
TEST(test_crm_profile_hubspot_old);

/* The vectors that HubSpot's library tests itself with. */
static int test_crm_profile_hubspot_vectors(void)
{
	static const struct {
		const char *version, *method, *body, *hash;
	} rows[] = {
		{ "v1", "POST",
		  "[{\"eventId\":1,\"subscriptionId\":12345,\"portalId\":62515,"
		  "\"occurredAt\":1564113600000,\"subscriptionType\":"
		  "\"contact.creation\",\"attemptNumber\":0,\"objectId\":123,"
		  "\"changeSource\":\"CRM\",\"changeFlag\":\"NEW\",\"appId\":"
		  "54321}]",
		  "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f48"
		  "17de" },
		{ "v2", "GET", "",
		  "eee2dddcc73c94d699f5e395f4b9d454a069a6855fbfa152e91e88823087"
		  "200e" },
		{ "v2", "POST", "{\"example_field\":\"example_value\"}",
		  "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af"
		  "7900" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct try *t =
			begin("hubspot", "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
			      NULL, rows[i].body);

		CHECK(t);
		t->hook.old_signatures = true;
		t->req.method = rows[i].method;
		t->req.url = "https://www.example.com/webhook_uri";
		set(t, 0, "X-HubSpot-Signature", rows[i].hash);
		set(t, 1, "X-HubSpot-Signature-Version", rows[i].version);
		CHECK_INT(check(t), GW_CRM_GENUINE);
	}
	return 0;
}
TEST(test_crm_profile_hubspot_vectors);

/* The id is signed and is what a repetition keeps; the body may be any. */
static int test_crm_profile_standard_webhooks(void)
{
	OWNED struct try *t = begin("standard-webhooks",
				    "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
				    NULL, "{\"test\": 2432232314}");

	CHECK(t);
	t->req.now_ms = INT64_C(1614265330000);
	set(t, 0, "webhook-signature",
	    "v1a,xyz v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
	set(t, 1, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
	set(t, 2, "webhook-timestamp", "1614265330");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	CHECK_STR(t->identity.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
	return breaks(t, 3, 0) || ages(t, INT64_C(1614265330000));
}
TEST(test_crm_profile_standard_webhooks);

#define PUBLIC "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="

/* C3, D1: Ed25519 by RFC 8032's first key, signed by Node's crypto. */
static int test_crm_profile_standard_ed25519(void)
{
	OWNED struct try *t = begin("standard-webhooks", "whsec_aGFsbG8h",
				    PUBLIC, "{\"test\": 2432232314}");

	CHECK(t);
	t->req.now_ms = INT64_C(1614265330000);
	set(t, 0, "webhook-signature",
	    "v1,xyz v1a,fldxM4gAKugP6nnt1hdz3sgGfZ6d99nzrMFnZOELIxbzEHoVmAb2AD"
	    "pkJK7zgPePmPsle0zV9jSeGlHFG2NVAw==");
	set(t, 1, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
	set(t, 2, "webhook-timestamp", "1614265330");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	CHECK_STR(t->identity.id, "msg_p5jXN8AQM9LWM0D4loKWxJek");
	return breaks(t, 3, 0) || ages(t, INT64_C(1614265330000));
}
TEST(test_crm_profile_standard_ed25519);

/* Everybody has the public key: a MAC that was made with it, as text or as bytes,
 * proves nothing. Nor does what is no key verify anything. */
static int test_crm_profile_standard_public_is_no_secret(void)
{
	static const char *const macs[] = {
		"v1,ov8VOluDXY2Wo3ZUbIxuUYntREBz2le8wFFDvkWpPIY=",
		"v1,wDEakbG4o4gLyXGLqxLQZoy/W15C9sCNwRBGMYahrI8=",
	};
	static const char *const keys[] = { PUBLIC, "whpk_", "whpk_!!",
					    "whpk_MfKQ9r8GKYqrTwjUPD8ILPZI" };

	for (size_t k = 0; k < ARRAY_SIZE(keys); k++) {
		OWNED struct try *t = begin("standard-webhooks", keys[k], NULL,
					    "{\"test\": 2432232314}");

		CHECK(t);
		CHECK_INT(gw_crm_standard_key_ok(keys[k]), k == 0);
		t->req.now_ms = INT64_C(1614265330000);
		set(t, 1, "webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
		set(t, 2, "webhook-timestamp", "1614265330");
		for (size_t i = 0; i < ARRAY_SIZE(macs); i++) {
			set(t, 0, "webhook-signature", macs[i]);
			CHECK_INT(check(t), GW_CRM_WRONG);
		}
	}
	CHECK(gw_crm_standard_key_ok("whsec_whatever"));
	return 0;
}
TEST(test_crm_profile_standard_public_is_no_secret);

static int test_crm_profile_twilio_form(void)
{
	OWNED struct try *t =
		begin("twilio", "12345", NULL,
		      "To=%2B18005551212&From=%2B14158675309&Digits=1234&"
		      "Caller=%2B14158675309&CallSid=CA1234567890ABCDE");

	CHECK(t);
	t->req.content_type = "application/x-www-form-urlencoded";
	t->req.url = "https://mycompany.com/myapp.php?foo=1&bar=2";
	set(t, 0, "X-Twilio-Signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	if (breaks(t, 1, 0))
		return 1;
	t->req.url = "https://mycompany.com/myapp.php?foo=1&bar=3";
	CHECK_INT(check(t), GW_CRM_WRONG);
	return 0;
}
TEST(test_crm_profile_twilio_form);

static int test_crm_profile_twilio_json(void)
{
	OWNED struct try *t = begin("twilio", "12345678", NULL, "{\"a\":1}");

	CHECK(t);
	t->req.content_type = "application/json";
	t->req.url = "https://gw.example/hooks/tw?bodySHA256=015abd7f5cc57a2dd"
		     "94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
	t->sum = strchr(t->req.url, '=') + 1;
	set(t, 0, "X-Twilio-Signature", "FsgMswZmOS9xWKsgPZbTtMwKArM=");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	if (breaks(t, 1, 0))
		return 1;
	t->sum = NULL; /* then nothing vouches for the body */
	CHECK_INT(check(t), GW_CRM_WRONG);
	return 0;
}
TEST(test_crm_profile_twilio_json);

/* D4: each of the secrets counts, and no others. */
static int test_crm_profile_two_secrets(void)
{
	OWNED struct try *t = begin("bearer", "the-old-one", "the-new-one", "");

	CHECK(t);
	set(t, 0, "Authorization", "Bearer the-old-one");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	set(t, 0, "Authorization", "bearer  the-new-one");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	CHECK(t->identity.by_body);
	set(t, 0, "Authorization", "Bearer the-new-on");
	CHECK_INT(check(t), GW_CRM_WRONG);
	set(t, 0, "Authorization", "the-new-one");
	CHECK_INT(check(t), GW_CRM_WRONG);
	t->hook.header = "X-Api-Key";
	set(t, 0, "X-API-Key", "the-new-one");
	set(t, 1, "Idempotency-Key", "click-7");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	CHECK_STR(t->identity.id, "click-7");
	CHECK(!t->identity.by_body);
	return 0;
}
TEST(test_crm_profile_two_secrets);

static int test_crm_profile_basic(void)
{
	OWNED struct try *t = begin("pipedrive", NULL, NULL, "{}");

	CHECK(t);
	t->hook.user = "Aladdin";
	CHECK_OK(secret(&t->password, "open sesame"));
	t->hook.password = t->password;
	set(t, 0, "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	CHECK_INT(check(t), GW_CRM_GENUINE);
	set(t, 0, "Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZg==");
	CHECK_INT(check(t), GW_CRM_WRONG);
	set(t, 0, "Authorization", "Basic !");
	CHECK_INT(check(t), GW_CRM_WRONG);
	set(t, 0, "Authorization", "Basic");
	CHECK_INT(check(t), GW_CRM_WRONG);
	set(t, 0, "X-Other", "");
	CHECK_INT(check(t), GW_CRM_WRONG);
	return 0;
}
TEST(test_crm_profile_basic);

/* Zoho, Bitrix24 and Salesforce say it in the body. */
static int test_crm_profile_tokens(void)
{
	static const struct {
		const char *profile, *right, *wrong;
	} rows[] = {
		{ "zoho", "{\"token\":\"sesame-7\"}",
		  "{\"token\":\"sesame-8\"}" },
		{ "zoho", "{\"token\":\"sesame-7\"}",
		  "{\"token\":[\"sesame-7\"]}" },
		{ "bitrix24", "{\"auth\":{\"application_token\":\"sesame-7\"}}",
		  "{\"auth\":\"sesame-7\"}" },
		{ "salesforce",
		  "<Envelope><Body><notifications><OrganizationId>sesame-7"
		  "</OrganizationId></notifications></Body></Envelope>",
		  "<Envelope><Body><notifications/></Body></Envelope>" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWNED struct try *t =
			begin(rows[i].profile, "sesame-7", NULL, rows[i].right);

		CHECK(t);
		CHECK_INT(check(t), GW_CRM_GENUINE);
		t->req.body = (const uint8_t *)rows[i].wrong;
		t->req.len = strlen(rows[i].wrong);
		CHECK_INT(check(t), GW_CRM_WRONG);
	}
	return 0;
}
TEST(test_crm_profile_tokens);

/* Every word of the setting has its row. */
static int test_crm_profile_of_every_word(void)
{
	static const char *const words[] = {
		"hubspot",  "pipedrive",         "zoho",   "salesforce",
		"bitrix24", "zendesk",           "github", "stripe",
		"twilio",   "standard-webhooks", "basic",  "bearer",
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		CHECK(gw_crm_profile(words[i]));
	CHECK(!gw_crm_profile("none"));
	return 0;
}
TEST(test_crm_profile_of_every_word);
