/* Numbers: which may be dialled, what they mean, and how the line writes them. */
#include "sip/address_part.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sip/country.h"

enum {
	NUMBER_MIN = 2, /* digits of a number without plus */
	NUMBER_MAX = 15,
};

bool gw_address_is_number(const char *text)
{
	size_t n = text[0] == '+';

	if (!text[n])
		return false;

	return strspn(text + n, "0123456789*#") == strlen(text + n);
}

static bool is_feature_code(const char *text)
{
	return strpbrk(text, "*#") != NULL;
}

int gw_address_check_number(const char *text, const struct gw_dial_rules *rules,
			    const char **whyp)
{
	const bool plus = text[0] == '+';
	const size_t len = strlen(text + plus);

	if (strpbrk(text, " -./()\t"))
		return gw_address_refuse(
			whyp, "send a number as digits only, without "
			      "spaces, dashes, dots and brackets");
	if (!gw_address_is_number(text))
		return gw_address_refuse(whyp,
					 "a number has only digits, and a plus "
					 "only in front");
	if (is_feature_code(text) && (plus || !rules->feature_codes))
		return gw_address_refuse(
			whyp, "* and # may only be dialled on a line "
			      "that allows feature codes");
	if (plus && text[1] == '0')
		return gw_address_refuse(
			whyp, "after the plus comes the country code, "
			      "and none begins with 0");
	if (plus && (len < GW_E164_DIGITS_MIN || len > GW_E164_DIGITS_MAX))
		return gw_address_refuse(whyp,
					 "an international number has 7 to 15 "
					 "digits");
	if (len < NUMBER_MIN || len > NUMBER_MAX)
		return gw_address_refuse(whyp, "a number has 2 to 15 digits");

	return 0;
}

int gw_address_normalise(char *number, size_t size, const char *text,
			 const struct gw_dial_rules *rules, const char **whyp)
{
	const struct gw_country *country = gw_country_find(rules->country);
	int err = ENOENT;

	if (text[0] != '+' && country && !is_feature_code(text))
		err = gw_country_to_e164(country, number, size, text);

	if (err == EINVAL)
		return gw_address_refuse(
			whyp, "this begins like an international number, "
			      "but is none");
	if (err != ENOENT)
		return err ? gw_address_too_long(whyp) : 0;

	/* digits that mean one thing here and another at the switch */
	if (!strncmp(text, "00", 2))
		return gw_address_refuse(
			whyp, "write an international number with + and "
			      "the country code, not with 00");

	return gw_address_copy(number, size, text) ? gw_address_too_long(whyp) :
						     0;
}

/* How the line wants to have number written, before strip and prefix. */
static int write_number(char *out, size_t size, const char *number,
			const char *text, const struct gw_dial_rules *rules,
			const char **whyp)
{
	const struct gw_country *country = gw_country_find(rules->country);
	const char *format = rules->format ? rules->format : "as_is";
	int err = 0;

	if (number[0] != '+' || !strcmp(format, "as_is"))
		err = gw_address_copy(out, size, text);
	else if (!strcmp(format, "e164"))
		err = gw_address_copy(out, size, number);
	else if (!strcmp(format, "e164_no_plus"))
		err = gw_address_copy(out, size, number + 1);
	else if (strcmp(format, "national") != 0)
		return gw_address_refuse(whyp,
					 "the line's dial.format is not known");
	else if (!country)
		return gw_address_refuse(
			whyp, "dial.format national needs a country that "
			      "is known");
	else
		err = gw_country_from_e164(country, out, size, number);

	if (err)
		return gw_address_refuse(
			whyp, "this line's country has no one way to "
			      "dial abroad: set dial.format to e164");
	return 0;
}

/* A hash means the fragment of a URI, so in a user part it is escaped. */
static int escape_number(char *user, size_t size, const char *number)
{
	size_t pos = 0;

	for (; *number; number++) {
		if (pos + 3 >= size)
			return EOVERFLOW;
		if (*number == '#') {
			memcpy(user + pos, "%23", 3);
			pos += 3;
		} else {
			user[pos++] = *number;
		}
	}

	user[pos] = '\0';
	return 0;
}

/* Strips, prefixes and escapes what write_number() wrote. */
static int finish_number(char *user, size_t size, const char *number,
			 const char *written, const struct gw_dial_rules *rules,
			 const char **whyp)
{
	const bool own =
		is_feature_code(number) ||
		(number[0] != '+' && strlen(number) < GW_LONG_NUMBER_MIN);
	const char *strip = !own && rules->strip ? rules->strip : "";
	const char *prefix = !own && rules->prefix ? rules->prefix : "";
	char dialled[GW_ADDRESS_DIALLED_MAX];
	int n;

	if (!strncmp(written, strip, strlen(strip)))
		written += strlen(strip);
	if (prefix[0] && written[0] == '+')
		written++;

	n = snprintf(dialled, sizeof(dialled), "%s%s", prefix, written);
	if (n < 0 || (size_t)n >= sizeof(dialled) ||
	    !gw_address_is_number(dialled))
		return gw_address_refuse(
			whyp, "the line's dial.strip and dial.prefix "
			      "make no number of this");

	return escape_number(user, size, dialled) ? gw_address_too_long(whyp) :
						    0;
}

int gw_address_write_number(char *user, size_t size, const char *number,
			    const char *text, const struct gw_dial_rules *rules,
			    const char **whyp)
{
	char written[GW_ADDRESS_DIALLED_MAX];
	int err;

	err = write_number(written, sizeof(written), number, text, rules, whyp);
	if (err)
		return err;

	return finish_number(user, size, number, written, rules, whyp);
}
