/* One RTP/RTCP end. All but gw_port_alloc() on the media thread. */
#ifndef BELLPULL_SIP_MEDIA_PORT_H
#define BELLPULL_SIP_MEDIA_PORT_H

#include <re.h>

#include "sip/media/media.h"

struct gw_port;

/* Tells a fact; on the media thread. */
typedef void(gw_port_fact_h)(const struct gw_media_fact *fact, void *arg);
/* The same for RECORDED: samples (or NULL: silence) are the receiver's then, to
 * mem_deref(). */
typedef void(gw_port_piece_h)(const struct gw_media_fact *fact,
			      int16_t *samples, void *arg);
/* The port has, or no longer has, something to send with each tick. */
typedef void(gw_port_ticking_h)(struct gw_port *port, bool ticking, void *arg);

struct gw_port_owner {
	gw_port_fact_h *facth;
	gw_port_piece_h *pieceh;
	void *fact_arg;
	gw_port_ticking_h *tickingh;
	void *ticking_arg;
};

/* An end without sockets, on any thread: mem_deref() it on the media thread. */
int gw_port_alloc(struct gw_port **portp, const struct gw_port_owner *owner);

/* Binds RTP at laddr's address and rtp_port, RTCP one above. Returns 0 or the
 * errno of bind; then the port may be bound elsewhere. */
int gw_port_bind(struct gw_port *port, const struct sa *laddr,
		 uint16_t rtp_port, uint8_t dscp);
uint16_t gw_port_number(const struct gw_port *port); /* 0: not bound */
struct le *gw_port_le(struct gw_port *port);         /* for its owner's list */
struct le *gw_port_ticking_le(struct gw_port *port);
void *gw_port_fact_arg(const struct gw_port *port);

int64_t gw_port_now_us(void); /* CLOCK_MONOTONIC */

/* ticks of 20 ms have passed. catch_up: what a few missed ones should have sent is
 * sent now; else it is left out. */
void gw_port_tick(struct gw_port *port, unsigned ticks, bool catch_up);

/* The commands of media.h. */
void gw_port_remote(struct gw_port *port, const struct sa *rtp,
		    const struct sa *rtcp, const struct gw_media_codec *codec,
		    enum gw_media_direction dir);
/* srtp: NULL is plain RTP. */
void gw_port_secure(struct gw_port *port, const struct gw_media_srtp *srtp);
struct gw_dtls_identity;
void gw_port_browser(struct gw_port *port, struct gw_dtls_identity *identity,
		     const struct gw_media_browser *browser);
void gw_port_latch(struct gw_port *port, const struct sa *alt);
void gw_port_play(struct gw_port *port, const struct gw_sound *sound);
void gw_port_tone(struct gw_port *port, enum gw_tone tone, const char *country);
void gw_port_echo(struct gw_port *port, bool on);
void gw_port_dtmf(struct gw_port *port, char digit, uint32_t duration_ms);
void gw_port_watch(struct gw_port *port, uint32_t stall_ms);
void gw_port_stats(struct gw_port *port); /* the fact STATS follows */
void gw_port_join(struct gw_port *a, struct gw_port *b);
void gw_port_part(struct gw_port *port);
void gw_port_mute(struct gw_port *port, bool on);
void gw_port_detect(struct gw_port *port, bool on);
void gw_port_record(struct gw_port *left, struct gw_port *right, bool on);
/* Neither records nor is recorded: what is left is told. */
void gw_port_end_recording(struct gw_port *port);

#endif
