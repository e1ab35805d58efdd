/* The thread that reads and writes recordings: its queue, its directory, and what
 * has been kept long enough. See recordings.h. */
#include "server/recordings_impl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "server/call_id.h"
#include "server/worker.h"

enum {
	QUEUE_MAX_BYTES = 64 << 20,
	DAY_S = 86400,
};
#define SWEEP_EVERY_US (3600ull * 1000000)

static struct {
	struct gw_worker worker;
	struct gw_recordings_job *first, **endp;
	size_t bytes; /* of those that wait */
	bool open;
	char *dir;
	uint32_t keep_days;
} recordings;

/* Files --------------------------------------------------------------------- */

bool gw_recordings_name(char name[GW_RECORDING_NAME_SIZE], const char *call_id)
{
	if (!gw_call_id_valid(call_id))
		return false;
	return re_snprintf(name, GW_RECORDING_NAME_SIZE, "%s.wav", call_id) > 0;
}

static int open_dir(bool make)
{
	if (make && mkdir(recordings.dir, 0700) && errno != EEXIST)
		return -1;
	return open(recordings.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int gw_recordings_file(const char *name, int flags)
{
	const int dir = open_dir(flags & O_CREAT);
	int fd, err;

	if (dir < 0)
		return -1;
	fd = openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	err = errno;
	(void)close(dir);
	errno = err;
	return fd;
}

void gw_recordings_unlink(const char *name)
{
	const int dir = open_dir(false);

	if (dir < 0)
		return;
	(void)unlinkat(dir, name, 0);
	(void)close(dir);
}

void gw_recordings_erase(const char *call_id)
{
	char name[GW_RECORDING_NAME_SIZE];

	if (recordings.dir && gw_recordings_name(name, call_id))
		gw_recordings_unlink(name);
}

/* A new file's name is on disk when its directory is. */
void gw_recordings_sync_dir(void)
{
	const int dir = open_dir(false);

	if (dir < 0)
		return;
	(void)fsync(dir);
	(void)close(dir);
}

/* Only what was made here is removed, whatever else lies there. */
static bool is_ours(const char *file)
{
	char id[GW_STORE_ID_SIZE];
	const size_t len = strlen(file);

	if (len != sizeof(id) - 1 + strlen(".wav") ||
	    strcmp(file + sizeof(id) - 1, ".wav") != 0)
		return false;
	memcpy(id, file, sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	return gw_call_id_valid(id);
}

static void sweep(void)
{
	const time_t before = time(NULL) - (time_t)recordings.keep_days * DAY_S;
	const struct dirent *entry;
	struct stat st;
	DIR *d = opendir(recordings.dir);

	if (!d)
		return;
	while ((entry = readdir(d)))
		if (is_ours(entry->d_name) &&
		    !fstatat(dirfd(d), entry->d_name, &st,
			     AT_SYMLINK_NOFOLLOW) &&
		    S_ISREG(st.st_mode) && st.st_mtime <= before)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	(void)closedir(d);
}

/* The thread ---------------------------------------------------------------- */

static struct gw_recordings_job *pop(void)
{
	struct gw_recordings_job *job = recordings.first;

	if (!job)
		return NULL;
	recordings.first = job->next;
	if (!recordings.first)
		recordings.endp = &recordings.first;
	recordings.bytes -= job->bytes;
	return job;
}

static void work(struct gw_recordings_job *job)
{
	pthread_mutex_unlock(&recordings.worker.lock);
	job->workh(job);
	gw_loop_post_note(&job->note); /* from here on it is the loop's */
	pthread_mutex_lock(&recordings.worker.lock);
}

static void *run(void *arg)
{
	struct gw_worker *w = &recordings.worker;
	uint64_t sweep_at_us = 0;
	(void)arg;

	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct gw_recordings_job *job = pop();

		if (job) {
			work(job);
		} else if (w->closing) {
			break;
		} else if (gw_worker_now_us() >= sweep_at_us) {
			pthread_mutex_unlock(&w->lock);
			sweep();
			sweep_at_us = gw_worker_now_us() + SWEEP_EVERY_US;
			pthread_mutex_lock(&w->lock);
		} else {
			gw_worker_sleep(w, sweep_at_us);
		}
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static void done(void *arg)
{
	struct gw_recordings_job *job = arg;

	job->doneh(job);
}

int gw_recordings_push(struct gw_recordings_job *job)
{
	struct gw_worker *w = &recordings.worker;
	int err = 0;

	if (!recordings.open)
		return ESHUTDOWN;
	job->next = NULL;
	job->note.fn = done;
	job->note.arg = job;
	pthread_mutex_lock(&w->lock);
	if (job->bytes && recordings.bytes + job->bytes > QUEUE_MAX_BYTES) {
		err = ENOBUFS;
	} else {
		*recordings.endp = job;
		recordings.endp = &job->next;
		recordings.bytes += job->bytes;
		gw_worker_wake(w);
	}
	pthread_mutex_unlock(&w->lock);
	return err;
}

/* Up and down --------------------------------------------------------------- */

int gw_recordings_open(const char *dir, uint32_t keep_days)
{
	int err;

	memset(&recordings, 0, sizeof(recordings));
	recordings.endp = &recordings.first;
	recordings.keep_days = keep_days;
	err = str_dup(&recordings.dir, dir);
	err = err ? err : gw_worker_init(&recordings.worker);
	err = err ? err : gw_worker_start(&recordings.worker, run, NULL);
	recordings.open = !err;
	if (err)
		gw_recordings_close();
	return err;
}

void gw_recordings_close(void)
{
	recordings.open = false;
	gw_worker_stop(&recordings.worker);
	gw_worker_destroy(&recordings.worker);
	recordings.worker.ready = false;
	recordings.dir = mem_deref(recordings.dir);
}
