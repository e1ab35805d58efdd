/* A port whose far side is a browser: ICE-lite, DTLS, then SRTP, RTP and RTCP all on
 * the one socket.
 *
 *   STUN   checks with our password   answered; USE-CANDIDATE: that is the peer
 *   DTLS   from the peer              handshake, certificate, keys --> CONNECTED
 *   SRTP   from the peer              as of any phone
 *   else                              dropped
 *
 * A lite agent asks nobody (RFC 8445 2.5), so all that we ever send goes to where a
 * genuine check came from. The last nomination counts: a browser that changes its
 * network nominates another way. Its checks go on as long as it wants to talk to us
 * (RFC 7675): when nothing genuine comes any more, it is gone. */
#include "sip/media/port_impl.h"

#include <errno.h>
#include <string.h>

#include "sip/media/dtls.h"
#include "sip/media/ice.h"

enum {
	LOOK_MS = 1000,     /* how often we look whether it is still there */
	CHECKS_PER_S = 100, /* that are answered; a browser sends twenty */
};

struct gw_port_browser {
	struct gw_port *port;
	struct gw_dtls_identity *identity;
	struct gw_media_browser cfg;
	struct gw_dtls *dtls; /* NULL: nothing has come to it yet */
	bool nominated, connected, lost;
	int64_t since_us;
	int64_t alive_us; /* of the last genuine check */
	unsigned checks;  /* since the last look */
	struct tmr tmr;
};

static void lose(struct gw_port_browser *b, int err)
{
	if (b->lost)
		return;

	b->lost = true;
	tmr_cancel(&b->tmr);
	gw_port_tell_type(b->port, GW_MEDIA_LOST, err);
}

/* Whether it is still there ------------------------------------------------- */

static void look(void *arg)
{
	struct gw_port_browser *b = arg;
	const int64_t now = gw_port_now_us();
	const int64_t heard = MAX(b->alive_us, b->port->heard_us);

	b->checks = 0;
	if (!b->connected && now - b->since_us > GW_MEDIA_CONNECT_MS * 1000)
		lose(b, ETIMEDOUT);
	else if (b->connected && now - heard > GW_MEDIA_CONSENT_MS * 1000)
		lose(b, ENETDOWN);
	else
		tmr_start(&b->tmr, LOOK_MS, look, b);
}

/* ICE ----------------------------------------------------------------------- */

static void nominate(struct gw_port_browser *b, const struct sa *src)
{
	struct gw_port *port = b->port;

	b->nominated = true;
	port->rtp.addr = port->rtcp.addr = *src;
	port->rtp.latched = port->rtcp.latched = true;
	gw_port_update_ticking(port);
}

static void take_check(struct gw_port_browser *b, const struct sa *src,
		       const struct mbuf *mb)
{
	uint8_t reply[GW_ICE_REPLY_MAX];
	struct mbuf out = { .buf = reply, .size = sizeof(reply) };
	struct gw_ice_check check;

	if (b->checks >= CHECKS_PER_S ||
	    !gw_ice_read(&check, mbuf_buf(mb), mbuf_get_left(mb), &b->cfg.ours))
		return;

	b->checks++;
	b->alive_us = gw_port_now_us();
	if (check.nominates && !check.refusal)
		nominate(b, src);
	out.end = gw_ice_reply(reply, &check, src, &b->cfg.ours);
	(void)udp_send(b->port->rtp_sock, src, &out);
}

/* DTLS ---------------------------------------------------------------------- */

static void on_send(const uint8_t *packet, size_t len, void *arg)
{
	struct gw_port_browser *b = arg;
	uint8_t copy[GW_PORT_PACKET_MAX];
	struct mbuf mb = { .buf = copy, .size = sizeof(copy), .end = len };

	if (len > sizeof(copy))
		return;

	memcpy(copy, packet, len);
	(void)udp_send(b->port->rtp_sock, &b->port->rtp.addr, &mb);
}

static void on_up(const struct gw_media_srtp *keys, void *arg)
{
	struct gw_port_browser *b = arg;
	const int err = gw_port_set_keys(b->port, keys);

	if (err) {
		lose(b, err);
		return;
	}
	b->connected = true;
	gw_port_tell_type(b->port, GW_MEDIA_CONNECTED, 0);
}

static void on_down(int err, void *arg)
{
	lose(arg, err);
}

static const struct gw_dtls_h dtls_handlers = {
	.send = on_send,
	.up = on_up,
	.down = on_down,
};

static void take_dtls(struct gw_port_browser *b, const struct mbuf *mb)
{
	int err = 0;

	if (!b->dtls)
		err = gw_dtls_alloc(&b->dtls, b->identity, &b->cfg.theirs,
				    &dtls_handlers, b);
	if (err)
		lose(b, err);
	else
		gw_dtls_receive(b->dtls, mbuf_buf(mb), mbuf_get_left(mb));
}

/* All that comes ------------------------------------------------------------ */

/* RFC 7983 7, RFC 5761 4. */
bool gw_port_browser_receive(struct gw_port *port, const struct sa *src,
			     struct mbuf *mb)
{
	struct gw_port_browser *b = port->browser;
	const uint8_t *p = mbuf_buf(mb);

	if (mbuf_get_left(mb) < 2 || b->lost)
		return false;
	if (p[0] < 4) {
		take_check(b, src, mb);
		return false;
	}
	if (!b->nominated || !sa_cmp(&port->rtp.addr, src, SA_ALL))
		return false;

	if (p[0] >= 20 && p[0] < 64) {
		take_dtls(b, mb);
		return false;
	}
	if (p[0] >> 6 != 2 || !b->connected)
		return false;
	if (p[1] >= 192 && p[1] < 224) {
		gw_port_on_rtcp(src, mb, port);
		return false;
	}

	return true;
}

/* Life ---------------------------------------------------------------------- */

static void destructor(void *arg)
{
	struct gw_port_browser *b = arg;

	tmr_cancel(&b->tmr);
	mem_deref(b->dtls);
	explicit_bzero(&b->cfg, sizeof(b->cfg));
}

void gw_port_close_browser(struct gw_port *port)
{
	port->browser = mem_deref(port->browser);
}

/* RTCP's own socket isn't needed, RFC 5761 5.1.1. */
void gw_port_browser(struct gw_port *port, struct gw_dtls_identity *identity,
		     const struct gw_media_browser *browser)
{
	struct gw_port_browser *b;

	if (!port->rtp_sock || port->browser)
		return; /* OPENED has told why */

	b = mem_zalloc(sizeof(*b), destructor);
	if (!b) {
		gw_port_tell_type(port, GW_MEDIA_LOST, ENOMEM);
		return;
	}

	b->port = port;
	b->identity = identity;
	b->cfg = *browser;
	b->since_us = b->alive_us = gw_port_now_us();
	tmr_start(&b->tmr, LOOK_MS, look, b);
	port->browser = b;
	port->is_secure = true;
	mem_deref(port->rtcp_sock);
	port->rtcp_sock = mem_ref(port->rtp_sock);
}
