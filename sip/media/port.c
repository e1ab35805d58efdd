/* One RTP/RTCP end.
 *
 *   socket -> is it from the right source? -> count -> sound: hear it, pass it on
 *                                                  `-> event: tell the digit
 *   tick   -> digit under way? sound? else silence -> socket
 *
 *   port.c           its life, commands, facts
 *   port_receive.c   what comes in by RTP
 *   port_hear.c      who listens to it
 *   port_record.c    who records it
 *   port_join.c      how it is passed on to another port
 *   port_send.c      what is sent, by the clock, as an echo or passed on
 *   port_secure.c    SRTP, both ways
 *   port_rtcp.c      reports
 *   port_browser.c   ICE and DTLS, where the far side is a browser */
#include "sip/media/port_impl.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "sip/media/mos.h"

/* ---- time ---- */

int64_t gw_port_now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

uint32_t gw_port_in_clock(const struct gw_port *port, int64_t us)
{
	return (uint32_t)((uint64_t)us * port->codec.clock_rate / 1000000u);
}

uint32_t gw_port_dtmf_rate(const struct gw_port *port)
{
	return port->codec.dtmf_clock_rate ? port->codec.dtmf_clock_rate : 8000;
}

/* ---- facts ---- */

void gw_port_tell(struct gw_port *port, const struct gw_media_fact *fact)
{
	port->owner.facth(fact, port->owner.fact_arg);
}

void gw_port_tell_type(struct gw_port *port, enum gw_media_fact_type type,
		       int err)
{
	const struct gw_media_fact fact = { .type = type,
					    .err = err,
					    .local_port = port->number };

	gw_port_tell(port, &fact);
}

static uint16_t score(const struct gw_port *port,
		      const struct gw_media_stats *st)
{
	const struct gw_mos_facts facts = { .codec = port->codec.name,
					    .received = st->received,
					    .lost = st->lost,
					    .jitter_us = st->jitter_us,
					    .rtt_us = st->rtt_us };

	return gw_mos_x100(&facts);
}

void gw_port_stats(struct gw_port *port)
{
	struct gw_media_fact fact = { .type = GW_MEDIA_STATS,
				      .local_port = port->number };
	struct gw_media_stats *st = &fact.stats;

	st->sent = port->packets;
	st->received = gw_rtp_source_received(&port->source);
	st->lost = gw_rtp_source_lost(&port->source);
	st->any = st->received > 0;
	st->rtt_us = port->rtt_us;
	st->first_packet_ms = port->first_packet_ms;
	if (port->codec.clock_rate)
		st->jitter_us =
			(uint32_t)((uint64_t)(port->source.jitter >> 4) *
				   1000000 / port->codec.clock_rate);
	st->mos_x100 = score(port, st);

	gw_port_tell(port, &fact);
}

/* ---- commands ---- */

bool gw_port_may_receive(const struct gw_port *port)
{
	return port->has_remote && (port->dir & GW_MEDIA_RECVONLY);
}

/* Keeps a latch as long as the far side names the same place as before. */
static void set_peer(struct gw_port_peer *peer, const struct sa *addr)
{
	if (sa_cmp(&peer->named, addr, SA_ALL))
		return;

	peer->named = *addr;
	peer->addr = *addr;
	peer->latched = false;
}

static void set_codec(struct gw_port *port, const struct gw_media_codec *codec)
{
	const bool same = !str_casecmp(port->codec.name, codec->name) &&
			  port->codec.pt_rx == codec->pt_rx;

	port->codec = *codec;
	port->codec.name[sizeof(port->codec.name) - 1] = '\0';
	if (!port->codec.clock_rate)
		port->codec.clock_rate = 8000;
	gw_player_codec(&port->player, port->codec.name, codec->ptime_ms);
	if (same)
		return;

	port->marker = true;
	port->skip = 0;
	port->echo_flows = port->relay.flows = false;
	if (port->peer)
		port->peer->relay.flows = false;
	gw_ear_close(&port->ear);
	port->source.has_transit = false;
	port->source.jitter = 0;
}

/* There is no converter for the codec that was agreed on. */
static void end_unplayable(struct gw_port *port)
{
	if (!port->has_remote || port->player.rate)
		return;
	if (gw_player_play(&port->player, NULL))
		gw_port_tell_type(port, GW_MEDIA_PLAY_ENDED, ENOTSUP);
}

void gw_port_remote(struct gw_port *port, const struct sa *rtp,
		    const struct sa *rtcp, const struct gw_media_codec *codec,
		    enum gw_media_direction dir)
{
	if (!port->rtp_sock)
		return;
	if (!port->has_remote) {
		port->has_remote = true;
		port->remote_us = port->heard_us = gw_port_now_us();
		gw_port_start_reports(port);
	}
	if ((dir & GW_MEDIA_RECVONLY) && !gw_port_may_receive(port))
		port->heard_us = gw_port_now_us(); /* off hold: a new chance */

	gw_port_apply_secure(port);
	if (!port->browser) {
		set_peer(&port->rtp, rtp);
		set_peer(&port->rtcp, rtcp);
	}
	port->dir = dir;
	set_codec(port, codec);

	end_unplayable(port);
	gw_port_update_join(port);
	gw_port_update_ticking(port);
}

void gw_port_latch(struct gw_port *port, const struct sa *alt)
{
	port->alt = *alt;
}

void gw_port_play(struct gw_port *port, const struct gw_sound *sound)
{
	if (gw_player_play(&port->player, sound))
		gw_port_tell_type(port, GW_MEDIA_PLAY_ENDED, ECANCELED);
	end_unplayable(port);
	gw_port_update_ticking(port);
}

void gw_port_tone(struct gw_port *port, enum gw_tone tone, const char *country)
{
	const struct gw_tone_row *row = gw_tone_find(tone, country);

	if (gw_player_tone(&port->player, row))
		gw_port_tell_type(port, GW_MEDIA_PLAY_ENDED, ECANCELED);
	end_unplayable(port);
	gw_port_update_ticking(port);
}

void gw_port_echo(struct gw_port *port, bool on)
{
	port->echo = on;
	if (!on)
		port->echo_flows = false;
}

void gw_port_dtmf(struct gw_port *port, char digit, uint32_t duration_ms)
{
	if (port->codec.pt_dtmf_tx >= 0)
		(void)gw_dtmf_push(&port->dtmf_tx, digit, duration_ms);
	gw_port_update_ticking(port);
}

void gw_port_watch(struct gw_port *port, uint32_t stall_ms)
{
	port->stall_ms = stall_ms;
	port->stalled = false;
	port->heard_us = gw_port_now_us();
	gw_port_restart_stall(port);
}

/* ---- life ---- */

static void destructor(void *arg)
{
	struct gw_port *port = arg;

	gw_port_part(port);
	gw_port_end_recording(port);
	gw_port_end_reports(port);
	gw_port_close_browser(port);
	tmr_cancel(&port->dtmf_tmr);
	tmr_cancel(&port->stall_tmr);
	if (port->ticking_le.list)
		port->owner.tickingh(port, false, port->owner.ticking_arg);
	list_unlink(&port->le);
	gw_player_close(&port->player);
	gw_voice_close(&port->voice);
	gw_port_close_ear(port);
	gw_port_close_secure(port);
	mem_deref(port->rtp_sock);
	mem_deref(port->rtcp_sock);
}

int gw_port_alloc(struct gw_port **portp, const struct gw_port_owner *owner)
{
	struct gw_port *port = mem_zalloc(sizeof(*port), destructor);

	if (!port)
		return ENOMEM;

	port->owner = *owner;
	port->codec.pt_dtmf_tx = port->codec.pt_dtmf_rx = -1;
	port->ssrc = rand_u32();
	port->ts = rand_u32();
	/* RFC 3550 5.1: random, and not so near to its end that it wraps
	 * before the far side has settled */
	port->seq = rand_u16() & 0x7fff;
	port->marker = true;
	/* RFC 7022 4.2: a name that says nothing about us */
	rand_str(port->cname, sizeof(port->cname));

	*portp = port;
	return 0;
}

static int listen_at(struct udp_sock **usp, const struct sa *laddr,
		     uint16_t number, uint8_t dscp, udp_recv_h *recvh,
		     struct gw_port *port)
{
	const int tos = dscp << 2;
	struct sa local = *laddr;
	int err;

	sa_set_port(&local, number);
	err = udp_listen(usp, &local, recvh, port);
	if (err)
		return err;

	udp_rxsz_set(*usp, GW_PORT_PACKET_MAX);
	/* a network that doesn't mark packets still carries them */
	if (dscp && sa_af(laddr) == AF_INET6)
		(void)udp_setsockopt(*usp, IPPROTO_IPV6, IPV6_TCLASS, &tos,
				     sizeof(tos));
	else if (dscp)
		(void)udp_setsockopt(*usp, IPPROTO_IP, IP_TOS, &tos,
				     sizeof(tos));
	return 0;
}

int gw_port_bind(struct gw_port *port, const struct sa *laddr,
		 uint16_t rtp_port, uint8_t dscp)
{
	int err;

	err = listen_at(&port->rtp_sock, laddr, rtp_port, dscp, gw_port_on_rtp,
			port);
	if (!err)
		err = listen_at(&port->rtcp_sock, laddr,
				(uint16_t)(rtp_port + 1), 0, gw_port_on_rtcp,
				port);

	if (err)
		port->rtp_sock = mem_deref(port->rtp_sock);
	else
		port->number = rtp_port;
	return err;
}

uint16_t gw_port_number(const struct gw_port *port)
{
	return port->number;
}

struct le *gw_port_le(struct gw_port *port)
{
	return &port->le;
}

struct le *gw_port_ticking_le(struct gw_port *port)
{
	return &port->ticking_le;
}

void *gw_port_fact_arg(const struct gw_port *port)
{
	return port->owner.fact_arg;
}
