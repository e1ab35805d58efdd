/* Text of strangers that goes into SIP headers.
 *
 * Whitelists throughout: what is not known to be harmless is refused, never
 * repaired, so that a program learns of its mistake. */
#include "sip/text.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* Headers that no pattern opens. A name ending in "-" stands for all that begin
 * with it. Names of one letter are compact forms of these and refused too. */
static const char *const reserved[] = {
	"Accept",
	"Accept-",
	"Alert-Info",
	"Allow",
	"Allow-",
	"Answer-Mode",
	"Authentication-",
	"Authorization",
	"Call-ID",
	"Call-Info",
	"Contact",
	"Content-",
	"CSeq",
	"Date",
	"Diversion",
	"Encryption",
	"Error-Info",
	"Event",
	"Feature-Caps",
	"Flow-Timer",
	"Expires",
	"From",
	"Geolocation",
	"Geolocation-",
	"History-Info",
	"Identity",
	"Identity-Info",
	"In-Reply-To",
	"Info-Package",
	"Join",
	"Max-Breadth",
	"Max-Forwards",
	"MIME-Version",
	"Min-",
	"Organization",
	"P-",
	"Path",
	"Permission-",
	"Priv-Answer-Mode",
	"Privacy",
	"Proxy-",
	"RAck",
	"Reason",
	"Record-Route",
	"Recv-Info",
	"Refer-",
	"Referred-By",
	"Reject-Contact",
	"Remote-Party-ID",
	"Replaces",
	"Reply-To",
	"Request-Disposition",
	"Require",
	"Resource-Priority",
	"Response-",
	"Retry-After",
	"Route",
	"RSeq",
	"Security-",
	"Server",
	"Service-Route",
	"Session-",
	"SIP-",
	"Subject",
	"Subscription-",
	"Supported",
	"Suppress-",
	"Target-Dialog",
	"Timestamp",
	"To",
	"Trigger-Consent",
	"Unsupported",
	"User-Agent",
	"Via",
	"Warning",
	"WWW-Authenticate",
};

/* One code point at p, at most len bytes: its length, 0 when it is no shortest
 * form of a Unicode scalar value (RFC 3629). */
static size_t read_utf8(uint32_t *cpp, const unsigned char *p, size_t len)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n;
	uint32_t cp;

	if (p[0] < 0x80)
		n = 1;
	else if (p[0] < 0xc2)
		return 0;
	else if (p[0] < 0xe0)
		n = 2;
	else if (p[0] < 0xf0)
		n = 3;
	else if (p[0] < 0xf5)
		n = 4;
	else
		return 0;

	if (n > len)
		return 0;

	cp = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (p[i] & 0x3f);
	}

	if (cp < least[n] || cp > 0x10ffff || (cp >= 0xd800 && cp <= 0xdfff))
		return 0;

	*cpp = cp;
	return n;
}

/* Bidi controls turn a name around under the reader's eyes; the separators end
 * lines in some readers, and the byte order mark and tags hide things. */
static bool is_plain(uint32_t cp)
{
	static const struct {
		uint32_t first, last;
	} bad[] = {
		{ 0x0000, 0x001f }, { 0x007f, 0x009f },   { 0x061c, 0x061c },
		{ 0x200e, 0x200f }, { 0x2028, 0x202e },   { 0x2060, 0x2060 },
		{ 0x2066, 0x2069 }, { 0xfdd0, 0xfdef },   { 0xfeff, 0xfeff },
		{ 0xfff0, 0xfffb }, { 0xe0000, 0xe007f },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (cp >= bad[i].first && cp <= bad[i].last)
			return false;
	}

	return (cp & 0xfffe) != 0xfffe;
}

bool gw_text_is_plain(const char *text, size_t len, size_t *countp)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t count = 0;

	while (len) {
		uint32_t cp = 0;
		const size_t n = read_utf8(&cp, p, len);

		if (!n || !is_plain(cp))
			return false;
		p += n;
		len -= n;
		count++;
	}

	if (countp)
		*countp = count;
	return true;
}

int gw_display_name_escape(char *out, size_t size, const char *text)
{
	size_t count = 0, pos = 0;

	/* no text of that many bytes has few enough code points */
	if (strnlen(text, 4 * GW_DISPLAY_NAME_MAX + 1) >
	    4 * GW_DISPLAY_NAME_MAX)
		return EOVERFLOW;
	if (!gw_text_is_plain(text, strlen(text), &count))
		return EINVAL;
	if (count > GW_DISPLAY_NAME_MAX || !size)
		return EOVERFLOW;

	for (const char *p = text; *p; p++) {
		const bool special = *p == '"' || *p == '\\';

		if (pos + (special ? 2 : 1) >= size)
			return EOVERFLOW;
		if (special)
			out[pos++] = '\\';
		out[pos++] = *p;
	}

	out[pos] = '\0';
	return 0;
}

static bool is_token_char(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z') || (c && strchr("-.!%*_+`'~", c));
}

static bool is_token(const char *name)
{
	size_t len = 0;

	for (; name[len]; len++) {
		if (len == GW_HEADER_NAME_MAX || !is_token_char(name[len]))
			return false;
	}

	return len > 0;
}

static bool is_reserved(const char *name)
{
	if (!name[1])
		return true;

	for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
		const size_t len = strlen(reserved[i]);
		const bool family = reserved[i][len - 1] == '-';

		if (!strncasecmp(name, reserved[i], len) &&
		    (family || !name[len]))
			return true;
	}

	return false;
}

/* "X-*" fits all that is longer than "X-", "X-Id" only itself. */
static bool fits(const char *pattern, const char *name)
{
	const size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return strlen(name) >= len &&
		       !strncasecmp(name, pattern, len - 1);

	return !strcasecmp(name, pattern);
}

static bool fits_any(const char *const *patterns, size_t count,
		     const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (fits(patterns[i], name))
			return true;
	}

	return false;
}

static const char *wrong_header(const char *name, const char *value,
				const char *const *patterns, size_t count)
{
	size_t len;

	if (!is_token(name))
		return "a header name is a token of at most 64 letters, "
		       "digits and -.!%*_+`'~";
	if (is_reserved(name))
		return "this header belongs to SIP itself and can't be set";
	if (!fits_any(patterns, count, name))
		return "this header is not among those that limits.headers "
		       "allows";

	len = strnlen(value, GW_HEADER_VALUE_MAX + 1);
	if (len > GW_HEADER_VALUE_MAX)
		return "a header value has at most 256 bytes";
	if (!gw_text_is_plain(value, len, NULL))
		return "a header value is one line of UTF-8 without control "
		       "characters";
	if (len && (value[0] == ' ' || value[len - 1] == ' '))
		return "a header value has no space at its ends";

	return NULL;
}

int gw_header_check(const char *name, const char *value,
		    const char *const *patterns, size_t pattern_count,
		    const char **whyp)
{
	const char *why = wrong_header(name, value, patterns, pattern_count);

	if (why && whyp)
		*whyp = why;

	return why ? EINVAL : 0;
}
