/* The text of SDP in slices, for the sdp files alone. */
#ifndef BELLPULL_SIP_SDP_TEXT_H
#define BELLPULL_SIP_SDP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A part of the text; it points into it. */
struct gw_sdp_slice {
	const char *p;
	size_t len;
};

/* The next line without its end; false when there is none. */
bool gw_sdp_next_line(struct gw_sdp_slice *line, struct gw_sdp_slice *rest);

/* Takes prefix from the front, if it is there. */
bool gw_sdp_skip(struct gw_sdp_slice *s, const char *prefix);

/* The next word, up to one of the stops, which is passed over. */
struct gw_sdp_slice gw_sdp_word(struct gw_sdp_slice *s, const char *stops);
bool gw_sdp_is_word(const struct gw_sdp_slice *s,
		    const char *text); /* any case */

/* A decimal number of at most nine digits and nothing else. */
bool gw_sdp_number(uint32_t *np, const struct gw_sdp_slice *s);
bool gw_sdp_port(uint16_t *portp, const struct gw_sdp_slice *s);

/* Copies a word of at most size - 1 characters out of letters, digits and
 * extra; false, and out untouched, when it is anything else. */
bool gw_sdp_copy_word(char *out, size_t size, const struct gw_sdp_slice *s,
		      const char *extra);

/* One m= line, checked, and the lines that follow it. */
struct gw_sdp_section {
	char media[16], proto[32];
	uint16_t port;
	struct gw_sdp_slice formats;
	struct gw_sdp_slice lines;
};

/* Checks that it is SDP at all and splits off what stands before the first m=.
 * Returns 0 or EBADMSG. */
int gw_sdp_open(struct gw_sdp_slice *session, struct gw_sdp_slice *rest,
		const char *sdp, size_t len);

/* The section after rest: 0, ENOENT at the end, EBADMSG. */
int gw_sdp_next_section(struct gw_sdp_section *sec, struct gw_sdp_slice *rest);

#endif
