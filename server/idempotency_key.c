#include "server/idempotency_key.h"

#include <string.h>

bool gw_idempotency_key_read(char key[GW_IDEMPOTENCY_KEY_SIZE],
			     const char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '"' && text[len - 1] == '"') {
		text++;
		len -= 2;
	}
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x21 || text[i] > 0x7e)
			return false;
	if (!len || len >= GW_IDEMPOTENCY_KEY_SIZE)
		return false;
	memcpy(key, text, len);
	key[len] = '\0';
	return true;
}
