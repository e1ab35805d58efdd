/* The media thread.
 *
 *   loop thread                          media thread
 *   handle --command--> locked list ---> port (sockets, timers)
 *   handle <--- post <------ note <----- fact
 *
 * A handle (struct gw_media_port) lives on the loop thread, its port on the
 * media thread, and neither touches the other's memory. What joins them is the
 * link: counted atomically, it holds the way back to the handle, which is read
 * and cut on the loop thread alone. So a fact that is under way when its handle
 * goes finds nobody and is dropped.
 *
 * The list is locked for a few instructions; the mqueue only wakes the thread
 * when the list was empty, so it never fills. */
#include "sip/media/media_impl.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <re.h>

#include "sip/media/convert.h"

enum {
	COMMANDS_A_TURN = 256, /* then packets have their turn */
	FDS_MAX = 65536,
};

/* ---- the clock of the media thread ---- */

static void set_clock(struct gw_media *media, bool on)
{
	const long ns = on ? GW_FRAME_MS * 1000000L : 0;
	const struct itimerspec each = { { 0, ns }, { 0, ns } };

	(void)timerfd_settime(media->clock_fd, 0, &each, NULL);
}

static void on_clock(int flags, void *arg)
{
	struct gw_media *media = arg;
	const int64_t began_us = gw_port_now_us();
	uint64_t ticks = 0;
	struct le *le;

	(void)flags;
	if (read(media->clock_fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;

	for (le = media->ticking.head; le;) {
		struct gw_port *port = le->data;

		le = le->next; /* the port may leave the list */
		gw_port_tick(port, (unsigned)ticks, !media->overloaded);
	}

	/* who can't keep up must not try to catch up, too */
	media->overloaded = gw_port_now_us() - began_us > GW_FRAME_MS * 1000;
}

/* The clock only runs while somebody has something to send. */
void gw_media_on_ticking(struct gw_port *port, bool ticking, void *arg)
{
	struct gw_media *media = arg;
	struct le *le = gw_port_ticking_le(port);
	const bool was_idle = list_isempty(&media->ticking);

	if (ticking)
		list_append(&media->ticking, le, port);
	else
		list_unlink(le);

	if (was_idle != list_isempty(&media->ticking))
		set_clock(media, was_idle);
}

/* ---- commands, on the media thread ---- */

/* Tries the range once around: ports of others are found by EADDRINUSE. */
static int bind_somewhere(struct gw_media *media, struct gw_port *port,
			  const struct sa *laddr)
{
	uint32_t tries = media->range.pairs - media->range.used;
	int err = EADDRINUSE;

	while (err == EADDRINUSE && tries--) {
		const uint16_t number = gw_port_range_take(&media->range);

		err = gw_port_bind(port, laddr, number, media->cfg.dscp);
		if (err)
			gw_port_range_give(&media->range, number);
	}

	return err;
}

static void open_port(struct gw_media *media, const struct gw_media_command *c)
{
	struct gw_media_fact fact = { .type = GW_MEDIA_OPENED };

	list_append(&media->ports, gw_port_le(c->port), c->port);
	fact.err = bind_somewhere(media, c->port, &c->u.laddr);
	fact.local_port = gw_port_number(c->port);
	gw_media_post_fact(&fact, gw_port_fact_arg(c->port));
}

static void close_port(struct gw_media *media, struct gw_port *port, bool told)
{
	struct gw_media_link *link = gw_port_fact_arg(port);
	const uint16_t number = gw_port_number(port);

	gw_port_end_recording(port);
	if (told)
		gw_port_stats(port);
	mem_deref(port);
	if (number)
		gw_port_range_give(&media->range, number);
	gw_media_unlink(link);
}

static void carry_out(struct gw_media *media, const struct gw_media_command *c)
{
	struct gw_port *port = c->port;

	switch (c->type) {
	case GW_MEDIA_DO_OPEN:
		open_port(media, c);
		break;
	case GW_MEDIA_DO_REMOTE:
		gw_port_remote(port, &c->u.remote.rtp, &c->u.remote.rtcp,
			       &c->u.remote.codec, c->u.remote.dir);
		break;
	case GW_MEDIA_DO_PLAY:
		gw_port_play(port, c->u.sound);
		break;
	case GW_MEDIA_DO_ECHO:
		gw_port_echo(port, c->u.on);
		break;
	case GW_MEDIA_DO_DTMF:
		gw_port_dtmf(port, c->u.dtmf.digit, c->u.dtmf.duration_ms);
		break;
	case GW_MEDIA_DO_WATCH:
		gw_port_watch(port, c->u.stall_ms);
		break;
	case GW_MEDIA_DO_STATS:
		gw_port_stats(port);
		break;
	case GW_MEDIA_DO_JOIN:
		gw_port_join(port, c->u.other);
		break;
	case GW_MEDIA_DO_PART:
		gw_port_part(port);
		break;
	case GW_MEDIA_DO_MUTE:
		gw_port_mute(port, c->u.on);
		break;
	case GW_MEDIA_DO_TONE:
		gw_port_tone(port, c->u.tone.tone, c->u.tone.country);
		break;
	case GW_MEDIA_DO_LATCH:
		gw_port_latch(port, &c->u.alt);
		break;
	case GW_MEDIA_DO_DETECT:
		gw_port_detect(port, c->u.on);
		break;
	case GW_MEDIA_DO_RECORD:
		gw_port_record(port, c->u.record.right, c->u.record.on);
		break;
	case GW_MEDIA_DO_SECURE:
		gw_port_secure(port, c->u.secure.on ? &c->u.secure.srtp : NULL);
		break;
	case GW_MEDIA_DO_BROWSER:
		gw_port_browser(port, media->identity, &c->u.browser);
		break;
	case GW_MEDIA_DO_CLOSE:
		close_port(media, port, c->u.on);
		break;
	}
}

static struct gw_media_command *next_command(struct gw_media *media)
{
	struct le *le;

	pthread_mutex_lock(&media->lock);
	le = media->commands.head;
	list_unlink(le);
	pthread_mutex_unlock(&media->lock);

	return le ? le->data : NULL;
}

/* Woken with an empty list that has got its first command, or to stop. */
static void on_wake(int id, void *data, void *arg)
{
	struct gw_media *media = arg;
	bool more, stopping;

	(void)id;
	(void)data;

	/* the last ones are not kept waiting by packets */
	pthread_mutex_lock(&media->lock);
	stopping = media->stopping;
	pthread_mutex_unlock(&media->lock);

	for (int i = 0; stopping || i < COMMANDS_A_TURN; i++) {
		struct gw_media_command *c = next_command(media);

		if (!c)
			break;
		carry_out(media, c);
		mem_deref(c);
	}

	pthread_mutex_lock(&media->lock);
	more = !list_isempty(&media->commands);
	pthread_mutex_unlock(&media->lock);

	if (more)
		(void)mqueue_push(media->mq, 0, NULL);
	else if (stopping)
		re_cancel();
}

/* ---- the thread ---- */

static int table_size(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > FDS_MAX)
		return FDS_MAX;

	return (int)limit.rlim_cur;
}

/* libre's tables of this thread: before anything here opens an fd. Numbers of
 * fds are the process's, so the table is as long as the loop's. */
static int set_up(struct gw_media *media)
{
	struct mqueue *mq = NULL;
	int err;

	err = fd_setsize(table_size());
	if (err)
		return err;

	media->clock_fd =
		timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (media->clock_fd < 0)
		return errno;

	err = gw_dtls_identity_alloc(&media->identity);
	if (err)
		return err;
	gw_dtls_identity_hash(media->certificate, media->identity);

	err = fd_listen(media->clock_fd, FD_READ, on_clock, media);
	if (!err)
		err = mqueue_alloc(&mq, on_wake, media);
	if (!err)
		media->mq = mq;

	return err;
}

static void tear_down(struct gw_media *media)
{
	struct le *le;

	while ((le = media->ports.head) != NULL)
		close_port(media, le->data, false);
	if (media->clock_fd >= 0) {
		fd_close(media->clock_fd);
		(void)close(media->clock_fd);
	}
	media->mq = mem_deref(media->mq);
	media->identity = mem_deref(media->identity);
}

static void report_start(struct gw_media *media, int err)
{
	pthread_mutex_lock(&media->lock);
	media->start_err = err;
	media->is_started = true;
	pthread_cond_signal(&media->started);
	pthread_mutex_unlock(&media->lock);
}

static void *run(void *arg)
{
	struct gw_media *media = arg;
	int err;

	err = re_thread_init();
	if (err) {
		report_start(media, err);
		return NULL;
	}

	err = set_up(media);
	report_start(media, err);
	if (!err)
		(void)re_main(NULL);

	tear_down(media);
	re_thread_close();
	return NULL;
}

/* Signals are the loop's: the thread is born with all of them blocked. */
static int spawn(struct gw_media *media)
{
	sigset_t all, before;
	int err;

	(void)sigfillset(&all);
	err = pthread_sigmask(SIG_SETMASK, &all, &before);
	if (err)
		return err;

	err = pthread_create(&media->thread, NULL, run, media);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		return err;

	pthread_mutex_lock(&media->lock);
	while (!media->is_started)
		pthread_cond_wait(&media->started, &media->lock);
	err = media->start_err;
	pthread_mutex_unlock(&media->lock);

	if (err)
		(void)pthread_join(media->thread, NULL);
	return err;
}

static void media_destructor(void *arg)
{
	struct gw_media *media = arg;

	list_flush(&media->commands);
	(void)pthread_cond_destroy(&media->started);
	(void)pthread_mutex_destroy(&media->lock);
}

int gw_media_start(struct gw_media **mediap, const struct gw_media_cfg *cfg,
		   gw_media_post_h *post, void *post_arg)
{
	struct gw_media *media;
	int err;

	media = mem_zalloc(sizeof(*media), media_destructor);
	if (!media)
		return ENOMEM;

	media->cfg = *cfg;
	media->post = post;
	media->post_arg = post_arg;
	media->clock_fd = -1;
	(void)pthread_mutex_init(&media->lock, NULL);
	(void)pthread_cond_init(&media->started, NULL);

	err = gw_port_range_init(&media->range, cfg->port_min, cfg->port_max,
				 rand_u32());
	if (err)
		goto out;

	err = gw_convert_start();
	if (err)
		goto out;

	err = spawn(media);
	if (err)
		gw_convert_stop();

out:
	if (err)
		mem_deref(media);
	else
		*mediap = media;
	return err;
}

void gw_media_stop(struct gw_media *media)
{
	struct le *le;

	if (!media)
		return;

	/* what the callers still hold closes nothing any more */
	for (le = media->handles.head; le; le = le->next)
		((struct gw_media_port *)le->data)->media = NULL;
	list_clear(&media->handles);

	/* pushed under the lock: the thread can't see the flag, end and free
	 * the queue before that */
	pthread_mutex_lock(&media->lock);
	media->stopping = true;
	(void)mqueue_push(media->mq, 0, NULL);
	pthread_mutex_unlock(&media->lock);
	(void)pthread_join(media->thread, NULL);

	gw_convert_stop();
	mem_deref(media);
}
