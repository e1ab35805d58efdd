/* The offer of a browser; the answer is written in sdp_browser_write.c.
 *
 *   a=group:BUNDLE 0 1    who shares one transport
 *   a=fingerprint, a=ice-*, a=setup      for all sections, or
 *   m=audio 9 UDP/TLS/RTP/SAVPF 111 ...
 *   a=fingerprint, a=ice-*, a=setup      for this one; mid, rtcp-mux
 *
 * Nothing of it is repeated in the answer but words that were checked. Candidates
 * are not read: a lite agent waits for the browser's checks, wherever they come
 * from. */
#include "sip/sdp_browser.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <re_types.h>
#include <re_mbuf.h>

#include "sip/sdp.h"
#include "sip/sdp_audio.h"
#include "sip/sdp_text.h"

enum {
	BROWSER_CODECS = 4,
	UFRAG_MIN = 4, /* RFC 8839 5.4 */
	PWD_MIN = 22,
	ICE_MAX = 256,
};

/* Nice to people first: what isn't in the line's list follows in this order. */
static const char *const browser_codecs[BROWSER_CODECS] = { "opus", "G722",
							    "PCMA", "PCMU" };

static const struct hash {
	const char *name;
	enum gw_media_hash hash;
	size_t len;
} hashes[] = {
	/* the strongest last */
	{ "sha-256", GW_MEDIA_SHA256, 32 },
	{ "sha-384", GW_MEDIA_SHA384, 48 },
	{ "sha-512", GW_MEDIA_SHA512, 64 },
};

/* What the lines of the session and of the audio section say of the transport. */
struct transport {
	bool any_fingerprint, has_fingerprint;
	struct gw_media_fingerprint fingerprint;
	bool has_ufrag, has_pwd, lite, mux, bundle_only;
	bool is_passive; /* a=setup:passive: waits for us to begin */
	bool has_setup;
	struct gw_sdp_slice mid, bundle;
	const char *direction; /* NULL: not said, both ways */
};

/* Words --------------------------------------------------------------------- */

static int hex_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
				      -1;
}

/* "AB:CD:..." of exactly len bytes. */
static bool read_bytes(uint8_t *bytes, size_t len,
		       const struct gw_sdp_slice *text)
{
	if (text->len != 3 * len - 1)
		return false;

	for (size_t i = 0; i < len; i++) {
		const int high = hex_of(text->p[3 * i]);
		const int low = hex_of(text->p[3 * i + 1]);

		if (high < 0 || low < 0 ||
		    (i + 1 < len && text->p[3 * i + 2] != ':'))
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}

	return true;
}

/* RFC 8122 5: of several the strongest that we can make; they are of one and the
 * same certificate. */
static void read_fingerprint(struct transport *t, struct gw_sdp_slice s)
{
	struct gw_sdp_slice name = gw_sdp_word(&s, " ");

	t->any_fingerprint = true;
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		struct gw_media_fingerprint fp = { .hash = hashes[i].hash,
						   .len = hashes[i].len };

		if (!gw_sdp_is_word(&name, hashes[i].name) ||
		    (t->has_fingerprint && t->fingerprint.hash > fp.hash) ||
		    !read_bytes(fp.bytes, fp.len, &s))
			continue;
		t->has_fingerprint = true;
		t->fingerprint = fp;
	}
}

/* ice-char: letters, digits, + and /. */
static bool is_ice_word(const struct gw_sdp_slice *s, size_t min)
{
	char word[ICE_MAX + 1];

	return s->len >= min && gw_sdp_copy_word(word, sizeof(word), s, "+/");
}

static void read_attribute(struct transport *t, struct gw_sdp_slice a)
{
	for (size_t i = 0; i < GW_SDP_DIRECTIONS; i++) {
		if (gw_sdp_is_word(&a, gw_sdp_directions[i].name)) {
			t->direction = gw_sdp_directions[i].name;
			return;
		}
	}

	if (gw_sdp_skip(&a, "fingerprint:")) {
		read_fingerprint(t, a);
	} else if (gw_sdp_skip(&a, "ice-ufrag:")) {
		t->has_ufrag = is_ice_word(&a, UFRAG_MIN);
	} else if (gw_sdp_skip(&a, "ice-pwd:")) {
		t->has_pwd = is_ice_word(&a, PWD_MIN);
	} else if (gw_sdp_skip(&a, "setup:")) {
		t->has_setup = gw_sdp_is_word(&a, "actpass") ||
			       gw_sdp_is_word(&a, "active");
		t->is_passive = gw_sdp_is_word(&a, "passive");
	} else if (gw_sdp_skip(&a, "mid:")) {
		t->mid = a;
	} else if (gw_sdp_skip(&a, "group:BUNDLE ")) {
		t->bundle = a;
	} else if (gw_sdp_is_word(&a, "rtcp-mux")) {
		t->mux = true;
	} else if (gw_sdp_is_word(&a, "ice-lite")) {
		t->lite = true;
	} else if (gw_sdp_is_word(&a, "bundle-only")) {
		t->bundle_only = true;
	}
}

static void read_lines(struct transport *t, struct gw_sdp_slice lines)
{
	struct gw_sdp_slice line;

	while (gw_sdp_next_line(&line, &lines)) {
		if (gw_sdp_skip(&line, "a="))
			read_attribute(t, line);
	}
}

/* The offer ----------------------------------------------------------------- */

static bool is_secure_rtp(const struct gw_sdp_section *sec)
{
	return !strcasecmp(sec->proto, "UDP/TLS/RTP/SAVPF") ||
	       !strcasecmp(sec->proto, "UDP/TLS/RTP/SAVP");
}

/* The first audio that is on. */
static int find_audio(struct gw_sdp_section *audio,
		      struct gw_sdp_slice *session, int *streamp,
		      const char *sdp, size_t len, const char **whyp)
{
	struct gw_sdp_section sec;
	struct gw_sdp_slice rest;
	int err = gw_sdp_open(session, &rest, sdp, len);

	*whyp = "is not SDP: it begins with v=0 and has one thing in each line";
	if (err)
		return err;

	*streamp = -1;
	for (int i = 0; !(err = gw_sdp_next_section(&sec, &rest)); i++) {
		if (i >= GW_SDP_STREAMS_MAX) {
			*whyp = "has too many m= lines";
			return ENOTSUP;
		}
		if (*streamp >= 0 || strcasecmp(sec.media, "audio") != 0 ||
		    !is_secure_rtp(&sec))
			continue;
		*streamp = i;
		*audio = sec;
	}
	if (err != ENOENT)
		return EBADMSG;
	if (*streamp >= 0)
		return 0;

	*whyp = "has no m=audio line with UDP/TLS/RTP/SAVPF, as browsers offer "
		"it";
	return ENOTSUP;
}

/* What isn't as it has to be, in words; NULL: nothing. */
static const char *wrong_transport(const struct transport *t,
				   const struct gw_sdp_section *sec)
{
	if (!sec->port)
		return t->bundle_only ?
			       "has its audio bundled with an m= line that "
			       "can't be taken: audio has to come first" :
			       "has its audio switched off (port 0)";
	if (t->direction && strcmp(t->direction, "sendrecv") != 0)
		return "has audio in one direction only: it has to be "
		       "a=sendrecv";
	if (!t->any_fingerprint)
		return "has no a=fingerprint: nobody could tell who the "
		       "browser is";
	if (!t->has_fingerprint)
		return "has no a=fingerprint of sha-256, sha-384 or sha-512";
	if (!t->has_ufrag || !t->has_pwd)
		return "has no a=ice-ufrag and a=ice-pwd, or they are none";
	if (t->lite)
		return "is of an ICE-lite agent, as this gateway is: nobody "
		       "would begin";
	if (!t->has_setup)
		return t->is_passive ?
			       "has a=setup:passive: the browser has to begin "
			       "DTLS (actpass or active)" :
			       "has no a=setup:actpass or a=setup:active";
	if (!t->mux)
		return "has no a=rtcp-mux: RTP and RTCP come on one port here";
	return NULL;
}

static bool is_in_group(struct gw_sdp_slice group, const char *mid)
{
	while (group.len) {
		const struct gw_sdp_slice word = gw_sdp_word(&group, " ");

		if (word.len == strlen(mid) && !memcmp(word.p, mid, word.len))
			return true;
	}

	return false;
}

/* token of RFC 8866: what a mid may be made of. False: it is none. */
static bool copy_mid(char mid[GW_SDP_MID_SIZE], const struct transport *t)
{
	mid[0] = '\0';
	return !t->mid.len || gw_sdp_copy_word(mid, GW_SDP_MID_SIZE, &t->mid,
					       "-_.+!#$%&'*^`{|}~");
}

void gw_sdp_browser_mid(char mid[GW_SDP_MID_SIZE],
			const struct gw_sdp_section *sec)
{
	struct transport t = { .mux = false };

	read_lines(&t, sec->lines);
	if (!copy_mid(mid, &t))
		mid[0] = '\0';
}

/* Ours in their order, then the rest of the four. */
static size_t order_codecs(const char *list[BROWSER_CODECS + 1],
			   const char *const *codecs, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count + BROWSER_CODECS; i++) {
		const char *name = i < count ? codecs[i] :
					       browser_codecs[i - count];
		bool known = false, taken = false;

		for (size_t j = 0; j < BROWSER_CODECS; j++)
			known |= !strcasecmp(name, browser_codecs[j]);
		for (size_t j = 0; j < n; j++)
			taken |= !strcasecmp(name, list[j]);
		if (known && !taken)
			list[n++] = name;
	}

	list[n++] = GW_SDP_TELEPHONE_EVENT;
	return n;
}

static bool choose_codec(struct gw_sdp_browser *offer,
			 const struct gw_sdp_audio *audio,
			 const char *const *codecs, size_t count)
{
	const char *list[BROWSER_CODECS + 1];
	const struct gw_sdp_local local = {
		.codecs = list,
		.codec_count = order_codecs(list, codecs, count),
	};

	return gw_sdp_choose(&offer->codec, audio, &local);
}

static bool is_clean(const char *sdp, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)sdp[i];

		if (c == 127 || (c < 32 && c != '\r' && c != '\n' && c != '\t'))
			return false;
	}

	return true;
}

int gw_sdp_browser_read(struct gw_sdp_browser *offer, const char *sdp,
			size_t len, const char *const *codecs, size_t count,
			const char **whyp)
{
	struct transport t = { .mux = false };
	struct gw_sdp_slice session = { NULL, 0 };
	struct gw_sdp_section sec;
	struct gw_sdp_audio audio;
	int err;

	memset(offer, 0, sizeof(*offer));
	if (len > GW_SDP_BROWSER_MAX) {
		*whyp = "is longer than 16384 bytes";
		return ENOTSUP;
	}
	if (!is_clean(sdp, len)) {
		*whyp = "has control characters in it";
		return EBADMSG;
	}

	err = find_audio(&sec, &session, &offer->stream, sdp, len, whyp);
	if (err)
		return err;

	read_lines(&t, session);
	t.bundle_only = t.mux = false;
	read_lines(&t, sec.lines);
	*whyp = wrong_transport(&t, &sec);
	if (*whyp)
		return ENOTSUP;

	offer->fingerprint = t.fingerprint;
	if (!copy_mid(offer->mid, &t)) {
		*whyp = "has an a=mid that is none";
		return EBADMSG;
	}
	offer->bundled = offer->mid[0] && is_in_group(t.bundle, offer->mid);
	if (gw_sdp_read_audio(&audio, &sec, session)) {
		*whyp = "has a c= line that is none, or none at all";
		return EBADMSG;
	}
	if (!choose_codec(offer, &audio, codecs, count)) {
		*whyp = "has none of the codecs opus, G722, PCMA and PCMU";
		return ENOTSUP;
	}

	return 0;
}
