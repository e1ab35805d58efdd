/* Text of strangers that goes into SIP headers: display names and the extra
 * headers a caller may ask for. Pure; libre writes such text as it is, so what
 * passes here is all that stands between a caller and our headers. */
#ifndef BELLPULL_SIP_TEXT_H
#define BELLPULL_SIP_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	GW_DISPLAY_NAME_MAX = 64, /* code points */
	GW_HEADER_NAME_MAX = 64,  /* bytes */
	GW_HEADER_VALUE_MAX = 256 /* bytes */
};

/* One line of valid UTF-8: no C0, DEL, C1, no line or paragraph separator, no
 * bidi control, no noncharacter. *countp (if not NULL) gets its code points. */
bool gw_text_is_plain(const char *text, size_t len, size_t *countp);

/* UTF-8 text for a display name: plain, at most 64 code points. Writes the RFC
 * 3261 quoted-string body (with \" and \\ escaped, without the quotes). Returns
 * 0, EINVAL, or EOVERFLOW (too long, or out is too small). */
int gw_display_name_escape(char *out, size_t size, const char *text);

/* A header that a caller may add: name a token matching one of the patterns
 * ("X-*", "X-CRM-Id"), never one that SIP's routing, dialogs, identity or body
 * live on, whatever the patterns say; value plain text without space at its
 * ends, <= 256 bytes. Returns 0 or EINVAL with *whyp set. */
int gw_header_check(const char *name, const char *value,
		    const char *const *patterns, size_t pattern_count,
		    const char **whyp);

#endif
