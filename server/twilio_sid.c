/* Ids as Twilio writes them, and who shows them: see twilio.h. */
#include "server/twilio.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <re.h>

enum { PREFIX_LEN = 2, HALF = 16 };

static void print_sid(char sid[GW_TWILIO_SID_SIZE], const char *prefix,
		      const uint8_t bytes[HALF])
{
	(void)re_snprintf(sid, GW_TWILIO_SID_SIZE, "%s%w", prefix, bytes,
			  (size_t)HALF);
}

void gw_twilio_call_sid(char sid[GW_TWILIO_SID_SIZE], const char *id)
{
	uint8_t bytes[GW_CALL_ID_BYTES];

	gw_call_id_bytes(bytes, id);
	print_sid(sid, "CA", bytes);
}

bool gw_twilio_call_id(char id[GW_CALL_ID_SIZE], const char *sid)
{
	static const char digits[] = "0123456789abcdef";
	uint8_t bytes[GW_CALL_ID_BYTES];

	if (strlen(sid) != GW_TWILIO_SID_SIZE - 1 ||
	    memcmp(sid, "CA", PREFIX_LEN) != 0 ||
	    strspn(sid + PREFIX_LEN, digits) != GW_TWILIO_SID_SIZE - 3)
		return false;
	sid += PREFIX_LEN;
	for (size_t i = 0; i < sizeof(bytes); i++, sid += 2)
		bytes[i] = (uint8_t)((strchr(digits, sid[0]) - digits) << 4 |
				     (strchr(digits, sid[1]) - digits));
	gw_call_id_print(id, bytes);
	return true;
}

void gw_twilio_account_sid(char sid[GW_TWILIO_SID_SIZE], const char *project)
{
	const char *name = project ? project : "default";
	uint8_t sum[SHA256_DIGEST_LENGTH];

	(void)SHA256((const uint8_t *)name, strlen(name), sum);
	print_sid(sid, "AC", sum);
}

bool gw_twilio_basic_read(struct gw_twilio_basic *basic, const char *header)
{
	const size_t len = strcspn(header, " \t");
	char *colon;
	int n;

	/* the decoder writes whole groups of three */
	if (!len || len % 4 || len / 4 * 3 >= sizeof(basic->text) ||
	    header[len])
		return false;
	n = EVP_DecodeBlock((uint8_t *)basic->text, (const uint8_t *)header,
			    (int)len);
	if (n < 0)
		return false;
	basic->text[n] = '\0';
	colon = strchr(basic->text, ':');
	if (!colon)
		return false;
	*colon = '\0';
	basic->account = basic->text;
	basic->key = colon + 1;
	return true;
}
