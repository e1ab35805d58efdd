/* Whatever gw_address_parse() accepts can stand in a header, and libre reads
 * from it the same user and host that we did. The first byte picks the rules. */
#include <string.h>

#include <re.h>

#include "sip/address.h"
#include "tests/fuzz/fuzz.h"

static const struct gw_dial_rules rules[] = {
	{ .domain = "pbx.example" },
	{ .domain = "pbx.example:5070", .country = "DE", .format = "e164" },
	{ .domain = "[::1]:5099", .country = "US", .format = "national" },
	{ .domain = "192.0.2.1",
	  .country = "RU",
	  .format = "national",
	  .prefix = "0",
	  .feature_codes = true },
	{ .domain = "h",
	  .format = "e164_no_plus",
	  .strip = "49",
	  .prefix = "99#",
	  .feature_codes = true },
};

static void check_accepted(const struct gw_address *addr)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-_.!~*'()&=+$%@:;[]";
	struct uri uri;
	struct pl pl;
	const size_t len = strlen(addr->uri);
	const char *user = addr->uri + strlen("sip:");
	const char *at = strchr(addr->uri, '@');

	ENSURE(len <= GW_URI_MAX);
	ENSURE(strspn(addr->uri, safe) == len);
	ENSURE(at && !strchr(at + 1, '@'));
	ENSURE(strspn(addr->number, "+*#0123456789") == strlen(addr->number));
	ENSURE(strncmp(addr->number, "00", 2) != 0);

	pl_set_str(&pl, addr->uri);
	ENSURE(!uri_decode(&uri, &pl));
	ENSURE(!pl_strcmp(&uri.scheme, "sip"));
	ENSURE(uri.user.l == (size_t)(at - user));
	ENSURE(!memcmp(uri.user.p, user, uri.user.l));
	ENSURE(!pl_strcmp(&uri.host, addr->host));
	ENSURE(!pl_isset(&uri.password) && !pl_isset(&uri.headers));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512] = "";
	struct gw_address addr;
	const char *why = NULL;

	if (size < 1 || size > sizeof(text))
		return 0;

	memcpy(text, data + 1, size - 1);
	if (gw_address_parse(
		    &addr, text,
		    &rules[data[0] % (sizeof(rules) / sizeof(rules[0]))], &why))
		ENSURE(why != NULL);
	else
		check_accepted(&addr);

	return 0;
}
