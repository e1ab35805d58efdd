/* Retry-After and URLs, as strangers write them: what is taken is bounded, and a
 * host has nothing that ends one. The first byte picks. */
#include <string.h>

#include "server/webhook_retry.h"
#include "server/webhook_target.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512], host[64];

	if (!size || size > sizeof(text))
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	if (data[0] & 1) {
		const int64_t ms = gw_webhook_retry_after(text, 784111777000);

		ENSURE(ms >= 0 && ms <= 86400000);
	} else if (!gw_webhook_host(host, sizeof(host), text)) {
		ENSURE(*host && !strpbrk(host, "/?#@ \\[]"));
	}
	return 0;
}
