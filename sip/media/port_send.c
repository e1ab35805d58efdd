/* What a port sends: with each tick a digit, sound or silence; or what it hears as
 * an echo; or what the port that it is joined with hears.
 *
 * Whether a port needs ticks at all is decided in one place, gw_port_update_ticking():
 * a port that has nothing to send costs nothing between packets. */
#include "sip/media/port_impl.h"

#include <string.h>

enum {
	PAYLOAD_MAX = GW_PACKET_FRAMES_MAX * GW_FRAME_BYTES_MAX,
	TICKS_CAUGHT_UP = 4,     /* of those missed; older ones are skipped */
	ECHO_PATIENCE_TICKS = 5, /* then silence is sent instead */
	ECHO_PACKET_US = 18000,  /* what a packet that is sent back costs ... */
	ECHO_CREDIT_US = 100000, /* ... and what may be owed */
};

uint32_t gw_port_tick_units(const struct gw_port *port)
{
	return port->codec.clock_rate / 1000 * GW_FRAME_MS;
}

uint32_t gw_port_ts_now(const struct gw_port *port)
{
	const int64_t late =
		gw_port_now_us() - port->tick_us - GW_FRAME_MS * 1000;

	/* the clock of the stream goes on while nothing is sent */
	return port->tick_us && late > 0 ?
		       port->ts + gw_port_in_clock(port, late) :
		       port->ts;
}

bool gw_port_may_send(const struct gw_port *port)
{
	return port->has_remote && (port->dir & GW_MEDIA_SENDONLY) &&
	       sa_port(&port->rtp.addr);
}

/* Sound of our own making: what is played, or silence when nothing is passed on. */
static bool makes_sound(const struct gw_port *port)
{
	return port->player.silence &&
	       (!port->fed || gw_player_busy(&port->player));
}

void gw_port_update_ticking(struct gw_port *port)
{
	const bool ticking =
		gw_port_may_send(port) &&
		(makes_sound(port) || gw_dtmf_busy(&port->dtmf_tx));

	if (ticking == (port->ticking_le.list != NULL))
		return;

	if (ticking) {
		port->ts = gw_port_ts_now(port);
		port->tick_us = gw_port_now_us();
		port->marker = true;
		port->skip = 0;
	}
	port->owner.tickingh(port, ticking, port->owner.ticking_arg);
}

/* packet has its payload in place, behind room for the header, and GW_SECURE_ROOM
 * behind it. */
static void send_numbered(struct gw_port *port, uint8_t *packet, size_t len,
			  const struct gw_rtp *numbers)
{
	struct gw_rtp rtp = *numbers;
	struct mbuf mb = { .buf = packet,
			   .size = GW_RTP_HEADER + len + GW_SECURE_ROOM,
			   .end = GW_RTP_HEADER + len };

	rtp.ssrc = port->ssrc;
	gw_rtp_write(packet, &rtp);
	if (!gw_port_seal(port, &mb, false))
		return;

	port->packets++;
	port->bytes += (uint32_t)len;
	/* a full socket loses the packet as the network would */
	(void)udp_send(port->rtp_sock, &port->rtp.addr, &mb);
}

/* A packet of our own: what is passed on next finds its place behind it. */
static void send_packet(struct gw_port *port, uint8_t *packet, size_t len,
			uint8_t pt, bool marker, uint32_t ts)
{
	const struct gw_rtp rtp = {
		.marker = marker, .pt = pt, .seq = port->seq++, .ts = ts
	};

	send_numbered(port, packet, len, &rtp);
}

void gw_port_send_rtp(struct gw_port *port, const struct gw_rtp *rtp)
{
	uint8_t packet[GW_RTP_HEADER + GW_PORT_PACKET_MAX + GW_SECURE_ROOM];

	memcpy(packet + GW_RTP_HEADER, rtp->payload, rtp->payload_len);
	send_numbered(port, packet, rtp->payload_len, rtp);
}

void gw_port_send_payload(struct gw_port *port, const uint8_t *payload,
			  size_t len)
{
	uint8_t packet[GW_RTP_HEADER + PAYLOAD_MAX + GW_SECURE_ROOM];

	memcpy(packet + GW_RTP_HEADER, payload, len);
	send_packet(port, packet, len, port->codec.pt_tx, port->marker,
		    port->ts);
	port->marker = false;
}

static void send_sound(struct gw_port *port)
{
	uint8_t packet[GW_RTP_HEADER + PAYLOAD_MAX + GW_SECURE_ROOM];
	uint8_t *room = packet + GW_RTP_HEADER;
	const uint8_t *payload;
	size_t len = 0;
	bool over = false;

	if (port->skip) {
		port->skip--;
		return;
	}

	payload = gw_player_next(&port->player, room, PAYLOAD_MAX, &len, &over);
	if (!payload)
		return;
	if (payload != room)
		memcpy(room, payload, len);

	send_packet(port, packet, len, port->codec.pt_tx, port->marker,
		    port->ts);
	port->marker = false;
	port->skip = port->player.frames - 1;
	if (over)
		gw_port_tell_type(port, GW_MEDIA_PLAY_ENDED, 0);
}

static void one_tick(struct gw_port *port)
{
	uint8_t packet[GW_RTP_HEADER + GW_DTMF_PAYLOAD + GW_SECURE_ROOM];
	struct gw_dtmf_packet dtmf;

	if (gw_dtmf_tick(&port->dtmf_tx, &dtmf, port->ts,
			 gw_port_dtmf_rate(port))) {
		memcpy(packet + GW_RTP_HEADER, dtmf.payload, GW_DTMF_PAYLOAD);
		send_packet(port, packet, GW_DTMF_PAYLOAD,
			    (uint8_t)port->codec.pt_dtmf_tx, dtmf.marker,
			    dtmf.ts);
		port->skip = 0;
		port->marker = true;
	} else if (port->echo_flows) {
		/* what comes in drives the clock */
		if (++port->echo_idle <= ECHO_PATIENCE_TICKS)
			return;
		port->echo_flows = false;
		port->marker = true;
	} else if (makes_sound(port)) {
		send_sound(port);
	} else if (port->fed) {
		return;
	}

	port->relay.flows = false;
	port->ts += gw_port_tick_units(port);
	port->tick_us = gw_port_now_us();
}

void gw_port_tick(struct gw_port *port, unsigned ticks, bool catch_up)
{
	const unsigned most = catch_up ? TICKS_CAUGHT_UP : 1;

	if (ticks > most) {
		if (!port->fed)
			port->ts += (ticks - most) * gw_port_tick_units(port);
		ticks = most;
	}

	while (ticks--)
		one_tick(port);
	gw_port_update_ticking(port);
}

/* Two that echo each other would throw the same packets to and fro as fast as the
 * machine allows: an echo sends about as often as one who speaks. */
static bool echoes_too_often(struct gw_port *port)
{
	const int64_t now = gw_port_now_us();

	if (port->echo_paid_us > now + ECHO_CREDIT_US)
		return true;

	port->echo_paid_us = MAX(port->echo_paid_us, now) + ECHO_PACKET_US;
	return false;
}

void gw_port_send_back(struct gw_port *port, const struct gw_rtp *rtp)
{
	uint8_t packet[GW_RTP_HEADER + GW_PORT_PACKET_MAX + GW_SECURE_ROOM];

	port->echo_idle = 0;
	if (!gw_port_may_send(port) || rtp->payload_len > GW_PORT_PACKET_MAX ||
	    port->dtmf_tx.active || echoes_too_often(port))
		return;

	if (!port->echo_flows || port->echo_ssrc != rtp->ssrc) {
		port->echo_flows = true;
		port->echo_ssrc = rtp->ssrc;
		port->echo_offset = port->ts - rtp->ts;
		port->marker = true;
	}

	memcpy(packet + GW_RTP_HEADER, rtp->payload, rtp->payload_len);
	send_packet(port, packet, rtp->payload_len, port->codec.pt_tx,
		    port->marker, rtp->ts + port->echo_offset);
	port->marker = false;
	port->ts = rtp->ts + port->echo_offset + gw_port_tick_units(port);
	port->tick_us = gw_port_now_us();
}
