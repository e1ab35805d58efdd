/* What may be dialled and how it is written on the wire. Pure: no socket, no
 * clock. Refuses everything that could inject (RFC 3261 25.1, E.164). */
#ifndef BELLPULL_SIP_ADDRESS_H
#define BELLPULL_SIP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GW_URI_MAX = 256,	 /* bytes, without NUL */
	GW_DISPLAY_NAME_MAX = 64 /* code points */
};

enum gw_address_kind {
	GW_ADDRESS_NUMBER, /* +E164 or digits, dialled at the line's domain */
	GW_ADDRESS_SIP,	   /* sip:user[@host[:port]] */
	GW_ADDRESS_SIM,	   /* sim:name, a callee of the sandbox */
};

/* A line's rules for numbers: docs of the setting `dial`. */
struct gw_dial_rules {
	const char *country;  /* ISO 3166 two letters, or NULL */
	const char *strip;    /* leading digits to take away, or NULL */
	const char *prefix;   /* digits to put in front, or NULL */
	const char *format;   /* "as_is", "e164", "e164_no_plus", "national" or NULL = as_is */
	bool feature_codes;   /* '*' and '#' may be dialled */
	const char *domain;   /* host[:port] put behind numbers and sip:user */
};

struct gw_address {
	enum gw_address_kind kind;
	char uri[GW_URI_MAX + 1];    /* what is dialled: "sip:853@pbx.example" */
	char number[32];	     /* normalised: "+4930123456" or digits; "" when not a number */
	char host[GW_URI_MAX + 1];   /* of the URI, without port */
	bool own_domain;	     /* the host is the line's domain */
};

/* Reads what a person or program asked to dial. text is NUL-terminated and may
 * be hostile. On error *whyp (if not NULL) gets a static sentence for people.
 * Returns 0, EINVAL (not an address we dial) or EOVERFLOW (too long). */
int gw_address_parse(struct gw_address *addr, const char *text,
		     const struct gw_dial_rules *rules, const char **whyp);

/* UTF-8 text for a display name: valid, at most 64 code points, no C0, DEL, C1,
 * bidi controls. Writes the RFC 3261 quoted-string body (with \" and \\
 * escaped, without the quotes). Returns 0, EINVAL or EOVERFLOW. */
int gw_display_name_escape(char *out, size_t size, const char *text);

/* A header that a caller may add: name a token matching one of the patterns
 * ("X-*", "X-CRM-Id"), never one that SIP routing or identity lives on; value
 * visible ASCII/UTF-8 without CR, LF, NUL and other controls, <= 256 bytes.
 * Returns 0 or EINVAL with *whyp set. */
int gw_header_check(const char *name, const char *value,
		    const char *const *patterns, size_t pattern_count,
		    const char **whyp);

#endif
