/* sip/libre/shape.c - addresses and URIs that libre would take long for.
 *
 * Its regular expressions begin anew at each letter where they don't fit, so a long
 * word that fails at its end costs the square of its length: 60 ms of the loop for
 * the 4000 bytes that a Contact may have. Linked with --wrap: what has such a shape
 * is refused at once, and no address that anybody uses has one. */
#include <errno.h>
#include <string.h>

#include <re.h>

enum { LONG = 128 }; /* bytes: below, the square is small */

int __real_sip_addr_decode(struct sip_addr *addr, const struct pl *pl);
int __wrap_sip_addr_decode(struct sip_addr *addr, const struct pl *pl);
int __real_uri_decode(struct uri *uri, const struct pl *pl);
int __wrap_uri_decode(struct uri *uri, const struct pl *pl);

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Words in front of <, of which the last one alone may be long. */
static bool has_long_word(const struct pl *pl)
{
	const char *end = pl->p + pl->l, *word = pl->p;

	for (const char *p = pl->p; p < end && *p != '<'; p++) {
		const char *next = p;

		if (!is_one_of(*p, " \t\r\n"))
			continue;
		while (next < end && is_one_of(*next, " \t\r\n"))
			next++;
		if (p - word > LONG && next < end && *next != '<')
			return true;
		word = next;
		p = next - 1;
	}

	return false;
}

int __wrap_sip_addr_decode(struct sip_addr *addr, const struct pl *pl)
{
	if (pl && pl->l > LONG && has_long_word(pl))
		return EBADMSG;

	return __real_sip_addr_decode(addr, pl);
}

/* scheme:user@host or scheme:host, where the host has at least one character. */
static bool has_host(const struct pl *pl)
{
	const char *end = pl->p + pl->l;
	const char *colon = memchr(pl->p, ':', pl->l), *at;

	if (!colon)
		return true; /* one look is enough for that */
	if (colon == pl->p)
		return false;

	at = memchr(colon, '@', (size_t)(end - colon));
	if (!at)
		at = colon;
	return at + 1 < end && !is_one_of(at[1], "/;? ");
}

int __wrap_uri_decode(struct uri *uri, const struct pl *pl)
{
	if (pl && pl->l > LONG && !has_host(pl))
		return EBADMSG;

	return __real_uri_decode(uri, pl);
}
