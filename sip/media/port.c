/* One RTP/RTCP end.
 *
 *   socket -> is it from the right source? -> count -> sound: echo it
 *                                                  `-> event: tell the digit
 *   tick   -> digit under way? sound? else silence -> socket
 *
 * Whether a port needs ticks at all is decided in one place, update_ticking():
 * a port that has nothing to send costs nothing between packets. */
#include "sip/media/port.h"

#include <netinet/in.h>
#include <string.h>
#include <time.h>

#include "sip/media/dtmf.h"
#include "sip/media/player.h"
#include "sip/media/rtp.h"

enum {
	PACKET_MAX = 2048,
	PAYLOAD_MAX = GW_PACKET_FRAMES_MAX * GW_FRAME_BYTES_MAX,
	TICKS_CAUGHT_UP = 4,     /* of those missed; older ones are skipped */
	ECHO_PATIENCE_TICKS = 5, /* then silence is sent instead */
	RTCP_INTERVAL_MS = 5000,
	PT_CN = 13,
	PT_CN_OLD = 19,
};

/* The far side's end of RTP or of RTCP. */
struct peer {
	struct sa named; /* as it was told us */
	struct sa addr;  /* where we send to and hear from */
	bool latched;    /* addr is another port than the named one */
};

struct gw_port {
	struct le le, ticking_le;
	struct gw_port_owner owner;
	struct udp_sock *rtp_sock, *rtcp_sock;
	uint16_t number;

	bool has_remote;
	struct peer rtp, rtcp;
	struct gw_media_codec codec;
	enum gw_media_direction dir;
	int64_t remote_us; /* since when */

	uint16_t seq; /* of the next packet */
	uint32_t ts, ssrc;
	bool marker;     /* the next packet of sound begins a spurt */
	int64_t tick_us; /* the last tick */
	unsigned skip;   /* ticks until the next packet of sound */
	uint32_t packets, bytes;

	struct gw_player player;
	struct gw_dtmf_tx dtmf_tx;
	struct gw_dtmf_rx dtmf_rx;
	struct tmr dtmf_tmr;

	bool echo, echo_flows;
	uint32_t echo_ssrc, echo_offset;
	unsigned echo_idle; /* ticks since something came to be sent back */

	struct gw_rtp_source source;
	int64_t heard_us; /* RTP or RTCP */
	bool heard_cn;    /* the last thing was comfort noise */
	uint32_t first_packet_ms;

	uint32_t stall_ms;
	bool stalled;
	struct tmr stall_tmr;

	struct tmr rtcp_tmr;
	char cname[GW_RTCP_CNAME + 1];
	uint32_t packets_at_report;
	uint32_t last_sr;
	int64_t last_sr_us;
	uint32_t rtt_us;
};

/* ---- time ---- */

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

/* Seconds since 1900 and their fraction, of the wall clock (RFC 3550 4). */
static uint64_t now_ntp(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ((uint64_t)ts.tv_sec + 2208988800u) << 32 |
	       ((uint64_t)ts.tv_nsec << 32) / 1000000000u;
}

static uint32_t in_clock(const struct gw_port *port, int64_t us)
{
	return (uint32_t)((uint64_t)us * port->codec.clock_rate / 1000000u);
}

static uint32_t tick_units(const struct gw_port *port)
{
	return port->codec.clock_rate / 1000 * GW_FRAME_MS;
}

static uint32_t dtmf_rate(const struct gw_port *port)
{
	return port->codec.dtmf_clock_rate ? port->codec.dtmf_clock_rate : 8000;
}

/* ---- facts ---- */

static void tell(struct gw_port *port, const struct gw_media_fact *fact)
{
	port->owner.facth(fact, port->owner.fact_arg);
}

static void tell_type(struct gw_port *port, enum gw_media_fact_type type,
		      int err)
{
	const struct gw_media_fact fact = { .type = type,
					    .err = err,
					    .local_port = port->number };

	tell(port, &fact);
}

static void tell_digit(struct gw_port *port, const struct gw_dtmf_event *event)
{
	const struct gw_media_fact fact = { .type = GW_MEDIA_DTMF,
					    .local_port = port->number,
					    .digit = event->digit,
					    .duration_ms = event->duration_ms };

	tell(port, &fact);
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

	tell(port, &fact);
}

/* ---- what is sent ---- */

static bool may_send(const struct gw_port *port)
{
	return port->has_remote && (port->dir & GW_MEDIA_SENDONLY) &&
	       sa_port(&port->rtp.addr);
}

static bool may_receive(const struct gw_port *port)
{
	return port->has_remote && (port->dir & GW_MEDIA_RECVONLY);
}

static void update_ticking(struct gw_port *port)
{
	const bool ticking = may_send(port) && (port->player.silence ||
						gw_dtmf_busy(&port->dtmf_tx));
	const int64_t now = now_us();

	if (ticking == (port->ticking_le.list != NULL))
		return;

	if (ticking && port->tick_us) {
		/* the clock of the stream went on while nothing was sent */
		port->ts += in_clock(port, now - port->tick_us);
		port->marker = true;
		port->skip = 0;
	}
	port->tick_us = now;
	port->owner.tickingh(port, ticking, port->owner.ticking_arg);
}

/* packet has its payload in place, behind room for the header. */
static void send_packet(struct gw_port *port, uint8_t *packet, size_t len,
			uint8_t pt, bool marker, uint32_t ts)
{
	const struct gw_rtp rtp = { .marker = marker,
				    .pt = pt,
				    .seq = port->seq++,
				    .ts = ts,
				    .ssrc = port->ssrc };
	struct mbuf mb = { .buf = packet,
			   .size = GW_RTP_HEADER + len,
			   .end = GW_RTP_HEADER + len };

	gw_rtp_write(packet, &rtp);
	port->packets++;
	port->bytes += (uint32_t)len;
	/* a full socket loses the packet as the network would */
	(void)udp_send(port->rtp_sock, &port->rtp.addr, &mb);
}

static void send_sound(struct gw_port *port)
{
	uint8_t packet[GW_RTP_HEADER + PAYLOAD_MAX];
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
		tell_type(port, GW_MEDIA_PLAY_ENDED, 0);
}

static void one_tick(struct gw_port *port)
{
	uint8_t packet[GW_RTP_HEADER + GW_DTMF_PAYLOAD];
	struct gw_dtmf_packet dtmf;

	if (gw_dtmf_tick(&port->dtmf_tx, &dtmf, port->ts, dtmf_rate(port))) {
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
	} else {
		send_sound(port);
	}

	port->ts += tick_units(port);
}

void gw_port_tick(struct gw_port *port, unsigned ticks)
{
	port->tick_us = now_us();
	if (ticks > TICKS_CAUGHT_UP) {
		port->ts += (ticks - TICKS_CAUGHT_UP) * tick_units(port);
		ticks = TICKS_CAUGHT_UP;
	}

	while (ticks--)
		one_tick(port);

	if (!port->player.silence && !gw_dtmf_busy(&port->dtmf_tx))
		update_ticking(port);
}

/* The same payload, under our own sequence, time and source. */
static void send_back(struct gw_port *port, const struct gw_rtp *rtp)
{
	uint8_t packet[GW_RTP_HEADER + PACKET_MAX];

	port->echo_idle = 0;
	if (!may_send(port) || rtp->payload_len > PACKET_MAX ||
	    port->dtmf_tx.active)
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
	port->ts = rtp->ts + port->echo_offset + tick_units(port);
}

/* ---- what comes in ---- */

/* Symmetric RTP: another port of the address that the far side named is
 * believed, once; another address never. */
static bool is_from(struct peer *peer, const struct sa *src)
{
	if (sa_cmp(&peer->addr, src, SA_ALL))
		return true;
	if (peer->latched || !sa_cmp(&peer->addr, src, SA_ADDR))
		return false;

	peer->latched = true;
	peer->addr = *src;
	return true;
}

static void on_stall(void *arg);

static void restart_stall(struct gw_port *port)
{
	if (port->stall_ms)
		tmr_start(&port->stall_tmr, port->stall_ms, on_stall, port);
	else
		tmr_cancel(&port->stall_tmr);
}

static void heard(struct gw_port *port, bool comfort_noise)
{
	port->heard_us = now_us();
	port->heard_cn = comfort_noise;
	if (!port->stalled)
		return;

	port->stalled = false;
	restart_stall(port);
	tell_type(port, GW_MEDIA_RESUMED, 0);
}

/* The timer is not moved with each packet: it looks how old the last one is. */
static void on_stall(void *arg)
{
	struct gw_port *port = arg;
	const int64_t idle_ms = (now_us() - port->heard_us) / 1000;

	if (!may_receive(port) || port->heard_cn) {
		restart_stall(port);
	} else if (idle_ms < port->stall_ms) {
		tmr_start(&port->stall_tmr,
			  (uint64_t)(port->stall_ms - idle_ms), on_stall, port);
	} else {
		port->stalled = true;
		tell_type(port, GW_MEDIA_STALLED, 0);
	}
}

static void on_dtmf_lost(void *arg)
{
	struct gw_port *port = arg;
	struct gw_dtmf_event event;

	if (gw_dtmf_lost(&port->dtmf_rx, &event, dtmf_rate(port)))
		tell_digit(port, &event);
}

static void take_event(struct gw_port *port, const struct gw_rtp *rtp)
{
	struct gw_dtmf_event ended[2];
	const size_t count = gw_dtmf_receive(&port->dtmf_rx, ended, rtp->ts,
					     rtp->payload, rtp->payload_len,
					     dtmf_rate(port));

	if (port->dtmf_rx.open)
		tmr_start(&port->dtmf_tmr, GW_DTMF_LOST_MS, on_dtmf_lost, port);
	else
		tmr_cancel(&port->dtmf_tmr);

	for (size_t i = 0; i < count; i++)
		tell_digit(port, &ended[i]);
}

static void first_packet(struct gw_port *port)
{
	const int64_t ms = (now_us() - port->remote_us) / 1000;

	port->first_packet_ms = ms < 1 ? 1 : (uint32_t)ms;
	tell_type(port, GW_MEDIA_FIRST_PACKET, 0);
}

static void on_rtp(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct gw_port *port = arg;
	struct gw_rtp rtp;
	bool sound, event;

	if (!port->has_remote ||
	    !gw_rtp_read(&rtp, mbuf_buf(mb), mbuf_get_left(mb)))
		return;
	if (!is_from(&port->rtp, src))
		return;

	sound = rtp.pt == port->codec.pt_rx;
	event = rtp.pt == port->codec.pt_dtmf_rx;
	if (port->source.any && port->source.ssrc != rtp.ssrc)
		memset(&port->dtmf_rx, 0, sizeof(port->dtmf_rx));
	if (!gw_rtp_source_count(&port->source, &rtp, in_clock(port, now_us()),
				 sound))
		return;

	heard(port, rtp.pt == PT_CN || rtp.pt == PT_CN_OLD);
	if (!port->first_packet_ms)
		first_packet(port);

	if (event)
		take_event(port, &rtp);
	else if (sound && port->echo)
		send_back(port, &rtp);
}

/* ---- RTCP ---- */

/* RFC 3550 6.4.1: our time, less when we sent, less how long they kept it. */
static void measure_rtt(struct gw_port *port, const struct gw_rtcp_news *news)
{
	const uint32_t now = (uint32_t)(now_ntp() >> 16);
	const uint32_t rtt = now - news->block_last_sr - news->block_since_sr;

	if (news->block_last_sr && rtt < 60u << 16)
		port->rtt_us = (uint32_t)((uint64_t)rtt * 1000000 >> 16);
}

static void on_rtcp(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct gw_port *port = arg;
	struct gw_rtcp_news news;

	if (!port->has_remote || !is_from(&port->rtcp, src))
		return;
	if (!gw_rtcp_read(&news, mbuf_buf(mb), mbuf_get_left(mb), port->ssrc))
		return;

	heard(port, port->heard_cn);
	if (news.has_sr) {
		port->last_sr = news.last_sr;
		port->last_sr_us = now_us();
	}
	if (news.has_block)
		measure_rtt(port, &news);
}

static void send_report(struct gw_port *port, bool bye)
{
	uint8_t packet[GW_RTCP_MAX];
	const int64_t since = now_us() - port->last_sr_us;
	struct gw_rtcp_report report = {
		.ssrc = port->ssrc,
		.sender = port->packets != port->packets_at_report,
		.bye = bye,
		.ntp = now_ntp(),
		.ts = port->ts + in_clock(port, now_us() - port->tick_us),
		.packets = port->packets,
		.bytes = port->bytes,
		.source = &port->source,
		.last_sr = port->last_sr,
		.since_sr = (uint32_t)(((uint64_t)since << 16) / 1000000),
	};
	struct mbuf mb = { .buf = packet, .size = sizeof(packet) };

	memcpy(report.cname, port->cname, sizeof(report.cname));
	mb.end = gw_rtcp_write(packet, &report);
	port->packets_at_report = port->packets;
	(void)udp_send(port->rtcp_sock, &port->rtcp.addr, &mb);
}

static bool may_report(const struct gw_port *port)
{
	return port->has_remote && port->rtcp_sock && sa_port(&port->rtcp.addr);
}

/* RFC 3550 6.2: between half and one and a half times the interval, so that
 * many calls that began together don't report together. */
static void on_rtcp_due(void *arg)
{
	struct gw_port *port = arg;

	if (may_report(port))
		send_report(port, false);
	tmr_start(&port->rtcp_tmr,
		  RTCP_INTERVAL_MS / 2 + rand_u32() % RTCP_INTERVAL_MS,
		  on_rtcp_due, port);
}

/* ---- commands ---- */

/* Keeps a latch as long as the far side names the same place as before. */
static void set_peer(struct peer *peer, const struct sa *addr)
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
	port->echo_flows = false;
	port->source.has_transit = false;
	port->source.jitter = 0;
}

void gw_port_remote(struct gw_port *port, const struct sa *rtp,
		    const struct sa *rtcp, const struct gw_media_codec *codec,
		    enum gw_media_direction dir)
{
	if (!port->rtp_sock)
		return;
	if (!port->has_remote) {
		port->has_remote = true;
		port->remote_us = port->heard_us = now_us();
		tmr_start(&port->rtcp_tmr,
			  RTCP_INTERVAL_MS / 4 +
				  rand_u32() % (RTCP_INTERVAL_MS / 2),
			  on_rtcp_due, port);
	}
	if ((dir & GW_MEDIA_RECVONLY) && !may_receive(port))
		port->heard_us = now_us(); /* off hold: a new chance */

	set_peer(&port->rtp, rtp);
	set_peer(&port->rtcp, rtcp);
	port->dir = dir;
	set_codec(port, codec);

	if (port->player.sound && !port->player.rate) {
		(void)gw_player_play(&port->player, NULL);
		tell_type(port, GW_MEDIA_PLAY_ENDED, ENOTSUP);
	}
	update_ticking(port);
}

void gw_port_play(struct gw_port *port, const struct gw_sound *sound)
{
	if (gw_player_play(&port->player, sound))
		tell_type(port, GW_MEDIA_PLAY_ENDED, ECANCELED);
	if (!sound)
		return;

	if (port->has_remote && !port->player.rate) {
		(void)gw_player_play(&port->player, NULL);
		tell_type(port, GW_MEDIA_PLAY_ENDED, ENOTSUP);
	}
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
	update_ticking(port);
}

void gw_port_watch(struct gw_port *port, uint32_t stall_ms)
{
	port->stall_ms = stall_ms;
	port->stalled = false;
	port->heard_us = now_us();
	restart_stall(port);
}

/* ---- life ---- */

static void destructor(void *arg)
{
	struct gw_port *port = arg;

	if (may_report(port))
		send_report(port, true);

	tmr_cancel(&port->dtmf_tmr);
	tmr_cancel(&port->stall_tmr);
	tmr_cancel(&port->rtcp_tmr);
	if (port->ticking_le.list)
		port->owner.tickingh(port, false, port->owner.ticking_arg);
	list_unlink(&port->le);
	gw_player_close(&port->player);
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

	udp_rxsz_set(*usp, PACKET_MAX);
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

	err = listen_at(&port->rtp_sock, laddr, rtp_port, dscp, on_rtp, port);
	if (!err)
		err = listen_at(&port->rtcp_sock, laddr,
				(uint16_t)(rtp_port + 1), 0, on_rtcp, port);

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
