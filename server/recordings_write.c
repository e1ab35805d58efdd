/* From sound to a file: pieces come from the loop, wait for the thread, and go to
 * disk one after the other. What goes wrong ends the run, not the call: what the
 * file held when the run began is all that stays. */
#include "server/recordings_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sip/call.h"

/* The file. The loop has the first half, the thread the second; pieces hold on to
 * it, for the recording may be let go before they are done. */
struct track {
	gw_recordings_end_h *endh; /* NULL: nobody wants to know */
	void *arg;

	char name[GW_RECORDING_NAME_SIZE];
	int fd; /* -1: not open */
	int err;
	uint32_t rate, pairs;
	uint32_t kept; /* pairs when the run began */
};

/* What the owner has. */
struct gw_recordings_track {
	struct track *track;
	struct piece *ending; /* of the run: allocated while there was memory */
	int lost;             /* why a piece of the run is not complete */
	bool running;
};

/* Some sound on its way to the disk. */
struct piece {
	struct gw_recordings_job job;
	struct track *track;
	int16_t *samples;
	int16_t *resampled; /* the thread's, to the rate of the file; or NULL */
	uint32_t pairs, rate;
	bool last;
	int lost;
	struct gw_recordings_end end;
};

/* The thread ---------------------------------------------------------------- */

static int write_at(int fd, const void *data, size_t len, uint64_t at)
{
	const uint8_t *p = data;

	while (len) {
		const ssize_t n = pwrite(fd, p, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? errno : EIO;
		p += n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

static int write_head(const struct track *t)
{
	uint8_t head[GW_WAV_HEAD];

	gw_wav_head(head, t->rate, t->pairs);
	return write_at(t->fd, head, sizeof(head), 0);
}

static int open_file(struct track *t)
{
	const int flags = O_RDWR | (t->rate ? 0 : O_CREAT | O_EXCL);

	t->kept = t->pairs;
	t->fd = gw_recordings_file(t->name, flags);
	return t->fd < 0 ? errno : 0;
}

/* Another leg may bring another rate; a file has but one. Between two samples the
 * way is straight, of several that become one the mean is taken. */
static int16_t sample_at(const struct piece *p, uint64_t at, uint64_t step,
			 size_t channel)
{
	const uint64_t i = at >> 16, span = MAX(step >> 16, 1ull);
	int64_t sum = 0;
	uint64_t k, next;

	if (step <= 1 << 16) {
		next = MIN(i + 1, (uint64_t)p->pairs - 1);
		sum = p->samples[i * 2 + channel] *
		      (int64_t)(65536 - (at & 65535));
		sum += p->samples[next * 2 + channel] * (int64_t)(at & 65535);
		return (int16_t)(sum / 65536);
	}
	for (k = 0; k < span && i + k < p->pairs; k++)
		sum += p->samples[(i + k) * 2 + channel];
	return (int16_t)(sum / (int64_t)MAX(k, 1ull));
}

static int resample(struct piece *p, uint32_t rate)
{
	const uint64_t step = ((uint64_t)p->rate << 16) / rate;
	const uint64_t pairs = p->rate ? (uint64_t)p->pairs * rate / p->rate :
					 0;
	int16_t *to;

	if (!pairs || pairs > GW_WAV_PAIRS_MAX)
		return EINVAL;
	to = malloc((size_t)(pairs + 1) * GW_WAV_PAIR);
	if (!to)
		return ENOMEM;
	for (uint64_t i = 0; i < pairs; i++)
		for (size_t channel = 0; channel < 2; channel++)
			to[i * 2 + channel] =
				sample_at(p, i * step, step, channel);
	p->resampled = to;
	p->pairs = (uint32_t)pairs;
	p->rate = rate;
	return 0;
}

static int append(struct track *t, struct piece *p)
{
	int16_t *samples;
	size_t len;
	int err = 0;

	if (t->rate && t->rate != p->rate)
		err = resample(p, t->rate);
	if (err)
		return err;
	samples = p->resampled ? p->resampled : p->samples;
	len = (size_t)p->pairs * GW_WAV_PAIR;
	if (t->pairs > GW_WAV_PAIRS_MAX - p->pairs)
		return EFBIG;
	for (size_t i = 0; i < (size_t)p->pairs * 2; i++)
		samples[i] = (int16_t)sys_htols((uint16_t)samples[i]);
	if (t->fd < 0)
		err = open_file(t);
	if (err)
		return err;
	t->rate = p->rate;
	err = write_at(t->fd, samples, len,
		       GW_WAV_HEAD + (uint64_t)t->pairs * GW_WAV_PAIR);
	if (err)
		return err;
	t->pairs += p->pairs;
	return write_head(t);
}

/* Back to what was there before the run. */
static void give_up(struct track *t)
{
	if (t->fd < 0)
		return;
	t->pairs = t->kept;
	if (t->pairs) {
		(void)!ftruncate(t->fd, (off_t)gw_wav_bytes(t->pairs));
		(void)write_head(t);
	} else {
		gw_recordings_unlink(t->name);
		t->rate = 0;
	}
}

static void finish(struct track *t, struct piece *p)
{
	if (!t->err)
		t->err = p->lost;
	/* a run in which nothing was heard at all made no file */
	if (!t->err && t->fd < 0)
		t->err = ENODATA;
	if (!t->err && fsync(t->fd))
		t->err = errno;
	if (t->err)
		give_up(t);
	else
		gw_recordings_sync_dir();
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
	p->end.err = t->err;
	p->end.duration_ms = gw_wav_ms(t->rate, t->pairs);
	p->end.bytes = gw_wav_bytes(t->pairs);
	t->err = 0;
}

static void write_piece(struct gw_recordings_job *job)
{
	struct piece *p = (struct piece *)(void *)job;
	struct track *t = p->track;

	if (!t->err && p->pairs)
		t->err = append(t, p);
	if (p->last)
		finish(t, p);
}

/* The loop ------------------------------------------------------------------ */

static void piece_destructor(void *arg)
{
	struct piece *p = arg;

	mem_deref(p->samples);
	free(p->resampled); /* mem_alloc() is the loop's */
	mem_deref(p->track);
}

static void written(struct gw_recordings_job *job)
{
	struct piece *p = (struct piece *)(void *)job;
	const struct track *t = p->track;

	if (p->last && t->endh)
		t->endh(&p->end, t->arg);
	mem_deref(p);
}

static struct piece *piece_alloc(struct track *t)
{
	struct piece *p = mem_zalloc(sizeof(*p), piece_destructor);

	if (!p)
		return NULL;
	p->track = mem_ref(t);
	p->job.workh = write_piece;
	p->job.doneh = written;
	return p;
}

static int fill(struct piece *p, const struct gw_call_sound *sound)
{
	const size_t bytes = sound->pairs * GW_WAV_PAIR;

	if (!sound->pairs)
		return 0;
	if (sound->pairs > GW_WAV_PAIRS_MAX)
		return EFBIG;
	p->samples = mem_alloc(bytes, NULL);
	if (!p->samples)
		return ENOMEM;
	memcpy(p->samples, sound->samples, bytes);
	p->pairs = (uint32_t)sound->pairs;
	p->rate = sound->rate;
	p->job.bytes = bytes;
	return 0;
}

/* The end of a run always gets through: without its sound, if need be. */
static void add_ending(struct gw_recordings_track *rec,
		       const struct gw_call_sound *sound)
{
	struct piece *p = rec->ending;
	struct gw_recordings_end end = { .err = rec->lost };
	int err;

	rec->ending = NULL;
	rec->running = false;
	if (p) {
		err = fill(p, sound);
		p->last = true;
		p->lost = rec->lost ? rec->lost : err;
		err = gw_recordings_push(&p->job);
		if (err == ENOBUFS) {
			p->lost = err;
			p->pairs = 0;
			p->job.bytes = 0;
			err = gw_recordings_push(&p->job);
		}
		if (!err)
			return;
		mem_deref(p);
		end.err = err;
	}
	rec->track->endh(&end, rec->track->arg);
}

void gw_recordings_add(struct gw_recordings_track *rec,
		       const struct gw_call_sound *sound)
{
	struct piece *p;
	int err;

	if (!rec->running) {
		rec->running = true;
		rec->ending = piece_alloc(rec->track);
		rec->lost = rec->ending ? 0 : ENOMEM;
	}
	if (sound->last) {
		add_ending(rec, sound);
		return;
	}
	if (rec->lost || !sound->pairs)
		return;
	p = piece_alloc(rec->track);
	err = p ? fill(p, sound) : ENOMEM;
	err = err ? err : gw_recordings_push(&p->job);
	if (!err)
		return;
	mem_deref(p);
	rec->lost = err;
}

static void track_destructor(void *arg)
{
	struct track *t = arg;

	if (t->fd >= 0)
		(void)close(t->fd);
}

static void recording_destructor(void *arg)
{
	struct gw_recordings_track *rec = arg;

	if (rec->track)
		rec->track->endh = NULL;
	mem_deref(rec->ending);
	mem_deref(rec->track);
}

int gw_recordings_track_alloc(struct gw_recordings_track **recp,
			      const char *call_id, gw_recordings_end_h *endh,
			      void *arg)
{
	struct gw_recordings_track *rec;

	rec = mem_zalloc(sizeof(*rec), recording_destructor);
	if (!rec)
		return ENOMEM;
	rec->track = mem_zalloc(sizeof(*rec->track), track_destructor);
	if (!rec->track) {
		mem_deref(rec);
		return ENOMEM;
	}
	rec->track->fd = -1;
	rec->track->endh = endh;
	rec->track->arg = arg;
	if (!gw_recordings_name(rec->track->name, call_id)) {
		mem_deref(rec);
		return EINVAL;
	}
	*recp = rec;
	return 0;
}

/* After the end of a process ------------------------------------------------- */

int gw_recordings_found(struct gw_recordings_end *end, const char *call_id)
{
	char name[GW_RECORDING_NAME_SIZE];
	uint8_t head[GW_WAV_HEAD];
	uint32_t rate, pairs;
	struct stat st;
	int fd, err = 0;

	if (!gw_recordings_name(name, call_id))
		return ENOENT;
	fd = gw_recordings_file(name, O_RDONLY);
	if (fd < 0)
		return ENOENT;
	if (fstat(fd, &st) || pread(fd, head, sizeof(head), 0) != GW_WAV_HEAD ||
	    !gw_wav_read_head(head, &rate, &pairs) || !pairs ||
	    (uint64_t)st.st_size < gw_wav_bytes(pairs))
		err = ENOENT;
	(void)close(fd);
	if (!err)
		*end = (struct gw_recordings_end){
			.duration_ms = gw_wav_ms(rate, pairs),
			.bytes = gw_wav_bytes(pairs),
		};
	return err;
}
