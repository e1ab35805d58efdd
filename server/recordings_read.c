/* From a file to whoever downloads it, a block at a time: the thread reads the
 * next one while the last one is on its way. */
#include "server/recordings_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
	BLOCK = 64 << 10,
	READERS_MAX = 64, /* at the same time: 4 MiB of blocks */
};

/* The file, as the thread sees it. */
struct source {
	struct gw_recordings_job job;
	struct gw_recordings_reader *reader; /* NULL: nobody reads any more */
	char name[GW_RECORDING_NAME_SIZE];
	int fd; /* -1: not open */
	int err;
	uint64_t at, size;
	size_t len; /* of what block holds */
	uint8_t block[BLOCK];
};

struct gw_recordings_reader {
	struct source *source;
	struct gw_recordings_reader_h h;
	void *arg;
	bool opened, busy; /* busy: the thread has source */
	size_t used;       /* of source->block */
};

static uint32_t readers;

/* The thread ---------------------------------------------------------------- */

static void open_source(struct source *s)
{
	uint8_t head[GW_WAV_HEAD];
	uint32_t rate, pairs;

	s->fd = gw_recordings_file(s->name, O_RDONLY);
	if (s->fd < 0)
		s->err = errno;
	else if (pread(s->fd, head, sizeof(head), 0) != GW_WAV_HEAD ||
		 !gw_wav_read_head(head, &rate, &pairs))
		s->err = ENOENT;
	else
		s->size = gw_wav_bytes(pairs);
}

static void read_block(struct gw_recordings_job *job)
{
	struct source *s = (struct source *)(void *)job;
	ssize_t n;

	if (s->fd < 0)
		open_source(s);
	s->len = 0;
	if (s->err || s->at >= s->size)
		return;
	n = pread(s->fd, s->block, MIN((uint64_t)BLOCK, s->size - s->at),
		  (off_t)s->at);
	if (n <= 0) {
		s->err = n ? errno : EIO;
		return;
	}
	s->len = (size_t)n;
	s->at += (uint64_t)n;
}

/* The loop ------------------------------------------------------------------ */

static void source_destructor(void *arg)
{
	struct source *s = arg;

	if (s->fd >= 0)
		(void)close(s->fd);
}

static void block_read(struct gw_recordings_job *job)
{
	struct source *s = (struct source *)(void *)job;
	struct gw_recordings_reader *r = s->reader;

	if (!r) {
		mem_deref(s);
		return;
	}
	r->busy = false;
	r->used = 0;
	if (r->opened) {
		r->h.moreh(r->arg);
		return;
	}
	r->opened = true;
	r->h.openedh(s->err, s->size, r->arg);
}

static int fetch(struct gw_recordings_reader *r)
{
	int err;

	r->busy = true;
	err = gw_recordings_push(&r->source->job);
	if (err)
		r->busy = false;
	return err;
}

int gw_recordings_read(struct gw_recordings_reader *r, uint8_t *buf,
		       size_t size)
{
	struct source *s = r->source;
	size_t n;

	if (r->busy)
		return 0;
	if (s->err || r->used == s->len)
		return -1;
	n = MIN(size, s->len - r->used);
	memcpy(buf, s->block + r->used, n);
	r->used += n;
	if (r->used == s->len && s->at < s->size && fetch(r))
		s->err = EIO;
	return (int)n;
}

static void reader_destructor(void *arg)
{
	struct gw_recordings_reader *r = arg;

	if (!r->source)
		return;
	readers--;
	r->source->reader = NULL;
	if (!r->busy)
		mem_deref(r->source); /* else block_read() does */
}

int gw_recordings_reader_alloc(struct gw_recordings_reader **readerp,
			       const char *call_id,
			       const struct gw_recordings_reader_h *h,
			       void *arg)
{
	struct gw_recordings_reader *r;
	int err;

	if (readers >= READERS_MAX)
		return EBUSY;
	r = mem_zalloc(sizeof(*r), reader_destructor);
	if (!r)
		return ENOMEM;
	r->source = mem_zalloc(sizeof(*r->source), source_destructor);
	if (!r->source) {
		mem_deref(r);
		return ENOMEM;
	}
	readers++;
	r->h = *h;
	r->arg = arg;
	r->source->fd = -1;
	r->source->reader = r;
	r->source->job.workh = read_block;
	r->source->job.doneh = block_read;
	err = gw_recordings_name(r->source->name, call_id) ? fetch(r) : ENOENT;
	if (err)
		mem_deref(r);
	else
		*readerp = r;
	return err;
}
