/* A browser that has brought an offer with its order: the port for its sound, open
 * before the answer names it, and the answer. Its leg takes the port over. */
#ifndef BELLPULL_SIP_BROWSER_H
#define BELLPULL_SIP_BROWSER_H

#include <stdbool.h>
#include <stddef.h>

#include "sip/media/media.h"

struct gw_browser;

/* What stands for one where a phone has its URI. */
#define GW_BROWSER_URI "webrtc"

struct gw_browser_cfg {
	struct gw_media *media;    /* must outlive it */
	const char *sdp;           /* copied */
	const char *const *codecs; /* of the line, in order */
	size_t codec_count;
	const char *listen; /* numeric: where the port is bound */
	const char *const
		*addresses; /* numeric: where browsers find it; NULL: those
				       * of this machine, loopback as well where nobody
				       * else may reach us */
	size_t address_count;
	bool loopback;
};

/* Why an offer can't be taken; NULL: it can. */
const char *gw_browser_refuse(const char *sdp, const char *const *codecs,
			      size_t codec_count);

/* Opens the port and writes the answer. h is called once, later: 0, EADDRINUSE (no
 * port is free), ETIMEDOUT or ENOMEM; never after mem_deref(), which closes the
 * port. Returns 0, EINVAL (an offer that gw_browser_refuse() refuses) or ENOMEM. */
typedef void(gw_browser_ready_h)(int err, void *arg);
int gw_browser_alloc(struct gw_browser **bp, const struct gw_browser_cfg *cfg,
		     gw_browser_ready_h *h, void *arg);

/* The SDP; NULL before it is ready. It has the password of its ICE in it. */
const char *gw_browser_answer(const struct gw_browser *b);

/* For the call and its leg ---------------------------------------------------- */

/* Facts of the port go to facth from now on; NULL: to nobody. */
void gw_browser_listen(struct gw_browser *b, gw_media_fact_h *facth, void *arg);
/* The port is the caller's from now on, and so is its codec; b must live as long as
 * the port. NULL: it is taken already. */
struct gw_media_port *gw_browser_take(struct gw_browser *b,
				      struct gw_media_codec *codec);
bool gw_browser_is_connected(const struct gw_browser *b);
int gw_browser_lost(const struct gw_browser *b); /* 0: it isn't */

#endif
