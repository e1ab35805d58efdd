/* sip/media/media_stub.c - what is declared and still to come. */
#include <errno.h>
#include "sip/media/media.h"

int gw_media_secure(struct gw_media_port *port,
		    const struct gw_media_srtp *srtp)
{
	(void)port;
	(void)srtp;
	return ENOSYS;
}
