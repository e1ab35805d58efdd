/* Text within a URI: see uri.h. */
#include "server/uri.h"

#include <string.h>

#include <re.h>

int gw_uri_escape(struct mbuf *mb, const char *text)
{
	int err = 0;

	for (; !err && *text; text++) {
		const uint8_t c = (uint8_t)*text;

		if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		    (c >= 'a' && c <= 'z') || strchr("-._~", c))
			err = mbuf_write_u8(mb, c);
		else
			err = mbuf_printf(mb, "%%%02X", c);
	}
	return err;
}
