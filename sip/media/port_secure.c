/* SRTP of a port. Keys that were told wait for the next remote, with which the far
 * side learns of ours. Where they could not be put to use, nothing passes: never
 * in the clear what should not be. */
#include "sip/media/port_impl.h"

#include <errno.h>
#include <string.h>

static void drop_keys(struct gw_port *port)
{
	port->secure_keys = mem_deref(port->secure_keys);
}

static void keys_destructor(void *arg)
{
	explicit_bzero(arg, sizeof(struct gw_media_srtp));
}

void gw_port_secure(struct gw_port *port, const struct gw_media_srtp *srtp)
{
	drop_keys(port);
	port->secure_changes = true;
	port->secure_next = srtp != NULL;
	if (!srtp)
		return;

	port->secure_keys = mem_zalloc(sizeof(*srtp), keys_destructor);
	if (port->secure_keys)
		*port->secure_keys = *srtp;
}

void gw_port_apply_secure(struct gw_port *port)
{
	int err = ENOMEM;

	if (!port->secure_changes)
		return;

	port->secure_changes = false;
	port->is_secure = port->secure_next;
	if (port->is_secure && port->secure_keys)
		err = port->secure ?
			      gw_secure_rekey(port->secure, port->secure_keys) :
			      gw_secure_alloc(&port->secure, port->secure_keys);
	if (err)
		port->secure = mem_deref(port->secure);
	drop_keys(port);
}

int gw_port_set_keys(struct gw_port *port, const struct gw_media_srtp *keys)
{
	port->is_secure = true;
	return gw_secure_alloc(&port->secure, keys);
}

void gw_port_close_secure(struct gw_port *port)
{
	port->secure = mem_deref(port->secure);
	drop_keys(port);
}

bool gw_port_seal(struct gw_port *port, struct mbuf *mb, bool rtcp)
{
	if (!port->is_secure)
		return true;
	if (!port->secure)
		return false;

	return rtcp ? gw_secure_rtcp_out(port->secure, mb->buf, &mb->end) :
		      gw_secure_rtp_out(port->secure, mb->buf, &mb->end);
}

bool gw_port_unseal(struct gw_port *port, struct mbuf *mb, bool rtcp)
{
	size_t len = mbuf_get_left(mb);
	bool ok;

	if (!port->is_secure)
		return true;
	if (!port->secure)
		return false;

	ok = rtcp ? gw_secure_rtcp_in(port->secure, mbuf_buf(mb), &len) :
		    gw_secure_rtp_in(port->secure, mbuf_buf(mb), &len);
	if (ok)
		mb->end = mb->pos + len;
	return ok;
}
