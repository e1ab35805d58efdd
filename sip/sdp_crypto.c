/* The keys of SRTP in SDP: a=crypto (RFC 4568). */
#include "sip/sdp_crypto.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <re_types.h>
#include <re_base64.h>
#include <re_mbuf.h>

/* By gw_srtp_suite. */
static const char *const suites[] = {
	[GW_SRTP_AES_CM_128_HMAC_SHA1_80] = "AES_CM_128_HMAC_SHA1_80",
	[GW_SRTP_AES_CM_128_HMAC_SHA1_32] = "AES_CM_128_HMAC_SHA1_32",
};

enum { KEY_CHARS = 40 }; /* GW_SRTP_KEY_SIZE in base64 */

static bool read_suite(enum gw_srtp_suite *suitep,
		       const struct gw_sdp_slice *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
		if (gw_sdp_is_word(word, suites[i])) {
			*suitep = (enum gw_srtp_suite)i;
			return true;
		}
	}

	return false;
}

/* libre's decoder takes what is no base64 for zeros. */
static bool is_base64(const struct gw_sdp_slice *s)
{
	for (size_t i = 0; i < s->len; i++) {
		const unsigned char c = (unsigned char)s->p[i];

		if (!isalnum(c) && c != '+' && c != '/')
			return false;
	}

	return true;
}

/* "2^20" or "1048576". It changes nothing for calls of hours; what is none may be
 * an MKI ("1:4"), and that would change each packet. */
static bool is_lifetime(struct gw_sdp_slice s)
{
	(void)gw_sdp_skip(&s, "2^");
	for (size_t i = 0; i < s.len; i++) {
		if (!isdigit((unsigned char)s.p[i]))
			return false;
	}

	return s.len > 0;
}

/* "BASE64" or "BASE64|LIFETIME" */
static bool read_key(uint8_t key[GW_SRTP_KEY_SIZE], struct gw_sdp_slice s)
{
	const bool has_lifetime = memchr(s.p, '|', s.len) != NULL;
	struct gw_sdp_slice text;
	size_t size = GW_SRTP_KEY_SIZE;

	if (!gw_sdp_skip(&s, "inline:"))
		return false;

	text = gw_sdp_word(&s, "|");
	if (text.len != KEY_CHARS || !is_base64(&text) ||
	    (has_lifetime && !is_lifetime(s)))
		return false;

	return !base64_decode(text.p, text.len, key, &size) &&
	       size == GW_SRTP_KEY_SIZE;
}

/* Of the session parameters a window size hint asks for nothing. */
static bool read_parameters(struct gw_sdp_slice s)
{
	while (s.len) {
		struct gw_sdp_slice word = gw_sdp_word(&s, " ");

		if (word.len && !gw_sdp_skip(&word, "WSH="))
			return false;
	}

	return true;
}

bool gw_sdp_read_crypto(struct gw_sdp_crypto *out, struct gw_sdp_slice value)
{
	struct gw_sdp_crypto crypto = { .tag = 0 };
	struct gw_sdp_slice tag = gw_sdp_word(&value, " ");
	struct gw_sdp_slice suite = gw_sdp_word(&value, " ");
	struct gw_sdp_slice key = gw_sdp_word(&value, " ");

	if (!gw_sdp_number(&crypto.tag, &tag) || !crypto.tag ||
	    !read_suite(&crypto.suite, &suite) || !read_key(crypto.key, key) ||
	    !read_parameters(value))
		return false;

	*out = crypto;
	return true;
}

int gw_sdp_write_crypto(struct mbuf *mb, const struct gw_sdp_crypto *crypto)
{
	char text[KEY_CHARS + 1];
	size_t len = KEY_CHARS;
	int err;

	err = base64_encode(crypto->key, sizeof(crypto->key), text, &len);
	if (err)
		return err;
	text[len] = '\0';

	err = mbuf_printf(mb, "a=crypto:%u %s inline:%s\r\n", crypto->tag,
			  suites[crypto->suite], text);
	memset(text, 0, sizeof(text));
	return err;
}
