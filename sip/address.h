/* What may be dialled and how it is written on the wire. Pure: no socket, no
 * clock. Refuses everything that could inject (RFC 3261 25.1, E.164). */
#ifndef BELLPULL_SIP_ADDRESS_H
#define BELLPULL_SIP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/text.h" /* display names and extra headers */

enum { GW_URI_MAX = 256 }; /* bytes, without NUL */

enum gw_address_kind {
	GW_ADDRESS_NUMBER, /* +E164 or digits, dialled at the line's domain */
	GW_ADDRESS_SIP,    /* sip:user[@host[:port]] */
	GW_ADDRESS_SIM,    /* sim:name, a callee of the sandbox */
};

/* A line's rules for numbers: docs of the setting `dial`.
 *
 * A number is first understood: with a country, national and international
 * prefixes are read and it becomes E.164 (`number`, what the policy judges);
 * without one, only a plus makes it E.164. Then it is written: in format, where
 * it is E.164, without the leading strip, with prefix in front. Short numbers
 * (fewer than GW_LONG_NUMBER_MIN digits that are no national number of the
 * country) and feature codes are the line's own: they are dialled as given. */
enum { GW_LONG_NUMBER_MIN = 7 };

struct gw_dial_rules {
	const char *country; /* ISO 3166 two letters, or NULL */
	const char *strip;   /* leading characters to take away, or NULL */
	const char *prefix;  /* digits to put in front, or NULL; a plus behind
			      * it falls away */
	const char *format;  /* "as_is", "e164", "e164_no_plus", "national" or
			      * NULL = as_is */
	bool feature_codes;  /* '*' and '#' may be dialled */
	const char *domain;  /* host[:port] put behind numbers and sip:user */
};

struct gw_address {
	enum gw_address_kind kind;
	char uri[GW_URI_MAX + 1]; /* what is dialled: "sip:853@pbx.example" */
	char number[32]; /* normalised: "+4930123456" or digits; "" when
				      * not a number. sip:853 is the number 853 too */
	char host[GW_URI_MAX +
		  1];    /* of the URI: lower case, no port, no brackets */
	bool own_domain; /* the host is the line's domain */
};

/* Reads what a person or program asked to dial. text is NUL-terminated and may
 * be hostile. On error addr is left alone and *whyp (if not NULL) gets a static
 * sentence for people. A URI without host, or with the line's own, is dialled at
 * domain as the line writes it. uri is plain ASCII of letters, digits and
 * -_.!~*'()&=+$%@:[]; with escapes only of what these could not say.
 * Returns 0, EINVAL (not an address we dial) or EOVERFLOW (too long). */
int gw_address_parse(struct gw_address *addr, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp);

#endif
