/* What may be dialled, what may not, and what it becomes on the wire. */
#include <errno.h>
#include <stdio.h>

#include "sip/address.h"
#include "tests/test.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct gw_dial_rules plain = { .domain = "pbx.example" };
static const struct gw_dial_rules germany = { .domain = "pbx.example",
					      .country = "DE" };

struct want {
	const char *text, *uri, *number;
};

static int check_all(const struct gw_dial_rules *rules, const struct want *rows,
		     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct gw_address addr;
		const char *why = "";

		if (gw_address_parse(&addr, rows[i].text, rules, &why)) {
			test_fail(__FILE__, __LINE__, "%s: refused: %s",
				  rows[i].text, why);
			return 1;
		}
		CHECK_STR(addr.uri, rows[i].uri);
		CHECK_STR(addr.number, rows[i].number);
	}

	return 0;
}

static int check_refused(const struct gw_dial_rules *rules,
			 const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct gw_address addr = { .uri = "untouched" };
		const char *why = NULL;

		if (gw_address_parse(&addr, texts[i], rules, &why) != EINVAL) {
			test_fail(__FILE__, __LINE__, "%s: not refused: %s",
				  texts[i], addr.uri);
			return 1;
		}
		CHECK_STR(addr.uri, "untouched");
		CHECK(why && strlen(why) > 10);
	}

	return 0;
}

static int test_address_numbers_without_a_country(void)
{
	static const struct want rows[] = {
		{ "853", "sip:853@pbx.example", "853" },
		{ "10", "sip:10@pbx.example", "10" },
		{ "123456789012345", "sip:123456789012345@pbx.example",
		  "123456789012345" },
		{ "030123456", "sip:030123456@pbx.example", "030123456" },
		{ "+4930123456", "sip:+4930123456@pbx.example", "+4930123456" },
		{ "+123456789012345", "sip:+123456789012345@pbx.example",
		  "+123456789012345" },
	};

	return check_all(&plain, rows, COUNT(rows));
}
TEST_WITHOUT_OOM(test_address_numbers_without_a_country, "pure");

static int test_address_refuses_what_is_no_number(void)
{
	static const char *const texts[] = {
		"",
		"1",
		"+",
		"+1",
		"+123456",
		"+0123456789",
		"+1234567890123456",
		"1234567890123456",
		"00493012345",
		"0012",
		"85 3",
		"030-123456",
		"(030) 123456",
		"030.123456",
		"++4930123456",
		"49+30123456",
		"853,200",
		"853;ext=1",
		"853p1",
		"*97",
		"853#",
		"+49*30123456",
		"853\n",
		"853\r\nX-Evil: 1",
		"853@evil.example",
		" 853",
		"\xd9\xa1\xd9\xa2\xd9\xa3", /* digits of another script */
		"<853>",
		"\"853\"",
		"tel:+4930123456",
		"tel:853;phone-context=evil.example",
		"sips:853@pbx.example",
		"http://853",
		"alice",
		"javascript:alert(1)",
	};

	return check_refused(&plain, texts, COUNT(texts));
}
TEST_WITHOUT_OOM(test_address_refuses_what_is_no_number, "pure");

static int test_address_feature_codes_where_allowed(void)
{
	static const struct gw_dial_rules codes = { .domain = "pbx",
						    .country = "DE",
						    .prefix = "0",
						    .feature_codes = true };
	static const struct want rows[] = {
		{ "*97", "sip:*97@pbx", "*97" },
		{ "#31#", "sip:%2331%23@pbx", "#31#" },
		{ "*21*030123456#", "sip:*21*030123456%23@pbx",
		  "*21*030123456#" },
		{ "sip:*97", "sip:*97@pbx", "*97" },
		{ "sip:%2331%23@pbx", "sip:%2331%23@pbx", "#31#" },
	};
	static const char *const texts[] = { "+49*3012345", "00*97", "*" };

	return check_all(&codes, rows, COUNT(rows)) ||
	       check_refused(&codes, texts, COUNT(texts));
}
TEST_WITHOUT_OOM(test_address_feature_codes_where_allowed, "pure");

static int test_address_numbers_of_a_country(void)
{
	static const struct {
		const char *country, *text, *number;
	} rows[] = {
		{ "DE", "030123456", "+4930123456" },
		{ "de", "0049301234567", "+49301234567" },
		{ "DE", "00441632960001", "+441632960001" },
		{ "DE", "+441632960001", "+441632960001" },
		{ "DE", "853", "853" },
		{ "DE", "112", "112" },
		{ "DE", "0123", "0123" },
		{ "DE", "1234567", "1234567" },
		{ "AT", "01234567", "+431234567" },
		{ "GB", "02079460000", "+442079460000" },
		{ "FR", "0123456789", "+33123456789" },
		{ "US", "2125550123", "+12125550123" },
		{ "US", "12125550123", "+12125550123" },
		{ "US", "01144163296000", "+44163296000" },
		{ "US", "5550123", "5550123" },
		{ "IT", "0612345678", "+390612345678" },
		{ "IT", "3331234567", "+393331234567" },
		{ "IT", "853", "853" },
		{ "ES", "912345678", "+34912345678" },
		{ "RU", "84951234567", "+74951234567" },
		{ "RU", "4951234567", "+74951234567" },
		{ "RU", "810493012345", "+493012345" },
		{ "HU", "0612345678", "+3612345678" },
		{ "JP", "0312345678", "+81312345678" },
		{ "JP", "010493012345", "+493012345" },
		{ "AU", "0011493012345", "+493012345" },
		{ "BY", "80291234567", "+375291234567" },
		{ "CN", "13812345678", "+8613812345678" },
		{ "IN", "09812345678", "+919812345678" },
		{ "DK", "12345678", "+4512345678" },
		{ "CH", "0441234567", "+41441234567" },
		{ "KE", "000493012345", "+493012345" },
		{ "XX", "030123456", "030123456" },
	};
	static const char *const texts[] = { "000493012345", "00123",
					     "0012345678901234" };

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct gw_dial_rules rules = {
			.domain = "pbx", .country = rows[i].country
		};
		struct gw_address addr;
		char uri[64];

		CHECK_OK(gw_address_parse(&addr, rows[i].text, &rules, NULL));
		CHECK_STR(addr.number, rows[i].number);
		/* as_is: what was typed is dialled */
		(void)snprintf(uri, sizeof(uri), "sip:%s@pbx", rows[i].text);
		CHECK_STR(addr.uri, uri);
	}

	return check_refused(&germany, texts, COUNT(texts));
}
TEST_WITHOUT_OOM(test_address_numbers_of_a_country, "pure");

static int test_address_writes_as_the_line_wants(void)
{
	static const struct {
		struct gw_dial_rules rules;
		const char *text, *uri;
	} rows[] = {
		/* clang-format off */
		{ { .country = "DE", .format = "e164" }, "030123456", "sip:+4930123456@pbx" },
		{ { .country = "DE", .format = "e164" }, "853", "sip:853@pbx" },
		{ { .country = "DE", .format = "e164_no_plus" }, "0044163296000", "sip:44163296000@pbx" },
		{ { .country = "DE", .format = "national" }, "+4930123456", "sip:030123456@pbx" },
		{ { .country = "DE", .format = "national" }, "+44163296000", "sip:0044163296000@pbx" },
		{ { .country = "US", .format = "national" }, "+12125550123", "sip:12125550123@pbx" },
		{ { .country = "ES", .format = "national" }, "+34912345678", "sip:912345678@pbx" },
		/* a PBX with 0 for the outside line */
		{ { .country = "DE", .format = "national", .prefix = "0" }, "+4930123456", "sip:0030123456@pbx" },
		{ { .country = "DE", .format = "national", .prefix = "0" }, "853", "sip:853@pbx" },
		/* a trunk with a technical prefix; the plus can't stand inside */
		{ { .format = "e164", .prefix = "1234#" }, "+4930123456", "sip:1234%234930123456@pbx" },
		{ { .format = "as_is", .strip = "+49", .prefix = "0" }, "+4930123456", "sip:030123456@pbx" },
		{ { .strip = "9" }, "9301234567", "sip:301234567@pbx" },
		{ { .strip = "9" }, "911", "sip:911@pbx" },
		/* clang-format on */
	};
	static const struct gw_dial_rules bad[] = {
		{ .domain = "pbx", .format = "upside_down" },
		{ .domain = "pbx", .format = "national" },
		{ .domain = "pbx", .format = "national", .country = "BR" },
		{ .domain = "pbx", .prefix = "0;" },
		{ .domain = "pbx", .strip = "+4930123456" },
		{ .domain = "pbx\r\nX: y" },
		{ .domain = "" },
		{ .domain = NULL },
	};
	static const char *const text[] = { "+4930123456" };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_dial_rules rules = rows[i].rules;
		struct gw_address addr;

		rules.domain = "pbx";
		CHECK_OK(gw_address_parse(&addr, rows[i].text, &rules, NULL));
		CHECK_STR(addr.uri, rows[i].uri);
	}

	for (size_t i = 0; i < COUNT(bad); i++) {
		if (check_refused(&bad[i], text, 1))
			return 1;
	}

	return 0;
}
TEST_WITHOUT_OOM(test_address_writes_as_the_line_wants, "pure");

static int test_address_sip_uris(void)
{
	static const struct gw_dial_rules port = { .domain = "PBX.example:5070",
						   .country = "DE" };
	static const struct {
		const char *text, *uri, *number, *host;
		bool own;
	} rows[] = {
		/* clang-format off */
		{ "sip:853", "sip:853@pbx.example:5070", "853", "pbx.example", true },
		{ "SIP:alice", "sip:alice@pbx.example:5070", "", "pbx.example", true },
		{ "sip:1", "sip:1@pbx.example:5070", "1", "pbx.example", true },
		{ "sip:853@pbx.EXAMPLE", "sip:853@pbx.example:5070", "853", "pbx.example", true },
		{ "sip:853@pbx.example:5070", "sip:853@pbx.example:5070", "853", "pbx.example", true },
		{ "sip:853@pbx.example:5060", "sip:853@pbx.example:5060", "", "pbx.example", false },
		{ "sip:030123456@pbx.example", "sip:030123456@pbx.example:5070", "+4930123456", "pbx.example", true },
		{ "sip:853;transport=TCP", "sip:853@pbx.example:5070;transport=tcp", "853", "pbx.example", true },
		{ "sip:bob@other.example;transport=tls", "sip:bob@other.example;transport=tls", "", "other.example", false },
		{ "sip:030123456@other.example", "sip:030123456@other.example", "", "other.example", false },
		{ "sip:+4930123456@other.example", "sip:+4930123456@other.example", "+4930123456", "other.example", false },
		{ "sip:bob@192.0.2.1:5062", "sip:bob@192.0.2.1:5062", "", "192.0.2.1", false },
		{ "sip:bob@[2001:DB8::0:1]:5062", "sip:bob@[2001:db8::1]:5062", "", "2001:db8::1", false },
		{ "sip:bob@xn--mnchen-3ya.example", "sip:bob@xn--mnchen-3ya.example", "", "xn--mnchen-3ya.example", false },
		{ "sip:a.b_c-d+e~f!g*h'i(j)k&l=m$n@h", "sip:a.b_c-d+e~f!g*h'i(j)k&l=m$n@h", "", "h", false },
		{ "sip:j%C3%BCrgen@h", "sip:j%C3%BCrgen@h", "", "h", false },
		{ "sip:alice%40home@h", "sip:alice%40home@h", "", "h", false },
		/* clang-format on */
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct gw_address addr;
		const char *why = "";

		if (gw_address_parse(&addr, rows[i].text, &port, &why)) {
			test_fail(__FILE__, __LINE__, "%s: refused: %s",
				  rows[i].text, why);
			return 1;
		}
		CHECK_STR(addr.uri, rows[i].uri);
		CHECK_STR(addr.number, rows[i].number);
		CHECK_STR(addr.host, rows[i].host);
		CHECK_INT(addr.own_domain, rows[i].own);
		CHECK_INT(addr.kind, GW_ADDRESS_SIP);
	}

	return 0;
}
TEST_WITHOUT_OOM(test_address_sip_uris, "pure");

static int test_address_refuses_hostile_uris(void)
{
	static const char *const texts[] = {
		"sip:",
		"sip:@pbx.example",
		"sip:a@",
		"sip:a@b@c",
		"sip:a:secret@b",
		"sip:a b@c",
		"sip:a\r\nVia: x@c",
		"sip:a@c\r\nVia: x",
		"sip:a@c\n",
		"sip:a\t@c",
		"sip:<a>@c",
		"sip:\"a\"@c",
		"sip:a\\@c",
		"sip:a@c>;tag=1",
		"sip:a@c?Subject=x",
		"sip:a?b@c",
		"sip:a;b@c",
		"sip:a;phone-context=x@c",
		"sip:a,b@c",
		"sip:a/b@c",
		"sip:a#b@c",
		"sip:a%0d%0ab@c",
		"sip:%31%31%32@c", /* 112, and no policy would see it */
		"sip:%61@c",
		"sip:a%00@c",
		"sip:a%22@c",
		"sip:a%3C@c",
		"sip:a%3e@c",
		"sip:a%5C@c",
		"sip:a%7f@c",
		"sip:a%20@c",
		"sip:a%3b@c",
		"sip:a%2C@c",
		"sip:a%25%30%61@c",
		"sip:a%@c",
		"sip:a%4@c",
		"sip:a%zz@c",
		"sip:a%ff@c",
		"sip:a%C2%85@c",
		"sip:a%E2%80%AE@c", /* right-to-left override */
		"sip:a%C0%8A@c",    /* an overlong line feed */
		"sip:a\xc3\xbc@c",
		"sip:a@c;transport=ws",
		"sip:a@c;transport=",
		"sip:a@c;transport=udp;lr",
		"sip:a@c;maddr=10.0.0.1",
		"sip:a@c;",
		"sip:a@c:0",
		"sip:a@c:65536",
		"sip:a@c:05060",
		"sip:a@c:5060x",
		"sip:a@c:",
		"sip:a@-c",
		"sip:a@c-",
		"sip:a@c..d",
		"sip:a@.c",
		"sip:a@c.",
		"sip:a@c_d",
		"sip:a@1.2.3",
		"sip:a@1.2.3.256",
		"sip:a@01.2.3.4",
		"sip:a@m\xc3\xbcnchen.example",
		"sip:a@[::1",
		"sip:a@[::1]x",
		"sip:a@[::ffff:192.0.2.1]",
		"sip:a@[::ffff:c000:201]",
		"sip:a@[::5d:1]",
		"sip:a@[::g]",
		"sip:a@[fe80::1%25eth0]",
		"sip:a@[]",
		"sip:00493012345@pbx.example",
		"sip:0049301234567",
		"sip:*97@pbx.example",
		"sip:%2397",
		"sip:1234567890123456",
	};

	return check_refused(&plain, texts, COUNT(texts));
}
TEST_WITHOUT_OOM(test_address_refuses_hostile_uris, "pure");

static int test_address_too_long(void)
{
	char text[400] = "sip:";
	struct gw_address addr;
	const char *why = NULL;

	memset(text + 4, 'a', GW_URI_MAX - 4);
	CHECK_ERR(gw_address_parse(&addr, text, &plain, &why), EOVERFLOW);
	text[GW_URI_MAX - 4 - strlen("@pbx.example") + 4] = '\0';
	CHECK_OK(gw_address_parse(&addr, text, &plain, &why));
	CHECK_INT(strlen(addr.uri), GW_URI_MAX);

	memset(text, '1', sizeof(text) - 1);
	CHECK_ERR(gw_address_parse(&addr, text, &plain, &why), EOVERFLOW);
	CHECK(why != NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_address_too_long, "pure");

static int test_address_simulated_callees(void)
{
	static const struct gw_dial_rules v6 = { .domain = "[::1]:5099" };
	static const struct want rows[] = {
		{ "sim:busy", "sip:busy@[::1]:5099", "" },
		{ "sim:press-1", "sip:press-1@[::1]:5099", "" },
	};
	static const char *const texts[] = {
		"sim:",    "sim:Busy", "sim:a@b",
		"sim:a;b", "sim:a\nb", "sim:abcdefghijklmnopqrstuvwxyz0123456",
	};

	return check_all(&v6, rows, COUNT(rows)) ||
	       check_refused(&v6, texts, COUNT(texts));
}
TEST_WITHOUT_OOM(test_address_simulated_callees, "pure");
