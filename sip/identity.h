/* Who is calling, in the headers of an INVITE: From, or P-Asserted-Identity or
 * Remote-Party-ID beside it (RFC 3325), withheld or not (RFC 3323), and what
 * makes a phone answer by itself. Pure. */
#ifndef BELLPULL_SIP_IDENTITY_H
#define BELLPULL_SIP_IDENTITY_H

#include <stdbool.h>

#include "sip/address.h"

struct mbuf;

struct gw_identity_wish {
	const char *aor;    /* "sip:858@pbx.example": the line's own */
	const char *number; /* shown; NULL: the line's user          */
	const char *name;   /* shown; NULL: none                     */
	bool withheld;
	const char *header;      /* "from", "pai", "rpi"; NULL: "from"    */
	const char *auto_answer; /* family or maker; NULL: the phone decides */
};

struct gw_identity {
	char from_uri[GW_URI_MAX + 1];
	/* body of the quoted string; "" : no display name */
	char from_name[GW_DISPLAY_NAME_MAX * 8 + 1];
};

/* Writes what goes beside From into headers, each line with its CRLF. Returns 0,
 * EINVAL (name or number can't be shown), EOVERFLOW or ENOMEM. */
int gw_identity_make(struct gw_identity *id, struct mbuf *headers,
		     const struct gw_identity_wish *wish);

#endif
