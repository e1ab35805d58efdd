/* Addresses and URIs that libre's regular expressions would take long for, and
 * those that they are for (sip/libre/shape.c). */
#include <re.h>

#include "tests/test.h"

static char text[16 * 1024];

/* before, n times c, after */
static struct pl make(const char *before, char c, size_t n, const char *after)
{
	struct pl pl = { text, 0 };

	while (*before)
		text[pl.l++] = *before++;
	while (n--)
		text[pl.l++] = c;
	while (*after)
		text[pl.l++] = *after++;
	return pl;
}

static int addr_of(const char *before, char c, size_t n, const char *after)
{
	const struct pl pl = make(before, c, n, after);
	struct sip_addr addr;

	return sip_addr_decode(&addr, &pl);
}

static int uri_of(const char *before, char c, size_t n, const char *after)
{
	const struct pl pl = make(before, c, n, after);
	struct uri uri;

	return uri_decode(&uri, &pl);
}

static int test_shape_of_addresses(void)
{
	CHECK_OK(addr_of("\"", 'a', 300, "\" <sip:a@b>;tag=1"));
	CHECK_OK(addr_of("A B C <sip:", 'a', 300, "@b>"));
	CHECK_OK(addr_of("sip:", 'a', 300, "@b;tag=1"));
	CHECK_OK(addr_of("<sip:a@b>;x=", 'a', 300, " ; tag=1"));
	CHECK_ERR(addr_of("", 'a', 12000, " b"), EBADMSG);
	CHECK_ERR(addr_of("b ", 'a', 12000, " b <sip:a@b>"), EBADMSG);
	return 0;
}
TEST(test_shape_of_addresses);

static int test_shape_of_uris(void)
{
	CHECK_OK(uri_of("sip:", 'a', 300, "@b"));
	CHECK_OK(uri_of("sip:a@", 'b', 300, ";transport=tcp?x=y"));
	CHECK_OK(uri_of("sip:a:", 'p', 300, "@b"));
	CHECK(uri_of("", 'a', 12000, ""));
	CHECK_ERR(uri_of("sip:", 'a', 12000, "@"), EBADMSG);
	CHECK_ERR(uri_of("sip:", 'a', 12000, "@;x"), EBADMSG);
	CHECK_ERR(uri_of("", 'a', 12000, ":/x"), EBADMSG);
	CHECK_ERR(uri_of(":", 'a', 12000, ":/x"), EBADMSG);
	return 0;
}
TEST(test_shape_of_uris);
