/* The inside of a port, for its files alone: all on the media thread. */
#ifndef BELLPULL_SIP_MEDIA_PORT_IMPL_H
#define BELLPULL_SIP_MEDIA_PORT_IMPL_H

#include <re.h>

#include "sip/media/detect.h"
#include "sip/media/dtmf.h"
#include "sip/media/ear.h"
#include "sip/media/player.h"
#include "sip/media/port.h"
#include "sip/media/relay.h"
#include "sip/media/rtp.h"
#include "sip/media/secure.h"
#include "sip/media/voice.h"

enum { GW_PORT_PACKET_MAX = 2048 };

/* The far side's end of RTP or of RTCP. */
struct gw_port_peer {
	struct sa named; /* as it was told us */
	struct sa addr;  /* where we send to and hear from */
	bool latched;    /* addr is another one than the named one */
};

/* How what a port hears gets to the one it is joined with. */
enum gw_port_way {
	GW_WAY_NONE,
	GW_WAY_RELAY,   /* packets as they are */
	GW_WAY_CONVERT, /* by way of linear sound */
};

/* An event that is passed on: its packets all have the time of its start. */
struct gw_port_event {
	bool any;
	uint32_t ssrc, in_ts, out_ts;
};

struct gw_port {
	struct le le, ticking_le;
	struct gw_port_owner owner;
	struct udp_sock *rtp_sock, *rtcp_sock;
	uint16_t number;

	bool has_remote;
	struct gw_port_peer rtp, rtcp;
	struct sa alt; /* where the signalling comes from; AF_UNSPEC: unknown */
	struct gw_media_codec codec;
	enum gw_media_direction dir;
	int64_t remote_us; /* since when */

	struct gw_port_browser *browser; /* or NULL: a phone */
	bool is_secure;                  /* without secure, nothing passes */
	struct gw_secure *secure;
	/* what the next remote brings: */
	bool secure_changes, secure_next;
	struct gw_media_srtp *secure_keys;

	uint16_t seq; /* of the next packet */
	uint32_t ts, ssrc;
	bool marker;     /* the next packet of sound begins a spurt */
	int64_t tick_us; /* when ts was that of the next packet */
	unsigned skip;   /* ticks until the next packet of sound */
	uint32_t packets, bytes;

	struct gw_player player;
	struct gw_dtmf_tx dtmf_tx;
	struct gw_dtmf_rx dtmf_rx;
	struct tmr dtmf_tmr;

	bool echo, echo_flows;
	uint32_t echo_ssrc, echo_offset;
	unsigned echo_idle;   /* ticks since something came to be sent back */
	int64_t echo_paid_us; /* until when what was sent back is paid for */

	struct gw_port *peer;         /* joined with; it points back */
	enum gw_port_way way;         /* from us to peer */
	bool muted;                   /* what we hear isn't passed on */
	struct gw_ear ear;            /* what we hear, when somebody listens */
	struct gw_detector *detector; /* for tones in it; NULL: off */
	struct gw_halfband detector_rate;

	struct gw_recording *recording; /* of the left one; NULL: none */
	struct gw_port *recorded_right; /* whose other channel is this one's */
	struct gw_port *recorded_by;    /* who keeps what we hear */
	unsigned recorded_channel;
	struct tmr record_tmr;
	/* what peer hears, on its way out of here: */
	bool fed;       /* it drives our stream: no silence of our own */
	bool fed_noise; /* the last of it was comfort noise */
	int64_t fed_us; /* when that came */
	struct gw_relay relay;
	struct gw_voice voice;
	struct gw_port_event event;

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

/* port.c ------------------------------------------------------------------ */

/* us in units of the codec's clock. */
uint32_t gw_port_in_clock(const struct gw_port *port, int64_t us);
uint32_t gw_port_dtmf_rate(const struct gw_port *port);

void gw_port_tell(struct gw_port *port, const struct gw_media_fact *fact);
void gw_port_tell_type(struct gw_port *port, enum gw_media_fact_type type,
		       int err);
bool gw_port_may_receive(const struct gw_port *port);

/* port_receive.c ---------------------------------------------------------- */

udp_recv_h gw_port_on_rtp;

/* Whether src is where peer's packets come from. Symmetric RTP: another port of
 * the address that the far side named, or of alt, is believed, once; any third
 * address never. */
bool gw_port_is_from(const struct gw_port_peer *peer, const struct sa *alt,
		     const struct sa *src);
/* And what came from there was what it should be: peer is there from now on. */
void gw_port_follow(struct gw_port_peer *peer, const struct sa *src);

/* Something came, RTP or RTCP. */
void gw_port_heard(struct gw_port *port, bool comfort_noise);
void gw_port_restart_stall(struct gw_port *port);

/* port_send.c ------------------------------------------------------------- */

/* Joins or leaves those that the clock ticks for. */
void gw_port_update_ticking(struct gw_port *port);

/* The same payload, under our own sequence, time and source. */
void gw_port_send_back(struct gw_port *port, const struct gw_rtp *rtp);

bool gw_port_may_send(const struct gw_port *port);
uint32_t
gw_port_tick_units(const struct gw_port *port); /* 20 ms of its clock */
/* The time that a packet of now has, never before that of the next one. */
uint32_t gw_port_ts_now(const struct gw_port *port);

/* Sends rtp as it is, but under our own source. */
void gw_port_send_rtp(struct gw_port *port, const struct gw_rtp *rtp);
/* Sends it as the next packet of sound. */
void gw_port_send_payload(struct gw_port *port, const uint8_t *payload,
			  size_t len);

/* port_join.c ------------------------------------------------------------- */

/* The codec or the direction of port has changed, or its being muted. */
void gw_port_update_join(struct gw_port *port);
/* Hand what src hears to its peer: a packet of sound or of comfort noise (noise)
 * where it passes as it is, decoded sound where it doesn't, and events. */
void gw_port_pass(struct gw_port *src, const struct gw_rtp *rtp, bool noise);
void gw_port_pass_sound(struct gw_port *src, const int16_t *samples,
			size_t count, uint32_t rate);
void gw_port_pass_pause(struct gw_port *src, uint32_t samples, uint32_t rate,
			bool fresh);
void gw_port_pass_event(struct gw_port *src, const struct gw_rtp *rtp);
/* Now and then: who is fed with nothing for long sends silence again. */
void gw_port_check_fed(struct gw_port *port);

/* port_secure.c ----------------------------------------------------------- */

/* Takes effect now, with gw_port_remote(). */
void gw_port_apply_secure(struct gw_port *port);
void gw_port_close_secure(struct gw_port *port);
/* Before it is sent, after it has come: false is to be dropped. A packet that is
 * sent has GW_SECURE_ROOM behind it. */
bool gw_port_seal(struct gw_port *port, struct mbuf *mb, bool rtcp);
bool gw_port_unseal(struct gw_port *port, struct mbuf *mb, bool rtcp);

/* port_browser.c ---------------------------------------------------------- */

/* What comes from a browser, all on one socket: true where it is sound, which the
 * others take. */
bool gw_port_browser_receive(struct gw_port *port, const struct sa *src,
			     struct mbuf *mb);
/* Says goodbye to it. */
void gw_port_close_browser(struct gw_port *port);
/* What DTLS has agreed on, at once and for good. */
int gw_port_set_keys(struct gw_port *port, const struct gw_media_srtp *keys);

/* port_hear.c ------------------------------------------------------------- */

void gw_port_hear(struct gw_port *port, const struct gw_rtp *rtp);
void gw_port_close_ear(struct gw_port *port);

/* port_record.c ----------------------------------------------------------- */

void gw_port_record_sound(struct gw_port *port, const int16_t *samples,
			  size_t count, uint32_t rate);
void gw_port_record_pause(struct gw_port *port, uint32_t samples, uint32_t rate,
			  bool fresh);
/* Somebody listens, or no longer does. */
void gw_port_update_ear(struct gw_port *port);

/* port_rtcp.c ------------------------------------------------------------- */

udp_recv_h gw_port_on_rtcp;
void gw_port_start_reports(struct gw_port *port);
void gw_port_end_reports(struct gw_port *port); /* with a BYE */

#endif
