/* "Did you mean": the known word that is nearest to a mistyped one, and the
 * setting that was meant by a name that is none. */
#include "config/config_load.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include <re_types.h>

#include "config/config_table.h"

enum { WORD_MAX = 48 };

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned min = a < b ? a : b;

	return min < c ? min : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Letters to add, drop, change or swap with their neighbour to get from a to b
 * (optimal string alignment), upper and lower case being one. */
static unsigned distance(const char *a, const char *b)
{
	unsigned d[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;

	for (j = 0; j <= lb; j++)
		d[0][j] = (unsigned)j;

	for (i = 1; i <= la; i++) {
		unsigned *row = d[i % 3], *up = d[(i - 1) % 3],
			 *up2 = d[(i + 1) % 3];

		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			row[j] = min3(up[j] + 1, row[j - 1] + 1,
				      up[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1]) && up2[j - 2] + 1 < row[j])
				row[j] = up2[j - 2] + 1;
		}
	}

	return d[la % 3][lb];
}

const char *gw_config_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	unsigned least = 3; /* more than two mistakes are another word */

	for (; *names; names++) {
		unsigned d = distance(word, *names);

		/* half of a short word may not be guessed */
		if (d < least && 2 * d < strlen(*names) + 1) {
			least = d;
			best = *names;
		}
	}

	return best;
}

/* Words that people bring along from other programs. */
static const char *known_elsewhere(const char *name)
{
	static const char *const words[][2] = {
		{ "username", "user" },        { "login", "user" },
		{ "host", "domain" },          { "server", "domain" },
		{ "registrar", "domain" },     { "auth_id", "auth_user" },
		{ "authid", "auth_user" },     { "auth_name", "auth_user" },
		{ "display", "display_name" }, { "callerid", "caller_id" },
		{ "proxy", "proxies" },        { "key", "secret" },
		{ "secret", "password" },      { "bind", "listen" },
		{ "address", "listen" },       { "outbound_proxy", "proxies" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if (!strcmp(words[i][0], name))
			return words[i][1];
	}

	return name;
}

const char *gw_config_hint(const char *prefix, const char *name, char *buf,
			   size_t size)
{
	const struct gw_config_row *row = NULL;
	const char *given = known_elsewhere(name);
	const char *best = NULL;

	while ((row = gw_config_row_next(row, prefix))) {
		const char *start = row->pointer + strlen(prefix);
		const char *names[2] = { NULL, NULL };
		char part[64];

		(void)snprintf(part, sizeof(part), "%.*s",
			       (int)strcspn(start, "/"), start);
		names[0] = part;
		if (!gw_config_nearest(given, names))
			continue;

		if (!best || !strcmp(given, part)) {
			(void)snprintf(buf, size, "%s", part);
			best = buf;
		}
	}

	return best;
}
