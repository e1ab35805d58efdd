/* What comes in by RTP: from the right source, counted, and then a digit, or sound
 * that is sent back; and the watch for silence. */
#include "sip/media/port_impl.h"

#include <string.h>

enum { PT_CN = 13, PT_CN_OLD = 19 };

bool gw_port_is_from(const struct gw_port_peer *peer, const struct sa *alt,
		     const struct sa *src)
{
	if (sa_cmp(&peer->addr, src, SA_ALL))
		return true;

	return !peer->latched &&
	       (sa_cmp(&peer->addr, src, SA_ADDR) || sa_cmp(alt, src, SA_ADDR));
}

void gw_port_follow(struct gw_port_peer *peer, const struct sa *src)
{
	if (sa_cmp(&peer->addr, src, SA_ALL))
		return;

	peer->latched = true;
	peer->addr = *src;
}

static void on_stall(void *arg);

void gw_port_restart_stall(struct gw_port *port)
{
	if (port->stall_ms)
		tmr_start(&port->stall_tmr, port->stall_ms, on_stall, port);
	else
		tmr_cancel(&port->stall_tmr);
}

void gw_port_heard(struct gw_port *port, bool comfort_noise)
{
	port->heard_us = gw_port_now_us();
	port->heard_cn = comfort_noise;
	if (!port->stalled)
		return;

	port->stalled = false;
	gw_port_restart_stall(port);
	gw_port_tell_type(port, GW_MEDIA_RESUMED, 0);
}

/* The timer is not moved with each packet: it looks how old the last one is. */
static void on_stall(void *arg)
{
	struct gw_port *port = arg;
	const int64_t idle_ms = (gw_port_now_us() - port->heard_us) / 1000;

	if (!gw_port_may_receive(port) || port->heard_cn) {
		gw_port_restart_stall(port);
	} else if (idle_ms < port->stall_ms) {
		tmr_start(&port->stall_tmr,
			  (uint64_t)(port->stall_ms - idle_ms), on_stall, port);
	} else {
		port->stalled = true;
		gw_port_tell_type(port, GW_MEDIA_STALLED, 0);
	}
}

static void tell_digit(struct gw_port *port, const struct gw_dtmf_event *event)
{
	const struct gw_media_fact fact = { .type = GW_MEDIA_DTMF,
					    .local_port = port->number,
					    .digit = event->digit,
					    .duration_ms = event->duration_ms };

	gw_port_tell(port, &fact);
}

static void on_dtmf_lost(void *arg)
{
	struct gw_port *port = arg;
	struct gw_dtmf_event event;

	if (gw_dtmf_lost(&port->dtmf_rx, &event, gw_port_dtmf_rate(port)))
		tell_digit(port, &event);
}

static void take_event(struct gw_port *port, const struct gw_rtp *rtp)
{
	struct gw_dtmf_event ended[2];
	const size_t count = gw_dtmf_receive(&port->dtmf_rx, ended, rtp->ts,
					     rtp->payload, rtp->payload_len,
					     gw_port_dtmf_rate(port));

	if (port->dtmf_rx.open)
		tmr_start(&port->dtmf_tmr, GW_DTMF_LOST_MS, on_dtmf_lost, port);
	else
		tmr_cancel(&port->dtmf_tmr);

	for (size_t i = 0; i < count; i++)
		tell_digit(port, &ended[i]);
}

static void first_packet(struct gw_port *port)
{
	const int64_t ms = (gw_port_now_us() - port->remote_us) / 1000;

	port->first_packet_ms = ms < 1 ? 1 : (uint32_t)ms;
	gw_port_tell_type(port, GW_MEDIA_FIRST_PACKET, 0);
}

static void take_sound(struct gw_port *port, const struct gw_rtp *rtp,
		       bool noise)
{
	gw_port_pass(port, rtp, noise);
	if (noise)
		gw_ear_skip(&port->ear, rtp);
	else
		gw_port_hear(port, rtp);
	if (port->echo && !port->peer && !noise)
		gw_port_send_back(port, rtp);
}

void gw_port_on_rtp(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct gw_port *port = arg;
	struct gw_rtp rtp;
	bool sound, event, noise;

	if (port->browser && !gw_port_browser_receive(port, src, mb))
		return;
	if (!port->has_remote ||
	    !gw_port_is_from(&port->rtp, &port->alt, src) ||
	    !gw_port_unseal(port, mb, false) ||
	    !gw_rtp_read(&rtp, mbuf_buf(mb), mbuf_get_left(mb)))
		return;

	gw_port_follow(&port->rtp, src);

	sound = rtp.pt == port->codec.pt_rx;
	event = rtp.pt == port->codec.pt_dtmf_rx;
	if (port->source.any && port->source.ssrc != rtp.ssrc)
		memset(&port->dtmf_rx, 0, sizeof(port->dtmf_rx));
	if (!gw_rtp_source_count(&port->source, &rtp,
				 gw_port_in_clock(port, gw_port_now_us()),
				 sound))
		return;

	noise = !sound && !event && (rtp.pt == PT_CN || rtp.pt == PT_CN_OLD);
	gw_port_heard(port, noise);
	if (!port->first_packet_ms)
		first_packet(port);

	if (event) {
		take_event(port, &rtp);
		gw_port_pass_event(port, &rtp);
	} else if (sound || noise) {
		take_sound(port, &rtp, noise);
	}
}
