/* The text of SDP: lines, words and numbers as slices of it, and the sections that
 * its m= lines begin. Nothing is copied until it is known to be small and clean. */
#include "sip/sdp_text.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "sip/sdp.h"

bool gw_sdp_next_line(struct gw_sdp_slice *line, struct gw_sdp_slice *rest)
{
	const char *end;

	if (!rest->len)
		return false;

	end = memchr(rest->p, '\n', rest->len);
	line->p = rest->p;
	line->len = end ? (size_t)(end - rest->p) : rest->len;
	rest->len -= line->len + (end ? 1 : 0);
	rest->p += line->len + (end ? 1 : 0);

	if (line->len && line->p[line->len - 1] == '\r')
		line->len--;
	return true;
}

bool gw_sdp_skip(struct gw_sdp_slice *s, const char *prefix)
{
	const size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->p, prefix, len) != 0)
		return false;

	s->p += len;
	s->len -= len;
	return true;
}

struct gw_sdp_slice gw_sdp_word(struct gw_sdp_slice *s, const char *stops)
{
	struct gw_sdp_slice w = { s->p, 0 };

	while (w.len < s->len && !strchr(stops, s->p[w.len]))
		w.len++;

	s->p += w.len;
	s->len -= w.len;
	if (s->len) {
		s->p++;
		s->len--;
	}

	return w;
}

bool gw_sdp_is_word(const struct gw_sdp_slice *s, const char *text)
{
	return s->len == strlen(text) && !strncasecmp(s->p, text, s->len);
}

bool gw_sdp_number(uint32_t *np, const struct gw_sdp_slice *s)
{
	uint32_t n = 0;

	if (!s->len || s->len > 9)
		return false;

	for (size_t i = 0; i < s->len; i++) {
		if (s->p[i] < '0' || s->p[i] > '9')
			return false;
		n = n * 10 + (uint32_t)(s->p[i] - '0');
	}

	*np = n;
	return true;
}

bool gw_sdp_port(uint16_t *portp, const struct gw_sdp_slice *s)
{
	uint32_t n = 0;

	if (!gw_sdp_number(&n, s) || n > 65535)
		return false;

	*portp = (uint16_t)n;
	return true;
}

bool gw_sdp_copy_word(char *out, size_t size, const struct gw_sdp_slice *s,
		      const char *extra)
{
	if (!s->len || s->len >= size)
		return false;

	for (size_t i = 0; i < s->len; i++) {
		const char c = s->p[i];
		const bool alnum = (c >= '0' && c <= '9') ||
				   (c >= 'A' && c <= 'Z') ||
				   (c >= 'a' && c <= 'z');

		if (!alnum && !(c && strchr(extra, c)))
			return false;
	}

	memcpy(out, s->p, s->len);
	out[s->len] = '\0';
	return true;
}

/* ---- sections ---- */

/* "audio 49170/2 RTP/AVP 0 8": the number of ports is of no use to us. */
static bool read_m_line(struct gw_sdp_section *sec, struct gw_sdp_slice line)
{
	struct gw_sdp_slice media = gw_sdp_word(&line, " ");
	struct gw_sdp_slice ports = gw_sdp_word(&line, " ");
	struct gw_sdp_slice proto = gw_sdp_word(&line, " ");
	struct gw_sdp_slice port = gw_sdp_word(&ports, "/");

	sec->formats = line;
	return gw_sdp_copy_word(sec->media, sizeof(sec->media), &media,
				"-_.+") &&
	       gw_sdp_copy_word(sec->proto, sizeof(sec->proto), &proto,
				"-_.+/") &&
	       gw_sdp_port(&sec->port, &port);
}

/* Where the next m= line begins, or the end. Other lines are passed over. */
static struct gw_sdp_slice until_next_m(struct gw_sdp_slice *rest)
{
	struct gw_sdp_slice taken = { rest->p, 0 }, line, next = *rest;

	while (next.len && !(next.len >= 2 && !memcmp(next.p, "m=", 2))) {
		if (!gw_sdp_next_line(&line, &next))
			break;
		*rest = next;
	}

	taken.len = (size_t)(rest->p - taken.p);
	return taken;
}

int gw_sdp_next_section(struct gw_sdp_section *sec, struct gw_sdp_slice *rest)
{
	struct gw_sdp_slice line;

	if (!gw_sdp_next_line(&line, rest))
		return ENOENT;
	if (!gw_sdp_skip(&line, "m=") || !read_m_line(sec, line))
		return EBADMSG;

	sec->lines = until_next_m(rest);
	return 0;
}

int gw_sdp_open(struct gw_sdp_slice *session, struct gw_sdp_slice *rest,
		const char *sdp, size_t len)
{
	struct gw_sdp_slice first = { sdp, len }, line;

	rest->p = sdp;
	rest->len = len;
	if (len > GW_SDP_READ_MAX || memchr(sdp, '\0', len))
		return EBADMSG;
	if (!gw_sdp_next_line(&line, &first) || !gw_sdp_is_word(&line, "v=0"))
		return EBADMSG;

	*session = until_next_m(rest);
	return 0;
}
