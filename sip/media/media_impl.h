/* What the loop thread and the media thread share, for media.c (the thread) and
 * media_handle.c (the callers' ends) alone. */
#ifndef BELLPULL_SIP_MEDIA_MEDIA_IMPL_H
#define BELLPULL_SIP_MEDIA_MEDIA_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include <re.h>

#include "sip/media/dtls.h"
#include "sip/media/media.h"
#include "sip/media/port.h"
#include "sip/media/range.h"

/* The way back from a port to its handle: one reference for each of the two and
 * for each fact under way. */
struct gw_media_link {
	atomic_uint refs;
	atomic_uint pieces; /* of a recording, under way to the loop thread */
	struct gw_media *media;       /* posts, while its thread runs */
	struct gw_media_port *handle; /* loop thread only; NULL: gone */
};

enum gw_media_command_type {
	GW_MEDIA_DO_OPEN,
	GW_MEDIA_DO_REMOTE,
	GW_MEDIA_DO_PLAY,
	GW_MEDIA_DO_ECHO,
	GW_MEDIA_DO_DTMF,
	GW_MEDIA_DO_WATCH,
	GW_MEDIA_DO_STATS,
	GW_MEDIA_DO_JOIN,
	GW_MEDIA_DO_PART,
	GW_MEDIA_DO_MUTE,
	GW_MEDIA_DO_TONE,
	GW_MEDIA_DO_LATCH,
	GW_MEDIA_DO_DETECT,
	GW_MEDIA_DO_RECORD,
	GW_MEDIA_DO_SECURE,
	GW_MEDIA_DO_BROWSER,
	GW_MEDIA_DO_CLOSE,
};

struct gw_media_command {
	struct le le;
	enum gw_media_command_type type;
	struct gw_port *port;
	union {
		struct sa laddr, alt;
		struct {
			struct sa rtp, rtcp;
			struct gw_media_codec codec;
			enum gw_media_direction dir;
		} remote;
		const struct gw_sound *sound;
		bool on; /* echo, mute, detect; close: with the last STATS */
		struct gw_port *other;
		struct {
			struct gw_port *right; /* or NULL */
			bool on;
		} record;
		struct {
			char digit;
			uint32_t duration_ms;
		} dtmf;
		uint32_t stall_ms;
		struct {
			bool on;
			struct gw_media_srtp srtp;
		} secure;
		struct gw_media_browser browser;
		struct {
			enum gw_tone tone;
			char country[4]; /* one that is longer is unknown */
		} tone;
	} u;
};

struct gw_media {
	struct gw_media_cfg cfg;
	gw_media_post_h *post;
	void *post_arg;

	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t started;
	/* under lock: */
	struct list commands;
	bool stopping, is_started;
	int start_err;
	uint8_t certificate[GW_MEDIA_CERT_HASH]; /* set before is_started */
	struct mqueue *mq; /* set before is_started, freed after joining */

	struct list handles; /* loop thread */

	/* media thread: */
	struct list ports, ticking;
	struct gw_port_range range;
	struct gw_dtls_identity *identity;
	int clock_fd;
	bool overloaded; /* a tick took longer than to the next one */
};

/* The caller's end of a port, on the loop thread. */
struct gw_media_port {
	struct le le;
	struct gw_media *media; /* NULL: stopped */
	struct gw_port *port;   /* only to be named in commands */
	struct gw_media_link *link;
	struct gw_media_command *close; /* kept ready: closing can't fail */
	gw_media_fact_h *facth;
	void *arg;
	bool has_codec, can_send, has_dtmf;
};

/* Gives one reference back, on any thread. link may be NULL. */
void gw_media_unlink(struct gw_media_link *link);

/* The handlers of a port: fact_arg is its link, ticking_arg the gw_media. */
gw_port_fact_h gw_media_post_fact;
gw_port_piece_h gw_media_post_piece;
gw_port_ticking_h gw_media_on_ticking;

#endif
