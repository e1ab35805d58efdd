/* Words of a client that mean something to us alone: cursors, Last-Event-ID, lists of
 * ETags, Idempotency-Keys, and what shows who asks. The first byte says which. Nobody
 * who doesn't know a secret gets in, nor makes a cursor up. */
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "config/config.h"
#include "server/auth.h"
#include "server/cursor.h"
#include "server/http.h"
#include "server/idempotency_key.h"
#include "server/sse_reader.h"
#include "server/store.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t secret[GW_STORE_SECRET] =
	"nobody knows what stands in here";

static void try_cursor(const char *text)
{
	const struct gw_cursor_of of = { secret, "calls", "a" };
	char position[GW_CURSOR_POSITION], cursor[GW_CURSOR_SIZE];

	ENSURE(!gw_cursor_read(position, &of, text));
	if (!gw_cursor_print(cursor, &of, text)) {
		ENSURE(gw_cursor_read(position, &of, cursor));
		ENSURE(!strcmp(position, text));
	}
}

static void try_last_id(const char *text)
{
	enum { HEAD = 1000, PRUNED = 10 };
	uint64_t after = 0;

	if (gw_sse_start(&after, text, HEAD, PRUNED) == GW_SSE_AFTER)
		ENSURE(strspn(text, "0123456789") == strlen(text));
	ENSURE(after <= HEAD);
	(void)gw_sse_start_call(&after, text, HEAD, HEAD - 1);
	ENSURE(after <= HEAD);
}

static void try_etags(const char *text)
{
	static const char etag[] = "\"00112233445566778899aabbccddeeff\"";

	/* who matches strongly matches weakly; a match names it, or all */
	if (gw_http_etag_listed(text, etag, true))
		ENSURE(gw_http_etag_listed(text, etag, false));
	if (gw_http_etag_listed(text, etag, false))
		ENSURE(strstr(text, etag) || strchr(text, '*'));
}

static void try_idempotency_key(const char *text)
{
	char key[GW_IDEMPOTENCY_KEY_SIZE];

	if (!gw_idempotency_key_read(key, text))
		return;
	ENSURE(key[0] && strstr(text, key));
	ENSURE(!strpbrk(key, " \r\n\t\x7f"));
}

static struct gw_auth *auth_of_one_key(void)
{
	static const char json[] =
		"{\"allow_inline\":true,\"keys\":[{\"name\":\"a\","
		"\"secret\":\"nobody-would-guess-1234\"}]}";
	static struct gw_config_errors errs;
	struct gw_config *cfg = NULL;
	struct gw_auth *auth = NULL;

	ENSURE(!gw_config_parse(&cfg, json, sizeof(json) - 1, &errs));
	ENSURE(!gw_auth_alloc(&auth, cfg, secret));
	mem_deref(cfg);
	return auth;
}

static void try_auth(const char *text)
{
	static struct gw_auth *auth;
	static uint64_t now_ms = 1;
	const struct gw_auth_try shown[] = {
		{ .authorization = text, .client = "192.0.2.1" },
		{ .cookie = text, .client = "192.0.2.2" },
		{ .ticket = text, .call_id = "call_X", .client = "192.0.2.3" },
		{ .authorization = text, .origin = text, .client = text },
	};
	char cookie[GW_AUTH_COOKIE_SIZE];

	auth = auth ? auth : auth_of_one_key();
	now_ms += 60000; /* those who guess too often are not looked at */
	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		const struct gw_key *key = NULL;
		enum gw_auth_way way;
		const char *why = NULL;

		ENSURE(gw_auth_check(auth, &key, &way, &shown[i], now_ms,
				     1800000000, &why) != GW_AUTH_OK);
		ENSURE(!key);
	}
	ENSURE(gw_auth_login(auth, cookie, text, "192.0.2.4", now_ms) !=
	       GW_AUTH_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const tries[])(const char *text) = {
		try_cursor,          try_last_id, try_etags,
		try_idempotency_key, try_auth,
	};
	char *text;

	if (!size)
		return 0;
	text = malloc(size);
	ENSURE(text);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	tries[data[0] % ARRAY_SIZE(tries)](text);
	free(text);
	return 0;
}
