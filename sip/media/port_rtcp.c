/* RTCP of a port: what the far side reports, and what we do (RFC 3550 6). */
#include "sip/media/port_impl.h"

#include <string.h>
#include <time.h>

enum { RTCP_INTERVAL_MS = 5000 };

/* Seconds since 1900 and their fraction, of the wall clock (RFC 3550 4). */
static uint64_t now_ntp(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	return ((uint64_t)ts.tv_sec + 2208988800u) << 32 |
	       ((uint64_t)ts.tv_nsec << 32) / 1000000000u;
}

/* RFC 3550 6.4.1: our time, less when we sent, less how long they kept it. */
static void measure_rtt(struct gw_port *port, const struct gw_rtcp_news *news)
{
	const uint32_t now = (uint32_t)(now_ntp() >> 16);
	const uint32_t rtt = now - news->block_last_sr - news->block_since_sr;

	if (news->block_last_sr && rtt < 60u << 16)
		port->rtt_us = (uint32_t)((uint64_t)rtt * 1000000 >> 16);
}

void gw_port_on_rtcp(const struct sa *src, struct mbuf *mb, void *arg)
{
	struct gw_port *port = arg;
	struct gw_rtcp_news news;

	if (!port->has_remote ||
	    !gw_port_is_from(&port->rtcp, &port->alt, src) ||
	    !gw_port_unseal(port, mb, true) ||
	    !gw_rtcp_read(&news, mbuf_buf(mb), mbuf_get_left(mb), port->ssrc))
		return;

	gw_port_follow(&port->rtcp, src);

	gw_port_heard(port, port->heard_cn);
	if (news.has_sr) {
		port->last_sr = news.last_sr;
		port->last_sr_us = gw_port_now_us();
	}
	if (news.has_block)
		measure_rtt(port, &news);
}

static void send_report(struct gw_port *port, bool bye)
{
	uint8_t packet[GW_RTCP_MAX + GW_SECURE_ROOM];
	const int64_t since = gw_port_now_us() - port->last_sr_us;
	struct gw_rtcp_report report = {
		.ssrc = port->ssrc,
		.sender = port->packets != port->packets_at_report,
		.bye = bye,
		.ntp = now_ntp(),
		.ts = gw_port_ts_now(port),
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
	if (gw_port_seal(port, &mb, true))
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
	gw_port_check_fed(port);
	tmr_start(&port->rtcp_tmr,
		  RTCP_INTERVAL_MS / 2 + rand_u32() % RTCP_INTERVAL_MS,
		  on_rtcp_due, port);
}

void gw_port_start_reports(struct gw_port *port)
{
	tmr_start(&port->rtcp_tmr,
		  RTCP_INTERVAL_MS / 4 + rand_u32() % (RTCP_INTERVAL_MS / 2),
		  on_rtcp_due, port);
}

void gw_port_end_reports(struct gw_port *port)
{
	if (may_report(port))
		send_report(port, true);
	tmr_cancel(&port->rtcp_tmr);
}
