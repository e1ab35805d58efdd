/* The callers' ends of the ports, on the loop thread: commands are left in the
 * locked list, facts come back by the link. */
#include "sip/media/media_impl.h"

#include <errno.h>
#include <string.h>

#include "sip/media/convert.h"
#include "sip/media/dtmf.h"

/* A fact on its way to the loop thread. */
struct note {
	struct gw_media_link *link;
	struct gw_media_fact fact;
	int16_t *piece; /* fact.recorded.samples, when they are its own */
};

/* So many pieces may wait for the loop: when it is slower, silence is recorded,
 * which takes no memory and keeps the time. */
enum { PIECES_MAX = 8, PIECE_SAMPLES_MAX = 2 * 16000 };
static int16_t silence[PIECE_SAMPLES_MAX];

void gw_media_unlink(struct gw_media_link *link)
{
	if (link && atomic_fetch_sub(&link->refs, 1) == 1)
		mem_deref(link);
}

/* ---- facts: media thread to loop thread ---- */

/* On the loop thread. The handler may let go of its handle. */
static void deliver(void *arg)
{
	struct note *note = arg;
	struct gw_media_port *handle = note->link->handle;

	if (handle) {
		mem_ref(handle);
		handle->facth(&note->fact, handle->arg);
		mem_deref(handle);
	}

	if (note->piece)
		atomic_fetch_sub(&note->link->pieces, 1);
	gw_media_unlink(note->link);
	mem_deref(note);
}

static void note_destructor(void *arg)
{
	struct note *note = arg;

	mem_deref(note->piece);
}

/* A piece that was recorded is the note's, or is replaced by silence. */
static void take_piece(struct note *note, int16_t *piece)
{
	struct gw_media_link *link = note->link;

	if (piece && atomic_load(&link->pieces) < PIECES_MAX) {
		atomic_fetch_add(&link->pieces, 1);
		note->piece = piece;
		note->fact.recorded.samples = piece;
	} else {
		mem_deref(piece);
		note->fact.recorded.samples = silence;
	}
}

/* On the media thread. Without memory the fact is lost: all of them can be, the
 * call's own deadlines end what waits for one. */
static void post(const struct gw_media_fact *fact, bool recorded,
		 int16_t *piece, struct gw_media_link *link)
{
	struct gw_media *media = link->media;
	struct note *note = mem_zalloc(sizeof(*note), note_destructor);

	if (!note) {
		mem_deref(piece);
		return;
	}

	note->link = link;
	note->fact = *fact;
	if (recorded)
		take_piece(note, piece);
	atomic_fetch_add(&link->refs, 1);
	if (media->post(deliver, note, media->post_arg)) {
		if (note->piece)
			atomic_fetch_sub(&link->pieces, 1);
		gw_media_unlink(link);
		mem_deref(note);
	}
}

void gw_media_post_fact(const struct gw_media_fact *fact, void *arg)
{
	post(fact, false, NULL, arg);
}

void gw_media_post_piece(const struct gw_media_fact *fact, int16_t *samples,
			 void *arg)
{
	post(fact, true, samples, arg);
}

/* ---- commands ---- */

static void push_command(struct gw_media *media, struct gw_media_command *c)
{
	bool was_empty;

	pthread_mutex_lock(&media->lock);
	was_empty = list_isempty(&media->commands);
	list_append(&media->commands, &c->le, c);
	pthread_mutex_unlock(&media->lock);

	if (was_empty)
		(void)mqueue_push(media->mq, 0, NULL);
}

/* Some have keys in them. */
static void command_destructor(void *arg)
{
	struct gw_media_command *c = arg;

	list_unlink(&c->le);
	explicit_bzero(&c->u, sizeof(c->u));
}

static struct gw_media_command *make_command(const struct gw_media_port *handle,
					     enum gw_media_command_type type)
{
	struct gw_media_command *c = mem_zalloc(sizeof(*c), command_destructor);

	if (c) {
		c->type = type;
		c->port = handle->port;
	}

	return c;
}

/* The commands with one value: set receives the place for it. */
static int command(struct gw_media_port *handle,
		   enum gw_media_command_type type,
		   const struct gw_media_command *values)
{
	struct gw_media_command *c;

	if (!handle->media || !handle->close)
		return ESHUTDOWN;

	c = make_command(handle, type);
	if (!c)
		return ENOMEM;

	c->u = values->u;
	push_command(handle->media, c);
	return 0;
}

static void close_handle(struct gw_media_port *handle, bool told)
{
	struct gw_media_command *c = handle->close;

	handle->close = NULL;
	if (c && handle->media) {
		c->u.on = told;
		push_command(handle->media, c);
	} else {
		mem_deref(c);
	}
}

static void handle_destructor(void *arg)
{
	struct gw_media_port *handle = arg;

	if (handle->link) {
		handle->link->handle = NULL;
		close_handle(handle, false);
	}
	gw_media_unlink(handle->link);
	list_unlink(&handle->le);
}

/* All that can fail, before the port is the media thread's. */
static int make_parts(struct gw_media_port *handle, struct gw_media *media)
{
	struct gw_port_owner owner = { .facth = gw_media_post_fact,
				       .pieceh = gw_media_post_piece,
				       .tickingh = gw_media_on_ticking,
				       .ticking_arg = media };
	struct gw_media_link *link = mem_zalloc(sizeof(*link), NULL);
	int err;

	if (!link)
		return ENOMEM;

	atomic_init(&link->refs, 2); /* the handle's, the port's */
	atomic_init(&link->pieces, 0);
	link->media = media;
	link->handle = handle;
	owner.fact_arg = link;

	err = gw_port_alloc(&handle->port, &owner);
	if (err)
		goto out;

	handle->close = make_command(handle, GW_MEDIA_DO_CLOSE);
	if (!handle->close) {
		handle->port = mem_deref(handle->port);
		err = ENOMEM;
		goto out;
	}

	handle->link = link;

out:
	if (err)
		mem_deref(link);
	return err;
}

int gw_media_open(struct gw_media_port **portp, struct gw_media *media,
		  const struct sa *laddr, gw_media_fact_h *facth, void *arg)
{
	struct gw_media_port *handle;
	struct gw_media_command *c = NULL;
	int err = ENOMEM;

	handle = mem_zalloc(sizeof(*handle), handle_destructor);
	if (!handle)
		return ENOMEM;

	handle->facth = facth;
	handle->arg = arg;

	c = make_command(handle, GW_MEDIA_DO_OPEN);
	if (c)
		err = make_parts(handle, media);
	if (err) {
		mem_deref(c);
		mem_deref(handle);
		return err;
	}

	handle->media = media;
	list_append(&media->handles, &handle->le, handle);
	c->port = handle->port;
	c->u.laddr = *laddr;
	push_command(media, c);
	*portp = handle;
	return 0;
}

int gw_media_close(struct gw_media_port *handle)
{
	if (!handle->media || !handle->close)
		return ESHUTDOWN;

	close_handle(handle, true);
	return 0;
}

int gw_media_remote(struct gw_media_port *handle, const struct sa *rtp,
		    const struct sa *rtcp, const struct gw_media_codec *codec,
		    enum gw_media_direction dir)
{
	const struct gw_media_command c = { .u.remote = { .rtp = *rtp,
							  .rtcp = *rtcp,
							  .codec = *codec,
							  .dir = dir } };
	const int err = command(handle, GW_MEDIA_DO_REMOTE, &c);

	if (!err) {
		handle->has_codec = true;
		handle->can_send = gw_convert_rate(codec->name) != 0;
		handle->has_dtmf = codec->pt_dtmf_tx >= 0;
	}

	return err;
}

int gw_media_play(struct gw_media_port *handle, const struct gw_sound *sound)
{
	const struct gw_media_command c = { .u.sound = sound };

	if (sound && handle->has_codec && !handle->can_send)
		return ENOTSUP;

	return command(handle, GW_MEDIA_DO_PLAY, &c);
}

int gw_media_echo(struct gw_media_port *handle, bool on)
{
	const struct gw_media_command c = { .u.on = on };

	return command(handle, GW_MEDIA_DO_ECHO, &c);
}

int gw_media_dtmf(struct gw_media_port *handle, char digit,
		  uint32_t duration_ms)
{
	const struct gw_media_command c = { .u.dtmf = { digit, duration_ms } };

	if (gw_dtmf_event_of(digit) < 0)
		return EINVAL;
	if (!handle->has_dtmf)
		return ENOTSUP;

	return command(handle, GW_MEDIA_DO_DTMF, &c);
}

int gw_media_watch(struct gw_media_port *handle, uint32_t stall_ms)
{
	const struct gw_media_command c = { .u.stall_ms = stall_ms };

	return command(handle, GW_MEDIA_DO_WATCH, &c);
}

int gw_media_stats(struct gw_media_port *handle)
{
	const struct gw_media_command c = { .u.on = false };

	return command(handle, GW_MEDIA_DO_STATS, &c);
}

static bool is_shut(const struct gw_media_port *handle)
{
	return !handle->media || !handle->close;
}

int gw_media_join(struct gw_media_port *a, struct gw_media_port *b)
{
	const struct gw_media_command c = { .u.other = b->port };

	if (a == b)
		return EINVAL;
	if (is_shut(b))
		return ESHUTDOWN;

	return command(a, GW_MEDIA_DO_JOIN, &c);
}

int gw_media_part(struct gw_media_port *handle)
{
	const struct gw_media_command c = { .u.on = false };

	return command(handle, GW_MEDIA_DO_PART, &c);
}

int gw_media_mute(struct gw_media_port *handle, bool on)
{
	const struct gw_media_command c = { .u.on = on };

	return command(handle, GW_MEDIA_DO_MUTE, &c);
}

int gw_media_tone(struct gw_media_port *handle, enum gw_tone tone,
		  const char *country)
{
	struct gw_media_command c = { .u.tone.tone = tone };

	if (tone != GW_TONE_NONE && handle->has_codec && !handle->can_send)
		return ENOTSUP;

	str_ncpy(c.u.tone.country, country ? country : "eu",
		 sizeof(c.u.tone.country));
	return command(handle, GW_MEDIA_DO_TONE, &c);
}

int gw_media_latch(struct gw_media_port *handle, const struct sa *signalling)
{
	struct gw_media_command c = { .u.on = false };

	sa_init(&c.u.alt, AF_UNSPEC);
	if (signalling)
		c.u.alt = *signalling;

	return command(handle, GW_MEDIA_DO_LATCH, &c);
}

int gw_media_detect(struct gw_media_port *handle, bool on)
{
	const struct gw_media_command c = { .u.on = on };

	return command(handle, GW_MEDIA_DO_DETECT, &c);
}

int gw_media_record(struct gw_media_port *left, struct gw_media_port *right,
		    bool on)
{
	const struct gw_media_command c = {
		.u.record = { .right = right ? right->port : NULL, .on = on }
	};

	if (on && right && is_shut(right))
		return ESHUTDOWN;

	return command(left, GW_MEDIA_DO_RECORD, &c);
}

int gw_media_secure(struct gw_media_port *handle,
		    const struct gw_media_srtp *srtp)
{
	struct gw_media_command c = { .u.secure.on = srtp != NULL };
	int err;

	if (srtp)
		c.u.secure.srtp = *srtp;
	err = command(handle, GW_MEDIA_DO_SECURE, &c);

	explicit_bzero(&c, sizeof(c));
	return err;
}

int gw_media_browser(struct gw_media_port *handle,
		     const struct gw_media_browser *browser)
{
	struct gw_media_command c = { .u.browser = *browser };
	const int err = command(handle, GW_MEDIA_DO_BROWSER, &c);

	explicit_bzero(&c, sizeof(c));
	return err;
}

void gw_media_certificate(uint8_t hash[GW_MEDIA_CERT_HASH],
			  const struct gw_media *media)
{
	memcpy(hash, media->certificate, GW_MEDIA_CERT_HASH);
}
