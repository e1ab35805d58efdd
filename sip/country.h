/* How the people of a country write telephone numbers: the prefixes of its
 * numbering plan (ITU-T E.164 annexes, national plans). Pure. */
#ifndef BELLPULL_SIP_COUNTRY_H
#define BELLPULL_SIP_COUNTRY_H

#include <stddef.h>

enum { GW_E164_DIGITS_MIN = 7, GW_E164_DIGITS_MAX = 15 };

struct gw_country;

/* iso: two letters of ISO 3166, any case. NULL when it is not in the table; the
 * result is static. */
const struct gw_country *gw_country_find(const char *iso);

/* "49": what follows the plus in its numbers. */
const char *gw_country_code(const struct gw_country *country);

/* Reads digits as somebody in that country dials them: 00441632960001 and
 * 030123456 become +441632960001 and +4930123456. Returns 0; ENOENT when it is a
 * short number, an extension or otherwise nobody's but the line's, and out is
 * left alone; EINVAL when it begins like an international number and is none. */
int gw_country_to_e164(const struct gw_country *country, char *out, size_t size,
		       const char *digits);

/* The way back: +4930123456 is dialled 030123456 at home and 004930123456 or
 * 0114930123456 elsewhere. Returns 0, EOVERFLOW, or ENOENT when the country has
 * no single prefix for calls abroad. */
int gw_country_from_e164(const struct gw_country *country, char *out,
			 size_t size, const char *e164);

#endif
