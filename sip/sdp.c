/* SDP offers and answers.
 *
 * Reading is done line by line on slices of the text: nothing is copied until a
 * value is known to be small and clean, and a second pass over the offer, not a
 * tree of it, writes the answer. What a stranger sends can cost one walk over
 * at most GW_SDP_READ_MAX bytes for each m= line and no memory.
 *
 *   v= o= s= c= a=...     the session: defaults for what follows
 *   m=audio ...           a section: from its m= line to the next
 *   m=video ...
 */
#include "sip/sdp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <re.h>

enum { PAYLOADS_MAX = 32, PTIME_MS = 20 };

#define TELEPHONE_EVENT "telephone-event"

/* can_send says whether baresip has a converter: a test compares. */
static const struct gw_sdp_codec codecs[] = {
	/* clang-format off */
	{ "PCMU",          0,   8000,  1, NULL,            true  },
	{ "GSM",           3,   8000,  1, NULL,            true  },
	{ "PCMA",          8,   8000,  1, NULL,            true  },
	{ "G722",          9,   8000,  1, "bitrate=64000", true  },
	{ "iLBC",          98,  8000,  1, "mode=20",       false },
	{ "G726-40",       102, 8000,  1, NULL,            true  },
	{ "G726-32",       103, 8000,  1, NULL,            true  },
	{ "G726-16",       104, 8000,  1, NULL,            true  },
	{ "G726-24",       105, 8000,  1, NULL,            true  },
	{ "opus",          107, 48000, 2, "minptime=10;useinbandfec=1", true },
	{ TELEPHONE_EVENT, 101, 8000,  1, "0-16",          false },
	/* clang-format on */
};

/* RFC 3551 6: types that need no rtpmap. Those that we can't speak are here to
 * be named in a diagnosis. */
static const struct {
	uint8_t pt;
	const char *name;
} static_types[] = {
	{ 0, "PCMU" }, { 3, "GSM" }, { 4, "G723" },  { 8, "PCMA" },
	{ 9, "G722" }, { 13, "CN" }, { 15, "G728" }, { 18, "G729" },
};

/* The bits of gw_media_direction: both sides' wishes meet by &. */
_Static_assert(GW_MEDIA_INACTIVE == 0 && GW_MEDIA_SENDONLY == 1 &&
		       GW_MEDIA_RECVONLY == 2 && GW_MEDIA_SENDRECV == 3,
	       "directions are bits");

static const struct {
	const char *name;
	enum gw_media_direction ours, theirs_to_us;
} directions[] = {
	{ "inactive", GW_MEDIA_INACTIVE, GW_MEDIA_INACTIVE },
	{ "sendonly", GW_MEDIA_SENDONLY, GW_MEDIA_RECVONLY },
	{ "recvonly", GW_MEDIA_RECVONLY, GW_MEDIA_SENDONLY },
	{ "sendrecv", GW_MEDIA_SENDRECV, GW_MEDIA_SENDRECV },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const struct gw_sdp_codec *gw_sdp_codec_find(const char *name)
{
	for (size_t i = 0; i < COUNT(codecs); i++) {
		if (name && !strcasecmp(codecs[i].name, name))
			return &codecs[i];
	}

	return NULL;
}

static bool is_dtmf(const struct gw_sdp_codec *codec)
{
	return !strcmp(codec->name, TELEPHONE_EVENT);
}

static bool offers_dtmf(const struct gw_sdp_local *local)
{
	for (size_t i = 0; i < local->codec_count; i++) {
		if (!strcasecmp(local->codecs[i], TELEPHONE_EVENT))
			return true;
	}

	return false;
}

/* ---- slices of text ---- */

struct slice {
	const char *p;
	size_t len;
};

/* The next line without its end; false when there is none. */
static bool next_line(struct slice *line, struct slice *rest)
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

/* Takes prefix from the front, if it is there. */
static bool skip(struct slice *s, const char *prefix)
{
	const size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->p, prefix, len) != 0)
		return false;

	s->p += len;
	s->len -= len;
	return true;
}

/* The next word, up to one of the stops, which is passed over. */
static struct slice word(struct slice *s, const char *stops)
{
	struct slice w = { s->p, 0 };

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

static bool is_word(const struct slice *s, const char *text)
{
	return s->len == strlen(text) && !strncasecmp(s->p, text, s->len);
}

/* A decimal number of at most nine digits and nothing else. */
static bool read_number(uint32_t *np, const struct slice *s)
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

static bool read_port(uint16_t *portp, const struct slice *s)
{
	uint32_t n = 0;

	if (!read_number(&n, s) || n > 65535)
		return false;

	*portp = (uint16_t)n;
	return true;
}

/* Copies a word of at most size - 1 characters out of letters, digits and
 * extra; false, and out untouched, when it is anything else. */
static bool copy_word(char *out, size_t size, const struct slice *s,
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

/* One m= line, checked, and the lines that follow it. */
struct section {
	char media[16], proto[32];
	uint16_t port;
	struct slice formats;
	struct slice lines;
};

/* "audio 49170/2 RTP/AVP 0 8": the number of ports is of no use to us. */
static bool read_m_line(struct section *sec, struct slice line)
{
	struct slice media = word(&line, " ");
	struct slice ports = word(&line, " ");
	struct slice proto = word(&line, " ");
	struct slice port = word(&ports, "/");

	sec->formats = line;
	return copy_word(sec->media, sizeof(sec->media), &media, "-_.+") &&
	       copy_word(sec->proto, sizeof(sec->proto), &proto, "-_.+/") &&
	       read_port(&sec->port, &port);
}

/* Where the next m= line begins, or the end. Other lines are passed over. */
static struct slice until_next_m(struct slice *rest)
{
	struct slice taken = { rest->p, 0 }, line, next = *rest;

	while (next.len && !(next.len >= 2 && !memcmp(next.p, "m=", 2))) {
		if (!next_line(&line, &next))
			break;
		*rest = next;
	}

	taken.len = (size_t)(rest->p - taken.p);
	return taken;
}

/* The section after rest: 0, ENOENT at the end, EBADMSG. */
static int next_section(struct section *sec, struct slice *rest)
{
	struct slice line;

	if (!next_line(&line, rest))
		return ENOENT;
	if (!skip(&line, "m=") || !read_m_line(sec, line))
		return EBADMSG;

	sec->lines = until_next_m(rest);
	return 0;
}

/* Checks that it is SDP at all and splits off what stands before the first m=. */
static int open_sdp(struct slice *session, struct slice *rest, const char *sdp,
		    size_t len)
{
	struct slice first = { sdp, len }, line;

	rest->p = sdp;
	rest->len = len;
	if (len > GW_SDP_READ_MAX || memchr(sdp, '\0', len))
		return EBADMSG;
	if (!next_line(&line, &first) || !is_word(&line, "v=0"))
		return EBADMSG;

	*session = until_next_m(rest);
	return 0;
}

/* ---- what the lines of a section say ---- */

struct payload {
	uint8_t pt;
	char name[32]; /* "": unknown */
	uint32_t clock_rate;
	uint32_t channels;
};

struct audio {
	char address[64], rtcp_address[64];
	uint16_t rtp_port, rtcp_port;
	enum gw_media_direction dir; /* from our point of view */
	uint32_t ptime_ms, maxptime_ms;
	struct payload payloads[PAYLOADS_MAX];
	size_t payload_count;
};

/* "IN IP4 192.0.2.1/127": a host name or address, without its TTL. */
static bool read_address(char *address, size_t size, struct slice s)
{
	struct slice net = word(&s, " ");
	struct slice family = word(&s, " ");
	struct slice host = word(&s, " /");

	if (!is_word(&net, "IN") ||
	    (!is_word(&family, "IP4") && !is_word(&family, "IP6")))
		return false;

	return copy_word(address, size, &host, ".-:");
}

static void read_formats(struct audio *audio, struct slice formats)
{
	while (formats.len && audio->payload_count < PAYLOADS_MAX) {
		struct payload *pl = &audio->payloads[audio->payload_count];
		struct slice fmt = word(&formats, " ");
		uint32_t pt = 0;

		if (!read_number(&pt, &fmt) || pt > 127)
			continue;

		pl->pt = (uint8_t)pt;
		pl->clock_rate = 8000;
		for (size_t i = 0; i < COUNT(static_types); i++) {
			if (static_types[i].pt == pt)
				(void)snprintf(pl->name, sizeof(pl->name), "%s",
					       static_types[i].name);
		}
		audio->payload_count++;
	}
}

/* "96 opus/48000/2" */
static void read_rtpmap(struct audio *audio, struct slice s)
{
	struct slice pt_word = word(&s, " ");
	struct slice name = word(&s, "/");
	struct slice clock = word(&s, "/ ");
	struct slice channels = word(&s, " ");
	uint32_t pt = 0, rate = 0, count = 0;

	if (!read_number(&pt, &pt_word) || !read_number(&rate, &clock) || !rate)
		return;
	if (channels.len && !read_number(&count, &channels))
		return;

	for (size_t i = 0; i < audio->payload_count; i++) {
		struct payload *pl = &audio->payloads[i];

		if (pl->pt == pt &&
		    copy_word(pl->name, sizeof(pl->name), &name, "-_.+")) {
			pl->clock_rate = rate;
			pl->channels = count;
		}
	}
}

/* "a=rtcp:53020 IN IP4 192.0.2.1" (RFC 3605); the address may be missing. */
static void read_rtcp(struct audio *audio, struct slice s)
{
	struct slice port = word(&s, " ");

	if (read_port(&audio->rtcp_port, &port))
		(void)read_address(audio->rtcp_address,
				   sizeof(audio->rtcp_address), s);
}

static void read_attribute(struct audio *audio, struct slice a)
{
	for (size_t i = 0; i < COUNT(directions); i++) {
		if (is_word(&a, directions[i].name)) {
			audio->dir = directions[i].theirs_to_us;
			return;
		}
	}

	if (skip(&a, "rtpmap:"))
		read_rtpmap(audio, a);
	else if (skip(&a, "ptime:"))
		(void)read_number(&audio->ptime_ms, &a);
	else if (skip(&a, "maxptime:"))
		(void)read_number(&audio->maxptime_ms, &a);
	else if (skip(&a, "rtcp:"))
		read_rtcp(audio, a);
}

/* False: a c= line that is none. */
static bool read_lines(struct audio *audio, struct slice lines)
{
	struct slice line;

	while (next_line(&line, &lines)) {
		if (skip(&line, "a="))
			read_attribute(audio, line);
		else if (skip(&line, "c=") &&
			 !read_address(audio->address, sizeof(audio->address),
				       line))
			return false;
	}

	return true;
}

static bool is_unspecified(const char *address)
{
	return !strcmp(address, "0.0.0.0") || !strcmp(address, "::");
}

static int read_audio(struct audio *audio, const struct section *sec,
		      struct slice session)
{
	memset(audio, 0, sizeof(*audio));
	audio->dir = GW_MEDIA_SENDRECV;
	audio->rtp_port = sec->port;
	if (sec->port && sec->port < 65535)
		audio->rtcp_port = (uint16_t)(sec->port + 1);

	read_formats(audio, sec->formats);
	if (!read_lines(audio, session) || !read_lines(audio, sec->lines))
		return EBADMSG;
	if (!audio->address[0] && sec->port)
		return EBADMSG;

	if (!audio->rtcp_address[0])
		memcpy(audio->rtcp_address, audio->address,
		       sizeof(audio->rtcp_address));

	/* RFC 3264 8.4: the old way to put on hold */
	if (is_unspecified(audio->address))
		audio->dir &= GW_MEDIA_RECVONLY;

	return 0;
}

/* ---- choosing ---- */

static bool speaks(const struct payload *pl, const struct gw_sdp_codec *codec)
{
	return !strcasecmp(pl->name, codec->name) &&
	       pl->clock_rate == codec->clock_rate &&
	       (!pl->channels || pl->channels == codec->channels);
}

static const struct payload *find_payload(const struct audio *audio,
					  const struct gw_sdp_codec *codec)
{
	for (size_t i = 0; i < audio->payload_count; i++) {
		if (speaks(&audio->payloads[i], codec))
			return &audio->payloads[i];
	}

	return NULL;
}

static const struct gw_sdp_codec *ours(const struct gw_sdp_local *local,
				       size_t i)
{
	const struct gw_sdp_codec *codec = gw_sdp_codec_find(local->codecs[i]);

	return codec && !is_dtmf(codec) ? codec : NULL;
}

/* The first of ours that is theirs. */
static const struct payload *choose_by_us(const struct gw_sdp_codec **codecp,
					  const struct audio *audio,
					  const struct gw_sdp_local *local)
{
	for (size_t i = 0; i < local->codec_count; i++) {
		const struct gw_sdp_codec *codec = ours(local, i);
		const struct payload *pl = codec ? find_payload(audio, codec) :
						   NULL;

		if (pl) {
			*codecp = codec;
			return pl;
		}
	}

	return NULL;
}

/* The first of theirs that is ours. */
static const struct payload *choose_by_them(const struct gw_sdp_codec **codecp,
					    const struct audio *audio,
					    const struct gw_sdp_local *local)
{
	for (size_t i = 0; i < audio->payload_count; i++) {
		for (size_t j = 0; j < local->codec_count; j++) {
			const struct gw_sdp_codec *codec = ours(local, j);

			if (codec && speaks(&audio->payloads[i], codec)) {
				*codecp = codec;
				return &audio->payloads[i];
			}
		}
	}

	return NULL;
}

/* RFC 4733 2.1: events at the clock rate of the sound. Many phones offer 8000
 * only, beside opus too, and mean it. */
static const struct payload *choose_dtmf(const struct audio *audio,
					 uint32_t clock_rate)
{
	const struct payload *narrow = NULL;

	for (size_t i = 0; i < audio->payload_count; i++) {
		const struct payload *pl = &audio->payloads[i];

		if (strcasecmp(pl->name, TELEPHONE_EVENT) != 0)
			continue;
		if (pl->clock_rate == clock_rate)
			return pl;
		if (pl->clock_rate == 8000)
			narrow = pl;
	}

	return narrow;
}

static uint8_t choose_ptime(const struct audio *audio)
{
	uint32_t ms = audio->ptime_ms;

	if (ms < 10 || ms > 120)
		ms = PTIME_MS;
	if (audio->maxptime_ms >= 10 && ms > audio->maxptime_ms)
		ms = audio->maxptime_ms;

	return (uint8_t)ms;
}

/* In an answer their numbers are for what we send and our own, from the offer,
 * for what we receive; as answerer we take theirs for both (RFC 3264 6.1). */
static void fill_codec(struct gw_media_codec *out, const struct audio *audio,
		       const struct payload *pl,
		       const struct gw_sdp_codec *codec,
		       const struct gw_sdp_local *local, bool offer)
{
	const struct payload *dtmf =
		offers_dtmf(local) ? choose_dtmf(audio, codec->clock_rate) :
				     NULL;

	(void)snprintf(out->name, sizeof(out->name), "%s", codec->name);
	out->clock_rate = codec->clock_rate;
	out->channels = codec->channels;
	out->pt_tx = pl->pt;
	out->pt_rx = offer ? pl->pt : codec->pt;
	out->ptime_ms = choose_ptime(audio);
	if (dtmf) {
		out->pt_dtmf_tx = dtmf->pt;
		out->pt_dtmf_rx =
			offer ? dtmf->pt :
				gw_sdp_codec_find(TELEPHONE_EVENT)->pt;
		out->dtmf_clock_rate = dtmf->clock_rate;
	}
}

static void name_payloads(char *out, size_t size, const struct audio *audio)
{
	size_t pos = 0;

	for (size_t i = 0; i < audio->payload_count; i++) {
		const struct payload *pl = &audio->payloads[i];
		int n;

		if (pl->name[0])
			n = snprintf(out + pos, size - pos, "%s%s",
				     pos ? ", " : "", pl->name);
		else
			n = snprintf(out + pos, size - pos, "%s%u",
				     pos ? ", " : "", pl->pt);
		if (n < 0 || (size_t)n >= size - pos) {
			out[pos] = '\0'; /* no half names */
			return;
		}
		pos += (size_t)n;
	}
}

static void fill_remote(struct gw_sdp_remote *remote, const struct audio *audio)
{
	memcpy(remote->address, audio->address, sizeof(remote->address));
	memcpy(remote->rtcp_address, audio->rtcp_address,
	       sizeof(remote->rtcp_address));
	remote->rtp_port = audio->rtp_port;
	remote->rtcp_port = audio->rtcp_port;
	remote->dir = audio->rtp_port ? audio->dir : GW_MEDIA_INACTIVE;
	remote->hold = !(remote->dir & GW_MEDIA_SENDONLY);
	remote->private_address = gw_sdp_private_address(audio->address);
	name_payloads(remote->offered, sizeof(remote->offered), audio);
}

static bool plain_rtp(const struct section *sec)
{
	return !strcasecmp(sec->proto, "RTP/AVP") ||
	       !strcasecmp(sec->proto, "RTP/AVPF");
}

/* Looks at one m=audio: true when it is the one to take. Until one is, the
 * first that was seen stays in remote, for the diagnosis. */
static bool take_audio(struct gw_sdp_remote *remote, const struct section *sec,
		       const struct audio *audio,
		       const struct gw_sdp_local *local, bool offer,
		       const char **whyp)
{
	const struct gw_sdp_codec *codec = NULL;
	const struct payload *pl = NULL;

	if (!remote->offered[0])
		fill_remote(remote, audio);

	if (!sec->port) {
		*whyp = "the far side switched the audio off";
		return false;
	}
	if (!plain_rtp(sec)) {
		*whyp = "the far side wants a transport other than RTP/AVP";
		return false;
	}

	pl = offer ? choose_by_us(&codec, audio, local) :
		     choose_by_them(&codec, audio, local);
	if (!pl) {
		*whyp = "no common codec";
		return false;
	}

	memset(remote->offered, 0, sizeof(remote->offered));
	fill_remote(remote, audio);
	fill_codec(&remote->codec, audio, pl, codec, local, offer);
	remote->has_codec = true;
	remote->can_send = codec->can_send;
	return true;
}

int gw_sdp_read(struct gw_sdp_remote *remote, const char *sdp, size_t len,
		const struct gw_sdp_local *local, bool offer, const char **whyp)
{
	struct slice session, rest;
	struct section sec;
	bool on = false;
	int err, i;

	memset(remote, 0, sizeof(*remote));
	remote->codec.pt_dtmf_rx = remote->codec.pt_dtmf_tx = -1;
	remote->stream = -1;
	remote->hold = true;
	*whyp = "there is no audio in the far side's SDP";

	err = open_sdp(&session, &rest, sdp, len);
	for (i = 0; !err; i++) {
		struct audio audio;

		err = next_section(&sec, &rest);
		if (err)
			break;
		if (i >= GW_SDP_STREAMS_MAX) {
			err = EBADMSG;
			break;
		}
		if (remote->stream >= 0 || strcasecmp(sec.media, "audio") != 0)
			continue;

		err = read_audio(&audio, &sec, session);
		if (err)
			break;
		on = on || sec.port;
		if (take_audio(remote, &sec, &audio, local, offer, whyp))
			remote->stream = i;
	}

	if (err != ENOENT) {
		*whyp = "the far side's SDP can't be read";
		return EBADMSG;
	}
	if (remote->stream >= 0) {
		*whyp = NULL;
		return 0;
	}
	if (offer && remote->offered[0] && !on)
		return 0;

	return ENOTSUP;
}

/* ---- writing ---- */

static int write_session(struct mbuf *mb, const struct gw_sdp_local *local)
{
	const char *family = local->ipv6 ? "IP6" : "IP4";
	unsigned char addr[sizeof(struct in6_addr)];

	if (inet_pton(local->ipv6 ? AF_INET6 : AF_INET, local->address, addr) !=
	    1)
		return EINVAL;

	return mbuf_printf(mb,
			   "v=0\r\n"
			   "o=- %llu %llu IN %s %s\r\n"
			   "s=-\r\n"
			   "c=IN %s %s\r\n"
			   "t=0 0\r\n",
			   (unsigned long long)local->session_id,
			   (unsigned long long)local->version, family,
			   local->address, family, local->address);
}

static int write_codec(struct mbuf *mb, const char *name, unsigned pt,
		       uint32_t clock_rate, unsigned channels, const char *fmtp)
{
	int err = mbuf_printf(mb, "a=rtpmap:%u %s/%u", pt, name, clock_rate);

	if (!err && channels > 1)
		err = mbuf_printf(mb, "/%u", channels);
	if (!err)
		err = mbuf_write_str(mb, "\r\n");
	if (!err && fmtp)
		err = mbuf_printf(mb, "a=fmtp:%u %s\r\n", pt, fmtp);

	return err;
}

static int write_end(struct mbuf *mb, unsigned ptime_ms,
		     enum gw_media_direction dir)
{
	return mbuf_printf(mb, "a=ptime:%u\r\na=%s\r\n", ptime_ms,
			   directions[dir].name);
}

int gw_sdp_offer(struct mbuf *mb, const struct gw_sdp_local *local)
{
	const struct gw_sdp_codec *list[GW_SDP_CODECS_MAX];
	int err;

	if (!local->codec_count || local->codec_count > GW_SDP_CODECS_MAX)
		return EINVAL;

	err = write_session(mb, local);
	if (!err)
		err = mbuf_printf(mb, "m=audio %u RTP/AVP", local->rtp_port);

	for (size_t i = 0; !err && i < local->codec_count; i++) {
		list[i] = gw_sdp_codec_find(local->codecs[i]);
		if (!list[i])
			return EINVAL;
		err = mbuf_printf(mb, " %u", list[i]->pt);
	}
	if (!err)
		err = mbuf_write_str(mb, "\r\n");

	for (size_t i = 0; !err && i < local->codec_count; i++)
		err = write_codec(mb, list[i]->name, list[i]->pt,
				  list[i]->clock_rate, list[i]->channels,
				  list[i]->fmtp);

	return err ? err : write_end(mb, PTIME_MS, local->dir);
}

/* The one stream that we take, with the codec that was chosen and no other: the
 * far side can't change it in mid-stream then. */
static int write_audio(struct mbuf *mb, const struct gw_sdp_local *local,
		       const struct section *sec,
		       const struct gw_sdp_remote *remote)
{
	const struct gw_media_codec *codec = &remote->codec;
	const struct gw_sdp_codec *known = gw_sdp_codec_find(codec->name);
	const struct gw_sdp_codec *dtmf = gw_sdp_codec_find(TELEPHONE_EVENT);
	int err;

	if (!known)
		return EINVAL;

	err = mbuf_printf(mb, "m=audio %u %s %u", local->rtp_port, sec->proto,
			  codec->pt_rx);
	if (!err && codec->pt_dtmf_rx >= 0)
		err = mbuf_printf(mb, " %d", codec->pt_dtmf_rx);
	if (!err)
		err = mbuf_write_str(mb, "\r\n");
	if (!err)
		err = write_codec(mb, known->name, codec->pt_rx,
				  codec->clock_rate, codec->channels,
				  known->fmtp);
	if (!err && codec->pt_dtmf_rx >= 0)
		err = write_codec(mb, dtmf->name, (unsigned)codec->pt_dtmf_rx,
				  codec->dtmf_clock_rate, 1, dtmf->fmtp);

	return err ? err :
		     write_end(mb, codec->ptime_ms, local->dir & remote->dir);
}

/* Theirs, word for word as far as it was checked, with port 0. */
static int write_declined(struct mbuf *mb, const struct section *sec)
{
	struct slice formats = sec->formats;
	struct slice first = word(&formats, " ");
	char fmt[32];

	if (!copy_word(fmt, sizeof(fmt), &first, "-_.+"))
		(void)snprintf(fmt, sizeof(fmt), "0");

	return mbuf_printf(mb, "m=%s 0 %s %s\r\n", sec->media, sec->proto, fmt);
}

int gw_sdp_answer(struct mbuf *mb, const struct gw_sdp_local *local,
		  const char *offer, size_t offer_len,
		  const struct gw_sdp_remote *remote)
{
	struct slice session, rest;
	struct section sec;
	int err, i;

	err = open_sdp(&session, &rest, offer, offer_len);
	if (err)
		return err;

	err = write_session(mb, local);
	for (i = 0; !err; i++) {
		err = next_section(&sec, &rest);
		if (err)
			break;
		if (i >= GW_SDP_STREAMS_MAX)
			return EBADMSG;
		err = i == remote->stream ?
			      write_audio(mb, local, &sec, remote) :
			      write_declined(mb, &sec);
	}

	return err == ENOENT ? 0 : err;
}

/* ---- addresses ---- */

static bool private_ipv4(const unsigned char *a)
{
	return a[0] == 10 || a[0] == 127 || (a[0] == 172 && a[1] >> 4 == 1) ||
	       (a[0] == 192 && a[1] == 168) || (a[0] == 169 && a[1] == 254) ||
	       (a[0] == 100 && a[1] >> 6 == 1);
}

bool gw_sdp_private_address(const char *address)
{
	static const unsigned char loopback[16] = { [15] = 1 };
	unsigned char a[16];

	if (inet_pton(AF_INET, address, a) == 1)
		return private_ipv4(a);
	if (inet_pton(AF_INET6, address, a) != 1)
		return false;

	return (a[0] & 0xfe) == 0xfc || (a[0] == 0xfe && a[1] >> 6 == 2) ||
	       !memcmp(a, loopback, sizeof(a));
}
