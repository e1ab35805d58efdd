/* The parts of an address, for the address files alone. Whoever refuses says why
 * in *whyp, a static sentence for people. */
#ifndef BELLPULL_SIP_ADDRESS_PART_H
#define BELLPULL_SIP_ADDRESS_PART_H

#include "sip/address.h"

/* host[:port] */
struct gw_host {
	char name[GW_URI_MAX + 1]; /* canonical: lower case, no brackets */
	bool ipv6;
	unsigned port; /* 0: none given */
};

/* Reads all of text. Returns 0, EINVAL or EOVERFLOW. */
int gw_address_read_host(struct gw_host *host, const char *text,
			 const char **whyp);

/* Whether a is at our own switch: no port means the one of own. */
bool gw_address_same_host(const struct gw_host *a, const struct gw_host *own);

/* A plus, or none, and then digits, stars and hashes alone. */
bool gw_address_is_number(const char *text);

/* Whether the line's rules let it be dialled. Returns 0 or EINVAL. */
int gw_address_check_number(const char *text, const struct gw_dial_rules *rules,
			    const char **whyp);

/* Understands a checked number: "+E164", or digits that are the line's own.
 * Returns 0, EINVAL or EOVERFLOW. */
int gw_address_normalise(char *number, size_t size, const char *text,
			 const struct gw_dial_rules *rules, const char **whyp);

/* Writes the user part that the line dials number with, which was text as it
 * was given. Returns 0, EINVAL or EOVERFLOW. */
int gw_address_write_number(char *user, size_t size, const char *number,
			    const char *text, const struct gw_dial_rules *rules,
			    const char **whyp);

enum { GW_ADDRESS_DIALLED_MAX = 64 }; /* a number with its prefix */

/* EINVAL, and EOVERFLOW with their sentences. */
int gw_address_refuse(const char **whyp, const char *why);
int gw_address_too_long(const char **whyp);

/* Copies all of text: 0, or EOVERFLOW and out is left alone. */
int gw_address_copy(char *out, size_t size, const char *text);

bool gw_address_is_digit(char c);
bool gw_address_is_alnum(char c);
char gw_address_lower(char c);

#endif
