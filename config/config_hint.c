/* "Did you mean": the known word that is nearest to a mistyped one. */
#include "config/config_table.h"

#include <ctype.h>
#include <string.h>

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
