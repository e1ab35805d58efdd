/* Recordings: from sound to a file and back, with the thread and a directory of
 * its own. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <re.h>

#include "server/loop.h"
#include "server/recordings_impl.h"
#include "sip/call.h"
#include "tests/test.h"

enum { PATIENCE_MS = 10000 };

static const char id[] = "call_01J9ZK3V5X8Q2M4N6P7R9S0T1W";

struct world {
	char top[64], dir[96], file[160];
	struct gw_recordings_track *rec;
	struct gw_recordings_reader *reader;
	struct gw_recordings_end end;
	unsigned ends;
	bool opened;
	int opened_err;
	uint64_t bytes;
	uint8_t got[256 << 10];
	size_t got_len;
};

static void remove_dir(const char *dir)
{
	char path[400];
	struct dirent *de;
	DIR *d = opendir(dir);

	while (d && (de = readdir(d))) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, de->d_name);
		(void)unlink(path);
	}
	if (d)
		(void)closedir(d);
	(void)rmdir(dir);
}

static void world_end(void *arg)
{
	struct world *w = arg;

	mem_deref(w->rec);
	mem_deref(w->reader);
	gw_recordings_close();
	gw_loop_drain();
	remove_dir(w->dir);
	remove_dir(w->top);
	gw_loop_close();
	free(w);
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	(void)snprintf(w->top, sizeof(w->top), "%s/bellpull-rec-XXXXXX",
		       getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (gw_loop_init() || !mkdtemp(w->top)) {
		free(w);
		return NULL;
	}
	(void)snprintf(w->dir, sizeof(w->dir), "%s/recordings", w->top);
	(void)snprintf(w->file, sizeof(w->file), "%s/%s.wav", w->dir, id);
	test_later(world_end, w);
	return w;
}

static void ended(const struct gw_recordings_end *end, void *arg)
{
	struct world *w = arg;

	w->end = *end;
	w->ends++;
}

static void add(struct world *w, uint32_t rate, size_t pairs, bool last)
{
	int16_t samples[200];
	size_t i;

	for (i = 0; i < pairs * 2; i++)
		samples[i] = (int16_t)(i % 2 ? -1000 : 1000);
	gw_recordings_add(w->rec,
			  &(const struct gw_call_sound){ .samples = samples,
							 .pairs = pairs,
							 .rate = rate,
							 .last = last });
}

static bool has_ended(void *arg)
{
	const struct world *w = arg;

	return w->ends > 0;
}

static int wait_end(struct world *w)
{
	CHECK_OK(test_run_until(has_ended, w, PATIENCE_MS));
	CHECK_INT(w->ends, 1);
	w->ends = 0;
	return 0;
}

static int64_t size_of(const char *file)
{
	struct stat st;

	return stat(file, &st) ? -1 : (int64_t)st.st_size;
}

/* Reading ------------------------------------------------------------------- */

static void opened(int err, uint64_t bytes, void *arg)
{
	struct world *w = arg;

	w->opened = true;
	w->opened_err = err;
	w->bytes = bytes;
}

static void more(void *arg)
{
	(void)arg;
}

static bool is_read(void *arg)
{
	struct world *w = arg;
	int n;

	if (!w->opened)
		return false;
	if (w->opened_err)
		return true;
	while (w->got_len < w->bytes && w->got_len < sizeof(w->got) &&
	       (n = gw_recordings_read(w->reader, w->got + w->got_len, 100)) >
		       0)
		w->got_len += (size_t)n;
	return w->got_len >= w->bytes;
}

static int read_it(struct world *w)
{
	static const struct gw_recordings_reader_h h = { opened, more };

	w->reader = mem_deref(w->reader);
	w->opened = false;
	w->got_len = 0;
	CHECK_OK(gw_recordings_reader_alloc(&w->reader, id, &h, w));
	CHECK_OK(test_run_until(is_read, w, PATIENCE_MS));
	return 0;
}

/* Stories ------------------------------------------------------------------- */

static int test_recordings_write_and_read(void)
{
	struct world *w = world_new();
	struct gw_recordings_end found;
	struct stat st;

	CHECK(w);
	CHECK_OK(gw_recordings_open(w->dir, 90));
	CHECK_OK(gw_recordings_track_alloc(&w->rec, id, ended, w));
	add(w, 8000, 80, false);
	add(w, 8000, 40, true);
	if (wait_end(w))
		return 1;
	CHECK_OK(w->end.err);
	CHECK_INT(w->end.duration_ms, 15);
	CHECK_INT(w->end.bytes, 44 + 120 * 4);
	CHECK_INT(size_of(w->file), 44 + 120 * 4);
	CHECK(!stat(w->dir, &st));
	CHECK_INT(st.st_mode & 0777, 0700);
	CHECK(!stat(w->file, &st));
	CHECK_INT(st.st_mode & 0777, 0600);

	/* the second run goes behind the first one */
	add(w, 8000, 40, true);
	if (wait_end(w))
		return 1;
	CHECK_INT(w->end.bytes, 44 + 160 * 4);

	if (read_it(w))
		return 1;
	CHECK_OK(w->opened_err);
	CHECK_INT(w->bytes, 44 + 160 * 4);
	CHECK(!memcmp(w->got, "RIFF", 4));
	CHECK_INT(w->got[44] | w->got[45] << 8, 1000);
	CHECK_INT((int16_t)(w->got[46] | w->got[47] << 8), -1000);

	CHECK_OK(gw_recordings_found(&found, id));
	CHECK_INT(found.bytes, w->bytes);
	return 0;
}
TEST(test_recordings_write_and_read);

/* More than the thread reads at once. */
static int test_recordings_read_block_by_block(void)
{
	struct world *w = world_new();
	size_t i;

	CHECK(w);
	CHECK_OK(gw_recordings_open(w->dir, 90));
	CHECK_OK(gw_recordings_track_alloc(&w->rec, id, ended, w));
	for (i = 0; i < 500; i++)
		add(w, 8000, 100, i == 499);
	if (wait_end(w))
		return 1;
	CHECK_OK(w->end.err);
	if (read_it(w))
		return 1;
	CHECK_INT(w->got_len, 44 + 50000 * 4);
	CHECK_INT(w->got[44 + 49999 * 4] | w->got[45 + 49999 * 4] << 8, 1000);
	return 0;
}
TEST(test_recordings_read_block_by_block);

static int test_recordings_failed_run_makes_no_other_file(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(gw_recordings_open(w->dir, 90));
	CHECK_OK(gw_recordings_track_alloc(&w->rec, id, ended, w));
	add(w, 8000, 80, true);
	if (wait_end(w))
		return 1;
	CHECK_OK(w->end.err);
	CHECK(!unlink(w->file)); /* somebody did */
	add(w, 8000, 10, false);
	add(w, 8000, 80, true);
	if (wait_end(w))
		return 1;
	CHECK_ERR(w->end.err, ENOENT);
	CHECK_INT(size_of(w->file), -1);
	return 0;
}
TEST(test_recordings_failed_run_makes_no_other_file);

/* Another leg brings another rate; the file keeps its own. */
static int test_recordings_one_rate(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(gw_recordings_open(w->dir, 90));
	CHECK_OK(gw_recordings_track_alloc(&w->rec, id, ended, w));
	add(w, 16000, 80, false);
	add(w, 8000, 40, false);
	add(w, 48000, 96, true);
	if (wait_end(w))
		return 1;
	CHECK_OK(w->end.err);
	CHECK_INT(w->end.duration_ms, 12);
	CHECK_INT(w->end.bytes, 44 + (80 + 80 + 32) * 4);
	if (read_it(w))
		return 1;
	/* halfway into the 8000s, and into the 48000s */
	CHECK_INT(w->got[44 + 121 * 4] | w->got[45 + 121 * 4] << 8, 1000);
	CHECK_INT(w->got[44 + 180 * 4] | w->got[45 + 180 * 4] << 8, 1000);
	return 0;
}
TEST(test_recordings_one_rate);

static int test_recordings_no_directory(void)
{
	struct world *w = world_new();

	CHECK(w);
	CHECK_OK(gw_recordings_open("/dev/null/nowhere", 90));
	CHECK_OK(gw_recordings_track_alloc(&w->rec, id, ended, w));
	add(w, 8000, 80, false);
	add(w, 8000, 80, true);
	if (wait_end(w))
		return 1;
	CHECK_ERR(w->end.err, ENOTDIR);
	CHECK_INT(w->end.bytes, 0);
	if (read_it(w))
		return 1;
	CHECK(w->opened_err != 0);
	return 0;
}
TEST(test_recordings_no_directory);

static int test_recordings_names_are_ids(void)
{
	struct world *w = world_new();
	struct gw_recordings_end found;
	char name[GW_RECORDING_NAME_SIZE];

	CHECK(w);
	CHECK_OK(gw_recordings_open(w->dir, 90));
	CHECK(!gw_recordings_name(name, "../../etc/passwd"));
	CHECK_ERR(gw_recordings_track_alloc(&w->rec, "../x", ended, w), EINVAL);
	CHECK_ERR(gw_recordings_found(&found, "../x"), ENOENT);
	CHECK_ERR(gw_recordings_found(&found, id), ENOENT);
	return 0;
}
TEST(test_recordings_names_are_ids);

static int make(const char *dir, const char *name, time_t written)
{
	const struct timespec times[2] = { { .tv_sec = written },
					   { .tv_sec = written } };
	char path[200];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	CHECK(!futimens(fd, times));
	CHECK(!close(fd));
	return 0;
}

static bool old_is_gone(void *arg)
{
	const struct world *w = arg;

	return size_of(w->file) < 0;
}

/* What is too old goes, what isn't ours stays. */
static int test_recordings_old_ones_go(void)
{
	struct world *w = world_new();
	char other[200], young[200];
	const time_t now = time(NULL);

	CHECK(w);
	CHECK(!mkdir(w->dir, 0700));
	if (make(w->dir, "call_01J9ZK3V5X8Q2M4N6P7R9S0T1W.wav",
		 now - 3 * 86400) ||
	    make(w->dir, "call_01J9ZK3V5X8Q2M4N6P7R9S0T1X.wav", now - 86400) ||
	    make(w->dir, "holiday.wav", now - 30 * 86400))
		return 1;
	CHECK_OK(gw_recordings_open(w->dir, 2));
	CHECK_OK(test_run_until(old_is_gone, w, PATIENCE_MS));
	gw_recordings_close();
	(void)snprintf(other, sizeof(other), "%s/holiday.wav", w->dir);
	(void)snprintf(young, sizeof(young), "%s/%sX.wav", w->dir,
		       "call_01J9ZK3V5X8Q2M4N6P7R9S0T1");
	CHECK_INT(size_of(other), 0);
	CHECK_INT(size_of(young), 0);
	return 0;
}
TEST(test_recordings_old_ones_go);

static int test_recordings_head(void)
{
	uint8_t head[GW_WAV_HEAD];
	uint32_t rate, pairs;

	gw_wav_head(head, 16000, 100);
	CHECK(gw_wav_read_head(head, &rate, &pairs));
	CHECK_INT(rate, 16000);
	CHECK_INT(pairs, 100);
	head[22] = 1; /* mono */
	CHECK(!gw_wav_read_head(head, &rate, &pairs));
	return 0;
}
TEST(test_recordings_head);
