/* Numbering plans, as far as dialling needs them: one row for each country.
 *
 * The table tells a national number from an extension, nothing more: it does
 * not know which ranges are mobile, dear or dead. Where a plan is too rich for
 * a row (carrier codes in front of every call abroad), the column is empty and
 * the number has to be given with its plus. */
#include "sip/country.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A national number without its trunk prefix has min to max digits. With bare
 * digits or more (0: never) it is one without the trunk prefix too. */
struct gw_country {
	char iso[3];
	char code[4];  /* country code                         */
	char intl[5];  /* in front of calls abroad; "": no one */
	char trunk[3]; /* in front of national numbers         */
	uint8_t min, max, bare;
};

static const struct gw_country countries[] = {
	/* clang-format off */
	{ "AE", "971", "00",   "0",  8, 9,  0  },
	{ "AR", "54",  "00",   "0",  10, 11, 0 },
	{ "AT", "43",  "00",   "0",  5, 13, 0  },
	{ "AU", "61",  "0011", "0",  9, 9,  0  },
	{ "BA", "387", "00",   "0",  8, 9,  0  },
	{ "BD", "880", "00",   "0",  8, 10, 0  },
	{ "BE", "32",  "00",   "0",  8, 9,  0  },
	{ "BG", "359", "00",   "0",  7, 9,  0  },
	{ "BR", "55",  "",     "0",  10, 11, 10 },
	{ "BY", "375", "810",  "80", 9, 9,  0  },
	{ "CA", "1",   "011",  "1",  10, 10, 10 },
	{ "CH", "41",  "00",   "0",  9, 9,  0  },
	{ "CL", "56",  "",     "",   9, 9,  9  },
	{ "CN", "86",  "00",   "0",  9, 11, 11 },
	{ "CO", "57",  "",     "",   10, 10, 10 },
	{ "CR", "506", "00",   "",   8, 8,  8  },
	{ "CY", "357", "00",   "",   8, 8,  8  },
	{ "CZ", "420", "00",   "",   9, 9,  9  },
	{ "DE", "49",  "00",   "0",  5, 13, 0  },
	{ "DK", "45",  "00",   "",   8, 8,  8  },
	{ "DO", "1",   "011",  "1",  10, 10, 10 },
	{ "DZ", "213", "00",   "0",  8, 9,  0  },
	{ "EC", "593", "00",   "0",  8, 9,  0  },
	{ "EE", "372", "00",   "",   7, 8,  7  },
	{ "EG", "20",  "00",   "0",  8, 10, 0  },
	{ "ES", "34",  "00",   "",   9, 9,  9  },
	{ "FI", "358", "00",   "0",  5, 12, 0  },
	{ "FR", "33",  "00",   "0",  9, 9,  0  },
	{ "GB", "44",  "00",   "0",  9, 10, 0  },
	{ "GE", "995", "00",   "0",  9, 9,  0  },
	{ "GH", "233", "00",   "0",  9, 9,  0  },
	{ "GR", "30",  "00",   "",   10, 10, 10 },
	{ "HK", "852", "001",  "",   8, 8,  8  },
	{ "HR", "385", "00",   "0",  8, 9,  0  },
	{ "HU", "36",  "00",   "06", 8, 9,  0  },
	{ "ID", "62",  "001",  "0",  8, 12, 0  },
	{ "IE", "353", "00",   "0",  7, 9,  0  },
	{ "IL", "972", "00",   "0",  8, 9,  0  },
	{ "IN", "91",  "00",   "0",  10, 10, 10 },
	{ "IQ", "964", "00",   "0",  8, 10, 0  },
	{ "IR", "98",  "00",   "0",  10, 10, 0 },
	{ "IS", "354", "00",   "",   7, 9,  7  },
	{ "IT", "39",  "00",   "",   7, 12, 7  },
	{ "JO", "962", "00",   "0",  8, 9,  0  },
	{ "JP", "81",  "010",  "0",  9, 10, 0  },
	{ "KE", "254", "000",  "0",  9, 9,  0  },
	{ "KR", "82",  "",     "0",  8, 10, 0  },
	{ "KW", "965", "00",   "",   8, 8,  8  },
	{ "KZ", "7",   "810",  "8",  10, 10, 10 },
	{ "LB", "961", "00",   "0",  7, 8,  0  },
	{ "LI", "423", "00",   "",   7, 9,  7  },
	{ "LK", "94",  "00",   "0",  9, 9,  0  },
	{ "LT", "370", "00",   "0",  8, 8,  0  },
	{ "LU", "352", "00",   "",   7, 11, 7  },
	{ "LV", "371", "00",   "",   8, 8,  8  },
	{ "MA", "212", "00",   "0",  9, 9,  0  },
	{ "MD", "373", "00",   "0",  8, 8,  0  },
	{ "ME", "382", "00",   "0",  8, 8,  0  },
	{ "MK", "389", "00",   "0",  8, 8,  0  },
	{ "MT", "356", "00",   "",   8, 8,  8  },
	{ "MX", "52",  "00",   "",   10, 10, 10 },
	{ "MY", "60",  "00",   "0",  8, 10, 0  },
	{ "NG", "234", "009",  "0",  8, 10, 0  },
	{ "NL", "31",  "00",   "0",  9, 9,  0  },
	{ "NO", "47",  "00",   "",   8, 8,  8  },
	{ "NZ", "64",  "00",   "0",  8, 10, 0  },
	{ "PE", "51",  "00",   "0",  8, 9,  0  },
	{ "PH", "63",  "00",   "0",  8, 10, 0  },
	{ "PK", "92",  "00",   "0",  9, 10, 0  },
	{ "PL", "48",  "00",   "",   9, 9,  9  },
	{ "PR", "1",   "011",  "1",  10, 10, 10 },
	{ "PT", "351", "00",   "",   9, 9,  9  },
	{ "QA", "974", "00",   "",   8, 8,  8  },
	{ "RO", "40",  "00",   "0",  9, 9,  0  },
	{ "RS", "381", "00",   "0",  8, 9,  0  },
	{ "RU", "7",   "810",  "8",  10, 10, 10 },
	{ "SA", "966", "00",   "0",  8, 9,  0  },
	{ "SE", "46",  "00",   "0",  7, 10, 0  },
	{ "SG", "65",  "",     "",   8, 8,  8  },
	{ "SI", "386", "00",   "0",  8, 8,  0  },
	{ "SK", "421", "00",   "0",  9, 9,  0  },
	{ "TH", "66",  "001",  "0",  8, 9,  0  },
	{ "TN", "216", "00",   "",   8, 8,  8  },
	{ "TR", "90",  "00",   "0",  10, 10, 10 },
	{ "TW", "886", "002",  "0",  8, 9,  0  },
	{ "UA", "380", "00",   "0",  9, 9,  0  },
	{ "US", "1",   "011",  "1",  10, 10, 10 },
	{ "UY", "598", "00",   "0",  8, 8,  0  },
	{ "UZ", "998", "00",   "",   9, 9,  9  },
	{ "VE", "58",  "00",   "0",  10, 10, 0 },
	{ "VN", "84",  "00",   "0",  9, 10, 0  },
	{ "ZA", "27",  "00",   "0",  9, 9,  0  },
	/* clang-format on */
};

const struct gw_country *gw_country_find(const char *iso)
{
	for (size_t i = 0; i < sizeof(countries) / sizeof(countries[0]); i++) {
		if (iso && !strcasecmp(countries[i].iso, iso))
			return &countries[i];
	}

	return NULL;
}

const char *gw_country_code(const struct gw_country *country)
{
	return country->code;
}

/* What follows prefix in text, or NULL when text doesn't begin with it. */
static const char *after(const char *text, const char *prefix)
{
	const size_t len = strlen(prefix);

	return len && !strncmp(text, prefix, len) ? text + len : NULL;
}

static int print_number(char *out, size_t size, const char *a, const char *b,
			const char *c)
{
	const int n = snprintf(out, size, "%s%s%s", a, b, c);

	return n < 0 || (size_t)n >= size ? EOVERFLOW : 0;
}

/* The national number without its trunk prefix, or NULL: an extension. */
static const char *national(const struct gw_country *country,
			    const char *digits)
{
	const char *rest = after(digits, country->trunk);
	size_t len;

	if (rest) {
		len = strlen(rest);
		if (len >= country->min && len <= country->max)
			return rest;
	}

	/* a trunk prefix that is left over after all is none of the plan */
	len = strlen(digits);
	if (country->bare && len >= country->bare && len <= country->max &&
	    !(rest && country->trunk[0] == '0'))
		return digits;

	return NULL;
}

int gw_country_to_e164(const struct gw_country *country, char *out, size_t size,
		       const char *digits)
{
	const char *abroad = after(digits, country->intl);
	const char *rest;
	size_t len;

	if (abroad) {
		len = strlen(abroad);
		if (abroad[0] == '0' || len < GW_E164_DIGITS_MIN ||
		    len > GW_E164_DIGITS_MAX)
			return EINVAL;

		return print_number(out, size, "+", abroad, "");
	}

	rest = national(country, digits);
	if (!rest || strlen(country->code) + strlen(rest) > GW_E164_DIGITS_MAX)
		return ENOENT;

	return print_number(out, size, "+", country->code, rest);
}

int gw_country_from_e164(const struct gw_country *country, char *out,
			 size_t size, const char *e164)
{
	const char *home = after(e164 + 1, country->code);

	if (home)
		return print_number(out, size, country->trunk, home, "");

	if (!country->intl[0])
		return ENOENT;

	return print_number(out, size, country->intl, e164 + 1, "");
}
